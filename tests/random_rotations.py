"""Random rotation circuits for the tests of moments and walkers, with their dense description."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import stim
from references import averages

from pennylane_wishart.circuit import DenseBlock, InputState, RotationCircuit, StabilizerBlock
from pennylane_wishart.paulis import PauliSum, PauliWords


@dataclass(frozen=True)
class Drawn:
    """A circuit, and what a dense program needs to know of it."""

    circuit: RotationCircuit
    generators: list[dict[str, float]]
    observable: dict[str, float]

    def averages(self, laws):
        """Return dense averages under quadrature rules, one per parameter."""
        c = self.circuit
        return averages.averages(
            [averages.dense(g) for g in self.generators],
            c.coefficients,
            c.offsets,
            c.parameter_of,
            laws,
            c.state.vector(),
            averages.dense(self.observable),
        )


def word(rng, n: int, weights=(0.25, 0.25, 0.25, 0.25)) -> str:
    """Draw a word that is not the identity."""
    while True:
        letters = "".join(rng.choice(list("IXYZ"), n, p=weights))
        if set(letters) != {"I"}:
            return letters


def state(rng, n: int, kind: str) -> InputState:
    """Draw an input state of one kind."""
    if kind == "basis":
        return InputState.basis(rng.integers(0, 2, n))
    if kind == "product":
        vectors = rng.normal(size=(n, 2)) + 1j * rng.normal(size=(n, 2))
        return InputState(n, tuple(DenseBlock((q,), v / np.linalg.norm(v)) for q, v in enumerate(vectors)))
    if kind == "stabilizer":
        words = [stim.PauliString(word(rng, n).replace("I", "_")) for _ in range(4 * n)]
        tableau = stim.Tableau(n)
        for p in words:
            # exp(−iπ/4 P) is Clifford and random enough; stim's own random tableaus have no seed.
            tableau = _quarter_turn(p, n).then(tableau)
        return InputState(n, (StabilizerBlock(tuple(range(n)), tableau),))
    vector = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    return InputState.from_vector(vector / np.linalg.norm(vector))


def _quarter_turn(p: stim.PauliString, n: int) -> stim.Tableau:
    xs, zs = [], []
    for q in range(n):
        for out, letter in ((xs, 1), (zs, 3)):
            image = stim.PauliString(n)
            image[q] = letter
            out.append(image if image.commutes(p) else 1j * (p * image))
    return stim.Tableau.from_conjugated_generators(xs=xs, zs=zs)


def pauli_circuit(rng, n, length, n_terms, kind="vector", fixed=0.0, shared=0, angles=(0.3,), sparse=False) -> Drawn:
    """Draw a circuit of one-word rotations.

    Args:
        fixed: probability that a rotation is fixed, at one of ``angles``.
        shared: how many rotations take over the parameter of another one.
    """
    weights = (0.5, 0.15, 0.15, 0.2) if sparse else (0.25,) * 4
    words = [word(rng, n, weights) for _ in range(length)]
    observable = {word(rng, n, weights): float(rng.normal()) for _ in range(n_terms)}
    owner = np.arange(length)
    for k in rng.choice(length, shared, replace=False) if shared else ():
        owner[k] = rng.integers(length)
    owner[rng.random(length) < fixed] = -1
    owner[0] = max(owner[0], 0)
    used = np.unique(owner[owner >= 0])
    parameter_of = np.array([-1 if p < 0 else int(np.searchsorted(used, p)) for p in owner])
    circuit = RotationCircuit.from_words(words, observable, state=state(rng, n, kind), parameter_of=parameter_of)
    offsets = np.where(parameter_of < 0, rng.choice(angles, length), 0.0)
    circuit = replace(circuit, offsets=offsets)
    return Drawn(circuit, [{w: 0.5} for w in words], observable)


def sum_circuit(generators: list[dict[str, float]], observable: dict[str, float], state_, parameter_of=None) -> Drawn:
    """Build a circuit whose generators are sums of words."""
    n = len(next(iter(observable)))
    length = len(generators)
    owner = np.arange(length) if parameter_of is None else np.asarray(parameter_of)
    circuit = RotationCircuit(
        n_qubits=n,
        wires=tuple(range(n)),
        terms=PauliWords.from_strings([w for g in generators for w in g]),
        term_coefficients=np.array([c for g in generators for c in g.values()]),
        starts=np.concatenate([[0], np.cumsum([len(g) for g in generators])]),
        coefficients=np.ones(length),
        offsets=np.zeros(length),
        parameter_of=owner,
        random_of=np.full(length, -1),
        observable=PauliSum.from_terms(observable),
        states=(state_,),
        n_params=int(owner.max()) + 1,
    )
    return Drawn(circuit, generators, observable)


def brickwork(n: int, layers: int, letters=None) -> RotationCircuit:
    """Rot + CZ on both bonds of a chain per layer, Cliffords conjugated away by hand.

    A product of CZ gates turns Y_q into Y_q times Z on the neighbours that are bound at the time.
    """
    bound = np.zeros((n, n), bool)
    maps = []
    for _ in range(layers):
        for q in range(n):
            around = {int(j): "Z" for j in np.flatnonzero(bound[q])}
            maps += [{q: "Z"}, {q: "Y", **around}, {q: "Z"}]
        for q in range(n - 1):
            bound[q, q + 1] ^= True
            bound[q + 1, q] ^= True
    observable = PauliWords.from_maps([letters or {n // 2: "Z"}], n)
    return RotationCircuit.from_words(PauliWords.from_maps(maps, n), PauliSum.of(observable, np.ones(1)))
