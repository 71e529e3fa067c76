"""Dead parameters below sums: the list is complete for small circuits, against dense derivatives."""

from functools import reduce

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from random_rotations import sum_circuit

import pennylane_wishart as pw
from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances import DeadReason, dead_parameters, dead_proofs, exact_moments, moments_of
from pennylane_wishart.variances.dead.identity import identically_zero

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0 + 0j, -1]),
}
FIXED = {
    "H": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "S": np.diag([1, 1j]),
    "T": np.diag([1, np.exp(0.25j * np.pi)]),
}


# ---------------------------------------------------------------- the oracle: dense, no code of the package
def place(letters: dict, n: int) -> np.ndarray:
    return reduce(np.kron, [letters.get(q, PAULI["I"]) for q in range(n)])


def generator(kind: str, wires, n: int) -> np.ndarray:
    """G of exp(−iθG)."""
    if kind.startswith("layer"):
        return sum(place({q: PAULI[kind[-1]]}, n) for q in range(n)) / 2
    if kind == "IsingXY":  # exp(+iθ(XX + YY)/4)
        return -sum(place({wires[0]: PAULI[p], wires[1]: PAULI[p]}, n) for p in "XY") / 4
    if kind.startswith("Ising"):
        return place({wires[0]: PAULI[kind[-1]], wires[1]: PAULI[kind[-1]]}, n) / 2
    if kind.startswith("CR"):
        return place({wires[0]: np.diag([0, 1]), wires[1]: PAULI[kind[-1]]}, n) / 2
    return place({wires[0]: PAULI[kind[-1]]}, n) / 2


def gate(step, n: int, x) -> tuple[np.ndarray, np.ndarray | None]:
    """(matrix, c·G or None)."""
    kind, k, c, wires, fixed = step
    if kind == "CNOT":
        return place({wires[0]: np.diag([1, 0])}, n) + place({wires[0]: np.diag([0, 1]), wires[1]: PAULI["X"]}, n), None
    if kind in FIXED:
        return place({wires[0]: FIXED[kind]}, n), None
    g = generator(kind.removeprefix("fixed"), wires, n)
    angle = fixed if kind.startswith("fixed") else c * x[k]
    values, vectors = np.linalg.eigh(g)
    return (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T, None if kind.startswith("fixed") else c * g


def dense_gradient(n, n_params, steps, observable, psi, x) -> np.ndarray:
    states, gates = [psi], []
    for step in steps:
        gates.append(gate(step, n, x))
        states.append(gates[-1][0] @ states[-1])
    back, out = observable @ states[-1], np.zeros(n_params)
    for step, (matrix, g), after in reversed(list(zip(steps, gates, states[1:], strict=True))):
        if g is not None:
            out[step[1]] += 2 * np.imag(np.vdot(back, g @ after))
        back = matrix.conj().T @ back
    return out


ONE = ("RX", "RY", "RZ", "layerX", "layerY", "fixedRX", "fixedRY", "H", "S", "T")
TWO = ("CRX", "CRY", "CRZ", "IsingXX", "IsingYY", "IsingXY", "CNOT", "fixedCRX", "echo")


def draw(seed: int):
    """Shared, scaled and cancelling angles, controlled rotations, fixed gates, four kinds of input."""
    rng = np.random.default_rng([77, seed])
    n, n_params = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    steps = [("RY", 0, 1.0, [int(rng.integers(n))], 0.0)]
    for _ in range(int(rng.integers(1, 8))):
        kind = str(rng.choice(ONE + TWO if n > 1 else ONE))
        k, c = int(rng.integers(n_params)), float(rng.choice([1, 1, 1, 2, -1, 0.5, -2]))
        wires = [int(q) for q in rng.permutation(n)[:2]]
        if kind == "echo":  # an angle that is turned back
            steps += [("RY", k, c, wires, 0.0), ("CNOT", 0, 0, wires, 0.0), ("RY", k, -c, wires, 0.0)]
        else:
            steps.append((kind, k, c, wires, float(rng.uniform(0.2, 6))))
    words = [
        w for w in ("".join(rng.choice(list("IXYZ"), n)) for _ in range(int(rng.integers(1, 3)))) if set(w) != {"I"}
    ]
    vector = None
    if seed % 4 == 3:
        vector = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
        vector /= np.linalg.norm(vector)
    return n, n_params, steps, dict(zip(words or ["Z" * n], (1.0, 0.7), strict=False)), seed % 4, vector


def qnode_of(drawn):
    n, _, steps, observable, kind, vector = drawn
    terms = [c * qml.prod(*(getattr(qml, p)(q) for q, p in enumerate(w) if p != "I")) for w, c in observable.items()]

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        if kind == 1:
            qml.BasisState(np.ones(n, int), range(n))
        if kind == 2:
            for q in range(n):
                qml.H(q)
        if kind == 3:
            qml.StatePrep(vector, range(n))
        for name, k, c, wires, fixed in steps:
            if name == "CNOT" or name in FIXED:
                getattr(qml, name)(wires if name == "CNOT" else wires[0])
                continue
            angle = fixed if name.startswith("fixed") else c * x[k]
            name = name.removeprefix("fixed")
            if name.startswith("layer"):
                for q in range(n):
                    getattr(qml, "R" + name[-1])(angle, q)
            else:
                getattr(qml, name)(angle, wires if name[0] in "CI" else wires[0])
        return qml.expval(qml.sum(*terms) if len(terms) > 1 else terms[0])

    return circuit


def dense_dead(drawn, seed: int) -> tuple[int, ...]:
    """Parameters whose dense gradient is below 1e-10 at four random settings."""
    n, n_params, steps, observable, kind, vector = drawn
    psi = np.zeros(2**n, complex)
    psi[-1 if kind == 1 else 0] = 1
    if kind == 2:
        psi[:] = 2 ** (-n / 2)
    psi = vector if kind == 3 else psi
    matrix = sum(c * place({q: PAULI[p] for q, p in enumerate(w)}, n) for w, c in observable.items())
    rng = np.random.default_rng([78, seed])
    found = [dense_gradient(n, n_params, steps, matrix, psi, rng.uniform(-7, 7, n_params)) for _ in range(4)]
    return tuple(int(k) for k in np.flatnonzero(np.abs(found).max(axis=0) < 1e-10))


def faults(seed: int) -> list[str]:
    """What is wrong with the dead list and the variances of one drawn circuit."""
    drawn = draw(seed)
    circuit = pw.normal_form(qnode_of(drawn))(pnp.zeros(drawn[1], requires_grad=True))
    truth, (dead, reasons) = dense_dead(drawn, seed), dead_parameters(circuit)
    out = [] if dead == truth else [f"{seed}: dead {dead}, dense {truth}, {reasons}"]
    moments = moments_of(circuit)
    live = np.setdiff1d(np.arange(drawn[1]), truth)
    if moments.dead[live].any():
        out.append(f"{seed}: a live parameter has variance 0")
    if np.any(moments.gradient_variance[live] < 1e-9) or np.any(moments.gradient_variance[list(truth)] > 0):
        out.append(f"{seed}: rounding is counted as a variance: {moments.gradient_variance}, dense dead {truth}")
    return out


def test_dead_list_is_complete_for_small_circuits():
    """Sixty circuits with shared, scaled and cancelling angles: equal to the dense list, none too many or few."""
    assert [f for seed in range(60) for f in faults(seed)] == []


# ---------------------------------------------------------------- single circuits
def diagnosis(program, n, observable, n_params):
    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        program(x)
        return qml.expval(observable)

    return pw.diagnose(circuit, samples=30)(pnp.zeros(n_params, requires_grad=True))


def behind_a_shared_layer(x):
    for q in range(6):
        qml.RX(x[q], q)
    for q in range(6):
        qml.RY(x[6], q)


def behind_a_shared_pair(x):
    qml.RX(x[0], 1)
    qml.RY(x[1], 0)
    qml.RY(x[1], 1)


def behind_qaoa_mixers(x):
    for q in range(6):
        qml.RX(x[q], q)
    for q in range(6):
        qml.CZ([q, (q + 1) % 6])
    for q in range(6):
        qml.RX(2 * x[6], q)
    qml.IsingZZ(x[7], [2, 3])


def behind_controlled_rotations(x):
    for q in range(5):
        qml.RY(x[q], q)
    qml.CRX(x[5], [0, 1])
    qml.CRX(x[5], [3, 4])
    qml.CRZ(x[6], [2, 3])


# x[0] … of each program whose light cone, drawn by hand, misses the observable
CONES = {
    "pair": (behind_a_shared_pair, 2, qml.Z(0), 2, (0,)),
    "layer": (behind_a_shared_layer, 6, qml.Z(0), 7, (1, 2, 3, 4, 5)),
    "mixers": (behind_qaoa_mixers, 6, qml.Z(0), 8, (2, 3, 4, 7)),
    "controlled": (behind_controlled_rotations, 5, qml.Z(1), 7, (2, 3, 4, 6)),
}


@pytest.mark.parametrize("name", CONES)
def test_a_sum_is_followed_word_by_word(name):
    """One shared layer acts on the observable with one of its words: what the others touch is dead."""
    program, n, observable, n_params, dead = CONES[name]
    found = diagnosis(program, n, observable, n_params)
    assert found.prediction.dead_parameters == dead
    assert {r.is_proof for codes in found.prediction.dead_codes for r in codes} == {True}
    assert found.trainable and f"{len(dead)} parameter" in found.headline
    shots = found.prediction.log2_shots_to_resolve
    # log2 of at most a few hundred shots, all circuits of a shared parameter's shift rule together
    assert np.all(shots[~np.isin(np.arange(n_params), dead)] < 8) and np.all(np.isposinf(shots[list(dead)]))
    assert "outside the light cone" in " ".join(str(found).split())
    assert found.to_dict()["prediction"]["dead_parameters"] == list(dead)


def test_words_of_a_sum_are_left_out_at_a_hundred_qubits():
    """Shared RY layer on 100 qubits: one rotation of one word is left, and the variances are exact."""
    n = 100
    terms = PauliWords.from_maps([{q: "X"} for q in range(n)] + [{q: "Y"} for q in range(n)], n)
    circuit = RotationCircuit(
        n_qubits=n, wires=tuple(range(n)), terms=terms, term_coefficients=np.full(2 * n, 0.5),
        starts=np.append(np.arange(n + 1), 2 * n), coefficients=np.ones(n + 1), offsets=np.zeros(n + 1),
        parameter_of=np.arange(n + 1), random_of=np.full(n + 1, -1),
        observable=PauliSum.of(PauliWords.from_maps([{50: "Z"}], n), np.ones(1)),
        states=(InputState.basis([0] * n),), n_params=n + 1,
    )  # fmt: skip
    dead, _ = dead_parameters(circuit)
    assert dead == tuple(k for k in range(n) if k != 50)
    got = exact_moments(circuit, circuit.angle_law())
    assert got.engine == "exact words" and got.gradient_variance[[50, 100]].tolist() == [0.25, 0.25]


def test_sums_of_words_that_do_not_commute_are_followed_until_closed():
    """exp(−iθ(XI + ZI)) makes X, Y and Z of Z on its own qubit, and nothing on the other."""
    drawn = sum_circuit([{"IX": 0.5}, {"XI": 0.5, "ZI": 0.5}, {"XI": 0.5}], {"ZI": 1.0}, InputState.basis([0, 0]))
    assert dead_proofs(drawn.circuit) == {0: (DeadReason.OUTSIDE,)}


def test_angles_turned_back_through_a_sum_drive_nothing():
    """RZ on both qubits commutes with IsingXY though neither of the two does: they meet and cancel."""

    def turned(x):
        qml.RY(x[0], 0)
        qml.RY(x[1], 1)
        qml.RZ(x[2], 0)
        qml.RZ(x[2], 1)
        qml.IsingXY(x[3], [0, 1])
        qml.RZ(-x[2], 0)
        qml.RZ(-x[2], 1)

    # ⟨X0⟩ = cos(x3/2)·sin(x0): X0 becomes X0 or Z0·Y1, and Y1 commutes with RY
    found = diagnosis(turned, 2, qml.X(0), 4)
    assert found.prediction.dead_parameters == (1, 2)
    assert DeadReason.IDENTITY not in {code for codes in found.prediction.dead_codes for code in codes}
    np.testing.assert_allclose(found.prediction.gradient_variance[[0, 3]], [0.25, 0.0625], rtol=1e-9)
    assert found.trainable and found.comparison.agrees


def test_cancellation_is_found_by_the_identity_test():
    """Two words of the observable that cancel by a symmetry: no argument about supports can see it."""

    def symmetric(x):
        qml.RY(x[0], 0)
        qml.RY(x[0], 1)
        qml.IsingXX(x[1], [0, 1])
        qml.RX(x[2], 2)

    # ⟨Z0 − Z1⟩ = 0: the circuit does not change when the qubits are exchanged
    found = diagnosis(symmetric, 3, qml.Z(0) - qml.Z(1) + qml.Z(2), 3)
    assert found.prediction.dead_parameters == (0, 1)
    assert found.prediction.dead_codes == ((DeadReason.IDENTITY,),) * 2
    np.testing.assert_allclose(found.prediction.gradient_variance[2], 0.5, rtol=1e-9)
    text = " ".join(found.details().split())
    assert "identity test" in text and "8 random settings" in text and "(proved)" not in text
    assert found.trainable and found.comparison.agrees


def test_the_identity_test_names_no_live_parameter():
    """Slow, fast and small: RX(1e-9·x) moves the loss, and so does a parameter behind a fixed turn of 1e-6."""
    circuit = RotationCircuit.from_words(["X", "X", "Y"], {"Z": 1.0}, parameter_of=[0, -1, 1])
    slow = RotationCircuit(**{**vars_of(circuit), "coefficients": np.array([1e-9, 0.0, 1e6])})
    assert not identically_zero(slow, np.ones(2, bool)).any()
    turned = RotationCircuit.from_words(["Z", "X", "Y"], {"Z": 1.0}, parameter_of=[0, -1, -1])
    behind = RotationCircuit(**{**vars_of(turned), "offsets": np.array([0.0, 1e-6, 0.3])})
    assert not identically_zero(behind.with_state(plus()), np.ones(1, bool)).any()
    assert identically_zero(turned.with_state(plus()), np.ones(1, bool)).all()


def vars_of(circuit: RotationCircuit) -> dict:
    return {name: getattr(circuit, name) for name in circuit.__dataclass_fields__}


def plus() -> InputState:
    return InputState.from_vector(np.array([1, 1]) / np.sqrt(2))


def at_one_parameter(x):
    """Five gates of one parameter whose derivatives add up to nothing."""
    qml.U3(x[0], x[0], x[0], 1)
    qml.PauliRot(x[0], "YX", [0, 1])
    qml.MultiRZ(x[0], [1, 0])
    qml.MultiRZ(x[0], [1, 0])
    qml.Rot(x[0], x[0], x[0], 1)
    return qml.expval(qml.Y(0))


def at_one_angle_of_an_excitation(x):
    qml.BasisState(np.array([1, 0, 1, 0]), [0, 1, 2, 3])
    qml.RZ(x[0], 3)
    qml.RZ(x[0], 3)
    qml.IsingXY(x[0], [2, 1])
    return qml.expval(qml.Projector([1, 1], [3, 1]))


def by_symmetry_of_the_input(x):
    qml.IsingXX(0.6, [2, 7])
    qml.adjoint(qml.FermionicSWAP(x[0], [2, 7]))
    return qml.expval(qml.Z(7) + qml.Z(2))


@pytest.mark.parametrize("body", [at_one_parameter, at_one_angle_of_an_excitation, by_symmetry_of_the_input])
def test_a_parameter_may_be_dead_in_all_its_places_together(body):
    qnode = qml.QNode(body, qml.device("default.qubit"))
    losses = [float(qnode(np.array([t]))) for t in np.linspace(0, 4 * np.pi, 33)]
    assert np.ptp(losses) < 1e-12
    diagnosis = pw.diagnose(qnode)(pnp.array([0.4], requires_grad=True))
    assert str(diagnosis) and diagnosis.to_dict()
    prediction = pw.predict(pw.signature(qnode)(pnp.array([0.4], requires_grad=True)))
    assert set(prediction.dead_parameters) == {0}
    assert prediction.moments.loss_variance == pytest.approx(0.0, abs=1e-12)
