"""How the loss variance approaches the deep limit."""

from __future__ import annotations

from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.conventions import levels
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count
from pennylane_wishart.report import Figure, Section, Sentence

__all__ = ["depth_section"]


def depth_section(diag: Findings) -> Section | None:
    """How the loss variance approaches the deep limit as the circuit grows; None where that was not found."""
    curve = diag.depth
    if curve is None:
        return None
    near = f"within {levels.DEEP:.0%} of its deep limit"
    total, limit = curve.rotations[-1], curve.deep_limit
    if not np.isfinite(limit):
        text = "The deep limit of this circuit is not known; the curve shows where its variance stands."
    elif np.isnan(curve.log2_variance[-1]):
        text = "Of this circuit's loss variance only a bound is known: how deep it is cannot be told."
    elif curve.reached is None:
        text = f"{count(total, 'rotation')} are not enough: the loss variance has not come {near}."
    elif curve.reached == total:
        text = f"The loss variance comes {near} with the last of the {total} rotations."
    else:
        text = f"From {curve.reached} of {total} rotations on, the loss variance stays {near}."
    said = Sentence(text, "Loss variance of the circuit's last j rotations, the others at angle zero; j is sampled at "
                    f"{len(curve.rotations)} values.", "THEORY §3, §4; the cut circuit is ours")  # fmt: skip
    figure = Figure(
        partial(plots.plot_depth, curve.rotations, curve.log2_variance, limit),
        "Loss variance in bits as rotations are added, counted from the observable; dashed: the deep limit.",
    )
    return Section("Depth", (said,), (), (figure,))
