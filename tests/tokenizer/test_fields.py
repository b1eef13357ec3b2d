import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.tokenizer.fields import CategoryCoder, NumberCoder, TextCoder, as_numbers, coder_from_state

FINITE = st.floats(-1e9, 1e9)
ANY = st.lists(FINITE | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=50)


@given(ANY, ANY)
def test_a_number_is_scaled_by_rank_within_bounds(training, numbers):
    coder = NumberCoder.fit(np.array(training, float))
    numbers = np.sort(np.array(numbers, float))
    ids, values = coder.encode(numbers)
    assert values.dtype == np.float32 and np.isfinite(values).all() and (np.abs(values) <= 1).all()
    np.testing.assert_array_equal(ids, ~np.isfinite(numbers))
    assert (values[ids == 1] == 0).all()
    assert (np.diff(values[ids == 0]) >= 0).all()


def test_evenly_spread_numbers_stay_so():
    numbers = np.random.default_rng(0).uniform(30, 70, 20_000)
    np.testing.assert_allclose(NumberCoder.fit(numbers).scale(numbers), (numbers - 50) / 20, atol=0.03)


def test_skewed_numbers_still_spread_over_half_the_range():
    numbers = np.random.default_rng(0).lognormal(5, 3, 20_000)
    values = NumberCoder.fit(numbers).scale(numbers)
    np.testing.assert_allclose(np.quantile(values, [0.05, 0.5, 0.75]), [-0.45, 0, 0.25], atol=0.02)
    assert values.max() == pytest.approx(1, abs=0.01)


def test_a_number_many_share_gets_the_middle_of_their_ranks():
    coder = NumberCoder.fit(np.array([0.0] * 60 + [1.0] * 40))  # ranks -0.4 and 0.6, distances 0 and 1
    np.testing.assert_allclose(coder.scale(np.array([0.0, 1.0])), [-0.2, 0.8], atol=0.01)


def test_beyond_the_training_range_is_its_end():
    coder = NumberCoder.fit(np.arange(100.0))
    np.testing.assert_array_equal(coder.scale(np.array([-1e30, 1e30])), coder.scale(np.array([0.0, 99.0])))
    np.testing.assert_allclose(coder.scale(np.array([-1e30, 1e30])), [-0.99, 0.99], atol=0.01)


@pytest.mark.parametrize("training", [[], [np.nan, np.inf], [3.0, 3.0]])
def test_a_number_without_spread_is_zero(training):
    ids, values = NumberCoder.fit(np.array(training, float)).encode(np.array([3.0, -7.0, np.nan]))
    assert values.tolist() == [0, 0, 0] and ids.tolist() == [0, 0, 1]


def test_rare_unseen_and_missing_categories_have_their_own_ids():
    coder = CategoryCoder.fit(pd.Series(["b"] * 5 + ["a"] * 6 + ["rare"] * 4 + [None, ""]), min_count=5)
    assert coder.token_names("f") == ["f=a", "f=b", "f=<missing>", "f=<unseen>"]
    ids, values = coder.encode(pd.Series(["b", "a", "rare", "never seen", None, "", "  "]))
    assert ids.tolist() == [1, 0, 3, 3, 2, 2, 2]
    assert values.tolist() == [0] * 7


def test_a_category_is_the_same_however_the_file_was_typed():
    coder = CategoryCoder.fit(pd.Series(["5", "7", "true"]), min_count=1)
    for column in ([5, 7], [5.0, np.nan], ["5", "7 "], np.array([True, 5], object), pd.Categorical(["5", "7"])):
        ids, _ = coder.encode(pd.Series(column))
        texts = ["<missing>" if pd.isna(each) else str(each).lower().strip().removesuffix(".0") for each in column]
        assert [coder.token_names("f")[i] for i in ids] == [f"f={text}" for text in texts]


def test_spellings_of_one_category_are_counted_together():
    assert CategoryCoder.fit(pd.Series([5, 5.0, "5"], dtype=object), min_count=3).values == ("5",)


def test_an_empty_column_encodes():
    coder = CategoryCoder.fit(pd.Series([], dtype="category"), min_count=1)
    assert coder.values == () and len(coder.encode(pd.Series([], dtype="str"))[0]) == 0


def test_numbers_from_odd_columns():
    assert as_numbers(pd.Series(["1", "x", None, "2.5"]))[[0, 3]].tolist() == [1, 2.5]
    assert np.isnan(as_numbers(pd.Series([None, None]))).all()
    assert np.isnan(as_numbers(pd.Series([1, None], dtype="Int64"))[1])


@pytest.mark.parametrize(
    "coder",
    [NumberCoder.fit(np.array([1.0, 2, 2, 9])), CategoryCoder(("a", "caf\u00e9")), CategoryCoder(()), TextCoder(3)],
)
def test_state_survives_json(coder):
    again = coder_from_state(json.loads(json.dumps(coder.to_state())))
    assert type(again) is type(coder) and again.to_state() == coder.to_state()


def test_scaling_is_linear_between_quantiles_and_the_same_bits_one_by_one():
    rng = np.random.default_rng(3)
    coder, numbers = NumberCoder.fit(rng.normal(size=1000)), rng.normal(size=500)
    values = coder.scale(numbers)
    np.testing.assert_allclose(values, np.interp(numbers, coder.knots, coder.levels), atol=1e-7)
    np.testing.assert_array_equal(values, [coder.scale(numbers[i : i + 1])[0] for i in range(len(numbers))])


def test_the_largest_floats_do_not_overflow():
    numbers = np.array([-1.7e308, 0.0, 1.7e308])
    np.testing.assert_allclose(NumberCoder.fit(numbers).scale(numbers), [-0.835, 0, 0.835], atol=0.01)
