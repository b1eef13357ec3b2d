"""What is put right in a message once it is written: sentences that suit its facts ill, last question and greeting.

What stands there instead is of the corpus, too, but for a first name.
"""

import re
from collections.abc import Iterable

from tinyscout.leads.outreach_deeds import is_wish
from tinyscout.leads.outreach_facts import Fact
from tinyscout.leads.outreach_values import clean, word_set

_PLURAL = re.compile(
    r"\b(?:services|goods|devices|games|resources|metals|restaurants|textiles|utilities|pharmaceuticals)$"
)
_WHY = re.compile(r"(I would|I'd) like to hear why you ([^.?]*)\.")
_NO_OBSTACLE = re.compile(r"That (?:you are|you're) in ([^.?]*) is no obstacle to a call\.")
_NOT_FORGOTTEN = re.compile(r"(?:I have|I've) not forgotten that you ([^.?]*) in the last day\.")
_STILL_LOOKING = ("May I ask whether you are still looking?", "Could we talk for a moment?")
_LAST_QUESTION = re.compile(r"(?<=[.?!] )[^.?!\n]*\?(?=\n[^\n]*\Z|\Z)")  # the parting may follow
_OF_A_TALK = re.compile(r"\b(?:talk|call)\b")
_COOL = ("If you would rather not hear from me, just say so.", "A plain no is fine as well.")
_WARMER = ("You can simply answer this note.", "A short answer is enough.", "We can keep this short.")
_NAME = re.compile(r"[^\W\d_]{2,20}(?:-[^\W\d_]{2,20})?")  # letters alone: no sign that means something somewhere
_NO_NAME = word_set(
    "dr mr mrs ms herr frau prof sir madam info sales team admin office test support contact hello marketing nobody "
    "customer user guest lead owner manager ceo anonymous firstname name null nan "
    "einkauf vertrieb buchhaltung verwaltung empfang zentrale kontakt buero sekretariat geschaeftsleitung personal "
    "ventas compras contacto ventes achats vendite acquisti verkoop inkoop purchasing procurement accounting billing "
    "reception service webmaster newsletter unknown unbekannt dear"
)
_GREETINGS = {  # of all tones, without a name and with one
    **{"Hi there,": "Hi {},", "Hi,": "Hi {},", "Hello,": "Hello {},", "Hey,": "Hey {},", "Hey there,": "Hey {},"},
    **{"Good day,": "Good day, {},", "Dear Madam or Sir,": "Dear {},", "A warm hello,": "A warm hello, {},"},
    **{"Warm greetings,": "Warm greetings, {},", "Hello, if I may,": "Hello {}, if I may,"},
    "Excuse the note,": "Excuse the note, {},",
}


def smooth(text: str, facts: Iterable[Fact]) -> str:
    """A message with sentences of the corpus that suit some values and deeds ill swapped for others of the corpus.

    "Legal services has rules of its own" is no English; nobody is asked why they did what they did, and who asked for a
    quote is asked at the end whether to send it, or for a talk, not what would be of use.
    """
    text = _NO_OBSTACLE.sub(r"From \1, a call is easy to arrange.", text)
    text = _WHY.sub(r"You \2, and \1 like to hear what you were looking for.", text)
    text = _NOT_FORGOTTEN.sub(r"I saw that you \1 in the last day.", text)
    facts = tuple(facts)
    for fact in facts:
        if fact.did:
            text = text.replace("Is now a bad moment?", "Would a short talk be worth your time?")
        if _PLURAL.search(fact.said):
            text = text.replace(f"I know that {fact.said} has rules of its own.", f"In {fact.said}, trust takes time.")
    wish = next((fact for fact in facts if is_wish(fact.said) and fact.said in text), None)
    return _to_who_asked(text, wish) if wish else text


def _to_who_asked(text: str, asked: Fact) -> str:
    """A message to somebody who asked for a thing: no doubt whether it is wanted, and at the end a question of it."""
    text = text.replace(*_STILL_LOOKING)
    last = _LAST_QUESTION.search(text)
    if last and not _OF_A_TALK.search(last[0]):
        text = f"{text[: last.start()]}{_question(asked)}{text[last.end() :]}"
    for cool in _COOL:
        text = text.replace(cool, next((each for each in _WARMER if each not in text), cool))
    return text


def _question(asked: Fact) -> str:
    """What to ask somebody who asked for a thing, in words of the corpus."""
    thing = asked.said.split()[-1]
    if thing in ("pilot", "rollout"):
        return "Shall I walk you through the next step?"
    if thing == "team":
        return "Shall we talk?"
    return f"Shall I {'show' if thing == 'demo' else 'send'} you {asked.thing}?"


def greeted(text: str, first_name: str) -> str:
    """A message that greets its reader by first name where the name is plainly one; else as it is."""
    name = first_name.strip()
    if not _NAME.fullmatch(name) or clean(name) != name or name.lower() in _NO_NAME:
        return text
    if name.isupper() or name.islower():
        name = name.capitalize()
    lines = text.split("\n")
    for i, line in enumerate(lines[:2]):
        if line in _GREETINGS:
            lines[i] = _GREETINGS[line].format(name)
            break
    return "\n".join(lines)
