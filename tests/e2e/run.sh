#!/usr/bin/env bash
# The end-to-end tests: installs what they need from Debian, builds the peers, runs pytest. `make e2e` calls this after
# building Seamark. Ends in "N passed, N failed[, N skipped]".
#
#   run.sh [pytest arguments]       e.g. run.sh test_changes.py, run.sh -k capitals
set -euo pipefail
cd "$(dirname "$0")"

PACKAGES="python3-dnspython python3-pytest python3-yaml openssl"

install_packages() {
    # shellcheck disable=SC2086 # a list of words
    dpkg -s $PACKAGES >/dev/null 2>&1 && return
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    # shellcheck disable=SC2086
    $sudo apt-get update -qq && $sudo apt-get install -y --no-install-recommends $PACKAGES
}

install_packages >&2

status=0
folders=$(./build-peers.sh) || status=$?
case $status in
    0) ;;
    3) export E2E_SKIP="Go or its modules cannot be had here, see above" ;;
    *) echo "0 passed, 1 failed"; exit 1 ;;
esac
E2E_KUBERNETES=$(sed -n 's/^kubernetes=//p' <<<"$folders")
E2E_COREDNS=$(sed -n 's/^coredns=//p' <<<"$folders")
export E2E_KUBERNETES E2E_COREDNS

# Debian's python3, whatever else is first on PATH: it is the one with the packages above.
exec /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short "$@"
