//! The commands for people.

use crate::harness::{Server, disk, run};

fn with_disks() -> Server {
    let server = Server::dev(&[]);
    let lines = format!("{}\n{}\n", disk("good", "in-use"), disk("bad", "available"));
    let file = server.write("disks", lines);
    server.run(&["import", &file]).code(0);
    let arguments = ["rules", "create", "disk in use", "--policy", "volume-unused-check", "--wait"];
    server.run(&arguments).code(0);
    server
}

#[test]
fn the_life_of_a_rule() {
    let server = with_disks();
    let rules = server.run(&["rules", "list", "--output", "json"]).code(0).json();
    let id = rules[0]["id"].as_str().unwrap();
    assert_eq!(rules[0]["name"], "disk in use");
    let csv = server.run(&["rules", "list", "--output", "csv"]).code(0).stdout;
    assert!(csv.starts_with("name,state,") && csv.contains("\ndisk in use,Enabled,"), "{csv}");
    for rule in [id, "disk in use"] {
        let shown = server.run(&["rules", "show", rule]).code(0).stdout;
        assert!(shown.contains(id) && shown.contains("Enabled"), "{shown}");
    }
    server.run(&["rules", "run", "disk in use", "--wait"]).code(0);
    let told = server.run(&["rules", "delete", "disk in use"]).code(1).stderr;
    assert!(told.contains("disable") && told.lines().count() == 1, "{told}");
    let shown = server.run(&["rules", "disable", "disk in use"]).code(0).stdout;
    assert!(shown.contains("Disabled"), "{shown}");
    server.run(&["rules", "enable", "disk in use", "--wait"]).code(0);
    server.run(&["rules", "disable", id]).code(0);
    server.run(&["rules", "delete", id]).code(0);
    assert_eq!(
        server.run(&["rules", "list", "--output", "json"]).json().as_array().unwrap().len(),
        0
    );
    let told = server.run(&["rules", "show", "disk in use"]).code(1).stderr;
    assert!(told.contains("disk in use") && told.contains("rules list"), "{told}");
}

#[test]
fn rules_with_everything() {
    let server = with_disks();
    let made = server
        .run(&[
            "rules",
            "create",
            "--name",
            "allowed",
            "--policy",
            "allowed-volume-specs",
            "--param",
            "listOfAllowedSpecs=SAS,SATA",
            "--type",
            "evs.volumes",
            "--region",
            "cn-north-4",
            "--tag",
            "theme=cost",
            "--description",
            "text",
            "--wait",
            "--output",
            "json",
        ])
        .code(0)
        .json();
    assert_eq!(
        made["parameters"]["listOfAllowedSpecs"]["value"],
        serde_json::json!(["SAS", "SATA"])
    );
    assert_eq!(made["policy_filter_v2"]["resource_types"], serde_json::json!(["evs.volumes"]));
    let summary =
        server.run(&["summary", "--tag", "theme=cost", "--output", "json"]).code(0).json();
    assert_eq!(summary["results"]["resource_details"]["non_compliant_count"], 2, "{summary}");
    let told = server.run(&["rules", "create", "x", "--policy", "no-such-policy"]).code(1).stderr;
    assert!(told.contains("policies list"), "{told}");
    let periodic = [
        "rules",
        "create",
        "on",
        "--policy",
        "tracker-config-enabled-check",
        "--period",
        "1h",
        "--output",
        "json",
    ];
    assert_eq!(server.run(&periodic).code(0).json()["period"], "One_Hour");
}

#[test]
fn verdicts_summary_and_explanation() {
    let server = with_disks();
    let text = server.run(&["states", "--rule", "disk in use"]).code(0).stdout;
    assert!(
        text.contains("bad") && text.contains("good") && text.contains("evs.volumes"),
        "{text}"
    );
    let csv = server
        .run(&["states", "--state", "non-compliant", "--resource", "bad", "--output", "csv"])
        .code(0)
        .stdout;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    let one = server.run(&["states", "--limit", "1", "--output", "json"]).code(0).json();
    assert_eq!(one.as_array().unwrap().len(), 1);
    let none = server.run(&["states", "--resource", "nothing"]).code(0);
    assert!(none.stderr.contains("no verdicts"), "{none:?}");

    let text = server.run(&["summary"]).code(0).stdout;
    assert!(text.contains("disk in use") && text.contains("1 non-compliant"), "{text}");

    let text = server.run(&["explain", "disk in use", "bad"]).code(0).stdout;
    for words in ["NonCompliant", "properties.status is \"available\"", "matches"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let json = server.run(&["explain", "disk in use", "bad", "--output", "json"]).code(0).json();
    assert_eq!(json["agrees"], true);
    let csv = server.run(&["explain", "disk in use", "good", "--output", "csv"]).code(0).stdout;
    assert!(csv.contains("/allOf/2,false"), "{csv}");
    server.run(&["explain", "disk in use", "nothing"]).code(1);
}

#[test]
fn lists_are_followed_to_their_end() {
    let server = with_disks();
    let lines: Vec<String> = (0..450).map(|n| disk(&format!("d{n}"), "in-use")).collect();
    let file = server.write("many", lines.join("\n"));
    server.run(&["import", &file]).code(0);
    let all = server.run(&["states", "--output", "json"]).code(0).json();
    assert_eq!(all.as_array().unwrap().len(), 452);
}

#[test]
fn policies() {
    let server = Server::dev(&[]);
    let all = server.run(&["policies", "list", "--output", "json"]).code(0).json();
    assert!(all.as_array().unwrap().len() >= 12);
    let few = server.run(&["policies", "list", "flavor"]).code(0).stdout;
    assert!(few.contains("allowed-ecs-flavors") && !few.contains("volume"), "{few}");
    let shown = server.run(&["policies", "show", "allowed-ecs-flavors"]).code(0).stdout;
    assert!(shown.contains("listOfAllowedFlavors") && shown.contains("allOf"), "{shown}");
}

#[test]
fn what_goes_wrong_is_told_in_one_line() {
    let server = Server::dev(&[]);
    let mut command = server.command(&["rules", "list"]);
    command.args(["--endpoint", "http://127.0.0.1:1"]);
    let told = run(command).code(2).stderr;
    assert!(told.starts_with("error: no answer from") && told.lines().count() == 1, "{told}");
    let mut command = server.command(&["rules", "list"]);
    command.args(["--endpoint", "ftp://x"]);
    assert!(run(command).code(2).stderr.contains("not the URL"));
    let mut command = server.command(&["rules", "list"]);
    command.args(["--domain", "somebody-else"]);
    assert!(run(command).code(1).stderr.contains("RMS.00010006"));
}
