"""Circuits of benchmarks/false_alarms.py, and pools of what a device would measure of them.

A pool holds random angle sets and, for each, everything that shots are drawn from: the outcome
probabilities of every circuit that parameter-shift runs. They come from default.qubit without shots, all angle
sets and shifts in one broadcast tape. An ideal device draws its shots from these probabilities, independently
for each circuit, so drawing them here with numpy gives the same law of measurements at a thousandth of the
time; item 4 of the benchmark measures on devices themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.measurement import Measurement
from pennylane_wishart.measurement.records.plan import SamplingPlan
from pennylane_wishart.measurement.routes.observables import readings
from pennylane_wishart.measurement.routes.shifts import shift_rule

__all__ = ["CASES", "Case", "Pool", "families"]

_CHUNK = 1 << 21  # amplitudes of one broadcast tape


@dataclass(frozen=True)
class Case:
    """A circuit and why it is here."""

    name: str
    kind: str
    make: Callable[[], tuple[qml.QNode, tuple]]


def _weights(*shape: int) -> pnp.tensor:
    return pnp.array(np.random.default_rng(1).uniform(0, 6, shape), requires_grad=True)


def _qnode(n: int, body: Callable, observable: Callable, *shape: int) -> tuple[qml.QNode, tuple]:
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        body(weights, n)
        return qml.expval(observable())

    return circuit, (_weights(*shape),)


def _entangling(weights, n):
    qml.StronglyEntanglingLayers(weights, wires=range(n))


def _real(weights, n):
    for layer in weights:
        for q in range(n):
            qml.RY(layer[q], q)
        for q in range(n if n > 2 else 1):
            qml.CZ([q, (q + 1) % n])


def _two_axes(weights, n):
    for layer in weights:
        for q in range(n):
            qml.RX(layer[q, 0], q)
            qml.RY(layer[q, 1], q)
        for q in range(n):
            qml.CNOT([q, (q + 1) % n])


def _product(weights, n):
    for q in range(n):
        qml.RY(weights[q], q)


def _ring():
    return qml.sum(*[qml.Z(q) @ qml.Z((q + 1) % 4) for q in range(4)])


def _qaoa(weights, n):
    for q in range(n):
        qml.Hadamard(q)
    for gamma, beta in weights:
        for q in range(n):
            qml.IsingZZ(2 * gamma, [q, (q + 1) % n])
        for q in range(n):
            qml.RX(2 * beta, q)


def _constant(weights, n):
    for layer in weights:
        for q in range(n):
            qml.RY(layer[q], q)
        qml.CZ([0, 1])


def _hamiltonian():
    return qml.Hamiltonian([1.0, 0.5, 0.25], [qml.Z(0) @ qml.Z(1), qml.X(0), qml.Y(1)])


CASES = (
    Case("deep_su4", "deep SEL, one word", lambda: _qnode(2, _entangling, lambda: qml.X(0) @ qml.Z(1), 6, 2, 3)),
    Case("ry_cz", "RY + CZ, deep", lambda: _qnode(3, _real, lambda: qml.X(0), 9, 3)),
    Case("heavy", "shallow, kurtosis 50", lambda: _qnode(6, _two_axes, lambda: qml.Z(0) @ qml.Z(1), 1, 6, 2)),
    Case("product", "five cosines, kurtosis 7.6",
         lambda: _qnode(5, _product, lambda: qml.prod(*[qml.Z(q) for q in range(5)]), 5)),
    Case("dead", "half the parameters dead", lambda: _qnode(4, _real, lambda: qml.Z(0), 2, 4)),
    Case("groups", "Hamiltonian, three groups", lambda: _qnode(2, _entangling, _hamiltonian, 6, 2, 3)),
    Case("projector", "projector, deep",
         lambda: _qnode(2, _entangling, lambda: qml.Projector([1, 0], [0, 1]), 6, 2, 3)),
    Case("plateau", "projector, shallow, kurtosis 11",
         lambda: _qnode(4, _product, lambda: qml.Projector([0] * 4, range(4)), 4)),
    Case("qaoa", "QAOA, shared angles", lambda: _qnode(4, _qaoa, _ring, 2, 2)),
    Case("constant", "constant loss 0, all dead", lambda: _qnode(2, _constant, lambda: qml.Y(0), 2, 2)),
)  # fmt: skip


def families(rng: np.random.Generator) -> dict[str, Callable]:
    """Families of values from light to heavy tails, as gradients and losses have them."""

    def cosines(count):
        return lambda shape: np.prod(np.cos(rng.uniform(0, 2 * np.pi, (count, *shape))), 0)

    def plateau(count):
        def draw(shape):
            rest = (1 + np.cos(rng.uniform(0, 2 * np.pi, (count, *shape)))) / 2
            return np.sin(rng.uniform(0, 2 * np.pi, shape)) * np.prod(rest, 0)

        return draw

    def variance_gamma(dof):
        return lambda shape: rng.normal(size=shape) * np.sqrt(rng.gamma(dof / 2, size=shape))

    return {
        "one cosine": cosines(1),
        "uniform": lambda shape: rng.uniform(-1, 1, shape),
        "normal": lambda shape: rng.normal(size=shape),
        "three cosines": cosines(3),
        "five cosines": cosines(5),
        "variance-gamma, K = 2": variance_gamma(2),
        "variance-gamma, K = 1": variance_gamma(1),
        "variance-gamma, K = 0.6": variance_gamma(0.6),
        "loss of a projector, N = 4": lambda shape: rng.beta(1, 3, shape),
        "loss of a projector, N = 16": lambda shape: rng.beta(1, 15, shape),
        "exponential": lambda shape: rng.exponential(size=shape),
        "projector plateau, 3 qubits": plateau(2),
        "projector plateau, 4 qubits": plateau(3),
    }


class Pool:
    """Angle sets of a case with exact losses, gradients and outcome probabilities."""

    def __init__(self, case: Case, size: int, seed: int):
        qnode, args = case.make()
        self.case, self.prediction = case, pw.predict(qnode)(*args)
        self.trace = self.prediction.circuit.trace
        rng = np.random.default_rng([seed, *case.name.encode()])
        self.angles = self.prediction.angles.sample(rng, size)
        tape = self.trace.tapes[0]
        self.jacobian = self.trace.jacobian.toarray()
        self.rules = [shift_rule(tape.get_operation(k)[0]) for k in range(len(self.jacobian))]
        self.readings, self.constant = readings(tape.measurements[0].obs, 2)
        self.outcomes = [self._outcomes(tape, reading) for reading in self.readings]
        self.values = self._exact()

    def __len__(self) -> int:
        return len(self.angles)

    def _outcomes(self, tape, reading) -> tuple[np.ndarray, np.ndarray]:
        """Return (values of the outcomes, probabilities ``(size, points, outcomes)``) of one reading."""
        points = 1 + sum(len(rule) for rule in self.rules)
        moves = np.zeros((points, len(self.rules)))
        at = 1
        for k, rule in enumerate(self.rules):
            for _, shift in rule:
                moves[at, k], at = shift, at + 1
        wires = self.trace.wires
        values = self.angles @ self.jacobian.T + self.trace.gate_offsets
        batch = max(1, _CHUNK // (points * 2 ** len(wires)))
        device = qml.device("default.qubit", wires=wires)
        measured = reading.measurements[0]
        sampled = isinstance(measured, qml.measurements.SampleMP)
        what = qml.probs(wires=measured.wires) if sampled else qml.expval(measured.obs)
        found = []
        for low in range(0, len(values), batch):
            rows = (values[low : low + batch, None, :] + moves).reshape(-1, len(self.rules))
            bound = tape.bind_new_parameters(list(rows.T), tape.trainable_params)
            script = qml.tape.QuantumScript([*bound.operations, *reading.rotations], [what])
            program = device.preprocess_transforms()
            batched, post = program([script])
            result = np.asarray(post(device.execute(batched))[0])
            found.append(result.reshape(-1, points, *result.shape[1:]))
        result = np.concatenate(found)
        if sampled:
            n = len(measured.wires)
            bits = (np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1)) & 1
            levels = np.array([reading.interpret(b[None, :], 1)[0] for b in bits])
            return levels, result / result.sum(-1, keepdims=True)
        low, high = (0.0, 1.0) if isinstance(measured.obs, qml.Projector) else (-1.0, 1.0)
        if not isinstance(measured.obs, qml.Projector):  # one word, with or without a coefficient
            scale = float(np.real(next(iter(measured.obs.pauli_rep.values()))))
            low, high = -abs(scale), abs(scale)
        chance = np.clip((result - low) / (high - low), 0, 1)
        factor = getattr(reading.interpret, "factor", 1.0)
        return factor * np.array([low, high]), np.stack([1 - chance, chance], -1)

    def _exact(self) -> tuple[np.ndarray, np.ndarray]:
        means = sum(p @ v for v, p in self.outcomes) + self.constant
        return means[:, 0], self._slopes(means) @ self.jacobian

    def _slopes(self, means: np.ndarray, square: bool = False) -> np.ndarray:
        out, at = np.zeros((len(means), len(self.rules))), 1
        for k, rule in enumerate(self.rules):
            c = np.array([c for c, _ in rule])
            out[:, k] = means[:, at : at + len(c)] @ (c**2 if square else c)
            at += len(c)
        return out

    def draw(self, samples: int, shots: int | None, rng: np.random.Generator) -> Measurement:
        """Return what an ideal device measures at random angle sets of the pool."""
        rows = rng.integers(len(self), size=samples)
        if shots is None:
            losses, gradients = (v[rows] for v in self.values)
            return self._record(rows, losses, gradients, np.zeros_like(gradients), np.zeros(samples), None)
        means, noise = self.constant, 0.0
        for levels, chances in self.outcomes:
            counts = rng.multinomial(shots, chances[rows]) if len(levels) > 2 else _two(rng, shots, chances[rows])
            mean = counts @ levels / shots
            if shots > 1:
                spread = np.maximum(counts @ levels**2 / shots - mean**2, 0.0) / (shots - 1)
            else:
                spread = np.full_like(mean, (np.ptp(levels) / 2) ** 2)
            means, noise = means + mean, noise + spread
        slopes, squares = self._slopes(means), self._slopes(noise, True)
        errors = np.sqrt(squares @ self.jacobian**2)
        return self._record(rows, means[:, 0], slopes @ self.jacobian, errors, noise[:, 0], shots)

    def _record(self, rows, losses, gradients, errors, noise, shots) -> Measurement:
        circuit = self.prediction.circuit
        plan = SamplingPlan(circuit.content_hash, self.prediction.angles, ((7, 0, len(rows)),), None, shots, "pool")
        return Measurement(losses, gradients, errors, noise, self.angles[rows], plan, "default.qubit", ("pool",))


def _two(rng, shots, chances) -> np.ndarray:
    up = rng.binomial(shots, chances[..., 1])
    return np.stack([shots - up, up], -1)
