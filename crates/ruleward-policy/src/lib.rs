//! The policy language of Ruleward, and the predefined policies.
//!
//! Pure and synchronous: text becomes a syntax tree with positions ([`Policy`], [`ast`]), is checked,
//! bound to parameters and compiled ([`Program`]), and judges a resource given as JSON bytes, many
//! programs in one walk ([`ProgramSet`]). What it needs of the world comes through [`Environment`].
//! Nothing panics, every loop is bounded, and an outcome that cannot be known is
//! [`Outcome::Undetermined`], never a guess. [`explain`] tells how an outcome came about,
//! [`catalogue`] lists the predefined policies, [`PolicyDefinition::from_yaml`] reads others,
//! [`run_cases`], [`PolicyDefinition::lint`] and [`format()`] help their authors.
//!
//! # Rules
//!
//! A rule is JSON and describes the **violation**: where it holds, the resource is non-compliant.
//!
//! ```text
//! rule      := {"allOf": [rule, …]} | {"anyOf": [rule, …]} | {"not": rule} | condition
//! condition := {"value": operand, "comparator": name, "pattern": operand}
//! operand   := any JSON value | "${expression}"          (the expression is the whole string)
//! ```
//!
//! Parts are looked at in order and only as far as needed; a part that is not reached cannot leave the
//! verdict open. A part that is reached and cannot be known leaves the whole verdict open.
//!
//! # Expressions
//!
//! | form | value |
//! |---|---|
//! | `'text'`, `1.5`, `true`, `false`, `null` | itself; in a text `\'` and `\\` stand for `'` and `\` |
//! | `[a, b, …]` | a list |
//! | `resource()` | the judged resource |
//! | `parameters('x')` | the value of a parameter |
//! | `recorder()` | `{"enabled": true or false, …}`; undetermined if that is not known |
//! | `account()` | `{"id": …, …}`; undetermined if that is not known |
//! | `resources('provider.type')` | a list of the account's resources of a type; undetermined if not available |
//! | `value.key`, `value['any key']` | a member of an object; missing if there is none or it is no object |
//! | `filter(list, lambda x: …)` | the elements for which the body is `true` |
//! | `map(list, lambda x: …)` | the values of the body, null for what is missing |
//! | `any(list, lambda x: …)` | is the body `true` for an element? `false` for an empty list |
//! | `all(list, lambda x: …)` | is the body `true` for every element? `true` for an empty list |
//! | `equals(a, b)` and every other comparator | the comparator as a function, `true` or `false` |
//! | `and(…)`, `or(…)`, `not(x)` | only the boolean `true` counts as true; stop as soon as decided |
//! | `if(condition, a, b)` | `a` if the condition is `true`, else `b` |
//! | `needed(x)` | `x`; undetermined if `x` is missing (null is not missing) |
//! | any other function | see `docs/policy-language.md`; what cannot be computed is missing |
//!
//! What is no list has no elements. A time is RFC 3339, a date with or without a time of day (then
//! UTC), or an integer of milliseconds since 1970. Lambdas nest, and an inner variable hides an outer
//! one of the same name.
//!
//! # Look-ups
//!
//! In `any` and `filter` over `resources('provider.type')`, an equality of a path of the variable with
//! something of the judged resource is found by an index, which is built once for all resources that
//! are judged with the same [`Scratch`] and the same answer of [`Environment::resources`]. Any other
//! look-up walks over all resources of the type, within [`STEP_BUDGET`].
//!
//! # Comparators
//!
//! Types compare as they are: `"0"` is not `0`, `true` is not `"true"`. Numbers compare by their exact
//! decimal value (`1` is `1.0`, no digit is lost), texts byte by byte. Missing behaves as null. Each
//! `not…` is exactly the opposite of its counterpart, so only the positive ones are listed.
//!
//! | comparator | holds | with null or missing, or another type |
//! |---|---|---|
//! | `equals` | same type and value; lists element by element, objects whatever the order of keys | false, also null with null; *inside* lists and objects null equals null |
//! | `in` | the pattern is a list and has an element that equals the value | false: a null value is in no list, not even in one with a null; a null pattern has no element; a pattern that is no list has none |
//! | `contains` | a list has an element that equals the pattern; an object has the key; a text has the part | false, also for null in a list with a null |
//! | `containsKey` | an object has the key, whatever its value, null included | false, also for lists and texts |
//! | `greater`, `greaterOrEquals`, `less`, `lessOrEquals` | number with number, text with text | false, each of them |
//! | `match` | the regular expression is found somewhere in the text (anchor it with `^` and `$`) | false |
//!
//! So `notEquals`, `notIn`, `notContainsKey`, `notContains` and `notMatch` hold for null and for other
//! types. A pattern to match is a literal or made of parameters; one that comes from a resource is
//! refused. A parameter that is null matches nothing.
//!
//! # Bounds
//!
//! [`MAX_TEXT_BYTES`], [`MAX_NODES`] and [`MAX_DEPTH`] bound a rule, a memory limit bounds each regular
//! expression, [`STEP_BUDGET`] bounds a run, which may make texts and lists of up to a mebibyte; values
//! are compared to a depth of 64.

pub mod ast;
mod columns;
mod definition;
mod engine;
mod error;
pub mod json;
mod lint;
mod policy;
mod syntax;
mod yaml;

pub use columns::{ColumnBuilder, ColumnSet, Columns, Inputs, Judged};
pub use definition::{
    Case, CaseReport, CaseResult, Catalogue, CatalogueClash, ConditionCoverage, NameEvidence,
    ParameterDeclaration, ParameterError, ParameterType, PolicyDefinition, Provenance,
    ResourceType, Subject, Texts, TriggerType, Verdict, catalogue, format, run_cases,
};
pub use engine::{
    Environment, ExplainedCondition, ExplainedNode, Explanation, LookupKey, NodeKind, Outcome,
    Program, ProgramSet, ReadPath, Reason, STEP_BUDGET, Scratch, explain,
};
pub use error::PolicyError;
pub use lint::{Lint, Severity};
pub use policy::{ParamName, Policy};
pub use syntax::{MAX_DEPTH, MAX_NODES, MAX_TEXT_BYTES};

/// The version of the language. It goes into the hash of every definition, so raise it whenever the
/// meaning of any rule changes.
pub const LANGUAGE_VERSION: u32 = 1;
