//! `ruleward accounts`, `users`, `keys`: on the store itself, with and without a server.

use serde_json::Value;

use crate::harness::{Done, Server, ruleward, run, run_with_input};

#[test]
fn a_store_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/deep/store.db", folder.path().display());
    let on_store = |arguments: &[&str]| -> Done {
        let mut command = ruleward(arguments);
        command.args(["--store", &url]);
        run(command)
    };
    let told = on_store(&["accounts", "list"]).code(2).stderr;
    assert!(told.contains("no store") && told.contains("accounts create"), "{told}");

    let made = on_store(&["accounts", "create", "acme", "--output", "json"]).code(0).json();
    assert_eq!(made["recorder"], "off");
    let id = made["id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    let other = ["accounts", "create", "other", "--id", "abc123", "--recorder", "on"];
    assert!(on_store(&other).code(0).stdout.contains("abc123"));
    let told = on_store(&["accounts", "create", "acme"]).code(1).stderr;
    assert!(told.starts_with("error: "), "{told}");

    assert!(on_store(&["accounts", "recorder", id, "on"]).code(0).stdout.contains("is on"));
    on_store(&["accounts", "recorder", "nobody", "on"]).code(1);
    let accounts = on_store(&["accounts", "list", "--output", "json"]).code(0).json();
    assert_eq!(accounts[0]["recorder"], "on");
    assert_eq!(accounts[1]["name"], "other");

    on_store(&["users", "create", "acme", "ann", "--role", "auditor"]).code(0);
    on_store(&["users", "create", "acme", "ann", "--role", "auditor"]).code(1);
    on_store(&["users", "create", "acme", "bob", "--role", "king"]).code(2);
    let made = on_store(&["keys", "create", "acme", "ann", "--output", "json"]).code(0).json();
    let secret = made["secret_key"].as_str().unwrap();
    assert_eq!(made["security_token"], Value::Null);
    let listed = on_store(&["keys", "list", "acme", "ann"]).code(0).stdout;
    assert!(listed.contains(made["access_key"].as_str().unwrap()) && !listed.contains(secret));
    on_store(&["keys", "create", "acme", "nobody"]).code(1);
    on_store(&["users", "delete", "acme", "ann"]).code(0);
    on_store(&["users", "delete", "acme", "ann"]).code(1);
    assert!(!on_store(&["users", "list", "acme"]).code(0).stdout.contains("ann"));
}

#[test]
fn beside_a_running_server() {
    let server = Server::dev(&[]);
    let id = server.credentials()["domain_id"].as_str().unwrap().to_owned();
    server.run(&["users", "create", &id, "reader", "--role", "auditor"]).code(0);
    let arguments = ["keys", "create", &id, "reader", "--temporary", "600", "--output", "json"];
    let key = server.run(&arguments).code(0).json();
    let call = |arguments: &[&str]| {
        let mut command = ruleward(arguments);
        command
            .env("HUAWEICLOUD_SDK_AK", key["access_key"].as_str().unwrap())
            .env("HUAWEICLOUD_SDK_SK", key["secret_key"].as_str().unwrap())
            .env("HUAWEICLOUD_SDK_SECURITY_TOKEN", key["security_token"].as_str().unwrap())
            .env("HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4", &server.endpoint);
        run(command)
    };
    call(&["rules", "list"]).code(0);
    let create = ["rules", "create", "x", "--policy", "volume-unused-check"];
    let told = call(&create).code(1).stderr;
    assert!(told.contains("RMS.00010006"), "{told}");
    server.run(&["keys", "delete", key["access_key"].as_str().unwrap()]).code(0);
    let told = call(&["rules", "list"]).code(1).stderr;
    assert!(told.contains("RMS.00010079"), "{told}");

    server.run(&["accounts", "recorder", &id, "off"]).code(0);
    let told = server.run(&create).code(1).stderr;
    assert!(told.contains("RMS.00010091"), "{told}");
    server.run(&["accounts", "recorder", &id, "on"]).code(0);
    server.run(&create).code(0);
}

#[test]
fn passwords_come_from_standard_input() {
    let server = Server::dev(&[]);
    let arguments = ["users", "create", "dev", "pat", "--role", "auditor", "--password-stdin"];
    let done = run_with_input(server.command(&arguments), b"correct horse\n").code(0);
    assert!(done.stdout.contains("yes") && !done.stdout.contains("horse"), "{}", done.stdout);
    let told = run_with_input(server.command(&arguments), b"\n").code(2).stderr;
    assert!(told.contains("empty"), "{told}");
}
