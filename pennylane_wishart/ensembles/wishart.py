"""β-Wishart matrices per level of a spectrum, and compressions to Haar directions.

For d Haar directions the Gram matrices of their components on the levels are independent
β-Wishart matrices W_j with k_j degrees of freedom, up to the change of basis that makes
their sum the identity. They are held as (W_j − A_j)/√A_j, A_j = βk_j/2, so that levels of
2**999 states neither overflow nor lose the fluctuations. Quaternions are 2×2 complex
blocks: a d×d quaternionic matrix X + Yj is [[X, Y], [−Ȳ, X̄]], of size 2d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.inversion import StandardLevels, gamma_deviates

__all__ = [
    "Compression",
    "Matrix",
    "adjoint",
    "compress",
    "embed",
    "gaussian_block",
    "haar_matrix",
    "inverse_root",
    "matrix_size",
    "wishart_deviate",
]

Matrix = NDArray[Any]  # real for β = 1, complex otherwise


def adjoint(matrix: Matrix) -> Matrix:
    """Return the conjugate transposes of a stack of matrices."""
    return np.asarray(np.conj(np.swapaxes(matrix, 1, 2)))


def matrix_size(d: int, beta: int) -> int:
    """Return the size of the array that holds a d×d matrix over F."""
    return 2 * d if beta == 4 else d


def embed(x: Matrix, y: Matrix) -> Matrix:
    """Return the complex form [[x, y], [−ȳ, x̄]] of the quaternionic matrix x + yj."""
    top = np.concatenate([x, y], axis=-1)
    bottom = np.concatenate([-np.conj(y), np.conj(x)], axis=-1)
    return np.concatenate([top, bottom], axis=-2)


def gaussian_block(shape: tuple[int, int, int], beta: int, rng: np.random.Generator) -> Matrix:
    """Draw matrices over F, every real component of variance 1/2, so |x|² ~ Gamma(β/2)."""
    scale = math.sqrt(0.5)
    if beta == 1:
        return scale * rng.standard_normal(shape)
    parts = [scale * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) for _ in range(beta // 2)]
    return parts[0] if beta == 2 else embed(parts[0], parts[1])


def wishart_deviate(dof: float, shape: float, d: int, beta: int, size: int, rng: np.random.Generator) -> Matrix:
    """Draw (W − A)/√A for W ~ β-Wishart_d with ``dof`` = k degrees of freedom, A = βk/2.

    Fewer degrees of freedom than directions are drawn as a k×d Gaussian; otherwise
    Bartlett's triangle W = LL†, with L/√A = 1 + Y/√A so that large k does not cancel.
    """
    eye = np.eye(matrix_size(d, beta))
    # Bartlett's triangle needs Gamma shapes A − β(d − 1)/2 above 0
    if dof < d:
        g = gaussian_block((size, int(dof), d), beta, rng)
        w = adjoint(g) @ g
        return (w - shape * eye) / math.sqrt(shape)
    # a shape beyond the floats is a normal matrix: all corrections vanish
    inverse_root = 1 / math.sqrt(shape) if math.isfinite(shape) else 0.0
    y = np.zeros((size, d, d), dtype=float if beta == 1 else complex)
    j = np.zeros_like(y) if beta == 4 else y
    for i in range(d):
        part = shape - beta * i / 2
        # δ = (g − A)/√A of a Gamma(A − βi/2); then √A(√(g/A) − 1) without cancellation
        root = math.sqrt(part / shape) if math.isfinite(shape) else 1.0
        delta = gamma_deviates(part, size, rng) * root - beta * i / 2 * inverse_root
        y[:, i, i] = delta / (1 + np.sqrt(np.maximum(1 + delta * inverse_root, 0.0)))
    if d > 1:
        below = np.tril(np.ones((d, d)), -1)
        block = gaussian_block((size, d, d), beta, rng)
        y = y + block[:, :d, :d] * below
        j = block[:, :d, d:] * below if beta == 4 else j
    full = embed(y, j) if beta == 4 else y
    # LL† − 1 with the 1 cancelled by hand
    return np.asarray(full + adjoint(full) + full @ adjoint(full) * inverse_root)


@dataclass(frozen=True)
class Compression:
    """Hold compressions of an observable to d Haar directions, in standard units.

    Attributes:
        first: (O − mean) compressed, in units of 2**exponent, shape (size, n, n).
        square: (O − mean)² compressed, in units of a·4**exponent.
    """

    first: Matrix
    square: Matrix


def compress(
    levels: StandardLevels,
    counts: tuple[int, ...],
    d: int,
    beta: int,
    size: int,
    rng: np.random.Generator,
) -> Compression:
    """Draw compressions of O and O² to the same d Haar directions.

    Cost: O(size · levels · d²) numbers, whatever the dimension.
    """
    # in the whole space the sum of the Wishart matrices is as singular as a square Gaussian matrix
    if d == sum(counts) and d > 1:
        return _compress_whole(levels, counts, beta, size, rng)
    n = matrix_size(d, beta)
    eye = np.eye(n)
    dtype = float if beta == 1 else complex
    total = np.broadcast_to(eye, (size, n, n)).astype(dtype)
    first = np.zeros((size, n, n), dtype=dtype)
    square = np.broadcast_to(eye * float(np.sum(levels.root**2)), (size, n, n)).astype(dtype)
    for j, count in enumerate(counts):
        w = wishart_deviate(min(count, limits.LARGEST_DOF), float(levels.shape[j]), d, beta, size, rng)
        total += levels.share[j] * w
        first += levels.root[j] * w
        square += levels.root[j] ** 2 * levels.inverse_root_shape[j] * w
    if d == 1:
        weight = total[:, :1, :1].real
        return Compression(first / weight, square / weight)
    # components on the levels are not orthonormal directions yet: change to a basis where they are
    change = inverse_root(total, beta)
    return Compression(change @ first @ adjoint(change), change @ square @ adjoint(change))


def haar_matrix(dim: int, beta: int, size: int, rng: np.random.Generator) -> Matrix:
    """Draw Haar matrices over F, the polar factors of Gaussian ones.

    For a frame of the whole space: there the sum of the Wishart matrices comes too close
    to singular for the inverse root.
    """
    u, _, v = np.linalg.svd(gaussian_block((size, dim, dim), beta, rng))
    return np.asarray(u @ v)


def _compress_whole(
    levels: StandardLevels,
    counts: tuple[int, ...],
    beta: int,
    size: int,
    rng: np.random.Generator,
) -> Compression:
    """Conjugate the whole observable with Haar matrices."""
    frame = haar_matrix(sum(counts), beta, size, rng)
    centred = np.repeat(levels.slope * levels.total, counts)
    centred = np.concatenate([centred, centred]) if beta == 4 else centred
    turned = adjoint(frame) * centred
    return Compression(turned @ frame, (turned * centred * levels.inverse_total) @ frame)


def inverse_root(total: Matrix, beta: int) -> Matrix:
    """A matrix C over F with C·total·C† = 1: the inverse of the Cholesky factor over F."""
    if beta != 4:
        return np.linalg.inv(np.linalg.cholesky(total))
    # with the two components of each quaternion side by side the complex Cholesky factor,
    # being unique, is the quaternionic one
    n = total.shape[-1]
    pairs = np.arange(n).reshape(2, n // 2).T.ravel()
    back = np.argsort(pairs)
    factor = np.linalg.inv(np.linalg.cholesky(total[:, pairs[:, None], pairs]))
    return factor[:, back[:, None], back]
