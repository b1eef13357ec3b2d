"""The sampler: each filter equals its plain definition, and what is drawn follows the probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinyscout.errors import InputError
from tinyscout.inference import sampler
from tinyscout.inference.sampler import SamplerSettings, draw, probabilities, sample

GREEDY = SamplerSettings(temperature=0)
logits_of = hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-40, 40).map(lambda x: round(x, 1)))
shares = st.floats(0.01, 1.0)


def plain_softmax(logits):
    odds = [math.exp(x - max(logits)) for x in logits]
    return [each / sum(odds) for each in odds]


def ranked(logits):
    """Ids, likeliest first; of equal ones the smaller first."""
    return sorted(range(len(logits)), key=lambda i: (-logits[i], i))


def kept(filtered):
    return set(np.flatnonzero(np.isfinite(filtered)).tolist())


@given(logits_of, st.integers(1, 40))
def test_top_k_keeps_the_k_likeliest(logits, k):
    filtered = sampler.keep_top_k(logits, k)
    assert kept(filtered) == set(ranked(logits)[:k])
    assert all(filtered[i] == logits[i] for i in kept(filtered))


@given(logits_of, shares)
def test_top_p_keeps_the_fewest_that_reach_p(logits, p):
    chosen, total = set(), 0.0
    chance = plain_softmax(logits)
    for i in ranked(logits):
        if total >= p - 1e-12 and abs(total - p) > 1e-12:
            break
        chosen.add(i)
        total += chance[i]
    found = kept(sampler.keep_top_p(logits, p))
    if not any(abs(sum(chance[i] for i in ranked(logits)[:n]) - p) < 1e-9 for n in range(len(logits) + 1)):
        assert found == chosen  # where rounding can't decide
    assert ranked(logits)[0] in found and sum(chance[i] for i in found) >= p - 1e-9


@given(logits_of, shares)
def test_min_p_keeps_what_is_likely_beside_the_likeliest(logits, p):
    chance = plain_softmax(logits)
    filtered = kept(sampler.keep_min_p(logits, p))
    for i, each in enumerate(chance):
        if abs(each - p * max(chance)) > 1e-9 * max(chance):
            assert (i in filtered) == (each > p * max(chance))


@given(logits_of, st.floats(0.2, 5), st.data())
def test_a_repetition_penalty_moves_what_was_seen_and_nothing_else(logits, penalty, data):
    seen = data.draw(hnp.arrays(bool, logits.shape))
    moved = sampler.penalise_repetition(logits, seen, penalty)
    for i, logit in enumerate(logits):
        expected = (logit / penalty if logit > 0 else logit * penalty) if seen[i] else logit
        assert moved[i] == expected
        if penalty > 1:
            assert moved[i] <= logit


@given(logits_of, st.floats(0.05, 20))
def test_a_temperature_divides_the_logits(logits, temperature):
    found = probabilities(logits, SamplerSettings(temperature=temperature))
    np.testing.assert_allclose(found, plain_softmax([x / temperature for x in logits]), rtol=1e-9, atol=1e-300)


@given(logits_of, st.integers(0, 9), shares, st.floats(0, 1), st.floats(0.05, 4))
def test_filters_compose_and_leave_a_distribution(logits, k, p, least, temperature):
    settings = SamplerSettings(temperature=temperature, top_k=k, top_p=p, min_p=least)
    found = probabilities(logits, settings)
    assert found.min() >= 0 and abs(found.sum() - 1) < 1e-12
    assert (found > 0).sum() <= (k or len(logits))
    assert found.argmax() == ranked(logits)[0] or logits[found.argmax()] == logits.max()
    one_more = probabilities(logits, SamplerSettings(temperature=temperature))
    left = found > 0
    np.testing.assert_allclose(found[left], one_more[left] / one_more[left].sum(), rtol=1e-9)


@given(st.integers(1, 5), st.integers(1, 12), st.data())
def test_rows_at_once_equal_rows_one_by_one(rows, width, data):
    logits = data.draw(hnp.arrays(np.float64, (rows, width), elements=st.floats(-9, 9)))
    seen = data.draw(hnp.arrays(bool, (rows, width)))
    settings = SamplerSettings(temperature=0.7, top_k=5, top_p=0.9, min_p=0.02, repetition_penalty=1.3)
    together = probabilities(logits, settings, seen=seen)
    for i in range(rows):
        np.testing.assert_array_equal(together[i], probabilities(logits[i], settings, seen=seen[i]))


@given(logits_of)
def test_greedy_takes_the_likeliest_and_the_smaller_of_two(logits):
    assert sample(logits, np.random.default_rng(0), GREEDY) == ranked(logits)[0]
    assert sample(logits, np.random.default_rng(0), SamplerSettings(top_k=1)) == ranked(logits)[0]
    assert sample(logits, np.random.default_rng(0), SamplerSettings(top_p=1e-9)) == ranked(logits)[0]


@given(logits_of, st.integers(0, 999))
def test_a_small_temperature_neither_overflows_nor_leaves_the_likeliest(logits, seed):
    for temperature in (1e-308, 1e-30, 1e-3):
        chosen = sample(logits * 1e30, np.random.default_rng(seed), SamplerSettings(temperature=temperature))
        assert logits[chosen] == logits.max()


def test_only_what_is_allowed_is_written():
    rng = np.random.default_rng(0)
    allowed = np.array([False, True, False, True])
    drawn = {
        sample(np.array([90.0, 1, 80, 1]), rng, SamplerSettings(temperature=5), allowed=allowed) for _ in range(99)
    }
    assert drawn == {1, 3}
    with pytest.raises(ValueError, match="no allowed token"):
        probabilities(np.zeros(3), GREEDY, allowed=np.zeros(3, bool))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="NaN or"):
        probabilities(np.array([0.0, bad]), GREEDY)


def test_what_is_drawn_follows_the_probabilities():
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    rng = np.random.default_rng(1)
    counts = np.bincount([sample(logits, rng, SamplerSettings()) for _ in range(20_000)], minlength=4)
    np.testing.assert_allclose(counts / 20_000, np.exp(logits), atol=0.012)


@given(hnp.arrays(np.float64, st.integers(1, 9), elements=st.floats(0, 1)), st.floats(0, 1, exclude_max=True))
def test_draw_inverts_the_distribution_and_never_takes_what_has_no_chance(chance, uniform):
    chance[len(chance) // 2] += 0.1
    chosen = int(draw(chance, np.asarray(uniform)))
    assert chance[chosen] > 0
    below, above = chance[:chosen].sum(), chance[: chosen + 1].sum()
    assert below - 1e-9 <= uniform * chance.sum() <= above + 1e-9


def test_draw_at_the_very_end_of_the_range():
    chance = np.array([0.1] * 3 + [0.0])
    assert draw(chance, np.asarray(np.nextafter(1.0, 0))) == 2


def test_a_seed_repeats_its_draws():
    logits = np.zeros(50)
    first, again = ([sample(logits, np.random.default_rng(s), SamplerSettings()) for s in range(20)] for _ in range(2))
    assert first == again and len(set(first)) > 5


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "temperature": (-1, math.nan),
        "top_k": (-1,),
        "top_p": (0, 1.1),
        "min_p": (-0.1, 2),
        "repetition_penalty": (0,),
        "most": (0,),
        "seed": (-1,),
    }.items(),
)
def test_a_setting_out_of_range_is_refused_in_one_line(name, values):
    for value in values:
        with pytest.raises(InputError, match=f"sampler: {name} is") as error:
            SamplerSettings(**{name: value})
        assert "\n" not in str(error.value)
