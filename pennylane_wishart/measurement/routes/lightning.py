"""Lightning's C++ adjoint differentiation, called with re-serialised parameters only.

This is private API of pennylane-lightning. It pays: benchmarks/measure.py, item 1, shows 28 times the gradients
of a plain ``qml.grad`` loop (8 times those of the public route on prepared tapes). The guard: it is used for versions
it was checked with, its numbers are compared with the public route at first use and again while a run lasts
(``Engine``), and any failure falls back to the public route. tests/test_measurement.py holds it to all three.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml
from packaging.version import Version

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.measurement.routes.adjoint import AdjointRoute, UnsupportedRouteError, on_numbered_wires
from pennylane_wishart.measurement.routes.prepare import PreparedTape

__all__ = ["LightningAdjoint", "cpp_route_supported"]


def cpp_route_supported() -> str:
    """Return an empty string, or the reason why the private C++ route is not used."""
    import pennylane_lightning.core as core

    version = Version(core.__version__)
    # A development version counts as the release that it leads to.
    if Version(limits.CPP_FIRST) <= Version(version.base_version) < Version(limits.CPP_AFTER):
        return ""
    return (
        f"pennylane-lightning {version} is not among the versions checked ({limits.CPP_FIRST} to <{limits.CPP_AFTER})"
    )


class LightningAdjoint(AdjointRoute):
    """ℓ and dℓ/d(gate value) at one point: state by direct gate calls, Jacobian in C++."""

    route = "lightning-cpp-adjoint"

    def __init__(self, device: Any, prepared: PreparedTape, wires: tuple[Any, ...]) -> None:
        super().__init__(prepared)
        tape = on_numbered_wires(prepared.tape, wires)
        # A state of our own: the device's is reset whenever it runs something else.
        state = device.LightningStateVector(
            num_wires=len(wires), dtype=device.c_dtype, rng=device._rng, **device._sv_init_kwargs
        )
        self._owner = state
        operations = list(tape.operations)
        # A preparation has parameters of many numbers and no derivative: it is applied, not serialised.
        self._preparation = []
        if operations and isinstance(operations[0], (qml.StatePrep, qml.BasisState)):
            self._preparation = [operations.pop(0)]
        fixed = set(range(len(tape.get_parameters(trainable_only=False)))) - set(prepared.positions)
        self._serialise(tape, operations, fixed)
        self._measure = device.LightningMeasurements(state)._measurement_lightning.expval
        adjoint = device.LightningAdjointJacobian(state)
        self._create, self._jacobian = adjoint._create_ops_list_lightning, adjoint._jacobian_lightning

    def _serialise(self, tape: qml.tape.QuantumScript, operations: list[Any], fixed: set[int]) -> None:
        """Split the circuit into what stays (names, wires, matrices) and the slots that vary."""
        from pennylane_lightning.lightning_base._serialize import QuantumScriptSerializer

        single = self._owner.dtype == np.complex64
        serialiser = QuantumScriptSerializer(self._owner.device_name, single)
        operations = self._simplify(operations, fixed)
        script = qml.tape.QuantumScript(operations, tape.measurements)
        observables, _ = serialiser.serialize_observables(script)
        if len(observables) != 1:
            raise UnsupportedRouteError("the observable is serialised in several parts")
        self._observables = observables
        (names, params, wires, inverses, matrices, controls, values), _ = serialiser.serialize_ops(script)
        if len(names) != len(operations):
            raise UnsupportedRouteError("an operation is serialised in several parts")
        # Arrays of the wrong type would be converted at every call: four times the cost.
        empty = np.empty(0, self._owner.dtype)
        self._matrices = [np.asarray(m, self._owner.dtype) if len(m) else empty for m in matrices]
        self._names, self._inverses = names, [bool(i) for i in inverses]
        self._wires = [[int(w) for w in ws] for ws in wires]
        self._controls = [[int(w) for w in ws] for ws in controls]
        self._values = [[bool(v) for v in vs] for vs in values]
        self._params = [[float(p) for p in ps] for ps in params]
        self._slots = self._find_slots(operations, params)
        self._calls = [self._call(k) for k in range(len(names))]

    def _simplify(self, operations: list[Any], fixed: set[int]) -> list[Any]:
        """Turn fixed gates of several parameters into matrices: the C++ adjoint takes one each."""
        out: list[Any] = []
        index = len(self._preparation[0].data) if self._preparation else 0
        self._driven: list[int] = []
        for op in operations:
            here = range(index, index + len(op.data))
            index += len(op.data)
            varying = [k for k in here if k not in fixed]
            # It changes nothing, and would still cost a call.
            if isinstance(op, qml.Identity):
                continue
            if not varying and len(op.data) and not isinstance(op, qml.QubitUnitary):
                if len(op.wires) <= limits.GENERATOR_WIRES and (len(op.data) > 1 or len(op.hyperparameters)):
                    op = qml.QubitUnitary(op.matrix(), op.wires)
            if len(varying) > 1 or (varying and len(op.data) > 1):
                raise UnsupportedRouteError(f"{op.name} has several trainable parameters")
            if varying:
                self._driven.append(len(out))
            out.append(op)
        return out

    def _find_slots(self, operations: list[Any], params: list[Any]) -> list[int]:
        for k in self._driven:
            if len(params[k]) != 1:
                raise UnsupportedRouteError(f"{operations[k].name} has no C++ kernel with a parameter")
        # The C++ side numbers the gates that have parameters at all, driven or not.
        parametric = np.cumsum([len(p) > 0 for p in params]) - 1
        self._trainable = [int(parametric[k]) for k in self._driven]
        return self._driven

    def _call(self, k: int) -> Callable[[list[float]], None]:
        """Return ``apply(params)`` for gate k on the C++ state."""
        state, name = self._owner.state_vector, self._names[k]
        wires, inverse, controls = self._wires[k], self._inverses[k], self._controls[k]
        values, matrix = self._values[k], self._matrices[k]
        if len(matrix):
            if controls:
                return lambda p: state.applyControlledMatrix(matrix, controls, values, wires, inverse)
            return lambda p: state.applyMatrix(matrix, wires, inverse)
        method = getattr(state, name)
        # A partial saves a Python frame for each gate: a twentieth of the whole.
        if controls:
            return functools.partial(method, controls, values, wires, inverse)
        return functools.partial(method, wires, inverse)

    def _gradients(self, values: Floats) -> tuple[Floats, Floats]:
        losses, slopes = np.empty(len(values)), np.empty(values.shape)
        for row, numbers in enumerate(values.tolist()):
            losses[row] = self._state(numbers)
            if self._slots:
                slopes[row] = self._slopes()
        return losses, slopes

    def _losses(self, values: Floats) -> Floats:
        return np.array([self._state(numbers) for numbers in values.tolist()])

    def _state(self, numbers: list[float]) -> float:
        # In place: the lists that C++ reads stay the same objects, only the numbers change.
        params = self._params
        for k, number in zip(self._slots, numbers, strict=True):
            params[k] = [number]
        self._owner.reset_state()
        if self._preparation:
            self._owner.apply_operations(self._preparation)
        for call, p in zip(self._calls, params, strict=True):
            call(p)
        return float(self._measure(self._observables[0]))

    def _slopes(self) -> Floats:
        numbers = (self._names, self._params, self._wires, self._inverses)
        operations = self._create(*numbers, self._matrices, self._controls, self._values)
        found = self._jacobian(self._owner.state_vector, self._observables, operations, self._trainable)
        return np.asarray(found).reshape(-1)
