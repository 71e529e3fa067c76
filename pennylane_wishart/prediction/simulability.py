"""``pw.simulability``: by which classical means a circuit's losses can be had, and how large the error is."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.algebra import classify
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.options import asks
from pennylane_wishart.errors import InputError, ModuleTooLargeError, Status, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.door import signature
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances.dead.proofs import live_part
from pennylane_wishart.variances.truncation import Truncation, truncation

__all__ = ["Simulability", "Simulator", "simulability"]


class Simulator(enum.StrEnum):
    """What to simulate a circuit with; the value is what is written in a program."""

    STATE_VECTOR = "lightning.qubit"
    LIGHT_CONES = "lightning.qubit, one light cone at a time"
    LIE = "wishart.lie"
    PROPAGATION = "Pauli propagation"
    NONE = "none found"


@dataclass(frozen=True, eq=False)
class Simulability(Written):
    """How a circuit's loss can be simulated classically."""

    simulator: Simulator
    """The cheapest that was found."""
    n_qubits: int
    light_cone: int
    """Most qubits that one term of the observable depends on."""
    module_dim: int
    """Dimension of the observable's module; ``wishart.lie`` needs as many numbers."""
    module_complete: bool
    """False: the module was not counted to its end and is larger."""
    free_fermions: bool
    """Whether every part of the algebra is one of free fermions."""
    truncation: Truncation | Unavailable
    """Pauli propagation by weight, over uniform angles."""
    eps: float
    """The root mean square error that was asked for."""

    @property
    def error(self) -> NDArray[np.float64]:
        """Root mean square error of keeping words of weight ≤ w, ``(n_qubits + 1,)``; NaN where not available."""
        return self._known.error if self._known else np.full(self.n_qubits + 1, np.nan)

    @property
    def words(self) -> NDArray[np.int64]:
        """Words that such a program holds; −1 where not available, a lower bound past the counting limit."""
        return self._known.words if self._known else np.full(self.n_qubits + 1, -1)

    def weight_for(self, eps: float) -> int | None:
        """Return the least weight whose error, uncertainty included, is at most eps; None if none is known."""
        return self._known.weight_for(eps) if self._known else None

    @property
    def _known(self) -> Truncation | None:
        return self.truncation if isinstance(self.truncation, Truncation) else None

    def __str__(self) -> str:
        weight = self.weight_for(self.eps)
        said = f"not assessed ({self.truncation.reason})" if isinstance(self.truncation, Unavailable) else (
            f"words of weight ≤ {weight} give the loss to {self.eps:.3g}"
            if weight is not None
            else f"no weight is known to give the loss to {self.eps:.3g}"
        )  # fmt: skip
        more = "" if self.module_complete else "more than "
        return (
            f"Simulate with: {self.simulator}\n"
            f"  {self.n_qubits} qubits; a term depends on at most {self.light_cone}\n"
            f"  module of the observable: {more}{self.module_dim} dimensions"
            f"{', free fermions' if self.free_fermions else ''}\n"
            f"  Pauli propagation: {said}"
        )


@asks
def simulability(qnode: Any, eps: float = 1e-2, n_walkers: int = limits.TRUNCATION_WALKERS, seed: int = 7) -> Any:
    """Tell how the losses of a QNode can be simulated classically, and with what error.

    State vectors, light cones of single terms, the algebra's module (``wishart.lie``) and truncated Pauli
    propagation are looked at; matrix products are not. A circuit that none of them reaches may still be easy.

    Args:
        qnode: QNode, tape, RotationCircuit or Signature.
        eps: root mean square error over uniform angles, in the observable's units, that is good enough.
        n_walkers: walkers of the truncation error.
        seed: of the walkers.
    Returns:
        A function of the QNode's arguments that returns a :class:`Simulability`; the record itself when given
        a circuit or a signature.
    Raises:
        UnsupportedCircuitError, InputError: as :func:`normal_form`.
    Cost: a signature, and O(gates · n_walkers).
    Source: arXiv:2308.09109 (truncation by weight), arXiv:2308.01432 (Lie-algebraic simulation).
    Example:
        >>> c = RotationCircuit.from_words(["XX", "ZI", "IZ"], {"ZI": 1.0})
        >>> simulability(c).simulator.value
        'lightning.qubit'
    """

    if not isinstance(eps, Real) or not eps > 0:
        raise InputError(f"eps needs a positive number, in units of the observable; got {eps!r}.")

    def finish(sig: Signature) -> Simulability:
        return _assess(sig, eps, n_walkers, seed)

    if isinstance(qnode, Signature):
        return finish(qnode)
    if isinstance(qnode, RotationCircuit):
        return finish(signature(qnode))

    def run(*args: Any, **kwargs: Any) -> Simulability:
        return finish(signature(qnode)(*args, **kwargs))

    return run


def _assess(sig: Signature, eps: float, n_walkers: int, seed: int) -> Simulability:
    circuit = sig.circuit
    try:
        whole = circuit if sig.noisy is None else sig.noisy
        found: Truncation | Unavailable = truncation(whole, n_walkers=n_walkers, seed=seed)
    except (UnsupportedCircuitError, ModuleTooLargeError) as err:
        found = Unavailable(Reason(ReasonCode.UNSUPPORTED, err.what))
    cone, module = _light_cone(circuit), sig.module
    cheap = False
    if isinstance(found, Truncation):
        weight = found.weight_for(eps)
        cheap = weight is not None and bool(found.words_complete[weight])
    fermions = _free_fermions(circuit)
    # cheapest first; each is asked only where those before it fail
    choices: list[tuple[Simulator, Callable[[], bool]]] = [
        (Simulator.STATE_VECTOR, lambda: circuit.n_qubits <= limits.VECTOR_QUBITS),
        (Simulator.LIE, lambda: module.status is Status.OK and module.dim <= limits.LIE_DIM),
        (Simulator.LIGHT_CONES, lambda: cone <= limits.VECTOR_QUBITS),
        (Simulator.PROPAGATION, lambda: cheap),
    ]
    simulator = next((s for s, holds in choices if holds()), Simulator.NONE)
    return Simulability(
        simulator=simulator,
        n_qubits=circuit.n_qubits,
        light_cone=cone,
        module_dim=module.dim,
        module_complete=module.status is Status.OK,
        free_fermions=fermions,
        truncation=found,
        eps=eps,
    )


def _light_cone(circuit: RotationCircuit) -> int:
    """Return the most qubits that the live part of one term acts on."""
    observable, most = circuit.observable, 0
    for m in range(min(len(observable), limits.CONE_TERMS)):
        own = PauliSum(observable.words[m : m + 1], observable.coefficients[m : m + 1])
        live = live_part(circuit.with_observable(own))
        most = max(most, len(np.union1d(live.terms.support(), own.words.support())))
    # terms that were not looked at may depend on everything
    return most if len(observable) <= limits.CONE_TERMS else circuit.n_qubits


def _free_fermions(circuit: RotationCircuit) -> bool:
    if not circuit.is_pauli or circuit.n_rotations == 0:
        return False
    components = classify(circuit.words.unique()[0]).components
    return all(c.majoranas is not None for c in components)
