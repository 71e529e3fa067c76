"""Judging: one file a check, which owns its id, limit, sentences and advice. Each is found by its ``CHECK``."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind, Side, Thresholds, Verdict

__all__ = ["Case", "Check", "CheckKind", "Side", "Thresholds", "Verdict", "headline", "judge", "run_checks"]


@cache
def _kinds() -> tuple[CheckKind, ...]:
    modules = [import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return tuple(sorted((m.CHECK for m in modules if hasattr(m, "CHECK")), key=lambda kind: kind.place))


def run_checks(case: Case) -> tuple[Check, ...]:
    """Judge a diagnosis by every check that applies to it."""
    found = (kind.judge(case) for kind in _kinds())
    return tuple(check for check in found if check is not None)


def judge(checks: tuple[Check, ...]) -> Verdict:
    """Turn checks into a verdict; what may not fail and was not assessed means: cannot tell."""
    if any(c.fatal and c.passed is False for c in checks):
        return Verdict.NOT_TRAINABLE
    if any(c.fatal and c.passed is None for c in checks):
        return Verdict.CANNOT_TELL
    warned = any(c.passed is False and not c.remark for c in checks)
    return Verdict.WARNING if warned else Verdict.TRAINABLE


def headline(checks: tuple[Check, ...]) -> str:
    """Return the verdict in one sentence with its reason; what was not assessed is said in it."""
    verdict = judge(checks)
    failed = [c.failing for c in checks if c.passed is False and not c.remark]
    fatal = [c.failing for c in checks if c.passed is False and c.fatal]
    open_ = [c.open for c in checks if c.passed is None and c.fatal and c.open]
    passing = [c.passing for c in checks if c.passed and c.passing and not c.remark]
    beside = [_said(c) for c in checks if c.remark and _said(c)]
    if verdict is Verdict.NOT_TRAINABLE:
        first, rest = f"Not trainable: {fatal[0]}", [*fatal[1:], *beside]
    elif verdict is Verdict.CANNOT_TELL:
        # the sharpest question that is open: what stands later says more
        first, rest = f"Cannot tell: {open_[-1]}", [*passing, *beside]
    elif verdict is Verdict.WARNING:
        first, rest = "Trainable, with warnings: " + "; ".join(failed), [*passing, *beside]
    else:
        first, rest = "Trainable: " + ", ".join(passing), beside
    return "; ".join([first, *rest]) + "."


def _said(check: Check) -> str:
    """What a remark adds to the verdict."""
    return {True: check.passing, False: check.failing, None: check.open}[check.passed]
