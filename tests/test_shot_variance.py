"""The variance of a shot at this depth: in the groups a device measures, in the space that is reached."""

import dataclasses
import json

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import Grouping, RotationCircuit, measured_groups
from pennylane_wishart.conventions import UpperBound
from pennylane_wishart.prediction import shots as shots_room
from pennylane_wishart.variances import exact_moments

ANGLE_SETS = 4000


def groups_of(observable, wires):
    """Dense groups by PennyLane's own partition, written down without the package."""
    coefficients, terms = observable.terms()
    kept = [i for i, t in enumerate(terms) if not isinstance(t, qml.Identity)]
    partition = qml.pauli.compute_partition_indices([terms[i] for i in kept])
    return [
        sum(float(coefficients[kept[i]]) * qml.matrix(terms[kept[i]], wire_order=wires) for i in group)
        for group in partition
    ]


def rotation(theta, generator):
    """exp(−iθG) for angles ``(batch,)``, dense."""
    values, vectors = np.linalg.eigh(generator)
    return np.einsum("ij,bj,kj->bik", vectors, np.exp(-1j * np.outer(theta, values)), vectors.conj())


def numbers(tape):
    """All gate parameters of a tape, in order."""
    return np.array([float(x) for op in tape.operations for x in op.data])


def dense_states(tape_of, shape, n, seed):
    """Final states of a circuit at random angles, gates by their dense generators."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform(0, 2 * np.pi, (ANGLE_SETS, *shape))
    tape = tape_of(angles[0])
    psi = np.zeros((ANGLE_SETS, 2**n), complex)
    psi[:, 0] = 1
    # gate angles are affine in the arguments: one tape for each of them is enough
    base = numbers(tape)
    moved = np.array([numbers(tape_of(angles[0] + e.reshape(shape))) for e in np.eye(angles[0].size)]) - base
    flat = base + (angles - angles[0]).reshape(ANGLE_SETS, -1) @ moved
    at = 0
    for op in tape.operations:
        wires = list(op.wires)
        if op.num_params == 0:
            psi = psi @ qml.matrix(op, wire_order=range(n)).T
            continue
        angle = flat[:, at]
        at += 1
        if not wires:  # a global phase
            continue
        generator = qml.matrix(qml.generator(op, format="observable"), wire_order=wires)
        gate = rotation(-angle, generator)  # PennyLane's generator has the other sign
        tensor = np.moveaxis(psi.reshape(-1, *(2,) * n), [1 + w for w in wires], range(1, 1 + len(wires)))
        left = tensor.reshape(ANGLE_SETS, 2 ** len(wires), -1)
        tensor = np.einsum("bij,bjk->bik", gate, left).reshape(tensor.shape)
        psi = np.moveaxis(tensor, range(1, 1 + len(wires)), [1 + w for w in wires]).reshape(ANGLE_SETS, -1)
    return psi


def spread(psi, operators):
    out = np.zeros(len(psi))
    for matrix in operators:
        image = psi @ matrix.T
        out += (np.abs(image) ** 2).sum(1) - np.einsum("bi,bi->b", psi.conj(), image).real ** 2
    return out


def hydrogen():
    geometry = np.array([[0.0, 0.0, -0.6614], [0.0, 0.0, 0.6614]])
    return qml.qchem.molecular_hamiltonian(["H", "H"], geometry, method="dhf")[0]


def chemistry(template):
    hf = qml.qchem.hf_state(2, 4)
    singles, doubles = qml.qchem.excitations(2, 4)
    s_wires, d_wires = qml.qchem.excitations_to_wires(singles, doubles)
    body, shape = {
        "UCCSD": (lambda w: qml.UCCSD(w, range(4), s_wires=s_wires, d_wires=d_wires, init_state=hf), (3,)),
        "U2": (lambda w: qml.ParticleConservingU2(w, range(4), init_state=hf), (2, 7)),
        "GateFabric": (lambda w: qml.GateFabric(w, range(4), init_state=hf, include_pi=True), (2, 1, 2)),
    }[template]
    return body, shape, hydrogen()


def exchange_ring(n=6):
    edges = [(i, (i + 1) % n) for i in range(n)]
    words = [f(a) @ f(b) for f in (qml.X, qml.Y, qml.Z) for a, b in edges]

    def body(w):
        for q in range(1, n, 2):
            qml.X(q)
        for layer in w:
            for part in (0, 1):
                for a, b in edges[part::2]:
                    qml.IsingXY(layer[part], wires=[a, b])
                    qml.IsingZZ(layer[2 + part], wires=[a, b])

    return body, (2, 4), qml.Hamiltonian([1.0] * len(words), words)


def alternating_ring(n=4):
    words = [qml.Z(i) @ qml.Z((i + 1) % n) for i in range(n)]

    def body(w):
        for q in range(n):
            qml.Hadamard(q)
        for layer in w:
            for i in range(n):
                qml.IsingZZ(layer[0], [i, (i + 1) % n])
            for i in range(n):
                qml.RX(layer[1], i)

    return body, (2, 2), qml.Hamiltonian([0.5] * n, words)


GATES = {"RX", "RY", "RZ", "IsingXY", "IsingZZ", "SingleExcitation", "DoubleExcitation", "PhaseShift", "CRX",
         "PauliX", "Hadamard", "CNOT", "CZ", "S", "T", "SX", "GlobalPhase"}  # fmt: skip
CASES = {
    "H2 UCCSD": lambda: chemistry("UCCSD"),
    "H2 ParticleConservingU2": lambda: chemistry("U2"),
    "H2 GateFabric": lambda: chemistry("GateFabric"),
    "QAOA ring": alternating_ring,
    "XXZ ring": exchange_ring,
}


@pytest.mark.parametrize("name", CASES)
def test_shot_variance_where_a_symmetry_restricts_the_state(name):
    """Against dense states at 4,000 random angle sets, within 4 standard errors; the error is below 2.5%."""
    body, shape, observable = CASES[name]()
    n = len(observable.wires)

    def tape_of(w):
        (tape,), _ = qml.transforms.decompose(qml.tape.make_qscript(body)(w), gate_set=GATES)
        return tape

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(w):
        body(w)
        return qml.expval(observable)

    pred = pw.predict(circuit)(pnp.zeros(shape, requires_grad=True))
    found = pred.shot_variance
    assert found.method == "exact" and found.error == 0 and found.bound is None
    psi = dense_states(tape_of, shape, n, seed=3)
    for record, operators in (
        (found, groups_of(observable, range(n))),
        (pred.eigenbasis_shot_variance, [qml.matrix(observable, wire_order=range(n))]),
    ):
        sampled = spread(psi, operators)
        error = sampled.std() / np.sqrt(ANGLE_SETS)
        assert error < 0.025 * sampled.mean()
        assert abs(record.value - sampled.mean()) < 4 * error
        assert record.groups == len(operators)
    assert np.all(np.isfinite(pred.shots_to_resolve[np.setdiff1d(range(pred.n_params), pred.dead_parameters)]))


def test_the_shots_of_a_diagnosis_are_never_nan_or_zero():
    body, shape, observable = chemistry("UCCSD")

    @qml.qnode(qml.device("default.qubit", wires=4))
    def circuit(w):
        body(w)
        return qml.expval(observable)

    diag = pw.diagnose(circuit, samples=40, progress=False)(pnp.zeros(shape, requires_grad=True))
    text = diag.details()
    assert "nan [nan" not in text and " 0 shots" not in text
    assert json.dumps(diag.to_dict())
    check = next(c for c in diag.checks if c.id == "shots")
    assert 1 < check.value < 20


class TestGroups:
    def parts(self, observable, n=3, body=None):
        @qml.qnode(qml.device("default.qubit", wires=n))
        def circuit(x):
            qml.RX(x, 0)
            if body is not None:
                body()
            return qml.expval(observable)

        circuit = pw.normal_form(circuit)(pnp.array(0.3, requires_grad=True))
        return circuit, measured_groups(circuit)

    @pytest.mark.parametrize(
        ("observable", "sizes"),
        [
            (qml.X(0) + 0.5 * qml.X(1) + qml.Z(0) @ qml.Z(1), [1, 2]),
            (qml.Hamiltonian([1.0, 2.0, 3.0], [qml.Z(0), qml.Z(1) @ qml.Z(2), qml.Identity(0)]), [2]),
            (qml.Z(0) + qml.Projector([1, 1], wires=[1, 2]), [1, 3]),
            (0.5 * (qml.X(0) + qml.Z(0)), [2]),  # not a sum: measured in its eigenbasis
            (qml.Projector([0, 0], wires=[0, 1]), [3]),
            (qml.X(0) + 2.0 * (qml.X(1) + qml.Z(1)), [1, 1, 1]),
        ],
    )
    def test_as_default_qubit_measures(self, observable, sizes):
        circuit, found = self.parts(observable)
        assert sorted(len(p) for p in found.parts) == sizes
        total = found.parts[0]
        for part in found.parts[1:]:
            total = total.add(part)
        gap = total.add(circuit.observable.trace_free().scale(-1.0))
        assert len(gap) == 0

    def test_groups_follow_the_clifford_frame(self):
        """Words are grouped as they are measured, before fixed gates are pulled through them."""
        circuit, found = self.parts(
            qml.X(0) @ qml.X(1) + qml.X(1), body=lambda: [qml.RY(0.2, 1), qml.CNOT([0, 1]), qml.S(1)]
        )
        assert found.grouping is Grouping.GROUPS and len(found) == 1
        assert len(found.parts[0].add(circuit.observable.trace_free().scale(-1.0))) == 0

    def test_the_variance_of_estimates_with_shots(self):
        """400 estimates of 200 shots: their variance is the groups', within 4 standard errors (√(2/399)).

        lightning.qubit 0.45 draws every group of one execution from the same random numbers, so that its
        groups are correlated (0.58 for 0.40 of Z(0) and X(0)X(1) here): not what a device would do.
        """
        observable = qml.Hamiltonian(
            [0.7, 0.4, -0.6, 0.9], [qml.Z(0), qml.X(0) @ qml.X(1), qml.Z(0) @ qml.Z(1), qml.Y(1)]
        )

        def gates():
            qml.RX(0.7, 0)
            qml.RY(1.1, 1)
            qml.CNOT([0, 1])
            qml.RY(0.4, 0)

        @qml.qnode(qml.device("default.qubit", wires=2, seed=11))
        def noisy():
            gates()
            return qml.expval(observable)

        @qml.qnode(qml.device("default.qubit", wires=2))
        def state():
            gates()
            return qml.state()

        values = [qml.set_shots(noisy, 200)() for _ in range(400)]
        expected = spread(np.array([state()]), groups_of(observable, [0, 1]))[0] / 200
        assert abs(np.var(values, ddof=1) / expected - 1) < 4 * np.sqrt(2 / 399)


def test_words_walkers_samples_and_bounds_agree(monkeypatch):
    """The same circuit by every method, and a bound above all where nothing is affordable."""
    words = ["XII", "ZZI", "IXI", "IZZ", "IIX", "YII", "IYI"] * 2
    circuit = RotationCircuit.from_words(words, {"ZII": 0.8, "XXI": 0.5, "ZZI": 0.3, "IYY": -0.7})
    law = circuit.angle_law()
    moments = exact_moments(circuit, law)
    exact = shots_room.mean_shot_variance(circuit, law, moments)
    assert exact.method == "exact" and exact.groups == 3

    def refuse(*_, **__):
        raise pw.errors.ModuleTooLargeError("no")

    monkeypatch.setattr(shots_room, "_second_moment", refuse)
    sampled = shots_room.mean_shot_variance(circuit, law, moments)
    assert sampled.method == "sampled" and abs(sampled.value - exact.value) < 4 * sampled.error
    monkeypatch.setattr(shots_room, "_sampled", lambda *_: None)
    walked = shots_room.mean_shot_variance(circuit, law, moments)
    assert walked.method == "walkers" and abs(walked.value - exact.value) < 4 * walked.error
    monkeypatch.setattr(shots_room, "_walked", lambda *_: None)
    bounded = shots_room.mean_shot_variance(circuit, law, moments)
    assert bounded.method == "upper bound" and np.isnan(bounded.value)
    assert isinstance(bounded.bound, UpperBound) and bounded.bound.at_most_log2 >= np.log2(exact.value)
    assert json.dumps(bounded.to_dict()) and bounded.to_dict()["value"] is None


def test_a_global_projector_needs_no_squares():
    """O² = O: E[ℓ] − E[ℓ²] = (1/2)^n − (3/8)^n after one layer of RY, on 8 qubits and in 256 words."""

    @qml.qnode(qml.device("default.qubit", wires=8))
    def circuit(w):
        for q in range(8):
            qml.RY(w[q], q)
        return qml.expval(qml.Projector([0] * 8, wires=range(8)))

    pred = pw.predict(circuit)(pnp.zeros(8, requires_grad=True))
    found = pred.shot_variance
    assert found.value == pytest.approx(2.0**-8 - (3 / 8) ** 8, abs=4 * found.error + 1e-15, rel=1e-9)
    assert found.groups == 1 and found.value > 0


def test_one_word_is_not_sampled_where_its_walk_is_there(monkeypatch):
    """O² = 1: one less the walked second moment of the loss; sampled where that moment's error is large."""
    words = ["XII", "ZZI", "IXI", "IZZ", "IIX", "YII", "IYI"] * 2
    circuit = RotationCircuit.from_words(words, {"ZZI": 1.5})
    law = circuit.angle_law()
    exact = exact_moments(circuit, law)

    def refuse(*_, **__):
        raise pw.errors.ModuleTooLargeError("no")

    monkeypatch.setattr(shots_room, "_second_moment", refuse)
    for error, method in ((1e-3, "walkers"), (0.1, "sampled")):
        estimated = dataclasses.replace(exact, loss_second_moment_error=error)
        found = shots_room.mean_shot_variance(circuit, law, estimated)
        assert found.method == method
        assert abs(found.value - (1.5**2 - exact.loss_second_moment)) < 4 * found.error


@pytest.mark.parametrize(
    ("gate", "cost"),
    [
        (lambda t: qml.RX(t, 0), 1.0),
        (lambda t: qml.RX(3 * t, 0), 9.0),
        (lambda t: qml.CRX(t, [1, 0]), 1.5),
        (lambda t: [qml.RX(t, 0), qml.RX(t, 1)], 4.0),
        (lambda t: qml.SingleExcitation(t, [0, 1]), 1.5),
    ],
)
def test_shots_of_a_parameter_shift_rule(gate, cost):
    """R·Σa² of PennyLane's own rule: R circuits with coefficients a, all gates of the parameter."""

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(t):
        qml.Hadamard(1)
        gate(t)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    pred = pw.predict(circuit)(pnp.array(0.4, requires_grad=True))
    assert pred.shift_costs.tolist() == pytest.approx([cost])


@pytest.mark.parametrize("kind", ["narrow law", "shared angle"])
def test_shots_are_those_of_the_shifted_points(kind):
    """Near the identity ⟨Z⟩ has no noise, its shifted points all of it; a shared angle is shifted gate by gate.

    Quadrature over the law of the angles, dense matrices; the sampled value within 4%.
    """
    narrow = kind == "narrow law"

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x):
        qml.RX(x[0], 0)
        qml.RX(x[1] if narrow else x[0], 1)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    x = pnp.zeros(2 if narrow else 1, requires_grad=True)
    pred = pw.predict(circuit, angles=("normal", 0.1) if narrow else "uniform")(x)
    if narrow:  # ⟨ZZ⟩ = cos(a ± π/2) cos(b): 1 − E sin²a E cos²b
        sin2 = (1 - np.exp(-2 * 0.01)) / 2
        expected = 1 - sin2 * (1 - sin2)
        assert pred.shot_variance.value < 0.05
    else:  # cos(t + π/2) cos(t) = −sin(2t)/2
        expected = 1 - 1 / 8
        assert pred.shot_variance.value == pytest.approx(1 - 3 / 8)
    assert pred.shifted_shot_variance == pytest.approx(expected, rel=0.04)
    shots = pred.shift_costs * pred.shifted_shot_variance / pred.gradient_variance
    assert pred.shots_to_resolve == pytest.approx(shots)
