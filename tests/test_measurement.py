"""Measurement: numbers against PennyLane's own gradients, routes, what is sampled, bad input."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import CASES, qnode_of, reference
from pennylane import numpy as pnp
from scipy.linalg import expm
from stub_devices import LegacyStub, SplittingHardware, StubHardware

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.errors import DeviceError, InputError
from pennylane_wishart.measurement import Measurement, measure


# ---------------------------------------------------------------------- right numbers
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("device", ["lightning.qubit", "default.qubit"])
def test_gradients_equal_pennylanes(case, device):
    function, args, wires = CASES[case]
    data = measure(qml.QNode(function, qml.device(device, wires=wires)), samples=4)(*args)
    losses, gradients = reference(data, function, wires, 4)
    assert np.abs(data.losses - losses).max() < 1e-10
    assert np.abs(data.gradients - gradients).max() < 1e-8
    assert np.all(data.gradient_error == 0) and np.all(data.shot_variance == 0)


@pytest.mark.parametrize("case", CASES)
def test_every_route_gives_the_same_numbers(case):
    qnode, args = qnode_of(case)
    expected = measure(qnode, samples=2, device="default.qubit")(*args)
    on_default, _ = qnode_of(case, "default.qubit")
    routes = [
        (qnode, None),
        (qnode, "parameter-shift"),
        (on_default, "broadcast-adjoint"),
        (on_default, "parameter-shift"),
    ]
    for node, route in routes:
        data = measure(node, samples=2, route=route)(*args)
        assert route is None or data.route == route
        assert np.abs(data.gradients - expected.gradients).max() < 1e-8
        assert np.abs(data.losses - expected.losses).max() < 1e-9


def test_fast_routes_are_taken_and_named():
    qnode, args = qnode_of("layers")
    data = measure(qnode, samples=2)(*args)
    assert (data.route, data.route_note, data.device) == (
        "lightning-cpp-adjoint",
        "",
        "lightning.qubit",
    )
    data = measure(qnode, samples=2, device="default.qubit")(*args)
    assert (data.route, data.device) == ("broadcast-adjoint", "default.qubit")
    data = measure(qnode, samples=2, route="device-adjoint")(*args)
    assert data.route == "device-adjoint"


def test_a_wrong_private_route_is_found_out_and_replaced(monkeypatch):
    from pennylane_wishart.measurement.routes.lightning import LightningAdjoint

    qnode, args = qnode_of("layers")
    right = measure(qnode, samples=3)(*args)
    slopes = LightningAdjoint._slopes
    monkeypatch.setattr(LightningAdjoint, "_slopes", lambda self: 1.01 * slopes(self))
    data = measure(qnode, samples=3)(*args)
    assert data.route == "device-adjoint"
    assert "lightning-cpp-adjoint was not used" in data.route_note
    assert np.abs(data.gradients - right.gradients).max() < 1e-10


def test_an_unknown_lightning_version_falls_back(monkeypatch):
    import pennylane_lightning.core as core

    qnode, args = qnode_of("layers")
    monkeypatch.setattr(core, "__version__", "0.99.0")
    data = measure(qnode, samples=2)(*args)
    assert data.route == "device-adjoint" and "0.99.0" in data.route_note


def test_single_precision_lightning():
    function, args, wires = CASES["layers"]
    device = qml.device("lightning.qubit", wires=wires, c_dtype=np.complex64)
    data = measure(qml.QNode(function, device), samples=3)(*args)
    exact = measure(qml.QNode(function, qml.device("lightning.qubit", wires=wires)), samples=3)(*args)
    gap = np.abs(data.gradients - exact.gradients).max()
    assert data.route == "lightning-cpp-adjoint" and 1e-9 < gap < 1e-4


@pytest.mark.parametrize("make", [StubHardware, SplittingHardware, LegacyStub])
def test_other_devices_by_parameter_shift(make):
    function, args, wires = CASES["qaoa"]
    device = make(wires=range(4))
    data = measure(qml.QNode(function, device), samples=2)(*args)
    _, gradients = reference(data, function, wires, 2)
    assert data.route == "parameter-shift"
    assert np.abs(data.gradients - gradients).max() < 1e-8


def test_circuits_and_traces_are_accepted_in_place_of_qnodes():
    from pennylane_wishart.circuit import normal_form

    qnode, args = qnode_of("qaoa")
    circuit = normal_form(qnode)(*args)
    direct = measure(qnode, samples=5)(*args)
    for first in (circuit, circuit.trace):
        data = measure(first, samples=5)()
        assert data.content_hash == direct.content_hash
        assert np.array_equal(data.gradients, direct.gradients)
    assert data.circuit_hash == circuit.content_hash
    assert data.law == circuit.angle_law("uniform")


def test_gate_periods_equal_those_of_the_normal_form():
    from pennylane_wishart.measurement.setup import _gate_periods, resolve_target

    for case in ("layers", "qaoa", "hermitian"):
        qnode, args = qnode_of(case)
        target = resolve_target(qnode, args, {})
        assert np.allclose(_gate_periods(target.tape, target.trace.jacobian), target.circuit.periods)


def exponential(x):
    qml.RY(x[1], 1)
    qml.evolve(qml.X(0) @ qml.X(1) + qml.Z(1), coeff=x[0])
    return qml.expval(qml.Z(0) + 0.3 * qml.Y(1))


def dense_exponential(x):
    """The same circuit with SciPy's matrix exponential."""
    one, sx = np.eye(2), np.array([[0, 1], [1, 0]])
    sy, sz = np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
    generator = np.kron(sx, sx) + np.kron(one, sz)
    observable = np.kron(sz, one) + 0.3 * np.kron(one, sy)
    state = expm(-1j * x[0] * generator) @ np.kron(one, expm(-0.5j * x[1] * sy))[:, 0]
    return float(np.real(state.conj() @ observable @ state))


def test_exponentials_of_sums():
    """Incommensurate frequencies; lightning cannot run the gate, and says so.

    The oracle is dense: PennyLane's backpropagation through this gate returns losses beyond the
    spectrum of the observable.
    """
    args = (pnp.zeros(2),)
    qnode = qml.QNode(exponential, qml.device("default.qubit", wires=2))
    for route in (None, "parameter-shift"):
        data = measure(qnode, samples=4, route=route)(*args)
        for x, loss, gradient in zip(data.angles, data.losses, data.gradients, strict=True):
            steps = 1e-5 * np.eye(2)
            slopes = [(dense_exponential(x + h) - dense_exponential(x - h)) / 2e-5 for h in steps]
            assert abs(loss - dense_exponential(x)) < 1e-10
            assert np.abs(gradient - slopes).max() < 1e-8
    with pytest.raises(DeviceError, match="Evolution"):
        measure(qnode, samples=4, device="lightning.qubit")(*args)


# ---------------------------------------------------------------------- what is sampled
def test_angles_depend_on_seed_and_index_alone():
    qnode, args = qnode_of("layers")
    whole = measure(qnode, samples=60)(*args)
    part = measure(qnode, samples=20, first=33)(*args)
    assert np.array_equal(whole.angles[33:53], part.angles)
    assert np.array_equal(whole.losses[33:53], part.losses)
    assert np.array_equal(measure(qnode, samples=60, chunk=7)(*args).gradients, whole.gradients)
    other = measure(qnode, samples=60, seed=8)(*args)
    assert not np.any(other.angles == whole.angles)
    assert whole.angles.min() >= 0 and whole.angles.max() <= 2 * np.pi
    # Uniform on [0, 2π): Kolmogorov–Smirnov over 1080 angles, false alarms 1 in 1000 at 1.95.
    ranks = np.sort(whole.angles.ravel()) / (2 * np.pi)
    gap = np.abs(ranks - (np.arange(ranks.size) + 0.5) / ranks.size).max() * np.sqrt(ranks.size)
    assert gap < 1.95


def test_subsets_of_parameters():
    qnode, args = qnode_of("layers")
    whole = measure(qnode, samples=40)(*args)
    one = measure(qnode, samples=40, parameters=1)(*args)
    assert np.array_equal(one.measured.sum(1), np.ones(40))
    assert one.measured.any(0).sum() > 9
    assert np.array_equal(one.gradients[one.measured], whole.gradients[one.measured])
    fixed = measure(qnode, samples=3, parameters=[2, 5], route="parameter-shift")(*args)
    assert np.array_equal(np.flatnonzero(fixed.measured[0]), [2, 5])
    assert np.abs(fixed.gradients[:, [2, 5]] - whole.gradients[:3, [2, 5]]).max() < 1e-9
    none = measure(qnode, samples=3, parameters=0)(*args)
    assert not none.measured.any() and np.array_equal(none.losses, whole.losses[:3])
    assert np.isnan(none.gradient_error).all()


def test_laws_of_angles():
    qnode, args = qnode_of("layers")
    small = measure(qnode, samples=100, angles="small")(*args)
    assert 0.09 < small.angles.std() < 0.11
    fixed = measure(qnode, samples=2, angles=AngleLaw.fixed(np.arange(18.0)))(*args)
    assert np.array_equal(fixed.angles, [np.arange(18.0)] * 2)
    custom = (lambda rng, size, n: rng.exponential(size=(size, n)), lambda k, f: 1 / (1 - 1j * f))
    data = measure(qnode, samples=30, angles=custom)(*args)
    back = Measurement.from_dict(json.loads(json.dumps(data.to_dict())))
    assert back.content_hash == data.content_hash != small.content_hash


# ---------------------------------------------------------------------- devices and bad input
def test_devices_by_name_instance_and_factory():
    qnode, args = qnode_of("qaoa")
    expected = measure(qnode, samples=2)(*args)
    for device in (
        "default.qubit",
        qml.device("lightning.qubit", wires=6),
        lambda: StubHardware(range(4)),
    ):
        data = measure(qnode, samples=2, device=device)(*args)
        assert np.abs(data.gradients - expected.gradients).max() < 1e-9


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"device": "no.such.device"}, DeviceError, "no.such.device"),
        ({"device": 3}, InputError, "device needs"),
        ({"device": lambda: 3}, InputError, "factory returned int"),
        ({"device": StubHardware(wires=[0, 1])}, InputError, r"also uses \[2, 3\]"),
        ({"samples": 0}, InputError, "samples"),
        ({"samples": 2.5}, InputError, "samples"),
        ({"seed": -1}, InputError, "seed"),
        ({"shots": 0}, InputError, "shots"),
        ({"parameters": 99}, InputError, "parameters=99"),
        ({"parameters": [7]}, InputError, "0 to 3"),
        ({"route": "teleportation"}, InputError, "route"),
        ({"route": "device-adjoint", "shots": 10}, InputError, "with shots"),
        ({"executor": 3}, InputError, "executor needs"),
        ({"retries": -1}, InputError, "retries"),
        ({"chunk": 0}, InputError, "chunk"),
        ({"datum": 1}, InputError, "datum"),
    ],
)
def test_bad_arguments_are_named(options, error, text):
    qnode, args = qnode_of("qaoa")
    with pytest.raises(error, match=text):
        measure(qnode, **options)(*args)


def test_a_missing_gpu_is_said_plainly():
    try:
        qml.device("lightning.gpu", wires=2)
    except Exception:
        pass
    else:
        pytest.skip("this machine has lightning.gpu")
    qnode, args = qnode_of("qaoa")
    with pytest.raises(DeviceError, match="NVIDIA GPU"):
        measure(qnode, device="lightning.gpu")(*args)


def test_a_circuit_from_words_cannot_be_run():
    from pennylane_wishart.circuit import RotationCircuit

    with pytest.raises(InputError, match="built from words"):
        measure(RotationCircuit.from_words(["X"], {"Z": 1.0}))()


def test_one_datum_of_a_batch():
    @qml.qnode(qml.device("default.qubit", wires=1))
    def encoded(data, x):
        qml.RY(data, 0)
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    batch = pnp.array([0.2, 1.1], requires_grad=False)
    for datum in (0, 1):
        found = measure(encoded, samples=3, argnums=[1], datum=datum)(batch, pnp.array(0.3))
        assert np.allclose(found.losses, np.cos(batch[datum]) * np.cos(found.angles[:, 0]))


# ---------------------------------------------------------------------- interfaces and compilers
@pytest.mark.interfaces
@pytest.mark.parametrize("interface", ["jax", "torch"])
def test_other_interfaces_give_the_same_numbers(interface):
    pytest.importorskip(interface, reason=f"{interface} is not installed (extra: interfaces)")
    qnode, args = qnode_of("layers")
    expected = measure(qnode, samples=3)(*args)
    if interface == "jax":
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)

        argument, options = jnp.zeros((2, 3, 3)), {"argnums": [0]}
    else:
        import torch

        argument, options = torch.zeros((2, 3, 3), dtype=torch.float64, requires_grad=True), {}
    node = qml.QNode(CASES["layers"][0], qml.device("lightning.qubit", wires=3), interface=interface)
    data = measure(node, samples=3, **options)(argument)
    assert data.route == "lightning-cpp-adjoint"
    assert np.array_equal(data.gradients, expected.gradients) and data.content_hash == expected.content_hash


@pytest.mark.parametrize("case", ["layers", "qaoa", "mixed gates", "hermitian"])
def test_qjit_objects_are_differentiated_by_catalyst(case):
    pytest.importorskip("catalyst", reason="pennylane-catalyst is not installed")
    qnode, args = qnode_of(case)
    argnums = list(range(len(args)))
    data = measure(qml.qjit(qnode), samples=3, argnums=argnums)(*args)
    assert data.route == "catalyst" and data.route_note == ""
    expected = measure(qnode, samples=3)(*args)
    assert np.abs(data.gradients - expected.gradients).max() < 1e-9
    assert np.abs(data.losses - expected.losses).max() < 1e-10
    assert data.content_hash == expected.content_hash


def test_without_catalyst_the_route_says_so():
    qnode, args = qnode_of("layers")
    if importlib.util.find_spec("catalyst") is not None:
        pytest.skip("pennylane-catalyst is installed")
    with pytest.raises(InputError, match="route='catalyst' cannot be taken: .*Catalyst is not installed"):
        measure(qnode, samples=1, route="catalyst")(*args)

    class Compiled:
        """What a qjit object looks like from outside."""

        original_function = qnode

    data = measure(Compiled(), samples=1)(*args)
    assert data.route == "lightning-cpp-adjoint" and "Catalyst is not installed" in data.route_note


def test_forty_qubits_on_wishart_lie():
    """A local observable sees its light cone only: two layers on 40 sites equal those on 10.

    Z₀Z₁ spreads by one site per layer of couplings, so sites beyond the fourth do not matter.
    """

    def chain(n):
        def circuit(w):
            for q in range(n):
                qml.Hadamard(q)
            for layer in w:
                for q in range(n - 1):
                    qml.IsingZZ(layer[0, q], wires=[q, q + 1])
                for q in range(n):
                    qml.RX(layer[1, q], wires=q)
            return qml.expval(qml.Z(0) @ qml.Z(1))

        return circuit

    qnode = qml.QNode(chain(40), qml.device("default.qubit", wires=40))
    data = measure(qnode, samples=4, device="wishart.lie")(pnp.zeros((2, 2, 40)))
    assert (data.device, data.route, data.n_params) == ("wishart.lie", "device-adjoint", 160)
    short = qml.QNode(chain(10), qml.device("default.qubit", wires=10), diff_method="backprop")
    gradient = qml.grad(short)
    for row in range(4):
        angles = data.unflatten(data.angles[row])[0]
        found = gradient(pnp.array(angles[:, :, :10], requires_grad=True))
        expected = np.zeros((2, 2, 40))
        expected[:, :, :10] = found
        assert np.abs(data.unflatten(data.gradients[row])[0] - expected).max() < 1e-9
        assert abs(data.losses[row] - float(gradient.forward)) < 1e-10
