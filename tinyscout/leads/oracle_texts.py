"""What a text says, as the oracle reads it: any string to one meaning and, for a deferral, its delay in days.

A text is cut into clauses; a clause speaks for its writer or for somebody else, is negated or not, and holds at most
one cue. So "we want the contract but not the newsletter" and the same words the other way round differ. The reader
is total: an edited or senseless text has a meaning too (usually NEUTRAL), which is what the stress test needs.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd

MEANINGS = (
    "none",  # no text
    "neutral",  # says nothing that moves a reply
    "want",  # asks for something a buyer asks for
    "praise",  # the writer's own good judgement
    "takeover",  # somebody who can buy has taken over
    "apology",  # sorry for a missed meeting
    "question",  # asks how the product works
    "defer",  # "come back next quarter"
    "refuse",  # does not want it
    "doubt",  # the writer's own bad judgement
    "left",  # the one who could buy has gone
    "study",  # thesis, homework, a course
)
CODE = {name: code for code, name in enumerate(MEANINGS)}

BUYING = ("contract", "quote", "demo", "pilot", "rollout", "proposal", "agreement")
GIVEAWAY = ("newsletter", "whitepaper", "recording", "ebook", "slides", "calendar", "infographic")
SENIOR = ("sponsor", "champion", "director", "owner")
JUNIOR = ("intern", "trainee", "assistant", "temp")
OTHERS = ("friend", "cousin", "neighbour", "classmate", "reviewer", "flatmate")
JUDGED = ("convinced", "impressed", "delighted", "persuaded")
STUDIES = ("thesis", "homework", "dissertation", "coursework")
DELAYS = {"two weeks": 14.0, "next month": 30.0, "next quarter": 91.0, "half a year": 182.0}

CUES: dict[str, str] = (
    {word: "buying" for word in (*BUYING, "interested", "buy", "purchase")}
    | {word: "judged" for word in (*JUDGED, "love", "recommend")}
    | {word: "study" for word in STUDIES}
    | {word: "apology" for word in ("sorry", "apologies", "rebook")}
    | {word: "stop" for word in ("stop", "remove", "unsubscribe")}
    | {word: "gone" for word in ("left", "leaves", "resigned")}
    | {word: "came" for word in ("joined", "takes", "took")}
    | {word: "question" for word in ("does", "how", "which")}
    | {word: "giveaway" for word in GIVEAWAY}
)
_ORDER = ("gone", "came", "study", "stop", "apology", "buying", "judged", "giveaway", "question")
NEGATIONS = frozenset(("not", "no", "never", "without", "cannot"))
_OTHERS, _JUNIOR, _SENIOR = frozenset(OTHERS), frozenset(JUNIOR), frozenset(SENIOR)
_CLAUSES = re.compile(r"[.,;:!?\n]+|\b(?:but|and|while)\b")
_INSTEAD = re.compile(r"\b(?:instead of|rather than)\b")
_WORDS = re.compile(r"[a-z']+")
_DELAYS = re.compile("|".join(DELAYS))
_VOTES = {"want": 1, "praise": 1, "takeover": 1, "apology": 1, "refuse": -1, "doubt": -1, "left": -1}


@lru_cache(maxsize=200_000)
def read_text(text: str) -> tuple[int, float]:
    """The meaning of one text, a code into MEANINGS, and the days it defers by (0 unless it is a deferral)."""
    if not text.strip():
        return CODE["none"], 0.0
    votes: list[str] = []
    delay, study, asks, cue = 0.0, False, False, ""
    for clause, words, negated in clauses(text):
        when = _DELAYS.search(clause)
        if when and not negated:
            delay = DELAYS[when.group()]
        found = {CUES[word] for word in words if word in CUES}
        # "I was convinced but my boss was not": a clause without a cue may speak of what was last spoken of.
        bare = (negated or "was" in words) and not when
        cue = next((name for name in _ORDER if name in found), cue if bare else "")
        study |= cue == "study" and not negated
        asks |= cue == "question"
        vote = _vote(cue, negated, frozenset(words))
        if vote:
            votes.append(vote)
    return CODE[_decide(votes, delay, study, asks)], (delay if delay and not study else 0.0)


def clauses(text: str) -> Iterator[tuple[str, list[str], bool]]:
    """The clauses of a text in small letters: each with its words, and whether it is negated."""
    for clause in _CLAUSES.split(_INSTEAD.sub(" but not ", text.lower())):
        words = _WORDS.findall(clause)
        if words:
            yield clause, words, sum(word in NEGATIONS or word.endswith("n't") for word in words) % 2 == 1


def _vote(cue: str, negated: bool, words: frozenset[str]) -> str:
    """What one clause says for or against a reply; empty where it says nothing."""
    if cue == "gone":
        return "left" if not negated and words & _SENIOR else ""
    if cue == "came":
        return "takeover" if not negated and words & _SENIOR else ""
    if words & _OTHERS or words & _JUNIOR:
        return ""  # somebody else's wish or judgement
    if cue == "buying":
        return "refuse" if negated else "want"
    if cue == "judged":
        return "doubt" if negated else "praise"
    if cue == "stop":
        return "" if negated else "refuse"
    return "apology" if cue == "apology" and not negated else ""


def _decide(votes: list[str], delay: float, study: bool, asks: bool) -> str:
    """The meaning of a whole text: a study, then a deferral, then the majority of its clauses (the last in a tie)."""
    if study:
        return "study"
    if delay:
        return "defer"
    if votes:
        total = sum(_VOTES[vote] for vote in votes) or _VOTES[votes[-1]]
        return next(vote for vote in votes if _VOTES[vote] * total > 0)
    return "question" if asks else "neutral"


def read_texts(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Meaning codes (S,) int8 and delays in days (S,) float64 of a column of texts; each distinct text is read once."""
    codes, distinct = pd.factorize(texts)
    read = [read_text(str(text)) for text in distinct] + [(CODE["none"], 0.0)]  # factorize gives -1 to a missing text
    return (
        np.array([meaning for meaning, _ in read], dtype=np.int8)[codes],
        np.array([delay for _, delay in read])[codes],
    )
