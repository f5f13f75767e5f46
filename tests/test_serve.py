"""`ruleward serve`: start, readiness, metrics, samples, the end."""

import json
import pathlib
import re
import stat
import subprocess
import time

import pytest
import requests

from harness import polling
from harness.account import Account, counts
from harness.server import BINARY, clean_environment

VARIABLES = (
    "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_DOMAIN_ID",
    "HUAWEICLOUD_SDK_IAM_ENDPOINT", "HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4",
)


def test_the_credentials_of_development(server):
    file = server.data / "dev-credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.credentials.keys() >= {"endpoint", "iam_endpoint", "domain_id", "access_key", "secret_key"}
    assert server.credentials["endpoint"] == server.endpoint
    assert server.credentials["iam_endpoint"] == server.endpoint
    assert re.fullmatch("[0-9a-f]{32}", server.domain_id)


def test_the_environment_is_printed(server):
    printed = server.printed()
    for name in VARIABLES:
        assert name in printed, name
    assert str(server.port) in printed.splitlines()[0]


def test_health(server):
    for path in ("/healthz", "/readyz"):
        assert requests.get(server.endpoint + path, timeout=5).status_code == 200


def test_metrics(server, client):
    client.call("ListPolicyAssignments")
    text = requests.get(f"{server.endpoint}/metrics", timeout=5).text
    assert text.rstrip().endswith("# EOF"), "OpenMetrics ends so"
    assert "ListPolicyAssignments" in text


def test_a_request_is_named(server, client):
    first, second = (client.request("GET", "/v3/auth/domains", expect=200).headers["X-Request-Id"] for _ in range(2))
    assert first and second and first != second


def test_secrets_are_not_logged(server, client):
    client.request("GET", "/v3/auth/domains", headers={"X-Note": client.keys.secret_key}, expect=200)
    assert client.keys.secret_key not in server.log()


def test_later_starts_reuse_the_account(new_server):
    server = new_server().start()
    before = server.keys
    server.restart()
    assert server.keys == before
    server.client().call("ListPolicyAssignments")


def test_a_free_port_is_picked(new_server):
    servers = [new_server(f"data{number}").start() for number in range(2)]
    assert servers[0].port != servers[1].port
    assert servers[0].domain_id != servers[1].domain_id


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_development_stays_on_this_machine(tmp_path, address):
    done = subprocess.run(
        [BINARY, "serve", "--dev", "--listen", address, "--data", tmp_path / "data"],
        capture_output=True, timeout=20, env=clean_environment(),
    )
    assert done.returncode not in (0, 101)
    assert "loopback" in (done.stderr + done.stdout).decode().lower()


def test_another_store_is_refused_clearly(tmp_path):
    done = subprocess.run(
        [BINARY, "serve", "--dev", "--listen", "127.0.0.1:0", "--store", "postgres://localhost/x"],
        capture_output=True, timeout=20, env=clean_environment(), cwd=tmp_path,
    )
    assert done.returncode not in (0, 101)
    assert "postgres" in done.stderr.decode()


def test_unknown_keys_of_the_configuration_are_errors(tmp_path):
    file = tmp_path / "ruleward.toml"
    file.write_text("lisen = '127.0.0.1:0'\n")
    done = subprocess.run(
        [BINARY, "serve", "--config", file], capture_output=True, timeout=20, env=clean_environment(), cwd=tmp_path
    )
    assert done.returncode not in (0, 101)
    assert "lisen" in done.stderr.decode()


def test_one_folder_has_one_server(server):
    done = subprocess.run(
        [BINARY, "serve", "--dev", "--listen", "127.0.0.1:0", "--data", server.data],
        capture_output=True, timeout=20, env=clean_environment(),
    )
    assert done.returncode not in (0, 101)


def test_the_sample(new_server):
    server = new_server(sample=True)
    began = time.monotonic()
    server.start()
    account = Account(server.client())

    def complete():
        rules = account.client.pages("ListPolicyAssignments")
        return rules and all(rule["state"] == "Enabled" for rule in rules) and rules

    rules = polling.until(complete, what="the sample's rules to be judged")
    (compliant, broken), (good_rules, broken_rules) = account.counts()
    assert time.monotonic() - began < 5, "the first summary comes at once"
    assert len(rules) >= 12
    assert compliant > 20 and broken > 5 and good_rules > 0 and broken_rules > 0
    states = account.domain_states()
    resources = {}
    for (_, resource), verdict in states.items():
        resources[resource] = resources.get(resource, False) or verdict == "NonCompliant"
    assert (compliant, broken) == (len(resources) - sum(resources.values()), sum(resources.values()))
    types = {
        (row["resource_provider"], row["resource_type"])
        for row in account.client.pages("ListPolicyStatesByDomainId") if row["resource_provider"]
    }
    assert len(types) >= 10
    rows = account.summary()["policy_assignments"]
    assert sum(counts(row["results"]["resource_details"]) != (0, 0) for row in rows) >= 10


def test_the_sample_comes_once(new_server):
    server = new_server(sample=True).start()
    before = len(server.client().pages("ListPolicyAssignments"))
    server.restart()
    assert len(server.client().pages("ListPolicyAssignments")) == before


def test_sigterm_ends_it_well(new_server):
    server = new_server().start()
    server.client().call("ListPolicyAssignments")
    began = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - began < 10


def test_an_idle_server_is_small(new_server):
    server = new_server().start()
    server.client().call("ListPolicyAssignments")
    assert server.resident_bytes() < 64 * 1024 * 1024


def test_logs_as_json(new_server):
    server = new_server(env={"RULEWARD_LOG_FORMAT": "json"}).start()
    server.client().call("ListPolicyAssignments")
    server.terminate()
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert lines, server.log()


def test_the_first_command_of_the_readme_finds_its_program():
    """`cargo run --release` without a name has to mean the server, whatever else is built."""
    root = pathlib.Path(__file__).parents[1]
    assert "cargo run --release -- serve --dev --sample" in (root / "README.md").read_text()
    told = subprocess.run(
        ["cargo", "run", "--release", "--quiet", "--", "--version"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("ruleward "), told.stdout
