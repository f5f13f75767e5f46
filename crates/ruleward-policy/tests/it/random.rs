//! Properties over random documents, paths and rules.

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::string::string_regex;
use ruleward_policy::ast::Function;
use ruleward_policy::json::{
    Entries, Head, HeadKeys, PathSetBuilder, RawValue, Seen, parse, top_level,
};
use ruleward_policy::{Outcome, Program, ProgramSet, Scratch, explain};
use serde_json::{Value, json};

use crate::support::{World, compile, run};

/// Few keys, so that paths hit; some need escapes, some share their first eight bytes.
const KEYS: [&str; 10] =
    ["a", "b", "provider", "type", "tags", "properties", "properties2", "é", "q\"\\\n", ""];

pub(crate) fn key() -> impl Strategy<Value = String> {
    prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned)
}

/// Few enough that guards and resources meet.
fn guard_text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "q\"\\\n"])
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3_i64..4).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        string_regex("-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?(e-?[0-9]{1,2})?")
            .unwrap()
            .prop_map(|text| serde_json::from_str(&text).unwrap()),
        key().prop_map(Value::String),
        any::<String>().prop_map(Value::String),
        string_regex("[\\[\\]{}\",:\\\\ a]{0,80}").unwrap().prop_map(Value::String),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

pub(crate) fn document() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), value()), 0..8)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// The same value with white space and escapes wherever they may stand.
fn spelled(value: &Value, seed: &mut u64) -> String {
    fn dice(seed: &mut u64) -> u64 {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 60
    }
    fn blank(seed: &mut u64) -> &'static str {
        ["", "", "", " ", "\n\t", "  \r\n"].get(usize::try_from(dice(seed)).unwrap()).unwrap_or(&"")
    }
    fn text(text: &str, seed: &mut u64) -> String {
        let mut out = String::from("\"");
        for character in text.chars() {
            if dice(seed) == 0
                || u32::from(character) < 0x20
                || character == '"'
                || character == '\\'
            {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap();
                }
            } else {
                out.push(character);
            }
        }
        out + "\""
    }
    let inner = match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spelled(item, seed)).collect();
            format!("[{}{}]", items.join(","), blank(seed))
        }
        Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| {
                    let (before, after) = (blank(seed), blank(seed));
                    format!("{before}{}{after}:{}", text(key, seed), spelled(value, seed))
                })
                .collect();
            format!("{{{}{}}}", entries.join(","), blank(seed))
        }
        Value::String(string) => text(string, seed),
        other => other.to_string(),
    };
    format!("{}{inner}{}", blank(seed), blank(seed))
}

fn paths() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(key(), 0..4), 0..12)
}

fn plain<'v>(mut value: &'v Value, path: &[String]) -> Option<&'v Value> {
    for key in path {
        value = value.as_object()?.get(key)?;
    }
    Some(value)
}

pub(crate) fn expression() -> impl Strategy<Value = String> {
    let path = prop::collection::vec(key(), 0..3).prop_map(|keys| {
        let keys = keys
            .iter()
            .map(|key| format!("['{}']", key.replace('\\', "\\\\").replace('\'', "\\'")));
        format!("resource(){}", keys.collect::<String>())
    });
    let leaf = prop_oneof![
        path,
        Just("recorder().enabled".to_owned()),
        Just("resources('a.b')".to_owned()),
        Just("'a'".to_owned()),
        Just("1.5".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("parameters('p')".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|a| format!("length({a})")),
            inner.clone().prop_map(|a| format!("not({a})")),
            inner.clone().prop_map(|a| format!("needed({a})")),
            inner.clone().prop_map(|a| format!("daysSince({a})")),
            inner.clone().prop_map(|a| format!("match({a}, '^a.*[0-9]?')")),
            two.clone().prop_map(|(a, b)| format!("filter({a}, lambda x: equals(x, {b}))")),
            two.clone().prop_map(|(a, b)| format!("filter({a}, lambda x: contains({b}, x.a))")),
            two.clone().prop_map(|(a, b)| format!("any({a}, lambda x: equals(x.a, {b}))")),
            two.clone().prop_map(|(a, b)| format!("all({a}, lambda x: contains({b}, x))")),
            two.clone().prop_map(|(a, b)| format!("map({a}, lambda x: [x, {b}])")),
            inner
                .clone()
                .prop_map(|a| { format!("any(resources('a.b'), lambda v: equals(v.a, {a}))") }),
            inner.clone().prop_map(|a| {
                format!(
                    "any(resources('a.b'), lambda v: any(v.l, lambda w: and(equals(w, {a}), true)))"
                )
            }),
            (prop::sample::select(Function::ALL), prop::collection::vec(inner.clone(), 3))
                .prop_map(|(function, arguments)| {
                    let wanted = function.arguments().0;
                    let arguments: Vec<_> = arguments.into_iter().take(wanted).collect();
                    format!("{}({})", function.name(), arguments.join(", "))
                }),
            (
                prop::sample::select(vec![
                    "equals",
                    "notEquals",
                    "in",
                    "notIn",
                    "contains",
                    "containsKey",
                    "greater",
                    "lessOrEquals",
                    "getValue",
                    "and",
                    "or",
                    "coalesce",
                ]),
                two
            )
                .prop_map(|(name, (a, b))| format!("{name}({a}, {b})")),
        ]
    })
}

pub(crate) fn rule() -> impl Strategy<Value = Value> {
    let condition = prop_oneof![
        (expression(), prop::sample::select(vec!["equals", "notIn", "greater", "containsKey"]), value())
            .prop_map(|(text, comparator, pattern)| {
                let pattern = match pattern {
                    Value::String(text) => json!(text.replace("${", "")),
                    other => other,
                };
                json!({"value": format!("${{{text}}}"), "comparator": comparator, "pattern": pattern})
            }),
        (guard_text(), guard_text()).prop_map(|(a, b)| json!({"allOf": [
            {"value": "${resource().provider}", "comparator": "equals", "pattern": a},
            {"value": "${resource().type}", "comparator": "equals", "pattern": b},
            {"value": "${resource().tags}", "comparator": "notContainsKey", "pattern": "a"},
        ]})),
    ];
    condition.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({"allOf": parts})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({"anyOf": parts})),
            inner.prop_map(|part| json!({"not": part})),
        ]
    })
}

pub(crate) fn world() -> World {
    World { now_ms: 1_700_000_000_000, recorder: Some(true), ..World::default() }
        .with("a.b", &json!([{"a": "a", "l": ["a", 1]}, {"a": 1.5, "l": "a"}]))
}

fn program(rule: &Value) -> Arc<Program> {
    compile(rule, &json!({"p": ["a", 1, null]}))
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Compliant => "compliant",
        Outcome::NonCompliant => "non_compliant",
        Outcome::Undetermined(_) => "undetermined",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_finds_what_a_tree_has(value in document(), paths in paths(), mut seed in any::<u64>()) {
        let text = spelled(&value, &mut seed);
        let mut builder = PathSetBuilder::default();
        let slots: Vec<_> = paths.iter().map(|path| builder.slot(path)).collect();
        let mut out = Vec::new();
        builder.build().extract(text.as_bytes(), &mut Seen::default(), &mut out).unwrap();
        for (path, slot) in paths.iter().zip(slots) {
            let found = out[slot].map(|raw| raw.to_value().unwrap());
            prop_assert_eq!(found.as_ref(), plain(&value, path), "{:?} in {}", path, text);
        }
    }

    #[test]
    fn a_walk_can_begin_with_the_head(
        value in document(),
        paths in paths(),
        first in key(),
        second in key(),
        mut seed in any::<u64>(),
    ) {
        prop_assume!(first != second);
        let text = spelled(&value, &mut seed);
        let mut builder = PathSetBuilder::default();
        let slots: Vec<_> = paths.iter().map(|path| builder.slot(path)).collect();
        let (mut head, mut out) = (Head::default(), Vec::new());
        head.read(b"{\"a\": 1, \"b\": 2}", &HeadKeys::new([b"a", b"b"])).unwrap();
        let keys = HeadKeys::new([first.as_bytes(), second.as_bytes()]);
        let found = head.read(text.as_bytes(), &keys).unwrap();
        for (key, found) in [&first, &second].into_iter().zip(found) {
            let found = found.map(|raw| raw.to_value().unwrap());
            prop_assert_eq!(found.as_ref(), value.get(key));
        }
        let set = builder.build();
        set.extract_rest(text.as_bytes(), &head, &mut Seen::default(), &mut out).unwrap();
        for (path, slot) in paths.iter().zip(slots) {
            let found = out[slot].map(|raw| raw.to_value().unwrap());
            prop_assert_eq!(found.as_ref(), plain(&value, path), "{:?} in {}", path, text);
        }
    }

    /// What is learned from one document is used for the others.
    #[test]
    fn walks_through_alike_documents_find_what_trees_have(
        value in document(),
        others in prop::collection::vec(document(), 0..3),
        paths in paths(),
        keys in [key(), key()],
        mut seed in any::<u64>(),
    ) {
        let mut documents = vec![value.clone()];
        // Alike, but for one that is missing.
        for missing in value.as_object().unwrap().keys() {
            let mut alike = value.clone();
            alike.as_object_mut().unwrap().remove(missing);
            documents.push(alike);
        }
        documents.push(value);
        documents.extend(others);
        let mut builder = PathSetBuilder::default();
        let slots: Vec<_> = paths.iter().map(|path| builder.slot(path)).collect();
        let (set, mut seen, mut head) = (builder.build(), Seen::default(), Head::default());
        let wanted = HeadKeys::new([keys[0].as_bytes(), keys[1].as_bytes()]);
        for (number, value) in documents.iter().chain(documents.iter().rev()).enumerate() {
            // Compact, as they are stored, or as their writers like.
            let text = if number % 4 == 3 { spelled(value, &mut seed) } else { value.to_string() };
            let (mut whole, mut rest) = (Vec::new(), Vec::new());
            set.extract(text.as_bytes(), &mut seen, &mut whole).unwrap();
            let beginning = head.read(text.as_bytes(), &wanted).unwrap();
            if keys[0] != keys[1] {
                for (key, found) in keys.iter().zip(beginning) {
                    let found = found.map(|raw| raw.to_value().unwrap());
                    prop_assert_eq!(found.as_ref(), value.get(key), "{} in {}", key, text);
                }
            }
            set.extract_rest(text.as_bytes(), &head, &mut seen, &mut rest).unwrap();
            for (path, slot) in paths.iter().zip(&slots) {
                for out in [&whole, &rest] {
                    let found = out[*slot].map(|raw| raw.to_value().unwrap());
                    prop_assert_eq!(found.as_ref(), plain(value, path), "{:?} in {}", path, text);
                }
            }
        }
    }

    #[test]
    fn top_level_agrees_with_a_tree(value in document(), mut seed in any::<u64>()) {
        let text = spelled(&value, &mut seed);
        let mut out = [None; 10];
        top_level(text.as_bytes(), &KEYS, &mut out).unwrap();
        for (key, found) in KEYS.iter().zip(out) {
            let found = found.map(|raw| raw.to_value().unwrap());
            prop_assert_eq!(found.as_ref(), value.get(key));
        }
        let Ok(RawValue::Object(object)) = parse(text.as_bytes()) else { panic!("an object") };
        let mut entries = Entries::new(object);
        let mut count = 0;
        while let Some((key, found)) = entries.try_next().unwrap() {
            let found = found.to_value();
            prop_assert_eq!(value.get(key.to_text()), found.as_ref());
            count += 1;
        }
        prop_assert_eq!(count, value.as_object().unwrap().len());
    }

    #[test]
    fn a_set_answers_as_each_program_alone(
        mut value in document(),
        pair in prop::option::of((guard_text(), guard_text())),
        rules in prop::collection::vec(rule(), 1..6),
        mut seed in any::<u64>(),
    ) {
        if let Some((provider, kind)) = pair {
            value["provider"] = provider.into();
            value["type"] = kind.into();
        }
        let text = spelled(&value, &mut seed);
        let programs: Vec<_> = rules.iter().map(program).collect();
        let (mut scratch, mut out) = (Scratch::new(), Vec::new());
        let set = ProgramSet::new(&programs);
        set.evaluate(&mut scratch, b"{\"a\": [", &world(), &mut out);
        set.evaluate(&mut scratch, text.as_bytes(), &world(), &mut out);
        for (program, outcome) in programs.iter().zip(&out) {
            prop_assert_eq!(run(program, text.as_bytes(), &world()), *outcome);
            let explanation = explain(program, text.as_bytes(), &world());
            prop_assert_eq!(explanation.outcome, name(*outcome));
            if let Some(guards) = program.guards() {
                let pair = (value["provider"].as_str(), value["type"].as_str());
                let inside = guards.iter().any(|(a, b)| pair == (Some(a), Some(b)));
                prop_assert!(inside || *outcome == Outcome::Compliant);
            }
        }
    }

    #[test]
    fn an_index_finds_what_a_walk_finds(
        others in prop::collection::vec(document(), 0..6),
        value in document(),
        way in prop::collection::vec(key(), 0..3),
        own in prop::collection::vec(key(), 0..3),
        form in 0..4_usize,
    ) {
        let path = |keys: &[String]| {
            let quoted = |key: &String| key.replace('\\', "\\\\").replace('\'', "\\'");
            let keys: Vec<_> = keys.iter().map(|key| format!("['{}']", quoted(key))).collect();
            keys.concat()
        };
        let (way, own) = (path(&way), format!("resource(){}", path(&own)));
        let body = match form {
            0 => format!("equals(v{way}, {own})"),
            1 => format!("contains(v{way}, {own})"),
            2 => format!("in({own}, v{way})"),
            _ => format!("any(v{way}, lambda w: equals(w, {own}))"),
        };
        let world = World::default().with("a.b", &Value::Array(others));
        let count = |body: &str| {
            let found = format!("${{length(filter(resources('a.b'), lambda v: {body}))}}");
            let program = compile(&json!({"value": found, "comparator": "equals", "pattern": 1}), &Value::Null);
            (program.lookup_keys().len(), explain(&program, value.to_string().as_bytes(), &world))
        };
        let (by_key, by_walk) = (count(&body), count(&format!("or(false, {body})")));
        prop_assert_eq!((by_key.0, by_walk.0), (1, 0));
        let actual = |told: ruleward_policy::Explanation| told.rule.unwrap().condition.unwrap().actual;
        prop_assert_eq!(actual(by_key.1), actual(by_walk.1), "{}", body);
    }

    #[test]
    fn nothing_panics_on_damaged_json(
        value in document(),
        rule in rule(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
        mut seed in any::<u64>(),
    ) {
        let mut text = spelled(&value, &mut seed).into_bytes();
        for (place, byte) in cuts {
            let place = place.index(text.len());
            text[place] = byte;
        }
        let program = program(&rule);
        run(&program, &text, &world());
        text.truncate(end.index(text.len()));
        run(&program, &text, &world());
        explain(&program, &text, &world());
    }

    #[test]
    fn nothing_panics_on_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), rule in rule()) {
        let program = program(&rule);
        run(&program, &bytes, &world());
        explain(&program, &bytes, &world());
        let _ = ruleward_policy::Policy::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn nothing_panics_on_random_rules(text in "[\\[\\]{}\"':, a-z0-9.()$\\\\é]{0,120}") {
        let _ = ruleward_policy::Policy::parse(&text);
        let inside = json!({"value": format!("${{{text}}}"), "comparator": "equals", "pattern": 1});
        let _ = ruleward_policy::Policy::parse(&inside.to_string());
    }
}
