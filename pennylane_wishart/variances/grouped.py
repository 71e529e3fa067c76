"""E[Σ_g ⟨O_g⟩²] and E⟨A⟩ over the angles, for an observable measured in groups O_g (THEORY §4f).

Averaging is linear in O⊗O, so Σ_g O_g⊗O_g takes one sweep: the same as for the whole observable, with
the pairs of words of different groups left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.drivers import clean_moments, drivers_of
from pennylane_wishart.variances.engines.module import module_averages
from pennylane_wishart.variances.engines.operators import module_in_light_cone, module_on_words
from pennylane_wishart.variances.engines.words import chains_of, diagonal_suffices, word_second
from pennylane_wishart.variances.exact import exact_moments
from pennylane_wishart.variances.reach import reach
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["grouped_pairs", "grouped_second_moment", "module_mean", "sampled_spread", "state_spread"]


def grouped_pairs(parts: Sequence[PauliSum]) -> tuple[PauliSum, np.ndarray]:
    """Return the distinct words of all parts and the weight Σ_g c_ga c_gb of every pair of them.

    The sum carries the root of the pair's diagonal as coefficients: only its words matter.
    """
    words, index = PauliWords.concatenate([p.words for p in parts]).unique()
    table = np.zeros((len(parts), len(words)))
    row = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    np.add.at(table, (row, index), np.concatenate([np.real(p.coefficients) for p in parts]))
    gram = table.T @ table
    return PauliSum(words, np.sqrt(np.diag(gram))), gram


def grouped_second_moment(
    circuit: RotationCircuit,
    law: AngleLaw,
    parts: Sequence[PauliSum],
    max_support: int = limits.GROUP_SUPPORT,
    max_work: float = limits.GROUP_WORK,
) -> float:
    """Return E[Σ_g ⟨O_g⟩²] over the angles, exactly.

    Pauli rotations with independent angles: one sweep of pairs of words. Otherwise the exact engine of
    each part by itself.

    Raises:
        ModuleTooLargeError: if it does not fit in the limits.
    Cost: O(rotations · reachable words · products of pairs), or one ``exact_moments`` a part.
    """
    if circuit.is_pauli and drivers_of(circuit).independent:
        moments = clean_moments(circuit, law)
        observable, gram = grouped_pairs(parts)
        joint = circuit.with_observable(observable)
        # averaging is linear in O⊗O, so all groups share one sweep
        if all(c.is_diagonal for c in joint.channels) and diagonal_suffices(joint, moments):
            reached = reach(joint.words, observable.words, max_support)
            chains = chains_of(joint, moments, pair_weights=gram)
            if chains is not None and float(reached.entries) * len(chains.factors) <= max_work:
                return word_second(joint, moments, reached, chains)
    if len(parts) > limits.MAX_ROUTES:
        raise ModuleTooLargeError(f"{len(parts)} groups of words are too many to average one by one.")
    share = 2 * max_work / max(len(parts), 1)
    found = [
        exact_moments(circuit.with_observable(p), law, max_support, limits.GROUP_MODULE, share).loss_second_moment
        for p in parts
    ]
    return float(sum(found))


def module_mean(
    circuit: RotationCircuit,
    law: AngleLaw,
    operator: PauliSum,
    max_dim: int = limits.MEAN_MODULE,
    max_nodes: int = limits.MEAN_NODES,
) -> float:
    """Return E⟨A⟩ over the angles, exactly: sums as generators and shared angles too.

    Raises:
        ModuleTooLargeError: if the words that ``operator`` reaches, or the nodes of shared angles, are too many.
    Cost: O(nodes · rotations · words).
    """
    joint = circuit.with_observable(operator)
    drivers = drivers_of(joint)
    # the circuit's own order reaches fewer words than any order
    try:
        module = module_in_light_cone(joint, max_dim)
    except ModuleTooLargeError:
        module = module_on_words(joint, max_dim, 4 * max_dim)
    return module_averages(joint, law, module, drivers.driver, drivers.shared, max_nodes)


def sampled_spread(
    circuit: RotationCircuit,
    law: AngleLaw,
    parts: Sequence[PauliSum],
    n_samples: int,
    seed: int | np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return Σ_g (⟨O_g²⟩ − ⟨O_g⟩²) and Σ_g ⟨O_g⟩² at random angles, ``(n_samples,)`` each, n ≤ 20.

    Cost: O(n_samples · terms · 2^n).
    """
    rng = np.random.default_rng(seed)
    sweeps = Sweeps(circuit)
    batches = [state_spread(sweeps.states(angles), parts) for angles in sweeps.batches(law, n_samples, rng)]
    spread, squares = (np.concatenate(column) for column in zip(*batches, strict=True))
    return spread, squares


def state_spread(psi: np.ndarray, parts: Sequence[PauliSum]) -> tuple[np.ndarray, np.ndarray]:
    """Return Σ_g (⟨O_g²⟩ − ⟨O_g⟩²) and Σ_g ⟨O_g⟩² of states ``(2^n, batch)``."""
    noise, square = np.zeros(psi.shape[1]), np.zeros(psi.shape[1])
    for part in parts:
        image = part.apply(psi)
        value = np.einsum("ib,ib->b", psi.conj(), image).real
        # ⟨O²⟩ is the norm of O|ψ⟩: no product of words is formed
        noise += np.einsum("ib,ib->b", image.conj(), image).real - value**2
        square += value**2
    return noise, square
