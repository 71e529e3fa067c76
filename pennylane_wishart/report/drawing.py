"""Figures → inline SVG whose colours follow the page, light or dark."""

from __future__ import annotations

import html
import io
import re
from typing import Any

from pennylane_wishart.report.parts import Figure

__all__ = ["VARIABLES", "draw_svg"]

# Colours of the plots → names of CSS variables; the page defines each for light and dark ground.
VARIABLES = {"#0072b2": "blue", "#d55e00": "red", "#009e73": "green", "#7d8590": "soft", "#fdfdfe": "card"}
_INK = "#010203"
"""Stands for the colour of the text around the figure."""
_SIZE = (4.6, 3.1)
"""Inches: on a screen of 380 pixels its letters are still ten pixels high."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pennylane_wishart",
    "font.size": 10,
    "axes.labelsize": 10,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}


def draw_svg(figure: Figure) -> str:
    """Draw one figure as an SVG element that reads on light and dark ground.

    Text stays text; black becomes the colour of the page's text and the palette becomes CSS
    variables (``--pw-blue`` and its like), so one drawing serves both colour schemes.

    Raises:
        ImportError: without matplotlib.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(_STYLE):
        canvas = Canvas(figsize=figure.size or _SIZE, layout="constrained")
        FigureCanvasSVG(canvas)
        figure.draw(canvas.add_subplot())
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _themed(buffer.getvalue(), figure.caption)


def _themed(text: str, caption: str) -> str:
    svg = text[text.index("<svg") :]
    svg = svg.replace(_INK, "currentColor")
    for colour, name in VARIABLES.items():
        svg = svg.replace(colour, f"var(--pw-{name},{colour})")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # ids of groups repeat from figure to figure; nothing refers to them
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*pt"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*pt"', r"\1", svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(caption, quote=True)}"', 1)
