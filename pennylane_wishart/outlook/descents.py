"""Descents of the circuit itself on the fastest exact route, as many as decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from pennylane_wishart.algebra import classify
from pennylane_wishart.circuit import RotationCircuit, light_cones
from pennylane_wishart.conventions import Reason, ReasonCode
from pennylane_wishart.conventions import circuit as widest
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.devices.structure import count_words
from pennylane_wishart.errors import DeviceError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.measurement import find_minima
from pennylane_wishart.measurement.recipes import LIE
from pennylane_wishart.measurement.routes.choice import LIGHT_CONES
from pennylane_wishart.outlook.noisy import noisy_descents, noisy_gradient_seconds

_STATE = "lightning.qubit"

__all__ = ["Descents", "descend", "estimated_seconds", "route_of", "why_not_descended"]


@dataclass(frozen=True, eq=False)
class Descents:
    """Ends of all descents that were run."""

    ends: NDArray[np.float64]
    converged: NDArray[np.bool_]
    parameters: NDArray[np.float64]
    """radians ``(starts, n_params)``"""
    gradients: int


def estimated_seconds(circuit: RotationCircuit, starts: float, each: float = limits.GRADIENTS_EACH) -> float:
    """Estimate what some descents take on one core: never a clock, so that the answer is the same everywhere.

    Args:
        starts: number of descents.
        each: gradients that one takes in the mean.
    """
    if circuit.channels:
        return starts * each * noisy_gradient_seconds(circuit)
    return starts * each * min(_costs(circuit).values())


@lru_cache(maxsize=widest.KEPT_CONES)  # asked for again by every estimate of the same circuit
def _costs(circuit: RotationCircuit) -> dict[str, float]:
    """Seconds of one gradient by each exact route: a state vector, light cones, a module of words."""
    work = 2.0**circuit.n_qubits * (circuit.n_rotations + len(circuit.observable))
    large = circuit.n_qubits > limits.MAX_QUBITS
    return {
        _STATE: math.inf if large else limits.GRADIENT_SECONDS + limits.AMPLITUDE_SECONDS * work,
        LIGHT_CONES: _by_cones(circuit) if circuit.n_qubits > limits.CONES_FROM else math.inf,
        LIE: _by_module(circuit) if large else math.inf,
    }


def _by_cones(circuit: RotationCircuit) -> float:
    try:
        cones = None if circuit.trace is None else light_cones(circuit.trace)
    except ModuleTooLargeError:
        cones = None
    if cones is None:
        return math.inf
    return limits.CONE_SECONDS * len(cones.cones) + limits.AMPLITUDE_SECONDS * cones.work


def _by_module(circuit: RotationCircuit) -> float:
    if not circuit.is_pauli or not circuit.n_rotations:
        return math.inf
    try:
        words = count_words(classify(circuit.terms), circuit.observable.words, limits.MODULE_WORDS)
    except ModuleTooLargeError:
        return math.inf
    gates = circuit.n_rotations + len(circuit.cliffords)
    return limits.GRADIENT_SECONDS + limits.LIE_GATE_SECONDS * gates + limits.WORD_SECONDS * words * circuit.n_rotations


def route_of(circuit: RotationCircuit) -> dict[str, Any]:
    """Return ``device`` or ``route`` of :func:`find_minima` for the cheapest exact route."""
    costs = _costs(circuit)
    best = min(costs, key=lambda name: costs[name])
    return {"route": best} if best == LIGHT_CONES else {"device": qml.device(best, wires=list(circuit.wires))}


def why_not_descended(circuit: RotationCircuit) -> Reason | None:
    """Return why a circuit has no loss that can be descended here; None where it has."""
    if circuit.trace is None:
        return Reason(ReasonCode.UNSUPPORTED, "no descents: there is no QNode to run, only a normal form.")
    if (circuit.random_of >= 0).any():
        return Reason(ReasonCode.UNSUPPORTED, "no descents: the data count as random, so there is no one loss.")
    if circuit.channels and circuit.n_qubits > limits.NOISY_QUBITS:
        text = f"no descents: noisy circuits are descended to {limits.NOISY_QUBITS} qubits, not {circuit.n_qubits}."
        return Reason(ReasonCode.NOISE, text)
    if math.isinf(estimated_seconds(circuit, 1)):
        text = (
            f"no descents: {circuit.n_qubits} qubits cannot be simulated here (limit {limits.MAX_QUBITS}), nor the "
            f"light cones of the observable's terms (limit {widest.CONE_WIRES}), and the module of words is too large."
        )
        return Reason(ReasonCode.TOO_LARGE, text)
    return None


def descend(
    circuit: RotationCircuit,
    starts: int,
    budget: float,
    scale: float,
    seed: int,
    enough: Callable[[Descents], bool],
    **how: Any,
) -> Descents | Reason:
    """Descend from random angles until it is enough, or the budget is spent.

    Args:
        circuit: the normal form of a QNode or tape; one that minimises.
        starts: of the first round; each further one doubles them, to ``MAX_STARTS``.
        budget: seconds, as :func:`estimated_seconds` counts them.
        scale: of the loss, which tells when a gradient is gone.
        seed: of the starts; each round has its own.
        enough: whether the descents so far decide.
        how: ``executor``, ``store`` and ``progress`` of :func:`find_minima`.
    Returns:
        :class:`Descents`, or why none was run.
    """
    if not budget:
        return Reason(ReasonCode.NOT_ASKED, "no descents: none are asked for (descent_budget=0).")
    if (reason := why_not_descended(circuit)) is not None:
        return reason
    needed = estimated_seconds(circuit, starts)
    if needed > budget:
        text = f"no descents: {starts} of them take about {needed:,.0f} s, more than descent_budget={budget:g}."
        return Reason(ReasonCode.TOO_LARGE, text)
    how = {**how, **route_of(circuit)}
    found: Descents | None = None
    try:
        while found is None or (not enough(found) and len(found.ends) < limits.MAX_STARTS):
            done = 0 if found is None else len(found.ends)
            more = starts if found is None else min(max(done, 1), limits.MAX_STARTS - done)
            if found is not None and not _affords(circuit, found, more, budget):
                break
            if circuit.channels:
                ends = noisy_descents(circuit, more, limits.GRADIENT * scale, seed + done)
                found = _joined(found, *ends)
                continue
            search = find_minima(
                circuit,
                starts=more,
                seed=seed + done,  # every round draws its own
                tolerance=limits.GRADIENT * scale,
                max_iterations=limits.MAX_ITERATIONS,
                hessian=False,
                **how,
            )()
            found = _joined(found, search.losses, search.converged, search.parameters, int(search.evaluations.sum()))
    except (DeviceError, ModuleTooLargeError, UnsupportedCircuitError) as err:
        if found is None:
            return Reason(ReasonCode.UNSUPPORTED, f"no descents: {err.what}")
    return found


def _affords(circuit: RotationCircuit, found: Descents, more: int, budget: float) -> bool:
    """Whether a further round fits, as long as those before it were."""
    done = len(found.ends)
    if done + more > limits.USUAL_STARTS:
        budget = min(budget, limits.FURTHER_BUDGET)
    return estimated_seconds(circuit, done + more, found.gradients / done) <= budget


def _joined(
    found: Descents | None,
    ends: NDArray[np.float64],
    converged: NDArray[np.bool_],
    points: NDArray[np.float64],
    gradients: int,
) -> Descents:
    if found is None:
        return Descents(ends, converged, points, gradients)
    return Descents(
        np.concatenate([found.ends, ends]),
        np.concatenate([found.converged, converged]),
        np.concatenate([found.parameters, points]),
        found.gradients + gradients,
    )
