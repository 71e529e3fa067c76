"""Levels that a reader of a verdict sees: each stands here once, and sentences are formatted from it."""

from __future__ import annotations

__all__ = ["DEEP", "FALSE_ALARM", "SHOTS", "TRAP_TOLERANCE"]

DEEP = 0.05
"""A variance is that of the deep limit where it lies within this fraction of it: a tenth of what an angle's
law does to it, and well above what exact engines lose."""
FALSE_ALARM = 1e-3
"""Of one comparison on an ideal device: a user with a handful of circuits should never meet one."""
SHOTS = 1000.0
"""Per gradient component: what hardware gives for one circuit without a second thought."""
TRAP_TOLERANCE = 0.1
"""Of the way from the optimum to the mean loss: what most figures in the field cannot show."""
