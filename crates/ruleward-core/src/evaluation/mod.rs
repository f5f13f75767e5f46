//! The loop: change → evaluation → difference → counts.
//!
//! A resource's change is judged inside the transaction that stores it ([`apply`]). What
//! touches many resources commits together with tickets, which the worker threads
//! ([`workers`]) take chunk by chunk ([`chunk_run`]).

pub(crate) mod apply;
pub(crate) mod bits;
pub(crate) mod catch_up;
pub(crate) mod chunk_edit;
pub(crate) mod chunk_run;
pub(crate) mod columns;
pub(crate) mod each_chunk;
pub(crate) mod environment;
pub(crate) mod facets;
pub(crate) mod judging;
pub(crate) mod ledger;
pub(crate) mod planes;
pub(crate) mod posting;
mod programs;
pub(crate) mod rule_set;
pub(crate) mod runs;
pub(crate) mod scope;
pub(crate) mod view;
pub(crate) mod workers;
