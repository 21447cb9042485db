# Targets for development; continuous integration and the commit hooks call them.
# `make help` lists them. A target needs only make and Python 3.11, 3.12, or 3.13.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONFIG ?= configs/demo.yaml
SUPPORTED := import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	if $$p -c '$(SUPPORTED)' >/dev/null 2>&1; then echo $$p; break; fi; done)

# OpenMP threads wait without spinning; otherwise, two busy thread pools on one machine slow each other down.
export OMP_WAIT_POLICY ?= PASSIVE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_SYSTEM_CERTS ?= 1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(READY) ## create .venv from the lock file, with .venv/bin/forestock

# uv installs the lock file in seconds. If uv cannot reach the index, pip installs it in two minutes. Bytecode is compiled during installation, because
# every start takes ten seconds instead of three where Python cannot write it later (a read-only image, PYTHONDONTWRITEBYTECODE).
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || { test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with venv found; name one: make setup PYTHON=…" >&2; exit 2; }; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ {is_uv = 1} is_uv {print} is_uv && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	@echo "1 of 3: installing uv"
	@$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock
	@echo "2 of 3: installing $$(grep -c '^[a-zA-Z0-9]' requirements.lock) packages from requirements.lock, in about a minute"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
		|| { echo "uv could not install the lock file; pip installs it in about two minutes"; \
			$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock; }
	@echo "3 of 3: installing Forestock into $(VENV)"
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -c "import lightgbm" 2>/dev/null || { \
		echo "LightGBM cannot load OpenMP; install libgomp1 (Debian, Ubuntu), libgomp (Fedora), or libomp (macOS), then repeat" >&2; exit 2; }
	@touch $(READY)

.PHONY: demo
demo: $(READY) ## set up, then plan one date on the bundled data
	$(BIN)/forestock demo

.PHONY: run
run: $(READY) ## plan one date on your data: make run CONFIG=configs/….yaml
	$(BIN)/forestock run --config $(CONFIG)

# One thread per worker: more only wait for one another where every core has a worker.
test test-full: export OMP_NUM_THREADS := 1
test test-full: export OPENBLAS_NUM_THREADS := 1

.PHONY: test
test: $(READY) ## run the fast tests
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not slow and not pages and not services"

.PHONY: test-full
test-full: $(READY) ## run every test that needs neither a browser nor a service
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not pages and not services"

.PHONY: test-fuzz
test-fuzz: $(READY) ## run 1,000 mutated tables, files, configurations, and settings through a small pipeline: make test-fuzz SEED=2
	$(BIN)/python -W ignore -m tests.fuzz.campaign --cases 1000 --seed $(or $(SEED),1) --full 60

.PHONY: test-pages
test-pages: $(READY) ## open the review page and the workspace in Chromium; installs Chromium if it is missing
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
		run=""; test "$$(id -u)" = 0 || run=sudo; \
		$$run apt-get update -qq && $$run apt-get install -y -qq chromium; }
	$(BIN)/pytest -q -m pages

.PHONY: test-services
test-services: $(READY) ## run against PostgreSQL, a Prefect server with a worker, and MLflow; installs PostgreSQL
	@ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || command -v initdb >/dev/null || { \
		run=""; test "$$(id -u)" = 0 || run=sudo; \
		$$run apt-get update -qq && $$run apt-get install -y -qq postgresql; }
	$(BIN)/pytest -q tests/services -m services

.PHONY: check
check: $(READY) ## check format, lint, types, import contracts, and conventions; needs no network
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/conventions
	$(MAKE) docs
	@! grep -n '://' requirements.lock || { echo "requirements.lock names a host" >&2; exit 1; }

# Material for MkDocs prints a notice about MkDocs 2 otherwise.
.PHONY: docs
docs: $(READY) ## build the documentation site into build/docs/; a broken link or a page outside the navigation stops it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.PHONY: ui
ui: $(READY) ## start a Prefect server, a worker, MLflow, and the workspace on this machine, with every deployment: make ui CONFIG=configs/….yaml
	$(BIN)/python -m forestock.cli.ui $(CONFIG)

.PHONY: serve
serve: $(READY) ## start the planner's workspace: make serve CONFIG=configs/….yaml
	$(BIN)/forestock serve --config $(CONFIG) $(if $(AT),--at $(AT))

.PHONY: bench
bench: $(READY) ## run the benchmarks that need no additional data
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.dispatch

.PHONY: audit
audit: $(READY) ## check the pinned dependencies for security advisories; reports if no source answers
	$(BIN)/python .ci/audit

.PHONY: format
format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: reference
reference: $(READY) ## regenerate the reference pages from the code
	$(BIN)/python -m tools.reference commands > docs/page.new && mv docs/page.new docs/commands.md
	$(BIN)/python -m tools.reference tables > docs/page.new && mv docs/page.new docs/tables.md
	$(BIN)/python -m tools.reference settings > docs/page.new && mv docs/page.new docs/settings.md

.PHONY: tour
tour: demo ## run the demo and regenerate docs/tour.md from its rows
	$(BIN)/python -m tools.tour > docs/tour.new && mv docs/tour.new docs/tour.md

.PHONY: screenshots
screenshots: demo ## take the pictures of README and docs from the workspace of the demo; needs Chromium
	$(BIN)/python -m tools.screenshots

.PHONY: tutorials
tutorials: $(READY) ## run the tutorials and renew what they show
	$(BIN)/python -m tools.tutorial your-own-exports weekly-workbooks

.PHONY: lock
lock: $(READY) ## update the lock file: every dependency with hashes, without host names
	$(BIN)/uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --all-extras \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock
	@! grep -n '://' requirements.lock || { echo "requirements.lock names a host" >&2; exit 1; }
