"""Measured second derivatives: exact values, shots and their bill, journals and files, spectra at minima."""

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement import resume


def ansatz(x, y):
    """Shared, scaled and shifted angles, gates of four frequencies and of two."""
    qml.RX(x[0], 0)
    qml.RY(x[1], 1)
    qml.CNOT([0, 1])
    qml.CRX(y, [0, 1])
    qml.RZ(2 * x[0] + 1, 0)
    qml.RY(x[2], 0)
    qml.SingleExcitation(x[1], [0, 1])
    return qml.expval(qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(0))


ARGS = (pnp.array([0.1, 0.2, 0.3], requires_grad=True), pnp.array(0.4, requires_grad=True))


def node(name="default.qubit"):
    return qml.QNode(ansatz, qml.device(name, wires=2))


def differences(qnode, point, h=1e-3):
    """Second differences of losses, Richardson's step included: good to 1e-8."""
    e = np.eye(len(point))

    def at(h):
        out = np.empty((len(point),) * 2)
        for k in range(len(point)):
            for j in range(len(point)):
                corners = [point + h * (s * e[k] + t * e[j]) for s in (1, -1) for t in (1, -1)]
                values = [float(qnode(v[:3], v[3])) for v in corners]
                out[k, j] = (values[0] - values[1] - values[2] + values[3]) / (4 * h * h)
        return out

    return (4 * at(h) - at(2 * h)) / 3


@pytest.fixture(scope="module")
def exact():
    return pw.measure(node(), samples=3, hessian=True)(*ARGS)


def test_second_derivatives_are_those_of_differences(exact):
    assert exact.hessians.shape == (3, 4, 4) and not exact.hessian_error.any()
    assert np.abs(exact.hessians[0] - differences(node(), exact.angles[0])).max() < 1e-7


@pytest.mark.parametrize("name", ["lightning.qubit", "default.mixed"])
def test_routes_agree(exact, name):
    data = pw.measure(node(name), samples=1, hessian=True)(*ARGS)
    assert np.abs(data.hessians - exact.hessians[:1]).max() < 1e-10


def test_a_parameter_of_many_gates_is_followed_itself():
    """Two parameters, fourteen gates and a slope of 30, against shift rules applied twice to losses."""

    def f(w):
        for q in ("a", 7, "b"):
            qml.RX(30 * w[0], q)
            qml.RY(w[1], q)
        for _ in range(2):
            qml.CRX(w[0], ["a", 7])
            qml.SingleExcitation(w[1], [7, "b"])
            qml.IsingZZ(w[0] - w[1], ["b", "a"])
            qml.RZ(w[1], 7)
        return qml.expval(qml.Z("a") @ qml.X(7) + 0.5 * qml.Y("b"))

    w = pnp.array([0.1, 0.2], requires_grad=True)
    wires = ["a", 7, "b"]
    data = [
        pw.measure(qml.QNode(f, qml.device(name, wires=wires)), samples=2, hessian=True)(w)
        for name in ("lightning.qubit", "default.mixed")
    ]
    assert data[0].route != data[1].route
    assert np.abs(data[0].hessians - data[1].hessians).max() < 1e-11 * np.abs(data[1].hessians).max()


def test_light_cones_add_up():
    @qml.qnode(qml.device("default.qubit", wires=4))
    def f(w):
        for q in range(4):
            qml.RX(w[q], q)
        for q in range(3):
            qml.IsingZZ(w[4], [q, q + 1])
        for q in range(4):
            qml.RY(w[5 + q], q)
        return qml.expval(qml.sum(*[qml.Z(q) for q in range(4)]))

    w = pnp.array(np.zeros(9), requires_grad=True)
    cones = pw.measure(f, samples=3, hessian=True, route="light-cones")(w)
    assert np.abs(cones.hessians - pw.measure(f, samples=3, hessian=True)(w).hessians).max() < 1e-10


def test_only_what_is_asked_for(exact):
    data = pw.measure(node(), samples=3, hessian=True, parameters=[0, 3])(*ARGS)
    seen = np.isfinite(data.hessians)
    assert seen.sum() == 3 * 4 and np.abs(data.hessians - exact.hessians)[seen].max() < 1e-12
    assert pw.measure(node(), samples=3)(*ARGS).hessians is None
    with pytest.raises(InputError, match="hessian=True"):
        pw.measure(node(), samples=3)(*ARGS).hessian_variance()


def test_shots_are_billed_and_their_errors_right(exact):
    """z² over 20 entries has mean 1: 0.2 to 2.5 is left less than once in 1,000 times."""
    tapes = []

    class Counting(qml.devices.DefaultQubit):
        def execute(self, circuits, execution_config=None):
            tapes.extend(circuits)
            return super().execute(circuits, execution_config)

    options = {"samples": 2, "shots": 400, "hessian": True}
    data = pw.measure(node(), device=lambda: Counting(wires=2, seed=1), check=False, **options)(*ARGS)
    quote = pw.quote(node(), **options)(*ARGS)
    assert len(tapes) == quote.executions and sum(t.shots.total_shots for t in tapes) == quote.shots
    assert quote.circuits > 5 * pw.quote(node(), samples=2, shots=400)(*ARGS).circuits
    upper = np.triu_indices(4)
    z = ((data.hessians - exact.hessians[:2]) / data.hessian_error)[:, *upper]
    assert 0.2 < np.mean(z**2) < 2.5


def test_journals_files_and_sums(tmp_path, exact):
    store = tmp_path / "run.db"
    plain = pw.measure(node(), samples=2, store=store)(*ARGS)
    pw.measure(node(), samples=2, hessian=True, store=store)(*ARGS)
    again = pw.measure(node(), samples=3, hessian=True, store=store)(*ARGS)
    assert np.array_equal(again.hessians, exact.hessians) and plain.hessians is None
    assert np.array_equal(resume(node(), store, run=1)(*ARGS).hessians, exact.hessians)
    assert resume(node(), store, run=0)(*ARGS).hessians is None
    for back in (pw.Measurement.from_dict(exact.to_dict()), pw.Measurement.from_netcdf(exact.to_netcdf(store))):
        assert np.array_equal(back.hessians, exact.hessians) and back.content_hash == exact.content_hash
    both = exact + pw.measure(node(), samples=2, seed=3)(*ARGS)
    assert both.hessians.shape == (5, 4, 4) and np.isnan(both.hessians[3:]).all()


def test_tables_of_pairs(tmp_path, exact):
    pytest.importorskip("pyarrow")
    assert np.array_equal(pw.Measurement.from_parquet(exact.to_parquet(tmp_path / "t")).hessians, exact.hessians)


def test_variances_beside_those_predicted():
    """4.5 standard errors on 10 different entries: a false alarm in 10,000 at the most."""
    data = pw.measure(node(), samples=200, hessian=True)(*ARGS)
    found, predicted = data.hessian_variance(), pw.predict(node())(*ARGS).hessian_variance
    assert np.all(np.abs(found.value - predicted) < 4.5 * found.error + 1e-9)


def test_rank_at_the_optimum_is_the_transition():
    @qml.qnode(qml.device("lightning.qubit", wires=2))
    def f(w):
        qml.StronglyEntanglingLayers(w, wires=range(2))
        return qml.expval(qml.Z(0))

    w = pnp.array(np.zeros((4, 2, 3)), requires_grad=True)
    found = pw.find_minima(f, starts=3)(w)
    best = int(np.argmin(found.losses))
    assert found.hessian_rank[best] == pw.predict(f)(w).transition == 4
    assert np.array_equal(found.hessian_spectrum[:, 0], found.hessian_min) and found.negative_directions[best] == 0
    assert f"rank {found.hessian_rank[best]}" in str(found)
    back = pw.MinimaMeasurement.from_dict(found.to_dict())
    assert np.array_equal(back.hessian_spectrum, found.hessian_spectrum)
    bare = pw.find_minima(f, starts=1, hessian=False)(w)
    assert bare.hessian_spectrum is None and np.isnan(bare.hessian_max[0]) and bare.hessian_rank[0] == -1
