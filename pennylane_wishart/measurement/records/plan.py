"""What to sample: a content-addressed plan whose angles depend only on (seed, sample index)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats
from pennylane_wishart.conventions.measurement import BLOCK
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import ComparisonError, InputError

__all__ = ["BLOCK", "SamplingPlan", "entropy_of", "resolve_parameters"]


@dataclass(frozen=True, eq=False)
class SamplingPlan(Shown):
    """Which losses and gradients are sampled, under which law, with how many shots.

    ``content_hash`` names *what* is sampled and leaves out seeds and sample numbers: records
    with equal hashes may be added. Sample i of seed s has the same angles in every plan.

    Example:
        >>> plan = SamplingPlan("abc", AngleLaw.uniform([6.0, 6.0]), ranges=((7, 0, 30),))
        >>> angles, measured = plan.draw()
        >>> angles.shape, bool(measured.all())
        ((30, 2), True)
    """

    circuit_hash: str
    law: AngleLaw
    ranges: tuple[tuple[int, int, int], ...]
    """(seed, first sample, count) of each run that went into the record."""
    parameters: int | tuple[int, ...] | None = None
    """None: every gradient component; an int: that many random ones per sample; or a fixed set."""
    shots: int | None = None
    law_digest: str = ""
    """sha256 of the law's first angles: a custom law is a function, which has no other address."""

    def __post_init__(self) -> None:
        if not self.law_digest:
            object.__setattr__(self, "law_digest", _digest_of(self.law))
        if not self.ranges or any(count < 1 or first < 0 for _, first, count in self.ranges):
            raise InputError(f"samples: a plan needs at least one sample; got ranges {self.ranges}.")

    @property
    def n_params(self) -> int:
        """Number of trainable parameters."""
        return len(self.law)

    @property
    def samples(self) -> int:
        """Number of angle sets."""
        return sum(count for _, _, count in self.ranges)

    @property
    def seed(self) -> int | tuple[int, ...]:
        """The seed; a tuple where records of several seeds were added."""
        seeds = tuple(dict.fromkeys(s for s, _, _ in self.ranges))
        return seeds[0] if len(seeds) == 1 else seeds

    @property
    def content(self) -> dict[str, Any]:
        """What the hash is taken of, as plain data."""
        return {
            "schema": limits.PLAN_SCHEMA,
            "circuit": self.circuit_hash,
            "law": self.law_digest,
            "law name": self.law.name,
            "parameters": list(self.parameters) if isinstance(self.parameters, tuple) else self.parameters,
            "shots": self.shots,
        }

    @property
    def content_hash(self) -> str:
        """sha256 of :attr:`content`: equal for equal questions in any process."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()

    # ------------------------------------------------------------------ drawing
    def indices(self) -> list[tuple[int, int]]:
        """Return (seed, sample index) of every row, in order."""
        return [(s, i) for s, first, count in self.ranges for i in range(first, first + count)]

    def draw(self) -> tuple[Floats, Bools]:
        """Return angles, float64 ``(samples, n_params)`` radians, and the mask of what is measured."""
        angles, masks = [], []
        for seed, first, count in self.ranges:
            # Whole blocks are drawn and cut: sample i of a seed then does not depend on where a plan begins.
            for block in range(first // BLOCK, (first + count - 1) // BLOCK + 1):
                rows, mask = _draw_block(self.law, self.parameters, seed, block)
                low, high = max(first - block * BLOCK, 0), min(first + count - block * BLOCK, BLOCK)
                angles.append(rows[low:high])
                masks.append(mask[low:high])
        return np.concatenate(angles), np.concatenate(masks)

    def restrict(self, rows: Any) -> SamplingPlan:
        """Return the plan of a subset of rows (bool mask or sorted indices)."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        every = self.indices()
        ranges: list[list[int]] = []
        for seed, i in (every[r] for r in rows):
            if ranges and ranges[-1][0] == seed and ranges[-1][1] + ranges[-1][2] == i:
                ranges[-1][2] += 1
            else:
                ranges.append([seed, i, 1])
        return replace(self, ranges=tuple((s, f, c) for s, f, c in ranges))

    def __add__(self, other: SamplingPlan) -> SamplingPlan:
        mine, theirs = self.content, other.content
        # All of what differs at once: whoever mends one difference should not meet the next.
        names = [k for k in mine if mine[k] != theirs[k]]
        if names:
            came = "; ".join(f"{k}: {_brief(mine[k])} and {_brief(theirs[k])}" for k in names)
            raise ComparisonError(f"Only measurements of the same question can be added; differing {came}.")
        # The same sample twice would count as two independent ones.
        shared = set(self.indices()) & set(other.indices())
        if shared:
            seed, i = min(shared)
            raise ComparisonError(
                f"Both measurements hold sample {i} of seed {seed} ({len(shared)} samples in common): "
                "adding would count them twice; measure with another seed or first=."
            )
        return replace(self, ranges=self.ranges + other.ranges)

    # ------------------------------------------------------------------ plain data
    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return {
            "schema_version": limits.PLAN_SCHEMA,
            "circuit_hash": self.circuit_hash,
            "law": self.law.to_dict(),
            "ranges": [list(r) for r in self.ranges],
            **{k: self.content[k] for k in ("parameters", "shots")},
            "law_digest": self.law_digest,
            "content_hash": self.content_hash,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SamplingPlan:
        """Rebuild a plan written by :meth:`to_dict` (custom laws keep only their name)."""
        parameters = data["parameters"]
        return cls(
            data["circuit_hash"],
            AngleLaw.from_dict(data["law"]),
            tuple((int(s), int(f), int(c)) for s, f, c in data["ranges"]),
            tuple(parameters) if isinstance(parameters, list) else parameters,
            data["shots"],
            data["law_digest"],
        )


def _brief(value: Any) -> str:
    most = limits.SHOWN_VALUE
    return value[:most] + "…" if isinstance(value, str) and len(value) > most else str(value)


def _digest_of(law: AngleLaw) -> str:
    head = np.round(_draw_block(law, None, 0, 0)[0][: limits.LAW_HEAD], limits.LAW_DIGITS)
    # Adding 0 turns −0 into 0, which would be another digest.
    return hashlib.sha256(np.ascontiguousarray(head + 0.0).tobytes()).hexdigest()


def _draw_block(law: AngleLaw, parameters: int | tuple[int, ...] | None, seed: int, block: int) -> tuple[Floats, Bools]:
    """Draw one block of BLOCK angle sets and the mask of components to measure."""
    # One stream a block: blocks can be drawn in any order, on any worker.
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
    angles, n = law.sample(rng, BLOCK), len(law)
    if parameters is None:
        return angles, np.ones((BLOCK, n), bool)
    mask = np.zeros((BLOCK, n), bool)
    if isinstance(parameters, tuple):
        mask[:, list(parameters)] = True
    else:
        # Ranks of random numbers: every set of that many components is equally likely.
        chosen = np.argsort(rng.random((BLOCK, n)), axis=1)[:, :parameters]
        np.put_along_axis(mask, chosen, True, axis=1)
    return angles, mask


def entropy_of(seed: Any) -> int:
    """Turn what a user gives as ``seed`` into one non-negative integer."""
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0:
        return int(seed)
    if seed is None or isinstance(seed, (np.random.Generator, np.random.SeedSequence)):
        return int(np.random.default_rng(seed).integers(2**62))
    raise InputError(f"seed needs a non-negative integer, None or a Generator; got {seed!r}.")


def resolve_parameters(parameters: Any, n_params: int) -> int | tuple[int, ...] | None:
    """Check ``parameters=``: None or "all" (all), a count per sample, or flat indices."""
    if parameters is None or (isinstance(parameters, str) and parameters == "all"):
        return None
    if isinstance(parameters, (int, np.integer)) and not isinstance(parameters, bool):
        if not 0 <= parameters <= n_params:
            raise InputError(
                f"parameters={parameters} random gradient components were asked for, but the circuit has {n_params}."
            )
        # All of them is one question, however it is asked: records then add.
        return None if parameters == n_params else int(parameters)
    indices = np.asarray(parameters)
    if indices.dtype == bool and indices.shape == (n_params,):
        indices = np.flatnonzero(indices)
    if indices.ndim != 1 or (indices.size and not np.issubdtype(indices.dtype, np.integer)):
        raise InputError(f"parameters needs None, 'all', an int or flat integer indices; got {parameters!r}.")
    if indices.size and (indices.min() < 0 or indices.max() >= n_params):
        raise InputError(f"parameters names {indices.tolist()}, but flat indices run from 0 to {n_params - 1}.")
    return tuple(sorted({int(i) for i in indices}))
