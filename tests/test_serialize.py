"""Records written to plain values and read back, exactly."""

from __future__ import annotations

import json

import numpy as np
import pytest
import stim

from pennylane_wishart.circuit import AngleLaw, InputState, RotationCircuit
from pennylane_wishart.conventions import UpperBound
from pennylane_wishart.ensembles import BetaLoss, MixtureLaw
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.serialize import decode, encode


def through_json(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 10**40, 0.1, float("inf"), float("-inf"), "text", 1.5 + 2j, (1, (2.0, "x")), [1, {"a": (2,)}]],
)
def test_plain_values_come_back_equal_and_of_the_same_type(value):
    found = through_json(value)
    assert found == value and type(found) is type(value)


def test_nan_comes_back():
    assert np.isnan(through_json(float("nan")))


@pytest.mark.parametrize(
    "array",
    [np.array([0.1, np.nan, -0.0]), np.zeros((0, 3)), np.array([1 << 63], np.uint64), np.array([[True]]), np.array(1j)],
)
def test_arrays_come_back_bit_for_bit(array):
    found = through_json(array)
    assert found.dtype == array.dtype and found.shape == array.shape and found.tobytes() == array.tobytes()


def test_dictionaries_keep_keys_that_are_no_strings():
    assert through_json({(1, 2): "a", 3: Status.OK}) == {(1, 2): "a", 3: Status.OK}


def test_tableaus_come_back():
    tableau = stim.Tableau.random(4)
    assert through_json(tableau) == tableau


def test_records_come_back():
    assert through_json(UpperBound(-30.0, 0.95)) == UpperBound(-30.0, 0.95)
    law = MixtureLaw((BetaLoss(-1.0, 1.0, 2, 4, 2), BetaLoss(-2.0, 1.0, 1, 4, 1)), (0.25, 0.75))
    assert through_json(law).cdf(0.3) == law.cdf(0.3)
    assert through_json(AngleLaw.normal(0.3, 2)) == AngleLaw.normal(0.3, 2)


def test_a_circuit_comes_back_with_the_same_content():
    circuit = RotationCircuit.from_words(
        ["XI", "ZZ"], {"ZI": 0.5, "XX": 0.1}, InputState.from_vector([1, 0, 0, 1j] / np.sqrt(2))
    )
    found = through_json(circuit)
    assert found.content_hash == circuit.content_hash
    assert np.allclose(found.loss([0.3, 0.4]), circuit.loss([0.3, 0.4]), atol=1e-15)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"$": "record", "class": "os:system", "fields": {}}, "unknown to this version"),
        ({"$": "record", "class": "pennylane_wishart.conventions:Gone", "fields": {}}, "unknown to this version"),
        (
            {"$": "record", "class": "pennylane_wishart.conventions:UpperBound", "fields": {"other": 1}},
            "another version",
        ),
        ({"$": "record", "class": "pennylane_wishart.conventions:UpperBound", "fields": {}}, "another version"),
        ({"plain": 1}, "Not a record"),
    ],
)
def test_what_was_not_written_here_is_refused(written, message):
    with pytest.raises(InputError, match=message):
        decode(written)


def test_what_has_no_written_form_is_named():
    with pytest.raises(InputError, match="function has no written form"):
        encode(lambda x: x)
