"""What the report says of noise: numbers of the record, each with its definition; what noise kills and revives."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from stub_devices import StubHardware

import pennylane_wishart as pw
from pennylane_wishart.diagnosis.checks.noise import CHECK
from pennylane_wishart.diagnosis.sections.noise import noise_section

X = pnp.array([0.4, 0.3], requires_grad=True)


def qnode(*channels, between=()):
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        qml.RX(x[1], 0)
        for make in channels:
            make(0)
        qml.RZ(x[0], 0)
        for make in between:
            make(0)
        qml.RZ(-x[0], 0)
        return qml.expval(qml.X(0) + qml.Y(0))

    return circuit


def findings(*channels, **between):
    return SimpleNamespace(prediction=pw.predict(qnode(*channels, **between))(X))


def rows(section):
    return {row.label: row.value for row in section.rows}


def explained(section):
    assert all(row.definition and row.source and row.method for row in section.rows)
    assert all(s.definition or not re.search(r"\d", s.text) for s in section.said)


def test_no_noise_no_section():
    assert noise_section(findings()) is None
    assert CHECK.judge(findings()) is None


def test_numbers_are_those_of_the_record():
    found = findings(lambda w: qml.AmplitudeDamping(0.2, w), lambda w: qml.DepolarizingChannel(0.1, w))
    section, noise = noise_section(found), found.prediction.noise
    explained(section)
    text = section.text
    assert "1 × AmplitudeDamping, 1 × DepolarizingChannel" in text
    # Y is what RX makes of Z: sqrt(1 - 0.2) and 1 - 4·0.1/3 of it, squared
    assert f"{0.8 * (1 - 0.4 / 3) ** 2:.0%} of the summed gradient" in text
    shown = rows(section)
    assert shown["loss variance, with noise over without"] == f"{noise.loss_ratio:.4g}"
    assert shown["shift of the mean loss"] == "0"
    assert "to" in shown["gradient variances, with noise over without"]
    assert "kills" not in text and "to life" not in text
    assert CHECK.judge(found).passed is True


def test_what_is_erased_is_said_to_be_killed():
    found = findings(lambda w: qml.DepolarizingChannel(0.75, w))
    section = noise_section(found)
    explained(section)
    assert found.prediction.noise.killed == (1,) and "Noise kills x[1]." in section.text
    assert "which leaves 0%" in section.text
    check = CHECK.judge(found)
    assert check.passed is False and check.value == 0 and check.remark


def test_what_no_longer_cancels_is_said_to_live():
    section = noise_section(findings(between=[lambda w: qml.BitFlip(0.2, w)]))
    explained(section)
    assert "Noise brings x[0] to life." in section.text


def test_depth_rate_and_half_are_shown_where_they_are_known():
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        for angle, gate in zip(x, (qml.RZ, qml.RY, qml.RZ) * 4):
            gate(angle, 0)
            qml.DepolarizingChannel(0.03, 0)
        return qml.expval(qml.Z(0))

    found = SimpleNamespace(prediction=pw.predict(circuit)(pnp.array(np.full(12, 0.1), requires_grad=True)))
    shown = rows(noise_section(found))
    bits = -2 * np.log2(1 - 0.04)
    assert shown["bits of the loss variance that noise takes a rotation"] == f"{bits:.4g}"
    assert shown["rotations after which noise has taken half"] == f"{1 / bits:.4g}"
    found.prediction = replace(found.prediction, noise=replace(found.prediction.noise, depth=None))
    assert "rotations after which noise has taken half" not in rows(noise_section(found))
    assert CHECK.judge(found).passed is False


def test_programs_of_a_compiler_are_shown_with_their_spread():
    found = findings(lambda w: qml.BitFlip(0.1, w))
    found.prediction = replace(
        found.prediction, noise=replace(found.prediction.noise, compiled_ratios=(0.5, 0.25, 0.4))
    )
    section = noise_section(found)
    explained(section)
    assert rows(section)["over 3 compilations"] == "0.25 to 0.5"


@pytest.mark.parametrize("damping", [0.3])
def test_a_moved_mean_is_shown(damping):
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        qml.RX(x[0], 0), qml.RY(x[1], 0), qml.AmplitudeDamping(damping, 0)
        return qml.expval(qml.Z(0))

    section = noise_section(SimpleNamespace(prediction=pw.predict(circuit)(X)))
    assert rows(section)["shift of the mean loss"] == f"{damping:.4g}"


def test_noise_may_be_why_the_ground_is_not_reached():
    """One qubit that RY turns to any state: damped by a depolarising channel, its best end is not −1."""

    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit(x):
        qml.RY(x[0], 0)
        qml.RX(x[1], 0)
        qml.DepolarizingChannel(0.3, 0)
        return qml.expval(qml.Z(0))

    diag = pw.diagnose(circuit, run=False, progress=False)(X)
    [check] = [c for c in diag.checks if c.id == "reach"]
    assert diag.descent.best == pytest.approx(-0.6, abs=1e-6)
    assert "noise" in diag.descent.blocked_by and "Less noise" in check.advice


def test_shots_that_are_given_are_what_hardware_measures_with():
    machine = StubHardware(wires=2)

    @qml.qnode(machine)
    def circuit(x):
        qml.RX(x[0], 0)
        qml.RY(x[1], 1)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(1))

    options = {"samples": 6, "descent_budget": 0, "remedy_budget": 0, "progress": False}
    diag = pw.diagnose(circuit, shots=50, **options)(X)
    assert diag.measurement.shots == 50 and machine.shots_run >= 50 * machine.circuits > 0
