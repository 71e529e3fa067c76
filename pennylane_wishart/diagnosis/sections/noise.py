"""What noise does to the gradients, beside the same circuit without it."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import indices, number
from pennylane_wishart.prediction import NoiseEffect
from pennylane_wishart.report import Row, Section, Sentence

__all__ = ["noise_section"]


def noise_section(diag: Findings) -> Section | None:
    """What noise leaves of the variances, the depth at which it has taken half, and what it kills or revives."""
    noise, circuit = diag.prediction.noise, diag.prediction.circuit
    if noise is None:
        return None
    kinds = ", ".join(f"{count} × {name}" for name, count in noise.kinds.items())
    said = [
        Sentence(
            f"All numbers above are with noise ({kinds}), which leaves {noise.total_ratio:.0%} of the summed gradient "
            "variances. The signature is that of the circuit without it.",
            "Second moments by the channels' Pauli transfer matrices, at this depth.",
            "THEORY §4b",
        )
    ]
    if noise.killed:
        text = f"Noise kills {indices(circuit, list(noise.killed))}."
        said.append(Sentence(text, "Alive without noise, proved dead with it.", "THEORY §4b"))
    if noise.revived:
        text = f"Noise brings {indices(circuit, list(noise.revived))} to life."
        said.append(Sentence(text, "Dead without noise, which keeps apart what would cancel.", "THEORY §4b"))
    return Section("Noise", tuple(said), tuple(_rows(noise)))


def _rows(noise: NoiseEffect) -> list[Row]:
    method = str(noise.noisy.engine)
    finite = noise.ratio[np.isfinite(noise.ratio)]
    rows = [
        Row(
            "loss variance, with noise over without",
            number(noise.loss_ratio),
            "Over random angles.",
            method,
            "THEORY §4b",
        ),
        Row("shift of the mean loss", number(noise.mean_shift), "In the observable's units.", method, "THEORY §4b"),
    ]
    if len(finite):
        span = f"{number(float(finite.min()))} to {number(float(finite.max()))}"
        rows.insert(0, Row("gradient variances, with noise over without", span,
                           "Least and most of all parameters.", method, "THEORY §4b"))  # fmt: skip
    if noise.compiled_ratios:
        span = f"{number(min(noise.compiled_ratios))} to {number(max(noise.compiled_ratios))}"
        text = "Summed, with noise over without; the compiler is not pinned, and the median program is read."
        rows.append(Row(f"over {len(noise.compiled_ratios)} compilations", span, text, method, "THEORY §4b"))
    if noise.depth is not None and np.isfinite(noise.depth.rate):
        rate, own = noise.depth.rate, noise.depth.own_rate
        text = f"Over the deeper half; the circuit itself loses {number(-own)}."
        name = "bits of the loss variance that noise takes a rotation"
        rows.append(Row(name, number(-rate), text, "line", "THEORY §4b"))
    if noise.depth is not None and np.isfinite(noise.depth.half):
        rows.append(Row("rotations after which noise has taken half", number(noise.depth.half),
                        "Counted from the observable.", "interpolated", "THEORY §4b"))  # fmt: skip
    return rows
