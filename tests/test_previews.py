"""Trying before doing: rules before they exist, resources before they exist, policies without a verdict."""

import json

import pytest

from harness.samples import POLICIES, ecs, eip, resource, user, volume

DOMAINS = "/v1/ruleward/domains/{domain_id}"


def preview(account, policy="volume-unused-check", *, instead_of=None, parameters=None, filter=None):
    body = {"name": "tried", "policy_definition_id": POLICIES[policy]}
    if parameters is not None:
        body["parameters"] = {key: {"value": value} for key, value in parameters.items()}
    if filter is not None:
        body["policy_filter_v2"] = filter
    query = {} if instead_of is None else {"instead_of": instead_of}
    path = f"{DOMAINS}/policy-assignments/preview"
    return account.client.request("POST", path, query=query, json_body=body, expect=200).json


def evaluate(account, proposed):
    path = f"{DOMAINS}/resources/evaluate"
    rows = account.client.request("POST", path, json_body=proposed, expect=200).json["value"]
    return {row["policy_assignment_id"]: row["compliance_state"] for row in rows}


def counts(compliant, non_compliant, undetermined=0):
    return {"compliant": compliant, "non_compliant": non_compliant, "undetermined": undetermined}


def test_a_preview_foretells_what_the_rule_will_find(account):
    account.put_many(volume(id=f"p{n}", status="available" if n % 3 else "in-use") for n in range(30))
    told = preview(account)
    assert (told["now"], told["then"], told["changed"]) == (counts(0, 0), counts(10, 20), 30)
    foretold = {row["resource_id"]: row["to"] for row in told["changes"]}
    assert {row["from"] for row in told["changes"]} == {"OutOfScope"}
    assert account.client.page("ListPolicyAssignments") == []
    assert account.domain_states() == {}
    rule = account.rule()
    assert account.states(rule) == foretold
    assert account.rule_counts(rule) == (10, 20)


def test_a_change_of_a_rule_is_foretold(account):
    account.put_many(volume(id=f"c{n}", volume_type=kind) for n, kind in enumerate(["SSD", "SAS", "SATA", "SSD"]))
    rule = account.rule("allowed-volume-specs", parameters={"listOfAllowedSpecs": ["SSD"]})
    wider = preview(
        account, "allowed-volume-specs", instead_of=rule, parameters={"listOfAllowedSpecs": ["SSD", "SAS"]}
    )
    assert (wider["now"], wider["then"], wider["changed"]) == (counts(2, 2), counts(3, 1), 1)
    (change,) = wider["changes"]
    assert change == {
        "resource_id": "c1", "resource_name": "name of c1", "resource_type": "evs.volumes",
        "from": "NonCompliant", "to": "Compliant",
    }
    assert account.rule_counts(rule) == (2, 2), "nothing was changed"
    account.update(rule, parameters={"listOfAllowedSpecs": {"value": ["SSD", "SAS"]}})
    assert account.rule_counts(rule) == (3, 1)


def test_many_changes_are_counted_and_the_first_are_named(own_account):
    own_account.put_many(volume(id=f"m{n}") for n in range(1200))
    told = preview(own_account)
    assert told["changed"] == 1200
    assert len(told["changes"]) == 1000


def test_previews_are_checked_like_rules(account):
    path = f"{DOMAINS}/policy-assignments/preview"
    for body, query, status in (
        ({"name": "n"}, {}, 400),
        ({"name": "n", "policy_definition_id": "0" * 24}, {}, 400),
        ({"name": "n", "policy_definition_id": POLICIES["allowed-volume-specs"],
          "parameters": {"listOfAllowedSpec": {"value": []}}}, {}, 400),
        ({"name": "n", "policy_definition_id": POLICIES["volume-unused-check"]}, {"instead_of": "0" * 24}, 404),
    ):
        answer = account.client.request("POST", path, query=query, json_body=body)
        assert answer.status == status, (body, answer)


def test_a_resource_is_judged_before_it_exists(account):
    unused = account.rule()
    tagged = account.rule(
        "required-tag-check", parameters={"specifiedTagKey": "env", "specifiedTagValue": []}
    )
    rows = evaluate(account, volume(id="new", status="available", tags={"env": "prod"}))
    assert rows == {unused: "NonCompliant", tagged: "Compliant"}
    assert evaluate(account, ecs(id="new")) == {tagged: "NonCompliant"}
    account.client.request("GET", account.resource_path("new"), expect=404)


@pytest.mark.parametrize("make", [volume, ecs, eip, user])
def test_what_is_foretold_of_a_resource_comes_true(account, make):
    rules = [
        account.rule(policy, parameters=parameters)
        for policy, parameters in (
            ("volume-unused-check", None),
            ("ecs-instance-no-public-ip", None),
            ("eip-unbound-check", None),
            ("required-tag-check", {"specifiedTagKey": "env", "specifiedTagValue": []}),
        )
    ]
    proposed = make(id="sooth")
    foretold = evaluate(account, proposed)
    account.put(proposed)
    assert account.resource_states("sooth") == foretold
    assert foretold.keys() <= set(rules)


def test_an_illegal_resource_is_refused(account):
    path = f"{DOMAINS}/resources/evaluate"
    for body in ({}, {"id": "x"}, {"id": "x", "provider": "evs", "type": "volumes", "properties": []}):
        answer = account.client.request("POST", path, json_body=body, expect=400)
        assert answer.json["error_code"].startswith(("RULEWARD.", "RMS.")), answer


def test_preview_on_the_command_line(server, account):
    account.put_all(volume(id="ssd"), volume(id="sas", volume_type="SAS"))
    arguments = ["--policy", "allowed-volume-specs", "--parameter", "listOfAllowedSpecs=SSD"]
    text = server.cli("rules", "preview", *arguments).stdout.decode()
    assert "2 resources would change" in text and "sas" in text
    rule = account.rule("allowed-volume-specs", parameters={"listOfAllowedSpecs": ["SSD"]}, name="specs")
    told = json.loads(
        server.cli(
            "rules", "preview", "--instead-of", "specs", "--parameter", "listOfAllowedSpecs=SSD,SAS",
            "--output", "json",
        ).stdout
    )
    assert (told["now"], told["then"]) == (counts(1, 1), counts(2, 0))
    nothing = server.cli("rules", "preview", "--instead-of", rule).stdout.decode()
    assert "0 resources would change" in nothing
    assert account.rule_counts(rule) == (1, 1)


def test_evaluate_on_the_command_line(server, account, tmp_path):
    account.rule(name="disk in use")
    file = tmp_path / "disk.json"
    file.write_text(json.dumps(volume(id="new", status="available")))
    done = server.cli("evaluate", file, code=1)
    assert "NonCompliant" in done.stdout.decode() and "properties.status" in done.stdout.decode()
    good = json.dumps(volume(id="new")).encode()
    assert "Compliant" in server.cli("evaluate", "-", stdin=good).stdout.decode()
    other = json.dumps(user()).encode()
    assert "no rule" in server.cli("evaluate", "-", stdin=other).stdout.decode()
    assert server.cli("evaluate", tmp_path / "nowhere", code=2).stderr


def test_policies_that_never_give_a_verdict(server, account):
    def uncovered():
        rows = account.client.request("GET", f"{DOMAINS}/policies/coverage", expect=200).json["value"]
        return {row["name"]: row for row in rows}

    assert uncovered() == {}
    assert "finds what it needs" in server.cli("policies", "coverage").stdout.decode()
    account.put(resource("vpc", "securityGroups", {}, id="bare"))
    row = uncovered()["vpc-sg-restricted-ssh"]
    assert row["missing"] == ["properties.security_group_rules"]
    assert (row["resources"], row["resource_types"]) == (1, ["vpc.securityGroups"])
    assert "vpc-sg-restricted-ssh" in server.cli("policies", "coverage").stdout.decode()
    account.put(resource("vpc", "securityGroups", {"security_group_rules": []}, id="full"))
    assert "vpc-sg-restricted-ssh" not in uncovered()
