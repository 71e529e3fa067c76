"""Limits of work and tolerances of the sectors room, each with its reason."""

# ---------------------------------------------------------------------- what counts as nothing
WEIGHT = 1e-12
"""An input's weight in a sector below this is the rounding of amplitudes: a loss would carry it at 1e-12."""
NO_WEIGHT = 1e-14
"""Weights that a dense split leaves below this are set to zero: squares of amplitudes at machine precision."""
WALSH_WEIGHT = 1e-13
"""The same for weights that are sums of up to 2^10 expectation values, each rounded at 1e-16."""
AMPLITUDE = 1e-14
"""Amplitudes of an input below this are rounding of its preparation: they would only enlarge what is reached."""
NO_INPUT = 1e-9
"""All of several inputs below this amplitude: the sector carries weight 1e-18 of none of them."""
CONSTANT = 1e-18
"""Relative variance of a constant observable: the square of 1e-9, to which eigenvalues are read."""
MOVING = 1e-12
"""The part of an observable that moves, relative to the whole: below, it is the rounding of a subtraction."""
SHARE = 1e-12
"""What a constant leaves over after it was shared out among sectors; below, it is the rounding of the sums."""
WEIGHT_SLACK = 1e-9
"""How far outside [0, 1] rounding may push a weight before the record is refused."""
SPECTRUM = 1e-12
"""Eigenvalues of a density below this part of its weight are zeros: a rank must not count rounding."""
CEILING = 1e-9
"""A number of degrees of freedom this little above an integer is that integer, before rounding up."""
FLOAT_DIMS = 2**40
"""Below this dimension 1e-9 is more than a float's last place of r; beyond, r is rounded up as a fraction."""
WRITTEN_OUT = 10**6
"""Integers below a million are printed in full, larger ones as powers of two."""

# ---------------------------------------------------------------------- which route, and how far it goes
DENSE_QUBITS = 10
"""2^10 dimensions take a minute at worst where no symmetry splits them; 2^11 eight times that."""
LINES_QUBITS = 6
"""Up to 2^6 one-dimensional sectors are worth a second look at what the input reaches; 2^10 took half a minute."""
FORCED_QUBITS = 12
"""Where the dense route is asked for: 4,096 dimensions, an hour and some GB at worst."""
REACHABLE_DIM = 1500
"""A reached space of 1,500 dimensions is split in about the time of 10 qubits."""
REACHABLE_WORDS_DIM = 256
"""For word generators past 10 qubits second moments are exact already: some seconds are worth it, not minutes."""
REACHABLE_QUBITS = 20
"""Inputs that are no basis state need their vector of 2^n amplitudes: 16 MB at 20 qubits."""
REACHABLE_BASIS_QUBITS = 62
"""Basis states are numbered in int64, one bit of which is the sign and one kept free for sums."""
KEPT_SIGNATURES = 8
"""Signatures kept in a process: a study goes to and fro between a few circuits; one may hold some 100 MB."""
CLOSURE_DIM = 1500
"""Dimension to which the algebra of sums is closed exactly: enough for su(32), in seconds."""
CLOSURE_WORK = 2e9
"""Multiply-adds of the exact closure: some seconds. Past it the dimension is a lower bound."""
MODULE_DIM = 1000
"""Dimension to which the module of an observable is spanned exactly: seconds, as for the closure."""
MODULE_WORK = 2e9
"""Multiply-adds of the exact span: some seconds. Past it the dimension is a lower bound, with its Status."""
MODULE_REST = 1e-9
"""Share of ‖O‖² that no sector moves: below, the observable has no conserved part."""

# ---------------------------------------------------------------------- which generators meet
COMMUTATOR_PRODUCTS = 2**16
"""Products of words that a commutator may have; longer sums are tried on random vectors, which is faster there."""
COMMUTATOR_QUBITS = 12
"""Random vectors are taken to 12 qubits: sparse matrices of longer sums would not fit beside them."""
COMMUTATOR = 1e-10
"""Relative size of a commutator on random vectors that is rounding of a few thousand products."""

# ---------------------------------------------------------------------- independent parameters
RANK_QUBITS = 12
"""State vectors of all parameters are held at once: 64 kB each at 12 qubits."""
RANK_WORK = 2 * 10**9
"""Entries touched by the derivatives of the state: some seconds."""
RANK = 1e-9
"""Singular values below this part of the largest: normalised tangents carry 1e-15 a gate, and gaps are wide."""
RANK_SCALE = 1e-6
"""Tangents that are all shorter than this after the phase is taken out are none."""
LIVE_DRAWS = 3
"""A derivative that vanishes at one random point by accident does so at three with no real probability."""
LIVE = 1e-11
"""Of the largest derivative that observable and gates allow: a dead parameter leaves rounding, near 1e-15."""
CONE_ENTRIES = 1 << 26
"""Entries of one test of words against words in the light cone: 64 MB; past it the gate is taken as inside."""

# ---------------------------------------------------------------------- dense matrices
ENTRY = 1e-12
"""Matrix elements below this part of the largest coefficient are cancelled flips, not elements."""
MAX_SYMMETRIES = 4
"""Flipping symmetries that are diagonalised: each halves the blocks, and doubles the entries of the basis."""
TERM_ENTRIES = 1 << 20
"""Signs of terms on columns that are held at once: 8 MB."""
FILLED_DIM = 64
"""Blocks up to this size are dense matrices: there a sparse product spends its time on everything but products."""
GAP = 1e-8
"""Eigenvalues closer than this part of the largest are equal or not told apart: 1e-15 · N with room to spare."""
GAP_NOISE = 1e-10
"""Below this they are equal; between the two the draw is unlucky and another one is made."""
VERIFIED = 1e-9
"""How far a generator may miss its block form: a wrong split misses by a part of its size."""
ATTEMPTS = 4
"""Kinds of generic element that are tried, each of higher degree than the last."""
PROBED_DIM = 256
"""Past this dimension residuals are taken on random vectors: the exact one costs N³ a generator."""
UNITARY_LINK = 1e-5
"""Relative spread of singular values of a link between copies, which Schur's lemma says is zero."""
UNITARY_ATTEMPT = 2
"""From this attempt on products of unitaries are taken: polynomials of low degree have failed twice."""
SMALLEST = 1e-6
"""Smallest size that a generator is divided by: one that vanishes on the whole space is left as it is."""
INVARIANT_FORM = 1e-8
"""Entries by which G·S may differ from −S·Ḡ for the form S to be invariant: S comes from eigenvectors at 1e-10."""
SAME_OBSERVABLE = 1e-8
"""Entries by which two copies may differ and hold one observable: the alignment of copies carries 1e-10."""
LEAK = 1e-9
"""Entries by which the observable may lead out of a sector that it does not leave."""
EQUAL_VALUES = 1e-9
"""Eigenvalues of an operator that agree to this part of the largest are one value, counted exactly."""
ZERO_VALUE = 1e-3 * EQUAL_VALUES
"""A mean of values this close to zero is written as zero: rounding would print as -0."""
SPECTRUM_DIM = 256
"""Generators up to this dimension are diagonalised in every sector; larger ones only if they square to a number."""
SQUARE = 1e-9
"""How far G² may be from a number on random vectors."""
JORDAN = 1e-9
"""How far O·S may be from S·Ō, relative to the largest entry, for O in the Jordan algebra."""
CERTIFICATES = 3
"""Pairs of generic elements that are tried before a sector is left without a certificate."""
ISOLATED_ROOT = 1e-9
"""A root closer to another than this part of the largest weight is not isolated, so its vector is not known."""
PRESENT_ROOT = 1e-7
"""A root vector enters a generic element with a part of order one; below this it is taken as absent."""
EQUAL_ROOTS = 1e-7
"""Root values of two ideals that agree to this are taken for one ideal, which can only shrink the theory's range."""
CENTRE_RANK = 1e-8
"""Singular values of the generators' traces below this span no further direction of the centre."""
COUNTED_ENTRIES = 600
"""N² to which a sector's algebra is counted numerically, for a sentence: N = 24, under a second."""
COUNTED_RANK = 1e-8
"""Singular values of sampled elements below this part of the largest are rounding of long products."""
COUNTED_ZERO = 1e-12
"""All samples below this: the generators are numbers on the sector."""

# ---------------------------------------------------------------------- the reached space
MAX_STATES = 2**16
"""Basis states among which the reached space is searched: a vector is 1 MB, a basis of 450 is 3·10⁷ numbers."""
MAX_ENTRIES = 3 * 10**7
"""Numbers in the basis of the reached space: 240 to 480 MB."""
KRYLOV_WORK = 3e9
"""Multiply-adds of sparse products, counted so that the answer is the same on every machine: ten seconds at most."""
KRYLOV_BEYOND = 2.0
"""Times the limit, as the overlap of two random sets of 32 vectors tells it to a few per cent: given up at once."""
KRYLOV_PASSES = 3
"""Passes over the vectors for each product with a generator."""
KRYLOV_WARM_WORK = 3e9
"""… and of the stages before anything is kept: ten seconds at most; 1,024 states take a tenth of it."""
KRYLOV_COLUMNS = (32, 256)
"""Random vectors of a stage: at least 32, so that small spaces end at once; at most 256, so that they stay in cache."""
KRYLOV_WARM = 10
"""Stages before anything is kept: vectors near the input all point the same way."""
KRYLOV_ROUNDS = 2
"""Products with all generators between stages: enough to leave what is known, few enough to be worth the work."""
KRYLOV_ORDER = 14
"""Terms of the Taylor series: 3^14/14! is 5e-5, and only a direction is wanted, not a unitary."""
KRYLOV_ANGLE = 3.0
"""Largest angle of a step in units of 1/‖G‖: far enough to mix, near enough for the series."""
NEW_DIRECTION = 0.1
"""Residuals this near the largest are kept: small ones carry rounding errors, and come again."""
NO_DIRECTION = 1e-8
"""All residuals below this: nothing new comes out, and weights below 1e-16 are not seen."""
INVARIANT = 1e-8
"""How far generators may lead out of the space that was found."""
REAL_START = 1e-14
"""Imaginary parts of an input below this leave real generators a real space, at half the work."""

# ---------------------------------------------------------------------- Pauli words
FREE_WORDS = 10
"""Conserved words whose sign the input leaves open: 2^10 sectors are listed, more are described by moments."""
LISTED_WORDS = 6
"""Up to 2^6 sectors those of weight zero are listed too."""
COPIES_COUNTED = 14
"""2^14 characters are tried to count the copies of a sector; past it only those with weight are counted."""
EQUAL_DIGITS = 10
"""Decimals to which observables of two characters agree if they are one: sums of signed coefficients."""
CACHED_DIGITS = 12
"""Decimals of the coefficients by which a spectrum is looked up again."""
BLOCH_AXIS = 1e-12
"""A qubit whose Bloch vector is this close to an axis is a stabiliser state."""
DENSITY_WORDS_PRODUCT = 10**6
"""Words over which a block's density is summed for product inputs: each costs n table look-ups, seconds in all."""
DENSITY_WORDS_VECTOR = 10**5
"""The same where each word is applied to a state vector."""
DENSITY_VECTOR_QUBITS = 12
"""Beyond, a word on a state vector costs milliseconds, and a block needs 10^5 of them."""
DENSITY_QUBITS = 8
"""A block of 2^8 dimensions is diagonalised for its spectrum; beyond only its purity is given."""
FLAT_VALUES = 10**6
"""Equal eigenvalues of a stabiliser block that are written out."""
SPECTRUM_COST = 30
"""log2 of the flops of all eigenvalues, labels + 3·pairs: a second."""
SPECTRUM_LABELS = 16
"""2^16 combinations of commuting signs, a small matrix each."""
LANCZOS_QUBITS = 20
"""Vectors of 2^20 numbers, and a table of as many for every flip: minutes at most."""
LANCZOS = 1e-10
"""Relative accuracy of a lowest eigenvalue by Lanczos iteration."""
WORD = 1e-14
"""Coefficients below this part of the largest leave a word out of a sum."""
LIVE_WORD = 1e-12
"""Coefficients below this part of the largest do not decide whether a word is in the Jordan algebra."""
LABEL_WORDS = 4
"""A sector is named by up to four signed words of at most 12 letters, else by signs alone."""
LABEL_QUBITS = 12
"""Longest word that is written into a sector's name."""
LABEL_SIGNS = 32
"""Signs that are written out; the rest is an ellipsis."""

# ---------------------------------------------------------------------- spin factors
SPIN_DIM = 64
"""Directions of a vector that sums turn: beyond, the certificate is no quicker than the dense route."""
SPIN_WORDS = 4096
"""Words that its directions may need."""
SPIN_RANK = 1e-9
"""Squared norm of what a bracket adds to the directions; below, it is rounding."""
SPIN_TURN = 1e-9
"""A generator whose entries are all below this turns nothing."""

# ---------------------------------------------------------------------- showing
SHOWN_SECTORS = 6
"""Sectors that are printed; the rest is counted."""
WIDTH = 80
"""Columns of a terminal."""
