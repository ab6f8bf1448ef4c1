# One road for a newcomer, a developer and CI. Needs Python 3.11 or newer, git and make; nothing else.
# Another interpreter: make PYTHON=/path/to/python3.12 test

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CODE := src tests $(wildcard benchmarks) $(wildcard notebooks)
# As many as there are processors, four at most: each loads every library anew. A file stays with one
# worker, so that what its tests share is made once. In their usual order, since files of few and
# long tests would come last otherwise. WORKERS=0 runs all of them in one process.
WORKERS ?= $(shell "$(PYTHON)" -c 'import os; print(min(4, os.cpu_count() or 1))')
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast lint format types contracts docs docs-check check clean
.DELETE_ON_ERROR:

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY)  ## .venv with the exact releases of requirements.lock

$(LOCKED): requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Matcher needs Python 3.11 or newer and found none; install it, or name it:' \
			'make PYTHON=/path/to/python3.12' >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make virtual environments (on Debian: apt install python3-venv)' >&2; \
		exit 1; }
	@echo 'Installing the releases of requirements.lock into $(VENV) (once; some minutes) ...'
	@"$(PYTHON)" -m venv --clear $(VENV)
	@$(PIP) -r requirements.lock
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## simulate a small market, train, evaluate, recommend
	$(BIN)/matcher demo

test: $(READY)  ## all tests and the examples in docstrings
	$(PYTEST) $(PYTEST_ARGS)

test-fast: $(READY)  ## the same without the slow ones
	$(PYTEST) -m 'not slow' $(PYTEST_ARGS)

lint: $(READY)  ## ruff, its format, and spelling
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/codespell

format: $(READY)  ## rewrite the code as lint wants it
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

contracts: $(READY)  ## the direction of imports
	$(BIN)/lint-imports

docs: $(READY)  ## write the generated pages of docs/ anew
	$(BIN)/python tests/test_docs.py

docs-check: $(READY)  ## the form of docstrings
	$(BIN)/numpydoc lint $(shell find src -name '*.py')

check: lint types contracts docs-check test  ## everything that CI runs

clean:  ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name '__pycache__' -type d -prune -exec rm -rf {} +
	find src -name '*.egg-info' -type d -prune -exec rm -rf {} +
