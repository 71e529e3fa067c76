"""Second moments of the loss and of every gradient component (THEORY §3, §4)."""

from pennylane_wishart.moments.deep import deep_limit
from pennylane_wishart.moments.exact import exact_moments
from pennylane_wishart.moments.proofs import dead_parameters, dead_proofs
from pennylane_wishart.moments.reasons import DeadReason
from pennylane_wishart.moments.records import DeepLimit, SecondMoments
from pennylane_wishart.moments.sampled import sampled_moments

__all__ = [
    "DeadReason",
    "DeepLimit",
    "SecondMoments",
    "dead_parameters",
    "dead_proofs",
    "deep_limit",
    "exact_moments",
    "sampled_moments",
]
