"""Profile columns: typed once for a fit, read by those types ever after, and dated no later than the contact."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.as_of import after_contact
from tinyscout.leads.cells import dot_sets_off_thousands, parse_numbers
from tinyscout.leads.column_types import convert, infer
from tinyscout.leads.field_map import FieldMap, normal
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.schema import ColumnType
from tinyscout.leads.times import NONE, Times, read_times, shown, to_series

AFTER_CONTACT = "after contact"  # why a date was read as missing


def type_columns(profile: pa.Table, field_map: FieldMap) -> dict[str, ColumnType]:
    """The type of each profile column: as the field map says, else as its cells do."""
    named: dict[str, ColumnType] = {normal(column): kind for column, kind in field_map.types.items()}
    types: dict[str, ColumnType] = {}
    for name in profile.column_names:
        given = named.get(normal(name))
        types[name] = given or infer(profile.column(name), name, field_map.missing, field_map.date_formats)
    return types


def dot_thousands(profile: pa.Table, types: Mapping[str, ColumnType], field_map: FieldMap) -> dict[str, str]:
    """The number columns whose dot sets off thousands, with a value that shows it."""
    numbers = [name for name, kind in types.items() if kind == "number"]
    found = {name: dot_sets_off_thousands(profile.column(name), field_map.missing) for name in numbers}
    return {name: value for name, value in found.items() if value is not None}


def read_profile(
    profile: pa.Table,
    types: Mapping[str, ColumnType],
    grouped: Mapping[str, str],
    contacted: Times,
    label: np.ndarray,
    field_map: FieldMap,
    ledger: Ledger,
) -> dict[str, pd.Series]:
    """The profile columns as their types, missing ones as all missing; dates after contact are made missing.

    grouped: columns whose dot sets off thousands, as dot_thousands found them; the account says so.
    contacted, label (N,) belong to the same rows; the label only serves to count how dates after contact go with it.
    """
    size = len(label)
    columns = {}
    for name, kind in types.items():
        column = profile.column(name) if name in profile.column_names else pa.nulls(size, pa.large_string())
        if kind == "date":
            columns[name] = _read_dates(name, column, contacted, label, field_map, ledger)
            continue
        if name in grouped:
            number = parse_numbers(np.array([grouped[name]]), dot_groups=True)[0]
            ledger.notes[f"{name}: a dot sets off thousands"] = f'"{grouped[name]}" is read as {number:.15g}'
        read = convert(column, kind, field_map.missing, dot_groups=name in grouped)
        ledger.missing(name, f"not readable as a {kind}", read.unreadable)
        ledger.missing(name, "not finite", read.not_finite)
        columns[name] = read.values
    return columns


def _read_dates(
    name: str, column, contacted: Times, label: np.ndarray, field_map: FieldMap, ledger: Ledger
) -> pd.Series:
    times = read_times(column, field_map.missing, field_map.date_formats).settled()
    ledger.missing(name, "not readable as a date", int(times.bad.sum()))
    later = after_contact(times, contacted)
    if later.any():
        ledger.missing(name, AFTER_CONTACT, int(later.sum()))
        counts = ledger.notes.setdefault(AFTER_CONTACT, {}).setdefault(name, {"rows": 0, "filled": 0, "replied": 0})
        counts["rows"] += int(later.sum())
        counts["filled"] += int((~times.missing).sum())
        counts["replied"] += int((label[later] == 1).sum())
        for row in np.flatnonzero(later)[:5].tolist() if ledger.wants_example(f"{name} {AFTER_CONTACT}") else ():
            ledger.example(
                f"{name} {AFTER_CONTACT}",
                {"contacted_at": shown(contacted, row), name: shown(times, row)},
            )
    return to_series(np.where(later, NONE, times.us))
