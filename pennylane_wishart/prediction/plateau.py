"""``Prediction.plateau``: whether gradients are lost in a plateau, and what loses them.

Each possible cause is mended in an edited circuit, whose second moments are found by the engines of the
circuit itself. Repairs are kept one after the other, the most particular first, so that their bits add up; what
none of them brings back is the depth's, if a shallow circuit has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.circuit import AngleLaw, DenseBlock, InputState, RotationCircuit, conjugated
from pennylane_wishart.conventions import EngineId, PlateauCause
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances import SecondMoments, can_walk, exact_moments, moments_of, walk
from pennylane_wishart.variances.dead.proofs import live_part
from pennylane_wishart.variances.parts import subcircuit

__all__ = ["Plateau", "Share", "plateau_of"]

REPAIRS = {
    PlateauCause.NOISE: "without noise",
    PlateauCause.ANGLES: "with uniform angles",
    PlateauCause.INPUT: "with a product input",
    PlateauCause.MEASURED: "measured before the last fixed gates",
    PlateauCause.GLOBAL: "with one letter of each term of the observable",
    PlateauCause.COMMUTING: "with generators about other axes",
    PlateauCause.DEPTH: "with the last layers alone",
}
"""What each cause is mended by, in the order of the repairs."""


@dataclass(frozen=True)
class Share(Shown):
    """What one cause takes of the largest gradient."""

    cause: PlateauCause
    bits: float
    """log2 of E(∂ℓ)² of the largest component with the repair over that without, those before it made."""
    at_least: bool
    """Without the repair only an upper bound is known."""
    repair: str
    """How the circuit was changed."""
    engine: EngineId
    """What gave the number with the repair."""


@dataclass(frozen=True, eq=False)
class Plateau(Written):
    """Whether no component of the gradient is resolved, and why."""

    log2_square: float
    """log2 of the largest E(∂ℓ)²; an upper bound where ``at_most``."""
    at_most: bool
    log2_shots: float
    """log2 of the shots that this component takes for signal-to-noise 1, at least."""
    shares: tuple[Share, ...]
    """Every repair that gives at least a bit, the largest first; empty where there is no plateau."""
    terms: tuple[tuple[str, float], ...] = ()
    """Of a global observable: its largest terms, and the bits that each loses with one letter in its place."""
    open: tuple[PlateauCause, ...] = ()
    """Causes of which it is not known what they take: no engine followed the repair, or only a bound is known."""
    is_plateau: bool = False
    """Whether that is more than 1,000 shots."""

    @property
    def causes(self) -> tuple[PlateauCause, ...]:
        """What takes at least a bit, the first cause first."""
        return tuple(s.cause for s in self.shares)

    @property
    def cause(self) -> PlateauCause | None:
        """The first of them; None where there is no plateau, or nothing explains it."""
        return next(iter(self.causes), None)

    def __str__(self) -> str:
        size = f"{'at most ' if self.at_most else ''}2^{self.log2_square:.1f}"
        if not self.is_plateau:
            return f"No plateau: the largest mean square of a gradient component is {size}."
        lines = [f"A plateau: the largest mean square of a gradient component is {size}."]
        for s in self.shares:
            lines.append(f"  {s.cause}: {'at least ' if s.at_least else ''}{s.bits:.1f} bits ({s.repair}; {s.engine})")
        lines += [f"    {word}: {bits:.1f} bits" for word, bits in self.terms]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class _Case:
    """A circuit under a law, and its largest component."""

    circuit: RotationCircuit
    law: AngleLaw
    log2: float = -np.inf
    at_most: bool = False
    least: float = -np.inf
    """Lower limit of ``log2``; the value where exact."""
    engine: EngineId = EngineId.NONE

    def solved(self, seed: int) -> _Case:
        """Find the largest component.

        Raises:
            UnsupportedCircuitError, ModuleTooLargeError: if no engine follows the circuit.
        """
        with suppress(ModuleTooLargeError):
            return self.measured(
                exact_moments(self.circuit, self.law, limits.CAUSE_SUPPORT, max_work=limits.CAUSE_WORK)
            )
        if not can_walk(self.circuit, self.law):
            return self.measured(walk(self.circuit, self.law, limits.CAUSE_WALKERS, seed))
        few = limits.CAUSE_SUPPORT, limits.CAUSE_WORK, limits.CAUSE_WALKERS, limits.CAUSE_SAMPLES
        return self.measured(moments_of(self.circuit, self.law, seed, *few))

    def measured(self, moments: SecondMoments) -> _Case:
        """Read the largest component off a record."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = 2 * np.log2(np.abs(moments.gradient_mean))
            squares = np.logaddexp2(moments.log2_gradient_variance, mean)
            least = np.logaddexp2(moments.gradient_variance_lower.at_least_log2, mean).max(initial=-np.inf)
        known = squares[moments.known]
        if len(known) and np.isfinite(known.max()):
            value = float(known.max())
            return replace(self, log2=value, at_most=False, least=float(least), engine=moments.engine)
        most = moments.gradient_variance_upper.at_most_log2.max(initial=-np.inf)
        return replace(self, log2=float(most), at_most=bool(np.isfinite(most)), engine=moments.engine)


Repair = Callable[[_Case], Iterator[_Case]]


def plateau_of(
    circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments, log2_shots: float, seed: int
) -> Plateau:
    """Find what takes a circuit's gradients.

    Args:
        circuit: with its noise.
        law: of its angles.
        moments: of both.
        log2_shots: that the cheapest component takes, at least.
        seed: of what is sampled.
    Cost: nothing where there is no plateau; else up to fourteen second moments, each of some seconds at most.
    Source: the causes are those of arXiv:2001.00550, 1803.11173, 2010.15968, 2007.14384 and 2309.09342; attribution
        by exact second moments of edited circuits is ours.
    """
    now = _Case(circuit, law).measured(moments)
    flat = bool(log2_shots > np.log2(limits.PLATEAU_SHOTS)) and np.isfinite(now.log2)
    first = Plateau(now.log2, now.at_most, log2_shots, (), is_plateau=flat)
    if not flat:
        return first
    shares, unknown, before = [], [], now
    for cause, repair in _MENDED.items():
        best, failed = now, False
        if cause is PlateauCause.GLOBAL:
            before = now
        for case in repair(now):
            try:
                found = case.solved(seed)
            except (UnsupportedCircuitError, ModuleTooLargeError):
                failed = True
                continue
            # an upper bound is never taken for an improvement, and may hide one
            failed |= found.at_most and found.log2 > now.log2 + limits.CAUSE_BITS
            if not found.at_most and found.least > now.log2 + limits.CAUSE_BITS and found.log2 > best.log2:
                best = found
        if best is not now:
            # gates that all commute have no order, and so no depth: it is their number that is one of their axis
            named = PlateauCause.COMMUTING if cause is PlateauCause.DEPTH and _all_commute(circuit) else cause
            shares.append(Share(named, best.log2 - now.log2, now.at_most, REPAIRS[cause], best.engine))
            now = best
        elif failed:
            unknown.append(cause)
    shares.sort(key=lambda s: -s.bits)
    terms = _terms(before, seed) if shares and shares[0].cause is PlateauCause.GLOBAL else ()
    return replace(first, shares=tuple(shares), open=tuple(unknown), terms=terms)


# ---------------------------------------------------------------------- repairs
def _without_noise(now: _Case) -> Iterator[_Case]:
    if now.circuit.channels:
        yield replace(now, circuit=replace(now.circuit, channels=()))


def _uniform(now: _Case) -> Iterator[_Case]:
    uniform = now.circuit.angle_law()
    if now.law != uniform:
        yield replace(now, law=uniform)


def _product_input(now: _Case) -> Iterator[_Case]:
    """|0…0⟩, and its likes along X and Y: one of them shows what the words become."""
    n = now.circuit.n_qubits
    if now.circuit.state.bloch is not None:
        return
    for vector in ([1, 0], [2**-0.5, 2**-0.5], [2**-0.5, 1j * 2**-0.5]):
        blocks = tuple(DenseBlock((q,), np.array(vector, complex)) for q in range(n))
        yield replace(now, circuit=now.circuit.with_state(InputState(n, blocks)))


def _measured_early(now: _Case) -> Iterator[_Case]:
    """Move the measurement in front of the fixed gates that end the circuit."""
    circuit = now.circuit
    turned = (circuit.parameter_of >= 0) | (circuit.random_of >= 0)
    stop = int(np.flatnonzero(turned).max(initial=-1)) + 1
    behind = [c for c in circuit.cliffords if c[0] >= stop and len(c[2]) > 1]
    if not behind and stop == circuit.n_rotations:
        return
    measured = _outward(circuit)
    cut = subcircuit(circuit, np.arange(stop))
    cut = replace(cut, cliffords=tuple(c for c in circuit.cliffords if c[0] < stop))
    yield replace(now, circuit=_measuring(cut, measured))


def _local(now: _Case) -> Iterator[_Case]:
    """One letter of each term, at the first, the middle or the last of its qubits."""
    measured = _outward(now.circuit)
    x, z = measured.words.bits()
    if (measured.words.weights() <= 1).all():
        return
    seen: list[bytes] = []
    for place in (0.5, 0.0, 1.0):
        keep = np.zeros_like(x)
        for row, letters in enumerate(x | z):
            support = np.flatnonzero(letters)
            keep[row, support[round(place * (len(support) - 1))]] = 1
        words, index = PauliWords.from_bits(x & keep, z & keep).unique()
        # squares of different terms add; the words of a projector are one function of all its letters
        size = np.abs(measured.coefficients)
        whole = bool(np.allclose(size, size[0]) and len(size) > 2 * measured.words.n_qubits)
        sizes = np.bincount(index, size if whole else size**2, len(words))
        if keep.tobytes() not in seen:
            seen.append(keep.tobytes())
            yield replace(now, circuit=_measuring(now.circuit, PauliSum(words, sizes if whole else np.sqrt(sizes))))


def _other_axes(now: _Case) -> Iterator[_Case]:
    """Draw the letters of every trained generator anew, on the same qubits."""
    circuit = live_part(now.circuit)
    if not circuit.is_pauli or circuit.n_rotations < 2:
        return
    words = circuit.words.unique()[0]
    meet = np.array(
        [((words.x | words.z) & (w.x | w.z)).any(axis=1) for w in (words[k : k + 1] for k in range(len(words)))]
    )
    np.fill_diagonal(meet, False)
    clash = words.anticommutation(words).astype(bool)
    if meet.sum() == 0 or (meet & ~clash).sum() < limits.COMMUTING_SHARE * meet.sum():
        return
    at = np.arange(circuit.n_rotations)
    x, z = conjugated(circuit, circuit.words, at, outward=True)[0].bits()
    rng = np.random.default_rng(limits.AXES_SEED)
    trained = (circuit.parameter_of >= 0)[:, None]
    for _ in range(limits.AXES_DRAWS):
        letters = rng.integers(1, 4, x.shape).astype(np.uint8) * (x | z)
        drawn = PauliWords.from_bits(np.where(trained, letters >> 1, x), np.where(trained, letters & 1, z))
        yield replace(now, circuit=replace(circuit, terms=conjugated(circuit, drawn, at, outward=False)[0]))


def _all_commute(circuit: RotationCircuit) -> bool:
    """Whether all words of all live generators commute."""
    words = live_part(circuit).terms.unique()[0]
    return not words.anticommutation(words).any()


def _shallow(now: _Case) -> Iterator[_Case]:
    """Keep the last layers, one rotation a qubit in each, and the fixed gates behind and between them."""
    if now.circuit.channels:  # noise that keeps gradients alive is not moved
        return
    circuit = live_part(now.circuit)
    layer, fixed = _layers(circuit)
    owner = np.repeat(np.arange(circuit.n_rotations), np.diff(circuit.starts))
    words, signs = conjugated(circuit, circuit.terms, owner, outward=True)
    measured = _outward(circuit)
    for most in range(1, min(limits.SHALLOW_LAYERS, int(layer.max(initial=1)) - 1) + 1):
        gates = tuple(c for c, height in zip(circuit.cliffords, fixed, strict=True) if height < most)
        cut = subcircuit(replace(circuit, cliffords=gates), layer <= most)
        rows = np.flatnonzero(layer[owner] <= most)
        at = np.repeat(np.arange(cut.n_rotations), np.diff(cut.starts))
        terms, more = conjugated(cut, words[rows], at, outward=False)
        cut = replace(cut, terms=terms, term_coefficients=cut.term_coefficients * signs[rows] * more)
        yield replace(now, circuit=_measuring(cut, measured))


def _layers(circuit: RotationCircuit) -> tuple[np.ndarray, list[int]]:
    """Number the layer of each rotation from the observable on, and count those behind each fixed Clifford gate."""
    n = circuit.n_rotations
    owner = np.repeat(np.arange(n), np.diff(circuit.starts))
    x, z = conjugated(circuit, circuit.terms, owner, outward=True)[0].bits()
    layer, height = np.zeros(n, np.int64), np.zeros(circuit.n_qubits, np.int64)
    fixed, gates = [], list(circuit.cliffords)
    for k in range(n - 1, -2, -1):
        while gates and gates[-1][0] > k:
            on = list(gates.pop()[2])
            height[on] = height[on].max()
            fixed.append(int(height[on[0]]))
        if k >= 0:
            acted = (x | z)[circuit.starts[k] : circuit.starts[k + 1]].any(axis=0)
            layer[k] = height[acted].max(initial=0) + 1
            height[acted] = layer[k]
    return layer, fixed[::-1]


_MENDED: dict[PlateauCause, Repair] = {
    PlateauCause.NOISE: _without_noise,
    PlateauCause.ANGLES: _uniform,
    PlateauCause.INPUT: _product_input,
    PlateauCause.MEASURED: _measured_early,
    PlateauCause.GLOBAL: _local,
    PlateauCause.COMMUTING: _other_axes,
    PlateauCause.DEPTH: _shallow,
}


def _outward(circuit: RotationCircuit) -> PauliSum:
    """The observable as it is measured, behind all gates, without its identity part."""
    o = circuit.observable.trace_free()
    words, signs = conjugated(circuit, o.words, np.full(len(o), circuit.n_rotations), outward=True)
    return PauliSum(words, signs * o.coefficients)


def _measuring(circuit: RotationCircuit, measured: PauliSum) -> RotationCircuit:
    """The circuit with this measured behind all gates."""
    words, signs = conjugated(circuit, measured.words, np.full(len(measured), circuit.n_rotations), outward=False)
    return circuit.with_observable(PauliSum(words, signs * measured.coefficients))


def _terms(before: _Case, seed: int) -> tuple[tuple[str, float], ...]:
    """What each of the largest terms loses alone."""
    measured, out = _outward(before.circuit), []
    heavy = np.lexsort((-measured.words.weights(), -np.abs(measured.coefficients)))  # of equal ones the longest
    for m in heavy[: limits.CAUSE_TERMS]:
        own = PauliSum(measured.words[m : m + 1], measured.coefficients[m : m + 1])
        case = replace(before, circuit=_measuring(before.circuit, own))
        try:
            whole, *parts = (c.solved(seed) for c in (case, *_local(case)))
        except (UnsupportedCircuitError, ModuleTooLargeError):
            continue
        bits = max((p.log2 for p in parts if not p.at_most), default=whole.log2) - whole.log2
        name = " ".join(f"{letter}{q}" for q, letter in own.words.maps()[0].items())
        out.append((name, max(0.0, bits)))
    return tuple(out)
