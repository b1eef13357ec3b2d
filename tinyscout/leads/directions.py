"""Whose message a signal is, where an export says so in a column of its own: put into the name of its kind.

HubSpot's `hs_email_direction` is EMAIL for a message sent, INCOMING_EMAIL for one that came, and FORWARDED_EMAIL for
one that was forwarded to the CRM, which may be either; its `hs_call_direction` is INBOUND or OUTBOUND, as Salesforce's
`CallType`.
"""

import numpy as np

from tinyscout.leads.cells import Coded
from tinyscout.leads.field_map import normal

ROLES = ("direction", "call_direction")  # of the signals table; where both say something, the first
_SAYS = {
    **dict.fromkeys(("incomingemail", "incoming", "inbound", "received", "in", "from"), "incoming"),
    **dict.fromkeys(("email", "outgoingemail", "outgoing", "outbound", "sent", "out", "to"), "outgoing"),
}
_TOLD = ("incoming", "inbound", "outgoing", "outbound")  # in the name of a kind that says so itself


def directed(kind: Coded, direction: Coded) -> Coded:
    """Kinds with "(incoming)" or "(outgoing)" behind them where their direction is told: "Email (incoming)"."""
    said = np.array([_SAYS.get(normal(str(value)), "") for value in direction.values] + [""], dtype=object)
    names = [str(value) for value in kind.values]
    told = np.array([any(word in name.lower() for word in _TOLD) for name in names], dtype=bool)
    among: dict[str, int] = {}  # each name that comes -> its code
    pairs = kind.codes * len(said) + direction.codes % len(said)  # -1 is the last of each
    distinct, place = np.unique(pairs, return_inverse=True)
    codes = np.empty(len(distinct), np.int64)
    for i, pair in enumerate(distinct.tolist()):
        which, where = divmod(pair, len(said))
        if which < 0:
            codes[i] = -1
            continue
        name = names[which] if told[which] or not said[where] else f"{names[which]} ({said[where]})"
        codes[i] = among.setdefault(name, len(among))
    return Coded(codes[place.reshape(-1)], np.array(list(among), dtype=object))
