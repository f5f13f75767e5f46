"""Running, timing, figures and rows."""

import json
import os
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "target/release/ruleward-bench"
RULEWARD = ROOT / "target/release/ruleward"
PEERS = ROOT / "target/peers/release/ruleward-peers"
VENV = ROOT / "target/peers/venv"
PYTHON = VENV / "bin/python"
PEERS_SOURCE = ROOT / "bench/peers"
# No scenario takes longer; one that hangs must not hang the run.
TIMEOUT_SECONDS = 1800


class Report:
    """The rows of the table and the figures behind them."""

    def __init__(self):
        self.rows, self.figures = [], {}

    def row(self, bar, what, limit, measured):
        self.rows.append({"bar": bar, "what": what, "limit": limit, "measured": measured})
        print(f"| {bar} | {what} | {limit} | {measured} |", flush=True)

    def keep(self, name, figures):
        self.figures[name] = figures

    def write(self, path, machine):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": machine, "rows": self.rows, "figures": self.figures}, indent=1))


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}..{max(values):.{digits}f}]"


def ratios(ours, theirs):
    """Ratios pair by pair, as they were measured one after the other."""
    return [a / b for a, b in zip(ours, theirs)]


def ask(*command):
    """What a command prints, as JSON."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def run(*command, **more):
    subprocess.run([str(part) for part in command], check=True, timeout=TIMEOUT_SECONDS, **more)


def warm(path):
    """Reads a file: pages that nobody touches leave the cache within seconds."""
    with open(path, "rb") as file:
        while file.read(1 << 22):
            pass


def remove(path):
    """A database with its log."""
    for file in path.parent.glob(path.name + "*"):
        file.unlink()


class Work:
    """The folder of a run, with inventories that are made once."""

    def __init__(self, folder):
        self.folder = folder
        self.mix = folder / "mix.json"
        self.mix.write_text(json.dumps(ask(BENCH, "mix")))

    def inventory(self, resources):
        path = self.folder / f"inventory-{resources}.ndjson"
        if not path.exists():
            with path.open("wb") as out:
                run(BENCH, "generate", "--resources", resources, stdout=out)
        warm(path)
        return path

    def rule_set(self, rules):
        path = self.folder / f"rules-{rules}.json"
        path.write_text(json.dumps(ask(BENCH, "rule-set", "--rules", rules)))
        return path

    def store(self, resources, rules=0, *more):
        """A store that holds an inventory; it is kept for others."""
        path = self.folder / f"store-{resources}-{rules}.db"
        if not path.exists():
            ask(BENCH, "import", self.inventory(resources), path, "--rules", rules, *more)
        warm(path)
        return path


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux {os.uname().release}"
