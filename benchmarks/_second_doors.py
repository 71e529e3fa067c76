"""Items 4 to 7 of ``second.py``: truncation, expressibility, initial angles, causes of a plateau."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from _plateau_cases import planted  # noqa: E402
from _second_common import DEVICE, ising, sel, verdict  # noqa: E402
from _sim_circuits import LAYER, PAPER  # noqa: E402
from hessian_cases import conserving  # noqa: E402
from references import propagation  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.circuit import RotationCircuit  # noqa: E402
from pennylane_wishart.paulis import PauliSum, PauliWords  # noqa: E402
from pennylane_wishart.variances.truncation import truncation  # noqa: E402

__all__ = ["causes", "expressed", "propagated", "starts"]


# ------------------------------------------------------------------ 4
def propagated(fast: bool) -> None:
    """Truncation errors against a propagation that is really run."""
    rng, worst, count, bad = np.random.default_rng(7), 0.0, 0, 0
    for seed in range(10 if fast else 50):
        n, gates, observable, k = propagation.drawn(rng)

        def f(x, n=n, gates=gates, observable=observable):
            for gate in gates:
                if gate[0] == "rot":
                    qml.PauliRot(x[gate[2]], gate[1], wires=range(n))
                else:
                    qml.CNOT(gate[1:])
            words = [qml.pauli.string_to_pauli_word(w, {i: i for i in range(n)}) for w in observable]
            return qml.expval(qml.Hamiltonian(list(observable.values()), words))

        got = truncation(pw.normal_form(qml.QNode(f, DEVICE))(pnp.array(np.zeros(k), requires_grad=True)), seed=seed)
        angles = rng.uniform(0, 2 * np.pi, (1000, k))
        whole, _ = propagation.run(gates, observable, n, n, angles)
        for w in range(n + 1):
            square = (whole - propagation.run(gates, observable, n, w, angles)[0]) ** 2
            doubt = got.error_error[w] * (got.error_error[w] + 2 * got.error[w])
            noise = np.hypot(square.std() / np.sqrt(1000), doubt)
            z = abs(got.error[w] ** 2 - square.mean()) / (noise + 1e-13)
            worst, count, bad = max(worst, float(z)), count + 1, bad + (z > 4)
    verdict(f"4 truncation errors, {count} comparisons, largest z", f"{worst:.1f}", "none above 4", bad == 0)
    maps = []
    for _ in range(4):
        for q in range(100):
            maps += [{q: "X"}, {q: "Z"}]
        for q in range(99):
            maps.append({q: "Z", q + 1: "Z"})
    words = PauliWords.from_maps([{50: "Z"}], 100)
    circuit = RotationCircuit.from_words(PauliWords.from_maps(maps, 100), PauliSum.of(words, np.ones(1)))
    start = time.process_time()
    got = truncation(circuit, n_walkers=20_000, seed=1)
    seconds = time.process_time() - start
    said = ", ".join(f"w {w}: {got.error[w]:.1e}" for w in range(1, 6))
    verdict(f"4 100 qubits, {circuit.n_params} parameters ({said})", f"{seconds:.1f} s", "30 s", seconds < 30)
    angles = rng.uniform(0, 2 * np.pi, circuit.n_params)
    start = time.process_time()
    value, words = plain_propagation(maps, {50: "Z"}, angles, 6)
    seconds = time.process_time() - start
    print(
        f"  one set of angles by a dictionary of words of weight ≤ 6: {seconds:.2f} s, {words} words, value {value:.6f}"
    )
    if "PAULI_PROP" in os.environ:
        listed = [list(m.items()) for m in maps]
        case = {"qubits": 100, "maps": listed, "angles": angles.tolist(), "measured": 50, "words": words}
        ran = subprocess.run(
            [os.environ["PAULI_PROP"], str(Path(__file__).with_name("_pauli_prop.py"))],
            input=json.dumps(case), capture_output=True, text=True, check=False,
        )  # fmt: skip
        print(f"  pauli-prop, as many words: {ran.stdout.strip() or ran.stderr[-300:]}", flush=True)


def plain_propagation(maps: list, observable: dict, angles: np.ndarray, most: int) -> tuple[float, int]:
    """Return ⟨0|O|0⟩ and the words held of a rotation circuit, words above a weight dropped; no code of the package."""
    product = {("X", "Y"): "Z", ("Y", "Z"): "X", ("Z", "X"): "Y"}
    held = {tuple(sorted(observable.items())): 1.0}
    for gate, angle in zip(reversed(maps), angles[::-1], strict=True):
        new: dict = {}
        for word, c in held.items():
            letters, phase = dict(word), 1j
            for q, a in gate.items():
                b = letters.get(q)
                if b is None:
                    letters[q] = a
                elif a == b:
                    del letters[q]
                elif (a, b) in product:
                    letters[q], phase = product[a, b], phase * 1j
                else:
                    letters[q], phase = product[b, a], phase * -1j
            if abs(phase.imag) > 0.5:  # commuting
                new[word] = new.get(word, 0.0) + c
                continue
            new[word] = new.get(word, 0.0) + c * np.cos(angle)
            if len(letters) <= most:
                other = tuple(sorted(letters.items()))
                new[other] = new.get(other, 0.0) + c * np.sin(angle) * phase.real
        held = new
    return sum(c for word, c in held.items() if all(a == "Z" for _, a in word)), len(held)


# ------------------------------------------------------------------ 5
def expressed(fast: bool) -> None:
    """Expressibility against what is known."""
    pairs = 2000 if fast else 5000

    def idle(w):
        qml.RZ(w[0], 0)
        return qml.expval(qml.Z(0))

    def half(w):
        qml.Hadamard(0)
        qml.RZ(w[0], 0)
        return qml.expval(qml.X(0))

    def both(w):
        qml.Hadamard(0)
        qml.RZ(w[0], 0)
        qml.RX(w[1], 0)
        return qml.expval(qml.Z(0))

    for name, f, k, paper in (("idle", idle, 1, 4.30), ("A", half, 1, 0.22), ("B", both, 2, 0.02)):
        w = pnp.array(np.zeros(k), requires_grad=True)
        got = pw.expressibility(qml.QNode(f, DEVICE), pairs=pairs, bins=75, space="whole")(w).sectors[0]
        figure, reach = f"{got.kl:.3f} ± {got.error:.3f} (+{got.bias:.3f})", 4 * got.error + 0.02
        # the paper's figures hold the bias of their bins, and are read to two digits
        verdict(f"5 circuit {name} of Sim et al., 75 bins", figure, f"{paper}", abs(got.kl + got.bias - paper) < reach)
    four_qubits(pairs)

    w = pnp.array(np.zeros((8, 3, 3)), requires_grad=True)
    got = pw.expressibility(qml.QNode(conserving, DEVICE), pairs=pairs)(w).sectors[0]
    verdict(
        "5 particle-conserving circuit inside its sector", f"{got.kl:.4f} ± {got.error:.4f}", "0", got.interval[0] == 0
    )


def four_qubits(pairs: int) -> None:
    """The paper's nineteen circuits of four qubits, one layer, against the values of its figure."""
    near, worst = 0, 0.0
    for number, paper in PAPER.items():
        count, gates = LAYER[number]

        def f(w, gates=gates):
            gates(w)
            return qml.expval(qml.Z(0))

        w = pnp.array(np.zeros(count), requires_grad=True)
        how = {"angles": ("uniform", 0, 2 * np.pi), "pairs": pairs, "bins": 75, "space": "whole"}
        found = pw.expressibility(qml.QNode(f, DEVICE), **how)(w)
        got = found.sectors[0]
        z = abs(got.kl + got.bias - paper) / (np.sqrt(2) * got.error)  # two samples of as many pairs
        near, worst = near + (z < 4), max(worst, z)
        said = f"{got.kl + got.bias:.4f} ± {got.error:.4f}, paper {paper:.4f}, z {z:.1f}"
        print(f"  circuit {number:>2}: {said}; entangling {found.entangling:.3f}", flush=True)
    verdict("5 Sim et al., 4 qubits, within 4 errors", f"{near} of {len(PAPER)}, largest z {worst:.1f}", "19 of 19",
            near == len(PAPER))  # fmt: skip


# ------------------------------------------------------------------ 6
def starts(fast: bool) -> None:
    """Gradient norms at the start and losses after 200 Adam steps, best start against uniform."""
    better = worse = total = flat = 0
    norms, gains = [], []
    for n in (10,) if fast else (10, 12, 14):
        for name, gates, shape, observable in plateaus(n):

            def f(w, gates=gates, observable=observable):
                gates(w)
                return qml.expval(observable)

            qnode = qml.QNode(f, qml.device("lightning.qubit", wires=n), diff_method="adjoint")
            w = pnp.array(np.zeros(shape), requires_grad=True)
            found, gradient, rng, ends = pw.best_init(qnode)(w), qml.grad(qnode), np.random.default_rng(n), {}
            flat += found.small_gradients
            for law in ("best", "uniform"):
                draws = [
                    found.sample(rng)[0] if law == "best" else rng.uniform(0, 2 * np.pi, w.size) for _ in range(20)
                ]
                draws = [pnp.array(x.reshape(shape), requires_grad=True) for x in draws]
                final, square = [], [float(np.sum(gradient(x) ** 2)) for x in draws]
                for x in draws[: 3 if fast else 5]:
                    optimiser = qml.AdamOptimizer(0.05)
                    for _ in range(30 if fast else 200):
                        x = optimiser.step(qnode, x)
                    final.append(float(qnode(x)))
                ends[law] = (np.median(final), np.std(final), np.mean(square))
            gap, noise = ends["best"][0] - ends["uniform"][0], np.hypot(ends["best"][1], ends["uniform"][1]) + 1e-6
            total, better, worse = total + 1, better + (gap < -1e-3), worse + (gap > noise)
            norms.append(ends["best"][2] / found.best.square)
            gains.append(ends["best"][2] / ends["uniform"][2] / found.gain)
            print(
                f"  {n} qubits, {name}: {found.best.kind} {found.best.width}, gain {found.gain:.3g}, measured / "
                f"predicted {gains[-1]:.2f}, loss {ends['best'][0]:.3f} for {ends['uniform'][0]:.3f}, square "
                f"{norms[-1]:.2f} of predicted",
                flush=True,
            )
    verdict("6 circuits in a plateau under uniform angles", f"{flat} of {total}", "all", flat == total)
    verdict("6 median loss after Adam never worse by more than noise", f"{worse} worse of {total}", "0", worse == 0)
    verdict("6 better than uniform", f"{better} of {total}", "8 of 12", 3 * better >= 2 * total)
    verdict("6 gain in gradients, measured / predicted, median", f"{np.median(gains):.2f}", "0.5 to 2",
            0.5 < np.median(gains) < 2)  # fmt: skip
    verdict("6 squares at the start, measured / predicted, median", f"{np.median(norms):.2f}", "0.5 to 2",
            0.5 < np.median(norms) < 2)  # fmt: skip
    small = [pw.best_init(sel(n, 3, qml.Z(0))[0])(sel(n, 3, qml.Z(0))[1]) for n in (3, 4, 5)]
    verdict("6 small circuits: gradients said to be no obstacle", f"{sum(not s.small_gradients for s in small)} of 3",
            "3 of 3", not any(s.small_gradients for s in small))  # fmt: skip


def plateaus(n: int):
    """Yield four circuits of n qubits in a plateau: name, gates, shape of the parameters, observable."""

    def layered(layers, turns, gate):
        def gates(w):
            for k in range(layers):
                for i, turn in enumerate(turns):
                    for q in range(n):
                        turn(w[k, i, q], q)
                for q in range(n - 1):
                    gate([q, q + 1])

        return gates, (layers, len(turns), n)

    ising = qml.sum(*[-1.0 * qml.Z(q) @ qml.Z(q + 1) for q in range(n - 1)], *[-1.0 * qml.X(q) for q in range(n)])
    spins = qml.sum(*[p(q) @ p(q + 1) for q in range(n - 1) for p in (qml.X, qml.Y, qml.Z)])
    draws = np.random.default_rng(n).normal(size=(n - 1, 2))
    glass = qml.sum(*[a * qml.Z(q) @ qml.Z(q + 1) + b * qml.X(q) @ qml.X(q + 1) for q, (a, b) in enumerate(draws)])
    yield "RX RY CZ × 8, Ising chain", *layered(8, [qml.RX, qml.RY], qml.CZ), ising
    yield "RY RZ CNOT × 8, Heisenberg chain", *layered(8, [qml.RY, qml.RZ], qml.CNOT), spins
    yield "RY RX CNOT × 8, ZZ and XX drawn", *layered(8, [qml.RY, qml.RX], qml.CNOT), glass
    yield "RY CZ × 3, Z…Z", *layered(3, [qml.RY], qml.CZ), qml.prod(*[qml.Z(q) for q in range(n)])


# ------------------------------------------------------------------ 7
def causes(fast: bool) -> None:
    """The first cause of a plateau against the planted one."""
    right = total = flat = 0
    for i, (name, cause, qnode, w, angles) in enumerate(planted()):
        if fast and i % 5:
            continue
        start = time.process_time()
        found = pw.predict(qnode, angles=angles)(w).plateau
        total, right, flat = total + 1, right + (found.cause is cause), flat + found.is_plateau
        shares = ", ".join(f"{s.cause} {s.bits:.1f}" for s in found.shares) or "none"
        wrong, seconds = "" if found.cause is cause else "   <- another", time.process_time() - start
        print(f"  {cause}: {name}: 2^{found.log2_square:.1f}; {shares}{wrong} ({seconds:.0f} s)", flush=True)
    verdict("7 planted circuits that are in a plateau", f"{flat} of {total}", "all", flat == total)
    verdict("7 first cause named right", f"{right} of {total}", "32 of 35", right >= 32 / 35 * total)
    named = 0
    for n in (3, 4, 5, 6):
        for observable in (qml.Z(0), ising(n)):
            named += pw.predict(sel(n, 3, observable)[0])(sel(n, 3, observable)[1]).plateau.cause is not None
    verdict("7 causes named where there is no plateau", f"{named} of 8", "0", named == 0)
