"""Losses by light cones: each term of the observable on a small simulation of its own, added up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pennylane_wishart.circuit import LightCones
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.engine import Engine
from pennylane_wishart.measurement.recipes import DeviceRecipe
from pennylane_wishart.measurement.routes.choice import LIGHT_CONES
from pennylane_wishart.measurement.routes.shifts import ParameterShift
from pennylane_wishart.measurement.tables import Rows, masked, wanted_of
from pennylane_wishart.measurement.task import Part, Task

__all__ = ["ConeEngine", "cone_parts"]


def cone_parts(cones: LightCones, recipe: DeviceRecipe, **options: Any) -> tuple[Part, ...]:
    """Return the small circuits, cones that differ in their parameters alone as one.

    In a circuit of equal layers most cones are one circuit at different places.
    """
    kinds: dict[str, list[Any]] = {}
    for cone in cones.cones:
        kinds.setdefault(cone.trace.content_hash, []).append(cone)
    parts = []
    for same in kinds.values():
        trace = same[0].trace
        small = replace(recipe, wires=trace.wires)
        task = Task(trace.tape, trace.jacobian, np.asarray(trace.gate_offsets), small, **options)
        parts.append(Part(task, np.stack([c.parameters for c in same])))
    return tuple(parts)


class ConeEngine(Engine):
    """Runs samples of a task in parts: exact values and gradients without a state of the whole circuit."""

    def __init__(self, task: Task) -> None:
        self.task, self.note, self.on_jobs = task, "each term of the observable on its own light cone", None
        self._derivative = self._probe = self._shift = None
        self._engines = [Engine(part.task) for part in task.parts]
        self.device = self._engines[0].device if self._engines else task.recipe.build()

    @property
    def n_qubits(self) -> int:
        """Wires of the widest cone."""
        return max((engine.n_qubits for engine in self._engines), default=0)

    @property
    def route(self) -> str:
        """The route taken."""
        return LIGHT_CONES

    @property
    def shift(self) -> ParameterShift:
        """Nothing: light cones have no shots.

        Raises:
            InputError: always.
        """
        raise InputError("route='light-cones' gives exact values only: use another route for shots.")

    def losses(self, angles: Floats) -> Floats:
        """Return ℓ ``(batch,)`` without gradients."""
        out = np.full(len(angles), self.task.constant)
        for engine, part in zip(self._engines, self.task.parts, strict=True):
            # points that differ elsewhere are one point to a cone
            points, place = np.unique(self._at(angles, part), axis=0, return_inverse=True)
            out += engine.losses(points)[place.reshape(-1)].reshape(len(part.columns), -1).sum(axis=0)
        return out

    def run(self, angles: Floats, measured: Bools | None, seeds: Integers | None) -> Rows:
        """Measure samples, as :meth:`Engine.run`."""
        losses, gradients = np.full(len(angles), self.task.constant), np.zeros(angles.shape)
        for engine, part in zip(self._engines, self.task.parts, strict=True):
            rows = engine.run(self._at(angles, part), None, None)
            losses += rows.losses.reshape(len(part.columns), -1).sum(axis=0)
            slopes = rows.gradients.reshape(len(part.columns), len(angles), -1)
            for columns, slope in zip(part.columns, slopes, strict=True):
                gradients[:, columns] += slope
        bent = self.hessians(angles, measured) if self.task.hessian else None
        return masked(Rows(losses, gradients, np.zeros_like(gradients), np.zeros(len(losses)), hessians=bent), measured)

    def hessians(self, angles: Floats, measured: Bools | None = None) -> Floats:
        """Return exact second derivatives, as :meth:`Engine.hessians`."""
        chosen = wanted_of(angles, measured)
        out = np.where(chosen[:, None] & chosen, np.zeros((*angles.shape, angles.shape[1])), np.nan)
        for engine, part in zip(self._engines, self.task.parts, strict=True):
            found = engine.hessians(self._at(angles, part)).reshape(
                len(part.columns), len(angles), *[part.columns.shape[1]] * 2
            )
            for columns, bent in zip(part.columns, found, strict=True):
                out[:, columns[:, None], columns] += bent
        return out

    @staticmethod
    def _at(angles: Floats, part: Part) -> Floats:
        """Return the parameters of every term, ``(terms · batch, n_params of the small circuit)``."""
        return np.moveaxis(angles[:, part.columns], 0, 1).reshape(-1, part.columns.shape[1])
