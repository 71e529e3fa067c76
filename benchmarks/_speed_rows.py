"""Circuits that people bring, each with what is asked of it: the rows of benchmarks/speed.py.

A row makes its circuit outside the clock and returns what is timed; the first call of PennyLane's own lazy
imports is outside too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qml
from _speed_circuits import (
    Case,
    brick,
    clique,
    controlled_ring,
    equivariant,
    gate_fabric,
    hydrogen_chain,
    lithium_hydride,
    qaoa,
    real_layers,
    shared_ladder,
    so4_tree,
    with_t,
)
from pennylane import numpy as pnp

from pennylane_wishart import public as pw
from pennylane_wishart.circuit import normal_form
from pennylane_wishart.variances import moments_of

__all__ = ["ROWS", "Row", "Figure"]


SINCE_THE_GOAL = ("descending", "trying remedies", "judging")
"""Steps of a diagnosis that there were not, or that did less, when the goals of whole diagnoses were set."""


@dataclass(frozen=True)
class Figure:
    """One number beside its goal."""

    name: str
    value: float
    goal: float
    unit: str = "s"
    note: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclass(frozen=True)
class Row:
    """One row: what is run in a process of its own, and the most memory that the process may take."""

    run: Callable[[], list[Figure]]
    megabytes: float = 1000.0


def _clock(function: Callable, *args):
    begin = time.process_time()
    out = function(*args)
    return out, time.process_time() - begin


# ---------------------------------------------------------------------- what is asked
def predicted(make: Callable[[], Case], goal: float, printed: bool = False) -> Callable[[], list[Figure]]:
    """Signature and prediction, printed where the row says so."""

    def run() -> list[Figure]:
        qnode, args = make()
        circuit = normal_form(qnode)(*args)
        sig, first = _clock(lambda: pw.signature(circuit, progress=False))
        pred, second = _clock(lambda: pw.predict(sig, progress=False))
        third = _clock(str, pred)[1] if printed else 0.0
        note = f"signature {first:.2f}, predict {second:.2f}" + (f", print {third:.2f}" if printed else "")
        return [Figure("signature + predict", first + second + third, goal, note=f"{note}; {pred.moments.engine}")]

    return run


def moments(make: Callable[[], Case], goal: float) -> Callable[[], list[Figure]]:
    """Second moments at the circuit's own depth."""

    def run() -> list[Figure]:
        qnode, args = make()
        circuit = normal_form(qnode)(*args)
        found, seconds = _clock(lambda: moments_of(circuit, seed=1))
        live = ~found.dead
        error = found.gradient_variance_error[live] / found.gradient_variance[live]
        note = (
            f"{found.engine}; median relative error {np.nanmedian(error):.2g}; only bounds {int(np.isnan(error).sum())}"
        )
        return [Figure("variances", seconds, goal, note=note)]

    return run


def diagnosed(make: Callable[[], Case], goal: float) -> Callable[[], list[Figure]]:
    """A whole default diagnosis, printed."""

    def run() -> list[Figure]:
        qnode, args = make()
        diag, seconds = _clock(lambda: pw.diagnose(qnode, progress=False)(*args))
        _, printing = _clock(str, diag)
        # the goal is older than descents and remedies: what there was then, from reading to comparing
        then = sum(t for step, t in diag.timings.items() if step not in SINCE_THE_GOAL)
        note = (
            f"printing {printing:.2f}, without {', '.join(SINCE_THE_GOAL)} {then:.2f}; {diag.prediction.moments.engine}"
        )
        return [Figure("diagnosis", seconds + printing, goal, note=note)]

    return run


def minima_law() -> list[Figure]:
    """A law of minima that no verdict rests on."""
    qnode, args = brick()
    diag, seconds = _clock(lambda: pw.diagnose(qnode, progress=False, run=False, descent_budget=0)(*args))
    _, printing = _clock(str, diag)
    law, law_seconds = _clock(lambda: diag.prediction.find("minima"))
    return [
        Figure("diagnosis without measuring, printed", seconds + printing, 3.0),
        Figure("the law itself, where it is asked for", law_seconds, 3.0, note=type(law).__name__),
    ]


def classified() -> list[Figure]:
    """Algebras of Pauli words; goals: PauLie's times for the same words, measured on this kind of core."""
    from pennylane_wishart.algebra import classify

    n = 32
    ising = ["I" * q + "ZZ" + "I" * (n - q - 2) for q in range(n - 1)] + [
        "I" * q + "X" + "I" * (n - q - 1) for q in range(n)
    ]
    n = 5
    full = ["I" * q + a + "I" * (n - q - 1) for q in range(n) for a in "XZ"]
    full += ["I" * q + "ZZ" + "I" * (n - q - 2) for q in range(n - 1)]
    out = []
    for name, words, goal in (("32-qubit Ising words", ising, 4.4), ("su(2^5) words", full, 0.8)):
        found = classify(words)
        # one clock around many calls: processor time is counted in steps of some milliseconds
        _, seconds = _clock(lambda words=words: [classify(words) for _ in range(200)])
        out.append(Figure(f"classify, {name}", 1e3 * seconds / 200, goal, "ms", found.name))
    return out


def gradients(n: int, samples: int) -> Callable[[], list[Figure]]:
    """Samples of gradients beside a plain loop over qml.grad on the same device."""

    def run() -> list[Figure]:
        qnode, args = brick(n, 3)
        fast = qml.QNode(qnode.func, qnode.device, diff_method="adjoint")
        rng = np.random.default_rng(1)
        draws = [pnp.array(rng.uniform(0, 2 * np.pi, args[0].shape), requires_grad=True) for _ in range(samples)]
        qml.grad(fast)(draws[0])
        _, plain = _clock(lambda: [qml.grad(fast)(x) for x in draws])
        circuit = normal_form(fast)(*args)
        pw.measure(circuit, samples=2, progress=False)()
        _, two = _clock(lambda: pw.measure(circuit, samples=2, seed=1, progress=False)())
        _, more = _clock(lambda: pw.measure(circuit, samples=samples + 2, seed=1, progress=False)())
        ours, name = max(more - two, 1e-9) / samples, f"gradients at {n} qubits, plain / ours"
        gates = len(qml.workflow.construct_tape(fast)(*args).operations)
        note = _bandwidth(n, gates, draws[0].size, ours)
        return [Figure(name, plain / samples / ours, 2.0, "x", note, at_least=True)]

    return run


def _bandwidth(n: int, gates: int, params: int, seconds: float) -> str:
    """Say how fast an adjoint sweep moves state vectors, beside a copy of as many numbers.

    Every gate is read and written by the forward state, and by both states on the way back; every parameter copies a
    state, turns the copy and reads it beside the other one.
    """
    state = np.ones(2**n, complex)
    other = np.empty_like(state)
    repeats = max(10, 2**26 >> n)
    _, copied = _clock(lambda: [np.copyto(other, state) for _ in range(repeats)])
    moved = (3 * 2 * gates + 3 * 2 * params) * state.nbytes
    copy = 2 * repeats * state.nbytes / max(copied, 1e-9)
    share = moved / seconds / copy
    return (
        f"{seconds:.3g} s a gradient of ours moves {moved / seconds / 1e9:.1f} GB/s of state vectors of "
        f"{state.nbytes / 2**20:.0f} MB; a plain copy {copy / 1e9:.1f} GB/s, {share:.0%} of it: no code could be "
        f"more than {1 / share:.1f} times as fast without fewer passes"
    )


def ratio(n: int) -> Callable[[], list[Figure]]:
    """A whole default diagnosis in plain gradients of the same circuit."""

    def run() -> list[Figure]:
        qnode, args = brick(n)
        qml.grad(qnode)(*args)
        _, plain = _clock(lambda: [qml.grad(qnode)(*args) for _ in range(5)])
        diag, seconds = _clock(lambda: pw.diagnose(qnode, progress=False)(*args))
        _, printing = _clock(str, diag)
        return [Figure(f"diagnosis at {n} qubits, in gradients", 5 * (seconds + printing) / plain, 300, "x")]

    return run


ROWS: dict[str, Row] = {
    "qaoa 8": Row(predicted(qaoa, 3.0), 700),
    "T 12": Row(predicted(lambda: with_t(12), 10.0)),
    "T 16": Row(predicted(lambda: with_t(16), 10.0)),
    "crx 6": Row(moments(lambda: controlled_ring(6), 0.5)),
    "crx 8": Row(moments(lambda: controlled_ring(8), 1.0)),
    "crx 10": Row(moments(lambda: controlled_ring(10), 2.0)),
    "crx 12": Row(moments(lambda: controlled_ring(12), 3.0)),
    "shared 2": Row(predicted(lambda: shared_ladder(2, 6), 0.5)),
    "shared 3": Row(predicted(lambda: shared_ladder(3, 8), 0.5)),
    "clique 4": Row(predicted(clique, 1.0)),
    "uccsd H4": Row(predicted(hydrogen_chain, 4.0, printed=True), 700),
    "uccsd LiH": Row(predicted(lithium_hydride, 8.0, printed=True), 700),
    "fabric 1": Row(diagnosed(lambda: gate_fabric(1), 0.5)),
    "fabric 3": Row(diagnosed(lambda: gate_fabric(3), 5.0)),
    "equivariant 9": Row(predicted(equivariant, 5.0)),
    "so4 tree 8": Row(predicted(so4_tree, 5.0)),
    "minima law": Row(minima_law),
    "projector 10": Row(diagnosed(lambda: real_layers(10, True), 5.0)),
    "classify": Row(classified),
    "gradients 16": Row(gradients(16, 20)),
    "gradients 20": Row(gradients(20, 3)),
    "ratio 8": Row(ratio(8)),
    "ratio 10": Row(ratio(10)),
    "ratio 12": Row(ratio(12)),
}
