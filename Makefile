# Each target works as the first command on a new machine with Python 3.11+ and git: it creates .venv itself.
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
.PHONY: help setup run dev demo up down reset status logs test test-fast test-again test-servers-down fast-units fast-contracts coverage test-services test-plumbing test-sagas test-chaos chaos two-platforms mutants check format format-check lint types imports \
	bandit audit stubs stubs-check postman diagrams diagrams-check sdk sdk-check rotate-keys lock lock-check bench docs clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The platform on this machine
run: $(LOCKED) ## Start everything in the foreground; Ctrl-C stops it
	@$(BIN)/python -m devstack run

dev: $(LOCKED) ## Start everything in the foreground; restart a service when its files change
	@$(BIN)/python -m devstack dev

demo: $(LOCKED) ## Start, run purchase, transfer, resale, check-in and refund step by step, stop
	@$(BIN)/python -m devstack demo

up: $(LOCKED) ## Start everything in the background; returns when healthy
	@$(BIN)/python -m devstack up

down: $(LOCKED) ## Stop what `make up` started; keep the data
	@$(BIN)/python -m devstack down

reset: $(LOCKED) ## Stop it and delete the data
	@$(BIN)/python -m devstack reset

status: $(LOCKED) ## Show the running processes and their addresses
	@$(BIN)/python -m devstack status

logs: $(LOCKED) ## Follow the merged log of `make up`
	@$(BIN)/python -m devstack logs

##@ Tests
ifdef T
test: $(LOCKED)
	@$(BIN)/python -m devstack.testing.warm
else
test: $(LOCKED) ## Run all tests; T=path runs one folder, file or test on servers that keep running
	@rm -rf $(RECORDS)
	@$(MAKE) --no-print-directory -k -j $(words $(TEST_PARTS)) $(if $(filter output-sync,$(.FEATURES)),-O) $(TEST_PARTS)
endif

test-fast: $(LOCKED) ## Run unit and architecture tests, and contracts of the sagas that changed
	@$(MAKE) --no-print-directory -k -j 2 $(if $(filter output-sync,$(.FEATURES)),-O) fast-units fast-contracts

test-again: $(LOCKED) ## Retry each failed test of the last `make test`, one at a time
	@$(BIN)/python -m devstack.testing.flaky $(TEST_PARTS)

test-servers-down: $(LOCKED) ## Stop the servers that `make test T=path` leaves running
	@DEVSTACK_HOME="$(or $(DEVSTACK_HOME),.devstack)/test-servers" $(BIN)/python -m devstack reset

coverage: $(LOCKED) ## Measure the tests' coverage; fail if a package is below its floor
	@$(BIN)/coverage erase
	@COVERAGE_PROCESS_START=pyproject.toml $(BIN)/coverage run -m pytest -q $(MEASURED); tests=$$?; \
		$(BIN)/coverage combine --quiet && $(BIN)/python -m devstack.testing.coverage && exit $$tests

chaos: $(LOCKED) ## Inject faults under load (CHAOS_SEED=n repeats a run)
	@CHAOS_PLAN=long $(BIN)/python -m pytest -q -s tests/chaos/test_mixed_run.py

two-platforms: $(LOCKED) ## Start two clones at one moment, twenty times; neither may meet the other
	@TWO_PLATFORMS_ROUNDS=$(or $(ROUNDS),20) $(BIN)/python -m pytest -q tests/integration/devstack/test_two_platforms.py

mutants: $(LOCKED) ## Insert deliberate bugs into copies of the source; the tests must catch each
	@$(BIN)/python -m tests.mutations

##@ Quality
check: format-check lint types imports bandit audit stubs-check diagrams-check sdk-check lock-check ## Check format, lint, types, imports, security, stubs, diagrams, clients, lock
	@echo "All checks passed."

format: $(LOCKED) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

bench: $(LOCKED) ## Measure the platform and pgbench on this machine
	@$(BIN)/python -m bench

##@ Maintenance
setup: $(LOCKED) ## Create .venv and install the locked dependencies

stubs: $(LOCKED) ## Generate the gRPC stubs from proto/
	@$(PROTOC) --python_out=. --grpc_python_out=. --mypy_out=quiet:. --mypy_grpc_out=quiet:. $(PROTOS)

postman: $(LOCKED) ## Write the Postman scenarios to postman/
	@$(BIN)/python -m devstack.postman

sdk: $(LOCKED) ## Generate the types of the clients in sdk/ and build the TypeScript client
	@PYTHONPATH=.:sdk/python $(BIN)/python -m sdk

diagrams: $(LOCKED) ## Write docs/diagrams/ from the tables
	@$(BIN)/python -m devstack.diagrams

rotate-keys: $(LOCKED) ## Rewrap sealed data under the first of KEY_ENCRYPTION_KEYS, with the environment of the orchestrator
	@$(BIN)/python -m orchestrator.rotate_keys

lock: $(LOCKED) ## Lock the dependencies named in pyproject.toml, and those of the TypeScript client
	@$(COMPILE) pyproject.toml -o requirements.txt
	@$(COMPILE) --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	@PYTHONPATH=. $(BIN)/python -c "from sdk.typescript_code import lock; lock()"

docs: $(LOCKED) ## Check the docs' links and their references to the code
	@$(BIN)/python -m pytest -q tests/architecture/test_docs.py tests/architecture/test_dependencies.py

clean: ## Remove .venv, caches and test servers; keep the platform's data
	@! test -x $(BIN)/python || ! test -d "$(or $(DEVSTACK_HOME),.devstack)/test-servers" || $(MAKE) --no-print-directory test-servers-down
	@rm -rf sdk/typescript/node_modules sdk/typescript/dist sdk/typescript/src/generated
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- parts of `make test`, which run concurrently on separate servers: enough for two processors -------------------------

# The outcomes of each part, for `make test-again`.
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

# The tests of `make coverage`; not the chaos tests, whose killed processes write no coverage data.
MEASURED := tests/unit tests/architecture tests/integration tests/contracts tests/e2e

# --- parts of `make check` -------------------------------------------------------------------------------------------

format-check: $(LOCKED)
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run 'make format'." >&2; exit 1; }

lint: $(LOCKED)
	@$(BIN)/ruff check --quiet .

types: $(LOCKED)
	@$(BIN)/mypy

imports: $(LOCKED)
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo

# pyproject.toml lists what it skips, with reasons.
bandit: $(LOCKED)
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml common rabbitmq gateway users orders events inventory orchestrator invariants

audit: $(LOCKED)
	@$(BIN)/python -m devstack.audit

stubs-check: $(LOCKED)
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && \
	$(PROTOC) --python_out="$$made" --grpc_python_out="$$made" --mypy_out=quiet:"$$made" --mypy_grpc_out=quiet:"$$made" $(PROTOS) && \
	cd "$$made" && find . -type f | while read -r stub; do \
		cmp -s "$$stub" "$(CURDIR)/$$stub" || { echo "Stale: $$stub; run 'make stubs'." >&2; exit 1; }; done

diagrams-check: $(LOCKED)
	@$(BIN)/python -m devstack.diagrams --check

sdk-check: $(LOCKED)
	@PYTHONPATH=.:sdk/python $(BIN)/python -m sdk --check

# Resolves with the current lock as the preference, so only a change of pyproject.toml has an effect.
lock-check: $(LOCKED)
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && cp requirements.txt requirements-dev.txt "$$made" && \
	$(COMPILE) pyproject.toml -o "$$made/requirements.txt" && \
	$(COMPILE) --group dev -c requirements.txt pyproject.toml -o "$$made/requirements-dev.txt" && \
	for lock in requirements.txt requirements-dev.txt; do \
		cmp -s "$$made/$$lock" "$$lock" || { echo "Stale: $$lock; run 'make lock'." >&2; exit 1; }; done

# --- the environment -------------------------------------------------------------------------------------------------

# The copy of the lock in .venv records what is installed: a new file date alone installs nothing.
$(LOCKED): requirements-dev.txt | $(BIN)/python
	@if ! cmp -s requirements-dev.txt $@; then \
		echo "Installing the locked dependencies into $(VENV) (once) ..." && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt; \
	fi
	@cp requirements-dev.txt $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is not. Set it: make PYTHON=python3.13 <target>" >&2; \
		echo "  Debian, Ubuntu: sudo apt-get install python3 python3-venv    macOS: brew install python@3.13" >&2; exit 1; }
	@said=$$($(PYTHON) -m venv $(VENV) 2>&1) || { rm -rf $(VENV); echo "$$said" >&2; \
		echo "Could not create $(VENV). On Debian and Ubuntu, try: sudo apt-get install python3-venv" >&2; exit 1; }
