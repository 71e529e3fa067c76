"""How low the loss can be at all, before any descent: sectors, the reached space, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.outlook.ground import lowest_eigenvalue
from pennylane_wishart.outlook.space import ReachedSpace, reached_space
from pennylane_wishart.sectors import Fit, Sector, Signature

__all__ = ["Reach", "reach_of"]


@dataclass(frozen=True, eq=False)
class Reach(Shown):
    """Bounds on the loss from below."""

    ground: float
    """λ_min(O); NaN where it is too large to find."""
    reachable: float
    """No angle goes below; never under ``ground`` where that is known."""
    blocked_by: str
    """The sector or symmetry that holds ``reachable`` above ``ground``, in words; else empty."""
    space: ReachedSpace | None
    """Where it is small."""


def reach_of(signature: Signature, circuit: RotationCircuit) -> Reach:
    """Bound the loss of a circuit that minimises from below.

    Args:
        signature: of the circuit, or of the same one with the opposite observable.
        circuit: the normal form whose loss is to become small.
    Cost: one eigenvalue of the observable, and the reached space to ``CERTIFICATE_DIMENSION``.
    Source: THEORY §7g; the weight of the input in every sector is conserved, so a loss is at
        least the weighted sum of the sectors' own grounds.
    """
    ground = lowest_eigenvalue(circuit.observable)
    if circuit.channels:  # noise conserves no weight of a sector, and leaves every space of pure states
        width = float(np.abs(circuit.observable.coefficients).sum())
        return Reach(ground, ground if np.isfinite(ground) else -width, "", None)
    space = _small_space(circuit)
    same = circuit.observable is signature.circuit.observable
    weighted = _weighted_ground(signature) if same else np.nan
    bounds = [b for b in (ground, weighted, np.nan if space is None else space.ground) if np.isfinite(b)]
    reachable = max(bounds) if bounds else -float(np.abs(circuit.observable.coefficients).sum())
    width = float(np.abs(circuit.observable.coefficients).sum())
    blocked = ""
    if np.isfinite(ground) and reachable > ground + limits.REACHED_GAP * width:
        blocked = _in_words(signature if same else None, circuit, ground, space)
    return Reach(ground, reachable, blocked, space)


def _small_space(circuit: RotationCircuit) -> ReachedSpace | None:
    if circuit.n_qubits > limits.CERTIFICATE_QUBITS:
        return None
    try:
        return reached_space(circuit, limits.CERTIFICATE_DIMENSION)
    except (ModuleTooLargeError, InputError):
        return None


def _weighted_ground(signature: Signature) -> float:
    """Return Σ w_α λ_α; NaN where the sectors do not say all of the loss."""
    sectors = signature.weighted_sectors
    known = all(s.fit is Fit.EXACT and np.isfinite(s.ground) for s in sectors)
    if not sectors or not known or abs(sum(s.weight for s in sectors) - 1) > limits.REACHED_GAP:
        return float("nan")
    return float(sum(s.weight * s.ground for s in sectors))


def _in_words(signature: Signature | None, circuit: RotationCircuit, ground: float, space: ReachedSpace | None) -> str:
    """Say what keeps the ground level out of reach; the sectors' own levels are those of the loss that minimises."""
    sectors = () if signature is None else signature.weighted_sectors
    best = min(sectors, key=lambda s: s.ground, default=None)
    width = float(np.abs(circuit.observable.coefficients).sum())
    if best is not None and best.ground <= ground + limits.REACHED_GAP * width:
        heavy = max(sectors, key=lambda s: s.weight)
        return (
            f"{1 - best.weight:.0%} of the input lies outside the sector of the ground level ({_named(best)}), and no "
            f"gate moves it there; the heaviest sector, {_named(heavy)}, holds {heavy.weight:.0%}"
        )
    if space is not None and space.dim < 2**circuit.n_qubits:
        return (
            f"a symmetry of the gates: from this input they reach {space.dim:,} of {2**circuit.n_qubits:,} "
            "dimensions, and the ground level of the observable lies outside them"
        )
    return "a symmetry of the gates that the input shares: the ground level of the observable lies in another sector"


def _named(sector: Sector) -> str:
    return f"N = {sector.dim:,}" + (f", {sector.label}" if sector.label else "")
