"""Pauli route: sectors of any number of qubits from F2 linear algebra (THEORY §2, §5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, classify
from pennylane_wishart.errors import Status
from pennylane_wishart.sectors.linkage import judge_independence
from pennylane_wishart.sectors.pauli_family import Family, find_family, separated, signs_label
from pennylane_wishart.sectors.pauli_frame import PauliFrame, build_frame, ordered_product
from pennylane_wishart.sectors.pauli_groups import CharacterGroup, centers, group_characters
from pennylane_wishart.sectors.pauli_spectrum import Reduced, reduce_words, word_sum_facts
from pennylane_wishart.sectors.pauli_state import (
    Characters,
    block_density,
    definite_and_free,
    find_characters,
    known_stabilizers,
)
from pennylane_wishart.sectors.problem import Problem
from pennylane_wishart.sectors.records import Fit, Sector, SectorDistribution

__all__ = ["PauliResult", "pauli_sectors"]


@dataclass(frozen=True, eq=False)
class PauliResult:
    """What the Pauli route found."""

    sectors: tuple[Sector, ...]
    distribution: SectorDistribution | None
    in_theory: bool
    reason: str
    independent: bool
    independence_reason: str
    n_sectors: int | None
    status: tuple[Status, ...]
    algebra: LieAlgebra
    """Of the relevant generators."""
    by_sums: bool
    """Whether the dense route would resolve copies that single words do not."""
    fits: bool
    """Whether the observable acts on every sector as O^α ⊗ 1 and connects none of them."""
    log2_dim: int
    """log2 of the dimension that all sectors have: no input reaches fewer dimensions."""


def pauli_sectors(problem: Problem) -> PauliResult:
    """Find the sectors of the generators that move the observable, all single words."""
    words = problem.relevant_words
    assert words is not None
    whole = len(problem.relevant) == len(problem.generators)
    algebra = problem.algebra if whole and problem.algebra is not None else classify(words)
    components = algebra.components
    central = algebra.central_words
    frame = build_frame(components, problem.observable, central)
    family = find_family(components, frame, 0 if central is None else len(central))
    state = problem.circuit.state
    characters = find_characters(frame, state)
    if characters is None:
        return _too_many(problem, frame, family, algebra)
    reduced = reduce_words(frame.logical)
    identity, amplitudes = frame.amplitudes(characters.bits)
    keys = [key(characters.bits) for key in family.keys]
    groups = group_characters(frame, characters, amplitudes)
    constants = centers(frame, characters, groups, identity, state)
    sectors, status = [], set()
    cache: dict[bytes, dict] = {}
    generator_facts = _generator_facts(problem, frame)
    for group, constant in zip(groups, constants, strict=True):
        row = int(group.rows[0])
        facts = _facts(reduced, amplitudes[row], frame.s, cache)
        own = tuple(k[row] for k in keys)
        sector = _sector(problem, frame, family, characters, group, constant, facts, generator_facts, own)
        if sector.purity is None:
            status.add(Status.NOT_ASSESSED)
        if sector.ground_status == "bound" or not group.exact:
            status.add(Status.BOUND)
        inside, reason = _verdict(frame, family, amplitudes[row])
        sectors.append(sector.with_verdict(inside, reason))
    sectors.sort(key=lambda sector: -round(sector.weight, 12))
    n_sectors = 2 ** len(frame.radical)
    if len(frame.conserved) > len(frame.radical):
        n_sectors = len(sectors) if characters.complete else None
    return _conclude(sectors, frame, family, status, algebra, n_sectors)


def _facts(reduced: Reduced, amplitudes: np.ndarray, s: int, cache: dict) -> dict:
    key = np.round(amplitudes, 12).tobytes()
    if key not in cache:
        cache[key] = word_sum_facts(reduced, amplitudes, s)
    return cache[key]


def _generator_facts(problem: Problem, frame: PauliFrame) -> tuple[np.ndarray, dict]:
    """Return (|Tr G|/N, Tr G²/N) and spectra: 0, c² and ±c for a word c·P, in every sector.

    A central word is the number ±c in a sector, its sign that of the sector.
    """
    traces, spectra = np.zeros((len(problem.generators), 2)), {}
    for k in problem.relevant:
        word = problem.generators[k].words
        size = abs(float(problem.generators[k].coefficients[0]))
        moves = len(frame.symplectic) > 0 and word.anticommutation(frame.symplectic).any()
        traces[k] = (0.0 if moves else size), size**2
        if moves:
            half = 2 ** (frame.s - 1)
            spectra[int(k)] = (np.array([-size, size]), (half, half))
    return traces, spectra


def _sector(
    problem: Problem,
    frame: PauliFrame,
    family: Family,
    characters: Characters,
    group: CharacterGroup,
    center: float,
    facts: dict,
    generator_facts: tuple[np.ndarray, dict],
    keys: tuple,
) -> Sector:
    spectrum = facts["spectrum"]
    purity, density = block_density(
        frame,
        characters,
        group.rows,
        problem.circuit.state,
        family.beta,
        family.jordan,
        family.real_linear,
    )
    return Sector(
        dim=2**frame.s,
        multiplicity=group.size * 2 ** (problem.n_qubits - frame.s - len(frame.conserved)),
        beta=family.beta,
        kind=family.kind if frame.s else "trivial",
        center=float(center),
        variance=facts["variance"],
        ground=float(facts["ground"] + center),
        ground_status=facts["ground_status"],
        weight=min(float(characters.weights[group.rows].sum()), 1.0),
        purity=purity,
        rho_spectrum=density,
        spectrum=None if spectrum is None else (spectrum[0] + center, spectrum[1]),
        generator_traces=generator_facts[0],
        generator_spectra=generator_facts[1],
        linked_to=keys,
        label=_label(frame, characters.bits[group.rows]),
        fit=frame.fit,
    )


def _label(frame: PauliFrame, bits: np.ndarray) -> str:
    """Write the characters of a sector, or say how many copies are merged in it."""
    if len(bits) <= 2:
        return " or ".join(signs_label(frame, row) for row in bits)
    return f"{signs_label(frame, bits[0])} and {len(bits) - 1} more with the same observable"


def _verdict(frame: PauliFrame, family: Family, amplitudes: np.ndarray) -> tuple[bool, str]:
    if frame.obstacle:
        return False, frame.obstacle
    live = np.abs(amplitudes) > 1e-12 * max(1.0, float(np.abs(amplitudes).max(initial=0.0)))
    if not live.any():
        return True, "The observable is a constant here."
    if family.beta is None:
        return False, family.reason
    if family.jordan is not None and not family.jordan(frame.logical_bits[live]).all():
        name = "orthogonal" if family.beta == 1 else "symplectic"
        return False, (
            "The observable is not in the Jordan algebra of this sector: one of its words "
            f"generates the {name} group, or is antisymmetric under its form."
        )
    return True, family.reason


def _conclude(sectors, frame: PauliFrame, family: Family, status, algebra, n_sectors) -> PauliResult:
    sectors, independent, why = judge_independence(sectors)
    outside = [s for s in sectors if s.is_linear and not s.in_theory]
    if frame.s == 0:
        reason = "Only commuting rotations move the observable: no simple ideal acts on it."
    elif frame.obstacle:
        reason = frame.obstacle
    elif outside:
        reason = outside[0].reason
    else:
        reason = family.reason + " " + why
    inside = not outside and not frame.obstacle
    return PauliResult(
        tuple(sectors),
        None,
        inside,
        reason,
        independent,
        why,
        n_sectors,
        tuple(sorted(status, key=lambda s: s.name)),
        algebra,
        frame.by_sums,
        frame.fit is Fit.EXACT,
        frame.s,
    )


def _too_many(problem, frame: PauliFrame, family: Family, algebra) -> PauliResult:
    """Describe exponentially many sectors by exact moments over the input's weights."""
    state = problem.circuit.state
    dropped = frame.dropped
    offset = float(np.dot(dropped.coefficients, state.expectation(dropped.words)))
    definite, free = definite_and_free(frame, state)
    mean, second, spread = _weighted_moments(frame, state)
    stabilizer = known_stabilizers(state)[1]
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
        collision=2.0**-f if stabilizer else None,
    )
    inside, reason = _verdict(frame, family, np.ones(len(frame.logical)))
    independent = separated(family, frame, definite)
    why = (
        "No two sectors that can carry weight share a simple ideal."
        if independent
        else "Sectors that carry weight share simple ideals, so they are not independent."
    )
    reason = reason + " " + why if inside else reason
    return PauliResult(
        (),
        distribution,
        inside and independent,
        reason,
        independent,
        why,
        2 ** len(frame.radical) if len(frame.conserved) == len(frame.radical) else None,
        (),
        algebra,
        frame.by_sums,
        frame.fit is Fit.EXACT,
        frame.s,
    )


def _weighted_moments(frame: PauliFrame, state) -> tuple[float, float, float]:
    """Return Σ w C_0, Σ w C_0², Σ w Σ_p C_p² over characters: expectations of products of words."""
    signs = ordered_product(frame.conserved, frame.bits)
    values = frame.coefficients * (1.0 - signs[1])
    own = np.flatnonzero(frame.class_of < 0)
    mean = float(values[own] @ state.expectation(signs[0][own])) if len(own) else 0.0
    totals = [0.0, 0.0]
    for c in np.unique(frame.class_of):
        rows = np.flatnonzero(frame.class_of == c)
        i, j = np.meshgrid(rows, rows, indexing="ij")
        product, k = signs[0][i.ravel()].multiply(signs[0][j.ravel()])
        total = values[i.ravel()] * values[j.ravel()] * (1.0 - k) @ state.expectation(product)
        totals[int(c >= 0)] += float(total)
    return mean, totals[0], totals[1]
