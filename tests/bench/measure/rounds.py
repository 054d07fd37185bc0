"""Rounds: dnsperf against each server in turn, the other way about in the next round, so that what neighbours do to a machine
hits all of them alike. Figures are compared within a round."""

import statistics

from measure import dnsperf, processes


def one(server, datafile, placement, seconds, **how):
    """dnsperf's figures and `cpu_us`, the CPU time a question costs the server."""
    before = processes.cpu_ns(server.pid)
    row = dnsperf.run(server, datafile, placement.client, seconds, **how)
    row["cpu_us"] = processes.spent_ns(before, processes.cpu_ns(server.pid)) / 1e3 / row["done"]
    return row


def settle(servers, datafile, placement, seconds=0.5, **how):
    """Caches, allocators and connection tables come to rest before anything counts."""
    for server in servers:
        dnsperf.run(server, datafile, placement.client, seconds, **how)


def rounds(servers, datafile, placement, count, seconds, say=lambda text: None, **how):
    """`datafile` is a path, or a function of the round's number that gives one. Returns a Result."""
    rows = {server.name: [] for server in servers}
    for number in range(count):
        path = datafile(number) if callable(datafile) else datafile
        for server in servers if number % 2 == 0 else servers[::-1]:
            row = one(server, path, placement, seconds, **how)
            rows[server.name].append(row)
        say(f"round {number + 1}: " + ", ".join(f"{name} {r[-1]['cpu_us']:.2f}" for name, r in rows.items()) + " us")
    return Result(rows, {s.name: {"pss_mib": processes.pss_mib(s.pid), "start_s": s.start_s} for s in servers})


class Result:
    def __init__(self, rows, servers):
        self.rows, self.servers = rows, servers

    def names(self):
        return list(self.rows)

    def values(self, name, key):
        return [row[key] for row in self.rows[name]]

    def median(self, name, key="cpu_us"):
        return statistics.median(self.values(name, key))

    def ratios(self, name, other, key="cpu_us"):
        """Round by round."""
        return [a / b for a, b in zip(self.values(name, key), self.values(other, key))]

    def better_of(self, names, key="cpu_us"):
        """Which of the names that took part costs less, or None."""
        here = [n for n in names if n in self.rows]
        return min(here, key=lambda n: self.median(n, key)) if here else None

    def odd_rcodes(self, reference, but=()):
        """Names of servers whose response codes are not the reference's (their shares differ by more than 2 %)."""
        def shares(name):
            total = sum(self.values(name, "done"))
            codes = {code for row in self.rows[name] for code in row["rcodes"]}
            return {code: sum(row["rcodes"].get(code, 0) * row["done"] for row in self.rows[name]) / total for code in codes}

        wanted = shares(reference)
        return [n for n in self.rows if n not in but and any(
            abs(wanted.get(code, 0) - shares(n).get(code, 0)) > 2 for code in {*wanted, *shares(n)})]

    def as_dict(self):
        return {name: {**self.servers[name], "lost": sum(self.values(name, "lost")), "sent": sum(self.values(name, "sent")),
                       **{key: [round(v, 3) for v in self.values(name, key)] for key in ("cpu_us", "qps", "latency_us")}}
                for name in self.rows}
