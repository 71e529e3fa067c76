"""The normal form's loss equals the QNode's, for every operation, template and observable."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from circuits import CASES, REAL_CIRCUITS, case, trainable
from operations import GATES, OBSERVABLES, apply_variant
from pennylane import numpy as pnp

from pennylane_wishart.circuit import effective_generators, normal_form

TOLERANCE = 1e-10
TRIALS = 2


def numpy_rng(seed=0) -> np.random.Generator:
    """Return the generator that the tests of this file draw angles from."""
    return np.random.default_rng(seed)


def redraw(args, argnums, rng, span):
    """Return the arguments with those in ``argnums`` replaced by random angles in ±span."""
    return tuple(
        pnp.array(rng.uniform(-span, span, np.shape(a)), requires_grad=True) if i in argnums else a
        for i, a in enumerate(args)
    )


def plain(args):
    """Return the arguments as plain arrays.

    The QNode is the oracle only without trainable tensors: PennyLane 0.45.1 builds a wrong matrix
    for qml.evolve of a sum whose time is a trainable autograd tensor (off by 1.2 in norm).
    """
    return tuple(np.array(a) if isinstance(a, np.ndarray) else a for a in args)


def assert_same_loss(qnode, args, kwargs=None, argnums=None, trials=TRIALS, span=2 * np.pi, **options):
    """Check ℓ of the normal form against the QNode at the arguments and at random ones."""
    kwargs = kwargs or {}
    circuit = normal_form(qnode, argnums=argnums, **options)(*args, **kwargs)
    if argnums is None:
        argnums = [i for i, a in enumerate(args) if getattr(a, "requires_grad", False)]
    rng = numpy_rng(5)
    for point in [args, *(redraw(args, argnums, rng, span) for _ in range(trials))]:
        got = circuit.loss(circuit.angles(*point, **kwargs))
        want = qnode(*plain(point), **kwargs)
        np.testing.assert_allclose(np.squeeze(got), np.squeeze(want), rtol=0, atol=TOLERANCE)
    return circuit


def clifford_mix(wires):
    """Queue Cliffords that commute with no Pauli word that a test uses."""
    for a, b in zip(wires[:-1], wires[1:]):
        qml.CNOT(wires=[a, b])
    for k, w in enumerate(wires):
        (qml.S, qml.Hadamard, qml.SX)[k % 3](w)
    qml.CZ(wires=[wires[0], wires[-1]])
    qml.ISWAP(wires=[wires[0], wires[1]])


def sandwich(middle, n_params: int, wires, observable):
    """Return (QNode, args): ``middle(t)`` between trainable rotations and fixed Cliffords."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(before, t, after):
        for k, w in enumerate(wires):
            qml.RY(before[k, 0], wires=w)
            qml.RX(before[k, 1], wires=w)
        clifford_mix(wires)
        middle(t)
        clifford_mix(wires[::-1])
        for k, w in enumerate(wires):
            qml.RX(after[k, 0], wires=w)
            qml.RZ(after[k, 1], wires=w)
        return qml.expval(observable)

    rng = numpy_rng(n_params)
    shapes = ((len(wires), 2), (n_params,), (len(wires), 2))
    return circuit, tuple(trainable(rng.uniform(-3, 3, s)) for s in shapes)


def sensitive(wires):
    """Return an observable with words of every weight."""
    terms = [qml.X(wires[0]), qml.Y(wires[1]) @ qml.Z(wires[2]), qml.prod(*[qml.Z(w) for w in wires])]
    return qml.Hamiltonian([0.7, -1.1, 0.45], terms)


# ------------------------------------------------------------------ operations, templates, observables
@pytest.mark.parametrize(
    ("name", "variant"), [(g.name, v) for g in GATES.values() for v in g.variants], ids=lambda p: str(p)
)
def test_operation(name, variant):
    """Every operation and template, its adjoint, controlled form and powers."""
    gate = GATES[name]
    wires = list(range(max(3, gate.wires) + (variant in ("ctrl", "ctrl0"))))

    def middle(t):
        apply_variant(variant, gate, t, wires[: gate.wires], wires[-1])

    qnode, args = sandwich(middle, gate.params, wires, sensitive(wires))
    # A root is the principal one, exp(iφ/2), only for |φ| < π.
    assert_same_loss(qnode, args, span=3.0 if variant == "pow-half" else 2 * np.pi)


@pytest.mark.parametrize("name", [g.name for g in GATES.values() if g.params and g.name != "GlobalPhase"])
def test_operation_first(name):
    """The same operations as the first thing a circuit does, on |0…0⟩, and with plain fixed data after."""
    gate = GATES[name]
    wires = list(range(max(3, gate.wires)))

    @qml.qnode(qml.device("default.qubit"))
    def circuit(t):
        gate.apply(t, wires[: gate.wires])
        for k, w in enumerate(wires):
            qml.Rot(0.3 + k, 0.9, -0.2 * k, wires=w)
        return qml.expval(sensitive(wires))

    assert_same_loss(circuit, (trainable(numpy_rng(3).uniform(-3, 3, gate.params)),))


@pytest.mark.parametrize("name", OBSERVABLES)
def test_observable(name):
    """Every kind of observable, behind Cliffords and rotations."""
    wires = [0, 1, 2]
    qnode, args = sandwich(lambda t: qml.CRot(*t, wires=[1, 2]), 3, wires, OBSERVABLES[name](wires))
    assert_same_loss(qnode, args)


def looped(t):
    """Queue two RX in PennyLane's own loop."""

    @qml.for_loop(2)
    def body(i):
        qml.RX(t[i], wires=i)

    body()


NESTED = {
    "adjoint of ctrl": lambda t: qml.adjoint(qml.ctrl(qml.CRX, control=2))(t[0], wires=[0, 1]),
    "ctrl of adjoint": lambda t: qml.ctrl(qml.adjoint(qml.IsingXY), control=2)(t[0], wires=[0, 1]),
    "two controls": lambda t: qml.ctrl(qml.RY, control=[0, 1], control_values=[0, 1])(t[0], wires=2),
    "ctrl of ctrl": lambda t: qml.ctrl(qml.ctrl(qml.PhaseShift, control=1), control=0)(t[0], wires=2),
    "ctrl of a GlobalPhase": lambda t: qml.ctrl(qml.GlobalPhase, control=1)(t[0], wires=[]),
    "ctrl of a MultiRZ": lambda t: qml.ctrl(qml.MultiRZ(t[0], wires=[0, 1]), control=2),
    "pow of ctrl": lambda t: qml.pow(qml.ctrl(qml.RX(t[0], wires=0), control=2), 2),
    "adjoint of pow": lambda t: qml.adjoint(qml.pow(qml.RX(t[0], wires=1), 3)),
    "adjoint of evolve": lambda t: qml.adjoint(qml.evolve(qml.X(0) @ qml.Z(1) + qml.Y(0), t[0])),
    "product of gates": lambda t: qml.prod(qml.RX(t[0], wires=0), qml.CNOT([0, 1]), qml.RY(t[1], wires=1)),
    "adjoint of a function": lambda t: qml.adjoint(lambda: [qml.RX(t[0], 0), qml.CNOT([0, 2]), qml.T(2)])(),
    "compute-uncompute": lambda t: qml.change_op_basis(qml.QFT(wires=[0, 1]), qml.RZ(t[0], wires=0)),
    "cond on a Python value": lambda t: qml.cond(True, qml.RX, qml.RY)(t[0], wires=0),
    "for_loop": lambda t: looped(t),
    "layer": lambda t: qml.layer(lambda x: qml.IsingXX(x, wires=[0, 2]), 2, t[:2]),
    "fixed between": lambda t: [qml.RX(t[0], 0), qml.T(0), qml.Toffoli([0, 1, 2]), qml.RY(t[1], 0), qml.RX(0.2, 1)],
    "barrier": lambda t: [qml.RX(t[0], 0), qml.Barrier([0, 1]), qml.RX(t[1], 1)],
}


@pytest.mark.filterwarnings("ignore:Using qp.templates.layer is deprecated")
@pytest.mark.parametrize("name", NESTED)
def test_nested(name):
    """Operators of operators, and PennyLane's control flow."""
    qnode, args = sandwich(NESTED[name], 2, [0, 1, 2], sensitive([0, 1, 2]))
    assert_same_loss(qnode, args)


@pytest.mark.parametrize("name", CASES)
def test_registry(name):
    """Every circuit of the registry."""
    qnode, args = case(name).make()
    circuit = assert_same_loss(qnode, args, trials=1)
    assert circuit.n_params == sum(np.size(a) for a in args if a.requires_grad)
    assert circuit.is_pauli == (
        "pauli" in case(name).tags or "su" in case(name).tags and not case(name).tags & {"sums"}
    )


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.algebra_dim])
def test_registry_algebra(name):
    """The generators close to the dimension in the registry: qml.lie_closure on dense n ≤ 4, words beyond."""
    qnode, args = case(name).make()
    circuit = normal_form(qnode)(*args)
    sentences = [
        qml.pauli.PauliSentence(
            {
                qml.pauli.PauliWord({q: s for q, s in enumerate(w) if s != "I"}): float(c)
                for w, c in zip(g.words.strings(), g.coefficients)
            }
        )
        for g in effective_generators(circuit).generators
    ]
    assert len(qml.lie_closure(sentences, pauli=True)) == case(name).algebra_dim


# Pairs of gates that look alike: same class, same wires, same number of parameters.
LOOK_ALIKE = {
    "fixed products": lambda t: [
        qml.prod(qml.Hadamard(0), qml.S(0)),
        qml.RX(t[0], 0),
        qml.prod(qml.S(0), qml.Hadamard(0)),
        qml.RX(t[1], 0),
        qml.prod(qml.Hadamard(0), qml.T(0)),
    ],
    "products with an angle": lambda t: [
        qml.prod(qml.RX(t[0], 0), qml.CNOT([0, 1])),
        qml.prod(qml.RY(t[1], 0), qml.CZ([0, 1])),
    ],
    "controlled products": lambda t: [
        qml.ctrl(qml.prod(qml.S(0), qml.Hadamard(0)), control=2),
        qml.RX(t[0], 0),
        qml.ctrl(qml.prod(qml.Hadamard(0), qml.S(0)), control=2),
        qml.RX(t[1], 0),
    ],
    "adjoint products": lambda t: [
        qml.adjoint(qml.prod(qml.S(0), qml.SX(0))),
        qml.RX(t[0], 0),
        qml.adjoint(qml.prod(qml.SX(0), qml.S(0))),
        qml.RX(t[1], 0),
    ],
    "unitaries": lambda t: [
        qml.QubitUnitary(qml.matrix(qml.Rot(0.1, 0.2, 0.3, 0)), 0),
        qml.RX(t[0], 0),
        qml.ctrl(qml.QubitUnitary(qml.matrix(qml.Rot(0.4, 0.2, 0.3, 0)), 0), control=1),
        qml.RX(t[1], 0),
        qml.ctrl(qml.QubitUnitary(qml.matrix(qml.Rot(0.7, 0.2, 0.3, 0)), 0), control=1),
    ],
    "powers": lambda t: [
        qml.pow(qml.T(0), 0.5),
        qml.RX(t[0], 0),
        qml.pow(qml.T(0), 3),
        qml.pow(qml.RX(t[1], 0), 2),
        qml.pow(qml.RX(t[1], 0), 3),
    ],
    "control values": lambda t: [
        qml.ctrl(qml.RX(t[0], 0), control=[1, 2], control_values=[0, 1]),
        qml.ctrl(qml.RX(t[1], 0), control=[1, 2], control_values=[1, 0]),
        qml.MultiControlledX(wires=[0, 1, 2], control_values=[0, 1]),
        qml.RY(t[0], 2),
        qml.MultiControlledX(wires=[0, 1, 2], control_values=[1, 0]),
    ],
    "evolutions": lambda t: [
        qml.evolve(qml.X(0) @ qml.X(1) + 0.123456789 * qml.Y(0), t[0]),
        qml.ctrl(qml.evolve(qml.X(0) @ qml.Z(1), t[1]), control=2),
        qml.ctrl(qml.evolve(qml.Z(0) @ qml.X(1), t[0]), control=2),
        qml.evolve(qml.X(0) @ qml.X(1) + 0.123456780 * qml.Y(0), t[1]),
    ],
    "words": lambda t: [
        qml.ctrl(qml.PauliRot(t[0], "XY", [0, 1]), control=2),
        qml.ctrl(qml.PauliRot(t[1], "YX", [0, 1]), control=2),
        qml.adjoint(qml.PauliRot(t[0], "ZY", [0, 1])),
        qml.adjoint(qml.PauliRot(t[1], "ZX", [0, 1])),
    ],
    "wire orders": lambda t: [
        qml.ctrl(qml.CRX(t[0], [0, 1]), control=2),
        qml.ctrl(qml.CRX(t[1], [2, 0]), control=1),
        qml.CSWAP([2, 0, 1]),
        qml.RY(t[0], 1),
        qml.CSWAP([0, 1, 2]),
    ],
}


@pytest.mark.parametrize("name", LOOK_ALIKE)
def test_gates_that_look_alike(name):
    """Gates of one class with different content are not taken for each other."""
    qnode, args = sandwich(LOOK_ALIKE[name], 2, [0, 1, 2], sensitive([0, 1, 2]))
    assert_same_loss(qnode, args)


NEAR_CLIFFORD = {
    "CRX": lambda a: qml.CRX(a, wires=[0, 1]),
    "CRZ": lambda a: qml.CRZ(a, wires=[0, 2]),
    "CRot": lambda a: qml.CRot(a, 0.0, a, wires=[1, 2]),
    "IsingXY": lambda a: qml.IsingXY(a, wires=[0, 1]),
    "RX": lambda a: qml.RX(a, wires=0),
    "QubitUnitary": lambda a: qml.QubitUnitary(qml.matrix(qml.RY(a, 0)), wires=1),
    "QubitUnitary on two": lambda a: qml.QubitUnitary(qml.matrix(qml.IsingXX(a, [0, 1])), wires=[2, 0]),
    "CPhase": lambda a: qml.ControlledPhaseShift(a, wires=[0, 1]),
}


@pytest.mark.parametrize("offset", [1e-7, 1e-3, 0.37, 0.6])
@pytest.mark.parametrize("quarter", [0, 1, 2])
@pytest.mark.parametrize("name", NEAR_CLIFFORD)
def test_gates_near_a_clifford_are_not_rounded_to_it(name, quarter, offset):
    """A fixed gate at a small angle from a Clifford keeps that angle."""
    angle = quarter * np.pi / 2 + offset
    qnode, args = sandwich(lambda t: NEAR_CLIFFORD[name](angle), 0, [0, 1, 2], sensitive([0, 1, 2]))
    assert_same_loss(qnode, args, trials=1)


# ------------------------------------------------------------------ structure
def independent_generators(tape, trainable_op):
    """Return (W†GW of trainable gates, W†OW) as dense matrices, from the tape's own matrices."""
    wires = sorted(tape.wires)
    total = np.eye(2 ** len(wires), dtype=complex)
    out = []
    for op in tape.operations:
        if trainable_op(op):
            g = qml.matrix(qml.generator(op, format="observable"), wire_order=wires)
            # PennyLane writes gates as exp(+iθG); the package as exp(−iθG).
            out.append(-total.conj().T @ g @ total)
        else:
            total = qml.matrix(op, wire_order=wires) @ total
    observable = qml.matrix(tape.measurements[0].obs, wire_order=wires)
    return out, total.conj().T @ observable @ total


def test_generators_are_conjugated_by_the_fixed_gates():
    """G̃ = W†GW and Õ = W†OW, signs included."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x[0], wires=0)
        qml.CNOT([0, 1])
        qml.S(1)
        qml.RX(x[1], wires=1)
        qml.IsingZZ(x[2], wires=[0, 2])
        qml.Hadamard(2)
        qml.SX(0)
        qml.CZ([1, 2])
        qml.RY(x[3], wires=2)
        qml.ISWAP([0, 2])
        qml.Y(0)
        qml.PauliRot(x[4], "XYZ", wires=[0, 1, 2])
        qml.adjoint(qml.S)(1)
        qml.CY([2, 1])
        return qml.expval(qml.X(0) @ qml.Y(1) + 0.3 * qml.Z(2))

    x = trainable(numpy_rng(8).uniform(0, 6, 5))
    nf = normal_form(circuit)(x)
    assert nf.is_pauli and nf.n_rotations == 5 and nf.n_params == 5
    assert nf.parameter_of.tolist() == [0, 1, 2, 3, 4]
    wanted, observable = independent_generators(qml.workflow.construct_tape(circuit)(x), lambda op: op.num_params)
    for k, want in enumerate(wanted):
        # The sign may sit in the generator or in the coefficient of its angle.
        got = nf.generators[k].matrix() * nf.coefficients[k]
        np.testing.assert_allclose(got, want, atol=1e-12)
    np.testing.assert_allclose(nf.observable.matrix(), observable, atol=1e-12)


def test_cnot_conjugation_by_hand():
    """CNOT turns X on its control into XX, and Z on its target into ZZ."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x[0], wires=0)
        qml.CNOT([0, 1])
        qml.RX(x[1], wires=0)
        qml.RZ(x[2], wires=1)
        return qml.expval(qml.Z(1))

    nf = normal_form(circuit)(trainable([0.1, 0.2, 0.3]))
    assert nf.n_qubits == 2 and nf.wires == (0, 1)
    assert [g.words.strings() for g in nf.generators] == [["XI"], ["XX"], ["ZZ"]]
    assert [float(g.coefficients[0] * c) for g, c in zip(nf.generators, nf.coefficients)] == pytest.approx([0.5] * 3)
    assert nf.observable.words.strings() == ["ZZ"]
    assert nf.observable.coefficients.tolist() == [1.0]
    assert nf.offsets.tolist() == [0.0, 0.0, 0.0]


def test_shared_qaoa_generators_are_sums():
    """Two rotations per layer: all ZZ together, all X together."""
    qnode, args = case("qaoa_ring_6").make()
    nf = normal_form(qnode)(*args)
    layers = len(args[0])
    assert nf.n_params == 2 * layers
    assert nf.n_rotations == 2 * layers
    assert not nf.is_pauli
    assert [len(g) for g in nf.generators] == [6, 6] * layers
    # Flat order: all γ, then all β; the circuit takes them in turn.
    assert nf.parameter_of.tolist() == [p for k in range(layers) for p in (k, layers + k)]
    assert nf.state.kind == "product"
    np.testing.assert_allclose(nf.state.bloch, [[1, 0, 0]] * 6, atol=1e-12)


def test_shared_angle_that_does_not_commute_is_kept_in_order():
    """RX(θ) RZ(θ) RX(θ) on one qubit are three rotations of one parameter."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x, wires=0)
        qml.RZ(2 * x + 0.5, wires=0)
        qml.RX(-x, wires=0)
        return qml.expval(qml.Y(0))

    nf = assert_same_loss(circuit, (trainable(0.7),))
    assert nf.n_params == 1 and nf.n_rotations == 3
    assert nf.parameter_of.tolist() == [0, 0, 0]


def test_trainable_gates_of_one_argument_element_twice_in_one_layer():
    """Commuting gates of one parameter merge into one generator only where nothing lies between."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        for q in range(3):
            qml.RX(x[0], wires=q)
        for q in range(3):
            qml.RZ(x[1], wires=q)
        for q in range(3):
            qml.RX(x[0], wires=q)
        return qml.expval(qml.Z(0) @ qml.Y(1))

    nf = assert_same_loss(circuit, (trainable([0.4, 1.3]),))
    assert nf.n_rotations == 3
    assert [len(g) for g in nf.generators] == [3, 3, 3]


# ------------------------------------------------------------------ the map of shared angles
def elementary(seed: int, n_args: int, n_gates: int):
    """Return a QNode of plain rotations whose angles are affine in random argument elements."""
    rng = numpy_rng(seed)
    shapes = [(3,), (2, 2), ()][:n_args]
    picks = rng.integers(0, n_args, n_gates)
    scales, shifts = rng.normal(size=(2, n_gates))
    indices = [tuple(int(rng.integers(0, s)) for s in shapes[p]) for p in picks]

    @qml.qnode(qml.device("default.qubit"))
    def circuit(*args):
        for g in range(n_gates):
            angle = scales[g] * args[picks[g]][indices[g]] + shifts[g]
            (qml.RX, qml.RY, qml.RZ)[g % 3](angle, wires=g % 4)
            qml.CNOT([g % 4, (g + 1) % 4])
        return qml.expval(qml.Z(0) @ qml.X(3))

    return circuit, tuple(trainable(rng.uniform(0, 6, s)) for s in shapes)


@pytest.mark.parametrize(("n_args", "n_gates"), [(1, 20), (2, 40), (3, 180)])
def test_shared_angles_against_the_dense_jacobian(n_args, n_gates):
    """The sparse map is qml.gradients.classical_jacobian, gate by gate."""
    qnode, args = elementary(n_gates, n_args, n_gates)
    dense = qml.gradients.classical_jacobian(qnode, argnum=list(range(n_args)))(*args)
    dense = np.concatenate([np.reshape(d, (n_gates, -1)) for d in dense], axis=1)
    nf = assert_same_loss(qnode, args, trials=1)
    np.testing.assert_allclose(nf.trace.jacobian.toarray(), dense, atol=1e-12)
    assert nf.trace.jacobian.nnz == n_gates
    gates = qml.workflow.construct_tape(qnode)(*args).get_parameters()
    np.testing.assert_allclose(nf.trace.gate_values(nf.trace.values), gates, atol=1e-12)


AFFINE = {
    "sum of two": lambda x, w: x[0] + x[1],
    "difference": lambda x, w: 2 * x[0] - x[3] / 3,
    "dot": lambda x, w: pnp.dot(w, x),
    "matmul": lambda x, w: w @ x,
    "slice and sum": lambda x, w: pnp.sum(x[1:3]),
    "mean": lambda x, w: pnp.mean(x),
    "reshape and transpose": lambda x, w: x.reshape(2, 2).T[1, 0],
    "reversed": lambda x, w: x[::-1][0],
    "constant minus": lambda x, w: np.pi - x[2],
    "negative": lambda x, w: -x[1],
    "stack": lambda x, w: pnp.stack([x[0], x[3]])[1],
    "concatenate": lambda x, w: pnp.concatenate([x, x])[5],
    "qml.math": lambda x, w: qml.math.tensordot(w, x, axes=1),
    "loop": lambda x, w: sum(a * b for a, b in zip(x, w)),
    "times one": lambda x, w: x[0] * 1.0 + 0.0,
    "fancy index": lambda x, w: x[np.array([2, 0])][1] + 1.0,
    "where": lambda x, w: pnp.where(np.array([True, False, True, False]), x, 0.0)[2],
    "fixed data only": lambda x, w: w[0],
}


@pytest.mark.parametrize("name", AFFINE)
def test_affine_preprocessing(name):
    """Angles that are affine in the arguments, in every way that they are usually written."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x, w):
        for q in range(2):
            qml.RY(x[q], wires=q)
        qml.CNOT([0, 1])
        qml.RX(AFFINE[name](x, w), wires=0)
        qml.CNOT([1, 0])
        qml.RZ(x[2], wires=1)
        qml.RY(x[3], wires=1)
        return qml.expval(qml.X(0) @ qml.Z(1))

    w = pnp.array([0.2, -0.7, 1.1, 0.4], requires_grad=False)
    assert_same_loss(circuit, (trainable([0.3, 1.4, -0.8, 2.2]), w))


def test_three_thousand_parameters():
    """100 × 10 StronglyEntanglingLayers: 3,000 parameters, the right loss."""

    @qml.qnode(qml.device("lightning.qubit", wires=10))
    def circuit(w):
        qml.StronglyEntanglingLayers(w, wires=range(10))
        return qml.expval(qml.Z(0) @ qml.X(7))

    w = trainable(numpy_rng(1).uniform(0, 6, (100, 10, 3)))
    nf = assert_same_loss(circuit, (w,), trials=1)
    assert nf.n_params == nf.n_rotations == 3000
    assert nf.parameter_of.tolist() == list(range(3000))
    assert nf.trace.jacobian.nnz == 3000


def test_map_of_shared_angles_stays_sparse():
    """1,500 parameters that drive two gates each: 3,000 entries, not 4.5 million."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(w):
        for k in range(2):
            for q in range(1500):
                qml.RX(w[q] if k else 2 * w[q], wires=q % 10)
                qml.CZ([q % 10, (q + 1) % 10])
        return qml.expval(qml.Z(0))

    nf = normal_form(circuit)(trainable(numpy_rng(1).uniform(0, 6, 1500)))
    assert nf.trace.jacobian.shape == (3000, 1500)
    assert nf.trace.jacobian.nnz == 3000
    np.testing.assert_allclose(np.asarray(nf.trace.jacobian.sum(axis=0)).reshape(-1), 3.0, atol=1e-12)
    assert nf.shared.all()


@pytest.mark.parametrize("n_params", [2, 7, 40])
def test_every_gate_depends_on_every_parameter(n_params):
    """A dense linear layer in front of the gates: the map is that layer's matrix."""
    weights = numpy_rng(n_params).normal(size=(6, n_params))
    weights[:, 0] *= 1e-6
    weights[0] = 1.0

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        angles = pnp.array(weights, requires_grad=False) @ x + 0.1
        for g in range(6):
            (qml.RX, qml.RY)[g % 2](angles[g], wires=g % 3)
            qml.CNOT([g % 3, (g + 1) % 3])
        return qml.expval(qml.Z(0) @ qml.X(2))

    nf = assert_same_loss(circuit, (trainable(numpy_rng(4).uniform(-3, 3, n_params)),))
    assert nf.n_params == n_params
    np.testing.assert_allclose(nf.trace.jacobian.toarray(), weights, rtol=0, atol=1e-11)


def test_registry_has_the_six_real_circuits():
    """The six circuits of the acceptance list are all there, with at least ten more."""
    assert len(REAL_CIRCUITS) == 6
    assert len(CASES) >= 16
    assert sum(c.in_theory is True and c.deep for c in CASES.values()) >= 5
