"""What columns of a CRM tell of its own outreach: when a lead was last contacted, and that its address takes no email.

Such columns are kept up by the CRM and read beside the profile, as stages are (stages.py).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.field_map import normal
from tinyscout.leads.stages import said_by_columns
from tinyscout.leads.times import NONE, read_times, to_series

CONTACT, BOUNCE = "contact: ", "bounce: "  # before the name of such a column, among the parts of a recipient
_LAST = frozenset(["lastcontacted", "noteslastcontacted", "lastcontactdate", "lastcontactedat", "lastcontactedon"])
_LAST_EXACTLY = "LastActivityDate"  # Salesforce's: elsewhere "Last Activity Date" may be the lead's own
_BOUNCED = frozenset(
    [
        *("emailhardbouncereason", "hsemailhardbouncereason", "hsemailhardbouncereasonenum", "emailbounced"),
        *("emailbounceddate", "emailbouncedreason", "hardbounced", "hardbouncedate", "emailbouncedate", "isbounced"),
    ]
)
_NOT = frozenset(["", "no", "false", "0", "none", "n", "never"])


def find_outreach(columns: Iterable[str]) -> dict[str, str]:
    """CONTACT or BOUNCE and the name -> the column, for those of a file that have such a name."""
    columns = list(columns)
    last = [column for column in columns if normal(column) in _LAST or column == _LAST_EXACTLY]
    bounced = [column for column in columns if normal(column) in _BOUNCED]
    return {f"{CONTACT}{column}": column for column in last} | {f"{BOUNCE}{column}": column for column in bounced}


def read_outreach(
    table: pa.Table, lead_id: np.ndarray, now: np.ndarray, missing: Iterable[str], formats: Sequence[str]
) -> dict[str, pd.Series]:
    """last_contact (N,) datetime, NaT for none, and email_bounced (N,) str, what says so, "" for none.

    now (N,) microseconds: what is later, or no date, is left out. Each only where the table has such a column; what one
    row of a lead (lead_id (N,)) says holds for all its rows.
    """
    found = {}
    parts = [part for part in table.column_names if part.startswith(CONTACT)]
    if parts:
        moments = [read_times(table.column(part), missing, formats).us for part in parts]
        last = np.max([np.where(us <= now, us, NONE) for us in moments], axis=0)
        found["last_contact"] = to_series(pd.Series(last).groupby(lead_id).transform("max").to_numpy())
    if (bounced := said_by_columns(table, BOUNCE, lambda name: tells_of_a_bounce, lead_id, missing)) is not None:
        found["email_bounced"] = bounced
    return found


def tells_of_a_bounce(value: str) -> str:
    """Why an address takes no email, by a cell of a column of bounces; "" for an empty one."""
    return "" if value.strip().lower() in _NOT else "email bounced, so that its address takes none"
