"""The resource recorder with the vendor's SDK, and with the habits of Terraform's provider."""

import contextlib

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException

from harness.account import Account
from harness.samples import user, volume

PATH = "/v1/resource-manager/domains/{domain_id}/tracker-config"
URN = "urn:smn:cn-north-4:0605767f9f00d5762fd6c01d6ba3a2f5:alerts"
SMN = {"region_id": "cn-north-4", "project_id": "0605767f9f00d5762fd6c01d6ba3a2f5", "topic_urn": URN}
OBS = {"bucket_name": "audit-archive", "region_id": "cn-north-4"}


def config(**changes):
    return {
        "channel": {"smn": SMN, "obs": OBS},
        "selector": {"all_supported": True, "resource_types": []},
        "agency_name": "rms_tracker_agency",
        **changes,
    }


def only(*types):
    return {"all_supported": False, "resource_types": list(types)}


@contextlib.contextmanager
def refused(status, code):
    with pytest.raises(ServiceResponseException) as found:
        yield
    assert (found.value.status_code, found.value.error_code) == (status, code), found.value


def test_put_show_delete(own_account, judged):
    client = own_account.client
    dev = client.call("ShowTrackerConfig").json
    assert dev["channel"]["obs"]["bucket_name"] == "ruleward-dev", "that of development is on"
    answer = client.call("CreateTrackerConfig", config())
    assert (answer.status, answer.text) == (200, "")
    shown = client.call("ShowTrackerConfig").json
    assert shown == {
        **config(),
        "channel": {"smn": SMN, "obs": {**OBS, "bucket_prefix": None}},
        "domain_id": client.domain_id,
        "retention_period_in_days": 2557,
        "frozen_status": None,
    }
    # Terraform sends the whole resource anew, without prefix and retention.
    client.call("CreateTrackerConfig", config(retention_period_in_days=30))
    client.call("CreateTrackerConfig", config(channel={"smn": SMN}))
    shown = client.call("ShowTrackerConfig").json
    assert (shown["channel"]["obs"], shown["retention_period_in_days"]) == (None, 2557)
    # The official samples leave the list of types out.
    body = config(selector={"all_supported": True})
    with judged.lenient_requests():
        client.request("PUT", PATH, json_body=body, expect=200)
    answer = client.call("DeleteTrackerConfig")
    assert (answer.status, answer.text) == (200, "")
    with refused(404, "RMS.00010005"):
        client.call("ShowTrackerConfig")
    with refused(404, "RMS.00010005"):
        client.call("DeleteTrackerConfig")


def test_what_is_recorded_is_what_is_judged(own_account):
    account = own_account
    client = account.client
    account.put_all(volume(id="v", status="available"), user(id="u"))
    disks = account.rule()
    tags = account.rule("required-tag-check", parameters={"specifiedTagKey": "team"})
    assert account.states(disks) == {"v": "NonCompliant"}
    client.call("CreateTrackerConfig", config(selector=only("iam.users")))
    assert account.states(disks) == {}
    assert account.states(tags) == {"u": "NonCompliant"}
    assert account.rule_counts(tags) == (0, 1)
    account.put(volume(id="w", status="in-use"))
    assert account.states(disks) == {}
    client.call("CreateTrackerConfig", config(selector=only("iam.users", "EVS.volumes")))
    account.settle(disks)
    assert account.states(disks) == {"v": "NonCompliant", "w": "Compliant"}
    client.call("DeleteTrackerConfig")
    with refused(400, "RMS.00010091"):
        account.create()
    account.put(volume(id="w", status="available"))
    assert account.states(disks) == {"v": "NonCompliant", "w": "Compliant"}, "the last states stay"
    account.disable(disks)
    account.delete(disks)
    client.call("CreateTrackerConfig", config())
    account.settle(tags)
    assert account.states(tags) == {"u": "NonCompliant", "v": "NonCompliant", "w": "NonCompliant"}


def test_it_survives_a_crash(new_server):
    server = new_server().start()
    server.client().call("CreateTrackerConfig", config(selector=only("iam.users")))
    server.kill()
    server.start()
    account = Account(server.client())
    assert account.client.call("ShowTrackerConfig").json["selector"] == only("iam.users")
    account.put(volume(id="v", status="available"))
    assert account.states(account.rule()) == {}


def test_from_the_command_line(new_server):
    server = new_server().start()
    server.cli("recorder", "set", "--topic", URN, "--type", "evs.volumes")
    shown = server.client().call("ShowTrackerConfig").json
    assert shown["channel"]["smn"] == SMN
    assert shown["channel"]["obs"]["bucket_name"] == "ruleward-dev", "what is not given stays"
    assert shown["selector"] == only("evs.volumes")
    assert b"evs.volumes" in server.cli("recorder", "show").stdout
    server.cli("recorder", "off")
    assert b"off" in server.cli("recorder", "show").stdout
    server.cli("recorder", "set", "--type", "all", code=1)
    server.cli("recorder", "on", "--bucket", "archive/a/b", "--retention-days", "30")
    shown = server.client().call("ShowTrackerConfig").json
    assert shown["channel"]["smn"] is None
    assert shown["channel"]["obs"] == {"bucket_name": "archive", "bucket_prefix": "a/b", "region_id": "global"}
    assert (shown["selector"]["all_supported"], shown["retention_period_in_days"]) == (True, 30)
    server.cli("recorder", "on", code=1)
