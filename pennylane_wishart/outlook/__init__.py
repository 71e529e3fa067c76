"""What descents of this circuit find: a certificate, descents, the reachable optimum (THEORY §7e–g)."""

from pennylane_wishart.outlook.certificate import Certificate, certify
from pennylane_wishart.outlook.descents import descend, estimated_seconds
from pennylane_wishart.outlook.ground import lowest_eigenvalue
from pennylane_wishart.outlook.outlook import OutlookOptions, outlook_of
from pennylane_wishart.outlook.point import PointOutlook, point_of
from pennylane_wishart.outlook.reach import Reach, reach_of
from pennylane_wishart.outlook.record import DescentOutlook
from pennylane_wishart.outlook.remedies import Outcome, Remedy, RemedyOptions, Trials, try_remedies
from pennylane_wishart.outlook.space import ReachedSpace, reached_space

__all__ = [
    "Certificate",
    "DescentOutlook",
    "Outcome",
    "OutlookOptions",
    "PointOutlook",
    "Reach",
    "ReachedSpace",
    "Remedy",
    "RemedyOptions",
    "Trials",
    "certify",
    "descend",
    "estimated_seconds",
    "lowest_eigenvalue",
    "outlook_of",
    "point_of",
    "reach_of",
    "reached_space",
    "try_remedies",
]
