//! TLS with a certificate of a private authority.

use std::path::Path;

use crate::harness::{Server, run, text};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls").join(name);
    text(&path).to_owned()
}

#[test]
fn a_server_with_a_certificate() {
    let mut server = Server::dev(&[]);
    assert!(server.stop().success());
    let configuration = server.write(
        "ruleward.toml",
        format!(
            "[tls]\ncertificate_file = \"{}\"\nprivate_key_file = \"{}\"\n",
            file("certificate.pem"),
            file("key.pem")
        ),
    );
    server.start(&["--dev", "--config", &configuration]);
    assert!(server.endpoint.starts_with("https://127.0.0.1:"), "{}", server.endpoint);
    server.run(&["rules", "list", "--ca-file", &file("ca.pem")]).code(0);
    let mut command = server.command(&["rules", "list"]);
    command.env("RULEWARD_CA_FILE", file("ca.pem"));
    run(command).code(0);
    let told = server.run(&["rules", "list"]).code(2).stderr;
    assert!(told.contains("no answer from https://"), "{told}");
    assert!(server.stop().success());

    let wrong = server.write(
        "wrong.toml",
        format!(
            "[tls]\ncertificate_file = \"{}\"\nprivate_key_file = \"{}\"\n",
            file("key.pem"),
            file("ca.pem")
        ),
    );
    let done = server.run(&["serve", "--config", &wrong]).code(2);
    assert!(done.stderr.contains("[tls]"), "{}", done.stderr);
}
