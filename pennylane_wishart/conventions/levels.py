"""Levels that a reader of a verdict sees: each stands here once, and sentences are formatted from it."""

from __future__ import annotations

__all__ = [
    "DEEP",
    "ENOUGH_POWER",
    "FALSE_ALARM",
    "INTERVAL",
    "NORMAL_REACH",
    "POWER_SPREAD",
    "RARE_EVENTS",
    "SHOTS",
    "TRAP_TOLERANCE",
    "UPPER_LIMIT",
]

DEEP = 0.05
"""A variance is that of the deep limit where it lies within this fraction of it: a tenth of what an angle's
law does to it, and well above what exact engines lose."""
FALSE_ALARM = 1e-3
"""Of one comparison on an ideal device: a user with a handful of circuits should never meet one."""
SHOTS = 1000.0
"""Per gradient component: what hardware gives for one circuit without a second thought."""
RARE_EVENTS = 0.5
"""Events that a run must expect: with fewer, most runs see none, whatever ratios of variances say."""
TRAP_TOLERANCE = 0.1
"""Of the way from the optimum to the mean loss: what most figures in the field cannot show."""
INTERVAL = 0.95
"""Coverage of every interval that is shown: the field's habit, so that nobody has to ask which."""
UPPER_LIMIT = 0.975
"""Confidence of a one-sided limit: the upper end of such an interval."""
NORMAL_REACH = 1.96
"""Standard errors that such an interval reaches to either side where an estimate is normal."""
POWER_SPREAD = 1.25
"""Power is the chance to notice a standard deviation larger by this factor: what a reader would call different."""
ENOUGH_POWER = 0.8
"""With less of a chance to notice that, agreement says little: the habit of planning experiments."""
