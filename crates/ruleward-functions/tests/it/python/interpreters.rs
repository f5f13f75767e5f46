//! Interpreters, wherever they are.

use std::path::Path;
use std::process::Command;

use ruleward_functions::Isolation;
use serde_json::json;

use crate::support::Function;

const WHERE: &str = "import sys\ndef handler(event, context):\n    return sys.prefix\n";

#[tokio::test]
async fn a_virtual_environment_is_seen_with_what_it_stands_on() {
    let folder = tempfile::tempdir().unwrap();
    // Reached through a link, as deployments like to do it.
    let real = folder.path().join("real");
    let status = Command::new("python3")
        .args(["-m", "venv", "--without-pip", "--symlinks"])
        .arg(&real)
        .status()
        .unwrap();
    assert!(status.success());
    let link = folder.path().join("current");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    for environment in [&real, &link] {
        let function = Function::with(WHERE, |config| {
            config.isolation = Isolation::Required;
            config.interpreter = environment.join("bin/python");
        });
        let prefix = function.value().await;
        let prefix = Path::new(prefix.as_str().unwrap()).canonicalize().unwrap();
        assert_eq!(prefix, real.canonicalize().unwrap());
    }
}

#[tokio::test]
async fn a_script_that_chooses_one_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("python");
    std::fs::write(&script, "#!/bin/sh\nexec python3 \"$@\"\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let function = Function::with(WHERE, |config| config.interpreter = script);
    assert_ne!(function.value().await, json!(null));
}
