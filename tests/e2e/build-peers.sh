#!/usr/bin/env bash
# Builds the real things that Seamark is compared with and tested against, from Go modules, by name: kube-apiserver,
# kube-controller-manager, etcd and CoreDNS. What is built stays in the cache folder, one folder a version, so a second
# run takes no time. From nothing, on two cores, it takes some 7 minutes, 5 of them for Kubernetes.
#
#   build-peers.sh [kubernetes] [coredns]     (both where none is named)
#
# On success it prints one folder a line: kubernetes=DIR, coredns=DIR.
# E2E_KUBERNETES_VERSION and E2E_COREDNS_VERSION ask for other versions than the ones below.
# Exit status: 0 built; 3 Go or the modules cannot be had here (said on stderr); 1 the build itself failed.
set -euo pipefail

KUBERNETES_VERSION=${E2E_KUBERNETES_VERSION:-1.37.2}
COREDNS_VERSION=${E2E_COREDNS_VERSION:-1.15.0}
PEERS=${SEAMARK_CACHE:-$HOME/.cache/seamark}/peers

export CGO_ENABLED=0 GOWORK=off GOFLAGS='-mod=mod -buildvcs=false'
GO=""

say() { printf 'build-peers: %s\n' "$*" >&2; }
not_here() { say "$*"; exit 3; }

# Debian 12's Go cannot fetch a newer one by itself (that came with 1.21), so it is no use here.
find_go() {
    local candidate
    for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-1.*/bin/go; do
        [ -x "$candidate" ] || continue
        case "$("$candidate" env GOVERSION 2>/dev/null)" in
            go1.2[1-9]* | go1.[3-9][0-9]* | go[2-9]*) GO=$candidate; return ;;
        esac
    done
    not_here "no Go of version 1.21 or newer found (on PATH, in /usr/local/go, in /usr/lib/go-*). Install Go 1.26 or" \
             "newer; a Go from 1.21 on fetches that itself unless GOTOOLCHAIN=local is set."
}

# mod_file MODULE@VERSION FIELD: where that module's go.mod (GoMod) or its files (Dir) lie in the module cache, fetched
# if need be. Nothing where it cannot be fetched.
mod_file() {
    { "$GO" mod download -json "$1" 2>/dev/null || true; } | sed -n "s/^\t\"$2\": \"\(.*\)\",*$/\1/p"
}

# make_module FOLDER MODULE VERSION: a module of our own in FOLDER that stands on MODULE with the Go version and the
# checksums that MODULE itself declares, so that the same versions are built as its authors build.
make_module() {
    local folder=$1 module=$2 version=$3 gomod
    gomod=$(mod_file "$module@$version" GoMod)
    [ -n "$gomod" ] || not_here "the module $module $version cannot be fetched (no network, or no module proxy)"
    mkdir -p "$folder"
    {
        echo "module peers"
        grep -E '^(go|godebug) ' "$gomod"
        echo "require $module $version"
    } >"$folder/go.mod"
    install -m 0644 "$(mod_file "$module@$version" Dir)/go.sum" "$folder/go.sum"
}

# build FOLDER PACKAGE...: fetches first, so that "cannot be fetched" and "does not build" are told apart.
build() {
    local folder=$1; shift
    say "building $* in $folder"
    (
        cd "$folder"
        "$GO" list -deps "$@" >/dev/null 2>fetch.log || { tail -n 5 fetch.log >&2; exit 3; }
        mkdir -p new
        nice -n 10 "$GO" build -trimpath -ldflags '-s -w' -o new/ "$@"
        mv new/* . && rmdir new
    )
}

build_kubernetes() {
    local folder=$PEERS/kubernetes-$KUBERNETES_VERSION module=k8s.io/kubernetes version=v$KUBERNETES_VERSION etcd gomod
    if [ ! -e "$folder/done" ]; then
        find_go
        make_module "$folder" $module "$version"
        gomod=$(mod_file "$module@$version" GoMod)
        # The staging modules are folders of the Kubernetes tree; as modules of their own they are published as v0.X.Y.
        sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#replace \1 => \1 v0.${KUBERNETES_VERSION#*.}#p" "$gomod" \
            >>"$folder/go.mod"
        etcd=$(awk '$1 == "go.etcd.io/etcd/client/v3" { print $2 }' "$gomod")
        echo "require go.etcd.io/etcd/server/v3 $etcd" >>"$folder/go.mod"
        build "$folder" go.etcd.io/etcd/server/v3
        mv "$folder/server" "$folder/etcd"
        build "$folder" $module/cmd/kube-apiserver $module/cmd/kube-controller-manager
        touch "$folder/done"
    fi
    echo "kubernetes=$folder"
}

build_coredns() {
    local folder=$PEERS/coredns-$COREDNS_VERSION
    if [ ! -e "$folder/done" ]; then
        find_go
        make_module "$folder" github.com/coredns/coredns "v$COREDNS_VERSION"
        build "$folder" github.com/coredns/coredns
        touch "$folder/done"
    fi
    echo "coredns=$folder"
}

# One build at a time: two test runs on one machine must not write into the same folder.
mkdir -p "$PEERS"
exec 9>"$PEERS/lock"
flock 9

[ $# -gt 0 ] || set -- kubernetes coredns
for peer in "$@"; do
    case $peer in
        kubernetes | coredns) "build_$peer" ;;
        *) say "unknown peer '$peer': kubernetes and coredns are known"; exit 2 ;;
    esac
done
