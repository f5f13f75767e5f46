//! Which policies the rule sets bind, and by which parameters in which round.

use serde_json::{Value, json};

use crate::properties::{FLAVORS, VPC, image, restricted_group};

/// A policy's name, and its parameters in a round.
pub type Entry = (&'static str, fn(usize) -> Value);

fn none(_: usize) -> Value {
    json!({})
}

fn our_vpc(_: usize) -> Value {
    json!({ "vpcId": VPC })
}

fn our_vpcs(_: usize) -> Value {
    json!({ "vpcIdList": [VPC] })
}

/// So many of a list, from a place on, around its end.
pub fn some_of<T: Clone>(list: &[T], from: usize, count: usize) -> Vec<T> {
    list.iter().cycle().skip(from % list.len().max(1)).take(count).cloned().collect()
}

/// Images that rules allow.
pub fn images(from: usize, count: usize) -> Vec<String> {
    let all: Vec<String> = (0..24).map(image).collect();
    some_of(&all, from, count)
}

/// Over all types, without filter.
pub const UNFILTERED: [Entry; 3] = [
    (
        "required-tag-check",
        |_| json!({ "specifiedTagKey": "env", "specifiedTagValue": ["prod", "staging"] }),
    ),
    ("regular-matching-of-names", |_| json!({ "regularExpression": "%-%-%" })),
    ("resource-tag-not-empty", none),
];

/// Over all types, always narrowed by a filter.
pub const NARROWED: [Entry; 14] = [
    (
        "required-tag-check",
        |n| json!({ "specifiedTagKey": "team", "specifiedTagValue": some_of(&["payments", "search", "platform", "data", "mobile", "risk"], n, 4) }),
    ),
    ("required-all-tags", |_| json!({ "specifiedTagKeys": ["env", "team"] })),
    (
        "regular-matching-of-names",
        |n| json!({ "regularExpression": format!("{}%-_%", some_of(&["p", "s", "d", "m", "r"], n, 1).concat()) }),
    ),
    (
        "resources-in-supported-region",
        |n| json!({ "regions": some_of(&["cn-north-4", "cn-east-3", "cn-south-1", "ap-southeast-1"], n, 2) }),
    ),
    ("required-tag-exist", |_| json!({ "TagKeys": ["cost-center", "team"], "TagValues": [] })),
    ("resource-in-enterprise-project", |n| json!({ "epId": n.to_string() })),
    ("resource-status-check", none),
    (
        "resource-tag-key-prefix-suffix",
        |_| json!({ "tagKeyPrefix": "cost", "tagKeySuffix": "center" }),
    ),
    (
        "resources-in-allowed-types",
        |_| json!({ "allowedTypes": ["evs.volumes", "ecs.cloudservers", "obs.buckets", "vpc.publicips"] }),
    ),
    (
        "resources-in-not-allowed-types",
        |_| json!({ "notAllowedTypes": ["dcs.redis", "elb.listeners"] }),
    ),
    (
        "required-tag-check",
        |_| json!({ "specifiedTagKey": "cost-center", "specifiedTagValue": [] }),
    ),
    (
        "regular-matching-of-names",
        |n| json!({ "regularExpression": format!("%-{}%", some_of(&["volumes", "users", "cloud", "keys"], n, 1).concat()) }),
    ),
    ("resource-tag-not-empty", none),
    ("required-all-tags", |_| json!({ "specifiedTagKeys": ["team", "cost-center"] })),
];

/// Each for one type of resource; none reads the clock.
pub const TYPED: [Entry; 82] = [
    ("volume-unused-check", none),
    ("volumes-encrypted-check", none),
    ("volumes-encrypted-check-by-default", none),
    (
        "allowed-volume-specs",
        |n| json!({ "listOfAllowedSpecs": some_of(&["SSD", "GPSSD", "ESSD", "SAS"], n, 3) }),
    ),
    ("allowed-ecs-flavors", |n| json!({ "listOfAllowedFlavors": some_of(FLAVORS, n, 10) })),
    ("allowed-images-by-id", |n| json!({ "listOfAllowedImages": images(n, 10) })),
    (
        "allowed-images-by-name",
        |_| json!({ "listOfAllowedImages": ["Ubuntu 22.04 server 64bit", "openEuler 24.03 64bit"] }),
    ),
    ("ecs-attached-hss-agents-check", none),
    (
        "ecs-in-allowed-security-groups",
        |_| json!({ "specifiedECSTagKey": "env", "specifiedECSTagValue": ["prod"], "specifiedSecurityGroupIds": [restricted_group()] }),
    ),
    ("ecs-instance-agency-attach-iam-agency", none),
    ("ecs-instance-in-vpc", our_vpc),
    ("ecs-instance-key-pair-login", none),
    ("ecs-instance-no-public-ip", none),
    ("ecs-multiple-public-ip-check", none),
    ("eip-unbound-check", none),
    ("eip-bandwidth-limit", |n| json!({ "bandwidthSize": 5 + n })),
    ("vpc-sg-restricted-ssh", none),
    ("vpc-sg-restricted-common-ports", |n| json!({ "blockedPorts": [20, 21, 3306 + n, 3389] })),
    ("vpc-sg-ports-check", none),
    (
        "vpc-sg-by-white-list-ports-check",
        |n| json!({ "whiteListPorts": [80, 443, "8000-8090", 22 + n] }),
    ),
    ("vpc-default-sg-closed", none),
    ("obs-bucket-logging-enabled", none),
    ("obs-bucket-versioning-enabled", none),
    ("obs-bucket-acl-prohibited", none),
    ("obs-bucket-policy-configured", none),
    ("iam-user-mfa-enabled", none),
    (
        "iam-password-policy",
        |n| json!({ "pwdStrength": if n.is_multiple_of(2) { "Strong" } else { "Medium" } }),
    ),
    ("iam-user-access-mode", none),
    ("iam-user-check-non-admin-group", none),
    ("iam-user-console-and-api-access-at-creation", none),
    (
        "iam-user-group-membership-check",
        |n| json!({ "groupIds": [format!("group-{}", 3 + n % 17), "group-4", "group-5"] }),
    ),
    ("iam-user-login-protection-enabled", none),
    ("iam-user-no-policies-check", none),
    ("iam-user-single-access-key", none),
    ("mfa-enabled-for-iam-console-access", none),
    ("iam-policy-blacklisted-check", |_| json!({ "blackListPolicyUrns": ["AdministratorAccess"] })),
    (
        "allowed-rds-flavors",
        |_| json!({ "listOfAllowedFlavors": ["rds.mysql.large.2", "rds.mysql.xlarge.4", "rds.postgresql.large.2"] }),
    ),
    ("rds-instance-enable-auditLog", |n| json!({ "keepDays": 7 + n })),
    ("rds-instance-enable-backup", none),
    ("rds-instance-enable-errorLog", none),
    ("rds-instance-enable-slowLog", none),
    (
        "rds-instance-engine-version-check",
        |_| json!({ "mysqlVersion": "8.0.28", "postgresqlVersion": "14.6", "mariadbVersion": "10.5" }),
    ),
    ("rds-instance-logging-enabled", none),
    ("rds-instance-multi-az-support", none),
    ("rds-instance-no-public-ip", none),
    (
        "rds-instance-port-check",
        |_| json!({ "blockedPortsForMysql": ["3306"], "blockedPortsForPostgresql": ["5432"] }),
    ),
    ("rds-instance-ssl-enable", none),
    ("rds-instances-enable-kms", none),
    ("rds-instances-in-vpc", our_vpc),
    ("elb-loadbalancers-no-public-ip", none),
    ("elb-multiple-az-check", none),
    ("kms-not-scheduled-for-deletion", none),
    ("kms-rotation-enabled", none),
    (
        "allowed-cce-flavors",
        |_| json!({ "listOfAllowedFlavors": ["cce.s2.medium", "cce.s2.large"] }),
    ),
    ("cce-cluster-in-vpc", our_vpcs),
    ("cce-cluster-oldest-supported-version", |_| json!({ "oldestVersionSupported": "v1.29" })),
    ("cce-endpoint-public-access", none),
    ("dcs-redis-enable-ssl", none),
    ("dcs-redis-high-tolerance", none),
    ("dcs-redis-in-vpc", our_vpc),
    ("dcs-redis-no-public-ip", none),
    ("dcs-redis-password-access", none),
    ("cdn-enable-https-certificate", none),
    ("cdn-origin-protocol-no-http", none),
    ("cdn-security-policy-check", none),
    ("cdn-use-my-certificate", none),
    ("css-cluster-authority-enable", none),
    ("css-cluster-backup-available", none),
    ("css-cluster-disk-encryption-check", none),
    ("css-cluster-https-required", none),
    ("css-cluster-in-vpc", our_vpc),
    ("css-cluster-kibana-not-enable-white-list", none),
    ("css-cluster-multiple-az-check", none),
    ("css-cluster-multiple-instances-check", none),
    ("css-cluster-no-public-zone", none),
    ("css-cluster-not-enable-white-list", none),
    ("css-cluster-security-mode-enable", none),
    ("css-cluster-slowLog-enable", none),
    ("smn-lts-enable", none),
    ("cts-kms-encrypted-check", none),
    ("cts-lts-enable", none),
    ("cts-support-validate-check", none),
];
