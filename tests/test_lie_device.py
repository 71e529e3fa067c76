"""The device wishart.lie against default.qubit, closed forms, and its own two engines."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from pennylane.exceptions import DeviceError, WireError
from references.lie import FAMILIES, drawn

import pennylane_wishart as pw
from pennylane_wishart.circuit import InputState
from pennylane_wishart.devices import LieDevice
from pennylane_wishart.devices import wordmodule as wordmodule_file
from pennylane_wishart.devices.inputs import state_values
from pennylane_wishart.devices.structure import light_cone
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliWords

TOLERANCE = 1e-10


def stacked(qnode):
    """The QNode with its results in one array."""
    return lambda *args: qml.math.stack(qnode(*args))


def on_lie(function, n=None, diff_method="best", **options):
    """A QNode on the device, returning one array."""
    return stacked(qml.QNode(function, qml.device("wishart.lie", wires=n, **options), diff_method=diff_method))


def on_default(function):
    """The oracle's QNode, returning one array."""
    return stacked(qml.QNode(function, qml.device("default.qubit")))


def ising(n, layers, *observables, bonds=None):
    """TFIM circuit of one array of angles."""
    bonds = [(i, i + 1) for i in range(n - 1)] if bonds is None else bonds

    def function(x):
        k = 0
        for _ in range(layers):
            for wires in bonds:
                qml.IsingZZ(x[k], wires)
                k += 1
            for i in range(n):
                qml.RX(x[k], i)
                k += 1
        return tuple(qml.expval(o) for o in observables)

    return function, layers * (len(bonds) + n)


def hamiltonian(n, bonds=None):
    """The transverse-field Ising Hamiltonian."""
    bonds = [(i, i + 1) for i in range(n - 1)] if bonds is None else bonds
    terms = [qml.Z(a) @ qml.Z(b) for a, b in bonds] + [qml.X(i) for i in range(n)]
    return qml.dot(np.linspace(0.3, 1.4, len(terms)), terms)


def engine_of(function, x, n, **options):
    """The engine that simulates a quantum function."""
    tape = qml.tape.make_qscript(function)(x)
    tape.trainable_params = range(len(x))
    device = LieDevice(wires=n, **options)
    device.execute(device.preprocess_transforms()([tape])[0])
    return next(iter(device._structures._kept.values())).engine


# ---------------------------------------------------------------------- equality
@pytest.mark.filterwarnings("ignore:Casting complex values:numpy.exceptions.ComplexWarning")  # default.qubit's
@pytest.mark.parametrize("case", drawn(4 * len(FAMILIES), 2024), ids=lambda c: f"{c.family}-{c.n}")
def test_values_and_gradients_of_random_circuits(case):
    x = pnp.array(case.angles, requires_grad=True)
    ours, oracle = on_lie(case.function, case.n), on_default(case.plain)
    assert np.allclose(ours(x), oracle(x), rtol=0, atol=TOLERANCE)
    assert np.allclose(qml.jacobian(ours)(x), qml.jacobian(oracle)(x), rtol=0, atol=TOLERANCE)


GATES = [
    qml.Hadamard(0), qml.X(1), qml.Y(2), qml.Z(3), qml.S(0), qml.T(1), qml.SX(2), qml.adjoint(qml.S(0)),
    qml.adjoint(qml.T(0)), qml.CNOT([0, 2]), qml.CZ([1, 3]), qml.CY([2, 0]), qml.CH([0, 1]), qml.SWAP([0, 3]),
    qml.ISWAP([0, 1]), qml.SISWAP([1, 2]), qml.ECR([0, 1]), qml.Toffoli([0, 1, 2]), qml.CCZ([1, 2, 3]),
    qml.CSWAP([0, 1, 2]), qml.MultiControlledX([0, 1, 2, 3]), qml.RX(0.4, 0), qml.RY(-1.2, 1), qml.RZ(2.1, 2),
    qml.Rot(0.3, 0.7, -0.4, 1), qml.U1(0.3, 0), qml.U2(0.3, 0.8, 1), qml.U3(0.1, 0.9, -0.5, 2), qml.PhaseShift(0.6, 0),
    qml.CRX(0.4, [0, 1]), qml.CRY(0.5, [1, 2]), qml.CRZ(0.8, [2, 3]), qml.CRot(0.3, 0.2, 0.9, [0, 1]),
    qml.ControlledPhaseShift(0.8, [0, 1]), qml.CPhaseShift00(0.4, [0, 1]), qml.IsingXX(0.3, [0, 1]),
    qml.IsingYY(0.5, [1, 2]), qml.IsingZZ(0.8, [2, 3]), qml.IsingXY(0.7, [0, 3]), qml.PSWAP(0.6, [0, 1]),
    qml.MultiRZ(0.4, [0, 1, 2]), qml.PauliRot(0.9, "XYZ", [0, 1, 2]), qml.SingleExcitation(0.4, [0, 1]),
    qml.SingleExcitationPlus(0.4, [0, 1]), qml.SingleExcitationMinus(0.4, [1, 2]), qml.OrbitalRotation(0.3, range(4)),
    qml.DoubleExcitation(0.5, range(4)), qml.DoubleExcitationPlus(0.5, range(4)), qml.FermionicSWAP(0.3, [0, 1]),
    qml.QubitUnitary(qml.matrix(qml.Rot(0.1, 0.2, 0.3, 0)), 0), qml.QFT(wires=[0, 1, 2]), qml.QubitSum([0, 1, 2]),
    qml.QubitUnitary(qml.matrix(qml.CNOT([0, 1])), [0, 1]), qml.DiagonalQubitUnitary(np.exp([0.1j, 0.4j]), 0),
    qml.ctrl(qml.RX(0.3, 2), [0, 1], control_values=[0, 1]), qml.ctrl(qml.evolve(qml.X(2) @ qml.Z(3), 0.4), 0),
    qml.evolve(0.5 * qml.X(0) @ qml.X(1) - 0.3 * qml.Z(0) @ qml.Z(1), 0.7), qml.exp(qml.Y(0), 0.3j),
    qml.adjoint(qml.evolve(qml.X(0) + qml.X(1), 0.3)), qml.GlobalPhase(0.3), qml.Identity(0), qml.Barrier([0, 1]),
    qml.BasisEmbedding([1, 0], [0, 1]), qml.pow(qml.X(0), 0.5), qml.prod(qml.RX(0.2, 0), qml.CNOT([0, 1])),
]  # fmt: skip


@pytest.mark.parametrize("gate", GATES, ids=lambda g: g.name)
def test_every_gate(gate, rng):
    before = [qml.Rot(*rng.uniform(-3, 3, 3), q) for q in range(4)]
    words = [qml.pauli.string_to_pauli_word("".join(w)) for w in rng.choice(list("XYZ"), (12, 4))]

    def function():
        for op in [*before, qml.CNOT([0, 1]), qml.CNOT([2, 3]), gate, qml.CNOT([1, 2])]:
            qml.apply(op)
        return [qml.expval(w) for w in words]

    assert np.allclose(on_lie(function, 4)(), on_default(function)(), rtol=0, atol=TOLERANCE)


PREPARATIONS = {
    "basis": lambda: qml.BasisState([1, 0, 1, 1], range(4)),
    "given": lambda: qml.StatePrep(np.arange(1, 17) / np.linalg.norm(np.arange(1, 17)), range(4)),
    "part": lambda: qml.StatePrep(np.array([0.6, 0, 0, 0.8j]), [1, 2]),
    "late": lambda: (qml.RY(0.4, 0), qml.BasisState([1, 1], [2, 3]), qml.StatePrep(np.array([0.6, 0.8j]), [1])),
    "stabilizer": lambda: (qml.Hadamard(0), [qml.CNOT([i, i + 1]) for i in range(3)], qml.S(2)),
    "product": lambda: [qml.Rot(0.3 * q, 0.7, q, q) for q in range(4)],
    "embedding": lambda: qml.AngleEmbedding([0.1, 0.4, -0.5, 2.0], range(4), rotation="Y"),
    "fixed two-qubit": lambda: (qml.IsingXX(0.4, [0, 1]), qml.CH([1, 2]), qml.T(2)),
}


@pytest.mark.parametrize("name", PREPARATIONS)
def test_inputs(name):
    circuit, size = ising(4, 2, qml.X(1), qml.Z(0), hamiltonian(4))

    def function(x):
        PREPARATIONS[name]()
        return circuit(x)

    x = pnp.linspace(-2, 2, size, requires_grad=True)
    assert np.allclose(on_lie(function, 4)(x), on_default(function)(x), rtol=0, atol=TOLERANCE)
    found, expected = qml.jacobian(on_lie(function, 4))(x), qml.jacobian(on_default(function))(x)
    assert np.allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_values_of_words_in_a_given_state(rng):
    vector = rng.standard_normal(2**8) + 1j * rng.standard_normal(2**8)
    state = InputState.from_vector(vector / np.linalg.norm(vector))
    words = PauliWords.from_bits(rng.integers(0, 2, (60, 8)), rng.integers(0, 2, (60, 8)))
    matrices = words.matrices()
    expected = np.einsum("i,mij,j->m", state.vector().conj(), matrices, state.vector()).real
    assert np.allclose(state_values(state, words), expected, atol=1e-12)


@pytest.mark.parametrize("observable", [
    qml.Hermitian(np.diag([1.0, 2.0, 3.0, 7.0]), [0, 2]), qml.Projector([1, 0, 1], [0, 1, 2]), qml.Hadamard(1),
    qml.Identity(0), 0.3 * qml.X(0) + 2.0 * qml.Identity(1), qml.Projector(np.array([0.6, 0.8]), [0]),
    (qml.X(0) + qml.Z(1)) @ qml.Y(2),
], ids=repr)  # fmt: skip
def test_observables(observable):
    circuit, size = ising(3, 2, observable)
    x = pnp.linspace(-2, 1, size, requires_grad=True)
    assert np.allclose(on_lie(circuit, 3)(x), on_default(circuit)(x), rtol=0, atol=TOLERANCE)
    found, expected = qml.jacobian(on_lie(circuit, 3))(x), qml.jacobian(on_default(circuit))(x)
    assert np.allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_trainable_coefficients_of_an_observable():
    def function(c, x):
        qml.RX(x, 0)
        qml.IsingXX(0.4, [0, 1])
        return (qml.expval(qml.Hamiltonian(c, [qml.Z(0), qml.X(0) @ qml.Y(1), qml.Y(0)])),)

    args = (pnp.array([0.3, -0.4, 0.8], requires_grad=True), pnp.array(0.6, requires_grad=True))
    found, expected = qml.jacobian(on_lie(function, 2))(*args), qml.jacobian(on_default(function))(*args)
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=0, atol=TOLERANCE)


# ---------------------------------------------------------------------- engines
@pytest.mark.parametrize("closed", [False, True])
def test_free_fermions_agree_with_words(closed, rng):
    n = 12
    bonds = [(i, (i + 1) % n) for i in range(n if closed else n - 1)]
    observables = (hamiltonian(n, bonds), qml.X(3), qml.Y(2) @ qml.X(3) @ qml.Y(4), qml.Identity(0))
    circuit, size = ising(n, n // 2, *observables, bonds=bonds)
    x = pnp.array(rng.uniform(-3, 3, size), requires_grad=True)
    words, pairs = (on_lie(circuit, n, engine=e) for e in ("words", "majorana"))
    assert np.allclose(words(x), pairs(x), rtol=0, atol=TOLERANCE)
    assert np.allclose(qml.jacobian(words)(x), qml.jacobian(pairs)(x), rtol=0, atol=TOLERANCE)
    by_words = engine_of(circuit, x, n, engine="words")
    by_pairs = engine_of(circuit, x, n, engine="majorana")
    # 2n Majoranas; the parity that closes the ring doubles the module
    assert by_pairs.dim == by_words.dim == (2 if closed else 1) * n * (2 * n - 1) + 1


def test_free_fermions_with_a_cofactor(rng):
    # the Majoranas of the first three qubits, times a word that commutes with all generators
    circuit, size = ising(5, 3, qml.X(1) @ qml.Y(5), qml.X(2), qml.Z(5))

    def function(x):
        qml.StatePrep(np.array([0.6, 0.8j]), 5)
        return circuit(x)

    x = pnp.array(rng.uniform(-3, 3, size), requires_grad=True)
    found = on_lie(function, 6, engine="majorana")(x)
    assert np.allclose(found, on_default(function)(x), rtol=0, atol=TOLERANCE)
    assert len(engine_of(function, x, 6, engine="majorana").cofactors) == 2


def test_the_engine_is_chosen_by_size(rng):
    small, size = ising(6, 3, qml.X(2))
    assert engine_of(small, rng.uniform(0, 6, size), 6).engine == "words"
    large, size = ising(40, 30, hamiltonian(40))
    found = engine_of(large, rng.uniform(0, 6, size), 40)
    assert (found.engine, found.dim) == ("majorana", 40 * 79)
    single, size = ising(40, 45, qml.Z(0))
    found = engine_of(single, rng.uniform(0, 6, size), 40)
    assert (found.engine, found.dim) == ("words", 80)  # one Majorana is a vector of 2n numbers


@pytest.mark.parametrize("engine", ["words", "majorana"])
def test_gradient_of_sixty_qubits_is_the_difference_quotient(engine, rng):
    n = 60
    circuit, size = ising(n, 3, hamiltonian(n))
    x, step = rng.uniform(-3, 3, size), 1e-5
    qnode = on_lie(circuit, n, engine=engine)
    gradient = qml.jacobian(qnode)(pnp.array(x, requires_grad=True))[0]
    direction = rng.standard_normal(size)
    quotient = (qnode(x + step * direction) - qnode(x - step * direction))[0] / (2 * step)
    assert abs(gradient @ direction - quotient) < 1e-6


def test_hundred_qubits_in_closed_form():
    n = 100

    def function(a, b):
        for i in range(n):
            qml.RX(a, i)
        for i in range(n - 1):
            qml.IsingZZ(b, [i, i + 1])
        return qml.expval(qml.Y(50)), qml.expval(qml.Z(3) @ qml.Z(4))

    # RX makes ⟨Y⟩ = −sin a; each of two bonds multiplies it by cos b, its other part ∝ ⟨X⟩ or ⟨XZ…⟩ = 0,
    # and both bonds together by −sin²b·⟨Z⟩²
    a, b = 0.7, 0.4
    y = -np.sin(a) * (np.cos(b) ** 2 - np.sin(b) ** 2 * np.cos(a) ** 2)
    assert np.allclose(on_lie(function, n)(a, b), [y, np.cos(a) ** 2], atol=1e-12)


def test_light_cone():
    words = PauliWords.from_strings(["ZZII", "IIZZ", "XIII", "IIIX", "IZZI", "IXII"])
    assert light_cone(words, PauliWords.from_strings(["XIII"])).tolist() == [0]
    assert light_cone(words, PauliWords.from_strings(["IZII"])).tolist() == [0, 4, 5]
    assert len(light_cone(words, PauliWords.from_strings(["IIII"]))) == 0


def test_a_structure_is_enumerated_once(monkeypatch, rng):
    calls = []
    walk = wordmodule_file.walk
    monkeypatch.setattr(wordmodule_file, "walk", lambda *args: calls.append(1) or walk(*args))
    circuit, size = ising(5, 2, qml.X(1), hamiltonian(5))
    qnode = on_lie(circuit, 5, engine="words")
    for _ in range(3):
        x = pnp.array(rng.uniform(0.1, 3, size), requires_grad=True)
        qnode(x)
        qml.jacobian(qnode)(x)
    # the first gates of a value without derivatives prepare the input where they act on one wire
    assert 1 <= len(calls) <= 2
    seen = len(calls)
    qnode(rng.uniform(0.1, 3, size))
    qnode(rng.uniform(0.1, 3, size))
    assert len(calls) <= seen + 1


def test_fixed_quarter_turns_are_clifford():
    def function(x):
        for i in range(5):
            qml.RY(np.pi / 2, i)
            qml.RZ(np.pi, i)
        qml.IsingXX(-np.pi / 2, [0, 1])
        qml.RZ(x[0], 0)
        qml.ControlledPhaseShift(np.pi, [1, 2])
        qml.IsingXX(x[1], [0, 3])
        return (qml.expval(qml.X(0)),)

    x = pnp.array([0.3, 0.8], requires_grad=True)
    assert np.allclose(on_lie(function, 5)(x), on_default(function)(x), rtol=0, atol=TOLERANCE)
    tape = qml.tape.make_qscript(function)(x)
    tape.trainable_params = [k for k, p in enumerate(tape.get_parameters()) if p in (0.3, 0.8)]
    device = LieDevice(wires=5)
    device.execute(device.preprocess_transforms()([tape])[0])
    assert next(iter(device._structures._kept.values())).program.n_terms == 2


# ---------------------------------------------------------------------- doors of PennyLane
@pytest.mark.parametrize("diff_method", ["best", "device", "adjoint", "parameter-shift"])
def test_differentiation_methods(diff_method):
    circuit, size = ising(4, 1, qml.X(1), qml.Z(1) @ qml.Z(2))
    x = pnp.linspace(0.1, 1, size, requires_grad=True)
    found = qml.jacobian(on_lie(circuit, 4, diff_method=diff_method))(x)
    assert np.allclose(found, qml.jacobian(on_default(circuit))(x), rtol=0, atol=TOLERANCE)


def test_broadcasting_is_one_batch(rng):
    circuit, size = ising(4, 2, qml.X(1), hamiltonian(4))
    x = pnp.array(rng.uniform(-3, 3, (size, 9)), requires_grad=True)
    ours, oracle = on_lie(circuit, 4), on_default(circuit)
    assert np.allclose(ours(np.array(x)), oracle(np.array(x)), rtol=0, atol=TOLERANCE)
    assert np.allclose(qml.jacobian(ours)(x), qml.jacobian(oracle)(x), rtol=0, atol=TOLERANCE)


def test_a_batch_of_inputs(rng):
    circuit, size = ising(3, 1, qml.X(1))

    def function(data, x):
        qml.AngleEmbedding(data, range(3), rotation="Y")
        return circuit(x)

    data, x = rng.uniform(-3, 3, (6, 3)), rng.uniform(-3, 3, size)
    assert np.allclose(on_lie(function, 3)(data, x), on_default(function)(data, x), rtol=0, atol=TOLERANCE)


def tapes_of(rng, *observables, count=4):
    """Preprocessed tapes of one structure at several angles, and the device."""
    circuit, size = ising(4, 2, *observables)
    device = LieDevice(wires=4)
    raw = [qml.tape.make_qscript(circuit)(rng.uniform(-3, 3, size)) for _ in range(count)]
    return device, device.preprocess_transforms()(raw)[0]


def test_batches_of_tapes_run_together(rng):
    device, tapes = tapes_of(rng, qml.X(1), qml.Z(0) @ qml.Z(1))
    results, jacobians = device.execute_and_compute_derivatives(tapes)
    for tape, result, jacobian in zip(tapes, results, jacobians, strict=True):
        assert np.allclose(result, device.execute(tape), atol=1e-14)
        assert np.allclose(jacobian, device.compute_derivatives(tape), atol=1e-14)
    assert len(device._structures._kept) == 1


@pytest.mark.parametrize("observables", [(qml.X(1),), (qml.X(1), qml.Z(0) @ qml.Z(1))], ids=len)
def test_products_with_the_jacobian(observables, rng):
    device, tapes = tapes_of(rng, *observables)
    k, p = len(observables), len(tapes[0].trainable_params)
    jacobians = [np.reshape(j, (k, p)) for j in device.compute_derivatives(tapes)]
    back = [rng.standard_normal(k) if k > 1 else rng.standard_normal() for _ in tapes]
    for j, b, found in zip(jacobians, back, device.compute_vjp(tapes, back), strict=True):
        assert np.allclose(found, np.reshape(b, k) @ j, atol=1e-13)
    several = [rng.standard_normal((k, 3)) if k > 1 else rng.standard_normal(3) for _ in tapes]
    for j, b, found in zip(jacobians, several, device.compute_vjp(tapes, several), strict=True):
        assert np.allclose(found, j.T @ np.reshape(b, (k, 3)), atol=1e-13)
    ahead = [rng.standard_normal(p) for _ in tapes]
    for j, t, found in zip(jacobians, ahead, device.compute_jvp(tapes, ahead), strict=True):
        assert np.allclose(np.reshape(found, k), j @ t, atol=1e-13)


def test_derivatives_of_a_batched_tape(rng):
    circuit, size = ising(4, 2, qml.X(1), qml.Z(0))
    x = rng.uniform(-3, 3, (size, 5))
    device = LieDevice(wires=4)
    tape = device.preprocess_transforms()([qml.tape.make_qscript(circuit)(x)])[0][0]
    values, slopes = device.execute_and_compute_derivatives(tape)
    assert np.shape(values) == (2, 5) and np.shape(slopes) == (2, size, 5)
    for b in range(5):
        single = device.preprocess_transforms()([qml.tape.make_qscript(circuit)(x[:, b])])[0][0]
        assert np.allclose(np.array(slopes)[:, :, b], device.compute_derivatives(single), atol=1e-13)


def test_vector_jacobian_products_by_the_device():
    circuit, size = ising(4, 1, qml.X(1), qml.Z(1) @ qml.Z(2))
    x = pnp.linspace(0.1, 1, size, requires_grad=True)
    qnode = stacked(qml.QNode(circuit, qml.device("wishart.lie", wires=4), device_vjp=True))
    assert np.allclose(qml.jacobian(qnode)(x), qml.jacobian(on_default(circuit))(x), rtol=0, atol=TOLERANCE)


def test_wires_may_have_any_names():
    def function(x):
        qml.RY(x, "b")
        qml.CNOT(["b", -1])
        return qml.expval(qml.Z("b") @ qml.X(-1)), qml.expval(qml.Z(-1))

    device = qml.device("wishart.lie", wires=[-1, "b", 7])
    assert np.allclose(stacked(qml.QNode(function, device))(0.4), on_default(function)(0.4), atol=1e-12)
    assert np.allclose(on_lie(function)(0.4), on_default(function)(0.4), atol=1e-12)


def test_nothing_trainable():
    circuit, size = ising(3, 1, qml.X(1))
    qnode = on_lie(circuit, 3)
    assert np.allclose(qnode(np.zeros(size)), 0.0)
    device, tapes = tapes_of(np.random.default_rng(1), qml.X(1), count=1)
    tapes[0].trainable_params = []
    assert np.shape(device.compute_derivatives(tapes)[0]) == (0,)


def test_capabilities_and_tracker():
    device = qml.device("wishart.lie", wires=2)
    assert isinstance(device, LieDevice)
    assert set(device.capabilities.measurement_processes) == {"ExpectationMP"}
    assert device.capabilities.supports_operation("RX")
    with device.tracker:
        on_lie(lambda: (qml.expval(qml.Z(0)),))()
        qml.QNode(lambda: qml.expval(qml.Z(0)), device)()
    assert device.tracker.totals["executions"] == 1


# ---------------------------------------------------------------------- interfaces
@pytest.mark.interfaces
@pytest.mark.parametrize("case", drawn(len(FAMILIES), 77)[2:], ids=lambda c: c.family)
def test_jax(case):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    expected = qml.jacobian(on_default(case.plain))(pnp.array(case.angles, requires_grad=True))
    x, qnode = jax.numpy.array(case.angles), on_lie(case.function, case.n)
    assert np.allclose(jax.jit(qnode)(x), on_default(case.plain)(case.angles), rtol=0, atol=TOLERANCE)
    for jacobian in (jax.jacrev(qnode), jax.jacfwd(qnode), jax.jit(jax.jacrev(qnode))):
        assert np.allclose(jacobian(x), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.interfaces
@pytest.mark.parametrize("case", drawn(len(FAMILIES), 78)[:3], ids=lambda c: c.family)
def test_torch(case):
    torch = pytest.importorskip("torch")
    expected = qml.jacobian(on_default(case.plain))(pnp.array(case.angles, requires_grad=True))
    x = torch.tensor(case.angles, requires_grad=True)
    found = torch.autograd.functional.jacobian(on_lie(case.function, case.n), x)
    assert np.allclose(found, expected, rtol=0, atol=TOLERANCE)


# ---------------------------------------------------------------------- shots
def shot_values(observable, shots, count, seed=5):
    """``count`` estimates of one observable at one point, and its exact value."""
    circuit, size = ising(3, 1, observable)
    x = np.linspace(0.2, 1.9, size)
    tape = qml.tape.make_qscript(circuit)(x)
    device = LieDevice(wires=3, seed=seed)
    tape.trainable_params = []
    prepared = device.preprocess_transforms()([tape.copy(shots=shots and [(shots, count)])])[0]
    return np.array(device.execute(prepared)[0]), float(on_default(circuit)(x)[0])


@pytest.mark.parametrize("observable,single", [
    (qml.Y(1), lambda m: 1 - m["YI"] ** 2),
    (2.0 * qml.Y(1) - 0.5 * qml.Z(0) @ qml.Z(1), lambda m: 4 * (1 - m["YI"] ** 2) + 0.25 * (1 - m["ZZ"] ** 2)),
    (qml.Projector([0, 1], [0, 1]), lambda m: m["P"] * (1 - m["P"])),
    (qml.Hadamard(1), lambda m: 1 - m["H"] ** 2),
], ids=["word", "sum", "projector", "two eigenvalues"])  # fmt: skip
def test_shots_have_the_right_mean_and_variance(observable, single):
    shots, count = 50, 4000
    found, exact = shot_values(observable, shots, count)
    named = {
        "YI": qml.Y(1), "ZZ": qml.Z(0) @ qml.Z(1), "P": qml.Projector([0, 1], [0, 1]), "H": qml.Hadamard(1),
    }  # fmt: skip
    moments = {k: shot_values(o, None, 1)[1] for k, o in named.items()}
    variance = single(moments) / shots
    # 5 standard errors each: false alarm below 1e-5 at this fixed seed
    assert abs(found.mean() - exact) < 5 * np.sqrt(variance / count)
    assert abs(found.var() / variance - 1) < 5 * np.sqrt(3 / count)


def test_shots_follow_the_seed_and_partition():
    first, second = (shot_values(qml.Y(1), 100, 3, seed=9)[0] for _ in range(2))
    assert np.array_equal(first, second)
    circuit, size = ising(3, 1, qml.Y(1), qml.Z(0))
    qnode = qml.set_shots(qml.QNode(circuit, qml.device("wishart.lie", wires=3, seed=1)), [10, (20, 2)])
    found = qnode(np.linspace(0.2, 1.9, size))
    assert np.shape(found) == (3, 2)
    assert np.all(np.isclose(np.array(found[0]) * 5 % 1, 0, atol=1e-9) | np.isclose(np.array(found[0]) * 5 % 1, 1))


def test_gradients_with_shots_by_parameter_shift():
    circuit, size = ising(3, 1, qml.Y(1))
    x = pnp.linspace(0.2, 1.9, size, requires_grad=True)
    qnode = qml.set_shots(qml.QNode(circuit, qml.device("wishart.lie", wires=3, seed=3)), 20000)
    found = qml.jacobian(stacked(qnode))(x)
    # each component has standard error below 1/sqrt(2·20000) = 0.005
    assert np.allclose(found, qml.jacobian(on_default(circuit))(x), atol=0.03)


# ---------------------------------------------------------------------- measurement
def test_measured_gradients():
    circuit, size = ising(6, 3, qml.X(2))

    @qml.qnode(qml.device("default.qubit"))
    def qnode(x):
        return circuit(x)[0]

    x = pnp.zeros(size, requires_grad=True)
    ours = pw.measure(qnode, samples=6, seed=3, device="wishart.lie")(x)
    theirs = pw.measure(qnode, samples=6, seed=3, device="default.qubit")(x)
    assert (ours.route, ours.device) == ("device-adjoint", "wishart.lie")
    assert np.allclose(ours.losses, theirs.losses, atol=TOLERANCE)
    assert np.allclose(ours.gradients, theirs.gradients, atol=TOLERANCE)


def test_variances_of_forty_qubits_are_the_predicted_ones():
    n, samples = 40, 60
    circuit, size = ising(n, 3, qml.X(20))
    qnode = qml.QNode(lambda x: circuit(x)[0], qml.device("wishart.lie", wires=n))
    x = pnp.zeros(size, requires_grad=True)
    data, predicted = pw.measure(qnode, samples=samples, seed=4)(x), pw.predict(qnode)(x).gradient_variance
    live = predicted > 0
    assert np.all(np.abs(data.gradients[:, ~live]) < 1e-12)
    ratios = np.sum(data.gradients**2, axis=1) / np.sum(predicted)
    # 5 standard errors of the mean over independent samples: false alarm below 1e-4
    assert abs(ratios.mean() - 1) < 5 * ratios.std() / np.sqrt(samples)


# ---------------------------------------------------------------------- refusals
def layers_of(n, observable):
    """A circuit whose module is everything."""

    def function(x):
        qml.StronglyEntanglingLayers(x, range(n))
        return (qml.expval(observable),)

    return function, np.full((4, n, 3), 0.3)


def test_a_module_that_is_too_large_is_counted_first():
    function, x = layers_of(60, qml.Z(0))
    with pytest.raises(ModuleTooLargeError, match=r"2\^120.*su\(2\^60\).*max_dim=1048576.*raise max_dim="):
        on_lie(function, 60)(x)
    function, x = layers_of(4, qml.Z(0))
    with pytest.raises(ModuleTooLargeError, match="has 255 Pauli words .* more than max_dim=100"):
        on_lie(function, 4, max_dim=100)(x)
    circuit, size = ising(8, 9, qml.X(2), qml.Z(0))  # 120 and 16 words
    with pytest.raises(ModuleTooLargeError, match="reach more than max_dim=125 Pauli words together"):
        on_lie(circuit, 8, max_dim=125)(np.full(size, 0.3))


def test_an_engine_that_does_not_apply():
    function, x = layers_of(3, qml.Z(0))
    with pytest.raises(UnsupportedCircuitError, match=r'engine="majorana" needs .* use engine="auto"'):
        on_lie(function, 3, engine="majorana")(x)


@pytest.mark.parametrize("measure,message", [
    (lambda: qml.probs(wires=0), r"Returning qml.probs is not supported by wishart.lie.*return qml.expval"),
    (lambda: qml.state(), r"Returning qml.state is not supported"),
    (lambda: qml.var(qml.Z(0)), r"Returning qml.var is not supported"),
    (lambda: qml.expval(qml.Hermitian(np.eye(2**11), range(11))), r"Hermitian on 11 wires is not supported"),
])  # fmt: skip
def test_returns_that_are_refused(measure, message):
    def function():
        qml.Hadamard(0)
        return measure()

    with pytest.raises(DeviceError, match=message):
        qml.QNode(function, qml.device("wishart.lie", wires=11))()


@pytest.mark.parametrize("measure,message", [
    (lambda: qml.counts(), r"Returning qml.counts is not supported"),
    (lambda: qml.sample(qml.Z(0)), r"Returning qml.sample is not supported"),
    (lambda: qml.expval(qml.Hermitian(np.diag([1.0, 2.0, 3.0, 4.0]), [0, 1])), r"Hermitian with finite shots is not"),
])  # fmt: skip
def test_returns_that_are_refused_with_shots(measure, message):
    qnode = qml.QNode(lambda: measure(), qml.device("wishart.lie", wires=2))
    with pytest.raises(DeviceError, match=message):
        qml.set_shots(qnode, 10)()


@pytest.mark.parametrize("gate,message", [
    (lambda: qml.evolve(qml.X(0) + qml.Z(0), 0.3), r"Evolution of 2 Pauli words that do not all commute"),
    (lambda: qml.exp(qml.X(0), 0.3), r"with coefficient 0.3 is not unitary"),
    (lambda: qml.DepolarizingChannel(0.1, 0), r"DepolarizingChannel is a noise channel"),
    (lambda: qml.measure(0), r"Mid-circuit measurements"),
    (lambda: qml.BlockEncode(0.3, 0), r"neither a Clifford gate nor exp"),
])  # fmt: skip
def test_gates_that_are_refused(gate, message):
    def function():
        qml.Hadamard(0)
        gate()
        return qml.expval(qml.Z(0))

    with pytest.raises(DeviceError, match=message):
        qml.QNode(function, qml.device("wishart.lie", wires=2))()


def test_an_observable_that_is_not_hermitian():
    with pytest.raises(UnsupportedCircuitError, match="is not Hermitian: its Pauli coefficients are not real"):
        on_lie(lambda: (qml.expval(1j * qml.X(0) + qml.Z(1)),), 2)()


def test_arguments_that_are_refused():
    with pytest.raises(InputError, match="max_dim needs a positive integer.*got 0"):
        LieDevice(wires=2, max_dim=0)
    with pytest.raises(InputError, match="engine needs one of 'auto', 'words', 'majorana'; got 'fast'"):
        LieDevice(wires=2, engine="fast")
    with pytest.raises(WireError, match="wires"):
        qml.QNode(lambda: qml.expval(qml.Z(5)), LieDevice(wires=2))()
    config = qml.devices.ExecutionConfig(device_options={"threads": 4})
    with pytest.raises(DeviceError, match="device options"):
        LieDevice(wires=2).setup_execution_config(config)
