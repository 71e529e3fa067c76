"""Exact moments of Tr(A U B U†) under the Haar measure of O(D), U(D) or Sp(D).

The k-th moment is a sum over partitions λ of k of Jack polynomials with parameter 2/β,
    E[(Tr A U B U†)^k] = Σ_λ C_λ(A) C_λ(B) / C_λ(1_D),
C normalised by Σ_λ C_λ(X) = (Tr X)^k. For traceless A, B only the terms below survive.
"""

from __future__ import annotations

from fractions import Fraction

from pennylane_wishart.ensembles.spectrum import Spectrum

__all__ = ["trace_moments"]

_PARTITIONS = {3: ((3,), (2, 1), (1, 1, 1)), 4: ((4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))}
_FACTORIAL = {3: 6, 4: 24}


def _jack(partition: tuple[int, ...], alpha: Fraction, sums: dict[int, Fraction]) -> Fraction:
    """Jack polynomial J_λ of a traceless matrix with power sums ``sums`` (p1 = 0)."""
    p2, p3, p4 = sums[2], sums[3], sums[4]
    table = {
        (3,): 2 * alpha**2 * p3,
        (2, 1): -alpha * p3,
        (1, 1, 1): 2 * p3,
        (4,): 3 * alpha**2 * p2**2 + 6 * alpha**3 * p4,
        (3, 1): -alpha * p2**2 - 2 * alpha**2 * p4,
        (2, 2): (1 + alpha + alpha**2) * p2**2 + (alpha - alpha**2) * p4,
        (2, 1, 1): -alpha * p2**2 + 2 * alpha * p4,
        (1, 1, 1, 1): 3 * p2**2 - 6 * p4,
    }
    return table[partition]


def _hook_norm(partition: tuple[int, ...], alpha: Fraction) -> Fraction:
    """Product of upper and lower hook lengths, the squared norm of J_λ."""
    columns = [sum(row > j for row in partition) for j in range(partition[0])]
    norm = Fraction(1)
    for i, row in enumerate(partition):
        for j in range(row):
            arm, leg = row - j - 1, columns[j] - i - 1
            norm *= (alpha * arm + leg + 1) * (alpha * arm + leg + alpha)
    return norm


def _at_identity(partition: tuple[int, ...], alpha: Fraction, dim: int) -> Fraction:
    value = Fraction(1)
    for i, row in enumerate(partition):
        for j in range(row):
            value *= dim - i + alpha * j
    return value


def trace_moments(first: Spectrum, second: Spectrum, beta: int) -> tuple[Fraction, Fraction, Fraction]:
    """Return the central moments 2, 3, 4 of Tr(A U B U†), exactly.

    Args:
        first, second: spectra over F of A and B, with one dimension D.
        beta: 1, 2 or 4 for U in O(D), U(D), Sp(D) (traces over F).
    Returns:
        The three moments as fractions; zero when D = 1.
    Cost: a dozen exact rational operations.
    Source: zonal/Jack expansion of the hypergeometric function of two matrix arguments
        (Muirhead 1982, chapter 7, and its β extension); the second moment is
        Tr A0² Tr B0² / dim J0.
    Example:
        >>> half = Fraction(1)
        >>> a = Spectrum.build([0.0, 1.0], [1, 1], half)
        >>> trace_moments(a, a, 2)[0]        # a uniform law on [0, 1]
        Fraction(1, 12)
    """
    dim = first.dim
    if dim == 1:
        return Fraction(0), Fraction(0), Fraction(0)
    # power sums of the traceless parts: the mean of the trace is taken off first, so p1 = q1 = 0
    alpha = Fraction(2, beta)
    p, q = first.centred_sums, second.centred_sums
    moments = [p[2] * q[2] / ((dim - 1) * (1 + dim / alpha))]
    for order in (3, 4):
        total = Fraction(0)
        for partition in _PARTITIONS[order]:
            if len(partition) > dim:  # J_λ vanishes on fewer variables than rows
                continue
            # C_λ is J_λ times this weight, which makes the C_λ of one order add up to (Tr X)^order
            weight = alpha**order * _FACTORIAL[order] / _hook_norm(partition, alpha)
            product = _jack(partition, alpha, p) * _jack(partition, alpha, q)
            total += weight * product / _at_identity(partition, alpha, dim)
        moments.append(total)
    return moments[0], moments[1], moments[2]
