"""Where to draw states, and the Kac–Rice integral over them.

A pilot run along the tilts finds the energies that carry the law; the integral then draws states
from a mixture of tilts there, sorts them by energy into blocks and splits the Hessian in each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.errors import InputError
from pennylane_wishart.minima.assembly import Assembled, Replica, assemble
from pennylane_wishart.minima.splitting import Columns, split
from pennylane_wishart.progress import progress_bar

__all__ = ["StateLaw", "check_sizes", "integrate"]

Nodes = NDArray[np.intp]
States = list[Array]


class StateLaw(Protocol):
    """Random states with a path of tilts from the top of their energies to the ground."""

    @property
    def energy(self) -> Array:
        """Typical energy of every node of the path, strictly descending."""

    @property
    def floor(self) -> float:
        """Energy of the optimum."""

    @property
    def bulk(self) -> tuple[float, float]:
        """Mean and standard deviation of the energy of an untilted state."""

    @property
    def extra(self) -> Nodes:
        """Nodes beyond the path at which states have to be drawn too."""

    def spread(self, nodes: Nodes) -> Array:
        """Standard deviation of the energy at nodes."""

    def typical(self, nodes: Nodes) -> States:
        """One typical state per node."""

    def draw(self, nodes: Nodes, rng: np.random.Generator) -> States:
        """One random state per node."""

    def log_weights(self, states: States, nodes: Nodes) -> Array:
        """log(untilted/tilted density) of every state under every node."""

    def energies(self, states: States) -> Array:
        """Energies of states."""

    def log_factor(self, states: States) -> Array:
        """Further log weight of a state."""

    def columns(self, states: States) -> Columns:
        """Source of Hessian columns at these states."""


def check_sizes(n_parameters: int, n_samples: int | None) -> tuple[int, int | None]:
    """Check p and the number of states."""
    if int(n_parameters) != n_parameters or n_parameters < 1:
        raise InputError(f"n_parameters must be a positive integer, got {n_parameters!r}.")
    if n_samples is None:
        return int(n_parameters), None
    if int(n_samples) != n_samples or n_samples < limits.MIN_SAMPLES:
        raise InputError(f"n_samples must be an integer of at least {limits.MIN_SAMPLES}, got {n_samples!r}.")
    return int(n_parameters), int(n_samples)


def _default_size(law: StateLaw, n_parameters: int) -> int:
    """Choose the number of states: many where they are cheap and each says little."""
    width = law.columns(law.typical(np.zeros(1, dtype=np.intp))).width(n_parameters)
    least, most, usual = limits.CHEAPNESS
    least_wide, usual_width = limits.WIDE_ROWS
    cheapness = max(least, min(most, usual / n_parameters)) * min(1.0, max(least_wide, usual_width / width))
    return int(limits.DEFAULT_SAMPLES * max(least, cheapness))


def _shape(n_samples: int) -> tuple[int, int, int]:
    """Return (replicas, states per replica, block): a block must span a narrow band of energy."""
    few, many = limits.REPLICAS
    replicas = many if n_samples >= 4 * limits.MIN_SAMPLES else few
    block = limits.BLOCK
    while block * limits.BLOCKS_PER_REPLICA * replicas > n_samples:
        block //= 2
    return replicas, n_samples // (replicas * block) * block, block


def integrate(
    law: StateLaw,
    n_parameters: int,
    power: float,
    n_samples: int | None,
    rng: np.random.Generator,
    descent: bool = False,
) -> Assembled:
    """Integrate density · det H^power · 1{H > 0} over states, with an error over replicas.

    With ``descent`` the counted minima are then weighted as descents reach them.
    """
    nodes, share = _place(law, n_parameters, power, rng)
    if n_samples is None:
        n_samples = _default_size(law, n_parameters)
    if law.extra.size:
        nodes = np.concatenate([nodes, law.extra])
        more = np.full(law.extra.size, limits.EXTRA_SHARE / law.extra.size)
        share = np.concatenate([(1 - limits.EXTRA_SHARE) * share, more])
    n_replicas, size, block = _shape(n_samples)
    counts = np.diff(np.floor(np.concatenate([[0.0], np.cumsum(share)]) * size + 0.5)).astype(int)
    nodes, counts = nodes[counts > 0], counts[counts > 0]
    log_share = np.log(counts / counts.sum())
    replicas = []
    bar = progress_bar(None, n_replicas, 0, "law of the minima", unit="replica")
    try:
        for _ in range(n_replicas):
            states = law.draw(np.repeat(nodes, counts), rng)
            log_weight = -logsumexp(log_share - law.log_weights(states, nodes), axis=1)
            log_weight += law.log_factor(states)
            replicas.append(_replica(law, states, log_weight, block, n_parameters, power, rng))
            bar.update(1)
    finally:
        bar.close()
    counted = assemble(replicas, law.floor)
    if not descent:
        return counted
    field = descent_field(counted.log_number) / np.sqrt(counted.variance)
    tilted = [replace(r, log_weight=r.log_weight - field * r.energy) for r in replicas]
    return replace(
        assemble(tilted, law.floor),
        log_number=counted.log_number,
        log_number_error=counted.log_number_error,
    )


def descent_field(log_number: float) -> float:
    """Return the strength with which descents prefer depth, per standard deviation of energy."""
    number = max(log_number, 0.0)  # with one minimum or fewer there is nothing to prefer
    return limits.DESCENT_STRENGTH * number / (float(np.sqrt(number)) + limits.DESCENT_ONSET)


def _replica(
    law: StateLaw,
    states: States,
    log_weight: Array,
    block: int,
    n_parameters: int,
    power: float,
    rng: np.random.Generator,
) -> Replica:
    """Split the Hessian in blocks of states of nearly equal energy."""
    energy = law.energies(states)
    order = np.argsort(energy)
    width = law.columns([part[:1] for part in states]).width(n_parameters)
    at_once = max(1, int(limits.MAX_NUMBERS / (block * n_parameters * (width + n_parameters)))) * block
    found_energy, found_weight = [], []
    for start in range(0, order.size, at_once):
        chosen = order[start : start + at_once]
        result = split(
            law.columns([part[chosen] for part in states]),
            log_weight[chosen].reshape(-1, block),
            n_parameters,
            rng,
            power,
        )
        found_energy.append(energy[chosen][result.ancestors].ravel())
        with np.errstate(divide="ignore"):
            weight = result.log_mass[:, None] + np.log(result.weights)
        found_weight.append(weight.ravel() - np.log(order.size / block))
    return Replica(np.concatenate(found_energy), np.concatenate(found_weight))


def _coarse_grid(law: StateLaw) -> Array:
    """Energies at which the pilot starts: the bulk, the whole range, and the ground."""
    mean, deviation = law.bulk
    steps = np.array([6, 4, 2.5, 1, 0, -1, -2, -3, -4, -6, -8, -11, -15, -20, -28, -40, -60])
    near = law.floor + (mean - law.floor) * 10.0 ** -np.arange(0.0, limits.GROUND_DECADES, 0.5)
    whole = np.linspace(law.energy[0], law.floor, 26)[1:-1]
    grid = np.concatenate([mean + deviation * steps, whole, near])
    return np.asarray(grid[(grid < law.energy[0]) & (grid > law.energy[-1])])


def _nearest(law: StateLaw, energies: Array) -> Nodes:
    """Return the distinct path nodes nearest to energies."""
    descending = law.energy
    right = np.clip(np.searchsorted(-descending, -energies), 1, descending.size - 1)
    upper = np.abs(descending[right - 1] - energies) < np.abs(descending[right] - energies)
    return np.unique(np.where(upper, right - 1, right))


def _pilot(law: StateLaw, nodes: Nodes, n_parameters: int, power: float, rng: np.random.Generator) -> Array:
    """Return a rough log density of the law at nodes, from their typical states."""
    out = []
    width = law.columns(law.typical(nodes[:1])).width(n_parameters)
    per_node = limits.PILOT_BLOCK * n_parameters * (width + n_parameters)
    at_once = max(1, int(limits.MAX_NUMBERS / per_node))
    for start in range(0, nodes.size, at_once):
        part = nodes[start : start + at_once]
        typical = law.typical(part)
        own = np.array([law.log_weights([s[[i]] for s in typical], part[[i]])[0, 0] for i in range(part.size)])
        log_weight = own + law.log_factor(typical) - np.log(law.spread(part))
        states = [np.repeat(s, limits.PILOT_BLOCK, axis=0) for s in typical]
        weights = np.repeat(log_weight[:, None], limits.PILOT_BLOCK, axis=1)
        out.append(split(law.columns(states), weights, n_parameters, rng, power).log_mass)
    return np.concatenate(out)


def _place(law: StateLaw, n_parameters: int, power: float, rng: np.random.Generator) -> tuple[Nodes, Array]:
    """Find the nodes that carry the law and the share of states to draw at each."""
    nodes = _nearest(law, _coarse_grid(law))
    log_density = _pilot(law, nodes, n_parameters, power, rng)
    for _ in range(limits.PILOT_ROUNDS):
        kept = _carrying(law, nodes, log_density)
        first, last = max(kept[0] - 1, 0), min(kept[-1] + 1, nodes.size - 1)
        new = _midpoints(law, nodes[first : last + 1])
        if not new.size:
            break
        order = np.argsort(np.concatenate([nodes, new]))
        log_density = np.concatenate([log_density, _pilot(law, new, n_parameters, power, rng)])[order]
        nodes = np.concatenate([nodes, new])[order]
    kept = _carrying(law, nodes, log_density)
    # beyond the last node that counts, one more on each side covers the tails.
    span = np.arange(max(kept[0] - 1, 0), min(kept[-1] + 1, nodes.size - 1) + 1)
    log_mass = _log_mass(law, nodes, log_density)[span]
    share = np.exp(log_mass - log_mass.max())
    share = limits.PLACED_SHARE * share / share.sum() + (1 - limits.PLACED_SHARE) / share.size
    return nodes[span], share


def _log_mass(law: StateLaw, nodes: Nodes, log_density: Array) -> Array:
    energy = law.energy[nodes]
    edges = np.concatenate([[energy[0]], 0.5 * (energy[1:] + energy[:-1]), [energy[-1]]])
    return np.asarray(log_density + np.log(np.maximum(edges[:-1] - edges[1:], TINY)))


def _carrying(law: StateLaw, nodes: Nodes, log_density: Array) -> Nodes:
    """Return positions of the nodes with a mass that counts."""
    log_mass = _log_mass(law, nodes, log_density)
    if not np.any(np.isfinite(log_mass)):
        raise InputError(
            "n_parameters leaves no energy at which the pilot run saw a minimum: use more samples, or fewer parameters."
        )
    return np.flatnonzero(log_mass > log_mass.max() - limits.NEGLIGIBLE)


def _midpoints(law: StateLaw, nodes: Nodes) -> Nodes:
    """Return nodes half-way between neighbours that tilted states do not bridge."""
    gap = law.energy[nodes[:-1]] - law.energy[nodes[1:]]
    spread = law.spread(nodes)
    wide = gap > limits.BRIDGE * np.minimum(spread[:-1], spread[1:])
    middle = (nodes[:-1] + nodes[1:]) // 2
    return middle[wide & (middle > nodes[:-1])]
