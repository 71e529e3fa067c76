"""Bars appear where they were asked for, never in a pipe, and what is asked of a call holds below it."""

import sys
import warnings

import numpy as np
import pytest
from circuits import CASES

import pennylane_wishart as pw
from pennylane_wishart import progress
from pennylane_wishart.progress import asked, progress_bar, step_bar

pytest.importorskip("tqdm")


def test_nothing_is_drawn_in_a_pipe(capsys):
    bar = progress_bar(None, 3, 0, "waiting")
    bar.update(1)
    bar.set_description("still")
    bar.close()
    assert capsys.readouterr() == ("", "")


def test_steps_are_named(capsys):
    with step_bar(True, 2, "first") as step:
        step("second")
    drawn = capsys.readouterr().err
    assert "first" in drawn and "second" in drawn and "1/2" in drawn


@pytest.mark.parametrize("wanted", [True, False])
def test_what_was_asked_holds_below(capsys, wanted):
    with asked(wanted), asked(None):
        progress_bar(None, 1, 0, "below").close()
    assert ("below" in capsys.readouterr().err) is wanted
    progress_bar(None, 1, 0, "after").close()
    assert capsys.readouterr().err == ""


def test_every_slow_call_takes_progress(capsys):
    """signature, predict and the laws of its prediction, compare_inits."""
    qnode, args = CASES["su4_hamiltonian"].make()
    pw.signature(qnode, progress=True)(*args)
    assert "algebra and sectors" in capsys.readouterr().err
    pred = pw.predict(qnode, progress=True)(*args)
    assert "variances at this depth" in capsys.readouterr().err
    assert pred.n_independent and "counting independent parameters" in capsys.readouterr().err
    assert np.isfinite(pred.minima.mean())
    pw.compare_inits(qnode, {"uniform": "uniform", "small": ("normal", 0.1)}, progress=True)(*args)
    assert "comparing initialisations" in capsys.readouterr().err
    pw.predict(qnode, progress=False)(*args)
    assert capsys.readouterr().err == ""


def test_a_short_call_leaves_nothing_behind(monkeypatch, capsys):
    """In a notebook a step that is named before the bar is due must not draw it: it would never be cleared."""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with step_bar(None, 3, "first") as step:
        step("second")
        step("third")
    assert capsys.readouterr().err == ""


def test_a_long_call_is_shown_and_cleared(monkeypatch, capsys):
    """The bar comes with the first step after the wait, counts what was done before, and goes."""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(progress.display, "PATIENCE", 1e-9)
    with step_bar(None, 3, "first") as step:
        step("second")
        step("third")
    said = capsys.readouterr().err
    assert "third" in said and "2/3" in said
    assert said.rsplit("\r", 1)[-1] == "" and said.rsplit("\r", 2)[-2].strip() == ""


def test_no_warning_without_widgets(monkeypatch, capsys):
    """Where ipywidgets is missing the bar is text, without tqdm's advice to install it."""
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        progress_bar(True, 2, 0, "asked").close()
