"""Pauli route, from characters to sectors: which characters are copies of one sector.

Characters that differ on the radical are inequivalent irreps. Those that agree there, and differ
only on conserved words which the observable brings along, are copies of one irrep: they are one
sector where the observable acts equally on them, and linked sectors where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import InputState
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import subsets
from pennylane_wishart.sectors.pauli.density import block_expectations
from pennylane_wishart.sectors.pauli.frame import PauliFrame
from pennylane_wishart.sectors.pauli.weights import Characters

__all__ = ["CharacterGroup", "centers", "group_characters"]


@dataclass(frozen=True, eq=False)
class CharacterGroup:
    """Characters that make up one sector."""

    rows: np.ndarray
    """int64: rows of the listed characters, those with weight first."""
    size: int
    """Number of all characters of the sector, those of weight zero included."""
    exact: bool
    """Whether ``size`` is exact; else it counts the listed ones only."""


def group_characters(frame: PauliFrame, characters: Characters, amplitudes: np.ndarray) -> list[CharacterGroup]:
    """Group characters that agree on the radical and have the same observable.

    Args:
        amplitudes: float64 ``(m, P)``: coefficients of the logical words per character.
    """
    radical, total = len(frame.radical), len(frame.conserved)
    extra = total - radical
    keys: dict[bytes, list[int]] = {}
    rounded = np.round(amplitudes, limits.EQUAL_DIGITS) + 0.0  # + 0.0: no −0, whose bytes differ
    for row, (bits, values) in enumerate(zip(characters.bits, rounded, strict=True)):
        # characters that differ on the radical are inequivalent: never copies
        label = bits.tobytes() if extra == 0 else bits[:radical].tobytes() + values.tobytes()
        keys.setdefault(label, []).append(row)
    groups = []
    for members in keys.values():
        rows = np.array(members)
        size, exact = len(rows), True
        if extra and not characters.complete:
            exact = extra <= limits.COPIES_COUNTED
            if exact:
                size = _count(frame, characters.bits[rows[0]], rounded[rows[0]], extra)
        groups.append(CharacterGroup(rows, size, exact))
    return groups


def _count(frame: PauliFrame, bits: np.ndarray, values: np.ndarray, extra: int) -> int:
    """Count the characters with given radical signs on which the observable takes given values."""
    every = np.tile(bits, (2**extra, 1))
    every[:, len(bits) - extra :] = subsets(extra)
    return int(np.sum(np.all(np.round(frame.amplitudes(every)[1], limits.EQUAL_DIGITS) + 0.0 == values, axis=1)))


def centers(
    frame: PauliFrame,
    characters: Characters,
    groups: list[CharacterGroup],
    identity: np.ndarray,
    state: InputState,
) -> np.ndarray:
    """Return the constant part of the observable in every sector, float64 ``(groups,)``.

    Conserved words add their sign; those outside the algebra their expectation in the input's
    part of the sector. What connects different sectors belongs to none and is added to all.
    """
    dropped = frame.dropped
    shares = _shares(frame, characters, state)
    flips = dropped.words.anticommutation(frame.conserved).astype(np.uint8) if len(dropped) else None
    out = np.zeros(len(groups))
    left = float(dropped.coefficients @ state.expectation(dropped.words)) if len(dropped) else 0.0
    for number, group in enumerate(groups):
        weights = characters.weights[group.rows]
        # no input to take an expectation in: the mean over copies
        if weights.sum() == 0.0:
            out[number] = identity[group.rows].mean()
            continue
        own = 0.0  # a dropped word counts here where it leads back into the sector
        if flips is not None:
            members = {characters.bits[r].tobytes() for r in group.rows}
            for row in group.rows:
                stays = [(characters.bits[row] ^ f).tobytes() in members for f in flips]
                own += float(shares[row] @ (dropped.coefficients * stays))
        left -= own
        out[number] = (weights @ identity[group.rows] + own) / weights.sum()
    return out + (left if abs(left) > limits.SHARE else 0.0)


def _shares(frame: PauliFrame, characters: Characters, state: InputState) -> np.ndarray:
    """Return ⟨Π_χ L⟩ for every character and dropped word, ``(m, words)``."""
    out = np.zeros((len(characters.bits), len(frame.dropped)))
    for row in np.flatnonzero(characters.weights) if len(frame.dropped) else ():
        out[row] = block_expectations(frame, characters, int(row), state, frame.dropped.words)
    return out
