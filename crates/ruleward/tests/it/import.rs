//! `ruleward import`: every form, refusals, deletions, interruptions.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::harness::{Server, disk, run, run_with_input};
use crate::proxy;

fn disks(count: usize) -> Vec<String> {
    (0..count).map(|n| disk(&format!("d{n}"), "in-use")).collect()
}

fn gzip(plain: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(plain.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[track_caller]
fn counts(report: &Value, wanted: [u64; 5]) {
    let found = ["created", "changed", "unchanged", "deleted", "refused"]
        .map(|name| report[name].as_u64().unwrap());
    assert_eq!(found, wanted, "{report}");
}

#[test]
fn every_form() {
    let server = Server::dev(&[]);
    let (lines, list) = (disks(10).join("\n"), disks(10).join(",\n "));
    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("lines", lines.clone().into_bytes()),
        ("lines with blanks", lines.replace('\n', "\r\n\r\n").into_bytes()),
        ("array", format!("[{list}]").into_bytes()),
        ("answer", format!("{{\"resources\": [{list}],\n\"page_info\": {{}}}}\n").into_bytes()),
        ("pages", format!("{{\"resources\":[{list}]}}{{\"resources\":[]}}").into_bytes()),
        ("packed lines", gzip(&lines)),
        ("packed array", gzip(&format!("[{list}]"))),
        ("two packed parts", [gzip(&lines), gzip("\n")].concat()),
    ];
    for (number, (form, content)) in forms.into_iter().enumerate() {
        let file = server.write(form, content);
        let report = server.run(&["import", &file, "--output", "json"]).code(0).json();
        let created = if number == 0 { 10 } else { 0 };
        counts(&report, [created, 0, 10 - created, 0, 0]);
    }
    let piped = server.command(&["import", "-", "--output", "json"]);
    counts(&run_with_input(piped, lines.as_bytes()).code(0).json(), [0, 0, 10, 0, 0]);
    let text = server.run(&["import", &server.write("empty", "")]).code(0).stdout;
    assert!(text.contains("created") && text.contains("refused"), "{text}");
}

#[test]
fn refusals_have_lines_and_reasons() {
    let server = Server::dev(&[]);
    let mut lines = disks(6);
    lines[2] = "\n{not json".to_owned();
    lines[4] = r#"{"id":"x","type":"volumes"}"#.to_owned();
    lines.push(format!(
        r#"{{"id":"long","provider":"a","type":"b","name":"{}"}}"#,
        "x".repeat(9_000_000)
    ));
    let file = server.write("refused", lines.join("\n"));
    for unchanged in [false, true] {
        let done = server.run(&["import", &file]).code(1);
        for words in ["line 4: ", "line 6: `provider` is missing", "line 8: ", "1 MiB"] {
            assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
        }
        let word = if unchanged { "unchanged" } else { "created" };
        let line = done.stdout.lines().find(|line| line.starts_with(word)).unwrap();
        assert!(line.ends_with(" 4"), "{line}");
    }
    let file = server.write("array", format!("[{}, 7]", disks(2).join(",")));
    let report = server.run(&["import", &file, "--output", "json"]).code(1).json();
    counts(&report, [0, 0, 2, 0, 1]);
    assert_eq!(report["refusals"][0]["line"], 3);
}

#[test]
fn broken_inputs_fail_without_deleting() {
    let server = Server::dev(&[]);
    server.run(&["import", &server.write("all", disks(10).join("\n"))]).code(0);
    let packed = gzip(&disks(9).join("\n"));
    for (name, content) in [
        ("cut array", format!("[{}", disks(9).join(",")).into_bytes()),
        ("cut packing", packed[..packed.len() - 20].to_vec()),
    ] {
        let file = server.write(name, content);
        let done = server.run(&["import", &file, "--replace", "evs.volumes"]).code(2);
        assert!(done.stderr.contains("error: "), "{}", done.stderr);
    }
    let told = server.run(&["import", "/nowhere"]).code(2).stderr;
    assert!(told.contains("/nowhere"), "{told}");
    let report =
        server.run(&["import", &server.write("again", disks(10).join("\n")), "-o", "json"]);
    counts(&report.code(0).json(), [0, 0, 10, 0, 0]);
}

#[test]
fn the_whole_truth_for_a_type() {
    let server = Server::dev(&[]);
    let import = |content: String, more: &[&str]| {
        let file = server.write("inventory", content);
        let mut arguments = vec!["import", &file, "--output", "json", "--replace", "evs.volumes"];
        arguments.extend(more);
        server.run(&arguments)
    };
    let other = r#"{"id":"other","provider":"ecs","type":"cloudservers"}"#;
    let all = format!("{}\n{other}", disks(10).join("\n"));
    counts(&import(all, &[]).code(0).json(), [11, 0, 0, 0, 0]);
    counts(&import(disks(7).join("\n"), &[]).code(0).json(), [0, 0, 7, 3, 0]);
    // A refused line: nothing is deleted.
    let done = import(format!("{}\n{{", disks(6).join("\n")), &[]).code(1);
    counts(&done.json(), [0, 0, 6, 0, 1]);
    assert!(done.stderr.contains("Nothing is deleted"), "{}", done.stderr);
    // More than half: only with --force, which goes on with the same session.
    let done = import(disks(2).join("\n"), &[]).code(1);
    assert!(done.stderr.contains("force"), "{}", done.stderr);
    counts(&done.json(), [0, 0, 2, 0, 0]);
    let report = server.run(&[
        "import",
        &server.folder.path().join("inventory").to_string_lossy(),
        "--output",
        "json",
        "--replace",
        "evs.volumes",
        "--force",
    ]);
    counts(&report.code(0).json(), [0, 0, 2, 5, 0]);
}

#[test]
fn an_interrupted_import_goes_on() {
    let server = Server::dev(&[]);
    let filler = "x".repeat(900);
    let lines: Vec<String> = (0..40_000)
        .map(|n| disk(&format!("d{n}"), "in-use").replace("SSD", &format!("SSD{filler}")))
        .collect();
    let file = server.write("large", lines.join("\n"));
    let mut child = server.command(&["import", &file]).spawn().unwrap();
    let began = Instant::now();
    while server.log().matches("ImportBatch").count() < 2 {
        assert!(began.elapsed() < Duration::from_mins(1), "{}", server.log());
        assert!(child.try_wait().unwrap().is_none(), "it was too fast");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = server.run(&["import", &file, "--output", "json"]).code(0);
    assert!(done.stderr.contains("going on after"), "{}", done.stderr);
    // Every line was taken once.
    counts(&done.json(), [40_000, 0, 0, 0, 0]);
    // A finished import begins anew.
    let again = server.run(&["import", &file, "--output", "json"]).code(0);
    assert!(!again.stderr.contains("going on after"), "{}", again.stderr);
    counts(&again.json(), [0, 0, 40_000, 0, 0]);
}

#[test]
fn a_lost_answer_is_asked_for_again() {
    let server = Server::dev(&[]);
    let address = server.endpoint.trim_start_matches("http://").to_owned();
    let proxy = proxy::losing_one_answer(&address, b"/batches?");
    let file = server.write("disks", disks(10).join("\n"));
    let mut command = server.command(&["import", &file, "--output", "json"]);
    command.args(["--endpoint", &format!("http://{proxy}")]);
    let done = run(command).code(0);
    assert!(done.stderr.contains("trying again"), "{}", done.stderr);
    counts(&done.json(), [10, 0, 0, 0, 0]);
}

#[test]
fn a_service_that_is_not_there() {
    let server = Server::dev(&[]);
    let file = server.write("disks", disks(1).join("\n"));
    let mut command = server.command(&["import", &file]);
    command.args(["--endpoint", "http://127.0.0.1:1"]);
    let began = Instant::now();
    let told = run(command).code(2).stderr;
    assert!(told.contains("no answer from") && began.elapsed() < Duration::from_secs(5), "{told}");
    assert!(fs::exists(&file).unwrap());
}
