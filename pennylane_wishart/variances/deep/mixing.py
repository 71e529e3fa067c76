"""The deep limit where generators are sums: repeat the averaged circuit until it settles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.linalg
from scipy import sparse

from pennylane_wishart.circuit import Effective, RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.engines.operators import OperatorModule, module_on_subspace, module_on_words
from pennylane_wishart.variances.engines.rotors import Rotor
from pennylane_wishart.variances.records import DeepLimit

__all__ = ["mixed_limit"]


def mixed_limit(
    circuit: RotationCircuit,
    effective: Effective,
    max_dim: int,
    note: str,
) -> DeepLimit:
    """Return the deep limit on the observable's module.

    Averaging over one generator's whole group is an orthogonal projection; what all of them keep
    is the average over the group that they generate together.

    Raises:
        ModuleTooLargeError: if the module has more than ``max_dim`` dimensions or mixes too slowly.
    """
    layer = _layer(circuit, effective.generators, effective.observable)
    module = _module(layer, max_dim)
    passes = _budget(module)
    rotors = [Rotor(a) for a in module.generators]
    kept = [r.level_of[:, None] == r.level_of[None, :] for r in rotors]
    averages = [_average(a, r) for a, r in zip(module.generators, rotors, strict=True)]
    vector = _settle(module.start, lambda v: _left_out_of_vector(rotors, v), passes)
    c = _settle(np.outer(module.start, module.start), lambda x: _left_out(averages, x), passes)
    f = _settle(np.outer(module.end, module.end), lambda x: _left_out(averages, x), passes)
    mean = float(vector @ module.end)
    variance = max(0.0, float(np.sum(c * np.outer(module.end, module.end))) - mean**2)
    # a difference of two averages: below rounding it is 0, because a projection has no small values
    if variance < limits.SIGNED_ROUNDING * max(1.0, float(module.start @ module.start)):
        variance = 0.0
    slopes = np.array([_slope(r, k, c, f) for r, k in zip(rotors, kept, strict=True)])
    gradient = np.zeros(circuit.n_params)
    for k in np.flatnonzero((circuit.parameter_of >= 0) & (effective.index >= 0)):
        gradient[circuit.parameter_of[k]] += effective.rates[k] ** 2 * slopes[effective.index[k]]
    with np.errstate(divide="ignore"):
        log2_gradient = np.log2(gradient)
    log2 = math.log2(variance) if variance else -math.inf
    return DeepLimit(mean, variance, log2, gradient, log2_gradient, EngineId.MODULE_ITERATION, Status.OK, note)


def _layer(circuit: RotationCircuit, generators: list[PauliSum], observable: PauliSum) -> RotationCircuit:
    sizes = [len(g) for g in generators]
    n = len(generators)
    return RotationCircuit(
        n_qubits=circuit.n_qubits,
        wires=circuit.wires,
        terms=PauliWords.concatenate([g.words for g in generators]),
        term_coefficients=np.concatenate([g.coefficients for g in generators]).astype(float),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        coefficients=np.ones(n),
        offsets=np.zeros(n),
        parameter_of=np.arange(n),
        random_of=np.full(n, -1),
        observable=observable,
        states=circuit.states,
        n_params=n,
    )


def _module(layer: RotationCircuit, max_dim: int) -> OperatorModule:
    found: list[OperatorModule] = []
    for build in (lambda c, d: module_on_subspace(c, max_dim=d), module_on_words):
        try:
            # a pass costs the cube of the dimension: a larger one than is found already is not spanned
            found.insert(0, build(layer, min([max_dim, *(m.dim for m in found)])))
        except ModuleTooLargeError as error:
            reason = error
    if not found:
        raise reason
    return found[0]


def _budget(module: OperatorModule) -> int:
    """Passes that are affordable.

    Raises:
        ModuleTooLargeError: if they are fewer than most circuits take.
    """
    most = limits.MIXING_WORK / (limits.STEP_COST * module.dim**3 * max(1, len(module.generators)))
    if most < limits.MIN_MIXING_PASSES:
        raise ModuleTooLargeError(
            f"Mixing {len(module.generators)} generators on a module of {module.dim} dimensions takes too long."
        )
    return int(min(limits.MAX_MIXING_PASSES, most))


def _settle(value: np.ndarray, left_out: Callable[[np.ndarray], np.ndarray], passes: int) -> np.ndarray:
    """Return the part of a value that every generator's average keeps.

    ``left_out`` is L = Σ_k (1 − P_k), with P_k the orthogonal projection of one generator's average:
    what all of them keep is the kernel of L, and value − L⁺L·value is found by conjugate gradients. They
    take the root of the steps that averaging over one generator after another would.
    """
    # the part in the range of L, from which conjugate gradients never leave
    found = np.zeros_like(value)
    rest = left_out(value)
    direction, size = rest, float(np.sum(rest * rest))
    scale = max(float(np.abs(value).max()), np.finfo(float).tiny)
    for _ in range(passes):
        if float(np.abs(rest).max()) < limits.SETTLED * scale:
            return np.asarray(value - found)
        image = left_out(direction)
        step = size / float(np.sum(direction * image))
        found = found + step * direction
        rest = rest - step * image
        before, size = size, float(np.sum(rest * rest))
        direction = rest + size / before * direction
    raise ModuleTooLargeError(f"The averaged circuit had not mixed after {passes} repetitions.")


def _left_out_of_vector(rotors: list[Rotor], vector: np.ndarray) -> np.ndarray:
    kept = [r.average_vector(vector, lambda f: (np.abs(f) < limits.SAME_FREQUENCY).astype(complex)) for r in rotors]
    return np.asarray(len(rotors) * vector - np.sum(kept, axis=0))


def _left_out(averages: list[Callable[[np.ndarray], np.ndarray]], matrix: np.ndarray) -> np.ndarray:
    out = len(averages) * matrix
    for average in averages:
        out = out - average(matrix)
    return np.asarray(out)


def _average(skew: sparse.csr_array, rotor: Rotor) -> Callable[[np.ndarray], np.ndarray]:
    """Return the average of R X Rᵀ over all angles of one generator, of real symmetric X."""
    if sparse.issparse(rotor.forward):
        # between levels that differ nothing is kept
        change = rotor.change(np.eye(len(rotor.levels)))
        return lambda x: rotor.averaged(x, change)
    # dense: in planes that the generator turns, where everything is real and a quarter of the work
    turned, planes = scipy.linalg.schur(skew.toarray())
    m = len(turned)
    rate = np.append(np.diag(turned, 1), 0.0)
    first = np.flatnonzero(np.abs(rate) > limits.SAME_FREQUENCY)
    second = first + 1
    # the other way round where the rate is negative, so that planes of one rate turn alike
    sign = np.sign(rate[first])
    still = np.setdiff1d(np.arange(m), np.concatenate([first, second]))
    basis = np.concatenate([planes[:, first], planes[:, second] * sign, planes[:, still]], axis=1)
    speed, n = np.abs(rate[first]), len(first)
    alike = np.abs(speed[:, None] - speed[None, :]) < limits.SAME_FREQUENCY

    def average(x: np.ndarray) -> np.ndarray:
        inside = basis.T @ x @ basis
        a, b, c, d = inside[:n, :n], inside[:n, n : 2 * n], inside[n : 2 * n, :n], inside[n : 2 * n, n : 2 * n]
        # of each pair of planes, what commutes with turning both
        even, odd = alike * (a + d) / 2, alike * (b - c) / 2
        out = np.zeros_like(inside)
        out[:n, :n] = out[n : 2 * n, n : 2 * n] = even
        out[:n, n : 2 * n], out[n : 2 * n, :n] = odd, -odd
        out[2 * n :, 2 * n :] = inside[2 * n :, 2 * n :]
        return np.asarray(basis @ out @ basis.T)

    return average


def _slope(rotor: Rotor, mask: np.ndarray, c: np.ndarray, f: np.ndarray) -> float:
    """E[(∂ℓ)²] of a gate with mixed layers on both sides."""
    weighted = rotor.rates[:, None] * rotor.rates[None, :] * mask * rotor.to_eigen(c)
    return max(0.0, float(np.sum(weighted * rotor.to_eigen(f).conj()).real))
