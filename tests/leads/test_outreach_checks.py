"""The checks of messages: what is planted is found, what is true passes, and each fault of form has its name."""

import re
from collections.abc import Callable
from random import Random

import pytest

from tinyscout.leads.outreach import Example, write_examples
from tinyscout.leads.outreach_checks import ASKED, RULES, faults, inventions, repeats, states
from tinyscout.leads.outreach_facts import AGES, DEEDS, INDUSTRIES, ROLES, Fact, FactBook
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_templates import FAMILIES, TONES
from tinyscout.leads.tables import LeadTables

NAMES = ("Anna", "Mr Okafor", "Priya Nair", "Lena", "Tom Baker", "Ines", "Dr Weiss", "Kofi", "Yuki", "Carlos")
COMPANIES = (
    "Acme Corp",
    "Globex",
    "Initech",
    "Umbrella Ltd",
    "Northwind",
    "Contoso",
    "Hooli",
    "Stark GmbH",
    "SAP",
    "Xyz",
)
NUMBERS = ("40 percent", "12", "three hundred", "2.5 million", "a dozen", "99%", "twenty", "10x", "7 of 10", "fifty")
DATES = (
    *(
        "on Monday",
        "next Thursday",
        "in March",
        "12/05/2025",
        "yesterday",
        "last week",
        "three weeks ago",
        "since 2019",
    ),
    *("tomorrow morning", "this quarter"),
)
EVENTS = (
    "You spoke at our summit.",
    "I saw that you visited our booth.",
    "Since you signed the agreement, all is set.",
    "Your talk at the conference was good to hear.",
    "You downloaded the ebook.",
    "I noticed that you called us twice.",
    "As you hired a new team, this may help.",
    "You opened an office abroad.",
    "Congratulations on your award.",
    "You met my colleague at the fair.",
)

PRODUCT = (  # none of it was told by anybody
    "It tells a team whom to write to first.",
    "The interface is plain, and you can test it from a shell.",
    "Your data stays with you.",
    "A first look takes an hour at most.",
    "It shows which campaigns bring people who answer.",
    "You can try it in an afternoon without talking to anyone.",
    "It fits into the tools that you run already.",
    "Nothing has to be installed for a first look.",
    "You can use it for several clients side by side.",
    "We keep things simple for you.",
    "It works well with what you use.",
    "You can reach us at any hour.",
    "We can help you to know more.",
    "It is of use to everybody.",
    "Our plans suit everybody.",
    "We know what matters most to you.",
    "It is a simple first step.",
    "We answer at any time.",
    "It suits your side.",
    "We have a guide for that.",
    "It helps you to decide.",
    "Our page is free.",
    "We are the best fit for you.",
    "It takes no time.",
    "Our call is free.",
    "A first step is easy and free.",
    "A first step is free.",
    "A short talk is worth your time.",
    "The first call is on us.",
    "Some detail is all that matters, and help is free.",
    "A call helps everybody.",
    "This can solve all that matters most.",
    "Somebody will answer at any hour.",
    "A free call, a free summary.",
    "The best help, with no hurry.",
    "Trust stays, and time is on your side.",
)


@pytest.fixture(scope="module")
def book(small_tables: LeadTables) -> FactBook:
    return FactBook(small_tables)


@pytest.fixture(scope="module")
def examples(small_tables: LeadTables) -> list[Example]:
    return write_examples(small_tables, range(1000), seed=8, families=tuple(FAMILIES), per_lead=2)


def insert(text: str, sentence: str, rng: Random) -> str:
    """The text with a sentence more in its body."""
    lines = text.split("\n")
    at = 1 + lines[0].startswith("Subject: ")
    sentences = lines[at].split(". ")
    place = rng.randrange(len(sentences))
    if place == 0:
        lines[at] = f"{sentence} {lines[at]}"
    else:
        lines[at] = ". ".join(sentences[:place]) + f". {sentence} " + ". ".join(sentences[place:])
    return "\n".join(lines)


def planted(example: Example, kind: str, number: int, rng: Random, book: FactBook) -> tuple[str, str]:
    """A true message made untrue in one way, and the words in it that are untrue."""
    text, true = example.message, book.phrases(example.row)

    def wrong(words: list[str]) -> str:
        return rng.choice([each for each in words if each not in true])

    if kind == "age":
        deed = next(fact for fact in example.facts if fact.did)
        own = {fact.when for fact in book.facts(example.row) if fact.said == deed.said}
        age = rng.choice([words for *_, words in AGES if words not in own])
        return text.replace(deed.when, age), age
    carrier, words = {
        "role": ("I hear that {} decides at your place.", lambda: wrong(list(ROLES.values()))),
        "industry": ("I know {} well.", lambda: wrong(list(INDUSTRIES.values()))),
        "number": ("It has helped {} of our clients.", lambda: NUMBERS[number % 10]),
        "date": ("I can show it {}.", lambda: DATES[number % 10]),
        "name": ("{} told me to write.", lambda: NAMES[number % 10]),
        "company": ("We do the same for {}.", lambda: COMPANIES[number % 10]),
        "product": ("{}", lambda: PRODUCT[number]),
        "event": ("{}", lambda: EVENTS[number % 10]),
    }[kind]
    false = words()
    return insert(text, carrier.format(false), rng), false


@pytest.mark.parametrize("kind", ["role", "industry", "number", "date", "name", "company", "event", "age", "product"])
def test_planted_inventions_of_each_of_9_kinds_are_found(kind, examples, book):
    """Into as many true messages: 25 of a kind, every one of PRODUCT. The untrue words are found, not those around."""
    rng = Random(kind)
    fit = [each for each in examples if kind != "age" or any(fact.did for fact in each.facts)]
    for number, example in enumerate(rng.sample(fit, len(PRODUCT) if kind == "product" else 25)):
        text, false = planted(example, kind, number, rng, book)
        assert text != example.message
        found = {word for each in inventions(text, book.facts(example.row)) for word in re.findall(r"\w+", each.words)}
        assert found & set(re.findall(r"\w+", false)), (text, found)


def test_a_wrong_deed_role_or_age_in_the_templates_own_words_is_found(examples, book):
    """Nothing but the fact is false: the sentence is the corpus's."""
    found = missed = 0
    deeds, roles = [did for _, did, _ in DEEDS.values()], list(ROLES.values())
    for example in examples:
        true = book.facts(example.row)
        for fact in example.facts:
            others = [each for each in (deeds if fact.did else roles) if each not in {own.said for own in true}]
            if (fact.did or fact.about == "persona") and fact.said in example.message:
                text = example.message.replace(fact.said, Random(example.message).choice(others))
                found, missed = found + bool(inventions(text, true)), missed + (not inventions(text, true))
    assert found > 300 and missed == 0


def test_no_true_message_is_accused(examples, book):
    """Of any family, tone and channel, invented leads included."""
    for example in examples:
        assert inventions(example.message, book.facts(example.row)) == [], example.message
        assert inventions(example.message, example.facts) == []
        assert all(states(example.message, fact) for fact in example.facts)
        assert faults(example.message, example.instruction) == [] and not repeats(example.message)


def test_made_up_facts_are_the_truth_of_their_message(small_tables):
    for example in write_examples(small_tables, range(300), seed=2, invented=1.0):
        assert example.invented and inventions(example.message, example.facts) == [], example.message
        assert all(states(example.message, fact) for fact in example.facts)
        if example.facts and example.facts[0].said != "unsubscribed":
            assert inventions(example.message, ()), example.message


def test_a_message_is_untrue_of_most_other_leads(examples, book, small_tables):
    stated = [each for each in examples if each.facts]
    untrue = [bool(inventions(each.message, book.facts((each.row + 7) % len(small_tables)))) for each in stated]
    assert sum(untrue) > 0.8 * len(untrue)


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        ("Hi,\nGreta sends her regards.\nThanks", "name", "Greta"),
        ("Hi,\nWe have 40 clients.\nThanks", "number", "40"),
        ("Hi,\nTwo of us can come.\nThanks", "number", "Two"),
        ("Hi,\nWe can talk on tuesday.\nThanks", "date", "tuesday"),
        ("Hi,\nWe spoke last week.\nThanks", "date", "week"),
        ("Hi,\nYou read our case study.\nThanks", "claim", "case study"),
        ("Hi,\nI saw that you joined us.\nThanks", "you", "you joined us"),
        ("Hi,\nIt is of use.\nThanks", "us", "It is of"),
        ("Hi,\nA first step is easy and free.\nThanks", "thing", "step is easy"),
        ("Hi,\nA free summary.\nThanks", "thing", "A free summary"),
        ("Hi,\nI saw that you read our dcos.\nThanks", "word", "dcos"),
        ("Hi,\nI saw that you read our docs a few weeks ago.\nThanks", "age", "a few weeks ago"),
        ("", "", ""),
        ("\n\n??? ... \x00 you you", "you", "you you"),
    ],
)
def test_each_rule_finds_its_kind(text, rule, words):
    facts = [
        Fact("docs_visit", "100 h ago", "read our docs", "a few days ago", True),
        Fact("webinar", "400 h ago", "joined our webinar", "a few weeks ago", True),
    ]
    if rule in ("claim", "you"):
        facts = facts[:1] if rule == "claim" else []
    found = inventions(text, facts)
    assert ((rule, words) in found) if rule else found == []
    assert all(each.rule in RULES for each in found)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("You came to us through Python.", "us through Python"),
        ("You use fintech, so that is where I would begin.", "you use fintech so"),
        ("After fintech, there is a lot to decide.", "after fintech there"),
        ("As Python, you will have a view of your own.", "as Python you"),
        ("A partner told me about you.", "a partner told"),
        ("My notes say industry: Python.", "say industry Python"),
        ("My notes say tech stack: Python.", ""),
        ("You came to us through a partner. I understand that you work with Python.", ""),
    ],
)
def test_a_true_value_told_as_another_column_s_is_found(sentence: str, words: str) -> None:
    facts = [
        Fact("industry", "fintech", "fintech"),
        Fact("tech_stack", "python", "Python"),
        Fact("source", "partner", "a partner"),
        Fact("employees", "12", "a small team"),
    ]
    found = [each for each in inventions(f"Hi,\n{sentence}\nThanks", facts) if each.rule == "place"]
    assert found == ([("place", words)] if words else [])


def test_a_value_that_two_columns_have_may_be_told_as_either_s() -> None:
    facts = [Fact("industry", "fintech", "fintech"), Fact("source", "fintech", "fintech")]
    for sentence in ("You came to us through fintech.", "My notes say industry: fintech."):
        assert not [each for each in inventions(f"Hi,\n{sentence}\nThanks", facts) if each.rule == "place"]
    assert ("place", "you use fintech") in inventions("Hi,\nYou use fintech.\nThanks", facts)


def test_a_true_age_told_of_another_deed_is_found() -> None:
    docs, webinar = (
        Fact("docs_visit", "100 h ago", "read our docs", "a few days ago", True),
        Fact("webinar", "400 h ago", "joined our webinar", "a few weeks ago", True),
    )
    swapped = "Hi,\nYou joined our webinar a few days ago and read our docs a few weeks ago.\nThanks"
    true = "Hi,\nYou joined our webinar a few weeks ago and read our docs a few days ago.\nThanks"
    assert {each for each in inventions(swapped, [docs, webinar]) if each.rule == "age"} == {
        ("age", "a few days ago"),
        ("age", "a few weeks ago"),
    }
    assert not [each for each in inventions(true, [docs, webinar]) if each.rule == "age"]


def test_a_value_may_hold_a_word_that_states_something_but_lends_it_to_nothing_else():
    told = [Fact("industry", "Free Media", "Free Media")]
    assert inventions("Hi,\nSince you work in Free Media, your needs may differ from most.\nThanks", told) == []
    for summary in ("A free summary", "A Free summary"):
        assert ("thing", summary) in inventions(f"Hi,\n{summary}.\nThanks", told)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: text.replace("Subject: ", "", 1), "channel"),
        (lambda text: text.replace("\nBest wishes", ""), "channel"),
        (lambda text: text.replace("Hello,\n", "Hello,\nComing back to my last note. "), "channel"),
        (lambda text: text.replace("Hello,\n", "Hey,\n"), "tone"),
        (lambda text: text.replace("Best wishes", "Cheers"), "tone"),
        (lambda text: text.replace("I have", "I've"), "tone"),
        (lambda text: text.replace("\nBest", " No rush, it is up to you.\nBest"), "tone"),
        (lambda text: text.replace("Shall we talk?", "We talk."), "question"),
        (lambda text: text.replace("Shall we talk?", "Shall we talk? Can I help?"), "question"),
        (lambda text: text.replace("Shall we talk?", "What?"), "question"),
        (lambda text: text.replace("Shall we talk?", "So " * 40 + "shall we talk?"), "length"),
    ],
)
def test_each_fault_of_form_has_its_name(change: Callable[[str], str], fault: str):
    wanted = Instruction("email", "friendly", "short")
    text = "Subject: a short question\nHello,\nI have little to go by so far. Shall we talk?\nBest wishes"
    assert faults(text, wanted) == []
    assert fault in faults(change(text), wanted) and fault in ASKED


def test_another_instruction_finds_a_fault(examples):
    """A message seldom follows an instruction with another channel, and never one with another tone."""
    for example in examples[::10]:
        own = example.instruction
        for tone in set(TONES) - {own.tone}:
            assert "tone" in faults(example.message, Instruction(own.channel, tone, own.length))
        for channel in {"email", "linkedin", "follow_up", "re_engage", "decline"} - {own.channel}:
            assert "channel" in faults(example.message, Instruction(channel, own.tone, own.length))


def test_garbled_text_is_judged_and_not_an_error():
    wanted = Instruction("linkedin", "casual", "long")
    for text in ("", "\n", "?", "\ufffd\ufffd you", "Subject:", "Hey,\n\n\n", "you " * 300, "\x00'm I'm"):
        assert set(faults(text, wanted)) <= set(ASKED) and faults(text, wanted)
        inventions(text, ())
        repeats(text)


def test_a_sentence_twice_is_a_repeat():
    assert repeats("Hi,\nA line is all I need. A line is all I need.") and not repeats("Hi,\nA line is all I need.")


def test_a_place_for_an_offer_is_no_fault_but_two_are_and_one_in_a_decline():
    wanted = Instruction("email", "friendly", "short")
    text = "Subject: a short question\nHello,\nI can help if you wish. OFFER. Shall we talk?\nBest wishes"
    assert faults(text, wanted) == [] == inventions(text, ())
    assert faults(text.replace("OFFER.", "OFFER. OFFER."), wanted) == ["channel"]
    declined = "Hello,\nThere is nothing that you need to do. I stop here. OFFER.\nBest wishes"
    how = Instruction("decline", "friendly", "short")
    assert faults(declined, how) == ["channel"] and faults(declined.replace(" OFFER.", ""), how) == []
    most = " ".join(["note"] * 22)  # 38 words beside the place, which does not count
    assert faults(text.replace("OFFER.", f"{most}. OFFER."), wanted) == []
    assert faults(text.replace("OFFER.", f"{most} note. OFFER."), wanted) == ["length"]
