# `make demo` and `make test` work in a fresh clone; `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
REPORT ?= report.html
TESTS ?= tests
TORCH ?= torch==2.13.0
PYTEST_ARGS ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The tests run in $(WORKERS) processes: one BLAS and OpenMP thread for each.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest
LOWEST := $(VENV)-lowest
NEWEST := $(VENV)-newest
# The newest Python there is; looked for only where it is asked for.
NEWEST_PYTHON ?= $(firstword $(foreach v,3.14 3.13,$(shell \
  python$(v) -c "" 2>/dev/null && echo python$(v))))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo advise test lowest newest newest-python browser coverage lint format types doctest torch docs wheel clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | \
	  awk -F '\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

demo: $(VENV)/.stamp-base ## compare quantum and classical models on real data
	$(BIN)/skquantum compare breast_cancer --report $(REPORT)

advise: $(VENV)/.stamp-base ## say in seconds whether a comparison on the demo's data is worth it
	$(BIN)/skquantum advise breast_cancer

test: $(VENV)/.stamp-test ## run the tests
	$(PYTEST) $(TESTS) --ignore=tests/browser -n $(WORKERS) $(PYTEST_ARGS)

lowest: $(LOWEST)/.stamp ## run the tests on the lowest versions that pyproject.toml allows
	$(ONE_THREAD) $(LOWEST)/bin/python -m pytest $(TESTS) --ignore=tests/browser -n $(WORKERS) \
	  $(PYTEST_ARGS)

newest-python:
	@echo $(NEWEST_PYTHON)

newest: $(NEWEST)/.stamp ## run the tests on the newest Python there is, 3.13 at least
	$(ONE_THREAD) $(NEWEST)/bin/python -m pytest $(TESTS) --ignore=tests/browser -n $(WORKERS) \
	  $(PYTEST_ARGS)

browser: $(VENV)/.stamp-browser ## look at reports and documentation in a real browser
	BROWSER_REQUIRED=1 $(PYTEST) tests/browser $(PYTEST_ARGS)

coverage: $(VENV)/.stamp-test ## run the tests and show which lines they miss
	$(ONE_THREAD) $(BIN)/coverage run -m pytest tests --ignore=tests/browser -n $(WORKERS) $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

lint: $(VENV)/.stamp-dev ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.stamp-dev ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.stamp-dev ## check the package's types
	$(BIN)/mypy

doctest: $(VENV)/.stamp-dev ## run the examples in docstrings and documentation
	$(PYTEST) --doctest-modules --doctest-glob='*.rst' -n $(WORKERS) \
	  --ignore=docs/_build --ignore=docs/gallery --ignore=docs/generated \
	  --ignore=docs/examples --ignore=docs/conf.py \
	  --ignore=skquantum/torch.py --ignore=docs/guide/networks.rst skquantum docs

# Whether there are graphics cards or not: circuits are run by processors.
torch: $(VENV)/.stamp-torch ## run the tests and examples of modules for PyTorch
	$(PYTEST) --doctest-modules --doctest-glob='*.rst' \
	  tests/networks skquantum/torch.py docs/guide/networks.rst $(PYTEST_ARGS)

docs: $(VENV)/.stamp-dev ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

wheel: $(VENV)/.stamp-base ## build the wheel into dist/
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .
	rm -rf build

clean: ## remove everything that the other targets make
	rm -rf $(VENV) $(LOWEST) $(NEWEST) build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache \
	  .ruff_cache docs/_build docs/gallery docs/generated docs/sg_execution_times.rst $(REPORT)
	find skquantum tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} +

# The environment. Installs are editable, so only a change of pyproject.toml asks for another one.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
	  { echo "skquantum needs Python 3.11 or newer, and '$(PYTHON)' was not found;" \
	    "name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "skquantum needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1);" \
	    "name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-base: pyproject.toml | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.stamp-test: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[test]'
	@touch $@ $(VENV)/.stamp-base

$(NEWEST)/.stamp: pyproject.toml
	@test -n "$(NEWEST_PYTHON)" || { echo "No Python 3.13 or newer on the PATH"; exit 1; }
	$(NEWEST_PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

# uv picks the lowest version of what pyproject.toml names, and the newest of what that brings: but
# for pyparsing, which warns of what Matplotlib 3.8 does.
$(LOWEST)/.stamp: pyproject.toml
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/uv pip install --quiet --resolution lowest-direct \
	  --python $(LOWEST)/bin/python -e '.[test]' 'pyparsing==3.2.3'
	@touch $@

$(VENV)/.stamp-browser: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[test,browser]'
	@touch $@ $(VENV)/.stamp-base $(VENV)/.stamp-test

$(VENV)/.stamp-torch: pyproject.toml | $(VENV)/.stamp-test
	$(INSTALL) $(TORCH) && $(INSTALL) -e '.[torch]'
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.stamp-base $(VENV)/.stamp-test
