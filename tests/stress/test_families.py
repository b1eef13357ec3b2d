"""Written families: twins that an additive score can't tell apart, within the threat model, judged by the oracle."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tinyscout.errors import InputError
from tinyscout.leads import oracle
from tinyscout.leads.splits import time_split
from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world import World
from tinyscout.leads.world_texts import TEMPLATES
from tinyscout.models.features import BaselineFeatures
from tinyscout.stress import families as room
from tinyscout.stress import held_out, written
from tinyscout.stress.families import Attacked, Family, attack, concatenate, families, load, register
from tinyscout.stress.threat import BUDGET, check, distance, table
from tinyscout.stress.variants import join, source_rows
from tinyscout.tokenizer import SalesTokenizer

NAMES = [each.name for each in families()]
EXACT = [each.name for each in families() if each.match == "exact"]


def everything(attacked: dict[str, Attacked]) -> Attacked:
    return concatenate(list(attacked.values()), np.random.default_rng(0))


@pytest.fixture(scope="module", params=[False, True], ids=["case as it is", "case folded"])
def yardstick(request, tables, attacked) -> tuple[SalesTokenizer, BaselineFeatures]:
    """Tokenizer and features learnt from natural and attacked leads together, so that they know every word. The
    natural yardstick reads case as it is, the hardened one has the scout's tokenizer, which folds it."""
    both, _ = join([tables, everything(attacked).world.tables], np.random.default_rng(1))
    tokenizer = SalesTokenizer.fit(both, fold_case=request.param)
    return tokenizer, BaselineFeatures.fit(tokenizer.encode(both), tokenizer.vocabulary)


def test_there_are_enough_families_in_both_halves():
    assert len(NAMES) >= 12 and len(set(NAMES)) == len(NAMES)
    assert 3 * len(EXACT) >= 2 * len(NAMES)
    seen, held_out = families(held_out=False), families(held_out=True)
    assert len(seen) + len(held_out) == len(NAMES)
    for half in (seen, held_out):
        assert len(half) >= 6 and 3 * sum(each.match == "exact" for each in half) >= 2 * len(half)


def test_a_held_out_family_asks_for_a_skill_that_a_seen_one_teaches():
    taught = {each.skill for each in families(held_out=False)}
    assert {each.skill for each in families(held_out=True)} <= taught


def test_no_held_out_sentence_is_one_of_the_worlds():
    templates = {re.sub(r"{\w+}", "_", each) for some in TEMPLATES.values() for each in some}
    known = [value for name, value in vars(held_out).items() if name.startswith("_") and isinstance(value, tuple)]
    forms = [each for value in known for each in value if isinstance(each, str) and "{" in each]
    forms = [each.removeprefix("{opening}, ").removesuffix(" {closing}") for each in forms]
    assert len(forms) >= 6 and not templates & {re.sub(r"{\w+}", "_", each) for each in forms}


@pytest.mark.parametrize("each", families(), ids=NAMES)
def test_a_story_is_one_sentence_to_read_out(each):
    assert 40 < len(each.story) < 260 and each.story.isascii() and each.story.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_family_stays_within_the_threat_model_and_tells_nothing(name, tables, attacked):
    made = attacked[name].world
    truth = made.truth
    assert check(tables, made.tables) == []
    assert 0 < distance(tables, made.tables).max() <= BUDGET
    assert len(made.tables) >= 60
    assert truth["contact_id"].tolist() == made.tables.leads["contact_id"].tolist()
    assert (truth["family"] == name).all()
    assert truth.groupby("pair")["role"].agg(sorted).map(tuple).unique().tolist() == [("decoy", "sleeper")]
    columns = [*made.tables.leads, *made.tables.signals]
    assert columns == [*tables.leads, *tables.signals]
    # neither the number of a variant nor its place tells the role
    first = truth.drop_duplicates("pair")["role"]
    assert 0.2 < (first == "decoy").mean() < 0.8
    numbered = truth.loc[truth["contact_id"].str.endswith("~0"), "role"]
    assert 0.2 < (numbered == "decoy").mean() < 0.8


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_belongs_to_its_source(name, tables, attacked):
    made = attacked[name].world.tables
    source = tables.take(source_rows(tables, made))
    for column in ("lead_id", "contacted_at", "persona", "campaign", "plan_fit"):
        pd.testing.assert_series_equal(
            made.leads[column].astype(object), source.leads[column].astype(object), check_dtype=False
        )
    assert not set(made.leads["contact_id"]) & set(tables.leads["contact_id"])
    assert made.mature.all()


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_tells_sleepers_from_decoys(name, attacked):
    made = attacked[name].world
    np.testing.assert_array_equal(oracle.reply_probability(made.tables), made.truth["reply_probability"])
    chance = made.truth.pivot(index="pair", columns="role", values="reply_probability")
    assert (chance["sleeper"] > chance["decoy"] + 0.5).mean() > 0.85
    assert chance["sleeper"].mean() > 0.85 and chance["decoy"].mean() < 0.1


@pytest.mark.parametrize("name", EXACT)
def test_exact_twins_have_equal_yardstick_features(name, attacked, yardstick):
    tokenizer, _ = yardstick
    made = attacked[name].world
    tokens = tokenizer.encode(made.tables)
    order = made.truth.sort_values(["pair", "role"], kind="stable").index.to_numpy()
    assert abs(between_twins(made, made.tables, yardstick)).max() == 0
    for decoy, sleeper in zip(order[0::2], order[1::2], strict=True):  # and yet they are not the same lead
        one, other = tokens.take(np.array([decoy])), tokens.take(np.array([sleeper]))
        assert len(one.ids) == len(other.ids)
        assert not (np.array_equal(one.ids, other.ids) and np.array_equal(one.ages, other.ages, equal_nan=True))


def between_twins(made: World, tables: LeadTables, yardstick) -> csr_matrix:
    """Yardstick features of decoys minus those of their sleepers (pairs, F); tables: the leads as they are read."""
    tokenizer, features = yardstick
    X = features.transform(tokenizer.encode(tables))
    order = made.truth.sort_values(["pair", "role"], kind="stable").index.to_numpy()
    return X[order[0::2]] - X[order[1::2]]


def test_a_signal_more_in_one_twin_is_seen_by_the_yardstick(attacked, yardstick):
    made = attacked["stale_stuffing"].world
    first, tables = int(np.flatnonzero(made.truth["role"] == "decoy")[0]), made.tables
    keep = np.arange(len(tables.signals)) != tables.offsets[first]
    offsets = tables.offsets - (np.arange(len(tables.offsets)) > first)
    fewer = replace(tables, signals=tables.signals[keep].reset_index(drop=True), offsets=offsets)
    assert abs(between_twins(made, fewer, yardstick)).max() > 0


def test_no_word_is_new(tables, attacked):
    """A held-out sentence is built from words that natural leads use too: it asks for grammar, not for a dictionary."""

    def words(made) -> set[str]:
        return set(" ".join(made.signals["text"].dropna().unique()).replace(",", " ").replace(".", " ").split())

    assert words(everything(attacked).world.tables) <= words(tables)


def test_what_is_not_exact_does_differ(attacked, yardstick):
    tokenizer, features = yardstick
    for each in families():
        if each.match == "exact":
            continue
        made = attacked[each.name].world
        order = made.truth.sort_values(["pair", "role"], kind="stable").index.to_numpy()
        X = features.transform(tokenizer.encode(made.tables))
        assert (abs(X[order[0::2]] - X[order[1::2]]).sum(axis=1) > 0).all()


def test_labels_are_drawn_from_the_oracle(attacked):
    made = everything(attacked).world
    chance, y = made.truth["reply_probability"].to_numpy(), made.tables.labels
    error = (y - chance).sum() / np.sqrt((chance * (1 - chance)).sum())
    assert abs(error) < 4
    replied = made.tables.leads["replied_at"]
    assert (replied.notna() == (y == 1)).all()
    assert (replied.dropna() > made.tables.leads["contacted_at"][replied.notna()]).all()


def test_variants_stay_on_the_side_of_their_source_in_a_split(tables, attacked):
    both, position = join([tables, everything(attacked).world.tables], np.random.default_rng(2))
    split = time_split(both, holdout=0.3)
    ids = both.leads["lead_id"].to_numpy(str)
    assert (position >= len(tables)).sum() > 1000
    assert not set(ids[split.train]) & set(ids[split.test])


def test_the_same_seed_makes_the_same_attack(tables):
    family = families()[0]
    one, two = (attack(family, tables, pairs=20, rng=np.random.default_rng(3)).world for _ in range(2))
    pd.testing.assert_frame_equal(one.truth, two.truth)
    pd.testing.assert_frame_equal(one.tables.signals, two.tables.signals)


def test_a_liar_is_not_believed(tables):
    """A family that calls untouched leads sleepers gets the oracle's labels all the same."""

    def liar(leads, signals, budget, rng):
        return leads.assign(role="sleeper", label=1.0), signals

    made = attack(Family("liar", "", liar), tables, pairs=300, rng=np.random.default_rng(4)).world
    assert (made.truth["role"] == "sleeper").all() and made.truth["reply_probability"].mean() < 0.15
    assert made.tables.labels.mean() < 0.15


def test_what_breaks_the_threat_model_is_refused_with_its_twin(tables):
    def greedy(leads, signals, budget, rng):
        signals["text"] = signals["text"].mask(signals["row"] == 0, "for everybody")
        signals.loc[signals["row"] == 1, "channel"] = "pigeon"
        return leads.assign(pair=np.arange(len(leads)) // 2), signals

    made = attack(Family("greedy", "", greedy), tables.take(np.arange(40)), pairs=20, rng=np.random.default_rng(5))
    assert {violation.rule for violation in made.refused} >= {"text", "kind"}
    assert check(tables, made.world.tables) == []
    assert made.world.truth.groupby("pair").size().eq(2).all()


def test_a_family_is_shown_no_label(tables):
    shown = []

    def nosy(leads, signals, budget, rng):
        shown.extend([*leads, *signals])
        return leads, signals

    attack(Family("nosy", "", nosy), tables.take(np.arange(60)), pairs=5, rng=np.random.default_rng(6))
    assert not {"label", "replied_at", "order"} & set(shown) and {"persona", "kind", "text"} <= set(shown)


def test_signals_after_the_contact_cost_their_lead_alone(tables):
    def late(leads, signals, budget, rng):
        return leads, signals.assign(at=signals["at"].mask(signals["row"] % 2 == 0, leads["contacted_at"].max()))

    made = attack(Family("late", "", late), tables.take(np.arange(300)), pairs=100, rng=np.random.default_rng(7))
    assert {violation.rule for violation in made.refused} == {"time"}
    assert len(made.world.tables) == 100 and made.leads_refused >= 100 and made.returned >= 300


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda leads, signals: (leads, signals.assign(row=signals["row"] - 1)), "row is -1; needs a place"),
        (lambda leads, signals: (leads, signals.assign(row=signals["row"] + 0.4)), "row is 0.4; needs whole numbers"),
        (lambda leads, signals: (leads.iloc[:3], signals), "row is 3; needs a place among the 3 leads"),
        (lambda leads, signals: (leads, signals.drop(columns="kind")), "signals: lack the column kind"),
        (lambda leads, signals: (leads.drop(columns="contact_id"), signals), "leads: lack the column contact_id"),
        (lambda leads, signals: (leads.assign(employees="many"), signals), "leads: employees holds what is no number"),
        (lambda leads, signals: (leads.assign(pair=np.nan), signals), "leads: pair is nan; needs whole numbers"),
        (lambda leads, signals: (leads, signals.assign(at=signals["at"].dt.tz_localize(None))), "at has no time zone"),
        (lambda leads, signals: (leads, signals.assign(at="soon")), "returned no lead tables"),
    ],
)
def test_what_is_no_lead_table_is_an_error_that_says_where(tables, change, said):
    odd = Family("odd", "", lambda leads, signals, budget, rng: change(leads, signals))
    with pytest.raises(InputError, match="returned no lead tables") as caught:
        attack(odd, tables, pairs=5, rng=np.random.default_rng(7))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_moments_in_another_zone_and_numbers_as_text_are_read_as_they_are_meant(tables):
    def abroad(leads, signals, budget, rng):
        zone = "Asia/Tokyo" if rng.random() < 0.5 else "America/Lima"
        signals = signals.assign(at=signals["at"].dt.tz_convert(zone))
        return leads.assign(
            contacted_at=leads["contacted_at"].dt.tz_convert(zone), employees=leads["employees"].astype(str)
        ), signals

    made = attack(Family("abroad", "", abroad), tables, pairs=600, rng=np.random.default_rng(7)).world.tables
    tokenizer, same = SalesTokenizer.fit(tables, merges=50), tables.take(source_rows(tables, made))
    assert len(made) == 600 and (tokenizer.encode(made).ids == tokenizer.encode(same).ids).all()


def test_a_family_from_outside_cannot_choose_which_labels_are_drawn(tables):
    def known(leads, signals, budget, rng):
        rng.bit_generator.state = np.random.default_rng(1).bit_generator.state
        return leads, signals

    one, two = (
        attack(
            Family("known", "", known), tables.take(np.arange(900)), pairs=900, rng=np.random.default_rng(seed)
        ).world
        for seed in (2, 3)
    )
    both = one.truth.merge(two.truth, on="contact_id", suffixes=("", "_"))
    labels = [world.tables.leads.set_index("contact_id")["label"].loc[both["contact_id"]] for world in (one, two)]
    assert len(both) > 100 and (labels[0].to_numpy() != labels[1].to_numpy()).any()


FILE = '''
import pandas as pd

def family(leads, signals, budget, rng):
    """One more look at the prices, a minute before the call."""
    look = pd.DataFrame({"row": range(len(leads)), "at": leads["contacted_at"] - pd.Timedelta(seconds=90.5)})
    look = look.assign(kind="pricing_page", channel="web", text=None)
    return leads, pd.concat([signals, look], ignore_index=True)
'''


def test_a_family_that_fails_is_an_error_in_one_line(tables):
    with pytest.raises(
        InputError, match=r'family "broken" failed in line \d+ of test_families.py \(KeyError'
    ) as caught:
        attack(
            Family("broken", "", lambda leads, *_: leads["shoe_size"]), tables, pairs=5, rng=np.random.default_rng(7)
        )
    assert "\n" not in str(caught.value)


def test_a_family_from_a_file(tables, tmp_path):
    path = tmp_path / "last_look.py"
    path.write_text(FILE, encoding="utf-8")
    family = load(path)
    assert (family.name, family.held_out) == ("last_look", True)
    assert family.story == "One more look at the prices, a minute before the call."
    made = attack(family, tables, pairs=200, rng=np.random.default_rng(8)).world
    assert len(made.tables) == 200 and set(made.truth["role"]) == {"decoy", "sleeper"}
    assert (distance(tables, made.tables) == 1).all()


def test_the_families_of_the_docs_work_and_their_threat_model_is_ours(tables, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "attacks.md").read_text(encoding="utf-8")
    assert f"```\n{table()}\n```" in text
    blocks = [each for each in re.findall("```python\n(.*?)```", text, re.DOTALL) if "def family(" in each]
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        (tmp_path / f"docs_{number}.py").write_text(block, encoding="utf-8")
        made = attack(load(tmp_path / f"docs_{number}.py"), tables, pairs=40, rng=np.random.default_rng(9))
        assert made.pairs >= 20 and made.leads_refused < made.returned / 50
    truth = made.world.truth
    chance = truth.groupby(["pair", "role"])["reply_probability"].first().unstack()
    assert (chance["sleeper"] > chance["decoy"]).mean() > 0.9


def test_a_file_may_hold_what_python_files_hold(tmp_path):
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    head += "@dataclass\nclass Day:\n    at: float = 1\n"
    (tmp_path / "tidy.py").write_text(head + FILE, encoding="utf-8")
    assert load(tmp_path / "tidy.py").name == "tidy"


@pytest.mark.parametrize("name", ["bot_opens", "search", "search: model"])
def test_a_name_of_ours_is_taken_even_before_ours_are_there(name):
    code = f"""
from tinyscout.errors import InputError
from tinyscout.stress.families import Family, families, register
try:
    register(Family({name!r}, "", lambda leads, signals, budget, rng: (leads, signals)))
except InputError as error:
    print(error)
print(len(families()))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    said, count = ran.stdout.splitlines()
    assert name in said and "give it another name" in said and int(count) == len(families())


@pytest.mark.parametrize(
    ("content", "message"),
    [("x = 1", "defines no function"), ("raise OSError('no')", "fails when it is run"), (None, "no such file")],
)
def test_a_file_that_is_no_family(tmp_path, content, message):
    path = tmp_path / "other.py"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load(path)


def test_register_takes_a_function_once(monkeypatch):
    monkeypatch.setattr(room, "_FAMILIES", dict(room._FAMILIES))

    def whisper(leads, signals, budget, rng):
        """Nothing but rumours.

        More of it.
        """
        return leads, signals

    assert register(whisper).story == "Nothing but rumours."
    assert families()[-1].name == "whisper" and families()[-1].held_out
    with pytest.raises(InputError, match="registered already"):
        register(whisper)


def test_calm_leads_have_only_background_lately(tables):
    fit = written.calm(tables.leads, tables.signals, 35.0)
    kinds = tables.signals.loc[fit[tables.signals["row"]] & (tables.signals["age_hours"] < 35 * 24), "kind"]
    assert 0.2 < fit.mean() < 0.8
    assert set(kinds) <= {"email_open", "outreach_email", "social_like", "careers_page"}
