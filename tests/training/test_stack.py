"""Exploring finds how long to train by later leads, and keeps no transformer that never beat the baseline there."""

import numpy as np

from tinyscout.leads import LeadTables
from tinyscout.metrics.scores import shifted_losses
from tinyscout.models.lead_scout import predict_logits
from tinyscout.settings import ScoutSettings
from tinyscout.training.contenders import fit_slices
from tinyscout.training.stack import Stack


def test_a_member_is_below_the_baseline_on_the_stopping_slice(
    small_tables: LeadTables, small_settings: ScoutSettings
) -> None:
    settings = small_settings.model_copy(update={"members": 2})
    train, stop, _ = fit_slices(small_tables, settings)
    stack, shares = Stack.explore(small_tables, train, stop, settings, with_members=True)
    assert len(shares) == len(stack.members) > 0 and all(0 < share <= 1 for share in shares)
    examples, y = stack.examples(small_tables.take(stop)), small_tables.labels[stop]
    baseline = shifted_losses(y, stack.baseline_logits(examples)).mean()
    for member in stack.members:
        assert shifted_losses(y, predict_logits(member, examples)).mean() < baseline


def test_without_shares_a_refit_is_the_baseline(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    train, stop, _ = fit_slices(small_tables, small_settings)
    stack, shares = Stack.explore(small_tables, train, stop, small_settings, with_members=False)
    assert not shares and not stack.members
    again = Stack.refit(small_tables, train, small_settings, l2=stack.baseline.l2, shares=shares)
    assert not again.members
    examples = stack.examples(small_tables.take(stop))
    np.testing.assert_allclose(again.baseline_logits(examples), stack.baseline_logits(examples), atol=1e-6)


def test_a_contact_time_not_known_is_an_average_one(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    train, stop, _ = fit_slices(small_tables, small_settings)
    stack = Stack.refit(small_tables, train, small_settings, l2=1.0, shares=[0.5])
    vocabulary, weight = stack.tokenizer.vocabulary, stack.members[0].token.weight.data
    ids = stack.examples(small_tables.take(train)).tokens.ids
    for name in ("contact_weekday", "contact_hour"):
        field = next(each for each in vocabulary.fields if each.name == name)
        seen = ids[(ids >= field.start) & (ids < field.stop)]
        blank = vocabulary.id_of(f"{name}=<missing>")
        np.testing.assert_allclose(weight[blank], weight[seen].mean(axis=0), atol=1e-5)

    leads = small_tables.take(stop)
    contacts = small_tables.leads["contacted_at"].iloc[train[:: len(train) // 40]]
    logits = []
    for moment in contacts:  # signals keep their ages: only hour and weekday follow
        leads.leads["contacted_at"] = moment
        examples = stack.examples(leads)
        logits.append((stack.baseline_logits(examples), stack.member_logits(examples)))
    leads.leads["not_contacted"] = True
    examples = stack.examples(leads)
    blank = stack.baseline_logits(examples), stack.member_logits(examples)
    assert np.abs(blank - np.mean(logits, axis=0)).mean() < 0.05
