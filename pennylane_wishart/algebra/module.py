"""The observable's module: the orbit of a Pauli word, counted, or the span of a sum's orbit.

M = span{Ad_g O}, not the algebra, fixes how fast the loss concentrates. For a Pauli word it is
spanned by the orbit of the word under multiplication by anticommuting generators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from pennylane_wishart.algebra.closure import close_span
from pennylane_wishart.algebra.counting import Count, OrbitCounter, commutation_with, x_part
from pennylane_wishart.algebra.inputs import as_sums, as_words
from pennylane_wishart.algebra.records import LieAlgebra
from pennylane_wishart.algebra.scalars import random_prime, recognise
from pennylane_wishart.algebra.walk import walk
from pennylane_wishart.algebra.words import classify
from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, ModuleTooLargeError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Module", "module_of", "module_span", "orbit", "squared_expectations"]


@dataclass(frozen=True, eq=False)
class Module(Shown):
    """The span of an observable's orbit under the group of the generators."""

    dim: int
    """Exact (an upper or lower bound where ``status`` says so)."""
    n_qubits: int
    method: str
    status: Status = Status.OK
    orbit_size: int | None = None
    """Pauli-word observables and generators: number of words in the orbit, equal to ``dim``."""
    z_type: int | None = None
    """How many of them are of I and Z only: what a computational basis state sees."""
    z_type_interval: tuple[int, int] | None = None
    """Equal ends where ``z_type`` is exact, else a 95% interval of an estimate."""
    word: PauliWords | None = field(default=None, repr=False)
    """The observable, where it is one word."""
    generators: PauliWords | None = field(default=None, repr=False)
    seed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if self.dim < 0 or (self.z_type or 0) > (self.orbit_size or 0):
            raise InputError(f"Module: dim {self.dim} with {self.z_type} Z-type words is impossible.")

    def __repr__(self) -> str:
        size = f"dim={self.dim}" if self.log2_dim < limits.LOG_SHOWN else f"log2_dim={self.log2_dim:.2f}"
        return f"Module({size}, n_qubits={self.n_qubits}, method={self.method!r}, status={self.status.name})"

    @property
    def log2_dim(self) -> float:
        """log2 of the dimension."""
        return math.log2(self.dim) if self.dim else -math.inf

    @property
    def is_exact(self) -> bool:
        """Whether ``dim`` and ``z_type`` are exact."""
        return self.status is Status.OK

    @property
    def log2_variance_basis_state(self) -> float:
        """log2 of Var[ℓ] in the deep limit for a computational basis state.

        Each Z-type word has expectation ±1, so Var = z_type / orbit_size; −inf where no
        word is of Z-type, or where nothing moves the observable. Not valid at finite depth.
        Source: the Pauli orbit formula, Ragone et al., arXiv:2309.09342, for O outside ig too.
        """
        size, z_type = self._counted()
        if size == 1 or z_type == 0:
            return -math.inf
        return math.log2(z_type) - math.log2(size)

    def enumerate(self, limit: int = 10**7) -> PauliWords:
        """Enumerate the orbit's words, sorted.

        Raises:
            ModuleTooLargeError: if there are more than ``limit``.
        """
        size, _ = self._counted()
        if size > limit:
            raise ModuleTooLargeError(f"Module.enumerate: the orbit has {size} words, more than limit={limit}.")
        assert self.generators is not None and self.word is not None
        return walk(self.word, self.generators, limit)

    def anticommuting_fraction(self, word: Any) -> float:
        """Return the fraction of the orbit that anticommutes with a word.

        For the generator G̃_k of a parameter deep in the circuit this is f_k in
        Var[∂_kℓ] = f_k·Var[ℓ] with Var[ℓ] of the same input state.
        """
        size, _ = self._counted()
        other = as_words(word, name="word")
        if len(other) != 1 or other.n_qubits != self.n_qubits:
            raise InputError(
                f"anticommuting_fraction: one word on {self.n_qubits} qubits is needed; got "
                f"{len(other)} on {other.n_qubits}."
            )
        rng = np.random.default_rng(self.seed)
        found = self.counter.count(commutation_with(other), np.ones(1, np.uint8), rng)
        return float(Fraction(found.value, size))

    def holds(self, word: Any) -> bool:
        """Tell whether a word is one of the orbit. Cost: one count."""
        self._counted()
        other, eye = as_words(word, name="word"), np.eye(2 * self.n_qubits, dtype=np.uint8)
        # a word is known by the single letters that it anticommutes with
        letters = PauliWords.from_bits(eye[:, : self.n_qubits], eye[:, self.n_qubits :])
        measure = commutation_with(letters)
        return self.counter.count(measure, measure(other)[0], np.random.default_rng(self.seed)).value > 0

    def count_commuting(self, words: Any) -> int:
        """Count the orbit's words that commute with all given words.

        With the n stabiliser generators of a state these are its ± stabilisers, so the count
        is Σ ⟨Q⟩² over the orbit for that state.

        Raises:
            ModuleTooLargeError: if the count could only be estimated.
        """
        self._counted()
        others = as_words(words)
        rng = np.random.default_rng(self.seed)
        found = self.counter.count(commutation_with(others), np.zeros(len(others), np.uint8), rng)
        if not found.exact:
            raise ModuleTooLargeError(
                "count_commuting: too many components are coupled for an exact count; "
                "enumerate() the orbit and test its words."
            )
        return found.value

    @cached_property
    def counter(self) -> OrbitCounter:
        """The orbit, ready to be counted; made again from the words after reading back."""
        assert self.generators is not None and self.word is not None
        return _counter_of(classify(self.generators), self.word)

    def _counted(self) -> tuple[int, int]:
        if self.orbit_size is None or self.z_type is None:
            raise InputError(
                "Module: orbits are counted for Pauli-word observables and generators only; this one is a span of sums."
            )
        return self.orbit_size, self.z_type


def orbit(generators: Any, observable: Any, wire_order: Sequence[Any] | None = None, seed: int = 0) -> Module:
    """Count the orbit of a Pauli word under Pauli-word generators, without walking it.

    Not type A: { v + w : w ∈ W, q(w) + ω(v, w) = 0, some generator anticommutes with v + w };
    type A: subsets of Majoranas of one size, C(d, |S|), times copies; several components: the
    product. The Z-type words among them are zeros of the same conditions on an affine space.

    Args:
        generators: words, or the ``LieAlgebra`` that ``classify`` made of them.
        observable: one word on the same qubits; it need not lie in the algebra.
        wire_order: wires of PennyLane objects in qubit order.
        seed: used only where a count has to be estimated.
    Returns:
        ``Module`` with exact ``dim = orbit_size``; ``z_type`` is exact unless ``status`` is
        ``Status.ESTIMATED`` (many components coupled by the Z-type condition, orbit above 10^6).
    Raises:
        InputError: if the observable is not one word, or is on other qubits.
    Cost: F2 linear algebra, O(k² · n / 64) for span rank k; about a second at 1,000 qubits.
    Source: Aguilar et al., arXiv:2408.00081 for the algebra; the orbit counts are ours.
    Example:
        >>> module = orbit(["XI", "IX", "ZZ"], "ZI")
        >>> module.orbit_size, module.z_type
        (4, 1)
    """
    if isinstance(generators, LieAlgebra):
        algebra, words = generators, _words_of(generators)
        word = as_words(observable, wire_order, "observable")
    else:
        words, word = _together(generators, observable, wire_order)
        algebra = classify(words)
    if len(word) != 1 or (word.n_qubits != algebra.n_qubits and len(words)):
        raise InputError(
            f"observable: one word on {algebra.n_qubits} qubits is needed; got {len(word)} on "
            f"{word.n_qubits}. For sums of words use module_of."
        )
    counter = _counter_of(algebra, word)
    # qubits that nothing touches put no condition on a word
    support = PauliWords.concatenate([words, word]).support()
    found = counter.count(x_part(support), np.zeros(len(support), np.uint8), np.random.default_rng(seed))
    method = "orbit counted exactly, its Z-type words estimated by sampling Z-type words"
    if found.exact:
        method = "counted as zeros of quadratic forms and subsets of Majoranas, exact"
    elif counter.size <= limits.ENUMERATED_WORDS:  # a small orbit is listed rather than estimated
        number = int(walk(word, words, limits.ENUMERATED_WORDS).is_diagonal().sum())
        found = Count(number, number, number)
        method = "orbit counted exactly, its Z-type words by enumeration"
    module = Module(
        dim=counter.size,
        n_qubits=word.n_qubits,
        method=method,
        status=Status.OK if found.exact else Status.ESTIMATED,
        orbit_size=counter.size,
        z_type=min(found.value, counter.size),
        z_type_interval=(found.low, found.high),
        word=word,
        generators=words,
        seed=seed,
    )
    module.__dict__["counter"] = counter  # a cached property that has been computed already
    return module


def module_of(
    generators: Any,
    observable: Any,
    max_dim: int = 4095,
    wire_order: Sequence[Any] | None = None,
    seed: int = 0,
    max_work: float = math.inf,
) -> Module:
    """Find the module of an observable: the orbit of a word, or the span of a sum's orbit.

    Args:
        generators: words or sums, as for ``close``; or a classified ``LieAlgebra``.
        observable: a word or a sum.
        max_dim: stop the span of sums beyond this dimension.
        wire_order: wires of PennyLane objects in qubit order.
        seed: draws the prime, or samples.
        max_work: as for ``close``: stop the span of sums after so many multiply-adds.
    Returns:
        ``Module``. For word generators and a sum whose span passes ``max_dim``, ``dim`` is the
        sum of its words' orbit sizes, an upper bound (``Status.BOUND``).
    Raises:
        InputError: if something is not understood.
    Cost: as ``orbit`` for words, as ``close`` for sums.
    Example:
        >>> module_of(["XI", "IX", "ZZ"], {"ZI": 1.0, "IZ": 1.0}).dim
        8
    """
    if isinstance(generators, LieAlgebra):
        generators = _words_of(generators)
    if isinstance(generators, PauliWords):
        sums = as_sums(generators)
        target = as_sums([observable], wire_order)
    else:
        items = [generators] if isinstance(generators, str) else list(generators)
        *sums, last = as_sums([*items, observable], wire_order)
        target = [last]
    if len(target) != 1 or (sums and target[0].n_qubits != sums[0].n_qubits):
        raise InputError(
            f"observable: one operator on the generators' qubits is needed; got {len(target)} on "
            f"{target[0].n_qubits if target else 0} qubits."
        )
    words_only = all(len(g) == 1 for g in sums)
    if words_only and sums and len(target[0]) == 1:
        words = PauliWords.concatenate([g.words for g in sums])
        return orbit(words, target[0].words, seed=seed)
    module = module_span(sums, target[0], max_dim, seed, max_work)
    # words can be counted where their span cannot be walked: the sum over words is a bound
    if module.status is Status.TRUNCATED and words_only:
        return _bound(sums, target[0], seed)
    return module


def module_span(
    generators: Sequence[PauliSum],
    observable: PauliSum,
    max_dim: int = 4095,
    seed: int = 0,
    max_work: float = math.inf,
) -> Module:
    """Span the module of a Pauli sum by nested commutators with the generators.

    The rank is exact modulo two random 31-bit primes, as in ``close``; coefficients that are
    not recognised are taken at their binary values, which can only raise it (``Status.BOUND``).

    Args:
        generators: Hermitian sums on the same qubits.
        observable: a Hermitian sum.
        max_dim: stop beyond this dimension; ``dim`` is then a lower bound.
        seed: draws the primes.
        max_work: stop after so many multiply-adds as well.
    Cost: O(generators · dim² · words).
    Example:
        >>> module_span([PauliSum.from_terms({"X": 1.0})], PauliSum.from_terms({"Z": 1.0})).dim
        2
    """
    generators = [g for g in generators if len(g)]
    n_qubits = observable.n_qubits
    if not generators or not len(observable):
        return Module(dim=min(1, len(observable)), n_qubits=n_qubits, method="nothing moves it")
    numbers, own = recognise(generators), recognise([observable])
    squares = sorted({*numbers.primes_under_roots, *own.primes_under_roots})
    rng = np.random.default_rng(seed)
    dims: list[int] = []
    primes: list[int] = []
    closed = True
    for _ in range(2):  # a prime that divides a minor undercounts; two of them do not
        prime = random_prime(rng, squares)
        found = close_span(generators, [observable], numbers, own, prime, max_dim, limits.CLOSURE_BYTES, max_work)
        dims.append(found.span.rank)
        primes.append(prime)
        closed &= found.closed
        if not closed:
            break
    status = Status.OK if closed else Status.TRUNCATED
    if closed and not (numbers.exact and own.exact):
        status = Status.BOUND
    return Module(
        dim=max(dims),
        n_qubits=n_qubits,
        method="exact rank modulo random primes " + ", ".join(map(str, primes)),
        status=status,
    )


def squared_expectations(words: PauliWords, bloch: np.ndarray) -> float:
    """Sum ⟨Q⟩² over words for a product of single-qubit states.

    Divided by the orbit size this is Var[ℓ] in the deep limit (for an orbit of one word the
    loss is constant instead).

    Args:
        words: for instance ``Module.enumerate()``.
        bloch: ``(n, 3)``: (⟨X⟩, ⟨Y⟩, ⟨Z⟩) of each qubit, of length at most 1.
    Example:
        >>> squared_expectations(PauliWords.from_strings(["ZI", "XZ"]), np.array([[0, 0, 1]] * 2))
        1.0
    """
    bloch = np.asarray(bloch, dtype=float)
    if bloch.shape != (words.n_qubits, 3) or np.any((bloch**2).sum(axis=1) > 1 + limits.BLOCH_LENGTH):
        raise InputError(
            f"bloch: {words.n_qubits} vectors of length at most 1 are needed, shape "
            f"({words.n_qubits}, 3); got shape {bloch.shape}."
        )
    squares = np.concatenate([np.ones((len(bloch), 1)), bloch**2], axis=1)  # I, X, Y, Z
    total = 0.0
    for begin in range(0, len(words), limits.MODULE_CHUNK):
        x, z = words[begin : begin + limits.MODULE_CHUNK].bits()
        letter = np.array([[0, 3], [1, 2]])[x, z]
        total += float(squares[np.arange(len(bloch)), letter].prod(axis=1).sum())
    return total


def _central(algebra: LieAlgebra) -> PauliWords:
    if algebra.central_words is None:
        raise InputError("generators: this LieAlgebra was closed from sums; pass the generators themselves.")
    return algebra.central_words


def _words_of(algebra: LieAlgebra) -> PauliWords:
    """Return generators of a classified algebra."""
    return PauliWords.concatenate([*(c.words for c in algebra.components), _central(algebra)])


def _counter_of(algebra: LieAlgebra, word: PauliWords) -> OrbitCounter:
    return OrbitCounter(algebra.components, _central(algebra), word)


def _together(generators: Any, observable: Any, wire_order: Sequence[Any] | None) -> tuple[PauliWords, PauliWords]:
    """Read generators and observable on common wires."""
    if isinstance(generators, (PauliWords, np.ndarray)):
        words = as_words(generators, name="generators")
        return words, as_words(observable, wire_order, "observable")
    items = [generators] if isinstance(generators, str) else list(generators)
    single = observable
    if isinstance(observable, (list, tuple)):
        if len(observable) != 1:
            raise InputError(f"observable: one word is needed; got {len(observable)}.")
        single = observable[0]
    if isinstance(single, PauliWords) or not items:
        return as_words(items, wire_order, "generators"), as_words(single, wire_order, "observable")
    both = as_words([*items, single], wire_order, "generators and observable")
    return both[:-1], both[-1:]


def _bound(sums: Sequence[PauliSum], observable: PauliSum, seed: int) -> Module:
    """Bound the module of a sum by the orbits of its words, each orbit once."""
    algebra = classify(PauliWords.concatenate([g.words for g in sums]))
    size = sum(_counter_of(algebra, observable.words[i]).size for i in range(len(observable)))
    return Module(
        dim=size,
        n_qubits=observable.n_qubits,
        method="sum of the orbit sizes of the observable's words: an upper bound",
        status=Status.BOUND,
    )
