"""Laws of local minima: Kac–Rice densities, the transition, and where minima concentrate."""

from pennylane_wishart.minima.asymptotic import asymptotic_minima_law
from pennylane_wishart.minima.concentration import concentration_energy
from pennylane_wishart.minima.exact import minima_law, minima_law_sectors
from pennylane_wishart.minima.extrapolation import large_minima_law, limit_energy
from pennylane_wishart.minima.law import MinimaLaw
from pennylane_wishart.minima.transition import transition, transition_asymptotic, transition_spin_factor

__all__ = [
    "MinimaLaw",
    "asymptotic_minima_law",
    "concentration_energy",
    "large_minima_law",
    "limit_energy",
    "minima_law",
    "minima_law_sectors",
    "transition",
    "transition_asymptotic",
    "transition_spin_factor",
]
