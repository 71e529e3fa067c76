"""What is measured of a cost at random parameters: its gradient, chain factors, and what the sum hides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Bools, Floats
from pennylane_wishart.costs.programs import Program
from pennylane_wishart.progress import progress_bar

__all__ = ["CostSamples", "sample_cost"]


@dataclass(frozen=True, eq=False)
class CostSamples:
    """Values at ``S`` random parameter sets; ``T`` of them were followed further."""

    parameters: Floats
    """``(S, p)``"""
    costs: Floats
    """``(S,)``"""
    gradients: Floats
    """∂C/∂θ, ``(S, p)``."""
    outputs: Floats
    """Every number that QNodes returned, ``(S, m)``."""
    chain: Floats
    """∂C/∂f, ``(S, m)``."""
    output_gradients: Floats
    """Σ_j ε_j ∂f_j/∂θ with random signs, ``(T, p)``: the mean square is the sum of the outputs' squares."""
    terms: Floats
    """Σ_j ε_j (∂C/∂f_j)(∂f_j/∂θ), ``(T, p)``: what the squares of the cost's gradient would be without cancellation."""
    precision: float

    @property
    def zero(self) -> Bools:
        """bool ``(p,)``: the cost's gradient is 0 in every sample."""
        return self._vanishes(self.gradients, self.terms, float(np.abs(self.chain).max(initial=0.0)))

    @property
    def dark(self) -> Bools:
        """bool ``(p,)``: no output has a derivative by this parameter."""
        return self._vanishes(self.output_gradients, self.output_gradients, 1.0)

    @property
    def untransmitted(self) -> Bools:
        """bool ``(p,)``: no output that the cost has a derivative by has one by this parameter."""
        return self._vanishes(self.terms, self.terms, float(np.abs(self.chain).max(initial=0.0)))

    @property
    def flat_outputs(self) -> Bools:
        """bool ``(m,)``: the cost has no derivative by this output."""
        return np.asarray(
            np.abs(self.chain).max(axis=0) <= self.precision * max(np.abs(self.chain).max(initial=0.0), 0.0)
        )

    def _vanishes(self, values: Floats, usual: Floats, unit: float) -> Bools:
        # beside what is usual: a gradient of 1e-12 among ones of 1e-11 is none of rounding
        scale = max(float(np.abs(usual).max(initial=0.0)), float(np.abs(values).max(initial=0.0)))
        floor = limits.ROUNDING * self.precision * unit
        return np.asarray(np.abs(values).max(axis=0) <= max(self.precision * scale, floor))


def sample_cost(
    program: Program,
    law: AngleLaw,
    leaves: tuple[tuple[int, ...], ...],
    samples: int,
    seed: int,
    progress: bool | None,
) -> CostSamples:
    """Draw parameters and differentiate the cost at each.

    Args:
        program: the cost.
        law: of its flat parameters.
        leaves: shapes of what its QNodes return, in order.
        samples: how many parameter sets.
        seed: of parameters and signs.
        progress: as everywhere.
    Cost: one run and one derivative a sample, two more for the first ``limits.PROBED``.
    """
    rng = np.random.default_rng(seed)
    points = law.sample(rng, samples)
    rows: list[tuple[Floats, ...]] = []
    probes: list[tuple[Floats, Floats]] = []
    bar = progress_bar(progress, samples, 0, "differentiating the cost")
    costs = np.empty(samples)
    try:
        for i, x in enumerate(points):
            found = program.differentiate(x, leaves)
            none = np.zeros(len(found.outputs))
            gradient, chain = found.pull(1.0, none)
            costs[i] = found.cost
            rows.append((gradient, found.outputs, chain))
            if i < limits.PROBED:
                signs = rng.choice([-1.0, 1.0], len(none))
                probes.append((found.pull(0.0, signs)[0], found.pull(0.0, signs * chain)[0]))
            bar.update(1)
    finally:
        bar.close()
    gradients, outputs, chain = (np.array(column) for column in zip(*rows, strict=True))
    bare, terms = (np.array(column) for column in zip(*probes, strict=True))
    return CostSamples(points, costs, gradients, outputs, chain, bare, terms, program.precision)
