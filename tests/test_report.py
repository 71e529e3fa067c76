"""Report: text fits 80 columns, HTML is self-contained and readable in a browser, every number is explained."""

import functools
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart import plots, report
from pennylane_wishart.circuit.arguments import _written
from pennylane_wishart.diagnosis.depth import DepthCurve
from pennylane_wishart.diagnosis.words import number, share
from pennylane_wishart.errors import InputError

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
SECTIONS = (
    report.Section(
        "One", (report.Sentence("A sentence to be wrapped. " * 9, "all of it", "here"),),
        (report.Row("a", "1", "def", "exact", "THEORY §1"),),
    ),
    report.Section(
        "Two <b>", ("5 < 6 & 'x'",), (report.Row("long " * 12, "value " * 20),),
        (report.Figure(lambda ax: ax.plot([0, 1], [0, 1], color=plots.PREDICTED), "a <line>"),),
    ),
)  # fmt: skip


def layers(n, depth):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        qml.StronglyEntanglingLayers(weights, range(n))
        return qml.expval(qml.Z(0))

    return circuit, pnp.zeros((depth, n, 3), requires_grad=True)


@qml.qnode(qml.device("lightning.qubit", wires=3))
def ring(weights):
    for q in range(3):
        qml.RZ(weights[0, q], q)
        qml.RX(weights[1, q], q)
    for q in range(3):
        qml.CNOT([q, (q + 1) % 3])
    for q in range(3):
        qml.RX(weights[2, q], q)
    return qml.expval(qml.Y(0) @ qml.Z(1) @ qml.Z(2))


@functools.cache
def diagnosis(kind):
    if kind == "deep":
        circuit, weights = layers(3, 4)
        return pw.diagnose(circuit, samples=60, progress=False)(weights)
    if kind == "shallow":  # in the theory, with dead parameters, p below p*
        return pw.diagnose(ring, samples=200, progress=False)(pnp.zeros((3, 3), requires_grad=True))
    if kind == "family":

        def make(n):
            return layers(n, 1)[0]

        circuit, weights = layers(2, 1)
        return pw.diagnose(
            circuit, samples=30, progress=False, family=make, sizes=(2, 3, 4, 5, 6),
            family_args=lambda n: pnp.zeros((1, n, 3)),
        )(weights)  # fmt: skip

    @qml.qnode(qml.device("default.qubit", wires=2))
    def outside(x):
        qml.RZ(x, 0)
        return qml.expval(qml.Z(0))

    return pw.diagnose(outside, samples=10, progress=False)(pnp.array(0.3, requires_grad=True))


KINDS = ("deep", "shallow", "family", "outside")


# ---------------------------------------------------------------------- parts
def test_text_fits():
    text = report.to_text("Title", SECTIONS)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "(exact)" in text and "def" not in text


def test_html_is_escaped_and_self_contained():
    page = report.to_html("T <script>", SECTIONS, page=True)
    assert "<script" not in page and "Two &lt;b&gt;" in page and "5 &lt; 6 &amp;" in page
    assert "<svg" in page and "prefers-color-scheme" in page
    assert 'aria-label="a &lt;line&gt;"' in page


def test_definitions_are_in_reach_of_pointer_keyboard_and_touch():
    page = report.to_html("T", SECTIONS)
    value = r'<span class="v" tabindex="0" aria-describedby="(\w+-\d+)">1'
    found = re.search(value + r'<span class="tip"([^>]*)>([^<]*)', page)
    assert found[3] == "def Source: THEORY §1."
    assert f'id="{found[1]}"' in found[2] and 'role="tooltip"' in found[2] and "hidden" in found[2]
    assert "all of it Source: here." in page
    ids = re.findall(r'id="(pw[\w-]+)"', page + report.to_html("T", SECTIONS[:1]))
    assert len(ids) == len(set(ids)) == 4


def test_figures_follow_the_page():
    svg = report.draw_svg(SECTIONS[1].figures[0])
    assert "currentColor" in svg and "var(--pw-blue,#0072b2)" in svg
    assert "#010203" not in svg and svg == report.draw_svg(SECTIONS[1].figures[0])


def test_notebook_fragment_takes_the_host_s_colours():
    fragment = report.to_html("T", SECTIONS)
    assert "--jp-content-font-color1" in fragment and "body{" not in fragment


def test_save_by_suffix(tmp_path):
    data = {"x": 1}
    assert report.save(tmp_path / "a.html", "T", SECTIONS, data).read_text().startswith("<!doctype")
    assert json.loads(report.save(tmp_path / "a.json", "T", SECTIONS, data).read_text()) == data
    assert report.save(tmp_path / "a.txt", "T", SECTIONS, data).read_text().startswith("T\n")
    with pytest.raises(InputError, match="suffix"):
        report.save(tmp_path / "a.pdf", "T", SECTIONS, data)
    with pytest.raises(InputError, match="cannot be written"):
        report.save(tmp_path / "nowhere" / "a.txt", "T", SECTIONS, data)


def test_tone_is_checked():
    with pytest.raises(InputError, match=r"Section\.tone"):
        report.Section("T", tone="merry")


# ---------------------------------------------------------------------- a diagnosis
@pytest.mark.parametrize("kind", KINDS)
def test_print_fits_and_every_number_is_explained(kind):
    diag = diagnosis(kind)
    text = diag.details()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.splitlines()[5].startswith(diag.headline[:40])
    for section in diag.sections:
        for row in section.rows:
            assert row.definition and row.source, row
        for sentence in section.said:
            words = re.sub(r"^\d\. ", "", sentence.text)  # the number of a piece of advice
            assert sentence.definition or not re.search(r"\d", words), words


def test_bounds_are_called_bounds():
    circuit, weights = layers(60, 4)
    text = pw.diagnose(circuit, run=False)(weights).details()
    assert max(len(line) for line in text.splitlines()) <= 80
    flat = " ".join(text.split())
    assert "standard deviation at most" in flat and "(walkers, bound)" in flat
    assert "shots per gradient component at least" in flat and "± at most" in flat
    assert "gradient standard deviations" not in flat and "nothing was measured" in flat
    assert "0 of 720 parameters are deep enough" in flat
    assert "p* = 2^60.0" in flat


@pytest.mark.parametrize("kind", KINDS)
def test_page_needs_no_network(kind):
    page = report.to_html("T", diagnosis(kind).sections, page=True)
    links = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert {x for x in links if not x.startswith("http://www.w3.org/")} == set()
    assert "<script" not in page and "<link" not in page and "src=" not in page and "@import" not in page


@pytest.mark.parametrize(("kind", "figures"), [("deep", 5), ("shallow", 6), ("family", 4), ("outside", 1)])
def test_plot_draws_every_figure(kind, figures):
    import matplotlib.pyplot as plt

    diagnosis(kind).prediction.find("minima")  # an integral of seconds is drawn where it was asked for
    axes = diagnosis(kind).plot()
    assert len(axes) >= figures
    for ax in axes:
        assert ax.get_xlabel() and ax.get_ylabel()
    plt.close("all")


def test_plots_on_their_own():
    import matplotlib.pyplot as plt

    deep, shallow = diagnosis("deep"), diagnosis("shallow")
    law = plots.plot_loss_law(deep.prediction, deep.measurement).get_lines()[0]
    x, density = law.get_data()
    assert np.trapezoid(density, x) == pytest.approx(1, abs=0.02)
    ax = plots.plot_minima(shallow.prediction, SimpleNamespace(losses=np.array([-1.0, -0.9])))
    assert "found" in [t.get_text() for t in ax.get_legend().get_texts()]
    ax = plots.plot_parameter_variances(shallow.prediction)
    dead = next(line for line in ax.get_lines() if str(line.get_label()).startswith("dead"))
    assert tuple(dead.get_xdata()) == shallow.prediction.dead_parameters
    star = plots.plot_transition(shallow.prediction).get_lines()[2]
    assert star.get_label() == "p* = 8" and star.get_xdata()[0] == 8
    few = SimpleNamespace(measured=np.ones((1, 36), bool), gradients=np.zeros((1, 36)))
    few.measured[:, 5:] = False
    with pytest.raises(InputError, match="needs 20 measured"):
        plots.plot_gradient_qq(deep.prediction, few)
    plt.close("all")


def test_depth_curve():
    curve = diagnosis("deep").depth
    assert curve.rotations[-1] == diagnosis("deep").signature.circuit.n_rotations
    found = 2 ** curve.log2_variance[-1]
    assert found == pytest.approx(diagnosis("deep").prediction.moments.loss_variance, rel=1e-9)
    assert curve.deep_limit == pytest.approx(np.log2(1 / 9), abs=1e-9)  # 1/(N + 1), N = 8
    assert DepthCurve((1, 2, 3, 4), (0.0, -3.0, -4.0, -3.0), -3.0).reached == 4
    assert DepthCurve((1, 2, 3), (0.0, -3.0, -3.0), -3.0).reached == 2
    assert DepthCurve((1, 2, 3), (0.0, -3.0, -1.0), -3.0).reached is None
    assert DepthCurve((1, 2), (0.0, -3.0), float("nan")).reached is None


def test_parameters_have_names():
    form = diagnosis("shallow").signature.circuit
    assert form.parameter_name(0) == "weights[0,0]" and form.parameter_name(7) == "weights[2,1]"
    assert diagnosis("outside").signature.circuit.parameter_name(0) == "x"
    plain = pw.RotationCircuit.from_words(["X"], {"Z": 1.0})
    assert plain.parameter_name(0) == "parameter 0"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (128.123, "128.1"), (1000.0, "1,000"), (123456.0, "123,456"), (2.0**-40, "2^-40.0"),
     (2.0**200, "2^200.0"), (-(2.0**-20), "-2^-20.0"), (float("inf"), "inf")],
)  # fmt: skip
def test_number(value, text):
    assert number(value) == text


def test_bar_only_where_it_is_wanted(capsys):
    @qml.qnode(qml.device("default.qubit", wires=1))
    def small(x):
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    x = pnp.array(0.3, requires_grad=True)
    for progress in (None, False):  # standard error is no terminal here
        pw.diagnose(small, samples=5, progress=progress)(x)
        assert capsys.readouterr().err == ""
    pytest.importorskip("tqdm", reason="tqdm is not installed (extra progress).")
    pw.diagnose(small, samples=5, progress=True)(x)
    assert "reading the circuit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [({"seed": "a"}, "seed needs"), ({"seed": -1}, "seed needs"), ({"family": 3}, "family must be a function of n"),
     ({"family": lambda n: None}, "family_args must be a function of n"), ({"shots": 0}, "shots must be"),
     ({"shots": "100"}, "shots needs a number"), ({"descent_budget": "long"}, "descent_budget needs a number"),
     ({"run": "no"}, "run needs True or False"), ({"sizes": [4]}, "give family=make_qnode")],
)  # fmt: skip
def test_options_are_checked_at_the_door(options, words):
    with pytest.raises(InputError, match=words):
        pw.diagnose(ring, **options)


# ---------------------------------------------------------------------- in a browser
def browse(arguments, page):
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments]
    return subprocess.run([*command, page.as_uri()], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="No Chromium is installed: the report is not looked at in a browser.")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 1000])
def test_page_in_chromium(width, scheme, tmp_path):
    from matplotlib.image import imread

    page = diagnosis("deep").save(tmp_path / "report.html")
    probe = "document.title=[document.documentElement.scrollWidth,innerWidth,document.querySelectorAll('svg').length]"
    page.write_text(page.read_text().replace("</body>", f"<script>{probe}</script></body>"))
    shot = tmp_path / "shot.png"
    colours = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    dom = browse([colours, f"--window-size={width},900", f"--screenshot={shot}", "--dump-dom"], page)
    content, window, figures = map(int, re.search(r"<title>(\d+),(\d+),(\d+)</title>", dom).groups())
    assert content <= window, "the page scrolls sideways"
    assert figures >= 5
    corner = imread(shot)[2, 2, :3]
    assert corner.max() < 0.2 if scheme == "dark" else corner.min() > 0.95


# ---------------------------------------------------------------------- at a glance
def records_in(value, path="diag", seen=None):
    """Every record of the package that can be reached from one, with the way there."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if type(value).__module__.split(".")[0] == "pennylane_wishart":
        yield path, value
        for name, part in getattr(value, "__dict__", {}).items():
            yield from records_in(part, f"{path}.{name}", seen)
    elif isinstance(value, (tuple, list)):
        for i, part in enumerate(value[:20]):
            yield from records_in(part, f"{path}[{i}]", seen)


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_is_short_at_a_prompt_and_shows_in_a_notebook(kind):
    found = dict(records_in(diagnosis(kind)))
    assert len(found) > 20
    assert {path: len(repr(r)) for path, r in found.items() if len(repr(r)) > 400} == {}
    for record in found.values():
        if hasattr(record, "_repr_html_"):
            shown = record._repr_html_()
            assert "<script" not in shown and "0x" not in shown
    assert all(
        hasattr(getattr(diagnosis(kind), part), "_repr_html_") for part in ("prediction", "signature", "measurement")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_print_is_a_screen_with_the_verdict_first_and_last(kind):
    diag = diagnosis(kind)
    lines = str(diag).splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80
    last = lines.index(f"{diag.verdict.value.capitalize()}. Next:")
    assert last > len(lines) - 20 and "print(diag.details())" in lines[-1]
    assert len(diag.details().splitlines()) > len(lines)


def test_a_long_report_is_cut_before_its_last_section():
    text = report.to_text("T", (*SECTIONS, report.Section("End", ("now",))), most=14, more="the rest").splitlines()
    assert len(text) == 14 and text[-6:] == ["", "End", "---", "now", "", "the rest"]


def test_what_was_trained_and_what_was_fixed_is_named_and_kept():
    @qml.qnode(qml.device("default.qubit", wires=2))
    def classify(x, w, b):
        qml.AngleEmbedding(x, range(2))
        qml.RY(w[0], 0)
        qml.CNOT([0, 1])
        qml.RX(w[1] + b, 1)
        return qml.expval(qml.Z(1))

    x, w = pnp.array([0.5, 0.25], requires_grad=False), pnp.array([0.1, 0.2], requires_grad=True)
    diag = pw.diagnose(classify, samples=20, progress=False)(x, w, b=pnp.array(0.3, requires_grad=True))
    back = pw.Diagnosis.from_dict(json.loads(json.dumps(diag.to_dict())))
    for found in (diag, back):
        assert "Trained: w of shape (2,), b. Fixed: x = (0.5, 0.25)." in " ".join(str(found).split())
        assert [found.signature.circuit.parameter_name(k) for k in range(3)] == ["w[0]", "w[1]", "b"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.linspace(0, 1, 6), "(0, 0.2, 0.4, 0.6, 0.8, 1)"),
        (np.arange(10) / 8, "(0, 0.125, 0.25, 0.375, 0.5, 0.625, …)"),
        (np.eye(2), "(1, 0, 0, 1) of shape (2, 2)"),
        (0.5, "0.5"),
        (3, "3"),
        (None, "None"),
    ],
)
def test_fixed_values_are_written(value, text):
    """The verdict holds for these values: a size alone does not say which."""
    assert _written(value) == text


@pytest.mark.parametrize(
    ("value", "rounding", "text"),
    [(-(2.0**-108), 1e-15, "0"), (-(2.0**-108), 0.0, "-2^-108.0"), (1e-3, 1e-15, "0.001")],
)
def test_rounding_is_written_as_nothing(value, rounding, text):
    assert number(value, rounding) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0%"), (4e-6, "below 0.001%"), (0.00123, "0.123%"), (0.635, "63.5%")]
)
def test_shares(value, text):
    assert share(value) == text


def test_a_closure_that_was_stopped_says_at_least():
    """Its dimension is a lower bound, and is not printed as the dimension."""
    from pennylane_wishart.algebra import close

    sums = [{"XII": 1.0, "IXI": 1.0, "IIX": 0.5}, {"ZZI": 1.0, "IZZ": 0.7}, {"YII": 1.0, "IIZ": 0.3}]
    stopped = close(sums, max_dim=5)
    assert not stopped.is_closed and str(stopped) == f"unknown (dimension at least {stopped.dim})"
    whole = close(sums)
    assert str(whole) == f"{whole.name}, dimension {whole.dim}" and "at least" not in str(whole)
