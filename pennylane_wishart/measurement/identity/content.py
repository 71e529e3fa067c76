"""What an object is made of, as plain data that is the same in every process.

``content_of`` turns settings (numbers, arrays, noise models, functions, backends) into nested lists and
dictionaries that survive JSON. What has no stable content (a connection, a handle of a C library) raises
``OpaqueError`` with its place: guessing would let two different things pass for one.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import logging
import re
import sys
import threading
import types
import weakref
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import PurePath
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.measurement.identity.descriptions import Unordered, described

__all__ = ["NO_CONTENT", "OpaqueError", "content_of", "digest_of", "package_version"]

_NO_CODE = frozenset({"__dict__", "__weakref__", "__doc__", "__module__", "_abc_impl", "__slotnames__"})
"""Of a class, what is no part of what it does; pickling an instance leaves ``__slotnames__`` on its class."""
_RANDOM_NAME = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A UUID: Qiskit gives one to every error of a noise model, another in every process."""
_NO_CONTENT: tuple[type, ...] = (
    types.ModuleType,
    logging.Logger,
    threading.Thread,
    threading.Event,
    type(threading.Lock()),
    type(threading.RLock()),
    weakref.ref,
    np.random.Generator,
    np.random.RandomState,
    np.random.BitGenerator,
    np.random.SeedSequence,
    qml.Tracker,
)
"""Kinds that decide no expectation value; whether shots can be repeated is asked elsewhere."""
NO_CONTENT = "no content"
_BUILT_IN = (
    types.BuiltinFunctionType,
    types.ClassMethodDescriptorType,
    types.MethodDescriptorType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
    np.ufunc,
)


class OpaqueError(Exception):
    """An object whose content cannot be told; the message is its place and type."""


def digest_of(content: Any) -> str:
    """Return the sha256 of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def package_version(kind: Any) -> str:
    """Return "package version" of the package that defines a class or function; empty where it has none."""
    from importlib import import_module

    top = kind.__module__.split(".")[0]
    try:
        version = getattr(import_module(top), "__version__", None) or metadata.version(top)
    except metadata.PackageNotFoundError:  # an ImportError too
        return _namespace_version(kind.__module__)
    except ImportError:
        return ""
    return f"{top} {version}"


def _namespace_version(module: str) -> str:
    """Name the distributions that share a namespace, as those of Braket do; empty where the module is not theirs."""
    top = module.split(".")[0]
    own, whole = (getattr(sys.modules.get(name), "__file__", None) for name in (module, top))
    if not own or whole:  # a package of its own has a file, and no version
        return ""
    found = [metadata.distribution(name) for name in _distributions().get(top, ())]
    # a module of the user's own may have the name of one that is installed
    if not any(PurePath(own).is_relative_to(PurePath(str(d.locate_file("")))) for d in found):
        return ""
    return ", ".join(sorted({f"{d.metadata['Name']} {d.version}" for d in found}))


@functools.lru_cache(maxsize=1)
def _distributions() -> Mapping[str, list[str]]:
    """Which distributions install what under each top-level name; tenths of a second, once."""
    return metadata.packages_distributions()


def content_of(value: Any, skips: Callable[[str, Any], bool] | None = None) -> Any:
    """Return plain data that two objects share exactly if they are made alike.

    A function of the user's own is its code, what it closes over, and the globals it names.

    Args:
        skips: ``skips(attribute, value)``: attributes of objects to leave out.
    Raises:
        OpaqueError: where something has no content that another process could repeat.
    """
    return _Reader(skips).read(value, "", 0)


class _Reader:
    """One walk through an object; objects met again on their own way down are named by their depth."""

    def __init__(self, skips: Callable[[str, Any], bool] | None) -> None:
        self._skips = skips or (lambda name, value: False)
        self._above: dict[int, int] = {}
        self._met: dict[int, int] = {}
        self._left = limits.MOST_NODES

    def read(self, value: Any, place: str, depth: int) -> Any:
        self._left -= 1
        if depth > limits.MOST_DEPTH or self._left < 0:
            raise OpaqueError(f"{place or 'it'} (too large to be read)")
        if value is None or isinstance(value, (bool, str)):
            return value
        # An object that holds itself, as devices hold what holds them, is named by how far up it stands.
        if id(value) in self._above:
            return ["above", depth - self._above[id(value)]]
        self._above[id(value)] = depth
        try:
            return self._read(value, place, depth + 1)
        finally:
            del self._above[id(value)]

    def _read(self, value: Any, place: str, depth: int) -> Any:
        simple = _simple(value)
        if simple is not None:
            return simple
        if isinstance(value, Mapping):
            return self._mapping(value, place, depth)
        if isinstance(value, Unordered):
            return sorted((self.read(v, place, depth) for v in value), key=json.dumps)
        if isinstance(value, (list, tuple)):
            return [self.read(v, f"{place}[{k}]", depth) for k, v in enumerate(value)]
        if isinstance(value, (set, frozenset)):
            return ["set", *sorted((self.read(v, place, depth) for v in value), key=json.dumps)]
        if isinstance(value, functools.partial):
            return ["partial", self.read([value.func, value.args, value.keywords], place, depth)]
        if isinstance(value, types.MethodType):
            return ["method", self.read([value.__func__, value.__self__], place, depth)]
        if isinstance(value, (types.UnionType, types.GenericAlias)):
            # int | str, list[int]: annotations that data models keep
            return ["alias", self.read([getattr(value, "__origin__", None), value.__args__], place, depth)]
        if isinstance(value, types.FunctionType):
            return self._function(value, place, depth)
        if isinstance(value, type):
            return self._type(value, place, depth)
        return self._object(value, place, depth)

    def _mapping(self, value: Mapping[Any, Any], place: str, depth: int) -> list[Any]:
        pairs = []
        for key, item in value.items():
            if isinstance(item, str) and key in ("id", "uuid") and _RANDOM_NAME.fullmatch(item):
                continue
            name = key if isinstance(key, str) else self.read(key, place, depth)
            pairs.append([name, self.read(item, f"{place}.{key}" if place else str(key), depth)])
        return ["map", *sorted(pairs, key=lambda p: json.dumps(p[0], sort_keys=True))]

    def _function(self, value: types.FunctionType, place: str, depth: int) -> list[Any]:
        name = f"{value.__module__}.{value.__qualname__}"
        version = package_version(value)
        # What an installed package defines at its top level is told by the version; its code may be compiled.
        if version and "<locals>" not in name:
            return ["function", name, version]
        # A function may name another that names it: the second sight is its number.
        if id(value) in self._met:
            return ["met", self._met[id(value)]]
        self._met[id(value)] = len(self._met)
        code, scope = value.__code__, value.__globals__
        closed = dict(zip(code.co_freevars, [_cell(c) for c in value.__closure__ or ()]))
        if value.__module__ == "pennylane.noise.conditionals" and isinstance(closed.get("arg_params"), dict):
            # partial_wires keeps the wires of its latest call among its own arguments.
            closed["arg_params"] = {k: v for k, v in closed["arg_params"].items() if k != "wires"}
        named = {n: scope[n] for n in _names(code) if n in scope and not isinstance(scope[n], types.ModuleType)}
        inside = [[n, self.read(v, f"{place}.{n}", depth)] for n, v in {**named, **closed}.items()]
        defaults = self.read([value.__defaults__, value.__kwdefaults__], place, depth)
        return ["function", name, _code(code), inside, defaults]

    def _type(self, value: type, place: str, depth: int) -> list[Any]:
        """A class of an installed package is its version; any other one is its code as well."""
        name = f"{value.__module__}.{value.__qualname__}"
        version = package_version(value)
        if version and "<locals>" not in name:
            return ["class", name, version]
        if id(value) in self._met:
            return ["met", self._met[id(value)]]
        self._met[id(value)] = len(self._met)
        parts = {}
        for key, item in vars(value).items():
            if key in _NO_CODE or key.startswith("__annot"):
                continue
            item = item.fget if isinstance(item, property) else getattr(item, "__func__", item)
            if isinstance(item, (types.MemberDescriptorType, types.GetSetDescriptorType)):
                continue
            parts[key] = item
        bases = [b for b in value.__bases__ if b is not object]
        return ["class", name, self.read([bases, parts], place, depth)]

    def _object(self, value: Any, place: str, depth: int) -> list[Any]:
        kind: Any = type(value)
        found = described(value)
        if found is not None:
            return [f"{kind.__module__}.{kind.__qualname__}", self.read(found, place, depth)]
        if dataclasses.is_dataclass(value):
            state: Any = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        # An object with a pickling of its own knows best what it is made of: C extensions have nothing else.
        elif kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__:
            if not hasattr(value, "__dict__") and not any("__slots__" in vars(k) for k in kind.__mro__):
                raise OpaqueError(f"{place or 'it'} ({kind.__module__}.{kind.__qualname__})")
            state = {k: v for k, v in _attributes(value).items() if not self._skips(k, v)}
        else:
            state = _reduced(value, place)
        return [self.read(kind, place, depth), self.read(state, place, depth)]


def _simple(value: Any) -> Any:
    """Plain data of what needs no walk; None for everything else."""
    if isinstance(value, _NO_CONTENT):
        return [NO_CONTENT, type(value).__name__]
    if isinstance(value, enum.Enum):
        return ["enum", f"{type(value).__qualname__}.{value.name}"]
    if isinstance(value, (int, float)):
        return ["number", repr(value)] if isinstance(value, float) and value != value else value + 0
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, (bytes, bytearray)):
        return ["bytes", hashlib.sha256(value).hexdigest()]
    if isinstance(value, np.generic):
        return ["numpy", str(value.dtype), repr(value.item())]
    if isinstance(value, np.ndarray) and value.dtype != object:
        whole = np.ascontiguousarray(value)
        return ["array", str(value.dtype), list(value.shape), hashlib.sha256(whole.tobytes()).hexdigest()]
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return ["dtype", np.dtype(value).name]
    if isinstance(value, PurePath):
        return ["path", str(value)]
    if isinstance(value, (range, slice)):
        return [repr(value)]
    if isinstance(value, _BUILT_IN):
        return ["function", f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}"]
    if isinstance(value, re.Pattern):
        return ["pattern", value.pattern, value.flags]
    if hasattr(value, "isoformat"):
        # When something was calibrated decides nothing; what came out of it is elsewhere.
        return [NO_CONTENT, "date"]
    return None


def _cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _names(code: types.CodeType) -> dict[str, None]:
    """Names that a function looks up outside itself, and those of functions inside it, in order."""
    found = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _code(code: types.CodeType) -> str:
    """Digest of byte code: names, constants and instructions, not where they stand in a file."""
    constants = [_constant(c) for c in code.co_consts]
    return digest_of([code.co_code.hex(), list(code.co_names), list(code.co_varnames), constants])


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return _code(value)
    # The order of a set of strings is another one in every process.
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _attributes(value: Any) -> dict[str, Any]:
    """Attributes in the instance's dictionary and in slots."""
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def _reduced(value: Any, place: str) -> Any:
    """How an object would be pickled: what makes it, without running it."""
    try:
        found = value.__reduce_ex__(2)
    except Exception as error:
        raise OpaqueError(f"{place or 'it'} ({type(value).__module__}.{type(value).__qualname__})") from error
    if isinstance(found, str):
        return found
    # the class of an iterator has __next__ too, and is none
    running = [hasattr(part, "__next__") and not isinstance(part, type) for part in found]
    return [list(part) if r else part for part, r in zip(found, running, strict=True) if part is not None]
