"""One point of a study: a circuit's second moments, condensed to numbers in bits."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.families.bits import Bits, Log2Value, loss_log2, pack, unpack
from pennylane_wishart.variances import DeepLimit, SecondMoments

__all__ = ["QUANTITIES", "ScalingPoint", "check_quantity", "circuit_depth", "scaling_point"]

QUANTITIES = {
    "gradient": "median live gradient variance",
    "gradient_mean": "mean live gradient variance",
    "gradient_max": "largest gradient variance",
    "loss": "loss variance",
}


def check_quantity(quantity: str) -> None:
    """Refuse a name that no variance has.

    Raises:
        InputError: naming those that there are.
    """
    if quantity not in QUANTITIES:
        raise InputError(f"quantity={quantity!r}: use one of {tuple(QUANTITIES)}.")


@dataclass(frozen=True)
class ScalingPoint(Shown):
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
    free: Log2Value | None = None
    """The followed variance of the same circuit without its noise; None where it has none."""

    def __post_init__(self) -> None:
        check_quantity(self.quantity)

    @property
    def followed(self) -> Log2Value:
        """The value of ``quantity``."""
        found: Log2Value = getattr(self, self.quantity)
        return found

    @property
    def log2_variance(self) -> float:
        """Bits: the followed variance; NaN where only ``followed.at_most`` is known."""
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
    def noise_bits(self) -> float:
        """Bits that noise takes of the followed variance; 0 without noise, NaN where one of the two is only bounded."""
        return 0.0 if self.free is None else self.free.value - self.log2_variance

    @property
    def is_deep(self) -> bool | None:
        """Whether the loss variance is within ``levels.DEEP`` of the deep limit; None where not known so well."""
        # bits to a share of the variance, as the level is one
        error = 2**self.loss.error - 1 if self.loss.error > 0 else 0.0
        if not (self.loss.known and np.isfinite(self.deep_loss)) or error > levels.DEEP:
            return None
        return bool(abs(2 ** (self.loss.value - self.deep_loss) - 1) <= levels.DEEP)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        values = {name: getattr(self, name).to_dict() for name in QUANTITIES}
        if self.free is not None:
            values["free"] = self.free.to_dict()
        plain = {k: getattr(self, k) for k in ("n", "depth", "n_params", "n_dead", "engine", "quantity")}
        floats = {k: pack(getattr(self, k)) for k in ("layers", "deep_gradient", "deep_loss")}
        return {**plain, **floats, **values}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ScalingPoint:
        """Rebuild a record written by :meth:`to_dict`."""
        out = dict(data)
        out.update({k: unpack(data[k]) for k in ("layers", "deep_gradient", "deep_loss")})
        out.update({name: Log2Value.from_dict(data[name]) for name in (*QUANTITIES, "free") if name in data})
        return cls(**out)


def scaling_point(
    n: int,
    depth: int | None,
    circuit: RotationCircuit,
    moments: SecondMoments,
    deep: DeepLimit | None,
    quantity: str = "gradient",
    free: ScalingPoint | None = None,
) -> ScalingPoint:
    """Condense the moments of one circuit; ``free`` is the point of the same circuit without its noise."""
    every = Bits.of(moments)
    live = every.take(every.live)
    deep_gradient = deep_loss = float("nan")
    if deep is not None and deep.available:
        deep_loss = float(deep.log2_variance)
        # the median is over the same parameters as at this depth, or the two could not be compared
        finite = np.isfinite(deep.log2_gradient_variance) & every.live
        if finite.any():
            deep_gradient = float(np.median(deep.log2_gradient_variance[finite]))
    return ScalingPoint(
        n=n,
        depth=depth,
        layers=circuit_depth(circuit),
        n_params=circuit.n_params,
        n_dead=int((~every.live).sum()),
        gradient=live.median(),
        gradient_mean=live.mean(),
        gradient_max=live.max(),
        loss=loss_log2(moments, bool(every.live.any())),
        deep_gradient=deep_gradient,
        deep_loss=deep_loss,
        engine=moments.engine,
        quantity=quantity,
        free=None if free is None else free.followed,
    )


def circuit_depth(circuit: RotationCircuit) -> float:
    """Return the depth of the traced circuit in gates, as soon as possible on each wire."""
    if circuit.trace is None:
        return float("nan")
    level: dict[Hashable, int] = {}
    for gate in circuit.trace.gates:
        if gate.kind == "state":
            continue
        at = 1 + max((level.get(w, 0) for w in gate.op.wires), default=0)
        level.update(dict.fromkeys(gate.op.wires, at))
    return float(max(level.values(), default=0))
