import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tinyscout.errors import InputError
from tinyscout.leads.tables import LeadTables
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.tokenizer.fields import as_text
from tinyscout.tokenizer.vocabulary import SCORE


def names_of(tokenizer: SalesTokenizer, tokens: Tokens, lead: int) -> list[str]:
    names = tokenizer.vocabulary.names
    return [names[i] for i in tokens.ids[tokens.offsets[lead] : tokens.offsets[lead + 1]]]


def assert_same_tokens(left: Tokens, right: Tokens) -> None:
    for name in ("ids", "values", "ages", "offsets", "dropped"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
        assert getattr(left, name).dtype == getattr(right, name).dtype


def encoded_by_hand(tokenizer: SalesTokenizer, tables: LeadTables, lead: int) -> tuple[list, list, list, int]:
    """One lead's ids, values, ages and words dropped, in plain loops over its rows."""
    vocabulary, row = tokenizer.vocabulary, tables.leads.iloc[lead]
    ids, values, ages, dropped = [], [], [], 0

    def add(id_, value=0.0, age=np.nan):
        ids.append(id_), values.append(value), ages.append(age)

    def add_text(text, cap, age):
        words = [vocabulary.words_start + word for word in tokenizer.bpe.encode(text)]
        for word in words[:cap]:
            add(word, age=age)
        return max(0, len(words) - cap)

    for field in tokenizer.fields:
        name, coder = field.name, field.coder
        if field.type in ("number", "date"):
            number = row[name]
            if field.type == "date":
                number = (row["contacted_at"] - number).total_seconds() / 86400
                number = number if number >= 0 else np.nan
            known = np.isfinite(number)
            add(vocabulary.id_of(name if known else f"{name}=<missing>"), float(coder.scale(np.array([number]))[0]))
        elif field.type == "text":
            text = "" if pd.isna(row[name]) else row[name]
            add(vocabulary.id_of(f"{name}=<text>" if text else f"{name}=<missing>"))
            dropped += add_text(text, coder.max_words, np.nan)
        else:
            contact = row["contacted_at"]
            derived = {"contact_hour": f"{contact:%H}", "contact_weekday": f"{contact:%a}".lower()}
            value = derived.get(name) or ("<missing>" if pd.isna(row[name]) else as_text(row[name]))
            value = value if f"{name}={value}" in vocabulary.names else "<unseen>"
            add(vocabulary.id_of(f"{name}={value}"))
    history = tables.signals.iloc[tables.offsets[lead] : tables.offsets[lead + 1]]
    for signal in history.itertuples():
        names = [f"signal={signal.kind}@{signal.channel}", f"signal={signal.kind}", "signal=<unseen>"]
        age = np.float32(signal.age_hours)
        add(vocabulary.id_of(next(name for name in names if name in vocabulary.names)), age=age)
        dropped += add_text("" if pd.isna(signal.text) else signal.text, tokenizer.max_words_per_text, age)
    add(SCORE)
    return ids, values, ages, dropped


def test_vectorised_encoding_equals_plain_loops(mixed):
    training, later = mixed.take(np.arange(250)), mixed.take(np.arange(250, len(mixed)))
    tokenizer = SalesTokenizer.fit(training, merges=60, max_words_per_text=7)
    seen = set()
    for tables in (training, later):
        tokens = tokenizer.encode(tables)
        assert len(tokens) == len(tables)
        for lead in range(len(tables)):
            ids, values, ages, dropped = encoded_by_hand(tokenizer, tables, lead)
            own = slice(tokens.offsets[lead], tokens.offsets[lead + 1])
            assert names_of(tokenizer, tokens, lead) == [tokenizer.vocabulary.names[i] for i in ids]
            np.testing.assert_allclose(tokens.values[own], values, atol=1e-7)  # days are divided differently here
            np.testing.assert_array_equal(tokens.ages[own], np.array(ages, np.float32))
            assert tokens.dropped[lead] == dropped
            seen.update(ids)
    names = {tokenizer.vocabulary.names[i] for i in seen}  # the odd cases did come up
    assert {
        "persona=<missing>",
        "persona=<unseen>",
        "employees=<missing>",
        "signed_up=<missing>",
        "note=<text>",
    } <= names
    assert {"note=<missing>", "signal=<unseen>", "signal=email_open", "signal=email_open@web", "signal=docs"} <= names


def test_a_lead_reads_as_profile_history_score(build):
    tables = build(
        {
            "persona": pd.Categorical(["founder", "vp", "founder"]),
            "note": pd.Series(["ok ok", "", None], dtype="str"),
            "employees": [1.0, 50.0, np.nan],
            "signed_up": pd.to_datetime(["2026-02-04 15:30", "2026-03-01 00:00", "2026-05-01 00:00"], utc=True),
        },
        [(0, 2.0, "demo", None, "ok"), (0, 50.0, "visit"), (1, 1.0, "visit")],
        {"persona": "category", "note": "text", "employees": "number", "signed_up": "date"},
    )
    tokenizer = SalesTokenizer.fit(tables, min_count=1, merges=1)
    tokens = tokenizer.encode(tables)
    assert names_of(tokenizer, tokens, 0) == [
        *("persona=founder", "note=<text>", "word 'ok'", "word ' '", "word 'ok'", "employees", "signed_up"),
        *("contact_weekday=wed", "contact_hour=15"),
        *("signal=visit", "signal=demo", "word 'ok'", "<score>"),
    ]
    np.testing.assert_array_equal(tokens.ages[:13], [np.nan] * 9 + [50, 2, 2, np.nan])
    assert tokens.values[:13].nonzero()[0].tolist() == [5, 6]
    assert names_of(tokenizer, tokens, 1) == [
        *("persona=vp", "note=<missing>", "employees", "signed_up", "contact_weekday=wed", "contact_hour=16"),
        *("signal=visit", "<score>"),
    ]
    # a date after the contact was not known then
    assert names_of(tokenizer, tokens, 2) == [
        *("persona=founder", "note=<missing>", "employees=<missing>", "signed_up=<missing>"),
        *("contact_weekday=wed", "contact_hour=17", "<score>"),
    ]


def test_a_lead_does_not_depend_on_its_neighbours(mixed):
    tokenizer = SalesTokenizer.fit(mixed)
    tokens = tokenizer.encode(mixed)
    rows = np.array([5, 399, 0, 5])
    assert_same_tokens(tokenizer.encode(mixed.take(rows)), tokens.take(rows))


def test_saved_and_loaded_gives_the_same_tokens(mixed):
    tokenizer = SalesTokenizer.fit(mixed.take(np.arange(200)), merges=50)
    loaded = SalesTokenizer.from_state(json.loads(json.dumps(tokenizer.to_state())))
    assert loaded.vocabulary.names == tokenizer.vocabulary.names
    assert loaded.vocabulary.fields == tokenizer.vocabulary.fields
    assert_same_tokens(loaded.encode(mixed), tokenizer.encode(mixed))


def test_case_is_folded_where_it_is_asked_for(build):
    def leads(note: str, reply: str):
        columns = {"persona": pd.Categorical(["founder"] * 2), "note": pd.Series(["ask Them soon", note], dtype="str")}
        signals = [(0, 2.0, "reply", None, "We do NOT need it"), (1, 2.0, "reply", None, reply)]
        return build(columns, signals, {"persona": "category", "note": "text"})

    shouted, plain = leads("ASK THEM SOON", "WE DO NOT NEED IT"), leads("ask them soon", "we do not need it")
    folding = SalesTokenizer.fit(shouted, merges=40, fold_case=True)
    assert folding.bpe.merges == SalesTokenizer.fit(plain, merges=40, fold_case=True).bpe.merges
    state = json.loads(json.dumps(folding.to_state()))
    for tokenizer in (folding, SalesTokenizer.from_state(state)):
        assert_same_tokens(tokenizer.encode(shouted), tokenizer.encode(plain))
    assert folding.encode_text("We do NOT") == folding.encode_text("we do not")
    del state["fold_case"]  # as models were saved before
    for tokenizer in (SalesTokenizer.fit(shouted, merges=40), SalesTokenizer.from_state(state)):
        assert len(tokenizer.encode(shouted).ids) != len(tokenizer.encode(plain).ids)


def test_nothing_in_a_known_column_is_an_error(build):
    types = {"persona": "category", "employees": "number", "note": "text", "signed_up": "date"}
    training = build(
        {
            "persona": ["vp"] * 9,
            "employees": np.arange(9.0),
            "note": ["please call"] * 9,
            "signed_up": pd.to_datetime(["2026-01-01"] * 9, utc=True),
        },
        [(i, 1.0, "visit", "web", "hello") for i in range(9)],
        types,
    )
    tokenizer = SalesTokenizer.fit(training)
    odd = build(
        {
            "persona": pd.Series(["ceo", None, "", "\ud800"], dtype=object),
            "employees": [np.inf, -np.inf, np.nan, 1e300],
            "note": pd.Series(["x" * 10_000, None, "\x00\u0301", "\ud800"], dtype=object),
            "signed_up": pd.to_datetime(pd.Series([None, None, "1900-01-01", "2100-01-01"]), utc=True),
        },
        [(0, 1e6, "new kind", "fax", "y" * 10_000), (0, 1.0, "visit", "fax", None), (2, 0.001, "visit", None, "")],
        types,
    )
    tokens = tokenizer.encode(odd)
    assert np.isfinite(tokens.values).all() and (np.abs(tokens.values) <= 1).all()
    assert (tokens.ids[tokens.offsets[1:] - 1] == SCORE).all()
    assert tokens.dropped[0] > 500 and tokens.dropped[1:].tolist() == [0, 0, 0]
    assert tokens.lengths.max() <= 6 + 32 + 2 + 32 + 1
    assert names_of(tokenizer, tokens, 1)[:4] == [
        *("persona=<missing>", "employees=<missing>", "note=<missing>", "signed_up=<missing>"),
    ]


def test_leads_without_signals_or_profile_are_a_score(build):
    tables = build({}, has_time=False, has_hour=False)
    tokens = SalesTokenizer.fit(tables).encode(tables)
    assert tokens.ids.tolist() == [SCORE] * 3 and tokens.offsets.tolist() == [0, 1, 2, 3]


def test_no_leads_are_no_tokens(mixed):
    none = mixed.take(np.zeros(0, int))
    assert len(SalesTokenizer.fit(mixed).encode(none).ids) == 0
    assert len(SalesTokenizer.fit(none).encode(mixed)) == len(mixed)


def test_a_missing_column_is_named(mixed):
    tokenizer = SalesTokenizer.fit(mixed)
    without = replace(mixed, leads=mixed.leads.drop(columns="employees"))
    with pytest.raises(InputError, match='no column "employees"'):
        tokenizer.encode(without)


def test_left_out_columns_and_identifiers_are_not_read(mixed):
    tables = replace(mixed, schema=mixed.schema.leaving_out({"persona": "leaks"}))
    fields = [field.name for field in SalesTokenizer.fit(tables).fields]
    assert fields == ["employees", "seats", "note", "signed_up", "contact_weekday", "contact_hour"]


def test_contact_hour_needs_an_hour(build):
    tables = build({"seats": [1.0, 2.0]}, columns={"seats": "number"}, has_hour=False)
    assert [field.name for field in SalesTokenizer.fit(tables).fields] == ["seats", "contact_weekday"]


def test_a_column_named_like_a_derived_field_keeps_its_own_ids(build):
    tables = build({"contact_hour": pd.Categorical(["x", "y", "x"])}, columns={"contact_hour": "category"})
    tokenizer = SalesTokenizer.fit(tables, min_count=1)
    assert names_of(tokenizer, tokenizer.encode(tables), 1)[:3] == [
        *("contact_hour=y", "contact_weekday=wed", "contact_hour=16"),
    ]


def test_profile_texts_leave_half_of_the_tokens(build):
    profile = {f"note{i}": ["a b c d e f g h i j k l m n o p"] * 3 for i in range(4)}
    tables = build(profile, columns=dict.fromkeys(profile, "text"))
    tokens = SalesTokenizer.fit(tables, max_tokens=64, merges=0).encode(tables)
    assert 32 - 4 < tokens.lengths.max() <= 32 + 1
    assert tokens.dropped.tolist() == [4 * (31 - (32 - 6) // 4)] * 3


def test_a_profile_too_wide_is_an_error_at_fit(build):
    profile = {f"n{i}": np.arange(3.0) for i in range(20)}
    tables = build(profile, columns=dict.fromkeys(profile, "number"))
    with pytest.raises(InputError, match=r"max_tokens is 16, .* 22 fields .* at least 24"):
        SalesTokenizer.fit(tables, max_tokens=16)
    SalesTokenizer.fit(tables, max_tokens=24).encode(tables).truncate(24, SalesTokenizer.fit(tables).vocabulary)


def test_a_kind_on_one_channel_has_one_name(build):
    signals = [(0, 5.0, "mail", "in"), (0, 4.0, "mail", "out"), (0, 3.0, "visit", "web"), (0, 2.0, "visit", None)]
    tables = build({"seats": [1.0]}, signals, {"seats": "number"})
    tokenizer = SalesTokenizer.fit(tables, min_count=1)
    assert tokenizer.signals.token_names() == [
        *("signal=mail", "signal=mail@in", "signal=mail@out", "signal=visit", "signal=<unseen>"),
    ]
    assert names_of(tokenizer, tokenizer.encode(tables), 0)[-5:-1] == [
        *("signal=mail@in", "signal=mail@out", "signal=visit", "signal=visit"),
    ]


def test_dates_count_from_1970_without_contact_times(build):
    dates = pd.to_datetime(["2020-01-01", "2024-01-01", None], utc=True)
    tables = build({"since": dates}, columns={"since": "date"}, has_time=False, has_hour=False)
    tables.leads["contacted_at"] = pd.Series([pd.NaT] * 3, dtype="datetime64[us, UTC]")
    tokenizer = SalesTokenizer.fit(tables)
    tokens = tokenizer.encode(tables)
    assert [names_of(tokenizer, tokens, i)[0] for i in range(3)] == ["since", "since", "since=<missing>"]
    assert tokens.values[0] > tokens.values[2]  # the older date lies more days back


def test_hour_and_weekday_of_a_contact_to_come_are_missing(build):
    tables = build({"persona": pd.Categorical(["x", "y", "x"])}, columns={"persona": "category"})
    tokenizer = SalesTokenizer.fit(tables, min_count=1)
    tables.leads["not_contacted"] = [False, True, False]
    names = [tokenizer.vocabulary.names[i] for i in tokenizer.encode(tables).ids]
    assert names[:3] == ["persona=x", "contact_weekday=wed", "contact_hour=15"]
    assert names[4:8] == ["persona=y", "contact_weekday=<missing>", "contact_hour=<missing>", "<score>"]
    assert names[9:11] == ["contact_weekday=wed", "contact_hour=17"]
