# Everything that a person or CI runs. Needs Python >= 3.11, make and a C library; the rest comes from the locks.

PORT ?= 8000
VENV ?= .venv
# Candidates, the first that runs is taken. To choose: make test PYTHON=/path/to/python VENV=.venv-other
PYTHON ?= python3.14 python3.13 python3.12 python3.11 python3

BIN := $(VENV)/bin
# The same pip on every machine, from the wheel beside us: a system Python may have neither pip nor ensurepip.
# It obeys the user's own pip configuration; only-binary, since there may be no compiler.
PIP := $(BIN)/python .setup/pip-26.3-py3-none-any.whl/pip --disable-pip-version-check --no-input
SYNC := $(PIP) install --quiet --no-user --no-deps --require-hashes --only-binary :all:
# Clients and composers from npm that the endpoint is tested with; where there is no npm those tests are skipped.
NPM := tests/npm
# Linters of deploy/.
DEPLOY_NPM := tests/deploy/npm
# The gateways of other makers that the benchmark measures; those that cannot be installed are left out of it.
BENCH_NPM := bench/npm bench/npm-hive bench/npm-tailcall
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'

.DELETE_ON_ERROR:
.PHONY: help run test faults soak bench lint types schema lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

run: $(VENV)/project  ## the sandboxes and the gateway over them, on http://127.0.0.1:8000/graphql (another port: make run PORT=9000)
	$(BIN)/postroom serve --sandbox --port $(PORT)

test: lint types $(NPM)/node_modules/installed $(DEPLOY_NPM)/node_modules/installed  ## lint, types and all tests
	$(BIN)/pytest -n auto

faults: $(VENV)/dev $(VENV)/project  ## crashes, resets and full disks in every combination, and the table of what they came to, which goes into the README; some 30 minutes
	FAULTS=all FAULTS_README=README.md $(BIN)/pytest tests/faults

soak: $(VENV)/dev $(VENV)/project  ## ten minutes of mixed load on a served gateway, to see that nothing of what it holds grows, and 50,000 generated queries by both executors (SOAK_MINUTES=60: an hour)
	SOAK_MINUTES=$${SOAK_MINUTES:-10} $(BIN)/pytest tests/soak
	ENGINE_EXAMPLES=50000 $(BIN)/pytest -n auto --timeout 7200 tests/engine/test_generated.py

bench: $(VENV)/dev $(VENV)/project $(BENCH_NPM:=/node_modules/installed)  ## Postroom beside other gateways on one core each, the table and plots of it, which go into the README; some 25 minutes, Linux, and node for most of the others
	$(BIN)/python -m bench --readme README.md

lint: $(VENV)/dev $(VENV)/project  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/dev $(VENV)/project  ## mypy --strict
	$(BIN)/mypy

schema: $(VENV)/project  ## write schema.graphql from the code
	$(BIN)/postroom schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

lock: $(VENV)/dev  ## solve pyproject.toml into the locks (newest versions: make lock UPGRADE=--upgrade)
	PATH="$$PATH:$(BIN)" $(LOCK) $(UPGRADE) --extra sandbox --group build -o requirements.lock pyproject.toml
	PATH="$$PATH:$(BIN)" $(LOCK) $(UPGRADE) --extra sandbox --group build --group dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	PATH="$$PATH:$(BIN)" $(LOCK) --extra tracing -c requirements-dev.lock -o deploy/requirements.lock pyproject.toml

clean:  ## remove the environment and the caches
	rm -rf $(VENV) $(NPM)/node_modules $(DEPLOY_NPM)/node_modules $(BENCH_NPM:=/node_modules) screenshots .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Each file below is touched last, so that a set-up broken off half way is done again.
$(VENV)/runtime: requirements.lock
	@for python in $(PYTHON); do \
	  if $$python -c 'import ssl, sys, venv, zlib; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$python --version)"; exec $$python -m venv --clear --without-pip $(VENV); \
	  fi; \
	done; \
	echo 'Postroom needs Python 3.11 or newer with its venv and ssl modules. Tried: $(PYTHON). Choose one: make PYTHON=/path/to/python3' >&2; exit 1
	$(SYNC) -r requirements.lock
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	$(SYNC) -r requirements-dev.lock
	@touch $@

$(VENV)/project: pyproject.toml $(VENV)/runtime
	$(PIP) install --quiet --no-user --no-deps --no-build-isolation --editable .
	@touch $@

bench/%/node_modules/installed: bench/%/package-lock.json
	@cd bench/$* && npm ci --ignore-scripts --silent && touch node_modules/installed \
	|| echo 'npm could not install what bench/$*/package.json names: it is left out.'

%/node_modules/installed: %/package-lock.json
	@if command -v npm >/dev/null; then cd $* && npm ci --ignore-scripts --silent && touch node_modules/installed; \
	else echo 'There is no npm here: what needs it is left out.'; fi
