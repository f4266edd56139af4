# Each target works as the first command on a fresh machine with Python 3.11+ and git: it makes .venv by itself.
# Portable to GNU make 3.81, which macOS ships.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/locked.txt
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -q --no-header
PROTOC := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I.
PROTOS = $(shell find proto -name '*.proto' | sort)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run dev demo up down reset status logs test test-fast test-again test-servers-down fast-units fast-contracts coverage test-services test-plumbing test-sagas test-chaos chaos mutants check format format-check lint types imports \
	bandit audit stubs stubs-check postman diagrams diagrams-check lock lock-check bench docs clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The platform on this machine
run: $(LOCKED) ## Start everything in the foreground; Ctrl-C stops it
	@$(BIN)/python -m devstack run

dev: $(LOCKED) ## Start everything in the foreground; restart a service when its files change
	@$(BIN)/python -m devstack dev

demo: $(LOCKED) ## Start, play purchase, hand-over, resale, door and refund step by step, stop
	@$(BIN)/python -m devstack demo

up: $(LOCKED) ## Start everything in the background; returns when healthy
	@$(BIN)/python -m devstack up

down: $(LOCKED) ## Stop what `make up` started; the data stays
	@$(BIN)/python -m devstack down

reset: $(LOCKED) ## Stop it and throw the data away
	@$(BIN)/python -m devstack reset

status: $(LOCKED) ## Show what runs where
	@$(BIN)/python -m devstack status

logs: $(LOCKED) ## Follow the merged log of `make up`
	@$(BIN)/python -m devstack logs

##@ Tests
ifdef T
test: $(LOCKED)
	@$(BIN)/python -m devstack.testing.warm
else
test: $(LOCKED) ## Run all tests; T=path runs one folder, file or test on servers that stay up
	@rm -rf $(RECORDS)
	@$(MAKE) --no-print-directory -k -j $(words $(TEST_PARTS)) $(if $(filter output-sync,$(.FEATURES)),-O) $(TEST_PARTS)
endif

test-fast: $(LOCKED) ## Run unit and architecture tests, and contracts of the sagas that changed
	@$(MAKE) --no-print-directory -k -j 2 $(if $(filter output-sync,$(.FEATURES)),-O) fast-units fast-contracts

test-again: $(LOCKED) ## Try once more, alone, what failed in the last `make test`
	@$(BIN)/python -m devstack.testing.flaky $(TEST_PARTS)

test-servers-down: $(LOCKED) ## End the servers that `make test T=path` leaves up
	@DEVSTACK_HOME="$(or $(DEVSTACK_HOME),.devstack)/test-servers" $(BIN)/python -m devstack reset

coverage: $(LOCKED) ## Measure what the tests run; fail if a package is below its floor
	@$(BIN)/coverage erase
	@COVERAGE_PROCESS_START=pyproject.toml $(BIN)/coverage run -m pytest -q $(MEASURED); tests=$$?; \
		$(BIN)/coverage combine --quiet && $(BIN)/python -m devstack.testing.coverage && exit $$tests

chaos: $(LOCKED) ## Break everything while people use it (CHAOS_SEED=n repeats a run)
	@CHAOS_PLAN=long $(BIN)/python -m pytest -q -s tests/chaos/test_mixed_run.py

mutants: $(LOCKED) ## Put deliberate bugs into copies of the source, and see each caught
	@$(BIN)/python -m tests.mutations

##@ Quality
check: format-check lint types imports bandit audit stubs-check diagrams-check lock-check ## Check format, lint, types, imports, security, stubs, diagrams, lock
	@echo "All checks passed."

format: $(LOCKED) ## Rewrite the code in the common format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

bench: $(LOCKED) ## Measure the platform beside pgbench on this machine
	@$(BIN)/python -m bench

##@ Upkeep
setup: $(LOCKED) ## Make .venv and install what is locked

stubs: $(LOCKED) ## Generate the gRPC stubs from proto/
	@$(PROTOC) --python_out=. --grpc_python_out=. --mypy_out=quiet:. --mypy_grpc_out=quiet:. $(PROTOS)

postman: $(LOCKED) ## Write postman/ from the services' own descriptions
	@$(BIN)/python -m devstack.postman

diagrams: $(LOCKED) ## Write docs/diagrams/ from the tables
	@$(BIN)/python -m devstack.diagrams

lock: $(LOCKED) ## Lock the dependencies named in pyproject.toml
	@$(COMPILE) pyproject.toml -o requirements.txt
	@$(COMPILE) --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

docs: $(LOCKED) ## Check the pages' links and what they say about the code
	@$(BIN)/python -m pytest -q tests/architecture/test_docs.py tests/architecture/test_dependencies.py

clean: ## Remove .venv, caches and test servers; the platform's data stays
	@! test -x $(BIN)/python || ! test -d "$(or $(DEVSTACK_HOME),.devstack)/test-servers" || $(MAKE) --no-print-directory test-servers-down
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- parts of `make test`, which run side by side, each on servers of its own: enough to keep two processors busy -------

# What each part finds out, for `make test-again`.
RECORDS := .pytest_cache/records
PART = $(BIN)/python -m devstack.testing.part $@
TEST_PARTS := test-services test-plumbing test-sagas test-chaos
LEAVES := users orders events inventory

test-services: $(LOCKED)
	@$(PART) tests/unit tests/architecture $(LEAVES:%=tests/integration/%)

test-plumbing: $(LOCKED)
	@$(PART) tests/security tests/integration $(LEAVES:%=--ignore=tests/integration/%)

test-sagas: $(LOCKED)
	@$(PART) tests/contracts tests/e2e

test-chaos: $(LOCKED)
	@$(PART) tests/chaos

fast-units: $(LOCKED)
	@$(BIN)/python -m pytest -q tests/unit tests/architecture

fast-contracts: $(LOCKED)
	@$(BIN)/python -m tests.contracts

# What `make coverage` runs: not the chaos tests, whose processes are killed before they could write what they have run.
MEASURED := tests/unit tests/architecture tests/integration tests/contracts tests/e2e

# --- parts of `make check` -------------------------------------------------------------------------------------------

format-check: $(LOCKED)
	@$(BIN)/ruff format --check --quiet . || { echo "Not in the common format: run 'make format'." >&2; exit 1; }

lint: $(LOCKED)
	@$(BIN)/ruff check --quiet .

types: $(LOCKED)
	@$(BIN)/mypy

imports: $(LOCKED)
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo

# What it skips, and why, stands in pyproject.toml.
bandit: $(LOCKED)
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml common rabbitmq gateway users orders events inventory orchestrator

audit: $(LOCKED)
	@$(BIN)/python -m devstack.audit

stubs-check: $(LOCKED)
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && \
	$(PROTOC) --python_out="$$made" --grpc_python_out="$$made" --mypy_out=quiet:"$$made" --mypy_grpc_out=quiet:"$$made" $(PROTOS) && \
	cd "$$made" && find . -type f | while read -r stub; do \
		cmp -s "$$stub" "$(CURDIR)/$$stub" || { echo "Stale: $$stub; run 'make stubs'." >&2; exit 1; }; done

diagrams-check: $(LOCKED)
	@$(BIN)/python -m devstack.diagrams --check

# Resolves anew with the present lock as the preference, so only a change of pyproject.toml shows.
lock-check: $(LOCKED)
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && cp requirements.txt requirements-dev.txt "$$made" && \
	$(COMPILE) pyproject.toml -o "$$made/requirements.txt" && \
	$(COMPILE) --group dev -c requirements.txt pyproject.toml -o "$$made/requirements-dev.txt" && \
	for lock in requirements.txt requirements-dev.txt; do \
		cmp -s "$$made/$$lock" "$$lock" || { echo "Stale: $$lock; run 'make lock'." >&2; exit 1; }; done

# --- the environment -------------------------------------------------------------------------------------------------

# The copy of the lock inside .venv says what is installed there: a new checkout date alone installs nothing.
$(LOCKED): requirements-dev.txt | $(BIN)/python
	@if ! cmp -s requirements-dev.txt $@; then \
		echo "Installing the locked dependencies into $(VENV) (once) ..." && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt; \
	fi
	@cp requirements-dev.txt $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is not. Name one: make PYTHON=python3.13 <target>" >&2; \
		echo "  Debian, Ubuntu: sudo apt-get install python3 python3-venv    macOS: brew install python@3.13" >&2; exit 1; }
	@said=$$($(PYTHON) -m venv $(VENV) 2>&1) || { rm -rf $(VENV); echo "$$said" >&2; \
		echo "Could not make $(VENV). On Debian and Ubuntu this helps: sudo apt-get install python3-venv" >&2; exit 1; }
