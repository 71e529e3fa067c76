"""``pw.fit_noise``: readout errors and rates of gates, from calibration runs of a device.

Two circuits tell the readout (all wires in 0, all in 1), a dozen random ones the rates: all outcomes of all of
them are fitted together, so that a gate's error is not taken for the readout's.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray
from scipy import optimize, stats

from pennylane_wishart.circuit.channels import transfer_of
from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.errors import DeviceError, InputError

__all__ = ["FittedNoise", "Rate", "fit_noise"]

Floats = NDArray[np.float64]
Gate = tuple[str, float, tuple[int, ...]]
"""Name, angle, places of its wires."""


@dataclass(frozen=True)
class Rate:
    """A fitted probability with its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True, eq=False)
class FittedNoise:
    """What calibration runs of a device say of its noise; ``model`` is it as a ``qml.NoiseModel``."""

    wires: tuple[Any, ...]
    read_one: tuple[Rate, ...]
    """Per wire: probability that 0 is read as 1."""
    read_zero: tuple[Rate, ...]
    """Per wire: probability that 1 is read as 0."""
    depolarizing: tuple[Rate, Rate]
    """Of one-wire and of two-wire gates, on each of their wires: the p of ``qml.DepolarizingChannel``."""
    damping: tuple[Rate, Rate]
    """Likewise the γ of ``qml.AmplitudeDamping``."""
    chi_square: float
    """Of the fit over its degrees of freedom: about 1 where the model explains the runs."""
    pvalue: float
    """Probability of so large a χ² if the model holds; small: the device has noise of another kind."""
    circuits: int
    shots: int
    seed: int
    device: str = field(default="")

    @property
    def explains(self) -> bool:
        """Whether the model explains what was run, at 1%."""
        return self.pvalue > limits.FIT_LEVEL

    @property
    def model(self) -> qml.NoiseModel:
        """Channels behind every gate and before every expectation value.

        Readout errors of Pauli words stand in the basis that is measured; of other observables only the mean of
        the two directions is kept.
        """
        strengths = [(d.value, g.value) for d, g in zip(self.depolarizing, self.damping, strict=True)]

        def behind(op: Any, **_: Any) -> None:
            depolarizing, damping = strengths[len(op.wires) > 1]
            for wire in op.wires:
                qml.DepolarizingChannel(depolarizing, wire)
                qml.AmplitudeDamping(damping, wire)

        flips = {w: (a.value, b.value) for w, a, b in zip(self.wires, self.read_one, self.read_zero, strict=True)}

        def before(op: Any, **_: Any) -> None:
            for wire in op.wires:
                if wire in flips:
                    _readout(op.obs, wire, *flips[wire])

        gates = qml.BooleanFn(_is_noisy_gate)
        return qml.NoiseModel({gates: behind}, meas_map={qml.noise.meas_eq(qml.expval): before})

    def __str__(self) -> str:
        lines = [f"{self.device}: {self.circuits} circuits of {self.shots:,} shots, χ²/dof {self.chi_square:.2f}"]
        for wire, a, b in zip(self.wires, self.read_one, self.read_zero, strict=True):
            lines.append(f"  wire {wire}: 0 read as 1 {a}, 1 read as 0 {b}")
        for name, d, g in zip(("one-wire gates", "two-wire gates"), self.depolarizing, self.damping, strict=True):
            lines.append(f"  {name}: depolarising {d}, damping {g}")
        return "\n".join(lines)


def _is_noisy_gate(op: Any) -> bool:
    return bool(
        isinstance(op, qml.operation.Operation)
        and not isinstance(op, qml.operation.Channel)
        and op.name not in ("Identity", "Barrier", "GlobalPhase", "Snapshot")
        and len(op.wires) <= limits.FIT_GATE_WIRES
    )


def _readout(obs: Any, wire: Any, read_one: float, read_zero: float) -> None:
    """Queue the readout error of one wire, in the basis that the observable is measured in."""
    word = obs.pauli_rep if obs is not None else None
    letter = next(iter(word)).get(wire, "I") if word is not None and len(word) == 1 else None
    if letter is None:
        # the part that is the same in every basis
        qml.DepolarizingChannel(0.75 * (read_one + read_zero), wire)
        return
    turn = {"X": [qml.Hadamard], "Y": [qml.Hadamard, qml.S]}.get(letter, [])
    for gate in reversed(turn):
        qml.adjoint(gate)(wire)
    qml.ResetError(read_zero, read_one, wire)
    for gate in turn:
        gate(wire)


def fit_noise(device: Any, wires: Any, shots: int = limits.FIT_SHOTS, circuits: int = limits.FIT_CIRCUITS,
              seed: int = 7) -> FittedNoise:  # fmt: skip
    """Fit readout errors, depolarising and damping rates of a device from calibration runs.

    |0…0⟩, |1…1⟩ and ``circuits`` random circuits of RX, RY, RZ and CNOT on the wires, ``shots`` each: (circuits + 2)
    circuits are billed. Gates of one wire share their rates, and so do those of two. What depends on the pair of
    wires, on crosstalk or on idle time is not in this model: ``explains`` says whether it is missed. The circuits
    that are compared should be written in gates that the device runs: a compiler that merges or routes them changes
    what a rate is of.

    Args:
        device: a PennyLane device.
        wires: two to four of its wires, neighbours next to each other.
        shots: of each circuit.
        circuits: random ones beside the two of the readout.
        seed: of the random circuits.
    Returns:
        :class:`FittedNoise`; ``.model`` is for ``noise=`` of :func:`predict`.
    Raises:
        InputError: for too few or too many wires, or shots.
        DeviceError: if the device fails.
    Cost: circuits + 2 circuits; the fit takes seconds.
    Source: ours.
    Example:
        >>> import pennylane as qml
        >>> flip = qml.noise.partial_wires(qml.DepolarizingChannel, 0.05)
        >>> hidden = qml.NoiseModel({qml.noise.op_eq(qml.CNOT): lambda op, **_: [flip(w) for w in op.wires]})
        >>> device = qml.add_noise(qml.device("default.mixed", wires=2, seed=1), hidden)
        >>> found = fit_noise(device, [0, 1], shots=4000, circuits=6)
        >>> bool(found.depolarizing[1].low < 0.05 < found.depolarizing[1].high)
        True
    """
    wires = tuple(qml.wires.Wires(wires))
    if not 2 <= len(wires) <= limits.FIT_WIRES:
        raise InputError(f"fit_noise takes 2 to {limits.FIT_WIRES} wires at a time; got {len(wires)}: {wires}.")
    for name, value, least in (("shots", shots, limits.FIT_LEAST_SHOTS), ("circuits", circuits, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"{name} needs an integer of at least {least}; got {value!r}.")
    programs = _programs(len(wires), circuits, np.random.default_rng(seed))
    counts = _run(device, wires, programs, int(shots))
    return _fitted(device, wires, programs, counts, int(shots), seed)


def _programs(n: int, circuits: int, rng: np.random.Generator) -> list[list[Gate]]:
    """|0…0⟩, |1…1⟩, and random layers of rotations and CNOTs along the wires, of growing depth."""
    out: list[list[Gate]] = [[], [("RX", np.pi, (q,)) for q in range(n)]]
    for i in range(circuits):
        gates: list[Gate] = []
        for _ in range(limits.FIT_LEAST_LAYERS + limits.FIT_MORE_LAYERS * i // max(circuits - 1, 1)):
            gates += [(str(rng.choice(["RX", "RY", "RZ"])), float(rng.uniform(0, 2 * np.pi)), (q,))
                      for q in range(n) for _ in range(2)]  # fmt: skip
            gates += [("CNOT", 0.0, (q, q + 1)) for q in range(n - 1)]
        # back towards the poles, so that damping is told from depolarising
        out.append([*gates, *(("RY", float(rng.uniform(0, np.pi)), (q,)) for q in range(n))])
    return out


def _operation(gate: Gate, wires: Sequence[Any]) -> qml.operation.Operation:
    name, angle, places = gate
    own = [wires[q] for q in places]
    return qml.CNOT(own) if name == "CNOT" else getattr(qml, name)(angle, wires=own)


def _run(device: Any, wires: tuple[Any, ...], programs: list[list[Gate]], shots: int) -> Floats:
    """Return the relative counts of every outcome, ``(circuits, 2^n)``."""
    tapes = [
        qml.tape.QuantumScript([_operation(g, wires) for g in gates], [qml.probs(wires=wires)], shots=shots)
        for gates in programs
    ]
    try:
        return np.array([np.asarray(p, float).reshape(-1) for p in qml.execute(tapes, device, diff_method=None)])
    except Exception as err:  # plugins raise what they like
        raise DeviceError(f"The calibration circuits failed on {getattr(device, 'name', device)}: {err}") from err


# ------------------------------------------------------------------ the model
class _Model:
    """Probabilities of all outcomes at given rates: expectations of all words, a letter I, X, Z, Y an axis."""

    def __init__(self, programs: list[list[Gate]], n: int):
        self.n = n
        self.programs = [[(_unitary_map(gate), gate[2]) for gate in gates] for gates in programs]
        self.start = functools.reduce(np.multiply.outer, [np.array([1.0, 0.0, 1.0, 0.0])] * n)

    def __call__(self, rates: Floats) -> Floats:
        """Return ``(circuits, 2^n)``; rates are readout 0 → 1 and 1 → 0 of each wire, then (p, γ) a kind of gate."""
        n = self.n
        noise = [_noise_map(*rates[2 * n + 2 * kind : 2 * n + 2 * kind + 2]) for kind in (0, 1)]
        readout = [_readout_map(rates[q], rates[n + q]) for q in range(n)]
        out = np.empty((len(self.programs), 2**n))
        for row, program in enumerate(self.programs):
            state = self.start
            for unitary, places in program:
                state = _applied(unitary, state, places)
                for place in places:
                    state = _applied(noise[len(places) - 1], state, (place,))
            for q in range(n):
                state = _applied(readout[q], state, (q,))
            diagonal = state[np.ix_(*[[0, 2]] * n)]
            for axis in range(n):
                a, b = np.take(diagonal, 0, axis), np.take(diagonal, 1, axis)
                diagonal = np.stack([(a + b) / 2, (a - b) / 2], axis=axis)
            out[row] = diagonal.reshape(-1)
        return out


def _applied(transfer: Floats, state: Floats, places: tuple[int, ...]) -> Floats:
    """Carry expectations through a map, given by its adjoint's coefficients ``(letters before, letters after)``."""
    k = len(places)
    out = np.tensordot(transfer, state, axes=(range(k), places))
    return np.asarray(np.moveaxis(out, range(k), places))


def _unitary_map(gate: Gate) -> Floats:
    """The coefficients of a gate on its own wires, an axis of four letters a wire."""
    name, angle, places = gate
    k = len(places)
    matrix = qml.matrix(_operation((name, angle, tuple(range(k))), range(k)), wire_order=range(k))
    bits = transfer_of(np.asarray(matrix, complex)[None]).reshape((2,) * (4 * k))
    # a word's number has the z bits in front, the last qubit's first; a letter is x + 2z
    letters = [axis for q in range(k) for axis in (k - 1 - q, 2 * k - 1 - q)]
    return np.transpose(bits, [*letters, *(2 * k + axis for axis in letters)]).reshape((4,) * (2 * k))


def _noise_map(depolarizing: float, damping: float) -> Floats:
    """Depolarising, then amplitude damping, of one qubit."""
    left, root = 1 - 4 * depolarizing / 3, np.sqrt(1 - damping)
    out = np.diag([1.0, left * root, left * (1 - damping), left * root])
    out[0, 2] = damping
    return out


def _readout_map(read_one: float, read_zero: float) -> Floats:
    left = 1 - read_one - read_zero
    out = np.diag([1.0, left, left, left])
    out[0, 2] = read_zero - read_one
    return out


# ------------------------------------------------------------------ the fit
def _fitted(
    device: Any, wires: tuple[Any, ...], programs: list[list[Gate]], counts: Floats, shots: int, seed: int
) -> FittedNoise:
    n = len(wires)
    model = _Model(programs, n)
    readout = np.concatenate([_share(counts[0], n, 1), _share(counts[1], n, 0)])
    rates = np.concatenate([np.clip(readout, limits.FIT_LEAST, limits.FIT_MOST / 2), limits.FIT_START])
    bounds = (np.zeros(len(rates)), np.full(len(rates), limits.FIT_MOST))
    # weights of the fit before: those that moved with the rates would pull them
    for _ in range(limits.FIT_ROUNDS):
        scale = np.sqrt(np.maximum(model(rates), 1.0 / shots) / shots)
        found = optimize.least_squares(
            lambda x, scale=scale: ((counts - model(x)) / scale).reshape(-1), rates, bounds=bounds
        )
        rates = found.x
    spread = np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)))
    # a circuit's outcomes add up to 1: one of them is no news
    freedom = len(programs) * (2**n - 1) - len(rates)
    square = float(np.sum(found.fun**2))
    low, high = (np.clip(rates + side * levels.NORMAL_REACH * spread, 0, 1) for side in (-1, 1))
    fitted = [Rate(float(v), float(a), float(b)) for v, a, b in zip(rates, low, high, strict=True)]
    return FittedNoise(
        wires=wires,
        read_one=tuple(fitted[:n]),
        read_zero=tuple(fitted[n : 2 * n]),
        depolarizing=(fitted[2 * n], fitted[2 * n + 2]),
        damping=(fitted[2 * n + 1], fitted[2 * n + 3]),
        chi_square=square / freedom,
        pvalue=float(stats.chi2.sf(square, freedom)),
        circuits=len(programs),
        shots=shots,
        seed=seed,
        device=str(getattr(device, "name", device)),
    )


def _share(counts: Floats, n: int, bit: int) -> Floats:
    """Return the share of each wire's readings that are ``bit``."""
    cube = counts.reshape((2,) * n)
    return np.array([cube.sum(axis=tuple(a for a in range(n) if a != q))[bit] for q in range(n)])
