"""Bars 4 and 5: the stream of changes, reads, lists; start-up and idle memory."""

import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request

from .tools import BENCH, PEERS_SOURCE, PYTHON, RULEWARD, ask, ratios, remove, run, spread


class Server:
    """A development server on a folder of its own."""

    def __init__(self, data, *more):
        self.data, self.begun = data, time.monotonic()
        self.process = subprocess.Popen(
            [RULEWARD, "serve", "--dev", *more, "--listen", "127.0.0.1:0", "--data", data],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.endpoint = self.process.stdout.readline().split()[-1]
        for _ in range(6000):
            try:
                urllib.request.urlopen(self.endpoint + "/readyz", timeout=5)
                return
            except OSError:
                time.sleep(0.005)
        raise SystemExit("the server does not get ready")

    def memory(self, field):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024

    def cpu_seconds(self):
        ns = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            ns += int((task / "schedstat").read_text().split()[0])
        return ns / 1e9

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def with_rules(data, *rules):
    """A server whose store has rules; they are added while it is stopped."""
    Server(data).stop()
    run(BENCH, "rules", data / "ruleward.db", *rules)
    return Server(data)


def start(report, work, options):
    took, idle = [], []
    for _ in range(5):
        data = work.folder / "sample"
        server = Server(data, "--sample")
        told = json.loads(subprocess.run([RULEWARD, "summary", "--data", data, "--output", "json"], check=True,
                                         capture_output=True, text=True).stdout)
        took.append(time.monotonic() - server.begun)
        assert told["results"]["resource_details"]["non_compliant_count"] > 0, told
        idle.append(server.memory("RssAnon"))
        server.stop()
        shutil.rmtree(data)
    report.keep("start", {"seconds": took, "anonymous_mib": idle})
    report.row("–", "start to first correct summary of the sample, s", "", spread(took))
    report.row("–", "idle memory, anonymous, MiB", "", spread(idle, 0))


def stream(report, work, options):
    stream_in(report, work, options, work.folder, "on disk", options.slices, options.slice_seconds)
    memory = pathlib.Path(tempfile.mkdtemp(prefix="ruleward-bench-", dir="/dev/shm"))
    try:
        stream_in(report, work, options, memory, "in memory", 3, options.slice_seconds)
    finally:
        shutil.rmtree(memory)


def stream_in(report, work, options, folder, where, slices, seconds):
    """Slices of a stream of signed changes, interleaved with bare synced inserts."""
    data, bare, resources = folder / "data", folder / "bare.db", min(100_000, options.resources)
    server = with_rules(data, "--rules", 100, "--broad")
    run(RULEWARD, "import", work.inventory(resources), "--data", data, stdout=subprocess.DEVNULL)
    # The log keeps the length that an import gave it.
    server.stop()
    server = Server(data)
    ours, theirs = [], []
    for number in range(slices):
        load = ["--seconds", seconds, "--resources", resources, "--from", number * seconds * 2000]
        theirs.append(ask(BENCH, "stream", "--bare", bare, *load))
        ours.append(ask(BENCH, "stream", data, "--pid", server.process.pid, *load))
    memory = server.memory("RssAnon")
    server.stop()
    shutil.rmtree(data)
    remove(bare)
    report.keep(f"stream {where}", {"ours": ours, "bare": theirs, "seconds": seconds, "anonymous_mib": memory})
    of = lambda told, name: [one[f"{name}_ms"] for one in told]
    writer = [one["more"]["writer_cpu_us_per_change"] / 1e3 for one in ours]
    if where == "in memory":
        report.row(4, f"stream {where}, {slices} slices of {seconds} s: p99, ms", "10", spread(of(ours, "p99"), 1))
        report.row(4, f"the writer's CPU time a change {where}, where a sync takes none, ms", "0.15", spread(writer, 3))
        return
    for name, limit in (("p50", "2"), ("p90", "3"), ("p99", "3")):
        report.row(4, f"stream of 2,000 a second {where}, {slices} slices of {seconds} s, at least 20 rules in scope: {name}, ms",
                   "", spread(of(ours, name)))
        shown = ratios(of(ours, name), of(theirs, name))
        extra = f"; medians {statistics.median(of(ours, name)) / statistics.median(of(theirs, name)):.2f}"
        report.row(4, f"{name} to bare synced inserts, slice by slice", limit, spread(shown) + extra)
    report.row(4, "the writer's CPU time a change with its syncs, ms", "", spread(writer, 3))
    report.row(4, "full runs started meanwhile", "", str(sum(one["more"]["runs"] for one in ours)))
    report.row(4, "the log at its largest, MiB", "244", spread([one["wal_bytes"] / 2**20 for one in ours], 0))


def reads(report, work, options):
    small, large = work.store(1000, 100), work.store(options.resources, 100)
    few = [ask(BENCH, "reads", small) for _ in range(options.repeat)]
    many = [ask(BENCH, "reads", large) for _ in range(options.repeat)]
    loaded = ask(BENCH, "reads", large, "--load")
    report.keep("reads", {"1000": few, str(options.resources): many, "under load": loaded})
    of = lambda told, name: [one[name][0] for one in told]
    name = "summary by account"
    report.row(5, f"{name}, 100 rules, {options.resources:,} resources, µs", "", spread(of(many, name), 0))
    report.row(5, f"{name}, {options.resources:,} to 1,000 resources", "1.2", spread(ratios(of(many, name), of(few, name))))
    name = "summary by account, by rule tag"
    report.row(5, f"{name}, ms", "10", spread([us / 1e3 for us in of(many, name)]))
    for name in ("summary by rule", "first page of states", "page 200 of states"):
        report.row(5, f"{name}, µs (while changes are written)", "", f"{spread(of(many, name), 0)} ({loaded[name][0]:.0f})")


def lists(report, work, options):
    data = work.folder / "lists"
    server = with_rules(data, "--rules", 10)
    ours, theirs = [], []
    for _ in range(options.repeat):
        before = server.cpu_seconds()
        ours.append(ask(BENCH, "requests", data, "--seconds", 4))
        ours[-1]["server_cpu_share"] = (server.cpu_seconds() - before) / 4
        theirs.append(ask(PYTHON, PEERS_SOURCE / "moto_peer.py", BENCH, 4))
    server.stop()
    shutil.rmtree(data)
    report.keep("lists", {"ours": ours, "moto": theirs})
    rate = lambda told: [one["requests_per_second"] for one in told]
    share = lambda told, name: f"{statistics.median(one[name] for one in told):.2f}"
    for name, told in (("signed ListPolicyAssignments of ten", ours), ("moto, DescribeConfigRules of ten", theirs)):
        report.row(5, f"{name}, requests a second (cores: client, server)", "",
                   f"{spread(rate(told), 0)} ({share(told, 'client_cpu_share')}, {share(told, 'server_cpu_share')})")
    report.row(5, "ours to moto", "40", spread(ratios(rate(ours), rate(theirs)), 1))
