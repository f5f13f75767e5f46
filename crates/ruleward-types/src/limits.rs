//! Limits of the published definitions and of our own input, in one place.

/// Largest resource that is stored, in bytes of compact JSON.
pub const RESOURCE_SIZE_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a resource.
pub const RESOURCE_DEPTH: usize = 64;
/// Most tags on one resource.
pub const RESOURCE_TAGS: usize = 100;
/// Longest resource id, in Unicode code points.
pub const RESOURCE_ID_CHARS: usize = 512;
/// Longest resource name, in Unicode code points.
pub const RESOURCE_NAME_CHARS: usize = 512;
/// Longest provider name (the path pattern of the published definitions).
pub const PROVIDER_CHARS: usize = 20;
/// Longest type name (the path pattern of the published definitions).
pub const TYPE_CHARS: usize = 32;
/// Resources of one kind that one resource names in its relations; ours, what goes beyond is left out.
pub const RELATIONS_OF_BODY: usize = 4096;
/// Rules of one account unless configured otherwise (documented quota).
pub const POLICY_ASSIGNMENTS: usize = 500;
/// Longest name of a rule (2026 definitions), on create and on update.
pub const ASSIGNMENT_NAME_CHARS: usize = 256;
/// Longest name of an organization rule: room for the prefix in the members.
pub const ORGANIZATION_ASSIGNMENT_NAME_CHARS: usize = 252;
/// Accounts that one organization rule excludes.
pub const EXCLUDED_ACCOUNTS: usize = 1000;
/// Organization rules of one organization; ours, a member could take no more.
pub const ORGANIZATION_POLICY_ASSIGNMENTS: usize = 500;
/// Longest name of an organization or a unit.
pub const ORGANIZATION_NAME_CHARS: usize = 64;
/// Units that lie in one another at most, as the vendor's.
pub const ORGANIZATION_UNIT_DEPTH: usize = 5;
/// Longest description of a rule.
pub const ASSIGNMENT_DESCRIPTION_CHARS: usize = 512;
/// Parameters of one rule.
pub const ASSIGNMENT_PARAMETERS: usize = 10;
/// Tags of one rule.
pub const ASSIGNMENT_TAGS: usize = 20;
/// Longest function URN.
pub const FUNCTION_URN_CHARS: usize = 1024;
/// Entries of one list of a filter of the second form; ours, the definitions name none.
pub const FILTER_LIST: usize = 1000;
/// Largest batch of an import, in bytes.
pub const IMPORT_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Days of daily statistics that are kept.
pub const STATISTICS_DAYS: i64 = 90;
/// Most resources that a look-up of one policy reads; beyond it the verdict is undetermined.
pub const LOOKUP_RESOURCES: usize = 10_000;
/// Shortest time for which history is kept, in days.
pub const RETENTION_DAYS_LEAST: u32 = 30;
/// Longest time for which history is kept, in days (seven years), and the default.
pub const RETENTION_DAYS_MOST: u32 = 2557;
/// Changes of the recorder in one UTC day unless configured otherwise (documented quota).
pub const RECORDER_CHANGES_PER_DAY: u32 = 10;
/// Resource types that a recorder names; ours, the definitions name no number.
pub const RECORDER_TYPES: usize = 1000;
