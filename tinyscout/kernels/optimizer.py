"""One AdamW step on one parameter, in place (Loshchilov and Hutter 2019, Algorithm 2)."""

import math

import numpy as np

from tinyscout.kernels.jit import compiled_for, kernel, plain

f32 = np.float32


def adamw_twin(param, grad, m, v, *, lr, beta1, beta2, eps, weight_decay, step):
    """The same as `adamw` in plain NumPy."""
    m *= beta1
    m += (1 - beta1) * grad
    v *= beta2
    v += (1 - beta2) * grad * grad
    root = np.sqrt(v) / math.sqrt(1 - beta2**step)  # of the unbiased second moment
    param *= 1 - lr * weight_decay
    param -= (lr / (1 - beta1**step)) * m / (root + eps)


@kernel
def _step(param, grad, m, v, beta1, new1, beta2, new2, rate, root_scale, eps, keep):
    for j in range(param.size):
        m[j] = beta1 * m[j] + new1 * grad[j]
        v[j] = beta2 * v[j] + new2 * grad[j] * grad[j]
        param[j] = param[j] * keep - rate * m[j] / (np.sqrt(v[j]) * root_scale + eps)


def adamw(param, grad, m, v, *, lr, beta1, beta2, eps, weight_decay, step):
    """Move param against grad; update the moments m and v. All in place.

    param, grad, m, v of one shape; step counts from 1. Raises ValueError when shapes differ or one that is written to
    is not contiguous.
    """
    if not (param.shape == grad.shape == m.shape == v.shape):
        raise ValueError(
            f"adamw: param {param.shape}, grad {grad.shape}, m {m.shape}, v {v.shape} must be of one shape"
        )
    if not compiled_for(param, grad, m, v):
        adamw_twin(param, grad, m, v, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, step=step)
        return
    for name, array in (("param", param), ("m", m), ("v", v)):
        if not array.flags.c_contiguous:
            raise ValueError(
                f"adamw: {name} {array.shape} is not contiguous; pass np.ascontiguousarray of it and keep that"
            )
    _step(
        param.reshape(-1),
        plain(grad).reshape(-1),
        m.reshape(-1),
        v.reshape(-1),
        f32(beta1),
        f32(1 - beta1),  # subtle: in float32, 1 - 0.999 is wrong in the fifth digit
        f32(beta2),
        f32(1 - beta2),
        f32(lr / (1 - beta1**step)),
        f32(1 / math.sqrt(1 - beta2**step)),
        f32(eps),
        f32(1 - lr * weight_decay),
    )
