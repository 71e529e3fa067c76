"""Limits of work and tolerances of :mod:`pennylane_wishart.variances`, each with its reason."""

from __future__ import annotations

# ------------------------------------------------------------------ confidence
UNSEEN_CONFIDENCE = 0.95
"""Confidence of the limit on a rate that no walker hit: the rule of three, 3/n."""
RARE = 1e-3
"""Expected hits below which a coin of the same mean would have shown none: then the rule of three holds."""
UNSEEN_ROOT = 3.0
"""Root of the hits that a rate may have beyond those seen: 0 seen of 15 expected (chance 3e-7) is 5 errors off."""
CLEAR = 2.0
"""Errors that a signed average must be away from 0 to be a value: below, half of all signs would be noise."""
FEW_HITS = 30
"""Hits below which the normal interval is too short and the binomial limit is used: the textbook rule."""
ENOUGH_GRADED = 50
"""Effective walkers behind a value whose weights differ: fewer, and one walker may carry the sum."""
ENOUGH_SHARE = 10
"""… or every tenth walker, where there are fewer than 500 in all."""

# ------------------------------------------------------------------ rounding
ZERO = 1e-14
"""Cosines, coefficients and averages of size 1 after a few operations in double precision: smaller is 0.
cos(π/2) is 6e-17; left in place it would keep words alive that a Clifford angle removes."""
SAME_FREQUENCY = 1e-9
"""Frequencies closer than this, of size 1, are one: they are differences of eigenvalues, good to 1e-12."""
FREQUENCY_DIGITS = 11
"""Decimals that eigenvalues are rounded to, so that equal ones compare equal; eigh leaves 1e-14 of the norm."""
GENERATOR_DIGITS = 13
"""Decimals that generators are compared by: coefficients are products of a few numbers of size 1."""
TABLE_DIGITS = 14
"""Decimals that averages over one angle are compared by, to keep one table for equal ones."""
SEEN = 1e-12
"""Expectations of words on the input below this are 0: norms of 2^14 amplitudes are good to 1e-14."""
SUM_ROUNDING = 1e-14
"""Relative rounding of a sum of positive numbers."""
SIGNED_ROUNDING = 1e-13
"""Rounding of a sum of numbers of both signs, relative to the largest value that it could have had."""
ROUNDING_STEPS = 50
"""Rotations after which that rounding has doubled."""
MEAN_ROUNDING = 1e-12
"""Share of the mean's square that E[x²] − E[x]² must exceed: below, the difference is rounding."""
SAMPLE_ROUNDING = 1e-12
"""Of the largest loss or gradient that the circuit allows: sweeps of a thousand gates leave 1e-13."""
NEGLIGIBLE = 1e-300
"""Weights below this are dropped: their squares are below the smallest float."""
INDEPENDENT = 1e-9
"""Norm, of unit vectors, above which what is left after projection is a new direction."""
CLEAN = 1e-12
"""Entries of a generator on a basis below this share of the largest one are rounding of the basis."""

# ------------------------------------------------------------------ words
MAX_SUPPORT = 1 << 18
"""Reachable words of the exact engine when it is asked by name: seconds, and 100 MB of pairings."""
CHOICE_SUPPORT = 1 << 16
"""… when it is one of several: a quarter of that, then something else is tried."""
PROOF_SUPPORT = 20_000
"""… when only supports are followed, for proofs that a parameter is dead."""
BLOCK_FLOATS = 20_000_000
"""Weights saved between two sweeps before the sweep is cut and run twice: 160 MB."""
KEPT_AVERAGES = 1 << 12
"""Frequencies of one gate whose averages over its own angle are kept from node to node: 100 KB."""
TOGETHER = 64
"""Observables averaged in one sweep: a bit each of the integer that says whose words a word is."""
BATCH_FLOATS = 2_000_000
"""Words × chains carried at once: 16 MB, which stays near the cache."""
MAX_CHAINS = 4096
"""Products of pairs in the exact engine; each one is a sweep over all words."""
MAX_WALK_CHAINS = 100_000
"""… in walks, where a product costs memory only."""
KEY_QUBITS = 32
"""Qubits whose words fit in one 64-bit key."""
KEY_SEED = 0x9E3779B97F4A7C15
"""Seed of the hash beyond: the same words have the same keys in every run."""
KEY_TABLES = 4
"""Widths of words whose tables of keys are kept: half a megabyte at a thousand qubits."""
LARGEST_LOG2 = 1023.0
"""Exponents from here on are no floats."""
MAX_TERM_PAIRS = 2_000_000
"""Pairs of the observable's terms that are listed (2,000 terms): 100 MB."""
MAX_CREATED = 4096
"""Products that mixing may create before pairs are said to mix."""
PAIRS_A_PRODUCT = 16
"""Pairs of terms looked through for each of those."""
MAX_BRANCHES = 10_000_000
"""Branches of tuples of words that are kept: 8 s and 240 MB."""
BRANCH_COST = 500.0
"""Floating-point operations that take as long as one of them (measured: 0.7 μs)."""
SUM_WORK = 1e10
"""… given to pairs under gates that are sums: 5 million branches, three seconds; walkers know them to some percent."""
RECENT_GATES = 8
"""Gates whose mean number of branches tells how many are to come: a layer of a few qubits."""
PAIR_SHARE = 4
"""Part of the work limit given to pairs: they are tried before the module."""
MAX_PRODUCTS = 4096
"""Products of pairs that a sieve follows: milliseconds a gate; beyond, pairs are followed unsieved."""
SIEVED_RANK = 2
"""Independent words of a gate up to which a sieve asks what its average makes of a product; all its words beyond."""
MAX_RANK = 12
"""Independent words of one gate: 2^12 syndromes and shifts. Gates of users have at most 8."""
MAX_PATHS = 400_000
"""Paths of single words alive at one time: tens of megabytes at a hundred qubits."""

# ------------------------------------------------------------------ modules
MAX_MODULE = 1500
"""Dimensions of the observable's module: a rotation costs dim³, 3e9 operations."""
MAX_SUBSPACE_MODULE = 1000
"""… of operators on the input's subspace, which are dense from the start."""
SMALL_MODULE = 64
"""A module this small is taken without looking for a smaller one."""
MAX_MODULE_WORDS = 70_000
"""Reachable words that a smaller span is searched in: vectors of half a megabyte."""
MAX_SUBSPACE = 64
"""Dimensions of the input's subspace: its operators are 4,096 numbers each."""
MAX_VECTOR_QUBITS = 14
"""Qubits up to which the input is a vector that generators are applied to many times: 2^14 amplitudes."""
MAX_NUMBERED_QUBITS = 62
"""Basis states are numbered in int64, one bit of which is the sign and one kept free for sums."""
MAX_SPAN_FLOATS = 30_000_000
"""Numbers of a basis of operators: 240 MB."""
MAX_SPAN_WORK = 2e10
"""Multiply-adds of its orthogonalisation: ten seconds."""
PROJECTION_COST = 8.0
"""Multiply-adds of projecting a number on one direction, twice there and back."""
EXACT_WORK = 5e11
"""Operations of the module engine when it is asked by name: two minutes."""
CHOICE_WORK = 1e11
"""… when it is one of several: half a minute."""
SMALL_WORK = 2e10
"""… that are taken without trying pairs of words first: some seconds."""
STEP_COST = 64.0
"""Operations a rotation and matrix entry on the module route (complex products, there and back)."""
STEP_OVERHEAD = 2000.0
"""… and per rotation whatever the size: calls of numpy."""
SPARSE_WIDTH = 4
"""Entries a row of a sparse rotation cost as much as this many dense ones."""
DENSE_SHARE = 0.1
"""Filled share of an eigenbasis above which dense products are faster than sparse ones."""
MAX_TABLES = 64
"""Averages of rotations kept on a module; circuits have a few kinds of gates."""
MAX_NODES = 4096
"""Joint quadrature nodes of shared parameters; each one is a pass over the circuit."""
NODE_SHARE = 0.25
"""Of the work that an exact average may take, where it is many passes with independent angles beside: small products
are slower than they count, and samples are nearly as good."""
MEAN_NODES = 400
"""… for a mean alone, where a sampled value is nearly as good."""
FREQUENCY_RATIO = 1e5
"""Largest over smallest frequency of one parameter: beyond, its quadrature has too many nodes anyway."""
FREQUENCY_STEP = 1e-2
"""Smallest common unit, in units of the smallest frequency: below, they are incommensurate."""
FREQUENCY_MATCH = 1e-6
"""Remainders below this are 0 in Euclid's algorithm on frequencies rounded to 9 decimals."""
RATIO_DIGITS = 9
"""Those decimals."""
NAMED_PARAMETERS = 4
"""Shared parameters whose angles are listed by name in ``averaging``."""

# ------------------------------------------------------------------ groups of words
GROUP_SUPPORT = 1 << 14
"""Reachable words of a sweep over measured groups: it is only a part of a prediction."""
GROUP_WORK = 2e9
"""Its operations: a second."""
GROUP_MODULE = 400
"""Dimensions of the module of one group."""
MAX_ROUTES = 4
"""Groups whose second moments are found one by one."""
MEAN_MODULE = 6000
"""Words that a mean alone may reach: it costs words, not their square."""
PAIR_WORK = 3e10
"""Multiply-adds of the average of two copies of the state: ten seconds."""
SPARSE_PAIR_COST = 100.0
"""… where generators are sparse between basis states, in units of d⁴: d = 40 at 26 rotations is under a second."""
EIGH_COST = 10.0
"""Multiply-adds of all eigenvectors of a Hermitian matrix, in units of its size cubed."""
PAIR_COST = 16.0
"""Multiply-adds of one rotation there, in units of d⁶ on d dimensions."""

# ------------------------------------------------------------------ dead parameters
SETTINGS = 8
"""Random settings of all angles at which a derivative must vanish; one alone is right with probability 1."""
IDENTITY_WORK = 1e8
"""Amplitudes touched by the identity test, all settings together: about two seconds."""
SWEEP_COST = 6.0
"""Amplitudes touched a term in one adjoint sweep: the state, its image and the slope, there and back."""
IDENTITY_SEED = 0x57A7
"""Seed of the identity test's angles: the same question has the same answer."""
MAX_OPERATOR_COST = 20_000
"""Products of words in the commutators of one generator: milliseconds."""
MAX_ROUNDS = 4
"""Rounds of proofs, each on what the last one left: a bound on time, not on what is true."""
MAX_PASSES = 15
"""A generator of non-commuting words is followed until its words are closed: 2^rank − 1 passes, rank 4."""
MAX_EIGEN_QUBITS = 12
"""Qubits up to which the input is asked as a vector whether it is an eigenstate."""
MAX_EIGEN_TERMS = 256
"""Terms of the generator in that question."""
MAX_FORM_WORK = 4_000_000
"""Row operations of the linear algebra over F2: about a second; beyond, nothing more is proved."""
MAX_DENSE_BLOCK = 5
"""Qubits of an input block whose 4^k words are listed; larger ones count as seeing every word."""
RECENT = 256
"""Words compared at a time, the latest first: neighbours in time are neighbours in space."""

# ------------------------------------------------------------------ deep limit
DEEP_MODULE = 600
"""Module of the iteration: it is repeated up to thousands of times."""
SETTLED = 1e-13
"""Relative change of a pass below which the averaged circuit has mixed."""
MAX_MIXING_PASSES = 3000
"""Passes before the iteration gives up: gaps below 1/100 are not resolved."""
MIN_MIXING_PASSES = 80
"""What most circuits take: with fewer to spend nothing is begun."""
MIXING_WORK = 1e12
"""Operations of all passes: some seconds."""

# ------------------------------------------------------------------ state vectors
MAX_SAMPLED_QUBITS = 20
"""State vectors stop here: 16 MB each."""
MAX_LOCAL_QUBITS = 10
"""Qubits of one generator of non-commuting words: its eigenbasis is a matrix of 2^10 rows."""
BATCH_AMPLITUDES = 1 << 16
"""Amplitudes held at once: larger batches leave the processor's cache and take twice as long."""
CACHED_AMPLITUDES = 1 << 14
"""Amplitudes that are swept together: two states and what a gate makes of them stay in a core's own cache."""
KEPT_AMPLITUDES = 1 << 22
"""Amplitudes of states kept on the way forward, 64 MB: beyond, gates are undone, a third more work."""
SAMPLE_WORK = 8e9
"""Amplitudes touched by all samples together: a minute at most."""
SECOND_SAMPLE_WORK = 2e9
"""The same where walkers know the loss's variance and many of the gradients': some fifteen seconds."""
MOST_SAMPLE_WORK = 2e10
"""The same where this is the price of the fewest samples: two minutes, for there is nothing else."""
PAIR_PART = 0.4
"""Part of the walkers that pairs get where samples could stand in: a pair costs as much as some single words."""
FEWEST_SAMPLES = 100
"""Samples below which variances are not known to 20%: then only walkers are left."""
SHARP = 0.1
"""Median relative error of gradient variances by walkers above which state vectors are sampled: theirs is 5%."""
SAMPLES = 2000
"""Parameter vectors by default: variances to about 5%."""

# ------------------------------------------------------------------ sweeps of words and of light cones
CHEAP_SWEEP = 1e5
"""Amplitudes touched in one sweep of a state vector below which nothing else is tried: a millisecond."""
SWEPT_WORDS = 20_000
"""Most words of an observable that is swept word by word: it is noticed within a tenth of a second."""
WORD_COST = 4.0
"""What a gate's entry on one word takes in one sweep there and back, in amplitudes touched: 27 ns."""
SWEPT_WORK = 2e7
"""Amplitudes that one such sweep may touch: five million entries, 120 MB, a tenth of a second."""
WORD_BATCH = 128
"""Samples swept together: the rows that a gate turns stay in the processor's cache."""
KEPT_FLOATS = 20_000_000
"""Numbers kept of one batch of swept observables, what every gate has changed: 160 MB."""
MAX_CONE_QUBITS, MAX_CONES = 16, 200
"""Qubits of one light cone among many that are swept one after the other, and how many."""

# ------------------------------------------------------------------ walks
WALKERS = 10**5
"""Walkers by default: variances to 1% of the largest possible one, a second at a hundred qubits."""
PAIR_WALKERS = 10**4
"""Walkers of a sum over pairs of words, which is only a part of a shot variance."""
CHUNK_WORDS = 1024
"""Words of 64 walkers carried at once: their rows stay in the cache."""
CHUNK_TUPLES = 1 << 14
"""Walkers of signed walks carried at once: bounded memory at a thousand qubits."""
MANY_ROTATIONS = 1000
"""Walked rotations above which light walkers are thinned: their sums dominate the time."""
THIN_SHARE = 0.01
"""Weight, of the mean, below which a walker plays Russian roulette: its part of the sums is as small."""
BINARY_DIGITS = 40
"""Binary digits of a walker's probability: 1e-12, far below any sampling error."""
FEW_ROWS = 6
"""Rows up to which a loop of exclusive ors beats one fancy index."""
MAX_LEVELS = 64
"""Distinct weights up to which sums are popcounts of one mask each."""
BLOCK_ROWS = 16
"""Masks unpacked at one time: 16 rows of a chunk are 4 MB."""
LEVEL_BITS = 12
"""Last bits of a weight in which products of the same factors in another order may differ."""
ZONE_QUBITS = 2
"""Qubits of a cluster next to the input: tables of 16 words."""
MAX_WHOLE_RANK = 4
"""Independent words of a generator up to which a walk takes it as one gate: 16 branches a word, 256 a pair.
A double excitation has 4; layers of QAOA have as many as qubits, and are walked word by word."""
BRANCH_FLOOR = 1e-9
"""Weight given to a branch of weight 0 that carries a derivative (an angle at exactly 0): kept visible."""
DERIVATIVE_SHARE = 0.25
"""Least share of its probability that a branch gets from its derivative alone."""

# ------------------------------------------------------------------ matrix products
BOND = 32
"""Largest bond dimension by default."""
MOMENT_BOND = 16
"""… where every parameter is asked: each one costs the bond cubed."""
AGREE = 0.1
"""Bits between the runs at the full and half the bond, above which nothing has converged."""
EARLIER_SHARE = 4
"""Two runs may agree by chance: the change before counts too, divided by this."""
MAX_WINDOW = 4
"""Most neighbouring sites that one gate may span: blocks of 256 words."""
SINGULAR_CUTOFF = 1e-15
"""Singular values below this share of the largest are rounding."""
HALF_FULL = 0.5
"""Share of qubits that light words act on: truncation then spares light words, else heavy ones."""
LINE_SECONDS = 30.0
"""Seconds that matrix products may take beside walkers."""
SPLIT_SECONDS = 2e-3
"""Seconds of one split of a window at bond 16 (rough)."""
CONTRACTION_SECONDS = 1e-4
"""… and of one site of a contraction."""
LEAST_COST = 0.2
"""… and the part of both that no bond makes smaller."""

# ------------------------------------------------------------------ second derivatives
HESSIAN_WORK = 2e10
"""Operations of all second derivatives when they are asked for: ten seconds."""
HESSIAN_MODULE = 400
"""Dimensions of the module that second derivatives are averaged on: one matrix a rotation is carried."""
GRID_COST = 10.0
"""Operations an amplitude and word on a grid of angles: a cosine, a sine and two complex products."""
DIFFERENCE = 1e-4
"""Step of a difference of exact gradients, radians: rounding and the third derivative are both 1e-8 of it."""
DIFFERENCE_ROUNDING = 1e-7
"""Second derivatives from differences below this share of the largest gradient are rounding."""
HESSIAN_SAMPLES = 1000
"""Hessians drawn where nothing exact fits: variances to 5–10%."""
LEAST_HESSIANS = 40
"""Fewer Hessians than this have no useful error: nothing is said instead."""
MAX_PAIR_TERMS = 300
"""Terms of the observable that are asked one by one whether they see both parameters of a pair."""
HESSIAN_COST = 100.0
"""Operations a term, amplitude and parameter of a Hessian by differences: two adjoint sweeps of complex numbers."""
KERNEL_WORK = 2e9
"""Amplitudes touched by a sampled tangent kernel: some ten seconds."""

# ------------------------------------------------------------------ noise
MAX_NOISY_QUBITS = 8
"""Qubits of a noisy circuit that is simulated: its observable has 4^8 words, half a megabyte."""
MAX_NOISY_IDENTITY = 5
"""Qubits up to which noisy circuits are put to the identity test: 4^5 words a gate, milliseconds a setting."""
KEPT_LETTERS = 4
"""Answers of walkers to channels' words that are kept up to date: those of two qubits, which a run of gates shares."""
FIDELITY_DIGITS = 13
"""Decimals that fidelities are told apart by: those of one channel differ by the rounding of its Kraus operators."""
CACHED_ACTIONS = 20_000
"""Distinct channels whose action is kept: circuits are cut into parts that share them."""


# ------------------------------------------------------------------ truncation
MAX_TRUNCATED_WORDS = 20_000
"""Words of a truncated propagation that are counted: a second a weight."""

# ------------------------------------------------------------------ frame potentials
DESIGN_QUBITS = 8
"""Qubits whose 4^8 words are all carried: half a megabyte a conserved product."""
DESIGN_FLOATS = 1 << 22
"""Words times conserved products: 32 MB."""
DESIGN_WORK = 2e10
"""Words touched by all passes together: a minute."""
DESIGN_PASSES = 400
"""Repetitions of the circuit that are followed: second eigenvalues up to 0.97 a pass settle."""
DESIGN_SETTLED = 1e-3
"""Relative change of the ratio of two steps below which it is the second eigenvalue."""
DESIGN_NOTHING = 1e-13
"""Of the start's size: steps below this are rounding."""
