"""What a form was for, by its name: the text of a signal such as `Form submission`."""

import re
from functools import lru_cache

from tinyscout.leads.message_text import folded
from tinyscout.leads.outreach_names import names_channel, words_of

_LONGEST_NAME = 60  # characters of a form's name: what is longer was written by somebody
_LEAVES = re.compile(
    r"\b(?:unsubscri\w*|opt(?:ed)? out|abbestell\w*|^abmeld\w*$|(?:newsletter|mailing\w*|emails?|verteiler) abmeld\w*"
    r"|abmeld\w* (?:vom |von )?(?:newsletter|mailing\w*|emails?|verteiler)|desabonn\w*|desinscri\w*|uitschrijv\w*"
    r"|disiscri\w*|descadastr\w*|darse de baja|do not (?:contact|email)|spam complaint"
    r"|(?:cancel|end|stop|kundig\w*|storn\w*) (?:(?:my|our|the|your|meine?n?) )?(?:subscription|newsletter|emails?"
    r"|abo\w*))"
)
_NOT_TO_SELL = re.compile(
    r"\b(?:complain\w*|beschwerde\w*|reklamation\w*|^support$|(?:contact|customer|technical|tech|get|it) support"
    r"|support (?:request|ticket|form|case|inquiry)|help ?desk|bug report|report a bug|refunds?|returns? (?:request"
    r"|form)"
    r"|cancel\w*|reschedul\w*|storn\w*|absage\w*|kundig\w*|job (?:application|offer)|careers?|internships?"
    r"|^(?:open )?applications?(?: form)?$|apply (?:now )?for (?:a |this |the )?(?:job|position)|\w*bewerb\w*|karriere"
    r"|^applications? (?:as|for)\b|^(?:apply|applying) (?:as|for)\b(?! (?:a |an |the |our )?(?:\w+ )?(?:demo|trial"
    r"|access|beta|quote|offer|account)\b)|^jobs?\b|(?:initiative|unsolicited|speculative|job) application|\bm f d\b"
    r"|\bm w d\b|\bf m (?:x|d)\b|vacanc\w+|recruiting"
    r"|praktikum|partner (?:application|request)|right to be forgotten\w*|press (?:request|inquiry|enquiry|contact)"
    r"|data (?:request|deletion|erasure|access)"
    r"|(?:gdpr|privacy) (?:request|form|inquiry)|dsgvo|datenschutz\w*|auskunft\w*|loschantrag|support ?anfrage"
    r"|(?:invoice|billing) (?:request|question|issue|copy|support)"
    r"|rechnung\w*|^students?$|student (?:project|thesis|discount|survey|request)|thesis)\b"
)


def is_form(kind: str) -> bool:
    """Whether a kind of signal is, by its name, a form that was filled in."""
    return bool({"form", "forms"} & words_of(kind))


@lru_cache(maxsize=20_000)
def form_name(kind: str, text: str) -> str:
    """The name of a form, the first line of its text, in small letters; "" where that is too long, or it is no form."""
    name = text.split("\n", 1)[0]
    if not is_form(kind) or len(name) > _LONGEST_NAME:
        return ""
    return " ".join(re.findall(r"[^\W_']+(?:'[^\W_]+)?", name.lower()))


@lru_cache(maxsize=20_000)
def leaves_by_form(kind: str, text: str, by: str | None) -> bool:
    """Whether somebody unsubscribed by a form, from a channel or from all: "Newsletter-Abmeldung"."""
    name = form_name(kind, text)
    return bool(name and _LEAVES.search(folded(name))) and names_channel(name, by)


@lru_cache(maxsize=20_000)
def not_to_sell(kind: str, text: str) -> bool:
    """Whether a form is for something that no seller answers: "Complaint", "Job application", "Cancel demo"."""
    return bool(_NOT_TO_SELL.search(folded(form_name(kind, text))))
