"""Sections → one self-contained HTML page or notebook fragment."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence

from pennylane_wishart.report.drawing import draw_svg
from pennylane_wishart.report.parts import Figure, Row, Section

__all__ = ["to_html"]

_LIGHT = {"fg": "#1b1f24", "bg": "#ffffff", "soft": "#57606a", "line": "#d0d7de", "card": "#f6f8fa",
          "blue": "#0072b2", "red": "#d55e00", "green": "#00805d"}  # fmt: skip
_DARK = {"fg": "#e6edf3", "bg": "#0d1117", "soft": "#9aa4ae", "line": "#30363d", "card": "#161b22",
         "blue": "#56b4e9", "red": "#f0803c", "green": "#2fbf95"}  # fmt: skip
# A notebook has colours of its own, whatever the system prefers.
_HOST = {
    "fg": "--jp-content-font-color1,var(--vscode-editor-foreground,{})",
    "bg": "--jp-layout-color0,var(--vscode-editor-background,{})",
    "soft": "--jp-content-font-color2,var(--vscode-descriptionForeground,{})",
    "line": "--jp-border-color2,var(--vscode-panel-border,{})",
    "card": "--jp-layout-color1,var(--vscode-editorWidget-background,{})",
}
_STYLE = """
.pw{font:16px/1.5 system-ui,sans-serif;color:var(--pw-fg);background:var(--pw-bg);
max-width:60rem;margin:0 auto;padding:1rem;box-sizing:border-box;overflow-wrap:break-word}
.pw *{box-sizing:border-box}
.pw h1{font-size:1.4rem;line-height:1.25;margin:.2rem 0 1rem}
.pw h2{font-size:1.1rem;line-height:1.3;margin:0 0 .4rem}
.pw section{margin:0 0 1.8rem}
.pw p,.pw dl,.pw dd,.pw dt{margin:0;padding:0}
.pw p{margin:.35rem 0;max-width:44rem}
.pw .row{position:relative}.pw .last{white-space:nowrap}
.pw dl.rows>div{display:grid;grid-template-columns:minmax(9rem,2fr) 3fr;gap:0 1rem;
padding:.3rem 0;border-bottom:1px solid var(--pw-line)}
/* notebooks float definition lists at a fifth of the width */
.pw dl.rows dt,.pw dl.rows dd{float:none;clear:none;width:auto;min-width:0;margin:0;padding:0}
.pw dl.rows dt{color:var(--pw-soft);font-weight:400}
.pw .m{color:var(--pw-soft);font-size:.85em;white-space:nowrap}
.pw .v{text-decoration:underline dotted 1px var(--pw-soft);text-underline-offset:.25em;cursor:help}
.pw .i{display:inline-block;width:1.25em;height:1.25em;line-height:1.2em;text-align:center;border-radius:50%;
border:1px solid var(--pw-soft);color:var(--pw-soft);font-size:.72em;font-weight:400;cursor:help;vertical-align:.15em}
.pw [tabindex]:focus{outline:2px solid var(--pw-blue);outline-offset:2px}
.pw .tip{display:none;white-space:normal;
position:absolute;z-index:2;left:0;right:0;top:100%;max-width:36rem;padding:.5rem .7rem;
font-size:.875rem;font-weight:400;line-height:1.4;text-align:left;background:var(--pw-card);
color:var(--pw-fg);
border:1px solid var(--pw-line);border-radius:6px;
box-shadow:0 4px 14px #0004}
.pw [tabindex]:hover>.tip,.pw [tabindex]:focus>.tip{display:block}
.pw .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem;margin-top:.8rem}
.pw figure{margin:0;padding:.6rem;background:var(--pw-card);border-radius:6px;max-width:28rem}
.pw figure svg{display:block;width:100%;height:auto}
.pw figure.wide{grid-column:1/-1;max-width:none;overflow-x:auto}
.pw figure.wide svg{width:max(min(100%,var(--pw-wide)),calc(.7*var(--pw-wide)))}
.pw figcaption{color:var(--pw-soft);font-size:.9em;margin-top:.3rem}
.pw .tone{border-left:4px solid var(--pw-soft);padding-left:.8rem}
.pw .good{border-color:var(--pw-green)}.pw .warning{border-color:#e69f00}.pw .bad{border-color:var(--pw-red)}
.pw .tone p:first-of-type{font-size:1.1rem;font-weight:600}
@media(max-width:34rem){.pw dl.rows>div{grid-template-columns:1fr}}
@media print{.pw{font-size:10pt;max-width:none;padding:0;--pw-fg:#000;--pw-bg:#fff;--pw-soft:#444;--pw-card:#fff;
--pw-line:#bbb;--pw-blue:#0072b2;--pw-red:#d55e00;--pw-green:#00805d}
.pw section{margin-bottom:.8rem}.pw h2{break-after:avoid}.pw figure,.pw .row{break-inside:avoid}
.pw .figures{grid-template-columns:1fr 1fr}.pw figure.wide{overflow:visible}.pw figure.wide svg{width:100%}
.pw .i{display:inline;border:0;font-size:0}.pw .v{text-decoration:none}
.pw .tip{display:block;position:static;max-width:none;padding:0;border:0;box-shadow:none;font-size:8pt;color:#444}}
"""


def _colours(palette: dict[str, str], hosted: bool) -> str:
    def one(name: str, value: str) -> str:
        host = _HOST.get(name) if hosted else None
        return f"--pw-{name}:" + (f"var({host.format(value)})" if host else value)

    return ";".join(one(name, value) for name, value in palette.items())


def _style(page: bool) -> str:
    light, dark = (_colours(p, hosted=not page) for p in (_LIGHT, _DARK))
    # a fragment leaves the notebook's own ground alone
    scheme = ":root{color-scheme:light dark}body{margin:0;background:#ffffff}@page{margin:15mm}" if page else ""
    night = "body{background:#0d1117}" if page else ""
    return f"{scheme}.pw{{{light}}}@media(prefers-color-scheme:dark){{{night}.pw{{{dark}}}}}{_STYLE}"


def to_html(title: str, sections: Sequence[Section], page: bool = False) -> str:
    """Return one self-contained HTML fragment, or a whole page: figures inline, no scripts, no network.

    Light and dark follow the reader's system, or the notebook's theme. A definition shows when
    the pointer, the keyboard's focus or a tap rests on its number.
    """
    writer = _Writer(title, sections)
    parts = [f"<h1>{html.escape(title)}</h1>", *(writer.section(s) for s in sections)]
    fragment = f'<style>{_style(page)}</style><div class="pw">' + "".join(parts) + "</div>"
    if not page:
        return fragment
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title></head><body>{fragment}</body></html>"
    )


class _Writer:
    """Writes parts of one report; its definitions get ids that no other report on the page has."""

    def __init__(self, title: str, sections: Sequence[Section]):
        # of the content: the same report has the same ids, so that saved pages can be compared
        words = title + "".join(s.text + "".join(r.label + r.value for r in s.rows) for s in sections)
        self._prefix = "pw" + hashlib.sha256(words.encode()).hexdigest()[:8]
        self._count = 0

    def section(self, section: Section) -> str:
        """Write one section."""
        tone = f' class="tone {section.tone}"' if section.tone else ""
        parts = [f"<section{tone}><h2>{html.escape(section.title)}</h2>"]
        for sentence in section.said:
            mark = self._explained("?", sentence.definition, sentence.source, "i")
            head, last = _cut(sentence.text)
            tail = f'<span class="last">{html.escape(last)} {mark}</span>' if mark else html.escape(last)
            parts.append(f'<p class="row">{html.escape(head)} {tail}</p>')
        if section.rows:
            parts.append('<dl class="rows">' + "".join(self._row(r) for r in section.rows) + "</dl>")
        if section.figures:
            parts.append('<div class="figures">' + "".join(_figure(f) for f in section.figures) + "</div>")
        return "".join(parts) + "</section>"

    def _row(self, row: Row) -> str:
        value = self._explained(row.value, row.definition, row.source, "v")
        method = f' <span class="m">{html.escape(row.method)}</span>' if row.method else ""
        return f'<div class="row"><dt>{html.escape(row.label)}</dt><dd>{value}{method}</dd></div>'

    def _explained(self, text: str, definition: str, source: str, kind: str) -> str:
        """A value (v) or mark (i) with its definition: in reach of pointer, keyboard and touch."""
        tip = " ".join(t for t in (definition, f"Source: {source}." if source else "") if t)
        if not tip:
            return html.escape(text) if kind == "v" else ""
        self._count += 1
        name = f"{self._prefix}-{self._count}"
        spoken = ' role="note" aria-label="what this means"' if kind == "i" else ""
        return (
            f'<span class="{kind}" tabindex="0"{spoken} aria-describedby="{name}">{html.escape(text)}'
            f'<span class="tip" role="tooltip" id="{name}" hidden>{html.escape(tip)}</span></span>'
        )


def _cut(sentence: str) -> tuple[str, str]:
    """All but the last word, and that word: a mark behind it must not be broken from it."""
    head, _, last = sentence.rpartition(" ")
    return head, last


def _figure(figure: Figure) -> str:
    try:
        svg = draw_svg(figure)
    except ImportError:
        return "<p>Figures need matplotlib: pip install 'pennylane-wishart[plots]'.</p>"
    # a wide figure keeps a legible size and scrolls on its own where the screen is narrower
    wide = "" if figure.size is None else f' class="wide" style="--pw-wide:{figure.size[0]:.1f}in" tabindex="0"'
    return f"<figure{wide}>{svg}<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
