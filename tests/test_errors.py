"""Errors: one body everywhere, a code and words, never our insides."""

import json

import pytest

from harness import openapi

RULES = "/v1/resource-manager/domains/{domain_id}/policy-assignments"


def check(answer, status, code=None):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/json"), answer
    assert openapi.error_problems(answer.json) == []
    assert answer.headers["X-Request-Id"]
    if code is not None:
        assert answer.json["error_code"] == code
    for word in ("sqlite", "panicked", ".rs", "/root/", "/tmp/", "rusqlite"):
        assert word not in answer.text.lower()


def test_paths_that_do_not_exist(client):
    for path in ("/", "/v1", "/v1/resource-manager/nothing", "/v1/ruleward/nothing", "/v4/auth/tokens"):
        check(client.request("GET", path), 404)


@pytest.mark.parametrize(("method", "path"), [("PATCH", RULES), ("POST", RULES), ("DELETE", RULES), ("POST", "/v3/auth/domains")])
def test_methods_that_do_not_exist(client, method, path):
    check(client.request(method, path), 405, "RULEWARD.MethodNotAllowed")


@pytest.mark.parametrize("query", ["limit=x", "limit=1.5", "limit=", "limit=99999999999999999999", "limit=1&limit=2", "limit=-1"])
def test_limits_that_are_no_numbers(client, query):
    pairs = [tuple(pair.split("=")) for pair in query.split("&")]
    answer = client.request("GET", RULES, query=pairs)
    check(answer, 400)


def test_unknown_query_parameters_are_tolerated(client, judged):
    with judged.lenient_requests():
        client.request("GET", RULES, query={"colour": "blue"}, expect=200)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name":"' + b"x" * 900_000 + b'"}',
        b'{"name":"\\ud800"}',
        b'{"name":1}',
        b'{"name":"a","parameters":[]}',
        b'{"name":"a","tags":{}}',
        b'{"name":"a","policy_filter":"evs"}',
        b'{"name":"a","policy_filter_v2":{"tags":[1]}}',
        b'{"name":"a","policy_filter_v2":{"region_ids":"r"}}',
        b'{"name":"a","parameters":{"p":1}}',
    ],
    ids=lambda body: body[:40].decode(),
)
def test_bodies_that_are_wrong_in_form(client, body):
    check(client.request("PUT", RULES, body=body), 400)


def test_a_refusal_tells_what_to_do(account):
    id = account.rule()
    answer = account.client.request("DELETE", account.rule_path(id))
    assert "disable" in answer.json["error_msg"].lower()
    answer = account.client.request("PUT", RULES, json_body={"name": "n", "policy_definition_id": "0" * 24})
    assert "0" * 24 in answer.json["error_msg"] or "definition" in answer.json["error_msg"].lower()


def test_the_error_body_holds_two_fields(client):
    answer = client.request("GET", f"{RULES}/{'0' * 24}", expect=404)
    assert json.loads(answer.text).keys() == {"error_code", "error_msg"}
