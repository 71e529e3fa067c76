"""``Signature``: everything Lie-algebraic that is known of a circuit (THEORY §2, §5)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, Module
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import Reason, ReasonCode
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.sectors.findings import Route
from pennylane_wishart.sectors.independent import Rank, RankAtMost, count_independent
from pennylane_wishart.sectors.module_size import find_module
from pennylane_wishart.sectors.records import Sector, SectorDistribution, SpinFactor
from pennylane_wishart.serialize import decode, encode

__all__ = ["Signature"]


@dataclass(frozen=True, eq=False)
class Signature(Shown):
    """The Lie algebra of a circuit, its sectors, and whether the Wishart theory holds.

    ``sectors`` are those of the part of the circuit that moves the observable: generators that
    commute with everything the observable can become are left out of them (never of
    ``algebra``). It is a value: it can be pickled, and written to JSON and read back bit for bit,
    without the QNode that it came from.
    """

    circuit: RotationCircuit = field(repr=False)
    algebra: LieAlgebra
    sectors: tuple[Sector, ...]
    """Sectors with weight first, heaviest first. Sectors of weight zero may be left out."""
    in_theory: bool
    """Whether every sector that carries weight is inside the theory, all independent."""
    reason: str
    method: str
    """"Pauli route", "dense route", "spin factor" or "none"."""
    independent: bool
    """Whether the sectors that carry weight turn independently of each other."""
    independence_reason: str
    generators: tuple[PauliSum, ...] = field(repr=False)
    """Distinct trainable generators, seen through the fixed rotations (up to a factor)."""
    generator_of: np.ndarray = field(repr=False)
    """int64 ``(n_rotations,)``: index of each rotation's generator, −1 for fixed rotations."""
    generator_scale: np.ndarray = field(repr=False)
    """float64 ``(n_rotations,)``: ‖G_l‖ / ‖distinct generator‖ ≥ 0, normalised norms."""
    observable: PauliSum = field(repr=False)
    """The observable, seen through the fixed rotations."""
    n_sectors: int | None = None
    """Number of all sectors, exact, those of weight zero included; None where unknown."""
    spin_factor: SpinFactor | None = None
    sector_distribution: SectorDistribution | None = None
    status: tuple[Status, ...] = ()
    """What is missing or bounded; empty where everything was found."""
    seed: int | None = 0
    reason_code: ReasonCode | None = None
    """Why it is outside the theory, for code; None inside."""
    passed_over: Mapping[str, Reason] = field(default_factory=dict, repr=False)
    """Why each route ("pauli", "dense", "reachable") that was not taken was not."""
    noisy: RotationCircuit | None = field(default=None, repr=False)
    """The circuit with its noise, where it has any: all that is said here is of ``circuit``, without it."""
    known_module: Module | None = field(default=None, repr=False)
    """:attr:`module`, where it was known before."""
    known_rank: Rank | RankAtMost | None = field(default=None, repr=False)
    """:attr:`independent_rank`, where it was known before."""

    def __post_init__(self) -> None:
        if self.method not in list(Route):
            raise InputError(f"Signature.method must be one of {tuple(map(str, Route))}; got {self.method!r}.")
        if self.generator_of.shape != (self.circuit.n_rotations,):
            raise InputError(
                f"Signature.generator_of needs shape ({self.circuit.n_rotations},); got {self.generator_of.shape}."
            )

    # ------------------------------------------------------------------ plain facts
    @property
    def n_params(self) -> int:
        """Number of trainable parameters."""
        return self.circuit.n_params

    @property
    def weighted_sectors(self) -> tuple[Sector, ...]:
        """The sectors that carry weight (more than 1e-12)."""
        return tuple(s for s in self.sectors if s.weight > limits.WEIGHT)

    @cached_property
    def module(self) -> Module:
        """The span of all that the observable becomes: ``dim``, ``log2_dim``, ``status``."""
        if self.known_module is not None:
            return self.known_module
        if not self.generators and not self.algebra.is_closed:  # they could not be written down
            return Module(dim=1, n_qubits=self.circuit.n_qubits, method="not assessed", status=Status.TRUNCATED)
        return find_module(self.generators, self.observable, self.sectors, self.n_sectors == len(self.sectors))

    @cached_property
    def independent_rank(self) -> Rank | RankAtMost:
        """Number of independent parameters that the loss can see, or an upper bound on it: two types,
        so that one is not taken for the other."""
        return self.known_rank or count_independent(self.circuit, self.algebra, self.seed)

    @property
    def n_independent(self) -> int:
        """Number of independent parameters that the loss can see: the rank of the quantum Fisher
        information of the live parameters at random angles, or an upper bound where
        ``n_independent_status`` is ``Status.BOUND``. 0 where every parameter is dead."""
        found = self.independent_rank
        return found.value if isinstance(found, Rank) else found.at_most

    @property
    def n_independent_status(self) -> Status:
        """``Status.OK`` for the rank itself, ``Status.BOUND`` for an upper bound."""
        return Status.OK if isinstance(self.independent_rank, Rank) else Status.BOUND

    def rotation_traces(self, sector: Sector, rotation: int) -> tuple[float, float]:
        """Return (|Tr G|/N, Tr G²/N) of the generator of one rotation, in its own scale.

        A rotation that is fixed, or never moves the observable, gives (0, 0).
        """
        k = int(self.generator_of[rotation])
        if k < 0 or len(sector.generator_traces) == 0:
            return 0.0, 0.0
        scale = float(self.generator_scale[rotation])
        first, second = sector.generator_traces[k]
        return abs(first) * scale, second * scale**2

    # ------------------------------------------------------------------ showing
    def __str__(self) -> str:
        head = f"{self.circuit.n_qubits} qubits, {self.n_params} parameters; DLA {self.algebra}"
        if self.noisy is not None:
            head += f" (without its {len(self.noisy.channels)} noise channels)"
        lines = [head, f"{self.method}: {'inside' if self.in_theory else 'OUTSIDE'} the theory", self.reason]
        if self.spin_factor is not None:
            f = self.spin_factor
            lines.append(f"spin factor: d={f.d} |a|={f.amplitude:.4g} |b|={f.norm:.4g}")
        if self.sector_distribution is not None:
            lines.append(f"2^{self.sector_distribution.log2_sectors} sectors can carry weight")
        lines += [f"  {s}" for s in self.sectors[: limits.SHOWN_SECTORS]]
        if len(self.sectors) > limits.SHOWN_SECTORS:
            lines.append(f"  … and {len(self.sectors) - limits.SHOWN_SECTORS} more sectors")
        lines += [str(s) for s in self.status]
        return "\n".join(part for line in lines for part in _wrap(line))

    # ------------------------------------------------------------------ writing down
    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON: what a reader looks for, and the whole as "record"."""
        spin, many, module = self.spin_factor, self.sector_distribution, self.module
        return {
            "algebra": {
                name: getattr(self.algebra, name) for name in ("name", "dim", "log2_dim", "is_closed", "method")
            },
            "module": {"dim": module.dim, "log2_dim": module.log2_dim, "status": module.status.name},
            "sectors": [s.to_dict() for s in self.sectors],
            "n_sectors": self.n_sectors,
            "n_params": self.n_params,
            "in_theory": self.in_theory,
            "reason": self.reason,
            "method": str(self.method),
            "independent": self.independent,
            "independence_reason": self.independence_reason,
            "spin_factor": None if spin is None else spin.to_dict(),
            "sector_distribution": None if many is None else many.to_dict(),
            "status": [s.name for s in self.status],
            "seed": self.seed,
            "content_hash": self.circuit.content_hash,
            "record": encode(self.settled()),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """Return the signature that :meth:`to_dict` wrote, bit for bit, without its QNode.

        What had been computed when it was written is not computed again.

        Raises:
            InputError: if ``data`` holds no record of a signature of this version of the package.
        """
        found = decode(data["record"]) if "record" in data else None
        if not isinstance(found, cls):
            raise InputError("Signature.from_dict needs what Signature.to_dict wrote, with its 'record'.")
        return found

    def settled(self) -> Signature:
        """Return the signature with what has been computed of it so far as fields, to be kept."""
        computed = self.__dict__  # cached properties stand here once they were asked for
        return replace(
            self,
            algebra=self.algebra.settled(),
            known_module=computed.get("module", self.known_module),
            known_rank=computed.get("independent_rank", self.known_rank),
        )


def _wrap(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        " ".join(line.split()),
        limits.WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
