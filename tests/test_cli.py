"""The commands for people, against a running server."""

import csv
import io
import json

import pytest

from harness.samples import POLICIES, volume


def rows(done):
    """What `--output json` prints: a list, or the service's page with its `value`."""
    found = json.loads(done.stdout)
    return found["value"] if isinstance(found, dict) and "value" in found else found


@pytest.fixture
def rule(account):
    account.put_all(volume(id="good"), volume(id="bad", status="available"))
    return account.rule(name="disk in use")


def test_help_names_every_command(server):
    text = server.cli("--help").stdout.decode()
    for command in ("serve", "import", "rules", "states", "summary", "policies", "explain", "accounts", "users", "keys"):
        assert command in text, command
    assert "ruleward" in server.cli("--version").stdout.decode()


def test_rules_are_listed_and_shown(server, account, rule):
    (row,) = rows(server.cli("rules", "list", "--output", "json"))
    assert row["id"] == rule and row["name"] == "disk in use"
    assert "disk in use" in server.cli("rules", "list").stdout.decode()
    for name in (rule, "disk in use"):
        shown = json.loads(server.cli("rules", "show", name, "--output", "json").stdout)
        assert shown["id"] == rule and shown["state"] == "Enabled"


def test_csv(server, rule):
    table = list(csv.DictReader(io.StringIO(server.cli("rules", "list", "--output", "csv").stdout.decode())))
    assert [row["name"] for row in table] == ["disk in use"]


def test_the_life_of_a_rule(server, account):
    account.put(volume(id="sata", volume_type="SATA"))
    server.cli(
        "rules", "create", "by hand", "--policy", "allowed-volume-specs", "--parameter", 'listOfAllowedSpecs=["SSD"]'
    )
    (row,) = account.client.page("ListPolicyAssignments")
    assert row["policy_definition_id"] == POLICIES["allowed-volume-specs"]
    assert row["parameters"] == {"listOfAllowedSpecs": {"value": ["SSD"]}}
    account.settle(row["id"])
    assert account.states(row["id"]) == {"sata": "NonCompliant"}
    server.cli("rules", "run", "by hand")
    account.settle(row["id"])
    server.cli("rules", "disable", "by hand")
    assert account.show(row["id"])["state"] == "Disabled"
    server.cli("rules", "enable", "by hand")
    account.settle(row["id"])
    server.cli("rules", "disable", "by hand")
    server.cli("rules", "delete", "by hand")
    assert account.client.page("ListPolicyAssignments") == []


def test_states(server, rule):
    found = {row["resource_id"]: row["compliance_state"] for row in rows(server.cli("states", "--output", "json"))}
    assert found == {"good": "Compliant", "bad": "NonCompliant"}
    assert "bad" in server.cli("states").stdout.decode()


def test_summary(server, rule):
    summary = json.loads(server.cli("summary", "--output", "json").stdout)
    assert summary["results"]["resource_details"] == {"compliant_count": 1, "non_compliant_count": 1}
    assert "disk in use" in server.cli("summary").stdout.decode()


def test_policies(server):
    names = {row["name"] for row in rows(server.cli("policies", "list", "--output", "json"))}
    assert POLICIES.keys() <= names
    shown = json.loads(server.cli("policies", "show", "volume-unused-check", "--output", "json").stdout)
    assert shown["id"] == POLICIES["volume-unused-check"]


def test_explain(server, rule):
    text = server.cli("explain", "disk in use", "bad").stdout.decode()
    assert "NonCompliant" in text and "properties.status" in text and "available" in text


def test_refusals_are_told_in_words(server, account, rule):
    done = server.cli("rules", "delete", "disk in use", code=None)
    assert done.returncode not in (0, 101)
    assert "disable" in done.stderr.decode()
    done = server.cli("rules", "show", "nobody", code=None)
    assert done.returncode not in (0, 101) and done.stderr


def test_wrong_credentials_are_told_in_words(server):
    done = server.cli("rules", "list", code=None, env={"HUAWEICLOUD_SDK_SK": "wrong"})
    assert done.returncode not in (0, 101)
    assert server.keys.secret_key not in done.stderr.decode()


def test_the_recorder(server):
    for state in ("off", "on"):
        server.admin("accounts", "recorder", server.domain_id, state)
    assert server.admin("accounts", "recorder", "0" * 32, "off", code=None).returncode not in (0, 101)
