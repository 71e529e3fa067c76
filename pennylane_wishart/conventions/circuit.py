"""Limits of work and tolerances of the circuit room, each with its reason."""

# ---------------------------------------------------------------------- arguments
WRITTEN_NUMBERS = 6
"""Numbers of a fixed argument that are written out: a verdict holds for these values."""

# ---------------------------------------------------------------------- reading angles as an affine map
PROBED_REACH = 64.0
"""Parameters up to this size are probed around their own value, larger ones around a value of order one,
where nothing is lost to rounding."""
ANGLE_NOISE = 64
"""Rounding error of an angle in units of the last place of its size: a chain of a few dozen operations."""
ANGLE_FIT = 1024
"""How many units of the last place an affine angle may miss by: sums over many parameters add up."""
ROUNDED_AWAY = 2.0**-40
"""An angle that moves by less than this part of its parameters, and not linearly, is the rounding error of
terms that cancel (x − 3·(x/3)); a slope smaller than this beside one that it is subtracted from, too."""
COARSE_ANGLE = 2.0**10
"""An angle this many times larger than what its parameter moves is read again with larger steps."""
FAR_STEP = 2.0**40
"""Step at which parameters without any effect are tried again: 1e-10·x beside angles of 1e6 is below rounding."""
DIRECT_PROBES = 2000
"""Parameters of one angle that are probed one by one after random groups have failed."""
PROBE_COLOURS = 64
"""Sets of parameters that are probed at once for sharper slopes: an evaluation each."""
IMAGINARY_ANGLE = 1e-12
"""A gate parameter whose imaginary part is below this is a real number that was written as complex."""
NOT_UNITARY = 1e-10
"""Real part of the coefficient of an exponential above which it is no unitary gate."""
SAME_DATA = 1e-12
"""Data that differ by less are the data that the circuit was read at."""
SAME_GATE = 1e-12
"""Angles of a batch that differ by more are moved by its data."""

# ---------------------------------------------------------------------- gates
GENERATOR_WIRES = 6
"""Wires of a gate whose generator is read from its matrix: 64 × 64 logarithms, 4^6 coefficients."""
MATRIX_WIRES = 3
"""Wires of a gate that is kept as a matrix where it is no rotation: longer words are better decomposed."""
DECOMPOSITION_DEPTH = 50
"""Decompositions inside decompositions: PennyLane's own take fewer than ten."""
GENERATOR = 1e-9
"""How far a gate's matrix may be from exp(−itG) at the angles that are checked: G is a logarithm, good to 1e-13."""
GENERATOR_TERM = 1e-11
"""Coefficients of a generator below this part of the largest are rounding of the logarithm."""
CLIFFORD = 1e-11
"""Entries by which a Clifford gate may miss the images of its words: a rotation by 1e-11 is not one."""
CACHED_GENERATORS = 4096
"""Generators whose words are kept as strings; then the table is started again."""
TABLE_QUBITS = 4
"""Qubits of a Clifford gate whose permutation of words is tabulated: 4^4 entries."""
PROJECTOR_WIRES = 14
"""Wires of a basis projector that is written as 2^14 words of I and Z."""
OPERATOR_WIRES = 10
"""Wires of an operator without Pauli form that is expanded from its matrix: 4^10 coefficients."""
PROBABILITY_WIRES = 12
"""Wires of ``qml.probs``: projectors of 4,096 words, and as many outcomes to choose from."""
OUTCOMES = 64
"""Outcomes that are read one by one: what six wires have, and a report can list."""
LISTED_OUTPUTS = 8
"""Outputs that a message names before "…"."""

# ---------------------------------------------------------------------- merging rotations
MERGED_RATIO = 1e8
"""Terms of one generator differ by no more than this: beyond, the smaller ones stay gates of their own."""
MERGE_WINDOW = 400
"""How many groups back a rotation looks for one to join."""
MERGE_PRODUCTS = 100_000
"""Products of words that are looked at to tell whether two sums commute."""
CONSTANT_CANDIDATES = 8
"""How many earlier constant rotations on the same qubits a fixed one is held against."""
CANCELLED = 1e-12
"""Terms that add up to less than this part of their sizes cancel: slopes are read to a few 1e-16, and a
difference of two of them, x − x·(1 + 1e-17), is rounding and no rotation."""
PHASE = 1e-11
"""How far a product of fixed gates may be from a number and still be one."""
PHASE_RANK = 6
"""Independent words of such a product: matrices of at most 64 × 64, which are multiplied out many times."""
NO_OFFSET = 1e-12
"""A constant part of a trainable angle below this is rounding of the map."""
NO_ANGLE = 1e-14
"""A fixed rotation by less than this turns nothing in double precision."""
QUARTER_TURN = 1e-11
"""Distance from a whole number of quarter turns at which a fixed rotation of one word is a Clifford gate."""
CONJUGATED_TOTAL = 20_000
"""Words of all conjugated generators together past ``MATRIX_QUBITS``: comparing two of them multiplies them out."""
MATRIX_QUBITS = 10
"""Qubits up to which long sums are compared as matrices of 2^10 rows, which is fast however many words they have."""
CONJUGATED_TERMS = 2**14
"""Words of an operator behind fixed gates that are no Cliffords: each of these can double them."""
MERGED_ITEMS = 400
"""More rotations are not merged: every pair of one parameter is held against all between."""
LOCAL_QUBITS = 8
"""Qubits of a sum of non-commuting words that is exponentiated as a matrix of its own."""
GENERATOR_DIGITS = 9
"""Decimals to which two generators of largest coefficient 1 agree if they are one."""

# ---------------------------------------------------------------------- states
STATE_QUBITS = 20
"""A state vector of 20 qubits is 16 MB, and a block that is not stabiliser is held as one."""
NORM = 1e-6
"""How far the norm of a given state vector may be from 1: it may come in single precision."""
BASIS_STATE = 1e-12
"""Distance of all Bloch vectors from ±Z within which a state is a basis state."""
PREPARED = 1e-9
"""How far wires may be from |0…0⟩ that a preparation overwrites."""
TAYLOR_ANGLE = 20
"""Angle times norm of one step of the exponential's action: scipy loses digits in longer ones."""

# ---------------------------------------------------------------------- laws of angles and their periods
SMALL_ANGLES = 0.1
"""Standard deviation of "small" angles, radians: what users start near the identity with."""
WHOLE_TURNS = 1e-9
"""A range this close to a whole number of turns is one: sin(πk)/(πk) is not exactly 0 in floating point."""
WHOLE_TURNS_SHARE = 1e-12
"""The same for ranges of many turns: a period that holds a million turns of a fast gate is known to 1e-12 of them."""
SPECTRUM_RANK = 10
"""Independent words of a commuting sum whose 2^10 eigenvalues are listed."""
EQUAL_LEVELS = 1e-10
"""Eigenvalues of a generator of unit size that differ by less are one."""
EQUAL_GAPS = 1e-9
"""Gaps between eigenvalues of unit size that differ by less are one; below, a gap is none."""
PERIOD_DENOMINATOR = 64
"""Rates whose ratios have larger denominators have no period that a user would call one."""
PERIOD_TURNS = 24
"""A common period of more turns of the slowest rate than this is none that a user would start in."""
EQUAL_RATES = 1e-9
"""Relative: rates are read to 1e-11 or better, and come from eigenvalues that carry 1e-14."""
EXACT_RATE = 1e-14
"""Relative distance of a rate from a small fraction within which it is that fraction, not rounded to it."""
UNIT_RATE = 1e-12
"""Distance of a rate from 1 within which the period is 2π and nothing has to be found out."""
RATE_DIGITS = 10
"""Significant digits in which two rates agree if they are one."""

# ---------------------------------------------------------------------- channels
CHANNEL_WIRES = 2
"""Wires of a channel that is read from its Kraus operators: 16 × 16 transfer coefficients."""
NO_TRANSFER = 1e-13
"""Transfer coefficients below this are rounding: traces of products of matrices of norm 1."""
CHANNEL_DIGITS = 12
"""Decimals that transfer matrices are compared by, as fixed gates are."""
SAME_BLOCK = 1e-6
"""Distance at which a block of a compiled program is one of the circuit's: compilers synthesise to 1e-9 or so."""
COMPILED_SEED = 0xC0DE
"""Of the angles that programs are compiled at: none is special."""
COMPILATIONS = 5
"""Compilations that are looked at: enough to see that a compiler is not seeded, and how far apart its programs are."""
SAME_NOISE = 0.02
"""Share of all noise by which programs may differ on a wire and be one: at other angles a gate more or less."""

CONE_WIRES = 16
"""Wires of one light cone: a gradient of it then takes a tenth of a second."""
KEPT_CONES = 4
"""Circuits whose light cones are kept: the one at work, and those that it is compared with."""
REPEATED_SHARE = 0.5
"""Of the trainable gates that a repeated block must hold to count as the circuit's layer."""
