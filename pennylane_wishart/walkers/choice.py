"""``moments_of``: the sharpest engine that is valid for a circuit, and which one it was."""

from __future__ import annotations

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.moments import SecondMoments, exact_moments, sampled_moments
from pennylane_wishart.walkers.walk import walk

__all__ = ["moments_of"]


def moments_of(
    circuit: RotationCircuit,
    law: AngleLaw | None = None,
    seed=None,
    max_support: int = 1 << 16,
    max_work: float = 1e11,
    n_walkers: int = 10**5,
    n_samples: int = 2000,
) -> SecondMoments:
    """Compute second moments by the sharpest engine that is valid and affordable.

    Exact words, then the exact module, then joint quadrature over shared parameters; then
    walkers; then sampling of statevectors (n ≤ 20). ``engine`` on the record says which.

    Args:
        circuit: the normal form.
        law: uniform angles where None.
        seed: for ``numpy.random.default_rng``; the exact engines do not use it.
        max_support: largest number of reachable words of the exact engines.
        max_work: largest number of floating-point operations of the module engine.
        n_walkers: walkers, where they are used.
        n_samples: parameter vectors, where circuits are sampled.
    Raises:
        UnsupportedCircuitError: if no engine applies.
    Cost: a minute at most with the defaults, on one core.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> moments_of(c).engine
        'exact words'
    """
    if not isinstance(circuit, RotationCircuit):
        raise InputError(
            f"circuit must be a RotationCircuit (pw.normal_form); got {type(circuit).__name__}."
        )
    law = circuit.angle_law() if law is None else law
    try:
        return exact_moments(circuit, law, max_support=max_support, max_work=max_work)
    except ModuleTooLargeError as error:
        too_large = str(error)
    try:
        return walk(circuit, law, n_walkers, seed)
    except (UnsupportedCircuitError, ModuleTooLargeError) as error:
        obstacle = str(error)
    if circuit.n_qubits <= 20:
        return sampled_moments(circuit, law, n_samples, seed)
    raise UnsupportedCircuitError(
        f"No engine gives the second moments of this circuit on {circuit.n_qubits} qubits. "
        f"Exact: {too_large} Walkers: {obstacle} Sampling: stops at 20 qubits."
    )
