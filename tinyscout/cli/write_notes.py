"""What `tinyscout write` notes on standard error: what an export doesn't say, and what follows from that."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyscout.drafting import Drafted
    from tinyscout.leads.tables import LeadTables

_EMPTY_CONSENT = re.compile(r"no consent for \w+: (.{1,200}? is empty)(?= \(|$)")


def print_notes(args: argparse.Namespace, contacts: LeadTables, leads: LeadTables, found: list[Drafted]) -> None:
    """Everything that is to be noted of an export's contacts, its leads and what was found to be written to them."""
    notes = (
        _no_consent(args, leads),
        _empty_consent(found),
        _no_replies(contacts),
        _odd_replies(contacts),
        _nobodys_kinds(contacts),
        _own_words(args),
        _other_ranks(contacts, leads),
    )
    for text in chain.from_iterable(notes):
        print(f"tinyscout write: note: {text}", file=sys.stderr)


def _no_consent(args: argparse.Namespace, tables: LeadTables) -> Iterator[str]:
    """That the export doesn't say who may be written to."""
    from tinyscout.leads.consent import NEEDED

    needed = NEEDED[args.channel]
    if f"no_consent_{needed}" not in tables.leads:
        yield (
            f"no column of consent for {needed} was found, so nobody's consent was checked; "
            f'name one in a field map: [consent] {needed} = {{ opt_out = "..." }} (docs/bring_your_own.md)'
        )


def _empty_consent(found: list[Drafted]) -> Iterator[str]:
    """How an empty cell of a column of opting out may be made to mean what it does in a CRM."""
    empty = Counter(said[1] for each in found if (said := _EMPTY_CONSENT.match(each.why_not)))
    for said, count in empty.most_common(1):
        yield (
            f"{said} in {count:,} that rank as high, which is no consent; if that is a column "
            "of opting out, where an empty cell means no, say so in a field map: "
            'like = "hubspot" (or whose map you use), [consent] no = [""] (docs/bring_your_own.md)'
        )


def _no_replies(contacts: LeadTables) -> Iterator[str]:
    """That neither the leads nor the signals tell who replied."""
    from tinyscout.leads.outreach_kinds import is_reply

    if "earlier_reply" in contacts.leads or any(is_reply(kind) for kind in contacts.signals["kind"].unique()):
        return
    yield (
        "no column of replies and no signal of one was found, so nobody is known to have "
        'replied; name the column in a field map: [leads] replied_at = "..." (docs/bring_your_own.md)'
    )


def _nobodys_kinds(contacts: LeadTables) -> Iterator[str]:
    """Which kinds of signal may be a lead's own words, and what follows from that."""
    from tinyscout.leads.outreach_kinds import kinds_of_ours, may_be_a_message, may_be_either
    from tinyscout.leads.outreach_signals import all_kinds

    counts = {str(kind): count for kind, count in contacts.signals["kind"].value_counts().items() if count}
    ours = kinds_of_ours(counts, all_kinds(contacts))
    either = {kind: count for kind, count in counts.items() if may_be_either(kind) and kind not in ours}
    nobodys = {kind: count for kind, count in counts.items() if may_be_a_message(kind) and kind not in {*either, *ours}}
    if either:
        yield (
            "these may be yours or theirs, so whoever has one may have replied, and gets no "
            f"draft: {_counted(either)}; export the column that says which, such as HubSpot's Email direction, or name "
            'one in a field map: [signals] direction = "..." (docs/bring_your_own.md)'
        )
    if nobodys:
        yield (
            "whose words these are is not known: they are no replies, and heard in their text "
            f"are only a no, a wish, a bounce and what must be read first: {_counted(nobodys)}; a kind counts as a "
            'reply where its name says so, as "Email reply"'
        )


def _counted(kinds: dict[str, int]) -> str:
    return ", ".join(f"{kind} ({count:,})" for kind, count in kinds.items())


def _odd_replies(contacts: LeadTables) -> Iterator[str]:
    """How many cells stand where a reply's date is expected and are none."""
    from tinyscout.leads.replies import ODD

    odd = contacts.account.notes.get(ODD)
    if odd:
        cells = "1 cell" if odd["cells"] == 1 else f"{odd['cells']:,} cells"
        verbs = ("is", "counts") if odd["cells"] == 1 else ("are", "count")
        yield f'{cells} of {odd["column"]} {verbs[0]} no date and {verbs[1]} as a reply, such as "{odd["first"]}"'


def _own_words(args: argparse.Namespace) -> Iterator[str]:
    """Which of the user's own words the channel has no room for."""
    from tinyscout.leads.outreach_offer import WITHOUT_OFFER, WITHOUT_SENDER

    for name, channel, said in (("offer", WITHOUT_OFFER, "decline"), ("sender", WITHOUT_SENDER, "LinkedIn note")):
        if getattr(args, name).strip() and args.channel == channel:
            yield f"--{name} is left out: a {said} has none"


def _other_ranks(contacts: LeadTables, leads: LeadTables) -> Iterator[str]:
    """Why ranks aren't those of `tinyscout score`, where they aren't."""
    why = []
    if len(leads) < len(contacts):
        why.append(f"are of {len(leads):,} leads, not of their {len(contacts):,} contacts")
    if "earlier_contact" in leads.leads and leads.leads["earlier_contact"].notna().to_numpy().any():
        why.append("are as of now, not as of a contact made already")
    if why:
        yield f"ranks are not those of tinyscout score: they {', and '.join(why)}"
