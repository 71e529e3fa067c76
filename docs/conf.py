"""Sphinx configuration. ``make docs`` builds the site with warnings as errors and without a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import benchmark_page  # noqa: E402

import pennylane_wishart  # noqa: E402

project = "pennylane_wishart"
author = "the pennylane_wishart authors"
copyright = author  # noqa: A001
version = release = pennylane_wishart.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_design"]
exclude_patterns = ["_build"]
# light and dark by the reader's system, everything from the site itself: no fonts, scripts or surveys of others
linkcheck_ignore = ["https?://"]  # only what is ours: addresses of others come and go without us
html_theme = "furo"
html_title = "pennylane_wishart"
html_logo = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {"footer_icons": []}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autoclass_content = "class"
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries = False
viewcode_line_numbers = True

napoleon_custom_sections = ["Cost", "Source"]
napoleon_use_rtype = False
_LITERAL = re.compile(r"(``.*?``|:[a-z]+:`[^`]*`|`[^`]*`)")
_INLINE = re.compile(r"^(Cost|Source): (.+)$")


def _sections(lines: list[str]) -> list[str]:
    """Give "Cost: …" and "Source: …" a line of their own, as napoleon wants its sections."""
    out: list[str] = []
    inside = False
    text = re.sub(r"(?m)^( +[\w, ]+,)\n +(?=[\w, ]+:)", r"\1 ", "\n".join(lines))  # names over two lines
    for line in text.split("\n"):
        found = _INLINE.match(line)
        if found:
            out += ["", f"{found[1]}:", f"    {found[2]}"]
        elif inside and line.startswith(" "):
            out.append("    " + line.strip())
            continue
        elif line and not line.startswith(" ") and out and out[-1].startswith(" "):
            out += ["", line]  # the next section, or a paragraph after an indented block
        else:
            out.append(line)
        inside = bool(found)
    return out


def _escape(app, what, name, obj, options, lines) -> None:
    """Docstrings are plain text with ``literals``: p* and |0⟩ are not markup."""
    code = False
    lines[:] = _sections(lines)
    for i, line in enumerate(lines):
        code = line.lstrip().startswith((">>>", "...")) or (code and bool(line.strip()))
        if code or line.lstrip().startswith(".. "):
            continue
        parts = _LITERAL.split(line)
        parts[::2] = [re.sub(r"([*|]|_(?=\W|$))", r"\\\1", p) for p in parts[::2]]
        lines[i] = "".join(parts)


def _mathml(tex: str, block: bool) -> str:
    # a letter with its macron is one character: browsers without a math font misplace accents
    return tex2mathml(tex.replace("\\bar o", "ō"), as_block=block)


def _inline_math(self, node) -> None:
    self.body.append(_mathml(node.astext(), block=False))
    raise _skip()


def _display_math(self, node) -> None:
    self.body.append(f'<div class="math">{_mathml(node.astext(), block=True)}</div>')
    raise _skip()


def _skip() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()


def setup(app) -> None:
    """Plain-text docstrings; formulas as MathML, which browsers render without a network."""
    app.connect("autodoc-process-docstring", _escape, priority=400)
    app.add_html_math_renderer("mathml", (_inline_math, None), (_display_math, None))
    app.connect("source-read", benchmark_page.on_source_read)
    app.connect("env-get-outdated", lambda *_: ["benchmarks"])


html_math_renderer = "mathml"
