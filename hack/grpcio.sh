#!/usr/bin/env bash
# Prints the path of a Python that has grpcio, gRPC's C++ implementation,
# installing both into the user's cache directory first if need be.
#
# GRPCIO_PYTHON=PATH names a Python to use instead. The directory appears whole or
# not at all, as hack/envoy.sh has it.
set -euo pipefail

version=1.85.1

fail() {
	echo "grpcio.sh: $*" >&2
	exit 1
}

runs() {
	[ -x "$1" ] && "$1" -c 'import grpc' >/dev/null 2>&1
}

if [ -n "${GRPCIO_PYTHON:-}" ]; then
	path=$(command -v -- "$GRPCIO_PYTHON") || fail "GRPCIO_PYTHON=$GRPCIO_PYTHON: no such program"
	runs "$path" || fail "GRPCIO_PYTHON=$GRPCIO_PYTHON cannot import grpc"
	echo "$path"
	exit
fi

[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || fail "neither XDG_CACHE_HOME nor HOME is set, so there is no cache directory to install into"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/coastwise
home=$cache/grpcio-$version

if runs "$home/bin/python"; then
	echo "$home/bin/python"
	exit
fi

command -v python3 >/dev/null || fail "python3 is needed to install grpcio $version from PyPI; install Python 3 or set GRPCIO_PYTHON=PATH"
python3 -c 'import venv, ensurepip' 2>/dev/null ||
	fail "Python's venv module is needed to install grpcio $version (Debian, Ubuntu: apt install python3-venv); or set GRPCIO_PYTHON=PATH"

mkdir -p "$cache"
work=$(mktemp -d "$cache/.grpcio-$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "installing grpcio $version into $home" >&2
python3 -m venv "$work/new" >"$work/log" 2>&1 &&
	"$work/new/bin/python" -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: "grpcio==$version" >>"$work/log" 2>&1 || {
	cat "$work/log" >&2
	fail "installing grpcio==$version failed; set GRPCIO_PYTHON=PATH to use another Python"
}
runs "$work/new/bin/python" || fail "the installed grpcio does not run on this machine; set GRPCIO_PYTHON=PATH to use another Python"

# What is in the way is either another run's install, which is as good as ours,
# or a broken one, which is moved aside.
if [ -e "$home" ] && ! runs "$home/bin/python"; then
	mv "$home" "$work/broken" 2>/dev/null || true
fi
python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$work/new" "$home" 2>/dev/null || true
runs "$home/bin/python" || fail "cannot write $home"
echo "$home/bin/python"
