//! One event in one instance of a module.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use wasmi::{
    Caller, Error, Extern, Instance, Linker, Memory, Module, Store, StoreLimits,
    StoreLimitsBuilder, TrapCode, TypedFunc, TypedResumableCall, WasmParams, WasmResults,
};

use crate::output::Output;

/// Fuel after which the clock is looked at: some ten milliseconds.
const SLICE: u64 = 10_000_000;
/// Elements of a table, the module's functions mostly.
const MOST_TABLE_ELEMENTS: usize = 100_000;

/// What holds for one event.
#[derive(Debug)]
pub(super) struct Bounds {
    pub memory_bytes: usize,
    pub fuel: u64,
    pub result_bytes: usize,
    pub deadline: Instant,
    /// Set when nobody waits any more.
    pub abandoned: Arc<AtomicBool>,
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Stopped {
    Late,
    OutOfFuel,
    OutOfMemory,
    /// It does not import and export what it has to.
    Unfit(String),
    Trap(String),
    /// The result is not where it is said to be, or too long.
    Result(String),
}

/// What the instance's imports work on.
struct Host<'a> {
    limits: StoreLimits,
    output: &'a mut Output,
}

/// Runs `alloc` and `evaluate` of a new instance and reads the result.
pub(super) fn evaluate(
    module: &Module,
    event: &str,
    bounds: &Bounds,
    output: &mut Output,
) -> Result<Vec<u8>, Stopped> {
    let limits = StoreLimitsBuilder::new()
        .memory_size(bounds.memory_bytes)
        .table_elements(MOST_TABLE_ELEMENTS)
        // What cannot grow ends it: languages without exceptions would end in an obscure trap.
        .trap_on_grow_failure(true)
        .build();
    let mut store = Store::new(module.engine(), Host { limits, output });
    store.limiter(|host| &mut host.limits);
    let mut linker = Linker::new(module.engine());
    linker.func_wrap("ruleward", "log", log).map_err(|error| Stopped::Unfit(error.to_string()))?;
    let mut meter = Meter { left: bounds.fuel, bounds };
    meter.fill(&mut store, 0)?;
    let instance = linker.instantiate_and_start(&mut store, module).map_err(unfit)?;

    let memory = instance
        .get_memory(&store, "memory")
        .ok_or_else(|| Stopped::Unfit("it exports no `memory`".to_owned()))?;
    let alloc: TypedFunc<i32, i32> = function(&store, instance, "alloc")?;
    let judge: TypedFunc<(i32, i32), i64> = function(&store, instance, "evaluate")?;

    let length = i32::try_from(event.len()).map_err(|_| Stopped::OutOfMemory)?;
    let place = meter.call(&mut store, alloc, length)?;
    memory
        .write(&mut store, at(place), event.as_bytes())
        .map_err(|_| Stopped::Trap("`alloc` answered a place outside its memory".to_owned()))?;
    let answer = meter.call(&mut store, judge, (place, length))?;
    read(&store, memory, answer, bounds.result_bytes)
}

/// Runs calls slice by slice, so that clock and caller can end them.
struct Meter<'a> {
    left: u64,
    bounds: &'a Bounds,
}

impl Meter<'_> {
    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        store: &mut Store<Host<'_>>,
        function: TypedFunc<P, R>,
        parameters: P,
    ) -> Result<R, Stopped> {
        let mut call = function.call_resumable(&mut *store, parameters).map_err(trap)?;
        loop {
            match call {
                TypedResumableCall::Finished(result) => return Ok(result),
                TypedResumableCall::HostTrap(trap) => {
                    return Err(Stopped::Trap(trap.host_error().to_string()));
                }
                TypedResumableCall::OutOfFuel(waiting) => {
                    self.fill(store, waiting.required_fuel())?;
                    call = waiting.resume(&mut *store).map_err(trap)?;
                }
            }
        }
    }

    /// Gives fuel for another slice, of at least so much.
    fn fill(&mut self, store: &mut Store<Host<'_>>, least: u64) -> Result<(), Stopped> {
        if self.bounds.abandoned.load(Ordering::Relaxed) || Instant::now() >= self.bounds.deadline {
            return Err(Stopped::Late);
        }
        let broken = |error: Error| Stopped::Trap(error.to_string());
        let unspent = store.get_fuel().map_err(broken)?;
        let slice = SLICE.max(least);
        let added = slice.saturating_sub(unspent);
        self.left = self.left.checked_sub(added).ok_or(Stopped::OutOfFuel)?;
        store.set_fuel(slice).map_err(broken)
    }
}

/// The import `ruleward.log`: a line of the log.
fn log(mut caller: Caller<'_, Host<'_>>, place: i32, length: i32) -> Result<(), Error> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(Error::new("it exports no `memory`"));
    };
    let (data, host) = memory.data_and_store_mut(&mut caller);
    let text = data
        .get(at(place)..at(place).saturating_add(at(length)))
        .ok_or_else(|| Error::new("`log` was given a place outside the memory"))?;
    host.output.take(text);
    host.output.take(b"\n");
    Ok(())
}

fn function<P: WasmParams, R: WasmResults>(
    store: &Store<Host<'_>>,
    instance: Instance,
    name: &str,
) -> Result<TypedFunc<P, R>, Stopped> {
    instance
        .get_typed_func(store, name)
        .map_err(|error| Stopped::Unfit(format!("export `{name}`: {error}")))
}

fn read(
    store: &Store<Host<'_>>,
    memory: Memory,
    answer: i64,
    most: usize,
) -> Result<Vec<u8>, Stopped> {
    let [place, length] = [answer >> 32, answer & 0xffff_ffff]
        .map(|half| usize::try_from(half & 0xffff_ffff).unwrap_or(usize::MAX));
    if length > most {
        return Err(Stopped::Result(format!("a result of {length} bytes; {most} are allowed")));
    }
    memory
        .data(store)
        .get(place..place.saturating_add(length))
        .map(<[u8]>::to_vec)
        .ok_or_else(|| Stopped::Result("the result is not in its memory".to_owned()))
}

/// A place or a length of 32 bits: signed in the language of types, unsigned in meaning.
fn at(place: i32) -> usize {
    usize::try_from(place.cast_unsigned()).unwrap_or(usize::MAX)
}

fn unfit(error: Error) -> Stopped {
    match trap(error) {
        Stopped::Trap(words) => Stopped::Unfit(words),
        stopped => stopped,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn trap(error: Error) -> Stopped {
    match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => Stopped::OutOfFuel,
        Some(TrapCode::GrowthOperationLimited) => Stopped::OutOfMemory,
        _ => Stopped::Trap(error.to_string()),
    }
}
