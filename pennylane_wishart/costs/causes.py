"""Where the gradient of a cost is lost: what the samples, difference quotients and the circuits say of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions import CostCause, Unavailable, levels
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Bools, Floats
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.costs.outputs import CostOutput, content
from pennylane_wishart.costs.programs import Program
from pennylane_wishart.costs.sampling import CostSamples

__all__ = ["Finding", "find_cause"]


@dataclass(frozen=True)
class Finding(Shown):
    """What is wrong, where, and what to do."""

    cause: CostCause
    text: str
    """Why, as a clause."""
    advice: str
    parameters: tuple[int, ...] = ()
    """Flat indices of the parameters that it is said of; empty where of all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cause", CostCause(self.cause))  # read back as the word that it is


_FINE = Finding(CostCause.NOTHING, "gradients reach every parameter that counts", "Train it.")


def find_cause(program: Program, samples: CostSamples, outputs: Sequence[CostOutput]) -> Finding:
    """Name the first cause that applies: parameters without any gradient, then gradients that are too small.

    Args:
        program: the cost, run again at a few parameters where a derivative is 0.
        samples: of the cost.
        outputs: what its QNodes return.
    Cost: two runs of the cost for each parameter without gradient, to ``limits.SINGLE_PARAMETERS``.
    """
    found = _Lost(program, samples).finding() if samples.zero.any() else None
    return found or _small(samples, outputs) or _FINE


class _Lost:
    """Parameters whose gradient is 0 in every sample."""

    def __init__(self, program: Program, samples: CostSamples) -> None:
        self.program, self.samples = program, samples
        single = samples.precision > limits.ZERO_DOUBLE
        self.moved = max(limits.MOVED, samples.precision)
        self.step = limits.STEP_SINGLE if single else limits.STEP_DOUBLE
        self.points = samples.parameters[: limits.TRIED]

    def finding(self) -> Finding | None:
        """The cause that most of them have, where they are enough to be a fault."""
        zero = self.samples.zero
        kinds = np.full(len(zero), "", object)
        kinds[zero & ~self.samples.untransmitted] = CostCause.CANCELLED
        behind = zero & self.samples.untransmitted & ~self.samples.dark
        if behind.any():
            kinds[behind] = self._after()
        self._before(np.flatnonzero(zero & self.samples.dark), kinds)
        unseen = np.array([k is CostCause.DEAD for k in kinds])
        for cause in (CostCause.DETACHED, CostCause.STEP, CostCause.CANCELLED, CostCause.DEAD):
            mask = np.array([k is cause for k in kinds])
            # a detached parameter is never meant; a few of the others are in every last layer. What the circuit
            # does not see anyway says nothing of a step behind it
            whole = mask | unseen if mask.any() and cause is not CostCause.DEAD else mask
            if mask.any() and (cause is CostCause.DETACHED or self._is_fault(mask) or whole.all()):
                return _worded(cause, mask, bool((behind & mask).any()))
        return None

    def _is_fault(self, mask: Bools) -> bool:
        """A whole tensor, a whole layer of one, or most of all parameters."""
        if mask.mean() > limits.LOST:
            return True
        bounds = self.program.bounds
        for low, high, shape in zip(bounds[:-1], bounds[1:], self.program.shapes, strict=True):
            own = mask[low:high]
            if own.size and own.all():
                return True
            if len(shape) > 1 and own.reshape(shape[0], -1).all(axis=1).any() and own.size > shape[0]:
                return True
        return False

    def _after(self) -> CostCause:
        """Behind the QNodes: a number that was taken out still moves the cost, a step does not."""
        flat = self.samples.flat_outputs
        rng = np.random.default_rng(0)
        quotients = []
        for x in self.points:
            tap = self.step * flat * rng.choice([-1.0, 1.0], len(flat))
            up, down = self.program.run(x, tap).cost, self.program.run(x, -tap).cost
            quotients.append(abs(up - down) / (2 * self.step))
        scale = max(float(np.abs(self.samples.chain).max(initial=0.0)), float(np.ptp(self.samples.costs)), 1.0)
        return CostCause.DETACHED if np.median(quotients) > self.moved * scale else CostCause.STEP

    def _before(self, lost: np.ndarray, kinds: np.ndarray) -> None:
        """Before the QNodes, or in them: what happens to the outputs when the parameter is moved."""
        groups = [[k] for k in lost]
        if len(lost) > limits.SINGLE_PARAMETERS:
            owner = np.searchsorted(self.program.bounds, lost, side="right")
            groups = [list(lost[owner == t]) for t in np.unique(owner)]
        usual = max(float(np.ptp(self.samples.outputs, axis=0).max(initial=0.0)), float(np.ptp(self.samples.costs)))
        # where nothing moves at all, what rounding moves is not to be taken for a change
        usual = max(usual, self.samples.precision / limits.ROUNDING)
        for group in groups:
            kinds[group] = self._kind(group, usual)

    def _kind(self, group: Sequence[int], usual: float) -> CostCause:
        x = self.points[0]
        near, far = np.zeros((2, len(x)))
        near[group], far[group] = self.step, 1.0
        here, by_step, by_much = (self._state(x + shift) for shift in (0.0, near, far))
        if np.abs(by_step[0] - here[0]).max() > self.moved * self.step * usual:
            return CostCause.DETACHED
        if np.abs(by_much[0] - here[0]).max() > self.moved * usual:
            return CostCause.STEP
        # nothing moves: gates that turn say that the circuit does not see them
        return CostCause.DEAD if by_much[1] != here[1] else CostCause.DETACHED

    def _state(self, x: Floats) -> tuple[Floats, tuple[Hashable, ...]]:
        run = self.program.run(x)
        called = tuple(content(v) for call in run.calls for v in (*call.args, *call.kwargs.values()))
        return np.append(run.outputs, run.cost), called


_WORDS = {
    CostCause.DETACHED: (
        "{n} get no gradient because they, or what QNodes return for them, are taken out of the computation",
        "Keep parameters as floats of the interface from the argument to the cost: no detach, unwrap, numpy, item or "
        "integers, and use every one of them.",
    ),
    CostCause.STEP: (
        "{n} get no gradient: a function with steps stands {where} the circuit (sign, round, argmax, a comparison)",
        "Use a smooth function in its place: tanh or the expectation value itself for sign, cross-entropy for argmax.",
    ),
    CostCause.CANCELLED: (
        "{n} have gradients in the circuits that add up to exactly 0",
        "The cost does not depend on them: look for sums of all probabilities, differences of equal terms and labels "
        "that balance.",
    ),
    CostCause.DEAD: (
        "{n} turn gates that no output of the cost can see",
        "Measure wires that those gates reach, or remove the gates.",
    ),
}


def _worded(cause: CostCause, mask: Bools, behind: bool) -> Finding:
    lost = tuple(int(k) for k in np.flatnonzero(mask))
    text, advice = _WORDS[cause]
    n = f"all {len(mask)} parameters" if mask.all() else f"{len(lost)} of {len(mask)} parameters"
    return Finding(cause, text.format(n=n, where="behind" if behind else "before"), advice, lost)


def _small(samples: CostSamples, outputs: Sequence[CostOutput]) -> Finding | None:
    """Gradients that are there, and lost in size."""
    t = len(samples.terms)
    whole, parts = float((samples.gradients[:t] ** 2).sum()), float((samples.terms**2).sum())
    if whole < limits.CANCELLED * parts:
        text = f"the gradients of single outputs cancel in the sum: {np.sqrt(whole / parts):.1g} of their size is left"
        advice = (
            "Look at the labels' balance and at terms of opposite sign: train on fewer data at a time, or centre them."
        )
        return Finding(CostCause.CANCELLED, text, advice)
    reach = np.abs(samples.chain) @ _half_ranges(outputs, samples.chain.shape[1])
    moved = float(np.quantile(reach, limits.CHAIN_QUANTILE))
    if moved < limits.SMALL_CHAIN:
        text = (
            f"the cost hardly depends on its outputs: it moves by {moved:.1g} while they run through half their range"
        )
        return Finding(CostCause.SMALL_CHAIN, text, "Rescale the cost, or leave the flat part of its last function.")
    return _small_in_circuit(samples, outputs)


def _small_in_circuit(samples: CostSamples, outputs: Sequence[CostOutput]) -> Finding | None:
    known = [o.diagnosis.prediction for o in outputs if not isinstance(o.diagnosis, Unavailable)]
    moving = [p for p in known if len(p.live_parameters)]
    if not moving:
        return None
    rare = [np.log2(levels.RARE_EVENTS / p.rare_outcome) for p in moving]
    bits = float(np.median(np.maximum([p.log2_median_shots[0] for p in moving], rare)))
    if bits > np.log2(levels.SHOTS):
        text = f"the median gradient of an output needs about 2^{bits:.0f} shots for signal-to-noise 1"
        advice = "Use a more local observable, fewer layers, shared parameters, or a start near the identity."
        return Finding(CostCause.SMALL_GRADIENT, text, advice)
    direct = all(min(o.parameters, default=-1) >= 0 for o in outputs)
    expected = sum(float(np.nansum(p.gradient_variance)) for p in moving)
    seen = float((samples.output_gradients**2).sum(axis=1).mean())
    if not direct and len(moving) == len(outputs) and seen < limits.SCALED * expected:
        text = f"angles move {np.sqrt(seen / expected):.1g} as fast as the parameters"
        return Finding(CostCause.SMALL_CHAIN, text, "Rescale what stands between the parameters and the circuit.")
    return None


def _half_ranges(outputs: Sequence[CostOutput], m: int) -> Floats:
    """How far each number that a QNode returns can be from the middle of its range, at most."""
    out = np.ones(m)
    for o in outputs:
        if not isinstance(o.diagnosis, Unavailable):
            observable = o.diagnosis.prediction.circuit.observable
            moving = ~observable.words.is_identity()
            out[list(o.places)] = float(np.abs(observable.coefficients[moving]).sum())
    return out
