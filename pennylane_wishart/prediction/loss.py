"""Sector → law of its loss, by the sharpest engine that applies."""

from __future__ import annotations

from pennylane_wishart.ensembles import BetaLoss, Constant, GammaLoss, HaarCompression, SectorSum, SpinFactor
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.sectors import Sector, Signature

__all__ = ["ENGINES", "field_spectrum", "is_flat", "loss_law", "sector_loss", "weighted_sectors"]

ENGINES = ("exact", "matched", "asymptotic")
_LIGHT = 1e-12


def weighted_sectors(signature: Signature) -> list[Sector]:
    """Return the sectors in which the input has weight."""
    return [s for s in signature.sectors if s.weight > _LIGHT]


def field_spectrum(sector: Sector) -> tuple[tuple[float, ...], tuple[int, ...]] | None:
    """Return the spectrum of O^α with multiplicities over F; None where unknown."""
    if sector.spectrum is None:
        return None
    values, counts = sector.spectrum
    half = 2 if sector.beta == 4 else 1
    return tuple(float(v) for v in values), tuple(int(c) // half for c in counts)


def is_flat(rho: tuple[float, ...], dim: int) -> bool:
    """Whether an input block is completely mixed in its sector: no rotation changes it."""
    return len(rho) == dim and max(rho) - min(rho) <= _LIGHT * max(rho)


def sector_loss(sector: Sector, engine: str = "exact") -> Law:
    """Return the law of one sector's share of the loss.

    Args:
        sector: inside the theory, with weight.
        engine: "exact" (two-level law, else Haar compression, else moment-matched), "matched"
            (Gamma with m) or "asymptotic" (the published Gamma with r).
    """
    if engine not in ENGINES:
        raise InputError(f"engine={engine!r}: use one of {ENGINES}.")
    if sector.is_constant:
        return Constant(sector.weight * sector.center)
    assert sector.beta is not None  # in_theory sectors have a beta
    if engine == "asymptotic":
        return GammaLoss.from_sector(sector.dof, sector.mean, sector.ground, sector.beta, sector.weight)
    spectrum = field_spectrum(sector)
    if engine == "matched" or spectrum is None or sector.rho_spectrum is None:
        return _matched(sector)
    values, counts = spectrum
    rho = tuple(float(p) for p in sector.rho_spectrum if p > _LIGHT)
    if is_flat(rho, sum(counts)):
        return Constant(sector.weight * sector.center)
    if len(rho) == 1 and len(values) == 2:
        low, high = (v * rho[0] for v in values)
        return BetaLoss(low, high, counts[1], sum(counts), sector.beta)
    return HaarCompression(values, counts, sector.beta, rho)


def _matched(sector: Sector) -> Law:
    """Gamma law with the exact mean and variance of the sector."""
    assert sector.beta is not None
    if sector.purity is None:
        raise OutOfTheoryError(
            "The input's purity in a sector is not known at this size: the loss law is not available, "
            "only its second moments."
        )
    dim, beta = sector.field_dim, sector.beta
    shape = beta * sector.dof_finite / 2 * (1 + 2 / (beta * dim))
    spread = (sector.purity - sector.weight**2 / dim) / (1 - 1 / dim)
    shape *= sector.weight**2 / spread
    return GammaLoss(shape, sector.weight * sector.mean / shape, sector.weight * sector.ground, matched=True)


def loss_law(signature: Signature, engine: str = "exact") -> Law:
    """Return the deep-limit law of the loss.

    Raises:
        OutOfTheoryError: where the theory does not apply, with the signature's reason.
    """
    require_theory(signature)
    spin = signature.spin_factor
    if spin is not None:
        amplitude = spin.amplitude * spin.norm
        if amplitude == 0 or spin.d < 2:
            return Constant(spin.offset + (spin.amplitude * spin.norm if spin.d < 2 else 0.0))
        law: Law = SpinFactor(amplitude, spin.d)
        return SectorSum((law, Constant(spin.offset))) if spin.offset else law
    laws = tuple(sector_loss(s, engine) for s in weighted_sectors(signature))
    return laws[0] if len(laws) == 1 else SectorSum(laws)


def require_theory(signature: Signature) -> None:
    """Raise with the signature's own reason where the theory does not apply."""
    if not signature.in_theory:
        raise OutOfTheoryError(
            f"The Wishart description does not apply: {signature.reason}",
            advice="Use .gradient_variance (at this depth) and pw.measure instead.",
        )
    if signature.spin_factor is None and not weighted_sectors(signature):
        raise OutOfTheoryError(
            "The sectors are too many to list: only the distribution over sectors and second moments are available."
        )
