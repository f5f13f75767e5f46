//! Networks, security groups, public addresses, load balancers.

use serde_json::{Value, json};

use super::{ENVIRONMENTS, Entity, HOME, Inventory, SECOND, TEAMS, Vpc};

/// Security groups: name, port, and who may reach it.
const GROUPS: [(&str, u64, &str); 12] = [
    ("sg-web", 443, "0.0.0.0/0"),
    ("sg-web-plain", 80, "0.0.0.0/0"),
    ("sg-app", 8080, "10.0.0.0/8"),
    ("sg-bastion", 22, "198.51.100.0/24"),
    ("sg-legacy-ssh", 22, "0.0.0.0/0"),
    ("sg-mysql", 3306, "10.0.0.0/8"),
    ("sg-postgres", 5432, "10.0.0.0/8"),
    ("sg-redis", 6379, "10.0.0.0/8"),
    ("sg-search", 9200, "10.0.0.0/8"),
    ("sg-kafka", 9093, "10.0.0.0/8"),
    ("sg-build", 22, "10.0.0.0/8"),
    ("default", 443, "10.0.0.0/8"),
];

impl Inventory {
    /// Networks and security groups.
    pub(super) fn network(&mut self) {
        for (number, environment) in (10..).zip(ENVIRONMENTS) {
            self.add_vpc(HOME, environment, number);
        }
        self.add_vpc(SECOND, "production", 20);
        for (name, port, from) in GROUPS {
            self.security_group(name, port, from);
        }
        for vpc in self.vpcs.clone() {
            self.nat_gateway(&vpc);
        }
    }

    fn add_vpc(&mut self, region: &'static str, environment: &'static str, number: u64) {
        let tags = self.tags(environment, "platform");
        let vpc =
            Vpc { id: self.random.uuid(), region, environment, subnet: self.random.uuid(), number };
        let flow_log = self.random.uuid();
        self.add(Entity {
            provider: "vpc",
            kind: "vpcs",
            id: vpc.id.clone(),
            name: format!("vpc-{environment}-{region}"),
            region,
            tags: tags.set,
            properties: json!({
                "cidr": format!("10.{number}.0.0/16"),
                "status": "OK",
                "flowLogs": if environment == "production" {
                    json!([{"id": flow_log, "adminState": true, "status": "ACTIVE"}])
                } else {
                    json!([])
                },
            }),
        });
        self.vpcs.push(vpc);
    }

    fn security_group(&mut self, name: &'static str, port: u64, from: &str) {
        let id = self.random.uuid();
        let tags = self.tags("production", "platform");
        let (ingress, egress) = (self.random.uuid(), self.random.uuid());
        self.add(Entity {
            provider: "vpc",
            kind: "securityGroups",
            id: id.clone(),
            name: name.to_owned(),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "description": "",
                "security_group_rules": [
                    rule(&ingress, "ingress", Some(port), Some(from)),
                    rule(&egress, "egress", None, None),
                ],
            }),
        });
        self.security_groups.push((id, name.to_owned()));
    }

    fn nat_gateway(&mut self, vpc: &Vpc) {
        let id = self.random.uuid();
        let tags = self.tags(vpc.environment, "platform");
        self.add(Entity {
            provider: "nat",
            kind: "privateNatGateways",
            id,
            name: format!("nat-{}-{}", vpc.environment, vpc.region),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "status": "ACTIVE",
                "spec": "Small",
                "downlink_vpcs": [{
                    "vpc_id": vpc.id,
                    "virsubnet_id": vpc.subnet,
                    "ngport_ip_address": format!("10.{}.0.5", vpc.number),
                }],
            }),
        });
    }

    /// Public addresses; some are bound to nothing and cost money.
    pub(super) fn addresses(&mut self) {
        for number in 0..18_u64 {
            let tags = self.any_tags();
            let (id, bandwidth) = (self.random.uuid(), self.random.uuid());
            let address = format!("203.0.113.{}", 10 + number);
            let status = if self.random.percent(22) { "DOWN" } else { "ACTIVE" };
            let size = self.random.pick(&[5_u64, 10, 50, 100]).copied();
            self.add(Entity {
                provider: "vpc",
                kind: "publicips",
                id,
                name: address.clone(),
                region: HOME,
                tags: tags.set,
                properties: json!({
                    "publicIpAddress": address,
                    "type": "EIP",
                    "status": status,
                    "bandwidth": {
                        "id": bandwidth,
                        "name": format!("bw-{}", tags.team),
                        "size": size,
                        "share_type": "PER",
                        "charge_mode": "bandwidth",
                    },
                }),
            });
        }
    }

    /// Load balancers with their listeners.
    pub(super) fn balancers(&mut self) {
        for team in TEAMS {
            let tags = self.tags("production", team);
            let vpc = self.vpc("production");
            let (balancer, listener, pool) =
                (self.random.uuid(), self.random.uuid(), self.random.uuid());
            let zones = if self.random.percent(70) { vec!["a", "b"] } else { vec!["a"] };
            let zones: Vec<String> =
                zones.into_iter().map(|zone| format!("{}{zone}", vpc.region)).collect();
            self.add(Entity {
                provider: "elb",
                kind: "loadbalancers",
                id: balancer.clone(),
                name: format!("elb-{team}"),
                region: vpc.region,
                tags: tags.set.clone(),
                properties: json!({
                    "admin_state_up": true,
                    "operating_status": "ONLINE",
                    "provisioning_status": "ACTIVE",
                    "provider": "vlb",
                    "vip_address": format!("10.{}.0.100", vpc.number),
                    "vip_subnet_id": vpc.subnet,
                    "guaranteed": true,
                    "availability_zone_list": zones,
                    "publicips": [],
                    "eips": [],
                    "listeners": [{"id": listener}],
                    "pools": [{"id": pool}],
                }),
            });
            let secure = self.random.percent(75);
            self.add(Entity {
                provider: "elb",
                kind: "listeners",
                id: listener,
                name: format!("listener-{team}"),
                region: vpc.region,
                tags: tags.set,
                properties: json!({
                    "protocol": if secure { "HTTPS" } else { "HTTP" },
                    "protocol_port": if secure { 443 } else { 80 },
                    "connection_limit": -1,
                    "default_pool_id": pool,
                    "http2_enable": secure,
                    "tls_ciphers_policy": if secure { json!("tls-1-2") } else { Value::Null },
                    "insert_headers": {},
                    "loadbalancers": [{"id": balancer}],
                    "l7policies": [],
                    "sni_container_refs": [],
                }),
            });
        }
    }
}

fn rule(id: &str, direction: &str, port: Option<u64>, from: Option<&str>) -> Value {
    json!({
        "id": id,
        "direction": direction,
        "ethertype": "IPv4",
        "protocol": port.map(|_| "tcp"),
        "port_range_min": port,
        "port_range_max": port,
        "remote_ip_prefix": from,
        "remote_group_id": null,
        "action": "allow",
    })
}
