"""``pw.compare_inits``: the gradients of one QNode under several laws of random angles."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, normal_form
from pennylane_wishart.conventions import UpperBounds
from pennylane_wishart.conventions import families as limits
from pennylane_wishart.conventions.options import asks
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import AngleLawError, InputError, Status
from pennylane_wishart.families.bits import Bits, Log2Value
from pennylane_wishart.families.table import columns, wrapped
from pennylane_wishart.progress import progress_bar
from pennylane_wishart.variances import SecondMoments, moments_of

__all__ = ["InitComparison", "InitRow", "compare_inits"]

_COLUMNS = (-20, 14, 14, 9, 5, -13)


@dataclass(frozen=True, eq=False)
class InitRow(Shown):
    """Gradients under one law of angles."""

    name: str
    law: AngleLaw
    second_moment: NDArray[np.float64]
    """``(n_params,)``: E[(∂ℓ)²] = Var + mean²; NaN where only a bound is known."""
    log2_second_moment: NDArray[np.float64]
    """``(n_params,)``; −inf where dead, NaN where only a bound is known."""
    second_moment_upper: UpperBounds
    second_moment_error: NDArray[np.float64]
    """Standard errors of ``second_moment``; 0 where exact, NaN where only a bound is known."""
    mean: NDArray[np.float64]
    """``(n_params,)``: E[∂ℓ], 0 for uniform angles."""
    status: tuple[Status, ...]
    median: Log2Value
    """log2 of the median E[(∂ℓ)²] over live parameters."""
    median_variance: Log2Value
    """log2 of the median Var[∂ℓ] over live parameters."""
    n_dead: int
    loss_mean: float
    loss_variance: float
    """NaN where only a bound is known."""
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values; −inf and NaN as null."""
        bits, values, errors, upper = (
            [float(v) if np.isfinite(v) else None for v in array]
            for array in (
                self.log2_second_moment,
                self.second_moment,
                self.second_moment_error,
                self.second_moment_upper.at_most_log2,
            )
        )
        return {
            "name": self.name,
            "law": self.law.to_dict(),
            "second_moment": values,
            "log2_second_moment": bits,
            "log2_second_moment_at_most": upper,
            "second_moment_error": errors,
            "mean": self.mean.tolist(),
            "status": [s.name for s in self.status],
            "median": self.median.to_dict(),
            "median_variance": self.median_variance.to_dict(),
            "n_dead": self.n_dead,
            "loss_mean": self.loss_mean,
            "loss_variance": self.loss_variance if np.isfinite(self.loss_variance) else None,
            "engine": self.engine,
        }


@dataclass(frozen=True, eq=False)
class InitComparison(Shown):
    """Laws of initial angles side by side, largest median gradient first.

    Large gradients at the start are not a promise of a good minimum: a law concentrated on a
    point sees only that point's neighbourhood.
    """

    rows: tuple[InitRow, ...]
    n_params: int
    seed: int

    def __post_init__(self) -> None:
        if not self.rows:
            raise InputError("An InitComparison needs at least one law of angles.")

    @property
    def best(self) -> str:
        """Name of the law with the largest median E[(∂ℓ)²] over live parameters."""
        return self.rows[0].name

    @property
    def tied(self) -> tuple[str, ...]:
        """Names of the laws that are not told apart from ``best`` within two standard errors."""
        top = self.rows[0].median
        return tuple(r.name for r in self.rows[1:] if _overlap(top, r.median))

    def __getitem__(self, name: str) -> InitRow:
        for row in self.rows:
            if row.name == name:
                return row
        raise InputError(f"No initialisation {name!r}: there are {[r.name for r in self.rows]}.")

    def __str__(self) -> str:
        lines = wrapped(f"Largest gradients, by the median live parameter: {self.best}")
        head = ("initialisation", "log2 E[grad^2]", "log2 Var", "mean loss", "dead", "engine")
        lines.append(columns(_COLUMNS, head))
        for row in self.rows:
            cells = (row.name, row.median, row.median_variance, f"{row.loss_mean:.3g}", row.n_dead, row.engine)
            lines.append(columns(_COLUMNS, cells))
        lines += wrapped(
            f"{self.n_params} parameters; log2 of the median over the live ones; E[grad^2] = Var + mean^2."
        )
        if self.tied:
            names = ", ".join(self.tied)
            lines += wrapped(f"Not told apart from {self.best} within two standard errors: {names}.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "schema_version": 1,
            "record": "InitComparison",
            "best": self.best,
            "tied": list(self.tied),
            "n_params": self.n_params,
            "seed": self.seed,
            "rows": [r.to_dict() for r in self.rows],
        }


@asks
def compare_inits(
    qnode: Any,
    inits: Mapping[str, Any],
    seed: int = 7,
    argnums: Any = None,
    output: int | None = None,
    progress: bool | None = None,
    **budget: Any,
) -> Any:
    """Compare laws of initial angles by the second moment of every gradient component.

    For each law: ``E[(∂_kℓ)²] = Var[∂_kℓ] + E[∂_kℓ]²`` at the circuit's own depth (THEORY §4). The
    mean matters: for angles close to a point it is most of the gradient. NOT a statement about
    where training ends.

    Args:
        qnode: QNode, tape or RotationCircuit.
        inits: name → law, each as ``angles=`` elsewhere: "uniform", "small", ``("normal", σ)``,
            ``("uniform", low, high)``, an :class:`AngleLaw`; σ in radians.
        seed: seed of everything that is sampled.
        argnums, output: as for :func:`normal_form`.
        progress: True, False, or None for a bar in terminals and notebooks.
        budget: passed to ``moments_of``, such as ``n_walkers``.
    Returns:
        A function of the QNode's arguments that returns an :class:`InitComparison`; the comparison
        itself when given a RotationCircuit.
    Raises:
        InputError: if ``inits`` is not a non-empty mapping.
        AngleLawError: for an unknown law; the message names it.
    Cost: one ``moments_of`` per law.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     for w in range(6):
        ...         qml.RY(x[w], w)
        ...     return qml.expval(qml.prod(*[qml.Z(w) for w in range(6)]))
        >>> inits = {"uniform": "uniform", "narrow": ("normal", 0.3)}
        >>> result = compare_inits(f, inits)(np.zeros(6))
        >>> result.best, round(result["uniform"].median.value, 6)
        ('narrow', -6.0)
    """
    if not isinstance(inits, Mapping) or not inits:
        raise InputError(f"inits needs a mapping name → law, such as {{'small': ('normal', 0.1)}}; got {inits!r}.")
    if isinstance(qnode, RotationCircuit):
        return _compare(qnode, inits, seed, progress, budget)

    @functools.wraps(getattr(qnode, "func", compare_inits))
    def run(*args: Any, **kwargs: Any) -> InitComparison:
        circuit = normal_form(qnode, argnums=argnums, output=output)(*args, **kwargs)
        return _compare(circuit, inits, seed, progress, budget)

    return run


def _compare(
    circuit: RotationCircuit, inits: Mapping[str, Any], seed: int, progress: bool | None, budget: dict[str, Any]
) -> InitComparison:
    laws = {}
    for name, spec in inits.items():
        try:
            laws[str(name)] = circuit.angle_law(spec)
        except AngleLawError as err:
            raise AngleLawError(f"inits[{name!r}]: {err}") from err
    rows = []
    bar = progress_bar(progress, len(laws), 0, "comparing initialisations", unit="law")
    try:
        for name, law in laws.items():
            rows.append(_row(name, law, moments_of(circuit, law, seed=seed, **budget)))
            bar.update(1)
    finally:
        bar.close()
    rows.sort(key=_place)
    return InitComparison(tuple(rows), circuit.n_params, seed)


def _row(name: str, law: AngleLaw, moments: SecondMoments) -> InitRow:
    variance = Bits.of(moments)
    mean = np.asarray(moments.gradient_mean, float)
    with np.errstate(divide="ignore"):  # a mean of 0 adds nothing: −inf bits
        total = variance.plus(2 * np.log2(np.abs(mean)))
    return InitRow(
        name=name,
        law=law,
        second_moment=np.exp2(total.value),
        log2_second_moment=total.value,
        second_moment_upper=UpperBounds(total.upper, total.confidence),
        second_moment_error=np.where(total.bound, np.nan, np.nan_to_num(moments.gradient_variance_error)),
        mean=mean,
        status=tuple(total.status),
        median=total.take(total.live).median(),
        median_variance=variance.take(variance.live).median(),
        n_dead=int((~total.live).sum()),
        loss_mean=float(moments.loss_mean),
        loss_variance=float(moments.loss_variance),
        engine=moments.engine,
    )


def _place(row: InitRow) -> tuple[bool, float]:
    median = row.median
    # a law known only by an upper limit cannot be called the best while another has a value
    return (False, -median.value) if median.at_most is None else (True, -median.limit)


def _overlap(a: Log2Value, b: Log2Value) -> bool:
    if not (a.known and b.known):
        least = -np.inf if a.at_most is not None else a.value - limits.STANDARD_ERRORS * np.nan_to_num(a.error)
        # a bound above that leaves open which of the two is larger
        return b.at_most is not None and b.limit > least
    return bool(a.value - b.value <= limits.STANDARD_ERRORS * np.hypot(a.error, b.error) + limits.TIE_BITS)
