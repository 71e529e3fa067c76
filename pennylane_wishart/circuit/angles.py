"""Laws of random angles: one object shared by prediction, measurement and quotes.

A law knows, for every trainable parameter, how to sample it and its characteristic
function; the second moments of a circuit need nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import AngleLawError

__all__ = ["AngleLaw"]


@dataclass(frozen=True, eq=False)
class AngleLaw(Shown):
    """Independent laws of ``n_params`` angles, in radians.

    ``kind[k]`` is "uniform" on [low, high), "normal" with mean ``low`` and standard deviation
    ``high``, "fixed" at ``low``, or "custom". Two records may be compared only if their laws
    are equal.

    Example:
        >>> law = AngleLaw.uniform([2 * np.pi])
        >>> float(abs(law.characteristic(1.0)[0]))
        0.0
    """

    kind: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    name: str = "uniform"
    sampler: Callable[..., Any] | None = None
    """Custom laws: ``sampler(rng, size, n_params) -> (size, n_params)``."""
    transform: Callable[[int, float], complex] | None = None
    """Custom laws: characteristic function ``transform(k, frequency) -> complex``."""
    incommensurate: tuple[int, ...] = ()
    """Parameters whose gates have no common period: uniform over one period of the slowest gate."""

    @classmethod
    def uniform(
        cls, periods: Sequence[float] | np.ndarray, incommensurate: tuple[int, ...] = (),
    ) -> AngleLaw:  # fmt: skip
        """Every angle uniform over one period, or over one period of its slowest gate where there is none."""
        high = np.asarray(periods, dtype=float)
        name = "uniform, one period of the slowest gate" if incommensurate else "uniform"
        kind = ("uniform",) * len(high)
        return cls(kind, np.zeros(len(high)), high, name, incommensurate=tuple(incommensurate))

    @classmethod
    def normal(cls, sigma: Any, n_params: int, mean: Any = 0.0) -> AngleLaw:
        """Every angle normal with standard deviation ``sigma`` (scalar or one per parameter)."""
        sigma = np.broadcast_to(np.asarray(sigma, float), (n_params,)).copy()
        if not np.all(np.isfinite(sigma)) or np.any(sigma < 0):
            raise AngleLawError(f"angles: normal laws need finite sigma >= 0; got {sigma}.")
        mean = np.broadcast_to(np.asarray(mean, float), (n_params,)).copy()
        return cls(("normal",) * n_params, mean, sigma, "normal")

    @classmethod
    def fixed(cls, values: Any) -> AngleLaw:
        """Every angle at a given value (variances are then 0)."""
        values = np.asarray(values, float).reshape(-1)
        return cls(("fixed",) * len(values), values, values, "fixed")

    @classmethod
    def resolve(
        cls, spec: Any, periods: Sequence[float] | np.ndarray, incommensurate: tuple[int, ...] = (),
    ) -> AngleLaw:  # fmt: skip
        """Turn what a user writes into a law.

        Args:
            spec: ``"uniform"``; ``"small"`` (normal, σ = 0.1); ``("normal", sigma)``;
                ``("uniform", low, high)``; an :class:`AngleLaw`; or a pair of callables
                ``(sampler, characteristic)``.
            periods: radians ``(n_params,)``, the period of each parameter.
            incommensurate: those that have none; ``periods`` is then one period of the slowest gate.
        """
        n = len(periods)
        if isinstance(spec, AngleLaw):
            if len(spec) != n:
                raise AngleLawError(
                    f"angles: the law has {len(spec)} parameters, the circuit has {n}; build the law for this circuit."
                )
            return spec
        if isinstance(spec, str) and spec == "uniform":
            return cls.uniform(periods, incommensurate)
        if isinstance(spec, str) and spec == "small":
            return cls.normal(limits.SMALL_ANGLES, n)
        if isinstance(spec, tuple) and len(spec) == 2 and spec[0] == "normal":
            return cls.normal(spec[1], n)
        if isinstance(spec, tuple) and len(spec) == 3 and spec[0] == "uniform":
            low = np.broadcast_to(np.asarray(spec[1], float), (n,)).copy()
            high = np.broadcast_to(np.asarray(spec[2], float), (n,)).copy()
            if not np.all(high > low):
                raise AngleLawError(f"angles: ('uniform', low, high) needs high > low; got {spec}.")
            return cls(("uniform",) * n, low, high, "uniform interval")
        if isinstance(spec, tuple) and len(spec) == 2 and all(callable(s) for s in spec):
            return cls(("custom",) * n, np.zeros(n), np.zeros(n), "custom", spec[0], spec[1])
        raise AngleLawError(
            f"angles={spec!r} is not known: use 'uniform', 'small', ('normal', sigma), "
            "('uniform', low, high), an AngleLaw, or (sampler, characteristic)."
        )

    @cached_property
    def _kinds(self) -> np.ndarray:
        return np.array(self.kind)

    def __len__(self) -> int:
        return len(self.kind)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AngleLaw)
            and self.kind == other.kind
            and np.allclose(self.low, other.low)
            and np.allclose(self.high, other.high)
            and self.sampler is other.sampler
            and self.transform is other.transform
        )

    __hash__ = None  # type: ignore[assignment]  # arrays are compared, not hashed

    def sample(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw angles, float64 ``(size, n_params)`` radians."""
        n = len(self)
        if self.sampler is not None:
            return np.asarray(self.sampler(rng, size, n), float).reshape(size, n)
        kind = self._kinds
        out = self.low + (self.high - self.low) * rng.random((size, n))
        # for uniform and fixed laws low + (high − low)·u is the draw already
        normal = kind == "normal"
        if normal.any():
            draws = rng.standard_normal((size, int(normal.sum())))
            out[:, normal] = self.low[normal] + self.high[normal] * draws
        return np.asarray(out)

    def characteristic(self, frequency: float | np.ndarray, index: Any = None) -> np.ndarray:
        """Return E[exp(i·f·θ_k)].

        Args:
            frequency: scalar or array of frequencies f.
            index: parameter index of each frequency; all parameters where None.
        """
        index = np.arange(len(self)) if index is None else np.asarray(index)
        f = np.broadcast_to(np.asarray(frequency, float), index.shape)
        # a custom law knows its own characteristic function
        if self.transform is not None:
            pairs = zip(index.ravel().tolist(), f.ravel().tolist(), strict=True)
            return np.array([self.transform(k, v) for k, v in pairs], complex).reshape(index.shape)
        low, high = self.low[index], self.high[index]
        kind = self._kinds[index]
        # uniform on [low, high): exp(i·f·mid)·sinc; on a whole number of turns exactly 0
        mid, half = f * (low + high) / 2, f * (high - low) / 2
        flat = np.exp(1j * mid) * np.sinc(half / np.pi)
        # sin(pi k)/(pi k) is not exactly 0 in floating point; a whole number of turns is.
        turns = half / np.pi
        # A period that holds a million turns of a fast gate is known to 1e-12 of them.
        whole = np.abs(turns - np.round(turns)) < np.maximum(
            limits.WHOLE_TURNS, limits.WHOLE_TURNS_SHARE * np.abs(turns)
        )
        flat[(np.abs(turns) > 0.5) & whole] = 0.0
        bell = np.exp(1j * f * low - 0.5 * (f * high) ** 2)
        return np.asarray(np.where(kind == "normal", bell, np.where(kind == "fixed", np.exp(1j * f * low), flat)))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary; custom laws keep only their name."""
        return {
            "name": self.name,
            "kind": list(self.kind),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "incommensurate": list(self.incommensurate),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AngleLaw:
        """Rebuild a law written by :meth:`to_dict`."""
        loose = tuple(data.get("incommensurate", ()))
        kind = tuple(data["kind"])
        return cls(kind, np.array(data["low"]), np.array(data["high"]), data["name"], incommensurate=loose)
