"""Laws say at which depth they hold, agree with exact moments, and are tested only where they are the circuit's own."""

import itertools
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from circuits import CASES
from pennylane import numpy as pnp
from scipy import stats

import pennylane_wishart as pw
from pennylane_wishart.comparison.statistics import borne_out, compare_sample
from pennylane_wishart.ensembles import BetaLoss, Constant, JointPart
from pennylane_wishart.errors import Status
from pennylane_wishart.prediction.joint import CircuitJoint
from pennylane_wishart.prediction.validity import Validity


def layers(n, depth, gates, entangler, observable):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(w):
        for layer in w:
            for q in range(n):
                for i, gate in enumerate(gates):
                    getattr(qml, gate)(layer[q, i], q)
            for q in range(n):
                getattr(qml, entangler)([q, (q + 1) % n])
        return qml.expval(observable)

    return circuit, pnp.zeros((depth, n, len(gates)), requires_grad=True)


def strongly_entangling(n, depth, observable):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(w):
        qml.StronglyEntanglingLayers(w, range(n))
        return qml.expval(observable)

    return circuit, pnp.zeros((depth, n, 3), requires_grad=True)


def quanvolution(seed, depth):
    """Four pixels by RY, then RandomLayers, as in the quanvolution tutorial."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0, 1, 4)

    @qml.qnode(qml.device("lightning.qubit", wires=4))
    def circuit(w):
        for q in range(4):
            qml.RY(np.pi * pixels[q], q)
        qml.RandomLayers(w, wires=range(4), seed=seed)
        return qml.expval(qml.Z(0))

    return circuit, pnp.array(rng.uniform(0, 2 * np.pi, (depth, 4)), requires_grad=True)


# ---------------------------------------------------------------------- sums agree with exact moments
@pytest.mark.parametrize(
    "made",
    [
        layers(4, 2, ["RY"], "CZ", qml.X(0)),  # real, shallow
        layers(4, 2, ["RX", "RZ"], "CNOT", qml.Z(0)),
        strongly_entangling(3, 1, qml.Z(0) @ qml.Z(2)),
        strongly_entangling(4, 10, qml.Z(0)),  # deep
    ],
    ids=["ry_cz", "rx_rz", "sel_1", "sel_10"],
)
def test_the_mean_squared_gradient_is_the_sum_of_the_variances(made):
    circuit, w = made
    pred = pw.predict(circuit)(w)
    exact = float(np.sum(pred.gradient_variance + pred.moments.gradient_mean**2))
    if not pred.in_theory:
        with pytest.raises(pw.errors.OutOfTheoryError):
            _ = pred.gradient_square
        return
    law = pred.gradient_square
    assert law.mean() == pytest.approx(exact, rel=1e-12)
    assert law.sample(2000, 3).mean() == pytest.approx(exact, rel=4 * law.std() / exact / np.sqrt(2000))
    assert law.ppf(0.5) == pytest.approx(np.median(law.sample(2000, 4)), rel=0.15)


def test_laws_of_a_shallow_circuit_say_so():
    circuit, w = strongly_entangling(4, 2, qml.Z(0))
    pred = pw.predict(circuit)(w)
    assert pred.in_theory and not pred.is_deep
    assert pred.loss.status is Status.SHALLOW and pred.gradient.status is Status.SHALLOW
    assert pred.gradient_of(0).status is Status.SHALLOW
    assert pred.loss_check.validity is Validity.SHALLOW
    assert pred.joint().status is Status.SHALLOW
    assert pred.gradient_square.status is Status.OK  # drawn at this depth
    deep, w = strongly_entangling(4, 10, qml.Z(0))
    deep = pw.predict(deep)(w)
    k = int(np.flatnonzero(deep.deep_parameters)[5])
    assert deep.loss.status is Status.OK and deep.gradient_of(k).status is Status.OK
    assert deep.loss_check.established and deep.gradient_check().established


def test_beyond_state_vectors_the_joint_law_says_what_it_leaves_out(monkeypatch):
    from pennylane_wishart.prediction import laws

    monkeypatch.setattr(laws, "affordable_samples", lambda _: 0)
    circuit, w = strongly_entangling(3, 8, qml.Z(0))
    pred = pw.predict(circuit)(w)
    assert pred.joint().status is Status.NEIGHBOURS and pred.joint([4]).status is Status.OK
    law = pred.gradient_square
    assert law.status is Status.NEIGHBOURS and "separated" in str(law.status)
    exact = float(np.sum(pred.gradient_variance + pred.moments.gradient_mean**2))
    assert law.mean() == pytest.approx(exact, rel=1e-12)
    assert law.sample(4000, 1).mean() == pytest.approx(exact, rel=0.03)


# ---------------------------------------------------------------------- neighbours
def dense_gradients(theta, words, observable):
    """Losses and gradients of exp(−iθP/2) circuits on two qubits by the parameter-shift rule, dense."""
    paulis = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    matrices = [np.kron(paulis[w[0]], paulis[w[1]]) for w in words]
    target = np.kron(paulis[observable[0]], paulis[observable[1]])

    def loss(angles):
        psi = np.zeros((len(angles), 4), complex)
        psi[:, 0] = 1
        for k, matrix in enumerate(matrices):
            half = angles[:, k, None] / 2
            psi = np.cos(half) * psi - 1j * np.sin(half) * (psi @ matrix.T)
        return np.einsum("bi,ij,bj->b", psi.conj(), target, psi).real

    slopes = []
    for k in range(len(words)):
        shift = np.zeros(len(words))
        shift[k] = np.pi / 2
        slopes.append((loss(theta + shift) - loss(theta - shift)) / 2)
    return loss(theta), np.stack(slopes, 1)


def test_squares_of_neighbouring_components_have_their_exact_covariance():
    """E[g_j² g_k²] by quadrature (5 nodes an angle are exact), against the joint law: 4.5 standard errors.

    The second and fourth gates turn the same wire about one axis: with one rotation between, the tangent
    vectors overlap by its cosine.
    """
    words = ["XI", "ZI", "XZ", "ZI", "YI"]
    gates = {"XI": lambda t: qml.RX(t, 0), "ZI": lambda t: qml.RZ(t, 0), "YI": lambda t: qml.RY(t, 0),
             "XZ": lambda t: qml.PauliRot(t, "XZ", [0, 1])}  # fmt: skip

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x):
        for k, word in enumerate(words):
            gates[word](x[k])
        return qml.expval(qml.Z(0))

    grid = np.array(list(itertools.product(2 * np.pi * np.arange(5) / 5, repeat=5)))
    _, slopes = dense_gradients(grid, words, "ZI")
    pred = pw.predict(circuit)(pnp.zeros(5, requires_grad=True))
    part = JointPart(Constant(0.0), (Constant(0.0),) * 5)  # marginals, which are not used here
    _, drawn = CircuitJoint((part,), pred.circuit, pred.angles, tuple(range(5))).sample(20_000, 5)
    np.testing.assert_allclose((slopes**2).mean(0), pred.gradient_variance + pred.moments.gradient_mean**2, atol=1e-12)
    exact = np.einsum("bj,bk->jk", slopes**2, slopes**2) / len(grid)
    each = drawn[:, :, None] ** 2 * drawn[:, None, :] ** 2
    error = each.std(0) / np.sqrt(len(drawn)) + 1e-9
    assert np.all(np.abs(each.mean(0) - exact) < 4.5 * error)
    separated = np.outer((slopes**2).mean(0), (slopes**2).mean(0))
    assert np.abs(exact - separated).max() > 0.02  # what independence would miss


DEEP = {
    "sel_4": lambda: strongly_entangling(4, 10, qml.Z(0)),
    "sel_3": lambda: strongly_entangling(3, 8, qml.Z(0) @ qml.Z(1)),
    "sel_projector": lambda: strongly_entangling(4, 8, qml.Projector([0] * 4, wires=range(4))),
    "ry_cnot_ring": lambda: layers(4, 12, ["RY"], "CNOT", qml.Z(0)),
    "ising_observable": lambda: layers(
        4, 10, ["RX", "RY"], "CNOT", qml.dot([1.0] * 4, [qml.Z(q) @ qml.Z((q + 1) % 4) for q in range(4)])
    ),
    "quaternionic": lambda: (CASES["sp_4"].make()[0], CASES["sp_4"].make()[1][0]),
    "particle_number": lambda: (CASES["xxz_fixed_number"].make()[0], CASES["xxz_fixed_number"].make()[1][0]),
}


@pytest.mark.parametrize("name", DEEP)
def test_joint_law_of_deep_circuits(name):
    """Loss, ‖∇ℓ‖² and largest component against 800 gradients measured by PennyLane: each above 0.1%.

    Seven circuits, three tests: false alarm 2% for these seeds.
    """
    circuit, w = DEEP[name]()
    pred = pw.predict(circuit)(w)
    assert pred.is_deep
    device = qml.device("lightning.qubit", wires=len(pred.circuit.wires))
    data = pw.measure(circuit, samples=800, seed=21, device=device, progress=False)(w)
    live = np.setdiff1d(np.arange(pred.n_params), pred.dead_parameters)
    gradients = data.gradients[:, live]
    losses, drawn = pred.joint().sample(2000, 8)
    squares = pred.gradient_square
    assert stats.ks_2samp(data.losses, losses).pvalue > 1e-3
    assert stats.ks_2samp((gradients**2).sum(1), squares.sample(2000, 9)).pvalue > 1e-3
    assert stats.ks_2samp(np.abs(gradients).max(1), np.abs(drawn).max(1)).pvalue > 1e-3


# ---------------------------------------------------------------------- no false disagreement
SHALLOW_OR_DEEP = (
    [("quanvolution", seed, depth) for seed in range(6) for depth in (1, 2, 4)]
    + [("ring", 12, depth) for depth in (3, 6)]
    + [("ring", 4, depth) for depth in (2, 4, 8)]
    + [("sel", 4, depth) for depth in (2, 3, 6)]
)


@pytest.mark.parametrize("case", SHALLOW_OR_DEEP, ids=lambda c: "-".join(map(str, c)))
def test_an_ideal_simulator_never_disagrees(case):
    """26 circuits, two seeds each at α = 0.1%: every one agrees or is not compared."""
    kind, a, b = case
    circuit, w = {
        "quanvolution": quanvolution,
        "ring": lambda n, depth: layers(n, depth, ["RY"], "CNOT", qml.Z(0)),
        "sel": lambda n, depth: strongly_entangling(n, depth, qml.Z(0)),
    }[kind](a, b)
    pred = pw.predict(circuit)(w)
    for seed in (3, 4):
        found = pw.compare(pred, pw.measure(circuit, samples=300, seed=seed, progress=False)(w))
        assert found.agrees is not False, str(found)


def test_a_right_variance_of_the_wrong_shape_is_not_tested():
    circuit, w = quanvolution_of_the_right_variance()
    pred = pw.predict(circuit)(w)
    assert pred.is_deep and pred.loss_check.validity is Validity.OTHER_SHAPE
    found = pw.compare(pred, pw.measure(circuit, samples=300, seed=5, progress=False)(w))
    assert found.loss.agrees is None and "another shape" in found.loss.note
    assert found.agrees is True  # the variances still are tested


def quanvolution_of_the_right_variance():
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0, 1, 4)

    @qml.qnode(qml.device("lightning.qubit", wires=4))
    def circuit(w):
        for q in range(4):
            qml.RY(np.pi * pixels[q], q)
        qml.RandomLayers(w, wires=range(4), seed=1)
        return qml.expval(qml.Z(0))

    return circuit, pnp.zeros((2, 8), requires_grad=True)


def test_what_cannot_be_assessed_is_not_tested():
    circuit, w = layers(12, 6, ["RY"], "CNOT", qml.Z(0))
    pred = pw.predict(circuit)(w)
    assert pred.is_deep and pred.loss_check.validity is Validity.NOT_ASSESSED
    assert "not assessed" in str(pred.loss_check)


def test_a_dropped_gate_is_noticed():
    """One entangler is left out of the circuit that is measured: the variances disagree."""

    def make(complete):
        @qml.qnode(qml.device("lightning.qubit", wires=4))
        def circuit(w):
            for layer in w:
                for q in range(4):
                    qml.RY(layer[q], q)
                for q in range(4 if complete else 3):
                    qml.CNOT([q, (q + 1) % 4])
            return qml.expval(qml.Z(0))

        return circuit

    w = pnp.zeros((4, 4), requires_grad=True)
    pred = pw.predict(make(True))(w)
    data = pw.measure(make(False), samples=400, seed=2, progress=False)(w)
    found = pw.compare(pred, replace(data, plan=replace(data.plan, circuit_hash=pred.circuit.content_hash)))
    assert found.variances.agrees is False and found.agrees is False


def held_against(values, law, own, alpha):
    """The test of a law that the circuit's own sample has to bear out."""
    return borne_out(compare_sample("loss", values, law, alpha, 1), values, own)


def test_both_the_law_and_the_own_sample_must_be_rejected():
    rng = np.random.default_rng(6)
    law, wrong = BetaLoss(-1.0, 1.0, 8, 16, 2), BetaLoss(-1.0, 1.0, 4, 8, 2)
    own, values = law.sample(4000, rng), law.sample(500, rng)
    assert held_against(values, law, own, 0.001).agrees is True
    assert held_against(values, wrong, own, 0.001).agrees is True  # the law is off, not the device
    assert held_against(wrong.sample(500, rng), law, own, 0.001).agrees is False


def test_false_alarm_rate_of_laws():
    """200 measurements at α = 5% of a deep circuit: 10 expected at most, 22 or more below 0.1%."""
    circuit, w = strongly_entangling(3, 6, qml.Z(0))
    pred = pw.predict(circuit)(w)
    data = pw.measure(circuit, samples=200 * 40, seed=17, progress=False)(w)
    check = pred.loss_check
    assert check.established
    verdicts = [held_against(part, pred.loss, check.sample, 0.05).agrees for part in np.split(data.losses, 200)]
    assert verdicts.count(False) < 22
