"""MultiHeadAttention: each position reads from the others, several ways at once."""

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.linear import Linear
from tinyscout.nn.module import Module
from tinyscout.nn.norm import LayerNorm


class MultiHeadAttention(Module):
    """Self-attention with several heads (Vaswani et al. 2017, section 3.2.2), x (B, T, D) -> (B, T, D).

    x (N, D) is ragged: sequences behind one another, of `lengths` rows each, none of which sees another -> (N, D).
    One product gives queries, keys and values: rows 0:D of qkv.weight are the queries, D:2D the keys, 2D:3D the values.
    """

    def __init__(self, width: int, heads: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> None:
        if heads < 1 or width % heads:
            raise ValueError(f"MultiHeadAttention: width {width} doesn't divide into {heads} heads")
        self.heads = heads
        self.qkv = Linear(width, 3 * width, rng=rng, dtype=dtype)
        self.out = Linear(width, width, rng=rng, dtype=dtype)

    @overload
    def __call__(
        self,
        x: Tensor,
        *,
        lengths: ArrayLike | None = None,
        causal: bool = True,
        return_weights: Literal[False] = False,
    ) -> Tensor: ...
    @overload
    def __call__(
        self, x: Tensor, *, lengths: ArrayLike | None = None, causal: bool = True, return_weights: Literal[True]
    ) -> tuple[Tensor, np.ndarray]: ...
    def __call__(self, x, *, lengths=None, causal=True, return_weights=False):
        """lengths (B,): positions from there on are padding, seen by nobody. causal: a position sees none after it.

        With return_weights, also the attention weights (B, H, T, T) of x (B, T, D) as an array, for figures.
        """
        qkv = self.qkv(x)  # (..., 3D)
        mixed = ops.self_attention(qkv, heads=self.heads, lengths=lengths, causal=causal)  # (..., D)
        y = self.out(mixed)
        if not return_weights:
            return y
        q, k, _ = ops.split_heads(qkv.data, self.heads)  # (B, H, T, K) each
        return y, ops.attention_weights(q, k, lengths=lengths, causal=causal)

    def branch(
        self,
        x: Tensor,
        norm: LayerNorm,
        *,
        lengths: ArrayLike | None = None,
        causal: bool = True,
        kept: np.ndarray | None = None,
    ) -> Tensor:
        """x + kept * self(norm(x)) as one op; kept as x, or None for 1."""
        weights = norm.gain, norm.bias, self.qkv.weight, self.qkv.bias, self.out.weight, self.out.bias
        options = {"heads": self.heads, "lengths": lengths, "causal": causal, "kept": kept, "eps": norm.eps}
        return ops.attention_branch(x, *weights, **options, frozen=not self.qkv.weight.requires_grad)

    def at_last(self, x: Tensor, *, lengths: np.ndarray) -> Tensor:
        """What __call__ gives at the last position of each row that is no padding: x (B, T, D), lengths (B,) -> (B, D).

        The same numbers for a fraction of the work: every position is a key and a value, one alone is a query.
        """
        batch, _, width = x.shape
        weight, bias = self.qkv.weight, self.qkv.bias
        assert bias is not None
        q = ops.linear(x[np.arange(batch), lengths - 1], weight[:width], bias[:width])  # (B, D)
        kv = ops.linear(x, weight[width:], bias[width:])  # (B, T, 2D)
        return self.out(ops.last_attention(q, kv, heads=self.heads, lengths=lengths))
