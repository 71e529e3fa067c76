"""Levels, limits of work and tolerances of the room ``costs``, each with its reason."""

from __future__ import annotations

# ---------------------------------------------------------------------- what is run
SAMPLES = 100
"""Random parameter sets of a cost: a gradient variance good to a fifth, and a cost runs many circuits."""
PROBED = 20
"""Samples at which chain factors are followed further: ratios of sums that differ by a factor of a hundred."""
DIAGNOSED = 12
"""Different circuits of a cost that are each diagnosed: a second or two; of a larger data set the first."""
SINGLE_PARAMETERS = 32
"""Parameters without gradient that are moved one by one; more of them tensor by tensor."""
TRIED = 5
"""Samples at which a lost derivative is looked for by difference quotients: one may stand on a step."""

# ---------------------------------------------------------------------- numbers
ZERO_DOUBLE, ZERO_SINGLE = 1e-9, 1e-4
"""Parts of the usual size below which a derivative is rounding: a thousand operations' worth, and a margin."""
ROUNDING = 1e-4
"""Times these, of an output's own range: rounding of a simulation, which is all there is where everything is dead."""
DOUBLE_BYTES = 8
"""Bytes of a float in double precision."""
SAME_VALUE_DOUBLE, SAME_VALUE_SINGLE = 1e-10, 1e-5
"""Relative difference of two runs at the same parameters that rounding explains; more is data in random order."""
STEP_DOUBLE, STEP_SINGLE = 1e-4, 1e-2
"""Step of a difference quotient: its own error is the square of it."""
MOVED = 1e-6
"""Difference quotients below this part of the outputs' usual derivative are 0: the step's error is 1e-8."""
LINEAR = 1e-8
"""Chain factors that vary by less over random parameters are constants: the cost is linear in its outputs."""
DENIED = 6.0
"""Sampled standard errors, added up over parameters, that an exact variance may differ by: heavy tails included."""
LABEL = 1e-4
"""Relative scatter of the label that single samples imply: below, the cost is quadratic in that output."""
LABEL_TAP = 0.5
"""What an output is moved by to see how its chain factor bends: a quarter of an observable's range."""
LABEL_SAMPLES = 4
"""Samples that must agree on a label."""
RANGE = 1e-6
"""A label beyond an output's bound by less is on it."""

# ---------------------------------------------------------------------- what counts as lost
CANCELLED = 0.01
"""A gradient whose square is below this part of the squares that it is summed from is cancelled: a tenth in size."""
SMALL_CHAIN = 0.01
"""A cost that moves by less than this when its outputs run through half their range: learning rates of hundreds."""
CHAIN_QUANTILE = 0.75
"""Of random parameters: a hinge or a saturated function may be flat at half of them and train all the same."""
SCALED = 1e-4
"""Gradient squares this part of what the circuit has by its own parameters: the angles move a hundredth as fast."""
LOST = 0.5
"""More than this part of the parameters without gradient is a fault; less is what last layers have anyway."""

# ---------------------------------------------------------------------- Born machines
MMD_QUBITS = 10
"""Qubits of a Born machine: its distribution has 1,024 outcomes, and so has its target."""
MMD_EXACT_WORDS = 256
"""Z words whose second moments are found one by one: eight qubits, a few seconds."""
MMD_SAMPLES = 500
"""Random parameter sets for the gradients of a Born machine: variances good to a tenth."""
