"""Remedies: edits of the circuit against dense matrices written here, and what is advised against fresh descents."""

from __future__ import annotations

import itertools
import json
import pickle
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import node
from pennylane import numpy as pnp
from scipy.optimize import minimize

import pennylane_wishart as pw
from pennylane_wishart.circuit import Script, trace_qnode
from pennylane_wishart.circuit.blocks import repeated_block
from pennylane_wishart.conventions import Change, Evidence, ReasonCode
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook import Outcome, OutlookOptions, Remedy, RemedyOptions, Trials, outlook_of, try_remedies
from pennylane_wishart.outlook.remedies import runner
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

QUIET = {"progress": False}


def ising(n):
    return qml.sum(*(qml.Z(q) @ qml.Z((q + 1) % n) for q in range(n)))


def entanglers(n=3, layers=2):
    """RX and a ring of CNOTs: all generators are words of X and commute."""

    def body(x):
        for row in x:
            for q in range(n):
                qml.RX(row[q], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])

    return node(n, body, qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(2), (layers, n))


def qaoa(n=4, layers=1):
    def body(x):
        for q in range(n):
            qml.H(q)
        for gamma, beta in x:
            for q in range(n):
                qml.IsingZZ(gamma, [q, (q + 1) % n])
            for q in range(n):
                qml.RX(beta, q)

    return node(n, body, ising(n), (layers, 2))


def half_dead():
    def body(x):
        qml.RZ(x[0, 0], 0)
        qml.RX(x[0, 1], 0)
        qml.CNOT([0, 1])
        qml.RY(x[1, 0], 0)
        qml.RX(x[1, 1], 1)

    return node(2, body, qml.Z(1), (2, 2))


def script_of(make, **options):
    return Script.read(trace_qnode(*(lambda c, x: (c, (x,)))(*make(**options))))


class Dense:
    """Loss of a traced circuit by full matrices, gate by gate; gradient by difference quotients."""

    def __init__(self, trace):
        self.trace, self.wires = trace, list(trace.wires)
        self.observable = qml.matrix(trace.observable, wire_order=self.wires)

    def __call__(self, x):
        psi = np.zeros(2 ** len(self.wires), complex)
        psi[0] = 1
        for op in self.trace.bind(x).operations:
            psi = qml.matrix(op, wire_order=self.wires) @ psi
        return float((psi.conj() @ self.observable @ psi).real)


# ---------------------------------------------------------------------- edits
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


def test_an_input_of_another_sector_is_found():
    """Hops conserve the number of ones: from one of them the ground of Σ Z, three, is out of reach."""

    def body(x):
        qml.PauliX(0)
        for q in (0, 1):
            qml.SingleExcitation(x[q], [q, q + 1])

    observable = qml.sum(*(qml.Z(q) for q in range(3)), 0.1 * qml.X(0) @ qml.X(1), 0.1 * qml.Y(0) @ qml.Y(1))
    best = tried(lambda: node(3, body, observable, 2)).remedies[0]
    assert best.change is Change.INPUT and "with 3 of the wires in 1" in best.words
    assert best.after.loss == pytest.approx(-3, abs=1e-6) and best.parameters_added == 0


# ---------------------------------------------------------------------- what is advised
def ends_of(loss, n_params, starts, seed):
    rng = np.random.default_rng(seed)
    return np.array(
        [minimize(loss, rng.uniform(0, 2 * np.pi, n_params), method="BFGS", tol=1e-4).fun for _ in range(starts)]
    )


def tried(make, sense="min", **options):
    circuit, x = make()
    pred = pw.predict(circuit)(x)
    found = outlook_of(pred, OutlookOptions(sense=sense, how=QUIET))
    return try_remedies(pred, found, RemedyOptions(sense=sense, how=QUIET, **options))


def spin_ring(n=4):
    """Heisenberg couplings on a ring, from a Néel state, which lies in several sectors of the total spin."""
    pairs = [(q, (q + 1) % n) for q in range(n)]

    def body(x):
        for q in range(1, n, 2):
            qml.PauliX(q)
        for a, b in pairs[::2] + pairs[1::2]:
            for k, gate in enumerate((qml.IsingXX, qml.IsingYY, qml.IsingZZ)):
                gate(x[k], [a, b])

    return node(n, body, qml.sum(*(p(a) @ p(b) for a, b in pairs for p in (qml.X, qml.Y, qml.Z))), 3)


@pytest.fixture(scope="module")
def spin_trials():
    return tried(spin_ring)


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


def test_singlets_take_a_spin_ring_near_its_ground(spin_trials):
    """The ground of the ring of four is −8; three angles take the Néel state to −4.77, singlets to −7.5."""
    best = spin_trials.remedies[0]
    assert best.change is Change.INPUT and "singlets" in best.words and best.parameters_added == 0
    assert best.before.loss > -5 and best.after.loss == pytest.approx(-7.5, abs=1e-3)
    assert -8 < np.median(ends_of(Dense(best.trace), 3, 3, 7)) <= best.after.loss + 1e-3


@pytest.fixture(scope="module")
def axis_trials():
    return tried(entanglers)


def test_another_axis_where_all_rotations_commute(axis_trials):
    best = axis_trials.remedies[0]
    assert best.parameters_added == 0 and best.evidence is Evidence.DESCENTS
    fresh = ends_of(Dense(best.trace), best.after.n_params, 3, 11)
    assert np.median(fresh) == pytest.approx(best.after.loss, abs=1e-3)
    assert best.after.loss < best.before.loss - 0.4


@pytest.fixture(scope="module")
def ring_trials():
    return tried(qaoa, sense="max")


def test_what_takes_a_ring_to_its_cut(ring_trials):
    """One layer of QAOA cuts three of four edges (Wang et al., arXiv:1706.02998): Σ ZZ = 2 of 4."""
    best = ring_trials.remedies[0]
    assert best.before.loss == pytest.approx(2, abs=1e-3) and best.after.loss == pytest.approx(4, abs=1e-3)
    assert best.after.interval[0] <= best.after.loss <= best.after.interval[1] and best.parameters_added <= 1
    point = np.full(best.after.n_params, 0.3)
    assert Dense(best.trace)(point) == pytest.approx(float(best.qnode()(point)), abs=1e-12)
    fresh = ends_of(lambda x: -Dense(best.trace)(x), best.after.n_params, 4 * best.starts, 5)
    assert -fresh.min() == pytest.approx(4, abs=1e-3)


def test_the_smallest_that_helps_ends_the_search(ring_trials):
    """Layers, which need twice the parameters, are not run where one parameter more does it."""
    assert not any(r.change is Change.LAYERS for r in (*ring_trials.remedies, *ring_trials.others))


def test_what_does_not_help_is_never_advised(axis_trials, ring_trials, spin_trials):
    for trials in (axis_trials, ring_trials, spin_trials):
        for remedy in trials.remedies:
            assert remedy.is_saving or remedy.after.height <= 0.8 * remedy.before.height
    assert any(r.after.height >= r.before.height for r in spin_trials.others)


def test_deleting_dead_gates_changes_no_loss():
    trials = tried(half_dead)
    [saving] = trials.remedies
    assert saving.change is Change.DEAD_GATES and saving.evidence is Evidence.CERTIFICATE
    assert saving.parameters_added == -2 and trials.others == () and saving.after.descents == 0
    circuit, x = half_dead()
    names = {"circuit": circuit}
    exec(saving.code, names)  # noqa: S102
    assert "RZ on wire 0; RY on wire 0" in saving.code
    assert len(saving.tape.operations) == 3
    live = pnp.array([0.4, 1.1], requires_grad=True)
    whole = pnp.array([[2.0, 0.4], [3.0, 1.1]], requires_grad=True)
    wanted = float(circuit(whole))
    assert float(names["trimmed"](live)) == pytest.approx(wanted, abs=1e-12)
    assert Dense(saving.trace)(live) == pytest.approx(wanted, abs=1e-12)
    np.testing.assert_allclose(qml.grad(names["trimmed"])(live), qml.grad(circuit)(whole)[:, 1], atol=1e-12)


def test_a_wire_that_the_gates_reach():
    def body(x):
        qml.RX(x[0], 0)
        qml.RY(x[1], 0)

    found = tried(lambda: node(2, body, qml.Z(1), (2,)))
    assert found.remedies[0].change is Change.WIRE and "wire 0" in found.remedies[0].words
    assert found.remedies[0].before.loss == 1 and found.remedies[0].after.loss == pytest.approx(-1, abs=1e-6)


# ---------------------------------------------------------------------- what is run, and when
def test_without_trouble_nothing_is_run(monkeypatch):
    monkeypatch.setattr(runner, "descend", None)
    assert tried(half_dead).reason is None


def test_budget_size_and_circuits_that_cannot_be_changed(monkeypatch):
    spent = tried(qaoa, budget=0)
    assert not spent.remedies and not spent.others and spent.reason.code is ReasonCode.TOO_LARGE
    monkeypatch.setattr(runner.limits, "REMEDY_QUBITS", 3)
    unasked = tried(qaoa)
    assert unasked.reason.code is ReasonCode.NOT_ASKED and "remedy_budget=" in unasked.reason.text
    with pytest.raises(InputError, match="remedy_budget needs seconds"):
        pw.diagnose(qaoa()[0], remedy_budget=-1)


def test_the_diagnosis_shows_them_and_preflight_does_not_run_them(tmp_path):
    circuit, x = qaoa()
    store = tmp_path / "run.db"
    diag = pw.diagnose(circuit, samples=20, progress=False, store=store)(x)
    words = diag.remedies[0].words
    assert not diag.remedies[0].is_saving and "trying remedies" in diag.timings
    text = diag.details()
    assert "What was tried" in text and f"1. {words[:1].upper()}{words[1:20]}" in text
    kinds = {run["kind"] for run in pw.measurement.stored_runs(store)}
    assert kinds == {"Measurement", "MinimaMeasurement"}  # descents and remedies resume as well
    assert pw.diagnose(circuit, run=False)(x).trials is None
    for back in (pickle.loads(pickle.dumps(diag)), type(diag).from_dict(json.loads(json.dumps(diag.to_dict())))):
        assert [r.words for r in back.remedies] == [r.words for r in diag.remedies]
        assert back.remedies[0].after == diag.remedies[0].after and back.remedies[0].tape is None
        with pytest.raises(InputError, match="read back"):
            back.remedies[0].qnode()


def test_the_changed_circuit_trains(axis_trials):
    changed = axis_trials.remedies[0].qnode()
    x = pnp.array(np.linspace(0.1, 1.0, 6), requires_grad=True)
    loss, step = Dense(axis_trials.remedies[0].trace), 1e-6 * np.eye(6)
    slopes = [(loss(x + e) - loss(x - e)) / 2e-6 for e in step]
    np.testing.assert_allclose(qml.grad(changed)(x), slopes, atol=1e-6)


def test_a_remedy_needs_a_start(axis_trials):
    with pytest.raises(InputError, match="positive integer"):
        replace(axis_trials.remedies[0], starts=0)


def test_changes_are_drawn_before_and_after():
    """The best on top; what helps is green, and a saving is not drawn: no descent changes."""
    plots, plt = pytest.importorskip("pennylane_wishart.plots"), pytest.importorskip("matplotlib.pyplot")

    def outcome(loss):
        return Outcome(loss, (loss - 0.1, loss + 0.1), 0.5, (0.4, 0.6), 4, 8)

    def remedy(change, words, after):
        return Remedy(change, words, outcome(-0.5), outcome(after), Evidence.DESCENTS)

    saving = remedy(Change.DEAD_GATES, "delete", -0.5)
    trials = Trials((remedy(Change.LAYERS, "add a layer", -1.0), saving), (remedy(Change.AXIS, "turn an axis", -0.4),))
    ax = plots.plot_remedies(trials)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["add a layer", "turn an axis"] and ax.yaxis_inverted()
    ends = [(line.get_color(), *line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert ends[1] == (plots.OTHER, -0.5, -1.0) and ends[3] == (plots.LINE, -0.5, -0.4)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["before", "after"]
    with pytest.raises(InputError, match="needs changes that were tried"):
        plots.plot_remedies(Trials((saving,)))
    plt.close("all")
