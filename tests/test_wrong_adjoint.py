"""Gates whose gradient lightning.qubit computes wrongly: the list that we go round, kept up to date.

The truth is default.qubit with backpropagation. A next version of lightning that mends or breaks
a gate fails the first test here, which is what it is for.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from operations import GATES, apply_variant
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.measurement.routes.wrongadjoint import is_wrong

N = 5
# (gate, form) → what lightning.qubit 0.45 gets wrong, as seen by a user of diff_method="adjoint"
WRONG = {
    ("OrbitalRotation", "plain"), ("OrbitalRotation", "adjoint"), ("OrbitalRotation", "pow2"),
    ("PauliRot-XYZ", "adjoint"), ("PauliRot-IXI", "adjoint"), ("exp-word", "adjoint"), ("evolve-word", "adjoint"),
    ("ApproxTimeEvolution", "adjoint"), ("GateFabric", "plain"), ("GateFabric", "adjoint"),
}  # fmt: skip
# PennyLane's own refusal on lightning, or a matrix that backpropagation itself gets wrong
NOT_RUN = {"exp-sum", "evolve-sum", "evolve-commuting"}
CASES = [
    (name, form)
    for name, gate in GATES.items()
    for form in gate.variants
    if gate.params and name not in NOT_RUN and form in ("plain", "adjoint", "ctrl", "pow2")
]


def random_observable():
    words = ["XYZIX", "ZZXYI", "YIXZY", "XXXXZ", "IZYXX", "ZIIYZ", "YXZZI", "IXIZY"]
    wires = {q: q for q in range(N)}
    paulis = [qml.pauli.string_to_pauli_word(w, wire_map=wires) for w in words]
    return qml.dot(np.random.default_rng(1).normal(size=8), paulis)


def random_state():
    draws = np.random.default_rng(2).normal(size=(2, 2**N))
    vector = draws[0] + 1j * draws[1]
    return vector / np.linalg.norm(vector)


def gradients(body, n_params, rng):
    """Return a circuit's gradient by default.qubit's backpropagation and by lightning's adjoint."""

    def f(x):
        qml.StatePrep(random_state(), wires=range(N))
        body(x)
        return qml.expval(random_observable())

    x = pnp.array(rng.uniform(0.3, 2.5, n_params), requires_grad=True)
    truth = qml.grad(qml.QNode(f, qml.device("default.qubit"), diff_method="backprop"))(x)
    return truth, qml.grad(qml.QNode(f, qml.device("lightning.qubit", wires=N), diff_method="adjoint"))(x)


# autograd casts the imaginary part away on its way back, and says so
@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.parametrize("name, form", CASES)
def test_lightning_against_backpropagation(name, form, rng):
    gate = GATES[name]
    truth, got = gradients(lambda x: apply_variant(form, gate, x, list(range(gate.wires)), N - 1), gate.params, rng)
    agrees = bool(np.abs(truth - got).max() < 1e-9)
    assert agrees == ((name, form) not in WRONG)


def orbital(x):
    qml.OrbitalRotation(x[0], wires=[0, 1, 2, 3])


def inverse_word(x):
    qml.adjoint(qml.PauliRot(x[0], "XYZ", wires=[0, 1, 2]))


def fabric(x):
    qml.GateFabric(qml.math.stack([[[x[0], x[1]]]]), wires=range(4), init_state=np.array([1, 1, 0, 0]))


def fixed_orbital(x):
    """A gate without parameters of the user's spoils the gradients of all the others."""
    qml.OrbitalRotation(0.7, wires=[0, 1, 2, 3])


def fixed_diagonal(x):
    qml.DiagonalQubitUnitary(np.exp(1j * np.array([0.2, 1.3])), wires=0)


def harmless(x):
    qml.SingleExcitation(x[0], wires=[0, 1])


BODIES = {
    "OrbitalRotation": (orbital, ("OrbitalRotation",)),
    "adjoint of PauliRot": (inverse_word, ("Adjoint(PauliRot)",)),
    "GateFabric": (fabric, ("OrbitalRotation",)),
    "fixed OrbitalRotation": (fixed_orbital, ("OrbitalRotation",)),
    "fixed DiagonalQubitUnitary": (fixed_diagonal, ("DiagonalQubitUnitary",)),
    "SingleExcitation": (harmless, ()),
}


def user_circuit(body, device, **options):
    def f(x):
        if body is not fabric:
            for q in range(4):
                qml.RY(0.3 + 0.4 * q, q)
        body(x)
        for q in range(4):
            qml.RX(x[q % 3], q)
        return qml.expval(qml.Z(0) @ qml.X(1) + qml.Y(3) + 0.5 * qml.Z(2))

    return qml.QNode(f, device, **options)


def start():
    return pnp.array([0.4, 0.8, 1.2], requires_grad=True)


@pytest.mark.parametrize("name", BODIES)
def test_fast_route_is_kept_and_right(name):
    body, wrong = BODIES[name]
    data = pw.measure(user_circuit(body, qml.device("lightning.qubit", wires=4)), samples=6, progress=False)(start())
    assert data.route == "lightning-cpp-adjoint"
    truth = qml.grad(user_circuit(body, qml.device("default.qubit"), diff_method="backprop"))
    for angles, got in zip(data.angles, data.gradients, strict=True):
        np.testing.assert_allclose(got, truth(pnp.array(angles, requires_grad=True)), atol=1e-9)
    assert data.wrong_gradient_gates == wrong
    assert type(data).from_dict(data.to_dict()).wrong_gradient_gates == wrong


@pytest.mark.parametrize("name", BODIES)
def test_user_is_told_that_the_own_gradient_is_wrong(name):
    """The notice comes exactly where qml.grad of the user's own QNode is wrong."""
    body, wrong = BODIES[name]
    qnode = user_circuit(body, qml.device("lightning.qubit", wires=4))
    truth = qml.grad(user_circuit(body, qml.device("default.qubit"), diff_method="backprop"))(start())
    assert bool(np.abs(qml.grad(qnode)(start()) - truth).max() > 1e-6) == bool(wrong)
    found = pw.diagnose(qnode, samples=20, progress=False)(start())
    assert found.wrong_gradient_gates == wrong
    assert tuple(found.to_dict()["wrong_gradient_gates"]) == wrong
    said = " ".join(str(found).split())
    assert ("own gradient is wrong" in said) == bool(wrong)
    assert all(gate in said for gate in wrong)


def test_parameter_shift_and_other_devices_are_not_blamed():
    device = qml.device("lightning.qubit", wires=4)
    shifted = user_circuit(orbital, device, diff_method="parameter-shift")
    assert pw.measure(shifted, samples=2, progress=False)(start()).wrong_gradient_gates == ()
    plain = user_circuit(orbital, qml.device("default.qubit", wires=4))
    assert pw.measure(plain, samples=2, progress=False)(start()).wrong_gradient_gates == ()


def test_single_precision_is_tried_with_its_own_tolerance():
    device = qml.device("lightning.qubit", wires=4, c_dtype=np.complex64)
    assert is_wrong(device, qml.OrbitalRotation(0.3, wires=range(4)), True)
    assert not is_wrong(device, qml.SingleExcitation(0.3, wires=[0, 1]), True)
    assert not is_wrong(device, qml.RX(0.3, wires=0), False)
