"""The labels that a cost pulls its outputs to, and whether the circuit can reach them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.costs.outputs import CostOutput
from pennylane_wishart.costs.programs import Program
from pennylane_wishart.costs.sampling import CostSamples
from pennylane_wishart.diagnosis import Diagnosis
from pennylane_wishart.outlook import reach_of

__all__ = ["Label", "find_labels"]


@dataclass(frozen=True)
class Label(Shown):
    """The value at which the cost is smallest as a function of one output, the others held."""

    output: int
    value: float
    low: float
    """No parameters give less."""
    high: float
    """No parameters give more."""

    @property
    def reachable(self) -> bool:
        """Whether the value lies within the bounds."""
        slack = limits.RANGE * max(1.0, self.high - self.low)
        return self.low - slack <= self.value <= self.high + slack


def find_labels(
    program: Program, samples: CostSamples, leaves: Sequence[tuple[int, ...]], outputs: Sequence[CostOutput]
) -> tuple[Label, ...]:
    """Find the labels of costs that are quadratic in single outputs, as mean squared errors are.

    With C'(f) = a(f − y) two chain factors at f and f + h give y; it counts where all samples give the same.

    Cost: ``limits.LABEL_SAMPLES`` more derivatives of the cost, and an eigenvalue or two an output.
    Source: ours.
    """
    guesses = np.array([_guesses(program, samples, leaves, i) for i in range(limits.LABEL_SAMPLES)])
    out = []
    for i, o in enumerate(outputs):
        found = guesses[:, list(o.places)].reshape(-1)
        if o.mapped or isinstance(o.diagnosis, Unavailable) or not np.isfinite(found).all():
            continue
        y = float(np.median(found))
        if np.abs(found - y).max() <= limits.LABEL * max(1.0, abs(y)) * (samples.precision / limits.ZERO_DOUBLE) ** 0.5:
            out.append(Label(i, y, *_range(o.diagnosis)))
    return tuple(out)


def _guesses(program: Program, samples: CostSamples, leaves: Sequence[tuple[int, ...]], i: int) -> Floats:
    """y from one sample, for everything that QNodes return; NaN where the cost is not convex in it."""
    m = samples.outputs.shape[1]
    x, f, slope = samples.parameters[i], samples.outputs[i], samples.chain[i]
    shifted = program.differentiate(x, leaves, np.full(m, limits.LABEL_TAP)).pull(1.0, np.zeros(m))[1]
    bend = (shifted - slope) / limits.LABEL_TAP
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(bend > limits.LINEAR * np.abs(samples.chain).max(), f - slope / bend, np.nan))


def _range(diagnosis: Diagnosis) -> tuple[float, float]:
    """Bounds on one output that no parameters pass."""
    signature, circuit = diagnosis.prediction.signature, diagnosis.prediction.circuit
    turned = replace(circuit, observable=circuit.observable.scale(-1.0), trace=None)
    return reach_of(signature, circuit).reachable, -reach_of(signature, turned).reachable
