"""``Problem``: a circuit under a law of its angles, made ready once for every engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import F2Basis, PauliSum
from pennylane_wishart.variances.actions import Transform, WordAction, rotation_action
from pennylane_wishart.variances.dead.proofs import dead_proofs, live_part
from pennylane_wishart.variances.drivers import (
    Drivers,
    angle_transform,
    check_law,
    clean_moments,
    drivers_of,
    gradient_bounds,
    loss_size,
)
from pennylane_wishart.variances.parts import narrowed

__all__ = ["Problem"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What is averaged; everything else is found when an engine first asks for it.

    Engines see the circuit without what the loss was proved not to depend on.

    Raises:
        InputError: if the law is not one of this circuit.
    """

    circuit: RotationCircuit
    """The whole circuit; its first input state is used."""
    law: AngleLaw

    def __post_init__(self) -> None:
        check_law(self.circuit, self.law)

    @cached_property
    def live(self) -> RotationCircuit:
        """The circuit without dead parts; parameters keep their numbers."""
        return live_part(self.circuit)

    @cached_property
    def narrow(self) -> RotationCircuit:
        """The living circuit on the qubits that it touches: what is run on state vectors."""
        return narrowed(self.live)

    @cached_property
    def drivers(self) -> Drivers:
        """What drives each living rotation."""
        return drivers_of(self.live)

    @cached_property
    def closed_form(self) -> bool:
        """Whether every gate is averaged as one: an angle of its own, and few words that its generator makes."""
        ranks = (F2Basis(self.live.generator(k).words.packed).rank for k in range(self.live.n_rotations))
        return self.drivers.independent and all(rank <= limits.MAX_WHOLE_RANK for rank in ranks)

    @cached_property
    def moments(self) -> RotationMoments:
        """E[cos], E[sin], … of each living rotation; only where generators are single words."""
        return clean_moments(self.live, self.law)

    @cached_property
    def driven(self) -> np.ndarray:
        """int64: the living rotations that a trainable parameter drives."""
        return np.flatnonzero(self.live.parameter_of >= 0)

    @cached_property
    def scale(self) -> np.ndarray:
        """float64, one per driven rotation: dφ/dθ where a word turns by φ = 2·c·angle."""
        return np.asarray((2 * self.live.term_coefficients * self.live.coefficients)[self.driven])

    @cached_property
    def undriven(self) -> np.ndarray:
        """bool ``(n_params,)``: parameters that drive no living rotation."""
        out = np.ones(self.circuit.n_params, bool)
        out[self.live.parameter_of[self.driven]] = False
        return out

    @cached_property
    def dead(self) -> np.ndarray:
        """bool ``(n_params,)``: parameters proved dead by any argument. The identity test takes seconds."""
        out = self.undriven.copy()
        out[list(dead_proofs(self.circuit))] = True
        return out

    @cached_property
    def sizes(self) -> np.ndarray:
        """float64 ``(n_params + 1,)``: bounds on |ℓ| without its identity part, then on each |∂ℓ/∂θ_k|."""
        return np.append(loss_size(self.live), gradient_bounds(self.live))

    @cached_property
    def _actions(self) -> dict[bytes, WordAction]:
        return {}

    def action(self, generator: PauliSum) -> WordAction:
        """Return what a rotation makes of words, the same object for equal generators.

        Raises:
            ModuleTooLargeError: if the generator has too many independent words for one table.
        """
        key = generator.words.packed.tobytes() + generator.coefficients.tobytes()
        if key not in self._actions:
            self._actions[key] = rotation_action(generator)
        return self._actions[key]

    @cached_property
    def _transforms(self) -> dict[tuple[object, ...], Transform]:
        return {}

    def transform(self, k: int) -> Transform:
        """Return f ↦ E[exp(i·f·angle)] of living rotation k, the same object for equal laws of the angle."""
        live, law, p = self.live, self.law, int(self.live.parameter_of[k])
        key: tuple[object, ...] = (k,)
        if p < 0 or law.transform is None:
            own = () if p < 0 else (law.kind[p], float(law.low[p]), float(law.high[p]), float(live.coefficients[k]))
            key = (bool(live.random_of[k] >= 0), float(live.offsets[k]), *own)
        return self._transforms.setdefault(key, partial(angle_transform, live, law, k))

    def rows(self, loss: float, rotations: np.ndarray, power: int = 1) -> np.ndarray:
        """Return one row for the loss, then one a parameter, from derivatives by word angles.

        Only where every parameter drives one living rotation by one word.

        Args:
            rotations: float64 ``(n_rotations,)``: averages of (∂ℓ/∂φ)^power.
        """
        out = np.zeros(self.circuit.n_params + 1)
        out[0] = loss
        out[self.live.parameter_of[self.driven] + 1] = self.scale**power * rotations[self.driven]
        return out

    def of_pairs(self, rotations: np.ndarray, power: int = 1) -> np.ndarray:
        """Return averages by pairs of parameters from those by pairs of word angles, as :meth:`rows` does.

        Args:
            rotations: float64 ``(n_rotations, n_rotations)``: averages of (∂²ℓ/∂φ∂φ')^power.
        """
        out = np.zeros((self.circuit.n_params,) * 2)
        at = self.live.parameter_of[self.driven]
        out[np.ix_(at, at)] = np.outer(self.scale, self.scale) ** power * rotations[np.ix_(self.driven, self.driven)]
        return out
