"""Measurement: numbers against PennyLane's own gradients, plans, merging, executors, statistics."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from scipy.linalg import expm
from stub_devices import LegacyStub, SplittingHardware, StubHardware

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.errors import ComparisonError, DeviceError, InputError, WishartWarning
from pennylane_wishart.measurement import Measurement, SamplingPlan, measure, quote
from pennylane_wishart.measurement.plan import BLOCK


def layers(w):
    qml.StronglyEntanglingLayers(w, wires=range(3))
    return qml.expval(qml.Z(0) @ qml.Y(1))


def qaoa(g, b):
    for w in range(4):
        qml.Hadamard(w)
    for layer in range(2):
        for i in range(4):
            qml.IsingZZ(2 * g[layer], wires=[i, (i + 1) % 4])
        for i in range(4):
            qml.RX(2 * b[layer], wires=i)
    return qml.expval(sum(qml.Z(i) @ qml.Z((i + 1) % 4) for i in range(4)))


def mixed_gates(x):
    """Gates of one, two and four frequencies, adjoints, controls, sums of generators."""
    qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
    qml.RX(0.7, 0)
    qml.DoubleExcitation(x[0], wires=range(4))
    qml.CRX(-x[1], wires=[0, 2])
    qml.adjoint(qml.RY)(x[2] + 0.3, 1)
    qml.PauliRot(0.4 * x[0], "XYZ", wires=[0, 1, 3])
    qml.IsingXY(x[1], wires=[1, 2])
    qml.SingleExcitation(x[2], wires=[2, 3])
    qml.ctrl(qml.PhaseShift, 0)(x[0], 1)
    qml.QubitUnitary(np.diag([1, 1j, -1, np.exp(0.3j)]), wires=[0, 3])
    qml.MultiRZ(x[2], wires=[0, 1, 2])
    return qml.expval(qml.Z(0) + 0.5 * qml.X(1) @ qml.Y(2) - 0.2 * qml.I(0))


def projector(x):
    qml.RY(x[0], "a")
    qml.CNOT(["a", 7])
    qml.RX(x[1], 7)
    return qml.expval(qml.Projector([1, 0], wires=["a", 7]))


def hermitian(x):
    qml.RY(x[0], 0)
    qml.IsingXX(x[1], wires=[0, 1])
    return qml.expval(qml.Hermitian(np.array([[1.0, 0.5j], [-0.5j, 0.2]]), wires=1))


CASES = {
    "layers": (layers, (pnp.zeros((2, 3, 3)),), range(3)),
    "qaoa": (qaoa, (pnp.zeros(2), pnp.zeros(2)), range(4)),
    "mixed gates": (mixed_gates, (pnp.zeros(3),), range(4)),
    "projector, named wires": (projector, (pnp.zeros(2),), ["a", 7]),
    "hermitian": (hermitian, (pnp.zeros(2),), range(2)),
}


def qnode_of(case: str, device="lightning.qubit"):
    function, args, wires = CASES[case]
    return qml.QNode(function, qml.device(device, wires=wires)), args


def reference(data: Measurement, function, wires, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses and gradients by QNodes on default.qubit with backpropagation: PennyLane's own way."""
    qnode = qml.QNode(function, qml.device("default.qubit", wires=wires), diff_method="backprop")
    losses, gradients = [], []
    for row in range(rows):
        args = [pnp.array(a, requires_grad=True) for a in data.unflatten(data.angles[row])]
        losses.append(float(qnode(*args)))
        jacobian = qml.jacobian(qnode, argnums=list(range(len(args))))(*args)
        gradients.append(np.concatenate([np.ravel(j) for j in jacobian]))
    return np.array(losses), np.array(gradients)


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
    from pennylane_wishart.measurement.lightning import LightningAdjoint

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
    from pennylane_wishart.circuit.normal_form import normal_form

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
    from pennylane_wishart.measurement.target import _gate_periods, resolve_target

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


# ---------------------------------------------------------------------- records
def test_merging_adds_what_belongs_together():
    qnode, args = qnode_of("qaoa")
    whole = measure(qnode, samples=50)(*args)
    parts = measure(qnode, samples=30)(*args) + measure(qnode, samples=20, first=30)(*args)
    assert np.array_equal(parts.gradients, whole.gradients)
    assert parts.content_hash == whole.content_hash and parts.samples == 50
    two = whole + measure(qnode, samples=10, seed=8)(*args)
    assert two.seed == (7, 8) and two.samples == 60
    assert np.array_equal(two.angles, two.plan.draw()[0])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"angles": "small"}, "law"),
        ({"parameters": 1}, "parameters"),
        ({"shots": 10}, "shots"),
        ({"device": "default.qubit"}, "device"),
    ],
)
def test_merging_refuses_other_questions_by_name(change, named):
    qnode, args = qnode_of("qaoa")
    mine, other = (
        measure(qnode, samples=3)(*args),
        measure(qnode, samples=3, seed=8, **change)(*args),
    )
    with pytest.raises(ComparisonError, match=named):
        mine + other


def test_merging_refuses_other_circuits_and_the_same_samples_twice():
    qnode, args = qnode_of("qaoa")
    other, others_args = qnode_of("layers")
    data = measure(qnode, samples=3)(*args)
    with pytest.raises(ComparisonError, match="circuit"):
        data + measure(other, samples=3, seed=8)(*others_args)
    with pytest.raises(ComparisonError, match="sample 2 of seed 7"):
        data + measure(qnode, samples=5, first=2)(*args)


def test_records_round_trip_through_json():
    qnode, args = qnode_of("qaoa")
    for options in ({}, {"parameters": 1}, {"shots": 20, "parameters": [0]}):
        data = measure(qnode, samples=4, **options)(*args)
        back = Measurement.from_dict(json.loads(json.dumps(data.to_dict())))
        for name in ("losses", "gradients", "gradient_error", "shot_variance", "angles"):
            assert np.array_equal(getattr(back, name), getattr(data, name), equal_nan=True)
        assert back.content_hash == data.content_hash and back.shapes == ((2,), (2,))
        assert str(back) == str(data)
    with pytest.raises(InputError, match="schema"):
        Measurement.from_dict({**data.to_dict(), "schema_version": 99})


def test_records_are_validated():
    qnode, args = qnode_of("qaoa")
    data = measure(qnode, samples=4)(*args).to_dict()
    with pytest.raises(InputError, match="losses needs shape"):
        Measurement.from_dict({**data, "losses": [1.0]})
    with pytest.raises(InputError, match="not finite"):
        Measurement.from_dict({**data, "losses": [1.0, 2.0, float("nan"), 0.0]})


def test_plan_draws_are_frozen():
    """The stream of angles is part of the format of stored data: it must never change."""
    plan = SamplingPlan("x", AngleLaw.uniform([1.0]), ((7, 0, 2), (7, BLOCK, 1)))
    angles, _ = plan.draw()
    assert np.allclose(angles[:, 0], FROZEN, atol=1e-12)


FROZEN = [0.7978591868433563, 0.05309388325640407, 0.4805820057358118]


# ---------------------------------------------------------------------- executors
def test_threads_and_processes_give_identical_numbers():
    qnode, args = qnode_of("layers")
    alone = measure(qnode, samples=60)(*args)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert np.array_equal(measure(qnode, samples=60, executor=pool)(*args).gradients, alone.gradients)
        assert pool.submit(int, 1).result() == 1
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        data = measure(qnode, samples=60, executor=pool)(*args)
        assert np.array_equal(data.gradients, alone.gradients) and data.route == alone.route
        assert pool.submit(int, 1).result() == 1


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"shots": 20}, {"device": "default.qubit"}])
def test_identical_numbers_for_one_and_two_worker_processes(options):
    qnode, args = qnode_of("qaoa")
    alone = measure(qnode, samples=8, chunk=3, **options)(*args)
    for workers in (1, 2):
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
            data = measure(qnode, samples=8, chunk=3, executor=pool, **options)(*args)
        assert np.array_equal(data.gradients, alone.gradients)
        assert np.array_equal(data.gradient_error, alone.gradient_error)


def test_shots_do_not_depend_on_chunks_or_threads():
    qnode, args = qnode_of("hermitian")
    alone = measure(qnode, samples=6, shots=20)(*args)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        data = measure(qnode, samples=6, shots=20, chunk=2, executor=pool)(*args)
    assert np.array_equal(alone.gradients, data.gradients)
    assert np.array_equal(alone.shot_variance, data.shot_variance)


class BreakingExecutor:
    """Answers a few chunks, then behaves as a pool whose worker was killed."""

    def __init__(self, after: int):
        self.left = after

    def submit(self, function, *args):
        if self.left == 0:
            raise concurrent.futures.process.BrokenProcessPool("a child process terminated abruptly")
        self.left -= 1
        future = concurrent.futures.Future()
        future.set_result(function(*args))
        return future


class FlakyExecutor:
    """Loses the first answer to every chunk; the attempt is the last argument."""

    def __init__(self):
        self.count = 0

    def submit(self, function, *args):
        future = concurrent.futures.Future()
        self.count += 1
        if args[-1] == 0:
            future.set_exception(ConnectionError("worker lost"))
        else:
            future.set_result(function(*args))
        return future


def test_a_broken_pool_is_survived():
    qnode, args = qnode_of("layers")
    alone = measure(qnode, samples=60, chunk=10)(*args)
    with pytest.warns(WishartWarning, match="remaining chunks run in this process"):
        data = measure(qnode, samples=60, chunk=10, executor=BreakingExecutor(2))(*args)
    assert np.array_equal(data.gradients, alone.gradients)


def test_lost_chunks_are_sent_again():
    qnode, args = qnode_of("layers")
    flaky = FlakyExecutor()
    data = measure(qnode, samples=60, chunk=10, executor=flaky, backoff=0.0)(*args)
    assert np.array_equal(data.gradients, measure(qnode, samples=60)(*args).gradients)
    assert flaky.count == 12


# ---------------------------------------------------------------------- shots
def test_shot_noise_is_estimated_rightly():
    """Normalised residuals have variance 1: 3 circuits with words, groups and two levels.

    About 400 residuals each: the standard error of their variance is 0.07; bound 0.3 (4 sigma).
    """
    for case in ("qaoa", "projector, named wires", "hermitian"):
        qnode, args = qnode_of(case)
        samples = 200 if case != "qaoa" else 40
        exact = measure(qnode, samples=samples)(*args)
        noisy = measure(qnode, samples=samples, shots=100)(*args)
        assert noisy.route == "parameter-shift" and np.array_equal(noisy.angles, exact.angles)
        sure = noisy.gradient_error > 1e-2
        residual = ((noisy.gradients - exact.gradients) / np.where(sure, noisy.gradient_error, 1))[sure]
        assert abs(residual.mean()) < 0.25
        assert abs(residual.var() - 1) < 0.35
        likely = noisy.shot_variance > 1e-4
        z = (noisy.losses - exact.losses)[likely] / np.sqrt(noisy.shot_variance[likely])
        assert abs(z.var() - 1) < (0.5 if case != "qaoa" else 0.9)


def test_shot_noise_is_removed_from_the_gradient_variance():
    qnode, args = qnode_of("projector, named wires")
    exact = measure(qnode, samples=4000)(*args).gradient_variance()
    few = measure(qnode, samples=400, shots=2)(*args).gradient_variance()
    assert few.raw.mean() > 1.4 * exact.mean
    assert np.all(np.abs(few.value - exact.value) < 4 * np.hypot(few.error, exact.error))
    assert np.all(few.low < exact.value) and np.all(exact.value < few.high)
    assert np.allclose(few.raw - few.shot_noise, few.value)


def test_gradient_variance_of_a_known_law():
    """ℓ = cos θ: the variance of the gradient is 1/2, its fourth moment 3/8."""

    @qml.qnode(qml.device("lightning.qubit", wires=1))
    def rotation(x):
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    data = measure(rotation, samples=2000)(pnp.array(0.1))
    found = data.gradient_variance()
    error = np.sqrt((3 / 8 - 1 / 4) / 2000)
    assert abs(found.value[0] - 0.5) < 4 * error
    assert abs(found.error[0] / error - 1) < 0.2
    assert found.low[0] < 0.5 < found.high[0] and found.count[0] == 2000
    value, error = data.loss_variance()
    assert abs(value - 0.5) < 4 * error
    sparse = measure(rotation, samples=30, parameters=0)(pnp.array(0.1)).gradient_variance()
    assert np.isnan(sparse.value[0]) and sparse.count[0] == 0 and np.isnan(sparse.mean)


def test_degrees_of_freedom_of_a_pauli_on_haar_states():
    """A deep SU(16) circuit: m = 2(N/2)²·2/… = 16 for a Pauli at N = 16, β = 2 (THEORY §8)."""

    @qml.qnode(qml.device("lightning.qubit", wires=4))
    def deep(w):
        qml.StronglyEntanglingLayers(w, wires=range(4))
        return qml.expval(qml.Z(0))

    data = measure(deep, samples=2000, parameters=0)(pnp.zeros((12, 4, 3)))
    found = data.degrees_of_freedom(dim=16, beta=2, minimum=-1.0)
    assert found.dof_finite_interval[0] < 16 < found.dof_finite_interval[1]
    assert found.dof_finite_interval[1] - found.dof_finite_interval[0] < 4
    assert abs(found.dof - 1 / (1 / found.dof_finite + 1 / 16)) < 1e-12
    noisy = measure(deep, samples=300, parameters=0, shots=20)(pnp.zeros((12, 4, 3)))
    found = noisy.degrees_of_freedom(dim=16, beta=2, minimum=-1.0)
    assert found.shot_noise > 0.04
    assert found.dof_finite_interval[0] < 16 < found.dof_finite_interval[1]
    with pytest.raises(InputError, match="minimum"):
        noisy.degrees_of_freedom(dim=16, beta=2, minimum=3.0)
    with pytest.raises(InputError, match="beta"):
        noisy.degrees_of_freedom(dim=16, beta=3, minimum=-1.0)


# ---------------------------------------------------------------------- quotes and budgets
@pytest.mark.parametrize("make", [StubHardware, SplittingHardware])
@pytest.mark.parametrize("options", [{}, {"parameters": 1}, {"parameters": [0, 3]}, {"parameters": 0}])
def test_a_quote_is_what_is_executed(make, options):
    function, args, _ = CASES["qaoa"]
    device = make(wires=range(4))
    qnode = qml.QNode(function, device)
    asked = quote(qnode, samples=3, shots=50, **options)(*args)
    assert device.circuits == 0
    measure(qnode, samples=3, shots=50, **options)(*args)
    assert (device.circuits, device.shots_run) == (asked.executions, asked.shots)


def test_quotes_count_measurement_bases():
    def two_bases(x):
        qml.RX(x, 0)
        return qml.expval(qml.X(0) + qml.Z(0))

    one = quote(two_bases_node(two_bases), samples=10, shots=100)(pnp.array(0.1))
    assert (one.circuits, one.executions, one.shots) == (30, 60, 6000)
    assert type(one).from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert "6,000" in str(one)
    analytic = quote(two_bases_node(two_bases), samples=10, shots=None)(pnp.array(0.1))
    assert (analytic.executions, analytic.shots) == (10, 0)


def two_bases_node(function):
    return qml.QNode(function, qml.device("default.qubit", wires=1))


def test_a_budget_is_kept_and_split_where_the_variance_is_sharpest():
    from pennylane_wishart.measurement.budget import best_shots

    rng = np.random.default_rng(3)
    variance, single, total = 0.01, 0.5, 40_000
    best = round(best_shots(single, variance))
    spread = {}
    for shots in (best // 5, best, best * 5):
        n = total // shots
        draws = rng.normal(0, np.sqrt(variance + single / shots), (4000, n))
        spread[shots] = draws.var(1, ddof=1).std()
    assert min(spread, key=spread.get) == best

    qnode, args = qnode_of("qaoa", "default.qubit")
    asked = quote(qnode, budget=40_000)(*args)
    assert 0.8 * 40_000 < asked.shots <= 40_000
    given = quote(qnode, budget=40_000, variance=0.05)(*args)
    assert given.shots_per_circuit > asked.shots_per_circuit
    with pytest.raises(InputError, match="too little"):
        quote(qnode, budget=100)(*args)


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
