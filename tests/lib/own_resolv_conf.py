"""A process that sees an /etc/resolv.conf of its own, and asks no one but name servers: in a mount namespace of its own.

    command("/tmp/x/resolv.conf", ["bin/seamark", "-conf", "Corefile"])

gives the command line to run in place of the one given; the process keeps its id.
"""

import os
import subprocess
import tempfile

NSSWITCH = os.path.join(tempfile.gettempdir(), f"seamark-test-nsswitch.{os.getpid()}")


def allowed():
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


def command(resolv_conf, arguments):
    with open(NSSWITCH, "w", encoding="ascii") as out:
        out.write("hosts: dns\n")
    mount = 'mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, resolv_conf, NSSWITCH, *arguments]
