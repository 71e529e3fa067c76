"""Doors built on second moments: simulability, initial angles, expressibility."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pennylane as qml
import pytest
from hessian_cases import conserving
from pennylane import numpy as pnp
from references import propagation

import pennylane_wishart as pw
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.errors import InputError, UnsupportedCircuitError
from pennylane_wishart.prediction.simulability import Simulator
from pennylane_wishart.variances.truncation import truncation

DEVICE = qml.device("default.qubit")


def layered(n, layers, observable=None):
    def f(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(observable or qml.Z(0))

    return qml.QNode(f, DEVICE), pnp.array(np.zeros((layers, n, 3)), requires_grad=True)


def ring(w):
    for q in range(6):
        qml.Hadamard(q)
    for k in range(2):
        for q in range(6):
            qml.IsingZZ(w[k, 0], [q, (q + 1) % 6])
        for q in range(6):
            qml.RX(w[k, 1], q)
    return qml.expval(qml.sum(*[qml.Z(q) @ qml.Z((q + 1) % 6) for q in range(6)]))


# ------------------------------------------------------------------ truncation
@pytest.mark.parametrize("seed", range(4))
def test_truncation_error_is_that_of_a_real_propagation(seed):
    rng = np.random.default_rng(seed)
    n, gates, observable, count = propagation.drawn(rng)

    def f(x):
        for gate in gates:
            if gate[0] == "rot":
                qml.PauliRot(x[gate[2]], gate[1], wires=range(n))
            else:
                qml.CNOT(gate[1:])
        words = [qml.pauli.string_to_pauli_word(w, {i: i for i in range(n)}) for w in observable]
        return qml.expval(qml.Hamiltonian(list(observable.values()), words))

    circuit = pw.normal_form(qml.QNode(f, DEVICE))(pnp.array(np.zeros(count), requires_grad=True))
    got = truncation(circuit, seed=seed)
    angles = rng.uniform(0, 2 * np.pi, (1500, count))
    whole, _ = propagation.run(gates, observable, n, n, angles)
    for w in range(n + 1):
        kept, held = propagation.run(gates, observable, n, w, angles)
        square = (whole - kept) ** 2
        noise = np.hypot(square.std() / np.sqrt(1500), got.error_error[w] ** 2 + 2 * got.error[w] * got.error_error[w])
        # twenty comparisons of five errors: a false alarm once in 80,000 runs
        assert abs(got.error[w] ** 2 - square.mean()) <= 5 * noise + 1e-12
        assert got.words_complete[w] and got.words[w] <= held  # words that cannot matter are not carried


def test_simulators_are_named_cheapest_first():
    found = pw.simulability(layered(3, 2)[0])(layered(3, 2)[1])
    assert found.simulator is Simulator.STATE_VECTOR and found.weight_for(1e-9) == found.truncation.weight_for(1e-9)
    assert found.error.shape == found.words.shape == (4,) and "lightning.qubit" in str(found)

    def wide(w):
        for q in range(30):
            qml.RY(w[q], q)
        for q in range(29):
            qml.CZ([q, q + 1])
        for q in range(30):
            qml.RX(w[30 + q], q)
        return qml.expval(qml.Z(3))

    assert pw.simulability(qml.QNode(wide, DEVICE))(pnp.ones(60)).simulator in (Simulator.LIGHT_CONES, Simulator.LIE)


def test_what_is_not_propagated_is_said():
    found = pw.simulability(qml.QNode(ring, DEVICE))(pnp.array(np.zeros((2, 2)), requires_grad=True))
    assert isinstance(found.truncation, Unavailable) and np.isnan(found.error).all() and found.weight_for(1.0) is None
    with pytest.raises(UnsupportedCircuitError, match="sums"):
        truncation(found_circuit())


def found_circuit():
    return pw.normal_form(qml.QNode(ring, DEVICE))(pnp.array(np.zeros((2, 2)), requires_grad=True))


# ------------------------------------------------------------------ initial angles
def test_a_plateau_is_left_by_narrow_angles_and_the_gain_is_real():
    qnode, w = layered(6, 3, qml.prod(*[qml.Z(q) for q in range(6)]))
    found = pw.best_init(qnode, widths=(0.1, 0.4))(w)
    assert found.best.kind != "uniform" and found.gain > 1.3
    circuit = pw.normal_form(qnode)(w)
    gradient = qml.grad(qnode)
    rng = np.random.default_rng(1)
    squares = [
        np.sum(np.square(gradient(pnp.array(p.reshape(w.shape), requires_grad=True)))) for p in found.sample(rng, 40)
    ]
    assert abs(np.mean(squares) - found.best.square) < 5 * np.std(squares) / np.sqrt(40)
    assert circuit.n_params == len(found.widths)


def test_small_circuits_are_told_that_gradients_are_no_obstacle():
    qnode, w = layered(3, 2)
    found = pw.best_init(qnode, around="args", groups=[range(9)], widths=(0.2, 0.8))(w)
    assert not found.small_gradients and "no obstacle" in str(found)
    assert found.gain >= 1 and found.radius in (0.2, 0.8)
    squares = {p.width: p.square for p in found.curve if p.kind == "around"}
    for level in (0.9 * min(squares.values()), 1.1 * max(squares.values())):
        near = pw.best_init(qnode, around="args", widths=(0.2, 0.8), threshold=level)(w)
        assert near.radius == max((k for k, v in squares.items() if v >= level), default=None)
    with pytest.raises(InputError, match="threshold must be a positive"):
        pw.best_init(qnode, threshold=0.0)
    with pytest.raises(InputError, match="widths"):
        pw.best_init(qnode, widths=(0.0,))
    with pytest.raises(InputError, match="18 angles"):
        pw.best_init(qnode, around=[0.1], widths=(0.2,))(w)


# ------------------------------------------------------------------ expressibility
def test_symmetric_circuits_are_expressive_inside_their_sector():
    qnode, w = qml.QNode(conserving, DEVICE), pnp.array(np.zeros((8, 3, 3)), requires_grad=True)
    inside, whole = pw.expressibility(qnode)(w), pw.expressibility(qnode, space="whole")(w)
    assert inside.by_sector and [s.dim for s in inside.sectors] == [6]
    assert inside.sectors[0].interval[0] == 0.0 and whole.sectors[0].interval[0] > 0.1
    got = inside.sectors[0]
    assert abs(got.frame_potential - got.haar_frame_potential) < 5 * got.frame_potential_error
    assert isinstance(inside.design, Unavailable)  # IsingXY is a sum


def test_published_values_of_one_qubit():
    def half(w):
        qml.Hadamard(0)
        qml.RZ(w[0], 0)
        return qml.expval(qml.X(0))

    w = pnp.array(np.zeros(1), requires_grad=True)
    found = pw.expressibility(qml.QNode(half, DEVICE), pairs=5000, bins=75, space="whole")(w)
    # the arcsine law in 75 bins against the uniform one: 0.1961 exactly; Sim et al., figure 1 A, sampled: 0.22
    assert abs(found.kl - 0.1961) < 5 * found.sectors[0].error
    # within its own real sector the same circuit is as random as can be
    assert pw.expressibility(qml.QNode(half, DEVICE))(w).sectors[0].interval[0] == 0.0


def test_entangling_power_is_that_of_the_outputs():
    qnode, w = layered(4, 1)

    @qml.qnode(DEVICE)
    def state(w):
        qml.StronglyEntanglingLayers(w, wires=range(4))
        return qml.state()

    rng, values = np.random.default_rng(0), []
    for _ in range(200):
        psi = np.asarray(state(rng.uniform(0, 2 * np.pi, w.shape))).reshape((2,) * 4)
        rows = [np.moveaxis(psi, q, 0).reshape(2, -1) for q in range(4)]
        values.append(2 * (1 - np.mean([np.linalg.norm(r @ r.conj().T) ** 2 for r in rows])))
    found = pw.expressibility(qnode, pairs=200)(w)
    assert found.entangling_error == 0
    assert abs(found.entangling - np.mean(values)) < 5 * np.std(values) / np.sqrt(200)


def averaged_map(n, gates):
    """The average of U⊗U* ⊗ U⊗U* over uniform angles, dense; gates are (word,) or a fixed matrix."""
    out = np.eye(16**n)
    for gate in gates:
        if isinstance(gate, str):
            p = propagation.PAULI[gate[0]]
            for letter in gate[1:]:
                p = np.kron(p, propagation.PAULI[letter])
            turns = [np.cos(a / 2) * np.eye(2**n) - 1j * np.sin(a / 2) * p for a in 2 * np.pi * np.arange(8) / 8]
        else:
            turns = [gate]
        out = np.mean([np.kron(np.kron(u, u.conj()), np.kron(u, u.conj())) for u in turns], axis=0) @ out
    return out


def test_second_eigenvalue_and_frame_potentials_are_those_of_the_dense_map():
    def f(w):
        for k in range(len(w)):
            qml.RX(w[k, 0], 0)
            qml.RZ(w[k, 1], 0)
            qml.RY(w[k, 2], 1)
            qml.CNOT([0, 1])
        return qml.expval(qml.Z(0))

    layer = averaged_map(2, ["XI", "ZI", "IY", qml.CNOT([0, 1]).matrix()])
    start = np.zeros(256)
    start[0] = 1.0
    potentials = [np.linalg.norm(np.linalg.matrix_power(layer, k) @ start) ** 2 for k in (1, 2, 200)]
    w = pnp.array(np.zeros((2, 3)), requires_grad=True)
    found = pw.expressibility(qml.QNode(f, DEVICE), pairs=100)(w)
    got = found.design
    assert (
        got.layers == 2
        and got.potential == pytest.approx(potentials[1])
        and found.sectors[0].frame_potential_error == 0
    )
    assert got.limit == pytest.approx(potentials[2], rel=1e-3)
    # of the spectrum, the largest that |00⟩ sees: 0.843 is there as well, and never shows
    late = [np.linalg.matrix_power(layer, k) @ start for k in (40, 41, 42)]
    seen = np.linalg.norm(late[2] - late[1]) / np.linalg.norm(late[1] - late[0])
    assert got.second_eigenvalue == pytest.approx(seen, rel=5e-3)
    within = [
        k for k in range(1, 40) if np.linalg.norm(np.linalg.matrix_power(layer, k) @ start) ** 2 <= 1.05 * potentials[2]
    ]
    assert within[0] - 2 < got.depth <= within[0] + 1


def test_records_are_written_and_read_back():
    qnode, w = layered(2, 1)
    for found in (
        pw.simulability(qnode)(w),
        pw.best_init(qnode, widths=(0.3,))(w),
        pw.expressibility(qnode, pairs=100)(w),
        pw.predict(qnode)(w).hessian,
    ):
        again = type(found).from_dict(json.loads(json.dumps(found.to_dict())))
        assert again.to_dict() == found.to_dict() == pickle.loads(pickle.dumps(found)).to_dict()
    with pytest.raises(InputError, match="to_dict wrote"):
        type(found).from_dict({})


def test_bad_options_are_refused():
    qnode, w = layered(2, 1)
    with pytest.raises(InputError, match="at least 100"):
        pw.expressibility(qnode, pairs=3)
    with pytest.raises(InputError, match="sectors"):
        pw.expressibility(qnode, space="half")(w)


def test_a_circuit_that_nothing_moves_is_answered():
    @qml.qnode(qml.device("default.qubit"))
    def still(x):
        qml.RZ(x[0], 0)
        qml.RZ(x[1], 1)
        return qml.expval(qml.Z(0))

    x = pnp.array([0.1, 0.2], requires_grad=True)
    assert [s.dim for s in pw.expressibility(still, pairs=200)(x).sectors] == [1]
    assert pw.best_init(still)(x).gain == 1.0
