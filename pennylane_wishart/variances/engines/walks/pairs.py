"""``pair_walk``: signed walks of pairs of words, for shared parameters and commuting sums.

Where one angle turns several words (shared parameters, QAOA layers), or is fixed, averages do
not factor. The angle is then drawn from its law and both words of a pair (Q, R) choose their
branches separately, with a weight that makes the choice unbiased. Independent angles of
single words are still averaged in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import InputError, Status, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.columns import Z975, GradientColumns, LossColumns, is_constant, loss_size
from pennylane_wishart.variances.dead.proofs import dead_proofs, live_part
from pennylane_wishart.variances.drivers import check_law, drivers_of, gradient_bounds, subcircuit
from pennylane_wishart.variances.engines.walks.side import Side, Step
from pennylane_wishart.variances.engines.walks.tally import CLEAR, with_unseen
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["pair_walk"]

_CHUNK = 4096
_ENOUGH = 50


def pair_walk(circuit: RotationCircuit, law: AngleLaw, n_walkers: int = 10**5, seed=None) -> SecondMoments:
    """Estimate second moments by signed walks of pairs of words, at any number of qubits.

    Valid where :func:`walk` is not: parameters that drive several rotations, generators that
    are commuting sums (QAOA), fixed non-Clifford rotations, laws that are not symmetric. The
    weights grow by up to a factor 2 per such word that a walk meets, so it is for shallow
    light cones; read the standard errors. Not valid for sums of words that do not commute.

    Args:
        circuit: the normal form; its first input state is used.
        law: any law of independent angles.
        n_walkers: number of pairs.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments`, ``engine="walkers"``; of a parameter that too few walkers saw only
        the rigorous upper bound (Σ|dφ/dθ|·Σ|c|)² is known, and its value is NaN.
    Raises:
        UnsupportedCircuitError: if a generator is a sum of words that do not commute.
    Cost: O(words in the light cone · n_walkers · n / 64); bounded memory.
    Source: ours.
    Example:
        >>> c = RotationCircuit.from_words(["X", "X"], {"Z": 1.0}, parameter_of=[0, 0])
        >>> m = pair_walk(c, c.angle_law(), 20_000, seed=1)
        >>> bool(abs(m.gradient_variance[0] - 2.0) < 5 * m.gradient_variance_error[0])
        True
    """
    check_law(circuit, law)
    if n_walkers < 2:
        raise InputError(f"n_walkers must be at least 2; got {n_walkers}.")
    small = live_part(circuit)
    walkers = _Pairs(small, law, np.random.default_rng(seed))
    sums = _Sums(circuit.n_params)
    left = n_walkers
    while left > 0:
        walkers.chunk(min(_CHUNK, left), sums)
        left -= _CHUNK
    return _record(circuit, small, sums)


@dataclass
class _Sums:
    """Running sums of values and squares: row 0 is the loss, then one row per parameter."""

    n_params: int
    n: int = 0
    second: np.ndarray = field(init=False)
    first: np.ndarray = field(init=False)
    """Columns: sum of values, sum of squares, the largest weight met."""

    def __post_init__(self):
        self.second = np.zeros((self.n_params + 1, 3))
        self.first = np.zeros((self.n_params + 1, 3))


class _Pairs:
    """A circuit as words with known or averaged angles."""

    def __init__(self, circuit: RotationCircuit, law: AngleLaw, rng: np.random.Generator):
        self.circuit, self.law, self.rng = circuit, law, rng
        self.steps = _steps(circuit, law)
        self.flat = _flat_means(circuit, law, self.steps)
        c = circuit.observable.coefficients
        self.mass = float(np.abs(c).sum())
        self.probability = np.abs(c) / max(self.mass, np.finfo(float).tiny)

    def _angles(self, size: int) -> np.ndarray:
        """Draw every rotation's angle, ``(n_rotations, size)``."""
        angles = self.circuit.angles_of(self.law.sample(self.rng, size))
        for d in np.unique(self.circuit.random_of[self.circuit.random_of >= 0]):
            angles[:, self.circuit.random_of == d] = self.rng.uniform(0, 2 * np.pi, (size, 1))
        return angles.T

    def _side(self, size: int) -> Side:
        terms = self.rng.choice(len(self.probability), size, p=self.probability)
        words = self.circuit.observable.words
        sign = np.sign(self.circuit.observable.coefficients[terms])
        return Side(words.x[terms].copy(), words.z[terms].copy(), self.mass * sign)

    def chunk(self, size: int, sums: _Sums) -> None:
        """Walk one chunk of pairs, and as many single words for the means."""
        angles = self._angles(size)
        left, right, single = self._side(size), self._side(size), self._side(size)
        weight = np.ones(size)
        own: dict[int, np.ndarray] = {}
        for step in reversed(self.steps):
            phi = step.rate * angles[step.rotation]
            if step.known:
                left.turn(step, phi, self.rng)
                right.turn(step, phi, self.rng)
            else:
                ratio = self._averaged(step, left, right, weight)
                if step.parameter >= 0:
                    own[step.parameter] = ratio * step.slope**2
            if step.known or step.cos or step.sin:
                single.turn(step, phi, self.rng)
            else:
                single.weight[single.anticommutes(step)] = 0.0
        weight *= left.weight * right.weight
        end = self._end(weight, left, right)
        _add(sums.second, 0, weight, end)
        for p, ratio in own.items():
            _add(sums.second, p + 1, weight * ratio, end)
        for p in left.score.keys() & right.score.keys():
            _add(sums.second, p + 1, weight * left.score[p] * right.score[p], end)
        end = self._end(single.weight, single)
        _add(sums.first, 0, single.weight, end)
        for p, score in single.score.items():
            if not self.flat[p]:
                _add(sums.first, p + 1, single.weight * score, end)
        sums.n += size

    def _end(self, weight: np.ndarray, *sides: Side) -> np.ndarray:
        """Return what the input makes of the words, 0 where a walker has no weight."""
        out = np.zeros(len(weight))
        alive = np.flatnonzero(weight)
        if len(alive):
            out[alive] = 1.0
            for side in sides:
                words = PauliWords(side.x[alive], side.z[alive], self.circuit.n_qubits)
                out[alive] *= self.circuit.state.expectation(words)
        return out

    def _averaged(self, step: Step, left: Side, right: Side, weight: np.ndarray) -> np.ndarray:
        """Average an independent angle over both words; return the derivative's ratio."""
        a, b = left.anticommutes(step), right.anticommutes(step)
        one = a ^ b
        ratio = np.zeros(len(weight))
        if one.any():
            self._one(step, left, right, a & one, b & one, weight)
        both = np.flatnonzero(a & b)
        if len(both) == 0:
            return ratio
        # Branches 0 … 3: neither, right, left, both words move.
        table = np.array([step.cos2, step.sincos, step.sincos, step.sin2])
        slope = np.array([step.sin2, -step.sincos, -step.sincos, step.cos2])
        chance = np.abs(table) / np.abs(table).sum()
        branch = self.rng.choice(4, len(both), p=chance)
        for side, moving in ((left, branch >= 2), (right, branch % 2 == 1)):
            rows = both[moving]
            weight[rows] *= side.signs(step, rows)
            side.multiply(step, rows)
        weight[both] *= table[branch] / chance[branch]
        ratio[both] = slope[branch] / table[branch]
        return ratio

    def _one(self, step: Step, left: Side, right: Side, a, b, weight: np.ndarray) -> None:
        """Only one word of the pair anticommutes: E[cos φ] and E[sin φ]."""
        if step.sin == 0:
            weight[a | b] *= step.cos
            return
        share = abs(step.sin) / (abs(step.sin) + abs(step.cos))
        move = self.rng.random(len(weight)) < share
        stay = (a | b) & ~move
        weight[stay] *= step.cos / max(1 - share, 1e-300)
        for side, mask in ((left, a & move), (right, b & move)):
            rows = np.flatnonzero(mask)
            weight[rows] *= step.sin / share * side.signs(step, rows)
            side.multiply(step, rows)


def _add(sums: np.ndarray, row: int, weight: np.ndarray, end: np.ndarray) -> None:
    """Add the walkers' values, and remember the largest weight, of walkers that ended at 0 too.

    What the sample's spread cannot see is a walker of that weight that ends elsewhere.
    """
    value = weight * end
    sums[row, :2] += [value.sum(), (value**2).sum()]
    sums[row, 2] = max(sums[row, 2], float(np.abs(weight).max(initial=0.0)))


def _steps(circuit: RotationCircuit, law: AngleLaw) -> list[Step]:
    """Split every generator into its commuting words, first gate first."""
    drivers = drivers_of(circuit)
    sizes = np.diff(circuit.starts)
    out = []
    for k in range(circuit.n_rotations):
        generator = circuit.generator(k)
        if sizes[k] > 1 and generator.words.anticommutation(generator.words).any():
            raise UnsupportedCircuitError(
                f"pair_walk: the generator of rotation {k} is a sum of words that do not commute; "
                "use exact_moments or sampled_moments."
            )
        known = sizes[k] > 1 or drivers.driver[k] < 0 or drivers.driver[k] in drivers.shared
        for row, c in enumerate(generator.coefficients):
            out.append(_step(circuit, law, k, generator.words[row], float(c), bool(known)))
    return out


def _flat_means(circuit: RotationCircuit, law: AngleLaw, steps: list[Step]) -> np.ndarray:
    """Return which parameters are uniform over whole periods, so that E[∂ℓ/∂θ] = 0 exactly."""
    flat = np.ones(circuit.n_params, bool)
    for step in steps:
        if step.parameter >= 0:
            phi = law.characteristic(np.array([step.slope]), np.array([step.parameter]))
            flat[step.parameter] &= bool(abs(phi[0]) < 1e-14)
    kind = np.array(law.kind)
    return flat & (kind == "uniform") if len(kind) else flat


def _step(circuit: RotationCircuit, law: AngleLaw, k: int, word: PauliWords, c: float, known: bool) -> Step:
    slope = 2 * c * float(circuit.coefficients[k])
    step = Step(k, int(circuit.parameter_of[k]), word.x[0], word.z[0], 2 * c, slope, known)
    if known:
        return step
    single = subcircuit(circuit, np.array([k])).rotation_moments(law)
    parts = (single.cos[0], single.sin[0], single.cos2[0], single.sin2[0], single.sincos[0])
    step.cos, step.sin, step.cos2, step.sin2, step.sincos = (0.0 if abs(v) < 1e-14 else float(v) for v in parts)
    # A law that is one point has a derivative where it has no probability to move.
    step.known = min(step.cos2, step.sin2) < 1e-9
    return step


def _record(circuit: RotationCircuit, live: RotationCircuit, sums: _Sums) -> SecondMoments:
    n, n_params = sums.n, circuit.n_params
    mean, mean_error = _mean(sums.first, n)
    second, error = _mean(sums.second, n)
    # Squares of an estimated mean carry its error and its bias.
    squared = np.maximum(mean**2 - mean_error**2, 0.0)
    error, mean_error = (with_unseen(e, m[:, 2], n) for e, m in ((error, sums.second), (mean_error, sums.first)))
    spread = np.hypot(error, 2 * np.abs(mean) * mean_error)
    variance = second - squared
    dead = np.ones(n_params, bool)
    dead[live.parameter_of[live.parameter_of >= 0]] = False
    dead[list(dead_proofs(circuit))] = True
    squares = sums.second[:, 1]
    effective = np.divide(sums.second[:, 0] ** 2, squares, out=np.zeros(n_params + 1), where=squares > 0)
    known = (effective >= min(_ENOUGH, n / 10)) & (variance > 0) & (second > CLEAR * error)
    bound = gradient_bounds(live) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        log2 = np.log2(variance)
        upper = np.log2(np.append(loss_size(live) ** 2, bound))
        upper[known] = np.minimum(upper, np.log2(variance + Z975 * spread))[known]
    confidence = np.where(known, 0.975, 1.0)
    columns = GradientColumns(
        log2[1:],
        spread[1:],
        known[1:],
        dead,
        upper[1:],
        confidence[1:],
        (Status.ESTIMATED,) * n_params,
        variance=variance[1:],
    )
    loss = LossColumns(
        mean=float(mean[0]),
        mean_error=float(mean_error[0]),
        second=float(second[0]),
        second_error=float(error[0]),
        variance=float(variance[0]),
        variance_error=float(spread[0]),
        upper=float(upper[0]),
        confidence=float(confidence[0]),
        known=bool(known[0]),
        constant=is_constant(live, dead),
    )
    return SecondMoments(
        **loss.fields(),
        gradient_mean=np.where(dead, 0.0, mean[1:]),
        **columns.fields(),
        engine="walkers",
        n_samples=n,
        averaging="shared angles and sums drawn from the law, one draw per pair of walkers; "
        "single independent angles in closed form",
    )


def _mean(sums: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    mean = sums[:, 0] / n
    return mean, np.sqrt(np.maximum(sums[:, 1] / n - mean**2, 0.0) / n)
