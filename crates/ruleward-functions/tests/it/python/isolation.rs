//! What a function can see and reach.

use std::os::fd::AsFd as _;

use ruleward_functions::{Failure, Isolation};
use serde_json::{Value, json};

use crate::support::Function;

#[tokio::test]
async fn its_environment_is_ours_and_holds_no_secrets() {
    let function =
        Function::new("import os\ndef handler(event, context):\n    return dict(os.environ)\n");
    let environment = function.value().await;
    let names: Vec<&String> = environment.as_object().unwrap().keys().collect();
    for name in names {
        let known = ["HOME", "LANG", "LC_CTYPE", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR"];
        assert!(known.contains(&name.as_str()) || name.starts_with("HUAWEICLOUD_SDK_"), "{name}");
    }
    for region in ["CN_NORTH_4", "EU_WEST_101", "RU_MOSCOW_1", "MY_KUALALUMPUR_1"] {
        let name = format!("HUAWEICLOUD_SDK_REGION_CONFIG_{region}");
        assert_eq!(environment[&name], "http://127.0.0.1:9");
    }
    assert_eq!(environment["HUAWEICLOUD_SDK_IAM_ENDPOINT"], "http://127.0.0.1:9");
    let text = environment.to_string();
    assert!(!text.contains("AK0") && !text.contains("SK0") && !text.contains("ST0"), "{text}");
}

const LOOKS: &str = r#"
import os
def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__
def attempt(what, *arguments):
    try:
        what(*arguments)
        return "done"
    except OSError as error:
        return type(error).__name__
def handler(event, context):
    status = dict(line.split(":\t", 1) for line in read("/proc/self/status").splitlines()
                  if ":\t" in line)
    if event.get("secret"):
        return [read(path) for path in event["secret"]]
    return {
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1],
        "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
        "no_new_privs": status["NoNewPrivs"],
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "root": sorted(os.listdir("/")),
        "etc": sorted(os.listdir("/etc")),
        "cwd": os.getcwd(),
        "session": os.getsid(0) != os.getsid(os.getppid()) if os.getppid() else None,
        "write": {path: attempt(os.mkdir, path + "/made-by-a-function")
                  for path in ("/", "/usr", "/tmp", "/proc", "/dev", os.path.dirname(__file__))},
        "parent": [attempt(open, "/proc/%d/%s" % (os.getppid(), name))
                   for name in ("mem", "environ", "fd/0")],
        "setting": attempt(open, "/proc/sys/kernel/core_pattern", "w"),
        "namespace": attempt(os.unshare, 0x10000000) if hasattr(os, "unshare") else "none",
        "regions": read(os.path.expanduser("~/.huaweicloud/regions.yaml"))[:7],
    }
"#;

#[tokio::test]
async fn in_namespaces_it_sees_its_own_and_changes_nothing() {
    // A file that this process has open and passes on by mistake.
    let open = std::fs::File::open("/etc/hostname").unwrap();
    rustix::io::fcntl_setfd(open.as_fd(), rustix::io::FdFlags::empty()).unwrap();
    let function = Function::with(LOOKS, |config| config.isolation = Isolation::Required);
    let seen = function.value().await;
    let descriptors = seen["descriptors"].as_array().unwrap();
    // Three of its own, and the channel.
    assert!(descriptors.len() <= 5, "{descriptors:?}");
    for capability in seen["capabilities"].as_array().unwrap() {
        assert_eq!(capability, "0000000000000000");
    }
    assert_eq!(seen["no_new_privs"], "1");
    assert_eq!(seen["processes"].as_array().unwrap().len(), 2, "{}", seen["processes"]);
    assert!(!seen["root"].to_string().contains("work"), "{}", seen["root"]);
    for name in ["shadow", "passwd", "hostname"] {
        assert!(!seen["etc"].as_array().unwrap().contains(&Value::from(name)), "{name}");
    }
    assert_eq!(seen["cwd"], "/tmp/work");
    for (path, outcome) in seen["write"].as_object().unwrap() {
        if path == "/tmp" {
            assert_eq!(outcome, "done");
        } else {
            assert_ne!(outcome, "done", "{path}");
        }
    }
    assert_eq!(seen["parent"], json!(["PermissionError", "PermissionError", "PermissionError"]));
    assert_ne!(seen["setting"], "done");
    assert_ne!(seen["namespace"], "done");
    assert_eq!(seen["regions"], "CONFIG:");
    drop(open);
}

#[tokio::test]
async fn without_namespaces_it_still_has_no_powers_and_no_descriptors() {
    let open = std::fs::File::open("/etc/hostname").unwrap();
    rustix::io::fcntl_setfd(open.as_fd(), rustix::io::FdFlags::empty()).unwrap();
    let function = Function::with(LOOKS, |config| config.isolation = Isolation::Off);
    let seen = function.value().await;
    assert!(seen["descriptors"].as_array().unwrap().len() <= 5, "{}", seen["descriptors"]);
    // Only root can make the bounding set smaller; without new privileges it bounds nothing.
    for held in [0, 1, 2, 4] {
        assert_eq!(seen["capabilities"][held], "0000000000000000", "{}", seen["capabilities"]);
    }
    assert_eq!(seen["no_new_privs"], "1");
    assert_eq!(seen["regions"], "CONFIG:");
    drop(open);
}

#[tokio::test]
async fn a_hidden_folder_beside_it_is_hidden() {
    let mut secret = None;
    let function = Function::with(LOOKS, |config| {
        config.isolation = Isolation::Required;
        let data = config.file.parent().unwrap().join("ruleward-data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("key"), "master key").unwrap();
        std::fs::write(config.file.with_file_name("beside.txt"), "beside").unwrap();
        secret = Some([data.join("key"), config.file.with_file_name("beside.txt")]);
        config.hidden = vec![data];
    });
    let read = crate::support::value(function.run(json!({"secret": secret.unwrap()})).await);
    assert_ne!(read[0], "master key");
    assert_eq!(read[1], "beside");
}

#[tokio::test]
async fn a_file_in_a_shared_folder_comes_alone() {
    // Straight in the machine's folder of temporary files, which holds what is others'.
    let file = tempfile::Builder::new().prefix("check").suffix(".py").tempfile().unwrap();
    let other = tempfile::Builder::new().prefix("other").tempfile().unwrap();
    std::fs::write(file.path(), LOOKS).unwrap();
    std::fs::write(other.path(), "of another").unwrap();
    let function = Function::with("", |config| {
        config.isolation = Isolation::Required;
        config.file = file.path().to_owned();
    });
    let event = json!({"secret": [file.path(), other.path()]});
    let read = crate::support::value(function.run(event).await);
    assert_eq!(read, json!([LOOKS, "FileNotFoundError"]));
}

#[tokio::test]
async fn limits_hold() {
    let function = Function::with(
        r"
import resource
def handler(event, context):
    names = ('RLIMIT_CORE', 'RLIMIT_AS', 'RLIMIT_CPU', 'RLIMIT_NOFILE', 'RLIMIT_FSIZE')
    return [resource.getrlimit(getattr(resource, name)) for name in names]
",
        |config| config.limits.cpu_seconds = 100,
    );
    let (memory, file) = (512 << 20, 64 << 20);
    assert_eq!(
        function.value().await,
        json!([[0, 0], [memory, memory], [100, 100], [256, 256], [file, file]])
    );
}

#[tokio::test]
async fn a_worn_out_process_is_replaced() {
    let function = Function::with(
        "import time\nevents = 0\ndef handler(event, context):\n    global events\n    events += 1\n    end = time.process_time() + event['burn']\n    while time.process_time() < end:\n        pass\n    return events\n",
        |config| config.limits.cpu_seconds = 4,
    );
    let run = async |burn: f64| crate::support::value(function.run(json!({"burn": burn})).await);
    assert_eq!(run(0.0).await, json!(1));
    assert_eq!(run(2.1).await, json!(2));
    assert_eq!(run(0.0).await, json!(1));
}

#[tokio::test]
async fn a_sandbox_that_is_not_there_is_our_failure() {
    let function = Function::with("", |config| config.launcher = "/no/such/ruleward".into());
    match function.run(json!({})).await {
        Err(failure @ Failure::Broken(_)) => assert!(failure.to_string().contains("sandbox")),
        other => panic!("{other:#?}"),
    }
}
