"""The operation table: all that is published, what works, and that all of that was exercised."""

import re

import pytest

from harness import openapi

TABLE = "/v1/ruleward/operations"


@pytest.fixture(scope="module")
def table(client):
    return client.request("GET", TABLE, signed=False, expect=200).json["operations"]


def shape(path):
    return re.sub(r"\{[^}]+\}", "{}", path)


def test_the_table_is_the_published_one(table):
    published = {
        (name, operation.method, shape(operation.path)) for name, operation in openapi.operations().items()
    }
    ours = {
        (row["id"], row["method"], shape(row["path"]))
        for row in table if row["path"].startswith(openapi.PREFIX)
    }
    assert ours == published
    assert len(ours) == 106


def test_every_row_is_whole(table):
    for row in table:
        assert row["state"] in ("works", "not_yet"), row
        assert re.fullmatch(r"(rms|ruleward|iam|sts):[\w:]+", row["action"]) or not row["path"].startswith(openapi.PREFIX), row
    keys = [(row["method"], shape(row["path"])) for row in table]
    assert len(keys) == len(set(keys))
    assert all(row["path"].startswith((openapi.PREFIX, "/v1/ruleward/", "/v3/", "/v5/")) for row in table)


def test_what_this_stage_promises_works(table):
    works = {row["id"] for row in table if row["state"] == "works"}
    assert works >= {
        "ListBuiltInPolicyDefinitions", "ShowBuiltInPolicyDefinition",
        "CreatePolicyAssignments", "ListPolicyAssignments", "ShowPolicyAssignment",
        "UpdatePolicyAssignment", "DeletePolicyAssignment", "EnablePolicyAssignment",
        "DisablePolicyAssignment", "RunEvaluationByPolicyAssignmentId",
        "ShowEvaluationStateByAssignmentId", "ListPolicyStatesByAssignmentId",
        "ListPolicyStatesByDomainId", "ListPolicyStatesByResourceId", "UpdatePolicyState",
        "CollectPolicyStatesSummary", "CollectPolicyAssignmentsStatesSummary",
        "CollectResourcesPolicyStatesSummary", "ListPolicyStatesStatistics",
        "CreateOrganizationPolicyAssignment", "ListOrganizationPolicyAssignments",
        "ShowOrganizationPolicyAssignment", "UpdateOrganizationPolicyAssignment",
        "DeleteOrganizationPolicyAssignment", "ShowOrganizationPolicyAssignmentStatuses",
        "ShowOrganizationPolicyAssignmentDetailedStatus",
        "ShowResourceRelations", "ShowResourceRelationsDetail",
        "CountResourcesByTag", "ListResourcesByTag", "ListTagsForResourceType",
        "ListTagsForResource", "TagResource", "UnTagResource",
        "ShowTrackerConfig", "CreateTrackerConfig", "DeleteTrackerConfig",
    }


def test_what_is_not_built_says_so(client, table, judged):
    for row in table:
        if row["state"] == "not_yet":
            path = re.sub(r"\{[^}]+\}", lambda found: sample(found[0], client), row["path"])
            answer = client.request(row["method"], path, json_body={} if row["method"] in ("PUT", "POST") else None)
            assert answer.status == 501, (row, answer)
            assert answer.json["error_code"] == "RULEWARD.NotImplemented", row


def sample(parameter, client):
    """A legal value for a path parameter."""
    return {"{domain_id}": client.domain_id, "{organization_id}": "o-0123456789"}.get(parameter, "a1")


def test_every_operation_asks_who_is_there(client, table):
    """Whatever the operation and its state, a stranger learns nothing."""
    for row in table:
        if row["path"].startswith(openapi.PREFIX):
            path = re.sub(r"\{[^}]+\}", lambda found: sample(found[0], client), row["path"])
            answer = client.request(row["method"], path, signed=False)
            assert (answer.status, answer.json["error_code"]) == (401, "RMS.00010079"), (row, answer)


@pytest.mark.last
def test_every_operation_that_works_was_exercised(request, table, judged):
    if not getattr(request.config, "whole_suite", False):
        pytest.skip("only a part of the tests runs")
    missing = [
        row["id"] for row in table
        if row["state"] == "works" and row["path"].startswith(openapi.PREFIX) and not judged.succeeded(row["id"])
    ]
    assert not missing, f"no exchange that ended well: {missing}"
