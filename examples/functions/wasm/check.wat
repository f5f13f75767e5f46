;; The smallest function: compliant if the event says somewhere that the status is ACTIVE.
;; An assembler makes a module of it: `wat2wasm check.wat`, or `wasm-tools parse check.wat -o check.wasm`.
(module
  (import "ruleward" "log" (func $log (param i32 i32)))
  ;; One page: the texts below, then the event.
  (memory (export "memory") 1)
  (data (i32.const 0) "\"status\":\"ACTIVE\"")
  (data (i32.const 32) "{\"compliance_state\":\"Compliant\"}")
  (data (i32.const 96) "{\"compliance_state\":\"NonCompliant\",\"reason\":\"it is not active\"}")
  (data (i32.const 192) "looked at an event")

  ;; The event is put behind the texts; memory grows if it is longer than what is left.
  (func (export "alloc") (param $length i32) (result i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub (i32.add (i32.const 1024) (local.get $length))
               (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (drop (memory.grow
          (i32.div_u (i32.add (local.get $missing) (i32.const 65535)) (i32.const 65536))))))
    (i32.const 1024))

  ;; Whether the 17 bytes of the wanted text stand at a place.
  (func $stands_at (param $place i32) (result i32)
    (local $index i32)
    (loop $next
      (if (i32.ne (i32.load8_u (i32.add (local.get $place) (local.get $index)))
                  (i32.load8_u (local.get $index)))
        (then (return (i32.const 0))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $index) (i32.const 17))))
    (i32.const 1))

  (func (export "evaluate") (param $place i32) (param $length i32) (result i64)
    (local $last i32)
    (call $log (i32.const 192) (i32.const 18))
    (local.set $last (i32.sub (i32.add (local.get $place) (local.get $length)) (i32.const 17)))
    (loop $next
      (if (i32.le_s (local.get $place) (local.get $last))
        (then
          ;; Place 32, 32 bytes.
          (if (call $stands_at (local.get $place))
            (then (return (i64.or (i64.shl (i64.const 32) (i64.const 32)) (i64.const 32)))))
          (local.set $place (i32.add (local.get $place) (i32.const 1)))
          (br $next))))
    ;; Place 96, 63 bytes.
    (i64.or (i64.shl (i64.const 96) (i64.const 32)) (i64.const 63))))
