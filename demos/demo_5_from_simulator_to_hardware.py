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
# # From simulator to hardware
#
# A prediction costs nothing; shots on a machine do. This notebook takes one circuit from its predicted
# laws to a noisy machine, and asks in that order:
#
# 1. What do the laws say, with shot noise in them?
# 2. What would the measurement cost? (`pw.quote`, before anything runs)
# 3. How are a fixed number of shots spent best? (`budget=`)
# 4. What if the job dies half-way? (`store=`: nothing measured is ever lost or paid twice)
# 5. Does the machine follow the law? If not, is it the theory or the noise?
# 6. How many degrees of freedom does the *experiment* show?
#
# The machine is `FakeManilaV2`, the noise model of a five-qubit IBM device, if the plugin
# `pennylane-qiskit` and `qiskit-ibm-runtime` are installed. If not, a simulator with depolarizing noise stands in.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy
import pennylane as qml
from pennylane import numpy as np

import pennylane_wishart as pw

FAST = os.environ.get("WISHART_DEMO_FAST") == "1"
SAMPLES = 60 if FAST else 300  # angle sets on the machine
SHOTS = 1000
n = 3


@qml.qnode(qml.device("lightning.qubit", wires=n))
def circuit(weights):
    qml.StronglyEntanglingLayers(weights, range(n))
    return qml.expval(qml.Z(0))


weights = np.array(numpy.random.default_rng(0).uniform(0, 2 * np.pi, (3, n, 3)), requires_grad=True)
pred = pw.predict(circuit)(weights)
print(pred)
assert pred.is_deep

# %% [markdown]
# ## The law that shots will show
# With $S$ shots an expectation value $\ell$ of a Pauli word is known up to a variance $(1-\ell^2)/S$. The law of
# what a machine prints is the law of $\ell$ convolved with that noise: `law.with_shots`. With 1,000 shots the loss
# of this circuit is hardly blurred; its gradients, by the two-term shift rule, are blurred by
# $\tfrac14(\sigma_+^2+\sigma_-^2)/S$ each.

# %%
noisy_law = pred.loss.with_shots(SHOTS, lambda loss: 1 - loss**2)
print(f"standard deviation of the loss: {pred.loss.std():.4f} exact, {noisy_law.std():.4f} with {SHOTS} shots")
assert pred.loss.std() < noisy_law.std() < 1.01 * pred.loss.std()

# %% [markdown]
# ## The price, before anything runs
# `quote` sends the circuits through the device's own preprocessing and counts. A full gradient by parameter
# shift needs two circuits for every gate, and a loss one.

# %%
everything = pw.quote(circuit, samples=SAMPLES, shots=SHOTS)(weights)
print(everything)
deep = numpy.flatnonzero(pred.deep_parameters)  # those that the deep-limit law is valid for
one = [int(deep[0])]
one_each = pw.quote(circuit, samples=SAMPLES, shots=SHOTS, parameters=one)(weights)
print(one_each)
gates = 3 * n * 3
assert everything.circuits == SAMPLES * (1 + 2 * gates)
assert one_each.circuits == SAMPLES * 3

# %% [markdown]
# One component per angle set is what a test of the law needs: components of one angle set are dependent, so the
# other 26 would mostly repeat what the first one said. (`parameters=1` draws a random one for every angle set.)
#
# ## The best use of a budget
# Many angle sets with few shots, or few with many? The variance of the gradient over angles is what decides
# whether there is a plateau, and its estimate has two sources of error: too few angle sets, and shot noise
# that must be subtracted. `budget=` in shots is split so that the estimate is sharpest.

# %%
split = pw.quote(circuit, budget=600_000, parameters=one)(weights)
print(split)
assert split.shots <= 600_000

# %% [markdown]
# ## The machine
# Anything that PennyLane calls a device will do: a name, an instance, or a function that makes one. Below is
# also how to dress a simulator in a noise model of your own.


# %%
def two_qubit_noise(op, **_):
    for wire in op.wires:
        qml.DepolarizingChannel(0.03, wires=wire)


model = qml.NoiseModel({qml.noise.op_in([qml.CNOT, qml.CZ]): two_qubit_noise})


class StandIn(qml.devices.DefaultMixed):
    """A density-matrix simulator with two-qubit depolarizing noise."""

    @property
    def name(self):
        return "noisy.stand_in"

    def preprocess(self, execution_config=None):
        program, config = super().preprocess(execution_config)
        program.add_transform(qml.noise.add_noise, noise_model=model)
        return program, config


def make_machine():
    try:
        from qiskit_ibm_runtime.fake_provider import FakeManilaV2

        return qml.device("qiskit.remote", wires=n, backend=FakeManilaV2(), simulator={"seed_simulator": 7})
    except Exception:  # the plugin is not here, or not this version of it
        return StandIn(wires=n, seed=7)


machine = make_machine()
print("measuring on", machine.name)

# %% [markdown]
# ## A run that dies, and its resumption
# Every sample goes into an SQLite journal before the next one is paid for. Here the machine stops answering after
# forty circuits. The exception carries what was measured, and the same call with the same `store=` pays
# only for what is missing. Before the first job, `measure` also prepares one qubit and measures $X$, $Y$ and
# $Z$ on it: a device that measures wrongly is refused before it is blamed on the theory. After the last
# sample, and at intervals in a long run, it does so again.


# %%
class Metered:
    """Count the circuits that reach a device, and fail from one of them on."""

    def __init__(self, device, fails_at=None):
        self.circuits, self._run, self._fails_at = 0, device.execute, fails_at
        device.execute = self.execute
        self.device = device

    def execute(self, circuits, execution_config=None):
        several = isinstance(circuits, (tuple, list))
        if self._fails_at is not None and self.circuits + (len(circuits) if several else 1) > self._fails_at:
            raise ConnectionError("the machine does not answer")
        self.circuits += len(circuits) if several else 1
        return self._run(circuits) if execution_config is None else self._run(circuits, execution_config)


folder = tempfile.TemporaryDirectory()
journal = Path(folder.name) / "run.sqlite"
few = {"samples": 30, "shots": SHOTS, "parameters": 0, "store": journal, "retries": 0, "progress": False}

breaking = Metered(make_machine(), fails_at=20)
try:
    pw.measure(circuit, device=breaking.device, **few)(weights)
    broken = None
except pw.errors.MeasurementInterrupted as error:
    broken = error
    print(error)
assert broken is not None and 0 < broken.partial.samples < 30

mended = Metered(make_machine())
resumed = pw.measure(circuit, device=mended.device, **few)(weights)
print(f"circuits paid: {breaking.circuits} before the failure, {mended.circuits} after, of them 9 device checks")
assert resumed.samples == 30
assert breaking.circuits + mended.circuits == 30 + 3 + 3 + 3
assert numpy.array_equal(resumed.losses[: broken.partial.samples], broken.partial.losses)

# %% [markdown]
# ## Does the machine follow the law?
# First the same plan on an ideal simulator with shots: the law must hold there. Then the machine. Noise that
# depolarizes shrinks losses and gradients towards their mean by a common factor, so it shows as a variance ratio below
# one. That is a statement about the machine, and the package reports it as such.

# %%
plan = {"samples": SAMPLES, "shots": SHOTS, "parameters": one, "seed": 11, "progress": False}
ideal = pw.measure(circuit, **plan)(weights)
real = pw.measure(circuit, device=machine, **plan)(weights)
print("ideal simulator with shots\n", pw.compare(pred, ideal), sep="")
print("\nmachine\n", pw.compare(pred, real), sep="")

same_angles = numpy.array_equal(ideal.angles, real.angles)  # a seed means the same angles on every device
assert same_angles
verdict = pw.compare(pred, ideal)
assert verdict.agrees and verdict.loss.agrees  # a law that the circuit's own sample does not bear out is not tested

# %% [markdown]
# Both devices saw the same angles, so the contraction can be read off sample by sample.

# %%
kept = float(ideal.losses @ real.losses / (ideal.losses @ ideal.losses))
print(f"the machine keeps {kept:.0%} of the signal; a variance is multiplied by {kept**2:.2f}")
assert 0.3 < kept < 0.98

grid = numpy.linspace(-1.05, 1.05, 400)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
left.plot(grid, noisy_law.pdf(grid), color="#0072B2", label="predicted, with shot noise")
left.hist(ideal.losses, bins=25, density=True, alpha=0.45, color="#56B4E9", label="ideal simulator")
left.hist(real.losses, bins=25, density=True, histtype="step", color="#D55E00", label=machine.name)
left.set(xlabel="loss $\\langle Z_0\\rangle$", ylabel="probability density")
left.legend(fontsize=8)
right.plot([-1, 1], [-1, 1], color="0.6", lw=1)
right.plot(ideal.losses, real.losses, ".", ms=4, color="#D55E00")
right.plot([-1, 1], [-kept, kept], color="#009E73", lw=1, label=f"slope {kept:.2f}")
right.set(xlabel="loss on the ideal simulator", ylabel=f"loss on {machine.name}")
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## Degrees of freedom from experiment
# The Wishart law of this circuit has one number in it, its degrees of freedom $m$ (arXiv:2408.11901; here at
# finite dimension, $1/m = 1/r - 1/N$). It can be read from measured losses alone, shot noise subtracted:
# $\hat m = \frac{2}{\beta}\,\overline{(\ell-\ell^*)}^{\,2}/\mathrm{var}(\ell)\cdot\frac{N}{N+2/\beta}$.
# On a noisy machine the losses are contracted, their variance is too small, and $\hat m$ comes out too large by about
# $1/$contraction$^2$: fewer effective directions are not what noise makes.

# %%
(sector,) = pred.signature.sectors
many = pw.measure(circuit, samples=1000 if FAST else 5000, shots=SHOTS, parameters=0, seed=5, progress=False)(weights)
for name, data in (("ideal simulator", many), (machine.name, real)):
    found = data.degrees_of_freedom(sector.dim, sector.beta, sector.ground)
    low, high = found.dof_finite_interval
    print(f"{name:16s} m = {found.dof_finite:6.2f}  [{low:.2f}, {high:.2f}]   predicted {sector.dof_finite:.2f}")

found = many.degrees_of_freedom(sector.dim, sector.beta, sector.ground)
low, high = found.dof_finite_interval
assert low < 1.1 * sector.dof_finite and high > 0.9 * sector.dof_finite
noisy = real.degrees_of_freedom(sector.dim, sector.beta, sector.ground)
assert noisy.dof_finite > sector.dof_finite

folder.cleanup()
