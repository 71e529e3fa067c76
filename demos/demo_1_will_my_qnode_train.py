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
# # Will my QNode train?
#
# You have a QNode and are about to train it. Before you do, ask three questions of it:
#
# 1. Which parameters can change the loss at all?
# 2. Are the gradients large enough for the shots you are ready to spend?
# 3. Does descent end near the optimum, or in poor local minima?
#
# `pw.diagnose` answers them from the circuit's Lie algebra, and checks its answers against gradients
# measured on a simulator. This notebook diagnoses a circuit, mends what it says, and trains it.

# %%
import os

import numpy
import pennylane as qml
from pennylane import numpy as np

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
SAMPLES = 100 if FAST else 1000

# %% [markdown]
# ## A circuit from the drawer
# Four qubits, layers of RZ–RY–RZ rotations and a CNOT ring; the loss is the expectation of $Z_0$.

# %%
n = 4


@pw.diagnosed
@qml.qnode(qml.device("lightning.qubit", wires=n))
def circuit(weights):
    qml.StronglyEntanglingLayers(weights, range(n))
    return qml.expval(qml.Z(0))


rng = numpy.random.default_rng(1)
weights = np.array(rng.uniform(0, 2 * np.pi, (1, n, 3)), requires_grad=True)
diag = pw.diagnose(circuit, samples=SAMPLES, progress=False)(weights)
print(diag)

# %% [markdown]
# Most parameters of a single layer are **dead**: their gradient is exactly zero, whatever the other
# parameters are. The report says why each one is. They would have been trained in vain.

# %%
dead = diag.prediction.dead_parameters
print(f"{len(dead)} of {diag.prediction.n_params} parameters are dead")
for k, reason in list(zip(dead, diag.prediction.dead_reasons))[:4]:
    print(f"  {k}: {reason}")
assert len(dead) > 0

# The claim is exact, so a simulator must agree to rounding error.
gradient = qml.grad(circuit)(weights).reshape(-1)
assert numpy.abs(gradient[list(dead)]).max() < 1e-10

# %% [markdown]
# ## More depth
# With four layers nearly every parameter is alive. The algebra is $\mathfrak{su}(16)$: in the deep
# limit the loss follows a known law, and the report compares it with what was measured.

# %%
deep = np.array(rng.uniform(0, 2 * np.pi, (4, n, 3)), requires_grad=True)
diag = pw.diagnose(circuit, samples=SAMPLES, progress=False)(deep)
print(diag.headline)
assert diag.signature.algebra.name == "su(16)"
assert diag.signature.in_theory
assert len(diag.prediction.dead_parameters) < len(dead) + 12

# %% [markdown]
# The variance of every gradient component, predicted at this depth and measured. No fit is involved.

# %%
measured = numpy.nanvar(diag.measurement.gradients, axis=0)
predicted = diag.prediction.gradient_variance
live = predicted > 0
ratio = numpy.median(measured[live] / predicted[live])
print(f"median of measured / predicted variance: {ratio:.3f}")
assert 0.6 < ratio < 1.6

# %%
axes = diag.plot()

# %% [markdown]
# ## Train it
# Gradients can be resolved, and the number of independent parameters is above the transition $p^*$, around
# which the poor minima of a generic circuit give way to the optimum, $-1$ for $Z_0$. That is an onset, not a
# guarantee: whether this circuit gets there is seen by descending.

# %%
print("independent parameters:", diag.prediction.n_independent, " transition p*:", diag.prediction.transition)
assert diag.prediction.gamma >= 1

found = pw.find_minima(circuit, starts=4 if FAST else 20, seed=3, progress=False)(deep)
print("losses at the end of descents:", numpy.round(numpy.sort(found.losses), 4))
assert numpy.median(found.losses) < -0.98

# %% [markdown]
# ## Check before every training run
# `preflight` asks the same questions once, at the first call with new shapes, and warns or raises before
# anything is spent.


# %%
@pw.preflight(on_fail="raise")
@qml.qnode(qml.device("lightning.qubit", wires=2))
def hopeless(x):
    qml.RZ(x, 0)
    return qml.expval(qml.Z(0))


try:
    hopeless(np.array(0.3, requires_grad=True))
    raised = False
except pw.errors.UntrainableError as error:
    raised = True
    print(error)
assert raised
