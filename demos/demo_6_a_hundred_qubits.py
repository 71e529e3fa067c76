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
# # A hundred qubits on a laptop
#
# No state vector of a hundred qubits fits anywhere. Three things about a circuit of that size can be known all the
# same:
#
# 1. its **signature**: the Lie algebra of Pauli rotations is linear algebra over two-element vectors;
# 2. **every parameter's gradient variance**, by walking Pauli words backwards through the circuit;
# 3. **values, gradients and minima themselves**, if what the circuit makes of the observable stays in a small
#    space. That is what the device `wishart.lie` simulates in, and every PennyLane QNode can run on it.

# %%
import os
import time

import matplotlib.pyplot as plt
import numpy
import pennylane as qml
from pennylane import numpy as np

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
SAMPLES = 200 if FAST else 2000
STARTS = 2 if FAST else 8
n = 100
rng = numpy.random.default_rng(1)

# %% [markdown]
# ## Every variance of a circuit that nobody can simulate
# Layers of general one-qubit rotations and nearest-neighbour CZ gates, and $Z$ on the qubit in the middle. Averaged
# over the angles, a Pauli word that meets a rotation it does not commute with either stays or turns into its product
# with the generator. One set of such walks through the circuit gives the variance of every gradient component at once:
# $\mathbb{E}[(\partial_k\ell)^2]$ is the share of walks that were at a crossing at gate $k$ and that end in a word
# which the input state sees.


# %%
def brickwork(n_qubits):
    @qml.qnode(qml.device("default.qubit", wires=n_qubits))  # at n = 100 it is never run
    def circuit(weights):
        for number, layer in enumerate(weights):
            for q in range(n_qubits):
                qml.Rot(*layer[q], wires=q)
            for q in range(number % 2, n_qubits - 1, 2):
                qml.CZ(wires=[q, q + 1])
        return qml.expval(qml.Z(n_qubits // 2))

    return circuit


def random_weights(n_qubits, layers=6):
    return np.array(rng.uniform(0, 2 * np.pi, (layers, n_qubits, 3)), requires_grad=True)


start = time.perf_counter()
pred = pw.predict(brickwork(n))(random_weights(n))
variance = pred.gradient_variance.reshape(6, n, 3)
live = pred.n_params - len(pred.dead_parameters)
print(f"{pred.n_params} parameters, {live} of them alive, in {time.perf_counter() - start:.1f} s")
print("engine:", pred.engine["gradient_variance"])
assert 0 < live < 150

# %% [markdown]
# The dead ones are *proved* dead, not merely never hit: they lie outside the light cone of the observable, or act on
# an input that does not notice them.

# %%
reasons = sorted(set(pred.dead_reasons))
for reason in reasons:
    print(f"{pred.dead_reasons.count(reason):5d}  {reason}")

figure, axes = plt.subplots(figsize=(8, 2.6), constrained_layout=True)
largest = variance.max(axis=2)
seen = numpy.where(largest > 0, numpy.log2(numpy.where(largest > 0, largest, 1)), numpy.nan)
picture = axes.imshow(seen, aspect="auto", cmap="viridis", interpolation="nearest")
axes.set(xlabel="qubit", ylabel="layer", xlim=(35, 65), title="largest variance of each rotation (blank: dead)")
figure.colorbar(picture, label="$\\log_2$ Var[$\\partial\\ell$]")
plt.show()
assert numpy.isnan(seen[:, :30]).all()  # far from the observable everything is dead

# %% [markdown]
# ## What sizes 4 to 12 already tell
# `pw.scaling` asks the same of a family of sizes and fits the trend. With a fixed number of layers the light cone does
# not grow with the circuit, so there is no plateau; with three layers for every qubit there is one.

# %%
sizes = [4, 6, 8, 10, 12]
shallow = pw.scaling(brickwork, sizes=sizes, args=lambda k: (random_weights(k, 4),), progress=False)
deep = pw.scaling(brickwork, sizes=sizes, args=lambda k: (random_weights(k, 3 * k),), progress=False)
print("4 layers: ", shallow.verdict)
print("3n layers:", deep.verdict)
print(deep)
assert "exponential" not in shallow.verdict
assert "exponential" in deep.verdict

# %% [markdown]
# ## Running a hundred qubits
# The transverse-field Ising ansatz, rotations about $Z_iZ_{i+1}$ and $X_i$, generates $\mathfrak{so}(2n)$: free
# fermions. Its Lie algebra has dimension $n(2n-1)$ instead of $4^n-1$, and the Hamiltonian $H=-J\sum Z_iZ_{i+1}-h\sum
# X_i$ lies in it. Before anything runs, the signature says how large the space is that the device will work in.


# %%
J, h = 1.0, 1.5
hamiltonian = qml.Hamiltonian(
    [-J] * (n - 1) + [-h] * n,
    [qml.Z(i) @ qml.Z(i + 1) for i in range(n - 1)] + [qml.X(i) for i in range(n)],
)


@qml.qnode(qml.device("wishart.lie", wires=n))
def ising(weights):
    for q in range(n):
        qml.Hadamard(q)
    for couplings, fields in weights:
        for q in range(n - 1):
            qml.IsingZZ(couplings, wires=[q, q + 1])
        for q in range(n):
            qml.RX(fields, wires=q)
    return qml.expval(hamiltonian)


LAYERS = 4
weights = np.array(rng.uniform(0, 2 * np.pi, (LAYERS, 2)), requires_grad=True)
start = time.perf_counter()
value, gradient = ising(weights), qml.grad(ising)(weights)
print(f"⟨H⟩ = {value:.4f} and {gradient.size} gradients on {n} qubits: {time.perf_counter() - start:.2f} s")

# The same QNode on a state vector, where one fits, gives the same numbers.
step = 1e-4
shifted = weights.copy()
shifted[1, 0] += step
assert abs((ising(shifted) - value) / step - gradient[1, 0]) < 0.05 * max(1.0, abs(gradient[1, 0]))

# %% [markdown]
# ## Predicted and measured, on a hundred qubits
# Now with one parameter for every gate, and $X$ on the qubit in the middle as the loss. The variances are predicted
# without running the circuit, and then measured on the device.


# %%
@qml.qnode(qml.device("wishart.lie", wires=n))
def local(weights):
    for q in range(n):
        qml.Hadamard(q)
    for layer in weights:
        for q in range(n - 1):
            qml.IsingZZ(layer[q], wires=[q, q + 1])
        for q in range(n):
            qml.RX(layer[n - 1 + q], wires=q)
    return qml.expval(qml.X(n // 2))


many = np.array(rng.uniform(0, 2 * np.pi, (3, 2 * n - 1)), requires_grad=True)
pred = pw.predict(local)(many)
start = time.perf_counter()
data = pw.measure(local, samples=SAMPLES, progress=False)(many)
print(f"{SAMPLES} × {pred.n_params} gradients measured in {time.perf_counter() - start:.1f} s ({data.route})")
result = pw.compare(pred, data)
print(result)
assert result.variances.agrees
assert result.dead.agrees

measured = data.gradient_variance()
predicted = pred.gradient_variance
alive = predicted > 0
figure, axes = plt.subplots(figsize=(4.4, 3.8), constrained_layout=True)
axes.plot([1e-3, 1], [1e-3, 1], color="0.6", lw=1)
axes.errorbar(predicted[alive], measured.value[alive], yerr=2 * measured.error[alive], fmt=".", color="#0072B2")
axes.set(xscale="log", yscale="log", xlabel="predicted Var[$\\partial\\ell$]", ylabel="measured, 2 standard errors")
plt.show()

# %% [markdown]
# ## Training it
# The ground energy of the open chain is known from free fermions: half the sum of the excitation energies, which are
# twice the singular values of a bidiagonal matrix with the fields on its diagonal and the couplings beside it. How
# close do a few layers with shared angles come?

# %%
exact = -numpy.linalg.svd(numpy.diag([h] * n) + numpy.diag([J] * (n - 1), 1), compute_uv=False).sum()
start = time.perf_counter()
found = pw.find_minima(ising, starts=STARTS, seed=3, progress=False)(weights)
best = found.losses.min()
print(f"{STARTS} descents in {time.perf_counter() - start:.1f} s")
print("energies found:", numpy.round(numpy.sort(found.losses), 3))
print(f"best {best:.4f}, exact {exact:.4f}: {100 * (best - exact) / abs(exact):.2f}% above")
assert best > exact - 1e-6
assert (best - exact) / abs(exact) < 0.1

# %% [markdown]
# ## When it does not fit
# A circuit of general rotations reaches $4^n$ words. The device counts them before it starts, and says so.


# %%
@qml.qnode(qml.device("wishart.lie", wires=n))
def hopeless(angles):
    for _ in range(2 * n):
        for q in range(n):
            qml.RX(angles[0], wires=q)
            qml.RZ(angles[1], wires=q)
        for q in range(n - 1):
            qml.CNOT(wires=[q, q + 1])
    return qml.expval(qml.Z(0))


try:
    hopeless(np.array([0.1, 0.2], requires_grad=True))
    refused = False
except pw.errors.WishartError as error:
    refused = True
    print(error)
assert refused
