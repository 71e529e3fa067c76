"""Makes the page "Benchmarks" of the outputs of ``benchmarks/*.py`` that lie in ``docs/benchmarks/``."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

TOPICS = {
    "signature": ("Signatures", "benchmarks/signature.py",
                  "Lie algebras and sectors. Peers in the same run: qml.lie_closure and fastdla."),
    "laws": ("Laws of loss and gradient", "benchmarks/laws.py",
             "Predicted laws against measured samples, and against the published asymptotic laws."),
    "minima": ("Local minima", "benchmarks/minima.py",
               "The Kac–Rice law against distinct minima found by descent, and the published law."),
    "verdicts": ("Verdicts", "benchmarks/verdicts.py",
                 "What diagnose says of traps and reach, against descents of independent code on a zoo of circuits."),
    "depth": ("Second moments at finite depth", "benchmarks/depth.py",
              "Walkers and exact engines. Peers in the same run: gradients measured on lightning.qubit, and stim."),
    "false_alarms": ("False alarms and coverage", "benchmarks/false_alarms.py",
                     "Every comparison on ideal devices at few shots and few samples; intervals and power."),
    "speed": ("Seconds and memory", "benchmarks/speed.py",
              "Circuits that nobody tuned to, each in a process of its own, beside the goals that were set for them."),
    "noise": ("Noise", "benchmarks/noise.py",
              "Variances under noise: against density matrices, against what plugins compile and run, fits."),
    "scaling": ("Scaling studies", "benchmarks/scaling.py", "Families whose scaling is known, judged."),
    "measure": ("Measuring", "benchmarks/measure.py",
                "Gradients per second. Peer in the same run: a qml.grad loop on lightning.qubit."),
    "device_matrix": ("Devices", "benchmarks/device_matrix.py", "The same measurement on every device that is found."),
    "lie_device": ("The device wishart.lie", "benchmarks/lie_device.py",
                   "Peer in the same run: lightning.qubit at 20 qubits."),
    "remedies": ("Remedies", "benchmarks/remedies.py",
                 "The first remedy that is shown for circuits in trouble, judged by descents of independent code."),
    "peers": ("Beside a peer", "benchmarks/peers.py",
              "Traps on circuits of the zoo: misses, false alarms and time of qmlkit's landscape and ours."),
    "light_cones": ("A hundred qubits", "benchmarks/light_cones.py",
                    "Where descents of shallow circuits end, against depth, each term on its own light cone."),
    "second": ("Second derivatives, kernels, initial angles", "benchmarks/second.py",
               "Predicted against finite differences and samples."),
    "second_b": ("Simulability, expressibility, causes of a plateau", "benchmarks/second.py 4 5 6 7",
                 "Planted causes, published expressibilities, truncated propagation, trained starts."),
    "costs": ("Outputs and costs", "benchmarks/costs.py", "Several outputs, and costs made of QNodes: causes found."),
    "real_circuits": ("Real circuits", "benchmarks/real_circuits.py", "Circuits of papers and templates, end to end."),
    "gpu": ("On a GPU", "benchmarks/gpu.py", "Peer in the same run: lightning.qubit on one core."),
}  # fmt: skip

_HEAD = """Benchmarks
==========

Every figure below was printed by a script of ``benchmarks/``: tables and pictures are made of its output, which stands
whole under each of them, and nothing on this page is typed by hand. A goal was set before the run; ratios compare
with a peer in the same run on the same machine, which is named at the head of each output. ``make bench`` runs short
versions of all of them.

"""
_GOAL = re.compile(
    r"^\s*(?P<what>\S.*?)(?:\s+|, | \()goal:? +(?P<goal>.*?)[:)\s]\s*(?P<met>met|not met)\b", re.IGNORECASE
)
_TABLE = ".. list-table::\n   :header-rows: 1\n   :widths: {}\n\n"


def page(folder: Path) -> str:
    """Return the page: a line a topic, then one section per output that exists, and those that do not."""
    found, missing, glance = [], [], [("topic", "goals met", "not met")]
    for name, (title, script, what) in TOPICS.items():
        file = folder / f"{name}.txt"
        if not file.exists():
            missing.append(f"``{script}``")
            continue
        text = file.read_text(encoding="utf-8").rstrip()
        lines = text.splitlines()
        rows = [row for line in lines if (row := _row(line))]
        # a line that says so without a goal of its own counts as well: nothing that failed is left out
        failed = sum("NOT MET" in line.upper() and not re.search(r"\b0 not met", line, re.I) for line in lines)
        met = sum(row[-1] == "met" for row in rows)
        counts = (str(met), f"**{failed}**" if failed else "0") if rows or failed else ("–", "–")
        glance.append((f":ref:`{title} <bench-{name}>`", *counts))
        picture = f".. image:: {name}.png\n   :alt: {title}\n\n" if (folder.parent / f"{name}.png").exists() else ""
        table = _list("50 22 18 10", [("what", "figure", "goal", "result"), *map(_escaped, rows)]) if rows else ""
        found.append(
            f".. _bench-{name}:\n\n{title}\n{'-' * len(title)}\n\n{what} From ``python {script}``.\n\n{picture}{table}"
            f".. dropdown:: The whole output\n\n   .. code-block:: text\n\n{textwrap.indent(text, ' ' * 6)}\n"
        )
    parts = [_HEAD, _list("60 20 20", glance), *found]
    if missing:
        parts.append(f"No full run of {', '.join(missing)} is recorded here yet.\n")
    return "\n".join(parts)


def _row(line: str) -> tuple[str, str, str, str] | None:
    """What was measured, the figure, its goal, and whether it was met; None for a line without a goal."""
    found = _GOAL.match(line)
    if not found:
        return None
    # the figure is the last column; where there is no gap before it, the last word
    columns = re.split(r"\s{2,}", found["what"])
    if columns[1:]:
        what, figure = ", ".join(columns[:-1]), columns[-1]
    else:
        last = re.fullmatch(r"(.*?)\s((?:[\d,]+ of )?\S+)", columns[0])
        what, figure = last.groups() if last else ("", columns[0])
    return what.rstrip(" =:"), figure, found["goal"], "met" if found["met"] == "met" else "NOT MET"


def _escaped(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"([*|`_\\])", r"\\\1", cell) for cell in row)


def _list(widths: str, rows: Sequence[tuple[str, ...]]) -> str:
    lines = ("\n".join(f"   {'  ' if i else '* '}- {cell}" for i, cell in enumerate(row)) for row in rows)
    return _TABLE.format(widths) + "\n".join(lines) + "\n\n"


def on_source_read(app, docname, source) -> None:
    """Sphinx's event: hand over the page's text."""
    if docname == "benchmarks":
        source[0] = page(Path(app.srcdir) / "benchmarks")
