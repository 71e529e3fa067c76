"""``qnode.wishart``: the inspection functions of a decorated QNode, looked up whenever they are read.

An inspector kept on the QNode would be copied along by ``copy.copy`` and by transforms, and speak of the
QNode copied from; ``qnode.update`` would lose it. So ``wishart`` belongs to the QNode's class.
"""

from __future__ import annotations

from typing import Any

import pennylane as qml

from pennylane_wishart.circuit import RotationCircuit, normal_form
from pennylane_wishart.comparison import Comparison, compare
from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.measurement import Measurement, MinimaMeasurement, Quote, find_minima, measure, quote
from pennylane_wishart.prediction import Prediction, predict
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.door import signature

__all__ = ["DIAGNOSED", "Inspector", "open_doors"]

DIAGNOSED = "__wishart_diagnosed__"
"""Mark of a quantum function whose QNodes have ``wishart``."""
_READING = ("argnums", "output", "encoding")


class Inspector:
    """What ``qnode.wishart`` is: the inspection functions, bound to one QNode and its options."""

    def __init__(self, qnode: Any):
        self._qnode = qnode

    def _options(self, *names: str) -> dict[str, Any]:
        options = options_of(self._qnode)
        return {k: v for k, v in options.items() if k in (*_READING, *names)}

    def normal_form(self, *args: Any, **kwargs: Any) -> RotationCircuit:
        """Return the RotationCircuit at these arguments."""
        found: RotationCircuit = normal_form(self._qnode, **self._options())(*args, **kwargs)
        return found

    def signature(self, *args: Any, **kwargs: Any) -> Signature:
        """Return the Signature at these arguments."""
        found: Signature = signature(self._qnode, **self._options("seed"))(*args, **kwargs)
        return found

    def predict(self, *args: Any, **kwargs: Any) -> Prediction:
        """Return the Prediction at these arguments."""
        found: Prediction = predict(self._qnode, **self._options("angles", "engine", "seed"))(*args, **kwargs)
        return found

    def measure(self, *args: Any, **kwargs: Any) -> Measurement:
        """Return the Measurement at these arguments."""
        names = ("angles", "samples", "seed", "device", "progress", "executor", "store")
        found: Measurement = measure(self._qnode, **self._options(*names))(*args, **kwargs)
        return found

    def find_minima(self, *args: Any, **kwargs: Any) -> MinimaMeasurement:
        """Return the MinimaMeasurement at these arguments."""
        names = ("angles", "seed", "device", "progress")
        found: MinimaMeasurement = find_minima(self._qnode, **self._options(*names))(*args, **kwargs)
        return found

    def quote(self, *args: Any, **kwargs: Any) -> Quote:
        """Return the Quote at these arguments."""
        found: Quote = quote(self._qnode, **self._options("samples", "device"))(*args, **kwargs)
        return found

    def compare(self, *args: Any, **kwargs: Any) -> Comparison:
        """Return the Comparison of the prediction with a measurement."""
        return compare(self.predict(*args, **kwargs), self.measure(*args, **kwargs))

    def diagnose(self, *args: Any, **kwargs: Any) -> Diagnosis:
        """Return the Diagnosis at these arguments."""
        return diagnose(self._qnode, **options_of(self._qnode))(*args, **kwargs)


class _Door:
    """``qnode.wishart``, for every QNode whose quantum function was marked by :func:`diagnosed`.

    A descriptor of the class, because an instance's own attribute is copied by ``copy.copy`` and by
    transforms, still bound to the first QNode, and lost by ``qnode.update``. QNodes that were not decorated
    have no such attribute, and one that somebody sets on a QNode goes before this.
    """

    def __get__(self, qnode: Any, owner: type | None = None) -> Any:
        if qnode is None:
            return self
        if not getattr(getattr(qnode, "func", None), DIAGNOSED, False):
            raise AttributeError(
                f"{type(qnode).__name__!r} object has no attribute 'wishart': decorate the QNode with diagnosed."
            )
        return Inspector(qnode)


def open_doors() -> None:
    """Put ``wishart`` on the classes that hold a quantum function; a layer holds its weights as well."""
    for cls in (qml.QNode, qml.qnn.TorchLayer):
        if not isinstance(vars(cls).get("wishart"), _Door):
            cls.wishart = _Door()
