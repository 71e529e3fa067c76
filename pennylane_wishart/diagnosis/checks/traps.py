"""Do descents of this circuit end where the best of them ends?"""

from __future__ import annotations

from pennylane_wishart.conventions import CheckId, Evidence, ReasonCode
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind
from pennylane_wishart.diagnosis.words import count, share
from pennylane_wishart.outlook import DescentOutlook

__all__ = ["CHECK"]


def _judge(case: Case) -> Check | None:
    found = case.descent
    if found is None:
        return None
    traps = found.has_traps
    limit = found.tolerance
    return Check(
        CheckId("traps"),
        "median descent above the best",
        found.trap_height,
        limit,
        None if traps is None else not traps,
        _advice(found),
        fatal=True,
        written=f"{share(found.trap_height)} of the scale",
        wanted=f"at most {share(limit)}",
        definition="(median end − best end) of descents from random angles, in units of the way from the mean loss to "
        "the reachable optimum; 0 where it is certified. Limit: argument tolerance= or minima_tolerance=.",
        failing=f"half of {count(len(found.ends), 'descent')} end {share(found.trap_height)} of the scale or more "
        f"above the best one (limit {share(limit)})",
        passing=_passing(found),
        open=_open(found),
    )


def _passing(found: DescentOutlook) -> str:
    if found.evidence is Evidence.CERTIFICATE:
        return "every descent ends at the reachable optimum (certified)"
    low, high = found.fraction_interval
    return (
        f"{found.hits} of {count(len(found.ends), 'descent')} reach the best end (a start does with probability "
        f"{low:.0%} to {high:.0%})"
    )


def _open(found: DescentOutlook) -> str:
    if found.evidence in (Evidence.NONE, Evidence.LAW):
        return f"where descents end was not assessed ({found.reason.rstrip('.')})"
    return f"{count(len(found.ends), 'descent')} do not decide whether half of them end in traps"


def _advice(found: DescentOutlook) -> str:
    if found.evidence in (Evidence.NONE, Evidence.LAW):
        larger = "Raise descent_budget=, or diagnose a smaller circuit of the family."
        return f"{found.reason} {larger}" if found.reason_code is ReasonCode.TOO_LARGE else found.reason
    if found.has_traps is None:
        return "More starts decide: raise starts= and descent_budget=."
    return (
        f"Keep the best of several starts: {found.fraction_at_best:.0%} of them reach the best end. diag.remedies says "
        "which changes of the circuit help."
    )


CHECK = CheckKind(40, _judge)
