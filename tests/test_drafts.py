"""What the writing phases measure of drafts, on texts whose faults are known."""

import math

import numpy as np
import pytest

from tinyscout.course.drafts import DraftJudge, nats_a_token, words_of
from tinyscout.inference.sampler import SamplerSettings, penalise_repetition
from tinyscout.leads.outreach import write_examples
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens
from tinyscout.tokenizer.vocabulary import END, MESSAGE


@pytest.fixture(scope="module")
def judge(small_tables) -> DraftJudge:
    return DraftJudge(small_tables, [each.message for each in write_examples(small_tables, range(2000), seed=1)])


def test_true_messages_are_true_and_spelled(judge, small_tables) -> None:
    examples = write_examples(small_tables, range(2500, 2600), seed=1)
    found = judge([each.message for each in examples], [each.row for each in examples])
    assert found["untrue"] == found["astray"] == found["no_words"] == 0
    assert 0.1 < found["distinct_2"] < 0.9 and 0.1 < found["self_bleu"] < 0.99


def test_each_fault_is_counted(judge, small_tables) -> None:
    book = FactBook(small_tables)
    python = next(row for row in range(100) if "Python" in book.phrases(row))
    other = next(row for row in range(100) if "Python" not in book.phrases(row))
    texts = ["You use Python", "You use Python", "You use Pyth", "You use"]
    found = judge(texts, [python, other, python, other], cut=[False, False, False, True])
    assert found["untrue"] == 1 / 4
    assert found["no_words"] == 1 / 11
    assert found["astray"] == 2 / 4  # Pyth, and the one that was cut
    assert judge(texts, [python] * 4)["astray"] == 1 / 4


def test_the_same_to_all_is_alike(judge) -> None:
    found = judge(["It fits into the tools that you run already."] * 5, [0] * 5)
    assert found["self_bleu"] == pytest.approx(1.0) and found["distinct_2"] == pytest.approx(1 / 5)


def test_who_wants_to_hear(judge, small_tables) -> None:
    rows = judge.wants_to_hear(range(50), 20)
    willing = [row for row in range(50) if judge.book.of(row).stop is None]
    assert rows.tolist() == willing[:20]


def test_words_and_marks_stand_by_themselves() -> None:
    assert words_of("Subject: our docs\nI'm no-code, right?") == [
        *("Subject", ":", "our", "docs", "I'm", "no-code", ",", "right", "?"),
    ]


def test_nats_are_those_of_the_tokens_under_the_sampler() -> None:
    config = LeadScoutConfig(vocabulary=14, language=10, numbers=(), wide=1, width=8, depth=1, heads=2, max_tokens=16)
    writer = LeadScout(config, rng=np.random.default_rng(0)).eval()
    lengths = np.array([3, 2])
    ids = np.array([12, 13, MESSAGE, 11, MESSAGE], np.int32)
    prompts = Tokens(
        ids, np.zeros(5, np.float32), np.full(5, np.nan, np.float32), np.array([0, 3, 5]), np.zeros(2, np.int32)
    )
    texts = [[7, 7, END], [8, END]]
    total = 0.0
    for i, text in enumerate(texts):
        batch = prompts.take(np.array([i])).append([text]).pad()
        logits = writer.language_logits(batch).data[0].astype(float)
        for n, token in enumerate(text):
            seen = np.isin(np.arange(10), text[:n])
            row = penalise_repetition(logits[lengths[i] + n - 1], seen, 1.5)
            total -= row[token] - math.log(np.exp(row).sum())
    found = nats_a_token(writer, prompts, texts, SamplerSettings(repetition_penalty=1.5))
    assert found == pytest.approx(total / 5, rel=1e-5)
