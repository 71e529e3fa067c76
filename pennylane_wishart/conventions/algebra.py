"""Limits of work and tolerances of the algebra room, each with its reason."""

# ---------------------------------------------------------------------- reading
MATRIX_QUBITS = 12
"""Generators given as matrices: 2^12 is 256 MB, and its expansion 4^12 coefficients."""
HERMITIAN = 1e-10
"""Relative size of the part that a Hermitian, or anti-Hermitian, generator must not have."""
WRITTEN_OUT_COPIES = 3
"""Copies of an ideal that are written one by one; more are counted."""
POWER_OF_TWO = 10**6
"""Integers below a million are printed in full, larger powers of two as such."""
DECIMAL_BITS = 200
"""Integers of up to 60 digits are still read; longer ones are given by their logarithm."""
LOG_SHOWN = 50
"""Dimensions of up to 2^50 are printed as integers."""

# ---------------------------------------------------------------------- closures
ENUMERATED_WORDS = 10**6
"""Words of an algebra, or of an orbit, that are listed: a second, and some 100 MB."""
LARGE_INTEGER = 1 << 20
"""Integer entries below this leave room for 2^12 products of 31-bit residues in int64; larger ones are split."""
HALF_BITS = 16
"""Low bits of a large entry: both halves of 31 bits then leave room."""
ROW_BYTES = 24
"""Bytes a word and row of a closure: residues, their work copy and the brackets of the level."""
WORD_BYTES = 64
"""Bytes a word and coordinate of a walk, visited marks and sorting included."""
SECOND_CLOSURE_BYTES = 1 << 62
"""No limit: the first closure has shown that it fits."""
BLOCK_PAIRS = 1 << 22
"""Pairs of words compared at one time: some 40 MB."""
BITMAP_BITS = 26
"""Coordinates whose 2^26 words are marked in a bitmap of 64 MB; beyond, keys are sorted."""
WALK_CHUNK = 1 << 21
"""Popcounts of one step that are held at once: some 16 MB."""
WORD_BITS = 64
"""Bits of an integer of packed rows."""

# ---------------------------------------------------------------------- exact arithmetic
MODULAR_TERMS = 256
"""Products of at most 2^45 that a float64 sum holds exactly: 2^45 · 2^8 = 2^53."""
MODULAR_HALF_BITS = 15
"""A residue of 31 bits, balanced, is split into two halves of 15 bits and a sign."""
MODULAR_PANEL = 48
"""Rows that are eliminated together: enough for the matrix product to be fast, few enough to stay in cache."""
EXACT_FLOAT = 1 << 53
"""Integers up to this are exact in float64."""
LIFTED_VALUES = 20_000
"""Distinct residues that are lifted to fractions, a microsecond each: beyond, they are no small fractions."""
LIFTED_NUMERATOR = 1 << 12
"""Largest numerator: far below √p, so that a residue lifts by chance only rarely."""
LIFTED_DENOMINATOR = 1 << 20
"""Largest common denominator, so that integer rows stay exact in their products."""
CLOSED_FLOAT = 1e-9
"""Relative error of real rows that are closed under the maps: the lifted rows are exact, the maps carry 1e-15."""
DENOMINATOR = 2000
"""Fractions with denominators to 2,000 are recognised: two of them differ by 2.5e-7, far above rounding."""
FRACTION = 2e-13
"""Relative distance of a float from the fraction that it stands for: a few hundred last places."""
DECIMAL_DIGITS = 12
"""Decimals with up to 12 digits are taken as they are written: a float that was computed has 16."""

# ---------------------------------------------------------------------- sampling an algebra
SAMPLE_LAYERS = (8, 24, 72)
"""Depths of the random products that are tried: deeper ones reach what shallow ones leave small."""
KEPT = 1e-6
"""Singular values above this part of the largest are directions of the algebra."""
DROPPED = 1e-10
"""Those below are rounding; anything in between, and the samples are not trusted."""
SPARE_SAMPLES = 8
"""Samples beyond the rank, which must all be rounding."""
FIRST_SAMPLES = 32
"""Samples of the first try; four times as many in each that follows."""
TAYLOR_TERMS = 20
"""Terms of exp(t·ad g), |t|·‖ad g‖ ≤ 2: 2^20/20! is 4e-13."""
TAYLOR_SMALL = 1e-17
"""Terms below this add nothing to entries of order one."""

# ---------------------------------------------------------------------- ideals
DECOMPOSED_DIM = 4096
"""A dense eigenproblem of this size takes a minute."""
DECOMPOSED_ENTRIES = 2 * 10**8
"""Coefficients of an orthonormal basis: 1.6 GB."""
ADJOINT_ENTRIES = 1 << 22
"""Entries of the adjoint map that are built at once: 32 MB."""
CARTAN = 1e-13
"""Eigenvalues of (ad h)² below this part of the largest are zero: their square roots are below 3e-7."""
ROOT_RESIDUAL = 1e-6
"""Relative error of a root equation; a degenerate draw misses by far more, and another one is made."""
ATTEMPTS = 4
"""Draws of a regular element; one is not regular with probability zero, or nearly so in floating point."""
ROOT_MATCH = 1e-7
"""Distance of two root values, relative to the largest, that are one: roots of dimension 4,096 lie 1e-4 apart."""

# ---------------------------------------------------------------------- graphs and counts
FEW_WORDS = 200
"""Words up to which all pairs are compared and eliminated as Python integers: numpy's calls would take longer."""
PROBES = 64
"""Random products against which words are tested: one that anticommutes with any word passes with 2^-64."""
PROBED_CHUNK = 1024
"""Candidates that are checked exactly at one time."""
COUPLING_BITS = 12
"""Bits of coupling between components that are summed over: 4,096 products of big integers."""
COUPLED_STATES = 6
"""Bits through which many components are coupled when they are convolved one after the other."""
ENUMERATED_BITS = 17
"""Solutions of a linear condition that are all tested, 2^17; more are sampled."""
COUNT_SAMPLES = 200_000
"""Samples of an estimated count: 0.2% of a share of one half, at 95%."""
COUNT_CHUNK = 20_000
"""Samples that are held at once."""
FREE_PARITIES = 12
"""Parities of a subset count that are summed over: 4,096 coefficients of a polynomial."""
Z95 = 1.959963984540054
"""Two-sided 95% of a normal law, as every interval of the package."""
MODULE_CHUNK = 1 << 16
"""Words of an orbit whose expectations are looked up at once."""
BLOCH_LENGTH = 1e-9
"""How much longer than 1 rounding may make a Bloch vector."""
CLOSURE_BYTES = 2 * 10**9
"""Memory of a closure where none is given: 2 GB."""
