"""The past: versions of resources, verdicts at a moment, what changed and who changed it."""

import datetime
import json
import time

import pytest

from harness.account import Account
from harness.samples import ecs, volume


@pytest.fixture
def server(new_server):
    """A server of the test's own: what other tests did to a resource is part of its past."""
    return new_server().start()


@pytest.fixture
def client(server):
    return server.client()


@pytest.fixture
def account(client):
    return Account(client)


def moment():
    """A moment at which nothing else happens, as text and in milliseconds."""
    time.sleep(0.005)
    now = datetime.datetime.now(datetime.UTC)
    time.sleep(0.005)
    return now.isoformat().replace("+00:00", "Z")


def past(account, path, **query):
    answer = account.client.request("GET", f"/v1/ruleward/domains/{{domain_id}}{path}", query=query)
    assert answer.status == 200, answer
    return answer.json


def entries(account, id, **parameters):
    answer = account.client.call("ShowResourceHistory", resource_id=id, **parameters).json
    return answer["items"], answer["page_info"]


@pytest.fixture
def told(account):
    """A disk that was told, changed, removed and told again."""
    account.put(volume(id="disk", status="available"))
    account.put(volume(id="disk", status="in-use"))
    account.remove(volume(id="disk"))
    account.put(volume(id="disk", status="error"))


def test_the_history_of_a_resource(account, told):
    items, page = entries(account, "disk")
    assert [item["status"] for item in items] == [
        "ResourceChanged.CREATE", "ResourceChanged.DELETE", "ResourceChanged.UPDATE", "ResourceChanged.CREATE",
    ]
    assert page == {"current_count": 4, "next_marker": None}
    for item in items:
        assert item["domain_id"] == account.client.domain_id
        assert (item["resource_id"], item["resource_type"]) == ("disk", "evs.volumes")
    statuses = [item["resource"].get("properties", {}).get("status") for item in items]
    assert statuses == ["error", None, "in-use", "available"]
    gone = items[1]["resource"]
    assert gone["checksum"] == "" and "tags" not in gone and "properties" not in gone


def test_the_order_and_the_pages_of_a_history(account, told):
    reverse, _ = entries(account, "disk")
    forward, _ = entries(account, "disk", chronological_order="Forward")
    assert forward == reverse[::-1]
    for order, whole in (("Forward", forward), ("Reverse", reverse)):
        rows, marker = [], None
        while True:
            more = {} if marker is None else {"marker": marker}
            items, page = entries(account, "disk", chronological_order=order, limit=1, **more)
            rows += items
            marker = page["next_marker"]
            if marker is None:
                break
        assert rows == whole


def test_a_span_of_a_history(account, told):
    items, _ = entries(account, "disk", chronological_order="Forward")
    times = [datetime.datetime.fromisoformat(item["capture_time"]) for item in items]
    ms = [int(at.timestamp() * 1000) for at in times]
    within, _ = entries(account, "disk", earlier_time=ms[1], later_time=ms[2], chronological_order="Forward")
    assert items[1] in within and items[2] in within
    assert all(ms[1] <= at <= ms[2] for at in (ms[items.index(item)] for item in within))
    assert entries(account, "disk", later_time=1)[0] == []
    assert entries(account, "nobody")[0] == []


@pytest.mark.parametrize(
    "query", [{"earlier_time": "x"}, {"earlier_time": "-1"}, {"chronological_order": "forward"}, {"limit": "201"}]
)
def test_what_a_history_refuses(account, query):
    answer = account.client.request(
        "GET", "/v1/resource-manager/domains/{domain_id}/resources/disk/history", query=query
    )
    assert answer.status == 400 and answer.json["error_code"].startswith("RMS."), answer


def test_relations_are_part_of_the_history_of_both(account):
    network = {"id": "net", "name": "net", "provider": "vpc", "type": "vpcs", "region_id": "r", "properties": {}}
    account.put(network)
    server = ecs(id="server")
    server["properties"] = {"metadata": {"vpcId": "net"}}
    account.put(server)
    account.remove(server)
    items, _ = entries(account, "net", chronological_order="Forward")
    assert [item["status"] for item in items] == [
        "ResourceChanged.CREATE", "ResourceRelationChanged.CHANGE", "ResourceRelationChanged.CHANGE",
    ]
    related = [[(one["relation_type"], one["to_resource_id"]) for one in item["relations"]] for item in items]
    assert related == [[], [("contains", "server")], []]
    assert all(item["resource"]["id"] == "net" for item in items)
    created, _ = entries(account, "server", chronological_order="Forward", limit=1)
    assert [one["to_resource_id"] for one in created[0]["relations"]] == ["net"]


def test_a_summary_of_a_past_moment_is_the_one_of_then(account):
    seen = []

    def look():
        seen.append((moment(), account.summary()))

    account.put_all(volume(id="good"), volume(id="bad", status="available"))
    look()
    rule = account.rule(name="disks")
    look()
    account.put(volume(id="bad"))
    look()
    account.remove(volume(id="good"))
    look()
    account.client.call("DisablePolicyAssignment", policy_assignment_id=rule)
    look()
    account.client.call("DeletePolicyAssignment", policy_assignment_id=rule)
    look()
    for at, was in seen:
        then = past(account, "/policy-states/summary", at=at)
        assert then["results"] == was["results"], at
        assert [one["results"] for one in then["policy_assignments"]] == [
            one["results"] for one in was["policy_assignments"]
        ]
    before, after = seen[1][0], seen[-1][0]
    states = past(account, "/policy-states", at=before)["value"]
    assert {state["resource_id"]: state["compliance_state"] for state in states} == {
        "good": "Compliant", "bad": "NonCompliant",
    }
    changes = past(account, "/policy-states/changes", **{"from": before, "to": after})["value"]
    assert {(one["resource_id"], one["before"], one["after"]) for one in changes} == {
        ("good", "Compliant", None), ("bad", "NonCompliant", None),
    }
    flipped = past(account, "/policy-states/changes", **{"from": before, "to": seen[2][0]})["value"]
    (flip,) = flipped
    assert (flip["before"], flip["after"]) == ("NonCompliant", "Compliant")
    assert flip["cause"]["kind"] == "resource" and flip["cause"]["request_id"]


def test_moments_that_cannot_be_looked_back_to(account):
    for path, query in (
        ("/policy-states/summary", {"at": "2999-01-01T00:00:00Z"}),
        ("/policy-states/summary", {"at": "2001-01-01T00:00:00Z"}),
        ("/policy-states/summary", {"at": "yesterday"}),
        ("/policy-states/summary", {}),
        ("/policy-states/changes", {"from": "2001-01-01T00:00:00Z"}),
        ("/policy-states", {"at": moment(), "compliance_state": "Wrong"}),
    ):
        answer = account.client.request("GET", f"/v1/ruleward/domains/{{domain_id}}{path}", query=query)
        assert answer.status == 400 and answer.json["error_msg"], (path, query, answer)


def test_the_commands(server, account):
    account.put_all(volume(id="disk", status="available"))
    account.rule(name="disks")
    before = moment()
    account.put(volume(id="disk", tags={"owner": "me"}))
    text = server.cli("history", "disk").stdout.decode()
    assert "created" in text and "changed by" in text
    assert '"available" -> "in-use"' in text and 'tags.owner: "me"' in text
    changes = json.loads(server.cli("diff", "--from", before, "--output", "json").stdout)
    assert [(one["resource_id"], one["before"], one["after"]) for one in changes] == [
        ("disk", "NonCompliant", "Compliant")
    ]
    assert "the resource changed, by" in server.cli("diff", "--from", before).stdout.decode()
    then = json.loads(server.cli("summary", "--at", before, "--output", "json").stdout)
    assert then["results"]["resource_details"] == {"compliant_count": 0, "non_compliant_count": 1}
    states = server.cli("states", "--at", before, "--rule", "disks").stdout.decode()
    assert "NonCompliant" in states


def test_the_past_survives_a_kill(server, account, told):
    before, _ = entries(account, "disk")
    server.kill()
    server.start()
    assert entries(Account(server.client()), "disk")[0] == before
