"""Prediction and Measurement → :class:`Comparison`."""

from pennylane_wishart.comparison.compare import Comparison, compare
from pennylane_wishart.comparison.statistics import QuantityComparison, compare_sample

__all__ = ["Comparison", "QuantityComparison", "compare", "compare_sample"]
