"""Second moments by walking Pauli words, and the choice of the sharpest engine (THEORY §4)."""

from pennylane_wishart.walkers.choice import moments_of
from pennylane_wishart.walkers.matrixproduct import Log2Moments, log2_moments
from pennylane_wishart.walkers.means import first_moments
from pennylane_wishart.walkers.pairs import pair_walk
from pennylane_wishart.walkers.walk import can_walk, walk, walk_pairs

__all__ = ["Log2Moments", "can_walk", "first_moments", "log2_moments", "moments_of", "pair_walk", "walk", "walk_pairs"]
