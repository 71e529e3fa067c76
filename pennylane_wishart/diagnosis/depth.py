"""The loss variance as a circuit grows: how deep is deep enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import Estimate, levels
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, WishartError
from pennylane_wishart.variances import DeepLimit, exact_moments
from pennylane_wishart.variances.parts import subcircuit

__all__ = ["DepthCurve", "depth_curve"]


@dataclass(frozen=True)
class DepthCurve(Shown):
    """Exact loss variances of a circuit cut short, and the deep limit.

    A point keeps the last rotations and puts the others to zero, as a circuit of fewer layers
    would: depth is counted from the observable.
    """

    rotations: tuple[int, ...]
    """Numbers of rotations kept, ascending; the last is the circuit itself."""
    log2_variance: tuple[float, ...]
    """Bits: log2 Var[ℓ]; −inf where the loss does not move, NaN where it is only known to be below rounding."""
    deep_limit: float
    """Bits: log2 Var[ℓ] of the deep limit; NaN where it is not known."""

    def __post_init__(self) -> None:
        if not self.rotations or len(self.rotations) != len(self.log2_variance):
            raise InputError("DepthCurve needs one variance per number of rotations.")

    @property
    def reached(self) -> int | None:
        """First number of rotations from which the variance stays within ``levels.DEEP`` of the deep limit.

        None where it does not get there, or the deep limit is not known. It is one of the
        numbers in ``rotations``: an upper bound at that resolution.
        """
        close = np.abs(np.exp2(np.array(self.log2_variance) - self.deep_limit) - 1) <= levels.DEEP
        if not len(close) or not close[-1]:
            return None
        # from the last miss on: a shallow cut can be right by accident
        away = np.flatnonzero(~close)
        return self.rotations[int(away[-1]) + 1 if len(away) else 0]

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values."""
        return {
            "rotations": list(self.rotations),
            "log2_variance": list(self.log2_variance),
            "deep_limit": self.deep_limit,
        }


def depth_curve(circuit: RotationCircuit, law: AngleLaw, deep: DeepLimit | None) -> DepthCurve | None:
    """Compute the loss variance of the circuit's last j rotations for some j.

    Args:
        circuit: the normal form.
        law: law of the random angles.
        deep: the deep limit, where it is known.
    Returns:
        :class:`DepthCurve`; None where an exact engine would take more than about a second.
    Cost: up to fourteen exact second moments bounded to about a second in all.
    Source: THEORY §4; the cut circuit is ours.
    """
    total = circuit.n_rotations
    if total < 2 or not (circuit.is_pauli or circuit.n_qubits <= limits.DEPTH_DENSE_QUBITS):
        return None
    # words times rotations is the work of one point: long circuits get fewer words
    support = min(limits.DEPTH_SUPPORT, int(limits.DEPTH_STEPS / total))
    rotations = np.unique(np.linspace(1, total, min(limits.DEPTH_POINTS, total)).astype(int))
    values = []
    try:
        for j in rotations[::-1]:  # the dearest first: it decides whether the others are affordable
            cut = subcircuit(circuit, np.arange(total - j, total))
            found = exact_moments(cut, law, support, max_dim=limits.DEPTH_MODULE, max_work=limits.DEPTH_WORK)
            spread = found.loss()
            values.append(spread.log2 if isinstance(spread, Estimate) else float("nan"))
    except WishartError:
        return None
    limit = deep.log2_variance if deep is not None and deep.available else float("nan")
    return DepthCurve(tuple(int(j) for j in rotations), tuple(values[::-1]), float(limit))
