"""Dead words under noise: proofs that no insertion of noise can undo.

A Pauli channel inserts Pauli words at random. Pushed to the observable they only turn the signs of terms and of
angles, so that an argument about words alone, which no sign enters, holds with the noise if it holds without.
Arguments that need terms to cancel, or the input's vector, are not used. Other channels count as rotations about
the letters of their qubits, and are then followed word by word.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.actions import WordAction, noise_actions, rotation_action
from pennylane_wishart.variances.active import ActiveWords
from pennylane_wishart.variances.dead.commutation import by_commutation, dead_rotations
from pennylane_wishart.variances.dead.reasons import DeadReason
from pennylane_wishart.variances.engines.tuples import WordImages
from pennylane_wishart.variances.parts import one_word_each, split_sums
from pennylane_wishart.variances.reach import WordIndex

__all__ = ["dead_words", "only_scales", "without_idle_channels"]

Reasons = list[DeadReason | None]


def dead_words(circuit: RotationCircuit, max_support: int) -> Reasons:
    """Return one reason per term of the generators, None where none was proved, for a circuit with noise."""
    words = one_word_each(circuit)
    sums = [circuit.terms[a:b] for a, b in zip(circuit.starts[:-1], circuit.starts[1:], strict=True) if b - a > 1]
    commuting = not any(s.anticommutation(s).any() for s in sums)
    if commuting and only_scales(circuit):
        # what is left is to follow words, which such noise leaves as they are
        return list(dead_rotations(replace(words, channels=())))
    if commuting and all(c.is_diagonal for c in circuit.channels):
        reasons = list(dead_rotations(replace(words, channels=())))
    else:
        reasons = _beside_letters(words)
    parts, starts = split_sums(circuit)
    try:
        followed = _follow(parts, max_support)
    except ModuleTooLargeError:
        return reasons
    owner = np.repeat(np.arange(parts.n_rotations), np.diff(starts))
    return [reason or followed[k] for reason, k in zip(reasons, owner, strict=True)]


def only_scales(circuit: RotationCircuit) -> bool:
    """Tell whether all noise scales words, and takes none away: words are then followed as without it."""
    return all(c.is_diagonal and np.all(np.abs(c.fidelities) > limits.ZERO) for c in circuit.channels)


def without_idle_channels(circuit: RotationCircuit) -> RotationCircuit:
    """Return the circuit without the channels whose letters commute with all that the observable can become."""
    active, kept = ActiveWords(circuit.observable.words), []
    waiting = list(circuit.channels)
    for k in range(circuit.n_rotations, -1, -1):
        while waiting and waiting[-1].position == k:
            channel = waiting.pop()
            letters = list(zip(channel.frame.x, channel.frame.z, strict=True))
            if any(active.anticommutes(x, z) for x, z in letters):
                kept.append(channel)
                # what only scales words makes no new ones
                for x, z in letters if not channel.is_diagonal else ():
                    active.add(x, z)
        if k:
            terms = circuit.generator(k - 1).words
            for x, z in zip(terms.x, terms.z, strict=True):
                active.add(x, z)
    return replace(circuit, channels=tuple(reversed(kept)))


def _beside_letters(words: RotationCircuit) -> Reasons:
    """Commutation with every channel as one fixed rotation about all letters of its qubits.

    Their coefficients are random numbers, so that such a sum commutes with what all its letters commute with, only.
    """
    rng = np.random.default_rng(limits.IDENTITY_SEED)
    places = [(k, 1, words.terms[k]) for k in range(words.n_rotations)]
    places = sorted([*places, *((c.position, 0, c.frame) for c in words.channels)], key=lambda place: place[:2])
    sizes = [len(part) for _, _, part in places]
    rotation = np.array([k if own else -1 for k, own, _ in places], np.int64)
    found = by_commutation(
        replace(
            words,
            terms=PauliWords.concatenate([part for _, _, part in places]),
            term_coefficients=rng.uniform(1, 2, sum(sizes)),
            starts=np.concatenate([[0], np.cumsum(sizes)]),
            coefficients=(rotation >= 0).astype(float),
            offsets=np.ones(len(places)),
            # only what is driven matters to proofs of words, not by what
            parameter_of=np.full(len(places), -1),
            random_of=np.full(len(places), -1),
            cliffords=(),
            channels=(),
        )
    )
    return [found[i] for i in np.flatnonzero(rotation >= 0)]


def _follow(circuit: RotationCircuit, max_support: int) -> Reasons:
    """Follow the words that the observable becomes, through rotations and channels, and back from those seen.

    Raises:
        ModuleTooLargeError: beyond ``max_support`` words.
    """
    index = WordIndex(circuit.observable.words)
    images: dict[int, WordImages] = {}
    alive = np.ones(len(index), bool)
    steps: list[tuple[int, np.ndarray, np.ndarray]] = []
    for k, action in reversed(_steps(circuit)):
        own = images.setdefault(id(action), WordImages(index, action))
        active = np.flatnonzero(alive)
        codes = own.syndromes()[active]
        turned = own.turns(codes[:, None])[:, 0]
        edges = [_edges(own, action, active[turned & (codes == s)], int(s)) for s in np.unique(codes[turned])]
        source, target = np.concatenate([np.zeros((2, 0), np.int64), *edges], axis=1)
        if len(index) > max_support:
            raise ModuleTooLargeError(f"The observable reaches more than {max_support} words.")
        alive = np.append(alive, np.zeros(len(index) - len(alive), bool))
        alive[active[turned]] = False
        alive[target] = True
        steps.append((k, active[turned], np.stack([source, target])))
    ends = np.abs(circuit.state.expectation(index.words())) > limits.SEEN
    out: Reasons = [None] * circuit.n_rotations
    for k, active, (source, target) in reversed(steps):
        seen = np.zeros(len(ends), bool)
        seen[source[ends[target]]] = True
        if k >= 0 and not seen.any():
            out[k] = DeadReason.SILENT if len(active) else DeadReason.OUTSIDE
        # what the gate turns is seen through its images alone
        ends[active] = seen[active]
    return out


def _steps(circuit: RotationCircuit) -> list[tuple[int, WordAction]]:
    """Return rotations (with their number) and channels (−1) in order."""
    steps = [(k, rotation_action(circuit.generator(k))) for k in range(circuit.n_rotations)]
    for position, action in reversed(noise_actions(circuit)):
        steps.insert(position, (-1, action))
    return steps


def _edges(images: WordImages, action: WordAction, members: np.ndarray, syndrome: int) -> np.ndarray:
    """Return (word after the gate, word before it), ``int64 (2, m)``, for words of one syndrome."""
    row = action.row(syndrome)
    parts = [
        np.stack([members, images.of(members, int(s), bool(o))[0]]) for s, o in zip(row.shifts, row.odd, strict=True)
    ]
    return np.concatenate([np.zeros((2, 0), np.int64), *parts], axis=1)
