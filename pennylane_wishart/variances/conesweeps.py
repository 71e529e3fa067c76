"""Losses and gradients of a sum of local terms, each term on the qubits of its own light cone."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.variances.active import ActiveWords
from pennylane_wishart.variances.parts import narrowed, restricted
from pennylane_wishart.variances.sweeps import Drawn, Sweeps, rotation_angles, vector_work

__all__ = ["ConeSweeps", "light_cone"]


def light_cone(circuit: RotationCircuit) -> RotationCircuit:
    """Return the circuit without the words that commute with all that later gates make of the observable.

    Words of a layer that commute with each other do not widen the cone by each other.

    Cost: O(terms · words of the cone).
    """
    active = ActiveWords(circuit.observable.words)
    keep = np.zeros(len(circuit.terms), bool)
    for k in range(circuit.n_rotations - 1, -1, -1):
        own = np.arange(circuit.starts[k], circuit.starts[k + 1])
        words = circuit.terms[own]
        met = np.array([active.anticommutes(x, z) for x, z in zip(words.x, words.z, strict=True)], bool)
        if met.any() and not met.all() and words.anticommutation(words).any():
            met[:] = True  # a sum of words that do not commute cannot be taken apart
        keep[own] = met
        for x, z in zip(words.x[met], words.z[met], strict=True):
            active.add(x, z)
    return restricted(circuit, keep)


class ConeSweeps(Drawn):
    """A circuit made ready for sweeps of state vectors, one light cone of its observable after the other.

    Terms on the same qubits share a cone, and cones that differ in nothing but their place are swept once.

    Args:
        most_work: amplitudes that one sweep of all cones may touch.
    Raises:
        ModuleTooLargeError: where it touches more, a cone has more than ``limits.MAX_CONE_QUBITS`` qubits, or
            the circuit has noise or random data.
    """

    def __init__(self, circuit: RotationCircuit, most_work: float = np.inf):
        if circuit.channels or (circuit.random_of >= 0).any():
            raise ModuleTooLargeError("Noise and random data are not split into light cones.")
        self.circuit = circuit
        observable = circuit.observable
        identity = observable.words.is_identity()
        self.constant = float(observable.coefficients[identity].sum())
        groups: dict[bytes, list[int]] = {}
        for i in np.flatnonzero(~identity):
            support = (observable.words.x[i] | observable.words.z[i]).tobytes()
            groups.setdefault(support, []).append(int(i))
        if len(groups) > limits.MAX_CONES:
            raise ModuleTooLargeError(f"More than {limits.MAX_CONES} light cones.")
        cones: dict[bytes, RotationCircuit] = {}
        count: dict[bytes, int] = {}
        self.work = 0.0
        for rows in groups.values():
            term = PauliSum(observable.words[rows], observable.coefficients[rows])
            cone = narrowed(light_cone(circuit.with_observable(term)))
            key = _key(cone)
            count[key] = count.get(key, 0) + 1
            if key in cones:
                continue
            cones[key] = cone
            self.work += vector_work(cone) if cone.n_qubits <= limits.MAX_CONE_QUBITS else np.inf
            if self.work > most_work or np.isinf(self.work):
                raise ModuleTooLargeError("The light cones of the observable's terms are too large together.")
        self.cones = [(Sweeps(cone), count[key]) for key, cone in cones.items()]

    def batch(self, n_samples: int) -> int:
        """Return how many samples to hold at one time."""
        return min((sweeps.batch(n_samples) for sweeps, _ in self.cones), default=n_samples)

    def at(self, parameters: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return what a call takes of parameters ``(batch, n_params)``: themselves."""
        return parameters

    def __call__(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gradients ``(batch, n_params)`` at parameters ``(batch, n_params)``.

        Cost: O(terms · 2^n · batch), summed over cones.
        """
        losses = np.full(len(angles), self.constant)
        gradients = np.zeros(angles.shape)
        none = np.random.default_rng(0)  # there are no random data
        for sweeps, count in self.cones:
            own, slopes = sweeps(rotation_angles(sweeps.circuit, angles, none))
            losses += count * own
            gradients += count * slopes
        return losses, gradients


def _key(cone: RotationCircuit) -> bytes:
    """What two cones that give the same numbers have in common."""
    arrays = (cone.terms.packed, cone.term_coefficients, cone.starts, cone.coefficients, cone.offsets)
    parts = [a.tobytes() for a in (*arrays, cone.parameter_of, cone.observable.words.packed)]
    vector = [v.tobytes() for b in cone.state.blocks for v in (np.asarray(b.qubits), _block(b))]
    return b"|".join([str(cone.n_qubits).encode(), cone.observable.coefficients.tobytes(), *parts, *vector])


def _block(block: object) -> np.ndarray:
    vector = getattr(block, "vector", None)
    tableau = getattr(block, "tableau", None)
    return np.frombuffer(str(tableau).encode(), np.uint8) if vector is None else np.asarray(vector)
