//! Images, servers and their disks.

use serde_json::{Value, json};

use super::{Entity, HOME, Inventory, Server, TEAMS, Tags, Vpc};

const IMAGES: [(&str, &str); 4] = [
    ("golden-ubuntu-22.04", "Ubuntu 22.04 server 64bit"),
    ("golden-euleros-2.10", "EulerOS 2.10 64bit"),
    ("golden-debian-12", "Debian 12 64bit"),
    ("old-centos-7", "CentOS 7.9 64bit"),
];
/// Flavors with memory and processors; the last is not to be used any more.
const FLAVORS: [(&str, &str, &str); 5] = [
    ("s7.large.2", "4096", "2"),
    ("s7.xlarge.2", "8192", "4"),
    ("c7.2xlarge.2", "16384", "8"),
    ("m7.xlarge.8", "32768", "4"),
    ("s3.small.1", "1024", "1"),
];
const ROLES: [&str; 4] = ["web", "app", "worker", "batch"];

impl Inventory {
    /// Images; servers shall be made from all but the last.
    pub(super) fn images(&mut self) {
        for (name, system) in IMAGES {
            let id = self.random.uuid();
            let tags = self.tags("production", "platform");
            self.add(Entity {
                provider: "ims",
                kind: "images",
                id: id.clone(),
                name: name.to_owned(),
                region: HOME,
                tags: tags.set,
                properties: json!({
                    "status": "active",
                    "visibility": "private",
                    "__imagetype": "private",
                    "__os_type": "Linux",
                    "__os_version": system,
                    "__system__encrypted": "0",
                    "min_disk": 40,
                }),
            });
            self.images.push(id);
        }
    }

    /// Servers of every team in every environment.
    pub(super) fn servers(&mut self) {
        for team in TEAMS {
            for (environment, count) in [("production", 6), ("staging", 3), ("development", 3)] {
                for number in 1..=count {
                    let role = self.random.text(&ROLES);
                    let name = format!("{team}-{role}-{}-{number:02}", short(environment));
                    let public = self.random.percent(6);
                    self.server(&name, environment, team, role, public);
                }
            }
        }
        self.server("bastion-01", "production", "platform", "bastion", true);
        self.server("bastion-02", "production", "platform", "bastion", true);
    }

    fn server(
        &mut self,
        name: &str,
        environment: &'static str,
        team: &'static str,
        role: &'static str,
        public: bool,
    ) {
        let mut tags = self.tags(environment, team);
        tags.set.insert("role".to_owned(), json!(role));
        // Somebody started a few servers in the wrong network.
        let lost = environment == "production" && self.random.percent(8);
        let vpc = self.vpc(if lost { "development" } else { environment });
        let server = Server {
            id: self.random.uuid(),
            name: name.to_owned(),
            region: vpc.region,
            tags: tags.clone(),
        };
        let properties = self.server_properties(&vpc, public);
        self.add(Entity {
            provider: "ecs",
            kind: "cloudservers",
            id: server.id.clone(),
            name: name.to_owned(),
            region: vpc.region,
            tags: tags.set,
            properties,
        });
        self.servers.push(server);
    }

    fn server_properties(&mut self, vpc: &Vpc, public: bool) -> Value {
        let flavor = if self.random.percent(6) { 4 } else { self.random.below(4) };
        let (flavor, memory, processors) = FLAVORS
            .get(usize::try_from(flavor).unwrap_or(0))
            .copied()
            .unwrap_or(("s7.large.2", "4096", "2"));
        let image = if self.random.percent(7) { 3 } else { self.random.below(3) };
        let image = usize::try_from(image).unwrap_or(0);
        let system = IMAGES.get(image).map(|(_, system)| *system);
        let image = self.images.get(image).cloned();
        let group = self.random.pick(&self.security_groups).cloned().unwrap_or_default();
        let (address, port) = (self.random.below(250) + 2, self.random.uuid());
        let mut addresses = vec![json!({
            "addr": format!("10.{}.{}.{address}", vpc.number, self.random.below(8)),
            "version": 4,
            "OsExtIpsType": "fixed",
            "OsExtIpsPortId": port,
        })];
        if public {
            addresses.push(json!({
                "addr": format!("203.0.113.{}", 100 + self.random.below(100)),
                "version": 4,
                "OsExtIpsType": "floating",
                "OsExtIpsPortId": port,
            }));
        }
        json!({
            "status": if self.random.percent(93) { "ACTIVE" } else { "SHUTOFF" },
            "flavor": {
                "id": flavor, "name": flavor, "disk": "0", "ram": memory, "vcpus": processors,
            },
            "metadata": {
                "vpcId": vpc.id,
                "imageName": system,
                "meteringImageId": image,
                "meteringImageType": "private",
                "chargingMode": "0",
                "osBit": "64",
            },
            "addresses": addresses,
            "securityGroup": [{"id": group.0, "name": group.1}],
            "hostStatus": "UP",
            "keyName": "KeyPair-ops",
            "locked": false,
            "OsExtAz": format!("{}{}", vpc.region, self.random.text(&["a", "b", "c"])),
        })
    }

    /// A system disk for every server, data disks for some, and some that nobody uses.
    pub(super) fn disks(&mut self) {
        for server in self.servers.clone() {
            self.disk(Some(&server), &format!("{}-system", server.name), 40, &server.tags);
            if self.random.percent(30) {
                let size = self.random.pick(&[100_u64, 200, 500]).copied().unwrap_or(100);
                self.disk(Some(&server), &format!("{}-data", server.name), size, &server.tags);
            }
        }
        for number in 1..=7 {
            let tags = self.any_tags();
            self.disk(None, &format!("restore-{number:02}"), 200, &tags);
        }
    }

    fn disk(&mut self, server: Option<&Server>, name: &str, size: u64, tags: &Tags) {
        let encrypted = self.random.percent(if tags.environment == "production" { 92 } else { 74 });
        let specification = match self.random.below(20) {
            0 => "SATA",
            1..=6 => "SAS",
            7..=14 => "SSD",
            _ => "ESSD",
        };
        let region = server.map_or(HOME, |server| server.region);
        let attachments: Vec<Value> = server
            .map(|server| json!({"serverId": server.id, "device": "/dev/vda"}))
            .into_iter()
            .collect();
        let mut metadata = json!({"hw:passthrough": "false"});
        if encrypted && let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("systemEncrypted".to_owned(), json!("1"));
        }
        let id = self.random.uuid();
        self.add(Entity {
            provider: "evs",
            kind: "volumes",
            id,
            name: name.to_owned(),
            region,
            tags: tags.set.clone(),
            properties: json!({
                "size": size,
                "status": if server.is_some() { "in-use" } else { "available" },
                "volumeType": specification,
                "encrypted": encrypted,
                "shareable": false,
                "multiattach": false,
                "bootable": if name.ends_with("system") { "true" } else { "false" },
                "availabilityZone": format!("{region}a"),
                "metadata": metadata,
                "attachments": attachments,
            }),
        });
    }
}

fn short(environment: &str) -> &str {
    match environment {
        "production" => "prod",
        "staging" => "stage",
        _ => "dev",
    }
}
