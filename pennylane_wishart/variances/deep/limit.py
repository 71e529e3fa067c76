"""The deep limit: second moments once the depth has mixed completely (THEORY §3)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pennylane_wishart.algebra import orbit
from pennylane_wishart.circuit import AngleLaw, Effective, RotationCircuit, effective_generators
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import (
    InputError,
    ModuleTooLargeError,
    Status,
    UnsupportedCircuitError,
)
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.building import log2_of
from pennylane_wishart.variances.deep.mixing import mixed_limit
from pennylane_wishart.variances.engines.words import phase_sign
from pennylane_wishart.variances.reach import Reach, closed_reach
from pennylane_wishart.variances.records import DeepLimit

__all__ = ["deep_limit"]

_SHARED_NOTE = "parameters that drive several rotations were taken as independent"


def deep_limit(
    circuit: RotationCircuit,
    law: AngleLaw | None = None,
    max_support: int = limits.MAX_SUPPORT,
    max_dim: int = limits.DEEP_MODULE,
) -> DeepLimit:
    """Compute the moments that the loss and its gradients tend to as the circuit is repeated.

    Pauli generators: the average of P_a⊗P_b is uniform over the orbit of P_a if P_aP_b commutes
    with every generator, else 0; so Var[ℓ] = Σ c_a c_b / |orbit| Σ_Q ±⟨Q⟩⟨Q·P_aP_b⟩, for a single
    word (1/|orbit|) Σ ⟨Q⟩². Var[∂_kℓ] takes the part of the orbit that anticommutes with the
    generator. Sums as generators: the averaged circuit is repeated on the observable's module
    until it stops changing. Not the moments at this circuit's depth: see :func:`exact_moments`.

    Args:
        circuit: the normal form; its first input state is used.
        law: any law whose angles are not fixed has the same limit; checked, then not used.
        max_support: largest orbit that is listed; larger ones are counted (stabiliser inputs).
        max_dim: largest module of the iteration.
    Returns:
        :class:`DeepLimit`; ``available`` is False, with a reason, where no formula applied.
    Raises:
        InputError: if the law is of another circuit or fixes every angle.
    Cost: O(orbit · generators), or F2 linear algebra where orbits are counted.
    Source: arXiv:2309.09342 and arXiv:2309.07902 for O in the algebra; ours for any Pauli sum,
        cross terms between its words included.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> deep_limit(c).variance
        0.25
    """
    _check(circuit, law)
    if circuit.channels:
        return _unavailable(circuit, "Noise: repeated without end, the circuit keeps nothing of its input.")
    note = _SHARED_NOTE if circuit.shared.any() else ""
    try:
        # repeated in depth, a circuit generates what its gates generate together
        effective = effective_generators(circuit)
        generators, observable = effective.generators, effective.observable
        if not generators or not len(observable):
            return _constant(circuit, observable)
        if all(len(g) == 1 for g in generators):
            words = PauliWords.concatenate([g.words for g in generators])
            return _by_orbits(circuit, words, effective, max_support, note)
        return mixed_limit(circuit, effective, max_dim, note)
    except (ModuleTooLargeError, UnsupportedCircuitError) as error:
        return _unavailable(circuit, str(error))


def _check(circuit: RotationCircuit, law: AngleLaw | None) -> None:
    if law is None:
        return
    if len(law) != circuit.n_params:
        raise InputError(f"law has {len(law)} parameters, the circuit has {circuit.n_params}.")
    if len(law) and all(kind == "fixed" for kind in law.kind):
        raise InputError("law fixes every angle, so there is no deep limit: use a law that varies.")


def _constant(circuit: RotationCircuit, observable: PauliSum) -> DeepLimit:
    value = float(observable.coefficients @ circuit.state.expectation(observable.words))
    nothing = np.zeros(circuit.n_params)
    return DeepLimit(value, 0.0, -math.inf, nothing, nothing - np.inf, EngineId.ORBIT, Status.OK)


def _unavailable(circuit: RotationCircuit, reason: str) -> DeepLimit:
    nan = np.full(circuit.n_params, np.nan)
    return DeepLimit(np.nan, np.nan, np.nan, nan, nan, EngineId.NONE, Status.NOT_ASSESSED, reason)


def _by_orbits(
    circuit: RotationCircuit, words: PauliWords, effective: Effective, max_support: int, note: str
) -> DeepLimit:
    observable, index = effective.observable, effective.index
    central = np.logical_not(observable.words.anticommutation(words).any(axis=1))
    # what commutes with every generator never changes: it is all of the mean
    fixed, moving = _split(observable, central)
    mean = float(fixed.coefficients @ circuit.state.expectation(fixed.words))
    if len(moving) == 0:
        return replace(_constant(circuit, observable), mean=mean)
    # Row 0 is the variance, row g + 1 what anticommutes with generator g.
    try:
        parts = _listed(circuit, words, moving, closed_reach(words, moving.words, max_support))
        engine, log2_parts = EngineId.ORBIT, log2_of(parts)
    # orbits too large to list can still be counted, where no two terms stay correlated
    except ModuleTooLargeError:
        log2_parts = _counted(circuit, words, moving)
        engine, parts = EngineId.ORBIT_COUNT, np.exp2(log2_parts)
    total, log2 = np.zeros(circuit.n_params), np.full(circuit.n_params, -np.inf)
    for k in np.flatnonzero((circuit.parameter_of >= 0) & (index >= 0)):
        p, g = circuit.parameter_of[k], index[k] + 1
        # words turn by half an angle: dφ/dθ is twice the rate of the generator
        rate2 = (2 * effective.rates[k]) ** 2
        total[p] += rate2 * parts[g]
        # in logarithms too: counted parts may be below the smallest float
        log2[p] = np.logaddexp2(log2[p], np.log2(rate2) + log2_parts[g] if rate2 else -np.inf)
    return DeepLimit(mean, float(parts[0]), float(log2_parts[0]), total, log2, engine, Status.OK, note)


def _split(observable: PauliSum, central: np.ndarray) -> tuple[PauliSum, PauliSum]:
    parts = [PauliSum(observable.words[m], observable.coefficients[m]) for m in (central, ~central)]
    return parts[0], parts[1]


def surviving_pairs(words: PauliWords, observable: PauliSum) -> list[tuple[int, int, PauliWords]]:
    """Return (a, b, product) of terms a ≠ b whose product commutes with all generators."""
    m = len(observable)
    a, b = np.nonzero(~np.eye(m, dtype=bool))
    # Terms with one commutation pattern are the only candidates.
    pattern = observable.words.anticommutation(words)
    _, kind = np.unique(pattern, axis=0, return_inverse=True)
    kind = np.asarray(kind).reshape(-1)
    same = kind[a] == kind[b]
    a, b = a[same], b[same]
    x = observable.words.x[a] ^ observable.words.x[b]
    z = observable.words.z[a] ^ observable.words.z[b]
    products = PauliWords(x, z, words.n_qubits)
    return [(int(i), int(j), products[r]) for r, (i, j) in enumerate(zip(a, b, strict=True))]


def _listed(circuit: RotationCircuit, words: PauliWords, observable: PauliSum, found: Reach) -> np.ndarray:
    """Return the variance, then each generator's part of it."""
    n = len(found.words)
    rows = np.concatenate([p[0] for p in found.pairs])
    columns = np.concatenate([p[1] for p in found.pairs])
    graph = sparse.csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    sizes = np.bincount(label)
    expectation = circuit.state.expectation(found.words)
    c = observable.coefficients
    # weights[Q]: the average of O⊗O on pairs (Q, Q·T), times the pair's expectation.
    density = np.bincount(label[: len(c)], weights=c**2, minlength=len(sizes)) / sizes
    weights = density[label] * expectation**2
    for a, b, product in surviving_pairs(words, observable):
        partner = PauliWords(found.words.x ^ product.x, found.words.z ^ product.z, words.n_qubits)
        sign = phase_sign(found.words, product)
        pair = expectation * circuit.state.expectation(partner) * sign * sign[a]
        weights += np.where(label == label[a], c[a] * c[b] / sizes[label[a]], 0.0) * pair
    # In the deep limit both sides of a gate have mixed: the part of each orbit that anticommutes.
    by_orbit = np.bincount(label, weights=weights, minlength=len(sizes))
    slopes = np.zeros(len(words))
    for g in range(len(words)):
        hit = np.bincount(label[found.pairs[found.distinct[g]][0]], minlength=len(sizes))
        slopes[g] = float((hit / sizes) @ by_orbit)
    return np.asarray(np.maximum(np.append(weights.sum(), slopes), 0.0))


def _counted(circuit: RotationCircuit, words: PauliWords, observable: PauliSum) -> np.ndarray:
    """Return log2 of the variance and of each generator's part, by counting orbits."""
    if surviving_pairs(words, observable):
        raise ModuleTooLargeError("The orbit is too large to list, and terms of O stay correlated in it.")
    stabilizers = _stabilizers(circuit)
    out = np.full(len(words) + 1, -np.inf)
    left, weights = list(range(len(observable))), observable.coefficients**2
    while left:
        t = left[0]
        module = orbit(words, observable.words[t])
        # terms of one orbit have one average: each orbit is counted once
        same = [t, *(s for s in left[1:] if module.holds(observable.words[s]))]
        left = [s for s in left if s not in same]
        seen = module.z_type if stabilizers is None else module.count_commuting(stabilizers)
        if not module.is_exact and stabilizers is None:
            raise ModuleTooLargeError("The orbit's Z-type words could only be estimated.")
        # no word of the orbit is seen by the input: it adds exactly nothing
        if not seen or module.orbit_size is None:
            continue
        part = math.log2(seen) - math.log2(module.orbit_size) + math.log2(weights[same].sum())
        shares = [1.0, *(module.anticommuting_fraction(words[g]) for g in range(len(words)))]
        out = np.logaddexp2(out, part + log2_of(np.array(shares)))
    return out


def _stabilizers(circuit: RotationCircuit) -> PauliWords | None:
    """Return the input's stabilisers; None for a basis state, whose Z-type words are counted."""
    state = circuit.state
    if state.kind == "basis":
        return None
    if state.kind != "stabilizer":
        raise ModuleTooLargeError("The orbit is too large to list, and it is counted for stabiliser inputs only.")
    maps = [
        {block.qubits[q]: letter for q, letter in letters.items()}
        for block in state.blocks
        for letters in block.stabilizers[0].maps()  # type: ignore[union-attr]
    ]
    return PauliWords.from_maps(maps, circuit.n_qubits)
