"""Generators for ``signature.py``, and one timed closure in a process of its own.

    python benchmarks/_signature_items.py PACKAGE CASE REPEAT

prints one JSON line: best seconds, dimension, peak memory of the process in MiB, version.
``PACKAGE`` is ``ours``, ``qml`` or ``fastdla``. Every closure runs in its own process, so that
its peak memory is its own. Only the standard library is imported at the top: fastdla may live
with another interpreter. A helper, not a benchmark of its own: ``make bench`` leaves it out.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

Words = list[list[str]]
"""Generators: each a sum, with coefficients 1, of words over IXYZ."""


# ------------------------------------------------------------------------------ generators
def on(n: int, letters: dict[int, str]) -> str:
    """Return a word from the letters at the qubits where it is not the identity."""
    return "".join(letters.get(q, "I") for q in range(n))


def tfim(n: int) -> list[str]:
    """Return X on every qubit and ZZ along an open chain: so(2n)."""
    pairs = [on(n, {i: "Z", i + 1: "Z"}) for i in range(n - 1)]
    return [on(n, {i: "X"}) for i in range(n)] + pairs


def universal(n: int) -> list[str]:
    """Return X and Y on every qubit and ZZ along an open chain: su(2^n)."""
    return tfim(n) + [on(n, {i: "Y"}) for i in range(n)]


def heisenberg(n: int) -> Words:
    """Return the three sums ΣXX, ΣYY, ΣZZ of an open chain."""
    return [[on(n, {i: a, i + 1: a}) for i in range(n - 1)] for a in "XYZ"]


def xy_pairs(n: int) -> Words:
    """Return XX + YY and ZZ for every edge of an open chain."""
    flips = [[on(n, {i: a, i + 1: a}) for a in "XY"] for i in range(n - 1)]
    return flips + [[on(n, {i: "Z", i + 1: "Z"})] for i in range(n - 1)]


def qaoa(n: int) -> Words:
    """Return ΣX and ΣZZ of an open chain."""
    field = [on(n, {i: "X"}) for i in range(n)]
    return [field, [on(n, {i: "Z", i + 1: "Z"}) for i in range(n - 1)]]


CLOSURES: dict[str, tuple[str, Callable[[], Words]]] = {
    "heisenberg_5": ("Heisenberg sums n = 5", lambda: heisenberg(5)),
    "heisenberg_6": ("Heisenberg sums n = 6", lambda: heisenberg(6)),
    "xy_5": ("XY-pair sums + ZZ n = 5", lambda: xy_pairs(5)),
    "xy_6": ("XY-pair sums + ZZ n = 6", lambda: xy_pairs(6)),
    "su_5": ("su(2^5) in words", lambda: [[w] for w in universal(5)]),
    "su_6": ("su(2^6) in words", lambda: [[w] for w in universal(6)]),
}


# ---------------------------------------------------------------------- one closure, measured
def sentences(generators: Iterable[list[str]]) -> list:
    """Return the sums as PauliSentence."""
    from pennylane.pauli import PauliSentence, PauliWord

    return [
        PauliSentence({PauliWord({q: a for q, a in enumerate(w) if a != "I"}): 1.0 for w in words})
        for words in generators
    ]


def prepare(package: str, generators: Words) -> tuple[Callable[[], int], str]:
    """Return a function that closes the generators and gives the dimension, and a version."""
    if package == "fastdla":
        import importlib.metadata

        import numpy as np
        from fastdla.lie_closure import lie_closure
        from fastdla.sparse_pauli_sum import SparsePauliSum, SparsePauliSumArray

        sums = SparsePauliSumArray([SparsePauliSum(g, np.ones(len(g))) for g in generators])
        return lambda: len(lie_closure(sums)), importlib.metadata.version("fastdla")
    import pennylane as qml

    import pennylane_wishart as pw
    from pennylane_wishart.algebra import close

    # both packages are imported on both sides: the peaks then differ by the closure alone
    given = sentences(generators)
    if package == "qml":
        return lambda: len(qml.lie_closure(given, pauli=True)), qml.__version__
    return lambda: close(given).dim, pw.__version__


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB.

    On Linux ``ru_maxrss`` also keeps the peak of the process that started this one, so VmHWM,
    which does not, is read where it exists.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(package: str, case: str, repeat: int) -> None:
    """Close one case ``repeat`` times and print what it took."""
    run, version = prepare(package, CLOSURES[case][1]())
    start_mib = peak_mib()
    if package == "fastdla":
        run()  # warm: the first call compiles
    times, dim = [], 0
    for _ in range(repeat):
        start = time.perf_counter()
        dim = run()
        times.append(time.perf_counter() - start)
    found = {"seconds": min(times), "dim": dim, "version": version}
    found |= {"start_mib": start_mib, "peak_mib": peak_mib()}
    if repeat > 1:  # after the timing and the peak of the process, which tracing would inflate
        tracemalloc.start()
        run()
        found["traced_mib"] = tracemalloc.get_traced_memory()[1] / 2**20
    print(json.dumps(found))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: _signature_items.py PACKAGE CASE REPEAT; run benchmarks/signature.py instead.")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
