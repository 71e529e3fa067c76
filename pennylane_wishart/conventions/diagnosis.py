"""Limits of work and of display of the room ``diagnosis``, each with its reason."""

from __future__ import annotations

# ---------------------------------------------------------------------- what is run
SAMPLES = 300
"""Random angle sets: a second or two at ten qubits, and variances good to 10%."""
FULL_OUTPUTS = 4
"""Outputs of one QNode that are each measured and descended from: what a user waits four times one diagnosis for."""
MEASURED_QUBITS = 20
"""A state-vector simulation of 20 qubits and a few hundred samples is what 'quick' can mean."""
DEPTH_POINTS = 14
"""Circuits of the depth curve: as many as a figure of its width tells apart."""
DEPTH_SUPPORT = 1 << 14
"""Reachable words of each."""
DEPTH_STEPS = 1.5e6
"""Rotations times reachable words: about a second for all points."""
DEPTH_WORK, DEPTH_MODULE = 1e8, 128
"""Work of the exact engine, and dimension of a module, for one point: a tenth of a second."""
DEPTH_DENSE_QUBITS = 8
"""Generators that are no Pauli words are followed as matrices of 256 rows."""

# ---------------------------------------------------------------------- shots
LARGEST_BITS = 1000.0
"""Bits: beyond, a float overflows, and no one counts such shots."""
SHOT_ROUNDING = 1e-9
"""Part of a shot that rounding may have added."""

# ---------------------------------------------------------------------- what is shown
SHOTS_RANGE = (0.1, 0.5, 0.9)
"""Quantiles over parameters: the median and the range that holds four of five."""
SECTORS = 4
"""Sectors that are listed: the heaviest, the others are counted."""
NAMES, INDICES = 8, 20
"""Parameters that are named, and numbered, before "and more": one line, two lines."""
PLAIN_NUMBERS, WHOLE_NUMBERS = (1e-4, 1e15), 1e4
"""Numbers outside this range are written as powers of two; from 10,000 on without decimals."""
BOUND_ERRORS = 2
"""Standard errors above an estimate that is no larger than its own error: what is then said to be its most."""
LOSS_ROUNDING, END_ROUNDING = 1e-15, 1e-6
"""Of the observable's size, and of the scale of descents: smaller values are rounding, and written as 0."""
LEAST_SHARE = 1e-5
"""Smaller shares are written as "below" it: nobody acts on their digits."""
NEARLY_SURE = 0.999
"""A larger probability is written as "over" it: approximate tests know no certainty."""
FLAT_CURVATURE = 1e-6
"""Of the largest eigenvalue of the Hessian: a smaller one has no sign."""
LOSS_DIGITS = 12
"""Decimals of a loss that are shown as they are: below is rounding of a state vector."""

# ---------------------------------------------------------------------- noise
NOISE_LEAVES = 0.5
"""Share of the summed gradient variances that noise should leave: with half of it twice the shots do."""
NOISY_MEASURED_QUBITS = 4
"""Qubits up to which a noise model is run on default.mixed, some milliseconds a circuit; beyond only predicted."""
