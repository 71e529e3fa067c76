"""Limits and tolerances of ``minima``, each with its reason."""

# --- how many states --------------------------------------------------------------------------------------
MIN_SAMPLES = 2048  # fewest states: 8 replicas of 256, below which a jackknife over replicas says nothing
DEFAULT_SAMPLES = 1 << 15  # states by default, before the next two lines: the mean to a per cent or two
# Few parameters are cheap and each state says little: up to 4 times as many at p ≤ 4, half at p ≥ 32.
CHEAPNESS = (0.5, 4.0, 16)
WIDE_ROWS = (0.25, 160)  # rows of a direction above which states cost more: down to a quarter of them
REPLICAS = (8, 16)  # independent replicas: the error of an error is 1/√(2·replicas); 16 where they stay large
BLOCK = 128  # states resampled together: of nearly equal energy, and enough for a resampling to be even
BLOCKS_PER_REPLICA = 8  # fewest blocks in a replica, or one would span a wide band of energies
MAX_NUMBERS = 4e7  # float64 numbers that a population may hold at once (320 MB)

# --- the pilot --------------------------------------------------------------------------------------------
PILOT_BLOCK = 32  # states at each node of the pilot: log densities to a few tenths, all that placing needs
PILOT_ROUNDS = 8  # bisections of the gaps between nodes: 2^8 finer than the coarse grid
NEGLIGIBLE = 12.0  # energies whose log mass is this far below the largest are left out: e^−12 = 6e-6 of the law
BRIDGE = 1.5  # standard deviations between nodes above which the tilted states of neighbours do not overlap enough
PLACED_SHARE = 0.7  # share of the states drawn by the pilot's mass; the rest evenly, as the pilot is rough
EXTRA_SHARE = 0.2  # share of the states drawn at nodes beyond the path, if there are any
# Decades towards the ground on the pilot's coarse grid: below, the distance is rounding of the mean.
GROUND_DECADES = 12.5

# --- where states are drawn -------------------------------------------------------------------------------
DEEPEST_TILT = 30.0  # the path of tilts ends e^−30 = 1e-13 of the way above the ground, some units in the last place
HIGHEST_TILT = 12.0  # towards the highest level, where no minimum is, it ends sooner
# Log tilts: geometric near the Haar law, where huge sectors concentrate, then evenly in steps of 0.05.
TILT_GRID = (1e-9, 0.1, 260, 0.105, 600)
TINY_TILT = 1e-16  # smallest ratio of tilts that is told from 0
MANY_LEVELS = 16  # above this number of levels weights are computed in one sum, with an error dim·1e-16
# Factors by which states are drawn towards an eigenspace: half a decade apart, so that they overlap.
PULLS = (3.0, 10.0, 30.0, 100.0, 300.0)
MANY_NEAR = 4  # eigenspaces drawn to, those of smallest codimension first: each takes states from the rest
# Lowest energy of the published law's path, and its nodes: 2% apart, well within a tilted width.
ASYMPTOTIC_NODES = (1e-13, 1500)
ASYMPTOTIC_TOP = 12.0  # its highest energy in standard deviations of the Gamma law

# --- sizes ------------------------------------------------------------------------------------------------
# Above this dimension energies concentrate below float64: the sector is shrunk and energies scaled.
LARGEST_EXACT_DIM = 1 << 40
LARGEST_DIM = 1 << 48  # no sector beside others is kept larger than this after rescaling
MAX_ROWS = 384  # numbers per random direction above which close levels are merged: the cost of a state grows with them
# Numbers of groups that are tried, largest first; with 16 the second moment is off by at most (width)²/3000.
MERGED_LEVELS = (512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16)
FEWEST_LEVELS = 3  # so few levels are never merged
SPHERE_NORMAL_DIM = 1e7  # above it the density of a coordinate at 0 is that of a normal law, to 1/(4n)
# Largest overlap of a direction with the gradient of one sector among several: it is normal only approximately.
SHARE_EDGE = 0.99

# --- splitting --------------------------------------------------------------------------------------------
# Weight of the look-ahead: partial Hessians near singular rarely survive later rows. Tuned; it costs no bias.
LOOKAHEAD = 0.7
# Look-ahead of one row at most: beyond, a particle is lost anyway and its weight would only be noise.
LARGEST_LOSS = 5.0
# Resample when a block's effective size falls below this share: the usual choice of particle filters.
RESAMPLE_BELOW = 0.5

# --- descents ---------------------------------------------------------------------------------------------
DESCENT_STRENGTH, DESCENT_ONSET = 0.43, 0.25  # calibrated on simulated descents; see ``minima_law``

# --- the curve --------------------------------------------------------------------------------------------
N_KNOTS = 81  # knots of the cumulative curve: its interpolation errs less than the sampling
N_BINS = 600  # bins of the weighted sample before it is smoothed: far below the kernel's width
ROOT = 8  # root of the energy in which the kernel is normal: a law that piles up at the optimum keeps clear of 0
KERNEL = (0.9, 50.0, 1e4)  # silverman's factor, and the effective sizes between which his n^−⅕ is used
KERNEL_REACH = 3  # widths of the kernel beyond the last sample
POINT_SPREAD = 1e-13  # relative spread below which all energies are one number and rounding
LEVEL_STEP = 1e-12  # knots that add less probability than this are dropped: levels must increase
TOLERANCE = 0.02  # relative standard error of mean − floor above which a law is flagged
FEWEST_EFFECTIVE = 100  # effective samples below which its variance and shape are flagged

# --- extrapolation ----------------------------------------------------------------------------------------
SMALL, LARGE = 24, 48  # parameters of the two circuits that are computed: what seconds allow, a factor 2 apart
EXTRAPOLATED_SAMPLES = 4096  # states for each: their error is below that of the extrapolation
MOST_LEVELS = 24  # levels kept of a spectrum, so that each still holds states in the smaller circuits
CRAMPED = 0.3  # share of the lift above E_∞ that counts as error where E_∞ is small against it
EXTRAPOLATED_TOLERANCE = 0.05  # relative standard error of E above which the extrapolated law is flagged
SPREAD_POWER = 0.75  # the standard deviation of E falls as p^−¾: the curvature of p²·distance³ at distance p^−½
# E is at least this share of its lift above E_∞: the extrapolation may overshoot below the optimum.
LOWEST_LIFT = 1e-3
LARGEST_SHIFT = 0.03  # largest relative change of r/D by rounding multiplicities to a smaller dimension
FAR = -1e9  # most negative argument of the R-transform that is looked at
SMALLEST_STEP = 1e-200  # a level this near the energy has its pole beyond FAR; its inverse must not overflow
EDGE_STEPS = 90  # golden sections of the log of that argument: 0.618^90 is rounding
EDGE_DEPTH = -60.0  # how far its log is shrunk: e^−60 of it is nothing

# --- quantiles and moments --------------------------------------------------------------------------------
QUANTILE_STEPS = 60  # bisections of a quantile: the last is below a unit in the last place
MOMENT_NODES = 4  # gauss points in an interval of knots: exact for moments up to the fifth of a piecewise cubic cdf
