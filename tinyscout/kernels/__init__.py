"""Fast kernels in Numba: arrays in, arrays out, no autograd.

Each public function serves float32 by machine code and any other dtype by its plain-NumPy twin, which stands beside it
in the same file as `<name>_twin`; with NUMBA_DISABLE_JIT=1 the twin serves everything. Inputs are not changed, except
that `adamw` works in place; arrays that are not contiguous are copied once. A NaN that goes in comes out. All functions
run without the GIL and may be called from several threads at once; each uses one thread.

    matmul(a, b, *, transpose_a=False, transpose_b=False, out=None)  -> a @ b
    pack_weight(weight), linear_packed(x, packed, bias, out)   -> out
    linear(x, weight, bias=None)                               -> y
    linear_backward_input(dy, weight)                          -> dx
    linear_backward_weight(dy, x)                              -> dweight, dbias
    quantize_rows(x)                                           -> int8 of the shape of x, scale of each row
    pack_int8(weight)                                          -> PackedInt8
    linear_int8(x, packed, bias=None)                          -> y
    layer_norm(x, gain, bias, *, eps=1e-5)                     -> y, mean, rstd
    layer_norm_backward(dy, x, gain, mean, rstd)               -> dx, dgain, dbias
    gelu(x)                                                    -> y
    gelu_backward(dy, x)                                       -> dx
    attention_branch(x, gain, shift, qkv, qkv_bias, out, out_bias, *, heads, lengths, ...)  -> y, saved
    attention_branch_backward(dy, x, gain, shift, qkv, out, saved, *, ...)  -> dx, gradients of the weights
    mlp_branch(x, gain, shift, up, up_bias, down, down_bias, *, kept, eps)            -> y, saved
    mlp_branch_backward(dy, x, gain, shift, up, down, saved, *, kept, frozen=False)   -> dx, gradients of the weights
    softmax(x)                                                 -> y
    softmax_backward(dy, y)                                    -> dx
    cross_entropy(logits, targets, weights=None)               -> loss, dlogits (for a cotangent of 1)
    attention(q, k, v, *, lengths, causal, scale, offset)      -> y, lse
    attention_backward(dy, q, k, v, y, lse, *, ..., out=None)  -> dq, dk, dv
    rooms(x, lengths)                                          -> where the leads of a padded or ragged x stand
    gather_add(x, table, ids, *, values=None, out=None)        -> x + values * table[ids]
    scatter_add(ids, rows, size, *, values=None)               -> table
    adamw(param, grad, m, v, *, lr, beta1, beta2, eps, weight_decay, step)
    warm(progress=None)                                        -> seconds it took to compile all of this ahead

Numba is imported when the first of these names is used, not by `import tinyscout.kernels`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyscout.kernels.activation import gelu, gelu_backward
    from tinyscout.kernels.affine import linear, linear_backward_input, linear_backward_weight
    from tinyscout.kernels.ahead import warm
    from tinyscout.kernels.crossentropy import cross_entropy, softmax, softmax_backward
    from tinyscout.kernels.gemm import linear_packed, matmul, pack_weight
    from tinyscout.kernels.int8 import linear_int8, pack_int8, quantize_rows
    from tinyscout.kernels.layernorm import layer_norm, layer_norm_backward
    from tinyscout.kernels.mlp import mlp_branch, mlp_branch_backward
    from tinyscout.kernels.multihead import attention, attention_backward, rooms
    from tinyscout.kernels.optimizer import adamw
    from tinyscout.kernels.scatter import gather_add, scatter_add
    from tinyscout.kernels.selfattention import attention_branch, attention_branch_backward

__all__ = [
    "adamw",
    "attention",
    "attention_backward",
    "attention_branch",
    "attention_branch_backward",
    "cross_entropy",
    "gather_add",
    "gelu",
    "gelu_backward",
    "layer_norm",
    "layer_norm_backward",
    "linear",
    "linear_backward_input",
    "linear_backward_weight",
    "linear_int8",
    "linear_packed",
    "matmul",
    "mlp_branch",
    "mlp_branch_backward",
    "pack_int8",
    "pack_weight",
    "quantize_rows",
    "rooms",
    "scatter_add",
    "softmax",
    "softmax_backward",
    "warm",
]

_FILES = {
    "ahead": ("warm",),
    "affine": ("linear", "linear_backward_input", "linear_backward_weight"),
    "activation": ("gelu", "gelu_backward"),
    "crossentropy": ("cross_entropy", "softmax", "softmax_backward"),
    "gemm": ("linear_packed", "matmul", "pack_weight"),
    "int8": ("linear_int8", "pack_int8", "quantize_rows"),
    "layernorm": ("layer_norm", "layer_norm_backward"),
    "mlp": ("mlp_branch", "mlp_branch_backward"),
    "multihead": ("attention", "attention_backward", "rooms"),
    "optimizer": ("adamw",),
    "selfattention": ("attention_branch", "attention_branch_backward"),
    "scatter": ("gather_add", "scatter_add"),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str):
    if name not in _FILE_OF:
        raise AttributeError(f"module 'tinyscout.kernels' has no attribute {name!r}")
    value = getattr(import_module(f"tinyscout.kernels.{_FILE_OF[name]}"), name)
    globals()[name] = value  # the next look-up is an ordinary one
    return value
