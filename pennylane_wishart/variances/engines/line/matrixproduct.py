"""``log2_moments``: exponentially small variances of one-dimensional circuits (THEORY §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import (
    InputError,
    ModuleTooLargeError,
    Status,
    UnsupportedCircuitError,
)
from pennylane_wishart.variances.dead.proofs import live_part
from pennylane_wishart.variances.drivers import check_law, clean_moments
from pennylane_wishart.variances.engines.line.maps import LineMaps
from pennylane_wishart.variances.engines.line.state import WordState, environments, signed_log2
from pennylane_wishart.variances.engines.line.windows import Window, line_of
from pennylane_wishart.variances.engines.walks.walk import can_walk
from pennylane_wishart.variances.engines.words import chains_of

__all__ = ["ChainRun", "Log2Moments", "WordChain", "log2_moments"]

_TILT = np.sqrt(2.0)
"""Weight per letter: orders words by their length, yet does not drown what else tells them apart."""


@dataclass(frozen=True, eq=False)
class Log2Moments:
    """log2 of second moments, with an error in bits from halving the bond dimension twice."""

    log2_second_moment: float
    """log2 E[ℓ²]; equal to log2 Var[ℓ] where the mean vanishes (uniform angles)."""
    log2_second_moment_error: float
    parameters: np.ndarray
    """int64: the parameters that were asked for."""
    log2_gradient: np.ndarray
    """float64: log2 E[(∂ℓ/∂θ_k)²] of each; −inf only where the parameter is proved dead."""
    log2_gradient_error: np.ndarray
    """float64: +inf where truncation lost the value."""
    bond: int
    discarded: float
    """Sum of the relative squared weights removed by truncation at the larger bond."""
    status: Status
    engine: EngineId = EngineId.MATRIX_PRODUCT


def log2_moments(
    circuit: RotationCircuit, law: AngleLaw, bond: int = limits.BOND, parameters: Sequence[int] | None = None
) -> Log2Moments:
    """Compute log2 of second moments where walkers see nothing, on a chain of qubits.

    The distribution over words is a matrix product with four letters per site, truncated to
    ``bond``. The whole circuit is run at ``bond``, a half and a quarter of it: the stated error is
    the last change, or a quarter of the one before where that is more. Fixed Clifford gates are
    put back as relabellings of letters, so that brickworks of CNOT, CZ or SWAP stay local; qubits
    are reordered where that shortens gates (rings). Good for gates that span at most four
    neighbouring qubits; not for long-range gates, for inputs that are not products, nor for sums
    of words that stay correlated.

    Args:
        circuit: the normal form; its first input state is used.
        law: independent angles, symmetric about 0 (or uniform on a period).
        bond: largest bond dimension.
        parameters: flat indices whose gradient moments are wanted; none where None.
    Returns:
        :class:`Log2Moments`; ``status`` is NOT_CONVERGED where the two runs differ by more
        than 0.1 bit.
    Raises:
        UnsupportedCircuitError: if the circuit is not of this kind; the message says why.
        ModuleTooLargeError: if truncation lost the value of E[ℓ²] altogether.
    Cost: O(gates · bond³) time, O(qubits · bond²) bytes, and a state per window that holds an
        asked parameter.
    Source: ours; time-evolving block decimation applied to the averaged squared expectations of
        words, tilted by √2 per letter so that truncation spares the words that are asked for.
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
        raise InputError(f"parameters must lie in 0..{circuit.n_params - 1}; got {wanted.tolist()}.")
    return WordChain(live_part(circuit), law).moments(bond, wanted)


@dataclass(frozen=True, eq=False)
class ChainRun:
    """What one pass at one bond dimension gives."""

    loss: float
    """log2 E[ℓ²]; NaN where truncation made it negative."""
    gradient: np.ndarray
    """log2 E[(∂ℓ)²] of the wanted parameters; NaN where truncation made it negative."""
    discarded: float


class WordChain:
    """A circuit of live rotations on a line of qubits."""

    def __init__(self, circuit: RotationCircuit, law: AngleLaw):
        if circuit.channels:
            raise UnsupportedCircuitError("Matrix products know no noise: use moments_of, which picks another engine.")
        # the same condition: pairs keep their product, and only the diagonal is carried
        obstacle = can_walk(circuit, law)
        if obstacle:
            raise UnsupportedCircuitError(f"log2_moments: {obstacle}.")
        self.circuit, moments = circuit, clean_moments(circuit, law)
        chains = chains_of(circuit, moments)
        if chains is None or len(chains.factors) > 1:
            raise UnsupportedCircuitError(
                "log2_moments: terms of the observable stay correlated; use one term at a time."
            )
        if circuit.state.bloch is None:
            raise UnsupportedCircuitError("log2_moments: the input must be a product state.")
        self.line = line_of(circuit)
        words = self.line.observable > 0
        rows = words.any(axis=1)
        self.letters = self.line.observable[rows]
        self.weights = circuit.observable.coefficients[rows] ** 2
        self.constant = float(np.sum(circuit.observable.coefficients[~rows] ** 2))
        """Square of the identity's coefficient, which no gate changes."""
        self.light = bool(rows.any()) and float(words[rows].mean()) < limits.HALF_FULL
        self.scale = _TILT if self.light else 1 / _TILT
        """Truncation keeps what is large: light words are made so, or heavy ones."""
        self.maps = LineMaps(moments, self.scale)

    def moments(self, bond: int, wanted: np.ndarray) -> Log2Moments:
        """Run at a bond, a half and a quarter of it."""
        # truncation errors shrink with the bond in no known way, so they are measured by halving it twice
        fine, rough, rougher = (self.run(max(1, bond // d), wanted) for d in (1, 2, 4))
        if np.isnan(fine.loss):
            raise ModuleTooLargeError(f"log2_moments: truncation at bond={bond} lost the value; raise bond.")
        error = float(_error(*(np.array([r.loss]) for r in (fine, rough, rougher)))[0])
        errors = _error(fine.gradient, rough.gradient, rougher.gradient)
        good = error < limits.AGREE and bool(np.all(errors < limits.AGREE))
        return Log2Moments(
            fine.loss,
            error,
            wanted,
            fine.gradient,
            errors,
            bond,
            fine.discarded,
            Status.OK if good else Status.NOT_CONVERGED,
        )

    def run(self, bond: int, wanted: np.ndarray) -> ChainRun:
        """Carry the observable back to what is asked, and the input forward to the observable.

        E[ℓ²] is read at the observable's end: carried forward, what the input sees of light words
        is large, while the observable carried back is spread over more words than a bond holds.
        """
        rotation_of = {int(p): k for k, p in enumerate(self.circuit.parameter_of) if p in wanted}
        v = WordState.of_words(self.letters, self._tilted(), bond) if len(self.letters) else None
        asked = set(rotation_of.values()) if v is not None else set()
        saved = self._backward(v.copy(), asked) if v is not None and asked else {}
        # the identity's weight is exact and would drown what is asked for
        start = WordState.product_but_identity if self.light else WordState.product
        f = start(self._tables(), bond)
        found: dict[int, float] = {}
        # forward, meeting the saved observable's side where a derivative is asked
        for number, window in enumerate(self.line.windows if v is not None else ()):
            if number in saved:
                inside = [x.rotation for x in window.links if x.rotation in asked]
                self._slopes(window, saved.pop(number), f, inside, found)
            f.apply(window.low, window.high, self.maps.forward(window))
        loss = _value(*v.overlap(f)) if v is not None else -np.inf
        if self.constant:
            loss = float(np.logaddexp2(loss, np.log2(self.constant)))
        out = np.full(len(wanted), -np.inf)
        for i, p in enumerate(wanted):
            k = rotation_of.get(int(p), -1)
            if k in found:
                scale = abs(2 * self.circuit.term_coefficients[k] * self.circuit.coefficients[k])
                out[i] = found[k] + 2 * np.log2(scale)
        return ChainRun(loss, out, f.discarded)

    def _tilted(self) -> np.ndarray:
        return np.asarray(self.weights * self.scale ** (self.letters > 0).sum(axis=1))

    def _backward(self, v: WordState, asked: set[int]) -> dict[int, WordState]:
        """Return the observable's side after each window that holds an asked rotation."""
        first = min(i for i, w in enumerate(self.line.windows) if any(x.rotation in asked for x in w.links))
        saved = {}
        for number in range(len(self.line.windows) - 1, first - 1, -1):
            window = self.line.windows[number]
            if any(link.rotation in asked for link in window.links):
                saved[number] = v.copy()
            v.apply(window.low, window.high, self.maps.backward(window))
        return saved

    def _slopes(self, window: Window, v: WordState, f: WordState, inside: list[int], found: dict[int, float]) -> None:
        """Contract both sides around a window whose rotations are differentiated one by one."""
        left, right, log2 = environments(v, f, window.low, window.high)
        # (words, bond of f, bond of f): the observable's side seen by the input's.
        seen = np.tensordot(left, v.block(window.low, window.high), (0, 1))
        seen = np.tensordot(seen, right, (2, 0)).swapaxes(0, 1)
        start = f.block(window.low, window.high)
        for k in inside:
            block = start
            for function in self.maps.forward(window, slope_of=k):
                block = function(block)
            found[k] = _value(*signed_log2(float(np.sum(seen * block)), log2))

    def _tables(self) -> np.ndarray:
        bloch = self.circuit.state.bloch[self.line.qubits]  # type: ignore[index]
        ones = np.ones(len(bloch))
        values = np.stack([ones, bloch[:, 2], bloch[:, 0], bloch[:, 1]], axis=1) ** 2
        return np.asarray(values / np.array([1.0, self.scale, self.scale, self.scale]))


def _value(sign: float, log2: float) -> float:
    """A second moment is never negative: where it came out so, truncation has lost it."""
    return log2 if sign >= 0 else float("nan")


def _error(fine: np.ndarray, rough: np.ndarray, rougher: np.ndarray) -> np.ndarray:
    """Bits by which the value may be off; +inf where halving the bond loses it.

    Two runs may agree by chance: the change before counts too, for a quarter.
    """
    last, before = _gap(fine, rough), _gap(rough, rougher)
    return np.asarray(np.maximum(last, np.where(np.isinf(before), 0.0, before / limits.EARLIER_SHARE)))


def _gap(fine: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Bits between two runs; +inf where one of them lost the value, 0 where both are −inf."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(fine - rough)
    gap[np.isneginf(fine) & np.isneginf(rough)] = 0.0
    return np.where(np.isnan(gap), np.inf, gap)
