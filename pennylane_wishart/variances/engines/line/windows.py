"""A Pauli-rotation circuit on a line: qubits in a good order, gates joined into short windows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from pennylane_wishart.circuit import CliffordMap, LocalForm, RotationCircuit, local_form
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import UnsupportedCircuitError

__all__ = ["Line", "Link", "Window", "line_of"]


@dataclass(frozen=True, eq=False)
class Link:
    """One gate on the line: a rotation, or a Clifford gate that only relabels words."""

    rotation: int
    """−1 for a Clifford gate."""
    sites: tuple[int, ...]
    """In the order of ``letters`` or of the gate's own qubits."""
    letters: tuple[int, ...] = ()
    image: np.ndarray | None = None

    @property
    def low(self) -> int:
        """First site."""
        return min(self.sites)

    @property
    def high(self) -> int:
        """Last site."""
        return max(self.sites)


@dataclass(eq=False)
class Window:
    """Neighbouring sites and the links that act on them, first gate first."""

    low: int
    high: int
    links: list[Link] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Line:
    """The circuit's live part: qubits by site, and windows in time order."""

    qubits: np.ndarray
    """int64: the qubit of each site."""
    observable: np.ndarray
    """uint8 ``(terms, sites)``: letters 2·x + z."""
    windows: tuple[Window, ...]


def line_of(circuit: RotationCircuit) -> Line:
    """Put a circuit of single-word generators on a line.

    The words are taken as the normal form has them and with the fixed Clifford gates put back,
    whichever has the shorter gates; qubits are reordered where that brings gates together (a ring
    folds into a line of neighbours at distance two).

    Args:
        circuit: its live rotations only.
    Raises:
        UnsupportedCircuitError: if some gate spans more than four sites in every arrangement.
    Cost: O(rotations · qubits).
    """
    # conjugating Clifford gates away makes long words of short gates; putting them back undoes that
    forms = [local_form(circuit)]
    if circuit.cliffords:
        x, z = circuit.words.bits()
        ox, oz = circuit.observable.words.bits()
        forms.append(LocalForm((2 * x + z).astype(np.uint8), (2 * ox + oz).astype(np.uint8), ()))
    best, shortest = None, None
    for form in forms:
        gates = _reachable(form)
        supports = [np.flatnonzero(row) for row in form.letters]
        supports += [np.array(g.qubits) for g in gates]
        used = _used(form, supports)
        # the given order first: where both are as short it is the one that the user reads
        for order in (used, _folded(supports, used)):
            spans = _spans(supports, order)
            key = (int(spans.max(initial=1)), int(spans.sum()))
            if shortest is None or key < shortest:
                best, shortest = (form, gates, order), key
    assert best is not None and shortest is not None
    if shortest[0] > limits.MAX_WINDOW:
        raise UnsupportedCircuitError(
            f"log2_moments: a gate spans {shortest[0]} neighbouring qubits, and {limits.MAX_WINDOW} is the "
            "most, in every order of the qubits that was tried; use walkers."
        )
    form, gates, order = best
    place = np.full(form.letters.shape[1], -1)
    place[order] = np.arange(len(order))
    links = _links(form, gates, place)
    return Line(order, form.observable[:, order], tuple(_windows(links)))


def _used(form: LocalForm, supports: list[np.ndarray]) -> np.ndarray:
    used = np.flatnonzero(form.observable.any(axis=0))
    used = np.unique(np.concatenate([used, *supports])).astype(np.int64)
    return used if len(used) else np.zeros(1, np.int64)


def _reachable(form: LocalForm) -> list[CliffordMap]:
    """Leave out Clifford gates that only ever see the identity."""
    active = np.asarray(form.observable.any(axis=0), bool)
    kept = []
    k = len(form.letters)
    for gate in reversed(form.gates):
        while k > gate.position:
            k -= 1
            if active[form.letters[k] > 0].any():
                active |= form.letters[k] > 0
        if active[list(gate.qubits)].any():
            active[list(gate.qubits)] = True
            kept.append(gate)
    return kept[::-1]


def _spans(supports: list[np.ndarray], order: np.ndarray) -> np.ndarray:
    place = np.full(int(order.max()) + 1, -1)
    place[order] = np.arange(len(order))
    return np.array([int(np.ptp(place[s])) + 1 if len(s) else 1 for s in supports], int)


def _folded(supports: list[np.ndarray], used: np.ndarray) -> np.ndarray:
    """Return the qubits in an order of small bandwidth (reverse Cuthill–McKee)."""
    n = int(used.max()) + 1
    rows, columns = [], []
    for support in supports:
        # longer gates do not fit in any order, and would pull their qubits together for nothing
        if 2 <= len(support) <= 2 * limits.MAX_WINDOW:
            a, b = np.meshgrid(support, support)
            rows.append(a.reshape(-1))
            columns.append(b.reshape(-1))
    if not rows:
        return used
    i, j = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
    order = reverse_cuthill_mckee(graph, symmetric_mode=True).astype(np.int64)
    return np.asarray(order[np.isin(order, used)])


def _links(form: LocalForm, gates: list[CliffordMap], place: np.ndarray) -> list[Link]:
    """Rotations and Clifford gates in time order, as sites of the line."""
    out: list[Link] = []
    at = 0
    for k in range(len(form.letters) + 1):
        while at < len(gates) and gates[at].position <= k:
            gate = gates[at]
            sites = tuple(int(place[q]) for q in gate.qubits)
            out.append(Link(-1, sites, image=gate.image))
            at += 1
        if k < len(form.letters):
            support = np.flatnonzero(form.letters[k])
            sites = tuple(int(s) for s in place[support])
            out.append(Link(k, sites, tuple(int(v) for v in form.letters[k, support])))
    return out


def _windows(links: list[Link]) -> list[Window]:
    """Join links that act on the same few sites, so that each window is split once.

    A link takes along the windows that nothing has touched since, as long as the union is not
    wider than the wider of both (at least two sites).
    """
    windows: dict[int, Window] = {}
    last: dict[int, int] = {}
    for number, link in enumerate(links):
        low, high, taken = link.low, link.high, []
        for key in sorted({last[s] for s in range(low, high + 1) if s in last}):
            old = windows[key]
            a, b = min(low, old.low), max(high, old.high)
            widest = max(1, high - low, old.high - old.low)
            # wider windows cost four times as much a site: joining must not widen
            if b - a <= widest and all(last[s] == key for s in range(old.low, old.high + 1)):
                low, high = a, b
                taken.append(key)
        joined = Window(low, high, [x for key in taken for x in windows.pop(key).links] + [link])
        windows[number] = joined
        for s in range(low, high + 1):
            last[s] = number
    return list(windows.values())
