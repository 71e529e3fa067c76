"""Second derivatives from the loss on a whole grid of angles: parameters that turn several rotations.

The loss is a trigonometric polynomial of the parameters. Its Fourier coefficients c_f, found from as
many points as it has frequencies, give E[(∂_k∂_lℓ)²] = Σ_f f_k² f_l² |c_f|² under uniform angles.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.variances.engines.quadrature import common_unit
from pennylane_wishart.variances.hessian.record import HessianMoments, hessian_record
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["hessian_by_frequencies"]


def hessian_by_frequencies(problem: Problem, max_work: float) -> HessianMoments:
    """Average second derivatives exactly under uniform angles, shared ones and random data included.

    Raises:
        ModuleTooLargeError: if the grid is too large, or the law of an angle not uniform on a period.
    Cost: O(2^n · terms · ∏ frequencies of a parameter).
    """
    live, drivers = problem.live, problem.drivers
    names = np.unique(drivers.driver[drivers.driver >= 0])
    units, degrees = zip(*[_frequencies(problem, int(d)) for d in names], strict=True) if len(names) else ((), ())
    sizes = [2 * degree + 1 for degree in degrees]
    points = float(np.prod(np.asarray(sizes, float)))
    work = points * 2.0**live.n_qubits * max(1, len(live.terms))
    if live.n_qubits > limits.MAX_VECTOR_QUBITS or work * limits.GRID_COST > max_work or points > limits.BLOCK_FLOATS:
        raise ModuleTooLargeError("The parameters have too many joint frequencies for a grid.")
    losses = _losses(problem, names, units, sizes)
    power = np.abs(np.fft.fftn(losses) / losses.size) ** 2
    frequency = [np.fft.fftfreq(s, 1 / s) * u for s, u in zip(sizes, units, strict=True)]
    n = problem.circuit.n_params
    second = np.zeros((n, n))
    axes = [(a, int(d)) for a, d in enumerate(names) if d < n]
    for a, p in axes:
        once = power * _along(frequency[a] ** 2, a, power.ndim)
        for b, q in axes:
            second[p, q] = float(np.sum(once * _along(frequency[b] ** 2, b, power.ndim)))
    zero = np.zeros((n, n))
    return hessian_record(problem, EngineId.QUADRATURE, (zero, second, zero), zero > 0)


def _along(values: np.ndarray, axis: int, ndim: int) -> np.ndarray:
    return values.reshape([-1 if a == axis else 1 for a in range(ndim)])


def _frequencies(problem: Problem, driver: int) -> tuple[float, int]:
    """Return the unit and the highest multiple of it in the loss, of one driver."""
    live, rates = problem.live, []
    for k in np.flatnonzero(problem.drivers.driver == driver):
        generator = live.generator(int(k))
        if generator.words.anticommutation(generator.words).any():
            raise ModuleTooLargeError("A shared angle turns words that do not commute.")
        coefficient = 1.0 if live.random_of[k] >= 0 else abs(float(live.coefficients[k]))
        # commuting words turn one after the other, each by its own frequency
        rates.append(2 * np.abs(generator.coefficients) * coefficient)
    own = np.concatenate(rates)
    unit = common_unit(own[own > 0])
    if driver < problem.circuit.n_params:
        orders = unit * np.arange(1, int(round(own.sum() / unit)) + 1)
        if np.abs(problem.law.characteristic(orders, np.full(len(orders), driver))).max(initial=0.0) > limits.ZERO:
            raise ModuleTooLargeError("A shared angle is not uniform over a period of its gates.")
    return unit, int(round(own.sum() / unit))


def _losses(problem: Problem, names: np.ndarray, units: tuple[float, ...], sizes: list[int]) -> np.ndarray:
    """Return the loss on the grid, one axis a driver."""
    live, sweeps = problem.live, Sweeps(problem.live)
    total, out = int(np.prod(sizes, dtype=np.int64)), []
    step = sweeps.batch(total)
    for low in range(0, total, step):
        index = np.unravel_index(np.arange(low, min(low + step, total)), sizes) if sizes else ()
        angles = np.tile(live.offsets, (min(step, total - low), 1))
        for d, unit, size, i in zip(names, units, sizes, index, strict=True):
            value = 2 * np.pi * i / (unit * size)
            for k in np.flatnonzero(problem.drivers.driver == d):
                slope = 1.0 if live.random_of[k] >= 0 else live.coefficients[k]
                angles[:, k] = slope * value + (0.0 if live.random_of[k] >= 0 else live.offsets[k])
        psi = sweeps.states(angles)
        out.append(np.einsum("ib,ib->b", psi.conj(), live.observable.apply(psi)).real)
    return np.concatenate(out).reshape(sizes)
