"""Rows that repeat another: the same row given twice, or a contact number that comes again.

Rows alike in every cell that is read are one row. A lead_id that comes again in a different row is another contact of
that lead, unless the export numbers its contacts and repeats the number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from pandas import util

from tinyscout.leads.cells import is_numeric, pc, read_strings
from tinyscout.leads.lead_rows import Contacts, RawLeads
from tinyscout.leads.ledger import Ledger

_hash: Any = util.hash_array  # 64-bit, the same in every process


@dataclass
class Repeats:
    """What was seen in earlier rows, as 64-bit hashes: two different rows of 1e6 collide with probability 3e-8."""

    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    contacts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    numbers: dict[str, int] = field(default_factory=dict)  # lead_id -> contacts so far


def drop_repeats(raw: RawLeads, contacts: Contacts, repeats: Repeats, ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """Rows to keep (M,) and their contact_id (M,) objects; the first of equal rows stays.

    Without a contact_id, a lead's first contact is called by its lead_id and the n-th by "lead_id#n", in row order.
    """
    keep = np.ones(len(raw), bool)
    if "lead_id" in raw.roles:
        hashes = _row_hashes(raw)
        keep = _first_seen(hashes, repeats.rows)
        repeats.rows = np.sort(np.concatenate([repeats.rows, hashes[keep]]))
        _drop(raw, contacts, ~keep, "duplicate row", ledger)
    if contacts.contact_id is not None:
        hashes = _hash(contacts.contact_id)
        first = np.zeros(len(raw), bool)
        first[keep] = _first_seen(hashes[keep], repeats.contacts)
        _drop(raw, contacts, keep & ~first, "repeated contact_id", ledger)
        repeats.contacts = np.sort(np.concatenate([repeats.contacts, hashes[first]]))
        return np.flatnonzero(first), contacts.contact_id[first]
    rows = np.flatnonzero(keep)
    return rows, _numbered(contacts.lead_id[rows], repeats.numbers)


def _numbered(lead_ids: np.ndarray, numbers: dict[str, int]) -> np.ndarray:
    names = []
    for lead_id in lead_ids.tolist():
        count = numbers.get(lead_id, 0) + 1
        name = lead_id if count == 1 else f"{lead_id}#{count}"
        while count > 1 and name in numbers:  # a lead of that very name
            name += "#"
        numbers[lead_id] = count
        if count > 1:
            numbers[name] = 1
        names.append(name)
    return np.array(names, dtype=object)


def _first_seen(hashes: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(N,) bool: no earlier row, here or in `before` (sorted), has this hash."""
    order = np.argsort(hashes, kind="stable")
    arranged = hashes[order]
    result = np.zeros(len(hashes), bool)
    result[order] = np.append(True, arranged[1:] != arranged[:-1])[: len(hashes)]
    return result & ~_among(hashes, before)


def _among(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) bool: the hash is one of `known`, which is sorted."""
    if len(known) == 0:
        return np.zeros(len(hashes), bool)
    return known[np.minimum(np.searchsorted(known, hashes), len(known) - 1)] == hashes


def _row_hashes(raw: RawLeads) -> np.ndarray:
    """(N,) uint64 over all cells of a row."""
    total = np.zeros(len(raw), np.uint64)
    for number, column in enumerate([*raw.roles.values(), *raw.profile.columns, *raw.consent.columns]):
        total = total * np.uint64(0x100000001B3) + (_cell_hashes(column) ^ np.uint64(number))
        total ^= total >> np.uint64(29)
    return total


def _cell_hashes(column: pa.ChunkedArray) -> np.ndarray:
    """(N,) uint64"""
    if is_numeric(column.type) and not pa.types.is_decimal(column.type):
        numbers = np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)
        bits = numbers.view(np.uint64)
        if pa.types.is_integer(column.type) and (np.abs(numbers) >= 2**53).any():
            # subtle: ids and nanoseconds this long round to one float; shorter ones hash as the equal float does
            whole = np.asarray(pc.fill_null(column, 0).to_numpy()).astype(np.uint64)
            bits = np.where(np.abs(numbers) >= 2**53, whole, bits)
        return bits * np.uint64(0x9E3779B97F4A7C15)
    coded = read_strings(column, (), tidy=False)
    return np.append(_hash(coded.values), np.uint64(0x9E3779B97F4A7C15))[coded.codes]


def _drop(raw: RawLeads, contacts: Contacts, rows: np.ndarray, reason: str, ledger: Ledger) -> None:
    ledger.drop("leads", reason, raw.file[rows], raw.line[rows], contacts.lead_id[rows].tolist())
