"""Circuits of the benchmark's zoo that are built of PennyLane's templates."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from _zoo import Circuit
from _zoo_parts import circuit, ising, molecule, projector, some, tfim

__all__ = ["TEMPLATES"]


def _layers(template, n, layers, observable, **options) -> Circuit:
    shape = template.shape(n_layers=layers, n_wires=n)
    name = f"{template.__name__} {n}x{layers}"

    def body(x):
        template(x.reshape(shape), wires=range(n), **options)

    return circuit(name, n, int(np.prod(shape)), body, observable, f"qml.{template.__name__}")


def _two_design(n, layers, observable) -> Circuit:
    first, second = qml.SimplifiedTwoDesign.shape(n_layers=layers, n_wires=n)

    def body(x):
        qml.SimplifiedTwoDesign(x[:n], x[n:].reshape(second), wires=range(n))

    p = int(np.prod(first) + np.prod(second))
    return circuit(f"SimplifiedTwoDesign {n}x{layers}", n, p, body, observable, "qml.SimplifiedTwoDesign")


def _random_layers(n, layers, gates, seed) -> Circuit:
    def body(x):
        qml.RandomLayers(x.reshape(layers, gates), wires=range(n), seed=seed)

    return circuit(f"RandomLayers {n} #{seed}", n, layers * gates, body, ising(n), "qml.RandomLayers")


def _particles(template, name, layers, **options) -> Circuit:
    hamiltonian, n, electrons = molecule(name)
    filled = qml.qchem.hf_state(electrons, n)
    shape = template.shape(layers, n)

    def body(x):
        template(x.reshape(shape), wires=range(n), init_state=filled, **options)

    title = f"{template.__name__} {name}x{layers}" + "".join(f" {k}" for k in options)
    return circuit(title, n, int(np.prod(shape)), body, hamiltonian, f"qml.{template.__name__}")


def _excitations(kind, name, repeats=1) -> Circuit:
    hamiltonian, n, electrons = molecule(name)
    filled = qml.qchem.hf_state(electrons, n)
    singles, doubles = qml.qchem.excitations(electrons, n)
    if kind == "kUpCCGSD":
        shape = qml.kUpCCGSD.shape(k=repeats, n_wires=n, delta_sz=0)
    else:
        shape = (repeats * (len(singles) + len(doubles)),)

    def body(x):
        if kind == "UCCSD":
            s, d = qml.qchem.excitations_to_wires(singles, doubles)
            weights = x.reshape(repeats, -1) if repeats > 1 else x
            qml.UCCSD(weights, range(n), s, d, filled, n_repeats=repeats)
        elif kind == "kUpCCGSD":
            qml.kUpCCGSD(x.reshape(shape), range(n), k=repeats, delta_sz=0, init_state=filled)
        else:
            qml.AllSinglesDoubles(x, range(n), filled, singles, doubles)

    return circuit(f"{kind} {name}x{repeats}", n, int(np.prod(shape)), body, hamiltonian, f"qml.{kind}")


def _tensor(template, n, block_wires, gates, each, observable) -> Circuit:
    blocks = template.get_n_blocks(range(n), block_wires)

    def body(x):
        template(range(n), block_wires, gates, each, x.reshape(blocks, each))

    return circuit(f"{template.__name__} {n}", n, blocks * each, body, observable, f"qml.{template.__name__}")


def _pair(weights, wires):
    qml.RY(weights[0], wires[0])
    qml.RY(weights[1], wires[1])
    qml.CNOT(wires)


def _entangler(weights, wires):
    qml.StronglyEntanglingLayers(weights.reshape(1, 2, 3), wires)


def _arbitrary(template, n, count, observable) -> Circuit:
    def body(x):
        template(x, wires=range(n))

    return circuit(f"{template.__name__} {n}", n, count, body, observable, f"qml.{template.__name__}")


def _embedding(n, layers, field) -> Circuit:
    features = some(n, "features")
    shape = qml.QAOAEmbedding.shape(layers, n)

    def body(x):
        qml.QAOAEmbedding(features, x.reshape(shape), range(n), local_field=field)

    name = f"QAOAEmbedding {n}x{layers} {field}"
    return circuit(name, n, int(np.prod(shape)), body, qml.Z(0), "qml.QAOAEmbedding")


def _classifier(embedding, n, layers, **options) -> Circuit:
    size = 2**n if embedding is qml.AmplitudeEmbedding else n
    features = some(size, embedding.__name__)

    def body(x):
        embedding(features, range(n), **options)
        qml.StronglyEntanglingLayers(x.reshape(layers, n, 3), range(n))

    return circuit(
        f"{embedding.__name__} + SEL {n}x{layers}", n, 3 * n * layers, body, qml.Z(0), "classifier tutorials"
    )


def TEMPLATES() -> list[Circuit]:
    """Return circuits that are one template each."""
    basic, strong = qml.BasicEntanglerLayers, qml.StronglyEntanglingLayers
    heis = {n: qml.spin.heisenberg("chain", [n], [1.0, 1.0, 1.0], boundary_condition=n > 2) for n in (2, 4, 6)}
    return [
        _layers(basic, 2, 2, qml.Z(0)),
        _layers(basic, 3, 2, ising(3), rotation=qml.RY),
        _layers(basic, 4, 3, ising(4)),
        _layers(basic, 4, 1, heis[4], rotation=qml.RY),
        _layers(basic, 6, 2, ising(6), rotation=qml.RY),
        _layers(basic, 6, 3, ising(6)),
        _layers(basic, 6, 5, ising(6)),
        _layers(basic, 6, 4, tfim(6, 1.0)),
        _layers(basic, 8, 2, qml.Z(0)),
        _layers(basic, 10, 2, ising(10), rotation=qml.RY),
        _layers(strong, 2, 1, heis[2]),
        _layers(strong, 3, 2, ising(3)),
        _layers(strong, 4, 2, tfim(4, 1.0)),
        _layers(strong, 4, 6, qml.Z(0)),
        _layers(strong, 6, 2, ising(6)),
        _layers(strong, 6, 3, heis[6]),
        _layers(strong, 8, 2, tfim(8, 1.0)),
        _two_design(4, 2, qml.Z(0) @ qml.Z(1)),
        _two_design(6, 2, tfim(6, 0.5)),
        _two_design(5, 3, projector(5)),
        _two_design(8, 1, ising(8)),
        _random_layers(4, 2, 6, 1),
        _random_layers(5, 3, 8, 2),
        _random_layers(6, 2, 10, 3),
        _particles(qml.ParticleConservingU1, "H2", 1),
        _particles(qml.ParticleConservingU2, "H2", 2),
        _particles(qml.ParticleConservingU2, "H3+", 3),
        _particles(qml.GateFabric, "H2", 1, include_pi=True),
        _particles(qml.GateFabric, "H2", 2),
        _particles(qml.GateFabric, "H3+", 2),
        _excitations("AllSinglesDoubles", "H2"),
        _excitations("AllSinglesDoubles", "HeH+"),
        _excitations("AllSinglesDoubles", "H3+"),
        _excitations("AllSinglesDoubles", "H4"),
        _excitations("AllSinglesDoubles", "Hubbard dimer"),
        _excitations("UCCSD", "H2"),
        _excitations("UCCSD", "HeH+", 2),
        _excitations("UCCSD", "H3+"),
        _excitations("kUpCCGSD", "H2"),
        _excitations("kUpCCGSD", "Hubbard dimer", 2),
        _tensor(qml.MPS, 4, 2, _pair, 2, qml.Z(3)),
        _tensor(qml.TTN, 4, 2, _pair, 2, qml.Z(3)),
        _tensor(qml.TTN, 8, 2, _entangler, 6, qml.Z(7)),
        _tensor(qml.MPS, 8, 2, _pair, 2, ising(8)),
        _tensor(qml.MERA, 4, 2, _pair, 2, tfim(4, 1.0)),
        _arbitrary(qml.ArbitraryStatePreparation, 2, 6, heis[2]),
        _arbitrary(qml.ArbitraryStatePreparation, 3, 14, tfim(3, 1.0)),
        _arbitrary(qml.ArbitraryUnitary, 2, 15, projector(2)),
        _embedding(3, 2, "Y"),
        _embedding(4, 3, "Z"),
        _classifier(qml.AmplitudeEmbedding, 2, 3, normalize=True),
        _classifier(qml.AngleEmbedding, 4, 2),
        _classifier(qml.IQPEmbedding, 4, 1),
    ]
