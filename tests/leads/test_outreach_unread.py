"""What was written of a lead stands beside its draft, for whoever sends it."""

import pytest

from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_unread import unread


@pytest.fixture
def said(small_tables, signals_of):
    return lambda *given, notes="": unread(FactBook(signals_of(small_tables, *given)), 0, notes)


def test_the_latest_words_come_first_and_then_the_notes(said) -> None:
    given = [(50.0 - i, "Call note", f"talk {i}") for i in range(6)]
    five = " | ".join(f'Call note, {50 - i} h ago: "talk {i}"' for i in (5, 4, 3, 2, 1))
    assert said(*given) == five
    assert said(*given, notes='Notes: "likes maps"') == f'{five} | Notes: "likes maps"'
    assert said(notes='Notes: "likes maps"') == 'Notes: "likes maps"'
    assert said((30.0, "support_ticket", "the map is\n upside down")) == (
        'support_ticket, 30 h ago: "the map is upside down"'
    )


def test_titles_of_pages_our_own_messages_and_empty_texts_are_nobodys_words(said) -> None:
    assert said((9.0, "Page view", "Pricing"), (8.0, "outreach_email", "Hello"), (7.0, "Note", None)) == ""


def test_what_is_long_is_cut_at_400_characters(said) -> None:
    assert said((9.0, "Note", "x" * 400)) == f'Note, 9 h ago: "{"x" * 400}"'
    assert said((9.0, "Note", "x" * 401)) == f'Note, 9 h ago: "{"x" * 397}..."'
