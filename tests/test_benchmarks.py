"""The speed table is whole: every row is measured by a script that is there, judged, and explained in the README."""

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("speed")


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
