"""Batched state vectors and SciPy's BFGS, sharing no code with the package: losses of the zoo, and their descents.

A QNode's tape is lowered to fixed gates and Pauli rotations whose angles are affine in the parameters; the map is
found by tracing once more for every parameter, and the whole is held against the QNode itself at random angles.
All descents of a circuit ask for their losses together, so that one pass through the gates serves them all.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass

import numpy as np
import pennylane as qml
from _zoo import Circuit
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse.linalg import eigsh

__all__ = ["WHOLE", "Loss", "descents", "find_grounds", "find_unit", "lowered", "read_angles"]

_KEPT = {
    *("RX", "RY", "RZ", "PhaseShift", "PauliRot", "MultiRZ", "IsingXX", "IsingYY", "IsingZZ", "IsingXY"),
    *("CRX", "CRY", "CRZ", "ControlledPhaseShift", "SingleExcitation", "DoubleExcitation", "CNOT", "CZ", "CY"),
    *("SWAP", "Hadamard", "S", "T", "Adjoint(S)", "Adjoint(T)", "PauliX", "PauliY", "PauliZ", "QubitUnitary"),
    *("Identity", "GlobalPhase", "BasisState", "BasisEmbedding", "StatePrep", "Toffoli", "ISWAP"),
}
WHOLE = ("QubitUnitary", "BasisState", "BasisEmbedding", "StatePrep", "GlobalPhase")
"""Gates whose data are no angle."""
CACHED = 2**13
"""Amplitudes that are worked on together: 128 kB."""
LARGEST_SPAN = 256
"""The span of a circuit's states is sought up to this dimension; larger ones count as the whole space."""


def _words(op):
    """Words and coefficients of a generator; those of one gate here commute."""
    matrix = qml.matrix(op.generator(), wire_order=op.wires)
    return qml.pauli.pauli_decompose(matrix, pauli=True).items()


@dataclass(frozen=True)
class _Rotation:
    """exp(−i·angle·factor/2·P) with P ψ = phase · ψ[source]."""

    source: NDArray
    phase: NDArray
    row: int
    factor: float

    def forward(self, psi, angles):
        t = self.factor / 2 * angles[self.row]
        return np.cos(t) * psi - 1j * np.sin(t) * (self.phase * psi[self.source])

    def back(self, psi, image, angles, slopes):
        t, turned = self.factor / 2 * angles[self.row], self.phase * psi[self.source]
        # the derivative by the angle is Im⟨λ|Pψ⟩ behind the gate
        slopes[self.row] += self.factor * np.einsum("ib,ib->b", image.conj(), turned).imag
        psi = np.cos(t) * psi + 1j * np.sin(t) * turned
        return psi, np.cos(t) * image + 1j * np.sin(t) * (self.phase * image[self.source])


@dataclass(frozen=True)
class _Phases:
    """Diagonal rotations in a row, as one; ``diagonals`` ``(2^n, k)`` with their factors."""

    diagonals: NDArray
    rows: list[int]

    def forward(self, psi, angles):
        return np.exp(-0.5j * (self.diagonals @ angles[self.rows])) * psi

    def back(self, psi, image, angles, slopes):
        np.add.at(slopes, self.rows, self.diagonals.T @ (image.conj() * psi).imag)
        undone = np.exp(0.5j * (self.diagonals @ angles[self.rows]))
        return undone * psi, undone * image


@dataclass(frozen=True)
class _Fixed:
    """A gate without parameters: a small matrix on some of ``n`` wires, or one that moves amplitudes."""

    n: int
    small: NDArray
    wires: list[int]

    @functools.cached_property
    def moved(self):
        """(source, phase) of a gate with one entry a row; None of any other."""
        index, bits = np.arange(2**self.n), [self.n - 1 - w for w in self.wires]
        if (np.abs(self.small) > 1e-12).sum(axis=1).max() > 1:
            return None
        local = sum((index >> b & 1) << (len(bits) - 1 - k) for k, b in enumerate(bits))
        column = np.abs(self.small).argmax(axis=1)
        source = index.copy()
        for k, b in enumerate(bits):
            wanted = column[local] >> (len(bits) - 1 - k) & 1
            source = source & ~(1 << b) | wanted << b
        return source, self.small[local, column[local]][:, None]

    def _dense(self, small, psi):
        k = len(self.wires)
        shape = (2,) * self.n + (psi.shape[1],)
        out = np.tensordot(small.reshape((2,) * 2 * k), psi.reshape(shape), (range(k, 2 * k), self.wires))
        return np.moveaxis(out, range(k), self.wires).reshape(psi.shape)

    def forward(self, psi, angles):
        if self.moved is None:
            return self._dense(self.small, psi)
        source, phase = self.moved
        return phase * psi[source]

    def back(self, psi, image, angles, slopes):
        if self.moved is None:
            return self._dense(self.small.conj().T, psi), self._dense(self.small.conj().T, image)
        source, phase = self.moved
        before, dual = np.empty_like(psi), np.empty_like(image)
        before[source], dual[source] = phase.conj() * psi, phase.conj() * image
        return before, dual


def lowered(qnode, x, gates):
    """Return the QNode's tape in some gates only."""
    tape = qml.workflow.construct_tape(qnode, level=0)(x)
    return qml.transforms.decompose(tape, gate_set=gates)[0][0]


def read_angles(qnode, n_params, gates):
    """Return a lowered tape, and (matrix, offset) of its angles, which are affine in the parameters."""

    def angles(tape):
        return np.array([float(op.data[0]) for op in tape.operations if op.data and op.name not in WHOLE])

    at = np.random.default_rng(1).uniform(0.1, 0.9, n_params)
    tape = lowered(qnode, at, gates)
    zero = angles(tape)
    columns = [angles(lowered(qnode, at + 0.5 * e, gates)) for e in np.eye(n_params)]
    matrix = np.round((np.array(columns).T - zero[:, None]) / 0.5, 10)
    return tape, matrix, zero - matrix @ at


class Loss:
    """Losses and gradients of many parameter sets at once, by the adjoint method."""

    def __init__(self, circuit: Circuit):
        self.n, self.n_params = circuit.n, circuit.n_params
        qnode, x = circuit.qnode()
        tape, self.matrix, self.offset = read_angles(qnode, self.n_params, _KEPT)
        self.start, self.steps = self._steps(tape)
        self.observable = tape.measurements[0].obs.sparse_matrix(wire_order=range(self.n)).tocsr()
        points = np.random.default_rng(1).uniform(0, 2 * np.pi, (2, self.n_params))
        if not np.allclose(self(points)[0], [float(qnode(p)) for p in points], atol=1e-8):
            raise RuntimeError(f"{circuit.name}: the tape was read wrongly.")

    def _steps(self, tape):
        steps, row = [], 0
        start = np.zeros(2**self.n, complex)
        start[0] = 1
        for op in tape.operations:
            if op.name in ("BasisState", "BasisEmbedding", "StatePrep"):
                start = op.state_vector(wire_order=range(self.n)).reshape(-1).astype(complex)
            elif op.data and op.name not in WHOLE:
                for word, c in _words(op):
                    if word:  # PennyLane's gates are exp(+iθG)
                        self._rotate(steps, {op.wires[w]: s for w, s in word.items()}, -2 * float(np.real(c)), row)
                row += 1
            elif op.name not in ("Identity", "GlobalPhase"):
                steps.append(_Fixed(self.n, np.asarray(qml.matrix(op), complex), [int(w) for w in op.wires]))
        return start, steps

    def _rotate(self, steps, letters, factor, row):
        index = np.arange(2**self.n)
        source, phase = index.copy(), np.ones(2**self.n, complex)
        for wire, letter in letters.items():
            bit = self.n - 1 - int(wire)
            if letter != "Z":
                source = source ^ (1 << bit)
            sign = 1 - 2 * (index >> bit & 1)
            phase = phase * {"X": 1, "Y": -1j * sign, "Z": sign}[letter]
        if set(letters.values()) != {"Z"}:
            steps.append(_Rotation(source, phase[:, None], row, factor))
            return
        column = factor * phase.real[:, None]
        if steps and isinstance(steps[-1], _Phases):
            last = steps.pop()
            steps.append(_Phases(np.concatenate([last.diagonals, column], axis=1), [*last.rows, row]))
        else:
            steps.append(_Phases(column, [row]))

    def states(self, points):
        """Return the states at points ``(count, n_params)`` as columns."""
        psi, angles = np.repeat(self.start[:, None], len(points), axis=1), self._at(points)
        for step in self.steps:
            psi = step.forward(psi, angles)
        return psi

    def _at(self, points):
        return self.matrix @ np.asarray(points).T + self.offset[:, None]

    def __call__(self, points):
        """Return losses ``(count,)`` and gradients ``(count, n_params)``."""
        # some columns at a time, so that they stay in the processor's cache
        columns = max(1, CACHED >> self.n)
        parts = [self._some(points[k : k + columns]) for k in range(0, len(points), columns)]
        return tuple(np.concatenate(both) for both in zip(*parts, strict=True))

    def _some(self, points):
        psi, angles = self.states(points), self._at(points)
        image = self.observable @ psi
        losses = np.einsum("ib,ib->b", psi.conj(), image).real
        slopes = np.zeros((len(self.offset), len(points)))
        for step in self.steps[::-1]:
            psi, image = step.back(psi, image, angles, slopes)
        return losses, slopes.T @ self.matrix


class _LockStep:
    """Minimisers in threads of their own whose questions are answered together."""

    def __init__(self, loss, count):
        self.loss, self.alive, self.asked, self.turn = loss, count, [], threading.Condition()

    def _answer(self):
        if not self.asked or len(self.asked) < self.alive:
            return
        losses, gradients = self.loss(np.array([box[0] for box in self.asked]))
        for box, value, gradient in zip(self.asked, losses, gradients, strict=True):
            box[1] = (float(value), gradient)
        self.asked = []
        self.turn.notify_all()

    def ask(self, x):
        box = [np.array(x), None]
        with self.turn:
            self.asked.append(box)
            self._answer()
            while box[1] is None:
                self.turn.wait()
        return box[1]

    def leave(self):
        with self.turn:
            self.alive -= 1
            self._answer()


def descents(loss: Loss, starts: int, seed: int, unit: float) -> NDArray[np.float64]:
    """Return where BFGS from random angles ends; ``unit``: size of a gradient that counts as large."""
    # 4π is a whole number of periods of every gate with a half-integer generator
    points = np.random.default_rng([77, seed]).uniform(0, 4 * np.pi, (starts, loss.n_params))
    together, ends = _LockStep(loss, starts), np.full(starts, np.nan)

    def run(k):
        x = points[k]
        try:
            for _ in range(2):  # a second run drops stale curvature
                found = minimize(
                    together.ask, x, jac=True, method="BFGS", options={"gtol": 1e-6 * unit, "maxiter": 2000}
                )
                x = found.x
            ends[k] = found.fun
        finally:
            together.leave()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(starts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def _grounds(loss: Loss) -> tuple[float, float]:
    """Return the lowest eigenvalue of the observable, and that on the span of the states where it is small."""
    if loss.n <= 8:
        lowest = float(np.linalg.eigvalsh(loss.observable.toarray())[0])
    else:
        lowest = float(eigsh(loss.observable.astype(complex), 1, which="SA", tol=1e-9)[0][0])
    count = min(2**loss.n, LARGEST_SPAN) + 8
    points = np.random.default_rng(3).uniform(0, 4 * np.pi, (count, loss.n_params))
    left, values, _ = np.linalg.svd(loss.states(points), full_matrices=False)
    basis = left[:, values > 1e-9 * values[0]]
    if basis.shape[1] > LARGEST_SPAN:
        return lowest, lowest
    return lowest, float(np.linalg.eigvalsh(basis.conj().T @ (loss.observable @ basis))[0])


def find_grounds(loss: Loss) -> tuple[float, float, NDArray[np.float64]]:
    """Return the lowest eigenvalue of the observable, the lowest that is reachable, and losses at random angles."""
    drawn = loss(np.random.default_rng(5).uniform(0, 4 * np.pi, (400, loss.n_params)))[0]
    return *_grounds(loss), drawn


def find_unit(reachable: float, drawn: NDArray[np.float64]) -> float:
    """Return the mean loss above the lowest reachable one."""
    return max(float(drawn.mean()) - reachable, 1e-6)
