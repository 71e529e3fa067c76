"""QNode or tape → :class:`RotationCircuit` (THEORY §1)."""

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.circuit.ansatz import Ansatz
from pennylane_wishart.circuit.assemble import noise_free
from pennylane_wishart.circuit.channels import Channel
from pennylane_wishart.circuit.cones import Cone, LightCones, light_cones
from pennylane_wishart.circuit.door import normal_form, normal_forms
from pennylane_wishart.circuit.effective import Effective, effective_generators
from pennylane_wishart.circuit.groups import Grouping, MeasuredGroups, measured_groups
from pennylane_wishart.circuit.local import CliffordMap, LocalForm, conjugated, local_form
from pennylane_wishart.circuit.outputs import Which
from pennylane_wishart.circuit.records import RotationCircuit, RotationMoments
from pennylane_wishart.circuit.script import Script, Step
from pennylane_wishart.circuit.states import DenseBlock, InputState, StabilizerBlock
from pennylane_wishart.circuit.trace import trace_qnode
from pennylane_wishart.circuit.traced import TracedCircuit

__all__ = [
    "AngleLaw",
    "Ansatz",
    "Channel",
    "CliffordMap",
    "Cone",
    "DenseBlock",
    "Grouping",
    "InputState",
    "LightCones",
    "LocalForm",
    "MeasuredGroups",
    "RotationCircuit",
    "RotationMoments",
    "Script",
    "StabilizerBlock",
    "Step",
    "TracedCircuit",
    "Effective",
    "Which",
    "conjugated",
    "effective_generators",
    "light_cones",
    "local_form",
    "measured_groups",
    "noise_free",
    "normal_form",
    "normal_forms",
    "trace_qnode",
]
