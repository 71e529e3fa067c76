"""How reports, figures and the command line are laid out, each number with its reason."""

from __future__ import annotations

# ---------------------------------------------------------------------- text
WIDTH = 80
"""Columns: a terminal's."""
LABEL = 40
"""Longest label that is aligned in a column: a longer one leaves its value too little room."""
VALUE_LINES = 2
"""A value of more lines than this is read better below its label."""
PATIENCE = 1.0
"""Seconds that a call may take before a bar appears unasked."""

REPR, REPR_TEXT, REPR_ITEMS = 400, 60, 4
"""Characters of a record's repr (ten of them fit a screen), of a text in it, and items that are written out."""
SUMMARY_LINES = 40
"""Lines of ``print(diag)``: what a terminal shows at once."""
ONE_THREAD_QUBITS = 15
"""Up to here a state fits a core's own cache and a gate takes less than waking a thread."""

# ---------------------------------------------------------------------- figures
TAILS = (0.001, 0.999)
"""Quantiles between which a law is drawn: beyond, a curve is not told from the axis."""
BAND = (0.05, 0.5, 0.95)
"""Quantiles of the band and the middle of a law of minima: the median, and nine of ten."""
FEWEST_QUANTILES = 20
"""Measured values that a quantile plot needs to say anything."""
LAW_POINTS, MINIMA_POINTS, QUANTILE_POINTS, LINE_POINTS = 161, 500, 200, 100
"""Points of a law, of one with sharp edges, of a quantile plot and of a straight line: as many as a figure shows."""
HISTOGRAM_BINS, VALUES_A_BIN = (10, 60), 15
"""Fewest and most bins of a histogram, and values in one: its bars are then good to a quarter."""
FEW_VALUES = 2
"""A variance of two values is hardly one: such parameters are not marked as measured."""
SECTOR_BARS = 8
"""Sectors that fit side by side with their names."""
PLAIN_DIMENSION = 10**6
"""Larger dimensions of sectors are written as powers of two: a bar's name is a few characters wide, and a row of
the report holds several."""
PLAIN_SIZE = 10**12
"""Larger integers, exact dimensions most often, are not read digit by digit."""
REMEDY_WIDTH = 24
"""Letters in a line of a remedy's name beside its bar: half of the figure is left for the losses."""
LONGEST_DECADE = 100.0
"""Qubits: a variance that takes more than these to fall tenfold does not fall as far as anyone plans."""
NAMED_TICKS = 3
"""Ticks of an axis that carry names of parameters: more of them run into one another."""
CIRCUIT_LAYERS, CIRCUIT_WIRES = 40, 24
"""Layers and wires of a drawn circuit: beyond, a gate is smaller than its name."""
CIRCUIT_INCHES, CIRCUIT_FONT, CIRCUIT_LINE = 0.42, 9.0, 0.9
"""Inches of a gate and its distance to the next, points of its name and of its lines: legible in a report."""
CIRCUIT_LEAST, CIRCUIT_LEGEND = 5.6, 0.6
"""Inches: the least width, that of the legend below the circuit, and the legend's height."""
CIRCUIT_BOX, CIRCUIT_ORDER = 0.8, 4.5
"""Side of a coloured gate, in layers (PennyLane's boxes are that wide), and its place between box and name."""
CIRCUIT_SHADES, CONE_SHADE = (0.12, 0.6), 0.1
"""Opacities of the smallest and the largest variance, under names that stay legible, and of the light cone."""
GAMMA_RANGE = (0.02, 0.98, 40)
"""p/p* at which the large-size limit is drawn: at 0 and 1 its slope is infinite."""
SLICE_DEVIATIONS, SLICE_LEVELS = 3.0, 12
"""Standard deviations at which the colours of a plane end, and lines of equal loss on it."""
