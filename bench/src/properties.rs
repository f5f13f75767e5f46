//! The properties of each type of resource: what the catalogue's policies read of it, and as
//! much again that no rule reads. Shares of violations stand beside the values.

use serde_json::{Value, json};

use crate::random::Random;

/// Flavors of servers; rules allow twelve of them.
pub const FLAVORS: &[&str] = &[
    "s6.small.1",
    "s6.large.2",
    "s6.xlarge.4",
    "s7.large.4",
    "c6.large.2",
    "c6.xlarge.2",
    "c6.2xlarge.4",
    "c7.4xlarge.2",
    "m6.large.8",
    "m7.xlarge.8",
    "t6.medium.1",
    "g5.8xlarge.4",
    "p2s.2xlarge.8",
    "x1.16u.128g",
    "i3.4xlarge.8",
    "kc1.large.2",
];
const VOLUME_TYPES: &[&str] = &["SSD", "SAS", "SATA", "GPSSD", "ESSD"];
const ZONES: &[&str] = &["az1", "az2", "az3"];
const IMAGE_NAMES: &[&str] = &[
    "Ubuntu 22.04 server 64bit",
    "Ubuntu 24.04 server 64bit",
    "CentOS 7.9 64bit",
    "openEuler 24.03 64bit",
    "Windows Server 2022",
];
/// The VPC that most resources lie in.
pub const VPC: &str = "6a4b1c2e-8c1f-4d57-9a35-0f5d3a1b7c90";
/// How many images there are; rules allow twenty of them.
const IMAGES: u64 = 24;

/// The image of that number.
pub fn image(n: u64) -> String {
    format!("{:08x}-d48b-46ad-a823-94b942e2a{:03}", 0x1189_efbf + n * 0x0101_0101, n % IMAGES)
}

/// A security group that no rule allows servers to be in without a tag.
pub fn restricted_group() -> String {
    "9b1c7a54-0f2d-4c58-8a44-6d0a6b6f0001".to_owned()
}

/// The properties of a resource of that type.
pub fn of(random: &mut Random, provider: &str, kind: &str) -> Value {
    let mut properties = match (provider, kind) {
        ("evs", "volumes") => volume(random),
        ("ecs", "cloudservers") => server(random),
        ("vpc", "publicips") => json!({
            "status": if random.percent(88) { "ACTIVE" } else { "DOWN" },
            "type": "EIP", "publicIpAddress": address(random, 100),
            "bandwidth": { "id": random.uuid(), "size": 1 + random.below(200), "shareType": "PER" },
        }),
        ("vpc", "securityGroups") => json!({
            "description": "rules of a service",
            "security_group_rules": security_group_rules(random),
        }),
        ("obs", "buckets") => bucket(random),
        ("iam", "users") => user(random),
        ("iam", "passwordPolicies") => json!({
            "minimum_password_length": 6 + random.below(12), "password_validity_period": 90,
            "password_char_combination": 2 + random.below(3), "number_of_recent_passwords_disallowed": 3,
        }),
        ("rds", "instances") => database(random),
        ("kms", "keys") => json!({
            "key_state": if random.percent(97) { "2" } else { "4" },
            "default_key_flag": if random.percent(20) { "1" } else { "0" },
            "origin": random.pick(&["kms", "kms", "kms", "external"]),
            "key_spec": random.pick(&["AES_256", "AES_256", "AES_256", "RSA_3072", "EC_P256"]),
            "key_rotation_enabled": random.percent(75),
        }),
        ("cce", "clusters") => json!({
            "spec": { "flavor": random.pick(&["cce.s1.small", "cce.s2.medium", "cce.s2.large"]),
                "version": random.pick(&["v1.28", "v1.29", "v1.30", "v1.31"]),
                "hostNetwork": { "vpc": mostly_our_vpc(random), "subnet": random.uuid() } },
            "status": { "phase": "Available", "endpoints": endpoints(random) },
        }),
        ("elb", "loadbalancers") => json!({
            "guaranteed": true, "provider": "vlb", "vip_address": address(random, 10),
            "eips": if random.percent(12) { json!([{ "eip_id": random.uuid() }]) } else { json!([]) },
            "publicips": [], "availability_zone_list": some_zones(random),
        }),
        ("dcs", "redis") => json!({
            "enable_publicip": random.percent(15), "enable_ssl": random.percent(60),
            "cache_mode": random.pick(&["single", "ha", "ha", "cluster"]),
            "az_codes": some_zones(random), "vpc_id": mostly_our_vpc(random),
            "no_password_access": if random.percent(6) { "true" } else { "false" },
        }),
        ("cdn", "domains") => json!({
            "https": { "https_enabled": random.percent(80), "certificate_name": "wildcard",
                "certificate_source": random.below(2),
                "tls_version": random.pick(&["TLSv1.2,TLSv1.3", "TLSv1.2,TLSv1.3", "TLSv1.1,TLSv1.2"]) },
            "origin_protocol": random.pick(&["https", "https", "follow", "http"]),
        }),
        ("css", "clusters") => search_cluster(random),
        ("smn", "topic") => json!({
            "display_name": "alarms", "push_policy": 0,
            "logtanks": if random.percent(70) { json!([{ "log_stream_id": random.uuid() }]) } else { json!([]) },
        }),
        ("cts", "trackers") => json!({
            "tracker_type": random.pick(&["system", "data"]), "status": "enabled",
            "kms_id": if random.percent(70) { random.uuid() } else { String::new() },
            "is_support_trace_files_encryption": random.percent(75),
            "is_support_validate": random.percent(80),
            "lts": { "is_lts_enabled": random.percent(65) },
            "data_bucket": { "data_bucket_name": format!("audit-{}", random.below(50)) },
        }),
        _ => json!({
            "status": random.pick(&["ACTIVE", "ACTIVE", "DOWN"]), "port": random.below(65_536),
            "enable_ssl": random.percent(80), "vpc_id": VPC, "subnet_id": random.uuid(),
        }),
    };
    pad(random, &mut properties);
    properties
}

/// The rest of what a service tells about a resource, which no rule reads; a few resources have
/// much of it.
fn pad(random: &mut Random, properties: &mut Value) {
    let Some(fields) = properties.as_object_mut() else { return };
    let more = match random.below(100) {
        0..60 => 1 + random.below(3),
        60..95 => 3 + random.below(3),
        _ => 6 + random.below(14),
    };
    for n in 0..more {
        fields.insert(
            format!("detail{n}"),
            json!({ "id": random.uuid(), "text": format!("said of it, {} and more", random.hex(16)), "count": random.below(1000) }),
        );
    }
}

fn volume(random: &mut Random) -> Value {
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
        "availabilityZone": random.pick(ZONES),
        "metadata": metadata,
        "attachments": [{ "attachmentId": random.uuid(), "serverId": random.uuid(), "device": "/dev/vdb" }],
    })
}

fn server(random: &mut Random) -> Value {
    let mut addresses = vec![card(random, "fixed", 192)];
    // 15 % have a public address, a few of them two.
    if random.percent(15) {
        addresses.push(card(random, "floating", 100));
        if random.percent(20) {
            addresses.push(card(random, "floating", 100));
        }
    }
    let image = random.below(IMAGES);
    let flavor = random.pick(FLAVORS);
    // Many servers share a group.
    let group = if random.percent(10) {
        restricted_group()
    } else {
        format!("5c0f1a2e-7d31-4b60-9a10-{:012x}", random.below(400))
    };
    json!({
        "status": random.pick(&["ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF"]),
        "flavor": { "id": flavor, "name": flavor, "disk": "0", "ram": "8192", "vcpus": "4" },
        "metadata": { "vpcId": mostly_our_vpc(random), "meteringImageId": self::image(image),
            "chargingMode": "0", "imageName": random.pick(IMAGE_NAMES), "osBit": "64",
            "agencyName": if random.percent(60) { "ops" } else { "" } },
        "addresses": addresses,
        "securityGroup": [{ "id": group, "name": "default" }],
        "ExtVolumesAttached": [{ "id": random.uuid(), "device": "/dev/vda", "bootIndex": "0" }],
        "hostId": random.hex(56), "userId": random.hex(32), "locked": false,
        "keyName": if random.percent(70) { "ops-key" } else { "" },
        "hss": { "agentStatus": if random.percent(90) { "online" } else { "offline" },
            "protectStatus": if random.percent(85) { "opened" } else { "closed" } },
    })
}

fn card(random: &mut Random, kind: &str, network: u64) -> Value {
    json!({ "addr": address(random, network), "version": 4, "OsExtIpsType": kind, "OsExtIpsPortId": random.uuid() })
}

fn security_group_rules(random: &mut Random) -> Value {
    let rules = 1 + random.below(5);
    (0..rules)
        .map(|_| {
            let egress = random.percent(25);
            // About 2 % of the rules let everybody in; a tenth of the groups is in violation.
            let prefix = match random.below(20) {
                0 => json!("0.0.0.0/0"),
                1..4 => json!(null),
                n => json!(format!("10.{n}.0.0/16")),
            };
            let group = if prefix.is_null() { json!(random.uuid()) } else { json!(null) };
            let (least, most) = match random.below(8) {
                0 => (json!(22), json!(22)),
                1 => (json!(20), json!(3400)),
                2 => (json!(null), json!(null)),
                n => (json!(8000 + n), json!(8080 + n)),
            };
            json!({
                "id": random.uuid(), "direction": if egress { "egress" } else { "ingress" },
                "protocol": random.pick(&["tcp", "tcp", "tcp", "udp", "icmp"]),
                "ethertype": "IPv4", "action": if random.percent(95) { "allow" } else { "deny" },
                "priority": 1, "port_range_min": least, "port_range_max": most,
                "remote_ip_prefix": prefix, "remote_group_id": group, "remote_address_group_id": null,
            })
        })
        .collect()
}

fn bucket(random: &mut Random) -> Value {
    let owner = random.hex(32);
    let mut grants = vec![json!({ "grantee": { "id": owner }, "permission": "FULL_CONTROL" })];
    if random.percent(10) {
        grants
            .push(json!({ "grantee": { "id": random.hex(32) }, "permission": "READ", "delivered": false }));
    }
    let policy = random.percent(60).then_some(
        r#"{"Statement":[{"Sid":"read","Effect":"Allow","Principal":{"ID":["domain/ours:user/*"]},"Action":["GetObject"],"Resource":["data/*"]}]}"#
    );
    json!({
        "storage_class": "STANDARD", "bucket_type": "OBJECT",
        "acl": { "owner": { "id": owner }, "grants": grants },
        "versioning": { "status": random.pick(&["Enabled", "Enabled", "Suspended"]) },
        "logging": { "targetBucket": if random.percent(65) { "access-logs" } else { "" }, "agency": "obs" },
        "policy": policy.unwrap_or_default(),
    })
}

fn user(random: &mut Random) -> Value {
    let keys: Vec<Value> = (0..random.below(3))
        .map(|_| {
            json!({ "status": random.pick(&["active", "active", "inactive"]), "access_key_id": random.hex(20),
                "create_time": format!("2026-{:02}-{:02}T03:10:45.000Z", 1 + random.below(10), 1 + random.below(28)) })
        })
        .collect();
    let group = match random.below(20) {
        0 => json!([]),
        1..3 => json!([{ "id": "group-admin", "name": "admin" }]),
        n => json!([{ "id": format!("group-{n}"), "name": format!("team {n}") }]),
    };
    json!({
        "enabled": random.percent(95), "access_mode": random.pick(&["default", "console", "programmatic"]),
        "is_domain_owner": random.percent(1), "credentials": keys, "groups": group,
        "mfa_devices": if random.percent(50) { json!([{ "serial_number": random.hex(16) }]) } else { json!([]) },
        "login_protect": { "enabled": random.percent(70), "verification_method": random.pick(&["vmfa", "sms", "none"]) },
        "pwd_strength": random.pick(&["high", "high", "mid", "low"]),
        "attached_policies": if random.percent(10) { json!([{ "name": "AdministratorAccess", "id": random.hex(32) }]) } else { json!([]) },
    })
}

fn database(random: &mut Random) -> Value {
    let engine = random.pick(&["mysql", "mysql", "postgresql", "mariadb", "sqlserver"]);
    let version = random.pick(&["5.7.38", "8.0.28", "12.11", "14.6", "15.4"]);
    let zones = if random.percent(70) { ["az1", "az2"] } else { ["az1", "az1"] };
    json!({
        "status": "ACTIVE", "engineName": engine, "engineVersion": version,
        "port": random.pick(&["3306", "5432", "1433", "13306"]),
        "flavorCode": format!("rds.{}.{}", engine, random.pick(&["large.2", "xlarge.4", "2xlarge.8"])),
        "vpcId": mostly_our_vpc(random), "subnetId": random.uuid(),
        "publicIps": if random.percent(20) { json!([address(random, 100)]) } else { json!([]) },
        "privateIps": [address(random, 192)],
        "enableSsl": random.percent(80),
        "diskEncryptionId": if random.percent(75) { random.uuid() } else { String::new() },
        "backupStrategy": { "keepDays": random.below(9), "startTime": "01:00-02:00" },
        "errorLogEnabled": random.percent(85), "slowLogEnabled": random.percent(80),
        "auditLogKeepDays": random.below(30), "haMode": random.pick(&["Ha", "Ha", "Single"]),
        "nodes": zones.map(|zone| json!({ "id": random.uuid(), "availabilityZone": zone })),
    })
}

fn search_cluster(random: &mut Random) -> Value {
    let nodes = 1 + random.below(3);
    json!({
        "authorityEnable": random.percent(80), "httpsEnable": random.percent(70),
        "backupAvailable": random.percent(75), "diskEncrypted": random.percent(65),
        "vpcId": mostly_our_vpc(random), "logSwitch": random.percent(60),
        "publicIp": if random.percent(15) { address(random, 100) } else { String::new() },
        "elbWhiteList": { "enableWhiteList": random.percent(50) },
        "publicKibanaResp": { "publicKibanaIp": if random.percent(12) { address(random, 100) } else { String::new() },
            "elbWhiteListResp": { "enableWhiteList": random.percent(50) } },
        "datastore": { "type": "elasticsearch", "version": "7.10.2", "supportSecuritymode": random.percent(85) },
        "instances": (0..nodes).map(|_| json!({ "id": random.uuid(), "azCode": random.pick(ZONES) })).collect::<Vec<_>>(),
    })
}

fn endpoints(random: &mut Random) -> Value {
    let mut endpoints = vec![json!({ "type": "Internal", "url": "https://10.0.0.5:5443" })];
    if random.percent(15) {
        endpoints.push(json!({ "type": "External", "url": "https://100.85.1.2:5443" }));
    }
    endpoints.into()
}

fn some_zones(random: &mut Random) -> Value {
    if random.percent(75) { json!(["az1", "az2"]) } else { json!(["az1"]) }
}

fn mostly_our_vpc(random: &mut Random) -> String {
    if random.percent(90) { VPC.to_owned() } else { random.uuid() }
}

fn address(random: &mut Random, network: u64) -> String {
    format!("{network}.85.{}.{}", random.below(256), random.below(256))
}
