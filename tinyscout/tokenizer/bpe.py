"""Byte-level BPE: any text becomes ids below 256 + merges, and comes back unchanged.

Training counts pairs once and then changes only the counts that a merge touches (naive_bpe.py recounts everything
and must agree). Sennrich, Haddow, Birch 2016, "Neural Machine Translation of Rare Words with Subword Units".
"""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, pairwise

# Letters with at most one apostrophe part ("don't" stays whole, which keeps its "not"), digits, or punctuation, each
# with the space before it; else white space and control characters. Whatever isn't ASCII counts as a letter. Code
# points only, no \w or \s: Python's re and the engine inside Hugging Face tokenizers then agree on every text. Runs are
# cut at 32 characters, which keeps the cost of a 10,000-character text linear.
LETTER = r"[^\x00-@\[-`{-\x7f]"
PATTERN = rf" ?{LETTER}{{1,32}}(?:'{LETTER}{{1,8}})?| ?[0-9]{{1,32}}| ?[!-/:-@\[-`{{-~]{{1,32}}|[\x00-\x20\x7f]{{1,32}}"

split = re.compile(PATTERN).findall

N_BYTES = 256
CACHED_PIECES = 200_000  # bounds memory in a server that runs for months


class BPE:
    """Merges (pairs of ids, in the order learnt) and what they spell; merge i makes id 256 + i.

    No two learnt ids spell the same: merges meet a string in one order whatever stands around it, so wherever its ends
    stay ends it is always joined by the same pair.
    """

    def __init__(self, merges: Iterable[tuple[int, int]] = ()):
        self.merges = [(int(left), int(right)) for left, right in merges]
        self.words = [bytes([byte]) for byte in range(N_BYTES)]  # what each id spells
        for left, right in self.merges:
            self.words.append(self.words[left] + self.words[right])
        self._pieces = _Pieces(self.merges)

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def train(cls, texts: Iterable[str] | Mapping[str, int], merges: int) -> "BPE":
        """Learn up to `merges` merges from texts, or from a mapping of texts to how often each comes.

        Each merge joins the commonest adjacent pair; of equally common ones the one with the smaller (left, right).
        Stops early when no pair comes twice.
        """
        pieces: Counter[str] = Counter()
        for text, count in Counter(texts).items():
            for piece in split(text):
                pieces[piece] += count
        return cls(_learn(pieces, merges))

    def encode(self, text: str) -> list[int]:
        """Ids of a text. A lone surrogate, which is no text, becomes a question mark."""
        return list(chain.from_iterable(map(self._pieces.__getitem__, split(text))))

    def decode(self, ids: Iterable[int]) -> str:
        """The text that ids spell; bytes that are no UTF-8 (a cut text) become U+FFFD."""
        return b"".join(map(self.words.__getitem__, ids)).decode(errors="replace")


class _Pieces(dict[str, list[int]]):
    """Ids of each piece met so far: real text repeats its words."""

    def __init__(self, merges: list[tuple[int, int]]):
        super().__init__()
        self.new_id = {pair: N_BYTES + i for i, pair in enumerate(merges)}  # the sooner learnt, the smaller

    def __missing__(self, piece: str) -> list[int]:
        ids = list(_to_bytes(piece))
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda pair: self.new_id.get(pair, math.inf))
            if pair not in self.new_id:
                break
            ids = _join(ids, pair, self.new_id[pair])
        if len(self) >= CACHED_PIECES:
            self.clear()
        self[piece] = ids
        return ids


def _to_bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def _join(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    """Every `pair` in ids, left to right, replaced by `new`."""
    left, right = pair
    joined = []
    i, last = 0, len(ids) - 1
    while i <= last:
        if ids[i] == left and i < last and ids[i + 1] == right:
            joined.append(new)
            i += 2
        else:
            joined.append(ids[i])
            i += 1
    return joined


def _learn(pieces: Mapping[str, int], merges: int) -> list[tuple[int, int]]:
    sequences = [list(_to_bytes(piece)) for piece in pieces]
    weights = list(pieces.values())
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for i, ids in enumerate(sequences):
        for pair in pairwise(ids):
            counts[pair] += weights[i]
            where[pair].add(i)
    # subtle: an entry of the heap may be stale, but never too small: counts of old pairs only fall, and pairs with the
    # new id are pushed once their count is final. So a popped entry is either true, or goes back with its true count.
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    learnt: list[tuple[int, int]] = []
    while heap and len(learnt) < merges:
        stale, pair = heapq.heappop(heap)
        count = counts[pair]
        if count < 2:
            continue
        if count != -stale:
            heapq.heappush(heap, (-count, pair))
            continue
        new = N_BYTES + len(learnt)
        learnt.append(pair)
        left, right = pair
        born: set[tuple[int, int]] = set()
        for i in where.pop(pair):
            ids, weight, at = sequences[i], weights[i], -1
            while True:
                try:
                    at = ids.index(left, at + 1)
                except ValueError:
                    break
                if ids[at + 1 : at + 2] != [right]:
                    continue
                ids[at : at + 2] = [new]
                # Only the pairs on either side change. In "abab", (new, a) is born and dies again within this loop.
                if at:
                    before = ids[at - 1]
                    counts[before, left] -= weight
                    counts[before, new] += weight
                    where[before, new].add(i)
                    born.add((before, new))
                if at + 1 < len(ids):
                    after = ids[at + 1]
                    counts[right, after] -= weight
                    counts[new, after] += weight
                    where[new, after].add(i)
                    born.add((new, after))
        for other in born:
            heapq.heappush(heap, (-counts[other], other))
    return learnt
