"""A reward model: the writer's backbone with one number at the end of an answer, learnt from pairs.

Bradley and Terry (1952): the chance that one answer is preferred is the sigmoid of the difference of their rewards.
So a reward has no zero of its own; only differences between answers to one prompt mean anything.
"""

import math
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import sparse

from tinyscout.autograd import Tensor, ops
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.settings import Count, Settings, Share
from tinyscout.tokenizer import Tokens
from tinyscout.training.descent import Descent
from tinyscout.training.fit import Progress
from tinyscout.training.preference import Pairs, copy_of


class RewardSettings(Settings):
    """How a reward model is taught; what FitSettings has as well means the same. batch_size counts pairs."""

    epochs: Count = 2
    batch_size: Count = 16
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    warmup: Share = 0.05
    clip: Annotated[float, Field(gt=0)] = 1.0


def reward_loss(rewards: Tensor) -> Tensor:
    """-log sigmoid(reward of the chosen - reward of the rejected), mean over pairs: rewards (2 B,), chosen first."""
    pairs = rewards.shape[0] // 2
    return ops.bce_with_logits(rewards[:pairs] - rewards[pairs:], targets=np.ones(pairs))


def fit_reward(
    writer: LeadScout,
    pairs: Pairs,
    settings: RewardSettings,
    *,
    seed: int,
    progress: Progress | None = None,
) -> LeadScout:
    """A reward model that starts from the weights of `writer`; its reply head reads an answer's last token.

    Raises InputError when the loss is no longer finite.
    """
    model = copy_of(writer)
    model.reply.weight.data[:] = 0
    total = settings.epochs * math.ceil(len(pairs) / settings.batch_size)
    decay = settings.weight_decay
    descent = Descent(model, settings, total, doing="learning rewards", weight_decay=decay, progress=progress)
    model.train()
    for epoch in range(settings.epochs):
        for rows in pairs.batches(settings.batch_size, np.random.default_rng([seed, epoch])):
            lessons = pairs.both(rows)
            loss = reward_loss(model.reply_logits(lessons.pad(), _nothing(model, len(lessons))))
            loss.backward()
            descent.step(loss.item())
    return model.eval()


def rewards(model: LeadScout, lessons: Tokens) -> np.ndarray:
    """The reward of each answer (N,): lessons are prompts with their answers."""
    return predict_logits(model, Examples(lessons, _nothing(model, len(lessons))))


def pair_accuracy(model: LeadScout, pairs: Pairs) -> float:
    """Share of the pairs whose chosen answer has the higher reward."""
    chosen, rejected = rewards(model, pairs.both()).reshape(2, -1)
    return float(np.mean(chosen > rejected))


def _nothing(model: LeadScout, number: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((number, model.config.wide), dtype=np.float32)
