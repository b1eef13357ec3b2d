"""What may ship is judged on later slices of time, and calibrated only where that would have helped."""

import numpy as np
import pytest

from tinyscout.leads import LeadTables
from tinyscout.settings import ScoutSettings
from tinyscout.training.contenders import NO_CALIBRATION, calibrate, fit_slices


def test_the_slices_follow_each_other_in_time(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    train, stop, calibration = fit_slices(small_tables, small_settings)
    at = small_tables.leads["contacted_at"].to_numpy()
    assert at[train].max() <= at[stop].min() and at[stop].max() <= at[calibration].min()
    ids = [set(small_tables.leads["lead_id"][rows]) for rows in (train, stop, calibration)]
    assert not ids[0] & ids[1] and not ids[1] & ids[2] and not ids[0] & ids[2]


def test_a_calibration_is_used_only_if_the_one_before_it_would_have_helped() -> None:
    rng = np.random.default_rng(0)

    def labels(logit: np.ndarray, shift: float) -> np.ndarray:
        return (rng.random(len(logit)) < 1 / (1 + np.exp(-logit - shift))).astype(float)

    stop, later = rng.normal(size=4000), rng.normal(size=4000)
    lasting, judged = calibrate((stop, labels(stop, 1)), (later, labels(later, 1)), prior_rows=100)
    assert lasting.shift == pytest.approx(1, abs=0.2)
    assert judged.mean() == pytest.approx(later.mean() + 1, abs=0.2) and not np.array_equal(
        judged, lasting.transform(later)
    )
    passing, judged = calibrate((stop, labels(stop, 1)), (later, labels(later, -1)), prior_rows=100)
    assert passing == NO_CALIBRATION and np.array_equal(judged, later)
