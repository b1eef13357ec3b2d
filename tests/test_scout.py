"""The front door: what is fitted is what is saved, a lead is scored by itself, and decisions are said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.errors import InputError
from tinyscout.leads import LeadTables
from tinyscout.metrics import log_loss, probability
from tinyscout.models.lead_scout import LeadScout
from tinyscout.scout import Explained, Scout
from tinyscout.settings import ScoutSettings


def with_labels(tables: LeadTables, labels: np.ndarray) -> LeadTables:
    return replace(tables, leads=tables.leads.assign(label=labels))


def test_save_and_load_give_the_same_bits(small_scout: Scout, small_tables: LeadTables, tmp_path: Path) -> None:
    some = small_tables.take(np.arange(0, 3000, 7))
    small_scout.save(tmp_path / "scout")
    loaded = Scout.load(tmp_path / "scout")
    assert loaded.predict(some).tobytes() == small_scout.predict(some).tobytes()
    assert (loaded.ships, loaded.version, loaded.notes) == ("scout", small_scout.version, small_scout.notes)
    assert len(loaded.version) == 13
    pd.testing.assert_frame_equal(loaded.rank(some), small_scout.rank(some))


def test_the_same_seed_gives_the_same_bits(
    small_scout: Scout, small_tables: LeadTables, small_settings: ScoutSettings
) -> None:
    again = Scout.fit(small_tables, small_settings)
    for name, array in small_scout.stack.weights().items():
        assert array.tobytes() == again.stack.weights()[name].tobytes(), name
    other = Scout.fit(small_tables, small_settings.model_copy(update={"seed": 2})).stack.weights()
    assert any((array != other[name]).any() for name, array in small_scout.stack.weights().items())


def test_a_score_does_not_depend_on_the_rest_of_the_batch(small_scout: Scout, small_tables: LeadTables) -> None:
    together = small_scout.predict(small_tables)
    chosen = np.random.default_rng(0).permutation(len(small_tables))[:60]
    for size in (1, 7):
        for start in range(0, len(chosen), size):
            rows = chosen[start : start + size]
            np.testing.assert_allclose(small_scout.predict(small_tables.take(rows)), together[rows], atol=1e-6)


def test_with_few_repliers_the_baseline_ships_and_says_so(
    small_tables: LeadTables, small_settings: ScoutSettings, tmp_path: Path
) -> None:
    scout = Scout.fit(small_tables, small_settings.model_copy(update={"minimum_repliers": 100_000}))
    assert scout.ships == "baseline" and not scout.stack.members
    assert "fewer than the 100000" in scout.notes[0]
    some = small_tables.take(np.arange(50))
    assert (
        Scout.load(scout.save(tmp_path).version and tmp_path).predict(some).tobytes() == scout.predict(some).tobytes()
    )
    assert scout.rank(some)["reason_1"].str.len().gt(0).any()


def test_what_ships_has_the_least_loss_on_the_calibration_slice(small_scout: Scout) -> None:
    losses = small_scout.metrics["calibration_slice"]["log_loss"]
    shipped = small_scout.notes[0].removeprefix("ships the ").split(":")[0]
    assert losses[shipped] <= losses["baseline"]


def test_labels_without_meaning_do_not_ship_confidence(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    rng = np.random.default_rng(0)
    shuffled = small_tables.labels.copy()
    known = np.flatnonzero(small_tables.mature)
    shuffled[known] = rng.permutation(shuffled[known])
    scout = Scout.fit(with_labels(small_tables, shuffled), small_settings)
    rate = shuffled[known].mean()
    constant = np.full(len(known), np.log(rate / (1 - rate)))
    y = rng.permutation(shuffled[known])  # fresh labels of the same meaninglessness
    assert log_loss(y, scout.logits(small_tables.take(known))) < log_loss(y, constant) + 0.02


@pytest.mark.parametrize("label", [0.0, 1.0, np.nan])
def test_labels_of_one_kind_are_one_clear_line(
    small_tables: LeadTables, small_settings: ScoutSettings, label: float
) -> None:
    with pytest.raises(InputError, match="fitting needs leads that replied and leads that did not") as caught:
        Scout.fit(with_labels(small_tables, np.full(len(small_tables), label)), small_settings)
    assert "\n" not in str(caught.value)


def test_too_few_leads_are_one_clear_line(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    with pytest.raises(InputError, match=r"slice has|slices:|fitting needs"):
        Scout.fit(small_tables.take(np.arange(8)), small_settings)


def test_a_folder_that_holds_no_scout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no manifest.json"):
        Scout.load(tmp_path)


@pytest.mark.parametrize("ships", ["baseline", "blend", "scout"])
def test_a_score_is_the_same_with_reasons_and_without_and_in_parts(
    small_scout: Scout, small_tables: LeadTables, ships: str
) -> None:
    scout = replace(small_scout, ships=ships)
    some = small_tables.take(np.arange(90))
    whole = scout.explain(some)
    parts = Explained.join([scout.explain(small_tables.take(rows)) for rows in np.split(np.arange(90), 3)])
    bare = Explained.join([scout.explain(small_tables.take(rows), with_reasons=False) for rows in [np.arange(90)]])
    np.testing.assert_allclose(whole.logits, scout.contenders(scout.examples(some))[ships], atol=1e-5)
    for other in (parts, bare):
        np.testing.assert_allclose(probability(other.logits), probability(whole.logits), atol=1e-6)
    assert whole.reasons is not None and parts.reasons is not None and bare.reasons is None
    assert [len(found) for found in parts.reasons] == [len(found) for found in whole.reasons]


def test_a_scout_that_ships_the_baseline_spends_no_time_on_transformers(
    small_scout: Scout, small_tables: LeadTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    scout = replace(small_scout, ships="baseline")
    some = small_tables.take(np.arange(20))
    expected = scout.contenders(scout.examples(some))["baseline"]
    monkeypatch.setattr(LeadScout, "reply_logits", lambda *_, **__: pytest.fail("a transformer ran"))
    np.testing.assert_array_equal(scout.logits(some), expected)
    assert len(scout.rank(some)) == 20


def test_in_int8_a_scout_says_nearly_the_same_and_names_it(
    small_scout: Scout, small_tables: LeadTables, tmp_path: Path
) -> None:
    small_scout.save(tmp_path)
    scout = Scout.load(tmp_path)
    small = scout.in_dtype("int8")
    exact, rounded = scout.logits(small_tables), small.logits(small_tables)
    assert 0 < np.abs(exact - rounded).max() < 0.2
    y, known = small_tables.labels, small_tables.mature
    assert abs(log_loss(y[known], rounded[known]) - log_loss(y[known], exact[known])) < 0.002
    assert small.version == f"{scout.version}-int8"
    again = small.in_dtype("float32")
    assert again.version == scout.version and again.logits(small_tables).tobytes() == exact.tobytes()
    with pytest.raises(InputError, match='dtype is "float16"'):
        scout.in_dtype("float16")


def test_reasons_come_with_the_very_scores_that_predict_gives(small_scout: Scout, small_tables: LeadTables) -> None:
    some = small_tables.take(np.arange(40))
    for scout in (small_scout, small_scout.in_dtype("int8")):
        assert scout.explain(some).logits.tobytes() == scout.logits(some).tobytes()
