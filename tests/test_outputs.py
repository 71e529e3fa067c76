"""QNodes that return several expectation values, dictionaries or probabilities: one reading, one diagnosis for each."""

import functools
import itertools
import json
import pickle

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import normal_forms
from pennylane_wishart.errors import InputError, UnsupportedCircuitError
from pennylane_wishart.variances import dead_proofs, moments_of, moments_together


def small(x):
    """Four parameters on three wires; the last acts behind everything that wire 0 sees."""
    qml.RY(x[0], 0)
    qml.RX(x[1], 1)
    qml.CNOT([0, 1])
    qml.RY(x[2], 1)
    qml.CNOT([1, 2])
    qml.RX(x[3], 2)


RETURNS = {
    "tuple": lambda: (qml.expval(qml.Z(0)), qml.expval(qml.X(0) @ qml.Z(2)), qml.expval(qml.Z(2))),
    "list": lambda: [qml.expval(qml.Z(w)) for w in range(3)],
    "dictionary": lambda: {"energy": qml.expval(qml.Z(0) + 0.3 * qml.X(1)), "p": qml.probs(wires=[1])},
    "marginal": lambda: qml.probs(wires=[2, 0]),
    "other basis": lambda: qml.probs(op=qml.X(0) @ qml.Y(2)),
    "all wires": qml.probs,
}
ANGLES = pnp.array([0.3, 1.1, 2.0, 0.7], requires_grad=True)


def qnode_of(returns, body=small):
    @qml.qnode(qml.device("default.qubit", wires=3))
    def circuit(x):
        body(x)
        return returns()

    return circuit


def flat(value):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else (value,)
    return np.concatenate([np.reshape(np.asarray(p), -1) for p in parts])


def jacobians(circuit, points):
    """By parameter shift, broadcast: (points, outputs, parameters)."""

    def values(x):
        found = circuit(x.T)
        parts = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else (found,)
        return np.concatenate([np.reshape(np.asarray(p), (len(x), -1)) for p in parts], axis=1)

    steps = np.pi / 2 * np.eye(4)
    return np.stack([(values(points + s) - values(points - s)) / 2 for s in steps], axis=2)


@pytest.mark.parametrize("name", RETURNS)
def test_every_output_is_read_once_and_right(name):
    circuit = qnode_of(RETURNS[name])
    forms = normal_forms(circuit)(ANGLES)
    values = [float(c.loss(c.angles(ANGLES))) for c in forms]
    np.testing.assert_allclose(values, flat(circuit(ANGLES)), atol=1e-10)
    assert all(c.terms is forms[0].terms for c in forms)  # one reading


@pytest.mark.parametrize("name", ["tuple", "dictionary", "marginal", "other basis"])
def test_variances_and_dead_lists_against_parameter_shift(name):
    """Three points an angle average squares of first harmonics exactly."""
    circuit = qnode_of(RETURNS[name])
    diag = pw.diagnose(circuit, run=False, descent_budget=0)(ANGLES)
    grid = np.array(list(itertools.product(2 * np.pi / 3 * np.arange(3) + 0.1, repeat=4)))
    variance = jacobians(circuit, grid).var(axis=0)
    np.testing.assert_allclose([o.prediction.gradient_variance for o in diag.outputs], variance, atol=1e-10)
    dead = variance < 1e-12
    assert [set(o.dead_parameters) for o in diag.outputs] == [set(np.flatnonzero(row)) for row in dead]
    assert diag.dead_parameters == tuple(np.flatnonzero(dead.all(axis=0)))


def test_the_whole_is_a_diagnosis():
    diag = pw.diagnose(qnode_of(RETURNS["dictionary"]), samples=40)(ANGLES)
    assert isinstance(diag, pw.Diagnosis) and diag.trainable is True
    assert [o.name for o in diag.outputs] == ["energy", "p: p(0)", "p: p(1)"]
    assert all(o.measurement is not None and o.outputs == (o,) for o in diag.outputs)
    assert "energy" in str(diag) and "energy" in diag._repr_html_() and diag.headline.startswith("Trainable")
    back = pw.Diagnosis.from_dict(json.loads(json.dumps(diag.to_dict())))
    assert back.headline == diag.headline and back.dead_parameters == diag.dead_parameters
    assert str(pickle.loads(pickle.dumps(diag)).headline) == diag.headline
    with pytest.raises(InputError, match=r"outputs\[i\].prediction"):
        _ = diag.prediction


def test_one_output_is_as_before():
    circuit = qnode_of(RETURNS["tuple"])
    assert pw.diagnose(circuit, output=1, run=False, descent_budget=0)(ANGLES).name == "circuit"
    assert pw.normal_form(circuit, output=1)(ANGLES).observable.words.weights().max() > 1
    picked = pw.normal_form(qnode_of(RETURNS["dictionary"]), output=(1, 0))(ANGLES)
    assert float(picked.loss(picked.angles(ANGLES))) == pytest.approx(flat(qnode_of(RETURNS["dictionary"])(ANGLES))[1])
    outcome = pw.normal_form(qnode_of(RETURNS["marginal"]), output=2)(ANGLES)
    assert float(outcome.loss(outcome.angles(ANGLES))) == pytest.approx(flat(qnode_of(RETURNS["marginal"])(ANGLES))[2])


def test_many_outcomes_are_the_likeliest_and_the_rest():
    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        for w in range(7):
            qml.RX(x[w], w)
        return qml.probs()

    x = pnp.array(np.linspace(0.2, 1.4, 7), requires_grad=True)
    forms = normal_forms(circuit)(x)
    values = [float(c.loss(c.angles(x))) for c in forms]
    assert len(values) == 64 and sum(values) == pytest.approx(1)
    exact = np.sort(np.asarray(circuit(x)))[::-1]
    np.testing.assert_allclose(np.sort(values[:-1])[::-1], exact[:63], atol=1e-10)
    assert forms[-1].trace.outputs[0].name == "p(others)"


def test_constant_outputs_do_not_decide():
    """An output that never moves is a remark; all of them, a failure."""

    def body(x):
        qml.RY(x[0], 0)

    some = pw.diagnose(qnode_of(lambda: (qml.expval(qml.Z(0)), qml.expval(qml.Z(1))), body), samples=20)(ANGLES[:1])
    assert some.trainable is True and "1 of the outputs never move" in some.headline
    none = pw.diagnose(qnode_of(lambda: (qml.expval(qml.Z(2)), qml.expval(qml.Z(1))), body), samples=20)(ANGLES[:1])
    assert none.trainable is False and none.dead_parameters == (0,)


@pytest.mark.parametrize(
    ("returns", "output", "said"),
    [
        (RETURNS["tuple"], None, r"0: expval\(Z\(0\)\).*output=i"),
        (RETURNS["dictionary"], 1, r"output=\(1, j\)"),
        (RETURNS["marginal"], 7, "returns 4 values"),
        (lambda: qml.var(qml.Z(0)), None, "diagnose_cost"),
    ],
)
def test_what_is_said_where_one_is_needed(returns, output, said):
    with pytest.raises((InputError, UnsupportedCircuitError), match=said):
        pw.normal_form(qnode_of(returns), output=output)(ANGLES)


def test_partials_and_methods():
    class Model:
        def __init__(self):
            self.qnode = qml.QNode(self.circuit, qml.device("default.qubit", wires=3))

        def circuit(self, shift, x):
            qml.RZ(shift, 0)
            small(x)
            return qml.expval(qml.Z(2))

    model = Model()
    bound = functools.partial(model.qnode, 0.4)
    form = pw.normal_form(bound)(ANGLES)
    assert float(form.loss(form.angles(ANGLES + 0.2))) == pytest.approx(float(bound(ANGLES + 0.2)), abs=1e-10)
    assert pw.diagnose(bound, samples=20)(ANGLES).prediction.n_params == 4
    assert pw.diagnose(model.qnode, samples=20, argnums=[1])(0.4, ANGLES).prediction.n_params == 4


def test_jitted_qnode():
    jax = pytest.importorskip("jax", reason="jax is in the extra 'interfaces'")
    circuit = qnode_of(RETURNS["tuple"])
    diag = pw.diagnose(jax.jit(circuit), run=False, descent_budget=0)(jax.numpy.array(np.asarray(ANGLES)))
    assert len(diag.outputs) == 3 and diag.name == "circuit"


def encoded(data, x):
    """Data before the first layer, so that a batch is input states."""
    qml.AngleEmbedding(data, range(2), rotation="Y")
    small(x)
    return qml.expval(qml.Z(1))


def uploaded(data, x):
    """Data between trainable gates, so that every datum is a circuit of its own."""
    qml.RX(x[0], 0)
    qml.RY(data[..., 0], 0)
    qml.RX(x[1], 1)
    qml.CNOT([0, 1])
    qml.RX(x[2], 0)
    qml.RZ(data[..., 1], 1)
    qml.RY(x[3], 1)
    return qml.expval(qml.Z(1)), qml.expval(qml.Z(0))


@pytest.mark.parametrize("body", [encoded, uploaded])
def test_a_batch_is_read_once_and_bound_to_every_datum(body):
    circuit = qml.QNode(body, qml.device("default.qubit", wires=3))
    batch = pnp.array(np.random.default_rng(3).uniform(0, 3, (3, 2)), requires_grad=False)
    diag = pw.diagnose(circuit, run=False, descent_budget=0)(batch, ANGLES)
    singles = [o for x in batch for o in pw.diagnose(circuit, run=False, descent_budget=0)(x, ANGLES).outputs]
    assert len(diag.outputs) == len(singles) == (6 if body is uploaded else 3)
    for one, single in zip(diag.outputs, singles, strict=True):
        np.testing.assert_allclose(one.prediction.gradient_variance, single.prediction.gradient_variance, atol=1e-10)
    assert "datum 2" in str(diag) and "total gradient variance, mean" in str(diag)


@pytest.mark.parametrize("place", ["argument", "keyword", "list"])
def test_a_batch_that_multiplies_parameters_is_read_datum_by_datum(place):
    @qml.qnode(qml.device("default.qubit"))
    def circuit(x, data=None, scale=(1.0, 2.0)):
        for w in x:
            qml.RX(scale[0] * np.asarray(data)[..., 0] * w[0] + w[1], 0)
            qml.RY(w[2], 0)
        return qml.expval(qml.Z(0))

    x, data = pnp.array(np.linspace(0.1, 2, 6).reshape(2, 3), requires_grad=True), np.array([[0.7], [-1.3], [0.2]])
    batch = data.tolist() if place == "list" else data
    call = ((x, batch), {}) if place == "argument" else ((x,), {"data": batch})
    forms = normal_forms(circuit, argnums=[0])(*call[0], **call[1])
    values = [float(c.loss(c.angles_of(np.asarray(x).reshape(-1)))) for c in forms]
    np.testing.assert_allclose(values, circuit(x, data), atol=1e-10)
    found = pw.diagnose(circuit, argnums=[0], run=False, descent_budget=0)(*call[0], **call[1])
    assert [o.name for o in found.outputs] == ["datum 0", "datum 1", "datum 2"]


def test_a_batch_whose_argument_is_not_clear_says_so():
    held = pnp.array([[0.1], [0.4]], requires_grad=False)

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(held[..., 0] * x[0], 0)
        return qml.expval(qml.Z(0))

    with pytest.raises(UnsupportedCircuitError, match="one datum at a time"):
        pw.diagnose(circuit)(ANGLES)


@pytest.mark.parametrize("law", ["uniform", 0.3])
def test_outputs_averaged_together_are_those_averaged_alone(law):
    """Bit for bit in what was proved, to 1e-12 in numbers; sums of words and constant outputs among them."""
    rng = np.random.default_rng(5)
    words = ["ZIII", "IXIZ", "IIIZ", "YYII"]

    @qml.qnode(qml.device("default.qubit", wires=4))
    def circuit(x):
        for layer in x:
            for q in range(4):
                qml.RY(layer[q], q)
            for q in range(3):
                qml.CZ([q, q + 1])
        both = [qml.expval(qml.Z(0) + 0.4 * qml.X(1) @ qml.X(2)), qml.expval(qml.Y(0))]
        return *(qml.expval(qml.pauli.string_to_pauli_word(w)) for w in words), *both

    x = pnp.array(rng.uniform(0, 6, (3, 4)), requires_grad=True)
    forms = normal_forms(circuit)(x)
    angles = forms[0].angle_law("uniform" if law == "uniform" else ("normal", law))
    together = moments_together(forms, angles)
    assert together is not None
    for form, found in zip(normal_forms(circuit)(x), together, strict=True):
        alone = moments_of(form, angles)
        for name in ("loss_mean", "loss_variance", "gradient_mean", "gradient_variance"):
            np.testing.assert_allclose(getattr(found, name), getattr(alone, name), atol=1e-12)
        assert found.engine is alone.engine and found.gradient_variance_upper.at_most_log2.shape == (12,)
    assert [dead_proofs(c) for c in forms] == [dead_proofs(c) for c in normal_forms(circuit)(x)]


def test_a_variance_is_an_expectation_value_of_two_copies():
    """Five points an angle average squares of second harmonics exactly."""

    @qml.qnode(qml.device("default.qubit", wires=["a", "b"]))
    def circuit(x):
        qml.RY(x[0], "a")
        qml.CNOT(["a", "b"])
        qml.RX(x[1], "b")
        qml.RY(x[2], "b")
        return qml.var(qml.Z("b")), qml.expval(qml.Z("a")), qml.var(qml.Z("a") + 0.5 * qml.X("b"))

    x = pnp.array([0.3, 0.5, 0.7], requires_grad=True)
    forms = normal_forms(circuit)(x)
    np.testing.assert_allclose([float(c.loss(c.angles(x))) for c in forms], circuit(x), atol=1e-10)
    grid = np.array(list(itertools.product(2 * np.pi / 5 * np.arange(5), repeat=3)))
    values = np.stack(circuit(grid.T))
    step = 1e-4
    slopes = [
        (np.stack(circuit((grid + s).T)) - np.stack(circuit((grid - s).T))) / (2 * step) for s in step * np.eye(3)
    ]
    found = pw.diagnose(circuit, samples=20)(x)
    for o, own, slope in zip(found.outputs, values, np.stack(slopes).transpose(1, 0, 2), strict=True):
        assert o.prediction.moments.loss_mean == pytest.approx(own.mean(), abs=1e-10)
        assert o.prediction.moments.loss_variance == pytest.approx(own.var(), abs=1e-10)
        np.testing.assert_allclose(o.prediction.gradient_variance, slope.var(axis=1), atol=1e-6)
        assert o.measurement is not None
    assert [o.trials is None for o in found.outputs] == [True, False, True]  # gates of copies are not the user's
    assert found.outputs[0].name == "var(Z('b'))" and "var(Z('b'))" in str(found)


def test_the_class_of_several_outputs_reads_its_own_record():
    @qml.qnode(qml.device("default.qubit"))
    def two(x):
        qml.RX(x[0], "a")
        qml.CNOT(["a", 3])
        return {"e": qml.expval(qml.Z(3)), "p": qml.probs(["a"])}

    found = pw.diagnose(two, run=False)(pnp.array([0.1], requires_grad=True))
    assert str(type(found).from_dict(found.to_dict())) == str(found)
