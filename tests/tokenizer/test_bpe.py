from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.tokenizer import BPE, bpe, naive_bpe

# Few letters make many repeats and ties; the second alphabet crosses the borders of the pattern.
REPETITIVE = st.lists(st.text("ab", max_size=30) | st.text("ab' 1!\n\u00e9", max_size=30), max_size=8)


@given(REPETITIVE, st.integers(0, 60))
def test_incremental_training_equals_naive(texts, merges):
    assert BPE.train(texts, merges).merges == naive_bpe.train(texts, merges)


@given(REPETITIVE, st.text() | st.text("ab' 1!\n\u00e9"))
def test_encoding_equals_naive(texts, text):
    trained = BPE.train(texts, 40)
    assert trained.encode(text) == naive_bpe.encode(text, trained.merges)


@given(st.lists(st.text(), max_size=5), st.text())
@settings(max_examples=300)
def test_any_text_comes_back(texts, text):
    trained = BPE.train([*texts, text], 30)
    assert trained.decode(trained.encode(text)) == text


@given(st.text())
def test_pieces_cover_the_text(text):
    assert "".join(bpe.split(text)) == text


def test_what_the_pattern_keeps_together():
    assert bpe.split("We don't  buy, call 555") == ["We", " don't", "  ", "buy", ",", " call", " 555"]
    assert bpe.split("\u00fcber na\u00efve \u65e5\u672c") == ["\u00fcber", " na\u00efve", " \u65e5\u672c"]
    assert [len(piece) for piece in bpe.split("x" * 70)] == [32, 32, 6]


def test_merges_by_hand():
    # "ab" comes 3 times, then "ab"+"c" twice; "ca" and "bc" never before them
    trained = BPE.train(["abc", "abc", "ab"], 10)
    assert trained.merges == [(ord("a"), ord("b")), (256, ord("c"))]
    assert trained.words[256:] == [b"ab", b"abc"]
    assert trained.encode("abcab") == [257, 256]


def test_equally_common_pairs_merge_in_order_of_ids():
    assert BPE.train(["zy", "zy", "ab", "ab"], 2).merges == [(ord("a"), ord("b")), (ord("z"), ord("y"))]


@given(REPETITIVE)
def test_a_string_has_one_id(texts):
    words = BPE.train(texts, 60).words
    assert len(set(words)) == len(words)


def test_counts_stand_for_repeated_texts():
    assert BPE.train({"demo please": 3, "no": 2}, 20).merges == BPE.train(["demo please"] * 3 + ["no"] * 2, 20).merges


def test_stops_when_no_pair_comes_twice():
    assert BPE.train(["abc"], 10).merges == []
    assert BPE.train([], 10).merges == []


def test_lone_surrogate_becomes_a_question_mark():
    trained = BPE.train(["ok"], 5)
    assert trained.decode(trained.encode("a\ud800b")) == "a?b"


def test_cut_character_decodes_to_a_replacement():
    assert BPE().decode("\u00e9".encode()[:1]) == "\ufffd"


def test_the_cache_stays_bounded_and_changes_nothing():
    trained = BPE.train(["demo please now"] * 2, 20)
    texts = ["demo please", "now demo", "please", "demo please now"]
    expected = [trained.encode(text) for text in texts]
    with mock.patch.object(bpe, "CACHED_PIECES", 2):
        small = BPE(trained.merges)
        assert [small.encode(text) for text in texts] == expected
        assert len(small._pieces) <= 2


@pytest.mark.parametrize("text", ["", " ", "\x00\x7f", "\U0001f600" * 3, "x" * 10_000])
def test_odd_texts_come_back(text):
    trained = BPE.train(["xx xx \U0001f600\U0001f600"] * 3, 20)
    assert trained.decode(trained.encode(text)) == text
