"""Which device to build, where: a recipe that travels to workers, and a check before hardware."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.errors import DeviceError, InputError

__all__ = ["DeviceRecipe", "check_device", "device_recipe"]

LIGHTNING = ("lightning.qubit", "lightning.kokkos", "lightning.gpu", "lightning.amdgpu")
REBUILT = (*LIGHTNING, "default.qubit")
LIE = "wishart.lie"
IDEAL = (*LIGHTNING, "default.qubit", "reference.qubit", "wishart.lie")
"""Simulators without noise of their own."""
SIMULATOR_PREFIXES = ("default.", "lightning.", "null.", "reference.", "wishart.")


@dataclass(frozen=True, eq=False)
class DeviceRecipe:
    """How to get the device: by name (built fresh, seeded), from a factory, or the user's own.

    Built-in simulators are always rebuilt: a lightning device that has run cannot be
    pickled, and only a fresh one can be given the random stream of a sample.
    """

    name: str
    wires: tuple
    options: dict[str, Any] = field(default_factory=dict)
    factory: Callable | None = None
    instance: Any = None

    @property
    def is_lightning(self) -> bool:
        """Whether this is a lightning state-vector simulator."""
        return self.name in LIGHTNING

    @property
    def is_default_qubit(self) -> bool:
        """Whether this is default.qubit."""
        return self.name == "default.qubit"

    @property
    def is_hardware(self) -> bool:
        """Whether runs may cost money and may be wrong: anything but PennyLane's own simulators."""
        return not self.name.startswith(SIMULATOR_PREFIXES)

    @property
    def is_seedable(self) -> bool:
        """Whether every sample gets a random stream of its own, whoever measures it."""
        return self.instance is None and self.factory is None and self.name in (*REBUILT, LIE)

    def build(self, seed: int | None = None):
        """Return a device ready to run; ``seed`` fixes its shots where it takes one."""
        if self.instance is not None:
            return _modern(self.instance)
        if self.factory is not None:
            return _modern(self.factory())
        options = dict(self.options)
        if seed is not None and self.is_seedable:
            options["seed"] = seed
        return _build_named(self.name, list(self.wires), options)

    def with_stream(self, device, seed: int):
        """Return a device whose shots come from one sample's random stream."""
        if self.name != LIE:
            return self.build(seed)
        # It keeps what it found out about the circuit, which costs far more than the shots.
        device._rng = np.random.default_rng(seed)
        return device


def _modern(device):
    """Put the new interface around a device of the old one."""
    return device if isinstance(device, qml.devices.Device) else qml.devices.LegacyDeviceFacade(device)


def _build_named(name: str, wires: list, options: dict):
    # Given a list, lightning relabels every gate of every tape; given a number, none.
    labels = len(wires) if wires == list(range(len(wires))) else wires
    try:
        return qml.device(name, wires=labels, **options)
    except Exception as error:
        if name == "lightning.gpu":
            raise DeviceError(
                f"device={name!r} cannot be built here ({error}). It needs an NVIDIA GPU with its CUDA driver "
                'and the package pennylane-lightning-gpu; use device="lightning.qubit" on this machine.'
            ) from error
        raise DeviceError(
            f"device={name!r} cannot be built: {error} Install the plugin that provides it, or pass a "
            "device instance or a zero-argument factory."
        ) from error


def device_recipe(device, own_device, wires) -> DeviceRecipe:
    """Resolve ``device=``: None (the QNode's own), a name, a device, or a zero-argument factory.

    Raises:
        DeviceError: if the device cannot be built.
        InputError: if it lacks wires of the circuit, or is none of these.
    """
    wires = tuple(wires)
    if device is None:
        device = "lightning.qubit" if own_device is None else own_device
    if isinstance(device, str):
        recipe = DeviceRecipe(device, wires)
        built = recipe.build()
        return recipe if not _lacks(built, wires) else _refuse(built, wires)
    if hasattr(device, "execute") or hasattr(device, "batch_execute"):
        _refuse(device, wires)
        name = _name_of(device)
        if name in REBUILT:
            dtype = getattr(device, "c_dtype", None)
            options = {"c_dtype": dtype} if dtype is not None and dtype != np.complex128 else {}
            return DeviceRecipe(name, wires, options)
        return DeviceRecipe(name, wires, instance=device)
    if callable(device):
        built = device()
        if not (hasattr(built, "execute") or hasattr(built, "batch_execute")):
            raise InputError(f"device: the factory returned {type(built).__name__}, which is no device.")
        _refuse(built, wires)
        return DeviceRecipe(_name_of(built), wires, factory=device)
    raise InputError(f"device needs None, a name, a PennyLane device or a zero-argument factory; got {device!r}.")


def _name_of(device) -> str:
    short = getattr(device, "short_name", None)
    return str(short or getattr(device, "name", None) or type(device).__name__)


def _lacks(device, wires) -> list:
    own = getattr(device, "wires", None)
    return [] if own is None or len(own) == 0 else [w for w in wires if w not in own]


def _refuse(device, wires):
    missing = _lacks(device, wires)
    if missing:
        raise InputError(
            f"device {_name_of(device)} has wires {list(device.wires)}, but the circuit also uses "
            f"{missing}; build the device with wires={list(wires)}."
        )


def check_device(device, wire, shots: int | None, run: Callable) -> int:
    """Measure X, Y and Z of one known qubit state and refuse a device that gets them wrong.

    Args:
        run: ``run(tapes) -> results``, the same door that the measurement will use.
    Returns:
        Number of circuits spent.
    Raises:
        DeviceError: if an expectation value is further off than noise explains.
    """
    # ⟨X⟩ = 0.72, ⟨Y⟩ = 0.25, ⟨Z⟩ = −0.65: a basis or sign that is mixed up shows in every pair.
    polar, azimuth = 2.2753, 0.334
    expected = {
        "X": math.sin(polar) * math.cos(azimuth),
        "Y": math.sin(polar) * math.sin(azimuth),
        "Z": math.cos(polar),
    }
    shots = max(shots, 1000) if shots else None
    tapes = [
        qml.tape.QuantumScript(
            [qml.RY(polar, wire), qml.RZ(azimuth, wire)],
            [qml.expval(getattr(qml, p)(wire))],
            shots=shots,
        )
        for p in expected
    ]
    got = {p: float(np.squeeze(np.asarray(r, float))) for p, r in zip(expected, run(tapes), strict=True)}
    # 0.2 is the decoherence that one qubit may show; 5 standard errors cover the shots.
    allowed = 0.2 + (5 / math.sqrt(shots) if shots else 0.0)
    wrong = {p: v for p, v in got.items() if not abs(v - expected[p]) <= allowed}
    if wrong:
        text = ", ".join(f"⟨{p}⟩ = {v:.3f} for {expected[p]:.3f}" for p, v in wrong.items())
        raise DeviceError(
            f"device {_name_of(device)} measures one qubit wrongly: {text} (allowed ±{allowed:.2f}). "
            "Nothing was measured; report it to the plugin, use another device, or pass check=False."
        )
    return len(tapes)
