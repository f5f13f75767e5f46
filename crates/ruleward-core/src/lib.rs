//! The use cases: authorize → validate → store → judge. Knows no HTTP and no SQL; the API, the
//! command line and the scheduler all come through here.
//!
//! Everything is synchronous. Writes return when they are durable and their verdicts current;
//! call from a thread that may block.

mod access;
mod account_resource;
mod accounts;
mod archives;
mod causes;
mod channels;
mod coverage;
mod deployments;
mod drafts;
mod evaluation;
mod evaluations;
mod events;
mod explanations;
mod functions;
mod hashing;
mod health;
mod history;
mod imports;
mod inventory;
mod notifications;
mod offline;
mod organization_policy_assignments;
mod organization_summaries;
mod organization_units;
mod organizations;
mod page;
mod past;
mod policy_assignments;
mod policy_states;
mod policy_summaries;
mod previews;
mod providers;
mod relations;
mod reported_results;
mod resources;
mod schedule;
mod sealing;
mod service;
mod statistics;
mod tags;
mod tracker_config;

pub use access::{Access, Caller, IssuedToken};
pub use accounts::NewAccessKey;
pub use causes::{Cause, CauseKind};
pub use channels::{Bucket, Channels, Delivery, Folders, NoChannels, Topic, Undelivered};
pub use coverage::UncoveredPolicy;
pub use drafts::{NewPolicyAssignment, PolicyAssignmentUpdate};
pub use evaluation::workers::Workers;
pub use functions::{
    CallDone, CallOutcome, CallRecord, DeadLetter, FunctionCall, FunctionCredentials,
    FunctionDraft, FunctionHost, FunctionOptions, ManagedFunction, Trial, TrialOutcome,
};
pub use health::{FunctionGauges, Gauges};
pub use history::{HistoryEvent, HistoryItem, HistoryQuery};
pub use inventory::{Inventory, ListedResource, ResourceFilter, TagValues, TypeCounts};
pub use offline::{Finding, Findings, FoundResource, Offline, OfflineOptions};
pub use organization_policy_assignments::{
    OrganizationPolicyAssignmentDraft, OrganizationPolicyAssignmentQuery, OrganizationRuleStatus,
    OwnedOrganizationRule,
};
pub use organizations::{Entry, ManagedOrganization};
pub use page::{Cursor, Page, Paged};
pub use past::{PastQuery, PastState, PastSubject, StateChange};
pub use policy_assignments::PolicyAssignmentQuery;
pub use policy_summaries::TagSelector;
pub use previews::{NAMED_BY_PREVIEW, Preview, PreviewedChange, ProactiveState};
pub use providers::{DisplayName, Provider, ProviderType, Region};
pub use relations::{Direction, Relation};
pub use reported_results::ReportedState;
pub use sealing::SealingKey;
pub use service::{Options, Service};
pub use tags::{TagQuery, TagRemoval};
