#!/usr/bin/python3
"""Puts a run's tables and plots into the documentation.

    publish.py [--remark TEXT] [FOLDER]        FOLDER is bench.py's --out, build/bench without

docs/benchmarks.md gets the tables between its two marks, docs/plots/ the SVGs. The remark, on what was unusual about the run, stands
above the tables.
"""

import argparse
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, HERE)

from report import plot, text  # noqa: E402

PAGE, PLOTS = os.path.join(TOP, "docs", "benchmarks.md"), os.path.join(TOP, "docs", "plots")
BEGIN, END = "<!-- figures: tests/bench/publish.py writes from here -->", "<!-- to here -->"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", nargs="?", default=os.path.join(TOP, "build", "bench"))
    p.add_argument("--remark", default="")
    given = p.parse_args()
    with open(os.path.join(given.folder, "results.json"), encoding="utf-8") as f:
        data = json.load(f)
    os.makedirs(PLOTS, exist_ok=True)
    images = "\n".join(f"![{name}](plots/{name})\n" for name in plot.write_all(data, PLOTS))
    remark = given.remark + "\n\n" if given.remark else ""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    filled, count = re.subn(f"{re.escape(BEGIN)}.*{re.escape(END)}",
                            lambda _: f"{BEGIN}\n\n{remark}{text.report(data)}\n{images}\n{END}", page, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{PAGE} has no place for figures: {BEGIN} … {END}")
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write(filled)
    print(f"{PAGE} and {PLOTS}")


if __name__ == "__main__":
    main()
