"""The transforms on a QNode and on its device: what they make of the circuit is read, or refused.

A transform may change the circuit (noise, mitigation, compilation) or only how its loss is obtained
(terms measured apart). Those of the second kind leave nothing to read. All others are applied, and the
circuit that comes out is the one that is read; where that is not the QNode's loss, it is refused.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pennylane as qml

from pennylane_wishart.errors import InputError, UnsupportedCircuitError

__all__ = ["build_tape", "check_device", "transform_names", "with_noise", "without_rewrites"]

_logger = logging.getLogger("pennylane_wishart")

_SPLITTING = ("split_non_commuting", "split_to_single_terms", "broadcast_expand")
"""Measure the same loss in parts: the circuit before them is the whole of it."""
_REWRITES = (
    "_simplify_transform",
    "cancel_inverses",
    "combine_global_phases",
    "commute_controlled",
    "compile",
    "merge_amplitude_embedding",
    "merge_rotations",
    "pattern_matching_optimization",
    "remove_barrier",
    "single_qubit_fusion",
    "undo_swaps",
    "unitary_to_rot",
)
"""Keep the unitary at every angle, though not always the gates: rotations by 0 are dropped, Euler angles merged."""


def build_tape(qnode: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> qml.tape.QuantumScript:
    """Build the tape of one call as its transforms leave it, without the preflight hook.

    Raises:
        UnsupportedCircuitError: where the transforms make several circuits of one, compute something
            else than its expectation values.
    """
    pipeline = getattr(qnode, "compile_pipeline", ())
    if len(pipeline) == 0:
        func = getattr(qnode.func, "__wishart_original__", qnode.func)
        return qml.tape.make_qscript(func)(*args, **kwargs)
    names = ", ".join(transform_names(qnode))
    # such a transform returns something else than the QNode does
    if any(t.is_informative or t.is_final_transform for t in pipeline):
        raise UnsupportedCircuitError(
            f"The QNode's transforms ({names}) compute something else than its loss: pass the QNode without them."
        )
    # transforms that only measure in parts are left out: the circuit before them is the whole
    tapes, finish = qml.workflow.construct_batch(_without(qnode, _SPLITTING), level="user")(*args, **kwargs)
    if len(tapes) != 1:
        raise UnsupportedCircuitError(
            f"The QNode's transforms ({names}) make {len(tapes)} circuits of one: remove the transform that splits it."
        )
    if not _keeps_results(finish, len(tapes[0].measurements)):
        raise UnsupportedCircuitError(
            f"The QNode's transforms ({names}) compute its value from that of another circuit: the loss is no "
            "expectation value of what runs. Pass the QNode without the transform that does so."
        )
    return tapes[0]


def with_noise(circuit: Any, noise: Any) -> Any:
    """Return a QNode or tape under a noise model; itself where ``noise`` is None.

    Raises:
        InputError: for something that is no noise model.
        UnsupportedCircuitError: for a tape that the model's measurement map splits.
    """
    if noise is None:
        return circuit
    if not isinstance(noise, qml.NoiseModel):
        raise InputError(
            f'noise must be a qml.NoiseModel, "device" or None; got {type(noise).__name__}: {noise!r:.60}.'
        )
    if not isinstance(circuit, qml.tape.QuantumScript):
        return qml.add_noise(circuit, noise)
    tapes, _ = qml.add_noise(circuit, noise)
    if len(tapes) != 1:
        raise UnsupportedCircuitError(f"The noise model makes {len(tapes)} tapes of one: pass the tape of one output.")
    # the tape's own gates stay the objects that they were, and so do its trainable numbers
    marked = {(id(circuit.par_info[i]["op"]), circuit.par_info[i]["p_idx"]) for i in circuit.trainable_params}
    places = [i for i, entry in enumerate(tapes[0].par_info) if (id(entry["op"]), entry["p_idx"]) in marked]
    return tapes[0].copy(trainable_params=places)


def transform_names(qnode: Any) -> list[str]:
    """Return the names of a QNode's transforms, first applied first."""
    return [_name(t) for t in getattr(qnode, "compile_pipeline", ())]


def without_rewrites(qnode: Any) -> Any:
    """Return the QNode without transforms that only rewrite gates, or None where it has none of them."""
    found = _without(qnode, (*_SPLITTING, *_REWRITES))
    return None if len(found.compile_pipeline) == len(qnode.compile_pipeline) else found


def check_device(device: Any) -> None:
    """Refuse a device with a transform of its own that changes the loss.

    Such a transform runs after the device's decompositions, out of sight of the QNode's circuit, and
    noise that is added there would be left out of everything that is said of the QNode.
    """
    # transforms can be stacked on a device
    while hasattr(device, "original_device") and hasattr(device, "transform"):
        if not _is_one_of(device.transform, (*_SPLITTING, *_REWRITES)):
            raise UnsupportedCircuitError(
                f"The QNode's device has the transform {_name(device.transform)} on it: what runs is not the QNode's "
                "circuit. Apply the transform to the QNode, or give the QNode the device without it."
            )
        device = device.original_device


def _name(transform: Any) -> str:
    function = getattr(transform, "tape_transform", None)
    return getattr(function, "__name__", None) or str(getattr(transform, "pass_name", None) or transform)


def _is_one_of(transform: Any, names: tuple[str, ...]) -> bool:
    """Only PennyLane's own: a transform of the user's may be called like one of them."""
    function = getattr(transform, "tape_transform", None)
    if function is None or not function.__module__.startswith("pennylane."):
        return False
    return function.__name__ in names and not (function.__name__ == "compile" and _has_own_passes(transform))


def _has_own_passes(transform: Any) -> bool:
    """``qml.compile`` with passes that the user chose, which may do anything."""
    return bool(getattr(transform, "args", ()) or {"pipeline", "basis_set"} & set(getattr(transform, "kwargs", ())))


def _without(qnode: Any, names: tuple[str, ...]) -> Any:
    """Leave out transforms, but none that one of another kind comes after and builds on."""
    found = copy.copy(qnode)  # has a pipeline of its own
    pipeline = found.compile_pipeline
    # from the end: a transform that another one builds on has to stay
    for at in reversed(range(len(pipeline))):
        if not _is_one_of(pipeline[at], (*_SPLITTING, *_REWRITES)):
            break
        if _is_one_of(pipeline[at], names):
            pipeline.pop(at)
    return found


def _keeps_results(finish: Callable[..., Any], outputs: int) -> bool:
    """Tell whether post-processing hands on what was measured, by trying it on two sets of numbers."""
    for scale in (0.371, -0.644):
        # two sets of numbers: a function that adds, scales or extrapolates changes one of them
        result = tuple(scale / (i + 1) for i in range(outputs))
        measured = result[0] if outputs == 1 else result
        try:
            (found,) = finish((measured,))
            if tuple(float(v) for v in (found if outputs > 1 else (found,))) != result:
                return False
        except Exception:  # a transform's own function may want numbers of another shape, and raise anything
            _logger.debug("Post-processing of a QNode's transforms does not take plain numbers", exc_info=True)
            return False
    return True
