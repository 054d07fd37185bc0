"""Unbound, dnsdist and PowerDNS Recursor as forwarders with a cache, all large enough to keep everything."""

from measure.server import PORT, Server

TLS_PORT = 5853
UNBOUND, DNSDIST, RECURSOR = "Unbound", "dnsdist", "Recursor"


def _write(path, text):
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


def unbound(place, upstream, probe, placement, anchor=None):
    """With `anchor`, a file of trust anchors, it validates."""
    folder, address = place
    threads = placement.workers
    modules = "validator iterator" if anchor else "iterator"
    anchors = f'  trust-anchor-file: "{anchor}"\n  trust-anchor-signaling: no\n' if anchor else ""
    _write(f"{folder}/unbound.conf", f"""server:
  interface: {address}@{PORT}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  num-threads: {threads}
  so-reuseport: yes
  msg-cache-slabs: {threads}
  rrset-cache-slabs: {threads}
  msg-cache-size: 128m
  rrset-cache-size: 256m
  outgoing-range: 1024
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  module-config: "{modules}"
{anchors}  minimal-responses: yes
  do-not-query-localhost: no
  prefetch: no
  cache-max-ttl: 86400
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {upstream.address}@{upstream.port}
""")
    return Server(UNBOUND, ["unbound", "-d", "-c", f"{folder}/unbound.conf"], address, folder, probe, placement.servers)


def unbound_over_tls(place, domain, certificate, probe, placement):
    """An upstream that knows every name below `domain`, over TLS; over UDP too, for the start. `certificate`: (file, file of its key)."""
    folder, address = place
    _write(f"{folder}/unbound.conf", f"""server:
  interface: {address}@{PORT}
  interface: {address}@{TLS_PORT}
  tls-port: {TLS_PORT}
  tls-service-pem: "{certificate[0]}"
  tls-service-key: "{certificate[1]}"
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  incoming-num-tcp: 100
  tcp-idle-timeout: 60000
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  local-zone: "{domain}." redirect
  local-data: "{domain}. 300 A 192.0.2.2"
remote-control:
  control-enable: no
""")
    return Server("upstream", ["unbound", "-d", "-c", f"{folder}/unbound.conf"], address, folder, probe, placement.servers)


def recursor(place, upstream, probe, placement):
    folder, address = place
    _write(f"{folder}/recursor.conf", f"""local-address={address}
local-port={PORT}
allow-from=127.0.0.0/8
dont-query=
dnssec=off
threads={placement.workers}
reuseport=yes
pdns-distributes-queries=no
distributor-threads=0
forward-zones=.={upstream.address}:{upstream.port}
socket-dir={folder}
write-pid=no
disable-syslog=yes
loglevel=3
daemon=no
max-cache-entries=1000000
max-packetcache-entries=500000
packetcache-ttl=86400
max-cache-ttl=86400
security-poll-suffix=
config-dir={folder}
setuid=
setgid=
""")
    return Server(RECURSOR, ["pdns_recursor", f"--config-dir={folder}"], address, folder, probe, placement.servers)


def dnsdist(place, upstream, probe, placement):
    folder, address = place
    more = f"addLocal('{address}:{PORT}', {{reusePort=true}})\n" * (placement.workers - 1)
    _write(f"{folder}/dnsdist.conf", f"""setLocal('{address}:{PORT}', {{reusePort=true}})
{more}setACL({{'127.0.0.0/8'}})
setSecurityPollSuffix("")
newServer({{address='{upstream.address}:{upstream.port}', checkName='{probe}.', checkInterval=3600}})
pc = newPacketCache(200000, {{maxTTL=86400, numberOfShards={placement.workers * 8}, dontAge=false}})
getPool(""):setCache(pc)
""")
    command = ["dnsdist", "--supervised", "--disable-syslog", "-C", f"{folder}/dnsdist.conf"]
    return Server(DNSDIST, command, address, folder, probe, placement.servers)
