"""Branch-free exp and sigmoid of a vector (Numba's wheels carry no vector math library)."""

import math

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import at_least, at_most, fma, nearest, splat, times_power_of_two

f32 = np.float32

LOG2_E = f32(math.log2(math.e))
MINUS_LN2_HIGH, MINUS_LN2_LOW = f32(-0.693359375), f32(2.12194440e-4)  # -ln 2 to 35 bits (Cody and Waite 1980)
LOWEST, HIGHEST = f32(-87.33), f32(88.37)  # between these e^x is a normal number
C2, C3, C4 = f32(5.0000001201e-1), f32(1.6666665459e-1), f32(4.1665795894e-2)  # Cephes expf (Moshier)
C5, C6, C7 = f32(8.3334519073e-3), f32(1.3981999507e-3), f32(1.9875691500e-4)


@kernel
def exp(x):
    """e to the x in each lane, relative error below 2e-7, clamped to [1.2e-38, 2.4e38]; NaN gives NaN."""
    x = at_most(at_least(x, splat(LOWEST)), splat(HIGHEST))
    n = nearest(x * splat(LOG2_E))
    r = fma(n, splat(MINUS_LN2_LOW), fma(n, splat(MINUS_LN2_HIGH), x))  # x = n ln2 + r, |r| <= ln2 / 2
    p = fma(splat(C7), r, splat(C6))
    p = fma(p, r, splat(C5))
    p = fma(p, r, splat(C4))
    p = fma(p, r, splat(C3))
    p = fma(p, r, splat(C2))
    p = fma(p, r * r, r + splat(f32(1)))
    return times_power_of_two(p, n)


@kernel
def sigmoid(x):
    """1 / (1 + e^-x) in each lane."""
    return splat(f32(1)) / (splat(f32(1)) + exp(splat(f32(0)) - x))
