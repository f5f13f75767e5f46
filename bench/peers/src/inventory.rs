//! The inventory in memory: one buffer, and where each resource of it lies. What type a
//! resource has is known beforehand, so that no engine pays for finding its policies.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The types that the mix has policies of their own for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `evs.volumes`.
    Volume,
    /// `ecs.cloudservers`.
    Server,
    /// `iam.users`.
    User,
    /// `rds.instances`.
    Database,
    /// `vpc.securityGroups`.
    SecurityGroup,
    /// `iam.passwordPolicies`.
    PasswordPolicy,
    /// The others, which only the policies for all types judge.
    Other,
}

impl Kind {
    /// The kind of a resource's provider and type.
    pub fn of(provider: &str, kind: &str) -> Self {
        match (provider, kind) {
            ("evs", "volumes") => Self::Volume,
            ("ecs", "cloudservers") => Self::Server,
            ("iam", "users") => Self::User,
            ("rds", "instances") => Self::Database,
            ("vpc", "securityGroups") => Self::SecurityGroup,
            ("iam", "passwordPolicies") => Self::PasswordPolicy,
            _ => Self::Other,
        }
    }

    /// The numbers (from 1) of the policies of the mix that judge it.
    pub fn policies(self) -> &'static [usize] {
        match self {
            Self::Volume => &[1, 2, 3, 6],
            Self::Server => &[3, 4, 5, 6],
            Self::User => &[3, 6, 7],
            Self::Database => &[3, 6, 8],
            Self::SecurityGroup => &[3, 6, 9],
            Self::PasswordPolicy => &[3, 6, 10],
            Self::Other => &[3, 6],
        }
    }
}

/// An inventory.
#[derive(Debug)]
pub struct Inventory {
    bytes: Vec<u8>,
    places: Vec<(Kind, Range<usize>)>,
}

impl Inventory {
    /// Reads the first resources of an NDJSON file.
    pub fn read(file: &Path, most: usize) -> Result<Self> {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let mut places = Vec::new();
        let mut from = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').take(most) {
            let field = |name: &str| -> Result<String> {
                let value = sonic_rs::get(line, [name])?;
                Ok(value.as_raw_str().trim_matches('"').to_owned())
            };
            let kind = Kind::of(&field("provider")?, &field("type")?);
            places.push((kind, from..from + line.len() - 1));
            from += line.len();
        }
        Ok(Self { bytes, places })
    }

    /// Each resource with its kind, as the file has them.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.places
            .iter()
            .map(|(kind, place)| (*kind, self.bytes.get(place.clone()).unwrap_or_default()))
    }

    /// How many resources.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// How many evaluations the mix makes of it.
    pub fn evaluations(&self) -> usize {
        self.places.iter().map(|(kind, _)| kind.policies().len()).sum()
    }
}
