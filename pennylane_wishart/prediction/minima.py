"""Signature → law of local minima and the transition (THEORY §7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart import minima as minima_room
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.errors import InputError, OutOfTheoryError, Status
from pennylane_wishart.prediction.loss import field_spectrum, require_theory, weighted_sectors
from pennylane_wishart.sectors import Rank, Signature

__all__ = ["predicted_minima", "predicted_transition"]

_Level = tuple[tuple[float, ...], tuple[int, ...], int, float]
"""(values, multiplicities, beta, weight) of a sector where the loss moves."""


def _levels(signature: Signature) -> list[_Level]:
    require_theory(signature)
    out: list[_Level] = []
    for sector in weighted_sectors(signature):
        if sector.is_constant:
            continue
        spectrum = field_spectrum(sector)
        if spectrum is None:
            raise OutOfTheoryError(
                "The spectrum of the observable in a sector is not known at this size: no law of minima."
            )
        rho = sector.rho_spectrum
        if rho is None or len(np.flatnonzero(np.asarray(rho) > limits.PURE)) > 1:
            raise OutOfTheoryError(
                "The input is mixed inside a sector (entangled with its multiplicity, or complex in a real "
                "sector): the law of minima is for pure inputs."
            )
        assert sector.beta is not None  # in_theory sectors have a beta
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
        return _star(levels)
    sectors = [s for s in weighted_sectors(signature) if not s.is_constant]
    return sum(minima_room.transition_asymptotic(s.dof_finite, s.beta or 2) for s in sectors)


def _star(levels: list[_Level]) -> int:
    """Return p*, exact."""
    return sum(minima_room.transition(v, c, b) for v, c, b, _ in levels)


def _refuse(levels: list[_Level], p: int, known: str, why: str) -> OutOfTheoryError:
    """The error for a law that is not computed, with the published limit in its place."""
    star = _star(levels)
    limit = float(minima_room.concentration_energy(p / star))
    return OutOfTheoryError(
        f"No law of minima is computed {why}; here {known}{p} independent parameters of p* = {star}. The published "
        f"limit of large size puts minima near E* = {limit:.2g} (0 optimum, 1 mean)."
    )


def _large(levels: list[_Level], p: int, seed: int, weighting: str) -> minima_room.MinimaLaw:
    """More parameters than the integral takes: extrapolated, for minima that count equally."""
    if weighting != "count":
        raise _refuse(levels, p, "", f"for descents with more than {limits.MAX_PARAMETERS} parameters (see .minima)")
    try:
        return minima_room.large_minima_law(levels, p, seed=seed)
    except InputError as err:
        why = f"for more than {limits.MAX_PARAMETERS} parameters and an observable with a few isolated states"
        raise _refuse(levels, p, "", why) from err


def _parameters(signature: Signature, dead: int, star: int) -> tuple[int, bool]:
    """Return (p, whether it is only an upper bound), where a law of minima can be made of it."""
    # no more parameters can be independent than are not proved dead
    most = signature.n_params - dead
    if most == 0:
        raise OutOfTheoryError("Every parameter is dead: the loss is constant in all of them, and has no minima.")
    found = signature.independent_rank
    if isinstance(found, Rank):
        if found.value == 0:
            raise OutOfTheoryError("No parameter moves the loss: it is constant in all of them, and has no minima.")
        return found.value, False
    p = min(found.at_most, most)
    # a bound below p* gives a law on the safe side; one above leaves open whether there is any
    if p >= star:
        raise OutOfTheoryError(
            f"The number of independent parameters is not known at this size: it is at most {p}, and p* = {star}."
        )
    return p, True


def predicted_minima(
    signature: Signature, dead: int, seed: int, engine: str = "exact", weighting: str = "count"
) -> minima_room.MinimaLaw:
    """Return the law of the loss at local minima, in the observable's units.

    ``dead`` parameters are proved to leave the loss alone. Where only an upper bound on p is known
    the law is that of the bound: minima of fewer parameters lie higher (``Status.BOUND``).
    """
    law, bounded = _minima(signature, dead, seed, engine, weighting)
    return replace(law, status=Status.BOUND) if bounded and law.status is Status.OK else law


def _minima(
    signature: Signature, dead: int, seed: int, engine: str, weighting: str
) -> tuple[minima_room.MinimaLaw, bool]:
    if signature.spin_factor is not None:
        raise OutOfTheoryError(
            "A spin-factor loss is linear on a sphere: below p* = d − 1 its minima have no published law."
        )
    levels = _levels(signature)
    star = _star(levels)
    most = signature.n_params - dead
    # the rank decides between a law and a point mass: where p cannot reach p* it is not worth minutes
    work = signature.n_params**2 * 2.0 ** min(signature.circuit.n_qubits, limits.RANK_QUBITS)
    if 0 < most < star and work > limits.MAX_RANK_WORK:
        raise _refuse(levels, most, "at most ", "where counting independent parameters takes minutes")
    p, bounded = _parameters(signature, dead, star)
    # sectors where the loss stands still shift all minima alike
    offset = sum(s.weight * s.center for s in weighted_sectors(signature) if s.is_constant)
    if engine == "asymptotic":
        sectors = [s for s in weighted_sectors(signature) if not s.is_constant]
        if len(sectors) > 1:
            raise OutOfTheoryError("The published law of minima is for one sector.")
        s = sectors[0]
        law = minima_room.asymptotic_minima_law(s.dof, p, s.beta or 2, seed)
        return law.rescaled(s.weight * s.mean, s.weight * s.ground + offset), bounded
    if limits.MAX_PARAMETERS < p < star:
        law = _large(levels, p, seed, weighting)
    elif len(levels) == 1:  # a weight scales the observable of the only sector that moves
        values, counts, beta, weight = levels[0]
        law = minima_room.minima_law(np.asarray(values) * weight, counts, p, beta, seed=seed, weighting=weighting)
    else:
        law = minima_room.minima_law_sectors(levels, p, seed=seed, weighting=weighting)
    return (law.rescaled(1.0, offset) if offset else law), bounded
