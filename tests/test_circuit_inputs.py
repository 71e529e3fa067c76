"""Everything a normal form is read from: arguments, wires, data, states, interfaces, tapes."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pennylane as qml
import pytest
from circuits import trainable
from pennylane import numpy as pnp
from scipy.sparse import csr_matrix

from pennylane_wishart.circuit import InputState, normal_form
from pennylane_wishart.errors import InputError, WishartWarning

TOLERANCE = 1e-10


def angles(seed: int, *shape: int) -> np.ndarray:
    """Return plain random angles."""
    return np.random.default_rng(seed).uniform(-3, 3, shape)


def fixed(values) -> pnp.tensor:
    """Return data: an array that PennyLane does not differentiate."""
    return pnp.array(values, requires_grad=False)


def small(weights, wires=(0, 1, 2)):
    """Queue a three-wire ansatz in which every parameter matters, weights (layers, 3, 2)."""
    for layer in weights:
        for q, w in enumerate(wires):
            qml.RX(layer[q, 0], wires=w)
            qml.RZ(layer[q, 1], wires=w)
        qml.CNOT(wires=[wires[0], wires[1]])
        qml.CNOT(wires=[wires[1], wires[2]])


def close(got, want):
    """Check two losses to the tolerance of the room."""
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(want, float), rtol=0, atol=TOLERANCE)


# ------------------------------------------------------------------ wires
LABELS = [["a", 7, "b"], [3, 1, 2], [10, "q0", -1], [2, 0, 1]]


@pytest.mark.parametrize("labels", LABELS, ids=str)
@pytest.mark.parametrize("declared", ["none", "same", "reversed", "spare"])
def test_wire_labels(labels, declared):
    """Any labels, in any order, on a device that declares them or not."""
    wires = {"none": None, "same": labels, "reversed": labels[::-1], "spare": ["spare", *labels, "more"]}[declared]

    @qml.qnode(qml.device("default.qubit", wires=wires))
    def circuit(weights):
        small(weights, labels)
        return qml.expval(qml.Z(labels[0]) @ qml.X(labels[1]) + 0.3 * qml.Y(labels[2]))

    nf = normal_form(circuit)(trainable(angles(0, 2, 3, 2)))
    assert set(nf.wires) >= set(labels)
    assert len(nf.wires) == nf.n_qubits
    for seed in range(2):
        x = angles(seed, 2, 3, 2)
        close(nf.loss(nf.angles(x)), circuit(x))


def test_generators_follow_the_order_of_wires():
    """The first letter of a word belongs to ``wires[0]``."""

    @qml.qnode(qml.device("default.qubit", wires=["b", "a"]))
    def circuit(x):
        qml.RX(x, wires="a")
        return qml.expval(qml.Z("b") @ qml.Z("a"))

    nf = normal_form(circuit)(trainable(0.3))
    letters = dict(zip(nf.wires, nf.generators[0].words.strings()[0]))
    assert letters["a"] == "X" and letters["b"] == "I"


def test_numpy_integer_wires():
    """Wires that come out of numpy arrays are the same wires."""

    @qml.qnode(qml.device("default.qubit", wires=3))
    def circuit(weights):
        small(weights, [np.int64(q) for q in range(3)])
        return qml.expval(qml.Z(2) @ qml.X(0))

    x = angles(4, 1, 3, 2)
    nf = normal_form(circuit)(trainable(x))
    close(nf.loss(nf.angles(x)), circuit(x))


# ------------------------------------------------------------------ arguments
@qml.qnode(qml.device("default.qubit"))
def several(a, weights, b=0.2, *, scale=1.0, layers=1, name="Z"):
    """Arguments of several shapes, a default, and keyword-only ones."""
    qml.RY(a, wires=0)
    small(weights)
    for _ in range(layers):
        qml.IsingXX(scale * b, wires=[0, 2])
        qml.RY(a, wires=1)
    return qml.expval(getattr(qml, name)(0) @ qml.Z(1))


def test_arguments_of_several_shapes():
    """Flat parameters run through the trainable arguments in order."""
    args = (trainable(0.4), trainable(angles(1, 2, 3, 2)), trainable(-0.9))
    nf = normal_form(several)(*args)
    assert nf.n_params == 1 + 12 + 1
    assert nf.trace.argnums == (0, 1, 2)
    assert nf.trace.shapes == ((), (2, 3, 2), ())
    np.testing.assert_allclose(nf.trace.parameters(*args), np.concatenate([np.ravel(a) for a in args]))
    new = (1.1, angles(2, 2, 3, 2), 0.3)
    close(nf.loss(nf.angles(*new)), several(*new))


def test_data_argument_is_no_parameter():
    """An argument with requires_grad=False is data: fixed at the given value."""
    args = (fixed(0.4), trainable(angles(1, 2, 3, 2)), fixed(-0.9))
    nf = normal_form(several)(*args)
    assert nf.n_params == 12 and nf.trace.argnums == (1,)
    x = angles(3, 2, 3, 2)
    close(nf.loss(nf.angles(args[0], x, args[2])), several(0.4, x, -0.9))


@pytest.mark.parametrize(("argnums", "n_params"), [(0, 1), (1, 12), ([0, 2], 2), ((1, 2), 13), ([2, 0], 2)], ids=str)
def test_argnums(argnums, n_params):
    """``argnums`` chooses the trainable arguments, whatever the arrays say."""
    args = (fixed(0.4), trainable(angles(1, 2, 3, 2)), 0.9)
    nf = normal_form(several, argnums=argnums)(*args)
    assert nf.n_params == n_params
    close(nf.loss(nf.angles(*args)), several(0.4, np.array(args[1]), 0.9))
    chosen = [argnums] if isinstance(argnums, int) else argnums
    new = [angles(7 + k, *np.shape(a)) if k in chosen else a for k, a in enumerate(args)]
    close(nf.loss(nf.angles(*new)), several(*[np.array(a) for a in new]))


def test_keyword_arguments_are_data():
    """Keyword arguments reach the QNode and are never parameters."""
    args = (trainable(0.4), trainable(angles(1, 1, 3, 2)))
    kwargs = {"scale": 0.7, "layers": 3, "name": "X", "b": 0.55}
    nf = normal_form(several)(*args, **kwargs)
    assert nf.n_params == 7
    new = (0.1, angles(5, 1, 3, 2))
    close(nf.loss(nf.angles(*new, **kwargs)), several(*new, **kwargs))


def test_default_values_are_data():
    """A default that is not passed is data."""
    nf = normal_form(several)(trainable(0.4), trainable(angles(1, 1, 3, 2)))
    assert nf.n_params == 7
    new = (0.1, angles(5, 1, 3, 2))
    close(nf.loss(nf.angles(*new)), several(*new))


@pytest.mark.parametrize("kind", ["float", "list of arrays", "ndarray"])
def test_unmarked_float_arguments_are_trainable_with_a_notice(kind, caplog):
    """No argument marked: all float arguments are trainable, and the user is told."""
    weights = angles(1, 1, 3, 2)

    @qml.qnode(qml.device("default.qubit"))
    def circuit(a, w, steps):
        qml.RY(a, wires=0)
        for _ in range(steps):
            small([w[0]] if kind == "list of arrays" else w)
        return qml.expval(qml.Z(0) @ qml.X(2))

    args = (0.3, [weights[0]] if kind == "list of arrays" else weights, 2)
    if kind == "float":
        args = (0.3, fixed(weights), 2)
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.INFO, "pennylane_wishart"):
        warnings.simplefilter("always")
        nf = normal_form(circuit)(*args)
    told = [str(w.message) for w in caught if issubclass(w.category, WishartWarning)]
    told += [r.getMessage() for r in caplog.records]
    assert any("trainable" in message for message in told)
    assert nf.n_params == (1 if kind == "float" else 7)
    close(nf.loss(nf.angles(*args)), circuit(*args))


def test_parameter_that_no_gate_uses_keeps_its_place():
    """Array elements without a gate still count: flat indices are those of the user's array."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x[1], wires=0)
        qml.RY(x[3], wires=0)
        return qml.expval(qml.Z(0))

    nf = normal_form(circuit)(trainable([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert nf.n_params == 5
    assert nf.parameter_of.tolist() == [1, 3]


# ------------------------------------------------------------------ interfaces
def interface_qnode(interface: str):
    """Return a QNode of two arguments for an interface."""

    @qml.qnode(qml.device("default.qubit"), interface=interface)
    def circuit(data, weights):
        qml.AngleEmbedding(data, wires=range(3))
        small(2 * weights)
        return qml.expval(qml.Z(0) @ qml.X(1))

    return circuit


@pytest.mark.parametrize("interface", ["auto", "autograd", "numpy"])
def test_autograd_and_numpy(interface):
    """Arrays of pennylane.numpy, whatever the QNode calls its interface."""
    circuit = interface_qnode(interface)
    data, weights = angles(0, 3), angles(1, 2, 3, 2)
    nf = normal_form(circuit, argnums=1)(fixed(data), trainable(weights))
    assert nf.n_params == 12
    new = angles(2, 2, 3, 2)
    close(nf.loss(nf.angles(data, new)), circuit(data, new))


@pytest.mark.interfaces
@pytest.mark.parametrize("interface", ["auto", "jax", "jax-jit"])
def test_jax(interface):
    """Concrete jax arrays; ``argnums`` defaults to the first argument there, as for jax.grad."""
    jax = pytest.importorskip("jax", reason="jax is not installed (extra: interfaces)")
    jax.config.update("jax_enable_x64", True)
    circuit = interface_qnode(interface)
    data, weights = jax.numpy.array(angles(0, 3)), jax.numpy.array(angles(1, 2, 3, 2))
    nf = normal_form(circuit, argnums=1)(data, weights)
    assert nf.n_params == 12
    new = angles(2, 2, 3, 2)
    close(nf.loss(nf.angles(data, jax.numpy.array(new))), circuit(data, jax.numpy.array(new)))
    both = normal_form(circuit, argnums=[0, 1])(data, weights)
    assert both.n_params == 15
    close(both.loss(both.angles(data, weights)), circuit(data, weights))


@pytest.mark.interfaces
@pytest.mark.parametrize("interface", ["auto", "torch"])
def test_torch(interface):
    """Tensors with requires_grad are trainable, others are data; several shapes."""
    torch = pytest.importorskip("torch", reason="torch is not installed (extra: interfaces)")
    circuit = interface_qnode(interface)
    data = torch.tensor(angles(0, 3))
    weights = torch.tensor(angles(1, 2, 3, 2), requires_grad=True)
    nf = normal_form(circuit)(data, weights)
    assert nf.n_params == 12
    new = torch.tensor(angles(2, 2, 3, 2), requires_grad=True)
    close(nf.loss(nf.angles(data, new)), circuit(data, new).detach())
    both = normal_form(circuit, argnums=[0, 1])(data, weights)
    assert both.n_params == 15


@pytest.mark.interfaces
def test_torch_layer():
    """TorchLayer's qnode is taken with its inputs as data and its weights as arguments."""
    torch = pytest.importorskip("torch", reason="torch is not installed (extra: interfaces)")

    @qml.qnode(qml.device("default.qubit"))
    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(3))
        small(weights)
        return qml.expval(qml.Z(0) @ qml.X(1))

    layer = qml.qnn.TorchLayer(circuit, {"weights": (2, 3, 2)})
    data, weights = torch.tensor(angles(0, 3)), layer.weights.detach().clone().double().requires_grad_()
    nf = normal_form(layer.qnode)(data, weights)
    assert nf.n_params == 12
    close(nf.loss(nf.angles(data, weights)), layer.qnode(data, weights).detach())


# ------------------------------------------------------------------ outputs, shots, tapes
@pytest.mark.parametrize("container", [tuple, list])
def test_output_picks_one_expectation_value(container):
    """``output=i`` is the i-th returned value."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        small(weights)
        return container([qml.expval(qml.Z(0)), qml.expval(qml.X(1) @ qml.Y(2)), qml.expval(qml.Projector([1], 2))])

    x = trainable(angles(0, 2, 3, 2))
    for i in range(3):
        nf = normal_form(circuit, output=i)(x)
        close(nf.loss(nf.angles(x)), circuit(np.array(x))[i])


def test_output_beside_other_measurements():
    """A chosen expectation value is read though the QNode also returns something else."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        small(weights)
        return qml.probs(wires=[0]), qml.expval(qml.X(1))

    x = trainable(angles(0, 1, 3, 2))
    nf = normal_form(circuit, output=1)(x)
    close(nf.loss(nf.angles(x)), circuit(np.array(x))[1])


def test_shots_do_not_matter():
    """A QNode with finite shots has the same normal form as without."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        small(weights)
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = trainable(angles(0, 2, 3, 2))
    sampled = normal_form(qml.set_shots(circuit, 10))(x)
    exact = normal_form(circuit)(x)
    assert sampled.content_hash == exact.content_hash
    close(sampled.loss(sampled.angles(x)), circuit(np.array(x)))


@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit", "default.mixed", "reference.qubit"])
@pytest.mark.parametrize("diff_method", ["best", "parameter-shift", None])
def test_device_and_gradient_method_do_not_matter(device, diff_method):
    """The same circuit, whatever device and gradient method the QNode names."""

    @qml.qnode(qml.device(device, wires=3), diff_method=diff_method)
    def circuit(weights):
        small(weights)
        qml.SingleExcitation(weights[0, 0, 0], wires=[0, 2])
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = angles(6, 1, 3, 2)
    nf = normal_form(circuit)(trainable(x))
    close(nf.loss(nf.angles(x)), qml.QNode(circuit.func, qml.device("default.qubit"))(x))


def test_transformed_qnode():
    """Transforms of the user's compile pipeline are part of the circuit, or leave it equal."""

    @qml.transforms.merge_rotations
    @qml.transforms.cancel_inverses
    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        small(weights)
        qml.Hadamard(0)
        qml.Hadamard(0)
        qml.RX(weights[0, 0, 0], wires=0)
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = angles(6, 1, 3, 2)
    nf = normal_form(circuit)(trainable(x))
    close(nf.loss(nf.angles(x)), circuit(x))


def test_tape():
    """A tape stands for itself: its trainable gate parameters are the parameters."""
    x = angles(0, 4)
    ops = [
        qml.RX(x[0], 0),
        qml.CNOT([0, 1]),
        qml.Rot(x[1], x[2], 0.4, 1),
        qml.T(0),
        qml.IsingYY(x[3], [0, 1]),
        qml.Hadamard(0),
    ]
    tape = qml.tape.QuantumScript(ops, [qml.expval(qml.Z(0) @ qml.X(1))], trainable_params=[0, 2, 4])
    nf = normal_form(tape)()
    assert nf.n_params == 3
    new = angles(1, 3)
    want = qml.device("default.qubit").execute(tape.bind_new_parameters(new, [0, 2, 4]))
    close(nf.loss(nf.angles_of(new)), want)
    close(nf.loss(nf.angles_of(nf.trace.values)), qml.device("default.qubit").execute(tape))


def test_bound_tape_gives_the_same_loss():
    """``trace.bind(θ)`` is a tape of elementary gates with the QNode's loss."""
    args = (trainable(0.4), trainable(angles(1, 2, 3, 2)), trainable(-0.9))
    nf = normal_form(several)(*args)
    theta = angles(3, nf.n_params)
    close(nf.loss(nf.angles_of(theta)), qml.device("default.qubit").execute(nf.trace.bind(theta)))
    new = (theta[0], theta[1:13].reshape(2, 3, 2), theta[13])
    close(nf.loss(nf.angles_of(theta)), several(*new))


def test_batches_of_angles_are_rows():
    """Angles (batch, n_rotations) give (batch,) losses, row by row."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        small(weights)
        qml.IsingXY(weights[0, 1, 1], wires=[1, 2])
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = angles(0, 4, 2, 3, 2)
    nf = normal_form(circuit)(trainable(x[0]))
    losses = nf.loss(nf.angles_of(x.reshape(4, -1)))
    assert losses.shape == (4,)
    close(losses, [circuit(row) for row in x])


def test_same_circuit_same_hash():
    """content_hash does not depend on the values of the parameters, and sees a changed gate."""

    def make(gate):
        @qml.qnode(qml.device("default.qubit"))
        def circuit(weights):
            small(weights)
            gate(0)
            return qml.expval(qml.Z(0) @ qml.X(1))

        return circuit

    first = normal_form(make(qml.T))(trainable(angles(0, 1, 3, 2)))
    again = normal_form(make(qml.T))(trainable(angles(1, 1, 3, 2)))
    other = normal_form(make(qml.S))(trainable(angles(0, 1, 3, 2)))
    assert first.content_hash == again.content_hash != other.content_hash


def matrix_measured(n, entry, sparse):
    """Rotations on n wires and a diagonal matrix, one entry in the middle given: PennyLane prints the corners alone."""
    diagonal = np.linspace(-1, 1, 2**n)
    diagonal[2 ** (n - 1)] = entry

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        for q in range(n):
            qml.RY(x[q], q)
        matrix = csr_matrix(np.diag(diagonal)) if sparse else np.diag(diagonal)
        return qml.expval((qml.SparseHamiltonian if sparse else qml.Hermitian)(matrix, range(n)))

    return normal_form(circuit)(trainable(np.linspace(0.1, 1, n)))


@pytest.mark.parametrize("sparse", [False, True])
def test_large_matrices_that_differ_have_other_hashes(sparse):
    first, other = (matrix_measured(6, entry, sparse) for entry in (0.5, 0.6))
    assert first.content_hash == matrix_measured(6, 0.5, sparse).content_hash != other.content_hash


def test_sparse_matrices_are_read_as_dense_ones():
    sparse, dense = (matrix_measured(3, 0.5, s) for s in (True, False))
    assert str(sparse.observable) == str(dense.observable)
    close(sparse.observable.coefficients, dense.observable.coefficients)


# ------------------------------------------------------------------ input states
PREPARATIONS = {
    "nothing": (lambda n: None, "basis"),
    "X gates": (lambda n: [qml.X(q) for q in range(0, n, 2)], "basis"),
    "BasisState": (lambda n: qml.BasisState(np.arange(n) % 2, wires=range(n)), "basis"),
    "BasisEmbedding": (lambda n: qml.BasisEmbedding(np.arange(n) % 2, wires=range(n)), "basis"),
    "BasisState of an int": (lambda n: qml.BasisState(np.array([1]), wires=[n - 1]), "basis"),
    "BasisState and X": (lambda n: [qml.BasisState(np.ones(n, int), wires=range(n)), qml.X(0)], "basis"),
    "Hadamards": (lambda n: [qml.Hadamard(q) for q in range(n)], "product"),
    "AngleEmbedding": (lambda n: qml.AngleEmbedding(angles(1, n), wires=range(n), rotation="Y"), "product"),
    "T on plus": (lambda n: [f(q) for q in range(n) for f in (qml.Hadamard, qml.T)], "product"),
    "Rot on basis": (
        lambda n: [
            qml.BasisState(np.arange(n) % 2, wires=range(n)),
            *[qml.Rot(0.3, q, 0.7, wires=q) for q in range(n)],
        ],
        "product",
    ),
    "StatePrep on one wire": (lambda n: qml.StatePrep(np.array([0.6, 0.8j]), wires=n - 1), "product"),
    "GHZ": (lambda n: [qml.Hadamard(0), *[qml.CNOT([q, q + 1]) for q in range(n - 1)]], "stabilizer"),
    "graph state": (
        lambda n: [*[qml.Hadamard(q) for q in range(n)], *[qml.CZ([q, (q + 1) % n]) for q in range(n)]],
        "stabilizer",
    ),
}


def prepared(preparation, n: int, observable):
    """Return a QNode that prepares a state, then two layers of RX, IsingZZ on a chain and RY."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        preparation(n)
        for layer in weights:
            for q in range(n):
                qml.RX(layer[q, 0], wires=q)
            for q in range(n - 1):
                qml.IsingZZ(layer[q, 2], wires=[q, q + 1])
            for q in range(n):
                qml.RY(layer[q, 1], wires=q)
        return qml.expval(observable)

    return circuit


@pytest.mark.parametrize("name", PREPARATIONS)
def test_state_kinds_are_kept(name):
    """Fixed gates before the first trainable one become the state, as simple as it is."""
    preparation, kind = PREPARATIONS[name]
    n = 4
    circuit = prepared(preparation, n, qml.Z(0) @ qml.X(2) + qml.Y(3))
    x = angles(2, 2, n, 3)
    nf = normal_form(circuit)(trainable(x))
    assert nf.parameter_of.min() >= 0
    close(nf.loss(nf.angles(x)), circuit(x))
    # A Clifford preparation may sit in the frame instead, where it is simpler still.
    kinds = ["basis", "product", "stabilizer"]
    assert nf.state.kind in kinds[: kinds.index(kind) + 1]


@pytest.mark.parametrize("name", PREPARATIONS)
def test_states_on_many_qubits(name):
    """The same on 60 qubits, where no state vector fits: expectation values by hand."""
    preparation, kind = PREPARATIONS[name]
    n = 60
    circuit = prepared(preparation, n, qml.Z(0) @ qml.Z(59))
    nf = normal_form(circuit)(trainable(np.zeros((1, n, 3))))
    assert nf.n_qubits == n
    assert nf.state.kind in ("basis", "product", "stabilizer")
    expected = {
        "nothing": 1.0,
        "X gates": -1.0,
        "BasisState": -1.0,
        "BasisEmbedding": -1.0,
        "BasisState of an int": -1.0,
        "BasisState and X": -1.0,
        "Hadamards": 0.0,
        "AngleEmbedding": np.cos(angles(1, n)[0]) * np.cos(angles(1, n)[-1]),
        "T on plus": 0.0,
        "Rot on basis": -np.cos(0) * np.cos(59),
        "StatePrep on one wire": 0.36 - 0.64,
        "GHZ": 1.0,
        "graph state": 0.0,
    }
    value = nf.observable.coefficients @ nf.state.expectation(nf.observable.words)
    assert value == pytest.approx(expected[name], abs=1e-12)


def test_many_qubits_clifford_conjugation():
    """200 qubits: a chain of CNOTs turns X on the first wire into X on all of them."""
    n = 200

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x[0], wires=0)
        for q in range(n - 1):
            qml.CNOT([q, q + 1])
        qml.RZ(x[1], wires=n - 1)
        return qml.expval(qml.X(n - 1))

    nf = normal_form(circuit)(trainable([0.1, 0.2]))
    assert [g.words.strings()[0] for g in nf.generators] == ["X" + "I" * (n - 1), "Z" * n]
    # CNOTs leave an X on the last target where it is.
    assert nf.observable.words.strings() == ["I" * (n - 1) + "X"]


def test_dense_states():
    """AmplitudeEmbedding, StatePrep, IQPEmbedding and entangling non-Cliffords become the state."""
    vector = np.random.default_rng(4).normal(size=(2, 8))
    vector = (vector[0] + 1j * vector[1]) / np.linalg.norm(vector)
    preparations = [
        lambda n: qml.AmplitudeEmbedding(vector, wires=range(3)),
        lambda n: qml.AmplitudeEmbedding(np.array([1.0, 2.0, 3.0]), wires=[2, 0], pad_with=0.5, normalize=True),
        lambda n: qml.StatePrep(vector, wires=[2, 0, 1]),
        lambda n: qml.MottonenStatePreparation(vector, wires=[2, 0, 1]),
        lambda n: qml.IQPEmbedding(angles(8, 3), wires=range(3), n_repeats=2),
        lambda n: [qml.AngleEmbedding(angles(8, 3), wires=range(3)), qml.Toffoli([0, 1, 2]), qml.T(1)],
        lambda n: [qml.StatePrep(vector[:2] / np.linalg.norm(vector[:2]), wires=1), qml.CNOT([1, 3])],
        lambda n: qml.QubitUnitary(np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0], wires=[3, 1]),
    ]
    for preparation in preparations:
        circuit = prepared(preparation, 4, qml.Z(0) @ qml.X(2) + qml.Y(3))
        x = angles(2, 1, 4, 3)
        nf = normal_form(circuit)(trainable(x))
        assert nf.n_params == nf.n_rotations + 1  # the last IsingZZ column of weights is unused
        close(nf.loss(nf.angles(x)), circuit(x))


def test_preparation_on_fresh_wires_after_other_gates():
    """A state prepared late, on wires that nothing has touched, is still part of the input."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x[0], wires=0)
        qml.BasisState(np.array([1]), wires=[1])
        qml.StatePrep(np.array([0.6, 0.8]), wires=[2])
        qml.CNOT([0, 1])
        qml.IsingXY(x[1], wires=[1, 2])
        qml.RY(x[2], wires=0)
        return qml.expval(qml.Z(0) @ qml.Z(1) + qml.X(2))

    x = angles(0, 3)
    nf = normal_form(circuit)(trainable(x))
    close(nf.loss(nf.angles(x)), circuit(x))


def test_fixed_gates_after_the_last_trainable_one():
    """Cliffords and others behind the last parameter go into the observable or stay fixed."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        small(weights)
        qml.T(0)
        qml.CRX(0.4, wires=[0, 2])
        qml.ISWAP([1, 2])
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = angles(0, 1, 3, 2)
    nf = normal_form(circuit)(trainable(x))
    close(nf.loss(nf.angles(x)), circuit(x))


# ------------------------------------------------------------------ data, batches, re-uploading
@qml.qnode(qml.device("default.qubit"))
def embedding(features, weights):
    """Features at the start, then trainable layers."""
    qml.AngleEmbedding(features, wires=range(3), rotation="Y")
    small(weights)
    return qml.expval(qml.Z(0) @ qml.X(1))


def test_batch_of_inputs():
    """Features (B, n): B input states, B losses."""
    features, x = angles(0, 5, 3), angles(1, 2, 3, 2)
    nf = normal_form(embedding)(fixed(features), trainable(x))
    assert len(nf.states) == 5 and nf.n_params == 12
    assert all(s.kind == "product" for s in nf.states)
    losses = nf.loss(nf.angles(fixed(features), x))
    assert losses.shape == (5,)
    close(losses, embedding(features, x))
    rows = angles(2, 4, 12)
    many = nf.loss(nf.angles_of(rows))
    assert many.shape == (4, 5)
    close(many, [embedding(features, row.reshape(2, 3, 2)) for row in rows])
    for datum, state in zip(features, nf.states):
        single = normal_form(embedding)(fixed(datum), trainable(x))
        np.testing.assert_allclose(state.bloch, single.state.bloch, atol=1e-12)


def test_batch_of_amplitudes():
    """AmplitudeEmbedding of (B, 2^n) vectors."""
    vectors = np.random.default_rng(0).normal(size=(3, 8))

    @qml.qnode(qml.device("default.qubit"))
    def circuit(data, weights):
        qml.AmplitudeEmbedding(data, wires=range(3), normalize=True)
        small(weights)
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = angles(1, 1, 3, 2)
    nf = normal_form(circuit)(fixed(vectors), trainable(x))
    assert len(nf.states) == 3
    close(nf.loss(nf.angles(fixed(vectors), x)), circuit(vectors, x))


def test_one_datum_in_a_batch():
    """A batch of one stays a batch of one state."""
    features, x = angles(0, 1, 3), angles(1, 1, 3, 2)
    nf = normal_form(embedding)(fixed(features), trainable(x))
    assert len(nf.states) == 1
    close(np.reshape(nf.loss(nf.angles(fixed(features), x)), (1,)), embedding(features, x))


@qml.qnode(qml.device("default.qubit"))
def reuploading(features, weights):
    """Features before every trainable layer."""
    for k in range(len(weights)):
        qml.AngleEmbedding(features, wires=range(3), rotation="X")
        small(weights[k : k + 1])
        for q in range(3):
            qml.RY(weights[k, q, 0] + 0.0, wires=q)
    return qml.expval(qml.Z(0) @ qml.X(1))


def test_reuploading_at_the_given_data():
    """Encodings between trainable gates are fixed rotations with the exact angle."""
    features, x = fixed([0.3, 1.2, -0.7]), angles(1, 3, 3, 2)
    nf = normal_form(reuploading)(features, trainable(x))
    assert nf.n_params == 18
    assert (nf.parameter_of == -1).sum() == 6
    assert (nf.random_of == -1).all()
    assert nf.state.kind == "product"
    close(nf.loss(nf.angles(features, x)), reuploading(np.array(features), x))
    np.testing.assert_allclose(
        nf.angles(features, x)[nf.parameter_of == -1] * 2 * nf.term_coefficients[nf.starts[:-1]][nf.parameter_of == -1],
        np.tile([0.3, 1.2, -0.7], 2),
        atol=1e-12,
    )


def test_reuploading_clifford_angles_leave_nothing_fixed():
    """Data at multiples of π/2 are Clifford gates and disappear into the frame."""
    features, x = fixed([np.pi / 2, np.pi, -np.pi / 2]), angles(1, 3, 3, 2)
    nf = normal_form(reuploading)(features, trainable(x))
    close(nf.loss(nf.angles(features, x)), reuploading(np.array(features), x))


def test_random_encoding():
    """With encoding="random" every input drives its rotations as a random angle of its own."""
    features, x = fixed([0.3, 1.2, -0.7]), angles(1, 3, 3, 2)
    nf = normal_form(reuploading, encoding="random")(features, trainable(x))
    assert nf.n_params == 18
    data = nf.random_of >= 0
    assert (nf.parameter_of[data] == -1).all()
    # Nine encoding gates, six of them between trainable gates, all fed by three features.
    assert data.sum() in (6, 9)
    assert set(nf.random_of[data]) <= {0, 1, 2}
    assert [np.sum(nf.random_of == k) for k in range(3)] in ([2, 2, 2], [3, 3, 3])


def test_random_encoding_second_moment():
    """Random inputs average the loss as uniform angles do: ℓ = cos(x)·cos(θ) has variance 1/4."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(data, theta):
        qml.RX(theta, wires=0)
        qml.RX(data, wires=1)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(1))

    nf = normal_form(circuit, encoding="random")(fixed(0.4), trainable(0.2))
    assert nf.n_params == 1
    moments = nf.rotation_moments(nf.angle_law("uniform"))
    np.testing.assert_allclose(moments.cos2[nf.random_of >= 0], 0.5)
    np.testing.assert_allclose(moments.cos[nf.random_of >= 0], 0.0, atol=1e-15)


def test_given_encoding_is_default():
    """encoding="fixed" is what one gets without asking."""
    features, x = fixed([0.3, 1.2, -0.7]), trainable(angles(1, 2, 3, 2))
    assert (
        normal_form(reuploading)(features, x).content_hash
        == normal_form(reuploading, encoding="fixed")(features, x).content_hash
    )


def test_fixed_non_clifford_gates_become_fixed_rotations():
    """T, Toffoli and QubitUnitary between trainable gates: exact on 12 qubits too."""
    unitary = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    n = 12

    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(x):
        for q in range(n):
            qml.RY(x[0, q], wires=q)
        qml.T(0)
        qml.Toffoli([1, 5, 9])
        qml.QubitUnitary(unitary, wires=[2, 11])
        for q in range(n - 1):
            qml.CNOT([q, q + 1])
        for q in range(n):
            qml.RX(x[1, q], wires=q)
        return qml.expval(qml.Z(0) @ qml.X(5) @ qml.Z(9) @ qml.Y(11))

    x = angles(1, 2, n)
    nf = normal_form(circuit)(trainable(x))
    assert nf.n_params == 24
    close(nf.loss(nf.angles(x)), circuit(x))


def test_with_state():
    """The same circuit on another input state."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights, bits):
        qml.BasisState(bits, wires=range(3))
        small(weights)
        return qml.expval(qml.Z(0) @ qml.X(1))

    x = angles(3, 2, 3, 2)
    nf = normal_form(circuit, argnums=0)(trainable(x), np.array([0, 0, 0]))
    other = nf.with_state(InputState.basis([1, 0, 1]))
    close(other.loss(other.angles_of(x.reshape(-1))), circuit(x, np.array([1, 0, 1])))
    with pytest.raises(InputError, match="qubits"):
        nf.with_state(InputState.basis([1, 0]))


def test_plain_qjit_object_is_taken_through_its_original_function():
    """An object that carries the QNode as ``original_function`` stands for that QNode."""

    class Compiled:
        def __init__(self, function):
            self.original_function = function

        def __call__(self, *args):
            return self.original_function(*args)

    x = angles(3, 2, 3, 2)
    features = fixed([0.1, 0.2, 0.3])
    nf = normal_form(Compiled(embedding))(features, trainable(x))
    assert nf.n_params == 12
    close(nf.loss(nf.angles(features, x)), embedding(np.array(features), x))


# ------------------------------------------------------------------ single precision
@pytest.mark.interfaces
@pytest.mark.parametrize("interface", ["jax", "torch"])
def test_single_precision_gives_the_periods_of_double(interface):
    """float32 arguments, jax's default: slopes off by 1e-8 would make the period of 2θ sixteen times too long."""
    library = pytest.importorskip(interface)

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(weights):
        qml.RX(0.3 * weights[0], 0)
        qml.RY(2 * weights[1], 0)
        qml.CNOT([0, 1])
        qml.RZ(weights[2], 1)
        return qml.expval(qml.Z(0) @ qml.X(1))

    values = np.array([0.25, 0.5, 0.75])  # exact in both precisions
    if interface == "jax":
        single = library.numpy.asarray(values, dtype="float32")
    else:
        single = library.tensor(values, dtype=library.float32, requires_grad=True)
    got, want = (normal_form(circuit, argnums=[0])(w) for w in (single, trainable(values)))
    np.testing.assert_allclose(got.trace.map.toarray(), want.trace.map.toarray(), rtol=0, atol=1e-14)
    assert got.content_hash == want.content_hash
