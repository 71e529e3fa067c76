"""Exact moments of a small QNode by full Fourier expansion, with dense matrices only.

The loss is a trigonometric polynomial of the QNode's parameters. Its frequencies are the gaps of the
generators' eigenvalues; it is evaluated on a tensor grid of well-chosen points, its coefficients are
solved for, and every average is then the law's characteristic function. No Monte Carlo. Matrices
of gates are PennyLane's own; nothing here imports pennylane_wishart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pennylane as qml
import scipy.linalg
from pennylane import numpy as pnp

__all__ = ["Factor", "Fourier", "Model", "Moments", "TooLarge", "read"]

DEAD = 1e-11
"""Coefficients below this part of the observable's size are rounding."""
# Arguments of gates that are several rotations, in the order in which they act.
_ORDER = {"Rot": (0, 1, 2), "CRot": (0, 1, 2), "U2": (1, 0), "U3": (2, 0, 1)}
_STEP = 0.125  # small enough that no phase of a gate wraps, a power of two so that nothing is lost


class TooLarge(Exception):
    """The grid of the exact expansion would be larger than what was asked for."""


# ---------------------------------------------------------------------- reading the tape
def _flatten(op) -> list:
    """Return operations that have a matrix, or prepare a state."""
    if isinstance(op, qml.ops.Pow) and op.base.name in _ORDER and op.z == int(op.z) > 0:
        return [op.base] * int(op.z)
    if isinstance(op, qml.operation.StatePrepBase) or op.has_matrix:
        return [op]
    return [small for part in op.decomposition() for small in _flatten(part)]


def _tape(qnode, args, flat):
    """Return (operations, observable) at flat parameters."""
    rebuilt, start = [], 0
    for a in args:
        size = int(np.size(a))
        rebuilt.append(pnp.array(np.reshape(flat[start : start + size], np.shape(a)), requires_grad=True))
        start += size
    tape = qml.workflow.construct_tape(qnode, level="top")(*rebuilt)
    with qml.queuing.QueuingManager.stop_recording():
        operations = [small for op in tape.operations for small in _flatten(op)]
    return operations, tape.measurements[0].obs, tape.wires


def _exponential(op):
    """Return the qml.exp or qml.evolve inside an operation, or None."""
    while isinstance(op, (qml.ops.Adjoint, qml.ops.Controlled)) and not isinstance(op, qml.ops.Exp):
        op = op.base
    return op if isinstance(op, qml.ops.Exp) else None


def _data(op) -> np.ndarray:
    inner = _exponential(op)
    if inner is not None:
        return np.array([complex(inner.data[0])])
    return np.array([complex(v) for v in op.data]) if op.data and np.ndim(op.data[0]) == 0 else np.zeros(0, complex)


def _layers(op, order: tuple[int, ...]) -> tuple[int, ...]:
    """Return the order in which the arguments of a gate act, adjoints taken into account."""
    if isinstance(op, qml.ops.Adjoint):
        return _layers(op.base, order)[::-1]
    if isinstance(op, (qml.ops.Controlled, qml.ops.Pow)) and not isinstance(op, qml.CRot):
        return _layers(op.base, order)
    return _ORDER.get(op.name, order)


@dataclass
class _Gate:
    """One operation at θ = 0, with d(arguments)/dθ."""

    op: object
    wires: list[int]
    data: np.ndarray
    slope: np.ndarray  # (n_args, n_params)

    @cached_property
    def dependent(self) -> list[tuple[int, int]]:
        """Pairs (argument, parameter), in the order in which the arguments act."""
        order = _layers(self.op, tuple(range(len(self.data))))
        return [(j, int(k)) for j in order for k in np.flatnonzero(np.abs(self.slope[j]) > 1e-13)]

    def matrix(self, shift=None) -> np.ndarray:
        """Return the matrix at the arguments of θ = 0, plus a shift."""
        if _exponential(self.op) is not None:
            # PennyLane 0.45.1 builds the matrix of exp(sum) at a trainable coefficient from eigenvectors
            # that are not orthonormal: default.qubit then returns 0.25 for 1. We exponentiate.
            return _exponentiate(self.op, self.data[0] + (0 if shift is None else shift[0]))
        if shift is None:
            return qml.matrix(self.op, wire_order=self.op.wires)
        data = self.data + shift
        values = [complex(v) if abs(v.imag) > 0 else float(v.real) for v in data]
        with qml.queuing.QueuingManager.stop_recording():
            return qml.matrix(qml.ops.functions.bind_new_parameters(self.op, values), wire_order=self.op.wires)


def _exponentiate(op, argument: complex) -> np.ndarray:
    """Return the matrix of an exponential with another coefficient, inside adjoint and ctrl."""
    if isinstance(op, qml.ops.Exp):
        base = qml.matrix(op.base, wire_order=op.wires)
        factor = -1j * argument if isinstance(op, qml.ops.Evolution) else argument
        return scipy.linalg.expm(factor * base)
    inner = _exponentiate(op.base, argument)
    if isinstance(op, qml.ops.Adjoint):
        return inner.conj().T
    out = np.eye(2 ** len(op.wires), dtype=complex)
    start = int("".join(str(int(v)) for v in op.control_values), 2) * len(inner)
    out[start : start + len(inner), start : start + len(inner)] = inner
    return out


@dataclass(frozen=True)
class Factor:
    """exp(−iθ_k·generator), seen through everything before it at θ = 0."""

    parameter: int
    generator: np.ndarray


def _unitary_log(k: np.ndarray) -> np.ndarray:
    """Return the Hermitian H with K = exp(−i·_STEP·H)."""
    t, q = scipy.linalg.schur(k, output="complex")
    h = (q * (-np.angle(np.diag(t)) / _STEP)) @ q.conj().T
    return (h + h.conj().T) / 2


def _expand(matrix: np.ndarray, wires: list[int], n: int) -> np.ndarray:
    """Return the matrix on all n qubits."""
    k = len(wires)
    out = np.eye(2**n, dtype=complex).reshape((2,) * n + (2**n,))
    out = np.tensordot(matrix.reshape((2,) * 2 * k), out, (range(k, 2 * k), wires))
    return np.moveaxis(out, range(k), wires).reshape(2**n, 2**n)


@dataclass
class Model:
    """A QNode as dense matrices: input, gates, observable, and its rotations in one frame."""

    n_qubits: int
    n_params: int
    state: np.ndarray
    gates: list[_Gate]
    observable: np.ndarray

    @cached_property
    def rotations(self) -> tuple[list[Factor], np.ndarray]:
        """Return (factors in order of action, observable), all pulled back to the bare input at θ = 0."""
        n = self.n_qubits
        before, factors = np.eye(2**n, dtype=complex), []
        for gate in self.gates:
            u0 = gate.matrix()
            for j, k in gate.dependent:
                shift = np.zeros(len(gate.data), complex)
                shift[j] = _STEP * gate.slope[j, k]
                h = _expand(_unitary_log(u0.conj().T @ gate.matrix(shift)), gate.wires, n)
                g = before.conj().T @ h @ before
                factors.append(Factor(k, g - np.trace(g) / 2**n * np.eye(2**n)))
            before = _expand(u0, gate.wires, n) @ before
        return factors, before.conj().T @ self.observable @ before

    @cached_property
    def merged(self) -> list[Factor]:
        """Factors of one parameter that commute, and can be moved together, as one; zeros dropped."""
        return merge(self.rotations[0])

    def frequencies(self, k: int) -> np.ndarray:
        """Return every frequency that the loss can have in θ_k, ascending and symmetric about 0."""
        out = np.zeros(1)
        for f in self.merged:
            if f.parameter == k:
                values = np.linalg.eigvalsh(f.generator)
                gaps = _distinct((values[:, None] - values[None, :]).ravel())
                out = _distinct((out[:, None] + gaps[None, :]).ravel())
        return out


def _distinct(values: np.ndarray) -> np.ndarray:
    values = np.sort(values)
    keep = np.concatenate([[True], np.diff(values) > 1e-9])
    groups = np.split(values, np.flatnonzero(keep)[1:])
    return np.array([g.mean() for g in groups])


def commute(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two matrices commute, up to rounding."""
    return bool(np.abs(a @ b - b @ a).max() < 1e-10)


def merge(factors: list[Factor], nearest: bool = True) -> list[Factor]:
    """Merge factors of one parameter that commute with each other and can be brought together.

    Where a factor could join several that do not commute with each other, ``nearest`` picks the
    last of them, else the first: the merged generators are then not unique.
    """
    out: list[Factor] = []
    for new in factors:
        for i in range(len(out))[:: -1 if nearest else 1]:
            old = out[i]
            if old.parameter == new.parameter and commute(old.generator, new.generator):
                between = out[i + 1 :]
                if all(commute(m.generator, new.generator) for m in between):
                    out[i] = Factor(new.parameter, old.generator + new.generator)
                    break
                if all(commute(m.generator, old.generator) for m in between):
                    out = [*out[:i], *between, Factor(new.parameter, old.generator + new.generator)]
                    break
        else:
            out.append(new)
    kept = [f for f in out if np.abs(f.generator).max() > 1e-11]
    return kept if len(kept) == len(factors) else merge(kept, nearest)


def read(qnode, args) -> Model:
    """Read a QNode whose angles are affine in its parameters."""
    n_params = sum(int(np.size(a)) for a in args)
    zero = np.zeros(n_params)
    ops, observable, wires = _tape(qnode, args, zero)
    order = {w: i for i, w in enumerate(wires)}
    n = len(wires)
    slopes = [np.zeros((len(_data(op)), n_params), complex) for op in ops]
    for k in range(n_params):
        moved, _, _ = _tape(qnode, args, np.eye(n_params)[k])
        for op, base, slope in zip(moved, ops, slopes, strict=True):
            slope[:, k] = _data(op) - _data(base)
    state, gates = np.ones(1, complex), []
    prepared: list = []
    for op, slope in zip(ops, slopes, strict=True):
        if isinstance(op, qml.operation.StatePrepBase):
            state = np.kron(state, np.asarray(op.state_vector(wire_order=op.wires), complex).ravel())
            prepared += list(op.wires)
        else:
            gates.append(_Gate(op, [order[w] for w in op.wires], _data(op), slope))
    rest = [w for w in wires if w not in prepared]
    state = np.kron(state, np.eye(2 ** len(rest))[0])
    state = state.reshape((2,) * n).transpose(np.argsort([order[w] for w in prepared + rest])).ravel()
    return Model(n, n_params, state, gates, np.asarray(qml.matrix(observable, wire_order=wires), complex))


# ---------------------------------------------------------------------- the expansion
def _points(freq: np.ndarray) -> np.ndarray:
    """Choose as many points as frequencies, such that the coefficients are well determined."""
    if len(freq) == 1:
        return np.zeros(1)
    gap = np.diff(freq).min()
    if np.allclose(freq / gap, np.round(freq / gap)) and len(freq) == 2 * round(freq[-1] / gap) + 1:
        return 2 * np.pi / gap * np.arange(len(freq)) / len(freq)
    candidates = np.linspace(0, 2 * np.pi / gap, 40 * len(freq), endpoint=False)
    _, _, pivots = scipy.linalg.qr(np.exp(1j * np.outer(freq, candidates)), pivoting=True, mode="economic")
    return candidates[pivots[: len(freq)]]


@dataclass(frozen=True)
class Moments:
    """Exact moments under one law."""

    loss_mean: float
    loss_second: float
    gradient_mean: np.ndarray
    gradient_second: np.ndarray

    @property
    def loss_variance(self) -> float:
        """Var[ℓ]."""
        return self.loss_second - self.loss_mean**2

    @property
    def gradient_variance(self) -> np.ndarray:
        """Var[∂_kℓ]."""
        return self.gradient_second - self.gradient_mean**2


class Fourier:
    """ℓ(θ) = Σ c_ω exp(iω·θ), every coefficient."""

    def __init__(self, model: Model, max_points: int = 40_000, max_frequencies: int = 200):
        self.n_params = model.n_params
        self.frequencies = [model.frequencies(k) for k in range(model.n_params)]
        size = int(np.prod([len(f) for f in self.frequencies]))
        if size > max_points or max(map(len, self.frequencies), default=0) > max_frequencies:
            raise TooLarge(f"{size} points")
        points = [_points(f) for f in self.frequencies]
        values = _losses(model, points)
        self.coefficients = values.astype(complex)
        for k, (f, x) in enumerate(zip(self.frequencies, points, strict=True)):
            solve = np.linalg.inv(np.exp(1j * np.outer(x, f)))
            self.coefficients = np.moveaxis(np.tensordot(solve, self.coefficients, (1, k)), 0, k)
        self.scale = float(np.abs(model.observable).max()) or 1.0

    def __call__(self, theta) -> float:
        """Return ℓ(θ)."""
        c = self.coefficients
        for f, t in zip(self.frequencies, theta, strict=True):
            c = np.tensordot(np.exp(1j * f * t), c, (0, 0))
        return float(c.real)

    @cached_property
    def dead(self) -> tuple[int, ...]:
        """Parameters that the loss does not depend on."""
        return tuple(k for k in range(self.n_params) if self.sensitivity(k) <= DEAD * self.scale)

    def sensitivity(self, k: int) -> float:
        """Return the largest coefficient that moves with θ_k."""
        moving = np.take(self.coefficients, np.flatnonzero(np.abs(self.frequencies[k]) > 1e-9), axis=k)
        return float(np.abs(moving).max(initial=0.0))

    def is_period(self, k: int, period: float) -> bool:
        """Whether the loss is periodic in θ_k with this period."""
        turns = self.frequencies[k] * period / (2 * np.pi)
        off = np.abs(turns - np.round(turns)) > 1e-6
        return (
            float(np.abs(np.take(self.coefficients, np.flatnonzero(off), axis=k)).max(initial=0.0)) < 1e-10 * self.scale
        )

    def moments(self, characteristics) -> Moments:
        """Average exactly: ``characteristics[k](frequencies)`` is E[exp(i·f·θ_k)], vectorised."""
        first = [phi(f) for phi, f in zip(characteristics, self.frequencies, strict=True)]
        second = [phi(f[:, None] + f[None, :]) for phi, f in zip(characteristics, self.frequencies, strict=True)]

        def mean(c):
            for row in first:
                c = np.tensordot(row, c, (0, 0))
            return float(c.real)

        def square(c):
            out = c
            for k, m in enumerate(second):
                out = np.moveaxis(np.tensordot(m, out, (1, k)), 0, k)
            return float(np.sum(c * out).real)

        slopes = []
        for k, f in enumerate(self.frequencies):
            shape = [1] * self.n_params
            shape[k] = len(f)
            slopes.append(self.coefficients * (1j * f).reshape(shape))
        c = self.coefficients
        return Moments(
            mean(c), square(c), np.array([mean(s) for s in slopes]), np.array([max(square(s), 0.0) for s in slopes])
        )


def _losses(model: Model, points: list[np.ndarray]) -> np.ndarray:
    """Return the loss on the tensor grid of the points."""
    n, p = model.n_qubits, model.n_params
    psi = model.state.reshape((1,) * p + (2,) * n)
    for gate in model.gates:
        matrices, k = _on_grid(gate, points), len(gate.wires)
        psi = np.moveaxis(psi, [p + w for w in gate.wires], range(-k, 0))
        rest = psi.shape[p:-k]
        psi = psi.reshape(*psi.shape[:p], -1, 2**k) @ np.swapaxes(matrices, -1, -2)
        psi = psi.reshape(*psi.shape[:p], *rest, *(2,) * k)
        psi = np.moveaxis(psi, range(-k, 0), [p + w for w in gate.wires])
    psi = np.broadcast_to(psi, [*(len(x) for x in points), *(2,) * n]).reshape(-1, 2**n)
    values = np.einsum("bi,ij,bj->b", psi.conj(), model.observable, psi, optimize=True).real
    return values.reshape([len(x) for x in points])


def _on_grid(gate: _Gate, points: list[np.ndarray]) -> np.ndarray:
    """Return the gate's matrix on the sub-grid of the parameters that it depends on."""
    p = len(points)
    used = sorted({k for _, k in gate.dependent})
    shape = [len(points[k]) if k in used else 1 for k in range(p)]
    if not used:
        return gate.matrix().reshape(*shape, *[2 ** len(gate.wires)] * 2)
    grid = np.stack(np.meshgrid(*[points[k] for k in used], indexing="ij"), -1).reshape(-1, len(used))
    out = np.stack([gate.matrix(gate.slope[:, used] @ row) for row in grid])
    return out.reshape(*shape, *out.shape[1:])
