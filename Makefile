# Everything sets itself up in $(VENV), once for each change of the pinned requirements.
PYTHON ?= python3
VENV ?= .venv
SCENARIO ?= leaked-key

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL_PROJECT := $(PIP) install --no-deps --no-build-isolation -e .
COMPILE := --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help gameday test check format bench snapshots requirements clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

gameday: $(VENV)/.gameday  ## Open the war room on an embedded account under attack (SCENARIO=leaked-key)
	@$(BIN)/s3ir-tui gameday $(SCENARIO)

test: $(VENV)/.dev  ## Format, lint, types, import rules and all tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: test  ## The same as make test

format: $(VENV)/.dev  ## Format the code and fix what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev  ## Measure: start-up, bytes to the terminal, the log, the trail, the tail
	$(BIN)/python -m pytest -m bench -s tests/bench

snapshots: $(VENV)/.dev  ## Take the screenshots of the tests and the picture of the README anew
	$(BIN)/python -m pytest tests/screens --snapshot-update
	$(BIN)/python docs/make_picture.py

requirements:  ## Pin the requirements anew, with their hashes
	$(PYTHON) -m venv --clear build/pin
	build/pin/bin/python -m pip --disable-pip-version-check --quiet install pip-tools
	cd requirements && for set in runtime gameday dev; do \
		../build/pin/bin/pip-compile $(COMPILE) --output-file $$set.txt $$set.in || exit 1; done

clean:  ## Remove the virtual environment and what the tools left
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.gameday: requirements/gameday.txt pyproject.toml | $(BIN)/python
	@test -e $(VENV)/.dev || echo "setting up $(VENV): a minute, once"
	$(PIP) install --require-hashes -r requirements/gameday.txt
	$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(INSTALL_PROJECT)
	@touch $@ $(VENV)/.gameday
