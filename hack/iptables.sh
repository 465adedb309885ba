#!/usr/bin/env bash
# Prints the path of iptables, installing it by apt-get first if need be (which needs root).
#
# IPTABLES=PATH names a binary to use instead; ip6tables must lie beside it.
set -euo pipefail

fail() {
	echo "iptables.sh: $*" >&2
	exit 1
}

# found prints where iptables is, also where no ordinary user's PATH leads.
found() {
	PATH="$PATH:/usr/sbin:/sbin" command -v iptables
}

if [ -n "${IPTABLES:-}" ]; then
	command -v -- "$IPTABLES" || fail "IPTABLES=$IPTABLES: no such program"
	exit
fi
found && exit
[ "$(id -u)" = 0 ] || fail "iptables is missing; install it (Debian, Ubuntu: apt install iptables) or set IPTABLES=PATH"
command -v apt-get >/dev/null || fail "iptables is missing, and there is no apt-get to install it; set IPTABLES=PATH"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing iptables" >&2
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends iptables >>"$log" 2>&1; }
install || { apt-get update >>"$log" 2>&1 && install; } || {
	cat "$log" >&2
	fail "apt-get install iptables failed; set IPTABLES=PATH"
}
found || fail "apt-get installed iptables, but it is not found"
