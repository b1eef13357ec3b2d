"""LeadScout: one decoder-only transformer, two heads, and a wide path.

The backbone reads a lead's tokens (id, value, age). The reply head reads `<score>`; the language head, tied to the
token embedding, writes what follows it. The wide path adds the baseline's logit, so that training starts at the
baseline and drift can't take the model far below it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.models.amount_encoding import AmountEncoding
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.batches import BATCH_TOKENS, batches_of_tokens, for_each_batch
from tinyscout.models.lead_kinds import kind_losses
from tinyscout.models.time_encoding import TimeEncoding
from tinyscout.nn import Block, Embedding, LayerNorm, Linear, Module, MoE, Parameter, Routing
from tinyscout.tokenizer import Padded, Tokens
from tinyscout.tokenizer.tokens import spans
from tinyscout.tokenizer.vocabulary import PAD

EMBEDDING_STD = 0.3
"""Spread of fresh token vectors. The reply head starts at zero, so no gradient reaches them at first: at the usual 0.02
all leads look alike to it, and training sits on that saddle for epochs."""

BEFORE_STD = 0.1
"""Spread of fresh vectors of the tokens before a token."""


@dataclass(frozen=True)
class LeadScoutConfig:
    """Sizes of a LeadScout.

    vocabulary counts all token ids, language the prefix of them that the model may write; numbers are the ids that
    carry a value; wide counts the baseline's features; `expand` is how many times as wide as the stream an MLP's hidden
    layer is. experts: 0 for dense layers, else the last `expert_layers` have so many experts in the place of their MLP,
    of which a token uses top_k; with top_k 2, half of `expand` makes its work that of a dense layer again. capacity, if
    not 0, is MoE's capacity_factor. Earlier layers stay dense, whose routers are the slowest to balance (DeepSeekMoE,
    Dai et al. 2024). ngram: of how many tokens a vector tells, itself and those right before it.
    """

    vocabulary: int
    language: int
    numbers: tuple[int, ...]
    wide: int
    width: int = 64
    depth: int = 3
    heads: int = 4
    max_tokens: int = 128
    dropout: float = 0.1
    experts: int = 0
    top_k: int = 1
    expert_layers: int = 2
    capacity: float = 0.0
    expand: int = 4
    ngram: int = 1

    @property
    def routed(self) -> range:
        """The layers that have experts."""
        return range(max(0, self.depth - self.expert_layers) if self.experts else self.depth, self.depth)


class WidePath(Module):
    """The baseline's logit: features (B, F) CSR -> (B,). Starts as the fitted baseline's coefficients."""

    def __init__(self, features: int, *, dtype: type = np.float32):
        self.weight = Parameter(np.zeros(features, dtype))
        self.bias = Parameter(np.zeros(1, dtype))

    def __call__(self, features: sparse.csr_matrix) -> Tensor:
        return ops.csr_matmul(self.weight, matrix=features) + self.bias

    def start_from(self, baseline: LogisticBaseline) -> None:
        """Take over the coefficients of a fitted baseline, as they apply to features that aren't standardised."""
        self.weight.data[:] = baseline.raw_coef
        self.bias.data[:] = baseline.raw_intercept


class LeadScout(Module):
    """Tokens (B, T) -> reply logits (B,), or language logits (B, T, V)."""

    def __init__(self, config: LeadScoutConfig, *, rng: np.random.Generator, dtype: type = np.float32):
        width = config.width
        self.config = config
        self.token = Embedding(config.vocabulary, width, std=EMBEDDING_STD, rng=rng, dtype=dtype)
        self.amount = AmountEncoding(config.numbers, config.vocabulary, width, std=EMBEDDING_STD, rng=rng, dtype=dtype)
        self.before = [
            Embedding(config.vocabulary, width, std=BEFORE_STD, rng=rng, dtype=dtype) for _ in range(config.ngram - 1)
        ]
        self.position = Embedding(config.max_tokens, width, rng=rng, dtype=dtype)
        self.age = TimeEncoding(width, rng=rng, dtype=dtype)
        self.blocks = [
            Block(
                width,
                config.heads,
                hidden=config.expand * width,
                norm="pre",
                dropout=config.dropout,
                mlp=self._experts(i, rng, dtype),
                rng=rng,
                dtype=dtype,
            )
            for i in range(config.depth)
        ]
        self.norm = LayerNorm(width, dtype=dtype)
        self.reply = Linear(width, 1, rng=rng, dtype=dtype)
        self.reply.weight.data[:] = 0  # training starts at the baseline: the deep path has nothing to say yet
        self.alone = Linear(width, 1, rng=rng, dtype=dtype)  # for training_loss only
        self.wide = WidePath(config.wide, dtype=dtype)

    def embed(self, batch: Padded | Tokens) -> Tensor:
        """E[id] + amount(id, value) + position + time_encoding(age): (B, T) -> (B, T, D), or ragged (N,) -> (N, D).

        With an ngram of n also + B_j[the id j tokens before] for j from 1 to n - 1, which a causal convolution of width
        n over the ids would give: "not" and "convinced" meet before any attention (n-gram embeddings as in Clark et al.
        2022, CANINE, and RWKV's token shift, Peng et al. 2023, section 3.1).
        """
        terms = [(self.token, batch.ids, None), (self.position, batch.positions, None)]
        terms += [(table, earlier_ids(batch, j), None) for j, table in enumerate(self.before, 1)]
        if self.config.numbers:
            terms += [(self.amount.knots, row, share) for row, share in self.amount.places(batch.ids, batch.values)]
        tables, ids, scales = zip(*terms, strict=True)
        return ops.add_embeddings(self.age(batch.ages), *(table.weight for table in tables), ids=ids, scales=scales)

    def _experts(self, layer: int, rng: np.random.Generator, dtype: type) -> MoE | None:
        """What takes the MLP's place in a layer, if anything does."""
        config = self.config
        if layer not in config.routed:
            return None
        return MoE(
            config.width,
            config.expand * config.width,
            config.experts,
            config.top_k,
            capacity_factor=config.capacity or None,
            dropout=config.dropout,
            rng=rng,
            dtype=dtype,
        )

    def hidden(self, embedded: Tensor, lengths: np.ndarray, routings: list[Routing] | None = None) -> Tensor:
        """The backbone: (B, T, D), or ragged (N, D), with lengths (B,) -> as embedded.

        What the routers decide is added to `routings`.
        """
        x = embedded
        for block in self.blocks:
            x = block(x, lengths=lengths, routings=routings)
        return self.norm(x)

    def reply_logits(
        self,
        batch: Padded,
        features: sparse.csr_matrix,
        embedded: Tensor | None = None,
        routings: list[Routing] | None = None,
    ) -> Tensor:
        """Reply logits (B,) of a padded batch and its wide features (B, F).

        `embedded` (B, T, D) takes the place of `embed(batch)`, for gradients with respect to the tokens. What the
        routers decide is added to `routings`.
        """
        last = self._at_score(self.embed(batch) if embedded is None else embedded, batch.lengths, routings)
        return self.reply(last).reshape(-1) + self.wide(features)

    def training_loss(
        self,
        batch: Padded,
        features: sparse.csr_matrix,
        labels: np.ndarray,
        *,
        deep_weight: float,
        balance_weight: float = 0.0,
        z_weight: float = 0.0,
        foretell_weight: float = 0.0,
        follow_weight: float = 0.0,
        prefix_labels: np.ndarray | None = None,
        prefix_weight: float = 1.0,
    ) -> tuple[Tensor, Tensor]:
        """The mean reply loss, and what to go backward from: that plus deep_weight times the deep path's own loss.

        Each layer with experts adds its routers' losses (nn.Routing.loss), weighted. With foretell_weight or
        follow_weight also those by which all tokens of one kind of lead take one expert (`lead_kinds`), so that
        attention must learn to tell each token whose it is; the last layer then runs on all tokens, as those need.

        The wide path already says what is additive, so at first the rest pulls the tokens nowhere. Asked for the reply
        alone, through a head that predicts nothing else (deep supervision, Lee et al. 2015), they learn at once.

        prefix_labels (N,) of the batch's tokens (`Examples`): the same head is asked at those tokens, too, what it
        would say if the lead ended there.
        """
        routings: list[Routing] = []
        by_kind = bool(self.config.experts and (foretell_weight or follow_weight))
        ends = np.arange(len(labels)), batch.lengths - 1
        rows, places, prefix_labels = _labelled(batch, prefix_labels)
        if by_kind:
            hidden = self.hidden(self.embed(batch), batch.lengths, routings)
            last, prefixes = hidden[ends], hidden[rows, places]
        elif len(rows):
            every = np.append(ends[0], rows), np.append(ends[1], places)
            hidden = self._at(self.embed(batch), batch.lengths, every, routings)
            last, prefixes = hidden[: len(labels)], hidden[len(labels) :]
        else:
            last = prefixes = self._at_score(self.embed(batch), batch.lengths, routings)
        reply = ops.bce_with_logits(self.reply(last).reshape(-1) + self.wide(features), targets=labels)
        root = reply
        if deep_weight:
            root = root + deep_weight * ops.bce_with_logits(self.alone(last).reshape(-1), targets=labels)
        if len(rows):
            root = root + prefix_weight * ops.bce_with_logits(self.alone(prefixes).reshape(-1), targets=prefix_labels)
        for routing in routings:
            root = root + routing.loss(balance_weight=balance_weight, z_weight=z_weight)
        for routing in routings if by_kind else ():
            foretold, strays = kind_losses(routing, batch, self.config.language)
            root = root - foretell_weight * foretold + follow_weight * strays
        return reply, root

    def _at(
        self, x: Tensor, lengths: np.ndarray, places: tuple[np.ndarray, np.ndarray], routings: list[Routing]
    ) -> Tensor:
        """The backbone at some tokens, rows (K,) and positions (K,): embedded (B, T, D) -> (K, D)."""
        x = self._before_last(x, lengths, routings)
        return self.norm(self.blocks[-1].at(x, places, lengths=lengths, routings=routings))

    def _at_score(self, x: Tensor, lengths: np.ndarray, routings: list[Routing] | None = None) -> Tensor:
        """The backbone at each lead's last token: embedded (B, T, D) -> (B, D). The last router routes that."""
        x = self._before_last(x, lengths, routings)
        return self.norm(self.blocks[-1].at_last(x, lengths=lengths, routings=routings))

    def _before_last(self, x: Tensor, lengths: np.ndarray, routings: list[Routing] | None) -> Tensor:
        """What the last block reads: embedded (B, T, D) -> (B, T, D)."""
        for block in self.blocks[:-1]:
            x = block(x, lengths=lengths, routings=routings)
        return x

    def recalibrate(self, slope: float, shift: float) -> None:
        """Make every reply logit `slope` times what it was, plus `shift`, in the weights themselves."""
        assert self.reply.bias is not None
        for part in (self.reply.weight, self.reply.bias, self.wide.weight, self.wide.bias):
            part.data *= slope
        self.reply.bias.data += shift

    def language_logits(self, batch: Padded, at: tuple[np.ndarray, np.ndarray] | None = None) -> Tensor:
        """Next-token logits over the language ids, tied to the token embedding: (B, T) -> (B, T, V).

        at: rows and positions (n,) to write for, where not all are wanted -> (n, V).
        """
        hidden = self.hidden(self.embed(batch), batch.lengths)  # (B, T, D)
        return self.next_token(hidden if at is None else hidden[at])

    def next_token(self, hidden: Tensor) -> Tensor:
        """The language head: what the backbone left (..., D) -> logits (..., V)."""
        return hidden @ self.token.weight[: self.config.language].transpose(1, 0)

    def to_state(self) -> dict[str, Any]:
        """The sizes, as what JSON can hold; the weights are in state_dict()."""
        return asdict(self.config) | {"numbers": list(self.config.numbers)}

    @classmethod
    def from_state(cls, state: dict[str, Any], weights: dict[str, np.ndarray]) -> "LeadScout":
        """The model of these sizes and weights."""
        sizes: dict[str, Any] = {**state, "numbers": tuple(state["numbers"])}
        model = cls(LeadScoutConfig(**sizes), rng=np.random.default_rng(0))
        model.load_state_dict(weights)
        return model.eval()


def earlier_ids(batch: Padded | Tokens, places: int) -> np.ndarray:
    """The id so many places before each token of the same lead, shaped as the ids; `<pad>` where there is none."""
    shifted = np.full_like(batch.ids, PAD)
    shifted[..., places:] = batch.ids[..., :-places]
    return np.where(batch.positions >= places, shifted, PAD)


def _labelled(batch: Padded, prefix_labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, positions and labels (K,) of the tokens that have one."""
    rows, places = np.nonzero(batch.positions < batch.lengths[:, None])
    labels = np.full(len(rows), np.nan) if prefix_labels is None else prefix_labels
    known = np.isfinite(labels)
    return rows[known], places[known], labels[known]


class Examples(NamedTuple):
    """What the model is fed: tokens already truncated, the wide features of the same leads before truncation.

    prefix_labels (N,) float32, for training: at a token the label of the lead that would end there, NaN where none is
    known.
    """

    tokens: Tokens
    features: sparse.csr_matrix
    prefix_labels: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Examples":
        """The leads `rows` (indices, in the order given; repeats allowed)."""
        known = self.prefix_labels
        if known is not None:
            known = known[spans(self.tokens.offsets[rows], self.tokens.lengths[rows])]
        return Examples(self.tokens.take(rows), self.features[rows], known)

    @classmethod
    def concatenate(cls, parts: Sequence["Examples"]) -> "Examples":
        """All leads of several, one part after another."""
        features = sparse.csr_matrix(sparse.vstack([part.features for part in parts], format="csr"))
        labels = [part.prefix_labels for part in parts]
        known = None
        if any(each is not None for each in labels):
            unknown = [np.full(len(part.tokens.ids), np.nan, np.float32) for part in parts]
            known = np.concatenate([b if a is None else a for a, b in zip(labels, unknown, strict=True)])
        return cls(Tokens.concatenate([part.tokens for part in parts]), features, known)

    def __len__(self) -> int:
        return len(self.tokens)


def predict_logits(model: LeadScout, examples: Examples, *, batch_tokens: int = BATCH_TOKENS) -> np.ndarray:
    """Reply logits (N,) float64 in the order of `examples`, without gradients or dropout."""
    logits = np.empty(len(examples))
    training = model.training
    model.eval()

    def predict(rows: np.ndarray) -> None:
        with no_grad():
            logits[rows] = model.reply_logits(examples.tokens.pad(rows), examples.features[rows]).data

    for_each_batch(predict, batches_of_tokens(examples.tokens.lengths, batch_tokens))
    if training:
        model.train()
    return logits
