"""What is run on state vectors: only what the loss depends on, on the qubits that it touches."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pennylane as qml
import pytest
from random_rotations import pauli_circuit

from pennylane_wishart.circuit import DenseBlock, InputState, RotationCircuit, normal_form
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.variances import choice, moments_of, sampled_moments
from pennylane_wishart.variances.conesweeps import ConeSweeps, light_cone
from pennylane_wishart.variances.dead.proofs import live_part
from pennylane_wishart.variances.engines.sampled import sample_gradients
from pennylane_wishart.variances.parts import narrowed
from pennylane_wishart.variances.sweepers import sweeps_of
from pennylane_wishart.variances.sweeps import Sweeps
from pennylane_wishart.variances.wordsweeps import WordSweeps


def _line(n: int, layers: int, observable, shared: bool = False):
    """RY on every wire and a line of CRX; with ``shared`` one angle a layer of each kind."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        for layer in range(layers):
            for w in range(n):
                qml.RY(x[layer, 0, 0 if shared else w], wires=w)
            for w in range(n - 1):
                qml.CRX(x[layer, 1, 0 if shared else w], wires=[w, w + 1])
        return qml.expval(observable)

    return normal_form(circuit, argnums=[0])(np.full((layers, 2, 1 if shared else n), 0.3))


def _ising(n: int, layers: int) -> RotationCircuit:
    """A ring of ZZ bonds and X fields, one angle a layer of each."""
    letters = [{q: "Z", (q + 1) % n: "Z"} for q in range(n)] + [{q: "X"} for q in range(n)]
    words = ["".join(row.get(q, "I") for q in range(n)) for row in letters] * layers
    owner = np.repeat(np.arange(2 * layers), n)
    return RotationCircuit.from_words(words, {"ZZ" + "I" * (n - 2): 1.0}, parameter_of=owner)


def test_a_narrow_circuit_has_the_same_losses():
    """At given angles, with an input that is entangled beyond what the gates touch."""
    rng = np.random.default_rng(0)
    pair = rng.normal(size=4) + 1j * rng.normal(size=4)
    blocks = [DenseBlock((q,), np.array([1.0, 1j]) / np.sqrt(2)) for q in (0, 3, 4)]
    state = InputState(5, (DenseBlock((2, 1), pair / np.linalg.norm(pair)), *blocks))
    circuit = RotationCircuit.from_words(["IXIII", "IIIIZ", "IYIIX"], {"IZIIY": 1.0, "IIIII": 0.3}, state)
    narrow = narrowed(circuit)
    assert narrow.n_qubits == 3 and narrow.wires == (1, 2, 4)
    for x in rng.uniform(-3, 3, (5, 3)):
        assert narrow.loss(narrow.angles_of(x)) == pytest.approx(circuit.loss(circuit.angles_of(x)), abs=1e-12)


def test_a_circuit_that_touches_nothing_keeps_a_qubit():
    """A constant loss has a narrow circuit too."""
    circuit = RotationCircuit.from_words(["XII"], {"III": 0.7})
    narrow = narrowed(RotationCircuit.from_words(["III"], {"III": 0.7}))
    assert narrow.n_qubits == 1
    losses, gradients = sample_gradients(circuit, circuit.angle_law(), 3, np.random.default_rng(0))
    assert losses == pytest.approx(0.7) and not gradients.any()


def test_wide_circuits_with_shared_angles_are_sampled_in_their_light_cone():
    """26 qubits hold no state vector here; the loss depends on few of them, and not on how many there are."""
    wide, small = _line(26, 2, qml.Z(3), shared=True), _line(8, 2, qml.Z(3), shared=True)
    a = sampled_moments(wide, wide.angle_law(), 400, seed=3)
    b = sampled_moments(small, small.angle_law(), 400, seed=3)
    assert a.loss_variance == pytest.approx(b.loss_variance, rel=1e-9)
    np.testing.assert_allclose(a.gradient_variance, b.gradient_variance, rtol=1e-9)


def test_few_words_are_swept_at_any_width():
    """A 40-qubit Ising ring with shared angles, eight layers: no state vector, and 800 words of free fermions.

    Gradients equal their difference quotients, and on ten qubits those of state vectors.
    """
    wide = _ising(40, 8)
    sweeps = sweeps_of(narrowed(wide))
    assert isinstance(sweeps, WordSweeps)
    angles = wide.angles_of(np.linspace(0.1, 1.7, 16))
    _, gradient = sweeps(angles[None])
    step = 1e-5 * np.eye(16)
    ends = [sweeps(wide.angles_of(np.linspace(0.1, 1.7, 16) + s)[None])[0][0] for s in (*step, *-step)]
    np.testing.assert_allclose(gradient[0], (np.array(ends[:16]) - ends[16:]) / 2e-5, atol=1e-8)
    small = _ising(10, 3)
    x = np.linspace(0.1, 0.9, 6)
    by_words, by_vectors = (s(small.angles_of(x)[None]) for s in (WordSweeps(small), Sweeps(small)))
    np.testing.assert_allclose(by_words[0], by_vectors[0], atol=1e-12)
    np.testing.assert_allclose(by_words[1], by_vectors[1], atol=1e-12)
    found = moments_of(wide, seed=2)
    assert found.engine is EngineId.SAMPLED and np.isfinite(found.gradient_variance).all()
    live = ~found.dead
    assert live.sum() >= 14 and np.median(found.gradient_variance_error[live] / found.gradient_variance[live]) < 0.1


def test_spreading_words_are_given_up():
    """Where the observable reaches too many words and state vectors are too large, that is said."""
    words = ["".join(w) for w in np.random.default_rng(1).choice(list("XYZ"), (80, 25))]
    circuit = RotationCircuit.from_words(words, {"Z" * 25: 1.0})
    with pytest.raises(ModuleTooLargeError, match="more than 1000 words"):
        WordSweeps(circuit, 1000)
    with pytest.raises(ModuleTooLargeError, match="too dear"):
        WordSweeps(circuit, max_work=1e4)
    with pytest.raises(InputError, match="stops at 20 qubits"):
        sweeps_of(circuit)
    with pytest.raises(InputError, match="too dear"):
        sweeps_of(RotationCircuit.from_words([w[:16] for w in words], {"Z" * 16: 1.0}), most_work=1e6)


def test_walkers_and_samples_beside_each_other(monkeypatch):
    """Every value comes from the engine that knows it better, and lies within its errors of the exact one."""
    circuit = _line(9, 3, qml.Z(4))
    exact = moments_of(circuit)
    assert not exact.gradient_variance_error.any()

    def none(*_):
        raise ModuleTooLargeError("not asked for")

    monkeypatch.setattr(choice, "found_exactly", none)
    found = moments_of(circuit, seed=5, n_samples=300, n_walkers=10_000)
    assert found.engine is EngineId.SAMPLED and "from walkers" in found.averaging
    live = exact.gradient_variance > 0
    far = np.abs(found.gradient_variance - exact.gradient_variance)[live] / found.gradient_variance_error[live]
    # 4.5 standard errors on some thirty values with skewed errors: a false alarm in about a hundred seeds
    assert np.isfinite(far).all() and far.max() < 4.5
    assert np.median(found.gradient_variance_error[live] / exact.gradient_variance[live]) < 0.1


def test_dear_samples_beside_walkers_are_left(monkeypatch):
    """Where walkers know most values, samples that cost more than the second limit are not drawn."""
    circuit = _line(9, 2, qml.Z(4))

    def none(*_):
        raise ModuleTooLargeError("not asked for")

    monkeypatch.setattr(choice, "found_exactly", none)
    monkeypatch.setattr(choice.limits, "SECOND_SAMPLE_WORK", 1e4)
    assert moments_of(circuit, seed=5).engine is EngineId.WALKERS


def _qaoa(n: int, layers: int, edges: list) -> RotationCircuit:
    """MaxCut, one angle a layer for the cost and one for the mixer."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        for q in range(n):
            qml.H(q)
        for k in range(layers):
            for a, b in edges:
                qml.IsingZZ(x[0, k], [a, b])
            for q in range(n):
                qml.RX(x[1, k], q)
        return qml.expval(qml.sum(*(qml.Z(a) @ qml.Z(b) for a, b in edges), 0.5 * qml.I(0)))

    return normal_form(circuit, argnums=[0])(np.full((2, layers), 0.3))


def test_light_cones_add_up():
    """Losses and gradients of all cones together are those of the whole circuit."""
    graph = nx.random_regular_graph(3, 10, seed=2)
    circuit = _qaoa(10, 1, list(graph.edges))
    cones, whole = ConeSweeps(circuit), Sweeps(circuit)
    assert max(sweeps.circuit.n_qubits for sweeps, _ in cones.cones) < 10
    x = np.random.default_rng(0).uniform(0, 6, (4, 2))
    rng = np.random.default_rng(1)
    for found, known in zip(cones(cones.at(x, rng)), whole(whole.at(x, rng)), strict=True):
        np.testing.assert_allclose(found, known, atol=1e-11)


def test_equal_cones_are_swept_once():
    """A ring of equal bonds has few cones: all but those that meet the seam of the numbering are one."""
    circuit = _qaoa(30, 1, [(q, (q + 1) % 30) for q in range(30)])
    cones = ConeSweeps(circuit)
    assert len(cones.cones) <= 5 and sum(count for _, count in cones.cones) == 30


def test_a_wide_qaoa_is_swept_by_cones():
    """40 qubits, 3-regular, two layers: 60 light cones of up to 14 qubits; on 14 qubits they equal the whole."""
    graph = nx.random_regular_graph(3, 14, seed=5)
    circuit = _qaoa(14, 2, list(graph.edges))
    cones, whole = ConeSweeps(circuit), Sweeps(circuit)
    rng = np.random.default_rng(3)
    x = circuit.angle_law().sample(rng, 5)
    np.testing.assert_allclose(cones(x)[1], whole(whole.at(x, rng))[1], atol=1e-10)
    wide = _qaoa(40, 2, list(nx.random_regular_graph(3, 40, seed=2).edges))
    assert isinstance(sweeps_of(narrowed(wide)), ConeSweeps)


def test_cones_that_are_too_large_are_refused():
    """A complete graph's cone is the whole circuit; noise and random data have none."""
    full = _qaoa(18, 2, [(a, b) for a in range(18) for b in range(a)])
    with pytest.raises(ModuleTooLargeError, match="too large together"):
        ConeSweeps(full)
    with pytest.raises(ModuleTooLargeError, match="too large together"):
        ConeSweeps(_qaoa(12, 2, [(q, q + 1) for q in range(11)]), most_work=10.0)


def _with_sums(rng: np.random.Generator, circuit: RotationCircuit) -> RotationCircuit:
    """Join neighbouring rotations into sums, of words that commute or not."""
    starts = [0]
    while starts[-1] < circuit.n_rotations:
        starts.append(min(starts[-1] + int(rng.integers(1, 3)), circuit.n_rotations))
    first = np.array(starts[:-1])
    names = ("coefficients", "offsets", "parameter_of", "random_of")
    kept = {name: getattr(circuit, name)[first] for name in names}
    weights = rng.normal(size=len(circuit.terms))
    return replace(circuit, starts=np.array(starts), term_coefficients=weights, cliffords=(), **kept)


@pytest.mark.parametrize("seed", range(48))
def test_every_way_of_sweeping_is_the_same(seed):
    """Random circuits with shared and fixed angles, sums and entangled inputs: vectors, words, cones, and what is left
    of the circuit when the dead part, idle qubits or what is outside the light cone go."""
    rng = np.random.default_rng(8000 + seed)
    kind = ("vector", "product", "basis")[seed % 3]
    shape = int(rng.integers(2, 6)), int(rng.integers(3, 14)), int(rng.integers(1, 5))
    drawn = pauli_circuit(rng, *shape, kind, fixed=0.2, shared=int(rng.integers(0, 3)), sparse=bool(seed % 2))
    circuit = _with_sums(rng, drawn.circuit) if seed % 4 == 0 else drawn.circuit
    x = rng.uniform(-3, 3, (3, circuit.n_params))
    whole = Sweeps(circuit)
    losses, gradients = whole(whole.at(x, rng))
    for make in (Sweeps, WordSweeps, ConeSweeps):
        for part in (circuit, narrowed(live_part(circuit)), light_cone(circuit)):
            sweeps = make(part)
            found = sweeps(sweeps.at(x, rng))
            np.testing.assert_allclose(found[0], losses, atol=1e-11)
            np.testing.assert_allclose(found[1], gradients, atol=1e-11)


def test_light_cones_wider_than_a_float_counts():
    """4^n of 520 qubits is no float: pairs of words are given up for walkers, and nothing overflows."""
    found = moments_of(_line(520, 1, qml.Z(519)), seed=1, n_walkers=2_000)
    assert np.isfinite(found.loss_variance) and found.engine is not EngineId.SAMPLED
