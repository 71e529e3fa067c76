"""Brute-force Lie closures and orbits: slow, pure Python, sharing no code with the package.

A Pauli word is a pair of integers (x, z); sums are dictionaries word → Fraction.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

BITS = {"I": (0, 0), "X": (1, 0), "Y": (1, 1), "Z": (0, 1)}
MATRICES = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def word(text):
    """Read a string as (x, z)."""
    x = z = 0
    for letter in text:
        a, b = BITS[letter]
        x, z = 2 * x + a, 2 * z + b
    return x, z


def text(w, n):
    """Write (x, z) as a string."""
    letters = {bits: letter for letter, bits in BITS.items()}
    return "".join(letters[w[0] >> i & 1, w[1] >> i & 1] for i in range(n - 1, -1, -1))


def anticommute(a, b):
    """Tell whether two words anticommute."""
    return ((a[0] & b[1]).bit_count() + (a[1] & b[0]).bit_count()) % 2 == 1


def product(a, b):
    """Multiply words, dropping the phase."""
    return a[0] ^ b[0], a[1] ^ b[1]


def orbit(generators, starts):
    """Return all words reached from the starts by multiplying with anticommuting generators."""
    queue = list(starts)
    reached = set(queue)
    while queue:
        a = queue.pop()
        for g in generators:
            if anticommute(a, g):
                b = product(a, g)
                if b not in reached:
                    reached.add(b)
                    queue.append(b)
    return reached


def components(words):
    """Return the connected components of the anticommutation graph, as lists."""
    left, out = set(words), []
    while left:
        queue, found = [left.pop()], []
        while queue:
            a = queue.pop()
            found.append(a)
            near = {b for b in left if anticommute(a, b)}
            left -= near
            queue.extend(near)
        out.append(found)
    return out


def _rank(words):
    """Return the size of a maximal commuting subset: a Cartan subalgebra spanned by words."""
    chosen = []
    for a in words:
        if not any(anticommute(a, b) for b in chosen):
            chosen.append(a)
    return len(chosen)


def _copies(words):
    """Count words that commute with all and map the set to itself: they span the centroid."""
    everything = set(words)
    first = words[0]
    count = 0
    for b in words + [None]:
        r = (0, 0) if b is None else product(first, b)
        if b == first or any(anticommute(r, a) for a in words):
            continue
        count += all(product(r, a) in everything for a in words)
    return count


def _matches(dim, rank, centraliser):
    """Return the names of classical algebras with these invariants of a Pauli word in them."""
    found = []
    for n in range(2, 70):
        if (n * n - 1, n - 1) == (dim, rank) and 2 * centraliser == n * n - 2:
            found.append(("su", n))
        orthogonal = {1 + (n - 2) * (n - 3) // 2, n * n / 4}
        if n > 6 and (n * (n - 1) // 2, n // 2) == (dim, rank) and centraliser in orthogonal:
            found.append(("so", n))
        if n >= 2 and (n * (2 * n + 1), n) == (dim, rank) and centraliser == n * n:
            found.append(("sp", n))
    return found


def structure(words):
    """Identify the algebra spanned by a closed set of words from rank and centralisers.

    Returns:
        ``(Counter {(type, n): copies}, centre dimension)``.
    """
    ideals, center = Counter(), 0
    for part in components(words):
        if len(part) == 1:
            center += 1
            continue
        copies = _copies(part)
        centraliser = sum(not anticommute(part[0], a) for a in part)
        found = _matches(len(part) / copies, _rank(part) / copies, centraliser / copies)
        assert len(found) == 1, (len(part), copies, centraliser, found)
        ideals[found[0]] += copies
    return ideals, center


# ------------------------------------------------------------------------------ sums of words
def _phase(a, b):
    """Return k with A·B = i^k·(product), for Hermitian words i^(x·z) X^x Z^z."""
    c = product(a, b)
    ys = [(w[0] & w[1]).bit_count() for w in (a, b, c)]
    return (ys[0] + ys[1] - ys[2] + 2 * (a[1] & b[0]).bit_count()) % 4


def bracket(a, b):
    """Return i[A, B]/2 of two sums, exactly."""
    out = Counter()
    for p, u in a.items():
        for q, v in b.items():
            if anticommute(p, q):
                out[product(p, q)] += u * v * (1 if _phase(p, q) == 3 else -1)
    return {w: c for w, c in out.items() if c}


class Span:
    """A span of sums over the rationals."""

    def __init__(self):
        self.rows = {}

    def add(self, vector):
        """Add a sum; tell whether it was independent."""
        vector = {w: Fraction(c) for w, c in vector.items() if c}
        while vector:
            pivot = max(vector)
            if pivot not in self.rows:
                self.rows[pivot] = {w: c / vector[pivot] for w, c in vector.items()}
                return True
            factor = vector[pivot]
            for w, c in self.rows[pivot].items():
                value = vector.get(w, 0) - factor * c
                if value:
                    vector[w] = value
                else:
                    vector.pop(w, None)
        return False


def span_dimension(generators, starts=None):
    """Return the dimension of the smallest span holding the starts, closed under generators."""
    queue = list(generators if starts is None else starts)
    span, dim = Span(), 0
    while queue:
        vector = queue.pop()
        if span.add(vector):
            dim += 1
            queue.extend(bracket(g, vector) for g in generators)
    return dim


def dense(terms):
    """Return the matrix of a mapping string → coefficient."""
    total = 0
    for letters, coefficient in terms.items():
        matrix = np.eye(1)
        for letter in letters:
            matrix = np.kron(matrix, MATRICES[letter])
        total = total + coefficient * matrix
    return total


def dense_dimension(matrices, tol=1e-8):
    """Return the dimension of the Lie closure of Hermitian matrices by Gram–Schmidt."""
    basis = []

    def add(m):
        v = m.ravel() / max(np.linalg.norm(m), 1e-300)
        for _ in range(2):
            for b in basis:
                v = v - np.vdot(b, v).real * b
        if np.linalg.norm(m) > tol and np.linalg.norm(v) > tol:
            basis.append(v / np.linalg.norm(v))
            return True
        return False

    queue = list(matrices)
    while queue:
        m = queue.pop(0)
        if add(m):
            m = basis[-1].reshape(m.shape)
            queue.extend(1j * (g @ m - m @ g) for g in matrices)
    return len(basis)


def octonion_derivations():
    """Return 14 real antisymmetric 8 × 8 matrices that span g2, from the octonions' product."""
    lines = [(1, 2, 4), (2, 3, 5), (3, 4, 6), (4, 5, 7), (5, 6, 1), (6, 7, 2), (7, 1, 3)]
    table = np.zeros((8, 8, 8))
    table[0] = np.eye(8)
    table[:, 0] = np.eye(8)
    for k in range(1, 8):
        table[k, k, 0] = -1
    for a, b, c in lines:
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            table[i, j, k], table[j, i, k] = 1, -1
    left = [table[i].T for i in range(8)]  # left[i] @ e_j = e_i e_j
    right = [table[:, i].T for i in range(8)]

    def com(a, b):
        return a @ b - b @ a

    found = []
    for i in range(1, 8):
        for j in range(i + 1, 8):
            found.append(com(left[i], left[j]) + com(right[i], right[j]) + com(left[i], right[j]))
    _, values, rows = np.linalg.svd(np.array(found).reshape(len(found), -1))
    assert np.sum(values > 1e-9) == 14
    return rows[:14].reshape(14, 8, 8)
