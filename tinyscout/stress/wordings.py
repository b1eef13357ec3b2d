"""Texts to try on a model: sentences of the world, and what becomes of them when words are changed, moved or dropped.

An attack may rewrite a text to any sentence. Most rewritings here touch one or two words, as the closest texts with
another meaning do: a "not" more or less, two words in each other's place, one connective for another.
"""

import re
from functools import cache

import numpy as np

from tinyscout.leads.oracle_texts import BUYING, DELAYS, GIVEAWAY, JUDGED, JUNIOR, MEANINGS, OTHERS, SENIOR, STUDIES
from tinyscout.leads.world_texts import CLOSINGS, NOTE_OPENINGS, OPENINGS, compose
from tinyscout.stress.threat import MAX_WORDS

JOINTS = ("but not", "and not", "instead of", "rather than", "not", "but", "and", "while", ",")
_LISTS = (
    BUYING,
    GIVEAWAY,
    SENIOR,
    JUNIOR,
    JUDGED,
    STUDIES,
    tuple(DELAYS),
    ("I", "we", *(f"my {name}" for name in OTHERS)),
    ("would", "would not"),
    ("was", "was not"),
    ("is", "is not"),
    ("are", "are not"),
    ("left", "joined", "took over", "takes the lead"),
)
_TERM = re.compile(
    "|".join(
        rf"\b{re.escape(term)}\b" for term in sorted({term for one in _LISTS for term in one}, key=len, reverse=True)
    )
)
_JOINT = re.compile("|".join(rf"(?<=\s){re.escape(joint)}(?=\s)|," for joint in JOINTS[:-1]))


def world_texts(number: int, rng: np.random.Generator) -> list[str]:
    """About `number` distinct sentences of the world, all meanings alike, half of them notes."""
    each = -(-number // (2 * (len(MEANINGS) - 1)))
    made = {text for note in (False, True) for name in MEANINGS[1:] for text in compose(name, each, rng, note=note)}
    return sorted(made)


def rewritten(text: str, rng: np.random.Generator) -> str:
    """The text after one to three changes of words; of at most MAX_WORDS words, and never empty."""
    changes = (_exchange, _exchange, _replace, _replace, _rejoin, _rejoin, _turn, _drop, _move, _substitute)
    for _ in range(rng.integers(1, 4)):
        changed = " ".join(changes[rng.integers(len(changes))](text, rng).split()).replace(" ,", ",")
        if changed and len(changed.split()) <= MAX_WORDS:
            text = changed
    return text


def scrambled(text: str, rng: np.random.Generator) -> str:
    """The text after changes as above and up to three of its words by any: what attacks along a gradient leave."""
    text = rewritten(text, rng)
    for _ in range(rng.integers(4)):
        text = _substitute(text, rng)
    return text


def _exchange(text: str, rng: np.random.Generator) -> str:
    """Two terms in each other's place."""
    found = [match.span() for match in _TERM.finditer(text)]
    if len(found) < 2:
        return text
    (a, b), (c, d) = (found[i] for i in np.sort(rng.choice(len(found), 2, replace=False)))
    return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def _replace(text: str, rng: np.random.Generator) -> str:
    """A term by another of its list, or now and then by any."""
    found = list(_TERM.finditer(text))
    if not found:
        return text
    match = found[rng.integers(len(found))]
    own = next(one for one in _LISTS if match.group() in one)
    chosen = _LISTS[rng.integers(len(_LISTS))] if rng.random() < 0.2 else own
    return text[: match.start()] + chosen[rng.integers(len(chosen))] + text[match.end() :]


def _rejoin(text: str, rng: np.random.Generator) -> str:
    """One connective by another."""
    found = list(_JOINT.finditer(text))
    if not found:
        return text
    match = found[rng.integers(len(found))]
    return f"{text[: match.start()]} {JOINTS[rng.integers(len(JOINTS))]} {text[match.end() :]}"


def _turn(text: str, rng: np.random.Generator) -> str:
    """The clauses in another order, behind the opening."""
    opening, *clauses = re.split(r", | (?=but |and |while )", text)
    return ", ".join([opening, *(re.sub("^(but|and|while) ", "", clauses[i]) for i in rng.permutation(len(clauses)))])


def _drop(text: str, rng: np.random.Generator) -> str:
    """Without one of its words."""
    words = text.split()
    at = rng.integers(len(words))
    return " ".join(words[:at] + words[at + 1 :])


def _substitute(text: str, rng: np.random.Generator) -> str:
    """One of its words by any word of the world, as attacks along a gradient choose them."""
    words, known = text.split(), _words()
    words[rng.integers(len(words))] = known[rng.integers(len(known))]
    return " ".join(words)


@cache
def _words() -> list[str]:
    """The words of the world's sentences."""
    return sorted({word for text in world_texts(2_000, np.random.default_rng(0)) for word in re.findall(r"\w+", text)})


def _move(text: str, rng: np.random.Generator) -> str:
    """Another opening or closing."""
    if rng.random() < 0.5:
        openings = OPENINGS + NOTE_OPENINGS
        return f"{openings[rng.integers(len(openings))]}, {text.split(', ', 1)[-1]}"
    return f"{text} {CLOSINGS[rng.integers(len(CLOSINGS))]}"
