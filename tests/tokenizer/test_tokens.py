import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.tokenizer import Tokens, Vocabulary, length_sorted_batches
from tinyscout.tokenizer.vocabulary import SCORE

VOCABULARY = Vocabulary([b"a", b"b"], [("p", "text", ["p=<text>", "p=<missing>"])], ["signal=x", "signal=<unseen>"])
WORD, PROFILE, SIGNAL = VOCABULARY.words_start, VOCABULARY.profile_start, VOCABULARY.signal_start


def tokens_of(leads: list[list[int]], seed: int = 0) -> Tokens:
    rng = np.random.default_rng(seed)
    ids = np.array([id_ for lead in leads for id_ in lead], np.int32)
    ages = np.where(rng.random(len(ids)) < 0.5, np.nan, rng.uniform(1, 9, len(ids))).astype(np.float32)
    offsets = np.cumsum([0, *map(len, leads)])
    values = rng.uniform(-1, 1, len(ids)).astype(np.float32)
    return Tokens(ids, values, ages, offsets, rng.integers(0, 3, len(leads)).astype(np.int32))


def assert_same(left, right):
    for field in dataclasses.fields(left):
        one, other = (np.asarray(getattr(each, field.name)) for each in (left, right))
        np.testing.assert_array_equal(one, other, err_msg=field.name)
        assert one.dtype == other.dtype, field.name


LEAD = st.builds(
    lambda words, history: [PROFILE, *[WORD] * words, *[i for n in history for i in [SIGNAL, *[WORD + 1] * n]], SCORE],
    st.integers(0, 3),
    st.lists(st.integers(0, 4), max_size=6),
)
LEADS = st.lists(LEAD, max_size=6)


def truncated_by_hand(ids: list[int], max_tokens: int) -> list[int]:
    while len(ids) > max_tokens:
        first = next(i for i, id_ in enumerate(ids) if id_ >= SIGNAL)
        after = next(i for i, id_ in enumerate(ids) if i > first and (id_ >= SIGNAL or id_ == SCORE))
        ids = ids[:first] + ids[after:]
    return ids


@given(LEADS, st.integers(5, 25))
def test_truncation_drops_whole_signals_oldest_first(leads, max_tokens):
    before = tokens_of(leads)
    after = before.truncate(max_tokens, VOCABULARY)
    for i, lead in enumerate(leads):
        expected = truncated_by_hand(lead, max_tokens)
        kept = slice(after.offsets[i], after.offsets[i + 1])
        assert after.ids[kept].tolist() == expected
        assert after.dropped[i] - before.dropped[i] == len(lead) - len(expected)
        profile = len(lead) - 1 if SIGNAL not in lead else lead.index(SIGNAL)
        start, stop = before.offsets[i], before.offsets[i + 1]
        source = [*range(start, start + profile), *range(stop - (len(expected) - profile), stop)]
        np.testing.assert_array_equal(after.ages[kept], before.ages[source])
        np.testing.assert_array_equal(after.values[kept], before.values[source])


@given(LEADS, st.integers(5, 25))
def test_truncating_twice_is_truncating_once(leads, max_tokens):
    once = tokens_of(leads).truncate(max_tokens, VOCABULARY)
    assert_same(once.truncate(max_tokens, VOCABULARY), once)


def aged(leads: list[list[int]]) -> Tokens:
    """Leads whose signals and words have ages, and whose profiles have none; values tell the tokens apart."""
    tokens = tokens_of(leads)
    signal = np.cumsum(VOCABULARY.is_signal(tokens.ids))
    before = (signal - VOCABULARY.is_signal(tokens.ids))[tokens.offsets[:-1]] if leads else signal
    here = (signal > before[tokens.lead]) & (tokens.ids != SCORE)
    ages = np.where(here, signal, np.nan).astype(np.float32)
    return dataclasses.replace(tokens, ages=ages, values=np.arange(len(ages), dtype=np.float32))


def spoken(tokens: Tokens) -> list[tuple[int, float, float]]:
    """(lead, value of the speaker, value of the word), of every word."""
    words = np.flatnonzero(VOCABULARY.is_word(tokens.ids))
    speaker = tokens.said_by(VOCABULARY)[words]
    return list(zip(tokens.lead[words], tokens.values[speaker], tokens.values[words], strict=True))


@given(LEADS)
def test_newest_first_signals_stand_behind_their_words(leads):
    before = aged(leads)
    after = before.newest_first(VOCABULARY)
    for i, lead in enumerate(leads):
        blocks = [[]]
        for id_ in lead[:-1]:
            blocks = [*blocks, [id_]] if id_ >= SIGNAL else [*blocks[:-1], [*blocks[-1], id_]]
        expected = [*blocks[0], *(id_ for block in blocks[:0:-1] for id_ in [*block[1:], block[0]]), SCORE]
        assert after.ids[after.offsets[i] : after.offsets[i + 1]].tolist() == expected
    np.testing.assert_array_equal(np.sort(after.values), before.values)  # none is lost
    np.testing.assert_array_equal(after.ages, before.ages[after.values.astype(int)])
    assert sorted(spoken(after)) == sorted(spoken(before))


def test_newest_first_comes_after_truncation():
    tokens = aged([[PROFILE, SIGNAL, WORD, SIGNAL, SCORE]]).newest_first(VOCABULARY)
    assert tokens.take(np.array([0, 0])).newest
    with pytest.raises(ValueError, match="truncate before newest_first"):
        tokens.truncate(3, VOCABULARY)


def test_what_fits_is_left_as_it_is():
    tokens = tokens_of([[PROFILE, SIGNAL, SCORE]])
    assert tokens.truncate(3, VOCABULARY) is tokens


def test_a_profile_that_does_not_fit_is_an_error_with_a_remedy():
    with pytest.raises(InputError, match=r"max_tokens is 3, .* at least 5"):
        tokens_of([[PROFILE, WORD, WORD, WORD, SIGNAL, SCORE]]).truncate(3, VOCABULARY)


def test_truncation_needs_one_score_a_lead():
    with pytest.raises(ValueError, match="exactly one <score>"):
        tokens_of([[PROFILE, SIGNAL, SIGNAL], [SCORE, SCORE, SCORE]]).truncate(2, VOCABULARY)


@given(LEADS.filter(len), st.data())
def test_take_then_pad_holds_each_lead(leads, data):
    tokens = tokens_of(leads)
    rows = data.draw(st.lists(st.integers(0, len(leads) - 1), max_size=8))
    padded = tokens.take(np.array(rows, int)).pad()
    assert_same(padded, tokens.pad(np.array(rows, int)))
    assert padded.ids.shape == (len(rows), max((len(leads[row]) for row in rows), default=0))
    for i, row in enumerate(rows):
        n = padded.lengths[i]
        one = slice(tokens.offsets[row], tokens.offsets[row + 1])
        assert padded.ids[i, :n].tolist() == leads[row]
        np.testing.assert_array_equal(padded.values[i, :n], tokens.values[one])
        np.testing.assert_array_equal(padded.ages[i, :n], tokens.ages[one])
        assert (padded.ids[i, n:] == 0).all() and (padded.values[i, n:] == 0).all()
        assert np.isnan(padded.ages[i, n:]).all()


def test_taking_all_rows_changes_nothing():
    tokens = tokens_of([[PROFILE, SCORE], [SCORE], [PROFILE, SIGNAL, WORD, SCORE]])
    assert_same(tokens.take(np.arange(3)), tokens)


def test_parts_that_disagree_are_refused():
    tokens = tokens_of([[PROFILE, SCORE]])
    with pytest.raises(ValueError, match="all four must agree"):
        dataclasses.replace(tokens, ages=tokens.ages[:1])
    with pytest.raises(ValueError, match="dropped has 0 rows; there are 1"):
        dataclasses.replace(tokens, dropped=tokens.dropped[:0])


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 7), st.booleans())
def test_batches_hold_every_row_once_and_little_padding(lengths, batch_size, shuffled):
    lengths = np.array(lengths, int)
    batches = length_sorted_batches(lengths, batch_size, np.random.default_rng(1) if shuffled else None)
    rows = np.concatenate([np.zeros(0, int), *batches])
    assert sorted(rows) == list(range(len(lengths)))
    sizes = sorted(map(len, batches))
    assert sizes[1:] == [batch_size] * len(sizes[1:]) and max(sizes, default=0) <= batch_size
    # no batch holds a length that lies strictly between two lengths of another
    ranges = sorted((lengths[batch].min(), lengths[batch].max()) for batch in batches)
    assert all(left[1] <= right[0] for left, right in pairwise(ranges))
    if not shuffled:
        assert (np.diff(lengths[rows]) >= 0).all()


def test_batches_are_shuffled_by_the_seed():
    lengths = np.repeat([3, 5], 50)
    first, again, other = (length_sorted_batches(lengths, 10, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_leads_of_several_stand_behind_one_another():
    one, other = (aged([[PROFILE, SIGNAL, WORD, SCORE], [PROFILE, SCORE]]), aged([[PROFILE, SIGNAL, SCORE]]))
    both = Tokens.concatenate([one, other])
    assert both.lengths.tolist() == [4, 2, 3] and both.ids.tolist() == [*one.ids, *other.ids]
    np.testing.assert_array_equal(both.take(np.array([2])).ages, other.ages)
    with pytest.raises(ValueError, match="newest first"):
        Tokens.concatenate([one, other.newest_first(VOCABULARY)])
