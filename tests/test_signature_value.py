"""A signature is a value: pickled, or written to JSON and read back, it is the same, bit for bit."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from circuits import case
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.conventions import ReasonCode
from pennylane_wishart.errors import InputError
from pennylane_wishart.sectors import Route, Signature, build_signature, door
from pennylane_wishart.serialize import encode

# one of each kind: words, sums, a spin factor, the reached space, outside the theory, no trainable effect, many sectors
NAMES = ("su8_pauli", "tfim_hva", "spin_factor", "xxz_fixed_number", "tensor_product", "sp_4", "uccsd_h2")


def written(signature: Signature) -> str:
    data = signature.to_dict()
    json.dumps(data["record"], allow_nan=False)  # what is read back is plain JSON
    return json.dumps(data, sort_keys=True)


def of_case(name: str) -> Signature:
    qnode, args = case(name).make()
    return pw.signature(qnode)(*args)


def by_json(signature: Signature) -> Signature:
    return Signature.from_dict(json.loads(written(signature)))


def by_pickle(signature: Signature) -> Signature:
    return pickle.loads(pickle.dumps(signature))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", [by_json, by_pickle])
def test_signatures_come_back_bit_for_bit(name, way):
    signature = of_case(name)
    rank = signature.independent_rank
    found = way(signature)
    assert written(found) == written(signature) and str(found) == str(signature)
    assert found.independent_rank == rank and found.algebra.ideals == signature.algebra.ideals
    assert found.circuit.trace is None and signature.circuit.trace is not None  # the QNode stays where it is
    assert found.circuit.content_hash == signature.circuit.content_hash
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 6, found.circuit.n_rotations)
    assert found.circuit.loss(angles) == signature.circuit.loss(angles)
    for ours, theirs in zip(found.sectors, signature.sectors, strict=True):
        assert (
            ours.linked_to == theirs.linked_to and ours.generator_traces.tobytes() == theirs.generator_traces.tobytes()
        )


@pytest.mark.parametrize("name", NAMES)
def test_predictions_of_what_was_read_back_are_the_same(name):
    signature = of_case(name)
    ours, theirs = pw.predict(by_json(signature)), pw.predict(signature)
    np.testing.assert_array_equal(ours.log2_gradient_variance, theirs.log2_gradient_variance)
    assert ours.in_theory == theirs.in_theory and ours.dead_parameters == theirs.dead_parameters


def test_what_was_computed_is_kept_and_what_was_not_stays_open(monkeypatch):
    words, observable = ["XI", "IX", "ZZ"], {"ZI": 1.0, "IZ": 0.5}
    signature = build_signature(RotationCircuit.from_words(words, observable))
    plain = signature.settled()
    assert plain.known_rank is None and plain.known_module is None
    rank, module = signature.independent_rank, signature.module
    found = by_json(signature)

    def never(*_, **__):
        raise AssertionError("computed again")

    monkeypatch.setattr("pennylane_wishart.sectors.signature.count_independent", never)
    monkeypatch.setattr("pennylane_wishart.sectors.signature.find_module", never)
    monkeypatch.setattr("pennylane_wishart.algebra.records.decompose", never)
    assert found.independent_rank == rank and found.n_independent == signature.n_independent
    assert found.module.dim == module.dim and found.algebra.name == signature.algebra.name
    with pytest.raises(AssertionError, match="computed again"):
        plain.independent_rank  # noqa: B018


def test_many_sectors_and_unusual_inputs_come_back():
    words = ["XIIII", "ZIIII", "XZIII", "ZIZII", "XIIZI", "ZIIIZ"]
    state = InputState.from_vector(np.exp(1j * np.arange(32)) / np.sqrt(32))
    signature = build_signature(RotationCircuit.from_words(words, {"XZIII": 1.0, "YIIII": 0.25}, state))
    assert written(by_json(signature)) == written(signature)
    orbit = build_signature(RotationCircuit.from_words(words, {"XZIII": 1.0}, state))
    found = by_json(orbit)
    assert found.module.anticommuting_fraction("ZIIII") == orbit.module.anticommuting_fraction("ZIIII")
    assert found.module.enumerate() == orbit.module.enumerate()


def test_a_parameter_that_cancels_is_still_known():
    qml = pytest.importorskip("pennylane")

    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RX(x[0], 0)
        qml.RX(-x[0], 0)
        qml.RY(x[1], 0)
        return qml.expval(qml.Z(0))

    signature = pw.signature(circuit)(qml.numpy.array([0.1, 0.2], requires_grad=True))
    assert signature.circuit.cancelled == (0,)
    assert by_json(signature).circuit.cancelled == by_pickle(signature).circuit.cancelled == (0,)


@pytest.mark.parametrize("data", [{}, {"record": encode((1, 2))}])
def test_what_is_no_signature_is_refused(data):
    with pytest.raises(InputError, match=r"Signature.from_dict needs what Signature.to_dict wrote"):
        Signature.from_dict(data)


def test_routes_and_reasons_are_typed():
    signature = of_case("tensor_product")
    assert signature.method in list(Route) and not signature.in_theory
    assert signature.reason_code in list(ReasonCode)
    assert all(s.in_theory == (s.reason_code is None) for s in signature.sectors)
    reached = of_case("xxz_fixed_number")
    assert reached.in_theory and reached.reason_code is None
    assert reached.passed_over["pauli"].code is ReasonCode.UNSUPPORTED
    assert all(reason.text for reason in reached.passed_over.values())


def test_a_route_that_does_not_exist_is_refused():
    signature = build_signature(RotationCircuit.from_words(["X"], {"Z": 1.0}))
    with pytest.raises(InputError, match="Signature.method must be one of"):
        replace(signature, method="magic")


def test_the_same_ansatz_at_other_angles_is_not_read_into_sectors_again(monkeypatch):
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x, scale):
        qml.RX(x[0], 0)
        qml.CRY(x[1], [0, 1])
        return qml.expval(scale * qml.Z(1))

    first = pw.signature(circuit)(pnp.array([0.1, 0.2], requires_grad=True), 1.0)
    rank = first.n_independent
    built = []
    monkeypatch.setattr(
        door, "build_signature", lambda *args, **options: built.append(args) or build_signature(*args, **options)
    )
    again = pw.signature(circuit)(pnp.array([0.3, 0.4], requires_grad=True), 1.0)
    assert not built and again.to_dict() == first.to_dict() and again.known_rank.value == rank
    # what decides a signature is compared bit for bit: a number that rounds to the same is another circuit
    other = pw.signature(circuit)(pnp.array([0.1, 0.2], requires_grad=True), 1.0 + 1e-15)
    assert built and other.sectors[0].center == pytest.approx(first.sectors[0].center)
