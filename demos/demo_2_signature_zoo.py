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
# # The signature zoo
#
# What the loss of a parameterised circuit looks like over random angles is decided by three things: the
# **dynamical Lie algebra** $\mathfrak{g}$ that its gates generate, the **observable**, and the **input**. The
# *Lie-algebraic signature* condenses them. Where the group acts on a sector of dimension $N$ as the whole of
# $SO(N)$, $SU(N)$ or $Sp(N/2)$, and the observable lies in the Jordan algebra that goes with it (real symmetric,
# complex Hermitian, quaternionic Hermitian: $\beta = 1, 2, 4$), the loss over random angles is a quadratic form
# of a $\beta$-Wishart matrix (Anschuetz, arXiv:2408.11901), and its law is known.
#
# This notebook walks through one small circuit of each kind, prints its signature, and lays the predicted law
# over measured losses. It ends with two circuits outside the theory, where the package says so, and with
# signatures at 1000 qubits.

# %%
import math
import os

import matplotlib.pyplot as plt
import numpy
import pennylane as qml
from pennylane import numpy as np

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
SAMPLES = 400 if FAST else 4000
BLUE, ORANGE, RED = "#0072b2", "#e69f00", "#d55e00"  # Okabe–Ito, told apart by every eye


def random_angles(seed, *shape):
    """Angles uniform on [0, 2π) that PennyLane differentiates."""
    return np.array(numpy.random.default_rng(seed).uniform(0, 2 * np.pi, shape), requires_grad=True)


# %% [markdown]
# ## Six circuits inside the theory
# **Unitary, $\beta = 2$.** Universal layers on 4 qubits: $\mathfrak{su}(16)$.


# %%
@qml.qnode(qml.device("lightning.qubit", wires=4))
def unitary(weights):
    qml.StronglyEntanglingLayers(weights, range(4))
    return qml.expval(qml.Z(0))


# %% [markdown]
# **Orthogonal, $\beta = 1$.** RY rotations and CNOTs are real matrices, so the group cannot leave the real
# states: $\mathfrak{so}(16)$. The same layers act on a complex input below; a real group sees only
# $\mathrm{Re}\,\rho$, which is *mixed*, and the law changes with it.


# %%
def real_layers(weights):
    for layer in weights:
        for q in range(4):
            qml.RY(layer[q], q)
        for q in range(4):
            qml.CNOT([q, (q + 1) % 4])


@qml.qnode(qml.device("lightning.qubit", wires=4))
def orthogonal(weights):
    real_layers(weights)
    return qml.expval(qml.Z(0))


def complex_input():
    for q in range(4):
        qml.Hadamard(q)
        qml.T(q)


@qml.qnode(qml.device("lightning.qubit", wires=4))
def orthogonal_complex_input(weights):
    complex_input()
    real_layers(weights)
    return qml.expval(qml.Z(0))


# %% [markdown]
# **Symplectic, $\beta = 4$.** Ten Pauli words that all preserve one antisymmetric form generate
# $\mathfrak{sp}(4)$, the quaternionic $4 \times 4$ matrices, on 3 qubits.

# %%
QUATERNIONIC = ["XII", "ZXI", "YIX", "ZZI", "XIZ", "IYI", "IIY", "IYX", "IZY", "XYY"]


@qml.qnode(qml.device("lightning.qubit", wires=3))
def symplectic(weights):
    for layer in weights:
        for word, angle in zip(QUATERNIONIC, layer):
            qml.PauliRot(angle, word, range(3))
    return qml.expval(qml.Z(1))


# %% [markdown]
# **Spin factor.** Fields and couplings of the transverse-field Ising chain are free fermions: the group is
# $Spin(8)$, and the observable $X_0$ is one of the eight Majorana operators it rotates. The loss is then one
# coordinate of a random point on the sphere $S^7$.


# %%
@qml.qnode(qml.device("lightning.qubit", wires=4))
def spin_factor(weights):
    for q in range(4):
        qml.Hadamard(q)
    for layer in weights:
        for q in range(4):
            qml.RZ(layer[q], q)
        for q in range(3):
            qml.IsingXX(layer[4 + q], [q, q + 1])
    return qml.expval(qml.X(0))


# %% [markdown]
# **Several sectors.** XY and ZZ couplings conserve the particle number. This input has weight ¼, ½, ¼ on one, two
# and three particles, and each of these sectors is turned by a special unitary group of its own; the loss is the
# weighted sum of three independent ones.


# %%
@qml.qnode(qml.device("lightning.qubit", wires=4))
def several_sectors(weights):
    qml.Hadamard(0)
    qml.X(1)
    qml.Hadamard(2)
    for layer in weights:
        for q in range(3):
            qml.IsingXY(layer[2 * q], [q, q + 1])
            qml.IsingZZ(layer[2 * q + 1], [q, q + 1])
        for q in range(4):
            qml.RZ(layer[6 + q], q)
    return qml.expval(qml.Z(0) @ qml.Z(1))


# %% [markdown]
# ## Their signatures
# $N$ is the dimension of a sector, $w$ the weight of the input in it. Two numbers count the degrees of freedom of
# the observable there:
#
# * $r = \mathrm{Tr}(O - \lambda_{\min})^2 / \mathrm{Tr}\,(O - \lambda_{\min})^2$, the published one
#   (arXiv:2408.11901), asymptotic in $N$;
# * $m$ with $1/m = 1/r - 1/N$, which makes the variance right at finite size. For a Pauli word $r = N/2$ but $m =
#   N$. (For $\beta = 4$ both are counted over the quaternions, with $N/2$ in place of $N$.)

# %%
zoo = {
    "unitary": (unitary, random_angles(0, 12, 4, 3)),
    "orthogonal": (orthogonal, random_angles(1, 20, 4)),
    "orthogonal, complex input": (orthogonal_complex_input, random_angles(2, 20, 4)),
    "symplectic": (symplectic, random_angles(3, 12, 10)),
    "spin factor": (spin_factor, random_angles(4, 40, 7)),
    "several sectors": (several_sectors, random_angles(5, 14, 10)),
}
signatures = {name: pw.signature(circuit)(weights) for name, (circuit, weights) in zoo.items()}


def table(signatures):
    print(f"{'circuit':26} {'algebra, simple part':22} {'dim':>4}  sectors that carry weight")
    for name, sig in signatures.items():
        simple = " ⊕ ".join(part for part in sig.algebra.name.split(" ⊕ ") if part != "u(1)")
        if sig.spin_factor is not None:
            rows = [f"Majoranas d={sig.spin_factor.d}, |a|={sig.spin_factor.amplitude:.3g}"]
        else:
            rows = [
                f"N={s.dim:<2} β={s.beta} w={s.weight:.2f} r={s.dof:.3g} m={s.dof_finite:.3g}"
                for s in sig.weighted_sectors
            ]
        print(f"{name:26} {simple:22} {sig.algebra.dim:>4}  {rows[0]}")
        for row in rows[1:]:
            print(" " * 55 + row)


table(signatures)

# %%
assert all(sig.in_theory for sig in signatures.values())
assert [sig.algebra.dim for sig in signatures.values()] == [255, 120, 120, 36, 28, 67]
assert [signatures[k].sectors[0].beta for k in ("orthogonal", "unitary", "symplectic")] == [1, 2, 4]
assert [signatures[k].sectors[0].dof_finite for k in ("orthogonal", "unitary", "symplectic")] == [16, 16, 4]
assert signatures["spin factor"].spin_factor.d == 8
assert sorted(s.dim for s in signatures["several sectors"].weighted_sectors) == [4, 4, 6]

# %% [markdown]
# ## Each law over its histogram
# `pw.predict` turns a signature into distributions, `pw.measure` runs the QNode at random angles. Nothing is
# fitted. The laws hold in the **deep limit**, when the circuit has covered its group; the circuits above are deep
# enough, which `pw.predict` checks by the exact variance at their own depth.

# %%
predictions = {name: pw.predict(circuit)(weights) for name, (circuit, weights) in zoo.items()}
measured = {
    name: pw.measure(circuit, samples=SAMPLES, seed=11, parameters=0, progress=False)(weights)
    for name, (circuit, weights) in zoo.items()
}  # parameters=0: losses only


def draw(ax, title, losses, law=None, x=None, density=None, label="predicted law"):
    """A histogram of losses, and a density over it."""
    ax.hist(
        losses,
        bins=numpy.linspace(-1, 1, 41),
        density=True,
        color=ORANGE,
        alpha=0.6,
        label=f"measured, n = {len(losses)}",
    )
    if law is not None:
        x = numpy.linspace(-0.995, 0.995, 400)
        density = law.pdf(x)
    if density is not None:
        ax.plot(x, density, color=BLUE, lw=2, label=label)
    ax.set_title(title, fontsize="medium")
    ax.set_xlim(-1, 1)


fig, axes = plt.subplots(2, 3, figsize=(11, 5.6), sharex=True, layout="constrained")
for ax, name in zip(axes.flat, zoo):
    draw(ax, name, measured[name].losses, predictions[name].loss)
for ax in axes[1]:
    ax.set_xlabel("loss (units of the observable)")
for ax in axes[:, 0]:
    ax.set_ylabel("probability density")
handles = axes[0, 0].get_legend_handles_labels()
_ = fig.legend(*handles, loc="outside upper right", ncols=2, frameon=False)

# %% [markdown]
# Eyes are forgiving; a test is not. `pw.compare` tests the whole law at a false-alarm rate of one in a thousand
# and gives the ratio of measured to predicted variance with its 95% interval.

# %%
for name in zoo:
    loss = pw.compare(predictions[name], measured[name]).loss
    low, high = loss.interval
    print(
        f"{name:26} var {predictions[name].loss.var():.4f}  measured/predicted {loss.ratio_of_variances:.3f} "
        f"[{low:.3f}, {high:.3f}]  p = {loss.pvalue:.2f}"
    )
    assert predictions[name].is_deep
    assert loss.agrees

# The variances in closed form (exact, deep limit): 2/(βm) · D/(D + 2/β) for a pure input, D = N (N/2 for β = 4).
for name, beta, m, dim in (("orthogonal", 1, 16, 16), ("unitary", 2, 16, 16), ("symplectic", 4, 4, 4)):
    assert numpy.isclose(predictions[name].loss.var(), 2 / (beta * m) * dim / (dim + 2 / beta))
assert numpy.isclose(predictions["spin factor"].loss.var(), 1 / 8)

# %% [markdown]
# ## The signature read off an experiment
# The relation can be turned round: mean and variance of measured losses give the degrees of freedom, on any
# device, where the algebra of the *real* machine is not known (arXiv:2408.11901; the finite-size correction is
# ours).

# %%
for name, true in (("unitary", 16), ("orthogonal", 16), ("symplectic", 4)):
    sector = signatures[name].sectors[0]
    found = measured[name].degrees_of_freedom(sector.field_dim, sector.beta, minimum=-1)
    low, high = found.dof_finite_interval
    print(f"{name:12} m = {found.dof_finite:5.2f}  [{low:.2f}, {high:.2f}]   from the algebra: {true}")
    assert abs(found.dof_finite / true - 1) < 4 * (high - low) / 3.92 / true

# %% [markdown]
# ## What is asymptotic
# `engine="asymptotic"` gives the law as published: $\ell - \lambda_{\min}$ is Gamma distributed with shape $\beta
# r/2$. It is meant for few degrees of freedom, $r \ll N$. A rank-one projector, $r = 1$, is such a case. A Pauli
# word never is: $r = N/2$ at every size, and the published variance is twice the true one. The default engine is
# exact at finite size (ours).


# %%
@qml.qnode(qml.device("lightning.qubit", wires=4))
def one_outcome(weights):
    qml.StronglyEntanglingLayers(weights, range(4))
    return qml.expval(qml.Projector([1, 0, 1, 0], wires=range(4)))


weights = zoo["unitary"][1]
projector_losses = pw.measure(one_outcome, samples=SAMPLES, seed=11, parameters=0, progress=False)(weights).losses
cases = {
    "Pauli word, r = N/2": (measured["unitary"].losses, unitary, (-1, 1)),
    "projector, r = 1": (projector_losses, one_outcome, (0, 0.5)),
}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
ratio = {}
for ax, (title, (losses, circuit, (low, high))) in zip(axes, cases.items()):
    exact = pw.predict(circuit)(weights).loss
    published = pw.predict(circuit, engine="asymptotic")(weights).loss
    ratio[title] = published.var() / exact.var()
    x = numpy.linspace(low, high, 400)[1:-1]
    ax.hist(losses, bins=40, range=(low, high), density=True, color=ORANGE, alpha=0.6, label="measured")
    ax.plot(x, exact.pdf(x), color=BLUE, lw=2, label="exact at this size")
    ax.plot(x, published.pdf(x), color=RED, lw=2, ls="--", label="published, asymptotic")
    ax.set_title(f"{title}: published variance × {ratio[title]:.2f}", fontsize="medium")
    ax.set_xlabel("loss (units of the observable)")
    ax.set_ylabel("probability density")
    ax.set_ylim(0, 1.45 * max(exact.pdf(x).max(), published.pdf(x).max()))
    ax.legend(frameon=False, fontsize="small")
# 2ō²/(βr) against the exact one: (m/r)(N + 1)/N, which is 17/8 here for the word and 1.13 for the projector.
assert numpy.isclose(ratio["Pauli word, r = N/2"], 17 / 8)
assert numpy.isclose(ratio["projector, r = 1"], (16 / 15) * 17 / 16)

# %% [markdown]
# ## Outside the theory
# Two ways to fall outside:
#
# * **A tensor product.** Without an entangler the group is $SU(2)^3$, which acts on $\mathbb{C}^8$ irreducibly
#   but not as the whole of $SU(8)$.
# * **An observable outside the Jordan algebra.** For the real circuit $Y_0$ is imaginary antisymmetric; it sits
#   in the Lie algebra itself, and its loss is no quadratic form of a Wishart matrix.


# %%
@qml.qnode(qml.device("lightning.qubit", wires=3))
def tensor_product(weights):
    for layer in weights:
        for q in range(3):
            qml.RX(layer[q, 0], q)
            qml.RZ(layer[q, 1], q)
    return qml.expval(qml.Z(0) @ qml.Z(1) @ qml.Z(2))


@qml.qnode(qml.device("lightning.qubit", wires=4))
def antisymmetric(weights):
    complex_input()
    real_layers(weights)
    return qml.expval(qml.Y(0))


outside = {
    "tensor product": (tensor_product, random_angles(6, 16, 3, 2)),
    "antisymmetric": (antisymmetric, random_angles(7, 20, 4)),
}
for name, (circuit, weights) in outside.items():
    sig = pw.signature(circuit)(weights)
    assert not sig.in_theory
    print(f"{name}: {sig.algebra.name}\n  {sig.reason}")

# %% [markdown]
# Asking for the law raises, with the reason, rather than returning the wrong curve. **Second moments need no
# Wishart theory**: the deep-limit variance is the mean square expectation value over the observable's orbit
# (Pauli words; in the Lie-algebraic form Ragone et al., arXiv:2309.09342, and Fontana et al., arXiv:2309.07902),
# and the variance at the circuit's own depth is exact too.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, (name, (circuit, weights)) in zip(axes, outside.items()):
    pred = pw.predict(circuit)(weights)
    try:
        _ = pred.loss
        raised = False
    except pw.errors.OutOfTheoryError:
        raised = True
    assert raised
    data = pw.measure(circuit, samples=SAMPLES, seed=11, parameters=0, progress=False)(weights)
    variance, error = data.loss_variance()
    print(
        f"{name}: variance {pred.moments.loss_variance:.5f} ({pred.moments.engine}), "
        f"measured {variance:.5f} ± {error:.5f}"
    )
    assert abs(variance - pred.moments.loss_variance) < 4 * error
    draw(ax, f"{name}: no Wishart law", data.losses)
    ax.set_xlabel("loss (units of the observable)")
    ax.set_ylabel("probability density")

# The tensor product is simple enough to do by hand: a product of three independent numbers, uniform on [−1, 1].
x = numpy.linspace(-0.99, 0.99, 400)
axes[0].plot(x, numpy.log(numpy.abs(x)) ** 2 / 4, color=BLUE, lw=2, label="product of 3 uniforms")
# What the formula for SU(8) would have given, had the signature not been checked: Beta, variance 1/9 for 1/27.
wrong = math.gamma(8) / math.gamma(4) ** 2 * ((1 + x) / 2) ** 3 * ((1 - x) / 2) ** 3 / 2
axes[0].plot(x, wrong, color=RED, ls="--", label="SU(8) law: wrong here")
axes[0].set_ylim(0, 6)
for ax in axes:
    ax.legend(frameon=False, fontsize="x-small", loc="upper right")

# %% [markdown]
# ## A thousand qubits
# A Lie algebra generated by Pauli words is an orbit of symplectic transvections over the field of two elements,
# and its type follows from linear algebra over that field (Aguilar et al., arXiv:2408.00081; the copies are
# counted from the generators' radical, ours). Nothing is enumerated, so size is no obstacle.

# %%
n = 1000


def word(letters, start):
    return "I" * start + letters + "I" * (n - start - len(letters))


fields = [word("Z", q) for q in range(n)]
couplings = [word("XX", q) for q in range(n - 1)]
free = pw.algebra.classify(fields + couplings)
broken = pw.algebra.classify(fields + couplings + [word("ZZ", 0)])
print(f"transverse-field Ising chain: {free.name}, dimension {free.dim:,}")
print(f"one more word, Z₀Z₁:          {broken.name}, dimension 2^{broken.log2_dim:.1f}")
assert free.name == "so(2000)" and free.dim == 2000 * 1999 // 2
assert broken.name == "su(2^999) ⊕ su(2^999)"

# %% [markdown]
# One interaction term takes the algebra from 2 million to $2^{1999}$ dimensions, and the loss variance from
# $1/2000$ to $2^{-1000}$: a barren plateau made by a single gate. The signature of the QNode says so without
# running it.


# %%
def ising_chain(interacting):
    @qml.qnode(qml.device("default.qubit"))
    def circuit(weights):
        for q in range(n):
            qml.Hadamard(q)
        for q in range(n):
            qml.RZ(weights[q], q)
        for q in range(n - 1):
            qml.IsingXX(weights[n + q], [q, q + 1])
        if interacting:
            qml.IsingZZ(weights[-1], [0, 1])
            return qml.expval(qml.Z(0))
        return qml.expval(qml.X(0))

    return circuit


small = pw.signature(ising_chain(False))(np.zeros(2 * n - 1, requires_grad=True))
large = pw.signature(ising_chain(True))(np.zeros(2 * n, requires_grad=True))
print(f"free:        {small.reason} Variance 1/{1 / small.spin_factor.variance:.0f}.")
# Pure input of weight w in each sector, Pauli word, SU(N): the sectors add w²/(N + 1), kept as a logarithm.
log2_variance = math.log2(sum(s.weight**2 for s in large.weighted_sectors)) - large.sectors[0].log2_dim
print(f"interacting: {large.reason}\n             log2 variance {log2_variance:.1f}")
assert small.in_theory and numpy.isclose(small.spin_factor.variance, 1 / 2000)
assert large.in_theory and numpy.isclose(log2_variance, -1000)

# %% [markdown]
# ## On your own QNode
# `pw.signature(qnode)(*args)` prints as a paragraph. Its sectors, algebra and module are attributes.

# %%
print(signatures["several sectors"])
