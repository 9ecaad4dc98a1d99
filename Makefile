# Everything a checkout needs: Python 3.11 or newer with venv, and make. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp
OPTIONS ?=

.DEFAULT_GOAL := help

# One target for each long acceptance run: tests/prove/test_<name>.py is `make prove-<name>`.
PROVE := $(patsubst tests/prove/test_%.py,prove-%,$(wildcard tests/prove/test_*.py))
.PHONY: help serve test prove $(PROVE) check lint format types imports docs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
		while IFS='|' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done
	@for run in $(PROVE); do printf '  %-22s one long acceptance run\n' "$$run"; done

# The pip that comes with Debian 12 knows no dependency groups.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(RUNTIME): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(DEV): pyproject.toml $(RUNTIME)
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

serve: $(RUNTIME) ## serve http://127.0.0.1:8080 with a data folder here; OPTIONS='--demo --port 8081'
	$(BIN)/hilum serve $(OPTIONS)

test: $(DEV) ## run the tests; OPTIONS goes to pytest
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest -n auto --dist loadfile -m 'not prove' --ignore=tests/browser $(OPTIONS)
	@# A browser beside other servers runs into its time limits; and -k may leave none of these (status 5).
	$(BIN)/python -m pytest -p no:xdist -m 'not prove' $(OPTIONS) tests/browser || [ $$? -eq 5 ]

prove: $(PROVE) ## run every long acceptance run

$(PROVE): prove-%: $(DEV)
	$(BIN)/python -m pytest -p no:xdist -m prove tests/prove/test_$*.py $(OPTIONS)

check: lint types imports ## everything that reads the code without running it

lint: $(DEV) ## ruff, as a check
	$(BIN)/ruff format --check
	$(BIN)/ruff check

format: $(DEV) ## ruff, rewriting
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

types: $(DEV) ## mypy --strict
	$(BIN)/mypy

imports: $(DEV) ## the direction of imports
	$(BIN)/lint-imports

docs: $(RUNTIME) ## write the pages that are made from the code
	$(BIN)/hilum config --markdown > docs/configuration.md.new
	mv docs/configuration.md.new docs/configuration.md
	$(BIN)/hilum conformance --markdown > docs/conformance-statement.md.new
	mv docs/conformance-statement.md.new docs/conformance-statement.md
	$(BIN)/python tests/conformance_table.py

clean: ## remove the virtual environment and caches; data folders stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
