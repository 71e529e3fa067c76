"""Born machines: the maximum mean discrepancy as a sum of squares of expectation values.

MMD² = Σ_A (1 − q)^{m−|A|} q^{|A|} (⟨Z_A⟩ − ⟨Z_A⟩_target)² over the subsets A of the m measured wires, with
q = (1 − e^{−1/(2σ)})/2 for a Gaussian kernel of bandwidth σ on the Hamming distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import ArrayLike

from pennylane_wishart.circuit import RotationCircuit, normal_forms
from pennylane_wishart.circuit.assemble import assemble_outputs
from pennylane_wishart.circuit.outputs import Output
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum, subsets
from pennylane_wishart.variances import moments_of
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["BornMachine", "born_machine"]

_NO_KL = Unavailable(
    Reason(
        ReasonCode.UNSUPPORTED,
        "The Kullback–Leibler divergence is a logarithm of probabilities and no polynomial of expectation values: no "
        "number of shots polynomial in the wires estimates it where probabilities are small, and its gradient has no "
        "law here. Train on the maximum mean discrepancy.",
    )
)


@dataclass(frozen=True, eq=False)
class BornMachine:
    """What the maximum mean discrepancy of a circuit's distribution from a target does at random parameters."""

    bandwidth: float
    mean: float
    """E[MMD²] over random parameters."""
    mean_error: float
    """0 where exact."""
    gradient_variance: Floats
    """``(n_params,)``: Var[∂MMD²/∂θ], sampled."""
    gradient_variance_error: Floats
    seed: int
    kl: Unavailable = _NO_KL
    """Why the Kullback–Leibler divergence is not predicted."""


def born_machine(
    qnode: Any, target: ArrayLike, bandwidth: float = 1.0, samples: int = limits.MMD_SAMPLES, seed: int = 7
) -> Callable[..., BornMachine]:
    """Predict the maximum mean discrepancy of a Born machine at random parameters.

    Args:
        qnode: returns ``qml.probs`` of its wires, ten at most.
        target: probabilities ``(2^m,)`` in the order of ``qml.probs``.
        bandwidth: σ of the kernel exp(−d/(2σ)), d the Hamming distance.
        samples: random parameter sets for the gradients.
        seed: of the parameters.
    Returns:
        A function of the QNode's arguments that returns a :class:`BornMachine`.
    Raises:
        InputError: for a QNode that returns something else, or a target that is no distribution of its outcomes.
    Cost: one exact second moment for each of 2^m words to eight wires (sampled beyond), and ``samples`` sweeps.
    Source: arXiv:2305.02881, eq. 13.
    Example:
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RY(x[0], 0)
        ...     return qml.probs(wires=[0])
        >>> found = born_machine(f, [0.5, 0.5], samples=50)(qml.numpy.array([0.1], requires_grad=True))
        >>> round(found.mean, 4), found.mean_error  # q/2 with q = (1 - exp(-1/2))/2
        (0.0984, 0.0)
    """
    wanted = np.asarray(target, float).reshape(-1)
    if not (np.isfinite(bandwidth) and bandwidth > 0):
        raise InputError(f"bandwidth must be a positive number; got {bandwidth!r}.")
    if not np.all(wanted >= 0) or abs(wanted.sum() - 1) > limits.RANGE:
        raise InputError(f"target must be probabilities that add up to 1; they add up to {wanted.sum():.6g}.")

    def inspect(*args: Any, **kwargs: Any) -> BornMachine:
        circuit = normal_forms(qnode)(*args, **kwargs)[0]
        if circuit.channels:
            raise InputError("A Born machine's gradients are those of state vectors: leave out its noise channels.")
        trace = circuit.trace
        wires = _wires(trace, len(wanted))
        assert trace is not None  # checked with its wires
        m = len(wires)
        chosen = subsets(m)
        circuits = _words(trace, wires, chosen)
        q = (1 - np.exp(-1 / (2 * bandwidth))) / 2
        size = chosen.sum(axis=1)
        weights = (1 - q) ** (m - size) * q**size
        # ⟨Z_A⟩ of the target: the signs of its outcomes, first wire first
        outcomes = subsets(m)[:, ::-1]
        means = (1.0 - 2.0 * (chosen @ outcomes.T % 2)) @ wanted
        rng = np.random.default_rng(seed)
        losses, gradients = _sampled(circuits, weights, means, samples, rng)
        mean, error = float(losses.mean()), float(losses.std(ddof=1) / np.sqrt(samples))
        if len(chosen) <= limits.MMD_EXACT_WORDS:
            mean, error = _mean(circuits, weights, means, seed)
        centred = gradients - gradients.mean(axis=0)
        variance = (centred**2).sum(axis=0) / (samples - 1)
        doubt = np.sqrt(np.maximum((centred**4).mean(axis=0) - variance**2, 0.0) / samples)
        return BornMachine(float(bandwidth), mean, error, variance, doubt, seed)

    return inspect


def _wires(trace: TracedCircuit | None, outcomes: int) -> list[Any]:
    """The wires whose probabilities the QNode returns."""
    outputs = () if trace is None else trace.outputs
    if not outputs or outputs[0].outcome is None or trace is None or trace.batch_size:
        raise InputError("A Born machine is a QNode that returns qml.probs of its wires, without a batch.")
    wires = list(outputs[0].operator.wires)
    if len(wires) > limits.MMD_QUBITS or 2 ** len(wires) != outcomes:
        raise InputError(
            f"target has {outcomes} probabilities, and the QNode returns {2 ** len(wires)} outcomes of {len(wires)} "
            f"wires (at most {limits.MMD_QUBITS})."
        )
    return wires


def _words(trace: TracedCircuit, wires: list[Any], chosen: np.ndarray) -> tuple[RotationCircuit, ...]:
    """The circuit with every word of Z on the measured wires."""
    outputs = []
    with qml.queuing.QueuingManager.stop_recording():
        for row in chosen:
            word = {w: "Z" for w, b in zip(wires, row, strict=True) if b}
            outputs.append(Output("", qml.pauli.PauliWord(word).operation(wires), 0))
    return assemble_outputs(replace(trace, outputs=tuple(outputs)))


def _mean(circuits: tuple[RotationCircuit, ...], weights: Floats, means: Floats, seed: int) -> tuple[float, float]:
    """E[MMD²] from second moments: Σ w (E⟨Z⟩² − 2t E⟨Z⟩ + t²)."""
    total = error = 0.0
    for circuit, w, t in zip(circuits, weights, means, strict=True):
        found = moments_of(circuit, seed=seed)
        total += float(w * (found.loss_second_moment - 2 * t * found.loss_mean + t**2))
        error += float(w * (found.loss_second_moment_error + 2 * abs(t) * found.loss_mean_error))
    return total, error


def _sampled(
    circuits: tuple[RotationCircuit, ...], weights: Floats, means: Floats, samples: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """MMD² and its gradients at random parameters: those of ⟨2 Σ w (⟨Z⟩ − t) Z⟩, a sum of its own for each sample."""
    first = circuits[0]
    words: list[PauliSum] = [c.observable for c in circuits]
    sweeps = Sweeps(first)
    losses, gradients = [], []

    def apply(psi: np.ndarray) -> np.ndarray:
        image, total = np.zeros_like(psi), np.zeros(psi.shape[1])
        for word, w, t in zip(words, weights, means, strict=True):
            turned = word.apply(psi)
            off = np.einsum("ib,ib->b", psi.conj(), turned).real - t
            total += w * off**2
            image += 2 * w * off * turned
        losses.append(total)
        return image

    for angles in sweeps.batches(first.angle_law(), samples, rng):
        gradients.append(sweeps(angles, apply)[1])
    return np.concatenate(losses), np.concatenate(gradients)
