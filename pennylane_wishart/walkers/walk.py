"""``walk``: bit-packed backward Pauli walks, every parameter's variance in one pass (THEORY §4)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, RotationMoments
from pennylane_wishart.errors import InputError, ModuleTooLargeError, Status, UnsupportedCircuitError
from pennylane_wishart.moments.dead import dead_rotations
from pennylane_wishart.moments.drivers import check_law, clean_moments, drivers_of, subcircuit
from pennylane_wishart.moments.records import SecondMoments
from pennylane_wishart.moments.words import Chains, chains_of, diagonal_suffices
from pennylane_wishart.walkers.bits import RandomBits, WordRows, bits_at, mask_of_range
from pennylane_wishart.walkers.ends import EndValues
from pennylane_wishart.walkers.means import first_moments

__all__ = ["can_walk", "walk"]

_CHUNK_WORDS = 1024
_CONFIDENCE = 0.95


def can_walk(circuit: RotationCircuit, law: AngleLaw) -> str:
    """Return "" where walkers are exact in expectation, else why they are not."""
    if not circuit.is_pauli:
        return "some generators are sums of Pauli words"
    if not drivers_of(circuit).independent:
        return "some parameters drive several rotations, so that their averages do not factor"
    if not diagonal_suffices(circuit, clean_moments(circuit, law)):
        return "fixed non-Clifford rotations or asymmetric angles mix pairs of different words"
    return ""


def walk(circuit: RotationCircuit, law: AngleLaw, n_walkers: int = 10**5, seed=None) -> SecondMoments:
    """Estimate E[ℓ²] and every parameter's gradient variance by backward Pauli walks.

    A word Q that anticommutes with a generator becomes iPQ with probability E[sin²φ], else
    stays; E[(∂_kℓ)²] is the average of ⟨Q_end⟩² over the walks that anticommuted at step k
    (with cos² and sin² swapped there). Pairs of different terms walk together with their
    conserved product. A parameter that no walker saw gets an upper limit and
    ``Status.UPPER_BOUND``, never 0; where every word spreads over many qubits, that is all of
    them: use :func:`log2_moments` there. Not valid for generators that are sums, for shared
    parameters, or where fixed rotations mix pairs (an exception says so).

    Args:
        circuit: the normal form; its first input state is used.
        law: independent angles, symmetric about 0 (or uniform on a period).
        n_walkers: rounded up to a multiple of 64.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments` with standard errors, ``engine="walkers"``.
    Raises:
        UnsupportedCircuitError: if independent walks do not average this circuit.
    Cost: O(live rotations · weight of the words · n_walkers / 64) word operations; bounded memory.
    Source: THEORY §4; ours, in all parameters at once.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> m = walk(c, c.angle_law(), 10_000, seed=7)
        >>> bool(abs(m.gradient_variance[0] - 0.5) < 0.03), m.status[1] is Status.OK
        (True, True)
    """
    check_law(circuit, law)
    if n_walkers < 1:
        raise InputError(f"n_walkers must be at least 1; got {n_walkers}.")
    reasons = dead_rotations(circuit) if circuit.is_pauli else ("",) * circuit.n_rotations
    live = np.flatnonzero([not r for r in reasons])
    small = subcircuit(circuit, live)
    obstacle = can_walk(small, law)
    if obstacle:
        raise UnsupportedCircuitError(
            f"walk: {obstacle}. Use moments_of, which picks an engine that is valid."
        )
    moments = clean_moments(small, law)
    chains = chains_of(small, moments, max_chains=100_000)
    if chains is None:
        raise ModuleTooLargeError("walk: the observable has too many pairs of terms; use sampling.")
    tally = _Walkers(small, moments, chains, np.random.default_rng(seed)).run(n_walkers)
    mean, slopes = first_moments(small, moments)
    return _record(small, tally, mean, slopes)


@dataclass
class _Tally:
    """Running sums over walkers, derivatives with respect to φ = 2·c·angle."""

    n_rotations: int
    mass: float
    """Every walker carries ± this weight."""
    n: int = 0
    value: float = 0.0
    value_squares: float = 0.0
    slope: np.ndarray = field(default=None)  # type: ignore[assignment]
    slope_squares: np.ndarray = field(default=None)  # type: ignore[assignment]
    hits: np.ndarray = field(default=None)  # type: ignore[assignment]
    largest: np.ndarray = field(default=None)  # type: ignore[assignment]
    """The largest derivative weight of each rotation, for upper limits."""

    def __post_init__(self):
        for name in ("slope", "slope_squares", "hits"):
            setattr(self, name, np.zeros(self.n_rotations))


class _Walkers:
    """The walk of one circuit, chunk by chunk."""

    def __init__(self, circuit: RotationCircuit, moments: RotationMoments, chains: Chains, rng):
        self.circuit, self.moments, self.rng = circuit, moments, rng
        used = np.union1d(circuit.terms.support(), circuit.observable.words.support())
        self.qubits = used.astype(np.int64) if len(used) else np.zeros(1, np.int64)
        kinds, self.distinct = circuit.words.unique()
        x, z = kinds.bits()
        self.rows = [WordRows(a, b) for a, b in zip(x[:, self.qubits], z[:, self.qubits], strict=True)]
        self.ends = EndValues(circuit.state, self.qubits)
        self._set_starts(chains)
        self.paired = len(chains.factors) > 1
        # Weight of the derivative: cos² and sin² swapped, as a ratio to the step taken.
        with np.errstate(divide="ignore", invalid="ignore"):
            self.if_moved = np.where(moments.sin2 > 0, moments.cos2 / moments.sin2, 0.0)
            self.if_stayed = np.where(moments.cos2 > 0, moments.sin2 / moments.cos2, 0.0)
        self.weighted = bool(np.any(self.if_moved != self.if_stayed))

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
        self.term_rows = [np.flatnonzero(np.concatenate([a[self.qubits], b[self.qubits]])) for a, b in zip(x, z, strict=True)]
        x, z = chains.products.bits()
        self.product_rows = [np.flatnonzero(np.concatenate([a[self.qubits], b[self.qubits]])) for a, b in zip(x, z, strict=True)]

    def run(self, n_walkers: int) -> _Tally:
        tally = _Tally(self.circuit.n_rotations, self.mass)
        tally.largest = np.maximum(self.if_moved, self.if_stayed)
        total = -(-n_walkers // 64)
        bits = RandomBits(self.rng)
        while total > 0:
            size = min(_CHUNK_WORDS, total)
            self._chunk(size, bits, tally)
            total -= size
        return tally

    def _start(self, size: int):
        """Return the walkers' words, their products (or None) and the mask of negative weights."""
        state = np.zeros((2 * len(self.qubits), size), np.uint64)
        products = np.zeros_like(state) if self.paired else None
        negative = np.zeros(size, np.uint64)
        counts = self.rng.multinomial(64 * size, self.probability) if self.mass else np.zeros(1, int)
        low = 0
        for s in np.flatnonzero(counts):
            mask = mask_of_range(low, low + counts[s], size)
            low += counts[s]
            state[self.term_rows[self.start_term[s]]] ^= mask
            if products is not None:
                products[self.product_rows[self.start_chain[s]]] ^= mask
            if self.negative[s]:
                negative |= mask
        return state, products, negative

    def _chunk(self, size: int, bits: RandomBits, tally: _Tally) -> None:
        state, products, negative = self._start(size)
        n_rot = self.circuit.n_rotations
        touched = np.empty((n_rot, size), np.uint64)
        moves = np.empty((n_rot, size), np.uint64) if self.weighted else None
        sin2 = self.moments.sin2
        for k in range(n_rot - 1, -1, -1):
            rows = self.rows[self.distinct[k]]
            anti = rows.anticommutes(state)
            if products is not None:
                anti &= ~rows.anticommutes(products)
            touched[k] = anti
            if sin2[k]:
                moved = anti & bits.draw(float(sin2[k]), size)
                rows.multiply(state, moved)
                if moves is not None:
                    moves[k] = moved
            elif moves is not None:
                moves[k] = 0
        tally.n += 64 * size
        if products is None and self.ends.is_binary:
            self._count(touched, moves, self.ends.alive(state), tally)
            return
        if products is None:
            walkers, values = self.ends.squares(state, self.ends.alive(state))
        else:
            walkers, values = self.ends.pairs(state, products)
            values = values * (1 - 2.0 * bits_at(negative[None], walkers)[0])
        self._weigh(touched, moves, walkers, values, tally)

    def _count(self, touched, moves, alive: np.ndarray, tally: _Tally) -> None:
        """Squared expectations of 0 or 1: everything is a popcount."""
        total = float(np.bitwise_count(alive).sum())
        tally.value += total
        tally.value_squares += total
        touched &= alive
        count = np.bitwise_count(touched).sum(axis=1, dtype=np.int64).astype(float)
        tally.hits += count
        if moves is None:
            tally.slope += count * self.if_moved
            tally.slope_squares += count * self.if_moved**2
            return
        moves &= alive
        moved = np.bitwise_count(moves).sum(axis=1, dtype=np.int64).astype(float)
        tally.slope += moved * self.if_moved + (count - moved) * self.if_stayed
        tally.slope_squares += moved * self.if_moved**2 + (count - moved) * self.if_stayed**2

    def _weigh(self, touched, moves, walkers: np.ndarray, values: np.ndarray, tally: _Tally) -> None:
        tally.value += float(values.sum())
        tally.value_squares += float((values**2).sum())
        if len(walkers) == 0:
            return
        both = np.stack([values, values**2, np.ones(len(values))], axis=1)
        block = max(1, 20_000_000 // len(walkers))
        for low in range(0, len(touched), block):
            part = slice(low, low + block)
            sums = bits_at(touched[part], walkers) @ both
            moved = bits_at(moves[part], walkers) @ both if moves is not None else sums
            stayed = sums - moved
            tally.hits[part] += sums[:, 2]
            up, down = self.if_moved[part], self.if_stayed[part]
            tally.slope[part] += moved[:, 0] * up + stayed[:, 0] * down
            tally.slope_squares[part] += moved[:, 1] * up**2 + stayed[:, 1] * down**2


def _record(circuit: RotationCircuit, tally: _Tally, mean: float, slopes: np.ndarray) -> SecondMoments:
    n, mass = tally.n, tally.mass
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    parameter = circuit.parameter_of[driven]
    scale = (2 * circuit.term_coefficients * circuit.coefficients)[driven]
    second, error, limit, first, hits = (np.zeros(circuit.n_params) for _ in range(5))
    average = tally.slope[driven] / n
    spread = np.sqrt(np.maximum(tally.slope_squares[driven] / n - average**2, 0.0) / n)
    second[parameter] = scale**2 * mass * average
    error[parameter] = scale**2 * mass * spread
    first[parameter] = scale * slopes[driven]
    hits[parameter] = tally.hits[driven]
    limit[parameter] = scale**2 * mass * tally.largest[driven] * _upper_rate(tally.hits[driven], n)
    dead = np.ones(circuit.n_params, bool)
    dead[parameter] = False
    unseen = ~dead & ((hits == 0) | (second - first**2 <= 0))
    # Where hits are few the normal interval is too short; the binomial limit is not.
    upper = np.where(hits < 30, np.maximum(limit, second + 1.96 * error), second + 1.96 * error)
    variance = np.where(unseen, upper, np.maximum(second - first**2, 0.0))
    variance[dead] = 0.0
    upper[dead] = 0.0
    with np.errstate(divide="ignore"):
        log2, log2_upper = np.log2(variance), np.log2(upper)
    value = tally.value / n
    value_error = mass * np.sqrt(max(tally.value_squares / n - value**2, 0.0) / n)
    return SecondMoments(
        loss_mean=mean,
        loss_second_moment=mass * value,
        loss_variance=max(0.0, mass * value - mean**2),
        loss_mean_error=0.0,
        loss_second_moment_error=value_error,
        loss_variance_error=value_error,
        gradient_mean=first,
        gradient_variance=variance,
        gradient_variance_error=np.where(unseen, upper, error),
        log2_gradient_variance=log2,
        log2_gradient_variance_upper=log2_upper,
        status=tuple(
            Status.OK if d else Status.UPPER_BOUND if u else Status.ESTIMATED
            for d, u in zip(dead, unseen, strict=True)
        ),
        engine="walkers",
        n_samples=n,
    )


def _upper_rate(hits: np.ndarray, n: int) -> np.ndarray:
    """Clopper–Pearson limit on a rate: one-sided 95% where nothing was hit, else 97.5%."""
    confidence = np.where(hits == 0, _CONFIDENCE, 0.975)
    return stats.beta.ppf(confidence, hits + 1, np.maximum(n - hits, 1e-9))
