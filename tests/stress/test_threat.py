"""Natural leads are plausible, each rule catches what breaks it, and no edit goes uncounted."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world import make_world
from tinyscout.stress import threat
from tinyscout.stress.threat import CHANNELS_OF, RULES, check, distance
from tinyscout.stress.variants import assemble

HOUR = pd.Timedelta(1, "h")
WITH_TEXT = "we would like to see the demo"
SMALL = make_world(400, 1101).tables
ROW = int(np.flatnonzero(np.diff(SMALL.offsets) >= 6)[0])


def edited(change: Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]], row: int) -> LeadTables:
    """One variant of lead `row` of SMALL, its frames changed."""
    source = SMALL.take(np.array([row]))
    leads, signals = change(source.leads.copy(), source.signals.copy())
    return assemble(SMALL, leads, signals, np.random.default_rng(0))[0]


def add(signals: pd.DataFrame, leads: pd.DataFrame, seconds: float, kind: str, channel: str, text=None) -> pd.DataFrame:
    at = leads["contacted_at"].iloc[0] - pd.Timedelta(seconds=seconds)
    new = pd.DataFrame({"row": [0], "at": [at], "kind": [kind], "channel": [channel], "text": [text]})
    return pd.concat([signals, new], ignore_index=True)


def rules_broken(variant: LeadTables, budget: int = threat.BUDGET) -> set[str]:
    return {violation.rule for violation in check(SMALL, variant, budget)}


def test_natural_leads_break_no_rule(tables):
    assert check(tables, tables) == []
    assert not distance(tables, tables).any()


def test_another_world_breaks_no_rule():
    made = make_world(3_000, 1102)
    assert check(made.tables, made.tables) == []


def test_channels_are_those_of_the_world(tables):
    pairs = tables.signals[["kind", "channel"]].astype(str).value_counts().reset_index()  # the commonest first
    found = {kind: tuple(pairs.loc[pairs["kind"] == kind, "channel"]) for kind in pairs["kind"].unique()}
    assert found == CHANNELS_OF


def test_an_untouched_variant_is_no_edit():
    variant = edited(lambda leads, signals: (leads, signals), ROW)
    assert rules_broken(variant) == set()
    assert distance(SMALL, variant).tolist() == [0]


def signal_of(kind: str, channel: str, seconds: float = 500_000.5, text: str | None = None):
    return lambda leads, signals: (leads, add(signals, leads, seconds, kind, channel, text))


def profile_of(**values):
    return lambda leads, signals: (leads.assign(**values), signals)


def many_of(count: int):
    def change(leads, signals):
        for i in range(count):
            signals = add(signals, leads, 400_000 + 333 * i, "docs_visit", "web")
        return leads, signals

    return change


BROKEN = {
    "budget": many_of(threat.BUDGET + 1),
    "time": signal_of("docs_visit", "web", 901 * 86_400),
    "kind": signal_of("docs_visit", "email"),
    "text": signal_of("reply_message", "email"),
    "identity": lambda leads, signals: (leads.assign(lead_id="somebody else"), signals),
    "profile": profile_of(persona="student" if SMALL.leads["persona"].iloc[ROW] != "student" else "developer"),
    "length": many_of(threat.LONGEST + 1),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_catches_what_breaks_it(rule):
    assert rule in rules_broken(edited(BROKEN[rule], ROW))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (signal_of("docs_visit", "web", 59), "time"),
        (signal_of("carrier_pigeon", "web"), "kind"),
        (signal_of("docs_visit", "web", text=WITH_TEXT), "text"),
        (signal_of("reply_message", "email", text="<end>"), "text"),
        (signal_of("reply_message", "email", text="one " * 33), "text"),
        (profile_of(plan_fit=101.0), "profile"),
        (profile_of(employees=10_000_000.0), "profile"),
        (profile_of(tech_stack="cobol"), "profile"),
        (profile_of(months_since_funding=5.0), "profile"),
        (lambda leads, signals: (leads.assign(contacted_at=leads["contacted_at"] + HOUR), signals), "identity"),
    ],
)  # fmt: skip
def test_more_that_breaks_a_rule(change, rule):
    row = int(np.flatnonzero(SMALL.leads[["plan_fit", "employees", "tech_stack"]].notna().all(axis=1))[3])
    assert rules_broken(edited(change, row)) == {rule}


def test_a_smuggled_column_is_caught():
    variant = edited(lambda leads, signals: (leads, signals), ROW)
    leads = variant.leads.assign(role="decoy")
    assert rules_broken(LeadTables(leads, variant.signals, variant.offsets, variant.schema, variant.account)) == {
        "identity"
    }


def test_signals_out_of_order_or_with_a_stale_age_are_caught():
    variant = edited(lambda leads, signals: (leads, signals), ROW)
    for signals in (variant.signals.iloc[::-1].reset_index(drop=True), variant.signals.assign(age_hours=77.0)):
        broken = LeadTables(variant.leads, signals, variant.offsets, variant.schema, variant.account)
        assert "order" in rules_broken(broken)


def test_people_have_a_pace_and_machines_do_not():
    def twice(kind: str, channel: str):
        def change(leads, signals):
            return leads, add(add(signals, leads, 500_000, kind, channel), leads, 500_020, kind, channel)

        return change

    assert rules_broken(edited(twice("docs_visit", "web"), ROW)) == {"pace"}
    assert rules_broken(edited(twice("email_click", "email"), ROW)) == set()


def test_a_smaller_budget_holds():
    assert rules_broken(edited(many_of(3), ROW), budget=3) == set()
    assert rules_broken(edited(many_of(3), ROW), budget=2) == {"budget"}


def test_a_variant_of_nobody_is_an_error():
    with pytest.raises(ValueError, match="has no source"):
        check(SMALL.take(np.arange(ROW)), edited(lambda leads, signals: (leads, signals), ROW))


EDITS = st.lists(st.sampled_from(["add", "drop", "move", "rewrite", "profile"]), max_size=8)


@settings(max_examples=25)
@given(EDITS, st.integers(0, 2**32 - 1))
def test_the_distance_never_exceeds_the_edits_made(edits, seed):
    rng = np.random.default_rng(seed)
    row = int(rng.choice(np.flatnonzero(np.diff(SMALL.offsets) >= 4)))
    made = 0

    def change(leads: pd.DataFrame, signals: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        nonlocal made
        for edit in edits:
            at = int(rng.integers(len(signals))) if len(signals) else -1
            with_text = np.flatnonzero(signals["text"].notna())
            if edit == "add":
                signals = add(signals, leads, float(rng.integers(60, 10**7)), "docs_visit", "web")
            elif edit == "drop" and at >= 0:
                signals = signals.drop(index=at).reset_index(drop=True)
            elif edit == "move" and at >= 0:
                moved = leads["contacted_at"].iloc[0] - pd.Timedelta(seconds=int(rng.integers(60, 10**7)))
                signals.loc[at, "at"] = moved
            elif edit == "rewrite" and len(with_text):
                signals.loc[int(rng.choice(with_text)), "text"] = WITH_TEXT
            elif edit == "profile":
                leads = leads.assign(tech_stack=str(rng.choice(["go", "ruby"])))
            else:
                continue
            made += 1
        return leads, signals

    assert distance(SMALL, edited(change, row))[0] <= made


def test_kinds_that_were_moved_and_kinds_that_were_rewritten_are_counted_each_at_its_least():
    def replies(*said: tuple[int, str, str]):
        def change(leads, signals):
            for seconds, kind, text in said:
                signals = add(signals, leads, seconds, kind, CHANNELS_OF[kind][0], text)
            return leads, signals

        return change

    here, there, call = "please send us the contract", "got the message", "circle back in Q3"
    source = SMALL.take(np.array([ROW]))
    first = [(86_400, "reply_message", here), (172_800, "reply_message", here)]
    first += [(345_600, "call_note", here), (432_000, "call_note", there)]
    then = [(259_200, "reply_message", here), (86_400, "reply_message", call)]
    then += [(345_600, "call_note", there), (518_400, "call_note", here)]
    base, _ = assemble(SMALL, *replies(*first)(source.leads, source.signals), np.random.default_rng(0))
    base.leads["contact_id"] = source.leads["contact_id"]
    assert distance(base, edited(replies(*then), ROW)).tolist() == [4]


SIGNALS = st.lists(
    st.tuples(st.sampled_from([10**4, 10**5, 10**6]), st.sampled_from(threat.WITH_TEXT), st.sampled_from("abc")),
    max_size=5,
    unique_by=lambda signal: signal[0],
)


@settings(max_examples=60)
@given(SIGNALS, SIGNALS)
def test_the_distance_is_that_of_the_best_of_all_pairings(before, after):
    quiet = int(np.flatnonzero(np.diff(SMALL.offsets) == 0)[0])

    def of(said):
        def change(leads, signals):
            for seconds, kind, text in said:
                signals = add(signals, leads, seconds, kind, CHANNELS_OF[kind][0], text)
            return leads, signals

        return edited(change, quiet)

    base = of(before)
    base.leads["contact_id"] = SMALL.leads["contact_id"].iloc[[quiet]].to_numpy()
    saved = np.zeros((len(before), len(after)))  # edits that a pairing spares: of taking one away and adding another
    for i, (seconds, kind, text) in enumerate(before):
        for j, (other, of_kind, said) in enumerate(after):
            alike = (seconds == other) + (text == said)
            saved[i, j] = alike if kind == of_kind else 0
    most = saved[linear_sum_assignment(saved, maximize=True)].sum()
    assert distance(base, of(after)).tolist() == [len(before) + len(after) - most]


@pytest.mark.parametrize(
    ("change", "edits"),
    [
        (many_of(5), 5),
        (lambda leads, signals: (leads, signals.iloc[3:]), 3),
        (profile_of(employees=20.0), 1),
        (lambda leads, signals: (leads, signals.assign(at=signals["at"] - pd.Timedelta(90, "s"))), 9_999),
    ],
)
def test_the_distance_counts_each_edit(change, edits):
    row = int(np.flatnonzero((SMALL.leads["employees"] > 22) & (np.diff(SMALL.offsets) >= 4))[0])
    expected = int(np.diff(SMALL.offsets)[row]) if edits == 9_999 else edits
    assert distance(SMALL, edited(change, row)).tolist() == [expected]


def test_two_texts_that_change_places_are_two_edits():
    def with_two(first: str, second: str):
        def change(leads, signals):
            signals = add(signals, leads, 900_000, "reply_message", "email", first)
            return leads, add(signals, leads, 500_000, "reply_message", "email", second)

        return change

    here, there = "please send us the contract", "got the message"
    source = SMALL.take(np.array([ROW]))
    base, _ = assemble(SMALL, *with_two(here, there)(source.leads, source.signals), np.random.default_rng(0))
    base.leads["contact_id"] = source.leads["contact_id"]
    swapped = edited(with_two(there, here), ROW)
    assert distance(base, swapped).tolist() == [2]


def test_the_table_names_every_rule_and_cost():
    text = threat.table()
    assert text.isascii() and all(f"{rule} " in text for rule in RULES) and str(threat.BUDGET) in text
    assert max(map(len, text.splitlines())) <= 120
