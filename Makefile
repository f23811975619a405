# The commands of Studio. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
DATA  ?= studio-data

.PHONY: help run test test-real bench schema lint fmt

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Start Studio with embedded stores and demo data on http://127.0.0.1:4000
	$(CARGO) run --release --bin studio -- serve --demo --data-dir $(DATA)

test: lint schema-check ## Everything that needs no server: lints, the schema, every test on embedded stores
	$(CARGO) nextest run --workspace
	$(CARGO) test --workspace --doc --quiet
	@if command -v node >/dev/null; then node --test --test-reporter=dot web/test/*.test.mjs; \
	else echo "skipped: the pages' own tests (install Node.js 20)"; fi

test-real: ## The same contracts against real servers, installed and started by tests/services
	tests/services with postgres chromium -- $(CARGO) nextest run --package studio-events --package studio \
		-E 'package(studio-events) or binary(real)'

bench: ## Measure, as ratios within one run; docs/performance.md keeps the figures
	$(CARGO) build --release --bin studio
	$(CARGO) run --release --package studio-bench -- $(BENCH)

schema: ## Write schema/ anew from the code
	$(CARGO) run --quiet --package studio-schema -- write schema

.PHONY: schema-check
schema-check: ## Fail where schema/ differs from the code
	$(CARGO) run --quiet --package studio-schema -- check schema

lint: ## Formatting and clippy, both without a warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check; \
	else echo "skipped: cargo deny (install it with: cargo install cargo-deny)"; fi

fmt: ## Format the code
	$(CARGO) fmt --all
