//! `ruleward serve`: start, reuse, lock, sample, end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::harness::{Server, ruleward, run, text};

#[test]
fn a_development_server_tells_how_to_get_in() {
    let mut server = Server::dev(&[]);
    let first = server.credentials();
    assert_eq!(first["endpoint"], server.endpoint.as_str());
    assert_eq!(first["iam_endpoint"], server.endpoint.as_str());
    for name in ["dev-credentials.json", "sealing.key"] {
        let mode = fs::metadata(server.data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let printed = server.stdout();
    for (variable, field) in [
        ("HUAWEICLOUD_SDK_AK", "access_key"),
        ("HUAWEICLOUD_SDK_SK", "secret_key"),
        ("HUAWEICLOUD_SDK_DOMAIN_ID", "domain_id"),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "iam_endpoint"),
        ("HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4", "endpoint"),
    ] {
        let line = format!("export {variable}={}", first[field].as_str().unwrap());
        assert!(printed.lines().any(|printed| printed == line), "{line}: {printed}");
    }
    server.run(&["rules", "list"]).code(0);
    assert!(server.stop().success());
    assert!(server.log().contains("stopping") && server.log().contains("stopped"));

    server.start(&["--dev"]);
    let second = server.credentials();
    for field in ["domain_id", "access_key", "secret_key"] {
        assert_eq!(first[field], second[field], "{field}");
    }
    assert_eq!(second["endpoint"], server.endpoint.as_str());
    server.run(&["rules", "list"]).code(0);
    assert!(server.stop().success());

    // A lost file: the account stays, a new key is made.
    fs::remove_file(server.data.join("dev-credentials.json")).unwrap();
    server.start(&["--dev"]);
    let third = server.credentials();
    assert_eq!(first["domain_id"], third["domain_id"]);
    assert_ne!(first["access_key"], third["access_key"]);
    server.run(&["rules", "list"]).code(0);
}

#[test]
fn the_key_works_through_the_environment() {
    let server = Server::dev(&[]);
    let variables: Vec<(String, String)> = server
        .stdout()
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(variables.len(), 5);
    let mut command = ruleward(&["rules", "list"]);
    command.current_dir(server.folder.path()).envs(variables.clone());
    run(command).code(0);
    // Without the account's id the service tells it.
    let mut command = ruleward(&["rules", "list"]);
    command.envs(variables.into_iter().filter(|(name, _)| !name.ends_with("DOMAIN_ID")));
    run(command).code(0);
    // In a folder without anything: what to do is told.
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = ruleward(&["rules", "list"]);
    command.current_dir(nowhere.path());
    let told = run(command).code(2).stderr;
    assert!(told.contains("HUAWEICLOUD_SDK_AK") && told.contains("--data"), "{told}");
}

#[test]
fn a_second_server_is_refused() {
    let server = Server::dev(&[]);
    let done = server.run(&["serve", "--dev", "--listen", "127.0.0.1:0"]).code(2);
    assert!(done.stderr.contains("another server"), "{}", done.stderr);
    server.run(&["rules", "list"]).code(0);
    let taken = server.endpoint.trim_start_matches("http://");
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--dev", "--listen", taken, "--data", text(folder.path())];
    let told = run(ruleward(&arguments)).code(2).stderr;
    assert!(told.contains("cannot listen on"), "{told}");
}

#[test]
fn the_sample_shows_a_real_picture_once() {
    let mut server = Server::dev(&["--sample"]);
    let summary = server.run(&["summary", "--output", "json"]).code(0).json();
    let count = |unit: &str, field: &str| summary["results"][unit][field].as_i64().unwrap();
    assert!(count("resource_details", "compliant_count") > 100, "{summary}");
    assert!(count("resource_details", "non_compliant_count") > 20, "{summary}");
    assert!(count("assignment_details", "compliant_count") >= 3, "{summary}");
    assert!(count("assignment_details", "non_compliant_count") >= 5, "{summary}");
    let rules = summary["policy_assignments"].as_array().unwrap();
    assert!(rules.len() >= 12, "{}", rules.len());
    for rule in rules {
        let details = &rule["results"]["resource_details"];
        let judged = details["compliant_count"].as_i64().unwrap()
            + details["non_compliant_count"].as_i64().unwrap();
        assert!(judged > 0, "{rule}");
        assert_eq!(rule["policy_assignment"]["state"], "Enabled");
    }
    let states = server.run(&["states", "--output", "json"]).code(0).json();
    let types: std::collections::BTreeSet<String> = states
        .as_array()
        .unwrap()
        .iter()
        .map(|of| format!("{}.{}", of["resource_provider"], of["resource_type"]))
        .collect();
    assert!(types.len() >= 15, "{types:?}");
    assert!(server.stop().success());
    server.start(&["--dev", "--sample"]);
    assert_eq!(server.run(&["summary", "--output", "json"]).code(0).json(), summary);
    assert!(server.log().contains("no sample is added"), "{}", server.log());
}

#[test]
fn requests_in_hand_are_finished() {
    let mut server = Server::dev(&[]);
    let address = server.endpoint.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Half of a request: the server waits for the rest.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    let _ = stream.write_all(b"Connection: close\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(server.stop_after_signal().success());
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn an_interrupt_ends_it_too() {
    let mut server = Server::dev(&[]);
    server.signal("INT");
    assert!(server.stop_after_signal().success());
    assert!(server.log().contains("SIGINT"), "{}", server.log());
}
