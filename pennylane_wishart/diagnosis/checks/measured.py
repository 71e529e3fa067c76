"""Does what was measured agree with what was predicted?"""

from __future__ import annotations

import math

from pennylane_wishart.conventions import CheckId, levels
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind

__all__ = ["CHECK"]


def _judge(case: Case) -> Check | None:
    if case.comparison is None:
        return None
    agrees = case.comparison.agrees
    return Check(
        CheckId("measured"),
        "measurement agrees with prediction",
        math.nan if agrees is None else float(agrees),
        1.0,
        agrees,
        "On an ideal device a disagreement points to a bug in the circuit or in this tool; on hardware it measures "
        "the noise.",
        wanted="agreement",
        definition=f"Whether no compared quantity is rejected at a false-alarm rate of {levels.FALSE_ALARM:g} each.",
        failing="the measurement disagrees with the prediction",
        shown={True: "yes", False: "NO", None: "not assessed"}[agrees],
    )


CHECK = CheckKind(50, _judge)
