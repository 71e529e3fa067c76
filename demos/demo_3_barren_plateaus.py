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
# # Barren plateaus: predicted and measured
#
# A family of circuits has a **barren plateau** if the variance of its gradient over random parameters falls
# exponentially with the number of qubits (McClean et al., arXiv:1803.11173): then the number of shots that a
# single gradient component needs grows exponentially too. Whether it does depends on the depth, on the locality
# of the observable (Cerezo et al., arXiv:2001.00550), on the Lie algebra (Ragone et al., arXiv:2309.09342;
# Fontana et al., arXiv:2309.07902) and on where the parameters start.
#
# Measuring variances of exponentially small gradients is exactly what one cannot afford. This notebook *computes*
# them, for every parameter, at the circuit's own depth, and measures where measuring is cheap.

# %%
import os

import matplotlib.pyplot as plt
import numpy
import pennylane as qml
from pennylane import numpy as np

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
SAMPLES = 500 if FAST else 4000
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#7d8590"  # Okabe–Ito

# %% [markdown]
# ## The circuit
# A brick wall: RZ and RY on every qubit, then CZ on every other bond. The **local** cost is $Z$ on the middle
# qubit, the **global** one $Z$ on all.


# %%
def brick_wall(n, depth, cost="local"):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        for k, layer in enumerate(weights):
            for q in range(n):
                qml.RZ(layer[q, 0], q)
                qml.RY(layer[q, 1], q)
            for q in range(k % 2, n - 1, 2):
                qml.CZ([q, q + 1])
        return qml.expval(qml.Z(n // 2) if cost == "local" else qml.prod(*[qml.Z(q) for q in range(n)]))

    return circuit


def shape_of(n, depth):
    """Arguments of the circuit; only their shape matters to a prediction over random angles."""
    return np.zeros((depth, n, 2), requires_grad=True)


# %% [markdown]
# ## Every parameter has its own variance
# Take 8 qubits and 4 layers. Average over uniform angles and follow the observable backwards: a Pauli word that
# meets a rotation it anticommutes with stays or turns into another word, with probability ½ each. The variance of
# *every* gradient component follows from one such sweep (ours; exact for Pauli-rotation circuits with independent
# uniform angles).

# %%
n, depth = 8, 4
circuit, weights = brick_wall(n, depth), shape_of(n, depth)
pred = pw.predict(circuit)(weights)
print(pred)
assert pred.engine["gradient_variance"] == "exact words"
assert numpy.all(pred.gradient_variance_error == 0)

# %% [markdown]
# More than half of the parameters are **dead**: the gradient is exactly 0, at every angle. The reasons come with
# a proof, not from samples. Most dead gates lie outside the light cone of $Z_4$, and the first RZ of each qubit
# acts on an eigenstate.

# %%
by_reason = {}
for k, reason in zip(pred.dead_parameters, pred.dead_reasons):
    by_reason.setdefault(reason, []).append(k)
for reason, which in by_reason.items():
    print(f"{len(which):2d} parameters: {reason}")
assert 0 < len(pred.dead_parameters) < pred.n_params

data = pw.measure(circuit, samples=SAMPLES, seed=3, progress=False)(weights)
assert numpy.abs(data.gradients[:, list(pred.dead_parameters)]).max() < 1e-12

# %% [markdown]
# The light cone, drawn as the circuit is: qubits down, layers from left to right. Beside it, predicted against
# measured variance. Small variances belong to heavy-tailed gradients, hence the longer error bars below.

# %%
variance = pred.gradient_variance.reshape(depth, n, 2)
fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for ax, gate, values in zip(axes, ("RZ", "RY"), numpy.moveaxis(variance, 2, 0)):
    with numpy.errstate(divide="ignore"):
        image = ax.imshow(numpy.log2(values.T), cmap="viridis", vmin=-10, vmax=-3, aspect="auto")
    for layer, qubit in numpy.argwhere(values == 0):
        ax.plot(layer, qubit, "x", color=GREY)
    ax.set_title(f"{gate}: log2 Var of the gradient (× dead)", fontsize="medium")
    ax.set_xlabel("layer")
    ax.set_ylabel("qubit")
    ax.set_xticks(range(depth), range(1, depth + 1))
fig.colorbar(image, ax=axes[1], label="log2 of (units of O per radian)²")
live = numpy.setdiff1d(numpy.arange(pred.n_params), pred.dead_parameters)
found = data.gradient_variance()
axes[2].errorbar(
    pred.gradient_variance[live], found.value[live], yerr=2 * found.error[live], fmt="o", ms=4, color=ORANGE
)
ends = pred.gradient_variance[live].min() / 2, pred.gradient_variance[live].max() * 2
axes[2].plot(ends, ends, color=BLUE, label="equal")
axes[2].set(xscale="log", yscale="log", xlabel="predicted Var of the gradient", ylabel="measured (± 2 standard errors)")
axes[2].legend(frameon=False)

compared = pw.compare(pred, data)
print(compared.variances)
print(compared.dead)
assert compared.variances.agrees and compared.dead.agrees

# %% [markdown]
# ## Depth: how fast the plateau is reached
# With depth the light cone fills the circuit and the variance falls to the **deep limit**, the value that the
# whole group gives: here $SU(2^n)$, where a Pauli observable has $\mathrm{Var}[\ell] = 1/(N+1)$ and a Pauli
# rotation $\mathrm{Var}[\partial\ell] = \tfrac{1}{2(N+1)} \cdot \tfrac{N^2}{N^2-1}$, $N = 2^n$ (exact). A light
# cone that has not opened to the edges knows nothing of $n$: the curves start together and part where their cones
# are full. `pw.scaling` computes all sizes and depths at once. All variances are in squared units of the
# observable per radian.

# %%
sizes = [4, 6] if FAST else [4, 6, 8]
depths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32] if FAST else [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
study = pw.scaling(brick_wall, sizes=sizes, depths=depths, args=shape_of, progress=False)
print("deep limit of the loss reached within 5% at depth", study.depth_reached)
reached = list(study.depth_reached.values())
assert reached == sorted(set(reached))  # the wider, the later

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for size, colour, marker in zip(sizes, (BLUE, ORANGE, GREEN), "osD"):
    points = [p for p in study.points if p.n == size]
    ax.plot(
        [p.depth for p in points],
        [p.log2_variance for p in points],
        marker + "-",
        color=colour,
        ms=5,
        label=f"{size} qubits",
    )
    exact = numpy.log2(4**size / (2 * (2**size + 1) * (4**size - 1)))
    ax.axhline(exact, color=colour, ls="--", lw=1)
    assert abs(points[-1].log2_variance - exact) < 0.15
    for d in (4, 16):  # measured: the median over the parameters that the prediction calls live
        data = pw.measure(brick_wall(size, d), samples=SAMPLES, seed=d, progress=False)(shape_of(size, d))
        alive = pw.predict(brick_wall(size, d))(shape_of(size, d)).gradient_variance > 0
        seen = numpy.log2(numpy.median(data.gradient_variance(50).value[alive]))
        ax.plot(d, seen, "x", color="black", ms=9, mew=2, label="measured" if (size, d) == (sizes[0], 4) else None)
        predicted = next(p.log2_variance for p in points if p.depth == d)
        assert abs(seen - predicted) < 0.3, (size, d, seen, predicted)
ax.set_xscale("log", base=2)
ax.set_xticks(depths, depths)
ax.set_xlabel("layers")
ax.set_ylabel("median over live parameters of log2 Var")
ax.set_title("dashed: exact deep limit", fontsize="medium")
_ = ax.legend(frameon=False)

# %% [markdown]
# ## Size: four families, three verdicts
# Growth with the number of qubits is what makes a plateau. For each family the variances are fitted by an
# exponential, a power law and a constant, and the evidence decides; where the sizes do not decide, the verdict is
# `"cannot tell"` and says which sizes would.
#
# * local cost, **3 layers**: no decay (Cerezo et al.);
# * local cost, **$4n$ layers**: exponential (McClean et al.);
# * global cost, **3 layers**: exponential although shallow (Cerezo et al.);
# * **free fermions**, $2n$ layers of fields and XX couplings: deep, but $\mathfrak{so}(2n)$ is small: polynomial
#   (Ragone et al.).


# %%
def free_fermions(n):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        for layer in weights:
            for q in range(n):
                qml.RZ(layer[q], q)
            for q in range(n - 1):
                qml.IsingXX(layer[n + q], [q, q + 1])
        return qml.expval(qml.Z(n // 2))

    return circuit


few = range(4, 9)
families = {
    "local, 3 layers": pw.scaling(lambda n: brick_wall(n, 3), few, lambda n: shape_of(n, 3), progress=False),
    "local, 4n layers": pw.scaling(lambda n: brick_wall(n, 4 * n), few, lambda n: shape_of(n, 4 * n), progress=False),
    "global, 3 layers": pw.scaling(lambda n: brick_wall(n, 3, "global"), few, lambda n: shape_of(n, 3), progress=False),
    "free fermions, 2n layers": pw.scaling(
        free_fermions, range(4, 13), lambda n: np.zeros((2 * n, 2 * n - 1), requires_grad=True), progress=False
    ),
}
for name, family in families.items():
    low, high = family.slope_interval
    print(f"{name:25} {family.verdict:12} slope {family.slope:+.2f} bits per qubit [{low:+.2f}, {high:+.2f}]")
assert [f.verdict for f in families.values()] == ["no decay", "exponential", "exponential", "polynomial"]
assert [f.plateau for f in families.values()] == [False, True, True, False]
assert abs(families["local, 4n layers"].slope + 1) < 0.1  # SU(2^n): one bit per qubit

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for (name, family), colour, marker in zip(families.items(), (BLUE, ORANGE, RED, GREEN), "osD^"):
    ax.plot(
        family.sizes,
        [p.log2_variance for p in family.deepest],
        marker + "-",
        color=colour,
        label=f"{name}: {family.verdict}",
    )
ax.set_xlabel("qubits")
ax.set_ylabel("median over live parameters of log2 Var")
_ = ax.legend(frameon=False, fontsize="small")

# %% [markdown]
# A study prints as a table, with the fits and the evidence:

# %%
print(families["global, 3 layers"])

# %% [markdown]
# ## Initialisation
# A plateau is a statement about *random* angles, so the law of the angles is part of it. `pw.compare_inits`
# computes $\mathbb{E}[(\partial_k\ell)^2]$ under several laws. For Gaussian angles of variance of order 1/depth
# the gradient stays large (Zhang et al., arXiv:2203.09376); close to the identity the circuit has hardly moved
# from its input (the idea of Grant et al., arXiv:1903.05076).

# %%
laws = ("uniform", "normal, σ = 1/√layers", "normal, σ = 0.1")
total = {name: [] for name in laws}
inits = None
widths = range(4, 7) if FAST else range(4, 9)
for size in widths:
    layers = 2 * size
    inits = pw.compare_inits(
        brick_wall(size, layers),
        {laws[0]: "uniform", laws[1]: ("normal", layers**-0.5), laws[2]: ("normal", 0.1)},
    )(shape_of(size, layers))
    for name in laws:
        total[name].append(inits[name].second_moment.sum())
for name in laws:
    print(f"{name:22} mean loss at the start {inits[name].loss_mean:+.3f}, E|gradient|² {total[name][-1]:.3f}")

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for (name, values), colour, marker in zip(total.items(), (RED, BLUE, GREEN), "os^"):
    ax.plot(widths, numpy.log2(values), marker + "-", color=colour, label=name)
ax.set_xlabel("qubits (2n layers)")
ax.set_ylabel("log2 of E|gradient|², all parameters together")
ax.set_xticks(list(widths))
_ = ax.legend(frameon=False)

assert total["uniform"][-1] < total["uniform"][0]
assert total[laws[1]][-1] > total[laws[1]][0]

# %% [markdown]
# The same angle law goes into `pw.measure`, and the claim can be checked.

# %%
size = widths[-1]
data = pw.measure(
    brick_wall(size, 2 * size), samples=SAMPLES // 2, seed=8, angles=("normal", (2 * size) ** -0.5), progress=False
)(shape_of(size, 2 * size))
norms = (data.gradients**2).sum(axis=1)
error = norms.std() / numpy.sqrt(len(norms))
print(f"E|gradient|² at σ = 1/√layers: predicted {total[laws[1]][-1]:.3f}, measured {norms.mean():.3f} ± {error:.3f}")
assert abs(norms.mean() - total[laws[1]][-1]) < 4 * error

# %% [markdown]
# Mind what this says. The sum has more terms in a larger circuit; what matters is that at $\sigma =
# 1/\sqrt{\text{layers}}$ it grows, and under uniform angles it falls *in spite of* that. A large gradient at the
# start is no promise of a good end: at $\sigma = 0.1$ the mean loss is close to $+1$, the *worst* value of $Z$,
# because the state is still close to the input, and the second moment there describes one neighbourhood, not the
# landscape. Where descent ends is the subject of demo 4.

# %% [markdown]
# ## A hundred qubits
# Nothing above needed a statevector. At 100 qubits the same averages run over the light cone exactly where it is
# narrow, by random walkers on Pauli words (each with its standard error) or by a matrix product where walkers see
# too little. Variances are kept as base-2 logarithms, since $2^{-1000}$ is a legitimate answer.

# %%
deep_local = [1, 2, 3, 4, 6, 8] if FAST else [1, 2, 3, 4, 5, 6, 7, 8, 10, 12]
hundred = pw.scaling(brick_wall, sizes=[100], depths=deep_local, args=shape_of, progress=False)
glob = pw.scaling(lambda n, d: brick_wall(n, d, "global"), sizes=[100], depths=[1, 2, 3], args=shape_of, progress=False)
print("layers  live parameters  log2 Var (median)  engine")
for row in hundred.rows():
    live = row["parameters"] - row["dead"]
    print(f"{row['depth']:>6}  {live:>15}  {row['log2_variance']:>9.2f} ± {row['error']:.2f}  {row['engine']}")

# %%
fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
curves = ((hundred.points, BLUE, "o", "local cost"), (glob.points, RED, "D", "global cost"))
for points, colour, marker, label in curves:
    ax.errorbar(
        [p.depth for p in points],
        [p.log2_variance for p in points],
        yerr=[2 * p.log2_variance_error for p in points],
        fmt=marker + "-",
        color=colour,
        label=label,
    )
ax.axhline(-101, color=GREY, ls="--", lw=1, label="deep limit of SU(2¹⁰⁰)")
ax.set_xlabel("layers")
ax.set_ylabel("median over live parameters of log2 Var")
ax.set_title("100 qubits", fontsize="medium")
_ = ax.legend(frameon=False)
assert hundred.points[-1].log2_variance > -20
assert all(p.log2_variance < -80 for p in glob.points)

# A check by hand: at two layers the last CZs commute with the Zs, and the global cost is a product of 50 equal pairs.
pair = pw.predict(brick_wall(2, 2, "global"))(shape_of(2, 2)).moments.loss_variance
assert abs(glob.points[1].loss.value - 50 * numpy.log2(pair)) < 1e-6

# %% [markdown]
# Can a prediction at 100 qubits be checked? For a local cost, yes: five layers see five qubits to each side, so a
# 12-qubit circuit has the same cone, and a simulator measures it.

# %%
big = pw.predict(brick_wall(100, 5))(shape_of(100, 5))
window = big.gradient_variance.reshape(5, 100, 2)[:, 44:56]  # qubit 50 of 100 stands where 6 of 12 does
small = pw.measure(brick_wall(12, 5), samples=SAMPLES // 2, seed=5, progress=False)(shape_of(12, 5))
seen = small.gradient_variance(50).value.reshape(5, 12, 2)
cone = window > 0
print(f"{len(big.dead_parameters)} of {big.n_params} parameters are dead; {cone.sum()} are live, all inside the window")
assert cone.sum() == big.n_params - len(big.dead_parameters)
assert seen[~cone].max() < 1e-20
ratio = seen[cone] / window[cone]
print(f"measured at 12 qubits / predicted at 100: median {numpy.median(ratio):.3f}")
assert abs(numpy.median(ratio) - 1) < 0.2

# %% [markdown]
# ## On your own QNode
# ```python
# pred = pw.predict(qnode)(*args)             # .gradient_variance, .dead_parameters, .dead_reasons, .shots_to_resolve
# pw.scaling(make_qnode, sizes=[4, 5, 6, 7, 8], args=lambda n: ...)       # make_qnode(n) returns a QNode
# pw.compare_inits(qnode, {"uniform": "uniform", "narrow": ("normal", 0.1)})(*args)
# ```
# What it costs in shots: the median live parameter of the local brick wall above, per component, for
# signal-to-noise 1.

# %%
for layers in (1, 3, 5):
    shots = pw.predict(brick_wall(100, layers))(shape_of(100, layers)).shots_to_resolve
    print(f"100 qubits, {layers} layers: {numpy.median(shots[numpy.isfinite(shots)]):.0f} shots")
