//! Functions, outcomes, guards, budgets, sets.

use std::sync::Arc;

use ruleward_policy::{Outcome, ProgramSet, Reason, Scratch};
use serde_json::{Value, json};

use crate::support::{World, compile, holds, run};

#[track_caller]
fn all_true(resource: &Value, world: &World, expressions: &[&str]) {
    for expression in expressions {
        assert_eq!(holds(expression, resource, world), Outcome::NonCompliant, "{expression}");
    }
}

#[test]
fn functions() {
    let resource = json!({
        "id": "x", "tags": {"a": "1", "b": null}, "n": 5, "s": "añ\u{1F600}\n", "t": true,
        "list": [1, 2, 3, {"k": [1, 2]}, {"k": [3]}], "empty": null,
        "properties": {"OS-EXT-SRV-ATTR": {"host": "h"}, "a.b": 7, "x": {"y": {"z": "deep"}}}
    });
    all_true(
        &resource,
        &World::default(),
        &[
            "equals(length(resource().list), 5)",
            "equals(length(resource().tags), 2)",
            "equals(length(resource().s), 4)",
            "equals(length(resource().nothing), 0)",
            "equals(length(resource().empty), 0)",
            "equals(length(resource().n), 0)",
            "equals(length(resource()), 8)",
            "equals(getValue(resource().tags, 'a'), '1')",
            "equals(getValue(resource(), 'n'), 5)",
        ],
    );
    all_true(
        &resource,
        &World::default(),
        &[
            "equals(resource().properties['OS-EXT-SRV-ATTR'].host, 'h')",
            "equals(resource().properties['a.b'], 7)",
            "equals(getValue(resource().properties.x, 'y').z, 'deep')",
            "not(equals(getValue(resource().list, 'a'), 1))",
            "contains(resource().list, 3)",
            "not(contains(resource().list, '3'))",
            "equals(coalesce(resource().empty, resource().none, 'd'), 'd')",
            "equals(coalesce(resource().t, 'd'), true)",
            "resource().t",
            "and(true, resource().t)",
            "not(and(true, resource().n))",
            "or(false, resource().n, resource().t)",
            "not(resource().n)",
            "not(resource().none)",
            "not(or(null, 'true', 1))",
            "equals(length(filter(resource().list, lambda x: greater(x, 1))), 2)",
            "equals(length(filter(resource().tags, lambda x: true)), 0)",
            "equals(filter(resource().list, lambda x: less(x, 3)), filter(resource().list, lambda y: in(y, filter(resource().list, lambda z: less(z, 3)))))",
            // An inner variable hides an outer one of the same name.
            "equals(length(filter(resource().list, lambda x: equals(length(filter(x.k, lambda x: greater(x, 2))), 1))), 1)",
            "equals(length(filter(resource().list, lambda x: greater(length(filter(x.k, lambda y: equals(length(x.k), 2))), 0))), 1)",
            "equals(length(filter(filter(resource().list, lambda x: greater(x, 1)), lambda x: less(x, 3))), 1)",
            "contains(filter(resource().list, lambda x: greater(x, 1)), 2)",
            "not(contains(filter(resource().list, lambda x: greater(x, 1)), 1))",
            "in(2, filter(resource().list, lambda x: greater(x, 1)))",
        ],
    );
}

#[test]
fn days() {
    let world = World { now_ms: 1_767_225_600_000, ..World::default() };
    let resource = json!({
        "a": "2025-12-31T00:00:00Z", "b": "2025-12-31 12:00:00.0", "c": 1_767_139_200_000_i64,
        "d": "2026-01-01T08:00:00+08:00", "e": "soon", "f": "2026-01-02"
    });
    all_true(
        &resource,
        &world,
        &[
            "equals(daysSince(resource().a), 1)",
            "equals(daysSince(resource().b), 0.5)",
            "equals(daysSince(resource().c), 1)",
            "equals(daysSince(resource().d), 0)",
            "equals(daysSince(resource().f), -1)",
            "not(equals(daysSince(resource().e), 0))",
            "not(greaterOrEquals(daysSince(resource().none), 0))",
        ],
    );
}

#[test]
fn what_cannot_be_known_stays_open() {
    let resource = json!({"a": null, "list": []});
    let open = |expression: &str| holds(expression, &resource, &World::default());
    assert_eq!(open("recorder().enabled"), Outcome::Undetermined(Reason::RecorderUnknown));
    assert_eq!(
        open("contains(resources('a.b'), 1)"),
        Outcome::Undetermined(Reason::LookupUnavailable)
    );
    assert_eq!(open("needed(resource().b)"), Outcome::Undetermined(Reason::NeededValueMissing));
    assert_eq!(open("needed(resource().a)"), Outcome::Compliant);
    // A list that is made has null where a value was missing.
    assert_eq!(open("isNull(needed(at(map([1], lambda x: x.a), 0)))"), Outcome::NonCompliant);
    // What is not reached does not matter.
    assert_eq!(open("and(false, recorder().enabled)"), Outcome::Compliant);
    assert_eq!(open("or(true, recorder().enabled)"), Outcome::NonCompliant);
    assert_eq!(
        open("equals(length(filter(resource().list, lambda x: recorder().enabled)), 0)"),
        Outcome::NonCompliant
    );
}

#[test]
fn what_parameters_lack_is_missing_too() {
    let open = Outcome::Undetermined(Reason::NeededValueMissing);
    let judge = |expression: &str| {
        let rule = json!({
            "value": format!("${{{expression}}}"), "comparator": "equals", "pattern": true
        });
        run(&compile(&rule, &json!({"p": {"n": null}})), br#"{"a": "x"}"#, &World::default())
    };
    for (expression, outcome) in [
        ("isNull(needed(parameters('p').a))", open),
        ("isNull(needed(coalesce(parameters('p').a, parameters('p').b)))", open),
        ("isNull(needed(parameters('p').n))", Outcome::NonCompliant),
        ("isNull(parameters('p').a)", Outcome::NonCompliant),
        ("equals(length([parameters('p').a]), 1)", Outcome::NonCompliant),
        ("match(resource().a, parameters('p').a)", Outcome::Compliant),
        ("notMatch(resource().a, parameters('p').a)", Outcome::NonCompliant),
        ("match(resource().a, needed(parameters('p').a))", open),
        ("match(resource().a, concat('^', needed(parameters('p').a)))", open),
        ("and(false, match(resource().a, needed(parameters('p').a)))", Outcome::Compliant),
    ] {
        assert_eq!(judge(expression), outcome, "{expression}");
    }
}

#[test]
fn look_ups_give_whole_resources() {
    let world = World::default().with("a.b", &json!([{"id": "1", "n": 1}, {"id": "2", "n": 2}]));
    all_true(
        &json!({"id": "2"}),
        &world,
        &[
            "equals(length(resources('a.b')), 2)",
            "equals(length(filter(resources('a.b'), lambda r: equals(r.id, resource().id))), 1)",
        ],
    );
}

#[test]
fn budgets_end_a_run() {
    let list: Vec<_> = (0..400).collect();
    let resource = json!({ "list": list });
    let squared =
        "equals(length(filter(resource().list, lambda x: contains(resource().list, -1))), 0)";
    assert_eq!(
        holds(squared, &resource, &World::default()),
        Outcome::Undetermined(Reason::BudgetExceeded)
    );
    let once = "equals(length(filter(resource().list, lambda x: less(x, 0))), 0)";
    assert_eq!(holds(once, &resource, &World::default()), Outcome::NonCompliant);
    // Values nested far too deeply cost a verdict, not the process.
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let rule =
        json!({"value": "${resource().a}", "comparator": "equals", "pattern": "${resource().a}"});
    let outcome = run(&compile(&rule, &Value::Null), deep.as_bytes(), &World::default());
    assert_eq!(outcome, Outcome::Undetermined(Reason::BudgetExceeded));
}

#[test]
fn guards_are_read_off_the_rule() {
    let condition = |value: &str, pattern: &str| json!({"value": format!("${{resource().{value}}}"), "comparator": "equals", "pattern": pattern});
    let guarded = |provider: &str, kind: &str| json!({"allOf": [condition("type", kind), condition("provider", provider), condition("a", "b")]});
    let guards =
        |rule: &Value| compile(rule, &Value::Null).guards().map(<[(String, String)]>::to_vec);
    let pair = |provider: &str, kind: &str| (provider.to_owned(), kind.to_owned());
    assert_eq!(guards(&guarded("p", "t")), Some(vec![pair("p", "t")]));
    let two = json!({"anyOf": [guarded("p", "t"), guarded("q", "u")]});
    assert_eq!(guards(&two), Some(vec![pair("p", "t"), pair("q", "u")]));
    assert_eq!(guards(&json!({"allOf": [two.clone(), condition("a", "b")]})).unwrap().len(), 2);
    assert_eq!(guards(&json!({"anyOf": [guarded("p", "t"), condition("a", "b")]})), None);
    assert_eq!(guards(&json!({"allOf": [condition("provider", "p"), condition("a", "b")]})), None);
    let late =
        json!({"allOf": [condition("a", "b"), condition("provider", "p"), condition("type", "t")]});
    assert_eq!(guards(&late), None);
    let rule = compile(&two, &Value::Null);
    let judge = |body: Value| run(&rule, body.to_string().as_bytes(), &World::default());
    assert_eq!(judge(json!({"provider": "q", "type": "u", "a": "b"})), Outcome::NonCompliant);
    assert_eq!(judge(json!({"provider": "p", "type": "u", "a": "b"})), Outcome::Compliant);
    assert_eq!(judge(json!({"provider": "q", "type": "u", "a": "c"})), Outcome::Compliant);
    assert_eq!(judge(json!({"a": "b"})), Outcome::Compliant);
}

#[test]
fn a_set_answers_in_order_and_can_be_used_again() {
    let is = |key: &str, text: &str| {
        compile(
            &json!({"value": format!("${{resource().{key}}}"), "comparator": "equals", "pattern": text}),
            &Value::Null,
        )
    };
    let programs: Vec<Arc<_>> = vec![is("a", "1"), is("b.c", "2"), is("b", "3"), is("a", "4")];
    let set = ProgramSet::new(&programs);
    assert_eq!(set.len(), 4);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    for _ in 0..2 {
        set.evaluate(&mut scratch, br#"{"b": {"c": "2"}, "a": "4"}"#, &World::default(), &mut out);
        let (yes, no) = (Outcome::NonCompliant, Outcome::Compliant);
        assert_eq!(out, [no, yes, no, yes]);
        set.evaluate(&mut scratch, b"[]", &World::default(), &mut out);
        assert_eq!(out, [Outcome::Undetermined(Reason::NotJson); 4]);
    }
    let empty = ProgramSet::new(&[]);
    assert!(empty.is_empty());
    empty.evaluate(&mut scratch, b"{}", &World::default(), &mut out);
    assert!(out.is_empty());
}
