"""The tables, as Markdown that also reads well on a terminal."""

import statistics


DIGITS = {"": 3, "MiB": 1, "instructions": 0}


def _table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * w for w in widths], *rows]
    return "\n".join("| " + " | ".join(str(cell).ljust(w) for cell, w in zip(line, widths)) + " |" for line in lines) + "\n"


def _range(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _condition_rows(condition):
    servers, reference = condition["servers"], condition["servers"].get(condition["reference"])
    for name, row in servers.items():
        ratio = ""
        if reference and row is not reference:
            ratio = _range([a / b for a, b in zip(reference["cpu_us"], row["cpu_us"])], 3)
        lost = f"{row['lost']:.0f}" if row["lost"] else "0"
        yield [condition["title"], name, _range(row["cpu_us"]), ratio, f"{statistics.median(row['qps']):.0f}",
               f"{row['pss_mib']:.1f}", lost]


def _number(value, unit):
    return f"{value:.{DIGITS.get(unit, 2)}f}"


def _figure_row(figure):
    unit, target = figure["unit"], figure["target"]
    which = {0.5: "", 1.0: "worst "}.get(figure["share"], f"p{figure['share'] * 100:.0f} ")
    if which:
        which = f"median {_number(figure['median'], unit)}, {which}"
    value = f"{which}{_number(figure['value'], unit)}"
    if figure["count"] > 1:
        value += f" ({_number(figure['low'], unit)}–{_number(figure['high'], unit)})"
    wanted = "" if target is None else f"{'≥' if figure['at_least'] else '≤'} {target:.3g}"
    reached = {None: "", True: "reached", False: "**short**"}[figure["reached"]]
    return [figure["what"], f"{value} {unit}".strip(), wanted, reached, figure["note"]]


def report(data):
    machine, versions = data["machine"], ", ".join(f"{k} {v}" for k, v in data["versions"].items())
    out = [f"Measured {data['when']}, the {data['form']} form: {data['rounds']} rounds of {data['seconds']:g} s, median (lowest–highest) of "
           f"the rounds. {machine['cpus']} CPUs, Linux {machine['kernel']}, load {machine['load'][0]} before and {machine['load'][-1]} at the "
           f"end, {data.get('took_s', 0)} s. {versions}.\n"]
    rows = [row for condition in data["conditions"] for row in _condition_rows(condition)]
    if rows:
        out.append(_table(["condition", "server", "CPU µs a query", "Seamark / this", "queries/s", "PSS MiB", "lost"], rows))
    if data["figures"]:
        out.append(_table(["figure", "measured", "target", "", "remark"], [_figure_row(f) for f in data["figures"]]))
    notes = [f"{c['title']}: {c['note']}" for c in data["conditions"] if c["note"]] + data["notes"]
    if notes:
        out.append("\n".join(f"- {note}" for note in notes) + "\n")
    return "\n".join(out)
