"""Observables of one circuit averaged together: one set of words, one sweep, a column for each (THEORY §4).

Words that several observables reach are met once, and a step of the sweep moves all columns. Which words an
observable can become is carried as one bit of an integer, so that supports of all are followed at the price of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.building import CLOSED_FORM, record_of
from pennylane_wishart.variances.dead.proofs import settle
from pennylane_wishart.variances.drivers import clean_moments
from pennylane_wishart.variances.engines.words import (
    Coefficients,
    chain_ends,
    chains_of,
    diagonal_suffices,
    sweep,
    word_means,
)
from pennylane_wishart.variances.exact import judged
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.reach import Reach, reach
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["moments_together"]


def moments_together(circuits: Sequence[RotationCircuit], law: AngleLaw) -> tuple[SecondMoments, ...] | None:
    """Compute exact moments of circuits that differ in their observables alone, as :func:`moments_of` does of each.

    Args:
        circuits: 2 to 64, with the same rotations and input.
        law: one for all.
    Returns:
        One record an observable; None where single words do not average them all, or where they have so little in
        common that one by one is as fast.
    Cost: that of one circuit that reaches all their words, with some bytes a word more for each.
    """
    first = circuits[0]
    same = all(c.terms is first.terms and c.states is first.states for c in circuits)
    problem = Problem(first, law)
    if not (same and 1 < len(circuits) <= limits.TOGETHER and first.is_pauli and not first.channels):
        return None
    if not problem.drivers.independent:
        return None
    words, place = PauliWords.concatenate([c.observable.words for c in circuits]).unique()
    places = np.split(place, np.cumsum([len(c.observable) for c in circuits])[:-1])
    try:
        found = reach(first.words, words, limits.CHOICE_SUPPORT)
    except ModuleTooLargeError:
        return None
    expectation = first.state.expectation(found.words)
    touched, shown = _paths(found, places, np.abs(expectation) > limits.SEEN)
    live = [settle(c, acts, shows) for c, acts, shows in zip(circuits, touched, shown, strict=True)]
    return _averaged(circuits, law, found, places, live)


def _paths(found: Reach, places: Sequence[np.ndarray], seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, bool ``(observables, rotations)``, what :func:`support_paths` says of each.

    Args:
        places: where each observable's words stand among those found.
        seen: bool ``(words,)``: words with non-zero expectation on the input.
    """
    steps = range(len(found.distinct))
    ends, visible = seen.copy(), []
    for k in steps:
        i, j, _ = found.step(k)
        either = ends[i] | ends[j]
        visible.append(np.packbits(either))  # a step needs its own words only, a bit each
        ends[i] = either
    holders = np.zeros(len(seen), np.uint64)
    for number, rows in enumerate(places):
        holders[rows] |= np.uint64(1 << number)
    touched, shown = np.zeros((2, len(found.distinct)), np.uint64)
    for k in reversed(steps):
        i, j, _ = found.step(k)
        held = holders[i]
        touched[k] = np.bitwise_or.reduce(held)
        shown[k] = np.bitwise_or.reduce(held[np.unpackbits(visible[k], count=len(i)).astype(bool)])
        # a partner may be found by this very step: it is in no prefix yet
        holders[i] = holders[j] = held | holders[j]
    bits = np.arange(len(places), dtype=np.uint64)[:, None]
    return ((touched >> bits) & np.uint64(1)).astype(bool), ((shown >> bits) & np.uint64(1)).astype(bool)


def _averaged(
    circuits: Sequence[RotationCircuit],
    law: AngleLaw,
    found: Reach,
    places: Sequence[np.ndarray],
    live: Sequence[np.ndarray],
) -> tuple[SecondMoments, ...] | None:
    """Sweep the chains of all observables at once, and their means; ``live``: the living rotations of each."""
    first = circuits[0]
    moments = clean_moments(first, law)
    if not all(diagonal_suffices(c, moments) for c in circuits):
        return None
    each = [chains_of(c, moments) for c in circuits]
    chains = [c for c in each if c is not None]
    bounds = np.cumsum([0, *(len(c.factors) for c in chains)])
    if len(chains) < len(each) or bounds[-1] * len(found.words) > limits.BATCH_FLOATS:
        return None
    expectation = first.state.expectation(found.words)
    v, f = np.zeros((2, len(found.words), bounds[-1]))
    columns = ((o, t) for o, own in enumerate(chains) for t in range(len(own.factors)))
    for column, (o, t) in enumerate(columns):
        terms, weights = chains[o].starts[t]
        np.add.at(v[:, column], places[o][terms], weights)
        f[:, column] = chain_ends(first, found.words, chains[o].products[t], expectation, t)
    squares: Coefficients = (moments.cos2, moments.sin2, moments.sin2, moments.cos2, False)
    second, slopes = sweep(found, v, f, squares, np.concatenate([c.moves for c in chains]), _no_noise)
    means = [word_means(c, moments, found, expectation, at) for c, at in zip(circuits, places, strict=True)]
    out = []
    for o, circuit in enumerate(circuits):
        problem, own, factors = Problem(circuit, law), slice(bounds[o], bounds[o + 1]), chains[o].factors
        mean = problem.rows(means[o][0], means[o][1][live[o]])
        rows = problem.rows(float(second[own] @ factors), slopes[live[o], own] @ factors, 2)
        signed = len(factors) > 1
        out.append(
            record_of(problem, judged(problem, mean, rows, problem.undriven, signed, EngineId.WORDS, CLOSED_FORM))
        )
    return tuple(out)


def _no_noise(_position: int) -> None:
    """There are no channels."""
