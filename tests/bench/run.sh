#!/bin/bash
# `make bench`: Seamark beside its peers. The arguments are those of bench.py. CoreDNS is built the first time, from its Go module; where it
# cannot be had, the rest is measured without it.
set -eu
cd "$(dirname "$0")/../.."
coredns=$(tests/e2e/build-peers.sh coredns) || { echo 'bench: going on without CoreDNS' >&2; coredns=''; }
[ -z "$coredns" ] || coredns=${coredns#coredns=}/coredns
mkdir -p build/bench
exec 9>build/bench/lock
flock -n 9 || { echo 'bench: another run is under way' >&2; exit 1; }
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 tests/bench/bench.py --coredns "$coredns" "$@"
