"""The words of the synthetic world: short messages and call notes composed from a grammar, by what they are to say.

Half of the sentences carry their meaning in the order of the words alone ("the contract but not the newsletter"), so
that a bag of words can't tell them apart: `compose` writes those, and `twin` swaps the two words that decide.
No text names a person or a company.
"""

import re

import numpy as np

from tinyscout.leads import oracle_texts
from tinyscout.leads.oracle_texts import BUYING, CODE, GIVEAWAY, JUDGED, JUNIOR, MEANINGS, OTHERS, SENIOR, STUDIES

OPENINGS = ("hello", "hi there", "good morning", "honestly", "to be frank", "quick update", "in short", "as promised")
CLOSINGS = ("", "", "for now", "at this point", "thanks", "this week", "best regards", "sent on the go", "talk soon")
NOTE_OPENINGS = ("they said on the phone", "from the call", "in their words", "a short call", "call of today")
TIMES = tuple(oracle_texts.DELAYS)
FEATURES = ("single sign-on", "an audit log", "webhooks", "data export", "a sandbox", "usage limits", "invoicing")
THANKS = ("thanks for the link", "got the message", "reading it on the train", "busy days here", "nice update")

# A slot in braces is drawn from its list; {buying} and {giveaway}, {senior} and {junior}, {self} and {other}, {due} and
# {undue} are the pairs that `twin` swaps.
_SLOTS = {
    "buying": BUYING,
    "giveaway": GIVEAWAY,
    "senior": SENIOR,
    "junior": JUNIOR,
    "other": OTHERS,
    "judged": JUDGED,
    "study": STUDIES,
    "time": TIMES,
    "feature": FEATURES,
    "thanks": THANKS,
}
TEMPLATES: dict[str, tuple[str, ...]] = {
    "want": (
        "please send us the {buying}",
        "we would like to see the {buying}",
        "we are ready for the {buying}",
        "could you prepare a {buying}",
        "please send the {buying} but not the {giveaway}",
        "we need the {buying} instead of the {giveaway}",
        "we are after the {buying} rather than the {giveaway}",
        "it is not the {giveaway} but the {buying} we asked for",
        "we would take the {buying} and not the {giveaway}",
    ),
    "refuse": (
        "we are not interested",
        "we do not need the {buying}",
        "please stop writing to us",
        "please remove us from the list",
        "please send the {giveaway} but not the {buying}",
        "we need the {giveaway} instead of the {buying}",
        "we are after the {giveaway} rather than the {buying}",
        "it is not the {buying} but the {giveaway} we asked for",
        "we would take the {giveaway} and not the {buying}",
    ),
    "praise": (
        "we love the trial",
        "I was {judged} by the trial but my {other} was not",
        "after the trial I was {judged} while my {other} was not",
        "by now my {other} was not {judged} but I was",
    ),
    "doubt": (
        "we do not love the trial",
        "my {other} was {judged} by the trial but I was not",
        "after the trial my {other} was {judged} while I was not",
        "by now I was not {judged} but my {other} was",
    ),
    "takeover": (
        "a new {senior} joined last week",
        "the {junior} left and the {senior} took over",
        "since the {junior} left the {time_past} is over and the {senior} takes the lead",
    ),
    "left": (
        "our {senior} left the company",
        "the {senior} left and the {junior} took over",
        "since the {senior} left the {time_past} is over and the {junior} takes the lead",
    ),
    "defer": (
        "please circle back in {time}",
        "try us again in {time}",
        "the budget opens in {time}",
        "it is not {time} but {time2} that suits us",
        "we can talk in {time2} and not in {time} as planned",
    ),
    "apology": ("sorry for the missed call", "apologies for the missed meeting", "sorry we had to run"),
    "question": ("does the plan include {feature}", "how do we set up {feature}", "which plan has {feature}"),
    "study": ("this is for my {study}", "my {study} compares such tools", "the {study} is due soon"),
    "neutral": (
        "{thanks}",
        "{thanks} indeed",
        "please send the {giveaway}",
        "where can I find the {giveaway}",
        "my {other} was {judged} by the trial",
        "the {junior} left the company",
    ),
}
_SLOTS["time_past"] = ("quiet phase", "old plan", "long pause")
_SLOTS["time2"] = TIMES
_PAIRS = ((BUYING, GIVEAWAY), (SENIOR, JUNIOR), (("I",), tuple(f"my {name}" for name in OTHERS)), (TIMES, TIMES))


def compose(meaning: str, size: int, rng: np.random.Generator, *, note: bool = False) -> list[str]:
    """Write `size` texts that say `meaning` (a name in MEANINGS; not "none"); a `note` is what a caller writes down."""
    templates = TEMPLATES[meaning]
    openings = NOTE_OPENINGS if note else OPENINGS
    texts = []
    for template in rng.integers(len(templates), size=size):
        slots: dict[str, str] = {}
        for slot in re.findall(r"{(\w+)}", templates[template]):
            choices = [word for word in _SLOTS[slot] if word not in slots.values()]
            slots[slot] = choices[rng.integers(len(choices))]
        parts = (openings[rng.integers(len(openings))], templates[template].format(**slots))
        texts.append(f"{', '.join(parts)} {CLOSINGS[rng.integers(len(CLOSINGS))]}".rstrip())
    return texts


def twin(text: str) -> str:
    """The text with the two words that decide swapped: the same bag of words, another order; itself if it has none."""
    for left, right in _PAIRS:
        found = re.findall(rf"\b(?:{'|'.join(left + right)})\b", text)
        if len(found) == 2 and found[0] != found[1]:
            swap = {found[0]: found[1], found[1]: found[0]}
            return re.sub(rf"\b(?:{'|'.join(found)})\b", lambda match, swap=swap: swap[match.group()], text)
    return text


class TextPool:
    """Distinct texts by meaning, to draw from by number: `texts` (P,), and where each meaning's share begins."""

    def __init__(self, rng: np.random.Generator, *, per_meaning: int = 700):
        self.texts = np.array([None], dtype=object)  # no text
        self.first, self.size = np.zeros((2, len(MEANINGS)), np.int64), np.zeros((2, len(MEANINGS)), np.int64)
        for note in (False, True):
            for meaning in MEANINGS[1:]:
                texts = sorted(set(compose(meaning, per_meaning, rng, note=note)))
                self.first[int(note), CODE[meaning]], self.size[int(note), CODE[meaning]] = len(self.texts), len(texts)
                self.texts = np.concatenate([self.texts, np.array(texts, dtype=object)])
        self.size[:, CODE["none"]] = 1

    def draw(self, meaning: np.ndarray, note: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Indices into `texts` (S,) for meaning codes (S,) and note flags (S,) bool."""
        voice = note.astype(np.int64)
        return self.first[voice, meaning] + (rng.random(len(meaning)) * self.size[voice, meaning]).astype(np.int64)
