"""Distinct-n and self-BLEU against values worked out by hand, and against BLEU written out plainly."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.metrics import cut_alike, distinct_n, self_bleu

words = st.lists(st.sampled_from("abc"), min_size=1, max_size=7)


def test_distinct_n_by_hand() -> None:
    texts = [["the", "cat", "sat"], ["the", "cat", "ran", "off"]]
    assert distinct_n(texts, 1) == 5 / 7  # the cat sat ran off
    assert distinct_n(texts, 2) == 4 / 5  # "the cat" comes twice
    assert distinct_n(texts, 4) == 1.0
    assert math.isnan(distinct_n(texts, 5)) and math.isnan(distinct_n([], 1))


def test_a_text_repeated_is_less_distinct() -> None:
    assert distinct_n([["a", "a", "a", "a"]], 1) == 0.25
    assert distinct_n([["a", "b"]] * 10, 2) == 0.1


def test_self_bleu_by_hand() -> None:
    texts = [["a", "b", "c"], ["a", "b", "d", "e"]]
    # a b c: 2 of 3 words, (1 + 1) of (2 + 1) pairs; shorter than its reference: exp(1 - 4 / 3)
    first = math.exp(1 - 4 / 3) * math.sqrt(2 / 3 * 2 / 3)
    # a b d e: 2 of 4 words, (1 + 1) of (3 + 1) pairs; longer: no penalty
    second = math.sqrt(2 / 4 * 2 / 4)
    assert self_bleu(texts, 2) == pytest.approx((first + second) / 2)


def test_counts_are_clipped_at_what_one_other_text_has() -> None:
    texts = [["a", "a", "a"], ["a", "b", "c"], ["a", "a", "b"]]
    # of a a a two match (the third text has two), of a b c two (c is its own), of a a b three
    assert self_bleu(texts, 1) == pytest.approx((2 / 3 + 2 / 3 + 3 / 3) / 3)


def test_the_same_text_to_all_is_one_and_nothing_in_common_is_zero() -> None:
    assert self_bleu([["a", "b", "c", "d", "e"]] * 3) == pytest.approx(1.0)
    assert self_bleu([["a", "b"], ["c", "d"]]) == 0.0
    assert math.isnan(self_bleu([["a", "b"]])) and math.isnan(self_bleu([]))
    assert self_bleu([[], ["a"], ["a"]]) == pytest.approx(2 / 3)


def plain_bleu(text: list[str], references: list[list[str]], n: int) -> float:
    logs = 0.0
    for order in range(1, n + 1):
        grams = Counter(tuple(text[i : i + order]) for i in range(len(text) - order + 1))
        matched = 0
        for gram, count in grams.items():
            most = max(
                sum(tuple(each[i : i + order]) == gram for i in range(len(each) - order + 1)) for each in references
            )
            matched += min(count, most)
        add = 1 if order > 1 else 0
        if matched + add == 0:
            return 0.0
        logs += math.log((matched + add) / (sum(grams.values()) + add)) / n
    nearest = min((len(each) for each in references), key=lambda length: (abs(length - len(text)), length))
    return math.exp(logs + min(0.0, 1 - nearest / len(text)))


@given(st.lists(words, min_size=2, max_size=6), st.integers(1, 4))
def test_self_bleu_is_the_mean_of_plain_bleus(texts: list[list[str]], n: int) -> None:
    expected = [plain_bleu(text, texts[:i] + texts[i + 1 :], n) for i, text in enumerate(texts)]
    assert self_bleu(texts, n) == pytest.approx(sum(expected) / len(expected), rel=1e-12, abs=1e-15)


def test_texts_are_cut_to_the_shortest_of_their_row() -> None:
    first, second = cut_alike(["abc", "a"], ["ab", "xyz"])
    assert first == ["ab", "a"] and second == ["ab", "x"]
    with pytest.raises(ValueError, match="groups have 1, 2 texts"):
        cut_alike(["a"], ["a", "b"])
