//! People and what they may do.

use serde_json::{Map, Value, json};

use super::{Entity, Inventory, TEAMS};

const PEOPLE: [&str; 22] = [
    "alice", "bo", "carmen", "deniz", "emeka", "fatima", "goran", "hana", "ines", "jun", "karl",
    "lin", "mei", "noor", "olga", "pavel", "quentin", "rosa", "sven", "tala", "uma", "wei",
];

impl Inventory {
    /// Users with their access keys, groups, agencies.
    pub(super) fn identity(&mut self) {
        let groups: Vec<(String, &str)> =
            TEAMS.into_iter().map(|team| (self.random.hex(), team)).collect();
        let mut members: Vec<Vec<String>> = vec![Vec::new(); groups.len()];
        for (number, name) in PEOPLE.into_iter().enumerate() {
            let place = number % groups.len();
            let id = self.random.hex();
            if let (Some(group), Some(members)) = (groups.get(place), members.get_mut(place)) {
                members.push(id.clone());
                self.user(id, name, group);
            }
        }
        for ((id, team), users) in groups.into_iter().zip(members) {
            self.global(
                "groups",
                id,
                team,
                json!({"description": team, "users": users, "attached_policies": []}),
            );
        }
        for (name, service) in [
            ("ecs_agency", "op_svc_ecs"),
            ("backup_agency", "op_svc_cbr"),
            ("fgs_agency", "op_svc_cff"),
        ] {
            let id = self.random.uuid();
            self.global(
                "agencies",
                id,
                name,
                json!({
                    "trust_domain_name": service,
                    "duration": "FOREVER",
                    "expire_time": null,
                    "attached_policies": ["OBS OperateAccess"],
                }),
            );
        }
    }

    fn user(&mut self, id: String, name: &str, group: &(String, &str)) {
        let mut credentials = Vec::new();
        if self.random.percent(70) {
            let days = if self.random.percent(70) {
                1 + self.random.below(80)
            } else {
                // Nobody has rotated this one.
                120 + self.random.below(500)
            };
            let access = format!("HPUAEXAMPLE{:09}", self.random.below(1_000_000_000));
            let status = if self.random.percent(90) { "active" } else { "inactive" };
            credentials.push(json!({
                "access": access,
                "status": status,
                "create_time": self.days_ago(days),
                "last_use_time": self.days_ago(days.min(3)),
            }));
        }
        let protected = self.random.percent(65);
        self.global(
            "users",
            id,
            name,
            json!({
                "enabled": true,
                "access_mode": "default",
                "pwd_status": true,
                "pwd_strength": "high",
                "is_domain_owner": false,
                "last_login_time": self.days_ago(2),
                "groups": [{"id": group.0, "name": group.1}],
                "credentials": credentials,
                "mfa_devices": if protected { json!([{"serial_number": name}]) } else { json!([]) },
                "login_protect": {"enabled": protected, "verification_method": "none"},
                "attached_policies": [],
            }),
        );
    }

    fn global(&mut self, kind: &'static str, id: String, name: &str, properties: Value) {
        self.add(Entity {
            provider: "iam",
            kind,
            id,
            name: name.to_owned(),
            region: "global",
            tags: Map::new(),
            properties,
        });
    }
}
