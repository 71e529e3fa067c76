"""``pw.slices``: the loss on a plane through parameter space, beside what it does at random angles."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.measurement import find_minima
from pennylane_wishart.measurement.options import MeasureOptions, count
from pennylane_wishart.measurement.setup import Setup, prepare_measurement
from pennylane_wishart.serialize import Written
from pennylane_wishart.threads import one_thread
from pennylane_wishart.variances import moments_of

__all__ = ["SliceOptions", "Slices", "slices"]

_KINDS = ("random", "hessian", "descent")


@dataclass(frozen=True, eq=False)
class SliceOptions:
    """Options of ``slices``.

    directions: "random"; "hessian" (eigenvectors of the smallest and of the largest eigenvalue); "descent" (the line
        from the point to where a descent from it ends, and a random direction across); or an array
        ``(2, n_params)`` of your own. They are made orthonormal.
    at: the point: the trainable arguments, or their values in a row; None: those of the call.
    reach: radians to either side of the point; of the descent's line, and across, half its length where None.
    points: along each direction.
    seed: of random directions.
    angles: the law of the random angles that the losses are held against.
    device, route, argnums, output, encoding, datum: as for :func:`measure`.
    """

    directions: Any = "random"
    at: Any = None
    reach: float | None = None
    points: int = 41
    seed: int = 7
    angles: Any = "uniform"
    device: Any = None
    route: str | None = None
    argnums: Any = None
    output: Any = None
    encoding: str = "fixed"
    datum: int = 0


@dataclass(frozen=True, eq=False)
class Slices(Written):
    """Losses at ``parameters + first[i]·directions[0] + second[j]·directions[1]``, exact."""

    parameters: Floats
    """The point, radians ``(n_params,)``."""
    directions: Floats
    """Orthonormal, ``(2, n_params)``."""
    labels: tuple[str, str]
    first: Floats
    """radians ``(m,)``"""
    second: Floats
    """radians ``(m,)``"""
    losses: Floats
    """``(m, m)``, observable's units; rows run along the first direction."""
    mean: float
    """E[ℓ] at random angles, at this depth; NaN where no engine gives it."""
    scale: float
    """Predicted standard deviation of ℓ at random angles; NaN where only a bound on it is known."""
    scale_error: float
    """Its standard error; 0 where exact."""
    engine: str
    """What gave mean and scale, or why nothing did."""
    marks: tuple[tuple[str, float, float], ...]
    """Places on the plane: what each is called, and its coordinates along both directions."""
    device: str
    route: str

    def __post_init__(self) -> None:
        if self.losses.shape != (len(self.first), len(self.second)):
            raise InputError(f"Slices.losses needs shape ({len(self.first)}, {len(self.second)}).")

    @property
    def heights(self) -> Floats:
        """Losses less their mean at random angles, in predicted standard deviations ``(m, m)``."""
        return (self.losses - self.mean) / self.scale

    def __str__(self) -> str:
        low, high = float(self.losses.min()), float(self.losses.max())
        beside = f", predicted standard deviation at random angles {self.scale:.4g} ({self.engine})"
        return (
            f"Plane of {self.losses.size} losses along {self.labels[0]} and {self.labels[1]}: {low:.4g} to {high:.4g}"
            f"{beside if np.isfinite(self.scale) else f'; {self.engine}'}"
        )


@takes(SliceOptions)
def slices(qnode: Any, options: SliceOptions) -> Callable[..., Slices]:
    """Compute the loss on a plane through a point, with its spread at random angles as the scale.

    A plane shows what two directions show: minima of the plane need not be minima of the loss, and a landscape of
    many parameters looks rougher or flatter along others. Needs an analytic device.

    Args:
        qnode: a QNode, tape, TracedCircuit or RotationCircuit.
        {options}
    Returns:
        A function of the QNode's arguments that returns :class:`Slices`; ``plots.plot_slices`` draws it.
    Raises:
        InputError: for a bad option, a point of another shape, or a device with shots.
    Cost: ``points²`` losses; two gradients a gate for "hessian", one descent for "descent".
    Source: two-dimensional planes as in H. Li et al., arXiv:1712.09913; the scale is ours.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit", wires=2))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 1)
        ...     return qml.expval(qml.Z(0) @ qml.Z(1))
        >>> found = slices(f, directions=[[1, 0], [0, 1]], points=5)(np.array([0.0, 0.0]))
        >>> found.losses[2].round(6).tolist(), found.scale
        ([-1.0, 0.0, 1.0, 0.0, -1.0], 0.5)
    """
    count("points", options.points, 2)
    if options.reach is not None and not options.reach > 0:
        raise InputError(f"reach must be positive radians; got {options.reach!r}.")
    if isinstance(options.directions, str) and options.directions not in _KINDS:
        raise InputError(f"directions={options.directions!r}: use one of {_KINDS}, or an array (2, n_params).")

    @functools.wraps(getattr(qnode, "func", slices))
    def run(*args: Any, **kwargs: Any) -> Slices:
        shared = ("seed", "angles", "device", "route", "argnums", "output", "encoding", "datum")
        asked = MeasureOptions(samples=1, parameters=[], **{k: getattr(options, k) for k in shared})
        setup = prepare_measurement(qnode, args, kwargs, asked)
        if setup.plan.shots is not None:
            raise InputError("slices needs exact losses: use a device without shots.")
        if setup.target.n_params < 2:
            raise InputError(f"A plane needs two parameters; the circuit has {setup.target.n_params}.")
        arguments = setup.target.trace.arguments
        point = arguments.point(arguments.values if options.at is None else options.at)
        with one_thread(setup.engine.n_qubits):
            return _plane(setup, options, np.asarray(point, float))

    return run


def _plane(setup: Setup, options: SliceOptions, point: Floats) -> Slices:
    """Compute the losses of a prepared plane."""
    frame, labels, length = _directions(setup, options, point)
    reach = (limits.SLICE_REACH if length is None else length / 2) if options.reach is None else options.reach
    line = np.linspace(-reach, reach, options.points)
    first = line + (0.0 if length is None else length / 2)
    grid = first[:, None, None] * frame[0] + line[:, None] * frame[1] + point
    losses = setup.engine.losses(grid.reshape(-1, len(point))).reshape(len(first), len(line))
    mean, scale, error, engine = _scale(setup, options)
    marks = (("point", 0.0, 0.0),) if length is None else (("start", 0.0, 0.0), ("end", length, 0.0))
    return Slices(point, frame, labels, first, line, losses, mean, scale, error, engine, marks, setup.recipe.label,
                  setup.engine.route)  # fmt: skip


def _directions(setup: Setup, options: SliceOptions, point: Floats) -> tuple[Floats, tuple[str, str], float | None]:
    """Return orthonormal directions, their names, and the length of a descent's line."""
    rng = np.random.default_rng(options.seed)
    names, length = ("a random direction", "another random direction"), None
    kind = options.directions
    if not isinstance(kind, str):
        given = np.asarray(kind, float)
        if given.shape != (2, len(point)) or not np.all(np.isfinite(given)):
            raise InputError(f"directions need shape (2, {len(point)}) and finite numbers; got {given.shape}.")
        names = ("the first direction", "the second direction")
    elif kind == "hessian":
        values, vectors = np.linalg.eigh(setup.engine.hessians(point[None])[0])
        given = vectors[:, [0, -1]].T
        names = (f"the Hessian's lowest eigenvector ({values[0]:.3g})", f"its highest ({values[-1]:.3g})")
    else:
        given = rng.standard_normal((2, len(point)))
        if kind == "descent":
            given[0] = _to_the_end(setup, options, point)
            length = float(np.linalg.norm(given[0]))
            names = ("the line to a descent's end", "a random direction across")
    q, r = np.linalg.qr(given.T)
    if np.abs(np.diag(r)).min() <= limits.SLICE_INDEPENDENT * np.abs(r).max():
        raise InputError("directions are parallel or zero; a descent has none where the point is its own end.")
    return q.T * np.sign(np.diag(r))[:, None], names, length


def _to_the_end(setup: Setup, options: SliceOptions, point: Floats) -> Floats:
    """Return the shortest way from the point to where a descent from it ends."""
    same = {k: getattr(options, k) for k in ("device", "route", "datum")}
    found = find_minima(setup.target.trace, 1, options.seed, angles=AngleLaw.fixed(point), hessian=False,
                        progress=False, **same)()  # fmt: skip
    way = np.asarray(found.parameters[0] - point)
    return way - found.periods * np.round(way / np.where(found.periods > 0, found.periods, np.inf))


def _scale(setup: Setup, options: SliceOptions) -> tuple[float, float, float, str]:
    """Return mean and standard deviation at random angles, the latter's error, and what gave them."""
    circuit, nan = setup.target.circuit, float("nan")
    if circuit is None:
        return nan, nan, nan, "no normal form, so no spread is predicted"
    try:
        found = moments_of(circuit, setup.plan.law, seed=options.seed)
    except (ModuleTooLargeError, UnsupportedCircuitError) as error:
        return nan, nan, nan, str(error)
    scale = float(np.sqrt(found.loss_variance))
    # of a root: half the relative error of the variance
    doubt = 0.0 if scale == 0 else found.loss_variance_error / (2 * scale)
    return found.loss_mean, scale, doubt, str(found.engine)
