"""The speed table is whole: every row is measured by a script that is there, judged, and explained in the README.

And what decides whether experts and writers pass does so at its limits, and the page of real leads is an honest one.
"""

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tinyscout.leads.splits import time_split
from tinyscout.leads.world import World
from tinyscout.metrics import Interval
from tinyscout.settings import ScoutSettings
from tinyscout.stress.harden import HardenSettings
from tinyscout.stress.trial import TrialSettings

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("speed")


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("verdicts")


@pytest.fixture
def stress_real(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("stress_real")


def test_every_row_has_a_script_and_a_line_in_the_readme(speed: Any) -> None:
    assert {key for part in speed.PARTS.values() for key in part.keys} == set(speed.REQUIRED)
    assert all((BENCHMARKS / part.command[0]).is_file() for part in speed.PARTS.values())
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert [key for key in speed.REQUIRED if f"`{key}`" not in readme] == []
    sections = {line.removeprefix("## ") for line in readme.splitlines() if line.startswith("## ")}
    assert {part.command[0] for part in speed.PARTS.values()} <= sections


@pytest.mark.parametrize(
    ("key", "value", "verdict"),
    [
        ("gemm", 0.99, "missed"),
        ("gemm", 1.0, "met"),
        ("gemm", 1.1, "aim"),
        ("first probability", 1.41, "missed"),
        ("first probability", 1.4, "met"),
        ("first probability", 1.0, "aim"),
        ("int8 file", 0.2, "met"),
        ("256 leads torch.compile", 0.1, "reported"),
    ],
)
def test_a_limit_is_met_from_the_right_side(speed: Any, key: str, value: float, verdict: str) -> None:
    assert speed.row_of(speed.Figure(key, value))["verdict"] == verdict


def test_the_table_shows_the_worst_verdict_and_what_was_not_measured(speed: Any) -> None:
    figures = [
        speed.Figure("256 leads int8", 2.5, "D 64", 1, "7 ms", "17 ms"),
        speed.Figure("256 leads int8", 1.5, "D 64", 2, "6 ms", "9 ms"),
    ]
    rows = [speed.row_of(figure) for figure in figures]
    table = speed.table({"rows": rows, "asked_for": ["gemm", "256 leads int8"]}).splitlines()
    assert len(table) == 4 and len({len(line) for line in table}) == 1
    assert table[2].split("|")[-2].strip() == "not measured"
    cells = [cell.strip() for cell in table[3].split("|")[1:-1]]
    assert cells[1:] == ["2x", "2.3x", "7 ms", "17 ms", "2.50x", "6 ms", "9 ms", "1.50x", "missed"]


def layer(information: float = 0.3, one_expert: float = 0.249) -> dict[str, float]:
    return {"information": information, "one_expert": one_expert}


@pytest.mark.parametrize(
    ("low", "layers", "met"),
    [
        (0.0, [layer(), layer()], True),
        (0.0001, [layer(), layer()], False),  # surely worse than dense
        (0.0, [layer(), layer(information=0.299)], False),
        (0.0, [layer(one_expert=0.25), layer()], False),
        (0.0, [], False),  # no transformer, so no expert either
    ],
)
def test_experts_are_no_worse_and_tell_personas_apart(verdicts: Any, low: float, layers: list, met: bool) -> None:
    assert verdicts.experts_met(Interval(low + 0.001, low, low + 0.002), layers, of_personas=True) == met


def test_dense_and_leads_without_personas_need_no_layers(verdicts: Any) -> None:
    assert verdicts.experts_met(None, [], of_personas=False)
    assert verdicts.experts_met(Interval(0.001, -0.001, 0.003), [], of_personas=False)
    assert not verdicts.experts_met(Interval(0.002, 0.001, 0.003), [], of_personas=False)


@pytest.mark.parametrize(("free", "follows", "met"), [(0.95, 0.9, True), (0.949, 1.0, False), (1.0, 0.899, False)])
def test_drafts_have_to_be_true_and_as_told(verdicts: Any, free: float, follows: float, met: bool) -> None:
    right = {"free": 1.0, "follows": 1.0}
    assert verdicts.drafts_met([right, {"free": free, "follows": follows}]) == met


@pytest.mark.parametrize(("wins", "free", "met"), [(0.501, 0.0, True), (0.5, 0.1, False), (0.6, -0.001, False)])
def test_tuning_has_to_win_surely_and_not_to_be_surely_less_true(
    verdicts: Any, wins: float, free: float, met: bool
) -> None:
    row = {"wins": Interval(wins + 0.1, wins, wins + 0.2), "free_gain": Interval(free - 0.1, free - 0.2, free)}
    assert verdicts.tuning_met(row) == met


def test_on_real_leads_all_contestants_are_judged_and_none_saw_the_answers(
    stress_real: Any, small_world: World, small_settings: ScoutSettings
) -> None:
    tables = small_world.tables
    settings = TrialSettings(trials=1, natural=small_settings, harden=HardenSettings(scout=small_settings))
    found, text = stress_real.study(tables, settings, seed=0)
    names = set(found["figures"]["log_loss"])
    assert len(names) == 8 and all(f"\n{name} " in text for name in names)
    assert set(found["of"]) == names - {"logistic"} and json.dumps(found)
    assert found["figures"]["roc_auc"][stress_real.RATE] == 0.5
    split = time_split(tables, holdout=stress_real.HOLDOUT)
    others = tables.leads["label"].to_numpy().copy()
    others[split.test] = 1 - others[split.test]
    turned, _ = stress_real.study(replace(tables, leads=tables.leads.assign(label=others)), settings, seed=0)
    for name in names:  # the same scores, of which as many are wrong now as were right
        assert turned["figures"]["roc_auc"][name] == pytest.approx(1 - found["figures"]["roc_auc"][name])
