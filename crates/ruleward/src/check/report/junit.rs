//! `JUnit`'s XML: a suite for each rule, a case for each finding, one case for all that is fine.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Found, Report};

/// Writes the report.
pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut by_rule: Vec<Vec<Found<'_>>> = vec![Vec::new(); report.rules.len()];
    for found in report.found() {
        if let Some(of_rule) = by_rule.get_mut(found.finding.rule) {
            of_rule.push(found);
        }
    }
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let (failed, open) = (report.non_compliant(), report.undetermined());
    let fine = report.rules.iter().filter(|rule| rule.counts.compliant > 0).count();
    let tests = i64::try_from(fine).unwrap_or(i64::MAX).saturating_add(failed + open);
    writeln!(
        out,
        "<testsuites name=\"ruleward\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" \
         skipped=\"{open}\">"
    )?;
    for (rule, found) in report.rules.iter().zip(&by_rule) {
        let counts = &rule.counts;
        let tests = counts.non_compliant + counts.undetermined + i64::from(counts.compliant > 0);
        let name = escaped(&rule.assignment.name);
        writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{}\" errors=\"0\" \
             skipped=\"{}\">",
            counts.non_compliant, counts.undetermined
        )?;
        if counts.compliant > 0 {
            let fine = counts.compliant;
            writeln!(out, "    <testcase classname=\"{name}\" name=\"{fine} compliant\"/>")?;
        }
        for found in found {
            case(&name, found, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn case(suite: &str, found: &Found<'_>, out: &mut impl Write) -> io::Result<()> {
    let finding = found.finding;
    let resource = &finding.resource;
    let name = escaped(&format!("{}/{}", resource.resource_type, resource.id));
    let reason = escaped(found.reason());
    let tag = if finding.undetermined { "skipped" } else { "failure" };
    writeln!(
        out,
        "    <testcase classname=\"{suite}\" name=\"{name}\"><{tag} message=\"{reason}\"/>\
         </testcase>"
    )
}

/// Text as the value of an attribute; what XML cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_hold_anything() {
        assert_eq!(escaped("a<b>\"&'\n\u{1}ü"), "a&lt;b&gt;&quot;&amp;'&#10;\u{fffd}ü");
    }
}
