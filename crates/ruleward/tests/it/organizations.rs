//! `ruleward organizations`, on the store itself and beside a running server; the sample's
//! organization; `summary --organization`.

use serde_json::Value;

use crate::harness::{Done, Server, ruleward, run};

#[test]
fn an_organization_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/store.db", folder.path().display());
    let on_store = |arguments: &[&str]| -> Done {
        let mut command = ruleward(arguments);
        command.args(["--store", &url]);
        run(command)
    };
    for name in ["head", "one", "two", "three"] {
        on_store(&["accounts", "create", name]).code(0);
    }
    let create = ["organizations", "create", "acme", "--management", "head", "--output", "json"];
    let made = on_store(&create).code(0).json();
    let id = made["organization_id"].as_str().unwrap();
    assert!(id.starts_with("o-"), "{id}");
    on_store(&create).code(1);
    on_store(&["organizations", "create", "x", "--management", "nobody"]).code(1);
    let listed = on_store(&["organizations", "list", "--output", "json"]).code(0).json();
    assert_eq!(listed[0], made);

    let units = ["organizations", "units"];
    let unit = |arguments: &[&str]| on_store(&[&units[..], arguments].concat());
    unit(&["create", "acme", "production"]).code(0);
    let eu = ["create", "acme", "eu", "--parent", "production", "--output", "json"];
    assert!(unit(&eu).code(0).json()["parent_id"].is_string());
    assert!(unit(&["list", id]).code(0).stdout.contains("production"));
    assert!(unit(&["delete", id, "production"]).code(1).stderr.contains("UnitInUse"));

    let of = |verb: &str, account: &str| on_store(&["organizations", verb, "acme", account]);
    on_store(&["organizations", "add", "acme", "one", "--unit", "eu"]).code(0);
    of("add", "two").code(0);
    of("add", "two").code(1);
    of("invite", "three").code(0);
    of("suspend", "two").code(0);
    assert!(of("suspend", "three").code(1).stderr.contains("not accepted"));
    of("delegate", "one").code(0);
    let shown = on_store(&["organizations", "show", id, "--output", "json"]).code(0).json();
    let members: Vec<_> = shown["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| {
            let delegated = member["delegated_administrator"].as_bool().unwrap();
            let unit = member["unit_id"].is_string();
            (member["name"].as_str().unwrap(), member["state"].as_str().unwrap(), delegated, unit)
        })
        .collect();
    assert_eq!(
        members,
        [
            ("one", "normal", true, true),
            ("two", "suspended", false, false),
            ("three", "invited", false, false),
        ]
    );
    of("resume", "two").code(0);
    of("undelegate", "one").code(0);
    of("move", "one").code(0);
    of("remove", "three").code(0);
    of("remove", "three").code(1);
    let table = on_store(&["organizations", "show", "acme"]).code(0).stdout;
    assert!(table.contains("managed by head") && !table.contains("three"), "{table}");
}

#[test]
fn the_sample_has_an_organization_of_three() {
    let mut server = Server::dev(&["--sample"]);
    let credentials = server.credentials();
    let id = credentials["organization_id"].as_str().unwrap();
    let members = credentials["members"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    let key = |member: &Value, arguments: &[&str]| {
        let mut command = ruleward(arguments);
        command
            .env("HUAWEICLOUD_SDK_AK", member["access_key"].as_str().unwrap())
            .env("HUAWEICLOUD_SDK_SK", member["secret_key"].as_str().unwrap())
            .env("HUAWEICLOUD_SDK_DOMAIN_ID", member["domain_id"].as_str().unwrap())
            .env("HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4", &server.endpoint);
        run(command)
    };
    for member in members {
        // Members have inventories, so that a rule finds something.
        let rule = ["rules", "preview", "--policy", "volume-unused-check"];
        let found = key(member, &[&rule[..], &["--output", "json"]].concat()).code(0).json();
        assert!(found.to_string().contains("NonCompliant"), "{found}");
        let told = key(member, &["summary", "--organization"]).code(1).stderr;
        assert!(told.contains("RMS.00010006"), "{told}");
    }
    let arguments = ["summary", "--organization", "--output", "json"];
    let summary = server.run(&arguments).code(0).json();
    assert_eq!(summary["organization_id"], id);
    assert_eq!(summary["accounts"].as_array().unwrap().len(), 4);
    assert_eq!(summary["accounts"][0]["state"], "management", "it alone has rules yet");
    let table = server.run(&["summary", "--organization", id, "--limit", "2"]).code(0).stdout;
    assert!(table.contains("RULES NON COMPLIANT") && table.contains("dev"), "{table}");

    let create = ["rules", "create", "disks", "--policy", "volume-unused-check"];
    let made = server.run(&[&create[..], &["--organization", "--wait"]].concat()).code(0).stdout;
    assert!(made.contains("organization_policy_assignment_id"), "{made}");
    let listed = server.run(&["rules", "list", "--organization", id]).code(0).stdout;
    assert!(listed.contains("disks") && listed.contains("CREATE_SUCCESSFUL"), "{listed}");
    let theirs = key(&members[0], &["rules", "list"]).code(0).stdout;
    assert!(theirs.contains("Org-disks"), "{theirs}");
    let told = key(&members[0], &["rules", "disable", "Org-disks"]).code(1).stderr;
    assert!(told.contains("RULEWARD.RuleDeployed"), "{told}");
    let summary = server.run(&arguments).code(0).json();
    let rules =
        |count: &str| {
            summary["accounts"].as_array().unwrap().iter().all(|account| {
                account["results"]["assignment_details"][count].as_i64().unwrap() > 0
            })
        };
    assert!(rules("non_compliant_count"), "{summary}");
    server.run(&["rules", "delete", "disks", "--organization"]).code(0);
    server.run(&["rules", "delete", "disks", "--organization"]).code(1);
    let tagged = server.run(&[&create[..], &["--organization", id, "--tag", "a=b"]].concat());
    assert!(tagged.code(2).stderr.contains("no tags"));

    // A second start finds everything as it was.
    assert!(server.stop().success());
    server.start(&["--dev", "--sample"]);
    let again = server.credentials();
    assert_eq!(again["organization_id"], credentials["organization_id"]);
    assert_eq!(again["members"], credentials["members"]);
    let told = Server::dev(&[]);
    assert!(told.credentials().get("organization_id").is_none());
    let none = told.run(&["summary", "--organization"]).code(2).stderr;
    assert!(none.contains("no organization"), "{none}");
}
