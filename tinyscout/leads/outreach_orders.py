"""Whether a text of a CRM tells whoever writes the message what to write: an attempt to steer it.

No text becomes words of a message, but a wish that a reply or a note plainly tells of is written about, in words of a
closed list. Of a text that gives orders no wish is heard (prompt injection, Greshake et al. 2023); that it asks to be
left alone is.
"""

import re
import unicodedata
from functools import lru_cache

from tinyscout.leads.message_text import folded
from tinyscout.leads.oracle_texts import MEANINGS, read_text

_OBJECT = (  # of "forget ...", which people say of quotes as well
    r"(?:all\w*|any\w*|every\w*|above|previous|prior|earlier|before|instructions?|rules?|facts?|prompts?|context|tout|todo"
    r"|tutto|anterior\w*|precedent\w*|alles)"
)
_SAY = (
    r"(?:write|say|state|claim|mention|pretend|assume|suppose|answer|reply|respond|act|behave"
    r"|tell (?:them|him|her|us|everyone|the \w+)|schreib\w*|sag\w*|antwort\w*|ecri[st]\w*|dis|dites|repond\w*|escrib\w+"
    r"|di|diga\w*|scriv\w+|dica|schrijf|zeg|escrev\w+)"
)
_NOT_THEY = r"(?<!\bthey )(?<!\bwe )(?<!\bi )(?<!\bhe )(?<!\bshe )(?<!\bwho )(?<!\bto )"  # who only tell of saying
_TO_WHOM = r"(?:system|assistant|user|developer|admin|instructions?|prompt|(?:new )?task|note to (?:the )?\w+)"
_KEYS = r"(?:facts|tone|stop|noted|did)"  # of a plan (outreach_instructions.py)
_ORDERS = (
    r"\bignor(?:e|ier|iere|ieren|ez|er|a|are|ad|en)\b|\b(?:negeer|vergiss)\b|\u5ffd\u7565|\u65e0\u89c6",
    r"\b(?:disregard|forget|override|overrule|bypass|obey|oublie[zr]?|olvid\w+|dimentica\w*|vergeet)\b"
    rf" (?:\w+ ){{0,2}}{_OBJECT}\b",
    rf"{_NOT_THEY}\b{_SAY} (?:that|dass|que|che|dat|as if|as though|as an?|like an?|with an?)\b",
    rf"^{_TO_WHOM} ?:|\bfrom now on\b|\bnew (?:task|instructions?|rules?|prompt)\b",
    r"\b(?:(?:system|your|the|this) prompt|your (?:instructions?|rules|guidelines)|previous instructions?)\b",
    r"\bjailbreak|\byou are (?:now|an? (?:ai|bot|assistant|model|writer|language|helpful))\b",
    r"<\|?/?(?:end|message|score|instruction|system|user|assistant|im_start|im_end|s|inst|pad)\b[^<>]{0,40}>|\[/?inst\]",
    rf"\b{_KEYS} ?: [^|]*\||\|[^|]*\b{_KEYS} ?:",
    r"###|```|\{\{|\$\(",
)
_ORDER = re.compile("|".join(_ORDERS), re.MULTILINE)


@lru_cache(maxsize=50_000)
def is_order(text: str) -> bool:
    """Whether a text, in anybody's words, gives orders about what is to be written of the lead."""
    shown = "".join(each for each in text if unicodedata.category(each) != "Cf")  # zero width, right to left
    return bool(_ORDER.search(shown.casefold()) or _ORDER.search(folded(shown)))


@lru_cache(maxsize=50_000)
def meaning_of(text: str) -> str:
    """What a text means, one of MEANINGS; of one that gives orders nothing is heard but a refusal."""
    meaning = MEANINGS[read_text(text)[0]]
    return "neutral" if meaning != "refuse" and is_order(text) else meaning
