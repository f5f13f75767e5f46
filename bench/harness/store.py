"""Bars 3, 6, 7 and 8: evaluations of a stored inventory, imports, how cost grows, states."""

import sqlite3
import statistics

from .tools import BENCH, PEERS, ask, ratios, remove, run, spread, warm

RULES = 100


def by_hand(work, store, rules):
    """A rule set by hand over the bodies of a store: reading alone, and with judging."""
    warm(store)
    return ask(PEERS, "by-hand-store", store, "--rules", work.rule_set(rules), "--passes", 3)


def figures(told):
    """Figures of an evaluation by name; several of the same name together."""
    found = {}
    for one in told:
        found.setdefault(one["figure"], []).append(one)
    return found


def check(store, hand):
    """The kept numbers of each rule are what was found by hand."""
    with sqlite3.connect(store) as database:
        kept = dict(database.execute(
            "SELECT name, non_compliant FROM policy_assignment JOIN policy_assignment_count ON rule = no"))
    for name, count in hand["non_compliant"].items():
        assert kept[name] == count, (name, kept[name], count)


def evaluate(report, work, options):
    first, hand_times = [], []
    for _ in range(options.repeat):
        store = work.folder / "evaluate.db"
        remove(store)
        ask(BENCH, "import", work.inventory(options.resources), store, "--rules", RULES)
        hand = by_hand(work, store, RULES)
        check(store, hand)
        remove(store)
        ask(BENCH, "import", work.inventory(options.resources), store, "--rules", 0)
        warm(store)
        told = figures(ask(BENCH, "evaluate", store, "--rules", RULES))
        first.append(told)
        hand_times.append(statistics.median(hand["cpu_ns"]) / 1e6)
        remove(store)
    cpu = lambda name: [statistics.median(one["cpu_ms"] for one in told[name]) for told in first]
    reading, largest = cpu("read all bodies"), cpu("read the largest type")
    report.keep("evaluate", {"runs": first, "by_hand_ms": hand_times, "by_hand": hand})
    evaluations = first[0]["first evaluation"][0]["told"]["evaluations"]
    report.row(3, f"reading all bodies of {options.resources:,}, CPU s", "", spread([ms / 1e3 for ms in reading]))
    report.row(3, f"reading and {RULES} rules by hand ({hand['evaluations']:,} evaluations), CPU s", "", spread([ms / 1e3 for ms in hand_times]))
    report.row(3, f"first evaluation ({evaluations:,} evaluations), to by hand", "0.75", spread(ratios(cpu("first evaluation"), hand_times)))
    report.row(3, "first evaluation, to reading (0.2 where the import left columns)", "0.2", spread(ratios(cpu("first evaluation"), reading)))
    for name, base, limit in (
        ("again, nothing changed", reading, "0.02"),
        ("forced to judge again", reading, "0.15"),
        ("new rule on the largest type", reading, "0.02"),
        ("new regular expression on names", reading, "0.08"),
        ("new rule, a path never read before", largest, "2.2"),
        ("a hundredth changed", reading, ""),
    ):
        to = "that type's reading" if base is largest else "reading"
        report.row(3, f"{name}, to {to}", limit, spread(ratios(cpu(name), base), 3))
    memory = [max(one["anonymous_kib"] for name in told for one in told[name]) / 1024 for told in first]
    report.row(3, "anonymous memory beyond the harness, MiB", "64", spread(memory, 0))


def columns(report, work, options):
    """Bars 2 and 3 from the columns that the import left: phases of one process."""
    store, runs = work.folder / "columns.db", []
    for _ in range(options.repeat):
        remove(store)
        ask(BENCH, "import", work.inventory(options.resources), store, "--rules", 0)
        warm(store)
        runs.append(ask(BENCH, "columns", store, "--rules", RULES))
        remove(store)
    report.keep("columns", runs)
    each = lambda name: [told[name]["cpu_ns"] / told[name]["evaluations"] for told in runs]
    to_reading = lambda name: [told[name] / told["read"] for told in runs]
    report.row(2, "the mix from kept columns, parameters not seen before: CPU ns an evaluation", "30", spread(each("mix"), 1))
    report.row(2, "its seven without regular expression or list: CPU ns an evaluation", "6", spread(each("scalar"), 1))
    for name, what, limit in (
        ("first", "first evaluation from columns", "0.2"),
        ("unchanged", "again from columns, nothing changed", "0.02"),
        ("forced", "forced to judge again, from columns", "0.15"),
        ("new_rule_on_largest_type", "new rule on the largest type, from columns", "0.02"),
        ("new_expression_on_names", "new regular expression on names, from columns", "0.08"),
    ):
        report.row(3, f"{what}, to reading", limit, spread(to_reading(name), 3))
    report.row(3, "columns on disk, bytes a resource", "80", spread([told["column_bytes"] / told["resources"] for told in runs], 1))


def imports(report, work, options):
    file = work.inventory(options.resources)
    bare, ours, memory = [], [], []
    for _ in range(options.repeat):
        database, beside = work.folder / "import.db", work.folder / "bare.db"
        remove(database)
        warm(file)
        told = ask(BENCH, "import", file, database, "--rules", 20)
        ours.append(told["wall_ms"])
        memory.append(told["anonymous_kib"] / 1024)
        warm(file)
        told = ask(BENCH, "bare", file, beside, database)
        bare.append(told["wall_ms"])
        remove(database)
        remove(beside)
    report.keep("import", {"bare_ms": bare, "ours_ms": ours, "memory_mib": memory})
    report.row(7, f"import of {options.resources:,} with 20 rules until nothing waits, wall s", "", spread([ms / 1e3 for ms in ours]))
    report.row(7, "bare store, the same bodies and indexes, wall s", "", spread([ms / 1e3 for ms in bare]))
    report.row(7, "rate to the bare store's", "0.8", spread(ratios(bare, ours)))


def states(report, work, options):
    for rules in ("mix", 100):
        database = work.folder / "states.db"
        remove(database)
        more = ("--rules", 0, "--mix") if rules == "mix" else ("--rules", rules)
        ask(BENCH, "import", work.inventory(options.resources), database, *more)
        told = ask(BENCH, "states", database)
        remove(database)
        named = "the mix of ten" if rules == "mix" else f"{rules} rules, some narrowed"
        report.keep(f"states {rules}", told)
        report.row(8, f"states at rest, one account of {options.resources:,}, {named}: bytes a state", "0.2", f"{told['bytes'] / told['states']:.3f}")
    database = work.folder / "accounts.db"
    told = ask(BENCH, "accounts", database, "--accounts", options.accounts)
    remove(database)
    report.keep("states accounts", told)
    report.row(8, f"states at rest, {options.accounts:,} accounts of 1,000, the mix of ten: bytes a state", "0.6", f"{told['bytes'] / told['states']:.3f}")


def growth(report, work, options):
    """CPU time by resources and by rules."""
    sizes = [10_000, 100_000, 1_000_000] + ([10_000_000] if options.large else [])
    sizes = [size for size in sizes if size <= options.resources or options.large]
    by_resources, by_rules = {}, {}
    for size in sizes:
        by_resources[size] = first_evaluation(work, size, RULES, 3 if size <= 100_000 else 1) * 1e3 / size
    for rules in (10, 100, 500):
        by_rules[rules] = first_evaluation(work, min(100_000, options.resources), rules, 3)
    report.keep("growth", {"by_resources_us": by_resources, "by_rules_ms": by_rules})
    for size, us in by_resources.items():
        report.row(6, f"first evaluation by {RULES} rules, {size:,} resources: CPU µs a resource", "", f"{us:.2f}")
    base = by_resources[sizes[0]]
    report.row(6, f"cost a resource, the most to the least of {sizes[0]:,} to {sizes[-1]:,}", "1.3 (1.5 to 10 M)",
               f"{max(by_resources.values()) / min(by_resources.values()):.2f} ({sizes[-1]:,} to {sizes[0]:,}: {by_resources[sizes[-1]] / base:.2f})")
    told = ", ".join(f"{rules}: {ms:.0f}" for rules, ms in by_rules.items())
    report.row(6, f"first evaluation of {min(100_000, options.resources):,} by rules, CPU ms", "", told)
    report.row(6, "500 rules to 10: cost, where linear would be 50", "< 50", f"{by_rules[500] / by_rules[10]:.1f}")


def first_evaluation(work, resources, rules, times):
    """Median CPU milliseconds of judging a stored inventory for the first time."""
    store, taken = work.store(resources), []
    for _ in range(times):
        copy = work.folder / "growth.db"
        run("cp", store, copy)
        warm(copy)
        told = figures(ask(BENCH, "evaluate", copy, "--rules", rules, "--first-only"))
        taken.append(told["first evaluation"][0]["cpu_ms"])
        remove(copy)
    return statistics.median(taken)


def inventory(report, work, options):
    """Lists, counts and summaries of resources, lists beside reading their rows by key."""
    store = work.store(options.resources, 20)
    told = [ask(BENCH, "inventory", store) for _ in range(options.repeat)]
    report.keep("inventory", told)
    matching, of_types = told[0].pop("matching")
    for one in told[1:]:
        one.pop("matching")
    of = lambda name, side, at: [one[name][side][at] for one in told]
    for name, figures in told[0].items():
        note = f" ({matching / of_types:.0%} of these types)" if name.startswith("3 types") else ""
        if "bare" in figures:
            report.row("inventory", f"{name}{note}, {figures['rows']} rows: 99th percentile, to reading them by key", "3",
                       spread(ratios(of(name, "ours", 1), of(name, "bare", 1))))
        report.row("inventory", f"{name}: median and 99th percentile, µs", "",
                   f"{spread(of(name, 'ours', 0), 0)} and {spread(of(name, 'ours', 1), 0)}")
