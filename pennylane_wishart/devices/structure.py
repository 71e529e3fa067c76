"""Which engine simulates a program: counted before anything is enumerated."""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, classify
from pennylane_wishart.algebra.counting import OrbitCounter
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.majorana import MajoranaModule, find_majorana_module
from pennylane_wishart.devices.program import Program
from pennylane_wishart.devices.wordmodule import WordModule
from pennylane_wishart.errors import ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliWords

__all__ = ["count_words", "light_cone", "make_engine"]


def make_engine(program: Program, max_dim: int, engine: str) -> WordModule | MajoranaModule:
    """Choose and build the engine of a program.

    Raises:
        ModuleTooLargeError: if the module is larger than ``max_dim``; it is counted first.
    """
    active = light_cone(program.words, program.observables)
    generators = program.words[active]
    algebra = classify(generators) if len(generators) else None
    size = count_words(algebra, program.observables, max_dim)
    module: WordModule | MajoranaModule | None = None
    if algebra is not None and (engine == "majorana" or engine == "auto" and size > limits.FEW_WORDS):
        module = find_majorana_module(program.observables, generators, algebra)
    if module is None and engine == "majorana":
        raise UnsupportedCircuitError(
            'engine="majorana" needs generators that are pairs of Majorana operators and observables that are pairs '
            f"of the same Majoranas{'' if algebra is None else f' (the algebra here is {algebra.name})'}: use "
            'engine="auto".'
        )
    if module is None:
        module = _word_module(program.observables, generators, max_dim)
    module.renumber(active)
    return module


def _word_module(observables: PauliWords, generators: PauliWords, max_dim: int) -> WordModule:
    """Enumerate; each orbit is within the limit, but all of them together may not be."""
    try:
        return WordModule(observables, generators, max_dim)
    except ModuleTooLargeError as error:
        raise ModuleTooLargeError(
            f"The {len(observables)} words of the observables reach more than max_dim={max_dim} Pauli words together. "
            "Measure fewer observables at a time, raise max_dim= of the device, or use a statevector device."
        ) from error


def light_cone(words: PauliWords, observables: PauliWords) -> np.ndarray:
    """Return the indices of the rotations that can move an observable, in circuit order.

    Going backwards, a rotation matters only if its word anticommutes with an observable or
    with a later word that matters: products of words that commute with it commute with it.
    """
    distinct, inverse = words.unique()
    blocked = distinct.anticommutation(distinct)
    seen = np.asarray(distinct.anticommutation(observables).any(axis=1))  # moved by what is reached so far
    out = []
    used = np.zeros(len(distinct), bool)
    for term in range(len(words) - 1, -1, -1):
        g = inverse[term]
        if seen[g]:
            out.append(term)
            if not used[g]:
                used[g] = True
                seen |= blocked[g]
    return np.array(out[::-1], np.int64)


def count_words(algebra: LieAlgebra | None, observables: PauliWords, max_dim: int) -> int:
    """Return the size of the largest orbit of an observable's word; nothing is enumerated.

    Raises:
        ModuleTooLargeError: if it is larger than ``max_dim``.
    """
    if algebra is None:
        return 1
    central = algebra.central_words
    assert central is not None
    # of hundreds of components a word meets few: those are found for all words at once
    meets = np.array([c.basis.anticommutation(observables).any(axis=0) for c in algebra.components], bool)
    met = [[c for c, m in zip(algebra.components, column, strict=True) if m] for column in meets.T]
    sizes = [OrbitCounter(met[i] if len(meets) else (), central, observables[i]).size for i in range(len(observables))]
    largest = max(sizes, default=1)
    if largest > max_dim:
        word = observables[sizes.index(largest)].strings()[0]
        shown = word if len(word) <= limits.LONGEST_WORD else "the observable"
        raise ModuleTooLargeError(
            f"The module of {shown} has {_format(largest)} Pauli words "
            f"(algebra {algebra.name}), more than max_dim={max_dim}. Measure an observable with a smaller module, use "
            "fewer kinds of gates, raise max_dim= of the device, or use a statevector device."
        )
    return largest


def _format(size: int) -> str:
    return str(size) if size < limits.LARGEST_COUNT else f"2^{math.log2(size):.1f}"
