"""What `log` costs, with a pipe for its lines, and whether every line that is not written is counted."""

import os
import re
import subprocess
import urllib.request

from measure import processes
from measure.cpus import OTHERS, SAME_CORE
from measure.server import Running
from parts.answers import SERVICES
from servers.cluster import SEAMARK

WITH = f"{SEAMARK} with log"


class Reader:
    """Counts the lines that come through a pipe, on another CPU."""

    def __init__(self):
        self.end, self.write = os.pipe()
        self.process = subprocess.Popen(["wc", "-l"], stdin=self.end, stdout=subprocess.PIPE, text=True)
        os.close(self.end)
        processes.pin(self.process.pid, OTHERS)

    def lines(self):
        """When nobody writes any more."""
        os.close(self.write)
        return int(self.process.communicate(timeout=30)[0])


def counted(server, metric):
    with urllib.request.urlopen(f"http://{server.address}:9153/metrics", timeout=5) as page:
        text = page.read().decode()
    return sum(float(v) for v in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def run(shop, results):
    files, reader = shop.mixed(SERVICES), Reader()
    logging = shop.seamark(files, SAME_CORE, name=WITH, stdout=reader.write, more="    log\n")
    with Running([shop.seamark(files, SAME_CORE), logging], shop.say) as running:
        result = shop.measure(running, files.questions, SAME_CORE)
        dropped = counted(logging, "seamark_log_dropped_lines_total")
        answers = counted(logging, "coredns_dns_requests_total")
    written = reader.lines()
    results.condition("`log` to a pipe, 1 worker", result, WITH)
    note = f"of {answers:.0f} answers {written} lines written, {dropped:.0f} counted as dropped"
    if abs(answers - written - dropped) > 0.001 * answers:
        note += f": {answers - written - dropped:.0f} neither"
    results.figure("`log` on, of the same without", result.ratios(WITH, SEAMARK), "", 1.5, note=note)
