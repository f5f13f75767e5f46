"""Bar 1: the engine from raw JSON beside the same policies by hand."""

import re
import subprocess

from .tools import BENCH, PEERS, ask, ratios, spread


def engine(report, work, options):
    file = work.inventory(options.resources)
    ours, each, nested = [], [], []
    for _ in range(options.repeat):
        by_hand = [ask(PEERS, "by-hand", file, "--mix", work.mix, "--style", style, "--passes", 2)
                   for style in ("each", "nested")]
        told = ask(BENCH, "engine", file, "--passes", 2)
        for one in by_hand:
            assert one["non_compliant"] == told["non_compliant"], (one, told)
        assert told["undetermined"] == 0
        for times, one in zip((each, nested, ours), (*by_hand, told)):
            times.append(min(one["cpu_ns"]) / one["resources"])
        evaluations = by_hand[0]["evaluations"]
    report.keep("engine", {"ours_ns": ours, "by_hand_each_ns": each, "by_hand_nested_ns": nested,
                           "evaluations": evaluations, "non_compliant": told["non_compliant"]})
    size = f"{options.resources:,}"
    report.row(1, f"engine, ten policies, {size} resources ({evaluations:,} evaluations), ns a resource", "", spread(ours, 0))
    report.row(1, "by hand, a `get` for each path, ns a resource", "", spread(each, 0))
    report.row(1, "engine to by hand, a `get` for each path", "0.75", spread(ratios(ours, each)))
    report.row(1, "by hand, the properties found once and searched within, ns a resource", "", spread(nested, 0))
    report.row(1, "engine to by hand, searched within", "", spread(ratios(ours, nested)))


def instructions(report, work, options):
    """Instructions of one pass, loading taken off: where wall time is noise, these are not."""
    file = work.inventory(2000)
    commands = {
        "ours": [BENCH, "engine", file],
        "by hand, a `get` for each path": [PEERS, "by-hand", file, "--mix", work.mix, "--style", "each"],
        "by hand, searched within": [PEERS, "by-hand", file, "--mix", work.mix, "--style", "nested"],
    }
    counted = {}
    for name, command in commands.items():
        once, thrice = (count(command + ["--passes", str(passes)]) for passes in (1, 3))
        counted[name] = (thrice - once) / 2 / 2000
    report.keep("instructions", counted)
    told = ", ".join(f"{name} {count:,.0f}" for name, count in counted.items())
    report.row(1, "instructions a resource under valgrind, ten policies", "", told)
    for name in list(commands)[1:]:
        report.row(1, f"instructions, engine to {name}", "", f"{counted['ours'] / counted[name]:.2f}")


def count(command):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *map(str, command)],
                          check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))
