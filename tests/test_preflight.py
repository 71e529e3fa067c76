"""preflight(on_fail="raise") raises until the check passes; everything else is told once for a kind of call."""

import threading
import warnings

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.decorators import gate
from pennylane_wishart.errors import UntrainableError, WishartWarning

X = pnp.array([0.3, 0.4], requires_grad=True)


def one_qubit(x):
    """⟨Z⟩ after rotations about Z: constant."""
    qml.RZ(x[0], 0)
    qml.RZ(x[1], 0)
    return qml.expval(qml.Z(0))


def parity(x):
    """⟨ZZ⟩ of a basis state under diagonal gates: constant."""
    qml.X(0)
    qml.IsingZZ(x[0], [0, 1])
    qml.CPhase(x[1], [0, 1])
    return qml.expval(qml.Z(0) @ qml.Z(1))


def live(x):
    qml.RX(x[0], 0)
    qml.RY(x[1], 0)
    return qml.expval(qml.Z(0))


def node(body, interface="auto", **options):
    return pw.preflight(qml.QNode(body, qml.device("default.qubit", wires=2), interface), on_fail="raise", **options)


DEAD = pytest.mark.parametrize("body", [one_qubit, parity])


def sent(qnode):
    """The QNode as a worker gets it."""
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed (extra: distributed)")
    return cloudpickle.loads(cloudpickle.dumps(qnode))


@pytest.fixture
def diagnoses(monkeypatch):
    """Every diagnosis that a preflight made."""
    found, real = [], gate.diagnose

    def counted(qnode, **options):
        found.append(qnode)
        return real(qnode, **options)

    monkeypatch.setattr(gate, "diagnose", counted)
    return found


# ---------------------------------------------------------------------- raise
@DEAD
def test_a_dead_circuit_raises_at_every_call(body, diagnoses):
    values = [float(qml.QNode(body, qml.device("default.qubit"))(t * X)) for t in range(4)]
    assert np.ptp(values) < 1e-12
    qnode = node(body)
    for scale in (1, 1, 2):
        with pytest.raises(UntrainableError, match="dead") as info:
            qnode(scale * X)
        assert info.value.diagnosis.trainable is False
    assert len(diagnoses) == 1  # the verdict is kept, the failure is not forgiven


@DEAD
def test_in_gradients_and_optimizers(body):
    qnode = node(body)
    optimizers = [qml.GradientDescentOptimizer(0.1), qml.AdamOptimizer(0.1), qml.SPSAOptimizer(maxiter=3)]
    calls = [lambda: qml.grad(qnode)(X), lambda: qml.jacobian(qnode)(X)]
    calls += [lambda o=o: o.step(qnode, X) for o in optimizers]
    calls += [lambda: optimizers[0].step_and_cost(qnode, X), lambda: qml.grad(lambda x: qnode(x) ** 2)(X)]
    for call in [*calls, *calls]:
        with pytest.raises(UntrainableError):
            call()


@pytest.mark.interfaces
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
@DEAD
def test_in_jax(body):
    jax = pytest.importorskip("jax", reason="jax is in the extra 'interfaces'")
    qnode, x = node(body), jax.numpy.array([0.3, 0.4])
    for call in (
        jax.grad(qnode),
        qnode,
        jax.value_and_grad(qnode),
        jax.hessian(qnode),
        jax.grad(lambda x: qnode(x) ** 2),
    ):
        for _ in range(2):
            with pytest.raises(UntrainableError):
                call(x)


@pytest.mark.interfaces
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
def test_a_compiled_call_is_skipped_and_does_not_excuse_the_next(caplog):
    jax = pytest.importorskip("jax", reason="jax is in the extra 'interfaces'")
    qnode, x = node(one_qubit), jax.numpy.array([0.3, 0.4])
    jax.jit(qnode)(x)
    jax.jit(jax.grad(qnode))(x)
    assert caplog.text.count("abstract tracers") == 1
    with pytest.raises(UntrainableError):
        qnode(x)


@pytest.mark.interfaces
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
def test_jax_gradients_of_a_live_circuit_see_the_differentiated_argument():
    jax = pytest.importorskip("jax", reason="jax is in the extra 'interfaces'")

    def body(data, x):
        qml.RX(data, 0)
        qml.RY(x, 0)
        return qml.expval(qml.Z(0))

    qnode = node(body)
    slope = jax.grad(qnode, argnums=1)(0.3, 0.7)  # d/dx cos(0.3) cos(x)
    np.testing.assert_allclose(float(slope), -np.cos(0.3) * np.sin(0.7), atol=1e-6)
    (diag,) = qnode.func.__wishart_diagnoses__.values()
    assert diag.signature.circuit.trace.argnums == (1,)


@pytest.mark.interfaces
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
@DEAD
def test_in_torch(body):
    torch = pytest.importorskip("torch", reason="torch is in the extra 'interfaces'")
    qnode, x = node(body), torch.tensor([0.3, 0.4], requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.1)
    for _ in range(3):
        with pytest.raises(UntrainableError):
            optimizer.step(lambda: qnode(x))


def test_other_data_of_the_same_shape_may_pass(diagnoses):
    """⟨X⟩ = sin(data) cos(x): dead at data = 0 alone."""

    def body(data, x):
        qml.RY(data, 0)
        qml.RZ(x, 0)
        return qml.expval(qml.X(0))

    qnode, x = node(body), pnp.array(0.4, requires_grad=True)
    nothing, something = pnp.array(0.0, requires_grad=False), pnp.array(1.1, requires_grad=False)
    for angle in (x, x + 1):
        with pytest.raises(UntrainableError):
            qnode(nothing, angle)
    with pytest.raises(UntrainableError):
        qnode(data=nothing, x=x)
    made = len(diagnoses)
    for angle in (x, x + 1):
        assert float(qnode(something, angle)) == pytest.approx(np.sin(1.1) * np.cos(float(angle)))
    assert len(diagnoses) == made + 1


def test_threads_that_call_together_all_hear_of_it(diagnoses):
    qnode, start, heard = node(one_qubit), threading.Barrier(4), []

    def call():
        start.wait()
        try:
            qnode(X)
        except UntrainableError as error:
            heard.append(error.diagnosis)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 4 and len({id(d) for d in heard}) == 1 and len(diagnoses) == 1


def test_an_interrupted_check_is_made_again(monkeypatch):
    qnode, real = node(one_qubit), gate.diagnose

    def stopped(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(gate, "diagnose", stopped)
    with pytest.raises(KeyboardInterrupt):
        qnode(X)
    monkeypatch.setattr(gate, "diagnose", real)
    with pytest.raises(UntrainableError):
        qnode(X)


@DEAD
@pytest.mark.parametrize(
    "changed",
    [lambda q: qml.set_shots(q, 20), lambda q: q.update(diff_method="parameter-shift"), qml.transforms.merge_rotations,
     sent],
    ids=["set_shots", "update", "merge_rotations", "another process"],
)  # fmt: skip
def test_qnodes_made_of_it_raise_as_well(body, changed):
    qnode = changed(node(body))
    for _ in range(2):
        with pytest.raises(UntrainableError):
            qnode(X)


def test_a_good_circuit_runs(diagnoses):
    qnode = node(live)
    for x in (X, 2 * X, X):
        assert float(qnode(x)) == pytest.approx(np.cos(float(x[0])) * np.cos(float(x[1])))
    assert len(diagnoses) == 1


# ---------------------------------------------------------------------- once
@DEAD
def test_a_warning_comes_once_for_each_shape(body):
    qnode = pw.preflight(qml.QNode(body, qml.device("default.qubit", wires=2)))
    three = pnp.array([0.1, 0.2, 0.3], requires_grad=True)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for x in (X, X + 1, three, X, three):
            qnode(x)
    assert [w.category for w in heard] == [WishartWarning] * 2 and all("dead" in str(w.message) for w in heard)


def test_a_function_is_called_once_for_each_shape():
    told = []
    qnode = pw.preflight(qml.QNode(one_qubit, qml.device("default.qubit")), on_fail=told.append)
    for x in (X, X + 1, X):
        qnode(x)
    assert [d.trainable for d in told] == [False]


def test_whole_numbers_words_and_flags_make_another_circuit(diagnoses):
    def body(x, layers, axis="X", entangle=False):
        for _ in range(layers):
            (qml.RX if axis == "X" else qml.RZ)(x[0], 0)
        qml.RZ(x[1], 0)
        if entangle:
            qml.CNOT([0, 1])
        return qml.expval(qml.Z(0))

    qnode = node(body)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a dead parameter is a remark: deleting its gate changes nothing
        qnode(X, 1)
        qnode(X, 1)
    for options in (
        {"layers": 1, "axis": "Z"},
        {"layers": 2, "axis": "Z"},
        {"layers": 2, "axis": "Z", "entangle": True},
    ):
        for _ in range(2):
            with pytest.raises(UntrainableError):
                qnode(X, **options)
    assert len(diagnoses) == 4


def test_a_check_that_fails_by_itself_stops_nothing(monkeypatch):
    def broken(*args, **options):
        raise ValueError("argmax of an empty sequence")

    monkeypatch.setattr(gate, "diagnose", broken)
    qnode = node(live)
    with pytest.warns(WishartWarning, match="preflight failed and says nothing.*ValueError: argmax"):
        assert float(qnode(X)) == pytest.approx(np.cos(0.3) * np.cos(0.4))
    assert float(qnode(X)) == pytest.approx(np.cos(0.3) * np.cos(0.4))  # and said once
