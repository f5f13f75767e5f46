//! Typed ids. Rows of the store have integer numbers; what leaves the server has text ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::error::{Error, ErrorCode};

/// Slots of one chunk: the unit of work and of storage.
pub const SLOTS_PER_CHUNK: usize = 4096;
const SLOT_BITS: u32 = 12;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

numbers! {
    /// An account's row.
    AccountNo;
    /// A user's row.
    UserNo;
    /// A resource type of one account.
    TypeNo;
    /// A chunk: up to [`SLOTS_PER_CHUNK`] resources of one account and type.
    ChunkNo;
    /// A policy assignment's row. Never reused, fits 32 bits (it stands in the planes).
    RuleNo;
    /// An evaluation run's row.
    RunNo;
    /// An organization's row.
    OrganizationNo;
    /// A unit's row.
    OrganizationUnitNo;
    /// An organization rule's row.
    OrganizationRuleNo;
    /// An organization rule in one member.
    OrganizationDeploymentNo;
    /// A facet of a resource type.
    FacetNo;
    /// A function's row.
    FunctionNo;
    /// A call that waits for a function.
    FunctionJobNo;
    /// Where a resource lives: its chunk and its slot in the chunk. Never reused.
    ResourceKey;
}

impl ResourceKey {
    /// The key of a slot.
    pub fn new(chunk: ChunkNo, slot: usize) -> Self {
        Self((chunk.0 << SLOT_BITS) | i64::try_from(slot).unwrap_or(0))
    }

    /// The chunk it lies in.
    pub fn chunk(self) -> ChunkNo {
        ChunkNo(self.0 >> SLOT_BITS)
    }

    /// The slot in its chunk.
    pub fn slot(self) -> usize {
        usize::try_from(self.0 & ((1 << SLOT_BITS) - 1)).unwrap_or(0)
    }
}

/// The public id of a rule: 24 lower-case hex digits, four bytes of creation time in seconds,
/// then eight random ones (the shape of the published examples).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyAssignmentId(String);

impl PolicyAssignmentId {
    /// A new id, created at `now`.
    pub fn new(now: Timestamp) -> Result<Self, Error> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|e| Error::internal("no randomness", e))?;
        let seconds = u32::try_from(now.seconds()).unwrap_or(0);
        Ok(Self(format!("{seconds:08x}{:016x}", u64::from_be_bytes(random))))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyAssignmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PolicyAssignmentId {
    type Err = Error;

    /// Takes what the published pattern takes (`[\w-]+`, at most 36): another client's id may
    /// be of another shape, and then is not found.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.chars().count() > 36 {
            return Err(Error::new(ErrorCode::PolicyAssignmentIdTooLong));
        }
        if text.is_empty() || !text.chars().all(is_word_or_dash) {
            return Err(Error::new(ErrorCode::PolicyAssignmentIdIllegal));
        }
        Ok(Self(text.to_owned()))
    }
}

/// `[\w-]`, ASCII.
pub fn is_word_or_dash(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Random lower-case hex of so many bytes, for account ids and keys.
pub fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0_u8; bytes];
    getrandom::fill(&mut random).map_err(|e| Error::internal("no randomness", e))?;
    Ok(hex(&random))
}

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
