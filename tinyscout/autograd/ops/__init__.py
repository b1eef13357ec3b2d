"""Every op, by name: `from tinyscout.autograd import ops; ops.layer_norm(x, gain, bias)`.

Each is one function that returns its value and its backward; the contract is in op.py.
"""

from tinyscout.autograd.ops.attention import attention, attention_weights, last_attention, self_attention, split_heads
from tinyscout.autograd.ops.branches import attention_branch, mlp_branch
from tinyscout.autograd.ops.elementwise import (
    abs,
    add,
    clip,
    div,
    dropout,
    dropout_mask,
    exp,
    log,
    maximum,
    minimum,
    mul,
    neg,
    power,
    relu,
    sigmoid,
    sqrt,
    sub,
    tanh,
    where,
)
from tinyscout.autograd.ops.fused import add_embeddings, embedding, gelu, layer_norm
from tinyscout.autograd.ops.linear import csr_matmul, linear, matmul
from tinyscout.autograd.ops.losses import bce_with_logits, cross_entropy, log_likelihood
from tinyscout.autograd.ops.reduce import log_softmax, logsumexp, max, mean, softmax, sum
from tinyscout.autograd.ops.routing import foretold, gates, grouped_linear, load_balance, router_z, scatter_rows
from tinyscout.autograd.ops.shape import concat, index, pad, reshape, stack, take_along, transpose

__all__ = [
    "abs",
    "add",
    "add_embeddings",
    "attention",
    "attention_branch",
    "attention_weights",
    "bce_with_logits",
    "clip",
    "concat",
    "cross_entropy",
    "csr_matmul",
    "div",
    "dropout",
    "dropout_mask",
    "embedding",
    "exp",
    "foretold",
    "gates",
    "gelu",
    "grouped_linear",
    "index",
    "last_attention",
    "layer_norm",
    "linear",
    "load_balance",
    "log",
    "log_likelihood",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "minimum",
    "mlp_branch",
    "mul",
    "neg",
    "pad",
    "power",
    "relu",
    "reshape",
    "router_z",
    "scatter_rows",
    "self_attention",
    "sigmoid",
    "softmax",
    "split_heads",
    "sqrt",
    "stack",
    "sub",
    "sum",
    "take_along",
    "tanh",
    "transpose",
    "where",
]
