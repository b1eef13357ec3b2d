"""Whom we are to meet already: calls and meetings of an export that are dated ahead of the moment it is read at."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tinyscout.leads.outreach_kinds import plans_a_meeting
from tinyscout.leads.signal_log import SignalLog
from tinyscout.leads.times import to_series


def planned_meetings(log: SignalLog, lead_id: np.ndarray, now: int) -> dict[str, pd.Series]:
    """planned_meeting (N,) str: why leads (lead_id (N,)) get no message, "" for most; nothing where none is planned.

    now: microseconds since 1970; what is later is to come.
    """
    plans = np.array([*(plans_a_meeting(str(kind)) for kind in log.kinds.categories), False], dtype=bool)
    ahead = np.flatnonzero(plans[log.kind] & (log.at > now))
    if not len(ahead):
        return {}
    leads, first = np.unique(np.searchsorted(log.starts, ahead, side="right") - 1, return_index=True)
    said = {
        lead: f"a meeting, call or task is planned ({day:%Y-%m-%d}, signal {log.kinds.categories[log.kind[i]]})"
        for lead, i, day in zip(leads.tolist(), ahead[first], to_series(log.at[ahead[first]]), strict=True)
    }
    return {"planned_meeting": pd.Series([said.get(lead, "") for lead in log.codes_of(lead_id).tolist()], dtype="str")}
