"""``Rotations``: the arrays of a circuit of Pauli rotations, on which evaluation and periods rest."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.circuit.states import InputState
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Rotations", "concatenated_starts"]


@dataclass(frozen=True, eq=False)
class Rotations(Shown):
    """Rotations ``exp(−i·angle_l·G_l)`` in order, an observable and input states: see ``RotationCircuit``."""

    n_qubits: int
    wires: tuple[Hashable, ...]
    terms: PauliWords
    """Words of all generators, one after the other."""
    term_coefficients: np.ndarray
    """float64: coefficient of each term in its generator."""
    starts: np.ndarray
    """int64 ``(n_rotations + 1,)``: terms ``starts[l]:starts[l+1]`` belong to rotation l."""
    coefficients: np.ndarray
    """float64 ``(n_rotations,)``: d(angle)/d(parameter); 0 for fixed rotations."""
    offsets: np.ndarray
    """float64 ``(n_rotations,)``, radians."""
    parameter_of: np.ndarray
    """int64 ``(n_rotations,)``: flat trainable parameter, −1 for a fixed rotation."""
    random_of: np.ndarray
    """int64 ``(n_rotations,)``: index of the data input treated as random, −1 otherwise."""
    observable: PauliSum
    states: tuple[InputState, ...]
    n_params: int

    def __post_init__(self) -> None:
        n = len(self.starts) - 1
        for name in ("coefficients", "offsets", "parameter_of", "random_of"):
            if getattr(self, name).shape != (n,):
                raise InputError(f"RotationCircuit.{name} needs shape ({n},); got {getattr(self, name).shape}.")
        if self.parameter_of.max(initial=-1) >= self.n_params:
            raise InputError(f"parameter_of names parameter {self.parameter_of.max()}, but there are {self.n_params}.")
        if np.iscomplexobj(self.observable.coefficients):
            raise InputError("The observable must be Hermitian: its Pauli coefficients are not real.")

    # ------------------------------------------------------------------ plain facts
    @property
    def state(self) -> InputState:
        """The input state (of the first datum, where a batch was given)."""
        return self.states[0]

    @property
    def n_rotations(self) -> int:
        """Number of rotations, fixed ones included."""
        return len(self.starts) - 1

    @cached_property
    def is_pauli(self) -> bool:
        """Whether every generator is one Pauli word, so that walkers apply."""
        return bool(np.all(np.diff(self.starts) == 1))

    @cached_property
    def generators(self) -> tuple[PauliSum, ...]:
        """The generators G_l, one :class:`PauliSum` per rotation."""
        return tuple(self.generator(k) for k in range(self.n_rotations))

    def generator(self, k: int) -> PauliSum:
        """Return the generator of rotation ``k``."""
        part = slice(self.starts[k], self.starts[k + 1])
        return PauliSum(self.terms[part], self.term_coefficients[part])

    @cached_property
    def shared(self) -> np.ndarray:
        """``bool (n_params,)``: parameters that drive more than one rotation."""
        counts = np.bincount(self.parameter_of[self.parameter_of >= 0], minlength=self.n_params)
        return counts > 1

    @cached_property
    def words(self) -> PauliWords:
        """The one word of each rotation, where ``is_pauli``."""
        if not self.is_pauli:
            raise InputError("Some generators are sums of Pauli words: use .generators.")
        return self.terms


def concatenated_starts(sizes: Sequence[int]) -> np.ndarray:
    """Return CSR starts for blocks of the given sizes."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))]).astype(np.int64)
