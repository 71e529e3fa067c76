"""What users call generators → ``PauliWords`` and ``PauliSum``: the only door of this room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["as_sums", "as_words", "wires_of"]


def wires_of(items: Iterable[Any]) -> list[Any]:
    """Return the wires of PennyLane objects: sorted if integers, else in order of appearance."""
    seen: dict[Any, None] = {}
    for item in items:
        seen.update(dict.fromkeys(item.wires))
    # sorted only where all are integers: labels of other kinds have no order of their own
    wires = list(seen)
    return sorted(wires) if all(isinstance(w, (int, np.integer)) for w in wires) else wires


def as_words(words: Any, wire_order: Sequence[Any] | None = None, name: str = "words") -> PauliWords:
    """Read Pauli words in any of their forms; factors and signs are dropped.

    Args:
        words: a PauliWords batch, packed rows ``uint64 (m, 2W)`` (then 64·W qubits), or a
            sequence of strings, PauliWords, ``qml.pauli.PauliWord`` or single-word operators.
        wire_order: wires of PennyLane objects in qubit order; default: sorted if integers.
        name: what the argument is called in messages.
    Raises:
        InputError: if something is not a Pauli word, or lengths differ.
    """
    if isinstance(words, PauliWords):
        return words
    if isinstance(words, np.ndarray) and words.dtype == np.uint64:
        if words.ndim != 2 or words.shape[1] % 2:
            raise InputError(f"{name}: packed rows need shape (m, 2W); got {words.shape}.")
        return PauliWords.from_packed(words, 32 * words.shape[1])
    words = [words] if isinstance(words, str) or hasattr(words, "pauli_rep") else list(words)
    if not words:
        return PauliWords.identity(0, 0)
    if all(isinstance(w, str) for w in words):
        try:
            return PauliWords.from_strings(words)
        except InputError as err:
            raise InputError(f"{name}: {err.what}") from None
    if all(isinstance(w, (PauliWords, PauliSum)) for w in words):
        batches = [_only_word(w, name) if isinstance(w, PauliSum) else w for w in words]
        _check_same_qubits([b.n_qubits for b in batches], name)
        return PauliWords.concatenate(batches)
    sentences = [_sentence(w, name) for w in words]
    wires = _wire_index(sentences, wire_order, name)
    maps = []
    for sentence, word in zip(sentences, words, strict=True):
        terms = [pw for pw, c in sentence.items() if abs(c) > 0]
        if len(terms) != 1:
            raise InputError(
                f"{name}: {word!r} has {len(terms)} Pauli words and one is needed; use close() for sums of words."
            )
        maps.append({wires[w]: letter for w, letter in terms[0].items()})
    return PauliWords.from_maps(maps, len(wires))


def as_sums(generators: Any, wire_order: Sequence[Any] | None = None) -> list[PauliSum]:
    """Read Hermitian (or anti-Hermitian) generators as Pauli sums with real coefficients.

    Args:
        generators: a PauliWords batch or a sequence of strings, mappings string → coefficient,
            PauliSum, PauliWords, PennyLane operators, PauliSentence, or dense matrices.
        wire_order: wires of PennyLane objects in qubit order; default: sorted if integers.
    Raises:
        InputError: if a generator is neither Hermitian nor anti-Hermitian, is of no known
            kind, or is not on the same qubits as the others.
    """
    if isinstance(generators, PauliWords):
        return [PauliSum(generators[i], np.ones(1)) for i in range(len(generators))]
    if isinstance(generators, (str, PauliSum, Mapping)) or hasattr(generators, "pauli_rep"):
        generators = [generators]
    generators = list(generators)
    foreign = [i for i, g in enumerate(generators) if hasattr(g, "wires")]
    sentences = {i: _sentence(generators[i], "generators") for i in foreign}
    wires = _wire_index(sentences.values(), wire_order, "generators") if foreign else {}
    sums: list[PauliSum] = []
    for i, generator in enumerate(generators):
        if i in sentences:
            _check_finite(list(sentences[i].values()), i)
            sums.append(_from_sentence(sentences[i], wires))
        elif isinstance(generator, PauliSum):
            sums.append(generator)
        elif isinstance(generator, (str, PauliWords)):
            words = as_words(generator, name="generators")
            sums.extend(PauliSum(words[j], np.ones(1)) for j in range(len(words)))
        elif isinstance(generator, Mapping):
            _check_finite(list(generator.values()), i)
            sums.append(PauliSum.from_terms(generator))
        else:
            sums.append(_from_matrix(generator, i))
    _check_same_qubits([g.n_qubits for g in sums], "generators")
    return [_real(g, i) for i, g in enumerate(sums)]


def _only_word(item: PauliSum, name: str) -> PauliWords:
    if len(item) != 1:
        raise InputError(f"{name}: {item!r} is not one Pauli word; use close() for sums of words.")
    return item.words


def _check_same_qubits(counts: Sequence[int], name: str) -> None:
    if len(set(counts)) > 1:
        raise InputError(
            f"{name}: all must act on the same number of qubits; got {sorted(set(counts))}. "
            "Pad the shorter ones with I."
        )


def _sentence(item: Any, name: str) -> Any:
    """Return the PauliSentence of a PennyLane operator, PauliWord or PauliSentence."""
    sentence = getattr(item, "pauli_rep", None)
    if sentence is not None:
        return sentence
    if not hasattr(item, "wires"):
        raise InputError(f"{name}: expected Pauli words or operators; got {item!r}.")
    if len(item.wires) > limits.MATRIX_QUBITS:
        raise InputError(
            f"{name}: {item!r} has no Pauli representation and acts on {len(item.wires)} wires; "
            f"matrices are expanded on at most {limits.MATRIX_QUBITS}. Write it as a sum of Paulis."
        )
    import pennylane as qml

    try:
        matrix = qml.matrix(item)
    except qml.operation.MatrixUndefinedError as error:
        raise InputError(f"{name}: {item!r} has neither a Pauli representation nor a matrix.") from error
    return qml.pauli.pauli_sentence(qml.pauli_decompose(matrix, wire_order=item.wires, check_hermitian=False))


def _wire_index(sentences: Iterable[Any], wire_order: Sequence[Any] | None, name: str) -> dict[Any, int]:
    used = wires_of(sentences)
    order = used if wire_order is None else list(wire_order)
    missing = [w for w in used if w not in set(order)]
    if missing:
        raise InputError(f"{name}: wires {missing} are not in wire_order {order}.")
    return {wire: i for i, wire in enumerate(order)}


def _from_sentence(sentence: Any, wires: Mapping[Any, int]) -> PauliSum:
    maps = [{wires[w]: letter for w, letter in pw.items()} for pw in sentence]
    coefficients = np.array([complex(c) for c in sentence.values()])
    return PauliSum.of(PauliWords.from_maps(maps, len(wires)), coefficients)


def _from_matrix(matrix: Any, index: int) -> PauliSum:
    try:
        array = np.asarray(matrix, dtype=complex)
    except (TypeError, ValueError) as error:
        raise InputError(f"generators: cannot read {type(matrix).__name__} {matrix!r:.80}.") from error
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] > 2**limits.MATRIX_QUBITS:
        raise InputError(f"generators: a matrix must be (2^n, 2^n) with n ≤ {limits.MATRIX_QUBITS}; got {array.shape}.")
    _check_finite(array, index)
    return PauliSum.from_matrix(array)


def _check_finite(coefficients: Any, index: int) -> None:
    # PauliSum drops what compares false, so a NaN has to be caught before
    if not np.all(np.isfinite(np.asarray(coefficients, dtype=complex))):
        raise InputError(f"generators[{index}] has coefficients that are not finite numbers.")


def _real(generator: PauliSum, index: int) -> PauliSum:
    """Return a Hermitian sum: i times an anti-Hermitian one spans the same algebra."""
    c = generator.coefficients
    if not np.iscomplexobj(c):
        return generator
    scale = limits.HERMITIAN * np.abs(c).max(initial=0.0)
    for part, other in ((c.real, c.imag), (c.imag, c.real)):
        if np.all(np.abs(other) <= scale):
            return PauliSum.of(generator.words, part)
    raise InputError(
        f"generators[{index}] is neither Hermitian nor anti-Hermitian: a gate exp(-iθG) needs a Hermitian G."
    )
