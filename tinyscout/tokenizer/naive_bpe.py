"""BPE the way it is explained: count all pairs, join the commonest, and again. The oracle for bpe.py.

Slow on purpose: every merge counts the whole text anew.
"""

from collections import Counter
from collections.abc import Iterable

from tinyscout.tokenizer.bpe import split


def train(texts: Iterable[str], merges: int) -> list[tuple[int, int]]:
    """Learn merges as pairs of ids; merge i makes id 256 + i."""
    pieces = [list(piece.encode(errors="replace")) for text in texts for piece in split(text)]
    learnt: list[tuple[int, int]] = []
    while len(learnt) < merges:
        counts = Counter((ids[i], ids[i + 1]) for ids in pieces for i in range(len(ids) - 1))
        if max(counts.values(), default=0) < 2:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], pair))  # commonest first, then the smaller
        pieces = [_replace(ids, pair, 256 + len(learnt)) for ids in pieces]
        learnt.append(pair)
    return learnt


def encode(text: str, merges: list[tuple[int, int]]) -> list[int]:
    """Ids of a text: every merge in turn, wherever it applies."""
    encoded: list[int] = []
    for piece in split(text):
        ids = list(piece.encode(errors="replace"))
        for i, pair in enumerate(merges):
            ids = _replace(ids, pair, 256 + i)
        encoded += ids
    return encoded


def _replace(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    replaced: list[int] = []
    for id_ in ids:
        # the last id may itself be a new one, which no old pair contains
        if replaced and (replaced[-1], id_) == pair:
            replaced[-1] = new
        else:
            replaced.append(id_)
    return replaced
