"""Second moments of the loss and of every gradient component (THEORY §3, §4).

At the circuit's own depth :func:`moments_of` picks among the engines; :func:`deep_limit` is what they tend
to, and :func:`dead_proofs` says which parameters can have no gradient at all.
"""

from pennylane_wishart.variances.choice import moments_of
from pennylane_wishart.variances.dead.proofs import dead_parameters, dead_proofs
from pennylane_wishart.variances.dead.reasons import DeadReason
from pennylane_wishart.variances.deep.limit import deep_limit
from pennylane_wishart.variances.engines.line.matrixproduct import Log2Moments, log2_moments
from pennylane_wishart.variances.engines.means import first_moments
from pennylane_wishart.variances.engines.sampled import sampled_moments
from pennylane_wishart.variances.engines.walks.pairs import pair_walk
from pennylane_wishart.variances.engines.walks.walk import can_walk, walk, walk_pairs
from pennylane_wishart.variances.exact import exact_moments
from pennylane_wishart.variances.hessian.choice import hessian_moments
from pennylane_wishart.variances.hessian.record import HessianMoments
from pennylane_wishart.variances.records import DeepLimit, SecondMoments
from pennylane_wishart.variances.tangent import TangentKernel, tangent_kernel
from pennylane_wishart.variances.together import moments_together

__all__ = [
    "DeadReason",
    "DeepLimit",
    "HessianMoments",
    "Log2Moments",
    "SecondMoments",
    "TangentKernel",
    "can_walk",
    "dead_parameters",
    "dead_proofs",
    "deep_limit",
    "exact_moments",
    "first_moments",
    "hessian_moments",
    "log2_moments",
    "moments_of",
    "moments_together",
    "pair_walk",
    "sampled_moments",
    "tangent_kernel",
    "walk",
    "walk_pairs",
]
