"""The two-level laws: a two-level observable on a pure input, and the spin factor."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from pennylane_wishart.ensembles.arguments import check_beta, check_dim, finite_number, freeze
from pennylane_wishart.ensembles.dirichlet import DirichletLaw
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.errors import InputError

__all__ = ["BetaLoss", "SpinFactor"]


@dataclass(frozen=True)
class BetaLoss(DirichletLaw):
    """Describe the loss of a two-level observable on a pure input, exactly.

    ℓ = low + (high − low)·Beta(βk/2, β(D − k)/2), k the multiplicity of the upper level.
    Exact at any size. NOT valid for a mixed input in the sector (use HaarCompression)
    or for shallow circuits.

    Args:
        low, high: the two eigenvalues (times the weight of the input in the sector).
        multiplicity_upper: k over F, an exact int, 1 ≤ k ≤ D − 1.
        dim: D over F, an exact int of any size.
        beta: 1, 2 or 4.
    Raises:
        InputError: if the levels or multiplicities make no two-level law.
    Cost: O(1) per point.
    Source: ours (exact at finite N; arXiv:2408.11901 has its Gamma limit k ≪ D).
    Example:
        >>> BetaLoss(-1.0, 1.0, multiplicity_upper=2**999, dim=2**1000, beta=2).log2_var
        -1000.0
    """

    low: float
    high: float
    multiplicity_upper: int
    dim: int
    beta: int = 2
    engine = "exact two-level beta"
    validity = "Not valid for an input that is mixed inside the sector, or before the deep limit."

    def __post_init__(self) -> None:
        check_beta(self.beta)
        low, high = finite_number(self.low, "low"), finite_number(self.high, "high")
        if not low < high:
            raise InputError(f"low must be below high; got {low} and {high}.", advice="Use Constant.")
        dim = check_dim(self.dim, "dim", 2)
        upper = check_dim(self.multiplicity_upper, "multiplicity_upper", 1)
        if upper >= dim:
            raise InputError(f"multiplicity_upper must be below dim; got {upper} and {dim}.", advice="Use Constant.")
        freeze(self, low=low, high=high, dim=dim, multiplicity_upper=upper)

    @cached_property
    def _spectrum(self) -> Spectrum:
        counts = (self.dim - self.multiplicity_upper, self.multiplicity_upper)
        return Spectrum((self.low, self.high), counts, Fraction(self.beta, 2))


@dataclass(frozen=True)
class SpinFactor(DirichletLaw):
    """Describe the loss of an observable linear in Majoranas, exactly.

    ℓ = amplitude·u_1 with u uniform on S^{d−1}; (1 + u_1)/2 ~ Beta((d−1)/2, (d−1)/2).
    NOT valid if a Majorana is itself a generator, or if fewer than d are really rotated.

    Args:
        amplitude: |a|·‖b‖, a_j = ⟨γ_j⟩ of the input, O = Σ b_j γ_j; ≥ 0 (0 for a basis state).
        dim: d, the number of Majoranas that the circuit rotates, ≥ 1.
    Source: Anschuetz, arXiv:2408.11901 (spin factor); orbit size in place of 2n is ours.
    Example:
        >>> SpinFactor(1.0, 8).var()
        0.125
    """

    amplitude: float
    dim: int
    engine = "exact spin factor"
    validity = "Not valid if a Majorana is a generator, or before the deep limit."

    def __post_init__(self) -> None:
        amplitude = finite_number(self.amplitude, "amplitude")
        if amplitude < 0:
            raise InputError(f"amplitude must not be negative; got {amplitude}.")
        freeze(self, amplitude=amplitude, dim=check_dim(self.dim, "dim", 2 if amplitude else 1))

    @cached_property
    def _spectrum(self) -> Spectrum:
        # (1 + u_1)/2 is Beta(h, h), h = (d−1)/2: two levels ±amplitude of shape h each
        if self.amplitude == 0:
            return Spectrum((0.0,), (max(2 * self.dim - 2, 1),), Fraction(1, 2))
        count = self.dim - 1
        return Spectrum((-self.amplitude, self.amplitude), (count, count), Fraction(1, 2))
