"""Exact second moments, dead parameters and the deep limit, against dense averages."""

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from random_rotations import pauli_circuit, state, sum_circuit, word
from references import averages

from pennylane_wishart.circuit import AngleLaw, InputState, RotationCircuit, normal_form
from pennylane_wishart.conventions import Estimate, LowerBound, LowerBounds, UpperBound, UpperBounds
from pennylane_wishart.errors import InputError, ModuleTooLargeError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances import (
    SecondMoments,
    dead_parameters,
    deep_limit,
    exact_moments,
    sampled_moments,
)
from pennylane_wishart.variances.dead.commutation import dead_rotations
from pennylane_wishart.variances.deep.mixing import mixed_limit
from pennylane_wishart.variances.drivers import clean_moments
from pennylane_wishart.variances.engines.operators import module_on_subspace, module_on_words
from pennylane_wishart.variances.engines.quadrature import quadrature_nodes
from pennylane_wishart.variances.engines.words import chains_of, word_moments
from pennylane_wishart.variances.exact import pair_moments
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.reach import reach


def difference(got: SecondMoments, reference) -> float:
    """Return the largest error against (E[ℓ], E[ℓ²], E[∂ℓ], E[(∂ℓ)²])."""
    mean, second, first, squares = reference
    return max(
        abs(got.loss_mean - mean),
        abs(got.loss_second_moment - second),
        abs(got.loss_variance - (second - mean**2)),
        np.abs(got.gradient_mean - first).max(),
        np.abs(got.gradient_variance - (squares - first**2)).max(),
    )


def uniform_rules(circuit):
    """Equispaced nodes: 3 resolve ℓ² of one rotation by θ, 2r + 1 of r rotations."""
    counts = np.bincount(circuit.parameter_of[circuit.parameter_of >= 0], minlength=circuit.n_params)
    return [averages.uniform_nodes(2 * r + 1) for r in counts]


@pytest.mark.parametrize("seed", range(16))
def test_words_equal_dense_average(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    kind = ("vector", "basis", "product", "stabilizer")[seed % 4]
    drawn = pauli_circuit(rng, n, int(rng.integers(2, 6)), int(rng.integers(1, 5)), kind)
    got = exact_moments(drawn.circuit, drawn.circuit.angle_law())
    assert got.engine == "exact words" and got.is_exact
    assert difference(got, drawn.averages(uniform_rules(drawn.circuit))) < 1e-12


@pytest.mark.parametrize("seed", range(12))
def test_fixed_rotations_equal_dense_average(seed):
    rng = np.random.default_rng(100 + seed)
    n = int(rng.integers(1, 4))
    angles = (0.3, np.pi / 4, np.pi / 2, np.pi)
    drawn = pauli_circuit(rng, n, 8, int(rng.integers(1, 4)), "vector", fixed=0.5, angles=angles)
    reference = drawn.averages(uniform_rules(drawn.circuit))
    assert difference(exact_moments(drawn.circuit, drawn.circuit.angle_law()), reference) < 1e-12


@pytest.mark.parametrize("seed", range(12))
def test_shared_parameters_equal_dense_average(seed):
    rng = np.random.default_rng(200 + seed)
    n = int(rng.integers(1, 4))
    drawn = pauli_circuit(rng, n, 5, 2, "vector", shared=2)
    got = exact_moments(drawn.circuit, drawn.circuit.angle_law())
    assert difference(got, drawn.averages(uniform_rules(drawn.circuit))) < 1e-12


def test_shared_parameters_differ_from_independent_ones():
    """RX(θ)RX(θ) on Z: E[cos² 2θ] = ½ and the gradient is 2 sin 2θ, so 2; independent: ½ and ½."""
    circuit = RotationCircuit.from_words(["X", "X"], {"Z": 1.0}, parameter_of=[0, 0])
    got = exact_moments(circuit, circuit.angle_law())
    assert got.engine == "quadrature"
    np.testing.assert_allclose([got.loss_variance, got.gradient_variance[0]], [0.5, 2.0], atol=1e-13)


@pytest.mark.parametrize("seed", range(8))
def test_normal_laws_equal_gauss_hermite(seed):
    """20 Gauss-Hermite nodes are exact to 1e-10 for frequencies ≤ 4 at σ ≤ 0.7."""
    rng = np.random.default_rng(300 + seed)
    drawn = pauli_circuit(rng, int(rng.integers(1, 4)), 3, 4, "vector", shared=seed % 2)
    n_params = drawn.circuit.n_params
    sigma = rng.uniform(0.1, 0.7, n_params)
    mean = rng.normal(size=n_params) if seed % 4 > 1 else np.zeros(n_params)
    law = AngleLaw.normal(sigma, n_params, mean)
    rules = [averages.normal_nodes(s, m, 20) for s, m in zip(sigma, mean, strict=True)]
    assert difference(exact_moments(drawn.circuit, law), drawn.averages(rules)) < 1e-9


def test_sum_of_words_with_normal_angles():
    """Five terms, cross terms included, and gradients whose mean does not vanish."""
    rng = np.random.default_rng(5)
    drawn = pauli_circuit(rng, 3, 4, 5, "vector")
    law = drawn.circuit.angle_law(("normal", 0.6))
    got = exact_moments(drawn.circuit, law)
    reference = drawn.averages([averages.normal_nodes(0.6, count=12)] * 4)
    assert got.engine == "exact words"
    assert np.abs(reference[2]).max() > 1e-3
    assert difference(got, reference) < 1e-10


GENERATORS = [
    {"XXI": 0.25, "YYI": 0.25},
    {"IZZ": 0.5},
    {"IXX": 0.25, "IYY": 0.25},
    {"ZII": 0.5, "IZI": 0.5, "IIZ": 0.5},
    {"ZZI": 0.5, "IZZ": 0.5},
]


@pytest.mark.parametrize("kind", ["basis", "vector"])
@pytest.mark.parametrize("owner", [None, [0, 1, 0, 2, 3]])
def test_sums_as_generators_equal_dense_average(kind, owner, rng):
    drawn = sum_circuit(GENERATORS, {"ZZI": 1.0, "IXX": 0.5}, state(rng, 3, kind), owner)
    got = exact_moments(drawn.circuit, drawn.circuit.angle_law())
    # IsingXY has frequencies ½ and 1, so its period is 4π; two of them on one θ reach frequency
    # 2 in ℓ and 4 in ℓ², 8 in steps of ½. A vector input keeps both alive.
    slow = (4 * np.pi * np.arange(9) / 9, np.full(9, 1 / 9))
    three, five = averages.uniform_nodes(3), averages.uniform_nodes(5)
    rules = [slow, three, three, five] if owner else [slow, three, slow, three, five]
    if kind == "vector":
        assert got.engine == ("quadrature" if owner else "exact module")
    assert difference(got, drawn.averages(rules)) < 1e-12


def test_both_operator_bases_agree(rng):
    """The words' module and the operators on the input's particle-number sector."""
    from pennylane_wishart.variances.drivers import drivers_of
    from pennylane_wishart.variances.engines.module import module_moments

    drawn = sum_circuit(GENERATORS, {"ZZI": 1.0, "IZI": 0.7}, InputState.basis([0, 1, 0]))
    circuit, law = drawn.circuit, drawn.circuit.angle_law()
    drivers = drivers_of(circuit)
    modules = [
        module_on_words(circuit, 1000),
        module_on_words(circuit, 29),
        module_on_subspace(circuit),
    ]
    assert modules[2].dim < modules[1].dim < modules[0].dim
    found = [module_moments(circuit, law, m, drivers.driver, drivers.shared) for m in modules]
    for other in found[1:]:
        np.testing.assert_allclose(other.second, found[0].second, atol=1e-12)
        np.testing.assert_allclose(other.gradient_second, found[0].gradient_second, atol=1e-12)


def test_three_exact_engines_agree_at_six_qubits(rng):
    drawn = pauli_circuit(rng, 6, 40, 3, "vector", sparse=True)
    circuit, law = drawn.circuit, drawn.circuit.angle_law(("normal", 0.7))
    moments = clean_moments(circuit, law)
    reached = reach(circuit.words, circuit.observable.words, 5000)
    direct = word_moments(circuit, moments, reached, chains_of(circuit, moments))
    pairs = pair_moments(Problem(circuit, law))
    np.testing.assert_allclose(pairs.value, direct.second, rtol=1e-11)
    slopes = (2 * circuit.term_coefficients) ** 2 * direct.gradient_second
    np.testing.assert_allclose(pairs.slopes, slopes, rtol=1e-9, atol=1e-14)


def test_quadrature_is_exact_for_any_law():
    """E[cos 3θ] and E[sin 2θ] under a normal law, from 13 nodes of a polynomial of degree 3·2."""
    law = AngleLaw.normal(0.7, 1, 0.4)
    nodes, weights = quadrature_nodes(law, 0, 1.0, 6)
    assert len(nodes) == 13
    for f in range(7):
        exact = np.exp(1j * f * 0.4 - 0.5 * (f * 0.7) ** 2)
        assert abs(weights @ np.exp(1j * f * nodes) - exact) < 1e-13


def test_light_cone_at_a_thousand_qubits():
    """A local observable behind a few gates is exact at any n: Var[ℓ] of RX on Z is ½."""
    n = 1000
    words = PauliWords.from_maps([{q: "X"} for q in range(n)] + [{q: "Z", q + 1: "Z"} for q in range(n - 1)], n)
    observable = PauliSum.of(PauliWords.from_maps([{500: "Z"}], n), np.ones(1))
    circuit = RotationCircuit.from_words(words, observable)
    got = exact_moments(circuit, circuit.angle_law())
    assert got.loss_variance == 0.5
    assert np.flatnonzero(got.gradient_variance).tolist() == [500]
    assert np.isneginf(got.log2_gradient_variance).sum() == circuit.n_params - 1


def test_variances_of_a_qnode_on_lightning():
    """StronglyEntanglingLayers, 4 qubits: every variance within 5 standard errors of 300 gradients.

    24 parameters, two-sided: false-alarm rate 1.4e-5. The zeros are exact.
    """
    shape = qml.StronglyEntanglingLayers.shape(2, 4)

    @qml.qnode(qml.device("lightning.qubit", wires=4), diff_method="adjoint")
    def qnode(weights):
        qml.StronglyEntanglingLayers(weights, range(4))
        return qml.expval(qml.Z(0))

    circuit = normal_form(qnode)(pnp.zeros(shape, requires_grad=True))
    got = exact_moments(circuit, circuit.angle_law())
    rng = np.random.default_rng(11)
    draws = rng.uniform(0, 2 * np.pi, (300, *shape))
    gradients = np.array([qml.grad(qnode)(pnp.array(w, requires_grad=True)).reshape(-1) for w in draws])
    squares = gradients**2
    error = squares.std(axis=0) / np.sqrt(len(squares))
    dead = list(dead_parameters(circuit)[0])
    assert len(dead) >= 8 and np.abs(gradients[:, dead]).max() < 1e-12
    live = np.setdiff1d(np.arange(24), dead)
    assert np.all(got.gradient_variance[live] > 0) and np.all(got.gradient_variance[dead] == 0)
    assert np.all(np.abs(squares.mean(axis=0) - got.gradient_variance)[live] < 5 * error[live])


# ------------------------------------------------------------------ dead parameters
@pytest.mark.parametrize("seed", range(20))
def test_dead_parameters_are_exactly_the_zero_variances(seed):
    """One-word observable, independent uniform angles: every zero has a support proof."""
    rng = np.random.default_rng(400 + seed)
    n = int(rng.integers(2, 5))
    drawn = pauli_circuit(rng, n, 6, 1, "basis" if seed % 2 else "stabilizer", sparse=True)
    rules = uniform_rules(drawn.circuit)
    zero = np.flatnonzero(drawn.averages(rules)[3] < 1e-24)
    dead, reasons = dead_parameters(drawn.circuit)
    assert list(dead) == zero.tolist() and len(reasons) == len(dead) and all(reasons)


def test_reasons():
    n = 4
    cases = {
        "outside the light cone": (["XIII", "IXII"], {"ZIII": 1.0}, 1),
        "acts trivially on the input": (["ZIII", "XIII"], {"ZIII": 1.0}, 0),
        "symmetry": (["XXII", "IXXI"], {"YIII": 1.0}, 0),
    }
    for reason, (words, observable, index) in cases.items():
        circuit = RotationCircuit.from_words(words, observable)
        dead, reasons = dead_parameters(circuit)
        assert circuit.n_qubits == n
        assert reason in reasons[dead.index(index)]


@pytest.mark.parametrize("kind", ["basis", "product", "stabilizer", "vector"])
def test_proofs_never_name_a_live_parameter(kind):
    """Forty circuits a kind: what commutation and symmetry prove has variance and mean 0."""
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(900 + seed)
        n, length = int(rng.integers(2, 6)), int(rng.integers(3, 14))
        fixed = 0.3 if seed % 4 == 3 else 0.0
        drawn = pauli_circuit(rng, n, length, 1 + seed % 3, kind, fixed, sparse=seed % 2 == 0)
        circuit = drawn.circuit
        got = exact_moments(circuit, circuit.angle_law())
        squares = got.gradient_variance + got.gradient_mean**2
        proved = [k for k, r in enumerate(dead_rotations(circuit)) if r]
        parameters = circuit.parameter_of[proved]
        parameters = parameters[parameters >= 0]
        assert np.all(squares[parameters] < 1e-20)
        found += len(parameters)
    assert found > 20


def test_symmetries_are_found_without_enumeration():
    """Parity (a word that commutes with all) and reality (all generators imaginary), 30 qubits."""
    n = 30
    layer = [{q: "Y"} for q in range(n)] + [{q: "Z", q + 1: "Y"} for q in range(n - 1)]
    bonds = [{q: "X", q + 1: "X"} for q in range(n - 1)] + [{q: "Z"} for q in range(n)]
    for maps, letters in ((layer, {4: "Y", 5: "Z"}), (bonds, {7: "X"})):
        words = PauliWords.from_maps(maps * 3, n)
        observable = PauliSum.of(PauliWords.from_maps([letters], n), np.ones(1))
        circuit = RotationCircuit.from_words(words, observable)
        assert all(dead_rotations(circuit))
        allowed = PauliSum.of(PauliWords.from_maps([{4: "Z"}], n), np.ones(1))
        assert not all(dead_rotations(RotationCircuit.from_words(words, allowed)))


def test_symmetry_proofs_equal_the_zeros_of_a_small_circuit():
    """Qubit 2 is joined by XX bonds only: what is proved is exactly what vanishes."""
    words = ["XXI", "ZII", "IIX", "IXX", "XXI"]
    circuit = RotationCircuit.from_words(words, {"ZII": 1.0})
    got = exact_moments(circuit, circuit.angle_law())
    proved = [k for k, r in enumerate(dead_rotations(circuit)) if r]
    assert proved == np.flatnonzero(got.gradient_variance == 0).tolist()


def test_sum_that_fixes_the_input_is_dead():
    """exp(−iθ(XX+YY)) leaves |00⟩ alone although neither word does."""
    drawn = sum_circuit([{"XX": 0.25, "YY": 0.25}, {"XI": 0.5}], {"ZI": 1.0}, InputState.basis([0, 0]))
    dead, reasons = dead_parameters(drawn.circuit)
    assert dead == (0,) and "trivially" in reasons[0]


def test_shared_parameter_is_dead_only_if_all_its_rotations_are():
    circuit = RotationCircuit.from_words(["ZI", "XI", "ZI"], {"YI": 1.0}, parameter_of=[0, 1, 0])
    assert dead_parameters(circuit)[0] == ()


def test_dead_parameters_at_a_thousand_qubits():
    n = 1000
    maps = []
    for layer in range(2):
        maps += [{q: p} for q in range(n) for p in "ZYZ"]
        maps += [{q: "Z", q + 1: "Z"} for q in range(layer % 2, n - 1, 2)]
    words = PauliWords.from_maps(maps, n)
    observable = PauliSum.of(PauliWords.from_maps([{500: "Z"}], n), np.ones(1))
    dead, _ = dead_parameters(RotationCircuit.from_words(words, observable))
    assert len(maps) - 12 <= len(dead) < len(maps)


# ------------------------------------------------------------------ the deep limit
@pytest.mark.parametrize("seed", range(10))
def test_deep_limit_is_the_limit_of_exact_moments(seed):
    rng = np.random.default_rng(500 + seed)
    n, length = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    words = [word(rng, n) for _ in range(length)]
    observable = {word(rng, n): float(rng.normal()) for _ in range(int(rng.integers(1, 5)))}
    psi = state(rng, n, "vector")
    order = np.concatenate([rng.permutation(length) for _ in range(120)])
    deep = RotationCircuit.from_words([words[i] for i in order], observable, psi)
    exact = exact_moments(deep, deep.angle_law())
    got = deep_limit(RotationCircuit.from_words(words, observable, psi))
    middle = [len(order) // 2 + int(np.flatnonzero(order[len(order) // 2 :] == i)[0]) for i in range(length)]
    np.testing.assert_allclose(got.mean, exact.loss_mean, atol=1e-10)
    np.testing.assert_allclose(got.variance, exact.loss_variance, atol=1e-10)
    np.testing.assert_allclose(got.gradient_variance, exact.gradient_variance[middle], atol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_orbits_equal_the_repeated_module(seed):
    from pennylane_wishart.circuit import effective_generators

    rng = np.random.default_rng(600 + seed)
    drawn = pauli_circuit(rng, 3, 4, 3, "vector")
    orbits = deep_limit(drawn.circuit)
    repeated = mixed_limit(drawn.circuit, effective_generators(drawn.circuit), 300, "")
    np.testing.assert_allclose(repeated.variance, orbits.variance, atol=1e-10)
    np.testing.assert_allclose(repeated.gradient_variance, orbits.gradient_variance, atol=1e-10)


def test_deep_limit_of_the_full_algebra():
    """su(2^n), Pauli O, pure input: Var = 1/(N+1), f = N²/(2(N²−1)) (THEORY §3)."""
    n, dim = 3, 8
    words = ["XII", "YII", "IXI", "IYI", "IIX", "IIY", "ZZI", "IZZ"]
    got = deep_limit(RotationCircuit.from_words(words, {"ZII": 1.0}))
    assert got.engine == "orbit" and n == 3
    np.testing.assert_allclose(got.variance, 1 / (dim + 1), rtol=1e-12)
    np.testing.assert_allclose(got.gradient_variance, dim**2 / (2 * (dim**2 - 1)) / (dim + 1), rtol=1e-12)


def test_deep_limit_is_counted_where_it_cannot_be_listed():
    n = 60
    maps = [{q: p} for q in range(n) for p in "YZ"] + [{q: "Z", q + 1: "Z"} for q in range(n - 1)]
    observable = PauliSum.of(PauliWords.from_maps([{30: "Z"}], n), np.array([2.0]))
    circuit = RotationCircuit.from_words(PauliWords.from_maps(maps, n), observable)
    got = deep_limit(circuit, max_support=1000)
    assert got.engine == "orbit count"
    # 4/(N + 1) at N = 2^60, and half of it per parameter.
    np.testing.assert_allclose(got.log2_variance, 2 - n, atol=1e-9)
    np.testing.assert_allclose(got.log2_gradient_variance, 1 - n, atol=1e-9)
    away = circuit.with_state(state(np.random.default_rng(0), n, "product"))
    nothing = deep_limit(away, max_support=1000)
    assert not nothing.available and "stabiliser" in nothing.reason and nothing.status is Status.NOT_ASSESSED


def test_deep_limit_of_number_conserving_gates():
    """XXZ from |0110⟩, N = 6, O = Z₀Z₁: mean −1/3, variance 0.127, IsingXY 0.0435 (THEORY §6)."""

    @qml.qnode(qml.device("default.qubit", wires=4))
    def qnode(w):
        qml.BasisState(np.array([0, 1, 1, 0]), range(4))
        for q in range(3):
            qml.IsingXY(w[q], [q, q + 1])
            qml.IsingZZ(w[3 + q], [q, q + 1])
        for q in range(4):
            qml.RZ(w[6 + q], q)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    circuit = normal_form(qnode)(pnp.ones(10, requires_grad=True))
    got = deep_limit(circuit)
    assert got.engine == "module iteration"
    np.testing.assert_allclose(got.mean, -1 / 3, atol=1e-9)
    np.testing.assert_allclose(got.variance, 0.127, atol=5e-4)
    # Tr O² = 6, Tr O = −2: κ_2 = (6 − 4/6)/35; E‖φ‖² = (Tr G²/6 − (Tr G)²/36)·6/7.
    kappa = (6 - 4 / 6) / 35
    gate = {0: 1 / 6, 3: 1 / 4 * (1 - 1 / 9), 6: 1 / 4}
    for k, spread in gate.items():
        np.testing.assert_allclose(got.gradient_variance[k], 2 * spread * 6 / 7 * kappa, rtol=1e-8)


# ------------------------------------------------------------------ sampling and errors
def test_sampling_agrees_with_exact():
    """Normal errors: 5σ on 13 numbers, false-alarm rate 7e-6."""
    rng = np.random.default_rng(3)
    drawn = pauli_circuit(rng, 4, 12, 2, "basis")
    law = drawn.circuit.angle_law()
    exact = exact_moments(drawn.circuit, law)
    got = sampled_moments(drawn.circuit, law, 4000, seed=1)
    live = exact.gradient_variance > 0
    assert abs(got.loss_variance - exact.loss_variance) < 5 * got.loss_variance_error
    z = (got.gradient_variance - exact.gradient_variance)[live] / got.gradient_variance_error[live]
    assert np.abs(z).max() < 5 and np.abs(z).max() > 0.01
    assert all(s is Status.ESTIMATED for s, a in zip(got.status, live, strict=True) if a)


def test_errors_say_what_to_do():
    circuit = RotationCircuit.from_words(["XI", "IX"], {"ZI": 1.0})
    with pytest.raises(InputError, match="law has 3 parameters, the circuit has 2"):
        exact_moments(circuit, AngleLaw.uniform([1, 1, 1]))
    with pytest.raises(InputError, match="law must be an AngleLaw"):
        exact_moments(circuit, "uniform")
    with pytest.raises(InputError, match="n_samples must be at least 2"):
        sampled_moments(circuit, circuit.angle_law(), 1)
    with pytest.raises(InputError, match="fixes every angle"):
        deep_limit(circuit, AngleLaw.fixed([0.0, 0.0]))
    words = ["".join(w) for w in np.random.default_rng(1).choice(list("XYZ"), (80, 25))]
    big = RotationCircuit.from_words(words, {"Z" * 25: 1.0})
    with pytest.raises(InputError, match="stops at 20 qubits"):
        sampled_moments(big, big.angle_law())
    rng = np.random.default_rng(0)
    drawn = pauli_circuit(rng, 6, 60, 1)
    with pytest.raises(ModuleTooLargeError, match="max_dim"):
        exact_moments(drawn.circuit, drawn.circuit.angle_law(), max_support=100, max_dim=50)


def test_rounding_is_never_called_zero():
    """A variance that vanishes for one law only is a bound with a status, not −inf and not a value."""
    circuit = RotationCircuit.from_words(["XI", "IX"], {"ZI": 1.0})
    law = circuit.angle_law(("normal", [0.3, 0.4]))
    fixed = AngleLaw.fixed([0.4, 0.1])
    assert exact_moments(circuit, law).known.all()
    got = exact_moments(circuit, fixed)
    assert list(got.known) == [False, True] and got.dead[1]
    assert isinstance(got.gradient(0), UpperBound) and got.gradient(0).at_most_log2 < -40
    assert isinstance(got.loss(), UpperBound) and np.isnan(got.loss_variance)
    assert got.status == (Status.UPPER_BOUND, Status.OK)


def test_record_checks_its_shapes():
    one, two = np.zeros(1), np.zeros(2)
    upper, lower = UpperBounds(one, one), LowerBounds(one, one)
    head = (0, 0, 0, 0, 0, 0, UpperBound(0.0), LowerBound(0.0))
    with pytest.raises(InputError, match="gradient_mean"):
        SecondMoments(*head, two, one, one, one, upper, lower, (Status.OK,), "exact words")
    with pytest.raises(InputError, match="only a bound"):
        SecondMoments(*head, one, one, one, one, upper, lower, (Status.UPPER_BOUND,), "exact words")
    with pytest.raises(InputError, match="only a bound"):
        SecondMoments(*head, one, one + np.nan, one, one, upper, lower, (Status.OK,), "exact words")


def test_bounds_and_values_share_no_attribute():
    """Whoever takes one for the other fails."""
    circuit = RotationCircuit.from_words(["X"], {"Z": 1.0})
    got = exact_moments(circuit, circuit.angle_law())
    assert isinstance(got.gradient(0), Estimate) and got.gradient(0).value == pytest.approx(0.5)
    assert got.gradient(0).is_exact and got.gradient_variance_upper[0].confidence == 1
    assert not hasattr(got.gradient_variance_upper[0], "value") and not hasattr(got.gradient_variance_lower[0], "log2")
