"""What counts as one sector: copies of an irrep, split only where the observable resolves them."""

from __future__ import annotations

import numpy as np
import pytest
from references import sectors as oracle
from scipy.stats import ks_2samp
from test_sectors import dense, on, predicted_variance, random_product, random_state, sums

from pennylane_wishart.circuit import DenseBlock, InputState, RotationCircuit
from pennylane_wishart.prediction import predict
from pennylane_wishart.sectors import build_signature
from pennylane_wishart.sectors.pauli.route import pauli_sectors
from pennylane_wishart.sectors.problem import pose

LETTERS = np.array(list("IXYZ"))


def oracle_facts(circuit) -> list[tuple]:
    """(N, I, weight, centre, variance, λ_min, Tr ρ²) of every sector, from dense commutants."""
    generators, observable, state = dense(circuit)
    out = []
    for seen in oracle.refined(oracle.relevant(generators, observable), observable, state):
        s = seen.sector
        amplitude = np.einsum("xia,x->ia", s.frame.conj(), state)
        purity = np.linalg.norm(amplitude.conj().T @ amplitude) ** 2
        variance = np.trace(seen.moving @ seen.moving).real / s.dim
        ground = np.linalg.eigvalsh(seen.moving)[0] + seen.center
        out.append((s.dim, s.multiplicity, s.weight, seen.center, variance, ground, purity))
    return _sorted(out)


def facts(signature) -> list[tuple]:
    """The same numbers of a signature (for β = 2, where ρ is not projected)."""
    rows = [(s.dim, s.multiplicity, s.weight, s.center, s.variance, s.ground, s.purity) for s in signature.sectors]
    return _sorted(rows)


def _sorted(rows) -> list[tuple]:
    return sorted(tuple(round(float(v), 6) + 0.0 for v in row) for row in rows)


def random_linked(seed: int) -> RotationCircuit:
    """Generators on two qubits, an observable that carries words of idle ones, equal coefficients."""
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    words = ["".join(rng.choice(LETTERS, 2)) + "I" * (n - 2) for _ in range(int(rng.integers(2, 6)))]
    words = [w for w in words if set(w) != {"I"}] or ["X" + "I" * (n - 1)]
    terms, logical = {}, ["".join(rng.choice(LETTERS, 2)) for _ in range(2)]
    for _ in range(int(rng.integers(2, 6))):
        idle = rng.choice(list("IZ") if seed % 3 else list("IXZ"), n - 2)
        terms[str(rng.choice(logical)) + "".join(idle)] = float(rng.choice([0.5, -0.5, 1.0]))
    kinds = (
        lambda: InputState.basis(rng.integers(0, 2, n)),
        lambda: random_product(n, rng),
        lambda: random_state(n, rng),
    )
    return RotationCircuit.from_words(words, terms, kinds[int(rng.integers(3))]())


@pytest.mark.parametrize("route", ["pauli", "dense"])
def test_both_routes_list_the_sectors_of_the_oracle(route):
    compared = merged = linked = 0
    for seed in range(90):
        circuit = random_linked(seed)
        generators, observable, _ = dense(circuit)
        if not oracle.relevant(generators, observable):
            continue
        signature = build_signature(circuit, route=route)
        if signature.method == "spin factor" or (route == "pauli" and pauli_sectors(pose(circuit)).by_sums):
            continue  # a vector; or copies told apart by sums of words, which go to the dense route
        compared += 1
        assert sum(s.dim * s.multiplicity for s in signature.sectors) == 2**circuit.n_qubits, seed
        mine, theirs = facts(signature), oracle_facts(circuit)
        skip = -1 if any(s.beta in (1, 4) for s in signature.sectors) else None  # ρ is projected there
        np.testing.assert_allclose(
            np.array(_sorted(r[:skip] for r in mine)), np.array(_sorted(r[:skip] for r in theirs)), atol=3e-6,
            err_msg=str(seed),
        )  # fmt: skip
        merged += any("more" in s.label or " or " in s.label for s in signature.sectors)
        keys = [k for s in signature.sectors if s.is_linear for k in s.linked_to]
        linked += len(keys) > len(set(keys))
    assert compared > 60 and linked > 10
    if route == "pauli":
        assert merged > 5


@pytest.mark.parametrize("seed", range(6))
def test_sums_with_idle_qubits_too(seed):
    rng = np.random.default_rng(seed)
    gens = [{"XXI": 1.0, "YYI": 1.0}, {"ZII": 0.7, "IZI": -0.4}, {"ZZI": 1.0, "XXI": float(seed % 2)}]
    observable = {"ZII": 1.0, "ZIZ": (1.0, 0.5, 0.0)[seed % 3], "XXZ": float(rng.choice([0.0, 1.0]))}
    circuit = sums(3, gens, observable, random_state(3, rng))
    signature = build_signature(circuit, route="dense")
    mine, theirs = ([r[:-1] for r in rows] for rows in (facts(signature), oracle_facts(circuit)))
    np.testing.assert_allclose(np.array(mine), np.array(theirs), atol=3e-6)


def test_copies_with_the_same_observable_are_one_sector():
    # Z0(Z1 + Z2): +2Z, −2Z and twice 0·Z; the two constant copies are one sector
    circuit = RotationCircuit.from_words(
        ["XII", "YII"], {"ZZI": 1.0, "ZIZ": 1.0}, random_state(3, np.random.default_rng(2))
    )
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        found = sorted((s.multiplicity, round(s.variance, 9)) for s in signature.sectors)
        assert found == [(1, 4.0), (1, 4.0), (2, 0.0)] and signature.n_sectors == 3
        assert not signature.in_theory and "not independent" in signature.reason
    # Z0 does not resolve them: all four copies are one
    circuit = RotationCircuit.from_words(["XII", "YII"], {"ZII": 1.0}, random_state(3, np.random.default_rng(2)))
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert [s.multiplicity for s in signature.sectors] == [4] and signature.in_theory


def test_an_observable_that_mixes_copies_does_not_resolve_them():
    # Z0 X1 + X0 Z1: the idle qubit's words do not commute
    state = random_state(2, np.random.default_rng(0))
    circuit = RotationCircuit.from_words(["XI", "YI"], {"ZX": 1.0, "XZ": 1.0}, state)
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert [s.multiplicity for s in signature.sectors] == [2] and not signature.in_theory
        assert "outside the algebra" in signature.reason


@pytest.mark.parametrize(
    "observable, state, sectors",
    [
        ({"ZI": 0.5, "ZZ": 0.5}, None, 2),  # Z0(1 + Z1)/2: the other copy is constant
        ({"ZI": 1.0, "XZ": 0.6}, [0, 1], 2),  # both copies move, one carries the input
        ({"ZI": 1.0, "XZ": 0.6}, [0, 0], 2),
    ],
)
def test_one_of_two_linked_sectors_obeys_its_law(observable, state, sectors):
    """Against Haar unitaries of the algebra's group: KS test at a false-alarm rate of 1e-4 each."""
    rng = np.random.default_rng(3)
    given = random_product(2, rng) if state is None else InputState.basis(state)
    circuit = RotationCircuit.from_words(["XI", "YI"], observable, given)
    _, matrix, vector = dense(circuit)
    gaussian = rng.normal(size=(6000, 2, 2)) + 1j * rng.normal(size=(6000, 2, 2))
    q, r = np.linalg.qr(gaussian)
    phases = np.einsum("kii->ki", r)
    haar = q * (phases / np.abs(phases))[:, None, :]
    turned = np.einsum("kab,bc->kac", haar, vector.reshape(2, 2)).reshape(-1, 4)
    losses = np.einsum("kx,xy,ky->k", turned.conj(), matrix, turned).real
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert signature.in_theory and len(signature.sectors) == sectors
        assert sum(s.dim * s.multiplicity for s in signature.sectors) == 4
        spread = np.sqrt(np.var((losses - losses.mean()) ** 2) / len(losses))
        assert abs(losses.var() - predicted_variance(signature)) < 5 * spread
        drawn = predict(signature).loss.sample(6000, np.random.default_rng(8))
        assert ks_2samp(losses, drawn).pvalue > 1e-4


def test_an_input_equal_in_all_copies_sees_one_mean_observable():
    """A product input: 6,000 sampled losses, KS test at a false-alarm rate of 1e-4."""
    rng = np.random.default_rng(5)
    state = random_product(2, rng)
    circuit = RotationCircuit.from_words(["XI", "YI"], {"ZI": 1.0, "XZ": 0.6}, state)
    assert not build_signature(circuit, route="pauli").in_theory
    signature = build_signature(circuit)
    (sector,) = signature.sectors
    assert signature.in_theory and "the input reaches" in signature.reason
    mean = float(state.blocks[1].bloch[2])
    assert sector.variance == pytest.approx(1 + (0.6 * mean) ** 2)
    losses = oracle.sample_losses(*dense(circuit), 6000, 20, rng)
    drawn = predict(signature).loss.sample(6000, rng)
    assert ks_2samp(losses, drawn).pvalue > 1e-4


def test_commuting_rotations_have_sectors_of_dimension_one():
    circuit = RotationCircuit.from_words(["ZI", "ZZ"], {"XI": 1.0}, random_state(2, np.random.default_rng(0)))
    for route in ("pauli", "dense"):
        signature = build_signature(circuit, route=route)
        assert [s.dim for s in signature.sectors] == [1] * 4
        assert not signature.in_theory and {s.kind for s in signature.sectors} == {"trivial"}


def test_large_circuits_merge_without_listing():
    n = 40
    words = [on(n, {0: "X"}), on(n, {0: "Y"})]
    observable = {on(n, {0: "Z", q: "Z"}): 1.0 for q in range(1, 9)}
    signature = build_signature(RotationCircuit.from_words(words, observable))
    (sector,) = signature.weighted_sectors
    assert signature.in_theory and sector.variance == 64.0 and sector.multiplicity == 2 ** (n - 9)
    one = InputState.basis([0, 1] + [0] * (n - 2))
    (sector,) = build_signature(RotationCircuit.from_words(words, observable, one)).weighted_sectors
    assert sector.variance == 36.0 and sector.multiplicity == 8 * 2 ** (n - 9)  # one minus among eight


# ------------------------------------------------------------------ symmetries that nobody declared
def qaoa(n: int, ring: bool) -> RotationCircuit:
    """QAOA sums of MaxCut from |+…+⟩."""
    edges = [(i, (i + 1) % n) for i in range(n if ring else n - 1)]
    cost = {on(n, {a: "Z", b: "Z"}): 1.0 for a, b in edges}
    plus = InputState(n, tuple(DenseBlock((q,), np.full(2, 0.5**0.5, complex)) for q in range(n)))
    return sums(n, [cost, {on(n, {q: "X"}): 1.0 for q in range(n)}], cost, plus)


@pytest.mark.parametrize("n, ring, size", [(4, True, 4), (4, False, 6), (8, True, 16), (8, False, 70), (12, True, 64)])
def test_qaoa_sectors_use_parity_translation_and_reflection(n, ring, size):
    # free fermions: one su(2) per pair of momenta on the ring, Λ^(n/2) of C^n on the chain
    circuit = qaoa(n, ring)
    signature = build_signature(circuit)
    (sector,) = signature.weighted_sectors
    assert sector.dim == size and sector.weight == pytest.approx(1.0)
    if n == 4:
        mine, theirs = ([r[:-1] for r in rows] for rows in (facts(signature), oracle_facts(circuit)))
        np.testing.assert_allclose(np.array(mine), np.array(theirs), atol=3e-6)
    if n == 8 and not ring:
        assert not signature.in_theory and "The whole algebra has dimension 64" in signature.reason


@pytest.mark.slow
@pytest.mark.parametrize("n, route, singlets", [(10, "reachable", (14, 28)), (12, None, (42, 90))])
def test_total_spin_is_found_by_itself(n, route, singlets):
    """Exchange on every bond of a chain, from a product of singlets: spin 0, a Catalan number."""
    singlet = np.array([0, 1, -1, 0], complex) / np.sqrt(2)
    state = InputState(n, tuple(DenseBlock((q, q + 1), singlet) for q in range(0, n, 2)))
    bonds = [{on(n, {i: a, i + 1: a}): 1.0 for a in "XYZ"} for i in range(n - 1)]
    signature = build_signature(sums(n, bonds, bonds[1], state), route=route)
    (sector,) = signature.sectors
    assert sector.dim == sum(singlets) and sector.kind == "su" and sector.beta == 2
    assert signature.in_theory and signature.n_sectors is None and sector.label == "reached from the input"
    # exchange is −3 on a singlet: as often as the other spins have spin 0
    assert sector.spectrum[1] == singlets
    np.testing.assert_allclose(sector.spectrum[0], [-3.0, 1.0], atol=1e-8)
