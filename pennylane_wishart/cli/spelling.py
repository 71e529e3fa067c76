"""Reports on a terminal that lacks their symbols: spelt in letters that it has, never lost."""

from __future__ import annotations

import codecs
import unicodedata

__all__ = ["encodable"]

_HANDLER = "pennylane_wishart.spell"
_SPELT = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "…": "...", "·": "*", "•": "*", "×": "x", "÷": "/", "±": "+-",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∝": "~", "≅": "~", "≪": "<<", "≫": ">>", "∞": "inf", "√": "sqrt",
    "⟨": "<", "⟩": ">", "‖": "||", "→": "->", "←": "<-", "↦": "->", "⇒": "=>", "ℓ": "l", "∂": "d", "∇": "grad ",
    "†": "^dagger", "⊗": "(x)", "⊕": "(+)", "⊞": "[+]", "∏": "prod", "∑": "sum", "∫": "integral ", "∈": " in ",
    "∩": " and ", "∨": " or ", "⊂": " in ", "⊥": "_perp", "§": "section ", "½": "1/2", "¼": "1/4", "¾": "3/4",
    "‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"', "°": " degrees", "µ": "mu", "\u00a0": " ",
    "\u2009": " ", "\u202f": " ", "⁄": "/",
}  # fmt: skip


def encodable(text: str, encoding: str | None) -> str:
    """Return the text with every symbol that the encoding lacks spelt: ≤ as <=, 10⁻³ as 10^-3, θ as theta."""
    try:
        return text.encode(encoding or "utf-8", _HANDLER).decode(encoding or "utf-8")
    except LookupError:  # an encoding that this Python does not know
        return text.encode("ascii", _HANDLER).decode("ascii")


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # 10⁻³ is one exponent: the sign of raising stands before its first symbol only
    before = error.object[error.start - 1 : error.start]
    out = []
    for symbol in error.object[error.start : error.end]:
        raised = _is_raised(symbol)
        out.append(("^" if raised and not _is_raised(before) else "") + _spelt(symbol))
        before = symbol
    return "".join(out), error.end


def _is_raised(symbol: str) -> bool:
    return bool(symbol) and unicodedata.decomposition(symbol).startswith("<super>")


def _spelt(symbol: str) -> str:
    if symbol in _SPELT:
        return _SPELT[symbol]
    if unicodedata.combining(symbol):
        return ""
    parts = unicodedata.normalize("NFKD", symbol)
    if parts != symbol:
        return "".join(map(_spelt, parts))
    if symbol.isascii():
        return symbol
    name = unicodedata.name(symbol, "")
    if name.startswith("GREEK"):
        letter = name.split(" WITH ")[0].split()[-1].replace("LAMDA", "LAMBDA")
        return letter.capitalize() if "CAPITAL" in name else letter.lower()
    return "?"


codecs.register_error(_HANDLER, _spell)
