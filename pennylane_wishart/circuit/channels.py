"""Noise channels: PennyLane's operations → Pauli transfer matrices, placed among the rotations.

A channel needs no form of its own in the circuit: in the Heisenberg picture it is a linear map of the words
on its qubits, and fixed Clifford gates before it only change which words those are. This file is the only one
that knows PennyLane's channels.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pennylane as qml
from pennylane.operation import Operator

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliWords

__all__ = ["Channel", "LocalChannel", "MachineNoise", "channel_of", "is_channel", "local_channel", "readout_channel"]

_ANTICOMMUTES = {"X": "Z", "Y": "Z", "Z": "X"}
"""For each letter, one that anticommutes with it."""


@dataclass(frozen=True, eq=False)
class Channel(Shown):
    """A channel of k qubits, real or virtual, in the Clifford frame of its circuit."""

    position: int
    """Number of rotations before it."""
    frame: PauliWords
    """What the letters X_1 … X_k, Z_1 … Z_k of its qubits are in the circuit's frame."""
    signs: np.ndarray
    """±1 of each word of ``frame``."""
    transfer: np.ndarray
    """float64 ``(4^k, 4^k)``: entry (r, q) is the coefficient of word r in the adjoint map's image of word q; words
    are numbered by x bits, then z bits, first qubit lowest."""
    name: str

    def __post_init__(self) -> None:
        k = len(self.frame) // 2
        if self.signs.shape != (2 * k,) or self.transfer.shape != (4**k, 4**k) or len(self.frame) != 2 * k:
            raise InputError(
                f"Channel {self.name}: {len(self.frame)} frame words need as many signs and a transfer matrix of "
                f"{4**k} rows; got {self.signs.shape} and {self.transfer.shape}."
            )

    @property
    def is_diagonal(self) -> bool:
        """Whether it only scales words, as every Pauli channel does."""
        return bool(np.abs(self.transfer - np.diag(np.diag(self.transfer))).max() < limits.NO_TRANSFER)

    @property
    def is_unital(self) -> bool:
        """Whether it leaves the completely mixed state alone."""
        return bool(np.abs(self.transfer[0, 1:]).max(initial=0.0) < limits.NO_TRANSFER)

    @property
    def fidelities(self) -> np.ndarray:
        """float64 ``(4^k,)``: what it leaves of words, by which of the frame's words they anticommute with (bit b of
        the index: with word b)."""
        k = len(self.frame) // 2
        syndromes = np.arange(4**k)
        # to anticommute with X_j is to have a z bit on j, and the other way round
        return np.asarray(np.diag(self.transfer)[(syndromes >> k) | ((syndromes & (2**k - 1)) << k)])


@dataclass(frozen=True, eq=False)
class LocalChannel:
    """What a channel does on its own wires: the words that its letters X_j, then Z_j, are there, and its map."""

    letters: tuple[str, ...]
    transfer: np.ndarray

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for channels that do the same."""
        return (*self.letters, np.round(self.transfer, limits.CHANNEL_DIGITS).tobytes())


class MachineNoise(qml.operation.Operation):  # type: ignore[misc]  # PennyLane has no types
    """Noise that a device adds by itself: for its name and wires; what it does is in ``Gate.channel``."""

    num_params = 0

    def __init__(self, name: str, wires: Sequence[Hashable]):
        super().__init__(wires=wires)
        self._name = name


def is_channel(op: Operator) -> bool:
    """Tell whether an operation is a noise channel."""
    return isinstance(op, qml.operation.Channel)


def local_channel(op: Operator) -> LocalChannel:
    """Return the transfer matrix of a channel of one or two wires, or of a Pauli error of any number.

    Raises:
        UnsupportedCircuitError: for other channels of more than two wires, on qutrits, or with a batch of strengths.
    Cost: O(Kraus operators · 16^wires).
    """
    where = f"{op.name} on wires {list(op.wires)}"
    if op.name.startswith(("Qutrit", "Trit")):
        raise UnsupportedCircuitError(f"{where} acts on qutrits: only qubits are supported.")
    if getattr(op, "batch_size", None) is not None:
        raise UnsupportedCircuitError(f"{where} has a batch of strengths: give one number.")
    if op.name == "PauliError":
        # I or P: a phase flip of the virtual qubit whose Z is P, and whose X anticommutes with it
        word = str(op.hyperparameters["operators"])
        at = next((i for i, letter in enumerate(word) if letter != "I"), None)
        if at is None:
            return LocalChannel((), np.eye(1))
        partner = "I" * at + _ANTICOMMUTES[word[at]] + "I" * (len(word) - at - 1)
        kept = 1 - 2 * float(qml.math.toarray(op.data[-1]))
        return LocalChannel((partner, word), np.diag([1.0, kept, 1.0, kept]))
    k = len(op.wires)
    if k > limits.CHANNEL_WIRES:
        raise UnsupportedCircuitError(
            f"{where} is a channel of {k} wires (limit {limits.CHANNEL_WIRES}): write it as channels of fewer, or as "
            "qml.PauliError, which may have any number."
        )
    try:
        kraus = np.array([np.asarray(qml.math.toarray(a), complex) for a in op.kraus_matrices()])
    except ValueError as err:
        raise UnsupportedCircuitError(
            f"{where}: {err}. Its strength must be valid, and the strength of a noise channel may not depend on "
            "trainable arguments: only rotation angles may."
        ) from err
    return channel_of(kraus)


def channel_of(kraus: np.ndarray) -> LocalChannel:
    """Return the channel of Kraus operators ``(m, 2^k, 2^k)``, first wire leftmost."""
    k = int(kraus.shape[1]).bit_length() - 1
    letters = [*("I" * j + letter + "I" * (k - j - 1) for letter in "XZ" for j in range(k))]
    return LocalChannel(tuple(letters), transfer_of(kraus))


def readout_channel(read_one: float, read_zero: float) -> LocalChannel:
    """Return what readout does to the words that are measured, each letter in its own basis.

    A letter P becomes (1 − a − b)·P + (b − a)·1 for probabilities a that 0 is read as 1 and b that 1 is read as 0,
    whichever letter it is: words are measured letter by letter, so that no state need be changed like this.
    """
    transfer = np.diag([1.0, *[1 - read_one - read_zero] * 3])
    transfer[0, 1:] = read_zero - read_one
    return LocalChannel(("X", "Z"), transfer)


def transfer_of(kraus: np.ndarray) -> np.ndarray:
    """Return Tr(P_r Σ K†P_qK)/2^k for Kraus operators ``(m, 2^k, 2^k)``; numbering as :attr:`Channel.transfer`."""
    words = _matrices(int(kraus.shape[1]).bit_length() - 1)
    images = np.einsum("aji,qjk,akl->qil", kraus.conj(), words, kraus, optimize=True)
    found = np.einsum("rij,qji->rq", words, images).real / kraus.shape[1]
    return np.where(np.abs(found) < limits.NO_TRANSFER, 0.0, found)


@lru_cache(maxsize=4)
def _matrices(k: int) -> np.ndarray:
    """All words of k qubits, ``(4^k, 2^k, 2^k)``."""
    number = np.arange(4**k)[:, None]
    x, z = (number >> np.arange(k)) & 1, (number >> np.arange(k, 2 * k)) & 1
    return PauliWords.from_bits(x.astype(np.uint8), z.astype(np.uint8)).matrices()
