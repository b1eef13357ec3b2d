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


@op
def attention_branch(
    x, gain, shift, qkv, qkv_bias, out, out_bias, *, heads, lengths=None, causal=True, kept=None, eps=1e-5, frozen=False
):
    """x + linear(self_attention(linear(layer_norm(x, gain, shift), qkv, qkv_bias)), out, out_bias).

    x (B, T, D) or ragged (N, D), gain and shift (D,), qkv (3D, D), qkv_bias (3D,), out (D, D), out_bias (D,)  ->  as x
    heads, lengths, causal: as in self_attention. kept, frozen: as in mlp_branch.
    """
    kept = None if kept is None else np.asarray(kept, x.dtype)
    options = {"heads": heads, "lengths": lengths, "causal": causal, "kept": kept}
    y, saved = kernels.attention_branch(x, gain, shift, qkv, qkv_bias, out, out_bias, **options, eps=eps)
    return y, lambda dy: kernels.attention_branch_backward(
        dy, x, gain, shift, qkv, out, saved, **options, frozen=frozen
    )
