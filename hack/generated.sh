#!/usr/bin/env bash
# Fails if what is generated is not what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT
mkdir "$fresh/api" "$fresh/crds" "$fresh/istio"
hack/generate.sh "$fresh/api" "$fresh/crds"
go run -C tools ./protos "$PWD/third_party/istio" "$fresh/istio"
if ! diff -u api/v1alpha1/zz_generated.deepcopy.go "$fresh/api/zz_generated.deepcopy.go" ||
	! diff -ru --exclude=test crds "$fresh/crds" ||
	! diff -ru --exclude='*.proto' --exclude='*.md' --exclude=LICENSE third_party/istio "$fresh/istio"; then
	echo "generated files are out of date: run make generate" >&2
	exit 1
fi
if ! go test -count=1 -run '^TestPage$' ./translate/compat; then
	echo "docs/compatibility.md is out of date: run make generate" >&2
	exit 1
fi
