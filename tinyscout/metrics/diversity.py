"""How alike texts are: distinct n-grams among them, and self-BLEU, the BLEU of each against the others.

A text is a sequence of words (anything hashable). A bot that sends everybody the same has few distinct n-grams and a
self-BLEU near 1.
"""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence

Text = Sequence[Hashable]


def distinct_n(texts: Sequence[Text], n: int) -> float:
    """Distinct n-grams of all texts over n-grams of all texts (Li et al. 2016, section 5): from near 0 to 1.

    NaN where no text has n words.
    """
    found: Counter[Text] = Counter()
    for text in texts:
        found.update(_ngrams(text, n))
    return len(found) / found.total() if found else math.nan


def self_bleu(texts: Sequence[Text], n: int = 4) -> float:
    """Mean over the texts of BLEU-n with all other texts as references (Texygen, Zhu et al. 2018, section 3.1).

    BLEU (Papineni et al. 2002): geometric mean of clipped n-gram precisions of orders 1 to n times the brevity penalty
    against the nearest reference length; from order 2 on one match is added to found and possible ones (Lin and Och
    2004), since a short text may have none. NaN for fewer than two texts.
    """
    if len(texts) < 2:
        return math.nan
    logs = [0.0] * len(texts)
    for order in range(1, n + 1):
        for i, (matched, possible) in enumerate(_clipped_matches(texts, order)):
            extra = order > 1
            share = (matched + extra) / max(possible + extra, 1)
            logs[i] += (math.log(share) if share else -math.inf) / n
    lengths = sorted(len(text) for text in texts)
    total = 0.0
    for text, mean in zip(texts, logs, strict=True):
        brevity = min(0.0, 1 - _nearest_other(lengths, len(text)) / len(text)) if text else -math.inf
        total += math.exp(mean + brevity)
    return total / len(texts)


def cut_alike(*groups: Sequence[Text]) -> list[list[Text]]:
    """Groups of texts at equal length: the i-th text of each is cut to the length of the shortest i-th text.

    Longer texts repeat more of what others say; so diversity is only to be compared at equal length.
    """
    if len({len(texts) for texts in groups}) > 1:
        raise ValueError(f"cut_alike: groups have {', '.join(str(len(each)) for each in groups)} texts; needs as many")
    shortest = [min(map(len, row)) for row in zip(*groups, strict=True)]
    return [[text[:length] for text, length in zip(texts, shortest, strict=True)] for texts in groups]


def words_of(text: str) -> list[str]:
    """The words of a text, and its punctuation marks by themselves."""
    return re.findall(r"[^\s.,:?!]+|[.,:?!]", text)


def _ngrams(text: Text, n: int) -> Counter[Text]:
    return Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))


def _clipped_matches(texts: Sequence[Text], n: int) -> list[tuple[int, int]]:
    """For each text: how many of its n-grams some other text has, each counted as often as one text does; and all.

    Only the two largest counts of an n-gram matter: a text's own may be the largest, and is then left out.
    """
    counts = [_ngrams(text, n) for text in texts]
    largest: dict[Text, tuple[int, int, int]] = {}  # n-gram -> its largest count, whose that is, the second largest
    for owner, own in enumerate(counts):
        for gram, count in own.items():
            first, whose, second = largest.get(gram, (0, -1, 0))
            largest[gram] = (count, owner, first) if count > first else (first, whose, max(second, count))
    return [
        (
            sum(
                min(count, second if whose == owner else first)
                for gram, count in own.items()
                for first, whose, second in (largest[gram],)
            ),
            own.total(),
        )
        for owner, own in enumerate(counts)
    ]


def _nearest_other(lengths: list[int], length: int) -> int:
    """The nearest to `length` of sorted `lengths`, which hold the text itself once; the shorter of two as near."""
    at = bisect_left(lengths, length)  # the text itself, or one as long
    others = lengths[max(at - 1, 0) : at] + lengths[at + 1 : at + 2]
    return min(others, key=lambda each: (abs(each - length), each))
