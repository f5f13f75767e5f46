"""Custom rules: the user's own functions, with the vendor's SDK in them, against the real binary."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import shutil
import sys
import threading

import pytest
import requests

from harness import polling
from harness.account import Account
from harness.samples import volume

FUNCTIONS = pathlib.Path(__file__).parent / "functions"
FAMILY = "urn:fss:cn-north-4:0605767f9f00d5762fd6c01d6ba3a2f5:function:default"
# How many resources go through the function that crashes; once in a while ten thousand.
MANY = int(os.environ.get("RULEWARD_FUNCTION_EVENTS", "600"))


class Functions:
    """A server with its account, and a folder of functions that a test may change."""

    def __init__(self, new_server, folder, **settings):
        self.folder = folder
        shutil.copytree(FUNCTIONS, folder)
        config = folder.parent / "ruleward.toml"
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        config.write_text("\n".join(["[functions]", f"interpreter = {json.dumps(sys.executable)}", *lines]))
        self.server = new_server(arguments=["--config", config]).start()
        self.account = Account(self.server.client())

    def cli(self, *arguments, **options):
        return self.server.cli("functions", *arguments, **options)

    def add(self, name, file, *arguments):
        """Configures a file of the folder; answers its URN."""
        urn = f"{FAMILY}:{name}:latest"
        self.cli("add", "--urn", urn, "--python", self.folder / file, *arguments)
        return urn

    def write(self, file, text):
        (self.folder / file).write_text(text)

    def rule(self, urn, **options):
        """Makes a rule; answers its id, without waiting for anything."""
        policy = {"function_urn": urn, "auth_type": "agency", "auth_value": {"agency_name": "a"}}
        return self.account.create(policy_assignment_type="custom", custom_policy=policy, **options)["id"]

    def evaluation(self, rule):
        return self.account.client.call("ShowEvaluationStateByAssignmentId", policy_assignment_id=rule).json

    def settled(self, rule, seconds=60):
        """Waits until every call of the rule has ended; answers its evaluation state."""

        def done():
            told = self.evaluation(rule)
            return told["state"] != "Running" and self.account.show(rule)["state"] == "Enabled" and told

        return polling.until(done, seconds=seconds, what=f"the calls for rule {rule} to end")

    def numbers(self, urn):
        """What became of the calls of a function."""
        (found,) = [of for of in json.loads(self.cli("list", "-o", "json").stdout) if of["urn"] == urn]
        return found

    def dead_letters(self):
        return json.loads(self.cli("dead-letters", "-o", "json").stdout)

    def metric(self, line):
        text = requests.get(f"{self.server.endpoint}/metrics", timeout=10).text
        (found,) = re.findall(rf"^{re.escape(line)} (\d+)$", text, re.MULTILINE)
        return int(found)


@pytest.fixture
def functions(new_server, tmp_path):
    return Functions(new_server, tmp_path / "functions", attempts=2, first_retry_seconds=0)


def test_a_function_with_the_vendors_sdk_judges_resources(functions):
    account = functions.account
    account.put_all(volume(id="v1"), volume(id="v2", status="available"))
    urn = functions.add("judge", "resource_sdk.py")
    rule = functions.rule(urn, filter={"resource_provider": "evs"})
    assert functions.settled(rule)["state"] == "Succeeded"
    assert account.states(rule) == {"v1": "Compliant", "v2": "NonCompliant"}
    assert account.counts() == ((1, 1), (0, 1))
    # A resource that changes, and one that is new.
    account.put(volume(id="v2"))
    account.put(volume(id="v3", status="error"))
    wanted = {"v1": "Compliant", "v2": "Compliant", "v3": "NonCompliant"}
    polling.until(lambda: account.states(rule) == wanted, what="the function to judge what changed")
    # A parameter that changes.
    account.update(rule, parameters={"wanted": {"value": ["error"]}})
    wanted = {"v1": "NonCompliant", "v2": "NonCompliant", "v3": "Compliant"}
    polling.until(lambda: account.states(rule) == wanted, what="the function to judge by the new parameter")
    numbers = functions.numbers(urn)
    assert (numbers["calls"], numbers["failed_calls"], numbers["accepted_results"]) == (7, 0, 7)
    logged = functions.cli("logs", urn).stdout.decode()
    assert "v3 is Compliant" in logged and logged.count("finished") == 7, logged


def test_a_periodic_function_counts_through_the_sdk(functions):
    account = functions.account
    account.put_many(volume(id=f"v{n}", status="available" if n < 5 else "in-use") for n in range(20))
    account.rule("volume-unused-check")
    urn = functions.add("count", "periodic_sdk.py")
    rule = functions.rule(urn, period="One_Hour", parameters={"most": 4})
    assert functions.settled(rule)["state"] == "Succeeded"
    assert account.states(rule) == {account.domain_id: "NonCompliant"}
    account.put(volume(id="v0"))
    account.client.call("RunEvaluationByPolicyAssignmentId", policy_assignment_id=rule)
    polling.until(lambda: account.states(rule) == {account.domain_id: "Compliant"}, what="the function to count again")
    assert "4 disks are non-compliant" in functions.cli("logs", urn).stdout.decode()


def test_a_function_may_return_its_result(functions):
    functions.write("short.py", """
def judge(event, context):
    size = event["invoking_event"]["properties"]["size"]
    return {"compliance_state": "Compliant" if size < 50 else "NonCompliant"}
""")
    functions.account.put(volume(id="v"))
    urn = functions.add("short", "short.py:judge")
    rule = functions.rule(urn)
    assert functions.settled(rule)["state"] == "Succeeded"
    assert functions.account.states(rule) == {"v": "Compliant"}
    told = functions.cli("invoke", "--rule", rule, "--resource", "v").stdout.decode()
    assert "outcome: finished" in told and '"compliance_state":"Compliant"' in told
    event = json.dumps({"invoking_event": {"properties": {"size": 60}}}).encode()
    tested = json.loads(functions.cli("test", urn, "--event", "-", "-o", "json", stdin=event).stdout)
    assert tested["returned"] == {"compliance_state": "NonCompliant"}
    # The invented event has no size.
    failed = functions.cli("test", urn, code=2)
    assert "KeyError: 'size'" in failed.stderr.decode()


def test_what_a_function_may_and_may_not_do(functions):
    functions.write("curious.py", """
import json, urllib.request, urllib.error, os

def ask(context, event, method, path):
    region = os.environ["HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4"]
    request = urllib.request.Request(region + path, method=method, headers={"X-Auth-Token": context.getToken()})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code

def handler(event, context):
    domain = "/v1/resource-manager/domains/" + event["domain_id"]
    other = "/v1/resource-manager/domains/" + "0" * 32
    print(json.dumps([
        ask(context, event, "GET", domain + "/policy-states"),
        ask(context, event, "GET", domain + "/policy-assignments"),
        ask(context, event, "PUT", domain + "/policy-assignments"),
        ask(context, event, "GET", other + "/policy-states"),
        ask(context, event, "GET", "/v1/ruleward/functions"),
    ]))
    return {"compliance_state": "Compliant"}
""")
    functions.account.put(volume(id="v"))
    urn = functions.add("curious", "curious.py")
    rule = functions.rule(urn)
    assert functions.settled(rule)["state"] == "Succeeded", functions.cli("logs", urn).stdout
    assert "[200, 403, 403, 403, 403]" in functions.cli("logs", urn).stdout.decode()


def test_no_runner_then_one(functions):
    account = functions.account
    account.put(volume(id="v"))
    rule = functions.rule(f"{FAMILY}:judge:latest")
    told = functions.settled(rule)
    assert told["state"] == "Failed"
    assert f"No runner is configured for the function {FAMILY}:judge:latest" in told["error_message"]
    functions.add("judge", "resource_sdk.py")
    polling.until(lambda: account.states(rule) == {"v": "Compliant"}, what="the new function to judge")
    assert functions.evaluation(rule)["state"] == "Succeeded"
    functions.cli("remove", f"{FAMILY}:judge:latest")
    assert functions.evaluation(rule)["state"] == "Failed"


def test_a_rule_needs_the_name_of_a_function(functions):
    path = "/v1/resource-manager/domains/{domain_id}/policy-assignments"
    policy = {"function_urn": "", "auth_type": "agency", "auth_value": {}}
    body = {"name": "x", "policy_assignment_type": "custom", "custom_policy": policy}
    functions.account.client.refuse(400, "RMS.00010004", "PUT", path, json_body=body)


def test_the_retry_loop_of_the_sample_copes_with_429(new_server, tmp_path):
    # One call at a time: two that take turns may leave nothing to a third try. Its second of waiting is
    # what one report takes to come back.
    functions = Functions(
        new_server, tmp_path / "functions", attempts=1, reports_per_second=1, reports_burst=3,
        concurrent_calls_per_function=1,
    )
    functions.account.put_many(volume(id=f"v{n}") for n in range(10))
    urn = functions.add("judge", "resource_sdk.py")
    rule = functions.rule(urn)
    assert functions.settled(rule)["state"] == "Succeeded"
    assert len(functions.account.states(rule)) == 10
    assert functions.metric('ruleward_function_results_total{outcome="limited"}') > 0
    assert functions.numbers(urn)["failed_calls"] == 0


@pytest.mark.timeout(1800)
def test_crashes_a_killed_server_and_a_mended_function(new_server, tmp_path):
    """One event of a hundred crashes the function, and the server is killed in the middle."""
    functions = Functions(
        new_server, tmp_path / "functions", attempts=2, first_retry_seconds=0,
        reports_per_second=100_000, reports_burst=100_000,
    )
    account = functions.account
    ids = [f"v{n}" for n in range(MANY)]
    crashing = {id for id in ids if int(id[1:]) % 100 == 7}
    for at in range(0, MANY, 2000):
        account.put_many(volume(id=id, status="available") for id in ids[at : at + 2000])
    urn = functions.add("crashing", "crashing.py", "--timeout", 60)
    rule = functions.rule(urn)
    polling.until(
        lambda: functions.numbers(urn)["accepted_results"] > MANY // 3, seconds=900, what="a third to be judged"
    )
    functions.server.kill()
    functions.server.start()
    told = functions.settled(rule, seconds=1500)
    assert told["state"] == "Failed"
    assert f"failed for {len(crashing)} of the resources" in told["error_message"]
    assert "status 3" in told["error_message"]
    # Every resource but those has exactly one state and one accepted result.
    assert account.states(rule) == {id: "NonCompliant" for id in ids if id not in crashing}
    assert account.rule_counts(rule) == (0, MANY - len(crashing))
    numbers = functions.numbers(urn)
    assert numbers["accepted_results"] == MANY - len(crashing)
    # The crashing ones were repeated, and so was what was under way when the server died.
    assert numbers["repeated_calls"] > len(crashing)
    assert numbers["calls"] == MANY + numbers["repeated_calls"]
    letters = functions.dead_letters()
    assert {letter["resource_id"] for letter in letters} == crashing
    assert all(letter["attempts"] >= 2 and "status 3" in letter["message"] for letter in letters)
    # Mended and called again.
    file = functions.folder / "crashing.py"
    file.write_text(file.read_text().replace("MENDED = False", "MENDED = True"))
    assert f"{len(crashing)} events" in functions.cli("redrive").stdout.decode()
    polling.until(lambda: account.rule_counts(rule) == (0, MANY), seconds=300, what="the rest to be judged")
    assert functions.dead_letters() == []
    assert functions.evaluation(rule)["state"] == "Succeeded"
    assert functions.numbers(urn)["accepted_results"] == MANY


BAD = {
    "loops": ("while True: pass", "did not end within 2 s"),
    "forks": ("import os\n    while True: os.fork()", ""),
    "eats": ("x = []\n    while True: x.append(bytearray(1 << 24))", "memory"),
    "floods": ("while True: print('x' * 1000)", "output"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_function_is_stopped_and_reported(functions, kind):
    body, words = BAD[kind]
    functions.write("bad.py", f"def handler(event, context):\n    {body}\n")
    account = functions.account
    account.put(volume(id="v", status="available"))
    urn = functions.add("bad", "bad.py", "--timeout", 2)
    rule = functions.rule(urn)
    told = functions.settled(rule)
    assert told["state"] == "Failed" and words in told["error_message"], told
    assert account.states(rule) == {}
    # It goes on for others: a predefined rule, and another function.
    builtin = account.rule("volume-unused-check")
    assert account.states(builtin) == {"v": "NonCompliant"}
    good = functions.rule(functions.add("judge", "resource_sdk.py"))
    assert functions.settled(good)["state"] == "Succeeded"


def test_nobody_waits_for_a_function_that_does_not_end(functions):
    functions.write("endless.py", "def handler(event, context):\n    while True: pass\n")
    account = functions.account
    account.put_many(volume(id=f"v{n}") for n in range(20))
    endless = functions.rule(functions.add("endless", "endless.py", "--timeout", 900, "--concurrency", 2))
    running = 'ruleward_function_jobs{state="running"}'
    polling.until(lambda: functions.metric(running) == 2, what="two calls to go on")
    builtin = account.rule("volume-unused-check")
    assert len(account.states(builtin)) == 20
    good = functions.rule(functions.add("judge", "resource_sdk.py"))
    assert functions.settled(good)["state"] == "Succeeded"
    assert len(account.states(good)) == 20
    # All that while the endless one still runs.
    assert functions.metric(running) == 2
    assert functions.evaluation(endless)["state"] == "Running"
    assert account.show(endless)["state"] == "Evaluating"
    # The server stops all the same, and so do they.
    assert functions.server.terminate() == 0


class Endpoint:
    """A webhook, or a FunctionGraph, on this machine; remembers what it was asked."""

    def __init__(self, answer):
        self.asked = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.asked.append((self.path, headers, body))
                status, answered = answer(json.loads(body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answered).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def judged(event):
    fine = event["invoking_event"]["properties"]["status"] == "in-use"
    return {"compliance_state": "Compliant" if fine else "NonCompliant"}


SECRET = {"RULEWARD_FUNCTION_SECRET": "a secret"}


def test_a_webhook_answers_with_the_result(new_server, tmp_path):
    functions = Functions(new_server, tmp_path / "functions", private_addresses=True)
    functions.account.put_all(volume(id="v1"), volume(id="v2", status="available"))
    urn = f"{FAMILY}:hook:latest"
    with Endpoint(lambda event: (200, judged(event))) as endpoint:
        functions.cli("add", "--urn", urn, "--webhook", f"{endpoint.url}/check", env=SECRET)
        rule = functions.rule(urn)
        assert functions.settled(rule)["state"] == "Succeeded"
    assert functions.account.states(rule) == {"v1": "Compliant", "v2": "NonCompliant"}
    path, headers, body = endpoint.asked[0]
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    digest = hmac.new(b"a secret", signed, hashlib.sha256).digest()
    assert (path, headers["webhook-signature"]) == ("/check", "v1," + base64.b64encode(digest).decode())
    assert "a secret" not in functions.cli("list", "-o", "json").stdout.decode()


def test_a_remote_function_reports_later(new_server, tmp_path):
    functions = Functions(new_server, tmp_path / "functions", private_addresses=True)
    account = functions.account
    account.put(volume(id="v"))
    urn = f"{FAMILY}:remote:latest"
    with Endpoint(lambda _: (202, {"request_id": "r"})) as endpoint:
        functions.cli("add", "--urn", urn, "--remote", endpoint.url, "--access-key", "AK", env=SECRET)
        rule = functions.rule(urn)
        polling.until(lambda: endpoint.asked, what="the endpoint to be asked")
        assert functions.evaluation(rule)["state"] == "Running"
        path, headers, body = endpoint.asked[0]
        assert path.startswith("/v2/0605767f9f00d5762fd6c01d6ba3a2f5/fgs/functions/urn")
        assert path.endswith("/invocations-async")
        assert headers["authorization"].startswith("SDK-HMAC-SHA256 Access=AK,")
        event = json.loads(body)
        report = {
            "policy_resource": {"resource_id": "v"},
            **judged(event),
            **{key: event[key] for key in (
                "trigger_type", "policy_assignment_id", "evaluation_time", "evaluation_hash",
            )},
        }
        account.client.request(
            "PUT", "/v1/resource-manager/domains/{domain_id}/policy-states", json_body=report, expect=200
        )
        assert functions.settled(rule)["state"] == "Succeeded"
    assert account.states(rule) == {"v": "Compliant"}


def test_private_addresses_are_refused_unless_allowed(functions):
    functions.account.put(volume(id="v"))
    urn = f"{FAMILY}:hook:latest"
    with Endpoint(lambda event: (200, judged(event))) as endpoint:
        functions.cli("add", "--urn", urn, "--webhook", endpoint.url, env=SECRET)
        rule = functions.rule(urn)
        told = functions.settled(rule)
        assert told["state"] == "Failed" and functions.account.states(rule) == {}
        assert endpoint.asked == []


def test_the_examples_count_the_inventory(functions):
    """The examples that come along, as they are."""
    account = functions.account
    shutil.copytree(FUNCTIONS.parents[1] / "examples/functions/python", functions.folder / "examples")
    account.put_many(volume(id=f"v{n}", status="available" if n == 3 else "in-use") for n in range(10))
    checked = functions.add("check", "examples/resource_check.py")
    counted = functions.add("count", "examples/periodic_check.py")
    by_status = functions.rule(checked, parameters={"key": "status", "values": ["in-use"]})
    by_count = functions.rule(counted, period="One_Hour", parameters={"type": "evs.volumes", "most": 9})
    assert functions.settled(by_status)["state"] == "Succeeded"
    assert account.rule_counts(by_status) == (9, 1)
    assert functions.settled(by_count)["state"] == "Succeeded", functions.cli("logs", counted).stdout
    assert account.states(by_count) == {account.domain_id: "NonCompliant"}
