"""The signals of leads as a person at a CRM reads them: whose each is, how old, and what its words mean."""

import numpy as np
import pandas as pd

from tinyscout.leads.message_text import unquoted
from tinyscout.leads.outreach_dates import Elapsed, ago
from tinyscout.leads.outreach_deeds import deed_of, is_wish
from tinyscout.leads.outreach_forms import is_form, leaves_by_form
from tinyscout.leads.outreach_kinds import by_the_lead, is_reply, kinds_of_ours, may_be_either
from tinyscout.leads.outreach_logs import by_a_machine, tells_of_a_bounce, was_sent
from tinyscout.leads.outreach_names import WROTE, in_words, leaves, words_of
from tinyscout.leads.outreach_orders import meaning_of
from tinyscout.leads.tables import LeadTables, microseconds
from tinyscout.leads.times import NONE

UTC = "datetime64[us, UTC]"


class SignalBook:
    """All signals of some tables, by place; those of lead `row` are offsets[row] : offsets[row + 1], oldest first.

    kinds, texts (S,) lists, without what a text quotes; ages (S,) hours, by_day (S,) whether these are whole days;
    since_contact (N,) hours since our last contact with a lead, inf for none, contact_by_day (N,); since_own_contact
    (N,) by the lead's own record, whoever else has its address. by: the channel that a message goes by, so that an
    opt-out that names another channel does not count; None: each counts.
    """

    def __init__(self, tables: LeadTables, by: str | None = None):
        self.offsets, self.by, signals = tables.offsets, by, tables.signals
        self.kinds: list[str] = signals["kind"].astype(object).tolist()
        kinds = set(self.kinds)
        self.leaving = {kind for kind in kinds if leaves(kind, by)}
        self.wrote = {kind for kind in kinds if WROTE & words_of(kind)}
        self.outreach = kinds_of_ours(kinds, all_kinds(tables))
        self.elapsed, rows = Elapsed(tables), np.arange(len(tables))
        earlier, last, own = (
            microseconds(tables.leads[name]) if name in tables.leads else np.full(len(tables), NONE)
            for name in ("earlier_contact", "last_contact", "own_contact")
        )
        self.since_contact, self.contact_by_day = self.elapsed.hours(np.maximum(earlier, last), rows)
        self.since_own_contact, _ = self.elapsed.hours(own if "own_contact" in tables.leads else earlier, rows)
        days, self.by_day = self.elapsed.hours(microseconds(signals["at"]), signals["row"].to_numpy())
        self.ages = np.where(self.by_day, days, signals["age_hours"].to_numpy(float))
        texts = signals["text"] if "text" in signals else pd.Series([""] * len(signals), dtype=object)
        self.texts = [unquoted(text) for text in texts.astype(object).where(texts.notna(), "")]

    def own(self, i: int) -> bool:
        """Whether signal i is what the lead itself wrote, by its kind; not what a mail program answered."""
        return self.kinds[i] in self.wrote and not by_a_machine(self.texts[i])

    def replied(self, i: int) -> bool:
        """Whether signal i is a reply that a person wrote."""
        return is_reply(self.kinds[i]) and not by_a_machine(self.texts[i])

    def by_lead(self, i: int) -> bool:
        """Whether signal i is what the lead itself wrote or asked for."""
        kind, text = self.kinds[i], self.texts[i]
        asked = is_form(kind) and is_wish(deed_of(in_words(kind), text))
        return (by_the_lead(kind) or asked) and not by_a_machine(text)

    def ours(self, i: int) -> bool:
        """Whether signal i is a message of ours: by its kind, or by how it begins where that may be either side's."""
        return self.kinds[i] in self.outreach or (may_be_either(self.kinds[i]) and was_sent(self.texts[i]))

    def either(self, i: int) -> bool:
        """Whether signal i is a message that may be ours or the lead's; not what a mail program or server wrote."""
        return may_be_either(self.kinds[i]) and not self.ours(i) and not by_a_machine(self.texts[i])

    def bounced(self, i: int) -> bool:
        """Whether the text of signal i says that an email came back for good.

        A person may write of such things: what a lead wrote, or may have written, has to begin as a server's words do.
        """
        kind, text = self.kinds[i], self.texts[i]
        by_a_person = (by_the_lead(kind) or may_be_either(kind)) and not by_a_machine(text)
        return bool(text) and not by_a_person and tells_of_a_bounce(text)

    def leaves(self, i: int) -> bool:
        """Whether signal i says that a lead wants no more messages, by its kind or the name of a form."""
        return self.kinds[i] in self.leaving or leaves_by_form(self.kinds[i], self.texts[i], self.by)

    def meaning(self, i: int) -> str:
        """What the lead itself wrote in signal i means; empty where it wrote nothing."""
        written = self.texts[i] if self.own(i) else ""
        return meaning_of(written) if written else ""

    def hours_since(self, row: int, at: pd.Timestamp) -> float:
        """Hours since a moment as lead `row` is read, whole days where there are dates alone; inf for NaT."""
        return float(self.elapsed.hours(microseconds(pd.Series([at], dtype=UTC)), np.array([row]))[0][0])

    def ago(self, i: int) -> str:
        """How old signal i is, in numbers: "75 h ago", "yesterday" where it has a date alone."""
        return ago(self.ages[i], True) if self.by_day[i] else f"{self.ages[i]:.0f} h ago"


def all_kinds(tables: LeadTables) -> set[str]:
    """The kinds of a whole export, though only some of its leads are looked at."""
    column = pd.Series(tables.signals["kind"])
    return set(column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.unique())
