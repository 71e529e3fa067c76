"""Limits of work, tolerances and shares of the room ``comparison``, each with its reason."""

from __future__ import annotations

# ---------------------------------------------------------------------- what counts as nothing
ROUNDING = 5e-6
"""Of the largest value that an observable, or its gradient, can have: what a device of single precision may be off
by after hundreds of gates. Devices do not say their precision, so everything smaller counts as nothing."""
LEAST_ROUNDING = 1e-8
"""Of the law's mean: double precision after the thousands of gates of a deep circuit, where nothing else is said."""
ROUNDING_REACH = 6
"""Roundings that a value may be off by and still count as the same; a range counts from both ends."""
SHOULD_BE_EQUAL = 1e-9
"""Squares that are all alike miss their prediction by rounding alone, 1e-12 or so, or by their own size."""
NOTHING_LEFT = 1e-12
"""Share of the noise below which the mean square counts as 0: any ratio may be behind zeros alone."""

# ---------------------------------------------------------------------- how many values a test needs
LEAST_VALUES = 8
"""Fewer values say next to nothing: at 0.1%, even eight reject a law only from a distance of 0.64 on."""
LEAST_MEASURED = 20
"""Fewer measurements of a parameter say nothing about its variance."""
MOST_COUNTS = 1000
"""More shots of two outcomes than this are as good as continuous: steps of 0.2% of the range."""
FEWEST_SHOTS = 10
"""Fewer shots of several outcomes are not close to normal."""
NOISIEST = 0.5
"""Where shot noise exceeds this share of the law's variance, its unknown shape would be what is tested."""
MOST_ADVISED = 10**9
"""More shots than this are no advice."""

# ---------------------------------------------------------------------- power
POWER_RUNS, POWER_VALUES = 200, 2000
"""Simulated tests (power is then good to 4%), and values of each at most: power hardly changes beyond."""
POWER_SHARE = 0.2
"""Of a dead parameter: the chance to notice that it moves with this share of its largest gradient, rms."""

# ---------------------------------------------------------------------- tables of laws
CELLS = 2048
"""Cells of the table of a law behind counts: twice the counts there can be."""
NODES = 41
"""Gauss–Hermite nodes: far more than a smooth cdf needs, for one that has edges."""
REACH, POINTS = 8.0, 641
"""Half-width in standard deviations, and points, of the table of a noisy law: 40 points a standard deviation."""
DRAWS, GRID, ENDS = 20_000, 500, 8
"""Draws whose quantiles are the knots of a cdf, knots among them, and steps of one standard deviation beyond: denser
than the error of any test; outside, the cdf is within 1e-4 of 0 or 1."""

# ---------------------------------------------------------------------- the circuit's own draws
REFERENCE_WORK = 1 << 25
"""Amplitudes touched: about half a second on one core."""
REFERENCE_MOST, REFERENCE_LEAST = 2000, 100
"""Draws: more tell no more of the tail that a measurement can hold, fewer do not tell it at all."""
REFERENCE_WIRES = 16
"""Larger circuits are not simulated for it: 100 draws would exceed the work."""
REFERENCE_SEED = 20_260
"""Fixed: the same comparison gives the same numbers."""
SURE_ERRORS = 4
"""Standard errors of a predicted variance that a measurement is not held to: 1 in 30,000 lies beyond."""

# ---------------------------------------------------------------------- second derivatives
HESSIAN_PAIRS = 5000
"""Pairs of parameters in one test (100 parameters have 5,050): 500 samples of them are 20 MB a copy."""
HESSIAN_REFERENCE = 1 << 27
"""Amplitudes touched for the circuit's own Hessians: two seconds on one core; measuring them took longer."""
SPECTRUM_BLOCK = 6
"""Parameters of the block whose eigenvalues are tested: the ends of more differ little."""
SPECTRUM_OFF = 0.12
"""Largest departure of a variance in that block from the deep limit: a tenth is what finite sizes leave."""
SPECTRUM_DRAWS, SPECTRUM_ERROR = 10_000, 0.016
"""Drawn spectra, and what their cdf is off by at the most (once in 100), which is taken off every distance."""

# ---------------------------------------------------------------------- minima
SAME_LOSS, LEAST_RANGE = 1e-6, 1e-3
"""Ends whose losses differ by less of their range are one minimum (descents agree to 1e-9), and the range at least."""
NEAR_OPTIMUM, ENOUGH_NEAR = 0.01, 0.5
"""Above p* minima should lie within 1% of the optimum, and most of the descents should find them."""
