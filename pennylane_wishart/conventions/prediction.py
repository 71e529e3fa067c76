"""Limits of work and tolerances of the room ``prediction``, each with its reason."""

from __future__ import annotations

from typing import NamedTuple

from pennylane_wishart.conventions import levels


class Draws(NamedTuple):
    """How many samples of a circuit's own states are drawn, and where none are."""

    work: float
    """Amplitudes touched in all."""
    most: int
    least: int
    """Fewer would not answer the question: then none are drawn."""
    qubits: int


JOINT = Draws(4e7, 4096, 500, 14)
"""Losses with all gradients: some seconds. A covariance of 500 draws is good to 6%."""
OWN = Draws(3e7, 4000, 500, 14)
"""Losses with one component each, to hold a law against: about a second. 500 draws see a distance of 0.09."""
SHIFTED = Draws(2e8, 1000, 50, 14)
"""The noise of a shot at shifted points: some seconds. A mean of 50 draws is good to about 15%, enough for shots."""
SPREAD = Draws(2e8, 20_000, 400, 20)
"""The noise of a shot: some seconds. Fewer than 400 give the mean to worse than the 2% that shots are quoted to."""
WIDEST_GENERATOR = 10
"""Qubits of a generator of non-commuting words that the sampler takes: a matrix of 16 MB."""
JOINT_SEED = (0x701, 7)
"""Of the stored table: a stream of its own, that no measurement draws from."""
SQUARE_DRAWS = 1 << 14
"""Draws behind ‖∇ℓ‖² of separated gates: quantiles are good to 1%."""
OWN_SALT = 0x5EED
"""Keeps the circuit's own sample apart from a measurement of the same seed, which it is compared with."""

# ---------------------------------------------------------------------- what counts as nothing
LIGHT = 1e-12
"""Weights, probabilities and lengths below this are rounding: they are sums of squares of amplitudes of size 1."""
PURE = 1e-9
"""A second eigenvalue of the input in a sector above this makes it mixed: square roots of 1e-18 are rounding."""
SCALE_DIGITS = 12
"""Decimals by which scales of gates are compared, so that gates of one kind share one law."""
LEVEL_DIGITS = 11
"""Decimals of an eigenvalue over the largest, so that g and −g are equal in size to the last bit."""
FLAT_HARMONIC = 1e-12
"""A characteristic function below this is that of a uniform angle, zero but for rounding."""
POINT_MASS = 1e-8
"""Of max(1, |mean|): a sample of a constant loss stays that close to it on a simulator of double precision."""
NULL_DIRECTION = 1e-10
"""Of the largest eigenvalue of a covariance: below, a direction in which nothing moves."""

# ---------------------------------------------------------------------- laws held against a sample
CLOSE = 0.04
"""A law whose cdf is off by less is taken for the circuit's own: a third of what 300 samples can show."""
CRITICAL = 1.95
"""√M times the Kolmogorov–Smirnov distance that M samples of the true law exceed once in a thousand."""
CDF_POINTS = 400
"""Points at which a law's cdf is evaluated, between them it is interpolated: off by less than 1/400."""
DEEP_ERRORS = 3
"""Standard errors within which an estimated variance still counts as that of the deep limit."""
NORMAL_GRID = (-8.0, 8.0, 1601)
"""Standard deviations at which a cdf is held against the normal one: beyond, both are 0 or 1 to 1e-15."""
PROCESS_DRAWS = 20_000
"""Joint draws behind a distance over directions: its noise is then 0.006."""

# ---------------------------------------------------------------------- minima
MAX_PARAMETERS = 48
"""The Kac–Rice integral over more parameters needs more samples than minutes allow."""
MAX_RANK_WORK = 2e8
"""Parameters squared times amplitudes above which the rank of the quantum Fisher information takes minutes."""
RANK_QUBITS = 12
"""The rank is taken on no more amplitudes than this many qubits have."""

# ---------------------------------------------------------------------- shots
MAX_PRODUCTS = 2_000_000
"""Pairs of words of one group that are multiplied out for ⟨O_g²⟩: a second."""
SHOT_ERROR = 0.01
"""Of the variance of a shot: an estimate that good is not sampled again, shots are quoted to 2%."""
WALKERS = 20_000
"""A fifth of what variances get: shots are quoted to 2%."""
ROUNDING = 1e-14
"""Relative to the largest possible variance: differences below are rounding."""
BOUND_ERRORS, BOUND_CONFIDENCE = 3, 0.998
"""Standard errors of a one-sided limit where an estimate is below its own error, and the confidence that they give."""
WIDEST_GATE = 8
"""Qubits of a gate whose spectrum is taken from its matrix; a wider one counts as one gate a word."""
FREQUENCY_DIGITS, GAP_DIGITS = 9, 7
"""Decimals of a rotation's frequency, and of differences of eigenvalues, that shift rules are made of."""
LEAST_GAP = 1e-6
"""Differences of eigenvalues below this are degenerate levels: a rule with so low a frequency would blow up."""

# ---------------------------------------------------------------------- noise
NOISE_DEPTH_QUBITS = 8
"""Qubits up to which shorter circuits are averaged with and without noise: seconds in all."""
NOISE_DEPTH_POINTS = 10
"""Depths of that curve: a line through five of them is a rate."""
NOISE_DEPTH_SUPPORT = 1 << 14
"""Reachable words of each of them."""
NO_RATE = 1e-6
"""Bits a rotation below which noise takes nothing more: a millionth of a bit is rounding of a fit."""

# ------------------------------------------------------------------ classical simulation
TRUNCATION_WALKERS = 20_000
"""Walkers of a truncation error: an error of 1e-2 of the loss is seen by two walkers in 20,000."""
VECTOR_QUBITS = 20
"""Qubits that a state vector simulates in a blink: 16 MB."""
LIE_DIM = 20_000
"""Words of a module that ``wishart.lie`` turns in milliseconds a gate."""
CONE_TERMS = 300
"""Terms whose light cones are looked at one by one."""

# ------------------------------------------------------------------ expressibility
PAIRS = 2000
"""Pairs of outputs by default: a divergence of 0.02 is told from 0."""
LEAST_PAIRS = 100
"""Fewer fill no bins."""
EXPRESSED_QUBITS = 14
"""Qubits of the outputs: 4,000 state vectors of 2^14 amplitudes are a gigabyte."""
PURE = 1e-9
"""Second singular value, or imaginary part, of a normalised state below which it is rounding."""
SPAN_STATES = 600
"""States that a reached space is spanned by: more than enough for a few hundred dimensions."""
MOST_BINS = 40
"""Bins of equal probability."""
PAIRS_A_BIN = 25
"""Pairs expected in each: the bias of a divergence is then known to a few percent."""
PURITY_FLOATS = 2_000_000_000
"""Amplitudes touched for sampled purities: ten seconds."""

# ------------------------------------------------------------------ training
HESSIAN_DIM = 4096
"""Dimension of a sector whose Hessians are drawn: a direction is a vector of that length."""
HESSIAN_DRAWS = 200
"""Draws of the Hessian behind its mean largest eigenvalue: 2%."""
TRAINING_FACTOR = 2.0
"""Medians of twelve descents lay between 0.7 and 1.9 of the predicted number of steps on nine kinds of circuit."""
TRAINED_SHARE = 1e-4
"""Share of the start's height down to which a curve is drawn."""
TRAINING_POINTS = 200
"""Points of a curve, equal steps of the logarithm of the height: the trapezoid rule is then good to 1e-4."""
MOST_TILT = 60.0
"""Logarithm of the tilt that puts all weight on the lowest level to double precision."""
HESSIAN_PARAMETERS = 200
"""Parameters up to which eigenvalues of drawn Hessians are found: a second for 200 draws."""

# ------------------------------------------------------------------ causes of a plateau
PLATEAU_SHOTS = levels.SHOTS
"""Shots that the largest component must need to be in a plateau: what hardware gives without a second thought."""
CAUSE_BITS = 1.0
"""Bits that something must take to be called a cause: half of the largest mean square."""
CAUSE_SUPPORT, CAUSE_WORK = 1 << 14, 2e9
"""Reachable words, and work on a module, of one edited circuit: a second or two."""
CAUSE_WALKERS, CAUSE_SAMPLES = 20_000, 200
"""… and walkers or sampled circuits: what is mended is large, and then known to 10%."""
COMMUTING_SHARE = 2 / 3
"""Of pairs of generators that act on a common qubit: in layers of rotations and entanglers about half commute."""
AXES_DRAWS, AXES_SEED = 2, 0xA7E5
"""Draws of other axes: one alone may be as unlucky as what it replaces."""
SHALLOW_LAYERS = 3
"""Layers, one rotation a qubit each, that a shallow circuit has: Euler angles take three."""
CAUSE_TERMS = 4
"""Terms of a global observable that are looked at one by one."""
