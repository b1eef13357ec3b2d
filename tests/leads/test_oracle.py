"""The oracle: a plain loop gives the same numbers, and each rule does what its sentence says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.leads import oracle, world, world_texts
from tinyscout.leads import oracle_weights as weights
from tinyscout.leads.oracle_texts import CODE, DELAYS, MEANINGS, read_text, read_texts
from tinyscout.leads.schema import Schema
from tinyscout.leads.tables import LeadTables

DAY = 24.0
NEXT_QUARTER = "please circle back in next quarter"
SORRY = "sorry for the missed call"


def tables_of(*leads: tuple[str, list[tuple]]) -> LeadTables:
    """Tables of leads given as (persona, signals), a signal as (days before contact, kind[, text])."""
    contact = pd.Timestamp("2025-03-04T09:00:00", tz="UTC")
    frame = pd.DataFrame(
        {
            "contact_id": [f"c{i}" for i in range(len(leads))],
            "lead_id": [f"l{i}" for i in range(len(leads))],
            "contacted_at": pd.Series([contact] * len(leads)).astype("datetime64[us, UTC]"),
            "order": np.arange(len(leads)),
            "label": 0.0,
            "persona": pd.Categorical([persona for persona, _ in leads]),
        }
    )
    flat = [(row, *signal) for row, (_, signals) in enumerate(leads) for signal in signals]
    signals = pd.DataFrame(
        {
            "row": pd.Series([signal[0] for signal in flat], dtype="int64"),
            "at": pd.Series([contact - pd.Timedelta(days=signal[1]) for signal in flat]).astype("datetime64[us, UTC]"),
            "kind": pd.Categorical([signal[2] for signal in flat]),
            "text": pd.Series([signal[3] if len(signal) > 3 else "" for signal in flat], dtype="str"),
        }
    )
    return LeadTables.from_frames(frame, signals, Schema({"persona": "category"}))


def probability_of(persona: str, *signals: tuple) -> float:
    return float(oracle.reply_probability(tables_of((persona, list(signals))))[0])


def visits(kind: str, *days: float) -> list[tuple]:
    return [(day, kind) for day in days]


DOCS = visits("docs_visit", 1, 2, 3, 4, 5)
LATELY = visits("docs_visit", 0.5, 1, 2)
PAPERS = visits("security_paper", 1, 2, 3, 4, 5)


def plain_probability(seen: oracle.Observed, lead: int) -> float:
    """The oracle's rules for one lead, as a loop over its signals."""
    start, end = seen.offsets[lead], seen.offsets[lead + 1]
    persona = seen.persona[lead]
    mail = {weights.KIND["email_open"], weights.KIND["email_click"]}
    runs: list[list[int]] = []
    for i in range(start, end):
        linked = (
            i > start
            and seen.kind[i] in mail
            and seen.kind[i - 1] in mail
            and (seen.age[i - 1] - seen.age[i]) * 3600 < oracle.BURST_SECONDS
        )
        if linked:
            runs[-1].append(i)
        else:
            runs.append([i])
    bots = {i for run in runs if len(run) >= 3 and seen.kind[run[0]] in mail for i in run}

    evidence, dead, unanswered, rival = 0.0, False, 0, False
    for i in range(start, end):
        days, kind, meaning = seen.age[i] / 24, seen.kind[i], MEANINGS[seen.meaning[i]]
        name = [*weights.KINDS, "unknown"][kind]
        worth = weights.EVIDENCE[persona, kind]
        if name == "free_trial_start":
            worth *= np.exp(-(((days - weights.TRIAL_BEST_DAYS) / weights.TRIAL_WIDTH_DAYS) ** 2))
        else:
            worth *= 0.5 ** (seen.age[i] / weights.HALF_LIFE[kind])
        if meaning in weights.TEXT_EVIDENCE:
            most, half_life = weights.TEXT_EVIDENCE[meaning]
            worth += most * 0.5 ** (days / half_life)
        early = meaning == "defer" and days < weights.DUE_FROM * seen.delay[i]
        due = meaning == "defer" and not early and days <= weights.DUE_UNTIL * seen.delay[i]
        worth += weights.DUE_EVIDENCE * due
        go = name == "demo_request" or (
            (due or meaning in ("want", "praise", "takeover", "apology"))
            and name not in ("unsubscribe", "meeting_no_show")
        )
        stop = name in ("unsubscribe", "meeting_no_show") or early or meaning in ("refuse", "doubt", "left", "study")
        if stop and not go:
            evidence, dead = 0.0, True
        else:
            evidence += 0.0 if i in bots else worth
            dead = dead and not go
        if name == "outreach_email":
            unanswered += 1
        elif name not in ("email_open", "unsubscribe", "competitor_domain_visit", "unknown") and i not in bots:
            unanswered = 0
        rival |= name == "competitor_domain_visit" and days < oracle.COMPETITOR_DAYS

    def sigmoid(x: float) -> float:
        return 1 / (1 + np.exp(-x))

    hot = sigmoid((evidence - oracle.NEEDED) / oracle.SLOPE)
    hot *= sigmoid((oracle.TIRED_AT - unanswered) / oracle.TIRED_SLOPE)
    hot *= not (rival or dead or persona == weights.PERSONA["student"])
    cold_logit = oracle.COLD + seen.profile[lead] + oracle.DEAD * dead - 0.04 * min(unanswered, 10)
    hot_logit = oracle.HOT + oracle.PROFILE_WHEN_HOT * seen.profile[lead]
    return sigmoid(cold_logit + hot * (hot_logit - cold_logit))


def test_the_vectorised_oracle_equals_a_plain_loop():
    tables = world.make_world(3_000, 21).tables
    seen = oracle.observe(tables)
    plain = [plain_probability(seen, lead) for lead in range(len(tables))]
    np.testing.assert_allclose(oracle.reply_probability(tables), plain, rtol=1e-9)


def test_a_lead_is_judged_by_itself():
    tables = world.make_world(800, 22).tables
    together = oracle.reply_probability(tables)
    rows = np.random.default_rng(0).permutation(len(tables))
    np.testing.assert_allclose(oracle.reply_probability(tables.take(rows)), together[rows], rtol=1e-12)
    np.testing.assert_allclose(oracle.reply_probability(tables.take(rows[:1])), together[rows[:1]], rtol=1e-12)


def test_it_sees_neither_labels_nor_ids():
    tables = world.make_world(500, 23).tables
    leads = tables.leads.assign(label=1.0, lead_id="x", contact_id="y", order=0, replied_at=pd.NaT)
    changed = LeadTables(leads, tables.signals, tables.offsets, tables.schema, tables.account)
    np.testing.assert_array_equal(oracle.reply_probability(changed), oracle.reply_probability(tables))


# Rules, each as a lead that will reply beside one that will not.
ALIVE_AND_DEAD = {
    "docs count for a founder, not for a vice president": (("saas_founder", DOCS), ("enterprise_vp", DOCS)),
    "a security paper the other way round": (("enterprise_vp", PAPERS), ("saas_founder", PAPERS)),
    "a webinar counts for marketing, not for a developer": (
        ("marketing_manager", visits("webinar", 1, 2, 3, 4)),
        ("developer", visits("webinar", 1, 2, 3, 4)),
    ),
    "students read a lot": (("developer", DOCS), ("student", DOCS)),
    "a competitor reads a lot": (("developer", DOCS), ("developer", [*DOCS, (9, "competitor_domain_visit")])),
    "interest fades": (("developer", DOCS), ("developer", visits("docs_visit", 1, 72, 83, 94, 105))),
    "a demo after the farewell, a farewell after the demo": (
        ("sales_lead", [(9, "unsubscribe"), (3, "demo_request"), *visits("pricing_page", 0.5, 1, 2)]),
        ("sales_lead", [(9, "demo_request"), (3, "unsubscribe"), *visits("pricing_page", 0.5, 1, 2)]),
    ),
    "an apology mends a missed meeting when it comes after": (
        (
            "developer",
            [(4, "meeting_no_show"), (3, "reply_message", SORRY), *LATELY],
        ),
        (
            "developer",
            [(4, "reply_message", SORRY), (3, "meeting_no_show"), *LATELY],
        ),
    ),
    "a champion who left voids what came before": (
        ("developer", DOCS),
        ("developer", [*DOCS, (0.5, "call_note", "from the call, our champion left the company")]),
    ),
    "who left and who took over": (
        ("developer", [*DOCS[:3], (0.5, "call_note", "update, the intern left and the owner took over")]),
        ("developer", [*DOCS[:3], (0.5, "call_note", "update, the owner left and the intern took over")]),
    ),
    "what they want and what they don't": (
        ("developer", [*DOCS[:3], (0.5, "reply_message", "hello, please send the contract but not the newsletter")]),
        ("developer", [*DOCS[:3], (0.5, "reply_message", "hello, please send the newsletter but not the contract")]),
    ),
    "whose praise it is": (
        ("developer", [*DOCS[:3], (0.5, "reply_message", "hello, I was convinced but my cousin was not")]),
        ("developer", [*DOCS[:3], (0.5, "reply_message", "hello, my cousin was convinced but I was not")]),
    ),
    "next quarter is now, or not yet": (
        ("ops_manager", [(95, "reply_message", NEXT_QUARTER), *visits("case_study", 1, 2)]),
        ("ops_manager", [(20, "reply_message", NEXT_QUARTER), *visits("case_study", 1, 2)]),
    ),
    "next quarter is now, or long past": (
        ("ops_manager", [(95, "reply_message", NEXT_QUARTER), *visits("case_study", 1, 2)]),
        ("ops_manager", [(190, "reply_message", NEXT_QUARTER), *visits("case_study", 1, 2)]),
    ),
    "people click over days, a scanner in seconds": (
        ("sales_lead", [*visits("pricing_page", 1, 2), *visits("email_click", 0.5, 1.2, 2.2, 2.8, 3.4, 4.4)]),
        ("sales_lead", [*visits("pricing_page", 1, 2), *visits("email_click", *(3 + i / 40_000 for i in range(6)))]),
    ),
    "a trial is worth most in its third week": (
        ("developer", [(17, "free_trial_start"), *DOCS[:2]]),
        ("developer", [(1, "free_trial_start"), *DOCS[3:]]),
    ),
    "tired of outreach": (
        ("developer", [*DOCS, *visits("outreach_email", *range(6, 16))]),
        ("developer", [*DOCS, *visits("outreach_email", *(0.05 * i for i in range(1, 11)))]),
    ),
}


@pytest.mark.parametrize("rule", ALIVE_AND_DEAD)
def test_rule(rule):
    (persona, signals), (other, others) = ALIVE_AND_DEAD[rule]
    assert probability_of(persona, *signals) > 0.8
    assert probability_of(other, *others) < 0.1


def test_a_buying_signal_made_older_lowers_the_mean():
    tables = world.make_world(6_000, 24).tables
    seen = oracle.observe(tables)
    row = tables.signals["row"].to_numpy()
    buying = weights.EVIDENCE[seen.persona[row], seen.kind] >= 0.5
    buying &= seen.kind != weights.KIND["free_trial_start"]  # its best moment is the third week, by design
    last = np.flatnonzero(buying)[np.flatnonzero(np.diff(row[buying], append=-1))]  # the latest one of each lead
    means = []
    for days in (0, 1, 3, 10, 30, 100):
        at = tables.signals["at"].to_numpy("datetime64[us]").copy()
        at[last] -= np.timedelta64(days, "D")
        moved = tables.signals.assign(at=pd.Series(at).dt.tz_localize("UTC"))
        older = LeadTables.from_frames(tables.leads, moved, tables.schema)
        means.append(oracle.reply_probability(older)[row[last]].mean())
    assert (np.diff(means) < -1e-4).all(), means


def test_unknown_and_absent_values_are_read_as_missing():
    tables = tables_of(("astronaut", [(1, "carrier_pigeon"), (2, "docs_visit", "")]), ("developer", []))
    bare = LeadTables(
        tables.leads[["contact_id"]], tables.signals.drop(columns="text"), tables.offsets, tables.schema, tables.account
    )
    for given_tables in (tables, bare):
        found = oracle.reply_probability(given_tables)
        assert np.isfinite(found).all() and (found < 0.1).all()


@pytest.mark.parametrize("meaning", MEANINGS[1:])
@pytest.mark.parametrize("note", [False, True])
def test_a_composed_text_says_what_it_was_composed_to_say(meaning, note):
    texts = world_texts.compose(meaning, 400, np.random.default_rng(1), note=note)
    assert len(set(texts)) > 80
    assert {MEANINGS[read_text(text)[0]] for text in texts} == {meaning}


@pytest.mark.parametrize(
    ("meaning", "other"), [("want", "refuse"), ("praise", "doubt"), ("left", "takeover"), ("defer", "defer")]
)
def test_twins_have_the_same_words_and_another_meaning(meaning, other):
    texts = world_texts.compose(meaning, 300, np.random.default_rng(2))
    swapped = [(text, world_texts.twin(text)) for text in texts if world_texts.twin(text) != text]
    assert len(swapped) > 50
    for text, twin in swapped:
        assert sorted(f" {text}".split(" ")) == sorted(f" {twin}".split(" "))
        assert text.split(" ")[0] == twin.split(" ")[0]  # a first word has no space before it: another token
        assert world_texts.twin(twin) == text
        assert MEANINGS[read_text(twin)[0]] == other
        assert read_text(twin) != read_text(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", "none"),
        ("   ", "none"),
        ("Please send us the CONTRACT!", "want"),
        ("We don't want a demo.", "refuse"),
        ("No demo, no contract.", "refuse"),
        ("not next month but next quarter", "defer"),
        ("We want the demo now and not next quarter", "want"),
        ("I need it for my thesis", "study"),
        ("Our director resigned", "left"),
        ("My friend loves a demo", "neutral"),
        ("Does it export?", "question"),
        ("Gruesse aus Bern", "neutral"),
    ],
)
def test_any_text_can_be_read(text, meaning):
    assert MEANINGS[read_text(text)[0]] == meaning


@given(st.text(max_size=80))
def test_reading_never_fails(text):
    meaning, delay = read_text(text)
    assert 0 <= meaning < len(MEANINGS)
    assert (delay in DELAYS.values()) == (meaning == CODE["defer"])


def test_a_column_of_texts_is_read_like_each_text():
    texts = pd.Series(["", "we love the trial", None, "we love the trial", NEXT_QUARTER], dtype="str")
    meaning, delay = read_texts(texts)
    assert [MEANINGS[code] for code in meaning] == ["none", "praise", "none", "praise", "defer"]
    assert delay.tolist() == [0, 0, 0, 0, 91]
