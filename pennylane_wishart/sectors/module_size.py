"""The observable's module: from certified sectors where they are known, else from ``algebra``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pennylane_wishart.algebra import Module, module_of
from pennylane_wishart.errors import Status
from pennylane_wishart.paulis import PauliWords

if TYPE_CHECKING:
    from pennylane_wishart.sectors.signature import Signature

__all__ = ["find_module"]

_SPAN_DIM = 1000
_SPAN_WORK = 2e9
"""Multiply-adds: some seconds. Past it the dimension is a lower bound, with its Status."""
_KEPT = 1e-9


def find_module(signature: Signature) -> Module:
    """Size the span of all that the observable becomes."""
    generators, observable = signature.generators, signature.observable
    if not generators and not signature.algebra.is_closed:  # they could not be written down
        return Module(dim=1, n_qubits=observable.n_qubits, method="not assessed", status=Status.TRUNCATED)
    words_only = all(len(g) == 1 for g in generators)
    if not (words_only and len(observable) == 1):
        found = _from_sectors(signature)
        if found is not None:
            return found
    if words_only:
        words = [g.words for g in generators]
        batch = PauliWords.concatenate(words) if words else PauliWords.identity(observable.n_qubits, 0)
        return module_of(batch, observable, max_dim=_SPAN_DIM, max_work=_SPAN_WORK)
    return module_of(list(generators), observable, max_dim=_SPAN_DIM, max_work=_SPAN_WORK)


def _from_sectors(signature: Signature) -> Module | None:
    """Add up irreducible modules: the traceless Jordan algebra of every sector that moves.

    Exact where all sectors are certified and no two of them are linked.
    """
    moving = [s for s in signature.sectors if not s.is_constant]
    keys = [key for s in moving for key in s.linked_to]
    whole = signature.n_sectors == len(signature.sectors)
    if not whole or len(set(keys)) < len(keys) or not all(s.in_theory and s.beta for s in moving):
        return None
    dim = sum(s.field_dim - 1 + (s.beta or 0) * s.field_dim * (s.field_dim - 1) // 2 for s in moving)
    # what no generator moves is one more direction: it is what is left of ‖O‖² (centres are means over the input)
    size = signature.observable.norm_squared
    moved = sum(s.dim * s.multiplicity / 2**signature.circuit.n_qubits * s.variance for s in moving)
    dim += int(size - moved > _KEPT * size)
    return Module(
        dim=dim,
        n_qubits=signature.circuit.n_qubits,
        method="traceless Jordan algebras of the certified sectors",
    )
