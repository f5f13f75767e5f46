//! Operations that are not the service's published ones: ours, and the few of the identity
//! service that clients need.

use http::Method;

use super::Handler::{self, Allowed, Known, Open};
use super::{Operation, Origin};
use crate::handlers::{
    evaluation_events, explanations, health, identity, imports, operation_list, resources,
};

const fn row(
    method: Method,
    path: &'static str,
    id: &'static str,
    action: &'static str,
    success: u16,
    handler: Handler,
) -> Operation {
    Operation {
        id,
        method,
        path,
        action,
        success,
        origin: Origin::Extension,
        heavy: false,
        handler,
    }
}

impl Operation {
    const fn heavy(self) -> Self {
        Self { heavy: true, ..self }
    }

    const fn of_identity(self) -> Self {
        Self { origin: Origin::Identity, ..self }
    }
}

macro_rules! domain {
    ($path:literal) => {
        concat!("/v1/ruleward/domains/{domain_id}", $path)
    };
}

const GET: Method = Method::GET;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

const RESOURCE: &str = domain!("/resources/{resource_id}");
const IMPORT: &str = domain!("/imports/{import_id}");
const EVENT: &str = domain!("/policy-assignments/{policy_assignment_id}/event");
const EXPLANATION: &str = domain!(
    "/policy-assignments/{policy_assignment_id}/policy-states/{resource_id}/explanation"
);

pub(super) static OPERATIONS: &[Operation] = &[
    row(GET, "/v3/auth/domains", "ListAuthDomains", "", 200, Known(identity::domains))
        .of_identity(),
    row(GET, "/v5/caller-identity", "GetCallerIdentity", "", 200, Known(identity::caller))
        .of_identity(),
    row(POST, "/v3/auth/tokens", "CreateToken", "", 201, Open(identity::create_token))
        .of_identity()
        .heavy(),
    row(GET, "/v1/ruleward/operations", "ListOperations", "", 200, Open(operation_list::list)),
    row(GET, RESOURCE, "GetResource", "ruleward:resources:get", 200, Allowed(resources::get)),
    row(PUT, RESOURCE, "PutResource", "ruleward:resources:put", 200, Allowed(resources::put))
        .heavy(),
    row(DELETE, RESOURCE, "DeleteResource", "ruleward:resources:delete", 204, Allowed(resources::delete)),
    row(POST, domain!("/resources"), "PutResources", "ruleward:resources:put", 200, Allowed(resources::put_many))
        .heavy(),
    row(POST, domain!("/imports"), "OpenImport", "ruleward:resources:import", 200, Allowed(imports::open)),
    row(GET, IMPORT, "GetImport", "ruleward:resources:import", 200, Allowed(imports::get)),
    row(DELETE, IMPORT, "CancelImport", "ruleward:resources:import", 204, Allowed(imports::cancel)),
    row(POST, domain!("/imports/{import_id}/batches"), "ImportBatch", "ruleward:resources:import", 200, Allowed(imports::batch))
        .heavy(),
    row(POST, domain!("/imports/{import_id}/complete"), "CompleteImport", "ruleward:resources:import", 200, Allowed(imports::complete)),
    row(GET, EVENT, "GetEvaluationEvent", "rms:policyStates:update", 200, Allowed(evaluation_events::get)),
    row(GET, EXPLANATION, "ExplainPolicyState", "rms:policyStates:get", 200, Allowed(explanations::get)),
    row(GET, "/healthz", "Health", "", 200, Open(health::alive)),
    row(GET, "/readyz", "Readiness", "", 200, Open(health::ready)),
    row(GET, "/metrics", "Metrics", "", 200, Open(health::metrics)),
];
