# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quantum neural networks as Wishart processes
#
# A quantum neural network embeds data $x$ as a state $\rho(x)$ and returns $\ell(x) =
# \mathrm{Tr}[O\,U\rho(x)U^\dagger]$. With random parameters in $U$ it is a random *function* of the data. Wide
# classical networks at random are Gaussian processes. A deep QNN whose group fills its Jordan sectors is a
# **Wishart process** (Anschuetz, arXiv:2408.11901): the *same* $\beta$-Wishart matrix $W$ with $r$ degrees of
# freedom meets every input,
#
# $$ \ell(x_i) - \lambda_{\min} \;\approx\; \frac{\bar{o}}{r}\,\mathrm{Tr}[\rho(x_i) W], $$
#
# with $\bar o = \mathrm{Tr}(O - \lambda_{\min})/N$, and only sometimes is a Gaussian process a good description
# of it.
#
# This notebook predicts the joint law of the losses of a data set, measures it, asks when it is Gaussian, and
# uses the kernel for regression.

# %%
import os

import matplotlib.pyplot as plt
import numpy
import pennylane as qml
from pennylane import numpy as np
from scipy.stats import ks_2samp, norm

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
SAMPLES = 600 if FAST else 6000
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#7d8590"  # Okabe–Ito

# %% [markdown]
# ## A network and a data set
# One real feature $x$ per input, embedded on 4 qubits at four frequencies, then universal trainable layers. The
# `data` argument is not trainable; `pw.normal_form` reads a whole batch of it as a batch of input states.

# %%
N_QUBITS, LAYERS = 4, 10


def network(observable, n=N_QUBITS):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(data, weights):
        qml.AngleEmbedding(data, wires=range(n), rotation="Y")
        qml.StronglyEntanglingLayers(weights, wires=range(n))
        return qml.expval(observable)

    return circuit


def features(x):
    """Angles 0.5x, x, 1.5x, 2x of every input, shape (len(x), 4); data, not trained."""
    return np.array(numpy.outer(x, [0.5, 1.0, 1.5, 2.0]), requires_grad=False)


def states(qnode, x):
    """The input states that an embedding makes of data."""
    return pw.normal_form(qnode)(features(x), weights).states


weights = np.zeros((LAYERS, N_QUBITS, 3), requires_grad=True)  # only the shape matters
points = numpy.array([0.0, 0.35, 0.8, 1.4, 2.4])
qnn = network(qml.Z(0))
inputs = states(qnn, points)
pred = pw.predict(qnn)(features(points)[0], weights)
print(pred.signature)
assert pred.in_theory and pred.is_deep and len(inputs) == len(points)

# %% [markdown]
# ## The kernel
# Averaged over all parameters the losses of two inputs covary as their states overlap. For a group that fills one
# sector with $\beta = 2$, pure inputs, and $m$ the finite-size degrees of freedom ($m = N$ for a Pauli word),
#
# $$ \mathrm{Cov}[\ell_i, \ell_j] = \frac{\bar{o}^2 N^2}{m(N^2-1)} \left(|\langle x_i|x_j\rangle|^2 - 1/N\right) $$
#
# the **fidelity kernel** with a constant taken off. It is exact at finite size (ours; the published one is its
# limit $r \ll N$). `Prediction.kernel` computes it for any sectors, for mixed inputs and for real groups too.

# %%
kernel = pred.kernel(inputs)
vectors = numpy.array([s.vector() for s in inputs])
fidelity = numpy.abs(vectors.conj() @ vectors.T) ** 2
size = 2**N_QUBITS
assert numpy.allclose(kernel, (fidelity - 1 / size) / size * size**2 / (size**2 - 1))
print(numpy.round(kernel, 4))

# %% [markdown]
# ## The joint law, predicted and measured
# `pw.measure` draws parameters from its seed alone, so that measuring every input with one seed gives *joint*
# samples: row $i$ is one network seen at all inputs. `Prediction.process` samples the predicted joint law,
# exactly at this size, by compressing the observable to the span of the inputs.

# %%
batch = features(points)
measured = numpy.array(
    [
        pw.measure(qnn, samples=SAMPLES, seed=5, parameters=0, datum=k, progress=False)(batch, weights).losses
        for k in range(len(points))
    ]
).T
process = pred.process(inputs)
drawn = process.sample(20000, rng=1)

covariance = numpy.cov(measured.T)
# The sampling error of a covariance of nearly normal variables.
error = numpy.sqrt((kernel**2 + numpy.outer(kernel.diagonal(), kernel.diagonal())) / SAMPLES)
worst = numpy.abs((covariance - kernel) / error).max()
print(f"largest deviation of a covariance: {worst:.1f} standard errors")
assert worst < 4

fig, axes = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
for ax, matrix, title in ((axes[0], kernel, "predicted"), (axes[1], covariance, f"measured, n = {SAMPLES}")):
    image = ax.imshow(matrix, cmap="cividis", vmin=kernel.min(), vmax=kernel.max())
    ax.set_title(f"covariance of losses, {title}", fontsize="medium")
    ax.set_xticks(range(len(points)), points)
    ax.set_yticks(range(len(points)), points)
    ax.set_xlabel("input x (rad)")
    ax.set_ylabel("input x (rad)")
fig.colorbar(image, ax=axes[1], label="(units of the observable)²")
axes[2].plot(*measured[:600, :2].T, ".", ms=4, color=ORANGE, alpha=0.7, label="measured networks")
angle = numpy.linspace(0, 2 * numpy.pi, 200)
for level in (0.5, 0.95):  # of the Gaussian process with the same kernel
    radius = numpy.sqrt(-2 * numpy.log(1 - level))
    ring = numpy.linalg.cholesky(kernel[:2, :2]) @ numpy.array([numpy.cos(angle), numpy.sin(angle)]) * radius
    axes[2].plot(*ring, color=BLUE, label="50%, 95% of the Gaussian" if level == 0.5 else None)
axes[2].set_xlabel(f"loss at x = {points[0]}")
axes[2].set_ylabel(f"loss at x = {points[1]}")
axes[2].legend(frameon=False, fontsize="small", loc="upper left")
_ = axes[2].set_ylim(-1, 1.4)

# %% [markdown]
# Covariances are not yet a law. Functions of several losses at once test the joint one: a difference, and the
# largest loss over the data set. Each is a two-sample Kolmogorov–Smirnov test of measured networks against the
# predicted process.

# %%
for name, function in {
    "loss at one input": lambda loss: loss[:, 0],
    "difference of two": lambda loss: loss[:, 0] - loss[:, 1],
    "largest of all": lambda loss: loss.max(axis=1),
    "spread over the data": lambda loss: loss.std(axis=1),
}.items():
    test = ks_2samp(function(measured), function(drawn))
    print(f"{name:21} KS distance {test.statistic:.3f}, p = {test.pvalue:.2f}")
    assert test.pvalue > 1e-3

# %% [markdown]
# ## Random functions
# The same process, seen as functions of $x$: networks with random parameters, and draws from the predicted
# process.

# %%
grid = numpy.linspace(0, numpy.pi, 41)
on_grid = pred.process(states(qnn, grid))
random_weights = numpy.random.default_rng(2).uniform(0, 2 * np.pi, (6, LAYERS, N_QUBITS, 3))
networks = numpy.array([[qnn(row, w) for row in features(grid)] for w in random_weights])
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
spread = numpy.sqrt(on_grid.covariance.diagonal())
for ax, curves, title, colour in (
    (axes[0], networks, "six random networks", ORANGE),
    (axes[1], on_grid.sample(6, rng=4), "six draws of the Wishart process", BLUE),
):
    ax.fill_between(grid, -2 * spread, 2 * spread, color=GREY, alpha=0.2, label="± 2 standard deviations, predicted")
    ax.plot(grid, curves.T, color=colour, lw=1.3)
    ax.set_title(title, fontsize="medium")
    ax.set_xlabel("input x (rad)")
axes[0].set_ylabel("loss (units of the observable)")
_ = axes[0].legend(frameon=False, fontsize="small", loc="upper left")
assert numpy.mean(numpy.abs(networks) < 2 * spread) > 0.8

# %% [markdown]
# ## When is it a Gaussian process?
# The published condition (arXiv:2408.11901) is that the degrees of freedom grow, $r \to \infty$. It is not
# sufficient at the level of the law. Ours is a **Lindeberg condition**: no level may dominate the variance,
#
# $$ \max_k (o_k - \bar o)^2 \,/\, \mathrm{Tr}\,O_0^2 \to 0, \qquad O_0 = O - \mathrm{Tr}\,O/N . $$
#
# The counterexample is $O = 1 - |1\cdots1\rangle\langle 1\cdots1|$: $r = N - 1$, as many degrees of freedom as
# can be, yet its loss is one minus a single Haar probability, in the limit an exponential variable, at every
# size.
#
# `Process.verdicts` states both conditions (against thresholds, which at finite size are a convention), the exact
# skewness, and the Kolmogorov–Smirnov distance of the exact law to a normal one, which decides. All four networks
# below are on 6 qubits, $N = 64$.

# %%
n = 6
everything = list(range(n))
cases = {
    "Z₀": qml.Z(0),
    "ΣZ": qml.sum(*[qml.Z(q) for q in everything]),
    "|1…1⟩⟨1…1|": qml.Projector([1] * n, wires=everything),
    "1 − |1…1⟩⟨1…1|": qml.Identity(0) - qml.Projector([1] * n, wires=everything),
}
data6 = np.array(numpy.linspace(0.3, 1.9, n), requires_grad=False)
weights6 = np.zeros((12, n, 3), requires_grad=True)
verdicts, laws = {}, {}
print(f"{'O':16} {'r':>5} {'Lindeberg':>9} {'skewness':>9} {'KS':>6}  published  Lindeberg  Gaussian")
for name, observable in cases.items():
    wide = pw.predict(network(observable, n))(data6, weights6)
    (v,) = wide.process(wide.circuit.states).verdicts
    verdicts[name], laws[name] = v, wide.loss
    print(
        f"{name:16} {v.dof:5.1f} {v.lindeberg_ratio:9.3f} {v.skewness:+9.2f} {v.ks_distance:6.3f}  "
        f"{'yes' if v.published else 'no':9}  {'yes' if v.lindeberg else 'no':9}  {'yes' if v.is_gaussian else 'no'}"
    )
odd = verdicts["1 − |1…1⟩⟨1…1|"]
print("\n1 − |1…1⟩⟨1…1|:", odd.verdict)
assert verdicts["Z₀"].is_gaussian and verdicts["Z₀"].published and verdicts["Z₀"].lindeberg
assert not verdicts["|1…1⟩⟨1…1|"].published
assert numpy.isclose(odd.dof, 63) and odd.published and not odd.lindeberg and not odd.is_gaussian
assert -2 < odd.skewness < -1.8

# %% [markdown]
# Measured against the exact law and against the normal law of the same mean and variance:

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, name in zip(axes, ("Z₀", "1 − |1…1⟩⟨1…1|")):
    losses = pw.measure(network(cases[name], n), samples=SAMPLES // 2, seed=3, parameters=0, progress=False)(
        data6, weights6
    ).losses
    law = laws[name]
    low, high = float(law.ppf(1e-4)), min(float(law.ppf(1 - 1e-6)), 1.0)
    x = numpy.linspace(low, high, 400)[1:-1]
    ax.hist(losses, bins=40, range=(low, high), density=True, color=ORANGE, alpha=0.6, label="measured")
    ax.plot(x, law.pdf(x), color=BLUE, lw=2, label="exact Wishart law")
    ax.plot(x, norm.pdf(x, law.mean(), law.std()), color=RED, ls="--", lw=2, label="Gaussian limit")
    ax.set_title(f"O = {name}", fontsize="medium")
    ax.set_xlabel("loss (units of the observable)")
    ax.set_ylabel("probability density")
    ax.set_ylim(0, 1.4 * law.pdf(x).max())
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    distance = numpy.abs(numpy.arange(1, losses.size + 1) / losses.size - law.cdf(numpy.sort(losses))).max()
    assert distance < 2 / numpy.sqrt(losses.size)  # Kolmogorov: false alarm 1 in 1500

# %% [markdown]
# Size does not help the counterexample. A spectrum is all that a verdict needs, so sizes beyond any simulator are
# free:

# %%
qubits = numpy.arange(2, 21, 2)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
families = {
    "Pauli word": (BLUE, "o", lambda n: ([-1, 1], [2 ** (n - 1), 2 ** (n - 1)])),
    "projector of rank N/4": (GREEN, "^", lambda n: ([0, 1], [3 * 2 ** (n - 2), 2 ** (n - 2)])),
    "1 − |1…1⟩⟨1…1|": (RED, "D", lambda n: ([0, 1], [1, 2**n - 1])),
}
distance = {}
for name, (colour, marker, levels) in families.items():
    distance[name] = numpy.array([pw.ensembles.gaussian_verdict(*levels(int(n)), 2).ks_distance for n in qubits])
    ax.semilogy(qubits, distance[name], marker + "-", color=colour, label=name)
ax.axhline(0.02, color=GREY, ls="--", lw=1, label="threshold of the verdict")
ax.set_xticks(qubits)
ax.set_xlabel("qubits")
ax.set_ylabel("KS distance to the normal law")
_ = ax.legend(frameon=False, fontsize="small")
assert distance["Pauli word"][-1] < 1e-4
assert distance["1 − |1…1⟩⟨1…1|"][-1] > 0.1

# %% [markdown]
# ## A real network sees less
# With RY and CNOT only, the group is $SO(N)$, $\beta = 1$. Complex inputs enter through $\mathrm{Re}\,\rho$, and
# two states that differ by complex conjugation are the *same* input. The kernel knows.


# %%
@qml.qnode(qml.device("lightning.qubit", wires=N_QUBITS))
def real_network(data, weights):
    qml.AngleEmbedding(data, wires=range(N_QUBITS), rotation="X")  # RX: complex amplitudes
    for layer in weights:
        for q in range(N_QUBITS):
            qml.RY(layer[q], q)
        for q in range(N_QUBITS):
            qml.CNOT([q, (q + 1) % N_QUBITS])
    return qml.expval(qml.Z(0))


pair = np.array(numpy.array([[0.6, 0.9, 1.2, 1.5], [-0.6, -0.9, -1.2, -1.5]]), requires_grad=False)
real_weights = np.zeros((20, N_QUBITS), requires_grad=True)
real_pred = pw.predict(real_network)(pair[0], real_weights)
real_inputs = pw.normal_form(real_network)(pair, real_weights).states
real_kernel = real_pred.kernel(real_inputs)
both = [
    pw.measure(real_network, samples=SAMPLES, seed=9, parameters=0, datum=k, progress=False)(pair, real_weights).losses
    for k in (0, 1)
]
a, b = (s.vector() for s in real_inputs)
print(f"fidelity of the two states {abs(numpy.vdot(a, b)) ** 2:.1g}")
print("correlation of their losses", (real_kernel / real_kernel[0, 0]).round(12)[0, 1])
print(f"variance {real_kernel[0, 0]:.4f}, measured {both[0].var():.4f}")
assert numpy.isclose(real_kernel[0, 1], real_kernel[0, 0])
assert numpy.allclose(both[0], both[1])
assert abs(both[0].var() / real_kernel[0, 0] - 1) < 4 * numpy.sqrt(2 / SAMPLES)

# %% [markdown]
# ## The kernel at work
# Where the process is Gaussian, regression with a random network as the prior is Gaussian-process regression with
# this kernel. scikit-learn takes it as a kernel object; nothing in it but `Prediction.kernel`. This is Bayesian
# inference with the untrained network as prior, not a simulation of gradient descent.

# %%
try:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, GenericKernelMixin, Kernel, StationaryKernelMixin
except ImportError:
    GaussianProcessRegressor = None
    print("scikit-learn is not installed: the regression is skipped (pip install scikit-learn to run it).")

if GaussianProcessRegressor is not None:

    class WishartKernel(StationaryKernelMixin, GenericKernelMixin, Kernel):
        """Covariance of a QNN's losses, normalised to 1 on the diagonal; no hyperparameters."""

        def __init__(self):  # scikit-learn clones kernels by their signature
            pass

        def __call__(self, X, Y=None, eval_gradient=False):
            first = numpy.ravel(X)
            second = first if Y is None else numpy.ravel(Y)
            both = pred.kernel(states(qnn, numpy.concatenate([first, second])))
            matrix = both[: len(first), len(first) :] / both[0, 0]
            return (matrix, numpy.empty((*matrix.shape, 0))) if eval_gradient else matrix

        def diag(self, X):
            return numpy.ones(len(X))

    def target(x):
        return 0.5 * numpy.sin(2 * x) + 0.2 * numpy.cos(3 * x)

    rng = numpy.random.default_rng(6)
    x_train = numpy.linspace(0.1, 3.0, 10) + rng.uniform(-0.1, 0.1, 10)
    noise = 0.03
    y_train = target(x_train) + noise * rng.normal(size=x_train.size)
    model = GaussianProcessRegressor(ConstantKernel(0.1, (1e-3, 10.0)) * WishartKernel(), alpha=noise**2)
    model.fit(x_train[:, None], y_train)
    mean, deviation = model.predict(grid[:, None], return_std=True)
    inside = (grid > x_train.min()) & (grid < x_train.max())
    rms = numpy.sqrt(numpy.mean((mean - target(grid))[inside] ** 2))
    print(f"10 training points, noise {noise}; root mean square error between them {rms:.3f}; {model.kernel_}")
    assert rms < 0.1

    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    ax.fill_between(grid, mean - 2 * deviation, mean + 2 * deviation, color=BLUE, alpha=0.15, label="± 2 deviations")
    ax.plot(grid, mean, color=BLUE, lw=2, label="prediction, QNN kernel")
    ax.plot(grid, target(grid), color=GREY, ls="--", label="truth")
    ax.plot(x_train, y_train, "o", color=RED, label="training data")
    ax.set_xlabel("input x (rad)")
    ax.set_ylabel("target (dimensionless)")
    ax.legend(frameon=False, fontsize="small")

# %% [markdown]
# Note what the kernel is: at many qubits the overlaps of generic inputs fall exponentially, and so does
# everything off the diagonal. A QNN that is a Gaussian process in the deep limit is also one on a barren plateau
# (demo 3).
#
# ## On your own QNode
# ```python
# inputs = pw.normal_form(qnode)(data_batch, *args).states     # or rows of state vectors
# pred = pw.predict(qnode)(data_batch[0], *args)
# pred.kernel(inputs)                  # covariance of the losses
# pred.process(inputs).sample(1000)    # joint law, exact at finite size in the deep limit
# pred.process(inputs).verdicts        # Gaussian or not, sector by sector
# ```
