"""``RotationCircuit``: the Pauli-rotation normal form of a QNode (THEORY §1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import stim

from pennylane_wishart.circuit.affine import significant
from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.circuit.call import Call
from pennylane_wishart.circuit.channels import Channel
from pennylane_wishart.circuit.periods import Ranges, parameter_ranges
from pennylane_wishart.circuit.rotations import Rotations
from pennylane_wishart.circuit.simulate import evaluate
from pennylane_wishart.circuit.states import DenseBlock, InputState
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.serialize import LIVE

__all__ = ["RotationCircuit", "RotationMoments"]


@dataclass(frozen=True, eq=False)
class RotationMoments:
    """Moments of the rotation by ``φ = 2·c·angle`` that each one-word gate makes on words.

    ``e^{iaG} Q e^{−iaG} = cos φ·Q + sin φ·(iPQ)`` for G = c·P and Q anticommuting with P.
    Every array is float64 ``(n_rotations,)``.
    """

    cos: np.ndarray
    sin: np.ndarray
    cos2: np.ndarray
    """E[cos² φ]"""
    sin2: np.ndarray
    """E[sin² φ]"""
    sincos: np.ndarray
    """E[sin φ cos φ]: 0 unless the angle is fixed or its law is not symmetric."""


@dataclass(frozen=True, eq=False)
class RotationCircuit(Rotations):
    """``ℓ(θ) = ⟨ψ| R_1† … R_L† O R_L … R_1 |ψ⟩`` with ``R_l = exp(−i·angle_l·G_l)``.

    Fixed Clifford gates have been conjugated into the generators and the observable,
    fixed gates before the first trainable one into ``state``; other fixed gates stay as
    rotations with ``parameter_of = −1``. ``angle_l = coefficients[l]·θ[parameter_of[l]] +
    offsets[l]``. Global phases and identity terms of generators are dropped.

    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> c.n_rotations, c.n_params, c.is_pauli
        (3, 3, True)
        >>> round(float(c.loss(c.angles_of([0.0, 0.0, 0.0]))), 12)
        1.0
    """

    trace: TracedCircuit | None = field(default=None, repr=False, metadata=LIVE)
    """The traced QNode that the circuit was made from; None when built from words, pickled or read back."""
    cliffords: tuple[tuple[int, stim.Tableau, tuple[int, ...]], ...] = field(default=(), repr=False)
    """Fixed Clifford gates that were conjugated away: (rotations before it, gate, qubits), in order.

    Undoing the conjugation makes local gates of long words again (:func:`local_form`).
    """
    cancelled: tuple[int, ...] = ()
    """Parameters that drive gates of the QNode whose angles cancel: they turn nothing."""
    call: Call | None = None
    """Names of the QNode's arguments and the values of those that are not trained; None without a QNode."""
    channels: tuple[Channel, ...] = field(default=(), repr=False)
    """Noise, in order; ``noise_free(circuit)`` is the circuit without."""

    def __getstate__(self) -> dict[str, Any]:
        # a QNode holds the user's function and device, which need not be picklable
        return {**self.__dict__, "trace": None}

    # ------------------------------------------------------------------ construction
    @classmethod
    def from_words(
        cls,
        words: Any,
        observable: Any,
        state: InputState | None = None,
        parameter_of: Any = None,
        coefficient: float = 0.5,
    ) -> RotationCircuit:
        """Build a circuit of Pauli rotations exp(−iθ·coefficient·P).

        Args:
            words: generators, strings or :class:`PauliWords`, first gate first.
            observable: mapping word → coefficient, or a :class:`PauliSum`.
            state: an :class:`InputState`; |0…0⟩ where None.
            parameter_of: int ``(n_rotations,)``; one parameter per rotation where None.
        """
        words = words if isinstance(words, PauliWords) else PauliWords.from_strings(words)
        n_rot = len(words)
        parameter_of = np.arange(n_rot) if parameter_of is None else np.asarray(parameter_of, np.int64)
        if not isinstance(observable, PauliSum):
            observable = PauliSum.from_terms(observable)
        return cls(
            n_qubits=words.n_qubits,
            wires=tuple(range(words.n_qubits)),
            terms=words,
            term_coefficients=np.full(n_rot, float(coefficient)),
            starts=np.arange(n_rot + 1),
            coefficients=(parameter_of >= 0).astype(float),
            offsets=np.zeros(n_rot),
            parameter_of=parameter_of,
            random_of=np.full(n_rot, -1),
            observable=observable,
            states=(state or InputState.basis([0] * words.n_qubits),),
            n_params=int(parameter_of.max(initial=-1)) + 1,
        )

    def with_state(self, state: InputState) -> RotationCircuit:
        """Return the same circuit on another input state."""
        if state.n_qubits != self.n_qubits:
            raise InputError(f"state has {state.n_qubits} qubits, the circuit {self.n_qubits}.")
        return replace(self, states=(state,))

    def with_observable(self, observable: PauliSum) -> RotationCircuit:
        """Return the same circuit with another observable (in the conjugated frame)."""
        return replace(self, observable=observable)

    # ------------------------------------------------------------------ names
    def parameter_name(self, k: int) -> str:
        """Return "weights[1,2,0]" for flat index k; "parameter 7" where the call is not known."""
        return f"parameter {k}" if self.call is None else self.call.parameter(k)

    # ------------------------------------------------------------------ angles
    def angles(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Return the rotation angles at the QNode's arguments, float64 ``(n_rotations,)``."""
        if self.trace is None:
            raise InputError("This circuit was built from words: use angles_of(parameters).")
        return self.angles_of(self.trace.parameters(*args, **kwargs))

    def angles_of(self, parameters: Any) -> np.ndarray:
        """Return rotation angles ``(…, n_rotations)`` at flat parameters ``(…, n_params)``."""
        parameters = np.asarray(parameters, float)
        if parameters.shape[-1:] != (self.n_params,):
            raise InputError(f"parameters need shape (…, {self.n_params}); got {parameters.shape}.")
        out = np.broadcast_to(self.offsets, (*parameters.shape[:-1], self.n_rotations)).copy()
        driven = self.parameter_of >= 0
        out[..., driven] += self.coefficients[driven] * parameters[..., self.parameter_of[driven]]
        return out

    @cached_property
    def ranges(self) -> Ranges:
        """Where each parameter is drawn from, and which have no period."""
        return parameter_ranges(self)

    @property
    def periods(self) -> np.ndarray:
        """Period of the loss in each parameter, radians ``(n_params,)``; 2π for plain rotations.

        One period of the slowest gate for the parameters in ``ranges.incommensurate``.
        """
        return self.ranges.width

    def angle_law(self, spec: Any = "uniform") -> AngleLaw:
        """Resolve what the user wrote as ``angles=`` for this circuit."""
        return AngleLaw.resolve(spec, self.periods, self.ranges.incommensurate)

    def rotation_moments(self, law: AngleLaw) -> RotationMoments:
        """Return the moments of each one-word rotation under a law (fixed angles included).

        Rotations whose data input is random are uniform.
        """
        scale = 2 * self.term_coefficients
        phase = scale * self.offsets
        one, two = np.exp(1j * phase), np.exp(2j * phase)
        driven = np.flatnonzero(self.parameter_of >= 0)
        frequency = (scale * self.coefficients)[driven]
        one[driven] *= law.characteristic(frequency, self.parameter_of[driven])
        two[driven] *= law.characteristic(2 * frequency, self.parameter_of[driven])
        # a uniform random angle leaves no mean of e^{iφ}
        one[self.random_of >= 0] = 0.0
        two[self.random_of >= 0] = 0.0
        return RotationMoments(one.real, one.imag, (1 + two.real) / 2, (1 - two.real) / 2, two.imag / 2)

    # ------------------------------------------------------------------ evaluation
    def loss(self, angles: Any) -> np.ndarray:
        """Evaluate ℓ at rotation angles ``(n_rotations,)`` or ``(batch, n_rotations)``.

        Plain statevector evaluator for n ≤ 20; one value per input state when there are
        several (last axis). Cost O(terms · 2^n) per row.

        Raises:
            InputError: beyond 20 qubits, or for a circuit with noise, which has no state vector.
        """
        if self.channels:
            raise InputError(
                f"loss() is of state vectors, and this circuit has {len(self.channels)} noise channels: use "
                "pw.measure(qnode) on default.mixed, or the circuit without noise."
            )
        return evaluate(self, np.asarray(angles, float))

    @cached_property
    def content_hash(self) -> str:
        """sha256 of the normal form: equal for equal circuits in any process."""
        # rounded before hashing, so that equal circuits have one hash in every process
        digest = hashlib.sha256()
        for array in (
            self.terms.packed,
            significant(self.term_coefficients),
            self.starts,
            significant(self.coefficients),
            np.round(self.offsets, 12),
            self.parameter_of,
            self.random_of,
            self.observable.words.packed,
            np.round(self.observable.coefficients, 12),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        for channel in self.channels:
            digest.update(repr(channel.position).encode() + channel.frame.packed.tobytes() + channel.signs.tobytes())
            digest.update(np.round(channel.transfer, 12).tobytes())
        for state in self.states:
            for block in state.blocks:
                digest.update(repr(block.qubits).encode())
                if isinstance(block, DenseBlock):
                    digest.update(np.round(block.vector, 12).tobytes())
                else:
                    digest.update(repr(block.tableau).encode())
        return digest.hexdigest()
