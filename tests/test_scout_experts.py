"""The front door with experts in the model: fitted from settings, saved, loaded and explained like a dense one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyscout.explain import contributions
from tinyscout.leads import LeadTables
from tinyscout.models.expert_use import expert_use
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings
from tinyscout.training import stack
from tinyscout.training.fit import History
from tinyscout.training.stack import Stack


@pytest.fixture(scope="module")
def scout(small_tables: LeadTables, small_settings: ScoutSettings) -> Scout:
    sizes = small_settings.model.model_copy(update={"depth": 2, "experts": 4, "top_k": 2})
    scout = Scout.fit(small_tables, small_settings.model_copy(update={"model": sizes}))
    scout.ships = "scout"
    return scout


@pytest.fixture(scope="module")
def some(small_tables: LeadTables) -> LeadTables:
    return small_tables.take(np.arange(0, 3000, 30))


def test_saved_and_loaded_it_gives_the_same_bits(scout: Scout, some: LeadTables, tmp_path: Path) -> None:
    scout.save(tmp_path / "scout")
    loaded = Scout.load(tmp_path / "scout")
    (member,) = loaded.stack.members
    assert member.config.experts == 4 and list(expert_use(member, loaded.examples(some))) == [0, 1]
    assert loaded.predict(some).tobytes() == scout.predict(some).tobytes()


def test_each_lead_has_an_expert_that_it_should_take(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    """Where that is asked for; and dealing personas out anew among leads changes none, but where personas may count."""
    sizes, fitting = small_settings.model.model_copy(update={"experts": 4}), small_settings.fit
    left_alone = small_settings.model_copy(update={"model": sizes})
    guided = left_alone.model_copy(update={"fit": fitting.model_copy(update={"guide_weight": 0.1})})
    knowing = fitting.model_copy(update={"guide_weight": 0.1, "guide_without": ()})
    told = left_alone.model_copy(update={"fit": knowing})
    anew = small_tables.leads.assign(
        persona=np.random.default_rng(0).permutation(small_tables.leads["persona"].astype(str))
    )
    dealt = replace(small_tables, leads=anew)
    asked: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "fit", lambda model, *_, guide, **__: asked.append(guide) or History(best_share=0.5))
        rows, later = np.arange(2000), np.arange(2000, 2500)
        for settings in (left_alone, small_settings, guided):
            Stack.explore(small_tables, rows, later, settings, with_members=True)
            Stack.refit(small_tables, rows, settings, l2=1.0, shares=[0.5])
        for tables, settings in ((dealt, guided), (small_tables, told), (dealt, told)):
            Stack.refit(tables, rows, settings, l2=1.0, shares=[0.5])
    assert asked[:4] == [None] * 4
    explored, refitted, of_dealt, knowing_persona, knowing_dealt = asked[4:]
    for guide in (explored, refitted):
        assert guide is not None and len(guide) == len(rows) and np.bincount(guide, minlength=4).min() > 0
    np.testing.assert_array_equal(of_dealt, refitted)
    assert not np.array_equal(knowing_persona, refitted) and not np.array_equal(knowing_persona, knowing_dealt)


def test_explanations_are_gradient_times_input(scout: Scout, some: LeadTables) -> None:
    from tinyscout.autograd import Tensor, no_grad

    stack, examples = scout.stack, scout.examples(some)
    parts = contributions(stack.members, stack.baseline, 1.0, (1.0, 0.0), examples)
    assert scout.rank(some)["reason_1"].str.len().gt(0).any()
    member, lead = stack.members[0].eval(), examples.take(np.array([3]))
    batch = lead.tokens.pad()
    own = parts.tokens[examples.tokens.offsets[3] : examples.tokens.offsets[4]]
    with no_grad():
        embedded = member.embed(batch).data
        for place in range(0, embedded.shape[1], 4):
            values = []
            for step in (2e-3, -2e-3):  # small, so that no token changes its expert
                moved = embedded.copy()
                moved[0, place] *= 1 + step
                values.append(member.reply_logits(batch, lead.features, embedded=Tensor(moved)).item())
            assert (values[0] - values[1]) / 4e-3 == pytest.approx(own[place], abs=5e-4)
