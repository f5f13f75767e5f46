//! What is found from columns is what is found from the resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use ruleward_policy::{
    ColumnBuilder, ColumnSet, Columns, Outcome, Policy, Program, Scratch, catalogue,
};
use serde_json::{Map, Value, json};

use crate::random::{document, expression, key, rule, world};
use crate::support::{World, run};

/// Judges documents from columns, slot by slot; `None` where the document itself has to be read.
/// Slots lie apart, as where resources were deleted, or few are asked for.
fn from_columns(
    set: &ColumnSet,
    program: &Arc<Program>,
    documents: &[String],
    world: &World,
) -> Option<Vec<Option<Outcome>>> {
    let inputs = set.inputs(program)?;
    let apart = if documents.len().is_multiple_of(2) { 3 } else { 13 };
    let slot = |n: usize| n * apart + 1;
    let mut builder = ColumnBuilder::new(set, |_| true);
    for (n, document) in documents.iter().enumerate() {
        builder.add(slot(n), document.as_bytes());
    }
    let stored = builder.finish(slot(documents.len()));
    let mut columns = Columns::new();
    for (id, bytes) in &stored {
        assert!(columns.insert(*id, bytes));
    }
    assert!(inputs.needed().all(|id| columns.has(id)));
    let mut within = vec![0; slot(documents.len()) / 64 + 1];
    for n in 0..documents.len() {
        within[slot(n) / 64] |= 1_u64 << (slot(n) % 64);
    }
    let judged = columns.judge(program, &inputs, &within, world, &mut Scratch::new())?;
    let has = |plane: &[u64], slot: usize| plane[slot / 64] >> (slot % 64) & 1 == 1;
    Some(
        (0..documents.len())
            .map(|n| {
                if has(&judged.unjudged, slot(n)) {
                    None
                } else if has(&judged.non_compliant, slot(n)) {
                    Some(Outcome::NonCompliant)
                } else if has(&judged.undetermined, slot(n)) {
                    // Why is told for the first one only.
                    Some(Outcome::Undetermined(judged.reason.unwrap()))
                } else {
                    Some(Outcome::Compliant)
                }
            })
            .collect(),
    )
}

fn kind(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Compliant => 0,
        Outcome::NonCompliant => 1,
        Outcome::Undetermined(_) => 2,
    }
}

/// Compares, and tells how many documents were judged without being read.
fn agree(set: &ColumnSet, program: &Arc<Program>, documents: &[String], world: &World) -> usize {
    let Some(judged) = from_columns(set, program, documents, world) else { return 0 };
    let mut first = true;
    for (document, outcome) in documents.iter().zip(&judged) {
        let expected = run(program, document.as_bytes(), world);
        let Some(outcome) = *outcome else { continue };
        assert_eq!(kind(outcome), kind(expected), "{document}");
        if kind(outcome) == 2 && std::mem::take(&mut first) {
            assert_eq!(outcome, expected, "{document}");
        }
    }
    judged.iter().flatten().count()
}

/// A rule that asks for keys: what parameters name, what elements have.
fn asking() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec!["['tags']", "['a']", "['properties']['b']"]);
    let asked = prop::sample::select(vec![
        "contains(resource()P, parameters('p'))",
        "notContainsKey(resource()P, parameters('p'))",
        "equals(getValue(resource()P, parameters('p')), 'a')",
        "contains(resource()P, 'b')",
        "isNull(resource()P)",
        "contains(keys(resource()P), 'a')",
        "any(keys(resource()P), lambda x: equals(x, parameters('p')))",
        "greater(length(filter(needed(resource()P), lambda x: equals(x.a, 'a'))), 0)",
        "all(resource()P, lambda x: and(equals(x.a, x.b), notEquals(x.tags, x.type)))",
        "greater(length(resource()P), 1)",
        "any(resource()P, lambda x: equals(x.a, x.b))",
        "any(filter(resource()P, lambda x: contains(x.tags, 'a')), lambda y: equals(y.b, null))",
        "equals(length(filter(coalesce(resource()P, resource().b), lambda x: equals(x.a.b, 1))), 0)",
        "any(resource()P, lambda x: any(x.b, lambda y: equals(y, x.a)))",
        "all(resource()P, lambda x: any(resource().a, lambda y: equals(x, y.a)))",
        "equals(map(resource()P, lambda x: x.a), [])",
        "any(if(isNull(resource().b), resource()P, resource().b), lambda x: equals(x.type, 'a'))",
    ]);
    prop::collection::vec((asked, path), 1..4).prop_map(|parts| {
        let parts: Vec<Value> = parts
            .iter()
            .map(|(asked, path)| {
                let text = format!("${{{}}}", asked.replace('P', path));
                json!({"value": text, "comparator": "equals", "pattern": true})
            })
            .collect();
        json!({"anyOf": parts})
    })
}

fn parameter() -> impl Strategy<Value = Value> {
    prop_oneof![key().prop_map(Value::String), Just(json!(["a", 1, null])), Just(Value::Null)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_rules_over_random_documents(
        documents in prop::collection::vec((document(), 1..5_usize), 1..30),
        rules in prop::collection::vec(prop_oneof![rule(), asking()], 1..4),
        parameter in parameter(),
        pair in prop::option::of(Just("a")),
    ) {
        let documents: Vec<String> = documents
            .into_iter()
            .flat_map(|(mut document, copies)| {
                if let Some(text) = pair {
                    document["provider"] = text.into();
                    document["type"] = text.into();
                }
                std::iter::repeat_n(document.to_string(), copies)
            })
            .collect();
        let policies: Vec<Policy> =
            rules.iter().map(|rule| Policy::parse(&rule.to_string()).unwrap()).collect();
        let set = ColumnSet::new(&policies);
        let parameters = Map::from_iter([("p".to_owned(), parameter)]);
        for policy in &policies {
            let program = Arc::new(policy.compile(&parameters).unwrap());
            agree(&set, &program, &documents, &world());
        }
    }

    #[test]
    fn a_rule_that_reads_paths_finds_them_in_columns(
        documents in prop::collection::vec(document(), 1..8),
        rule in asking(),
        parameter in parameter(),
    ) {
        let documents: Vec<String> = documents.iter().map(Value::to_string).collect();
        let policy = Policy::parse(&rule.to_string()).unwrap();
        let parameters = Map::from_iter([("p".to_owned(), parameter)]);
        let program = Arc::new(policy.compile(&parameters).unwrap());
        let judged = agree(&ColumnSet::new([&policy]), &program, &documents, &world());
        prop_assert_eq!(judged, documents.len());
    }

    #[test]
    fn one_question_of_many_texts(
        texts in prop::collection::vec(prop_oneof!["[ab%_*é-]{0,6}", "[a-c\"]{0,9}"], 1..40),
        pattern in "[ab%_*é-]{0,6}",
        form in 0..6_usize,
        expected in any::<bool>(),
        negate in any::<bool>(),
    ) {
        let comparator = if negate { "notEquals" } else { "equals" };
        let ask = |function: &str| {
            let value = format!("${{{function}(resource().name, parameters('p'))}}");
            json!({"value": value, "comparator": comparator, "pattern": expected})
        };
        let rule = match form {
            0 => ask("like"),
            1 => ask("wildcard"),
            2 => json!({"value": "${resource().name}", "comparator": "match", "pattern": "^a.*b"}),
            3 => json!({"value": "${resource().name}", "comparator": "notMatch", "pattern": "[ac]$"}),
            4 => json!({"value": "${resource().name}", "comparator": comparator, "pattern": texts[0]}),
            _ => json!({"value": "${resource().name}", "comparator": comparator, "pattern": pattern}),
        };
        let mut documents: Vec<String> =
            texts.iter().map(|text| json!({"name": text}).to_string()).collect();
        documents.extend(["{}", "{\"name\":7}", "{\"name\":null}"].map(str::to_owned));
        let policy = Policy::parse(&rule.to_string()).unwrap();
        let parameters = Map::from_iter([("p".to_owned(), json!(pattern))]);
        for policy in [policy.clone(), policy.with_needs(&["other".to_owned()]).unwrap()] {
            let program = Arc::new(policy.compile(&parameters).unwrap());
            let judged = agree(&ColumnSet::new([&policy]), &program, &documents, &world());
            prop_assert_eq!(judged, documents.len());
        }
    }

    #[test]
    fn one_question_of_many_lists(
        lists in prop::collection::vec(
            prop::collection::vec((0..4_u8, prop::option::of(0..3_u8)), 0..6), 1..60
        ),
        form in 0..5_usize,
        (comparator, pattern) in prop::sample::select(vec![
            ("equals", json!(true)), ("notEquals", json!(true)), ("equals", json!(false)),
            ("greater", json!(1)), ("lessOrEquals", json!(2)), ("equals", json!(0)),
        ]),
        first in any::<bool>(),
    ) {
        let value = [
            "any(resource().rules, lambda x: equals(x.a, 1))",
            "all(resource().rules, lambda x: notEquals(x.a, 1))",
            "length(filter(resource().rules, lambda x: equals(x.a, 1)))",
            "any(resource().rules, lambda x: equals(needed(x.b), 1))",
            "length(filter(needed(resource().rules), lambda x: equals(needed(x.b), x.a)))",
        ];
        let asked = json!({"value": format!("${{{}}}", value[form]), "comparator": comparator, "pattern": pattern});
        let other = json!({"value": "${resource().name}", "comparator": "equals", "pattern": "a"});
        let rule = if first { json!({"anyOf": [asked, other]}) } else { json!({"allOf": [other, {"not": asked}]}) };
        let mut documents: Vec<String> = lists
            .iter()
            .enumerate()
            .map(|(n, list)| {
                let element = |(a, b): &(u8, Option<u8>)| match b {
                    _ if *a == 3 => json!(n),
                    Some(b) => json!({"a": a, "b": b}),
                    None => json!({"a": a}),
                };
                let rules: Vec<Value> = list.iter().map(element).collect();
                json!({"name": if n % 3 == 0 { "b" } else { "a" }, "rules": rules}).to_string()
            })
            .collect();
        documents.extend(["{}", "{\"name\":\"a\",\"rules\":7}"].map(str::to_owned));
        let policy = Policy::parse(&rule.to_string()).unwrap();
        let program = Arc::new(policy.compile(&Map::new()).unwrap());
        let judged = agree(&ColumnSet::new([&policy]), &program, &documents, &world());
        prop_assert_eq!(judged, documents.len());
    }

    #[test]
    fn damaged_columns_do_not_panic(
        text in expression(),
        documents in prop::collection::vec(document(), 1..8),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let rule = json!({"value": format!("${{{text}}}"), "comparator": "equals", "pattern": 1});
        let Ok(policy) = Policy::parse(&rule.to_string()) else { return Ok(()) };
        let set = ColumnSet::new([&policy]);
        let mut builder = ColumnBuilder::new(&set, |_| true);
        for (slot, document) in documents.iter().enumerate() {
            builder.add(slot, document.to_string().as_bytes());
        }
        let mut stored = builder.finish(documents.len());
        for (_, bytes) in &mut stored {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut columns = Columns::new();
        for (id, bytes) in &stored {
            columns.insert(*id, bytes);
        }
        let parameters = Map::from_iter([("p".to_owned(), json!("a"))]);
        if let Ok(program) = policy.compile(&parameters)
            && let Some(inputs) = set.inputs(&program)
        {
            let within = [(1 << documents.len()) - 1];
            columns.judge(&program, &inputs, &within, &world(), &mut Scratch::new());
        }
    }
}

/// Every policy over the cases of all policies of its types, by the parameters of its own.
#[test]
fn the_catalogue() {
    let mut judged = 0;
    for definition in catalogue().list() {
        let kin: Vec<_> = catalogue()
            .list()
            .iter()
            .filter(|other| {
                other.default_resource_types.is_empty()
                    || other
                        .default_resource_types
                        .iter()
                        .any(|of| definition.default_resource_types.contains(of))
            })
            .collect();
        let set = ColumnSet::new(kin.iter().map(|of| &of.policy));
        let mut by_pair: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for case in kin.iter().flat_map(|of| of.cases().to_vec()) {
            let pair = format!("{}.{}", case.resource["provider"], case.resource["type"]);
            by_pair.entry(pair).or_default().push(case.resource.to_string());
        }
        let reads_resources = definition.policy.looks_up().is_empty();
        for case in definition.cases() {
            let parameters = definition.bind_parameters(&case.parameters).unwrap();
            let program = Arc::new(definition.policy.compile(&parameters).unwrap());
            assert_eq!(set.inputs(&program).is_some(), reads_resources, "{}", definition.name);
            let world = World { now_ms: 1_790_000_000_000, ..World::default() };
            for documents in by_pair.values() {
                judged += agree(&set, &program, documents, &world);
            }
        }
    }
    assert!(judged > 50_000, "{judged}");
}

#[test]
fn a_member_of_a_list_that_nobody_reads_makes_no_word() {
    let rule = json!({
        "value": "${any(resource().rules, lambda x: equals(x.port, 22))}",
        "comparator": "equals", "pattern": true
    });
    let policy = Policy::parse(&rule.to_string()).unwrap();
    let set = ColumnSet::new([&policy]);
    let size = |ids: bool| {
        let mut builder = ColumnBuilder::new(&set, |_| true);
        for slot in 0..1000 {
            let id = if ids { slot } else { 0 };
            let document = json!({"provider": "a", "type": "b", "rules": [{"id": id, "port": 22}]});
            builder.add(slot, document.to_string().as_bytes());
        }
        builder.finish(1000).iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    };
    assert_eq!(size(true), size(false));
}

#[test]
fn what_is_too_long_is_left_to_the_resource() {
    let rule = json!({"value": "${resource().name}", "comparator": "match", "pattern": "^a"});
    let policy = Policy::parse(&rule.to_string()).unwrap();
    let set = ColumnSet::new([&policy]);
    let program = Arc::new(policy.compile(&Map::new()).unwrap());
    let documents = ["a", &"a".repeat(5000), "b"].map(|name| json!({"name": name}).to_string());
    let judged = from_columns(&set, &program, &documents, &World::default()).unwrap();
    assert_eq!(judged, [Some(Outcome::NonCompliant), None, Some(Outcome::Compliant)]);
}

#[test]
fn conditions_that_are_costly_together_are_left_to_the_resource() {
    let condition =
        |pattern| json!({"value": "${resource().name}", "comparator": "match", "pattern": pattern});
    let judged = |rule: Value| {
        let policy = Policy::parse(&rule.to_string()).unwrap();
        let set = ColumnSet::new([&policy]);
        let program = Arc::new(policy.compile(&Map::new()).unwrap());
        let documents = ["a".repeat(10), "b".repeat(700), "a".repeat(700)]
            .map(|name| json!({"name": name}).to_string());
        from_columns(&set, &program, &documents, &World::default()).unwrap()
    };
    let (yes, no) = (Some(Outcome::NonCompliant), Some(Outcome::Compliant));
    assert_eq!(judged(json!({"allOf": [condition("^a")]})), [yes, no, yes]);
    // The second condition is not reached by the second name.
    assert_eq!(judged(json!({"allOf": [condition("^a"), condition("a$")]})), [yes, no, None]);
}

#[test]
fn an_object_of_very_many_keys_is_left_to_the_resources() {
    let rule = json!({
        "value": "${contains(resource().tags, parameters('p'))}", "comparator": "equals", "pattern": true
    });
    let policy = Policy::parse(&rule.to_string()).unwrap();
    let set = ColumnSet::new([&policy]);
    let parameters = Map::from_iter([("p".to_owned(), json!("k3"))]);
    let program = Arc::new(policy.compile(&parameters).unwrap());
    let documents = |keys: usize| -> Vec<String> {
        (0..keys).map(|n| json!({"tags": {format!("k{n}"): ""}}).to_string()).collect()
    };
    assert!(from_columns(&set, &program, &documents(65), &World::default()).is_none());
    let judged = from_columns(&set, &program, &documents(64), &World::default()).unwrap();
    assert_eq!(judged.iter().filter(|of| **of == Some(Outcome::NonCompliant)).count(), 1);
}

#[test]
fn a_member_that_cannot_be_read_is_not_missing() {
    let rule = json!({
        "value": "${contains(resource().tags, parameters('p'))}", "comparator": "equals", "pattern": true
    });
    let policy = Policy::parse(&rule.to_string()).unwrap();
    let set = ColumnSet::new([&policy]);
    let parameters = Map::from_iter([("p".to_owned(), json!("a"))]);
    let program = Arc::new(policy.compile(&parameters).unwrap());
    let inputs = set.inputs(&program).unwrap();
    let mut builder = ColumnBuilder::new(&set, |_| true);
    builder.add(0, json!({"tags": {"a": "x"}}).to_string().as_bytes());
    builder.add(1, json!({"tags": {"a": "y"}}).to_string().as_bytes());
    let stored = builder.finish(2);
    let needed: Vec<u64> = inputs.needed().collect();
    let judge = |is_damaged: bool| {
        let mut columns = Columns::new();
        for (id, bytes) in &stored {
            let cut = is_damaged && !needed.contains(id) && inputs.ids().any(|of| of == *id);
            assert_eq!(columns.insert(*id, if cut { &bytes[..1] } else { bytes }), !cut);
        }
        columns.judge(&program, &inputs, &[0b11], &World::default(), &mut Scratch::new())
    };
    assert_eq!(judge(false).unwrap().non_compliant, [0b11]);
    assert!(judge(true).is_none());
}

#[test]
fn a_long_list_that_is_asked_for_as_a_whole_is_left_to_the_resource() {
    let rule = json!({"allOf": [
        {"value": "${isNull(resource().rules)}", "comparator": "equals", "pattern": false},
        {
            "value": "${any(resource().rules, lambda x: equals(x.port, 'none'))}",
            "comparator": "equals", "pattern": false
        },
    ]});
    let policy = Policy::parse(&rule.to_string()).unwrap();
    let set = ColumnSet::new([&policy]);
    let program = Arc::new(policy.compile(&Map::new()).unwrap());
    let list = |count: usize| vec![json!({"port": "x".repeat(1000)}); count];
    let documents = [1, 2, 40].map(|count| json!({"rules": list(count)}).to_string());
    let judged = from_columns(&set, &program, &documents, &World::default()).unwrap();
    assert_eq!(judged, [Some(Outcome::NonCompliant), Some(Outcome::NonCompliant), None]);
}
