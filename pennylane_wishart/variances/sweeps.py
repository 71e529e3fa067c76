"""Losses and gradients of the circuit at given angles: adjoint sweeps of state vectors, in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum

__all__ = ["BatchRotation", "Drawn", "Sweeps", "rotation_angles", "vector_work"]


class BatchRotation:
    """exp(−i·angle·G) on a batch of states, a different angle for each."""

    def __init__(self, generator: PauliSum):
        self.generator = generator
        words = generator.words
        self.commuting = not words.anticommutation(words).any()
        self.phases: tuple[np.ndarray, np.ndarray] | None = None
        if len(words) > 1 and words.is_diagonal().all():
            # a cost Hamiltonian is one phase an amplitude, of few different ones
            total = sum(c * words.action(m)[1].real for m, c in enumerate(generator.coefficients))
            self.phases = np.unique(total, return_inverse=True)
            return
        if self.commuting:
            self.actions = []
            for m in range(len(words)):
                # gathering rows is faster than scattering them
                target, phases = words.action(m)
                source = np.argsort(target)
                self.actions.append((source, -1j * phases[source][:, None]))
            return
        self.support = words.support()
        if len(self.support) > limits.MAX_LOCAL_QUBITS:
            raise InputError(
                f"A generator of non-commuting words acts on {len(self.support)} > {limits.MAX_LOCAL_QUBITS} qubits: "
                "measure the circuit on a PennyLane device instead."
            )
        # words that do not commute are turned together, in their eigenbasis on the qubits that they touch
        local = PauliSum.of(words.restrict(self.support), generator.coefficients).matrix()
        self.values, self.basis = np.linalg.eigh(local)

    def __call__(self, angles: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Rotate states ``(2^n, batch)`` by angles ``(batch,)``."""
        if self.phases is not None:
            levels, level_of = self.phases
            return np.asarray(states * np.exp(-1j * levels[:, None] * angles)[level_of])
        if self.commuting:
            # commuting words turn one after the other, each by cos and sin
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


def rotation_angles(circuit: RotationCircuit, parameters: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rotation angles ``(batch, n_rotations)`` with the random data inputs drawn on [0, 2π)."""
    angles = circuit.angles_of(parameters)
    for d in np.unique(circuit.random_of[circuit.random_of >= 0]):
        angles[:, circuit.random_of == d] = rng.uniform(0, 2 * np.pi, (len(parameters), 1))
    return angles


def vector_work(circuit: RotationCircuit) -> float:
    """Return the amplitudes that one adjoint sweep of a state vector touches."""
    return limits.SWEEP_COST * (len(circuit.terms) + len(circuit.observable)) * 2.0**circuit.n_qubits


class Drawn(ABC):
    """A circuit made ready for losses and gradients at what is drawn of its parameters, batch by batch."""

    circuit: RotationCircuit
    work: float
    """Amplitudes that one sample touches, there and back."""

    @abstractmethod
    def batch(self, n_samples: int) -> int:
        """Return how many samples to hold at one time."""

    @abstractmethod
    def __call__(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gradients ``(batch, n_params)`` at what :meth:`at` gives."""

    def at(self, parameters: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return what a call takes of parameters ``(batch, n_params)``: rotation angles; random data are drawn."""
        return rotation_angles(self.circuit, parameters, rng)

    def batches(self, law: AngleLaw, n_samples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield what a call takes of parameters drawn from a law, in batches that fit in memory."""
        size = self.batch(n_samples)
        for low in range(0, n_samples, size):
            yield self.at(law.sample(rng, min(size, n_samples - low)), rng)


class Sweeps(Drawn):
    """A circuit made ready for adjoint sweeps.

    Raises:
        InputError: beyond 20 qubits, or for a generator of non-commuting words on more than 10.
    """

    def __init__(self, circuit: RotationCircuit):
        if circuit.channels:
            raise InputError("State vectors hold no noise: a circuit with channels is not swept.")
        most = limits.MAX_SAMPLED_QUBITS
        if circuit.n_qubits > most:
            raise InputError(f"Sampling builds state vectors and stops at {most} qubits; got {circuit.n_qubits}.")
        self.circuit = circuit
        cache: dict[bytes, BatchRotation] = {}
        self.rotations: list[BatchRotation] = []
        for k in range(circuit.n_rotations):
            generator = circuit.generator(k)
            key = generator.words.packed.tobytes() + generator.coefficients.tobytes()
            self.rotations.append(cache.setdefault(key, cache.get(key) or BatchRotation(generator)))
        self.vector = circuit.state.vector()
        self.work = vector_work(circuit)

    def batch(self, n_samples: int) -> int:
        """Return how many samples to hold at one time."""
        return max(1, min(n_samples, limits.BATCH_AMPLITUDES // len(self.vector)))

    def states(self, angles: np.ndarray) -> np.ndarray:
        """Return the states after all rotations, ``(2^n, batch)``."""
        psi = np.repeat(self.vector[:, None], len(angles), axis=1)
        for k, rotate in enumerate(self.rotations):
            psi = rotate(angles[:, k], psi)
        return psi

    def __call__(
        self, angles: np.ndarray, apply: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gradients ``(batch, n_params)``.

        Args:
            angles: rotation angles ``(batch, n_rotations)``.
            apply: what the observable makes of states ``(2^n, batch)``, where each has its own.
        Cost: O(terms · 2^n · batch).
        """
        circuit, rotations, size = self.circuit, self.rotations, max(1, limits.CACHED_AMPLITUDES // len(self.vector))
        if apply is None and len(angles) > size:
            found = [self(angles[low : low + size]) for low in range(0, len(angles), size)]
            return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])
        psi = np.repeat(self.vector[:, None], len(angles), axis=1)
        # states are kept where memory allows, else undone gate by gate: two of them, whatever the depth
        kept: list[np.ndarray] | None = [] if psi.size * len(rotations) <= limits.KEPT_AMPLITUDES else None
        for k, rotate in enumerate(rotations):
            if kept is not None:
                kept.append(psi)
            psi = rotate(angles[:, k], psi)
        image = (apply or circuit.observable.apply)(psi)
        losses = np.einsum("ib,ib->b", psi.conj(), image).real
        gradients = np.zeros((len(angles), circuit.n_params))
        for k in range(circuit.n_rotations - 1, -1, -1):
            p = circuit.parameter_of[k]
            if p >= 0:
                # d/da ⟨ψ|e^{iaG} O e^{−iaG}|ψ⟩ = 2 Im ⟨Oψ|Gψ⟩ after the gate.
                slope = 2 * np.einsum("ib,ib->b", image.conj(), rotations[k].generator.apply(psi)).imag
                gradients[:, p] += circuit.coefficients[k] * slope
            psi = kept.pop() if kept is not None else rotations[k](-angles[:, k], psi)
            image = rotations[k](-angles[:, k], image)
        return losses, gradients
