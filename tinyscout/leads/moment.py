"""The moment that leads are read as of: the end of observation as given, the latest that happened, or today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tinyscout.errors import ArgumentError, InputError
from tinyscout.leads.field_map import OUTCOMES, FieldMap
from tinyscout.leads.labels import Observed
from tinyscout.leads.lead_rows import read_raw
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.signal_log import SignalLog
from tinyscout.leads.tables import HOUR_US
from tinyscout.leads.times import DAY_US, NONE, Times, read_times, to_series

PLANNED = 0.1  # of all moments: fewer that are dated after today are plans, such as a meeting next month
_JUST_AFTER_US = 1_000_000
_ZONES_US = 14 * HOUR_US  # a time without a zone may be that much ahead of UTC


class Moment:
    """The moment of one export, looked for in its files once it is asked for.

    observed: the end of observation as a user gave it, or None. today: the leads are to be written to now, so that the
    latest of an export that is hardly older than this computer's clock stands for today (Observed.caught_up).
    """

    def __init__(
        self,
        leads: Sequence[Path],
        field_map: FieldMap,
        log: SignalLog | None,
        ledger: Ledger,
        observed: Observed | None,
        *,
        today: bool,
    ):
        self.leads, self.field_map, self.log, self.ledger = leads, field_map, log, ledger
        self.observed, self.today = observed, today

    @property
    def given(self) -> int | None:
        """The end of observation, in microseconds since 1970, where a user gave it."""
        return self.observed.us if self.observed and self.observed.given else None

    @property
    def ahead(self) -> str:
        """What to add to a note where the moment that was given is ahead of the clock; empty for most."""
        days = 0 if self.given is None else (self.given - clock()) // DAY_US
        said = f"; that is {days:,} days ahead of this computer's clock, so all is read as that much older"
        return said if days > 1 else ""  # today ends tomorrow, elsewhere perhaps a day later

    def of_scoring(self) -> int:
        """In microseconds since 1970: the end of observation if it was given, else just after the latest contact, reply
        or signal of all. Raises InputError where there is none.
        """
        if self.observed is None:
            latest = Observed.latest(self._happened(list(self._all_times())))
            self.observed = latest.caught_up(clock()) if self.today else latest
        if self.observed.us == NONE:
            raise InputError(
                f"{self.leads[0]}: has leads without a contact time, and no time stamp to score them at; "
                "pass --observed-until DATE"
            )
        return self.observed.us + (0 if self.observed.given or self.observed.ends_day else _JUST_AFTER_US)

    def end(self, found: list[tuple[str, Times]]) -> Observed:
        """The end of observation for contacts and replies: as given, or the latest of them and of the signals."""
        return self.observed or Observed.latest(self._happened([*found, *self._of_signals()]))

    def plans_after(self, now: int) -> int:
        """From when on what is dated is a plan, for leads read as of `now`: from that, or the clock if it is later."""
        return max(now, clock())

    def check(self, earlier: np.ndarray, now: np.ndarray) -> None:
        """Contacts made (C,) and the moment to write at, the same for all. Raises ArgumentError before all contacts."""
        if self.given is not None and len(earlier) and earlier.min() > now.min():
            first = str(to_series(earlier[[earlier.argmin()]])[0])[:10]
            said = (
                f"is {self.observed}, before every contact in {self.leads[0]} (the first {first}); needs a later date"
            )
            raise ArgumentError("leads", "observed_until", said)

    def _happened(self, found: list[tuple[str, Times]]) -> list[tuple[str, Times]]:
        """The moments without those later than this computer's clock, and a note: what is planned is no end.

        Where they are PLANNED of all or more, nothing is left out: then the clock is wrong, or the dates are.
        """
        latest = clock() + _ZONES_US
        late = [times.us > latest for _, times in found]
        counts = {what: int(there.sum()) for (what, _), there in zip(found, late, strict=True) if there.any()}
        if not counts:
            return found
        few = sum(counts.values()) < PLANNED * sum(int((~times.missing).sum()) for _, times in found)
        us = max(int(times.us.max()) for _, times in found if len(times.us))
        kinds = ", ".join(f"{count:,} of a {what}" for what, count in counts.items())
        said = "planned, so it doesn't count: today is the latest of the rest, or --observed-until"
        if not few:
            said = "today is counted from there, and all else is that much older: mend the dates, or pass "
            said += f"--observed-until {datetime.now(UTC):%Y-%m-%d}"
        self.ledger.notes["dated after today, by this computer's clock"] = (
            f"{kinds}, the latest {str(to_series(np.array([us]))[0])[:10]}; {said}"
        )
        if not few:
            return found
        return [(what, times.take(np.flatnonzero(~there))) for (what, times), there in zip(found, late, strict=True)]

    def _all_times(self) -> Iterator[tuple[str, Times]]:
        """The times of all files, contacts and replies read once more; a reply's cell that is no date has none."""
        quiet = Ledger(skip_bad_rows=True)
        unused = ("label", "sentiment", "lead_id", "contact_id", "order")
        spare = (*OUTCOMES, *unused, "contacted_at")
        for raw in read_raw(self.leads, self.field_map, quiet, needed=(), unused=unused, spare=spare, columns=()):
            for what, role in (("contact", "contacted_at"), ("reply", "replied_at")):
                if role in raw.roles:
                    yield what, read_times(raw.roles[role], self.field_map.missing, self.field_map.date_formats)
        yield from self._of_signals()

    def _of_signals(self) -> Iterator[tuple[str, Times]]:
        if self.log is not None:
            yield "signal", Times(self.log.at, self.log.date_only, self.log.date_only)


def clock() -> int:
    """Now by this computer's clock, in microseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1e6)
