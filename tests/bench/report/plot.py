"""Draws results.json: bars of medians, with a line where the middle half of the rounds lies; one SVG a group of conditions."""

import html
import os
import statistics

WIDTH, LABEL, VALUE, BAR, GAP, TITLE = 820, 150, 130, 18, 6, 34
COLOURS = {"Seamark": "#0b6e99", "bare echo": "#b8b8b8"}
OTHER = "#d98f3f"
CPU, MEMORY = "cpu_us", "pss_mib"
GROUPS = {  # file: (title, what of each server, which conditions)
    "answers.svg": ("Questions of a cluster, CPU µs a query", CPU, lambda t: "Services" in t),
    "tcp.svg": ("Over TCP, 100 questions a connection, CPU µs a query", CPU, lambda t: t.startswith("TCP")),
    "caching.svg": ("Names outside of the cluster, CPU µs a query", CPU, lambda t: t.startswith("cache") or t.startswith(("validated", "upstream"))),
    "memory.svg": ("Memory while answering, PSS in MiB", MEMORY, lambda t: "Services, 1 worker" in t or t.startswith("cache hits")),
}


def _text(x, y, words, anchor="start", weight="normal", size=13):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="#222">{html.escape(words)}</text>')


def _spread(values):
    """The ends of the middle half, and the median."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return low, middle, high


def _bar(y, name, values, scale):
    low, middle, high = _spread(values)
    colour = next((c for prefix, c in COLOURS.items() if name.startswith(prefix)), OTHER)
    centre = y + BAR / 2
    return [
        _text(LABEL - 8, centre + 4.5, name, "end"),
        f'<rect x="{LABEL}" y="{y:.1f}" width="{middle * scale:.1f}" height="{BAR}" fill="{colour}"/>',
        f'<line x1="{LABEL + low * scale:.1f}" x2="{LABEL + high * scale:.1f}" y1="{centre:.1f}" y2="{centre:.1f}" '
        f'stroke="#222" stroke-width="1.5"/>',
        _text(LABEL + high * scale + 6, centre + 4.5, f"{middle:.2f}", size=12),
    ]


def bars(title, conditions):
    """`conditions` are (heading, {server: values}); each has a scale of its own."""
    parts, y = [_text(10, 24, title, weight="bold", size=16)], TITLE + 10
    for heading, servers in conditions:
        parts.append(_text(10, y + 14, heading, weight="bold"))
        y += 24
        scale = (WIDTH - LABEL - VALUE) / max(_spread(v)[2] for v in servers.values())
        for name, values in servers.items():
            parts += _bar(y, name, values, scale)
            y += BAR + GAP
        y += 14
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" '
            'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n')
    return head + "\n".join(parts) + "\n</svg>\n"


def write_all(data, folder):
    """Returns the names of the files that there is something for."""
    written = []
    for name, (title, what, wanted) in GROUPS.items():
        conditions = [(c["title"], {server: row[what] if what == CPU else [row[what]] for server, row in c["servers"].items()})
                      for c in data["conditions"] if wanted(c["title"])]
        if conditions:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(bars(title, conditions))
            written.append(name)
    return written
