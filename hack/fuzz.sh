#!/usr/bin/env bash
# Runs every native fuzz target of the module for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."
time="${1:-30s}"
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
	grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | while read -r _ name; do
		echo "== $(dirname "$file") $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 2s "./$(dirname "$file")"
	done
done
