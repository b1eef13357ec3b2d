"""What a person would rather receive: the human touch of a message by written rules, and raters who judge by them.

Truth and obedience come first (outreach_checks.py): a draft that invents something, or is not what was asked for, loses
to one that doesn't. Among those that are right, a reader who owes us nothing gives a note a few seconds. The rules of
TOUCH say what those seconds are spent on, each from 0 to 1:

* own_first: what the lead did or is comes at once, not behind courtesies and sentences about the note;
* about_you: it speaks of "you" rather than of "I" and "we";
* specific: its sentences are about this lead, or ask; they couldn't go to anybody;
* calm: no exclamation, superlative, pressure or thanks for nothing;
* asks_last: its one question is the last thing read, so that the reader knows what to do next;
* lively: no two sentences begin with the same word, as those of a form letter do;
* brief: of two that say the same, the shorter one.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import NamedTuple

from tinyscout.leads.outreach_checks import expanded, faults, inventions, repeats, states
from tinyscout.leads.outreach_facts import REASONS, Fact
from tinyscout.leads.outreach_offer import with_offer
from tinyscout.leads.outreach_report import Asked
from tinyscout.leads.outreach_values import word_set

TOUCH = {  # how many points each rule is worth
    "own_first": 2.0,
    "about_you": 1.0,
    "specific": 2.0,
    "calm": 1.0,
    "asks_last": 1.0,
    "lively": 1.0,
    "brief": 0.5,
}
UNTRUE, ASTRAY, UNSAID, TWICE = 12.0, 8.0, 6.0, 4.0
"""Points lost by an invention, by a fault, by a fact of the plan left out, by a sentence that comes twice."""
PUSHY = word_set(
    "amazing best-in-class congratulations cutting-edge exclusive fast-paced game-changing guarantee guaranteed "
    "incredible limited-time loved revolutionary skyrocket struggling supercharge synergies thrilled "
    "unlock unparalleled unprecedented urgent world-class"
)
_WORD = re.compile(r"[^\W_]+(?:['./&-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n")
_YOU, _US = word_set("you your yours"), word_set("i me my we us our ours")


class Judged(NamedTuple):
    """What the written rules say of a draft: truth, obedience, and the points of its touch."""

    true: bool
    follows: bool
    stated: bool
    fresh: bool
    touch: float

    @property
    def right(self) -> bool:
        """Whether it is true of its lead and what was asked for."""
        return self.true and self.follows and self.stated and self.fresh

    @property
    def points(self) -> float:
        """One number to prefer by: no touch makes up for what is wrong."""
        lost = zip((self.true, self.follows, self.stated, self.fresh), (UNTRUE, ASTRAY, UNSAID, TWICE), strict=True)
        return self.touch - sum(points for kept, points in lost if not kept)


def judge(text: str, asked: Asked) -> Judged:
    """A draft by the written rules."""
    return Judged(
        not inventions(text, asked.true),
        not faults(text, asked.instruction),
        all(states(text, fact) for fact in asked.plan),
        not repeats(text),
        sum(TOUCH[name] * value for name, value in touch(text, asked).items()),
    )


def touch(text: str, asked: Asked) -> dict[str, float]:
    """Each rule of TOUCH, from 0 to 1; what a message gives no occasion for counts a half.

    A place for an offer is not looked at.
    """
    text = with_offer(text)
    sentences = _body(text, asked)
    words = [_WORD.findall(sentence.lower()) for sentence in sentences]
    every = [word for own in words for word in own]
    about = [bool(_facts_in(sentence, asked.plan)) for sentence in sentences]
    before = about.index(True) if True in about else len(sentences)
    you, us = sum(word in _YOU for word in every), sum(word in _US for word in every)
    least, most = asked.instruction.words
    openings = [own[0] for own in words if own]
    declines = asked.instruction.channel == "decline"
    useful = [own or "?" in sentence for own, sentence in zip(about, sentences, strict=True)]
    return {
        "own_first": _share(sum(map(len, words[before:])), len(every)) if asked.plan else 0.5,
        "about_you": _share(you, you + us),
        "specific": 0.5 if declines or not asked.plan else _share(sum(useful), len(sentences)),
        "calm": 0.0 if "!" in text or PUSHY & set(_WORD.findall(text.lower())) else 1.0,
        "asks_last": 0.5 if declines or not sentences else float("?" in sentences[-1]),
        "lively": 1 - _share(sum(a == b for a, b in pairwise(sorted(openings))), max(len(openings) - 1, 1)),
        "brief": min(max((most - len(text.split())) / max(most - least, 1), 0.0), 1.0),
    }


def _body(text: str, asked: Asked) -> list[str]:
    """The sentences between greeting and parting, and behind the words a channel begins with."""
    lines = text.split("\n")
    lines = lines[1 + (asked.instruction.channel == "email") :]
    if asked.instruction.channel != "linkedin":
        lines = lines[:-1]
    sentences = [each for each in _SENTENCE.split(expanded(" ".join(lines))) if each.strip()]
    return sentences[asked.instruction.channel in ("linkedin", "follow_up", "re_engage") :]


def _facts_in(sentence: str, plan: Sequence[Fact]) -> bool:
    spoken = ((fact.said, fact.thing, REASONS.get(fact.said, "")) for fact in plan)
    return any(words and words in sentence for each in spoken for words in each)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.5


@dataclass(frozen=True)
class Rater:
    """A person who prefers by the rules, as persons do: unsure where it is close, and now and then mistaken.

    unsure: points by which two drafts must differ for the better one to be preferred in 73 % (the scale of a
    Bradley-Terry model); slips: share of judgements made by a coin.
    """

    unsure: float = 0.3
    slips: float = 0.04

    def prefers(self, first: float, second: float, rng: Random) -> bool:
        """Whether a draft of `first` points is preferred to one of `second`."""
        if rng.random() < self.slips:
            return rng.random() < 0.5
        gap = min(max((second - first) / max(self.unsure, 1e-9), -500.0), 500.0)
        return rng.random() < 1 / (1 + math.exp(gap))
