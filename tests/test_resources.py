"""Our own paths for resources: one, many, what is refused."""

import contextlib
import gzip
import json

import pytest
import requests

from harness.samples import ecs, resource, volume

MANY = "/v1/ruleward/domains/{domain_id}/resources"


def path(id):
    return f"{MANY}/{id}"


def test_a_resource_comes_back_as_it_was_stored(account):
    body = volume(id="v", tags={"b": "2", "a": "1"})
    assert account.put(body) == body
    assert account.client.request("GET", path("v"), expect=200).json == body


def test_the_life_of_a_resource(account):
    body = volume(id="v")
    for state in ("in-use", "in-use", "available"):
        body = volume(id="v", status=state)
        stored = account.client.request("PUT", path("v"), json_body=body, expect=(200, 201)).json
        assert stored == body == account.client.request("GET", path("v"), expect=200).json
    account.client.request("DELETE", path("v"), expect=204)
    account.client.refuse(404, "RMS.00010005", "GET", path("v"))
    account.client.refuse(404, "RMS.00010005", "DELETE", path("v"))


def test_numbers_keep_their_text(account):
    properties = '{"big":12345678901234567890123,"exact":0.1000,"float":1e400,"deep":{"a":[1,[2]]}}'
    body = f'{{"id":"n","provider":"evs","type":"volumes","properties":{properties}}}'
    account.client.request("PUT", path("n"), body=body.encode(), expect=(200, 201))
    text = account.client.request("GET", path("n"), expect=200).text
    assert "12345678901234567890123" in text and "0.1000" in text and "1e400" in text.lower().replace("+", "")
    account.client.request("DELETE", path("n"), expect=204)


def test_the_same_id_with_another_type_is_another_resource(account):
    account.put_all(volume(id="x", name="disk"), ecs(id="x", name="server"))
    account.client.refuse(409, "RULEWARD.ResourceAmbiguous", "GET", path("x"))
    account.client.refuse(409, "RULEWARD.ResourceAmbiguous", "DELETE", path("x"))
    for kind, name in (("evs.volumes", "disk"), ("ECS.CloudServers", "server")):
        assert account.client.request("GET", path("x"), query={"type": kind}, expect=200).json["name"] == name
    account.remove(ecs(id="x"))
    assert account.client.request("GET", path("x"), expect=200).json["name"] == "disk"


def test_types_match_without_regard_to_case_and_keep_their_first_spelling(account):
    account.put(volume(id="a"))
    account.put({**volume(id="b"), "provider": "EVS", "type": "Volumes"})
    stored = account.client.request("GET", path("b"), expect=200).json
    assert (stored["provider"], stored["type"]) == ("evs", "volumes")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"provider": None},
        {"type": ""},
        {"provider": "with space"},
        {"properties": []},
        {"tags": {str(n): "" for n in range(101)}},
        {"tags": ["a"]},
        {"name": "n" * 513},
        {"properties": json.loads('{"a":' * 70 + "1" + "}" * 70)},
        {"properties": {"text": "x" * (1024 * 1024)}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_resources_that_are_refused(account, change):
    body = {**volume(id="r"), **change}
    account.client.refuse(400, "RULEWARD.ResourceIllegal", "PUT", path("r"), json_body=body)
    account.client.refuse(404, "RMS.00010005", "GET", path("r"))


def test_duplicate_keys_are_refused(account):
    body = b'{"id":"r","provider":"evs","type":"volumes","properties":{"a":1,"a":2}}'
    account.client.refuse(400, "RULEWARD.ResourceIllegal", "PUT", path("r"), body=body)


def test_a_body_beyond_every_limit(server, account):
    body = b" " * (20 * 1024 * 1024)
    # The server need not read such a body to its end; the client may find the connection closed.
    with contextlib.suppress(requests.ConnectionError):
        answer = account.client.request("PUT", path("r"), body=body)
        assert answer.status == 413 and answer.json["error_code"] == "RULEWARD.BodyTooLarge", answer
    assert requests.get(f"{server.endpoint}/readyz", timeout=5).status_code == 200


def test_many_at_once(account):
    account.put(volume(id="m1"))
    report = account.put_many([volume(id="m1"), volume(id="m2"), volume(id="m3", status="available")])
    assert {key: report[key] for key in ("created", "changed", "unchanged", "deleted", "refused")} == {
        "created": 2, "changed": 0, "unchanged": 1, "deleted": 0, "refused": 0,
    }
    report = account.put_many([volume(id="m1", status="available"), volume(id="m2")])
    assert (report["changed"], report["unchanged"]) == (1, 1)


def test_many_as_lines_with_some_refused(account):
    rule = account.rule()
    good = [volume(id=f"l{n}", status="available") for n in range(3)]
    lines = [json.dumps(good[0]), '{"id": "broken"', json.dumps(good[1]), json.dumps({**good[2], "type": None}), "", json.dumps(good[2])]
    for encode in (lambda data: (data, {}), lambda data: (gzip.compress(data), {"Content-Encoding": "gzip"})):
        body, headers = encode("\n".join(lines).encode())
        report = account.client.request(
            "POST", MANY, body=body, headers={"Content-Type": "application/x-ndjson", **headers}, expect=200
        ).json
        assert report["refused"] == 2
        assert [one["line"] for one in report["refusals"]] == [2, 4]
        assert all(one["reason"] for one in report["refusals"])
    assert report["unchanged"] == 3
    assert account.states(rule) == {f"l{n}": "NonCompliant" for n in range(3)}
    for one in good:
        account.remove(one)


def test_the_account_pseudo_resource_cannot_be_written(account):
    body = resource("@account", "", {}, id="a")
    account.client.refuse(400, "RULEWARD.ResourceIllegal", "PUT", path("a"), json_body=body)


def test_odd_ids(account):
    account.put(volume(id="a.b:c_d-E"))
    assert account.client.request("GET", path("a.b:c_d-E"), expect=200).json["id"] == "a.b:c_d-E"
    account.client.refuse(400, "RMS.00010010", "GET", path("a%20b"))
    account.client.refuse(400, "RMS.00010009", "GET", path("a" * 513))
