"""Identity of devices: records are shared, added and resumed only where nothing that decides numbers differs."""

from __future__ import annotations

import copyreg
import json
import os
import subprocess
import sys
import textwrap
import types
import uuid
from importlib import metadata
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import PAIR_ARGS, on, same
from pennylane import numpy as pnp
from stub_devices import FaultyHardware, NoisyHardware, StubHardware

from pennylane_wishart.errors import ComparisonError, InputError, StoreError, WishartWarning
from pennylane_wishart.measurement import Measurement, MinimaMeasurement, find_minima, measure, resume, stored_runs
from pennylane_wishart.measurement.identity import content
from pennylane_wishart.measurement.identity.content import content_of, package_version
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.recipes import device_recipe

ARGS = PAIR_ARGS
ROOT = Path(__file__).resolve().parents[1]


def turns(x):
    """⟨Z⟩ = cos x₀ · cos x₁ and what noise makes of it can be written down."""
    qml.RX(x[0], 0)
    qml.RX(x[1], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1))


def over_rotation(angle: float):
    """A noise model of gates alone, which default.qubit simulates: every RX turns too far."""
    return qml.NoiseModel({qml.noise.op_eq(qml.RX): qml.noise.partial_wires(qml.RX, angle)})


def depolarizing(p: float):
    return qml.NoiseModel({qml.noise.op_eq(qml.RX): qml.noise.partial_wires(qml.DepolarizingChannel, p)})


def identity(device) -> DeviceIdentity:
    return device_recipe(device, None, (0, 1)).identity


# ---------------------------------------------------------------------- sharing and adding
def test_a_noisy_device_never_reads_the_records_of_an_ideal_one_of_its_name(tmp_path):
    store = tmp_path / "journal.db"
    exact = measure(on(qml.device("default.qubit", wires=2)), samples=40)(*ARGS)
    found = [
        measure(on(NoisyHardware(wires=2, strength=s)), samples=40, store=store)(*ARGS) for s in (0.0, 0.2, 0.1, 0.2)
    ]
    for data, strength in zip(found, (0.0, 0.2, 0.1, 0.2), strict=True):
        assert np.allclose(data.gradients, (1 - strength) * exact.gradients, atol=1e-12)
    assert [r["samples"] for r in stored_runs(store)] == [40, 40, 40]
    other = measure(on(NoisyHardware(wires=2, strength=0.2)), samples=5, seed=8)(*ARGS)
    assert (found[1] + other).samples == 45
    with pytest.raises(ComparisonError, match=r"stub\.hardware #.* and stub\.hardware #.*strength is 0\.0 and 0\.2"):
        found[0] + other


def test_single_and_double_precision_do_not_mix(tmp_path):
    store = tmp_path / "journal.db"
    devices = [qml.device("lightning.qubit", wires=2, c_dtype=t) for t in (np.complex128, np.complex64)]
    double, single = (measure(on(d), samples=20, store=store)(*ARGS) for d in devices)
    assert [r["samples"] for r in stored_runs(store)] == [20, 20]
    exact = measure(on(qml.device("default.qubit", wires=2)), samples=20)(*ARGS)
    assert np.abs(double.gradients - exact.gradients).max() < 1e-12
    assert 1e-9 < np.abs(single.gradients - exact.gradients).max() < 1e-5
    with pytest.raises(ComparisonError, match="c_dtype is complex128 and complex64"):
        double + measure(on(devices[1]), samples=5, seed=8)(*ARGS)


@pytest.mark.parametrize("shots", [None, 400])
def test_transforms_on_a_device_of_pennylanes_own_are_measured(shots, tmp_path):
    """Each angle is turned by 0.2 too far: ℓ = cos(x₀ + 0.2)·cos(x₁ + 0.2)."""
    store, plain = tmp_path / "journal.db", qml.device("default.qubit", wires=2)
    noisy = qml.add_noise(plain, over_rotation(0.2))
    options = {"samples": 60, "shots": shots, "store": store}
    for device, extra in ((plain, 0.0), (noisy, 0.2), (plain, 0.0)):
        data = measure(qml.QNode(turns, device), **options)(pnp.zeros(2))
        gap = data.losses - np.cos(data.angles + extra).prod(1)
        # 60 losses, each within 5 standard errors of 1/√400.
        assert np.abs(gap).max() < (1e-10 if shots is None else 5 / np.sqrt(shots))
        assert data.device == ("default.qubit with add_noise" if extra else "default.qubit")
    assert [r["samples"] for r in stored_runs(store)] == [60, 60]
    assert identity(noisy) == identity(qml.add_noise(plain, over_rotation(0.2)))
    assert identity(noisy) != identity(qml.add_noise(plain, over_rotation(0.3)))


def test_noise_models_on_default_mixed_are_told_apart_by_what_they_hold(tmp_path):
    """A depolarizing channel shrinks Z by 1 − 4p/3, once for each RX."""
    store = tmp_path / "journal.db"
    for p in (0.3, 0.1, 0.3):
        device = qml.add_noise(qml.device("default.mixed", wires=2), depolarizing(p))
        data = measure(qml.QNode(turns, device), samples=10, store=store)(pnp.zeros(2))
        assert np.allclose(data.losses, (1 - 4 * p / 3) ** 2 * np.cos(data.angles).prod(1), atol=1e-12)
    assert [r["samples"] for r in stored_runs(store)] == [10, 10]
    plain, read = (qml.device("default.mixed", wires=2, readout_prob=p) for p in (None, 0.1))
    assert identity(plain).differences(identity(read)) == ["readout_prob is none and 0.1"]


class Halved(qml.devices.DefaultQubit):
    """A user's own device, which keeps the name of the simulator that it derives from."""

    def execute(self, circuits, execution_config=None):
        return tuple(0.5 * np.asarray(r) for r in super().execute(circuits, execution_config))


class Flipped(qml.devices.DefaultMixed):
    def execute(self, circuits, execution_config=None):
        return tuple(-np.asarray(r) for r in super().execute(circuits, execution_config))


@pytest.mark.parametrize(("kind", "factor"), [(Halved, 0.5), (Flipped, -1.0)])
def test_subclasses_of_simulators_are_not_replaced_by_them(kind, factor):
    for device in (kind(wires=2), lambda: kind(wires=2)):
        data = measure(qml.QNode(turns, qml.device("lightning.qubit", wires=2)), samples=6, device=device)(pnp.zeros(2))
        assert np.allclose(data.losses, factor * np.cos(data.angles).prod(1), atol=1e-12)
        slopes = -np.sin(data.angles) * np.cos(data.angles[:, ::-1])
        assert np.allclose(data.gradients, factor * slopes, atol=1e-9)
        assert kind.__name__ in data.device
    assert identity(kind(wires=2)) == identity(lambda: kind(wires=2))


# ---------------------------------------------------------------------- what plugins hold
class NoiseOfAPlugin:
    """Aer's way: every error has a random name, and errors come in the order of a set."""

    def __init__(self, *rates):
        self.rates = rates

    def to_dict(self, serializable=False):
        return {"errors": [{"type": "qerror", "id": uuid.uuid4().hex, "probabilities": [r]} for r in self.rates]}


class LikeQiskit(StubHardware):
    """Holds a backend with options and a machine's properties, as Qiskit's devices do."""

    def __init__(self, noise=None, error=0.01, name="fake_manila", **run):
        super().__init__(wires=2)
        self._backend = types.SimpleNamespace(
            name=name, options=types.SimpleNamespace(noise_model=noise, method="automatic"), run=len,
            properties=lambda: types.SimpleNamespace(to_dict=lambda: {"gates": [{"gate": "cx", "error": error}]}),
        )  # fmt: skip
        self.run_args = run
        self._current_job = uuid.uuid4()


def test_backends_noise_models_and_options_are_read():
    base = LikeQiskit(NoiseOfAPlugin(0.1, 0.2))
    assert identity(base).is_certain
    assert identity(base) == identity(LikeQiskit(NoiseOfAPlugin(0.2, 0.1)))
    for other, named in (
        (LikeQiskit(), "_backend.options.noise_model"),
        (LikeQiskit(NoiseOfAPlugin(0.1, 0.3)), "_backend.options.noise_model"),
        (LikeQiskit(NoiseOfAPlugin(0.1, 0.2), error=0.02), "_backend.properties"),
        (LikeQiskit(NoiseOfAPlugin(0.1, 0.2), name="fake_lima"), "_backend.name"),
        (LikeQiskit(NoiseOfAPlugin(0.1, 0.2), seed_simulator=3), "run_args"),
    ):
        [difference] = identity(base).differences(identity(other))
        assert difference.startswith(f"{named} is ")


def test_a_devices_own_state_is_no_setting(tmp_path):
    """Counters move while it runs; the same object, and a fresh one in another session, are the same device."""

    class Counting(StubHardware):
        def __init__(self):
            super().__init__(wires=2)
            self.energy_used = 0.0

        def execute(self, circuits, execution_config=None):
            self.energy_used += 0.5
            return super().execute(circuits, execution_config)

    store, device = tmp_path / "journal.db", Counting()
    fresh = identity(device)
    measure(on(device), samples=4, store=store)(*ARGS)
    calls = device.calls
    assert measure(on(device), samples=4, store=store)(*ARGS).samples == 4
    assert device.calls == calls and device.energy_used > 0 and identity(device) == fresh == identity(Counting())
    device.voltage = 3.0
    assert identity(device) != fresh


@pytest.mark.filterwarnings("ignore:.*cannot be identified")
def test_what_cannot_be_identified_is_never_shared(tmp_path):
    class Opaque(StubHardware):
        def __init__(self):
            super().__init__(wires=2)
            self.line = (bit for bit in ())

    store, one, two = tmp_path / "journal.db", Opaque(), Opaque()
    with pytest.warns(WishartWarning, match=r"stub\.hardware cannot be identified \(line.*same_device=True"):
        first = measure(on(one), samples=3, store=store)(*ARGS)
    assert "not identified, so that this record adds to none of another session" in str(first)
    assert measure(on(one), samples=3, store=store)(*ARGS).identity == first.identity
    assert (first + measure(on(one), samples=3, seed=8)(*ARGS)).samples == 6
    second = measure(on(two), samples=3, seed=9, store=store)(*ARGS)
    with pytest.raises(ComparisonError, match="cannot be identified: line"):
        first + second
    assert [r["samples"] for r in stored_runs(store)] == [3, 3]
    with pytest.raises(StoreError, match="cannot be identified"):
        resume(on(Opaque()), store, run=0)(*ARGS)
    assert same(resume(on(Opaque()), store, run=0, same_device=True)(*ARGS), first)


ELSEWHERE = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[1])
    from test_device_identity import *
    print([identity(d).digest for d in devices()])
    """
)


def devices() -> list:
    return [
        qml.device("lightning.qubit", wires=2),
        qml.add_noise(qml.device("default.qubit", wires=2), over_rotation(0.2)),
        qml.add_noise(StubHardware(wires=2), depolarizing(0.2)),
        NoisyHardware(wires=2),
        LikeQiskit(NoiseOfAPlugin(0.1, 0.2)),
        Halved(wires=2),
    ]


def test_pickling_a_device_does_not_change_it():
    """Pickle caches the names of slots on the class of what it writes, as a pool of processes makes it do."""

    fresh = identity(StubHardware(wires=2)).digest
    copyreg._slotnames(StubHardware)  # what copyreg does for every instance that is pickled
    assert "__slotnames__" in vars(StubHardware) and identity(StubHardware(wires=2)).digest == fresh


def test_identities_are_the_same_in_every_process():
    """Sets of strings have another order in every process; addresses and random names differ too."""
    here = [identity(d).digest for d in devices()]
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parent)], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.stdout == f"{here}\n"
    assert len(set(here)) == len(here)


def test_identity_travels_with_records_and_old_records_have_none(tmp_path):
    data = measure(on(StubHardware(wires=2)), samples=3)(*ARGS)
    back = Measurement.from_dict(json.loads(json.dumps(data.to_dict())))
    assert back.identity == data.identity and back.reproducible
    assert Measurement.from_netcdf(data.to_netcdf(tmp_path / "data.nc")).identity == data.identity
    found = find_minima(on(StubHardware(wires=2)), starts=1)(*ARGS)
    assert MinimaMeasurement.from_dict(json.loads(json.dumps(found.to_dict()))).identity == found.identity
    old = {k: v for k, v in data.to_dict().items() if k not in ("identity", "reproducible")} | {"schema_version": 1}
    assert np.array_equal(Measurement.from_dict(old).losses, data.losses)
    with pytest.raises(ComparisonError, match="before devices were identified"):
        Measurement.from_dict(old) + measure(on(StubHardware(wires=2)), samples=3, seed=8)(*ARGS)


# ---------------------------------------------------------------------- resuming
def interrupted(store, options, **call):
    """A run on hardware, given as device= to a QNode of a simulator, that ended after five calls."""
    device = FaultyHardware(wires=2, every=1, after=5)
    with pytest.raises(Exception, match="the same call resumes"):
        measure(on(qml.device("lightning.qubit", wires=2)), device=device, store=store, retries=0, check=False,
                **options, **call)(*ARGS)  # fmt: skip


@pytest.mark.parametrize("run", [None, 0])
def test_resume_never_changes_the_device_of_a_run(run, tmp_path):
    store, qnode = tmp_path / "journal.db", on(qml.device("lightning.qubit", wires=2))
    interrupted(store, {"samples": 9})
    with pytest.raises(StoreError, match=r"measured on stub\.hardware #.* cannot be continued on lightning\.qubit #"):
        resume(qnode, store, run=run)(*ARGS)
    assert [r["samples"] for r in stored_runs(store)] == [5]
    again = FaultyHardware(wires=2, fault=None)
    data = resume(qnode, store, run=run, device=again, check=False)(*ARGS)
    assert data.samples == 9 and again.calls == 4 and data.device == "stub.hardware"
    assert [r["samples"] for r in stored_runs(store)] == [9]


@pytest.mark.parametrize("run", [None, 0])
def test_resume_of_a_simulation_pays_for_no_hardware(run, tmp_path):
    store, qnode = tmp_path / "journal.db", on(qml.device("lightning.qubit", wires=2))
    first = measure(qnode, samples=9, store=store)(*ARGS)
    hardware = StubHardware(wires=2)
    with pytest.raises(StoreError, match=r"measured on lightning\.qubit #.* cannot be continued on stub\.hardware #"):
        resume(qnode, store, run=run, device=hardware)(*ARGS)
    assert hardware.calls == 0 and [r["samples"] for r in stored_runs(store)] == [9]
    assert same(resume(qnode, store, run=run)(*ARGS), first)


def test_resume_of_a_search_keeps_its_device(tmp_path):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    found = find_minima(qnode, starts=2, store=store, device="default.qubit")(*ARGS)
    with pytest.raises(StoreError, match=r"default\.qubit #.* cannot be continued on lightning\.qubit #"):
        resume(qnode, store)(*ARGS)
    assert same(resume(qnode, store, device="default.qubit")(*ARGS), found)


def test_resume_takes_the_run_of_the_device_at_hand(tmp_path):
    store, qnode = tmp_path / "journal.db", on(qml.device("lightning.qubit", wires=2))
    first = measure(qnode, samples=3, store=store)(*ARGS)
    measure(qnode, samples=4, store=store, device="default.qubit")(*ARGS)
    measure(on(NoisyHardware(wires=2)), samples=5, store=store)(*ARGS)
    assert same(resume(qnode, store)(*ARGS), first)
    assert resume(qnode, store, device="default.qubit")(*ARGS).samples == 4
    assert resume(on(NoisyHardware(wires=2)), store)(*ARGS).samples == 5


def test_resume_asks_no_other_question(tmp_path):
    store, qnode = tmp_path / "journal.db", on(qml.device("lightning.qubit", wires=2))
    measure(qnode, samples=3, store=store)(*ARGS)
    for option in ({"shots": 10}, {"samples": 9}, {"seed": 8}, {"parameters": 1}):
        with pytest.raises(InputError, match=f"resume reads {next(iter(option))} from the journal"):
            resume(qnode, store, **option)
    other = qml.QNode(turns, qml.device("lightning.qubit", wires=2))
    with pytest.raises(StoreError, match="run=0 is not of this circuit"):
        resume(other, store, run=0)(*ARGS)
    assert len(stored_runs(store)) == 1


def test_somebody_may_vouch_for_a_device_that_has_changed(tmp_path):
    """A machine that was calibrated again is another one, unless it is said to be the same."""
    store = tmp_path / "journal.db"
    first = measure(on(LikeQiskit(error=0.01)), samples=3, store=store)(*ARGS)
    with pytest.raises(StoreError, match=r"_backend\.properties is .*same_device=True"):
        resume(on(LikeQiskit(error=0.02)), store)(*ARGS)
    data = resume(on(LikeQiskit(error=0.02)), store, same_device=True)(*ARGS)
    assert same(data, first) and data.identity == first.identity
    assert len(stored_runs(store)) == 1


def test_iterators_and_annotations_have_content():
    """The class of an iterator is no iterator; what data models annotate is read."""
    assert content_of(reversed([1, 2])) == content_of(reversed([1, 2])) != content_of(reversed([1, 3]))
    assert content_of(int | str) == content_of(int | str) != content_of(int | float)
    assert content_of(list[int]) != content_of(list[str])


def test_a_namespace_is_told_by_its_distributions(monkeypatch, tmp_path):
    """Several distributions share one name (Braket's): they are the version; a user's module of that name is not."""
    inside = str(metadata.distribution("numpy").locate_file("spacename/part.py"))
    monkeypatch.setattr(content, "_distributions", lambda: {"spacename": ["numpy", "scipy"]})
    space, part = types.ModuleType("spacename"), types.ModuleType("spacename.part")
    monkeypatch.setitem(sys.modules, "spacename", space)
    monkeypatch.setitem(sys.modules, "spacename.part", part)
    kind = type("Probe", (), {"__module__": "spacename.part"})
    part.__file__ = inside
    assert package_version(kind) == f"numpy {metadata.version('numpy')}, scipy {metadata.version('scipy')}"
    part.__file__ = str(tmp_path / "spacename" / "part.py")
    assert package_version(kind) == ""
    # a package with a file of its own shares its name with nobody
    part.__file__, space.__file__ = inside, inside
    assert package_version(kind) == ""
