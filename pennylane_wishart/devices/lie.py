"""``LieDevice``: PennyLane's device ``wishart.lie``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.modifiers import simulator_tracking, single_tape_support
from pennylane.devices.preprocess import decompose, validate_device_wires
from pennylane.exceptions import DeviceError
from pennylane.transforms.core import CompilePipeline

from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.preprocess import (
    accepts,
    decompose_late_preparations,
    decomposed,
    expand_batches,
    split_trainable_observables,
    validate_tape,
)
from pennylane_wishart.devices.reading import Tape
from pennylane_wishart.devices.shots import sampled_values
from pennylane_wishart.devices.simulate import Job, Structures, values_and_slopes, word_values
from pennylane_wishart.errors import InputError

__all__ = ["LieDevice"]

Config: TypeAlias = ExecutionConfig | None
Tapes: TypeAlias = Sequence[Tape]
Results: TypeAlias = tuple[Any, ...]
"""One entry a tape, nested as PennyLane nests results: arrays, or tuples of them."""
Both: TypeAlias = tuple[Results, Results]
"""Results and derivatives."""
Seed: TypeAlias = int | np.random.Generator | None
_GRADIENTS = ("best", "device", "adjoint")
_ENGINES = ("auto", "words", "majorana")


@simulator_tracking
@single_tape_support
class LieDevice(Device):  # type: ignore[misc]  # PennyLane has no types
    """A simulator that lives in the observable's module instead of the state space.

    Rotations exp(−iθG) by Pauli words, or by sums of commuting words, carry an observable O
    through M = span{Ad_g O}, the span of the words that O reaches. Where M is small the QNode is
    simulated in it, whatever the number of qubits: ⟨Q⟩ of every word Q of M is evolved, and each
    rotation turns the pairs (Q, iPQ) that anticommute with its word P. Clifford gates are conjugated
    away and cost nothing. Observables that are pairs of Majorana operators of the generators (free
    fermions) evolve as one antisymmetric matrix, chosen automatically.

    Not for circuits whose module is large: most hardware-efficient circuits with a local observable
    have one of 4^n words once the light cone spans n qubits, and a statevector device is then
    better from a few qubits on. ``max_dim`` is the limit; the size is counted before any work.

    Args:
        wires: as for any PennyLane device; None takes them from the circuit.
        shots: deprecated by PennyLane; use ``qml.set_shots``.
        seed: of finite shots, for ``numpy.random.default_rng``.
        max_dim: largest number of Pauli words in a module; with the engine "words" each takes 8
            bytes a distinct gate (word and place) and 8 bytes an observable and batch entry.
        engine: "words" (any module), "majorana" (free fermions only), or "auto".

    Takes state preparations (basis, product, stabiliser by Clifford gates, given vectors to 20
    qubits), Clifford gates, rotations by commuting Pauli sums and everything that decomposes into
    these; T is RZ(π/4). Returns ``qml.expval`` of Pauli words and sums, projectors (to 14 wires) and
    Hermitian matrices (to 10 wires), several at once. ``diff_method`` "best", "device" or "adjoint"
    is an adjoint sweep: all gradients in a few times the cost of a value. Finite shots are drawn
    from exact distributions: one binomial per Pauli word (each term of a sum has all the shots, and
    terms are drawn independently) or per observable of two eigenvalues.

    Raises:
        InputError: if an argument is wrong.
        pennylane.exceptions.DeviceError: while preprocessing, for returns and gates that it cannot take.
        ModuleTooLargeError: if a module has more than ``max_dim`` words.
    Cost: per rotation, one turn of the pairs that it touches: of d Majoranas, O(d) for an observable
        that is a pair of them; O(dim M) in general. The structure is made once per circuit shape
        and kept for the 32 latest, up to a gigabyte.
    Source: Goh, Larocca, Cincio, Cerezo, Sauvage, arXiv:2308.01432 (simulation in the Lie algebra);
        ours works in the observable's module, on words, without structure constants.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> n = 100
        >>> @qml.qnode(LieDevice(wires=n))
        ... def energy(x):
        ...     for layer in x:
        ...         for i in range(n - 1):
        ...             qml.IsingZZ(layer[i], [i, i + 1])
        ...         for i in range(n):
        ...             qml.RX(layer[n - 1 + i], i)
        ...     return qml.expval(qml.X(50))
        >>> x = np.full((2, 2 * n - 1), 0.3, requires_grad=True)
        >>> round(float(energy(x)), 6)
        0.159411
        >>> qml.grad(energy)(x).shape
        (2, 199)
    """

    config_filepath = str(Path(__file__).with_name("wishart_lie.toml"))

    def __init__(
        self,
        wires: Any = None,
        shots: Any = None,
        seed: Seed = None,
        max_dim: int = limits.MAX_DIM,
        engine: str = "auto",
    ) -> None:
        if isinstance(max_dim, bool) or not isinstance(max_dim, (int, np.integer)) or max_dim < 1:
            raise InputError(f"max_dim needs a positive integer, the largest number of words; got {max_dim!r}.")
        if engine not in _ENGINES:
            raise InputError(f"engine needs one of {', '.join(map(repr, _ENGINES))}; got {engine!r}.")
        super().__init__(wires=wires, shots=shots)
        self._rng = np.random.default_rng(seed)
        self._structures = Structures(int(max_dim), engine)

    @property
    def name(self) -> str:
        """The name under which PennyLane finds the device."""
        return "wishart.lie"

    # ------------------------------------------------------------------ preparation
    def supports_derivatives(self, execution_config: Config = None, circuit: Tape | None = None) -> bool:
        """Tell whether the device differentiates: methods "best", "device" and "adjoint", without shots."""
        if execution_config is None:
            return True
        if execution_config.gradient_method not in _GRADIENTS or execution_config.derivative_order != 1:
            return False
        return circuit is None or not circuit.shots

    def setup_execution_config(self, config: Config = None, circuit: Tape | None = None) -> ExecutionConfig:
        """Fill in what the user left open: derivatives are the device's own."""
        config = config or ExecutionConfig()
        if config.device_options:
            raise DeviceError(
                f"device options {sorted(config.device_options)} are not supported by wishart.lie: give max_dim, "
                "engine and seed to qml.device."
            )
        updates: dict[str, Any] = {}
        if self.supports_derivatives(config, circuit):
            updates["gradient_method"] = "adjoint" if config.gradient_method == "best" else config.gradient_method
            updates["use_device_gradient"] = True
            if config.use_device_jacobian_product is None:
                updates["use_device_jacobian_product"] = False
            if config.grad_on_execution is None:
                updates["grad_on_execution"] = True
        return replace(config, **updates)

    def preprocess_transforms(self, execution_config: Config = None) -> CompilePipeline:
        """Return the transforms that check a tape and lower it to what the device takes."""
        config = execution_config or ExecutionConfig()
        program = CompilePipeline()
        program.add_transform(validate_tape, name=self.name)
        program.add_transform(validate_device_wires, self.wires, name=self.name)
        program.add_transform(
            decompose, stopping_condition=accepts, decomposer=decomposed, device_wires=self.wires, name=self.name
        )
        program.add_transform(decompose_late_preparations)
        program.add_transform(split_trainable_observables)
        if config.use_device_gradient:
            program.add_transform(expand_batches)
        return program

    # ------------------------------------------------------------------ execution
    def execute(self, circuits: Tapes, execution_config: Config = None) -> Results:
        """Return the measured values of preprocessed tapes."""
        found = []
        for group in self._groups(circuits):
            jobs = [job for _, job in group]
            for (at, job), values in zip(group, word_values(jobs), strict=True):
                found.append((at, self._results(job, values)))
        return tuple(result for _, result in sorted(found, key=lambda f: f[0]))

    def execute_and_compute_derivatives(self, circuits: Tapes, execution_config: Config = None) -> Both:
        """Return values and Jacobians of preprocessed tapes, in a few times the cost of the values.

        A batched tape gets batched derivatives: entry b of a result by entry b of a parameter.
        """
        found = []
        for group in self._groups(circuits):
            jobs = [job for _, job in group]
            parts = values_and_slopes(jobs, [job.coefficients for job in jobs])
            for (at, job), (values, slopes) in zip(group, parts, strict=True):
                found.append((at, self._results(job, values), _jacobian(job, slopes)))
        return _in_order(found)

    def compute_derivatives(self, circuits: Tapes, execution_config: Config = None) -> Results:
        """Return the Jacobians of preprocessed tapes."""
        return self.execute_and_compute_derivatives(circuits, execution_config)[1]

    def execute_and_compute_vjp(self, circuits: Tapes, cotangents: Results, execution_config: Config = None) -> Both:
        """Return values and vector-Jacobian products: the cost of one observable, however many there are."""
        found = []
        for group in self._groups(circuits):
            jobs = [job for _, job in group]
            weights = [_cotangents(cotangents[at], job) for at, job in group]
            parts = values_and_slopes(jobs, [job.coefficients @ w for job, w in zip(jobs, weights, strict=True)])
            for (at, job), (values, slopes) in zip(group, parts, strict=True):
                rows = slopes[list(job.reading.tape.trainable_params)][..., 0]
                single = np.ndim(cotangents[at]) == min(1, len(job.reading.tape.measurements) - 1)
                found.append((at, self._results(job, values), tuple(r[0] if single else r for r in rows)))
        return _in_order(found)

    def compute_vjp(self, circuits: Tapes, cotangents: Results, execution_config: Config = None) -> Results:
        """Return vector-Jacobian products of preprocessed tapes."""
        return self.execute_and_compute_vjp(circuits, cotangents, execution_config)[1]

    def execute_and_compute_jvp(self, circuits: Tapes, tangents: Results, execution_config: Config = None) -> Both:
        """Return values and Jacobian-vector products of preprocessed tapes."""
        results, jacobians = self.execute_and_compute_derivatives(circuits, execution_config)
        products = []
        for tape, jacobian, tangent in zip(circuits, jacobians, tangents, strict=True):
            several = len(tape.measurements) > 1
            rows = [np.atleast_1d(np.asarray(row, float)) for row in (jacobian if several else (jacobian,))]
            moved = [np.asarray(row @ np.asarray(tangent, float).reshape(-1)) for row in rows]
            products.append(tuple(moved) if several else moved[0])
        return results, tuple(products)

    def compute_jvp(self, circuits: Tapes, tangents: Results, execution_config: Config = None) -> Results:
        """Return Jacobian-vector products of preprocessed tapes."""
        return self.execute_and_compute_jvp(circuits, tangents, execution_config)[1]

    def _groups(self, circuits: Tapes) -> list[list[tuple[int, Job]]]:
        """Read tapes and group them by structure, so that equal circuits run as one batch."""
        groups: dict[tuple[Any, ...], list[tuple[int, Job]]] = {}
        for at, tape in enumerate(circuits):
            job = self._structures.job(tape, self.wires)
            groups.setdefault((id(job.structure), job.coefficients.shape), []).append((at, job))
        return list(groups.values())

    def _results(self, job: Job, values: np.ndarray) -> Any:
        tape = job.reading.tape
        if tape.shots:
            return sampled_values(job, values, self._rng)
        return _nested(tape, job.coefficients.T @ values)


def _in_order(found: list[tuple[int, Any, Any]]) -> Both:
    """Return results and derivatives in the order of the tapes."""
    found = sorted(found, key=lambda f: f[0])
    return tuple(f[1] for f in found), tuple(f[2] for f in found)


def _cotangents(cotangent: Any, job: Job) -> np.ndarray:
    """Return cotangents ``(n_measurements, k)``; PennyLane may pass several at once."""
    n = len(job.reading.tape.measurements)
    return np.asarray(np.stack(cotangent) if isinstance(cotangent, (tuple, list)) else cotangent, float).reshape(n, -1)


def _nested(tape: Tape, table: np.ndarray) -> Any:
    """Nest a table ``(n_measurements, …, batch)``: numbers, or arrays where the tape is batched."""
    if tape.batch_size is None:
        table = table[..., 0]
    if table.ndim > 1 + (tape.batch_size is not None):
        rows = [tuple(np.asarray(v) for v in row) if table.shape[1] > 1 else np.asarray(row[0]) for row in table]
    else:
        rows = [np.asarray(row) for row in table]
    return rows[0] if len(rows) == 1 else tuple(rows)


def _jacobian(job: Job, slopes: np.ndarray) -> Any:
    """Return d(measurement)/d(trainable parameter) nested as PennyLane expects."""
    tape = job.reading.tape
    columns = slopes[list(tape.trainable_params)]  # (n_trainable, n_measurements, batch)
    if len(columns) == 0:
        return np.zeros(0) if len(tape.measurements) == 1 else tuple(np.zeros(0) for _ in tape.measurements)
    return _nested(tape, np.swapaxes(columns, 0, 1))
