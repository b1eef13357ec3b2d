"""Tuning makes another writer, rounds are on-policy, and a contest tells who writes what a person would rather get."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach_report import ask_for, report
from tinyscout.metrics import cut_alike, distinct_n, mean_interval, self_bleu, words_of
from tinyscout.tokenizer.vocabulary import END
from tinyscout.training.contest import as_lessons, contest, divergence, win_rate
from tinyscout.training.dpo import DPOSettings, fit_dpo
from tinyscout.training.preference import Draft, copy_of, draft, log_probs
from tinyscout.training.reward import RewardSettings, fit_reward, rewards
from tinyscout.training.tune import TuningSettings, draw_examples, own_pairs, tune_writer
from tinyscout.training.writer import Writer

SMALL = TuningSettings(rounds=2, prompts=24, drafts=3, learning=DPOSettings(keep=4.0, batch_size=8, learning_rate=5e-4))


@pytest.fixture(scope="module")
def shipped() -> Writer:
    return Writer.shipped()


def test_tuning_leaves_the_writer_alone_and_its_first_step_stands_at_the_reference(small_tables, shipped) -> None:
    before = shipped.model.state_dict()
    told: list[tuple[str, int, int]] = []
    tuned, steps = tune_writer(shipped, small_tables, SMALL, seed=3, progress=lambda *done: told.append(done))
    assert len(told) == len(steps) and tuned.losses == [*shipped.losses, *(step.loss for step in steps)]
    for name, array in shipped.model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert any((array != before[name]).any() for name, array in tuned.model.state_dict().items())
    first = own_pairs(shipped, small_tables, SMALL, seed=3)
    by_hand = replace(shipped, model=copy_of(shipped.model))
    alone = fit_dpo(by_hand.model, first, SMALL.learning, seed=3)
    assert steps[: len(alone)] == alone
    second = own_pairs(by_hand, small_tables, SMALL, seed=1003)  # written by what the first round made
    assert steps[len(alone) :] == fit_dpo(by_hand.model, second, SMALL.learning, seed=4)
    assert abs(steps[0].margin) < 1e-4 and abs(steps[len(alone)].margin) < 1e-4


def test_examples_are_of_different_leads_as_far_as_there_are(small_tables) -> None:
    few = draw_examples(small_tables, 30, seed=1, invented=0.0)
    assert len({each.row for each in few}) == 30
    many = draw_examples(small_tables.take(np.arange(7)), 28, seed=1, invented=0.0)
    assert len(many) == 28 and len({each.row for each in many}) == 7


def test_a_contest_sees_a_writer_that_is_broken(small_tables, shipped) -> None:
    broken = replace(shipped, model=copy_of(shipped.model))
    rng = np.random.default_rng(0)
    broken.model.token.weight.data += rng.normal(0, 0.25, broken.model.token.weight.shape).astype(np.float32)
    asked = ask_for(small_tables, range(40), seed=1)
    judged_by = fit_reward(
        shipped.model, own_pairs(shipped, small_tables, SMALL, seed=8), RewardSettings(epochs=1), seed=0
    )
    sampler = SamplerSettings(temperature=0.8, most=140, seed=2)
    writers = {"shipped": (shipped, 0.8), "again": (shipped, 0.8), "broken": (broken, 0.8), "greedy": (shipped, 0.0)}
    found = contest(writers, asked, sampler, reference="shipped", judge_model=judged_by)
    same, worse = found["again"], found["broken"]
    assert same["wins"].value == same["wins_by_rules"].value == 0.5 and same["kl"] == 0
    assert worse["wins_by_rules"].high < 0.3 and worse["kl"] > 5 and worse["free_gain"].high < 0
    by_judge = [
        rewards(judged_by, as_lessons(each, [one.prompt for one in asked], [own[0] for own in drafts]))
        for each in (broken, shipped)
        for drafts in [draft(each, [one.prompt for one in asked], sampler)]
    ]
    assert worse["wins"].value == win_rate(*by_judge).value != 0.5  # how often its reward is the higher one
    assert found["greedy"]["kl"] == 0 and found["greedy"]["self_bleu"] > same["self_bleu"]
    alike = cut_alike(*([words_of(text) for text in found[name]["texts"]] for name in writers))
    for name, cut in zip(writers, alike, strict=True):
        own = found[name]
        assert (own["self_bleu"], own["distinct_2"]) == (self_bleu(cut), distinct_n(cut, 2))
    assert any(len(words_of(text)) > len(cut) for text, cut in zip(found["shipped"]["texts"], alike[0], strict=True))
    texts = shipped.write([each.prompt for each in asked], sampler)
    assert found["shipped"]["texts"] == texts
    expected = report(texts, asked)["all"]
    assert {name: found["shipped"][name] for name in ("free", "follows", "stated")} == {
        name: expected[name] for name in ("free", "follows", "stated")
    }
    assert 0 < found["shipped"]["right"] <= min(expected["free"], expected["follows"])


def test_all_intervals_are_over_leads(small_tables, shipped, monkeypatch) -> None:
    """Drafts to one lead are no drafts to many."""
    over, groups = [], np.repeat(np.arange(2), 2)

    def listening(values: np.ndarray, *, groups: np.ndarray | None = None):
        over.append(groups)
        return mean_interval(values, groups=groups)

    monkeypatch.setattr("tinyscout.training.contest.mean_interval", listening)
    asked = [each for each in ask_for(small_tables, range(2), seed=1) for _ in range(2)]
    sampler = SamplerSettings(temperature=0.8, most=140, seed=2)
    contest({"it": (shipped, 0.8)}, asked, sampler, reference="it", judge_model=shipped.model, groups=groups)
    assert len(over) == 4 and all(each is groups for each in over)  # wins by judge and rules, free, follows


def test_the_divergence_is_the_mean_log_ratio_of_the_policys_own_drafts(small_tables, shipped) -> None:
    other = replace(shipped, model=copy_of(shipped.model))
    other.model.token.weight.data *= 1.1
    prompts = [each.prompt for each in ask_for(small_tables, range(6), seed=1)]
    drafts = draft(other, prompts, SamplerSettings(temperature=1.0, most=140, seed=7))
    lessons = as_lessons(other, prompts, [own[0] for own in drafts])
    by_hand = np.mean(log_probs(other.model, lessons) - log_probs(shipped.model, lessons))
    assert divergence(other, shipped, prompts, seed=7) == pytest.approx(by_hand)
    assert divergence(shipped, shipped, prompts, seed=7) == 0


def test_a_tie_is_half_a_win() -> None:
    found = win_rate(np.array([1.0, 2.0, 3.0, 3.0]), np.array([0.0, 2.0, 4.0, 3.0]))
    assert found.value == 0.5 and found.low < 0.5 < found.high


def test_a_reward_reads_the_draft_behind_its_own_prompt(shipped) -> None:
    drafts = [Draft([*shipped.tokenizer.encode_text(text), END], text) for text in ("Hello,", "Hey there,\nyou")]
    lessons = as_lessons(shipped, ["write | no facts", "write"], drafts)
    assert len(rewards(shipped.model, lessons)) == 2 and lessons.ids[-1] == END
