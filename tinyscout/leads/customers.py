"""Who is a customer already, by the columns of a stage: no message of ours to a lead is for them.

Such columns are read beside the profile, as those of a recipient are; whether they are features is for the map to say.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import in_brief, read_strings
from tinyscout.leads.field_map import normal

STAGE = "stage: "  # before the name of such a column, among the parts of a recipient
_STAGES = frozenset(
    [
        "status",
        "leadstatus",
        "hsleadstatus",
        "leadstage",
        "stage",
        "dealstage",
        "dealstatus",
        "lifecyclestage",
        "contactstatus",
        "contactstage",
        "customerstatus",
        "accountstatus",
        "accounttype",
        "contacttype",
        "opportunitystage",
        "salesstage",
        "pipelinestage",
    ]
)
_CUSTOMER = re.compile(
    r"\b(?:customers?|clients?|closed ?won|won(?! t\b)|evangelist|kunde|bestandskunde|cliente|klant)\b", re.IGNORECASE
)
_NONE = re.compile(
    r"\b(?:no|not|non|never|ex|former|past|lost|churned|cancelled|potential|prospective|future|kein)\b", re.IGNORECASE
)


def find_stages(columns: Iterable[str]) -> dict[str, str]:
    """STAGE and the name -> the column, for those of a file that have the name of a stage."""
    return {f"{STAGE}{column}": column for column in columns if normal(column) in _STAGES}


def customers(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str]) -> dict[str, pd.Series]:
    """customer_already (N,) str: the column and value by which a row's lead (lead_id (N,)) is a customer, "" for none.

    Nothing where the table has no column of a stage. What one row of a lead says holds for all its rows.
    """
    found = None
    for part in table.column_names:
        if not part.startswith(STAGE):
            continue
        read = read_strings(table.column(part), missing)
        name = " ".join(part.removeprefix(STAGE).split())
        said = [f"{name} is {in_brief(value)}" if is_customer(value) else "" for value in (*read.values, "")]
        mine = pd.Series(np.array(said, dtype=object)[read.codes], dtype="str")
        found = mine if found is None else found.where(found != "", mine)
    if found is None:
        return {}
    return {"customer_already": found.groupby(lead_id).transform("max")}  # "" is below all words


def is_customer(value: str) -> bool:
    """Whether a stage says that somebody buys from us already: "Customer", "Closed won", not "Former customer"."""
    words = re.sub(r"[\W_]+", " ", value)
    return bool(_CUSTOMER.search(words)) and not _NONE.search(words)
