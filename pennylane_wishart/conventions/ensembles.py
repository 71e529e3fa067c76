"""Limits and tolerances of ``ensembles``, each with its reason."""

# --- quantiles ----------------------------------------------------------------------------------------
FIRST_BRACKET = 8.0  # standard deviations of the first bracket; it is doubled until the tail beyond is 0
NARROWEST_BRACKET = 1e-15  # of the centre: between neighbouring floats it would never grow
LARGEST = 1e308  # end of a bracket on the whole line
LOG_SMALLEST = -745.0  # log of the smallest positive float: a bracket of quantiles need not reach further
# Newton needs about 8 steps, bisection of all doubles 64 and of their exponents 10: never reached.
QUANTILE_STEPS = 200
# Relative to the point and to the standard deviation: some units in the last place of either.
QUANTILE_TOLERANCE = (4e-15, 1e-14)
# Error of a cdf that comes from incomplete Beta or Gamma functions: some tens of units in the last place.
CLOSED_FORM_ERROR = 1e-14

# --- where an asymptotic form takes over; each is as exact as a double there ---------------------------
# Log of a tail below which incomplete functions return 0 or lose digits: own series from there on.
LOG_UNDERFLOW = -650.0
UNDERFLOW = 1e-290  # the same for tails that are not logarithms
GAMMA_NORMAL_SHAPE = 1e10  # the next Cornish–Fisher term of a Gamma law is 1/shape, 1e-10 of a standard deviation
# Stirling's series to its first term errs by 1/(360·shape³), 3e-12; below, gammaln loses nothing.
GAMMA_STIRLING_SHAPE = 1e3
# Above it scipy's inverse incomplete Gamma function loses its tails, and quantiles are searched.
GAMMA_INVERSE_SHAPE = 1e4
TAIL_TERMS = 200  # terms of the series and of the continued fraction of a far Gamma tail; they gain a digit in a few
# Terms of the series of a far tail on the sphere: its ratio is below 2w with w ≪ 1 where it is used.
COORDINATE_TERMS = 400
SPHERE_NORMAL_DIM = 1e6  # the second Edgeworth term of a coordinate on the sphere is 1/n², 1e-12
# Above it the norming constant comes from its series (error 1/n³): betaln would cancel five digits.
SPHERE_DENSITY_DIM = 1e5
SPHERE_DRAW_DIM = 1e12  # a coordinate drawn on so large a sphere is normal to 1e-12, the noise of 1e24 draws
# A Gamma deviate of larger shape is normal with its skewness corrected: the kurtosis left out is 6e-10.
DEVIATE_NORMAL_SHAPE = 1e10
# With so many degrees of freedom a normal law with one Edgeworth term errs by 1/K², 1e-16.
VARIANCE_GAMMA_NORMAL = 1e8
# Degrees of freedom above which the scaled Bessel function may overflow near 0: quadrature instead.
VARIANCE_GAMMA_BESSEL = 1e3
# Half the degrees of freedom above which Γ(h − ½)/Γ(h) comes from its series (next term 1/h²).
VARIANCE_GAMMA_PEAK = 1e6

# --- quadrature ---------------------------------------------------------------------------------------
# Trapezoid step in the sinh variable: error below exp(−2π·0.75/0.1), the strip of analyticity being 0.75.
CONTOUR_STEP = 0.1
CONTOUR_DROP = 38.0  # the contour ends where the integrand is e^−38 = 3e-17 of its peak
CONTOUR_LONGEST = 80.0  # largest sinh variable: e^80 covers the algebraic decay of the smallest shapes
CONTOUR_BEND = 1.0  # steepest bend of the contour: a hyperbola with more would leave the half plane of its saddle
CONTOUR_LIGHT = 1e4  # Gamma shape below which a level's logarithm is taken as it stands: it cancels shape·1e-16
CONTOUR_POINTS = 512  # points that share one contour: their nodes times levels stay below some hundred MB
CONTOUR_NUMBERS = 1 << 20  # complex numbers of one block of nodes: 16 MB
# The error falls as e^(−c/step), so the finer sum errs by the square of the difference: the cautious half way.
CONTOUR_ERROR_POWER = 1.5
SADDLE_STEPS = 200  # safeguarded Newton steps to a saddle point; it takes about 10, more only by bisection
# A contour through a point this near the saddle is as good as the saddle's: errors are of second order.
SADDLE_TOLERANCE = 1e-12
# |z| below which log(1 + z) − z cancels more than two digits; 13 terms of its series are then exact.
SERIES_RADIUS = 0.05
SERIES_TERMS = 14  # highest power in that series: 0.05^13 is below a unit in the last place
# Trapezoid intervals in the log of the Gamma variable, converged to 1e-13 (``cdf_error`` halves them).
MIX_NODES = 128  # trapezoid intervals in the log of the Gamma variable: half of them already err by 6e-12 only
MIX_REACH = 6.0  # widths of the integrand on either side, before the stretch: e^−18 of its peak
MIX_LARGEST = 700.0  # log of a Gamma variable at most: its weight is 0 long before, and exp must not overflow
MIX_SMALL_SHAPE = 2.0  # below this shape the left tail is long: four times the nodes
MIX_STRETCHED_SHAPE = 20.0  # below this shape the nodes are spread as sinh, to reach weights of e^−80 on the left
MIX_DROP = 80.0  # exponent at which the left tail of the mixture is cut
MIX_NARROW = 0.3  # least stretch: below it sinh is linear, and dividing by it would only round
# Relative distance from the mode below which h·log(g/h) − (g − h) does not cancel and is taken as it stands.
MIX_FLAT = -0.5
# Standard deviations on each side of the difference that stands for the density of ±T, which is sampled.
SPHERE_EDGE = 0.02

# --- tables and stored samples ------------------------------------------------------------------------
SHOT_CELLS = 2048  # cells of a law under shot noise: the error of the table is of order 1/cells², 2e-7
TABLE_REACH = 12.0  # half-width of a table in standard deviations: beyond it even an exponential tail holds 6e-6
SHOT_ROWS = 256  # points evaluated at once against all cells: 4 MB
# Cells narrower than this share of the noise act as points: the error is its square over 24, 2e-5 of the noise.
NARROW_CELL = 0.02
NARROW_NOISE = 1e-6  # noise below this share of a cell is no noise: the antiderivative of the normal cdf would cancel
NEGATIVE_VARIANCE = -1e-6  # a single-shot variance may be this far below 0 by rounding before it is refused
SUM_CELLS = 1 << 13  # cells of a convolution: the error, measured by halving them, is about 1e-7
# Summands narrower than this share of the sum's standard deviation count by their mean: below the cells.
SUM_NEGLIGIBLE = 1e-6
# Quantiles kept of a stored sample: a cdf between two of them is off by 1.5e-5, below any sample's error.
TABLE_POINTS = 1 << 16
TABLE_BANDWIDTH = 0.9  # Silverman's factor of n^(−1/5) standard deviations, the usual bandwidth of a density
SCALE_BINS = 256  # equal-probability bins of a random scale: the error of replacing a bin by its rms falls as 1/bins²
SCALE_DRAWS = 1 << 17  # draws behind the bins: 1/√draws = 0.3% of the spread of the kernel, about 1e-4 in a cdf
# Smallest and largest stored sample of a mixed input's loss: standard errors of a cdf of 0.6% and 0.14%.
COMPRESSION_TABLE = (1 << 13, 1 << 17)
COMPRESSION_WORK = 1 << 23  # matrix entries drawn for it: about a second
COMPRESSION_STRATA = 16  # points that each stored sample is spread to by its conditional law, at no further matrices
GRADIENT_TABLE = (1 << 13, 1 << 16)  # the same for a mixed input's gradient
GRADIENT_WORK = 1 << 21  # matrix entries drawn for it: gradients cost two more matrices each
GRADIENT_TURNS = 8  # phases by which the part outside the frame is turned (β = 2): its law does not change
SQUARE_TABLE = (1 << 12, 1 << 16)  # smallest and largest stored sample of ‖∇ℓ‖²
SQUARE_WORK = 1 << 23  # Components drawn for it: about a second

# --- memory -------------------------------------------------------------------------------------------
# Numbers of one batch of draws: 8 MB. Part of the random stream, so it decides sampled numbers.
DRAWN_AT_ONCE = 1 << 20
LEVELS_AT_ONCE = 1 << 21  # the same for deviates level by level, and for matrices of compressions
LARGEST_DOF = 1 << 60  # degrees of freedom handed on as a number: at most as many directions are ever drawn

# --- inputs -------------------------------------------------------------------------------------------
WEIGHT_SLACK = 1e-9  # eigenvalues of an input may sum to this much above 1: rounding of a diagonalisation
SPAN_RANK = 1e-12  # singular values below this share of the largest are rounding, not another direction of the inputs
QUATERNION_RANK = 1e-10  # the same after Gram–Schmidt over H, which rounds twice

# --- the Gaussian verdict -----------------------------------------------------------------------------
GAUSSIAN_DOF = 30.0  # degrees of freedom that count as many: skewness √(8/r) is then 0.5
GAUSSIAN_LINDEBERG = 0.05  # share of the variance that one level may carry
GAUSSIAN_DISTANCE = 0.02  # Kolmogorov–Smirnov distance to normal that about 5,000 losses are needed to see
# Half-width in standard deviations and points of the grid on which that distance is taken.
GAUSSIAN_GRID = (8.0, 1601)

HESSIAN_FLOATS = 4_000_000
"""Numbers of random directions held at once: 64 MB as complex."""
SEPARATED = 0.15
"""Largest departure of a variance off a Hessian's diagonal from their mean: a tenth is what finite sizes leave."""
