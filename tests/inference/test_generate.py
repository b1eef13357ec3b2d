"""Writing with a model: right tokens, streams of their own, stops, and nothing but what may be written."""

import numpy as np
import pytest

from tinyscout.errors import InputError
from tinyscout.inference.generate import Uncached, generate, writable
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.tokenizer import SalesTokenizer, Tokens, chat
from tinyscout.tokenizer.vocabulary import END, SPECIALS

ROWS = np.arange(6)


@pytest.fixture(scope="module")
def tokenizer(small_tables) -> SalesTokenizer:
    return SalesTokenizer.fit(small_tables, merges=40)


@pytest.fixture(scope="module")
def model(tokenizer) -> LeadScout:
    vocabulary = tokenizer.vocabulary
    numbers = tuple(field.start for field in vocabulary.fields if field.is_number)
    config = LeadScoutConfig(len(vocabulary), vocabulary.n_language, numbers, 1, width=16, depth=2, heads=2)
    return LeadScout(config, rng=np.random.default_rng(3), dtype=np.float64)


@pytest.fixture(scope="module")
def prompts(small_tables, tokenizer) -> Tokens:
    tokens = tokenizer.encode(small_tables.take(ROWS))
    return chat.prompts(tokens, [f"note {i}" for i in ROWS], tokenizer).truncate(80, tokenizer.vocabulary)


def test_greedy_writes_the_models_likeliest_token_each_time(model, prompts):
    texts = generate(Uncached(model), prompts, SamplerSettings(temperature=0, most=5, stop=()))
    for i, text in enumerate(texts):
        batch = prompts.take(np.array([i])).append([text]).pad()
        logits = model.language_logits(batch).data[0]  # (T, V)
        start = prompts.lengths[i] - 1
        assert text == logits[start : start + 5].argmax(axis=-1).tolist()


def test_at_gives_the_same_logits_as_all(model, prompts):
    batch = prompts.pad()
    at = np.arange(len(ROWS)), batch.lengths - 1
    some, every = model.language_logits(batch, at).data, model.language_logits(batch).data
    np.testing.assert_allclose(some, every[at], rtol=1e-12)


def test_a_text_depends_on_its_prompt_and_stream_alone(model, prompts):
    settings = SamplerSettings(temperature=1.2, most=8, seed=4)
    together = generate(Uncached(model), prompts, settings)
    for i in ROWS:
        alone = generate(Uncached(model), prompts.take(np.array([i])), settings, streams=[i])
        assert alone[0] == together[i]
    assert generate(Uncached(model), prompts, settings) == together
    assert generate(Uncached(model), prompts, SamplerSettings(temperature=1.2, most=8, seed=5)) != together


def test_only_words_are_written(model, prompts, tokenizer):
    allowed = writable(tokenizer.vocabulary)
    assert allowed[: len(SPECIALS)].tolist() == [False, False, False, False, True] and allowed[len(SPECIALS) :].all()
    texts = generate(Uncached(model), prompts, SamplerSettings(temperature=9, most=20), allowed=allowed)
    written = np.concatenate(texts).astype(int)
    assert tokenizer.vocabulary.is_word(written).all() and len(written) > 60


class Scripted:
    """Steps that want certain tokens, whatever was written: row r wants script[r][n] as its n-th."""

    def __init__(self, script: list[list[int]]):
        self.script, self.given = script, [[] for _ in script]

    def logits(self, rows: np.ndarray) -> np.ndarray:
        wanted = [self.script[row][len(self.given[row])] for row in rows]
        return 1 + 20.0 * np.eye(12)[wanted]

    def prefill(self, prompts: Tokens) -> np.ndarray:
        return self.logits(np.arange(len(prompts)))

    def decode(self, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        for row, token in zip(rows, ids, strict=True):
            self.given[row].append(int(token))
        return self.logits(rows)


def test_a_stop_token_ends_a_text_and_is_no_part_of_it(prompts):
    steps = Scripted([[7, END, 9], [8, 9, 10], [END, 7, 7]])
    three = prompts.take(np.arange(3))
    assert generate(steps, three, SamplerSettings(temperature=0, most=3)) == [[7], [8, 9, 10], []]
    assert steps.given == [[7], [8, 9], []]  # nothing is asked of a text that has ended


def test_other_stop_tokens_can_be_named(prompts):
    steps = Scripted([[7, 8, 9]])
    assert generate(steps, prompts.take(np.arange(1)), SamplerSettings(temperature=0, stop=(8, 9))) == [[7]]


def test_a_repetition_penalty_counts_what_was_written(prompts):
    steps = Scripted([[7] * 6])
    text = generate(
        steps, prompts.take(np.arange(1)), SamplerSettings(temperature=0, repetition_penalty=1e9, most=6, stop=())
    )
    assert text == [[7, 0, 1, 2, 3, 4]]  # each token once, then the smallest that is new
    plain = generate(Scripted([[7] * 6]), prompts.take(np.arange(1)), SamplerSettings(temperature=0, most=6))
    assert plain == [[7] * 6]


def test_no_prompts_no_texts(model, prompts):
    assert generate(Uncached(model), prompts.take(np.arange(0)), SamplerSettings()) == []


def test_a_text_that_does_not_fit_is_refused_in_one_line(model, small_tables, tokenizer):
    tokens = tokenizer.encode(small_tables.take(ROWS)).append([[9] * 100 for _ in ROWS])
    with pytest.raises(InputError, match="the model has 128 positions"):
        generate(Uncached(model), tokens, SamplerSettings(most=40))
