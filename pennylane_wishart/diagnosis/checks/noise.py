"""Does noise leave the gradients?"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.conventions import diagnosis as sizes
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind

__all__ = ["CHECK"]


def _judge(case: Case) -> Check | None:
    noise = case.prediction.noise
    if noise is None:
        return None
    left = noise.total_ratio
    return Check(
        CheckId("noise"),
        "gradient variance that noise leaves",
        left,
        sizes.NOISE_LEAVES,
        bool(left >= sizes.NOISE_LEAVES) if np.isfinite(left) else None,
        "Noise takes most of the gradients: fewer gates or a shorter route to the observable, better readout, or error "
        "mitigation; the shots above are those with noise.",
        remark=True,
        wanted=f"at least {sizes.NOISE_LEAVES:g}",
        definition="Summed gradient variances with noise over those without, at this depth.",
        failing=f"noise leaves {left:.0%} of the gradients' variance",
        passing=f"noise leaves {left:.0%} of the gradients' variance",
        open="what noise leaves of the gradients is not known",
    )


CHECK = CheckKind(60, _judge)
