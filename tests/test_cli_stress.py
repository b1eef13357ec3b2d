"""`tinyscout stress`: families from a file are judged like the project's own, and what is wrong is said in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tinyscout import artifact
from tinyscout.cli import main
from tinyscout.leads.world import load_sample
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.calibrators import Platt
from tinyscout.models.features import BaselineFeatures
from tinyscout.scout import Scout
from tinyscout.settings import FitSettings, ScoutSettings
from tinyscout.stress import families
from tinyscout.stress.contestants import Logistic
from tinyscout.tokenizer import SalesTokenizer

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
    assert printed.isascii() and "this model" in printed and printed.count("a reply: oracle") == 2
    searches = {"search", "search, by gradient"}
    totals = {"all", "all given", "all seen", "all held out", "all against it"}
    assert set(found["attacks"]) == {*(each.name for each in families.families()), *searches, *totals}
    assert found["attacks"]["all given"]["leads"] == found["attacks"]["gone"]["leads"]
    assert all(set(each["falls"]) == {"scout", "oracle"} for each in found["attacks"].values())
    gone = found["attacks"]["gone"]
    assert (
        gone["leads"] > 20 and gone["log_loss"]["oracle"] < 0.3 and gone["returned"] >= gone["leads"] + gone["refused"]
    )
    for name in searches:
        assert found["attacks"][name]["log_loss"]["scout"] > 1.0 > found["attacks"][name]["log_loss"]["oracle"]
    every = found["attacks"]["all"]
    assert every["leads"] == sum(each["leads"] for name, each in found["attacks"].items() if name not in totals)
    fall = every["falls"]["scout"]["log_loss"]
    assert fall["low"] < fall["value"] == pytest.approx(1 - every["log_loss"]["scout"] / every["log_loss"]["baseline"])
    assert "gone: " in printed and "edits each: 1 (median);" in printed


def test_a_family_is_judged_the_same_whatever_stands_beside_it(model, tmp_path):
    (tmp_path / "gone.py").write_text(FAMILY, encoding="utf-8")
    sizes = ["--world-leads", 600, "--searched", 4, "--stories", 0, "--pairs", 10, "--json", tmp_path / "found.json"]
    found = []
    for more in ([], ["--family", tmp_path / "gone.py"]):
        assert stress("--model", model, *more, *sizes) == 0
        found.append(json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["attacks"])
    assert found[0]["circle_back"] == found[1]["circle_back"] and "gone" not in found[0]


def test_what_is_new_in_a_family_s_texts_is_told(model, tmp_path, capsys):
    (tmp_path / "loud.py").write_text(
        "def family(leads, signals, budget, rng):\n"
        "    said = signals['text'].mask(signals['text'].notna(), 'Call me in Q3, when 2 of us are back!')\n"
        "    return leads, signals.assign(text=said)\n",
        encoding="utf-8",
    )
    sizes = ["--world-leads", 600, "--searched", 4, "--stories", 0, "--pairs", 30]
    assert stress("--model", model, "--family", tmp_path / "loud.py", *sizes) == 0
    said = '1 texts are new, and 1 of these say nothing to the oracle, such as "Call me in Q3, when 2 of us are back!"'
    assert said in capsys.readouterr().out


def test_the_hardened_scout_of_a_phase_is_attacked_beside_the_yardsticks_of_the_check(small_scout, tmp_path, capsys):
    """As phase 16 leaves it, and as phase 15 does, which has no yardsticks."""
    tables = load_sample().tables.take(np.arange(3_000))
    tokenizer = SalesTokenizer.fit(tables, merges=100)
    tokens = tokenizer.encode(tables)
    features = BaselineFeatures.fit(tokens, tokenizer.vocabulary)
    logistic = LogisticBaseline(10.0).fit(features.transform(tokens), np.nan_to_num(tables.labels))
    yardstick = Logistic(tokenizer, features, logistic, 1.0, Platt(0.9, 0.1))
    again = Logistic.from_state(json.loads(json.dumps(yardstick.to_state())))
    np.testing.assert_array_equal(again.logits(tables), yardstick.logits(tables))
    weights = {f"scout.{name}": each for name, each in small_scout.stack.weights().items()}
    manifest = artifact.Manifest(name="checked", role="checked_scout", made_by="a test", seed=0, config={})
    sizes = ["--world-leads", 600, "--searched", 4, "--stories", 0, "--pairs", 10, "--json", tmp_path / "found.json"]
    for beside, names in (({}, ["baseline"]), ({"logistic": yardstick.to_state()}, ["logistic"])):
        state = {"scout": small_scout.stack.to_state(), "yardsticks": beside}
        artifact.save(tmp_path / "checked", manifest, weights, state)
        assert stress("--model", tmp_path / "checked", "--dtype", "int8", *sizes) == 0
        found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
        assert set(found["attacks"]["all"]["log_loss"]) == {"oracle", "scout, hardened, int8", *names}
        assert f"falls are against {names[0]}" in capsys.readouterr().out
    artifact.save(tmp_path / "checked", manifest, {}, {"words": []})
    assert stress("--model", tmp_path / "checked", *sizes) == 2
    assert "holds a checked_scout, needs a scout" in capsys.readouterr().err


RETURNS = "def family(leads, signals, budget, rng):\n    "


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (RETURNS + "raise GeneratorExit('enough')", 'family "bad" failed in line 2 of bad.py (GeneratorExit: enough)'),
        (RETURNS + "raise ValueError('\\x1b[31m' + 'a' * 9000)", "(ValueError: \\x1b[31maaa"),
        (RETURNS + "return leads, signals.assign(text='demo ' * 1000)", "a text has 5,000 characters; needs at most"),
        (RETURNS + "return leads.assign(contact_id='me'), signals", "contact_id me is none of those that it was given"),
        (RETURNS + "return leads.assign(contact_id=None), signals", "contact_id None is none of those"),
        (RETURNS + "return leads[:0], signals[:0]", "returned none of the leads it was shown; needs to return some"),
        (RETURNS + "return leads, signals[[*signals, 'kind']]", "signals: has the column kind more than once"),
        (RETURNS + "return leads, signals[[*signals, 'row']]", "signals: has the column row more than once"),
        (RETURNS + "return leads, signals.assign(kind='fax')", "every lead that it edited breaks a rule; the first: "),
        ("raise GeneratorExit", "bad.py: fails when it is run (GeneratorExit:)"),
        ("from tinyscout.stress.families import Family\nfamily = Family('a\\nb', '', len)", "needs a name of one line"),
    ],
)
def test_a_family_that_goes_wrong_is_one_line(model, tmp_path, capsys, code, said):
    (tmp_path / "bad.py").write_text(code, encoding="utf-8")
    sizes = ["--world-leads", 300, "--searched", 2, "--pairs", 4, "--json", tmp_path / "found.json"]
    assert stress("--model", model, "--family", tmp_path / "bad.py", *sizes) == 2
    printed = capsys.readouterr()
    assert said in printed.err and printed.err.isascii() and len(printed.err.strip().splitlines()[-1]) < 600
    assert [line for line in printed.err.splitlines() if "attacks:" not in line] == printed.err.splitlines()[-1:]
    assert not (tmp_path / "found.json").exists()


def test_what_is_read_is_not_written_over(model, tmp_path, capsys):
    (tmp_path / "gone.py").write_text(FAMILY, encoding="utf-8")
    assert stress("--model", model, "--family", tmp_path / "gone.py", "--json", tmp_path / "gone.py") == 2
    assert "is read by this command" in capsys.readouterr().err
    assert stress("--model", model, "--json", model / "manifest.json") == 2
    assert "is in the folder of the model; choose another place" in capsys.readouterr().err
    assert (tmp_path / "gone.py").read_text(encoding="utf-8") == FAMILY
    artifact.load(model)


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
        "return leads.assign(pair=[i // 3 for i in range(len(leads))]), signals",
        "return leads.assign(region='two\\nlines ' * 90), signals",
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


def test_leads_without_twins_and_too_few_repliers_are_null_in_the_json(model, tmp_path):
    """What is not defined is null: JSON has no NaN."""
    (tmp_path / "alone.py").write_text(
        "def family(leads, signals, budget, rng):\n    return leads.assign(plan_fit=leads['plan_fit'] - 1), signals\n",
        encoding="utf-8",
    )
    sizes = ["--world-leads", 600, "--searched", 20, "--pairs", 20, "--json", tmp_path / "found.json"]
    assert stress("--model", model, "--family", tmp_path / "alone.py", *sizes) == 0

    def no_constant(name):
        raise AssertionError(name)

    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert found["attacks"]["alone"]["auc_within_pairs"] is None is found["attacks"]["search"]["auc_within_pairs"]
    assert found["attacks"]["alone"]["credit_waste"]["oracle"] is None


def test_what_its_roles_are_worth_and_that_nothing_was_edited_is_said(model, tmp_path, capsys):
    """A sleeper and a decoy that are the same lead: to the oracle as to the scout they stand level."""
    (tmp_path / "level.py").write_text(
        "import pandas as pd\n\n\ndef family(leads, signals, budget, rng):\n"
        "    both = [leads.assign(role=role, pair=range(len(leads))) for role in ('decoy', 'sleeper')]\n"
        "    more = signals.assign(row=signals['row'] + len(leads))\n"
        "    return pd.concat(both, ignore_index=True), pd.concat([signals, more], ignore_index=True)\n",
        encoding="utf-8",
    )
    sizes = ["--world-leads", 600, "--searched", 4, "--stories", 0, "--pairs", 10, "--json", tmp_path / "found.json"]
    assert stress("--model", model, "--family", tmp_path / "level.py", *sizes) == 0
    printed = capsys.readouterr().out
    assert "edits each: 0 (median); NOT ONE WAS EDITED;" in printed and "0.50 (0.50)" in printed
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["attacks"]
    assert found["level"]["auc_within_pairs"] == found["level"]["oracle_auc_within_pairs"] == 0.5
    assert found["all seen"]["oracle_auc_within_pairs"] > 0.85


def test_a_baseline_that_ships_is_searched_by_its_score_and_stands_alone(small_scout, tmp_path, capsys):
    replace(small_scout, ships="baseline").save(tmp_path / "scout")
    sizes = ["--world-leads", 600, "--searched", 4, "--stories", 0, "--pairs", 5, "--json", tmp_path / "found.json"]
    assert stress("--model", tmp_path / "scout", *sizes) == 0
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["ships"] == "baseline" and "search, by gradient" not in found["attacks"]
    assert "falls" not in found["attacks"]["all"] and "nobody to judge it by" in capsys.readouterr().out


def test_a_scout_that_knows_no_words_is_searched_along_its_gradient_all_the_same(tmp_path):
    tables = load_sample().tables.take(np.arange(3_000))
    tables = replace(tables, signals=tables.signals.iloc[:0], offsets=np.zeros(len(tables) + 1, np.int64))
    fit = FitSettings(epochs=1)
    Scout.fit(tables, ScoutSettings(members=1, fit=fit)).save(tmp_path / "scout")
    replace(Scout.load(tmp_path / "scout"), ships="scout").save(tmp_path / "scout")
    sizes = ["--world-leads", 600, "--searched", 4, "--stories", 0, "--pairs", 5, "--json", tmp_path / "found.json"]
    assert stress("--model", tmp_path / "scout", *sizes) == 0
