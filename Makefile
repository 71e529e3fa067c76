# One virtual environment, made on first use; every target below is a plain command.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# PyTorch has no small wheel everywhere: name the build that your index offers.
INTERFACES ?= jax==0.7.1 jaxlib==0.7.1 torch==2.13.0

.PHONY: demo test test-slow interfaces lint types layers doctest notebooks bench clean

$(BIN)/python:
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[plots,progress]"
	touch $@

$(VENV)/.test: $(VENV)/.demo setup.cfg
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

demo: $(VENV)/.demo
	$(ONE_THREAD) $(BIN)/wishart demo --html report.html

test: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest -m slow

interfaces: $(VENV)/.test
	$(BIN)/python -m pip install --quiet $(INTERFACES)
	$(ONE_THREAD) $(BIN)/python -m pytest tests/test_circuit_inputs.py tests/test_decorators.py tests/test_errors.py

lint: $(VENV)/.test
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports --config setup.cfg

doctest: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest --doctest-modules pennylane_wishart

notebooks: $(VENV)/.test
	WISHART_DEMO_FAST=1 $(ONE_THREAD) $(BIN)/python -m pytest --nbmake demos

bench: $(VENV)/.test
	for b in benchmarks/*.py; do $(ONE_THREAD) $(BIN)/python $$b --fast || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info report.html
