"""Which parameters cannot change the loss?"""

from __future__ import annotations

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind

__all__ = ["CHECK"]


def _judge(case: Case) -> Check:
    pred = case.prediction
    dead = len(pred.dead_parameters)
    return Check(
        CheckId("dead"),
        "dead parameters",
        dead,
        0,
        dead == 0,
        "Dead parameters and their gates can be deleted: the loss stays what it is at every angle "
        "(diag.remedies has the code).",
        remark=True,
        wanted="none",
        definition="Parameters whose gradient is zero at every angle at this depth: proved, or by an identity test.",
        failing=f"{dead} parameter{'s are' if dead != 1 else ' is'} dead and can be deleted",
        # a parameter of which only a bound is known may be dead all the same
        passing="no parameter is dead" if pred.moments.known.all() else "no parameter is proved dead",
    )


CHECK = CheckKind(30, _judge)
