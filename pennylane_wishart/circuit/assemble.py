"""Elementary gates → :class:`RotationCircuit`: input state, Clifford frame, merged angles."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import stim
from scipy.sparse import csr_array

from pennylane_wishart.circuit.builder import Builder, strings_of
from pennylane_wishart.circuit.expand import Gate
from pennylane_wishart.circuit.gate_matrices import fixed_generator, gate_matrix, tableau_of, tableau_of_matrix
from pennylane_wishart.circuit.merging import Group, words_of
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.circuit.prefix import build_state, split_prefix
from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.circuit.rotations import concatenated_starts
from pennylane_wishart.circuit.states import InputState
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.circuit.twofold import two_copies
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError, WishartWarning
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["assemble", "assemble_outputs", "noise_free"]

_Conjugated = Callable[[PauliSum], PauliSum]

_QUARTER = np.pi / 4


def assemble(trace: TracedCircuit) -> RotationCircuit:
    """Build the normal form of a traced circuit.

    Entangling Clifford gates just before the first trainable gate may belong to the state (a
    prepared stabiliser state) or to the first layer (a CNOT–RZ–CNOT block): both readings are
    exact, and the one with the shorter words is kept.
    """
    return _assemble(trace)[0]


def assemble_outputs(
    trace: TracedCircuit, again: Callable[[int], TracedCircuit] | None = None
) -> tuple[RotationCircuit, ...]:
    """Build the normal form of everything that the QNode returns: the same rotations, an observable each.

    A batch returns its data one after the other; their circuits differ by fixed angles or input states. Where a datum
    enters the angle of a trainable gate they differ in how angles depend on parameters, and are traced ``again``.
    """
    if len(trace.data_gates) < 2:
        return _each_output(trace, None)
    kept = trace.data_gates[: max(1, limits.OUTCOMES // len(trace.outputs))]
    if len(kept) < len(trace.data_gates):
        warnings.warn(
            f"Of the batch of {len(trace.data_gates)} data the first {len(kept)} are read.",
            WishartWarning,
            stacklevel=4,
        )
    data: Iterable[TracedCircuit] = (replace(trace, gates=gates, data_gates=()) for gates in kept)
    mixed = _meets_parameters(trace)
    if mixed is not None:
        data = [] if again is None else [again(d) for d in range(len(kept))]
        if not data or not all(_same_gates(one.gates, gates) for one, gates in zip(data, kept, strict=True)):
            raise UnsupportedCircuitError(
                f"The batch of inputs enters the angle of a trainable gate ({mixed.op.name} on wires "
                f"{list(mixed.op.wires)}), and which argument holds it is not clear: pass one datum at a time."
            )
    return tuple(circuit for d, one in enumerate(data) for circuit in _each_output(one, d))


def _each_output(trace: TracedCircuit, datum: int | None) -> tuple[RotationCircuit, ...]:
    circuit, conjugated = _assemble(trace)
    out = []
    for output in trace.outputs:
        if datum is not None:
            prefix = f"datum {datum}"
            name = prefix if len(trace.outputs) == 1 else f"{prefix}, {output.name}"
            output = replace(output, name=name, datum=datum)
        own = replace(trace, observable=output.operator, outputs=(output,))
        if output.is_variance:
            own = two_copies(own)
            out.append(replace(_assemble(own)[0], trace=own))
            continue
        observable = conjugated(operator_to_sum(output.operator, trace.wires))
        out.append(replace(circuit, observable=observable, trace=own))
    return tuple(out)


def _meets_parameters(trace: TracedCircuit) -> Gate | None:
    """Return the first trainable gate whose angle differs from datum to datum: one map of angles does not serve all."""
    for row in np.flatnonzero(np.diff(trace.map.indptr)):
        at = trace.rotations[row]
        if np.ptp([gates[at].value for gates in trace.data_gates]) > limits.SAME_GATE:
            found: Gate = trace.gates[at]
            return found
    return None


def _same_gates(found: Sequence[Gate], wanted: Sequence[Gate]) -> bool:
    return len(found) == len(wanted) and all(
        a.key == b.key and a.op.wires == b.op.wires and abs(a.value - b.value) <= limits.SAME_GATE
        for a, b in zip(found, wanted, strict=True)
    )


def _assemble(trace: TracedCircuit) -> tuple[RotationCircuit, _Conjugated]:
    """The normal form, and the Clifford frame that an observable is pulled through."""
    index = {w: q for q, w in enumerate(trace.wires)}
    n = len(trace.wires)
    trainable = np.zeros(len(trace.gates), bool)
    trainable[trace.rotations] = np.diff(trace.map.indptr) > 0
    if trace.data_map is not None:
        trainable[trace.rotations] |= np.diff(trace.data_map.indptr) > 0
    # noise too ends the fixed gates that make the input, which is pure
    trainable_or_noise = trainable | np.array([g.kind == "channel" for g in trace.gates], bool)
    first = int(np.argmax(trainable_or_noise)) if trainable_or_noise.any() else len(trainable)
    prefix = trace.gates[:first]
    # the two readings of a Clifford tail
    cuts = {split_prefix(prefix, index, n, entangle) for entangle in (False, True)}
    circuits = [_assemble_from(trace, cut, trainable, index) for cut in sorted(cuts, reverse=True)]
    return min(circuits, key=lambda found: _total_weight(found[0]))


def noise_free(circuit: RotationCircuit) -> RotationCircuit:
    """Return the circuit without its noise: read again where its gates are known, so that what noise kept apart merges.

    Parameters keep their numbers.
    """
    trace = circuit.trace
    if not circuit.channels or trace is None:
        return replace(circuit, channels=())
    keep = np.array([g.kind != "channel" for g in trace.gates], bool)
    place = np.cumsum(keep) - 1
    return assemble(
        replace(
            trace,
            gates=tuple(g for g in trace.gates if g.kind != "channel"),
            data_gates=tuple(tuple(g for g in gates if g.kind != "channel") for gates in trace.data_gates),
            rotations=place[trace.rotations],
        )
    )


def _total_weight(circuit: RotationCircuit) -> int:
    return int(circuit.terms.weights().sum() + circuit.observable.words.weights().sum())


def _assemble_from(
    trace: TracedCircuit, cut: int, trainable: np.ndarray, index: Mapping[Hashable, int]
) -> tuple[RotationCircuit, _Conjugated]:
    """Put ``cut`` gates into the state and the rest into rotations and the Clifford frame."""
    n = len(trace.wires)
    row_of = {int(g): r for r, g in enumerate(trace.rotations)}
    all_gates = trace.data_gates or (trace.gates,)
    # each datum of a batch is its own input state
    states = tuple(build_state(gates[:cut], index, n) for gates in all_gates)
    _check_batch(trace, cut)
    # only parameters of several gates can have rotations to merge
    counts = np.bincount(trace.map.indices, minlength=trace.n_params)
    builder = Builder(n, counts > 1)
    for i in range(cut, len(trace.gates)):
        gate = trace.gates[i]
        targets = [index[w] for w in gate.op.wires]
        if gate.kind == "rotation" and trainable[i]:
            _trainable_rotation(builder, trace, row_of[i], gate, targets)
        else:
            _fixed_gate(builder, gate, targets)
    return _finish(builder, trace, states), builder.frame.conjugated


def _check_batch(trace: TracedCircuit, cut: int) -> None:
    for gates in trace.data_gates[1:]:
        for a, b in zip(trace.gates[cut:], gates[cut:], strict=True):
            moving = a.kind == "rotation" and abs(a.value - b.value) > limits.SAME_GATE
            if a.key != b.key or moving:
                raise UnsupportedCircuitError(
                    f"The batch of inputs enters again after the first trainable gate ({a.op.name} on wires "
                    f"{list(a.op.wires)}): each datum is then its own circuit. "
                    "Pass one datum at a time, or ask pw.diagnose, which reads them all."
                )


def _trainable_rotation(builder: Builder, trace: TracedCircuit, row: int, gate: Gate, targets: Sequence[int]) -> None:
    def entries(matrix: csr_array) -> list[tuple[int, float]]:
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        return list(zip(matrix.indices[part], matrix.data[part], strict=True))

    generator = gate.generator
    assert generator is not None  # every rotation has one
    inputs = entries(trace.data_map) if trace.data_map is not None else []
    parameters = entries(trace.map)
    if inputs:
        # A random datum makes the whole angle random, whatever is added to it.
        builder.rotation(generator, targets, 0.0, 0.0, random=int(inputs[0][0]))
        if not parameters:
            return
    fixed = 0.0 if abs(trace.offsets[row]) < limits.NO_OFFSET or inputs else float(trace.offsets[row])
    # an angle of several parameters is a product of rotations about one generator, which commute
    for p, c in parameters[:-1]:
        builder.rotation(generator, targets, float(c), 0.0, int(p))
    p, c = parameters[-1]
    builder.rotation(generator, targets, float(c), fixed, int(p))


def _fixed_gate(builder: Builder, gate: Gate, targets: list[int]) -> None:
    if gate.kind == "state":
        raise UnsupportedCircuitError(
            f"{gate.op.name} prepares a state after other gates: put it first in the circuit."
        )
    if gate.channel is not None:
        builder.channel(gate.channel, targets, gate.op.name)
        return
    if gate.kind == "rotation":
        _fixed_rotation(builder, gate, targets)
        return
    tableau = tableau_of(gate.key, gate.op)
    if tableau is not None:
        builder.clifford(tableau, targets, gate.key)
    else:
        builder.rotation(fixed_generator(gate.op), targets, 0.0, 1.0)


def _fixed_rotation(builder: Builder, gate: Gate, targets: list[int]) -> None:
    generator = gate.generator
    if generator is None or len(generator) == 0 or abs(gate.value) < limits.NO_ANGLE:
        return
    if len(generator) == 1:
        # exp(−i·k·π/4·P) maps words to words: conjugated away, it costs nothing
        turns = gate.value * generator.coefficients[0] / _QUARTER
        if abs(turns - round(turns)) < limits.QUARTER_TURN:
            key = (gate.key, round(turns) % 4)
            builder.clifford(_quarter_turn(strings_of(generator)[0], round(turns) % 4), targets, key)
            return
    elif len(targets) <= limits.TABLE_QUBITS:
        # a fixed sum of words may still be Clifford: SWAP, iSWAP
        tableau = tableau_of_matrix(gate_matrix(gate.op))
        if tableau is not None:
            builder.clifford(tableau, targets)
            return
    builder.rotation(generator, targets, 0.0, gate.value)


def _quarter_turn(word: str, turns: int) -> stim.Tableau:
    """exp(−iπ/4·turns·P) as a tableau."""
    factors = "*".join(f"{p}{q}" for q, p in enumerate(word) if p != "I")
    # the identity gates name every qubit, so that the tableau has them all
    named = " ".join(map(str, range(len(word))))
    return stim.Circuit("\n".join([f"I {named}", *[f"SPP {factors}"] * turns])).to_tableau()


def _finish(builder: Builder, trace: TracedCircuit, states: tuple[InputState, ...]) -> RotationCircuit:
    n = builder.n
    builder.gather_again()
    # Clifford gates behind the last rotation turn the observable too
    observable = builder.frame.conjugated(operator_to_sum(trace.observable, trace.wires))
    # a generator that has cancelled turns nothing: its parameter may drive no rotation at all
    emitted = [[*([g] if g.terms else []), *(Group(t, 0.0, angle) for t, angle in g.fixed)] for g in builder.groups]
    groups = [group for part in emitted for group in part]
    sums = _sums(groups, n)
    driven = np.zeros(trace.n_params, bool)
    driven[[g.parameter for g in groups if g.parameter >= 0]] = True
    shift = concatenated_starts([len(part) for part in emitted])
    # parameters that drive gates of the QNode and no rotation that is left: their angles cancel
    used = np.unique(trace.map.indices)
    return RotationCircuit(
        n_qubits=n,
        wires=trace.wires,
        terms=PauliWords.concatenate([PauliWords.identity(n, 0), *(g.words for g in sums)]),
        term_coefficients=np.concatenate([np.zeros(0), *(g.coefficients for g in sums)]),
        starts=concatenated_starts([len(g) for g in sums]),
        coefficients=np.array([g.coefficient if g.parameter >= 0 else 0.0 for g in groups], float),
        offsets=np.array([g.offset for g in groups], float),
        parameter_of=np.array([g.parameter for g in groups], np.int64),
        random_of=np.array([g.random for g in groups], np.int64),
        observable=observable,
        states=states,
        n_params=trace.n_params,
        trace=trace,
        cliffords=tuple((int(shift[at]), tableau, targets) for at, tableau, targets in builder.cliffords),
        channels=tuple(replace(c, position=int(shift[c.position])) for c in builder.channels),
        cancelled=tuple(int(p) for p in used[~driven[used]]),
        call=trace.arguments.call,
    )


def _sums(groups: list[Group], n: int) -> list[PauliSum]:
    """Return the generator of each group; all words are packed in one go."""
    words = words_of([t for g in groups for t in g.terms], n)
    values = np.array([t[2] for g in groups for t in g.terms], float)
    starts = concatenated_starts([len(g.terms) for g in groups])
    out = []
    for low, high in zip(starts[:-1], starts[1:], strict=True):
        # a single word keeps its coefficient even where that is 0: the gate is there
        make = PauliSum if high - low == 1 else functools.partial(PauliSum.of, tol=0.0)
        out.append(make(words[low:high], values[low:high]))
    return out
