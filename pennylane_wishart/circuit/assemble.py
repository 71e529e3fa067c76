"""Elementary gates → :class:`RotationCircuit`: input state, Clifford frame, merged angles."""

from __future__ import annotations

import bisect

import numpy as np
import stim

from pennylane_wishart.circuit.expand import (
    Gate,
    fixed_generator,
    gate_matrix,
    tableau_of,
    tableau_of_matrix,
)
from pennylane_wishart.circuit.merging import Group, ratio_of, support_of
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.circuit.prefix import build_state, split_prefix
from pennylane_wishart.circuit.records import RotationCircuit, concatenated_starts
from pennylane_wishart.circuit.trace import TracedCircuit
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["assemble"]

_QUARTER = np.pi / 4
_MAX_RATIO = 1e8
"""Terms of one generator differ by no more than this: beyond, the smaller ones stay gates of their own."""

_WINDOW = 400
"""How many groups back a rotation looks for one to join."""
_CANDIDATES = 8
"""How many earlier constant rotations on the same qubits a fixed one is held against."""


class Frame:
    """W†PW for the product W of the fixed Clifford gates seen so far."""

    def __init__(self, n: int):
        self.n = n
        self.inverse = stim.Tableau(n)
        self.trivial = True
        self._cache: dict = {}
        self._inverses: dict = {}

    def append(self, tableau: stim.Tableau, targets: list[int], key=None) -> None:
        """Follow W by a Clifford gate."""
        if key is None or key not in self._inverses:
            inverse = tableau.inverse()
            if key is not None:
                self._inverses[key] = inverse
        else:
            inverse = self._inverses[key]
        self.inverse.prepend(inverse, targets)
        self.trivial = False
        self._cache.clear()

    def pull(self, letters: str, targets: list[int]) -> tuple[bytes, bytes, float]:
        """Return packed x, z (uint8, little-endian bits) and sign of W†PW."""
        key = (letters, tuple(targets))
        if key not in self._cache:
            word = stim.PauliString(self.n)
            for letter, q in zip(letters, targets, strict=True):
                if letter != "I":
                    word[q] = letter
            out = word if self.trivial else self.inverse(word)
            x, z = out.to_numpy(bit_packed=True)
            self._cache[key] = (x.tobytes(), z.tobytes(), float(out.sign.real))
        return self._cache[key]


class _Builder:
    def __init__(self, n: int, shared: np.ndarray):
        self.n, self.shared = n, shared
        self.frame = Frame(n)
        self.groups: list[Group] = []
        self.driven: dict[int, list[int]] = {}
        """Per shared parameter: its groups that turn something, in order."""
        self.constants: dict[int, list[int]] = {}
        """Per set of qubits: groups that have, or had, a constant part there, in order."""
        self.cliffords: list[tuple[int, stim.Tableau, tuple[int, ...]]] = []
        """Clifford gates with the number of groups before each."""

    def clifford(self, tableau: stim.Tableau, targets: list[int], key=None) -> None:
        """Conjugate everything that follows by a Clifford gate."""
        self.frame.append(tableau, targets, key)
        self.cliffords.append((len(self.groups), tableau, tuple(targets)))

    def words_of(self, terms) -> PauliWords:
        width = max(1, -(-self.n // 64))
        size = len(terms)
        x, z = np.zeros((size, 8 * width), np.uint8), np.zeros((size, 8 * width), np.uint8)
        if size:
            nbytes = len(terms[0][0])
            x[:, :nbytes] = np.frombuffer(b"".join(t[0] for t in terms), np.uint8).reshape(size, nbytes)
            z[:, :nbytes] = np.frombuffer(b"".join(t[1] for t in terms), np.uint8).reshape(size, nbytes)
        return PauliWords(x.view("<u8").astype(np.uint64), z.view("<u8").astype(np.uint64), self.n)

    def pull(self, generator: PauliSum, targets: list[int]) -> list:
        out = []
        for letters, c in zip(_strings(generator), generator.coefficients, strict=True):
            x, z, sign = self.frame.pull(letters, targets)
            out.append((x, z, sign * c))
        return out

    def rotation(self, generator, targets, coefficient, offset, parameter=-1, random=-1) -> None:
        """Append a rotation, merged into the last group of its parameter where they commute."""
        terms = self.pull(generator, targets)
        if not terms:
            return
        if parameter < 0 and random < 0:
            self._constant(terms, offset)
            return
        if parameter >= 0 and self.shared[parameter]:
            if self._merge(terms, coefficient, offset, parameter):
                return
            self.driven.setdefault(parameter, []).append(len(self.groups))
        self.groups.append(Group(terms, coefficient, offset, parameter, random))
        if offset:
            self._remember(terms, len(self.groups) - 1)

    def _constant(self, terms: list, angle: float) -> None:
        """Append a fixed rotation; one that undoes an earlier one, where they can be brought together, removes it."""
        if not self._compensated(terms, angle, len(self.groups)):
            self._remember(terms, len(self.groups))
            self.groups.append(Group(fixed=[(terms, angle)]))

    def _compensated(self, terms: list, angle: float, place: int) -> bool:
        """Join the constant rotation that stands before group ``place`` to an earlier one, where it can get there."""
        known = self.constants.get(support_of(terms), [])
        while known and not self.groups[known[-1]].is_offset:
            known.pop()
        for at in [k for k in known[-_CANDIDATES:] if place - _WINDOW <= k < place][::-1]:
            if not self._passes(terms, at + 1, place):
                return False
            if self.groups[at].compensate(terms, angle, self.n):
                return True
        return False

    def _remember(self, terms: list, at: int) -> None:
        """Note that group ``at`` has a constant part on these qubits."""
        known = self.constants.setdefault(support_of(terms), [])
        if not known or known[-1] < at:
            known.append(at)
        elif at not in known:
            bisect.insort(known, at)

    def _merge(self, terms, coefficient, offset, parameter) -> bool:
        """Add a rotation to the last group of its parameter; one that cancels uncovers the group before it."""
        known = self.driven.get(parameter)
        if not known or len(self.groups) - known[-1] > _WINDOW:
            return False
        at = known[-1]
        group = self.groups[at]
        size = max(abs(c) for _, _, c in terms) * abs(coefficient)
        if not 1 / _MAX_RATIO < size / group.size() < _MAX_RATIO:
            return False
        if not self._passes(terms, at):
            return False
        group.absorb(terms, coefficient, offset)
        if not group.terms:
            known.pop()
            group.fixed = [(part, angle) for part, angle in group.fixed if not self._compensated(part, angle, at)]
        for part, _ in group.fixed:
            self._remember(part, at)
        return True

    def _passes(self, terms: list, start: int, end: int | None = None) -> bool:
        """Tell whether a rotation commutes with all groups from ``start`` on, or those before ``end``."""
        parts = [part for g in self.groups[start:end] for part in g.parts()]
        if not parts:
            return True
        sizes = concatenated_starts([len(part) for part in parts])
        others = self.words_of([t for part in parts for t in part])
        meets = np.asarray(self.words_of(terms).anticommutation(others).any(axis=0))
        # a multiple of the same operator commutes with it, whatever its terms do
        return all(
            ratio_of(terms, part) is not None
            for part, low, high in zip(parts, sizes[:-1], sizes[1:], strict=True)
            if meets[low:high].any()
        )


_STRINGS: dict[int, tuple] = {}


def _strings(generator: PauliSum) -> list[str]:
    # Generators of elementary gates are cached objects, so their strings are too.
    found = _STRINGS.get(id(generator))
    if found is None or found[0] is not generator:
        found = (generator, generator.words.strings())
        if len(_STRINGS) > 4096:
            _STRINGS.clear()
        _STRINGS[id(generator)] = found
    return found[1]


def assemble(trace: TracedCircuit) -> RotationCircuit:
    """Build the normal form of a traced circuit.

    Entangling Clifford gates just before the first trainable gate may belong to the state (a
    prepared stabiliser state) or to the first layer (a CNOT–RZ–CNOT block): both readings are
    exact, and the one with the shorter words is kept.
    """
    index = {w: q for q, w in enumerate(trace.wires)}
    n = len(trace.wires)
    trainable = np.zeros(len(trace.gates), bool)
    trainable[trace.rotations] = np.diff(trace.map.indptr) > 0
    if trace.data_map is not None:
        trainable[trace.rotations] |= np.diff(trace.data_map.indptr) > 0
    first = int(np.argmax(trainable)) if trainable.any() else len(trainable)
    prefix = trace.gates[:first]
    cuts = {split_prefix(prefix, index, n, entangle) for entangle in (False, True)}
    circuits = [_assemble_from(trace, cut, trainable, index) for cut in sorted(cuts, reverse=True)]
    return min(circuits, key=_total_weight)


def _total_weight(circuit: RotationCircuit) -> int:
    return int(circuit.terms.weights().sum() + circuit.observable.words.weights().sum())


def _assemble_from(trace: TracedCircuit, cut: int, trainable: np.ndarray, index: dict) -> RotationCircuit:
    """Put ``cut`` gates into the state and the rest into rotations and the Clifford frame."""
    n = len(trace.wires)
    row_of = {int(g): r for r, g in enumerate(trace.rotations)}
    all_gates = trace.data_gates or (trace.gates,)
    states = tuple(build_state(gates[:cut], index, n) for gates in all_gates)
    _check_batch(trace, cut)
    counts = np.bincount(trace.map.indices, minlength=trace.n_params)
    builder = _Builder(n, counts > 1)
    for i in range(cut, len(trace.gates)):
        gate = trace.gates[i]
        targets = [index[w] for w in gate.op.wires]
        if gate.kind == "rotation" and trainable[i]:
            _trainable_rotation(builder, trace, row_of[i], gate, targets)
        else:
            _fixed_gate(builder, gate, targets)
    return _finish(builder, trace, states)


def _check_batch(trace: TracedCircuit, cut: int) -> None:
    for gates in trace.data_gates[1:]:
        for a, b in zip(trace.gates[cut:], gates[cut:], strict=True):
            moving = a.kind == "rotation" and abs(a.value - b.value) > 1e-12
            if a.key != b.key or moving:
                raise UnsupportedCircuitError(
                    f"The batch of inputs enters again after the first trainable gate ({a.op.name} on wires "
                    f"{list(a.op.wires)}): each datum is then its own circuit. Pass one datum at a time."
                )


def _trainable_rotation(builder: _Builder, trace: TracedCircuit, row: int, gate: Gate, targets) -> None:
    def entries(matrix):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        return list(zip(matrix.indices[part], matrix.data[part], strict=True))

    inputs = entries(trace.data_map) if trace.data_map is not None else []
    parameters = entries(trace.map)
    if inputs:
        # A random datum makes the whole angle random, whatever is added to it.
        builder.rotation(gate.generator, targets, 0.0, 0.0, random=int(inputs[0][0]))
        if not parameters:
            return
    fixed = 0.0 if abs(trace.offsets[row]) < 1e-12 or inputs else float(trace.offsets[row])
    for p, c in parameters[:-1]:
        builder.rotation(gate.generator, targets, float(c), 0.0, int(p))
    p, c = parameters[-1]
    builder.rotation(gate.generator, targets, float(c), fixed, int(p))


def _fixed_gate(builder: _Builder, gate: Gate, targets: list[int]) -> None:
    if gate.kind == "state":
        raise UnsupportedCircuitError(
            f"{gate.op.name} prepares a state after other gates: put it first in the circuit."
        )
    if gate.kind == "rotation":
        _fixed_rotation(builder, gate, targets)
        return
    tableau = tableau_of(gate.key, gate.op)
    if tableau is not None:
        builder.clifford(tableau, targets, gate.key)
    else:
        builder.rotation(fixed_generator(gate.op), targets, 0.0, 1.0)


def _fixed_rotation(builder: _Builder, gate: Gate, targets: list[int]) -> None:
    generator = gate.generator
    if generator is None or len(generator) == 0 or abs(gate.value) < 1e-14:
        return
    if len(generator) == 1:
        turns = gate.value * generator.coefficients[0] / _QUARTER
        if abs(turns - round(turns)) < 1e-11:
            key = (gate.key, round(turns) % 4)
            builder.clifford(_quarter_turn(_strings(generator)[0], round(turns) % 4), targets, key)
            return
    elif len(targets) <= 4:
        tableau = tableau_of_matrix(gate_matrix(gate.op))
        if tableau is not None:
            builder.clifford(tableau, targets)
            return
    builder.rotation(generator, targets, 0.0, gate.value)


def _quarter_turn(word: str, turns: int) -> stim.Tableau:
    """exp(−iπ/4·turns·P) as a tableau."""
    factors = "*".join(f"{p}{q}" for q, p in enumerate(word) if p != "I")
    circuit = stim.Circuit("\n".join([f"SPP {factors}"] * turns))
    out = stim.Tableau(len(word))
    return circuit.to_tableau() if turns and circuit.num_qubits == len(word) else _padded(circuit, out)


def _padded(circuit: stim.Circuit, tableau: stim.Tableau) -> stim.Tableau:
    if len(circuit):
        small = circuit.to_tableau()
        tableau.append(small, list(range(len(small))))
    return tableau


def _finish(builder: _Builder, trace: TracedCircuit, states) -> RotationCircuit:
    n = builder.n
    observable = operator_to_sum(trace.observable, trace.wires)
    pulled = builder.pull(observable, list(range(n)))
    observable = PauliSum.of(builder.words_of(pulled), np.array([t[2] for t in pulled])) if pulled else observable
    terms: list = []
    sizes: list[int] = []
    groups: list[Group] = []
    # a generator that has cancelled turns nothing: its parameter may drive no rotation at all
    emitted = [[*([g] if g.terms else []), *(Group(t, 0.0, angle) for t, angle in g.fixed)] for g in builder.groups]
    for part in emitted:
        groups += part
    for group in groups:
        if len(group.terms) > 1:
            merged = PauliSum.of(builder.words_of(group.terms), np.array([t[2] for t in group.terms]), tol=0.0)
            sizes.append(len(merged))
            terms.append((merged.words, merged.coefficients))
        else:
            sizes.append(1)
            terms.append((None, group.terms[0]))
    words, coefficients = _stack(builder, terms)
    shift = concatenated_starts([len(part) for part in emitted])
    return RotationCircuit(
        n_qubits=n,
        wires=trace.wires,
        terms=words,
        term_coefficients=coefficients,
        starts=concatenated_starts(sizes),
        coefficients=np.array([g.coefficient if g.parameter >= 0 else 0.0 for g in groups], float),
        offsets=np.array([g.offset for g in groups], float),
        parameter_of=np.array([g.parameter for g in groups], np.int64),
        random_of=np.array([g.random for g in groups], np.int64),
        observable=observable,
        states=states,
        n_params=trace.n_params,
        trace=trace,
        cliffords=tuple((int(shift[at]), tableau, targets) for at, tableau, targets in builder.cliffords),
    )


def _stack(builder: _Builder, terms: list) -> tuple[PauliWords, np.ndarray]:
    """Concatenate single terms and merged sums, singles packed in one go."""
    single = builder.words_of([t[1] for t in terms if t[0] is None])
    pieces, coefficients, run, at = [], [], 0, 0

    def flush():
        nonlocal at, run
        if run:
            pieces.append(single[at : at + run])
            at, run = at + run, 0

    for words, part in terms:
        if words is None:
            run += 1
            coefficients.append(np.array([part[2]]))
        else:
            flush()
            pieces.append(words)
            coefficients.append(part)
    flush()
    if not pieces:
        return PauliWords.identity(builder.n, 0), np.zeros(0)
    return PauliWords.concatenate(pieces), np.concatenate(coefficients).astype(float)
