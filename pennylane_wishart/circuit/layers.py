"""Torch layers and partials: some arguments of a call are their own. A layer is called with its input alone."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit.arguments import Arguments
from pennylane_wishart.circuit.checks import unwrap
from pennylane_wishart.errors import InputError, UnsupportedCircuitError, WishartWarning

__all__ = ["holds_arguments", "is_layer", "read_call"]


def is_layer(circuit: Any) -> bool:
    """Tell whether this is a layer that holds the weights of its QNode (``qml.qnn.TorchLayer``)."""
    return not isinstance(circuit, qml.QNode) and isinstance(getattr(circuit, "qnode_weights", None), dict)


def holds_arguments(circuit: Any) -> bool:
    """Tell whether a call of this names only some of the QNode's arguments: a layer, or a ``functools.partial``."""
    return isinstance(circuit, functools.partial) or is_layer(circuit)


def read_call(circuit: Any, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Any = None) -> Arguments:
    """Return the arguments of a call of a QNode or layer, split into parameters and data.

    A layer is called with its input alone, as in training: the weights that the call does not name are
    the layer's, and those that require a gradient are the parameters unless ``argnums`` says otherwise.
    """
    if isinstance(circuit, functools.partial):
        return read_call(circuit.func, (*circuit.args, *args), {**circuit.keywords, **kwargs}, argnums)
    if not is_layer(circuit):
        return Arguments.read(unwrap(circuit).func, args, kwargs, argnums)
    func, name = circuit.qnode.func, circuit.input_arg
    if len(args) == 1 and name not in kwargs:
        kwargs = {name: args[0], **kwargs}
        args = ()
    try:
        given = {*inspect.signature(func).bind_partial(*args, **kwargs).arguments, *kwargs}
    except TypeError as err:
        raise InputError(
            f"The layer cannot be called like this ({err}): pass its input, as to the layer itself."
        ) from err
    if name not in given:
        raise InputError(f"The layer needs its input: pass {name!r}, as to the layer itself.")
    if name in kwargs:
        kwargs = {**kwargs, name: _input(kwargs[name])}
    # what the call names itself is the caller's, as in the layer
    own = {k: _beside(w, kwargs.get(name)) for k, w in circuit.qnode_weights.items() if k not in given}
    return Arguments.read(func, args, {**kwargs, **own}, _parameters(circuit, argnums))


def _input(value: Any) -> Any:
    """The input as the layer sees it: a tensor, batches of batches as one batch."""
    import torch

    found = value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))
    return found.reshape(-1, found.shape[-1]) if found.ndim > 2 else found


def _beside(weight: Any, value: Any) -> Any:
    """The layer hands its weights to the QNode in the precision and on the device of its input."""
    return weight.to(value) if value is not None and value.is_floating_point() else weight


def _parameters(layer: Any, argnums: Any) -> Any:
    if argnums is not None:
        return argnums
    names = list(layer.qnode_weights)
    if not names:
        raise UnsupportedCircuitError("No trainable parameter: the layer holds no weights.")
    live = [k for k in names if layer.qnode_weights[k].requires_grad]
    if not live:
        warnings.warn(
            f"No weight of the layer requires a gradient: all are taken as parameters ({', '.join(names)}). "
            "Unfreeze those that will be trained, or pass argnums=.",
            WishartWarning,
            stacklevel=6,
        )
    return live or names
