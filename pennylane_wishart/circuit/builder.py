"""Rotations in order → groups of commuting rotations of one parameter, behind a Clifford frame."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Sequence

import numpy as np
import stim

from pennylane_wishart.circuit.channels import Channel, LocalChannel
from pennylane_wishart.circuit.merging import Group, Terms, ratio_of, support_of, words_of
from pennylane_wishart.circuit.rotations import concatenated_starts
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.paulis import PauliSum

__all__ = ["Builder", "Frame", "strings_of"]


class Frame:
    """W†PW for the product W of the fixed Clifford gates seen so far."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.inverse = stim.Tableau(n)
        self.trivial = True
        self._cache: dict[tuple[str, tuple[int, ...]], tuple[bytes, bytes, float]] = {}
        self._inverses: dict[Hashable, stim.Tableau] = {}

    def append(self, tableau: stim.Tableau, targets: Sequence[int], key: Hashable | None = None) -> None:
        """Follow W by a Clifford gate."""
        if key is None or key not in self._inverses:
            inverse = tableau.inverse()
            if key is not None:
                self._inverses[key] = inverse
        else:
            inverse = self._inverses[key]
        # W ← C·W, so that W†PW needs W† ← W†·C†
        self.inverse.prepend(inverse, targets)
        self.trivial = False
        self._cache.clear()

    def pull(self, letters: str, targets: Sequence[int]) -> tuple[bytes, bytes, float]:
        """Return packed x, z (uint8, little-endian bits) and sign of W†PW."""
        key = (letters, tuple(targets))
        if key not in self._cache:
            word = stim.PauliString(self.n)
            for letter, q in zip(letters, targets, strict=True):
                if letter != "I":
                    word[q] = letter
            out = word if self.trivial else self.inverse(word)
            x, z = out.to_numpy(bit_packed=True)
            self._cache[key] = (x.tobytes(), z.tobytes(), float(out.sign.real))
        return self._cache[key]

    def terms(self, operator: PauliSum, targets: Sequence[int]) -> Terms:
        """Return W†AW for an operator A on some qubits, term by term."""
        pulled = [self.pull(letters, targets) for letters in strings_of(operator)]
        return [(x, z, sign * c) for (x, z, sign), c in zip(pulled, operator.coefficients, strict=True)]

    def conjugated(self, operator: PauliSum) -> PauliSum:
        """Return W†AW for an operator A on all qubits."""
        terms = self.terms(operator, range(self.n))
        return PauliSum.of(words_of(terms, self.n), np.array([c for _, _, c in terms])) if terms else operator


class Builder:
    """Rotations and Cliffords taken in order; rotations of one parameter are brought together as they come."""

    def __init__(self, n: int, shared: np.ndarray) -> None:
        self.n, self.shared = n, shared
        self.frame = Frame(n)
        self.groups: list[Group] = []
        self.driven: dict[int, list[int]] = {}
        """Per shared parameter: its groups that turn something, in order."""
        self.cancelled = False
        """Whether some group has lost all its terms since the groups were last gathered."""
        self.constants: dict[int, list[int]] = {}
        """Per set of qubits: groups that have, or had, a constant part there, in order."""
        self.cliffords: list[tuple[int, stim.Tableau, tuple[int, ...]]] = []
        """Clifford gates with the number of groups before each."""
        self.channels: list[Channel] = []
        """Noise, its position counted in groups."""

    def clifford(self, tableau: stim.Tableau, targets: Sequence[int], key: Hashable | None = None) -> None:
        """Conjugate everything that follows by a Clifford gate."""
        self.frame.append(tableau, targets, key)
        self.cliffords.append((len(self.groups), tableau, tuple(targets)))

    def channel(self, local: LocalChannel, targets: Sequence[int], name: str) -> None:
        """Append a noise channel, on the words that its letters are in the frame."""
        terms = [self.frame.pull(letters, targets) for letters in local.letters]
        signs = np.array([sign for _, _, sign in terms])
        self.channels.append(Channel(len(self.groups), words_of(terms, self.n), signs, local.transfer, name))

    def _crosses(self, terms: Terms, low: int, high: int) -> bool:
        """Tell whether a rotation at place ``high`` may not move behind group ``low`` because of noise between.

        Only noise on other qubits is passed: a channel that commutes with a rotation by itself is met rarely.
        """
        words = words_of(terms, self.n)
        between = [channel for channel in self.channels if low < channel.position <= high]
        return any(words.anticommutation(channel.frame).any() for channel in between)

    def rotation(
        self,
        generator: PauliSum,
        targets: Sequence[int],
        coefficient: float,
        offset: float,
        parameter: int = -1,
        random: int = -1,
    ) -> None:
        """Append a rotation, merged with the last group of its parameter where they can be brought together."""
        terms = self.frame.terms(generator, targets)
        if not terms:
            return
        if parameter < 0 and random < 0:
            self._constant(terms, offset)
            return
        if parameter >= 0 and self.shared[parameter]:
            # shared parameters alone can merge: others drive one rotation
            if self._merge(terms, coefficient, offset, parameter):
                self._gather(parameter)
                return
            self.driven.setdefault(parameter, []).append(len(self.groups))
        self.groups.append(Group(terms, coefficient, offset, parameter, random))
        if offset:
            self._remember(terms, len(self.groups) - 1)
        self._gather(parameter)

    def _constant(self, terms: Terms, angle: float) -> None:
        """Append a fixed rotation; one that undoes an earlier one, where they can be brought together, removes it."""
        if not self._compensated(terms, angle, len(self.groups)):
            self._remember(terms, len(self.groups))
            self.groups.append(Group(fixed=[(terms, angle)]))

    def _compensated(self, terms: Terms, angle: float, place: int) -> bool:
        """Join the constant rotation that stands before group ``place`` to an earlier one, where it can get there."""
        known = self.constants.get(support_of(terms), [])
        # groups whose constant part has gone are forgotten from the end
        while known and not self.groups[known[-1]].is_offset:
            known.pop()
        for at in [k for k in known[-limits.CONSTANT_CANDIDATES :] if place - limits.MERGE_WINDOW <= k < place][::-1]:
            if not self._passes(terms, at + 1, place) or self._crosses(terms, at, place):
                return False
            # all between commutes with it, so it stands beside this one
            if self.groups[at].compensate(terms, angle, self.n):
                return True
        return False

    def _remember(self, terms: Terms, at: int) -> None:
        """Note that group ``at`` has a constant part on these qubits."""
        known = self.constants.setdefault(support_of(terms), [])
        if not known or known[-1] < at:
            known.append(at)
        elif at not in known:
            bisect.insort(known, at)

    def _merge(self, terms: Terms, coefficient: float, offset: float, parameter: int) -> bool:
        """Add a rotation to the last group of its parameter, where it can be moved back to it."""
        known = self.driven.get(parameter)
        if not known or not self._near(known[-1], len(self.groups), terms, coefficient):
            return False
        if not self._passes(terms, known[-1]):
            return False
        at = known[-1]
        self.groups[at].absorb(terms, coefficient, offset)
        self._settle(parameter, at)
        for part, _ in self.groups[at].fixed:
            self._remember(part, at)
        return True

    def _near(self, at: int, place: int, terms: Terms, coefficient: float) -> bool:
        """Tell whether a rotation at ``place`` may join group ``at`` by their distance, sizes, and noise between."""
        size = max(abs(c) for _, _, c in terms) * abs(coefficient)
        return (
            place - at <= limits.MERGE_WINDOW
            and not (self.channels and self._crosses(terms, at, place))
            and 1 / limits.MERGED_RATIO < size / self.groups[at].size() < limits.MERGED_RATIO
        )

    def _settle(self, parameter: int, at: int) -> None:
        """Forget a group that has cancelled, and with it what stood between its constant parts and others."""
        group = self.groups[at]
        if not group.terms:
            self.driven[parameter].remove(at)
            self.cancelled = True
            # with the turning part gone, constant parts may reach others across it
            group.fixed = [(part, angle) for part, angle in group.fixed if not self._compensated(part, angle, at)]

    def _gather(self, parameter: int) -> None:
        """Join the last two groups of a parameter while one of them can be moved to the other.

        Their constant parts, which commute with what is moved, stay where they are.
        """
        known = self.driven.get(parameter, [])
        while len(known) > 1:
            first, last = known[-2:]
            a, b = self.groups[first], self.groups[last]
            if not self._near(first, last, b.terms, b.coefficient):
                return
            # the later group moves forward, or the earlier one back: whichever commutes with all between
            if self._passes(b.terms, first, last):
                target, source = first, last
            elif self._passes(a.terms, first + 1, last + 1):
                target, source = last, first
            else:
                return
            left = self.groups[source]
            self.groups[target].absorb(left.terms, left.coefficient, 0.0)
            # the constant part of the angle turns the old generator, and stays with it
            left.fixed += [(left.terms, left.offset)] if left.offset else []
            left.terms, left.offset = [], 0.0
            known.remove(source)
            self._settle(parameter, target)

    def gather_again(self) -> None:
        """Join groups that others, which have cancelled since, kept apart."""
        # each round may cancel more groups, and free others
        while self.cancelled:
            self.cancelled = False
            for parameter, known in list(self.driven.items()):
                self.driven[parameter] = []
                for at in known:
                    self.driven[parameter].append(at)
                    self._gather(parameter)

    def _passes(self, terms: Terms, start: int, end: int | None = None) -> bool:
        """Tell whether a rotation commutes with all groups from ``start`` on, or those before ``end``."""
        parts = [part for g in self.groups[start:end] for part in g.parts()]
        if not parts:
            return True
        sizes = concatenated_starts([len(part) for part in parts])
        others = words_of([t for part in parts for t in part], self.n)
        # words that commute one by one need no closer look; most do
        meets = np.asarray(words_of(terms, self.n).anticommutation(others).any(axis=0))
        return all(
            self._commute(terms, part)
            for part, low, high in zip(parts, sizes[:-1], sizes[1:], strict=True)
            if meets[low:high].any()
        )

    def _commute(self, terms: Terms, others: Terms) -> bool:
        """Tell whether two sums commute, as XX + YY and Z₁ + Z₂ do whose words do not."""
        if ratio_of(terms, others) is not None:
            return True
        # unproved commutation means no merge: exact all the same, only less merged
        if len(terms) * len(others) > limits.MERGE_PRODUCTS:
            return False
        a, b = (PauliSum(words_of(t, self.n), np.array([c for _, _, c in t])) for t in (terms, others))
        return a.commutes_with(b)


_STRINGS: dict[int, tuple[PauliSum, list[str]]] = {}


def strings_of(generator: PauliSum) -> list[str]:
    """Return the letters of a generator's words, once for each generator of an elementary gate."""
    # Generators of elementary gates are cached objects, so their strings are too.
    found = _STRINGS.get(id(generator))
    if found is None or found[0] is not generator:
        found = (generator, generator.words.strings())
        if len(_STRINGS) > limits.CACHED_GENERATORS:
            _STRINGS.clear()
        _STRINGS[id(generator)] = found
    return found[1]
