"""Plain sections → text, HTML, JSON. Knows no theory: it is handed words, numbers and figures."""

from pennylane_wishart.report.drawing import draw_svg
from pennylane_wishart.report.files import check_target, plain, save, to_dict, write_text
from pennylane_wishart.report.page import to_html
from pennylane_wishart.report.parts import Figure, Row, Section, Sentence
from pennylane_wishart.report.shown import Shown
from pennylane_wishart.report.text import Ink, Painter, to_text

__all__ = [
    "Figure",
    "Ink",
    "Painter",
    "Row",
    "Section",
    "Sentence",
    "Shown",
    "check_target",
    "draw_svg",
    "plain",
    "save",
    "to_dict",
    "to_html",
    "to_text",
    "write_text",
]
