"""``pw.diagnose``: runs the flow once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pennylane as qml

from pennylane_wishart.circuit import RotationCircuit, normal_form, normal_forms
from pennylane_wishart.comparison import compare
from pennylane_wishart.conventions import Decay, levels
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.diagnosis.checks import Case, judge, run_checks
from pennylane_wishart.diagnosis.depth import depth_curve
from pennylane_wishart.diagnosis.options import DiagnoseOptions
from pennylane_wishart.diagnosis.record import Diagnosis, OutputsDiagnosis
from pennylane_wishart.families import ScalingStudy, scaling
from pennylane_wishart.measurement import measure
from pennylane_wishart.measurement.recipes import IDEAL, is_hardware
from pennylane_wishart.measurement.routes.wrongadjoint import wrong_gradient_gates
from pennylane_wishart.outlook import outlook_of, point_of, try_remedies
from pennylane_wishart.prediction import prediction_of
from pennylane_wishart.progress import step_bar
from pennylane_wishart.sectors.door import signature
from pennylane_wishart.threads import one_thread
from pennylane_wishart.variances import SecondMoments, moments_together

__all__ = ["diagnose"]

_READING = "reading the circuit"


@takes(DiagnoseOptions)
def diagnose(qnode: Any, options: DiagnoseOptions) -> Callable[..., Diagnosis]:
    """Diagnose whether a QNode will train, how well, and why.

    Reads the circuit, predicts its laws, measures losses and gradients at random angles on a simulator, compares,
    and descends from a few random starts (or certifies where all descents end). NOT a promise: it speaks of
    random starting angles on an ideal simulator.

    Args:
        qnode: QNode (decorated or not), tape, qjit object or TorchLayer.
        samples: angle sets to measure; with ``run=False`` nothing is measured.
        seed: seed of everything sampled.
        shots: shots per gradient component that one is ready to spend; None: those of the QNode's device, 1,000
            where it is no simulator, and no limit where gradients are exact.
        minima_tolerance: how far the median descent may end above the best one, and the best above the observable's
            lowest eigenvalue, as parts of the way from the mean loss to the reachable optimum.
        tolerance: the same in the observable's units (chemical accuracy, say).
        sense: "max" for a loss that is to become large.
        starts: descents at first; more are drawn while they do not decide.
        descent_budget: seconds that descents may take, as estimated before any is run; 0: none.
        remedy_budget: the same for changes of the circuit tried as remedies; None: 4 to 12 qubits, none beyond.
        at: trainable arguments (their array, a tuple, or all in a row): gradients, curvature, neighbourhoods there.
        angles: law of the random angles.
        family: ``make_qnode(n)``, to assess scaling over ``sizes`` with ``family_args(n)``; sizes None: as
            many as the verdict needs, from 4, 6 and 8 on.
        device: where to measure; the QNode's own if it is a simulator with exact gradients.
        executor, store: as for :func:`measure`; measurement and descents share them.
        progress: True, False, or None for a bar in terminals and notebooks.
        argnums, output, encoding, noise: as in :func:`normal_form`; without ``output=`` every number is read,
            ``qml.probs`` by outcomes, ``qml.var`` as ⟨O²⊗1 − O⊗O⟩ of two copies (its shots are not judged).
    Returns:
        A function of the QNode's arguments that returns a :class:`Diagnosis`; of several outputs it is that of
        all, and each has its own in ``outputs``: up to four in full, more without measuring and descending.
    Raises:
        UnsupportedCircuitError, InputError: as :func:`normal_form`, for what cannot be read.
    Cost: seconds at 10 qubits; at 100 variances, and descents of shallow circuits. Source: THEORY §9.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("lightning.qubit", wires=2))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 0)
        ...     return qml.expval(qml.Z(0))
        >>> diagnose(f, samples=40)(np.array([0.1, 0.2])).trainable
        True
    """
    options.check()

    def inspect(*args: Any, **kwargs: Any) -> Diagnosis:
        assessed = options.family is not None
        steps = 5 + 3 * options.run + assessed + (options.at is not None)
        with step_bar(options.progress if options.run else False, steps, _READING) as step:
            clock = _Clock(step)
            circuits = _read(qnode, options)(*args, **kwargs)
            trace = circuits[0].trace
            if options.at is not None and trace is not None:
                trace.arguments.point(options.at)  # a wrong shape is better told before the descents
            return _diagnosed(clock, _name(qnode), circuits, options)

    return inspect


def _diagnosed(clock: _Clock, name: str, circuits: tuple[RotationCircuit, ...], options: DiagnoseOptions) -> Diagnosis:
    """Run the flow for every output."""
    study, count = _study(options, clock), len(circuits)
    with one_thread(circuits[0].n_qubits):
        each = options if count == 1 else _for_each(options, count)
        # of the QNode, whatever it returns; where something is measured it is found on the way
        wrong = () if each.run and _can_measure(circuits[0]) else _wrong_gates(circuits[0])
        if count == 1:
            return _flow(clock, name, circuits[0], each, study, wrong)
        clock("predicting")
        known = moments_together(circuits, circuits[0].angle_law(options.angles)) or [None] * count
        outputs = [
            _flow(clock, _output(c, i), c, each, study, wrong, m)
            for i, (c, m) in enumerate(zip(circuits, known, strict=True))
        ]
    return OutputsDiagnosis(name, tuple(outputs), clock.read())


class _Clock:
    """Names each part of the flow to the bar, and counts its seconds of processor."""

    def __init__(self, step: Callable[[str], None]):
        self.seconds: dict[str, float] = {}
        self._step, self._part, self._since = step, _READING, time.process_time()

    def __call__(self, part: str) -> None:
        self._close()
        self._part = part
        self._step(part)

    def _close(self) -> None:
        now = time.process_time()
        self.seconds[self._part] = self.seconds.get(self._part, 0.0) + now - self._since
        self._since = now

    def read(self) -> dict[str, float]:
        """Return the seconds of every part so far."""
        self._close()
        return self.seconds


def _read(qnode: Any, options: DiagnoseOptions) -> Callable[..., tuple[RotationCircuit, ...]]:
    """Read every output, or the one that was asked for."""
    how = options.reading
    if how["output"] is None:
        del how["output"]
        return normal_forms(qnode, **how)
    return lambda *args, **kwargs: (normal_form(qnode, **how)(*args, **kwargs),)


def _output(circuit: RotationCircuit, index: int) -> str:
    return f"output {index}" if circuit.trace is None else circuit.trace.outputs[0].name


def _for_each(options: DiagnoseOptions, count: int) -> DiagnoseOptions:
    """Options for each of several outputs: few are run, with a share of the budget for descents; many are predicted."""
    # a change that helps one output need not help the others: none is tried unasked
    remedies = 0.0 if options.remedy_budget is None else options.remedy_budget / count
    options = replace(options, descent_budget=options.descent_budget / count, remedy_budget=remedies)
    return options if count <= limits.FULL_OUTPUTS else replace(options, run=False, descent_budget=0.0)


def _study(options: DiagnoseOptions, step: Callable[[str], None]) -> ScalingStudy | None:
    """Follow the family over sizes, where one was given."""
    if options.family is None:
        return None
    step("scaling")
    how = {name: getattr(options, name) for name in ("angles", "seed", "progress", "noise")}
    return scaling(options.family, options.sizes, options.family_args, **how)


def _flow(
    step: _Clock,
    name: str,
    circuit: RotationCircuit,
    options: DiagnoseOptions,
    study: ScalingStudy | None,
    wrong: tuple[str, ...],
    moments: SecondMoments | None = None,
) -> Diagnosis:
    """Circuit → signature → prediction → measurement → comparison → descents → checks."""
    thresholds = replace(options.thresholds, shots=_shots_of(circuit, options.shots))
    # two copies that share every parameter: no device has them, and a change of their gates is none of the user's
    copied = circuit.trace is not None and circuit.trace.outputs[0].is_variance
    step("computing the signature")
    sig = signature(circuit, seed=options.seed, progress=False)
    step("predicting")
    prediction = prediction_of(sig, options.angles, seed=options.seed, progress=options.progress, moments=moments)
    data = comparison = None
    if options.run and _can_measure(circuit):
        step("measuring")
        # the very law that was predicted for, not one resolved again
        how = options.measuring | {"device": _device(circuit, None if copied else options.device)}
        how |= _bought(circuit, how["device"], options.shots)
        data = measure(circuit, angles=prediction.angles, **how)()
        step("comparing")
        comparison = compare(prediction, data, seed=options.seed)
    step("descending")
    descent = outlook_of(prediction, options.descents)
    prediction.count_parameters()
    trials = None
    if options.run and not copied:
        step("trying remedies")
        trials = try_remedies(prediction, descent, options.remedies)
    point = None
    if options.at is not None:
        step("looking at the point")
        point = point_of(prediction, options.at, options.sense)
    step("judging")
    checks = run_checks(Case(prediction, comparison, thresholds, descent))
    return Diagnosis(
        name=name,
        prediction=prediction,
        measurement=data,
        comparison=comparison,
        family=study,
        checks=checks,
        thresholds=thresholds,
        verdict=judge(checks),
        advice=_advice(study),
        descent=descent,
        depth=depth_curve(circuit, prediction.angles, prediction.deep) if options.run else None,
        wrong_gradient_gates=wrong if data is None else tuple(data.wrong_gradient_gates),
        trials=trials,
        point=point,
        timings=dict(step.read()),
    )


def _wrong_gates(circuit: RotationCircuit) -> tuple[str, ...]:
    """Gates for which the user's own gradient is wrong."""
    return () if circuit.trace is None else wrong_gradient_gates(circuit.trace)


def _device(circuit: RotationCircuit, asked: Any) -> Any:
    """Return where to measure: for noise on a QNode whose simulator has none, one that has."""
    own = None if circuit.trace is None else getattr(circuit.trace.device, "name", None)
    if asked is None and circuit.channels and (own is None or own in IDEAL):
        return qml.device("default.mixed", wires=list(circuit.wires))
    return asked


def _bought(circuit: RotationCircuit, device: Any, shots: float | None) -> dict[str, Any]:
    """Return the shots to measure with, where they were given and the QNode of a machine has none of its own."""
    trace = circuit.trace
    if shots is None or trace is None or (isinstance(trace.qnode, qml.QNode) and trace.qnode.shots.total_shots):
        return {}
    run = trace.device if device is None else device
    return {} if run is None or not is_hardware(run) else {"shots": math.ceil(shots)}


def _can_measure(circuit: RotationCircuit) -> bool:
    if circuit.channels and circuit.n_qubits > limits.NOISY_MEASURED_QUBITS:
        return False
    return circuit.trace is not None and circuit.n_qubits <= limits.MEASURED_QUBITS and len(circuit.states) == 1


def _shots_of(circuit: RotationCircuit, given: float | None) -> float | None:
    """Return the shots that gradients can have: given ones, the QNode's, 1,000 on hardware, None where exact."""
    trace = circuit.trace
    if given is not None or trace is None or not isinstance(trace.qnode, qml.QNode):
        return given
    if trace.qnode.shots.total_shots is not None:
        return float(trace.qnode.shots.total_shots)
    return levels.SHOTS if is_hardware(trace.qnode.device) else None


def _advice(study: ScalingStudy | None) -> tuple[str, ...]:
    if study is not None and study.verdict is Decay.EXPONENTIAL:
        return ("Gradients vanish exponentially with size: what works at this size will not at larger ones.",)
    return ()


def _name(qnode: Any) -> str:
    # a layer holds its QNode, a qjit object the function that it compiles
    inner = getattr(qnode, "qnode", qnode)
    func = getattr(inner, "func", None) or getattr(inner, "original_function", None)
    return getattr(func, "__name__", None) or type(qnode).__name__
