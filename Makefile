# `make demo` and `make test` work on a fresh clone: they make their own .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint types contracts unit docs reference translations soak bench schema clean help

help:
	@echo "make demo   run the bundled plugins on recorded data and write plots to out/"
	@echo "make test   lint, types, import contracts and every test"
	@echo "make docs   the documentation site, in English and Portuguese, in out/site/"
	@echo "make soak   the long runs: a million calls"
	@echo "make bench  what a call costs, beside others (pip install -r benchmarks/calls-requirements.txt)"

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/platform-base demo --out out/demo

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

# Apart from the others, which fork a lot and wait a lot: after these a process is a gigabyte of compiled code.
NUMERICS := tests/kernels tests/bundled

unit: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m "not soak" $(NUMERICS) $(PYTEST_ARGS)
	$(BIN)/python -m pytest -n 3 -m "not soak" tests $(addprefix --ignore=,$(NUMERICS)) $(PYTEST_ARGS)

test: lint types contracts unit

soak: $(STAMP)
	$(BIN)/python -m pytest -n 0 -s -m soak $(PYTEST_ARGS)

bench: $(STAMP)
	$(BIN)/python benchmarks/calls.py $(BENCH_ARGS)

# `make test` builds the site as well, in a directory of its own.
SPHINX := $(BIN)/python -m sphinx -q -W --keep-going -c docs -b html

docs: $(STAMP)
	$(SPHINX) -d build/docs/en . out/site
	$(SPHINX) -d build/docs/pt_BR -D language=pt_BR . out/site/pt-BR
	@echo "out/site/index.html"

reference: $(STAMP) schema
	$(BIN)/python -m docs.generate

# New pages: make translations PAGES="docs/plugins/guides/run"
translations: $(STAMP)
	$(BIN)/python docs/_ext/translations.py $(PAGES)

schema: $(STAMP)
	$(BIN)/platform-base schema > docs/plugins/reference/manifest.schema.json

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
