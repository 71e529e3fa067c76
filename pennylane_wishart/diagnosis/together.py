"""Several outputs of one QNode, judged together: each check by the output that does worst at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.diagnosis.checks.kinds import Check
from pennylane_wishart.diagnosis.findings import Findings

__all__ = ["judged_together"]

_LIVE, _DEAD = CheckId("live"), CheckId("dead")


def judged_together(outputs: Sequence[Findings]) -> tuple[Check, ...]:
    """Return the checks of all outputs as one set.

    Parameters count as dead where they are dead in all. Every other check is that of the output that does
    worst at it, among those that move at all; where others pass it, failing is a warning and not fatal.
    """
    moving = [o for o in outputs if len(o.prediction.live_parameters)] or list(outputs)
    first = {check.id: check for check in reversed([c for o in moving for c in o.checks])}
    order = sorted(first, key=lambda i: [c.id for o in moving for c in o.checks].index(i))
    special = {_LIVE: _live, _DEAD: _dead}
    return tuple(
        special[i](first[i], outputs)
        if i in special
        else _worst([(o.name, c) for o in moving for c in o.checks if c.id == i])
        for i in order
    )


def _live(check: Check, outputs: Sequence[Findings]) -> Check:
    known = np.any([o.prediction.moments.known & ~o.prediction.moments.dead for o in outputs], axis=0)
    anywhere = any(len(o.prediction.live_parameters) for o in outputs)
    passed = True if known.any() else None if anywhere else False
    return replace(
        check,
        value=float(known.sum()),
        passed=passed,
        definition="Parameters with a known gradient variance that is not zero in some output.",
        failing="every parameter is dead in every output, all gradients are exactly zero",
    )


def _dead(check: Check, outputs: Sequence[Findings]) -> Check:
    lists = [set(o.prediction.dead_parameters) for o in outputs]
    everywhere, somewhere = len(set.intersection(*lists)), len(set.union(*lists))
    n = len(outputs)
    still = sum(not len(o.prediction.live_parameters) for o in outputs)
    more = " more" if everywhere else ""
    beside = f", {somewhere - everywhere}{more} in some of them only" if somewhere > everywhere else ""
    beside += f"; {still} of the outputs never move" if 0 < still < n else ""
    are = f"{everywhere} parameter{'s are' if everywhere != 1 else ' is'}"
    return replace(
        check,
        name="parameters dead in all outputs",
        value=float(everywhere),
        passed=everywhere == 0,
        definition=f"Parameters whose gradient is zero at every angle in each of the {n} outputs, proved.{beside}",
        failing=f"{are} dead in all {n} outputs and can be deleted{beside}",
        passing=f"no parameter is dead in all {n} outputs{beside}",
    )


def _worst(found: list[tuple[str, Check]]) -> Check:
    """The check of the output that does worst; failing what others pass is a warning."""
    rank = {False: 0, None: 1, True: 2}
    name, check = min(found, key=lambda item: (rank[item[1].passed], -abs(item[1].value)))
    passed = [c.passed for _, c in found]
    said = {key: f"{name}: {getattr(check, key)}" for key in ("failing", "open") if getattr(check, key)}
    if check.passed and check.passing:
        alike = {c.passing for _, c in found} == {check.passing}
        said["passing"] = f"in every output {check.passing}" if alike else f"{check.passing} ({name}, the worst)"
    return replace(check, **said, fatal=check.fatal and not (check.passed is False and any(p for p in passed)))  # type: ignore[arg-type]  # words only
