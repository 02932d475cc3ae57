# Almenara. `make demo` and `make test` need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# The parts of the tests that run whole systems; `make check` runs them too.
HEAVY := tests/e2e tests/fault
DEMO ?=
PYTEST ?=
BENCH ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test check heavy lint format bench lock schemas clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

# --- installing: from the lock, hashes checked; a second run finds the stamps and does nothing ---

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Almenara needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "making $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "The Python module 'venv' is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements/runtime.txt pyproject.toml
	@echo "installing what Almenara needs (once)" >&2
	@$(PIP) install --quiet --require-hashes -r requirements/runtime.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "installing what the tests need (once)" >&2
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.runtime ## .venv with the command .venv/bin/almenara

demo: $(VENV)/.runtime ## the real Peru case in its own time (options: DEMO="--fast --json")
	@$(BIN)/almenara demo $(DEMO)

# --- checking ---

lint: $(VENV)/.dev ## style, formatting, types, layers
	$(BIN)/ruff check services tests migrations bench
	$(BIN)/ruff format --check services tests migrations bench
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## writes the formatting, and what ruff can mend by itself
	$(BIN)/ruff check --fix services tests migrations bench
	$(BIN)/ruff format services tests migrations bench

test: lint ## lint, then the tests; what needs a server that is missing is skipped, with the reason
	$(BIN)/python -m pytest -q $(HEAVY:%=--ignore=%) $(PYTEST)

heavy: $(VENV)/.dev # real processes, kills, real servers
	$(BIN)/python -m pytest -q $(wildcard $(HEAVY)) $(PYTEST)

check: ## everything, on real servers (Kafka, PostgreSQL, Chromium); nothing may be skipped
	ALMENARA_REQUIRE_SERVERS=1 $(MAKE) test heavy

bench: $(VENV)/.dev ## how fast it is, as ratios in one run, beside its peers (options: BENCH="--quick --no-peers")
	$(BIN)/python bench/run.py $(BENCH)

# --- what is generated ---

schemas: $(VENV)/.runtime ## JSON Schemas of the events and the AsyncAPI document, from the code
	$(BIN)/python -m almenara.cli.schemas

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: ## both lock files, from pyproject.toml (needs uv; UPGRADE=--upgrade takes today's releases)
	@command -v uv >/dev/null || { echo "make lock needs uv on the path" >&2; exit 2; }
	$(LOCK) $(UPGRADE) pyproject.toml --group build --output-file requirements/runtime.txt
	$(LOCK) $(UPGRADE) pyproject.toml --group dev --constraints requirements/runtime.txt --output-file requirements/dev.txt

clean: ## removes .venv and every cache; not data/
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find services tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
