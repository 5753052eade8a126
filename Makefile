# Every target works from a fresh clone: it makes its own environment first.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
ENGINES := $(VENV)/.engines
DEV := $(VENV)/.dev
# One more than there are processors: servers, engines and browsers are often waited for.
XDIST ?= -n $(shell echo $$(( $$(nproc) + 1 )))

.PHONY: run demo fleet engines test test-engines simulate check bench format clean lock reference migration web

run: $(RUNTIME) web ## Set everything up and serve on http://localhost:8000
	$(BIN)/python -m tintype serve

demo: $(RUNTIME) web ## The same with a throw-away world of people and photos
	$(BIN)/python -m tintype demo

fleet: $(ENGINES) web ## Every engine and every role on this machine, behind one gateway
	$(BIN)/python -m tools.fleet

engines: $(ENGINES) ## Install PostgreSQL, Redis, Kafka, an S3 server and nginx, on Debian
	$(BIN)/python -m tools.engines.install

test: $(DEV) web ## Everything: static checks, all tests, the real browser, the engines that are there
	$(BIN)/python -m tools.check --static
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent test && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent size
	$(BIN)/python -m tools.testing $(XDIST) --dist loadfile --no-loadscope-reorder --durations 40 tests

test-engines: $(DEV) web ## Of these, the tests on PostgreSQL, Redis, Kafka and S3, and of whole fleets
	$(BIN)/python -m tools.testing $(XDIST) --dist loadfile --no-loadscope-reorder --durations 20 \
		-m engines tests

simulate: $(DEV) ## Ten thousand simulated histories of the feed, on all cores; SEEDS=1000 for fewer
	$(BIN)/python -m tests.simulation.simulate --seeds $(or $(SEEDS),10000)

check: $(DEV) ## Format, lint, types, import contracts, quick tests: under 90 seconds
	$(BIN)/python -m tools.check

bench: $(DEV) web ## Measure the numbers that the design promises, as ratios
	$(BIN)/python -m bench

format: $(DEV) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true

reference: $(DEV) ## Write the generated reference pages anew
	$(BIN)/python -m tools.reference

migration: $(DEV) ## Draft a migration from the tables: make migration MESSAGE="add stories"
	$(BIN)/python -m tools.migration "$(MESSAGE)"

lock: $(DEV) ## Resolve the dependencies anew, with hashes and without addresses
	for set in runtime node engines bench dev deploy go; do $(BIN)/uv pip compile --quiet --upgrade --generate-hashes \
		--no-emit-index-url --no-emit-find-links --python-version 3.11 \
		--custom-compile-command "make lock" requirements/$$set.in -o requirements/$$set.txt; done

web: $(RUNTIME) ## Build the web client when its sources changed
	$(BIN)/python -m tools.web

clean: ## Remove what was built; never the data folder
	rm -rf $(VENV) web/node_modules web/dist test-results .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tintype needs Python 3.11 or newer; found $$($(PYTHON) --version 2>&1)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python can not make environments here. On Debian: apt install python3-venv"; exit 1; }

$(RUNTIME): requirements/runtime.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@touch $@

$(ENGINES): requirements/engines.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/engines.txt
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
