"""Truncated Pauli propagation as a dictionary of strings: no code of the package is used here."""

import numpy as np
from references.averages import PAULI


def _product(a, b):
    product = PAULI[a] @ PAULI[b]
    for letter, matrix in PAULI.items():
        phase = np.trace(matrix.conj().T @ product) / 2
        if abs(phase) > 0.5:
            return phase, letter
    raise AssertionError


PRODUCT = {(a, b): _product(a, b) for a in PAULI for b in PAULI}
LETTER = {(0, 0): "I", (1, 0): "X", (1, 1): "Y", (0, 1): "Z"}


def weight(word):
    """Return on how many qubits a word acts."""
    return sum(letter != "I" for letter in word)


def _rotated(word, generator):
    """Return i·generator·word as a sign and a word, or None where they commute."""
    if sum(a != "I" and b != "I" and a != b for a, b in zip(generator, word, strict=True)) % 2 == 0:
        return None
    phase, out = 1j, ""
    for a, b in zip(generator, word, strict=True):
        own, letter = PRODUCT[a, b]
        phase, out = phase * own, out + letter
    return phase.real, out


def _undone(word, control, target):
    """Return CNOT·word·CNOT as a sign and a word."""
    xa, za = word[control] in "XY", word[control] in "ZY"
    xb, zb = word[target] in "XY", word[target] in "ZY"
    letters = list(word)
    letters[control], letters[target] = LETTER[int(xa), int(za ^ zb)], LETTER[int(xa ^ xb), int(zb)]
    return (-1 if xa and zb and xb == za else 1), "".join(letters)


def run(gates, observable, n, most, angles):
    """Return ⟨0|O_w|0⟩ at angles ``(batch, rotations)`` and the number of words held, words above ``most`` dropped."""
    held = {w: np.full(len(angles), c) for w, c in observable.items() if weight(w) <= most}
    for gate in reversed(gates):
        new = {}

        def add(word, value, new=new):
            if weight(word) <= most:
                new[word] = new.get(word, 0) + value

        for word, c in held.items():
            if gate[0] != "rot":
                sign, other = _undone(word, *gate[1:])
                add(other, sign * c)
                continue
            turned = _rotated(word, gate[1])
            if turned is None:
                add(word, c)
            else:
                add(word, c * np.cos(angles[:, gate[2]]))
                add(turned[1], c * np.sin(angles[:, gate[2]]) * turned[0])
        held = new
    value = np.zeros(len(angles))
    for word, c in held.items():
        if set(word) <= set("IZ"):
            value = value + c
    return value, len(held)


def _word(rng, n):
    letters = ["I"] * n
    for q in rng.choice(n, int(rng.integers(1, 3)), replace=False):
        letters[q] = str(rng.choice(list("XYZ")))
    return "".join(letters)


def drawn(rng):
    """Draw a circuit of rotations and CNOTs on 3 or 4 qubits: qubits, gates, observable, number of rotations."""
    n = int(rng.integers(3, 5))
    # Clifford gates before the first rotation would belong to the input, which is not propagated
    gates = [("rot", "I" * q + "XYZX"[q] + "I" * (n - 1 - q), q) for q in range(n)]
    count = n
    for _ in range(int(rng.integers(8, 15))):
        if rng.random() < 0.35:
            control, target = rng.choice(n, 2, replace=False)
            gates.append(("cnot", int(control), int(target)))
        else:
            gates.append(("rot", _word(rng, n), count))
            count += 1
    return n, gates, {_word(rng, n): float(rng.normal()) for _ in range(int(rng.integers(1, 4)))}, count
