"""Signature → law of local minima and the transition (THEORY §7)."""

from __future__ import annotations

import numpy as np

from pennylane_wishart import minima as minima_room
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.prediction.loss import field_spectrum, require_theory, weighted_sectors
from pennylane_wishart.sectors import Signature

__all__ = ["predicted_minima", "predicted_transition"]

_PURE = 1e-9
_MAX_PARAMETERS = 48
_HOPELESS = 200


def _levels(signature: Signature) -> list[tuple]:
    """Return (values, multiplicities, beta, weight) of the sectors where the loss moves."""
    require_theory(signature)
    out = []
    for sector in weighted_sectors(signature):
        if sector.is_constant:
            continue
        spectrum = field_spectrum(sector)
        if spectrum is None:
            raise OutOfTheoryError(
                "The spectrum of the observable in a sector is not known at this size: no law of minima."
            )
        rho = sector.rho_spectrum
        if rho is None or len(np.flatnonzero(np.asarray(rho) > _PURE)) > 1:
            raise OutOfTheoryError(
                "The input is mixed inside a sector (entangled with its multiplicity, or complex in a real "
                "sector): the law of minima is for pure inputs."
            )
        out.append((*spectrum, sector.beta, float(sector.weight)))
    if not out:
        raise OutOfTheoryError("The loss is constant: it has no local minima.")
    return out


def predicted_transition(signature: Signature, exact: bool) -> float:
    """Return p*: exact (sum over sectors of β·rank) or the published βm − 2."""
    spin = signature.spin_factor
    if spin is not None:
        require_theory(signature)
        return minima_room.transition_spin_factor(spin.d)
    levels = _levels(signature)
    if exact:
        return sum(minima_room.transition(v, c, b) for v, c, b, _ in levels)
    sectors = [s for s in weighted_sectors(signature) if not s.is_constant]
    return sum(minima_room.transition_asymptotic(s.dof_finite, s.beta or 2) for s in sectors)


def _check_size(levels, p: int, exact: bool) -> None:
    """The Kac–Rice integral costs p³ per state: refuse what would take minutes, with its limit."""
    star = sum(minima_room.transition(v, c, b) for v, c, b, _ in levels)
    if p >= star or p <= _MAX_PARAMETERS:
        return
    known = "" if exact else "at most "
    limit = float(minima_room.concentration_energy(p / star))
    raise OutOfTheoryError(
        f"The exact law of minima is computed for up to {_MAX_PARAMETERS} independent parameters; here {known}{p} of "
        f"p* = {star}. The published limit of large size puts minima near E* = {limit:.2g} (0 optimum, 1 mean)."
    )


def predicted_minima(signature: Signature, seed: int, engine: str = "exact", weighting: str = "count"):
    """Return the law of the loss at local minima, in the observable's units."""
    if signature.spin_factor is not None:
        raise OutOfTheoryError(
            "A spin-factor loss is linear on a sphere: below p* = d − 1 its minima have no published law."
        )
    levels = _levels(signature)
    if signature.n_params > _HOPELESS:  # not worth a rank that takes a minute
        _check_size(levels, signature.n_params, exact=False)
    p = signature.n_independent
    _check_size(levels, p, signature.n_independent_status is Status.OK)
    offset = sum(s.weight * s.center for s in weighted_sectors(signature) if s.is_constant)
    if engine == "asymptotic":
        sectors = [s for s in weighted_sectors(signature) if not s.is_constant]
        if len(sectors) > 1:
            raise OutOfTheoryError("The published law of minima is for one sector.")
        s = sectors[0]
        law = minima_room.asymptotic_minima_law(s.dof, p, s.beta or 2, seed)
        return law.rescaled(s.weight * s.mean, s.weight * s.ground + offset)
    if len(levels) == 1:
        values, counts, beta, weight = levels[0]
        law = minima_room.minima_law(
            np.asarray(values) * weight, counts, p, beta, seed=seed, weighting=weighting
        )
    else:
        law = minima_room.minima_law_sectors(levels, p, seed=seed, weighting=weighting)
    return law.rescaled(1.0, offset) if offset else law
