"""The observable's module: from certified sectors where they are known, else from ``algebra``."""

from __future__ import annotations

from collections.abc import Sequence

from pennylane_wishart.algebra import Module, module_of
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.sectors.problem import words_of
from pennylane_wishart.sectors.records import Sector

__all__ = ["find_module"]


def find_module(
    generators: Sequence[PauliSum], observable: PauliSum, sectors: Sequence[Sector], is_whole: bool
) -> Module:
    """Size the span of all that the observable becomes.

    Args:
        is_whole: whether ``sectors`` are all there are, those of weight zero included.
    """
    words = words_of(generators, observable.n_qubits)
    if (words is None or len(observable) != 1) and is_whole:
        found = _from_sectors(observable, sectors)
        if found is not None:
            return found
    given = list(generators) if words is None else words
    return module_of(given, observable, max_dim=limits.MODULE_DIM, max_work=limits.MODULE_WORK)


def _from_sectors(observable: PauliSum, sectors: Sequence[Sector]) -> Module | None:
    """Add up irreducible modules: the traceless Jordan algebra of every sector that moves.

    Exact where all sectors are certified and no two of them are linked.
    """
    moving = [s for s in sectors if not s.is_constant]
    keys = [key for s in moving for key in s.linked_to]
    if len(set(keys)) < len(keys) or not all(s.in_theory and s.beta for s in moving):
        return None
    dim = sum(s.module_dim for s in moving)
    # what no generator moves is one more direction: it is what is left of ‖O‖² (centres are means over the input)
    size = observable.norm_squared
    moved = sum(s.dim * s.multiplicity / 2**observable.n_qubits * s.variance for s in moving)
    return Module(
        dim=dim + int(size - moved > limits.MODULE_REST * size),
        n_qubits=observable.n_qubits,
        method="traceless Jordan algebras of the certified sectors",
    )
