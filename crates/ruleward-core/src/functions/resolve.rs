//! Which function a URN means.

use ruleward_store::ReadTx;
use ruleward_types::{AccountNo, Function, FunctionNo, PolicyAssignment, Result, TriggerType};

/// Whether a pattern, in which `*` stands for any characters, matches a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut rest = rest;
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

/// The URN with its version, as events show it.
pub(crate) fn versioned(urn: &str) -> String {
    // urn:fss:region:project:function:group:name
    if urn.split(':').count() == 7 && urn.starts_with("urn:fss:") {
        format!("{urn}:latest")
    } else {
        urn.to_owned()
    }
}

/// The function that serves a URN for an account: an exact URN before a pattern, among patterns the
/// one with the most characters of its own, the account's own before one for all.
pub(crate) fn resolve<'a>(
    functions: &'a [Function],
    account: AccountNo,
    urn: &str,
) -> Option<&'a Function> {
    let versioned = versioned(urn);
    functions
        .iter()
        .filter(|of| of.account.is_none_or(|owner| owner == account))
        .filter(|of| matches(&of.urn, urn) || matches(&of.urn, &versioned))
        .max_by_key(|of| {
            let is_exact = !of.urn.contains('*');
            let literal = of.urn.chars().filter(|c| *c != '*').count();
            (is_exact, literal, of.account.is_some(), std::cmp::Reverse(of.no))
        })
}

/// The functions that serve an account.
pub(crate) fn functions_of(tx: &dyn ReadTx, account: AccountNo) -> Result<Vec<Function>> {
    tx.functions(Some(account), FunctionNo(0), usize::MAX >> 1)
}

/// The function of a rule.
pub(crate) fn function_of(
    tx: &dyn ReadTx,
    account: AccountNo,
    rule: &PolicyAssignment,
) -> Result<Option<Function>> {
    let Some(custom) = &rule.custom_policy else { return Ok(None) };
    Ok(resolve(&functions_of(tx, account)?, account, &custom.function_urn).cloned())
}

/// Whether a change of a resource asks the rule's function.
pub(crate) fn is_asked(
    rule: &PolicyAssignment,
    account: AccountNo,
    functions: &[Function],
) -> bool {
    rule.judges()
        && rule.trigger == TriggerType::Resource
        && rule
            .custom_policy
            .as_ref()
            .is_some_and(|custom| resolve(functions, account, &custom.function_urn).is_some())
}

#[cfg(test)]
mod tests {
    use ruleward_types::{FunctionRunner, Timestamp};

    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("a*", "a", true),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn function(no: i64, account: Option<i64>, urn: &str) -> Function {
        Function {
            no: FunctionNo(no),
            id: no.to_string(),
            account: account.map(AccountNo),
            urn: urn.to_owned(),
            runner: FunctionRunner::Wasm { file: "/x".to_owned() },
            timeout_s: 1,
            memory_mib: 64,
            concurrency: None,
            user_data: std::collections::BTreeMap::new(),
            created: Timestamp(0),
            updated: Timestamp(0),
        }
    }

    #[test]
    fn the_most_particular_one_serves() {
        let all = [
            function(1, None, "*"),
            function(2, None, "urn:fss:r:p:function:default:*"),
            function(3, Some(7), "urn:fss:r:p:function:default:*"),
            function(4, None, "urn:fss:r:p:function:default:f:latest"),
            function(5, Some(8), "urn:fss:r:p:function:default:f:v2"),
        ];
        let no = |account, urn| resolve(&all, AccountNo(account), urn).map(|of| of.no.0);
        assert_eq!(no(7, "urn:fss:r:p:function:default:f:latest"), Some(4));
        assert_eq!(no(7, "urn:fss:r:p:function:default:f"), Some(4));
        assert_eq!(no(7, "urn:fss:r:p:function:default:g"), Some(3));
        assert_eq!(no(9, "urn:fss:r:p:function:default:g"), Some(2));
        assert_eq!(no(7, "urn:fss:r:p:function:default:f:v2"), Some(3));
        assert_eq!(no(8, "urn:fss:r:p:function:default:f:v2"), Some(5));
        assert_eq!(no(9, "else"), Some(1));
        assert_eq!(resolve(&all[1..], AccountNo(9), "else"), None);
    }
}
