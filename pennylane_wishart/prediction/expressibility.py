"""``pw.expressibility``: how near a circuit's random outputs come to random states, sector by sector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, Script, conjugated
from pennylane_wishart.circuit.blocks import repeated_block
from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable, levels
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.options import asks
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.door import signature
from pennylane_wishart.sectors.inputs import sector_inputs
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances.design import TwoDesign, two_design
from pennylane_wishart.variances.grouped import grouped_second_moment
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["Expressibility", "SectorExpressibility", "expressibility"]


@dataclass(frozen=True)
class SectorExpressibility:
    """Fidelities of two random outputs within one sector, against those of random states there."""

    dim: int
    """Complex dimension."""
    beta: int
    """1 for real states, whose law is Beta(1/2, (N − 1)/2); 2 and 4: Beta(1, N − 1)."""
    kl: float
    """KL divergence to the sector's own law, in nats, its bias removed; may be below 0 by its error."""
    error: float
    """Standard error."""
    bias: float
    """What the bins alone would show: (bins − 1)/(2·pairs), already removed."""
    frame_potential: float
    """E F², order 2."""
    frame_potential_error: float
    haar_frame_potential: float
    """The same of random states: the lowest that any ensemble in the sector has."""

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of ``kl``, cut at 0."""
        reach = levels.NORMAL_REACH * self.error
        return max(0.0, self.kl - reach), max(0.0, self.kl + reach)


@dataclass(frozen=True, eq=False)
class Expressibility(Written):
    """How random a circuit's outputs are."""

    sectors: tuple[SectorExpressibility, ...]
    """One each sector that the input reaches and the loss moves in; one for the reached space outside the theory."""
    by_sector: bool
    """False: outputs are compared with random states of the space that they span, or of the whole."""
    entangling: float | Unavailable
    """Mean Meyer–Wallach entanglement 2(1 − mean purity of one qubit): 0 for product states, 1 at most."""
    entangling_error: float
    """0 where exact."""
    pairs: int
    design: TwoDesign | Unavailable
    """Exact frame potentials of the circuit and of its layers repeated, and the depth to a 2-design."""

    @property
    def kl(self) -> float:
        """Largest KL divergence over the sectors: 0 for an ensemble that no fidelity tells from random."""
        return max((s.kl for s in self.sectors), default=0.0)

    def __str__(self) -> str:
        lines = [f"Expressibility from {self.pairs} pairs of random outputs"]
        for s in self.sectors:
            low, high = s.interval
            what = "sector" if self.by_sector else "space"
            lines.append(f"  {what} of dimension {s.dim} (beta {s.beta}): KL {s.kl:.3g}, 95% {low:.3g} to {high:.3g}")
        power = str(self.entangling) if isinstance(self.entangling, Unavailable) else f"{self.entangling:.4g}"
        lines.append(f"  entangling power: {power}")
        if isinstance(self.design, TwoDesign):
            what = "a 2-design" if self.design.is_design else "what its group reaches"
            lines.append(
                f"  second eigenvalue of a layer: {self.design.second_eigenvalue:.3g}; {what} from "
                f"{self.design.depth:.1f} layers on, of {self.design.layers}"
            )
        return "\n".join(lines)


@asks
def expressibility(
    qnode: Any,
    angles: Any = "uniform",
    pairs: int = limits.PAIRS,
    bins: int | None = None,
    space: str = "sectors",
    seed: int = 7,
) -> Any:
    """Compare the fidelities of random outputs with those of random states in each sector.

    Against the whole space a symmetry would look like a lack of expressibility. Bins are of equal
    probability under the sector's law; ``bins=75`` takes that many of equal width, as is customary.
    The divergence is that of binned fidelities: 0 does not prove a 2-design.

    Args:
        qnode: QNode, tape, RotationCircuit or Signature; at most 10 qubits by sectors, 14 in all.
        angles: law of the random angles.
        pairs: independent pairs of outputs.
        bins: bins of equal width; of equal probability, as many as the pairs allow, where None.
        space: "sectors", or "whole" for random states of all qubits, as in the paper.
        seed: of the draws.
    Returns:
        A function of the QNode's arguments that returns an :class:`Expressibility`; the record itself when
        given a circuit or a signature.
    Raises:
        InputError: beyond 14 qubits, under noise, or for fewer than 100 pairs.
    Cost: O(pairs · terms · 2^n), and one dense decomposition.
    Source: Sim, Johnson and Aspuru-Guzik, arXiv:1905.10876; the sector's own law and the bias are ours.
    Example:
        >>> c = RotationCircuit.from_words(["ZI", "YI", "ZI", "IX"], {"ZI": 1.0})
        >>> found = expressibility(c, pairs=2000)
        >>> [s.dim for s in found.sectors], found.entangling
        ([2], 0.0)
    """
    if pairs < limits.LEAST_PAIRS:
        raise InputError(f"pairs must be at least {limits.LEAST_PAIRS}; got {pairs}.")
    if space not in ("sectors", "whole"):
        raise InputError(f'space={space!r}: use "sectors" or "whole".')
    if isinstance(qnode, RotationCircuit):
        qnode = signature(qnode)
    if isinstance(qnode, Signature):
        return _assess(qnode, qnode.circuit.angle_law(angles), (pairs, bins, space), seed)

    def run(*args: Any, **kwargs: Any) -> Expressibility:
        sig = signature(qnode)(*args, **kwargs)
        return _assess(sig, sig.circuit.angle_law(angles), (pairs, bins, space), seed)

    return run


def _assess(sig: Signature, law: AngleLaw, how: tuple[int, int | None, str], seed: int) -> Expressibility:
    circuit, (pairs, bins, space) = sig.circuit, how
    if circuit.n_qubits > limits.EXPRESSED_QUBITS or sig.noisy is not None:
        raise InputError(
            f"expressibility needs state vectors of at most {limits.EXPRESSED_QUBITS} qubits without noise; "
            f"got {circuit.n_qubits} qubits{' and noise' if sig.noisy is not None else ''}."
        )
    rng, sweeps = np.random.default_rng(seed), Sweeps(circuit)
    states = np.concatenate([sweeps.states(a).T for a in sweeps.batches(law, 2 * pairs, rng)])
    found = sector_inputs(sig, list(states)) if sig.in_theory and space == "sectors" else None
    parts = [] if found is None else [_pure(s.columns, s.beta) for s in found[1]]
    known = [p for p in parts if p is not None]
    if not known:
        known = [(states, 2) if space == "whole" else _reached(states)]
    entangling, error = _entangling(circuit, law, states)
    sectors, design = tuple(_divergence(vectors, beta, bins) for vectors, beta in known), _design(circuit, law)
    if isinstance(design, TwoDesign) and (not any(parts) or _whole(found)):
        # the states lie in it altogether, so that their potential is its own
        sectors = (replace(sectors[0], frame_potential=design.potential, frame_potential_error=0.0),)
    return Expressibility(sectors, any(p is not None for p in parts), entangling, error, pairs, design)


def _whole(found: Any) -> bool:
    """Whether outputs lie in one sector altogether."""
    return len(found[1]) == 1 and bool((np.linalg.norm(found[1][0].columns, axis=(1, 2)) > 1 - limits.PURE).all())


def _design(circuit: RotationCircuit, law: AngleLaw) -> TwoDesign | Unavailable:
    try:
        block = None if circuit.trace is None else repeated_block(Script.read(circuit.trace))
        return two_design(circuit, law, 1 if block is None else block.repeats)
    except (UnsupportedCircuitError, ModuleTooLargeError) as err:
        code = ReasonCode.TOO_LARGE if isinstance(err, ModuleTooLargeError) else ReasonCode.UNSUPPORTED
        return Unavailable(Reason(code, err.what))


def _pure(columns: NDArray[np.complex128], beta: int) -> tuple[NDArray[np.complex128], int] | None:
    """Return normalised states within a sector, ``(n, N)``; None where inputs are mixed there."""
    size = np.linalg.norm(columns, axis=(1, 2))
    # the copies of a pure part are multiples of one vector
    u, s, vh = np.linalg.svd(columns, full_matrices=False)
    if (s[:, 1:].max(initial=0.0, axis=1) > limits.PURE * size).any():
        return None
    vectors = vh[:, 0]
    if beta == 1 and (np.abs(np.einsum("ni,ni->n", vectors, vectors)) < 1 - limits.PURE).any():
        return None  # a complex input is mixed in a real sector
    return vectors, beta


def _reached(states: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], int]:
    """Return the states on an orthonormal basis of what they span, and whether they are real."""
    _, s, vh = np.linalg.svd(states[: limits.SPAN_STATES], full_matrices=False)
    vectors = states @ vh[s > limits.PURE * s[0]].conj().T
    # phases that no basis removes: products around triangles of states are real only for real ones
    few = min(len(vectors), limits.SPAN_STATES) // 3
    a, b, c = (vectors[k * few : (k + 1) * few] for k in range(3))
    triangle = np.einsum("ni,ni->n", a.conj(), b) * np.einsum("ni,ni->n", b.conj(), c)
    triangle = triangle * np.einsum("ni,ni->n", c.conj(), a)
    return vectors, 1 if np.abs(triangle.imag).max(initial=0.0) < limits.PURE else 2


def _divergence(vectors: NDArray[np.complex128], beta: int, bins: int | None) -> SectorExpressibility:
    n, half = vectors.shape[1], len(vectors) // 2
    overlap = np.einsum("ni,ni->n", vectors[:half].conj(), vectors[half:])
    fidelity = np.clip(np.abs(overlap) ** 2, 0.0, 1.0)
    law = stats.beta(0.5, (n - 1) / 2) if beta == 1 else stats.beta(1, n - 1)
    potential, spread = float(np.mean(fidelity**2)), float(np.std(fidelity**2) / np.sqrt(half))
    haar = 3 / (n * (n + 2)) if beta == 1 else 2 / (n * (n + 1))
    if n == 1:  # one state: nothing to be random in
        return SectorExpressibility(1, beta, 0.0, 0.0, 0.0, potential, spread, 1.0)
    if bins is None:
        count = max(2, min(limits.MOST_BINS, half // limits.PAIRS_A_BIN))
        where, q = law.cdf(fidelity), np.full(count, 1 / count)
    else:
        count, where = bins, fidelity
        q = np.diff(law.cdf(np.linspace(0, 1, bins + 1)))
    p = np.bincount(np.minimum((where * count).astype(np.int64), count - 1), minlength=count) / half
    seen = p > 0
    logs = np.log(p[seen] / np.maximum(q[seen], np.finfo(float).tiny))
    value = float(p[seen] @ logs)
    # bins that hold nearly no probability add no noise: only those expected to be hit count
    free = int(np.sum(half * q >= 1)) - 1
    bias = max(0, free) / (2 * half)
    variance = max(float(p[seen] @ logs**2) - value**2, 0.0) / half + max(0, free) / (2 * half**2)
    return SectorExpressibility(n, beta, value - bias, float(np.sqrt(variance)), bias, potential, spread, haar)


def _entangling(
    circuit: RotationCircuit, law: AngleLaw, states: NDArray[np.complex128]
) -> tuple[float | Unavailable, float]:
    """Return 2(1 − mean purity of one qubit) and its error: exact second moments of X, Y and Z, else sampled."""
    n = circuit.n_qubits
    x = np.repeat(np.eye(n, dtype=np.uint8), 3, axis=0)
    letters = np.tile(np.array([[1, 0], [1, 1], [0, 1]], np.uint8), (n, 1))
    words = PauliWords.from_bits(x * letters[:, :1], x * letters[:, 1:])
    found, _ = conjugated(circuit, words, np.full(3 * n, circuit.n_rotations), outward=False)
    parts = [PauliSum(found[m : m + 1], np.ones(1)) for m in range(len(words))]
    try:
        squares = grouped_second_moment(circuit, law, parts)
        return max(0.0, float(1 - squares / n)), 0.0
    except ModuleTooLargeError:
        pass  # the states are at hand
    if len(words) * states.size > limits.PURITY_FLOATS:
        text = "One-qubit purities of so many states are too much work."
        return Unavailable(Reason(ReasonCode.TOO_LARGE, text)), 0.0
    total = np.zeros(len(states))
    for part in parts:
        total += np.einsum("ni,in->n", states.conj(), part.apply(states.T)).real ** 2
    return float(1 - total.mean() / n), float(total.std() / n / np.sqrt(len(states)))
