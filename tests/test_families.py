"""Size and depth studies, and compared initialisations: known answers of circuits."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from references.families import clifford_angles, ry_cz, ry_cz_gradients, ry_cz_losses

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import LowerBound, LowerBounds, UpperBound, UpperBounds
from pennylane_wishart.errors import AngleLawError, InputError, Status, UnsupportedCircuitError
from pennylane_wishart.families import (
    InitComparison,
    Log2Value,
    ScalingPoint,
    ScalingStudy,
    compare_inits,
    scaling,
)
from pennylane_wishart.families.points import scaling_point
from pennylane_wishart.variances import SecondMoments

EVEN = np.array([4, 6, 8, 10, 12])


# ---------------------------------------------------------------------- points
def moments(value, upper=None, status=None, loss=(0.1, 0.0), samples=0) -> SecondMoments:
    """A record; where the status is UPPER_BOUND only ``upper`` is known."""
    value = np.asarray(value, float)
    upper = value if upper is None else np.asarray(upper, float)
    status = status or (Status.OK,) * len(value)
    known = np.array([s is not Status.UPPER_BOUND for s in status])
    value = np.where(known, value, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.exp2(value)
        error = variance * np.log(2) * np.where(np.isfinite(upper), upper - value, 0.0) / 1.96
    one, zero = np.ones(len(value)), np.zeros(len(value))
    with np.errstate(divide="ignore"):
        most = float(np.log2(loss[0] + 1.96 * loss[1]))
    return SecondMoments(
        0.0, loss[0], loss[0], 0.0, loss[1], loss[1], UpperBound(most), LowerBound(-np.inf), zero, variance, error,
        value, UpperBounds(upper, one), LowerBounds(zero - np.inf, one), status,
        "walkers" if samples else "exact words", samples,
    )  # fmt: skip


def point_of(record) -> ScalingPoint:
    circuit = RotationCircuit.from_words(["X"] * record.n_params, {"Z": 1.0})
    return scaling_point(1, None, circuit, record, None)


def test_dead_parameters_do_not_enter_the_median():
    point = point_of(moments([-np.inf, -3, -5, -4]))
    assert (point.n_dead, point.gradient.value, point.gradient_max.value) == (1, -4, -3)
    assert point.gradient_mean.value == pytest.approx(math.log2((2**-3 + 2**-4 + 2**-5) / 3))


def test_a_bounded_median_is_an_upper_bound_never_zero():
    bound = Status.UPPER_BOUND
    point = point_of(moments([-3, -18, -18], [-2.9, -18, -18], (Status.ESTIMATED, bound, bound), samples=9))
    assert point.status is bound and np.isnan(point.log2_variance)
    assert point.followed.at_most.at_most_log2 == -18
    assert ScalingPoint.from_dict(json.loads(json.dumps(point.to_dict(), allow_nan=False))).followed.at_most is not None
    assert str(point.gradient) == "< -18.00"
    assert point.gradient_max.known and point.gradient_max.value == -3


def test_a_median_above_the_bounds_is_known():
    status = (Status.ESTIMATED, Status.ESTIMATED, Status.ESTIMATED, Status.UPPER_BOUND)
    point = point_of(moments([-3, -4, -5, -18], [-2.9, -3.8, -4.7, -18], status, samples=9))
    assert point.gradient.known and point.gradient.value == -4.5
    assert point.gradient.error == pytest.approx(0.3 / 1.96)


def test_a_loss_variance_lost_in_its_error_is_an_upper_bound():
    point = point_of(moments([-3.0], loss=(1e-6, 1e-6), samples=9))
    assert point.loss.status is Status.UPPER_BOUND
    assert np.isnan(point.loss.value)
    assert point.loss.at_most.at_most_log2 == pytest.approx(math.log2(2.96e-6))


def test_an_all_dead_point():
    point = point_of(moments([-np.inf, -np.inf]))
    assert point.gradient.value == -math.inf and not point.gradient.known
    assert ScalingPoint.from_dict(json.loads(json.dumps(point.to_dict(), allow_nan=False))) is not None
    assert Log2Value.from_dict(point.gradient.to_dict()) == point.gradient


# ---------------------------------------------------------------------- circuits
def qnode_of(n, program, observable):
    """program: (gate, wires); gates with an angle take the next parameter."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        k = 0
        for gate, wires in program:
            if gate in ("RX", "RY", "RZ", "IsingXX", "IsingZZ"):
                getattr(qml, gate)(x[k], wires=wires)
                k += 1
            else:
                getattr(qml, gate)(wires=wires)
        return qml.expval(observable)

    return circuit


def zeros(program):
    return pnp.zeros(sum(g[0] in "RI" for g, _ in program), requires_grad=True)


def family(program, observable):
    return (
        lambda *key: qnode_of(key[0], program(*key), observable(key[0])),
        lambda *key: zeros(program(*key)),
    )


def row(n, *gates):
    return [(g, w) for w in range(n) for g in gates]


def brickwork(n, depth, gates=("RZ", "RY", "RZ")):
    out = []
    for layer in range(depth):
        out += row(n, *gates) + [("CZ", [w, w + 1]) for w in range(layer % 2, n - 1, 2)]
    return out + row(n, *gates)


def matchgates(n, depth):
    out = []
    for _ in range(depth):
        out += [("IsingXX", [w, w + 1]) for w in range(n - 1)] + row(n, "RZ")
    return out


def tree(n):
    out, active = [], list(range(n))
    while len(active) > 1:
        for a, b in zip(active[::2], active[1::2], strict=False):
            out += [("RY", a), ("RY", b), ("IsingXX", [a, b]), ("IsingZZ", [a, b])]
        active = active[::2]
    return out + [("RY", 0), ("RX", 0)]


def parity(n):
    return qml.prod(*[qml.Z(w) for w in range(n)])


def mean_z(n):
    return qml.dot([1 / n] * n, [qml.Z(w) for w in range(n)])


def test_global_cost_is_exactly_exponential():
    make, args = family(lambda n: row(n, "RY"), parity)
    study = scaling(make, EVEN, args)
    assert [p.log2_variance for p in study.points] == pytest.approx(list(-EVEN), abs=1e-9)
    assert study.verdict == "exponential" and study.slope == pytest.approx(-1, abs=1e-9)
    low, high = study.slope_interval
    assert -1.05 < low < -1 < high < -0.95


def test_default_sizes_answer_textbook_families():
    """Without sizes=: as many as the verdict needs, and none that the family does not have."""
    make, args = family(lambda n: row(n, "RY"), parity)
    study = scaling(make, args=args)
    assert study.verdict == "exponential" and study.slope == pytest.approx(-1, abs=1e-9)
    make, args = family(lambda n: row(n, "RY"), lambda n: qml.Projector([0] * n, wires=range(n)))
    assert scaling(make, args=args).verdict == "exponential"
    make, args = family(lambda n: row(n, "RY"), lambda n: qml.Z(0))
    assert scaling(make, args=args).verdict == "no decay"
    make, args = family(lambda n: row(n, "RY"), mean_z)
    study = scaling(make, args=args)
    assert study.verdict == "polynomial" and len(study.sizes) > 3


def test_a_family_of_period_four_is_flat():
    """One layer or two by n mod 4: log2 variances −1 and −1.4 in turn; odd sizes do not exist."""

    def program(n):
        if n % 2:
            raise ValueError("even sizes only")
        depth = 1 + (n // 2) % 2
        return [g for _ in range(depth) for g in row(n, "RY") + [("CZ", [w, w + 1]) for w in range(n - 1)]]

    make, args = family(program, lambda n: qml.Z(0))
    for study in (scaling(make, EVEN, args), scaling(make, args=args)):
        assert study.verdict == "no decay" and study.plateau is False
        assert all(n % 2 == 0 for n in study.sizes)
        assert np.ptp([p.log2_variance for p in study.points]) > 0.3
    with pytest.raises(ValueError, match="even sizes"):
        scaling(make, [4, 5, 6], args)


def test_projector_cost():
    """One layer of RY: E[cos⁴(θ/2)]^(n−1)·E[sin²θ]/4 = (3/8)^(n−1)/8."""

    def observable(n):
        words = [[w for w in range(n) if (k >> w) & 1] for k in range(1, 2**n)]
        return qml.dot([2.0**-n] * len(words), [qml.prod(*[qml.Z(w) for w in ws]) for ws in words])

    make, args = family(lambda n: row(n, "RY"), observable)
    study = scaling(make, [2, 3, 4, 5], args)
    expected = [math.log2((3 / 8) ** (n - 1) / 8) for n in study.sizes]
    assert [p.log2_variance for p in study.points] == pytest.approx(expected, abs=1e-9)


def test_local_cost_of_one_layer_is_polynomial():
    make, args = family(lambda n: row(n, "RY"), mean_z)
    study = scaling(make, EVEN, args)
    expected = [-1 - 2 * math.log2(n) for n in EVEN]
    assert [p.log2_variance for p in study.points] == pytest.approx(expected, abs=1e-9)
    assert study.verdict == "polynomial" and study.plateau is False


def test_points_equal_the_dense_average():
    """Median over live parameters from all 4^6 Clifford angles of a dense simulator."""
    qnode = ry_cz(3, 2, (1, 2))
    theta = clifford_angles(6)
    variances = np.var(ry_cz_gradients(theta, 3, 2, (1, 2)), axis=0)
    loss = np.var(ry_cz_losses(theta, 3, 2, (1, 2)))
    live = variances > 1e-14
    study = scaling(lambda n: qnode, [3], lambda n: pnp.zeros(6, requires_grad=True))
    (point,) = study.points
    assert point.n_dead == int((~live).sum())
    assert 2**point.gradient.value == pytest.approx(2 ** np.median(np.log2(variances[live])), rel=1e-9)
    assert 2**point.gradient_mean.value == pytest.approx(variances[live].mean(), rel=1e-9)
    assert 2**point.gradient_max.value == pytest.approx(variances.max(), rel=1e-9)
    assert 2**point.loss.value == pytest.approx(loss, rel=1e-9)


def test_fixed_depth_local_cost_does_not_decay():
    make, args = family(lambda n: brickwork(n, 2), lambda n: qml.Z(n // 2))
    study = scaling(make, [8, 12, 16, 24, 32], args)
    assert study.verdict == "no decay"
    assert np.ptp([p.log2_variance for p in study.points]) < 1e-9


def test_log_depth_local_cost_has_no_plateau():
    depth = lambda n: 1 + math.ceil(math.log2(n))  # noqa: E731
    make, args = family(lambda n: brickwork(n, depth(n), ("RY",)), lambda n: qml.Z(n // 2))
    study = scaling(make, [4, 8, 16, 32, 64], args, quantity="loss")
    assert study.plateau is False


def test_tree_has_no_plateau():
    make, args = family(tree, lambda n: qml.Z(0))
    assert scaling(make, [4, 8, 16, 32], args, quantity="loss").plateau is False


def test_deep_hardware_efficient_circuit_is_a_plateau():
    make, args = family(lambda n: brickwork(n, 4 * n, ("RY",)), lambda n: qml.Z(0) @ qml.Z(1))
    study = scaling(make, [2, 3, 4, 5, 6, 7], args)
    assert study.verdict == "exponential"
    assert study.slope == pytest.approx(-1, abs=0.15)


def test_free_fermions_deep_limit_and_depth():
    """so(2n): the orbit of Z has C(2n, 2) words, n of them Z-type: Var = 1/(2n − 1)."""
    make, args = family(matchgates, lambda n: qml.Z(n // 2))
    study = scaling(make, [3, 4, 5], args, depths=[2, 8, 32, 48], quantity="loss")
    for point in study.points:
        assert point.deep_loss == pytest.approx(-math.log2(2 * point.n - 1), abs=1e-9)
    assert all(d in (8, 32, 48) for d in study.depth_reached.values())
    deep = [p for p in study.points if p.depth == 48]
    assert all(p.is_deep for p in deep) and study.deepest == tuple(deep)
    assert not [p for p in study.points if p.depth == 2 and p.is_deep]
    assert study.trend_at(48).exponential == study.trend.exponential
    with pytest.raises(InputError, match="depth=5"):
        study.trend_at(5)


def test_brickwork_decays_with_depth_until_its_deep_limit():
    make, args = family(brickwork, lambda n: qml.Z(n // 2))
    study = scaling(make, [6], args, depths=[1, 2, 3, 4, 5, 8, 40], quantity="loss")
    values = [p.loss.value for p in study.points]
    assert np.all(np.diff(values) < 1e-9)
    assert study.points[-1].loss.value == pytest.approx(-math.log2(2**6 + 1), abs=0.07)
    assert study.depth_slopes[6].slope < -0.2
    assert study.depth_reached[6] == 40
    assert study.verdict == "cannot tell"


# ---------------------------------------------------------------------- the study as a record
@pytest.fixture(scope="module")
def small():
    make, args = family(lambda n, depth: brickwork(n, depth, ("RY",)), lambda n: qml.Z(0))
    return scaling(make, [2, 3, 4], args, depths=lambda n: [1, n])


def test_study_round_trip(small):
    data = json.loads(json.dumps(small.to_dict(), allow_nan=False))
    again = ScalingStudy.from_dict(data)
    assert str(again) == str(small)
    assert again.to_dict() == small.to_dict()
    assert again.points == small.points or str(again.points) == str(small.points)
    with pytest.raises(InputError, match="schema"):
        ScalingStudy.from_dict({**data, "schema_version": 99})


def test_study_text_and_rows(small):
    text = str(small)
    assert max(map(len, text.splitlines())) <= 80
    assert "bits per qubit" in text and "deep limit within 5%" in text
    assert [(r["n"], r["depth"]) for r in small.rows()] == [
        (2, 1),
        (2, 2),
        (3, 1),
        (3, 3),
        (4, 1),
        (4, 4),
    ]
    assert small.sizes == (2, 3, 4) and small.depths == (1, 2, 3, 4)


def test_one_array_or_a_tuple_of_arguments():
    make, args = family(lambda n: row(n, "RY"), parity)
    a = scaling(make, [2, 3], args)
    b = scaling(make, [2, 3], lambda n: (args(n),))
    assert [p.gradient for p in a.points] == [p.gradient for p in b.points]


def test_angles_reach_the_engine():
    make, args = family(lambda n: row(n, "RY"), parity)
    study = scaling(make, [2, 3, 4], args, angles=("normal", 0.3))
    cos2 = (1 + math.exp(-2 * 0.09)) / 2
    expected = [math.log2((1 - cos2) * cos2 ** (n - 1)) for n in (2, 3, 4)]
    assert [p.log2_variance for p in study.points] == pytest.approx(expected, abs=1e-9)
    assert study.angles == "normal"


def test_few_walkers_give_upper_bounds_and_no_zeros():
    """64 walkers on words that CNOT rings spread: limits, no verdict, nothing called dead."""

    def make(n):
        @qml.qnode(qml.device("default.qubit", wires=n))
        def circuit(x):
            qml.StronglyEntanglingLayers(x, wires=range(n))
            return qml.expval(qml.Z(0))

        return circuit

    def args(n):
        return pnp.zeros((8, n, 3), requires_grad=True)

    study = scaling(make, [24, 26], args, max_support=64, n_walkers=64)
    for point in study.points:
        assert point.engine == "walkers" and point.status is Status.UPPER_BOUND
        assert np.isnan(point.log2_variance) and not point.followed.known
        assert np.isfinite(point.followed.at_most.at_most_log2)
        assert point.n_dead < point.n_params / 2
    assert study.verdict == "cannot tell" and np.isnan(study.slope)
    assert "<" in str(study)
    json.dumps(study.to_dict(), allow_nan=False)


def test_matrix_products_carry_their_error_and_status():
    record = moments([-30.0, -31.0, -32.0], [-29.9, -30.5, -31.9], (Status.OK, Status.NOT_CONVERGED, Status.OK))
    record = replace(record, gradient_variance_error=record.gradient_variance * np.log(2) * [0.1, 0.5, 0.1])
    point = point_of(record)
    assert point.status is Status.NOT_CONVERGED and point.followed.known
    assert point.log2_variance_error == pytest.approx(0.5)
    assert point.gradient_max.status is Status.OK and point.gradient_max.error == pytest.approx(0.1)


def test_a_loss_below_the_smallest_float_is_not_zero():
    point = point_of(moments([-1200.0], loss=(0.0, 0.0)))
    assert point.gradient.value == -1200 and point.gradient.known
    assert point.loss.status is Status.UPPER_BOUND and point.loss.at_most.at_most_log2 == -1074


# ---------------------------------------------------------------------- errors
def test_a_failing_size_is_named_and_the_others_kept():
    def make(n):
        @qml.qnode(qml.device("default.qubit", wires=n))
        def circuit(x):
            qml.RY(x[0], 0)
            return qml.expval(qml.Z(0)) if n < 4 else qml.state()

        return circuit

    with pytest.raises(UnsupportedCircuitError, match=r"^At n = 4: ") as caught:
        scaling(make, [2, 3, 4], lambda n: pnp.zeros(1, requires_grad=True))
    assert [p.n for p in caught.value.points] == [2, 3]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"sizes": []}, "sizes needs positive integers"),
        ({"sizes": [2.5]}, "sizes needs positive integers"),
        ({"sizes": 4}, "sizes needs positive integers"),
        ({"depths": [0]}, "depths needs positive integers"),
        ({"quantity": "variance"}, "quantity='variance'"),
        ({"args": np.zeros(3)}, "args must be a function of n"),
    ],
)
def test_bad_input_is_named(change, message):
    make, args = family(lambda n: row(n, "RY"), parity)
    options = {"make_qnode": make, "sizes": [2], "args": args, **change}
    with pytest.raises(InputError, match=re.escape(message)):
        scaling(**options)


# ---------------------------------------------------------------------- initialisations
def product_circuit(n=5):
    program = row(n, "RY")
    return qnode_of(n, program, parity(n)), zeros(program)


def test_small_angles_keep_a_global_cost_alive():
    qnode, x = product_circuit(8)
    result = compare_inits(qnode, {"uniform": "uniform", "small": ("normal", 0.3)})(x)
    cos2 = (1 + math.exp(-2 * 0.09)) / 2
    assert isinstance(result, InitComparison) and result.best == "small" and result.tied == ()
    assert result["uniform"].second_moment == pytest.approx(np.full(8, 2.0**-8), rel=1e-9)
    assert result["small"].second_moment == pytest.approx(np.full(8, (1 - cos2) * cos2**7), rel=1e-9)
    assert result["small"].loss_mean == pytest.approx(math.exp(-0.045) ** 8)


def test_the_mean_is_part_of_the_second_moment():
    """One RY and Z around π/2: ∂ℓ = −sin θ has mean −e^{−σ²/2} and E[(∂ℓ)²] = (1 + e^{−2σ²})/2."""
    program = row(1, "RY")
    qnode, x = qnode_of(1, program, qml.Z(0)), zeros(program)
    law = AngleLaw.normal(0.2, 1, mean=math.pi / 2)
    found = compare_inits(qnode, {"side": law})(x)["side"]
    assert found.mean[0] == pytest.approx(-math.exp(-0.02), rel=1e-9)
    assert found.second_moment[0] == pytest.approx((1 + math.exp(-0.08)) / 2, rel=1e-9)
    assert 2**found.median_variance.value == pytest.approx(found.second_moment[0] - found.mean[0] ** 2, rel=1e-6)


def test_inits_agree_with_sampling():
    """20,000 dense samples: E[(∂ℓ)²] within 5 standard errors (false alarms below 1e-5)."""
    x = pnp.zeros(4, requires_grad=True)
    found = compare_inits(ry_cz(2, 2, (0, 1)), {"a": ("normal", 0.6)})(x).rows[0]
    theta = np.random.default_rng(3).normal(0, 0.6, (20_000, 4))
    squares = ry_cz_gradients(theta, 2, 2, (0, 1)) ** 2
    gap = np.abs(squares.mean(0) - found.second_moment)
    assert np.all(gap < 5 * squares.std(0) / np.sqrt(len(theta)) + 1e-12)


def test_equal_laws_tie_and_print():
    qnode, x = product_circuit(3)
    result = compare_inits(qnode, {"one": "uniform", "two": ("uniform", 0, 2 * np.pi)})(x)
    assert set(result.tied) | {result.best} == {"one", "two"}
    text = str(result)
    assert max(map(len, text.splitlines())) <= 80 and "Not told apart" in text
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert data["best"] == result.best and len(data["rows"]) == 2


def test_inits_errors():
    qnode, x = product_circuit(2)
    with pytest.raises(InputError, match="inits needs a mapping"):
        compare_inits(qnode, ["uniform"])
    with pytest.raises(AngleLawError, match=r"inits\['odd'\]"):
        compare_inits(qnode, {"odd": "sideways"})(x)
    result = compare_inits(qnode, {"uniform": "uniform"})(x)
    with pytest.raises(InputError, match="No initialisation"):
        result["other"]


# ---------------------------------------------------------------------- noise
def test_noise_is_named_where_it_and_not_the_ansatz_is_the_limit():
    def make(n, depth):
        ops = [(qml.RY if layer % 2 else qml.RX)(0.1, q) for layer in range(depth) for q in range(n)]
        return qml.tape.QuantumScript(ops, [qml.expval(qml.Z(0))], trainable_params=range(len(ops)))

    def behind(op, **_):
        qml.DepolarizingChannel(0.06, op.wires)

    model = qml.NoiseModel({qml.noise.op_in(["RX", "RY"]): behind})
    study = scaling(make, [2, 3], lambda n, depth: (), depths=[2, 8], quantity="gradient_max", noise=model)
    # one qubit sees it all: every gate of it damps by 1 - 4·0.06/3, squared in a variance
    for point in study.points:
        assert point.noise_bits == pytest.approx(-2 * point.depth * np.log2(1 - 0.08))
        assert math.isnan(point.deep_limit)
    assert [(p.n, p.depth) for p in study.noise_limited] == [(2, 8), (3, 8)]
    assert "Noise, not the ansatz, is the limit: n = 2, depth 8; n = 3, depth 8" in " ".join(str(study).split())
    again = ScalingStudy.from_dict(json.loads(json.dumps(study.to_dict())))
    assert [p.noise_bits for p in again.points] == [p.noise_bits for p in study.points]
    plain = scaling(make, [2, 3], lambda n, depth: (), depths=[2])
    assert plain.noise_limited == () and "Noise" not in str(plain) and plain.points[0].noise_bits == 0
