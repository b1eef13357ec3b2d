"""What columns of a CRM tell of its own outreach: when a lead was last contacted, and that its address takes no email.

Such columns are kept up by the CRM and read beside the profile, as stages are (stages.py).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import in_brief, read_strings
from tinyscout.leads.field_map import normal
from tinyscout.leads.times import NONE, read_times, to_series

OUTREACH = "outreach: "  # before the name of such a column, among the parts of a recipient
_LAST = frozenset(
    ["lastcontacted", "noteslastcontacted", "lastcontactdate", "lastcontactedat", "lastcontactedon", "lastcontactedon"]
)
_LAST_EXACTLY = "LastActivityDate"  # Salesforce's: elsewhere "Last Activity Date" may be the lead's own
_BOUNCED = frozenset(
    [
        *("emailhardbouncereason", "hsemailhardbouncereason", "hsemailhardbouncereasonenum", "emailbounced"),
        *("emailbounceddate", "emailbouncedreason", "hardbounced", "hardbouncedate", "emailbouncedate", "isbounced"),
    ]
)
_NOT = frozenset(["", "no", "false", "0", "none", "n", "never"])


def find_outreach(columns: Iterable[str]) -> dict[str, str]:
    """OUTREACH and the name -> the column, for those of a file that have such a name."""
    return {
        f"{OUTREACH}{column}": column
        for column in columns
        if normal(column) in _LAST | _BOUNCED or column == _LAST_EXACTLY
    }


def read_outreach(
    table: pa.Table, lead_id: np.ndarray, now: np.ndarray, missing: Iterable[str], formats: Sequence[str]
) -> dict[str, pd.Series]:
    """last_contact (N,) datetime, NaT for none, and email_bounced (N,) str, what says so, "" for none.

    now (N,) microseconds: what is later, or no date, is left out. Each only where the table has such a column; what one
    row of a lead (lead_id (N,)) says holds for all its rows.
    """
    last, bounced = None, None
    for part in table.column_names:
        if not part.startswith(OUTREACH):
            continue
        name = part.removeprefix(OUTREACH)
        if normal(name) in _BOUNCED:
            read = read_strings(table.column(part), missing)
            said = [_tells_of_a_bounce(name, value) for value in (*read.values, "")]
            mine = pd.Series(np.array(said, dtype=object)[read.codes], dtype="str")
            bounced = mine if bounced is None else bounced.where(bounced != "", mine)
        else:
            at = read_times(table.column(part), missing, formats).us
            at = np.where(at <= now, at, NONE)
            last = at if last is None else np.maximum(last, at)
    found = {}
    if last is not None:
        found["last_contact"] = to_series(pd.Series(last).groupby(lead_id).transform("max").to_numpy())
    if bounced is not None:
        found["email_bounced"] = bounced.groupby(lead_id).transform("max")  # "" is below all words
    return found


def _tells_of_a_bounce(name: str, value: str) -> str:
    """Why an address takes no email, by a column of bounces; "" for an empty one."""
    if value.strip().lower() in _NOT:
        return ""
    return f"email bounced, so that its address takes none ({' '.join(name.split())} is {in_brief(value)})"
