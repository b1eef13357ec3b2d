"""Preferences: log p stands on the answer alone, DPO and the policy gradient have the gradients that papers say."""

import math
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from scipy import sparse

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.errors import InputError
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import Example, write_examples
from tinyscout.leads.outreach_touch import Rater, judge
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens, chat
from tinyscout.tokenizer.tokens import offsets_of
from tinyscout.tokenizer.vocabulary import END, INSTRUCTION, MESSAGE, SCORE
from tinyscout.training.dpo import DPOSettings, dpo_loss, fit_dpo
from tinyscout.training.instruct import language_loss
from tinyscout.training.policy_gradient import (
    GradientSettings,
    advantages,
    earned_by,
    fit_policy_gradient,
    gradient_loss,
)
from tinyscout.training.preference import (
    Draft,
    Pairs,
    ask_as,
    copy_of,
    draft,
    log_probs,
    person_or_bot,
    rate,
    together,
)
from tinyscout.training.reward import RewardSettings, fit_reward, pair_accuracy, reward_loss, rewards
from tinyscout.training.writer import Writer

SURE = Rater(unsure=0.0, slips=0.0)


def make_pairs(n: int, seed: int) -> Pairs:
    """Of two words the larger is preferred, 5 to 10; the prompt holds either, in any order."""
    rng = np.random.default_rng(seed)
    words = np.array([rng.choice(np.arange(5, 11), 2, replace=False) for _ in range(n)])
    starts = [[SCORE, INSTRUCTION, *map(int, pair), *[11] * int(rng.integers(0, 3)), MESSAGE] for pair in words]
    lengths = np.array([len(each) for each in starts])
    ids = np.concatenate(starts).astype(np.int32)
    nothing = np.zeros(len(ids), np.float32)
    prompts = Tokens(ids, nothing, nothing + np.nan, offsets_of(lengths), np.zeros(n, np.int32))
    chosen = [[int(max(pair)), 11, END] for pair in words]
    rejected = [[int(min(pair)), END] for pair in words]
    return Pairs(prompts, chosen, rejected, np.arange(n) // 2)


def make_model(seed: int = 0) -> LeadScout:
    sizes = {"width": 16, "depth": 2, "heads": 2, "max_tokens": 24, "dropout": 0.0}
    return LeadScout(LeadScoutConfig(14, 12, (), 1, **sizes), rng=np.random.default_rng(seed))


def test_log_p_of_an_answer_is_that_of_its_tokens_and_its_end() -> None:
    pairs, model = make_pairs(6, 1), make_model().eval()
    both = pairs.both()
    found = log_probs(model, both)
    for i in range(12):
        batch = both.pad(np.array([i]))
        answer = (pairs.chosen + pairs.rejected)[i]
        with no_grad():
            logits = model.language_logits(batch).data[0].astype(np.float64)
        start = batch.lengths[0] - len(answer)
        by_hand = sum(logits[start + k - 1, word] - _log_sum(logits[start + k - 1]) for k, word in enumerate(answer))
        assert found[i] == pytest.approx(by_hand, abs=1e-5)


def _log_sum(row: np.ndarray) -> float:
    return float(np.log(np.exp(row).sum()))


def test_log_p_agrees_with_the_language_loss() -> None:
    both, model = make_pairs(9, 2).both(), make_model(1)
    assert -log_probs(model, both).sum() / chat.answers(both).sum() == pytest.approx(
        language_loss(model, both), rel=1e-5
    )


def test_a_policy_that_is_its_reference_loses_log_2_without_a_margin() -> None:
    chances = np.random.default_rng(0).normal(-40, 9, 8)
    loss, margins = dpo_loss(Tensor(chances), chances, beta=0.3)
    assert loss.item() == pytest.approx(math.log(2), rel=1e-12) and (margins == 0).all()


def test_the_gradient_of_dpo_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    policy, reference, beta = Tensor(rng.normal(-30, 5, 6), requires_grad=True), rng.normal(-30, 5, 6), 0.2
    loss, margins = dpo_loss(policy, reference, beta)
    loss.backward()
    moved = policy.data - reference
    by_hand = beta * (moved[:3] - moved[3:])  # eq. 5: implicit rewards
    np.testing.assert_allclose(margins, by_hand, rtol=1e-12)
    assert loss.item() == pytest.approx(np.log1p(np.exp(-by_hand)).mean(), rel=1e-12)
    push = beta / (1 + np.exp(by_hand)) / 3  # under eq. 7: the more, the more wrong the order is
    assert policy.grad is not None
    np.testing.assert_allclose(policy.grad, np.concatenate([-push, push]), rtol=1e-12)


def test_shapes_that_do_not_fit_are_one_line() -> None:
    with pytest.raises(ValueError, match=r"policy \(3,\) and reference \(3,\) differ; needs \(2 B,\)"):
        dpo_loss(Tensor(np.zeros(3)), np.zeros(3), 0.1)


def test_dpo_learns_the_order_and_leaves_its_reference_alone() -> None:
    pairs, held_out = make_pairs(300, 3), make_pairs(60, 4)
    policy, reference = make_model(2), make_model(2)
    before = reference.state_dict()
    settings = DPOSettings(beta=0.5, epochs=4, learning_rate=5e-3)
    steps = fit_dpo(policy, pairs, settings, seed=0, reference=reference)
    assert steps[0].loss == pytest.approx(math.log(2), abs=1e-5) and abs(steps[0].margin) < 1e-5
    assert len(steps) == 4 * math.ceil(300 / 16) and steps[-1].loss < 0.1 and steps[-1].accuracy == 1
    for name, array in reference.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    moved = (log_probs(policy, held_out.both()) - log_probs(reference, held_out.both())).reshape(2, -1)
    assert np.mean(moved[0] > moved[1]) > 0.95
    again = copy_of(reference)
    assert fit_dpo(again, pairs, settings, seed=0) == steps  # the reference is the policy as it comes


def test_keep_holds_up_the_likelihood_of_what_was_chosen() -> None:
    pairs, found = make_pairs(200, 5), {}
    for keep in (0.0, 5.0):
        policy = make_model(3)
        steps = fit_dpo(policy, pairs, DPOSettings(beta=0.1, keep=keep, epochs=3, learning_rate=5e-3), seed=1)
        chosen, rejected = log_probs(policy, pairs.both()).reshape(2, -1).mean(axis=1)
        assert rejected < chosen and steps[-1].rejected < steps[-1].chosen
        found[keep] = chosen
    assert found[5.0] > -0.5 > -1.5 > found[0.0]


def test_a_loss_that_is_not_finite_is_one_line() -> None:
    policy = make_model()
    policy.token.weight.data[7] = np.nan
    with np.errstate(all="ignore"), pytest.raises(InputError, match=r"learning preferences, step 1: .* raise beta"):
        fit_dpo(policy, make_pairs(20, 1), DPOSettings(), seed=0)


def test_a_reward_model_that_diverges_is_one_line() -> None:
    writer = make_model()
    writer.token.weight.data[7] = np.nan
    with (
        np.errstate(all="ignore"),
        pytest.raises(InputError, match=r"learning rewards, step 1: .* lower learning"),
    ):
        fit_reward(writer, make_pairs(20, 1), RewardSettings(), seed=0)


def test_the_reward_loss_is_antisymmetric() -> None:
    found = np.random.default_rng(2).normal(0, 2, 10)
    turned = np.concatenate([found[5:], found[:5]])
    gap = (found[:5] - found[5:]).mean()
    assert reward_loss(Tensor(turned)).item() - reward_loss(Tensor(found)).item() == pytest.approx(gap, rel=1e-12)
    assert reward_loss(Tensor(found + 7)).item() == pytest.approx(reward_loss(Tensor(found)).item(), rel=1e-12)


def test_a_reward_model_learns_the_order_and_leaves_the_writer_alone() -> None:
    writer = make_model(4)
    before = writer.state_dict()
    model = fit_reward(writer, make_pairs(400, 6), RewardSettings(epochs=4, learning_rate=5e-3), seed=0)
    assert pair_accuracy(model, make_pairs(80, 7)) > 0.95
    for name, array in writer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    both = make_pairs(5, 8).both()
    one_by_one = [rewards(model, both.take(np.array([i])))[0] for i in range(10)]
    np.testing.assert_allclose(rewards(model, both), one_by_one, rtol=1e-4, atol=1e-5)
    nothing = sparse.csr_matrix((10, 1), dtype=np.float32)
    np.testing.assert_allclose(  # it is the reply head at the last token
        rewards(model, both),
        model.reply_logits(both.pad(), Examples(both, nothing).features).data,
        rtol=1e-4,
        atol=1e-5,
    )


def test_advantages_are_what_a_draft_earned_above_the_others() -> None:
    earned = np.array([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]])
    np.testing.assert_allclose(advantages(earned, "rloo"), [[1 - 4, 2 - 3.5, 6 - 1.5], [0, 0, 0]])
    group = advantages(earned, "grpo")
    assert group[0].mean() == pytest.approx(0) and group[0].std() == pytest.approx(1) and (group[1] == 0).all()


def test_the_policy_gradient_is_that_of_the_expected_reward() -> None:
    """Two tokens, two drafts: over all that may be drawn, the estimate is the gradient of sum p r, p (r - mean r)."""
    logits, earned = np.array([0.3, -0.9]), np.array([2.0, 5.0])
    p = np.exp(logits) / np.exp(logits).sum()
    expected = np.zeros(2)
    for drawn in product((0, 1), repeat=2):
        row = Tensor(np.stack([logits, logits]), requires_grad=True)
        chances = ops.log_likelihood(row, targets=drawn, texts=[0, 1], count=2)
        advantage = advantages(earned[list(drawn)][None], "rloo")[0]
        gradient_loss(chances, advantage, 2).backward()
        assert row.grad is not None
        expected -= p[drawn[0]] * p[drawn[1]] * row.grad.sum(axis=0)
    np.testing.assert_allclose(expected, p * (earned - p @ earned), rtol=1e-12)


@pytest.fixture(scope="module")
def shipped() -> Writer:
    return Writer.shipped()


@pytest.fixture(scope="module")
def examples(small_tables) -> list[Example]:
    return write_examples(small_tables, range(24), seed=5)


def test_drafts_are_what_the_writer_writes(examples, shipped: Writer) -> None:
    prompts = [each.prompt for each in examples[:3]]
    sampler = SamplerSettings(temperature=0.8, most=60, seed=4)
    drafts = draft(shipped, prompts, sampler, number=2)
    twice = [prompt for prompt in prompts for _ in range(2)]
    assert [each.text for own in drafts for each in own] == shipped.write(twice, sampler)
    for own in drafts:
        for each in own:
            assert END not in each.ids[:-1] and (each.ids[-1] == END or len(each.ids) == 60)  # ended, or broken off
            assert shipped.tokenizer.decode_text([id for id in each.ids if id != END]) == each.text


def test_a_rater_without_doubts_prefers_what_has_more_points(examples, shipped: Writer) -> None:
    asked, tokenizer = ask_as(examples), shipped.tokenizer
    drafts = []
    for i, each in enumerate(examples):
        texts = [each.bot, each.message, each.message + " 47 percent"] if i % 4 else [each.bot, each.bot + "!"]
        drafts.append([Draft([*tokenizer.encode_text(text), END], text) for text in texts])
    pairs = rate(asked, drafts, tokenizer, rater=SURE, seed=1, groups=np.arange(24))
    assert set(pairs.groups) == {i for i in range(24) if i % 4}  # where none is right there is nothing to prefer
    for row, chosen, rejected in zip(pairs.groups, pairs.chosen, pairs.rejected, strict=True):
        assert tokenizer.decode_text(chosen[:-1]) == examples[row].message
        best, other = (judge(tokenizer.decode_text(ids[:-1]), asked[row]).points for ids in (chosen, rejected))
        assert best > other
    unsure = rate(asked, drafts, tokenizer, rater=Rater(slips=1.0), seed=1, groups=np.arange(24))
    assert 5 < sum(a == b for a, b in zip(unsure.chosen, pairs.chosen, strict=True)) < 31


def test_a_person_is_preferred_to_a_bot_and_what_is_too_long_is_left_out(examples, shipped: Writer) -> None:
    every = person_or_bot(examples, shipped.tokenizer, rater=SURE, seed=0, room=10_000)
    texts = [shipped.tokenizer.decode_text(ids[:-1]) for ids in every.chosen]
    assert texts == [each.message for each in examples]
    fitting = person_or_bot(examples, shipped.tokenizer, rater=SURE, seed=0, room=200)
    assert fitting.groups.tolist() == every.groups[every.lengths <= 200].tolist() and 0 < len(fitting) < 24


def test_pairs_of_several_sources_stay_what_they_were() -> None:
    first, second = make_pairs(5, 1), make_pairs(3, 2)
    both = together(first, second)
    for part, rows in ((first, np.arange(5)), (second, np.arange(5, 8))):
        got, expected = both.take(rows), part
        assert got.chosen == expected.chosen and got.rejected == expected.rejected
        np.testing.assert_array_equal(got.both().ids, expected.both().ids)
        np.testing.assert_array_equal(got.groups, expected.groups)


def test_a_policy_gradient_raises_what_is_rewarded(examples, shipped: Writer) -> None:
    """The reward is for short drafts: they get shorter, and the divergence is counted from 0."""
    writer = replace(shipped, model=copy_of(shipped.model))

    def earned(asked, drafts, lessons):
        assert len(asked) == len(drafts) == len(lessons) == 24
        return np.array([-len(each.ids) / 10 for each in drafts])

    settings = GradientSettings(steps=8, prompts=6, drafts=4, learning_rate=2e-3, beta=0.0, at_once=16)
    turns = fit_policy_gradient(writer, ask_as(examples), earned, settings, seed=1, reference=shipped)
    assert len(turns) == 8 and abs(turns[0].kl) < 1e-3 < turns[-1].kl
    assert np.mean([each.reward for each in turns[-3:]]) > np.mean([each.reward for each in turns[:3]]) + 0.5


def test_the_penalty_holds_a_policy_near_its_reference(examples, shipped: Writer) -> None:
    """Paid for short drafts, it goes further from the reference the less a nat of that costs."""
    final = {}
    for beta in (0.0, 5.0):
        writer = replace(shipped, model=copy_of(shipped.model))
        settings = GradientSettings(steps=8, prompts=6, drafts=4, learning_rate=2e-3, beta=beta, at_once=16)
        turns = fit_policy_gradient(writer, ask_as(examples), paid_for_short, settings, seed=1, reference=shipped)
        final[beta] = np.mean([turn.kl for turn in turns[-3:]])
    assert final[5.0] < 0.5 * final[0.0]


def paid_for_short(asked, drafts, lessons, unit=1.0):
    return unit * np.array([-len(each.ids) / 10 for each in drafts])


def test_grpo_steps_by_the_spread_of_a_group(examples, shipped: Writer) -> None:
    """So rewards in other units make the same writer, which leave-one-out's don't."""
    for kind, alike in (("grpo", True), ("rloo", False)):
        weights = []
        for unit in (1.0, 100.0):
            writer = replace(shipped, model=copy_of(shipped.model))
            settings = GradientSettings(steps=2, prompts=4, drafts=4, beta=0.0, clip=1e9, advantage=kind)
            earned = partial(paid_for_short, unit=unit)
            fit_policy_gradient(writer, ask_as(examples), earned, settings, seed=1, reference=shipped)
            weights.append(writer.model.token.weight.data)
        assert np.allclose(*weights, atol=1e-6) == alike


def test_what_a_draft_earns(examples, shipped: Writer) -> None:
    """The reward model's reward in units of its spread, and two more where the draft is right."""
    pairs = person_or_bot(examples, shipped.tokenizer, rater=SURE, seed=0, room=10_000)
    model = fit_reward(shipped.model, pairs, RewardSettings(epochs=6, batch_size=8), seed=1)
    spread = rewards(model, pairs.both()).std()
    asked = ask_as(examples)
    for texts in ([each.message for each in examples], [each.bot for each in examples]):
        drafts = [Draft([*shipped.tokenizer.encode_text(text), END], text) for text in texts]
        lessons = chat.prompts(chat.nobody(24), [each.prompt for each in asked], shipped.tokenizer)
        lessons = lessons.append([each.ids for each in drafts])
        right = np.array([judge(text, each).right for text, each in zip(texts, asked, strict=True)])
        own = rewards(model, lessons) / spread
        np.testing.assert_allclose(earned_by(model, pairs, rules=0.0)(asked, drafts, lessons), own)
        np.testing.assert_allclose(earned_by(model, pairs, rules=2.0)(asked, drafts, lessons), own + 2 * right)
        assert right.all() if texts[0] == examples[0].message else not right.any()
    assert pair_accuracy(model, pairs) > 0.9
    other = Pairs(pairs.prompts, pairs.rejected, pairs.chosen, pairs.groups)
    assert pair_accuracy(model, other) == pytest.approx(1 - pair_accuracy(model, pairs))
