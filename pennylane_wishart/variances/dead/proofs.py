"""Dead parameters: those whose gradient vanishes at every setting of the angles.

Three arguments one after the other, each on what the one before left over: every generator as one
operator, every word of a commuting sum as a rotation of its own, and the words that the observable
can really become, followed one by one; with noise those that hold for words alone. What none of them
decides is put to the identity test where the circuit can be simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import F2Basis
from pennylane_wishart.variances.dead.commutation import dead_rotations, support_paths
from pennylane_wishart.variances.dead.identity import identically_zero
from pennylane_wishart.variances.dead.noise import dead_words, only_scales, without_idle_channels
from pennylane_wishart.variances.dead.reasons import DeadReason, worded
from pennylane_wishart.variances.parts import restricted, split_sums
from pennylane_wishart.variances.reach import reach

__all__ = ["Proofs", "dead_parameters", "dead_proofs", "live_part", "prove", "settle"]

Reasons = tuple[DeadReason, ...]
Why = list[DeadReason | None]
"""One entry a word; None while it lives."""


@dataclass(frozen=True, eq=False)
class Proofs:
    """What was proved of a circuit by arguments about operators."""

    live: RotationCircuit
    """The circuit without the words and rotations that the loss does not depend on."""
    parameters: dict[int, Reasons]
    """Reasons of every parameter all of whose rotations are dead."""


_PROVED: WeakKeyDictionary[RotationCircuit, dict[int, Proofs]] = WeakKeyDictionary()
_DEAD: WeakKeyDictionary[RotationCircuit, dict[int, dict[int, Reasons]]] = WeakKeyDictionary()


def prove(circuit: RotationCircuit, max_support: int = limits.PROOF_SUPPORT) -> Proofs:
    """Find what the loss does not depend on, by commutation, symmetry and supports; found once a circuit.

    Args:
        circuit: the normal form.
        max_support: largest set of reachable words that is followed; beyond, commutation and symmetry only.
    Cost: seconds at 1,000 qubits and 12,000 parameters.
    """
    # circuits are immutable, and every engine asks
    known = _PROVED.setdefault(circuit, {})
    if max_support not in known:
        known[max_support] = _prove(circuit, max_support)
    return known[max_support]


def live_part(circuit: RotationCircuit) -> RotationCircuit:
    """Return the circuit without the words and rotations that the loss is proved not to depend on."""
    return prove(circuit).live


def _prove(circuit: RotationCircuit, max_support: int) -> Proofs:
    why: list[DeadReason | None] = [None] * len(circuit.terms)
    alive = np.ones(len(why), bool)
    live = circuit
    for _ in range(limits.MAX_ROUNDS):
        before = int(alive.sum())
        if circuit.channels:
            every = np.arange(len(live.terms) + 1)
            live = _leave_out(circuit, alive, why, every, dead_words(live, max_support))
            if only_scales(circuit):
                parts, starts = split_sums(live)
                live = _leave_out(circuit, alive, why, starts, _follow(replace(parts, channels=()), max_support))
            if int(alive.sum()) == before:
                break
            continue
        live = _leave_out(circuit, alive, why, live.starts, dead_rotations(live))
        parts, starts = split_sums(live)
        if parts is not live:
            live = _leave_out(circuit, alive, why, starts, dead_rotations(parts))
            parts, starts = split_sums(live)
        followed = _follow(parts, max_support)
        live = _leave_out(circuit, alive, why, starts, followed)
        # a round that proves nothing new repeats itself, and the paths of single words are a complete answer: what
        # a removed rotation met ended unseen, so no other path is lost with it
        if int(alive.sum()) == before or (circuit.is_pauli and followed is not None):
            break
    # last: it asks of every channel whether it meets what the living rotations make
    live = without_idle_channels(live) if live.channels else live
    return Proofs(live, _of_parameters(circuit, why))


def settle(circuit: RotationCircuit, acts: np.ndarray, shows: np.ndarray) -> np.ndarray:
    """Note what is dead of a circuit of single words whose words were followed together with those of others.

    Args:
        acts: bool ``(n_rotations,)``: some reachable word anticommutes with the generator.
        shows: bool ``(n_rotations,)``: and a path through it ends in a word that the input sees.
    Returns:
        int64: the living rotations.
    """
    followed = _reasons(acts, shows)
    if not shows.all():  # paths find all that is dead; the other arguments say why in better words
        followed = [better or found for better, found in zip(dead_rotations(circuit), followed, strict=True)]
    alive = np.array([reason is None for reason in followed], bool)
    known = _PROVED.setdefault(circuit, {})
    known[limits.PROOF_SUPPORT] = Proofs(restricted(circuit, alive), _of_parameters(circuit, followed))
    return np.flatnonzero(alive)


def _reasons(acts: np.ndarray, shows: np.ndarray) -> list[DeadReason | None]:
    return [DeadReason.OUTSIDE if not a else None if s else DeadReason.SILENT for a, s in zip(acts, shows, strict=True)]


def _leave_out(
    circuit: RotationCircuit,
    alive: np.ndarray,
    why: list[DeadReason | None],
    starts: np.ndarray,
    reasons: Sequence[DeadReason | None] | None,
) -> RotationCircuit:
    """Note the reasons of rotations (``starts`` counts living terms), where there are any, and return what is left."""
    rows = np.flatnonzero(alive)
    for k, reason in enumerate(reasons or ()):
        if reason is not None:
            for row in rows[starts[k] : starts[k + 1]]:
                why[row], alive[row] = reason, False
    return restricted(circuit, alive)


def _of_parameters(circuit: RotationCircuit, why: Why) -> dict[int, Reasons]:
    found: dict[int, list[DeadReason | None]] = {p: [] for p in range(circuit.n_params)}
    for k in np.flatnonzero(circuit.parameter_of >= 0):
        found[int(circuit.parameter_of[k])] += why[circuit.starts[k] : circuit.starts[k + 1]]
    cancelled = set(circuit.cancelled)
    none = {p: (DeadReason.CANCELLED if p in cancelled else DeadReason.UNUSED,) for p in found}
    # one living word keeps its parameter alive
    return {p: tuple(dict.fromkeys(r for r in f if r)) or none[p] for p, f in found.items() if None not in f}


def _follow(circuit: RotationCircuit, max_support: int) -> list[DeadReason | None] | None:
    """Follow the words that the observable becomes, sums of non-commuting words until they are closed; None where
    they are too many."""
    rows, owner = [], []
    for k in range(circuit.n_rotations):
        own = list(range(circuit.starts[k], circuit.starts[k + 1]))
        passes = 1 if len(own) == 1 else 2 ** F2Basis(circuit.terms[own].packed).rank - 1
        # too many words to close: nothing is proved this way, which is safe
        if passes > limits.MAX_PASSES:
            return None
        rows += own * passes
        owner += [k] * (len(own) * passes)
    if not rows:
        return []
    try:
        reached = reach(circuit.terms[np.asarray(rows)], circuit.observable.words, max_support)
    except ModuleTooLargeError:
        return None
    seen = np.abs(circuit.state.expectation(reached.words)) > limits.SEEN
    touched, live = support_paths(reached, seen)
    count = circuit.n_rotations
    acts = np.bincount(owner, weights=touched, minlength=count) > 0
    shows = np.bincount(owner, weights=live, minlength=count) > 0
    return _reasons(acts, shows)


def dead_proofs(
    circuit: RotationCircuit, max_support: int = limits.PROOF_SUPPORT, alive: np.ndarray | None = None
) -> dict[int, Reasons]:
    """Return the reasons of every dead parameter, typed; see :func:`dead_parameters`. Found once a circuit.

    ``alive``, bool ``(n_params,)``: parameters that are known to have a gradient, and need no test.
    """
    known = _DEAD.setdefault(circuit, {})
    if max_support not in known:
        proofs = prove(circuit, max_support)
        found = dict(proofs.parameters)
        asked = np.ones(circuit.n_params, bool) if alive is None else ~alive
        asked[list(found)] = False
        # last, because it simulates: only what no argument decided
        tested = np.flatnonzero(identically_zero(proofs.live, asked))
        found.update({int(p): (DeadReason.IDENTITY,) for p in tested})
        known[max_support] = dict(sorted(found.items()))
    return known[max_support]


def dead_parameters(
    circuit: RotationCircuit, max_support: int = limits.PROOF_SUPPORT
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Find the parameters whose gradient vanishes identically, with a reason each.

    A parameter is dead if every word that it turns is proved dead, or if its gradient passes the
    identity test (:attr:`DeadReason.IDENTITY`, circuits that can be simulated in bounded work). The
    list is complete where the test can be made; beyond, it may be incomplete (beyond
    ``max_support`` reachable words only commutation and symmetry are used).

    Args:
        circuit: the normal form.
        max_support: largest set of reachable words that is searched exactly.
    Returns:
        ``(indices, reasons)``, flat parameter indices in ascending order; :func:`dead_proofs` has typed reasons.
    Cost: seconds at 1,000 qubits and 12,000 parameters.
    Example:
        >>> dead_parameters(RotationCircuit.from_words(["ZI", "XI", "IX"], {"ZI": 1.0}))[0]
        (0, 2)
    """
    found = dead_proofs(circuit, max_support)
    return tuple(found), tuple(worded(r) for r in found.values())
