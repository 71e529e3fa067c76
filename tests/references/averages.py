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


def loss_and_gradient(spectra, coefficients, offsets, parameter_of, theta, psi, observable):
    """Return ℓ and dℓ/dθ; ``spectra`` = (generator, eigenvalues, eigenvectors) of each gate."""
    states, phases = [psi], []
    for (_, values, basis), c, b, p in zip(spectra, coefficients, offsets, parameter_of, strict=True):
        angle = b + (c * theta[p] if p >= 0 else 0.0)
        phases.append(np.exp(-1j * angle * values))
        states.append(basis @ (phases[-1] * (basis.conj().T @ states[-1])))
    image = observable @ states[-1]
    loss = np.vdot(states[-1], image).real
    gradient = np.zeros(len(theta))
    for k in range(len(spectra) - 1, -1, -1):
        g, _, basis = spectra[k]
        if parameter_of[k] >= 0:
            # d/da ⟨ψ|e^{iaG} A e^{−iaG}|ψ⟩ = i⟨ψ|(GA − AG)|ψ⟩ = 2 Im⟨Aψ|Gψ⟩
            gradient[parameter_of[k]] += coefficients[k] * 2 * np.vdot(image, g @ states[k + 1]).imag
        image = basis @ (phases[k].conj() * (basis.conj().T @ image))
    return loss, gradient


def averages(generators, coefficients, offsets, parameter_of, laws, psi, observable):
    """Return E[ℓ], E[ℓ²], E[∂ℓ], E[(∂ℓ)²] by a product of rules; ``laws`` = (nodes, weights)."""
    spectra = [(g, *np.linalg.eigh(g)) for g in generators]
    total = 0
    for choice in itertools.product(*[range(len(x)) for x, _ in laws]):
        theta = np.array([laws[p][0][i] for p, i in enumerate(choice)])
        weight = np.prod([laws[p][1][i] for p, i in enumerate(choice)])
        loss, gradient = loss_and_gradient(spectra, coefficients, offsets, parameter_of, theta, psi, observable)
        total = total + np.concatenate([[loss, loss**2], gradient, gradient**2]) * weight
    n = len(laws)
    return total[0], total[1], total[2 : 2 + n], total[2 + n :]
