//! What resources have in common: regions, projects, tags.

use std::ops::AddAssign;

/// A kind of facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FacetKind {
    /// The region; every resource has one.
    Region,
    /// The project; empty where the resource is in none.
    Project,
    /// The enterprise project.
    EnterpriseProject,
    /// The key of a tag.
    TagKey,
    /// The key and the value of a tag.
    Tag,
}

impl FacetKind {
    const ALL: [Self; 5] =
        [Self::Region, Self::Project, Self::EnterpriseProject, Self::TagKey, Self::Tag];

    /// The number that a store keeps of it.
    pub fn number(self) -> i64 {
        match self {
            Self::Region => 1,
            Self::Project => 2,
            Self::EnterpriseProject => 3,
            Self::TagKey => 4,
            Self::Tag => 5,
        }
    }

    /// The kind of that number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// One thing that resources of a type have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Facet {
    /// Its kind.
    pub kind: FacetKind,
    /// The region, the project, or the key of the tag.
    pub name: String,
    /// The value of a tag; empty for the other kinds.
    pub value: String,
}

impl Facet {
    /// A facet that is a name alone.
    pub fn named(kind: FacetKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), value: String::new() }
    }

    /// A tag with its value.
    pub fn tag(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: FacetKind::Tag, name: key.into(), value: value.into() }
    }
}

/// How many resources have a facet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FacetCounts {
    /// Of those that are recorded.
    pub tracked: i64,
    /// Of all, as they were last told.
    pub told: i64,
}

impl FacetCounts {
    /// Whether nothing is counted.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for FacetCounts {
    fn add_assign(&mut self, other: Self) {
        self.tracked += other.tracked;
        self.told += other.told;
    }
}
