"""Judged circuits as tables beside their goals, and as a figure of predicted against found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _zoo_truth import TOLERANCE, Truth

__all__ = ["figure", "tables", "wrong_of"]


def wrong_of(row: dict) -> list[str]:
    """Return every kind of wrong statement of a row."""
    truth = Truth.from_dict(row["truth"])
    if row["evidence"] == "constant":
        return ["called constant"] if row["moves"] else []
    out = []
    traps, reach = truth.traps, truth.reaches
    if None not in (row["traps"], traps) and row["traps"] != traps:
        out.append("traps")
    if None not in (row["reach"], reach) and row["reach"] != reach:
        out.append("reach")
    out += [name for name in ("below bound", "certified wrong") if row[name]]
    if row["trainable"] is True and traps:
        out.append("trainable is True above traps")
    if row["trainable"] is False and traps is False:
        out.append("trainable is False and it trains")
    return out


def _confusion(name: str, rows: list[dict], facts: list[bool | None]) -> list[str]:
    """Said against true, with the share of decided ones that are right."""
    cells = {(said, true): 0 for said in (True, False, None) for true in (True, False, None)}
    for row, true in zip(rows, facts, strict=True):
        cells[row[name], true] += 1
    decided = cells[True, True] + cells[False, False] + cells[True, False] + cells[False, True]
    right = cells[True, True] + cells[False, False]
    share = right / decided if decided else float("nan")
    open_ = sum(cells[None, true] for true in (True, False, None))
    word = {True: "yes", False: "no", None: "on the edge"}
    lines = [f"  {name:<8}{'':<12}true: " + "".join(f"{word[t]:>13}" for t in (True, False, None))]
    for said, label in ((True, "said yes"), (False, "said no"), (None, "undecided")):
        lines.append(f"  {'':<8}{label:<18}" + "".join(f"{cells[said, t]:>13}" for t in (True, False, None)))
    lines.append(
        f"  {'':<8}right of the decided {right}/{decided} = {share:.1%}   goal ≥ 98.5%  {_met(share >= 0.985)}"
    )
    part = open_ / max(len(rows), 1)
    lines.append(f"  {'':<8}undecided {open_}/{len(rows)} = {part:.1%}   goal ≤ 8%  {_met(part <= 0.08)}")
    return lines


def _met(good: bool) -> str:
    return "met" if good else "NOT MET"


def _goal(what: str, found: int) -> str:
    return f"  {what}: {found}   goal 0  {_met(found == 0)}"


def tables(rows: list[dict]) -> list[str]:
    """Return the printed tables of judged circuits."""
    moved = [r for r in rows if r["evidence"] != "constant"]
    truths = [Truth.from_dict(r["truth"]) for r in moved]
    traps, reach = [t.traps for t in truths], [t.reaches for t in truths]
    sizes = [r["n"] for r in rows]
    public = sum(r["source"].startswith(("qml.", "demo", "arXiv")) for r in rows)
    lines = [
        f"{len(rows)} circuits of {min(sizes)} to {max(sizes)} qubits, {public} from templates, demos and papers; "
        f"{sum(t.starts for t in truths)} descents of independent code",
        f"  of them {len(rows) - len(moved)} constant; with traps {traps.count(True)}, with a reach gap "
        f"{reach.count(False)}, outside the Wishart theory {sum(not r['in_theory'] for r in rows)}",
        *_confusion("traps", moved, traps),
        *_confusion("reach", moved, reach),
    ]
    wrong = [wrong_of(r) for r in rows]
    kinds = [r["evidence"] for r in rows]
    lines.append("  evidence: " + ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds)))
    for kind in (
        *("certified wrong", "below bound", "trainable is True above traps", "trainable is False and it trains"),
        "called constant",
    ):
        lines.append(_goal(kind, sum(kind in w for w in wrong)))
    high = sum(r["reach"] is True and t.reaches is False for r, t in zip(moved, truths, strict=True))
    lines.append(_goal("reaches_ground is True on one that ends higher", high))
    lines += [f"  trainable: {[r['trainable'] for r in rows].count(v)} {v}" for v in (True, False, None)]
    lines += _coverage(moved, truths) + _times(rows)
    lines += [
        f"  wrong: {r['name']}: {', '.join(w)}; {_numbers(r)}; {r['said']}"
        for r, w in zip(rows, wrong, strict=True)
        if w
    ]
    return lines


def _numbers(row: dict) -> str:
    truth = Truth.from_dict(row["truth"])
    said = "" if row["evidence"] == "constant" else f"said height {row['height']:.3f} gap {row['gap']:.3f}, "
    return f"{said}found {truth}"


def _coverage(rows: list[dict], truths: list[Truth]) -> list[str]:
    pairs = [(r["fraction"], t) for r, t in zip(rows, truths, strict=True) if r["evidence"] == "descents"]
    held = sum(low <= t.fraction <= high for (low, high), t in pairs)
    apart = sum(t.fraction_interval[1] < low or t.fraction_interval[0] > high for (low, high), t in pairs)
    share = held / max(len(pairs), 1)
    return [
        f"  interval of the fraction at the best holds what was found: {held}/{len(pairs)} = {share:.1%}   "
        f"goal ≥ 93%  {_met(share >= 0.93)}; apart from the found one's own interval: {apart}"
    ]


def _times(rows: list[dict]) -> list[str]:
    small = np.array([r["seconds"] for r in rows if r["n"] <= 10])
    share, most = float(np.mean(small <= 10)), float(small.max())
    lines = [
        f"  diagnose at n ≤ 10: median {np.median(small):.1f} s of processor; within 10 s {share:.1%}   goal ≥ 95%  "
        f"{_met(share >= 0.95)}; longest {most:.1f} s   goal ≤ 30 s  {_met(most <= 30)}"
    ]
    parts: dict[str, list[float]] = {}
    for row in rows:
        for name, seconds in row["parts"].items():
            parts.setdefault(name, []).append(seconds)
    for name, found in sorted(parts.items(), key=lambda item: -sum(item[1])):
        if sum(found) > 0.5:
            lines.append(f"    {name:<22} in all {sum(found):7.1f} s, longest {max(found):5.1f} s")
    slow = sorted((r for r in rows if r["seconds"] > 10), key=lambda r: -r["seconds"])
    for row in slow:
        where = sorted(row["parts"].items(), key=lambda item: -item[1])[:3]
        told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in where)
        lines.append(f"    slow: {row['name']} (n = {row['n']}) {row['seconds']:.1f} s  {told}")
    return lines


def figure(rows: list[dict], file: Path) -> None:
    """Draw heights of the median descent and reach gaps, predicted against found."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = {"certificate": "tab:green", "descents": "tab:blue", "law": "tab:orange", "none": "tab:grey"}
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
    moved = [(r, Truth.from_dict(r["truth"])) for r in rows if r["evidence"] != "constant"]
    for ax, key, title in zip(
        axes, ("height", "gap"), ("median end above the best", "best end above the ground"), strict=True
    ):
        for kind, colour in colours.items():
            pairs = [(getattr(t, key), r[key]) for r, t in moved if r["evidence"] == kind and np.isfinite(r[key])]
            if pairs:
                ax.scatter(*np.array(pairs).T, s=18, alpha=0.6, color=colour, label=f"{kind} ({len(pairs)})")
        ax.plot([0, 1], [0, 1], color="k", lw=0.6)
        for line in (ax.axvline, ax.axhline):
            line(TOLERANCE, color="k", lw=0.6, ls=":")
        ax.set(title=title, xlabel="found by independent descents", ylabel="said by pw.diagnose")
        ax.legend()
    fig.suptitle("parts of the way from the mean loss to the reachable optimum; dotted: tolerance")
    fig.savefig(file, dpi=110)
    plt.close(fig)
