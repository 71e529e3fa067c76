"""Dense Hessians and tangent kernels averaged over angles, n ≤ 4: no code of the package is used here."""

import itertools

import numpy as np
from references import averages


def commuting_sum(rng, n):
    """Draw a sum of up to three words that commute, with coefficients 1/4, 1/2 or 1."""
    words = []
    while len(words) < 3:
        word = "".join(rng.choice(list("IXYZ"), n))
        clash = [sum(a != b and "I" not in (a, b) for a, b in zip(word, w, strict=True)) % 2 for w in words]
        if set(word) != {"I"} and word not in words and not any(clash):
            words.append(word)
        if n == 1 or rng.random() < 0.2:
            break
    return {w: float(rng.choice([0.25, 0.5, 1.0])) for w in words} or {"Z" * n: 0.5}


def _jets(spectra, circuit, theta, psi):
    """Return the state, its first and its second derivatives by the parameters."""
    size, dim = len(theta), len(psi)
    state, first, double = psi.astype(complex), np.zeros((size, dim), complex), np.zeros((size, size, dim), complex)
    for (g, values, basis), c, b, p in zip(
        spectra, circuit.coefficients, circuit.offsets, circuit.parameter_of, strict=True
    ):
        angle = b + (c * theta[p] if p >= 0 else 0.0)
        gate = (basis * np.exp(-1j * angle * values)) @ basis.conj().T
        state, first, double = gate @ state, first @ gate.T, double @ gate.T
        if p >= 0:
            slope = -1j * c * g
            turned = first @ slope.T
            double[p, :] += turned
            double[:, p] += turned
            double[p, p] += slope @ (slope @ state)
            first[p] += slope @ state
    return state, first, double


def _points(rules):
    for choice in itertools.product(*[range(len(x)) for x, _ in rules]):
        theta = np.array([rules[p][0][i] for p, i in enumerate(choice)])
        yield theta, np.prod([rules[p][1][i] for p, i in enumerate(choice)])


def hessian(drawn, theta):
    """Return the Hessian of the loss at one setting of the parameters."""
    spectra = [(averages.dense(g), *np.linalg.eigh(averages.dense(g))) for g in drawn.generators]
    return _hessian(spectra, drawn.circuit, theta, averages.dense(drawn.observable))


def _hessian(spectra, circuit, theta, observable):
    state, first, double = _jets(spectra, circuit, theta, circuit.state.vector())
    bent = np.einsum("i,pqi->pq", (observable @ state).conj(), double)
    return 2 * (bent + first.conj() @ observable @ first.T).real


def hessian_averages(drawn, rules):
    """Return E[H] and E[H²] under quadrature rules, one a parameter."""
    spectra = [(averages.dense(g), *np.linalg.eigh(averages.dense(g))) for g in drawn.generators]
    observable, total = averages.dense(drawn.observable), 0
    for theta, weight in _points(rules):
        found = _hessian(spectra, drawn.circuit, theta, observable)
        total = total + weight * np.stack([found, found**2])
    return total


def kernel_averages(drawn, rules, vectors):
    """Return E Σ_k ∂_kℓ_i ∂_kℓ_j for several input vectors."""
    spectra = [(averages.dense(g), *np.linalg.eigh(averages.dense(g))) for g in drawn.generators]
    observable, total = averages.dense(drawn.observable), 0
    for theta, weight in _points(rules):
        rows = []
        for psi in vectors:
            state, first, _ = _jets(spectra, drawn.circuit, theta, psi)
            rows.append(2 * (first @ (observable @ state).conj()).real)
        total = total + weight * np.array(rows) @ np.array(rows).T
    return total
