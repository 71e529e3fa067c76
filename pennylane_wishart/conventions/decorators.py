"""How far the stack is searched for who called a decorated QNode, with the reason."""

from __future__ import annotations

CALL_FRAMES = 60
"""Frames up to the QNode's own call: PennyLane's path from there to the quantum function, with what an interface
adds, and a bound for calls that come from elsewhere."""
ABOVE_FRAMES = 12
"""Frames from ``construct_tape`` up to ``_impl_call``, where it is a call that constructs: two or three of them."""
