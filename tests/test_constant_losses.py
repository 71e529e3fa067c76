"""A constant loss, or a gradient of zero: rounding and shot noise are no disagreement; a drift is."""

from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.comparison.estimates import CountedLaw
from pennylane_wishart.comparison.statistics import compare_sample
from pennylane_wishart.comparison.variances import compare_variances
from pennylane_wishart.ensembles import BetaLoss, Constant

DEVICES = {
    "double": lambda: qml.device("default.qubit", wires=3),
    "single": lambda: qml.device("lightning.qubit", wires=3, c_dtype=np.complex64),
}


def imaginary(device, size):
    """⟨Y0⟩ of what stays a product of real states as far as Y0 sees: 0 at every angle."""

    @qml.qnode(device)
    def circuit(x):
        qml.RY(x[0], 0)
        qml.Y(1)
        qml.RZ(x[1], 1)
        qml.IsingYY(x[2], [2, 1])
        qml.CH([2, 0])
        return qml.expval(size * qml.Y(0))

    return circuit


def turned(device, size):
    """⟨Z2⟩ = cos 0.3, whatever happens on the other wires."""

    @qml.qnode(device)
    def circuit(x):
        qml.RY(x[0], 0)
        qml.RX(0.3, 2)
        qml.RZ(x[1], 1)
        qml.RZ(x[2], 2)
        return qml.expval(size * qml.Z(2))

    return circuit


@pytest.mark.parametrize("precision", DEVICES)
@pytest.mark.parametrize(("make", "value"), [(imaginary, 0.0), (turned, np.cos(0.3))])
def test_a_constant_loss_agrees_with_itself(make, value, precision):
    x = pnp.zeros(3, requires_grad=True)
    for size in (1.0, 1e4):
        diag = pw.diagnose(make(DEVICES[precision](), size), samples=20)(x)
        moments = diag.prediction.moments
        assert diag.prediction.dead_parameters == (0, 1, 2) and moments.loss_variance == 0
        assert moments.loss_mean == pytest.approx(size * value, abs=1e-9 * size)
        assert diag.comparison.agrees and "DISAGREES" not in diag.details()
        assert diag.trainable is False and "every parameter is dead" in diag.headline
        # what a bug would look like
        data = diag.measurement
        rng = np.random.default_rng(1)
        off = replace(data, gradients=data.gradients + 1e-3 * size * rng.normal(size=data.gradients.shape))
        assert pw.compare(diag.prediction, off).agrees is False


@pytest.mark.parametrize("make", [imaginary, turned])
@pytest.mark.parametrize("shots", [2, 20])
def test_shot_noise_of_a_constant_loss_is_no_disagreement(make, shots):
    circuit = qml.set_shots(make(qml.device("default.qubit", wires=3, seed=4), 1.0), shots)
    x = pnp.zeros(3, requires_grad=True)
    pred = pw.predict(circuit)(x)
    data = pw.measure(circuit, samples=60, seed=2, progress=False)(x)
    found = pw.compare(pred, data)
    assert found.loss is None or found.loss.agrees is not False
    if found.loss is not None and found.loss.agrees:
        assert pw.compare(pred, replace(data, losses=data.losses + 1.0)).loss.agrees is False


def test_false_alarms_of_constants_with_shots():
    """400 null records at 5%: 20 expected at most, 40 allowed (probability of more: 3e-5)."""
    rng = np.random.default_rng(7)
    for shots, p in ((2, 0.5), (20, 0.9), (100, 0.5)):
        law = CountedLaw.of(Constant(2 * p - 1), -1.0, 1.0, shots)
        drawn = 2 * rng.binomial(shots, p, (400, 40)) / shots - 1
        verdicts = [compare_sample("loss", row, law, 0.05).agrees for row in drawn]
        assert verdicts.count(False) <= 40
        moved = 2 * rng.binomial(shots, 0.4 * p, 40) / shots - 1
        assert not compare_sample("loss", moved, law, 0.05).agrees


def test_point_masses_and_narrow_laws():
    rng = np.random.default_rng(3)
    rounding = 1e-7 * rng.normal(size=50)
    assert compare_sample("loss", rounding, Constant(0.0), rounding=1e-6).agrees
    assert compare_sample("loss", rounding, Constant(0.0)).agrees is False
    narrow = BetaLoss(-1e-16, 1e-16, 2, 4, 2)  # what rounding leaves of a spectrum with one level
    assert compare_sample("loss", rounding, narrow, rounding=1e-6).agrees
    assert compare_sample("loss", 1e-2 + rounding, narrow, rounding=1e-6).agrees is False


def test_variances_below_rounding_agree():
    rng = np.random.default_rng(5)
    noise = 1e-7 * rng.normal(size=(40, 2))
    zero, bounds = np.zeros(2), np.ones(2)
    both = compare_variances(noise, np.array([1e-33, 1e-31]), zero, zero, 0.001, bounds)
    assert both.agrees and "below rounding" in both.note
    assert (
        compare_variances(noise + rng.normal(size=(40, 2)), np.full(2, 1e-31), zero, zero, 0.001, bounds).agrees
        is False
    )
    assert compare_variances(noise, np.array([0.1, 1e-31]), zero, zero, 0.001, bounds).agrees is False
    unknown = compare_variances(noise, np.full(2, np.nan), zero, zero, 0.001, bounds)
    assert unknown.agrees is None and "known variance" in unknown.note
