//! The HTTP interface, in process: the table, the router, and really signed exchanges over a
//! real store.

#![cfg(test)]

mod authentication;
mod channels;
mod evaluations;
mod functions;
mod harness;
mod identity;
mod imports;
#[cfg(test)]
mod inventory;
mod operations;
mod organization_policy_assignments;
mod organizations;
mod policy_assignments;
mod policy_definitions;
mod policy_states;
mod previews;
mod relations;
mod resources;
mod tags;
mod tracker_config;
