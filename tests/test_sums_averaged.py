"""Gates whose generator is a sum: exact averages of pairs, walkers, and operators between reached basis states.

Truths are sums over equally spaced angles that are exact for the frequencies of dense matrices written here.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

from pennylane_wishart.circuit import normal_form
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.variances import exact_moments, moments_of, pair_walk
from pennylane_wishart.variances.engines.operators import module_on_words
from pennylane_wishart.variances.engines.reached import reached_average
from pennylane_wishart.variances.engines.states import module_on_states
from pennylane_wishart.variances.engines.words import _surviving_pairs

X, Y, Z, ONE = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]], [[1, 0], [0, 1]]))


def ring(n: int, layers: int):
    """RY everywhere, then CRX around a ring, all angles independent; the parity of all qubits."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        for layer in range(layers):
            for q in range(n):
                qml.RY(x[layer, q, 0], q)
            for q in range(n):
                qml.CRX(x[layer, q, 1], [q, (q + 1) % n])
        return qml.expval(qml.prod(*(qml.Z(q) for q in range(n))))

    return normal_form(circuit)(pnp.zeros((layers, n, 2), requires_grad=True))


def word(n: int, letters: dict) -> np.ndarray:
    out = np.eye(1)
    for q in range(n):
        out = np.kron(out, letters.get(q, ONE))
    return out


def dense_ring(n: int) -> tuple[float, np.ndarray]:
    """E[ℓ²] and E[(∂ℓ)²] of one layer over angles that are exact: frequencies ≤ 2, multiples of 1/2 for CRX."""
    generators = [word(n, {q: Y}) / 2 for q in range(n)]
    for q in range(n):
        generators.append((word(n, {(q + 1) % n: X}) - word(n, {q: Z, (q + 1) % n: X})) / 4)
    grids = [2 * np.pi * np.arange(3) / 3] * n + [4 * np.pi * np.arange(5) / 5] * n
    turns = [[np.linalg.eigh(g) for g in generators], grids]
    unitaries = [[(v * np.exp(-1j * a * w)) @ v.conj().T for a in grid] for (w, v), grid in zip(*turns, strict=True)]
    observable = word(n, dict.fromkeys(range(n), Z))
    start = np.eye(2**n)[:, 0].astype(complex)
    total, squares, count = 0.0, np.zeros(2 * n), 0
    for choice in product(*[range(len(g)) for g in grids]):
        states = [start]
        for k, c in enumerate(choice):
            states.append(unitaries[k][c] @ states[-1])
        back = observable @ states[-1]
        total += float(np.vdot(states[-1], back).real) ** 2
        for k in range(2 * n - 1, -1, -1):
            squares[k] += (2 * np.vdot(back, generators[k] @ states[k + 1]).imag) ** 2
            back = unitaries[k][choice[k]].conj().T @ back
        count += 1
    return total / count, squares / count


def test_pairs_of_words_under_controlled_rotations_are_averaged_exactly():
    circuit = ring(3, 1)
    found = exact_moments(circuit, circuit.angle_law())
    second, squares = dense_ring(3)
    assert found.loss_second_moment == pytest.approx(second, abs=1e-12)
    order = [2 * q for q in range(3)] + [2 * q + 1 for q in range(3)]  # the array holds (RY, CRX) of each qubit
    np.testing.assert_allclose(found.gradient_variance[order], squares, atol=1e-12)


def test_walkers_of_averaged_gates_agree_with_exact_pairs():
    # 25 values within 5 errors: one false alarm in 60,000 seeds
    circuit = ring(4, 3)
    exact = exact_moments(circuit, circuit.angle_law())
    found = pair_walk(circuit, circuit.angle_law(), 15_000, seed=3)
    assert exact.is_exact and found.known.all()
    z = (found.gradient_variance - exact.gradient_variance) / found.gradient_variance_error
    assert np.abs(z).max() < 5
    assert abs(found.loss_second_moment - exact.loss_second_moment) < 5 * found.loss_second_moment_error
    # every weight is a probability: errors are those of plain walks
    assert np.median(found.gradient_variance_error / found.gradient_variance) < 0.03


def test_pairs_whose_products_count_keep_signs():
    # ⟨Z0⟩ + ⟨Z1⟩ behind controlled rotations alone: products of different words survive
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x):
        qml.CRX(x[0], [0, 1])
        qml.CRY(x[1], [1, 0])
        qml.CRZ(x[2], [0, 1])
        qml.CRX(x[3], [1, 0])
        return qml.expval(qml.Z(0) + 0.5 * qml.Z(1) + qml.X(0))

    @qml.qnode(qml.device("default.qubit", wires=2))
    def tilted(x):
        qml.RY(1.3, 0)
        qml.RY(1.1, 1)
        return circuit.func(x)

    form = normal_form(tilted)(pnp.zeros(4, requires_grad=True))
    exact = exact_moments(form, form.angle_law())
    found = pair_walk(form, form.angle_law(), 20_000, seed=5)
    assert abs(found.loss_second_moment - exact.loss_second_moment) < 5 * found.loss_second_moment_error
    assert abs(found.loss_mean - exact.loss_mean) < 5 * max(found.loss_mean_error, 1e-12)
    live = found.known & ~found.dead
    z = (found.gradient_variance - exact.gradient_variance)[live] / found.gradient_variance_error[live]
    assert live.any() and np.abs(z).max() < 5


@pytest.mark.slow
def test_above_the_state_vectors_a_value_with_an_error_stands():
    circuit = ring(22, 1)
    found = moments_of(circuit, seed=1, n_walkers=20_000)
    assert found.engine is EngineId.WALKERS and found.known.any()
    live = found.known & ~found.dead
    assert np.median(found.gradient_variance_error[live] / found.gradient_variance[live]) < 0.5


def excitations():
    @qml.qnode(qml.device("default.qubit", wires=4))
    def circuit(x):
        qml.BasisState(np.array([1, 1, 0, 0]), range(4))
        qml.DoubleExcitation(x[0], range(4))
        qml.SingleExcitation(x[1], [0, 2])
        qml.SingleExcitation(x[2], [1, 3])
        qml.DoubleExcitation(x[3], range(4))
        return qml.expval(qml.Z(0) @ qml.Z(2) + 0.3 * qml.X(0) @ qml.Z(1) @ qml.X(2) + 0.2 * qml.Z(3))

    return normal_form(circuit)(pnp.zeros(4, requires_grad=True))


def test_operators_between_reached_states_carry_the_whole_loss():
    circuit = excitations()
    module = module_on_states(circuit, 16, 100)
    words = module_on_words(circuit, 4**4)
    assert module.dim < words.dim
    rng = np.random.default_rng(0)
    for _ in range(5):
        angles = circuit.angles_of(rng.uniform(0, 2 * np.pi, 4))
        values = []
        for m in (module, words):
            v = m.start
            for k in range(circuit.n_rotations - 1, -1, -1):
                values_, vectors = np.linalg.eigh(1j * m.generators[m.distinct[k]].toarray())
                v = (vectors @ (np.exp(-1j * angles[k] * values_) * (vectors.conj().T @ v))).real
            values.append(v @ m.end)
        np.testing.assert_allclose(values, circuit.loss(angles), atol=1e-12)


def test_more_states_than_the_limit_are_refused():
    with pytest.raises(ModuleTooLargeError, match="reaches more than 3 basis states"):
        module_on_states(excitations(), 3, 100)


def test_two_copies_of_the_reached_state_agree_with_the_module():
    circuit = excitations()
    law = circuit.angle_law()
    exact = exact_moments(circuit, law)
    reached = reached_average(circuit, law)
    assert reached.second((circuit.observable,)) == pytest.approx(exact.loss_second_moment, abs=1e-12)


def test_pairs_of_terms_that_survive_are_all_found():
    """Against every pair, one by one: those that anticommute with the same generators, in order."""
    rng = np.random.default_rng(4)
    killed = rng.random((30, 3)) < 0.5
    known = [(a, b) for a in range(30) for b in range(a + 1, 30) if (killed[a] == killed[b]).all()]
    a, b = _surviving_pairs(killed, None)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == known
    weights = np.triu(rng.random((30, 30)) < 0.3, 1).astype(float)
    a, b = _surviving_pairs(killed, weights + weights.T)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == [p for p in known if weights[p]]
