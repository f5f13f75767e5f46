//! The ten policies of the mix by hand.

use anyhow::Result;
use regex::bytes::Regex;
use sonic_rs::LazyValue;

use super::security_group::opens_tcp;
use super::value::{elements, given, is, length, number, text, truth};
use crate::cpu;
use crate::inventory::{Inventory, Kind};
use crate::mix::Mix;
use crate::report::{Counts, count};

struct Judge {
    expression: Regex,
    tag: String,
    tag_values: Vec<String>,
    flavors: Vec<String>,
    images: Vec<String>,
    least: f64,
    ports: [(u32, u32); 1],
    style: Style,
}

/// How paths are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Style {
    /// Each from the beginning of the resource.
    Each,
    /// The properties once, then within them.
    Nested,
}

impl Judge {
    fn new(mix: &Mix, style: Style) -> Result<Self> {
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        let port = u32::try_from(mix.port)?;
        Ok(Self {
            expression: Regex::new(&mix.expression)?,
            tag: mix.tag_key.clone(),
            tag_values: mix.tag_values.clone(),
            flavors: sorted(&mix.flavors),
            images: sorted(&mix.images),
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            least: mix.least as f64,
            ports: [(port, port)],
            style,
        })
    }

    fn judge(&self, kind: Kind, body: &[u8], counts: &mut Counts) {
        let tag = find(body, &["tags", &self.tag]);
        let tag = tag.as_ref().and_then(text);
        let fits = |tag: &str| self.tag_values.iter().any(|value| value == tag);
        count(counts, 3, !tag.is_some_and(|tag| fits(&tag)));
        let name = find(body, &["name"]);
        let name = name.as_ref().and_then(text);
        count(counts, 6, !name.is_some_and(|name| self.expression.is_match(name.as_bytes())));
        if kind == Kind::Other {
            return;
        }
        let properties = match self.style {
            Style::Each => None,
            Style::Nested => find(body, &["properties"]),
        };
        let find = |path: &[&str]| match (&properties, path) {
            (Some(properties), [_, rest @ ..]) => sonic_rs::get(properties.as_raw_str(), rest).ok(),
            _ => find(body, path),
        };
        match kind {
            Kind::Volume => {
                let status = find(&["properties", "status"]);
                if is(status.as_ref(), "available") {
                    count(counts, 1, true);
                } else if is(status.as_ref(), "in-use") {
                    let encrypted = find(&["properties", "metadata", "systemEncrypted"]);
                    count(counts, 2, encrypted.is_none() || is(encrypted.as_ref(), "0"));
                }
            }
            Kind::Server => {
                let flavor = find(&["properties", "flavor", "name"]);
                count(counts, 4, !within(&self.flavors, flavor.as_ref()));
                let image = find(&["properties", "metadata", "meteringImageId"]);
                count(counts, 5, !within(&self.images, image.as_ref()));
            }
            Kind::User => {
                let enabled = find(&["properties", "enabled"]);
                let without = truth(enabled.as_ref()) == Some(true)
                    && length(find(&["properties", "mfa_devices"]).as_ref()) == 0;
                count(counts, 7, without);
            }
            Kind::Database => {
                let addresses = find(&["properties", "publicIps"]);
                let public = elements(given(addresses.as_ref())).any(|of| length(Some(&of)) > 0);
                count(counts, 8, public);
            }
            Kind::SecurityGroup => {
                let rules = find(&["properties", "security_group_rules"]);
                count(counts, 9, opens_tcp(rules.as_ref(), &self.ports));
            }
            Kind::PasswordPolicy => {
                let length = find(&["properties", "minimum_password_length"]);
                count(counts, 10, number(length.as_ref()).is_some_and(|of| of < self.least));
            }
            Kind::Other => {}
        }
    }
}

fn find<'a>(body: &'a [u8], path: &[&str]) -> Option<LazyValue<'a>> {
    sonic_rs::get(body, path).ok()
}

fn within(sorted: &[String], value: Option<&LazyValue<'_>>) -> bool {
    value.and_then(text).is_some_and(|text| {
        sorted.binary_search_by(|known| known.as_str().cmp(text.as_ref())).is_ok()
    })
}

/// Judges the inventory so many times, on this thread. CPU nanoseconds of each pass.
pub fn run(
    inventory: &Inventory,
    mix: &Mix,
    style: Style,
    passes: usize,
) -> Result<(Vec<f64>, Counts)> {
    let judge = Judge::new(mix, style)?;
    let mut times = Vec::new();
    let mut counts = Counts::default();
    for _ in 0..passes {
        counts = Counts::default();
        let ((), ns) = cpu::timed(|| {
            for (kind, body) in inventory.iter() {
                judge.judge(kind, body, &mut counts);
            }
            Ok(())
        })?;
        times.push(ns);
    }
    Ok((times, counts))
}
