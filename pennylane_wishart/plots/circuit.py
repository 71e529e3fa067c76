"""The circuit as the picture: what each gate's parameter does to the loss, on PennyLane's own drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pennylane as qml
from pennylane.drawer.drawable_layers import drawable_layers

from pennylane_wishart.circuit import TracedCircuit
from pennylane_wishart.conventions import display
from pennylane_wishart.errors import InputError
from pennylane_wishart.plots.axes import LINE, OTHER, PREDICTED, ground_colour, ink, new_axes
from pennylane_wishart.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["circuit_map", "drawn_size"]


def circuit_map(pred: Prediction, ax: Axes | None = None) -> Axes:
    """Draw the circuit as ``qml.draw_mpl`` does, each gate coloured by the gradient variance of its parameter.

    The darker a gate, the larger the variance (log scale; the legend has its ends); dead gates are grey, fixed gates
    blank, and the observable's light cone is shaded: gates outside it commute with all that is measured. Of a long
    circuit the last layers are drawn, the nearest to the measurement.

    Returns:
        The Axes that it drew on: ``ax``, or new ones of a size that keeps the gates legible.
    Raises:
        InputError: if the prediction holds no QNode (read back from a file, or made from words), or has more than
            ``display.CIRCUIT_WIRES`` wires.
    """
    trace = _drawable(pred)
    drawn = _Drawn.of(trace)
    ax = new_axes(drawn.size) if ax is None else ax
    _draw(drawn, trace, ax)
    _shade(drawn, trace, ax)
    variances = _variances(pred, trace, drawn.gates)
    known = variances[np.isfinite(variances)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    for (layer, wires), value in zip(drawn.places, variances, strict=True):
        if np.isnan(value):
            continue
        share = 1.0 if high == low else (value - low) / (high - low)
        faint, strong = display.CIRCUIT_SHADES
        colour, alpha = (LINE, strong) if np.isneginf(value) else (PREDICTED, faint + (strong - faint) * share)
        _colour(ax, layer, wires, colour, alpha)
    ax.set(xlabel="layer", ylabel="wire")  # not drawn: for whoever asks the axes what they show
    _legend(ax, low, high, bool(len(known)), bool(np.isneginf(variances).any()))
    left = drawn.left_out
    ax.set_title(
        f"the last {drawn.layers} layers; {left} earlier gates are not drawn" if left else "", fontsize="small"
    )
    return ax


def drawn_size(pred: Prediction) -> tuple[float, float] | None:
    """Return the inches that the picture needs; None where it cannot be drawn."""
    try:
        return _Drawn.of(_drawable(pred)).size
    except InputError:
        return None


def _drawable(pred: Prediction) -> TracedCircuit:
    trace = pred.circuit.trace
    if trace is None:
        raise InputError("circuit_map draws the gates of a QNode: this prediction was read back, or made from words.")
    if len(trace.wires) > display.CIRCUIT_WIRES:
        raise InputError(f"circuit_map draws up to {display.CIRCUIT_WIRES} wires; the circuit has {len(trace.wires)}.")
    return trace


@dataclass(frozen=True)
class _Drawn:
    """Which gates are drawn, and where."""

    gates: tuple[int, ...]
    """Indices of the traced gates."""
    places: tuple[tuple[int, tuple[int, ...]], ...]
    """(layer, wires) of each."""
    layers: int
    left_out: int
    ops: tuple[Any, ...]
    """Operations on wires 0, 1, …"""
    n_wires: int

    @classmethod
    def of(cls, trace: TracedCircuit) -> _Drawn:
        """Lay the gates out as PennyLane does."""
        index = {w: q for q, w in enumerate(trace.wires)}
        most = display.CIRCUIT_LAYERS * len(index)  # a layer holds no more gates than wires
        start = max(0, len(trace.gates) - most)
        with qml.QueuingManager.stop_recording():
            ops = [qml.map_wires(g.op, index) for g in trace.gates[start:]]
        at = {id(op): layer for layer, row in enumerate(_layers(ops, len(index))) for op in row}
        first = max(0, max(at.values(), default=0) + 1 - display.CIRCUIT_LAYERS)
        kept = [i for i, op in enumerate(ops) if at[id(op)] >= first]
        # laid out once more: without the gates before them some move to the left
        ops = [ops[i] for i in kept]
        rows = _layers(ops, len(index))
        at = {id(op): layer for layer, row in enumerate(rows) for op in row}
        # the box of a controlled gate is on its target; the light cone takes all of its wires
        places = tuple((at[id(op)], tuple(int(w) for w in getattr(op, "target_wires", op.wires))) for op in ops)
        gates = tuple(start + i for i in kept)
        return cls(gates, places, len(rows), len(trace.gates) - len(ops), tuple(ops), len(index))

    @property
    def size(self) -> tuple[float, float]:
        """Inches: a layer and a wire take as much as a legible gate, and the legend a line."""
        unit = display.CIRCUIT_INCHES
        return max(unit * (self.layers + 3), display.CIRCUIT_LEAST), unit * (self.n_wires + 3) + display.CIRCUIT_LEGEND


def _layers(ops: Sequence[Any], n_wires: int) -> list[list[Any]]:
    return cast("list[list[Any]]", drawable_layers(ops, wire_map={q: q for q in range(n_wires)}))


class _On:
    """Stands for the figure that PennyLane draws on: everything goes to the Axes that we were given."""

    def __init__(self, ax: Axes):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._ax = ax
        self.canvas = FigureCanvasAgg(Figure(dpi=ax.figure.dpi))  # measures text; that of an SVG file cannot

    def add_axes(self, _rect: Any, **options: Any) -> Axes:
        """Return the Axes with the limits that were asked for."""
        self._ax.set(**options)
        self._ax.set_aspect("equal", adjustable="box")
        return self._ax

    def clear(self) -> None:
        """Keep what is there."""

    set_figwidth = set_figheight = lambda self, inches: None  # noqa: E731  # the Axes have their size


def _draw(drawn: _Drawn, trace: TracedCircuit, ax: Axes) -> None:
    import matplotlib

    box = ax.get_window_extent()
    unit = min(box.width / (drawn.layers + 3), box.height / (drawn.n_wires + 1)) / ax.figure.dpi
    style: Any = {
        "lines.color": ink(),
        "patch.edgecolor": ink(),
        "patch.facecolor": ground_colour(),
        "axes.facecolor": ground_colour(),
        "figure.facecolor": ground_colour(),
        "lines.linewidth": display.CIRCUIT_LINE,
    }
    measured = qml.map_wires(trace.observable, {w: q for q, w in enumerate(trace.wires)})
    tape = qml.tape.QuantumScript(drawn.ops, [qml.expval(measured)])
    font = display.CIRCUIT_FONT * unit / display.CIRCUIT_INCHES
    with matplotlib.rc_context(style):
        qml.drawer.tape_mpl(
            tape, wire_order=range(drawn.n_wires), show_all_wires=True, style="rcParams", fig=_On(ax), fontsize=font
        )
    for text, wire in zip(ax.texts, trace.wires, strict=False):  # wires come first, by their numbers
        text.set_text(str(wire))


def _shade(drawn: _Drawn, trace: TracedCircuit, ax: Axes) -> None:
    """Shade what the observable reaches, going back from the measurement."""
    from matplotlib.patches import Rectangle

    cone = {trace.wires.index(w) for w in trace.observable.wires}
    rows: dict[int, list[set[int]]] = {}
    for (layer, _), op in zip(drawn.places, drawn.ops, strict=True):
        rows.setdefault(layer, []).append({int(w) for w in op.wires})
    for layer in range(drawn.layers, -1, -1):
        for wires in rows.get(layer, []):
            if cone & wires:
                cone |= wires
        for q in cone:
            ax.add_patch(Rectangle((layer - 0.5, q - 0.5), 1, 1, color=OTHER, alpha=display.CONE_SHADE, lw=0, zorder=0))


def _variances(pred: Prediction, trace: TracedCircuit, gates: Sequence[int]) -> np.ndarray:
    """log2 of the largest gradient variance of each gate's parameters: −inf where dead, NaN where it has none."""
    log2 = np.where(pred.moments.known, pred.log2_gradient_variance, pred.gradient_variance_upper.at_most_log2)
    log2[list(pred.dead_parameters)] = -np.inf
    row = {int(g): r for r, g in enumerate(trace.rotations)}
    out = np.full(len(gates), np.nan)
    for i, gate in enumerate(gates):
        r = row.get(gate)
        driven = [] if r is None else trace.map.indices[trace.map.indptr[r] : trace.map.indptr[r + 1]]
        if len(driven):
            out[i] = log2[driven].max()
    return out


def _colour(ax: Axes, layer: int, wires: tuple[int, ...], colour: str, alpha: float) -> None:
    """Lay a colour over the gate's box, below its name; a gate without a box gets a disc on each wire."""
    from matplotlib.patches import Rectangle

    half = display.CIRCUIT_BOX / 2
    low, high = min(wires), max(wires)
    ax.add_patch(
        Rectangle((layer - half, low - half), 2 * half, high - low + 2 * half, color=colour, alpha=alpha, lw=0,
                  zorder=display.CIRCUIT_ORDER)
    )  # fmt: skip


def _legend(ax: Axes, low: float, high: float, live: bool, dead: bool) -> None:
    from matplotlib.patches import Patch

    faint, strong = display.CIRCUIT_SHADES
    keys = []
    if live:
        keys.append(Patch(color=PREDICTED, alpha=strong, lw=0, label=f"Var[∂ℓ/∂θ] = 2^{high:.1f}"))
    if live and high > low:
        keys.append(Patch(color=PREDICTED, alpha=faint, lw=0, label=f"2^{low:.1f}"))
    if dead:
        keys.append(Patch(color=LINE, alpha=strong, lw=0, label="dead: exactly 0"))
    keys.append(Patch(color=OTHER, alpha=display.CONE_SHADE, lw=0, label="light cone of the observable"))
    ax.legend(handles=keys, loc="upper left", bbox_to_anchor=(0, 0), ncols=2, fontsize="small", frameon=False)
