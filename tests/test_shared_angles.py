"""Circuits whose angles are all shared: exact by nodes, against a grid of losses on density matrices."""

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.conventions import EngineId

GRID = 32
"""Nodes a parameter: squares of losses have frequencies of up to 12 in the first, 6 in the second."""


@pytest.mark.parametrize("noisy", [False, True])
def test_every_angle_shared(noisy):
    @qml.qnode(qml.device("default.mixed", wires=2))
    def circuit(w):
        for layer in (1, 2):
            for q in range(2):
                qml.RX(w[0] * layer, q)
            if noisy:
                qml.AmplitudeDamping(0.2, 0)
                qml.DepolarizingChannel(0.1, 1)
            qml.CRX(0.4, [0, 1])
            qml.IsingZZ(w[1], [0, 1])
            qml.RY(w[1] + 0.3, 0)
        if noisy:
            qml.PhaseDamping(0.3, 1)
        return qml.expval(qml.Z(0) @ qml.X(1) + 0.5 * qml.Z(1))

    grid = 2 * np.pi * np.arange(GRID) / GRID
    losses = np.array(circuit([np.repeat(grid, GRID), np.tile(grid, GRID)])).reshape(GRID, GRID)
    spectrum = np.fft.fft2(losses) / GRID**2
    frequency = np.abs(np.fft.fftfreq(GRID, 1 / GRID))
    # squares are averaged without aliasing where the loss has half of the grid's frequencies
    assert np.abs(spectrum[frequency > 7]).max() < 1e-12 and np.abs(spectrum[:, frequency > 7]).max() < 1e-12
    power = np.abs(spectrum) ** 2
    pred = pw.predict(circuit)(pnp.array([0.1, 0.2], requires_grad=True))
    assert pred.moments.engine is EngineId.QUADRATURE
    assert pred.moments.loss_mean == pytest.approx(spectrum[0, 0].real, abs=1e-10)
    assert pred.moments.loss_variance == pytest.approx(power.sum() - power[0, 0], abs=1e-10)
    wanted = [(frequency[:, None] ** 2 * power).sum(), (frequency[None] ** 2 * power).sum()]
    np.testing.assert_allclose(pred.gradient_variance, wanted, atol=1e-10)
