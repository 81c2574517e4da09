# The daily commands. Everything else: .venv/bin/lookout --help
PYTHON ?= python3
VENV := .venv
LOOKOUT := $(VENV)/bin/lookout
READY := $(VENV)/.ready
BENCH_VENV := .venv-bench
FUZZ_VENV := .venv-fuzz

.DEFAULT_GOAL := help
.PHONY: help up down purge test soak bench fuzz check load serve tools venv lock preflight machine

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

up: preflight venv ## Set up and bring everything up on this machine, from tools to a photo's boxes.
	@$(LOOKOUT) up

down: venv ## Take the runtime down; the git repository and the caches stay.
	@$(LOOKOUT) down

purge: ## Take everything away: runtime, git repository, registry, deploy/, caches, environment.
	@if [ -x $(LOOKOUT) ]; then $(LOOKOUT) down --purge; fi
	@rm -rf $(VENV) $(VENV).lock $(BENCH_VENV) $(BENCH_VENV).lock $(FUZZ_VENV) $(FUZZ_VENV).lock

test: machine venv ## Set up and run all tests, those on a node of their own included.
	@$(VENV)/bin/python -m tests.run

soak: machine venv ## What takes longer than tests may: disruption specs, on a node of their own; JSON in docs/measurements.
	@$(VENV)/bin/python -m tests.run prepare soak

bench: venv $(BENCH_VENV)/.ready ## Our service and its peers side by side, 25 minutes; short: make bench ARGS=--quick
	@$(VENV)/bin/python -m tests.bench $(ARGS)

fuzz: venv $(FUZZ_VENV)/.ready ## Fuzz decoding and intake, guided by coverage: five minutes each, or make fuzz ARGS=60 for seconds.
	@$(FUZZ_VENV)/bin/python -m tests.fuzz $(ARGS)

check: venv ## Lint, format and types only.
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

load: venv ## Load prod with real photos; report in reports/.
	@$(LOOKOUT) load run --profile smoke

serve: venv ## Run the detector on this machine without a cluster, at http://127.0.0.1:3001.
	@$(LOOKOUT) bento serve

tools: machine venv ## Build the pinned external programs into the cache.
	@$(LOOKOUT) tools build

venv: $(READY) ## Install the Python environment from the hash-locked requirements.

lock: ## Write requirements/*.txt anew from pyproject.toml (needs uv).
	@requirements/lock.sh

preflight:
	@$(PYTHON) -m lookout.preflight

machine:
	@$(PYTHON) -m lookout.preflight --any-doors

$(READY): requirements/lookout.txt pyproject.toml
	@$(PYTHON) -m lookout.preflight --python
	@$(PYTHON) -m lookout.virtualenv $(VENV) requirements/lookout.txt
	@touch $@

$(BENCH_VENV)/.ready: requirements/bench.txt
	@$(PYTHON) -m lookout.virtualenv $(BENCH_VENV) requirements/bench.txt
	@touch $@

$(FUZZ_VENV)/.ready: requirements/fuzz.txt
	@$(PYTHON) -m lookout.virtualenv $(FUZZ_VENV) requirements/fuzz.txt
	@touch $@
