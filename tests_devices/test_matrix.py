"""One plan on every device that this environment has: ``make test-devices`` runs it in five.

Statistical tests hold at a false-alarm rate of 0.001 each; angles are those of seed 7 everywhere,
shots are seeded wherever the plugin allows it.
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import circuits
import numpy as np
import pennylane as qml
import pytest
from machines import MACHINES, installed, metered
from pennylane import numpy as pnp
from plan import PARAMETERS, SHOTS, ansatz, exact, prediction, run_plan

import pennylane_wishart as pw
from pennylane_wishart.errors import DeviceError, MeasurementInterrupted, WishartWarning

HERE, MISSING = installed()
# What plugins and their providers warn of is theirs; what this package warns of stays an error.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("error::pennylane_wishart.errors.WishartWarning"),
]
every = pytest.mark.parametrize("machine", HERE, ids=str)
ideal = pytest.mark.parametrize("machine", [m for m in HERE if not m.noisy], ids=str)
noisy = pytest.mark.parametrize("machine", [m for m in HERE if m.noisy], ids=str)
analytic = pytest.mark.parametrize("machine", [m for m in HERE if not m.samples_only], ids=str)
sampling = pytest.mark.parametrize("machine", [m for m in HERE if m.samples_only], ids=str)
BUILT_IN = {"lightning.qubit", "default.qubit", "lightning.kokkos", "lightning.gpu"}


@pytest.mark.parametrize("machine", [m for m in MACHINES if m.name in MISSING], ids=str)
def test_missing(machine):
    pytest.skip(f"{machine}: {MISSING[machine.name]}")


# ---------------------------------------------------------------------- the same law
@analytic
def test_analytic_numbers_equal_lightnings(machine):
    if machine.noisy:
        pytest.skip("noise has no exact reference")
    qnode, weights = ansatz()
    data = pw.measure(qnode, samples=3, seed=7, device=machine.make(3), parameters=PARAMETERS)(weights)
    truth = exact(3)
    assert np.abs(data.losses - truth.losses).max() < machine.precision
    assert np.abs(data.gradients - truth.gradients)[data.measured].max() < machine.precision
    assert np.array_equal(data.measured, truth.measured)
    assert np.all(data.shot_variance == 0) and np.all(data.gradient_error[data.measured] == 0)


@pytest.mark.parametrize("machine", [m for m in HERE if m.name in BUILT_IN], ids=str)
def test_simulators_take_their_fast_route(machine):
    qnode, weights = ansatz()
    data = pw.measure(qnode, samples=60, seed=7, device=machine.make(3))(weights)
    assert data.route == ("broadcast-adjoint" if machine.name == "default.qubit" else "lightning-cpp-adjoint")
    assert data.route_note == ""
    truth = pw.measure(qnode, samples=60, seed=7, device="lightning.qubit")(weights)
    assert np.abs(data.gradients - truth.gradients).max() < machine.precision


@ideal
def test_same_law_on_devices_without_noise(machine):
    outcome = run_plan(machine)
    assert outcome.comparison.agrees is True, str(outcome.comparison)
    slope, error = outcome.signal
    # 3.3 standard errors: false alarms 1 in 1,000.
    assert abs(slope - 1) < 3.3 * error


@ideal
def test_shot_noise_is_known_and_removed(machine):
    outcome = run_plan(machine)
    z = outcome.residuals
    # Mean square of n standard normals: 1 ± √(2/n); 0.05 for the skewness of few shots.
    assert abs(np.mean(z**2) - 1) < 3.3 * np.sqrt(2 / len(z)) + 0.05
    measured = outcome.data.gradient_variance()
    live = list(PARAMETERS)
    gap = measured.value[live] - prediction().gradient_variance[live]
    assert np.all(np.abs(gap) < 4 * measured.error[live])
    # Of two ±1 outcomes, half a circuit each way: at most 1/(2·shots) per component.
    assert np.all(measured.shot_noise[live] > 0.3 / SHOTS)
    assert np.all(measured.shot_noise[live] < 0.51 / SHOTS)


# ---------------------------------------------------------------------- noise
@noisy
def test_noise_is_reported_as_a_discrepancy(machine):
    outcome = run_plan(machine)
    assert outcome.comparison.agrees is False
    variances = outcome.comparison.variances
    assert variances.agrees is False and "DISAGREES" in str(outcome.comparison)
    assert variances.interval[1] < 1, "noise shrinks gradients"
    assert "of every signal explains the variances" in outcome.comparison.noise
    slope, error = outcome.signal
    assert 0 < slope < 1 - 3.3 * error
    # The theory stands: the very same plan agrees where there is no noise.
    assert pw.compare(prediction(), exact(outcome.data.samples)).agrees is True


@sampling
def test_devices_that_only_sample_are_never_taken_for_exact(machine):
    qnode, weights = ansatz()
    device = machine.make(3)
    for action in (pw.measure, pw.quote, pw.find_minima):
        options = {"shots": None} if action is not pw.find_minima else {}
        with pytest.raises(DeviceError, match=r"no analytic mode.*Give shots="):
            action(qnode, device=device, **options)(weights)


# ---------------------------------------------------------------------- what it costs
@every
def test_quote_equals_what_was_executed(machine):
    outcome = run_plan(machine)
    assert (outcome.executed, outcome.shots) == (outcome.quote.executions, outcome.quote.shots)
    # one qubit along X, Y and Z: before the run and after each quarter of it, or each 25 samples where that is more
    parts = math.ceil(outcome.quote.samples / max(25, math.ceil(outcome.quote.samples / 4)))
    assert outcome.quote.check_executions == (0 if machine.name in BUILT_IN else 3 * (1 + parts))


@every
@pytest.mark.parametrize("shots", [100, 1000])
def test_quote_of_an_observable_in_several_bases(machine, shots):
    """X₀, Y₁ and Z₀Z₁: two bases, the first of them measured as bit strings."""
    qnode, (weights,) = circuits.case("su4_hamiltonian").make()
    options = {"samples": 3, "seed": 7, "shots": shots, "parameters": 1, "device": machine.make(2)}
    asked = pw.quote(qnode, **options)(weights[:2])
    with metered(machine) as meter:
        data = pw.measure(qnode, **options)(weights[:2])
    assert (meter.circuits, meter.shots) == (asked.executions, asked.shots)
    assert np.all(data.shot_variance > 0)
    if not machine.noisy:
        truth = pw.measure(qnode, **{**options, "shots": None, "device": "lightning.qubit"})(weights[:2])
        assert np.all(np.abs(data.losses - truth.losses) < 4.5 * np.sqrt(data.shot_variance))


@every
def test_device_check(machine):
    qnode, weights = ansatz()
    options = {"samples": 1, "seed": 7, "shots": SHOTS, "parameters": 0, "device": machine.make(3)}
    spent = {}
    for check in (True, False):
        with metered(machine) as meter:
            pw.measure(qnode, check=check, **options)(weights)
        spent[check] = meter.circuits
    # the sample, and three circuits of the check before it and after it
    assert spent == {True: 1 if machine.name in BUILT_IN else 7, False: 1}


# ---------------------------------------------------------------------- keeping
@every
def test_an_interrupted_run_resumes_and_pays_only_for_what_is_missing(machine, tmp_path):
    qnode, weights = ansatz()
    store, device = tmp_path / "journal.db", machine.make(3)
    options = {"seed": 7, "shots": SHOTS, "parameters": (14,), "device": device, "check": False}
    with metered(machine, stop_after=10), pytest.raises(MeasurementInterrupted, match="3 of 6") as caught:
        pw.measure(qnode, samples=6, store=store, chunk=1, **options)(weights)
    kept = caught.value.partial
    assert kept.samples == 3
    missing = pw.quote(qnode, samples=3, **options)(weights)
    # Braket runs circuits one by one and names each task: the one that was cut off is told of.
    told = pytest.warns(WishartWarning, match="1 jobs were submitted earlier and never answered")
    with told if machine.name.startswith("braket") else nullcontext(), metered(machine) as meter:
        data = pw.measure(qnode, samples=6, store=store, **options)(weights)
    assert (meter.circuits, meter.shots) == (missing.executions, missing.shots)
    assert np.array_equal(data.losses[:3], kept.losses)
    assert np.array_equal(data.gradients[:3], kept.gradients, equal_nan=True)
    with metered(machine) as meter:
        again = pw.measure(qnode, samples=6, store=store, **options)(weights)
    assert meter.circuits == 0
    assert np.array_equal(again.losses, data.losses)


# ---------------------------------------------------------------------- minima
def two_qubits(x):
    """Four parameters; the lowest eigenvalue of Z₀Z₁, −1, is reached."""
    qml.RY(x[0], 0)
    qml.RX(x[1], 1)
    qml.CNOT([0, 1])
    qml.RX(x[2], 0)
    qml.RY(x[3], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1))


@analytic
def test_find_minima(machine):
    qnode, x = qml.QNode(two_qubits, qml.device("lightning.qubit", wires=2)), pnp.zeros(4)
    # Single precision leaves gradients good to 1e-6, and nothing of their differences.
    double = machine.precision < 1e-7
    options = {"starts": 3, "seed": 7, "tolerance": 1e-7 if double else 1e-4, "hessian": double}
    found = pw.find_minima(qnode, device=machine.make(2), **options)(x)
    truth = pw.find_minima(qnode, starts=3, seed=7, device="lightning.qubit")(x)
    assert found.starts == 3 and found.converged.all()
    if machine.noisy:
        assert np.all(found.losses > truth.losses + 1e-3) and np.all(found.losses < -0.5)
    else:
        assert np.abs(found.losses - truth.losses).max() < 1e-5
        assert found.is_minimum.all()
