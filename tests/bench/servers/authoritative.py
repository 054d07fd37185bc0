"""NSD and Knot DNS, serving zone files as they are. `zones` is {zone: path of its file}."""

import os

from measure.server import PORT, Server

NSD, KNOT = "NSD", "Knot"


def _write(path, text):
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


def nsd(place, zones, probe, placement):
    folder, address = place
    text = f"""server:
  ip-address: {address}@{PORT}
  server-count: {placement.workers}
  reuseport: yes
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-count: 200
remote-control:
  control-enable: yes
  control-interface: {folder}/control
"""
    text += "".join(f'zone:\n  name: {zone}\n  zonefile: "{path}"\n' for zone, path in zones.items())
    _write(f"{folder}/nsd.conf", text)
    return Server(NSD, ["nsd", "-d", "-c", f"{folder}/nsd.conf"], address, folder, probe, placement.servers)


def nsd_control(folder, *words):
    return ["nsd-control", "-c", f"{folder}/nsd.conf", *words]


def knot(place, zones, probe, placement, journal=False):
    """With `journal` it takes changes by knotc."""
    folder, address = place
    text = f"""server:
    listen: {address}@{PORT}
    rundir: "{folder}"
    udp-workers: {placement.workers}
    tcp-workers: {placement.workers}
    background-workers: 1
    tcp-max-clients: 200
database:
    storage: "{folder}/db"
    journal-db-max-size: 1G
log:
  - target: stderr
    any: warning
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: {'changes' if journal else 'none'}
    journal-max-usage: 500M
    semantic-checks: off
zone:
"""
    text += "".join(f'  - domain: {zone}\n    file: "{path}"\n' for zone, path in zones.items())
    os.makedirs(f"{folder}/db", exist_ok=True)
    _write(f"{folder}/knot.conf", text)
    return Server(KNOT, ["knotd", "-c", f"{folder}/knot.conf"], address, folder, probe, placement.servers)


def knot_control(folder, *words):
    return ["knotc", "-c", f"{folder}/knot.conf", *words]
