"""One rule for every account: organization rules with the vendor's SDK, against the real binary."""

import contextlib
import json

import pytest

from harness import polling
from harness.account import Account
from harness.client import Keys, refused
from harness.organization import (
    OWN, Group, add_members, make_account, managed, names, only_rule, operator_of, remove, specs,
)
from harness.samples import POLICIES, unique, volume


@pytest.fixture(scope="module")
def group(server):
    return Group(server)


@pytest.fixture
def name():
    return unique("organization rule")


def test_all_seven_operations(group, name):
    for number, member in enumerate(group.members):
        member.put(volume(id=f"good-{number}"))
        member.put(volume(id=f"bad-{number}", status="available"))
    made = group.put(managed(name, description="Disks are used."))
    assert made["owner_id"] == group.management.domain_id
    assert made["organization_id"] == group.id
    id = made["organization_policy_assignment_id"]
    assert made["organization_policy_assignment_urn"] == (
        f"rms::{group.management.domain_id}:organizationPolicyAssignment:{group.id}/{id}"
    )
    group.settle(name, "CREATE_SUCCESSFUL")
    assert made in group.rules()
    assert group.rules(organization_policy_assignment_name=name) == [made]
    assert group.rules(organization_policy_assignment_id=id) == [made]
    shown = group.show(id)
    assert {key: shown[key] for key in made} == made
    assert shown["excluded_accounts"] == [] and shown["function_urn"] is None

    rows = group.detailed(name)
    assert rows.keys() == {member.domain_id for member in group.members}
    for number, member in enumerate(group.members):
        row = rows[member.domain_id]
        assert row["member_account_policy_assignment_status"] == "CREATE_SUCCESSFUL"
        assert row["policy_assignment_name"] == name
        assert row["error_code"] is None and row["error_message"] is None
        rule = member.show(row["policy_assignment_id"])
        assert rule["name"] == f"Org-{name}" and rule["state"] == "Enabled"
        assert group.id in rule["created_by"] and rule["description"] == "Disks are used."
        assert member.states(rule["id"]) == {f"good-{number}": "Compliant", f"bad-{number}": "NonCompliant"}
        # The SDK leaves this parameter out of the query: the name is that of its own account.
        query = {"organization_policy_assignment_name": name, "domain_id": member.domain_id}
        path = group.path("/policy-assignment-detailed-status")
        assert group.management.client.request("GET", path, query=query, expect=200).json["value"] == [row]
    assert len(group.detailed(name, status="CREATE_SUCCESSFUL", limit=1)) == 3
    assert group.detailed(name, status="UPDATE_FAILED") == {}

    changed = group.call(
        "UpdateOrganizationPolicyAssignment",
        {
            "organization_policy_assignment_name": "renamed",
            "managed_policy_assignment_metadata": {"policy_definition_id": POLICIES["volume-unused-check"]},
        },
        organization_policy_assignment_id=id,
    ).json
    assert changed["organization_policy_assignment_id"] == id and changed["description"] is None
    group.settle("renamed", "UPDATE_SUCCESSFUL")
    assert all("Org-renamed" in names(member) for member in group.members)

    group.delete(id)
    with refused(404, "RMS.00010005"):
        group.show(id)
    polling.until(lambda: group.status("renamed") == "", what="the deletion to end")
    for member in group.members:
        assert member.client.pages("ListPolicyAssignments") == []
        assert member.domain_states() == {}
        member.clear()


def test_create_is_an_upsert_by_name_and_a_parameter_reaches_all_states(group, name):
    for member in group.members:
        member.put_all(volume(id="ssd"), volume(id="sas", volume_type="SAS"))
    first = group.put(specs(name, "SSD"))
    group.settle(name, "CREATE_SUCCESSFUL")
    ids = {member.domain_id: only_rule(member) for member in group.members}
    for member in group.members:
        assert member.states(ids[member.domain_id]) == {"ssd": "Compliant", "sas": "NonCompliant"}
    second = group.put(specs(name, "SAS"))
    assert second["organization_policy_assignment_id"] == first["organization_policy_assignment_id"]
    assert second["created_at"] == first["created_at"]
    assert second["parameters"] == {"listOfAllowedSpecs": {"value": ["SAS"]}}
    group.settle(name, "UPDATE_SUCCESSFUL")
    for member in group.members:
        rule = ids[member.domain_id]
        assert member.states(rule) == {"ssd": "NonCompliant", "sas": "Compliant"}
        assert member.rule_counts(rule) == (1, 1)
    remove(group, name)


def test_both_filters_and_what_update_keeps(group, judged):
    name = unique("n") + "y" * 240
    filter = {"resource_types": ["evs.volumes"], "resource_ids": ["chosen"]}
    made = group.put(managed(name, policy_filter_v2=filter, excluded=[group.members[0].domain_id]))
    id = made["organization_policy_assignment_id"]
    assert made["policy_filter_v2"]["resource_ids"] == ["chosen"]
    for member in group.members:
        member.put_all(volume(id="chosen"), volume(id="other"))
    group.settle(name, "CREATE_SUCCESSFUL")
    assert names(group.members[0]) == set()
    member = group.members[1]
    assert member.states(only_rule(member)) == {"chosen": "Compliant"}
    # The page takes names to 252 characters, both forms and both filters; the definitions do not yet.
    with judged.lenient_requests():
        kept = group.update(id, managed(name)).json
        assert kept["policy_filter_v2"]["resource_ids"] == ["chosen"]
        assert group.show(id)["excluded_accounts"] == [group.members[0].domain_id]
        body = managed(name, excluded=[], policy_filter={"resource_id": "other"})
        body["managed_policy_assignment_metadata"]["policy_filter_v2"] = None
        cleared = group.update(id, body).json
    assert cleared["policy_filter_v2"] is None and cleared["policy_filter"]["resource_id"] == "other"
    assert group.show(id)["excluded_accounts"] == []
    group.settle(name, "UPDATE_SUCCESSFUL")
    for member in group.members:
        assert member.states(only_rule(member)) == {"other": "Compliant"}
    remove(group, name)


def test_custom_rules(group, name, judged):
    urn = "urn:fss:cn-north-4:0605767f9f00d5762fd6c01d6ba3a2f5:function:default:judge:latest"
    body = {
        "organization_policy_assignment_name": name,
        "custom_policy_assignment_metadata": {
            "function_urn": urn, "description": "Ours.", "period": "Six_Hours",
            "parameters": {"any": {"value": {"list": [1, "x"]}}},
        },
    }
    made = group.put(body)
    id = made["organization_policy_assignment_id"]
    assert made["policy_definition_id"] is None and made["period"] == "Six_Hours"
    assert group.show(id)["function_urn"] == urn
    group.settle(name, "CREATE_SUCCESSFUL")
    for member in group.members:
        rule = member.show(only_rule(member))
        assert rule["policy_assignment_type"] == "custom" and rule["period"] == "Six_Hours"
        assert rule["custom_policy"]["function_urn"] == urn
    body["custom_policy_assignment_metadata"]["period"] = "One_Hour"
    with judged.lenient_requests():
        assert group.update(id, body).json["period"] == "One_Hour"
        group.management.client.refuse(
            400, "RULEWARD.RuleImmutable", "PUT", group.path(f"/policy-assignments/{id}"), json_body=managed(name)
        )
    group.settle(name, "UPDATE_SUCCESSFUL")
    assert all(member.show(only_rule(member))["period"] == "One_Hour" for member in group.members)
    remove(group, name)


def test_a_member_reads_and_runs_but_does_not_change(group, name):
    member = group.members[0]
    member.put(volume(id="d", status="available"))
    group.put(managed(name))
    group.settle(name, "CREATE_SUCCESSFUL")
    id = only_rule(member)
    for operation in ("EnablePolicyAssignment", "DisablePolicyAssignment", "DeletePolicyAssignment"):
        with refused(403, "RULEWARD.RuleDeployed"):
            member.client.call(operation, policy_assignment_id=id)
    body = {"name": "mine", "policy_definition_id": POLICIES["volume-unused-check"]}
    with refused(403, "RULEWARD.RuleDeployed"):
        member.client.call("UpdatePolicyAssignment", body, policy_assignment_id=id)
    assert member.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=id).status == 202
    member.settle(id)
    assert member.states(id) == {"d": "NonCompliant"}
    assert member.explain(id, "d")
    remove(group, name)


def test_who_may_what(group, name):
    """The management account and delegated administrators, each its own rules."""
    delegated, plain = group.members[0], group.members[1]
    for operation, parameters in (
        ("ListOrganizationPolicyAssignments", {}),
        ("ShowOrganizationPolicyAssignmentStatuses", {}),
        ("ShowOrganizationPolicyAssignmentDetailedStatus", {"organization_policy_assignment_name": "x"}),
        ("ShowOrganizationPolicyAssignment", {"organization_policy_assignment_id": "a1"}),
        ("DeleteOrganizationPolicyAssignment", {"organization_policy_assignment_id": "a1"}),
    ):
        with refused(403, "RMS.00010006"):
            group.call(operation, by=plain, **parameters)
    with refused(403, "RMS.00010006"):
        group.put(managed(name), by=plain)
    group.operate("delegate", delegated)
    theirs = group.put(managed(name), by=delegated)
    assert theirs["owner_id"] == delegated.domain_id
    assert group.rules(by=delegated) == [theirs] and theirs not in group.rules()
    with refused(404, "RMS.00010005"):
        group.show(theirs["organization_policy_assignment_id"])
    with refused(400, "RULEWARD.DuplicateName"):
        group.put(managed(name))
    polling.until(lambda: names(plain) == {f"Org-{name}"}, what="the deployment")
    # The caller's own recorder has to be on to make and change, not to look and delete.
    group.server.admin("accounts", "recorder", delegated.domain_id, "off")
    with refused(400, "RMS.00010091"):
        group.put(managed(name), by=delegated)
    assert group.rules(by=delegated) == [theirs]
    group.call(
        "DeleteOrganizationPolicyAssignment", by=delegated,
        organization_policy_assignment_id=theirs["organization_policy_assignment_id"],
    )
    polling.until(lambda: names(plain) == set(), what="the deletion")
    group.server.admin("accounts", "recorder", delegated.domain_id, "on")
    group.operate("undelegate", delegated)
    with refused(403, "RMS.00010006"):
        group.rules(by=delegated)


def test_two_organizations_never_see_each_other(server, group, name):
    other = Group(server, "rival", members=1)
    group.put(managed(name))
    theirs = other.put(specs(name, "SSD"))
    group.settle(name, "CREATE_SUCCESSFUL")
    other.settle(name, "CREATE_SUCCESSFUL")
    assert [rule["organization_policy_assignment_id"] for rule in other.rules()] == [
        theirs["organization_policy_assignment_id"]
    ]
    with refused(404, "RMS.00010005"):
        group.show(theirs["organization_policy_assignment_id"])
    foreign = {"organization_id": other.id}
    with refused(403, "RMS.00010006"):
        group.management.client.call("ListOrganizationPolicyAssignments", **foreign)
    for path in ("", "/members", "/units", "/summary"):
        group.management.client.refuse(403, "RMS.00010006", "GET", f"{OWN}/{other.id}{path}")
    listed = group.management.client.request("GET", OWN, expect=200).json["value"]
    assert [one["organization_id"] for one in listed] == [group.id]
    rule = other.members[0].show(only_rule(other.members[0]))
    assert other.id in rule["created_by"] and rule["policy_definition_id"] == POLICIES["allowed-volume-specs"]
    assert other.detailed(name).keys() == {other.members[0].domain_id}
    # An account of one cannot be drawn into the other.
    done = server.admin("organizations", "add", other.id, group.members[0].domain_id, code=1)
    assert b"AccountInOrganization" in done.stderr
    remove(other, name)
    remove(group, name)


def test_joining_leaving_and_being_excluded(group, name):
    newcomer = make_account(group.server, unique("newcomer"))
    newcomer.put(volume(id="d", status="available"))
    group.put(managed(name))
    group.settle(name, "CREATE_SUCCESSFUL")
    invite = {"domain_id": newcomer.domain_id}
    group.management.client.request("POST", f"{OWN}/{group.id}/invitations", json_body=invite, expect=201)
    assert newcomer.domain_id not in group.detailed(name)
    newcomer.client.request("POST", f"{OWN}/{group.id}/invitations/accept", expect=204)
    polling.until(lambda: names(newcomer) == {f"Org-{name}"}, what="the newcomer to get the rule")
    assert newcomer.states(only_rule(newcomer)) == {"d": "NonCompliant"}
    group.put(managed(name, excluded=[newcomer.domain_id]))
    polling.until(lambda: names(newcomer) == set(), what="the excluded to lose the rule")
    assert newcomer.domain_states() == {} and newcomer.counts() == ((0, 0), (0, 0))
    assert newcomer.domain_id not in group.detailed(name)
    group.put(managed(name, excluded=[]))
    polling.until(lambda: names(newcomer) == {f"Org-{name}"}, what="the rule to come back")
    newcomer.client.request("DELETE", f"{OWN}/{group.id}/members/{newcomer.domain_id}", expect=204)
    polling.until(lambda: names(newcomer) == set(), what="who left to lose the rule")
    assert newcomer.domain_states() == {}
    group.settle(name, "UPDATE_SUCCESSFUL")
    remove(group, name)


def test_failures_say_why_and_are_tried_again(new_server):
    server = new_server(arguments=["--config", "limits.toml"])
    config = server.data.parent / "limits.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[limits]\npolicy_assignments = 2\n")
    server.arguments = ["--config", str(config)]
    group = Group(server.start(), members=4)
    off, full, clashing, fine = group.members
    for member in group.members:
        member.put(volume(id="d", status="available"))
    server.admin("accounts", "recorder", off.domain_id, "off")
    full.rule(name="one"), full.rule(name="two")
    clashing.rule(name="Org-disks")
    group.put(managed("disks"))
    group.settle("disks", "CREATE_FAILED")

    def rows(status):
        found = group.detailed("disks")
        assert found[fine.domain_id]["member_account_policy_assignment_status"] == "CREATE_SUCCESSFUL"
        for row in found.values():
            assert (row["error_code"] is None) == (row["error_message"] is None)
        return {id: row["error_code"] for id, row in found.items() if row["member_account_policy_assignment_status"] == status}

    assert rows("CREATE_FAILED") == {
        off.domain_id: "RMS.00010091",
        full.domain_id: "RULEWARD.QuotaExceeded",
        clashing.domain_id: "RULEWARD.DuplicateName",
    }
    (row,) = group.call("ShowOrganizationPolicyAssignmentStatuses").json["value"]
    assert row["error_code"] == "RMS.00010091" and row["error_message"]
    # At once when the cause goes.
    server.admin("accounts", "recorder", off.domain_id, "on")
    polling.until(lambda: names(off) == {"Org-disks"}, what="the retry after the recorder is on")
    assert off.states(only_rule(off)) == {"d": "NonCompliant"}
    for member, name in ((full, "one"), (clashing, "Org-disks")):
        (rule,) = member.client.pages("ListPolicyAssignments", policy_assignment_name=name)
        member.disable(rule["id"])
        member.delete(rule["id"])
    polling.until(lambda: group.status("disks") == "CREATE_SUCCESSFUL", what="all to be deployed")
    assert rows("CREATE_FAILED") == {}


def test_a_crash_in_the_middle_of_a_deployment(new_server):
    """Killed again and again while rules go to many members: every member is right in the end."""
    server = new_server()
    group = Group(server.start(), members=0)
    members = add_members(server, group, 200)
    head = group.management.client
    rules = {f"rule-{number}": "SSD" if number % 2 else "SAS" for number in range(8)}
    for name, allowed in rules.items():
        group.put(specs(name, allowed))
        if name == "rule-4":
            server.kill()
            server.start()
    done = [row for name in rules for row in group.detailed(name).values() if row["policy_assignment_id"]]
    server.kill()
    server.start()
    for name in rules:
        group.settle(name, "CREATE_SUCCESSFUL")
    # What was there before a crash is there after it, under the same id.
    after = {row["policy_assignment_id"] for name in rules for row in group.detailed(name).values()}
    assert {row["policy_assignment_id"] for row in done} <= after and len(after) == 8 * len(members)
    # A change and a removal, cut short as well.
    group.put(specs("rule-1", "SAS"))
    (gone,) = group.rules(organization_policy_assignment_name="rule-2")
    group.delete(gone["organization_policy_assignment_id"])
    server.kill()
    server.start()
    group.settle("rule-1", "UPDATE_SUCCESSFUL")
    polling.until(lambda: group.status("rule-2") == "", what="the removal to end")
    rules["rule-1"] = "SAS"
    del rules["rule-2"]
    expected = {
        f"Org-{name}": {"ssd": verdict(allowed == "SSD"), "sas": verdict(allowed == "SAS")} for name, allowed in rules.items()
    }
    for member in members:
        found = {rule["id"]: rule["name"] for rule in member.client.pages("ListPolicyAssignments")}
        assert sorted(found.values()) == sorted(expected), member.domain_id
        states = {}
        for (rule, resource), state in member.domain_states().items():
            states.setdefault(found[rule], {})[resource] = state
        assert states == expected, member.domain_id
    summary = head.request("GET", f"{OWN}/{group.id}/summary", expect=200).json
    assert summary["results"]["resource_details"]["non_compliant_count"] == 2 * len(members)


def verdict(good):
    return "Compliant" if good else "NonCompliant"


def test_the_operator_manages_all_organizations(server, group):
    with contextlib.suppress(AssertionError):
        server.admin("users", "delete", server.domain_id, "operator")
    operator = operator_of(server)
    listed = operator.request("GET", OWN, expect=200).json["value"]
    assert group.id in {one["organization_id"] for one in listed}
    path = f"{OWN}/{group.id}"
    unit = operator.request("POST", f"{path}/units", json_body={"name": "a unit"}, expect=201).json
    inner = {"name": "inside", "parent_id": unit["unit_id"]}
    inner = operator.request("POST", f"{path}/units", json_body=inner, expect=201).json
    member = group.members[0].domain_id
    operator.request("POST", f"{path}/members/{member}/move", json_body={"unit_id": inner["unit_id"]}, expect=204)
    rows = operator.request("GET", f"{path}/members", expect=200).json["value"]
    assert [row["unit_id"] for row in rows if row["domain_id"] == member] == [inner["unit_id"]]
    operator.refuse(409, "RULEWARD.UnitInUse", "DELETE", f"{path}/units/{inner['unit_id']}")
    operator.request("POST", f"{path}/members/{member}/move", json_body={"unit_id": None}, expect=204)
    for one in (inner, unit):
        operator.request("DELETE", f"{path}/units/{one['unit_id']}", expect=204)
    # Organization rules are the accounts' own; the operator has none.
    operator.refuse(403, "RMS.00010006", "GET", group.path("/policy-assignments"))


def test_a_suspended_member_gets_nothing_new(group, name):
    group.operate("suspend", group.members[2])
    group.put(managed(name))
    group.settle(name, "CREATE_FAILED")
    row = group.detailed(name)[group.members[2].domain_id]
    assert row["member_account_policy_assignment_status"] == "CREATE_FAILED"
    assert row["error_code"] == "RULEWARD.MemberSuspended" and row["policy_assignment_id"] is None
    group.operate("resume", group.members[2])
    polling.until(lambda: group.status(name) == "CREATE_SUCCESSFUL", what="the resumed member to get the rule")
    remove(group, name)


def test_the_summary_adds_up(server, group, name):
    for number, member in enumerate(group.members):
        member.put_many(volume(id=f"bad-{bad}", status="available") for bad in range(number + 1))
        member.put(volume(id="good"))
    group.put(managed(name))
    group.settle(name, "CREATE_SUCCESSFUL")
    summary = group.management.client.request("GET", f"{OWN}/{group.id}/summary", expect=200).json
    rows = {row["domain_id"]: row for row in summary["accounts"]}
    assert rows.keys() == {account.domain_id for account in (group.management, *group.members)}
    for unit in ("resource_details", "assignment_details"):
        for count in ("compliant_count", "non_compliant_count", "undetermined_count"):
            total = sum(row["results"][unit][count] for row in rows.values())
            assert summary["results"][unit][count] == total, (unit, count)
    for member in group.members:
        ((good, bad), (rules_good, rules_bad)) = member.counts()
        results = rows[member.domain_id]["results"]
        assert results["resource_details"] == {"compliant_count": good, "non_compliant_count": bad, "undetermined_count": 0}
        assert results["assignment_details"] == {
            "compliant_count": rules_good, "non_compliant_count": rules_bad, "undetermined_count": 0,
        }
    order = [row["results"]["resource_details"]["non_compliant_count"] for row in summary["accounts"]]
    assert order == sorted(order, reverse=True) and order[0] == 3
    environment = server.sdk_environment(group.management.client.keys)
    printed = server.cli("summary", "--organization", "--output", "json", env=environment)
    assert json.loads(printed.stdout) == summary
    remove(group, name)


def test_the_sample(new_server):
    server = new_server(sample=True).start()
    credentials = server.credentials
    assert len(credentials["members"]) == 3
    head = Account(server.client())
    body = managed("disks are used")
    made = head.client.call(
        "CreateOrganizationPolicyAssignment", body, organization_id=credentials["organization_id"]
    ).json
    assert made["organization_id"] == credentials["organization_id"]
    for one in credentials["members"]:
        member = Account(server.client(Keys(one["access_key"], one["secret_key"], one["domain_id"])))
        polling.until(lambda: names(member) == {"Org-disks are used"}, what="the deployment")
        rule = only_rule(member)
        polling.until(lambda: member.show(rule)["state"] == "Enabled", what="the run")
        assert "NonCompliant" in member.states(rule).values()


def test_pages(group):
    made = [group.put(managed(f"page-{number}"))["organization_policy_assignment_id"] for number in range(5)]
    found, marker = [], None
    while True:
        more = {} if marker is None else {"marker": marker}
        answer = group.call("ListOrganizationPolicyAssignments", limit=2, **more).json
        found += [row["organization_policy_assignment_id"] for row in answer["organization_policy_assignments"]]
        assert answer["page_info"]["current_count"] <= 2
        marker = answer["page_info"]["next_marker"]
        if marker is None:
            break
    assert found == made
    statuses = group.management.client.pages("ShowOrganizationPolicyAssignmentStatuses", organization_id=group.id, limit=2)
    assert [row["organization_policy_assignment_id"] for row in statuses] == made
    rows = group.management.client.pages("ShowOrganizationPolicyAssignmentDetailedStatus", organization_id=group.id, limit=4)
    assert len({(row["domain_id"], row["policy_assignment_name"]) for row in rows}) == 5 * 3
    for id in made:
        group.delete(id)
    polling.until(lambda: all(names(member) == set() for member in group.members), what="all to be removed")


def test_refusals(group):
    path = group.path("/policy-assignments")
    client = group.management.client
    legal = managed("x")
    for change, code in (
        ({"organization_policy_assignment_name": "y" * 253}, "RMS.00010045"),
        ({"organization_policy_assignment_name": "a'b"}, "RMS.00010046"),
        ({"organization_policy_assignment_name": None}, "RMS.00010004"),
        ({"managed_policy_assignment_metadata": None}, "RMS.00010004"),
        ({"custom_policy_assignment_metadata": {"function_urn": "urn:x"}}, "RMS.00010004"),
        ({"excluded_accounts": ["a"] * 1001}, "RMS.00010004"),
    ):
        client.refuse(400, code, "PUT", path, json_body={**legal, **change})
    client.refuse(400, "RULEWARD.ParameterIllegal", "PUT", path, json_body=managed("x", parameters={"more": 1}))
    client.refuse(404, "RMS.00010005", "GET", f"{path}/{'0' * 32}")
    client.refuse(404, "RMS.00010005", "DELETE", f"{path}/{'0' * 32}")
