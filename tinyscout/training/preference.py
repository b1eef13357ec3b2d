"""Preferences: pairs of answers to one prompt, the better first, and the chances that a writer gives to answers.

Pairs are on-policy: several drafts that the writer itself made of one prompt, judged by a rater of the written rules
(leads/outreach_touch.py). What it is taught by them are the mistakes it makes and not those that somebody thought of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import Example
from tinyscout.leads.outreach_report import Asked
from tinyscout.leads.outreach_touch import Judged, Rater, judge
from tinyscout.models.batches import batches_of_tokens, for_each_batch
from tinyscout.models.lead_scout import LeadScout
from tinyscout.tokenizer import SalesTokenizer, Tokens, chat
from tinyscout.tokenizer.vocabulary import END
from tinyscout.training.fit import shuffled_batches
from tinyscout.training.instruct import answer_logits
from tinyscout.training.writer import Writer

TOGETHER = 64  # sequences that are written at once: their chances stay in the cache
MOST = 140  # tokens of a draft


class Draft(NamedTuple):
    """What a writer wrote: token ids, with `<end>` unless it was broken off, and the text."""

    ids: list[int]
    text: str


class Pairs(NamedTuple):
    """N prompts, each with two answers as token ids, of which the first was preferred; groups (N,): whose lead."""

    prompts: Tokens
    chosen: list[list[int]]
    rejected: list[list[int]]
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.chosen)

    def take(self, rows: np.ndarray) -> Pairs:
        return Pairs(
            self.prompts.take(rows),
            [self.chosen[row] for row in rows],
            [self.rejected[row] for row in rows],
            self.groups[rows],
        )

    def both(self, rows: np.ndarray | None = None) -> Tokens:
        """The pairs `rows` (all when None) as 2 n lessons: first all with the chosen answer, then with the rejected."""
        rows = np.arange(len(self)) if rows is None else rows
        answers = [*(self.chosen[row] for row in rows), *(self.rejected[row] for row in rows)]
        return self.prompts.take(np.concatenate([rows, rows])).append(answers)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens (N,) of the longer of both, prompt included."""
        return self.both().lengths.reshape(2, -1).max(axis=0)

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Rows of one epoch's batches."""
        return shuffled_batches(self.lengths, size, rng)


def answer_log_probs(model: LeadScout, lessons: Tokens) -> Tensor:
    """log p of each answer given its prompt, lessons (B) -> (B,): the sum over the answer's tokens and its end."""
    logits, learnt, _ = answer_logits(model, lessons)  # (n, V), (N_tokens,)
    return ops.log_likelihood(logits, targets=lessons.ids[learnt], texts=lessons.lead[learnt], count=len(lessons))


def log_probs(model: LeadScout, lessons: Tokens) -> np.ndarray:
    """The same without gradients, for any number of lessons: (N,) float64."""
    model.eval()
    found = np.zeros(len(lessons))

    def some(rows: np.ndarray) -> None:
        with no_grad():
            found[rows] = answer_log_probs(model, lessons.take(rows)).data

    for_each_batch(some, batches_of_tokens(lessons.lengths))
    return found


def copy_of(model: LeadScout) -> LeadScout:
    """A model of the same weights that goes its own way."""
    return LeadScout.from_state(model.to_state(), model.state_dict())


def ask_as(examples: Sequence[Example]) -> list[Asked]:
    """What the examples ask for. A writer is told its plan alone: whatever else it says of a lead is a guess."""
    return [Asked(each.instruction, each.facts, each.facts) for each in examples]


def draft(writer: Writer, prompts: Sequence[str], sampler: SamplerSettings, *, number: int = 1) -> list[list[Draft]]:
    """`number` drafts to each prompt (N); which ones depends on the prompt, its place and the sampler's seed alone."""
    asked, drafts = [prompt for prompt in prompts for _ in range(number)], []
    for start in range(0, len(asked), TOGETHER):
        some = asked[start : start + TOGETHER]
        for ids in writer.continued(some, sampler, streams=range(start, start + len(some))):
            text = writer.tokenizer.decode_text(ids)
            drafts.append(Draft([*ids, END] if len(ids) < sampler.most else ids, text))
    return [drafts[start : start + number] for start in range(0, len(drafts), number)]


def rate(
    asked: Sequence[Asked],
    drafts: Sequence[Sequence[Draft]],
    tokenizer: SalesTokenizer,
    *,
    rater: Rater,
    seed: int,
    groups: np.ndarray,
    judged: Callable[[str, Asked], Judged] = judge,
) -> Pairs:
    """Pairs of each prompt's drafts as a rater prefers them: the best by the rules against each that differs from it.

    A prompt none of whose drafts is right gives none: nobody wants the least bad of four. groups (N,): whose lead each
    prompt is about.
    """
    prompts, chosen, rejected, whose = [], [], [], []
    for i, (wanted, texts) in enumerate(zip(asked, drafts, strict=True)):
        rng = Random(f"{seed} {i}")
        verdicts = [judged(each.text, wanted) for each in texts]
        points = [each.points for each in verdicts]
        best = int(np.argmax(points))
        for j, other in enumerate(texts):
            if other.text == texts[best].text or not verdicts[best].right:
                continue
            pair = (texts[best].ids, other.ids)
            first = rater.prefers(points[best], points[j], rng)
            prompts.append(wanted.prompt)
            chosen.append(pair[not first])
            rejected.append(pair[first])
            whose.append(groups[i])
    return Pairs(
        chat.prompts(chat.nobody(len(prompts)), prompts, tokenizer), chosen, rejected, np.array(whose, np.int64)
    )


def person_or_bot(
    examples: Sequence[Example], tokenizer: SalesTokenizer, *, rater: Rater, seed: int, room: int
) -> Pairs:
    """The corpus's message against what a bot would send, for each example that fits into `room` tokens.

    A bot's words are none of the corpus, so that its longest messages take more tokens than a writer has positions.
    """
    prompts, chosen, rejected, whose = [], [], [], []
    for i, (each, asked) in enumerate(zip(examples, ask_as(examples), strict=True)):
        pair = [[*tokenizer.encode_text(text), END] for text in (each.message, each.bot)]
        asking = len(tokenizer.encode_text(each.prompt)) + 3  # <score>, <instruction>, <message>
        if asking + max(map(len, pair)) > room:
            continue
        first = rater.prefers(judge(each.message, asked).points, judge(each.bot, asked).points, Random(f"{seed} {i}"))
        prompts.append(each.prompt)
        chosen.append(pair[not first])
        rejected.append(pair[first])
        whose.append(each.row)
    return Pairs(
        chat.prompts(chat.nobody(len(prompts)), prompts, tokenizer), chosen, rejected, np.array(whose, np.int64)
    )


def together(*parts: Pairs) -> Pairs:
    """Pairs of several sources as one."""
    return Pairs(
        Tokens.concatenate([part.prompts for part in parts]),
        [ids for part in parts for ids in part.chosen],
        [ids for part in parts for ids in part.rejected],
        np.concatenate([part.groups for part in parts]),
    )
