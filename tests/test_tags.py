"""Tags of rules by the tag operations, as the SDK and Terraform use them."""

import pytest

from harness.client import refused
from harness.samples import volume

RULES = "config:policyAssignments"


def tags(client, rule):
    rows = client.call("ListTagsForResource", resource_type=RULES, resource_id=rule).json["tags"]
    return {row["key"]: row["value"] for row in rows}


def tag(client, rule, **given):
    body = {"tags": [{"key": key, "value": value} for key, value in given.items()]}
    assert client.call("TagResource", body, resource_type=RULES, resource_id=rule).status == 204


def test_a_rule_is_tagged_and_untagged(client, account):
    rule = account.create(tags=[{"key": "made", "value": "here"}])["id"]
    tag(client, rule, team="red", env="")
    assert tags(client, rule) == {"made": "here", "team": "red", "env": ""}
    # Again, and a new value.
    tag(client, rule, team="blue", env="")
    assert account.show(rule)["tags"] == [
        {"key": "made", "value": "here"}, {"key": "team", "value": "blue"}, {"key": "env", "value": ""},
    ]
    for body in (
        {"tags": [{"key": "team", "value": "blue"}, {"key": "env", "value": ""}]},
        {"tags": [{"key": "team", "value": "blue"}]},
    ):
        answer = client.call("UnTagResource", body, resource_type=RULES, resource_id=rule)
        assert answer.status == 204
        assert tags(client, rule) == {"made": "here"}
    # The published example names the key alone.
    path = f"/v1/resource-manager/{RULES}/{rule}/tags/delete"
    client.request("POST", path, json_body={"tags": [{"key": "made"}]}, expect=204)
    assert tags(client, rule) == {}
    # An update says nothing of tags, so they stay.
    tag(client, rule, team="red")
    account.update(rule, description="other")
    assert tags(client, rule) == {"team": "red"}


def test_rules_are_found_by_tags(client, account):
    ids = {}
    for name, given in {"tag-a": {"team": "red", "env": "prod"}, "tag-b": {"team": "blue"}, "tag-c": {}}.items():
        ids[name] = account.create(name=name, tags=[{"key": k, "value": v} for k, v in given.items()])["id"]

    def found(body):
        answer = client.call("ListResourcesByTag", body, resource_type=RULES).json
        count = client.call("CountResourcesByTag", body, resource_type=RULES).json
        assert count["total_count"] == answer["total_count"] == len(answer["resources"])
        for row in answer["resources"]:
            assert ids[row["resource_name"]] == row["resource_id"]
        return [row["resource_name"][-1] for row in answer["resources"]]

    assert found({}) == ["a", "b", "c"]
    assert found({"tags": [{"key": "team", "values": []}]}) == ["a", "b"]
    assert found({"tags": [{"key": "team", "values": ["red", "green"]}]}) == ["a"]
    assert found({"tags": [{"key": "team", "values": []}, {"key": "env", "values": ["test"]}]}) == []
    assert found({"without_any_tag": True}) == ["c"]
    assert found({"matches": [{"key": "resource_name", "value": "tag-b"}]}) == ["b"]
    page = client.call("ListResourcesByTag", {}, resource_type=RULES, limit=1, offset=2).json
    assert [row["resource_name"] for row in page["resources"]] == ["tag-c"]
    assert page["total_count"] == 3
    listed = client.call("ListTagsForResourceType", resource_type=RULES).json
    assert listed == {
        "tags": [{"key": "env", "values": ["prod"]}, {"key": "team", "values": ["blue", "red"]}],
        "total_count": 2,
    }
    # A text instead of a truth, as in the published example.
    path = f"/v1/resource-manager/{RULES}/resource-instances/count"
    answer = client.request("POST", path, json_body={"without_any_tag": "false"}, expect=200)
    assert answer.json == {"total_count": 3}


def test_the_summary_by_tags_follows(client, account):
    account.put(volume(status="available"))
    rule = account.rule()
    assert account.summary(tags=["team"])["results"] != account.summary()["results"]
    tag(client, rule, team="red")
    assert account.summary(tags=["team=red"])["results"] == account.summary()["results"]


@pytest.mark.parametrize("key, code", [("_sys_x", "RMS.00010033"), (" x", "RMS.00010033")])
def test_refused_keys(client, account, key, code):
    rule = account.create()["id"]
    with refused(400, code):
        tag(client, rule, **{key: "v"})
    assert tags(client, rule) == {}


def test_refusals(client, account):
    rule = account.create()["id"]
    tag(client, rule, **{f"k{n}": "v" for n in range(20)})
    with refused(400, "RMS.00010004"):
        tag(client, rule, one="more")
    with refused(404, "RMS.00010005"):
        tag(client, "0" * 24, one="more")
    with refused(501, "RULEWARD.NotImplemented"):
        client.call("ListTagsForResourceType", resource_type="config:aggregators")
    assert len(tags(client, rule)) == 20
