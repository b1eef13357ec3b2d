"""Searches against a model: they mislead it, keep to the threat model, and the truth about them is the oracle's."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyscout.autograd import no_grad
from tinyscout.errors import InputError
from tinyscout.leads import oracle
from tinyscout.metrics import log_loss
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.stress.ceiling import NATURAL
from tinyscout.stress.contestants import Logistic
from tinyscout.stress.hotflip import AGE, FIELD, KIND_OF, WORD, HotFlip, _exchanged, _resized
from tinyscout.stress.search import _best, _misled, attack_model, search
from tinyscout.stress.timelines import Texts, Timelines
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import Stack
from tinyscout.training.stack import WideFeatures


@pytest.fixture(scope="module")
def yardstick(yardsticks) -> Logistic:
    return yardsticks[NATURAL]


@pytest.fixture(scope="module")
def stack(pools, yardstick) -> Stack:
    return random_stack(yardstick.tokenizer, yardstick.features)


def random_stack(tokenizer: SalesTokenizer, features: WideFeatures) -> Stack:
    """A transformer with random weights and a reply head that says something: its gradients are as good as any."""
    vocabulary = tokenizer.vocabulary
    config = LeadScoutConfig(
        len(vocabulary), vocabulary.n_language, (), len(features.names), width=32, depth=2, heads=2
    )
    model = LeadScout(config, rng=np.random.default_rng(0)).eval()
    model.reply.weight.data[:] = np.random.default_rng(1).standard_normal(model.reply.weight.data.shape)
    return Stack(tokenizer, features, LogisticBaseline(1.0), [model], 128)


def test_a_search_misleads_the_model_it_is_aimed_at(pools, yardstick, texts):
    tables, rng = pools.test.natural.tables, np.random.default_rng(2)
    texts = Texts(tables.signals["text"].dropna(), rng, more=300)
    found = attack_model("search", tables, yardstick.logits, texts, rng, number=200, steps=8)
    made, truth = found.world.tables, found.world.truth
    assert found.refused == []
    np.testing.assert_allclose(truth["reply_probability"], oracle.reply_probability(made), rtol=1e-9)
    assert (truth["role"] == "sleeper").mean() == 0.5
    assert ((truth["reply_probability"] > 0.5) == (truth["role"] == "sleeper")).all()
    natural = log_loss(tables.labels, yardstick.logits(tables))
    fooled = log_loss(made.labels, yardstick.logits(made))
    assert fooled > 1.0 > natural
    chance = truth["reply_probability"].to_numpy()
    assert log_loss(made.labels, np.log(chance / (1 - chance))) < 0.4
    assert made.leads["contact_id"].is_unique
    assert 0.3 < made.labels.mean() < 0.7


def test_one_lead_is_no_decoy_and_sleeper(tables, yardstick, texts):
    with pytest.raises(InputError, match="number of leads is 1; needs 2 or more"):
        attack_model("search", tables, yardstick.logits, texts, np.random.default_rng(0), number=1)


def test_more_steps_mislead_more(tables, yardstick, texts):
    rows = np.flatnonzero(np.diff(tables.offsets) < 30)[:150]
    decoys = np.zeros(len(rows), bool)
    raised = []
    for steps in (0, 2, 6):
        made = search(tables, rows, decoys, yardstick.logits, texts, np.random.default_rng(3), steps=steps)
        raised.append(yardstick.logits(made.tables(tables, texts)).mean())
    assert raised[0] < raised[1] < raised[2]


def test_the_same_seed_finds_the_same_attack(tables, yardstick, texts):
    rows = np.flatnonzero(np.diff(tables.offsets) < 30)[:40]
    one, two = (
        search(tables, rows, np.ones(len(rows), bool), yardstick.logits, texts, np.random.default_rng(4), steps=3)
        for _ in range(2)
    )
    other = search(tables, rows, np.ones(len(rows), bool), yardstick.logits, texts, np.random.default_rng(5), steps=3)
    assert one.spent.any() and (one.ago.shape != other.ago.shape or (one.ago != other.ago).any())
    for name in ("ago", "kind", "text", "spent"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_what_the_truth_rules_out_is_not_asked_and_changes_nothing(tables, yardstick, texts, monkeypatch):
    rows = np.flatnonzero(np.diff(tables.offsets) < 30)[:60]
    sleeper, asked, found = np.arange(len(rows)) % 2 == 0, [], []

    def score(read):
        asked[-1] += len(read)
        return yardstick.logits(read)

    def every(made, sign, tables, texts, score, least):
        return _misled(made, sign, tables, texts, score, np.full(len(made), -np.inf))

    for each in (_misled, every):
        asked.append(0)
        monkeypatch.setattr("tinyscout.stress.search._misled", each)
        found.append(search(tables, rows, sleeper, score, texts, np.random.default_rng(6), steps=5))
    np.testing.assert_array_equal(found[0].ago, found[1].ago)
    np.testing.assert_array_equal(found[0].text, found[1].text)
    assert asked[0] < 0.8 * asked[1]


@pytest.mark.parametrize("fold_case", [False, True])
def test_a_flipped_word_is_the_one_that_the_gradient_named(tables, texts, fold_case):
    tokenizer = SalesTokenizer.fit(tables, fold_case=fold_case)
    features = BaselineFeatures.fit(tokenizer.encode(tables), tokenizer.vocabulary)
    flip = HotFlip(random_stack(tokenizer, features), tables, texts)
    capitals = [number for number in range(1, len(texts)) if " I " in texts.texts[number]]  # a token more where folded
    says = tables.signals["text"].isin(texts.texts[capitals]) & tables.signals["text"].str.contains(" I ", na=False)
    made = Timelines.of(tables, np.unique(tables.signals["row"][says])[:60], texts)
    flips = flip.best(made, np.ones(len(made)), 200)
    flips = flips.take(np.flatnonzero(flips.what == WORD))
    after = made.take(flips.lead)
    flip.apply(after, np.arange(len(after)), flips)
    right, of_capitals = [], 0
    for i, (lead, column) in enumerate(zip(flips.lead, flips.column, strict=True)):
        before, now = (str(texts.texts[each]) for each in (made.text[lead, column], after.text[i, column]))
        read = before.lower() if fold_case else before
        place = len(tokenizer.bpe.decode(tokenizer.bpe.encode(read)[: flips.word[i]]).split())
        words, others = read.split(), now.split()
        of_capitals += " I " in before
        right.append(words[:place] == others[:place] and words[place] != others[place] and len(words) == len(others))
    assert of_capitals > 50 and np.mean(right) > 0.95


def test_leads_without_a_known_label_cannot_be_attacked(tables, yardstick, texts):
    young = tables.take(np.flatnonzero(~tables.mature)[:5])
    with pytest.raises(InputError, match="mature leads"):
        attack_model("search", young, yardstick.logits, texts, np.random.default_rng(5), number=2)


@pytest.mark.parametrize("newest_first", [False, True])
def test_flips_move_the_logit_as_the_gradient_says(tables, stack, texts, newest_first):
    """The best flips by first order move the score the way wanted, and those that promise more move it more."""
    stack = replace(stack, newest_first=newest_first)
    rows = np.flatnonzero((np.diff(tables.offsets) > 4) & (np.diff(tables.offsets) < 20))[:120]
    made = Timelines.of(tables, rows, texts)

    def score(of: Timelines) -> np.ndarray:
        return stack.member_logits(stack.examples(of.tables(tables, texts)))

    flip, before = HotFlip(stack, tables, texts), score(made)
    for sign in (1.0, -1.0):
        every = flip.best(made, np.full(len(made), sign), 1_000)
        assert (every.gain[np.unique(every.lead, return_index=True)[1]] > 0).all()
        for of_field, least in ((False, 0.75), (True, 0.6)):  # the profile comes first, so all that follows moves, too
            some = every.take(np.flatnonzero(((every.what == FIELD) == of_field) & (every.gain > 0)))
            flips = some.take(np.unique(some.lead, return_index=True)[1])
            after = made.take(flips.lead)
            flip.apply(after, np.arange(len(after)), flips)
            moved = -sign * (score(after) - before[flips.lead])
            assert (moved > 0).mean() > least
            assert of_field or np.corrcoef(moved, flips.gain)[0, 1] > 0.25


def test_exchanging_an_id_counts_wherever_it_is_read():
    """Against vectors made anew: the first order is exact in them."""
    rng = np.random.default_rng(0)
    config = LeadScoutConfig(20, 10, (), 1, width=8, depth=1, heads=2, max_tokens=8, ngram=3)
    member = LeadScout(config, rng=rng)
    ids, offsets = rng.integers(1, 20, 11).astype(np.int32), np.array([0, 6, 11])
    tokens = Tokens(ids, np.zeros(11, np.float32), np.full(11, np.nan, np.float32), offsets, np.zeros(2, np.int32))
    gradient = rng.normal(size=(11, 8)).astype(np.float32)
    places, new = np.array([0, 4, 5, 9, 10]), np.array([3, 7])
    with no_grad():
        before = member.embed(tokens).data
        for place, found in zip(places, _exchanged(member, gradient, tokens, places, new), strict=True):
            for choice, value in zip(new, found, strict=True):
                changed = replace(tokens, ids=np.where(np.arange(11) == place, choice, ids).astype(np.int32))
                assert value == pytest.approx((gradient * (member.embed(changed).data - before)).sum(), abs=1e-4)


@pytest.mark.parametrize("newest_first", [False, True])
def test_every_sort_of_flip_is_proposed_and_changes_what_it_says(tables, stack, texts, newest_first):
    stack = replace(stack, newest_first=newest_first)
    spoken = np.unique(tables.signals["row"][tables.signals["text"].notna()])
    rows = spoken[np.diff(tables.offsets)[spoken] < 30][:100]
    made, flip = Timelines.of(tables, rows, texts), HotFlip(stack, tables, texts)
    flips = flip.best(made, np.ones(len(made)), 1_000)
    assert set(flips.what) == {AGE, KIND_OF, WORD, FIELD}
    after = made.take(flips.lead)
    flip.apply(after, np.arange(len(after)), flips)
    at = np.arange(len(after)), flips.column
    for what, name in ((AGE, "ago"), (KIND_OF, "kind"), (WORD, "text")):
        some = np.flatnonzero(flips.what == what)
        changed = getattr(after, name)[at][some] != getattr(made.take(flips.lead), name)[at][some]
        assert changed.mean() > 0.9, name
        assert (after.spent[some] == (2 if what == KIND_OF else 1)).all()
    for number, name in enumerate(("employees", "plan_fit", "stack")):
        some = np.flatnonzero((flips.what == FIELD) & (flips.word == number))
        before, now = (getattr(each, name)[some] for each in (made.take(flips.lead), after))
        assert len(some) > 50 and (now != before).mean() > (0.5 if name == "stack" else 0.9), name
        assert (
            after.described[some].sum(axis=1).tolist() == after.described[some, number].tolist() == [True] * len(some)
        )
        assert (after.spent[some] == 1).all() and after.plausible()[some].all()
    told_anew = flip.best(after, np.ones(len(after)), 1_000)
    fields = told_anew.take(np.flatnonzero(told_anew.what == FIELD))
    assert len(fields.lead) and not after.described[fields.lead, fields.word].any()  # each but once


def test_another_value_of_a_number_counts_as_the_model_reads_it():
    """Against vectors made anew: the first order is exact in them."""
    rng = np.random.default_rng(1)
    config = LeadScoutConfig(20, 10, (12, 14), 1, width=8, depth=1, heads=2, max_tokens=8)
    member = LeadScout(config, rng=rng)
    ids, offsets = np.array([12, 3, 14, 1, 14, 2], np.int32), np.array([0, 4, 6])
    values = rng.uniform(-1, 1, 6).astype(np.float32)
    tokens = Tokens(ids, values, np.full(6, np.nan, np.float32), offsets, np.zeros(2, np.int32))
    gradient = rng.normal(size=(6, 8)).astype(np.float32)
    places, new = np.array([0, 2, 4]), np.array([[-1.0, 0.3], [1.0, 0.0], [0.9, -0.2]], np.float32)
    with no_grad():
        before = member.embed(tokens).data
        for place, choices, found in zip(places, new, _resized(member, gradient, tokens, places, new), strict=True):
            for value, change in zip(choices, found, strict=True):
                changed = replace(tokens, values=np.where(np.arange(6) == place, value, values).astype(np.float32))
                assert change == pytest.approx((gradient * (member.embed(changed).data - before)).sum(), abs=1e-4)


def test_what_flips_propose_keeps_to_the_threat_model(pools, stack):
    tables, rng = pools.test.natural.tables, np.random.default_rng(7)
    texts = Texts(tables.signals["text"].dropna(), rng, more=300)
    flip = HotFlip(stack, tables, texts, share=1.0)
    found = attack_model(
        "search",
        tables,
        lambda read: stack.member_logits(stack.examples(read)),
        texts,
        rng,
        number=60,
        proposer=flip,
        steps=6,
    )
    assert found.refused == [] and len(found.world.tables) > 20


def test_the_best_of_each_lead_are_held_once_each_highest_first():
    lead = np.array([0, 0, 0, 0, 1, 1, 2])
    value = np.array([1.0, 3.0, 3.0, 2.0, -np.inf, 0.5, -np.inf])
    assert _best(value, lead, 2).tolist() == [1, 3, 5]
    assert _best(value, lead, 1).tolist() == [1, 5]


def test_a_beam_holds_more_than_the_best_and_misleads_more_than_one_as_wide(tables, yardstick, texts):
    rows = np.flatnonzero(np.diff(tables.offsets) < 30)[:150]
    decoys, raised, asked = np.zeros(len(rows), bool), [], []

    def score(read):
        asked[-1] += len(read)
        return yardstick.logits(read)

    for beam in (1, 3):
        asked.append(0)
        rng = np.random.default_rng(3)
        made = search(tables, rows, decoys, score, texts, rng, steps=5, width=4, beam=beam)
        assert made.plausible().all() and (made.source == rows).all()
        raised.append(np.clip(yardstick.logits(made.tables(tables, texts)), -3, 3).mean())
    assert raised[0] < raised[1] and 1.8 * asked[0] < asked[1]


@pytest.mark.parametrize(
    ("score", "came"),
    [
        (lambda tables: np.zeros((len(tables), 2)), r"shape \(\d+, 2\)"),
        (lambda tables: 0.5, r"shape \(\)"),
        (lambda tables: np.full(len(tables), np.nan), "NaN"),
    ],
)
def test_a_score_that_is_no_log_odds_of_each_lead_is_refused(score, came, tables, texts):
    with pytest.raises(InputError, match=rf"the score gave {came}; needs the log-odds of a reply of each lead, \(\d+,"):
        attack_model("search: mine", tables, score, texts, np.random.default_rng(0), number=4)


def test_the_docs_attack_a_model_that_is_none_of_ours(capsys):
    text = (Path(__file__).parents[2] / "docs" / "attacks.md").read_text(encoding="utf-8")
    (block,) = (each for each in re.findall("```python\n(.*?)```", text, re.DOTALL) if "attack_model(" in each)
    found = {}
    exec(block, found)
    assert found["mine"] > 2 * found["oracle"] > 0 and "attacked leads: mine" in capsys.readouterr().out
    assert (found["attacked"].truth["reply_probability"] > 0.5).mean() == 0.5
