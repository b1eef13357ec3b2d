"""The verdict on the seeds that were judged, and what tells whether a record may stand for its seed."""

from dataclasses import replace

import pytest

from tinyscout.metrics.bootstrap import Interval
from tinyscout.stress.records import Record, made_of, verdict
from tinyscout.stress.trial import TrialSettings

FALLS = {"scout": {"log_loss": Interval(0.6, 0.55, 0.65)}}
PASSING = Record(1, "abc", 20_000, 0.7, 0.01, FALLS, {}, "", {})
FIVE = [replace(PASSING, seed=seed) for seed in range(5)]


def test_passed_takes_five_seeds_and_20_000_leads_each():
    unsure = replace(PASSING, falls={"scout": {"log_loss": Interval(0.6, 0.499, 0.65)}})
    nobody = replace(PASSING, falls={})
    undefined = replace(PASSING, falls={"scout": {"log_loss": Interval(*[float("nan")] * 3)}})
    dearer = replace(PASSING, natural_rise=0.011)
    for failing, why in (
        (unsure, "the least lower end of a fall is 49.9 %: it DOES NOT REACH 50 %"),
        (nobody, "the least lower end of a fall is not defined"),
        (undefined, "the least lower end of a fall is not defined"),
        (dearer, "natural leads cost +1.1 % (at most 1)"),
        (replace(PASSING, natural_rise=float("nan")), "natural leads cost +nan % (at most 1)"),
    ):
        said = f"FAILED: seed 1: {why}", 1
        assert verdict([failing], full=True) == said == verdict([*FIVE, failing], full=True)
    assert verdict(FIVE, full=True) == ("PASSED on seeds 0, 1, 2, 3, 4", 0)
    line, code = verdict([unsure], full=True, quick=True)
    assert "NOT THE CHECK" in line and "PASSED" not in line and code == 0
    few = [*FIVE[:4], replace(PASSING, seed=9, leads=600)]
    for records, full in ((FIVE, False), (FIVE[:4], True), ([PASSING] * 5, True), (few, True)):
        line, code = verdict(records, full=full)
        assert code == 0 and line.startswith(f"holds on {len({each.seed for each in records})} seed(s)")


@pytest.mark.parametrize("ceiling", [0.649, float("nan")])
def test_nothing_passes_on_leads_that_leave_no_room(ceiling):
    five = [replace(FIVE[0], least_ceiling=ceiling), *FIVE[1:]]
    for records, full in ((five, True), (five[:1], False)):
        line, code = verdict(records, full=full)
        assert code == 1 and "the oracle itself falls less than 65 % on seed 0" in line and "PASSED" not in line
    assert verdict(five[1:], full=False)[1] == 0
    with pytest.raises(ValueError, match="no trial"):
        verdict([], full=True)


def test_other_settings_or_other_code_make_another_record(tmp_path, monkeypatch):
    settings = TrialSettings()
    assert made_of(settings) == made_of(TrialSettings()) != made_of(settings.model_copy(update={"leads": 15_000}))
    for name, text in (("__init__.py", ""), ("room/file.py", "A = 1\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("tinyscout.__file__", str(tmp_path / "__init__.py"))
    before = made_of(settings)
    monkeypatch.setattr("tinyscout.stress.records.version", lambda name: "0.0")
    assert made_of(settings) != before
    monkeypatch.undo()
    monkeypatch.setattr("tinyscout.__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "room" / "file.py").write_text("A = 2\n", encoding="utf-8")
    assert made_of(settings) != before
