"""Noise: second moments against density matrices averaged by an independent program, and what is said of it."""

from __future__ import annotations

import json
import pickle

import noisy_circuits as drawn
import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from references import noisy

import pennylane_wishart as pw
from pennylane_wishart.circuit import noise_free
from pennylane_wishart.conventions import Evidence, ReasonCode
from pennylane_wishart.errors import InputError, OutOfTheoryError, UnsupportedCircuitError
from pennylane_wishart.variances import can_walk, dead_proofs, exact_moments, pair_walk, sampled_moments, walk

pytestmark = pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")


def circuit_of(case):
    return pw.normal_form(drawn.tape_of(*case))()


def check_exact(seed):
    """One random circuit: every channel, sums and fixed gates in turn; dead are exactly those of variance 0."""
    n = (2, 3, 2, 3, 2)[seed % 5]
    kinds = drawn.PAULI if seed % 2 else drawn.EVERY
    case = drawn.draw(seed, n, kinds, n_gates=10, terms=3 if seed % 4 == 3 else 1, rich=seed % 3 > 0)
    mean, second = noisy.averages(*case[:2], list(range(n)), case[2])
    circuit = circuit_of(case)
    found = exact_moments(circuit, circuit.angle_law())
    np.testing.assert_allclose(np.append(found.loss_mean, found.gradient_mean), mean, atol=1e-12)
    variance = np.append(found.loss_variance, found.gradient_variance)
    np.testing.assert_allclose(variance, second - mean**2, atol=1e-12)
    assert list(dead_proofs(circuit)) == np.flatnonzero(second[1:] < 1e-14).tolist()


@pytest.mark.parametrize("seed", range(8))
def test_exact_moments_are_those_of_density_matrices(seed):
    check_exact(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8, 220))
def test_exact_moments_of_two_hundred_circuits(seed):
    check_exact(seed)


@pytest.mark.parametrize("name", drawn.EVERY)
def test_every_channel_is_read(name):
    rng = np.random.default_rng(3)
    ops = [qml.RY(0.1, 0), qml.RX(0.2, 1), qml.CNOT([0, 1]), drawn.channel(rng, name, 2), qml.RY(0.3, 1)]
    case = (ops, qml.Z(0) @ qml.X(1), [0, 1, 4])
    mean, second = noisy.averages(*case[:2], [0, 1], case[2])
    circuit = circuit_of(case)
    found = exact_moments(circuit, circuit.angle_law())
    np.testing.assert_allclose(found.gradient_variance, (second - mean**2)[1:], atol=1e-12)
    assert len(circuit.channels) == 1 and len(noise_free(circuit).channels) == 0


@pytest.mark.parametrize("engine", ["walk", "pairs", "sampled"])
def test_sampling_engines_agree_with_exact_ones(engine):
    # 5 errors on at most 23 components: false alarm below 1e-5 where tails are normal
    case = drawn.draw(4, 6, drawn.PAULI, n_gates=16, rich=False)
    circuit = circuit_of(case)
    law = circuit.angle_law()
    exact = exact_moments(circuit, law)
    assert can_walk(circuit, law) == ""
    run = {"walk": lambda: walk(circuit, law, 50_000, 1), "pairs": lambda: pair_walk(circuit, law, 20_000, 1),
           "sampled": lambda: sampled_moments(circuit, law, 300, 1)}[engine]  # fmt: skip
    found = run()
    known = found.known & ~exact.dead
    gap = np.abs(found.gradient_variance - exact.gradient_variance)[known]
    assert known.sum() >= 5
    assert np.all(gap <= 5 * found.gradient_variance_error[known])


def test_walkers_of_a_sum_carry_signed_fidelities():
    # flips of probability above a half have negative fidelities: pairs of words see the sign
    ops = [qml.RX(0.1, 0), qml.BitFlip(0.8, 0), qml.RY(0.2, 0), qml.RZ(0.1, 1), qml.CNOT([0, 1]), qml.RX(0.3, 1)]
    case = ([*ops, qml.PhaseFlip(0.9, 1)], qml.dot([1.0, 0.7], [qml.Z(0) @ qml.Y(1), qml.Z(1)]), [0, 2, 3, 5])
    circuit = circuit_of(case)
    law = circuit.angle_law()
    exact, found = exact_moments(circuit, law), walk(circuit, law, 100_000, 3)
    assert abs(found.loss_variance - exact.loss_variance) < 5 * max(found.loss_variance_error, 1e-3)
    mean, second = noisy.averages(*case[:2], [0, 1], case[2])
    assert exact.loss_variance == pytest.approx(second[0] - mean[0] ** 2, abs=1e-12)


def shared_qnode():
    @qml.qnode(qml.device("default.mixed", wires=3))
    def circuit(gamma, beta):
        for i in range(3):
            qml.Hadamard(i)
        for i in range(2):
            qml.IsingZZ(gamma, [i, i + 1])
            qml.DepolarizingChannel(0.05, i)
            qml.AmplitudeDamping(0.1, i + 1)
        for i in range(3):
            qml.RX(beta, i)
        return qml.expval(qml.dot([1.0, 0.5], [qml.Z(0) @ qml.Z(1), qml.X(1)]))

    return circuit


def test_shared_angles_are_averaged_jointly_under_noise():
    qnode = shared_qnode()
    angles = 2 * np.pi * np.arange(8) / 8
    losses = np.array([[qnode(g, b) for b in angles] for g in angles])
    circuit = pw.normal_form(qnode)(pnp.array(0.1, requires_grad=True), pnp.array(0.2, requires_grad=True))
    found = exact_moments(circuit, circuit.angle_law())
    assert found.loss_variance == pytest.approx(losses.var(), abs=1e-12)
    frequencies = np.fft.fftfreq(8, 1 / 8)
    for axis in (0, 1):
        shape = (-1, 1) if axis == 0 else (1, -1)
        slope = np.fft.ifft(1j * frequencies.reshape(shape) * np.fft.fft(losses, axis=axis), axis=axis).real
        assert found.gradient_variance[axis] == pytest.approx(slope.var(), abs=1e-12)


def plain_qnode(noise=()):
    @qml.qnode(qml.device("default.mixed", wires=2))
    def circuit(x):
        qml.RX(x[0], 0)
        for op in noise[:1]:
            op(0)
        qml.CNOT([0, 1])
        qml.RY(x[1], 1)
        for op in noise[1:]:
            op(0), op(1)
        return qml.expval(qml.Z(1))

    return circuit


def after_rx(channel, *args, **measured):
    return qml.NoiseModel({qml.noise.op_eq(qml.RX): qml.noise.partial_wires(channel, *args)}, **measured)


READOUT = {qml.noise.meas_eq(qml.expval): qml.noise.partial_wires(qml.BitFlip, 0.05)}
ADDED = {
    "add_noise": lambda q: qml.add_noise(q, after_rx(qml.AmplitudeDamping, 0.1)),
    "at the device": lambda q: qml.add_noise(q, after_rx(qml.AmplitudeDamping, 0.1), level="device"),
    "under a rewrite": lambda q: qml.transforms.merge_rotations(qml.add_noise(q, after_rx(qml.AmplitudeDamping, 0.1))),
    "with readout": lambda q: qml.add_noise(q, after_rx(qml.AmplitudeDamping, 0.1, meas_map=READOUT)),
    "option": lambda q: q,
}


@pytest.mark.parametrize("name", ADDED)
def test_noise_models_are_read_as_pennylane_applies_them(name):
    x = pnp.array([0.1, 0.2], requires_grad=True)
    damping = lambda w: qml.AmplitudeDamping(0.1, w)  # noqa: E731
    flip = lambda w: qml.BitFlip(0.05, w)  # noqa: E731
    readout = name in ("with readout", "option")
    expected = pw.predict(plain_qnode([damping, *([flip] if readout else [])]))(x)
    model = after_rx(qml.AmplitudeDamping, 0.1, meas_map=READOUT) if name == "option" else None
    found = pw.predict(ADDED[name](plain_qnode()), noise=model)(x)
    np.testing.assert_allclose(found.gradient_variance, expected.gradient_variance, atol=1e-14)
    np.testing.assert_allclose(found.noise.free.gradient_variance, pw.predict(plain_qnode())(x).gradient_variance)
    assert found.noise.total_ratio < 1


def test_noise_between_gates_that_would_cancel_brings_a_parameter_to_life():
    def case(noise):
        ops = [qml.Hadamard(0), qml.RZ(0.4, 0), *noise, qml.RZ(-0.4, 0), qml.RY(0.3, 0)]
        return ops

    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x, noisy):
        qml.RX(x[1], 0)
        qml.RZ(x[0], 0)
        if noisy:
            qml.BitFlip(0.2, 0)
        qml.RZ(-x[0], 0)
        return qml.expval(qml.X(0) + qml.Y(0))

    x = pnp.array([0.4, 0.3], requires_grad=True)
    assert list(dead_proofs(pw.normal_form(circuit)(x, noisy=False))) == [0]
    assert list(dead_proofs(pw.normal_form(circuit)(x, noisy=True))) == []


def test_a_channel_of_three_wires_is_refused_with_advice():
    tape = qml.tape.QuantumScript(
        [qml.RX(0.1, 0), qml.QubitChannel([np.eye(8)], wires=[0, 1, 2])], [qml.expval(qml.Z(0))], trainable_params=[0]
    )
    with pytest.raises(UnsupportedCircuitError, match="channel of 3 wires"):
        pw.normal_form(tape)()


def test_the_strength_of_a_channel_is_no_angle():
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        qml.RX(x[0], 0)
        qml.DepolarizingChannel(x[1], 0)
        return qml.expval(qml.Z(0))

    with pytest.raises(UnsupportedCircuitError, match="strength of a noise channel"):
        pw.normal_form(circuit)(pnp.array([0.1, 0.2], requires_grad=True))


def test_a_statevector_is_refused_under_noise():
    circuit = circuit_of(([qml.RX(0.1, 0), qml.BitFlip(0.1, 0)], qml.Z(0), [0]))
    with pytest.raises(InputError, match="noise channels"):
        circuit.loss(circuit.angles_of([0.1]))


def mixed_qnode():
    @qml.qnode(qml.device("default.mixed", wires=2))
    def circuit(x):
        for layer in range(2):
            qml.RX(x[layer, 0], 0)
            qml.RY(x[layer, 1], 1)
            qml.CNOT([0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit, pnp.array(np.full((2, 2), 0.3), requires_grad=True)


def test_laws_say_that_they_do_not_hold_and_records_keep_the_noise():
    qnode, x = mixed_qnode()
    found = pw.predict(qnode, noise=after_rx(qml.DepolarizingChannel, 0.1))(x)
    law = found.find("loss")
    assert not law and law.reason.code is ReasonCode.NOISE
    with pytest.raises(OutOfTheoryError, match="noise"):
        found.independent_rank  # noqa: B018
    again = pw.Prediction.from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(again.noise.ratio, found.noise.ratio)
    assert again.circuit.channels[0].name == "DepolarizingChannel"
    assert pickle.loads(pickle.dumps(found)).noise.total_ratio == found.noise.total_ratio
    assert found.signature.noisy is not None and not found.signature.circuit.channels


def test_a_layer_of_noise_and_the_depth_where_half_is_gone():
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        for layer in x:
            for angle, gate in zip(layer, (qml.RZ, qml.RY, qml.RZ)):
                gate(angle, 0)
                qml.DepolarizingChannel(0.03, 0)
        return qml.expval(qml.Z(0))

    found = pw.predict(circuit)(pnp.array(np.full((6, 3), 0.1), requires_grad=True)).noise
    left = (1 - 4 * 0.03 / 3) ** 2
    # every channel meets a word of this qubit, whatever it is
    assert found.loss_ratio == pytest.approx(left**18) and found.is_unital
    assert found.depth.rate == pytest.approx(np.log2(left), rel=1e-6)
    assert found.depth.half == pytest.approx(-1 / np.log2(left), rel=1e-6)
    assert found.layers().shape == (6,) and found.layers()[3] == pytest.approx(left**18)


def test_a_diagnosis_says_what_noise_leaves_and_descends_its_own_landscape():
    qnode, x = mixed_qnode()
    found = pw.diagnose(qnode, noise=after_rx(qml.DepolarizingChannel, 0.1), run=False, starts=2)(x)
    text = str(found)
    assert "noise leaves" in text and "What noise" not in found.headline
    assert found.descent.evidence is Evidence.DESCENTS
    # depolarising noise keeps the best end above -1
    assert -1 < found.descent.best < -0.5


def test_a_measurement_of_the_plain_circuit_is_held_against_the_model_of_its_device():
    qnode, x = mixed_qnode()
    model = after_rx(qml.DepolarizingChannel, 0.3)
    noisy_device = qml.add_noise(qml.device("default.mixed", wires=2), model)
    data = pw.measure(qnode, samples=60, device=noisy_device, progress=False)(x)
    with_model = pw.compare(pw.predict(qnode, noise=model)(x), data)
    assert with_model.variances.agrees is True and with_model.noise == ""
    wrong = pw.compare(pw.predict(qnode, noise=after_rx(qml.DepolarizingChannel, 0.001))(x), data)
    assert wrong.variances.agrees is False and "noise that the model lacks" in wrong.noise


def test_noise_of_a_device_that_is_not_read_is_refused_with_advice():
    qnode, x = mixed_qnode()
    with pytest.raises(UnsupportedCircuitError, match="fit_noise"):
        pw.predict(qnode, noise="device")(x)
    with pytest.raises(InputError, match="NoiseModel"):
        pw.predict(qnode, noise=0.1)(x)
    flips = qnode.update(device=qml.device("default.mixed", wires=2, readout_prob=0.1))
    found = pw.predict(flips, noise="device")(x)
    assert found.noise.loss_ratio == pytest.approx(0.8**4)


def test_what_needs_state_vectors_says_that_there_is_noise():
    qnode, x = mixed_qnode()
    model = after_rx(qml.DepolarizingChannel, 0.1)
    found = pw.predict(qnode, noise=model)(x)
    assert found.hessian_law.reason.code is ReasonCode.NOISE
    assert found.training_curve().reason.code is ReasonCode.NOISE
    noisy_qnode = qml.add_noise(qnode, model)
    with pytest.raises(InputError, match="without noise"):
        pw.expressibility(noisy_qnode)(x)
    with pytest.raises(InputError, match="already has its noise"):
        pw.predict(pw.normal_form(qnode)(x), noise=model)


def test_second_derivatives_under_noise_are_those_of_density_matrices():
    # one qubit: the mixed derivative of ⟨Z⟩ behind two rotations is damped as the loss is
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        qml.RX(x[0], 0)
        qml.DepolarizingChannel(0.1, 0)
        qml.RY(x[1], 0)
        return qml.expval(qml.Z(0))

    found = pw.predict(circuit)(pnp.array([0.1, 0.2], requires_grad=True))
    left = (1 - 4 * 0.1 / 3) ** 2
    np.testing.assert_allclose(found.hessian_variance, left / 4 * np.ones((2, 2)), atol=1e-12)


def test_a_signature_that_is_remembered_stays_without_noise():
    qnode, x = mixed_qnode()
    free = pw.predict(qnode)(x).gradient_variance
    for strength in (0.1, 0.1, 0.2):
        found = pw.predict(qnode, noise=after_rx(qml.DepolarizingChannel, strength))(x)
        np.testing.assert_allclose(found.noise.free.gradient_variance, free, atol=1e-14)
        assert not found.signature.circuit.channels and found.circuit.channels


def test_kernel_of_the_own_input_is_the_sum_of_squares_under_any_noise():
    circuit = pw.normal_form(plain_qnode([lambda w: qml.AmplitudeDamping(0.2, w)] * 2))(pnp.array([0.1, 0.2]))
    found = pw.predict(circuit)
    expected = np.sum(found.gradient_variance + found.moments.gradient_mean**2)
    np.testing.assert_allclose(found.ntk(), [[expected]], rtol=1e-12)
