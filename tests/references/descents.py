"""Dense oracle: train random circuits of the randomised model and collect their local minima.

psi = exp(t_p K_p/2) ... exp(t_1 K_1/2) psi_0 with K_j = U_j K U_j^dagger, U_j Haar in SO, SU or Sp,
K^2 = -1 (Pauli rotations between Haar gates), and loss <psi|O|psi>. Many circuits and starts are
trained at once by a batched BFGS with backtracking, polished by Newton steps with the exact
Hessian (parameter shifts). Shares no code with the package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def _haar(beta, dim, count, rng):
    """``count`` Haar matrices of SO(dim), SU(dim) up to a phase, or Sp(dim) as 2dim x 2dim."""
    if beta == 1:
        q, r = np.linalg.qr(rng.standard_normal((count, dim, dim)))
        return q * np.sign(np.einsum("nii->ni", r))[:, None, :]
    a = rng.standard_normal((count, dim, dim)) + 1j * rng.standard_normal((count, dim, dim))
    if beta == 2:
        q, r = np.linalg.qr(a)
        d = np.einsum("nii->ni", r)
        return q * (d / abs(d))[:, None, :]
    b = rng.standard_normal((count, dim, dim)) + 1j * rng.standard_normal((count, dim, dim))
    g = np.concatenate([np.concatenate([a, b], axis=2), np.concatenate([-b.conj(), a.conj()], axis=2)], axis=1)
    u, _, v = np.linalg.svd(g)
    return u @ v


def _structure(beta, dim):
    """A K with K^2 = -1 in so, su or sp."""
    half = dim // 2
    if beta == 1:
        return np.kron(np.array([[0.0, -1.0], [1.0, 0.0]]), np.eye(half))
    if beta == 2:
        return np.diag(np.repeat([-1j, 1j], half))
    return np.diag(np.repeat([1j, -1j], dim))


class Circuits:
    """``count`` random circuits over one or several sectors."""

    def __init__(self, sectors, n_parameters, count, seed):
        """``sectors``: tuples (values, multiplicities, beta, weight)."""
        rng = np.random.default_rng(seed)
        self.n_parameters, self.count = n_parameters, count
        self.parts = []
        for values, multiplicities, beta, weight in sectors:
            levels = np.repeat(np.asarray(values, float), multiplicities)
            dim = levels.size
            if beta == 4:
                levels = np.concatenate([levels, levels])
            base = _structure(beta, dim)
            generators = []
            for _ in range(n_parameters):
                u = _haar(beta, dim, count, rng)
                generators.append(u @ base @ u.conj().transpose(0, 2, 1))
            start = _haar(beta, dim, count, rng)[:, :, 0]
            # Row vectors: a gate acts from the right with the transpose.
            self.parts.append((weight, levels, [g.transpose(0, 2, 1).copy() for g in generators], start))

    def loss_and_gradient(self, angles, gradient=True):
        """Loss ``(count, starts)`` and gradient ``(count, starts, p)`` at angles."""
        loss = np.zeros(angles.shape[:2])
        slope = np.zeros(angles.shape)
        cos, sin = np.cos(angles / 2)[..., None], np.sin(angles / 2)[..., None]
        for weight, levels, generators, start in self.parts:
            psi = np.repeat(start[:, None, :], angles.shape[1], axis=1)
            for j, k in enumerate(generators):
                psi = cos[:, :, j] * psi + sin[:, :, j] * (psi @ k)
            lam = levels * psi
            loss += weight * np.real((psi.conj() * lam).sum(-1))
            if not gradient:
                continue
            for j in range(self.n_parameters - 1, -1, -1):
                k = generators[j]
                moved = psi @ k
                slope[:, :, j] += weight * np.real((lam.conj() * moved).sum(-1))
                psi = cos[:, :, j] * psi - sin[:, :, j] * moved
                lam = cos[:, :, j] * lam - sin[:, :, j] * (lam @ k)
        return loss, slope

    def hessian(self, angles):
        """Exact Hessian by parameter shifts, ``(count, starts, p, p)``."""
        p = self.n_parameters
        out = np.zeros(angles.shape + (p,))
        for j in range(p):
            shift = np.zeros(p)
            shift[j] = np.pi / 2
            plus = self.loss_and_gradient(angles + shift)[1]
            minus = self.loss_and_gradient(angles - shift)[1]
            out[..., j] = (plus - minus) / 2
        return (out + out.swapaxes(-1, -2)) / 2


def _bfgs(circuits, angles, iterations, tolerance, settled):
    """Train all starts until a share ``settled`` has converged; return angles and losses."""
    p = circuits.n_parameters
    loss, slope = circuits.loss_and_gradient(angles)
    inverse = np.broadcast_to(np.eye(p), angles.shape + (p,)).copy()
    for _ in range(iterations):
        size = np.sqrt((slope**2).sum(-1))
        if np.mean(size < tolerance) >= settled:
            break
        step = -(inverse @ slope[..., None])[..., 0]
        descent = (step * slope).sum(-1)
        bad = descent >= 0
        step[bad], descent[bad] = -slope[bad], -(slope[bad] ** 2).sum(-1)
        inverse[bad] = np.eye(p)
        length = np.sqrt((step**2).sum(-1))
        scale = np.minimum(1.0, 1.0 / np.maximum(length, 1e-300))
        done = size < tolerance
        for _ in range(25):
            trial = angles + scale[..., None] * step
            new_loss = circuits.loss_and_gradient(trial, gradient=False)[0]
            accept = done | (new_loss <= loss + 1e-4 * scale * descent + 1e-15)
            if accept.all():
                break
            scale = np.where(accept, scale, scale / 2)
        scale = np.where(accept & ~done, scale, 0.0)
        moved = scale[..., None] * step
        angles = angles + moved
        loss, new_slope = circuits.loss_and_gradient(angles)
        change = new_slope - slope
        slope = new_slope
        curve = (moved * change).sum(-1)
        good = curve > 1e-14
        rho = np.where(good, 1 / np.where(good, curve, 1.0), 0.0)[..., None, None]
        left = np.eye(p) - rho * moved[..., :, None] * change[..., None, :]
        inverse = left @ inverse @ left.swapaxes(-1, -2) + rho * (moved[..., :, None] * moved[..., None, :])
    return angles, loss


@dataclass
class Minima:
    """What training found: per circuit the distinct minima, and the loss of every descent."""

    losses: list  # per circuit: losses of distinct minima
    exhausted: np.ndarray  # per circuit: whether no minimum was met only once
    descents: np.ndarray  # (count, starts): loss where each descent ended


def descend(sectors, n_parameters, count, starts, seed, iterations=600, tolerance=1e-7, settled=1.0):
    """Losses where descents end, ``(count, starts)``, and their angles; no polishing."""
    circuits = Circuits(sectors, n_parameters, count, seed)
    rng = np.random.default_rng([seed, 1])
    angles = rng.uniform(0, 2 * np.pi, (count, starts, n_parameters))
    angles, loss = _bfgs(circuits, angles, iterations, tolerance, settled)
    return loss, angles, circuits


def all_minima(sectors, n_parameters, count, starts, seed, iterations=300):
    """Find all distinct non-degenerate minima of ``count`` random circuits."""
    loss, angles, circuits = descend(sectors, n_parameters, count, starts, seed, iterations, 1e-5, settled=0.995)
    for _ in range(4):
        slope = circuits.loss_and_gradient(angles)[1]
        hessian = circuits.hessian(angles)
        lowest = np.linalg.eigvalsh(hessian)[..., 0]
        safe = np.where((lowest > 1e-9)[..., None, None], hessian, np.eye(n_parameters))
        step = np.linalg.solve(safe, slope[..., None])[..., 0]
        small = (lowest > 1e-9) & (np.sqrt((step**2).sum(-1)) < 0.3)
        angles = angles - np.where(small[..., None], step, 0.0)
    descents, slope = circuits.loss_and_gradient(angles)
    lowest = np.linalg.eigvalsh(circuits.hessian(angles))[..., 0]
    proper = (np.sqrt((slope**2).sum(-1)) < 1e-9) & (lowest > 1e-8)
    losses, exhausted = [], []
    for index in range(count):
        points = np.exp(1j * angles[index][proper[index]])
        values = descents[index][proper[index]]
        left = np.ones(values.size, bool)
        found, hits = [], []
        for k in range(values.size):
            if left[k]:
                same = left & (abs(points - points[k]).max(axis=1) < 1e-4)
                left &= ~same
                found.append(values[k])
                hits.append(same.sum())
        losses.append(np.array(found))
        exhausted.append(bool(found) and min(hits) >= 2 and proper[index].mean() > 0.97)
    return Minima(losses, np.array(exhausted), descents)
