"""Summaries: the account, a rule, resources, the days."""

import datetime
import re

import pytest

from harness.account import counts, only
from harness.client import refused
from harness.samples import TRACK_BUCKET_ID, ecs, user, volume


@pytest.fixture
def fleet(account):
    """Two disks (one unused), one server, one user; rules by tag: disks=storage, tagging=all."""
    account.put_all(volume(id="good"), volume(id="bad", status="available"), ecs(id="server"), user(id="person"))
    disks = account.rule(name="disks", tags=[{"key": "area", "value": "storage"}])
    owner = account.rule(
        "required-tag-check",
        name="owner",
        parameters={"specifiedTagKey": "owner", "specifiedTagValue": []},
        filter={"resource_types": ["evs.volumes", "ecs.cloudservers"]},
        tags=[{"key": "area", "value": "tags"}, {"key": "strict", "value": ""}],
    )
    return disks, owner


def test_an_empty_account(account):
    summary = account.summary()
    assert account.counts() == ((0, 0), (0, 0))
    assert summary["policy_assignments"] == []


def test_the_account(account, fleet):
    disks, owner = fleet
    # good, bad and server lack the tag; only bad is unused. The user is out of every scope.
    assert account.counts() == ((0, 3), (0, 2))
    summary = account.summary()
    assert summary.keys() == {"results", "policy_assignments"}
    row = next(one for one in summary["policy_assignments"] if one["policy_assignment"]["id"] == disks)
    assert row["compliance_state"] == "NonCompliant"
    assert row["policy_assignment"] == account.show(disks)
    assert row["results"] == {
        "resource_details": {"compliant_count": 1, "non_compliant_count": 1}, "assignment_details": None,
    }


def test_a_write_is_in_the_next_summary(account, fleet):
    account.put(volume(id="good", tags={"owner": "me"}))
    assert account.counts() == ((1, 2), (0, 2))
    account.put(volume(id="bad", tags={"owner": "me"}))
    assert account.counts() == ((2, 1), (1, 1))
    account.remove(ecs(id="server"))
    assert account.counts() == ((2, 0), (2, 0))
    account.put(ecs(id="server"))
    assert account.counts() == ((2, 1), (1, 1))


def test_a_rule_without_states_counts_in_neither_column(account, fleet):
    id = account.rule("eip-unbound-check", name="addresses")
    assert account.counts() == ((0, 3), (0, 2))
    listed = [one["policy_assignment"]["id"] for one in account.summary()["policy_assignments"]]
    assert id in listed


def test_disabled_rules_are_listed_among_states_and_not_counted(account, fleet):
    disks, owner = fleet
    account.disable(owner)
    assert account.counts() == ((1, 1), (0, 1))
    listed = [one["policy_assignment"]["id"] for one in account.summary()["policy_assignments"]]
    assert listed == [disks]
    assert account.states(owner).keys() == {"good", "bad", "server"}
    account.enable(owner)
    assert account.counts() == ((0, 3), (0, 2))


def test_tags_choose_rules_and_any_of_them_will_do(account, fleet):
    disks, owner = fleet

    def chosen(*tags):
        summary = account.summary(tags=list(tags))
        return {one["policy_assignment"]["id"] for one in summary["policy_assignments"]}

    assert chosen("area=storage") == {disks}
    assert chosen("area") == {disks, owner}
    assert chosen("strict") == {owner} and chosen("strict=") == {owner}
    assert chosen("area=storage", "strict") == {disks, owner}
    assert chosen("area=nothing") == set() and chosen("storage") == set()
    assert account.counts(tags=["area=storage"]) == ((1, 1), (0, 1))
    assert account.counts(tags=["area=tags"]) == ((0, 3), (0, 1))
    assert account.counts(tags=["area=storage", "strict"]) == ((0, 3), (0, 2))
    assert account.counts(tags=["area=nothing"]) == ((0, 0), (0, 0))


def test_a_union_over_rules_counts_a_resource_once(account):
    account.put_all(volume(id="both", status="available", volume_type="SATA"), volume(id="one", volume_type="SATA"), volume(id="none"))
    account.rule(tags=[{"key": "t", "value": "1"}])
    account.rule("allowed-volume-specs", parameters={"listOfAllowedSpecs": ["SSD"]}, tags=[{"key": "t", "value": "2"}])
    account.rule("volumes-encrypted-check", tags=[{"key": "u", "value": ""}])
    assert account.counts(tags=["t"]) == ((1, 2), (0, 2))
    assert account.counts(tags=["t=1"]) == ((2, 1), (0, 1))


@pytest.mark.parametrize(
    "tags", [[""], ["=v"], ["_sys_k"], [" k"], ["k" * 129], ["k=" + "v" * 256], ["a", "b", "c", "d", "e", "f"], ["k=v'"]]
)
def test_tags_that_are_refused(account, tags):
    answer = account.client.request(
        "GET", "/v1/resource-manager/domains/{domain_id}/policy-states/summary", query={"tags": tags}
    )
    assert answer.status == 400, answer
    assert answer.json["error_code"] in (
        "RMS.00010028", "RMS.00010029", "RMS.00010031", "RMS.00010032", "RMS.00010033",
    )


def test_a_rule(account, fleet):
    disks, _ = fleet
    summary = account.client.call("CollectPolicyAssignmentsStatesSummary", policy_assignment_id=disks).json
    assert summary == {
        "compliance_state": "NonCompliant",
        "policy_assignment": account.show(disks),
        "results": {
            "resource_details": {"compliant_count": 1, "non_compliant_count": 1}, "assignment_details": None,
        },
    }
    assert account.rule_counts(disks, resource_name="name of good") == (1, 0)
    assert account.rule_counts(disks, resource_name="name of bad") == (0, 1)
    assert account.rule_counts(disks, resource_name="nobody") == (0, 0)


def test_resources(account, fleet):
    rows = account.client.pages("CollectResourcesPolicyStatesSummary")
    assert {row["resource"]["resource_id"] for row in rows} >= {"good", "bad", "server"}
    bad = next(row for row in rows if row["resource"]["resource_id"] == "bad")
    assert bad["compliance_state"] == "NonCompliant"
    assert bad["resource"] == {
        "domain_id": account.domain_id, "region_id": "cn-north-4", "resource_id": "bad",
        "resource_name": "name of bad", "resource_provider": "evs", "resource_type": "volumes",
    }
    assert bad["results"]["resource_details"] is None
    assert counts(bad["results"]["assignment_details"]) == (0, 2)
    good = next(row for row in rows if row["resource"]["resource_id"] == "good")
    assert counts(good["results"]["assignment_details"]) == (1, 1)


def test_resources_are_narrowed(account, fleet):
    only_one = account.client.page("CollectResourcesPolicyStatesSummary", resource_id="server")
    assert only(only_one)["resource"]["resource_id"] == "server"
    by_name = account.client.page("CollectResourcesPolicyStatesSummary", resource_name="name of good")
    assert only(by_name)["resource"]["resource_id"] == "good"
    assert account.client.page("CollectResourcesPolicyStatesSummary", resource_id="lost") == []


def test_pages_of_resources(account, fleet):
    whole = account.client.page("CollectResourcesPolicyStatesSummary")
    assert account.client.pages("CollectResourcesPolicyStatesSummary", limit=1) == whole
    with refused(400, "RMS.00010037"):
        account.client.call("CollectResourcesPolicyStatesSummary", limit=201)


def test_an_account_rule_counts_the_account_once(account):
    account.rule(TRACK_BUCKET_ID, parameters={"trackBucket": "rms"}, period="One_Hour")
    assert sum(account.counts()[0]) == 1
    assert sum(account.counts()[1]) == 1


def test_today_is_live(account, fleet):
    rows = account.client.call("ListPolicyStatesStatistics").json["value"]
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["statistic_date"]) for row in rows)
    assert [row["statistic_date"] for row in rows] == sorted(row["statistic_date"] for row in rows)
    assert rows[-1] == {
        "statistic_date": today,
        "total_resource_count": 3, "non_compliant_resource_count": 3,
        "total_policy_count": 2, "non_compliant_policy_count": 2,
    }
    account.put(volume(id="good", tags={"owner": "me"}))
    assert account.client.call("ListPolicyStatesStatistics").json["value"][-1]["non_compliant_resource_count"] == 2


def test_counts_equal_a_recount(account):
    """After many changes the kept numbers are those that a scan gives."""
    account.rule()
    account.rule("allowed-volume-specs", parameters={"listOfAllowedSpecs": ["SSD"]})
    account.rule("required-tag-check", parameters={"specifiedTagKey": "k", "specifiedTagValue": []})
    for number in range(120):
        resource = volume(
            id=f"v{number * 7 % 40}",
            status="available" if number % 3 else "in-use",
            volume_type="SSD" if number % 5 else "SATA",
            tags={"k": "v"} if number % 2 else {},
        )
        if number % 11 == 10:
            account.remove(account_known(account, resource))
        else:
            account.put(resource)
        if number % 20 == 19:
            assert account.counts() == recount(account)


def account_known(account, resource):
    """The resource itself when it is stored, else another one that is."""
    known = {row["resource_id"] for row in account.client.pages("ListPolicyStatesByDomainId")}
    return resource if resource["id"] in known else {**resource, "id": min(known)}


def recount(account):
    resources, rules = {}, {}
    for (rule, resource), verdict in account.domain_states().items():
        broken = verdict == "NonCompliant"
        resources[resource] = resources.get(resource, False) or broken
        rules[rule] = rules.get(rule, False) or broken

    def split(found):
        return len(found) - sum(found.values()), sum(found.values())

    return split(resources), split(rules)
