"""Comparing two answers to the same question, and the list of differences that are known and meant."""

import dataclasses
import fnmatch
import os

from question import SILENCE

DIFFERENCES = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "differences.md")


def differences(theirs, ours, ttl_slack=0):
    """What differs, one line a difference, "CoreDNS's -> Seamark's". `ttl_slack` is by how many seconds TTLs may differ
    because they come out of a cache, which may have dropped in one server what it still has in the other."""
    lines = []
    if theirs.rcode != ours.rcode:
        lines.append(f"rcode: {theirs.rcode} -> {ours.rcode}")
    if SILENCE in (theirs, ours):
        return lines
    lines += [f"flag: -{f}" for f in sorted(theirs.flags - ours.flags)]
    lines += [f"flag: +{f}" for f in sorted(ours.flags - theirs.flags)]
    if theirs.edns != ours.edns:
        lines.append(f"edns: {theirs.edns} -> {ours.edns}")
    if "TC" in theirs.flags | ours.flags:
        return lines  # which records a cut answer keeps is chance; the same question over TCP is compared whole
    for section in ("answer", "authority", "additional"):
        lines += _section(section, getattr(theirs, section), getattr(ours, section), ttl_slack)
    return lines


def _section(section, theirs, ours, ttl_slack):
    pairs = {line: line for line in theirs.keys() & ours.keys()}
    pairs.update(_same_but_for_case(theirs.keys() - ours.keys(), ours.keys() - theirs.keys()))
    lines = [f"{section}: -{line}" for line in theirs.keys() - pairs.keys()]
    lines += [f"{section}: +{line}" for line in ours.keys() - set(pairs.values())]
    for line, other in pairs.items():
        if line != other:
            what = "data" if line.split()[0] == other.split()[0] else "owner"
            lines.append(f"case: {section} {what}: {line} -> {other}")
        if abs(ours[other] - theirs[line]) > ttl_slack:
            lines.append(f"{section} ttl: {line}: {theirs[line]} -> {ours[other]}")
    return sorted(lines)


def _same_but_for_case(theirs, ours):
    folded = {line.lower(): line for line in ours}
    return {line: folded[line.lower()] for line in theirs if line.lower() in folded}


@dataclasses.dataclass
class Rule:
    """One row of docs/differences.md. Names and differences are shell patterns; types are names, or `not` and names."""
    id: str
    names: list
    types: list
    allowed: list
    used: int = 0

    def covers(self, kind, rdtype, line):
        return (any(fnmatch.fnmatchcase(kind, p) for p in self.names) and self._covers_type(rdtype)
                and any(fnmatch.fnmatchcase(line, p) for p in self.allowed))

    def _covers_type(self, rdtype):
        if self.types[0] == "not":
            return rdtype not in self.types[1:]
        return self.types[0] == "all" or rdtype in self.types


def _cells(line):
    return [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]


def load_rules(path=DIFFERENCES):
    """The rows of the table in docs/differences.md that begin with an identifier in back-quotes."""
    rules = []
    with open(path, encoding="utf-8") as text:
        for line in text:
            if line.startswith("| `"):
                rule, names, types, allowed = _cells(line)[:4]
                rules.append(Rule(rule, [n.strip() for n in names.split(",")], types.replace(",", " ").split(),
                                  [a.strip().strip("`") for a in allowed.split(";")]))
    return rules


RULES = load_rules()  # one list for a whole run, so that test_rules.py sees what was used


FALLING = " falling through"


def known(kind, rdtype, line):
    """Whether a rule covers a difference; the rule is then counted as used. What is true of a kind is so where names that do not
    exist are asked upstream, too; rules for kinds that end in FALLING say what is different then."""
    kinds = {kind, kind.removesuffix(FALLING)}
    rule = next((r for r in RULES if any(r.covers(k, rdtype, line) for k in kinds)), None)
    if rule:
        rule.used += 1
    return rule is not None


class Report:
    """Gathers what no rule covers, and says it in groups: at which kind of name, of which types, how often, where."""

    def __init__(self):
        self.asked = 0
        self.groups = {}

    def take(self, question, theirs, ours, ttl_slack):
        self.asked += 1
        for line in differences(theirs, ours, ttl_slack):
            if not known(question.kind, question.rdtype, line):
                self.groups.setdefault((question.kind, self._general(line)), []).append((question, line))

    @staticmethod
    def _general(line):
        """Without the names in it, so that the same difference at many names is one group."""
        head, _, rest = line.partition(": ")
        if head in ("rcode", "flag", "edns"):
            return line
        if head == "case":
            return f"{head}: {rest.partition(':')[0]}"
        return f"{head}: {rest[0] if rest[0] in '+-' else ''}{rest.split()[1]}"

    def text(self, examples=3):
        lines = []
        for (kind, what), cases in sorted(self.groups.items()):
            types = " ".join(sorted({question.rdtype for question, _ in cases}))
            lines.append(f"{kind}: {what} ({len(cases)} times; {types})")
            lines += [f"    {question}  {line}" for question, line in cases[:examples]]
        return "\n".join(lines)
