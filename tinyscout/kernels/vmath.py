"""Branch-free exponentials, logarithm and sigmoid of a vector (Numba's wheels carry no vector math library)."""

import math

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import ROUND, at_least, at_most, exponent, fma, splat, times_power_of_two

f32 = np.float32

LOG2_E = f32(math.log2(math.e))
MINUS_LN2_HIGH, MINUS_LN2_LOW = f32(-0.693359375), f32(2.12194440e-4)  # -ln 2 to 35 bits (Cody and Waite 1980)
LOWEST, HIGHEST = f32(-87.33), f32(88.37)  # between these e^x is a normal number
C2, C3, C4 = f32(5.0000001201e-1), f32(1.6666665459e-1), f32(4.1665795894e-2)  # Cephes expf (Moshier)
C5, C6, C7 = f32(8.3334519073e-3), f32(1.3981999507e-3), f32(1.9875691500e-4)

#: 2^x = 1 + E1 x + ... for |x| <= 1/2: Cephes exp2f (Moshier).
E1, E2, E3 = f32(6.931472028550421e-1), f32(2.402264791363012e-1), f32(5.550332471162809e-2)
E4, E5, E6 = f32(9.618437357674640e-3), f32(1.339887440266574e-3), f32(1.535336188319500e-4)
SQRT2 = f32(math.sqrt(2))
#: log(1 + x) = x - x^2 / 2 + L3 x^3 + ...: Cephes logf (Moshier).
L3, L4, L5 = f32(3.3333331174e-1), f32(-2.4999993993e-1), f32(2.0000714765e-1)
L6, L7, L8, L9 = f32(-1.6668057665e-1), f32(1.4249322787e-1), f32(-1.2420140846e-1), f32(1.1676998740e-1)
L10, L11 = f32(-1.1514610310e-1), f32(7.0376836292e-2)


def _exp(x):
    """e to the x in each lane, relative error below 2e-7, clamped to [1.2e-38, 2.4e38]; NaN gives NaN."""
    x = at_most(at_least(x, splat(LOWEST)), splat(HIGHEST))
    rounded = fma(x, splat(LOG2_E), splat(ROUND))
    n = rounded - splat(ROUND)
    r = fma(n, splat(MINUS_LN2_LOW), fma(n, splat(MINUS_LN2_HIGH), x))  # x = n ln2 + r, |r| <= ln2 / 2
    p = fma(splat(C7), r, splat(C6))
    p = fma(p, r, splat(C5))
    p = fma(p, r, splat(C4))
    p = fma(p, r, splat(C3))
    p = fma(p, r, splat(C2))
    p = fma(p, r * r, r + splat(f32(1)))
    return times_power_of_two(p, rounded)


def _exp2_of_negative(x):
    """2 to the x in each lane, x <= 0, relative error below 2e-7; at least 1.2e-38; NaN gives NaN."""
    return exp2(at_least(x, splat(f32(-126))))


def _exp2(x):
    """2 to the x in each lane, -126 <= x <= 127, relative error below 2e-7; NaN gives NaN."""
    rounded = x + splat(ROUND)
    r = x - (rounded - splat(ROUND))  # |r| <= 1/2, exact
    p = fma(splat(E6), r, splat(E5))
    p = fma(p, r, splat(E4))
    p = fma(p, r, splat(E3))
    p = fma(p, r, splat(E2))
    p = fma(p, r, splat(E1))
    p = fma(p, r, splat(f32(1)))
    return times_power_of_two(p, rounded)


def _log2(x):
    """Logarithm to base 2 of each lane, between 2^-126 and 2^126, to 2e-7 of it or of 1; NaN gives NaN."""
    n = exponent(x * splat(SQRT2))
    r = times_power_of_two(x, splat(ROUND) - n) - splat(f32(1))  # x = (1 + r) 2^n, sqrt(1/2) <= 1 + r < sqrt(2)
    p = fma(splat(L11), r, splat(L10))
    p = fma(p, r, splat(L9))
    p = fma(p, r, splat(L8))
    p = fma(p, r, splat(L7))
    p = fma(p, r, splat(L6))
    p = fma(p, r, splat(L5))
    p = fma(p, r, splat(L4))
    p = fma(p, r, splat(L3))
    p = fma(p, r, splat(f32(-0.5)))
    return fma(fma(p, r * r, r), splat(LOG2_E), n)


# Exactly as written: sums in another order would take x + ROUND - ROUND for x.
exp, exp2, exp2_of_negative, log2 = (kernel(f, fastmath=frozenset()) for f in (_exp, _exp2, _exp2_of_negative, _log2))


@kernel
def sigmoid_base_2(x):
    """1 / (1 + 2^-x) in each lane."""
    bounded = at_most(at_least(x, splat(f32(-126))), splat(f32(126)))
    return splat(f32(1)) / (splat(f32(1)) + exp2(splat(f32(0)) - bounded))
