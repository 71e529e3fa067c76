"""Remedies: what is advised against fresh descents, what is run, and when."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import node
from pennylane import numpy as pnp
from remedy_cases import Dense, entanglers, half_dead, qaoa, spin_ring
from scipy.optimize import minimize

import pennylane_wishart as pw
from pennylane_wishart.conventions import Change, Evidence, ReasonCode
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook import Outcome, OutlookOptions, Remedy, RemedyOptions, Trials, outlook_of, try_remedies
from pennylane_wishart.outlook.remedies import runner

QUIET = {"progress": False}


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


@pytest.fixture(scope="module")
def spin_trials():
    return tried(spin_ring)


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
