"""What there is: lists, counts, summaries and tags of resources, services and regions."""

import json

import pytest

from harness import polling
from harness.account import Account
from harness.client import Keys, refused
from harness.samples import ecs, resource, volume

BOTH = ("All", "Tracked")
NAMES = {
    "All": ("ListAllResources", "CountAllResources", "CollectAllResourcesSummary", "ListAllTags", "ShowResourceDetail"),
    "Tracked": (
        "ListTrackedResources", "CountTrackedResources", "CollectTrackedResourcesSummary",
        "ListTrackedResourceTags", "ShowTrackedResourceDetail",
    ),
}


@pytest.fixture
def told(account):
    """Some resources of three types."""
    rows = [
        volume(id="v-1", tags={"team": "red", "stage": ""}),
        volume(id="v-2", tags={"team": "blue"}, region="cn-east-3"),
        volume(id="v-3"),
        ecs(id="s-1", tags={"team": "red", "a.b:c@d+e": "x/y"}),
        resource("cdn", "domains", {}, id="d-1", region="global"),
    ]
    account.put_all(*rows)
    return {row["id"]: row for row in rows}


def pages(client, operation, field, **parameters):
    """All rows of a list, whatever its field is called."""
    rows, marker = [], None
    for _ in range(1000):
        more = {} if marker is None else {"marker": marker}
        answer = client.call(operation, **parameters, **more).json
        assert answer["page_info"]["current_count"] == len(answer[field])
        rows += answer[field]
        marker = answer["page_info"]["next_marker"]
        if marker is None:
            return rows
    raise AssertionError("the pages do not end")


def ids(rows):
    return [row["id"] for row in rows]


@pytest.mark.parametrize("which", BOTH)
def test_lists(account, told, which):
    listing = NAMES[which][0]

    def found(**filters):
        return ids(pages(account.client, listing, "resources", limit=2, **filters))

    assert found() == list(told)
    assert found(type="EVS.volumes") == ["v-1", "v-2", "v-3"]
    assert found(region_id="cn-east-3") == ["v-2"]
    assert found(region_id="global") == ["d-1"]
    assert found(tags=["team"]) == ["v-1", "v-2", "s-1"]
    assert found(tags=["team=red", "team=blue"]) == ["v-1", "v-2", "s-1"]
    assert found(tags=["team=red", "stage"]) == ["v-1"]
    assert found(tags=["stage="]) == ["v-1"]
    assert found(tags=["a.b:c@d+e=x/y"]) == ["s-1"]
    assert found(id="v-3") == ["v-3"]
    assert found(name="name of v-3") == ["v-3"]
    assert found(name="name of") == []
    assert found(ep_id="0", type="cdn.domains") == ["d-1"]
    [row] = account.client.call(listing, id="v-1").json["resources"]
    assert row == {**told["v-1"], "state": "Normal"}


@pytest.mark.parametrize("which", BOTH)
def test_counts_and_summaries(account, told, which):
    _, counting, summing, tagging, _ = NAMES[which]
    client = account.client

    def count(**filters):
        return client.call(counting, **filters).json["total_count"]

    assert count() == len(told)
    assert count(type=["evs.volumes", "cdn.domains"], region_id=["cn-north-4", "global"]) == 3
    assert count(tags=["team=red", "team=blue"], type=["evs.volumes"]) == 2
    assert count(project_id=["0605767f9f00d5762fd6c01d6ba3a2f5"]) == 4
    assert count(name="name of s-1", id="s-1", ep_id=["0", "1"]) == 1
    assert client.call(summing, type=["evs.volumes", "ecs.cloudservers"]).json == [
        {"provider": "ecs", "types": [
            {"type": "cloudservers", "regions": [{"region_id": "cn-north-4", "count": 1}]}]},
        {"provider": "evs", "types": [{"type": "volumes", "regions": [
            {"region_id": "cn-east-3", "count": 1}, {"region_id": "cn-north-4", "count": 2}]}]},
    ]
    assert client.call(summing, tags=["none"]).json == []
    assert pages(client, tagging, "tags", limit=1) == [
        {"key": "a.b:c@d+e", "value": ["x/y"]},
        {"key": "stage", "value": [""]},
        {"key": "team", "value": ["blue", "red"]},
    ]
    assert client.call(tagging, key="team").json["tags"] == [{"key": "team", "value": ["blue", "red"]}]


@pytest.mark.parametrize("which", BOTH)
def test_one_resource(account, told, which):
    showing = NAMES[which][4]
    assert account.client.call(showing, resource_id="s-1").json == {**told["s-1"], "state": "Normal"}
    with refused(404, "RMS.00010005"):
        account.client.call(showing, resource_id="none")


def test_resources_of_one_type(account, told, judged):
    client = account.client
    assert ids(pages(client, "ListResources", "resources", provider="evs", type="Volumes", limit=1)) == [
        "v-1", "v-2", "v-3",
    ]
    # The SDK writes `tag=team=['red', 'blue']`, the definitions say `tag[team]=red&tag[team]=blue`.
    with judged.lenient_requests():
        tagged = client.call(
            "ListResources", provider="evs", type="volumes", tag={"team": ["red", "blue"], "stage": [""]})
    assert ids(tagged.json["resources"]) == ["v-1"]
    path = "/v1/resource-manager/domains/{domain_id}/provider/evs/type/volumes/resources"
    tagged = client.request("GET", path, query=[("tag[team]", "red"), ("tag[team]", "blue")], expect=200)
    assert ids(tagged.json["resources"]) == ["v-1", "v-2"]
    shown = client.call("ShowResourceById", provider="evs", type="volumes", resource_id="v-2").json
    assert shown["region_id"] == "cn-east-3"
    with refused(404, "RMS.00010005"):
        client.call("ShowResourceById", provider="ecs", type="cloudservers", resource_id="v-2")


def test_refusals(account, judged):
    client = account.client
    with judged.lenient_requests():
        for code, query in (
            ("RMS.00010013", {"type": ",".join(f"a.b{n}" for n in range(101))}),
            ("RMS.00010014", {"type": "a." + "b" * 39}),
            ("RMS.00010016", {"region_id": ",".join(f"r-{n}" for n in range(11))}),
            ("RMS.00010018", {"region_id": "a b"}),
            ("RMS.00010021", {"project_id": ",".join(f"p-{n}" for n in range(11))}),
            ("RMS.00010033", {"tags": "a'b"}),
        ):
            path = "/v1/resource-manager/domains/{domain_id}/all-resources/count"
            client.refuse(400, code, "GET", path, query=query)
        many = [("tags", f"k{n}") for n in range(6)]
        client.refuse(400, "RMS.00010028", "GET", path, query=many)
    with refused(400, "RMS.00010037"):
        client.call("ListAllResources", limit=201)
    with refused(400, "RMS.00010034"):
        client.call("ListAllTags", marker="AAAA")


def test_an_auditor_may_look(server, account, told):
    made = server.admin("users", "create", account.domain_id, "looks", "--role", "auditor", "--output", "json")
    del made
    key = json.loads(server.admin("keys", "create", account.domain_id, "looks", "--output", "json").stdout)
    keys = Keys(key["access_key"], key["secret_key"], account.domain_id)
    auditor = server.client(keys)
    assert auditor.call("CountAllResources").json["total_count"] == len(told)
    assert len(auditor.call("CollectTrackedResourcesSummary").json) == 3


def test_services_and_regions(account, told):
    client = account.client
    account.put(resource("own", "things", {}, region="my-place"))
    listed = client.call("ListProviders", x_language="en-us").json
    everything = client.call("ListAllProviders", x_language="pt-br").json
    assert listed["total_count"] == everything["total_count"] == len(listed["resource_providers"])
    providers = {one["provider"]: one for one in listed["resource_providers"]}
    assert providers["ecs"]["display_name"] == "Elastic Cloud Server (ECS)"
    [server] = providers["ecs"]["resource_types"]
    assert (server["name"], server["global"], server["track"]) == ("cloudservers", False, "tracked")
    assert {"cn-north-4", "my-place"} <= set(server["regions"])
    assert providers["iam"]["resource_types"][0]["global"]
    assert providers["own"]["resource_types"][0]["name"] == "things"
    assert all(kind["regions"] is None for one in everything["resource_providers"] for kind in one["resource_types"])
    page = client.call("ListProviders", offset=2, limit=3).json
    assert [one["provider"] for one in page["resource_providers"]] == list(providers)[2:5]
    assert client.call("ListProviders", track="untracked").json["resource_providers"] == []
    regions = pages(client, "ListRegions", "value", limit=7, x_language="en-us")
    assert {"region_id": "cn-north-4", "display_name": "CN North-Beijing4"} in regions
    assert {"region_id": "my-place", "display_name": "my-place"} in regions
    with refused(400, "RMS.00010053"):
        client.call("ListRegions", x_language="de-de")


def test_what_was_deleted_is_tracked_where_it_is_asked_for(own_account):
    account = own_account
    account.put_all(volume(id="a", tags={"k": "old"}), volume(id="b"), volume(id="c"))
    account.remove(volume(id="a"))
    account.remove(volume(id="b"))
    account.put(volume(id="b"))
    client = account.client

    def states(**filters):
        rows = pages(client, "ListTrackedResources", "resources", limit=1, **filters)
        return [(row["id"], row["state"]) for row in rows]

    assert states() == [("c", "Normal"), ("b", "Normal")]
    assert states(resource_deleted=True) == [("a", "Deleted"), ("c", "Normal"), ("b", "Normal")]
    assert states(resource_deleted=True, tags=["k"]) == [("a", "Deleted")]
    assert states(resource_deleted=True, id="b") == [("b", "Normal")]
    assert client.call("CountTrackedResources", resource_deleted=True).json["total_count"] == 3
    [summed] = client.call("CollectTrackedResourcesSummary", resource_deleted=True).json
    assert summed["types"][0]["regions"][0]["count"] == 3
    tags = client.call("ListTrackedResourceTags", resource_deleted=True).json["tags"]
    assert tags == [{"key": "k", "value": ["old"]}]
    assert client.call("ListTrackedResourceTags").json["tags"] == []


def test_the_recorder_decides_what_is_tracked(own_account):
    account, client = own_account, own_account.client
    rule = account.rule("volume-unused-check")
    account.put_all(volume(id="kept", status="available"), volume(id="gone"), ecs(id="server"))

    def record(*types):
        client.call(
            "CreateTrackerConfig",
            {
                "channel": {"smn": {
                    "region_id": "cn-north-4", "project_id": "p", "topic_urn": "urn:smn:cn-north-4:p:topic"}},
                "selector": {"all_supported": not types, "resource_types": list(types)},
                "agency_name": "rms_tracker_agency",
            },
        )

    def tracked():
        return sorted(ids(pages(client, "ListTrackedResources", "resources")))

    def told():
        return sorted(ids(pages(client, "ListAllResources", "resources")))

    record("ecs.cloudservers")
    account.put(volume(id="kept", status="in-use"))
    account.put(volume(id="new", status="available"))
    account.remove(volume(id="gone"))
    assert (tracked(), told()) == (["server"], ["kept", "new", "server"])
    assert account.states(rule) == {}
    record()
    polling.until(lambda: tracked() == told(), what="all that was told to be recorded")
    account.settle(rule)
    assert account.states(rule) == {"kept": "Compliant", "new": "NonCompliant"}


def test_what_was_told_meanwhile_is_recorded_though_the_server_dies(new_server):
    server = new_server().start()
    account = Account(server.client())
    rule = account.rule("volume-unused-check")
    server.admin("accounts", "recorder", server.domain_id, "off")
    report = account.put_many(volume(id=f"v-{n}", status="available") for n in range(700))
    assert report["created"] == 700
    server.admin("accounts", "recorder", server.domain_id, "on")
    server.kill()
    client = server.start().client()
    count = lambda: client.call("CountTrackedResources").json["total_count"]
    polling.until(lambda: count() == 700, what="all that was told to be recorded")
    account = Account(client)
    account.settle(rule)
    assert account.rule_counts(rule) == (0, 700), account.rule_counts(rule)
    assert client.call("CountAllResources").json["total_count"] == 700


def test_the_command_line(server, account, told):
    def ruleward(*arguments):
        return server.cli("resources", *arguments).stdout.decode()

    assert ruleward("count", "--type", "evs.volumes", "--type", "cdn.domains") == "4\n"
    assert "cn-east-3" in ruleward("summary", "--tracked", "--type", "evs.volumes")
    assert ruleward("list", "--tag", "team=blue", "-o", "csv").splitlines()[1].startswith("evs.volumes,v-2,")
    assert '"state": "Normal"' in ruleward("show", "v-1", "--type", "evs.volumes")
    assert ruleward("tags", "--key", "team", "-o", "csv") == "key,value\nteam,blue\nteam,red\n"
