# The one command a developer needs is `make test`: what CI runs, in CI's order.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TOOL := go tool -modfile=tools/go.mod
# Packages that import kube-scheduler's framework: tested without -race, which would compile all of Kubernetes a second time.
HEAVY := go list -f '{{$$p := .ImportPath}}{{range .Deps}}{{if eq . "k8s.io/kubernetes/pkg/scheduler/framework"}}{{$$p}}{{end}}{{end}}' ./...
WASM := ./capacity ./scheduler/retry ./etcdmodel ./proxymodel ./cascade
VALIDATION := $(patsubst %/go.mod,%,$(shell find validation -name go.mod | sort))

.PHONY: test check unit validate bench fuzz long tidy

test: check unit validate

# check: formatting, vet, staticcheck, and the light packages' build for the browser.
check:
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	GOOS=js GOARCH=wasm go build $(WASM)
	for m in $(VALIDATION); do (cd $$m && go vet ./...); done

# unit: every package of the library; -race wherever Kubernetes itself need not be compiled for it.
unit:
	go test -race $$(comm -23 <(go list ./... | sort) <($(HEAVY) | sort))
	heavy=$$($(HEAVY)); test -z "$$heavy" || go test $$heavy

# validate: the real components beside the models, one package at a time since they measure; what they log is left out.
QUIET := grep --line-buffered -vE '^(=== |\s+--- PASS|\?|[IWEF][0-9]{4} |\s+(testserver|shared_informer|logger|crd_finalizer|feature_gate|runtime|[a-z_]*controller|reflector|warnings|trace|instance|serve[a-z]*|tlsconfig|dynamic_[a-z]*|secure_serving|node_tree|schedule_one)\.go:)'
validate:
	failed=; \
	for m in $(VALIDATION); do echo "== $$m"; (cd $$m && go test -p 1 -timeout 30m -v ./... | { $(QUIET) || true; }) || failed="$$failed $$m"; done; \
	for v in 35 37; do echo "== validation/etcd, go$$v.mod: bytes, revokes"; (cd validation/etcd && go test -modfile=go$$v.mod -timeout 10m -run 'Bytes|ARevoke' -v . | { $(QUIET) || true; }) || failed="$$failed go$$v.mod"; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# long: the same with every case and the long benches.
long: export REDLINE_LONG := 1
long: export REDLINE_CASES := 20000
long: validate

bench:
	go test -run '^$$' -bench . -benchmem ./capacity ./scheduler/... ./etcdmodel/... ./proxymodel ./cascade/...

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
