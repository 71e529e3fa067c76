"""Generators → Lie algebra: ``classify`` (Pauli words), ``close`` (sums), ideals, modules."""

from pennylane_wishart.algebra.closure import close
from pennylane_wishart.algebra.ideals import decompose
from pennylane_wishart.algebra.module import (
    Module,
    module_of,
    module_span,
    orbit,
    squared_expectations,
)
from pennylane_wishart.algebra.records import Component, Ideal, LieAlgebra
from pennylane_wishart.algebra.words import classify, enumerate_words

__all__ = [
    "Component",
    "Ideal",
    "LieAlgebra",
    "Module",
    "classify",
    "close",
    "decompose",
    "enumerate_words",
    "module_of",
    "module_span",
    "orbit",
    "squared_expectations",
]
