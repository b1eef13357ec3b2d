"""DPO: a writer learns from pairs which answer to make likelier, held near a frozen reference.

Direct preference optimisation (Rafailov et al. 2023): the policy that maximises a reward less beta times its divergence
from the reference has the log-ratio of both as its reward (eq. 5), so that no reward model has to be trained.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from tinyscout.autograd import Tensor, ops
from tinyscout.models.lead_scout import LeadScout
from tinyscout.settings import Count, Settings, Share
from tinyscout.training.descent import Descent
from tinyscout.training.fit import Progress
from tinyscout.training.preference import Pairs, answer_log_probs, log_probs


class DPOSettings(Settings):
    """How pairs are learnt; what FitSettings has as well means the same.

    beta: how dear it is to leave the reference; batch_size counts pairs. keep: how much the mean -log p of the chosen
    answers' tokens counts beside (Pang et al. 2024, eq. 2), which holds their likelihood up.
    """

    beta: Annotated[float, Field(gt=0)] = 0.1
    keep: Annotated[float, Field(ge=0)] = 0.0
    epochs: Count = 1
    batch_size: Count = 16
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.1
    warmup: Share = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0


class Step(NamedTuple):
    """One step, before the weights moved: the batch's loss, its mean margin, how often it was above 0, and by how much
    log p of the chosen and of the rejected answers lay above the reference's."""

    loss: float
    margin: float
    accuracy: float
    chosen: float
    rejected: float


def dpo_loss(policy: Tensor, reference: np.ndarray, beta: float) -> tuple[Tensor, np.ndarray]:
    """DPO's loss (eq. 7), and the implicit reward margins (B,): log p of policy (2 B,), of reference (2 B,).

    The first B are of the chosen answers, the others of the rejected. -log sigmoid(beta * (how much likelier the
    policy makes the chosen one than the reference does - the same of the rejected one)), mean over the pairs.
    """
    pairs = policy.shape[0] // 2
    if policy.shape != (2 * pairs,) or reference.shape != policy.shape:
        raise ValueError(
            f"dpo_loss: policy {policy.shape} and reference {reference.shape} differ; needs (2 B,) of both"
        )
    rewards = beta * (policy - reference.astype(policy.dtype))
    margins = rewards[:pairs] - rewards[pairs:]
    return ops.bce_with_logits(margins, targets=np.ones(pairs)), margins.data.astype(np.float64)


def fit_dpo(
    policy: LeadScout,
    pairs: Pairs,
    settings: DPOSettings,
    *,
    seed: int,
    reference: LeadScout | None = None,
    progress: Progress | None = None,
) -> list[Step]:
    """Train `policy` in place on pairs (N), against a reference that stays as it is: the policy of now when None.

    Raises InputError when the loss is no longer finite.
    """
    base = log_probs(policy if reference is None else reference, pairs.both()).reshape(2, -1)  # (2, N)
    total = settings.epochs * math.ceil(len(pairs) / settings.batch_size)
    remedy = f" or raise beta ({settings.beta:g})"
    descent = Descent(policy, settings, total, doing="learning preferences", remedy=remedy, progress=progress)
    steps: list[Step] = []
    policy.train()
    for epoch in range(settings.epochs):
        for rows in pairs.batches(settings.batch_size, np.random.default_rng([seed, epoch])):
            lessons = pairs.both(rows)
            chances, known = answer_log_probs(policy, lessons), base[:, rows].reshape(-1)
            loss, margins = dpo_loss(chances, known, settings.beta)
            root = loss
            if settings.keep:
                words = sum(len(pairs.chosen[row]) for row in rows)
                root = root - settings.keep / words * ops.sum(chances[: len(rows)])
            root.backward()
            moved = (chances.data - known).reshape(2, -1).mean(axis=1)
            won = float((margins > 0).mean())
            steps.append(Step(loss.item(), float(margins.mean()), won, float(moved[0]), float(moved[1])))
            descent.step(root.item())
    policy.eval()
    return steps
