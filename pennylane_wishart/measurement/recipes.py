"""Which device to build, where: a recipe that travels to workers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.errors import DeviceError, InputError
from pennylane_wishart.measurement.identity.devices import DeviceIdentity, declared, identify, peeled

__all__ = [
    "DeviceRecipe",
    "IDEAL",
    "LIE",
    "LIGHTNING",
    "PACKAGES",
    "SIMULATOR_PREFIXES",
    "device_recipe",
    "is_hardware",
    "name_of",
]


LIGHTNING = ("lightning.qubit", "lightning.kokkos", "lightning.gpu", "lightning.amdgpu")
LIE = "wishart.lie"
IDEAL = (*LIGHTNING, "default.qubit", "reference.qubit", LIE)
"""Simulators without noise of their own."""
SIMULATOR_PREFIXES = ("default.", "lightning.", "null.", "reference.", "wishart.")
"""Of PennyLane's own simulators, which cost nothing and need no check."""
PACKAGES = ("pennylane.devices.", "pennylane_lightning.", "pennylane_wishart.devices.")
"""Where their classes are defined: a subclass from anywhere else may answer otherwise."""


_REBUILT: dict[str, dict[str, tuple[str, Any]]] = {
    "default.qubit": {},
    "reference.qubit": {},
    "default.mixed": {"readout_prob": ("readout_err", None)},
    # Lightning keeps its options in private places (0.44 to 0.46): where one moves, a rebuilt device has its default,
    # and tests/test_device_identity.py fails.
    "lightning.qubit": {
        "c_dtype": ("c_dtype", np.complex128), "mcmc": ("_mcmc", False), "kernel_name": ("_kernel_name", None),
        "num_burnin": ("_num_burnin", 0),
    },
    **{name: {"c_dtype": ("c_dtype", np.complex128)} for name in LIGHTNING[1:]},
    LIE: {"max_dim": ("max_dim", 2**20), "engine": ("engine", "auto")},
}  # fmt: skip
"""Simulators that are built anew and take ``seed=``: their options, where a device keeps each, and its default."""


def is_hardware(device: Any) -> bool:
    """Tell whether runs of a device may cost money and may be wrong: anything but PennyLane's own simulators."""
    return not str(getattr(device, "name", "")).startswith(SIMULATOR_PREFIXES)


@dataclass(frozen=True, eq=False)
class DeviceRecipe:
    """How to get the device: by name (built fresh, seeded), from a factory, or the user's own.

    Built-in simulators are always rebuilt: a lightning device that has run cannot be
    pickled, and only a fresh one can be given the random stream of a sample. That needs the class
    itself: a subclass, or a device under a transform, answers otherwise and keeps what it adds.
    """

    name: str
    wires: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    factory: Callable[[], Any] | None = None
    instance: Any = None
    transforms: tuple[tuple[Any, ...], ...] = ()
    """(transform, args, kwargs) applied to the built device, first to last."""
    takes_seed: bool = True
    """Whether a device built by name takes ``seed=``."""
    identity: DeviceIdentity | None = None
    """What decides its numbers; filled in by :func:`device_recipe`."""

    @property
    def is_rebuilt(self) -> bool:
        """Whether every worker builds the device by its name."""
        return self.instance is None and self.factory is None

    @property
    def is_lightning(self) -> bool:
        """Whether this is a lightning state-vector simulator."""
        return self.is_rebuilt and self.name in LIGHTNING

    @property
    def is_default_qubit(self) -> bool:
        """Whether this is default.qubit."""
        return self.is_rebuilt and self.name == "default.qubit"

    @property
    def is_hardware(self) -> bool:
        """Whether runs may cost money and may be wrong: anything but PennyLane's own simulators."""
        return not self.name.startswith(SIMULATOR_PREFIXES)

    @property
    def is_seedable(self) -> bool:
        """Whether every sample gets a random stream of its own, whoever measures it."""
        return self.is_rebuilt and self.takes_seed

    @property
    def label(self) -> str:
        """What records call it: its name, and what was put around a device of PennyLane's own."""
        if self.transforms:
            return f"{self.name} with {', '.join(_name_of_transform(t) for t, _, _ in self.transforms)}"
        if not self.is_rebuilt and not self.is_hardware and self.identity is not None:
            kind = self.identity.kind
            return self.name if kind.startswith(PACKAGES) else f"{self.name} ({kind.rsplit('.', 1)[-1]})"
        return self.name

    def build(self, seed: int | None = None) -> Any:
        """Return a device ready to run; ``seed`` fixes its shots where it takes one."""
        if self.instance is not None:
            return _modern(self.instance)
        if self.factory is not None:
            return _modern(self.factory())
        options = dict(self.options)
        # A seed of its own for every sample: its shots then do not depend on what the worker measured before.
        if seed is not None and self.is_seedable:
            options["seed"] = seed
        device = _build_named(self.name, list(self.wires), options)
        for transform, args, kwargs in self.transforms:
            device = transform(device, *args, **kwargs)
        return device

    def with_stream(self, device: Any, seed: int) -> Any:
        """Return a device whose shots come from one sample's random stream."""
        if self.name != LIE or self.transforms:
            return self.build(seed)
        # It keeps what it found out about the circuit, which costs far more than the shots.
        device._rng = np.random.default_rng(seed)
        return device


def _name_of_transform(transform: Any) -> str:
    return str(getattr(getattr(transform, "tape_transform", transform), "__name__", type(transform).__name__))


def _modern(device: Any) -> qml.devices.Device:
    """Put the new interface around a device of the old one."""
    # Plugins may still be of the old one.
    return device if isinstance(device, qml.devices.Device) else qml.devices.LegacyDeviceFacade(device)


def _build_named(name: str, wires: list[Any], options: dict[str, Any]) -> Any:
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


def device_recipe(device: Any, own_device: Any, wires: Iterable[Any]) -> DeviceRecipe:
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
        # Built once here: a plugin that is missing, or lacks wires, is better told now than by a worker.
        built = recipe.build()
        _refuse(built, wires)
        recipe = replace(recipe, takes_seed=device in _REBUILT or _takes_seed(built))
        return _identified(recipe, built)
    if _is_device(device):
        _refuse(device, wires)
        return _of_instance(device, wires)
    if callable(device):
        built = device()
        if not _is_device(built):
            raise InputError(f"device: the factory returned {type(built).__name__}, which is no device.")
        _refuse(built, wires)
        recipe = _of_instance(built, wires)
        # A device of PennyLane's own class needs no factory: its name and options make the same one.
        return recipe if recipe.is_rebuilt else _identified(replace(recipe, instance=None, factory=device), built)
    raise InputError(f"device needs None, a name, a PennyLane device or a zero-argument factory; got {device!r}.")


def _is_device(value: Any) -> bool:
    return not isinstance(value, type) and (hasattr(value, "execute") or hasattr(value, "batch_execute"))


def _of_instance(device: Any, wires: tuple[Any, ...]) -> DeviceRecipe:
    """A recipe that rebuilds a device of PennyLane's own class, or keeps the user's."""
    name, (base, transforms) = name_of(device), peeled(device)
    kind = type(base)
    if name in _REBUILT and f"{kind.__module__}.".startswith(PACKAGES) and "<locals>" not in kind.__qualname__:
        options = {}
        for option, (place, default) in _REBUILT[name].items():
            # Our own device keeps its options with what it has found out, in ``_structures``.
            value = getattr(getattr(base, "_structures", base), place, default)
            if value != default:
                options[option] = value
        recipe = DeviceRecipe(name, wires, options, transforms=transforms)
        return _identified(recipe, base)
    return _identified(DeviceRecipe(name, wires, instance=device), device)


def _identified(recipe: DeviceRecipe, device: Any) -> DeviceRecipe:
    """Fill in the identity of a recipe: of what is built by name its options tell everything."""
    if recipe.is_rebuilt and recipe.name in _REBUILT:
        own = {option: default for option, (_, default) in _REBUILT[recipe.name].items()}
        # Limits of work change no number, only whether there is one.
        settings = {k: v for k, v in (own | recipe.options).items() if k not in ("max_dim", "engine")}
        return replace(recipe, identity=declared(device, recipe.name, settings, recipe.transforms))
    wires = recipe.wires if recipe.is_rebuilt else tuple(getattr(device, "wires", None) or recipe.wires)
    return replace(recipe, identity=identify(device, recipe.name, wires, recipe.factory))


def _takes_seed(device: Any) -> bool:
    try:
        return "seed" in inspect.signature(type(device).__init__).parameters
    except (TypeError, ValueError):
        return False


def name_of(device: Any) -> str:
    """Return the name of a device of either interface."""
    short = getattr(device, "short_name", None)
    return str(short or getattr(device, "name", None) or type(device).__name__)


def _refuse(device: Any, wires: Iterable[Any]) -> None:
    """Refuse a device that lacks wires of the circuit; one without wires of its own takes any."""
    own = getattr(device, "wires", None) or wires
    missing = [w for w in wires if w not in own]
    if missing:
        raise InputError(
            f"device {name_of(device)} has wires {list(device.wires)}, but the circuit also uses "
            f"{missing}; build the device with wires={list(wires)}."
        )
