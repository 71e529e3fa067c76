"""``WordAction``: rows against dense matrices; exact tuples and walkers against dense averages."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import linalg

from pennylane_wishart.circuit import InputState
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.actions import rotation_action, transfer_action
from pennylane_wishart.variances.engines.tuples import AveragedGate, tuple_moments
from pennylane_wishart.variances.engines.walks.inputzone import input_zone
from pennylane_wishart.variances.engines.walks.signed import Walk, WalkedGate, WalkSums, walk_tuples

GENERATORS = {
    "word": {"XYZ": 0.5},
    "controlled": {"IXI": 0.25, "ZXI": -0.25},
    "excitation": {"XYI": 0.25, "YXI": -0.25},
    "commuting": {"ZZI": 0.5, "IZZ": 0.5, "ZIZ": 0.3},
    "not commuting": {"XII": 0.4, "ZZI": 0.7, "IYX": -0.2},
}


def dense(word: str) -> np.ndarray:
    letters = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    out = np.eye(1)
    for letter in word:
        out = np.kron(out, letters[letter])
    return out


def operator(terms) -> np.ndarray:
    return sum(c * dense(w) for w, c in terms.items())


def words_of(n: int) -> list[str]:
    return ["".join(w) for w in itertools.product("IXYZ", repeat=n)]


def applied(action, word: str, angle: float) -> np.ndarray:
    """Rebuild the image of a word from the action's row."""
    words = PauliWords.from_strings([word])
    row = action.row(int(action.syndromes(words)[0]))
    values = (np.exp(1j * angle * row.frequencies) @ row.amplitudes).real
    out = np.zeros((2 ** len(word),) * 2, complex)
    for value, shift, odd in zip(values, row.shifts, row.odd, strict=True):
        found, sign = action.image(words, int(shift), bool(odd))
        out += value * sign[0] * dense(found.strings()[0])
    return out


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("fixed", [False, True])
def test_rotations_turn_every_word_as_matrices_do(name, fixed):
    terms, angle = GENERATORS[name], 0.83
    action = rotation_action(PauliSum.from_terms(terms), angle if fixed else None)
    turn = linalg.expm(-1j * angle * operator(terms))
    for word in words_of(3):
        expected = turn.conj().T @ dense(word) @ turn
        np.testing.assert_allclose(applied(action, word, angle), expected, atol=1e-12)


def transfer_of(kraus: list[np.ndarray]) -> np.ndarray:
    """Pauli transfer matrix of the adjoint map; words by x bits, then z bits, first qubit lowest."""
    k = int(np.log2(len(kraus[0])))
    letters = []
    for number in range(4**k):
        x, z = number & (2**k - 1), number >> k
        letters.append(dense("".join("IXZY"[((x >> j) & 1) + 2 * ((z >> j) & 1)] for j in range(k))))
    images = [sum(a.conj().T @ p @ a for a in kraus) for p in letters]
    return np.array([[np.trace(p @ image).real / 2**k for image in images] for p in letters])


def damping(gamma: float) -> list[np.ndarray]:
    return [np.diag([1, np.sqrt(1 - gamma)]), np.array([[0, np.sqrt(gamma)], [0, 0]])]


def test_channels_act_on_every_word_as_their_kraus_operators_do():
    kraus = [np.kron(np.kron(np.eye(2), a), np.eye(2)) for a in damping(0.3)]
    action = transfer_action(PauliWords.from_strings(["IXI", "IZI"]), transfer_of(damping(0.3)))
    for word in words_of(3):
        expected = sum(a.conj().T @ dense(word) @ a for a in kraus)
        np.testing.assert_allclose(applied(action, word, 0.0), expected, atol=1e-12)


@pytest.mark.parametrize("clifford", ["CNOT", "S and H", "CZ and X"])
def test_channels_behind_clifford_gates_act_on_conjugated_words(clifford):
    cnot = np.eye(4)[[0, 1, 3, 2]]
    s, h = np.diag([1, 1j]), np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    gate = {
        "CNOT": cnot,
        "S and H": np.kron(s @ h, np.eye(2)),
        "CZ and X": np.diag([1, 1, 1, -1]) @ np.kron(np.eye(2), np.array([[0, 1], [1, 0]])),
    }[clifford]
    two = [np.kron(a, b) for a in damping(0.2) for b in damping(0.45)]
    frame, signs = [], []
    for letter in ("XI", "IX", "ZI", "IZ"):
        image = gate.conj().T @ dense(letter) @ gate
        word = next(w for w in words_of(2) if abs(np.trace(dense(w) @ image)) > 1)
        frame.append(word)
        signs.append(np.sign(np.trace(dense(word) @ image).real))
    action = transfer_action(PauliWords.from_strings(frame), transfer_of(two), np.array(signs))
    kraus = [gate.conj().T @ a @ gate for a in two]
    for word in words_of(2):
        expected = sum(a.conj().T @ dense(word) @ a for a in kraus)
        np.testing.assert_allclose(applied(action, word, 0.0), expected, atol=1e-12)


def test_a_generator_of_too_many_independent_words_is_refused():
    words = {"I" * k + "X" + "I" * (13 - k): 1.0 for k in range(14)}
    with pytest.raises(ModuleTooLargeError, match="independent words"):
        rotation_action(PauliSum.from_terms(words))


def uniform(frequency):
    return (np.abs(frequency) < 1e-9).astype(complex)


def normal(frequency):
    return np.exp(-0.5 * (0.6 * frequency) ** 2).astype(complex)


LAWS = {"uniform": uniform, "normal": normal}
CIRCUIT = ["controlled", "word", "excitation", "not commuting", "controlled", "commuting"]
OBSERVABLE = {"ZII": 1.0, "IXY": 0.4, "ZZZ": -0.7}


def circuit_losses(angles: np.ndarray) -> np.ndarray:
    """Losses at rows of angles, by matrices in the eigenbasis of each generator."""
    psi = np.zeros((len(angles), 8), complex)
    psi[:, 2] = 1
    for name, column in zip(CIRCUIT, angles.T, strict=True):
        values, vectors = np.linalg.eigh(operator(GENERATORS[name]))
        psi = (np.exp(-1j * column[:, None] * values) * (psi @ vectors.conj())) @ vectors.T
    return np.einsum("bi,ij,bj->b", psi.conj(), operator(OBSERVABLE), psi).real


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("power", [1, 2])
def test_tuples_agree_with_sampled_circuits(law, power, rng):
    gates = [AveragedGate(rotation_action(PauliSum.from_terms(GENERATORS[g])), LAWS[law], True) for g in CIRCUIT]
    found = tuple_moments(PauliSum.from_terms(OBSERVABLE), gates, InputState.basis([0, 1, 0]).expectation, power)
    # Incommensurate rates: uniform means over a range so long that every oscillation averages out.
    size = 20_000
    angles = 0.6 * rng.standard_normal((size, 6)) if law == "normal" else rng.uniform(0, 1e5, (size, 6))
    losses = circuit_losses(angles) ** power
    assert abs(losses.mean() - found.value) < 5 * losses.std() / np.sqrt(size)
    step = 1e-4
    for k in (0, 3, 5):
        shift = np.zeros(6)
        shift[k] = step
        slopes = ((circuit_losses(angles + shift) - circuit_losses(angles - shift)) / (2 * step)) ** power
        assert abs(slopes.mean() - found.slopes[k]) < 5 * slopes.std() / np.sqrt(size) + 1e-6


def test_fourth_moments_agree_with_the_exact_average_of_two_angles():
    # cos φ of one word, then of another: E[cos⁴]² = (3/8)², and sin⁴ takes the place of cos⁴ in a slope.
    gates = [AveragedGate(rotation_action(PauliSum.from_terms({w: 0.5})), uniform, True) for w in ("XI", "IX")]
    found = tuple_moments(PauliSum.from_terms({"ZZ": 1.0}), gates, InputState.basis([0, 0]).expectation, 4)
    np.testing.assert_allclose([found.value, *found.slopes], (3 / 8) ** 2, atol=1e-14)


def _walk(observable, gates, state):
    return Walk(observable, gates, input_zone(gates, state, 2), state.expectation, 2)


@pytest.mark.parametrize("law", LAWS)
def test_walkers_agree_with_exact_tuples_channels_included(law, rng):
    noise = transfer_action(PauliWords.from_strings(["IXI", "IZI"]), transfer_of(damping(0.3)))
    actions = [rotation_action(PauliSum.from_terms(GENERATORS[g])) for g in CIRCUIT]
    exact = [AveragedGate(a, LAWS[law], True) for a in actions]
    exact.insert(3, AveragedGate(noise, uniform, False))
    walked = [WalkedGate(a, k, 1.0, LAWS[law]) for k, a in enumerate(actions)]
    walked.insert(3, WalkedGate(noise, -1, 0.0, uniform))
    observable, state = PauliSum.from_terms(OBSERVABLE), InputState.basis([0, 1, 0])
    found = tuple_moments(observable, exact, state.expectation)
    sums = WalkSums(6)
    walk_tuples(_walk(observable, walked, state), np.zeros((7, 40_000)), sums, rng)
    mean = sums.total / sums.n
    error = np.sqrt((sums.squares / sums.n - mean**2) / sums.n)
    expected = np.concatenate([[found.value], np.delete(found.slopes, 3)])
    assert np.all(np.abs(mean - expected) < 5 * error)
    assert error[0] < 0.2 * found.value


@pytest.mark.parametrize("law", LAWS)
def test_drawn_angles_give_the_same_averages(law, rng):
    actions = [rotation_action(PauliSum.from_terms(GENERATORS[g])) for g in CIRCUIT[:3]]
    observable, state = PauliSum.from_terms(OBSERVABLE), InputState.basis([0, 1, 0])
    exact = tuple_moments(observable, [AveragedGate(a, LAWS[law], True) for a in actions], state.expectation)
    size = 100_000
    angles = 0.6 * rng.standard_normal((3, size)) if law == "normal" else rng.uniform(0, 8 * np.pi, (3, size))
    sums = WalkSums(3)
    drawn = [WalkedGate(a, k, 1.0, None) for k, a in enumerate(actions)]
    walk_tuples(_walk(observable, drawn, state), angles, sums, rng)
    mean = sums.total / sums.n
    error = np.sqrt((sums.squares / sums.n - mean**2) / sums.n)
    assert np.all(np.abs(mean - np.concatenate([[exact.value], exact.slopes])) < 5 * error)
