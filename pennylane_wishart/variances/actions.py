"""``WordAction``: what one gate makes of a Pauli word, whatever the gate is.

In the Heisenberg picture a gate turns a word Q into a sum of words S·Q, where the S come from
a short list that belongs to the gate (its *shifts*) and the coefficients depend on Q only
through the words of the gate that Q anticommutes with (its *syndrome*). A rotation by one
word, a rotation by a sum, a noise channel: they differ in one table per syndrome, and every
engine that reads the table serves them all. A new kind of gate is a new builder here and
nothing elsewhere.

The words S·Q carry a phase; the table is kept for i^a·S·Q with a = 1 where S and Q
anticommute, which is Hermitian, so all coefficients are real trigonometric polynomials of the
gate's angle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import F2Basis, PauliSum, PauliWords

__all__ = [
    "Row",
    "Transform",
    "WordAction",
    "averaged_product",
    "no_angle",
    "noise_actions",
    "rotation_action",
    "syndromes_of",
    "transfer_action",
]

Transform = Callable[[np.ndarray], np.ndarray]
"""f ↦ E[exp(i·f·angle)] under the law of a gate's angle."""


def syndromes_of(probes: PauliWords, words: PauliWords) -> np.ndarray:
    """Return int64 ``(m,)``: bit b says whether the word anticommutes with probe b. Cost O(m · probes)."""
    out = np.zeros(len(words), np.int64)
    for bit in range(len(probes)):
        anti = np.zeros(len(words), np.uint8)
        px, pz = probes.x[bit], probes.z[bit]
        for w in np.flatnonzero(px | pz):
            anti ^= np.bitwise_count((words.x[:, w] & pz[w]) ^ (words.z[:, w] & px[w]))
        out |= (anti & 1).astype(np.int64) << bit
    return out


@dataclass(frozen=True, eq=False)
class Row:
    """The words that one syndrome leads to, with their coefficients' Fourier components."""

    shifts: np.ndarray
    """int64 ``(m,)``: rows of :attr:`WordAction.shifts`."""
    odd: np.ndarray
    """bool ``(m,)``: whether the shift anticommutes with the word (a = 1 above)."""
    frequencies: np.ndarray
    """float64 ``(F,)``, per radian of the gate's angle."""
    amplitudes: np.ndarray
    """complex128 ``(F, m)``: coefficient = Σ_f amplitude·exp(i·f·angle), real."""

    @cached_property
    def table(self) -> bytes:
        """The coefficients as a key: gates of one kind share them, whatever their qubits."""
        return self.frequencies.tobytes() + self.amplitudes.tobytes()


@dataclass(eq=False)
class WordAction:
    """One gate on words. Args: the words that decide, the words that multiply, the table."""

    probes: PauliWords
    """Independent words; bit b of a syndrome says whether the word anticommutes with probe b."""
    shifts: PauliWords
    """The words that a word may be multiplied with."""
    make_row: Callable[[int], Row]
    _rows: dict[int, Row] = field(default_factory=dict)

    def syndromes(self, words: PauliWords) -> np.ndarray:
        """Return the syndrome of every word, int64 ``(m,)``. Cost O(m · probes)."""
        return syndromes_of(self.probes, words)

    def row(self, syndrome: int) -> Row:
        """Return what words of this syndrome become."""
        if syndrome not in self._rows:
            self._rows[syndrome] = self.make_row(syndrome)
        return self._rows[syndrome]

    def image(self, words: PauliWords, shift: int, odd: bool) -> tuple[PauliWords, np.ndarray]:
        """Multiply words by a shift; return the Hermitian words and their signs ±1."""
        found, phase = self.shifts[shift].multiply(words)
        # i·S·Q = i^(phase + 1)·word where they anticommute: the exponent is even either way.
        return found, np.where((phase + int(odd)) % 4 == 0, 1.0, -1.0)


def no_angle(frequencies: np.ndarray) -> np.ndarray:
    """E[exp(i·f·angle)] of a gate without an angle, a channel: 1."""
    return np.ones_like(frequencies)


_AVERAGES: WeakKeyDictionary[Transform, dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]]] = WeakKeyDictionary()
"""What was averaged already; forgotten with the law of the angle."""


def averaged_product(rows: Sequence[Row], transform: Transform, moves: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return E of the product of one coefficient of each row, and of their angle derivatives.

    Returns:
        Two float64 arrays with one axis per row, shared by equal questions; the second is 0 where ``moves`` is False.
    """
    # a layer asks the same of every qubit
    known = _AVERAGES.setdefault(transform, {})
    key = (moves, *(row.table for row in rows))
    if key not in known:
        known[key] = _averaged(rows, transform, moves)
    return known[key]


def _averaged(rows: Sequence[Row], transform: Transform, moves: bool) -> tuple[np.ndarray, np.ndarray]:
    frequencies = np.zeros(1)
    values = np.ones((1,), complex)
    slopes = np.ones((1,), complex)
    for row in rows:
        frequencies = (frequencies[:, None] + row.frequencies[None, :]).reshape(-1)
        values = _outer(values, row.amplitudes)
        if moves:
            slopes = _outer(slopes, 1j * row.frequencies[:, None] * row.amplitudes)
    mean = transform(frequencies)
    shape = tuple(len(r.shifts) for r in rows)
    average = np.tensordot(mean, values, axes=(0, 0)).real.reshape(shape)
    if not moves:
        return average, np.zeros(shape)
    return average, np.asarray(np.tensordot(mean, slopes, axes=(0, 0)).real.reshape(shape))


def _outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Combine (F, …) with (G, m) to (F·G, …, m)."""
    combined = left[:, None, ..., None] * right.reshape(1, len(right), *[1] * (left.ndim - 1), right.shape[1])
    return np.asarray(combined.reshape(-1, *combined.shape[2:]))


# ------------------------------------------------------------------ rotations
class _Group:
    """The words that products of a gate's words make, numbered by bits over a basis."""

    def __init__(self, words: PauliWords):
        rows: list[int] = []
        for k in range(len(words)):
            if not F2Basis(words[np.array(rows, np.int64)].packed).contains(words[k].packed)[0]:
                rows.append(k)
            if len(rows) > limits.MAX_RANK:
                break
        if len(rows) > limits.MAX_RANK:
            raise ModuleTooLargeError(
                f"A gate has {len(rows)} > {limits.MAX_RANK} independent words: it is treated word by word."
            )
        self.basis = words[np.array(rows, np.int64)] if rows else words[:0]

    @cached_property
    def elements(self) -> PauliWords:
        """All 2^rank products, Hermitian; row b is the product over the bits of b."""
        n = self.basis.n_qubits
        x, z = PauliWords.identity(n).x, PauliWords.identity(n).z
        for k in range(len(self.basis)):
            x = np.concatenate([x, x ^ self.basis.x[k]])
            z = np.concatenate([z, z ^ self.basis.z[k]])
        return PauliWords(x, z, n)

    @cached_property
    def number(self) -> dict[bytes, int]:
        """Which element a packed word is."""
        return {row.tobytes(): k for k, row in enumerate(self.elements.packed)}


def rotation_action(generator: PauliSum, angle: float | None = None) -> WordAction:
    """Return the action of exp(−i·angle·G): Q → e^{iaG} Q e^{−iaG}.

    Args:
        generator: a sum of words, commuting or not.
        angle: radians of a fixed gate; None where the angle is a variable.
    Raises:
        ModuleTooLargeError: if the words of the generator are too many to be one table.
    Cost: O(8^rank) per syndrome at worst, once; a rank is 1 for a word, 2 for a controlled
        rotation, 4 for a double excitation.
    """
    group = _Group(generator.words)
    steps = [(group.number[row.tobytes()], float(c)) for row, c in zip(generator.words.packed, generator.coefficients)]

    def make(syndrome: int) -> Row:
        return _rotation_row(group, steps, syndrome, angle)

    return WordAction(group.basis, group.elements, make)


def _is_odd(element: int, syndrome: int) -> bool:
    """Whether a product of basis words anticommutes with a word of this syndrome."""
    return bool((element & syndrome).bit_count() & 1)


def _rotation_row(group: _Group, steps: list[tuple[int, float]], syndrome: int, angle: float | None) -> Row:
    """Diagonalise X → i[G, X] on the words that products of the gate's words make of Q."""
    order, entries = [0], []
    place = {0: 0}
    # only words that the generator really leads to, not all 2^rank products
    for source in order:  # grows while it is read: a breadth-first search
        for step, c in steps:
            # iP·B ≠ 0 only where P anticommutes with B = S·Q.
            inner = bool(group.elements[step].anticommutes(group.elements[source])[0])
            if _is_odd(step, syndrome) == inner:
                continue
            target = step ^ source
            if target not in place:
                place[target] = len(order)
                order.append(target)
            _, phase = group.elements[step].multiply(group.elements[source])
            a, b = _is_odd(source, syndrome), _is_odd(target, syndrome)
            sign = 1.0 if (1 + int(a) - int(b) + int(phase[0])) % 4 == 0 else -1.0
            entries.append((place[target], place[source], 2 * c * sign))
    size = len(order)
    matrix = np.zeros((size, size))
    for i, j, value in entries:
        matrix[i, j] += value
    # skew, so its exponential has real frequencies, and averages are read off a characteristic function
    rates, vectors = np.linalg.eigh(-1j * matrix)
    parts = vectors * vectors[0].conj()  # (word, rate): the column e^{aM}e_0
    odd = np.array([_is_odd(e, syndrome) for e in order])
    if angle is not None:
        fixed = (parts @ np.exp(1j * rates * angle)).real
        return _row(np.array(order), odd, np.zeros(1), fixed[None].astype(complex))
    frequencies, which = _levels(rates)
    amplitudes = np.zeros((len(frequencies), size), complex)
    np.add.at(amplitudes, which, parts.T)
    return _row(np.array(order), odd, frequencies, amplitudes)


def _levels(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distinct rates and which of them each one is."""
    order = np.argsort(rates)
    new = np.diff(rates[order], prepend=-np.inf) > limits.SAME_FREQUENCY
    which = np.empty(len(rates), np.int64)
    which[order] = np.cumsum(new) - 1
    levels = rates[order][new]
    return np.where(np.abs(levels) < limits.SAME_FREQUENCY, 0.0, levels), which


def _row(shifts: np.ndarray, odd: np.ndarray, frequencies: np.ndarray, amplitudes: np.ndarray) -> Row:
    """Leave out shifts and frequencies whose coefficients are rounding."""
    amplitudes = np.where(np.abs(amplitudes) < limits.ZERO, 0.0, amplitudes)
    columns = np.flatnonzero(np.abs(amplitudes).any(axis=0))
    rows = np.flatnonzero(np.abs(amplitudes[:, columns]).any(axis=1))
    return Row(shifts[columns], odd[columns], frequencies[rows], amplitudes[np.ix_(rows, columns)])


# ------------------------------------------------------------------ channels
def transfer_action(frame: PauliWords, transfer: np.ndarray, signs: np.ndarray | None = None) -> WordAction:
    """Return the action of a linear map that is known by its Pauli transfer matrix.

    Args:
        frame: the words that X_1 … X_k, Z_1 … Z_k of the map's qubits are in the circuit's frame
            (the letters themselves where no Clifford gate was conjugated through).
        transfer: float64 ``(4^k, 4^k)``: entry (r, q) is the coefficient of word r in the adjoint
            map's image of word q; words are numbered by x bits, then z bits, first qubit lowest.
        signs: ±1 of each frame word; all + where None.
    Cost: O(4^k) per syndrome.
    """
    k = len(frame) // 2
    group = _Group(frame)
    own = _letter_signs(group, np.ones(2 * k) if signs is None else np.asarray(signs, float))

    def make(syndrome: int) -> Row:
        # Anticommuting with X_j means a z bit on j, and the other way round.
        q = (syndrome >> k) | ((syndrome & (2**k - 1)) << k)
        targets = np.flatnonzero(np.abs(transfer[:, q]) > limits.ZERO)
        odd = np.array([_is_odd(int(r) ^ q, syndrome) for r in targets], bool)
        # Q = rest·letters_q, and rest·letters_r = letters_r·letters_q·Q.
        phase = np.array([_phase(group, int(r), q) for r in targets], np.int64)
        sign = np.where((phase - odd) % 4 == 0, 1.0, -1.0) * own[targets] * own[q]
        return _row(targets ^ q, odd, np.zeros(1), (transfer[targets, q] * sign)[None].astype(complex))

    return WordAction(frame, group.elements, make)


_ACTIONS: dict[bytes, WordAction] = {}
_NOISE: WeakKeyDictionary[RotationCircuit, tuple[tuple[int, WordAction], ...]] = WeakKeyDictionary()


def noise_actions(circuit: RotationCircuit) -> tuple[tuple[int, WordAction], ...]:
    """Return (rotations before it, action) of every channel of a circuit, in order; found once a circuit.

    Equal channels are one object.
    """
    if circuit not in _NOISE:
        found = []
        for c in circuit.channels:
            key = c.frame.packed.tobytes() + c.signs.tobytes() + c.transfer.tobytes()
            if key not in _ACTIONS:
                if len(_ACTIONS) > limits.CACHED_ACTIONS:
                    _ACTIONS.clear()
                _ACTIONS[key] = transfer_action(c.frame, c.transfer, c.signs)
            found.append((c.position, _ACTIONS[key]))
        _NOISE[circuit] = tuple(found)
    return _NOISE[circuit]


def _phase(group: _Group, a: int, b: int) -> int:
    """Return k with element_a·element_b = i^k·element_(a ⊕ b)."""
    return int(group.elements[a].multiply(group.elements[b])[1][0])


def _letter_signs(group: _Group, signs: np.ndarray) -> np.ndarray:
    """Return the sign of every product of letters against the Hermitian word of its bits."""
    k = len(signs) // 2
    out = np.empty(4**k)
    for number in range(4**k):
        phase, word, sign = 0, 0, 1.0
        for j in range(k):
            for bit in (j, k + j):  # X before Z; Y = iXZ
                if (number >> bit) & 1:
                    phase += _phase(group, word, 1 << bit)
                    word ^= 1 << bit
                    sign *= signs[bit]
            phase += ((number >> j) & 1) & ((number >> (k + j)) & 1)
        out[number] = sign * (1.0 if phase % 4 == 0 else -1.0)
    return out
