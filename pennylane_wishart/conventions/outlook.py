"""Limits of work and tolerances of ``outlook``: certificate, reach and descents (THEORY §7e–g)."""

from __future__ import annotations

STARTS = 8
"""Descents at first: eight decide 71 of 73 circuits."""
MAX_STARTS = 128
"""Descents at most: 32 leave 14% of 110 circuits of users undecided, mostly between 35% and 75% of trapped starts."""
USUAL_STARTS, FURTHER_BUDGET = 32, 6.0
"""Starts that only the budget limits, and the seconds within which more are run while nothing is decided."""
HITS = 3
"""Ends at the best level that are wanted before it is taken for the reachable one."""
SAME_LEVEL = 0.01
"""Of the scale: ends that lie closer are one level."""
GRADIENT = 1e-4
"""Of the scale, largest component: the end is then within 0.003 of the scale in 41 of 44 descents."""
BUDGET = 30.0
"""Seconds that descents of a default diagnosis may take, as estimated before any is run."""
PREFLIGHT_BUDGET = 5.0
"""The same before a training run: a check that nobody waits for."""
GRADIENTS_EACH = 60.0
"""Gradients of one descent in the mean: 343 for eight in the median, with a tail."""
GRADIENT_SECONDS = 8e-4
"""Overhead of one gradient by the adjoint method of lightning.qubit, one core."""
CONE_SECONDS = 3e-4
"""The same of one light cone among many, whose gradients are taken together."""
AMPLITUDE_SECONDS = 1.5e-8
"""Per amplitude, gate and observable word, on the same core: 1.4 ms at ten qubits and forty rotations."""
MAX_QUBITS = 22
"""Three state vectors of 2^22 amplitudes: 200 MB."""
WORD_SECONDS, MODULE_WORDS = 4e-9, 2**20
"""Per rotation and word of the module, and the words at most, by the device wishart.lie."""
LIE_GATE_SECONDS = 1.2e-4
"""Per gate of a tape that this device reads: at a thousand gates this is the whole cost."""
CONES_FROM = 12
"""Qubits up to which a state vector is always taken: it costs milliseconds."""
MAX_ITERATIONS = 2000
"""Of one descent: the tail reaches 2,700 gradients."""

CERTIFICATE_QUBITS = 12
"""Beyond, states cost more than the descents that they would save."""
CERTIFICATE_DIMENSION = 96
"""Largest reachable space that is looked at: tangents of more cost more than eight descents."""

GROUND_DENSE_QUBITS = 8
"""A matrix of 256 rows is diagonalised in 20 ms."""
GROUND_SPARSE_QUBITS = 14
"""A Lanczos iteration costs words · 2^n: some seconds at 14 qubits and a hundred words."""
GROUND_DIAGONAL_QUBITS = 20
"""All 2^20 diagonal entries at once: a transform of 8 MB."""
REACHED_GAP = 1e-6
"""Of the spectrum's width: a reachable ground that lies higher is held back by a symmetry."""
CERTIFICATE_WORK = 3e8
"""Rotations · parameters · d²: about two seconds; descents cost less from there on."""
MARGIN = 4
"""Spare parameters of a certificate: with 3 one circuit in 229 had a descent above the optimum, with 4 none in 195."""

# the reached space, and ranks on it
RANK = 1e-8
"""Singular values below this share of the largest possible one are rounding."""
POINTS = 3
"""Random angles at which the rank of the tangents is taken: it is the largest of them."""
SPARE_STATES, LEAST_STATES = 8, 16
"""States drawn beyond the dimension that they may span, and at least: a span of fewer would be taken for exhausted."""
EXHAUSTED = 4
"""Fewer independent vectors than samples, by so many: one or two may be dependent by chance or rounding."""
REACHED_QUBITS = 14
"""Vectors of 2^14 amplitudes, a few hundred of them: tens of megabytes."""
KEPT_SPACES = 2
"""Reached spaces kept for the other outputs of the same QNode, and for the opposite observable: 10 MB each at most."""
REACHED_DIM = 256
"""Dimension of the space that is followed: a matrix exponential then takes ten milliseconds."""

# remedies
REMEDY_BUDGET = 4.0
"""Seconds that changes of the circuit may take to be tried, as estimated before: a diagnosis stays within ten."""
TRIAL_SECONDS = 0.05
"""Of every trial beside its gradients: reading the changed circuit and planning its descents."""
KEPT_FOR_LARGER = 0.4
"""Of it, for changes of more than 1.5 times the parameters: a long list of small ones would leave them nothing."""
REMEDY_QUBITS = 12
"""Beyond, a change takes minutes to be tried: only where a budget was given."""
FEW_PARAMETERS, MOST_PARAMETERS = 1.5, 4.0
"""Times the parameters: changes up to the first go before all larger ones; beyond the second nothing is tried."""
SCREENED, CONFIRMED = 4, 16
"""Descents of every change, and fresh ones of the best few: the best of several looks better than it is."""
CONFIRMATIONS = 2
"""Changes of each size that are descended afresh."""
HELPS, HALVED = 0.8, 0.5
"""Of the height before: above the first a change is not advised; below the second it goes before all that are not."""
MORE_LAYERS = (1, 2, 4)
"""Layers added: four removed the trouble of 11 circuits of 14, two of 6, one of 2."""
RESTARTS = (2, 4, 8, 16, 32)
"""Starts of which the best is kept: more cost more than a larger circuit."""
RESTARTS_MISSED = 0.25
"""Share of trainings of so many starts that may end above what is promised: at a half, half of them would fail."""
PAIRINGS = 2
"""Ways in which wires are paired for an entangled input: of a ring the two that tile it."""
GATES_NAMED = 40
"""Gates to delete that are listed by name: some lines."""
REMEDY_SEED = 1_000
"""Between the seeds of two changes: farther than the rounds of one circuit's descents."""

# at a point
HESSIAN_PARAMETERS = 64
"""Parameters of which all second derivatives are taken: two gradients each, a second at ten qubits."""
WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Radians: standard deviations of the normal neighbourhoods that are looked at, half a decade apart."""
NEIGHBOURS = 32
"""Points of each: the rms gradient is then known to 10–20%."""
FLAT = 1e-6
"""Of the scale of gradients: a smaller one is none."""

# planes
SLICE_REACH = 3.141592653589793
"""Radians to either side of a point: a whole period of a rotation."""
SLICE_INDEPENDENT = 1e-9
"""Of the longer of two directions: a smaller part across it is rounding."""

# descents under noise
NOISY_QUBITS = 6
"""The observable of a noisy circuit has 4^6 words: some milliseconds a gate."""
NOISY_GATE_SECONDS = 1.5e-4
"""Of one gate in one gradient, there and back, whatever its size: calls of numpy."""
NOISY_WORD_SECONDS = 4e-8
"""… and per word."""

# ------------------------------------------------------------------ initialisation
INIT_WIDTHS = (0.03, 0.06, 0.12, 0.2, 0.3, 0.45, 0.65, 0.9, 1.3)
"""Widths tried, radians: a third between neighbours; below, gradients only shrink, above, angles are nearly uniform."""
INIT_SHARE = 0.5
"""Share of the largest E‖∇ℓ‖² that bounds the radius around given angles."""
INIT_ERRORS = 2.0
"""Errors by which a group's own width must be better to be taken."""
