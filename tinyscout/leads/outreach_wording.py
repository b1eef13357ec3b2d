"""How a value of a CRM is put into a sentence, or left out: countries with their article, labels of well known exports.

A value that a sentence would have to spell as a label ("work in NONPROFIT_ORG", "as Student") is no word of a message.
"""

import re

from tinyscout.leads.outreach_facts import COLUMNS, Fact
from tinyscout.leads.outreach_names import in_words, words_of
from tinyscout.leads.outreach_values import word_set

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
    **{name.lower(): name for name in ("Google", "LinkedIn", "Facebook", "Instagram", "YouTube", "Capterra", "GitHub")},
    **{name.lower(): name for name in ("Product Hunt", "Reddit", "G2", "Trustpilot", "Xing", "Bing", "TikTok")},
    **{name: name for name in ("social media", "word of mouth")},
    **{name: f"our {name}" for name in ("website", "web site", "newsletter", "blog")},
    **{name: f"a {name}" for name in ("reference", "podcast", "trade fair", "friend", "colleague", "search")},
    "organic search": "a search",
    **dict.fromkeys(("direct traffic", "offline", "offline sources", "api", "crm", "import", "integration"), ""),
}
_NO_SOURCE = word_set(  # in the name of a source: how a company finds people, which nobody likes to be told
    "marketing email emails mailing ad ads adwords ppc cpc seo sem retargeting campaign campaigns outreach prospecting "
    "scraped scraping scrape database imported zoominfo apollo lusha sdr bdr gen calling dialer spam junk"
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
_NO_COMPANY = word_set(  # who works in one of these may not work for a company
    "education school schools college university academy government public nonprofit profit charity ngo church museum "
    "library libraries hospital health healthcare"
)
_LABEL = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)+|[A-Z]{5,}")  # COMPUTER_SOFTWARE, RETAIL; not IT, B2B, SaaS


def is_spoken_of(column: str) -> bool:
    """Whether a sentence of the corpus suits a column by its name; else it is only noted, where a user names it.

    Of where somebody lives no sentence says anything of use, and nearly every lead of a CRM has a country.
    """
    return any(ALIKE.get(word, "region") != "region" for word in in_words(column).split())


def is_institution(fact: Fact) -> bool:
    """Whether a lead's industry, by a fact of its profile, is one where a "large company" may be a college."""
    return _alike(fact) == "industry" and bool(_NO_COMPANY & words_of(fact.value))


def worded(fact: Fact) -> Fact | None:
    """A fact of the profile as a sentence says it; None where none says it well.

    Of who somebody is only what is known here is said: "as Marketing Lead" is no English, and no student likes to be
    told. Values of other columns that are no label of capitals stay as they are.
    """
    column = _alike(fact)
    key = in_words(fact.value)
    said = {"region": COUNTRIES, "industry": INDUSTRIES, "source": SOURCES}.get(column, {}).get(key)
    if said is None:
        said = COLUMNS.get(column, {}).get(key.replace(" ", "_"))
    if said is None and column == "industry" and key in PLAIN:
        said = key
    if column == "source" and (said is None or _NO_SOURCE & set(key.split())):
        return None  # "webinar signup brought you to us" is no English
    if "student" in key.split() or (said is None and (column == "persona" or _LABEL.fullmatch(fact.value.strip()))):
        return None
    return fact if said is None else fact._replace(said=said) if said else None


def _alike(fact: Fact) -> str:
    """The column known here that a fact's column is spoken of alike; "" for none."""
    return next((ALIKE[word] for word in in_words(fact.about).split() if word in ALIKE), "")
