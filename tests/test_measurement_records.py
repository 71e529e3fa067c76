"""Records and plans: merging, validation, JSON, netCDF, Parquet."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from measured_circuits import qnode_of

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.errors import ComparisonError, InputError, StoreError
from pennylane_wishart.measurement import Measurement, MinimaMeasurement, SamplingPlan, find_minima, measure
from pennylane_wishart.measurement.records.plan import BLOCK


def test_merging_adds_what_belongs_together():
    qnode, args = qnode_of("qaoa")
    whole = measure(qnode, samples=50)(*args)
    parts = measure(qnode, samples=30)(*args) + measure(qnode, samples=20, first=30)(*args)
    assert np.array_equal(parts.gradients, whole.gradients)
    assert parts.content_hash == whole.content_hash and parts.samples == 50
    two = whole + measure(qnode, samples=10, seed=8)(*args)
    assert two.seed == (7, 8) and two.samples == 60
    assert np.array_equal(two.angles, two.plan.draw()[0])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"angles": "small"}, "law"),
        ({"parameters": 1}, "parameters"),
        ({"shots": 10}, "shots"),
        ({"device": "default.qubit"}, "device"),
    ],
)
def test_merging_refuses_other_questions_by_name(change, named):
    qnode, args = qnode_of("qaoa")
    mine, other = (
        measure(qnode, samples=3)(*args),
        measure(qnode, samples=3, seed=8, **change)(*args),
    )
    with pytest.raises(ComparisonError, match=named):
        mine + other


def test_merging_refuses_other_circuits_and_the_same_samples_twice():
    qnode, args = qnode_of("qaoa")
    other, others_args = qnode_of("layers")
    data = measure(qnode, samples=3)(*args)
    with pytest.raises(ComparisonError, match="circuit"):
        data + measure(other, samples=3, seed=8)(*others_args)
    with pytest.raises(ComparisonError, match="sample 2 of seed 7"):
        data + measure(qnode, samples=5, first=2)(*args)


def test_records_round_trip_through_json():
    qnode, args = qnode_of("qaoa")
    for options in ({}, {"parameters": 1}, {"shots": 20, "parameters": [0]}):
        data = measure(qnode, samples=4, **options)(*args)
        back = Measurement.from_dict(json.loads(json.dumps(data.to_dict())))
        for name in ("losses", "gradients", "gradient_error", "shot_variance", "angles"):
            assert np.array_equal(getattr(back, name), getattr(data, name), equal_nan=True)
        assert back.content_hash == data.content_hash and back.shapes == ((2,), (2,))
        assert str(back) == str(data)
    with pytest.raises(InputError, match="schema"):
        Measurement.from_dict({**data.to_dict(), "schema_version": 99})


def test_records_are_validated():
    qnode, args = qnode_of("qaoa")
    data = measure(qnode, samples=4)(*args).to_dict()
    with pytest.raises(InputError, match="losses needs shape"):
        Measurement.from_dict({**data, "losses": [1.0]})
    with pytest.raises(InputError, match="not finite"):
        Measurement.from_dict({**data, "losses": [1.0, 2.0, float("nan"), 0.0]})


def test_plan_draws_are_frozen():
    """The stream of angles is part of the format of stored data: it must never change."""
    plan = SamplingPlan("x", AngleLaw.uniform([1.0]), ((7, 0, 2), (7, BLOCK, 1)))
    angles, _ = plan.draw()
    assert np.allclose(angles[:, 0], FROZEN, atol=1e-12)


FROZEN = [0.7978591868433563, 0.05309388325640407, 0.4805820057358118]


# ---------------------------------------------------------------------- files
def bits(record) -> dict[str, bytes]:
    """Every array of a record, byte by byte."""
    fields = {k: v for k, v in vars(record).items() if isinstance(v, np.ndarray)}
    return {k: v.tobytes() + str((v.dtype, v.shape)).encode() for k, v in fields.items()}


@pytest.mark.parametrize("form", ["netcdf", "parquet"])
@pytest.mark.parametrize("options", [{}, {"parameters": 1}, {"shots": 20, "parameters": [0]}, {"angles": "small"}])
def test_measurements_come_back_bit_for_bit(form, options, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    qnode, args = qnode_of("qaoa")
    data = measure(qnode, samples=4, **options)(*args) + measure(qnode, samples=3, seed=2**61, **options)(*args)
    path = getattr(data, f"to_{form}")(tmp_path / "data")
    back = getattr(Measurement, f"from_{form}")(path)
    assert bits(back) == bits(data)
    assert back.to_dict() == data.to_dict() and back.content_hash == data.content_hash
    assert (back.seed, back.device, back.route, back.shapes) == (data.seed, data.device, data.route, data.shapes)
    assert [f.name for f in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("form", ["netcdf", "parquet"])
@pytest.mark.parametrize("hessian", [True, False])
def test_minima_come_back_bit_for_bit(form, hessian, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    qnode, args = qnode_of("qaoa")
    found = find_minima(qnode, starts=3, hessian=hessian)(*args)
    path = getattr(found, f"to_{form}")(tmp_path / "minima")
    back = getattr(MinimaMeasurement, f"from_{form}")(path)
    assert bits(back) == bits(found) and back.to_dict() == found.to_dict()
    with pytest.raises(StoreError, match="holds a MinimaMeasurement; read it with MinimaMeasurement.from_netcdf"):
        getattr(Measurement, f"from_{form}")(path)


def test_files_say_what_they_hold_to_other_tools(tmp_path):
    """Read without this package: SciPy and pyarrow alone."""
    from scipy.io import netcdf_file

    qnode, args = qnode_of("qaoa")
    data = measure(qnode, samples=5, shots=10, parameters=1)(*args)
    with netcdf_file(str(data.to_netcdf(tmp_path / "data.nc")), "r", mmap=False) as file:
        assert file.device == b"lightning.qubit" and file.route == b"parameter-shift" and file.seed == b"[7]"
        assert file.content_hash.decode() == data.content_hash and file.shots == b"10"
        assert file.variables["angles"].units == b"radian"
        assert file.variables["gradients"].dimensions == ("sample", "parameter")
        assert np.array_equal(file.variables["gradients"][:], data.gradients, equal_nan=True)
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(str(data.to_parquet(tmp_path / "data.parquet")))
    assert table.num_rows == 5 and table.schema.metadata[b"circuit_hash"].decode() == data.circuit_hash
    assert table.schema.field("angles").metadata == {b"units": b"radian"}
    assert table.column("losses").to_pylist() == data.losses.tolist()


def test_files_that_cannot_be_read_or_written(tmp_path, monkeypatch):
    qnode, args = qnode_of("qaoa")
    data = measure(qnode, samples=5)(*args)
    path = data.to_netcdf(tmp_path / "data.nc")
    whole = path.read_bytes()
    (tmp_path / "short.nc").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.nc").write_text("these are my notes")
    for name in ("short.nc", "notes.nc"):
        with pytest.raises(StoreError, match="no netCDF file written by this package, or is damaged"):
            Measurement.from_netcdf(tmp_path / name)
    with pytest.raises(StoreError, match="does not exist"):
        Measurement.from_netcdf(tmp_path / "none.nc")
    with pytest.raises(StoreError, match="cannot be written"):
        data.to_netcdf(tmp_path / "no" / "where.nc")
    # A failed export leaves the file of before as it was, and nothing beside it.
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError("No space left on device")))
    with pytest.raises(StoreError, match="No space left"):
        data.to_netcdf(path)
    assert path.read_bytes() == whole and len(list(tmp_path.iterdir())) == 3
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'pennylane-wishart\[parquet\]'"):
        data.to_parquet(path)
