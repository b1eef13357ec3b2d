"""All signals of an export in compact arrays, grouped by lead and sorted by time.

Millions of signals stay a few dozen bytes each: lead, kind and channel are codes, texts stay in Arrow until a contact
asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import Coded, chunked, pc, read_strings
from tinyscout.leads.directions import ROLES, directed
from tinyscout.leads.field_map import FieldMap
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.sources import BadRow, open_source
from tinyscout.leads.times import Times, expected, read_times

_NEEDED = ("lead_id", "at", "kind")
_AS_CODES = ("lead_id", "kind", "channel", "signal_id", *ROLES)
_UNIFY_ROWS = 1_000_000
NO_KIND = "(none)"
_CODED = pa.dictionary(pa.int32(), pa.large_string())
# What became of a signal, the better fate the higher: it is kept if any contact of its lead keeps it.
UNKNOWN_LEAD, AFTER, SAME_DAY, KEPT = 0, 1, 2, 3
FATES = {
    UNKNOWN_LEAD: "lead_id not among the leads kept",
    AFTER: "at or after contact",
    SAME_DAY: "on the day of contact, clock time unknown",
}


@dataclass(frozen=True)
class SignalLog:
    """S signals of U leads. Those of leads[u] are rows starts[u]:starts[u+1], oldest first.

    at (S,) int64 microseconds; date_only (S,) bool; kind, channel (S,) codes into their categories, -1 none; text Arrow
    strings in the order they were read, or None, and row (S,) where in it each signal is; file, line (S,) where each
    came from; fate (S,) uint8, filled in by as_of. undated: lead id, kind and text of those left out for their date.
    """

    leads: pd.Index
    starts: np.ndarray
    at: np.ndarray
    date_only: np.ndarray
    kind: np.ndarray
    kinds: pd.CategoricalDtype
    channel: np.ndarray | None
    channels: pd.CategoricalDtype
    text: pa.ChunkedArray | None
    row: np.ndarray
    file: np.ndarray
    line: np.ndarray
    fate: np.ndarray
    undated: tuple[tuple[str, str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.at)

    def codes_of(self, lead_ids: np.ndarray) -> np.ndarray:
        """(N,) positions of lead ids in `leads`, -1 where a lead has no signal."""
        return self.leads.get_indexer(pd.Index(lead_ids, dtype=object))

    def frame(self, places: np.ndarray) -> pd.DataFrame:
        """The signals at some places, with the columns of LeadTables.signals but row and age_hours."""
        columns: dict[str, object] = {
            "at": pd.Series(self.at[places].view("datetime64[us]")).dt.tz_localize("UTC"),
            "kind": pd.Categorical.from_codes(self.kind[places], dtype=self.kinds, validate=False),
        }
        if self.channel is not None:
            channel = self.channel[places]
            columns["channel"] = pd.Categorical.from_codes(channel, dtype=self.channels, validate=False)
        if self.text is not None:
            text = self.text.take(pa.array(self.row[places]))
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)
            columns["text"] = pd.Series(text.to_pandas(), dtype="str")
        return pd.DataFrame(columns)

    def lead_of(self, places: np.ndarray) -> np.ndarray:
        """(P,) lead ids of the signals at some places."""
        return self.leads.to_numpy()[np.searchsorted(self.starts, places, side="right") - 1]

    def settle(self, ledger: Ledger) -> None:
        """Book every signal as kept or dropped by its fate; to be called once, after the last contact was served."""
        ledger.kept["signals"] += int((self.fate == KEPT).sum())
        for fate, reason in FATES.items():
            places = np.flatnonzero(self.fate == fate)
            names = self.lead_of(places).tolist() if ledger.listing and len(places) else [""] * len(places)
            ledger.drop("signals", reason, self.file[places], self.line[places], names)


@dataclass
class _Pieces:
    """Columns of the batches read so far; coded holds those kept as dictionaries, for the roles the export has."""

    coded: dict[str, list[pa.DictionaryArray]]
    has_text: bool
    text: list[pa.Array] = field(default_factory=list)
    at: list[np.ndarray] = field(default_factory=list)
    date_only: list[np.ndarray] = field(default_factory=list)
    file: list[np.ndarray] = field(default_factory=list)
    line: list[np.ndarray] = field(default_factory=list)
    fresh: int = 0  # rows since the lead dictionaries were last unified


def read_log(
    paths: Sequence[Path],
    field_map: FieldMap,
    ledger: Ledger,
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> SignalLog:
    """Read all signals files. Raises InputError for a missing role, or a bad row unless the ledger skips them."""
    sources = [open_source(path) for path in paths]
    roles = [field_map.find("signals", source.columns, str(source.path), _NEEDED) for source in sources]
    has = {role for names in roles for role in names}
    pieces = _Pieces({role: [] for role in _AS_CODES if role in has}, "text" in has)
    texts = [field_map.find_texts(source.columns) for source in sources]
    if any(len(there) > 1 for there in texts):
        ledger.notes["texts of signals are read from"] = ", ".join(dict.fromkeys(name for t in texts for name in t))
    told = dict.fromkeys(names[role] for names in roles for role in ROLES if role in names)
    if told:
        ledger.notes["whose message a signal is, is read from"] = ", ".join(told)
    several, undated = 0, []
    for number, (source, names, parts) in enumerate(zip(sources, roles, texts, strict=True)):
        file = ledger.open(source)
        for batch in source.batches([*dict.fromkeys([*names.values(), *parts])]):
            if progress:
                progress("reading signals", int(100 * (number + batch.done) / len(paths)), 100)
            ledger.read["signals"] += len(batch.lines) + len(batch.bad) + len(batch.empty)
            ledger.refuse("signals", file, batch.bad)
            empty = np.array(batch.empty, np.int64)
            ledger.drop("signals", "empty row", np.full(len(empty), file), empty, [""] * len(empty))
            columns = {role: chunked(batch.table.column(name)) for role, name in names.items()}
            if len(parts) > 1:
                columns["text"] = _joined([_text(chunked(batch.table.column(part))) for part in parts])
            columns, of_row = _for_each_lead(columns)
            ledger.read["signals"] += len(of_row) - len(batch.lines)
            several += len(of_row) - len(batch.lines)
            lines = batch.lines[of_row]
            times = read_times(columns["at"], field_map.missing, field_map.date_formats)
            good = _refuse_bad_times(columns, names, times, field_map, file, lines, ledger)
            if len(good) < len(lines):
                undated += _told(columns, np.setdiff1d(np.arange(len(lines)), good))
            _append(pieces, columns, times, file, lines, good)
    if several:
        ledger.notes["signals of several leads"] = (
            f"lead ids that stand in one cell, with ; between them, are read as a signal of each ({several:,} more)"
        )
    return replace(_group(pieces, field_map, ledger), undated=tuple(undated))


def _told(columns: dict[str, pa.ChunkedArray], rows: np.ndarray) -> list[tuple[str, str, str]]:
    """Lead id, kind and text of some rows."""
    cells = [columns[role].take(pa.array(rows)) if role in columns else () for role in ("lead_id", "kind", "text")]
    lead_id, kind, text = ([str(each.as_py() or "").strip() for each in column] for column in cells)
    return list(zip(lead_id, kind, text or [""] * len(rows), strict=True))


def _for_each_lead(columns: dict[str, pa.ChunkedArray]) -> tuple[dict[str, pa.ChunkedArray], np.ndarray]:
    """The columns with each row of several leads ("12;34", as HubSpot writes it) once for each, and whose each is."""
    chunks = _dictionary(columns["lead_id"])
    if not any(pc.any(pc.match_substring(chunk.dictionary, ";")).as_py() for chunk in chunks if len(chunk.dictionary)):
        return columns, np.arange(len(columns["lead_id"]))
    cells = pd.Series(pa.chunked_array(chunks).cast(pa.large_string()).to_pylist(), dtype=object)
    ids = [list(dict.fromkeys(filter(None, map(str.strip, (cell or "").split(";"))))) or [None] for cell in cells]
    row = np.repeat(np.arange(len(ids)), [len(each) for each in ids])
    columns = {role: column.take(pa.array(row)) for role, column in columns.items()}
    each = pa.array([one for some in ids for one in some], pa.large_string())
    return {**columns, "lead_id": pa.chunked_array([each])}, row


def _refuse_bad_times(
    columns: dict[str, pa.ChunkedArray],
    names: dict[str, str],
    times: Times,
    field_map: FieldMap,
    file: int,
    lines: np.ndarray,
    ledger: Ledger,
) -> np.ndarray:
    """Places of the rows whose moment can be read; the others are refused or dropped."""
    wrong = times.bad | times.missing
    bad = []
    for row in np.flatnonzero(wrong).tolist():
        text = " ".join(str(columns["at"][row].as_py() or "").split())[:40]
        detail = f'{names["at"]} is "{text}", which is no date; expected {expected(field_map.date_formats)}'
        bad.append(BadRow(int(lines[row]), "bad date", detail, str(columns["lead_id"][row].as_py() or "")))
    ledger.refuse("signals", file, bad)
    return np.flatnonzero(~wrong)


def _append(
    pieces: _Pieces,
    columns: dict[str, pa.ChunkedArray],
    times: Times,
    file: int,
    lines: np.ndarray,
    good: np.ndarray,
) -> None:
    if len(good) < len(lines):
        index = pa.array(good)
        columns = {role: column.take(index) for role, column in columns.items()}
        times, lines = times.take(good), lines[good]
    nothing = pa.chunked_array([pa.nulls(len(lines), pa.large_string())])
    for role, chunks in pieces.coded.items():
        chunks.extend(_dictionary(columns.get(role, nothing)))
    if pieces.has_text:
        pieces.text.extend(_text(columns.get("text", nothing)).chunks)
    pieces.at.append(times.us)
    pieces.date_only.append(times.date_only)
    pieces.file.append(np.full(len(lines), file, np.int16))
    pieces.line.append(lines.astype(np.int32 if len(lines) == 0 or lines[-1] < 2**31 else np.int64))
    pieces.fresh += len(lines)
    if pieces.fresh >= _UNIFY_ROWS:  # every batch brings a dictionary of its own: keep one
        pieces.coded["lead_id"] = _unify(pieces.coded["lead_id"])
        pieces.fresh = 0


def _unify(chunks: list[pa.DictionaryArray]) -> list[pa.DictionaryArray]:
    array = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
    return array.chunks if isinstance(array, pa.ChunkedArray) else [array]


def _dictionary(column: pa.ChunkedArray) -> list[pa.DictionaryArray]:
    """Chunks of a column as int32 codes into large strings, whatever its type."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = []
    for chunk in column.chunks:
        values = chunk.dictionary
        if not pa.types.is_large_string(values.type):
            values = pc.cast(values, pa.large_string(), safe=False)
        chunks.append(pa.DictionaryArray.from_arrays(pc.cast(chunk.indices, pa.int32()), values))
    return chunks


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return column.cast(kind).cast(pa.large_string())


def _joined(parts: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """The texts of several columns, one below the other; an empty cell has no line."""
    whole, nothing = None, pa.scalar(None, pa.large_string())
    for part in parts:
        part = pc.if_else(pc.equal(pc.utf8_trim_whitespace(part), ""), nothing, part)
        both = part if whole is None else pc.binary_join_element_wise(whole, part, pa.scalar("\n", pa.large_string()))
        whole = part if whole is None else pc.coalesce(both, whole, part)
    return chunked(whole)


def _group(pieces: _Pieces, field_map: FieldMap, ledger: Ledger) -> SignalLog:
    """Sort the signals by lead and time; drop rows without a lead_id, and repeats of a signal_id."""

    def coded(role: str) -> Coded:
        return read_strings(pa.chunked_array(pieces.coded.pop(role), _CODED), field_map.missing)

    def joined(parts: list[np.ndarray]) -> np.ndarray:
        whole = np.concatenate(parts)
        parts.clear()
        return whole

    lead = coded("lead_id")
    at, date_only, file, line = (joined(part) for part in (pieces.at, pieces.date_only, pieces.file, pieces.line))
    date_only = Times(at, date_only, date_only).settled().date_only
    keep = _keep(lead, coded("signal_id") if "signal_id" in pieces.coded else None, file, line, ledger)
    order = np.lexsort((at, lead.codes))
    if not keep.all():
        order = order[keep[order]]
    # where no row was good there is no lead: one without signals stands in, so that looking up starts[0:2] is safe
    starts = np.searchsorted(lead.codes[order], np.arange(max(len(lead.values), 1) + 1)).astype(np.int64)
    leads = pd.Index(lead.values, dtype=object)
    del lead, keep

    kind = coded("kind")
    for role in ROLES:
        if role in pieces.coded:
            kind = directed(kind, coded(role))
    if kind.missing.any():
        kind = Coded(np.where(kind.missing, len(kind.values), kind.codes), np.append(kind.values, [NO_KIND]))
    kinds, kind_codes = _dtype(kind.values), _small(kind)[order]
    channel = coded("channel") if "channel" in pieces.coded else None
    return SignalLog(
        leads=leads,
        starts=starts,
        at=at[order],
        date_only=date_only[order],
        kind=kind_codes,
        kinds=kinds,
        channel=None if channel is None else _small(channel)[order],
        channels=_dtype([] if channel is None else channel.values),
        text=pa.chunked_array(pieces.text, pa.large_string()) if pieces.has_text else None,
        row=order.astype(np.int32 if len(at) < 2**31 else np.int64),
        file=file[order],
        line=line[order],
        fate=np.zeros(len(order), np.uint8),
    )


def _keep(lead: Coded, signal_id: Coded | None, file: np.ndarray, line: np.ndarray, ledger: Ledger) -> np.ndarray:
    """(S,) bool: the signal names its lead and is no repeat; the others are refused or dropped."""
    keep = ~lead.missing
    for number in np.unique(file[~keep]).tolist():
        rows = line[~keep & (file == number)].tolist()
        ledger.refuse("signals", number, [BadRow(row, "missing lead_id", "has no lead_id") for row in rows])
    if signal_id is not None:
        both = pd.DataFrame({"signal": signal_id.codes, "lead": lead.codes})  # a signal of two leads is one of each
        again = both.duplicated().to_numpy() & ~signal_id.missing & keep
        ledger.drop("signals", "repeated signal_id", file[again], line[again], lead.strings()[again].tolist())
        keep = keep & ~again
    return keep


def _dtype(values) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(pd.Index(list(values), dtype="str"))


def _small(coded: Coded) -> np.ndarray:
    return coded.codes.astype(np.int16 if len(coded.values) < 2**15 else np.int32)
