"""``pw.scaling``: second moments over a family of sizes and depths."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, normal_form
from pennylane_wishart.errors import InputError, ModuleTooLargeError, WishartError
from pennylane_wishart.families.points import QUANTITIES, ScalingPoint, scaling_point
from pennylane_wishart.families.study import ScalingStudy
from pennylane_wishart.progress import progress_bar
from pennylane_wishart.variances import deep_limit, moments_of

__all__ = ["scaling"]

_logger = logging.getLogger("pennylane_wishart")

_FIRST = (4, 6, 8)
_FURTHER = (5, 7, 10, 9, 12, 11, 14)
_SMALL = 8
"""Qubits up to which every engine is cheap."""
_FEW_TERMS = 64
"""Words of an observable beyond which larger sizes take minutes."""
_CHEAP = ("exact words", "exact module", "exact tensor", "quadrature", "walkers")
"""Engines that are still cheap at the next size."""


def scaling(
    make_qnode: Callable,
    sizes: Sequence[int] | None = None,
    args: Callable | None = None,
    depths: Sequence[int] | Callable | None = None,
    angles="uniform",
    argnums=None,
    output=None,
    seed: int = 7,
    progress: bool | None = None,
    quantity: str = "gradient",
    **budget,
) -> ScalingStudy:
    """Follow the gradient variance of a family of QNodes over sizes, and over depths.

    The variances are those at each circuit's own depth (THEORY §4), beside the deep limit (§3).
    Their log2 is fitted against n (exponential) and log2 n (polynomial), and the integrated
    likelihoods decide between the two and no decay. NOT a proof: the verdict is about the sizes
    given, and is "cannot tell" where they do not decide.

    Args:
        make_qnode: ``make_qnode(n)`` returns a QNode, tape or RotationCircuit; with ``depths``,
            ``make_qnode(n, depth)``.
        sizes: numbers of qubits; five or more, even and odd ones if both occur in practice. None: 4, 6 and
            8, and further cheap ones, one at a time, while the verdict is "cannot tell".
        args: ``args(n)`` (with ``depths``, ``args(n, depth)``) returns the QNode's arguments, a
            tuple or one array. Only shapes matter for trainable arguments.
        depths: depths studied at each size, or a function n → depths.
        angles: law of the random angles, as for ``RotationCircuit.angle_law``.
        argnums, output: as for :func:`normal_form`.
        seed: seed of everything that is sampled.
        progress: show a bar; None: only in a terminal or notebook.
        quantity: what is followed: "gradient" (median over live parameters), "gradient_mean",
            "gradient_max" or "loss".
        budget: passed to ``moments_of``: ``n_walkers``, ``max_support``, ``max_work``,
            ``n_samples``.
    Returns:
        :class:`ScalingStudy`.
    Raises:
        InputError: for sizes, depths or arguments of the wrong kind.
        WishartError: whatever the circuit of one size raises, with that size in the message and the
            points already found in its attribute ``points``.
    Cost: one ``moments_of`` per point; exact to 8 qubits and inside light cones, walkers or
        matrix products beyond.
    Source: THEORY §9; arXiv:1803.11173 (decay with n), arXiv:2001.00550 (local and global costs).
        The evidence with a finite-size misfit is ours.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> def make(n):
        ...     @qml.qnode(qml.device("default.qubit"))
        ...     def f(x):
        ...         for w in range(n):
        ...             qml.RY(x[w], w)
        ...         return qml.expval(qml.prod(*[qml.Z(w) for w in range(n)]))
        ...     return f
        >>> study = scaling(make, [2, 3, 4, 5, 6, 7], args=lambda n: np.zeros(n))
        >>> study.verdict, round(study.slope, 6)
        ('exponential', -1.0)
    """
    given = sizes is not None
    grid = _grid(_FIRST if sizes is None else sizes, depths)
    if quantity not in QUANTITIES:
        raise InputError(f"quantity={quantity!r}: use one of {tuple(QUANTITIES)}.")
    for name, value in (("make_qnode", make_qnode), ("args", args)):
        if not callable(value):
            raise InputError(f"{name} must be a function of n; got {type(value).__name__}.")
    points: list[ScalingPoint] = []
    law: AngleLaw | None = None

    def point_at(n: int, depth: int | None) -> ScalingPoint:
        nonlocal law
        circuit = _read(make_qnode, args, n, depth, argnums, output)
        if not given and n > _SMALL and len(circuit.observable) > _FEW_TERMS:
            raise ModuleTooLargeError(f"An observable of {len(circuit.observable)} words is dear on {n} qubits.")
        law = circuit.angle_law(angles)
        moments = moments_of(circuit, law, seed=seed, **budget)
        return scaling_point(n, depth, circuit, moments, deep_limit(circuit, law), quantity)

    bar = progress_bar(progress, len(grid), 0, "scaling")
    try:
        for n, depth in grid:
            try:
                points.append(point_at(n, depth))
            except WishartError as err:
                raise _named(err, n, depth, tuple(points)) from err
            bar.update(1)
    finally:
        bar.close()
    if not given:
        _extend(points, depths, quantity, point_at)
    return ScalingStudy(tuple(points), quantity, law.name if law else "", seed)


def _extend(points: list[ScalingPoint], depths, quantity: str, point_at: Callable) -> None:
    """Add sizes while the verdict is open and they are cheap.

    A family need not exist at every size, so one that cannot be made is left out.
    """
    for n in _FURTHER:
        if ScalingStudy(tuple(points), quantity, "", 0).plateau is not None:
            return
        if n > _SMALL and not all(p.engine in _CHEAP for p in points):
            return
        try:
            points += [point_at(n, depth) for _, depth in _grid([n], depths)]
        except Exception:  # the user's factory, at a size that the user did not ask for
            _logger.debug("the family has no member of %d qubits", n, exc_info=True)
            continue


def _read(make_qnode, args, n, depth, argnums, output) -> RotationCircuit:
    key = (n,) if depth is None else (n, depth)
    call = args(*key)
    call = call if isinstance(call, tuple) else (call,)
    return normal_form(make_qnode(*key), argnums=argnums, output=output)(*call)


def _grid(sizes, depths) -> list[tuple[int, int | None]]:
    numbers = _integers("sizes", sizes)
    if depths is None:
        return [(n, None) for n in numbers]
    if callable(depths):
        return [(n, d) for n in numbers for d in _integers(f"depths({n})", np.atleast_1d(depths(n)))]
    per_size = _integers("depths", depths)
    return [(n, d) for n in numbers for d in per_size]


def _integers(name: str, values) -> list[int]:
    try:
        numbers = [int(v) for v in values]
        whole = all(int(v) == v for v in values)
    except (TypeError, ValueError):
        numbers, whole = [], False
    if not numbers or not whole or min(numbers) < 1:
        raise InputError(f"{name} needs positive integers, such as [4, 6, 8]; got {values!r}.")
    return sorted(set(numbers))


def _named(err: WishartError, n: int, depth: int | None, points: tuple) -> WishartError:
    """The same exception with the size in its message; nothing found is lost."""
    where = f"At n = {n}" + ("" if depth is None else f", depth {depth}")
    out = type(err)(f"{where}: {err}")
    out.points = points  # type: ignore[attr-defined]
    return out
