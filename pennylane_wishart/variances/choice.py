"""``moments_of``: the sharpest engine that is valid for a circuit, and which one it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, ModuleTooLargeError, Status, UnsupportedCircuitError
from pennylane_wishart.variances.building import Found, is_constant, record_of
from pennylane_wishart.variances.engines.line.moments import found_on_line, line_seconds
from pennylane_wishart.variances.engines.sampled import found_by_sampling
from pennylane_wishart.variances.engines.walks.pairs import found_by_pairs
from pennylane_wishart.variances.engines.walks.walk import found_by_walk
from pennylane_wishart.variances.exact import ExactLimits, found_exactly
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.records import SecondMoments
from pennylane_wishart.variances.sweepers import sweeps_of
from pennylane_wishart.variances.sweeps import Drawn, vector_work

__all__ = ["moments_of"]


def moments_of(
    circuit: RotationCircuit,
    law: AngleLaw | None = None,
    seed: int | np.random.Generator | None = None,
    max_support: int = limits.CHOICE_SUPPORT,
    max_work: float = limits.CHOICE_WORK,
    n_walkers: int = limits.WALKERS,
    n_samples: int = limits.SAMPLES,
    least_module: int = 0,
) -> SecondMoments:
    """Compute second moments by the sharpest engine that is valid and affordable.

    Exact words, then the exact module, then joint quadrature over shared parameters; then
    walkers, and matrix products where walkers leave upper limits on a chain of qubits (a
    parameter whose matrix product has not converged keeps the walkers' estimate); then samples of
    what the loss depends on, by state vectors, words or light cones of its terms
    (:func:`sweeps_of`), beside signed pairs of walkers where no angle has to be drawn; such pairs
    alone beyond. ``engine`` on the record says which it was.

    Args:
        circuit: the normal form.
        law: uniform angles where None.
        seed: for ``numpy.random.default_rng``; the exact engines do not use it.
        max_support: largest number of reachable words of the exact engines.
        max_work: largest number of floating-point operations of the module engine.
        n_walkers: walkers, where they are used.
        n_samples: parameter vectors, where circuits are sampled.
        least_module: what the observable's module is known to have at least, under all generators in any order
            (``Sector.module_dim``): no smaller one is looked for.
    Raises:
        UnsupportedCircuitError: if no engine applies.
    Cost: a minute at most with the defaults, on one core; two where the fewest samples that say anything are the only
        way to a value.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> str(moments_of(c).engine)
        'exact words'
    """
    if not isinstance(circuit, RotationCircuit):
        raise InputError(f"circuit must be a RotationCircuit (pw.normal_form); got {type(circuit).__name__}.")
    problem = Problem(circuit, circuit.angle_law() if law is None else law)
    rng = np.random.default_rng(seed)
    most = ExactLimits(max_support=max_support, max_work=max_work, least_module=least_module)
    return record_of(problem, _found(problem, rng, most, n_walkers, n_samples))


def _found(problem: Problem, rng: np.random.Generator, most: ExactLimits, n_walkers: int, n_samples: int) -> Found:
    """Try the engines in the order of what their numbers are worth; each falls back to the next."""
    try:
        return found_exactly(problem, most)
    except ModuleTooLargeError as error:
        too_large = str(error)
    try:
        return _beside_line(problem, found_by_walk(problem, n_walkers, rng))
    except (UnsupportedCircuitError, ModuleTooLargeError) as error:
        obstacle = str(error)
    return _by_samples(problem, rng, n_walkers, n_samples, f"Exact: {too_large} Walkers: {obstacle}")


def _by_samples(problem: Problem, rng: np.random.Generator, n_walkers: int, n_samples: int, before: str) -> Found:
    """Sample parameter vectors, or pairs of walkers, or both beside each other."""
    fewest = min(n_samples, limits.FEWEST_SAMPLES)
    sweeps, sampling = _sweeps(problem, fewest)
    size = _affordable(sweeps, n_samples, limits.SAMPLE_WORK, fewest)
    walked, pairs = None, "not tried."
    # Where every gate is averaged in closed form most pairs keep their weight.
    if size < fewest or (problem.closed_form and not problem.circuit.channels):
        try:
            walked = found_by_pairs(problem, n_walkers if size < fewest else int(limits.PAIR_PART * n_walkers), rng)
        except (UnsupportedCircuitError, ModuleTooLargeError) as error:
            pairs = str(error)
    if walked is not None and (size < fewest or _is_sharp(walked)):
        return walked
    # Signed weights grow with depth, and samples of a state vector do not.
    if size >= fewest:
        if walked is None:
            return found_by_sampling(problem, size, rng, sweeps)
        if walked.known[0]:
            size = _affordable(sweeps, n_samples, limits.SECOND_SAMPLE_WORK)
        return _sharper(found_by_sampling(problem, size, rng, sweeps), walked) if size >= fewest else walked
    raise UnsupportedCircuitError(
        f"No engine gives the second moments of this circuit. {before} Pairs: {pairs} Sampling: {sampling}"
    )


def _sweeps(problem: Problem, fewest: int) -> tuple[Drawn | None, str]:
    """Return what samples are drawn with, and where there is nothing the reason."""
    narrow = problem.narrow
    dear = f"{fewest} samples are too dear."
    if narrow.channels:
        work = vector_work(narrow) * 2.0**narrow.n_qubits  # as many words as a density matrix has entries
        if narrow.n_qubits > limits.MAX_NOISY_QUBITS or fewest * work > limits.MOST_SAMPLE_WORK:
            return None, f"stops at {limits.MAX_NOISY_QUBITS} qubits with noise, and {dear}"
    try:
        return sweeps_of(narrow, limits.MOST_SAMPLE_WORK / max(fewest, 1)), dear
    except (InputError, ModuleTooLargeError) as error:
        return None, str(error)


def _affordable(sweeps: Drawn | None, n_samples: int, work: float, fewest: int = 0) -> int:
    """Return how many sweeps fit in a limit of work."""
    if sweeps is None:
        return 0
    each = max(sweeps.work, 1.0)  # nothing is touched where no gate is left
    # the fewest that say anything may cost more: beside them there are only bounds
    return int(min(n_samples, max(work / each, min(fewest, limits.MOST_SAMPLE_WORK / each))))


def _shares(found: Found) -> np.ndarray:
    """Return the relative error of every row; infinite where there is no value."""
    with np.errstate(over="ignore"):  # an error beyond all measure of a variance of nothing: not sharp
        share = found.error / np.maximum(found.variance, np.finfo(float).tiny)
    return np.where(found.known, share, np.inf)


def _is_sharp(walked: Found) -> bool:
    """Whether walkers know every live gradient about as well as samples of state vectors would."""
    share = _shares(walked)[1:][~walked.dead]
    return len(share) == 0 or bool(np.isfinite(share).all() and np.median(share) <= limits.SHARP)


def _sharper(sampled: Found, walked: Found) -> Found:
    """Take every row from the engine that knows it better."""
    take = _shares(walked) < _shares(sampled)
    averaging = f"{sampled.averaging}; {take.sum()} of {len(take)} values, better known so, from walkers: "
    return replace(sampled.with_rows_of(walked, take), averaging=averaging + walked.averaging)


def _beside_line(problem: Problem, walked: Found) -> Found:
    """Replace the walkers' upper limits by matrix products, where the circuit is a line of short gates."""
    # walkers leave limits where words spread; there the circuit may still be a line
    if problem.circuit.channels:
        return walked  # matrix products know no noise
    settled = np.append(is_constant(problem, walked.dead), walked.dead)
    open_rows = ~(walked.known | settled)
    if not open_rows[1:].any() or line_seconds(problem) > limits.LINE_SECONDS:
        return walked
    try:
        line = found_on_line(problem)
    except ModuleTooLargeError:
        return walked  # truncation lost the values: the walkers' limits stand
    rough = np.array([s is Status.NOT_CONVERGED for s in line.status])
    loose = np.append(False, rough | ~line.known[1:]) & ~settled
    # Not worth mixing two engines where the matrix product settles no more than the walkers had.
    if (loose & open_rows).sum() >= open_rows[1:].sum():
        return walked
    # A walker's estimate, with its honest error, is better than a run that has not converged.
    take = loose & (walked.known | ~line.known)
    surer = walked.known[0] and walked.second_error[0] < line.second_error[0]
    take[0] = not settled[0] and (surer or not line.known[0])
    return line.with_rows_of(walked, take)
