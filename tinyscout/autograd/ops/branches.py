"""The branches of a pre-norm transformer layer, each one op with the normalisation before and the addition after it.

Step by step, each activation of a batch goes to memory and comes back once or twice; here a few rows of it go through
all steps while they are in the cache. The kernels spell out the steps in their twins.
"""

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


@op
def mlp_branch(x, gain, shift, up, up_bias, down, down_bias, *, kept=None, eps=1e-5, frozen=False):
    """x + linear(gelu(linear(layer_norm(x, gain, shift), up, up_bias)), down, down_bias).

    x (..., D), gain and shift (D,), up (H, D), up_bias (H,), down (D, H), down_bias (D,)  ->  (..., D)
    kept: what dropout multiplies the branch by, as x. frozen: only x gets a gradient, in half the time.
    """
    kept = None if kept is None else np.asarray(kept, x.dtype)
    y, saved = kernels.mlp_branch(x, gain, shift, up, up_bias, down, down_bias, kept=kept, eps=eps)
    return y, lambda dy: kernels.mlp_branch_backward(dy, x, gain, shift, up, down, saved, kept=kept, frozen=frozen)
