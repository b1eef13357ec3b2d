"""As of the contact: what each contact may see, against a loop over all pairs."""

import csv
import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.leads import as_of, read_tables
from tinyscout.leads.as_of import bisect

START = dt.datetime(2025, 3, 1)


def written(hours: int, date_only: bool) -> str:
    moment = START + dt.timedelta(hours=hours)
    return moment.date().isoformat() if date_only else moment.isoformat()


def write(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


moments = st.tuples(st.integers(0, 96), st.booleans())
contacts = st.lists(st.tuples(st.sampled_from("abc"), moments), min_size=1, max_size=8)
events = st.lists(st.tuples(st.sampled_from("abcd"), moments), min_size=1, max_size=12)


@settings(max_examples=40)
@given(contacts, events, st.sampled_from(["drop", "keep"]))
def test_each_contact_sees_what_a_loop_over_all_pairs_says(tmp_path_factory, contacts, events, same_day):
    folder = tmp_path_factory.mktemp("as_of")
    rows = [(f"c{i}", lead, written(*moment), i % 2) for i, (lead, moment) in enumerate(contacts)]
    leads = write(folder / "leads.csv", ["contact_id", "lead_id", "contacted_at", "label"], rows)
    told = [(lead, written(*moment), f"k{i}") for i, (lead, moment) in enumerate(events)]
    signals = write(folder / "signals.csv", ["lead_id", "at", "kind"], told)
    tables = read_tables(leads, signals, same_day=same_day)

    contact_dates = all(text.endswith("T00:00:00") or len(text) == 10 for _, _, text, _ in rows)
    event_dates = all(text.endswith("T00:00:00") or len(text) == 10 for _, text, _ in told)
    kept = set()
    for row, (_, lead, contacted_text, _) in enumerate(rows):
        contacted = dt.datetime.fromisoformat(contacted_text)
        vague_contact = contact_dates or len(contacted_text) == 10
        expected = []
        for lead_id, text, kind in told:
            at = dt.datetime.fromisoformat(text)
            vague = vague_contact or event_dates or len(text) == 10
            if lead_id != lead:
                continue
            if at.date() < contacted.date():
                expected.append(kind)
            elif at.date() == contacted.date() and vague:
                # without the hours of a day: dropped, or kept unless both have hours that say otherwise
                if same_day == "keep" and (vague_contact or at < contacted):
                    expected.append(kind)
            elif at < contacted:
                expected.append(kind)
        place = int(np.flatnonzero(tables.leads["contact_id"] == f"c{row}")[0])
        part = tables.signals.iloc[tables.offsets[place] : tables.offsets[place + 1]]
        assert sorted(part["kind"]) == sorted(expected)
        assert (part["age_hours"] > 0).all()
        assert part["at"].is_monotonic_increasing
        assert (part["row"] == place).all()
        kept |= set(expected)
    account = tables.account
    assert account.balanced
    assert (account.signals_in, account.signals_kept) == (len(told), len(kept))
    if same_day == "drop":
        before = tables.leads["contacted_at"].to_numpy()[tables.signals["row"].to_numpy()]
        assert (tables.signals["at"].to_numpy() < before).all()


def test_reasons_and_examples_of_what_is_not_seen(tmp_path):
    leads = write(
        tmp_path / "leads.csv",
        ["lead_id", "contacted_at", "label"],
        [("a", "2025-03-02T10:00", 1), ("a", "2025-03-05T10:00", 0), ("b", "2025-03-02", 0)],
    )
    signals = write(
        tmp_path / "signals.csv",
        ["lead_id", "at", "kind"],
        [
            ("a", "2025-03-01T10:00", "both see it"),
            ("a", "2025-03-02T10:00", "at the first contact, before the second"),
            ("a", "2025-03-05T10:00", "after"),
            ("b", "2025-03-02T09:00", "same day"),
            ("b", "2025-03-03T09:00", "after"),
            ("x", "2025-03-01T09:00", "nobody's"),
        ],
    )
    tables = read_tables(leads, signals)
    assert tables.signals["kind"].tolist() == ["both see it", "both see it", "at the first contact, before the second"]
    assert tables.account.signals_dropped == {
        "lead_id not among the leads kept": 1,
        "at or after contact": 2,
        "on the day of contact, clock time unknown": 1,
    }
    examples = tables.account.examples["at or after contact"]
    assert {example["at"][:10] for example in examples} == {"2025-03-05", "2025-03-03"}
    assert examples[0]["where"].endswith("signals.csv line 6") or examples[0]["where"].endswith("signals.csv line 4")


def test_profile_dates_after_contact_are_missing_and_counted(tmp_path):
    rows = [
        (f"l{i}", "2025-03-02T10:00", i % 2, "2025-03-02" if i % 3 else "2025-03-03", "2025-02-01T00:00:01")
        for i in range(30)
    ]
    leads = write(tmp_path / "leads.csv", ["lead_id", "contacted_at", "label", "last touched", "created"], rows)
    tables = read_tables(leads)
    late = np.arange(30) % 3 == 0
    assert tables.leads["last touched"].isna().tolist() == late.tolist()
    assert tables.leads["created"].notna().all()
    assert tables.account.made_missing == {"last touched": {"after contact": 10}}
    assert tables.account.examples["last touched after contact"][0]["last touched"] == "2025-03-03"


@given(st.lists(st.lists(st.integers(0, 20), max_size=6), min_size=1, max_size=5), st.lists(st.integers(-1, 21)))
def test_bisection_finds_what_searchsorted_finds(ranges, limits):
    values = np.concatenate([np.sort(np.array(part, np.int64)) for part in ranges])
    ends = np.cumsum([len(part) for part in ranges])
    starts = ends - [len(part) for part in ranges]
    for limit in limits:
        found = bisect(values, starts, ends, np.full(len(starts), limit))
        expected = [s + np.searchsorted(values[s:e], limit) for s, e in zip(starts, ends, strict=True)]
        assert found.tolist() == expected


def test_a_lead_id_that_is_no_lead_is_refused_before_memory_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(as_of, "_MOST_PAIRS", 500)
    leads = write(
        tmp_path / "leads.csv",
        ["lead_id", "contacted_at", "label"],
        [("unknown", f"2025-03-02T10:{i:02d}", 1) for i in range(40)],
    )
    signals = write(
        tmp_path / "signals.csv",
        ["lead_id", "at", "kind"],
        [("unknown", f"2025-02-{1 + i:02d}", "x") for i in range(20)],
    )
    with pytest.raises(InputError, match='most of them by lead_id "unknown"'):
        read_tables(leads, signals)


def test_signals_that_all_fall_on_midnight_have_no_clock_time(tmp_path):
    leads = write(tmp_path / "leads.csv", ["lead_id", "contacted_at", "label"], [("a", "2025-03-02T10:00", 1)])
    rows = [("a", "2025-03-02 00:00:00", "same day"), ("a", "2025-03-01 00:00:00", "day before")]
    signals = write(tmp_path / "signals.csv", ["lead_id", "at", "kind"], rows)
    assert read_tables(leads, signals).signals["kind"].tolist() == ["day before"]
    assert read_tables(leads, signals, same_day="keep").signals["kind"].tolist() == ["day before", "same day"]
    clocked = write(tmp_path / "clocked.csv", ["lead_id", "at", "kind"], [*rows, ("a", "2025-02-01 00:00:01", "old")])
    assert read_tables(leads, clocked).signals["kind"].tolist() == ["old", "day before", "same day"]


def test_a_model_that_learned_days_is_asked_by_days(tmp_path):
    leads = write(tmp_path / "leads.csv", ["lead_id", "contacted_at", "label"], [("a", "2025-03-02", 1)])
    schema = read_tables(leads).schema
    assert not schema.has_hour
    fresh = write(tmp_path / "fresh.csv", ["lead_id", "contacted_at"], [("a", "2025-03-02T10:00"), ("b", "")])
    rows = [("a", "2025-03-01T09:00", "seen"), ("a", "2025-03-02T09:00", "same day")]
    rows.append(("b", "2025-03-04T09:00", "today"))
    signals = write(tmp_path / "signals.csv", ["lead_id", "at", "kind"], rows)
    tables = read_tables(fresh, signals, schema=schema, labelled=False)
    assert tables.signals["kind"].tolist() == ["seen", "today"]  # b is still to be contacted, so today was before
    assert tables.signals["age_hours"].tolist() == [15.0, 15.0]  # to midnight, as in training
    assert [str(time) for time in tables.leads["contacted_at"]] == [
        "2025-03-02 00:00:00+00:00",
        "2025-03-05 00:00:00+00:00",
    ]
    kept = read_tables(fresh, signals, schema=schema, labelled=False, same_day="keep")
    assert kept.signals["kind"].tolist() == ["seen", "same day", "today"]
