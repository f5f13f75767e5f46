//! Clusters, functions, keys, secrets, backups, topics, buckets, audit trackers.

use serde_json::{Value, json};

use super::{Entity, HOME, Inventory, TEAMS};

/// The bucket that keeps what the auditors ask for.
pub const AUDIT_BUCKET: &str = "harbour-audit-archive";

impl Inventory {
    /// What the platform offers to the teams.
    pub(super) fn services(&mut self) {
        for environment in ["production", "staging"] {
            self.cluster(environment);
        }
        for team in TEAMS {
            for name in ["resize", "notify"] {
                self.function(team, name);
            }
            self.key(team);
            self.secret(team);
            self.topic(team);
        }
        for environment in ["production", "staging", "development"] {
            self.vault(environment);
        }
    }

    fn cluster(&mut self, environment: &'static str) {
        let tags = self.tags(environment, "platform");
        let vpc = self.vpc(environment);
        let id = self.random.uuid();
        self.add(Entity {
            provider: "cce",
            kind: "clusters",
            id,
            name: format!("cce-{environment}"),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "kind": "Cluster",
                "spec": {
                    "category": "Turbo",
                    "type": "VirtualMachine",
                    "flavor": "cce.s2.small",
                    "version": if environment == "production" { "v1.29" } else { "v1.27" },
                    "hostNetwork": {"vpc": vpc.id, "subnet": vpc.subnet},
                    "authentication": {"mode": "rbac"},
                },
                "status": {
                    "phase": "Available",
                    "endpoints": [{
                        "url": format!("https://10.{}.0.90:5443", vpc.number), "type": "Internal",
                    }],
                },
            }),
        });
    }

    fn function(&mut self, team: &'static str, name: &str) {
        let tags = self.tags("production", team);
        let vpc = self.vpc("production");
        let project = self.random.hex();
        let func_name = format!("{team}-{name}");
        let public = self.random.percent(40);
        let runtime = self.random.text(&["Python3.9", "Node.js18.15", "Python3.6"]);
        self.add(Entity {
            provider: "fgs",
            kind: "functions",
            id: format!("urn:fss:{}:{project}:function:default:{func_name}:latest", vpc.region),
            name: func_name.clone(),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "func_name": func_name,
                "runtime": runtime,
                "handler": "index.handler",
                "timeout": 30,
                "memory_size": 256,
                "func_vpc": {"vpc_id": vpc.id, "subnet_id": vpc.subnet},
                "strategy_config": {"concurrency": 100, "concurrent_num": 1},
                "network_controller": {"disable_public_network": !public},
            }),
        });
    }

    fn key(&mut self, team: &'static str) {
        let tags = self.tags("production", team);
        let id = self.random.uuid();
        let alias = format!("{team}-key");
        let rotated = self.random.percent(60);
        self.add(Entity {
            provider: "kms",
            kind: "keys",
            id,
            name: alias.clone(),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "key_alias": alias,
                "key_state": "2",
                "key_spec": "AES_256",
                "key_usage": "ENCRYPT_DECRYPT",
                "default_key_flag": "0",
                "key_type": "1",
                "origin": "kms",
                "key_rotation_enabled": if rotated { "true" } else { "false" },
                "scheduled_deletion_date": "",
            }),
        });
    }

    fn secret(&mut self, team: &'static str) {
        let tags = self.tags("production", team);
        let (id, key) = (self.random.uuid(), self.random.uuid());
        let automatic = self.random.percent(50);
        self.add(Entity {
            provider: "csms",
            kind: "secrets",
            id,
            name: format!("{team}-database"),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "state": "ENABLED",
                "kms_key_id": key,
                "secret_type": "RDS-FG",
                "auto_rotation": automatic,
                "rotation_period": if automatic { json!("30d") } else { Value::Null },
            }),
        });
    }

    fn topic(&mut self, team: &'static str) {
        let tags = self.tags("production", team);
        let urn = format!("urn:smn:{HOME}:{}:{team}-alerts", self.random.hex());
        self.add(Entity {
            provider: "smn",
            kind: "topic",
            id: urn.clone(),
            name: format!("{team}-alerts"),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "topic_urn": urn, "display_name": team, "push_policy": 0, "logtanks": [],
            }),
        });
    }

    fn vault(&mut self, environment: &'static str) {
        let tags = self.tags(environment, "platform");
        let id = self.random.uuid();
        let policy = self.random.uuid();
        let resources: Vec<Value> = self
            .servers
            .iter()
            .filter(|server| server.tags.environment == environment)
            .step_by(2)
            .map(|server| {
                json!({
                    "id": server.id, "type": "OS::Nova::Server", "protect_status": "available",
                })
            })
            .collect();
        self.add(Entity {
            provider: "cbr",
            kind: "vault",
            id,
            name: format!("vault-{environment}"),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "billing": {
                    "object_type": "server", "protect_type": "backup", "status": "available",
                    "size": 2000,
                },
                "resources": resources,
                "auto_bind": false,
                "locked": environment == "production",
                "policy": {
                    "id": policy,
                    "enabled": environment != "development",
                    "operation_definition": {"retention_duration_days": 30, "max_backups": -1},
                },
            }),
        });
    }

    /// Buckets, and the trackers that write down who did what.
    pub(super) fn buckets_and_trackers(&mut self) {
        for team in TEAMS {
            for purpose in ["assets", "exports", "backups"] {
                self.bucket(&format!("harbour-{team}-{purpose}"), team);
            }
        }
        self.bucket(AUDIT_BUCKET, "platform");
        self.tracker("system", None, "enabled");
        self.tracker("payments-data", Some("harbour-payments-exports"), "enabled");
        // Somebody switched it off.
        self.tracker("audit-data", Some(AUDIT_BUCKET), "disabled");
    }

    fn bucket(&mut self, name: &str, team: &'static str) {
        let tags = self.tags("production", team);
        let (versions, sealed) = (self.random.percent(70), self.random.percent(80));
        self.add(Entity {
            provider: "obs",
            kind: "buckets",
            id: name.to_owned(),
            name: name.to_owned(),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "storageClass": "STANDARD",
                "location": HOME,
                "acl": {"owner": {"id": "harbour"}, "grants": []},
                "versioning": {"status": if versions { "Enabled" } else { "Suspended" }},
                "encryption": if sealed {
                    json!({"algorithm": "kms", "kmsMasterKeyId": ""})
                } else {
                    Value::Null
                },
                "logging": {"targetBucket": AUDIT_BUCKET, "targetPrefix": format!("{name}/")},
            }),
        });
    }

    fn tracker(&mut self, name: &str, bucket: Option<&str>, status: &str) {
        let id = self.random.uuid();
        let tags = self.tags("production", "platform");
        self.add(Entity {
            provider: "cts",
            kind: "trackers",
            id,
            name: name.to_owned(),
            region: HOME,
            tags: tags.set,
            properties: json!({
                "tracker_name": name,
                "tracker_type": if bucket.is_some() { "data" } else { "system" },
                "status": status,
                "kms_id": "",
                "is_support_validate": true,
                "lts": {"is_lts_enabled": true, "log_group_name": "CTS"},
                "obs_info": {"bucket_name": AUDIT_BUCKET, "file_prefix_name": "cts"},
                "data_bucket": bucket.map(|bucket| json!({"data_bucket_name": bucket})),
            }),
        });
    }
}
