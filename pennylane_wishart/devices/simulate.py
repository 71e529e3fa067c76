"""Batches of tapes → values and Jacobians, with one structure made per circuit and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np

from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.majorana import MajoranaModule
from pennylane_wishart.devices.program import Program, build_program
from pennylane_wishart.devices.reading import Reading, Tape, read_tape
from pennylane_wishart.devices.structure import make_engine
from pennylane_wishart.devices.wordmodule import WordModule
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Job", "Structures", "combine", "values_and_slopes", "word_values"]


@dataclass(eq=False)
class Structure:
    """What circuits of one shape share: the program, the engine and the latest inputs."""

    program: Program
    engine: WordModule | MajoranaModule
    inputs: OrderedDict[bytes, np.ndarray] = field(default_factory=OrderedDict)

    def input_values(self, reading: Reading) -> np.ndarray:
        """Return the engine's input values, last axis the batch of input states."""
        key = reading.state_key()
        if key not in self.inputs:
            values = [self.engine.inputs(state) for state in reading.states()]
            self.inputs[key] = np.stack(values, axis=-1)
            while len(self.inputs) > limits.KEPT_INPUTS:
                self.inputs.popitem(last=False)
        return self.inputs[key]


@dataclass(frozen=True, eq=False)
class Job:
    """One tape, read, with its structure."""

    reading: Reading
    structure: Structure
    coefficients: np.ndarray
    """float64 ``(n_words, n_measurements)``: how the measurements combine the words."""

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """Return input values ``(…, batch)`` and φ ``(n_terms, batch)`` with one batch size."""
        tape = self.reading.tape
        batch = tape.batch_size or 1
        phi = self.structure.program.turns(tape.get_parameters(trainable_only=False), batch)
        x = self.structure.input_values(self.reading)
        return np.broadcast_to(x, (*x.shape[:-1], batch)), phi


class Structures:
    """The latest structures by key; a module is enumerated once per circuit structure."""

    def __init__(self, max_dim: int, engine: str):
        self.max_dim, self.engine = max_dim, engine
        self._kept: OrderedDict[tuple[Hashable, ...], Structure] = OrderedDict()

    def job(self, tape: Tape, device_wires: Iterable[Hashable] | None = None) -> Job:
        """Read a preprocessed tape.

        Raises:
            ModuleTooLargeError: if the module has more than ``max_dim`` words.
        """
        reading = read_tape(tape, device_wires)
        sums = reading.observables()
        words, coefficients = combine(sums, reading.n_qubits)
        key = (*reading.key, words.packed.tobytes())
        if key not in self._kept:
            program = build_program(reading, words)
            self._kept[key] = Structure(program, make_engine(program, self.max_dim, self.engine))
            self._forget()
        self._kept.move_to_end(key)
        structure = self._kept[key]
        return Job(reading, structure, coefficients * structure.program.signs[:, None])

    def _forget(self) -> None:
        """Drop the oldest structures beyond the limits of number and memory; the latest stays."""
        total = sum(s.engine.nbytes for s in self._kept.values())
        while len(self._kept) > limits.KEPT_STRUCTURES or (total > limits.KEPT_BYTES and len(self._kept) > 1):
            _, oldest = self._kept.popitem(last=False)
            total -= oldest.engine.nbytes


def combine(sums: list[PauliSum], n: int) -> tuple[PauliWords, np.ndarray]:
    """Return the distinct words of several sums and their coefficients ``(n_words, n_sums)``."""
    words, inverse = PauliWords.concatenate([PauliWords.identity(n, 0), *(s.words for s in sums)]).unique()
    out = np.zeros((len(words), len(sums)))
    at = 0
    for k, s in enumerate(sums):
        np.add.at(out[:, k], inverse[at : at + len(s)], s.coefficients)
        at += len(s)
    return words, out


def word_values(jobs: list[Job]) -> list[np.ndarray]:
    """Return the expectation values of the words of jobs of one structure, each ``(n_words, batch)``."""
    engine = jobs[0].structure.engine
    out = []
    for part in _chunks(jobs, 1):
        x, cos, sin, cuts = _stack(part)
        out += np.split(engine.read(engine.forward(x, cos, sin)), cuts, axis=-1)
    return out


def values_and_slopes(jobs: list[Job], combinations: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return word values, and derivatives of combinations of words, of jobs of one structure.

    Args:
        combinations: per job ``(n_words, k)``, all of one k.
    Returns:
        per job ``(n_words, batch)`` and d(combination)/d(tape parameter) ``(n_parameters, k, batch)``.
    """
    program, engine = jobs[0].structure.program, jobs[0].structure.engine
    given = {id(job): c for job, c in zip(jobs, combinations, strict=True)}
    out = []
    for part in _chunks(jobs, 2 + combinations[0].shape[1]):
        x, cos, sin, cuts = _stack(part)
        end = engine.forward(x, cos, sin)
        values = engine.read(end)
        sizes = np.diff([0, *cuts, x.shape[-1]])
        slopes = engine.backward(end, engine.covectors(_side_by_side(part, given, sizes)), cos, sin)
        slopes *= program.factors[:, None, None]
        pieces = zip(part, np.split(values, cuts, axis=-1), np.split(slopes, cuts, axis=-1), strict=True)
        out += [(value, _per_parameter(job, slope)) for job, value, slope in pieces]
    return out


def _side_by_side(jobs: list[Job], given: dict[int, np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """Return combinations ``(n_words, k, batch)``, with one column for all where they are equal."""
    first = given[id(jobs[0])]
    if all(given[id(job)] is first or np.array_equal(given[id(job)], first) for job in jobs):
        return first[:, :, None]
    return np.concatenate([np.repeat(given[id(j)][:, :, None], s, axis=2) for j, s in zip(jobs, sizes, strict=True)], 2)


def _per_parameter(job: Job, slopes: np.ndarray) -> np.ndarray:
    """Add up the slopes of the terms that one tape parameter drives."""
    n = len(job.reading.tape.get_parameters(trainable_only=False))
    total = np.zeros((n + 1, *slopes.shape[1:]))  # the last row takes constant angles
    np.add.at(total, job.structure.program.sources, slopes)
    return total[:n]


def _chunks(jobs: list[Job], copies: int) -> list[list[Job]]:
    """Split a batch so that its working memory stays bounded."""
    size = max(1, limits.WORKING_BYTES // (8 * copies * jobs[0].structure.engine.size))
    return [jobs[i : i + size] for i in range(0, len(jobs), size)]


def _stack(jobs: list[Job]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return one writable batch: input values, cos φ, sin φ, and where the jobs part."""
    parts = [job.start() for job in jobs]
    x = np.concatenate([p[0] for p in parts], axis=-1)
    phi = np.concatenate([p[1] for p in parts], axis=-1)
    cuts = np.cumsum([p[1].shape[1] for p in parts])[:-1]
    return x, np.cos(phi), np.sin(phi), cuts
