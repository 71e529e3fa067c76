"""The list of slow tests names tests that exist: a test that was renamed must not slip into nobody's run."""

from pathlib import Path

HERE = Path(__file__).parent


def test_every_listed_test_exists():
    lines = [line for line in (HERE / "slow_tests.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted(set(lines))
    for line in lines:
        path, *_, test = line.split("[")[0].split("::")
        assert f"def {test}(" in (HERE.parent / path).read_text(), line
