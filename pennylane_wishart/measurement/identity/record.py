"""``DeviceIdentity``: everything about a device that decides its numbers.

Two devices of one name may differ in noise, backend, precision or shots. Records are shared, added and
resumed only between devices of the same identity; a device that cannot be identified gets a random
one, so that its records mix with nothing from another session.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.errors import ComparisonError
from pennylane_wishart.measurement.identity.content import digest_of

__all__ = ["DeviceIdentity"]

_TELLING = ("c_dtype", "readout_prob", "noise_model", "backend", "_backend.name", "_backend.options.noise_model")
"""Settings shown beside the name."""
_OLD = "a record from before devices were identified"


@dataclass(frozen=True)
class DeviceIdentity:
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
        return {
            "name": self.name,
            "kind": self.kind,
            "version": self.version,
            "wires": [w if isinstance(w, (int, str)) else str(w) for w in self.wires],
            "settings": [list(pair) for pair in self.settings],
            "unidentified": self.unidentified,
            "nonce": self.nonce,
        }

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
