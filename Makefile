# The commands of Studio. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
DATA  ?= studio-data
# What `make run` runs: `dev` shares what `make test` builds; `release` takes longer to build.
PROFILE ?= dev
BUILT = $${CARGO_TARGET_DIR:-target}
STUDIO = $(BUILT)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/studio

# Seconds for each fuzz target, and which of them.
SECONDS ?= 30
TARGETS ?= $(patsubst fuzz/fuzz_targets/%.rs,%,$(wildcard fuzz/fuzz_targets/*.rs))

.PHONY: help run rescan test test-real test-faults bench fuzz schema lint fmt

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Start Studio with embedded stores and demo data on http://127.0.0.1:4000
	$(CARGO) build --profile $(PROFILE) --workspace --bin studio
	$(STUDIO) serve --demo --data-dir $(DATA)

rescan: ## Bring a scan with some problems mended into the demo that runs: its scores move
	$(STUDIO) demo rescan --data-dir $(DATA)

test: lint ## Everything that needs no server: lints, the schema, every test on embedded stores
	$(CARGO) nextest run --workspace
	$(CARGO) test --workspace --doc --quiet
	@if command -v node >/dev/null; then node --test --test-reporter=dot web/test/*.test.mjs; \
	else echo "skipped: the pages' own tests (install Node.js 20)"; fi

# All of it is built as `make test` builds it, so that nothing is built twice.
ON_SERVERS = $(CARGO) nextest run --workspace
# The main job from outside, how it ends, who must not get anywhere in it, and who adds to the graph: alike
# in every shape.
# Two clusters at once would take more connections than PostgreSQL gives.
END_TO_END = 'binary(embedded) and test(/^(stopping|main_job|bad_input|tenants|policy|apps|graph|extensions)::/)'

test-real: ## The same contracts against real servers, installed and started by tests/services
	tests/services with postgres redis bolt s3 kms_stand_in smtp oidc openid_client chromium graphql_clients opa scim_tester -- $(MAKE) --no-print-directory on-servers

.PHONY: on-servers
on-servers:
	$(ON_SERVERS) -E 'package(studio-events) or package(studio-stores) or (binary(real) and not test(/^faults::/)) or package(studio-controls) and test(/replicas|graph/) or package(studio-identity) or package(studio-evidence) and test(/postgres/) or package(studio-router) and test(/reference_clients/) or package(studio-access) and test(/opa/)'
	STUDIO_TEST_SHAPE=one-process $(ON_SERVERS) -E $(END_TO_END)
	STUDIO_TEST_SHAPE=cluster $(ON_SERVERS) --test-threads 1 -E $(END_TO_END)

test-faults: ## Every fault of docs/reliability.md, one after the other (twenty minutes)
	tests/services with postgres redis bolt s3 faketime -- $(ON_SERVERS) --test-threads 1 -E 'binary(real) and test(/^faults::/)'

# What is measured. `dist` is what is shipped, and takes much longer to build.
BENCH_PROFILE ?= release

bench: ## Measure, as ratios within one run; docs/performance.md keeps the figures
	$(CARGO) build --profile $(BENCH_PROFILE) --workspace --bins
	$(BUILT)/$(BENCH_PROFILE)/studio-bench $(BENCH)

# No sanitizer: there is no unsafe code of ours, and so the compiler of the build serves. The limits
# make a finding of whatever takes ten seconds or a gigabyte.
fuzz: ## Try every reader of outside data with made-up bytes, each for SECONDS (30; TARGETS=ocsf for one)
	@command -v cargo-fuzz >/dev/null || { echo "install it with: cargo install --locked cargo-fuzz"; exit 1; }
	@for target in $(TARGETS); do \
		mkdir -p fuzz/corpus/$$target; \
		$(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1; \
	done

# Built with all tests, as everything else is: alone it would take other features of its dependencies, and so
# each of them a second time. A test of its own holds schema/ against the code.
schema: ## Write schema/ anew from the code
	$(CARGO) test --quiet --workspace --no-run
	$(BUILT)/debug/studio-schema write schema

lint: ## Formatting and clippy, both without a warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; \
	else echo "skipped: cargo deny (install it with: cargo install --locked cargo-deny)"; fi

fmt: ## Format the code
	$(CARGO) fmt --all
