//! Operations that are not the service's published ones: ours, and the few of the identity
//! service that clients need.

use http::Method;

use super::Handler::{Allowed, Known, Open};
use super::{Load, Operation, Origin};
use crate::handlers::{
    coverage, events, explanations, health, identity, imports, operation_list, previews, resources,
};

macro_rules! table {
    ($($origin:ident $prefix:literal {
        $($method:ident $path:literal $success:literal $id:ident $action:literal $load:ident
            => $handler:expr;)*
    })*) => {
        &[$($(Operation {
            id: stringify!($id),
            method: Method::$method,
            path: concat!($prefix, $path),
            action: $action,
            success: $success,
            origin: Origin::$origin,
            load: Load::$load,
            handler: $handler,
        },)*)*]
    };
}

pub(super) static OPERATIONS: &[Operation] = table! {
    Identity "" {
        GET "/v3/auth/domains" 200 ListAuthDomains "" Light => Known(identity::domains);
        POST "/v3/auth/tokens" 201 CreateToken "" Password => Open(identity::create_token);
        GET "/v5/caller-identity" 200 GetCallerIdentity "" Light => Known(identity::caller);
    }
    Extension "/v1/ruleward/domains/{domain_id}" {
        POST "/resources" 200 PutResources "ruleward:resources:put" Batch => Allowed(resources::put_many);
        GET "/resources/{resource_id}" 200 GetResource "ruleward:resources:get" Light => Allowed(resources::get);
        PUT "/resources/{resource_id}" 200 PutResource "ruleward:resources:put" Resource => Allowed(resources::put);
        DELETE "/resources/{resource_id}" 204 DeleteResource "ruleward:resources:delete" Light => Allowed(resources::delete);
        POST "/imports" 200 OpenImport "ruleward:resources:import" Light => Allowed(imports::open);
        GET "/imports/{import_id}" 200 GetImport "ruleward:resources:import" Light => Allowed(imports::get);
        DELETE "/imports/{import_id}" 204 CancelImport "ruleward:resources:import" Light => Allowed(imports::cancel);
        POST "/imports/{import_id}/batches" 200 ImportBatch "ruleward:resources:import" Batch => Allowed(imports::batch);
        POST "/imports/{import_id}/complete" 200 CompleteImport "ruleward:resources:import" Light => Allowed(imports::complete);
        GET "/policy-assignments/{policy_assignment_id}/event" 200 GetEvaluationEvent "rms:policyStates:update" Light => Allowed(events::get);
        GET "/policy-assignments/{policy_assignment_id}/policy-states/{resource_id}/explanation" 200 ExplainPolicyState "rms:policyStates:get" Light => Allowed(explanations::get);
        POST "/policy-assignments/preview" 200 PreviewPolicyAssignment "rms:policyStates:get" Light => Allowed(previews::preview);
        POST "/resources/evaluate" 200 EvaluateResource "rms:policyStates:get" Resource => Allowed(previews::evaluate);
        GET "/policies/coverage" 200 GetPolicyCoverage "rms:policyStates:get" Light => Allowed(coverage::policies);
    }
    Extension "" {
        GET "/v1/ruleward/operations" 200 ListOperations "" None => Open(operation_list::list);
    }
    Probe "" {
        GET "/healthz" 200 Health "" None => Open(health::alive);
        GET "/readyz" 200 Readiness "" Light => Open(health::ready);
        GET "/metrics" 200 Metrics "" Light => Open(health::metrics);
    }
};
