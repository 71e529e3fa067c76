"""The repeated block of a circuit: what "one more layer" means where nobody has named the layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit.script import Script, Step
from pennylane_wishart.conventions import circuit as limits

__all__ = ["Block", "repeated_block"]


@dataclass(frozen=True)
class Block:
    """Steps that make one layer, and where another one goes."""

    steps: tuple[Step, ...]
    at: int
    """Index of the step before which copies are put."""
    repeats: int
    """How often the circuit has it; 1 where nothing repeats and the whole trainable part is one layer."""


def repeated_block(script: Script) -> Block | None:
    """Find the layer of a circuit: the period of its trainable gates, with the fixed gates between them.

    A block must hold half of the trainable gates; the shortest of those that hold most is taken. Fixed
    gates need not repeat (ranges of entanglers often change from layer to layer), only trainable ones.

    Returns:
        :class:`Block`; None where no parameter turns a gate.
    Cost: O(gates²/64) comparisons of integers.
    """
    turning = [i for i, s in enumerate(script.steps) if s.slopes]
    if not turning:
        return None
    kinds: dict[object, int] = {}
    places = np.array([kinds.setdefault(script.steps[i].place, len(kinds)) for i in turning])
    most, period, last = 0, 0, 0
    for length in range(1, len(places) // 2 + 1):
        start, run = _longest_run(places[:-length] == places[length:])
        held = (run // length + 1) * length
        if run >= length and held > most:
            most, period, last = held, length, start + held - length
    if most < limits.REPEATED_SHARE * len(places):
        return _whole(script, turning)
    # the last but one holds the fixed gates between two layers, whichever end of a layer they stand at
    first, at = turning[last - period], turning[last]
    return Block(script.steps[first:at], at, most // period)


def _longest_run(same: np.ndarray) -> tuple[int, int]:
    """Return (start, length) of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    if not len(edges):
        return 0, 0
    lengths = edges[1::2] - edges[::2]
    k = int(np.argmax(lengths))
    return int(edges[2 * k]), int(lengths[k])


def _whole(script: Script, turning: list[int]) -> Block:
    """Return everything from the first trainable gate on, with the entanglers after or before it."""
    steps, start, stop = script.steps, turning[0], turning[-1] + 1
    after, inside, before = (
        [i for i in part if len(steps[i].gate.op.wires) > 1 and steps[i].gate.kind != "state"]
        for part in (range(stop, len(steps)), range(start, stop), range(start))
    )
    if after:
        stop = after[-1] + 1
    elif not inside and before:
        start = before[0]
    return Block(steps[start:stop], stop, 1)
