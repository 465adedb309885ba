#!/usr/bin/env bash
# Generates from api/v1alpha1 and its markers: hack/generate.sh OBJECTS CRDS, the
# folders for the copying code and for the CRDs.
set -euo pipefail
objects="$(cd "$1" && pwd)" crds="$(cd "$2" && pwd)"
cd "$(dirname "$0")/.."
gen() { go tool -modfile=tools/go.mod controller-gen paths=./api/... "$@"; }
# The object generator stumbles over maps of aliases, unless Go's type checker
# shows it what they stand for.
GODEBUG=gotypesalias=0 gen object output:object:dir="$objects"
# Percentages are float64, as in Istio's kinds.
gen crd:allowDangerousTypes=true output:crd:dir="$crds"
