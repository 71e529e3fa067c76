"""``pw.diagnose_cost``: why a cost made of QNodes does, or does not, go down."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.circuit.arguments import Arguments
from pennylane_wishart.conventions import CostCause, Unavailable
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.costs.causes import Finding, find_cause
from pennylane_wishart.costs.interfaces import AutogradProgram, JaxProgram, ModuleProgram, TorchProgram
from pennylane_wishart.costs.labels import Label, find_labels
from pennylane_wishart.costs.linear import linear_cost
from pennylane_wishart.costs.outputs import CostOutput, content, read_outputs
from pennylane_wishart.costs.programs import Program, Run
from pennylane_wishart.costs.record import CostDiagnosis
from pennylane_wishart.costs.sampling import CostSamples, sample_cost
from pennylane_wishart.errors import InputError, UnsupportedCircuitError, WishartWarning

__all__ = ["CostOptions", "diagnose_cost"]

_PROGRAMS = {"autograd": AutogradProgram, "numpy": AutogradProgram, "jax": JaxProgram, "torch": TorchProgram}


@dataclass(frozen=True, kw_only=True)
class CostOptions:
    """Options of :func:`diagnose_cost`, whose docstring says what each means."""

    parameters: Any = None
    samples: int = limits.SAMPLES
    seed: int = 7
    angles: str | AngleLaw | Any = "uniform"
    argnums: Any = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.samples, (int, np.integer)) or self.samples < limits.LABEL_SAMPLES:
            raise InputError(f"samples needs an integer of at least {limits.LABEL_SAMPLES}; got {self.samples!r}.")


@takes(CostOptions, first="cost")
def diagnose_cost(cost: Callable[..., Any], options: CostOptions) -> Callable[..., CostDiagnosis]:
    """Find out where the gradient of a cost made of QNodes is lost.

    Runs the cost at random parameters in its own interface, watches the QNodes that it calls, reads and predicts
    each different one, and follows the gradient back: through what the cost makes of outputs (sign, rounding, scale),
    through the circuits, and through what is made of parameters before them. Parameters that QNodes take as angles
    are drawn anew; others (weights of classical layers) keep their values. NOT a statement on where descents end.

    Args:
        cost: function of autograd, jax or torch that calls QNodes and returns one number; a QNode; a torch module.
        parameters: tensors that the cost holds, ``model.parameters()``; a torch module's own by default.
        samples: random parameter sets.
        seed: of everything that is drawn.
        angles: law of the parameters that are drawn, as in :func:`predict`; uniform over a period by default.
        argnums: trainable arguments, by position or name; as PennyLane does for the interface else.
        progress: True, False, or None for a bar in terminals and notebooks.
    Returns:
        A function of the cost's arguments that returns a :class:`CostDiagnosis`.
    Raises:
        InputError: for a cost that is no number, calls no QNode, differs between equal runs, or has no derivative.
    Cost: ``samples`` runs and derivatives of the cost, and one diagnosis without runs for each different circuit.
    Source: chain rule; arXiv:1803.11173 for what plateaus are. The order of causes is ours.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 0)
        ...     return qml.expval(qml.Z(0))
        >>> found = diagnose_cost(lambda x: np.sign(f(x)), samples=20)(np.array([0.1, 0.2], requires_grad=True))
        >>> str(found.cause), found.zero_gradient
        ('classical step with zero derivative', (0, 1))
    """
    if not callable(cost):
        raise InputError(
            f"cost must be a function that calls QNodes and returns one number; got {type(cost).__name__}."
        )

    def inspect(*args: Any, **kwargs: Any) -> CostDiagnosis:
        program, integers = _program(cost, args, kwargs, options)
        try:
            return _flow(program, options, integers)
        finally:
            if isinstance(program, ModuleProgram):
                program.restore()

    return inspect


def _program(
    cost: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: CostOptions
) -> tuple[Program, bool]:
    """Choose the interface; True where the parameters came as integers or are marked as data."""
    tensors = options.parameters
    if tensors is None and hasattr(cost, "parameters") and hasattr(cost, "state_dict"):
        tensors = cost.parameters()
    if tensors is not None:
        held = list(tensors)
        if not held or any(qml.math.get_interface(t) != "torch" for t in held):
            raise InputError("parameters= takes torch tensors, model.parameters() for instance; none came.")
        return ModuleProgram(cost, Arguments(args, kwargs, (), (), (), "torch"), held), False
    func = cost.func if isinstance(cost, qml.QNode) else cost
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WishartWarning)
            found, whole = Arguments.read(func, args, kwargs, options.argnums), False
    except UnsupportedCircuitError:
        # integers, and tensors that are marked as data: as floats they can be looked at
        freed = (tuple(map(_freed, args)), {k: _freed(v) for k, v in kwargs.items()})
        found, whole = Arguments.read(func, *freed, options.argnums), True
    kind: Any = _PROGRAMS[found.interface]
    return kind(cost, found, found.values, found.shapes), whole


def _freed(value: Any) -> Any:
    """An integer array or one that is marked as data, as trainable floats."""
    interface = qml.math.get_interface(value) if hasattr(value, "shape") else "builtins"
    if interface == "torch":
        return value.detach().double().requires_grad_(True) if value.ndim else value
    if interface == "jax":
        return value.astype(float) if value.ndim else value
    return qml.numpy.array(np.asarray(value, float), requires_grad=True) if np.ndim(value) else value


def _flow(program: Program, options: CostOptions, integers: bool) -> CostDiagnosis:
    """Runs → circuits → law → samples → cause."""
    first, second, points = _two_runs(program, options.seed)
    outputs = read_outputs(first, second, points)
    law = _law(program, outputs, first, second, options)
    leaves = tuple(tuple(np.shape(leaf)) for call in first.calls for leaf in call.leaves)
    samples = sample_cost(program, law, leaves, options.samples, options.seed, options.progress)
    labels: tuple[Label, ...] = ()
    if integers:
        finding = _WHOLE
        samples = replace(samples, gradients=np.zeros_like(samples.gradients))
    else:
        finding = find_cause(program, samples, outputs)
        labels = find_labels(program, samples, leaves, outputs)
        if finding.cause is CostCause.NOTHING:
            finding = _out_of_reach(labels, outputs) or finding
    return _record(program, options, outputs, law, samples, labels, finding)


_WHOLE = Finding(
    CostCause.DETACHED,
    "the parameters are integers or marked as data, which have no gradient",
    "Pass floats: np.array([0.0, 1.0], requires_grad=True), or tensors with requires_grad=True.",
)


def _two_runs(program: Program, seed: int) -> tuple[Run, Run, tuple[Floats, Floats]]:
    """Run the cost at two parameter sets, and twice at the first: equal runs must be equal."""
    rng = np.random.default_rng([seed, 1])
    points = rng.uniform(0, 2 * np.pi, (2, len(program.values)))
    first = program.run(points[0])
    program.forget()
    again, second = program.run(points[0]), program.run(points[1])
    if not first.calls:
        raise InputError(
            "The cost calls no QNode: pass the function that calls them, and ask pw.diagnose for a tape or a circuit."
        )
    if len(first.outputs) != len(again.outputs) or len(first.outputs) != len(second.outputs):
        raise InputError(
            "The cost calls QNodes otherwise from run to run (another number of calls, or other shapes): fix the data, "
            "their order and the branches while it is diagnosed."
        )
    single = program.precision > limits.ZERO_DOUBLE
    most = limits.SAME_VALUE_SINGLE if single else limits.SAME_VALUE_DOUBLE
    if abs(first.cost - again.cost) > most * max(1.0, abs(first.cost)):
        raise InputError(
            f"The cost is {first.cost:.6g} and then {again.cost:.6g} at the same parameters: fix the seed of its data "
            "order, dropout or noise while it is diagnosed."
        )
    return first, second, (points[0], points[1])


def _law(program: Program, outputs: Sequence[CostOutput], first: Run, second: Run, options: CostOptions) -> AngleLaw:
    """Angles are drawn over their periods; what no circuit takes as an angle keeps its value."""
    periods = np.full(len(program.values), 2 * np.pi)
    angle = np.zeros(len(program.values), bool)
    for o in outputs:
        taken = np.array(o.parameters, int)
        angle[taken[taken >= 0]] = True
        if not isinstance(o.diagnosis, Unavailable):
            own = o.diagnosis.prediction.circuit.periods
            for k, period in zip(taken, own, strict=True):
                if k >= 0:
                    periods[k] = max(periods[k], period)
    if not isinstance(program, ModuleProgram):
        # arguments of a function that are computed with before the circuit are angles all the same
        angle |= ~angle & _moves_circuits(program)
    law = AngleLaw.resolve(options.angles, periods)
    if isinstance(options.angles, AngleLaw) or angle.all():
        return law
    kind = tuple(k if a else "fixed" for k, a in zip(law.kind, angle, strict=True))
    low, high = (np.where(angle, v, program.values) for v in (law.low, law.high))
    return AngleLaw(kind, low, high, law.name)


def _moves_circuits(program: Program) -> np.ndarray:
    """bool ``(p,)``: tensors of parameters that some QNode's arguments depend on."""
    out = np.zeros(len(program.values), bool)
    base = program.values

    def called(x: Floats) -> list[Any]:
        return [content(v) for call in program.run(x).calls for v in (*call.args, *call.kwargs.values())]

    here = called(base)
    for low, high in zip(program.bounds[:-1], program.bounds[1:], strict=True):
        moved = base.copy()
        moved[low:high] += 1.0
        out[low:high] = called(moved) != here
    return out


def _out_of_reach(labels: Sequence[Label], outputs: Sequence[CostOutput]) -> Finding | None:
    far = [label for label in labels if not label.reachable]
    if not far:
        return None
    one = far[0]
    text = (
        f"the cost pulls {outputs[one.output].name} to {one.value:.4g}, and no parameters bring it outside "
        f"[{one.low:.4g}, {one.high:.4g}]" + (f"; {len(far)} outputs in all" if len(far) > 1 else "")
    )
    return Finding(CostCause.OUT_OF_REACH, text, "Rescale the labels, or give the output a trainable scale and offset.")


def _record(
    program: Program,
    options: CostOptions,
    outputs: Sequence[CostOutput],
    law: AngleLaw,
    samples: CostSamples,
    labels: tuple[Label, ...],
    finding: Finding,
) -> CostDiagnosis:
    variance, error, method = _variances(samples, outputs, options, finding)
    zero = samples.zero | (np.abs(samples.gradients).max(axis=0) == 0)
    chain = [samples.chain[:, list(o.places)].sum(axis=1) for o in outputs]
    values = [samples.outputs[:, list(o.places)] for o in outputs]
    return CostDiagnosis(
        name=getattr(program.cost, "__name__", type(program.cost).__name__),
        outputs=tuple(o.diagnosis for o in outputs),
        output_names=tuple(o.name for o in outputs),
        output_range=np.array([[v.min(), v.max()] for v in values]),
        chain_factor=np.array([np.sqrt(np.mean(c**2)) for c in chain]),
        labels=labels,
        parameters=samples.parameters,
        costs=samples.costs,
        gradients=samples.gradients,
        gradient_variance=variance,
        gradient_variance_error=error,
        zero_gradient=tuple(int(k) for k in np.flatnonzero(zero)),
        dead_parameters=_dead(outputs, len(program.values)),
        finding=finding,
        method=method,
        angles=law,
        seed=options.seed,
    )


def _variances(
    samples: CostSamples, outputs: Sequence[CostOutput], options: CostOptions, finding: Finding
) -> tuple[Floats, Floats, str]:
    """Variances with their errors and method: exact where the cost is linear, else of the samples."""
    centred = samples.gradients - samples.gradients.mean(axis=0)
    variance = (centred**2).sum(axis=0) / (len(centred) - 1)
    error = np.sqrt(np.maximum((centred**4).mean(axis=0) - variance**2, 0.0) / len(centred))
    cut_off = finding.cause in (CostCause.DETACHED, CostCause.STEP)
    if cut_off or not (isinstance(options.angles, str) and options.angles == "uniform"):
        return variance, error, "sampled"
    exact = linear_cost(samples, outputs, options.seed)
    if isinstance(exact, Unavailable):
        return variance, error, "sampled"
    sharp, doubt = np.zeros((2, len(variance)))
    for sources, weight, moments in exact:
        sharp[list(sources)] = weight**2 * moments.gradient_variance
        doubt[list(sources)] = weight**2 * moments.gradient_variance_error
    # what the cost really does decides: an exact number that the samples deny is of something else
    denied = abs(sharp.sum() - variance.sum()) > limits.DENIED * (error.sum() + samples.precision)
    if denied or np.isnan(sharp).any():
        return variance, error, "sampled"
    return sharp, doubt, ", ".join(sorted({str(moments.engine) for *_, moments in exact}))


def _dead(outputs: Sequence[CostOutput], n: int) -> tuple[int, ...]:
    """Parameters that are passed to circuits as they are, and dead in each."""
    taken, alive = np.zeros(n, bool), np.zeros(n, bool)
    for o in outputs:
        if isinstance(o.diagnosis, Unavailable) or min(o.parameters, default=-1) < 0:
            return ()  # somewhere parameters may act unseen
        sources = np.array(o.parameters, int)
        taken[sources] = True
        alive[sources[o.diagnosis.prediction.live_parameters]] = True
    return tuple(int(k) for k in np.flatnonzero(taken & ~alive))
