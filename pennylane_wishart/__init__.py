"""Will this QNode train, how well, and why?

Lie-algebraic signatures of PennyLane QNodes, predicted laws of losses, gradients and local
minima, and measurements on any device to hold against them.
"""

import difflib
import importlib
import logging
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pennylane_wishart.public import *  # noqa: F403

__version__ = "0.2.0"
_ROOMS = frozenset(m.name for m in pkgutil.iter_modules(__path__))  # noqa: F405
_SHOWN = ("algebra", "ensembles", "minima", "plots", "__version__")
"""What ``dir`` lists beside the public names: rooms with doors of their own."""


def __getattr__(name: str) -> Any:
    # PennyLane, scipy and stim take seconds to import: they come with the first name that is asked for
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name != "__all__" and name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    public = importlib.import_module(f"{__name__}.public")
    if not hasattr(public, name):
        near = difflib.get_close_matches(name, public.__all__, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    globals()[name] = found = getattr(public, name)
    return found


def __dir__() -> list[str]:
    return sorted({*__getattr__("__all__"), *_SHOWN})


logging.getLogger(__name__).addHandler(logging.NullHandler())
