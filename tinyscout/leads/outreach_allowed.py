"""Who may be written to by which channel, and why not: what a lead said, what passed between us, and how long ago.

No text of a CRM becomes words of a message. What was said, and when, can only keep a lead from being written to.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from tinyscout.leads.cells import in_brief
from tinyscout.leads.consent import NEEDED
from tinyscout.leads.oracle_texts import MEANINGS, read_text
from tinyscout.leads.outreach import IDLE_DAYS
from tinyscout.leads.outreach_answers import asked_for, withdraws
from tinyscout.leads.outreach_dates import ago
from tinyscout.leads.outreach_facts import LATEST, STUDENT, Fact, FactBook, LeadFacts
from tinyscout.leads.outreach_kinds import (
    by_the_lead,
    is_bounce,
    is_reply,
    may_be_a_meeting,
    may_be_either,
)
from tinyscout.leads.outreach_logs import tells_of_a_bounce, was_not_reached, was_sent
from tinyscout.leads.outreach_stops import Stop, last_stop
from tinyscout.leads.refusals import refusal
from tinyscout.leads.tables import LeadTables

FOLLOW_UP_DAYS = (2, 60)  # since our last message: sooner presses, and later nobody remembers "my last note"
REST_DAYS = {"email": 30, "linkedin": 2}  # since our last message or talk: who had one is no stranger to a first one
DECLINE_DAYS = 60  # since what it answers: later it is one more unasked message
WISH_DAYS = 90  # since what a form or a note says that it asked for: later it is one deed among others
OF_A_REQUEST = ("email", "linkedin")  # the channels by which a message comes back to what a reply asked for
RE_ENGAGE_DAYS = (IDLE_DAYS, 730)  # of silence: "it has been a while"; after two years there is nothing to come back to
WANTS, ASKS = "wants something", "asks something"
_REPLY = ["earlier_reply", "earlier_reply_at", "earlier_reply_positive"]


class Talk(NamedTuple):
    """What passed between us and a lead, by its signals and contacts.

    written: hours since our last message or contact, inf for none, by_day: whether these are whole days; said: since
    the lead last wrote or asked for something, inf; reply: the place of its latest reply among the signals, -1 for
    none; waits: that reply came when nothing of ours is known, and is the last that happened;
    bounced: the kind of the signal by which its address takes no email, unless a reply came since, "" for none.
    either: the place of the latest message that may be ours or the lead's, unless its reply came later, -1 for none;
    met: hours since the latest call or meeting, inf, and met_by: the kind of that signal. wish: the one thing that it
    asked for of late, by a form or by what we noted, if nothing of ours came since.
    """

    written: float
    said: float
    reply: int
    waits: bool
    by_day: bool = False
    bounced: str = ""
    either: int = -1
    met: float = math.inf
    met_by: str = ""
    wish: Fact | None = None

    @classmethod
    def of(cls, book: FactBook, row: int) -> "Talk":
        """Every reply counts: who answered a message of ours, or wrote first, is in a conversation."""
        contact = float(book.since_contact[row])
        places = range(book.offsets[row + 1] - 1, book.offsets[row] - 1, -1)  # latest first
        ours = [(float(book.ages[i]), bool(book.by_day[i])) for i in places if _is_ours(book, i)]
        ours += [(contact, bool(book.contact_by_day[row]))] if math.isfinite(contact) else []
        said = [float(book.ages[i]) for i in places if by_the_lead(book.kinds[i])]
        reply = next((i for i in places if is_reply(book.kinds[i])), -1)
        waits = reply >= 0 and not ours and reply == places[0]
        written, by_day = min(ours, default=(math.inf, False))
        either = next((i for i in places if i > reply and _is_either(book, i)), -1)
        met = next((i for i in places if may_be_a_meeting(book.kinds[i]) and not was_not_reached(book.texts[i])), -1)
        bounced, said_ago = _bounced(book, places), min(said, default=math.inf)
        since, by = (float(book.ages[met]), book.kinds[met]) if met >= 0 else (math.inf, "")
        wish = _wish(book, [i for i in places[:LATEST] if book.ages[i] <= min(written, WISH_DAYS * 24)])
        return cls(written, said_ago, reply, waits, by_day, bounced, either, since, by, wish)


class Reply(NamedTuple):
    """What is known of a lead's reply: said in words, empty for none; the hours since, inf where not known.

    positive: whether it was a yes, None where nobody said, as of a signal; waits: it answers nothing of ours that is
    known, and is the last that happened; asked: the one thing it plainly asks for, if its words are known; understood:
    its words, where there are any, say what it is, as far as rules can tell, or a column does. maybe: it may as well be
    a message of ours; wants: what it asks, if nothing of ours came since: a person is to answer it.
    """

    said: str
    hours: float
    positive: bool | None
    waits: bool = False
    asked: Fact | None = None
    understood: bool = True
    maybe: bool = False
    wants: str = ""

    @classmethod
    def of(cls, tables: LeadTables, row: int, book: FactBook, talk: Talk) -> "Reply":
        """The latest of what the columns of an outcome and the signals tell.

        A signal within a day of the column's date is the same reply, with its hour; the column has its sentiment.
        """
        known = counted = cls("", math.inf, False)
        if "earlier_reply" in tables.leads:
            said, at, positive, now = tables.leads.loc[row, [*_REPLY, "contacted_at"]]
            hours = (now - at) / pd.Timedelta(hours=1)
            known = cls(said, math.inf if pd.isna(hours) else max(hours, 0.0), bool(positive))
            counted = known._replace(hours=book.hours_since(row, at))  # the two may be a day apart
        if talk.either >= 0 and not known.said:
            at, kind = tables.signals["at"].iloc[talk.either], book.kinds[talk.either]
            hours = float(book.ages[talk.either])
            wants = _wants(book.texts[talk.either])
            return cls(f"{at:%Y-%m-%d}, signal {kind}", hours, None, understood=False, maybe=True, wants=wants)
        if talk.reply < 0:
            return counted
        hours = float(book.ages[talk.reply])
        asked = _still_asked(book, row, talk.reply)
        taken_back = asked is None and book.request(talk.reply) is not None
        wants = _wants(book.texts[talk.reply]) if hours <= talk.written and not taken_back else ""
        if known.said and hours <= known.hours <= hours + 24:
            return known._replace(hours=hours, asked=asked if known.positive else None, wants=wants)
        if known.said and not hours < known.hours < math.inf:
            return counted
        at, text = tables.signals["at"].iloc[talk.reply], book.texts[talk.reply]
        return cls(
            f"{at:%Y-%m-%d}, signal {book.kinds[talk.reply]}",
            hours,
            None,
            talk.waits,
            None if known.said else asked,
            not text or book.meaning(talk.reply) != "neutral" or bool(refusal(text) or asked_for(text)),
            wants=wants,
        )

    def forbids(self, channel: str, since_said: float) -> bool:
        """Whether it is a reason not to write by a channel; since_said: hours since what a decline would answer.

        Who replied is in a conversation whose words are not read here: no first message, by email or LinkedIn, but for
        what speaks of the one thing that the reply plainly asks for, and no follow-up, which is for those who did not
        answer. A note to re-engage says that we have not spoken for a while,
        which is true of a lead that is known to have replied well, and when, and has been silent since: a reply is
        heard of it as a signal is. A decline answers a no, or a student's request: the reply may be just that (it was
        no yes, or no more than a day later); one that came after it is for a person to read.
        """
        if not self.said:
            return False
        if channel == "re_engage":
            return not (self.positive and math.isfinite(self.hours))  # a no in words of its own is not to be missed
        if channel == "decline":
            slack = 24 if self.positive is not None else 0  # the date of a column may be a day off, a signal is not
            return self.positive is not False and not (math.isfinite(self.hours) and self.hours + slack >= since_said)
        return channel not in OF_A_REQUEST or self.asked is None

    @property
    def reason(self) -> str:
        """Why a lead that replied gets no message."""
        if self.maybe and self.wants:
            said = f"may have replied and {self.wants}: read it yourself"
        elif self.maybe:
            said = "may have replied: read it yourself"
        elif self.wants == ASKS:
            said = "replied, asks something and waits: answer it yourself"
        elif self.wants:
            said = "replied, wants something and waits: answer it yourself"
        elif self.understood:
            said = "wrote to us last, and waits for an answer" if self.waits else "already replied"
        elif self.waits:
            said = "wrote to us last, in words that are not understood: read it yourself"
        else:
            said = "replied in words that are not understood: read it yourself"
        return f"{said} ({self.said})"


def why_not(
    tables: LeadTables, row: int, known: LeadFacts, channel: str, talk: Talk, reply: Reply, stop: Stop | None
) -> str:
    """Why a contact may not be written to by a channel; empty where it may."""
    needed = NEEDED[channel]
    if f"no_consent_{needed}" in tables.leads:
        reason = tables.leads[f"no_consent_{needed}"].iloc[row]
        if reason:
            return f"no consent for {needed}: {reason}"
    if "stage_forbids" in tables.leads and tables.leads["stage_forbids"].iloc[row]:
        return tables.leads["stage_forbids"].iloc[row]
    if needed == "email" and "recipient_email" in tables.leads and "@" not in tables.leads["recipient_email"].iloc[row]:
        given = tables.leads["recipient_email"].iloc[row]
        return f'no email address (it is "{in_brief(given)}")' if given else "no email address"
    if stop is not None and not (stop.answerable and channel == "decline"):  # a polite no is one more message, too
        return f"{stop.reason} ({stop.fact.source})"
    if talk.bounced and needed == "email":
        return f"email bounced, so that its address takes none (signal {talk.bounced})"
    since_said = stop.hours if stop is not None and math.isfinite(stop.hours) else talk.said
    if reply.forbids(channel, since_said):
        return reply.reason
    if channel == "decline":
        return _nothing_to_decline(stop, since_said, reply)
    if channel == "follow_up":
        return _no_follow_up(talk.written, talk.by_day)
    if channel == "re_engage":
        return _no_re_engagement(min(known.idle_hours, reply.hours), talk, reply)
    return "" if reply.said or talk.wish else _no_first_message(talk, REST_DAYS[channel])


def may_get_a_decline(tables: LeadTables, row: int, book: FactBook) -> bool:
    """Whether a lead said something that a decline may answer, or that a person has to read to know."""
    if last_stop(book, row) is not None:
        return True
    reply = Reply.of(tables, row, book, Talk.of(book, row))
    return not reply.understood and not reply.maybe


def untrue_words(channel: str, talk: Talk, reply: Reply) -> tuple[str, ...]:
    """Words of the corpus that are not so of this lead, to be drawn again.

    "After a while without a word, I try once more" is for those whom we wrote to, and never spoke with. That we do not
    fit "at this time" sounds like a word of the lead's on the time, which a decline repeats only if there was one.
    """
    if channel == "decline":
        return "at this time", "at present"
    talked = reply.said or math.isfinite(talk.met) or math.isinf(talk.written)
    return ("without a word",) if channel == "re_engage" and talked else ()


def _still_asked(book: FactBook, row: int, reply: int) -> Fact | None:
    """The one thing that a reply asks for, where nothing later says that it isn't wanted."""
    asked = book.request(reply)
    later = (book.texts[i] for i in range(reply + 1, book.offsets[row + 1]))
    return None if asked and any(text and withdraws(text, asked.said) for text in later) else asked


def _nothing_to_decline(stop: Stop | None, since_said: float, reply: Reply) -> str:
    """Why there is nothing that a polite decline would answer: no refusal, and no word or request of a student's."""
    nothing = "said nothing that a decline would answer"
    if stop is None:
        return nothing if reply.understood else reply.reason
    if math.isfinite(since_said) and since_said > 24 * DECLINE_DAYS:
        return f"too late to decline: said {math.ceil(since_said / 24):,} days ago, more than {DECLINE_DAYS}"
    if stop.fact.said != STUDENT or math.isfinite(since_said) or reply.said:
        return ""
    return f"{stop.reason.split(',')[0]}, who {nothing} ({stop.fact.source})"


def _wants(text: str) -> str:
    """What a message asks of us, in words of a status; "" where it asks for nothing."""
    return {"want": WANTS, "question": ASKS}.get(MEANINGS[read_text(text)[0]], "")


def _wish(book: FactBook, places: Sequence[int]) -> Fact | None:
    """The latest wish among these signals (latest first) that none later than it takes back."""
    for n, i in enumerate(places):
        if (wish := book.noted(i)) and not any(
            book.texts[j] and withdraws(book.texts[j], wish.said) for j in places[:n]
        ):
            return wish
    return None


def _is_ours(book: FactBook, i: int) -> bool:
    """Whether signal i is a message of ours, by its kind, or by how it begins where the kind may be either side's."""
    return book.kinds[i] in book.outreach or (may_be_either(book.kinds[i]) and was_sent(book.texts[i]))


def _is_either(book: FactBook, i: int) -> bool:
    """Whether signal i is a message that may be ours or the lead's; not what a mail server wrote."""
    return may_be_either(book.kinds[i]) and not _is_ours(book, i) and not tells_of_a_bounce(book.texts[i])


def _bounced(book: FactBook, places: Sequence[int]) -> str:
    """The kind of the latest of these signals (latest first) that says an email came back for good, "" for none."""
    for i in places:
        kind, text = book.kinds[i], book.texts[i]
        if is_bounce(kind) or (text and not by_the_lead(kind) and tells_of_a_bounce(text)):
            return kind
        if is_reply(kind):
            break
    return ""


def _no_first_message(talk: Talk, rest: int) -> str:
    if min(talk.written, talk.met) >= rest * 24:
        return ""
    hours, by_day = (talk.written, talk.by_day) if talk.written <= talk.met else (talk.met, False)
    days = math.floor(hours / 24)
    said = ago(24 * days, True) if days >= 2 else ago(hours, by_day)
    how = f"written to {said}" if talk.written <= talk.met else f"spoken with {said} (signal {talk.met_by})"
    return f"too soon for a first message: {how}, less than {rest} days"


def _no_follow_up(hours: float, by_day: bool) -> str:
    soonest, latest = FOLLOW_UP_DAYS
    if math.isinf(hours):
        return "no earlier message to follow up is known"
    if hours < soonest * 24:
        return f"too soon to follow up: written to {ago(hours, by_day)}, less than {soonest} days"
    if hours > latest * 24:
        return f"too late to follow up: written to {math.ceil(hours / 24):,} days ago, more than {latest}"
    return ""


def _no_re_engagement(hours: float, talk: Talk, reply: Reply) -> str:
    soonest, latest = RE_ENGAGE_DAYS
    if math.isinf(min(talk.written, talk.said, talk.met)) and not reply.said:
        return "never in touch: no message, reply or request is known to come back to"
    if hours < soonest * 24:
        days = math.floor(hours / 24)
        said = "1 day ago" if days == 1 else f"{days} days ago" if days else "less than a day ago"
        return f"no need to re-engage: heard of {said}, less than {soonest:.0f}"
    if hours > latest * 24:
        return f"too late to re-engage: heard of {math.ceil(hours / 24):,} days ago, more than {latest}"
    return ""
