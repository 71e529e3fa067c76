"""``qnode.wishart``: the inspection functions of a decorated QNode, looked up whenever they are read.

An inspector kept on the QNode would be copied along by ``copy.copy`` and by transforms, and speak of the
QNode copied from; ``qnode.update`` would lose it. So ``wishart`` belongs to the QNode's class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Generic, TypeVar

import pennylane as qml

from pennylane_wishart.circuit import RotationCircuit, normal_form
from pennylane_wishart.comparison import Comparison, compare
from pennylane_wishart.diagnosis import DiagnoseOptions, Diagnosis, diagnose, options_of
from pennylane_wishart.measurement import Measurement, MinimaMeasurement, Quote, find_minima, measure, quote
from pennylane_wishart.prediction import Prediction, predict
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.door import signature

__all__ = ["DIAGNOSED", "Inspector", "open_doors"]

_Result = TypeVar("_Result")
DIAGNOSED = "__wishart_diagnosed__"
"""Mark of a quantum function whose QNodes have ``wishart``."""
_READING = ("argnums", "output", "encoding")


class _Bound(Generic[_Result]):
    """An inspection function bound to the inspector's QNode, with those of its options that it takes."""

    def __init__(self, door: Callable[..., Any], *names: str):
        self._door, self._names = door, {*_READING, *names}

    def __get__(self, inspector: Inspector | None, owner: type) -> Any:
        if inspector is None:  # read from the class, by documentation
            return self
        options = {k: v for k, v in options_of(inspector._qnode).items() if k in self._names}
        found: Callable[..., _Result] = self._door(inspector._qnode, **options)
        return found


class Inspector:
    """What ``qnode.wishart`` is: the inspection functions, bound to one QNode and its options.

    Each takes the QNode's arguments and returns its record.
    """

    def __init__(self, qnode: Any):
        self._qnode = qnode

    normal_form = _Bound[RotationCircuit](normal_form)
    signature = _Bound[Signature](signature, "seed")
    predict = _Bound[Prediction](predict, "angles", "engine", "seed")
    measure = _Bound[Measurement](measure, "angles", "samples", "seed", "device", "progress", "executor", "store")
    find_minima = _Bound[MinimaMeasurement](find_minima, "angles", "seed", "device", "progress")
    quote = _Bound[Quote](quote, "samples", "device")
    diagnose = _Bound[Diagnosis](diagnose, *(f.name for f in fields(DiagnoseOptions)))

    def compare(self, *args: Any, **kwargs: Any) -> Comparison:
        """Return the Comparison of the prediction with a measurement."""
        return compare(self.predict(*args, **kwargs), self.measure(*args, **kwargs))


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
