"""What passed between us and a lead, and when: who wrote to whom, who spoke, what came back."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tinyscout.leads.outreach_facts import Fact, FactBook
from tinyscout.leads.outreach_kinds import is_bounce, may_be_a_meeting
from tinyscout.leads.outreach_logs import was_not_reached

WISH_DAYS = 90  # since what a form or a note says that it asked for: later it is one deed among others


class Talk(NamedTuple):
    """What passed between us and a lead, by its signals and contacts.

    written: hours since our last message or contact, inf for none, by_day: whether these are whole days; said: since
    the lead last wrote or asked for something, inf; reply: the place of its latest reply among the signals, -1 for
    none; waits: that reply came when nothing of ours is known, and is the last that happened; bounced: the kind of the
    signal by which its address takes no email, unless a reply came since, "" for none. either: the place of the latest
    message that may be ours or the lead's, unless its reply came later, -1 for none; met: hours since the latest call
    or meeting, inf, met_by: the kind of that signal, and met_by_day: as by_day. wish: the one thing that it asked for
    of late, by a form or by what we noted, if nothing of ours came since, nor a talk, and wished: hours since.
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
    met_by_day: bool = False
    wish: Fact | None = None
    wished: float = math.inf

    @classmethod
    def of(cls, book: FactBook, row: int) -> "Talk":
        """Every reply counts: who answered a message of ours, or wrote first, is in a conversation."""
        contact = float(book.since_contact[row])
        places = range(book.offsets[row + 1] - 1, book.offsets[row] - 1, -1)  # latest first
        ours = [(float(book.ages[i]), bool(book.by_day[i])) for i in places if book.ours(i)]
        ours += [(contact, bool(book.contact_by_day[row]))] if math.isfinite(contact) else []
        said = [float(book.ages[i]) for i in places if book.by_lead(i)]
        reply = next((i for i in places if book.replied(i)), -1)
        waits = reply >= 0 and not ours and reply == places[0]
        written, by_day = min(ours, default=(math.inf, False))
        either = next((i for i in places if i > reply and book.either(i)), -1)
        met = next((i for i in places if may_be_a_meeting(book.kinds[i]) and not was_not_reached(book.texts[i])), -1)
        bounced, said_ago = _bounced(book, places), min(said, default=math.inf)
        since, by = (float(book.ages[met]), book.kinds[met]) if met >= 0 else (math.inf, "")
        wish = _wish(book, [i for i in places if book.ages[i] <= min(written, since, WISH_DAYS * 24)])
        wished = (book.noted(wish), float(book.ages[wish])) if wish >= 0 else (None, math.inf)
        met_by_day = met >= 0 and bool(book.by_day[met])
        return cls(written, said_ago, reply, waits, by_day, bounced, either, since, by, met_by_day, *wished)


def _wish(book: FactBook, places: Sequence[int]) -> int:
    """The place of the latest wish among these signals (latest first) that none later takes back, -1 for none."""
    for n, i in enumerate(places):
        if (wish := book.noted(i)) and not any(book.settles(j, wish.said) for j in places[:n]):
            return i
    return -1


def _bounced(book: FactBook, places: Sequence[int]) -> str:
    """The kind of the latest of these signals (latest first) that says an email came back for good, "" for none."""
    for i in places:
        if is_bounce(book.kinds[i]) or book.bounced(i):
            return book.kinds[i]
        if book.replied(i):
            break
    return ""
