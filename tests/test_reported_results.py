"""Results that functions of custom rules report, and the hash that proves where they come from."""

import re

import pytest

from harness.account import Account
from harness.client import refused
from harness.samples import user, volume

EVENT_FIELDS = {
    "domain_id", "policy_assignment_id", "policy_assignment_name", "function_urn", "trigger_type",
    "evaluation_time", "evaluation_hash", "rule_parameter", "invoking_event",
}
INVOKING_FIELDS = {
    "id", "name", "provider", "type", "tags", "created", "updated", "properties", "ep_id",
    "project_id", "region_id", "provisioning_state",
}


def report(event, state, resource=None, **changes):
    """What a function sends for an event, as the documented sample function builds it."""
    resource = resource or event["invoking_event"]
    return {
        "policy_resource": {
            "resource_id": resource["id"],
            "resource_name": resource["name"],
            "resource_provider": resource["provider"],
            "resource_type": resource["type"],
            "region_id": resource["region_id"],
            "domain_id": event["domain_id"],
        },
        "trigger_type": event["trigger_type"],
        "compliance_state": state,
        "policy_assignment_id": event["policy_assignment_id"],
        "policy_assignment_name": event["policy_assignment_name"],
        "evaluation_time": event["evaluation_time"],
        "evaluation_hash": event["evaluation_hash"],
        **changes,
    }


def send(account, body):
    return account.client.request(
        "PUT", "/v1/resource-manager/domains/{domain_id}/policy-states", json_body=body, expect=200
    ).json


def refuse(account, status, code, body):
    return account.client.refuse(
        status, code, "PUT", "/v1/resource-manager/domains/{domain_id}/policy-states", json_body=body
    )


@pytest.fixture
def rule(account):
    account.put(volume(id="v", name="my disk", tags={"team": "a"}))
    return account.custom_rule(
        name="by function", filter={"resource_provider": "evs"}, parameters={"wanted": ["in-use"]}
    )


def test_the_event_of_a_resource(account, rule):
    event = account.event(rule, "v")
    assert event.keys() == EVENT_FIELDS
    assert event["domain_id"] == account.domain_id
    assert (event["policy_assignment_id"], event["policy_assignment_name"]) == (rule, "by function")
    assert event["function_urn"].startswith("urn:fss:")
    assert event["trigger_type"] == "resource"
    assert isinstance(event["evaluation_time"], int) and event["evaluation_time"] > 1_600_000_000_000
    assert re.fullmatch("[0-9a-f]{32}", event["evaluation_hash"])
    assert event["rule_parameter"] == {"wanted": {"value": ["in-use"]}}
    resource = event["invoking_event"]
    assert resource.keys() >= INVOKING_FIELDS
    assert (resource["id"], resource["name"], resource["tags"]) == ("v", "my disk", {"team": "a"})
    assert resource["properties"]["status"] == "in-use"


def test_the_event_of_the_clock(account):
    rule = account.custom_rule(period="One_Hour")
    event = account.event(rule)
    assert event["trigger_type"] == "period"
    resource = event["invoking_event"]
    assert (resource["id"], resource["name"], resource["region_id"]) == (account.domain_id, "Account", "global")
    for field in INVOKING_FIELDS - {"id", "name", "region_id"}:
        assert resource[field] is None, field


def test_a_result_becomes_the_state(account, rule):
    event = account.event(rule, "v")
    answer = send(account, report(event, "NonCompliant"))
    assert answer == {
        "domain_id": account.domain_id,
        "region_id": "cn-north-4",
        "resource_id": "v",
        "resource_name": "my disk",
        "resource_provider": "evs",
        "resource_type": "volumes",
        "trigger_type": "resource",
        "compliance_state": "NonCompliant",
        "policy_assignment_id": rule,
        "policy_assignment_name": "by function",
        "policy_definition_id": None,
        "evaluation_time": str(event["evaluation_time"]),
    }
    assert account.states(rule) == {"v": "NonCompliant"}
    assert account.counts() == ((0, 1), (0, 1))
    (row,) = account.client.page("ListPolicyStatesByAssignmentId", policy_assignment_id=rule)
    assert row == answer


def test_the_vendors_sdk_reports(account, rule):
    event = account.event(rule, "v")
    body = report(event, "Compliant", evaluation_time=str(event["evaluation_time"]))
    assert account.client.call("UpdatePolicyState", body).json["compliance_state"] == "Compliant"
    assert account.states(rule) == {"v": "Compliant"}


def test_the_sample_function_sends_its_urn_along(account, rule):
    event = account.event(rule, "v")
    send(account, report(event, "Compliant", function_urn=event["function_urn"]))


def test_the_same_result_again_changes_nothing(account, rule):
    event = account.event(rule, "v")
    first = send(account, report(event, "NonCompliant"))
    assert send(account, report(event, "NonCompliant")) == first
    assert account.counts() == ((0, 1), (0, 1))


def test_another_result_for_the_same_event_is_refused(account, rule):
    event = account.event(rule, "v")
    send(account, report(event, "NonCompliant"))
    refuse(account, 400, "RULEWARD.ResultConflict", report(event, "Compliant"))
    assert account.states(rule) == {"v": "NonCompliant"}


def test_a_later_event_may_have_another_result(account, rule):
    send(account, report(account.event(rule, "v"), "NonCompliant"))
    account.put(volume(id="v", name="my disk", status="available"))
    send(account, report(account.event(rule, "v"), "Compliant"))
    assert account.states(rule) == {"v": "Compliant"}


@pytest.mark.parametrize(
    "change",
    [
        {"evaluation_hash": "89342b8f338165651991afb8bd471396"},
        {"evaluation_hash": ""},
        {"evaluation_time": 1667374060248},
        {"trigger_type": "period"},
    ],
)
def test_forged_hashes(account, rule, change):
    body = report(account.event(rule, "v"), "Compliant", **change)
    answer = refuse(account, 400, "invalid_parameters", body)
    assert answer.json["error_msg"] == "evaluationHash should not be customized"
    assert account.states(rule) == {}


def test_a_hash_is_bound_to_its_resource_and_rule(account, rule):
    account.put(volume(id="w"))
    event = account.event(rule, "v")
    other = account.event(rule, "w")["invoking_event"]
    refuse(account, 400, "invalid_parameters", report(event, "Compliant", resource=other))
    second = account.custom_rule(filter={"resource_provider": "evs"})
    refuse(account, 400, "invalid_parameters", report(event, "Compliant", policy_assignment_id=second))


def test_a_hash_goes_stale_with_the_resource(account, rule):
    event = account.event(rule, "v")
    account.put(volume(id="v", name="my disk", status="available"))
    refuse(account, 400, "invalid_parameters", report(event, "Compliant"))


def test_a_hash_goes_stale_with_the_rule(account, rule):
    event = account.event(rule, "v")
    account.update(rule, parameters={"wanted": {"value": ["available"]}})
    refuse(account, 400, "invalid_parameters", report(event, "Compliant"))


def test_a_hash_of_the_clock_serves_every_resource(account):
    account.put_all(user(id="ann"), user(id="bob"))
    rule = account.custom_rule(period="One_Hour")
    event = account.event(rule)
    for name, state in (("ann", "Compliant"), ("bob", "NonCompliant")):
        resource = account.client.request(
            "GET", f"/v1/ruleward/domains/{{domain_id}}/resources/{name}", expect=200
        ).json
        answer = send(account, report(event, state, resource=resource))
        assert answer["trigger_type"] == "period"
    assert account.states(rule) == {"ann": "Compliant", "bob": "NonCompliant"}


def test_a_result_without_a_resource_is_the_accounts(account):
    rule = account.custom_rule(period="One_Hour")
    event = account.event(rule)
    answer = send(account, report(event, "NonCompliant", policy_resource={}))
    assert (answer["resource_id"], answer["resource_name"], answer["region_id"]) == (
        account.domain_id, "Account", "global",
    )
    assert account.states(rule) == {account.domain_id: "NonCompliant"}
    send(account, report(account.event(rule), "NonCompliant"))


def test_a_resource_that_is_not_there(account):
    rule = account.custom_rule(period="One_Hour")
    event = account.event(rule)
    refuse(account, 404, "RMS.00010005", report(event, "Compliant", resource=user(id="nobody")))


def test_a_rule_that_is_not_there(account, rule):
    body = report(account.event(rule, "v"), "Compliant", policy_assignment_id="0" * 24)
    refuse(account, 404, "RMS.00010005", body)


def test_predefined_rules_are_not_reported(account, rule):
    builtin = account.rule()
    body = report(account.event(rule, "v"), "Compliant", policy_assignment_id=builtin)
    refuse(account, 400, "RULEWARD.NotCustom", body)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("RMS.00010050", {"compliance_state": "compliant"}),
        ("RMS.00010004", {"trigger_type": "clock"}),
        ("RMS.00010004", {"evaluation_time": "soon"}),
        ("RMS.00010004", {"policy_resource": None}),
        ("RMS.00010004", {"evaluation_hash": None}),
        ("RMS.00010041", {"policy_assignment_id": "a b"}),
    ],
)
def test_bodies_that_are_refused(account, rule, code, change):
    refuse(account, 400, code, report(account.event(rule, "v"), "Compliant", **change))


def test_a_deleted_resource_takes_its_reported_state_along(account, rule):
    send(account, report(account.event(rule, "v"), "NonCompliant"))
    account.remove(volume(id="v"))
    assert account.states(rule) == {}
    assert account.counts() == ((0, 0), (0, 0))


def test_a_resource_that_leaves_the_scope_loses_its_reported_state(account):
    account.put(volume(id="v", tags={"watch": ""}))
    rule = account.custom_rule(filter={"tags": [{"key": "watch", "values": []}]})
    send(account, report(account.event(rule, "v"), "NonCompliant"))
    account.put(volume(id="v"))
    assert account.states(rule) == {}


def test_events_survive_a_restart(new_server):
    server = new_server().start()
    account = Account(server.client())
    account.put(volume(id="v"))
    rule = account.custom_rule(filter={"resource_provider": "evs"})
    event = account.event(rule, "v")
    server.restart()
    send(account, report(event, "NonCompliant"))
    assert account.states(rule) == {"v": "NonCompliant"}


def test_the_events_of_what_is_not_there(account, rule):
    path = f"/v1/ruleward/domains/{{domain_id}}/policy-assignments/{rule}/event"
    account.client.refuse(404, "RMS.00010005", "GET", path, query={"resource_id": "lost"})
    builtin = account.rule()
    account.client.refuse(
        400, "RULEWARD.NotCustom", "GET", path.replace(rule, builtin), query={"resource_id": "v"}
    )
    with refused(404, "RMS.00010005"):
        account.show("0" * 24)
