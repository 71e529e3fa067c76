"""Limits and tolerances of ``devices``, each with its reason."""

# --- what is accepted -----------------------------------------------------------------------------------
MAX_GATE_WIRES = 6  # a gate on more is decomposed first: its generator comes from a matrix of 4^wires numbers
MAX_MATRIX_WIRES = 10  # an observable without Pauli form is read from its matrix: 16 MB at 10 wires
MAX_EIGENVALUE_WIRES = 6  # for two eigenvalues the matrix is diagonalised: 64³ operations
MAX_TABLEAU_WIRES = 4  # a gate at a quarter turn is compared with the Clifford gates by its matrix
REAL_EXPONENT = 1e-10  # real part of an exponent above which exp is not unitary; below, rounding of i·angle
GENERIC_ANGLE = 0.37  # no multiple of π/4, so that a gate's kind shows at it
QUARTER_TURN = 1e-11  # distance from a whole number of quarter turns that is rounding: as a gate it moves 1e-11
SAME_EIGENVALUE = 1e-9  # relative distance of eigenvalues that are one and the rounding of a diagonalisation
SMALL_BLOCK = 6  # qubits of a given vector up to which all words of the block are tabulated at once

# --- which engine ---------------------------------------------------------------------------------------
FEW_WORDS = 1000  # below as many words the word engine is as fast as matrices of Majoranas
MAX_SECTORS = 64  # matrices held side by side: more central words, and the word engine is smaller
FEWEST_MAJORANAS = 5  # among four, a pair and the pair left out anticommute with as many: words do not tell which
LONGEST_WORD = 40  # letters of a word that a message shows
LARGEST_COUNT = 10**9  # counts beyond are shown as powers of two

# --- memory ---------------------------------------------------------------------------------------------
MAX_DIM = 2**20  # words of a module by default: 8 MB a gate kind and batch entry, a second a layer
KEPT_STRUCTURES = 32  # circuit shapes kept: a training run needs one, a family of circuits some
KEPT_BYTES = 2**30  # memory that they may take together
KEPT_INPUTS = 8  # input states kept for each: a batch of data comes with fewer shapes than states
WORKING_BYTES = 2**28  # of one batch of tapes
MASK_BYTES = 2**26  # of the table of which generator moves which word
PAIRS_AT_ONCE = 1 << 17  # pairs of Majoranas whose words are written at once: some MB
FEW_PAIRS = 256  # turns of fewer pairs are gathered while they touch different words: calls cost more than data
