"""What may follow a text: exactly the tokens after which all words are, or can still become, words of the list."""

import re

import numpy as np
import pytest

from tinyscout.inference.generate import generate, writable
from tinyscout.inference.only_words import OnlyWords
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach_checks import words_for
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.tokenizer.bpe import BPE
from tinyscout.tokenizer.signals import SignalCoder
from tinyscout.tokenizer.vocabulary import END

TEXT = "I'm glad that Golang 42 brought you here. In health care, a reply is hard to get; the cafe au lait, caf\u00e9."
WORDS = ("I'm", "glad", "that", "Golang", "42", "here", "follow-up", "caf\u00e9")
PARTS = re.compile(r"[A-Za-z0-9'\u0080-\U0010ffff]+")


@pytest.fixture(scope="module")
def tokenizer() -> SalesTokenizer:
    return SalesTokenizer(BPE.train([TEXT, TEXT.lower(), "foll follow follow-up"] * 3, 200), (), SignalCoder(()), 0)


@pytest.fixture(scope="module")
def only(tokenizer: SalesTokenizer) -> OnlyWords:
    return OnlyWords(WORDS, tokenizer.vocabulary, tokenizer.bpe.words)


def allows(text: bytes) -> bool:
    """Whether a text could go on to one of allowed words alone; slowly, from the definition."""
    letters = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'") | set(range(128, 256))
    whole = {part.encode() for word in WORDS for part in PARTS.findall(word)}
    word = b""
    for byte in text:
        if byte in letters:
            word += bytes([byte])
        elif word and word not in whole:
            return False
        else:
            word = b""
    return any(each.startswith(word) for each in whole)


@pytest.mark.parametrize(
    "begun", ["", "I'm", "I'm gl", "I'm glad that", "here. Go", "follow-", "caf", "42", "4", "that,\n"]
)
def test_exactly_what_leaves_a_text_of_allowed_words_may_follow(tokenizer, only: OnlyWords, begun: str) -> None:
    text, start = tokenizer.encode_text(begun), tokenizer.vocabulary.words_start
    may = only.after(text)
    for i, part in enumerate(tokenizer.bpe.words):
        assert may[start + i] == allows(begun.encode() + part), (begun, part)
    assert may[END] == allows(begun.encode() + b" ") and not may[:END].any()
    assert may.any()


class Noise:
    """A model that likes any token as well as any other."""

    def __init__(self, size: int):
        self.rng, self.size = np.random.default_rng(0), size

    def prefill(self, prompts: Tokens) -> np.ndarray:
        return self.rng.normal(size=(len(prompts), self.size))

    def decode(self, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        return self.rng.normal(size=(len(rows), self.size))


def test_noise_writes_allowed_words_and_nothing_else(tokenizer) -> None:
    nobody = Tokens(np.ones(8, np.int32), np.zeros(8), np.zeros(8), np.arange(9), np.zeros(8, np.int32))
    lists = [WORDS if i % 2 else ("glad", "42") for i in range(8)]
    only = [OnlyWords(each, tokenizer.vocabulary, tokenizer.bpe.words) for each in lists]
    size, sampler = tokenizer.vocabulary.n_language, SamplerSettings(temperature=3.0, most=60)
    may = writable(tokenizer.vocabulary)
    texts = generate(Noise(size), nobody, sampler, allowed=may, constraints=only)
    for text, allowed in zip(texts, lists, strict=True):
        *whole, _ = PARTS.findall(tokenizer.decode_text(text) + " x")
        known = {part for word in allowed for part in PARTS.findall(word)}
        assert all(word in known for word in (whole if len(text) < sampler.most else whole[:-1]))
    assert sum(map(len, texts)) > 100
    free = generate(Noise(size), nobody, sampler, allowed=may)
    assert any(word not in WORDS for text in free for word in PARTS.findall(tokenizer.decode_text(text)))


def test_a_message_may_hold_the_words_of_its_plan_and_of_the_corpus() -> None:
    words = words_for("please write a zesty email | industry: dairy farming | did: read our docs, a few days ago")
    assert {"dairy", "farming", "docs", "ago", "I'm", "you", "Subject"} <= words
    assert not {"zesty", "please", "fintech", "docks"} & words
