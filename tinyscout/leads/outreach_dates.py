"""How long ago something was, counted by the clock where there is one and by the calendar where there are dates alone.

An export of dates says "on the 20th": seen on the 21st that was yesterday, which may be one hour ago or 47. So what has
a date alone, or is read by a model that knows days only, is so many whole days old: today, yesterday, 2 days ago.
"""

import math

import numpy as np

from tinyscout.leads.tables import HOUR_US, LeadTables, microseconds
from tinyscout.leads.times import DAY_US, NONE, day


class Elapsed:
    """Hours between moments in the past and the moment that each row of some tables is read at."""

    def __init__(self, tables: LeadTables):
        self._now = microseconds(tables.leads["contacted_at"])
        waiting = tables.leads["not_contacted"].to_numpy(bool) if "not_contacted" in tables.leads else False
        # Who is yet to be contacted is read at the end of what is known, which for dates is the midnight after them.
        self._today = day(self._now - np.where(waiting, 1, 0))
        self._days_only = not tables.schema.has_hour

    def hours(self, at: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hours (P,) float64 since moments (P,) int64 microseconds as rows (P,) see them, and which are whole days.

        inf where there is no moment.
        """
        by_day = (at % DAY_US == 0) | self._days_only
        days = np.maximum(self._today[rows] - day(at), 0)
        hours = np.where(by_day, 24.0 * days, (self._now[rows] - at) / HOUR_US)
        return np.where(at == NONE, np.inf, hours), by_day


def ago(hours: float, by_day: bool) -> str:
    """ "yesterday", "3 days ago" of what counts by day; else "1 hour ago", "47 hours ago"."""
    if by_day:
        days = round(hours / 24)
        return ("today", "yesterday")[days] if days < 2 else f"{days:,} days ago"
    whole = math.floor(hours)
    return "1 hour ago" if whole == 1 else f"{whole:,} hours ago" if whole else "less than an hour ago"
