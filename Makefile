# coastwise: make demo, make test; the rest is for those who build it.
GO      ?= go
CACHE   ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/coastwise
TOOL     = $(GO) tool -modfile=tools/go.mod
MODULES  = . e2e e2e/parity e2e/conformance e2e/kubebin tools crds/test
SEED    ?=
STAY    ?=
FUZZTIME ?= 30s

.PHONY: build demo waypoint test check conformance stress fuzz mutate bench cost e2e generate lint

build:
	$(GO) build -o bin/coastwise ./cmd/coastwise

# Real Envoys, a gRPC client, real backends, a zone and a region that die: about a minute.
demo: build
	@ENVOY="$$(hack/envoy.sh)" && $(GO) build -C e2e -o ../bin/demo ./demo && \
	bin/demo --coastwise bin/coastwise --envoy "$$ENVOY" $(if $(SEED),--seed $(SEED)) $(if $(STAY),--stay)

# samples/waypoint on this machine: two waypoints, a zone that dies: about a minute.
waypoint: build
	@ENVOY="$$(hack/envoy.sh)" && $(GO) build -C e2e -o ../bin/waypointdemo ./waypointdemo && \
	bin/waypointdemo --coastwise bin/coastwise --envoy "$$ENVOY" $(if $(STAY),--stay)

# Every test, real Envoys, gRPC clients in three languages and a real Kubernetes API
# server included; the first run builds that one from source.
test: e2e-binaries
	$(GO) test -race -tags invariants -timeout 20m ./...
	$(GO) test -C tools ./...
	$(GO) test -C crds/test ./...
	ENVOY="$$(hack/envoy.sh)" KUBE_BIN="$$(hack/kube.sh)" $(GO) test -C e2e/parity -count=1 ./...
	ENVOY="$$(hack/envoy.sh)" KUBE_BIN="$$(hack/kube.sh)" $(GO) test -C e2e/conformance -count=1 -timeout 20m -args -full
	ENVOY="$$(hack/envoy.sh)" KUBE_BIN="$$(hack/kube.sh)" $(GO) test -C e2e -count=1 -timeout 30m ./...

.PHONY: e2e-binaries
e2e-binaries: build
	@hack/envoy.sh >/dev/null
	@hack/iptables.sh >/dev/null
	@hack/grpcio.sh >/dev/null
	@hack/grpcjs.sh >/dev/null
	@hack/kube.sh >/dev/null

e2e: e2e-binaries
	ENVOY="$$(hack/envoy.sh)" KUBE_BIN="$$(hack/kube.sh)" $(GO) test -C e2e -count=1 -v -timeout 30m ./...

# What a reviewer would ask first: vet, lint, generated files, tidy modules, arrows.
check:
	$(GO) vet ./... && $(GO) vet -tags invariants ./...
	$(GO) vet -C e2e ./...
	$(GO) vet -C e2e/kubebin ./...
	$(GO) vet -C tools ./...
	$(GO) vet -C crds/test ./...
	$(GO) vet -C e2e/parity ./...
	$(GO) vet -C e2e/conformance ./...
	$(TOOL) golangci-lint run ./...
	@unformatted="$$($(TOOL) gofumpt -l .)"; test -z "$$unformatted" || { echo "not formatted by gofumpt:"; echo "$$unformatted"; exit 1; }
	@for m in $(MODULES); do $(GO) mod tidy -C $$m -diff || { echo "go.mod of $$m is not tidy"; exit 1; }; done
	hack/generated.sh
	$(GO) test -C crds/test ./...
	$(GO) test -run TestArrowsPointOneWay -count=1 .

generate:
	hack/generate.sh api/v1alpha1 crds
	$(GO) run -C tools ./protos ../third_party/istio ../third_party/istio
	$(GO) test -count=1 -run '^TestPage$$' ./translate/compat -update

# The Gateway API's own conformance suite, and its report.
conformance: e2e-binaries
	ENVOY="$$(hack/envoy.sh)" KUBE_BIN="$$(hack/kube.sh)" $(GO) test -C e2e/conformance -count=1 -timeout 20m -args -full

# The random tests for longer, with the race detector.
stress:
	$(GO) test -race -tags invariants -count=1 -timeout 30m ./translate/... ./controlplane/... -rapid.checks=2000

fuzz:
	hack/fuzz.sh $(FUZZTIME)

# Which changes to the core does no test notice? MUTATE is other directories, with flags:
# docs/mutants.md.
MUTATE ?= ../translate/locality ../translate/predict
mutate:
	$(GO) run -C tools ./mutate $(MUTATE)

# Ratios measured in one run.
bench:
	$(GO) run ./controlplane/bench

# What 100, 300 and 1,000 services cost a real Envoy of each kind, and us: ten minutes on
# a quiet machine. COST='--kinds waypoint --services 300' measures less.
cost: build
	@ENVOY="$$(hack/envoy.sh)" && $(GO) build -C e2e -o ../bin/cost ./cost && \
	bin/cost --coastwise bin/coastwise --envoy "$$ENVOY" $(COST)
