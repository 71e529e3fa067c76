# One virtual environment, made on first use; every target below is a plain command.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# PyTorch has no small wheel everywhere: name the build that your index offers.
TORCH ?= torch==2.13.0
INTERFACES ?= jax==0.7.1 jaxlib==0.7.1 $(TORCH)
# What the package promises to run with, oldest and newest, each with the Python that it ends in.
MATRIX ?= oldest-3.11 newest-3.11 newest-3.12 newest-3.13 prerelease-3.11
MATRIX_VENV ?= .venv-matrix
MATRIX_oldest ?= numpy==2.0.0 scipy==1.13.1 stim==1.13.0 pennylane==0.45.0 pennylane-lightning==0.45.0 \
	jax==0.7.0 jaxlib==0.7.0 $(TORCH) pytest==7.4.4
MATRIX_newest ?= jax==0.10.2 jaxlib==0.10.2 $(TORCH)
MATRIX_prerelease ?= pennylane>=0.46.0.dev0 pennylane-lightning>=0.46.0.dev0 jax==0.10.2 jaxlib==0.10.2 $(TORCH)
INTERFACE_TESTS = $(addprefix tests/,test_circuit_inputs.py test_decorators.py test_errors.py test_measurement.py \
	test_lie_device.py test_preflight.py test_torch_layers.py test_transforms.py)
MATRIX_TESTS ?= $(INTERFACE_TESTS) tests/test_cli.py tests/test_packaging.py
SEED ?= 1
# Device plugins do not share one environment: one for each group, with the versions that were checked.
DEVICES ?= kokkos qiskit braket cirq $(if $(shell command -v nvidia-smi),gpu)
DEVICE_VENV ?= .venv-devices
DEVICE_BASE ?= pennylane==0.45.1 pennylane-lightning==0.45.0
PLUGINS_kokkos ?= pennylane-lightning-kokkos==0.45.0
PLUGINS_qiskit ?= pennylane-qiskit==0.45.0 qiskit==2.3.0 qiskit-aer==0.17.2 qiskit-ibm-runtime==0.45.1
PLUGINS_braket ?= amazon-braket-pennylane-plugin==1.36.1
PLUGINS_cirq ?= pennylane-cirq==0.44.0
PLUGINS_gpu ?= pennylane-lightning-gpu==0.45.0

.PHONY: coverage demo demos test test-listed test-slow test-random test-ten matrix test-lie test-devices fuzz house interfaces lint types layers doctest notebooks docs links bench clean

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

# Those of tests/slow_tests.txt, some seconds each.
test-listed: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest -m listed

test-slow: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest -m slow

# Lines of the package that the default suite runs, the least covered files last.
coverage: $(VENV)/.test
	$(BIN)/python -m pip install --quiet coverage
	$(ONE_THREAD) $(BIN)/python -m coverage run --source pennylane_wishart -m pytest -q -m "not slow"
	$(BIN)/python -m coverage report --sort=-cover --skip-covered

# The suite in another order: SEED=2 and so on; a failure is repeated by its seed.
test-random: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest -m "not slow" --random-order --random-order-seed=$(SEED)

# Ten orders while other work keeps every core busy; stops at the first that fails.
test-ten: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python tests/busy_runs.py --runs 10

# pyenv keeps the versions that are not in use out of the path.
python_of = $(firstword $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python$(1)) python$(1))

$(MATRIX_VENV)/%/.built: setup.cfg pyproject.toml Makefile
	$(call python_of,$(lastword $(subst -, ,$*))) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --editable . $(foreach p,$(MATRIX_$(firstword $(subst -, ,$*))),'$(p)') \
	'setuptools>=70.1' pytest pytest-mock flaky hypothesis matplotlib tqdm pyarrow cloudpickle
	touch $@

# Every combination is run, also after one that failed; the failed ones are named at the end.
matrix:
	@failed=; $(foreach m,$(MATRIX),$(call matrix_run,$(m),$(call python_of,$(lastword $(subst -, ,$(m)))))) \
	test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

define matrix_run
echo "== $(1)"; if ! $(2) -c "" 2>/dev/null; then echo "$(1): skipped, there is no $(2) here"; else \
$(MAKE) --no-print-directory $(MATRIX_VENV)/$(1)/.built && $(ONE_THREAD) $(MATRIX_VENV)/$(1)/bin/python -m pytest \
-q -m "not slow" $(MATRIX_TESTS) || failed="$$failed $(1)"; fi;
endef
# Random circuits against dense oracles: N seeds from FIRST on, a line for every difference and a summary;
# L large circuits (6 to 10 qubits): walkers against exact engines, wishart.lie against default.qubit.
N ?= 300
FIRST ?= 0
L ?= 0
fuzz: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python tests/fuzz/hunt.py --first $(FIRST) --count $(N) --large $(L)

$(DEVICE_VENV)/%/.built: setup.cfg pyproject.toml Makefile
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --editable . pytest $(DEVICE_BASE) $(PLUGINS_$*)
	touch $@

# Every group is run, also after one that failed; the failed ones are named at the end.
test-devices: $(DEVICES:%=$(DEVICE_VENV)/%/.built)
	@failed=; for d in $(DEVICES); do echo "== $$d"; python=$(DEVICE_VENV)/$$d/bin/python; \
	$(ONE_THREAD) $$python -m pytest tests_devices || failed="$$failed $$d (tests)"; \
	$(ONE_THREAD) $$python benchmarks/device_matrix.py || failed="$$failed $$d (table)"; done; \
	command -v nvidia-smi >/dev/null || echo "lightning.gpu: skipped, no NVIDIA driver here (nvidia-smi is missing)"; \
	test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

interfaces: $(VENV)/.test
	$(BIN)/python -m pip install --quiet $(INTERFACES)
	$(ONE_THREAD) $(BIN)/python -m pytest $(INTERFACE_TESTS)

# PennyLane's own tests of a device. The suite itself skips what the device refuses with a DeviceError:
# returns other than expectation values (qml.probs, qml.var, qml.state and samples, most of its gate tests),
# continuous-variable gates and qml.BlockEncode; it skips old-interface and shot tests too. Its gradient tests
# of qml.probs are not marked for that and are left out here: wishart.lie holds a module and no state.
# Gates are compared with default.qubit through expectation values in tests/test_lie_device.py.
LIE_SKIPS = $(foreach i,autograd jax torch,$(foreach t,test_probs test_multi_meas,\
	--deselect test_gradients_$(i).py::TestGradients::$(t)))

test-lie: $(VENV)/.test
	PATH="$(abspath $(BIN)):$$PATH" $(ONE_THREAD) $(BIN)/pl-device-test --device wishart.lie --shots None --skip-ops $(LIE_SKIPS)

# Measures of the house itself, each beside its goal.
house: $(VENV)/.test
	PYTHONPATH=tests $(BIN)/python -m house

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

demos: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest --nbmake --nbmake-timeout=1800 demos

$(VENV)/.docs: $(VENV)/.demo setup.cfg
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

docs: $(VENV)/.docs
	$(ONE_THREAD) $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

# Links within the site, and the files that it hands out; nothing is asked of other servers.
links: $(VENV)/.docs
	$(ONE_THREAD) $(BIN)/python -m sphinx -W --keep-going -q -b linkcheck docs docs/_build/linkcheck

bench: $(VENV)/.test
	for b in $(filter-out benchmarks/_% benchmarks/before_after.py,$(wildcard benchmarks/*.py)); do $(ONE_THREAD) $(BIN)/python $$b --fast || exit 1; done

clean:
	rm -rf $(VENV) $(MATRIX_VENV) build docs/_build *.egg-info report.html
