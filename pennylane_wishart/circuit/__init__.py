"""QNode or tape → :class:`RotationCircuit` (THEORY §1)."""

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.circuit.effective import effective_generators
from pennylane_wishart.circuit.normal_form import normal_form
from pennylane_wishart.circuit.records import RotationCircuit, RotationMoments
from pennylane_wishart.circuit.states import DenseBlock, InputState, StabilizerBlock
from pennylane_wishart.circuit.trace import TracedCircuit, trace_qnode

__all__ = [
    "AngleLaw",
    "DenseBlock",
    "InputState",
    "RotationCircuit",
    "RotationMoments",
    "StabilizerBlock",
    "TracedCircuit",
    "effective_generators",
    "normal_form",
    "trace_qnode",
]
