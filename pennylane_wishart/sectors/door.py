"""``pw.signature``: the door of the sectors room."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from pennylane_wishart.circuit import Ansatz, RotationCircuit, Which, noise_free, normal_form
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.conventions.options import asks
from pennylane_wishart.progress import step_bar
from pennylane_wishart.sectors.build import build_signature
from pennylane_wishart.sectors.signature import Signature
from pennylane_wishart.threads import one_thread

__all__ = ["forget", "signature"]

_KNOWN: OrderedDict[Hashable, Signature] = OrderedDict()
"""The latest signatures, by everything that decides them."""


# What PennyLane hands over (QNodes, tapes, layers) has no types, and neither has what comes back for it:
# the signature of a circuit, or a function of the QNode's arguments.
@asks
def signature(
    qnode: Any,
    argnums: Any = None,
    output: Which = None,
    encoding: str = "fixed",
    seed: int = 0,
    progress: bool | None = None,
) -> Any:
    """Compute the Lie-algebraic signature of a QNode.

    The dynamical Lie algebra with its ideals, the Jordan sectors with their degrees of freedom,
    the observable's module, and whether the Wishart theory applies, with the reason in words.

    Args:
        qnode: QNode, qjit object, TorchLayer, tape, or a RotationCircuit.
        argnums, output, encoding: as in :func:`normal_form`.
        seed: seed of the random elements that find sectors.
        progress: True, False, or None for a bar in terminals and notebooks.
    Returns:
        A function of the QNode's arguments that returns a :class:`Signature`; the signature itself
        when given a RotationCircuit.
    Raises:
        UnsupportedCircuitError, InputError: as :func:`normal_form`.
    Cost: Pauli-word generators: linear algebra over F2 at any size; others: dense to 10 qubits.
    Source: arXiv:2408.11901 (sectors); arXiv:2408.00081 (Pauli Lie algebras).
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 0)
        ...     return qml.expval(qml.Z(0))
        >>> signature(f)(np.array([0.1, 0.2])).algebra.name
        'su(2)'
    """
    if isinstance(qnode, RotationCircuit):
        with step_bar(progress, 1, "algebra and sectors"):
            return _built(qnode, seed)
    read = normal_form(qnode, argnums=argnums, output=output, encoding=encoding)

    @functools.wraps(read)
    def run(*args: Any, **kwargs: Any) -> Signature:
        with step_bar(progress, 2, "reading the circuit") as step:
            circuit = read(*args, **kwargs)
            step("algebra and sectors")
            return _built(circuit, seed)

    return run


def _built(circuit: RotationCircuit, seed: int) -> Signature:
    """Build the signature, or take that of the same ansatz at other angles: it does not depend on them."""
    if circuit.channels:  # it is that of the circuit without noise, which is what is kept
        return replace(_built(noise_free(circuit), seed), noisy=circuit)
    observable = circuit.observable
    key = (seed, Ansatz(circuit), observable.words.packed.tobytes(), observable.coefficients.tobytes())
    if key in _KNOWN:
        _KNOWN.move_to_end(key)
        # what was found lazily of the first one, its rank and module, is kept with it
        return replace(_KNOWN[key].settled(), circuit=circuit)
    with one_thread(circuit.n_qubits):
        found = build_signature(circuit, seed=seed)
    _KNOWN[key] = found
    while len(_KNOWN) > limits.KEPT_SIGNATURES:
        _KNOWN.popitem(last=False)
    return found


def forget() -> None:
    """Let every signature be built anew."""
    _KNOWN.clear()
