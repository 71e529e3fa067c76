"""The room ``algebra`` against brute force (tests/references/closure.py)."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pennylane as qml
import pytest
from pennylane.pauli import PauliSentence, PauliWord
from references import closure as reference

from pennylane_wishart.algebra import (
    Ideal,
    LieAlgebra,
    Module,
    classify,
    close,
    decompose,
    enumerate_words,
    graph,
    module_of,
    module_span,
    orbit,
    squared_expectations,
)
from pennylane_wishart.algebra.component import quadratic_form
from pennylane_wishart.algebra.f2forms import reduce_form
from pennylane_wishart.errors import InputError, ModuleTooLargeError, NotClosedError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords

LETTERS = np.array(list("IXYZ"))


def random_words(rng, n, m):
    """Random words with a random share of identity letters."""
    p = rng.choice([0.25, 0.5, 0.75])
    return ["".join(row) for row in rng.choice(LETTERS, size=(m, n), p=[p, *[(1 - p) / 3] * 3])]


def local_words(rng, n, m):
    """Random one- and two-qubit words on a line: many are free fermions."""
    pool = ["I" * i + a + "I" * (n - 1 - i) for i in range(n) for a in "XYZ"]
    pool += ["I" * i + a + b + "I" * (n - 2 - i) for i in range(n - 1) for a in "XYZ" for b in "XYZ"]
    return [str(w) for w in rng.choice(pool, m)]


def scramble(rng, words):
    """Apply a random Clifford (transvections), dropping signs."""
    n = len(words[0])
    words = [reference.word(w) for w in words]
    for _ in range(4):
        c = tuple(int(a) for a in rng.integers(0, 2**n, 2))
        words = [reference.product(w, c) if reference.anticommute(w, c) else w for w in words]
    return [reference.text(w, n) for w in words]


def majorana_words(rng):
    """Random pairs of 8 Majoranas times central words: type A with copies, disguised."""
    majoranas = ["Z" * i + a + "I" * (3 - i) for i in range(4) for a in "XY"]
    d, words = int(rng.integers(3, 9)), []
    for _ in range(rng.integers(2, 10)):
        i, j = rng.choice(d, 2, replace=False)
        a = reference.product(reference.word(majoranas[i]), reference.word(majoranas[j]))
        if rng.random() < 0.2:
            a = reference.product(a, reference.word("ZZZZ"))
        words.append(reference.text(a, 4) + str(rng.choice(["II", "II", "ZI", "IZ", "ZZ"])))
    return scramble(rng, words)


def coupled_words(rng):
    """Two sets of words on separate qubits that share central words."""
    words = []
    for half in range(2):
        for _ in range(rng.integers(1, 6)):
            a = "".join(rng.choice(LETTERS, 2))
            words.append((a + "II", "II" + a)[half] + str(rng.choice(["II", "ZI", "IZ", "ZZ"])))
    return scramble(rng, words)


def word_sets(seed, count):
    """The mixture of random word sets that the tests below run over."""
    rng = np.random.default_rng(seed)
    for trial in range(count):
        kind = trial % 4
        n = int(rng.integers(2, 7))
        if kind == 0:
            yield random_words(rng, min(n, 5), int(rng.integers(1, 2 * n + 3)))
        elif kind == 1:
            yield local_words(rng, n, int(rng.integers(1, 2 * n + 3)))
        else:
            yield (majorana_words if kind == 2 else coupled_words)(rng)


def tfim(n):
    """X_i and Z_i Z_(i+1) on an open chain, as strings."""
    single = ["I" * i + "X" + "I" * (n - 1 - i) for i in range(n)]
    return single + ["I" * i + "ZZ" + "I" * (n - 2 - i) for i in range(n - 1)]


def at(n, **letters):
    """One word with the given letters, such as at(5, q2="X")."""
    out = ["I"] * n
    for q, letter in letters.items():
        out[int(q[1:])] = letter
    return "".join(out)


# ------------------------------------------------------------------------------- classify
def test_dimension_of_random_word_sets_equals_brute_force():
    kinds = Counter()
    for words in word_sets(seed=1, count=2000):
        algebra = classify(words)
        brute = reference.orbit({reference.word(w) for w in words}, map(reference.word, words))
        assert algebra.dim == len(brute), words
        kinds.update(c.kind for c in algebra.components)
    assert min(kinds[k] for k in ("A", "su", "so", "sp")) >= 20, kinds


def test_types_equal_an_independent_identification_by_rank_and_centralisers():
    seen = set()
    for words in word_sets(seed=2, count=300):
        algebra = classify(words)
        brute = reference.orbit({reference.word(w) for w in words}, map(reference.word, words))
        ideals, center = reference.structure(brute)
        assert {(i.type, i.n): i.copies for i in algebra.ideals} == dict(ideals), words
        assert algebra.center_dim == center, words
        seen.update(ideals)
    assert {("so", 7), ("so", 8), ("sp", 4), ("su", 8), ("sp", 2), ("su", 2)} <= seen


def test_enumerated_words_equal_brute_force():
    for words in word_sets(seed=3, count=200):
        n = len(words[0])
        brute = reference.orbit({reference.word(w) for w in words}, map(reference.word, words))
        assert sorted(enumerate_words(words).strings()) == sorted(reference.text(w, n) for w in brute)


def test_enumeration_beyond_64_coordinates():
    words = enumerate_words(tfim(40))
    assert len(words) == math.comb(80, 2) == len(words.unique()[0])


@pytest.mark.parametrize(
    "words, name, dim",
    [
        (["ZII", "XII", "XZI", "XIZ"], "4·su(2)", 12),
        (["XX", "ZI", "IZ"], "su(2) ⊕ su(2)", 6),
        (tfim(5), "so(10)", 45),
        (["X"], "u(1)", 1),
        (["X", "X", "Z"], "su(2)", 3),
        (["II"], "u(1)", 1),
        (["XI", "ZI", "II", "IZ"], "su(2) ⊕ u(1) ⊕ u(1)", 5),
        (["XX", "YY", "ZZ", "IX"], "su(2) ⊕ su(2) ⊕ u(1)", 7),
        ([], "0", 0),
    ],
)
def test_small_algebras_have_their_known_names(words, name, dim):
    algebra = classify(words)
    assert (algebra.name, algebra.dim) == (name, dim)
    assert algebra.is_closed and algebra.status is Status.OK
    assert algebra.log2_dim == pytest.approx(math.log2(dim) if dim else -math.inf)


def test_a_thousand_qubits():
    n = 1000
    chain = tfim(n)
    assert classify(chain).name == "so(2000)"
    full = classify(chain + [at(n, **{f"q{i}": "Y"}) for i in range(n)])
    assert full.name == "su(2^1000)"
    assert full.dim == 4**n - 1
    assert full.log2_dim == pytest.approx(2000)


def test_many_repeated_words():
    rng = np.random.default_rng(0)
    base = tfim(100)
    words = [base[i] for i in rng.integers(0, len(base), 15_000)]
    algebra = classify(words)
    assert algebra.name == "so(200)"
    assert sorted(i for c in algebra.components for i in c.generators) == list(range(15_000))


def test_every_form_of_words_reads_the_same():
    strings = ["XI", "IX", "ZZ"]
    batch = PauliWords.from_strings(strings)
    forms = [
        strings,
        batch,
        batch.packed,
        [PauliWord({0: "X"}), PauliWord({1: "X"}), PauliWord({0: "Z", 1: "Z"})],
        [-2.0 * qml.X(0), qml.X(1), qml.Z(0) @ qml.Z(1)],
        [PauliSum.from_terms({s: 3.0}) for s in strings],
    ]
    assert {classify(form).name for form in forms} == {"su(2) ⊕ su(2)"}


def test_components_hold_what_they_say():
    for words in word_sets(seed=4, count=200):
        batch = PauliWords.from_strings(words)
        for c in classify(words).components:
            assert c.k == 2 * c.s + c.c
            assert set(batch[list(c.generators)].strings()) == set(c.words.strings())
            assert not c.radical.anticommutation(c.words).any()
            gram = c.basis.anticommutation(c.basis)
            assert np.tril(gram, -1)[1:].any(axis=1).all()
            if c.kind == "A":
                d = c.n_majoranas
                assert d in (2 * c.s + 1, 2 * c.s + 2)
                gram = c.path.anticommutation(c.path)
                assert np.array_equal(gram, np.eye(d - 1, k=1) + np.eye(d - 1, k=-1))
                assert not c.copy_basis.anticommutation(c.words).any()
            else:
                assert (c.arf is None) == (c.kind == "su")


# ---------------------------------------------------------------------------------- close
def random_sums(rng, n, count):
    """Random sums with small rational coefficients, as mappings string → Fraction."""
    out = []
    for _ in range(count):
        words = random_words(rng, n, int(rng.integers(1, 4)))
        out.append({w: Fraction(int(rng.choice([-2, -1, 1, 2, 3])), 2) for w in words})
    return out


def as_reference(terms):
    return {reference.word(w): c for w, c in terms.items()}


def test_closure_of_random_sums_equals_exact_fractions():
    rng = np.random.default_rng(5)
    sizes = Counter()
    for _ in range(150):
        n = int(rng.integers(1, 4))
        sums = random_sums(rng, n, int(rng.integers(1, 4)))
        algebra = close([{w: float(c) for w, c in terms.items()} for terms in sums])
        expected = reference.span_dimension([as_reference(terms) for terms in sums])
        assert algebra.dim == expected, sums
        sizes[expected] += 1
        ideals = sum(i.dim * i.copies for i in algebra.ideals)
        assert ideals + algebra.center_dim == expected
    assert len(sizes) >= 12


def chain(n, *pairs):
    """Open-chain sums Σ_i of two-letter words."""
    return {"I" * i + p + "I" * (n - 2 - i): 1.0 for p in pairs for i in range(n - 1)}


def field(n, letter):
    return {"I" * i + letter + "I" * (n - 1 - i): 1.0 for i in range(n)}


@pytest.mark.parametrize("n", [4, 9, 14, 16])
def test_qaoa_on_an_open_chain_has_dimension_n_squared(n):
    algebra = close([field(n, "X"), chain(n, "ZZ")])
    assert algebra.dim == n * n
    assert algebra.name == f"su({n}) ⊕ u(1)"
    assert "certified" in algebra.method


def test_heisenberg_and_xy_sums_have_their_known_dimensions():
    heisenberg = close([chain(5, "XX"), chain(5, "YY"), chain(5, "ZZ")])
    assert (heisenberg.dim, heisenberg.name) == (134, "su(10) ⊕ su(6)")
    pairs = [{"I" * i + p + "I" * (3 - i): 1.0 for p in group} for i in range(4) for group in (("XX", "YY"), ("ZZ",))]
    assert close(pairs).dim == 124


def test_closure_takes_every_form_of_generator():
    sentence = PauliSentence({PauliWord({0: "X"}): 1.0, PauliWord({1: "X"}): 1.0})
    matrix = reference.dense({"XI": 1, "IX": 1})
    for first in (sentence, qml.X(0) + qml.X(1), matrix, 1j * matrix, {"XI": 1.0, "IX": 1.0}):
        second = "ZZ" if not hasattr(first, "wires") else qml.Z(0) @ qml.Z(1)
        assert close([first, second]).name == "su(2) ⊕ u(1)"


def test_operators_without_a_pauli_form_are_expanded():
    hermitian = qml.Hermitian(np.array([[1, 2], [2, -1]]), wires="b")
    assert close([hermitian, qml.X("a") @ qml.Z("b"), qml.Z("a")]).dim == reference.dense_dimension(
        [reference.dense(t) for t in ({"ZI": 1, "XI": 2}, {"ZX": 1}, {"IZ": 1})]
    )


def test_basis_is_closed_and_spans_the_generators():
    algebra = close([chain(4, "XX"), chain(4, "YY"), chain(4, "ZZ")])
    assert len(algebra.basis) == algebra.dim == 36
    rows = np.array([b.matrix().ravel() for b in algebra.basis])
    matrices = rows.reshape(-1, 16, 16)
    brackets = [1j * (a @ b - b @ a) for a in matrices[:6] for b in matrices]
    brackets.append(reference.dense(chain(4, "XX")))
    assert np.linalg.matrix_rank(rows) == 36
    assert np.linalg.matrix_rank(np.vstack([rows, [b.ravel() for b in brackets]])) == 36


def test_square_roots_are_recognised_not_rounded():
    r = math.sqrt
    sums = [{"XI": 1 / r(2), "ZZ": 1 / r(3)}, {"IX": r(6), "ZI": -r(2), "IZ": 1.0}]
    algebra = close(sums)
    assert "binary" not in algebra.method and "floating" not in algebra.method
    assert algebra.dim == reference.dense_dimension([reference.dense(s) for s in sums])
    assert sum(i.dim * i.copies for i in algebra.ideals) + algebra.center_dim == algebra.dim


def test_rounded_coefficients_do_not_overcount():
    # conjugating by a random unitary hides every relation behind rounded numbers
    rng = np.random.default_rng(6)
    h = rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8))
    u = np.linalg.qr(h)[0]
    sums = [field(3, "X"), chain(3, "ZZ")]
    rotated = close([u @ reference.dense(s) @ u.conj().T for s in sums])
    assert rotated.dim == 9
    assert rotated.name == close(sums).name == "su(3) ⊕ u(1)"
    assert "singular values" in rotated.method
    # a relation between the two generators' coefficients that rounding breaks
    c, s = math.cos(0.3), math.sin(0.3)
    square = {"XX": c * c, "XZ": c * s, "ZX": c * s, "ZZ": s * s}
    assert close([{"XI": c, "ZI": s, "IX": c, "IZ": s}, square]).dim == 2


def test_sums_of_decimal_numbers_are_exact():
    sums = [{"XI": 0.1 + 0.2, "IX": 0.3}, {"ZZ": 0.17218393}, {"ZZ": 0.81, "XI": 0.27, "IX": 0.27}]
    assert close(sums).dim == 4


def test_closure_of_words_agrees_with_classify_and_lists_them():
    algebra = close(["XII", "IXI", "ZZI", "IZZ", "IIY"])
    assert algebra.dim == len(algebra.basis) == classify(algebra.basis).dim
    assert algebra.name == classify(["XII", "IXI", "ZZI", "IZZ", "IIY"]).name


def test_eight_qubits_of_words_are_listed():
    n = 8
    words = close(tfim(n) + [at(n, **{f"q{i}": "Y"}) for i in range(n)])
    assert words.dim == len(words.basis) == 65_535


def test_truncation_is_a_status_not_a_silent_number():
    sums = [chain(4, "XX"), chain(4, "YY"), chain(4, "ZZ")]
    for limits in ({"max_dim": 10}, {"max_bytes": 10_000}):
        algebra = close(sums, **limits)
        assert not algebra.is_closed
        assert algebra.status is Status.TRUNCATED
        assert algebra.dim <= 36
        assert "at least" in algebra.name
        with pytest.raises(NotClosedError, match="max_dim"):
            _ = algebra.ideals
        with pytest.raises(NotClosedError, match="raise max_dim"):
            decompose(algebra)


def test_closure_of_nothing():
    assert close([]).dim == 0
    assert close([{"XX": 0.0}]).name == "0"


# --------------------------------------------------------------------------------- ideals
def as_sums(words):
    return tuple(PauliSum(words[i], np.ones(1)) for i in range(len(words)))


def test_decomposition_without_knowing_the_words_agrees_with_classify():
    rng = np.random.default_rng(7)
    names = set()
    for words in word_sets(seed=8, count=120):
        algebra = classify(words)
        if not 0 < algebra.dim <= 150:
            continue
        listed = enumerate_words(words)
        mixed = np.linalg.qr(rng.normal(size=(len(listed), len(listed))))[0]
        basis = tuple(PauliSum(listed, row) for row in mixed)
        unknown = LieAlgebra(dim=algebra.dim, n_qubits=listed.n_qubits, method="", basis=basis)
        assert decompose(unknown) == algebra.structure, words
        names.add(algebra.name)
    assert len(names) >= 20


def skew(n, i, j):
    out = np.zeros((n, n))
    out[i, j], out[j, i] = 1, -1
    return out


def embedded(matrix, size=8):
    """Return a Hermitian matrix of the next power of two from an anti-Hermitian one."""
    out = np.zeros((size, size), dtype=complex)
    out[: len(matrix), : len(matrix)] = 1j * np.asarray(matrix)
    return out


def random_elements(seed, basis):
    """Two random elements of an algebra generate all of it, if it is simple."""
    rng = np.random.default_rng(seed)
    return [embedded(np.tensordot(rng.normal(size=len(basis)), basis, axes=1)) for _ in range(2)]


def quaternionic():
    """A basis of sp(3) as 6 × 6 anti-Hermitian matrices: X with X J + J X^T = 0."""
    j = np.kron([[0, 1], [-1, 0]], np.eye(3))
    rng = np.random.default_rng(0)
    out = []
    for _ in range(30):
        a = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
        a = a - a.conj().T
        out.append((a + j @ a.T @ j) / 2)
    return np.array(out)


@pytest.mark.parametrize(
    "name, dim, basis",
    [
        ("g2", 14, reference.octonion_derivations()),
        ("so(7)", 21, np.array([skew(7, i, j) for i in range(7) for j in range(i)])),
        ("sp(3)", 21, quaternionic()),
        ("sp(2)", 10, np.array([skew(5, i, j) for i in range(5) for j in range(i)])),
        ("so(8)", 28, np.array([skew(8, i, j) for i in range(8) for j in range(i)])),
    ],
)
def test_types_that_share_dimension_and_rank_are_told_apart(name, dim, basis):
    algebra = close(random_elements(3, basis))
    assert (algebra.dim, algebra.name, algebra.center_dim) == (dim, name, 0)


def test_names_of_ideals():
    assert str(Ideal("sp", 4, 2)) == "sp(4) ⊕ sp(4)"
    assert str(Ideal("su", 2**40, 4)) == "4·su(2^40)"
    assert Ideal("e6", 6).dim == 78
    with pytest.raises(InputError, match="type su, so, sp"):
        Ideal("xx", 3)


# --------------------------------------------------------------------------------- module
def test_orbits_of_random_words_equal_brute_force():
    rng = np.random.default_rng(9)
    parts = Counter()
    for words in word_sets(seed=10, count=600):
        n = len(words[0])
        generators = [reference.word(w) for w in words]
        v, other = random_words(rng, n, 2)
        module = orbit(words, v)
        brute = reference.orbit(generators, [reference.word(v)])
        assert module.orbit_size == module.dim == len(brute), (words, v)
        assert module.z_type == sum(x == 0 for x, _ in brute), (words, v)
        assert module.z_type_interval == (module.z_type, module.z_type)
        assert module.is_exact
        odd = sum(reference.anticommute(w, reference.word(other)) for w in brute)
        assert module.anticommuting_fraction(other) == pytest.approx(odd / len(brute), abs=1e-14)
        pair = [w for w in brute if not reference.anticommute(w, reference.word(v))]
        assert module.count_commuting([v]) == len(pair)
        parts[len(module.counter.parts)] += 1
    assert parts[1] > 200 and parts[2] > 20


def test_enumerated_orbits_equal_brute_force():
    rng = np.random.default_rng(11)
    for words in word_sets(seed=12, count=60):
        n = len(words[0])
        v = random_words(rng, n, 1)[0]
        brute = reference.orbit([reference.word(w) for w in words], [reference.word(v)])
        assert sorted(orbit(words, v).enumerate().strings()) == sorted(reference.text(w, n) for w in brute)


@pytest.mark.parametrize("n", [4, 7, 10])
def test_tfim_orbits_follow_the_formula_that_holds_at_a_thousand_qubits(n):
    z, x = at(n, q0="Z"), at(n, **{f"q{n // 2}": "X"})
    for v, size, z_type in ((z, 2 * n, 1), (x, math.comb(2 * n, 2), n - 1)):
        module = orbit(tfim(n), v)
        listed = module.enumerate()
        assert (module.orbit_size, module.z_type) == (size, z_type)
        assert (len(listed), listed.is_diagonal().sum()) == (size, z_type)


def test_tfim_variance_at_a_thousand_qubits():
    n = 1000
    algebra = classify(tfim(n))
    z, x = orbit(algebra, at(n, q0="Z")), orbit(algebra, at(n, q500="X"))
    assert z.log2_variance_basis_state == pytest.approx(-math.log2(2 * n), abs=1e-12)
    assert x.orbit_size == math.comb(2 * n, 2) and x.z_type == n - 1
    assert z.anticommuting_fraction(at(n, q0="X")) == pytest.approx(2 / (2 * n), abs=1e-15)


def test_full_group_variance_at_a_thousand_qubits():
    n = 1000
    words = tfim(n) + [at(n, **{f"q{i}": "Y"}) for i in range(n)]
    module = orbit(words, at(n, q3="Z"))
    assert (module.orbit_size, module.z_type) == (4**n - 1, 2**n - 1)
    assert module.log2_variance_basis_state == pytest.approx(-n, abs=1e-9)
    assert module.anticommuting_fraction(at(n, q7="X")) == pytest.approx(0.5, abs=1e-15)


def test_an_observable_that_nothing_moves_has_no_variance():
    module = orbit(["XI", "IX"], "XX")
    assert (module.dim, module.log2_variance_basis_state) == (1, -math.inf)


def test_estimated_counts_cover_the_exact_ones():
    # 95% intervals: 6 or more misses in 20 have probability 3e-4
    misses = 0
    for seed in range(20):
        module = orbit(tfim(24), at(24, q3="Z", q9="X", q15="Z", q20="Y"), seed=seed)
        counter = module.counter
        part = counter.parts[0]
        value = part.values(lambda words: words.bits()[0][:, :4])
        wanted = np.zeros(4, dtype=np.uint8)
        exact = part.count(value, wanted)
        _, low, high = counter._from_solutions([value], wanted, np.random.default_rng(seed))
        misses += not low <= exact <= high
        assert 0 < low < high
    assert misses <= 5


def test_module_of_a_sum_equals_exact_fractions():
    rng = np.random.default_rng(13)
    for _ in range(60):
        n = int(rng.integers(1, 4))
        *sums, observable = random_sums(rng, n, int(rng.integers(2, 5)))
        expected = reference.span_dimension([as_reference(s) for s in sums], [as_reference(observable)])
        floats = [{w: float(c) for w, c in s.items()} for s in (*sums, observable)]
        assert module_of(floats[:-1], floats[-1]).dim == expected, (sums, observable)
        made = [PauliSum.from_terms(t) for t in floats]
        assert module_span(made[:-1], made[-1]).dim == expected


def test_module_of_a_sum_is_bounded_by_orbits_where_it_is_too_large():
    words = tfim(6)
    module = module_of(words, {at(6, q0="Z"): 1.0, at(6, q3="Y"): 0.5}, max_dim=5)
    sizes = [orbit(words, at(6, q0="Z")).dim, orbit(words, at(6, q3="Y")).dim]
    assert (module.dim, module.status) == (sum(sizes), Status.BOUND)


def test_squared_expectations_of_a_product_state_equal_dense_ones():
    rng = np.random.default_rng(14)
    n = 4
    bloch = rng.normal(size=(n, 3))
    bloch /= np.linalg.norm(bloch, axis=1, keepdims=True)
    state = np.eye(1)
    for vector in bloch:
        paulis = [reference.MATRICES[a] for a in "XYZ"]
        state = np.kron(state, (np.eye(2) + np.tensordot(vector, paulis, axes=1)) / 2)
    words = orbit(tfim(n), "IXII").enumerate()
    dense = [np.trace(state @ reference.dense({s: 1.0})).real ** 2 for s in words.strings()]
    assert squared_expectations(words, bloch) == pytest.approx(sum(dense), rel=1e-12)
    zero = np.tile([0.0, 0.0, 1.0], (n, 1))
    assert squared_expectations(words, zero) == orbit(tfim(n), "IXII").z_type


def test_modules_of_operators_share_wires_with_the_generators():
    generators = [qml.X("a"), qml.X("b"), qml.Z("a") @ qml.Z("b")]
    assert orbit(generators, qml.Z("b")).dim == orbit(["XI", "IX", "ZZ"], "IZ").dim
    assert module_of(generators, qml.Z("a") + qml.Z("b")).dim == 8


# ----------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: classify(["XQ"]), "I, X, Y, Z"),
        (lambda: classify(["XX", "X"]), "of length 2"),
        (lambda: classify([qml.X(0) + qml.Z(0)]), "use close"),
        (lambda: classify([PauliSum.from_terms({"X": 1.0, "Z": 1.0})]), "use close"),
        (lambda: classify([3]), "expected Pauli words"),
        (lambda: classify(np.zeros((2, 3), np.uint64)), r"\(m, 2W\)"),
        (lambda: classify([qml.X(0)], wire_order=[1]), "not in wire_order"),
        (lambda: close([np.eye(3)]), r"\(2\^n, 2\^n\)"),
        (lambda: close([np.array([[1, 1j], [1, 0]])]), "Hermitian"),
        (lambda: close([{"X": math.nan}]), "finite"),
        (lambda: close(["XX", {"X": 1.0}]), "same number of qubits"),
        (lambda: close(["X"], max_dim=0), "positive"),
        (lambda: enumerate_words(["X"], limit=0), "at least 1"),
        (lambda: orbit(PauliWords.from_strings(["XX"]), "X"), "on 2 qubits"),
        (lambda: orbit(["X"], ["X", "Z"]), "one word"),
        (lambda: orbit(["X", "Z"], "X").anticommuting_fraction("XX"), "one word on 1"),
        (lambda: module_of([{"X": 1.0, "Z": 1.0}], "X").enumerate(), "span of sums"),
        (
            lambda: squared_expectations(PauliWords.from_strings(["X"]), np.ones((1, 3))),
            "at most 1",
        ),
        (lambda: LieAlgebra(dim=-1, n_qubits=1, method=""), "dim ≥ 0"),
        (lambda: Module(dim=-1, n_qubits=1, method=""), "impossible"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_what_is_too_large_says_so():
    with pytest.raises(ModuleTooLargeError, match="Raise limit"):
        enumerate_words(tfim(6), limit=10)
    with pytest.raises(ModuleTooLargeError, match="more than limit"):
        orbit(tfim(6), at(6, q0="Z")).enumerate(limit=3)


def test_few_words_and_many_are_grown_alike():
    # the same elimination on Python's integers and on packed arrays; q, where it exists, is the same row
    rng = np.random.default_rng(3)
    for _ in range(60):
        n, m = int(rng.integers(1, 6)), int(rng.integers(2, 9))
        words = PauliWords.from_bits(*rng.integers(0, 2, (2, m, n)).astype(bool)).unique()[0]
        words = words[~graph.isolated_mask(words)]
        if len(words) == 0:
            continue
        (members, many), (few_members, few) = graph._grow(words), graph._grow_few(words)
        np.testing.assert_array_equal(members, few_members)
        for a, b in zip(many, few, strict=True):
            np.testing.assert_array_equal(a, b)


def test_arf_of_free_fermions_is_that_of_the_reduced_form():
    for d in range(3, 12):
        path = ["I" * (j // 2) + ("ZZ" if j % 2 else "XI") + "I" * (5 - j // 2) for j in range(d - 1)]
        for c in classify(path).components:
            form = reduce_form(c.symplectic, lambda w, c=c: quadratic_form(w, c.q_linear))
            assert c.arf is None or c.arf == form.arf


def test_orbit_holds_exactly_its_words(rng):
    for n, m in ((2, 3), (3, 2), (3, 5), (4, 6)):
        draw = [rng.integers(0, 2, (k, n)).astype(np.uint8) for k in (m, m, 1, 1)]
        module = orbit(PauliWords.from_bits(*draw[:2]), PauliWords.from_bits(*draw[2:]))
        listed = {row.tobytes() for row in module.enumerate().packed}
        number = np.arange(4**n)[:, None]
        every = PauliWords.from_bits(
            *(((number >> shift) & 1).astype(np.uint8) for shift in (np.arange(n), np.arange(n, 2 * n)))
        )
        held = {every[k].packed[0].tobytes() for k in range(len(every)) if module.holds(every[k])}
        assert held == listed
