"""Who may ask: signatures, tokens, roles, accounts."""

import dataclasses
import datetime
import json
import subprocess
import sys

import pytest

from harness.client import Keys, refused, utc_now
from harness.server import clean_environment

RULES = "/v1/resource-manager/domains/{domain_id}/policy-assignments"
FOREIGN = "0123456789abcdef0123456789abcdef"


def token_body(method, **content):
    return {"auth": {"identity": {"methods": [method], method: content}}}


@pytest.fixture
def token(client):
    body = token_body(
        "hw_ak_sk", access={"key": client.keys.access_key}, secret={"key": client.keys.secret_key}
    )
    answer = client.request("POST", "/v3/auth/tokens", json_body=body, signed=False, expect=201)
    return answer.headers["X-Subject-Token"]


# -- signatures --------------------------------------------------------------------------------------


def test_both_schemes(client):
    client.request("GET", RULES, expect=200)
    client.request("GET", RULES, derived=True, expect=200)
    for derived in (False, True):
        odd = [("b", "a b磁+&=%/~"), ("a", ""), ("b", "2"), ("ä", "*")]
        client.request("GET", "/v3/auth/domains", query=odd, derived=derived, expect=200)


def test_without_a_signature(client):
    answer = client.refuse(401, "RMS.00010079", "GET", RULES, signed=False)
    assert "Authorization" in answer.json["error_msg"]


@pytest.mark.parametrize(
    "header", ["", "garbage", "Bearer x", "SDK-HMAC-SHA256", "SDK-HMAC-SHA256 Access=, SignedHeaders=, Signature=", "\xe9" * 300]
)
def test_garbage_for_a_signature(client, header):
    client.refuse(401, "RMS.00010079", "GET", RULES, signed=False, headers={"Authorization": header})


def test_an_unknown_key(client):
    keys = dataclasses.replace(client.keys, access_key="NOBODYSKEY0000000000")
    client.refuse(401, "RMS.00010079", "GET", RULES, keys=keys)


@pytest.mark.parametrize("derived", [False, True])
def test_a_wrong_secret(client, derived):
    keys = dataclasses.replace(client.keys, secret_key="x" * 40)
    client.refuse(401, "RMS.00010079", "GET", RULES, keys=keys, derived=derived)


def tamper_path(request):
    request.uri = request.uri.replace("/policy-assignments", "/policy-states")


def tamper_query(request):
    request.uri += "?limit=1"


def tamper_body(request):
    request.body = b'{"name":"other"}'


def tamper_header(request):
    request.header_params["X-Domain-Id"] = FOREIGN


@pytest.mark.parametrize("edit", [tamper_path, tamper_query, tamper_body, tamper_header])
def test_what_is_changed_on_the_way(client, edit):
    client.refuse(
        401, "RMS.00010079", "PUT", RULES, json_body={"name": "n"}, edit=edit,
        headers={"X-Domain-Id": client.domain_id},
    )


@pytest.mark.parametrize("minutes", [-16, 16, -60 * 24 * 365])
def test_a_date_that_is_far_off(client, minutes):
    date = utc_now() + datetime.timedelta(minutes=minutes)
    client.refuse(401, "RMS.00010079", "GET", RULES, date=date)


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_date_that_is_near(client, minutes):
    client.request("GET", RULES, date=utc_now() + datetime.timedelta(minutes=minutes), expect=200)


def test_a_body_that_is_not_signed_may_be_so_for_other_types(client):
    line = json.dumps({"id": "nd", "provider": "evs", "type": "volumes"}).encode() + b"\n"
    client.request(
        "POST", "/v1/ruleward/domains/{domain_id}/resources", body=line,
        headers={"Content-Type": "application/x-ndjson"}, expect=200,
    )
    client.request("DELETE", "/v1/ruleward/domains/{domain_id}/resources/nd", expect=204)


# -- accounts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [RULES, "/v1/ruleward/domains/{domain_id}/resources/x"])
def test_another_account(client, path):
    client.refuse(403, "RMS.00010006", "GET", path.replace("{domain_id}", FOREIGN))


def test_an_account_id_that_cannot_be(client):
    client.refuse(400, "RMS.00010007", "GET", RULES.replace("{domain_id}", "a" * 37))
    client.refuse(400, "RMS.00010008", "GET", RULES.replace("{domain_id}", "a%20b"))


def test_the_refusal_does_not_tell_whether_a_thing_exists(client):
    path = f"{RULES}/{'0' * 24}".replace("{domain_id}", FOREIGN)
    client.refuse(403, "RMS.00010006", "GET", path)


# -- discovery ---------------------------------------------------------------------------------------


def test_the_accounts_of_a_key(client):
    domains = client.request("GET", "/v3/auth/domains", expect=200).json["domains"]
    assert [domain["id"] for domain in domains] == [client.domain_id]
    assert domains[0]["name"]
    identity = client.request("GET", "/v5/caller-identity", expect=200).json
    assert identity["account_id"] == client.domain_id
    assert client.request("GET", "/v3/auth/domains", signed=False).status == 401
    assert client.request("GET", "/v5/caller-identity", signed=False).status == 401


@pytest.mark.parametrize("listed", [True, False], ids=["domain given", "domain found"])
def test_the_sdk_configures_itself_from_the_environment(server, listed):
    """A program which knows the environment only, as `serve --dev` prints it."""
    program = (
        "from huaweicloudsdkconfig import v1\n"
        "from huaweicloudsdkconfig.v1.region.config_region import ConfigRegion\n"
        "client = v1.ConfigClient.new_builder().with_region(ConfigRegion.value_of('cn-north-4')).build()\n"
        "print(client.get_credentials().domain_id)\n"
        "print(client.list_policy_assignments(v1.ListPolicyAssignmentsRequest()).status_code)\n"
    )
    environment = clean_environment(server.sdk_environment())
    if not listed:
        del environment["HUAWEICLOUD_SDK_DOMAIN_ID"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [server.domain_id, "200"]


# -- tokens ------------------------------------------------------------------------------------------


def test_a_token_for_a_key_pair(client, token):
    headers = {"X-Auth-Token": token}
    client.request("GET", RULES, signed=False, headers=headers, expect=200)
    client.request("GET", "/v3/auth/domains", signed=False, headers=headers, expect=200)
    client.refuse(
        403, "RMS.00010006", "GET", RULES.replace("{domain_id}", FOREIGN), signed=False, headers=headers
    )


def test_the_answer_with_a_token(client):
    body = token_body(
        "hw_ak_sk", access={"key": client.keys.access_key}, secret={"key": client.keys.secret_key}
    )
    answer = client.request("POST", "/v3/auth/tokens", json_body=body, signed=False, expect=201)
    token = answer.json["token"]
    assert token["user"]["domain"]["id"] == client.domain_id
    assert token["expires_at"] > token["issued_at"]
    assert client.keys.secret_key not in answer.text


@pytest.mark.parametrize("change", ["", "x", "cut"])
def test_forged_tokens(client, token, change):
    forged = {"": "", "x": token[:-1] + ("A" if token[-1] != "A" else "B"), "cut": token[: len(token) // 2]}
    client.refuse(
        401, "RMS.00010079", "GET", RULES, signed=False, headers={"X-Auth-Token": forged[change]}
    )


def test_wrong_secrets_get_no_token(client):
    body = token_body("hw_ak_sk", access={"key": client.keys.access_key}, secret={"key": "x" * 40})
    assert client.request("POST", "/v3/auth/tokens", json_body=body, signed=False).status == 401
    body = token_body(
        "password", user={"name": "nobody", "password": "wrong", "domain": {"name": "nowhere"}}
    )
    assert client.request("POST", "/v3/auth/tokens", json_body=body, signed=False).status == 401
    for body in ({}, {"auth": {}}, {"auth": {"identity": {"methods": ["magic"]}}}):
        answer = client.request("POST", "/v3/auth/tokens", json_body=body, signed=False)
        assert answer.status in (400, 401), answer


def test_a_token_for_a_password(server, client):
    domain = client.request("GET", "/v3/auth/domains", expect=200).json["domains"][0]["name"]
    server.admin(
        "users", "create", server.domain_id, "ann", "--role", "auditor", "--password-stdin", stdin=b"correct horse battery\n"
    )
    body = token_body(
        "password", user={"name": "ann", "password": "correct horse battery", "domain": {"name": domain}}
    )
    answer = client.request("POST", "/v3/auth/tokens", json_body=body, signed=False, expect=201)
    headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
    client.request("GET", RULES, signed=False, headers=headers, expect=200)
    client.refuse(
        403, "RMS.00010006", "PUT", RULES, signed=False, headers=headers, json_body={"name": "n"}
    )
    body["auth"]["identity"]["password"]["user"]["password"] = "wrong"
    assert client.request("POST", "/v3/auth/tokens", json_body=body, signed=False).status == 401


# -- roles -------------------------------------------------------------------------------------------


def keys_of(server, name, role):
    """A new user with a role, and a key pair of theirs."""
    server.admin("users", "create", server.domain_id, name, "--role", role)
    made = json.loads(server.admin("keys", "create", server.domain_id, name, "--output", "json").stdout)
    return Keys(made["access_key"], made["secret_key"], server.domain_id)


# What each role may do of the operations that stand for an action.
CALLS = {
    "list rules": ("GET", RULES, None),
    "create a rule": ("PUT", RULES, {"name": "by role", "policy_definition_id": "5fa36558aa1e6afc05a3d0a7"}),
    "report a result": ("PUT", "/v1/resource-manager/domains/{domain_id}/policy-states", {}),
    "store a resource": (
        "PUT", "/v1/ruleward/domains/{domain_id}/resources/r", {"id": "r", "provider": "evs", "type": "volumes"},
    ),
}
ROLES = {
    "auditor": {"list rules"},
    "reporter": {"report a result"},
    "importer": {"store a resource"},
    "administrator": set(CALLS),
}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_roles(server, client, role):
    keys = keys_of(server, f"user-{role}", role)
    for what, (method, path, body) in CALLS.items():
        answer = client.request(method, path, json_body=body, keys=keys)
        if what in ROLES[role]:
            assert answer.status not in (401, 403), f"{role}: {what}: {answer}"
        else:
            assert (answer.status, answer.json["error_code"]) == (403, "RMS.00010006"), f"{role}: {what}: {answer}"


def test_a_deleted_key_is_a_stranger_at_once(server, client):
    keys = keys_of(server, "leaver", "auditor")
    client.request("GET", RULES, keys=keys, expect=200)
    server.admin("keys", "delete", keys.access_key)
    client.refuse(401, "RMS.00010079", "GET", RULES, keys=keys)


def test_a_second_account_sees_nothing_of_the_first(server, client):
    server.admin("accounts", "create", "second")
    accounts = json.loads(server.admin("accounts", "list", "--output", "json").stdout)
    (second,) = [account["id"] for account in accounts if account["name"] == "second"]
    server.admin("users", "create", second, "admin", "--role", "administrator")
    made = json.loads(server.admin("keys", "create", second, "admin", "--output", "json").stdout)
    keys = Keys(made["access_key"], made["secret_key"], second)
    client.request("GET", RULES, keys=keys, expect=200)
    other = server.client(keys)
    assert other.page("ListPolicyAssignments") == []
    assert other.request("GET", "/v3/auth/domains", expect=200).json["domains"][0]["id"] == second
    client.refuse(403, "RMS.00010006", "GET", RULES.replace("{domain_id}", client.domain_id), keys=keys)


def test_the_sdk_reads_the_refusal(server):
    client = server.client(dataclasses.replace(server.keys, secret_key="x" * 40))
    with refused(401, "RMS.00010079"):
        client.call("ListPolicyAssignments")
