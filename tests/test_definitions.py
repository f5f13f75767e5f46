"""The judge itself: the published definitions' own examples pass it, and slips do not."""

import pytest

from harness import openapi

# Examples that contradict their own schemas; everything else that the definitions print passes.
SLIPS = {
    "CreateOrUpdateRemediationConfiguration": {"resource_parameter"},
    "ShowRemediationConfiguration": {"resource_parameter"},
    # Printed as a number, declared as a string; see evaluation_time in docs/compatibility.md.
    "ListConformancePackComplianceDetailsByPackId": {"value/0/evaluation_time"},
    "ListPolicyStatesByAssignmentId": {"value/0/evaluation_time", "value/0"},
    "ListPolicyStatesByDomainId": {"value/0/evaluation_time", "value/0"},
    "ListPolicyStatesByResourceId": {"value/0/evaluation_time", "value/0"},
    "ShowAggregateComplianceDetailsByPolicyAssignment": {
        "policy_states/0/evaluation_time", "policy_states/1/evaluation_time",
    },
    "ShowAggregateResourceConfig": {"ep_id"},
    "ListOrganizationConformancePackStatuses": {"statuses/0"},
    "UpdateOrganizationConformancePack": {"."},
}


def examples(content):
    node = content.get("application/json", {})
    if "example" in node:
        yield node["example"]
    for one in node.get("examples", {}).values():
        if isinstance(one, dict) and "value" in one:
            yield one["value"]


def places(judge, value):
    return {text.split(":")[0] for text in openapi.messages(judge, value)}


def test_every_published_operation_is_read():
    assert len(openapi.operations()) == 106


@pytest.mark.parametrize("name", sorted(openapi.operations()))
def test_examples_pass(name):
    operation = openapi.operations()[name]
    wrong = set()
    for status, response in operation.responses.items():
        for example in examples(response.get("content", {})):
            schema = response["content"]["application/json"]["schema"]
            wrong |= places(operation._judge(f"answer {status}", schema, answer=True), example)
    body = operation.definition.get("requestBody", {}).get("content", {})
    for example in examples(body):
        schema = body["application/json"]["schema"]
        wrong |= places(operation._judge("request", schema, answer=False), example)
    assert wrong == SLIPS.get(name, set())


def test_paths_find_their_operation():
    start = "/v1/resource-manager/domains/d"
    expected = {
        ("GET", f"{start}/policy-states/summary"): "CollectPolicyStatesSummary",
        ("GET", f"{start}/resources/policy-states/summary"): "CollectResourcesPolicyStatesSummary",
        ("GET", f"{start}/resources/r/policy-states"): "ListPolicyStatesByResourceId",
        ("PUT", f"{start}/policy-assignments"): "CreatePolicyAssignments",
        ("PUT", f"{start}/policy-assignments/a"): "UpdatePolicyAssignment",
        ("GET", f"{start}/all-resources/summary"): "CollectAllResourcesSummary",
        ("GET", f"{start}/all-resources/s"): "ShowResourceDetail",
    }
    for (method, path), name in expected.items():
        assert openapi.find(method, path).name == name
    assert openapi.find("PATCH", f"{start}/policy-assignments") is None
    assert openapi.find("GET", f"{start}/policy-assignments/a/b") is None


def test_the_judge_finds_slips():
    create = openapi.operations()["CreatePolicyAssignments"]
    url = "http://h/v1/resource-manager/domains/d/policy-assignments"
    assert create.request_problems(url, {}, b'{"name":"a b"}') == []
    for body in (b"", b"{}", b'{"name":" a"}', b'{"name":"a","nmae":1}', b'{"name":"a","period":"Daily"}'):
        assert create.request_problems(url, {}, body) or body == b"", body
    headers = {"X-Request-Id": "r", "Content-Type": "application/json"}
    assert create.response_problems(200, headers, '{"name":"a","period":null}') == []
    for status, text in (
        (200, '{"name":1}'), (200, '{"named":"a"}'), (200, ""), (201, "{}"), (400, "{}"), (401, '{"error_code":"x"}'),
    ):
        assert create.response_problems(status, headers, text), (status, text)
    assert create.response_problems(401, headers, '{"error_code":"x","error_msg":"y"}') == []
    assert create.response_problems(200, {"Content-Type": "application/json"}, '{"name":"a"}')

    states = openapi.operations()["ListPolicyStatesByDomainId"]
    url = "http://h/v1/resource-manager/domains/d/policy-states"
    assert states.request_problems(f"{url}?limit=1&marker=abcd", {}, None) == []
    for query in ("limit=0", "limit=201", "limit=x", "marker=abc", "limit=1&limit=2", "page=1", "resource_id=a%20b"):
        assert states.request_problems(f"{url}?{query}", {}, None), query

    enable = openapi.operations()["EnablePolicyAssignment"]
    assert enable.response_problems(202, headers, "") == []
    assert enable.response_problems(202, headers, "{}")
    assert enable.response_problems(200, headers, "")


def test_patterns_mean_the_whole_value():
    assert openapi.full_match(r"[\w-]+", "a-b_1")
    assert not openapi.full_match(r"[\w-]+", "a b")
    assert not openapi.full_match(r"[\w-]+", "é")
    assert openapi.full_match(r"^([\p{L}\p{Z}]*)$", "磁 ä")
    assert not openapi.full_match(r"^([\p{L}\p{Z}]*)$", "a\n")
