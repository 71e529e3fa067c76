"""The same question over a family of sizes and depths, and initialisations compared."""

from pennylane_wishart.families.bits import Log2Value
from pennylane_wishart.families.inits import InitComparison, InitRow, compare_inits
from pennylane_wishart.families.line import LineFit, line_fit
from pennylane_wishart.families.points import ScalingPoint
from pennylane_wishart.families.scaling import scaling
from pennylane_wishart.families.study import ScalingStudy
from pennylane_wishart.families.trend import Trend, trend_of

__all__ = [
    "InitComparison",
    "InitRow",
    "LineFit",
    "Log2Value",
    "ScalingPoint",
    "ScalingStudy",
    "Trend",
    "compare_inits",
    "line_fit",
    "scaling",
    "trend_of",
]
