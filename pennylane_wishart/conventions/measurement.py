"""Limits of work, tolerances and format numbers of the room ``measurement``, each with its reason."""

from __future__ import annotations

# ---------------------------------------------------------------------- the plan and how it is cut
BLOCK = 25
"""Samples drawn from one random stream; part of every stored plan: another value would change all old numbers."""
LARGE_WIRES, MEDIUM_WIRES = 20, 15
"""From 20 wires one gradient is a job of its own, from 15 a few of them are: a kill then costs little."""
MEDIUM_CHUNK, SMALL_CHUNK = 5, 25
"""Samples of one job on smaller devices: handing a job over should cost little beside measuring it."""
WINDOW = 32
"""Chunks handed to an executor at a time: enough for every worker of one machine, few enough that another process
on the same store finds work left."""
KEPT_ENGINES = 4
"""Engines that a thread keeps: two measurements that take turns, each with a pilot; a state of 28 qubits is 4 GiB."""
SHOWN_JOBS = 5
"""Job ids named in a warning; ``stored_jobs`` lists all."""
ANSWER_PATIENCE, OTHERS_PATIENCE = 1.0, 0.2
"""Seconds between two signs of life while workers are silent, and between two looks at what others have measured."""
START_PATIENCE = 300.0
"""Seconds that a process may take to import PennyLane on a machine where every core is busy."""

# ---------------------------------------------------------------------- checks of a device and of a route
CHECK_SHOTS = 1000
"""Shots of one circuit of the device check, at least: 5 standard errors are then 0.16, below what it looks for."""
CHECK_POLAR, CHECK_AZIMUTH = 2.2753, 0.334
"""The state that is measured: ⟨X⟩ = 0.72, ⟨Y⟩ = 0.25, ⟨Z⟩ = −0.65, so that a basis or a sign that is mixed up shows
in every pair."""
CHECK_DECOHERENCE, CHECK_SIGMAS = 0.2, 5.0
"""What one qubit of a noisy device may lose, and standard errors that shots may add (6e-7 of checks exceed five)."""
CHECK_CIRCUITS = 3
"""One for each of X, Y and Z."""
CHECK_LEAST = 25
"""Samples between two checks, at least: a check costs as much as a few samples."""
CHECK_SHARE = 0.1
"""Shots that checks in between may add, as a share of what they watch over."""
CHECK_PARTS = 4
"""Parts of a long run that are checked in any case: at most a quarter is lost to a device that drifts."""
ROUTE_INTERVAL = 100
"""Samples between two checks of a fast route, each of which costs one gradient: a hundredth."""
ROUTE_SEED = 11
"""Of the point where a route is compared; fixed, so that a route is taken or refused alike in every process."""
ROUTE_ANGLES = (0.2, 2.9)
"""Range of that point: away from 0 and π, where gates commute that should not."""
ROUTE_TOLERANCE, ROUTE_STEP = 1e-6, 1e-5
"""Error allowed in units of the gradient, and step of the difference quotient: both its own error (the step squared)
and rounding over the step are near 1e-10, and a wrong gradient is off by its own size."""
ROUTE_TOLERANCE_SINGLE, ROUTE_STEP_SINGLE = 2e-2, 2e-2
"""The same in single precision, whose losses are good to 1e-5 or so after hundreds of gates."""

# ---------------------------------------------------------------------- prepared tapes
PROBE_SEED = 20260
"""Of the points at which a device's preprocessing is probed; fixed, for tapes that are the same in every process."""
PROBE_ANGLES = (0.3, 2.8)
"""Range of those points: no gate is an identity there, which devices drop."""
AFFINE_TOLERANCE = 1e-9
"""A parameter that misses its affine map by more than rounding (1e-15 of an angle) is not affine in one gate value."""
OFFSET_ROUNDING, SLOPE_ROUNDING = 1e-13, 1e-12
"""Below this an offset is 0, and a slope an integer: differences of probes leave a few units of 1e-16 each."""

# ---------------------------------------------------------------------- gates and their kernels
GENERATOR_WIRES = 8
"""Generators on more wires are not diagonalised, nor fixed gates made into matrices: every wire costs eight times."""
OBSERVABLE_WIRES = 10
"""A dense observable on more wires costs more than the circuit."""
BATCH_WIRES = 24
"""A batch of states on more wires would not fit into memory: two of them take 0.5 GiB at 24."""
BATCH_BYTES = 2**19
"""Working memory of one batch of states: smaller batches stay in the cache and are faster."""
BATCH_POINTS = 256
"""Points simulated at once, at most: beyond, the batch axis gains nothing."""
KEPT_WIRES = 12
"""Up to here the index and phase arrays of a word are kept (100 KiB each); beyond they are made when needed."""
ZERO_ENTRY = 1e-15
"""An entry of a gate's matrix below this is rounding of a 0, and is not multiplied with."""
RECIPE_ROUNDING = 1e-12
"""A shift recipe whose factor differs from 1 by more is no parameter shift."""
FREQUENCY_ROUNDING, FREQUENCY_DIGITS = 1e-9, 9
"""Frequencies that agree to 9 digits are one: eigenvalues of a generator are good to 1e-14."""

# ---------------------------------------------------------------------- lightning's private and wrong derivatives
CPP_FIRST, CPP_AFTER = "0.44", "0.47.dev0"
"""Versions of pennylane-lightning that the private C++ route was checked with; any other takes the public route."""
WRONG_SEED = 17
"""Of the angles around a gate whose derivative is tried."""
WRONG_ANGLES = (0.3, 1.2)
"""Range of those angles: generic, so that a wrong derivative is off by 0.1 or so."""
WRONG_STEP, WRONG_TOLERANCE = 1e-4, 1e-5
"""Step of the difference quotient in double precision, and its error: 1e-8 from the step, 1e-12 from rounding."""
WRONG_STEP_SINGLE, WRONG_TOLERANCE_SINGLE = 0.05, 2e-2
"""The same in single precision: 2e-3 from the step, 1e-5 from rounding; a wrong derivative is off by 0.1."""
MOVED_BY = 0.37
"""How far the arguments are moved to see which parameters of a tape follow them."""
SAME_PARAMETER = 1e-12
"""Two parameters closer than that have not moved: moves are 0.37 times a rate."""

# ---------------------------------------------------------------------- journal and jobs
JOURNAL_APPLICATION = 0x57495348
"""SQLite's application id of a journal: "WISH"."""
JOURNAL_SCHEMA = 3
"""Version of the tables; 1 and 2 did not say which device measured."""
LEASE = 600.0
"""Seconds after which a claim of another host counts as dead without a sign of life: ten missed ones."""
BEATS_PER_LEASE = 10
"""Signs of life in one lease: one lost to a busy disk costs nothing."""
FLOAT_BYTES = 8
"""Of one float64 of a sample's payload."""
JOB_INTERVAL = 0.05
"""Seconds between two looks for a job id: a job waits for seconds at the least, and a look costs microseconds."""
BUSY_TIMEOUT = 60.0
"""Seconds that SQLite waits for another process's transaction, each of which takes milliseconds."""

# ---------------------------------------------------------------------- reading a device
MOST_DEPTH, MOST_NODES = 100, 200_000
"""Depth and size of an object that is read for its identity; beyond, it is said not to be identified."""
SHOWN_SETTING = 48
"""Longest setting that is kept in full; of longer ones a digest tells whether they are equal."""
SHOWN_DIGEST, SHOWN_SHORT = 16, 8
"""Hexadecimal digits of a setting's digest (a million of them collide with odds of 3e-8), and of a short name."""
SHOWN_DIFFERENCES = 4
"""Differences between two devices that a message names."""

# ---------------------------------------------------------------------- records
RECORD_SCHEMA, FIRST_SCHEMA = 2, 1
"""Version of stored records; 1 had no identity of the device, and is still read."""
PLAN_SCHEMA, QUOTE_SCHEMA = 1, 1
"""Versions of a plan and of a quote; that of a plan is part of every content hash."""
LAW_HEAD, LAW_DIGITS = 3, 12
"""Angle sets and digits of them that name a law: a custom law is a function, which has no other address."""
SHOWN_VALUE = 12
"""Characters of a hash in a message."""

# ---------------------------------------------------------------------- second derivatives
STENCIL = (
    *((-4, 1 / 280), (-3, -4 / 105), (-2, 1 / 5), (-1, -4 / 5)),
    *((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280)),
)
"""(steps, weight) of a first derivative of eighth order."""
STENCIL_STEP = 0.05
"""Over the fastest that a parameter can change the loss: leaves out step⁸/630 = 6e-14 of the largest second derivative
that there can be, and rounding loses as much."""
HESSIAN_FLOATS = 1 << 22
"""Gate values that are differentiated in one call (32 MiB): larger batches gain no speed."""
SHIFT_DIGITS = 12
"""Digits to which two shifts of one gate add up to the same angle."""

# ---------------------------------------------------------------------- descents
RESTARTS = 3
"""Runs of L-BFGS-B, each from where the last left off: the first to descend, the others for the last digits."""
MEMORY = 20
"""Pairs that L-BFGS-B remembers: more than SciPy's 10, for landscapes with many soft directions."""
LINE_SEARCHES = 4
"""Evaluations allowed per iteration: a step takes one or two."""
ZERO_CURVATURE, LEAST_CURVATURE = 2e-5, 1e-9
"""An eigenvalue below this share of the largest counts as zero (a descent that stops at a gradient of 1e-7 leaves
curvature of that size in soft directions); and the largest curvature that counts as one at all."""
NEGATIVE_CURVATURE = -1e-5
"""An end with an eigenvalue below this is a saddle; smaller ones are what an unfinished descent leaves."""
LEVEL_CHANGE = 1e-7
"""Change of ℓ (relative to its range among end points) below which a path counts as level: ends agree to 1e-9 or so."""
LEAST_RANGE = 1e-3
"""Range of losses that is taken at the least, so that ends of one minimum are not told apart by rounding."""
LEVEL_POINTS, LEVEL_MIDDLE = 12, 5
"""Points of the line between two ends, both included, and the one near its middle among the inner ones."""
FLAT_SEED, FLAT_EXTRA = 3, 5
"""Of the gradients whose rank tells redundant parameters, and how many more of them there are than parameters."""
FLAT_RANK, LEAST_GRADIENT = 1e-9, 1e-30
"""Singular values below this share of the largest are zero; and the largest that is divided by."""
PERIOD_SEED, PERIOD_ANGLES = 5, (0, 3)
"""Of the point from which a period is tried, and its range."""
PERIOD_SETS, HALF = 24, 0.5
"""Random sets of half the parameters whose periods are tried together; a false one passes with chance 2^-24."""
PERIOD_TOLERANCE = 1e-7
"""Change of ℓ over a true period: rounding alone, 1e-12 or so; a wrong period changes it by 0.1."""

# ---------------------------------------------------------------------- budgets of shots
PILOT_WIRES = 14
"""Larger circuits are not simulated to split a budget: a pilot of 100 gradients stays within seconds."""
LEAST_SAMPLES = 20
"""Angle sets that a budget must pay for: fewer say nothing of a variance."""
PILOT_SAMPLES, PILOT_SHOTS = 100, 100
"""The plan that the pilot draws; only its circuits are counted."""
NOISE_SHOTS, NOISE_SAMPLES, NOISE_COMPONENTS = 200, 4, 8
"""Shots, samples and components of the pilot's noise, which hardly differs between components."""
NO_VARIANCE = 1e-14
"""A mean squared gradient below this is rounding of 0."""
NORMAL_KURTOSIS, LEAST_KURTOSIS = 3.0, 1e-3
"""Of a normal law, taken where no pilot tells; and κ − 1 at the least, so that two-valued laws divide by something."""

# ---------------------------------------------------------------------- statistics
REPLICATES, SHOWN_REPLICATES = 400, 100
"""Bootstrap replicates: a standard error is then good to 4%; printing is content with 7%."""
BOOTSTRAP_SEED = 7
"""Of the bootstrap: the same record prints the same numbers."""
UNSEEN = 6.0
"""Relative variance of a square that n values cannot rule out, times √n. This constant, and the 2 in
``raised_spread``, were set so that thirteen families of values, from a cosine to a variance-gamma law of
excess kurtosis 10, are covered at 20, 40, 100 and 300 values alike (benchmarks/false_alarms.py prints it)."""
TAIL = 0.025
"""Either tail of the 95% intervals."""
LEAST_SHAPE = 4
"""Values from which a kurtosis can be estimated: its unbiased form divides by n − 3."""
LEAST_LOSSES = 3
"""Losses from which degrees of freedom are estimated at all."""

# ---------------------------------------------------------------------- light cones
STATE_QUBITS = 22
"""Above, a state vector and its two companions no longer fit beside others in memory."""
DIAGONALISING_DEVICES = ("default.qubit", "default.mixed")
"""Simulators that keep eigenvectors of sums, by their terms alone: they are given lists of coefficients and words."""
CONE_DEVICES = ("lightning.qubit", "default.qubit")
"""Devices that light cones stand in for: state vectors of one processor, whose exact values they give."""

# ---------------------------------------------------------------------- noise fitted from calibration runs
FIT_SHOTS = 4000
"""Shots of a calibration circuit: a readout error of 3% is then known to a tenth of it."""
FIT_CIRCUITS = 12
"""Random circuits beside the two of the readout: rates of gates to about 5%."""
FIT_WIRES = 4
"""Wires fitted together: 16 outcomes a circuit; more are fitted group by group."""
FIT_GATE_WIRES = 2
"""Wires of a gate that the model gives noise to: larger ones are compiled, and have the noise of their parts."""
FIT_LEAST_SHOTS = 100
"""Fewer make counts whose spread is not normal."""
FIT_LEAST_LAYERS, FIT_MORE_LAYERS = 1, 5
"""Layers of the first random circuit, and how many more the last one has: rates show where they add up."""
FIT_START = (0.003, 0.003, 0.01, 0.01)
"""Depolarising and damping of one-wire, then of two-wire gates, where the fit starts: those of machines of today."""
FIT_LEAST, FIT_MOST = 1e-4, 0.5
"""A readout error starts above the bound at 0; no rate is larger than one half."""
FIT_ROUNDS = 2
"""Fits, each with the weights of the one before: the second moves rates by a hundredth of their error."""
FIT_LEVEL = 0.01
"""Of the χ² test: below, the device has noise that this model does not hold."""
