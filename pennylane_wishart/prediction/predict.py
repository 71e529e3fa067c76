"""``pw.predict``: the door of the prediction room."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, Which, normal_form
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.errors import InputError, WishartWarning
from pennylane_wishart.prediction.loss import ENGINES
from pennylane_wishart.prediction.noise import noise_effect
from pennylane_wishart.prediction.record import Prediction
from pennylane_wishart.progress import step_bar
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.door import signature
from pennylane_wishart.threads import one_thread
from pennylane_wishart.variances import SecondMoments, dead_proofs, moments_of
from pennylane_wishart.variances.dead.reasons import worded

__all__ = ["predict", "prediction_of"]


def prediction_of(
    sig: Signature,
    angles: str | AngleLaw | Any = "uniform",
    engine: str = "exact",
    seed: int = 7,
    progress: bool | None = None,
    moments: SecondMoments | None = None,
    **budget: Any,
) -> Prediction:
    """Return the :class:`Prediction` of a signature, with moments that are known already; see :func:`predict`."""
    if engine not in ENGINES:
        raise InputError(f"engine={engine!r}: use one of {ENGINES}.")
    circuit = sig.circuit if sig.noisy is None else sig.noisy
    if len(circuit.states) > 1:
        warnings.warn(
            f"The circuit holds a batch of {len(circuit.states)} inputs: the prediction is for the first. "
            "Prediction.process(circuit.states) gives the joint law of all.",
            WishartWarning,
            stacklevel=3,
        )
    law = circuit.angle_law(angles)
    reached = max((s.module_dim for s in sig.sectors if s.is_linear), default=0)
    with one_thread(circuit.n_qubits):
        found = moments_of(circuit, law, seed=seed, least_module=reached, **budget) if moments is None else moments
        # an exact variance that is clear of rounding is a gradient: only the others are put to the test
        alive = found.gradient_variance > 0 if found.engine is EngineId.WORDS else None
        proofs = dead_proofs(circuit, alive=alive)
    # what is proved dead is exactly 0, whatever an engine's sampling leaves of it
    moments = found.with_dead(proofs)
    return Prediction(
        signature=sig,
        angles=law,
        moments=moments,
        dead_parameters=tuple(proofs),
        dead_reasons=tuple(worded(r) for r in proofs.values()),
        dead_codes=tuple(proofs.values()),
        law_engine=engine,
        seed=seed,
        progress=progress,
        noise=None if sig.noisy is None else noise_effect(sig.noisy, sig.circuit, law, moments, seed),
    )


@dataclass(frozen=True, eq=False)
class PredictOptions:
    """Options of :func:`predict`.

    angles: law of the random angles, "uniform" by default; see ``AngleLaw.resolve``.
    engine: "exact" (the sharpest that applies), "matched" (Gamma and variance-gamma with the
        finite-size m) or "asymptotic" (the published laws with r).
    seed: seed of everything that is sampled.
    argnums, output, encoding, noise: as in :func:`normal_form`; channels in the circuit are read as they stand.
    progress: True, False, or None for a bar in terminals and notebooks.
    """

    angles: str | AngleLaw | Any = "uniform"
    engine: str = "exact"
    seed: int = 7
    argnums: Any = None
    output: Which = None
    encoding: str = "fixed"
    progress: bool | None = None
    noise: Any = None


@takes(PredictOptions)
def predict(qnode: Any, options: PredictOptions) -> Any:
    """Predict the laws of a QNode's loss, gradients and local minima without running it.

    The laws of ``loss``, ``gradient`` and ``minima`` are those of the deep limit, where the
    circuit's group acts as SO, SU or Sp on independent sectors; outside it they raise
    ``OutOfTheoryError``, and so they do under noise. Variances, dead parameters and shots hold at the
    circuit's own depth, with its noise: ``Prediction.noise`` has them beside those without.

    Args:
        qnode: QNode, tape, RotationCircuit or Signature.
        {options}
    Returns:
        A function of the QNode's arguments that returns a :class:`Prediction`; the prediction itself
        when given a record.
    Raises:
        UnsupportedCircuitError, InputError: as :func:`normal_form`.
    Source: arXiv:2408.11901, arXiv:2109.06957; finite-size laws and finite-depth moments are ours.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 0)
        ...     return qml.expval(qml.Z(0))
        >>> pred = predict(f)(np.array([0.1, 0.2]))
        >>> pred.gradient_variance.round(3).tolist(), str(pred.moments.engine)
        ([0.25, 0.25], 'exact words')
    """

    o = options

    def finish(found: Signature | RotationCircuit, step: Callable[[str], None]) -> Prediction:
        if isinstance(found, RotationCircuit):
            step("computing the signature")
        sig = found if isinstance(found, Signature) else signature(found, progress=False)
        step("variances at this depth")
        return prediction_of(sig, o.angles, o.engine, o.seed, o.progress)

    if isinstance(qnode, (Signature, RotationCircuit)):
        if o.noise is not None:
            raise InputError("noise= is for a QNode or tape: a record that was read already has its noise, or none.")
        with step_bar(o.progress, 3, "predicting") as step:
            return finish(qnode, step)

    def run(*args: Any, **kwargs: Any) -> Prediction:
        with step_bar(o.progress, 3, "reading the circuit") as step:
            read = normal_form(qnode, o.argnums, o.output, o.encoding, o.noise)
            return finish(read(*args, **kwargs), step)

    return run
