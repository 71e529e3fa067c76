"""Moments by sampling the circuit itself: the last resort, with standard errors."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.moments.dead import dead_parameters
from pennylane_wishart.moments.drivers import check_law
from pennylane_wishart.moments.records import SecondMoments
from pennylane_wishart.paulis import PauliSum

__all__ = [
    "BatchRotation",
    "angle_batches",
    "batch_rotations",
    "final_states",
    "from_samples",
    "sample_components",
    "sample_gradients",
    "sampled_moments",
]

_BATCH_AMPLITUDES = 1 << 16
"""States held at once: larger batches leave the processor's cache and take twice as long."""


class BatchRotation:
    """exp(−i·angle·G) on a batch of states, a different angle for each."""

    def __init__(self, generator: PauliSum):
        self.generator = generator
        words = generator.words
        self.commuting = not words.anticommutation(words).any()
        if self.commuting:
            self.actions = []
            for m in range(len(words)):
                target, phases = words.action(m)
                source = np.argsort(target)
                self.actions.append((source, -1j * phases[source][:, None]))
            return
        self.support = words.support()
        if len(self.support) > 10:
            raise InputError(
                f"A generator of non-commuting words acts on {len(self.support)} > 10 qubits: "
                "measure the circuit on a PennyLane device instead."
            )
        local = PauliSum.of(words.restrict(self.support), generator.coefficients).matrix()
        self.values, self.basis = np.linalg.eigh(local)

    def __call__(self, angles: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Rotate states ``(2^n, batch)`` by angles ``(batch,)``."""
        if self.commuting:
            for (source, phases), c in zip(self.actions, self.generator.coefficients, strict=True):
                image = states[source]
                image *= phases
                image *= np.sin(angles * c)
                image += np.cos(angles * c) * states
                states = image
            return states
        n, batch = self.generator.n_qubits, states.shape[1]
        tensor = states.reshape((2,) * n + (batch,))
        places = np.arange(len(self.support))
        tensor = np.moveaxis(tensor, self.support, places)
        shape = tensor.shape
        local = self.basis.conj().T @ tensor.reshape(len(self.basis), -1)
        local = local.reshape(len(self.basis), -1, batch)
        local = local * np.exp(-1j * self.values[:, None, None] * angles)
        local = (self.basis @ local.reshape(len(self.basis), -1)).reshape(shape)
        return np.ascontiguousarray(np.moveaxis(local, places, self.support)).reshape(states.shape)


def batch_rotations(circuit: RotationCircuit) -> list[BatchRotation]:
    """Return every rotation's action on a batch, equal generators once."""
    if circuit.n_qubits > 20:
        raise InputError(f"Sampling builds state vectors and stops at 20 qubits; got {circuit.n_qubits}.")
    cache: dict[bytes, BatchRotation] = {}
    rotations = []
    for k in range(circuit.n_rotations):
        generator = circuit.generator(k)
        key = generator.words.packed.tobytes() + generator.coefficients.tobytes()
        if key not in cache:
            cache[key] = BatchRotation(generator)
        rotations.append(cache[key])
    return rotations


def angle_batches(circuit: RotationCircuit, law: AngleLaw, n_samples: int, rng: np.random.Generator):
    """Yield rotation angles ``(batch, n_rotations)`` drawn from a law, in batches whose states fit in memory."""
    batch = max(1, min(n_samples, _BATCH_AMPLITUDES >> circuit.n_qubits))
    for low in range(0, n_samples, batch):
        size = min(batch, n_samples - low)
        angles = circuit.angles_of(law.sample(rng, size))
        for d in np.unique(circuit.random_of[circuit.random_of >= 0]):
            angles[:, circuit.random_of == d] = rng.uniform(0, 2 * np.pi, (size, 1))
        yield angles


def final_states(circuit: RotationCircuit, angles: np.ndarray) -> np.ndarray:
    """Return the states after all rotations, ``(2^n, batch)``."""
    psi = np.repeat(circuit.state.vector()[:, None], len(angles), axis=1)
    for k, rotate in enumerate(batch_rotations(circuit)):
        psi = rotate(angles[:, k], psi)
    return psi


def sample_gradients(
    circuit: RotationCircuit, law: AngleLaw, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw losses ``(n_samples,)`` and gradients ``(n_samples, n_params)`` by adjoint sweeps."""
    rotations = batch_rotations(circuit)
    vector = circuit.state.vector()
    losses, gradients = np.empty(n_samples), np.empty((n_samples, circuit.n_params))
    low = 0
    for angles in angle_batches(circuit, law, n_samples, rng):
        part = slice(low, low + len(angles))
        losses[part], gradients[part] = _adjoint(circuit, rotations, angles, vector)
        low += len(angles)
    return losses, gradients


def sample_components(
    circuit: RotationCircuit, law: AngleLaw, parameters: np.ndarray, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw losses and, with each, one gradient component of a parameter picked at random.

    Forward mode: one tangent vector beside the state, so half the cost of all components.

    Args:
        parameters: flat indices to pick from; none: components are 0 and picks −1.
    Returns:
        losses, components and picked parameters, ``(n_samples,)`` each.
    Cost: O(n_samples · terms · 2^n).
    """
    rotations = batch_rotations(circuit)
    vector = circuit.state.vector()
    parameters = np.asarray(parameters, np.int64)
    out = []
    for angles in angle_batches(circuit, law, n_samples, rng):
        size = len(angles)
        picked = rng.choice(parameters, size) if len(parameters) else np.full(size, -1)
        # states and, where components are wanted, their tangent vectors beside them
        both = np.zeros((len(vector), size * (2 if len(parameters) else 1)), complex)
        both[:, :size] = vector[:, None]
        for k, rotate in enumerate(rotations):
            both = rotate(np.tile(angles[:, k], both.shape[1] // size), both)
            here = np.flatnonzero((picked == circuit.parameter_of[k]) & (picked >= 0))
            if len(here):
                both[:, size + here] -= 1j * circuit.coefficients[k] * rotate.generator.apply(both[:, here])
        psi, tangent = both[:, :size], both[:, -size:]
        image = circuit.observable.apply(psi)
        losses = np.einsum("ib,ib->b", psi.conj(), image).real
        out.append((losses, 2 * np.einsum("ib,ib->b", image.conj(), tangent).real, picked))
    losses, values, picks = (np.concatenate(column) for column in zip(*out, strict=True))
    return losses, values, picks


def _adjoint(circuit: RotationCircuit, rotations, angles: np.ndarray, vector: np.ndarray):
    psi = np.repeat(vector[:, None], len(angles), axis=1)
    for k, rotate in enumerate(rotations):
        psi = rotate(angles[:, k], psi)
    image = circuit.observable.apply(psi)
    losses = np.einsum("ib,ib->b", psi.conj(), image).real
    gradients = np.zeros((len(angles), circuit.n_params))
    for k in range(circuit.n_rotations - 1, -1, -1):
        p = circuit.parameter_of[k]
        if p >= 0:
            # d/da ⟨ψ|e^{iaG} O e^{−iaG}|ψ⟩ = 2 Im ⟨Oψ|Gψ⟩ after the gate.
            slope = 2 * np.einsum("ib,ib->b", image.conj(), rotations[k].generator.apply(psi)).imag
            gradients[:, p] += circuit.coefficients[k] * slope
        psi, image = rotations[k](-angles[:, k], psi), rotations[k](-angles[:, k], image)
    return losses, gradients


def from_samples(losses: np.ndarray, gradients: np.ndarray, dead: tuple[int, ...]) -> SecondMoments:
    """Turn sampled losses and gradients into moments with standard errors."""
    n = len(losses)
    mean, gradient_mean = float(losses.mean()), gradients.mean(axis=0)
    variance, variance_error = _variance(losses[:, None])
    gradient_variance, gradient_error = _variance(gradients)
    squares = losses**2
    proved = np.zeros(gradients.shape[1], bool)
    proved[list(dead)] = True
    for array in (gradient_mean, gradient_variance, gradient_error):
        array[proved] = 0.0
    # A gradient that is 0 to rounding in every sample is not a proof; its bound is the rounding.
    floor = 1e-28 * max(1.0, float(squares.max(initial=0.0)))
    tiny = ~proved & (gradient_variance < floor)
    shown = np.where(tiny, floor, gradient_variance)
    with np.errstate(divide="ignore"):
        log2 = np.log2(shown)
        upper = np.log2(shown + 1.96 * gradient_error)
    return SecondMoments(
        loss_mean=mean,
        loss_second_moment=float(squares.mean()),
        loss_variance=float(variance[0]),
        loss_mean_error=float(losses.std() / np.sqrt(n)),
        loss_second_moment_error=float(squares.std() / np.sqrt(n)),
        loss_variance_error=float(variance_error[0]),
        gradient_mean=gradient_mean,
        gradient_variance=gradient_variance,
        gradient_variance_error=gradient_error,
        log2_gradient_variance=log2,
        log2_gradient_variance_upper=upper,
        status=tuple(
            Status.OK if p else Status.UPPER_BOUND if t else Status.ESTIMATED for p, t in zip(proved, tiny, strict=True)
        ),
        engine="sampled",
        n_samples=n,
        averaging=f"{n} parameter vectors drawn from the law, shared parameters included",
    )


def _variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(values)
    centred = values - values.mean(axis=0)
    second, fourth = (centred**2).mean(axis=0), (centred**4).mean(axis=0)
    return second * n / max(n - 1, 1), np.sqrt(np.maximum(fourth - second**2, 0.0) / n)


def sampled_moments(circuit: RotationCircuit, law: AngleLaw, n_samples: int = 2000, seed=None) -> SecondMoments:
    """Estimate the moments from random parameter vectors on a statevector, n ≤ 20.

    The only route for parameters that drive many rotations. Values that are small against
    1/√n_samples of the largest loss are poorly known: read the standard errors.

    Args:
        n_samples: parameter vectors drawn from ``law``.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments` with ``Status.ESTIMATED`` on every live parameter.
    Raises:
        InputError: beyond 20 qubits, or n_samples < 2.
    Cost: O(n_samples · terms · 2^n).
    Example:
        >>> c = RotationCircuit.from_words(["X"], {"Z": 1.0})
        >>> m = sampled_moments(c, c.angle_law(), 4000, seed=1)
        >>> bool(abs(m.gradient_variance[0] - 0.5) < 4 * m.gradient_variance_error[0])
        True
    """
    check_law(circuit, law)
    if n_samples < 2:
        raise InputError(f"n_samples must be at least 2; got {n_samples}.")
    rng = np.random.default_rng(seed)
    losses, gradients = sample_gradients(circuit, law, n_samples, rng)
    return from_samples(losses, gradients, dead_parameters(circuit)[0])
