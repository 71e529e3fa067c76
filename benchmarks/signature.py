"""The signature at any size: goal beside figure, the other packages timed in the same run.

    python benchmarks/signature.py [--fast] [--fastdla PYTHON]

``--fast`` leaves out the cases in which ``qml.lie_closure`` takes half a minute or more.
``--fastdla`` names an interpreter that has fastdla, if that is not this one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pennylane as qml
from _signature_items import CLOSURES, on, qaoa, sentences, tfim, universal

import pennylane_wishart as pw
from pennylane_wishart.algebra import classify, close, enumerate_words, orbit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
import circuits  # noqa: E402
from references import closure as brute_force  # noqa: E402
from references import sectors as oracle  # noqa: E402

PEER_LIMIT = 300.0
"""Seconds that one closure may take in its own process, its repeats included."""


def report(what: str, figure: str, goal: str, met: bool | None) -> None:
    """Print one line: what was measured, the figure, the goal, and whether it was met."""
    mark = {True: "met", False: "NOT MET", None: "not run"}[met]
    print(f"{what:52s} {figure:>42s}   goal {goal:22s} {mark}", flush=True)


def timed(function, *args):
    """Return (wall time, result)."""
    start = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - start, result


# ------------------------------------------------------------------------------- 1 classify
def random_sets(seed: int, count: int):
    """Yield random word sets on 2–6 qubits: generic, local, disconnected, degenerate."""
    rng = np.random.default_rng(seed)
    for trial in range(count):
        n = int(rng.integers(2, 7))
        m = int(rng.integers(1, 2 * n + 3))
        if trial % 3 == 0:
            yield [str(w) for w in rng.choice(tfim(n) + universal(n), m)]
            continue
        p = rng.choice([0.3, 0.5, 0.75])
        letters = rng.choice(list("IXYZ"), size=(m, n), p=[p, *[(1 - p) / 3] * 3])
        words = ["".join(row) for row in letters]
        if trial % 3 == 2:  # central letters make copies, and parts that share them
            words = [w[:-1] + str(rng.choice(["I", "Z"])) for w in words]
        yield words


def item_1() -> None:
    """Dimension and type of random word sets against brute force."""
    wrong = types = 0
    names: Counter = Counter()
    for k, words in enumerate(random_sets(seed=11, count=2000)):
        algebra = classify(words)
        given = [brute_force.word(w) for w in words]
        closed = brute_force.orbit(given, given)
        wrong += algebra.dim != len(closed)
        if k < 300:
            ideals, center = brute_force.structure(closed)
            found = {(i.type, i.n): i.copies for i in algebra.ideals}
            types += (found, algebra.center_dim) != (dict(ideals), center)
            names[algebra.name] += 1
    report("1 classify: wrong dimensions in 2,000 random sets", str(wrong), "0", wrong == 0)
    figure = f"{types} ({len(names)} different)"
    report("1 classify: wrong types in 300", figure, "0", types == 0)
    example = classify(["ZII", "XII", "XZI", "XIZ"])
    met = (example.name, example.dim) == ("4·su(2)", 12)
    report("1 ZII XII XZI XIZ", f"{example.name}, dimension {example.dim}", "4·su(2), 12", met)


# ------------------------------------------------------------------------- 2 a thousand qubits
def hardware_efficient(n: int):
    """Return the QNode of RX RY RZ on every qubit and a chain of CNOTs in every layer."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(weights):
        for layer in weights:
            for q in range(n):
                qml.RX(layer[q, 0], wires=q)
                qml.RY(layer[q, 1], wires=q)
                qml.RZ(layer[q, 2], wires=q)
            for q in range(n - 1):
                qml.CNOT(wires=[q, q + 1])
        return qml.expval(qml.Z(0))

    return circuit


def item_2() -> None:
    """Words on 1,000 qubits, and a whole QNode on 100."""
    for words, name in ((tfim(1000), "so(2000)"), (universal(1000), "su(2^1000)")):
        seconds, algebra = timed(classify, words)
        met = seconds < 2 and algebra.name == name
        report(f"2 {name} on 1,000 qubits", f"{algebra.name}, {seconds:.2f} s", "< 2 s", met)
    weights = circuits.trainable(np.random.default_rng(2).uniform(0, 2 * np.pi, (50, 100, 3)))
    seconds, found = timed(lambda: pw.signature(hardware_efficient(100))(weights))
    figure = f"{found.algebra.name}, {len(found.generator_of):,} rotations, {seconds:.2f} s"
    met = seconds < 10 and found.algebra.name == "su(2^100)"
    report("2 50 layers on 100 qubits, from the QNode", figure, "su(2^100), < 10 s", met)


# ------------------------------------------------------------------------------------ 3 close
def alone(package: str, case: str, repeat: int, python: str = sys.executable) -> dict | str:
    """Close one case in a process of its own; return its figures, or why there are none."""
    command = [python, str(HERE / "_signature_items.py"), package, case, str(repeat)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_LIMIT)
    except subprocess.TimeoutExpired:
        return f"over {PEER_LIMIT:g} s"
    if done.returncode:
        return "not installed" if "ModuleNotFoundError" in done.stderr else done.stderr[-60:]
    return json.loads(done.stdout)


def against_qml(case: str, goal: float | None, slow: bool, fast: bool) -> dict:
    """Time one closure against ``qml.lie_closure``; return our figures."""
    ours = alone("ours", case, 3)
    if isinstance(ours, str):
        raise RuntimeError(f"{case}: {ours}")
    what = f"3 {CLOSURES[case][0]}, dimension {ours['dim']}"
    wanted = "no goal set" if goal is None else f"≥ {goal:g}×"
    if slow and fast:
        report(what, f"{ours['seconds']:.3f} s, qml left out", wanted, None)
        return ours
    theirs = alone("qml", case, 1 if slow else 3)
    if isinstance(theirs, str):
        ratio = PEER_LIMIT / ours["seconds"]  # it took longer than the limit: a lower bound
        figure = f"{ours['seconds']:.3f} s, qml {theirs}: > {ratio:.0f}×"
        report(what, figure, wanted, True if goal is None or ratio >= goal else None)
        return ours
    ratio = theirs["seconds"] / ours["seconds"]
    figure = f"{ours['seconds']:.3f} s, qml {theirs['seconds']:.2f} s: {ratio:.0f}×"
    report(what, figure, wanted, ratio >= (goal or 0) and theirs["dim"] == ours["dim"])
    figure = f"{ours['peak_mib']:.0f} MiB, qml {theirs['peak_mib']:.0f}"
    figure += f" (imports {ours['start_mib']:.0f})"
    report("  peak memory of the process", figure, "≤ theirs", ours["peak_mib"] <= theirs["peak_mib"])
    growth = [f["peak_mib"] - f["start_mib"] for f in (ours, theirs)]
    figure = f"{growth[0]:.1f} MiB, qml {growth[1]:.1f}"
    report("  its growth above the imports", figure, "≤ theirs", growth[0] <= growth[1])
    if "traced_mib" not in theirs:  # a slow case runs once
        return ours
    figure = f"{ours['traced_mib']:.2f} MiB, qml {theirs['traced_mib']:.2f}"
    report("  peak of what the closure allocates", figure, "≤ theirs", ours["traced_mib"] <= theirs["traced_mib"])
    return ours


def against_fastdla(case: str, ours: dict, python: str) -> None:
    """Time one closure against fastdla, compiled beforehand."""
    theirs = alone("fastdla", case, 1, python)
    what = f"  beside fastdla: {CLOSURES[case][0]}"
    if isinstance(theirs, str):
        report(what, theirs, "≥ 3×", None)
        return
    ratio = theirs["seconds"] / ours["seconds"]
    figure = f"version {theirs['version']}, {theirs['seconds']:.2f} s: {ratio:.1f}×"
    if theirs["dim"] != ours["dim"]:  # the other peer's dimension says which of the two is wrong
        figure = f"{figure}, dimension {theirs['dim']}"
    report(what, figure, "≥ 3×", ratio >= 3)


def item_3(fast: bool, python: str) -> None:
    """Closures of sums against the other packages."""
    plan = (  # case, goal, whether qml.lie_closure is slow
        ("heisenberg_5", 8, False),
        ("xy_5", None, False),
        ("su_5", None, False),
        ("heisenberg_6", 50, True),
        ("su_6", 200, True),
        ("xy_6", 40, True),
    )
    for case, goal, slow in plan:
        ours = against_qml(case, goal, slow, fast)
        if not (slow and fast):
            against_fastdla(case, ours, python)
    wrong, seconds = [], math.inf
    for n in range(4, 25):
        seconds, algebra = timed(close, sentences(qaoa(n)))
        if algebra.dim != n * n or not algebra.is_closed:
            wrong.append(n)
    report("3 QAOA sums, open chain, n = 4…24: not n²", str(wrong), "[]", not wrong)
    report("3 QAOA sums, n = 24", f"{seconds:.2f} s", "< 3 s", seconds < 3)


# -------------------------------------------------------------------------------- 4 and 5 sectors
def xxz_qnode(n: int):
    """Return one XXZ layer on ``n`` qubits from |0101…⟩, with its weights."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(weights):
        qml.BasisState(np.arange(n) % 2, wires=range(n))
        circuits.xxz_layers(weights, n)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit, (circuits.trainable(np.linspace(0.1, 3.0, 3 * n - 2)[None]),)


def dense_problem(found: pw.Signature):
    """Return the generators, the observable and the input state as matrices and a vector."""
    generators = [g.matrix() for g in found.generators]
    return generators, found.observable.matrix(), found.circuit.state.vector()


def oracle_facts(found: pw.Signature) -> list[tuple]:
    """Return what the dense oracle says of every sector."""
    generators, observable, state = dense_problem(found)
    facts = []
    for seen in oracle.refined(oracle.relevant(generators, observable), observable, state):
        s = seen.sector
        squares = np.trace(seen.moving @ seen.moving).real + s.dim * seen.center**2
        ground = np.linalg.eigvalsh(seen.moving)[0] + seen.center
        facts.append((s.dim, s.multiplicity, oracle.kind(s), s.weight, s.dim * seen.center, squares, ground))
    return facts


def agrees(found: pw.Signature) -> bool:
    """Whether size, multiplicity, type, weight, Tr O, Tr O², λ_min equal the dense oracle's."""
    mine = [(s.dim, s.multiplicity, s.kind, s.weight, s.trace, s.trace_square, s.ground) for s in found.sectors]
    left = oracle_facts(found)
    for fact in mine:
        same = (o for o in left if o[:3] == fact[:3] and np.allclose(o[3:], fact[3:], atol=1e-7))
        match = next(same, None)
        if match is None:
            return False
        left.remove(match)
    return not left


def item_4() -> None:
    """A large enumeration, and the sectors of an XXZ circuit."""
    seconds, words = timed(enumerate_words, universal(8))
    met = seconds < 3 and len(words) == 65_535
    report("4 su(2^8) as words", f"{len(words):,} words, {seconds:.2f} s", "65,535, < 3 s", met)
    for n in (4, 5):
        qnode, args = xxz_qnode(n)
        found = pw.signature(qnode)(*args)
        same = agrees(found)
        figure = f"{len(found.sectors)} sectors, {'equal' if same else 'DIFFERENT'}"
        report(f"4 XXZ on {n} qubits against the dense oracle", figure, "equal", same)
    qnode, args = xxz_qnode(10)
    seconds, found = timed(lambda: pw.signature(qnode)(*args))
    sizes = sorted(s.dim for s in found.sectors)
    met = seconds < 60 and sizes == sorted(math.comb(10, k) for k in range(11))
    report("4 XXZ on 10 qubits", f"{len(sizes)} sectors, {seconds:.1f} s", "11 sectors, < 60 s", met)


def qaoa_qnode(n: int, ring: bool):
    """Return one QAOA layer for MaxCut on a ring or an open chain, from |+…+⟩."""
    edges = circuits.ring(n) if ring else circuits.chain(n)
    cost = qml.sum(*[qml.Z(a) @ qml.Z(b) for a, b in edges])
    mixer = qml.sum(*[qml.X(q) for q in range(n)])

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(gamma, beta):
        for q in range(n):
            qml.Hadamard(q)
        qml.qaoa.cost_layer(gamma, cost)
        qml.qaoa.mixer_layer(beta, mixer)
        return qml.expval(cost)

    return circuit, (circuits.trainable(0.3), circuits.trainable(0.7))


def qaoa_sectors(fast: bool) -> None:
    """Sectors of QAOA sums, whose symmetries are words of X, translations and reflections."""
    for n, goal in ((8, 1.0), (10, 20.0), (12, 120.0)):
        for ring in (True, False):
            if fast and n == 12 and not ring:
                continue
            qnode, args = qaoa_qnode(n, ring)
            seconds, found = timed(lambda: pw.signature(qnode)(*args))  # noqa: B023
            size = 2 ** (n // 2) if ring else math.comb(n, n // 2)
            (sector,) = found.weighted_sectors
            figure = f"N = {sector.dim}, {found.algebra.name[:20]}, {seconds:.1f} s"
            name = f"4 QAOA sums on {n} qubits, {'ring' if ring else 'open chain'}"
            report(name, figure, f"N = {size}, < {goal:g} s", seconds < goal and sector.dim == size)


def sampled_variance_agrees(found: pw.Signature) -> bool:
    """Whether the spin factor's variance is that of 4,000 sampled deep circuits, to 5 σ."""
    rng = np.random.default_rng(5)
    losses = oracle.sample_losses(*dense_problem(found), 4000, 25, rng)
    spread = np.std((losses - losses.mean()) ** 2) / math.sqrt(len(losses))
    return bool(abs(losses.var() - found.spin_factor.variance) < 5 * spread)


def joint_oracle_agrees(found: pw.Signature) -> bool:
    """Whether sectors equal the oracle's, and it too finds some pair of them dependent."""
    generators, observable, state = dense_problem(found)
    sectors = [seen.sector for seen in oracle.refined(generators, observable, state)]
    free = all(oracle.independent(a, b, generators) for a, b in itertools.combinations(sectors, 2))
    return agrees(found) and not free and not found.independent


def item_5() -> None:
    """One circuit for every kind of sector, each against the dense oracle."""
    plan = (  # label, registry name, expected verdict, expected β or method, oracle
        ("β = 1", "so8_ry_cz", True, 1, agrees),
        ("β = 2", "su8_pauli", True, 2, agrees),
        ("β = 4", "sp_4", True, 4, agrees),
        ("spin factor", "spin_factor", True, "spin factor", sampled_variance_agrees),
        ("tensor product", "tensor_product", False, None, agrees),
        ("ideals acting jointly, inequivalent", "joint_halfspins", False, 2, joint_oracle_agrees),
        ("ideals acting jointly, equal copies", "joint_copies", False, 2, joint_oracle_agrees),
    )
    for label, name, inside, mark, check in plan:
        qnode, args = circuits.case(name).make()
        found = pw.signature(qnode)(*args)
        right = found.in_theory is inside
        if isinstance(mark, str):
            right = right and found.method == mark
        else:
            right = right and {s.beta for s in found.sectors} == {mark}
        same = check(found)
        verdict = "inside" if found.in_theory else "outside"
        kinds = ", ".join(f"{s.kind}({s.dim})" for s in found.sectors) or found.method
        figure = f"{kinds}: {verdict}, oracle {'agrees' if same else 'DISAGREES'}"
        goal = f"{'inside' if inside else 'outside'}, agrees"
        report(f"5 {label}", figure, goal, right and same)
        print(f"    {found.reason}")


# ----------------------------------------------------------------------------------- 6 modules
def item_6() -> None:
    """Var[ℓ] of a free-fermion chain from a basis state, by counting and by enumeration."""
    wrong = 0
    for n in range(3, 11):
        for start in (on(n, {0: "Z"}), on(n, {n // 2: "X"})):
            module = orbit(tfim(n), start)
            given = [brute_force.word(w) for w in tfim(n)]
            listed = brute_force.orbit(given, [brute_force.word(start)])
            diagonal = sum(x == 0 for x, _ in listed)
            wrong += (len(listed), diagonal) != (module.orbit_size, module.z_type)
            exact = math.log2(diagonal / len(listed))  # each Z-type word has ⟨P⟩² = 1 in |0…0⟩
            wrong += abs(exact - module.log2_variance_basis_state) > 1e-9
    report("6 Var[ℓ] against enumeration, n = 3…10: wrong", str(wrong), "0", wrong == 0)
    for q, letter in ((0, "Z"), (500, "X")):
        seconds, module = timed(orbit, tfim(1000), on(1000, {q: letter}))
        figure = f"log₂ Var = {module.log2_variance_basis_state:.4f}, {seconds:.2f} s"
        report(f"6 TFIM, 1,000 qubits, {letter} on qubit {q}", figure, "exact", module.is_exact)


def main() -> None:
    """Run the items in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="leave out the slow peer cases")
    parser.add_argument("--fastdla", default=sys.executable, help="an interpreter with fastdla")
    args = parser.parse_args()
    item_1()
    item_2()
    item_3(args.fast, args.fastdla)
    item_4()
    qaoa_sectors(args.fast)
    item_5()
    item_6()


if __name__ == "__main__":
    main()
