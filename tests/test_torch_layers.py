"""A TorchLayer is called with its input, as in training; its weights are its own. Extra: interfaces."""

import numpy as np
import pennylane as qml
import pytest

import pennylane_wishart as pw
from pennylane_wishart.errors import InputError, WishartWarning

torch = pytest.importorskip("torch", reason="torch is in the extra 'interfaces'")
pytestmark = pytest.mark.interfaces


def angles(inputs, weights):
    """One argument of weights."""
    qml.AngleEmbedding(inputs, range(3))
    qml.StronglyEntanglingLayers(weights, range(3))
    return qml.expval(qml.Z(0))


def two_groups(scale, inputs, tail):
    """Two groups of weights, the first before the input."""
    qml.RX(scale[0], 0)
    qml.RY(inputs[..., 0], 0)
    qml.CNOT([0, 1])
    qml.RY(inputs[..., 1], 1)
    for q in range(2):
        qml.RX(tail[q], q)
    return qml.expval(qml.Z(0) @ qml.Y(1))


CASES = {
    "one group": (angles, {"weights": (2, 3, 3)}, 3),
    "two groups": (two_groups, {"scale": (1,), "tail": (2,)}, 2),
}


@pytest.fixture(params=CASES)
def case(request):
    """(layer, input, number of weights)."""
    body, shapes, size = CASES[request.param]
    rng = np.random.default_rng(5)
    start = {k: torch.tensor(rng.uniform(0, 6, s)) for k, s in shapes.items()}
    layer = qml.qnn.TorchLayer(qml.QNode(body, qml.device("default.qubit", wires=3)), shapes, start)
    return layer, torch.tensor(rng.uniform(0, 2, size)), sum(int(np.prod(s)) for s in shapes.values())


def test_the_layer_is_read_at_its_own_weights(case):
    layer, x, count = case
    circuit = pw.normal_form(layer)(x)
    assert circuit.n_params == count
    assert float(circuit.loss(circuit.angles(x))) == pytest.approx(layer(x).item(), abs=1e-10)
    with torch.no_grad():
        for weight in layer.qnode_weights.values():
            weight += 0.7
    assert float(circuit.loss(circuit.angles(x))) == pytest.approx(layer(x).item(), abs=1e-10)


def test_every_door_takes_the_layer(case):
    layer, x, count = case
    diag = pw.diagnose(layer, samples=30, progress=False)(x)
    assert diag.prediction.n_params == count and str(diag) and diag.to_dict()["name"] == layer.qnode.func.__name__
    assert diag.trainable is not False
    assert pw.signature(layer)(x).n_params == pw.signature(layer)(inputs=x).n_params == count
    data = pw.measure(layer, samples=400, seed=3, progress=False)(x)
    variance = pw.predict(layer)(x).gradient_variance
    spread = data.gradients.var(axis=0)
    np.testing.assert_allclose(spread, variance, atol=6 * np.sqrt(2 / 400) * max(variance.max(), spread.max()))
    assert pw.quote(layer, samples=10, shots=100)(x) is not None
    assert pw.find_minima(layer, starts=2, progress=False)(x) is not None


def test_the_call_of_the_quantum_function_still_works(case):
    layer, x, count = case
    weights = {k: torch.tensor(w.detach().numpy() + 1, requires_grad=True) for k, w in layer.qnode_weights.items()}
    circuit = pw.normal_form(layer)(inputs=x, **weights)
    assert circuit.n_params == count
    expected = layer.qnode(inputs=x, **weights).item()
    assert float(circuit.loss(circuit.angles(inputs=x, **weights))) == pytest.approx(expected, abs=1e-10)


def test_inputs_are_data_even_where_gradients_flow_through_them(case):
    """Behind a classical layer the input requires a gradient, and is no parameter of this one."""
    layer, x, count = case
    assert pw.normal_form(layer)(x.clone().requires_grad_()).n_params == count
    assert pw.normal_form(layer, argnums="inputs")(x).n_params == len(x)


def test_single_precision_and_plain_arrays(case):
    layer, x, count = case
    for given in (x.float(), x.numpy(), x.tolist()):
        circuit = pw.normal_form(layer)(given)
        assert circuit.n_params == count
        assert float(circuit.loss(circuit.angles(given))) == pytest.approx(layer(x).item(), abs=1e-5)


def test_batches_of_inputs():
    body, shapes, size = CASES["one group"]
    layer = qml.qnn.TorchLayer(qml.QNode(body, qml.device("default.qubit", wires=3)), shapes)
    batch = torch.tensor(np.random.default_rng(6).uniform(0, 2, (2, 3, size)))
    for given, states in ((batch[0], 3), (batch, 6)):  # the layer flattens batches of batches
        assert len(pw.normal_form(layer)(given).states) == states == layer(given).numel()


def test_a_frozen_layer_says_so(case):
    layer, x, count = case
    names = list(layer.qnode_weights)
    layer.qnode_weights[names[0]].requires_grad_(False)
    if len(names) > 1:
        assert pw.normal_form(layer)(x).n_params == count - layer.qnode_weights[names[0]].numel()
        layer.qnode_weights[names[1]].requires_grad_(False)
    with pytest.warns(WishartWarning, match="No weight of the layer requires a gradient"):
        assert pw.normal_form(layer)(x).n_params == count


def test_what_is_missing_is_named(case):
    layer, _, _ = case
    with pytest.raises(InputError, match="needs its input: pass 'inputs'"):
        pw.normal_form(layer)()
    with pytest.raises(InputError, match="cannot be called like this"):
        pw.normal_form(layer)(1.0, 2.0, 3.0, 4.0)


def test_the_inspector_of_a_layer_speaks_of_the_layer(case):
    layer, x, count = case
    decorated = qml.qnn.TorchLayer(
        pw.diagnosed(layer.qnode), {k: tuple(w.shape) for k, w in layer.qnode_weights.items()}
    )
    assert decorated.wishart.signature(x).n_params == count
    plain = qml.QNode(angles, qml.device("default.qubit", wires=3))
    assert not hasattr(qml.qnn.TorchLayer(plain, {"weights": (1, 3, 3)}), "wishart")
