"""What a QNode returns, as expectation values: an outcome of ``qml.probs`` is that of a projector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray
from pennylane.operation import Operator
from pennylane.tape import QuantumScript as Tape

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, UnsupportedCircuitError

__all__ = ["EVERY", "Output", "Which", "named", "outputs_of"]

EVERY = "every"
Which = int | tuple[int, int] | str | None
"""What ``output=`` may be; EVERY inside the house."""
_KINDS = {
    "StateMP": "qml.state",
    "CountsMP": "qml.counts",
    "SampleMP": "qml.sample",
    "DensityMatrixMP": "qml.density_matrix",
}


@dataclass(frozen=True, eq=False)
class Output(Shown):
    """One number that a QNode returns: ⟨operator⟩, or its variance."""

    name: str
    """As PennyLane prints it, "expval(Z(0))"; "p(01)" for an outcome; the user's own word where it has a key."""
    operator: Operator
    measurement: int
    """Which of the QNode's measurements it is of."""
    outcome: int | None = None
    """Number of the outcome of ``qml.probs``; −1 for the others in sum."""
    datum: int | None = None
    """Which datum of a batch it is for."""
    is_variance: bool = False
    """Whether it is ⟨operator²⟩ − ⟨operator⟩² (``qml.var``): of two copies of the circuit."""


def named(outputs: tuple[Output, ...], returned: Any) -> tuple[Output, ...]:
    """Return the outputs under the keys of the dictionary that the QNode's function returns; as they are otherwise."""
    if not isinstance(returned, Mapping):
        return outputs
    keys = [str(key) for key in returned]
    alone = Counter(output.measurement for output in outputs)
    if any(output.measurement >= len(keys) for output in outputs):
        return outputs  # a dictionary of dictionaries: the names of the measurements say more
    return tuple(
        replace(o, name=keys[o.measurement] if alone[o.measurement] == 1 else f"{keys[o.measurement]}: {o.name}")
        for o in outputs
    )


def outputs_of(tape: Tape, wires: Sequence[Any] = (), output: Which = EVERY) -> tuple[Output, ...]:
    """Return the numbers that a tape returns: all in order, or the one that was asked for.

    Beyond ``limits.OUTCOMES`` outcomes of ``qml.probs``: the likeliest at the tape's own angles, and the rest in sum.

    Args:
        tape: the circuit at some call.
        wires: of the whole circuit, for ``qml.probs()`` without any; the tape's own where empty.
        output: which of what is returned; of its only ``qml.probs`` which outcome; (i, j) for outcome j of return i;
            None where there is one number only.
    Raises:
        UnsupportedCircuitError: for what is no expectation value, and for several without ``output=``; the message
            says what to return or ask instead.
        InputError: for an output that there is not.
    """
    returned = tape.measurements
    if not returned:
        raise UnsupportedCircuitError("The QNode returns no measurement: return one qml.expval(...).")
    if output == EVERY:
        return tuple(o for at in range(len(returned)) for o in _numbers(tape, at, wires))
    if len(returned) == 1:
        return (_expected(_one(_numbers(tape, 0, wires), output, str(returned[0]))),)
    asked = output if isinstance(output, tuple) else (output, None)
    at = _place([str(m) for m in returned], asked[0], "The QNode")
    return (_expected(_one(_numbers(tape, at, wires), asked[1], f"Output {at}, {returned[at]},", at)),)


def _expected(output: Output) -> Output:
    """Refuse a variance where one circuit is read: it is an expectation value of two."""
    if output.is_variance:
        raise UnsupportedCircuitError(
            "The QNode returns qml.var, which is ⟨O²⟩ − ⟨O⟩² and no expectation value: ask pw.diagnose, which reads it "
            "as one of two copies of the circuit; or return qml.expval(O @ O) and qml.expval(O), and diagnose the "
            "difference with pw.diagnose_cost."
        )
    return output


def _one(numbers: list[Output], which: Any, subject: str, at: int | None = None) -> Output:
    if which is None and len(numbers) == 1:
        return numbers[0]
    return numbers[_place([o.name for o in numbers], which, subject, at)]


def _place(names: list[str], which: Any, subject: str, at: int | None = None) -> int:
    """Check an index; several and none asked for are refused."""
    listing = ", ".join(f"{i}: {name}" for i, name in enumerate(names[: limits.LISTED_OUTPUTS]))
    listing += ", …" if len(names) > limits.LISTED_OUTPUTS else ""
    if which is None:
        raise UnsupportedCircuitError(
            f"{subject} returns {len(names)} expectation values ({listing}): choose one with "
            f"output={'i' if at is None else f'({at}, j)'}, or ask pw.diagnose, which reads them all."
        )
    if not isinstance(which, int) or isinstance(which, bool) or not 0 <= which < len(names):
        many = f"{len(names)} value{'s' if len(names) > 1 else ''}"
        raise InputError(f"output={which!r}: {subject.rstrip(',')} returns {many} ({listing}).")
    return which


def _numbers(tape: Tape, at: int, wires: Sequence[Any]) -> list[Output]:
    m = tape.measurements[at]
    if isinstance(m, qml.measurements.ProbabilityMP) and m.mv is None:
        return _outcomes(tape, at, list(m.wires or wires or tape.wires))
    return [Output(str(m), _observable(m), at, is_variance=isinstance(m, qml.measurements.VarianceMP))]


def _observable(m: Any) -> Operator:
    if (
        getattr(m, "mv", None) is not None
        or m.obs is None
        and isinstance(m, (qml.measurements.ExpectationMP, qml.measurements.VarianceMP))
    ):
        raise UnsupportedCircuitError(
            "The expectation value is of a mid-circuit measurement: return qml.expval of an observable."
        )
    # the theory is of Tr[Oρ]
    if not isinstance(m, (qml.measurements.ExpectationMP, qml.measurements.VarianceMP)):
        kind = _KINDS.get(type(m).__name__, type(m).__name__)
        raise UnsupportedCircuitError(
            f"The QNode returns {kind}: the theory is for expectation values. Return qml.expval(O), or qml.probs."
        )
    return m.obs


def _outcomes(tape: Tape, at: int, wires: list[Any]) -> list[Output]:
    """One projector an outcome; beyond the limit the likeliest, and the others in sum."""
    turned = tape.measurements[at].diagonalizing_gates()
    most = limits.OPERATOR_WIRES if turned else limits.PROBABILITY_WIRES
    if len(wires) > most:
        raise UnsupportedCircuitError(
            f"qml.probs on {len(wires)} wires has {2 ** len(wires):,} outcomes: ask for the probabilities of at most "
            f"{most} wires."
        )
    size = 2 ** len(wires)
    chosen = np.arange(size)
    if size > limits.OUTCOMES:
        likely = np.argsort(-_probabilities(tape, wires), kind="stable")[: limits.OUTCOMES - 1]
        chosen = np.sort(likely)
    out = [Output(f"p({i:0{len(wires)}b})", _projector(i, wires, turned), at, int(i)) for i in chosen]
    if len(chosen) < size:
        others = np.ones(size)
        others[chosen] = 0.0
        out.append(Output("p(others)", _diagonal(others, wires), at, -1))
    return out


def _probabilities(tape: Tape, wires: list[Any]) -> NDArray[np.float64]:
    plain = qml.tape.QuantumScript(tape.operations, [qml.probs(wires=wires)])
    (found,) = qml.execute([plain], qml.device("default.qubit"), diff_method=None)
    values = np.asarray(qml.math.toarray(qml.math.unwrap([found])[0]), float)
    return np.asarray(values.reshape(-1, 2 ** len(wires)).mean(axis=0))  # over a batch, where there is one


def _projector(outcome: int, wires: list[Any], turned: Sequence[Operator]) -> Operator:
    bits = [int(b) for b in f"{outcome:0{len(wires)}b}"]
    with qml.queuing.QueuingManager.stop_recording():
        if not turned:
            return qml.Projector(np.array(bits), wires)
        # of another basis: |b⟩⟨b| turned back by the gates that diagonalise the observable
        row = np.asarray(qml.matrix(qml.tape.QuantumScript(turned), wire_order=wires))[outcome]
        return qml.Hermitian(np.outer(row.conj(), row), wires)


def _diagonal(values: NDArray[np.float64], wires: list[Any]) -> Operator:
    """The operator that is diagonal with these values, as a sum of Z words."""
    k = len(wires)
    coefficients = values.reshape((2,) * k)
    for axis in range(k):
        zero, one = np.take(coefficients, 0, axis), np.take(coefficients, 1, axis)
        coefficients = np.stack([zero + one, zero - one], axis) / 2
    places = [f"{i:0{k}b}" for i in range(2**k)]
    maps = [{w: "Z" for w, b in zip(wires, place, strict=True) if b == "1"} for place in places]
    words = dict(zip(map(qml.pauli.PauliWord, maps), coefficients.reshape(-1).tolist(), strict=True))
    with qml.queuing.QueuingManager.stop_recording():
        return qml.pauli.PauliSentence(words).operation(wires)
