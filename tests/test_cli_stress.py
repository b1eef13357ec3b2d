"""`tinyscout stress`: families from a file are judged like the project's own, and what is wrong is said in one line."""

import json

import pytest

from tinyscout.cli import main
from tinyscout.stress import families

FAMILY = '''
"""Everybody unsubscribed a minute ago and more."""

def family(leads, signals, budget, rng):
    """They unsubscribed, and nobody noticed."""
    import pandas as pd

    last = leads.assign(row=range(len(leads)))
    added = pd.DataFrame({"row": last["row"], "at": last["contacted_at"] - pd.Timedelta(minutes=3),
                          "kind": "unsubscribe", "channel": "email", "text": None})
    return leads, pd.concat([signals, added], ignore_index=True)
'''


@pytest.fixture
def model(small_scout, tmp_path):
    small_scout.save(tmp_path / "scout")
    return tmp_path / "scout"


@pytest.fixture(autouse=True)
def own_families(monkeypatch):
    families.families()
    monkeypatch.setattr(families, "_FAMILIES", dict(families._FAMILIES))


def stress(*arguments) -> int:
    return main(["stress", *map(str, arguments)])


def test_a_family_from_a_file_stands_beside_the_others(model, tmp_path, capsys):
    (tmp_path / "gone.py").write_text(FAMILY, encoding="utf-8")
    sizes = ["--world-leads", 1_500, "--searched", 20, "--stories", 2]
    assert stress("--model", model, "--family", tmp_path / "gone.py", *sizes, "--json", tmp_path / "found.json") == 0
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert printed.isascii() and "this model" in printed and printed.count("a reply: the oracle") == 2
    assert set(found["attacks"]) == {*(each.name for each in families.families()), "search"} > {"gone", "circle_back"}
    gone = found["attacks"]["gone"]
    assert gone["leads"] > 20 and gone["the oracle"] < 0.3
    assert found["attacks"]["search"]["scout"] > 1.0 > found["attacks"]["search"]["the oracle"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--world-leads", "5"], "--world-leads is 5; needs a whole number of at least 200"),
        (["--family", "nowhere.py"], "nowhere.py: there is no such file"),
    ],
)
def test_bad_input_is_said_in_one_line(model, arguments, said, capsys):
    assert stress("--model", model, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_family_that_breaks_every_rule_is_refused_by_name(model, tmp_path, capsys):
    (tmp_path / "cheat.py").write_text(
        'def family(leads, signals, budget, rng):\n    return leads.assign(region="atlantis",'
        ' campaign="none of ours"), signals\n',
        encoding="utf-8",
    )
    assert stress("--model", model, "--family", tmp_path / "cheat.py", "--world-leads", 400, "--searched", 4) == 2
    assert 'family "cheat"' in capsys.readouterr().err


@pytest.mark.parametrize(
    "body",
    [
        "return leads.head(5), signals",
        "raise SystemExit(0)",
        "return leads",
        "return leads.to_numpy(), signals",
        "raise ValueError('two\\nlines')",
        "return leads.iloc[:0], signals.iloc[:0]",
        "return leads.assign(role='hero', pair=range(len(leads))), signals",
    ],
)
def test_a_family_that_fails_is_said_to(model, tmp_path, capsys, body):
    (tmp_path / "odd.py").write_text(f"def family(leads, signals, budget, rng):\n    {body}\n", encoding="utf-8")
    assert stress("--model", model, "--family", tmp_path / "odd.py", "--world-leads", 400, "--searched", 4) == 2
    error = capsys.readouterr().err
    assert 'family "odd"' in error and error.count("\n") == 1


def test_a_file_that_ends_the_program_is_said_to(model, tmp_path, capsys):
    (tmp_path / "quit.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    assert stress("--model", model, "--family", tmp_path / "quit.py") == 2
    error = capsys.readouterr().err
    assert "quit.py: fails when it is run (SystemExit: 0)" in error and error.count("\n") == 1


def test_three_leads_to_a_pair_are_no_twins_and_the_figures_are_json(model, tmp_path, capsys):
    """What is not defined is null: JSON has no NaN."""
    (tmp_path / "three.py").write_text(
        "def family(leads, signals, budget, rng):\n"
        "    said = ['decoy' if i % 3 else 'sleeper' for i in range(len(leads))]\n"
        "    leads = leads.assign(role=said, pair=[i // 3 for i in range(len(leads))], employees=50)\n"
        "    return leads, signals\n",
        encoding="utf-8",
    )
    sizes = ["--world-leads", 1_500, "--searched", 20, "--json", tmp_path / "found.json"]
    assert stress("--model", model, "--family", tmp_path / "three.py", *sizes) == 0

    def no_constant(name):
        raise AssertionError(name)

    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert found["attacks"]["three"]["auc_within_pairs"] is None is found["attacks"]["search"]["auc_within_pairs"]
