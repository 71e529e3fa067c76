"""Bars appear where they were asked for, never in a pipe, and what is asked of a call holds below it."""

import numpy as np
import pytest
from circuits import CASES

import pennylane_wishart as pw
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
