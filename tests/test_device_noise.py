"""``noise="device"``: noise of compiled programs, against density matrices of the programs themselves."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from references import noisy

import pennylane_wishart as pw
from pennylane_wishart.circuit import backends
from pennylane_wishart.circuit.channels import channel_of
from pennylane_wishart.circuit.compiled import Native, Program
from pennylane_wishart.errors import InputError, UnsupportedCircuitError, WishartWarning
from pennylane_wishart.variances import exact_moments

P = 0.07
FLIP = qml.DepolarizingChannel(P, 0)


def natives(ops, place=None):
    """Steps of operations: noise is a channel, all else a gate; ``place`` renames wires."""
    out = []
    for op in ops:
        qubits = tuple((place or {}).get(w, w) for w in op.wires)
        if isinstance(op, qml.operation.Channel):
            out.append(Native(op.name, qubits, channel=channel_of(np.array(op.kraus_matrices()))))
        else:
            out.append(Native(op.name, qubits, np.asarray(qml.matrix(op, wire_order=op.wires), complex)))
    return tuple(out)


def noise(*wires):
    return [qml.DepolarizingChannel(P, w) for w in wires]


@pytest.fixture
def machine(monkeypatch):
    """Let a function (tape) -> Program stand for the compiler of default.qubit."""

    def install(compile_):
        monkeypatch.setitem(backends._CONVERTERS, "pennylane", lambda device, tape, turns: compile_(tape))

    return install


def qnode_of(build, obs, n):
    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        build(x)
        return qml.expval(obs)

    return circuit


def check(qnode, x, ops, obs, wires):
    """Moments of the QNode on its machine are those of noisy operations, whose RX, RY, RZ are the parameters."""
    trainable = [i for i, op in enumerate(ops) if op.name in ("RX", "RY", "RZ")]
    mean, second = noisy.averages(ops, obs, wires, trainable)
    circuit = pw.normal_form(qnode, noise="device")(x)
    found = exact_moments(circuit, circuit.angle_law())
    np.testing.assert_allclose(found.loss_variance, second[0] - mean[0] ** 2, atol=1e-12)
    np.testing.assert_allclose(found.gradient_variance, (second - mean**2)[1:], atol=1e-12)
    return circuit


def three(x):
    qml.RX(x[0], 0), qml.RY(x[1], 1), qml.RX(x[2], 2)
    qml.CNOT([0, 1])
    qml.RZ(x[3], 0), qml.RX(x[4], 0)
    qml.CNOT([0, 2])
    qml.RY(x[5], 0), qml.RX(x[6], 1), qml.RY(x[7], 2)


X8 = pnp.array(np.full(8, 0.4), requires_grad=True)


def test_a_routed_program_is_read_with_its_swaps(machine):
    def program(ops):
        """On a line 0 - 1 - 2: the far pair is brought together, and stays so."""
        first, second = ops[:6], ops[7:]
        near = [*first[:4], *noise(0, 1), *first[4:], qml.SWAP([1, 2]), *noise(1, 2), qml.CNOT([0, 1]), *noise(0, 1)]
        moved = {0: 0, 1: 2, 2: 1}
        return [*near, *(qml.map_wires(op, moved) for op in second)]

    def compile_(tape):
        return Program(natives(program(tape.operations)), {w: w for w in range(3)}, {}, {0: 0, 1: 2, 2: 1})

    machine(compile_)
    ops = qml.tape.make_qscript(three)(X8).operations
    check(qnode_of(three, qml.Z(0) @ qml.Z(2), 3), X8, program(ops), qml.Z(0) @ qml.Z(1), [0, 1, 2])


def test_a_far_pair_swapped_with_an_idle_qubit_takes_it_along(machine):
    def build(x):
        qml.RX(x[0], 0), qml.CNOT([0, 1]), qml.RY(x[1], 1)

    def program(ops):
        return [ops[0], qml.SWAP([0, 7]), *noise(0, 7), qml.CNOT([7, 1]), *noise(7, 1), ops[2]]

    machine(lambda tape: Program(natives(program(tape.operations)), {0: 0, 1: 1}, {}, {0: 7, 1: 1}))
    x = pnp.array([0.1, 0.2], requires_grad=True)
    ops = program(qml.tape.make_qscript(build)(x).operations)
    circuit = check(qnode_of(build, qml.Z(0) @ qml.Z(1), 2), x, ops, qml.Z(7) @ qml.Z(1), [0, 1, 7])
    assert circuit.n_qubits == 3
    assert [op.name for op in circuit.trace.tape.operations] == ["RX", "CNOT", "RY"]


def test_gates_that_were_merged_and_synthesised_anew_keep_their_place(machine):
    def build(x):
        for layer in range(2):
            (
                qml.RX(x[4 * layer], 0),
                qml.RZ(x[4 * layer + 1], 0),
                qml.RX(x[4 * layer + 2], 1),
                qml.RY(x[4 * layer + 3], 1),
            )
            qml.CNOT([0, 1])

    mixed = [np.sqrt(1 - P) * np.eye(4), *(np.sqrt(P / 15) * qml.matrix(qml.pauli.string_to_pauli_word(
        "".join(w), {"0": 0, "1": 1} and {0: 0, 1: 1}), wire_order=[0, 1]) for w in itertools.product("IXYZ", repeat=2)
        if "".join(w) != "II")]  # fmt: skip

    def compile_(tape):
        # all of it one gate, with the same noise behind as the two CNOTs together would have if it were global
        whole = np.asarray(qml.matrix(tape, wire_order=[0, 1]), complex)
        steps = [Native("all", (0, 1), whole), *natives([qml.QubitChannel(mixed, [0, 1])])]
        return Program(tuple(steps), {0: 0, 1: 1}, {})

    machine(compile_)
    ops = [*qml.tape.make_qscript(build)(X8).operations, qml.QubitChannel(mixed, [0, 1])]
    check(qnode_of(build, qml.Z(0) @ qml.X(1), 2), X8, ops, qml.Z(0) @ qml.X(1), [0, 1])


def test_swaps_that_became_names_and_gates_that_no_measurement_sees(machine):
    def build(x):
        qml.RX(x[0], 0), qml.CNOT([0, 1]), qml.RY(x[1], 1)
        qml.SWAP([0, 1])
        qml.RX(x[2], 0), qml.CNOT([0, 1]), qml.RX(x[3], 1)
        qml.CZ([0, 1])

    def program(ops):
        renamed = [qml.map_wires(op, {0: 1, 1: 0}) for op in ops[4:7]]
        return [*ops[:2], *noise(0, 1), ops[2], *renamed[:2], *noise(0, 1), renamed[2]]

    machine(lambda tape: Program(natives(program(tape.operations)), {0: 0, 1: 1}, {}, {0: 1, 1: 0}))
    x = pnp.array(np.full(4, 0.3), requires_grad=True)
    ops = program(qml.tape.make_qscript(build)(x).operations)
    check(qnode_of(build, qml.Z(0) @ qml.Z(1), 2), x, ops, qml.Z(0) @ qml.Z(1), [0, 1])


@pytest.mark.parametrize("letter", "XYZ")
def test_readout_acts_on_each_letter_in_its_own_basis(machine, letter):
    def compile_(tape):
        return Program((), {0: 0, 1: 1}, {0: (0.02, 0.1), 1: (0.0, 0.0)})

    machine(compile_)

    def build(x):
        qml.RX(x[0], 0), qml.RY(x[1], 0), qml.RZ(x[2], 0), qml.CNOT([0, 1]), qml.RX(x[3], 1)

    x = pnp.array(np.full(4, 0.3), requires_grad=True)
    obs = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}[letter](0)
    found = pw.predict(qnode_of(build, obs, 2), noise="device")(x)
    np.testing.assert_allclose(found.gradient_variance, 0.88**2 * found.noise.free.gradient_variance, atol=1e-14)
    assert found.noise.mean_shift == pytest.approx(0.08)
    assert found.noise.kinds == {"readout": 1}


def two(x):
    qml.RX(x[0], 0), qml.CNOT([0, 1]), qml.RY(x[1], 1)


X2 = pnp.array([0.1, 0.2], requires_grad=True)


def test_a_compiler_that_is_not_pinned_is_sampled_and_its_spread_said(machine):
    rates = itertools.cycle([0.05, 0.2, 0.1, 0.3, 0.15])

    def compile_(tape):
        ops = [*tape.operations[:2], qml.DepolarizingChannel(next(rates), 1), tape.operations[2]]
        return Program(natives(ops), {0: 0, 1: 1}, {})

    machine(compile_)
    with pytest.warns(WishartWarning, match="not pinned: 5 programs"):
        found = pw.predict(qnode_of(two, qml.Z(1), 2), noise="device")(X2)
    wanted = sorted((1 - 4 * p / 3) ** 2 for p in (0.05, 0.1, 0.15, 0.2, 0.3))
    np.testing.assert_allclose(sorted(found.noise.compiled_ratios), wanted)
    assert found.noise.total_ratio == pytest.approx(wanted[2])
    again = pw.Prediction.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.noise.compiled_ratios == found.noise.compiled_ratios


def without_cnot(tape):
    return Program(natives([tape.operations[0], *noise(0), tape.operations[2]]), {0: 0, 1: 1}, {})


def other_gate(tape):
    ops = [tape.operations[0], qml.IsingZZ(0.3, [0, 1]), *noise(0), tape.operations[2]]
    return Program(natives(ops), {0: 0, 1: 1}, {})


def wrong_end(tape):
    return Program(natives([*tape.operations, *noise(0)]), {0: 0, 1: 1}, {}, {0: 1, 1: 0})


@pytest.mark.parametrize(
    ("compile_", "why"),
    [(without_cnot, "CNOT on wires"), (other_gate, "none of the circuit's"), (wrong_end, "end on other qubits")],
)
def test_programs_that_are_not_the_circuit_are_refused(machine, compile_, why):
    machine(compile_)
    with pytest.raises(UnsupportedCircuitError, match=f"not recognised.*{why}"):
        pw.normal_form(qnode_of(two, qml.Z(1), 2), noise="device")(X2)


def test_what_cannot_be_read_says_what_to_do(machine):
    def wide(x):
        qml.RX(x[0], 0), qml.Toffoli([0, 1, 2]), qml.RX(x[1], 2)

    machine(lambda tape: Program(natives(noise(0)), {w: w for w in range(3)}, {}))
    with pytest.raises(UnsupportedCircuitError, match="Toffoli.*decompose"):
        pw.normal_form(qnode_of(wide, qml.Z(2), 3), noise="device")(X2)
    machine(lambda tape: Program((), {}, {}))
    with pytest.raises(UnsupportedCircuitError, match="fit_noise"):
        pw.normal_form(qnode_of(two, qml.Z(1), 2), noise="device")(X2)

    def broken(tape):
        raise KeyError("no such gate")

    machine(broken)
    with pytest.raises(UnsupportedCircuitError, match="KeyError"):
        pw.normal_form(qnode_of(two, qml.Z(1), 2), noise="device")(X2)

    def own(x):
        two(x), qml.BitFlip(0.1, 0)

    with pytest.raises(UnsupportedCircuitError, match="channels of its own"):
        pw.normal_form(qnode_of(own, qml.Z(1), 2), noise="device")(X2)
    tape = qml.tape.QuantumScript([qml.RX(0.1, 0)], [qml.expval(qml.Z(0))], trainable_params=[0])
    with pytest.raises(InputError, match="tape has no device"):
        pw.normal_form(tape, noise="device")()


# ------------------------------------------------------------------ plugins: each skips where it is not installed
def rotations_and_chain(x):
    for layer in x:
        for q in range(2):
            qml.RX(layer[q, 0], q)
            qml.RZ(layer[q, 1], q)
        qml.CNOT([0, 1])


X222 = pnp.array(np.full((2, 2, 2), 0.3), requires_grad=True)
OBS = qml.Z(0) @ qml.X(1)


def on(device):
    @qml.qnode(device)
    def circuit(x):
        rotations_and_chain(x)
        return qml.expval(OBS)

    return circuit


def behind(rules, ops=None):
    """The circuit's operations with channels behind them: ``rules`` maps a name to channels of its wires."""
    out = []
    for op in ops or qml.tape.make_qscript(rotations_and_chain)(X222).operations:
        out += [op, *(channel(w) for channel in rules.get(op.name, ()) for w in op.wires)]
    return out


def test_aer_with_a_model_of_its_own():
    pytest.importorskip("pennylane_qiskit")
    noise_ = pytest.importorskip("qiskit_aer.noise")
    model = noise_.NoiseModel(basis_gates=["rx", "rz", "cx", "h"])
    damping = noise_.amplitude_damping_error(0.03)
    # the first qubit's error last in the product: qubits are told apart
    model.add_all_qubit_quantum_error(noise_.amplitude_damping_error(0.1).tensor(damping), ["cx"])
    model.add_all_qubit_quantum_error(noise_.depolarizing_error(0.02, 1), ["rx"])
    device = qml.device("qiskit.aer", wires=2, noise_model=model, optimization_level=0)
    ops = []
    for op in qml.tape.make_qscript(rotations_and_chain)(X222).operations:
        ops.append(op)
        if op.name == "CNOT":
            ops += [qml.AmplitudeDamping(0.03, 0), qml.AmplitudeDamping(0.1, 1)]
        if op.name == "RX":
            ops.append(qml.DepolarizingChannel(0.02 * 3 / 4, op.wires))
    check(on(device), X222, ops, OBS, [0, 1])


def test_remote_with_a_fake_machine_is_read_with_its_routing_and_readout():
    pytest.importorskip("pennylane_qiskit")
    fakes = pytest.importorskip("qiskit_ibm_runtime.fake_provider")

    @qml.qnode(qml.device("qiskit.remote", wires=["a", "b", "c"], backend=fakes.FakeManilaV2(), seed_transpiler=11))
    def ring(x):
        for layer in x:
            for q, w in enumerate("abc"):
                qml.RX(layer[q, 0], w)
                qml.RZ(layer[q, 1], w)
            for bond in ("ab", "bc", "ca"):
                qml.CNOT(list(bond))
        return qml.expval(qml.Z("a") @ qml.Z("b"))

    x = pnp.array(np.full((2, 3, 2), 0.3), requires_grad=True)
    circuit = pw.normal_form(ring, noise="device")(x)
    names = [c.name for c in circuit.channels]
    # six bonds, and swaps for those that the line of qubits has not
    assert names.count("cx") > 6 and names.count("readout") == 3
    readout = [c.transfer for c in circuit.channels if c.name == "readout"]
    # Manila's are not symmetric: the mean moves
    assert all(t[0, 2] > 0.01 and 0.8 < t[2, 2] < 0.99 for t in readout)


def test_braket_with_a_noise_model():
    pytest.importorskip("braket.pennylane_plugin")
    from braket.circuits import Gate
    from braket.circuits.noise_model import GateCriteria, NoiseModel
    from braket.circuits.noises import AmplitudeDamping, Depolarizing

    model = NoiseModel()
    model.add_noise(AmplitudeDamping(0.1), GateCriteria([Gate.CNot]))
    model.add_noise(Depolarizing(0.03), GateCriteria([Gate.Rx]))
    device = qml.device("braket.local.qubit", wires=2, backend="braket_dm", noise_model=model)
    damp, mix = (lambda w: qml.AmplitudeDamping(0.1, w)), (lambda w: qml.DepolarizingChannel(0.03, w))
    circuit = check(on(device), X222, behind({"CNOT": [damp], "RX": [mix]}), OBS, [0, 1])
    # what is measured there is the circuit as it is written: the device adds its noise
    data = pw.measure(circuit, samples=40, device=device, progress=False)()
    assert pw.compare(pw.predict(circuit), data).variances.agrees is True


def test_cirq_with_noise_a_moment():
    cirq = pytest.importorskip("cirq")
    pytest.importorskip("pennylane_cirq")
    device = qml.device("cirq.mixedsimulator", wires=2)
    with pytest.raises(UnsupportedCircuitError, match="none that can be read"):
        pw.normal_form(on(device), noise="device")(X222)
    noise_ = cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.05))
    device.target_device._simulator = cirq.DensityMatrixSimulator(noise=noise_)
    damp = lambda w: qml.AmplitudeDamping(0.05, w)  # noqa: E731
    # both wires are busy in every moment
    check(on(device), X222, behind({"CNOT": [damp], "RX": [damp], "RZ": [damp]}), OBS, [0, 1])
