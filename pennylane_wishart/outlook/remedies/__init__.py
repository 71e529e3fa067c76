"""Changes of a circuit that are tried as remedies, by descents of the changed circuit."""

from pennylane_wishart.outlook.remedies.record import Outcome, Remedy, Trials
from pennylane_wishart.outlook.remedies.runner import RemedyOptions, try_remedies

__all__ = ["Outcome", "Remedy", "RemedyOptions", "Trials", "try_remedies"]
