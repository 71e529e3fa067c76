"""Measured second derivatives: their variances at this depth, and the ends of their spectrum where a law holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from pennylane_wishart.comparison.estimates import NoisyLaw
from pennylane_wishart.comparison.reference import reference_hessians
from pennylane_wishart.comparison.statistics import QuantityComparison, borne_out, compare_sample, not_compared
from pennylane_wishart.comparison.variances import compare_variances, gradient_bounds
from pennylane_wishart.conventions import Quantity, Unavailable
from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Floats, Integers
from pennylane_wishart.ensembles.hessian import HessianEnsemble
from pennylane_wishart.measurement import Measurement
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.prediction.validity import Validity, check_law_shape
from pennylane_wishart.variances.drivers import loss_size

__all__ = ["compare_hessians", "separated_block"]

_ENDS = ((Quantity.HESSIAN_SMALLEST, 0), (Quantity.HESSIAN_LARGEST, -1))


def compare_hessians(pred: Prediction, data: Measurement, alpha: float, seed: int) -> tuple[QuantityComparison, ...]:
    """Test measured second derivatives; nothing where none were measured.

    Variances of all pairs are tested at this depth, as those of gradients are (:func:`compare_variances`). The
    smallest and largest eigenvalue of a block are held against the deep-limit law only where it holds: parameters
    with deep layers between them, and Hessians of the circuit's own, drawn inside, that have its shape.

    Args:
        alpha: false-alarm rate of each of the three.
    """
    if data.hessians is None or data.hessian_error is None:
        return ()
    return (_variances(pred, data, reference_hessians(pred), alpha), *_spectra(pred, data, alpha, seed))


def _variances(pred: Prediction, data: Measurement, own: Floats | None, alpha: float) -> QuantityComparison:
    name, found = Quantity.HESSIAN_VARIANCES, pred.hessian
    assert data.hessians is not None and data.hessian_error is not None  # asked by who calls
    if isinstance(found, Unavailable):
        return not_compared(name, str(found.reason), alpha)
    if data.shots is not None and data.shots < limits.FEWEST_SHOTS:
        few = f"{data.shots} shots of a circuit do not tell the noise of a second derivative"
        return not_compared(name, few, alpha)
    k, l = np.triu_indices(pred.n_params)
    # evenly spaced where there are more than a test can hold: the choice knows nothing of the data
    step = -(-len(k) // limits.HESSIAN_PAIRS)
    at = (k[::step], l[::step])
    slopes = gradient_bounds(pred.circuit)
    # each derivative brings its own factor to the bound on the loss
    bounds = np.outer(slopes, slopes)[at] / max(loss_size(pred.circuit), np.finfo(float).tiny)
    noise = np.nan_to_num(data.hessian_error[:, *at]) ** 2
    columns = None if own is None else own[:, *at]
    out = compare_variances(
        data.hessians[:, *at], found.variance[at], found.error[at], noise, alpha, bounds, None, columns
    )
    said = f"{int(np.sum(found.variance[at] > 0))} pairs of parameters, together and each alone"
    return replace(out, name=name, note=out.note if out.agrees is None else said)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The law of a number that is drawn, as the tests ask for it."""

    draws: Floats
    """Ascending."""

    def mean(self) -> float:
        return float(self.draws.mean())

    def var(self) -> float:
        return float(self.draws.var())

    def kurtosis(self) -> float:
        return float(stats.kurtosis(self.draws))

    def cdf(self, x: Any) -> Floats:
        return np.asarray(np.searchsorted(self.draws, x, side="right") / len(self.draws))

    def sample(self, size: int, rng: np.random.Generator) -> Floats:
        return rng.choice(self.draws, size)


def _spectra(pred: Prediction, data: Measurement, alpha: float, seed: int) -> list[QuantityComparison]:
    law, measured = pred.hessian_law, data.hessians
    assert measured is not None
    order = pred.circuit.parameter_of[pred.circuit.parameter_of >= 0]
    block = np.zeros(0, int) if isinstance(law, Unavailable) else separated_block(law, order, seed)
    seen = np.isfinite(measured[:, block[:, None], block]).all((1, 2))
    own: Floats | None = None
    if isinstance(law, Unavailable):
        reason = str(law.reason)
    elif data.shots is not None:
        reason = "eigenvalues of a noisy matrix spread further than those of the Hessian"
    elif len(block) < 2:
        reason = "no two parameters are seen to have deep layers between them"
    else:
        own, reason = reference_hessians(pred, block), str(Validity.NOT_ASSESSED.value)
    if isinstance(law, Unavailable) or own is None:
        return [not_compared(name, reason, alpha) for name, _ in _ENDS]
    drawn = law.of(block).spectra(limits.SPECTRUM_DRAWS, seed)[1]
    values = np.asarray(np.linalg.eigvalsh(measured[seen][:, block[:, None], block]), float)
    mine = np.asarray(np.linalg.eigvalsh(own), float)
    out = []
    for name, end in _ENDS:
        ends: Any = _Drawn(np.sort(drawn[:, end]))
        check = check_law_shape(ends, mine[:, end])
        if not check.established:
            out.append(not_compared(name, str(check), alpha))
            continue
        known = NoisyLaw(ends, 0.0, ends.cdf, limits.SPECTRUM_ERROR)
        found = borne_out(compare_sample(name, values[:, end], known, alpha, seed), values[:, end], mine[:, end])
        out.append(replace(found, note=f"block of {len(block)} parameters with deep layers between them"))
    return out


def separated_block(law: HessianEnsemble, order: Integers, seed: int) -> Integers:
    """Return parameters with deep layers between them: apart in the circuit, and of the deep limit's variances.

    One is looked for in every second of equal stretches of the circuit: the best of those whose exact variances with
    itself and with all before are those of the deep limit. The choice rests on the prediction alone, so that it
    changes no false-alarm rate.

    Args:
        order: parameters as they come in the circuit.
        seed: of the draws that tell the deep limit's variances.
    """
    live = order[law.norms[order] > 0]
    if law.variance is None or len(live) < 2:
        return np.zeros(0, int)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = law.variance / np.outer(law.norms, law.norms) ** 2
    deep = replace(law.of(live[:2]), variance=None).sample(limits.SPECTRUM_DRAWS, seed)[1].var(axis=0)
    deep /= np.outer(law.norms[live[:2]], law.norms[live[:2]]) ** 2
    chosen: list[int] = []
    for stretch in np.array_split(live, 2 * limits.SPECTRUM_BLOCK + 1)[1::2]:
        off = np.abs(np.c_[unit[stretch][:, chosen] / deep[0, 1], unit[stretch, stretch] / deep[0, 0]] - 1).max(axis=1)
        off = np.nan_to_num(off, nan=np.inf)  # a bound, and no value
        if len(stretch) and off.min() < limits.SPECTRUM_OFF:
            chosen.append(int(stretch[np.argmin(off)]))
    return np.array(chosen, int)
