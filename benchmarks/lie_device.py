"""The device wishart.lie: equality, speed, laws beyond statevectors, and refusals beside their goals.

    python benchmarks/lie_device.py             all items
    python benchmarks/lie_device.py --fast      fewer circuits, samples and sizes
    python benchmarks/lie_device.py --out FIG   also draw item 3 (.png, .svg or .pdf)

1  200 random circuits, n <= 8, against default.qubit in autograd, jax and torch
2  all gradients of the TFIM ansatz: 100 qubits and 10 layers, 500 qubits and 4 layers, full Hamiltonians;
   the same QNode on lightning.qubit at 20 qubits
3  gradients of TFIM at 10 to 200 qubits against the prediction: law where the circuit is deep, variances anywhere
4  bad input: how quickly it is refused

Times are processor seconds of the whole call of qml.grad, PennyLane's own work included. Pin one thread:
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from scipy import stats

import pennylane_wishart as pw

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
FAILED: list[str] = []
BATCH = 100
SEEN = 1e-5
"""Smallest variance that is drawn."""


def line(label: str, value: float, goal: float, unit: str = "", at_least: bool = False) -> None:
    """Print one figure beside its goal."""
    met = value >= goal if at_least else value <= goal
    sign, word = ">=" if at_least else "<=", "met" if met else "NOT MET"
    print(f"  {label:<66} {value:10.3g} {unit:<3} goal {sign} {goal:<8g} {word}")
    if not met:
        FAILED.append(label)


def ising(n: int, layers: int, observable, device="wishart.lie", **options) -> qml.QNode:
    """TFIM ansatz: IsingZZ on the chain, RX on all sites, every gate with its own angle."""

    @qml.qnode(qml.device(device, wires=n), **options)
    def circuit(x):
        for layer in range(layers):
            for i in range(n - 1):
                qml.IsingZZ(x[layer, i], [i, i + 1])
            for i in range(n):
                qml.RX(x[layer, n - 1 + i], i)
        return qml.expval(observable)

    return circuit


def hamiltonian(n: int):
    """The transverse-field Ising Hamiltonian."""
    terms = [qml.Z(i) @ qml.Z(i + 1) for i in range(n - 1)] + [qml.X(i) for i in range(n)]
    return qml.Hamiltonian([1.0] * len(terms), terms)


def seconds(run) -> float:
    """Processor time of a call."""
    start = time.process_time()
    run()
    return time.process_time() - start


# ---------------------------------------------------------------------- 1
def _jacobian(interface: str, qnode, angles: np.ndarray) -> np.ndarray:
    if interface == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
        return np.asarray(jax.jacrev(qnode)(jax.numpy.array(angles)))
    if interface == "torch":
        import torch

        return np.asarray(torch.autograd.functional.jacobian(qnode, torch.tensor(angles)))
    return np.asarray(qml.jacobian(qnode)(pnp.array(angles, requires_grad=True)))


def equality(fast: bool) -> None:
    """Values and gradients of random circuits."""
    from references.lie import drawn

    print("1  random circuits against default.qubit, largest error")
    count = 10 if fast else 200
    interfaces = ["autograd", *(i for i in ("jax", "torch") if importlib.util.find_spec(i))]
    worst: dict[tuple[str, str], float] = {}
    values = 0.0
    for case in drawn(count, 7):

        def stacked(function, device, n=case.n):
            qnode = qml.QNode(function, qml.device(device, wires=n), diff_method="best")
            return lambda x: qml.math.stack(qnode(x))

        ours, oracle = stacked(case.function, "wishart.lie"), stacked(case.plain, "default.qubit")
        values = max(values, float(np.abs(ours(case.angles) - oracle(case.angles)).max()))
        expected = _jacobian("autograd", oracle, case.angles)
        for interface in interfaces:
            gap = float(np.abs(_jacobian(interface, ours, case.angles) - expected).max())
            worst[interface, case.family] = max(worst.get((interface, case.family), 0.0), gap)
    line(f"values, {count} circuits", values, 1e-10)
    for interface in interfaces:
        for family in sorted({f for _, f in worst}):
            line(f"gradients, {interface}, {family}", worst[interface, family], 1e-10)
    for missing in {"jax", "torch"} - set(interfaces):
        print(f"  {missing} is not installed: not compared")


# ---------------------------------------------------------------------- 2
def speed(fast: bool) -> None:
    """All gradients of one observable."""
    print("2  qml.grad of the TFIM ansatz, first call (module enumerated) and later calls")
    rng = np.random.default_rng(3)
    cases = [
        (100, 10, "X", qml.X(50), 5.0),
        (100, 10, "full Hamiltonian", hamiltonian(100), 5.0),
        (50, 10, "full Hamiltonian", hamiltonian(50), 5.0),
        (500, 4, "X", qml.X(250), 60.0),
        (500, 4, "full Hamiltonian", hamiltonian(500), 60.0),
    ]
    for n, layers, name, observable, goal in cases[: 3 if fast else None]:
        circuit = ising(n, layers, observable)
        x = pnp.array(rng.uniform(0, 6, (layers, 2 * n - 1)), requires_grad=True)
        label = f"{n} qubits, {layers} layers, {x.size} gradients, {name}"
        line(f"{label}: first", seconds(lambda: qml.grad(circuit)(x)), goal, "s")  # noqa: B023
        line(f"{label}: later", seconds(lambda: qml.grad(circuit)(x)), goal, "s")  # noqa: B023
    n, layers = (18, 4) if fast else (20, 4)
    x = pnp.array(rng.uniform(0, 6, (layers, 2 * n - 1)), requires_grad=True)
    ours = ising(n, layers, hamiltonian(n))
    theirs = ising(n, layers, hamiltonian(n), "lightning.qubit", diff_method="adjoint")
    first = seconds(lambda: qml.grad(ours)(x))
    later = min(seconds(lambda: qml.grad(ours)(x)) for _ in range(3))
    peer = seconds(lambda: qml.grad(theirs)(x))
    gap = float(np.abs(qml.grad(ours)(x) - qml.grad(theirs)(x)).max())
    line(f"{n} qubits, {layers} layers, full Hamiltonian: error against lightning.qubit", gap, 1e-10)
    line(f"  lightning.qubit {peer:.3g} s, here {first:.3g} s at first: ratio", peer / first, 1.0, "", True)
    line(f"  lightning.qubit {peer:.3g} s, here {later:.3g} s later: ratio", peer / later, 1.0, "", True)


# ---------------------------------------------------------------------- 3
def deep_circuit(n: int) -> tuple[qml.QNode, int]:
    """The shallowest circuit of Z_0, doubling, that the package calls deep."""
    layers = 2 * n
    while True:
        circuit = ising(n, layers, qml.Z(0))
        prediction = pw.predict(circuit)(pnp.zeros((layers, 2 * n - 1), requires_grad=True))
        if prediction.is_deep and prediction.deep_parameters.any():
            return circuit, layers
        layers *= 2


def sampled(circuit: qml.QNode, shape: tuple, samples: int, seed: int) -> np.ndarray:
    """Gradients ``(samples, n_params)`` at uniform angles, from batched tapes on the device."""
    rng, out = np.random.default_rng(seed), []
    for begin in range(0, samples, BATCH):
        tape = qml.tape.make_qscript(circuit.func)(rng.uniform(0, 2 * np.pi, (*shape, min(BATCH, samples - begin))))
        tape.trainable_params = range(int(np.prod(shape)))
        tapes, _ = circuit.device.preprocess_transforms()([tape])
        out.append(np.stack(circuit.device.execute_and_compute_derivatives(tapes)[1][0], axis=1))
    return np.concatenate(out)


def laws(fast: bool, out: str | None) -> None:
    """Gradient laws and variances against the prediction."""
    print("3  measured gradients of TFIM against pw.predict")
    drawn = []
    for n in (6,) if fast else (10, 20):
        circuit, layers = deep_circuit(n)
        samples = 300 if fast else 1000 if n == 10 else 300
        shape = (layers, 2 * n - 1)
        prediction = pw.predict(circuit)(pnp.zeros(shape, requires_grad=True))
        gradients = sampled(circuit, shape, samples, 11)
        deep = np.flatnonzero(prediction.deep_parameters)
        # one component of each angle set: components of one set depend on each other
        picked = np.random.default_rng(5).choice(deep, samples)
        values = gradients[np.arange(samples), picked]
        law = prediction.gradient_of(int(deep[0]))
        pvalue = stats.kstest(values, law.cdf).pvalue
        line(f"law, n = {n}, {layers} layers, Z_0, {samples} samples: KS p-value", pvalue, 0.001, "", True)
        drawn.append((n, layers, values, law))
    ratios = []
    for n, layers in ((10, 10), (20, 10)) if fast else ((10, 20), (20, 20), (50, 20), (100, 10), (200, 10)):
        circuit = ising(n, layers, qml.X(n // 2))
        shape, samples = (layers, 2 * n - 1), 100 if fast else 400
        predicted = pw.predict(circuit)(pnp.zeros(shape, requires_grad=True)).gradient_variance
        gradients = sampled(circuit, shape, samples, 13)
        live = predicted > 0
        # summed before dividing: ratios of single parameters that rarely move have no useful standard error
        each = np.sum(gradients**2, axis=1) / np.sum(predicted)
        pvalue = stats.ttest_1samp(each, 1.0).pvalue
        label = f"variances, n = {n}, {layers} layers, X, {live.sum()} live of {len(live)}"
        line(f"{label}: ratio {each.mean():.3f} +- {stats.sem(each):.3f}, p", pvalue, 0.001, "", True)
        dead = float(np.abs(gradients[:, ~live]).max(initial=0.0))
        line("  largest gradient of a parameter predicted dead", dead, 1e-12)
        ratios.append((n, layers, np.mean(gradients**2, axis=0), predicted))
    if out:
        draw(drawn, ratios, out)


def draw(laws_: list, variances: list, out: str) -> None:
    """Draw laws and per-parameter variances."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    for color, (n, layers, values, law) in zip(("C0", "C1", "C2"), laws_, strict=False):
        grid = np.linspace(-3.5 * law.std(), 3.5 * law.std(), 300)
        left.hist(values, bins=25, density=True, alpha=0.35, color=color)
        left.plot(grid, law.pdf(grid), color=color, label=f"n = {n}, {layers} layers")
    left.set(xlabel="gradient component", ylabel="density", title="Gradient law, $Z_0$: measured and predicted")
    left.legend(frameon=False)
    for n, layers, measured, predicted in variances:
        live = predicted > SEEN  # rarer events than that are not in the sample
        right.loglog(predicted[live], measured[live], ".", ms=3, label=f"n = {n}, {layers} layers")
    ends = np.array(right.get_xlim())
    right.loglog(ends, ends, color="0.4", lw=1)
    right.set(xlabel="predicted variance, this depth", ylabel="measured variance")
    right.set_title("Variance of every parameter, $X_{n/2}$")
    right.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(out, dpi=150)
    print(f"  figure: {out}")


# ---------------------------------------------------------------------- 4
def refusals(fast: bool) -> None:
    """Bad input is refused quickly, by an error that says what to do."""
    print("4  bad input: seconds until the error")
    n = 60

    def run(body, shots=None, **options):
        qnode = qml.QNode(body, qml.device("wishart.lie", wires=n, **options))
        return (qml.set_shots(qnode, shots) if shots else qnode)()

    def large():
        qml.StronglyEntanglingLayers(np.full((4, n, 3), 0.3), range(n))
        return qml.expval(qml.Z(0))

    def probabilities():
        qml.RX(0.3, 0)
        return qml.probs(wires=0)

    def mixed_words():
        qml.evolve(qml.X(0) + qml.Z(0), 0.3)
        return qml.expval(qml.Z(0))

    def no_decomposition():
        qml.BlockEncode(0.3, 0)
        return qml.expval(qml.Z(0))

    def measured():
        qml.measure(0)
        return qml.expval(qml.Z(0))

    cases = [
        ("module of 2^120 words at 60 qubits", large, "max_dim", {}),
        ("qml.probs", probabilities, "return qml.expval", {}),
        ("words that do not commute in one gate", mixed_words, "split it", {}),
        ("a gate that is neither Clifford nor a rotation", no_decomposition, "Write it in Pauli rotations", {}),
        ("a mid-circuit measurement", measured, "defer_measurements", {}),
        ("Majoranas asked for where there are none", large, "max_dim", {"engine": "majorana"}),
    ]
    for label, body, advice, options in cases:
        start, message = time.process_time(), "nothing was raised"
        try:
            run(body, **options)
        except Exception as error:
            message = str(error)
        line(label, time.process_time() - start, 1.0, "s")
        if advice not in message:
            FAILED.append(label)
            print(f"    NOT MET: the error does not say {advice!r}: {message}")


def main() -> int:
    """Run the items."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", type=int, help="1 to 4; all where none is given")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--out", help="file of the figure of item 3")
    options = parser.parse_args()
    items = {1: equality, 2: speed, 3: lambda fast: laws(fast, options.out), 4: refusals}
    for k in options.items or items:
        items[k](options.fast)
    print(f"\n{len(FAILED)} not met" + (": " + "; ".join(FAILED) if FAILED else ""))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
