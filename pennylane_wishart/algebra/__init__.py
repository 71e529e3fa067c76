"""Generators → Lie algebra: ``classify`` (Pauli words), ``close`` (sums), ideals, modules."""

from pennylane_wishart.algebra.closure import close
from pennylane_wishart.algebra.component import Component
from pennylane_wishart.algebra.ideal import Ideal, canonical_ideals, merge_ideals
from pennylane_wishart.algebra.module import (
    Module,
    module_of,
    module_span,
    orbit,
    squared_expectations,
)
from pennylane_wishart.algebra.records import LieAlgebra, decompose
from pennylane_wishart.algebra.words import classify, enumerate_words

__all__ = [
    "Component",
    "Ideal",
    "LieAlgebra",
    "Module",
    "canonical_ideals",
    "classify",
    "close",
    "decompose",
    "enumerate_words",
    "merge_ideals",
    "module_of",
    "module_span",
    "orbit",
    "squared_expectations",
]
