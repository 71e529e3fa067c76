"""Verdicts held against descents of code that shares nothing with the package.

    python benchmarks/verdicts.py                           the named zoo, against its kept truth
    python benchmarks/verdicts.py --truth                   finds the truth of circuits that have none yet, and keeps it
    python benchmarks/verdicts.py --finer --keep FILE       more descents of it where judged ones were a quarter as many
    python benchmarks/verdicts.py --seeded 98 --first 100   another zoo, drawn from seeds, truth found on the way
    python benchmarks/verdicts.py --edge 440 --first 1000   certificates where a circuit has hardly more parameters
                                                            than one takes, each against descents

Says for every circuit what ``pw.diagnose`` says, with its defaults, of traps and reach, and prints how often that
is right, beside the goals that were set before. Truths nearer to the tolerance than some tens of descents decide are
counted apart. ``--profile`` prints where the time goes, ``--keep FILE`` keeps every judged circuit and goes on from
there, ``--done`` prints what that file holds, ``--record`` writes the table (and the figure of the named zoo) to
the documentation.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import time
import warnings
from dataclasses import replace
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from _zoo import draw, rotation_circuit  # noqa: E402
from _zoo_demos import DEMOS, PAPERS  # noqa: E402
from _zoo_loss import Loss, descents  # noqa: E402
from _zoo_models import MODELS, QAOA, TRAPS  # noqa: E402
from _zoo_tables import figure, tables  # noqa: E402
from _zoo_templates import TEMPLATES  # noqa: E402
from _zoo_truth import Truth, find_truth, finer  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.conventions.outlook import MARGIN  # noqa: E402
from pennylane_wishart.outlook import certify, reached_space  # noqa: E402

FINER = 4
"""Times the starts of a verdict that its truth needs: the error of the one share is half that of the other then."""
HERE = Path(__file__).parent
KEPT = HERE / "data" / "verdicts.json"
DOCS = HERE.parent / "docs"


def named() -> list:
    """Return the named zoo."""
    return [c for part in (TEMPLATES, DEMOS, PAPERS, QAOA, MODELS, TRAPS) for c in part()]


def keep_truths(only: str) -> None:
    """Find the truth of every named circuit that has none yet."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    circuits = {c.name: c for c in named()}  # the cheap ones first
    for name, circuit in sorted(circuits.items(), key=lambda item: item[1].n):
        if only in name and name not in kept:
            begin = time.process_time()
            truth = find_truth(circuit)
            kept[name] = truth.to_dict() | {"source": circuit.source, "n": circuit.n, "n_params": circuit.n_params}
            print(f"{name}: {truth}  {time.process_time() - begin:.1f} s", flush=True)
            _write(kept, circuits)


def refine_truths(judged: Path) -> None:
    """Descend further where a judged circuit's own share at the best is known as well as what it is held against."""
    kept = json.loads(KEPT.read_text())
    circuits = {c.name: c for c in named()}
    rows = [
        r for r in map(json.loads, judged.read_text().splitlines()) if r["evidence"] == "descents" and r["name"] in kept
    ]
    for row in rows:
        name, wanted = row["name"], FINER * row["starts"]
        truth = Truth.from_dict(kept[name])
        if truth.starts < wanted:
            begin = time.process_time()
            kept[name] |= finer(circuits[name], truth, wanted).to_dict()
            print(f"{name}: {truth.starts} -> {wanted}  {time.process_time() - begin:.1f} s", flush=True)
            _write(kept, circuits)


def _write(kept: dict, names) -> None:
    lines = (f"{json.dumps(k)}: {json.dumps(kept[k])}" for k in names if k in kept)
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _held_against(row: dict, kept: dict) -> dict:
    """Return a judged row beside the truth as it is kept now."""
    if "fraction" not in row:
        return row
    old, truth = Truth.from_dict(row["truth"]), Truth.from_dict(kept)
    truth = truth.with_best(old.best)
    missed = row["missed"] + (old.best - truth.best) / truth.scale
    return row | {"missed": missed, "truth": truth.to_dict()}


def judge(circuit, truth: Truth | None, profile: bool) -> dict:
    """Return what was said and what is true of one circuit."""
    qnode, x = circuit.qnode()
    watch = cProfile.Profile() if profile else None
    begin = time.process_time()
    if watch is None:
        diag = pw.diagnose(qnode, progress=False)(x)
    else:
        diag = watch.runcall(pw.diagnose(qnode, progress=False), x)
    seconds = time.process_time() - begin
    truth = truth or find_truth(circuit)
    row = {"name": circuit.name, "n": circuit.n, "n_params": circuit.n_params, "source": circuit.source}
    row |= {"seconds": seconds, "trainable": diag.trainable, "said": diag.headline}
    row |= {"in_theory": diag.signature.in_theory, "parts": _parts(watch) if watch else {}}
    found = diag.descent
    if found is None:
        return row | {"evidence": "constant", "moves": truth.width > 1e-6, "truth": truth.to_dict()}
    best = min(truth.best, found.best) if np.isfinite(found.best) else truth.best
    truth = truth.with_best(best)
    return row | {
        "evidence": found.evidence.value,
        "traps": found.has_traps,
        "reach": found.reaches_ground,
        "height": found.trap_height,
        "gap": found.reach_gap,
        "missed": float(found.best - truth.best) / truth.scale,
        "starts": len(found.ends),
        "fraction": list(found.fraction_interval),
        "scale": found.scale / truth.scale,
        "below bound": min(truth.ends) < found.reachable_ground - 1e-6 * truth.scale,
        "certified wrong": found.evidence.value == "certificate" and max(truth.ends) > found.best + 1e-3 * truth.scale,
        "truth": truth.to_dict(),
    }


def _parts(watch: cProfile.Profile) -> dict[str, float]:
    """Seconds of every step that ``diagnose`` calls itself."""
    parts: dict[str, float] = {}
    for (_, _, name), (*_, callers) in pstats.Stats(watch).stats.items():
        for (file, _, caller), counts in callers.items():
            if file.endswith("diagnosis/diagnose.py") and caller in ("_flow", "inspect") and name != "_flow":
                parts[name] = parts.get(name, 0.0) + counts[3]
    return parts


def edge(count: int, first: int, starts: int) -> list[str]:
    """Hunt for false certificates where a circuit has hardly more parameters than one takes."""
    given = wrong = near = 0
    for seed in range(first, first + count):
        circuit = rotation_circuit(seed)
        qnode, x = circuit.qnode()
        found = certify(reached_space(pw.normal_form(qnode)(x)), np.random.default_rng(seed))
        near += found.complete and abs(found.live - found.dimension - MARGIN) <= MARGIN
        if not found.holds:
            continue
        given += 1
        loss = Loss(circuit)
        levels = np.linalg.eigvalsh(loss.observable.toarray())
        above = (descents(loss, starts, seed, 1.0).max() - found.ground) / np.ptp(levels)
        if above > 1e-3:
            wrong += 1
            print(f"seed {seed} ({circuit.name}): certified, and a descent ends {above:.3f} of the width above")
    return [f"{count} circuits, {near} within {MARGIN} of the margin: {given} certified, {wrong} wrong (goal 0)"]


def record(command: str, lines: list[str]) -> None:
    """Put a table in the place of the last one of the same kind in the documentation."""
    file = DOCS / "benchmarks" / "verdicts.txt"

    def kind(told):
        return [word for word in told.split()[2:3] if word != "--done"]  # the named zoo, judged earlier

    old = file.read_text(encoding="utf-8").strip().split("\n\n") if file.exists() else []
    others = [part for part in old if kind(part.split("\n")[0]) != kind(command)]
    parts = [*others, "\n".join([command, *lines])]
    parts.sort(key=lambda part: part.split("\n")[0])
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _rows(circuits, truths, options) -> list[dict]:
    done = {}
    if options.keep and options.keep.exists():
        done = {row["name"]: row for row in map(json.loads, options.keep.read_text().splitlines())}
    for circuit in sorted(circuits, key=lambda c: c.n):  # the cheap ones first
        if circuit.name not in done:
            row = done[circuit.name] = judge(circuit, truths.get(circuit.name), options.profile)
            if options.keep:
                with options.keep.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return [done[c.name] for c in circuits]


def _zoo(options) -> tuple[list[dict], str]:
    """Judge the zoo that is asked for; return its rows, and the arguments that name it."""
    if options.done:
        kept = json.loads(KEPT.read_text())
        judged = map(json.loads, options.keep.read_text().splitlines())
        rows = [_held_against(r, kept[r["name"]]) for r in judged if r["name"] in kept]
        return rows, f" --done   ({len(rows)} of the {len(kept)} circuits of the zoo)"
    if options.seeded:
        seeds = range(options.first, options.first + options.seeded)
        # two seeds may draw circuits of one name: the seed tells them apart
        circuits = [replace(c, name=f"seed {s}: {c.name}") for s in seeds for c in [draw(s, options.largest)]]
        told = f" --seeded {options.seeded} --first {options.first} --largest {options.largest}"
        return _rows(circuits, {}, options), told
    truths = {name: Truth.from_dict(t) for name, t in json.loads(KEPT.read_text()).items()}
    circuits = [c for c in named() if c.name in truths and options.only in c.name]
    return _rows(circuits[::12] if options.fast else circuits, truths, options), ""


def main() -> None:
    """Judge a zoo and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("first", 100), ("seeded", 0), ("edge", 0), ("starts", 16), ("largest", 6)):
        parser.add_argument(f"--{name}", type=int, default=value)
    for name, what in (
        ("truth", "find and keep what is not known yet"),
        ("finer", "find more of what is known, where the file of --keep asks for it"),
        ("profile", "where the time of diagnose goes"),
        ("record", "write to the documentation"),
        ("fast", "a dozen circuits"),
        ("done", "tables of what the file of --keep holds, nothing new"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=what)
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--keep", type=Path, help="file of judged circuits")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.truth:
        keep_truths(options.only)
        return
    if options.finer:
        refine_truths(options.keep)
        return
    command = "python benchmarks/verdicts.py"
    if options.edge:
        command += f" --edge {options.edge} --first {options.first} --starts {options.starts}"
        lines = edge(options.edge, options.first, options.starts)
    else:
        rows, more = _zoo(options)
        command += more
        lines = tables(rows)
        if options.record and not options.seeded:
            figure(rows, DOCS / "verdicts.png")
    print("\n".join([command, *lines]))
    if options.record:
        record(command, lines)


if __name__ == "__main__":
    main()
