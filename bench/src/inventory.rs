//! Seeded inventories: twenty types, skewed sizes, tags and regions, nested properties of
//! about 1 KB, a known share of violations.

use serde_json::{Value, json};

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
    ("vpc", "vpcs", 30),
    ("vpc", "bandwidths", 30),
    ("kms", "keys", 30),
    ("cce", "clusters", 20),
    ("cce", "nodes", 40),
    ("dcs", "redis", 20),
    ("nat", "natGateways", 10),
    ("cdn", "domains", 10),
    ("css", "clusters", 10),
    ("smn", "topic", 20),
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
const FLAVORS: &[&str] = &[
    "s6.small.1",
    "s6.large.2",
    "c6.xlarge.2",
    "c6.2xlarge.4",
    "m6.large.8",
    "t6.medium.1",
    "g5.8xlarge.4",
];
const VOLUME_TYPES: &[&str] = &["SSD", "SAS", "SATA", "GPSSD", "ESSD"];
/// The images and the VPC that rules allow.
pub const IMAGES: &[&str] = &[
    "1189efbf-d48b-46ad-a823-94b942e2a000",
    "2189efbf-d48b-46ad-a823-94b942e2a001",
    "3189efbf-d48b-46ad-a823-94b942e2a002",
    "4189efbf-d48b-46ad-a823-94b942e2a003",
];
/// The VPC that most servers lie in.
pub const VPC: &str = "6a4b1c2e-8c1f-4d57-9a35-0f5d3a1b7c90";

/// The resource of that number in the inventory of that seed.
pub fn resource(seed: u64, n: u64) -> Value {
    let mut random = Random::new(seed ^ n.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut left = random.below(1000);
    let (provider, name, _) = TYPES
        .iter()
        .find(|(_, _, share)| {
            let here = left < *share;
            left = left.saturating_sub(*share);
            here
        })
        .copied()
        .unwrap_or(("evs", "volumes", 0));
    let region = if matches!(provider, "iam" | "cdn") { "global" } else { random.pick(REGIONS) };
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
    let id = random.uuid();
    json!({
        "id": id,
        "name": format!("{}-{}-{}", random.pick(TEAMS), name, random.below(100_000)),
        "provider": provider,
        "type": name,
        "region_id": region,
        "project_id": random.hex(32),
        "project_name": region,
        "ep_id": "0",
        "ep_name": "default",
        "checksum": random.hex(64),
        "created": format!("2026-{:02}-{:02}T03:10:45Z", 1 + random.below(9), 1 + random.below(28)),
        "updated": format!("2026-10-{:02}T08:41:00Z", 1 + random.below(28)),
        "provisioning_state": "Succeeded",
        "tags": tags,
        "properties": properties(&mut random, provider, name),
    })
}

fn properties(random: &mut Random, provider: &str, name: &str) -> Value {
    let mut properties = match (provider, name) {
        ("evs", "volumes") => {
            let in_use = random.percent(80);
            let mut metadata = json!({ "hw:passthrough": "false", "orderID": random.hex(20) });
            if random.percent(70)
                && let Some(metadata) = metadata.as_object_mut()
            {
                let encrypted = if random.percent(85) { "1" } else { "0" };
                metadata.insert("systemEncrypted".to_owned(), encrypted.into());
            }
            json!({
                "status": if in_use { "in-use" } else { "available" },
                "size": (random.below(50) + 1) * 10,
                "volumeType": random.pick(VOLUME_TYPES),
                "bootable": "false", "shareable": false, "multiattach": false,
                "availabilityZone": format!("az{}", random.below(3)),
                "metadata": metadata,
                "attachments": [{ "attachmentId": random.uuid(), "serverId": random.uuid(), "device": "/dev/vdb" }],
            })
        }
        ("ecs", "cloudservers") => {
            let mut addresses = vec![
                json!({ "addr": format!("192.168.{}.{}", random.below(256), random.below(256)),
                "version": 4, "OsExtIpsType": "fixed", "OsExtIpsPortId": random.uuid() }),
            ];
            if random.percent(15) {
                addresses.push(
                    json!({ "addr": format!("100.93.{}.{}", random.below(256), random.below(256)),
                    "version": 4, "OsExtIpsType": "floating", "OsExtIpsPortId": random.uuid() }),
                );
            }
            let vpc = if random.percent(90) { VPC.to_owned() } else { random.uuid() };
            let image =
                if random.percent(95) { random.pick(IMAGES).to_owned() } else { random.uuid() };
            json!({
                "status": random.pick(&["ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF"]),
                "flavor": { "id": random.pick(FLAVORS), "name": random.pick(FLAVORS), "disk": "0", "ram": "8192", "vcpus": "4" },
                "metadata": { "vpcId": vpc, "meteringImageId": image, "chargingMode": "0", "imageName": "Ubuntu 22.04 server 64bit", "osBit": "64" },
                "addresses": addresses,
                "securityGroup": [{ "id": random.uuid(), "name": "default" }],
                "ExtVolumesAttached": [{ "id": random.uuid(), "device": "/dev/vda", "bootIndex": "0" }],
                "hostId": random.hex(56), "userId": random.hex(32), "locked": false,
            })
        }
        ("vpc", "publicips") => json!({
            "status": if random.percent(88) { "ACTIVE" } else { "DOWN" },
            "type": "EIP", "publicIpAddress": format!("100.85.{}.{}", random.below(256), random.below(256)),
            "bandwidth": { "id": random.uuid(), "size": random.below(200), "shareType": "PER" },
        }),
        ("iam", "users") => json!({
            "enabled": random.percent(95), "access_mode": "default",
            "credentials": [{ "status": random.pick(&["active", "inactive"]), "access_key_id": random.hex(20),
                "create_time": format!("2026-{:02}-{:02}T03:10:45.000Z", 1 + random.below(10), 1 + random.below(28)) }],
        }),
        ("cts", "trackers") => json!({
            "tracker_type": random.pick(&["system", "data"]), "status": "enabled",
            "data_bucket": { "data_bucket_name": format!("audit-{}", random.below(50)) },
        }),
        _ => json!({
            "status": random.pick(&["ACTIVE", "ACTIVE", "DOWN"]), "port": random.below(65_536),
            "enable_ssl": random.percent(80), "vpc_id": VPC, "subnet_id": random.uuid(),
        }),
    };
    // The rest of what a service tells about a resource, which no rule reads.
    if let Some(fields) = properties.as_object_mut() {
        for n in 0..5 {
            fields.insert(
                format!("detail{n}"),
                json!({ "id": random.uuid(), "text": format!("said of it, {} and more", random.hex(16)), "count": random.below(1000) }),
            );
        }
    }
    properties
}
