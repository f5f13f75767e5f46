//! The vocabulary of Ruleward: what every layer means by a resource, a filter, a policy
//! assignment, a policy state, a summary and an error. No I/O, no async, no wire shapes.

pub mod account;
pub mod clock;
pub mod compact;
pub mod error;
pub mod facet;
pub mod filter;
pub mod function;
pub mod ids;
pub mod import;
pub mod limits;
pub mod notification;
pub mod organization;
pub mod organization_policy_assignment;
pub mod policy_assignment;
pub mod policy_state;
pub mod resource;
pub mod run;
pub mod summary;
pub mod tracker_config;

pub use account::{AccessKey, Account, Role, User};
pub use clock::{Clock, SystemClock, Timestamp};
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use facet::{Facet, FacetCounts, FacetKind};
pub use filter::{FilterTag, PolicyFilter, PolicyFilterV2, TagLogic};
pub use function::{
    Function, FunctionCounts, FunctionJob, FunctionJobCounts, FunctionJobState, FunctionRunner,
};
pub use ids::{
    AccountNo, ChunkNo, FacetNo, FunctionJobNo, FunctionNo, OrganizationDeploymentNo,
    OrganizationNo, OrganizationRuleNo, OrganizationUnitNo, PolicyAssignmentId, ResourceKey,
    RuleNo, RunNo, SLOTS_PER_CHUNK, TypeNo, UserNo,
};
pub use import::{ImportReport, ImportSession, Refusal, WriteOutcome};
pub use notification::{
    Archive, ArchiveBegun, ArchiveDone, ArchiveTask, DeliveryLane, LaneCounts, Notification,
};
pub use organization::{MemberState, Organization, OrganizationMember, OrganizationUnit};
pub use organization_policy_assignment::{
    DeploymentCounts, DeploymentFailure, DeploymentKind, DeploymentState, DeploymentStatus,
    OrganizationDeployment, OrganizationPolicyAssignment,
};
pub use policy_assignment::{
    AssignmentKind, AssignmentState, CustomPolicy, Period, PolicyAssignment, Tag, TriggerType,
};
pub use policy_state::{ComplianceState, PolicyState, StateQuery};
pub use resource::{Identity, Resource, ResourceType, ResourceView};
pub use run::{EvaluationRun, RunState, RunTrigger};
pub use summary::{
    AccountSummary, AssignmentSummary, ComplianceCounts, DailyStatistics, DomainSummary,
    OrganizationSummary, ResourceSummary,
};
pub use tracker_config::{Channel, ObsChannel, Recorder, Selection, SmnChannel, TrackerConfig};
