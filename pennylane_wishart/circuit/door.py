"""``pw.normal_form``: the door of the circuit room."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from pennylane_wishart.circuit.assemble import assemble, assemble_outputs
from pennylane_wishart.circuit.checks import unwrap
from pennylane_wishart.circuit.outputs import EVERY, Which
from pennylane_wishart.circuit.pipeline import check_device
from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.circuit.trace import trace_qnode
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions.options import asks
from pennylane_wishart.errors import InputError

__all__ = ["normal_forms", "normal_form"]


@asks
def normal_form(
    qnode: Any, argnums: Any = None, output: Which = None, encoding: str = "fixed", noise: Any = None
) -> Callable[..., RotationCircuit]:
    """Read a QNode as a product of Pauli rotations on a conjugated observable and the bare input.

    ``ℓ(θ) = Tr[O U(θ) ρ U(θ)†]`` with fixed Clifford gates conjugated away, fixed gates before the
    first trainable one in ρ, and gates of one parameter that commute merged into one generator.
    Noise channels stay where they are, as maps of the words of their qubits (``circuit.channels``).
    Exact at any number of qubits. It does not exist for mid-circuit measurements and
    angles that are not affine in the trainable parameters.

    Args:
        qnode: QNode, qjit object, TorchLayer, tape, or a circuit already read.
        argnums: trainable arguments, by position or name; PennyLane's rule for the interface else.
        output: which expectation value, when the QNode returns several; of its only ``qml.probs`` which outcome, and
            (i, j) for outcome j of return i.
        encoding: "fixed" keeps data gates between trainable ones at the given data; "random" gives
            each its own uniform angle.
        noise: a ``qml.NoiseModel``, applied as ``qml.add_noise`` does; "device" for what the QNode's device will run:
            the circuit as its plugin compiles it, with the machine's own errors (default.mixed, qiskit.remote,
            qiskit.aer, Braket's and Cirq's simulators; other devices: ``pw.fit_noise``).
    Returns:
        A function of the QNode's arguments that returns a :class:`RotationCircuit`.
    Raises:
        UnsupportedCircuitError: where no normal form exists; the message says what to change.
    Cost: four tape constructions and O(gates · n / 64) word operations.
    Source: THEORY §1; arXiv:2408.11901, eq. 1 in Pauli-rotation form.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.CNOT([0, 1])
        ...     qml.RY(2 * x[1], 1)
        ...     return qml.expval(qml.Z(1))
        >>> c = normal_form(f)(np.array([0.1, 0.2]))
        >>> c.terms.strings(), c.observable.words.strings(), c.coefficients.round(9).tolist()
        (['XI', 'ZY'], ['ZZ'], [1.0, 2.0])
    """

    @functools.wraps(getattr(qnode, "func", normal_form))
    def read(*args: Any, **kwargs: Any) -> RotationCircuit:
        if noise is not None and isinstance(qnode, (RotationCircuit, TracedCircuit)):
            raise InputError("noise= is for a QNode or tape: a record that was read already has its noise, or none.")
        if isinstance(qnode, RotationCircuit):
            return qnode
        if isinstance(qnode, TracedCircuit):
            return assemble(qnode)
        # What is measured may run under a device's own noise; what is predicted may not leave it out.
        check_device(getattr(unwrap(qnode), "device", None))
        return assemble(trace_qnode(qnode, args, kwargs, argnums, output, encoding, noise))

    return read


def normal_forms(
    qnode: Any, argnums: Any = None, encoding: str = "fixed", noise: Any = None
) -> Callable[..., tuple[RotationCircuit, ...]]:
    """Read everything that a QNode returns in one reading: see :func:`normal_form`.

    The circuits share their rotations; the names of what is returned are ``circuit.trace.outputs``. A batch is read
    once and bound to every datum; only where data multiply parameters is every datum read on its own.

    Returns:
        A function of the QNode's arguments that returns one :class:`RotationCircuit` an output.
    Cost: as :func:`normal_form`, plus one observable an output.
    """

    def read(*args: Any, **kwargs: Any) -> tuple[RotationCircuit, ...]:
        if isinstance(qnode, (RotationCircuit, TracedCircuit)):
            return (normal_form(qnode)(),)
        check_device(getattr(unwrap(qnode), "device", None))
        found = trace_qnode(qnode, args, kwargs, argnums, EVERY, encoding, noise)

        def again(datum: int) -> TracedCircuit:
            call = functools.partial(qnode, *args, **kwargs)  # with what a partial of the user's holds already
            own, named = _one_datum(found, call, datum)
            return trace_qnode(call.func, own, named, argnums, EVERY, encoding, noise)

        return assemble_outputs(found, again)

    return read


def _one_datum(
    trace: TracedCircuit, call: functools.partial[Any], datum: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call, one datum in the place of a batch, in all that are as long and not trained."""
    trained = {id(value) for value in trace.arguments.trained}

    def pick(value: Any) -> Any:
        shape = np.shape(value) if isinstance(value, (list, tuple)) else getattr(value, "shape", ())
        return value[datum] if id(value) not in trained and shape[:1] == (trace.batch_size,) else value

    return tuple(map(pick, call.args)), {name: pick(value) for name, value in call.keywords.items()}
