"""A fit does without columns that know the answer, and says so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import LeadTables
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings


@pytest.mark.parametrize("leave_out", [True, False])
def test_a_column_filled_in_afterwards_is_left_out_unless_told_otherwise(
    small_tables: LeadTables, small_settings: ScoutSettings, leave_out: bool
) -> None:
    stage = pd.Categorical(np.where(small_tables.labels == 1, "customer", "open"))
    schema = replace(small_tables.schema, columns={**small_tables.schema.columns, "stage": "category"})
    tables = replace(small_tables, leads=small_tables.leads.assign(stage=stage), schema=schema)
    changes = {"minimum_repliers": 100_000, "leave_leaking_out": leave_out}
    scout = Scout.fit(tables, small_settings.model_copy(update=changes))
    assert ("stage" in scout.schema.profile) != leave_out
    assert any(note.startswith("left stage out: ") for note in scout.notes) == leave_out
    assert any("stage" in name for name in scout.stack.features.names) != leave_out
    assert set(small_tables.schema.profile) <= set(scout.schema.profile)
