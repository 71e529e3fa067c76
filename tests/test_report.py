"""Report: text fits 80 columns, HTML is escaped and self-contained, formats by suffix."""

import json

import pytest

from pennylane_wishart import report
from pennylane_wishart.errors import InputError

SECTIONS = (
    report.Section("One", ("A sentence to be wrapped. " * 9,), (report.Row("a", "1", "def", "exact"),)),
    report.Section("Two <b>", ("5 < 6 & 'x'",), (), lambda ax: ax.plot([0, 1], [0, 1]), "a line"),
)


def test_text_fits():
    text = report.to_text("Title", SECTIONS)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "(exact)" in text


def test_html_is_escaped_and_self_contained():
    page = report.to_html("T <script>", SECTIONS, page=True)
    assert "<script>" not in page and "Two &lt;b&gt;" in page and "5 &lt; 6 &amp;" in page
    assert "<svg" in page and "prefers-color-scheme" in page and 'title="def"' in page
    assert "src=" not in page and "<link" not in page


def test_save_by_suffix(tmp_path):
    data = {"x": 1}
    assert report.save(tmp_path / "a.html", "T", SECTIONS, data).read_text().startswith("<!doctype")
    assert json.loads(report.save(tmp_path / "a.json", "T", SECTIONS, data).read_text()) == data
    assert report.save(tmp_path / "a.txt", "T", SECTIONS, data).read_text().startswith("T\n")
    with pytest.raises(InputError, match="suffix"):
        report.save(tmp_path / "a.pdf", "T", SECTIONS, data)
