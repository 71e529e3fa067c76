"""Rotations of one parameter that commute, as one generator; constant ones that undo each other, as nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.paulis import PauliWords, reduce_words

__all__ = ["Group", "Terms", "ratio_of", "support_of", "words_of"]

Word = tuple[bytes, bytes]
Terms = list[tuple[bytes, bytes, float]]
"""Words as packed x and z bytes with their coefficients: plain Python is faster here than arrays of one."""


def words_of(terms: Terms, n: int) -> PauliWords:
    """Return the words of terms as one batch on n qubits."""
    packed = np.zeros((2, len(terms), 8 * max(1, -(-n // 64))), np.uint8)
    for side in (0, 1) if terms else ():
        part = np.frombuffer(b"".join(t[1] if side else t[0] for t in terms), np.uint8).reshape(len(terms), -1)
        packed[side, :, : part.shape[1]] = part
    x, z = packed.view("<u8").astype(np.uint64)
    return PauliWords(x, z, n)


@dataclass
class Group:
    """Commuting rotations of one parameter, merged into one generator."""

    terms: Terms = field(default_factory=list)
    coefficient: float = 1.0
    offset: float = 0.0
    parameter: int = -1
    random: int = -1
    fixed: list[tuple[Terms, float]] = field(default_factory=list)
    """Constant parts (terms, angle) split off when angles with offsets were merged."""

    @property
    def is_offset(self) -> bool:
        """Whether some part of it turns by a constant angle."""
        return bool(self.fixed or self.offset)

    def size(self) -> float:
        """Largest d(angle)/d(parameter) of a term."""
        return max((abs(c) for _, _, c in self.terms), default=0.0) * abs(self.coefficient)

    def parts(self) -> list[Terms]:
        """Generators of the group, the constant ones too: what a rotation that moves across must commute with."""
        return [*([self.terms] if self.terms else []), *(terms for terms, _ in self.fixed)]

    def compensate(self, terms: Terms, angle: float, n: int) -> bool:
        """Add a fixed rotation to a constant part of the same generator, or that it undoes; False without one."""
        for i, (others, known) in enumerate(self.fixed):
            ratio = ratio_of(terms, others)
            if ratio is None and not _is_phase([(others, known), (terms, angle)], n):
                continue
            total = 0.0 if ratio is None else _sum(known, ratio * angle)
            # a whole turn of it is a number: nothing is left
            if total and not _is_phase([(others, total)], n):
                self.fixed[i] = (others, total)
            else:
                del self.fixed[i]
            return True
        # the turning part itself has a constant angle, which this one may undo
        ratio = ratio_of(terms, self.terms) if self.offset else None
        if ratio is None or _sum(self.offset, ratio * angle):
            return False
        self.offset = 0.0
        return True

    def absorb(self, terms: Terms, coefficient: float, offset: float) -> None:
        """Add a rotation of the same parameter; what cancels leaves no term."""
        if self.offset:
            self.fixed.append((list(self.terms), self.offset))
            self.offset = 0.0
        # the slope goes into the terms, so that parts with other slopes add up
        folded = [(x, z, c * self.coefficient) for x, z, c in self.terms]
        self.terms, self.coefficient = _combined([*folded, *((x, z, c * coefficient) for x, z, c in terms)]), 1.0
        if offset:
            self.fixed = _combined_fixed([*self.fixed, (terms, offset)])


def _combined(terms: Terms) -> Terms:
    """Return terms with equal words added up, those that cancel left out."""
    total: dict[tuple[bytes, bytes], float] = {}
    sizes: dict[tuple[bytes, bytes], float] = {}
    for x, z, c in terms:
        total[x, z] = total.get((x, z), 0.0) + c
        sizes[x, z] = sizes.get((x, z), 0.0) + abs(c)
    return [(*word, c) for word, c in total.items() if abs(c) > limits.CANCELLED * sizes[word]]


def _combined_fixed(parts: list[tuple[Terms, float]]) -> list[tuple[Terms, float]]:
    """Return constant parts with those of one generator added up, as U(θ + a) U(−θ − a) leaves them."""
    out: list[tuple[Terms, float]] = []
    for terms, angle in parts:
        for i, (others, known) in enumerate(out):
            ratio = ratio_of(terms, others)
            if ratio is not None:
                out[i] = (others, _sum(known, ratio * angle))
                break
        else:
            out.append((terms, angle))
    return [(terms, angle) for terms, angle in out if angle]


def ratio_of(terms: Terms, others: Terms) -> float | None:
    """Return r with terms = r·others; None where they are not multiples."""
    mine, theirs = ({(x, z): c for x, z, c in part} for part in (terms, others))
    if not mine or mine.keys() != theirs.keys():
        return None
    ratios = np.array([c / theirs[word] for word, c in mine.items()])
    return float(ratios[0]) if np.allclose(ratios, ratios[0], rtol=limits.CANCELLED, atol=0) else None


def _sum(a: float, b: float) -> float:
    """Return a + b, exactly zero where only rounding is left."""
    return 0.0 if abs(a + b) <= limits.CANCELLED * (abs(a) + abs(b)) else a + b


def support_of(terms: Terms) -> int:
    """Return the qubits that terms act on, as bits."""
    out = 0
    for x, z, _ in terms:
        out |= int.from_bytes(x, "little") | int.from_bytes(z, "little")
    return out


def _is_phase(rotations: list[tuple[Terms, float]], n: int) -> bool:
    """Tell whether a product of rotations (terms, angle) is a number, as CH·CH is.

    Its matrix is taken on the few qubits that the words' relations need, however far they are spread.
    """
    words = list({(x, z): None for terms, _ in rotations for x, z, _ in terms})
    if len(words) == 1:
        turns = sum(c * angle for terms, angle in rotations for _, _, c in terms) / np.pi
        return bool(abs(turns - round(turns)) < limits.CANCELLED)
    # CH·CH is a number, though the words of CH do not commute
    reduced = reduce_words(words_of([(x, z, 1.0) for x, z in words], n))
    if 2 * reduced.pairs + reduced.labels > limits.PHASE_RANK:
        return False
    matrices = dict(zip(words, reduced.signs[:, None, None] * reduced.words.matrices(), strict=True))
    product = np.eye(2**reduced.words.n_qubits, dtype=complex)
    for terms, angle in rotations:
        values, basis = np.linalg.eigh(sum(c * matrices[x, z] for x, z, c in terms))
        product = (basis * np.exp(-1j * angle * values)) @ basis.conj().T @ product
    return bool(np.abs(product - product[0, 0] * np.eye(len(product))).max() < limits.PHASE)
