"""Light cones: which gates a term depends on, and sums of small simulations against dense matrices."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import light_cones, trace_qnode
from pennylane_wishart.conventions import Evidence, ReasonCode
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.outlook import OutlookOptions, descents, outlook_of, point_of
from pennylane_wishart.outlook.descents import descend, estimated_seconds, route_of, why_not_descended


def chain(n):
    """Ising chain in a transverse field, with a constant."""
    bonds = [qml.Z(q) @ qml.Z(q + 1) for q in range(n - 1)]
    return qml.dot([1.0] * (n - 1) + [0.5] * n + [0.25], [*bonds, *map(qml.X, range(n)), qml.I(0)])


def bricks(n, layers, observable=None, device="default.qubit", shared=False):
    @qml.qnode(qml.device(device, wires=n))
    def circuit(x):
        for k in range(layers):
            for q in range(n):
                qml.RY(x[k, 0 if shared else q], q)
            for q in range(k % 2, n - 1, 2):
                qml.CZ([q, q + 1])
        return qml.expval(chain(n) if observable is None else observable)

    return circuit, pnp.zeros((layers, 1 if shared else n), requires_grad=True)


def gate(matrix, q, n):
    return np.kron(np.kron(np.eye(2**q), matrix), np.eye(2 ** (n - q - int(np.log2(len(matrix))))))


def dense_loss(x, n, layers):
    """The same loss by matrices of the whole space."""
    z, flip = np.diag([1.0, -1.0]), np.array([[0.0, 1], [1, 0]])
    psi = np.eye(2**n)[0]
    for k in range(layers):
        for q in range(n):
            c, s = np.cos(x[k, q] / 2), np.sin(x[k, q] / 2)
            psi = gate(np.array([[c, -s], [s, c]]), q, n) @ psi
        for q in range(k % 2, n - 1, 2):
            psi = gate(np.diag([1.0, 1, 1, -1]), q, n) @ psi
    o = sum(gate(np.kron(z, z), q, n) for q in range(n - 1)) + 0.5 * sum(gate(flip, q, n) for q in range(n))
    return psi @ o @ psi + 0.25


def test_losses_and_gradients_are_those_of_the_whole(rng):
    n, layers = 6, 3
    circuit, x = bricks(n, layers)
    data = pw.measure(circuit, samples=3, seed=5, route="light-cones", progress=False)(x)
    assert data.route == "light-cones"
    points = data.plan.draw()[0].reshape(-1, layers, n)
    np.testing.assert_allclose(data.losses, [dense_loss(p, n, layers) for p in points], atol=1e-12)
    step = 1e-5
    for k, q in ((0, 0), (1, 3), (2, 5)):
        e = np.zeros((layers, n))
        e[k, q] = step
        slope = (dense_loss(points[0] + e, n, layers) - dense_loss(points[0] - e, n, layers)) / (2 * step)
        assert data.gradients[0, k * n + q] == pytest.approx(slope, abs=1e-8)


def test_shared_angles_states_and_fixed_terms_add_up():
    n = 4

    @qml.qnode(qml.device("default.qubit", wires=[f"q{i}" for i in range(n)]))
    def circuit(x):
        w = [f"q{i}" for i in range(n)]
        qml.BasisState(np.array([1, 0, 0, 1]), w)
        qml.IsingXX(x[0], w[:2])
        qml.IsingXX(2 * x[0] + 0.3, w[1:3])
        qml.CRY(x[1], w[:2])
        return qml.expval(qml.Z(w[0]) @ qml.X(w[1]) + 2 * qml.Z(w[3]) + qml.Z(w[2]))

    x = pnp.array([0.0, 0.0], requires_grad=True)
    cones = light_cones(trace_qnode(circuit, (x,)))
    assert cones.constant == pytest.approx(-2) and cones.width == 3  # no gate acts on the last wire
    whole, parts = (pw.measure(circuit, samples=4, route=r, progress=False)(x) for r in (None, "light-cones"))
    np.testing.assert_allclose(parts.losses, whole.losses, atol=1e-12)
    np.testing.assert_allclose(parts.gradients, whole.gradients, atol=1e-12)


def test_how_far_a_cone_reaches():
    circuit, x = bricks(40, 2, qml.Z(20) @ qml.Z(21))
    [cone] = light_cones(trace_qnode(circuit, (x,))).cones
    # the last CZ gates commute with the term, and those before them stand between its own two wires
    assert len(cone.trace.wires) == 2 and set(cone.parameters.tolist()) == {20, 21, 60, 61}
    circuit, x = bricks(40, 2, qml.X(20))
    [cone] = light_cones(trace_qnode(circuit, (x,))).cones
    assert len(cone.trace.wires) == 4 and set(cone.parameters.tolist()) == {18, 19, 20, 21, 59, 60}


def test_equal_cones_are_one_circuit():
    circuit, x = bricks(30, 2)
    data = pw.find_minima(circuit, starts=1, tolerance=1.0, hessian=False, progress=False)
    found = data(x)
    assert found.routes == ("light-cones",) and found.losses[0] < 0 and found.parameters.shape == (1, 60)


def test_descents_of_thirty_qubits_find_what_a_few_say():
    """One layer of RY, one angle for all, and CZ on pairs: the field has a closed form."""
    n = 30
    circuit, x = bricks(n, 1, qml.sum(*map(qml.X, range(n))), shared=True)
    pred = pw.predict(circuit)(x)
    found = outlook_of(pred, OutlookOptions(how={"progress": False}))
    assert found.evidence is Evidence.DESCENTS and found.has_traps is False
    # a wire behind a CZ with a partner has ⟨X⟩ = sin θ cos θ, at best 1/2
    assert found.best == pytest.approx(-n / 2, abs=0.02)
    assert point_of(pred, [[0.3]]).loss == pytest.approx(n * np.sin(0.3) * np.cos(0.3), abs=1e-9)


def test_costs_decide_the_route_and_wide_cones_are_refused():
    circuit, x = bricks(24, 2)
    form = pw.normal_form(circuit)(x)
    assert estimated_seconds(form, 8) < 10 and why_not_descended(form) is None
    wide, y = bricks(24, 2, qml.prod(*map(qml.Z, range(24))))
    form = pw.normal_form(wide)(y)
    reason = why_not_descended(form)
    assert reason.code is ReasonCode.TOO_LARGE and "light cones" in reason.text
    with pytest.raises(ModuleTooLargeError, match="depends on more than 16 wires"):
        pw.find_minima(wide, starts=1, route="light-cones", progress=False)(y)
    with pytest.raises(InputError, match="exact values only"):
        pw.measure(circuit, samples=1, shots=10, route="light-cones", progress=False)(x)


def test_a_small_module_gives_the_same_numbers_and_is_descended(monkeypatch):
    """Transverse-field Ising with one angle a gate: free fermions, by words of the module and by light cones."""
    n = 24

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        bonds = [*range(0, n - 1, 2), *range(1, n - 1, 2)]
        for q in bonds:
            qml.IsingXX(x[q], [q, q + 1])
        for q in range(n):
            qml.RZ(x[n - 1 + q], q)
        for q in bonds:
            qml.IsingXX(x[2 * n - 1 + q], [q, q + 1])
        return qml.expval(qml.sum(*map(qml.Z, range(n)), *(qml.X(q) @ qml.X(q + 1) for q in range(n - 1))))

    x = pnp.zeros(3 * n - 2, requires_grad=True)
    form = pw.normal_form(circuit)(x)
    cones, module = (
        pw.measure(circuit, samples=2, progress=False, **how)(x)
        for how in ({"route": "light-cones"}, {"device": "wishart.lie"})
    )
    np.testing.assert_allclose(module.losses, cones.losses, atol=1e-10)
    np.testing.assert_allclose(module.gradients, cones.gradients, atol=1e-10)
    monkeypatch.setattr(descents.widest, "CONE_WIRES", 2)
    light_cones.cache_clear()
    descents._costs.cache_clear()
    assert route_of(form)["device"].name == "wishart.lie"
    found = descend(form, 1, 600.0, 100.0 * n, 3, lambda d: True, progress=False)
    assert found.converged.all() and found.ends[0] < cones.losses.min()


@pytest.mark.slow
def test_other_processes_give_the_same_numbers():
    circuit, x = bricks(6, 2)
    options = {"starts": 2, "hessian": False, "progress": False, "route": "light-cones"}
    with pw.measurement.process_pool(1) as pool:
        there = pw.find_minima(circuit, executor=pool, **options)(x)
    here = pw.find_minima(circuit, **options)(x)
    assert there.losses.tobytes() == here.losses.tobytes()


@pytest.mark.parametrize("order", [1, -1])
def test_gates_of_a_layer_that_commute_do_not_widen_a_cone(order):
    """MaxCut on a graph of degree three: a bond sees the bonds beside it once a layer, in whatever order they stand."""
    graph = nx.random_regular_graph(3, 14, seed=3)
    edges = list(graph.edges)[::order]

    @qml.qnode(qml.device("default.qubit", wires=14))
    def circuit(x):
        for q in range(14):
            qml.H(q)
        for a, b in edges:
            qml.IsingZZ(x[0], [a, b])
        for q in range(14):
            qml.RX(x[1], q)
        return qml.expval(qml.sum(*(qml.Z(a) @ qml.Z(b) for a, b in edges)))

    x = pnp.array([0.4, 1.1], requires_grad=True)
    cones = light_cones(trace_qnode(circuit, (x,)))
    assert cones.width <= 6
    data = pw.measure(circuit, samples=2, seed=1, route="light-cones", progress=False)(x)
    for point, gradient in zip(data.plan.draw()[0].reshape(-1, 2), data.gradients, strict=True):
        known = qml.grad(circuit)(pnp.array(point, requires_grad=True))
        np.testing.assert_allclose(gradient, known, atol=1e-9)
