"""Dense route, second half: irreducible sectors → certified ``Sector`` records (THEORY §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.algebra import LieAlgebra
from pennylane_wishart.algebra.records import canonical_ideals, merge_ideals
from pennylane_wishart.circuit import InputState
from pennylane_wishart.errors import Status
from pennylane_wishart.sectors.blocks import full_blocks
from pennylane_wishart.sectors.certificates import (
    Certificate,
    algebra_dim,
    certify,
    full_dim,
    lie_coefficients,
    lie_element,
    root_values,
)
from pennylane_wishart.sectors.dense import Irrep, decompose_blocks
from pennylane_wishart.sectors.krylov import reachable_block
from pennylane_wishart.sectors.linkage import judge_independence, link_ideals
from pennylane_wishart.sectors.multiplicity import Observed, observe
from pennylane_wishart.sectors.observables import density_spectrum, generator_facts, spectrum_facts
from pennylane_wishart.sectors.problem import Problem
from pennylane_wishart.sectors.reality import Reality, find_reality
from pennylane_wishart.sectors.records import Fit, Sector

__all__ = ["DenseResult", "dense_sectors"]

_CERTIFICATES = 3
_LIGHT = 1e-14
_MOMENTS = "Second moments hold all the same."


@dataclass(frozen=True, eq=False)
class DenseResult:
    """What the dense route found."""

    sectors: tuple[Sector, ...]
    in_theory: bool
    reason: str
    independent: bool
    independence_reason: str
    algebra: LieAlgebra | None
    """The algebra of the relevant generators where every sector was certified, else None. Not
    closed, its dimension a lower bound, where only what the input reaches was split."""
    status: tuple[Status, ...]
    complete: bool
    """Whether the whole Hilbert space was split, not only what the input reaches."""
    fits: bool
    """Whether the observable acts on every sector as O^α ⊗ 1 and connects none of them."""


def dense_sectors(problem: Problem, rng, limit: int, whole: bool) -> DenseResult | None:
    """Split, certify and judge all sectors, or those that the input reaches.

    Returns None where the reachable space is larger than ``limit`` or no split was verified.
    Cost: O(N³) for the largest invariant set of basis states, N.
    """
    generators = [problem.generators[k] for k in problem.relevant]
    support, values = input_amplitudes(problem.circuit.state)
    if whole:
        blocks = full_blocks(generators, problem.observable, problem.n_qubits)
    else:
        block = reachable_block(generators, problem.observable, support, values, limit, rng)
        if block is None:
            return None
        blocks = [block]
    split = decompose_blocks(blocks, len(generators), rng)
    if split is None:
        return None
    parts = [b.part(support, values) for b in blocks]
    seen, constant = [], 0.0
    for irrep in split.irreps:
        observed, rest = observe(irrep, [b.observable for b in blocks], parts, rng)
        seen += observed
        constant += rest
    shift = constant if abs(constant) > 1e-12 else 0.0
    seen = [replace(o, operator=o.operator + shift * np.eye(len(o.operator))) for o in seen]
    return _judge(problem, split, seen, parts, rng, whole)


def input_amplitudes(state: InputState) -> tuple[np.ndarray, np.ndarray]:
    """Return (basis states, amplitudes) of an input; basis states need no vector, to 62 qubits."""
    if state.basis_bits is not None:
        bits = state.basis_bits.astype(np.int64)
        index = int(bits @ (1 << np.arange(len(bits) - 1, -1, -1, dtype=np.int64)))
        return np.array([index]), np.ones(1, dtype=complex)
    vector = state.vector()
    support = np.flatnonzero(np.abs(vector) > 1e-14)
    return support, vector[support]


def _judge(problem, split, seen: list[Observed], parts, rng, whole) -> DenseResult:
    found = [
        _sector(problem, s, s.irrep.amplitudes(parts), drawn, whole)
        for s, drawn in zip(seen, _shared_draws([s.irrep for s in seen], rng), strict=True)
    ]
    links = link_ideals([c.roots for _, c in found])
    sectors = [replace(s, linked_to=link) for (s, _), link in zip(found, links, strict=True)]
    order = sorted(range(len(sectors)), key=lambda i: (-round(sectors[i].weight, 12), -sectors[i].dim))
    sectors = [sectors[i] for i in order]
    certificates = [found[i][1] for i in order]
    unfit = {s.fit for s in sectors} - {Fit.EXACT}
    sectors, independent, why = judge_independence(sectors)
    outside = [s for s in sectors if s.is_linear and not s.in_theory]
    if Fit.CONNECTS in unfit:
        reason = "The observable connects sectors: it is outside the algebra that the generators span. " + _MOMENTS
    elif unfit:
        reason = (
            "The observable is outside the algebra that the generators span: it mixes the copies of a sector in ways "
            "that do not commute. " + _MOMENTS
        )
    elif outside:
        reason = outside[0].reason
    else:
        reason = "Every sector that carries weight is a certified Jordan sector, all independent."
    algebra = _algebra(problem, sectors, certificates, whole)
    status: tuple[Status, ...] = ()
    if any(s.kind == "other" for s in sectors):
        status += (Status.NO_CERTIFICATE,)
    return DenseResult(
        tuple(sectors),
        not unfit and not outside,
        reason,
        independent,
        why,
        algebra,
        status,
        whole,
        not unfit,
    )


def _shared_draws(irreps: Sequence[Irrep], rng):
    """Yield, per sector, generic elements (X, Y) of the algebra: the same ones everywhere."""
    n_generators, n_elements = len(irreps[0].generators), len(irreps[0].elements)
    draws = [[lie_coefficients(n_generators, n_elements, rng) for _ in range(2)] for _ in range(_CERTIFICATES)]
    seeds = rng.integers(2**63, size=len(irreps))
    for seed in seeds:
        yield draws, np.random.default_rng(seed)


def _sector(problem, seen: Observed, amplitudes, drawn, whole) -> tuple[Sector, Certificate]:
    (draws, rng), irrep, operator = drawn, seen.irrep, seen.operator
    reality = find_reality(irrep.traceless, irrep.elements, rng)
    certificate = _certificate(irrep, reality.beta, draws)
    if irrep.dim == 2:  # Sp(1) = SU(2): the Hermitian 2×2 matrices are the larger Jordan algebra
        reality = Reality(2, None, None)
    kind = certificate.kind
    beta = {"su": 2, "so": 1, "sp": 4}.get(kind)
    facts = spectrum_facts((operator + operator.conj().T) / 2)
    traces, spectra = generator_facts(irrep.generators)
    weight = float(np.sum(np.abs(amplitudes) ** 2))
    if weight < _LIGHT:  # rounding noise of the split
        weight, amplitudes = 0.0, np.zeros_like(amplitudes)
    density = density_spectrum(amplitudes, reality.form if beta else None, beta)
    all_traces = np.zeros((len(problem.generators), 2))
    all_traces[problem.relevant] = traces
    sector = Sector(
        dim=irrep.dim,
        multiplicity=irrep.multiplicity,
        beta=beta,
        kind=kind,
        weight=min(weight, 1.0),
        purity=float(np.sum(density**2)),
        rho_spectrum=density,
        generator_traces=all_traces,
        generator_spectra={int(problem.relevant[k]): s for k, s in spectra.items()},
        label="" if whole else "reached from the input",
        fit=seen.fit,
        **facts,
    )
    inside, reason = _verdict(sector, reality, operator, irrep, rng)
    return sector.with_verdict(inside, reason), certificate


def _certificate(irrep: Irrep, beta: int, draws) -> Certificate:
    """Certify one sector; the first draw is shared by all sectors, so that roots compare."""
    x, y = (lie_element(irrep.traceless, irrep.elements, c) for c in draws[0])
    certificate = certify(x, y, beta)
    for pair in draws[1:]:
        if certificate.kind != "other":
            break
        again_x, again_y = (lie_element(irrep.traceless, irrep.elements, c) for c in pair)
        again = certify(again_x, again_y, beta)
        if again.kind != "other":
            certificate = Certificate(again.kind, root_values(again.kind, x))
    return certificate


def _verdict(sector: Sector, reality: Reality, operator, irrep: Irrep, rng) -> tuple[bool, str]:
    if sector.fit is not Fit.EXACT:
        return False, str(sector.fit)
    if sector.is_constant:
        return True, "The observable is a constant here."
    if sector.kind == "other" and not sector.is_linear:
        return False, "No certificate for the group here; the input has no weight in this sector."
    if sector.kind == "other":
        dim = algebra_dim(irrep.traceless, rng)
        kind = {1: "so", 2: "su", 4: "sp"}[reality.beta]
        size = sector.dim if kind != "sp" else sector.dim // 2
        full = full_dim(kind, sector.dim)
        if dim is None:
            return False, f"No certificate that the group here is all of {kind}({size})."
        return False, (
            f"The group acts on C^{sector.dim} through an algebra of dimension {dim}, not through "
            f"{kind}({size}) (dimension {full}) in its defining representation: a tensor product, "
            "a spin or another higher representation."
        )
    if sector.beta in (1, 4) and not reality.commutes(operator):
        name = "real symmetric" if sector.beta == 1 else "quaternion Hermitian"
        return False, (
            f"The observable is not in the Jordan algebra of this sector: it is not {name} where "
            f"the group is {'orthogonal' if sector.beta == 1 else 'symplectic'}."
        )
    name = {1: "SO", 2: "SU", 4: "Sp"}[sector.beta or 2]
    size = sector.dim if sector.beta != 4 else sector.dim // 2
    return (
        True,
        f"The group is all of {name}({size}) here, and the observable is in its Jordan algebra.",
    )


def _algebra(problem: Problem, sectors, certificates, whole) -> LieAlgebra | None:
    """Return the algebra of the relevant generators if every sector was certified."""
    if any(c.kind == "other" for c in certificates):
        return None
    classes: dict[int, tuple[str, int]] = {}
    for sector, certificate in zip(sectors, certificates, strict=True):
        size = sector.dim // 2 if certificate.kind == "sp" else sector.dim
        kind, size = ("su", 2) if certificate.kind == "so" and size == 4 else (certificate.kind, size)
        classes.update(dict.fromkeys(sector.linked_to, (kind, size)))
    ideals = merge_ideals(i for kind, n in classes.values() for i in canonical_ideals(kind, n)[0])
    traces = np.array([s.generator_traces[problem.relevant, 0] for s in sectors])
    center = int(np.linalg.matrix_rank(traces, tol=1e-8)) if traces.size else 0
    return LieAlgebra(
        dim=sum(i.dim * i.copies for i in ideals) + center,
        n_qubits=problem.n_qubits,
        method="sectors certificate: isolated roots per sector, independence by root values",
        is_closed=whole,
        status=Status.OK if whole else Status.TRUNCATED,
        known_structure=(ideals, center) if whole else None,
    )
