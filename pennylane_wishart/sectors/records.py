"""``Sector``: one Jordan sector of a circuit, with the numbers of THEORY §5."""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from pennylane_wishart.conventions import ReasonCode
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError

__all__ = ["Fit", "Levels", "Sector", "SectorDistribution", "SpinFactor"]

Levels = tuple[np.ndarray, tuple[int, ...]]
"""Distinct eigenvalues, ascending, and their exact integer multiplicities."""
SPIN_FACTOR = "spin factor"
KINDS = ("su", "so", "sp", SPIN_FACTOR, "trivial", "other")
GROUND_STATUSES = ("exact", "Lanczos", "bound")
_PLAIN = (
    "dim log2_dim multiplicity beta kind center variance ground ground_status mean dof log2_dof "
    "dof_rounded dof_finite log2_dof_finite weight purity in_theory reason label"
).split()


class Fit(enum.Enum):
    """How the observable acts on a sector; the value is a sentence."""

    EXACT = "The observable acts here as O^α ⊗ 1, and leads nowhere else."
    CONNECTS = (
        "The observable connects this sector with others: O^α is its diagonal part alone, and the loss also holds "
        "coherences between sectors."
    )
    MIXES = (
        "The observable mixes the copies of this sector in ways that do not commute: O^α is its mean over copies, "
        "not all that the loss sees."
    )

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, eq=False)
class Sector(Shown):
    """One term ``C^dim ⊗ C^multiplicity`` of the Hilbert space, irreducible under the circuit.

    The circuit acts on the first factor, the observable as O^α ⊗ 1. Everything that says
    "over F" counts in R, C or H for β = 1, 2, 4: a quaternionic trace is half the complex one.
    """

    dim: int
    """N_α, the complex dimension, exact."""
    multiplicity: int
    """I_α, the number of identical copies, exact."""
    beta: int | None
    """1, 2 or 4 for SO, SU, Sp in the defining representation; None otherwise."""
    kind: str
    """"su", "so", "sp", "spin factor", "trivial" (dimension 1) or "other"."""
    center: float
    """Tr O^α / N_α, before λ_min is removed. A conserved part of the observable that lies outside
    the algebra counts as a constant: its expectation in the input's part of this sector."""
    variance: float
    """Tr (O^α − center)² / N_α."""
    ground: float
    """λ_min(O^α), or a lower bound where ``ground_status`` says so."""
    ground_status: str
    """"exact", "Lanczos" or "bound"."""
    weight: float
    """Tr of the input's block: the probability of finding the input in this sector."""
    purity: float | None = None
    """Tr_F (ρ^α)², ρ^α traced over multiplicity and projected to the Jordan algebra (Re ρ for
    β = 1); not normalised: ``weight²`` for an F-pure block. None where unknown."""
    rho_spectrum: np.ndarray | None = None
    """Non-zero eigenvalues of the same ρ^α over F (they sum to ``weight``); None where unknown."""
    spectrum: Levels | None = None
    """(values of O^α, unshifted; complex multiplicities, sum N_α). For β = 4 the multiplicities over F
    are half of these. None where unknown."""
    in_theory: bool = False
    """Whether the Wishart description holds here."""
    reason: str = ""
    """Why, or why not, in words."""
    reason_code: ReasonCode | None = None
    """Why not, for code; None inside the theory."""
    generator_traces: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)), repr=False)
    """float64 ``(n_generators, 2)``: Tr G/N_α and Tr G²/N_α of the signature's distinct
    generators; (0, 0) for generators that never move the observable."""
    generator_spectra: Mapping[int, Levels] = field(default_factory=dict, repr=False)
    """Generator index → levels of G restricted to the sector, where known."""
    linked_to: tuple[Hashable, ...] = field(default=(), repr=False)
    """Keys of the simple ideals that act here: sectors that share a key turn together."""
    label: str = ""
    """What tells this sector from the others, such as the signs of the radical words."""
    fit: Fit = Fit.EXACT
    """Whether O^α is all that the observable does here. Where it is not, ``center``, ``variance``,
    ``spectrum`` and the degrees of freedom are those of O^α all the same: not of the loss."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"Sector.kind must be one of {KINDS}; got {self.kind!r}.")
        if self.beta not in (1, 2, 4, None):
            raise InputError(f"Sector.beta must be 1, 2, 4 or None; got {self.beta!r}.")
        if self.ground_status not in GROUND_STATUSES:
            raise InputError(f"Sector.ground_status must be one of {GROUND_STATUSES}; got {self.ground_status!r}.")
        if self.dim < 1 or self.multiplicity < 1 or (self.beta == 4 and self.dim % 2):
            raise InputError(
                f"Sector needs dim ≥ 1 (even for beta 4) and multiplicity ≥ 1; got {self.dim} and {self.multiplicity}."
            )
        # rounding may leave the interval; a wrong weight leaves it by more
        if not -limits.WEIGHT_SLACK <= self.weight <= 1 + limits.WEIGHT_SLACK or self.variance < 0:
            raise InputError(f"Sector needs a weight in [0, 1] and variance ≥ 0; got {self.weight}, {self.variance}.")
        if self.spectrum is not None and sum(self.spectrum[1]) != self.dim:
            raise InputError(
                f"The multiplicities of a sector's spectrum must sum to {self.dim}; got {sum(self.spectrum[1])}."
            )

    # ------------------------------------------------------------------ sizes
    @property
    def log2_dim(self) -> float:
        """log2 N_α."""
        return math.log2(self.dim)

    @property
    def field_dim(self) -> int:
        """D, the dimension over F: N_α, or N_α/2 for β = 4."""
        return self.dim // 2 if self.beta == 4 else self.dim

    @property
    def is_constant(self) -> bool:
        """Whether the sector adds a constant to the loss: O^α is a multiple of the identity, and
        all that the observable does here."""
        return self._is_flat and self.fit is Fit.EXACT

    @property
    def is_linear(self) -> bool:
        """Whether the sector's loss is not constant and carries weight."""
        return not self.is_constant and self.weight > limits.WEIGHT

    @property
    def _is_flat(self) -> bool:
        return self.variance <= limits.CONSTANT * max(1.0, self.center**2)

    @property
    def module_dim(self) -> int:
        """Dimension of all that the group makes of O^α: the field's Hermitian matrices without the identity.

        0 where O^α is constant, or no group in its defining representation is certified.
        """
        if self.beta is None or self.is_constant or not self.in_theory:
            return 0
        return (self.field_dim - 1) * (self.field_dim * self.beta + 2) // 2

    # ------------------------------------------------------------------ the observable
    @property
    def mean(self) -> float:
        """ō = Tr(O^α − λ_min)/N_α; 1 for a Pauli word of coefficient 1."""
        return 0.0 if self._is_flat else self.center - self.ground

    @property
    def dof(self) -> float:
        """r = Tr(O^α − λ_min)²/Tr((O^α − λ_min)²) over F; 0 for a constant, inf past 2^1023."""
        return _times(self.field_dim, self._dof_share)

    @property
    def log2_dof(self) -> float:
        """log2 r (−inf for a constant)."""
        return _log2(self.field_dim, self._dof_share)

    @property
    def dof_rounded(self) -> int:
        """The paper's integer: r rounded up."""
        share, d = self._dof_share, self.field_dim
        # past 2^40 a float cannot tell r from r + 1e-9, so the exact fraction is rounded
        return math.ceil(share * d - limits.CEILING) if d < limits.FLOAT_DIMS else math.ceil(Fraction(share) * d)

    @property
    def dof_finite(self) -> float:
        """m, with 1/m = 1/r − 1/D; 0 for a constant, inf past 2^1023."""
        return _times(self.field_dim, self._finite_share)

    @property
    def log2_dof_finite(self) -> float:
        """log2 m (−inf for a constant)."""
        return _log2(self.field_dim, self._finite_share)

    @property
    def _dof_share(self) -> float:
        mean = self.mean
        return 0.0 if self._is_flat else mean**2 / (mean**2 + self.variance)

    @property
    def _finite_share(self) -> float:
        # m = D ō²/variance: the same as 1/(1/r − 1/D), without the cancellation
        return 0.0 if self._is_flat else self.mean**2 / self.variance

    @property
    def trace(self) -> float:
        """Tr O^α, complex trace, unshifted; ±inf past 2^1023."""
        return _times(self.dim, self.center)

    @property
    def trace_square(self) -> float:
        """Tr (O^α)², complex trace, unshifted; inf past 2^1023."""
        return _times(self.dim, self.variance + self.center**2)

    def with_verdict(self, in_theory: bool, reason: str, code: ReasonCode | None = None) -> Sector:
        """Return the same sector with another verdict."""
        return replace(self, in_theory=in_theory, reason=reason, reason_code=code)

    def __str__(self) -> str:
        beta = "-" if self.beta is None else str(self.beta)
        inside = "inside" if self.in_theory else "OUTSIDE"
        return (
            f"N={_short(self.dim)} x{_short(self.multiplicity)} {self.kind} beta={beta} "
            f"weight={self.weight:.4g} r={self.dof:.4g} m={self.dof_finite:.4g} {inside}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        out = {name: getattr(self, name) for name in _PLAIN}
        out["rho_spectrum"] = None if self.rho_spectrum is None else self.rho_spectrum.tolist()
        out["spectrum"] = None if self.spectrum is None else [self.spectrum[0].tolist(), list(self.spectrum[1])]
        out["generator_traces"] = self.generator_traces.tolist()
        out["fit"] = self.fit.name
        return out


@dataclass(frozen=True, eq=False)
class SpinFactor(Shown):
    """ℓ = offset + amplitude·norm·u_1, u uniform on the sphere S^(d−1) (THEORY §5).

    The observable's moving part is Σ b_jγ_j over d words that the circuit turns into each
    other as SO(d), each rotation turning one pair.
    """

    d: int
    """Number of words that really rotate."""
    amplitude: float
    """|a|, a_j = ⟨γ_j⟩ in the input; 0 for a basis state, and then the loss is constant."""
    norm: float
    """‖b‖, the length of the observable's moving part."""
    expectations: np.ndarray = field(repr=False)
    """float64 ``(d,)``: a_j."""
    offset: float = 0.0
    """What the conserved part of the observable adds to every loss."""

    def __post_init__(self) -> None:
        if self.d < 1 or self.amplitude < 0 or self.norm < 0:
            raise InputError(
                f"SpinFactor needs d ≥ 1, amplitude ≥ 0 and norm ≥ 0; got {self.d}, {self.amplitude}, {self.norm}."
            )

    @property
    def variance(self) -> float:
        """Var[ℓ] = |a|²‖b‖²/d."""
        return (self.amplitude * self.norm) ** 2 / self.d

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {name: getattr(self, name) for name in ("d", "amplitude", "norm", "offset", "variance")}


@dataclass(frozen=True, eq=False)
class SectorDistribution:
    """Exponentially many sectors of equal size, described by exact moments.

    A sector is a character χ of the radical words; it is drawn with probability w_χ, the
    input's weight. All averages below are exact sums over the 2^log2_sectors characters.
    """

    log2_sectors: int
    """log2 of the number of sectors that can carry weight."""
    dim: int
    """N_α, the same for all."""
    multiplicity: int
    """I_α, the same for all."""
    beta: int | None
    kind: str
    center_mean: float
    """Σ_χ w_χ Tr O^χ/N: also the mean loss over random angles."""
    center_variance: float
    """Σ_χ w_χ (Tr O^χ/N)² − center_mean²."""
    variance_mean: float
    """Σ_χ w_χ Tr (O^χ − center)²/N."""
    weight_mean: float
    """Mean weight, 1 / number of sectors; see ``log2_weight_mean`` when that is 0."""
    collision: float | None
    """Σ_χ w_χ²: the inverse of the number of sectors that really carry weight."""

    @property
    def log2_weight_mean(self) -> float:
        """log2 of the mean weight."""
        return -float(self.log2_sectors)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _times(size: int, share: float) -> float:
    try:
        return float(size) * share
    except OverflowError:  # dimensions are exact integers of any length
        return math.copysign(math.inf, share) if share else 0.0


def _log2(size: int, share: float) -> float:
    return math.log2(size) + math.log2(share) if share > 0 else -math.inf


def _short(value: int) -> str:
    return str(value) if value < limits.WRITTEN_OUT else f"2^{math.log2(value):.6g}"
