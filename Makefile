# Trainlapse: one command a task, on a fresh machine too. `make` alone lists them.
#
#   PYTHON=/path/to/python   the interpreter for the environment (default: the first found, from 3.11)
#   NO_BROWSER=1             `make demo` serves without opening a browser
#   DEMO_ARGS="cnn"          passed on to `trainlapse demo`
#   TEST_ARGS="-k store"     passed on to pytest

.POSIX:
# Two installs into one environment at once would break it.
.NOTPARALLEL:
.PHONY: help demo test lint lint-js has-node types check format clean

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -q

help:
	@echo 'make demo    record two real trainings and open the explorer'
	@echo 'make test    run every test'
	@echo 'make lint    ruff and import contracts'
	@echo 'make lint-js the scripts of the page: ESLint, and tests of their logic; needs Node.js'
	@echo 'make types   mypy'
	@echo 'make check   test, lint and types'
	@echo 'make format  rewrite the code as ruff wants it'
	@echo 'make clean   remove all that make installed and cached; recordings stay'
	@echo
	@echo 'Each sets up $(VENV) first. Options: PYTHON, NO_BROWSER, DEMO_ARGS, TEST_ARGS'

demo: $(VENV)/.has-demo
	@case "$(NO_BROWSER)" in \
	  ''|0) exec $(BIN)/trainlapse demo $(DEMO_ARGS) ;; \
	  *) exec $(BIN)/trainlapse demo --no-browser $(DEMO_ARGS) ;; \
	esac

# Bytecode is kept whatever the shell says: to prepare the assertions of all tests takes seconds.
test: $(VENV)/.has-test
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(TEST_ARGS)

lint: $(VENV)/.has-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

# Tools are installed again when the lock file changes.
lint-js: has-node node_modules/.has-tools
	@node_modules/.bin/eslint .
	@node --test --test-reporter=spec tests/javascript/*.test.js

has-node:
	@if ! node -e '' 2>/dev/null || ! npm --version >/dev/null 2>&1; then \
	  echo 'error: the scripts are checked with Node.js 18.18 or newer, and npm.' >&2; \
	  echo 'On Debian: apt install nodejs npm; elsewhere: https://nodejs.org' >&2; exit 1; \
	fi

node_modules/.has-tools: package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

types: $(VENV)/.has-dev
	@$(BIN)/mypy

check: test lint types

format: $(VENV)/.has-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	rm -rf .import_linter_cache .hypothesis .coverage htmlcov
	find recorder store explorer tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp says which extra is installed. dev holds test and test holds demo, so the larger serves the
# smaller; a change of pyproject.toml installs again.
$(VENV)/.has-demo: $(VENV)/.made pyproject.toml
	@echo 'Installing Trainlapse with TensorFlow and the demo data: a minute or a few ...'
	@$(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/.has-test: $(VENV)/.made pyproject.toml
	@echo 'Installing Trainlapse with TensorFlow and the test tools: a minute or a few ...'
	@$(PIP) install -e '.[test]'
	@touch $(VENV)/.has-demo $@

$(VENV)/.has-dev: $(VENV)/.made pyproject.toml
	@echo 'Installing Trainlapse with the developer tools: a minute or a few ...'
	@$(PIP) install -e '.[dev]'
	@touch $(VENV)/.has-demo $(VENV)/.has-test $@

# Candidates are run, not only looked up: a version manager leaves names on PATH that do not start.
$(VENV)/.made:
	@recent='import sys; sys.exit(sys.version_info < (3, 11))'; \
	if [ -n "$(PYTHON)" ]; then \
	  if ! "$(PYTHON)" -c '' >/dev/null 2>&1; then \
	    echo 'error: PYTHON=$(PYTHON) does not start.' >&2; exit 1; \
	  fi; \
	  if ! "$(PYTHON)" -c "$$recent"; then \
	    echo "error: Trainlapse needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1)." >&2; \
	    echo 'Pass another: make PYTHON=/path/to/python3.12 ...' >&2; exit 1; \
	  fi; \
	  python='$(PYTHON)'; \
	else \
	  python=; \
	  for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	    if "$$candidate" -c "$$recent" >/dev/null 2>&1; then python=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "error: Trainlapse needs Python 3.11 or newer; python3 is $$(python3 -V 2>&1)." >&2; \
	    echo 'Install one, or say where it is: make PYTHON=/path/to/python3.12 ...' >&2; exit 1; \
	  fi; \
	fi; \
	echo "Creating $(VENV) with $$("$$python" -V) ..."; \
	if ! "$$python" -m venv --clear $(VENV); then \
	  echo "error: $$python cannot create environments; on Debian: apt install python3-venv" >&2; \
	  exit 1; \
	fi
	@touch $@
