"""Rules that run by the clock: due once, never twice, once after a long sleep."""

import datetime

import pytest

from harness import polling
from harness.client import utc_now
from harness.disk import build
from harness.samples import TRACK_BUCKET_ID, resource

RULES = "/v1/resource-manager/domains/{domain_id}/policy-assignments"
HOURS = {"One_Hour": 1, "Three_Hours": 3, "Six_Hours": 6, "Twelve_Hours": 12, "TwentyFour_Hours": 24}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build("clock", tmp_path_factory.mktemp("clock"))


class Shifted:
    """A server whose wall clock is some seconds ahead, and a client that signs by that clock."""

    def __init__(self, server, library):
        self.server = server
        self.library = library
        self.offset = 0

    def at(self, seconds):
        """Restarts the server with its clock so many seconds ahead."""
        if self.server.process is not None:
            assert self.server.terminate() == 0
        self.offset = seconds
        self.server.start(env={"LD_PRELOAD": str(self.library), "CLOCK_OFFSET": str(int(seconds))})
        return self

    def ask(self, method, path, **options):
        date = utc_now() + datetime.timedelta(seconds=self.offset)
        return self.server.client().request(method, path, date=date, **options)

    def rule(self, period, definition=TRACK_BUCKET_ID, parameters=None):
        body = {
            "name": f"every {period}", "policy_definition_id": definition, "period": period,
            "parameters": {"trackBucket": {"value": "rms"}} if parameters is None else parameters,
        }
        id = self.ask("PUT", RULES, json_body=body, expect=200).json["id"]
        self.settled(id)
        return id

    def run(self, id):
        """The rule's last run, or nothing while it is going on."""
        answer = self.ask("GET", f"{RULES}/{id}/policy-states/evaluation-state", expect=200).json
        return answer["state"] == "Succeeded" and answer

    def settled(self, id):
        return polling.until(lambda: self.run(id), what=f"the run of {id}")["start_time"]

    def newer(self, id, than, seconds=20):
        def probe():
            run = self.run(id)
            return run and run["start_time"] > than and run["start_time"]

        return polling.until(probe, seconds=seconds, what=f"a run of {id} after {than}")

    def states(self, id):
        rows = self.ask("GET", f"{RULES}/{id}/policy-states", expect=200).json["value"]
        return {row["resource_id"]: row["compliance_state"] for row in rows}


@pytest.fixture
def clock(new_server, library):
    return Shifted(new_server(), library).at(0)


def test_the_shim_shifts_the_server(clock):
    clock.at(7200)
    assert clock.ask("GET", RULES).status == 200
    assert clock.server.client().request("GET", RULES).status == 401


def test_each_period_is_due_after_its_time_and_not_before(clock):
    rules = {period: clock.rule(period) for period in HOURS}
    last = {period: clock.settled(id) for period, id in rules.items()}
    for hours in (1, 3, 6, 12, 24):
        # A minute after: every period that divides this hour is due, and no other.
        clock.at(hours * 3600 + 60)
        for period, id in rules.items():
            if HOURS[period] <= hours:
                last[period] = clock.newer(id, last[period])
            else:
                assert clock.settled(id) == last[period], f"{period} ran after {hours} h"


def test_a_restart_runs_nothing_twice(clock):
    id = clock.rule("One_Hour")
    first = clock.settled(id)
    clock.at(3600 + 60)
    second = clock.newer(id, first)
    for later in (70, 80, 90):
        clock.at(3600 + later)
        assert clock.settled(id) == second


def test_a_long_sleep_is_caught_up_once(clock):
    id = clock.rule("One_Hour")
    first = clock.settled(id)
    clock.at(48 * 3600 + 600)
    second = clock.newer(id, first)
    clock.at(48 * 3600 + 630)
    assert clock.settled(id) == second, "one run stands for all that were missed"


def test_a_rule_becomes_due_while_the_server_runs(clock):
    id = clock.rule("One_Hour")
    first = clock.settled(id)
    started = datetime.datetime.fromisoformat(first.replace("Z", "+00:00"))
    due = started + datetime.timedelta(hours=1)
    clock.at((due - utc_now()).total_seconds() - 3)
    clock.newer(id, first, seconds=40)


def test_a_disabled_rule_is_not_run(clock):
    id = clock.rule("One_Hour")
    first = clock.settled(id)
    clock.ask("POST", f"{RULES}/{id}/disable", expect=202)
    clock.at(2 * 3600)
    assert clock.settled(id) == first


def test_the_clock_sees_what_changed(clock):
    """A periodic rule judges what the inventory holds at its time."""
    id = clock.rule("One_Hour")
    first = clock.settled(id)
    assert set(clock.states(id).values()) == {"NonCompliant"}, "no tracker at all"
    tracker = resource("cts", "trackers", {"obsInfo": {"bucketName": "rms"}, "status": "enabled"}, id="system")
    clock.ask("PUT", "/v1/ruleward/domains/{domain_id}/resources/system", json_body=tracker, expect=(200, 201))
    clock.at(3600 + 60)
    clock.newer(id, first)
    assert len(clock.states(id)) == 1
