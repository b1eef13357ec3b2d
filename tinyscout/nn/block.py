"""Block: attention, then an MLP or a mixture of them, each added to a residual stream that runs straight through."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinyscout.autograd import Tensor
from tinyscout.nn.attention import MultiHeadAttention
from tinyscout.nn.dropout import Dropout
from tinyscout.nn.mlp import MLP
from tinyscout.nn.module import Module
from tinyscout.nn.moe import MoE, Routing
from tinyscout.nn.norm import LayerNorm


class Block(Module):
    """One transformer layer, x (B, T, D) -> (B, T, D), or ragged (N, D) -> (N, D) as MultiHeadAttention reads it.

    norm "pre" normalises what each branch reads, so that the residual stream is never touched (Xiong et al. 2020);
    "post" normalises after each addition, as in the first transformer; "none" does neither, to see what breaks.
    hidden: width of the MLP, 4 * width when None. mlp: what takes the MLP's place, made beforehand.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        hidden: int | None = None,
        norm: Literal["pre", "post", "none"] = "pre",
        dropout: float = 0.0,
        mlp: MLP | MoE | None = None,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if norm not in ("pre", "post", "none"):
            raise ValueError(f'Block: norm is "{norm}", needs "pre", "post" or "none"')
        self.norm = norm
        self.attention = MultiHeadAttention(width, heads, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng, dtype=dtype)
        if mlp is None:
            mlp = MLP(width, 4 * width if hidden is None else hidden, dropout=dropout, rng=rng, dtype=dtype)
        self.mlp = mlp
        if norm != "none":
            self.attention_norm = LayerNorm(width, dtype=dtype)
            self.mlp_norm = LayerNorm(width, dtype=dtype)

    def __call__(
        self,
        x: Tensor,
        *,
        lengths: ArrayLike | None = None,
        causal: bool = True,
        routings: list[Routing] | None = None,
    ) -> Tensor:
        """What a router decides is added to `routings`."""
        return self._with_mlp(self._with_attention(x, lengths, causal), lengths, routings)

    def at_last(self, x: Tensor, *, lengths: np.ndarray, routings: list[Routing] | None = None) -> Tensor:
        """What __call__ gives at the last position of each row that is no padding: x (B, T, D), lengths (B,) -> (B, D).

        It skips what only the other positions need: all of the MLP and most of the attention.
        """
        last = x[np.arange(len(lengths)), lengths - 1]  # (B, D)
        read = self.attention_norm(x) if self.norm == "pre" else x
        return self._with_mlp(last + self.dropout(self.attention.at_last(read, lengths=lengths)), None, routings)

    def at(
        self,
        x: Tensor,
        places: tuple[np.ndarray, np.ndarray],
        *,
        lengths: np.ndarray,
        routings: list[Routing] | None = None,
    ) -> Tensor:
        """What __call__ gives at some places alone, rows (K,) and positions (K,): x (B, T, D) -> (K, D).

        It skips what the MLP would make of the other positions.
        """
        return self._with_mlp(self._with_attention(x, lengths)[places], None, routings)

    def _with_attention(self, x: Tensor, lengths: ArrayLike | None, causal: bool = True) -> Tensor:
        """The residual stream x with what attention adds to it."""
        if self.norm == "pre":
            kept = self.dropout.mask(x)
            return self.attention.branch(x, self.attention_norm, lengths=lengths, causal=causal, kept=kept)
        return x + self.dropout(self.attention(x, lengths=lengths, causal=causal))

    def _with_mlp(self, x: Tensor, lengths: ArrayLike | None, routings: list[Routing] | None) -> Tensor:
        """The residual stream x after attention, with what the MLP makes of it."""
        if self.norm == "post":
            x = self.attention_norm(x)
        mlp = self.mlp
        if self.norm == "pre" and isinstance(mlp, MLP):
            return mlp.branch(x, self.mlp_norm)
        read = self.mlp_norm(x) if self.norm == "pre" else x
        x = x + (mlp(read, lengths=lengths, routings=routings) if isinstance(mlp, MoE) else mlp(read))
        return self.mlp_norm(x) if self.norm == "post" else x
