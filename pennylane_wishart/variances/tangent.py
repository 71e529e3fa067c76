"""``tangent_kernel``: E Σ_k ∂_kℓ_i ∂_kℓ_j over random angles, for several inputs at once.

The average of O⊗O carries a second weight beside its own: what it would be, had one rotation of those
passed so far been differentiated. At the input both are weights on pairs of words, so that any number
of inputs costs one product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pennylane_wishart.circuit import AngleLaw, InputState, RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances.drivers import angle_transform, clean_moments, drivers_of
from pennylane_wishart.variances.engines.damping import Damping
from pennylane_wishart.variances.engines.operators import module_in_light_cone
from pennylane_wishart.variances.engines.rotors import Rotor
from pennylane_wishart.variances.engines.sampled import sample_gradients
from pennylane_wishart.variances.engines.walks.ends import Weights
from pennylane_wishart.variances.engines.walks.tally import Tally
from pennylane_wishart.variances.engines.walks.walk import Walkers, walked_chains
from pennylane_wishart.variances.engines.words import Chains, chains_of, damp, diagonal_suffices, phase_sign
from pennylane_wishart.variances.reach import Reach, reach

__all__ = ["TangentKernel", "tangent_kernel"]


@dataclass(frozen=True, eq=False)
class TangentKernel(Written):
    """The expected tangent kernel of several inputs."""

    value: np.ndarray
    """float64 ``(n, n)``, in squared units of the observable per squared radian."""
    error: np.ndarray
    """Standard errors; 0 where exact."""
    engine: EngineId

    def __post_init__(self) -> None:
        object.__setattr__(self, "engine", EngineId(self.engine))
        if np.shape(self.value) != np.shape(self.error) or np.ndim(self.value) != 2:
            raise InputError(f"A kernel and its error are (n, n); got {np.shape(self.value)}, {np.shape(self.error)}.")


def tangent_kernel(
    circuit: RotationCircuit,
    law: AngleLaw,
    states: Sequence[InputState],
    seed: int | np.random.Generator | None = None,
    max_support: int = limits.CHOICE_SUPPORT,
    n_walkers: int = limits.WALKERS,
) -> TangentKernel:
    """Compute E Σ_k ∂_kℓ(ρ_i)∂_kℓ(ρ_j) over the angles: exactly, else by walkers, else by sampling states.

    Args:
        circuit: the normal form; its own inputs are not used.
        law: independent angles.
        states: the inputs ρ_i, in the circuit's frame.
        seed: for ``numpy.random.default_rng``.
    Raises:
        UnsupportedCircuitError: if no engine applies.
    Cost: that of the gradient variances, and n² products of reachable words.
    Source: arXiv:2311.18144 for the kernel; its average over walks is ours.
    """
    if not all(c.is_diagonal for c in circuit.channels):
        raise UnsupportedCircuitError("Noise that turns words into others has no tangent kernel of several inputs.")
    alone = drivers_of(circuit).independent
    try:
        if alone and circuit.is_pauli and diagonal_suffices(circuit, clean_moments(circuit, law)):
            return _by_words(circuit, law, states, max_support)
        if alone and not circuit.channels:
            return _on_module(circuit, law, states)
    except ModuleTooLargeError:
        pass  # what is too large for exact averages is walked or sampled
    if circuit.channels:
        raise UnsupportedCircuitError("Under noise tangent kernels of several inputs are found on few words only.")
    rng = np.random.default_rng(seed)
    try:
        return _by_walk(circuit, law, states, n_walkers, rng)
    except (UnsupportedCircuitError, ModuleTooLargeError) as error:
        if circuit.n_qubits > limits.MAX_SAMPLED_QUBITS:
            raise UnsupportedCircuitError(f"No engine gives the tangent kernel of this circuit. {error}") from error
    return _by_sampling(circuit, law, states, rng)


def _slopes(circuit: RotationCircuit) -> np.ndarray:
    """Return (dφ/dθ)² of every rotation, 0 where no parameter drives it."""
    scale = 2 * circuit.term_coefficients * circuit.coefficients
    return np.where(circuit.parameter_of >= 0, scale**2, 0.0)


def _by_words(circuit: RotationCircuit, law: AngleLaw, states: Sequence[InputState], max_support: int) -> TangentKernel:
    m, scale = clean_moments(circuit, law), _slopes(circuit)
    reached, chains = reach(circuit.words, circuit.observable.words, max_support), chains_of(circuit, m)
    if chains is None or reached.entries * len(chains.factors) > limits.GROUP_WORK:
        raise ModuleTooLargeError("A tangent kernel on so many products of words is too much work.")
    ends = np.stack([s.expectation(reached.words) for s in states])
    value, damping = np.zeros((len(states),) * 2), Damping(circuit, reached.words)
    for t in range(len(chains.factors)):
        own = partial(damping, products=chains.products[t])
        weights = _carried(reached, chains, t, (m.cos2, m.sin2), scale, own)
        if t == 0:
            value += (ends * weights) @ ends.T
            continue
        product = chains.products[t]
        words = reached.words
        partner = PauliWords(words.x ^ product.x, words.z ^ product.z, words.n_qubits)
        others = np.stack([s.expectation(partner) for s in states])
        half = (ends * (weights * phase_sign(words, product))) @ others.T
        value += (half + half.T) / 2
    return TangentKernel(value, np.zeros_like(value), EngineId.WORDS)


def _carried(
    reached: Reach,
    chains: Chains,
    t: int,
    factors: tuple[np.ndarray, np.ndarray],
    scale: np.ndarray,
    damping: Callable[[int], np.ndarray | None],
) -> np.ndarray:
    """Return the weights at the input, summed over the differentiated rotation."""
    stay, move = factors
    terms, start = chains.starts[t]
    both = np.zeros((len(reached.words), 2))
    np.add.at(both[:, 0], terms, start * chains.factors[t])
    for k in range(len(reached.distinct) - 1, -1, -1):
        damp(both, damping(k + 1))
        if not chains.moves[t, reached.distinct[k]]:
            continue
        i, j, _ = reached.step(k)
        weights = both[i]
        both[i] = stay[k] * weights
        both[j] += move[k] * weights
        # the derivative swaps cos² and sin²
        both[i, 1] += scale[k] * move[k] * weights[:, 0]
        both[j, 1] += scale[k] * stay[k] * weights[:, 0]
    damp(both, damping(0))
    return both[:, 1]


def _on_module(circuit: RotationCircuit, law: AngleLaw, states: Sequence[InputState]) -> TangentKernel:
    module = module_in_light_cone(circuit, limits.HESSIAN_MODULE)
    words = reach(circuit.terms, circuit.observable.words, limits.HESSIAN_MODULE).words
    rotors = [Rotor(a) for a in module.generators]
    plain, slope = np.outer(module.start, module.start), np.zeros((module.dim,) * 2)
    for k in range(circuit.n_rotations - 1, -1, -1):
        rotor = rotors[int(module.distinct[k])]
        difference = rotor.levels[:, None] - rotor.levels[None, :]
        table = rotor.expand(angle_transform(circuit, law, k, difference))
        eigen = rotor.to_eigen(plain)
        slope = rotor.from_eigen(table * rotor.to_eigen(slope))
        if circuit.parameter_of[k] >= 0:
            rates = np.outer(rotor.rates, rotor.rates) * circuit.coefficients[k] ** 2
            slope = slope + rotor.from_eigen(rates * table * eigen)
        plain = rotor.from_eigen(table * eigen)
    ends = np.stack([s.expectation(words) for s in states])
    value = ends @ slope @ ends.T
    return TangentKernel(value, np.zeros_like(value), module.engine)


def _by_walk(
    circuit: RotationCircuit, law: AngleLaw, states: Sequence[InputState], n_walkers: int, rng: np.random.Generator
) -> TangentKernel:
    # the whole circuit: what is dead on one input may live on another
    chains = walked_chains(circuit, law)
    walkers = _EndWalkers(circuit, clean_moments(circuit, law), chains, rng, averaged=False)
    if walkers.paired:
        raise UnsupportedCircuitError("Walks of pairs of different words are not ended on several inputs.")
    walkers.states, walkers.scale = states, _slopes(circuit)
    tally = walkers.run(n_walkers)
    value = walkers.total / tally.n
    spread = np.sqrt(np.maximum(walkers.squares / tally.n - value**2, 0.0) / tally.n)
    return TangentKernel(tally.mass * value, tally.mass * spread, EngineId.WALKERS)


class _EndWalkers(Walkers):
    """Walkers that end on every pair of inputs."""

    states: Sequence[InputState]
    scale: np.ndarray

    def run(self, n_walkers: int) -> Tally:
        self.total, self.squares = np.zeros((2, len(self.states), len(self.states)))
        return super().run(n_walkers)

    def _zone(self, state: np.ndarray, weights: Weights, tally: Tally) -> None:
        words, inverse = self._words(state).unique()
        self._ends = np.stack([s.expectation(words) for s in self.states])[:, inverse]

    def _words(self, state: np.ndarray) -> PauliWords:
        return self.ends.words(state, np.arange(64 * state.shape[1]))

    def _weigh(self, touched: np.ndarray, moves: np.ndarray | None, weights: Weights, tally: Tally) -> None:
        size = 64 * touched.shape[1]
        slope = np.zeros(size)
        for row, k in enumerate(self.walked):
            if self.scale[k] == 0:
                continue
            anti = np.unpackbits(touched[row].view(np.uint8), bitorder="little")
            if moves is None:
                slope += self.scale[k] * anti
                continue
            moved = np.unpackbits(moves[row].view(np.uint8), bitorder="little")
            slope += self.scale[k] * (moved * self.if_moved[k] + (anti - moved) * self.if_stayed[k])
        weighted = self._ends * slope
        self.total += weighted @ self._ends.T
        self.squares += (weighted**2) @ (self._ends**2).T


def _by_sampling(
    circuit: RotationCircuit, law: AngleLaw, states: Sequence[InputState], rng: np.random.Generator
) -> TangentKernel:
    """Draw the same angles for every input."""
    work = limits.SWEEP_COST * max(1, len(circuit.terms)) * 2.0**circuit.n_qubits * len(states)
    size = int(np.clip(limits.KERNEL_WORK / work, limits.LEAST_HESSIANS, limits.SAMPLES))
    seed = rng.integers(2**63)
    found = [sample_gradients(circuit.with_state(s), law, size, np.random.default_rng(seed))[1] for s in states]
    products = np.einsum("isk,jsk->sij", np.stack(found), np.stack(found))
    return TangentKernel(products.mean(axis=0), products.std(axis=0) / np.sqrt(size), EngineId.SAMPLED)
