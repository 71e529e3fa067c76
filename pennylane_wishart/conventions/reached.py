"""Limits and tolerances of the space that a circuit reaches, and of the certificate on it (THEORY §7e)."""

from __future__ import annotations

RANK = 1e-8
"""Singular values below this share of the largest possible one are rounding."""
POINTS = 3
"""Random angles at which the rank of the tangents is taken: it is the largest of them."""
SPARE_STATES, LEAST_STATES = 8, 16
"""States drawn beyond the dimension that they may span, and at least: a span of fewer would be taken for exhausted."""
EXHAUSTED = 4
"""Fewer independent vectors than samples, by so many: one or two may be dependent by chance or rounding."""
MAX_QUBITS = 14
"""Vectors of 2^14 amplitudes, a few hundred of them: tens of megabytes."""
MAX_DIM = 256
"""Dimension of the space that is followed: a matrix exponential then takes ten milliseconds."""
