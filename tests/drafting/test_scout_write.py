"""Scout.write: seeded, checked, and no lead's draft depends on another's."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.drafting import ANOTHER_CONTACT, Draft
from tinyscout.errors import InputError
from tinyscout.leads.outreach_allowed import REST_DAYS, Talk
from tinyscout.leads.outreach_checks import faults, inventions
from tinyscout.leads.outreach_facts import FactBook, claims
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_stops import last_stop
from tinyscout.scout import Scout

EMAIL = Instruction("email", "friendly", "medium")
SHORT = Instruction("email", "direct", "short")
ROOMS = "We help small teams book meeting rooms."


def test_drafts_are_true_as_told_and_say_where_their_facts_are_from(small_scout, small_tables, writer) -> None:
    rows = small_tables.take(np.arange(90))
    drafted = small_scout.write(rows, EMAIL, writer=writer)
    assert [each.contact_id for each in drafted] == rows.leads["contact_id"].tolist()
    book, drafts = FactBook(rows, between=True), 0
    again = rows.leads["lead_id"].duplicated(keep="last").to_numpy()  # a lead is written to as its last contact
    assert again.any() and all(
        (each.why_not == ANOTHER_CONTACT) <= later for each, later in zip(drafted, again, strict=True)
    )
    for row, each in enumerate(drafted):
        assert bool(each.why_not) != bool(each.drafts)
        talk = Talk.of(book, row)
        replied = talk.reply >= 0 and book.request(talk.reply) is None  # who asks for a thing is written to about that
        quiet = min(talk.written, talk.met) >= 24 * REST_DAYS["email"]
        fresh = talk.reply < 0 and not quiet and talk.wish is None
        assert bool(each.why_not) == (last_stop(book, row) is not None or replied or fresh or again[row])
        for draft in each.drafts:
            if not draft.problems:
                drafts += 1
                assert inventions(draft.text, draft.facts) == [] and faults(draft.text, EMAIL) == []
                known = {(fact.about, fact.value, fact.when) for fact in book.facts(row)}
                assert {(fact.about, fact.value, fact.when) for fact in draft.facts} <= known
                assert claims(draft.text) <= book.phrases(row)
                assert draft.text == f"Subject: {draft.subject}\n{draft.message}" and draft.subject
                assert 1 <= draft.drawn <= 8
                for fact in draft.facts:
                    there = fact.about in rows.leads or fact.about in set(book.kinds)
                    assert there and fact.about in fact.source
    assert drafts > 35


def test_the_same_call_gives_the_same_drafts_and_another_seed_others(small_scout, some, writer, texts) -> None:
    first = small_scout.write(some, EMAIL, writer=writer, seed=3)
    assert first == small_scout.write(some, EMAIL, writer=writer, seed=3)
    assert texts(first) != texts(small_scout.write(some, EMAIL, writer=writer, seed=4))
    assert first == small_scout.write(some, EMAIL, seed=3)  # the writer that ships


def test_a_draft_does_not_depend_on_the_other_leads_in_the_call(small_scout, small_tables, writer) -> None:
    rows = np.arange(40)
    together = small_scout.write(small_tables.take(rows), EMAIL, writer=writer, n=2)
    for part in ([7], [3, 31], rows[::-1]):
        alone = small_scout.write(small_tables.take(np.array(part)), EMAIL, writer=writer, n=2)
        assert alone == [together[row] for row in part]


def test_drafts_of_a_lead_differ_and_the_first_is_that_of_a_shorter_call(small_scout, some, writer) -> None:
    three = small_scout.write(some, EMAIL, writer=writer, n=3, temperature=1.0)
    for each in three:
        kept = [draft.text for draft in each.drafts if draft.text]
        assert len(set(kept)) == len(kept) and [draft.number for draft in each.drafts] == [1, 2, 3]
    one = small_scout.write(some, EMAIL, writer=writer, n=1, temperature=1.0)
    assert [each.drafts[0] for each in three] == [each.drafts[0] for each in one]


def test_what_fails_the_checks_is_drawn_again_and_in_the_end_withheld(
    small_scout, some, writer, drawing, texts
) -> None:
    one = some.take(np.array([0]))
    good = texts(small_scout.write(one, EMAIL, writer=writer))[0]
    bad = good.replace("\n", "\nAcme Corp of Berlin has 40 clients. ", 2)
    fake = drawing(bad, bad, good)
    (draft,) = small_scout.write(one, EMAIL, writer=fake)[0].drafts
    assert (draft.text, draft.drawn, draft.problems) == (good, 3, ())
    assert len({stream for streams in fake.asked for stream in streams}) == 3
    (withheld,) = small_scout.write(one, EMAIL, writer=drawing(bad), tries=4)[0].drafts
    assert (withheld.text, withheld.facts, withheld.drawn) == ("", (), 4)
    assert 'invented "Acme" (name)' in withheld.problems
    (once,) = small_scout.write(one, EMAIL, writer=drawing(bad, good), temperature=0)[0].drafts
    assert once.drawn == 1 and once.problems  # the likeliest words are the same at every drawing
    two = small_scout.write(one, EMAIL, writer=drawing(good), n=2)[0].drafts
    assert two[0].text == good and two[1].problems == ("the same as an earlier draft",)
    formless = small_scout.write(one, EMAIL, writer=drawing("Hello,"))[0].drafts[0].problems
    assert "channel not as asked" in formless and "length not as asked" in formless
    assert "states none of the facts" in formless


def test_what_may_be_taken_amiss_is_drawn_again_but_not_withheld(
    small_scout, small_tables, writer, drawing, nobody, texts
) -> None:
    one = nobody(small_tables)
    good = texts(small_scout.write(one, EMAIL, writer=writer))[0]
    (question,) = re.findall(r"[^.?!\n]*\?", good)
    doubtful = good.replace(question, " I can pick up where you left off. Can I help?")  # where was that?
    bad = good.replace("\n", "\nAcme Corp. ", 2)
    for drawings, text, drawn in (
        ((doubtful, good), good, 2),
        ((doubtful,), doubtful, 8),
        ((doubtful, bad), doubtful, 8),  # rather one that is true than none
        ((bad, doubtful, bad), doubtful, 8),
    ):
        (draft,) = small_scout.write(one, EMAIL, writer=drawing(*drawings))[0].drafts
        assert (draft.text, draft.drawn, draft.problems) == (text, drawn, ())
    (likeliest,) = small_scout.write(one, EMAIL, writer=drawing(doubtful, good), temperature=0)[0].drafts
    assert likeliest.text == doubtful


def test_an_offer_and_a_sender_stand_in_their_places_as_they_are(
    small_scout, small_tables, drawing, nobody, signals_of, placed
) -> None:
    one = nobody(small_tables)

    def drawn(raw: str, how: Instruction, **own: str) -> Draft:
        return small_scout.write(one, how, writer=drawing(raw), **own)[0].drafts[0]

    bare = placed.replace("OFFER. ", "")
    assert drawn(placed, SHORT).text == bare
    both = drawn(placed, SHORT, offer=f" {ROOMS}", sender="Ann Lee, Acme")
    assert both.text == f"{placed.replace('OFFER.', ROOMS)}\nAnn Lee, Acme" and both.problems == ()
    assert both.message.endswith("\nThanks\nAnn Lee, Acme")
    foreign = "R\u00e4ume f\u00fcr 12 Teams in Berlin - you joined our webinar, says Acme."  # not checked
    assert foreign in drawn(placed, SHORT, offer=foreign).text
    assert drawn(bare, SHORT, offer=ROOMS).problems == ("no place for the offer",)
    twice = placed.replace("OFFER.", "OFFER. OFFER.")
    assert drawn(twice, SHORT, offer=ROOMS).problems == drawn(twice, SHORT).problems == ("2 places for an offer",)
    note = "Hi,\nI would like to connect. I can help if you wish. OFFER. Shall we talk?"
    by_linkedin = Instruction("linkedin", "direct", "short")
    assert drawn(note, by_linkedin, offer=ROOMS, sender="Ann Lee").text == note.replace("OFFER.", ROOMS)
    longer = note.replace("OFFER.", "A short answer is enough. We can keep this short. OFFER.")
    assert drawn(longer, by_linkedin, offer="a" * 181).problems == ()
    assert drawn(longer, by_linkedin, offer="a" * 182).problems == (
        "301 characters, a LinkedIn note has 300: ask for a shorter one",
    )
    no = "Hi,\nI saw that you told us that it is not for you. I will not write again.\nThanks"
    one = signals_of(small_tables, (50, "Email reply", "We are not interested."))  # a decline answers that
    declined = drawn(no, Instruction("decline", "direct", "short"), offer=ROOMS, sender="Ann Lee")
    said = no.replace("it is not for you", "you are not interested")  # as it was
    assert declined.text == f"{said}\nAnn Lee" and declined.problems == ()
    open_no = no.replace("again.", "again. OFFER.")
    for own in ({}, {"offer": ROOMS}):
        assert drawn(open_no, Instruction("decline", "direct", "short"), **own).problems == ("1 place for an offer",)


@pytest.mark.parametrize("channel", ["email", "linkedin"])
def test_a_lead_with_no_usable_fact_gets_a_plain_opener(small_scout, small_tables, writer, nobody, channel) -> None:
    for length in ("short", "medium"):
        how = Instruction(channel, "warm", length)
        (draft,) = small_scout.write(nobody(small_tables), how, writer=writer)[0].drafts
        assert draft.text and draft.facts == () and draft.problems == ()
        assert inventions(draft.text, ()) == [] and faults(draft.text, how) == []


def test_most_ends_the_list_after_the_last_lead_that_may_be_written_to(small_scout, small_tables, writer) -> None:
    some = small_tables.take(np.arange(60))
    whole = small_scout.write(some, EMAIL, writer=writer)
    first = small_scout.write(some, EMAIL, writer=writer, most=5)
    assert first == whole[: len(first)] and sum(not each.why_not for each in first) == 5 and not first[-1].why_not


@pytest.mark.parametrize("ships", ["baseline", "scout"])
def test_it_works_whatever_ships_and_from_a_file(small_scout, some, writer, tmp_path: Path, ships: str) -> None:
    scout = replace(small_scout, ships=ships)
    scout.save(tmp_path)
    assert Scout.load(tmp_path).in_dtype("int8").write(some, EMAIL, writer=writer) == scout.write(some, EMAIL)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "Scout.write: n is 0"),
        ({"tries": 0}, "Scout.write: tries is 0"),
        ({"temperature": -1.0}, "temperature is -1.0; needs a number from 0 up"),
        ({"temperature": 2.01}, "Scout.write: temperature is 2.01; needs a number from 0 to 2, beyond"),
        ({"temperature": 0.0, "n": 2}, "n is 2, and at temperature 0 there is one draft to a lead"),
        ({"seed": -1}, "seed is -1"),
        (
            {"mention": ["hat size"]},
            'mention names "hat size", which is no known column or kind of signal; needs some of',
        ),
        ({"offer": "two\nlines"}, "Scout.write: offer holds a line break"),
        ({"sender": "a" * 81}, "Scout.write: sender has 81 characters; needs 80 at most"),
    ],
)
def test_what_makes_no_sense_is_one_line(small_scout, some, writer, options: dict, said: str) -> None:
    with pytest.raises(InputError) as caught:
        small_scout.write(some, EMAIL, writer=writer, **options)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("channel", ["follow_up", "re_engage", "decline", "linkedin"])
def test_what_goes_by_email_has_a_subject(small_scout, small_tables, signals_of, writer, channel: str) -> None:
    seen = [(40 * 24, "outreach_email", None), (35 * 24, "webinar", None)]
    seen += [(32 * 24, "Email reply", "not interested")] if channel == "decline" else []
    (found,) = small_scout.write(
        signals_of(small_tables, *seen), Instruction(channel, "warm", "medium"), writer=writer, temperature=0.2
    )
    (draft,) = found.drafts
    subjects = {"follow_up": "my last note: our webinar", "re_engage": "after a while: our webinar"}
    assert draft.subject == {**subjects, "decline": "a last word", "linkedin": ""}[channel]
    assert "Subject" not in draft.message and draft.message == draft.text


def test_a_draft_without_subject() -> None:
    assert Draft(1, "Hi,\nA line.", (), 1).subject == "" and Draft(1, "Hi,\nA line.", (), 1).message == "Hi,\nA line."


def test_leads_of_whom_the_same_is_known_get_drafts_of_their_own(
    small_scout, small_tables, writer, nobody, texts
) -> None:
    bare = nobody(small_tables)
    found = set()
    for name in "abcdef":
        leads = bare.leads.assign(contact_id=pd.Series([name], dtype="str"))
        found.update(texts(small_scout.write(replace(bare, leads=leads), EMAIL, writer=writer)))
    assert len(found) >= 5


def test_many_leads_are_written_to_in_blocks_and_progress_is_told(
    small_scout, small_tables, drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = small_tables.take(np.arange(40))
    bare = "Subject: a short question\nHello,\nA short note from me. Can I help?\nThanks"
    told, calls = [], drawing(bare)
    whole = small_scout.write(rows, EMAIL, writer=drawing(bare), n=2, tries=1)
    monkeypatch.setattr("tinyscout.drafting.BLOCK", 7)
    parts = small_scout.write(rows, EMAIL, writer=calls, n=2, tries=1, progress=lambda *step: told.append(step))
    assert parts == whole and max(map(len, calls.asked)) == 7
    open_ = sum(not each.why_not for each in whole)
    looked, written = ([step[1:] for step in told if step[0].startswith(what)] for what in ("looking", "writing"))
    assert looked == [(done, 40) for done in range(0, 40, 7)]
    assert [done for done, _ in written] == sorted(done for done, _ in written) and len(written) == 2 * -(-open_ // 7)
    assert written[-1] == (2 * open_, 2 * open_)
