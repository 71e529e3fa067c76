"""Dense averages over angles, n ≤ 4: no code of the package is used here."""

import itertools

import numpy as np

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def dense(terms):
    """Return the matrix of a mapping word → coefficient."""
    total = 0
    for word, c in terms.items():
        m = np.eye(1)
        for letter in word:
            m = np.kron(m, PAULI[letter])
        total = total + c * m
    return total


def uniform_nodes(count):
    """Equispaced nodes: exact for trigonometric polynomials of degree below ``count``."""
    return 2 * np.pi * np.arange(count) / count, np.full(count, 1 / count)


def normal_nodes(sigma, mean=0.0, count=24):
    """Gauss-Hermite nodes of a normal law."""
    x, w = np.polynomial.hermite_e.hermegauss(count)
    return mean + sigma * x, w / w.sum()


def loss_and_gradient(generators, coefficients, offsets, parameter_of, theta, psi, observable):
    """Return ℓ and dℓ/dθ by dense matrices; generators are matrices, first gate first."""
    unitaries = []
    for g, c, b, p in zip(generators, coefficients, offsets, parameter_of):
        angle = b + (c * theta[p] if p >= 0 else 0.0)
        values, basis = np.linalg.eigh(g)
        unitaries.append((basis * np.exp(-1j * angle * values)) @ basis.conj().T)
    states = [psi]
    for u in unitaries:
        states.append(u @ states[-1])
    loss = np.vdot(states[-1], observable @ states[-1]).real
    gradient = np.zeros(len(theta))
    pulled = observable
    for k in range(len(generators) - 1, -1, -1):
        if parameter_of[k] >= 0:
            commutator = 1j * (generators[k] @ pulled - pulled @ generators[k])
            gradient[parameter_of[k]] += coefficients[k] * np.vdot(states[k + 1], commutator @ states[k + 1]).real
        pulled = unitaries[k].conj().T @ pulled @ unitaries[k]
    return loss, gradient


def averages(generators, coefficients, offsets, parameter_of, laws, psi, observable):
    """Return E[ℓ], E[ℓ²], E[∂ℓ], E[(∂ℓ)²] by a product of quadratures; ``laws`` = (nodes, weights) each."""
    total = None
    for choice in itertools.product(*[range(len(x)) for x, _ in laws]):
        theta = np.array([laws[p][0][i] for p, i in enumerate(choice)])
        weight = np.prod([laws[p][1][i] for p, i in enumerate(choice)])
        loss, gradient = loss_and_gradient(
            generators, coefficients, offsets, parameter_of, theta, psi, observable
        )
        row = np.concatenate([[loss, loss**2], gradient, gradient**2]) * weight
        total = row if total is None else total + row
    n = len(laws)
    return total[0], total[1], total[2 : 2 + n], total[2 + n :]
