"""docs/metrics.md has a row for every metric of the source, and no other."""

import glob
import re


def test_the_table_of_metrics_is_complete_and_true():
    written = set()
    for path in glob.glob("src/*/*.c"):
        with open(path, encoding="utf-8") as f:
            written |= set(re.findall(r'"((?:coredns|seamark|process)_[a-z_]+)"', f.read()))
    with open("docs/metrics.md", encoding="utf-8") as f:
        rows = [line.split("|")[1] for line in f if line.startswith("| `")]
    told = {name for cell in rows for name in re.findall(r"`((?:coredns|seamark|process)_[a-z_]+)`", cell)}
    assert len(written) > 20
    assert written == told
