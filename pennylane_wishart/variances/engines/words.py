"""Exact second moments of Pauli-rotation circuits: distributions over words (THEORY §4).

The average of O⊗O is carried as weights on pairs (Q, R) of words. Under laws without
E[sin φ cos φ] the product QR of a pair never changes, so every product is its own chain, and
within it the pair is named by Q alone. A rotation that anticommutes with the product
multiplies the whole chain by E[cos φ]; one that commutes with it moves both words or neither.
One sweep backwards (weights from the observable) and one forwards (expectations from the
input) give the gradient of every rotation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pennylane_wishart.circuit import RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.engines.damping import Damping
from pennylane_wishart.variances.engines.means import first_moments
from pennylane_wishart.variances.reach import Reach

__all__ = [
    "Chains",
    "Coefficients",
    "RawMoments",
    "chain_ends",
    "chains_of",
    "damp",
    "diagonal_suffices",
    "phase_sign",
    "step_blocks",
    "sweep",
    "word_means",
    "word_moments",
    "word_second",
]


Coefficients = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]
"""Per rotation: stay, move, derivative's stay and move; and whether a move carries the product's sign."""


@dataclass(frozen=True, eq=False)
class RawMoments:
    """Moments per rotation, derivatives with respect to the word angle φ = 2·c·angle."""

    mean: float
    second: float
    gradient_mean: np.ndarray
    gradient_second: np.ndarray


@dataclass(frozen=True, eq=False)
class Chains:
    """The conserved products QR that survive averaging, and where their pairs start."""

    products: PauliWords
    """Row 0 is the identity: the diagonal Q = R."""
    factors: np.ndarray
    """float64 ``(chains,)``: the product of E[cos φ] over rotations that anticommute with it."""
    moves: np.ndarray
    """bool ``(chains, distinct generators)``: whether the generator commutes with the product."""
    starts: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Per chain: (observable term, weight)."""


def phase_sign(words: PauliWords, product: PauliWords) -> np.ndarray:
    """Return ±1 such that the operator Q·R = sign · (a fixed phase) · product, R = Q⊕product."""
    partner = PauliWords(words.x ^ product.x, words.z ^ product.z, words.n_qubits)
    _, phase = words.multiply(partner)
    return np.where(phase < 2, 1.0, -1.0)


def chains_of(
    circuit: RotationCircuit,
    moments: RotationMoments,
    max_chains: int = limits.MAX_CHAINS,
    pair_weights: np.ndarray | None = None,
) -> Chains | None:
    """Return the conserved products that survive averaging; None if more than ``max_chains``.

    ``pair_weights`` ``(terms, terms)``: weight of every pair of the observable's terms, symmetric; the
    products of their coefficients where None. Pairs of weight 0 are left out.
    """
    observable = circuit.observable
    kinds, distinct = circuit.words.unique()
    m = len(observable)
    # E[cos φ] of all rotations with one generator multiply whenever it anticommutes.
    # one factor a generator, not a rotation: deep circuits repeat few of them
    cosines = np.ones(len(kinds))
    np.multiply.at(cosines, distinct, moments.cos)
    pairs = _surviving_pairs(observable.words.anticommutation(kinds[np.flatnonzero(cosines == 0)]), pair_weights)
    if pairs is None:
        return None
    a, b = pairs
    c = observable.coefficients
    weights, diagonal = (c[a] * c[b], c**2) if pair_weights is None else (pair_weights[a, b], np.diag(pair_weights))
    pair_words = PauliWords(
        observable.words.x[a] ^ observable.words.x[b],
        observable.words.z[a] ^ observable.words.z[b],
        circuit.n_qubits,
    )
    products, which = pair_words.unique()
    anti = products.anticommutation(kinds) if len(products) else np.zeros((0, len(kinds)), bool)
    factors = np.where(anti, cosines, 1.0).prod(axis=1)
    alive = np.flatnonzero(factors)
    if len(alive) > max_chains:
        return None
    starts = [(np.arange(m), diagonal)]
    order = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[order], np.arange(len(products) + 1))
    for t in alive:
        rows = order[bounds[t] : bounds[t + 1]]
        terms = np.concatenate([a[rows], b[rows]])
        sign = phase_sign(observable.words[terms], products[int(t)])
        starts.append((terms, np.tile(weights[rows], 2) * sign))
    # chain 0 is Q = R, which every rotation may move and nothing damps
    identity = PauliWords.identity(circuit.n_qubits)
    return Chains(
        PauliWords.concatenate([identity, products[alive]]),
        np.concatenate([[1.0], factors[alive]]),
        np.concatenate([np.ones((1, len(kinds)), bool), ~anti[alive]]),
        tuple(starts),
    )


def _surviving_pairs(killed: np.ndarray, pair_weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the pairs of terms a < b whose product no average removes, in order; None where they are too many.

    Args:
        killed: bool ``(terms, generators)``: which term anticommutes with which generator of E[cos φ] = 0. A product
            survives where both of its terms do with the same ones.
    """
    _, label = np.unique(np.packbits(killed, axis=1), axis=0, return_inverse=True)
    label = label.reshape(-1)
    if pair_weights is not None:
        a, b = np.nonzero(np.triu(pair_weights, 1))
        alike = label[a] == label[b]
        a, b = a[alike], b[alike]
        return None if len(a) > limits.MAX_TERM_PAIRS else (a, b)
    sizes = np.bincount(label)
    if int(np.sum(sizes * (sizes - 1) // 2)) > limits.MAX_TERM_PAIRS:
        return None
    groups = np.split(np.argsort(label, kind="stable"), np.cumsum(sizes)[:-1])
    found = [g[np.stack(np.triu_indices(len(g), 1))] for g in groups if len(g) > 1]
    a, b = np.concatenate([np.zeros((2, 0), np.int64), *found], axis=1)
    order = np.lexsort((b, a))
    return a[order], b[order]


def diagonal_suffices(circuit: RotationCircuit, moments: RotationMoments, limit: int = limits.MAX_CREATED) -> bool:
    """Whether pairs whose product is conserved carry the whole second moment.

    A fixed non-Clifford rotation, or a law with E[sin φ cos φ] ≠ 0, mixes products. What it
    creates still dies where an earlier rotation with E[cos φ] = E[sin φ] = 0 anticommutes with
    the created product; only if all of it dies is the answer yes.
    """
    if not (moments.sin.any() or moments.sincos.any()):
        return True
    observable = circuit.observable.words
    a, b = np.triu_indices(len(observable))
    if len(a) > limit * limits.PAIRS_A_PRODUCT:
        return False
    starts = np.unique(observable.packed[a] ^ observable.packed[b], axis=0)
    original: set[bytes] = {r.tobytes() for r in starts}
    created: set[bytes] = set()
    half = starts.shape[1] // 2
    for k in range(circuit.n_rotations - 1, -1, -1):
        word = circuit.words[k]
        sin, sincos, cos = moments.sin[k], moments.sincos[k], moments.cos[k]
        # such a rotation neither creates nor removes a product
        if sin == 0 and sincos == 0 and cos != 0:
            continue
        row = word.packed[0]
        kept: tuple[set[bytes], set[bytes]] = (set(), set())
        for source, members in enumerate((original, created)):
            for key in members:
                product = np.frombuffer(key, np.uint64)
                anti = np.bitwise_count((product[:half] & row[half:]) ^ (product[half:] & row[:half])).sum() & 1
                if not anti or cos != 0:
                    kept[source].add(key)
                if (sin if anti else sincos) != 0:
                    kept[1].add((product ^ row).tobytes())
        original, created = kept
        # too many to follow: mixed pairs are then averaged as they are, which is right but dearer
        if len(created) > limit:
            return False
    return not created


def sweep(
    reached: Reach,
    v: np.ndarray,
    f: np.ndarray,
    coefficients: Coefficients,
    moves: np.ndarray,
    damping: Callable[[int], np.ndarray | None],
) -> tuple[np.ndarray, np.ndarray]:
    """Return (end value, derivative of each step) of chains with weights v and ends f.

    Args:
        v: float64 ``(words, B)``, weights on the observable side; overwritten.
        f: float64 ``(words, B)``, values on the input side; overwritten.
        coefficients: per step (stay, move, derivative stay, derivative move, signed).
        moves: bool ``(B, distinct)``.
        damping: what noise behind so many rotations leaves of each word.
    """
    n_rot = len(reached.distinct)
    # squares of expectations need no signs; means do
    stay, move, dstay, dmove, signed = coefficients
    # weights are kept for a block of steps at a time and recomputed from its start: time for memory
    counts = np.array([len(reached.step(k)[0]) for k in range(n_rot)]) * v.shape[1]
    blocks = step_blocks(counts)
    saved = []
    damp(f, damping(0))
    for low, high in reversed(blocks):
        saved.append(v.copy())
        for k in range(high - 1, low - 1, -1):
            damp(v, damping(k + 1))
            _backward(reached, k, v, stay[k], move[k], signed, moves)
    value = np.einsum("nb,nb->b", v, f)
    gradient = np.zeros((n_rot, v.shape[1]))
    for low, high in blocks:
        v = saved.pop()
        weights = {}
        for k in range(high - 1, low - 1, -1):
            damp(v, damping(k + 1))
            weights[k] = _backward(reached, k, v, stay[k], move[k], signed, moves)
        for k in range(low, high):
            i, j, sign = reached.step(k)
            columns = moves[:, reached.distinct[k]]
            here, there = f[i], f[j]
            if signed:
                there = there * sign[:, None]
            slope = dstay[k] * here + dmove[k] * there
            gradient[k] = np.where(columns, np.einsum("nb,nb->b", weights[k], slope), 0.0)
            turned = stay[k] * here + move[k] * there
            f[i] = turned if columns.all() else np.where(columns, turned, here)
            damp(f, damping(k + 1))
    return value, gradient


def damp(values: np.ndarray, factors: np.ndarray | None) -> None:
    """Scale values on words in place by what noise leaves of them."""
    if factors is not None:
        values *= factors


def step_blocks(counts: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
    """Cut the steps into runs whose saved weights fit in memory."""
    out, low, total = [], 0, 0
    for k, c in enumerate(counts):
        # a step that is larger than a block still gets one of its own
        if total + c > limits.BLOCK_FLOATS and k > low:
            out.append((low, k))
            low, total = k, 0
        total += int(c)
    out.append((low, len(counts)))
    return out


def _backward(
    reached: Reach, k: int, v: np.ndarray, stay: float, move: float, signed: bool, moves: np.ndarray
) -> np.ndarray:
    """Undo rotation k in place and return the weights that anticommuted with it."""
    i, j, sign = reached.step(k)
    columns = moves[:, reached.distinct[k]]
    weights = v[i]
    if columns.all():  # of plain squares always: no choice to be made word by word
        v[i], moved = stay * weights, move * weights
    else:
        v[i], moved = np.where(columns, stay * weights, weights), np.where(columns, move * weights, 0.0)
    v[j] += moved * sign[:, None] if signed else moved
    return weights


def word_moments(circuit: RotationCircuit, moments: RotationMoments, reached: Reach, chains: Chains) -> RawMoments:
    """Return exact moments by one sweep per batch of chains.

    Cost: O(rotations · reachable words · chains).
    """
    m = moments
    second, gradient_second = 0.0, np.zeros(circuit.n_rotations)
    expectation = circuit.state.expectation(reached.words)
    damping = Damping(circuit, reached.words)
    for v, f, moves, factors, products in _batches(circuit, reached, chains, expectation):
        own = partial(damping, products=products)
        value, slope = sweep(reached, v, f, (m.cos2, m.sin2, m.sin2, m.cos2, False), moves, own)
        second += float(value @ factors)
        gradient_second += slope @ factors
    mean, gradient_mean = word_means(circuit, moments, reached, expectation)
    return RawMoments(mean, second, gradient_mean, gradient_second)


def word_second(circuit: RotationCircuit, moments: RotationMoments, reached: Reach, chains: Chains) -> float:
    """Return E[O⊗O] alone, summed over the chains: half the work of :func:`word_moments`."""
    total = 0.0
    expectation = circuit.state.expectation(reached.words)
    damping = Damping(circuit, reached.words)
    for v, f, moves, factors, products in _batches(circuit, reached, chains, expectation):
        for k in range(circuit.n_rotations - 1, -1, -1):
            damp(v, damping(k + 1, products))
            _backward(reached, k, v, moments.cos2[k], moments.sin2[k], False, moves)
        damp(v, damping(0, products))
        total += float(np.einsum("nb,nb->b", v, f) @ factors)
    return total


def _batches(
    circuit: RotationCircuit, reached: Reach, chains: Chains, expectation: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, PauliWords]]:
    """Yield weights and ends ``(words, batch)`` of some chains, their moves, their factors and their products."""
    n = len(reached.words)
    batch = max(1, limits.BATCH_FLOATS // max(n, 1))
    for low in range(0, len(chains.factors), batch):
        members = np.arange(low, min(low + batch, len(chains.factors)))
        v, f = np.zeros((n, len(members))), np.empty((n, len(members)))
        for column, t in enumerate(members):
            terms, weights = chains.starts[t]
            np.add.at(v[:, column], terms, weights)
            f[:, column] = chain_ends(circuit, reached.words, chains.products[int(t)], expectation, int(t))
        yield v, f, chains.moves[members], chains.factors[members], chains.products[members]


def chain_ends(
    circuit: RotationCircuit, words: PauliWords, product: PauliWords, expectation: np.ndarray, t: int
) -> np.ndarray:
    """Return ⟨Q⟩⟨R⟩ of the pairs of chain t, with the sign of their product."""
    if t == 0:
        return expectation**2
    partner = PauliWords(words.x ^ product.x, words.z ^ product.z, words.n_qubits)
    return np.asarray(expectation * circuit.state.expectation(partner) * phase_sign(words, product))


def word_means(
    circuit: RotationCircuit,
    m: RotationMoments,
    reached: Reach,
    expectation: np.ndarray,
    place: np.ndarray | None = None,
) -> tuple[float, np.ndarray]:
    """Return E[ℓ] and E[∂ℓ/∂φ_k] per rotation, exactly, on the reachable words.

    ``place``: where the observable's words stand among them; first of all where None.
    """
    if not (m.cos.any() or m.sin.any()):
        return first_moments(circuit, m)  # every path ends where it is turned: few are left to follow
    v = np.zeros((len(reached.words), 1))
    v[slice(len(circuit.observable)) if place is None else place, 0] = circuit.observable.coefficients
    everything = np.ones((1, len(reached.pairs)), bool)
    coefficients = (m.cos, m.sin, -m.sin, m.cos, True)
    damping = Damping(circuit, reached.words)
    value, slope = sweep(reached, v, expectation[:, None].copy(), coefficients, everything, damping)
    return float(value[0]), slope[:, 0]
