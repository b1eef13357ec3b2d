"""A contest of writers: the same prompts, the same temperature, and who writes what a person would rather receive.

Judged by a reward model that no contestant was trained on, by the written rules, by the checkers of truth and
obedience, and by how alike the drafts are at equal length: a writer that sends everybody the same is a bot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach_report import FIGURES, Asked, report
from tinyscout.leads.outreach_touch import judge
from tinyscout.metrics import Interval, cut_alike, distinct_n, mean_interval, self_bleu, words_of
from tinyscout.models.lead_scout import LeadScout
from tinyscout.tokenizer import Tokens, chat
from tinyscout.training.preference import Draft, draft, log_probs
from tinyscout.training.reward import rewards
from tinyscout.training.writer import Writer


def contest(
    writers: Mapping[str, tuple[Writer, float]],
    asked: Sequence[Asked],
    sampler: SamplerSettings,
    *,
    reference: str,
    judge_model: LeadScout,
    groups: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """Figures of every writer, at its temperature, on the prompts of `asked` (N), against the one named `reference`.

    By writer: the shares of outreach_report; `right`, the share that is true, as told and complete; `touch`, the mean
    points of the human touch; `words`, the mean length; `self_bleu` and `distinct_2` at equal length; `kl`, nats a
    message from the reference; and against the reference, as intervals over groups (N,), the leads: `wins` by the
    reward of judge_model and `wins_by_rules` (a tie is half a win), `free_gain` and `follows_gain`. `texts`: what was
    written.
    """
    prompts = [each.prompt for each in asked]
    written = {
        name: [own[0] for own in draft(writer, prompts, replace(sampler, temperature=temperature))]
        for name, (writer, temperature) in writers.items()
    }
    worded = [[words_of(each.text) for each in drafts] for drafts in written.values()]
    alike = dict(zip(written, cut_alike(*worded), strict=True))
    found: dict[str, dict[str, Any]] = {}
    by_reward, by_rules, checks = {}, {}, {}
    for (name, drafts), words in zip(written.items(), worded, strict=True):
        texts = [each.text for each in drafts]
        verdicts = [judge(text, each) for text, each in zip(texts, asked, strict=True)]
        by_rules[name] = np.array([each.points for each in verdicts])
        by_reward[name] = rewards(judge_model, as_lessons(writers[name][0], prompts, drafts))
        checks[name] = {
            "free": np.array([each.true for each in verdicts], dtype=float),
            "follows": np.array([each.follows for each in verdicts], dtype=float),
        }
        shares = report(texts, asked)
        found[name] = {figure: shares["all"][figure] for figure in FIGURES} | {
            "right": float(np.mean([each.right for each in verdicts])),
            "touch": float(np.mean([each.touch for each in verdicts])),
            "words": float(np.mean([len(own) for own in words])),
            "self_bleu": self_bleu(alike[name]),
            "distinct_2": distinct_n(alike[name], 2),
            "kl": divergence(writers[name][0], writers[reference][0], prompts, seed=sampler.seed),
            "broken": shares["broken"],
            "texts": texts,
        }
    for name in writers:
        row = found[name]
        row["wins"] = win_rate(by_reward[name], by_reward[reference], groups)
        row["wins_by_rules"] = win_rate(by_rules[name], by_rules[reference], groups)
        for check, own in checks[name].items():
            row[f"{check}_gain"] = mean_interval(own - checks[reference][check], groups=groups)
    return found


def plain(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The figures of a contest as JSON can hold them."""
    return {
        name: {key: each.to_dict() if isinstance(each, Interval) else each for key, each in row.items()}
        for name, row in found.items()
    }


def win_rate(own: np.ndarray, other: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """How often own scores (N,) are above the other's (N,), a tie counting half, with its interval over groups (N,)."""
    return mean_interval(np.where(own > other, 1.0, np.where(own == other, 0.5, 0.0)), groups=groups)


def divergence(policy: Writer, reference: Writer, prompts: Sequence[str], *, seed: int) -> float:
    """KL(policy | reference), nats a message: estimated from a draft of the policy to each prompt, at temperature 1."""
    drafts = [own[0] for own in draft(policy, prompts, SamplerSettings(temperature=1.0, most=140, seed=seed))]
    lessons = as_lessons(policy, prompts, drafts)
    return float(np.mean(log_probs(policy.model, lessons) - log_probs(reference.model, lessons)))


def as_lessons(writer: Writer, prompts: Sequence[str], drafts: Sequence[Draft]) -> Tokens:
    """Drafts (N) behind their prompts (N), as a model reads them."""
    asked = chat.prompts(chat.nobody(len(prompts)), prompts, writer.tokenizer)
    return asked.append([each.ids for each in drafts])
