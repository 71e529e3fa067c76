"""Second derivatives on an operator module: generators that are sums, and any law of independent angles.

In the eigenbasis of a generator a derivative multiplies by the rate of the entry and a second one by
its square, so that one table of factors serves both.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.variances.drivers import angle_transform
from pennylane_wishart.variances.engines.operators import OperatorModule
from pennylane_wishart.variances.engines.rotors import Rotor
from pennylane_wishart.variances.exact import smallest_module
from pennylane_wishart.variances.hessian.record import HessianMoments, hessian_record
from pennylane_wishart.variances.problem import Problem

__all__ = ["hessian_on_module"]


def hessian_on_module(problem: Problem, max_dim: int, max_work: float) -> HessianMoments:
    """Average second derivatives exactly where every driver turns one rotation.

    Raises:
        ModuleTooLargeError: if the module, or the work on it, is too large.
    Cost: O(rotations² · dim²) where generators pair few words, dim³ else.
    """
    passes = max(1, len(problem.driven))
    module, work = smallest_module(problem.live, max_dim, max_work, passes)
    if work * passes > max_work:
        raise ModuleTooLargeError("Second derivatives on this module are too much work.")
    if problem.live.n_rotations * module.dim**2 > limits.BLOCK_FLOATS:
        raise ModuleTooLargeError("Second derivatives on this module do not fit in memory.")
    steps = _Steps(problem, module)
    n = problem.circuit.n_params
    mean, second = np.zeros((n, n)), np.zeros((n, n))
    coefficient, parameter = problem.live.coefficients, problem.live.parameter_of
    for power, out in ((1, mean), (2, second)):
        found = _sweep(problem, steps, power)
        for (k, l), value in found.items():
            scale = (coefficient[k] * coefficient[l]) ** power
            p, q = int(parameter[k]), int(parameter[l])
            out[p, q] = out[q, p] = scale * value
    zero = np.zeros((n, n))
    # a parameter that is not dead may still have dead pairs: without a proof their 0 is a bound
    return hessian_record(problem, module.engine, (mean, second, zero), zero > 0)


class _Steps:
    """Averages of one and of two copies of every rotation, and of their derivatives."""

    def __init__(self, problem: Problem, module: OperatorModule):
        self.problem, self.module = problem, module
        self.rotors = [Rotor(a) for a in module.generators]

    def damp(self, position: int, x: np.ndarray, forward: bool = False) -> np.ndarray:
        """Apply the noise behind so many rotations, to one copy or to both."""
        found = [c for at, c in self.module.channels if at == position]
        for channel in found if forward else reversed(found):
            m = channel.T if forward else channel
            x = m @ x if x.ndim == 1 else m @ (m @ x.T).T
        return x

    def apply(self, k: int, x: np.ndarray, order: int, power: int, forward: bool = False) -> np.ndarray:
        """Return E[(d^order R)^{⊗power}]·x of rotation k, or of its transpose for the input's side."""
        rotor: Rotor = self.rotors[int(self.module.distinct[k])]
        levels, at = rotor.levels, rotor.level_of
        table = levels if power == 1 else levels[:, None] - levels[None, :]
        factor = angle_transform(self.problem.live, self.problem.law, k, table)
        rates = (1j * levels) ** order
        if power == 1:
            factor = (factor * rates)[at]
        else:
            factor = (factor * np.outer(rates, rates.conj()))[np.ix_(at, at)]
        if forward:
            # the transpose turns back, so every derivative changes sign as the rate does
            factor = factor.conj()
        if power == 1:
            return np.asarray((rotor.forward @ (factor * (rotor.adjoint @ x))).real)
        return rotor.from_eigen(factor * rotor.to_eigen(x))


def _sweep(problem: Problem, steps: _Steps, power: int) -> dict[tuple[int, int], float]:
    """Return averages of (∂²ℓ)^power by angles of living rotations, pairs (k, l) with l ≤ k."""
    module, driven = steps.module, {int(k) for k in problem.driven}
    start, end = module.start, module.end
    if power == 2:
        start, end = np.outer(start, start), np.outer(end, end)
    n = problem.live.n_rotations
    ends = [steps.damp(0, end, forward=True)]
    for k in range(n - 1):
        ends.append(steps.damp(k + 1, steps.apply(k, ends[-1], 0, power, forward=True), forward=True))
    out: dict[tuple[int, int], float] = {}
    carried: dict[int, np.ndarray] = {-1: start}
    for l in range(n - 1, -1, -1):  # noqa: E741  the earlier rotation of a pair
        carried, own = {k: steps.damp(l + 1, x) for k, x in carried.items()}, {}
        if l in driven:
            # every column that was differentiated before is differentiated here too
            slope = steps.apply(l, ends[l], 1, power, forward=True)
            for k, x in carried.items():
                if k >= 0:
                    out[k, l] = float(np.sum(x * slope))
            out[l, l] = float(np.sum(carried[-1] * steps.apply(l, ends[l], 2, power, forward=True)))
            own[l] = steps.apply(l, carried[-1], 1, power)
        carried = {k: steps.apply(l, x, 0, power) for k, x in carried.items()} | own
    return out
