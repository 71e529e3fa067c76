"""Which QNode arguments are trainable, and how to write flat parameters back into them."""

from __future__ import annotations

import functools
import inspect
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit.call import Call
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.showing import Shown, short
from pennylane_wishart.errors import InputError, UnsupportedCircuitError, WishartWarning

__all__ = ["Arguments", "Slot", "as_array"]

Slot = int | str
"""Position, or name of a keyword, of an argument."""
Context = Callable[[], AbstractContextManager[Any]]

_logger = logging.getLogger("pennylane_wishart")


def _is_float(value: Any) -> bool:
    # numpy would make numbers of these
    if isinstance(value, (bool, str)) or value is None or callable(value):
        return False
    if hasattr(value, "shape") and qml.math.get_interface(value) == "jax" and _is_tracer(value):
        raise InputError(
            "An argument is a tracer of jax (inside jit, grad or vmap), which has no value to read the circuit at: "
            "call this function outside, with arrays."
        )
    try:
        kind = _plain(value)
    except (TypeError, ValueError, RuntimeError, AttributeError, ImportError):  # ragged lists, objects of the user's
        _logger.debug("An argument of type %s is no float array", type(value).__name__, exc_info=True)
        return False
    return kind.dtype.kind == "f" and kind.size > 0


def _sort(value: Any) -> str:
    """What keeps an argument from being trained, as a clause."""
    if _is_float(value):
        return "is marked as data"
    dtype = getattr(value, "dtype", None)
    if dtype is None and not isinstance(value, (list, tuple, int)):
        return "is None" if value is None else f"is a {type(value).__name__}"
    if np.size(value) == 0:
        return "is empty"
    kind = np.asarray(value).dtype.kind if dtype is None else np.dtype(str(dtype).rpartition(".")[2]).kind
    return {"i": "holds integers", "b": "holds truth values", "c": "holds complex numbers"}.get(
        kind, "holds no numbers"
    )


def _plain(value: Any) -> np.ndarray:
    if hasattr(value, "shape") and qml.math.get_interface(value) != "jax":
        value = qml.math.toarray(value)  # for jax numpy is enough, and PennyLane's way there warns with jax 0.10
    return np.asarray(value)


def as_array(value: Any) -> np.ndarray:
    """Return the float64 values of an array of any interface."""
    if qml.math.get_interface(value) == "torch":
        value = value.detach().cpu().numpy()
    return np.asarray(_plain(value), dtype=float)


def _written(value: Any) -> str:
    """Say which value a fixed argument has, for the verdict holds for it: its numbers, or the first of many."""
    if not _is_float(value):
        return short(value)
    found = as_array(value)
    if found.ndim == 0:
        return short(found.item())
    first = found.reshape(-1)[: limits.WRITTEN_NUMBERS]
    numbers = ", ".join(f"{v:.4g}" for v in first)
    if found.size > len(first):
        numbers += ", …"
    return f"({numbers})" if found.ndim == 1 else f"({numbers}) of shape {found.shape}"


def _like(values: np.ndarray, template: Any, native: bool) -> Any:
    """Return ``values`` in the interface of ``template``; plain numpy for autograd unless native."""
    interface = qml.math.get_interface(template)
    if interface == "torch":
        import torch

        return torch.tensor(values, dtype=template.dtype, requires_grad=template.requires_grad)
    if interface == "jax":
        import jax.numpy as jnp

        return jnp.asarray(values, dtype=jnp.result_type(float))
    if interface == "autograd" and native:
        return qml.numpy.array(values, requires_grad=True)
    return float(values) if np.ndim(template) == 0 else np.array(values)


@dataclass(frozen=True, eq=False)
class Arguments(Shown):
    """The call ``qnode(*args, **kwargs)`` split into trainable parameters and data."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    slots: tuple[Slot, ...]
    """Position (int) or keyword name (str) of each trainable argument."""
    shapes: tuple[tuple[int, ...], ...]
    data_slots: tuple[Slot, ...]
    """Slots of the float arguments that are data."""
    interface: str
    call: Call | None = None
    """Their names; None where nothing has a name (a tape)."""

    @classmethod
    def read(
        cls, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Any = None
    ) -> Arguments:
        """Decide what is trainable: ``argnums``, else PennyLane's rule for the interface."""
        args, kwargs = _positional(func, args, kwargs)
        slots: list[Slot] = [*range(len(args)), *kwargs]
        values: dict[Slot, Any] = dict(zip(slots, (*args, *kwargs.values()), strict=True))
        floats = [s for s in slots if _is_float(values[s])]
        for s in floats:
            if not np.all(np.isfinite(as_array(values[s]))):
                raise InputError(f"Argument {_name(func, s)!r} holds NaN or infinite values: give finite numbers.")
        # the rule for what is trainable differs between interfaces
        interface = _interface(values.values())
        # what is trainable decides what is data: the rest of the floats
        chosen = _trainable(func, values, floats, argnums, interface)
        if not chosen:
            came = ", ".join(f"{_name(func, s)} {_sort(values[s])}" for s in slots) or "the call has no arguments"
            raise UnsupportedCircuitError(
                f"No trainable parameter: {came}. Pass the parameters as arguments (not as closures), as arrays of "
                "floats, marked requires_grad=True or named by argnums=."
            )
        shapes = tuple(as_array(values[s]).shape for s in chosen)
        data = tuple(s for s in floats if s not in chosen)
        names = {s: _name(func, s) for s in slots}
        fixed = tuple((names[s], _written(values[s])) for s in slots if s not in chosen)
        call = Call(tuple((names[s], shape) for s, shape in zip(chosen, shapes, strict=True)), fixed)
        return cls(args, kwargs, tuple(chosen), shapes, data, interface, call)

    def _get(self, slot: Slot) -> Any:
        return self.args[slot] if isinstance(slot, int) else self.kwargs[slot]

    @property
    def named(self) -> str:
        """Names of the trainable arguments, for a message."""
        return ", ".join(map(str, self.slots) if self.call is None else (name for name, _ in self.call.trained))

    @property
    def trained(self) -> tuple[Any, ...]:
        """The trainable arguments as they came."""
        return tuple(self._get(slot) for slot in self.slots)

    @property
    def values(self) -> np.ndarray:
        """Trainable values, flat float64."""
        return self.flatten(self.slots)

    def flatten(self, slots: Sequence[Slot]) -> np.ndarray:
        """Return the values of some slots, flat float64."""
        parts = [as_array(self._get(s)).reshape(-1) for s in slots]
        return np.concatenate(parts) if parts else np.zeros(0)

    def rebuild(
        self, flat: np.ndarray, slots: Sequence[Slot] | None = None, native: bool = False
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return ``(args, kwargs)`` with the values of ``slots`` replaced.

        Autograd's tensors are slow to index, so plain arrays stand for them unless ``native``.
        """
        slots = self.slots if slots is None else slots
        args, kwargs = list(self.args), dict(self.kwargs)
        at = 0
        for s in slots:
            old = self._get(s)
            shape = as_array(old).shape
            size = int(np.prod(shape, dtype=int))
            # each argument keeps its shape and interface, so that the function sees what it is used to
            new = _like(flat[at : at + size].reshape(shape), old, native)
            at += size
            if isinstance(s, int):
                args[s] = new
            else:
                kwargs[s] = new
        return tuple(args), kwargs

    def doubled(self) -> tuple[Arguments, Context]:
        """Return the call with jax and torch floats in double precision, and the maker of a context for it.

        Slopes read in single precision are off by 1e-8: 2.00000004 has no period near that of 2.
        """
        slots = self.slots + self.data_slots
        interfaces = {qml.math.get_interface(self._get(s)) for s in slots}
        if not interfaces & {"jax", "torch"}:
            return self, nullcontext
        context: Context = nullcontext
        if "jax" in interfaces:
            context = _jax_double_precision()
        args, kwargs = list(self.args), dict(self.kwargs)
        with context():
            for s in slots:
                old = self._get(s)
                interface = qml.math.get_interface(old)
                if interface == "torch":
                    new = old.detach().double().requires_grad_(old.requires_grad)
                else:
                    new = _like(as_array(old), old, native=True) if interface == "jax" else old
                if isinstance(s, int):
                    args[s] = new
                else:
                    kwargs[s] = new
        return replace(self, args=tuple(args), kwargs=kwargs), context

    def point(self, at: Any) -> np.ndarray:
        """Return flat values ``(n_params,)`` of other trainable arguments: flat, in their shape, or one each.

        Raises:
            InputError: if their shapes are not those of the call, or they are not finite.
        """
        several = isinstance(at, (tuple, list)) and len(at) == len(self.shapes) > 1
        try:
            parts = [as_array(part) for part in (at if several else (at,))]
        except (TypeError, ValueError):
            raise InputError(f"at= takes the trainable arguments, arrays of numbers; got {short(at)}.") from None
        wanted = self.shapes if several else ((len(self.values),), *self.shapes[: len(self.shapes) == 1])
        found = tuple(part.shape for part in parts)
        if found != wanted if several else found[0] not in wanted:
            raise InputError(
                f"at= has shape{'s' if several else ''} {', '.join(map(str, found))}: give the trainable arguments, "
                f"{', '.join(map(str, self.shapes))}, or their {len(self.values)} values in one row."
            )
        flat = np.concatenate([part.reshape(-1) for part in parts])
        if not np.all(np.isfinite(flat)):
            raise InputError("at= holds NaN or infinite values: give finite numbers.")
        return flat

    def same_data(self, other: Arguments) -> bool:
        """Tell whether the data arguments of two calls are equal."""
        mine, theirs = self.flatten(self.data_slots), other.flatten(self.data_slots)
        return mine.shape == theirs.shape and np.allclose(mine, theirs, atol=limits.SAME_DATA)


def _jax_double_precision() -> Context:
    """Return the maker of jax's context for double precision.

    ``jax.enable_x64`` takes the new value and came with jax 0.8; until jax 0.9 there was
    ``jax.experimental.enable_x64``, whose value may be left out.
    """
    import jax

    if hasattr(jax, "enable_x64"):
        return functools.partial(jax.enable_x64, True)
    from jax.experimental import enable_x64

    return functools.partial(enable_x64, True)


def _is_tracer(value: Any) -> bool:
    import jax

    return isinstance(value, jax.core.Tracer)


def _name(func: Callable[..., Any], slot: Slot) -> str:
    if isinstance(slot, str):
        return slot
    try:
        return str(list(inspect.signature(func).parameters)[slot])
    except (ValueError, TypeError, IndexError):
        return f"argument {slot}"


def _positional(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Move keyword arguments that have a position into ``args``."""
    try:
        bound = inspect.signature(func).bind(*args, **kwargs)
    except ValueError:
        return args, kwargs
    except TypeError as err:
        raise InputError(
            f"The QNode cannot be called like this ({err}): pass to the inspection function the same "
            "arguments as to the QNode."
        ) from err
    return tuple(bound.args), dict(bound.kwargs)


def _interface(values: Any) -> str:
    found = {qml.math.get_interface(v) for v in values if hasattr(v, "shape") or isinstance(v, float)}
    # the one that differentiates wins: numpy arrays beside it are data
    for name in ("torch", "jax", "autograd"):
        if name in found:
            return name
    return "numpy"


def _trainable(
    func: Callable[..., Any], values: Mapping[Slot, Any], floats: list[Slot], argnums: Any, interface: str
) -> list[Slot]:
    if argnums is not None:
        wanted: list[Any] = [argnums] if np.isscalar(argnums) else list(argnums)
        if not wanted:
            raise InputError("argnums= names no argument: leave it out, or name those that are trained.")
        names = {_name(func, s): s for s in values}
        chosen: list[Slot] = [names.get(w, w) if isinstance(w, str) else w for w in wanted]
        # True and 1.0 equal 1 and would be taken for positions
        for w, s in zip(wanted, chosen, strict=True):
            if isinstance(s, (bool, float)) or s not in floats:
                raise InputError(
                    f"argnums={argnums!r}: {w!r} is not a float argument of this call; float arguments "
                    f"are {[_name(func, f) for f in floats]}."
                )
        return chosen
    if interface == "jax":
        # jax differentiates the first argument unless told otherwise, as PennyLane does
        first: list[Slot] = [s for s in floats if s == 0]
        if first:
            return first
    else:
        marked = [s for s in floats if qml.math.requires_grad(values[s]) and hasattr(values[s], "shape")]
        if marked:
            return marked
    # requires_grad=False on an autograd tensor says that it is data; elsewhere it is only the default
    floats = [s for s in floats if getattr(values[s], "requires_grad", None) is not False or interface == "torch"]
    if floats:
        warnings.warn(
            "No argument is marked trainable: all float arguments are taken as parameters "
            f"({', '.join(_name(func, f) for f in floats)}). Mark them, or pass argnums=.",
            WishartWarning,
            stacklevel=7,
        )
    return floats
