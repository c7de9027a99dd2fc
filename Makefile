# Three tiers, in CI's order: `make test` is the library, `make lint` what else can be said of the
# code, `make validate` the real components. CONTRIBUTING.md says how long each takes.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TOOL := go tool -modfile=$(CURDIR)/tools/go.mod
# TESTLOG prints the closing line of each package and what failed. Where SKIPS names a file, a
# first run of tests adds those that it skipped.
SKIPS ?=
TESTLOG := go run -C $(CURDIR)/tools ./testlog
# HEAVY lists the packages that build Kubernetes itself.
HEAVY := go list -f '{{$$p := .ImportPath}}{{range .Deps}}{{if eq . "k8s.io/kubernetes/pkg/scheduler/framework"}}{{$$p}}{{end}}{{end}}' ./...
LIGHT := comm -23 <(go list ./... | sort) <($(HEAVY) | sort)
WASM := ./kube ./hpa ./capacity ./scheduler/retry ./etcdmodel/... ./proxymodel/... ./cascade/...
VALIDATION := $(patsubst %/go.mod,%,$(shell find validation -name go.mod | sort))

.PHONY: test lint words wasm race installed validate skips house long bench fuzz tidy

# test: formatting, vet and the library's own tests.
test:
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go test -vet=all -json ./... | $(TESTLOG) -skips=$(SKIPS)

# lint: linters, the browser's build, the race detector, and importers and commands at a version.
lint: words wasm race installed

# words: linters, and the length and openings of comments. In validation/ only the linters that
# need no types: what it takes to load Kubernetes' components once more finds little.
words:
	failed=; lint=$$($(TOOL) -n golangci-lint); \
	$$lint run ./... || failed=1; \
	for m in $(VALIDATION); do (cd $$m && $$lint run -c $(CURDIR)/.golangci.yml --enable-only=godot,gocyclo,lll,misspell ./...) || failed=1; done; \
	cd tools; go test -vet=all ./... || failed=1; go run ./comments $(CURDIR) || failed=1; \
	test -z "$$failed"

wasm:
	GOOS=js GOARCH=wasm go build $(WASM)

# race: the light packages with the race detector. They must also do on a machine without
# iptables, nft, ipset and promtool, so these are not on the PATH.
race:
	bin=$$(mktemp -d); trap 'rm -r $$bin' EXIT; \
	for c in go gcc as ld; do ln -s $$(command -v $$c) $$bin; done; \
	packages=$$($(LIGHT) | grep -v '/redline$$'); \
	PATH=$$bin go test -race -json $$packages | $(TESTLOG)

# installed: an importer of each package, and `go install` of each command, at a version.
installed:
	go test -run 'TestImporters|TestInstall' -timeout 30m -json . -installed | $(TESTLOG)

# validate: the real components beside the models, one package at a time since they measure. vet
# comes first, since it compiles on all processors.
VALIDATE := go test -p 1 -vet=off -timeout 30m -json
validate:
	failed=; \
	for m in $(VALIDATION); do echo "== $$m"; (cd $$m && go vet ./... && $(VALIDATE) ./... | $(TESTLOG) -skips=$(SKIPS) -log) || failed="$$failed $$m"; done; \
	for v in 35 37; do echo "== validation/etcd, go$$v.mod: bytes, revokes"; \
	(cd validation/etcd && $(VALIDATE) -modfile=go$$v.mod -run 'Bytes|ARevoke' . | $(TESTLOG) -skips=$(SKIPS) -log) || failed="$$failed go$$v.mod"; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# skips: the tests that were skipped, where SKIPS names what the tiers before wrote.
skips:
	go run -C tools ./testlog -report $(SKIPS)

# house: docs/house.svg from the imports; `make test` fails where it is not of today.
house:
	go test -run TestHouse . -update

# long: the same with every case and the long benches.
long: export REDLINE_LONG := 1
long: export REDLINE_CASES := 20000
long: validate

bench:
	go test -run '^$$' -bench . -benchmem ./capacity ./scheduler/... ./hpa ./etcdmodel/... ./proxymodel/... ./cascade/...

# fuzz: each fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	for p in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; done; done

tidy:
	go mod tidy
	for m in $(VALIDATION) tools; do (cd $$m && go mod tidy); done
	for v in 35 37; do (cd validation/etcd && go mod tidy -modfile=go$$v.mod); done
