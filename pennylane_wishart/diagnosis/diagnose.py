"""``pw.diagnose``: runs the flow once."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import normal_form
from pennylane_wishart.comparison import compare
from pennylane_wishart.diagnosis.checks import Case, Thresholds, judge, run_checks
from pennylane_wishart.diagnosis.depth import depth_curve
from pennylane_wishart.diagnosis.record import Diagnosis
from pennylane_wishart.errors import InputError
from pennylane_wishart.families import scaling
from pennylane_wishart.measurement import measure
from pennylane_wishart.measurement.wrongadjoint import wrong_gradient_gates
from pennylane_wishart.prediction import prediction_of
from pennylane_wishart.progress import step_bar
from pennylane_wishart.sectors.door import signature

__all__ = ["diagnose", "options_of"]

_OPTIONS = "__wishart_options__"


def options_of(qnode) -> dict:
    """Return the options that a decorator left on a QNode."""
    return dict(getattr(getattr(qnode, "func", None), _OPTIONS, {}))


def diagnose(
    qnode,
    *,
    samples: int = 300,
    seed: int = 7,
    shots: float = 1000,
    minima_tolerance: float = 0.1,
    angles="uniform",
    family=None,
    sizes=None,
    family_args=None,
    run: bool = True,
    device=None,
    progress=None,
    argnums=None,
    output=None,
    encoding="fixed",
):
    """Diagnose whether a QNode will train, how well, and why.

    Reads the circuit, predicts its laws, measures losses and gradients at random angles on a
    simulator, and compares. NOT a promise: it speaks of random starting angles, of gradients and of
    the minima that the theory covers.

    Args:
        qnode: QNode (decorated or not), tape, qjit object or TorchLayer.
        samples: angle sets to measure; with ``run=False`` nothing is measured.
        seed: seed of everything sampled.
        shots: shots per gradient component that one is ready to spend.
        minima_tolerance: allowed height of the median local minimum, in units of the mean loss.
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
    limits = Thresholds(shots, minima_tolerance)
    _check_options(seed, family, family_args)

    def inspect(*args, **kwargs) -> Diagnosis:
        with step_bar(progress if run else False, 4 + 2 * run + (family is not None), "reading the circuit") as step:
            circuit = normal_form(qnode, argnums=argnums, output=output, encoding=encoding)(*args, **kwargs)
            study = None
            if family is not None:
                step("scaling")
                options = {"angles": angles, "seed": seed, "progress": progress}
                study = scaling(family, sizes=sizes, args=family_args, **options)
            measuring = {"samples": samples, "device": device, "progress": progress} if run else None
            return _flow(step, _name(qnode), circuit, angles, seed, limits, measuring, study, progress)

    return inspect


def _flow(
    step, name: str, circuit, angles, seed: int, limits: Thresholds, measuring: dict | None, study, progress
) -> Diagnosis:
    """Circuit → signature → prediction → measurement → comparison → checks; nothing measured with None."""
    step("computing the signature")
    sig = signature(circuit, seed=seed, progress=False)
    step("predicting")
    prediction = prediction_of(sig, angles, seed=seed, progress=progress)
    data = comparison = None
    if measuring is not None and _can_measure(circuit):
        step("measuring")
        data = measure(circuit, seed=seed, angles=prediction.angles, **measuring)()
        step("comparing")
        comparison = compare(prediction, data, seed=seed)
    step("judging, minima included")
    checks = run_checks(Case(prediction, comparison, limits))
    return Diagnosis(
        name=name,
        prediction=prediction,
        measurement=data,
        comparison=comparison,
        family=study,
        checks=checks,
        thresholds=limits,
        verdict=judge(checks),
        advice=_advice(study),
        depth=None if measuring is None else depth_curve(circuit, prediction.angles, prediction.deep),
        wrong_gradient_gates=_wrong_gates(circuit, data),
    )


def _wrong_gates(circuit, data) -> tuple[str, ...]:
    """Gates for which the user's own gradient is wrong; known already where something was measured."""
    if data is not None:
        return data.wrong_gradient_gates
    return () if circuit.trace is None else wrong_gradient_gates(circuit.trace)


def _check_options(seed, family, family_args) -> None:
    """Refuse at the door what would otherwise fail after minutes."""
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed needs a non-negative integer; got {seed!r}.")
    if family is not None:
        for name, value in (("family", family), ("family_args", family_args)):
            if not callable(value):
                raise InputError(
                    f"{name} must be a function of n: family(n) returns a QNode and family_args(n) its arguments; "
                    f"got {value!r}."
                )


def _can_measure(circuit) -> bool:
    """A state-vector simulation of 20 qubits and a few hundred samples is what 'quick' can mean."""
    return circuit.trace is not None and circuit.n_qubits <= 20 and len(circuit.states) == 1


def _advice(study) -> tuple[str, ...]:
    if study is not None and study.verdict == "exponential":
        return ("Gradients vanish exponentially with size: what works at this size will not at larger ones.",)
    return ()


def _name(qnode) -> str:
    inner = getattr(qnode, "qnode", qnode)
    func = getattr(inner, "func", None) or getattr(inner, "original_function", None)
    return getattr(func, "__name__", None) or type(qnode).__name__
