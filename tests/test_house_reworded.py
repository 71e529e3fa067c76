"""No code branches on displayed text: with every sentence reworded, the same things are decided."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from house.reworded import MARK, reword, typed_results

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def reworded():
    """The cases in a process of its own, whose package is reworded while it is imported."""
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    done = subprocess.run(
        [sys.executable, "-m", "house.reworded"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def written():
    return typed_results()


def test_the_words_are_others(reworded, written):
    assert all(MARK in text for text in reworded["words"])
    assert not any(MARK in text for text in written["words"])


def test_what_is_decided_is_the_same(reworded, written):
    assert reworded["decided"].keys() == written["decided"].keys()
    for case, found in written["decided"].items():
        assert reworded["decided"][case] == found, case


def test_the_cases_differ(written):
    """Cases that all went one way would prove nothing."""
    judged = [v for v in written["decided"].values() if isinstance(v, dict)]
    assert len({v["verdict"] for v in judged}) >= 3
    assert {v["in theory"] for v in judged} == {True, False}
    assert set(written["decided"]["exit codes"]) == {0, 1, 2}


@pytest.mark.parametrize(
    "branch",
    ['said == "not known"', 'said.startswith("not k")', '{"not known": 1}.get(said)'],
)
def test_a_branch_on_words_is_seen(branch):
    source = f'said = "not known"\ntaken = bool({branch})'
    as_written, reworded = {}, {}
    exec(source, as_written)
    exec(compile(reword(source), "reworded", "exec"), reworded)
    assert as_written["taken"] != reworded["taken"]
