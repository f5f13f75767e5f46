"""`ruleward import`: files of resources, of any size, in any of the forms."""

import gzip
import json
import re

import pytest

from harness.account import Account
from harness.samples import ecs, volume


@pytest.fixture
def fleet():
    return [volume(id=f"i{n}", status="available" if n % 2 else "in-use") for n in range(10)]


@pytest.fixture
def rule(account):
    yield account.rule()


@pytest.fixture(autouse=True)
def no_leftovers(client):
    yield
    for number in range(10):
        client.request("DELETE", f"/v1/ruleward/domains/{{domain_id}}/resources/i{number}", expect=(204, 404))


def report(done):
    """The counts that the command prints at its end, as words and numbers."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", (done.stdout + done.stderr).decode())
    found = {}
    for word in ("created", "changed", "unchanged", "deleted", "refused"):
        for line in text.replace(",", " ").replace(":", " ").splitlines():
            parts = line.split()
            for left, right in zip(parts, parts[1:]):
                if left == word and right.isdecimal():
                    found.setdefault(word, int(right))
                elif right == word and left.isdecimal():
                    found.setdefault(word, int(left))
    return found


def run(server, *arguments, **options):
    return server.cli("import", *arguments, "--endpoint", server.endpoint, **options)


FORMS = {
    "lines": lambda fleet: "\n".join(map(json.dumps, fleet)).encode(),
    "array": lambda fleet: json.dumps(fleet).encode(),
    "pretty array": lambda fleet: json.dumps(fleet, indent=2).encode(),
    "gzip lines": lambda fleet: gzip.compress("\n".join(map(json.dumps, fleet)).encode()),
    "gzip array": lambda fleet: gzip.compress(json.dumps(fleet).encode()),
    "crlf": lambda fleet: "\r\n".join(map(json.dumps, fleet)).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(server, account, rule, tmp_path, fleet, form):
    file = tmp_path / "inventory"
    file.write_bytes(FORMS[form](fleet))
    counts = report(run(server, file))
    assert (counts.get("created"), counts.get("refused", 0)) == (10, 0)
    assert account.states(rule) == {
        f"i{n}": "NonCompliant" if n % 2 else "Compliant" for n in range(10)
    }


def test_from_standard_input(server, account, rule, fleet):
    run(server, "-", stdin=FORMS["lines"](fleet))
    assert len(account.states(rule)) == 10


def test_again_changes_nothing(server, tmp_path, fleet):
    file = tmp_path / "inventory"
    file.write_bytes(FORMS["lines"](fleet))
    run(server, file)
    fleet[3] = volume(id="i3", volume_type="SAS")
    file.write_bytes(FORMS["lines"](fleet))
    counts = report(run(server, file))
    assert (counts.get("created", 0), counts["changed"], counts["unchanged"]) == (0, 1, 9)


def test_refused_lines_are_told_and_the_rest_is_taken(server, account, rule, tmp_path, fleet):
    lines = FORMS["lines"](fleet).decode().splitlines()
    lines[2] = "{not json"
    lines[5] = json.dumps({**fleet[5], "provider": None})
    file = tmp_path / "inventory"
    file.write_text("\n".join(lines))
    done = run(server, file, code=1)
    text = (done.stdout + done.stderr).decode()
    assert report(done)["refused"] == 2
    assert "3" in text and "6" in text and "provider" in text
    assert len(account.states(rule)) == 8


def test_replace_deletes_what_the_file_does_not_name(server, account, rule, tmp_path, fleet):
    account.put(ecs(id="e1"))
    file = tmp_path / "inventory"
    file.write_bytes(FORMS["lines"](fleet))
    run(server, file)
    file.write_bytes(FORMS["lines"](fleet[:7]))
    counts = report(run(server, file, "--replace", "evs.volumes"))
    assert counts["deleted"] == 3
    assert account.states(rule).keys() == {f"i{n}" for n in range(7)}
    account.client.request("GET", "/v1/ruleward/domains/{domain_id}/resources/e1", expect=200)


def test_replace_does_not_delete_most_of_a_type(server, account, rule, tmp_path, fleet):
    file = tmp_path / "inventory"
    file.write_bytes(FORMS["lines"](fleet))
    run(server, file)
    file.write_bytes(FORMS["lines"](fleet[:2]))
    run(server, file, "--replace", "evs.volumes", code=1)
    assert len(account.states(rule)) == 10
    assert report(run(server, file, "--replace", "evs.volumes", "--force"))["deleted"] == 8
    assert account.states(rule).keys() == {"i0", "i1"}


def test_replace_deletes_nothing_when_a_line_was_refused(server, account, rule, tmp_path, fleet):
    file = tmp_path / "inventory"
    file.write_bytes(FORMS["lines"](fleet))
    run(server, file)
    file.write_bytes(FORMS["lines"](fleet[:8]) + b"\n{broken")
    run(server, file, "--replace", "evs.volumes", code=1)
    assert len(account.states(rule)) == 10


def test_an_empty_file(server, tmp_path):
    file = tmp_path / "inventory"
    file.write_bytes(b"")
    counts = report(run(server, file))
    assert not any(counts.values())


def test_a_file_that_is_not_there(server, tmp_path):
    done = run(server, tmp_path / "lost", code=None)
    assert done.returncode not in (0, 101)
    assert "lost" in done.stderr.decode()


def test_a_server_that_is_not_there(server, tmp_path, fleet):
    file = tmp_path / "inventory"
    file.write_bytes(FORMS["lines"](fleet))
    done = server.cli("import", file, "--endpoint", "http://127.0.0.1:1", code=None)
    assert done.returncode not in (0, 101)
    assert done.stderr


def test_an_export_of_many_batches(new_server, tmp_path):
    """More than one batch of 8 MiB; the counts and the verdicts are right and the memory is small."""
    server = new_server().start()
    account = Account(server.client())
    rule = account.rule()
    file = tmp_path / "inventory.gz"
    with gzip.open(file, "wt", compresslevel=1) as lines:
        for number in range(20_000):
            body = volume(id=f"big{number}", status="available" if number % 10 == 0 else "in-use")
            body["properties"]["filler"] = "x" * 600
            lines.write(json.dumps(body) + "\n")
    counts = report(server.cli("import", file, "--endpoint", server.endpoint))
    assert counts["created"] == 20_000
    assert account.rule_counts(rule) == (18_000, 2_000)
    assert account.counts() == ((18_000, 2_000), (0, 1))
    assert server.resident_bytes() < 160 * 1024 * 1024
