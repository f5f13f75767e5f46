//! The published operations of the service: method, path, success status, name, action, and
//! where it works already, the handler.
//!
//! The names of actions of operations that do not work yet are the vendor's where these are
//! known, else formed like them.

use http::Method;

use super::{Handler, Load, Operation, Origin};
use crate::handlers::{
    evaluations, history, inventory, organization_policy_assignments, policy_assignments,
    policy_definitions, policy_states, policy_summaries, providers, relations, tags,
    tracker_config,
};

macro_rules! handler {
    () => {
        Handler::NotYet
    };
    ($handler:path) => {
        Handler::Allowed($handler)
    };
}

macro_rules! load {
    () => {
        Load::Light
    };
    ($load:ident) => {
        Load::$load
    };
}

macro_rules! published {
    ($($prefix:literal {
        $($method:ident $path:literal $success:literal $id:ident $action:literal
            $(=> $handler:path $(, $load:ident)?)?;)*
    })*) => {
        &[$($(Operation {
            id: stringify!($id),
            method: Method::$method,
            path: concat!($prefix, $path),
            action: $action,
            success: $success,
            origin: Origin::Published,
            load: load!($($($load)?)?),
            handler: handler!($($handler)?),
        },)*)*]
    };
}

pub(super) static OPERATIONS: &[Operation] = published! {
    "/v1/resource-manager" {
        GET "/conformance-packs/templates" 200 ListBuiltInConformancePackTemplates "rms:conformancePacks:list";
        GET "/conformance-packs/templates/{template_id}" 200 ShowBuiltInConformancePackTemplate "rms:conformancePacks:get";
        GET "/policy-definitions" 200 ListBuiltInPolicyDefinitions "rms:policyDefinitions:get" => policy_definitions::list;
        GET "/policy-definitions/{policy_definition_id}" 200 ShowBuiltInPolicyDefinition "rms:policyDefinitions:get" => policy_definitions::show, Quick;
        POST "/{resource_type}/resource-instances/count" 200 CountResourcesByTag "rms:resources:listByTag" => tags::count;
        POST "/{resource_type}/resource-instances/filter" 200 ListResourcesByTag "rms:resources:listByTag" => tags::filter;
        GET "/{resource_type}/tags" 200 ListTagsForResourceType "rms:resources:listTags" => tags::of_type;
        GET "/{resource_type}/{resource_id}/tags" 200 ListTagsForResource "rms:resources:listTags" => tags::of_resource;
        POST "/{resource_type}/{resource_id}/tags/create" 204 TagResource "rms:resources:tag" => tags::create;
        POST "/{resource_type}/{resource_id}/tags/delete" 204 UnTagResource "rms:resources:unTag" => tags::delete;
    }
    "/v1/resource-manager/domains/{domain_id}" {
        GET "/all-providers" 200 ListAllProviders "rms:resources:list" => providers::list_all;
        GET "/all-resources" 200 ListAllResources "rms:resources:list" => inventory::list_all;
        GET "/all-resources/count" 200 CountAllResources "rms:resources:get" => inventory::count_all;
        GET "/all-resources/summary" 200 CollectAllResourcesSummary "rms:resources:summarize" => inventory::summarize_all;
        GET "/all-resources/tags" 200 ListAllTags "rms:resources:list" => inventory::tags_of_all;
        GET "/all-resources/{resource_id}" 200 ShowResourceDetail "rms:resources:get" => inventory::show_any, Quick;
        GET "/all-resources/{resource_id}/relations" 200 ShowResourceRelationsDetail "rms:resources:getRelation" => relations::list;
        GET "/conformance-packs" 200 ListConformancePacks "rms:conformancePacks:list";
        POST "/conformance-packs" 200 CreateConformancePack "rms:conformancePacks:create";
        GET "/conformance-packs/compliance/summary" 200 CollectConformancePackComplianceSummary "rms:conformancePacks:get";
        GET "/conformance-packs/scores" 200 ListConformancePackComplianceScores "rms:conformancePacks:list";
        GET "/conformance-packs/{conformance_pack_id}" 200 ShowConformancePack "rms:conformancePacks:get";
        PUT "/conformance-packs/{conformance_pack_id}" 200 UpdateConformancePack "rms:conformancePacks:update";
        DELETE "/conformance-packs/{conformance_pack_id}" 202 DeleteConformancePack "rms:conformancePacks:delete";
        GET "/conformance-packs/{conformance_pack_id}/compliance" 200 ListConformancePackComplianceByPackId "rms:conformancePacks:get";
        GET "/conformance-packs/{conformance_pack_id}/compliance/details" 200 ListConformancePackComplianceDetailsByPackId "rms:conformancePacks:get";
        GET "/policy-assignments" 200 ListPolicyAssignments "rms:policyAssignments:get" => policy_assignments::list, Quick;
        PUT "/policy-assignments" 200 CreatePolicyAssignments "rms:policyAssignments:create" => policy_assignments::create;
        GET "/policy-states" 200 ListPolicyStatesByDomainId "rms:policyStates:get" => policy_states::list_by_domain;
        PUT "/policy-states" 200 UpdatePolicyState "rms:policyStates:update" => policy_states::report;
        GET "/policy-states/statistics" 200 ListPolicyStatesStatistics "rms:policyStates:get" => policy_summaries::statistics;
        GET "/policy-states/summary" 200 CollectPolicyStatesSummary "rms:policyStates:get" => policy_summaries::by_domain;
        GET "/provider/{provider}/type/{type}/resources" 200 ListResources "rms:resources:list" => inventory::list_of_type;
        GET "/provider/{provider}/type/{type}/resources/{resource_id}" 200 ShowResourceById "rms:resources:get" => inventory::show_of_type, Quick;
        GET "/providers" 200 ListProviders "rms:resources:list" => providers::list;
        GET "/regions" 200 ListRegions "rms:resources:list" => providers::regions;
        GET "/resources/policy-states/summary" 200 CollectResourcesPolicyStatesSummary "rms:policyStates:get" => policy_summaries::by_resource;
        GET "/resources/{resource_id}/history" 200 ShowResourceHistory "rms:resources:getHistory" => history::list;
        GET "/resources/{resource_id}/policy-states" 200 ListPolicyStatesByResourceId "rms:policyStates:get" => policy_states::list_by_resource;
        GET "/resources/{resource_id}/relations" 200 ShowResourceRelations "rms:resources:getRelation" => relations::list;
        POST "/run-query" 200 RunQuery "rms:resources:runQuery";
        GET "/schemas" 200 ListSchemas "rms:schemas:list";
        GET "/stored-queries" 200 ListStoredQueries "rms:storedQueries:list";
        POST "/stored-queries" 200 CreateStoredQuery "rms:storedQueries:create";
        GET "/stored-queries/{query_id}" 200 ShowStoredQuery "rms:storedQueries:get";
        PUT "/stored-queries/{query_id}" 200 UpdateStoredQuery "rms:storedQueries:update";
        DELETE "/stored-queries/{query_id}" 204 DeleteStoredQuery "rms:storedQueries:delete";
        GET "/tracked-resources" 200 ListTrackedResources "rms:resources:list" => inventory::list_tracked;
        GET "/tracked-resources/count" 200 CountTrackedResources "rms:resources:get" => inventory::count_tracked;
        GET "/tracked-resources/summary" 200 CollectTrackedResourcesSummary "rms:resources:summarize" => inventory::summarize_tracked;
        GET "/tracked-resources/tags" 200 ListTrackedResourceTags "rms:resources:list" => inventory::tags_of_tracked;
        GET "/tracked-resources/{resource_id}" 200 ShowTrackedResourceDetail "rms:resources:get" => inventory::show_tracked, Quick;
        GET "/tracker-config" 200 ShowTrackerConfig "rms:trackerConfig:get" => tracker_config::show, Quick;
        PUT "/tracker-config" 200 CreateTrackerConfig "rms:trackerConfig:put" => tracker_config::put;
        DELETE "/tracker-config" 200 DeleteTrackerConfig "rms:trackerConfig:delete" => tracker_config::delete;
    }
    "/v1/resource-manager/domains/{domain_id}/policy-assignments/{policy_assignment_id}" {
        GET "" 200 ShowPolicyAssignment "rms:policyAssignments:get" => policy_assignments::show, Quick;
        PUT "" 200 UpdatePolicyAssignment "rms:policyAssignments:update" => policy_assignments::update;
        DELETE "" 200 DeletePolicyAssignment "rms:policyAssignments:delete" => policy_assignments::delete;
        POST "/disable" 202 DisablePolicyAssignment "rms:policyAssignments:update" => policy_assignments::disable;
        POST "/enable" 202 EnablePolicyAssignment "rms:policyAssignments:update" => policy_assignments::enable;
        GET "/policy-states" 200 ListPolicyStatesByAssignmentId "rms:policyStates:get" => policy_states::list_by_assignment;
        GET "/policy-states/evaluation-state" 200 ShowEvaluationStateByAssignmentId "rms:policyStates:get" => evaluations::show, Quick;
        POST "/policy-states/run-evaluation" 202 RunEvaluationByPolicyAssignmentId "rms:policyStates:runEvaluation" => evaluations::run;
        GET "/policy-states/summary" 200 CollectPolicyAssignmentsStatesSummary "rms:policyStates:get" => policy_summaries::by_assignment;
        GET "/remediation-configuration" 200 ShowRemediationConfiguration "rms:policyAssignmentsRemediation:getRemediationConfiguration";
        PUT "/remediation-configuration" 200 CreateOrUpdateRemediationConfiguration "rms:policyAssignmentsRemediation:putRemediationConfiguration";
        DELETE "/remediation-configuration" 202 DeleteRemediationConfiguration "rms:policyAssignmentsRemediation:deleteRemediationConfiguration";
        GET "/remediation-exception" 200 ListRemediationExceptions "rms:policyAssignmentsRemediation:listRemediationExceptions";
        POST "/remediation-exception/create" 200 BatchCreateRemediationExceptions "rms:policyAssignmentsRemediation:createRemediationExceptions";
        POST "/remediation-exception/delete" 202 BatchDeleteRemediationExceptions "rms:policyAssignmentsRemediation:deleteRemediationExceptions";
        POST "/remediation-execution" 202 RunRemediationExecution "rms:policyAssignmentsRemediation:runRemediationExecution";
        GET "/remediation-execution-statuses" 200 ListRemediationExecutionStatuses "rms:policyAssignmentsRemediation:listRemediationExecutionStatuses";
        POST "/remediation-execution-statuses/summary" 200 CollectRemediationExecutionStatusesSummary "rms:policyAssignmentsRemediation:listRemediationExecutionStatuses";
    }
    "/v1/resource-manager/domains/{domain_id}/aggregators" {
        GET "" 200 ListConfigurationAggregators "rms:aggregators:list";
        PUT "" 200 CreateConfigurationAggregator "rms:aggregators:create";
        POST "/aggregate-data/aggregate-discovered-resource-counts" 200 ShowAggregateDiscoveredResourceCounts "rms:aggregatorResources:get";
        POST "/aggregate-data/aggregate-discovered-resources" 200 ListAggregateDiscoveredResources "rms:aggregatorResources:list";
        POST "/aggregate-data/policy-assignment/detail" 200 ShowAggregatePolicyAssignmentDetail "rms:aggregatorResources:get";
        POST "/aggregate-data/policy-assignments/compliance" 200 ListAggregateComplianceByPolicyAssignment "rms:aggregatorResources:list";
        POST "/aggregate-data/policy-states/compliance-details" 200 ShowAggregateComplianceDetailsByPolicyAssignment "rms:aggregatorResources:get";
        POST "/aggregate-data/policy-states/compliance-summary" 200 ShowAggregatePolicyStateComplianceSummary "rms:aggregatorResources:get";
        POST "/aggregate-resource-config" 200 ShowAggregateResourceConfig "rms:aggregatorResources:get";
        GET "/aggregation-authorization" 200 ListAggregationAuthorizations "rms:aggregationAuthorizations:list";
        PUT "/aggregation-authorization" 200 CreateAggregationAuthorization "rms:aggregationAuthorizations:create";
        DELETE "/aggregation-authorization/{authorized_account_id}" 204 DeleteAggregationAuthorization "rms:aggregationAuthorizations:delete";
        GET "/pending-aggregation-request" 200 ListPendingAggregationRequests "rms:aggregationRequests:list";
        DELETE "/pending-aggregation-request/{requester_account_id}" 204 DeletePendingAggregationRequest "rms:aggregationRequests:delete";
        GET "/{aggregator_id}" 200 ShowConfigurationAggregator "rms:aggregators:get";
        PUT "/{aggregator_id}" 200 UpdateConfigurationAggregator "rms:aggregators:update";
        DELETE "/{aggregator_id}" 204 DeleteConfigurationAggregator "rms:aggregators:delete";
        GET "/{aggregator_id}/aggregator-sources-status" 200 ShowConfigurationAggregatorSourcesStatus "rms:aggregators:get";
        POST "/{aggregator_id}/run-query" 200 RunAggregateResourceQuery "rms:aggregatorResources:runQuery";
    }
    "/v1/resource-manager/organizations/{organization_id}" {
        GET "/conformance-packs" 200 ListOrganizationConformancePacks "rms:organizationConformancePacks:list";
        POST "/conformance-packs" 200 CreateOrganizationConformancePack "rms:organizationConformancePacks:create";
        GET "/conformance-packs/detailed-statuses" 200 ShowOrganizationConformancePackDetailedStatuses "rms:organizationConformancePacks:list";
        GET "/conformance-packs/statuses" 200 ListOrganizationConformancePackStatuses "rms:organizationConformancePacks:list";
        GET "/conformance-packs/{conformance_pack_id}" 200 ShowOrganizationConformancePack "rms:organizationConformancePacks:get";
        PUT "/conformance-packs/{conformance_pack_id}" 200 UpdateOrganizationConformancePack "rms:organizationConformancePacks:update";
        DELETE "/conformance-packs/{conformance_pack_id}" 202 DeleteOrganizationConformancePack "rms:organizationConformancePacks:delete";
        GET "/policy-assignment-detailed-status" 200 ShowOrganizationPolicyAssignmentDetailedStatus "rms:organizationPolicyAssignments:getDetailedStatus" => organization_policy_assignments::detailed_status;
        GET "/policy-assignment-statuses" 200 ShowOrganizationPolicyAssignmentStatuses "rms:organizationPolicyAssignments:getStatuses" => organization_policy_assignments::statuses;
        GET "/policy-assignments" 200 ListOrganizationPolicyAssignments "rms:organizationPolicyAssignments:list" => organization_policy_assignments::list;
        PUT "/policy-assignments" 200 CreateOrganizationPolicyAssignment "rms:organizationPolicyAssignments:put" => organization_policy_assignments::put;
        GET "/policy-assignments/{organization_policy_assignment_id}" 200 ShowOrganizationPolicyAssignment "rms:organizationPolicyAssignments:get" => organization_policy_assignments::show;
        PUT "/policy-assignments/{organization_policy_assignment_id}" 200 UpdateOrganizationPolicyAssignment "rms:organizationPolicyAssignments:put" => organization_policy_assignments::update;
        DELETE "/policy-assignments/{organization_policy_assignment_id}" 204 DeleteOrganizationPolicyAssignment "rms:organizationPolicyAssignments:delete" => organization_policy_assignments::delete;
    }
};
