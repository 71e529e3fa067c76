"""``pw.best_init``: the law of initial angles with the largest gradients at this depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, normal_form
from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.options import asks
from pennylane_wishart.errors import InputError, UnsupportedCircuitError
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances import moments_of
from pennylane_wishart.variances.drivers import loss_size

__all__ = ["BestInit", "InitPoint", "best_init"]


@dataclass(frozen=True)
class InitPoint:
    """One law of initial angles and the gradients that it gives."""

    kind: str
    """"uniform" over the periods, "normal" or "interval" around zero, "around" the given angles."""
    width: float
    """Standard deviation of a normal law, half the length of an interval, radians; 0 for the periods."""
    square: float
    """E‖∇ℓ‖² at the start; of parameters with an upper limit alone, 0 is counted."""
    error: float
    """Its standard error; 0 where exact."""


@dataclass(frozen=True, eq=False)
class BestInit(Written):
    """The law of initial angles with the largest E‖∇ℓ‖² among those tried, and the curve of all of them."""

    law: AngleLaw
    best: InitPoint
    uniform: InitPoint
    curve: tuple[InitPoint, ...]
    widths: NDArray[np.float64]
    """Width of every parameter in ``law``, float64 ``(n_params,)``."""
    radius: float | None
    """Largest width around the given angles with an E‖∇ℓ‖² above the threshold; None without them, or where none is."""
    small_gradients: bool
    """Whether under uniform angles 1,000 shots do not resolve a mean component: only then is a start a remedy."""

    @property
    def gain(self) -> float:
        """E‖∇ℓ‖² over that of uniform angles."""
        if not self.uniform.square:
            return float("inf") if self.best.square else 1.0
        return self.best.square / self.uniform.square

    def sample(self, seed: int | np.random.Generator | None = None, size: int = 1) -> NDArray[np.float64]:
        """Draw flat initial parameters, ``(size, n_params)``."""
        return self.law.sample(np.random.default_rng(seed), size)

    def __str__(self) -> str:
        if not self.best.square:
            return "Every gradient is 0 under every law that was tried: no start helps."
        width = "" if self.best.kind == "uniform" else f", width {self.best.width:.3g}"
        advice = (
            "Gradients are small under uniform angles: start here."
            if self.small_gradients
            else "Gradients are no obstacle under uniform angles: a start near a point may harm as often as it helps."
        )
        return f"Largest gradients at the start: {self.best.kind}{width}, {self.gain:.3g} times uniform.\n  {advice}"


@asks
def best_init(
    qnode: Any,
    around: Any = None,
    groups: Sequence[Sequence[int]] | None = None,
    widths: Sequence[float] = limits.INIT_WIDTHS,
    seed: int = 7,
    argnums: Any = None,
    threshold: float | None = None,
) -> Any:
    """Find the law of initial angles that maximises the exact E‖∇ℓ‖² = Σ_k Var[∂_kℓ] + E[∂_kℓ]².

    Normal and uniform laws around zero, and normal ones around given angles, over a grid of widths; then,
    where groups of parameters are named, one width a group. Large gradients at the start are no promise of
    a good minimum: where gradients are no obstacle the record says so.

    Args:
        qnode: QNode, tape or RotationCircuit.
        around: angles to start near, flat ``(n_params,)`` or "args" for the QNode's own; None for none.
        groups: flat parameter indices of groups that get a width of their own.
        widths: radians, all positive.
        seed: of what is sampled.
        argnums: as for :func:`normal_form`.
        threshold: E‖∇ℓ‖² that a warm start must keep, for ``radius``; half of the largest around the angles where None.
    Returns:
        A function of the QNode's arguments that returns a :class:`BestInit`; the record itself when given a
        RotationCircuit.
    Raises:
        InputError: for widths or a threshold that are not positive, or angles of the wrong number.
    Cost: one ``moments_of`` a width and kind.
    Source: arXiv:2203.09376 and 2404.10044 bound this average; here it is computed.
    Example:
        >>> words = ["Y" + "I" * 7, *["I" * k + "ZZ" + "I" * (6 - k) for k in range(7)], *["I" * 7 + "Y"]]
        >>> found = best_init(RotationCircuit.from_words(words, {"Z" * 8: 1.0}))
        >>> found.best.kind in ("normal", "interval", "uniform"), found.gain >= 1
        (True, True)
    """
    if not len(widths) or not all(np.isfinite(w) and w > 0 for w in widths):
        raise InputError(f"widths must be positive numbers of radians; got {widths!r}.")
    if threshold is not None and not threshold > 0:
        raise InputError(f"threshold must be a positive mean square of the gradient; got {threshold!r}.")
    if isinstance(qnode, RotationCircuit):
        return _best(qnode, around, groups, widths, seed, threshold)

    def run(*args: Any, **kwargs: Any) -> BestInit:
        circuit = normal_form(qnode, argnums=argnums)(*args, **kwargs)
        given = around
        if isinstance(around, str) and around == "args":
            assert circuit.trace is not None
            given = circuit.trace.parameters(*args, **kwargs)
        return _best(circuit, given, groups, widths, seed, threshold)

    return run


def _best(
    circuit: RotationCircuit,
    around: Any,
    groups: Sequence[Sequence[int]] | None,
    widths: Sequence[float],
    seed: int,
    threshold: float | None,
) -> BestInit:
    n = circuit.n_params
    if around is not None and (isinstance(around, str) or np.shape(around) != (n,)):
        raise InputError(f'around needs {n} angles, flat, or "args" with a QNode; got {around!r}.')
    uniform = _point(circuit, circuit.angle_law(), "uniform", 0.0, seed)
    if uniform is None:
        raise UnsupportedCircuitError("best_init: no engine gives the gradients of this circuit under uniform angles.")
    centre = np.zeros(n) if around is None else np.asarray(around, float)
    kinds = ("normal", "interval") if around is None else ("normal", "interval", "around")
    laws = {(kind, w): _law(kind, np.full(n, w), centre) for kind in kinds for w in widths}
    tried = [_point(circuit, law, kind, w, seed) for (kind, w), law in laws.items()]
    curve = [p for p in tried if p is not None]
    best = max([uniform, *curve], key=lambda p: p.square)
    own = np.full(n, best.width)
    law = circuit.angle_law() if best.kind == "uniform" else _law(best.kind, own, centre)
    if groups is not None and best.kind != "uniform":
        best, own, law = _by_groups(circuit, (best, own, law), groups, widths, centre, seed)
    near = [p for p in curve if p.kind == "around"]
    least = limits.INIT_SHARE * max((p.square for p in near), default=0.0) if threshold is None else threshold
    wide = [p.width for p in near if 0 < least <= p.square]
    mean_square = uniform.square / max(1, n)
    return BestInit(
        law=law,
        best=best,
        uniform=uniform,
        curve=tuple(curve),
        widths=own,
        radius=max(wide, default=None),
        small_gradients=mean_square * levels.SHOTS < loss_size(circuit) ** 2,
    )


def _by_groups(
    circuit: RotationCircuit,
    start: tuple[InitPoint, NDArray[np.float64], AngleLaw],
    groups: Sequence[Sequence[int]],
    widths: Sequence[float],
    centre: NDArray[np.float64],
    seed: int,
) -> tuple[InitPoint, NDArray[np.float64], AngleLaw]:
    """Improve one group's width after the other, once each."""
    best, own, law = start
    for group in groups:
        for w in widths:
            other = own.copy()
            other[list(group)] = w
            tried = _law(best.kind, other, centre)
            point = _point(circuit, tried, best.kind, best.width, seed)
            if point is not None and point.square > best.square + limits.INIT_ERRORS * (point.error + best.error):
                best, own, law = point, other, tried
    return best, own, law


def _law(kind: str, widths: NDArray[np.float64], centre: NDArray[np.float64]) -> AngleLaw:
    n = len(widths)
    if kind == "interval":
        return AngleLaw(("uniform",) * n, -widths, widths, "uniform interval")
    return AngleLaw.normal(widths, n, centre if kind == "around" else 0.0)


def _point(circuit: RotationCircuit, law: AngleLaw, kind: str, width: float, seed: int) -> InitPoint | None:
    """Return E‖∇ℓ‖² under a law; None where no engine gives it."""
    try:
        m = moments_of(circuit, law, seed=seed)
    except UnsupportedCircuitError:
        return None
    square = float(np.nansum(m.gradient_variance) + np.sum(m.gradient_mean**2))
    error = float(np.sqrt(np.nansum(m.gradient_variance_error**2)))
    return InitPoint(kind, width, square, error)
