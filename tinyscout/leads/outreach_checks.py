"""Is a message true of its lead, and is it what was asked for? Checks on the text alone, whoever wrote it.

The world is closed: what a message may say are the lead's facts and the words of the corpus's sentences. Every other
name, number, date, claim, age, word, or statement about "you", "us", "it" or a thing counts as invented, and so does a
garbled one. So a claim about the product is one, too: the corpus makes none, but leaves a place for the seller's own
words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tinyscout.leads import outreach_templates as templates
from tinyscout.leads.outreach_facts import AGES, BETWEEN, REASONS, Fact, claims, phrases_of
from tinyscout.leads.outreach_instructions import LINKEDIN_CHARACTERS, Instruction
from tinyscout.leads.outreach_names import in_words
from tinyscout.leads.outreach_offer import places, with_offer
from tinyscout.leads.outreach_templates import CONTRACTIONS, TONES
from tinyscout.leads.outreach_values import word_set

RULES = ("name", "number", "date", "claim", "age", "you", "us", "thing", "word", "place")
ASKED = ("channel", "tone", "length", "question")
NUMBERS = word_set(
    "zero one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty "
    "hundred thousand million billion dozen half double triple twice percent"
)
DATES = word_set(
    "today yesterday tomorrow tonight monday tuesday wednesday thursday friday saturday sunday january february march "
    "april june july august september october november december spring summer autumn winter week weeks month months "
    "day days hour hours year years quarter quarters minute minutes decade morning afternoon evening ago since "
    "recently lately weekend"
)
STATES = word_set(  # says what a thing is, does or costs: stands only between two words that a template has around it
    "is are was were be been has have takes suits stays helps works tends needs goes looks can could will would may "
    "shall should does free easy worth best"
)
_WORD = re.compile(r"[^\W_]+(?:['./&-][^\W_]+)*")
SENTENCE = re.compile(r"(?<=[.?!])\s+|\n")
_YOU = re.compile(r"you(?:r|rs|'\w+)?")
_US = re.compile(r"(?:we|us|our|ours|it|its)(?:'\w+)?")  # who writes, and what they sell
_CONTRACTED = re.compile(r"\b\w+'(?:m|ll|ve|re|s|d|t)\b")
_AGES = frozenset(words for *_, words in (*AGES, *BETWEEN))
_SLOT = "slot"  # stands for what a lead's facts fill in


class Invention(NamedTuple):
    """Something in a text that the lead's facts don't hold: the rule it broke (one of RULES), and the words."""

    rule: str
    words: str


def inventions(text: str, facts: Iterable[Fact]) -> list[Invention]:
    """All that a text says beyond these facts of its lead; empty for a text that is true."""
    facts, text = tuple(facts), expanded(text)
    found = [Invention("claim", words) for words in sorted(claims(text) - phrases_of(facts))]
    own, own_pairs = _own(facts)
    for sentence in SENTENCE.split(text):
        found += [Invention("age", words) for words in _wrong_ages(sentence, facts)]
        words = _words(sentence.removeprefix("Subject: "))
        found += [Invention("place", each) for each in _misplaced(words, facts)]
        for i, word in enumerate(words):
            rule = _broken(word, words[i - 1].lower() if i else "", own, own_pairs)
            if rule:
                found.append(Invention(rule, word))
            elif not _may_follow(words[i : i + 3], own, facts):
                rule = "you" if _YOU.fullmatch(word.lower()) else "us"
                found.append(Invention(rule, " ".join(words[i : i + 3])))
            elif not _may_state(words, i, own, own_pairs):
                found.append(Invention("thing", " ".join(words[max(i - 1, 0) : i + 2])))
    return found


def _own(facts: Iterable[Fact]) -> tuple[set[str], set[tuple[str, str]]]:
    """The words of facts, and pairs of them in small letters; a word that stands in a value pairs with nothing too."""
    own, pairs = set(), set()
    for fact in facts:
        words = _words(_told(fact))
        own.update(words)
        small = [word.lower() for word in words]
        pairs.update(pairwise(small))
        pairs.update(("", word) for word in _words(fact.said))
    return own, pairs


def _broken(word: str, before: str, own: set[str], own_pairs: set[tuple[str, str]]) -> str:
    """The rule that a word breaks by itself or after the word before it; empty for none."""
    small = word.lower()
    if small in DATES:
        return "" if (before, small) in _PAIRS or (before, small) in own_pairs or ("", word) in own_pairs else "date"
    if word in own:
        return ""
    if any(letter.isdigit() for letter in word):
        return "number"
    if word not in _KNOWN:
        return "number" if small in NUMBERS else "word" if word == small else "name"
    return ""


def _wrong_ages(sentence: str, facts: Sequence[Fact]) -> list[str]:
    """Ages in a sentence that belong to none of the deeds it speaks of, or to another than the nearest."""
    said = claims(sentence)
    ages = said & _AGES
    spoken = [fact for fact in facts if fact.when and (fact.said in sentence or claims(fact.said) & said)]
    if not ages or not spoken:
        return []
    wrong = ages - {fact.when for fact in spoken}
    placed = {fact.said for fact in spoken if fact.said in sentence}
    if len(placed) > 1:
        for age in ages - wrong:
            nearest = min(placed, key=lambda deed: _between(sentence, deed, age))
            wrong |= {age} - {fact.when for fact in spoken if fact.said == nearest}
    return sorted(wrong)


def _between(sentence: str, one: str, other: str) -> int:
    """The least number of characters between two phrases of a sentence."""
    gaps = (
        max(b.start() - a.end(), a.start() - b.end())
        for a in re.finditer(re.escape(one), sentence)
        for b in re.finditer(re.escape(other), sentence)
    )
    return min(gaps, default=len(sentence))


def _misplaced(words: Sequence[str], facts: Iterable[Fact]) -> list[str]:
    """Values of known columns in a sentence that says something else with them: "you came to us through Python".

    A value stands between the words that a sentence of a column with that value has right before it and one right
    behind it, or behind the column's name ("industry: fintech").
    """
    found, columns = [], {}
    for fact in facts:
        if fact.about in _AROUND and fact.said not in REASONS:
            columns.setdefault(fact.said, []).append(fact.about)
    begun = [word[:1].lower() + word[1:] for word in words[:1]] + list(words[1:])  # a sentence may begin with the value
    for said, abouts in columns.items():
        value = _words(said)
        for i in range(len(words) - len(value) + 1):
            if value not in (words[i : i + len(value)], begun[i : i + len(value)]):
                continue
            before = tuple(word.lower() for word in words[max(i - 2, 0) : i])
            after = tuple(word.lower() for word in words[i + len(value) : i + len(value) + 1])
            if not any(_suits(about, before, after) for about in abouts):
                found.append(" ".join([*before, said, *after]))
    return found


def _suits(about: str, before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether a value of the column `about` may stand between these words, the two before it and the one behind it."""
    befores, afters = _AROUND[about]
    name = tuple(in_words(about).split())
    return (before in befores and after in afters) or before[-len(name) :] == name


def _may_follow(words: Sequence[str], own: set[str], facts: Sequence[Fact]) -> bool:
    """Whether a template or a fact goes on like this after "you", "we" or "it"; any other word may."""
    you, first, second = (*(word.lower() for word in words), "", "")[:3]
    if not (_YOU.fullmatch(you) or _US.fullmatch(you)):
        return True
    if you == "our" and words[1:2] and words[1] in own:
        return True
    for a, b in _AFTER.get(you, ()):
        fits = bool({first, *words[1:2]} & own) if a == _SLOT else first == a
        if fits and (b in (second, _SLOT) or a == _SLOT):
            return True
    for fact in facts:
        told = _words(_told(fact).lower())
        for i, word in enumerate(told):
            if word == you and all(a == b for a, b in zip(told[i + 1 : i + 3], (first, second), strict=False)):
                return True
    return False


def _may_state(words: Sequence[str], i: int, own: set[str], own_pairs: set[tuple[str, str]]) -> bool:
    """Whether words[i], if it is one of STATES, stands between words as in a template or a fact."""
    word = words[i].lower()
    if word not in STATES:
        return True
    before, after = (words[j] if 0 <= j < len(words) else "" for j in (i - 1, i + 1))
    left, right = (before.lower(), word), (word, after.lower())
    if words[i] in own and (left in own_pairs or right in own_pairs):
        return True
    return (left in _PAIRS or left in own_pairs or (before in own and (_SLOT, word) in _PAIRS)) and (
        right in _PAIRS or right in own_pairs or (after in own and (word, _SLOT) in _PAIRS)
    )


def _told(fact: Fact) -> str:
    return f"{fact.point} {fact.thing} {REASONS.get(fact.said, '')}"


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def words_for(prompt: str) -> frozenset[str]:
    """The words that a message to a prompt may hold: the templates', contracted or not, and those of its plan."""
    _, _, told = prompt.partition(" | ")
    return _KNOWN | frozenset(CONTRACTIONS.values()) | frozenset(_words(told))


def states(text: str, fact: Fact) -> bool:
    """Whether a text says this fact in its own words."""
    if fact.said in REASONS and REASONS[fact.said] in expanded(text):
        return True
    known = claims(fact.said)
    said = any(words in text for words in (fact.said, fact.thing) if words) or (bool(known) and known <= claims(text))
    return said and fact.when in text


def faults(text: str, instruction: Instruction) -> list[str]:
    """Which of ASKED a message has not done as told; empty for one that follows its instruction.

    A place for an offer does not count; two, or one in a decline, are a fault of the channel.
    """
    if places(text) <= (instruction.channel != "decline"):
        text = with_offer(text)
    done = (
        _has_form(text, instruction),
        _sounds(text, instruction),
        instruction.words[0] <= len(text.split()) <= instruction.words[1],
        _asks(text) == (instruction.channel != "decline"),
    )
    return [name for name, right in zip(ASKED, done, strict=True) if not right]


def repeats(text: str) -> bool:
    """Whether a sentence comes twice."""
    sentences = [each for each in SENTENCE.split(text) if each]
    return len(set(sentences)) < len(sentences)


def _asks(text: str) -> int:
    """How many questions: of two words or more, and every question mark counts."""
    asked = [each for each in SENTENCE.split(text) if "?" in each]
    return sum(each.count("?") for each in asked) if all(len(each.split()) > 1 for each in asked) else 99


def _has_form(text: str, instruction: Instruction) -> bool:
    """Subject, parting and the words by which a channel is known; and no other channel's."""
    channel, lines = instruction.channel, text.split("\n")
    if lines[0].startswith("Subject: ") != (channel == "email") or text.count("Subject:") > 1:
        return False
    if len(lines) != 2 + (channel == "email") + (channel != "linkedin") or places(text):
        return False
    body, known = lines[1 + (channel == "email")], templates.KNOWN_BY
    if any((words in body.lower()) != (name == channel) for name, words in known.items()):
        return False
    if channel == "decline" and not any(words in expanded(body) for words in templates.DECLINES):
        return False
    return channel != "linkedin" or len(text) <= LINKEDIN_CHARACTERS


def _sounds(text: str, instruction: Instruction) -> bool:
    """Greeting, parting and manner of a tone, and nothing of another's."""
    lines, tone = text.split("\n"), TONES[instruction.tone]
    greeting = lines[1] if lines[0].startswith("Subject: ") and len(lines) > 1 else lines[0]
    if greeting not in tone.greetings:
        return False
    if instruction.channel != "linkedin" and lines[-1] not in tone.partings:
        return False
    if _CONTRACTED.search(text) and not tone.contracted:
        return False
    return not any(
        words in expanded(text)
        for name, other in TONES.items()
        if name != instruction.tone
        for words in other.courtesies
    )


def expanded(text: str) -> str:
    """I'm -> I am, and so on."""
    if "'" not in text:
        return text
    for long, short in CONTRACTIONS.items():
        text = re.sub(rf"\b{re.escape(short)}\b", long, text)
    return text


def contracted(text: str) -> str:
    """I am -> I'm, and so on; not at the end of a clause, where nobody contracts."""
    for long, short in CONTRACTIONS.items():
        text = re.sub(rf"\b{long}\b(?= \w)", short, text)
    return text


def _sentences() -> Iterator[str]:
    """All that the corpus's templates may say, slots as one word."""
    for name in dir(templates):
        if name.isupper() and not name.startswith("BOT"):
            for text in _strings(getattr(templates, name)):
                yield re.sub(r"{\w+}", _SLOT, text)
    yield "Subject: "


def _strings(thing: object) -> Iterator[str]:
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for each in thing.values():
            yield from _strings(each)
    elif isinstance(thing, tuple):
        for each in thing:
            yield from _strings(each)
    elif hasattr(thing, "__dataclass_fields__"):
        yield from _strings(tuple(vars(thing).values()))


def _learn() -> tuple[frozenset[str], frozenset[tuple[str, str]], dict[str, set[tuple[str, str]]]]:
    """Words of the templates as they are spelled, pairs of them, and which two words follow a "you", "we" or "it"."""
    known, pairs, after = set(), set(), {}
    for text in _sentences():
        for sentence in SENTENCE.split(text):
            words = _words(sentence)
            known.update(words)
            small = [*(word.lower() for word in words), "", ""]
            pairs.update(pairwise(["", *small]))
            for i, word in enumerate(small):
                if _YOU.fullmatch(word) or _US.fullmatch(word):
                    after.setdefault(word, set()).add((small[i + 1], small[i + 2]))
    return frozenset(known - {_SLOT}), frozenset(pairs), after


def _around(sentences: Sequence[str]) -> tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]:
    """The up to two words in small letters before the slot of a column's sentences, and the one behind it."""
    befores, afters = set(), set()
    for sentence in sentences:
        before, after = (_words(part.lower()) for part in sentence.split("{said}"))
        befores.add(tuple(before[-2:]))
        afters.add(tuple(after[:1]))
    return frozenset(befores), frozenset(afters)


_KNOWN, _PAIRS, _AFTER = _learn()
_AROUND = {about: _around(sentences) for about, sentences in templates.BODIES.items()}
