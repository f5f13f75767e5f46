//! Seeded inventories: twenty types, skewed sizes, tags and regions, nested properties of
//! about 1 KB, a known share of violations.

use serde_json::{Value, json};

use crate::properties;
use crate::random::Random;

/// Provider, type, share of the inventory in thousandths.
const TYPES: &[(&str, &str, u64)] = &[
    ("evs", "volumes", 200),
    ("ecs", "cloudservers", 160),
    ("vpc", "publicips", 90),
    ("vpc", "securityGroups", 90),
    ("obs", "buckets", 60),
    ("iam", "users", 50),
    ("rds", "instances", 40),
    ("elb", "loadbalancers", 40),
    ("elb", "listeners", 40),
    ("cce", "nodes", 40),
    ("vpc", "vpcs", 30),
    ("vpc", "bandwidths", 30),
    ("kms", "keys", 30),
    ("cce", "clusters", 20),
    ("dcs", "redis", 20),
    ("smn", "topic", 20),
    ("iam", "passwordPolicies", 10),
    ("cdn", "domains", 10),
    ("css", "clusters", 10),
    ("cts", "trackers", 10),
];
const REGIONS: &[&str] = &[
    "cn-north-4",
    "cn-north-4",
    "cn-north-4",
    "cn-east-3",
    "cn-south-1",
    "ap-southeast-1",
    "eu-west-101",
];
const TEAMS: &[&str] = &["payments", "search", "platform", "data", "mobile", "risk"];
const ENVIRONMENTS: &[&str] = &["prod", "prod", "staging", "dev"];

/// The resource of that number in the inventory of that seed.
pub fn resource(seed: u64, n: u64) -> Value {
    let mut random = Random::new(seed ^ n.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut left = random.below(1000);
    let (provider, kind, _) = TYPES
        .iter()
        .find(|(_, _, share)| {
            let here = left < *share;
            left = left.saturating_sub(*share);
            here
        })
        .copied()
        .unwrap_or(("evs", "volumes", 0));
    let region = if matches!(provider, "iam" | "cdn") { "global" } else { random.pick(REGIONS) };
    let tags = tags(&mut random);
    json!({
        "id": random.uuid(),
        "name": name(&mut random, kind),
        "provider": provider,
        "type": kind,
        "region_id": region,
        "project_id": project(region, random.hex(32).as_bytes()),
        "project_name": region,
        "ep_id": "0",
        "ep_name": "default",
        "checksum": random.hex(64),
        "created": format!("2026-{:02}-{:02}T03:10:45Z", 1 + random.below(9), 1 + random.below(28)),
        "updated": format!("2026-10-{:02}T08:41:00Z", 1 + random.below(28)),
        "provisioning_state": "Succeeded",
        "tags": tags,
        "properties": properties::of(&mut random, provider, kind),
    })
}

/// One of the few projects of a region: an account has one by default, and some more.
fn project(region: &str, drawn: &[u8]) -> String {
    let number = match drawn.first() {
        Some(b'0'..=b'9') => 0,
        Some(b'a'..=b'd') => 1,
        _ => 2,
    };
    let seed = region.bytes().fold(number, |seed: u64, byte| seed.rotate_left(7) ^ u64::from(byte));
    Random::new(seed).hex(32)
}

/// Mostly `team-type-number`; some as nobody should call them.
fn name(random: &mut Random, kind: &str) -> String {
    if kind == "securityGroups" && random.percent(10) {
        return "default".to_owned();
    }
    let (team, number) = (random.pick(TEAMS), random.below(100_000));
    match random.below(100) {
        0..4 => format!("{team}_{kind}_{number}"),
        4..8 => format!("tmp {number}"),
        _ => format!("{team}-{kind}-{number}"),
    }
}

fn tags(random: &mut Random) -> serde_json::Map<String, Value> {
    let mut tags = serde_json::Map::new();
    if random.percent(85) {
        tags.insert("env".to_owned(), random.pick(ENVIRONMENTS).into());
    }
    if random.percent(70) {
        tags.insert("team".to_owned(), random.pick(TEAMS).into());
    }
    if random.percent(20) {
        tags.insert("cost-center".to_owned(), format!("cc-{}", random.below(40)).into());
    }
    tags
}
