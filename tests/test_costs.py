"""Costs made of QNodes: what their gradient is, where it is lost, and what is said of bad ones."""

import itertools
import json
import pickle
import warnings

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.conventions import CostCause
from pennylane_wishart.errors import InputError

DEVICE = qml.device("default.qubit")
DATA, LABELS = np.array([[0.3, 1.2], [1.9, 0.4], [0.8, 0.9]]), np.array([0.6, -0.3, 0.1])
START = np.array([[0.3, 1.1], [2.0, 0.7]])


def layers(w):
    for row in w:
        qml.RY(row[0], 0)
        qml.RY(row[1], 1)
        qml.CNOT([0, 1])
        qml.CNOT([1, 0])


@qml.qnode(DEVICE)
def energy(w):
    layers(w)
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def pair(w):
    layers(w)
    return qml.expval(qml.Z(0)), qml.expval(qml.X(1))


@qml.qnode(DEVICE)
def classifier(x, w):
    qml.AngleEmbedding(x, range(2), rotation="Y")
    layers(w)
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def distribution(w):
    layers(w)
    return qml.probs(wires=range(2))


def weights(values=START):
    return pnp.array(values, requires_grad=True)


def ask(cost, *args, samples=8, **options):
    return pw.diagnose_cost(cost, samples=samples, progress=False, **options)(*args)


# ------------------------------------------------------------------ numbers
def mean_square(w):
    return sum((classifier(x, w) - y) ** 2 for x, y in zip(DATA, LABELS, strict=True)) / 3


def test_gradients_and_chain_factors_are_those_of_the_interface():
    diag = ask(mean_square, weights())
    for x, cost, gradient in zip(diag.parameters, diag.costs, diag.gradients, strict=True):
        w = weights(x.reshape(2, 2))
        assert float(mean_square(w)) == pytest.approx(cost, abs=1e-12)
        np.testing.assert_allclose(qml.grad(mean_square)(w).reshape(-1), gradient, atol=1e-12)
    values = np.array([[classifier(x, p.reshape(2, 2)) for x in DATA] for p in diag.parameters])
    np.testing.assert_allclose(
        diag.chain_factor, np.sqrt(np.mean((2 * (values - LABELS) / 3) ** 2, axis=0)), atol=1e-12
    )
    assert diag.cause is CostCause.NOTHING and len(diag.outputs) == 3 and all(diag.outputs)
    np.testing.assert_allclose([label.value for label in diag.labels], LABELS, atol=1e-6)
    assert all((label.low, label.high) == pytest.approx((-1, 1)) for label in diag.labels)


LINEAR = {
    "several observables": lambda w: 0.7 * pair(w)[0] - 0.4 * pair(w)[1],
    "several data": lambda w: sum(y * classifier(x, w) for x, y in zip(DATA, LABELS, strict=True)),
    "outcomes": lambda w: distribution(w)[..., 0] + 0.5 * distribution(w)[..., 2],
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_costs_are_exact(name):
    """Against all of a grid of three points an angle, which averages these squares exactly."""
    cost = LINEAR[name]
    diag = ask(cost, weights(), samples=10)
    grid = 2 * np.pi / 3 * np.array(list(itertools.product(range(3), repeat=4))) + 0.1
    steps = np.pi / 2 * np.eye(4)
    found = [(cost((grid + s).T.reshape(2, 2, -1)) - cost((grid - s).T.reshape(2, 2, -1))) / 2 for s in steps]
    np.testing.assert_allclose(diag.gradient_variance, np.var(found, axis=1), atol=1e-10)
    assert not diag.gradient_variance_error.any() and diag.method.startswith("exact")


def test_a_batch_is_as_many_outputs():
    """One broadcast call, and a call a datum: the same exact variances."""
    batch = ask(lambda w: pnp.mean(classifier(DATA, w)), weights())
    single = ask(lambda w: sum(classifier(x, w) for x in DATA) / 3, weights())
    assert len(batch.outputs) == len(single.outputs) == 3
    np.testing.assert_allclose(batch.gradient_variance, single.gradient_variance, atol=1e-12)


def test_equal_circuits_are_diagnosed_once():
    diag = ask(lambda w: energy(w) ** 2 + classifier(DATA[0], w) * classifier(DATA[0], w), weights())
    assert len(diag.outputs) == 2 and diag.output_names == ("energy: energy", "classifier: classifier")


# ------------------------------------------------------------------ causes
@qml.qnode(DEVICE)
def blind(w):
    layers(w)
    return qml.expval(qml.Z(3))


@qml.qnode(DEVICE)
def wide(w):
    for q in range(10):
        qml.RY(w[q], q)
    return qml.expval(qml.prod(*(qml.Z(q) for q in range(10))))


CAUSES = {
    "sign": (lambda w: np.sign(energy(w)), CostCause.STEP),
    "unboxed": (lambda w: energy(getattr(w, "_value", w)), CostCause.DETACHED),
    "unused": (lambda w: energy(w[:1]) if False else energy(w * 0.0 + START), CostCause.DETACHED),
    "another wire": (blind, CostCause.DEAD),
    "all probabilities": (lambda w: pnp.sum(distribution(w)) ** 2, CostCause.CANCELLED),
    "opposite labels": (lambda w: classifier(DATA[0], w) - classifier(DATA[0] + 1e-3, w), CostCause.CANCELLED),
    "scaled": (lambda w: 1e-4 * energy(w), CostCause.SMALL_CHAIN),
    "out of reach": (lambda w: (energy(w) - 3.0) ** 2, CostCause.OUT_OF_REACH),
    "healthy": (lambda w: pair(w)[0] / (2 + pair(w)[1]), CostCause.NOTHING),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_named(name):
    cost, cause = CAUSES[name]
    diag = ask(cost, weights())
    assert diag.cause is cause and diag.headline.lower().startswith(cause.value)
    if cause in (CostCause.STEP, CostCause.DETACHED, CostCause.DEAD):
        assert diag.zero_gradient == (0, 1, 2, 3)
    assert (diag.dead_parameters == (0, 1, 2, 3)) == (name == "another wire")


def test_a_plateau_is_named():
    assert ask(lambda w: 1 - wide(w), weights(np.arange(10.0))).cause is CostCause.SMALL_GRADIENT


def test_integers_and_data_are_detached():
    for w in (pnp.array([[1, 2], [0, 4]]), pnp.array(START, requires_grad=False)):
        diag = ask(energy, w)
        assert diag.cause is CostCause.DETACHED and diag.zero_gradient == (0, 1, 2, 3)


# ------------------------------------------------------------------ the record
def test_record_is_a_value():
    diag = ask(mean_square, weights())
    back = pw.CostDiagnosis.from_dict(json.loads(json.dumps(diag.to_dict())))
    assert back.headline == diag.headline and back.cause is diag.cause and str(back) == str(diag)
    np.testing.assert_array_equal(back.gradients, diag.gradients)
    assert pickle.loads(pickle.dumps(diag)).headline == diag.headline
    assert "chain factor" in str(diag) and diag._repr_html_()
    with pytest.raises(InputError, match="CostDiagnosis.to_dict"):
        pw.CostDiagnosis.from_dict({})


# ------------------------------------------------------------------ bad input
def endless():
    """Another number of calls at every run."""
    count = itertools.count()
    return lambda w: sum(energy(w) for _ in range(next(count) + 1))


def restless():
    rng = np.random.default_rng(0)
    return lambda w: energy(w) * rng.random()


BAD = {
    "vector": (lambda w: w * energy(w), "return one number"),
    "nothing": (lambda w: energy(w) and None, "returns nothing"),
    "no QNode": (lambda w: (w**2).sum(), "calls no QNode"),
    "random order": (restless(), "at the same parameters"),
    "other calls": (endless(), "otherwise from run to run"),
    "NaN": (lambda w: pnp.log(energy(w) - 2), "is nan"),
    "float": (lambda w: float(energy(w)), "cannot differentiate"),
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", BAD)
def test_bad_costs_are_told(name):
    cost, said = BAD[name]
    original = qml.QNode.__call__
    with pytest.raises(InputError, match=said):
        ask(cost, weights())
    assert qml.QNode.__call__ is original  # undone after an exception


def test_bad_options_are_told():
    with pytest.raises(InputError, match="must be a function"):
        pw.diagnose_cost(3.0)
    with pytest.raises(InputError, match="samples needs"):
        ask(energy, weights(), samples=1)
    with pytest.raises(InputError, match=r"model.parameters\(\)"):
        ask(energy, weights(), parameters=[])


# ------------------------------------------------------------------ interfaces
@pytest.mark.interfaces
def test_torch():
    torch = pytest.importorskip("torch", reason="torch is in the extra 'interfaces'")
    w = torch.tensor(START, requires_grad=True)
    autograd = ask(lambda w: (energy(w) - 0.2) ** 2, weights())
    diag = ask(lambda w: (energy(w) - 0.2) ** 2, w)
    np.testing.assert_allclose(diag.gradients, autograd.gradients, atol=1e-10)
    assert ask(lambda w: energy(w).detach() + 0 * w.sum(), w).cause is CostCause.DETACHED
    assert ask(lambda w: energy(torch.round(w)), w).cause is CostCause.STEP

    def in_place(w):
        w += 1
        return energy(w)

    with pytest.raises(InputError, match="in-place"):
        ask(in_place, w)


@pytest.mark.interfaces
def test_a_torch_module_keeps_its_weights():
    torch = pytest.importorskip("torch", reason="torch is in the extra 'interfaces'")

    @qml.qnode(DEVICE)
    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, range(2))
        layers(weights)
        return [qml.expval(qml.Z(q)) for q in range(2)]

    torch.manual_seed(0)
    layer = qml.qnn.TorchLayer(circuit, {"weights": (2, 2)})
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), layer, torch.nn.Linear(2, 1))
    before = [p.detach().clone() for p in model.parameters()]
    x = torch.tensor(DATA, dtype=torch.float32)
    diag = ask(lambda: (model(x)[:, 0] ** 2).mean(), parameters=model.parameters())
    assert diag.cause is CostCause.NOTHING and diag.n_params == 6 + 4 + 3
    # the layer's angles are drawn, the linear layers keep their weights
    assert diag.angles.kind == ("fixed",) * 6 + ("uniform",) * 4 + ("fixed",) * 3
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    for p in model[:2].parameters():
        p.requires_grad_(False)
    assert ask(lambda: (model(x)[:, 0] ** 2).mean(), parameters=model.parameters()).cause is CostCause.DETACHED


@pytest.mark.interfaces
def test_jax_through_what_it_compiles():
    jax = pytest.importorskip("jax", reason="jax is in the extra 'interfaces'")
    inner = jax.jit(energy)
    cost = jax.jit(lambda w: (inner(w) - 0.2) ** 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # single precision, where jax is left as it comes
        cost(jax.numpy.array(START))  # compiled before: the QNode is not called again
    diag = ask(cost, jax.numpy.array(START))
    autograd = ask(lambda w: (energy(w) - 0.2) ** 2, weights())
    np.testing.assert_allclose(diag.gradients, autograd.gradients, atol=1e-10)
    assert len(diag.outputs) == 1 and diag.labels[0].value == pytest.approx(0.2)
