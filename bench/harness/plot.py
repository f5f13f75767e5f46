"""The plot of how cost grows, as SVG."""

import math

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 260, 60, 46, 34


def panel(title, unit, points, offset):
    """One panel: cost by size, both axes logarithmic."""
    sizes, costs = [x for x, _ in points], [y for _, y in points]
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    high = max(high, low + 1)
    across = lambda x: offset + LEFT + (WIDTH - LEFT - 20) * (
        (math.log10(x) - math.log10(sizes[0])) / (math.log10(sizes[-1]) - math.log10(sizes[0])))
    up = lambda y: HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (math.log10(y) - low) / (high - low)
    parts = [f'<text x="{offset + WIDTH / 2}" y="18" class="title">{title}</text>']
    for power in range(low, high + 1):
        y = up(10**power)
        label = f"{10**power:g}"
        parts.append(f'<line x1="{offset + LEFT}" x2="{offset + WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{offset + LEFT - 6}" y="{y + 4:.1f}" class="side">{label}</text>')
    for x, y in points:
        parts.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" class="point"/>')
        parts.append(f'<text x="{across(x):.1f}" y="{up(y) - 8:.1f}" class="mark">{y:.3g}</text>')
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 16}" class="mark">{x:,}</text>')
    line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
    parts.append(f'<polyline points="{line}" class="line"/>')
    parts.append(f'<text x="{offset + WIDTH / 2}" y="{HEIGHT - 8}" class="mark">{unit}</text>')
    return "\n".join(parts)


def growth(path, figures):
    by_resources = sorted((int(size), us) for size, us in figures["by_resources_us"].items())
    by_rules = sorted((int(rules), ms * 1e3 / rules) for rules, ms in figures["by_rules_ms"].items())
    if len(by_resources) < 2:
        return
    style = (".title{font:bold 13px sans-serif;text-anchor:middle}.mark{font:11px sans-serif;text-anchor:middle}"
             ".side{font:11px sans-serif;text-anchor:end}.grid{stroke:#ccc}.line{fill:none;stroke:#1f5fa8;stroke-width:2}"
             ".point{fill:#1f5fa8}text{fill:#222}")
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH} {HEIGHT}">\n'
        f'<style>{style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + panel("CPU µs a resource, 100 rules", "resources", by_resources, 0) + "\n"
        + panel("CPU µs a rule, 100,000 resources", "rules", by_rules, WIDTH) + "\n</svg>\n")
