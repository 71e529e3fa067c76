"""Truncated Pauli propagation: what keeping only words of small weight costs, known before it is run.

Different paths of a word are orthogonal over the angles (where they part one takes a cosine and the other
a sine), so the mean square of what is left out is the average of ⟨Q_end⟩² over the walks that were too
heavy at some step. Weights are counted in the frame of the gates themselves, as a program meets them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, CliffordMap, LocalForm, RotationCircuit, local_form
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, UnsupportedCircuitError
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances.dead.proofs import live_part
from pennylane_wishart.variances.drivers import clean_moments
from pennylane_wishart.variances.engines.walks.bits import RandomBits, WordRows, mask_of_range
from pennylane_wishart.variances.engines.walks.ends import EndValues
from pennylane_wishart.variances.engines.walks.walk import walked_chains
from pennylane_wishart.variances.engines.walks.zone import product_zone
from pennylane_wishart.variances.engines.words import Chains

__all__ = ["Truncation", "truncation"]


@dataclass(frozen=True, eq=False)
class Truncation(Written):
    """Root mean square errors of the loss over random angles, by the largest weight that is kept."""

    error: np.ndarray
    """float64 ``(n_qubits + 1,)``: entry w keeps words of weight ≤ w."""
    error_error: np.ndarray
    """Their standard errors; one more unseen walk where none was seen."""
    words: np.ndarray
    """int64 ``(n_qubits + 1,)``: words that a program holds at the end; of those above the limit a lower bound."""
    words_complete: np.ndarray
    """bool: the number of words is the whole one."""
    loss: float
    """Root mean square of the loss without its identity part: what the errors are to be read against."""
    n_walkers: int

    def __post_init__(self) -> None:
        if len({len(self.error), len(self.error_error), len(self.words), len(self.words_complete)}) != 1:
            raise InputError("Truncation needs one error, one number of words and one flag a weight.")

    def weight_for(self, eps: float) -> int | None:
        """Return the least weight whose error is at most eps, its own uncertainty included; None if there is none."""
        found = np.flatnonzero(self.error + 2 * self.error_error <= eps)
        return int(found[0]) if len(found) else None


def truncation(
    circuit: RotationCircuit,
    law: AngleLaw | None = None,
    n_walkers: int = limits.WALKERS,
    seed: int | np.random.Generator | None = None,
    max_words: int = limits.MAX_TRUNCATED_WORDS,
) -> Truncation:
    """Estimate the error of Pauli propagation that drops words above a weight, for every weight in one pass.

    Args:
        circuit: single words as generators, independent symmetric angles, no noise.
        law: uniform angles where None.
        n_walkers: rounded up to a multiple of 64.
        seed: for ``numpy.random.default_rng``.
        max_words: where counting words stops.
    Raises:
        UnsupportedCircuitError: where paths are not orthogonal: shared angles, sums, noise.
    Cost: O(gates · n_walkers) and the words counted.
    Source: arXiv:2308.09109 for truncation by weight; its exact mean square by walks is ours.
    Example:
        >>> c = RotationCircuit.from_words(["XX", "ZI"], {"XI": 1.0})
        >>> truncation(c, seed=1).error.tolist()
        [0.0, 0.0, 0.0]
    """
    if circuit.channels:
        raise UnsupportedCircuitError("truncation: noise between the gates is not followed.")
    live, law = live_part(circuit), circuit.angle_law() if law is None else law
    chains = walked_chains(live, law)
    if len(live.observable) > limits.MAX_WALK_CHAINS:
        raise UnsupportedCircuitError("truncation: the observable has too many terms.")
    walk = _Walk(live, law, chains, np.random.default_rng(seed))
    if not all(len(g.image) for g in walk.form.gates):
        raise UnsupportedCircuitError("truncation: a fixed Clifford gate acts on more than four qubits.")
    total = walk.run(n_walkers)
    mean, spread = total[0] / walk.n, total[1] / walk.n
    # weights sum from the heaviest down: what is left out at w is everything heavier
    left_out = np.maximum(np.cumsum(mean[::-1])[::-1], 0.0)
    deviation = np.sqrt(np.maximum(np.cumsum(spread[::-1])[::-1] - left_out**2, 0.0) / walk.n)
    square = walk.mass * np.append(left_out[1:], 0.0)
    doubt = walk.mass * np.append(np.maximum(deviation[1:], 1.0 / walk.n), 0.0)
    error = np.sqrt(square)
    heaviest = walk.heaviest
    doubt[heaviest:] = 0.0  # no word can be heavier: nothing is left out
    counts: list[tuple[int, bool]] = []
    for w in range(len(error)):
        # with a larger weight there are no fewer words: past the limit nothing more is counted
        again = w > heaviest or bool(counts) and not counts[-1][1]
        counts.append(counts[-1] if again else _held(walk.form, w, max_words))
    return Truncation(
        error=error,
        # √(s + d) − √s, which is d/(2√s) where d is small and √d where nothing was seen
        error_error=np.sqrt(square + doubt) - error,
        words=np.array([c for c, _ in counts]),
        words_complete=np.array([whole for _, whole in counts]),
        loss=float(np.sqrt(max(walk.mass * left_out[0], 0.0))),
        n_walkers=walk.n,
    )


class _Walk:
    """Walkers in the frame of the gates, with the largest weight that each has had."""

    def __init__(self, circuit: RotationCircuit, law: AngleLaw, chains: Chains, rng: np.random.Generator):
        self.rng, self.n_qubits = rng, circuit.n_qubits
        self.form, self.sin2 = local_form(circuit), clean_moments(circuit, law).sin2
        qubits = np.arange(self.n_qubits)
        zone = product_zone(circuit, clean_moments(circuit, law), qubits, averaged=False)
        self.ends = EndValues(circuit.state, qubits, zone)
        start = [(t, a, v * chains.factors[t]) for t, (m, w) in enumerate(chains.starts) for a, v in zip(m, w)]
        self.starts = [(t, int(a)) for t, a, _ in start]
        self.values = np.array([v for _, _, v in start])
        self.mass, self.n = float(np.abs(self.values).sum()), 0
        self.products = _frame_products(self.form, chains, circuit)
        self.rows = [WordRows(r >> 1, r & 1) for r in self.form.letters]
        self.supports = [np.flatnonzero(r) for r in self.form.letters]
        self.ops = _operations(self.form)
        self.heaviest = self.n_qubits

    def run(self, n_walkers: int) -> np.ndarray:
        """Return Σ v and Σ v² of ⟨Q⟩⟨R⟩ by the largest weight, ``(2, n_qubits + 1)``."""
        out, bits = np.zeros((2, self.n_qubits + 1)), RandomBits(self.rng)
        for _ in range(-(-n_walkers // (64 * limits.CHUNK_WORDS))):
            size = min(limits.CHUNK_WORDS, -(-(n_walkers - self.n) // 64))
            self._chunk(size, bits, out)
            self.n += 64 * size
        return out

    def _chunk(self, size: int, bits: RandomBits, out: np.ndarray) -> None:
        n, state = self.n_qubits, np.zeros((2 * self.n_qubits, size), np.uint64)
        products, negative = np.zeros_like(state), np.zeros(size, np.uint64)
        counts = self.rng.multinomial(64 * size, np.abs(self.values) / self.mass) if self.mass else np.zeros(1, int)
        low = 0
        for s in np.flatnonzero(counts):
            mask = mask_of_range(low, low + counts[s], size)
            low += counts[s]
            t, a = self.starts[s]
            letters = self.form.observable[a]
            state[np.flatnonzero(np.concatenate([letters >> 1, letters & 1]))] ^= mask
            products[self.products[t]] ^= mask
            if self.values[s] < 0:
                negative |= mask
        paired = bool(len(self.products) > 1)
        sides = (state, state ^ products) if paired else (state,)
        weight = [_weights(s, np.arange(n)) for s in sides]
        most = [w.copy() for w in weight]
        for kind, k in self.ops:
            where = self.supports[k] if kind == "rotation" else np.array(self.form.gates[k].qubits)
            before = [_weights(s, where) for s in ((state, state ^ products) if paired else (state,))]
            if kind == "rotation":
                anti = self.rows[k].anticommutes(state)
                if paired:
                    anti &= ~self.rows[k].anticommutes(products)
                if self.sin2[k]:
                    self.rows[k].multiply(state, anti & bits.draw(float(self.sin2[k]), size))
            else:
                for rows in (state, products) if paired else (state,):
                    _conjugate(rows, self.form.gates[k], n)
            for side, words in enumerate((state, state ^ products) if paired else (state,)):
                weight[side] += _weights(words, where) - before[side]
                np.maximum(most[side], weight[side], out=most[side])
        found = self.ends.pair_weights(state, products, negative) if paired else self.ends.weights(state)
        values, seen = found.listed()
        # both words of a pair must have been left out
        heavy = np.minimum(most[0], most[-1])[seen]
        out[0] += np.bincount(heavy, weights=values, minlength=n + 1)
        out[1] += np.bincount(heavy, weights=values**2, minlength=n + 1)


def _frame_products(form: LocalForm, chains: Chains, circuit: RotationCircuit) -> list[np.ndarray]:
    """Return the rows of each conserved product in the frame behind all gates."""
    out = []
    for t, (members, _) in enumerate(chains.starts):
        letters = np.zeros(circuit.n_qubits, np.uint8)
        if t:
            # the product of the first pair's words; all pairs of a chain have the same one
            a = int(members[0])
            partner = circuit.observable.words.packed[a] ^ chains.products[t].packed[0]
            b = int(np.flatnonzero((circuit.observable.words.packed == partner).all(axis=1))[0])
            letters = form.observable[a] ^ form.observable[b]
        out.append(np.flatnonzero(np.concatenate([letters >> 1, letters & 1])))
    return out


def _operations(form: LocalForm) -> list[tuple[str, int]]:
    """Return rotations and Clifford gates, last first."""
    order = [("rotation", k) for k in range(len(form.letters))]
    for g in range(len(form.gates) - 1, -1, -1):
        order.insert(form.gates[g].position, ("clifford", g))
    return order[::-1]


def _weights(state: np.ndarray, qubits: np.ndarray) -> np.ndarray:
    """Return on how many of some qubits each walker's word acts, int64 ``(64·words,)``."""
    n = len(state) // 2
    out = np.zeros(64 * state.shape[1], np.int64)
    for q in qubits:
        out += np.unpackbits((state[q] | state[n + q]).view(np.uint8), bitorder="little")
    return out


def _conjugate(state: np.ndarray, gate: CliffordMap, n: int) -> None:
    """Undo a Clifford gate on every walker's word: each bit of the image is a sum of bits."""
    rows = np.array([r for q in gate.qubits for r in (q, n + q)])
    digits = 2 * len(gate.qubits)
    undone = np.argsort(gate.image)
    new = np.zeros((digits, state.shape[1]), np.uint64)
    for bit in range(digits):
        image = int(undone[1 << (digits - 1 - bit)])
        for other in range(digits):
            if (image >> (digits - 1 - other)) & 1:
                new[other] ^= state[rows[bit]]
    state[rows] = new


def _held(form: LocalForm, most: int, limit: int) -> tuple[int, bool]:
    """Count the words of weight ≤ most that a program holds in the end, and whether all were counted."""
    letters = np.unique(form.observable[(form.observable > 0).sum(axis=1) <= most], axis=0)
    for kind, k in _operations(form):
        if kind == "clifford":
            gate = form.gates[k]
            powers = 4 ** np.arange(len(gate.qubits) - 1, -1, -1)
            undone = np.argsort(gate.image)[letters[:, gate.qubits].astype(np.int64) @ powers]
            letters[:, gate.qubits] = (undone[:, None] // powers) & 3
            letters = letters[(letters > 0).sum(axis=1) <= most]
            continue
        word = form.letters[k]
        clash = (((letters >> 1) & (word & 1)) ^ ((letters & 1) & (word >> 1))).sum(axis=1) & 1
        moved = letters[clash == 1] ^ word
        moved = moved[(moved > 0).sum(axis=1) <= most]
        if len(moved):
            letters = np.concatenate([letters, moved])
            # rows as one key each: sorting rows column by column is ten times slower
            keys = np.packbits(np.concatenate([letters >> 1, letters & 1], axis=1), axis=1)
            letters = letters[np.unique(keys.view(f"V{keys.shape[1]}").reshape(-1), return_index=True)[1]]
        if len(letters) > limit:
            return len(letters), False
    return len(letters), True
