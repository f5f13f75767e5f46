//! `ruleward import --from`: accounts of other services, snapshots, Terraform.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::{Done, Server, disk, run};
use crate::remote::{Remote, Reply};

const PAGE: usize = 10;

#[track_caller]
fn counts(report: &Value, wanted: [u64; 5]) {
    let found = ["created", "changed", "unchanged", "deleted", "refused"]
        .map(|name| report[name].as_u64().unwrap());
    assert_eq!(found, wanted, "{report}");
}

/// A page of disks from a number on, of so many in all.
fn page(marker: Option<&str>, all: usize) -> Reply {
    let from: usize = marker.map_or(0, |marker| marker.trim_start_matches("mark").parse().unwrap());
    let to = (from + PAGE).min(all);
    let disks: Vec<String> = (from..to).map(|n| disk(&format!("d{n}"), "in-use")).collect();
    let next = if to < all { json!(format!("mark{to}")) } else { Value::Null };
    Reply::Page(format!(
        r#"{{"resources":[{}],"page_info":{{"current_count":{},"next_marker":{next}}}}}"#,
        disks.join(","),
        disks.len()
    ))
}

/// The command that copies the account of a service.
fn copy(server: &Server, remote: &Remote, more: &[&str]) -> Command {
    let endpoint = remote.endpoint.clone();
    let mut arguments = vec!["import", "--from", "config", "--endpoint", &endpoint, "-o", "json"];
    arguments.extend(more);
    let mut command = server.command(&arguments);
    command
        .env("HUAWEICLOUD_SDK_AK", "remote-key")
        .env("HUAWEICLOUD_SDK_SK", "remote-secret")
        .env("HUAWEICLOUD_SDK_DOMAIN_ID", "remote-domain")
        .current_dir(server.folder.path());
    command
}

fn spooled(server: &Server) -> usize {
    let folder = server.folder.path().join("ruleward-import");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn an_account_is_copied_page_by_page() {
    let server = Server::dev(&[]);
    let remote = Remote::start(|marker, _| page(marker, 25));
    counts(&run(copy(&server, &remote, &[])).code(0).json(), [25, 0, 0, 0, 0]);
    let list = "/v1/resource-manager/domains/remote-domain/all-resources?limit=200";
    let wanted =
        [list.to_owned(), format!("{list}&marker=mark10"), format!("{list}&marker=mark20")];
    assert_eq!(remote.requests(), wanted);
    assert_eq!(spooled(&server), 0, "nothing is left behind");
    // Everything anew, and what is not listed is gone.
    let extra = server.write("extra", disk("extra", "in-use"));
    server.run(&["import", &extra]).code(0);
    let again = run(copy(&server, &remote, &["--tracked", "--replace", "evs.volumes"])).code(0);
    counts(&again.json(), [0, 0, 25, 1, 0]);
    assert!(remote.requests()[3].contains("/tracked-resources?"), "{:?}", remote.requests());
}

#[test]
fn too_many_requests_are_made_later() {
    let server = Server::dev(&[]);
    let remote = Remote::start(|marker, before| match before {
        0 => Reply::TooMany(1),
        2 => Reply::TooMany(0),
        3 => Reply::Refused(503, "APIGW.0201"),
        _ => page(marker, 15),
    });
    let began = Instant::now();
    let done = run(copy(&server, &remote, &[])).code(0);
    assert!(began.elapsed() >= Duration::from_secs(1), "it waits as long as it is told");
    counts(&done.json(), [15, 0, 0, 0, 0]);
    assert_eq!(done.stderr.matches("trying again").count(), 3, "{}", done.stderr);
    assert_eq!(remote.requests().len(), 5);
}

#[test]
fn a_killed_copy_goes_on_without_loss_or_doubles() {
    const ALL: usize = 600;
    const SILENT: usize = 40;
    let server = Server::dev(&[]);
    let filler = "x".repeat(20_000);
    // One page never comes; a part of those before it was sent on already.
    let remote = Remote::start(move |marker, before| match page(marker, ALL) {
        _ if before == SILENT => Reply::Silence,
        Reply::Page(text) => Reply::Page(text.replace("SSD", &format!("SSD{filler}"))),
        other => other,
    });
    let mut child = copy(&server, &remote, &[]).spawn().unwrap();
    let began = Instant::now();
    while remote.requests().len() <= SILENT || !server.log().contains("ImportBatch") {
        assert!(began.elapsed() < Duration::from_mins(1), "{}", remote.requests().len());
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(spooled(&server), 1);
    let done = run(copy(&server, &remote, &[])).code(0);
    for words in ["going on with what an earlier run got", "lines that an earlier run sent"] {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    counts(&done.json(), [ALL as u64, 0, 0, 0, 0]);
    // Every page was got once, but for the one that did not come.
    let mut markers: Vec<String> = remote
        .requests()
        .iter()
        .map(|target| target.split("marker=").nth(1).unwrap_or("mark0").to_owned())
        .collect();
    assert_eq!(markers.remove(SILENT), format!("mark{}", SILENT * PAGE));
    let wanted: Vec<String> = (0..ALL / PAGE).map(|n| format!("mark{}", n * PAGE)).collect();
    assert_eq!(markers, wanted);
    assert_eq!(spooled(&server), 0);
}

#[test]
fn a_place_that_is_lost_begins_anew() {
    let server = Server::dev(&[]);
    let remote = Remote::start(|marker, before| match (before, marker) {
        (1, _) => Reply::Refused(500, "RMS.INTERNAL.ERROR"),
        (2, Some(_)) => Reply::Refused(400, "RMS.00010034"),
        _ => page(marker, 15),
    });
    let told = run(copy(&server, &remote, &[])).code(2).stderr;
    assert!(told.contains("RMS.INTERNAL.ERROR"), "{told}");
    assert_eq!(spooled(&server), 1);
    let done = run(copy(&server, &remote, &[])).code(0);
    let report = done.json();
    let taken = report["created"].as_u64().unwrap() + report["unchanged"].as_u64().unwrap();
    assert_eq!(taken, 15, "{report}");
    assert_eq!(spooled(&server), 0);
}

#[test]
fn copies_that_are_refused() {
    let server = Server::dev(&[]);
    let denied = Remote::start(|_, _| Reply::Refused(403, "RMS.00010006"));
    let told = run(copy(&server, &denied, &[])).code(1).stderr;
    assert!(told.contains("RMS.00010006"), "{told}");
    let odd = Remote::start(|_, _| Reply::Page("{\"value\":[]}".to_owned()));
    let told = run(copy(&server, &odd, &[])).code(2).stderr;
    assert!(told.contains("does not answer a list"), "{told}");
    let endless = Remote::start(|marker, _| {
        let _ = marker;
        page(Some("mark0"), 20)
    });
    let told = run(copy(&server, &endless, &[])).code(2).stderr;
    assert!(told.contains("circles"), "{told}");
    let told = run(copy(&server, &denied, &["file"])).code(2).stderr;
    assert!(told.contains("takes no FILE"), "{told}");
    let told = server.run(&["import", "file", "--tracked"]).code(2).stderr;
    assert!(told.contains("--from config"), "{told}");
    let mut keyless = copy(&server, &denied, &[]);
    keyless.env_remove("HUAWEICLOUD_SDK_SK");
    let told = run(keyless).code(2).stderr;
    assert!(told.contains("HUAWEICLOUD_SDK_SK"), "{told}");
}

fn pack(path: &std::path::Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut packer = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap();
}

#[test]
fn a_snapshot() {
    let server = Server::dev(&[]);
    let folder = server.folder.path().join("bucket");
    let part = |number: usize, ids: std::ops::Range<usize>| {
        let items: Vec<String> = ids
            .map(|n| {
                let resource = disk(&format!("d{n}"), "in-use");
                format!(r#"{{"resource":{resource},"relations":[{{"relation_type":"x"}}]}}"#)
            })
            .collect();
        let name = format!(
            "RMSLogs/a/Snapshot/2024/7/22/a_Snapshot_r_ResourceSnapshot_2024-07-22T221441Z_\
             5d3b_part-{number}.json.gz"
        );
        let text = format!(r#"{{"snapshot_id":"5d3b","items":[{}]}}"#, items.join(","));
        pack(&folder.join(&name), &text);
        folder.join(name)
    };
    let first = part(1, 0..20);
    part(2, 20..30);
    let import = |path: &std::path::Path| -> Done {
        server.run(&["import", "--from", "snapshot", path.to_str().unwrap(), "-o", "json"])
    };
    counts(&import(&folder).code(0).json(), [30, 0, 0, 0, 0]);
    counts(&import(&first).code(0).json(), [0, 0, 20, 0, 0]);
    fs::remove_file(&first).unwrap();
    let told = import(&folder).code(2).stderr;
    assert!(told.contains("part 1"), "{told}");
    let told = import(&server.folder.path().join("data")).code(2).stderr;
    assert!(told.contains("no snapshot"), "{told}");
}

#[test]
fn a_state_of_terraform() {
    let server = Server::dev(&[]);
    let resource = |address: &str, values: Value| {
        let kind = address.split('.').next().unwrap();
        json!({"address": address, "mode": "managed", "type": kind, "values": values})
    };
    let state = json!({"values": {"root_module": {"resources": [
        resource("huaweicloud_evs_volume.disk", json!({"id": "disk-1", "name": "d", "size": 40})),
        resource("huaweicloud_vpc.net", json!({"id": "vpc 1", "name": "n"})),
        resource("huaweicloud_dns_zone.a", json!({"id": "z1"})),
        resource("huaweicloud_dns_zone.b", json!({"id": "z2"})),
    ]}}});
    let file = server.write("state.json", state.to_string());
    let done = server.run(&["import", "--from", "terraform", &file, "-o", "json"]).code(1);
    let report = done.json();
    counts(&report, [1, 0, 0, 0, 1]);
    assert_eq!(report["unknown_types"], json!({"huaweicloud_dns_zone": 2}));
    let reason = report["refusals"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("huaweicloud_vpc.net: "), "{reason}");
    let text = server.run(&["import", "--from", "terraform", &file]).code(1).stdout;
    assert!(text.contains("2 of the unknown type huaweicloud_dns_zone"), "{text}");
    let odd = server.write("odd.json", "{}");
    let told = server.run(&["import", "--from", "terraform", &odd]).code(2).stderr;
    assert!(told.contains("no plan and no state"), "{told}");
}
