"""Exact gradient variances of costs that are linear in their outputs, at any depth.

``Σ_j c_j ⟨O_j⟩`` of one circuit is ⟨Σ_j c_j O_j⟩. On several input states ψ_b it is one expectation value too, of
``Σ_j O_j ⊗ diag(B·c_jb)`` on the state ``Σ_b |ψ_b⟩|b⟩/√B``: a register of log2 B more qubits that no gate turns.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable
from pennylane_wishart.conventions import circuit as sizes
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.costs.outputs import CostOutput
from pennylane_wishart.costs.sampling import CostSamples
from pennylane_wishart.paulis import PauliSum, PauliWords, subsets
from pennylane_wishart.variances import SecondMoments, moments_of

__all__ = ["LinearCost", "linear_cost"]

LinearCost = list[tuple[tuple[int, ...], float, SecondMoments]]
"""The cost as a sum of circuits: its parameter for each of the circuit's, a weight, and the circuit's moments."""


def linear_cost(samples: CostSamples, outputs: Sequence[CostOutput], seed: int) -> LinearCost | Unavailable:
    """Return the moments of a cost that is linear in its outputs.

    Returns:
        One circuit with its moments for each set of gates; or why there is nothing exact.
    Cost: as ``moments_of``, once for each set of gates.
    Source: second moments at finite depth of one observable on one state; the register is ours.
    """
    chain = samples.chain
    if np.ptp(chain, axis=0).max(initial=0.0) > limits.LINEAR * np.abs(chain).max(initial=0.0):
        return _not("the cost is not linear in its outputs")
    groups: dict[Hashable, list[tuple[float, CostOutput, RotationCircuit]]] = {}
    for o in outputs:
        if o.mapped or isinstance(o.diagnosis, Unavailable) or min(o.parameters, default=-1) < 0:
            return _not("some circuit was not read, or its parameters are computed from the cost's")
        circuit = o.diagnosis.prediction.circuit
        rates = (circuit.term_coefficients, circuit.coefficients, circuit.offsets)
        arrays = (circuit.terms.packed, circuit.starts, circuit.parameter_of, *rates)
        key = (circuit.n_qubits, o.parameters, *(np.round(a, 10).tobytes() for a in arrays))
        weight = float(chain[:, list(o.places)].sum(axis=1).mean())
        groups.setdefault(key, []).append((weight, o, circuit))
    drivers = [p for members in groups.values() for p in members[0][1].parameters]
    if len(set(drivers)) < len(drivers):
        return _not("some parameter drives several circuits with different gates")
    found: LinearCost = []
    for members in groups.values():
        if len(members) == 1:
            ((weight, o, _),) = members
            assert not isinstance(o.diagnosis, Unavailable)  # looked at above
            found.append((o.parameters, weight, o.diagnosis.prediction.moments))
            continue
        whole = _together([(weight, circuit) for weight, _, circuit in members])
        if whole is None:
            return _not("the input states of all data do not fit into one register")
        found.append((members[0][1].parameters, 1.0, moments_of(whole, seed=seed)))
    return found


def _not(text: str) -> Unavailable:
    return Unavailable(Reason(ReasonCode.UNSUPPORTED, f"Sampled: {text}."))


def _together(members: Sequence[tuple[float, RotationCircuit]]) -> RotationCircuit | None:
    """One circuit whose loss is the weighted sum of losses of circuits with the same gates."""
    first = members[0][1]
    states: list[InputState] = []
    place: list[int] = []
    for _, circuit in members:
        at = next((i for i, s in enumerate(states) if s is circuit.state), len(states))
        states += [circuit.state] if at == len(states) else []
        place.append(at)
    n, extra = first.n_qubits, int(np.ceil(np.log2(len(states))))
    if n + extra > sizes.STATE_QUBITS:
        return None
    weights = [np.zeros(2**extra) for _ in members]
    for (weight, _), at, row in zip(members, place, weights, strict=True):
        row[at] = weight * len(states)
    sums = [_tensor(circuit.observable, row) for (_, circuit), row in zip(members, weights, strict=True)]
    words = PauliWords.concatenate([s.words for s in sums])
    observable = PauliSum.of(words, np.concatenate([s.coefficients for s in sums]))
    if not extra:
        return replace(first, observable=observable, trace=None)
    vector = np.zeros((2**n, 2**extra), complex)
    for at, state in enumerate(states):
        vector[:, at] = state.vector() / np.sqrt(len(states))
    wider = list(range(n))
    return replace(
        first,
        n_qubits=n + extra,
        wires=(*first.wires, *(f"datum bit {i}" for i in range(extra))),
        terms=first.terms.spread(wider, n + extra),
        observable=observable,
        states=(InputState.from_vector(vector.reshape(-1)),),
        trace=None,
    )


def _tensor(observable: PauliSum, diagonal: Floats) -> PauliSum:
    """O ⊗ diag: every word of O with every word of Z on the register."""
    extra, n = int(np.log2(len(diagonal))), observable.n_qubits
    if not extra:
        return observable.scale(float(diagonal[0]))
    z = subsets(extra)
    # the register's first qubit is the most significant bit of the datum's number
    signs = 1.0 - 2.0 * (z @ z[:, ::-1].T % 2)
    values = signs @ diagonal / len(diagonal)
    inner = observable.words.spread(list(range(n)), n + extra)
    x, zz = (np.repeat(bits, len(z), axis=0) for bits in inner.bits())
    zz[:, n:] = np.tile(z, (len(observable), 1))
    coefficients = np.repeat(observable.coefficients, len(z)) * np.tile(values, len(observable))
    return PauliSum.of(PauliWords.from_bits(x, zz), coefficients)
