"""Angles of one parameter that cancel: the gates turn nothing, the parameter is dead, nothing breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import RotationCircuit, effective_generators
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.variances import DeadReason


def hamiltonian():
    return qml.Hamiltonian([0.7, -0.4, 0.3], [qml.Z(0) @ qml.Z(1), qml.X(0), qml.Y(1)])


def feature_map(x, t):
    for q in range(2):
        qml.RY(x[q], q)
    qml.IsingZZ(0.7, [0, 1])
    for q in range(2):
        qml.RX(t[q], q)


def fidelity(t):
    """U(x, θ) U†(y, θ): the outer layers of θ cancel, data between them does not."""
    feature_map([0.3, 0.4], t)
    qml.adjoint(feature_map)([0.9, 0.1], t)


def nested(t):
    qml.RX(t[0], 0)
    qml.RZ(t[1], 0)
    qml.CNOT([0, 1])
    qml.CNOT([0, 1])
    qml.RZ(-t[1], 0)
    qml.RX(-t[0], 0)


def evolved(t):
    qml.evolve(hamiltonian(), t[0])
    qml.evolve(hamiltonian(), -t[0])
    qml.RX(t[1], 0)


def scalars(t):
    qml.exp(qml.I(0), 1j * t[0])
    qml.PauliRot(t[0], "II", [0, 1])
    qml.GlobalPhase(t[0], wires=0)
    qml.RX(t[1], 0)


def offsets(t):
    qml.RZ(t[0] + 0.3, 0)
    qml.RX(t[1], 1)
    qml.RZ(-t[0] + 0.4, 0)


def rounded(t):
    qml.RZ(t[0], 0)
    qml.RZ(-t[0] * (1 + 3e-16), 0)
    qml.RX(t[1], 0)


# body → parameters that turn nothing
CASES = {
    "U3 of one angle": (lambda t: (qml.U3(t[0], t[1], t[1], 0), qml.RX(t[0], 1)), ()),
    "U2": (lambda t: qml.U2(t[0], t[1], 0), ()),
    "U2 of opposite angles": (lambda t: (qml.U2(t[0], -t[0], 0), qml.RX(t[1], 0)), ()),
    "RZ(p) RZ(−p)": (lambda t: (qml.RZ(t[0], 0), qml.RZ(-t[0], 0), qml.RX(t[1], 0)), (0,)),
    "fidelity kernel": (fidelity, (0, 1)),
    "nested, all of it": (nested, (0, 1)),
    "an evolution and its inverse": (evolved, (0,)),
    "global phases": (scalars, (0,)),
    "with offsets": (offsets, (0,)),
    "within rounding": (rounded, (0,)),
}


def qnode_of(body):
    @qml.qnode(qml.device("default.qubit", wires=2))
    def f(t):
        qml.RY(0.4, 0)
        qml.RY(0.9, 1)
        body(t)
        qml.IsingXX(0.8, [0, 1])
        return qml.expval(qml.Z(0) + 0.3 * qml.X(1))

    return f


def start():
    return pnp.array([0.31, 1.27], requires_grad=True)


@pytest.mark.parametrize("name", CASES)
def test_every_reader_takes_gates_that_cancel(name, rng):
    body, still = CASES[name]
    f = qnode_of(body)
    circuit = pw.normal_form(f)(start())
    for t in rng.uniform(-7, 7, (3, 2)):
        assert abs(float(circuit.loss(circuit.angles_of(t))) - float(f(t))) < 1e-10
    assert np.all(np.diff(circuit.starts) > 0)
    found = pw.diagnose(f, samples=20, progress=False)(start())
    assert str(found) and found.to_dict()
    pred = found.prediction
    dead = dict(zip(pred.dead_parameters, pred.dead_reasons, strict=True))
    assert set(still) <= set(dead)
    variance = found.measurement.gradients.var(axis=0)
    for k in range(2):
        assert (variance[k] < 1e-20) == (k in dead)
        assert pred.gradient_variance[k] == pytest.approx(variance[k], abs=1e-20) or k not in dead
    assert pw.signature(circuit).n_independent <= 2 - len(still)
    minima = pw.find_minima(f, starts=3, progress=False)(start())
    assert np.all(np.isfinite(minima.losses))
    assert pw.quote(f, samples=20, shots=100)(start()).executions > 0


@pytest.mark.parametrize("name", ["RZ(p) RZ(−p)", "an evolution and its inverse", "nested, all of it"])
def test_reason_says_that_the_gates_cancel(name):
    body, still = CASES[name]
    pred = pw.predict(qnode_of(body))(start())
    reasons = dict(zip(pred.dead_parameters, pred.dead_reasons, strict=True))
    assert [reasons[k] for k in still] == [str(DeadReason.CANCELLED)] * len(still)


def test_laws_of_a_circuit_with_a_cancelled_parameter():
    """One qubit, su(2): the law of the cancelled parameter is a point at 0, the others keep theirs."""

    @qml.qnode(qml.device("default.qubit", wires=1))
    def f(t):
        qml.RX(t[1], 0)
        qml.RZ(t[0], 0)
        qml.RZ(-t[0], 0)
        qml.RZ(t[2], 0)
        qml.RX(t[3], 0)
        return qml.expval(qml.Z(0))

    pred = pw.predict(f)(pnp.array([0.3, 0.4, 0.5, 0.6], requires_grad=True))
    assert pred.dead_parameters == (0,)
    assert pred.in_theory
    assert pred.gradient_of(0).var() == 0
    # a Haar random qubit has Var ℓ = 1/3, and two of the three Pauli words anticommute with a generator
    assert pred.gradient_of(3).var() == pytest.approx(2 / 9)
    draws = pred.joint().sample(200, np.random.default_rng(3))
    gradients = np.asarray(draws[1] if isinstance(draws, tuple) else draws)
    assert np.all(np.isfinite(gradients))
    assert pred.n_independent == 2


def test_slopes_that_differ_by_more_than_rounding_do_not_cancel():
    """RZ(x) RZ(−(1 + 1e-9) x): the difference is a rotation, as small as it is."""
    f = qnode_of(lambda t: (qml.RZ(t[0], 0), qml.RZ(-t[0] * (1 + 1e-9), 0), qml.RX(t[1], 0)))
    circuit = pw.normal_form(f)(start())
    slope = (2 * circuit.term_coefficients * circuit.coefficients)[circuit.parameter_of == 0]
    assert slope == pytest.approx([-1e-9], rel=1e-6)


def test_all_cancelled_circuit_is_said_to_be_untrainable(recwarn):
    f = pw.preflight(on_fail="ignore")(qnode_of(nested))
    assert float(f(start())) == pytest.approx(float(qnode_of(nested)(np.array([0.0, 0.0]))), abs=1e-12)
    assert pw.diagnose(qnode_of(nested), samples=20, progress=False)(start()).trainable is False


def test_records_of_cancelled_circuits_are_written(tmp_path):
    data = pw.measure(qnode_of(nested), samples=5, progress=False)(start())
    again = type(data).from_dict(data.to_dict())
    np.testing.assert_array_equal(again.losses, data.losses)
    found = pw.diagnose(qnode_of(nested), samples=5, progress=False)(start())
    assert found.save(tmp_path / "report.html").stat().st_size > 0


def test_an_empty_generator_given_by_hand_is_left_out_of_the_algebra():
    plain = RotationCircuit.from_words(["XI", "ZZ"], {"ZI": 1.0})
    holed = replace(
        plain, starts=np.array([0, 1, 1, 2]), coefficients=np.ones(3), offsets=np.zeros(3),
        parameter_of=np.array([0, 1, 2]), random_of=np.full(3, -1), n_params=3,
    )  # fmt: skip
    effective = effective_generators(holed)
    generators, index = effective.generators, effective.index
    assert [g.words.strings() for g in generators] == [["XI"], ["ZZ"]]
    assert index.tolist() == [0, -1, 1]


@pytest.mark.parametrize(
    "body",
    [lambda t: qml.GlobalPhase(t[0], wires=0), lambda t: qml.RX(t[0] - 3 * (t[0] / 3), 0)],
    ids=["phase", "x − x"],
)
def test_parameters_that_reach_no_gate_at_all_are_refused_in_one_sentence(body):
    with pytest.raises(UnsupportedCircuitError, match="No trainable parameter: no gate depends"):
        pw.diagnose(qnode_of(body), samples=5, progress=False)(start())
