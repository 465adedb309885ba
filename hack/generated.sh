#!/usr/bin/env bash
# Fails if what is generated is not what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT
go tool -modfile=tools/go.mod controller-gen object paths=./api/... output:object:dir="$fresh"
if ! diff -u api/v1alpha1/zz_generated.deepcopy.go "$fresh/zz_generated.deepcopy.go"; then
	echo "generated files are out of date: run make generate" >&2
	exit 1
fi
if ! go test -count=1 -run '^TestPage$' ./translate/compat; then
	echo "docs/compatibility.md is out of date: run make generate" >&2
	exit 1
fi
