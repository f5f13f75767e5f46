//! Databases, caches, search, messages, files.

use serde_json::json;

use super::{Entity, Inventory, TEAMS};

impl Inventory {
    /// What the teams keep their data in.
    pub(super) fn databases(&mut self) {
        for team in TEAMS {
            for environment in ["production", "staging"] {
                self.database(team, environment);
            }
            self.cache(team);
        }
        for (team, name) in [("search", "search"), ("platform", "logs")] {
            self.search_cluster(team, name);
        }
        for (team, name) in [("payments", "ledger"), ("data", "events"), ("platform", "bus")] {
            self.messages(team, name);
        }
        for (team, name) in [("catalog", "pictures"), ("data", "home"), ("platform", "build")] {
            self.share(team, name);
        }
    }

    fn database(&mut self, team: &'static str, environment: &'static str) {
        let tags = self.tags(environment, team);
        let vpc = self.vpc(environment);
        let highly_available = environment == "production";
        let id = format!("{}in01", self.random.hex());
        let mysql = self.random.percent(60);
        let backup_days = if self.random.percent(80) { 7 } else { 0 };
        let security_group = self.random.pick(&self.security_groups).cloned().unwrap_or_default();
        self.add(Entity {
            provider: "rds",
            kind: "instances",
            id,
            name: format!("rds-{team}-{environment}"),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "instanceStatus": "ACTIVE",
                "engineName": if mysql { "mysql" } else { "postgresql" },
                "engineVersion": if mysql { "8.0.28" } else { "14.6" },
                "flavorCode": if mysql { "rds.mysql.n1.large.2.ha" } else { "rds.pg.n1.large.2" },
                "haMode": if highly_available { "Ha" } else { "Single" },
                "cpu": "2",
                "mem": "4",
                "dataVip": format!("10.{}.2.60", vpc.number),
                "port": if mysql { "3306" } else { "5432" },
                "dataVolumeSizeInGBs": "100",
                "volumeType": "CLOUDSSD",
                "enableSsl": "1",
                "vpcId": vpc.id,
                "networkId": vpc.subnet,
                "securityGroupId": security_group.0,
                "nodeNum": if highly_available { "2" } else { "1" },
                "payMode": "0",
                "publicIps": [],
                "diskEncryptionId": "",
                "backupStrategy": {"startTime": "19:00-20:00", "keepDays": backup_days},
                "auditLogKeepDays": 0,
                "errorLogEnabled": true,
                "slowLogEnabled": true,
            }),
        });
    }

    fn cache(&mut self, team: &'static str) {
        let tags = self.tags("production", team);
        let vpc = self.vpc("production");
        let id = self.random.uuid();
        let secure = self.random.percent(60);
        self.add(Entity {
            provider: "dcs",
            kind: "redis",
            id,
            name: format!("redis-{team}"),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "engine": "Redis",
                "engine_version": "5.0",
                "spec_code": "redis.ha.xu1.large.r2.2",
                "capacity": 2,
                "max_memory": 2048,
                "ip": format!("10.{}.2.80", vpc.number),
                "port": 6379,
                "enable_ssl": secure,
                "enable_publicip": false,
                "no_password_access": "false",
                "vpc_id": vpc.id,
                "subnet_id": vpc.subnet,
                "status": "RUNNING",
                "cache_mode": "ha",
                "charging_mode": 0,
            }),
        });
    }

    fn search_cluster(&mut self, team: &'static str, name: &str) {
        let tags = self.tags("production", team);
        let vpc = self.vpc("production");
        let id = self.random.uuid();
        let secure = self.random.percent(50);
        self.add(Entity {
            provider: "css",
            kind: "clusters",
            id,
            name: format!("css-{name}"),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "status": "200",
                "datastore": {
                    "type": "elasticsearch", "version": "7.10.2", "supportSecuritymode": true,
                },
                "authorityEnable": secure,
                "httpsEnable": secure,
                "backupAvailable": true,
                "diskEncrypted": false,
                "vpcId": vpc.id,
                "subnetId": vpc.subnet,
                "publicIp": null,
                "logSwitch": true,
            }),
        });
    }

    fn messages(&mut self, team: &'static str, name: &str) {
        let tags = self.tags("production", team);
        let vpc = self.vpc("production");
        let id = self.random.uuid();
        let secure = self.random.percent(66);
        self.add(Entity {
            provider: "dms",
            kind: "kafkas",
            id,
            name: format!("kafka-{name}"),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "engine": "kafka",
                "engine_version": "2.7",
                "status": "RUNNING",
                "vpc_id": vpc.id,
                "ssl_enable": secure,
                "kafka_security_protocol": if secure { "SASL_SSL" } else { "PLAINTEXT" },
                "enable_publicip": false,
            }),
        });
    }

    fn share(&mut self, team: &'static str, name: &str) {
        let tags = self.tags("production", team);
        let vpc = self.vpc("production");
        let (id, key) = (self.random.uuid(), self.random.uuid());
        self.add(Entity {
            provider: "sfsturbo",
            kind: "shares",
            id,
            name: format!("share-{name}"),
            region: vpc.region,
            tags: tags.set,
            properties: json!({
                "status": "200",
                "share_type": "STANDARD",
                "share_proto": "NFS",
                "size": "500",
                "availability_zone": format!("{}a", vpc.region),
                "vpc_id": vpc.id,
                "crypt_key_id": key,
                "export_location": format!("10.{}.2.95:/", vpc.number),
            }),
        });
    }
}
