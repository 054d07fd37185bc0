"""What a run found out, as it is kept in results.json.

`conditions` are comparisons: a title and, for each server, what every round gave. `figures` are single measures with their target.
"""

import json
import os
import platform
import statistics
import subprocess
import time

VERSIONS = {
    "NSD": ("nsd", "-v"), "Knot": ("knotd", "-V"), "Unbound": ("unbound", "-V"), "dnsdist": ("dnsdist", "--version"),
    "Recursor": ("pdns_recursor", "--version"), "dnsperf": ("dnsperf", "-h"),
}


def _version(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return None
    words = (done.stdout + done.stderr).replace(",", " ").split()
    return next((w.strip("()").removeprefix("v") for w in words if w.strip("()v")[:1].isdigit() and "." in w), None)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Results:
    def __init__(self, given):
        versions = {name: _version(command) for name, command in VERSIONS.items()}
        if given.coredns:
            versions["CoreDNS"] = _version((given.coredns, "-version")) or os.path.basename(os.path.dirname(given.coredns))
        self.data = {
            "when": time.strftime("%Y-%m-%d %H:%M"), "form": "full" if given.full else "daily", "rounds": given.rounds,
            "seconds": given.seconds, "machine": {"cpus": len(os.sched_getaffinity(0)), "kernel": platform.release(),
                                                  "load": [round(os.getloadavg()[0], 1)]},
            "versions": {k: v for k, v in versions.items() if v}, "conditions": [], "figures": [], "notes": [],
        }
        self.began = time.monotonic()

    def condition(self, title, result, reference, note=""):
        """`reference` is the server whose ratio to each of the others the table shows."""
        self.data["conditions"].append({"title": title, "reference": reference, "note": note, "servers": result.as_dict()})

    def figure(self, what, values, unit="", target=None, at_least=False, share=0.5, note=""):
        """`share`: which of the sorted values is held against the target, 0.5 for the median."""
        if not values:
            return self.note(f"{what}: not measured")
        value = statistics.median(values) if share == 0.5 else percentile(values, share)
        reached = None if target is None else (value >= target if at_least else value <= target)
        return self.data["figures"].append({
            "what": what, "value": value, "median": statistics.median(values), "low": min(values), "high": max(values), "count": len(values), "unit": unit, "share": share,
            "target": target, "at_least": at_least, "reached": reached, "note": note})

    def note(self, text):
        self.data["notes"].append(text)

    def compare(self, what, result, ours, theirs, target=None, key="cpu_us", note=""):
        """Our CPU time a query in that of the cheapest of `theirs`, round by round."""
        best = result.better_of(theirs, key)
        if best is None or ours not in result.names():
            return self.note(f"{what}: not measured, {' and '.join(theirs)} not there")
        lowest = min(result.values(ours, key)) / min(result.values(best, key))
        note = (f"the better is {best}; " if len(theirs) > 1 else "") + f"lowest round to lowest round {lowest:.3f}" + note
        return self.figure(what, result.ratios(ours, best, key), "", target, note=note)

    def end(self):
        self.data["machine"]["load"].append(round(os.getloadavg()[0], 1))
        self.data["took_s"] = round(time.monotonic() - self.began)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            json.dump(self.data, out, indent=1)
            out.write("\n")
