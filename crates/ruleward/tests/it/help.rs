//! `--help` of everything is a page to work from.

use crate::harness::{ruleward, run};

/// Every command that does something, with words that its page must have.
const PAGES: &[(&[&str], &[&str])] = &[
    (&[], &["ruleward serve --dev --sample", "HUAWEICLOUD_SDK_AK", "Exit codes"]),
    (
        &["serve"],
        &["--listen", "--data", "--store", "--config", "--dev", "--sample", "--policies", "8080"],
    ),
    (
        &["import"],
        &[
            "--replace",
            "--force",
            "--endpoint",
            "--domain",
            "gzip",
            "Exit code",
            "--from",
            "snapshot",
            "terraform",
            "config",
            "--tracked",
            "--to",
            "HUAWEICLOUD_SDK_SK",
        ],
    ),
    (&["history"], &["<RESOURCE>", "--from", "--to", "--type", "--output"]),
    (&["diff"], &["--from", "--to", "--rule", "--resource", "--output"]),
    (&["summary"], &["--at", "--tag", "--organization", "--output"]),
    (&["states"], &["--at", "--rule", "--resource", "--state", "--limit", "--output"]),
    (&["explain"], &["<RULE>", "<RESOURCE>", "--type"]),
    (&["resources", "list"], &["--tracked", "--type", "--tag", "--name", "--limit", "--output"]),
    (&["resources", "show"], &["<RESOURCE>", "--type", "--tracked"]),
    (&["resources", "count"], &["--region", "--project", "--tag", "--deleted"]),
    (&["resources", "summary"], &["--type", "--tracked", "--output"]),
    (&["resources", "tags"], &["--key", "--output"]),
    (&["rules", "list"], &["--organization", "--output"]),
    (&["rules", "show"], &["<RULE>"]),
    (
        &["rules", "create"],
        &["--organization", "--policy", "--parameter", "--type", "--region", "--period"],
    ),
    (&["rules", "preview"], &["--policy", "--parameter", "--instead-of", "--output"]),
    (&["rules", "enable"], &["--wait"]),
    (&["rules", "disable"], &["<RULE>"]),
    (&["rules", "delete"], &["disabled", "--organization"]),
    (&["rules", "run"], &["--wait"]),
    (&["policies", "list"], &["--output"]),
    (&["policies", "show"], &["<POLICY>"]),
    (&["policies", "coverage"], &["--output"]),
    (&["policies", "test"], &["--all", "--quiet", "Exit code"]),
    (&["policies", "lint"], &["--all", "--strict", "Exit code"]),
    (&["policies", "fmt"], &["--check", "Exit code"]),
    (&["policies", "add"], &["--data", "--replace", "Exit code"]),
    (&["evaluate"], &["<FILE>", "--output", "Exit code"]),
    (
        &["check"],
        &[
            "--resources",
            "--terraform-plan",
            "--policy",
            "--rules",
            "--strict",
            "sarif",
            "Exit code",
        ],
    ),
    (&["recorder", "show"], &["--output"]),
    (&["recorder", "on"], &["--topic", "--bucket", "--type", "--retention-days", "--region"]),
    (&["recorder", "off"], &["--endpoint"]),
    (&["recorder", "set"], &["--topic", "--bucket", "--type", "--retention-days", "--region"]),
    (&["channels", "status"], &["--output"]),
    (&["snapshot"], &["--no-wait"]),
    (&["accounts", "create"], &["--recorder", "--id"]),
    (&["accounts", "list"], &["--data"]),
    (&["accounts", "recorder"], &["<ACCOUNT>", "on", "off"]),
    (&["organizations", "create"], &["--management", "<NAME>"]),
    (&["organizations", "list"], &["--data"]),
    (&["organizations", "show"], &["<ORGANIZATION>", "--output"]),
    (&["organizations", "invite"], &["<ACCOUNT>", "--unit"]),
    (&["organizations", "add"], &["<ACCOUNT>", "--unit"]),
    (&["organizations", "remove"], &["<ACCOUNT>"]),
    (&["organizations", "suspend"], &["<ACCOUNT>"]),
    (&["organizations", "resume"], &["<ACCOUNT>"]),
    (&["organizations", "move"], &["<ACCOUNT>", "--unit"]),
    (&["organizations", "delegate"], &["<ACCOUNT>"]),
    (&["organizations", "undelegate"], &["<ACCOUNT>"]),
    (&["organizations", "units", "create"], &["<NAME>", "--parent"]),
    (&["organizations", "units", "list"], &["<ORGANIZATION>"]),
    (&["organizations", "units", "delete"], &["<UNIT>"]),
    (&["users", "create"], &["--role", "--password-stdin", "importer"]),
    (&["users", "list"], &["<ACCOUNT>"]),
    (&["users", "delete"], &["<NAME>"]),
    (&["keys", "create"], &["--temporary", "SECONDS"]),
    (&["keys", "list"], &["<USER>"]),
    (&["keys", "delete"], &["<ACCESS_KEY>"]),
];

#[test]
fn every_command_has_a_page() {
    for (command, words) in PAGES {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let page = run(ruleward(&arguments)).code(0).stdout;
        for word in *words {
            assert!(page.contains(word), "{command:?} lacks {word}: {page}");
        }
        // Every option says what it is.
        let lines: Vec<&str> = page.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if line.trim_start().starts_with("--") {
                // On the next line, or where the options are short, on the same one.
                let next = lines.get(at + 1).copied().unwrap_or_default();
                let same = line.trim_start().split_once("  ").map_or("", |(_, words)| words);
                let told = next.trim().len().max(same.trim().len());
                assert!(told > 10, "{command:?}: {line} is not explained");
            }
        }
    }
}

#[test]
fn mistakes_of_use_end_with_two() {
    for arguments in [
        &["serve", "--sample"][..],
        &["serve", "--data", "a", "--store", "sqlite:b"],
        &["check", "--resources", "x"],
        &["check", "--resources", "x", "--terraform-plan", "x", "--policy", "p"],
        &["policies", "test"],
        &["rules", "preview"],
        &["import"],
        &["import", "x", "--force"],
        &["import", "x", "--replace", "volumes"],
        &["rules", "create", "x"],
        &["organizations", "create", "x"],
        &["summary", "--organization", "--tag", "x"],
        &["nothing"],
    ] {
        let done = run(ruleward(arguments)).code(2);
        assert!(done.stderr.contains("error"), "{arguments:?}: {}", done.stderr);
    }
    assert!(run(ruleward(&["--version"])).code(0).stdout.starts_with("ruleward "));
}
