"""What people hand to pw.diagnose beside a plain QNode: methods, partials, jitted QNodes, layers; batches in each.

Extra: interfaces, where an interface is not autograd.
"""

import functools

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw

INTERFACES = ["autograd", *(pytest.param(i, marks=pytest.mark.interfaces) for i in ("jax", "torch"))]
START = np.array([[0.3, 1.1], [2.0, 0.7]])
BATCH = np.array([[0.4, 1.2], [2.2, -0.5], [0.1, 0.9]])


def tensors(interface, values, trained=False):
    if interface == "autograd":
        return pnp.array(values, requires_grad=trained)
    module = pytest.importorskip(interface, reason=f"{interface} is in the extra 'interfaces'")
    if interface == "torch":
        return module.tensor(values, requires_grad=trained)
    return module.numpy.array(values)


def uploading(data, w):
    """Data before, between and times the parameters."""
    for layer in w:
        qml.RX(data[..., 0] * layer[0], 0)
        qml.RY(data[..., 1], 1)
        qml.CNOT([0, 1])
        qml.RY(layer[1], 0)
    return qml.expval(qml.Z(0)), qml.expval(qml.X(1))


def between(data, w):
    """Data between the gates that are trained."""
    for layer in w:
        qml.RX(layer[0], 0)
        qml.RY(data[..., 0], 0)
        qml.CNOT([0, 1])
        qml.RY(layer[1], 1)
        qml.RZ(data[..., 1], 1)
    return [qml.expval(qml.Z(0)), qml.expval(qml.X(1))]


class Model:
    """A QNode as an attribute, and one made of a method."""

    def __init__(self, body):
        self.body, self.scale = body, 1.0
        self.qnode = qml.QNode(self.circuit, qml.device("default.qubit", wires=2))

    def circuit(self, data, w):
        return self.body(self.scale * data, w)


def wrapped(kind, body, interface, data):
    """(what is diagnosed, its call without the parameters)."""
    if kind == "method":
        return Model(body).qnode, (data,)
    circuit = qml.QNode(body, qml.device("default.qubit", wires=2))
    if kind == "partial":
        return functools.partial(circuit, data), ()
    import jax

    return jax.jit(circuit), (data,)


@pytest.mark.parametrize("body", [uploading, between])
@pytest.mark.parametrize("kind", ["method", "partial", "jit"])
@pytest.mark.parametrize("interface", INTERFACES)
def test_every_wrapping_of_a_qnode_and_a_batch(kind, interface, body):
    """Losses of all data, against the plain QNode; every datum's variances against those of a call with it alone."""
    if kind == "jit" and interface != "jax":
        return
    data, w = tensors(interface, BATCH), tensors(interface, START, trained=True)
    asked, before = wrapped(kind, body, interface, data)
    found = pw.diagnose(asked, argnums=[1], run=False, descent_budget=0, progress=False)(*before, w)
    assert len(found.outputs) == 6 and [o.name[:7] for o in found.outputs[::2]] == ["datum 0", "datum 1", "datum 2"]
    forms = [o.prediction.circuit for o in found.outputs]
    plain = qml.QNode(body, qml.device("default.qubit", wires=2))
    values = np.reshape([float(c.loss(c.angles_of(START.reshape(-1)))) for c in forms], (3, 2))
    np.testing.assert_allclose(values.T, plain(BATCH, START), atol=2e-6)  # jax may run in single precision
    for d in (0, 2):
        one = pnp.array(BATCH[d], requires_grad=False)
        own = pw.diagnose(plain, run=False, descent_budget=0, progress=False)(one, pnp.array(START, requires_grad=True))
        for a, b in zip(found.outputs[2 * d : 2 * d + 2], own.outputs, strict=True):
            np.testing.assert_allclose(a.prediction.gradient_variance, b.prediction.gradient_variance, atol=1e-6)
            assert a.dead_parameters == b.dead_parameters


@pytest.mark.interfaces
@pytest.mark.parametrize("body", [uploading, between])
def test_a_layer_is_called_with_a_batch(body):
    torch = pytest.importorskip("torch", reason="torch is in the extra 'interfaces'")

    def circuit(inputs, w):
        return body(inputs, w)

    circuit = qml.QNode(circuit, qml.device("default.qubit", wires=2))
    layer = qml.qnn.TorchLayer(circuit, {"w": (2, 2)}, {"w": torch.tensor(START)})
    x = torch.tensor(BATCH)
    found = pw.diagnose(layer, run=False, descent_budget=0, progress=False)(x)
    values = [
        float(o.prediction.circuit.loss(o.prediction.circuit.angles_of(START.reshape(-1)))) for o in found.outputs
    ]
    np.testing.assert_allclose(np.reshape(values, (3, 2)).T, circuit(BATCH, START), atol=1e-6)
    assert found.outputs[0].name.startswith("datum 0") and "total gradient variance, mean" in str(found)
