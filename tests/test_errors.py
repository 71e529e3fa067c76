"""Every bad input has its own message, which names what came and what to do."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from circuits import trainable
from pennylane import numpy as pnp

from pennylane_wishart import errors
from pennylane_wishart.circuit import effective_generators, normal_form
from pennylane_wishart.errors import InputError, Status, UnsupportedCircuitError, WishartError


def device(n: int = 2):
    """Return a plain simulator."""
    return qml.device("default.qubit", wires=n)


def qnode_of(middle=None, returns=lambda: qml.expval(qml.Z(0)), dev=None):
    """Return a QNode of two RX with ``middle(x)`` in between and the given measurement."""

    @qml.qnode(dev or device())
    def circuit(x):
        qml.RX(x[0], wires=0)
        if middle is not None:
            middle(x)
        qml.RX(x[1], wires=1)
        qml.CNOT([0, 1])
        return returns()

    return circuit


X = trainable([0.3, 0.7])


# ------------------------------------------------------------------ no trainable parameter
def no_arguments():
    """A QNode without arguments."""

    @qml.qnode(device())
    def circuit():
        qml.RX(0.3, wires=0)
        return qml.expval(qml.Z(0))

    return circuit, ()


def whole_numbers():
    """Only an integer argument."""

    @qml.qnode(device())
    def circuit(n):
        for _ in range(n):
            qml.RX(0.3, wires=0)
        return qml.expval(qml.Z(0))

    return circuit, (3,)


def unused():
    """A trainable argument that no gate uses."""

    @qml.qnode(device())
    def circuit(x):
        qml.RX(0.3, wires=0)
        return qml.expval(qml.Z(0))

    return circuit, (X,)


def marked_as_data():
    """Every array says requires_grad=False."""
    return qnode_of(), (pnp.array([0.3, 0.7], requires_grad=False),)


@pytest.mark.parametrize("make", [no_arguments, whole_numbers, unused, marked_as_data])
def test_no_trainable_parameter(make):
    qnode, args = make()
    with pytest.raises(WishartError, match="(?i)trainable"):
        normal_form(qnode)(*args)


def test_no_trainable_parameter_on_a_tape():
    tape = qml.tape.QuantumScript([qml.RX(0.3, 0)], [qml.expval(qml.Z(0))], trainable_params=[])
    with pytest.raises(WishartError, match="(?i)trainable"):
        normal_form(tape)()


# ------------------------------------------------------------------ what is returned
RETURNS = {
    "probs": (lambda: qml.probs(wires=[0]), "probs"),
    "state": (qml.state, "state"),
    "density_matrix": (lambda: qml.density_matrix(0), "density|state"),
    "var": (lambda: qml.var(qml.Z(0)), "var"),
    "purity": (lambda: qml.purity(0), "purity"),
    "vn_entropy": (lambda: qml.vn_entropy(0), "entropy"),
}
SAMPLED = {
    "counts": (lambda: qml.counts(wires=[0]), "counts"),
    "sample": (lambda: qml.sample(wires=[0]), "sample"),
    "classical_shadow": (lambda: qml.classical_shadow(wires=[0, 1]), "shadow"),
}


@pytest.mark.parametrize("name", RETURNS)
def test_returns_no_expectation_value(name):
    returns, word = RETURNS[name]
    with pytest.raises(UnsupportedCircuitError, match="(?i)expval|expectation") as caught:
        normal_form(qnode_of(returns=returns))(X)
    assert any(w in str(caught.value).lower() for w in word.split("|"))


@pytest.mark.parametrize("name", SAMPLED)
def test_returns_samples(name):
    returns, word = SAMPLED[name]
    with pytest.raises(UnsupportedCircuitError, match="(?i)expval|expectation") as caught:
        normal_form(qml.set_shots(qnode_of(returns=returns), 10))(X)
    assert word in str(caught.value).lower()


def several():
    """Return two expectation values and probabilities."""
    return qml.expval(qml.Z(0)), qml.expval(qml.X(1)), qml.probs(wires=[1])


def test_several_returns_need_output():
    """The message lists what there is to choose from."""
    with pytest.raises(WishartError, match="output") as caught:
        normal_form(qnode_of(returns=several))(X)
    assert "Z(0)" in str(caught.value) and "X(1)" in str(caught.value)


@pytest.mark.parametrize("output", [3, -4, 17])
def test_output_out_of_range(output):
    with pytest.raises(WishartError, match="output"):
        normal_form(qnode_of(returns=several), output=output)(X)


def test_output_is_no_expectation_value():
    with pytest.raises(WishartError, match="(?i)expval|expectation"):
        normal_form(qnode_of(returns=several), output=2)(X)


def test_output_out_of_range_with_one_return():
    with pytest.raises(WishartError, match="output"):
        normal_form(qnode_of(), output=1)(X)


# ------------------------------------------------------------------ what is in the circuit
def test_mid_circuit_measurement():
    with pytest.raises(UnsupportedCircuitError, match="(?i)mid-circuit"):
        normal_form(qnode_of(lambda x: qml.measure(0)))(X)


def test_mid_circuit_measurement_with_conditional():
    def middle(x):
        m = qml.measure(0)
        qml.cond(m, qml.RY)(x[0], wires=1)

    with pytest.raises(UnsupportedCircuitError, match="(?i)mid-circuit"):
        normal_form(qnode_of(middle))(X)


def test_mid_circuit_measurement_with_reset_and_postselection():
    for options in ({"reset": True}, {"postselect": 0}):
        with pytest.raises(UnsupportedCircuitError, match="(?i)mid-circuit"):
            normal_form(qnode_of(lambda x, options=options: qml.measure(0, **options)))(X)


def test_expectation_value_of_a_mid_circuit_measurement():
    @qml.qnode(device())
    def circuit(x):
        qml.RX(x[0], wires=0)
        return qml.expval(qml.measure(0))

    with pytest.raises(UnsupportedCircuitError, match="(?i)mid-circuit"):
        normal_form(circuit)(X)


def test_qutrits():
    @qml.qnode(qml.device("default.qutrit", wires=2))
    def circuit(x):
        qml.TRX(x[0], wires=0, subspace=(0, 1))
        qml.TRY(x[1], wires=1, subspace=(0, 2))
        return qml.expval(qml.GellMann(0, 3))

    with pytest.raises(UnsupportedCircuitError, match="(?i)qutrit"):
        normal_form(circuit)(X)


class Scramble(qml.operation.Operation):
    """A fixed gate on nine wires that is known by its matrix alone."""

    num_wires = 9
    num_params = 0

    @staticmethod
    def compute_matrix():
        return np.linalg.qr(np.random.default_rng(0).normal(size=(2**9, 2**9)))[0]


def test_fixed_gate_too_large_to_conjugate():
    """A dense unitary on many wires between trainable gates, beyond 10 qubits."""
    n = 12

    @qml.qnode(device(n))
    def circuit(x):
        for q in range(n):
            qml.RX(x[q], wires=q)
        Scramble(wires=range(9))
        for q in range(n):
            qml.RX(x[n + q], wires=q)
        return qml.expval(qml.Z(0))

    with pytest.raises(UnsupportedCircuitError, match="(?i)too large") as caught:
        normal_form(circuit)(trainable(np.linspace(0, 1, 2 * n)))
    assert "Scramble" in str(caught.value)


def test_fixed_gates_that_scramble_too_far():
    """Fixed rotations that turn a generator into a sum of too many words."""
    n = 12

    @qml.qnode(device(n))
    def circuit(x):
        qml.RX(x[0], wires=0)
        for _ in range(12):
            for q in range(n):
                qml.Hadamard(q)
                qml.T(q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        qml.RX(x[1], wires=1)
        return qml.expval(qml.Z(0))

    nf = normal_form(circuit)(X)
    with pytest.raises(UnsupportedCircuitError, match="(?i)too (large|many)|terms"):
        effective_generators(nf)


def test_trainable_state_preparation():
    @qml.qnode(device())
    def circuit(x):
        qml.AmplitudeEmbedding(x, wires=[0], normalize=True)
        qml.RX(x[0], wires=0)
        return qml.expval(qml.Z(0))

    with pytest.raises(UnsupportedCircuitError, match="(?i)AmplitudeEmbedding|state|trainable"):
        normal_form(circuit)(X)


def test_trainable_matrix():
    def middle(x):
        qml.QubitUnitary(qml.math.stack([[pnp.cos(x[0]), -pnp.sin(x[0])], [pnp.sin(x[0]), pnp.cos(x[0])]]), wires=0)

    with pytest.raises(UnsupportedCircuitError, match="(?i)QubitUnitary|matrix|depends"):
        normal_form(qnode_of(middle))(X)


def test_trainable_observable():
    @qml.qnode(device())
    def circuit(x):
        qml.RX(x[0], wires=0)
        return qml.expval(qml.Hamiltonian([x[0], x[1]], [qml.Z(0), qml.X(0)]))

    with pytest.raises(UnsupportedCircuitError, match="(?i)observable|depends"):
        normal_form(circuit)(X)


def test_structure_that_depends_on_a_parameter():
    """A Python branch on a trainable value: the circuit is another one elsewhere."""

    def middle(x):
        if x[0] > 0.5:
            qml.Hadamard(0)
            qml.T(0)

    with pytest.raises(UnsupportedCircuitError, match="(?i)depend|structure"):
        normal_form(qnode_of(middle))(X)


NONLINEAR = {
    "square": lambda x: x[0] ** 2,
    "product": lambda x: x[0] * x[1],
    "sine": lambda x: pnp.sin(x[0]),
    "quotient": lambda x: x[0] / (1 + x[1] ** 2),
    "norm": lambda x: pnp.linalg.norm(x),
    "tanh": lambda x: 3 * pnp.tanh(x[1]),
    "absolute value": lambda x: pnp.abs(x[0] - 0.31),
    "exponential": lambda x: pnp.exp(x[0]),
}


@pytest.mark.parametrize("name", NONLINEAR)
def test_nonlinear_dependence(name):
    with pytest.raises(UnsupportedCircuitError, match="(?i)linear|affine"):
        normal_form(qnode_of(lambda x: qml.RY(NONLINEAR[name](x), wires=0)))(X)


def test_nonlinear_embedding():
    """IQPEmbedding multiplies features: they can be data, not parameters."""

    @qml.qnode(device())
    def circuit(x):
        qml.IQPEmbedding(x, wires=[0, 1])
        qml.RX(x[0], wires=0)
        return qml.expval(qml.X(0))

    with pytest.raises(UnsupportedCircuitError, match="(?i)linear|affine"):
        normal_form(circuit)(X)


# ------------------------------------------------------------------ arguments
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_in_a_parameter(value):
    with pytest.raises(InputError, match="(?i)nan|finite"):
        normal_form(qnode_of())(trainable([0.3, value]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_data(value):
    @qml.qnode(device())
    def circuit(data, x):
        qml.AngleEmbedding(data, wires=[0, 1])
        qml.RX(x[0], wires=0)
        return qml.expval(qml.Z(0))

    with pytest.raises(InputError, match="(?i)nan|finite"):
        normal_form(circuit)(pnp.array([0.1, value], requires_grad=False), X)


def test_nan_in_angles_later():
    circuit = normal_form(qnode_of())(X)
    with pytest.raises(InputError, match="(?i)nan|finite"):
        circuit.angles(np.array([0.3, np.nan]))


def test_complex_parameter():
    with pytest.raises(WishartError, match="(?i)complex|real|float"):
        normal_form(qnode_of(), argnums=0)(np.array([0.3 + 1j, 0.7]))


@pytest.mark.parametrize("argnums", [5, [0, 3], -2], ids=str)
def test_argnums_out_of_range(argnums):
    with pytest.raises(InputError, match="argnums"):
        normal_form(qnode_of(), argnums=argnums)(X)


@pytest.mark.parametrize("argnums", ["nowhere", 0.5, [0.5]], ids=str)
def test_argnums_of_the_wrong_kind(argnums):
    with pytest.raises(InputError, match="argnums"):
        normal_form(qnode_of(), argnums=argnums)(X)


def test_unknown_encoding():
    with pytest.raises(InputError, match="encoding"):
        normal_form(qnode_of(), encoding="uniform")(X)


@pytest.mark.parametrize("what", [3, None, "circuit", np.sin, lambda x: x], ids=repr)
def test_not_a_qnode(what):
    with pytest.raises(InputError, match="QNode"):
        normal_form(what)(X)


def test_new_arguments_of_another_shape():
    circuit = normal_form(qnode_of())(X)
    with pytest.raises(WishartError, match="(?i)shape"):
        circuit.angles(np.array([0.3, 0.7, 0.9]))


def test_wrong_number_of_angles():
    circuit = normal_form(qnode_of())(X)
    with pytest.raises(InputError, match="(?i)shape"):
        circuit.loss(np.zeros(5))
    with pytest.raises(InputError, match="(?i)shape"):
        circuit.angles_of(np.zeros(5))


def test_loss_of_too_many_qubits():
    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        for q in range(24):
            qml.RX(x[q], wires=q)
        return qml.expval(qml.Z(0))

    nf = normal_form(circuit)(trainable(np.zeros(24)))
    with pytest.raises(InputError, match="20"):
        nf.loss(np.zeros(24))


# ------------------------------------------------------------------ devices and compilers
def test_wires_that_the_device_lacks():
    with pytest.raises(WishartError, match="(?i)wire") as caught:
        normal_form(qnode_of(lambda x: qml.RY(x[0], wires="elsewhere")))(X)
    assert "elsewhere" in str(caught.value)


def test_observable_on_wires_that_the_device_lacks():
    with pytest.raises(WishartError, match="(?i)wire") as caught:
        normal_form(qnode_of(returns=lambda: qml.expval(qml.Z(7))))(X)
    assert "7" in str(caught.value)


def test_capture(monkeypatch):
    """With program capture on, informative transforms do nothing: say so."""
    monkeypatch.setattr(qml.capture, "enabled", lambda: True)
    with pytest.raises(WishartError, match="(?i)capture"):
        normal_form(qnode_of())(X)


@pytest.mark.interfaces
def test_capture_for_real():
    """The same with the switch that a user throws."""
    pytest.importorskip("jax", reason="jax is not installed (extra: interfaces)")
    qnode = qnode_of()
    try:
        qml.capture.enable()
    except ImportError as error:
        pytest.skip(f"this version of jax cannot capture: {error}")
    try:
        with pytest.raises(WishartError, match="(?i)capture"):
            normal_form(qnode)(X)
    finally:
        qml.capture.disable()


def test_qjit_object_without_its_original_function():
    class QJIT:
        """Stands for a compiled object that has lost its source."""

        def __call__(self, x):
            return 0.0

    with pytest.raises(WishartError, match="(?i)original_function|qjit"):
        normal_form(QJIT())(X)


# ------------------------------------------------------------------ the exceptions themselves
def test_every_exception_is_a_wishart_error():
    found = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)]
    assert len(found) > 8
    assert all(issubclass(e, WishartError | Warning) for e in found)


def test_interruptions_carry_what_was_measured():
    for kind in (errors.MeasurementInterrupted, errors.StoreError):
        assert kind("stopped", partial=[1, 2]).partial == [1, 2]
        assert kind("stopped").partial is None
    assert errors.UntrainableError("no", diagnosis="d").diagnosis == "d"


def test_status_values_are_sentences():
    for status in Status:
        assert str(status) == status.value
        assert status.value[0].isupper() and status.value.endswith(".")
    assert len({s.value for s in Status}) == len(Status)


def test_wrong_shape_names_what_came():
    """The user's own IndexError, with the shapes and what to try."""
    with pytest.raises(InputError, match=r"own function raised IndexError.*shapes \(1,\).*call the QNode itself"):
        normal_form(qnode_of())(trainable([0.3]))


def test_an_undecorated_function_is_told_to_be_decorated():
    """A plain function is the commonest wrong argument."""
    with pytest.raises(InputError, match=r"got function. Decorate the function with @qml.qnode"):
        normal_form(lambda x: qml.expval(qml.Z(0)))(X)


def test_a_template_that_cannot_be_taken_apart_says_why():
    """A block whose arguments have other names than the template passes: PennyLane's own words are handed on."""

    def block(w, wires):
        qml.RY(w[0], wires[0])
        qml.CNOT(wires)

    @qml.qnode(qml.device("default.qubit", wires=12))
    def circuit(w):
        qml.MPS(range(12), 2, block, 1, w)
        return qml.expval(qml.Z(11))

    with pytest.raises(UnsupportedCircuitError, match=r"MPS acts on 12 wires.*unexpected keyword argument 'weights'"):
        normal_form(circuit)(pnp.zeros((11, 1), requires_grad=True))
