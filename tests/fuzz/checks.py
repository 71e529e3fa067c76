"""What the package says of a drawn circuit, held against the dense oracles, field by field."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import oracle
import oracle_algebra as dense
import oracle_sectors as blocks
from generator import Drawn

import pennylane_wishart as pw
from pennylane_wishart.errors import WishartError

__all__ = ["LAWS", "Finding", "Report", "check", "law_name", "own_characteristic"]

MAX_POINTS, MAX_FREQUENCIES, MAX_SHARED = 3_000, 25, 60
"""Size of the exact expansion, and of its part that belongs to parameters with several rotations: the
package averages those by a quadrature, whose cost goes with that size."""
LAWS = ("uniform", ("normal", 0.4), ("uniform", -0.7, 0.7))
"""The three laws of ``angles=``: one period, normal, and an interval about 0."""
MOMENT = 1e-8  # of the observable's size squared: what double precision leaves after 10⁴ terms
_FIELDS = ("dim", "multiplicity", "beta", "weight", "center", "ground", "mean", "dof")


@dataclass(frozen=True)
class Finding:
    """One difference: its kind, and what was expected."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass
class Report:
    """What was compared on one circuit, and what differed."""

    compared: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Not faults: no deep limit found, an algebra whose merging is a matter of convention."""

    def hold(self, kind: str, got, expected, tolerance: float) -> None:
        """Compare numbers."""
        self.compared.append(kind)
        got, expected = np.asarray(got, float), np.asarray(expected, float)
        if got.shape != expected.shape or not np.all(np.abs(got - expected) <= tolerance):
            self.findings.append(Finding(kind, f"{np.round(got, 8).tolist()} for {np.round(expected, 8).tolist()}"))

    def same(self, kind: str, got, expected) -> None:
        """Compare exactly."""
        self.compared.append(kind)
        if got != expected:
            self.findings.append(Finding(kind, f"{got} for {expected}"))


def check(drawn: Drawn, parts=("moments", "algebra", "deep", "sectors")) -> Report:
    """Hold everything that the package says of a circuit against the oracles.

    Raises:
        oracle.TooLarge: if the exact expansion would be too large; draw another circuit.
    """
    report = Report()
    model = oracle.read(drawn.qnode, drawn.args)
    owners = [f.parameter for f in model.merged]
    if np.prod([len(model.frequencies(k)) for k in set(owners) if owners.count(k) > 1]) > MAX_SHARED:
        raise oracle.TooLarge("shared angles")
    fourier = oracle.Fourier(model, MAX_POINTS, MAX_FREQUENCIES)
    try:
        # the oracle reads no package record: what raises from here on is the package
        signature = pw.signature(drawn.qnode)(*drawn.args)
        laws = LAWS if "moments" in parts else LAWS[: "deep" in parts]
        predictions = {law: pw.predict(signature, angles=law) for law in laws}
    except Exception as err:
        kind = "refused" if isinstance(err, WishartError) else "crash"
        report.findings.append(Finding(f"{kind} {type(err).__name__}", str(err)[:200]))
        return report
    for name, compare in (("moments", _moments), ("algebra", _algebra), ("deep", _deep), ("sectors", _sectors)):
        if name in parts:
            try:
                compare(report, model, fourier, signature, predictions)
            except dense.Unclear as err:
                report.notes.append(f"{name}: {err}")
            except Exception as err:
                report.findings.append(Finding(f"crash in {name}", f"{type(err).__name__}: {err}"[:200]))
    return report


# ---------------------------------------------------------------------- moments
def law_name(spec) -> str:
    """Return the name of a law in findings."""
    return spec if isinstance(spec, str) else {2: "normal law", 3: "range"}[len(spec)]


def own_characteristic(spec, period: float):
    """Return E[exp(i·f·θ)] of a law as users write it."""
    if spec == "uniform":
        low, high = 0.0, period
    elif spec[0] == "normal":
        return lambda f: np.exp(-0.5 * (np.asarray(f) * spec[1]) ** 2)
    else:
        low, high = spec[1:]
    return lambda f: np.exp(0.5j * np.asarray(f) * (low + high)) * np.sinc(np.asarray(f) * (high - low) / 2 / np.pi)


def _moments(report, model, fourier, signature, predictions) -> None:
    circuit = signature.circuit
    rng = np.random.default_rng(1)
    size = fourier.scale * max(1.0, np.sqrt(2**model.n_qubits) / 4)
    for theta in rng.uniform(-7, 7, (2, model.n_params)):
        report.hold("normal form", circuit.loss(circuit.angles_of(theta)), fourier(theta), 1e-9 * size)
    periods = predictions["uniform"].angles.high
    if all(_commensurate(f) for f in fourier.frequencies):
        report.same("periods", [k for k, t in enumerate(periods) if not fourier.is_period(k, t)], [])
    for spec, p in predictions.items():
        exact = fourier.moments([own_characteristic(spec, t) for t in periods])
        m, name = p.moments, law_name(spec)
        slack = MOMENT * size**2
        scales = np.array([max(1.0, np.abs(f).max()) ** 2 for f in fourier.frequencies])
        report.hold(f"moments {name}: E loss", m.loss_mean, exact.loss_mean, slack + 5 * m.loss_mean_error)
        report.hold(
            f"moments {name}: Var loss", m.loss_variance, exact.loss_variance, slack + 5 * m.loss_variance_error
        )
        mean_error = np.sqrt(m.gradient_variance / m.n_samples) if m.n_samples else 0.0
        report.hold(f"moments {name}: E grad", m.gradient_mean, exact.gradient_mean, slack * scales + 5 * mean_error)
        allowed = slack * scales + 5 * m.gradient_variance_error
        report.hold(f"moments {name}: Var grad", m.gradient_variance, exact.gradient_variance, allowed)
        report.same(f"dead {name}", tuple(int(k) for k in p.dead_parameters), fourier.dead)


def _commensurate(f: np.ndarray) -> bool:
    return bool(np.allclose(f * 24, np.round(f * 24), atol=1e-7))


# ---------------------------------------------------------------------- algebra, deep limit
def _algebra(report, model, fourier, signature, predictions) -> None:
    factors, _ = model.rotations
    size = 2**model.n_qubits
    merged = dense.close([f.generator for f in model.merged], size)
    raw = dense.close([f.generator for f in factors], size)
    if not (merged.certain and raw.certain):
        report.notes.append("algebra: the rank is not certain")
        return
    got = signature.algebra.dim
    if got != merged.dim == raw.dim:
        others = (oracle.merge(factors, nearest=False), oracle.merge(factors[::-1]))
        if any(got == dense.close([f.generator for f in other], size).dim for other in others):
            report.notes.append("algebra of another choice of merged generators")
            return
    report.same("algebra", got, merged.dim)
    if got == merged.dim and signature.algebra.is_closed:
        report.same(
            "centre", signature.algebra.center_dim, dense.center_dimension(merged, [f.generator for f in model.merged])
        )


def _deep(report, model, fourier, signature, predictions) -> None:
    deep = predictions["uniform"].deep
    if deep is None or not deep.available:
        report.notes.append(f"no deep limit: {'' if deep is None else deep.reason}")
        return
    factors = model.merged
    asked = [f.generator for f in factors]
    exact = dense.deep_moments(asked, model.rotations[1], model.state, asked)
    slack = 1e-8 * max(1.0, float(np.linalg.norm(model.observable, 2)) ** 2)
    report.hold("deep mean", deep.mean, exact.mean, slack)
    report.hold("deep variance", deep.variance, exact.variance, slack)
    owners = [f.parameter for f in factors]
    once = [i for i, k in enumerate(owners) if owners.count(k) == 1]
    own = [owners[i] for i in once]
    scale = max([1.0, *(float(np.linalg.norm(g, 2)) ** 2 for g in asked)])
    report.hold("deep gradient", deep.gradient_variance[own], exact.gradient_variance[once], slack * scale)


# ---------------------------------------------------------------------- sectors
def _sectors(report, model, fourier, signature, predictions) -> None:
    generators, observable, state = [f.generator for f in model.merged], model.rotations[1], model.state
    spin = signature.spin_factor
    if spin is not None:
        exact = dense.deep_moments(generators, observable, state, [])
        report.hold("spin factor: variance", spin.variance, exact.variance, 1e-8 * np.linalg.norm(observable, 2) ** 2)
        report.hold("spin factor: offset", spin.offset, exact.mean, 1e-8 * np.linalg.norm(observable, 2))
        return
    if not signature.sectors:
        report.findings.append(Finding("sectors missing", signature.reason))
        return
    relevant = blocks.relevant_generators(generators, observable)
    exact, connects = blocks.sectors(relevant, observable, state)
    whole = _sector_differences(signature, exact, connects)
    # A circuit whose linked sectors all hold the same state is told in the space that it reaches; where the
    # observable connects sectors, whether its blocks split the copies of one is a matter of listing; and so is
    # whether a generator counts that commutes with the loss's module and not with the other generators.
    for chosen in (relevant, blocks.connected_generators(generators, relevant), generators) if whole else ():
        for small in (False, True):
            for split in (True, False):
                inside = blocks.reachable(chosen, observable, state) if small else (chosen, observable, state)
                told, linked = blocks.sectors(*inside, split=split)
                if whole and (split or linked) and not _sector_differences(signature, told, linked):
                    kind = "relevant" if chosen is relevant else "more"
                    report.notes.append(f"sectors of {kind} generators, reachable space {small}, split {split}")
                    whole = []
    report.compared += [f"sectors: {name}" for name in _FIELDS]
    report.findings += whole


def _sector_differences(signature, exact, connects) -> list[Finding]:
    """Return what differs, sector by sector and field by field, among those that carry weight."""
    left = [s for s in signature.sectors if s.weight > 1e-9]
    wanted = [s for s in exact if s.weight > 1e-9]
    sizes = [sorted((s.dim, s.multiplicity) for s in group) for group in (left, wanted)]
    title = "sectors (connected)" if connects else "sectors"
    if sizes[0] != sizes[1]:
        return [Finding(f"{title}: dim, multiplicity", f"{sizes[0]} for {sizes[1]}")]
    # what coherences between copies add to the mean never moves: the package counts it in every centre
    still = blocks.conserved_part(wanted) if not connects else 0.0
    out = []
    for s in wanted:
        s = replace(s, center=s.center + still, ground=s.ground + still)
        fields = _FIELDS if s.resolved and not connects else _FIELDS[:4]
        best = min(left, key=lambda t: _distance(t, s, fields))
        left.remove(best)
        for name in fields:
            a, b = getattr(best, name), getattr(s, name)
            bound = name in ("ground", "mean", "dof") and best.ground_status == "bound"
            wrong = a != b if name == "beta" else abs(a - b) > (1e-6 if name == "dof" else 1e-7) * (1 + abs(b))
            if wrong and not bound:
                out.append(
                    Finding(f"{title}: {name}", f"{a} for {b}; N={s.dim} x{s.multiplicity} weight {s.weight:.4g}")
                )
    return out


def _distance(got, wanted, fields) -> float:
    out = 0.0
    for name in fields:
        a, b = getattr(got, name), getattr(wanted, name)
        out += float(a != b) * 0.3 if name == "beta" else abs(a - b) * (100 if name in ("dim", "multiplicity") else 1)
    return out
