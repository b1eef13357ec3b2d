"""The peer: LeadScout written as a PyTorch user would, taking the very weights of ours by name."""

from typing import cast

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # extra: oracle
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]  # extra: oracle
from scipy import sparse
from torch import nn  # pyright: ignore[reportMissingImports]  # extra: oracle

from tinyscout.models.amount_encoding import KNOTS
from tinyscout.models.lead_scout import LeadScout
from tinyscout.models.time_encoding import LARGEST, MINUTES_PER_HOUR
from tinyscout.tokenizer import Padded
from tinyscout.tokenizer.vocabulary import PAD


class Projections(nn.Module):
    """The two linear layers of attention."""

    def __init__(self, width: int):
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)


class MLP(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class TorchBlock(nn.Module):
    """Pre-norm transformer layer. The causal mask alone keeps padding, which stands last, out of every real row."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.p = heads, dropout
        self.attention, self.mlp = Projections(width), MLP(width)
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, width = x.shape
        qkv = self.attention.qkv(self.attention_norm(x)).view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, K) each
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.add(x, self.attention.out(mixed.transpose(1, 2).reshape(batch, time, width)))

    def at_last(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The layer at the last real position alone, as Block.at_last: (B, T, D) -> (B, D)."""
        batch, time, width = x.shape
        normed, row = self.attention_norm(x), torch.arange(batch)
        qkv = self.attention.qkv
        q = F.linear(normed[row, lengths - 1], qkv.weight[:width], qkv.bias[:width])
        kv = F.linear(normed, qkv.weight[width:], qkv.bias[width:]).view(batch, time, 2, self.heads, -1)
        k, v = kv.permute(2, 0, 3, 1, 4)  # (B, H, T, K) each
        real = None if lengths.min() == time else torch.arange(time) < lengths[:, None, None, None]
        mixed = F.scaled_dot_product_attention(q.view(batch, self.heads, 1, -1), k, v, attn_mask=real)
        return self.add(x[row, lengths - 1], self.attention.out(mixed.reshape(batch, width)))

    def add(self, x: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
        x = x + F.dropout(mixed, self.p, self.training)
        return x + F.dropout(self.mlp(self.mlp_norm(x)), self.p, self.training)


class TorchLeadScout(nn.Module):
    """The reply head of LeadScout: tokens (B, T) and wide features (B, F) -> reply logits (B,)."""

    def __init__(self, ours: LeadScout):
        super().__init__()
        config = ours.config
        width = config.width
        self.frequencies = ours.age.frequencies
        self.token = nn.Embedding(config.vocabulary, width)
        self.amount = nn.ModuleDict({"knots": nn.Embedding(len(ours.amount.knots.weight.data), width)})
        self.register_buffer("first_knot", torch.from_numpy(ours.amount.first_knot), persistent=False)
        self.before = nn.ModuleList(nn.Embedding(config.vocabulary, width) for _ in range(config.ngram - 1))
        self.position = nn.Embedding(config.max_tokens, width)
        self.age = nn.ModuleDict({"project": nn.Linear(2 + 2 * self.frequencies, width, bias=False)})
        self.blocks = nn.ModuleList(TorchBlock(width, config.heads, config.dropout) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.reply = nn.Linear(width, 1)
        self.wide = nn.ParameterDict({"weight": nn.Parameter(torch.zeros(config.wide)), "bias": torch.zeros(1)})
        weights = {torch_name(name): torch.from_numpy(array) for name, array in ours.state_dict().items()}
        only_training = [name for name in weights if name.startswith("alone.")]
        self.load_state_dict({name: array for name, array in weights.items() if name not in only_training})

    def forward(self, ids, values, ages, lengths, features: torch.Tensor, last_only: bool) -> torch.Tensor:
        """last_only computes the last layer at <score> alone, as our reply_logits does."""
        x = self.token(ids) + self.position.weight[: ids.shape[1]] + self.age["project"](self.age_features(ages))
        x = x + self.amounts(ids, values)
        for j, table in enumerate(self.before, 1):
            x = x + table(F.pad(ids, (j, 0), value=PAD)[:, : ids.shape[1]])
        *first, final = cast("list[TorchBlock]", list(self.blocks))
        for block in first:
            x = block(x)
        if last_only:
            last = self.norm(final.at_last(x, lengths))
        else:
            last = self.norm(final(x))[torch.arange(len(ids)), lengths - 1]
        return self.reply(last)[:, 0] + (features @ self.wide["weight"]) + self.wide["bias"]

    def amounts(self, ids: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """As tinyscout.models.amount_encoding.AmountEncoding."""
        first = self.get_buffer("first_knot")[ids]
        known = (first >= 0).float()
        place = (values.clamp(-1, 1) + 1) / 2 * (KNOTS - 1)
        left = place.long().clamp(max=KNOTS - 2)
        share = place - left
        row = (first + left).clamp(min=0)
        below, above = self.amount["knots"](row), self.amount["knots"](row + 1)
        return (known * (1 - share))[..., None] * below + (known * share)[..., None] * above

    def age_features(self, ages: torch.Tensor) -> torch.Tensor:
        """As tinyscout.models.time_encoding.age_features."""
        known = ~torch.isnan(ages)
        u = torch.log1p(torch.where(known, ages, 0.0) * MINUTES_PER_HOUR) / LARGEST
        angles = u[..., None] * (torch.pi * 2.0 ** torch.arange(self.frequencies))
        parts = [torch.ones_like(u)[..., None], u[..., None], torch.sin(angles), torch.cos(angles)]
        return torch.cat(parts, dim=-1) * known[..., None]


def torch_name(name: str) -> str:
    """Our parameter's name in PyTorch: only the norms' gain differs."""
    return name.removesuffix("gain") + "weight" if name.endswith("gain") else name


def torch_batch(batch: Padded, features: sparse.csr_matrix) -> tuple[torch.Tensor, ...]:
    """Our padded batch and CSR features as PyTorch tensors, in the order of TorchLeadScout.forward."""
    torch.sparse.check_sparse_tensor_invariants.disable()  # said outright, or PyTorch warns
    csr = torch.sparse_csr_tensor(
        torch.from_numpy(features.indptr.astype(np.int64)),
        torch.from_numpy(features.indices.astype(np.int64)),
        torch.from_numpy(features.data),
        size=features.shape,
    )
    ids, lengths = torch.from_numpy(batch.ids).long(), torch.from_numpy(batch.lengths).long()
    return ids, torch.from_numpy(batch.values), torch.from_numpy(batch.ages), lengths, csr
