"""Who may be written to by which channel, and why not: what a lead said, what passed between us, and how long ago.

No text of a CRM becomes words of a message. What was said, and when, can only keep a lead from being written to.
"""

import math
from typing import NamedTuple

import pandas as pd

from tinyscout.leads.cells import in_brief
from tinyscout.leads.consent import NEEDED
from tinyscout.leads.outreach import IDLE_DAYS
from tinyscout.leads.outreach_answers import asked_for
from tinyscout.leads.outreach_circumstances import puts_off
from tinyscout.leads.outreach_dates import ago
from tinyscout.leads.outreach_facts import STUDENT, Fact, FactBook, LeadFacts
from tinyscout.leads.outreach_orders import meaning_of
from tinyscout.leads.outreach_stops import Stop, last_stop
from tinyscout.leads.outreach_talk import Talk
from tinyscout.leads.refusals import refusal
from tinyscout.leads.stages import name_forbids
from tinyscout.leads.tables import LeadTables

FOLLOW_UP_DAYS = (2, 60)  # since our last message: sooner presses, and later nobody remembers "my last note"
REST_DAYS = {"email": 30, "linkedin": 2}  # since our last message or talk: who had one is no stranger to a first one
DECLINE_DAYS = 60  # since what it answers: later it is one more unasked message
REQUEST_DAYS = 366  # since what a reply asks for: whoever had no answer for longer gets one from a person
OF_A_REQUEST = ("email", "linkedin")  # the channels by which a message comes back to what a reply asked for
RE_ENGAGE_DAYS = (IDLE_DAYS, 730)  # of silence: "it has been a while"; after two years there is nothing to come back to
WANTS, ASKS, LATER = "wants something", "asks something", "puts it off"
_ANSWER_IT = {
    WANTS: "replied, wants something and waits: answer it yourself",
    ASKS: "replied, asks something and waits: answer it yourself",
    LATER: "replied, puts it off and waits: answer it yourself",
}
_LAG = 1.0  # hours by which a CRM may write down a reply late
_REPLY = ["earlier_reply", "earlier_reply_at", "earlier_reply_positive", "earlier_reply_judged"]


class Reply(NamedTuple):
    """What is known of a lead's reply: said in words, empty for none; the hours since, inf where not known.

    positive: whether it was a yes, None where nobody said, as of a signal; waits: it answers nothing of ours that is
    known, and is the last that happened; asked: the one thing it plainly asks for, if its words are known; understood:
    its words, where there are any, say what it is, as far as rules can tell, or a column does. maybe: it may as well be
    a message of ours; wants: what it asks, if nothing of ours came since: a person is to answer it. dated: a column
    tells of it, whose date may be a day off.
    """

    said: str
    hours: float
    positive: bool | None
    waits: bool = False
    asked: Fact | None = None
    understood: bool = True
    maybe: bool = False
    wants: str = ""
    dated: bool = False

    @classmethod
    def of(cls, tables: LeadTables, row: int, book: FactBook, talk: Talk) -> "Reply":
        """The latest of what the columns of an outcome and the signals tell.

        A signal within a day of the column's date is the same reply, with its hour and its words; the column has its
        sentiment, if the export has such a column. A date alone counts as a yes only where no words are known.
        """
        known, judged = cls("", math.inf, False, dated=True), False
        counted = known
        if "earlier_reply" in tables.leads:
            said, at, positive, judged, now = tables.leads.loc[row, [*_REPLY, "contacted_at"]]
            hours, positive = (now - at) / pd.Timedelta(hours=1), None if pd.isna(positive) else bool(positive)
            known = cls(said, math.inf if pd.isna(hours) else max(hours, 0.0), positive, dated=True)
            counted = known._replace(hours=book.hours_since(row, at))  # the two may be a day apart
        if talk.either >= 0 and (not known.said or book.ages[talk.either] < known.hours - 24):
            at, kind = tables.signals["at"].iloc[talk.either], book.kinds[talk.either]
            hours = float(book.ages[talk.either])
            wants = _wants(book.texts[talk.either])
            return cls(f"{at:%Y-%m-%d}, signal {kind}", hours, None, understood=False, maybe=True, wants=wants)
        if talk.reply < 0:
            return counted
        hours, text = float(book.ages[talk.reply]), book.texts[talk.reply]
        asked = book.request(talk.reply)
        settled = asked is not None and _settled(book, row, talk.reply, asked)
        wants = _wants(text) if not settled and hours <= min(talk.written, talk.met) else ""
        asked = asked if not settled and hours <= min(REQUEST_DAYS * 24, talk.met) else None  # a talk deals with it
        understood = not text or book.meaning(talk.reply) != "neutral" or bool(refusal(text) or asked_for(text))
        if known.said and -_LAG <= known.hours - hours <= 24:
            if text and not judged:
                known = known._replace(positive=None, understood=understood)
            asked = None if known.positive is False else asked
            return known._replace(hours=hours, asked=asked, wants=wants, dated=False)
        if known.said and not hours < known.hours < math.inf:
            return counted
        at, kind = tables.signals["at"].iloc[talk.reply], book.kinds[talk.reply]
        if known.said:
            asked = None
        return cls(f"{at:%Y-%m-%d}, signal {kind}", hours, None, talk.waits, asked, understood, wants=wants)

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
            slack = 24 if self.dated else 0
            return self.positive is not False and not (math.isfinite(self.hours) and self.hours + slack >= since_said)
        return channel not in OF_A_REQUEST or self.asked is None

    @property
    def reason(self) -> str:
        """Why a lead that replied gets no message."""
        if self.maybe and self.wants:
            said = f"may have replied and {self.wants}: read it yourself"
        elif self.maybe:
            said = "may have replied: read it yourself"
        elif self.wants:
            said = _ANSWER_IT[self.wants]
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
    reason = _why_not(tables, row, known, channel, talk, reply, stop)
    if "same_person" not in tables.leads:
        return reason
    others, forbids = tables.leads.loc[row, ["same_person", "same_person_forbids"]]
    return f"{reason} (read as one with {others}: the same address)" if reason and others else reason or forbids


def _why_not(
    tables: LeadTables, row: int, known: LeadFacts, channel: str, talk: Talk, reply: Reply, stop: Stop | None
) -> str:
    needed = NEEDED[channel]
    if f"no_consent_{needed}" in tables.leads:
        reason = tables.leads[f"no_consent_{needed}"].iloc[row]
        if reason:
            return f"no consent for {needed}: {reason}"
    for name in ("rejected_row", "several_people", "stage_forbids", "notes_forbid", "ahead_forbids"):
        if name in tables.leads and tables.leads[name].iloc[row]:
            return tables.leads[name].iloc[row]
    if "recipient_name" in tables.leads and (reason := name_forbids(tables.leads["recipient_name"].iloc[row])):
        return f"{reason} ({in_brief(tables.leads['recipient_name'].iloc[row])})"
    if needed == "email" and "recipient_email" in tables.leads and "@" not in tables.leads["recipient_email"].iloc[row]:
        given = tables.leads["recipient_email"].iloc[row]
        return f'no email address (it is "{in_brief(given)}")' if given else "no email address"
    if needed == "email" and "email_bounced" in tables.leads and tables.leads["email_bounced"].iloc[row]:
        return tables.leads["email_bounced"].iloc[row]
    if stop is not None and not (stop.answerable and channel == "decline"):  # a polite no is one more message, too
        return f"{stop.reason} ({stop.fact.source})"
    if talk.bounced and needed == "email":
        return f"email bounced, so that its address takes none (signal {talk.bounced})"
    since_said = stop.hours if stop is not None and math.isfinite(stop.hours) else talk.said
    if reply.forbids(channel, since_said):
        if talk.wish and talk.wished < reply.hours and channel in OF_A_REQUEST:
            since = "replied, and asked for something since: answer it yourself"
            return f"{since} ({talk.wish.said}, {talk.wish.source})"
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


def _settled(book: FactBook, row: int, reply: int, asked: Fact) -> bool:
    """Whether something later says that the one thing a reply asks for isn't wanted, or was given."""
    return any(book.settles(i, asked.said) for i in range(reply + 1, book.offsets[row + 1]))


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
    if puts_off(text):
        return LATER
    return {"want": WANTS, "question": ASKS}.get(meaning_of(text), "")


def _no_first_message(talk: Talk, rest: int) -> str:
    if min(talk.written, talk.met) >= rest * 24:
        return ""
    hours, by_day = (talk.written, talk.by_day) if talk.written <= talk.met else (talk.met, talk.met_by_day)
    days = math.floor(hours / 24)
    said = ago(24 * days, True) if days >= 2 else ago(hours, by_day)
    how = f"contacted {said}" if talk.written <= talk.met else f"spoken with {said} (signal {talk.met_by})"
    return f"too soon for a first message: {how}, less than {rest} days"


def _no_follow_up(hours: float, by_day: bool) -> str:
    soonest, latest = FOLLOW_UP_DAYS
    if math.isinf(hours):
        return "no earlier message to follow up is known"
    if hours < soonest * 24:
        return f"too soon to follow up: contacted {ago(hours, by_day)}, less than {soonest} days"
    if hours > latest * 24:
        return f"too late to follow up: contacted {math.ceil(hours / 24):,} days ago, more than {latest}"
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
