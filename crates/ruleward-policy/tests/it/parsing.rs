//! What is refused, and where.

use ruleward_policy::Policy;
use serde_json::{Map, Value, json};

#[track_caller]
fn refused(text: &str, line: u32, column: u32, message: &str) {
    let error = Policy::parse(text).unwrap_err();
    assert_eq!((error.line, error.column), (line, column), "{error}");
    assert!(error.message.contains(message), "{error}");
    assert!(!error.message.ends_with('.'));
}

fn condition(value: &str, comparator: &str, pattern: &str) -> String {
    format!(r#"{{"value": {value}, "comparator": "{comparator}", "pattern": {pattern}}}"#)
}

fn expression(text: &str) -> String {
    condition(&Value::String(format!("${{{text}}}")).to_string(), "equals", "true")
}

#[test]
fn faults_in_the_json_are_placed() {
    refused("", 1, 1, "unexpected end");
    refused("{", 1, 2, "expected a key");
    refused("[]", 1, 1, "a rule is an object");
    refused("{}", 1, 1, "empty");
    refused("{\n  \"allOf\": [\n    7\n  ]\n}", 3, 5, "a rule is an object");
    refused(r#"{"allOf": []}"#, 1, 11, "at least one");
    refused(r#"{"allOf": [], "allOf": []}"#, 1, 15, "given twice");
    refused(r#"{"allOf": [{}], "anyOf": [{}]}"#, 1, 2, "must stand alone");
    refused(r#"{"value": 1, "comparator": "equals"}"#, 1, 1, "lacks `pattern`");
    refused(r#"{"value": 1, "comparator": "equals", "pattern": {"a": 1, "a": 2}}"#, 1, 58, "twice");
    refused(r#"{"value": 1, "compare": "equals"}"#, 1, 14, "unknown key `compare`");
    refused(&condition("1", "Equals", "1"), 1, 28, "unknown comparator `Equals`");
    refused(r#"{"value": 01, "comparator": "equals", "pattern": 1}"#, 1, 11, "not a number");
    refused(r#"{"value": "\x", "comparator": "equals", "pattern": 1}"#, 1, 12, "unknown escape");
    refused("{\"not\": {}} x", 1, 13, "nothing may follow");
}

#[test]
fn faults_in_expressions_are_placed() {
    let at = |text: &str, column: u32, message: &str| {
        refused(&expression(text), 1, 13 + column, message);
    };
    at("", 1, "expected an expression");
    at("resource(", 10, "expected `)`");
    at("resource().", 12, "expected a name");
    at("resource().a b", 14, "unexpected `b`");
    at("ressource()", 1, "unknown function `ressource`");
    at("length()", 1, "takes one argument, not 0");
    at("equals(1)", 1, "takes 2 arguments, not 1");
    at("coalesce()", 1, "at least 1 argument");
    at("x.a", 1, "unknown name `x`");
    at("parameters(7)", 12, "in single quotes");
    at("resources('ecs')", 11, "provider.type");
    at("resources('ecs.')", 11, "provider.type");
    at("filter(resource().a, x)", 22, "expected a lambda");
    at("filter(resource().a, lambda true: 1)", 29, "cannot name a variable");
    at("equals(filter(resource().a, lambda x: x), x)", 43, "unknown name `x`");
    at("lambda x: x", 1, "only in filter");
    at("'abc", 1, "does not end");
    at("'a'.b", 4, "a literal has no members");
    at("resource().a + 1", 14, "unexpected character `+`");
    at("1x", 1, "not a number");
    at("match(resource().a, resource().b)", 21, "never part of a resource");
    at("match(resource().a, '(')", 21, "the pattern cannot be used");
    refused(&condition(r#""a ${resource().b}""#, "equals", "1"), 1, 11, "the whole string");
    refused(&condition(r#""a""#, "match", r#""[""#), 1, 50, "the pattern cannot be used");
    refused(&condition(r#""a""#, "match", "7"), 1, 50, "a string");
    // Escapes in the JSON text shift the place.
    refused(
        "{\"value\": \"${length(\\u0027\\u0027) x}\",\n\"comparator\": \"equals\", \"pattern\": 1}",
        1,
        35,
        "unexpected `x`",
    );
}

#[test]
fn nesting_and_size_are_bounded() {
    let deep = |levels: usize, inner: String| {
        format!("{}{inner}{}", r#"{"not":"#.repeat(levels), "}".repeat(levels))
    };
    assert!(Policy::parse(&deep(31, condition("1", "equals", "1"))).is_ok());
    assert!(Policy::parse(&deep(32, condition("1", "equals", "1"))).is_err());
    assert!(Policy::parse(&deep(100_000, String::new())).is_err());
    let nested =
        |levels: usize| expression(&format!("{}1{}", "not(".repeat(levels), ")".repeat(levels)));
    assert!(Policy::parse(&nested(31)).is_ok());
    assert!(Policy::parse(&nested(32)).is_err());
    assert!(Policy::parse(&nested(20_000)).is_err());
    let path = |keys: usize| expression(&format!("resource(){}", ".a".repeat(keys)));
    assert!(Policy::parse(&path(30)).is_ok());
    assert!(Policy::parse(&path(10_000)).is_err());
    let wide = |parts: usize| json!({"anyOf": vec![json!({"value": 1, "comparator": "equals", "pattern": 1}); parts]});
    assert!(Policy::parse(&wide(1_999).to_string()).is_ok());
    let error = Policy::parse(&wide(2_000).to_string()).unwrap_err();
    assert!(error.message.contains("more than 2000 nodes"), "{error}");
    let huge = "a{1000}{1000}";
    let text = condition(r#""a""#, "match", &format!("\"{huge}\""));
    assert!(Policy::parse(&text).is_err());
    let list = condition("1", "in", &format!("{}1{}", "[".repeat(100), "]".repeat(100)));
    assert!(Policy::parse(&list).unwrap_err().message.contains("too deeply"));
}

#[test]
fn it_tells_what_a_rule_reads() {
    let policy = Policy::parse(
        &json!({"allOf": [
            {"value": "${daysSince(parameters('b'))}", "comparator": "greater", "pattern": "${parameters('a')}"},
            {"value": "${length(resources('iam.users'))}", "comparator": "in", "pattern": "${parameters('b')}"},
            {"value": "${recorder().enabled}", "comparator": "equals", "pattern": "${length(resources('a.b'))}"},
        ]})
        .to_string(),
    )
    .unwrap();
    assert_eq!(policy.parameters(), ["b", "a"]);
    assert_eq!(policy.looks_up(), ["iam.users", "a.b"]);
    assert!(policy.reads_clock() && policy.reads_recorder() && !policy.reads_resource());
    let error = policy.compile(&Map::new()).unwrap_err();
    assert!(error.message.contains("parameter `b` has no value"), "{error}");
    let plain = Policy::parse(&expression("contains(resource().tags, 'a')")).unwrap();
    assert!(plain.reads_resource() && !plain.reads_clock() && !plain.reads_recorder());
}

#[test]
fn a_pattern_from_a_parameter_is_checked_when_it_is_bound() {
    let text = condition(r#""${resource().a}""#, "match", r#""${parameters('p')}""#);
    let policy = Policy::parse(&text).unwrap();
    let bound = |value: Value| Map::from_iter([("p".to_owned(), value)]);
    assert!(policy.compile(&bound(json!("^a+$"))).is_ok());
    assert!(policy.compile(&bound(json!("("))).is_err());
    assert!(policy.compile(&bound(json!(7))).is_err());
    assert!(policy.compile(&bound(json!("a{1000}{1000}"))).is_err());
}
