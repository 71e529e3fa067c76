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
    """Turn checks into a verdict; a gradient that cannot be assessed means: cannot tell."""
    if any(c.fatal and c.passed is False for c in checks):
        return Verdict.NOT_TRAINABLE
    if any(c.fatal and c.passed is None for c in checks):
        return Verdict.CANNOT_TELL
    return Verdict.WARNING if any(c.passed is False for c in checks) else Verdict.TRAINABLE


def headline(checks: tuple[Check, ...]) -> str:
    """Return the verdict in one sentence with its reason."""
    verdict, failed = judge(checks), [c for c in checks if c.passed is False]
    if verdict is Verdict.NOT_TRAINABLE:
        return f"Not trainable: {next(c.failing for c in failed if c.fatal)}."
    if verdict is Verdict.CANNOT_TELL:
        # the sharpest question that is open: what stands later says more
        return f"Cannot tell: {[c.open for c in checks if c.fatal and c.passed is None][-1]}."
    if verdict is Verdict.WARNING:
        return "Trainable, with warnings: " + "; ".join(c.failing for c in failed) + "."
    return "Trainable: " + ", ".join(c.passing for c in checks if c.passing) + "."
