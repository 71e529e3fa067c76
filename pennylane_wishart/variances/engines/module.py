"""Exact second moments on an operator module, independent and shared parameters (THEORY §4).

Independent parameters are averaged in closed form. A parameter that turns several rotations is
averaged jointly: ℓ² is a trigonometric polynomial in it, so finitely many nodes with weights
made from the law's characteristic function are exact for every law, not only the uniform one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.variances.actions import Transform
from pennylane_wishart.variances.building import CLOSED_FORM
from pennylane_wishart.variances.drivers import angle_transform
from pennylane_wishart.variances.engines.operators import OperatorModule
from pennylane_wishart.variances.engines.quadrature import Nodes, averaging_of, common_unit, quadrature_nodes
from pennylane_wishart.variances.engines.rotors import Rotor

__all__ = ["ModuleMoments", "module_averages", "module_moments"]


@dataclass(frozen=True, eq=False)
class ModuleMoments:
    """Moments per driver: derivatives with respect to each QNode parameter."""

    mean: float
    second: float
    gradient_mean: np.ndarray
    gradient_second: np.ndarray
    averaging: str = CLOSED_FORM
    """Which angles stand for each shared parameter."""


class _Steps:
    """Every rotation's average on the module, with shared angles set one node at a time."""

    def __init__(
        self,
        circuit: RotationCircuit,
        law: AngleLaw,
        module: OperatorModule,
        shared: np.ndarray,
        driver: np.ndarray,
    ):
        self.circuit, self.law, self.module = circuit, law, module
        self.rotors = [Rotor(a) for a in module.generators]
        self.is_shared = np.isin(driver, shared) & (driver >= 0)
        self.driver = driver
        self.values: dict[int, float] = {}
        self._tables: dict[tuple[int, bytes], np.ndarray] = {}
        self._averages: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._noise: dict[int, list[sparse.csr_array]] = {}
        for position, channel in module.channels:
            self._noise.setdefault(position, []).append(channel)
        self.end = module.end
        for channel in self._noise.get(0, ()):
            self.end = channel.T @ self.end

    def channels(self, position: int) -> list[sparse.csr_array]:
        """Return the noise in front of a rotation, in the order of the circuit."""
        return self._noise.get(position, [])

    def noisy(self, k: int, c: np.ndarray) -> np.ndarray:
        """Carry a vector or second moments of the observable's side through the noise behind rotation k."""
        for channel in reversed(self._noise.get(k + 1, ())):
            c = channel @ c if c.ndim == 1 else channel @ (channel @ c.T).T
        return c

    def noisy_end(self, k: int, f: np.ndarray) -> np.ndarray:
        """The same for the input's side, which meets the noise after rotation k."""
        for channel in self._noise.get(k + 1, ()):
            f = channel.T @ f if f.ndim == 1 else channel.T @ (channel.T @ f.T).T
        return f

    def rotor(self, k: int) -> Rotor:
        return self.rotors[int(self.module.distinct[k])]

    def angle(self, k: int) -> float:
        """The angle of a shared rotation at the current node."""
        value = self.values[int(self.driver[k])]
        if self.circuit.random_of[k] >= 0:
            return value
        return float(self.circuit.coefficients[k] * value + self.circuit.offsets[k])

    def transform(self, k: int) -> Transform:
        if self.is_shared[k]:
            angle = self.angle(k)
            return lambda f: np.asarray(np.exp(1j * angle * f))
        return lambda f: self._average(k, f)

    def _average(self, k: int, f: np.ndarray) -> np.ndarray:
        """Average an independent angle, which no node changes: a rotor asks for its rates and their differences."""
        if f.size > limits.KEPT_AVERAGES:
            return angle_transform(self.circuit, self.law, k, f)
        asked, known = self._averages.get((k, f.ndim), (None, None))
        if asked is None or known is None or not np.array_equal(asked, f):
            known = angle_transform(self.circuit, self.law, k, f)
            self._averages[k, f.ndim] = f, known
        return known

    def change(self, k: int) -> np.ndarray:
        """What rotation k adds to second moments; see :meth:`Rotor.change`."""
        rotor = self.rotor(k)
        table = rotor.table(self.transform(k))
        key = (int(self.module.distinct[k]), np.round(table, limits.TABLE_DIGITS).tobytes())
        if key not in self._tables:
            # emptied whole: an order of use would cost more than making a table again
            size = len(self._tables) * len(rotor.rates) ** 2
            if size > limits.BLOCK_FLOATS or len(self._tables) > limits.MAX_TABLES:
                self._tables.clear()
            # averages over symmetric laws are real
            self._tables[key] = rotor.change(table if table.imag.any() else table.real)
        return np.asarray(self._tables[key])

    def backward(self, k: int, c: np.ndarray, hermitian: bool = True) -> np.ndarray:
        return self.rotor(k).averaged(self.noisy(k, c), self.change(k), hermitian)

    def forward(self, k: int, f: np.ndarray) -> np.ndarray:
        return self.noisy_end(k, self.rotor(k).averaged(f, self.change(k).conj()))

    def slope(self, k: int, c: np.ndarray, f: np.ndarray) -> float:
        """Return E[(∂ℓ/∂angle_k)²] from both sides in front of rotation k: the sum of A·c·Aᵀ times f."""
        rotor = self.rotor(k)
        left, right = ((rotor.skew @ x)[:, rotor.moved] for x in (c, f))
        return -float(np.sum(left * right.T))


def _node_grid(steps: _Steps, shared: np.ndarray, max_nodes: int) -> list[Nodes]:
    """Return per shared driver its (nodes, weights); raise where there are too many."""
    circuit, total = steps.circuit, 1
    grids: list[Nodes] = []
    for d in shared:
        data = bool(d >= circuit.n_params)
        rotations = np.flatnonzero(steps.driver == d)
        rates = [np.abs(steps.rotor(int(k)).rates * (1.0 if data else circuit.coefficients[k])) for k in rotations]
        # each against its own size: a slope of 1e-10 is not a rounding error of a slope of 1
        rates = [r[r > limits.SAME_FREQUENCY * r.max(initial=0.0)] for r in rates]
        unit = common_unit(np.concatenate(rates))
        degree = int(round(2 * sum(r.max(initial=0.0) for r in rates) / unit))
        grids.append(quadrature_nodes(steps.law, int(d), unit, degree, data))
        total *= len(grids[-1][0])
        if total > max_nodes:
            raise ModuleTooLargeError(
                f"The shared parameters need more than {max_nodes} joint quadrature nodes: use sampling."
            )
    return grids


def _nodes(steps: _Steps, shared: np.ndarray, grids: list[Nodes]) -> Iterator[float]:
    """Set the shared angles to one joint node after the other; yield its weight."""
    for node in itertools.product(*[range(len(angles)) for angles, _ in grids]):
        weight = 1.0
        for d, (angles, weights), i in zip(shared, grids, node, strict=True):
            steps.values[int(d)] = float(angles[i])
            weight *= float(weights[i])
        yield weight


def module_moments(
    circuit: RotationCircuit,
    law: AngleLaw,
    module: OperatorModule,
    driver: np.ndarray,
    shared: np.ndarray,
    max_nodes: int = limits.MAX_NODES,
) -> ModuleMoments:
    """Average over all angles exactly: closed form for independent ones, nodes for shared ones."""
    steps = _Steps(circuit, law, module, shared, driver)
    grids = _node_grid(steps, shared, max_nodes)
    n = circuit.n_params
    if len(shared) and not np.any((driver >= 0) & ~steps.is_shared):
        return _all_set(steps, shared, grids)
    total, gradient_mean, gradient_second = np.zeros(2), np.zeros(n), np.zeros(n)
    # exact for every law: weights may be negative, their sum is 1
    for weight in _nodes(steps, shared, grids):
        mean, first = _first(steps)
        second, slopes = _second(steps)
        for d in shared[shared < n]:
            first[d], slopes[d] = _shared_slope(steps, int(d))
        total += weight * np.array([mean, second])
        gradient_mean += weight * first
        gradient_second += weight * slopes
    averaging = averaging_of(n, shared, grids)
    return ModuleMoments(float(total[0]), float(total[1]), gradient_mean, gradient_second, averaging)


def _all_set(steps: _Steps, shared: np.ndarray, grids: list[Nodes]) -> ModuleMoments:
    """Average where every angle is set at a node: nothing is left to average there, so vectors do for matrices.

    All nodes of a batch are passed together, the observable backwards and the input forwards.
    """
    circuit, n = steps.circuit, steps.circuit.n_params
    angles = np.stack([g.ravel() for g in np.meshgrid(*[a for a, _ in grids], indexing="ij")])
    weights = np.prod([g.ravel() for g in np.meshgrid(*[w for _, w in grids], indexing="ij")], axis=0)
    batch = max(1, limits.BLOCK_FLOATS // (steps.module.dim * (circuit.n_rotations + 1)))
    total, gradient_mean, gradient_second = np.zeros(2), np.zeros(n), np.zeros(n)
    for low in range(0, len(weights), batch):
        here = slice(low, low + batch)
        losses, slopes = _at_nodes(steps, dict(zip(shared.tolist(), angles[:, here], strict=True)), weights[here].size)
        total += [float(weights[here] @ losses), float(weights[here] @ losses**2)]
        gradient_mean += slopes @ weights[here]
        gradient_second += slopes**2 @ weights[here]
    return ModuleMoments(
        float(total[0]), float(total[1]), gradient_mean, gradient_second, averaging_of(n, shared, grids)
    )


def _at_nodes(steps: _Steps, values: dict[int, np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return losses ``(nodes,)`` and their gradients ``(n_params, nodes)`` at nodes of all drivers."""
    circuit, n_rot = steps.circuit, steps.circuit.n_rotations
    v = [np.repeat(steps.module.start[:, None], count, axis=1)] * (n_rot + 1)
    factors: list[np.ndarray] = []
    for k in range(n_rot - 1, -1, -1):
        rotor = steps.rotor(k)
        if steps.is_shared[k]:
            angle = values[int(steps.driver[k])]
            if circuit.random_of[k] < 0:
                angle = circuit.coefficients[k] * angle + circuit.offsets[k]
            factors.append(np.exp(1j * rotor.rates[:, None] * angle))
        else:
            factors.append(steps.transform(k)(rotor.rates)[:, None])
        behind = v[k + 1]
        for channel in reversed(steps.channels(k + 1)):
            behind = channel @ behind
        v[k + 1] = rotor.adjoint @ behind  # in the rotation's eigenbasis: the slope is taken there
        v[k] = (rotor.forward @ (factors[-1] * v[k + 1])).real
    slopes = np.zeros((circuit.n_params, count))
    f = np.repeat(steps.end[:, None], count, axis=1)
    for k in range(n_rot):
        rotor, factor, p = steps.rotor(k), factors.pop(), int(circuit.parameter_of[k])
        seen = rotor.adjoint @ f
        if p >= 0:
            turning = 1j * rotor.rates[:, None] * factor * v[k + 1]
            slopes[p] += circuit.coefficients[k] * np.sum(seen.conj() * turning, axis=0).real
        f = (rotor.forward @ (factor.conj() * seen)).real
        for channel in steps.channels(k + 1):
            f = channel.T @ f
    return np.sum(v[0] * steps.end[:, None], axis=0), slopes


def module_averages(
    circuit: RotationCircuit,
    law: AngleLaw,
    module: OperatorModule,
    driver: np.ndarray,
    shared: np.ndarray,
    max_nodes: int,
) -> float:
    """Return E⟨O⟩ alone: vectors on the module, so that its dimension may be large."""
    steps = _Steps(circuit, law, module, shared, driver)
    total = 0.0
    for weight in _nodes(steps, shared, _node_grid(steps, shared, max_nodes)):
        v = module.start
        for k in range(circuit.n_rotations - 1, -1, -1):
            v = steps.rotor(k).average_vector(steps.noisy(k, v), steps.transform(k))
        total += weight * float(v @ steps.end)
    return total


def _single(steps: _Steps) -> Iterator[tuple[int, int, float]]:
    """Rotations of independent trainable parameters, with d(angle)/d(parameter)."""
    circuit = steps.circuit
    for k in np.flatnonzero((circuit.parameter_of >= 0) & ~steps.is_shared):
        yield int(k), int(circuit.parameter_of[k]), float(circuit.coefficients[k])


def _conjugate(transform: Transform) -> Transform:
    """The input's side sees each rotation transposed, so averaged at the opposite angle."""
    return lambda f: np.asarray(transform(f).conj())


def _first(steps: _Steps) -> tuple[float, np.ndarray]:
    n_rot = steps.circuit.n_rotations
    v = [steps.module.start] * (n_rot + 1)
    for k in range(n_rot - 1, -1, -1):
        v[k] = steps.rotor(k).average_vector(steps.noisy(k, v[k + 1]), steps.transform(k))
    mean = float(v[0] @ steps.end)
    out = np.zeros(steps.circuit.n_params)
    wanted = {k: (p, c) for k, p, c in _single(steps)}
    f = steps.end
    for k in range(n_rot):
        rotor, transform = steps.rotor(k), steps.transform(k)
        if k in wanted:
            p, c = wanted[k]
            out[p] += c * float(f @ rotor.average_vector(steps.noisy(k, v[k + 1]), transform, derivative=True))
        f = steps.noisy_end(k, rotor.average_vector(f, _conjugate(transform)))
    return mean, out


def _second(steps: _Steps) -> tuple[float, np.ndarray]:
    n_rot, m = steps.circuit.n_rotations, steps.module.dim
    c = np.outer(steps.module.start, steps.module.start)
    f = np.outer(steps.end, steps.end)
    # second moments are matrices on the module: only some steps are kept, the rest recomputed
    per_block = max(1, limits.BLOCK_FLOATS // (m * m))
    blocks = [(low, min(low + per_block, n_rot)) for low in range(0, n_rot, per_block)]
    saved, held = [], {}
    for low, high in reversed(blocks):
        saved.append(c)
        for k in range(high - 1, low - 1, -1):
            c = steps.backward(k, c)
            if low == 0:
                held[k] = c  # the first block is needed at once: it is not found twice
    value = float(np.sum(c * f))
    out = np.zeros(steps.circuit.n_params)
    wanted = {k: (p, s) for k, p, s in _single(steps)}
    for low, high in blocks:
        c = saved.pop()
        for k in range(high - 1, low - 1, -1) if low else ():
            c = held[k] = steps.backward(k, c)
        for k in range(low, high):
            own = held.pop(k)
            if k in wanted:
                p, s = wanted[k]
                out[p] += s * s * steps.slope(k, own, f)
            f = steps.forward(k, f)
    return value, out


def _shared_slope(steps: _Steps, d: int) -> tuple[float, float]:
    """Return E[∂ℓ/∂θ_d] and E[(∂ℓ/∂θ_d)²] over the independent angles at the current node.

    The observable and its derivative are carried together: their joint second moment holds
    the cross terms between the rotations that θ_d turns.
    """
    circuit, start = steps.circuit, steps.module.start
    m = steps.module.dim
    o, do = start.copy(), np.zeros(m)
    c00 = np.outer(start, start)
    c01, c11 = np.zeros((m, m)), np.zeros((m, m))
    for k in range(circuit.n_rotations - 1, -1, -1):
        if steps.driver[k] != d:
            c00, c11 = (steps.backward(k, c) for c in (c00, c11))
            c01 = steps.backward(k, c01, hermitian=False)
            rotor, transform = steps.rotor(k), steps.transform(k)
            o, do = (rotor.average_vector(steps.noisy(k, v), transform) for v in (o, do))
            continue
        o, do, c00, c01, c11 = (steps.noisy(k, c) for c in (o, do, c00, c01, c11))
        r = steps.rotor(k).rotation(steps.angle(k))
        a = circuit.coefficients[k] * steps.module.generators[steps.module.distinct[k]]
        c00, c01, c11 = (r @ c @ r.T for c in (c00, c01, c11))
        # C01 = E[o ȯᵀ]: ȯ gains A·o, so C11 gains A C01 + (A C01)ᵀ + A C00 Aᵀ.
        a00 = a @ c00
        c11 = c11 + a @ c01 + (a @ c01).T + (a @ a00.T).T
        c01 = c01 + a00.T
        o, do = r @ o, r @ do
        do = do + a @ o
    end = steps.end
    return float(end @ do), float(end @ c11 @ end)
