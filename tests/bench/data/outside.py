"""The world outside of the cluster: a zone of 10,000 names behind an upstream, and the questions for it."""

import os
import random

from data.words import WORDS, Zipf

ZONE, PROBE = "example.com", "ns1.example.com"
NAMES, TTL = 10000, 86400
ANY = f"any.{ZONE}"  # below it every name exists


def _addresses(rnd, owner, count, out):
    for _ in range(count):
        out.append(f"{owner} A 198.18.{rnd.randrange(256)}.{rnd.randrange(256)}")
    if rnd.random() < 0.4:
        for _ in range(count):
            out.append(f"{owner} AAAA 2001:db8:{rnd.randrange(65536):x}::{rnd.randrange(1, 65536):x}")


def write_zone(folder, seed=7):
    """ZONE.zone: a fifth of the names are aliases, two fifths have both families. Returns the names."""
    rnd, names = random.Random(seed), []
    out = [f"$ORIGIN {ZONE}.", f"$TTL {TTL}", f"@ IN SOA ns1 hostmaster 1 7200 1800 86400 {TTL}", "@ NS ns1", "ns1 A 192.0.2.1",
           "*.any A 192.0.2.2"]
    for i in range(NAMES):
        name = owner = f"{rnd.choice(WORDS)}-{i:x}" if i & 1 else f"{rnd.choice(WORDS)}.{rnd.choice(WORDS)}-{i:x}"
        if rnd.random() < 0.2:
            owner = f"e{i:x}.edge"
            out.append(f"{name} CNAME {owner}")
        _addresses(rnd, owner, rnd.choice((1, 1, 1, 2, 4)), out)
        names.append(f"{name}.{ZONE}")
    with open(os.path.join(folder, f"{ZONE}.zone"), "w", encoding="ascii") as f:
        f.write("\n".join(out) + "\n")
    return names


def write_questions(folder, names, count, seed=8):
    """(each name and type once, `count` questions as they come): paths."""
    rnd = random.Random(seed)
    once, mix = os.path.join(folder, "outside-once"), os.path.join(folder, "outside-questions")
    with open(once, "w", encoding="ascii") as f:
        f.writelines(f"{name} {rdtype}\n" for name in names for rdtype in ("A", "AAAA"))
    draw = Zipf(names, 0.8, rnd)
    with open(mix, "w", encoding="ascii") as f:
        f.writelines(f"{draw()} {rnd.choice(('A', 'AAAA'))}\n" for _ in range(count))
    return once, mix


def write_unique(path, count, mark):
    """Questions that nobody has asked before, where `mark` is new."""
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f"{WORDS[i % len(WORDS)]}-{i:x}.{mark}.{ANY} A\n" for i in range(count))
