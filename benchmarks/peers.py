"""The nearest peer's verdict of traps beside ours: qmlkit's ``landscape`` on the zoo's circuits of few qubits.

    python benchmarks/peers.py [--largest 6] [--every 1] [--seconds 600] [--keep FILE] [--record]

Needs ``pip install qmlkit`` (no part of this package); without it a message and nothing else. Every circuit of the
named zoo with a kept truth and at most ``--largest`` qubits is written in the peer's own gates (held against the QNode
at random angles) and given to its ``landscape`` with its defaults; ``--every k`` takes every k-th of those with traps
and of those without, until ``--seconds`` of processor are spent. Ours is ``pw.diagnose`` with its defaults, from the
rows that ``verdicts.py --keep FILE`` kept where there are any. ``--record`` keeps the output in the documentation.

The peer warns of spurious minima where six starts end at different levels, which is another question than whether
half of all descents end higher than the tolerance: it is held against both.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from _zoo_loss import WHOLE, read_angles  # noqa: E402
from _zoo_truth import TOLERANCE, Truth  # noqa: E402
from verdicts import DOCS, KEPT, judge, named  # noqa: E402

_GATES = {
    **{"RX": "rx", "RY": "ry", "RZ": "rz", "PhaseShift": "phase", "CRX": "crx", "CRY": "cry", "CRZ": "crz"},
    **{"PauliX": "x", "PauliY": "y", "PauliZ": "z", "Hadamard": "h", "S": "s", "T": "t", "CNOT": "cx", "CZ": "cz"},
    **{"CY": "cy", "SWAP": "swap", "Adjoint(S)": "sdg", "Adjoint(T)": "tdg"},
}
SOME = 0.1
"""Share of descents that end higher than the tolerance, from which six starts should disagree."""


def as_peer(circuit, qk):
    """Return (ansatz, observable) of the peer; raises where its gates or angles cannot say the circuit."""
    from qmlkit.ansatz.blocks import Block
    from qmlkit.core.ir import CircuitSpec, Op, ParamRef
    from qmlkit.core.observables import PauliString, PauliSum

    qnode, x = circuit.qnode()
    tape, matrix, offset = read_angles(qnode, circuit.n_params, {*_GATES, "GlobalPhase", "Identity"})
    ops, row = [], 0
    for op in tape.operations:
        if op.name in ("GlobalPhase", "Identity"):
            continue
        if op.name in WHOLE or op.name not in _GATES:
            raise ValueError(op.name)
        params = ()
        if op.data:
            driven = np.flatnonzero(matrix[row])
            if len(driven) > 1:
                raise ValueError("an angle of several parameters")
            at = float(offset[row])
            params = tuple(ParamRef(int(k), float(matrix[row, k]), at) for k in driven) or (at,)
            row += 1
        ops.append(Op(_GATES[op.name], tuple(int(w) for w in op.wires), params))
    spec = CircuitSpec(circuit.n, tuple(ops), circuit.n_params)

    class Written(qk.Ansatz):
        def _template(self):
            return spec

    terms = qml.pauli.pauli_decompose(qml.matrix(circuit.observable, wire_order=range(circuit.n)), pauli=True)
    observable = PauliSum(tuple(PauliString(tuple(w.items()), float(np.real(c))) for w, c in terms.items()))
    ansatz = Written(circuit.n, Block(), circuit.name)
    at = np.random.default_rng(2).uniform(0, 2 * np.pi, circuit.n_params)
    if abs(float(qk.expectation(spec.bind(at), observable)) - float(qnode(at))) > 1e-8:
        raise RuntimeError(f"{circuit.name}: written wrongly in the peer's gates.")
    return ansatz, observable


def peer_row(circuit, qk) -> dict:
    """Return what the peer says of one circuit."""
    ansatz, observable = as_peer(circuit, qk)
    begin = time.process_time()
    found = qk.landscape(ansatz, observable)
    seconds = time.process_time() - begin
    said = None if "MINIMA_SCAN_INCONCLUSIVE" in found.codes else "SPURIOUS_MINIMA" in found.codes
    return {"traps": said, "seconds": seconds}


def chosen(largest: int, every: int) -> list:
    """Return (circuit, truth), those with traps and those without by turns."""
    truths = {name: Truth.from_dict(t) for name, t in json.loads(KEPT.read_text()).items()}
    circuits = [c for c in named() if c.name in truths and c.n <= largest and truths[c.name].width > 1e-6]
    kinds: list[list] = [[], []]
    for circuit in circuits:
        if (traps := truths[circuit.name].traps) is not None:
            kinds[traps].append((circuit, truths[circuit.name]))
    parts = [[(k / len(kind), *pair) for k, pair in enumerate(kind)][::every] for kind in kinds]
    return [pair for _, *pair in sorted(parts[0] + parts[1], key=lambda p: p[0])]


def _counts(who: str, said: list[bool | None], true: list[bool]) -> str:
    pairs = list(zip(said, true, strict=True))
    missed, alarms = pairs.count((False, True)), pairs.count((True, False))
    return (f"    {who:<8} misses {missed:>3} of {true.count(True)}, false alarms {alarms:>3} of {true.count(False)}, "
            f"undecided {said.count(None):>3} of {len(pairs)}")  # fmt: skip


def table(rows: list[tuple[dict, dict, Truth]]) -> list[str]:
    """Return misses and false alarms of both, and their times."""
    theirs, ours = [r["traps"] for r, _, _ in rows], [r["traps"] for _, r, _ in rows]
    half = [bool(t.traps) for _, _, t in rows]
    some = [t._share(TOLERANCE) > SOME for _, _, t in rows]
    lines = [f"{len(rows)} circuits judged by both"]
    for question, true in (("half of all descents end higher than the tolerance", half),
                           (f"more than {SOME:.0%} of them do", some)):  # fmt: skip
        lines += [f"  {question}:", _counts("qmlkit", theirs, true), _counts("ours", ours, true)]
    for who, k in (("qmlkit", 0), ("ours", 1)):
        spent = np.array([r[k]["seconds"] for r in rows])
        lines.append(f"  processor seconds, {who}: median {np.median(spent):.1f}, 95% {np.quantile(spent, 0.95):.1f}, "
                     f"longest {spent.max():.1f}")  # fmt: skip
    return lines


def main() -> None:
    """Judge circuits by both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("largest", 6), ("every", 1), ("seconds", 600)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--keep", type=Path, help="file of circuits that verdicts.py judged")
    parser.add_argument("--record", action="store_true", help="keep the output in the documentation")
    options = parser.parse_args()
    try:
        import qmlkit as qk
    except ImportError:
        print("Nothing compared: qmlkit is not installed (pip install qmlkit).")
        return
    warnings.simplefilter("ignore")
    kept = options.keep.read_text().splitlines() if options.keep and options.keep.exists() else []
    known = {row["name"]: row for row in map(json.loads, kept)}
    rows, skipped = [], []
    told = [
        f"python benchmarks/peers.py --largest {options.largest} --every {options.every}   (qmlkit {qk.__version__})"
    ]
    for circuit, truth in chosen(options.largest, options.every):
        if time.process_time() > options.seconds:
            break
        try:
            peer = peer_row(circuit, qk)
        except (ValueError, TypeError) as err:
            skipped.append(f"{circuit.name} ({err})")
            continue
        rows.append((peer, known.get(circuit.name) or judge(circuit, truth, False), truth))
        print(f"{circuit.name}: qmlkit {peer['traps']} {peer['seconds']:.1f} s, ours {rows[-1][1]['traps']} "
              f"{rows[-1][1]['seconds']:.1f} s; {truth}", flush=True)  # fmt: skip
    told += table(rows)
    if skipped:
        told.append(f"  not said in the peer's gates: {'; '.join(skipped)}")
    print("\n".join(told))
    if options.record:
        (DOCS / "benchmarks" / "peers.txt").write_text("\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
