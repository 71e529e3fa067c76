"""Every public name, from the room that it lives in."""

from pennylane_wishart import errors
from pennylane_wishart.circuit import AngleLaw, InputState, RotationCircuit, normal_form
from pennylane_wishart.comparison import Comparison, compare
from pennylane_wishart.costs import CostDiagnosis, diagnose_cost
from pennylane_wishart.decorators import diagnosed, preflight
from pennylane_wishart.diagnosis import Diagnosis, diagnose
from pennylane_wishart.families import ScalingStudy, compare_inits, scaling
from pennylane_wishart.measurement import Measurement, MinimaMeasurement, Quote, find_minima, fit_noise, measure, quote
from pennylane_wishart.outlook.initialisation import BestInit, best_init
from pennylane_wishart.outlook.slices import Slices, slices
from pennylane_wishart.prediction import Prediction, predict
from pennylane_wishart.prediction.expressibility import Expressibility, expressibility
from pennylane_wishart.prediction.simulability import Simulability, simulability
from pennylane_wishart.sectors import Sector, Signature
from pennylane_wishart.sectors.door import signature

__all__ = [
    "AngleLaw",
    "BestInit",
    "Comparison",
    "CostDiagnosis",
    "Diagnosis",
    "Expressibility",
    "InputState",
    "Measurement",
    "MinimaMeasurement",
    "Prediction",
    "Quote",
    "RotationCircuit",
    "ScalingStudy",
    "Sector",
    "Signature",
    "Simulability",
    "Slices",
    "best_init",
    "compare",
    "compare_inits",
    "diagnose",
    "diagnose_cost",
    "diagnosed",
    "errors",
    "expressibility",
    "find_minima",
    "fit_noise",
    "measure",
    "normal_form",
    "predict",
    "preflight",
    "quote",
    "scaling",
    "signature",
    "simulability",
    "slices",
]
