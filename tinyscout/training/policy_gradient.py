"""Policy gradient: a writer writes, is rewarded, and makes likelier what was rewarded above its other drafts.

REINFORCE (Williams 1992) with what the other drafts of the same prompt earned as the baseline: leave-one-out (RLOO,
Ahmadian et al. 2024, eq. 8), or the group's mean and spread (GRPO, Shao et al. 2024, section 4.1). Drafts are learnt
from once, by the writer that wrote them, so that GRPO's ratio of old and new chances is 1 and nothing is clipped. The
divergence from the reference is taken off the reward (Ouyang et al. 2022, eq. 2), a sample a draft.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from tinyscout.autograd import Tensor, ops
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach_report import Asked
from tinyscout.leads.outreach_touch import judge
from tinyscout.models.lead_scout import LeadScout
from tinyscout.settings import Count, Settings, Share
from tinyscout.tokenizer import Tokens, chat
from tinyscout.training.descent import Descent
from tinyscout.training.fit import Progress
from tinyscout.training.preference import MOST, Draft, Pairs, answer_log_probs, draft, log_probs
from tinyscout.training.reward import rewards
from tinyscout.training.writer import Writer

Earned = Callable[[Sequence[Asked], Sequence[Draft], Tokens], np.ndarray]
"""What drafts earn: what was asked for (N,), the drafts (N,), both as lessons (N) -> rewards (N,)."""


class GradientSettings(Settings):
    """How a writer learns from rewards; what FitSettings has as well means the same.

    prompts, drafts: of a step, and of each prompt; advantage: rloo or grpo; beta: what a nat of log p above the
    reference costs, in units of reward; at_once: drafts that go through the model together.
    """

    steps: Count = 40
    prompts: Count = 32
    drafts: Annotated[int, Field(ge=2)] = 6
    advantage: Literal["rloo", "grpo"] = "rloo"
    beta: Annotated[float, Field(ge=0)] = 0.02
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.1
    warmup: Share = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0
    at_once: Count = 48


class Turn(NamedTuple):
    """One step, before the weights moved: the mean reward without the penalty, and the mean log-ratio of policy and
    reference over the drafts, which estimates their divergence in nats a message."""

    reward: float
    kl: float


def earned_by(model: LeadScout, pairs: Pairs, *, rules: float) -> Earned:
    """The reward of a reward model, in units of its spread over `pairs`, and `rules` for a draft that is right.

    The checkers of truth and obedience can't be talked over (verifiable rewards, Lambert et al. 2024, section 6).
    """
    spread = float(rewards(model, pairs.both()).std()) or 1.0

    def earned(asked: Sequence[Asked], drafts: Sequence[Draft], lessons: Tokens) -> np.ndarray:
        right = [rules and judge(each.text, wanted).right for each, wanted in zip(drafts, asked, strict=True)]
        return rewards(model, lessons) / spread + rules * np.array(right, dtype=float)

    return earned


def advantages(rewards: np.ndarray, kind: str) -> np.ndarray:
    """How much more each draft earned than the others of its prompt: rewards (P, G) -> (P, G).

    rloo: minus the mean of the G - 1 others. grpo: minus the mean of all G, over their standard deviation; 0 where all
    earned the same.
    """
    mean, group = rewards.mean(axis=1, keepdims=True), rewards.shape[1]
    if kind == "rloo":
        return (rewards - mean) * group / (group - 1)
    spread = rewards.std(axis=1, keepdims=True)
    return np.divide(rewards - mean, spread, out=np.zeros_like(rewards), where=spread > 1e-6)


def gradient_loss(chances: Tensor, advantage: np.ndarray, number: int) -> Tensor:
    """What has the policy gradient as its gradient, up to its sign: log p of drafts (b,), their advantages (b,).

    The mean over `number` drafts, of which these are a part, so that the parts' gradients add up.
    """
    return ops.sum(chances * (-advantage / number).astype(chances.dtype))


def fit_policy_gradient(
    writer: Writer,
    asked: Sequence[Asked],
    earned: Earned,
    settings: GradientSettings,
    *,
    seed: int,
    reference: Writer,
    progress: Progress | None = None,
) -> list[Turn]:
    """Train the model of `writer` in place on drafts it writes to prompts of `asked` (N), drawn anew every step.

    Raises InputError when the gradient is no longer finite.
    """
    model, rng = writer.model, np.random.default_rng(seed)
    doing, remedy = "learning from rewards", f" or raise beta ({settings.beta:g})"
    descent = Descent(model, settings, settings.steps, doing=doing, remedy=remedy, progress=progress)
    turns: list[Turn] = []
    for _ in range(settings.steps):
        wanted = [asked[row] for row in rng.choice(len(asked), min(settings.prompts, len(asked)), replace=False)]
        sampler = SamplerSettings(temperature=1.0, most=MOST, seed=int(rng.integers(2**31)))
        drafts = draft(writer, [each.prompt for each in wanted], sampler, number=settings.drafts)
        flat, each = [one for own in drafts for one in own], [one for one in wanted for _ in range(settings.drafts)]
        prompts = chat.prompts(chat.nobody(len(each)), [one.prompt for one in each], writer.tokenizer)
        lessons = prompts.append([one.ids for one in flat])
        rewards = earned(each, flat, lessons)
        ratio = log_probs(model, lessons) - log_probs(reference.model, lessons)  # (N,)
        score = (rewards - settings.beta * ratio).reshape(len(wanted), -1)
        advantage = advantages(score, settings.advantage).reshape(-1)
        turns.append(Turn(float(rewards.mean()), float(ratio.mean())))
        model.train()
        order = np.argsort(lessons.lengths, kind="stable")
        for start in range(0, len(order), settings.at_once):
            some = order[start : start + settings.at_once]
            chances = answer_log_probs(model, lessons.take(some))
            gradient_loss(chances, advantage[some], len(order)).backward()
        descent.step()
    model.eval()
    return turns
