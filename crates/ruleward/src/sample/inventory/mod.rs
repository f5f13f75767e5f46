//! The invented inventory: a shop with five teams, three environments and two regions.

mod compute;
mod databases;
mod identity;
mod network;
pub mod services;

use ruleward_types::Timestamp;
use ruleward_types::ids::hex;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::random::Random;

/// The seed of the development account's inventory.
pub const SEED: u64 = 2026;
const DAY_S: i64 = 86_400;

/// Where most of it is.
pub const HOME: &str = "cn-north-4";
const SECOND: &str = "cn-east-3";
/// The teams.
pub const TEAMS: [&str; 5] = ["payments", "catalog", "search", "platform", "data"];
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];

/// Everything that was invented.
#[derive(Debug)]
pub struct Inventory {
    random: Random,
    now: Timestamp,
    projects: [(&'static str, String); 2],
    entities: Vec<Value>,
    vpcs: Vec<Vpc>,
    /// Images that servers shall be made from.
    pub images: Vec<String>,
    security_groups: Vec<(String, String)>,
    servers: Vec<Server>,
}

/// A network.
#[derive(Debug, Clone)]
struct Vpc {
    id: String,
    region: &'static str,
    environment: &'static str,
    subnet: String,
    /// The second byte of its addresses.
    number: u64,
}

/// A server, as disks and vaults need it.
#[derive(Debug, Clone)]
struct Server {
    id: String,
    name: String,
    region: &'static str,
    tags: Tags,
}

/// Whose something is.
#[derive(Debug, Clone)]
struct Tags {
    environment: &'static str,
    team: &'static str,
    /// Tags that are really there.
    set: Map<String, Value>,
}

impl Inventory {
    /// Invents it; the same for a seed but for the times, which lie before `now`.
    pub fn invent(now: Timestamp, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let projects = [(HOME, random.hex()), (SECOND, random.hex())];
        let mut made = Self {
            random,
            now,
            projects,
            entities: Vec::new(),
            vpcs: Vec::new(),
            images: Vec::new(),
            security_groups: Vec::new(),
            servers: Vec::new(),
        };
        made.network();
        made.images();
        made.servers();
        made.disks();
        made.addresses();
        made.balancers();
        made.databases();
        made.services();
        made.buckets_and_trackers();
        made.identity();
        made
    }

    /// One line of JSON for every resource.
    pub fn lines(&self) -> serde_json::Result<Vec<u8>> {
        let mut lines = Vec::new();
        for entity in &self.entities {
            serde_json::to_writer(&mut lines, entity)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// A part of it: one resource of so many.
    pub fn keep_one_of(&mut self, many: usize) {
        let mut place = 0;
        self.entities.retain(|_| {
            place += 1;
            place % many.max(1) == 0
        });
    }

    /// The network of production at home.
    pub fn production_vpc(&self) -> &str {
        self.vpcs.first().map(|vpc| vpc.id.as_str()).unwrap_or_default()
    }

    fn add(&mut self, of: Entity) {
        let Entity { provider, kind, id, name, region, tags, properties } = of;
        let age_days = 20 + self.random.below(700);
        let project = self.projects.iter().find(|(known, _)| *known == region);
        let (project_id, project_name) = match project {
            Some((project, id)) => (id.clone(), *project),
            None => (String::new(), ""),
        };
        let checksum = hex(&Sha256::digest(properties.to_string()));
        let created = self.days_ago(age_days);
        let updated = self.days_ago(self.random.clone().below(age_days.min(60)));
        self.entities.push(json!({
            "id": id,
            "name": name,
            "provider": provider,
            "type": kind,
            "region_id": region,
            "project_id": project_id,
            "project_name": project_name,
            "ep_id": "0",
            "ep_name": "default",
            "checksum": checksum,
            "created": created,
            "updated": updated,
            "provisioning_state": "Succeeded",
            "tags": tags,
            "properties": properties,
        }));
    }

    /// A time so many days ago.
    fn days_ago(&self, days: u64) -> String {
        let seconds = i64::try_from(days).unwrap_or(0) * DAY_S;
        self.now.plus_seconds(-seconds).to_wire()
    }

    /// Tags of something of a team; some are forgotten here and there.
    fn tags(&mut self, environment: &'static str, team: &'static str) -> Tags {
        let mut set = Map::new();
        set.insert("environment".to_owned(), json!(environment));
        if self.random.percent(91) {
            set.insert("team".to_owned(), json!(team));
        }
        let disciplined = if environment == "production" { 88 } else { 40 };
        if self.random.percent(disciplined) {
            let number = TEAMS.iter().position(|known| *known == team).unwrap_or_default();
            set.insert("cost-center".to_owned(), json!(format!("cc-{}", 1001 + number)));
        }
        Tags { environment, team, set }
    }

    /// Tags of something anywhere: most of it in production.
    fn any_tags(&mut self) -> Tags {
        let environment = match self.random.below(10) {
            0..=4 => "production",
            5..=7 => "staging",
            _ => "development",
        };
        let team = self.random.text(&TEAMS);
        self.tags(environment, team)
    }

    /// A network of an environment.
    fn vpc(&mut self, environment: &str) -> Vpc {
        let fitting: Vec<Vpc> =
            self.vpcs.iter().filter(|vpc| vpc.environment == environment).cloned().collect();
        // The home network comes first and has most of it.
        let index = usize::from(fitting.len() > 1 && self.random.percent(18));
        fitting.into_iter().nth(index).unwrap_or_else(|| Vpc {
            id: String::new(),
            region: HOME,
            environment: "production",
            subnet: String::new(),
            number: 0,
        })
    }
}

/// What differs between resources.
#[derive(Debug)]
struct Entity {
    provider: &'static str,
    kind: &'static str,
    id: String,
    name: String,
    region: &'static str,
    tags: Map<String, Value>,
    properties: Value,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ruleward_types::Resource;

    use super::*;

    #[test]
    fn a_few_hundred_resources_of_many_types() {
        let now = Timestamp::parse("2026-05-01T00:00:00Z").unwrap();
        let made = Inventory::invent(now, SEED);
        assert!((250..=400).contains(&made.entities.len()), "{}", made.entities.len());
        let mut types = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for entity in &made.entities {
            let text = serde_json::to_vec(entity).unwrap();
            let read =
                Resource::parse(&text, |of| of).unwrap_or_else(|error| panic!("{error}: {entity}"));
            assert!(ids.insert((read.resource_type.key(), read.id.clone())), "{entity}");
            types.insert(read.resource_type.key());
        }
        assert!(types.len() >= 20, "{types:?}");
        assert_eq!(made.lines().unwrap(), Inventory::invent(now, SEED).lines().unwrap());
    }
}
