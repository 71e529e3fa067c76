"""Transforms on a decorated QNode: what is read is the QNode that was asked, or it is refused with a sentence.

The right value is the QNode's own, executed at angles that it was not read at.
"""

import copy
import warnings

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.decorators import Inspector
from pennylane_wishart.diagnosis import options_of
from pennylane_wishart.errors import UnsupportedCircuitError, WishartWarning

GENERIC = pnp.array([0.1, 0.2, 0.3, 0.4], requires_grad=True)
ZERO = pnp.zeros(4, requires_grad=True)
ELSEWHERE = pnp.array([0.3, -0.5, 1.1, 2.3], requires_grad=True)


def two_wires(x):
    """Neighbouring rotations to merge, gates to cancel, an observable of one word."""
    qml.RX(x[0], 0)
    qml.RX(x[1], 0)
    qml.CNOT([0, 1])
    qml.CNOT([0, 1])
    qml.RY(x[2], 1)
    qml.CZ([0, 1])
    qml.RX(x[3], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1))


def three_wires(x):
    """The same with terms that do not commute."""
    qml.SWAP([0, 2])
    qml.RY(x[0], 0)
    qml.RY(2 * x[1], 0)
    qml.CRX(x[2], [0, 2])
    qml.Hadamard(1)
    qml.Hadamard(1)
    qml.IsingXX(x[3], [1, 2])
    return qml.expval(0.5 * qml.Z(0) @ qml.Z(2) + 0.7 * qml.X(2) - 0.3 * qml.Y(0))


BODIES = pytest.mark.parametrize("body", [two_wires, three_wires])


def device():
    return qml.device("default.qubit", wires=3)


def decorated(body, **options):
    return pw.diagnosed(qml.QNode(body, device()), samples=11, progress=False, **options)


def model(noise, *parameters):
    rotations = qml.noise.op_in([qml.RX, qml.RY])
    return qml.NoiseModel({rotations: qml.noise.partial_wires(noise, *parameters)})


@qml.transform
def doubled(tape):
    """Not PennyLane's: twice the value."""
    return [tape], lambda results: 2 * results[0]


@qml.transform
def merge_rotations(tape):
    """Not PennyLane's, though called like one of its: another gate at the end of the circuit."""
    return [tape.copy(operations=[*tape.operations, qml.RY(0.4, 0)])], lambda results: results[0]


KEPT = {
    "set_shots": lambda q: qml.set_shots(q, None),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "update": lambda q: q.update(diff_method="parameter-shift"),
    "merge_rotations": qml.transforms.merge_rotations,
    "cancel_inverses": qml.transforms.cancel_inverses,
    "commute_controlled": qml.transforms.commute_controlled,
    "undo_swaps": qml.transforms.undo_swaps,
    "simplify": qml.simplify,
    "compile": qml.compile,
    "decompose": lambda q: qml.transforms.decompose(q, gate_set={"RX", "RY", "RZ", "CNOT", "GlobalPhase"}),
    "defer_measurements": qml.defer_measurements,
    "split_non_commuting": qml.transforms.split_non_commuting,
    "split_to_single_terms": qml.transforms.split_to_single_terms,
    "broadcast_expand": qml.transforms.broadcast_expand,
    "map_wires": lambda q: qml.map_wires(q, {0: 1, 1: 0}),
    "coherent noise": lambda q: qml.add_noise(q, model(qml.RX, 0.1)),
    "coherent noise of merged gates": lambda q: qml.add_noise(
        qml.transforms.merge_rotations(q), model(qml.RZ, 0.2)
    ),
    "merged gates of coherent noise": lambda q: qml.transforms.merge_rotations(
        qml.add_noise(q, model(qml.RX, 0.1))
    ),
    "merged and split": lambda q: qml.transforms.split_non_commuting(qml.transforms.merge_rotations(q)),
    "of the user's": merge_rotations,
    "on the device": lambda q: q.update(device=qml.transforms.merge_rotations(device())),
}  # fmt: skip
REFUSED = {
    "a noisy device": (
        lambda q: q.update(device=qml.add_noise(qml.device("default.mixed", wires=3), model(qml.PhaseFlip, 0.1))),
        "device has the transform add_noise",
    ),
    "mitigate_with_zne": (
        lambda q: qml.noise.mitigate_with_zne(q, [1, 2, 3], qml.noise.fold_global, qml.noise.richardson_extrapolate),
        "mitigate_with_zne.*3 circuits of one",
    ),
    "another value": (doubled, "doubled.*from that of another circuit"),
    "a gradient": (qml.gradients.param_shift, "something else than its loss"),
    "a metric": (qml.metric_tensor, "something else than its loss"),
}  # fmt: skip


def changed(how, qnode):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The device's shots value", category=UserWarning)
        return how(qnode)


@BODIES
@pytest.mark.parametrize("at", [GENERIC, ZERO], ids=["generic", "zero"])
@pytest.mark.parametrize("how", KEPT)
@pytest.mark.filterwarnings("ignore:The gates that the QNode's transforms")
def test_the_inspector_reads_the_qnode_it_is_read_from(how, at, body):
    qnode = changed(KEPT[how], decorated(body))
    assert isinstance(qnode.wishart, Inspector) and qnode.wishart._qnode is qnode
    assert options_of(qnode)["samples"] == 11
    try:
        circuit = qnode.wishart.normal_form(at)
    except UnsupportedCircuitError as error:  # noise on gates that were merged to nothing at angle 0: said, not read
        assert how == "coherent noise of merged gates" and at is ZERO and "structure" in str(error)
        return
    assert circuit.n_params == 4
    assert float(circuit.loss(circuit.angles(ELSEWHERE))) == pytest.approx(float(qnode(ELSEWHERE)), abs=1e-10)


@BODIES
@pytest.mark.parametrize("how", REFUSED)
def test_what_is_no_unitary_circuit_is_refused_with_the_transform_named(how, body):
    transform, words = REFUSED[how]
    qnode = changed(transform, decorated(body))
    asks = [qnode.wishart.diagnose, qnode.wishart.predict, pw.signature(qnode)]
    if how != "a noisy device":  # what is measured may run under a device's own noise: nothing is left out
        asks.append(pw.measure(qnode, samples=3))
    for ask in asks:
        with pytest.raises(UnsupportedCircuitError, match=words):
            ask(GENERIC)


@BODIES
def test_noise_changes_what_is_refused(body):
    """The noise is real: read without it, the loss would be another."""
    noisy = qml.QNode(body, qml.device("default.mixed", wires=3))
    noisy = qml.add_noise(noisy, model(qml.DepolarizingChannel, 0.1))
    assert abs(float(noisy(ELSEWHERE)) - float(qml.QNode(body, device())(ELSEWHERE))) > 0.01


@BODIES
def test_rewriting_that_depends_on_angles_is_left_out_and_said(body):
    qnode = qml.transforms.merge_rotations(decorated(body))
    with pytest.warns(WishartWarning, match="merge_rotations.*does not change the loss"):
        qnode.wishart.normal_form(ZERO)


@BODIES
def test_diagnosis_of_a_transformed_qnode_is_that_of_its_circuit(body):
    plain = decorated(body).wishart.diagnose(GENERIC)
    found = qml.transforms.split_non_commuting(decorated(body)).wishart.diagnose(GENERIC)
    np.testing.assert_allclose(found.prediction.gradient_variance, plain.prediction.gradient_variance, rtol=1e-9)
    assert str(found) and found.to_dict()["trainable"] == plain.trainable


# ---------------------------------------------------------------------- the attribute
def test_only_decorated_qnodes_have_it():
    decorated(two_wires)
    plain = qml.QNode(two_wires, device())  # of the same function
    assert not hasattr(plain, "wishart") and options_of(plain) == {}
    with pytest.raises(AttributeError, match="no attribute 'wishart'.*diagnosed"):
        plain.wishart  # noqa: B018
    assert not hasattr(pw.preflight(plain), "wishart")


def test_options_of_two_qnodes_of_one_function_stay_apart():
    one, two = decorated(two_wires, seed=1), decorated(two_wires, seed=2)
    again = pw.diagnosed(one, minima_tolerance=0.2)
    assert again is one
    assert options_of(one) == {"samples": 11, "progress": False, "seed": 1, "minima_tolerance": 0.2}
    assert options_of(two) == {"samples": 11, "progress": False, "seed": 2}
    assert options_of(qml.transforms.merge_rotations(two)) == options_of(two)


def test_a_users_own_attribute_goes_first():
    qnode = decorated(two_wires)
    qnode.wishart = "mine"
    assert qnode.wishart == "mine" and isinstance(type(qnode).wishart.__get__(qnode), Inspector)


def test_bound_methods_can_be_decorated():
    class Model:
        def body(self, x):
            return two_wires(x)

    qnode = decorated(Model().body)
    assert qnode.wishart.signature(GENERIC).n_params == 4
    assert qnode.update(diff_method="parameter-shift").wishart.signature(GENERIC).n_params == 4
