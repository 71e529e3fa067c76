"""``build_signature``: choose the route, judge, and assemble the ``Signature``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, close
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.errors import InputError, Status, UnsupportedCircuitError
from pennylane_wishart.sectors.certificates import full_dim
from pennylane_wishart.sectors.dense_route import DenseResult, dense_sectors
from pennylane_wishart.sectors.pauli_route import PauliResult, pauli_sectors
from pennylane_wishart.sectors.problem import Problem, pose
from pennylane_wishart.sectors.records import Sector
from pennylane_wishart.sectors.signature import DENSE, PAULI, SPIN, Signature
from pennylane_wishart.sectors.spin import find_spin_factor, spin_sector

__all__ = ["build_signature"]

_DENSE_QUBITS = 10
_FORCED_QUBITS = 12
_REACHABLE_DIM = 1500
_REACHABLE_WORDS_DIM = 256
_REACHABLE_QUBITS = 20
_REACHABLE_BASIS_QUBITS = 62
_CLOSURE_DIM = 1500
_CLOSURE_WORK = 2e9
"""Multiply-adds of the exact closure: some seconds. Past it the dimension is a lower bound."""


def build_signature(circuit: RotationCircuit, seed=0, route: str | None = None) -> Signature:
    """Build the signature of a circuit: its algebra, its sectors, inside or outside the theory.

    Generators that never change the loss are set aside. Routes fall back to one another: single-word
    generators take the Pauli route (any number of qubits); sums, and words whose observable
    connects sectors, the dense route to 10 qubits (to 12 where it is asked for). Where that finds
    no split, or none inside the theory, the subspace that the input reaches is split (one particle
    number or spin, say), to 1,500 dimensions. Where nothing applies, second moments are left.
    Sectors are those of the algebra: all copies of
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
    try:
        problem = pose(circuit)
    except UnsupportedCircuitError as err:
        if route is not None:
            raise
        return _unposed(circuit, str(err), seed)
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
    if route is not None:
        return _forced(problem, rng, route)
    pauli = None
    if problem.relevant_words is not None:
        pauli = pauli_sectors(problem)
        facts = _pauli_facts(pauli)
        if pauli.in_theory or (pauli.fits and pauli.independent):
            return facts, None
        facts = _try_spin_factor(problem, facts, rng)
        if facts["in_theory"]:
            return facts, None
    whole = None
    if problem.n_qubits <= _DENSE_QUBITS and (pauli is None or not pauli.fits):
        whole = dense_sectors(problem, rng, _REACHABLE_DIM, True)
        if whole is not None and whole.in_theory:
            return _dense_facts(whole), whole.algebra
    # the observable may connect or mix sectors that this input never sees: judge what it reaches
    reached = _reached(problem, rng, pauli)
    if whole is None and pauli is None:
        return (_no_route(problem), None) if reached is None else (_dense_facts(reached), reached.algebra)
    known = None if whole is None else whole.algebra
    fits = whole.fits if whole is not None else pauli is not None and pauli.fits
    if reached is not None and (reached.in_theory or (reached.fits and not fits)):
        reason = f"In the space that the input reaches: {reached.reason}"
        return _dense_facts(replace(reached, reason=reason, status=())), known
    if whole is not None:
        return _dense_facts(whole), known
    assert pauli is not None
    return _pauli_facts(pauli), None


def _forced(problem: Problem, rng, route: str) -> tuple[dict[str, Any], LieAlgebra | None]:
    """Take the route that was asked for, and no other."""
    if route == "pauli":
        if problem.relevant_words is None:
            raise InputError("route='pauli' needs generators that are single Pauli words.")
        return _pauli_facts(pauli_sectors(problem)), None
    if route == "dense" and problem.n_qubits > _FORCED_QUBITS:
        raise InputError(
            f"route='dense' stops at {_FORCED_QUBITS} qubits; this circuit has {problem.n_qubits}. "
            "Use route='reachable', or generators that are single words."
        )
    found = dense_sectors(problem, rng, _REACHABLE_DIM, True) if route == "dense" else _reached(problem, rng, None)
    return (_no_route(problem), None) if found is None else (_dense_facts(found), found.algebra)


def _reached(problem: Problem, rng, pauli: PauliResult | None) -> DenseResult | None:
    """Split and judge the subspace that the input reaches; None where it is too large.

    An input that is the same state in every copy of an irrep reaches one copy, in which the
    observable is its mean over copies: linked sectors are then no obstacle.
    """
    n = problem.n_qubits
    if n > (_REACHABLE_QUBITS if problem.circuit.state.basis_bits is None else _REACHABLE_BASIS_QUBITS):
        return None
    limit = _REACHABLE_DIM
    if pauli is not None and n > _DENSE_QUBITS:  # second moments of words are there already: less work is worth it
        limit = _REACHABLE_WORDS_DIM
    if pauli is not None and 2**pauli.log2_dim > limit:
        return None
    return dense_sectors(problem, rng, limit, False)


def _dense_facts(d: DenseResult) -> dict[str, Any]:
    return dict(
        sectors=d.sectors,
        in_theory=d.in_theory,
        reason=d.reason,
        method=DENSE,
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
        method=PAULI,
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


def _unposed(circuit: RotationCircuit, reason: str, seed) -> Signature:
    """Return the signature of a circuit whose generators are too long to be written down."""
    algebra = LieAlgebra(
        dim=0,
        n_qubits=circuit.n_qubits,
        method="not assessed",
        is_closed=False,
        status=Status.TRUNCATED,
    )
    return Signature(
        circuit=circuit,
        algebra=algebra,
        sectors=(),
        in_theory=False,
        reason=f"{reason} Exact second moments and measured data still apply.",
        method="none",
        independent=False,
        independence_reason="Not assessed.",
        generators=(),
        generator_of=np.full(circuit.n_rotations, -1),
        generator_scale=np.zeros(circuit.n_rotations),
        observable=circuit.observable,
        status=(Status.NOT_ASSESSED,),
        seed=seed if isinstance(seed, int) else None,
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
        method=SPIN,
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
    if known is not None and known.dim > _CLOSURE_DIM:
        return known  # a lower bound, but a truncated closure could not reach it
    closed = close(list(problem.generators), max_dim=_CLOSURE_DIM, max_work=_CLOSURE_WORK)
    if not closed.is_closed and known is not None and known.dim > closed.dim:
        return known
    return closed
