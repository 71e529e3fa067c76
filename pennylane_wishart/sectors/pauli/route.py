"""Pauli route: sectors of any number of qubits from F2 linear algebra (THEORY §2, §5)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.algebra import classify
from pennylane_wishart.circuit import InputState
from pennylane_wishart.conventions import ReasonCode
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.errors import Status
from pennylane_wishart.paulis import reduce_words
from pennylane_wishart.sectors.findings import Found, Route, first_outside
from pennylane_wishart.sectors.linkage import judge_independence
from pennylane_wishart.sectors.observables import OperatorFacts
from pennylane_wishart.sectors.pauli.density import BlockDensities
from pennylane_wishart.sectors.pauli.family import Family, find_family, separated, signs_label
from pennylane_wishart.sectors.pauli.frame import PauliFrame, build_frame
from pennylane_wishart.sectors.pauli.groups import CharacterGroup, centers, group_characters
from pennylane_wishart.sectors.pauli.spectrum import word_sum_facts
from pennylane_wishart.sectors.pauli.weights import Characters, definite_and_free, find_characters, known_stabilizers
from pennylane_wishart.sectors.problem import Problem
from pennylane_wishart.sectors.records import Fit, Levels, Sector, SectorDistribution

__all__ = ["pauli_sectors"]


def pauli_sectors(problem: Problem) -> Found:
    """Find the sectors of the generators that move the observable, all single words."""
    words = problem.relevant_words
    assert words is not None
    whole = len(problem.relevant) == len(problem.generators)
    algebra = problem.algebra if whole and problem.algebra is not None else classify(words)
    frame = build_frame(algebra.components, problem.observable, algebra.central_words)
    n_central = 0 if algebra.central_words is None else len(algebra.central_words)
    family = find_family(algebra.components, frame, n_central)
    characters = find_characters(frame, problem.circuit.state)
    if characters is None:
        return _too_many(problem, frame, family)
    return _Listing(problem, frame, family, characters).found()


@dataclass(frozen=True, eq=False)
class _Listing:
    """All sectors that can carry weight, few enough to be listed."""

    problem: Problem
    frame: PauliFrame
    family: Family
    characters: Characters

    def found(self) -> Found:
        """Make a record of every group of characters that is one sector, and judge them together."""
        frame, characters, bits = self.frame, self.characters, self.characters.bits
        identity, amplitudes = frame.amplitudes(bits)
        keys = [key(bits) for key in self.family.keys]
        groups = group_characters(frame, characters, amplitudes)
        constants = centers(frame, characters, groups, identity, self.problem.circuit.state)
        facts = _spectra(frame)
        sectors, status = [], set()
        for group, constant in zip(groups, constants, strict=True):
            row = int(group.rows[0])
            sector = self._sector(group, float(constant), facts(amplitudes[row]), tuple(k[row] for k in keys))
            if sector.purity is None:
                status.add(Status.NOT_ASSESSED)
            if sector.ground_status == "bound" or not group.exact:
                status.add(Status.BOUND)
            sectors.append(sector.with_verdict(*_verdict(frame, self.family, amplitudes[row])))
        # rounded, so that equal weights keep the order of their signs
        sectors.sort(key=lambda sector: -round(sector.weight, limits.CACHED_DIGITS))
        n_sectors: int | None = 2 ** len(frame.radical)
        if len(frame.conserved) > len(frame.radical):  # copies have been told apart: only a full list counts them
            n_sectors = len(sectors) if characters.complete else None
        return self._judged(sectors, n_sectors, tuple(sorted(status, key=lambda s: s.name)))

    def _sector(self, group: CharacterGroup, center: float, facts: OperatorFacts, keys: tuple[Hashable, ...]) -> Sector:
        frame, family, characters = self.frame, self.family, self.characters
        spectrum = facts.spectrum
        purity, density = self._densities.of(group.rows)
        traces, spectra = self._generator_facts
        return Sector(
            dim=2**frame.s,
            multiplicity=group.size * 2 ** (self.problem.n_qubits - frame.s - len(frame.conserved)),
            beta=family.beta,
            kind=family.kind if frame.s else "trivial",
            center=center,
            variance=facts.variance,
            ground=float(facts.ground + center),
            ground_status=facts.ground_status,
            weight=min(float(characters.weights[group.rows].sum()), 1.0),
            purity=purity,
            rho_spectrum=density,
            spectrum=None if spectrum is None else (spectrum[0] + center, spectrum[1]),
            generator_traces=traces,
            generator_spectra=spectra,
            linked_to=keys,
            label=_label(frame, characters.bits[group.rows]),
            fit=frame.fit,
        )

    @cached_property
    def _densities(self) -> BlockDensities:
        return BlockDensities(self.frame, self.characters, self.problem.circuit.state, self.family)

    @cached_property
    def _generator_facts(self) -> tuple[np.ndarray, dict[int, Levels]]:
        """(|Tr G|/N, Tr G²/N) and spectra: 0, c² and ±c for a word c·P, in every sector.

        A central word is the number ±c in a sector, its sign that of the sector.
        """
        problem, frame = self.problem, self.frame
        traces = np.zeros((len(problem.generators), 2))
        spectra: dict[int, Levels] = {}
        for k in problem.relevant:
            word = problem.generators[k].words
            size = abs(float(problem.generators[k].coefficients[0]))
            moves = len(frame.symplectic) > 0 and word.anticommutation(frame.symplectic).any()
            traces[k] = (0.0 if moves else size), size**2
            if moves:
                half = 2 ** (frame.s - 1)
                spectra[int(k)] = (np.array([-size, size]), (half, half))
        return traces, spectra

    def _judged(self, sectors: list[Sector], n_sectors: int | None, status: tuple[Status, ...]) -> Found:
        frame = self.frame
        sectors, independent, why = judge_independence(sectors)
        outside = first_outside(sectors)
        decided = None
        if frame.s == 0:
            reason = "Only commuting rotations move the observable: no simple ideal acts on it."
        elif frame.obstacle:
            reason = frame.obstacle
        elif outside is not None:
            reason, decided = sectors[outside].reason, outside
        else:
            reason = self.family.reason + " " + why
        inside = outside is None and not frame.obstacle
        return Found(
            Route.PAULI,
            tuple(sectors),
            inside,
            reason,
            None if inside else ReasonCode.OUT_OF_THEORY,
            independent,
            why,
            n_sectors,
            status,
            fits=frame.fit is Fit.EXACT,
            by_sums=frame.by_sums,
            log2_dim=frame.s,
            decided_by=decided,
        )


def _spectra(frame: PauliFrame) -> Callable[[np.ndarray], OperatorFacts]:
    """Return the map from coefficients of the logical words to what is known of their sum, each found once."""
    reduced = reduce_words(frame.logical)
    cache: dict[bytes, OperatorFacts] = {}

    def facts(amplitudes: np.ndarray) -> OperatorFacts:
        key = np.round(amplitudes, limits.CACHED_DIGITS).tobytes()
        if key not in cache:
            cache[key] = word_sum_facts(reduced, amplitudes, frame.s)
        return cache[key]

    return facts


def _label(frame: PauliFrame, bits: np.ndarray) -> str:
    """Write the characters of a sector, or say how many copies are merged in it."""
    if len(bits) <= 2:
        return " or ".join(signs_label(frame, row) for row in bits)
    return f"{signs_label(frame, bits[0])} and {len(bits) - 1} more with the same observable"


def _verdict(frame: PauliFrame, family: Family, amplitudes: np.ndarray) -> tuple[bool, str, ReasonCode | None]:
    if frame.obstacle:
        return False, frame.obstacle, ReasonCode.OUT_OF_THEORY
    live = np.abs(amplitudes) > limits.LIVE_WORD * max(1.0, float(np.abs(amplitudes).max(initial=0.0)))
    if not live.any():
        return True, "The observable is a constant here.", None
    if family.beta is None:
        return False, family.reason, ReasonCode.OUT_OF_THEORY
    if family.jordan is not None and not family.jordan(frame.logical_bits[live]).all():
        name = "orthogonal" if family.beta == 1 else "symplectic"
        reason = (
            "The observable is not in the Jordan algebra of this sector: one of its words "
            f"generates the {name} group, or is antisymmetric under its form."
        )
        return False, reason, ReasonCode.OUT_OF_THEORY
    return True, family.reason, None


# ---------------------------------------------------------------------- exponentially many sectors
def _too_many(problem: Problem, frame: PauliFrame, family: Family) -> Found:
    """Describe exponentially many sectors by exact moments over the input's weights."""
    state, dropped = problem.circuit.state, frame.dropped
    offset = float(np.dot(dropped.coefficients, state.expectation(dropped.words)))
    definite, free = definite_and_free(frame, state)
    mean, second, spread = _weighted_moments(frame, state)
    f = len(free)
    distribution = SectorDistribution(
        log2_sectors=f,
        dim=2**frame.s,
        multiplicity=2 ** (problem.n_qubits - frame.s - len(frame.conserved)),
        beta=family.beta,
        kind=family.kind,
        center_mean=mean + offset,
        center_variance=max(second - mean**2, 0.0),
        variance_mean=spread,
        weight_mean=2.0**-f,
        # the characters that a stabiliser state leaves open have equal weights
        collision=2.0**-f if known_stabilizers(state)[1] else None,
    )
    inside, reason, _ = _verdict(frame, family, np.ones(len(frame.logical)))
    independent = separated(family, frame, definite)
    why = (
        "No two sectors that can carry weight share a simple ideal."
        if independent
        else "Sectors that carry weight share simple ideals, so they are not independent."
    )
    return Found(
        Route.PAULI,
        (),
        inside and independent,
        reason + " " + why if inside else reason,
        None if inside and independent else ReasonCode.OUT_OF_THEORY,
        independent,
        why,
        2 ** len(frame.radical) if len(frame.conserved) == len(frame.radical) else None,
        distribution=distribution,
        fits=frame.fit is Fit.EXACT,
        by_sums=frame.by_sums,
        log2_dim=frame.s,
    )


def _weighted_moments(frame: PauliFrame, state: InputState) -> tuple[float, float, float]:
    """Return Σ w C_0, Σ w C_0², Σ w Σ_p C_p² over characters: expectations of products of words."""
    words, phase = frame.conserved.products(frame.bits)
    values = frame.coefficients * (1.0 - phase)
    own = np.flatnonzero(frame.class_of < 0)
    mean = float(values[own] @ state.expectation(words[own])) if len(own) else 0.0
    totals = [0.0, 0.0]
    for c in np.unique(frame.class_of):
        rows = np.flatnonzero(frame.class_of == c)
        # Σ_χ w_χ χ(r)χ(r') = ⟨r·r'⟩: every pair of terms on one logical word
        i, j = (index.ravel() for index in np.meshgrid(rows, rows, indexing="ij"))
        product, k = words[i].multiply(words[j])
        totals[int(c >= 0)] += float(values[i] * values[j] * (1.0 - k) @ state.expectation(product))
    return mean, totals[0], totals[1]
