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
# # Traps: local minima and the transition
#
# Gradients that can be resolved are not enough: descent may end in a poor local minimum. Anschuetz (ICLR 2022,
# arXiv:2109.06957) found that random circuits undergo a **transition**: with few parameters against the degrees
# of freedom of the observable nearly all local minima are poor, with many nearly all are optimal. This notebook
# trains random circuits as that paper did, 52 instances per point, and lays the end points over two predictions:
# the published, asymptotic one, and the Kac–Rice integral at the circuit's own finite dimension (ours).
#
# Losses are given as $E = (\ell - \lambda_{\min}) / (\bar{o} - \lambda_{\min})$ with $\bar{o}$ the mean
# eigenvalue of the observable: the optimum is $E = 0$, a random state has $E = 1$ on average.

# %%
import functools
import os

import matplotlib.pyplot as plt
import numpy
import pennylane as qml
from pennylane import numpy as np
from scipy.stats import kstest

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
INSTANCES = 16 if FAST else 52
SCRAMBLING = 2 if FAST else 3
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#7d8590"

# %% [markdown]
# ## The circuit
# $p$ trainable rotations, each followed by a fixed random circuit that scrambles the state. Every instance draws
# new fixed gates and a new start. Two observables on 4 qubits, $N = 16$:
#
# * a **Pauli word** $Z_0$, half of whose levels lie at the bottom;
# * a **projector of rank 4**, $|00\rangle\langle 00|$ on two of the qubits.


# %%
def random_circuit(p, seed, observable):
    fixed = numpy.random.default_rng([p, seed]).uniform(0, 2 * np.pi, (p + 1, SCRAMBLING, 4, 3))

    @qml.qnode(qml.device("lightning.qubit", wires=4))
    def circuit(angles):
        for k in range(p):
            qml.StronglyEntanglingLayers(fixed[k], range(4))
            qml.RY(angles[k], k % 4)
        qml.StronglyEntanglingLayers(fixed[p], range(4))
        return qml.expval(observable())

    return circuit


def shape_of(p):
    return np.zeros(p, requires_grad=True)


observables = {
    "Pauli word": lambda: qml.Z(0),
    "projector, rank 4": lambda: qml.Projector([0, 0], wires=[0, 1]),
}

# %% [markdown]
# ## Where the transition is predicted
# The optimum of an observable is the eigenspace of its lowest level. The set of optimal states has real
# codimension $\beta \cdot \mathrm{rank}(O - \lambda_{\min})$, and that many *independent* parameters are needed
# to reach it from a generic point: this is the exact $p^*$ at finite size (ours). The published rule, $\beta m -
# 2$, counts degrees of freedom instead; the two are close for a projector of low rank and a factor of two apart
# for a Pauli word.

# %%
star, spectrum, freedom = {}, {}, {}
for name, observable in observables.items():
    sig = pw.signature(random_circuit(3, 0, observable))(shape_of(3))
    sector = sig.sectors[0]
    values, counts = sector.spectrum
    assert sig.in_theory and sig.algebra.name == "su(16)"
    spectrum[name] = (values, counts)
    freedom[name] = (sector.dof_finite, sector.dof)  # m, r
    star[name] = pw.minima.transition(values, counts, sector.beta)
    print(
        f"{name:18} levels {values.round(6) + 0.0} × {counts}: "
        f"r = {sector.dof:.3g}, m = {sector.dof_finite:.3g}, p* = {star[name]} "
        f"(published rule: {pw.minima.transition_asymptotic(sector.dof_finite, sector.beta):.2f})"
    )
assert star == {"Pauli word": 16, "projector, rank 4": 8}

# %% [markdown]
# ## Training
# `pw.find_minima` descends from random starts (L-BFGS-B on exact gradients) and keeps every end point.

# %%
tried = {
    "Pauli word": [4, 10, 14, 16, 18] if FAST else [4, 10, 12, 14, 16, 18],
    "projector, rank 4": [3, 5, 8, 10] if FAST else [2, 3, 4, 5, 6, 8, 10],
}
ends = {}
for name, observable in observables.items():
    values, counts = spectrum[name]
    ground, unit = values[0], numpy.dot(values, counts) / sum(counts) - values[0]
    for p in tried[name]:
        losses = []
        for seed in range(INSTANCES):
            found = pw.find_minima(
                random_circuit(p, seed, observable), starts=1, seed=seed, hessian=False, progress=False
            )(shape_of(p))
            losses.append(found.losses[0])
        ends[name, p] = (numpy.array(losses) - ground) / unit
        print(f"{name:18} p = {p:2d}   mean E at the end of descents {ends[name, p].mean():.4f}")

# %% [markdown]
# ## Found minima over predicted ones
# A descent does not pick a minimum at random: deeper minima have wider basins. The law of *all* minima
# (`weighting="count"`, each counted once) is exact for Haar-random gates between the rotations, which the
# scramblers here come close to; the law of *found* minima (`weighting="descent"`) multiplies it by a weight
# calibrated on simulated descents (a heuristic of ours).
#
# The published law is one of all minima, to be compared with the dotted curve. It comes with $K = \beta m$
# degrees of freedom (arXiv:2109.06957) or $K = \beta r$ (arXiv:2408.11901), and is meant for an observable of low
# rank with its other levels close together, such as the projector. A Pauli word is outside its range.


# %%
@functools.cache
def laws(name, p):
    """Laws of E at found minima, at all minima, and published with m and with r."""
    values, counts = spectrum[name]
    options = {"beta": 2, "seed": 1, "n_samples": 4096 if FAST else None}
    found = pw.minima.minima_law(values, counts, p, weighting="descent", **options)
    every = pw.minima.minima_law(values, counts, p, **options)
    published = [pw.minima.asymptotic_minima_law(dof, p, **options) for dof in freedom[name]]
    return found.in_units_of_E(), every.in_units_of_E(), *published


def curve(ax, law, grid, **style):
    """Draw a law; a point mass at the optimum becomes an arrow of full height."""
    if law.is_point_mass:
        ax.plot([0, 0], [0, 1], transform=ax.get_xaxis_transform(), clip_on=False, **style)
    else:
        ax.plot(grid, law.pdf(grid), **style)


panels = [
    ("Pauli word", 4),
    ("Pauli word", 10),
    ("Pauli word", 18),
    ("projector, rank 4", 3),
    ("projector, rank 4", 5),
    ("projector, rank 4", 10),
]
fig, axes = plt.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
for ax, (name, p) in zip(axes.flat, panels):
    energy = ends[name, p]
    found, every, with_m, with_r = laws(name, p)
    top = 0.3 if found.is_point_mass else 1.25 * max(energy.max(), float(every.ppf(0.98)))
    bins = numpy.linspace(0, top, 16)
    ax.hist(energy, bins=bins, density=True, color=ORANGE, alpha=0.6, label=f"found, {INSTANCES} circuits")
    grid = numpy.linspace(0, top, 400)[1:]
    curve(ax, found, grid, color=BLUE, lw=2.5, label="this size, found minima")
    curve(ax, every, grid, color=BLUE, lw=1.5, ls=":", label="this size, all minima")
    curve(ax, with_m, grid, color=RED, lw=1.5, ls="--", label="published, K = βm")
    curve(ax, with_r, grid, color=PURPLE, lw=1.5, ls="-.", label="published, K = βr")
    ax.set_xlim(-0.02 * top, top)
    tallest = numpy.histogram(energy, bins=bins, density=True)[0].max()
    ax.set_ylim(0, 1.15 * max(tallest, found.pdf(grid).max(), every.pdf(grid).max()))
    ax.set_title(f"{name}: p = {p}, p/p* = {p / star[name]:.2f}", fontsize="medium")
for ax in axes[1]:
    ax.set_xlabel("E (0 optimum, 1 random state)")
for ax in axes[:, 0]:
    ax.set_ylabel("probability density")
_ = fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)

# %% [markdown]
# Above $p^*$ (right) the exact law is a point mass at $E = 0$, drawn as a bar. In numbers, with a
# Kolmogorov–Smirnov test of the found minima against the law; one minimum per circuit, so that the sample is
# independent.

# %%
for name, p in panels:
    energy = ends[name, p]
    found, every, with_m, with_r = laws(name, p)
    error = energy.std(ddof=1) / numpy.sqrt(INSTANCES)
    if found.is_point_mass:
        near = numpy.mean(energy < 0.01)
        print(f"{name:18} p = {p:2d}  found {energy.mean():.4f}, predicted optimal: {near:.0%} lie at E < 0.01")
        assert near > 0.9
        continue
    pvalue = kstest(energy, found.cdf).pvalue
    print(
        f"{name:18} p = {p:2d}  found {energy.mean():.3f} ± {error:.3f}, predicted {found.mean():.3f} "
        f"(all minima {every.mean():.3f}, published {with_m.mean():.3f} or {with_r.mean():.3f}), KS p = {pvalue:.2f}"
    )
    assert pvalue > 1e-3
    assert abs(energy.mean() - found.mean()) < 4 * error

# %% [markdown]
# ## The transition
# The fraction of descents that reach the optimum, against $p/p^*$. Two tolerances, because just below $p^*$ the
# minima are already close: "within 1%" turns earlier than "within $10^{-5}$". $p^*$ is the onset, not a
# guarantee. In its own units the published rule would put the Pauli word's transition at $30/16 = 1.9$.

# %%
fig, ax = plt.subplots(figsize=(8.6, 4), layout="constrained")
for (name, ps), colour, marker in zip(tried.items(), (BLUE, GREEN), "os"):
    ratio = numpy.array(ps) / star[name]
    for tolerance, style in ((1e-5, "-"), (1e-2, ":")):
        share = numpy.array([numpy.mean(ends[name, p] < tolerance) for p in ps])
        label = f"{name}, E < {tolerance:g}"
        ax.plot(ratio, share, marker + style, color=colour, label=label, mfc=colour if style == "-" else "white")
        if tolerance == 1e-5:
            assert share[ratio < 0.8].max() <= 0.25  # below: hardly any
            assert share[ratio > 1.1].min() >= 0.85  # above: nearly all
ax.axvline(1, color=GREY, lw=1, label="exact p*")
ax.axvline(30 / 16, color=RED, lw=1, ls="--", label="published p*, Pauli word")
ax.set_xlabel("p / p*")
ax.set_ylabel(f"fraction of {INSTANCES} descents")
_ = fig.legend(loc="outside right upper", frameon=False, fontsize="small")

# %% [markdown]
# ## How many traps?
# The Kac–Rice integral counts: it gives the expected *number* of local minima of a circuit. `pw.find_minima` says
# which starts ended in the same minimum, so the number can be measured too, by starting often enough.

# %%
p = 4
values, counts = spectrum["Pauli word"]
law = pw.minima.minima_law(values, counts, p, beta=2, seed=1, n_samples=8192)
number = []
for seed in range(5 if FAST else 20):
    found = pw.find_minima(random_circuit(p, seed, observables["Pauli word"]), starts=80, seed=1, progress=False)(
        shape_of(p)
    )
    number.append(len(found.distinct))
error = numpy.std(number, ddof=1) / numpy.sqrt(len(number))
print(
    f"distinct minima per circuit at p = {p}: {numpy.mean(number):.2f} ± {error:.2f}, "
    f"predicted {law.expected_number:.2f}"
)
assert abs(numpy.mean(number) - law.expected_number) < 4 * error + 0.2

for p in (8, 12):
    law = pw.minima.minima_law(values, counts, p, beta=2, seed=1, n_samples=4096)
    print(f"at p = {p}: 2^{law.log2_expected_number:.1f}")

# %% [markdown]
# ## The limit of large size
# As size grows at fixed $\gamma = p/p^*$, the minima of the published law concentrate at one energy
# $E^*(\gamma)$, where the left edge of the free convolution of a Marchenko–Pastur law with a semicircle equals
# $E$ (asymptotic). The approach is slow: at 16 degrees of freedom minima lie well above it, and the exact law
# says by how much.

# %%
gammas = numpy.linspace(0.02, 0.98, 49)
limit = numpy.array([pw.minima.concentration_energy(g) for g in gammas])
fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
ax.plot(gammas, limit, color="black", lw=2, label="E*(γ), size → ∞")
for rank, colour, marker in ((4, GREEN, "s"), (16, ORANGE, "^"), (64, RED, "D")):
    at = [g for g in (0.125, 0.25, 0.5, 0.75) if 2 * rank * g <= (24 if FAST else 48)]
    if not at:
        continue
    finite = [
        pw.minima.minima_law([0, 1], [15 * rank, rank], round(2 * rank * g), beta=2, seed=1, n_samples=4096) for g in at
    ]
    finite = [law.in_units_of_E() for law in finite]
    ax.errorbar(
        at,
        [law.mean() for law in finite],
        yerr=[law.std() for law in finite],
        fmt=marker,
        color=colour,
        capsize=3,
        label=f"exact, projector of rank {rank} (mean ± spread)",
    )
    assert all(law.mean() > pw.minima.concentration_energy(g) for law, g in zip(finite, at))
name = "projector, rank 4"
measured = [(p / star[name], ends[name, p]) for p in tried[name] if p < star[name]]
ax.plot(
    [g for g, _ in measured],
    [energy.mean() for _, energy in measured],
    "x",
    color=BLUE,
    ms=9,
    mew=2,
    label="found at rank 4 (descents)",
)
ax.set_xlabel("γ = p / p*")
ax.set_ylabel("E at local minima (0 optimum, 1 random state)")
_ = ax.legend(frameon=False, fontsize="small")
assert abs(pw.minima.concentration_energy(0.25) - 0.1362) < 1e-4

# %% [markdown]
# ## On your own QNode
# `pw.predict(qnode)(*args)` has it all: `.n_independent` (the rank of the quantum Fisher information of the
# live parameters, which is what $p$ means: redundant and dead ones do not count), `.transition`, `.gamma`, `.minima`
# (all) and `.minima_found` (descents). `pw.compare` holds it against found minima. Here a layered real circuit above
# its transition:


# %%
def layered(n, observable):
    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        for layer in weights:
            for q in range(n):
                qml.RY(layer[q], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        return qml.expval(observable)

    return circuit


qnode, weights = layered(4, qml.Z(0)), np.zeros((4, 4), requires_grad=True)
pred = pw.predict(qnode)(weights)
found = pw.find_minima(qnode, starts=INSTANCES, hessian=False, progress=False)(weights)
print(
    f"{pred.signature.algebra.name}: {pred.n_params} parameters, {pred.n_independent} independent, "
    f"p* = {pred.transition}, γ = {pred.gamma:.2f}"
)
print(pw.compare(pred, found))
assert pred.n_independent == 15 and pred.transition == 8
assert pw.compare(pred, found).agrees

# %% [markdown]
# ## Two cautions
# **One circuit is one draw.** The laws are averages over random circuits. Below the transition a single small
# circuit has its own few minima, and many descents in it are not independent samples of the law: `pw.compare` counts
# descents into the same loss once, and says so where too few distinct ones are left.

# %%
for seed in (0, 1, 2):
    found = pw.find_minima(
        random_circuit(8, seed, observables["Pauli word"]), starts=INSTANCES, hessian=False, progress=False
    )(shape_of(8))
    print(f"circuit {seed}: mean E {1 + found.losses.mean():.3f}, distinct minima {len(found.distinct)}")
law = laws("Pauli word", 8)[0]
print(f"law over circuits: mean E {law.mean():.3f} ± {law.std():.3f} (spread)")

# %% [markdown]
# **A layered ansatz is not a random circuit.** The law assumes that generic gates stand between the trainable
# ones. A shallow ansatz that contains a good product state does better. Below, five layers for an Ising
# Hamiltonian: descents end clearly *below* the predicted band. Read the prediction as what a generic circuit with
# so many parameters would do.

# %%
ising = qml.sum(*[-qml.Z(q) @ qml.Z((q + 1) % 6) for q in range(6)], *[-qml.X(q) for q in range(6)])
qnode, weights = layered(6, ising), np.zeros((5, 6), requires_grad=True)
pred = pw.predict(qnode)(weights)
found = pw.find_minima(qnode, starts=8 if FAST else 20, hessian=False, progress=False)(weights)
law = pred.minima_found
print(
    f"p = {pred.n_independent}, p* = {pred.transition}: generic circuit {law.mean():.2f} "
    f"[{float(law.ppf(0.05)):.2f}, {float(law.ppf(0.95)):.2f}], this ansatz {found.losses.mean():.2f}, "
    f"optimum {law.ground:.2f}"
)
assert pred.gamma < 1
assert found.losses.mean() < law.ppf(0.05)
