"""Born machines: MMD² against its definition; costs of data sets from the process of their losses."""

import itertools

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from scipy import stats

import pennylane_wishart as pw
from pennylane_wishart.costs import born_machine
from pennylane_wishart.errors import InputError

TARGET = np.array([0.4, 0.1, 0.2, 0.3])
SIGMA = 0.7


@qml.qnode(qml.device("default.qubit"))
def machine(x):
    qml.RY(x[0], "a")
    qml.CNOT(["a", "b"])
    qml.RX(x[1], "b")
    return qml.probs(wires=["b", "a"])


def mmd(x):
    """By the kernel, as it is defined."""
    distance = np.array([[bin(i ^ k).count("1") for k in range(4)] for i in range(4)])
    delta = np.asarray(machine(x)) - TARGET
    return np.einsum("...i,ij,...j->...", delta, np.exp(-distance / (2 * SIGMA)), delta)


def test_mean_and_gradients_of_the_discrepancy():
    """Five points an angle average the squares of second harmonics exactly; gradients by differences."""
    found = born_machine(machine, TARGET, bandwidth=SIGMA, samples=4000)(pnp.array([0.3, 0.4], requires_grad=True))
    grid = 2 * np.pi / 5 * np.array(list(itertools.product(range(5), repeat=2))) + 0.2
    assert found.mean == pytest.approx(mmd(grid.T).mean(), abs=1e-10) and found.mean_error == 0
    slopes = [(mmd((grid + s).T) - mmd((grid - s).T)) / 2e-5 for s in 1e-5 * np.eye(2)]
    exact = np.var(slopes, axis=1)
    # five standard errors: a false alarm in 1.7 million
    assert (np.abs(found.gradient_variance - exact) <= 5 * found.gradient_variance_error).all()
    assert not found.kl and "logarithm" in str(found.kl)


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ([0.5, 0.6, 0.0, 0.0], {}, "add up to 1.1"),
        ([0.5, 0.5], {}, "returns 4 outcomes"),
        (TARGET, {"bandwidth": 0}, "bandwidth must be"),
    ],
)
def test_bad_born_machines_are_told(target, options, said):
    with pytest.raises(InputError, match=said):
        born_machine(machine, target, **options)(pnp.array([0.3, 0.4], requires_grad=True))


def test_a_qnode_without_probabilities_is_told():
    @qml.qnode(qml.device("default.qubit"))
    def circuit(x):
        qml.RY(x[0], 0)
        return qml.expval(qml.Z(0))

    with pytest.raises(InputError, match=r"returns qml.probs"):
        born_machine(circuit, [0.5, 0.5])(pnp.array([0.3], requires_grad=True))


def test_costs_of_a_data_set_in_the_deep_limit():
    """Linear costs exactly from the kernel; squared errors have the exact mean, and draws of the same law."""

    @qml.qnode(qml.device("default.qubit"))
    def circuit(data, w):
        qml.AngleEmbedding(data, range(2))
        qml.StronglyEntanglingLayers(w, range(2))
        return qml.expval(qml.Z(0))

    data = np.random.default_rng(1).uniform(0, 2, (3, 2))
    w = pnp.array(np.random.default_rng(0).uniform(0, 6, (6, 2, 3)), requires_grad=True)
    pred = pw.predict(circuit)(pnp.array(data[0], requires_grad=False), w)
    process = pred.process(data=data)
    weights, labels = np.array([0.5, -0.2, 1.0]), np.array([0.3, -0.5, 0.1])
    mean, variance = process.linear(weights)
    assert mean == pytest.approx(0) and variance == pytest.approx(weights @ pred.kernel(data=data) @ weights)
    error = process.squared_error(labels, size=20_000, rng=3)
    # five standard errors
    assert abs(error.draws.mean() - error.mean) < 5 * np.sqrt(error.variance / 20_000)
    with pytest.raises(InputError, match="labels needs 3"):
        process.squared_error([1.0])
    # dense: Haar unitaries on the embedded data; five standard errors, and one KS test at 1e-4
    states = np.array([np.kron(*([np.cos(v / 2), -1j * np.sin(v / 2)] for v in x)) for x in data])
    turned = np.einsum("kab,nb->kna", stats.unitary_group.rvs(4, size=20_000, random_state=8), states)
    losses = np.einsum("kna,a->kn", np.abs(turned) ** 2, np.array([1.0, 1.0, -1.0, -1.0]))
    cost = losses @ weights
    kurtosis = ((cost - cost.mean()) ** 4).mean() / cost.var() ** 2
    assert abs(cost.mean() - mean) < 5 * np.sqrt(variance / 20_000)
    assert cost.var() == pytest.approx(variance, rel=5 * np.sqrt((kurtosis - 1) / 20_000))
    dense = np.mean((losses - labels) ** 2, axis=1)
    assert abs(dense.mean() - error.mean) < 5 * dense.std() / np.sqrt(20_000)
    assert stats.ks_2samp(dense, error.draws).pvalue > 1e-4
