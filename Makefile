# One virtual environment, made on first use; every target below is a plain command.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# PyTorch has no small wheel everywhere: name the build that your index offers.
INTERFACES ?= jax==0.7.1 jaxlib==0.7.1 torch==2.13.0
# Device plugins do not share one environment: one for each group, with the versions that were checked.
DEVICES ?= kokkos qiskit braket cirq $(if $(shell command -v nvidia-smi),gpu)
DEVICE_VENV ?= .venv-devices
DEVICE_BASE ?= pennylane==0.45.1 pennylane-lightning==0.45.0
PLUGINS_kokkos ?= pennylane-lightning-kokkos==0.45.0
PLUGINS_qiskit ?= pennylane-qiskit==0.45.0 qiskit==2.3.0 qiskit-aer==0.17.2 qiskit-ibm-runtime==0.45.1
PLUGINS_braket ?= amazon-braket-pennylane-plugin==1.36.1
PLUGINS_cirq ?= pennylane-cirq==0.44.0
PLUGINS_gpu ?= pennylane-lightning-gpu==0.45.0

.PHONY: demo demos test test-slow test-lie test-devices fuzz interfaces lint types layers doctest notebooks docs bench clean

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
	$(ONE_THREAD) $(BIN)/python -m pytest tests/test_circuit_inputs.py tests/test_decorators.py tests/test_errors.py \
	tests/test_measurement.py tests/test_lie_device.py

# PennyLane's own tests of a device. The suite itself skips what the device refuses with a DeviceError:
# returns other than expectation values (qml.probs, qml.var, qml.state and samples, most of its gate tests),
# continuous-variable gates and qml.BlockEncode; it skips old-interface and shot tests too. Its gradient tests
# of qml.probs are not marked for that and are left out here: wishart.lie holds a module and no state.
# Gates are compared with default.qubit through expectation values in tests/test_lie_device.py.
LIE_SKIPS = $(foreach i,autograd jax torch,$(foreach t,test_probs test_multi_meas,\
	--deselect test_gradients_$(i).py::TestGradients::$(t)))

test-lie: $(VENV)/.test
	PATH="$(abspath $(BIN)):$$PATH" $(ONE_THREAD) $(BIN)/pl-device-test --device wishart.lie --shots None --skip-ops $(LIE_SKIPS)

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

bench: $(VENV)/.test
	for b in $(filter-out benchmarks/_%,$(wildcard benchmarks/*.py)); do $(ONE_THREAD) $(BIN)/python $$b --fast || exit 1; done

clean:
	rm -rf $(VENV) build docs/_build *.egg-info report.html
