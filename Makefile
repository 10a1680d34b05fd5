# `make` alone says what there is. CI runs these targets and nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ifeq ($(filter oneshell,$(.FEATURES)),)
$(error hemline needs GNU make 3.82 or newer)
endif

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# PyPI's torch brings CUDA along. Where a smaller one is wanted:
#   make setup PIP_TORCH_FLAGS="--index-url ..."
TORCH ?= torch==2.13.0
TORCHVISION ?= torchvision==0.28.0
PIP_TORCH_FLAGS ?=
# What `make demo`, `make bench` and `make test` hand on, such as ARGS="--port 9000".
ARGS ?=
# The sizes of `make bench-scale`, and the folders of `make prove-live` and `make prove-finding`.
SIZES ?= 10000,100000,1000000
DATA ?= var/data
PROTOS := $(shell find protos -name '*.proto')
LOCKS := text image ranking gateway offline build

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# Threads that spin while they wait take the cores from those that work.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: help setup demo test check format bench bench-scale prove-live prove-finding faults test-gpu contract lock chromium clean

help:  ## Shows this list
	@printf 'Hemline: finds clothes by words, photos and both.\n\n'
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	printf '\nAfter `make setup`, $(BIN)/hemline --help teaches the rest.\n'

setup: $(VENV)/installed $(VENV)/generated  ## Makes .venv, installs what is locked, generates gen/

demo: setup  ## Ends in a running shop on http://127.0.0.1:8080
	@exec $(BIN)/hemline demo $(ARGS)

test: setup chromium  ## Runs the tests (ARGS="-k words" to choose)
	@exec $(BIN)/python -m pytest -m "not slow and not gpu" $(ARGS)

check: setup node_modules/.package-lock.json  ## Only reads: style, types, contract, floors
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	node_modules/.bin/buf lint protos
	node_modules/.bin/buf format protos --diff --exit-code
	node_modules/.bin/buf breaking protos --against tests/golden/contract.binpb
	$(BIN)/python -m pytest -q tests/test_floors.py tests/test_security_floors.py tests/test_contract.py

format: setup  ## Writes what `make check` asks of the style
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	if [ -x node_modules/.bin/buf ]; then node_modules/.bin/buf format protos --write; fi

bench: setup  ## Measures the running system against its limit
	@[ -e var/demo/artifacts/CURRENT ] || {
	    echo 'Making the demo first: it is what is measured ...'
	    $(BIN)/hemline demo --detach
	    $(BIN)/hemline down --data var/demo
	}
	exec $(BIN)/hemline bench --data var/demo $(ARGS)

bench-scale: setup  ## Measures synthetic shops of 10,000, 100,000 and a million products (SIZES=...)
	@exec $(BIN)/hemline bench --scale $(SIZES) --replicas text=2 --replicas image=2 $(ARGS)

prove-live: setup  ## Changes, deletes and rolls back on a real catalogue while it is searched (DATA=...)
	@exec $(BIN)/python -m offline.prove_live --data $(DATA) $(ARGS)

prove-finding: setup  ## Compares 240 filters with brute force (the demo, or DATA=...)
	@data='$(if $(filter file,$(origin DATA)),var/demo,$(DATA))'
	[ "$$data" != var/demo ] || [ -e var/demo/artifacts/CURRENT ] || {
	    echo 'Making the demo first: it is what is searched ...'
	    $(BIN)/hemline demo --detach
	    $(BIN)/hemline down --data var/demo
	}
	exec $(BIN)/python -m offline.prove_finding --data "$$data" $(ARGS)

faults: setup  ## Kills, freezes and starves real processes, every row
	@exec $(BIN)/python -m pytest -rs -m "fault or slow" tests/faults tests $(ARGS)

test-gpu: setup  ## Runs the checks that need a CUDA device
	@exec $(BIN)/python -m pytest -rs -m gpu tests $(ARGS)

contract: setup node_modules/.package-lock.json  ## Records the contract that `buf breaking` compares with
	@node_modules/.bin/buf build protos --exclude-source-info --output tests/golden/contract.binpb

lock: setup  ## Resolves the versions anew
	@compile() {
	    $(BIN)/pip-compile --quiet --generate-hashes --no-header --no-annotate --strip-extras \
	        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	        --unsafe-package torch --unsafe-package torchvision \
        --unsafe-package pip --unsafe-package hemline \
	        "$$@" pyproject.toml
	}
	echo 'Locking everything ...'
	compile --upgrade --extra dev --extra cpu --output-file requirements/dev.lock
	for stage in $(LOCKS); do
	    echo "Locking $$stage ..."
	    faiss=(); case $$stage in image|offline) faiss=(--extra cpu) ;; esac
	    compile --extra $$stage "$${faiss[@]}" --constraint requirements/dev.lock \
	        --output-file requirements/$$stage.lock
	done
	# What pip-compile says of the packages that it leaves out is no part of a lock.
	sed -i -E '/^#/d; /^$$/d' requirements/*.lock

clean:  ## Removes what the other targets made, but for the data in var/
	@rm -rf $(VENV) gen gen.new node_modules dist build .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || {
	    echo 'hemline needs python3 (3.11 or newer): install it, or name one with PYTHON=...' >&2; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	    echo "hemline needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V): name another with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || {
	    echo 'python3 lacks its venv module: on Debian and Ubuntu, apt-get install python3-venv' >&2; exit 1; }
	free=$$(df -Pk . | awk 'NR == 2 {print int($$4 / 1024)}')
	[ "$$free" -ge 3000 ] || {
	    echo "the disk is too full: setting up needs 3000 MiB, and $$free MiB are free here" >&2; exit 1; }
	echo 'Making .venv ...'
	$(PYTHON) -m venv $(VENV)

# Without --no-deps the lock would reach for the torch that it leaves out.
$(VENV)/installed: requirements/dev.lock pyproject.toml hatch_build.py | $(VENV)/bin/python
	@echo 'Installing what is locked ...'
	$(BIN)/pip install --no-deps --require-hashes -r requirements/dev.lock
	echo 'Installing torch ...'
	$(BIN)/pip install $(PIP_TORCH_FLAGS) '$(TORCH)'
	$(BIN)/pip install $(PIP_TORCH_FLAGS) '$(TORCHVISION)'
	echo 'Installing hemline ...'
	$(BIN)/pip install --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $@ $(VENV)/generated

$(VENV)/generated: $(PROTOS) hatch_build.py $(VENV)/installed
	@$(BIN)/python hatch_build.py
	touch $@

# The page is tested in a real browser; without one those tests say so and skip.
chromium:
	@command -v chromium >/dev/null || {
	    as_root=(); [ "$$(id -u)" -eq 0 ] || as_root=(sudo -n)
	    if command -v apt-get >/dev/null && "$${as_root[@]}" true 2>/dev/null; then
	        echo 'Installing chromium for the tests of the page ...'
	        "$${as_root[@]}" apt-get install -y -q --no-install-recommends chromium >/dev/null 2>&1 \
	            || { "$${as_root[@]}" apt-get update -q >/dev/null 2>&1 \
	                && "$${as_root[@]}" apt-get install -y -q --no-install-recommends chromium >/dev/null 2>&1; } \
	            || echo 'chromium could not be installed: the tests of the page will be skipped'
	    else
	        echo 'there is no chromium and no right to install it: the tests of the page will be skipped'
	    fi
	}

node_modules/.package-lock.json: package.json package-lock.json
	@command -v npm >/dev/null || {
	    echo 'checking the contract needs buf, which comes by npm: apt-get install npm' >&2; exit 1; }
	# Not `npm ci`: it wants the builds for other systems in the lock, and not every registry has them.
	npm install --no-save --no-audit --no-fund
	touch $@
