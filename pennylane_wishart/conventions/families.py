"""Limits and tolerances of the room ``families``, each with its reason. Bits are log2 of a variance."""

from __future__ import annotations

# ---------------------------------------------------------------------- values in bits
UNDERFLOW = -1074.0
"""Bits of the smallest float: what is known of a variance that came out as 0 and is not."""
MATRIX_PRODUCT_BITS = 0.1
"""Truncation error, in bits, above which a matrix product counts as not converged: 7% of the variance."""
OUTWEIGHED_BITS = 7
"""A known part above a limit by so much is a hundred times it: their sum is then known to 1%."""
SAME_BITS = 1e-9
"""Medians closer than this are one number: sums of logarithms are good to 1e-13."""
MIDDLE_BITS = 1e-12
"""A parameter this close to the median is one that it rests on: the same number, copied."""
FEW_PERCENT = 0.01
"""Shares of a mean below this do not move it, nor bits below this a verdict."""
STANDARD_ERRORS = 2
"""Two initialisations within so many standard errors are not told apart."""
TIE_BITS = 1e-9
"""Exact values this close are tied: they came by different sums."""

# ---------------------------------------------------------------------- a straight line
MISFIT_FLOOR = 0.05
"""Bits: no straight line is believed closer than this, however exact the points are."""
BISECTIONS = 60
"""Halvings of the misfit's bracket: more than the 52 bits of a double."""

# ---------------------------------------------------------------------- evidence of a law
RATES = {"exponential": (0.2, 4.0), "polynomial": (0.2, 8.0)}
"""Bits per qubit; degree. Log-uniform inside, so that both laws are equally open."""
LEAST_FALL = 1.6
"""Bits over all sizes: a wide range of sizes admits rates below the 0.2 that 4 to 12 can show."""
GROWTH = (-8.0, 0.2)
"""Degree of a law without decay, where it is not a constant: it ends where a polynomial begins."""
PREFACTOR = 0.5
"""Standard deviation of k in n^k beside an exponential: square roots of n are common, powers are not."""
CORRECTION = 2.0
"""Standard deviation, bits, of the coefficient of 1/n beside a power: half a bit at n = 4."""
PARITY = 0.3
"""Bits: standard deviation of the offset between even and odd sizes, 20% of a variance."""
ALTERNATION = 1.0
"""Bits: standard deviation of each wave of period four."""
STEP = 1.0
"""Bits: standard deviation of the effect of one layer."""
SMOOTH = 0.5
"""Correlation length of smooth misfit, in log2 n: sizes within a factor of 1.4 are hardly independent."""
LARGEST_MISFIT, MISFIT_POINTS = 2.0, 25
"""Bits: above, no law would be visible; nodes of the integral over the misfit, 25 from 0.05 to 2."""
LEVEL = 50.0
"""Standard deviation of the intercept, bits: no information."""
TAIL = -1e-12
"""An interval narrower than this share of its tail would leave log(0): its width is then rounding."""

# ---------------------------------------------------------------------- a verdict over sizes
CONFIDENCE = 0.95
"""Weight that a side needs before it is named: odds of 19 to 1."""
EVEN_ODDS = 0.5
"""A side with no more than this is not favoured at all."""
MIN_POINTS = 3
"""Two sizes always lie on a line."""
WANTED_POINTS = 5
"""Sizes that the documentation asks for: with three or four only clear cases are decided."""
MIN_ALTERNATING = 5
"""Fewer sizes cannot tell an alternation from a slope."""
DOUBT = 0.001
"""Probability that an upper limit is wrong for a reason outside its statistics."""
LEVEL_VARIANCE = 0.25
"""Bits²: beside an exact value one with half a bit of error still counts half as much."""
SEPARATION = 3.0
"""Bits between the two lines at the size advised next: eight times, which any engine sees."""
FARTHEST = 50
"""Times the largest size studied: farther, no advice to add sizes is taken."""

# ---------------------------------------------------------------------- which sizes are tried unasked
FIRST_SIZES = (4, 6, 8)
"""Below 4 qubits decay is not asymptotic; even sizes exist in every family."""
FURTHER_SIZES = (5, 7, 10, 9, 12, 11, 14)
"""The dearer the later, odd ones among them: a family may differ in parity."""
SMALL = 8
"""Qubits up to which every engine is cheap."""
FEW_TERMS = 64
"""Words of an observable beyond which larger sizes take minutes."""
NOISE_TAKES = 1.0
"""Bits of a variance that noise must take to be called its limit: a half, which doubles the shots."""
SCHEMA = 1
"""Version of the written form of a study: another one is refused rather than misread."""
