"""Dense route, second half: irreducible sectors → certified ``Sector`` records (THEORY §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, canonical_ideals, merge_ideals
from pennylane_wishart.circuit import InputState
from pennylane_wishart.conventions import ReasonCode
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.errors import Status
from pennylane_wishart.sectors.dense.blocks import full_blocks
from pennylane_wishart.sectors.dense.certificates import (
    Certificate,
    algebra_dim,
    certify,
    full_dim,
    lie_coefficients,
    lie_element,
    root_values,
)
from pennylane_wishart.sectors.dense.krylov import reachable_block
from pennylane_wishart.sectors.dense.multiplicity import ResolvedSector, observe
from pennylane_wishart.sectors.dense.reality import Reality, find_reality
from pennylane_wishart.sectors.dense.split import Irrep, decompose_blocks
from pennylane_wishart.sectors.findings import Found, Route, first_outside
from pennylane_wishart.sectors.linkage import judge_independence, link_ideals
from pennylane_wishart.sectors.observables import density_spectrum, generator_facts, hermitian, spectrum_facts
from pennylane_wishart.sectors.problem import Problem
from pennylane_wishart.sectors.records import Fit, Sector

__all__ = ["dense_sectors"]

Draws = list[list[np.ndarray]]
"""Per try: the coefficients of two generic elements, shared by all sectors."""
Verdict = tuple[bool, str, ReasonCode | None]
_GROUPS = {1: "SO", 2: "SU", 4: "Sp"}


def dense_sectors(problem: Problem, rng: np.random.Generator, limit: int, whole: bool) -> Found | None:
    """Split, certify and judge all sectors, or those that the input reaches.

    Returns None where the reachable space is larger than ``limit`` or no split was verified.
    Cost: O(N³) for the largest invariant set of basis states, N.
    """
    generators = problem.moving
    support, values = _input_amplitudes(problem.circuit.state)
    if whole:
        blocks = full_blocks(generators, problem.observable, problem.n_qubits)
    else:
        block = reachable_block(generators, problem.observable, support, values, limit, rng)
        if block is None:
            return None
        blocks = [block]
    irreps = decompose_blocks(blocks, len(generators), rng)
    if irreps is None:
        return None
    parts = [b.part(support, values) for b in blocks]
    seen, constant = [], 0.0
    for irrep in irreps:
        observed, rest = observe(irrep, [b.observable for b in blocks], parts, rng)
        seen += observed
        constant += rest
    # what belongs to no single sector is the same for every angle: every sector gets it
    shift = constant if abs(constant) > limits.SHARE else 0.0
    seen = [replace(o, operator=o.operator + shift * np.eye(len(o.operator))) for o in seen]
    return _judge(problem, seen, parts, rng, whole)


def _input_amplitudes(state: InputState) -> tuple[np.ndarray, np.ndarray]:
    """Return (basis states, amplitudes) of an input; basis states need no vector, to 62 qubits."""
    if state.basis_bits is not None:
        bits = state.basis_bits.astype(np.int64)
        index = int(bits @ (1 << np.arange(len(bits) - 1, -1, -1, dtype=np.int64)))
        return np.array([index]), np.ones(1, dtype=complex)
    vector = state.vector()
    support = np.flatnonzero(np.abs(vector) > limits.AMPLITUDE)
    return support, vector[support]


def _judge(
    problem: Problem, seen: list[ResolvedSector], parts: list[np.ndarray], rng: np.random.Generator, whole: bool
) -> Found:
    counts = len(seen[0].irrep.generators), len(seen[0].irrep.elements)
    draws = [[lie_coefficients(*counts, rng) for _ in range(2)] for _ in range(limits.CERTIFICATES)]
    # a stream for each sector: what one of them draws must not move the others
    streams = [np.random.default_rng(seed) for seed in rng.integers(2**63, size=len(seen))]
    found = [_sector(problem, s, parts, draws, own, whole) for s, own in zip(seen, streams, strict=True)]
    links = link_ideals([c.roots for _, c in found])
    sectors = [replace(s, linked_to=link) for (s, _), link in zip(found, links, strict=True)]
    order = sorted(
        range(len(sectors)), key=lambda i: (-round(sectors[i].weight, limits.CACHED_DIGITS), -sectors[i].dim)
    )
    sectors, independent, why = judge_independence([sectors[i] for i in order])
    certificates = [found[i][1] for i in order]
    unfit = {s.fit for s in sectors} - {Fit.EXACT}
    outside, decided = first_outside(sectors), None
    if Fit.CONNECTS in unfit:
        reason = (
            "The observable connects sectors: it is outside the algebra that the generators span. "
            "Second moments hold all the same."
        )
    elif unfit:
        reason = (
            "The observable is outside the algebra that the generators span: it mixes the copies of a sector in ways "
            "that do not commute. Second moments hold all the same."
        )
    elif outside is not None:
        reason, decided = sectors[outside].reason, outside
    else:
        reason = "Every sector that carries weight is a certified Jordan sector, all independent."
    inside = not unfit and outside is None
    code = ReasonCode.OUT_OF_THEORY if decided is None else sectors[decided].reason_code
    return Found(
        Route.DENSE,
        tuple(sectors),
        inside,
        reason,
        None if inside else code,
        independent,
        why,
        len(sectors) if whole else None,
        (Status.NO_CERTIFICATE,) if any(s.kind == "other" for s in sectors) else (),
        algebra=_algebra(problem, sectors, certificates, whole),
        fits=not unfit,
        decided_by=decided,
    )


def _sector(
    problem: Problem, seen: ResolvedSector, parts: list[np.ndarray], draws: Draws, rng: np.random.Generator, whole: bool
) -> tuple[Sector, Certificate]:
    irrep, amplitudes = seen.irrep, seen.irrep.amplitudes(parts)
    reality = find_reality(irrep.traceless, irrep.elements, rng)
    certificate = _certificate(irrep, reality.beta, draws)
    if irrep.dim == 2:  # Sp(1) = SU(2): the Hermitian 2×2 matrices are the larger Jordan algebra
        reality = Reality(2, None, None)
    beta = {"su": 2, "so": 1, "sp": 4}.get(certificate.kind)
    facts = spectrum_facts(hermitian(seen.operator))
    traces, spectra = generator_facts(irrep.generators)
    all_traces = np.zeros((len(problem.generators), 2))
    all_traces[problem.relevant] = traces
    weight = float(np.sum(np.abs(amplitudes) ** 2))
    if weight < limits.NO_WEIGHT:  # rounding noise of the split
        weight, amplitudes = 0.0, np.zeros_like(amplitudes)
    density = density_spectrum(amplitudes, reality.form if beta else None, beta)
    sector = Sector(
        dim=irrep.dim,
        multiplicity=irrep.multiplicity,
        beta=beta,
        kind=certificate.kind,
        center=facts.center,
        variance=facts.variance,
        ground=facts.ground,
        ground_status=facts.ground_status,
        weight=min(weight, 1.0),
        purity=float(np.sum(density**2)),
        rho_spectrum=density,
        spectrum=facts.spectrum,
        generator_traces=all_traces,
        generator_spectra={int(problem.relevant[k]): s for k, s in spectra.items()},
        label="" if whole else "reached from the input",
        fit=seen.fit,
    )
    return sector.with_verdict(*_verdict(sector, reality, seen, rng)), certificate


def _certificate(irrep: Irrep, beta: int, draws: Draws) -> Certificate:
    """Certify one sector; the first draw is shared by all sectors, so that roots compare."""
    x = None
    for pair in draws:
        a, b = (lie_element(irrep.traceless, irrep.elements, c) for c in pair)
        x = a if x is None else x
        found = certify(a, b, beta)
        if found.kind != "other":
            return found if x is a else Certificate(found.kind, root_values(found.kind, x))
    return found


def _verdict(sector: Sector, reality: Reality, seen: ResolvedSector, rng: np.random.Generator) -> Verdict:
    if sector.fit is not Fit.EXACT:
        return False, str(sector.fit), ReasonCode.OUT_OF_THEORY
    if sector.is_constant:
        return True, "The observable is a constant here.", None
    beta = reality.beta if sector.kind == "other" else sector.beta or 2
    size = sector.dim if beta != 4 else sector.dim // 2
    group = f"{_GROUPS[beta]}({size})"
    if sector.kind == "other":
        return _no_certificate(sector, beta, group.lower(), seen.irrep, rng)
    # the full group is here; the observable must be symmetric under its form
    if sector.beta in (1, 4) and not reality.commutes(seen.operator):
        name, kind = ("real symmetric", "orthogonal") if beta == 1 else ("quaternion Hermitian", "symplectic")
        reason = (
            f"The observable is not in the Jordan algebra of this sector: it is not {name} where the group is {kind}."
        )
        return False, reason, ReasonCode.OUT_OF_THEORY
    return True, f"The group is all of {group} here, and the observable is in its Jordan algebra.", None


def _no_certificate(sector: Sector, beta: int, name: str, irrep: Irrep, rng: np.random.Generator) -> Verdict:
    """Say what is known of a group that has not shown itself to be full: its dimension, where it can be counted."""
    if not sector.is_linear:
        reason = "No certificate for the group here; the input has no weight in this sector."
        return False, reason, ReasonCode.NO_CERTIFICATE
    dim = algebra_dim(irrep.traceless, rng)
    if dim is None:
        return False, f"No certificate that the group here is all of {name}.", ReasonCode.NO_CERTIFICATE
    full = full_dim(_GROUPS[beta].lower(), sector.dim)
    reason = (
        f"The group acts on C^{sector.dim} through an algebra of dimension {dim}, not through "
        f"{name} (dimension {full}) in its defining representation: a tensor product, "
        "a spin or another higher representation."
    )
    return False, reason, ReasonCode.OUT_OF_THEORY


def _algebra(
    problem: Problem, sectors: Sequence[Sector], certificates: Sequence[Certificate], whole: bool
) -> LieAlgebra | None:
    """Return the algebra of the relevant generators if every sector was certified."""
    if any(c.kind == "other" for c in certificates):
        return None
    classes: dict[object, tuple[str, int]] = {}  # linked ideals are one: they count once
    for sector, certificate in zip(sectors, certificates, strict=True):
        # so(4) is two copies of su(2): its two root lists are linked one by one
        size = sector.dim // 2 if certificate.kind == "sp" else sector.dim
        kind, size = ("su", 2) if certificate.kind == "so" and size == 4 else (certificate.kind, size)
        classes.update(dict.fromkeys(sector.linked_to, (kind, size)))
    ideals = merge_ideals(i for kind, n in classes.values() for i in canonical_ideals(kind, n)[0])
    traces = np.array([s.generator_traces[problem.relevant, 0] for s in sectors])
    # the centre acts by numbers, one a sector: it is spanned by the generators' traces
    center = int(np.linalg.matrix_rank(traces, tol=limits.CENTRE_RANK)) if traces.size else 0
    return LieAlgebra(
        dim=sum(i.dim * i.copies for i in ideals) + center,
        n_qubits=problem.n_qubits,
        method="sectors certificate: isolated roots per sector, independence by root values",
        is_closed=whole,
        status=Status.OK if whole else Status.TRUNCATED,
        known_structure=(ideals, center) if whole else None,
    )
