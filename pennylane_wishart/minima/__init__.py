"""Laws of local minima: Kac–Rice densities, the transition, and where minima concentrate."""

from .asymptotic import asymptotic_minima_law
from .concentration import concentration_energy
from .exact import minima_law, minima_law_sectors
from .extrapolation import large_minima_law, limit_energy
from .law import MinimaLaw
from .transition import transition, transition_asymptotic, transition_spin_factor

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
