"""Walkers and matrix products, against the exact engines and known answers."""

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from random_rotations import brickwork, pauli_circuit, state, sum_circuit
from references import averages

from pennylane_wishart.circuit import (
    DenseBlock,
    InputState,
    RotationCircuit,
    local_form,
    normal_form,
)
from pennylane_wishart.conventions import UpperBound
from pennylane_wishart.errors import (
    InputError,
    ModuleTooLargeError,
    Status,
    UnsupportedCircuitError,
)
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances import (
    dead_parameters,
    exact_moments,
    log2_moments,
    moments_of,
    pair_walk,
    sampled_moments,
    walk,
)
from pennylane_wishart.variances.drivers import clean_moments
from pennylane_wishart.variances.engines.means import first_moments
from pennylane_wishart.variances.engines.walks.bits import RandomBits, mask_of_range
from pennylane_wishart.variances.parts import subcircuit


def pull(estimate, exact) -> np.ndarray:
    """Return the errors of everything estimated, in standard errors."""
    z = [(estimate.loss_second_moment - exact.loss_second_moment) / max(estimate.loss_second_moment_error, 1e-300)]
    if np.isnan(estimate.loss_variance):
        assert np.log2(max(exact.loss_variance, 1e-300)) <= estimate.loss_variance_upper.at_most_log2
        z = [0.0]
    elif estimate.loss_second_moment_error < 1e-13:
        z = [0.0 if abs(estimate.loss_second_moment - exact.loss_second_moment) < 1e-12 else np.inf]
    for k, status in enumerate(estimate.status):
        if status is Status.ESTIMATED:
            difference = estimate.gradient_variance[k] - exact.gradient_variance[k]
            error = estimate.gradient_variance_error[k]
            # Inside the product zone the value can be exact to rounding.
            z.append(0.0 if abs(difference) < 1e-12 else difference / max(error, 1e-300))
        elif status is Status.UPPER_BOUND:
            assert np.isnan(estimate.gradient_variance[k]) and isinstance(estimate.gradient(k), UpperBound)
            assert 0 < 2.0 ** estimate.gradient_variance_upper.at_most_log2[k]
            if not np.isnan(exact.gradient_variance[k]):
                assert exact.gradient_variance[k] <= 2.0 ** estimate.gradient_variance_upper.at_most_log2[k]
        else:
            assert exact.gradient_variance[k] == 0 == estimate.gradient_variance[k]
    return np.array(z)


def draw(seed: int):
    """Draw one of 50 circuits: four input kinds, sums of words, fixed rotations, normal angles."""
    rng = np.random.default_rng(seed)
    kind = ("basis", "product", "stabilizer", "vector")[seed % 4]
    fixed = 0.2 if seed % 3 == 1 else 0.0
    drawn = pauli_circuit(
        rng,
        int(rng.integers(2, 7)),
        int(rng.integers(4, 24)),
        1 + seed % 5,
        kind,
        fixed,
        angles=(np.pi / 2, np.pi) if seed % 5 == 0 else (np.pi,),
        sparse=True,
    )
    law = drawn.circuit.angle_law(
        ("normal", rng.uniform(0.4, 1.2, drawn.circuit.n_params)) if seed % 3 == 2 else "uniform"
    )
    return drawn.circuit, law


def test_walkers_agree_with_exact_moments_on_fifty_circuits():
    """Largest of about 500 normal errors below 5 (false alarm 3e-4); their spread is 1.

    The numbers of one circuit share walkers, so the spread is compared with a wide margin.
    """
    z = []
    for seed in range(50):
        circuit, law = draw(seed)
        exact = exact_moments(circuit, law)
        got = walk(circuit, law, 20_000, seed=seed)
        np.testing.assert_allclose(got.loss_mean, exact.loss_mean, atol=1e-12)
        np.testing.assert_allclose(got.gradient_mean, exact.gradient_mean, atol=1e-12)
        z.append(pull(got, exact))
    z = np.concatenate(z)
    moving = z[z != 0]
    assert len(moving) > 200
    assert np.abs(z).max() < 5
    assert 0.7 < moving.std() < 1.3


def test_a_wrong_average_is_noticed():
    """The same comparison against another circuit's exact values fails by many standard errors."""
    circuit, law = draw(8)
    other = exact_moments(circuit, circuit.angle_law(("normal", 0.3)))
    got = walk(circuit, law, 100_000, seed=1)
    error = got.loss_second_moment_error
    assert abs(got.loss_second_moment - other.loss_second_moment) > 8 * error


def test_zone_changes_nothing_but_the_noise(monkeypatch):
    """Without the averaged first rotations the estimates agree and are noisier."""
    import importlib

    from pennylane_wishart.variances import (
        walk as module_or_function,
    )  # the public name is the function

    module = importlib.import_module("pennylane_wishart.variances.engines.walks.walk")
    assert callable(module_or_function)
    circuit = brickwork(8, 3)
    law = circuit.angle_law()
    with_zone = walk(circuit, law, 20_000, seed=2)
    plain = module.product_zone
    monkeypatch.setattr(module, "product_zone", lambda c, m, q, **_: plain(c, m, q, averaged=False))
    without = walk(circuit, law, 20_000, seed=3)
    error = np.hypot(with_zone.loss_second_moment_error, without.loss_second_moment_error)
    assert abs(with_zone.loss_second_moment - without.loss_second_moment) < 5 * error
    assert with_zone.loss_second_moment_error < 0.8 * without.loss_second_moment_error


def test_same_seed_same_numbers():
    circuit, law = draw(4)
    one, two, other = (walk(circuit, law, 5_000, seed=s) for s in (9, 9, 10))
    assert np.array_equal(one.gradient_variance, two.gradient_variance)
    assert not np.array_equal(one.gradient_variance, other.gradient_variance)


def test_unseen_parameters_get_an_upper_limit():
    """Deep circuit on 20 qubits: few walkers count, so variances are bounds, never 0.

    Three bounds, each above the truth at 95% confidence, are compared with the matrix product.
    """
    circuit = brickwork(20, 16)
    got = walk(circuit, circuit.angle_law(), 640, seed=1)
    dead = set(dead_parameters(circuit)[0])
    live = [k for k in range(circuit.n_params) if k not in dead]
    bounded = [k for k in live if got.status[k] is Status.UPPER_BOUND]
    assert len(bounded) > 0.8 * len(live)
    assert np.all(np.isnan(got.gradient_variance[bounded])) and not got.known[bounded].any()
    upper = got.gradient_variance_upper.at_most_log2
    assert np.all(np.isfinite(upper[live]))
    assert np.all(np.isneginf(got.log2_gradient_variance[sorted(dead)]))
    asked = bounded[:: len(bounded) // 3][:3]
    truth = log2_moments(circuit, circuit.angle_law(), 16, asked)
    assert np.all(truth.log2_gradient + truth.log2_gradient_error < upper[asked])


def drawn_mass(circuit) -> float:
    """Return Σ c²: what every walker carries."""
    return float(np.sum(circuit.observable.coefficients**2))


def test_no_hit_is_the_rule_of_three():
    """No hit in n walkers: 1 − 0.05^(1/n), times the largest derivative a walker could carry."""
    circuit = pauli_circuit(np.random.default_rng(0), 12, 80, 1, "stabilizer").circuit
    got = walk(circuit, circuit.angle_law(), 64, seed=2)
    bounded = [k for k, s in enumerate(got.status) if s is Status.UPPER_BOUND]
    assert bounded
    upper = 2.0 ** got.gradient_variance_upper.at_most_log2[bounded]
    np.testing.assert_allclose(upper, drawn_mass(circuit) * (1 - 0.05 ** (1 / 64)), rtol=1e-6)
    assert got.gradient(bounded[0]).confidence == 0.95


def test_global_cost_at_a_hundred_qubits():
    """Z⊗…⊗Z behind one RX per qubit: E[ℓ²] = 2^−n, exactly (Cerezo et al., arXiv:2001.00550)."""
    n = 100
    words = PauliWords.from_maps([{q: "X"} for q in range(n)], n)
    observable = PauliSum.of(PauliWords.from_maps([dict.fromkeys(range(n), "Z")], n), np.ones(1))
    circuit = RotationCircuit.from_words(words, observable)
    walked = walk(circuit, circuit.angle_law(), 64, seed=1)
    np.testing.assert_allclose(np.log2(walked.loss_second_moment), -n, atol=1e-9)
    chained = log2_moments(circuit, circuit.angle_law(), 4, [0, 50])
    np.testing.assert_allclose(chained.log2_second_moment, -n, atol=1e-9)
    np.testing.assert_allclose(chained.log2_gradient, -n, atol=1e-9)


def test_local_cost_at_a_hundred_qubits_has_no_plateau():
    """Two layers of Rot + CZ: a light cone of a few qubits, compared with exact words."""
    circuit = brickwork(100, 2)
    exact = exact_moments(circuit, circuit.angle_law())
    got = walk(circuit, circuit.angle_law(), 20_000, seed=5)
    assert exact.engine == "exact words" and exact.loss_variance > 0.05
    assert np.abs(pull(got, exact)).max() < 5


@pytest.mark.parametrize("shape", [(4, 6), (6, 5), (8, 4)])
def test_matrix_product_equals_exact(shape):
    circuit = brickwork(*shape)
    exact = exact_moments(circuit, circuit.angle_law())
    live = np.flatnonzero(np.isfinite(exact.log2_gradient_variance))[::5]
    got = log2_moments(circuit, circuit.angle_law(), 48, live)
    np.testing.assert_allclose(got.log2_second_moment, np.log2(exact.loss_second_moment), atol=1e-5)
    np.testing.assert_allclose(got.log2_gradient, exact.log2_gradient_variance[live], atol=1e-4)
    dead = log2_moments(circuit, circuit.angle_law(), 4, [0])
    assert np.isneginf(dead.log2_gradient[0]) and 0 in dead_parameters(circuit)[0]


def test_matrix_product_states_its_error():
    """At a bond that is too small the stated error covers the true one, and the status says so."""
    circuit = brickwork(8, 12)
    exact = exact_moments(circuit, circuit.angle_law())
    rough = log2_moments(circuit, circuit.angle_law(), 4)
    fine = log2_moments(circuit, circuit.angle_law(), 32)
    truth = np.log2(exact.loss_second_moment)
    assert rough.status is Status.NOT_CONVERGED and fine.status is Status.OK
    assert abs(rough.log2_second_moment - truth) <= rough.log2_second_moment_error
    assert abs(fine.log2_second_moment - truth) < 1e-3


def test_matrix_product_of_sums_and_products(rng):
    """A sum of words, a tilted product input and normal angles, against exact words."""
    words = ["XII", "ZZI", "IYI", "IZZ", "IIX", "ZZI", "IXI", "IZZ", "XII"]
    circuit = RotationCircuit.from_words(words, {"ZII": 0.5}, state(rng, 3, "product"))
    law = circuit.angle_law(("normal", 0.8))
    got = log2_moments(circuit, law, 16, [0, 4, 8])
    exact = exact_moments(circuit, law)
    squares = exact.gradient_variance + exact.gradient_mean**2
    np.testing.assert_allclose(got.log2_second_moment, np.log2(exact.loss_second_moment), atol=1e-9)
    live = np.isfinite(got.log2_gradient)
    np.testing.assert_allclose(got.log2_gradient[live], np.log2(squares[[0, 4, 8]][live]), atol=1e-9)
    sums = RotationCircuit.from_words(["XII", "IYI", "ZZI", "IXI", "YII"], {"ZII": 0.5, "IZI": 2.0})
    got = log2_moments(sums, sums.angle_law(), 16)
    exact = exact_moments(sums, sums.angle_law())
    np.testing.assert_allclose(got.log2_second_moment, np.log2(exact.loss_second_moment), atol=1e-9)


# ------------------------------------------------------------------ signed pairs
def pairs_case(rng, kind: int, n: int):
    """Draw a circuit whose averages do not factor."""
    if kind == 0:
        return pauli_circuit(rng, n, 7, 2, "basis", shared=3)
    if kind == 1:
        angles = (0.3, np.pi / 4, 1.0)
        return pauli_circuit(rng, n, 8, 3, "vector", fixed=0.4, angles=angles)
    if kind == 2:
        return pauli_circuit(rng, n, 6, 2, "product", shared=2, fixed=0.2)
    layer = [{"ZZI": 0.5, "IZZ": 0.5}, {"XII": 0.5, "IXI": 0.5, "IIX": 0.5}]
    return sum_circuit(layer * 2, {"ZZI": 1.0, "IZZ": 1.0}, state(rng, 3, "vector"))


def test_pairs_agree_with_exact_moments():
    """Shared parameters, fixed rotations, commuting sums, normal angles: errors below 5σ.

    About 60 numbers: false-alarm rate 4e-5. Bounds are above the truth.
    """
    z = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        drawn = pairs_case(rng, seed % 4, int(rng.integers(2, 5)))
        circuit = drawn.circuit
        law = circuit.angle_law("uniform" if seed % 3 else ("normal", 0.6))
        exact, got = exact_moments(circuit, law), pair_walk(circuit, law, 20_000, seed=seed)
        errors = [(got.loss_mean - exact.loss_mean, got.loss_mean_error)]
        if isinstance(got.loss(), UpperBound):
            assert exact.loss_variance <= 2.0 ** got.loss().at_most_log2 + 1e-12
        else:
            errors.append((got.loss_second_moment - exact.loss_second_moment, got.loss_second_moment_error))
        for k, status in enumerate(got.status):
            difference = got.gradient_variance[k] - exact.gradient_variance[k]
            if status is Status.ESTIMATED:
                errors.append((difference, got.gradient_variance_error[k]))
            elif status is Status.UPPER_BOUND:
                limit = np.exp2(got.gradient_variance_upper.at_most_log2[k])
                assert np.isnan(difference) and limit >= exact.gradient_variance[k] - 1e-12
            else:
                assert got.dead[k] and difference == 0
        z += [d / max(e, 1e-12) for d, e in errors]
    assert len(z) > 60 and 0.5 < np.std(z) < 1.3
    assert np.abs(z).max() < 5


def test_means_of_gradients_carry_their_errors():
    """Exact engines and walks of single words: 0; pairs and samples: the exact mean within 5 of them."""
    circuit = pauli_circuit(np.random.default_rng(3), 3, 6, 2, "product", fixed=0.3).circuit
    law = circuit.angle_law(("normal", 0.5))
    exact = exact_moments(circuit, law)
    live = ~exact.dead
    assert np.abs(exact.gradient_mean[live]).max() > 1e-3 and not exact.gradient_mean_error.any()
    for got in (pair_walk(circuit, law, 20_000, seed=1), sampled_moments(circuit, law, 2_000, seed=1)):
        assert got.gradient_mean_error[live].max() > 0 and not got.gradient_mean_error[~live].any()
        assert np.all(np.abs(got.gradient_mean - exact.gradient_mean) <= 5 * got.gradient_mean_error)
    shallow = brickwork(6, 2)
    assert not walk(shallow, shallow.angle_law(), 640, seed=1).gradient_mean_error.any()


def test_a_generator_of_words_that_do_not_commute_is_walked_as_one_gate():
    """Heisenberg terms: the exact module's numbers within 5 errors."""
    layer = [{"XXI": 0.25, "YYI": 0.25, "XII": 0.3}, {"IZZ": 0.5, "IXI": 0.2}, {"IIY": 0.5}]
    circuit = sum_circuit(layer, {"ZZI": 1.0, "IIZ": 0.5}, InputState.basis([0, 1, 0])).circuit
    law = circuit.angle_law(("normal", 0.5))
    exact, got = exact_moments(circuit, law), pair_walk(circuit, law, 50_000, seed=2)
    assert abs(got.loss_second_moment - exact.loss_second_moment) < 5 * got.loss_second_moment_error
    known = got.known & ~got.dead
    assert known.sum() >= 2
    errors = (got.gradient_variance - exact.gradient_variance)[known] / got.gradient_variance_error[known]
    assert np.abs(errors).max() < 5


def ring_qaoa(n: int, layers: int) -> RotationCircuit:
    """MaxCut on a ring from |+…+⟩, one edge as the observable: exp(−iγΣZZ), exp(−iβΣX)."""
    edges = [{q: "Z", (q + 1) % n: "Z"} for q in range(n)]
    maps = (edges + [{q: "X"} for q in range(n)]) * layers
    plus = DenseBlock((0,), np.full(2, np.sqrt(0.5), complex)).vector
    observable = PauliSum.of(PauliWords.from_maps([edges[0]], n), np.ones(1))
    return RotationCircuit(
        n_qubits=n,
        wires=tuple(range(n)),
        terms=PauliWords.from_maps(maps, n),
        term_coefficients=np.ones(len(maps)),
        starts=np.arange(0, len(maps) + 1, n),
        coefficients=np.ones(2 * layers),
        offsets=np.zeros(2 * layers),
        parameter_of=np.arange(2 * layers),
        random_of=np.full(2 * layers, -1),
        observable=observable,
        states=(InputState(n, tuple(DenseBlock((q,), plus) for q in range(n))),),
        n_params=2 * layers,
    )


def test_qaoa_light_cone_at_a_hundred_qubits():
    """One layer: equal to the dense average on 6 qubits; pairs of walkers agree (5σ)."""
    circuit = ring_qaoa(100, 1)
    exact = exact_moments(circuit, circuit.angle_law())
    n = 6
    edges = [{q, (q + 1) % n} for q in range(n)]
    word = ["".join("Z" if q in e else "I" for q in range(n)) for e in edges]
    mixer = ["".join("X" if q == p else "I" for q in range(n)) for p in range(n)]
    mean, second, first, squares = averages.averages(
        [averages.dense(dict.fromkeys(word, 1.0)), averages.dense(dict.fromkeys(mixer, 1.0))],
        np.ones(2),
        np.zeros(2),
        np.arange(2),
        [averages.uniform_nodes(17)] * 2,
        np.full(2**n, 2 ** (-n / 2), complex),
        averages.dense({word[0]: 1.0}),
    )
    assert exact.engine == "exact module"
    np.testing.assert_allclose(exact.loss_variance, second - mean**2, atol=1e-12)
    np.testing.assert_allclose(exact.gradient_variance, squares - first**2, atol=1e-12)
    got = pair_walk(circuit, circuit.angle_law(), 20_000, seed=1)
    z = (got.gradient_variance - exact.gradient_variance) / got.gradient_variance_error
    assert np.abs(z).max() < 5
    # the loss depends on six of the hundred qubits: where nothing exact is allowed it is sampled on those
    forced = moments_of(circuit, n_walkers=2_000, seed=1, max_support=2, max_work=1.0)
    assert forced.engine == "sampled" and forced.n_samples == 2_000
    z = (forced.gradient_variance - exact.gradient_variance) / forced.gradient_variance_error
    assert np.abs(z).max() < 5


# ------------------------------------------------------------------ parts
def test_means_by_paths_equal_exact_means():
    for seed in range(10):
        rng = np.random.default_rng(700 + seed)
        drawn = pauli_circuit(rng, 3, 10, 3, "vector", fixed=0.3)
        law = drawn.circuit.angle_law(("normal", 0.5))
        exact = exact_moments(drawn.circuit, law)
        mean, slopes = first_moments(drawn.circuit, clean_moments(drawn.circuit, law))
        driven = drawn.circuit.parameter_of >= 0
        np.testing.assert_allclose(mean, exact.loss_mean, atol=1e-12)
        np.testing.assert_allclose(slopes[driven], exact.gradient_mean, atol=1e-12)


def test_random_bits_have_the_asked_probability():
    """Binomial, 5σ each: false-alarm rate 3e-6."""
    bits = RandomBits(np.random.default_rng(1))
    for p in (0.5, 0.25, 0.3, 0.01, 0.99):
        count = int(np.bitwise_count(bits.draw(p, 4096)).sum())
        n = 64 * 4096
        assert abs(count - n * p) < 5 * np.sqrt(n * p * (1 - p))
    assert not bits.draw(0.0, 8).any() and np.all(bits.draw(1.0, 8) == ~np.uint64(0))


def test_ranges_of_walkers():
    mask = mask_of_range(3, 70, 2)
    assert np.unpackbits(mask.view(np.uint8), bitorder="little").nonzero()[0].tolist() == list(range(3, 70))


# ------------------------------------------------------------------ the choice
def test_choice_names_the_engine():
    rng = np.random.default_rng(0)
    words = pauli_circuit(rng, 3, 5, 1).circuit
    assert moments_of(words).engine == "exact words"
    sums = sum_circuit([{"XX": 0.25, "YY": 0.25}, {"ZI": 0.5}, {"XI": 0.5}], {"ZI": 1.0}, state(rng, 2, "vector"))
    assert moments_of(sums.circuit).engine in ("exact module", "exact tensor")
    shared = RotationCircuit.from_words(["X", "Y", "X"], {"Z": 1.0}, parameter_of=[0, 1, 0])
    assert moments_of(shared).engine == "quadrature"
    shallow = brickwork(24, 3)
    got = moments_of(shallow, n_walkers=100_000, seed=1, max_support=20, max_work=1.0)
    assert got.engine == "walkers" and not got.is_exact
    deeper = brickwork(16, 10)
    chained = moments_of(deeper, n_walkers=640, seed=1, max_support=2000)
    assert chained.engine == "matrix product" and not chained.is_exact
    assert sum(s is Status.UPPER_BOUND for s in chained.status) == 0
    tangled = pauli_circuit(rng, 7, 40, 1, "basis", shared=20).circuit
    got = moments_of(tangled, n_samples=50, seed=1, max_work=1e6)
    assert got.engine == "sampled" and got.n_samples == 50


def test_shared_parameters_are_never_walked_as_independent():
    circuit = RotationCircuit.from_words(["X", "Y", "X"], {"Z": 1.0}, parameter_of=[0, 1, 0])
    with pytest.raises(UnsupportedCircuitError, match="several rotations"):
        walk(circuit, circuit.angle_law(), 64)
    # Where the second rotation is outside the light cone nothing is shared.
    apart = RotationCircuit.from_words(["XI", "IX"], {"ZI": 1.0}, parameter_of=[0, 0])
    got = walk(apart, apart.angle_law(), 640, seed=1)
    np.testing.assert_allclose(got.gradient_variance, 0.5, atol=1e-12)


def test_errors_say_what_to_do():
    n = 24
    words = PauliWords.from_maps([{q: "X", (q + 1) % n: "X"} for q in range(n)] * 2, n)
    observable = PauliSum.of(PauliWords.from_maps([{0: "Z"}], n), np.ones(1))
    circuit = RotationCircuit.from_words(words, observable, parameter_of=np.arange(2 * n) // 2)
    with pytest.raises(InputError, match="n_walkers must be at least 1"):
        walk(circuit, circuit.angle_law(), 0)
    with pytest.raises(InputError, match="bond must be at least 2"):
        log2_moments(circuit, circuit.angle_law(), 1)
    with pytest.raises(InputError, match="normal_form"):
        moments_of("circuit")
    far = RotationCircuit.from_words(["XXXXXX"], {"ZIIIII": 1.0})
    with pytest.raises(UnsupportedCircuitError, match="spans 6 neighbouring qubits, and 4 is the most"):
        log2_moments(far, far.angle_law())
    entangled = RotationCircuit.from_words(["XI"], {"ZI": 1.0}, state(np.random.default_rng(0), 2, "vector"))
    with pytest.raises(UnsupportedCircuitError, match="product state"):
        log2_moments(entangled, entangled.angle_law())


def test_shared_average_is_dense():
    """The joint average of a parameter that turns two rotations, through moments_of."""
    rng = np.random.default_rng(12)
    drawn = pauli_circuit(rng, 2, 5, 2, "vector", shared=2)
    counts = np.bincount(drawn.circuit.parameter_of, minlength=drawn.circuit.n_params)
    reference = drawn.averages([averages.uniform_nodes(2 * r + 1) for r in counts])
    got = moments_of(drawn.circuit)
    np.testing.assert_allclose(got.loss_second_moment, reference[1], atol=1e-12)
    np.testing.assert_allclose(got.gradient_variance, reference[3] - reference[2] ** 2, atol=1e-12)


def test_first_layer_of_a_basis_state():
    """Cluster tables start from the input's bits: |1⟩ and |0⟩ have the same squares."""
    for bits in ([0, 0, 0], [1, 0, 1]):
        circuit = RotationCircuit.from_words(["XII", "ZZI", "IXI"], {"IZI": 1.0}, InputState.basis(bits))
        exact = exact_moments(circuit, circuit.angle_law())
        assert np.abs(pull(walk(circuit, circuit.angle_law(), 6400, seed=1), exact)).max() < 5


def test_circuits_with_nothing_to_walk():
    """No rotation, none alive, or an identity observable: the loss is a number."""
    cases = [
        (RotationCircuit.from_words(["ZI", "IX"], {"ZI": 1.0}), 1.0),
        (RotationCircuit.from_words(["XI"], {"II": 2.0}), 2.0),
        (RotationCircuit.from_words(PauliWords.identity(2, 0), {"ZI": 1.0}), 1.0),
    ]
    for circuit, value in cases:
        for engine in (exact_moments, walk, pair_walk):
            got = engine(circuit, circuit.angle_law())
            np.testing.assert_allclose([got.loss_mean, got.loss_variance], [value, 0.0], atol=1e-12)
            assert np.isneginf(got.log2_gradient_variance).all()


# ------------------------------------------------------------------ Clifford gates put back
def bricks(n: int, layers: int, entangler: str, ring: bool = False):
    """RY and RZ on every qubit, an entangler on all bonds; the last bond of a ring is (n − 1, 0)."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def qnode(w):
        for layer in range(layers):
            for q in range(n):
                qml.RY(w[layer, q, 0], wires=q)
                qml.RZ(w[layer, q, 1], wires=q)
            for q in range(n if ring else n - 1):
                pair = [q, (q + 1) % n]
                if entangler == "IsingZZ":
                    qml.IsingZZ(w[layer, q, 2], wires=pair)
                else:
                    getattr(qml, entangler)(wires=pair)
        return qml.expval(qml.Z(n // 2))

    weights = pnp.zeros((layers, n, 3 if entangler == "IsingZZ" else 2), requires_grad=True)
    return normal_form(qnode)(weights)


@pytest.mark.parametrize("entangler", ["CNOT", "CZ", "SWAP", "IsingZZ"])
@pytest.mark.parametrize("ring", [False, True])
def test_matrix_product_of_long_words(entangler, ring):
    """Ladders and rings of Clifford gates: the loss and every gradient, against exact words."""
    circuit = bricks(6, 4, entangler, ring)
    if entangler == "CNOT":
        assert circuit.words.weights().max() > 4
    law = circuit.angle_law()
    exact = exact_moments(circuit, law)
    live = np.flatnonzero(np.isfinite(exact.log2_gradient_variance))
    got = log2_moments(circuit, law, 64, live)
    np.testing.assert_allclose(got.log2_second_moment, np.log2(exact.loss_second_moment), atol=1e-9)
    np.testing.assert_allclose(got.log2_gradient, exact.log2_gradient_variance[live], atol=1e-8)


@pytest.mark.parametrize("entangler, layers", [("CNOT", 6), ("CZ", 8)])
def test_truncated_matrix_products_stay_inside_their_error(entangler, layers):
    circuit = bricks(8, layers, entangler)
    law = circuit.angle_law()
    exact = exact_moments(circuit, law)
    live = np.flatnonzero(np.isfinite(exact.log2_gradient_variance))[::7]
    for bond in (8, 16, 24):
        got = log2_moments(circuit, law, bond, live)
        gap = abs(got.log2_second_moment - np.log2(exact.loss_second_moment))
        assert gap <= got.log2_second_moment_error + 1e-9
        gaps = np.abs(got.log2_gradient - exact.log2_gradient_variance[live])
        assert np.all((gaps <= got.log2_gradient_error + 1e-6) | np.isinf(got.log2_gradient_error))


def test_two_hundred_bits_at_a_hundred_qubits():
    """X on all qubits behind narrow RX, RY and CNOT: on a line with n = 4, 6, 8 to 1% per qubit."""

    def circuit_of(n):
        @qml.qnode(qml.device("default.qubit", wires=n))
        def qnode(w):
            for layer in range(3):
                for q in range(n):
                    qml.RX(w[layer, q, 0], wires=q)
                    qml.RY(w[layer, q, 1], wires=q)
                for q in range(layer % 2, n - 1, 2):
                    qml.CNOT(wires=[q, q + 1])
            return qml.expval(qml.prod(*[qml.X(q) for q in range(n)]))

        return normal_form(qnode)(pnp.zeros((3, n, 2), requires_grad=True))

    bits = {}
    for n in (6, 8):
        circuit = circuit_of(n)
        law = circuit.angle_law(("normal", 0.15))
        bits[n] = np.log2(exact_moments(circuit, law).loss_second_moment)
        np.testing.assert_allclose(log2_moments(circuit, law, 16).log2_second_moment, bits[n], atol=1e-9)
    circuit = circuit_of(100)
    got = log2_moments(circuit, circuit.angle_law(("normal", 0.15)), 64)
    slope = (bits[8] - bits[6]) / 2
    assert got.log2_second_moment < -200 and got.log2_second_moment_error < 1e-6
    assert (got.log2_second_moment - bits[8]) / 92 == pytest.approx(slope, rel=0.01)


def test_local_form_is_the_circuit_itself():
    """The gates' own words come back, whatever rotations are left out."""
    circuit = bricks(5, 2, "CNOT")
    form = local_form(circuit)
    assert np.all((form.letters > 0).sum(axis=1) == 1) and len(form.gates) == 8
    assert form.observable.tolist() == [[0, 0, 1, 0, 0]]
    keep = np.arange(0, circuit.n_rotations, 3)
    small = local_form(subcircuit(circuit, keep))
    assert np.array_equal(small.letters, form.letters[keep])


def test_identity_terms_and_lost_values():
    """A constant in the observable is kept; a value lost to truncation has an infinite error."""
    circuit = RotationCircuit.from_words(["XII", "ZZI", "IXI"], {"IZI": 1.0, "III": 0.5})
    got = log2_moments(circuit, circuit.angle_law(), 16, [2])
    np.testing.assert_allclose(got.log2_second_moment, np.log2(0.5 + 0.25), atol=1e-9)
    np.testing.assert_allclose(got.log2_gradient, [-1.0], atol=1e-9)
    hard = bricks(30, 12, "CNOT")
    try:
        lost = log2_moments(hard, hard.angle_law(), 4)
    except ModuleTooLargeError as error:
        assert "raise bond" in str(error)
    else:
        assert lost.status is Status.NOT_CONVERGED and lost.log2_second_moment_error > 0.1


def test_unseen_loss_is_a_limit():
    """No walker comes home on 60 qubits: Var[ℓ] is a limit of its own size, never 0."""
    circuit = bricks(60, 12, "CNOT")
    got = walk(circuit, circuit.angle_law(), 640, seed=1)
    assert np.isnan(got.loss_variance) and isinstance(got.loss(), UpperBound)
    assert np.log2(1 / 640) < got.loss().at_most_log2 < np.log2(8 / 640)


def test_averaging_is_said():
    shared = RotationCircuit.from_words(["X", "Y", "X"], {"Z": 1.0}, parameter_of=[0, 1, 0])
    assert "parameter 0 at 5 angles 0.4·π apart with equal weights" in moments_of(shared).averaging
    law = shared.angle_law(("normal", 0.4))
    assert "9 angles" in moments_of(shared, law).averaging
    assert "drawn from the law" in pair_walk(shared, law, 100, seed=1).averaging
    alone = RotationCircuit.from_words(["X", "Y"], {"Z": 1.0})
    assert "closed form" in moments_of(alone).averaging
    assert "independent" in walk(alone, alone.angle_law(), 64, seed=1).averaging


def test_a_parameter_dead_by_symmetry_is_not_a_limit():
    """Parity forbids it: beyond every enumeration the walk still proves it dead."""
    n = 40
    maps = []
    for _ in range(6):
        maps += [{q: "X", q + 1: "X"} for q in range(n - 1)] + [{q: "Z"} for q in range(n)]
    odd = PauliSum.of(PauliWords.from_maps([{20: "X"}], n), np.ones(1))
    circuit = RotationCircuit.from_words(PauliWords.from_maps(maps, n), odd)
    got = walk(circuit, circuit.angle_law(), 640, seed=1)
    assert set(got.status) == {Status.OK} and np.isneginf(got.log2_gradient_variance).all()
    dead, reasons = dead_parameters(circuit)
    assert len(dead) == circuit.n_params and any("symmetry" in r for r in reasons)
