#!/usr/bin/env bash
# Prints the path of a node_modules that has @grpc/grpc-js and @grpc/grpc-js-xds,
# gRPC's JavaScript implementation, installing what e2e/grpcforeign/package-lock.json
# lists into the user's cache directory first if need be.
#
# GRPCJS_MODULES=PATH names a node_modules to use instead. The directory appears whole
# or not at all, as hack/envoy.sh has it.
set -euo pipefail
cd "$(dirname "$0")/../e2e/grpcforeign"

fail() {
	echo "grpcjs.sh: $*" >&2
	exit 1
}

runs() {
	[ -d "$1" ] && NODE_PATH="$1" node -e 'require("@grpc/grpc-js"); require("@grpc/grpc-js-xds")' >/dev/null 2>&1
}

command -v node >/dev/null || fail "node is needed for gRPC's JavaScript client; install Node.js 18 or later"
if [ -n "${GRPCJS_MODULES:-}" ]; then
	runs "$GRPCJS_MODULES" || fail "GRPCJS_MODULES=$GRPCJS_MODULES has no @grpc/grpc-js and @grpc/grpc-js-xds that run"
	echo "$GRPCJS_MODULES"
	exit
fi

[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || fail "neither XDG_CACHE_HOME nor HOME is set, so there is no cache directory to install into"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/coastwise
# The lock names every package with its hash, so its own hash is the version.
version=$(sha256sum <package-lock.json | cut -c1-12)
home=$cache/grpcjs-$version

if runs "$home/node_modules"; then
	echo "$home/node_modules"
	exit
fi

command -v npm >/dev/null || fail "npm is needed to install @grpc/grpc-js; install it or set GRPCJS_MODULES=PATH"
mkdir -p "$cache"
work=$(mktemp -d "$cache/.grpcjs-$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "installing @grpc/grpc-js and @grpc/grpc-js-xds into $home" >&2
mkdir "$work/new"
cp package.json package-lock.json "$work/new"
(cd "$work/new" && npm ci --no-audit --no-fund --ignore-scripts) >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	fail "npm ci failed; set GRPCJS_MODULES=PATH to use another node_modules"
}
runs "$work/new/node_modules" || fail "the installed @grpc/grpc-js does not run with node $(node --version)"

# What is in the way is either another run's install, which is as good as ours,
# or a broken one, which is moved aside.
if [ -e "$home" ] && ! runs "$home/node_modules"; then
	mv "$home" "$work/broken" 2>/dev/null || true
fi
node -e 'require("fs").renameSync(process.argv[1], process.argv[2])' "$work/new" "$home" 2>/dev/null || true
runs "$home/node_modules" || fail "cannot write $home"
echo "$home/node_modules"
