"""Whom `tinyscout write` writes to, as a user runs it: the next best where one said no, replied or may not be asked."""

import json
import re
from datetime import UTC
from pathlib import Path

import pandas as pd
import pytest

from tinyscout.leads import FieldMap


def test_who_gave_no_consent_is_not_written_to_and_the_next_best_is(run, words: list[str], drafts, change) -> None:
    run(*words, "--out", "before.csv")
    best = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()
    ids = pd.read_csv("leads.csv", dtype=str)["lead_id"]
    change("Email opt out", ids.map({best[0]: "yes", best[1]: "", best[2]: "maybe"}).fillna("no"))
    code, out, err = run(*words)
    assert code == 0 and "no column of consent" not in err
    table = drafts().set_index("lead_id")
    assert table.loc[best[0], "status"] == "no consent for email: Email opt out is yes"
    assert table.loc[best[1], "status"] == "no consent for email: Email opt out is empty"
    assert table.loc[best[2], "status"] == 'no consent for email: Email opt out is "maybe", neither yes nor no'
    assert (table.loc[best[:3], "message"] == "").all() and (table.loc[best[3:], "status"] == "draft").all()
    assert 5 <= (table["status"] == "draft").sum() <= 6
    assert "3 that rank as high got none: no consent for email" in out
    assert "consent for email is read from: Email opt out" in out
    code, _, err = run(*words, "--channel", "linkedin", "--out", "linkedin.csv")
    assert code == 0 and "no column of consent for linkedin" in err
    assert not drafts("linkedin.csv")["status"].str.contains("consent").any()
    before = drafts("before.csv").set_index("lead_id")
    for lead in best[3:]:  # nor does a column of consent change a draft
        assert table.loc[lead, "message"] == before.loc[lead, "message"]


def test_who_replied_already_is_not_written_to_and_the_next_best_is(run, words: list[str], drafts, change) -> None:
    run(*words, "--out", "before.csv")
    before = drafts("before.csv").query("status == 'draft'")
    best = before[~before["facts"].str.contains("asked for the")]["lead_id"].tolist()  # who did not reply at all
    ids = pd.read_csv("leads.csv", dtype=str)["lead_id"]
    change("replied_at", ids.map({best[0]: "2024-01-03T10:00:00", best[2]: "03.01.24?", best[3]: "No"}).fillna(""))
    code, out, err = run(*words, "--json", "counts.json")
    table = drafts().set_index("lead_id")
    assert code == 0 and (table["status"] == "draft").sum() >= 5
    assert table.loc[best[0], "status"] == "already replied (2024-01-03)"
    assert table.loc[best[2], "status"] == 'already replied (replied_at is "03.01.24?")'
    assert (table.loc[[best[0], best[2]], "message"] == "").all()
    assert (table.loc[[best[1], best[3]], "status"] == "draft").all()
    note = 'tinyscout write: note: 1 cell of replied_at is no date and counts as a reply, such as "03.01.24?"'
    assert [line for line in err.splitlines() if "no date" in line] == [note]
    count = table["status"].str.startswith("already replied").sum()  # some by their signals
    assert f"{count} that rank as high got none: already replied" in out and count > 2
    assert "who replied already is read from: replied_at" in out
    counts = json.loads(Path("counts.json").read_text(encoding="utf-8"))
    assert counts["status"]["already replied"] == count and counts["drafts"] == (table["status"] == "draft").sum()
    assert run(*words, "--observed-until", "2023-12-31", "--out", "early.csv").code == 0
    assert not drafts("early.csv")["status"].str.contains("2024-01-03").any()  # not known by then


def test_a_reply_to_an_earlier_contact_and_a_label_count(run, words: list[str], drafts, change) -> None:
    kinds = pd.read_csv("signals.csv", dtype=str)["kind"]
    change("kind", kinds.replace("reply_message", "docs_visit"), "signals.csv")
    run(*words, "--out", "before.csv")
    best = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()
    leads = pd.read_csv("leads.csv", dtype=str, keep_default_na=False)
    earlier = leads[leads["lead_id"] == best[0]].assign(
        contacted_at="2023-05-01", replied_at="2023-05-02", converted=""
    )
    converted = leads["lead_id"].map({best[1]: "Yes", best[2]: "no"}).fillna("")
    pd.concat([earlier, leads.assign(converted=converted)]).to_csv("leads.csv", index=False)
    assert run(*words).code == 0
    status = drafts().drop_duplicates("lead_id").set_index("lead_id")["status"]
    assert status[best[0]] == "already replied (2023-05-02)"
    assert status[best[1]] == "already replied (converted is Yes)" and status[best[2]] == "draft"
    leads.drop(columns="replied_at").to_csv("more.csv", index=False)  # new leads, in a file without such a column
    earlier.drop(columns="converted").to_csv("leads.csv", index=False)
    for files in (("leads.csv", "more.csv"), ("more.csv", "leads.csv")):
        assert run("write", *files, *words[2:]).code == 0
        assert drafts().set_index("lead_id").loc[best[0], "status"] == "already replied (2023-05-02)"


def test_decline_answers_those_who_want_to_be_left_alone_but_nobody_who_unsubscribed(
    run, words: list[str], drafts
) -> None:
    code, _, err = run(*words, "--channel", "decline", "--length", "short")
    table = drafts()
    assert code == 0 and "no column of consent for email" in err  # a decline is an email, too
    written = table[table["status"] == "draft"]
    assert written["facts"].str.contains(r"not interested|a student").all() and len(written)
    assert not written["message"].str.contains(r"\?").any()
    rest = table[~table["status"].isin(["draft", "withheld"])]
    why_not = ["unsubscribed (", "asked to be left alone (", "turned something down (", "a student, who said nothing"]
    why_not += ["said no, by a note or call of yours (", "replied in words that are not understood: read it yourself ("]
    why_not += ["wrote to us last, in words that are not understood: read it yourself (", "too late to decline: said "]
    why_not += [f"{reason}: read it yourself (" for reason in ("put it off", "said to have left the company")]
    assert rest["status"].str.startswith(tuple(why_not)).all() and (rest["message"] == "").all() and len(rest)


def test_who_has_no_address_gets_no_email_and_the_next_best_does(run, words: list[str], drafts, change) -> None:
    run(*words, "--out", "before.csv")
    best = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()
    ids = pd.read_csv("leads.csv", dtype=str)["lead_id"]
    change("Email", ids.map({best[0]: "", best[1]: "call him"}).fillna(ids + "@b.example"))
    assert run(*words).code == 0
    status = drafts().set_index("lead_id")["status"]
    assert status[best[0]] == "no email address" and status[best[1]] == 'no email address (it is "call him")'
    assert (status[best[2:]] == "draft").all() and (status == "draft").sum() >= 5
    assert run(*words, "--channel", "linkedin", "--out", "linkedin.csv").code == 0
    assert not drafts("linkedin.csv")["status"].str.contains("address").any()


def test_two_leads_with_one_address_are_one_person(run, words: list[str], drafts, change) -> None:
    run(*words, "--out", "before.csv")
    best = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()
    leads = pd.read_csv("leads.csv", dtype=str, keep_default_na=False)
    ids, worst = leads["lead_id"], next(each for each in leads["lead_id"][::-1] if each not in best)
    shared = {best[1]: f"{best[0]}@b.example", worst: f"{best[2].upper()}@b.example"}
    change("Email", ids.map(shared).fillna(ids + "@b.example"))
    change("Email opt out", ids.map({worst: "yes"}).fillna("no"))
    assert run(*words).code == 0
    status = drafts().set_index("lead_id")["status"]
    assert status[best[0]] == "draft"
    assert status[best[1]] == f"is one with a lead that comes first: lead {best[0]} has its address"
    said = f"no consent for email: Email opt out is yes (read as one with lead {worst}: the same address)"
    assert status[best[2]] == said and (status == "draft").sum() >= 5
    change("Name", ids.map({best[0]: "Ann Lee"}).fillna("Bo Ek"))
    assert run(*words).code == 0
    other = "has an address that another lead has under another name: see whose it is"
    assert (drafts().set_index("lead_id")["status"][best[:2]] == other).all()


def test_how_an_empty_opt_out_may_mean_none_is_said(run, words: list[str], change) -> None:
    change("Email opt out", "")
    _, _, err = run(*words)
    (note,) = [line for line in err.splitlines() if "is empty" in line]
    assert (
        "Email opt out is empty in 250" in note
        and 'like = "hubspot" (or whose map you use), [consent] no = [""]' in note
    )
    change("Email opt out", "no")
    assert "is empty" not in run(*words).err


def test_a_moment_far_ahead_is_told_of(run, words: list[str]) -> None:
    _, out, _ = run(*words, "--observed-until", "2099-01-01")
    assert "days ahead of this computer's clock" in out
    assert "ahead of this" not in run(*words, "--observed-until", "2025-01-01").out


def test_an_opt_out_of_another_channel_is_nothing_for_a_decline_to_look_at(run, words: list[str], drafts) -> None:
    run(*words, "--out", "before.csv")
    ours, theirs = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()[:2]
    signals = pd.read_csv("signals.csv", dtype=str)
    latest = pd.to_datetime(signals["at"], format="ISO8601").max().isoformat()
    late = pd.DataFrame({"lead_id": [ours, theirs], "at": latest, "kind": ["email_opt_out", "linkedin_opt_out"]})
    pd.concat([signals, late]).to_csv("signals.csv", index=False)
    assert run(*words, "--channel", "decline", "--length", "short", "--top", "20").code == 0
    found = drafts().set_index("lead_id")["status"]
    assert found[ours] == "unsubscribed (signal email_opt_out)" and theirs not in found


def test_an_unsubscribe_after_the_contact_counts(run, words: list[str], drafts, change) -> None:
    run(*words, "--out", "before.csv")
    best = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()[0]
    signals = pd.read_csv("signals.csv", dtype=str)
    latest = pd.to_datetime(signals["at"], format="ISO8601").max()
    change("contacted_at", (latest - pd.Timedelta(days=90)).isoformat())
    late = pd.DataFrame({"lead_id": [best], "at": [latest.isoformat()], "kind": ["unsubscribe"]})
    pd.concat([signals, late]).to_csv("signals.csv", index=False)
    assert run(*words, "--top", "40")[0] == 0
    found = drafts().set_index("lead_id").loc[best]
    assert found["status"] == "unsubscribed (signal unsubscribe)" and found["message"] == ""


def test_a_map_that_names_a_column_which_is_not_there(run, words: list[str], tmp_path: Path) -> None:
    generic = (Path(__file__).parents[2] / "configs" / "generic.toml").read_text(encoding="utf-8")
    text = generic.replace('"consent.email", "consent.linkedin",', "").replace('name = "generic"', 'name = "ours"')
    text = re.sub(
        r"\[consent.email\].*?\n\n\[leakage\]", '[consent.email]\nopt_out = "Sperre"\n\n[leakage]', text, flags=re.S
    )
    Path("ours.toml").write_text(text, encoding="utf-8")
    assert FieldMap.load("ours.toml").consent == {"email": {"opt_out": ("Sperre",)}}
    run(*words, "--map", "ours.toml").refused("has no column for email opt_out (looked for Sperre)")


def test_nobody_is_told_to_read_drafts_that_are_not_there(run, words: list[str], change) -> None:
    change("replied_at", "2024-01-03")
    code, out, _ = run(*words)
    assert code == 0 and "0 drafts to 0 of the best leads" in out and "already replied" in out
    assert "read each before you send" not in out


def test_a_reply_that_stands_only_among_the_signals_counts(run, words: list[str], drafts) -> None:
    leads, signals = (pd.read_csv(name, dtype=str, keep_default_na=False) for name in ("leads.csv", "signals.csv"))
    signals = signals[signals["kind"] != "reply_message"]
    leads.drop(columns="replied_at").to_csv("leads.csv", index=False)
    signals.to_csv("signals.csv", index=False)
    note = "note: no column of replies and no signal of one was found, so nobody is known to have replied"
    assert note in run(*words, "--out", "before.csv").err
    first, second = drafts("before.csv").query("status == 'draft'")["lead_id"].tolist()[:2]
    leads.loc[leads["lead_id"] == first, "contacted_at"] = "2024-06-01"
    leads.drop(columns="replied_at").to_csv("leads.csv", index=False)
    signals = signals[(signals["lead_id"] != second) | (signals["kind"] != "outreach_email")]
    more = {"lead_id": [first, second], "at": ["2024-06-03", "2025-01-01"], "kind": "reply_message", "text": "go on"}
    pd.concat([signals, pd.DataFrame(more)]).to_csv("signals.csv", index=False)
    for channel in ("email", "linkedin"):
        code, _, err = run(*words, "--channel", channel, "--top", "20")
        status = drafts().drop_duplicates("lead_id").set_index("lead_id")["status"]
        assert code == 0 and note not in err
        unread = "in words that are not understood: read it yourself"
        assert status[first] == f"replied {unread} (2024-06-03, signal reply_message)"
        assert status[second] == f"wrote to us last, {unread} (2025-01-01, signal reply_message)"


def test_a_contact_in_another_row_of_the_lead_is_an_earlier_contact(run, words: list[str], drafts) -> None:
    leads = pd.read_csv("leads.csv", dtype=str, keep_default_na=False)
    signals = pd.read_csv("signals.csv", dtype=str)
    quiet = ["reply_message", "support_ticket", "unsubscribe", "outreach_email"]
    signals[~signals["kind"].isin(quiet)].to_csv("signals.csv", index=False)
    latest = pd.to_datetime(signals["at"], format="ISO8601").max()
    then = leads.assign(contacted_at=(latest - pd.Timedelta(days=10)).isoformat())
    pd.concat([then, leads]).to_csv("leads.csv", index=False)  # and to be contacted again
    assert run(*words, "--channel", "follow_up").code == 0
    assert (drafts()["status"] == "draft").sum() >= 5


def test_kinds_that_may_be_anybodys_words_are_named(run, words: list[str]) -> None:
    signals = pd.read_csv("signals.csv", dtype=str)
    signals = signals[signals["kind"] != "call_note"]
    signals.to_csv("signals.csv", index=False)
    note = "note: whose words these are is not known"
    assert note not in run(*words).err
    either = pd.DataFrame({"lead_id": signals["lead_id"].iloc[:1], "at": signals["at"].iloc[:1], "kind": "Email"})
    pd.concat([signals, either]).to_csv("signals.csv", index=False)
    err = run(*words).err
    assert (
        "may have replied, and gets no draft: Email (1); export the column that says which" in err and note not in err
    )
    more = {"lead_id": signals["lead_id"].iloc[:3], "at": signals["at"].iloc[:3], "kind": ["Call", "Note", "Call"]}
    pd.concat([signals, pd.DataFrame(more)]).to_csv("signals.csv", index=False)
    err = run(*words).err
    assert note in err and "what must be read first: Call (2), Note (1);" in err


def test_signals_of_none_of_the_leads_are_refused(run, words: list[str], change) -> None:
    ids = pd.read_csv("signals.csv", dtype=str)["lead_id"]
    change("lead_id", ids.str.upper() + "X", "signals.csv")
    run(*words).refused("tinyscout write: signals.csv: of the signals none of ")
    assert not Path("drafts.csv").exists()


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("column", ["Lead Status", "Notes"])
def test_what_a_second_row_of_a_lead_forbids_is_heard(
    run, words: list[str], drafts, column: str, numbered: bool
) -> None:
    assert run(*words).code == 0
    best = drafts().query("status == 'draft'")["lead_id"].iloc[0]
    leads = pd.read_csv("leads.csv", dtype=str, keep_default_na=False).assign(**{column: "open"})
    again = leads[leads["lead_id"] == best].assign(**{column: "Do not contact"})
    rows = pd.concat([leads, again])
    rows = rows.assign(contact_id=rows["lead_id"]) if numbered else rows  # a number that comes again
    rows.to_csv("leads.csv", index=False)
    assert run(*words).code == 0
    said = drafts().set_index("lead_id").loc[best]
    assert said["status"].endswith(f"({column} is Do not contact)")
    assert said["read_first"].endswith(f'{column}: "open" | {column}: "Do not contact"')


def test_who_was_never_contacted_and_did_nothing_is_written_to_as_of_today(run, words: list[str], drafts) -> None:
    before = pd.Timestamp.now(UTC).floor("s")
    code, _, err = run(words[0], words[1], *words[4:])
    assert code == 0, err
    written = drafts().query("status == 'draft'")
    as_of = pd.to_datetime(written["as_of"])
    assert len(written) == 6 and as_of.between(before, pd.Timestamp.now(UTC) + pd.Timedelta(seconds=1)).all()


def test_a_moment_before_every_contact_is_refused(run, words: list[str]) -> None:
    leads = pd.read_csv("leads.csv", dtype=str, keep_default_na=False)
    leads.assign(contacted_at="2024-06-01").to_csv("leads.csv", index=False)
    code, _, err = run(*words, "--observed-until", "2001-01-01")
    assert code == 2 and "--observed-until is 2001-01-02" in err and "before every contact in leads.csv" in err
    assert err.strip().count("\n") == 0
    assert run(*words, "--observed-until", "2024-07-01").code == 0


def test_an_offer_that_no_note_has_room_for_is_named_as_what_withholds(run, words: list[str]) -> None:
    code, out, _ = run(*words, "--channel", "linkedin", "--offer", "We sell " + "long words " * 17)
    assert code == 0 and "0 drafts to 0 of the best leads" in out
    assert re.search(
        r"withheld: no drawing passed the checks, most often: \d+ characters, a LinkedIn note has 300", out
    )
