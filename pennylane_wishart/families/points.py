"""One point of a study: a circuit's second moments, condensed to numbers in bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.moments import DeepLimit, SecondMoments

__all__ = [
    "QUANTITIES",
    "Log2Value",
    "ScalingPoint",
    "circuit_depth",
    "median_log2",
    "scaling_point",
]

QUANTITIES = {
    "gradient": "median live gradient variance",
    "gradient_mean": "mean live gradient variance",
    "gradient_max": "largest gradient variance",
    "loss": "loss variance",
}
_Z95 = 1.96
_DEEP = 0.05


@dataclass(frozen=True)
class Log2Value:
    """log2 of a variance, with how well it is known."""

    value: float
    """Bits; a 97.5% upper limit where ``status`` is UPPER_BOUND, −inf where all is dead."""
    error: float
    """Standard error in bits: 0 where exact, NaN for an upper bound."""
    status: Status = Status.OK

    @property
    def known(self) -> bool:
        """Whether there is a finite value and not only a limit."""
        return bool(np.isfinite(self.value)) and self.status is not Status.UPPER_BOUND

    def __str__(self) -> str:
        if np.isneginf(self.value):
            return "dead"
        if self.status is Status.UPPER_BOUND:
            return f"< {self.value:.2f}"
        return f"{self.value:.2f}" + (f" ± {self.error:.2f}" if self.error > 0 else "")

    def to_dict(self) -> dict:
        """Return plain Python values; −inf as the string "-inf"."""
        return {"value": _pack(self.value), "error": _pack(self.error), "status": self.status.name}

    @classmethod
    def from_dict(cls, data: dict) -> Log2Value:
        """Rebuild a record written by :meth:`to_dict`."""
        return cls(_unpack(data["value"]), _unpack(data["error"]), Status[data["status"]])


@dataclass(frozen=True)
class ScalingPoint:
    """Variances of one circuit of a family."""

    n: int
    depth: int | None
    """The depth that the factory was given; None where it takes only n."""
    layers: float
    """Depth of the circuit in gates, by wires; NaN where the circuit was not traced."""
    n_params: int
    n_dead: int
    """Parameters proved to have no gradient."""
    gradient: Log2Value
    """Median over live parameters."""
    gradient_mean: Log2Value
    gradient_max: Log2Value
    loss: Log2Value
    deep_gradient: float
    """Bits: median over live parameters in the deep limit; NaN where no formula applies."""
    deep_loss: float
    engine: str
    quantity: str = "gradient"
    """Which of the values the study follows."""

    def __post_init__(self):
        if self.quantity not in QUANTITIES:
            raise InputError(f"quantity={self.quantity!r}: use one of {tuple(QUANTITIES)}.")

    @property
    def followed(self) -> Log2Value:
        """The value of ``quantity``."""
        return getattr(self, self.quantity)

    @property
    def log2_variance(self) -> float:
        """Bits: the followed variance, or its upper limit."""
        return self.followed.value

    @property
    def log2_variance_error(self) -> float:
        """Standard error of ``log2_variance`` in bits."""
        return self.followed.error

    @property
    def status(self) -> Status:
        """Whether ``log2_variance`` is exact, estimated or an upper bound."""
        return self.followed.status

    @property
    def deep_limit(self) -> float:
        """Bits: the deep limit of the followed variance; NaN where no formula applies."""
        return self.deep_loss if self.quantity == "loss" else self.deep_gradient

    @property
    def is_deep(self) -> bool | None:
        """Whether the loss variance is within 5% of the deep limit; None where not known to 5%."""
        error = 2**self.loss.error - 1 if self.loss.error > 0 else 0.0
        if not (self.loss.known and np.isfinite(self.deep_loss)) or error > _DEEP:
            return None
        return bool(abs(2 ** (self.loss.value - self.deep_loss) - 1) <= _DEEP)

    def to_dict(self) -> dict:
        """Return plain Python values, ready for JSON."""
        values = {name: getattr(self, name).to_dict() for name in QUANTITIES}
        plain = {
            k: getattr(self, k) for k in ("n", "depth", "n_params", "n_dead", "engine", "quantity")
        }
        floats = {k: _pack(getattr(self, k)) for k in ("layers", "deep_gradient", "deep_loss")}
        return {**plain, **floats, **values}

    @classmethod
    def from_dict(cls, data: dict) -> ScalingPoint:
        """Rebuild a record written by :meth:`to_dict`."""
        out = dict(data)
        out.update({k: _unpack(data[k]) for k in ("layers", "deep_gradient", "deep_loss")})
        out.update({name: Log2Value.from_dict(data[name]) for name in QUANTITIES})
        return cls(**out)


def scaling_point(
    n: int,
    depth: int | None,
    circuit: RotationCircuit,
    moments: SecondMoments,
    deep: DeepLimit | None,
    quantity: str = "gradient",
) -> ScalingPoint:
    """Condense the moments of one circuit."""
    value, upper, bound = gradient_limits(moments)
    live = ~np.isneginf(value)
    sampled = not moments.is_exact
    deep_gradient = deep_loss = float("nan")
    if deep is not None and deep.available:
        deep_loss = float(deep.log2_variance)
        finite = np.isfinite(deep.log2_gradient_variance) & live
        if finite.any():
            deep_gradient = float(np.median(deep.log2_gradient_variance[finite]))
    return ScalingPoint(
        n=n,
        depth=depth,
        layers=circuit_depth(circuit),
        n_params=circuit.n_params,
        n_dead=int((~live).sum()),
        gradient=median_log2(value[live], upper[live], bound[live], sampled),
        gradient_mean=_mean_log2(value[live], upper[live], bound[live], sampled),
        gradient_max=_max_log2(value[live], upper[live], bound[live], sampled),
        loss=_loss_log2(moments),
        deep_gradient=deep_gradient,
        deep_loss=deep_loss,
        engine=moments.engine,
        quantity=quantity,
    )


def gradient_limits(moments: SecondMoments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (log2 variance, its 97.5% upper limit, whether only that is known), per parameter."""
    value = np.asarray(moments.log2_gradient_variance, float)
    upper = np.asarray(moments.log2_gradient_variance_upper, float)
    bound = np.array([s is Status.UPPER_BOUND for s in moments.status], bool) | np.isnan(value)
    bound &= ~np.isneginf(value)
    return value, np.where(np.isfinite(upper), upper, value), bound


def median_log2(value, upper, bound, sampled: bool) -> Log2Value:
    """Return the median, or its upper limit where that depends on parameters that are only bounded.

    The error is that of the parameters in the middle, not divided by their number: parameters
    share their walkers.
    """
    if len(value) == 0:
        return Log2Value(float("-inf"), 0.0)
    high = float(np.median(np.where(bound, upper, value)))
    known = np.sort(np.where(bound, -np.inf, value))
    middle = known[[(len(value) - 1) // 2, len(value) // 2]]
    if not (np.isfinite(middle).all() and abs(middle.mean() - high) < 1e-9):
        return Log2Value(high, float("nan"), Status.UPPER_BOUND)
    near = ~bound & (np.abs(value - middle[0]) < 1e-12) | ~bound & (
        np.abs(value - middle[1]) < 1e-12
    )
    error = float(np.max(upper[near] - value[near])) / _Z95
    return _estimate(high, error, sampled)


def _mean_log2(value, upper, bound, sampled: bool) -> Log2Value:
    if len(value) == 0:
        return Log2Value(float("-inf"), 0.0)
    high = _log2_mean(np.where(bound, upper, value))
    if bound.any():
        low = _log2_mean(np.where(bound, -np.inf, value))
        # Bounded parameters matter where they could move the mean by more than its error.
        slack = float(np.max((upper - value)[~bound], initial=0.0)) / _Z95
        if not high - low <= max(slack, 0.01):
            return Log2Value(high, float("nan"), Status.UPPER_BOUND)
        return _estimate(low, max(slack, high - low), sampled)
    return _estimate(high, (_log2_mean(upper) - high) / _Z95, sampled)


def _max_log2(value, upper, bound, sampled: bool) -> Log2Value:
    if len(value) == 0:
        return Log2Value(float("-inf"), 0.0)
    best = int(np.argmax(np.where(bound, -np.inf, value)))
    highest_bound = float(np.max(upper[bound], initial=-np.inf))
    if bound.all() or highest_bound > value[best]:
        return Log2Value(max(highest_bound, float(upper[best])), float("nan"), Status.UPPER_BOUND)
    return _estimate(float(value[best]), float(upper[best] - value[best]) / _Z95, sampled)


def _loss_log2(moments: SecondMoments) -> Log2Value:
    variance, error = float(moments.loss_variance), float(moments.loss_variance_error)
    if moments.is_exact and error == 0:
        return Log2Value(float(np.log2(variance)) if variance > 0 else float("-inf"), 0.0)
    if variance <= _Z95 * error:
        return Log2Value(
            float(np.log2(max(variance, 0) + _Z95 * error)), float("nan"), Status.UPPER_BOUND
        )
    return _estimate(float(np.log2(variance)), error / (variance * np.log(2)), True)


def _estimate(value: float, error: float, sampled: bool) -> Log2Value:
    error = max(float(error), 0.0)
    return Log2Value(float(value), error, Status.ESTIMATED if sampled and error > 0 else Status.OK)


def _log2_mean(bits) -> float:
    return float(np.logaddexp2.reduce(bits) - np.log2(len(bits)))


def circuit_depth(circuit: RotationCircuit) -> float:
    """Return the depth of the traced circuit in gates, as soon as possible on each wire."""
    if circuit.trace is None:
        return float("nan")
    level: dict = {}
    for gate in circuit.trace.gates:
        if gate.kind == "state":
            continue
        at = 1 + max((level.get(w, 0) for w in gate.op.wires), default=0)
        level.update(dict.fromkeys(gate.op.wires, at))
    return float(max(level.values(), default=0))


def _pack(value: float) -> float | str | None:
    if np.isnan(value):
        return None
    return str(value) if np.isinf(value) else float(value)


def _unpack(value: float | str | None) -> float:
    return float("nan") if value is None else float(value)
