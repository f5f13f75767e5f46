"""Puts the rows of a run between the marks of docs/performance.md."""

BEGIN, END = "<!-- figures: bench/run --write -->", "<!-- end of figures -->"
COMMANDS = {
    "1": "engine instructions", "2": "columns", "3": "evaluate columns", "4": "stream", "5": "reads lists", "6": "growth", "7": "import",
    "8": "states", "–": "start peers",
}


def table(machine, rows):
    lines = [BEGIN, "", f"{machine}.", "", "| bar | what | limit | measured: median [least..most] | `bench/run --only` |",
             "|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: str(row["bar"]) if row["bar"] != "–" else "9"):
        bar = str(row["bar"])
        lines.append(f"| {bar} | {row['what']} | {row['limit']} | {row['measured']} | {COMMANDS.get(bar, '')} |")
    return "\n".join([*lines, "", END])


def write(path, machine, rows):
    text = path.read_text()
    before, rest = text.split(BEGIN, 1)
    path.write_text(before + table(machine, rows) + rest.split(END, 1)[1])
