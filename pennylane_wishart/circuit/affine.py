"""Recover a sparse affine map from a few evaluations: which parameter drives which gate.

Gate parameters are affine in the QNode parameters (a gate's angle may be −2x + 0.3, x₀ + x₁,
data·x). Two probes along weighted directions identify the parameter of every gate that
depends on one; gates that depend on several are resolved by probing random groups.

No size is absolute: an angle is compared with its own rounding error, and the steps of a
parameter grow until its effect is read to full precision (1e-10·x + 0.5, x + 1e10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from scipy.sparse import csr_array

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.errors import UnsupportedCircuitError

__all__ = ["AffineMap", "affine_map", "significant"]

Probe = Callable[[np.ndarray], np.ndarray]
Change = tuple[np.ndarray, np.ndarray, np.ndarray]
"""(step as it was really taken, change of the outputs, rounding error of the change)."""
Entries = list[np.ndarray]
"""Rows, columns, slopes and their errors: the map, entry by entry."""


@dataclass(frozen=True, eq=False)
class AffineMap:
    """f(x) = offsets + matrix·x."""

    matrix: csr_array
    """Sparse ``(m, n)``."""
    offsets: np.ndarray
    """float64 ``(m,)``: the outputs at x = 0."""


def affine_map(
    function: Probe,
    x0: np.ndarray,
    f0: np.ndarray,
    describe: Callable[[int], str],
) -> AffineMap:
    """Return the sparse affine map that a function is.

    Args:
        function: x ``(n,)`` → gate parameters ``(m,)``; raises if the structure changes.
        x0: float64 ``(n,)``, of any size.
        f0: the outputs at x0.
        describe: name of output i for messages.
    Raises:
        UnsupportedCircuitError: if an output is not affine in x.
    Cost: three evaluations (five where parameters are beyond 64), plus 64 per round where outputs
        depend on several parameters, plus a few where steps have to grow.
    """
    if len(x0) == 0:
        return AffineMap(csr_array((len(f0), 0)), np.asarray(f0, float))
    return _Fit(function, x0, f0, describe).solve()


def significant(values: np.ndarray, digits: int = 12) -> np.ndarray:
    """Return numbers rounded to some significant digits: equal for equal slopes of any size."""
    values = np.asarray(values, float)
    with np.errstate(divide="ignore"):
        exponent = np.where(values == 0, 0.0, np.floor(np.log10(np.abs(values))))
    scale = 10.0 ** np.clip(digits - 1 - exponent, -300, 300)
    return np.asarray(np.round(values * scale) / scale)


class _Fit:
    """One function on its way to a map; every probe is kept, to be checked against the map."""

    def __init__(self, function: Probe, x0: np.ndarray, f0: np.ndarray, describe: Callable[[int], str]) -> None:
        self.function, self.describe = function, describe
        self.n = len(x0)
        self.rng = np.random.default_rng(20241121)
        self.probes: list[tuple[np.ndarray, np.ndarray]] = [(x0, np.asarray(f0, float))]
        # beside a parameter of 1e10 a step of one is lost to rounding: it is probed near 1 instead
        far = np.abs(x0) > limits.PROBED_REACH
        self.size = np.maximum(1.0, np.abs(x0))
        self.centre = np.where(far, self.rng.uniform(0.5, 1.5, self.n), x0)
        self.value = self.at(self.centre) if far.any() else self.probes[0][1]
        self._finite(self.probes[0][1])
        # until the probes say otherwise, double precision
        self.unit = np.full(len(f0), 2.0**-53)

    # ------------------------------------------------------------------ probing
    def at(self, x: np.ndarray) -> np.ndarray:
        """Evaluate and keep; refuse what is not finite."""
        with np.errstate(all="ignore"):
            out = np.asarray(self.function(x), float)
        self._finite(out)
        self.probes.append((x, out))
        return out

    def _finite(self, out: np.ndarray) -> None:
        if not np.all(np.isfinite(out)):
            self._refuse(int(np.flatnonzero(~np.isfinite(out))[0]))

    def _refuse(self, row: int) -> NoReturn:
        raise UnsupportedCircuitError(
            f"The angle of {self.describe(row)} is not an affine function of the trainable "
            "parameters: make the non-linear expression itself the trainable argument."
        )

    def move(self, step: np.ndarray) -> Change:
        """Take a step from the centre; what was taken differs from it by rounding."""
        x = self.centre + step
        out = self.at(x)
        return x - self.centre, out - self.value, limits.ANGLE_NOISE * self.unit * (np.abs(out) + np.abs(self.value))

    def _precision(self) -> None:
        """Outputs that are single-precision numbers at every probe were computed in single precision."""
        values = np.array([f for _, f in self.probes])
        with np.errstate(over="ignore"):
            # a double that is exactly a single at every probe has been computed as one
            single = np.all(values.astype(np.float32) == values, axis=0)
        self.unit = np.where(single, 2.0**-24, 2.0**-53)

    # ------------------------------------------------------------------ the map
    def solve(self) -> AffineMap:
        """Fit, sharpen, check."""
        weight = self.rng.uniform(0.5, 1.5, self.n)
        ramp = weight * (np.arange(self.n) + 1) / self.n
        # two directions: the ratio of the two changes names the one parameter that an angle depends on
        first, second = self.move(weight), self.move(ramp)
        # Wide enough that an angle taken modulo 2π or 4π is seen to be, and on the other side of 0.
        self.at(np.where(self.centre < 0, 1, -1) * self.rng.uniform(11, 38, self.n))
        self._precision()
        entries, rest = self._single(first, second)
        entries = self._sharpen(entries)
        map_ = self._matrix_of(entries)
        # single-parameter readings that a third probe contradicts were of several parameters
        wrong = np.union1d(rest, self._misfits(map_))
        if len(wrong):
            more = self._several(wrong, np.arange(self.n), np.ones(self.n))
            entries = self._sharpen(_joined(_without(entries, wrong), more))
        entries = self._far(self._at_reach(entries))
        # parameters that were moved to the centre are checked once at their own size
        if (self.size > limits.PROBED_REACH).any():
            self.at(self.size * self.rng.uniform(0.5, 2.0, self.n) * self.rng.choice([-1, 1], self.n))
        return self._checked(self._at_reach(entries))

    def _at_reach(self, entries: Entries) -> Entries:
        """Read angles that are still wrong with steps as long as the longest probe: 1e-10·x beside 1e6·y."""
        for _ in range(3):
            wrong = self._misfits(self._matrix_of(entries), entries)
            if len(wrong) == 0:
                break
            reach = np.max([np.abs(x - self.centre) for x, _ in self.probes], axis=0)
            more = self._several(wrong, np.arange(self.n), np.where(reach > limits.PROBED_REACH, reach, 1.0))
            entries = self._sharpen(_joined(_without(entries, wrong), more))
        return entries

    def _single(self, first: Change, second: Change) -> tuple[Entries, np.ndarray]:
        """Return entries (row, column, slope, error) of outputs of one parameter, and the other rows."""
        (weight, d1, e1), (ramp, d2, e2) = first, second
        live = np.flatnonzero((np.abs(d1) > e1) | (np.abs(d2) > e2))
        with np.errstate(divide="ignore", invalid="ignore"):
            # ramp/weight is (index + 1)/n, so the ratio of changes gives the index
            position = d2[live] / d1[live] * self.n - 1
        index = np.clip(np.nan_to_num(np.round(position), nan=0, posinf=0, neginf=0), 0, self.n - 1).astype(int)
        slope = d1[live] / weight[index]
        # an angle of several parameters gives an index too, but not both changes
        good = np.abs(slope * ramp[index] - d2[live]) <= 2 * (e1 + e2)[live]
        good &= np.abs(d1[live]) > e1[live]
        error = e1[live] / weight[index]
        return [a[good] for a in (live, index, slope, error)], live[~good]

    def _matrix_of(self, entries: Entries) -> csr_array:
        rows, columns, slopes, _ = entries
        return csr_array((slopes, (rows, columns)), shape=(len(self.value), self.n))

    def _offsets(self, map_: csr_array) -> np.ndarray:
        out = self.value - map_ @ self.centre
        size = np.abs(self.value) + abs(map_) @ np.abs(self.centre)
        # an offset below the rounding of its terms is 0: x − x·1 has none
        return np.where(np.abs(out) <= limits.ANGLE_NOISE * self.unit * size, 0.0, out)

    def _misfits(self, map_: csr_array, entries: Entries | None = None) -> np.ndarray:
        """Return the rows that some probe contradicts."""
        wrong = np.zeros(len(self.value), bool)
        size = abs(map_)
        for x, f in self.probes:
            step = x - self.centre
            scale = np.abs(f) + np.abs(self.value) + size @ (np.abs(x) + np.abs(self.centre))
            # what rounding of the sum may explain, plus the doubt of each slope over this step
            allowed = limits.ANGLE_FIT * self.unit * scale
            if entries is not None:
                np.add.at(allowed, entries[0], entries[3] * np.abs(step[entries[1]]))
            wrong |= np.abs(self.value + map_ @ step - f) > allowed
        return np.flatnonzero(wrong)

    def _checked(self, entries: Entries) -> AffineMap:
        """Return the map if every probe agrees; angles that are rounding errors become constants."""
        map_ = self._matrix_of(entries)
        wrong = self._misfits(map_, entries)
        for row in wrong:
            values = np.array([f[row] for _, f in self.probes])
            sizes = np.array([1 + np.abs(x).max() + np.abs(self.centre).max() for x, _ in self.probes])
            # it moves by more than rounding, and not linearly
            if np.any(np.abs(values - self.value[row]) > limits.ROUNDED_AWAY * sizes):
                self._refuse(int(row))
        if len(wrong):
            map_ = self._matrix_of(_without(entries, wrong))
        return AffineMap(map_, self._offsets(map_))

    # ------------------------------------------------------------------ several parameters
    def _several(
        self, rest: np.ndarray, columns: np.ndarray, step: np.ndarray, buckets: int = 32, rounds: int = 6
    ) -> Entries:
        """Resolve outputs that depend on several parameters, by random groups of parameters.

        A group that holds just one parameter of an output shows it by the ratio of two probes;
        what is found is subtracted before the next round.
        """
        n = len(columns)
        found = csr_array((len(rest), n))
        parts: list[tuple[np.ndarray, ...]] = []
        for r in range(rounds):
            # few parameters, or the last round: each is a group of its own
            direct = n <= buckets or r == rounds - 1 and n <= limits.DIRECT_PROBES
            # random groups: two parameters of one angle fall apart in some round
            group = np.arange(n) if direct else self.rng.integers(0, buckets, n)
            members = [np.flatnonzero(group == b) for b in range(group.max() + 1)]
            new = [p for p in (self._bucket(found, rest, columns, m, step) for m in members if len(m)) if p]
            if new:
                rows, places, slopes, _ = (np.concatenate(p) for p in zip(*new, strict=True))
                found = csr_array(found + csr_array((slopes, (rows, places)), shape=found.shape))
                parts += new
            if direct:
                break
        if not parts:
            return [np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0)]
        rows, places, slopes, noise = (np.concatenate(p) for p in zip(*parts, strict=True))
        # later rounds correct earlier ones: one entry a pair, its error that of the last reading or worse
        pairs, inverse = np.unique(rows * n + places, return_inverse=True)
        total, doubt = np.zeros(len(pairs)), np.zeros(len(pairs))
        np.add.at(total, inverse, slopes)
        np.maximum.at(doubt, inverse, noise)
        return [rest[pairs // n], columns[pairs % n], total, doubt / step[pairs % n]]

    def _bucket(
        self, found: csr_array, rest: np.ndarray, columns: np.ndarray, members: np.ndarray, step: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Return (row, place, slope, noise) of what one group of parameters shows; None for nothing."""

        def probe(weights: np.ndarray) -> Change:
            local = np.zeros(len(columns))
            local[members] = weights
            full = np.zeros(self.n)
            full[columns] = local
            taken, change, error = self.move(full)
            known = found @ taken[columns]
            size = limits.ANGLE_NOISE * self.unit[rest] * (abs(found) @ np.abs(taken[columns]))
            return taken[columns], change[rest] - known, error[rest] + size

        weight = step[members] * self.rng.uniform(0.5, 1.5, len(members))
        taken, d1, e1 = probe(weight)
        hit = np.flatnonzero(np.abs(d1) > e1)
        if len(hit) == 0:
            return None
        count = len(members)
        if count == 1:
            return hit, np.full(len(hit), members[0]), d1[hit] / taken[members[0]], e1[hit]
        _, d2, e2 = probe(weight * (np.arange(count) + 1) / count)
        place = d2[hit] / d1[hit] * count - 1
        k = np.round(place).astype(int)
        # how far rounding may push the ratio from a whole index
        doubt = np.clip(4 * count * (e1 + e2)[hit] / np.abs(d1[hit]), 1e-6, 0.1)
        ok = (np.abs(place - k) < doubt) & (k >= 0) & (k < count)
        k, hit = members[k[ok]], hit[ok]
        return hit, k, d1[hit] / taken[k], e1[hit]

    # ------------------------------------------------------------------ precision
    def _sharpen(self, entries: Entries) -> Entries:
        """Read slopes again with larger steps where the angle is much larger than what they move."""
        rows, columns, slopes, errors = (np.array(e) for e in entries)
        size = np.abs(self.value[rows]) / np.maximum(np.abs(slopes), TINY)
        poor = np.flatnonzero(size > limits.COARSE_ANGLE)
        if len(poor) == 0:
            return [rows, columns, slopes, errors]
        reach: dict[int, float] = {}
        for e in poor:
            step = 2.0 ** min(np.ceil(np.log2(size[e])), 60)
            reach[int(columns[e])] = max(step, reach.get(int(columns[e]), 0.0))
        # parameters that share an angle are read one after the other, the others at once
        near = np.isin(rows, rows[poor]) & np.isin(columns, columns[poor])
        for colour in _colours(rows[near], columns[near]):
            step = np.zeros(self.n)
            step[colour] = [reach[c] for c in colour]
            taken, change, error = self.move(step)
            for e in poor[np.isin(columns[poor], colour)]:
                width = taken[columns[e]]
                # a longer step is kept only where it reads sharper
                if error[rows[e]] / abs(width) < errors[e]:
                    slopes[e], errors[e] = change[rows[e]] / width, error[rows[e]] / abs(width)
        return [rows, columns, slopes, errors]

    def _far(self, entries: Entries) -> Entries:
        """Look once, from far away, for an effect of the parameters that seem to have none."""
        unseen = np.setdiff1d(np.arange(self.n), entries[1])
        if len(unseen) == 0:
            return entries
        kept = len(self.probes)
        step = np.zeros(self.n)
        step[unseen] = limits.FAR_STEP * self.rng.uniform(0.5, 1.5, len(unseen))
        _, change, error = self.move(step)
        # below that share it is a rounding error, not a slope, unless it proves to be linear
        rows = np.flatnonzero(np.abs(change) > error)
        if len(rows) == 0:
            return entries
        found = self._several(rows, unseen, np.full(len(unseen), limits.FAR_STEP))
        crooked = self._misfits(self._matrix_of(_joined(entries, found)))
        drop = rows[np.isin(rows, crooked) & (np.abs(change[rows]) <= limits.ROUNDED_AWAY * limits.FAR_STEP)]
        if len(drop):
            found = _without(found, drop)
            # the far probe proved nothing: it must not contradict the map
            self.probes = self.probes[:kept]
        return self._sharpen(_joined(entries, found))


def _joined(entries: Entries, more: Entries) -> Entries:
    return [np.concatenate(pair) for pair in zip(entries, more, strict=True)]


def _without(entries: Entries, rows: np.ndarray) -> Entries:
    keep = ~np.isin(entries[0], rows)
    return [e[keep] for e in entries]


def _colours(rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
    """Split columns into sets of which no row holds two: each set is probed at once."""
    by_row: dict[int, list[int]] = {}
    for r, c in zip(rows.tolist(), columns.tolist(), strict=True):
        by_row.setdefault(r, []).append(c)
    rows_of: dict[int, list[int]] = {}
    for r, c in zip(rows.tolist(), columns.tolist(), strict=True):
        rows_of.setdefault(c, []).append(r)
    colour: dict[int, int] = {}
    for c in rows_of:
        taken = {colour[o] for r in rows_of[c] for o in by_row[r] if o in colour}
        colour[c] = next(k for k in range(len(taken) + 1) if k not in taken)
    count = min(max(colour.values(), default=-1) + 1, limits.PROBE_COLOURS)
    return [np.array([c for c, k in colour.items() if k == i]) for i in range(count)]
