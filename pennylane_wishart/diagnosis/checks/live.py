"""Is there a gradient at all?"""

from __future__ import annotations

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind

__all__ = ["CHECK"]


def _judge(case: Case) -> Check:
    pred = case.prediction
    live = pred.live_parameters
    known = int(pred.moments.known[live].sum())
    # parameters of which only a bound is known may be alive or not
    alive = True if known else None if len(live) else False
    dead = (
        "Every gradient is exactly zero: the observable does not see the parameters. Only another observable, other "
        "gates or another input can change that."
    )
    bounded = (
        "No gradient variance is known, only bounds on them: a smaller or shallower circuit of the family can be "
        "computed exactly."
    )
    return Check(
        CheckId("live"),
        "live parameters",
        known,
        1,
        alive,
        bounded if len(live) else dead,
        fatal=True,
        wanted="at least 1",
        definition="Parameters with a known gradient variance that is not zero.",
        failing="every parameter is dead, all gradients are exactly zero",
        open="no engine gives the gradients of this circuit at this depth",
    )


CHECK = CheckKind(10, _judge)
