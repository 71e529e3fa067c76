"""``pw.diagnose``: runs the flow once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pennylane as qml

from pennylane_wishart.circuit import RotationCircuit, normal_form
from pennylane_wishart.comparison import compare
from pennylane_wishart.conventions import Decay, levels
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.diagnosis.checks import Case, Thresholds, judge, run_checks
from pennylane_wishart.diagnosis.depth import depth_curve
from pennylane_wishart.diagnosis.options import DiagnoseOptions
from pennylane_wishart.diagnosis.record import Diagnosis
from pennylane_wishart.families import ScalingStudy, scaling
from pennylane_wishart.measurement import Measurement, measure
from pennylane_wishart.measurement.recipes import is_hardware
from pennylane_wishart.measurement.routes.wrongadjoint import wrong_gradient_gates
from pennylane_wishart.outlook import outlook_of
from pennylane_wishart.prediction import prediction_of
from pennylane_wishart.progress import StepTimes, step_bar
from pennylane_wishart.sectors.door import signature

__all__ = ["diagnose"]

_READING = "reading the circuit"


@takes(DiagnoseOptions)
def diagnose(qnode: Any, options: DiagnoseOptions) -> Callable[..., Diagnosis]:
    """Diagnose whether a QNode will train, how well, and why.

    Reads the circuit, predicts its laws, measures losses and gradients at random angles on a
    simulator, compares, and descends from a few random starts (or certifies where all descents
    end). NOT a promise: it speaks of random starting angles on an ideal simulator.

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
        starts: descents from random angles at first; more are drawn while they do not decide.
        descent_budget: seconds that descents may take, as estimated before any is run; 0: none.
        angles: law of the random angles.
        family: ``make_qnode(n)``, to assess scaling over ``sizes`` with ``family_args(n)``; sizes None: as
            many as the verdict needs, from 4, 6 and 8 on.
        device: where to measure; the QNode's own if it is a simulator with exact gradients.
        progress: True, False, or None for a bar in terminals and notebooks.
        argnums, output, encoding: as in :func:`normal_form`.
    Returns:
        A function of the QNode's arguments that returns a :class:`Diagnosis`.
    Raises:
        UnsupportedCircuitError, InputError: as :func:`normal_form`, for what cannot be read.
    Cost: seconds at 10 qubits; reading and variances alone at 100.
    Source: THEORY §9.
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
    thresholds = options.thresholds
    options.check()

    def inspect(*args: Any, **kwargs: Any) -> Diagnosis:
        assessed = options.family is not None
        steps = 4 + 2 * options.run + assessed
        with step_bar(options.progress if options.run else False, steps, _READING) as shown:
            step = StepTimes(shown, _READING)
            circuit = normal_form(qnode, **options.reading)(*args, **kwargs)
            study = _study(options, step)
            found = _flow(step, _name(qnode), circuit, options, thresholds, study)
            return replace(found, timings=step.end())

    return inspect


def _study(options: DiagnoseOptions, step: Callable[[str], None]) -> ScalingStudy | None:
    """Follow the family over sizes, where one was given."""
    if options.family is None:
        return None
    step("scaling")
    how = {name: getattr(options, name) for name in ("angles", "seed", "progress")}
    return scaling(options.family, options.sizes, options.family_args, **how)


def _flow(
    step: Callable[[str], None],
    name: str,
    circuit: RotationCircuit,
    options: DiagnoseOptions,
    thresholds: Thresholds,
    study: ScalingStudy | None,
) -> Diagnosis:
    """Circuit → signature → prediction → measurement → comparison → descents → checks."""
    thresholds = replace(thresholds, shots=_shots_of(circuit, thresholds.shots))
    step("computing the signature")
    sig = signature(circuit, seed=options.seed, progress=False)
    step("predicting")
    prediction = prediction_of(sig, options.angles, seed=options.seed, progress=options.progress)
    data = comparison = None
    if options.run and _can_measure(circuit):
        step("measuring")
        # the very law that was predicted for, not one resolved again
        data = measure(circuit, angles=prediction.angles, **options.measuring)()
        step("comparing")
        comparison = compare(prediction, data, seed=options.seed)
    step("descending")
    descent = outlook_of(prediction, options.descents)
    prediction.count_parameters()
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
        wrong_gradient_gates=_wrong_gates(circuit, data),
    )


def _wrong_gates(circuit: RotationCircuit, data: Measurement | None) -> tuple[str, ...]:
    """Gates for which the user's own gradient is wrong; known already where something was measured."""
    if data is not None:
        return tuple(data.wrong_gradient_gates)
    return () if circuit.trace is None else tuple(wrong_gradient_gates(circuit.trace))


def _can_measure(circuit: RotationCircuit) -> bool:
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
