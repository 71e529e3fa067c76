"""Costs made of QNodes: where their gradient is lost."""

from pennylane_wishart.costs.born import BornMachine, born_machine
from pennylane_wishart.costs.diagnose import CostOptions, diagnose_cost
from pennylane_wishart.costs.labels import Label
from pennylane_wishart.costs.record import CostDiagnosis

__all__ = ["BornMachine", "born_machine", "CostDiagnosis", "CostOptions", "Label", "diagnose_cost"]
