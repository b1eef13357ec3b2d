"""Branch-free float32 exp and sigmoid that LLVM turns into vector code (Numba's wheels carry no vector math library)."""

import math

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import at_least, at_most, bits_of, from_bits

f32 = np.float32

LOG2_E = f32(math.log2(math.e))
LN2_HIGH, LN2_LOW = f32(0.693359375), f32(-2.12194440e-4)  # their sum is ln 2 to 35 bits (Cody and Waite 1980)
ROUND = f32(1.5 * 2**23)  # adding it rounds a float32 below 2^22 to an integer and leaves that in the low bits
LOWEST, HIGHEST = f32(-87.33), f32(88.37)  # between these e^x is a normal number
EXPONENT_OF_ONE = np.int32(127 << 23)


def _exp(x):
    x = at_most(at_least(x, LOWEST), HIGHEST)
    shifted = x * LOG2_E + ROUND
    n = shifted - ROUND
    r = x - n * LN2_HIGH - n * LN2_LOW  # x = n ln2 + r, |r| <= ln2 / 2
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    p = p * (r * r) + r + f32(1)
    return p * from_bits((bits_of(shifted) << np.int32(23)) + EXPONENT_OF_ONE)  # times 2^n


#: e to the x, relative error below 3e-7, clamped to [1.2e-38, 2.4e38]; NaN gives NaN. Polynomial of Cephes expf (Moshier).
#: subtle: with "reassoc" LLVM would cancel (x + ROUND) - ROUND to x; so it gets fused multiply-adds and nothing else.
exp = kernel(_exp, fastmath=frozenset({"contract"}))


@kernel
def sigmoid(x):
    """1 / (1 + e^-x)."""
    return f32(1) / (f32(1) + exp(-x))
