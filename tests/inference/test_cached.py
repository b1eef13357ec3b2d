"""Cached writing: the texts of the uncached way."""

import numpy as np

from tinyscout.inference import compile
from tinyscout.inference.cached import Cached
from tinyscout.inference.generate import Uncached, generate
from tinyscout.inference.sampler import SamplerSettings

NEVER = SamplerSettings(temperature=1.0, most=12, stop=(), seed=3)


def test_writes_what_the_uncached_way_writes(make_model, make_examples):
    model, prompts = make_model(), make_examples([1, 9, 20, 28]).tokens
    cached = Cached(compile(model))
    for settings in (NEVER, SamplerSettings(temperature=0, most=12, stop=(5,), repetition_penalty=1.3)):
        assert generate(cached, prompts, settings) == generate(Uncached(model), prompts, settings)


def test_logits_are_those_of_the_uncached_way_at_every_step(make_model, make_examples):
    model, prompts = make_model(), make_examples([3, 17, 8]).tokens
    one, other = Cached(compile(model)), Uncached(model)
    np.testing.assert_allclose(one.prefill(prompts), other.prefill(prompts), atol=1e-5)
    for rows in (np.array([0, 1, 2]), np.array([0, 2]), np.array([2])):
        ids = rows + 7
        np.testing.assert_allclose(one.decode(rows, ids), other.decode(rows, ids), atol=1e-5)


def test_caches_of_earlier_prompts_are_used_again(make_model, make_examples):
    model, long, short = make_model(), make_examples([30, 30]).tokens, make_examples([4], seed=1).tokens
    cached = Cached(compile(model))
    cached.prefill(long)
    caches = list(cached.caches)
    np.testing.assert_allclose(cached.prefill(short), Uncached(model).prefill(short), atol=1e-5)
    assert cached.caches == caches
