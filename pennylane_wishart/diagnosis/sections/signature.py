"""The algebra behind the laws."""

from __future__ import annotations

from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions import display
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import number, size
from pennylane_wishart.errors import Status
from pennylane_wishart.report import Figure, Row, Section
from pennylane_wishart.sectors import Fit, Sector, Signature

__all__ = ["signature_section"]

_SIDE = {Status.TRUNCATED: "lower bound", Status.BOUND: "upper bound"}

_FITS = {Fit.CONNECTS: "observable connects it with other sectors", Fit.MIXES: "observable mixes its copies"}


def signature_section(diag: Findings) -> Section:
    """Algebra, module and the heaviest sectors."""
    sig = diag.signature
    closed = sig.algebra.is_closed
    rows = [
        Row("dynamical Lie algebra", sig.algebra.described(size),
            "Real Lie algebra spanned by nested commutators of the gates' generators: what the circuit can reach with "
            "enough depth.", "exact" if closed else "lower bound", "THEORY §2; Aguilar et al., arXiv:2408.00081"),
        Row("observable's module", f"dimension {_module(sig)}", "Span of everything that the observable becomes: the "
            "larger, the more the loss concentrates.", _SIDE.get(sig.module.status, ""),
            "THEORY §2; Ragone et al., arXiv:2309.09342"),
    ]  # fmt: skip
    rows += [_sector(i, s) for i, s in enumerate(sig.weighted_sectors[: limits.SECTORS])]
    left = len(sig.weighted_sectors) - limits.SECTORS
    if left > 0:
        rows.append(Row("further sectors", f"{left:,}", "Sectors that carry weight of the input and are not listed.",
                        "", "THEORY §5"))  # fmt: skip
    if sig.spin_factor is not None:
        f = sig.spin_factor
        rows.append(
            Row("spin factor", f"unit vector in {f.d} dimensions, amplitude {number(f.amplitude * f.norm)}",
                "The loss is one coordinate of a uniform unit vector, times the amplitude.", "exact", "THEORY §5")
        )  # fmt: skip
    figure = Figure(
        partial(plots.plot_sectors, sig),
        "Weight of the input in each sector, the heaviest first; hatched sectors are outside the theory.",
    )
    return Section("Signature", (), tuple(rows), (figure,) if len(sig.sectors) > 1 else ())


def _module(sig: Signature) -> str:
    try:
        return size(sig.module.dim)
    except OverflowError:  # too long to be written out
        return f"about 2^{sig.module.log2_dim:.0f}"


def _sector(i: int, s: Sector) -> Row:
    dim = f"{s.dim:,}" if s.dim < display.PLAIN_DIMENSION else f"2^{s.log2_dim:.0f}"
    free = (
        _FITS[s.fit] if s.fit in _FITS else
        "constant loss" if s.is_constant else
        f"r = {number(s.dof)}, m = {number(s.dof_finite)}" if np.isfinite(s.dof) else f"r = 2^{s.log2_dof:.1f}"
    )  # fmt: skip
    return Row(
        f"sector {i + 1}", f"N = {dim}, β = {s.beta or 'none'}, {free}, input weight {number(s.weight)}",
        "N: complex dimension; β = 1, 2, 4: real, complex or quaternionic; r: degrees of freedom of the published "
        "Wishart law; m: the same at finite size, 1/m = 1/r − 1/N; weight: probability of finding the input here.",
        "in the theory" if s.in_theory else "outside the theory", "THEORY §5; Anschuetz, arXiv:2408.11901",
    )  # fmt: skip
