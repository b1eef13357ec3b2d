"""What a lead did by a signal of anybody's CRM, in words that a sentence can hold: by the name of its kind, of a form,
or by what a note says that it asked for.

All words are from closed lists: no text of a CRM becomes words of a message. What none of them fits is not spoken of.
"""

import re
from functools import lru_cache

from tinyscout.leads.oracle_texts import BUYING, GIVEAWAY, JUNIOR, OTHERS, clauses
from tinyscout.leads.outreach_answers import is_one_more
from tinyscout.leads.outreach_forms import form_name, is_form, not_to_sell
from tinyscout.leads.outreach_orders import is_order

_A = r"(?: (?:an?|the|your|our|my|me an?|free|live|personal|product|online))*"  # between a verb and its thing
_FORMS = (  # what the name of a form or a kind says, the surest first
    (rf"\b(?:request|requested|get|ask for|asked for){_A} quotes?\b", "asked for a quote"),
    (r"\bquotes? (?:form|request\w*)\b", "asked for a quote"),
    (rf"\b(?:book|booked|request|requested|schedule|get|see|watch){_A} demos?\b", "asked for a demo"),
    (r"\bdemos? (?:form|request\w*|booking)\b", "asked for a demo"),
    (rf"\b(?:contact|talk to|speak (?:to|with)){_A} sales\b", "asked for a talk with our sales team"),
    (r"\bsales (?:inquiry|enquiry|contact)\b", "asked for a talk with our sales team"),
    (rf"\b(?:request|requested|get){_A} (?:pricing|prices?|price list)\b", "asked for our prices"),
    (r"\bpric(?:ing|es?) (?:form|request\w*|inquiry|enquiry)\b", "asked for our prices"),
    (r"\btrial (?:start\w*|sign ?ups?|signed up|form|request\w*|registration)\b", "started a free trial"),
    (rf"\bstart(?:ed)?{_A} trial\b|^(?:free )?trial$", "started a free trial"),
    (r"\bcontact (?:us|form)\b|^contact$|\bget in touch\b", "filled in our contact form"),
    (rf"\bwebinar (?:attend\w*|joined|participa\w*)\b|\b(?:attended|joined){_A} webinar\b", "joined our webinar"),
    (r"\bwebinar (?:regist\w*|sign ?ups?|signed up|form)\b", "signed up for our webinar"),
    (rf"\b(?:regist\w*|sign(?:ed)? up) (?:for|to){_A} webinar\b", "signed up for our webinar"),
    (r"\bnewsletter (?:subscri\w*|sign ?ups?|signed up|form|regist\w*)\b", "signed up for our newsletter"),
    (rf"\b(?:subscribed?|sign(?:ed)? up) (?:to|for){_A} newsletter\b", "signed up for our newsletter"),
    (rf"\bwhite ?papers? download\w*\b|\bdownload(?:ed)?{_A} white ?paper\b", "downloaded our white paper"),
    (rf"\be ?books? download\w*\b|\bdownload(?:ed)?{_A} e ?book\b", "downloaded our ebook"),
    (r"\bcase stud(?:y|ies) (?:download\w*|view\w*|visit\w*|read)\b", "read our case study"),
    (rf"\b(?:viewed|read|downloaded){_A} case study\b", "read our case study"),
    (rf"\bguides? download\w*\b|\bdownload(?:ed)?{_A} (?:buyer'?s )?guide\b", "downloaded our guide"),
    (r"\bpric(?:ing|es?)(?: page)? (?:view\w*|visit\w*)\b|^pricing page$", "looked at our pricing page"),
    (rf"\b(?:viewed|visited){_A} pric(?:ing|es)(?: page)?\b", "looked at our pricing page"),
    (r"^e ?book\b(?! (?:request|about))", "downloaded our ebook"),
    (r"\bdemo (?:anfrag|anforder|buch|vereinbar)\w*|\bdemo ?termin\w*", "asked for a demo"),  # German, from here on
    (r"\bangebot (?:anfrag|anforder)\w*|\bangebotsanfrage\b", "asked for a quote"),
    (r"\bpreise? (?:anfrag|anforder)\w*|\bpreis(?:anfrage|liste)\b", "asked for our prices"),
    (r"\b(?:kostenlos|gratis) testen\b|\btestversion\b", "started a free trial"),
    (r"\bwebinar ?anmeld\w*|\banmeld\w* (?:zum|f\u00fcr das|fuer das) webinar\b", "signed up for our webinar"),
    (r"\bnewsletter ?anmeld\w*|\banmeld\w* (?:zum|f\u00fcr den|fuer den) newsletter\b", "signed up for our newsletter"),
    (r"\bkontakt ?formular\b|^kontakt$", "filled in our contact form"),
    (r"\b(?:docs|documentation)(?: page)? (?:view\w*|visit\w*|read)\b", "read our docs"),
    (rf"\b(?:viewed|visited|read){_A} (?:docs|documentation)\b", "read our docs"),
)
_NOT_DONE = re.compile(
    r"\b(?:no|not|never|cancel\w*|abandon\w*|fail\w*|declin\w*|reject\w*|unsubscri\w*|sent|invit\w*|reminder"
    r"|open\w*|click\w*|emails?|missed|lost|expir\w*|end(?:ed|s)?|bot|spam)\b"
)
_ONLY_SEEN = re.compile(r"\b(?:view\w*|visit\w*|start\w*|begun|partial\w*|impressions?)\b")  # a form that was not sent
_THINGS = "|".join((*BUYING, *GIVEAWAY))
_NOTED = re.compile(
    r"(?<!\bwe )(?<!\bi )\b(?:(?:asked|asks|asking)(?: me| us)? for|requested|requests|wants|needs|would like)"
    rf"(?: to (?:see|have|get))? (?:an?|the|our|your) (?:new |revised |updated |second )?({_THINGS})"
    r"(?=\W*$| (?:please|asap|soon|today|tomorrow|by|next|this|until|instead|for|with|before|after|on|at|in|via|from us"
    r"|of our)\b)"  # not "the contract cancelled", "a demo of their product"
)
_UNSURE = re.compile(
    r"\b(?:if|whether|unless|unclear|unsure|not sure|doubt\w*|thinks?|maybe|perhaps|may|might|compet\w*)\b|\?"
)
_AN = "aeiou"


@lru_cache(maxsize=20_000)
def deed_of(kind: str, text: str = "") -> str:
    """What a lead did, to go on from "you", by the name of a kind, in small letters, or of a form; "" for unknown."""
    if _NOT_DONE.search(kind):
        return ""
    if is_form(kind):
        if _ONLY_SEEN.search(kind):
            return ""
        name = "" if is_order(text) else form_name(kind, text)
        if said := "" if _NOT_DONE.search(name) else _named(name):
            return said
        return _named(kind) or ("" if not_to_sell(kind, text) else "filled in our form")
    said = _named(kind)
    return "" if is_wish(said) and _ONLY_SEEN.search(kind) else said


@lru_cache(maxsize=20_000)
def noted_wish(text: str) -> str:
    """The one thing that somebody's note says a lead asked for, as what it did: "asked for a quote"; "" for none.

    A note of a no, of somebody else's wish, of more things, or of what its writer isn't sure of, tells of none, nor
    does one that gives orders.
    """
    if _UNSURE.search(text.lower()) or is_order(text):
        return ""
    found = set()
    for clause, words, negated in clauses(text):
        if set(words) & {*OTHERS, *JUNIOR}:
            continue
        if (negated and set(words) & {*BUYING, *GIVEAWAY, "interested"}) or (found and is_one_more(clause)):
            return ""
        found |= set() if negated else set(_NOTED.findall(clause))
    thing = found.pop() if len(found) == 1 else ""
    return f"asked for {'an' if thing[0] in _AN else 'a'} {thing}" if thing else ""


def is_wish(said: str) -> bool:
    """Whether what a lead did is that it asked for something."""
    return said.startswith("asked for ")


def _named(name: str) -> str:
    return next((said for pattern, said in _PATTERNS if pattern.search(name)), "")


_PATTERNS = tuple((re.compile(pattern), said) for pattern, said in _FORMS)
