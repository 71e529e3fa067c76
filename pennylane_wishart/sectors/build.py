"""``build_signature``: ask the routes to the sectors in turn, and assemble the ``Signature``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, close
from pennylane_wishart.circuit import RotationCircuit, noise_free
from pennylane_wishart.conventions import Reason, ReasonCode
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.errors import InputError, Status, UnsupportedCircuitError
from pennylane_wishart.sectors.dense.certificates import full_dim
from pennylane_wishart.sectors.dense.route import dense_sectors
from pennylane_wishart.sectors.findings import Found, Route
from pennylane_wishart.sectors.pauli.route import pauli_sectors
from pennylane_wishart.sectors.problem import Problem, pose
from pennylane_wishart.sectors.records import Sector
from pennylane_wishart.sectors.signature import Signature
from pennylane_wishart.sectors.spin import find_spin_factor, spin_sector

__all__ = ["build_signature"]


def build_signature(
    circuit: RotationCircuit, seed: int | np.random.Generator | None = 0, route: str | None = None
) -> Signature:
    """Build the signature of a circuit: its algebra, its sectors, inside or outside the theory.

    Generators that never change the loss are set aside. Routes fall back to one another: single-word
    generators take the Pauli route (any number of qubits); sums, and words whose observable
    connects sectors, the dense route to 10 qubits (to 12 where it is asked for). Where that finds
    no split, or none inside the theory, the subspace that the input reaches is split (one particle
    number or spin, say), to 1,500 dimensions. Where nothing applies, second moments are left.
    Sectors are those of the algebra: all copies of an irrep are one, split only where the observable
    resolves them (``dense/multiplicity.py``). An observable outside the Jordan sectors may still turn
    as a vector: a spin factor. Noise is left out. Sectors describe the deep limit: not for shallow circuits.

    Args:
        circuit: the normal form of a QNode.
        seed: draws the generic elements of the dense route and the angles of ``n_independent``.
        route: "pauli", "dense" or "reachable" to force one; None chooses.
    Returns:
        ``Signature``; where no route applies it has no sectors, ``in_theory`` is False and the
        reason says so; ``passed_over`` says why of each route that was not taken.
    Raises:
        InputError: if ``circuit`` is not a RotationCircuit or the forced route does not apply.
    Cost: Pauli route: F2 algebra; dense route: O(N³) for the largest block, N ≤ 1,024 (4,096 where asked for).
    Source: Anschuetz, arXiv:2408.11901, for the sectors; the certificates are ours.
    Example:
        >>> from pennylane_wishart.circuit import RotationCircuit
        >>> words = ["XI", "YI", "IX", "IY", "ZZ"]
        >>> signature = build_signature(RotationCircuit.from_words(words, {"ZI": 1.0}))
        >>> signature.algebra.name, signature.in_theory, signature.sectors[0].dof_finite
        ('su(4)', True, 4.0)
    """
    if not isinstance(circuit, RotationCircuit):
        got = type(circuit).__name__
        raise InputError(f"build_signature needs a RotationCircuit; got {got}: call pw.signature(qnode)(*args).")
    if route not in (None, "pauli", "dense", "reachable"):
        raise InputError(f"route must be None, 'pauli', 'dense' or 'reachable'; got {route!r}.")
    if circuit.channels:
        return replace(build_signature(noise_free(circuit), seed, route), noisy=circuit)
    try:
        problem = pose(circuit)
    except UnsupportedCircuitError as err:
        if route is not None:
            raise
        found = _not_assessed(f"{err} Exact second moments and measured data still apply.")
        return _assembled(_unposed(circuit), _unknown_algebra(circuit), found, seed, {})
    rng = np.random.default_rng(seed)
    passed: dict[str, Reason] = {}
    if len(problem.relevant) == 0:  # no generator meets the observable: nothing moves
        found = _constant(problem)
    elif route is None:
        found = _first_that_applies(problem, rng, passed)
    else:
        found = _forced(problem, rng, route)
    if not found.in_theory:
        spun = _as_spin_factor(problem, rng)
        found = found if spun is None else replace(spun, algebra=found.algebra)
    algebra = _algebra(problem, found.algebra)
    return _assembled(problem, algebra, _too_small_to_be_full(found, algebra), seed, passed)


# ---------------------------------------------------------------------- the order of the routes
def _first_that_applies(problem: Problem, rng: np.random.Generator, passed: dict[str, Reason]) -> Found:
    """Ask the routes, cheapest first; note in ``passed`` why each one that is not taken is not."""
    pauli = whole = None
    if problem.relevant_words is None:
        passed["pauli"] = Reason(ReasonCode.UNSUPPORTED, "Its generators are sums of Pauli words.")
    else:
        pauli = pauli_sectors(problem)
        # an observable that fits independent sectors and is still outside is so on every route
        if pauli.in_theory or (pauli.fits and pauli.independent):
            return pauli
        spun = _as_spin_factor(problem, rng)
        if spun is not None:
            return spun
        passed["pauli"] = _why(pauli)
    if problem.n_qubits > limits.DENSE_QUBITS:
        passed["dense"] = Reason(
            ReasonCode.TOO_LARGE, f"{problem.n_qubits} qubits; it goes to {limits.DENSE_QUBITS} by itself."
        )
    elif pauli is not None and pauli.fits:
        passed["dense"] = Reason(ReasonCode.NOT_ASKED, "Words have found the same sectors.")
    elif pauli is not None and pauli.log2_dim == 0 and problem.n_qubits > limits.LINES_QUBITS:
        # generators that all commute: lines on every route, and an observable that joins them on each
        passed["dense"] = passed["reachable"] = Reason(ReasonCode.NOT_ASKED, "All sectors are one-dimensional.")
        passed.pop("pauli")
        return pauli
    else:
        whole = dense_sectors(problem, rng, limits.REACHABLE_DIM, True)
        if whole is not None and whole.in_theory:
            return whole
        passed["dense"] = _why(whole)
    # the observable may connect or mix sectors that this input never sees: judge what it reaches
    reached = _reached(problem, rng, pauli)
    other = whole or pauli
    if reached is None or (other is not None and not reached.in_theory and (not reached.fits or other.fits)):
        passed["reachable"] = _why(reached)
        if other is None:
            return _no_route(problem)
        passed.pop("pauli" if other is pauli else "dense")
        return other
    if other is None:
        return reached
    # its own algebra is only a bound: that of the whole space stands where it was certified
    return replace(
        reached,
        reason=f"In the space that the input reaches: {reached.reason}",
        status=(),
        algebra=None if whole is None else whole.algebra,
        decided_by=None,
    )


def _why(found: Found | None) -> Reason:
    if found is None:
        return Reason(ReasonCode.TOO_LARGE, "The space is too large, or no split of it was verified.")
    return Reason(found.code or ReasonCode.OUT_OF_THEORY, found.reason)


def _forced(problem: Problem, rng: np.random.Generator, route: str) -> Found:
    """Take the route that was asked for, and no other."""
    if route == "pauli":
        if problem.relevant_words is None:
            raise InputError("route='pauli' needs generators that are single Pauli words.")
        return pauli_sectors(problem)
    if route == "dense" and problem.n_qubits > limits.FORCED_QUBITS:
        raise InputError(
            f"route='dense' stops at {limits.FORCED_QUBITS} qubits; this circuit has {problem.n_qubits}. "
            "Use route='reachable', or generators that are single words."
        )
    whole = route == "dense"
    found = dense_sectors(problem, rng, limits.REACHABLE_DIM, True) if whole else _reached(problem, rng, None)
    return found or _no_route(problem)


def _reached(problem: Problem, rng: np.random.Generator, pauli: Found | None) -> Found | None:
    """Split and judge the subspace that the input reaches; None where it is too large.

    An input that is the same state in every copy of an irrep reaches one copy, in which the
    observable is its mean over copies: linked sectors are then no obstacle.
    """
    n, is_basis = problem.n_qubits, problem.circuit.state.basis_bits is not None
    if n > (limits.REACHABLE_BASIS_QUBITS if is_basis else limits.REACHABLE_QUBITS):
        return None
    limit = limits.REACHABLE_DIM
    if pauli is not None and n > limits.DENSE_QUBITS:  # second moments of words are there already
        limit = limits.REACHABLE_WORDS_DIM
    # all sectors have this dimension: an input cannot reach less
    if pauli is not None and 2**pauli.log2_dim > limit:
        return None
    return dense_sectors(problem, rng, limit, False)


# ---------------------------------------------------------------------- findings that need no route
def _not_assessed(reason: str) -> Found:
    return Found(Route.NONE, (), False, reason, ReasonCode.TOO_LARGE, status=(Status.NOT_ASSESSED,))


def _no_route(problem: Problem) -> Found:
    return _not_assessed(
        "No route finds the sectors: the generators are sums of Pauli words on "
        f"{problem.n_qubits} qubits, and the input reaches more than {limits.REACHABLE_DIM} dimensions "
        "(or no split was verified). Second moments at this depth and measured data still apply."
    )


def _one_sector(route: Route, sector: Sector) -> Found:
    return Found(route, (sector,), True, sector.reason, None, True, "There is one sector.", 1)


def _as_spin_factor(problem: Problem, rng: np.random.Generator) -> Found | None:
    factor = find_spin_factor(problem, rng)
    if factor is None:
        return None
    sector = spin_sector(factor, problem.n_qubits, len(problem.generators))
    return replace(_one_sector(Route.SPIN, sector), spin_factor=factor)


def _constant(problem: Problem) -> Found:
    observable = problem.observable
    value = float(observable.coefficients @ problem.circuit.state.expectation(observable.words))
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
        reason="The observable commutes with every generator: the loss is constant.",
        generator_traces=np.zeros((len(problem.generators), 2)),
    )
    return _one_sector(Route.NONE, sector)


def _too_small_to_be_full(found: Found, algebra: LieAlgebra) -> Found:
    """Turn a missing certificate into a proof where the whole algebra is too small to be full."""
    if not algebra.is_closed:
        return found
    sectors = list(found.sectors)
    for i, s in enumerate(sectors):
        # so(N) is the smallest algebra with an irreducible defining representation on C^N
        if s.reason_code is ReasonCode.NO_CERTIFICATE and algebra.dim < full_dim("so", s.dim):
            sectors[i] = s.with_verdict(
                False,
                f"The whole algebra has dimension {algebra.dim}, and so({s.dim}), the smallest that acts on "
                f"C^{s.dim} in a defining representation, {full_dim('so', s.dim)}: the group acts through another one.",
                ReasonCode.OUT_OF_THEORY,
            )
    if found.decided_by is None:
        return replace(found, sectors=tuple(sectors))
    decisive = sectors[found.decided_by]
    return replace(found, sectors=tuple(sectors), reason=decisive.reason, code=decisive.reason_code)


# ---------------------------------------------------------------------- algebra and record
def _algebra(problem: Problem, known: LieAlgebra | None) -> LieAlgebra:
    """Return the algebra of all generators, not only of those that move the observable."""
    if problem.algebra is not None:
        return problem.algebra
    if len(problem.relevant) == len(problem.generators) and known is not None and known.is_closed:
        return known
    if known is not None and known.dim > limits.CLOSURE_DIM:
        return known  # a lower bound, but a truncated closure could not reach it
    # sectors certify the relevant part alone: the rest has to be closed
    closed = close(list(problem.generators), max_dim=limits.CLOSURE_DIM, max_work=limits.CLOSURE_WORK)
    if not closed.is_closed and known is not None and known.dim > closed.dim:
        return known
    return closed


def _unknown_algebra(circuit: RotationCircuit) -> LieAlgebra:
    return LieAlgebra(dim=0, n_qubits=circuit.n_qubits, method="not assessed", is_closed=False, status=Status.TRUNCATED)


def _unposed(circuit: RotationCircuit) -> Problem:
    """Return what is left of a circuit whose generators are too long to be written down."""
    none = np.zeros(0, dtype=np.int64)
    index, scale = np.full(circuit.n_rotations, -1), np.zeros(circuit.n_rotations)
    return Problem(circuit, (), index, scale, circuit.observable, none, none, None, None)


def _assembled(
    problem: Problem,
    algebra: LieAlgebra,
    found: Found,
    seed: int | np.random.Generator | None,
    passed: dict[str, Reason],
) -> Signature:
    # a circuit that was not posed has said so already
    truncated = () if algebra.is_closed or not problem.generators else (Status.TRUNCATED,)
    return Signature(
        circuit=problem.circuit,
        algebra=algebra,
        sectors=found.sectors,
        in_theory=found.in_theory,
        reason=found.reason,
        method=found.route,
        independent=found.independent,
        independence_reason=found.independence_reason,
        generators=problem.generators,
        generator_of=problem.generator_of,
        generator_scale=problem.generator_scale,
        observable=problem.observable,
        n_sectors=found.n_sectors,
        spin_factor=found.spin_factor,
        sector_distribution=found.distribution,
        status=found.status + truncated,
        seed=seed if isinstance(seed, int) else None,
        reason_code=found.code,
        passed_over=passed,
    )
