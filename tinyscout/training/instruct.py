"""Instruction tuning: lessons (lead, instruction, message), with the loss on the message's tokens alone.

A writer of outreach is told in the instruction, in words, which facts a message is to state, and copies them
(leads/outreach_instructions.py). It reads nothing else of a lead: so it knows no text of the CRM, and serves any CRM
(training/writer.py).

Lessons are ragged, one behind the other without padding: rows (N_tokens, D) go through everything but attention, which
runs lesson by lesson, so that none sees another (packing without cross-contamination, Krell et al. 2021).

Where labels are given, the reply head learns from the same pass: attention is causal, so `<score>` sees the lead and
nothing of the lesson, and one backbone keeps both skills.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import sparse

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.errors import InputError
from tinyscout.models.batches import batches_of_tokens, for_each_batch
from tinyscout.models.lead_scout import Examples, LeadScout
from tinyscout.nn import Routing
from tinyscout.settings import Count, Settings, Share
from tinyscout.tokenizer import SalesTokenizer, Tokens, chat
from tinyscout.tokenizer.vocabulary import SCORE
from tinyscout.training.descent import Descent
from tinyscout.training.fit import Progress, shuffled_batches


class LanguageSettings(Settings):
    """How the language head is taught; what FitSettings has as well means the same.

    reply_weight: how much the reply loss counts beside the language loss, where labels are given.
    """

    epochs: Count = 1
    batch_size: Count = 32
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    warmup: Share = 0.05
    clip: Annotated[float, Field(gt=0)] = 1.0
    reply_weight: Annotated[float, Field(ge=0)] = 1.0
    balance_weight: Annotated[float, Field(ge=0)] = 0.01
    z_weight: Annotated[float, Field(ge=0)] = 0.001


def fit_language(
    model: LeadScout,
    lessons: Examples,
    settings: LanguageSettings,
    *,
    seed: int,
    labels: np.ndarray | None = None,
    progress: Progress | None = None,
) -> list[float]:
    """Train `model` in place on lessons (N) whose tokens end in a message (tokenizer/chat.py): loss of every step.

    labels (N,) of 0, 1 or NaN (not known): whether each lead replied, learnt beside with settings.reply_weight; the
    lessons' features then belong to the wide path. Raises InputError when the loss is no longer finite.
    """
    lengths = lessons.tokens.lengths
    total = settings.epochs * math.ceil(len(lengths) / settings.batch_size)
    decay = settings.weight_decay
    descent = Descent(model, settings, total, doing="learning to write", weight_decay=decay, progress=progress)
    losses: list[float] = []
    model.train()
    for epoch in range(settings.epochs):
        for rows in shuffled_batches(lengths, settings.batch_size, np.random.default_rng([seed, epoch])):
            known = None if labels is None else labels[rows]
            routings: list[Routing] = []
            loss = lesson_loss(
                model, lessons.take(rows), labels=known, reply_weight=settings.reply_weight, routings=routings
            )
            root = loss
            for routing in routings:
                root = root + routing.loss(balance_weight=settings.balance_weight, z_weight=settings.z_weight)
            root.backward()
            losses.append(loss.item())
            descent.step(losses[-1])
    model.eval()
    return losses


def plan_lessons(
    prompts: Sequence[str], messages: Sequence[str], model: LeadScout, tokenizer: SalesTokenizer
) -> Examples:
    """Lessons (N) that show nothing of a lead but what their prompts tell."""
    tokens = chat.lessons(chat.nobody(len(prompts)), prompts, messages, tokenizer)
    longest = int(tokens.lengths.max(initial=0))
    if longest > model.config.max_tokens:
        raise InputError(
            f"a lesson has {longest} tokens, the model has {model.config.max_tokens} positions; give it a larger "
            "max_tokens, or teach it shorter messages"
        )
    return Examples(tokens, sparse.csr_matrix((len(tokens), model.config.wide), dtype=np.float32))


def lesson_loss(
    model: LeadScout,
    lessons: Examples,
    *,
    labels: np.ndarray | None = None,
    reply_weight: float = 1.0,
    routings: list[Routing] | None = None,
) -> Tensor:
    """Mean -log p of the tokens of the messages (B) and of their ends; with labels (B,), the reply loss beside it.

    Labels that are NaN are left out. The reply is read at `<score>`, as it would be if nothing followed. What routers
    decide is added to `routings`.
    """
    logits, learnt, hidden = answer_logits(model, lessons.tokens, routings)
    loss = ops.cross_entropy(logits, targets=lessons.tokens.ids[learnt])
    if labels is None:
        return loss
    score = hidden[lessons.tokens.ids == SCORE]  # (B, D)
    logits = model.reply(score).reshape(-1) + model.wide(lessons.features)
    known = np.isfinite(labels)
    return loss + reply_weight * ops.bce_with_logits(logits, targets=np.nan_to_num(labels), weights=known)


def language_loss(model: LeadScout, lessons: Tokens) -> float:
    """Mean -log p of the messages' tokens and their ends, in nats, without dropout; NaN where there is no message."""
    model.eval()
    sums = np.zeros((len(lessons), 2))

    def add(rows: np.ndarray) -> None:
        some = lessons.take(rows)
        with no_grad():
            logits, learnt, _ = answer_logits(model, some)
            loss = ops.cross_entropy(logits, targets=some.ids[learnt])
        sums[rows[0]] = loss.item() * len(logits.data), len(logits.data)

    for_each_batch(add, batches_of_tokens(lessons.lengths))
    total, count = sums.sum(axis=0)
    return float(total / count) if count else math.nan


def answer_logits(
    model: LeadScout, lessons: Tokens, routings: list[Routing] | None = None
) -> tuple[Tensor, np.ndarray, Tensor]:
    """What the token before each of the n tokens of the answers foretells: logits (n, V).

    Beside them where the answers stand (N_tokens,) bool, and what the backbone left (N_tokens, D). What routers decide
    is added to `routings`.
    """
    hidden = model.hidden(model.embed(lessons), lessons.lengths, routings)
    learnt = chat.answers(lessons)
    return model.next_token(hidden[np.append(learnt[1:], False)]), learnt, hidden
