"""Second moments at finite depth: figures beside their goals.

    python benchmarks/depth.py              all items
    python benchmarks/depth.py --fast       fewer circuits and samples
    python benchmarks/depth.py 1 4          some items

1  exact engines against dense averages, walkers against exact, exact against measured gradients
2  100 and 1,000 qubits from words and from the QNode, beside stim one gradient at a time
3  known answers: local and global cost, decay with depth, tree tensor networks
4  log2 variances of deep chains beside the orbit floor and exact values

Pin one thread: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1. Times are process times of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pennylane as qml
import stim
from pennylane import numpy as pnp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import circuits as registry  # noqa: E402
from _depth_chains import FAILED, clock, deep, verdict  # noqa: E402
from random_rotations import brickwork, pauli_circuit  # noqa: E402
from references import averages  # noqa: E402

from pennylane_wishart.circuit import RotationCircuit, normal_form  # noqa: E402
from pennylane_wishart.errors import Status  # noqa: E402
from pennylane_wishart.paulis import PauliSum, PauliWords  # noqa: E402
from pennylane_wishart.variances import (  # noqa: E402
    can_walk,
    dead_parameters,
    exact_moments,
    log2_moments,
    moments_of,
    pair_walk,
    walk,
)


# ------------------------------------------------------------------ 1
def accuracy(fast: bool) -> None:
    """Exact against dense, walkers against exact, exact against gradients of a device."""
    print("1  accuracy")
    count = 9 if fast else 48
    label = f"exact − average over all Clifford angles, {count} circuits, n ≤ 4"
    verdict(label, _dense_error(count, shared=False), 1e-12)
    label = f"exact − average, shared and fixed angles, {count} circuits, n ≤ 4"
    verdict(label, _dense_error(count, shared=True), 1e-12)
    _walkers_against_exact(10 if fast else 50)
    _measured(200 if fast else 2000)


def _dense_error(count: int, shared: bool) -> float:
    """Largest error against dense sums over angle sets that are exact for the frequencies.

    A rotation with an angle of its own has frequencies up to 2 in ℓ² and in (∂ℓ)²: {0, π/2, π, 3π/2}
    is exact. An angle that turns r rotations needs 2r + 1 equispaced ones.
    """
    worst = 0.0
    for seed in range(count):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 5))
        options = {"fixed": 0.3 * (seed % 2), "shared": 2, "angles": (0.3, np.pi / 4)} if shared else {}
        drawn = pauli_circuit(rng, n, 5, 1 + seed % 4, "vector", **options)
        c = drawn.circuit
        turns = np.bincount(c.parameter_of[c.parameter_of >= 0], minlength=c.n_params)
        mean, second, first, squares = drawn.averages(
            [averages.uniform_nodes(4 if r == 1 else 2 * r + 1) for r in turns]
        )
        got = exact_moments(c, c.angle_law())
        worst = max(
            worst,
            abs(got.loss_second_moment - second),
            abs(got.loss_mean - mean),
            np.abs(got.gradient_variance - (squares - first**2)).max(),
        )
    return worst


def _walkers_against_exact(count: int) -> None:
    """Four kinds of input, sums of words, fixed, shared, uniform and normal angles."""
    z, bounds, used = [], [], {"walk": 0, "pair_walk": 0}
    for seed in range(count):
        rng = np.random.default_rng(1000 + seed)
        kind = ("basis", "product", "stabilizer", "vector")[seed % 4]
        shared = 3 if seed % 5 == 4 else 0
        fixed = 0.2 if seed % 5 == 3 else 0.0
        length = 8 if shared or fixed else 30
        drawn = pauli_circuit(rng, 4 if shared else 6, length, 1 + seed % 4, kind, fixed, shared, sparse=not shared)
        c = drawn.circuit
        law = c.angle_law(("normal", rng.uniform(0.4, 1.2, c.n_params)) if seed % 2 else "uniform")
        exact = exact_moments(c, law)
        engine = pair_walk if shared or can_walk(c, law) else walk
        used[engine.__name__] += 1
        got = engine(c, law, 50_000, seed=seed)
        for k, status in enumerate(got.status):
            error = got.gradient_variance_error[k]
            if status is Status.ESTIMATED and error > 1e-12:
                z.append((got.gradient_variance[k] - exact.gradient_variance[k]) / error)
            elif status is Status.UPPER_BOUND:
                bounds.append(exact.gradient_variance[k] - 2.0 ** got.gradient_variance_upper.at_most_log2[k])
    print(f"  walkers: {used['walk']} circuits by walk, {used['pair_walk']} by pair_walk")
    verdict(f"walkers − exact, largest of {len(z)} errors", float(np.abs(z).max()), 5, "σ")
    verdict("walkers − exact, spread of the errors minus 1", abs(float(np.std(z)) - 1), 0.15, "σ")
    over = sum(b > 0 for b in bounds)
    verdict(f"upper bounds below the truth, of {len(bounds)} (95% bounds)", over, max(1, 0.1 * len(bounds)))


def _measured(samples: int) -> None:
    for name in (
        "sel_4",
        "ry_cnot_ring",
        "qaoa_ring_6",
        "tfim_hva",
        "uccsd_h2",
        "xxz_fixed_number",
    ):
        qnode, args = registry.case(name).make()
        c = normal_form(qnode)(*args)
        exact = moments_of(c)
        n = c.n_qubits
        fast_qnode = qml.QNode(qnode.func, qml.device("lightning.qubit", wires=n), diff_method="adjoint")
        rng = np.random.default_rng(7)
        law = c.angle_law()
        draws = law.sample(rng, samples)
        gradients = np.array([_gradient(fast_qnode, args, row) for row in draws])
        variance = gradients.var(axis=0)
        error = (gradients - gradients.mean(axis=0)) ** 2
        error = error.std(axis=0) / np.sqrt(samples)
        live = exact.gradient_variance > 1e-14
        z = np.abs((variance - exact.gradient_variance)[live] / error[live])
        # A few hundred gradients leave their squares' errors themselves uncertain.
        limit = 6 if samples < 2000 else 4.5 if live.sum() > 20 else 4
        verdict(
            f"{name}: {exact.engine} − {samples} gradients, worst of {live.sum()}",
            z.max(),
            limit,
            "σ",
        )
        still = gradients[:, ~live]
        if still.size:
            verdict(f"{name}: largest gradient of {still.shape[1]} dead ones", np.abs(still).max(), 1e-9)


def _gradient(qnode, args, row: np.ndarray) -> np.ndarray:
    shapes = [np.shape(a) for a in args]
    sizes = [int(np.prod(s)) for s in shapes]
    cuts = np.split(row, np.cumsum(sizes)[:-1])
    new = [pnp.array(c.reshape(s), requires_grad=True) for c, s in zip(cuts, shapes, strict=True)]
    found = qml.grad(qnode, argnums=list(range(len(new))))(*new)
    return np.concatenate([np.reshape(g, -1) for g in found])


# ------------------------------------------------------------------ 2
def rot_qnode(n: int, layers: int):
    """The same with ``qml.Rot`` and CZ."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def qnode(w):
        for layer in range(layers):
            for q in range(n):
                qml.Rot(*w[layer, q], wires=q)
            for q in range(layer % 2, n - 1, 2):
                qml.CZ(wires=[q, q + 1])
        return qml.expval(qml.Z(n // 2))

    return qnode, pnp.zeros((layers, n, 3), requires_grad=True)


def speed(fast: bool) -> None:
    """Walkers at a hundred and a thousand qubits."""
    print("2  speed on one core")
    walkers = 10**5 if fast else 10**6
    qnode, weights = rot_qnode(100, 10)
    circuit, reading = clock(normal_form(qnode), weights)
    got, seconds = clock(walk, circuit, circuit.angle_law(), walkers, 1)
    verdict(f"100 qubits, 3,000 parameters, {walkers:,} walkers", seconds, 2, "s")
    verdict("  from the QNode", reading + seconds, 6, "s")
    live = np.flatnonzero(got.known & ~got.dead)
    relative = got.gradient_variance_error[live] / got.gradient_variance[live]
    if not fast:
        share = float(np.mean(relative < 0.05))
        verdict(f"  share of {len(live)} live parameters within 5%", share, 0.95, at_least=True)
    ours = len(live) * got.n_samples / seconds
    theirs = _stim_rate(circuit)
    print(f"  gradient samples/s: ours {ours:.3g} (live), stim one at a time {theirs:.3g}")
    print(f"  ratio over the {len(live)} live parameters: {ours / theirs:.3g};", end=" ")
    print(f"over all 3,000: {circuit.n_params * got.n_samples / seconds / theirs:.3g}")

    qnode, weights = rot_qnode(1000, 4)
    circuit, reading = clock(normal_form(qnode), weights)
    got, seconds = clock(walk, circuit, circuit.angle_law(), 10**5, 1)
    verdict("1,000 qubits, 12,000 parameters, 100,000 walkers", seconds, 3, "s")
    verdict("  from the QNode", reading + seconds, 15, "s")

    _entangling_layers()


def _entangling_layers() -> None:
    """StronglyEntanglingLayers: CNOT rings spread every word, so only limits are known."""

    @qml.qnode(qml.device("default.qubit", wires=100))
    def entangling(w):
        qml.StronglyEntanglingLayers(w, range(100))
        return qml.expval(qml.Z(50))

    weights = pnp.zeros((10, 100, 3), requires_grad=True)
    circuit, reading = clock(normal_form(entangling), weights)
    got, seconds = clock(walk, circuit, circuit.angle_law(), 10**5, 1)
    live = np.array([s is not Status.OK for s in got.status])
    bounds = sum(s is Status.UPPER_BOUND for s in got.status)
    weight = circuit.words[np.flatnonzero(live)].weights()
    low, high = np.percentile(weight, [25, 75])
    print(f"  StronglyEntanglingLayers, 100 qubits, 10 layers, 100,000 walkers: {seconds:.2f} s,", end=" ")
    print(f"{reading + seconds:.2f} s from the QNode; middle half of the words act on {low:.0f}–{high:.0f} qubits")
    largest = got.gradient_variance_upper.at_most_log2[live].max()
    print(f"    every limit at most 2^{largest:.2f}: {Status.UPPER_BOUND.value}")
    verdict("  live parameters that are no upper bound", float(live.sum() - bounds), 0)
    zeros = int(np.sum(got.gradient_variance[live] == 0))
    verdict("  live parameters reported as 0", zeros, 0)
    dead = set(dead_parameters(circuit)[0])
    unproved = sum(got.log2_gradient_variance[k] == -np.inf and k not in dead for k in range(circuit.n_params))
    verdict("  parameters called dead without a proof", unproved, 0)


def _stim_rate(circuit: RotationCircuit, samples: int = 300) -> float:
    """Samples per second of one gradient component by Heisenberg propagation in stim.

    Each sample is one random Clifford angle per rotation, undone with PauliString.before.
    """
    n, rng = circuit.n_qubits, np.random.default_rng(0)
    live = [k for k, r in enumerate(dead_flags(circuit)) if not r]
    strings = circuit.words[np.array(live)].strings()
    programs = []
    for _ in range(samples):
        program = stim.Circuit()
        for word in strings:
            quarter = int(rng.integers(4))
            targets = [stim.target_pauli(q, p) for q, p in enumerate(word) if p != "I"]
            product = [t for pair in zip(targets, [stim.target_combiner()] * len(targets), strict=True) for t in pair][
                :-1
            ]
            for _ in range(quarter):
                program.append("SPP", product)
        programs.append(program)
    observable = stim.PauliString("_" * (n // 2) + "Z" + "_" * (n - n // 2 - 1))
    begin = time.process_time()
    for program in programs:
        observable.before(program)
    return samples / (time.process_time() - begin)


def dead_flags(circuit: RotationCircuit) -> np.ndarray:
    """Return which parameters are proved dead."""
    flags = np.zeros(circuit.n_params, bool)
    flags[list(dead_parameters(circuit)[0])] = True
    return flags


# ------------------------------------------------------------------ 3
def known(fast: bool) -> None:
    """Answers that are in the literature."""
    print("3  known answers")
    n = 100
    layer = PauliWords.from_maps([{q: "X"} for q in range(n)], n)
    everywhere = PauliWords.from_maps([dict.fromkeys(range(n), "Z")], n)
    circuit = RotationCircuit.from_words(layer, PauliSum.of(everywhere, np.ones(1)))
    got = log2_moments(circuit, circuit.angle_law(), 4, [0])
    verdict("global cost, one RX layer: |log2 Var[∂ℓ] + 100|", abs(got.log2_gradient[0] + n), 1e-6)
    slopes = []
    sizes = (8, 12, 16) if fast else (8, 16, 32, 64)
    for size in sizes:
        depth = int(np.log2(size))
        circuit = brickwork(size, depth)
        got = moments_of(circuit, n_walkers=200_000, seed=1)
        middle = np.nanmax(got.log2_gradient_variance)
        slopes.append(middle)
        print(f"  local cost, n = {size}, depth log2 n = {depth}: largest log2 Var[∂ℓ] = {middle:.2f}")
    slope = np.polyfit(np.log2(sizes), slopes, 1)[0]
    verdict("  its slope against log2 n (a power law, no plateau)", -slope, 4)
    depths = (2, 4, 6, 8) if fast else (2, 4, 8, 12, 16, 20)
    values = [log2_moments(brickwork(40, d), brickwork(40, d).angle_law(), 16).log2_second_moment for d in depths]
    rate = np.polyfit(depths[1:], values[1:], 1)[0]
    print(f"  1-D brickwork, n = 40: log2 E[ℓ²] at depths {depths}: {np.round(values, 2).tolist()}")
    verdict("  decay per layer, bits (exponential in depth until the floor)", rate, -0.1)
    trees = [_tree(k) for k in ((2, 3, 4) if fast else (2, 3, 4, 5, 6))]
    print("  convolution and pooling trees:", ", ".join(f"n={m}: {v:.2f}" for m, v in trees))
    slope = np.polyfit([np.log2(m) for m, _ in trees], [v for _, v in trees], 1)[0]
    verdict("  slope of log2 Var[∂ℓ] against log2 n (polynomial, Pesah et al.)", -slope, 4)


def _tree(levels: int) -> tuple[int, float]:
    """A QCNN: nearest-neighbour rotations, then every second qubit is dropped."""
    n = 2**levels
    qubits, maps = list(range(n)), []
    while len(qubits) > 1:
        for a, b in zip(qubits[::2], qubits[1::2], strict=True):
            maps += [{a: "Y"}, {b: "Y"}, {a: "Z", b: "Z"}, {a: "X"}, {b: "X"}, {a: "X", b: "X"}]
        qubits = qubits[1::2]
    observable = PauliSum.of(PauliWords.from_maps([{n - 1: "Z"}], n), np.ones(1))
    circuit = RotationCircuit.from_words(PauliWords.from_maps(maps, n), observable)
    got = moments_of(circuit, n_walkers=10**6, seed=1)
    return n, float(np.nanmax(got.log2_gradient_variance))


def main() -> int:
    """Run the chosen items."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("items", nargs="*", type=int, default=[])
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    table = {1: accuracy, 2: speed, 3: known, 4: deep}
    for item in options.items or table:
        table[item](options.fast)
    print(f"NOT MET: {FAILED}" if FAILED else "all goals met")
    return 1 if FAILED else 0


if __name__ == "__main__":
    raise SystemExit(main())
