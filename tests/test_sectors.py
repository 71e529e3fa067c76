"""Sectors: both routes against an independent dense oracle, and the predicted second moments."""

from __future__ import annotations

import json

import numpy as np
import pytest
from references import sectors as oracle

from pennylane_wishart.circuit import DenseBlock, InputState, RotationCircuit, StabilizerBlock
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords, reduce_words
from pennylane_wishart.sectors import Sector, SpinFactor, build_signature
from pennylane_wishart.sectors.observables import clustered
from pennylane_wishart.sectors.pauli.spectrum import word_sum_facts

# name: (generators, observable, expected kind, beta, in theory, method)
CASES = {
    "beta1": (
        ["ZYZ", "YXZ", "ZZY", "YIX", "YXI", "YIZ", "ZIY"],
        {"ZII": 1.0, "XXI": 0.3},
        "so",
        1,
        True,
    ),
    "beta1 so(16)": (
        ["YZIX", "IIYI", "ZXYZ", "IIYX", "IYZX", "IXYZ", "YZXZ", "YIYY", "ZXIY"],
        {"ZIIZ": 1.0, "XIXI": 0.3},
        "so",
        1,
        True,
    ),
    "beta1 so(4)": (["XI", "YI", "IX", "IY"], {"ZZ": 1.0}, "so", 1, True),
    "beta1 so(8) by triality": (
        ["ZXZ", "YXZ", "IYI", "IXX", "YII", "IZI", "ZIX"],
        {"XYZ": 1.0},
        "so",
        1,
        None,
    ),
    "beta2": (["XI", "YI", "IX", "IY", "ZZ"], {"ZI": 1.0, "XX": 0.5}, "su", 2, True),
    "beta4 sp(2)": (["XI", "ZZ", "IX", "IZ"], {"YX": 1.0}, "sp", 4, None),
    "beta4 sp(4)": (
        ["IXZ", "YIZ", "YZI", "IZI", "YIX", "XXX"],
        {"ZII": 1.0, "XII": 0.4},
        "sp",
        4,
        None,
    ),
}


def sums(n: int, generators: list[dict], observable: dict, state=None) -> RotationCircuit:
    """A rotation circuit of Pauli sums, one parameter per generator."""
    parts = [PauliSum.from_terms(g) for g in generators]
    k = len(parts)
    return RotationCircuit(
        n_qubits=n,
        wires=tuple(range(n)),
        terms=PauliWords.concatenate([p.words for p in parts]),
        term_coefficients=np.concatenate([p.coefficients for p in parts]),
        starts=np.concatenate([[0], np.cumsum([len(p) for p in parts])]),
        coefficients=np.ones(k),
        offsets=np.zeros(k),
        parameter_of=np.arange(k),
        random_of=np.full(k, -1),
        observable=PauliSum.from_terms(observable),
        states=(state or InputState.basis([0] * n),),
        n_params=k,
    )


def on(n: int, letters: dict[int, str]) -> str:
    return "".join(letters.get(q, "I") for q in range(n))


def xxz(n: int, field: bool = True) -> list[dict]:
    gens = []
    for i in range(n - 1):
        gens.append({on(n, {i: "X", i + 1: "X"}): 0.5, on(n, {i: "Y", i + 1: "Y"}): 0.5})
        gens.append({on(n, {i: "Z", i + 1: "Z"}): 0.5})
    return gens + [{on(n, {i: "Z"}): 0.5} for i in range(n) if field]


def random_state(n: int, rng) -> InputState:
    v = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    return InputState.from_vector(v / np.linalg.norm(v))


def random_product(n: int, rng) -> InputState:
    blocks = []
    for q in range(n):
        v = rng.normal(size=2) + 1j * rng.normal(size=2)
        blocks.append(DenseBlock((q,), v / np.linalg.norm(v)))
    return InputState(n, tuple(blocks))


def dense(circuit: RotationCircuit):
    gens = [g.matrix() for g in circuit.generators]
    return gens, circuit.observable.matrix(), circuit.state.vector()


def predicted_variance(signature) -> float:
    """Σ_α Tr_F(O₀²)(Tr_F ρ² − w²/D)/dim J₀: THEORY §3, traces over F."""
    if signature.spin_factor is not None:
        return signature.spin_factor.variance
    total = 0.0
    for s in signature.sectors:
        if s.is_constant or s.weight < 1e-12:
            continue
        d = s.field_dim
        jordan = d - 1 + s.beta * d * (d - 1) / 2
        total += d * s.variance * (s.purity - s.weight**2 / d) / jordan
    return total


def check_against_oracle(signature, circuit, *, merged=False) -> None:
    """Sizes, multiplicities, weights, types, moments of O: all from the commutant instead."""
    gens, observable, state = dense(circuit)
    found = sorted(oracle.sectors(gens, state), key=lambda s: (s.dim, s.multiplicity, round(s.weight, 8)))
    mine = sorted(signature.sectors, key=lambda s: (s.dim, s.multiplicity, round(s.weight, 8)))
    assert [s.dim for s in mine] == [s.dim for s in found]
    assert [s.multiplicity for s in mine] == [s.multiplicity for s in found]
    np.testing.assert_allclose([s.weight for s in mine], [s.weight for s in found], atol=1e-8)
    left = list(found)
    for s in mine:  # equal sizes may come in any order: match on the traces as well
        for o in left:
            small = oracle.restricted(o, observable)
            same = (o.dim, o.multiplicity) == (s.dim, s.multiplicity) and abs(o.weight - s.weight) < 1e-8
            if same and abs(np.trace(small).real - s.trace) < 1e-7:
                assert oracle.kind(o) == s.kind
                assert abs(np.trace(small @ small).real - s.trace_square) < 1e-7
                assert abs(np.linalg.eigvalsh(small)[0] - s.ground) < 1e-7
                if s.spectrum is not None:
                    values = np.repeat(s.spectrum[0], s.spectrum[1])
                    np.testing.assert_allclose(values, np.linalg.eigvalsh(small), atol=1e-7)
                left.remove(o)
                break
        else:
            raise AssertionError(f"no oracle sector matches {s}")


# ------------------------------------------------------------------ the named circuits
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("route", ["pauli", "dense"])
def test_named_sectors(name, route):
    words, observable, kind, beta, expected = CASES[name]
    n = len(words[0])
    circuit = RotationCircuit.from_words(words, observable, random_state(n, np.random.default_rng(1)))
    signature = build_signature(circuit, route=route)
    sector = signature.sectors[0]
    assert (sector.kind, sector.beta) == (kind, beta)
    if expected is not None:
        assert signature.in_theory is expected, signature.reason
    check_against_oracle(signature, circuit)


def jordan_words(words, state_n, beta_sign):
    """Words that S O S^-1 = O holds for, by brute force from the oracle's invariant form."""
    gens = [oracle.matrix({w: 1.0}) for w in words]
    d = len(gens[0])
    eye = np.eye(d)
    rows = np.concatenate([np.kron(g, eye) + np.kron(eye, g) for g in gens])
    space = oracle._null(rows)
    assert space.shape[1] == 1
    s = space[:, 0].reshape(d, d)
    assert np.allclose(s, beta_sign * s.T)
    letters = [on(state_n, {q: "IXYZ"[(i >> (2 * q)) & 3] for q in range(state_n)}) for i in range(4**state_n)]
    return [w for w in letters if np.allclose(oracle.matrix({w: 1}) @ s, s @ oracle.matrix({w: 1}).conj())]


@pytest.mark.parametrize("name, sign", [("beta1", 1), ("beta4 sp(2)", -1), ("beta4 sp(4)", -1)])
def test_jordan_algebra_membership_of_every_word(name, sign):
    words, _, _, beta, _ = CASES[name]
    n = len(words[0])
    inside = set(jordan_words(words, n, sign))
    d = 2**n if beta == 1 else 2 ** (n - 1)
    assert len(inside) == d + beta * d * (d - 1) // 2  # dim of the Jordan algebra
    rng = np.random.default_rng(0)
    letters = [on(n, {q: "IXYZ"[(i >> (2 * q)) & 3] for q in range(n)}) for i in range(1, 4**n)]
    for word in rng.choice(letters, 15, replace=False):
        circuit = RotationCircuit.from_words(words, {str(word): 1.0}, random_state(n, rng))
        for route in ("pauli", "dense"):
            signature = build_signature(circuit, route=route)
            if signature.method != "spin factor":
                assert signature.in_theory is (word in inside), (word, route)
                if not signature.in_theory:
                    assert "Jordan algebra" in signature.reason


def test_spin_factor_of_a_free_fermion_chain():
    n = 4
    words = [on(n, {i: "X"}) for i in range(n)] + [on(n, {i: "Z", i + 1: "Z"}) for i in range(n - 1)]
    for letters, d in ((words, 8), (words[:3] + words[4:], 7), ([*words, "ZIII"], None)):
        circuit = RotationCircuit.from_words(letters, {"ZIII": 1.0}, random_product(n, np.random.default_rng(3)))
        signature = build_signature(circuit)
        if d is None:
            assert signature.method != "spin factor"  # a Majorana among the generators
            continue
        assert signature.spin_factor.d == d
        assert signature.method == "spin factor" and signature.in_theory
        gens, observable, state = dense(circuit)
        losses = oracle.sample_losses(gens, observable, state, 4000, 25, np.random.default_rng(5))
        # variance of the sample variance of a law on [-1, 1]: within 5 standard errors
        spread = np.var((losses - losses.mean()) ** 2) / len(losses)
        assert abs(losses.var() - predicted_variance(signature)) < 5 * np.sqrt(spread)


def test_spin_factor_of_sums_is_found_by_its_module():
    n = 3
    gens = [
        {on(n, {i: "X"}): 1.0 for i in range(n)},
        {on(n, {i: "Z", i + 1: "Z"}): 1.0 for i in range(n - 1)},
    ]
    gens += [{"XII": 1.0}]
    state = random_product(n, np.random.default_rng(0))
    circuit = sums(n, gens, {"ZII": 2.0}, state)
    signature = build_signature(circuit)
    assert signature.method == "spin factor" and signature.spin_factor.d == 2 * n
    assert signature.spin_factor.norm == pytest.approx(2.0)
    words = build_signature(RotationCircuit.from_words(["XII", "IXI", "IIX", "ZZI", "IZZ"], {"ZII": 2.0}, state))
    assert signature.spin_factor.amplitude == pytest.approx(words.spin_factor.amplitude)


def test_basis_state_in_a_spin_factor_says_the_loss_is_constant():
    n = 3
    words = ["XII", "IXI", "IIX", "ZZI", "IZZ"]
    circuit = RotationCircuit.from_words(words, {"YII": 1.0}, InputState.from_vector(np.ones(8) / np.sqrt(8)))
    signature = build_signature(circuit)
    assert signature.spin_factor.amplitude == 0.0 and "constant" in signature.reason
    assert predicted_variance(signature) == 0.0
    assert abs(circuit.loss(np.linspace(0.3, 2, 5))) < 1e-12
    assert n == 3


def test_tensor_product_representation_is_outside():
    words = ["XII", "YII", "IXI", "IYI", "IIX", "IIY"]
    circuit = RotationCircuit.from_words(words, {"ZZZ": 1.0}, random_state(3, np.random.default_rng(0)))
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert not signature.in_theory and "tensor product" in signature.reason
        assert signature.sectors[0].kind == "other" and signature.sectors[0].dim == 8
    check_against_oracle(signature, circuit)


def test_higher_spin_is_outside():
    """Collective spin of two qubits: the triplet is so(3), of three the quartet is nothing."""
    for n, inside in ((2, True), (3, False)):
        gens = [{on(n, {i: a}): 1.0 for i in range(n)} for a in "XZ"]
        state = InputState.basis([0] * n)
        pairs = [(i, j) for i in range(n) for j in range(i)]
        observable = {on(n, {i: a, j: a}): c for i, j in pairs for a, c in (("Z", 1.0), ("X", 0.5))}
        circuit = sums(n, gens, observable, state)
        signature = build_signature(circuit)
        if n == 2:
            check_against_oracle(signature, circuit)
            assert signature.sectors[0].kind == "so" and signature.sectors[0].dim == 3
        else:
            assert signature.sectors[0].kind == "other" and "dimension 3" in signature.reason
        assert signature.in_theory is inside


def test_two_isomorphic_ideals_acting_jointly_are_not_independent():
    # the same SU(2) turns the two sectors Z_1 = ±1, the observable differs between them
    words = ["XI", "YI"]
    observable = {"ZI": 1.0, "XZ": 0.6}
    state = random_state(2, np.random.default_rng(0))
    circuit = RotationCircuit.from_words(words, observable, state)
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert len(signature.sectors) == 2 and not signature.independent and not signature.in_theory
        assert "not independent" in signature.reason
    # and its conjugate: su(4) on both half-spins of so(6), one ideal, oracle dimension 15
    words = ["XZY", "YZZ", "IIZ", "XIX", "XXX"]
    circuit = RotationCircuit.from_words(words, {"XZY": 1.0}, random_state(3, np.random.default_rng(1)))
    gens, _, vector = dense(circuit)
    a, b = oracle.sectors(gens, vector)
    assert not oracle.independent(a, b, gens)
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert not signature.independent and not signature.in_theory
        assert [s.kind for s in signature.sectors] == ["su", "su"]


def test_linked_sectors_do_not_matter_where_one_carries_no_weight():
    words = ["XI", "YI"]
    circuit = RotationCircuit.from_words(words, {"ZI": 1.0, "XZ": 0.6}, InputState.basis([0, 1]))
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert signature.in_theory and [round(s.weight, 9) for s in signature.sectors] == [1.0, 0.0]


def test_observable_outside_the_algebra():
    words = ["XXI", "IXX", "ZII", "IZI", "IIZ", "ZZI"]
    # ZII..ZZI keep the parity; X on one qubit flips it
    circuit = RotationCircuit.from_words([*words, "YZX", "XYZ"], {"XII": 1.0, "ZII": 0.2})
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        if signature.method != "spin factor" and not signature.in_theory:
            assert "outside the algebra" in signature.reason
            assert all(not s.in_theory for s in signature.sectors)


def test_constant_loss_and_set_aside_generators():
    circuit = RotationCircuit.from_words(["ZI", "IX"], {"ZI": 0.5, "II": 1.0})
    signature = build_signature(circuit)
    assert signature.in_theory and signature.sectors[0].center == 1.5 and signature.method == "none"
    # rotations of qubit 1 never change the loss of qubit 0: one sector of SU(2), doubled
    circuit = RotationCircuit.from_words(["XI", "YI", "IX", "IZ"], {"ZI": 1.0, "IZ": 0.0})
    signature = build_signature(circuit)
    assert signature.sectors[0].dim == 2 and signature.sectors[0].multiplicity == 2
    assert np.all(signature.sectors[0].generator_traces[:, 1] == [0, 0, 1, 1]) or np.isclose(
        signature.sectors[0].generator_traces[:, 1].sum(), 2.0
    )


# ------------------------------------------------------------------ routes against each other
def _random_problem(seed: int):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    letters = [on(n, dict(enumerate(rng.choice(list("IXYZ"), n, p=[0.4, 0.2, 0.2, 0.2])))) for _ in range(7)]
    words = [w for w in letters[: int(rng.integers(1, 8))] if set(w) != {"I"}]
    if not words:
        return None
    packed = PauliWords.from_strings(words)
    terms = {}
    for _ in range(int(rng.integers(1, 4))):
        pick = rng.integers(0, 2, len(words)).astype(bool)
        row = np.bitwise_xor.reduce(packed.packed[pick], axis=0)[None] if pick.any() else packed.packed[:1]
        word = PauliWords.from_packed(row, n).strings()[0]
        if rng.random() < 0.3:
            word = "".join(rng.choice(list("IXYZ"), n))
        terms[word] = float(np.round(rng.normal(), 2))
    kinds = (
        lambda: InputState.basis(rng.integers(0, 2, n)),
        lambda: random_product(n, rng),
        lambda: random_state(n, rng),
    )
    return RotationCircuit.from_words(words, terms, kinds[int(rng.integers(3))]())


def _facts(sector: Sector) -> tuple:
    purity = -1.0 if sector.purity is None else sector.purity
    beta = 0 if sector.beta is None else sector.beta
    numbers = (sector.weight, sector.center, sector.variance, sector.ground, purity)
    return (sector.dim, sector.multiplicity, beta, *(round(v, 6) + 0.0 for v in numbers))


def test_pauli_route_equals_dense_route():
    compared = {True: 0, False: 0}
    betas = set()
    for seed in range(2000, 2250):
        circuit = _random_problem(seed)
        if circuit is None:
            continue
        pauli, full = (
            build_signature(circuit, route="pauli"),
            build_signature(circuit, route="dense"),
        )
        assert pauli.in_theory == full.in_theory, seed
        assert (pauli.method == "spin factor") == (full.method == "spin factor"), seed
        compared[pauli.in_theory] += 1
        if pauli.in_theory and pauli.method == "Pauli route":
            mine = sorted(_facts(s) for s in pauli.weighted_sectors)
            theirs = sorted(_facts(s) for s in full.weighted_sectors)
            assert len(mine) == len(theirs), seed
            np.testing.assert_allclose(mine, theirs, atol=3e-6, err_msg=str(seed))
            betas |= {s.beta for s in pauli.sectors}
            for a, b in zip(
                sorted(pauli.weighted_sectors, key=_facts),
                sorted(full.weighted_sectors, key=_facts),
                strict=True,
            ):
                if a.rho_spectrum is not None:
                    np.testing.assert_allclose(np.sum(a.rho_spectrum**3), np.sum(b.rho_spectrum**3), atol=1e-6)
    assert compared[True] > 80 and compared[False] > 40
    assert betas >= {2, 4}  # β = 1 is rare among random words: see the named circuits


@pytest.mark.parametrize("seed", range(12))
def test_dense_route_on_random_sums_equals_the_oracle(seed):
    rng = np.random.default_rng(seed)
    n = 2 + seed % 2
    letters = [on(n, {q: "IXYZ"[(i >> (2 * q)) & 3] for q in range(n)}) for i in range(1, 4**n)]
    pool = [w for w in letters if seed % 3 or w.count("X") + w.count("Y") in (0, 2)]  # every third: a parity
    gens = [{str(w): float(rng.choice([1.0, 0.5, -0.7])) for w in rng.choice(pool, 2, replace=False)} for _ in range(3)]
    observable = dict(gens[0])  # inside the algebra
    circuit = sums(n, gens, observable, random_state(n, rng))
    signature = build_signature(circuit)
    if len(signature.generators) == len([k for k in signature.sectors[0].generator_traces[:, 1] if k > 0]):
        check_against_oracle(signature, circuit)
    found = oracle.sectors(dense(circuit)[0], circuit.state.vector())
    full = sum(s.dim * s.multiplicity for s in found)
    assert full == 2**n and sum(s.dim * s.multiplicity for s in signature.sectors) == full


@pytest.mark.parametrize("n, field", [(3, True), (4, True), (4, False), (5, False)])
def test_xxz_number_sectors_and_algebra_dimension(n, field):
    from pennylane_wishart.algebra import close

    circuit = sums(
        n,
        xxz(n, field),
        {on(n, {0: "Z", 1: "Z"}): 1.0},
        InputState.basis([i % 2 for i in range(n)]),
    )
    signature = build_signature(circuit)
    assert signature.in_theory
    closed = close(list(signature.generators))
    assert signature.algebra.dim == closed.dim
    assert signature.algebra.center_dim == closed.center_dim
    assert signature.algebra.name == closed.name
    if n <= 4:
        check_against_oracle(signature, circuit)
    assert sum(s.dim * s.multiplicity for s in signature.sectors) == 2**n


def test_heisenberg_sums_on_five_qubits():
    gens = [{on(5, {i: a, i + 1: a}): 1.0 for i in range(4)} for a in "XYZ"]
    observable = {w: 1.0 for g in gens for w in g}
    signature = build_signature(sums(5, gens, observable, InputState.basis([0, 1, 0, 1, 0])))
    assert signature.algebra.dim == 134  # as qml.lie_closure finds
    assert "sectors certificate" in signature.algebra.method


@pytest.mark.slow
def test_xxz_on_ten_qubits_has_eleven_sectors():
    n = 10
    circuit = sums(n, xxz(n), {on(n, {0: "Z", 1: "Z"}): 1.0}, InputState.basis([i % 2 for i in range(n)]))
    signature = build_signature(circuit)
    assert sorted(s.dim for s in signature.sectors) == [
        1,
        1,
        10,
        10,
        45,
        45,
        120,
        120,
        210,
        210,
        252,
    ]
    assert signature.in_theory and signature.sectors[0].dim == 252
    assert signature.algebra.dim == sum(k * k - 1 for k in (10, 10, 45, 45, 120, 120, 210, 210, 252)) + 2


def test_reachable_route_equals_the_dense_sector():
    n = 6
    state = InputState.basis([1, 0, 1, 0, 0, 0])
    circuit = sums(n, xxz(n), {on(n, {0: "Z", 1: "Z"}): 1.0}, state)
    part, whole = (
        build_signature(circuit, route="reachable"),
        build_signature(circuit, route="dense"),
    )
    assert _facts(part.sectors[0])[:1] + _facts(part.sectors[0])[2:] == (
        _facts(whole.sectors[0])[:1] + _facts(whole.sectors[0])[2:]
    )
    assert part.sectors[0].dim == 15 and part.n_sectors is None


def test_reachable_route_beyond_the_dense_one():
    n = 14
    circuit = sums(n, xxz(n), {on(n, {0: "Z", 1: "Z"}): 1.0}, InputState.basis([1, 1] + [0] * (n - 2)))
    signature = build_signature(circuit)
    assert signature.in_theory and signature.sectors[0].dim == n * (n - 1) // 2
    assert signature.method == "dense route"


# ------------------------------------------------------------------ the numbers of a sector
CHECKED = {
    "beta1": CASES["beta1"][:2],
    "beta1 so(4)": CASES["beta1 so(4)"][:2],
    "beta2": CASES["beta2"][:2],
    "beta2, three terms": (["XI", "YI", "IX", "IY", "ZZ"], {"ZI": 1.0, "ZZ": 0.5, "XX": 0.7}),
    "two independent su(2)": (["XI", "ZZ", "IX"], {"XI": 1.0, "ZZ": 0.3}),
    "beta4": (CASES["beta4 sp(4)"][0], None),
}


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("pure", [True, False])
def test_variance_of_deep_circuits(name, pure):
    """Haar-like circuits: observed variance within 5 standard errors (false alarm 1e-5 in all)."""
    words, observable = CHECKED[name]
    n = len(words[0])
    if observable is None:
        inside = jordan_words(words, n, -1)
        observable = {w: c for w, c in zip([w for w in inside if set(w) != {"I"}], (1.0, 0.5), strict=False)}
    rng = np.random.default_rng(7)
    state = random_state(n, rng) if pure else InputState.basis(rng.integers(0, 2, n))
    circuit = RotationCircuit.from_words(words, observable, state)
    signature = build_signature(circuit)
    assert signature.in_theory, signature.reason
    gens, matrix, vector = dense(circuit)
    losses = oracle.sample_losses(gens, matrix, vector, 6000, 20, rng)
    spread = np.sqrt(np.var((losses - losses.mean()) ** 2) / len(losses))
    mean = sum(s.weight * s.center for s in signature.sectors)
    assert abs(losses.mean() - mean) < 5 * losses.std() / np.sqrt(len(losses)) + 1e-12
    assert abs(losses.var() - predicted_variance(signature)) < 5 * spread + 1e-12
    if pure and len(signature.weighted_sectors) == 1 and signature.sectors[0].beta == 2:
        s = signature.sectors[0]  # THEORY §5: Var = (2ō²/βm)·N/(N + 2/β) for a pure input
        formula = 2 * s.mean**2 / (s.beta * s.dof_finite) * s.dim / (s.dim + 2 / s.beta)
        assert formula == pytest.approx(predicted_variance(signature), rel=1e-12)


def test_degrees_of_freedom():
    sector = Sector(
        dim=16,
        multiplicity=1,
        beta=2,
        kind="su",
        center=0.0,
        variance=1.0,
        ground=-1.0,
        ground_status="exact",
        weight=1.0,
    )
    assert (sector.mean, sector.dof, sector.dof_finite, sector.dof_rounded) == (1.0, 8.0, 16.0, 8)
    assert 1 / sector.dof_finite == pytest.approx(1 / sector.dof - 1 / 16)
    four = Sector(
        dim=16,
        multiplicity=1,
        beta=4,
        kind="sp",
        center=0.0,
        variance=1.0,
        ground=-1.0,
        ground_status="exact",
        weight=1.0,
    )
    assert (four.field_dim, four.dof, four.dof_finite) == (8, 4.0, 8.0)
    huge = Sector(
        dim=2**3000,
        multiplicity=1,
        beta=2,
        kind="su",
        center=0.0,
        variance=1.0,
        ground=-1.0,
        ground_status="exact",
        weight=1.0,
    )
    assert huge.log2_dof == 2999.0 and huge.dof == np.inf and huge.dof_rounded == 2**2999


@pytest.mark.parametrize("name", ["beta1", "beta1 so(4)", "beta2", "beta4 sp(4)"])
def test_stabilizer_input_equals_the_same_vector(name):
    """Flat blocks of stabiliser states, one idle qubit entangled with the others included."""
    words, observable = CASES[name][:2]
    n = len(words[0]) + 1
    wide = [w + "I" for w in words]
    if CASES[name][3] == 4:
        observable = {w: 1.0 for w in jordan_words(words, n - 1, -1)[1:3]}
    rng = np.random.default_rng(0)
    purities = set()
    for _ in range(5):
        stabilizer = InputState(n, (StabilizerBlock(tuple(range(n)), _tableau(n, rng)),))
        vector = InputState.from_vector(stabilizer.vector())
        terms = {w + "I": c for w, c in observable.items()}
        a = build_signature(RotationCircuit.from_words(wide, terms, stabilizer))
        b = build_signature(RotationCircuit.from_words(wide, terms, vector), route="dense")
        assert a.in_theory and b.in_theory
        mine, theirs = (sorted(_facts(s) for s in x.weighted_sectors) for x in (a, b))
        np.testing.assert_allclose(mine, theirs, atol=2e-6)
        for s, t in zip(a.weighted_sectors, b.weighted_sectors, strict=True):
            np.testing.assert_allclose(s.rho_spectrum, t.rho_spectrum, atol=1e-8)
        purities |= {round(s.purity, 6) for s in a.weighted_sectors}
    assert len(purities) > 1  # pure and mixed blocks were both met


@pytest.mark.parametrize("name", ["beta1", "beta1 so(16)", "beta2", "beta4 sp(4)"])
def test_product_input_of_a_large_sector(name, monkeypatch):
    """With the sum over words switched off, pure blocks come from the real overlap alone."""
    import pennylane_wishart.conventions.sectors as module

    monkeypatch.setattr(module, "DENSITY_WORDS_PRODUCT", 1)
    words, observable = CASES[name][:2]
    n = len(words[0]) + 1
    wide = [w + "I" for w in words]
    rng = np.random.default_rng(4)
    for _ in range(3):
        state = random_product(n, rng)
        terms = {w + "I": c for w, c in observable.items()}
        a = build_signature(RotationCircuit.from_words(wide, terms, state), route="pauli")
        b = build_signature(RotationCircuit.from_words(wide, terms, state), route="dense")
        if a.method == "Pauli route" and b.method == "dense route":
            for s, t in zip(a.weighted_sectors, b.weighted_sectors, strict=True):
                assert s.purity == pytest.approx(t.purity, abs=1e-9)
                np.testing.assert_allclose(s.rho_spectrum, t.rho_spectrum, atol=1e-8)
        else:
            assert name == "beta4 sp(4)" or a.method == b.method


def _tableau(n, rng):
    import stim

    circuit = stim.Circuit()
    for _ in range(12):
        q, r = rng.choice(n, 2, replace=False)
        circuit.append(str(rng.choice(["H", "S"])), [int(q)])
        circuit.append("CNOT", [int(q), int(r)])
    return circuit.to_tableau()


def test_many_sectors_are_a_distribution_with_exact_moments(monkeypatch):
    import pennylane_wishart.conventions.sectors as module

    words = ["XIIII", "ZIIII", "XZIII", "ZIZII", "XIIZI", "ZIIIZ"]
    observable = {"XZIII": 1.0, "ZIIZI": 0.5, "YIIII": 0.25, "IZIII": 0.3, "IIZII": 0.2}
    circuit = RotationCircuit.from_words(words, observable, random_product(5, np.random.default_rng(0)))
    listed = build_signature(circuit)
    monkeypatch.setattr(module, "FREE_WORDS", 3)
    many = build_signature(circuit)
    d = many.sector_distribution
    weight = np.array([s.weight for s in listed.sectors])
    center = np.array([s.center for s in listed.sectors])
    variance = np.array([s.variance for s in listed.sectors])
    assert many.sectors == () and d.log2_sectors == 4 and many.n_sectors == listed.n_sectors == 16
    assert many.in_theory and listed.in_theory
    assert (d.dim, d.multiplicity, d.beta) == (2, listed.sectors[0].multiplicity, 2)
    assert d.center_mean == pytest.approx(weight @ center)
    assert d.center_variance == pytest.approx(weight @ center**2 - (weight @ center) ** 2)
    assert d.variance_mean == pytest.approx(weight @ variance)
    assert d.weight_mean == pytest.approx(weight.mean())


@pytest.mark.parametrize("seed", range(8))
def test_word_sum_spectrum_equals_the_matrix(seed):
    rng = np.random.default_rng(seed)
    n = 4
    letters = {on(n, dict(enumerate(rng.choice(list("IXYZ"), n)))): 1.0 for _ in range(int(rng.integers(1, 7)))}
    letters.pop("IIII", None)
    total = PauliSum.from_terms(dict.fromkeys(letters, 1.0))
    c = rng.normal(size=len(total))
    facts = word_sum_facts(reduce_words(total.words), c, n)
    values, counts = clustered(np.linalg.eigvalsh(PauliSum(total.words, c).matrix()))
    np.testing.assert_allclose(facts.spectrum[0], values, atol=1e-9)
    assert facts.spectrum[1] == counts
    assert facts.ground == pytest.approx(values[0])


def test_ground_state_by_lanczos_and_by_bound(monkeypatch):
    import pennylane_wishart.conventions.sectors as module

    n = 8
    terms = {on(n, {i: "Z", i + 1: "Z"}): 1.0 for i in range(n - 1)} | {on(n, {i: "X"}): 0.7 for i in range(n)}
    total = PauliSum.from_terms(terms)
    exact = np.linalg.eigvalsh(total.matrix())[0]
    monkeypatch.setattr(module, "SPECTRUM_COST", 0)
    facts = word_sum_facts(reduce_words(total.words), total.coefficients, n)
    assert facts.ground_status == "Lanczos" and facts.ground == pytest.approx(exact, abs=1e-8)
    monkeypatch.setattr(module, "LANCZOS_QUBITS", 0)
    facts = word_sum_facts(reduce_words(total.words), total.coefficients, n)
    assert facts.ground_status == "bound" and facts.ground <= exact


def test_large_circuits():
    n = 200
    field = [on(n, {i: "X"}) for i in range(n)]
    bonds = [on(n, {i: "Z", i + 1: "Z"}) for i in range(n - 1)]
    chain = RotationCircuit.from_words(field + bonds, {on(n, {0: "Z"}): 1.0})
    signature = build_signature(chain)
    assert signature.algebra.name == "so(400)" and signature.spin_factor.d == 400
    full = RotationCircuit.from_words(field + bonds + [on(n, {i: "Y"}) for i in range(n)], {on(n, {0: "Z"}): 1.0})
    signature = build_signature(full)
    assert signature.in_theory and signature.sectors[0].dim == 2**n
    assert signature.sectors[0].log2_dof_finite == pytest.approx(n)
    assert signature.sectors[0].purity == 1.0
    assert signature.n_independent_status is Status.BOUND


# ------------------------------------------------------------------ parameters, records, errors
def test_independent_parameters():
    words = ["XI", "XI", "YI", "ZI", "IX"]
    signature = build_signature(RotationCircuit.from_words(words, {"ZI": 1.0}))
    # the two real directions of qubit 0's sphere: Z0 does not see qubit 1, nor RZ0 after all else
    assert signature.n_params == 5 and signature.n_independent == 2
    both = build_signature(RotationCircuit.from_words(words, {"ZI": 1.0, "IZ": 1.0}))
    assert both.n_independent == 3
    assert signature.n_independent_status is Status.OK
    # a deep circuit reaches the dimension of the manifold of states, 2^(n+1) − 2
    layer = ["XII", "IXI", "IIX", "ZII", "IZI", "IIZ", "ZZI", "IZZ"]
    for layers, rank in ((1, 8), (4, 14)):
        deep = build_signature(RotationCircuit.from_words(layer * layers, {"YII": 1.0, "IYI": 1.0, "IIY": 1.0}))
        assert deep.n_independent == rank
    shared = RotationCircuit.from_words(["XI", "IX"], {"ZI": 1.0, "IZ": 1.0}, parameter_of=[0, 0])
    assert build_signature(shared).n_independent == 1


def test_generator_traces_and_spectra_in_the_rotations_own_scale():
    n = 4
    circuit = sums(n, xxz(n), {"ZZII": 1.0}, InputState.basis([0, 1, 1, 0]))
    signature = build_signature(circuit)
    sector = signature.sectors[0]
    gens, _, vector = dense(circuit)
    found = next(s for s in oracle.sectors(gens, vector) if s.dim == 6)
    for k in range(circuit.n_rotations):
        small = oracle.restricted(found, gens[k])
        first, second = signature.rotation_traces(sector, k)
        assert first == pytest.approx(abs(np.trace(small).real) / 6, abs=1e-9)
        assert second == pytest.approx(np.trace(small @ small).real / 6, abs=1e-9)
        values, counts = sector.generator_spectra[int(signature.generator_of[k])]
        scaled = np.repeat(values, counts) * signature.generator_scale[k]
        eigenvalues = np.linalg.eigvalsh(small)
        assert np.allclose(np.sort(scaled), eigenvalues) or np.allclose(np.sort(-scaled), eigenvalues)


def test_signature_prints_within_80_columns_and_serialises():
    for name in CASES:
        words, observable = CASES[name][:2]
        signature = build_signature(RotationCircuit.from_words(words, observable))
        assert max(len(line) for line in str(signature).splitlines()) <= 80
        data = json.loads(json.dumps(signature.to_dict()))
        assert data["n_params"] == len(words) and data["in_theory"] == signature.in_theory


def test_same_seed_same_signature():
    circuit = sums(3, xxz(3), {"ZZI": 1.0}, random_state(3, np.random.default_rng(0)))
    a, b = build_signature(circuit, seed=3), build_signature(circuit, seed=3)
    assert a.to_dict() == b.to_dict()


def test_bad_input_is_named():
    with pytest.raises(InputError, match="RotationCircuit; got str"):
        build_signature("circuit")
    circuit = RotationCircuit.from_words(["X"], {"Z": 1.0})
    with pytest.raises(InputError, match="route must be"):
        build_signature(circuit, route="magic")
    with pytest.raises(InputError, match="single Pauli words"):
        build_signature(sums(2, xxz(2), {"ZI": 1.0, "XX": 1.0}), route="pauli")
    with pytest.raises(InputError, match="stops at 12 qubits"):
        build_signature(RotationCircuit.from_words(["X" + "I" * 12], {"Z" + "I" * 12: 1.0}), route="dense")
    with pytest.raises(InputError, match="kind must be one of"):
        Sector(
            dim=2,
            multiplicity=1,
            beta=2,
            kind="gl",
            center=0,
            variance=1,
            ground=-1,
            ground_status="exact",
            weight=1,
        )
    with pytest.raises(InputError, match="multiplicities"):
        Sector(
            dim=2,
            multiplicity=1,
            beta=2,
            kind="su",
            center=0,
            variance=1,
            ground=-1,
            ground_status="exact",
            weight=1,
            spectrum=(np.array([0.0]), (1,)),
        )
    with pytest.raises(InputError, match="d ≥ 1"):
        SpinFactor(d=0, amplitude=1.0, norm=1.0, expectations=np.zeros(0))
