//! The configuration file and what is wrong with it.

use std::fs;

use crate::harness::{Server, ruleward, run, text};

/// Starts a server that shall not start; answers what it says.
fn refusal(configuration: &str, more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ruleward.toml");
    fs::write(&file, configuration).unwrap();
    let mut arguments = vec!["serve", "--config", text(&file)];
    arguments.extend(more);
    let mut command = ruleward(&arguments);
    command.current_dir(folder.path());
    let done = run(command).code(2);
    assert_eq!(done.stdout, "");
    assert!(!folder.path().join("ruleward-data").exists(), "nothing was made");
    done.stderr
}

#[test]
fn errors_name_key_and_file() {
    for (configuration, words) in [
        ("lisen = 1", &["lisen", "ruleward.toml"][..]),
        ("[server]\nlisten = \"nowhere\"", &["[server] listen", "ruleward.toml"]),
        ("[store]\nurl = \"postgres://me:hunter2@x/y\"", &["[store] url", "postgres"]),
        ("[tls]\ncertificate_file = \"/no/c\"\nprivate_key_file = \"/no/k\"", &["/no/c"]),
        ("[log]\nlevel = \"a=b=c\"", &["[log] level"]),
        ("not toml", &["line 1"]),
    ] {
        let told = refusal(configuration, &[]);
        assert!(words.iter().all(|word| told.contains(word)), "{configuration}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    let done = run(ruleward(&["serve", "--config", "/nowhere.toml"])).code(2);
    assert!(done.stderr.contains("/nowhere.toml"), "{}", done.stderr);
}

#[test]
fn other_stores_are_refused_in_words() {
    let told = refusal("", &["--store", "postgres://me:hunter2@localhost/x"]);
    assert!(told.contains("postgres") && told.contains("sqlite:PATH"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn development_stays_on_this_machine() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let told = refusal("", &["--dev", "--listen", address]);
        assert!(told.contains("loopback"), "{told}");
    }
    let told = refusal("[server]\nlisten = \"0.0.0.0:0\"", &["--dev"]);
    assert!(told.contains("loopback"), "{told}");
}

#[test]
fn a_configured_server_without_dev() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::dev(&[]);
    assert!(server.stop().success());
    // The same store by its URL; the sealing key from the environment.
    let key = fs::read_to_string(server.data.join("sealing.key")).unwrap();
    fs::rename(server.data.join("sealing.key"), folder.path().join("key")).unwrap();
    let told = server.run(&["accounts", "list"]).code(2).stderr;
    assert!(told.contains("no sealing key") && told.contains("RULEWARD_SEALING_KEY"), "{told}");
    let mut command = server.command(&["accounts", "list", "--output", "csv"]);
    command.env("RULEWARD_SEALING_KEY", key.trim());
    assert!(run(command).code(0).stdout.contains("dev,"));

    let configuration = folder.path().join("ruleward.toml");
    fs::write(
        &configuration,
        format!(
            "[security]\nsealing_key_file = \"{}\"\n[log]\nformat = \"json\"\nlevel = \"debug\"\n\
             [limits]\npolicy_assignments = 1\nconcurrent_requests = 8\n",
            folder.path().join("key").display()
        ),
    )
    .unwrap();
    server.start(&["--config", text(&configuration)]);
    assert!(!server.stdout().contains("export"), "no variables without --dev");
    let endpoint = server.endpoint.clone();
    let create = |name: &str| {
        let arguments = ["rules", "create", name, "--policy", "volume-unused-check"];
        let mut command = server.command(&arguments);
        command.args(["--endpoint", &endpoint]);
        run(command)
    };
    create("first").code(0);
    let told = create("second").code(1).stderr;
    assert!(told.contains("RULEWARD.QuotaExceeded"), "{told}");
    let log = server.log();
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    assert!(log.contains("configuration read") && log.contains("policy_assignments: 1"), "{log}");
    assert!(!log.contains(key.trim()), "{log}");
    assert!(server.stop().success());
}
