"""The judgement is fair: nothing of the held-out leads reaches what is fitted, and they come after it in time."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tinyscout.cli import judged_fit
from tinyscout.cli.judged_fit import JudgedFit
from tinyscout.leads import LeadTables
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings


def test_what_is_fitted_knows_nothing_of_what_it_is_judged_on(
    small_tables: LeadTables, small_settings: ScoutSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, given = Scout.fit, []

    def noted_fit(tables: LeadTables, *args: Any, **options: Any) -> Scout:
        given.append(tables)
        return fit(tables, *args, **options)

    def noted_peers(*_: Any, train: np.ndarray, valid: np.ndarray, test: np.ndarray, **__: Any) -> Any:
        given.extend([small_tables.take(train), small_tables.take(valid)])
        np.testing.assert_array_equal(small_tables.leads["contact_id"][test], held_out()["contact_id"])
        return {"peer": np.zeros(len(test))}, {}

    def held_out() -> pd.DataFrame:
        return small_tables.leads.iloc[judged_fit.time_split(small_tables, holdout=0.25).test]

    monkeypatch.setattr(judged_fit.Scout, "fit", noted_fit)
    monkeypatch.setattr(judged_fit, "peer_logits", noted_peers)
    settings = small_settings.model_copy(update={"minimum_repliers": 100_000})
    judgement = JudgedFit.run(small_tables, settings, holdout=0.25).judgement
    assert judgement is not None and set(judgement.logits) == {"baseline", "peer"}
    begins = judgement.test.leads["contacted_at"].min()
    known = small_tables.leads["contacted_at"][small_tables.mature]
    assert (known >= begins).mean() == pytest.approx(0.25, abs=0.01)
    assert len(given) == 3
    for tables in given:
        assert tables.leads["contacted_at"].max() + pd.Timedelta(days=small_tables.schema.window_days) <= begins
        assert not set(tables.leads["lead_id"]) & set(judgement.test.leads["lead_id"])
