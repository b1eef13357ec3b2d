"""The corpus for writing: true of its leads, as instructed, reproducible, and split by lead and by form."""

import re

import numpy as np
import pytest

from tinyscout.errors import InputError
from tinyscout.leads import outreach_templates as templates
from tinyscout.leads.outreach import CHANNELS, IDLE_DAYS, LENGTHS, PHRASINGS, Example, Instruction, write_examples
from tinyscout.leads.outreach_facts import AGES, DEEDS, PHRASES, UNSUBSCRIBED, FactBook, age_in_words, claims
from tinyscout.leads.outreach_templates import FAMILIES, HELD_OUT_FAMILIES, TONES, TRAINING_FAMILIES
from tinyscout.leads.tables import LeadTables


@pytest.fixture(scope="module")
def examples(small_tables: LeadTables) -> list[Example]:
    return write_examples(small_tables, range(0, len(small_tables), 3), seed=3, families=tuple(FAMILIES), per_lead=2)


@pytest.fixture(scope="module")
def book(small_tables: LeadTables) -> FactBook:
    return FactBook(small_tables)


def test_a_message_claims_its_facts_and_no_others(examples):
    for example in examples:
        assert claims(example.message) == {fact.said for fact in example.facts}, example


def test_every_fact_is_the_leads_own(small_tables, examples):
    """Looked up in the tables anew, not through what the generator looked up."""
    leads, signals = small_tables.leads, small_tables.signals
    for example in examples[::5]:
        own = signals.iloc[small_tables.offsets[example.row] : small_tables.offsets[example.row + 1]]
        for fact in example.facts:
            if fact.about in small_tables.schema.columns:
                value = leads[fact.about].iloc[example.row]
                assert fact.value == (f"{value:.0f}" if isinstance(value, float) else value)
            elif fact.value.endswith(" h before contact"):
                ages = own.loc[own["kind"] == fact.about, "age_hours"]
                assert any(fact.value == f"{age:.0f} h before contact" for age in ages)
                assert any(fact.said == age_in_words(age) for age in ages)
            elif fact.value == "seen":
                assert (own["kind"] == fact.about).any()
                assert fact.said in (UNSUBSCRIBED, DEEDS.get(fact.about, ("",))[0])
            else:
                assert (own.loc[own["kind"] == fact.about, "text"] == fact.value).any()


def test_what_is_claimed_is_true_of_the_lead_and_often_untrue_of_another(small_tables, examples, book):
    assert all(claims(each.message) <= book.phrases(each.row) for each in examples)
    others = [claims(each.message) <= book.phrases((each.row + 7) % len(small_tables)) for each in examples]
    assert np.mean(others) < 0.5


def test_templates_by_themselves_say_nothing_of_a_lead():
    texts = [each for family in FAMILIES.values() for group in vars(family).values() for each in group]
    texts += [each for group in (*templates.LEADS_IN.values(), *templates.BODIES.values()) for each in group]
    texts += [*templates.PITCHES.values(), templates.PITCH, templates.NO_FIT, *templates.DECLINE_MORE]
    texts += [*templates.SUBJECTS, *templates.PLAIN_SUBJECTS, *(tone.courtesy for tone in TONES.values())]
    texts += [each for tone in TONES.values() for each in (*tone.greetings, *tone.partings)]
    assert [text for text in texts if claims(text)] == []


def test_claims_finds_whole_phrases_in_any_case():
    assert claims("You read our docs. Fintech, and a developer in the Nordics") == {
        "docs",
        "fintech",
        "a developer",
        "the Nordics",
    }
    assert claims("the doctor's webinars and prototyping") == frozenset()
    assert claims("a marketing manager") == {"a marketing manager"}
    assert all(claims(f"so, {words}.") == {words} for words in PHRASES)


def test_a_message_is_what_the_instruction_asks_for(examples):
    for example in examples:
        wanted, message = example.instruction, example.message
        lines = message.split("\n")
        assert lines[0].startswith("Subject: ") == (wanted.channel == "email")
        assert message.count("?") == (wanted.channel != "decline")
        assert len(message.split()) <= LENGTHS[wanted.length]
        tone = TONES[wanted.tone]
        assert (lines[1] if wanted.channel == "email" else lines[0]) in tone.greetings
        assert (lines[-1] in tone.partings) == (wanted.channel != "linkedin")
        for channel, openings in templates.LEADS_IN.items():
            said = any(opening[-12:] in message for opening in openings)
            assert said == (wanted.channel == channel)
        assert not re.search(r"[{}]|\bNone\b|  ", message) and message.isascii() and "!" not in message


def test_longer_ones_are_longer(examples):
    words = {
        length: np.mean([len(each.message.split()) for each in examples if each.instruction.length == length])
        for length in LENGTHS
    }
    assert words["short"] + 5 < words["medium"] < words["long"] - 5


def test_a_casual_message_is_contracted_and_no_other(examples):
    for example in examples:
        contracted = "'" in example.message
        assert not contracted or example.instruction.tone == "casual"
    assert any("I'm" in example.message for example in examples)


def test_whoever_wants_to_be_left_alone_gets_a_decline_and_nothing_else(small_tables, examples, book):
    stops = {row for row in range(len(small_tables)) if book.of(row).stop is not None}
    assert 0.05 < len(stops) / len(small_tables) < 0.4
    for example in examples:
        assert (example.instruction.channel == "decline") == (example.row in stops)


def test_a_decline_after_an_unsubscribe_unless_a_demo_was_asked_for_since(small_tables, book):
    signals = small_tables.signals
    for row in range(0, len(small_tables), 4):
        own = signals.iloc[small_tables.offsets[row] : small_tables.offsets[row + 1]]
        kinds = own.loc[own["kind"].isin(["unsubscribe", "demo_request"]), "kind"].tolist()
        stop = book.of(row).stop
        if kinds[-1:] == ["unsubscribe"] and not own["text"].notna().any():
            assert stop is not None and stop.said == UNSUBSCRIBED
        if kinds[-1:] == ["demo_request"]:
            assert stop is None or stop.said != UNSUBSCRIBED


def test_channels_suit_the_lead(small_tables, examples):
    signals = small_tables.signals
    for example in examples[::3]:
        own = signals.iloc[small_tables.offsets[example.row] : small_tables.offsets[example.row + 1]]
        if example.instruction.channel == "follow_up":
            assert (own["kind"] == "outreach_email").any()
        if example.instruction.channel == "re_engage":
            assert own["age_hours"].min() > 24 * IDLE_DAYS
    assert {each.instruction.channel for each in examples} == set(CHANNELS)


def test_a_lead_without_facts_gets_a_plain_opener(small_tables, book):
    empty = [row for row in range(len(small_tables)) if not book.of(row).deeds]
    for example in write_examples(small_tables, empty[:50], seed=0, families=("observation",), channel="linkedin"):
        if example.instruction.length == "short":
            assert example.facts == () and "keep this open" in example.message


def test_an_example_depends_on_its_own_lead_alone(small_tables):
    alone = write_examples(small_tables, [17], seed=5)
    assert write_examples(small_tables, [3, 17, 40], seed=5)[1] == alone[0]
    assert write_examples(small_tables, [17], seed=6) != alone
    assert len(write_examples(small_tables, [17, 18], seed=5, per_lead=3)) == 6


def test_held_out_families_share_no_sentence_with_the_others():
    def sentences(names):
        return {
            each
            for name in names
            for part in ("hooks", "plain", "asks", "decline")
            for each in vars(FAMILIES[name])[part]
        }

    assert set(TRAINING_FAMILIES) | set(HELD_OUT_FAMILIES) == set(FAMILIES)
    assert not set(TRAINING_FAMILIES) & set(HELD_OUT_FAMILIES)
    assert not sentences(TRAINING_FAMILIES) & sentences(HELD_OUT_FAMILIES)


def test_families_are_those_asked_for(small_tables):
    held_out = write_examples(small_tables, range(200), seed=1, families=HELD_OUT_FAMILIES)
    assert {each.family for each in held_out} == set(HELD_OUT_FAMILIES)
    assert {each.family for each in write_examples(small_tables, range(200), seed=1)} == set(TRAINING_FAMILIES)


def test_bots_write_much_the_same_to_all_and_ask_more_than_once(examples):
    assert len({each.bot for each in examples}) < len({each.message for each in examples})
    assert all(each.bot.count("?") == 2 and "Dear valued customer" in each.bot for each in examples)


def test_instructions_name_channel_tone_and_length():
    texts = set()
    for channel in CHANNELS:
        for tone in TONES:
            for length in LENGTHS:
                for phrasing in range(len(PHRASINGS)):
                    text = Instruction(channel, tone, length, phrasing).text
                    assert CHANNELS[channel] in text and tone in text and length in text
                    texts.add(text)
    assert len(texts) == len(CHANNELS) * len(TONES) * len(LENGTHS) * len(PHRASINGS)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"families": ("nonsense",)}, 'no template family "nonsense"'),
        ({"channel": "fax"}, 'no channel "fax"'),
        ({"families": ()}, "got 0 families"),
        ({"per_lead": 0}, "0 examples a lead"),
    ],
)
def test_an_unknown_name_is_refused_in_one_line(small_tables, wrong, named):
    with pytest.raises(InputError, match=named) as error:
        write_examples(small_tables, [0], seed=0, **wrong)
    assert "\n" not in str(error.value)


def test_ages_are_said_in_order():
    assert [age_in_words(limit - 1) for limit, _ in AGES[:-1]] == [words for _, words in AGES[:-1]]
    assert age_in_words(24.0) == "a few days ago" and age_in_words(1e9) == AGES[-1][1]
