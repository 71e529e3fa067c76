"""Options as a user meets them: signatures, help, the nearest name; and the routes that a record keeps."""

from __future__ import annotations

import inspect
import sqlite3

import numpy as np
import pytest
from measured_circuits import qnode_of

from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement import Measurement, find_minima, measure, quote
from pennylane_wishart.measurement.store.store_file import StoreProblem, guard, problem_of

DOORS = {measure: ("samples", 500), find_minima: ("starts", 52), quote: ("samples", 500)}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_option_is_in_the_signature_and_in_help(door):
    first, default = DOORS[door]
    parameters = inspect.signature(door).parameters
    assert list(parameters)[:2] == ["qnode", first] and parameters[first].default == default
    assert "{options}" not in door.__doc__
    if door is not quote:
        assert all(f"{name}" in door.__doc__ for name in parameters)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_a_misspelt_option_names_the_nearest(door):
    qnode, _ = qnode_of("qaoa")
    with pytest.raises(TypeError, match=rf"{door.__name__}\(\) got an .* 'sede'; did you mean 'seed'\?"):
        door(qnode, sede=3)
    with pytest.raises(TypeError, match="'zzz'$"):
        door(qnode, zzz=3)


def test_options_by_position_are_those_by_name():
    qnode, args = qnode_of("qaoa")
    assert np.array_equal(measure(qnode, 3, 5)(*args).losses, measure(qnode, samples=3, seed=5)(*args).losses)


def test_routes_are_a_tuple_and_old_records_are_read():
    qnode, args = qnode_of("qaoa")
    fast = measure(qnode, samples=3)(*args)
    slow = measure(qnode, samples=3, seed=8, route="device-adjoint")(*args)
    both = fast + slow
    assert both.routes == ("lightning-cpp-adjoint", "device-adjoint")
    assert both.route == "lightning-cpp-adjoint + device-adjoint"
    old = {k: v for k, v in both.to_dict().items() if k != "routes"}
    assert Measurement.from_dict(old).routes == both.routes


def test_what_sqlite_says_is_told_by_its_code(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, and no database" * 9)
    with pytest.raises(StoreError, match="corrupt or of another kind") as caught, guard("store", "read"):
        sqlite3.connect(path).execute("SELECT * FROM runs")
    assert problem_of(caught.value.__cause__) is StoreProblem.CORRUPT
    with pytest.raises(StoreError, match="could not be decoded") as caught, guard("store", "read"):
        sqlite3.connect(":memory:").execute("SELECT CAST(x'ff' AS TEXT)").fetchall()
    assert "with text" not in str(caught.value)
