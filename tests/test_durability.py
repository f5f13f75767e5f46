"""Acknowledged means kept: over SIGKILL, and over a power cut that loses what was not synced."""

import contextlib
import dataclasses
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import requests
from huaweicloudsdkcore.exceptions.exceptions import SdkException

from harness import polling
from harness.account import Account
from harness.disk import Disk, build
from harness.samples import POLICIES, volume

# How long the load lasts in all; a nightly run may take longer.
SECONDS = float(os.environ.get("RULEWARD_CRASH_SECONDS", "16"))
SEED = int(os.environ.get("RULEWARD_CRASH_SEED", random.randrange(2**32)))
WRITERS = 3
RULES = "/v1/resource-manager/domains/{domain_id}/policy-assignments"
RESOURCES = "/v1/ruleward/domains/{domain_id}/resources"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build("powercut", tmp_path_factory.mktemp("powercut"))


# -- the disk itself ---------------------------------------------------------------------------------


def run_program(disk, program, **options):
    environment = {**os.environ, **disk.plug_in(**options)}
    done = subprocess.run(
        [sys.executable, "-c", f"import os\nos.chdir({str(disk.folder)!r})\n{program}\nos.kill(os.getpid(), 9)"],
        env=environment, capture_output=True, text=True,
    )
    assert done.returncode == -9, done.stderr
    disk.cut()
    return {path.name: path.read_bytes() for path in disk.folder.iterdir() if path.is_file()}


OPEN = "f = os.open('f', os.O_RDWR | os.O_CREAT)\n"


@pytest.mark.parametrize(
    ("program", "left"),
    [
        ("os.write(f, b'lost')", {}),
        ("os.write(f, b'kept'); os.fsync(f)", {"f": b"kept"}),
        ("os.write(f, b'kept'); os.fdatasync(f)", {"f": b"kept"}),
        ("os.write(f, b'kept'); os.fsync(f); os.write(f, b'lost')", {"f": b"kept"}),
        ("os.write(f, b'aaaa'); os.fsync(f); os.pwrite(f, b'lost', 0); os.pwrite(f, b'x', 9)", {"f": b"aaaa"}),
        ("os.write(f, b'aaaa'); os.fsync(f); os.pwrite(f, b'b', 1); os.pwrite(f, b'c', 6); os.fsync(f)", {"f": b"abaa\0\0c"}),
        ("os.write(f, b'aaaa'); os.fsync(f); os.ftruncate(f, 1)", {"f": b"aaaa"}),
        ("os.write(f, b'aaaa'); os.fsync(f); os.ftruncate(f, 1); os.ftruncate(f, 3); os.fsync(f)", {"f": b"a\0\0"}),
        ("os.write(f, b'aaaa'); os.fsync(f); os.close(os.open('f', os.O_WRONLY | os.O_TRUNC))", {"f": b"aaaa"}),
        ("os.writev(f, [b'a', b'b']); g = os.dup(f); os.write(g, b'c'); os.fsync(g)", {"f": b"abc"}),
        ("os.write(f, b'kept'); os.fsync(f); os.unlink('f')", {"f": b"kept"}),
        ("os.write(f, b'a'); os.fsync(f); os.unlink('f'); os.fsync(os.open('.', 0))", {}),
        (
            "os.write(f, b'old'); os.fsync(f); os.unlink('f'); g = os.open('f', os.O_RDWR | os.O_CREAT)\n"
            "os.write(g, b'n'); os.fsync(g); os.fsync(os.open('.', 0))",
            {"f": b"n"},
        ),
        ("os.write(f, b'kept'); os.fsync(f); os.rename('f', 'g')", {"f": b"kept"}),
        ("os.write(f, b'kept'); os.fsync(f); os.rename('f', 'g'); os.fsync(os.open('.', 0))", {"g": b"kept"}),
        (
            "os.write(f, b'old'); os.fsync(f); g = os.open('g', os.O_RDWR | os.O_CREAT); os.write(g, b'new')\n"
            "os.fsync(g); os.rename('g', 'f'); os.write(g, b'er'); os.fsync(g)",
            {"f": b"old", "g": b"newer"},
        ),
        (
            "os.write(f, b'old'); os.fsync(f); g = os.open('g', os.O_RDWR | os.O_CREAT); os.write(g, b'new')\n"
            "os.fsync(g); os.rename('g', 'f'); os.fsync(os.open('.', 0)); os.write(g, b'er'); os.fsync(g)",
            {"f": b"newer"},
        ),
        ("d = os.open('d', os.O_RDWR | os.O_CREAT | os.O_DSYNC); os.write(d, b'kept')", {"d": b"kept"}),
        ("s = os.open('x-shm', os.O_RDWR | os.O_CREAT); os.write(s, b'memory'); os.fsync(s)", {}),
    ],
)
def test_the_disk_keeps_what_was_synced_and_nothing_else(library, tmp_path, program, left):
    assert run_program(Disk(library, tmp_path / "disk"), OPEN + program) == left


def test_the_disk_keeps_what_was_there_before(library, tmp_path):
    disk = Disk(library, tmp_path / "disk")
    disk.folder.mkdir()
    (disk.folder / "f").write_bytes(b"before")
    assert run_program(disk, OPEN + "os.write(f, b'lost')") == {"f": b"before"}


def test_a_lying_disk_loses_even_what_was_synced(library, tmp_path):
    assert run_program(Disk(library, tmp_path / "disk"), OPEN + "os.write(f, b'x'); os.fsync(f)", lie=True) == {}


DATABASE = """
import os, sqlite3
base = sqlite3.connect('base', isolation_level=None)
base.execute('PRAGMA journal_mode = WAL')
base.execute('PRAGMA synchronous = {level}')
base.execute('PRAGMA wal_autocheckpoint = 20')
base.execute('CREATE TABLE IF NOT EXISTS t (n INTEGER, filler TEXT)')
for n in range({rows}):
    base.execute('INSERT INTO t VALUES (?, ?)', (n, 'x' * (n * 37 % 5000)))
"""


@pytest.mark.parametrize(("level", "kept"), [("FULL", True), ("OFF", False)])
def test_a_database_on_this_disk_keeps_what_it_promised(library, tmp_path, level, kept):
    disk = Disk(library, tmp_path / "disk")
    for rows in (1, 7, 40, 300):
        run_program(disk, DATABASE.format(level=level, rows=rows))
        try:
            with contextlib.closing(sqlite3.connect(disk.folder / "base")) as base:
                assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                whole = base.execute("SELECT count(*) FROM t").fetchone()[0] >= rows
        except sqlite3.Error:
            whole = False
        assert whole == kept, rows
        for path in disk.folder.iterdir():
            path.unlink()


# -- the load ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Known:
    """What a client knows of one thing: what was acknowledged, and what it asked for last."""

    acknowledged: object = None
    in_doubt: object = None
    doubtful: bool = False

    def ask(self, value):
        self.in_doubt, self.doubtful = value, True

    def acknowledge(self):
        self.acknowledged, self.doubtful = self.in_doubt, False

    def allows(self, value):
        return value == self.acknowledged or (self.doubtful and value == self.in_doubt)

    def learn(self, value):
        self.acknowledged, self.doubtful = value, False


class Load:
    """Clients which write until the server dies under them, and remember what they were told."""

    def __init__(self, server, random_source):
        self.server = server
        self.random = random_source
        self.resources = {}
        self.rules = {}
        self.answers = 0
        self.failures = []

    def run(self, seconds, end):
        """Writes for some seconds, then ends the server by `end`."""
        self.ending = threading.Event()
        threads = [
            threading.Thread(target=self._guarded, args=(self._write, number, self.random.random()))
            for number in range(WRITERS)
        ]
        threads.append(threading.Thread(target=self._guarded, args=(self._rule, 0, self.random.random())))
        before = self.answers
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        end()
        self.ending.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        assert not self.failures, self.failures
        assert self.answers > before, "the load did nothing"

    def _guarded(self, action, number, seed):
        client = self.server.client()
        source = random.Random(seed)
        try:
            while not self.ending.is_set():
                action(client, number, source)
        except (requests.RequestException, SdkException, AssertionError) as error:
            # A server that is being ended may break off or answer 503; nothing was acknowledged.
            if self.server.process is not None:
                self.failures.append(repr(error))
        except Exception as error:
            self.failures.append(repr(error))

    def _answered(self, known):
        known.acknowledge()
        self.answers += 1

    def _write(self, client, number, source):
        id = f"w{number}-{source.randrange(40)}"
        known = self.resources.setdefault(id, Known())
        path = f"{RESOURCES}/{id}"
        if known.acknowledged is not None and source.random() < 0.2:
            known.ask(None)
            client.request("DELETE", path, expect=204)
        else:
            status = source.choice(("available", "in-use"))
            kind = source.choice(("SSD", "SATA"))
            body = volume(id=id, status=status, volume_type=kind, tags={"step": str(source.random())})
            known.ask(body)
            client.request("PUT", path, json_body=body, expect=(200, 201))
        self._answered(known)

    def _rule(self, client, _number, source):
        name = f"rule {source.randrange(6)}"
        known = self.rules.setdefault(name, Known())
        if known.acknowledged is None:
            body = {
                "name": name, "policy_definition_id": POLICIES["allowed-volume-specs"],
                "parameters": {"listOfAllowedSpecs": {"value": [source.choice(("SSD", "SATA"))]}},
            }
            known.ask(("Enabled", body["parameters"]))
            client.request("PUT", RULES, json_body=body, expect=200)
        else:
            state, parameters = known.acknowledged
            (row,) = client.page("ListPolicyAssignments", policy_assignment_name=name)
            path = f"{RULES}/{row['id']}"
            if state == "Disabled":
                if source.random() < 0.5:
                    known.ask(None)
                    client.request("DELETE", path, expect=200)
                else:
                    known.ask(("Enabled", parameters))
                    client.request("POST", f"{path}/enable", expect=202)
            elif source.random() < 0.5:
                known.ask(("Disabled", parameters))
                client.request("POST", f"{path}/disable", expect=202)
            else:
                body = {
                    "name": name, "policy_definition_id": POLICIES["allowed-volume-specs"],
                    "parameters": {"listOfAllowedSpecs": {"value": [source.choice(("SSD", "SATA"))]}},
                }
                known.ask((state, body["parameters"]))
                client.request("PUT", path, json_body=body, expect=200)
        self._answered(known)

    # -- after the restart -----------------------------------------------------------------------

    def check(self):
        """Nothing acknowledged is missing, and every evaluation that was pending completes."""
        client = self.server.client()
        account = Account(client)
        bodies = {}
        for id, known in self.resources.items():
            answer = client.request("GET", f"{RESOURCES}/{id}", expect=(200, 404))
            found = answer.json if answer.status == 200 else None
            assert known.allows(found), (id, known, found)
            known.learn(found)
            if found is not None:
                bodies[id] = found
        rules = {row["name"]: row for row in client.pages("ListPolicyAssignments")}
        for name, known in self.rules.items():
            row = rules.pop(name, None)
            found = row and ("Disabled" if row["state"] == "Disabled" else "Enabled", row["parameters"])
            assert known.allows(found), (name, known, found)
            known.learn(found)
            if found is not None and found[0] == "Enabled":
                account.settle(row["id"])
                (allowed,) = found[1]["listOfAllowedSpecs"]["value"]
                expected = {
                    id: "Compliant" if body["properties"]["volumeType"] == allowed else "NonCompliant"
                    for id, body in bodies.items()
                }
                assert account.states(row["id"]) == expected, name
        assert not rules, "a rule that nobody made"
        self._check_counts(account)

    def _check_counts(self, account):
        enabled = {row["id"] for row in account.client.pages("ListPolicyAssignments") if row["state"] == "Enabled"}
        resources, rules = {}, {}
        for (rule, resource), verdict in account.domain_states().items():
            if rule in enabled:
                broken = verdict == "NonCompliant"
                resources[resource] = resources.get(resource, False) or broken
                rules[rule] = rules.get(rule, False) or broken
        assert account.counts() == (
            (len(resources) - sum(resources.values()), sum(resources.values())),
            (len(rules) - sum(rules.values()), sum(rules.values())),
        )


@pytest.fixture
def load(new_server):
    print(f"RULEWARD_CRASH_SEED={SEED}")
    return Load(new_server(), random.Random(SEED))


@pytest.mark.timeout(120 + 4 * SECONDS)
def test_sigkill_under_load(load):
    load.server.start()
    deadline = time.monotonic() + SECONDS / 2
    rounds = 0
    while time.monotonic() < deadline or rounds < 3:
        load.run(load.random.uniform(0.2, 1.5), load.server.kill)
        load.server.start()
        load.check()
        rounds += 1


@pytest.mark.timeout(120 + 4 * SECONDS)
def test_power_cuts_under_load(load, library):
    server = load.server
    server.start()
    assert server.terminate() == 0
    disk = Disk(library, server.data)
    deadline = time.monotonic() + SECONDS / 2
    rounds = 0
    while time.monotonic() < deadline or rounds < 3:
        server.start(env=disk.plug_in())
        load.run(load.random.uniform(0.2, 1.5), server.kill)
        disk.cut()
        server.start()
        load.check()
        assert server.terminate() == 0
        rounds += 1


def test_this_test_would_notice(load, library):
    """On a disk that keeps nothing, acknowledged writes are missed: the test can fail."""
    server = load.server
    server.start()
    assert server.terminate() == 0
    disk = Disk(library, server.data)
    server.start(env=disk.plug_in(lie=True))
    load.run(0.5, server.kill)
    disk.cut()
    server.start()
    with pytest.raises(AssertionError):
        load.check()


def test_a_power_cut_during_a_long_run(new_server, library):
    """A rule whose run was cut off finishes it after the restart, without being asked."""
    server = new_server().start()
    account = Account(server.client())
    account.put_many(volume(id=f"v{n}", status="available") for n in range(12_000))
    assert server.terminate() == 0
    disk = Disk(library, server.data)
    server.start(env=disk.plug_in())
    client = server.client()
    made = [
        client.request(
            "PUT", RULES, json_body={"name": f"r{n}", "policy_definition_id": POLICIES["volume-unused-check"]}, expect=200
        ).json["id"]
        for n in range(5)
    ]
    server.kill()
    disk.cut()
    server.start()
    account = Account(server.client())
    for id in made:
        polling.until(lambda: account.show(id)["state"] == "Enabled", what="the run to be taken up again")
        account.settle(id)
        assert account.rule_counts(id) == (0, 12_000)
    assert account.counts() == ((0, 12_000), (0, 5))


def test_sigterm_loses_nothing(load):
    load.server.start()
    for _ in range(2):
        load.run(0.5, lambda: load.server.terminate())
        load.server.start()
        load.check()


def test_an_acknowledged_write_is_there_after_sigkill_at_once(new_server):
    server = new_server().start()
    for number in range(5):
        client = server.client()
        client.request("PUT", f"{RESOURCES}/v{number}", json_body=volume(id=f"v{number}"), expect=(200, 201))
        server.kill()
        server.start()
        for earlier in range(number + 1):
            server.client().request("GET", f"{RESOURCES}/v{earlier}", expect=200)
