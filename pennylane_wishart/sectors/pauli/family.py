"""Pauli route, the group on each sector: family, β, Jordan words and which sectors are linked."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.algebra import Component
from pennylane_wishart.algebra.component import quadratic_form
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import F2Basis, PauliWords
from pennylane_wishart.sectors.pauli.frame import PauliFrame

Test = Callable[[np.ndarray], np.ndarray]
"""Bits of products of words → which of them belong."""
Key = Callable[[np.ndarray], list[Hashable]]
"""Characters → what names the ideal that turns each of them."""
__all__ = ["Family", "find_family", "separated", "signs_label"]


@dataclass(frozen=True, eq=False)
class Family:
    """What the group is on every sector of the components that move the observable."""

    beta: int | None
    kind: str
    reason: str
    jordan: Test | None
    """Bits of products of ``frame.symplectic`` → whether the word is in the Jordan algebra;
    None where all words are."""
    keys: tuple[Key, ...]
    """One per simple ideal of a sector: characters ``(m, c')`` → m hashable keys. Sectors with
    equal keys are turned by one ideal."""
    key_words: tuple[PauliWords, ...]
    """Per ideal: the radical words whose signs the key depends on."""
    conjugate_shift: np.ndarray | None
    """uint8 ``(c',)``: adding it to a character gives the complex conjugate, linked sector."""
    real_linear: np.ndarray | None = None
    """β = 1: the packed row λ of q(w) = |x·z| + λ·w, the signs of the real structure."""


def find_family(components: Sequence[Component], frame: PauliFrame, n_isolated: int) -> Family:
    """Say which group acts on the sectors, by the classification of Pauli Lie algebras."""
    if n_isolated or len(components) > 2 or (len(components) == 2 and any(c.s > 1 for c in components)):
        count = len(components) + n_isolated
        return _outside(
            f"The observable is turned by {count} commuting parts of the circuit: each sector is a "
            "tensor product of their representations, not a defining one."
        )
    if len(components) == 2:
        return _two_qubit_orthogonal(components, frame)
    component = components[0]
    if component.kind == "A":
        return _free_fermions(component, frame)
    if component.kind == "su":
        shift = _radical_form(component, frame)
        return _family(2, "su", f"all of SU(2^{frame.s})", None, [frame.radical], frame, shift)
    # Arf 0 is real, Arf 1 quaternionic
    beta, kind = (1, "so") if component.kind == "so" else (4, "sp")
    size = f"SO(2^{frame.s})" if beta == 1 else f"Sp(2^{frame.s - 1})"
    jordan = _jordan_of(component, frame)
    found = _family(beta, kind, f"all of {size}", jordan, [frame.radical], frame)
    return replace(found, real_linear=component.q_linear if beta == 1 else None)


def _outside(reason: str) -> Family:
    return Family(None, "other", reason, None, (), (), None)


def _family(
    beta: int,
    kind: str,
    what: str,
    jordan: Test | None,
    key_words: Sequence[PauliWords],
    frame: PauliFrame,
    shift: np.ndarray | None = None,
) -> Family:
    reason = f"The group is {what} on every sector, in its defining representation."
    keys = tuple(_key(i, words, frame, shift) for i, words in enumerate(key_words))
    return Family(beta, kind, reason, jordan, keys, tuple(key_words), shift)


def _free_fermions(component: Component, frame: PauliFrame) -> Family:
    """so(d) acts by spin representations: only d ≤ 6 and d = 8 give a defining one."""
    d = component.n_majoranas
    assert d is not None and component.copy_basis is not None
    if d not in _SPIN_GROUPS:
        return _outside(
            f"The group acts through a spin representation of so({d}) (free fermions), not through a defining one."
        )
    beta, kind, what, by_copy = _SPIN_GROUPS[d]
    jordan = None if beta == 2 else _jordan_of(component, frame)
    found = _family(beta, kind, what, jordan, [component.copy_basis if by_copy else frame.radical], frame)
    return replace(found, real_linear=component.q_linear) if beta == 1 else found


_SPIN_GROUPS = {
    3: (2, "su", "SU(2)", False),
    4: (2, "su", "SU(2)", False),  # so(4) = 2·su(2), one on each half-spin sector
    5: (4, "sp", "Sp(2) = Spin(5)", False),
    6: (2, "su", "SU(4) = Spin(6)", True),  # the two half-spins are conjugate unless the parity tells copies apart
    8: (1, "so", "SO(8), by triality of its half-spin representation", True),
}
"""Majoranas → (β, kind, the group, whether the two half-spins of one copy are turned by one ideal)."""


def _two_qubit_orthogonal(components: Sequence[Component], frame: PauliFrame) -> Family:
    """SU(2) × SU(2) on C² ⊗ C² is SO(4)."""
    sizes = [2 * c.s for c in components]

    def jordan(bits: np.ndarray) -> np.ndarray:
        # symmetric 4 × 4 matrices: 1 ⊗ 1 and products of two non-trivial words
        left, right = bits[:, : sizes[0]].any(axis=1), bits[:, sizes[0] :].any(axis=1)
        return np.asarray(left == right)

    radicals = [c.radical for c in components]
    return _family(1, "so", "SO(4) = SU(2) ⊗ SU(2)", jordan, radicals, frame)


def _jordan_of(component: Component, frame: PauliFrame) -> Test:
    """Words with q = 0 commute with the antiunitary symmetry; those with q = 1 generate it."""
    linear = component.q_linear
    if linear is None:
        raise ValueError("a real or quaternionic family needs its quadratic form")

    def jordan(bits: np.ndarray) -> np.ndarray:
        return np.asarray(quadratic_form(frame.symplectic.combine(bits), linear) == 0)

    return jordan


def _radical_form(component: Component, frame: PauliFrame) -> np.ndarray | None:
    """Return q on the conserved words of the frame: the shift to the conjugate sector."""
    if component.q_linear is None:
        return None
    # q on the radical says which sectors are complex conjugates: they are turned together
    values = quadratic_form(frame.radical, component.q_linear)
    if not values.any():
        return None
    return np.concatenate([values, np.zeros(len(frame.conserved) - len(values), np.uint8)])


def _key(index: int, words: PauliWords, frame: PauliFrame, shift: np.ndarray | None) -> Key:
    _, coordinate = frame.conserved.coordinates(words)
    weights = coordinate.T.astype(np.int64)

    def key(characters: np.ndarray) -> list[Hashable]:
        values = (characters.astype(np.int64) @ weights) & 1
        if shift is not None:  # the smaller of a character and its conjugate names the pair
            moved = (values + (shift.astype(np.int64) @ weights)) & 1
            return [(index, min(a.tobytes(), b.tobytes()).hex()) for a, b in zip(values, moved, strict=True)]
        return [(index, row.tobytes().hex()) for row in values]

    return key


def separated(family: Family, frame: PauliFrame, definite: PauliWords) -> bool:
    """Tell whether no two sectors that can carry weight share an ideal, without listing them.

    Sectors that carry weight agree on ``definite``; those that share an ideal agree on its
    key words (or are conjugate), so together these must fix every conserved word.
    """
    total = len(frame.conserved)
    # sectors with weight agree on the definite words, linked ones on the key words: both fix every sign
    for words in family.key_words:
        if F2Basis(np.concatenate([definite.packed, words.packed])).rank < total:
            return False
    if family.conjugate_shift is None:
        return True
    _, coordinate = frame.conserved.coordinates(definite)
    return bool(((coordinate.astype(np.int64) @ family.conjugate_shift) & 1).any())


def signs_label(frame: PauliFrame, character: np.ndarray) -> str:
    """Write a character as signed words, or as signs where the words are long."""
    signs = ["+-"[b] for b in character]
    if frame.n_qubits <= limits.LABEL_QUBITS and len(signs) <= limits.LABEL_WORDS:
        return " ".join(s + w for s, w in zip(signs, frame.conserved.strings(), strict=True))
    return "".join(signs[: limits.LABEL_SIGNS]) + ("…" if len(signs) > limits.LABEL_SIGNS else "")
