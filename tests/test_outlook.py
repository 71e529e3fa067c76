"""The reached space against the circuit's own evaluator; certificates against descents."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.outlook import certify, reached_space

XY = ["XXI", "YYI", "IXX", "IYY", "ZII", "IZI", "IIZ"]


def test_the_space_is_the_one_that_the_gates_reach():
    """Words of even X-parity keep the parity of ones: half of all states. Diagonal ones keep the state."""
    words = ["XXI", "YYI", "IXX", "IYY", "ZII", "IZI"]
    assert reached_space(RotationCircuit.from_words(words, {"ZII": 1.0}, InputState.basis([1, 0, 0]))).dim == 4
    assert reached_space(RotationCircuit.from_words(["ZII", "IZZ"], {"XII": 1.0}, InputState.basis([0, 1, 0]))).dim == 1


@pytest.mark.parametrize("bits", [[0, 0, 0], [1, 0, 1]])
def test_losses_and_gradients_are_those_of_the_circuit(bits, rng):
    circuit = RotationCircuit.from_words([*XY, "XIZ", "IYI"], {"ZZI": 0.7, "IXY": -0.4}, InputState.basis(bits))
    space = reached_space(circuit)
    x = rng.uniform(0, 2 * np.pi, (4, circuit.n_params))
    losses, gradients = space.gradients(x)
    np.testing.assert_allclose(losses, circuit.loss(circuit.angles_of(x)), atol=1e-12)
    for k in range(circuit.n_params):  # ℓ(θ + π/2) − ℓ(θ − π/2) is twice the derivative of a Pauli rotation
        shift = np.pi / 2 * np.eye(circuit.n_params)[k]
        up, down = (circuit.loss(circuit.angles_of(x + s * shift)) for s in (1, -1))
        np.testing.assert_allclose(gradients[:, k], (up - down) / 2, atol=1e-12)
    tangents, states = space.tangents(x[0]), space.states(x[:1])[0]
    slopes = 2 * (tangents.conj() @ (space.observable @ states)).real
    np.testing.assert_allclose(slopes, gradients[0], atol=1e-12)


def test_no_angle_passes_the_reachable_ground(rng):
    circuit = RotationCircuit.from_words(["XX", "ZI", "YY"], {"XI": 1.0, "IZ": 0.5, "ZZ": 0.3})
    space = reached_space(circuit, max_dim=8)
    losses, _ = space.gradients(rng.uniform(0, 2 * np.pi, (200, 3)))
    assert losses.min() >= space.ground - 1e-12
    assert space.ground > np.linalg.eigvalsh(circuit.observable.matrix())[0] + 1e-3


def descents(space, rng, starts=12):
    """Ends of plain L-BFGS descents, above the reachable ground."""

    def value(x):
        losses, gradients = space.gradients(x[None])
        return losses[0], gradients[0]

    options = {"gtol": 1e-9, "ftol": 0.0, "maxiter": 3000}
    law = space.circuit.angle_law("uniform")
    found = [minimize(value, x, jac=True, method="L-BFGS-B", options=options).fun for x in law.sample(rng, starts)]
    return np.array(found) - space.ground


CERTIFIED = {
    "one qubit": (["X", "Z", "Y"] * 4, {"Z": 1.0}),
    "two qubits, Ising": (["XI", "IX", "ZZ", "YI", "IY", "XZ"] * 4, {"ZZ": 1.0, "XI": 0.3}),
    "real amplitudes": (["YI", "IY", "ZY", "YX"] * 4, {"ZZ": 1.0, "ZI": 0.5}),
}


@pytest.mark.parametrize("name", CERTIFIED)
def test_certified_circuits_descend_to_the_reachable_ground(name, rng):
    words, observable = CERTIFIED[name]
    space = reached_space(RotationCircuit.from_words(words, observable))
    found = certify(space, rng)
    assert found.holds and found.tangents == found.dimension and found.live >= found.dimension + 4
    assert descents(space, rng).max() < 1e-3 * (space.levels[-1] - space.levels[0])


def test_few_parameters_are_never_certified(rng):
    words, observable = CERTIFIED["two qubits, Ising"]
    for length in range(1, 8):
        assert not certify(reached_space(RotationCircuit.from_words(words[:length], observable)), rng).holds


def test_a_constant_loss_promises_nothing(rng):
    space = reached_space(RotationCircuit.from_words(["ZI", "IZ", "ZZ"] * 4, {"ZZ": 1.0}))
    assert not certify(space, rng).holds


def test_what_is_too_large_or_has_no_parameter_is_refused(rng):
    with pytest.raises(ModuleTooLargeError, match="explores more than 4 dimensions"):
        reached_space(RotationCircuit.from_words(XY + ["XII", "IYI", "IIX"], {"ZII": 1.0}), max_dim=4)
    with pytest.raises(InputError, match="without parameters"):
        fixed = RotationCircuit.from_words(["X"], {"Z": 1.0}, parameter_of=[-1])
        certify(reached_space(fixed), rng)
