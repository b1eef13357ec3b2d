"""The front door with experts in the model: fitted from settings, saved, loaded and explained like a dense one."""

from pathlib import Path

import numpy as np
import pytest

from tinyscout.explain import contributions
from tinyscout.leads import LeadTables
from tinyscout.models.expert_use import expert_use
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings


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
