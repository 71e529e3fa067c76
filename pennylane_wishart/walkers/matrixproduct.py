"""``log2_moments``: exponentially small variances of one-dimensional circuits (THEORY §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, RotationMoments
from pennylane_wishart.errors import (
    InputError,
    ModuleTooLargeError,
    Status,
    UnsupportedCircuitError,
)
from pennylane_wishart.moments.dead import dead_rotations
from pennylane_wishart.moments.drivers import check_law, clean_moments, subcircuit
from pennylane_wishart.moments.records import SecondMoments
from pennylane_wishart.moments.words import chains_of
from pennylane_wishart.walkers.chainstate import WordState
from pennylane_wishart.walkers.means import first_moments
from pennylane_wishart.walkers.walk import can_walk

__all__ = ["Log2Moments", "chain_moments", "chain_work", "log2_moments"]

_MAX_WINDOW = 4
_AGREE = 0.1


@dataclass(frozen=True, eq=False)
class Log2Moments:
    """log2 of second moments, with an error in bits from halving the bond dimension."""

    log2_second_moment: float
    """log2 E[ℓ²]; equal to log2 Var[ℓ] where the mean vanishes (uniform angles)."""
    log2_second_moment_error: float
    parameters: np.ndarray
    """int64: the parameters that were asked for."""
    log2_gradient: np.ndarray
    """float64: log2 E[(∂ℓ/∂θ_k)²] of each; −inf only where the parameter is proved dead."""
    log2_gradient_error: np.ndarray
    bond: int
    discarded: float
    """Sum of the relative squared weights removed by truncation at the larger bond."""
    status: Status
    engine: str = "matrix product"


def log2_moments(
    circuit: RotationCircuit, law: AngleLaw, bond: int = 32, parameters: Sequence[int] | None = None
) -> Log2Moments:
    """Compute log2 of second moments where walkers see nothing, on a chain of qubits.

    The distribution over words is a matrix product with four letters per site, truncated to
    ``bond``; the whole circuit is run at ``bond`` and at half of it, and the difference is the
    stated error. Good for words that span at most four neighbouring qubits; not for circuits
    whose conjugated words are long (CNOT ladders), nor for inputs that are not products.

    Args:
        circuit: the normal form, qubits in chain order; its first input state is used.
        law: independent angles, symmetric about 0 (or uniform on a period).
        bond: largest bond dimension.
        parameters: flat indices whose gradient moments are wanted; none where None.
    Returns:
        :class:`Log2Moments`; ``status`` is NOT_CONVERGED where the two runs differ by more
        than 0.1 bit.
    Raises:
        UnsupportedCircuitError: if the circuit is not of this kind; the message says why.
    Cost: O(rotations · bond³) time, O(qubits · bond²) bytes, and a state per asked parameter.
    Source: ours; time-evolving block decimation applied to the averaged word distribution.
    Example:
        >>> c = RotationCircuit.from_words(["XII", "ZZI", "IZZ", "IXI"], {"IZI": 1.0})
        >>> round(log2_moments(c, c.angle_law()).log2_second_moment, 9)
        -1.0
    """
    check_law(circuit, law)
    if bond < 2:
        raise InputError(f"bond must be at least 2; got {bond}.")
    wanted = np.unique(np.asarray([] if parameters is None else parameters, np.int64))
    if len(wanted) and (wanted[0] < 0 or wanted[-1] >= circuit.n_params):
        raise InputError(
            f"parameters must lie in 0..{circuit.n_params - 1}; got {wanted.tolist()}."
        )
    reasons = dead_rotations(circuit)
    small = subcircuit(circuit, np.flatnonzero([not r for r in reasons]))
    chain = _Chain(small, law)
    loss, gradient, discarded = chain.run(bond, wanted)
    rough_loss, rough, _ = chain.run(max(1, bond // 2), wanted)
    error = abs(loss - rough_loss) if np.isfinite(loss) else 0.0
    finite = np.isfinite(gradient)
    errors = np.zeros(len(wanted))
    errors[finite] = np.abs(gradient[finite] - rough[finite])
    good = error < _AGREE and np.all(errors < _AGREE)
    return Log2Moments(
        loss,
        error,
        wanted,
        gradient,
        errors,
        bond,
        discarded,
        Status.OK if good else Status.NOT_CONVERGED,
    )


def chain_moments(circuit: RotationCircuit, law: AngleLaw, bond: int = 16) -> SecondMoments:
    """Compute every parameter's variance by matrix products, as one record.

    Args:
        circuit: as for :func:`log2_moments`.
        law: as for :func:`log2_moments`.
        bond: largest bond dimension.
    Raises:
        UnsupportedCircuitError: if the circuit is not a chain of short words.
    Cost: O(rotations · (bond³ + qubits · bond³)): a contraction of the chain per live parameter.
    """
    reasons = dead_rotations(circuit)
    live = np.flatnonzero([not r for r in reasons])
    small = subcircuit(circuit, live)
    trainable = np.unique(small.parameter_of[small.parameter_of >= 0])
    found = log2_moments(circuit, law, bond, trainable.tolist())
    mean, slopes = first_moments(small, clean_moments(small, law))
    first = np.zeros(circuit.n_params)
    driven = np.flatnonzero(small.parameter_of >= 0)
    scale = 2 * small.term_coefficients * small.coefficients
    first[small.parameter_of[driven]] = (scale * slopes)[driven]
    log2, error = np.full(circuit.n_params, -np.inf), np.zeros(circuit.n_params)
    log2[found.parameters], error[found.parameters] = found.log2_gradient, found.log2_gradient_error
    second = np.exp2(log2)
    variance = np.maximum(second - first**2, 0.0)
    shifted = first != 0
    with np.errstate(divide="ignore"):
        log2[shifted] = np.log2(variance[shifted])
    moment = 2.0**found.log2_second_moment
    loss_error = moment * np.log(2) * found.log2_second_moment_error
    converged = error < _AGREE
    return SecondMoments(
        loss_mean=mean,
        loss_second_moment=moment,
        loss_variance=max(0.0, moment - mean**2),
        loss_mean_error=0.0,
        loss_second_moment_error=loss_error,
        loss_variance_error=loss_error,
        gradient_mean=first,
        gradient_variance=variance,
        gradient_variance_error=second * np.log(2) * error,
        log2_gradient_variance=log2,
        log2_gradient_variance_upper=log2 + error,
        status=tuple(Status.OK if c else Status.NOT_CONVERGED for c in converged),
        engine="matrix product",
    )


def chain_work(circuit: RotationCircuit, law: AngleLaw, bond: int = 16) -> float:
    """Return a rough number of seconds of :func:`chain_moments`; inf where it does not apply."""
    reasons = dead_rotations(circuit)
    small = subcircuit(circuit, np.flatnonzero([not r for r in reasons]))
    try:
        chain = _Chain(small, law)
    except UnsupportedCircuitError:
        return np.inf
    size = (bond / 16) ** 3
    contractions = int(np.sum(small.parameter_of >= 0)) * len(chain.qubits) * 8e-5
    return (len(chain.groups) * 8e-3 + contractions * 2) * max(size, 0.2)


class _Chain:
    """A circuit cut into windows of neighbouring qubits."""

    def __init__(self, circuit: RotationCircuit, law: AngleLaw):
        obstacle = can_walk(circuit, law)
        if obstacle:
            raise UnsupportedCircuitError(f"log2_moments: {obstacle}.")
        self.circuit, self.moments = circuit, clean_moments(circuit, law)
        chains = chains_of(circuit, self.moments)
        if chains is None or len(chains.factors) > 1:
            raise UnsupportedCircuitError(
                "log2_moments: terms of the observable stay correlated; use one term at a time."
            )
        if circuit.state.bloch is None:
            raise UnsupportedCircuitError("log2_moments: the input must be a product state.")
        used = np.union1d(circuit.terms.support(), circuit.observable.words.support()).astype(int)
        self.qubits = used if len(used) else np.zeros(1, int)
        x, z = circuit.words.bits()
        self.letters = (2 * x + z)[:, self.qubits]
        spans = [np.flatnonzero(row) for row in self.letters]
        self.low = np.array([s[0] for s in spans], int)
        self.high = np.array([s[-1] for s in spans], int)
        if len(spans) and (self.high - self.low).max() >= _MAX_WINDOW:
            raise UnsupportedCircuitError(
                f"log2_moments: a generator spans more than {_MAX_WINDOW} neighbouring qubits in "
                "the normal form; reorder the wires, or use walkers."
            )
        self.groups = self._groups()
        self._cache: dict = {}

    def _groups(self) -> list[list[int]]:
        """Join consecutive rotations that fit one window, so that each window is split once."""
        out: list[list[int]] = []
        low = high = -1
        for k in range(len(self.low)):
            a, b = int(self.low[k]), int(self.high[k])
            widest = max(_MAX_WINDOW - 1, b - a + 1)
            if out and max(high, b) - min(low, a) + 1 <= min(widest, max(high - low, b - a) + 1):
                out[-1].append(k)
                low, high = min(low, a), max(high, b)
            else:
                out.append([k])
                low, high = a, b
        return out

    def _map(self, k: int, low: int, high: int, slope: bool = False) -> np.ndarray:
        """Return the averaged step of rotation k on sites low … high (a symmetric matrix)."""
        m: RotationMoments = self.moments
        stay, move = (m.sin2[k], m.cos2[k]) if slope else (m.cos2[k], m.sin2[k])
        letters = self.letters[k, low : high + 1]
        key = (letters.tobytes(), float(stay), float(move), slope)
        if key not in self._cache:
            self._cache[key] = _step_matrix(letters, float(stay), float(move), slope)
        return self._cache[key]

    def _window(self, group: list[int]) -> tuple[int, int]:
        return int(self.low[group].min()), int(self.high[group].max())

    def run(self, bond: int, wanted: np.ndarray) -> tuple[float, np.ndarray, float]:
        """Return (log2 E[ℓ²], log2 E[(∂ℓ)²] of the wanted parameters, discarded weight)."""
        rotation_of = {int(p): k for k, p in enumerate(self.circuit.parameter_of) if p in wanted}
        asked = set(rotation_of.values())
        v, saved = self._start(bond), {}
        for group in reversed(self.groups):
            low, high = self._window(group)
            cuts = [k for k in group if k in asked]
            if not cuts:
                v.apply(low, high, [self._map(k, low, high) for k in reversed(group)])
                continue
            for k in reversed(group):
                if k in asked:
                    saved[k] = v.copy()
                v.apply(low, high, [self._map(k, low, high)])
        f = WordState.product(self._tables(), bond)
        sign, loss = v.overlap(f)
        discarded = v.discarded
        found: dict[int, float] = {}
        if asked:
            discarded += self._gradients(f, saved, found)
        out = np.full(len(wanted), -np.inf)
        for i, p in enumerate(wanted):
            if int(p) in rotation_of:
                k = rotation_of[int(p)]
                scale = abs(2 * self.circuit.term_coefficients[k] * self.circuit.coefficients[k])
                out[i] = found[k] + 2 * np.log2(scale)
        if sign < 0:
            raise ModuleTooLargeError(
                f"log2_moments: truncation at bond={bond} lost the value; raise bond."
            )
        return loss, out, discarded

    def _gradients(
        self, f: WordState, saved: dict[int, WordState], found: dict[int, float]
    ) -> float:
        last = max(saved)
        for group in self.groups:
            if group[0] > last:
                break
            low, high = self._window(group)
            if not any(k in saved for k in group):
                f.apply(low, high, [self._map(k, low, high) for k in group])
                continue
            for k in group:
                if k in saved:
                    slope = f.copy()
                    slope.bond = 4**_MAX_WINDOW * f.bond
                    slope.apply(low, high, [self._map(k, low, high, slope=True)])
                    found[k] = saved.pop(k).overlap(slope)[1]
                f.apply(low, high, [self._map(k, low, high)])
        return f.discarded

    def _start(self, bond: int) -> WordState:
        x, z = self.circuit.observable.words.bits()
        letters = (2 * x.astype(int) + z)[:, self.qubits]
        return WordState.of_words(letters, self.circuit.observable.coefficients**2, bond)

    def _tables(self) -> np.ndarray:
        bloch = self.circuit.state.bloch[self.qubits]  # type: ignore[index]
        ones = np.ones(len(bloch))
        return np.stack([ones, bloch[:, 2], bloch[:, 0], bloch[:, 1]], axis=1) ** 2


def _step_matrix(letters: np.ndarray, stay: float, move: float, slope: bool) -> np.ndarray:
    """Return the 4^w×4^w matrix of one averaged rotation; first site most significant."""
    w = len(letters)
    shifts = 2 * np.arange(w - 1, -1, -1)
    code = int(np.sum(letters.astype(int) << shifts))
    swapped = int(np.sum((((letters & 1) << 1) | (letters >> 1)).astype(int) << shifts))
    words = np.arange(4**w)
    anti = (np.bitwise_count(words & swapped) & 1).astype(bool)
    out = np.diag(np.where(anti, stay, 0.0 if slope else 1.0))
    out[words[anti] ^ code, words[anti]] += move
    return out
