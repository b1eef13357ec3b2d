"""What a text in a CRM says of how a message or a talk went: it came back for good, a machine answered, nobody was
there, we sent it.
"""

import re
from functools import lru_cache

from tinyscout.leads.message_text import folded
from tinyscout.leads.oracle_texts import MEANINGS, read_text
from tinyscout.leads.refusals import refusal

_NOT_REACHED = re.compile(  # folded
    r"\b(?:no (?:answer|reply|response|pick ?up)|(?:not|nobody|could ?n.t|unable to) (?:be )?(?:reach|there|answer)\w*"
    r"|voice ?mail|left (?:a )?(?:message|vm)|lvm|wrong number|did ?n.t (?:answer|pick ?up)|no ?show"
    r"|(?:line|was|number) (?:is )?busy|busy (?:line|signal|tone)|nicht (?:erreicht|erreichbar)|niemand (?:da"
    r"|erreicht))\b"
    r"|^(?:busy|not available|(?:he|she) (?:is|was) (?:not available|busy))\b(?! until)"
)
_OURS_BY_WORD = re.compile(  # how a CRM or a person logs a message of ours; not "Sent from my phone"
    r"\s*(?:\[(?:sent|outgoing|outbound)\]|(?:sent|outgoing|outbound)\s?[:>-]"
    r"|sent (?:an?|him|her|them|intro\w*|e?mail|follow)\b|(?:e-?)?mail sent\b)",
    re.IGNORECASE,
)
_BOUNCED = re.compile(  # what mail servers say of an address that is none (RFC 3463: 5.1.x is a bad address)
    r"\b(?:5[.]1[.]\d{1,3}|5[.]2[.]1|hard[- ]?bounced?|(?:e-?mail|mail|message|address|it|has|was) bounced\b"
    r"|bounced (?:back|e-?mail)"
    r"|550[ -].{0,80}?(?:mailbox|user|recipient|address|account|no such|not found|unknown|rejected)"
    r"|mailbox (?:is )?(?:unavailable|not found|disabled|does not exist|unknown)|(?:user|recipient"
    r"|address) (?:is )?unknown"
    r"|unknown (?:user|recipient)|no such (?:user|recipient|mailbox)|recipient(?:'s)? (?:address )?(?:was )?rejected"
    r"|mailbox bounced|wrong e-?mail address|kam zur(?:u|\u00fc)ck|empf(?:a|\u00e4)nger unbekannt"
    r"|adresse (?:existiert|gibt es) nicht"
    r"|(?:address|recipient|user|mailbox) (?:couldn't be|could not be|was not|wasn't|not) found|undeliverable"
    r"|delivery (?:has |to .{1,80} )?(?:permanently )?failed|(?:e-?mail )?address (?:no longer|does not"
    r"|doesn't) exists?)",
    re.IGNORECASE,
)
_BY_A_MACHINE = re.compile(  # at the beginning, folded: what a mail program answers by itself, or a mail server
    r"(?:(?:re|aw|sv|fwd?|wg|tr) ?: ?)*(?:automatic(?:ally generated)? (?:reply|response|answer|message)"
    r"|auto ?(?:reply|response|responder|matische antwort)|out of (?:the )?office|ooo\b|abwesenheits?\w*"
    r"|automatische (?:antwort|abwesenheit)|reponse automatique|absence du bureau|respuesta automatica"
    r"|fuera de (?:la )?oficina|risposta automatica|fuori (?:sede|ufficio)|automatisch antwoord|afwezigheid\w*"
    r"|resposta automatica|fora do escritorio"
    r"|undeliver\w*|mail delivery|delivery (?:status|fail\w*|has failed|incomplete)|returned mail"
    r"|failure notice|unzustellbar\w*|nicht zustellbar|550[ -])"
)
_AWAY = re.compile(  # anywhere, folded: the text of such an answer
    r"\b(?:i am|i'm|i will be) (?:currently |now )?(?:out of (?:the |my )?office|away (?:from (?:my|the) (?:desk"
    r"|office)|until"
    r"|on (?:holiday|vacation|leave))|on (?:annual |parental |maternity |paternity |sick )?(?:leave|vacation"
    r"|holiday)\b)"
    r"|\bich bin (?:derzeit |zurzeit |zur zeit |aktuell |bis .{1,30} )?(?:nicht (?:im (?:buro|haus)|erreichbar)"
    r"|im urlaub|abwesend)|\bje suis (?:actuellement )?absente?\b|\b(?:i have )?(?:limited|no) access to (?:my )?email"
)
_NO_HARD_BOUNCE = re.compile(
    r"soft[- ]?bounce|\b4[.]\d[.]\d\b|not bounced|temporar|will (?:be )?retr|delayed", re.IGNORECASE
)


@lru_cache(maxsize=50_000)
def tells_of_a_bounce(text: str) -> bool:
    """Whether a text is a mail server's word, or a note, that an address takes no mail for good."""
    return bool(_BOUNCED.search(text)) and not _NO_HARD_BOUNCE.search(text)


@lru_cache(maxsize=50_000)
def by_a_machine(text: str) -> bool:
    """Whether a message that came was written by a mail program or server, so that it is nobody's reply.

    Who is away and says something all the same wrote it.
    """
    said = folded(text)
    if _BY_A_MACHINE.match(said):
        return True
    return bool(_AWAY.search(said)) and MEANINGS[read_text(text)[0]] == "neutral" and not refusal(text)


@lru_cache(maxsize=50_000)
def was_not_reached(text: str) -> bool:
    """Whether a note of a call says that nobody was there."""
    return bool(_NOT_REACHED.search(folded(text)))


@lru_cache(maxsize=50_000)
def was_sent(text: str) -> bool:
    """Whether a message says, by how it begins, that we sent it: "Sent: intro"."""
    return bool(_OURS_BY_WORD.match(text))
