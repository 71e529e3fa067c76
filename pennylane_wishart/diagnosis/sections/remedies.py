"""Which changes of the circuit were tried, and what descents said before and after."""

from __future__ import annotations

from functools import partial

from pennylane_wishart import plots
from pennylane_wishart.conventions import Evidence, levels
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count, number
from pennylane_wishart.outlook import Remedy
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["remedy_advice", "remedy_section"]


def remedy_section(diag: Findings) -> Section | None:
    """Before → after of every change; None where there was nothing to change, or nothing was run."""
    trials = diag.trials
    if trials is None or not (trials.remedies or trials.others or trials.reason):
        return None
    cures = [r for r in trials.remedies if not r.is_saving]
    tried, said = len(cures) + len(trials.others), []
    if tried:
        definition = (
            "Half of the descents end at or below the loss that is shown, with the order statistics that hold it with "
            f"{levels.INTERVAL:.0%} confidence; of the best changes from fresh starts. Ranked by descents, never by "
            "gradients."
        )
        said.append(Sentence(f"{len(cures)} of {count(tried, 'change')} that were tried help.", definition, "ours"))
    if trials.reason is not None:
        text = f"{trials.reason.text[:1].upper()}{trials.reason.text[1:]}"
        said.append(
            Sentence(text, "Seconds are estimated from gradients, qubits and gates.", "argument remedy_budget=")
        )
    rows = [_row(r, "") for r in trials.remedies] + [_row(r, _why_not(r)) for r in trials.others]
    caption = "Median end of the descents before and after each change that was tried; green: it helps."
    figures = (Figure(partial(plots.plot_remedies, trials), caption),) if tried else ()
    return Section("What was tried", tuple(said), tuple(rows), figures)


def _why_not(remedy: Remedy) -> str:
    lower = remedy.after.height <= limits.HELPS * remedy.before.height
    return f"not pursued after {count(remedy.after.descents, 'descent')}: " if lower else "no help: "


def _row(remedy: Remedy, verdict: str) -> Row:
    low, high = remedy.after.interval
    value = f"{number(remedy.before.loss)} → {number(remedy.after.loss)} [{number(low)}, {number(high)}]"
    added = remedy.parameters_added
    value += f", {'+' if added > 0 else '−'}{count(abs(added), 'parameter')}" if added else ""
    definition = "Loss of the median descent, before and after."
    method = "descents" if remedy.evidence is Evidence.DESCENTS else "proved"
    if remedy.is_saving:  # what their own section says of them, a proof or the identity test
        value, definition = f"{remedy.before.n_params} → {remedy.after.n_params} parameters", remedy.code
        method = "dead parameters"
    return Row(remedy.words, verdict + value, definition, method, "ours")


def remedy_advice(diag: Findings) -> list[Sentence]:
    """The best change that was tried, in a sentence; nothing where none helps."""
    best = next((r for r in diag.remedies if not r.is_saving), None)
    if best is None:
        return []
    moved = f"{number(best.before.loss)} → {number(best.after.loss)}"
    words = f"{best.words[:1].upper()}{best.words[1:]}"
    text = f"{words}: tried, the median descent ends at {moved} ({best.parameters_added:+d} parameters)."
    return [Sentence(text, "Median end of descents from random angles, before and after.", "ours")]
