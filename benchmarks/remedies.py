"""Remedies judged by descents of independent code: does the first one that is shown halve the trouble?

    python benchmarks/remedies.py [--first 200] [--count 30] [--starts 24] [--largest 6] [--fast]

For circuits of the seeded zoo whose median descent ends above the ground by more than the tolerance: the first
remedy of at most 1.5 times the parameters, and the first of at most 4 times, each against ``--starts`` fresh
descents (BFGS of SciPy on the dense simulation of ``verdicts.py``); of "keep the best of k starts" the median of
the best of k. Goals: halved by 26 and 29 of 30; none makes it worse.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from _zoo import Circuit, draw
from verdicts import ends_of

import pennylane_wishart as pw
from pennylane_wishart.conventions.outlook import FEW_PARAMETERS, MOST_PARAMETERS

GOALS = {FEW_PARAMETERS: 26 / 30, MOST_PARAMETERS: 29 / 30}


def rebuilt(trace) -> Circuit:
    """Return a changed circuit as plain gates: nothing of the package is used from here on."""
    rows = dict(zip(trace.rotations.tolist(), range(len(trace.rotations)), strict=True))
    index, gates = {w: q for q, w in enumerate(trace.wires)}, []
    for i, gate in enumerate(trace.gates):
        wires = tuple(index[w] for w in gate.op.wires)
        if i not in rows:
            gates.append((gate.op.name, wires, None, 0.0))
            continue
        part = slice(*trace.map.indptr[rows[i] : rows[i] + 2])
        [parameter], [factor] = trace.map.indices[part], trace.map.data[part]
        assert trace.offsets[rows[i]] == 0
        word = gate.op.hyperparameters.get("pauli_word", gate.op.name[-1])
        gates.append((word, wires, int(parameter), float(factor)))
    return Circuit("changed", len(trace.wires), trace.n_params, tuple(gates), ())


def judged(circuit: Circuit, remedy, starts: int, seed: int) -> float:
    """Return the loss where the median training under a remedy ends."""
    changed = circuit
    if remedy.trace is not None:
        observable = circuit.observable
        if remedy.change.name == "WIRE":
            [wire] = remedy.trace.observable.wires
            observable = tuple((c, dict(zip([wire], word.values(), strict=True))) for c, word in observable)
        changed = replace(rebuilt(remedy.trace), observable=observable)
    ends = ends_of(changed, starts, seed + 10_000)
    return float(np.quantile(ends, 1 - 0.5 ** (1 / remedy.starts)))


def main() -> None:
    """Collect circuits in trouble, judge their remedies, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("first", 200), ("count", 30), ("starts", 24), ("largest", 6)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--fast", action="store_true", help="two circuits of up to four qubits")
    options = parser.parse_args()
    if options.fast:
        options.count, options.starts, options.largest = 2, 8, 4
    found, worse, seconds, seed, seen = {most: [] for most in GOALS}, 0, [], options.first, 0
    while seen < options.count:
        circuit = draw(seed, options.largest)
        seed += 1
        qnode, x = circuit.qnode()
        begin = time.process_time()
        diag = pw.diagnose(qnode, samples=40, progress=False)(x)
        spent = time.process_time() - begin
        tried = [r for r in (*diag.trials.remedies, *diag.trials.others) if not r.is_saving]
        if not tried and diag.trials.reason is None:
            continue
        seen += 1
        seconds.append(spent)
        unit = diag.descent.scale if diag.descent is not None else 1.0
        before = float(np.median(ends_of(circuit, options.starts, seed)))
        words = []
        for most, counts in found.items():
            first = next((r for r in diag.remedies if not r.is_saving and
                          r.after.n_params <= most * r.before.n_params), None)  # fmt: skip
            after = before if first is None else judged(circuit, first, options.starts, seed)
            ground = float(diag.descent.ground if diag.descent is not None else _ground(circuit))
            counts.append(after - ground <= 0.5 * (before - ground) + 1e-3 * unit)
            worse += after > before + 0.02 * unit
            words.append("none" if first is None else f"{first.words}: {after:.3f}")
        print(f"seed {seed - 1} ({circuit.name}), ground {ground:.3f}, half of the descents at {before:.3f}; "
              f"{' | '.join(dict.fromkeys(words))}; {spent:.1f} s", flush=True)  # fmt: skip
    for most, goal in GOALS.items():
        hit, wanted = sum(found[most]), int(np.ceil(goal * seen - 1e-9))
        print(f"first remedy of at most {most:g} times the parameters halves the trouble: {hit} of {seen} "
              f"(goal {wanted}){'' if hit >= wanted else '  NOT MET'}")  # fmt: skip
    print(f"remedies that make it worse: {worse} (goal 0); seconds of a diagnosis: median {np.median(seconds):.1f}, "
          f"largest {max(seconds):.1f}")  # fmt: skip


def _ground(circuit: Circuit) -> float:
    from verdicts import Dense

    return float(np.linalg.eigvalsh(Dense(circuit).observable)[0])


if __name__ == "__main__":
    main()
