"""Signature → laws of gradient components, one per parameter (THEORY §6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.algebra import orbit
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.ensembles import (
    Constant,
    HaarGradient,
    JointLaw,
    JointPart,
    SectorSum,
    SpinFactor,
    SpinFactorGradient,
    VarianceGamma,
)
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.prediction.loss import field_spectrum, is_flat, require_theory, sector_loss, weighted_sectors
from pennylane_wishart.sectors import Sector, Signature

__all__ = ["gradient_law", "joint_law", "parameter_key", "rotations_of"]

_Key = tuple[int, float]


def rotations_of(circuit: RotationCircuit, k: int) -> NDArray[np.int64]:
    """Return the rotations that parameter ``k`` drives."""
    if not 0 <= k < circuit.n_params:
        raise InputError(f"parameter {k}: the circuit has parameters 0 to {circuit.n_params - 1}.")
    return np.flatnonzero(circuit.parameter_of == k)


def parameter_key(signature: Signature, k: int) -> _Key | None:
    """Return a key equal for parameters with the same law; None where there is no law."""
    rotations = rotations_of(signature.circuit, k)
    # those that were merged into another through fixed gates have no generator of their own
    rotations = rotations[signature.generator_of[rotations] >= 0] if len(rotations) > 1 else rotations
    if len(rotations) != 1:
        return None
    l = int(rotations[0])
    scale = float(signature.generator_scale[l] * abs(signature.circuit.coefficients[l]))
    return int(signature.generator_of[l]), round(scale, limits.SCALE_DIGITS)


def gradient_law(signature: Signature, k: int, engine: str = "exact") -> Law:
    """Return the deep-limit law of ∂ℓ/∂θ_k.

    Raises:
        OutOfTheoryError: outside the theory, or where the parameter drives several rotations
            that do not merge into one generator (its gradient is then a sum of dependent parts).
    """
    require_theory(signature)
    key = _known_key(signature, k)
    if key is None:
        return Constant(0.0)
    parts = _parts(signature, key, engine)
    return parts[0] if len(parts) == 1 else SectorSum(parts)


def _known_key(signature: Signature, k: int) -> _Key | None:
    """Return (generator, scale) of a parameter; None where it drives nothing."""
    key = parameter_key(signature, k)
    count = len(rotations_of(signature.circuit, k)) if key is None else 1
    if count > 1:  # their gates see different states, and not independent ones
        raise OutOfTheoryError(
            f"Parameter {k} drives {count} rotations at different places of the circuit: the law of their "
            "sum is not known.",
            advice="Use .gradient_variance[k].",
        )
    return key


def joint_law(signature: Signature, parameters: Sequence[int], engine: str = "exact") -> JointLaw:
    """Return the deep-limit joint law of the loss and some gradient components.

    Raises:
        OutOfTheoryError: as :func:`gradient_law`, or where a generator's spectrum is not known.
    """
    require_theory(signature)
    keys = [_known_key(signature, k) for k in parameters]
    # parameters of one kind of gate share their laws, so that a joint law of hundreds stays small
    known = {key: _parts(signature, key, engine) for key in set(keys)}
    spin = signature.spin_factor
    if spin is not None:
        amplitude = spin.amplitude * spin.norm
        moving = amplitude > 0 and spin.d > 1
        loss = SpinFactor(amplitude, spin.d) if moving else Constant(amplitude if spin.d < 2 else 0.0)
        # what is conserved is a part of its own: it moves the loss and no gradient
        still = JointPart(Constant(spin.offset), (Constant(0.0),) * len(keys))
        return JointLaw((JointPart(loss, tuple(known[key][0] for key in keys)), still))
    parts = []
    for i, sector in enumerate(weighted_sectors(signature)):
        try:
            parts.append(JointPart(sector_loss(sector, engine), tuple(known[key][i] for key in keys)))
        except InputError as err:
            raise OutOfTheoryError(
                "The spectrum of some generator in a sector is not known at this size: no joint law.",
                advice="Use .gradient_of(k).",
            ) from err
    return JointLaw(tuple(parts))


def _parts(signature: Signature, key: _Key | None, engine: str) -> tuple[Law, ...]:
    """Laws of one parameter's gradient in every sector, or on the sphere."""
    if signature.spin_factor is not None:
        return (Constant(0.0) if key is None else _spin_gradient(signature, *key),)
    sectors = weighted_sectors(signature)
    return tuple(Constant(0.0) if key is None else _sector_gradient(s, *key, engine) for s in sectors)


def _sector_gradient(sector: Sector, index: int, scale: float, engine: str) -> Law:
    assert sector.beta is not None or sector.is_constant
    # a phase, or a number, moves no loss
    if sector.is_constant or sector.dim == 1 or sector.beta is None:
        return Constant(0.0)
    dim, beta = sector.field_dim, sector.beta
    first, second = (float(t) for t in sector.generator_traces[index])
    spread = (second - first**2) * scale**2
    if spread < limits.LIGHT:
        return Constant(0.0)
    if engine == "asymptotic":
        return VarianceGamma.from_sector(np.sqrt(spread), sector.mean, beta, sector.dof, sector.weight)
    if engine == "matched":
        return _matched(sector, spread)
    # both spectra and the input's block are known: the exact law, whose shape is not a fitted one
    spectrum, levels = field_spectrum(sector), sector.generator_spectra.get(index)
    if spectrum is not None and len(spectrum[0]) == 1:  # the observable is a number in this sector
        return Constant(0.0)
    if spectrum is None or levels is None or sector.rho_spectrum is None:
        return _matched(sector, spread)
    if dim == 1:
        return Constant(0.0)
    # eigenvalues g and −g of one level must be equal in size to the last bit to count as a pair
    # over the reals and quaternions they are pairs but for the trace, a phase that no loss sees
    centred = levels[0] if beta == 2 else levels[0] - first
    size = float(np.abs(centred).max())
    values = tuple(float(np.sign(v) * np.round(abs(v) / size, limits.LEVEL_DIGITS) * size * scale) for v in centred)
    counts = tuple(int(c) for c in levels[1])
    rho = tuple(float(p) for p in sector.rho_spectrum if p > limits.LIGHT)
    if is_flat(rho, dim):
        return Constant(0.0)
    return HaarGradient(*spectrum, beta, values, counts, rho)


def _matched(sector: Sector, spread: float) -> Law:
    """Variance-gamma law whose variance is the exact one."""
    if sector.purity is None or sector.beta is None:
        raise OutOfTheoryError("The input's purity in a sector is not known at this size.")
    dim, beta, n = sector.field_dim, sector.beta, sector.dim
    # E‖φ‖² for ψ Haar over F: (Tr G²/N − (Tr G)²/N²)·(1, N/(N+1), n(n−2)... ) of THEORY §6
    norm2 = spread * {1: 1.0, 2: n / (n + 1), 4: (n - 2) / (n + 1)}[beta]
    # a mixed input moves less: its purity beyond that of the completely mixed block counts
    strength = (sector.purity - sector.weight**2 / dim) * dim / (dim - 1)
    variance = 4 * norm2 * dim * sector.variance * strength / ((dim - 1) * (beta * dim + 2))
    dof = beta * sector.dof_finite
    return VarianceGamma(dof, float(np.sqrt(variance / dof)), matched=True)


def _spin_gradient(signature: Signature, index: int, scale: float) -> Law:
    spin = signature.spin_factor
    assert spin is not None
    amplitude = spin.amplitude * spin.norm
    norms = spin_planes(signature, index) * scale
    if amplitude == 0 or spin.d < 2 or len(norms) == 0:
        return Constant(0.0)
    return SpinFactorGradient(amplitude, spin.d, tuple(float(c) for c in norms))


def spin_planes(signature: Signature, index: int) -> NDArray[np.float64]:
    """Return the coefficients of the generator's terms that turn a plane of the observable's orbit.

    Each term is a product of two Majoranas: it anticommutes with two words of the orbit or none.
    """
    generator: PauliSum = signature.generators[index]
    words = PauliWords.concatenate([g.words for g in signature.generators])
    moved = words.anticommutation(signature.observable.words).any(axis=0)
    # the orbit of one moving word is the whole sphere's basis: all of them lie in it
    reach = orbit(words, signature.observable.words[np.flatnonzero(moved)[:1]]).enumerate()
    moves = generator.words.anticommutation(reach).any(axis=1)
    return np.asarray(np.abs(generator.coefficients[moves]))
