#!/bin/bash
# `make bench`: Seamark beside CoreDNS, both on the same real API server, then memory with 150,000 pods. Prints the tables of
# docs/benchmarks.md.
# usage: tests/bench/run.sh [SERVICES [ROUNDS]]   (10000 Services with a slice of 10 endpoints each, 7 rounds)
set -eu
cd "$(dirname "$0")/../.."
folders=$(tests/e2e/build-peers.sh)
E2E_KUBERNETES=$(sed -n 's/^kubernetes=//p' <<<"$folders")
E2E_COREDNS=$(sed -n 's/^coredns=//p' <<<"$folders")
export E2E_KUBERNETES E2E_COREDNS
export PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=tests/e2e /usr/bin/python3 tests/bench/bench.py "${1:-10000}" "${2:-7}"
exec /usr/bin/python3 tests/bench/bench_pods.py 150000
