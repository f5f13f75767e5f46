"""Other engines over the same inventory, with the same verdicts."""

from .tools import BENCH, PEERS, PEERS_SOURCE, PYTHON, ask, spread


def peers(report, work, options):
    resources = options.peer_resources
    file, passes = work.inventory(resources), options.repeat
    ours = ask(BENCH, "engine", file, "--passes", max(passes, 5))
    sample = min(resources, 20_000)
    told = [
        ask(PEERS, "by-hand", file, "--mix", work.mix, "--passes", max(passes, 5)),
        ask(PEERS, "sqlite", file, "--mix", work.mix, "--passes", passes, "--database", work.folder / "peer.db"),
        ask(PYTHON, PEERS_SOURCE / "postgres_peer.py", file, work.mix, passes),
        ask(PYTHON, PEERS_SOURCE / "duckdb_peer.py", file, work.mix, passes),
        ask(PEERS, "regorus", file, "--mix", work.mix, "--passes", passes),
        ask(PEERS, "cel", file, "--mix", work.mix, "--passes", passes, "--resources", sample),
        ask(PYTHON, PEERS_SOURCE / "c7n_peer.py", file, work.mix, passes, sample),
    ]
    (work.folder / "peer.db").unlink()
    whole, part = ours, ask(BENCH, "engine", file, "--resources", sample, "--passes", 1)
    evaluations = told[0]["evaluations"]
    own = [ns / evaluations for ns in ours["cpu_ns"]]
    report.keep("peers", {"ours": ours, "peers": told})
    report.row("–", f"engine from raw JSON, {resources:,} resources, ns an evaluation", "", spread(own, 0))
    middle = sorted(own)[len(own) // 2]
    for one in told:
        same = whole if one["resources"] == resources else part
        assert one["non_compliant"] == same["non_compliant"], (one, same)
        each = [ns / one["evaluations"] for ns in one["cpu_ns"]]
        what = "raw JSON" if one["engine"] == "by-hand" else "loaded before"
        report.row("–", f"{one['engine']}, {what}, {one['resources']:,} resources, ns an evaluation (to the engine from raw JSON)",
                   "", f"{spread(each, 0)} ({sorted(each)[len(each) // 2] / middle:.1f} ×)")
