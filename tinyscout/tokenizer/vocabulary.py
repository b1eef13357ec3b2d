"""Vocabulary: what each token id stands for.

Ids lie in four blocks: specials, words (256 bytes, then BPE merges), profile, signals. The language head writes the
first two, which are the prefix [0, n_language); membership of any block is a range check.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

SPECIALS = ("<pad>", "<score>", "<instruction>", "<message>", "<end>")
PAD, SCORE, INSTRUCTION, MESSAGE, END = range(len(SPECIALS))


@dataclass(frozen=True)
class ProfileField:
    """The ids [start, stop) of one profile field.

    `type` is number, category, text, date, hour or weekday. A number or date owns (`field`, `field=<missing>`), a text
    (`field=<text>`, `field=<missing>`), the others their values, then `field=<missing>` and `field=<unseen>`.
    """

    name: str
    type: str
    start: int
    stop: int

    @property
    def is_number(self) -> bool:
        return self.type in ("number", "date")

    @property
    def n_values(self) -> int:
        """How many values have an id of their own; 0 for numbers and texts."""
        return 0 if self.is_number or self.type == "text" else self.stop - self.start - 2


class Vocabulary:
    """Names of all ids.

    words: bytes of each word id, in order; fields: (name, type, names of its ids) in profile order; signals: names.
    Where a name comes twice (a column named like a value of another), later ones get a suffix #2, #3, ...
    """

    def __init__(
        self,
        words: Sequence[bytes],
        fields: Iterable[tuple[str, str, Sequence[str]]],
        signals: Sequence[str],
    ):
        names = [*SPECIALS, *(word_name(word) for word in words)]
        self.words_start = len(SPECIALS)
        self.n_words = len(words)
        self.n_language = self.profile_start = len(names)
        profile: list[ProfileField] = []
        for name, type_, tokens in fields:
            profile.append(ProfileField(name, type_, len(names), len(names) + len(tokens)))
            names += tokens
        self.fields = tuple(profile)
        self.signal_start = len(names)
        names += signals
        self.names = _distinct(names)
        self._ids = {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def id_of(self, name: str) -> int:
        """The id of a token's name; KeyError when there is none."""
        return self._ids[name]

    def is_word(self, ids: np.ndarray) -> np.ndarray:
        return (ids >= self.words_start) & (ids < self.n_language)

    def is_profile(self, ids: np.ndarray) -> np.ndarray:
        return (ids >= self.profile_start) & (ids < self.signal_start)

    def is_signal(self, ids: np.ndarray) -> np.ndarray:
        return ids >= self.signal_start


def word_name(word: bytes) -> str:
    """A readable ASCII name of a word id: `word ' demo'`, or `word b'\\xc3'` where the bytes are no whole text."""
    try:
        return f"word {word.decode()!a}"
    except UnicodeDecodeError:
        return f"word {word!r}"


def _distinct(names: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    result = []
    for name in names:
        distinct, copy = name, 1
        while distinct in seen:
            copy += 1
            distinct = f"{name}#{copy}"
        seen.add(distinct)
        result.append(distinct)
    return result
