"""A bound is never taken for a value: circuits whose engine leaves only bounds, through every reader."""

import json
import re
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import Estimate, UpperBound
from pennylane_wishart.diagnosis.checks import Case, Side, Thresholds, Verdict, judge, run_checks
from pennylane_wishart.errors import Status
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.prediction import prediction_of
from pennylane_wishart.prediction.shots import median_bracket
from pennylane_wishart.variances import exact_moments, moments_of, pair_walk, walk


def controlled_ring(n, layers):
    """RY and a ring of CRX, product of all Z: Var[ℓ] is near 2^−n or below, and no engine can find it."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def ring(x):
        for layer in x:
            for q in range(n):
                qml.RY(layer[0, q], q)
            for q in range(n):
                qml.CRX(layer[1, q], [q, (q + 1) % n])
        return qml.expval(qml.prod(*(qml.Z(q) for q in range(n))))

    return ring, pnp.zeros((layers, 2, n), requires_grad=True)


def shared_angles(n, layers):
    """Angles shared between layers, and a fixed gate that is not Clifford: pairs of walkers."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def shared(x):
        for _ in range(layers):
            for q in range(n):
                qml.RY(x[0, q], q)
                qml.RZ(x[1, q], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        qml.RX(0.3, 0)
        return qml.expval(qml.Z(0))

    return shared, pnp.zeros((2, n), requires_grad=True)


def deep_qaoa(n, layers):
    @qml.qnode(qml.device("default.qubit", wires=n))
    def qaoa(x):
        for q in range(n):
            qml.H(q)
        for gamma, beta in x:
            for q in range(n):
                qml.IsingZZ(gamma, [q, (q + 1) % n])
                qml.IsingZZ(gamma, [q, (q + 5) % n])
            for q in range(n):
                qml.RX(beta, q)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return qaoa, pnp.zeros((layers, 2), requires_grad=True)


ONLY_BOUNDS = {
    "controlled": lambda: controlled_ring(26, 3),
    "shared": lambda: shared_angles(24, 6),
    "qaoa": lambda: deep_qaoa(24, 8),
}


@pytest.mark.parametrize("name", ["controlled", *(pytest.param(n, marks=pytest.mark.slow) for n in ("shared", "qaoa"))])
def test_no_reader_takes_a_bound_for_a_value(name, tmp_path):
    """Verdict, text, JSON, page, plots: no sentence claims a value, "exact" stands nowhere beside it."""
    import matplotlib.pyplot as plt

    circuit, x = ONLY_BOUNDS[name]()
    diag = pw.diagnose(circuit, run=False)(x)
    pred, live = diag.prediction, diag.prediction.live_parameters
    assert len(live) and not pred.moments.known[live].any()
    assert np.isnan(pred.gradient_variance[live]).all() and np.isnan(pred.gradient_variance_error[live]).all()
    assert np.isnan(pred.log2_gradient_variance[live]).all() and np.isnan(pred.log2_shots_to_resolve[live]).all()
    assert np.isfinite(pred.gradient_variance_upper.at_most_log2[live]).all()
    assert np.isneginf(pred.gradient_variance_lower.at_least_log2[live]).all()
    assert not np.isnan(pred.shots_at_least.at_least_log2).any()
    assert isinstance(pred.moments.gradient(int(live[0])), UpperBound)
    assert not pred.deep_parameters.any() and not pred.is_deep
    assert diag.trainable is None and diag.verdict is Verdict.CANNOT_TELL
    assert "upper bounds are known" in diag.headline

    text = " ".join(diag.details().split())
    assert "Trainable" not in text.replace("Trainability", "") and "train it" not in text
    assert "nan" not in text.lower().split() and "is resolved" not in text
    about = text[text.index("Every parameter at this depth") : text.index("Gradient law")]
    assert "at most" in about and "bound" in about and "exact" not in about
    assert "shot variance exact" not in text and "gradient variances exact" not in text

    data = json.loads(json.dumps(diag.to_dict(), allow_nan=False))
    assert data["trainable"] is None
    assert all(data["prediction"]["gradient_variance"][k] is None for k in live)
    assert all(data["prediction"]["log2_shots_to_resolve"][k] is None for k in live)
    assert all(isinstance(data["prediction"]["log2_gradient_variance_at_most"][k], float) for k in live)
    assert "at most" in str(pred)
    page = diag.save(tmp_path / "page.html").read_text()
    assert "resolved with" not in page
    diag.plot()
    plt.close("all")


def test_a_family_of_bounds_has_no_slope():
    study = pw.scaling(lambda n: controlled_ring(n, 2)[0], [22, 24], args=lambda n: controlled_ring(n, 2)[1],
                       n_walkers=500)  # fmt: skip
    assert study.verdict == "cannot tell" and np.isnan(study.slope)
    for point in study.points:
        assert np.isnan(point.log2_variance) and point.followed.at_most is not None
        assert point.status is Status.UPPER_BOUND and point.is_deep is None
    assert all(row["log2_variance_at_most"] >= 0 for row in study.rows())
    json.dumps(study.to_dict(), allow_nan=False)
    import matplotlib.pyplot as plt

    labels = [t.get_text() for t in study_axes(study).get_legend().get_texts()]
    assert "upper bound" in labels
    plt.close("all")


def study_axes(study):
    from pennylane_wishart import plots

    return plots.plot_scaling(study)


def test_compared_inits_hold_no_bound_as_a_value():
    circuit, x = controlled_ring(22, 2)
    found = pw.compare_inits(circuit, {"uniform": "uniform", "narrow": ("normal", 0.4)}, n_walkers=500)(x)
    for row in found.rows:
        bounded = np.array([s is Status.UPPER_BOUND for s in row.status])
        assert bounded.any() and np.isnan(row.second_moment[bounded]).all()
        assert np.isfinite(row.second_moment_upper.at_most_log2[bounded]).all()
    assert "<" in str(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_bounds_of_pairs_hold_where_the_truth_is_known():
    """Two layers of RY and a ring of CRX on four qubits: exact variances lie between the bounds of the walkers."""
    circuit, x = controlled_ring(4, 2)
    circuit = pw.normal_form(circuit)(x)
    exact = exact_moments(circuit, circuit.angle_law())
    got = pair_walk(circuit, circuit.angle_law(), 4_000, seed=3)
    assert exact.known.all() and len(got.known) == 16
    upper, lower = got.gradient_variance_upper, got.gradient_variance_lower
    wide = 2.0 ** (upper.at_most_log2 + 0.5)  # limits at 97.5%: room for the tails of a dozen of them
    assert np.all(exact.gradient_variance <= wide) and np.all(exact.gradient_variance >= 0.5 * 2.0**lower.at_least_log2)
    assert np.all(upper.confidence[~got.known] == 1)


def test_a_lower_bound_on_shots_decides_alone():
    """60 qubits, walkers that come home too rarely: not trainable, said as a lower bound."""
    n, maps = 60, []
    for _ in range(12):
        maps += [{q: p} for q in range(n) for p in "YZ"] + [{q: "Z", q + 1: "Z"} for q in range(n - 1)]
    observable = PauliSum.of(PauliWords.from_maps([{30: "Z"}], n), np.ones(1))
    circuit = RotationCircuit.from_words(PauliWords.from_maps(maps, n), observable)
    sig = pw.signature(circuit)
    walked = walk(circuit, circuit.angle_law(), 1_000, seed=2)
    pred = replace(prediction_of(sig, n_walkers=64, max_support=64), moments=walked)
    bounded = ~walked.known[pred.live_parameters]
    assert bounded.mean() > 0.5
    low, high = pred.log2_median_shots
    assert np.isposinf(high) and low > 5
    checks = run_checks(Case(pred, None, Thresholds(shots=20)))
    shots = next(c for c in checks if c.id == "shots")
    assert shots.value == np.ceil(2**low)
    assert judge(checks) is Verdict.NOT_TRAINABLE and shots.side is Side.AT_LEAST and shots.passed is False
    # the same bounds decide nothing for someone who has the shots
    generous = run_checks(Case(pred, None, Thresholds(shots=1e9)))
    assert judge(generous) is Verdict.CANNOT_TELL


def test_medians_with_bounded_members():
    nan, inf = np.nan, np.inf
    assert median_bracket(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0, 0])) == (2.0, 2.0)
    assert median_bracket(np.array([1.0, 2.0, nan]), np.array([0.0, 0, 2.5])) == (2.0, 2.0)
    assert median_bracket(np.array([1.0, nan, nan]), np.array([0.0, 5, 7])) == (5.0, inf)
    assert median_bracket(np.array([4.0, nan, 6.0]), np.array([0.0, 1.0, 0])) == (4.0, 6.0)
    assert median_bracket(np.array([nan, nan]), np.array([-inf, 3.0])) == (-inf, inf)


def test_exact_engines_put_rounding_into_a_bound():
    """A variance of 1e-20 below a sum is lost in rounding: a bound above it, and no claim that it is dead."""
    turned = RotationCircuit.from_words(
        ["XI", "YI", "ZI", "YI", "ZX"], {"ZI": 1.0, "IZ": 1.0}, parameter_of=[0, -1, 1, -1, 1], coefficient=0.5
    )
    fields = {name: getattr(turned, name) for name in turned.__dataclass_fields__}
    small = RotationCircuit(**{**fields, "offsets": np.array([0, 1e-10, 0, -1e-10, 0.0])})
    got = moments_of(small)
    assert not got.dead.any()
    for k in range(2):
        found = got.gradient(k)
        if isinstance(found, Estimate):
            assert found.value > 1e-10
        else:
            assert -60 < found.at_most_log2 < -30


def test_status_texts_do_not_contradict():
    assert "upper bound" in Status.UPPER_BOUND.value and not re.search(r"\bzero\b", Status.UPPER_BOUND.value)
    assert "bound" in Status.BOUND.value


def test_which_bound_it_is_is_said():
    """30 qubits of QAOA: gradients are exact and only a shot's variance is bounded, from above: so are the shots."""
    n = 30

    @qml.qnode(qml.device("default.qubit", wires=n))
    def ring(x):
        for q in range(n):
            qml.H(q)
        for k in range(3):
            for q in range(n):
                qml.IsingZZ(x[0, k], [q, (q + 1) % n])
            for q in range(n):
                qml.RX(x[1, k], q)
        return qml.expval(qml.sum(*(qml.Z(q) @ qml.Z((q + 1) % n) for q in range(n))))

    diag = pw.diagnose(ring, run=False, descent_budget=0)(pnp.ones((2, 3), requires_grad=True))
    pred = diag.prediction
    assert pred.moments.known[pred.live_parameters].all() and pred.shot_variance.bound is not None
    shots = next(c for c in diag.checks if c.id == "shots")
    low, high = pred.log2_median_shots
    assert low < high and shots.side is Side.AT_MOST and shots.value == np.ceil(2**high)
    assert f"at most {shots.value:,.0f} shots" in diag.headline and "is open" not in diag.headline
    strict = pw.diagnose(ring, run=False, descent_budget=0, shots=10)(pnp.ones((2, 3), requires_grad=True))
    undecided = next(c for c in strict.checks if c.id == "shots")
    assert undecided.passed is None and "of the variance of a shot only an upper bound is known" in undecided.open
