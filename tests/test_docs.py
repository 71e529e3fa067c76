"""The documentation: its Python blocks run, in order, page by page; its benchmark page shows all that it is given."""

import importlib.util
import re
import textwrap
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^\.\. code-block:: python\n((?:   :.*\n)*)\n((?:(?:   .*)?\n)+)", re.MULTILINE)
PRINTED = re.compile(r"^\.\. code-block:: text\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)
PAGES = sorted(p.relative_to(DOCS).as_posix() for p in (*DOCS.glob("*.rst"), *DOCS.glob("guides/*.rst")))
PAGES = [p for p in PAGES if BLOCK.search((DOCS / p).read_text(encoding="utf-8"))]


def blocks(page, dask=False):
    for found in BLOCK.finditer((DOCS / page).read_text(encoding="utf-8")):
        if (":class: dask" in found[1]) <= dask:
            yield textwrap.dedent(found[2])


def run(page, namespace, sources):
    for i, source in enumerate(sources):
        exec(compile(source, f"{page}, block {i + 1}", "exec"), namespace)  # noqa: S102


def test_pages_are_found():
    assert "start.rst" in PAGES and "guides/hardware.rst" in PAGES


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(page, {"__name__": "docs"}, blocks(page))
    said = capsys.readouterr()
    assert not said.err
    for shown in PRINTED.finditer((DOCS / page).read_text(encoding="utf-8")):
        assert textwrap.dedent(shown[1]).strip() in said.out


@pytest.mark.slow
def test_readme_prints_what_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], {"__name__": "readme"})  # noqa: S102
    assert capsys.readouterr().out.endswith(re.search(r"prints\n```\n(.*?)```", text, re.DOTALL)[1])


@pytest.mark.slow
def test_dask_block_runs(tmp_path, monkeypatch):
    distributed = pytest.importorskip("dask.distributed", reason="Dask is not installed (extra distributed).")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            sources = list(blocks("guides/cluster.rst", dask=True))
            assert any("tcp://10.0.0.1:8786" in s for s in sources)
            sources = [s.replace("tcp://10.0.0.1:8786", cluster.scheduler_address) for s in sources]
            names = {"__name__": "docs"}
            run("guides/cluster.rst", names, sources)
    assert (names["data"].losses[:50] == names["alone"].losses).all()


def benchmark_page():
    spec = importlib.util.spec_from_file_location("benchmark_page", DOCS / "benchmark_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_output_has_a_topic():
    assert {p.stem for p in (DOCS / "benchmarks").glob("*.txt")} <= set(benchmark_page().TOPICS)


def test_benchmark_page_makes_tables_of_outputs(tmp_path):
    module = benchmark_page()
    lines = ["machine: a desk", "loss law   0.01  goal 0.02  met", "peak of_all, goal 3 s: NOT MET", "1 of 2  NOT MET"]
    lines += ["first remedy: 27 of 30 (goal 26)  met", "peak memory   322 MB goal <= 700    met", "3 goal 2 NOT MET"]
    printed = "\n".join((*lines, ""))
    (tmp_path / "laws.txt").write_text(printed)
    text = module.page(tmp_path)
    assert textwrap.indent(printed, " " * 6) in text  # the output stands there whole
    cells = [re.findall("- (.*)", row) for row in text.split("   * ")]
    assert ["loss law", "0.01", "0.02", "met"] in cells and ["peak", r"of\_all", "3 s", "NOT MET"] in cells
    assert ["first remedy", "27 of 30", "26", "met"] in cells and ["peak memory", "322 MB", "<= 700", "met"] in cells
    at_a_glance = ":ref:`Laws of loss and gradient <bench-laws>`", "3", "**3**"  # one of them has no goal of its own
    assert list(at_a_glance) in cells
    assert "``benchmarks/minima.py``" in text and "benchmarks/laws.py" in text
    assert "No full run" in text and "signature.py" in text.split("No full run")[1]
