"""How a value of a CRM is put into a sentence, or left out: countries with their article, labels of well known exports.

A value that a sentence would have to spell as a label ("work in NONPROFIT_ORG", "as Student") is no word of a message.
"""

import re
from collections.abc import Iterable

from tinyscout.leads.outreach_deeds import is_wish
from tinyscout.leads.outreach_facts import COLUMNS, Fact
from tinyscout.leads.outreach_names import in_words
from tinyscout.leads.outreach_values import clean, word_set

# Values that a sentence says otherwise, by a word in the name of their column; "" is left out.
COUNTRIES = {
    **dict.fromkeys(("united states", "united states of america", "us", "usa", "u s", "u s a"), "the United States"),
    **dict.fromkeys(("united kingdom", "uk", "u k", "gb", "great britain"), "the United Kingdom"),
    **dict.fromkeys(("netherlands", "the netherlands", "nl"), "the Netherlands"),
    **dict.fromkeys(("united arab emirates", "uae"), "the United Arab Emirates"),
    **{name.lower(): f"the {name}" for name in ("Philippines", "Czech Republic", "Dominican Republic", "Maldives")},
    **{name.lower(): f"the {name}" for name in ("Bahamas", "Gambia", "Seychelles", "Ivory Coast", "European Union")},
}
INDUSTRIES = {  # HubSpot's and LinkedIn's labels
    "agency": "the agency business",
    "computer software": "software",
    "saas": "software",
    "computer games": "games",
    "hospital health care": "health care",
    **dict.fromkeys(("healthcare", "health care"), "health care"),
    "health wellness and fitness": "health and fitness",
    "non profit organization management": "the nonprofit sector",
    "nonprofit organization management": "the nonprofit sector",
    "non profit": "the nonprofit sector",
    "government administration": "the public sector",
    "government": "the public sector",
    "leisure travel tourism": "travel and tourism",
    "airlines aviation": "aviation",
    "oil energy": "energy",
    "oil and energy": "energy",
    "law practice": "legal services",
    "media production": "media",
    "higher education": "higher education",
    "education management": "education",
    "information technology and services": "information technology",
    "electrical electronic manufacturing": "electronics manufacturing",
    **dict.fromkeys(("online media", "internet"), "online media"),
    **dict.fromkeys(("other", "others", "student", "unemployed"), ""),
}
SOURCES = {
    **dict.fromkeys(("referral", "referrals"), "a referral"),
    **{name: f"a {name}" for name in ("webinar", "trade show", "conference", "partner")},
    **dict.fromkeys(("event", "events"), "an event"),
    "social media": "social media",
    **dict.fromkeys(("direct traffic", "offline", "offline sources", "api", "crm", "import", "integration"), ""),
}
_NO_SOURCE = word_set(  # in the name of a source: how a company finds people, which nobody likes to be told
    "marketing email emails mailing ad ads adwords ppc cpc seo sem retargeting campaign prospecting scraped scraping "
    "scrape database imported zoominfo apollo sdr bdr calling dialer spam junk"
)
ALIKE = {  # a word in a column's name: the column known here that is spoken of alike
    **{"industry": "industry", "sector": "industry", "region": "region", "country": "region", "source": "source"},
    **{"persona": "persona", "role": "persona", "title": "persona", "stack": "tech_stack", "technology": "tech_stack"},
}
_PLAIN = (  # labels that are said as they are, in small letters
    "accounting, automotive, banking, biotechnology, construction, consumer goods, consumer services, design, "
    "entertainment, financial services, food production, hospitality, human resources, insurance, investment "
    "management, legal services, machinery, management consulting, market research, marketing and advertising, "
    "medical devices, mining and metals, pharmaceuticals, printing, publishing, real estate, restaurants, retail, "
    "telecommunications, textiles, utilities, warehousing, wholesale"
)
PLAIN = frozenset(_PLAIN.split(", "))
_LABEL = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)+|[A-Z]{5,}")  # COMPUTER_SOFTWARE, RETAIL; not IT, B2B, SaaS


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


def is_spoken_of(column: str) -> bool:
    """Whether a sentence of the corpus suits a column by its name; else it is only noted, where a user names it.

    Of where somebody lives no sentence says anything of use, and nearly every lead of a CRM has a country.
    """
    return any(ALIKE.get(word, "region") != "region" for word in in_words(column).split())


def worded(fact: Fact) -> Fact | None:
    """A fact of the profile as a sentence says it; None where none says it well.

    Of who somebody is only what is known here is said: "as Marketing Lead" is no English, and no student likes to be
    told. Values of other columns that are no label of capitals stay as they are.
    """
    column = next((ALIKE[word] for word in in_words(fact.about).split() if word in ALIKE), "")
    key = in_words(fact.value)
    said = {"region": COUNTRIES, "industry": INDUSTRIES, "source": SOURCES}.get(column, {}).get(key)
    if said is None:
        said = COLUMNS.get(column, {}).get(key.replace(" ", "_"))
    if said is None and column == "industry" and key in PLAIN:
        said = key
    if column == "source" and _NO_SOURCE & set(key.split()):
        return None
    if "student" in key.split() or (said is None and (column == "persona" or _LABEL.fullmatch(fact.value.strip()))):
        return None
    return fact if said is None else fact._replace(said=said) if said else None
