//! The scanner on chosen texts.

use std::cmp::Ordering;

use ruleward_policy::json::{
    Elements, Entries, NotJson, PathSetBuilder, RawString, RawValue, Seen, compare_numbers, member,
    parse, top_level, unescape,
};
use serde_json::Value;

#[test]
fn top_level_fields_are_found_in_any_order() {
    let body = br#" { "a" : {"id": "no"}, "t\u0079pe":"volumes" , "id": "x\"y", "n": -1.5e3, "region_id":null, "z": ["#;
    let mut out = [None; 5];
    top_level(body, &["id", "type", "n", "region_id"], &mut out).unwrap();
    assert_eq!(out[0].unwrap().as_string().unwrap().to_text(), "x\"y");
    assert_eq!(out[1].unwrap().as_string().unwrap().as_plain(), Some(&b"volumes"[..]));
    assert_eq!(out[2], Some(RawValue::Number(b"-1.5e3")));
    assert_eq!(out[3], Some(RawValue::Null));
    assert_eq!(out[4], None);
    assert_eq!(top_level(body, &["none"], &mut out), Err(NotJson));
    assert_eq!(top_level(b"{}", &["none"], &mut out), Ok(()));
    assert_eq!(top_level(b"[]", &["none"], &mut out), Err(NotJson));
}

#[test]
fn escapes_are_decoded() {
    for (raw, expected) in [
        (r"a\n\t\r\b\f\/\\\q", "a\n\t\r\u{8}\u{c}/\\q"),
        (r"\u00e9\u4e2d\ud83d\ude00!", "é中😀!"),
        (r"\ud83d!", "\u{fffd}!"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ude00", "\u{fffd}"),
        (r"\u00", "\u{fffd}00"),
    ] {
        let document = format!("\"{raw}\"");
        let Ok(RawValue::String(text)) = parse(document.as_bytes()) else { panic!("{document}") };
        let mut decoded = Vec::new();
        unescape(text, &mut decoded);
        assert_eq!(String::from_utf8(decoded).unwrap(), expected, "{raw}");
        assert!(text.equals(expected.as_bytes()));
        assert!(!text.equals(b"other"));
        assert!(text.same(RawString::plain(expected.as_bytes())));
        assert_eq!(text.code_points(), expected.chars().count());
    }
}

#[test]
fn containers_end_where_they_end() {
    for filler in 0..140 {
        for inside in [r#""]}\\\"[{""#, r#"{"a\\":["\\\\"]}"#, "[[],{}]", r#""\\""#] {
            let text = format!("[\"{}\",{inside},[1]] ", "x".repeat(filler));
            let RawValue::Array(array) = parse(text.as_bytes()).unwrap() else { panic!() };
            assert_eq!(array.len(), text.len() - 1, "{text}");
            let mut elements = Elements::new(array);
            let mut count = 0;
            while elements.try_next().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, 3, "{text}");
        }
    }
}

#[test]
fn members_and_entries() {
    let object = br#"{ "a" : 1 , "b":"x", "c":[ ] }"#;
    assert_eq!(member(object, RawString::plain(b"b")).unwrap().unwrap().to_value().unwrap(), "x");
    assert_eq!(member(object, RawString::plain(b"d")).unwrap(), None);
    let mut entries = Entries::new(object);
    let mut keys = Vec::new();
    while let Some((key, _)) = entries.try_next().unwrap() {
        keys.push(key.to_text());
    }
    assert_eq!(keys, ["a", "b", "c"]);
    assert!(Entries::new(b"{ }").try_next().unwrap().is_none());
    assert!(Entries::new(b"{\"a\" 1}").try_next().is_err());
    assert!(Elements::new(b"[1 2]").try_next().is_err());
}

#[test]
fn of_equal_keys_the_first_counts_whatever_was_read_before() {
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let mut builder = PathSetBuilder::default();
    let slots = [builder.slot(&path(&["a"])), builder.slot(&path(&["b", "c"]))];
    let (set, mut seen) = (builder.build(), Seen::default());
    let long = "\"text\":\"longer than what is compared at once\"";
    for (document, a, c) in [
        (r#"{"a":1,"x":2,"a":3,"b":{"c":4,"c":5},"b":{"c":6},L}"#, Some("1"), Some("4")),
        (r#"{"x":1,"a":2,"b":{"d":{},"c":7},L}"#, Some("2"), Some("7")),
        (r#"{"x":1,"b":{"c":8},"b":{},"a":2,"a":3,L}"#, Some("2"), Some("8")),
        (r#"{"b":{"x":[{"c":1}]},"x":"\"a\":1","\u0061":9,L}"#, Some("9"), None),
        (r#"{ "a" :1, "x":2,"a": 3,L}"#, Some("1"), None),
    ] {
        let (document, mut out) = (document.replace('L', long), Vec::new());
        set.extract(document.as_bytes(), &mut seen, &mut out).unwrap();
        let found = slots.map(|slot| out[slot].map(|raw| raw.to_value().unwrap().to_string()));
        assert_eq!(found.each_ref().map(Option::as_deref), [a, c], "{document}");
    }
}

#[test]
fn garbage_is_refused() {
    for text in ["", " ", "{", "[1", "\"a", "nul", "truex ", "{\"a\":1}}", "]", "+1", "'a'"] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn numbers_compare_by_value() {
    let numbers = [
        "-1e9",
        "-12.5",
        "-12",
        "-1e-3",
        "0",
        "1e-400",
        "0.1",
        "0.10001",
        "1",
        "1.5",
        "2",
        "10",
        "9007199254740992",
        "9007199254740993",
        "1e30",
        "123e30",
        "1e400",
    ];
    for (i, left) in numbers.iter().enumerate() {
        for (j, right) in numbers.iter().enumerate() {
            let order = compare_numbers(left.as_bytes(), right.as_bytes());
            assert_eq!(order, Some(i.cmp(&j)), "{left} {right}");
        }
    }
    for (left, right) in [("1", "1.000"), ("-0", "0.0"), ("1200", "1.2E+3"), ("0.0012", "12e-4")] {
        assert_eq!(compare_numbers(left.as_bytes(), right.as_bytes()), Some(Ordering::Equal));
    }
    assert_eq!(compare_numbers(b"1x", b"1"), None);
    let number: Value = serde_json::from_str("9007199254740993").unwrap();
    assert_eq!(RawValue::Number(b"9007199254740993").to_value(), Some(number));
}
