"""MoE: several MLPs of which each token uses one or two, chosen by a router that is learnt beside them.

Tokens are sorted by expert, so that each expert's MLP runs once over rows that lie together: the work is that of the
experts used, however many there are.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.dropout import Dropout
from tinyscout.nn.linear import Linear
from tinyscout.nn.module import Module, Parameter

ROUTER_GAIN = math.sqrt(0.1)
"""Fresh logits are small, so that at first every expert is as likely (Switch, Fedus et al. 2021, section 2.4)."""


@dataclass(frozen=True)
class Routing:
    """What a router decided about N tokens: `rows` (N,) says where each stands among the (B * T) of the input.

    logits (N, E); chosen (N, k), the best expert first; served (E,): tokens that each expert took.
    """

    logits: Tensor
    chosen: np.ndarray
    rows: np.ndarray
    served: np.ndarray

    @property
    def dropped(self) -> int:
        """Choices of an expert that was full."""
        return self.chosen.size - int(self.served.sum())

    def loss(self, *, balance_weight: float, z_weight: float) -> Tensor:
        """What this layer adds to the training loss: Switch (eq. 4) gives balance 0.01, ST-MoE (eq. 6) z 0.001."""
        return balance_weight * self.load_balance() + z_weight * self.router_z()

    def load_balance(self) -> Tensor:
        """1 where all experts are used alike, E where one has all."""
        return ops.load_balance(self.logits, chosen=self.chosen)

    def router_z(self) -> Tensor:
        """Mean squared logsumexp of the logits."""
        return ops.router_z(self.logits)


class GroupedLinear(Module):
    """A Linear for each of E groups of rows: weight (E, Out, In), bias (E, Out); drawn as Linear draws them."""

    def __init__(
        self, groups: int, n_in: int, n_out: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        self.weight = Parameter((rng.standard_normal((groups, n_out, n_in)) * (1 / math.sqrt(n_in))).astype(dtype))
        self.bias = Parameter(np.zeros((groups, n_out), dtype=dtype))

    def __call__(self, x: Tensor, *, ends: np.ndarray) -> Tensor:
        """x (N, In), the rows of group e before ends[e] -> (N, Out)."""
        return ops.grouped_linear(x, self.weight, self.bias, ends=ends)


class MoE(Module):
    """Mixture of experts in the place of an MLP: x (..., D) -> (..., D), each token through `top_k` of `experts` MLPs.

    The output is the sum of the chosen experts', each times its gate (ops.gates). Without capacity_factor no token is
    dropped. With it, while training, an expert takes at most capacity_factor times its fair share, first choices before
    second ones and earlier tokens before later ones; the rest get nothing from it, so that the residual stream alone
    carries them. Predicting drops no token, because what a lead gets must not depend on the others in its batch.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        experts: int,
        top_k: int = 1,
        *,
        capacity_factor: float | None = None,
        dropout: float = 0.0,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if top_k not in (1, 2) or experts < top_k:
            raise ValueError(f"MoE: top_k is {top_k} of {experts} experts, needs 1 or 2 and as many experts at least")
        if capacity_factor is not None and not capacity_factor > 0:
            raise ValueError(f"MoE: capacity_factor is {capacity_factor}, needs a number above 0, or None for no limit")
        self.top_k, self.capacity_factor = top_k, capacity_factor
        self.up = GroupedLinear(experts, width, hidden, rng=rng, dtype=dtype)
        self.down = GroupedLinear(experts, hidden, width, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng, dtype=dtype)
        self.router = Linear(width, experts, bias=False, gain=ROUTER_GAIN, rng=rng, dtype=dtype)

    def __call__(self, x: Tensor, *, lengths: ArrayLike | None = None, routings: list[Routing] | None = None) -> Tensor:
        """lengths (B,) for x (B, T, D): positions from there on are padding: not routed, not counted, and 0 comes out.

        Rows (N, D) are all real.
        What the router decided is added to `routings`, for the losses and the statistics.
        """
        rows = x.reshape(-1, x.shape[-1])  # (B * T, D)
        real = _real(x.shape[:-1], lengths)  # (N,)
        logits = self.router(rows)  # (B * T, E)
        if len(real) < len(rows.data):
            logits = ops.embedding(logits, ids=real)  # (N, E)
        chosen = best(logits.data, self.top_k)  # (N, k)
        choices, ends = by_expert(chosen, logits.shape[1], self._capacity(chosen.size))  # (S,), (E,)
        ids = np.tile(real, self.top_k)[choices]  # (S,)
        y = self.up(ops.embedding(rows, ids=ids), ends=ends)  # (S, Hidden)
        y = self.down(ops.gelu(y), ends=ends)  # (S, D)
        gates = ops.gates(logits, chosen=chosen).transpose(1, 0).reshape(-1)[choices]  # (S,)
        y = ops.scatter_rows(y, gates, ids=ids, size=len(rows.data))  # (B * T, D)
        if routings is not None:
            routings.append(Routing(logits, chosen, real, np.diff(ends, prepend=0)))
        return self.dropout(y.reshape(x.shape))

    def _capacity(self, choices: int) -> int | None:
        """Most tokens an expert takes, of so many choices in all."""
        if self.capacity_factor is None or not self.training:
            return None
        return math.ceil(self.capacity_factor * choices / len(self.router.weight.data))


def best(logits: np.ndarray, k: int) -> np.ndarray:
    """Of each row of logits (N, E) the k = 1 or 2 largest: experts (N, k), largest first, of equal ones the first."""
    first = logits.argmax(axis=1)
    if k == 1:
        return first[:, None]
    rest = logits.copy()
    rest[np.arange(len(rest)), first] = -np.inf
    return np.stack([first, rest.argmax(axis=1)], axis=1)


def by_expert(chosen: np.ndarray, experts: int, capacity: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Choices sorted by expert: chosen (N, k) -> (S,) of k * N, and where each expert's end (E,).

    Choice i is that of row i % N, its first one where i < N. With capacity, each expert has its first so many.
    """
    wanted = chosen.T.reshape(-1)
    choices = np.argsort(wanted.astype(np.int16), kind="stable")
    counts = np.bincount(wanted, minlength=experts)
    if capacity is not None and counts.max(initial=0) > capacity:
        place = np.arange(len(choices)) - np.repeat(np.cumsum(counts) - counts, counts)
        choices, counts = choices[place < capacity], np.minimum(counts, capacity)
    return choices, np.cumsum(counts)


def _real(shape: tuple[int, ...], lengths: ArrayLike | None) -> np.ndarray:
    """Which of all tokens, counted through the leading axes, are no padding."""
    if lengths is None or len(shape) == 1:
        return np.arange(math.prod(shape))
    return np.flatnonzero(np.arange(shape[-1]) < np.asarray(lengths)[:, None])
