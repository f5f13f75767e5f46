//! A rough measure of the engine, for the eye:
//! `cargo test --release -p ruleward-policy -- --ignored --nocapture speed`.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use ruleward_policy::{Outcome, ProgramSet, Scratch, catalogue};
use serde_json::{Value, json};

use crate::support::{World, compile};

/// A resource of about 1.4 kB.
fn server(number: usize, provider: &str, kind: &str) -> String {
    let mut properties = json!({
        "status": if number.is_multiple_of(7) { "available" } else { "in-use" },
        "hostId": format!("{number:032x}"), "hostStatus": "UP", "launchedAt": "2024-03-01T08:00:00.000000",
        "description": "A server with a \"quoted\" note", "locked": false, "progress": 0, "powerState": 1,
        "volumeType": "SSD", "bandwidth": {"name": "b", "size": 5},
        "extVolumesAttached": [
            {"id": format!("{number:036x}"), "bootIndex": 0, "device": "/dev/vda", "deleteOnTermination": "true"},
            {"id": format!("{:036x}", number + 1), "bootIndex": 1, "device": "/dev/vdb", "deleteOnTermination": "false"},
        ],
        "addresses": [
            {"OsExtIpsType": "fixed", "addr": "192.168.0.4", "version": 4, "OsExtIpsMacAddr": "fa:16:3e:00:00:01", "OsExtIpsPortId": format!("{number:036x}")},
            {"OsExtIpsType": if number.is_multiple_of(5) { "floating" } else { "fixed" }, "addr": "100.1.2.3", "version": 4},
        ],
        "securityGroup": [{"id": format!("{number:036x}"), "name": "default"}],
        "flavor": {"id": "s6.small.1", "name": "s6.small.1", "ram": "1024", "vcpus": "1", "disk": "0"},
        "metadata": {
            "chargingMode": "0", "osBit": "64", "vpcId": "6a4b1c2e-8c1f-4d57-9a35-0f5d3a1b7c90",
            "imageName": "Ubuntu 22.04 server 64bit", "meteringImageId": "ea0d6e0e-99c3-406d-a873-3bb45462b624",
            "osType": "Linux",
        },
    });
    if kind == "volumes" {
        properties["metadata"] = json!({"systemEncrypted": "0"});
    }
    json!({
        "id": format!("{number:036x}"), "name": format!("{kind}-{number}"), "provider": provider, "type": kind,
        "region_id": "eu-west-101", "project_id": "0123456789abcdef0123456789abcdef", "project_name": "eu-west-101",
        "ep_id": "0", "ep_name": "default", "checksum": format!("{number:064x}"),
        "created": "2024-03-01T08:00:00.000Z", "updated": "2026-03-01T08:00:00.000Z",
        "provisioning_state": "Succeeded",
        "tags": {"env": if number.is_multiple_of(3) { "prod" } else { "test" }, "owner": "team-a", "cost": "42"},
        "properties": properties,
    })
    .to_string()
}

/// The policies measured.
const NAMES: [&str; 10] = [
    "access-keys-rotated",
    "allowed-ecs-flavors",
    "allowed-images-by-id",
    "allowed-volume-specs",
    "ecs-instance-in-vpc",
    "ecs-instance-no-public-ip",
    "eip-unbound-check",
    "required-tag-check",
    "volume-unused-check",
    "volumes-encrypted-check",
];

fn set() -> ProgramSet {
    let given = |name: &str| match name {
        "required-tag-check" => {
            json!({"specifiedTagKey": "env", "specifiedTagValue": ["prod", "dev"]})
        }
        "allowed-ecs-flavors" => json!({"listOfAllowedFlavors": ["s6.small.1", "c6.large.2"]}),
        "allowed-images-by-id" => {
            json!({"listOfAllowedImages": ["ea0d6e0e-99c3-406d-a873-3bb45462b624"]})
        }
        "ecs-instance-in-vpc" => json!({"vpcId": "6a4b1c2e-8c1f-4d57-9a35-0f5d3a1b7c90"}),
        "allowed-volume-specs" => json!({"listOfAllowedSpecs": ["SSD", "SAS"]}),
        _ => json!({}),
    };
    let mut programs = Vec::new();
    for name in NAMES {
        let definition = catalogue().by_name(name).unwrap();
        let Value::Object(given) = given(&definition.name) else { panic!("an object") };
        let bound = definition.bind_parameters(&given).unwrap();
        programs.push(Arc::new(definition.policy.compile(&bound).unwrap()));
    }
    ProgramSet::new(&programs)
}

#[test]
#[ignore = "a measure, not a test"]
fn speed() {
    let types =
        [("ecs", "cloudservers"), ("evs", "volumes"), ("vpc", "publicips"), ("obs", "buckets")];
    let bodies: Vec<String> = (0..4_000)
        .map(|number| {
            let (provider, kind) = types[number % types.len()];
            server(number, provider, kind)
        })
        .collect();
    let bytes: usize = bodies.iter().map(String::len).sum();
    let (set, world) = (set(), World::default());
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let mut report = format!("{} programs, {} bytes a resource\n", set.len(), bytes / bodies.len());
    for round in 0..5 {
        let start = Instant::now();
        let mut violations = 0;
        for _ in 0..25 {
            for body in &bodies {
                set.evaluate(&mut scratch, body.as_bytes(), &world, &mut out);
                violations += out.iter().filter(|one| **one == Outcome::NonCompliant).count();
            }
        }
        let each = start.elapsed().as_nanos() / (25 * bodies.len() as u128);
        writeln!(report, "round {round}: {each} ns a resource, {violations} violations").unwrap();
    }
    println!("{report}");
}

#[test]
#[ignore = "a measure, not a test"]
fn speed_of_look_ups() {
    let mut report = String::new();
    for count in [100, 1_000, 10_000, 50_000] {
        let vaults: Vec<_> = (0..count)
            .map(|n| json!({"id": format!("v{n}"), "properties": {"resources": [{"id": format!("{n:036x}")}, {"id": "x"}]}}))
            .collect();
        let world = World::default().with("cbr.vault", &Value::Array(vaults));
        for (name, body) in [
            ("by key", "equals(r.id, resource().id)"),
            ("by walk", "or(false, equals(r.id, resource().id))"),
        ] {
            let found = format!(
                "${{any(resources('cbr.vault'), lambda v: any(v.properties.resources, lambda r: {body}))}}"
            );
            let rule = json!({"value": found, "comparator": "equals", "pattern": false});
            let set = ProgramSet::new(&[compile(&rule, &Value::Null)]);
            let (mut scratch, mut out) = (Scratch::new(), Vec::new());
            let bodies: Vec<_> =
                (0..2_000).map(|n| server(n * 30, "ecs", "cloudservers")).collect();
            let start = Instant::now();
            let mut open = 0;
            for body in &bodies {
                set.evaluate(&mut scratch, body.as_bytes(), &world, &mut out);
                open += out.iter().filter(|one| matches!(one, Outcome::Undetermined(_))).count();
            }
            let each = start.elapsed().as_nanos() / bodies.len() as u128;
            writeln!(report, "{count} vaults {name}: {each} ns a server, {open} open").unwrap();
        }
    }
    println!("{report}");
}
