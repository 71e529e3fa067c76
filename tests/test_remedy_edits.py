"""Edits of a circuit against dense matrices: layers, rotations, axes, inputs, angles of their own."""

from __future__ import annotations

import itertools

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import node
from remedy_cases import Dense, entanglers, half_dead, qaoa, script_of, spin_ring

from pennylane_wishart.circuit import Script, trace_qnode
from pennylane_wishart.circuit.blocks import repeated_block
from pennylane_wishart.outlook.remedies.edits import (
    Axis,
    Bell,
    Layers,
    Ones,
    Own,
    Pairs,
    Place,
    Plus,
    Rotations,
    Turned,
    Unshared,
    Wire,
)


def names(script):
    return [f"{s.gate.op.name}{list(s.gate.op.wires)}" for s in script.steps]


def test_a_script_is_the_circuit():
    for make in (entanglers, qaoa, half_dead):
        circuit, x = make()
        trace = trace_qnode(circuit, (x,))
        back = Script.read(trace).trace()
        assert back.n_params == trace.n_params
        point = np.linspace(0.3, 1.9, x.size)
        assert Dense(back)(point) == pytest.approx(float(circuit(point.reshape(x.shape))), abs=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_one_more_layer_is_the_circuit_of_one_more_layer(layers):
    for make in (entanglers, qaoa):
        more = Layers(1).apply(script_of(make, layers=layers))
        assert names(more) == names(script_of(make, layers=layers + 1))
        circuit, x = make(layers=layers + 1)
        # fresh parameters come last, though their layer need not: the loss of equal layers does not tell them apart
        point = np.full(x.size, 0.7)
        assert Dense(more.trace())(point) == pytest.approx(float(circuit(point.reshape(x.shape))), abs=1e-12)


def test_layers_whose_entanglers_change_repeat_by_their_rotations():
    circuit, x = node(4, lambda x: qml.StronglyEntanglingLayers(x, range(4)), qml.Z(0), (3, 4, 3))
    block = repeated_block(Script.read(trace_qnode(circuit, (x,))))
    assert block.repeats == 3 and sum(bool(s.slopes) for s in block.steps) == 12


def test_unshared_angles_keep_what_gates_conserve_together():
    def body(x):
        for row in x:
            for q in (0, 2):
                qml.IsingXX(row[0], [q, q + 1])
                qml.IsingYY(row[0], [q, q + 1])

    circuit, x = node(4, body, qml.Z(0), (2, 1))
    script = Script.read(trace_qnode(circuit, (x,)))
    wires, gates = (Unshared(own).apply(script) for own in (Own.WIRES, Own.GATE))
    assert Unshared(Own.LAYER).apply(script) is None  # each layer has its own already
    assert wires.n_params == 4 and gates.n_params == 8
    assert wires.steps[0].parameters == wires.steps[1].parameters != wires.steps[2].parameters
    one = script_of(lambda: node(2, lambda x: [qml.RX(x[0], 0) for _ in range(2)], qml.Z(0), 1))
    assert Unshared(Own.LAYER).apply(one).n_params == 2


def test_rotations_axes_and_wires():
    script = script_of(entanglers)
    last, both = Rotations(("Y",), Place.LAST).apply(script), Rotations(("X", "Y"), Place.BOTH).apply(script)
    assert names(last)[-3:] == ["RY[0]", "RY[1]", "RY[2]"] and last.n_params == 9 and both.n_params == 18
    assert names(both)[:3] == ["RX[0]", "RX[1]", "RX[2]"]
    assert names(Axis("Y").apply(script))[:3] == ["RY[0]", "RY[1]", "RY[2]"]
    assert Axis("X").apply(script) is None and Wire(1).apply(script) is None
    dead = script_of(half_dead)
    assert list(Wire(0).apply(dead).observable.wires) == [0] and Wire(1).apply(dead) is None


@pytest.mark.parametrize("turned, wires", [(Turned.ALL, [0, 1, 2]), (Turned.ALTERNATE, [0, 2])])
def test_one_angle_for_a_whole_layer(turned, wires):
    """The changed circuit against one written by hand: one parameter more, put first or last."""
    circuit, x = entanglers()
    script = Script.read(trace_qnode(circuit, (x,)))
    point = np.append(np.linspace(0.2, 1.4, x.size), 0.9)
    for place in (Place.FIRST, Place.LAST):

        @qml.qnode(qml.device("default.qubit", wires=3))
        def by_hand(point, place=place):
            for q in wires if place is Place.FIRST else ():
                qml.RY(point[-1], q)
            tape = qml.workflow.construct_tape(circuit, level=0)(point[:-1].reshape(x.shape))
            for op in tape.operations:
                qml.apply(op)
            for q in wires if place is Place.LAST else ():
                qml.RY(point[-1], q)
            return qml.expval(tape.measurements[0].obs)

        changed = Rotations(("Y",), place, turned).apply(script)
        assert changed.n_params == x.size + 1
        assert Dense(changed.trace())(point) == pytest.approx(float(by_hand(point)), abs=1e-12)


def test_rotations_of_the_pairs_that_a_gate_joins():
    script = script_of(entanglers)
    pairs = Rotations(("YY",), Place.LAST, Turned.ALL).apply(script)
    joined = {tuple(s.gate.op.wires) for s in pairs.steps[-3:]}  # once, though every layer joins them
    assert joined == {(0, 1), (1, 2), (0, 2)} and pairs.n_params == 7
    alone = script_of(lambda: node(1, lambda x: qml.RX(x[0], 0), qml.Z(0), 1))
    assert Rotations(("YY",), Place.LAST).apply(alone) is None

    def weighted(x):
        qml.IsingZZ(x[0], [0, 1])
        qml.IsingZZ(-0.5 * x[0], [1, 2])

    counter = Rotations(("YZ", "ZY"), Place.LAST, Turned.ALL).apply(script_of(lambda: node(3, weighted, qml.Z(0), 1)))
    found = {(s.gate.op.hyperparameters["pauli_word"], *s.gate.op.wires): s.slopes[0] for s in counter.steps[2:]}
    assert {p for p, _ in found.values()} == {1}
    assert {key: round(c / found["YZ", 0, 1][1], 12) for key, (_, c) in found.items()} == {
        ("YZ", 0, 1): 1, ("ZY", 0, 1): 1, ("YZ", 1, 2): -0.5, ("ZY", 1, 2): -0.5,
    }  # fmt: skip


def test_another_input():
    def body(x):
        qml.BasisState(np.array([1, 0, 1]), wires=range(3))
        qml.PauliX(1)
        qml.SingleExcitation(x[0], [0, 1])

    script = script_of(lambda: node(3, body, qml.Z(0), 1))
    for count in range(3):
        bits = Dense(Ones(count).apply(script).trace())
        state = np.eye(8)[0]
        for op in bits.trace.bind([0.0]).operations:
            state = qml.matrix(op, wire_order=range(3)) @ state
        [k] = np.flatnonzero(np.abs(state) > 0.5)
        assert bin(k).count("1") == count
    assert Ones(3).apply(script) is None
    assert Ones(1).apply(script_of(qaoa)) is None  # |+…+⟩ is no basis state
    assert names(Plus().apply(script_of(entanglers)))[:4] == ["Hadamard[0]", "Hadamard[1]", "Hadamard[2]", "RX[0]"]


def test_pairs_of_low_energy_come_first():
    """Means of the four Bell states from their vectors, and the energy of what is proposed from that of its state."""
    ones = {Bell.PHI_PLUS: [1, 0, 0, 1], Bell.PHI_MINUS: [1, 0, 0, -1], Bell.PSI_PLUS: [0, 1, 1, 0]}
    ones[Bell.SINGLET] = [0, 1, -1, 0]
    for bell, vector in ones.items():
        v = np.array(vector) / np.sqrt(2)
        for a, b in itertools.product("IXYZ", repeat=2):
            matrix = np.kron(qml.matrix(getattr(qml, a)(0)), qml.matrix(getattr(qml, b)(0)))
            assert bell.mean(a + b) == pytest.approx((v @ matrix @ v).real, abs=1e-12)
    script = script_of(spin_ring)
    found = Pairs.of(script)
    assert [f.bell for f in found[:2]] == [Bell.SINGLET] * 2 and found[0].pairs != found[1].pairs
    assert "singlets on the wires (0, 1), (2, 3)" in " ".join(f.words for f in found)
    energies = [Dense(f.apply(script).trace())(np.zeros(3)) for f in found]
    np.testing.assert_allclose(energies, [-6, -6, 2, 2, 2, 2, 2, 2], atol=1e-12)
    assert Pairs.of(script_of(half_dead)) == [] and found[0].apply(script_of(qaoa)) is None
