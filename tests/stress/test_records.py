"""The verdict on the seeds that were judged, and what tells whether a record may stand for its seed."""

import json
from dataclasses import replace
from functools import partial

import pytest

from tinyscout.metrics.bootstrap import Interval
from tinyscout.stress.families import Family, families, load, register
from tinyscout.stress.records import Record, kept, made_of, set_aside, verdict
from tinyscout.stress.trial import TrialSettings

FALL = Interval(0.6, 0.55, 0.65)
FOUND = {
    "seed": 1,
    "natural_rise": 0.01,
    "judged": {
        "falls": {"scout": {"log_loss": FALL.to_dict()}},
        "ceiling": {"log_loss": {"value": 0.7}},
        "figures": {"all": {}},
    },
}
PASSING = Record(1, "abc", 20_000, 0.7, 0.01, {"scout": {"log_loss": FALL}}, {}, "", FOUND)
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


def test_what_other_code_judged_is_set_aside_and_not_lost(tmp_path):
    file = tmp_path / "check.json"
    text = json.dumps({"trials": [PASSING.to_json()], "before": []})
    file.write_text(text, encoding="utf-8")
    set_aside(file, "abc")
    assert [each.name for each in tmp_path.iterdir()] == ["check.json"]
    for number, held in enumerate((text, text, "{"), 1):
        file.write_text(held, encoding="utf-8")
        set_aside(file, "def")
        assert not file.exists() and (tmp_path / f"check-{number}.json").read_text(encoding="utf-8") == held
    set_aside(file, "def")  # where there is none, nothing happens
    assert kept(file, "abc") == {1: PASSING} and kept(file, "def") == {}


def test_what_is_to_be_judged_anew_is_set_aside_and_not_taken_for_judged(tmp_path):
    file, records = tmp_path / "check.json", [replace(PASSING, seed=seed) for seed in (1, 2)]
    trials = [{**each.to_json(), "seed": each.seed} for each in records]
    file.write_text(json.dumps({"trials": trials, "before": []}), encoding="utf-8")
    set_aside(file, "abc", but=[3])
    assert file.exists() and set(kept(file, "abc", but=[3])) == {1, 2}
    set_aside(file, "abc", but=[2, 3])
    assert not file.exists() and (tmp_path / "check-1.json").exists()
    assert set(kept(file, "abc", but=[2, 3])) == {1} and set(kept(file, "abc")) == {1, 2}


def test_a_family_from_outside_makes_other_records(monkeypatch, tmp_path):
    ours = {each.name: each for each in families()}
    monkeypatch.setattr("tinyscout.stress.families._FAMILIES", ours)
    made = [made_of(TrialSettings())]
    assert made[0] == made_of(TrialSettings()) != made_of(TrialSettings(own=7))
    for word in ("a", "b"):
        text = f"WORD = '{word}'\n\n\ndef family(leads, signals, budget, rng):\n    return leads, signals\n"
        (tmp_path / "outside.py").write_text(text, encoding="utf-8")
        ours.pop("outside", None)
        register(load(tmp_path / "outside.py"))
        made.append(made_of(TrialSettings()))
    ours.pop("outside")
    register(Family("outside", "", partial(lambda *given: given)))  # in no file
    assert made_of(TrialSettings()) == made_of(TrialSettings())
    assert len({*made, made_of(TrialSettings())}) == 4
