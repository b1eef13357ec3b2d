"""The key-value cache: cached equals uncached, however the tokens are cut."""

import numpy as np
import pytest

from tinyscout.autograd import no_grad
from tinyscout.errors import InputError
from tinyscout.inference import compile
from tinyscout.kernels.jit import JIT


@pytest.fixture(scope="module")
def case(make_model, make_examples):
    """A compiled model, one sequence as long as it can read, and the autograd model's language logits (T, V)."""
    model, tokens = make_model(), make_examples([40]).tokens
    model.eval()
    with no_grad():
        logits = model.language_logits(tokens.pad()).data[0]
    return compile(model), tokens, logits


def read(compiled, tokens, cache, first, last, chunk):
    return compiled.prefill(
        tokens.ids[first:last], tokens.values[first:last], tokens.ages[first:last], cache, chunk=chunk
    )


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_give_the_uncached_logits(case, chunk):
    compiled, tokens, uncached = case
    for length in (1, 6, 7, 8, 33, 40):
        cache = compiled.cache()
        logits = read(compiled, tokens, cache, 0, length, chunk)
        assert cache.length == length and logits.shape == (101,)
        np.testing.assert_allclose(logits, uncached[length - 1], rtol=0, atol=1e-5)


def test_token_by_token_gives_the_uncached_logits_at_every_position(case):
    compiled, tokens, uncached = case
    cache = compiled.cache()
    for t in range(40):
        logits = read(compiled, tokens, cache, t, t + 1, 1)
        np.testing.assert_allclose(logits, uncached[t], rtol=0, atol=1e-5)


@pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: BLAS may round by shape")
def test_bits_do_not_depend_on_the_chunks(case):
    compiled, tokens, _ = case
    first = read(compiled, tokens, compiled.cache(), 0, 40, 64)
    for chunk in (1, 2, 7, 16, 39):
        np.testing.assert_array_equal(read(compiled, tokens, compiled.cache(), 0, 40, chunk), first)


def test_decode_is_a_token_without_amount_or_age(case, make_model, make_examples):
    compiled = case[0]
    prompt, written = make_examples([20]).tokens, np.random.default_rng(0).integers(0, 101, 12)
    cache = compiled.cache()
    compiled.prefill(prompt.ids, prompt.values, prompt.ages, cache)
    logits = [compiled.decode(int(token), cache) for token in written]
    together = compiled.cache()
    uncached = compiled.prefill(
        np.concatenate([prompt.ids, written]),
        np.concatenate([prompt.values, np.zeros(12)]),
        np.concatenate([prompt.ages, np.full(12, np.nan)]),
        together,
    )
    np.testing.assert_allclose(logits[-1], uncached, rtol=0, atol=1e-5)


def test_what_was_truncated_is_forgotten(case):
    compiled, tokens, uncached = case
    cache = compiled.cache()
    read(compiled, tokens, cache, 0, 10, 4)
    compiled.decode(3, cache)
    compiled.decode(4, cache)
    cache.truncate(10)
    np.testing.assert_allclose(read(compiled, tokens, cache, 10, 11, 1), uncached[10], rtol=0, atol=1e-5)


def test_a_full_cache_and_no_tokens_are_one_line(case):
    compiled, tokens, _ = case
    cache = compiled.cache()
    read(compiled, tokens, cache, 0, 40, 64)
    with pytest.raises(InputError, match="40 tokens are read and 1 more came, there is room for 40"):
        compiled.decode(3, cache)
    with pytest.raises(InputError, match="no tokens"):
        read(compiled, tokens, cache, 0, 0, 64)
    cache.truncate()
    with pytest.raises(InputError, match=r"ids \(3,\), values \(2,\) and ages \(3,\) differ"):
        compiled.prefill(tokens.ids[:3], tokens.values[:2], tokens.ages[:3], cache)
    with pytest.raises(InputError, match="from 0 to 299"):
        compiled.decode(300, cache)


@pytest.mark.skipif(not JIT, reason="only the compiled cache holds arrays of the model's sizes")
def test_a_cache_of_another_model_is_refused(make_model):
    with pytest.raises(InputError, match="model of other sizes"):
        compile(make_model()).decode(3, compile(make_model(width=16)).cache())
