"""Constrained decoding: only words of a list can be written, whatever the model would like to write.

A model of byte pairs can spell anything. Here a token may follow a text only if every word it ends is on the list and
the word it leaves unfinished begins one that is. Some token always may: the next letter of that word.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from tinyscout.tokenizer import Vocabulary
from tinyscout.tokenizer.vocabulary import END

_WORD = re.compile(rb"[A-Za-z0-9'\x80-\xff]+")  # with all bytes of letters that aren't ASCII
_REST = re.compile(rb"[A-Za-z0-9'\x80-\xff]*$")


class OnlyWords:
    """The ids that may go on a text whose words are all of `words`, which are spelled as they must be.

    spelled: the bytes of each word id of the vocabulary (`BPE.words`). Hyphens, stops and white space are free.
    """

    def __init__(self, words: Iterable[str], vocabulary: Vocabulary, spelled: Sequence[bytes]):
        self.vocabulary, self.spelled = vocabulary, spelled
        self.whole = {part for word in words for part in _WORD.findall(word.encode())}
        self.begun = {word[:end] for word in self.whole for end in range(len(word) + 1)}  # with the empty one
        self.going_on = [i for i, part in enumerate(spelled) if _WORD.match(part)]
        self.starting = np.zeros(vocabulary.n_language, dtype=bool)  # what may follow a whole word, but for its letters
        self.starting[END] = True
        for i in set(range(len(spelled))).difference(self.going_on):
            self.starting[vocabulary.words_start + i] = self._fits(spelled[i])
        self._found: dict[bytes, np.ndarray] = {}

    def after(self, text: Sequence[int]) -> np.ndarray:
        """Ids that may follow a text of word ids: (V,) bool."""
        start = self.vocabulary.words_start
        rest = b""  # the unfinished word at the end, which is seldom more than a few tokens long
        for token in reversed(text):
            part = self.spelled[token - start]
            last = _REST.search(part)
            rest = (last[0] if last else b"") + rest
            if not last or len(last[0]) < len(part):
                break
        if rest not in self._found:
            self._found[rest] = self._after(rest)
        return self._found[rest]

    def _after(self, rest: bytes) -> np.ndarray:
        whole = not rest or rest in self.whole
        allowed = self.starting.copy() if whole else np.zeros_like(self.starting)
        for i in self.going_on:
            allowed[self.vocabulary.words_start + i] = self._fits(rest + self.spelled[i])
        return allowed

    def _fits(self, text: bytes) -> bool:
        if text in self.begun:
            return True
        found = list(_WORD.finditer(text))
        return all(each[0] in (self.whole if each.end() < len(text) else self.begun) for each in found)
