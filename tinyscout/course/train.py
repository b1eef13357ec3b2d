"""The training loop of the early phases: any module that turns a batch of leads into reply logits.

The scout's own loop, with checkpoints and threads, is training/fit.py; this one is short enough to be read in class.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.course.run import Rows
from tinyscout.metrics import log_loss
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.nn import Module
from tinyscout.optim import AdamW, clip_grad_norm, warmup_cosine
from tinyscout.tokenizer import Padded, Tokens, length_sorted_batches


class Fitting(Protocol):
    """What a phase's settings say about training."""

    @property
    def epochs(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...


class ReplyModel(Module):
    """A module whose call gives the reply logits (B,) of a padded batch of leads."""

    def __call__(self, batch: Padded) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} defines no __call__")


def started_from(start: Mapping[str, np.ndarray], config: LeadScoutConfig, seed: int) -> LeadScout:
    """A fresh scout with phase 03's token vectors (V, D) and projection of ages, from its model's weights by name."""
    scout, rng = LeadScout(config, rng=np.random.default_rng(seed)), np.random.default_rng([seed, 1])
    scout.reply.weight.data[:] = rng.normal(0, config.width**-0.5, config.width)  # 0 stops gradients
    scout.token.weight.data[:] = start["token.weight"]
    age, into = start["age.project.weight"], scout.age.project.weight.data  # columns: 1, log age, sines, cosines
    sines, into[:] = age.shape[1] // 2 - 1, 0
    into[:, : 2 + sines], into[:, 2 + scout.age.frequencies :][:, :sines] = age[:, : 2 + sines], age[:, 2 + sines :]
    return scout


def train_replies(
    model: ReplyModel,
    tokens: Tokens,
    rows: Rows,
    settings: Fitting,
    *,
    weight_decay: float = 0.05,
    batch_size: int = 128,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[tuple[float, float]]:
    """Train in place and leave the model at the epoch with the least log loss on the stopping leads.

    tokens (N) of all leads, rows: which of them to train on and to stop by. Returns for each epoch the mean training
    loss and the log loss on the stopping leads.
    """
    epochs, peak = settings.epochs, settings.learning_rate
    optimizer = AdamW(list(model.named_parameters()), lr=peak, weight_decay=weight_decay)
    lengths = tokens.lengths[rows.train]
    total = epochs * -(-len(lengths) // batch_size)
    history, best, step = [], model.state_dict(), 0
    for epoch in range(epochs):
        losses = []
        for places in length_sorted_batches(lengths, batch_size, np.random.default_rng([seed, epoch])):
            batch = rows.train[places]
            optimizer.zero_grad()
            loss = ops.bce_with_logits(model(tokens.pad(batch)), targets=rows.y[batch])
            loss.backward()
            clip_grad_norm(model.parameters(), 1.0)
            optimizer.lr = warmup_cosine(step, warmup=total // 10, total=total, peak=peak)
            optimizer.step()
            losses.append(loss.item())
            step += 1
            if progress is not None:
                progress("training", step, total)
        history.append((float(np.mean(losses)), log_loss(rows.y[rows.stop], reply_logits(model, tokens, rows.stop))))
        if history[-1][1] == min(loss for _, loss in history):
            best = model.state_dict()
    model.load_state_dict(best)
    return history


def reply_logits(model: ReplyModel, tokens: Tokens, rows: np.ndarray) -> np.ndarray:
    """Logits (len(rows),) float64 without gradients or dropout."""
    logits = np.empty(len(rows))
    model.eval()
    with no_grad():
        for places in length_sorted_batches(tokens.lengths[rows], 256):
            logits[places] = model(tokens.pad(rows[places])).data
    model.train()
    return logits


def timed(score: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """What score returns, logits (N,), and the milliseconds a lead takes once everything is compiled."""
    score()
    started = time.perf_counter()
    logits = score()
    return logits, 1e3 * (time.perf_counter() - started) / len(logits)
