#!/usr/bin/env bash
# Prints the folder of etcd, kube-apiserver, kube-controller-manager and kubectl,
# building them first if need be.
#
# KUBE_BIN=DIR names a folder that has them already. Otherwise they are built from
# the Go modules that e2e/kubebin/go.mod pins, once, into the user's cache directory:
# some 5 to 12 minutes on two cores. The folder appears whole or not at all.
set -euo pipefail

programs="etcd kube-apiserver kube-controller-manager kubectl"
module=$(cd "$(dirname "$0")/../e2e/kubebin" && pwd)
go=${GO:-go}

fail() {
	echo "kube.sh: $*" >&2
	exit 1
}

# whole DIR: all programs are there and run.
whole() {
	local p
	for p in $programs; do
		[ -x "$1/$p" ] || return 1
	done
	"$1/etcd" --version >/dev/null 2>&1 && "$1/kube-apiserver" --version >/dev/null 2>&1
}

if [ -n "${KUBE_BIN:-}" ]; then
	whole "$KUBE_BIN" || fail "KUBE_BIN=$KUBE_BIN has not all of: $programs"
	echo "$KUBE_BIN"
	exit
fi

[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || fail "neither XDG_CACHE_HOME nor HOME is set, so there is no cache directory to build into"
kube=$("$go" list -C "$module" -m -f '{{.Version}}' k8s.io/kubernetes)
etcd=$("$go" list -C "$module" -m -f '{{.Version}}' go.etcd.io/etcd/server/v3)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/coastwise
home=$cache/kube-$kube-etcd-$etcd

if whole "$home"; then
	echo "$home"
	exit
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/.kube-$kube.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

minor=${kube#v*.}
stamp=k8s.io/component-base/version
flags="-s -w -X $stamp.gitVersion=$kube -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*} -X $stamp.gitTreeState=clean"
n=0
for p in $programs; do
	n=$((n + 1))
	echo "building $p of Kubernetes $kube ($n of 4; only once, 5 to 12 minutes together) into $home" >&2
	case $p in
	etcd) "$go" build -C "$module" -ldflags "-s -w" -o "$work/new/$p" go.etcd.io/etcd/server/v3 ;;
	*) "$go" build -C "$module" -ldflags "$flags" -o "$work/new/$p" "k8s.io/kubernetes/cmd/$p" ;;
	esac || fail "building $p failed; set KUBE_BIN=DIR to use programs that are there already"
done
whole "$work/new" || fail "what was built does not run on this machine"

# What is in the way is either another run's build, which is as good as ours, or a
# broken one, which is moved aside.
if [ -e "$home" ] && ! whole "$home"; then
	mv "$home" "$work/broken" 2>/dev/null || true
fi
python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$work/new" "$home" 2>/dev/null || true
whole "$home" || fail "cannot write $home"
echo "$home"
