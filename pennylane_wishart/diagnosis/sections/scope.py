"""What is exact, what is asymptotic, and which engine gave each number."""

from __future__ import annotations

from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.report import Row, Section, Sentence

__all__ = ["scope_section"]

_ENGINES = {
    "loss": ("law of the loss", "Law of the loss in the deep limit.", "THEORY §5"),
    "gradient": ("law of gradients", "Law of gradient components in the deep limit.", "THEORY §6"),
    "gradient_variance": ("gradient variances", "Second moments at this depth.", "THEORY §4"),
    "shot_variance": ("shot variance", "Variance of a single shot, averaged over angles.", "THEORY §9"),
    "transition": ("transition p*", "Number of parameters from which minima are optimal.", "THEORY §7c"),
    "n_independent": ("independent parameters", "How independent parameters were counted.", "THEORY §7"),
}


def scope_section(diag: Findings) -> Section:
    """Whether the theory applies, and which engine gave each number."""
    pred = diag.prediction
    why = ("Inside the theory. " if pred.in_theory else "Outside the Wishart theory. ") + pred.reason
    definition = "Laws of loss, gradient and minima need the whole of SO, SU or Sp on each sector, or a spin factor."
    sentences = [Sentence(why, definition, "THEORY §5")]
    if not pred.in_theory:
        sentences.append(
            Sentence("What is said above of variances at this depth and of dead parameters holds all the same.")
        )
    elif pred.is_deep is None:
        text = "Whether the circuit is deep enough for its laws is not known: its loss variance is only bounded."
        sentences.append(Sentence(text))
    elif not pred.is_deep:
        text = "The circuit is shallower than the deep limit: laws of loss and minima are its limit."
        sentences.append(Sentence(text))
    rows = tuple(
        Row(_ENGINES[name][0], engine, _ENGINES[name][1], "", _ENGINES[name][2])
        for name, engine in pred.engines.items()
        if not isinstance(engine, Unavailable) and name in _ENGINES
    )
    sentences.append(Sentence("THEORY § refers to the numbered sections of the documentation's theory page."))
    return Section("What is exact, what is asymptotic", tuple(sentences), rows)
