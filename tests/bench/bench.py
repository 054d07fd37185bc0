"""Seamark and its peers side by side on this machine: prints the tables of docs/benchmarks.md.

    bench.py [--full] [--only PART[,PART...]] [--rounds N] [--seconds S] [--coredns PROGRAM] [--out FOLDER]

The parts are the files of parts/. Everything listens on 127/8, works in a temporary folder and ends only what it started. In FOLDER
(build/bench) are then results.json, report.md, and plots; publish.py puts them into docs/. Exit status: 0 measured, whatever came out;
1 a part could not be measured.
"""

import argparse
import importlib
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "lib")]
os.environ["PATH"] += ":/usr/sbin:/sbin"

from report import plot, text  # noqa: E402
from report.results import Results  # noqa: E402
from workshop import Workshop  # noqa: E402

PARTS = ("answers", "instructions", "many", "tcp", "log", "change", "pace", "created", "load", "memory", "caching", "misses", "dot", "pods")
FULL_ONLY = ("pods",)
# Rounds, and seconds of each: many short ones, because what disturbs a machine comes and goes within seconds.
DAILY, FULL = (11, 0.3), (31, 2.0)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--full", action="store_true", help="the long form")
    p.add_argument("--only", default="", help=", ".join(PARTS))
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=float)
    p.add_argument("--coredns", default="", help="the program; without it CoreDNS is left out")
    p.add_argument("--out", default=os.path.join(TOP, "build", "bench"))
    given = p.parse_args()
    rounds, seconds = FULL if given.full else DAILY
    given.rounds, given.seconds = given.rounds or rounds, given.seconds or seconds
    given.parts = given.only.split(",") if given.only else [n for n in PARTS if given.full or n not in FULL_ONLY]
    unknown = sorted(set(given.parts) - set(PARTS))
    if unknown:
        p.error(f"no such part: {', '.join(unknown)}")
    return given


def say(message):
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def main():
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are ended and the folder is removed
    results, failed = Results(given), 0
    os.makedirs(given.out, exist_ok=True)
    with Workshop(given, say) as shop:
        for name in given.parts:
            begin = time.monotonic()
            say(f"{name}:")
            try:
                importlib.import_module(f"parts.{name}").run(shop, results)
            except Exception:  # the other parts are worth having
                traceback.print_exc()
                results.note(f"the part `{name}` could not be measured")
                failed += 1
            say(f"{name}: {time.monotonic() - begin:.0f} s")
    results.end()
    results.write(os.path.join(given.out, "results.json"))
    written = text.report(results.data)
    with open(os.path.join(given.out, "report.md"), "w", encoding="utf-8") as out:
        out.write(written)
    plot.write_all(results.data, given.out)
    print(written)
    say(f"results.json, report.md and plots are in {given.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
