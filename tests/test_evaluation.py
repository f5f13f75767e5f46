"""What starts an evaluation, and what it leaves behind."""

import concurrent.futures
import re

import pytest

from harness import polling
from harness.client import refused
from harness.samples import ecs, eip, volume


def test_a_write_returns_with_its_verdicts_current(account):
    unused = account.rule()
    specs = account.rule("allowed-volume-specs", parameters={"listOfAllowedSpecs": ["SSD"]})
    steps = [
        (volume(id="v"), "Compliant", "Compliant"),
        (volume(id="v", status="available"), "NonCompliant", "Compliant"),
        (volume(id="v", status="available", volume_type="SATA"), "NonCompliant", "NonCompliant"),
        (volume(id="v", volume_type="SATA"), "Compliant", "NonCompliant"),
    ]
    for resource, first, second in steps:
        account.put(resource)
        assert account.resource_states("v") == {unused: first, specs: second}
    account.remove(steps[-1][0])
    assert account.states(unused) == {} and account.states(specs) == {}


def test_a_retagged_resource_is_judged_again(account):
    id = account.rule("required-tag-check", parameters={"specifiedTagKey": "k", "specifiedTagValue": []})
    account.put(volume(id="v"))
    assert account.states(id) == {"v": "NonCompliant"}
    account.put(volume(id="v", tags={"k": ""}))
    assert account.states(id) == {"v": "Compliant"}


def test_a_resource_that_comes_back_has_its_own_verdict(account):
    id = account.rule()
    account.put(volume(id="v", status="available"))
    account.remove(volume(id="v"))
    assert account.states(id) == {}
    account.put(volume(id="v"))
    assert account.states(id) == {"v": "Compliant"}


def test_new_parameters_judge_everything_again(account):
    account.put_all(ecs(id="small", flavor="s"), ecs(id="large", flavor="l"))
    id = account.rule("allowed-ecs-flavors", parameters={"listOfAllowedFlavors": ["s"]})
    assert account.states(id) == {"small": "Compliant", "large": "NonCompliant"}
    account.update(id, parameters={"listOfAllowedFlavors": {"value": ["l"]}})
    assert account.states(id) == {"small": "NonCompliant", "large": "Compliant"}
    assert account.counts() == ((1, 1), (0, 1))


def test_a_new_filter_takes_states_away_and_brings_others(account):
    account.put_all(volume(id="north"), volume(id="south", region="cn-south-1"))
    id = account.rule(filter={"region_id": "cn-north-4"})
    assert account.states(id).keys() == {"north"}
    account.update(id, policy_filter={"region_id": "cn-south-1"})
    assert account.states(id).keys() == {"south"}
    account.update(id, policy_filter={})
    assert account.states(id).keys() == {"north", "south"}


def test_a_disabled_rule_keeps_its_last_states(account):
    account.put(volume(id="v", status="available"))
    id = account.rule()
    account.disable(id)
    account.put(volume(id="v"))
    account.put(volume(id="w"))
    assert account.states(id) == {"v": "NonCompliant"}
    account.remove(volume(id="v"))
    assert account.states(id) == {}, "a deleted resource has no state, whatever the rule"
    account.enable(id)
    assert account.states(id) == {"w": "Compliant"}


def test_deleting_a_rule_ends_its_states(account):
    account.put(volume(id="v"))
    id = account.rule()
    account.disable(id)
    account.delete(id)
    assert account.domain_states() == {}
    assert account.resource_states("v") == {}
    with refused(404, "RMS.00010005"):
        account.states(id)


def test_a_run_on_demand(account):
    account.put(volume(id="v"))
    id = account.rule()
    before = account.client.call("ShowEvaluationStateByAssignmentId", policy_assignment_id=id).json
    assert account.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=id).status == 202
    after = account.settle(id)
    assert after.keys() == {"policy_assignment_id", "start_time", "end_time", "state", "error_message"}
    assert after["policy_assignment_id"] == id
    assert after["error_message"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", after["start_time"])
    assert after["start_time"] > before["start_time"] and after["end_time"] >= after["start_time"]


def test_a_run_shows_in_the_evaluation_time(account):
    account.put(volume(id="v"))
    id = account.rule()
    (first,) = account.client.page("ListPolicyStatesByAssignmentId", policy_assignment_id=id)
    account.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=id)
    account.settle(id)
    (second,) = account.client.page("ListPolicyStatesByAssignmentId", policy_assignment_id=id)
    assert int(second["evaluation_time"]) > int(first["evaluation_time"])


def test_a_run_of_a_disabled_rule_is_refused(account):
    id = account.rule()
    account.disable(id)
    with refused(400, "RULEWARD.RuleDisabled"):
        account.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=id)


def test_a_custom_rule_has_no_run_before_its_first(account):
    id = account.custom_rule(filter={"resource_provider": "nobody"})
    answer = account.client.request("GET", f"{account.rule_path(id)}/policy-states/evaluation-state")
    assert answer.status in (200, 404), answer
    assert answer.status == 200 or answer.json["error_code"] == "RMS.00010005"


def test_a_run_over_many_chunks(own_account):
    """The rule is Evaluating while its chunks are judged, and joins a run that is asked for."""
    account = own_account
    account.put_many(volume(id=f"v{n}", status="available") for n in range(9000))
    id = account.create()["id"]
    for _ in range(3):
        assert account.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=id).status == 202
    account.settle(id)
    assert account.rule_counts(id) == (0, 9000)


def test_an_evaluating_rule_may_be_deleted(own_account):
    """The vendor's Terraform provider deletes a rule that it last saw Evaluating."""
    account = own_account
    account.put_many(volume(id=f"v{n}") for n in range(9000))
    path = "/v1/resource-manager/domains/{domain_id}/policy-assignments"
    deleted_while_evaluating = False
    for _ in range(20):
        id = account.create()["id"]
        state = account.show(id)["state"]
        answer = account.client.request("DELETE", f"{path}/{id}")
        if answer.status == 200:
            deleted_while_evaluating = True
            with refused(404, "RMS.00010005"):
                account.show(id)
            break
        assert answer.json["error_code"] == "RULEWARD.RuleNotDisabled", (state, answer)
        account.disable(id)
        account.delete(id)
    assert deleted_while_evaluating or state == "Enabled"
    polling.until(lambda: account.domain_states(limit=1) == {}, what="no state to be left")


def test_writes_by_many_clients_at_once(server, account):
    """States are those of the last writes, and the counts are those of the states."""
    rule = account.rule()
    clients = [server.client() for _ in range(4)]

    def write(number):
        client = clients[number]
        for step in range(30):
            resource = volume(id=f"v{number}-{step % 10}", status="available" if step % 2 else "in-use")
            client.request(
                "PUT", f"/v1/ruleward/domains/{{domain_id}}/resources/{resource['id']}", json_body=resource,
                expect=(200, 201),
            )

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    states = account.states(rule)
    assert len(states) == 40
    # The last write of a disk is step 20 to 29, odd steps unused.
    assert {key for key, verdict in states.items() if verdict == "NonCompliant"} == {
        f"v{number}-{step}" for number in range(4) for step in range(1, 10, 2)
    }
    assert account.counts() == ((20, 20), (0, 1))
    for client in clients:
        for step in range(10):
            client.request(
                "DELETE", f"/v1/ruleward/domains/{{domain_id}}/resources/v{clients.index(client)}-{step}", expect=204
            )
    assert account.states(rule) == {}
    assert account.counts()[0] == (0, 0)


def test_rules_and_resources_changed_at_once(server, account):
    """However a rule's run and the writes interleave, the verdicts are those of the final bodies."""
    account.put_many(volume(id=f"v{n}") for n in range(300))
    clients = [server.client() for _ in range(3)]

    def write(number):
        for step in range(number, 300, 3):
            resource = volume(id=f"v{step}", status="available" if step % 2 else "in-use")
            clients[number].request(
                "PUT", f"/v1/ruleward/domains/{{domain_id}}/resources/{resource['id']}", json_body=resource,
                expect=(200, 201),
            )

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        rules = [account.create()["id"] for _ in range(5)]
        for writer in writers:
            writer.result()
    for rule in rules:
        account.settle(rule)
        states = account.states(rule)
        assert {key for key, verdict in states.items() if verdict == "NonCompliant"} == {
            f"v{n}" for n in range(1, 300, 2)
        }
    assert account.counts() == ((150, 150), (0, 5))


@pytest.mark.parametrize("resource", [volume(id="x", status="available"), eip(id="x", status="DOWN")])
def test_explanations_name_what_decided(account, resource):
    account.put(resource)
    policy = "volume-unused-check" if resource["provider"] == "evs" else "eip-unbound-check"
    rule = account.rule(policy)
    explanation = account.explain(rule, "x")
    text = str(explanation)
    assert explanation["stored_state"] == explanation["current_state"] == "NonCompliant"
    assert explanation["agrees"] is True
    assert explanation["policy_assignment_id"] == rule and explanation["resource_id"] == "x"
    assert "properties.status" in text, "the property that decided"
    assert resource["properties"]["status"] in text, "its actual value"


def test_an_explanation_of_what_is_not_there(account):
    account.put(volume(id="v"))
    rule = account.rule("eip-unbound-check")
    path = f"/v1/ruleward/domains/{{domain_id}}/policy-assignments/{rule}/policy-states"
    account.client.refuse(404, "RMS.00010005", "GET", f"{path}/lost/explanation")
    account.client.refuse(404, "RMS.00010005", "GET", f"{path}/v/explanation".replace(rule, "0" * 24))
    assert account.explain(rule, "v")["stored_state"] == "OutOfScope"


def test_an_explanation_tells_when_the_stored_verdict_is_older(account):
    account.put(volume(id="v", status="available"))
    rule = account.rule()
    account.disable(rule)
    account.put(volume(id="v"))
    explanation = account.explain(rule, "v")
    assert (explanation["stored_state"], explanation["current_state"]) == ("NonCompliant", "Compliant")
    assert explanation["agrees"] is False
