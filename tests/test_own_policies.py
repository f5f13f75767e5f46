"""Policies of one's own: their files, their tests, and a server that knows them."""

import json
import subprocess

import pytest

from harness.account import Account
from harness.samples import POLICIES, volume
from harness.server import BINARY, clean_environment

GOOD = """\
name: disk-is-small
display_name: "Small disks"
description: "A disk is non-compliant if it is larger than allowed."
trigger_type: resource
default_resource_types:
  - {provider: evs, type: volumes}
parameters:
  most:
    type: "Integer"
    description: "The largest size in GiB."
policy_rule:
  allOf:
    - value: "${resource().provider}"
      comparator: "equals"
      pattern: "evs"
    - value: "${resource().type}"
      comparator: "equals"
      pattern: "volumes"
    - value: "${resource().properties.size}"
      comparator: "greater"
      pattern: "${parameters('most')}"
cases:
  - name: "at the limit"
    parameters: {most: 40}
    resource: {provider: "evs", type: "volumes", properties: {size: 40}}
    expect: compliant
  - name: "above it"
    parameters: {most: 40}
    resource: {provider: "evs", type: "volumes", properties: {size: 41}}
    expect: non-compliant
"""


def cli(*arguments, code=0, seconds=60, folder=None):
    """Runs a command that needs no server; answers what it printed on both ways."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds,
        env=clean_environment(), cwd=folder,
    )
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{text}"
    return text


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "disk-is-small.yaml"
    path.write_text(GOOD)
    return path


# -- for authors -------------------------------------------------------------------------------------


def test_the_whole_catalogue_passes_its_cases():
    reports = json.loads(cli("policies", "test", "--all", "--output", "json", seconds=300))
    failed = [row["policy"] for row in reports if not row["passed"]]
    assert not failed
    assert POLICIES.keys() <= {row["policy"] for row in reports}
    for row in reports:
        for condition in row["report"]["conditions"]:
            assert condition["seen_true"] and (condition["seen_false"] or condition["guard"]), (row["policy"], condition)


def test_cases_that_pass(file):
    assert "1 policies, 2 cases: 1 pass, 0 fail" in cli("policies", "test", file)
    assert "1 pass" in cli("policies", "test", file.parent)


def test_a_failing_case_is_told_with_a_difference_and_the_reason(file):
    file.write_text(GOOD.replace("size: 40}", "size: 50}"))
    text = cli("policies", "test", file, code=1)
    for words in ("FAIL", "at the limit", "- compliant", "+ non-compliant", "properties.size", "50", "never false: /allOf/2"):
        assert words in text, words


def test_a_faulty_file_is_told_with_its_place(file):
    file.write_text(GOOD.replace("greater", "grater"))
    line = 1 + [number for number, text in enumerate(GOOD.splitlines()) if "greater" in text][0]
    for command in (("test",), ("lint",), ("fmt",)):
        assert f"{file}:{line}:" in cli("policies", *command, file, code=2)
    assert cli("policies", "test", file.parent / "nowhere.yaml", code=2)


def test_lint(file):
    assert "0 errors" in cli("policies", "lint", file)
    file.write_text(GOOD.replace('pattern: "${parameters(\'most\')}"', 'pattern: "x"').replace(
        'parameters:\n  most:\n    type: "Integer"\n    description: "The largest size in GiB."\n', ""
    ).replace("    parameters: {most: 40}\n", "").replace("resource().properties.size", "length(resource().tags)"))
    text = cli("policies", "lint", file, code=1)
    assert f"{file}:" in text and "error" in text


def test_fmt(file):
    cli("policies", "fmt", file)
    formed = file.read_text()
    assert cli("policies", "fmt", "--check", file) == ""
    file.write_text(formed.replace("trigger_type: resource", "trigger_type:    resource"))
    assert str(file) in cli("policies", "fmt", "--check", file, code=1)
    assert "trigger_type:    resource" in file.read_text()
    cli("policies", "fmt", file)
    assert file.read_text() == formed
    cli("policies", "test", file)


def test_add(file, tmp_path):
    data = tmp_path / "data"
    cli("policies", "add", file, "--data", data)
    added = data / "policies" / "disk-is-small.yaml"
    assert added.read_text() == GOOD
    assert "--replace" in cli("policies", "add", file, "--data", data, code=2)
    file.write_text(GOOD.replace("Small disks", "Smaller disks"))
    cli("policies", "add", file, "--data", data, "--replace")
    assert "Smaller disks" in added.read_text()
    file.write_text(GOOD.replace("size: 40}", "size: 50}"))
    assert "FAIL" in cli("policies", "add", file, "--data", data, "--replace", code=1)
    file.write_text(GOOD.replace("name: disk-is-small", "name: volume-unused-check", 1))
    assert "volume-unused-check" in cli("policies", "add", file, "--data", data, code=2)
    assert [path.name for path in added.parent.iterdir()] == ["disk-is-small.yaml"]


# -- on a server -------------------------------------------------------------------------------------


def test_a_server_judges_by_a_policy_of_ones_own(new_server, file):
    server = new_server()
    server.data.mkdir(parents=True)
    cli("policies", "add", file, "--data", server.data)
    account = Account(server.start().client())
    account.put_all(volume(id="v40"))
    (definition,) = [
        row for row in account.client.page("ListBuiltInPolicyDefinitions") if row["name"] == "disk-is-small"
    ]
    shown = account.client.call("ShowBuiltInPolicyDefinition", policy_definition_id=definition["id"]).json
    assert shown == definition and shown["policy_type"] == "builtin"
    rule = account.rule(definition["id"], parameters={"most": 39})
    assert account.states(rule) == {"v40": "NonCompliant"}
    assert account.explain(rule, "v40")["explanation"]["outcome"] == "non_compliant"

    # Another meaning of the same policy judges anew at the next start.
    changed = GOOD.replace('comparator: "greater"', 'comparator: "less"').replace(
        "{size: 41}", "{size: 39}"
    )
    (server.data / "policies" / "disk-is-small.yaml").write_text(changed)
    server.restart()
    account = Account(server.client())
    account.settle(rule)
    assert account.states(rule) == {"v40": "Compliant"}


def test_a_folder_by_option_and_by_configuration(new_server, file, tmp_path):
    config = tmp_path / "ruleward.toml"
    config.write_text(f'[policies]\nfolder = "{file.parent}"\n')
    for name, arguments in (("a", ["--policies", file.parent]), ("b", ["--config", config])):
        client = new_server(name, arguments=arguments).start().client()
        names = [row["name"] for row in client.page("ListBuiltInPolicyDefinitions")]
        assert "disk-is-small" in names


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("greater", "grater"), "disk-is-small.yaml:"),
        (("name: disk-is-small", "name: volume-unused-check"), "disk-is-small.yaml:1:1: the name `volume-unused-check`"),
        (("name: disk-is-small", f"id: {POLICIES['volume-unused-check']}\nname: other"), "disk-is-small.yaml:1:1: the id"),
    ],
)
def test_a_faulty_file_refuses_the_start(new_server, file, change, words):
    file.write_text(GOOD.replace(*change, 1))
    server = new_server(arguments=["--policies", file.parent])
    with pytest.raises(AssertionError, match="ended with 2"):
        server.start()
    assert words in server.log()


def test_a_rule_whose_policy_is_gone_refuses_the_start(new_server, file):
    server = new_server()
    server.data.mkdir(parents=True)
    cli("policies", "add", file, "--data", server.data)
    account = Account(server.start().client())
    definition = [row for row in account.client.page("ListBuiltInPolicyDefinitions") if row["name"] == "disk-is-small"]
    rule = account.rule(definition[0]["id"], parameters={"most": 39}, name="small disks")
    assert server.terminate() == 0
    path = server.data / "policies" / "disk-is-small.yaml"
    text = path.read_text()
    path.unlink()
    with pytest.raises(AssertionError):
        server.start()
    assert "small disks" in server.log()
    server.admin("users", "list", server.domain_id, code=None)
    path.write_text(text)
    assert Account(server.start().client()).show(rule)["state"] == "Enabled"
