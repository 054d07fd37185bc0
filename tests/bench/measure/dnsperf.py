"""dnsperf against one server, and what it says."""

import os
import re
import subprocess

VALUE = r":\s+([0-9.]+)"


class NoAnswers(Exception):
    pass


def run(server, datafile, cpus, seconds, once=False, qps=0, tcp_questions=0, sockets=32, outstanding=120):
    """`once` asks each question one time and stops; `qps` holds that rate; `tcp_questions` asks over TCP, so many on a connection."""
    command = ["dnsperf", "-s", server.address, "-p", str(server.port), "-d", datafile, "-T", "1", "-c", str(sockets),
               "-q", str(outstanding), "-t", "2", "-l", str(seconds)]
    if once:
        command += ["-n", "1"]
    if qps:
        command += ["-Q", str(qps)]
    if tcp_questions:
        command += ["-m", "tcp", "-O", f"num-queries-per-conn={tcp_questions}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    text = done.stdout

    def value(label):
        found = re.search(label + VALUE, text)
        return float(found[1]) if found else 0.0

    result = {"sent": value("Queries sent"), "done": value("Queries completed"), "lost": value("Queries lost"),
              "qps": value("Queries per second"), "latency_us": value(r"Average Latency \(s\)") * 1e6}
    codes = re.search(r"Response codes:\s+(.*)", text)
    result["rcodes"] = {k: float(v) for k, v in re.findall(r"([A-Z]+) \d+ \(([\d.]+)%\)", codes[1])} if codes else {}
    if not result["done"]:
        raise NoAnswers(f"{server.name}: {(done.stderr or text)[-300:]}")
    return result
