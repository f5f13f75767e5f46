//! Judging a resource by others.

use std::sync::Arc;

use ruleward_policy::{Outcome, Policy, ProgramSet, Reason, Scratch, explain};
use serde_json::{Map, Value, json};

use crate::support::{World, compile, holds, run};

fn world() -> World {
    World { account: Some(json!({"id": "acc", "organization": null})), ..World::default() }
        .with(
            "cbr.vault",
            &json!([
                {"id": "v1", "properties": {"resources": [{"id": "s1", "type": "server"}, {"id": "s\u{e9}"}]}},
                {"id": "v2", "properties": {"resources": []}},
                {"id": "v3", "properties": {"resources": [{"id": "s2"}, {"id": 7}, {"id": null}, {}, "s3"]}},
                {"id": "v4", "properties": {"resources": null}},
                {"id": "v5", "properties": {"resources": [{"id": ["s4"]}, {"id": true}, {"id": "s1"}]}},
                {"id": "v6"}
            ]),
        )
        .with("iam.groups", &json!([{"id": "g", "properties": {"users": ["u1", "u2"]}}, {"id": "h"}]))
        .with("x.texts", &json!([{"properties": {"users": "u1,u2"}}, {"properties": {"users": {"u3": 1}}}]))
        .with("no.ne", &json!([]))
}

#[test]
fn joins_find_what_a_walk_finds() {
    let rows = json!([
        [
            "any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: equals(r.id, resource().id)))",
            ["s1", "s2", "s\u{e9}", 7, 7.0, true, ["s4"]]
        ],
        [
            "any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: equals(resource().id, r.id)))",
            ["s1", "s2", "s\u{e9}", 7, 7.0, true, ["s4"]]
        ],
        [
            "any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: and(equals(r.type, 'server'), equals(r.id, resource().id))))",
            ["s1"]
        ],
        [
            "any(resources('cbr.vault'), lambda v: and(equals(v.id, 'v3'), any(v.properties.resources, lambda r: equals(r.id, resource().id))))",
            ["s2", 7, 7.0]
        ],
        [
            "any(resources('cbr.vault'), lambda v: contains(v.properties.resources, resource().id))",
            ["s3"]
        ],
        ["any(resources('cbr.vault'), lambda v: equals(v.id, resource().id))", ["v1", "v6"]],
        [
            "greater(length(filter(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: equals(r.id, resource().id)))), 1)",
            ["s1"]
        ],
        [
            "any(resources('iam.groups'), lambda g: contains(g.properties.users, resource().id))",
            ["u1"]
        ],
        ["any(resources('iam.groups'), lambda g: in(resource().id, g.properties.users))", ["u1"]],
        [
            "any(resources('x.texts'), lambda g: contains(g.properties.users, resource().id))",
            ["u1", "u3", ""]
        ],
        ["any(resources('no.ne'), lambda g: equals(g.id, resource().id))", []],
        [
            "any(resource().nodes, lambda n: any(resources('cbr.vault'), lambda v: equals(v.id, n.vault)))",
            ["n"]
        ],
        [
            "any(resources('cbr.vault'), lambda r: any(r.properties.resources, lambda r: equals(r.id, resource().id)))",
            ["s1", "s2", "s\u{e9}", 7, 7.0, true, ["s4"]]
        ],
        [
            "any(resources('cbr.vault'), lambda v: equals(v.id, lower(resource().id)))",
            ["v1", "V1", "v6"]
        ],
        [
            "any(resources('cbr.vault'), lambda v: equals(v.properties.resources, resource().list))",
            ["list"]
        ]
    ]);
    let candidates = json!([
        "s1", "s2", "s3", "s\u{e9}", "s4", "u1", "u3", "v1", "V1", "v6", "list", "n", "x", "", 7, 7.0, true, false, null, ["s4"], {"a": 1}
    ]);
    for row in rows.as_array().unwrap() {
        let expression = row[0].as_str().unwrap();
        let rule =
            json!({"value": format!("${{{expression}}}"), "comparator": "equals", "pattern": true});
        let program = compile(&rule, &Value::Null);
        assert_eq!(program.lookup_keys().len(), 1, "{expression}");
        // One batch, so that the index is used again.
        let (mut scratch, mut out) = (Scratch::new(), Vec::new());
        let (set, world) = (ProgramSet::new(&[Arc::clone(&program)]), world());
        for id in candidates.as_array().unwrap() {
            let mut resource = json!({"id": id, "provider": "ecs"});
            if id == "list" {
                resource["list"] = json!([]);
            }
            if id == "n" {
                resource["nodes"] = json!([{"vault": "none"}, {"vault": "v2"}]);
            }
            let expected = if row[1].as_array().unwrap().contains(id) {
                Outcome::NonCompliant
            } else {
                Outcome::Compliant
            };
            let body = resource.to_string();
            set.evaluate(&mut scratch, body.as_bytes(), &world, &mut out);
            assert_eq!(out, [expected], "{expression} with {id}");
            assert_eq!(run(&program, body.as_bytes(), &world), expected);
            let told = explain(&program, body.as_bytes(), &world);
            assert_eq!(told.outcome == "non_compliant", expected == Outcome::NonCompliant);
        }
        scratch.forget_lookups();
    }
}

#[test]
fn keys_tell_by_what_is_looked_up() {
    let rule = json!({"value": "${any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: equals(r.id, resource().id)))}", "comparator": "equals", "pattern": false});
    let program = compile(&rule, &Value::Null);
    let [key] = program.lookup_keys() else { panic!("one key") };
    assert_eq!(key.provider_type, "cbr.vault");
    assert_eq!(key.path, ["properties", "resources", "[]", "id"]);
    assert_eq!(key.of_resource, Some(vec!["id".to_owned()]));
    // What can leave the verdict open before the key is asked for is not passed over.
    for expression in [
        "any(resources('a.b'), lambda v: and(needed(v.on), equals(v.id, resource().id)))",
        "any(resources('a.b'), lambda v: and(recorder().enabled, equals(v.id, resource().id)))",
        "any(resources('a.b'), lambda v: or(equals(v.id, resource().id), equals(v.x, 1)))",
        "any(resources('a.b'), lambda v: equals(v.id, needed(resource().id)))",
        "any(resources('a.b'), lambda v: equals(v.id, parameters('p')))",
        "any(resources('a.b'), lambda v: equals(v.id, v.other))",
        "all(resources('a.b'), lambda v: equals(v.id, resource().id))",
        "any(filter(resources('a.b'), lambda v: v.on), lambda v: equals(v.id, resource().id))",
    ] {
        let rule =
            json!({"value": format!("${{{expression}}}"), "comparator": "equals", "pattern": true});
        assert!(compile(&rule, &json!({"p": "x"})).lookup_keys().is_empty(), "{expression}");
    }
}

#[test]
fn a_join_is_not_quadratic() {
    let vaults: Vec<_> = (0..20_000)
        .map(|n| json!({"id": format!("v{n}"), "properties": {"resources": [{"id": format!("s{n}")}, {"id": format!("t{n}")}]}}))
        .collect();
    let world = World::default().with("cbr.vault", &Value::Array(vaults));
    let rule = json!({"value": "${any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: equals(r.id, resource().id)))}", "comparator": "equals", "pattern": false});
    let program = compile(&rule, &Value::Null);
    let set = ProgramSet::new(&[program]);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    for number in 0..2_000 {
        let body = json!({"id": format!("t{}", number * 20)}).to_string();
        set.evaluate(&mut scratch, body.as_bytes(), &world, &mut out);
        let inside = number < 1_000;
        let expected = if inside { Outcome::Compliant } else { Outcome::NonCompliant };
        assert_eq!(out, [expected]);
    }
    // Without a key the budget ends it.
    let walk = "any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: endsWith(r.id, resource().id)))";
    let open = holds(walk, &json!({"id": "nowhere"}), &world);
    assert_eq!(open, Outcome::Undetermined(Reason::BudgetExceeded));
}

#[test]
fn other_inventories_are_seen() {
    let rule = json!({"value": "${any(resources('a.b'), lambda v: equals(v.id, resource().id))}", "comparator": "equals", "pattern": true});
    let set = ProgramSet::new(&[compile(&rule, &Value::Null)]);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    for id in ["x", "y", "x"] {
        let world = World::default().with("a.b", &json!([{"id": id}]));
        set.evaluate(&mut scratch, br#"{"id": "x"}"#, &world, &mut out);
        let expected = if id == "x" { Outcome::NonCompliant } else { Outcome::Compliant };
        assert_eq!(out, [expected]);
    }
}

#[test]
fn the_account_and_the_recorder() {
    let mut world = world();
    let yes = |expression: &str, world: &World| holds(expression, &json!({}), world);
    assert_eq!(yes("equals(account().id, 'acc')", &world), Outcome::NonCompliant);
    assert_eq!(yes("isNull(account().organization.id)", &world), Outcome::NonCompliant);
    world.recorder = Some(true);
    assert_eq!(yes("recorder().enabled", &world), Outcome::NonCompliant);
    let open = Outcome::Undetermined(Reason::LookupUnavailable);
    assert_eq!(yes("equals(account().id, 'acc')", &World::default()), open);
    let rule = json!({"value": "${account().id}", "comparator": "equals", "pattern": "a"});
    let policy = Policy::parse(&rule.to_string()).unwrap();
    assert!(policy.reads_account() && policy.compile(&Map::new()).unwrap().reads_account());
}

#[test]
fn needed_paths_leave_the_verdict_open() {
    let guarded = json!({"allOf": [
        {"value": "${resource().provider}", "comparator": "equals", "pattern": "ecs"},
        {"value": "${resource().type}", "comparator": "equals", "pattern": "servers"},
        {"value": "${resource().properties.key}", "comparator": "notEquals", "pattern": "k"}
    ]});
    let policy = Policy::parse(&guarded.to_string()).unwrap();
    let policy = policy.with_needs(&["properties.key".to_owned(), "['a b']".to_owned()]).unwrap();
    assert_eq!(
        policy.needs(),
        [vec!["properties".to_owned(), "key".to_owned()], vec!["a b".to_owned()]]
    );
    let program = Arc::new(policy.compile(&Map::new()).unwrap());
    let judge = |resource: Value| {
        let body = resource.to_string();
        let outcome = run(&program, body.as_bytes(), &World::default());
        let told = explain(&program, body.as_bytes(), &World::default());
        let open = matches!(outcome, Outcome::Undetermined(_));
        assert_eq!(told.outcome == "undetermined", open, "{resource}");
        assert_eq!(!told.missing.is_empty(), open, "{resource}");
        outcome
    };
    let open = Outcome::Undetermined(Reason::NeededValueMissing);
    let server = |more: Value| {
        let mut server = json!({"provider": "ecs", "type": "servers"});
        server.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server
    };
    assert_eq!(judge(server(json!({}))), open);
    assert_eq!(judge(server(json!({"properties": {"key": "k"}}))), open);
    assert_eq!(judge(server(json!({"properties": {"key": "k"}, "a b": null}))), Outcome::Compliant);
    assert_eq!(
        judge(server(json!({"properties": {"key": null}, "a b": 1}))),
        Outcome::NonCompliant
    );
    assert_eq!(judge(json!({"provider": "ecs", "type": "other"})), Outcome::Compliant);
    assert_eq!(judge(json!({})), Outcome::Compliant);
    for (wrong, column) in [("", 1), ("a..b", 3), ("a b", 3), ("length(x)", 7), ("a['b", 3)] {
        let policy = Policy::parse(&guarded.to_string()).unwrap();
        let error = policy.with_needs(&[wrong.to_owned()]).unwrap_err();
        assert_eq!((error.line, error.column), (1, column), "{wrong}: {error}");
    }
}
