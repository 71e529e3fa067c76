"""Decorated QNodes behave as undecorated ones; preflight runs when it should and only then."""

import warnings

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw

WEIGHTS = pnp.array(np.random.default_rng(2).uniform(0, 6, (2, 3, 3)), requires_grad=True)


def body(weights):
    qml.StronglyEntanglingLayers(weights, range(3))
    return qml.expval(qml.Z(0) @ qml.X(1))


def plain(interface="auto"):
    return qml.qnode(qml.device("default.qubit", wires=3), interface=interface)(body)


DECORATIONS = {
    "diagnosed": pw.diagnosed,
    "diagnosed with options": pw.diagnosed(samples=20),
    "preflight": pw.preflight,
    "preflight with options": pw.preflight(on_fail="ignore"),
    "both": lambda q: pw.diagnosed(pw.preflight(q)),
}


@pytest.fixture(params=list(DECORATIONS))
def pair(request):
    """(plain QNode, decorated QNode)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield plain(), DECORATIONS[request.param](plain())


@pytest.mark.filterwarnings("ignore::pennylane_wishart.errors.WishartWarning")
class TestSameAsUndecorated:
    def test_is_the_same_object(self):
        qnode = plain()
        assert pw.diagnosed(qnode) is qnode and pw.preflight(qnode) is qnode

    def test_value_and_gradient(self, pair):
        a, b = pair
        assert float(a(WEIGHTS)) == float(b(WEIGHTS))
        np.testing.assert_array_equal(qml.grad(a)(WEIGHTS), qml.grad(b)(WEIGHTS))

    def test_optimizer(self, pair):
        steps = [qml.GradientDescentOptimizer(0.1).step(q, WEIGHTS) for q in pair]
        np.testing.assert_array_equal(*steps)

    def test_draw_and_specs(self, pair):
        a, b = pair
        assert qml.draw(a)(WEIGHTS) == qml.draw(b)(WEIGHTS)
        assert qml.specs(a)(WEIGHTS).to_dict() == qml.specs(b)(WEIGHTS).to_dict()

    def test_set_shots(self, pair):
        results = [np.array(qml.set_shots(q, shots=50)(WEIGHTS)) for q in pair]
        assert results[0].shape == results[1].shape == ()

    def test_gradient_transforms(self, pair):
        a, b = pair
        np.testing.assert_array_equal(qml.gradients.param_shift(a)(WEIGHTS), qml.gradients.param_shift(b)(WEIGHTS))
        np.testing.assert_array_equal(
            qml.metric_tensor(a, approx="block-diag")(WEIGHTS), qml.metric_tensor(b, approx="block-diag")(WEIGHTS)
        )


@pytest.mark.interfaces
@pytest.mark.filterwarnings("ignore")
class TestInterfaces:
    def test_jax(self):
        jax = pytest.importorskip("jax", reason="jax is in the extra 'interfaces'")
        jax.config.update("jax_enable_x64", True)
        w = jax.numpy.array(np.asarray(WEIGHTS))
        grads = [jax.grad(q)(w) for q in (plain(), pw.diagnosed(pw.preflight(plain())))]
        np.testing.assert_allclose(*grads, atol=1e-12)
        jitted = jax.jit(pw.preflight(plain()))
        np.testing.assert_allclose(jitted(w), plain()(w), atol=1e-10)
        assert pw.signature(plain())(w).n_params == WEIGHTS.size

    def test_torch(self):
        torch = pytest.importorskip("torch", reason="torch is in the extra 'interfaces'")
        grads = []
        for q in (plain(), pw.diagnosed(pw.preflight(plain()))):
            w = torch.tensor(np.asarray(WEIGHTS), requires_grad=True)
            q(w).backward()
            grads.append(w.grad.numpy())
        np.testing.assert_allclose(*grads, atol=1e-12)
        w = torch.tensor(np.asarray(WEIGHTS), requires_grad=True)
        assert pw.signature(plain())(w).n_params == WEIGHTS.size


class TestInspector:
    def test_options_survive_update_and_set_shots(self):
        qnode = pw.diagnosed(plain(), samples=21)
        from pennylane_wishart.diagnosis import options_of

        assert options_of(qnode.update(diff_method="parameter-shift"))["samples"] == 21
        assert options_of(qml.set_shots(qnode, shots=10))["samples"] == 21

    def test_every_function(self):
        qnode = pw.diagnosed(plain(), samples=21, progress=False)
        w = qnode.wishart
        assert w.signature(WEIGHTS).algebra.dim == 63
        assert w.predict(WEIGHTS).n_params == 18
        assert w.measure(WEIGHTS).losses.shape == (21,)
        assert w.compare(WEIGHTS).variances is not None
        assert w.diagnose(WEIGHTS).measurement.losses.shape == (21,)
        assert w.normal_form(WEIGHTS).n_params == 18

    def test_refuses_what_is_not_a_qnode(self):
        with pytest.raises(pw.errors.InputError, match="QNode"):
            pw.diagnosed(lambda x: x)
        with pytest.raises(pw.errors.InputError, match="QNode"):
            pw.preflight(lambda x: x)

    def test_refuses_unknown_options(self):
        with pytest.raises(pw.errors.InputError, match="sampels"):
            pw.diagnosed(sampels=3)(plain())
        with pytest.raises(pw.errors.InputError, match="on_fail"):
            pw.preflight(on_fail="explode")


def counted(on_fail="ignore", **options):
    """A QNode with preflight, and the list of diagnoses it made."""
    found = []
    qnode = pw.preflight(plain(), on_fail=on_fail, **options)
    return qnode, qnode.func.__wishart_diagnoses__, found


class TestPreflight:
    @pytest.mark.filterwarnings("ignore::pennylane_wishart.errors.WishartWarning")
    def test_runs_once_per_shape(self):
        qnode, seen, _ = counted()
        qnode(WEIGHTS)
        first = next(iter(seen.values()))
        qnode(WEIGHTS + 1)
        assert len(seen) == 1 and next(iter(seen.values())) is first
        qnode(WEIGHTS[:1])
        assert len(seen) == 2

    def test_does_not_run_inside_draw_specs_or_gradient_transforms(self):
        qnode, seen, _ = counted()
        qml.draw(qnode)(WEIGHTS)
        qml.specs(qnode)(WEIGHTS)
        qml.set_shots(qnode, shots=5)
        qml.gradients.param_shift(qnode)(WEIGHTS)
        assert len(seen) == 0

    @pytest.mark.filterwarnings("ignore::pennylane_wishart.errors.WishartWarning")
    def test_runs_under_grad_with_the_boxed_argument(self):
        qnode, seen, _ = counted()
        qml.grad(qnode)(WEIGHTS)
        (diag,) = seen.values()
        assert diag.prediction.n_params == WEIGHTS.size

    def test_raises_with_the_diagnosis(self):
        @pw.preflight(on_fail="raise")
        @qml.qnode(qml.device("default.qubit", wires=2))
        def dead(x):
            qml.RZ(x, 0)
            return qml.expval(qml.Z(0))

        with pytest.raises(pw.errors.UntrainableError, match="dead") as info:
            dead(pnp.array(0.3))
        assert info.value.diagnosis.trainable is False

    def test_warns(self):
        @pw.preflight
        @qml.qnode(qml.device("default.qubit", wires=2))
        def dead(x):
            qml.RZ(x, 0)
            return qml.expval(qml.Z(0))

        with pytest.warns(pw.errors.WishartWarning, match="dead"):
            dead(pnp.array(0.3))

    def test_calls_a_function(self):
        seen = []

        @pw.preflight(on_fail=seen.append)
        @qml.qnode(qml.device("default.qubit", wires=2))
        def dead(x):
            qml.RZ(x, 0)
            return qml.expval(qml.Z(0))

        dead(pnp.array(0.3))
        assert [d.trainable for d in seen] == [False]
