"""What an export dates ahead of the moment it is read at: calls and meetings that are to come, and what is no plan.

Nobody plans to unsubscribe, to reply or to say no: there a clock or a time zone is wrong, and a person has to look. So
it is with such a signal whose date can't be read at all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tinyscout.leads.outreach_kinds import is_reply, names_material, plans_a_meeting
from tinyscout.leads.outreach_names import leaves
from tinyscout.leads.signal_log import SignalLog


def read_ahead(log: SignalLog, lead_id: np.ndarray, now: int) -> dict[str, pd.Series]:
    """ahead_forbids (N,) str: why leads (lead_id (N,)) get no message, "" for most; nothing where none is ahead.

    now: microseconds since 1970; what is later is to come.
    """
    ahead = np.flatnonzero(log.at > now)
    if not len(ahead) and not log.undated:
        return {}
    told, said = log.frame(ahead), dict[str, str]()
    texts = told["text"].fillna("") if "text" in told else [""] * len(ahead)
    for lead, kind, at, text in zip(log.lead_of(ahead), told["kind"], told["at"], texts, strict=True):
        reason = _reason(str(kind), text)
        if reason and lead not in said:  # oldest first
            said[lead] = f"{reason} ({at:%Y-%m-%d}, signal {kind})"
    for lead, kind, text in log.undated:
        if _is_no_plan(kind, text):
            said.setdefault(lead, f"is of a day that can't be read: read it yourself (signal {kind})")
    if not said:
        return {}
    return {"ahead_forbids": pd.Series([said.get(lead, "") for lead in lead_id], dtype="str")}


def _reason(kind: str, text: str) -> str:
    """Why a signal that is dated ahead stops a message; "" for most."""
    if plans_a_meeting(kind) and not leaves(kind, None):
        return "a meeting, call or task is planned"
    return "is dated ahead of today, and no plan: read it yourself" if _is_no_plan(kind, text) else ""


def _is_no_plan(kind: str, text: str) -> bool:
    """Whether a signal tells that somebody unsubscribed, replied or said no."""
    from tinyscout.leads.refusals import refusal  # compiles its patterns, which only write needs

    return bool(leaves(kind, None) or is_reply(kind) or (text and not names_material(kind) and refusal(text)))
