"""Which device measured: everything about it that decides its numbers, read from the device itself.

Two devices of one name may differ in noise, backend, precision or shots. Records are shared, added and
resumed only between devices of the same identity; a device that cannot be identified gets a random
one, so that its records mix with nothing from another session.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import ComparisonError
from pennylane_wishart.measurement.identity.content import (
    NO_CONTENT,
    OpaqueError,
    content_of,
    digest_of,
    package_version,
)
from pennylane_wishart.measurement.identity.descriptions import described

__all__ = ["DeviceIdentity", "declared", "forget_moving", "identify", "peeled"]


_TELLING = ("c_dtype", "readout_prob", "noise_model", "backend", "_backend.name", "_backend.options.noise_model")
"""Settings shown beside the name."""
_OLD = "a record from before devices were identified"


@dataclass(frozen=True)
class DeviceIdentity(Shown):
    """What decides the numbers of a device; equal identities may share records."""

    name: str
    """As PennyLane calls it."""
    kind: str
    """Class, with its module."""
    version: str
    """Package and version that defines the class; empty where it has none."""
    wires: tuple[Any, ...]
    settings: tuple[tuple[str, str], ...] = ()
    """(attribute, value or digest) of everything else, sorted."""
    unidentified: str = ""
    """What could not be identified; empty where everything was."""
    nonce: str = ""
    """Random where something could not be identified."""

    @classmethod
    def unknown(cls, name: str, reason: str = _OLD) -> DeviceIdentity:
        """Return an identity that equals no other."""
        return cls(str(name), "", "", (), unidentified=reason, nonce=uuid.uuid4().hex)

    @property
    def digest(self) -> str:
        """sha256 of everything above."""
        return digest_of(self.to_dict())

    @property
    def is_certain(self) -> bool:
        """Whether the device can be told from every other one, in any session."""
        return not self.nonce

    def differences(self, other: DeviceIdentity) -> list[str]:
        """Name what differs between two devices, with both values; empty where they are the same."""
        pairs = [(n, str(getattr(self, n)), str(getattr(other, n))) for n in ("name", "kind", "version")]
        pairs.append(("wires", str(list(self.wires)), str(list(other.wires))))
        mine, theirs = dict(self.settings), dict(other.settings)
        pairs.extend((n, mine.get(n, "absent"), theirs.get(n, "absent")) for n in sorted(mine.keys() | theirs.keys()))
        # A device that cannot be identified is said to be so first: its settings may all be equal.
        out = [
            f"{one.name} cannot be identified: {one.unidentified}"
            for one in (self, other)
            if one.nonce and self.nonce != other.nonce
        ]
        out += [f"{name} is {a or 'none'} and {b or 'none'}" for name, a, b in pairs if a != b]
        return list(dict.fromkeys(out))

    def __str__(self) -> str:
        shown = [f"{n} {v}" for n, v in self.settings if v and (n in _TELLING or n.startswith("transform"))]
        parts = [self.version or self.kind, *shown, self.nonce and f"not identified: {self.unidentified}"]
        return f"{self.name} ({', '.join(p for p in parts if p)})" if any(parts) else self.name

    def refuse_other(self, other: DeviceIdentity) -> None:
        """Refuse to add records of two devices.

        Raises:
            ComparisonError: naming both, and what differs.
        """
        if self != other:
            raise ComparisonError(
                f"Only measurements of the same device can be added; device: {self.short} and {other.short}, which "
                f"differ: {'; '.join(self.differences(other)[: limits.SHOWN_DIFFERENCES])}."
            )

    @property
    def short(self) -> str:
        """Name and the first digits of the digest."""
        return f"{self.name} #{self.digest[: limits.SHOWN_SHORT]}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        wires = [w if isinstance(w, (int, str)) else str(w) for w in self.wires]
        return {**asdict(self), "wires": wires, "settings": [list(pair) for pair in self.settings]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DeviceIdentity:
        """Rebuild an identity written by :meth:`to_dict`."""
        settings = tuple((str(n), str(v)) for n, v in data["settings"])
        plain = {k: str(data[k]) for k in ("name", "kind", "version", "unidentified", "nonce")}
        return cls(wires=tuple(data["wires"]), settings=settings, **plain)

    @classmethod
    def of_record(cls, data: Mapping[str, Any]) -> DeviceIdentity:
        """Read the identity of a stored record; records of schema 1 have none."""
        found = data.get("identity")
        return cls.unknown(data["device"]) if found is None else cls.from_dict(found)


_MOVING = frozenset({
    "tracker", "_tracker", "_debugger", "_rng", "rng", "_prng_key", "_prng_seed", "_statevector", "_state", "_samples",
    "_state_cache", "_intermediate_states", "_pre_rotated_state", "_circuit", "circuit", "_reg", "_creg",
    "_current_job", "_job", "job", "_jobs", "_task",
    "task", "_tasks", "_session", "_service", "service", "provider", "_result", "_results", "result", "_op_queue",
    "_obs_queue", "_parameters", "_original_device", "_aws_session", "_num_executions",
})  # fmt: skip
"""What a device holds while it runs or after: no say in what it answers next."""
_BOOKKEEPING = re.compile(
    r"_*(n_|num_)?(calls?|counts?|counter|circuits|executions?|shots_run|logs?|logger|history|submitted|seen|answered|"
    r"delay|latency|sleep|after|every|fault|broken|(fails?|dies?|crash(es)?|hangs?|breaks?|kills?)(_(at|after|on|every|"
    r"from|next|now))?)"
)
"""Names of what a device counts and logs, and of when it waits or fails: nothing that it answers.
Others that change while it runs are noticed. A number with a fraction is a rate of something, and counts."""


class _Known:
    """What was seen of one device object: settings at first sight, and those that move by themselves."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.first, self.last, self.moving = settings, settings, set[str]()
        self.nonce = uuid.uuid4().hex


_known: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()
_nonces: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def identify(device: Any, name: str, wires: Iterable[Any], origin: Any = None) -> DeviceIdentity:
    """Identify a device object by what it holds.

    Args:
        origin: the factory it came from, where it did: what cannot be identified is told apart by it.
    """
    settings, opaque = _settings_now(device)
    with _lock:
        known = _remember(device, settings)
        known.last = dict(settings)
        # What moves by itself is told as it was at first sight: otherwise no device that counts equals itself.
        settings |= {k: known.first.get(k, "") for k in known.moving}
    nonce = known.nonce if origin is None else _nonce_of(origin)
    return _made(device, name, wires, settings, opaque, nonce)


def declared(
    device: Any, name: str, options: Mapping[str, Any], transforms: Iterable[tuple[Any, ...]] = ()
) -> DeviceIdentity:
    """Identify a simulator that is built from its name, these options, and transforms put on it.

    It has the circuit's own wires, which belong to the circuit.
    """
    settings = {option: _shown(_content(value), value) for option, value in options.items()}
    opaque = _add_transforms(settings, transforms)
    return _made(device, name, (), settings, opaque, uuid.uuid4().hex)


def _made(
    device: Any, name: str, wires: Iterable[Any], settings: dict[str, str], opaque: list[str], nonce: str
) -> DeviceIdentity:
    kind = type(peeled(_inner(device))[0])
    full = f"{kind.__module__}.{kind.__qualname__}"
    told = tuple(sorted(settings.items()))
    return DeviceIdentity(
        name, full, package_version(kind), tuple(wires), told, "; ".join(opaque), nonce if opaque else ""
    )


def _add_transforms(settings: dict[str, str], transforms: Iterable[tuple[Any, ...]]) -> list[str]:
    opaque = []
    for k, item in enumerate(transforms, 1):
        try:
            settings[f"transform {k}"] = _shown(_content(item), item[0])
        except OpaqueError as error:
            opaque.append(f"transform {k}: {error}")
    return opaque


def _nonce_of(origin: Any) -> str:
    try:
        return _nonces.setdefault(origin, uuid.uuid4().hex)
    except TypeError:
        # It cannot be watched: told apart from everything, itself included.
        return uuid.uuid4().hex


def peeled(device: Any) -> tuple[Any, tuple[tuple[Any, ...], ...]]:
    """Return a device without the transforms that were applied to it, and those, first to last."""
    transforms: list[tuple[Any, ...]] = []
    # PennyLane makes the class of a transformed device inside a function: there is no public one to ask for.
    while type(device).__qualname__.endswith("<locals>.TransformedDevice") and hasattr(device, "_original_device"):
        transforms.insert(0, (device.transform, tuple(device.targs), dict(device.tkwargs)))
        device = device._original_device
    return device, tuple(transforms)


def forget_moving(device: Any) -> None:
    """After a run: attributes that changed in it are the device's own state, and no settings."""
    after, _ = _settings_now(device, only_plain=True)
    with _lock:
        known = _remember(device, after)
        known.moving |= {k for k, v in after.items() if known.last.get(k, "") != v}


def _remember(device: Any, settings: dict[str, str]) -> _Known:
    inner = _inner(device)
    try:
        return _known.setdefault(inner, _Known(dict(settings)))
    except TypeError:
        # It cannot be hashed or watched: then it is new at every sight.
        return _Known(dict(settings))


def _settings_now(device: Any, only_plain: bool = False) -> tuple[dict[str, str], list[str]]:
    """Return the settings of a device as text, and what could not be read.

    Args:
        only_plain: leave out the class and what other libraries describe, which no run changes.
    """
    inner, settings = _inner(device), dict[str, str]()
    base, transforms = peeled(inner)
    opaque = _add_transforms(settings, transforms)
    hidden = _HANDLED | (frozenset(("transform", "targs", "tkwargs")) if transforms else frozenset())
    values = {k: v for k, v in getattr(inner, "__dict__", {}).items() if k not in hidden and not _is_moving(k, v)}
    shots = getattr(inner, "shots", None)
    values["shots"] = shots if shots else None
    # A class of an installed package is told by its version; any other one by its code.
    if not package_version(type(base)) or "<locals>" in type(base).__qualname__:
        values["code"] = type(base)
    if only_plain:
        values = {k: v for k, v in values.items() if k != "code" and described(v) is None}
    for key, value in list(values.items()):
        found = described(value)
        if isinstance(found, Mapping):
            # A setting each, so that what differs between two devices has a name.
            values |= {f"{key}.{part}": v for part, v in found.items()}
            values[key] = type(value)
    for key, value in values.items():
        try:
            settings[key] = _shown(_content(value), value)
        except OpaqueError as error:
            opaque.append(f"{key}: {error}")
        except Exception as error:  # a property of a plugin that asks its provider, say
            opaque.append(f"{key}: {type(value).__qualname__} ({type(error).__name__})")
    return settings, opaque


def _is_moving(name: str, value: Any) -> bool:
    if name in _MOVING:
        return True
    timing = name.strip("_") in ("delay", "latency", "sleep")
    return bool(_BOOKKEEPING.fullmatch(name)) and (timing or not isinstance(value, (float, complex, np.floating)))


_classes: weakref.WeakKeyDictionary[type, Any] = weakref.WeakKeyDictionary()


def _content(value: Any) -> Any:
    """Content of a setting; of a class as it was at first sight, whatever its functions have changed since."""
    if not isinstance(value, type):
        return content_of(value, _is_moving)
    if value not in _classes:
        _classes[value] = content_of(value, _is_moving)
    return _classes[value]


_HANDLED = frozenset({"wires", "_wires", "num_wires", "_wire_map", "shots", "_shots"})
"""Told by the identity's own fields."""


def _inner(device: Any) -> Any:
    """The device of the old interface, inside its facade."""
    return vars(device).get("_device", device) if type(device).__name__ == "LegacyDeviceFacade" else device


def _shown(content: Any, value: Any) -> str:
    """A setting as text; empty where it has none."""
    if content is None or (isinstance(content, list) and content[:1] == [NO_CONTENT]):
        return ""
    if isinstance(content, list) and content[:1] == ["dtype"]:
        return str(content[1])
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    if len(text) <= limits.SHOWN_SETTING:
        return text
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__name__} #{digest_of(content)[: limits.SHOWN_DIGEST]}"
