"""Where descents of this circuit end, and how low the loss can be."""

from __future__ import annotations

import math
from functools import partial

from pennylane_wishart import plots
from pennylane_wishart.conventions import Evidence, levels
from pennylane_wishart.conventions import diagnosis as shown
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count, number, share
from pennylane_wishart.outlook import DescentOutlook
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["descent_section"]

_SOURCE = "THEORY §7f, §7g"
_DEFINITIONS = {
    Evidence.CERTIFICATE: "At a critical point the loss sees more independent parameters than it takes to say that it "
    "is the reachable optimum, with four to spare.",
    Evidence.DESCENTS: "L-BFGS from random angles, until the gradient is gone; of several rounds, each with its own "
    "random angles.",
}


def descent_section(found: Findings) -> Section:
    """The certificate or the descents, and the reach."""
    title, outlook = "Where training ends", found.descent
    if outlook is None:
        return Section(title, ("No parameter moves the loss: there is nothing to descend.",))
    definition = _DEFINITIONS.get(outlook.evidence, "Nothing is claimed that was not assessed.")
    said = [Sentence(outlook.reason, definition, "THEORY §7e, §7f")]
    if outlook.blocked_by:
        text = f"What holds the loss back: {outlook.blocked_by}."
        said.append(Sentence(text, "Weights of the input in sectors are conserved by every gate.", "THEORY §7g"))
    figures: tuple[Figure, ...] = ()
    if len(outlook.ends):
        caption = (
            "Losses at the ends of descents, the best first, beside the observable's optimum and the reachable one."
        )
        figures = (Figure(partial(plots.plot_descents, outlook), caption),)
    return Section(title, tuple(said), tuple(_rows(outlook)), figures)


def _rows(outlook: DescentOutlook) -> list[Row]:
    method = {Evidence.CERTIFICATE: "proved", Evidence.DESCENTS: "descents"}.get(outlook.evidence, "")
    rows, loss = [], partial(number, rounding=shown.END_ROUNDING * outlook.scale)
    if math.isfinite(outlook.best):
        low, high = (share(end) for end in outlook.trap_interval)
        rows.append(
            Row("median end above the best", f"{share(outlook.trap_height)} [{low}, {high}] of the scale",
                f"Height of traps; the scale is {number(outlook.scale)}, mean loss minus reachable optimum.",
                method, _SOURCE)
        )  # fmt: skip
        if outlook.evidence is Evidence.DESCENTS:
            low, high = (share(end) for end in outlook.fraction_interval)
            rows.append(
                Row("starts that reach the best end", f"{share(outlook.fraction_at_best)} [{low}, {high}]",
                    f"{outlook.hits} of {count(len(outlook.ends), 'descent')}, with the Clopper–Pearson interval of "
                    f"{levels.INTERVAL:.0%}.", method, _SOURCE)
            )  # fmt: skip
            rows.append(
                Row("losses where they end", ", ".join(loss(float(v)) for v in outlook.levels[:6]), "Distinct ones, "
                    f"the best first; {outlook.gradients_spent:,} gradients in all.", method, _SOURCE)
            )  # fmt: skip
        bound = "at most " if outlook.evidence is Evidence.DESCENTS and outlook.hits < limits.HITS else ""
        if math.isfinite(outlook.ground):
            rows.append(
                Row("best end above the ground", f"{bound}{share(outlook.reach_gap)} of the scale",
                    f"Best end {loss(outlook.best)}, ground of the observable {loss(outlook.ground)}.", method, _SOURCE)
            )  # fmt: skip
    rows.append(
        Row("reachable optimum, a bound", loss(outlook.reachable_ground), "No angle passes it: the observable on the "
            "space that input and gates reach, or the weighted grounds of the sectors.", "bound", "THEORY §7g")
    )  # fmt: skip
    return rows
