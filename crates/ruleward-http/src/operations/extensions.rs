//! Operations that are not the service's published ones: ours, and the few of the identity
//! service that clients need.

use http::Method;

use super::Handler::{Allowed, Deferred, Known, Open};
use super::{Load, Operation, Origin};
use crate::handlers::{
    channels, coverage, events, explanations, functions, health, history, identity, imports,
    operation_list, organizations, past, previews, resources,
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
        GET "/v3/auth/domains" 200 ListAuthDomains "" Quick => Known(identity::domains);
        POST "/v3/auth/tokens" 201 CreateToken "" Password => Open(identity::create_token);
        GET "/v5/caller-identity" 200 GetCallerIdentity "" Quick => Known(identity::caller);
    }
    Extension "/v1/ruleward/domains/{domain_id}" {
        POST "/resources" 200 PutResources "ruleward:resources:put" Batch => Allowed(resources::put_many);
        GET "/resources/{resource_id}" 200 GetResource "ruleward:resources:get" Quick => Allowed(resources::get);
        PUT "/resources/{resource_id}" 200 PutResource "ruleward:resources:put" Resource => Deferred(resources::put);
        DELETE "/resources/{resource_id}" 204 DeleteResource "ruleward:resources:delete" Quick => Deferred(resources::delete);
        GET "/resources/{resource_id}/history" 200 ListResourceHistory "rms:resources:getHistory" Light => Allowed(history::list_with_causes);
        GET "/policy-states" 200 ListPastPolicyStates "rms:policyStates:get" Light => Allowed(past::list);
        GET "/policy-states/changes" 200 ListPolicyStateChanges "rms:policyStates:get" Light => Allowed(past::changes);
        GET "/policy-states/summary" 200 CollectPastPolicyStatesSummary "rms:policyStates:get" Light => Allowed(past::summary);
        POST "/imports" 200 OpenImport "ruleward:resources:import" Light => Allowed(imports::open);
        GET "/imports/{import_id}" 200 GetImport "ruleward:resources:import" Light => Allowed(imports::get);
        DELETE "/imports/{import_id}" 204 CancelImport "ruleward:resources:import" Light => Allowed(imports::cancel);
        POST "/imports/{import_id}/batches" 200 ImportBatch "ruleward:resources:import" Batch => Allowed(imports::batch);
        POST "/imports/{import_id}/complete" 200 CompleteImport "ruleward:resources:import" Light => Allowed(imports::complete);
        GET "/policy-assignments/{policy_assignment_id}/event" 200 GetEvaluationEvent "rms:policyStates:update" Light => Allowed(events::get);
        GET "/policy-assignments/{policy_assignment_id}/policy-states/{resource_id}/explanation" 200 ExplainPolicyState "rms:policyStates:get" Light => Allowed(explanations::get);
        POST "/policy-assignments/preview" 200 PreviewPolicyAssignment "rms:policyStates:get" Light => Allowed(previews::preview);
        POST "/resources/evaluate" 200 EvaluateResource "rms:policyStates:get" Resource => Allowed(previews::evaluate);
        GET "/channels" 200 ShowChannels "rms:trackerConfig:get" Light => Allowed(channels::show);
        POST "/snapshots" 202 CreateSnapshot "ruleward:snapshots:create" Light => Allowed(channels::snapshot);
        GET "/policies/coverage" 200 GetPolicyCoverage "rms:policyStates:get" Light => Allowed(coverage::policies);
    }
    Extension "/v1/ruleward/organizations" {
        GET "" 200 ListOrganizations "ruleward:organizations:list" Light => Allowed(organizations::list);
        POST "" 201 CreateOrganization "ruleward:organizations:create" Light => Allowed(organizations::create);
        GET "/{organization_id}" 200 ShowOrganization "ruleward:organizations:get" Light => Allowed(organizations::show);
        GET "/{organization_id}/members" 200 ListOrganizationMembers "ruleward:organizations:listMembers" Light => Allowed(organizations::members);
        POST "/{organization_id}/members" 201 AddOrganizationMember "ruleward:organizations:add" Light => Allowed(organizations::add);
        POST "/{organization_id}/invitations" 201 InviteOrganizationMember "ruleward:organizations:invite" Light => Allowed(organizations::invite);
        POST "/{organization_id}/invitations/accept" 204 AcceptOrganizationInvitation "ruleward:organizations:accept" Light => Allowed(organizations::accept);
        DELETE "/{organization_id}/members/{member_id}" 204 RemoveOrganizationMember "ruleward:organizations:remove" Light => Allowed(organizations::remove);
        POST "/{organization_id}/members/{member_id}/suspend" 204 SuspendOrganizationMember "ruleward:organizations:suspend" Light => Allowed(organizations::suspend);
        POST "/{organization_id}/members/{member_id}/resume" 204 ResumeOrganizationMember "ruleward:organizations:resume" Light => Allowed(organizations::resume);
        POST "/{organization_id}/members/{member_id}/move" 204 MoveOrganizationMember "ruleward:organizations:move" Light => Allowed(organizations::move_member);
        PUT "/{organization_id}/delegated-administrators/{member_id}" 204 DelegateOrganizationAdministrator "ruleward:organizations:delegate" Light => Allowed(organizations::delegate);
        DELETE "/{organization_id}/delegated-administrators/{member_id}" 204 UndelegateOrganizationAdministrator "ruleward:organizations:delegate" Light => Allowed(organizations::undelegate);
        GET "/{organization_id}/units" 200 ListOrganizationUnits "ruleward:organizations:listUnits" Light => Allowed(organizations::units);
        POST "/{organization_id}/units" 201 CreateOrganizationUnit "ruleward:organizations:createUnit" Light => Allowed(organizations::create_unit);
        DELETE "/{organization_id}/units/{unit_id}" 204 DeleteOrganizationUnit "ruleward:organizations:deleteUnit" Light => Allowed(organizations::delete_unit);
        GET "/{organization_id}/summary" 200 GetOrganizationSummary "ruleward:organizations:getSummary" Light => Allowed(organizations::summary);
    }
    Extension "/v1/ruleward/functions" {
        GET "" 200 ListFunctions "ruleward:functions:list" Light => Allowed(functions::list);
        POST "" 201 CreateFunction "ruleward:functions:create" Light => Allowed(functions::create);
        GET "/{function_id}" 200 ShowFunction "ruleward:functions:get" Light => Allowed(functions::show);
        DELETE "/{function_id}" 204 DeleteFunction "ruleward:functions:delete" Light => Allowed(functions::delete);
        GET "/{function_id}/calls" 200 ListFunctionCalls "ruleward:functions:listCalls" Light => Allowed(functions::calls);
        POST "/{function_id}/test" 200 TestFunction "ruleward:functions:test" Light => Allowed(functions::test);
        POST "/invoke" 200 InvokeFunction "ruleward:functions:invoke" Light => Allowed(functions::invoke);
        GET "/dead-letters" 200 ListFunctionDeadLetters "ruleward:functions:listDeadLetters" Light => Allowed(functions::dead_letters);
        POST "/dead-letters/redrive" 200 RedriveFunctionDeadLetters "ruleward:functions:redrive" Light => Allowed(functions::redrive);
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
