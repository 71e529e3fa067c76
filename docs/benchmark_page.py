"""Makes the page "Benchmarks" of the outputs of ``benchmarks/*.py`` that lie in ``docs/benchmarks/``."""

from __future__ import annotations

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
    "light_cones": ("A hundred qubits", "benchmarks/light_cones.py",
                    "Where descents of shallow circuits end, against depth, each term on its own light cone."),
    "gpu": ("On a GPU", "benchmarks/gpu.py", "Peer in the same run: lightning.qubit on one core."),
}  # fmt: skip

_HEAD = """Benchmarks
==========

Every figure below was printed by a script of ``benchmarks/`` and copied here as it was printed: nothing on
this page is typed by hand. A line says what was run, the figure, the goal that was set before, and whether it
was met; ratios compare with a peer in the same run on the same machine. The machine is named at the head of each
output. ``make bench`` runs short versions of all of them.
"""


def page(folder: Path) -> str:
    """Return the page: one section per output that exists, one line on those that do not."""
    found, missing = [], []
    for name, (title, script, what) in TOPICS.items():
        file = folder / f"{name}.txt"
        if not file.exists():
            missing.append(f"``{script}``")
            continue
        lines = file.read_text(encoding="utf-8").rstrip().splitlines()
        block = "\n".join(f"   {line.rstrip()}" for line in lines)
        head = f"{title}\n{'-' * len(title)}\n\n{what} From ``python {script}``:\n\n"
        picture = f".. image:: {name}.png\n   :alt: {title}\n\n" if (folder.parent / f"{name}.png").exists() else ""
        found.append(f"{head}{picture}.. code-block:: text\n\n{block}\n")
    parts = [_HEAD, *found]
    if missing:
        parts.append(f"No full run of {', '.join(missing)} is recorded here yet.\n")
    return "\n".join(parts)


def on_source_read(app, docname, source) -> None:
    """Sphinx's event: hand over the page's text."""
    if docname == "benchmarks":
        source[0] = page(Path(app.srcdir) / "benchmarks")
