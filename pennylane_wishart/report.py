"""Plain sections → text, HTML, JSON. Knows no theory: it is handed words, numbers and figures."""

from __future__ import annotations

import html
import io
import json
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pennylane_wishart.errors import InputError

__all__ = ["Row", "Section", "plain", "save", "to_dict", "to_html", "to_text"]

_WIDTH = 80


@dataclass(frozen=True)
class Row:
    """One number of a report."""

    label: str
    value: str
    definition: str = ""
    """What the number means, and where it comes from; shown when the pointer rests on it."""
    method: str = ""
    """How it was found: exact, sampled, bound, asymptotic."""


@dataclass(frozen=True)
class Section:
    """One part of a report."""

    title: str
    sentences: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    figure: Callable[[Any], None] | None = None
    """Draws on the matplotlib Axes that it is given."""
    caption: str = ""


def to_text(title: str, sections: Sequence[Section], width: int = _WIDTH) -> str:
    """Return the report as text of at most ``width`` columns."""
    lines = [title, "=" * min(width, len(title))]
    for section in sections:
        lines += ["", section.title, "-" * len(section.title)]
        for sentence in section.sentences:
            lines += textwrap.wrap(sentence, width, break_long_words=False) or [""]
        label_width = min(34, max((len(r.label) for r in section.rows), default=0))
        for row in section.rows:
            head = f"  {row.label.ljust(label_width)}  "
            tail = row.value + (f"  ({row.method})" if row.method else "")
            lines += textwrap.wrap(head + tail, width, subsequent_indent=" " * len(head)) or [head]
    return "\n".join(lines)


_STYLE = """
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#ffffff;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--soft:#9aa4ae;--line:#30363d;--card:#161b22}}
.pw{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:52rem;margin:0 auto;padding:1rem}
.pw h1{font-size:1.4rem;line-height:1.25}.pw h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
.pw p{margin:.4rem 0}.pw table{border-collapse:collapse;width:100%}
.pw td{padding:.25rem .5rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
.pw td:first-child{color:var(--soft);width:45%}.pw .m{color:var(--soft);font-size:.85em}
.pw [title]{text-decoration:underline dotted var(--soft);cursor:help}
.pw figure{margin:.8rem 0;padding:.5rem;background:var(--card);border-radius:6px}
.pw figure svg{width:100%;height:auto}.pw figcaption{color:var(--soft);font-size:.9em}
.pw .first{border-left:4px solid #0072b2;padding-left:.8rem}
"""


def to_html(title: str, sections: Sequence[Section], page: bool = False) -> str:
    """Return one self-contained HTML fragment, or a whole page, figures inline."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for i, section in enumerate(sections):
        body = [f"<h2>{html.escape(section.title)}</h2>"]
        body += [f"<p>{html.escape(s)}</p>" for s in section.sentences]
        if section.rows:
            body.append("<table>" + "".join(_html_row(r) for r in section.rows) + "</table>")
        if section.figure is not None:
            body.append(_html_figure(section))
        parts.append(f'<section{" class=first" if i == 0 else ""}>' + "".join(body) + "</section>")
    fragment = f'<style>{_STYLE}</style><div class="pw">' + "".join(parts) + "</div>"
    if not page:
        return fragment
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>body{{margin:0;background:var(--bg)}}</style></head>"
        f"<body>{fragment}</body></html>"
    )


def _html_row(row: Row) -> str:
    tip = f' title="{html.escape(row.definition, quote=True)}"' if row.definition else ""
    method = f' <span class="m">{html.escape(row.method)}</span>' if row.method else ""
    return f"<tr><td>{html.escape(row.label)}</td><td><span{tip}>{html.escape(row.value)}</span>{method}</td></tr>"


def _html_figure(section: Section) -> str:
    try:
        svg = draw_svg(section.figure)
    except ImportError:
        return "<p>Figures need matplotlib: pip install 'pennylane-wishart[plots]'.</p>"
    return f"<figure>{svg}<figcaption>{html.escape(section.caption)}</figcaption></figure>"


def draw_svg(figure: Callable[[Any], None] | None) -> str:
    """Draw one figure as an inline SVG that reads on light and dark ground."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    if figure is None:
        return ""
    canvas = Figure(figsize=(6.4, 3.6), layout="constrained")
    FigureCanvasSVG(canvas)
    canvas.patch.set_alpha(0.0)
    axes = canvas.add_subplot()
    figure(axes)
    axes.patch.set_alpha(0.0)
    for part in (*axes.spines.values(), *axes.get_xticklines(), *axes.get_yticklines()):
        part.set(color="#7d8590")
    axes.tick_params(colors="#7d8590")
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color("#7d8590")
    legend = axes.get_legend()
    if legend is not None:
        legend.get_frame().set_alpha(0.0)
        for entry in legend.get_texts():
            entry.set_color("#7d8590")
    buffer = io.StringIO()
    canvas.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def to_dict(sections: Sequence[Section]) -> list[dict]:
    """Return the words and numbers as plain Python values; figures are left out."""
    return [
        {"title": s.title, "sentences": list(s.sentences), "rows": [vars(r) for r in s.rows]} for s in sections
    ]


def plain(value):
    """Return a value that strict JSON can hold: NaN becomes null, infinities become words."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def save(path: str | Path, title: str, sections: Sequence[Section], data: dict) -> Path:
    """Write the report; the format follows the suffix: .html, .json or .txt."""
    path = Path(path)
    if path.suffix in (".html", ".htm"):
        content = to_html(title, sections, page=True)
    elif path.suffix == ".json":
        content = json.dumps(data, indent=1, allow_nan=False)
    elif path.suffix in (".txt", ".md"):
        content = to_text(title, sections)
    else:
        raise InputError(f"save({str(path)!r}): the suffix must be .html, .json or .txt.")
    path.write_text(content, encoding="utf-8")
    return path
