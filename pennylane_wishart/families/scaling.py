"""``pw.scaling``: second moments over a family of sizes and depths."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, noise_free, normal_form
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import families as limits
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.errors import InputError, ModuleTooLargeError, WishartError
from pennylane_wishart.families.points import ScalingPoint, check_quantity, scaling_point
from pennylane_wishart.families.study import ScalingStudy
from pennylane_wishart.progress import progress_bar
from pennylane_wishart.variances import deep_limit, moments_of

__all__ = ["ScalingOptions", "scaling"]

_logger = logging.getLogger("pennylane_wishart")
_CHEAP = (EngineId.WORDS, EngineId.MODULE, EngineId.TENSOR, EngineId.QUADRATURE, EngineId.WALKERS)
"""Engines that are still cheap at the next size."""
_Depths: TypeAlias = Sequence[int] | Callable[[int], Any] | None


@dataclass(frozen=True)
class ScalingOptions:
    """What may be asked of :func:`scaling`, whose docstring says what each means."""

    sizes: Sequence[int] | None = None
    args: Callable[..., Any] | None = None
    depths: _Depths = None
    angles: str | AngleLaw | Any = "uniform"
    argnums: Any = None
    output: int | None = None
    seed: int = 7
    progress: bool | None = None
    quantity: str = "gradient"
    noise: Any = None
    budget: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse at the door what would otherwise fail inside the first circuit.

        Raises:
            InputError: naming the option.
        """
        check_quantity(self.quantity)
        if not callable(self.args):
            raise InputError(f"args must be a function of n; got {type(self.args).__name__}.")


@takes(ScalingOptions, first="make_qnode", rest="budget")
def scaling(make_qnode: Any, options: ScalingOptions) -> ScalingStudy:
    """Follow the gradient variance of a family of QNodes over sizes, and over depths.

    The variances are those at each circuit's own depth (THEORY §4), beside the deep limit (§3). Integrated
    likelihoods decide between an exponential law, a polynomial one and none. NOT a proof: the verdict is about
    the sizes given, and is "cannot tell" where they do not decide.

    Args:
        make_qnode: ``make_qnode(n)`` returns a QNode, tape or RotationCircuit; with ``depths``,
            ``make_qnode(n, depth)``.
        sizes: numbers of qubits; five or more, even and odd ones if both occur in practice. None: 4, 6 and
            8, and further cheap ones, one at a time, while the verdict is "cannot tell".
        args: ``args(n)`` (with ``depths``, ``args(n, depth)``) returns the QNode's arguments, a
            tuple or one array. Only shapes matter for trainable arguments.
        depths: depths studied at each size, or a function n → depths.
        angles: law of the random angles, as for ``RotationCircuit.angle_law``.
        argnums, output, seed, progress: as for :func:`diagnose`.
        quantity: a key of ``QUANTITIES``: what is followed.
        noise: as for :func:`predict`; ``ScalingStudy.noise_limited`` says where noise is the limit.
        budget: passed to ``moments_of``: ``n_walkers``, ``max_support``, ``max_work``, ``n_samples``.
    Returns:
        :class:`ScalingStudy`.
    Raises:
        InputError, WishartError: for arguments of the wrong kind; of one circuit, with the ``points`` found.
    Cost: one ``moments_of`` per point.
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
    grid = _grid(limits.FIRST_SIZES if options.sizes is None else options.sizes, options.depths)
    if not callable(make_qnode):
        raise InputError(f"make_qnode must be a function of n; got {type(make_qnode).__name__}.")
    options.check()
    family = _Family(make_qnode, options)
    points: list[ScalingPoint] = []
    bar = progress_bar(options.progress, len(grid), 0, "scaling")
    try:
        for n, depth in grid:
            try:
                points.append(family.point(n, depth))
            except WishartError as err:
                raise _named(err, n, depth, tuple(points)) from err
            bar.update(1)
    finally:
        bar.close()
    if options.sizes is None:
        _extend(points, family)
    return ScalingStudy(tuple(points), options.quantity, family.law_name, options.seed)


@dataclass
class _Family:
    """The user's factory with the options of the study."""

    make_qnode: Callable[..., Any]
    options: ScalingOptions
    law_name: str = ""
    """Of the last circuit read: laws are resolved a circuit at a time, for its periods."""

    def point(self, n: int, depth: int | None) -> ScalingPoint:
        """Read one circuit of the family and condense its second moments."""
        circuit, o = self._read(n, depth), self.options
        # sizes that nobody asked for may not make the call wait for minutes
        if o.sizes is None and n > limits.SMALL and len(circuit.observable) > limits.FEW_TERMS:
            raise ModuleTooLargeError(f"An observable of {len(circuit.observable)} words is dear on {n} qubits.")
        law = circuit.angle_law(o.angles)
        self.law_name = law.name
        plain = noise_free(circuit) if circuit.channels else circuit
        moments, deep = moments_of(plain, law, seed=o.seed, **o.budget), deep_limit(plain, law)
        free = scaling_point(n, depth, plain, moments, deep, o.quantity)
        if not circuit.channels:
            return free
        # no deep limit is that of a circuit with noise
        return scaling_point(
            n, depth, circuit, moments_of(circuit, law, seed=o.seed, **o.budget), None, o.quantity, free
        )

    def _read(self, n: int, depth: int | None) -> RotationCircuit:
        assert self.options.args is not None  # checked at the door
        key = (n,) if depth is None else (n, depth)
        call = self.options.args(*key)
        o = self.options
        read = normal_form(self.make_qnode(*key), argnums=o.argnums, output=o.output, noise=o.noise)
        circuit: RotationCircuit = read(*(call if isinstance(call, tuple) else (call,)))
        return circuit


def _extend(points: list[ScalingPoint], family: _Family) -> None:
    """Add sizes while the verdict is open and they are cheap.

    A family need not exist at every size, so one that cannot be made is left out.
    """
    for n in limits.FURTHER_SIZES:
        if ScalingStudy(tuple(points), family.options.quantity, "", 0).plateau is not None:
            return
        if n > limits.SMALL and not all(p.engine in _CHEAP for p in points):
            return
        try:
            points += [family.point(n, depth) for _, depth in _grid([n], family.options.depths)]
        except Exception:  # the user's factory, at a size that the user did not ask for
            _logger.debug("the family has no member of %d qubits", n, exc_info=True)


def _grid(sizes: Sequence[int], depths: _Depths) -> list[tuple[int, int | None]]:
    numbers = _integers("sizes", sizes)
    if depths is None:
        return [(n, None) for n in numbers]
    if callable(depths):
        return [(n, d) for n in numbers for d in _integers(f"depths({n})", np.atleast_1d(depths(n)))]
    per_size = _integers("depths", depths)
    return [(n, d) for n in numbers for d in per_size]


def _integers(name: str, values: Any) -> list[int]:
    try:
        numbers = [int(v) for v in values]
        whole = all(int(v) == v for v in values)
    except (TypeError, ValueError):
        numbers, whole = [], False
    if not numbers or not whole or min(numbers) < 1:
        raise InputError(f"{name} needs positive integers, such as [4, 6, 8]; got {values!r}.")
    return sorted(set(numbers))


def _named(err: WishartError, n: int, depth: int | None, points: tuple[ScalingPoint, ...]) -> WishartError:
    """The same exception with the size in its message; nothing found is lost."""
    where = f"At n = {n}" + ("" if depth is None else f", depth {depth}")
    out = type(err)(f"{where}: {err}")
    out.points = points  # type: ignore[attr-defined]  # whatever error it is, the points travel on it
    return out
