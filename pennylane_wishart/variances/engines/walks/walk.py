"""``walk``: bit-packed backward Pauli walks, every parameter's variance in one pass (THEORY §4)."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.variances.building import Found, record_of
from pennylane_wishart.variances.drivers import clean_moments, drivers_of
from pennylane_wishart.variances.engines.means import first_moments
from pennylane_wishart.variances.engines.walks.bits import RandomBits, WordRows, mask_of_range
from pennylane_wishart.variances.engines.walks.damped import DampingCounts, Letters, WalkedChannel
from pennylane_wishart.variances.engines.walks.ends import EndValues, Weights
from pennylane_wishart.variances.engines.walks.tally import Tally, found_by_tally
from pennylane_wishart.variances.engines.walks.zone import Cluster, product_zone
from pennylane_wishart.variances.engines.words import Chains, chains_of, diagonal_suffices
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["Walkers", "can_walk", "found_by_walk", "walk", "walk_pairs", "walked_chains"]


def can_walk(circuit: RotationCircuit, law: AngleLaw) -> str:
    """Return "" where walkers are exact in expectation, else why they are not."""
    if not circuit.is_pauli:
        return "some generators are sums of Pauli words"
    if not drivers_of(circuit).independent:
        return "some parameters drive several rotations, so that their averages do not factor"
    if not all(c.is_diagonal for c in circuit.channels):
        return "some channels turn words into others"
    if not diagonal_suffices(circuit, clean_moments(circuit, law)):
        return "fixed non-Clifford rotations or asymmetric angles mix pairs of different words"
    return ""


def walk(
    circuit: RotationCircuit,
    law: AngleLaw,
    n_walkers: int = limits.WALKERS,
    seed: int | np.random.Generator | None = None,
) -> SecondMoments:
    """Estimate E[ℓ²] and every parameter's gradient variance by backward Pauli walks.

    A word Q that anticommutes with a generator becomes iPQ with probability E[sin²φ], else
    stays; E[(∂_kℓ)²] is the average of ⟨Q_end⟩² over the walks that anticommuted at step k
    (with cos² and sin² swapped there). Pairs of different terms walk together with their
    conserved product. A parameter that no walker saw gets an upper limit only
    (``Status.UPPER_BOUND``; its value is NaN), never 0; where every word spreads over many qubits, that is all of
    them: use :func:`log2_moments` there. Not valid for generators that are sums, for shared
    parameters, or where fixed rotations mix pairs (an exception says so).

    Args:
        circuit: the normal form; its first input state is used.
        law: independent angles, symmetric about 0 (or uniform on a period).
        n_walkers: rounded up to a multiple of 64.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments` with standard errors, ``engine="walkers"``. Where cos² and sin² differ in
        the mean, rare walkers carry derivatives of a large weight: errors then count those that may
        have been missed, and a value that they leave unclear is an upper bound.
    Raises:
        UnsupportedCircuitError: if independent walks do not average this circuit.
    Cost: O(live rotations · weight of the words · n_walkers / 64) word operations; bounded memory.
    Source: THEORY §4; ours, in all parameters at once.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> m = walk(c, c.angle_law(), 10_000, seed=7)
        >>> bool(abs(m.gradient_variance[0] - 0.5) < 0.03), m.status[1].name
        (True, 'OK')
    """
    problem = Problem(circuit, law)
    return record_of(problem, found_by_walk(problem, n_walkers, np.random.default_rng(seed)))


def found_by_walk(problem: Problem, n_walkers: int, rng: np.random.Generator) -> Found:
    """Walk the living rotations; see :func:`walk`."""
    if n_walkers < 1:
        raise InputError(f"n_walkers must be at least 1; got {n_walkers}.")
    live = problem.live
    chains = walked_chains(live, problem.law)
    tally = Walkers(live, problem.moments, chains, rng).run(n_walkers)
    return found_by_tally(problem, tally, problem.rows(*first_moments(live, problem.moments)))


def walked_chains(circuit: RotationCircuit, law: AngleLaw) -> Chains:
    """Return the products of pairs that walkers start from.

    Raises:
        UnsupportedCircuitError: if independent walks do not average this circuit.
        ModuleTooLargeError: if the products are too many.
    """
    obstacle = can_walk(circuit, law)
    if obstacle:
        raise UnsupportedCircuitError(
            f"walk: {obstacle}. Use moments_of, which picks an engine that is valid, or pair_walk."
        )
    chains = chains_of(circuit, clean_moments(circuit, law), max_chains=limits.MAX_WALK_CHAINS)
    if chains is None:
        raise ModuleTooLargeError("walk: the observable has too many pairs of terms; use sampling.")
    return chains


def walk_pairs(
    circuit: RotationCircuit,
    law: AngleLaw,
    pair_weights: np.ndarray,
    n_walkers: int = limits.PAIR_WALKERS,
    seed: int | np.random.Generator | None = None,
) -> tuple[float, float]:
    """Estimate Σ_ab w_ab E[⟨P_a⟩⟨P_b⟩] over pairs of the observable's words, with its standard error.

    Args:
        pair_weights: ``(terms, terms)``, symmetric; see :func:`chains_of`.
    Raises:
        UnsupportedCircuitError: if independent walks do not average this circuit.
        ModuleTooLargeError: if there are too many products of pairs.
    Cost: as :func:`walk`.
    """
    obstacle = can_walk(circuit, law)
    if obstacle:
        raise UnsupportedCircuitError(f"walk_pairs: {obstacle}.")
    moments = clean_moments(circuit, law)
    chains = chains_of(circuit, moments, max_chains=limits.MAX_WALK_CHAINS, pair_weights=pair_weights)
    if chains is None:
        raise ModuleTooLargeError("walk_pairs: the observable has too many pairs of terms.")
    tally = Walkers(circuit, moments, chains, np.random.default_rng(seed)).run(n_walkers)
    value, error = tally.loss()
    return tally.mass * value, tally.mass * error


class Walkers:
    """The walk of one circuit, chunk by chunk."""

    def __init__(
        self,
        circuit: RotationCircuit,
        moments: RotationMoments,
        chains: Chains,
        rng: np.random.Generator,
        bends: bool = False,
        averaged: bool = True,
    ):
        self.circuit, self.moments, self.rng = circuit, moments, rng
        used = np.union1d(circuit.terms.support(), circuit.observable.words.support())
        self.qubits = used.astype(np.int64) if len(used) else np.zeros(1, np.int64)
        kinds, self.distinct = circuit.words.unique()
        x, z = kinds.bits()
        self.rows = [WordRows(a, b) for a, b in zip(x[:, self.qubits], z[:, self.qubits], strict=True)]
        self._set_starts(chains)
        self.paired = len(chains.factors) > 1
        # pairs need ⟨Q⟩⟨R⟩, which no table of squares holds
        zone = product_zone(circuit, moments, self.qubits, averaged=averaged and not self.paired, bends=bends)
        self._set_channels(zone)
        self.ends = EndValues(circuit.state, self.qubits, zone)
        self.zone = [(cluster, cluster.ratios()) for cluster in zone if cluster.rotations]
        inside = [k for cluster in zone for k in cluster.rotations]
        self.walked = np.setdiff1d(np.arange(circuit.n_rotations), inside)
        """Rotations that are walked; the others are in the zone's tables."""
        self.thin = rng if len(self.walked) > limits.MANY_ROTATIONS else None
        # Weight of the derivative: cos² and sin² swapped, as a ratio to the step taken.
        with np.errstate(divide="ignore", invalid="ignore"):
            self.if_moved = np.where(moments.sin2 > 0, moments.cos2 / moments.sin2, 0.0)
            self.if_stayed = np.where(moments.cos2 > 0, moments.sin2 / moments.cos2, 0.0)
        self.weighted = bool(np.any(self.if_moved != self.if_stayed))

    def _set_channels(self, zone: tuple[Cluster, ...]) -> None:
        """Make ready the channels that walkers meet, by the number of rotations before them."""
        inside = {c for cluster in zone for c in cluster.channels}
        outside = [c for i, c in enumerate(self.circuit.channels) if i not in inside]
        self.letters = Letters(outside, self.circuit.words.unique()[0], self.qubits)
        self.channels: dict[int, list[WalkedChannel]] = {}
        for channel, letters in zip(outside, self.letters.of_channel, strict=True):
            self.channels.setdefault(channel.position, []).append(WalkedChannel(channel, letters))

    def _set_starts(self, chains: Chains) -> None:
        terms, weights, chain = [], [], []
        for t, (members, values) in enumerate(chains.starts):
            terms.append(members)
            weights.append(values * chains.factors[t])
            chain.append(np.full(len(members), t))
        self.start_term, self.start_chain = np.concatenate(terms), np.concatenate(chain)
        weight = np.concatenate(weights)
        self.mass = float(np.abs(weight).sum())
        self.probability = np.abs(weight) / max(self.mass, np.finfo(float).tiny)
        self.negative = weight < 0
        x, z = self.circuit.observable.words.bits()
        self.term_rows = [
            np.flatnonzero(np.concatenate([a[self.qubits], b[self.qubits]])) for a, b in zip(x, z, strict=True)
        ]
        x, z = chains.products.bits()
        self.product_rows = [
            np.flatnonzero(np.concatenate([a[self.qubits], b[self.qubits]])) for a, b in zip(x, z, strict=True)
        ]

    def run(self, n_walkers: int) -> Tally:
        graded = self.ends.graded or bool(self.channels)
        tally = Tally(self.circuit.n_rotations, self.mass, graded=graded, uneven=self.weighted)
        tally.largest = np.maximum(self.if_moved, self.if_stayed)
        for cluster, _ in self.zone:
            for k, slope in cluster.slopes.items():
                # inside the zone a derivative is read from a table
                tally.largest[k] = slope.max()
        total = -(-n_walkers // 64)
        bits = RandomBits(self.rng)
        while total > 0:
            size = min(limits.CHUNK_WORDS, total)
            self._chunk(size, bits, tally)
            total -= size
        return tally

    def _start(self, size: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Return the walkers' words, their products (or None) and the mask of negative weights."""
        state = np.zeros((2 * len(self.qubits), size), np.uint64)
        products = np.zeros_like(state) if self.paired else None
        negative = np.zeros(size, np.uint64)
        # by counts instead of one draw a walker: terms start as whole ranges of bits
        counts = self.rng.multinomial(64 * size, self.probability) if self.mass else np.zeros(1, int)
        low = 0
        for s in np.flatnonzero(counts):
            mask = mask_of_range(low, low + counts[s], size)
            low += counts[s]
            state[self.term_rows[self.start_term[s]]] ^= mask
            if products is not None:
                products[self.product_rows[self.start_chain[s]]] ^= mask
            # signs ride along as one mask: a walker's weight is ± the mass
            if self.negative[s]:
                negative |= mask
        return state, products, negative

    def _chunk(self, size: int, bits: RandomBits, tally: Tally) -> None:
        state, products, negative = self._start(size)
        left = DampingCounts(size) if self.channels else None
        self.letters.reset(products is not None)
        after = self.circuit.n_rotations
        touched = np.empty((len(self.walked), size), np.uint64)
        moves = np.empty_like(touched) if self.weighted else None
        sin2 = self.moments.sin2
        for row in range(len(self.walked) - 1, -1, -1):
            k = self.walked[row]
            if left is not None:
                self._damp(left, k + 1, after, state, products)
                after = k
            rows = self.rows[self.distinct[k]]
            anti = rows.anticommutes(state)
            if products is not None:
                anti &= ~rows.anticommutes(products)
            # who anticommuted where is all that derivatives need, one bit a walker and rotation
            touched[row] = anti
            if sin2[k]:
                moved = anti & bits.draw(float(sin2[k]), size)
                rows.multiply(state, moved)
                self.letters.moved(int(self.distinct[k]), moved)
                if moves is not None:
                    moves[row] = moved
            elif moves is not None:
                moves[row] = 0
        tally.n += 64 * size
        if left is not None:
            self._damp(left, 0, after, state, products)
        factors = None if left is None else left.factors()
        if products is None:
            weights = self.ends.weights(state, self.thin, factors)
            self._zone(state, weights, tally)
        else:
            weights = self.ends.pair_weights(state, products, negative, factors)
        self._weigh(touched, moves, weights, tally)

    def _damp(self, left: DampingCounts, low: int, high: int, state: np.ndarray, products: np.ndarray | None) -> None:
        """Count what the channels behind low … high rotations meet; of pairs both words."""
        for position in range(high, low - 1, -1):
            for channel in self.channels.get(position, ()):
                for value, mask in channel.hits(self.letters, state):
                    left.add(value, mask, 2 if products is None else 1)
                if products is not None:
                    self.letters.reset(True)
                    for value, mask in channel.hits(self.letters, state ^ products):
                        left.add(value, mask, 1)
                    self.letters.reset(True)

    def _weigh(self, touched: np.ndarray, moves: np.ndarray | None, weights: Weights, tally: Tally) -> None:
        value, squares = weights.total()
        tally.value += float(value)
        tally.value_squares += float(squares)
        if len(self.walked) == 0:
            return
        sums = weights.sums(touched)
        moved = weights.sums(moves) if moves is not None else sums
        stayed = sums - moved
        up, down = self.if_moved[self.walked], self.if_stayed[self.walked]
        tally.slope[self.walked] += moved[:, 0] * up + stayed[:, 0] * down
        tally.slope_squares[self.walked] += moved[:, 1] * up**2 + stayed[:, 1] * down**2

    def _zone(self, state: np.ndarray, weights: Weights, tally: Tally) -> None:
        """Derivatives of the rotations that are averaged in tables."""
        for cluster, ratios in self.zone:
            found = weights.by_code(self.ends.codes(state, cluster), len(cluster.table))
            for k, ratio in ratios.items():
                tally.slope[k] += float(ratio @ found[:, 0])
                tally.slope_squares[k] += float(ratio**2 @ found[:, 1])
