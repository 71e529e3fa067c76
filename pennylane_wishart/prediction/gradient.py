"""Signature → laws of gradient components, one per parameter (THEORY §6)."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.algebra import orbit
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.ensembles import Constant, HaarGradient, SectorSum, SpinFactorGradient, VarianceGamma
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.prediction.loss import field_spectrum, require_theory, weighted_sectors
from pennylane_wishart.sectors import Sector, Signature

__all__ = ["gradient_law", "parameter_key", "rotations_of"]

_LIGHT = 1e-12


def rotations_of(circuit: RotationCircuit, k: int) -> np.ndarray:
    """Return the rotations that parameter ``k`` drives."""
    if not 0 <= k < circuit.n_params:
        raise InputError(f"parameter {k}: the circuit has parameters 0 to {circuit.n_params - 1}.")
    return np.flatnonzero(circuit.parameter_of == k)


def parameter_key(signature: Signature, k: int) -> tuple | None:
    """Return a key equal for parameters with the same law; None where there is no law."""
    rotations = rotations_of(signature.circuit, k)
    if len(rotations) != 1:
        return None
    l = int(rotations[0])
    scale = float(signature.generator_scale[l] * abs(signature.circuit.coefficients[l]))
    return int(signature.generator_of[l]), round(scale, 12)


def gradient_law(signature: Signature, k: int, engine: str = "exact") -> Law:
    """Return the deep-limit law of ∂ℓ/∂θ_k.

    Raises:
        OutOfTheoryError: outside the theory, or where the parameter drives several rotations
            that do not merge into one generator (its gradient is then a sum of dependent parts).
    """
    require_theory(signature)
    key = parameter_key(signature, k)
    if key is None:
        count = len(rotations_of(signature.circuit, k))
        if count == 0:
            return Constant(0.0)
        raise OutOfTheoryError(
            f"Parameter {k} drives {count} rotations at different places of the circuit: the law of their "
            "sum is not known. Use .gradient_variance[k]."
        )
    index, scale = key
    if signature.spin_factor is not None:
        return _spin_gradient(signature, index, scale)
    parts = tuple(_sector_gradient(s, index, scale, engine) for s in weighted_sectors(signature))
    return parts[0] if len(parts) == 1 else SectorSum(parts)


def _sector_gradient(sector: Sector, index: int, scale: float, engine: str) -> Law:
    assert sector.beta is not None or sector.is_constant
    if sector.is_constant or sector.dim == 1 or sector.beta is None:
        return Constant(0.0)
    dim, beta = sector.field_dim, sector.beta
    first, second = (float(t) for t in sector.generator_traces[index])
    spread = (second - first**2) * scale**2
    if spread < _LIGHT:
        return Constant(0.0)
    if engine != "exact":
        dof = sector.dof if engine == "asymptotic" else sector.dof_finite
        return VarianceGamma.from_sector(np.sqrt(spread), sector.mean, beta, dof, sector.weight)
    spectrum, levels = field_spectrum(sector), sector.generator_spectra.get(index)
    if spectrum is None or levels is None or sector.rho_spectrum is None:
        return _matched(sector, spread)
    if dim == 1:
        return Constant(0.0)
    # eigenvalues g and −g of one level must be equal in size to the last bit to count as a pair
    size = float(np.abs(levels[0]).max())
    values = tuple(float(np.sign(v) * np.round(abs(v) / size, 11) * size * scale) for v in levels[0])
    counts = tuple(int(c) for c in levels[1])
    rho = tuple(float(p) for p in sector.rho_spectrum if p > _LIGHT)
    return HaarGradient(*spectrum, beta, values, counts, rho)


def _matched(sector: Sector, spread: float) -> Law:
    """Variance-gamma law whose variance is the exact one."""
    if sector.purity is None or sector.beta is None:
        raise OutOfTheoryError("The input's purity in a sector is not known at this size.")
    dim, beta, n = sector.field_dim, sector.beta, sector.dim
    # E‖φ‖² for ψ Haar over F: (Tr G²/N − (Tr G)²/N²)·(1, N/(N+1), n(n−2)... ) of THEORY §6
    norm2 = spread * {1: 1.0, 2: n / (n + 1), 4: (n - 2) / (n + 1)}[beta]
    strength = (sector.purity - sector.weight**2 / dim) * dim / (dim - 1)
    variance = 4 * norm2 * dim * sector.variance * strength / ((dim - 1) * (beta * dim + 2))
    dof = beta * sector.dof_finite
    return VarianceGamma(dof, float(np.sqrt(variance / dof)))


def _spin_gradient(signature: Signature, index: int, scale: float) -> Law:
    spin = signature.spin_factor
    assert spin is not None
    amplitude = spin.amplitude * spin.norm
    norms = spin_planes(signature, index) * scale
    if amplitude == 0 or spin.d < 2 or len(norms) == 0:
        return Constant(0.0)
    return SpinFactorGradient(amplitude, spin.d, tuple(float(c) for c in norms))


def spin_planes(signature: Signature, index: int) -> np.ndarray:
    """Return the coefficients of the generator's terms that turn a plane of the observable's orbit.

    Each term is a product of two Majoranas: it anticommutes with two words of the orbit or none.
    """
    generator: PauliSum = signature.generators[index]
    words = PauliWords.concatenate([g.words for g in signature.generators])
    moved = words.anticommutation(signature.observable.words).any(axis=0)
    reach = orbit(words, signature.observable.words[np.flatnonzero(moved)[:1]]).enumerate()
    moves = generator.words.anticommutation(reach).any(axis=1)
    return np.abs(generator.coefficients[moves])
