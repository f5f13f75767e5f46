//! One function per operation: extract, call, convert.

pub(crate) mod channels;
pub(crate) mod coverage;
pub(crate) mod evaluations;
pub(crate) mod events;
pub(crate) mod explanations;
pub(crate) mod functions;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod imports;
pub(crate) mod inventory;
pub(crate) mod operation_list;
pub(crate) mod organization_policy_assignments;
pub(crate) mod organizations;
pub(crate) mod past;
pub(crate) mod policy_assignments;
pub(crate) mod policy_definitions;
pub(crate) mod policy_states;
pub(crate) mod policy_summaries;
pub(crate) mod previews;
pub(crate) mod providers;
pub(crate) mod relations;
pub(crate) mod resources;
pub(crate) mod tags;
pub(crate) mod tracker_config;
