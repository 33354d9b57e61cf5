# Trainlapse: one command a task, on a fresh machine too. `make` alone lists them.
#
#   PYTHON=/path/to/python   the interpreter for the environment (default: see .ci/find-python)
#   VENV=.venv               the folder of the environment
#   NO_BROWSER=1             `make demo` serves without opening a browser
#   DEMO_ARGS="cnn"          passed on to `trainlapse demo`
#   TEST_ARGS="-k store"     passed on to pytest
#   FUZZ_MINUTES=20          how long `make fuzz` goes on

.POSIX:
# Two installs into one environment at once would break it.
.NOTPARALLEL:
.PHONY: help demo docs test test-fast test-full newest floors lint lint-js bundle has-node types links check format \
  fuzz constraints clean

VENV = .venv
BIN = $(VENV)/bin
# Which versions are installed: see .ci/install.
CONSTRAINTS =
# `-W default`: warnings are no errors.
WARNINGS =
FUZZ_MINUTES = 5
LOCKS = constraints/python3.11.txt constraints/python3.12.txt constraints/python3.13.txt \
  constraints/floors.txt
# Bytecode is kept whatever the shell says: to prepare the assertions of all tests takes seconds.
# A process that a test has ended is not replaced: another one would begin with the same test.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile \
  --no-loadscope-reorder --max-worker-restart=0 $(WARNINGS)

help:
	@echo 'make demo        record two real trainings and open the explorer'
	@echo 'make test        run every test, but what takes minutes'
	@echo 'make test-fast   the tests for daily work: within a minute, no browser'
	@echo 'make test-full   what takes minutes: whole trainings, every card in every width and theme'
	@echo 'make fuzz        files and messages of strangers, FUZZ_MINUTES long; keeps what it finds as tests'
	@echo 'make newest      the tests with the newest versions, on the newest Python found'
	@echo 'make floors      the tests with the lowest versions admitted, on Python 3.11'
	@echo 'make lint        ruff and import contracts'
	@echo 'make lint-js     the scripts of the page: ESLint, types, bundle, tests; needs Node.js'
	@echo 'make bundle      explorer/bundle/ anew, after a change to a script; needs Node.js'
	@echo 'make types       mypy'
	@echo 'make docs        the site of documentation, into docs/_build/html; without a network'
	@echo 'make links       the links of that site to others; with a network'
	@echo 'make check       test, lint and types'
	@echo 'make format      rewrite the code as ruff wants it'
	@echo 'make constraints write down the versions that are tested: the newest, for this Python'
	@echo 'make clean       remove all that make installed and cached; recordings stay'
	@echo
	@echo 'Each sets up $(VENV) first; newest and floors have environments of their own.'
	@echo 'Options: PYTHON, VENV, NO_BROWSER, DEMO_ARGS, TEST_ARGS, FUZZ_MINUTES'

demo: $(VENV)/.has-demo
	@case "$(NO_BROWSER)" in \
	  ''|0) exec $(BIN)/trainlapse demo $(DEMO_ARGS) ;; \
	  *) exec $(BIN)/trainlapse demo --no-browser $(DEMO_ARGS) ;; \
	esac

test: $(VENV)/.has-test
	@$(PYTEST) $(TEST_ARGS)

test-fast: $(VENV)/.has-test
	@$(PYTEST) -m 'not browser and not slow and not full' $(TEST_ARGS)

test-full: $(VENV)/.has-test
	@$(PYTEST) -m full -o faulthandler_timeout=1200 $(TEST_ARGS)

fuzz: $(VENV)/.has-test
	@$(BIN)/python -m tests.fuzz.run --minutes $(FUZZ_MINUTES)

# Installed anew each time: what is newest changes.
newest:
	@rm -f .venv-newest/.has-*
	@python='$(PYTHON)' && $(MAKE) test VENV=.venv-newest CONSTRAINTS=none \
	  PYTHON="$${python:-$$(.ci/find-python newest)}"

# Of old versions warnings are no faults of ours.
floors:
	@python='$(PYTHON)' && $(MAKE) test VENV=.venv-floors CONSTRAINTS=constraints/floors.txt \
	  PYTHON="$${python:-$$(.ci/find-python 3.11)}" WARNINGS='-W default'

lint: $(VENV)/.has-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

# Tools are installed again when the lock file changes.
lint-js: has-node node_modules/.has-tools
	@node_modules/.bin/eslint . .ci/bundle.js
	@node_modules/.bin/tsc
	@node .ci/bundle.js --check
	@node --test --test-reporter=spec tests/javascript/*.test.js

bundle: has-node node_modules/.has-tools
	@node .ci/bundle.js

has-node:
	@if ! node -e '' 2>/dev/null || ! npm --version >/dev/null 2>&1; then \
	  echo 'error: the scripts are checked with Node.js 18.18 or newer, and npm.' >&2; \
	  echo 'On Debian: apt install nodejs npm; elsewhere: https://nodejs.org' >&2; exit 1; \
	fi

node_modules/.has-tools: package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# A warning is an error. What the site says of commands and functions is read off the code.
docs: $(VENV)/.has-dev
	@rm -rf docs/reference/generated
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo 'The site is at docs/_build/html/index.html'

links: $(VENV)/.has-dev
	@$(BIN)/python -m sphinx -q -b linkcheck docs docs/_build/links

types: $(VENV)/.has-dev
	@$(BIN)/mypy

check: test lint types

format: $(VENV)/.has-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The tests come next; then the files are to be committed.
constraints: $(VENV)/.made
	@CONSTRAINTS=none .ci/install $(VENV) dev
	@$(BIN)/python .ci/constraints.py tested
	@$(BIN)/python .ci/constraints.py floors
	@touch $(VENV)/.has-demo $(VENV)/.has-test $(VENV)/.has-dev

clean:
	rm -rf .venv .venv-* $(VENV) node_modules build dist *.egg-info .pytest_cache .mypy_cache
	rm -rf docs/_build docs/reference/generated .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find recorder store explorer tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp says which extra is installed. dev holds test and test holds demo, so the larger serves the
# smaller; a change of pyproject.toml or of tested versions installs again.
$(VENV)/.has-demo: $(VENV)/.made pyproject.toml $(LOCKS)
	@CONSTRAINTS=$(CONSTRAINTS) .ci/install $(VENV) demo
	@touch $@

$(VENV)/.has-test: $(VENV)/.made pyproject.toml $(LOCKS)
	@CONSTRAINTS=$(CONSTRAINTS) .ci/install $(VENV) test
	@touch $(VENV)/.has-demo $@

$(VENV)/.has-dev: $(VENV)/.made pyproject.toml $(LOCKS)
	@CONSTRAINTS=$(CONSTRAINTS) .ci/install $(VENV) dev
	@touch $(VENV)/.has-demo $(VENV)/.has-test $@

$(VENV)/.made:
	@python=$$(.ci/find-python "$(PYTHON)") && \
	echo "Creating $(VENV) with $$("$$python" -V) ..." && \
	if ! "$$python" -m venv --clear $(VENV); then \
	  echo "error: $$python cannot create environments; on Debian: apt install python3-venv" >&2; \
	  exit 1; \
	fi
	@touch $@
