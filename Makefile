# ebpfdev's own build. `make demo` and `make test` do all their own set-up.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOLS   := $(if $(EBPFDEV_TOOLS),$(EBPFDEV_TOOLS),$(HOME)/.cache/ebpfdev/tools)

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GORELEASER    := github.com/goreleaser/goreleaser/v2@v2.15.4
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The kernels that tests boot. Tests have no network: these are fetched for them.
GUESTS := 5.10 6.1 6.12 6.18 7.3

export CGO_ENABLED := 0
ENGINES := /opt/ebpfdev-engines/trixie/usr
export PATH := $(TOOLS)/npm/node_modules/.bin:$(PATH):/usr/local/sbin:/usr/sbin:/sbin:$(ENGINES)/bin:$(ENGINES)/sbin

.PHONY: help
help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: build
build: ## bin/ebpfdev, one static binary
	@.ci/setup build
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ebpfdev ./cmd/ebpfdev

.PHONY: demo
demo: build ## from nothing to a live map: engine, project, container, program
	bin/ebpfdev doctor --fix --yes
	bin/ebpfdev demo

.PHONY: test
test: build ## every test, on a real engine and this kernel; none may be skipped
	@.ci/setup test
	@bin/ebpfdev kernel fetch --progress plain $(GUESTS) >/dev/null
	CI=true go test -timeout 60m -tags docker,kernel ./...

.PHONY: unit
unit: ## the tests that need no root, no engine and no particular kernel
	go test ./...

.PHONY: bench
bench: build ## times beside the reference Dev Container CLI's, in one run
	@.ci/setup test
	go test -tags bench -run '^$$' -bench . -benchtime 1x ./cmd/ebpfdev
	go test -tags kernel -run '^$$' -bench . ./internal/bpf/maps

.PHONY: lint
lint: ## golangci-lint, goreleaser check
	go run $(GOLANGCI_LINT) run ./...
	go run $(GORELEASER) check

.PHONY: vuln
vuln: ## known vulnerabilities; asks Go's vulnerability database
	go run $(GOVULNCHECK) ./...

.PHONY: fresh
fresh: ## demo and test in a new Debian root without Docker and Go (needs root; SUITE=trixie)
	.ci/fresh

.PHONY: clean
clean: ## remove what make made
	rm -rf bin dist
