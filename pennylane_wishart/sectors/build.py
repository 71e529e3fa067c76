"""``build_signature``: choose the route, judge, and assemble the ``Signature``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, close
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.sectors.certificates import full_dim
from pennylane_wishart.sectors.dense_route import DenseResult, dense_sectors
from pennylane_wishart.sectors.pauli_route import PauliResult, pauli_sectors
from pennylane_wishart.sectors.problem import Problem, pose
from pennylane_wishart.sectors.records import Sector
from pennylane_wishart.sectors.signature import Signature
from pennylane_wishart.sectors.spin import find_spin_factor, spin_sector

__all__ = ["build_signature"]

_DENSE_QUBITS = 10
_FORCED_QUBITS = 12
_REACHABLE_DIM = 1500
_REACHABLE_QUBITS = 20
_REACHABLE_BASIS_QUBITS = 62
_CLOSURE_DIM = 1500


def build_signature(circuit: RotationCircuit, seed=0, route: str | None = None) -> Signature:
    """Build the signature of a circuit: its algebra, its sectors, inside or outside the theory.

    Generators that never change the loss are set aside. Single-word generators take the Pauli
    route (any number of qubits); sums take the dense route to 10 qubits (to 12 where it is
    asked for), and beyond it the subspace that the input reaches (one particle number or spin,
    say) if that has at most 1,500 dimensions. Sectors are those of the algebra: all copies of
    an irrep are one, split only where the observable resolves them (``multiplicity.py``). An
    observable outside the Jordan sectors may still turn as a vector: a spin factor. Not valid
    for circuits too shallow to mix: sectors describe the deep limit.

    Args:
        circuit: the normal form of a QNode.
        seed: draws the generic elements of the dense route and the angles of ``n_independent``.
        route: "pauli", "dense" or "reachable" to force one; None chooses.
    Returns:
        ``Signature``; where no route applies it has no sectors, ``in_theory`` is False and the
        reason says so.
    Raises:
        InputError: if ``circuit`` is not a RotationCircuit or the forced route does not apply.
    Cost: Pauli route: F2 algebra and the spectrum of the observable's own words; dense route:
        O(N³) for the largest block that word symmetries leave, N ≤ 1,024 (4,096 where asked for).
    Source: Anschuetz, arXiv:2408.11901, for the sectors; the certificates are ours.
    Example:
        >>> from pennylane_wishart.circuit import RotationCircuit
        >>> words = ["XI", "YI", "IX", "IY", "ZZ"]
        >>> signature = build_signature(RotationCircuit.from_words(words, {"ZI": 1.0}))
        >>> signature.algebra.name, signature.in_theory, signature.sectors[0].dof_finite
        ('su(4)', True, 4.0)
    """
    if not isinstance(circuit, RotationCircuit):
        raise InputError(
            f"build_signature needs a RotationCircuit; got {type(circuit).__name__}: call "
            "pw.normal_form(qnode)(*args) first, or pw.signature(qnode)(*args)."
        )
    if route not in (None, "pauli", "dense", "reachable"):
        raise InputError(f"route must be None, 'pauli', 'dense' or 'reachable'; got {route!r}.")
    problem = pose(circuit)
    rng = np.random.default_rng(seed)
    if len(problem.relevant) == 0:
        return _constant(problem, seed)
    facts, known = _route(problem, rng, route)
    if not facts["in_theory"]:
        facts = _try_spin_factor(problem, facts, rng)
    algebra = _algebra(problem, known)
    return _assemble(problem, algebra, _explained(facts, algebra), seed)


def _explained(facts: dict[str, Any], algebra: LieAlgebra) -> dict[str, Any]:
    """Turn a missing certificate into a proof where the whole algebra is too small to be full."""
    if not algebra.is_closed:
        return facts
    sectors, reasons = [], {}
    for s in facts["sectors"]:
        if s.kind == "other" and s.reason.startswith("No certificate") and algebra.dim < full_dim("so", s.dim):
            new = (
                f"The whole algebra has dimension {algebra.dim}, and so({s.dim}), the smallest that acts on "
                f"C^{s.dim} in a defining representation, {full_dim('so', s.dim)}: the group acts through another one."
            )
            reasons[s.reason] = new
            s = s.with_verdict(False, new)
        sectors.append(s)
    return facts | dict(sectors=tuple(sectors), reason=reasons.get(facts["reason"], facts["reason"]))


def _route(problem: Problem, rng, route: str | None) -> tuple[dict[str, Any], LieAlgebra | None]:
    """Return the sector fields of the signature, and the algebra where the route certified it."""
    words = problem.relevant_words is not None
    if route == "pauli" or (route is None and words):
        if not words:
            raise InputError("route='pauli' needs generators that are single Pauli words.")
        p = pauli_sectors(problem)
        small = route is None and problem.n_qubits <= _DENSE_QUBITS
        if small and not p.in_theory and not p.independent:
            reached = _reached(problem, rng)
            if reached is not None:
                return reached, None
        if not (small and p.by_sums):
            return _pauli_facts(p), None
    whole = route == "dense" or (route is None and problem.n_qubits <= _DENSE_QUBITS)
    if whole and problem.n_qubits > _FORCED_QUBITS:
        raise InputError(
            f"route='dense' stops at {_FORCED_QUBITS} qubits; this circuit has {problem.n_qubits}. "
            "Use route='reachable', or generators that are single words."
        )
    d = None
    basis = problem.circuit.state.basis_bits is not None
    if problem.n_qubits <= (_REACHABLE_BASIS_QUBITS if basis else _REACHABLE_QUBITS):
        d = dense_sectors(problem, rng, _REACHABLE_DIM, whole)
    if d is None:
        return _no_route(problem), None
    if whole and route is None and not d.in_theory:
        # The observable may leave sectors that this input never sees: judge what it reaches.
        reached = _reached(problem, rng)
        if reached is not None:
            return reached, d.algebra
    return _dense_facts(d), d.algebra


def _reached(problem: Problem, rng) -> dict[str, Any] | None:
    """Judge the subspace that the input reaches; None unless the theory holds there.

    An input that is the same state in every copy of an irrep reaches one copy, in which the
    observable is its mean over copies: linked sectors are then no obstacle.
    """
    d = dense_sectors(problem, rng, _REACHABLE_DIM, False)
    if d is None or not d.in_theory:
        return None
    return _dense_facts(replace(d, reason=f"In the space that the input reaches: {d.reason}", status=()))


def _dense_facts(d: DenseResult) -> dict[str, Any]:
    return dict(
        sectors=d.sectors,
        in_theory=d.in_theory,
        reason=d.reason,
        method="dense route",
        independent=d.independent,
        independence_reason=d.independence_reason,
        n_sectors=len(d.sectors) if d.complete else None,
        status=d.status,
    )


def _pauli_facts(p: PauliResult) -> dict[str, Any]:
    return dict(
        sectors=p.sectors,
        in_theory=p.in_theory,
        reason=p.reason,
        method="Pauli route",
        independent=p.independent,
        independence_reason=p.independence_reason,
        n_sectors=p.n_sectors,
        sector_distribution=p.distribution,
        status=p.status,
    )


def _no_route(problem: Problem) -> dict[str, Any]:
    return dict(
        sectors=(),
        in_theory=False,
        reason=(
            "No route finds the sectors: the generators are sums of Pauli words on "
            f"{problem.n_qubits} qubits, and the input reaches more than {_REACHABLE_DIM} dimensions "
            "(or no split was verified). Second moments at this depth and measured data still apply."
        ),
        method="none",
        independent=False,
        independence_reason="Not assessed.",
        status=(Status.NOT_ASSESSED,),
    )


def _try_spin_factor(problem: Problem, facts: dict[str, Any], rng) -> dict[str, Any]:
    factor = find_spin_factor(problem, rng)
    if factor is None:
        return facts
    sector = spin_sector(factor, problem.n_qubits, len(problem.generators))
    return facts | dict(
        sectors=(sector,),
        in_theory=True,
        reason=sector.reason,
        method="spin factor",
        independent=True,
        independence_reason="There is one sector.",
        n_sectors=1,
        sector_distribution=None,
        spin_factor=factor,
        status=(),
    )


def _constant(problem: Problem, seed) -> Signature:
    observable = problem.observable
    value = float(observable.coefficients @ problem.circuit.state.expectation(observable.words))
    reason = "The observable commutes with every generator: the loss is constant."
    sector = Sector(
        dim=1,
        multiplicity=2**problem.n_qubits,
        beta=None,
        kind="trivial",
        center=value,
        variance=0.0,
        ground=value,
        ground_status="exact",
        weight=1.0,
        purity=1.0,
        rho_spectrum=np.ones(1),
        spectrum=(np.array([value]), (1,)),
        in_theory=True,
        reason=reason,
        generator_traces=np.zeros((len(problem.generators), 2)),
    )
    facts = dict(
        sectors=(sector,),
        in_theory=True,
        reason=reason,
        method="none",
        independent=True,
        independence_reason="There is one sector.",
        n_sectors=1,
    )
    return _assemble(problem, _algebra(problem, None), facts, seed)


def _assemble(problem: Problem, algebra: LieAlgebra, facts: dict[str, Any], seed) -> Signature:
    if not algebra.is_closed:
        facts = facts | {"status": (*facts.get("status", ()), Status.TRUNCATED)}
    return Signature(
        circuit=problem.circuit,
        algebra=algebra,
        generators=problem.generators,
        generator_of=problem.generator_of,
        generator_scale=problem.generator_scale,
        observable=problem.observable,
        seed=seed if isinstance(seed, int) else None,
        **facts,
    )


def _algebra(problem: Problem, known: LieAlgebra | None) -> LieAlgebra:
    """Return the algebra of all generators, not only of those that move the observable."""
    if problem.algebra is not None:
        return problem.algebra
    if len(problem.relevant) == len(problem.generators) and known is not None and known.is_closed:
        return known
    closed = close(list(problem.generators), max_dim=_CLOSURE_DIM)
    if not closed.is_closed and known is not None and known.dim > closed.dim:
        return known
    return closed
