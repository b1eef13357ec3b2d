"""Texts to try on a model: sentences of the world, and what becomes of them when words are changed, moved or dropped.

An attack may rewrite a text to any sentence. Most rewritings here touch one or two words, as the closest texts with
another meaning do: a "not" more or less, two words in each other's place, one connective for another. A no has more
forms ("without the demo", "we don't need it") than the world's own sentences do.
"""

import re
from functools import cache

import numpy as np

from tinyscout.leads.oracle_texts import CUES, DELAYS, JUNIOR, MEANINGS, NEGATIONS, OTHERS, SENIOR
from tinyscout.leads.world_texts import CLOSINGS, NOTE_OPENINGS, OPENINGS, compose
from tinyscout.stress.threat import MAX_WORDS

_JOINING = ("but not", "and not", "instead of", "rather than", *sorted(NEGATIONS), "but", "and", "while")
_MARKS = (",", ".", "!")
_JOINTS = (*_JOINING, *_MARKS)
_SHORT = ("don't", "doesn't", "didn't", "isn't", "aren't", "wasn't", "won't", "can't", "couldn't", "wouldn't")
_WHO = ("gone", "came")  # who left and who came: one list of both, as the one instead of the other says much
_LISTS = (
    *(tuple(word for word in CUES if CUES[word] == cue) for cue in dict.fromkeys(CUES.values()) if cue not in _WHO),
    SENIOR,
    JUNIOR,
    tuple(DELAYS),
    ("I", "we", *(f"my {name}" for name in OTHERS)),
    ("would", "would not", "wouldn't", "would never"),
    ("was", "was not", "wasn't", "was never"),
    ("is", "is not", "isn't", "is no"),
    ("are", "are not", "aren't", "are never"),
    ("do", "do not", "don't"),
    ("will", "will not", "won't"),
    ("could", "can", "cannot", "can't"),
    ("left", "leaves", "resigned", "joined", "took over", "takes the lead"),
    tuple(sorted(NEGATIONS)),
)
_TERM = re.compile(rf"\b(?:{'|'.join(sorted({term for one in _LISTS for term in one}, key=len, reverse=True))})\b")
_JOINT = re.compile(rf"(?<=\s)(?:{'|'.join(_JOINING)})(?=\s)|[,.!]")


def world_texts(number: int, rng: np.random.Generator) -> list[str]:
    """About `number` distinct sentences of the world, all meanings alike, half of them notes."""
    each = -(-number // (2 * (len(MEANINGS) - 1)))
    made = {text for note in (False, True) for name in MEANINGS[1:] for text in compose(name, each, rng, note=note)}
    return sorted(made)


def rewritten(text: str, rng: np.random.Generator) -> str:
    """The text after one to three changes of words; of at most MAX_WORDS words, and never empty."""
    changes = (_exchange, _exchange, _replace, _replace, _rejoin, _rejoin, _turn, _drop, _move, _substitute, _insert)
    for _ in range(rng.integers(1, 4)):
        changed = re.sub(" +(?=[,.!])", "", " ".join(changes[rng.integers(len(changes))](text, rng).split()))
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
    """One connective, or mark, by another."""
    found = list(_JOINT.finditer(text))
    if not found:
        return text
    match = found[rng.integers(len(found))]
    return f"{text[: match.start()]} {_JOINTS[rng.integers(len(_JOINTS))]} {text[match.end() :]}"


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
    """One of its words by any word, as attacks along a gradient choose them."""
    words = text.split()
    words[rng.integers(len(words))] = _any_word(rng)
    return " ".join(words)


def _insert(text: str, rng: np.random.Generator) -> str:
    """With any word more."""
    words = text.split()
    at = rng.integers(len(words) + 1)
    return " ".join([*words[:at], _any_word(rng), *words[at:]])


def _any_word(rng: np.random.Generator) -> str:
    """A word that the world's sentences have or the oracle hears, or one time in four a made-up one.

    A made-up word is the beginning of one word and the end of another, and mostly says nothing.
    """
    words = _words()
    one, other = (words[i] for i in rng.integers(len(words), size=2))
    if rng.random() < 0.75:
        return one
    return one[: rng.integers(1, len(one) + 1)] + other[rng.integers(len(other)) :]


@cache
def _words() -> list[str]:
    """The words of the world's sentences, and those that the oracle hears."""
    world = {word for text in world_texts(2_000, np.random.default_rng(0)) for word in re.findall(r"\w+", text)}
    return sorted(world.union(CUES, NEGATIONS, _SHORT))


def _move(text: str, rng: np.random.Generator) -> str:
    """Another opening or closing."""
    if rng.random() < 0.5:
        openings = OPENINGS + NOTE_OPENINGS
        return f"{openings[rng.integers(len(openings))]}, {text.split(', ', 1)[-1]}"
    return f"{text} {CLOSINGS[rng.integers(len(CLOSINGS))]}"
