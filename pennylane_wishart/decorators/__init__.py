"""``diagnosed`` and ``preflight``: decorators of QNodes, and the inspector that they add."""

from pennylane_wishart.decorators.decorate import diagnosed, preflight
from pennylane_wishart.decorators.inspector import Inspector

__all__ = ["Inspector", "diagnosed", "preflight"]
