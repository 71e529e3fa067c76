"""Benchmarks of the room ``algebra``: goal beside figure, rivals timed in the same run.

    python benchmarks/algebra.py [--fast]

``--fast`` leaves out the cases in which ``qml.lie_closure`` takes half a minute or more.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane.pauli import PauliSentence, PauliWord

from pennylane_wishart.algebra import classify, close, enumerate_words, orbit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from references import closure as reference  # noqa: E402


def report(what: str, figure: str, goal: str, met: bool | None) -> None:
    """Print one line: what was measured, the figure, the goal, and whether it was met."""
    mark = {True: "met", False: "NOT MET", None: "not run"}[met]
    print(f"{what:58s} {figure:>34s}   goal {goal:24s} {mark}", flush=True)


def timed(function, *args, repeat: int = 1, **kwargs):
    """Return (best wall time, result)."""
    best, result = math.inf, None
    for _ in range(repeat):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        best = min(best, time.perf_counter() - start)
    return best, result


def peak(function, *args, **kwargs) -> float:
    """Return the peak of memory allocated during a call, in MiB."""
    tracemalloc.start()
    function(*args, **kwargs)
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top / 2**20


# ------------------------------------------------------------------------------ generators
def one(n: int, **letters: str) -> str:
    out = ["I"] * n
    for q, letter in letters.items():
        out[int(q[1:])] = letter
    return "".join(out)


def tfim(n: int) -> list[str]:
    pairs = [one(n, **{f"q{i}": "Z", f"q{i + 1}": "Z"}) for i in range(n - 1)]
    return [one(n, **{f"q{i}": "X"}) for i in range(n)] + pairs


def universal(n: int) -> list[str]:
    return tfim(n) + [one(n, **{f"q{i}": "Y"}) for i in range(n)]


def sentence(words) -> PauliSentence:
    return PauliSentence({PauliWord(word): 1.0 for word in words})


def heisenberg(n: int) -> list[PauliSentence]:
    return [sentence({i: a, i + 1: a} for i in range(n - 1)) for a in "XYZ"]


def xy_pairs(n: int) -> list[PauliSentence]:
    flips = [sentence([{i: a, i + 1: a} for a in "XY"]) for i in range(n - 1)]
    return flips + [sentence([{i: "Z", i + 1: "Z"}]) for i in range(n - 1)]


def qaoa(n: int) -> list[PauliSentence]:
    field = sentence({i: "X"} for i in range(n))
    return [field, sentence({i: "Z", i + 1: "Z"} for i in range(n - 1))]


def random_sets(seed: int, count: int):
    """Random word sets on 2–6 qubits: generic, local, disconnected, degenerate."""
    rng = np.random.default_rng(seed)
    for trial in range(count):
        n = int(rng.integers(2, 7))
        m = int(rng.integers(1, 2 * n + 3))
        if trial % 3 == 0:
            yield [str(w) for w in rng.choice(tfim(n) + universal(n), m)]
        else:
            p = rng.choice([0.3, 0.5, 0.75])
            letters = rng.choice(list("IXYZ"), size=(m, n), p=[p, *[(1 - p) / 3] * 3])
            words = ["".join(row) for row in letters]
            if trial % 3 == 2:  # central letters make copies, and parts that share them
                words = [w[:-1] + str(rng.choice(["I", "Z"])) for w in words]
            yield words


# -------------------------------------------------------------------------------- the items
def item_1() -> None:
    wrong = types = 0
    names: Counter = Counter()
    for k, words in enumerate(random_sets(seed=11, count=2000)):
        algebra = classify(words)
        given = [reference.word(w) for w in words]
        brute = reference.orbit(given, given)
        wrong += algebra.dim != len(brute)
        if k < 300:
            ideals, center = reference.structure(brute)
            found = {(i.type, i.n): i.copies for i in algebra.ideals}
            types += (found, algebra.center_dim) != (dict(ideals), center)
            names[algebra.name] += 1
    report("1 classify: wrong dimensions in 2,000 random sets", str(wrong), "0", wrong == 0)
    figure = f"{types} ({len(names)} different)"
    report("1 classify: wrong types in 300", figure, "0", types == 0)
    name = classify(["ZII", "XII", "XZI", "XIZ"]).name
    report("1 ZII XII XZI XIZ", name, "4·su(2)", name == "4·su(2)")


def item_2() -> None:
    for words, name in ((tfim(1000), "so(2000)"), (universal(1000), "su(2^1000)")):
        seconds, algebra = timed(classify, words)
        report(f"2 {algebra.name}, 1,000 qubits", f"{seconds:.2f} s", "< 2 s", seconds < 2)
        if algebra.name != name:
            raise SystemExit(f"expected {name}")
    rng = np.random.default_rng(3)
    letters = np.array(list("IXYZ"))[rng.choice(4, size=(15_000, 100), p=[0.7, 0.1, 0.1, 0.1])]
    distinct = ["".join(row) for row in letters]
    repeated = [tfim(100)[i] for i in rng.integers(0, 199, 15_000)]
    for label, words in (("distinct", distinct), ("repeated", repeated)):
        seconds, algebra = timed(classify, words)
        what = f"2 15,000 {label} words on 100 qubits, {algebra.name}"
        report(what, f"{seconds:.2f} s", "< 3 s", seconds < 3)


def against(what: str, generators, goal: float, slow: bool, fast: bool) -> None:
    """Time close against qml.lie_closure(pauli=True), and compare peak memory."""
    ours, algebra = timed(close, generators, repeat=3)
    label = f"3 {what}, dimension {algebra.dim}"
    if slow and fast:
        report(label, f"{ours:.3f} s", f"≥ {goal:g}× theirs", None)
        return
    theirs, listed = timed(qml.lie_closure, generators, pauli=True, repeat=1 if slow else 3)
    ratio = theirs / ours
    figure = f"{ours:.3f} s, theirs {theirs:.2f} s: {ratio:.0f}×"
    report(label, figure, f"≥ {goal:g}×", ratio >= goal and len(listed) == algebra.dim)
    if not slow:
        mine, other = peak(close, generators), peak(qml.lie_closure, generators, pauli=True)
        report(
            f"  peak memory of {what}",
            f"{mine:.1f} MiB, theirs {other:.1f}",
            "≤ theirs",
            mine <= other,
        )


def item_3(fast: bool) -> None:
    words = [
        PauliSentence({PauliWord({q: a for q, a in enumerate(w) if a != "I"}): 1.0})
        for w in universal(6)
    ]
    small = [
        PauliSentence({PauliWord({q: a for q, a in enumerate(w) if a != "I"}): 1.0})
        for w in universal(5)
    ]
    against("Heisenberg sums n = 5", heisenberg(5), 8, False, fast)
    against("XY-pair sums + ZZ n = 5", xy_pairs(5), 5, False, fast)
    against("su(2^5) in words", small, 5, False, fast)
    against("Heisenberg sums n = 6", heisenberg(6), 50, True, fast)
    against("XY-pair sums + ZZ n = 6", xy_pairs(6), 40, True, fast)
    against("su(2^6) in words", words, 200, True, fast)
    wrong = []
    for n in range(4, 25):
        seconds, algebra = timed(close, qaoa(n))
        if algebra.dim != n * n or algebra.name != f"su({n}) ⊕ u(1)":
            wrong.append(n)
    report("3 QAOA sums, open chain, n = 4…24: wrong", str(wrong), "[] (dimension n²)", not wrong)
    report("3 QAOA sums n = 24", f"{seconds:.2f} s", "< 3 s", seconds < 3)


def item_4() -> None:
    seconds, words = timed(enumerate_words, universal(8))
    report(
        f"4 su(2^8) as words: {len(words):,}",
        f"{seconds:.2f} s",
        "< 3 s",
        seconds < 3 and len(words) == 65_535,
    )


def item_6() -> None:
    wrong = 0
    for n in range(3, 11):
        for v in (one(n, q0="Z"), one(n, **{f"q{n // 2}": "X"})):
            module = orbit(tfim(n), v)
            listed = module.enumerate()
            counts = (len(listed), int(listed.is_diagonal().sum()))
            wrong += counts != (module.orbit_size, module.z_type)
    report("6 orbit counts against enumeration, n = 3…10: wrong", str(wrong), "0", wrong == 0)
    for label, v in (("Z on qubit 0", one(1000, q0="Z")), ("X on qubit 500", one(1000, q500="X"))):
        seconds, module = timed(orbit, tfim(1000), v)
        figure = f"log2 Var = {module.log2_variance_basis_state:.4f}, {seconds:.2f} s"
        report(f"6 TFIM, 1,000 qubits, {label}", figure, "exact", module.is_exact)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="leave out the rivals' slow cases")
    fast = parser.parse_args().fast
    item_1()
    item_2()
    item_3(fast)
    item_4()
    item_6()


if __name__ == "__main__":
    main()
