"""Tape → ``Program``: Pauli rotations in the Clifford frame, and where their angles come from.

A program holds everything that does not change when only angles, input data and observable
coefficients change, so that it is made once per circuit structure and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import stim

from pennylane_wishart.circuit.builder import Frame
from pennylane_wishart.circuit.expand import Gate
from pennylane_wishart.circuit.gate_matrices import fixed_generator, gate_matrix, tableau_of, tableau_of_matrix
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.reading import Reading
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Program", "build_program", "pulled_words"]


@dataclass(frozen=True, eq=False)
class Program:
    """Rotations ``R_l = exp(−i·angle_l·G_l)`` on the bare input, one row per word of each ``G_l``.

    With ``φ_t = 2·coefficient_t·angle``, term t turns each anticommuting pair (Q, iPQ) by φ_t.
    """

    n_qubits: int
    words: PauliWords
    """The word P of each term, first gate first; the words of one generator commute."""
    factors: np.ndarray
    """float64 ``(n_terms,)``: φ per unit of the driving number, signs of the frame included."""
    sources: np.ndarray
    """int64 ``(n_terms,)``: the tape parameter that drives the term; −1 for a constant angle 1."""
    observables: PauliWords
    """The distinct words that the measurements need, in the conjugated frame."""
    signs: np.ndarray
    """float64: sign of each of them."""

    @property
    def n_terms(self) -> int:
        """Number of terms, those of fixed gates included."""
        return len(self.factors)

    def turns(self, parameters: list[Any], batch: int) -> np.ndarray:
        """Return φ ``(n_terms, batch)`` at all parameters of a tape, driving ones scalars or batches."""
        table = np.ones((len(parameters) + 1, batch))  # the last row drives constant angles
        used = np.unique(self.sources[self.sources >= 0])
        if len(used):
            table[used] = _rows([parameters[k] for k in used], batch)
        return np.asarray(self.factors[:, None] * table[self.sources])


def _rows(values: list[Any], batch: int) -> np.ndarray:
    if batch == 1:
        return np.array([float(np.asarray(v).reshape(-1)[0]) for v in values])[:, None]
    return np.array([np.broadcast_to(np.asarray(v, float), (batch,)) for v in values])


class _Lowering:
    """Collects the rotations of a circuit while its Clifford gates go into the frame."""

    def __init__(self, n: int):
        self.n, self.frame = n, Frame(n)
        self.x: list[bytes] = []
        self.z: list[bytes] = []
        self.factors: list[float] = []
        self.sources: list[int] = []

    def rotation(self, generator: PauliSum, targets: list[int], source: int, slope: float) -> None:
        """Append exp(−i·slope·number·G)."""
        for letters, c in zip(generator.words.strings(), generator.coefficients, strict=True):
            if set(letters) <= {"I"}:
                continue
            x, z, sign = self.frame.pull(letters, targets)
            self.x.append(x)
            self.z.append(z)
            self.factors.append(2.0 * slope * sign * float(c))
            self.sources.append(source)

    def gate(self, gate: Gate, targets: list[int], source: int, slope: float, fixed: bool) -> None:
        """Take one gate: Clifford gates into the frame, everything else as rotations."""
        if gate.kind == "state":
            raise UnsupportedCircuitError(
                f"{gate.op.name} prepares wires {list(gate.op.wires)} that other gates have already changed: "
                "put it first in the circuit."
            )
        tableau = _tableau(gate, fixed)
        if tableau is not None:
            self.frame.append(tableau, targets)
        elif gate.kind == "rotation":
            assert gate.generator is not None
            if source < 0:
                slope = gate.value
            self.rotation(gate.generator, targets, source, slope)
        else:
            self.rotation(fixed_generator(gate.op), targets, -1, 1.0)


def _tableau(gate: Gate, fixed: bool) -> stim.Tableau | None:
    """Return the tableau of a gate whose angle, if any, is a fixed quarter turn; None otherwise."""
    if gate.kind == "fixed":
        return tableau_of(gate.key, gate.op)
    if not fixed or len(gate.op.wires) > limits.MAX_TABLEAU_WIRES:
        return None
    return tableau_of_matrix(gate_matrix(gate.op))


def build_program(reading: Reading, measured: PauliWords) -> Program:
    """Conjugate the Clifford gates of a reading into its rotations and observables.

    Args:
        reading: the tape as elementary gates.
        measured: the distinct words that the measurements need.
    Raises:
        UnsupportedCircuitError: if a state is prepared on wires in use.
    Cost: O(gates · n / 64) word operations.
    """
    lowering = _Lowering(reading.n_qubits)
    for step in reading.steps:
        lowering.gate(step.gate, step.targets, step.source, step.slope, step.fixed)
    observables, signs = pulled_words(lowering.frame, measured)
    words = _words(lowering.x, lowering.z, reading.n_qubits)
    return Program(
        n_qubits=reading.n_qubits,
        words=words,
        factors=np.array(lowering.factors, float),
        sources=np.array(lowering.sources, np.int64),
        observables=observables,
        signs=signs,
    )


def pulled_words(frame: Frame, words: PauliWords) -> tuple[PauliWords, np.ndarray]:
    """Return W†PW of full-length words: words and signs."""
    if frame.trivial or len(words) == 0:
        return words, np.ones(len(words))
    every = list(range(words.n_qubits))
    found = [frame.pull(letters, every) for letters in words.strings()]
    pulled = _words([f[0] for f in found], [f[1] for f in found], words.n_qubits)
    return pulled, np.array([f[2] for f in found])


def _words(x: list[bytes], z: list[bytes], n: int) -> PauliWords:
    """Build words from packed bytes, as ``Frame.pull`` returns them."""
    width, size = max(1, -(-n // 64)), len(x)
    out = np.zeros((2, size, 8 * width), np.uint8)
    if size:
        nbytes = len(x[0])
        out[0, :, :nbytes] = np.frombuffer(b"".join(x), np.uint8).reshape(size, nbytes)
        out[1, :, :nbytes] = np.frombuffer(b"".join(z), np.uint8).reshape(size, nbytes)
    packed = out.view("<u8").astype(np.uint64)
    return PauliWords(packed[0], packed[1], n)
