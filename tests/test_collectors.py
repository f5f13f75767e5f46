"""Inventories of others: an account that is copied through its API, with our own server as the other."""

import json

import pytest

from harness.account import Account
from harness.samples import ecs, volume


@pytest.fixture
def other(new_server):
    """A server whose account is copied, and its account."""
    server = new_server("other").start()
    return server, Account(server.client())


def copy(target, source, spool, *more, env=None, **options):
    environment = {**source.sdk_environment(), **(env or {})}
    # The account is asked for.
    environment["HUAWEICLOUD_SDK_DOMAIN_ID"] = ""
    return target.cli(
        "import", "--from", "config", "--endpoint", source.endpoint, "--data", target.data,
        "--spool", spool, "--output", "json", *more, env=environment, **options,
    )


def test_an_account_is_copied(new_server, other, tmp_path):
    source, theirs = other
    target = new_server("mine").start()
    ours = Account(target.client())
    count = 450
    fleet = [volume(id=f"c{n}", status="available" if n % 3 else "in-use") for n in range(count)]
    fleet += [
        {**ecs(id="c-server"), "tags": {"team": "red", "empty": ""}, "properties": {"large": 2**60 + 1}},
    ]
    theirs.put_many(fleet)
    rule = ours.rule()
    report = json.loads(copy(target, source, tmp_path / "spool").stdout)
    assert (report["created"], report["refused"]) == (count + 1, 0)
    assert ours.rule_counts(rule) == (150, 300)
    for id in ("c0", "c449", "c-server"):
        path = f"/v1/ruleward/domains/{{domain_id}}/resources/{id}"
        texts = {account.client.request("GET", path, expect=200).text for account in (theirs, ours)}
        assert len(texts) == 1, "the copy is the same, digit by digit"
    assert list((tmp_path / "spool").iterdir()) == []

    # What is gone there goes here, where that is asked for.
    theirs.remove(fleet[0])
    report = json.loads(copy(target, source, tmp_path / "spool", "--replace", "evs.volumes").stdout)
    assert (report["unchanged"], report["deleted"]) == (count, 1)


def test_only_what_is_tracked(new_server, other, tmp_path):
    source, theirs = other
    target = new_server("mine").start()
    theirs.put(volume(id="before"))
    source.client().request(
        "PUT", "/v1/resource-manager/domains/{domain_id}/tracker-config", expect=200, json_body={
            "channel": {"obs": {"bucket_name": "bucket", "region_id": "r"}}, "agency_name": "a",
            "selector": {"all_supported": False, "resource_types": ["ecs.cloudservers"]},
        },
    )
    theirs.put_all(ecs(id="tracked"), volume(id="told"))
    tracked = json.loads(copy(target, source, tmp_path / "spool", "--tracked").stdout)
    everything = json.loads(copy(target, source, tmp_path / "spool", "--all").stdout)
    assert (tracked["created"], everything["created"], everything["unchanged"]) == (1, 2, 1)


def test_a_key_that_does_not_fit(new_server, other, tmp_path):
    source, _ = other
    target = new_server("mine").start()
    done = copy(target, source, tmp_path / "spool", env={"HUAWEICLOUD_SDK_SK": "wrong"}, code=1)
    assert "RMS.00010079" in done.stderr.decode()
    assert "wrong" not in done.stderr.decode()
