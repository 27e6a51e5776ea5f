# kvchaos: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
CONTEXT ?= kvchaos-test
WORKERS ?= 3
PYTEST  ?=

# Where it is set, each of the thousand processes of the tests would compile all its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt type e2e bench wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make the virtual environment in .venv with everything that is needed

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup  ## cut a link of a KV-cache-aware gateway in the embedded lab and watch its index recover
	$(BIN)/chaos --no-version-check run experiments/network-partition.json

test: setup  ## every test that needs no cluster: unit, properties, contract, lab
	@$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest --cov --cov-report= -m "not e2e" -n $(WORKERS) --dist loadfile --no-loadscope-reorder --randomly-dont-reorganize --durations=5 $(PYTEST)
	@$(MAKE) --no-print-directory cover

.PHONY: cover
PURE := src/kvchaos/kvevents/wire.py,src/kvchaos/kvevents/sequence.py,src/kvchaos/kvevents/epoch.py,src/kvchaos/kvevents/steps.py,src/kvchaos/index/oracle.py,src/kvchaos/index/compare.py,src/kvchaos/verdict/*.py
cover:
	@$(BIN)/python -m coverage report --include=$(PURE) --fail-under=100 >/dev/null || { $(BIN)/python -m coverage report --include=$(PURE); exit 1; }
	@$(BIN)/python -m coverage report --format=total | sed 's/^/coverage of all packages, with branches: /; s/$$/ %/'

lint: setup  ## style, formatting, layers, types, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src
	$(BIN)/codespell

.PHONY: audit
audit: setup  ## is any pinned package known to be vulnerable? says so where that cannot be looked up
	@$(BIN)/python .ci/audit.py

fmt: setup  ## rewrite the files in the house's formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: setup  ## types alone
	$(BIN)/mypy

.PHONY: guards nightly
guards: setup  ## remove each guard in a process of its own: a test has to notice
	$(BIN)/python -m tests.guards

nightly: setup  ## the properties, with other examples each time and twenty times as many
	HYPOTHESIS_PROFILE=nightly KVCHAOS_WALKS_SEED=$${KVCHAOS_WALKS_SEED:-$$(date +%s)} $(BIN)/python -m pytest tests/properties -n $(WORKERS) --durations=5

e2e: setup  ## the contract suite and the experiments on the real cluster named by CONTEXT (and KUBECONFIG)
	KVCHAOS_E2E_CONTEXT=$(CONTEXT) KVCHAOS_CONTRACT_CONTEXT=$(CONTEXT) $(BIN)/python -m pytest tests/e2e tests/contract -p no:randomly --durations=5 $(PYTEST)

RUNS ?= 200
SEED ?= 7
.PHONY: chaos-ourselves
chaos-ourselves: setup  ## kill RUNS runs by SEED, fail the API in front of others: nothing may be left
	$(BIN)/python -m tests.lab.faults.ourselves --runs $(RUNS) --seed $(SEED)

bench: setup  ## the figures of docs/performance.md
	$(BIN)/kvchaos bench run

.PHONY: bench-compare bench-prove
bench-compare: setup  ## did anything get slower since the commit of benchmarks/baseline_metrics.json?
	$(BIN)/kvchaos bench compare

bench-prove: setup  ## is the alarm of bench-compare worth something on this machine?
	$(BIN)/kvchaos bench prove

.PHONY: docs
docs: setup  ## the documentation's site in site/, warnings being errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: setup  ## dist/kvchaos-*.whl
	$(BIN)/python -m build --wheel --outdir dist .

clean:  ## remove what the other targets made
	rm -rf $(VENV) dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
