"""All signals of an export in compact arrays, grouped by lead and sorted by time.

Millions of signals stay a few dozen bytes each: lead, kind and channel are codes, texts stay in Arrow until a contact
asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tinyscout.leads.cells import Coded, chunked, read_strings
from tinyscout.leads.field_map import FieldMap
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.sources import BadRow, open_source
from tinyscout.leads.times import EXPECTED, Times, read_times

_NEEDED = ("lead_id", "at", "kind")
NO_KIND = "(none)"
# What became of a signal, the better fate the higher: it is kept if any contact of its lead keeps it.
UNKNOWN_LEAD, AFTER, SAME_DAY, KEPT = 0, 1, 2, 3
FATES = {
    UNKNOWN_LEAD: "lead_id not among the leads",
    AFTER: "at or after contact",
    SAME_DAY: "on the day of contact, clock time unknown",
}


@dataclass(frozen=True)
class SignalLog:
    """S signals of U leads. Those of leads[u] are rows starts[u]:starts[u+1], oldest first.

    at (S,) int64 microseconds; date_only (S,) bool; kind, channel (S,) codes into their categories, -1 none;
    text (S,) Arrow strings or None; file, line (S,) where each came from; fate (S,) uint8, filled in by as_of.
    """

    leads: pd.Index
    starts: np.ndarray
    at: np.ndarray
    date_only: np.ndarray
    kind: np.ndarray
    kinds: pd.Index
    channel: np.ndarray | None
    channels: pd.Index
    text: pa.ChunkedArray | None
    file: np.ndarray
    line: np.ndarray
    fate: np.ndarray

    def __len__(self) -> int:
        return len(self.at)

    def codes_of(self, lead_ids: np.ndarray) -> np.ndarray:
        """(N,) positions of lead ids in `leads`, -1 where a lead has no signal."""
        return self.leads.get_indexer(pd.Index(lead_ids, dtype=object))

    def frame(self, places: np.ndarray) -> pd.DataFrame:
        """The signals at some places, with the columns of LeadTables.signals but row and age_hours."""
        columns: dict[str, object] = {
            "at": pd.Series(self.at[places].view("datetime64[us]")).dt.tz_localize("UTC"),
            "kind": pd.Categorical.from_codes(self.kind[places], categories=self.kinds),
        }
        if self.channel is not None:
            columns["channel"] = pd.Categorical.from_codes(self.channel[places], categories=self.channels)
        if self.text is not None:
            columns["text"] = pd.Series(self.text.take(pa.array(places)).to_pandas(), dtype="str")
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
    """Columns of the batches read so far."""

    lead: list[pa.DictionaryArray] = field(default_factory=list)
    kind: list[pa.DictionaryArray] = field(default_factory=list)
    channel: list[pa.DictionaryArray] = field(default_factory=list)
    signal_id: list[pa.DictionaryArray] = field(default_factory=list)
    text: list[pa.Array] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)
    file: list[np.ndarray] = field(default_factory=list)
    line: list[np.ndarray] = field(default_factory=list)
    has: set[str] = field(default_factory=set)


def read_log(paths: Sequence[Path], field_map: FieldMap, ledger: Ledger, *, progress=None) -> SignalLog:
    """Read all signals files. Raises InputError for a missing role, or a bad row unless the ledger skips them."""
    pieces = _Pieces()
    for number, path in enumerate(paths):
        source = open_source(path)
        file = ledger.open(source)
        names = field_map.find("signals", source.columns, str(path), _NEEDED)
        for batch in source.batches([*names.values()]):
            if progress:
                progress("reading signals", int(100 * (number + batch.done) / len(paths)), 100)
            ledger.read["signals"] += len(batch.lines) + len(batch.bad) + len(batch.empty)
            ledger.refuse("signals", file, batch.bad)
            empty = np.array(batch.empty, np.int64)
            ledger.drop("signals", "empty row", np.full(len(empty), file), empty, [""] * len(empty))
            columns = {role: chunked(batch.table.column(name)) for role, name in names.items()}
            times = read_times(columns["at"], field_map.missing, field_map.date_formats)
            _refuse_bad_times(columns, names, times, file, batch.lines, ledger)
            _append(pieces, columns, times, np.full(len(batch.lines), file, np.int16), batch.lines)
    return _group(pieces, field_map, ledger)


def _refuse_bad_times(columns, names: dict[str, str], times: Times, file: int, lines: np.ndarray, ledger: Ledger):
    bad = []
    for row in np.flatnonzero(times.bad | times.missing).tolist():
        text = " ".join(str(columns["at"][row].as_py() or "").split())[:40]
        detail = f'{names["at"]} is "{text}", which is no date; expected {EXPECTED}'
        bad.append(BadRow(int(lines[row]), "bad date", detail, str(columns["lead_id"][row].as_py() or "")))
    ledger.refuse("signals", file, bad)


def _append(pieces: _Pieces, columns, times: Times, file: np.ndarray, lines: np.ndarray) -> None:
    good = np.flatnonzero(~(times.bad | times.missing))
    if len(good) < len(lines):
        index = pa.array(good)
        columns = {role: column.take(index) for role, column in columns.items()}
        times, file, lines = times.take(good), file[good], lines[good]
    nothing = pa.chunked_array([pa.nulls(len(lines), pa.large_string())])
    pieces.has.update(columns)
    pieces.lead.extend(_dictionary(columns["lead_id"]))
    pieces.kind.extend(_dictionary(columns["kind"]))
    pieces.channel.extend(_dictionary(columns.get("channel", nothing)))
    pieces.signal_id.extend(_dictionary(columns.get("signal_id", nothing)))
    pieces.text.extend(_text(columns.get("text", nothing)).chunks)
    pieces.times.append(times)
    pieces.file.append(file)
    pieces.line.append(lines)


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


def _group(pieces: _Pieces, field_map: FieldMap, ledger: Ledger) -> SignalLog:
    """Sort the signals by lead and time; drop rows without a lead_id, and repeats of a signal_id."""
    lead = read_strings(pa.chunked_array(pieces.lead), field_map.missing)
    pieces.lead.clear()
    times = Times(*(np.concatenate([getattr(piece, name) for piece in pieces.times]) for name in ("us", "date_only", "bad")))
    times = times.settled()
    file, line = np.concatenate(pieces.file), np.concatenate(pieces.line)
    keep = _drop_bad(lead, pieces, field_map, file, line, ledger)

    order = np.lexsort((times.us, lead.codes)) if keep is None else keep[np.lexsort((times.us[keep], lead.codes[keep]))]
    codes = lead.codes[order]
    kind = _categories(pieces.kind, field_map, fill=NO_KIND)
    channel = _categories(pieces.channel, field_map) if "channel" in pieces.has else None
    text = pa.chunked_array(pieces.text).take(pa.array(order)) if "text" in pieces.has else None
    return SignalLog(
        leads=pd.Index(lead.values, dtype=object),
        starts=np.searchsorted(codes, np.arange(len(lead.values) + 1)).astype(np.int64),
        at=times.us[order],
        date_only=times.date_only[order],
        kind=_small(kind)[order],
        kinds=pd.Index(kind.values.astype(str), dtype="str"),
        channel=None if channel is None else _small(channel)[order],
        channels=pd.Index([] if channel is None else channel.values.astype(str), dtype="str"),
        text=text,
        file=file[order],
        line=line[order],
        fate=np.zeros(len(order), np.uint8),
    )


def _drop_bad(
    lead: Coded, pieces: _Pieces, field_map: FieldMap, file: np.ndarray, line: np.ndarray, ledger: Ledger
) -> np.ndarray | None:
    """Places of the signals to keep, None for all."""
    keep = np.ones(len(line), bool)
    if lead.missing.any():
        for number in np.unique(file[lead.missing]).tolist():
            rows = line[lead.missing & (file == number)].tolist()
            ledger.refuse("signals", number, [BadRow(row, "missing lead_id", "has no lead_id") for row in rows])
        keep &= ~lead.missing
    if "signal_id" in pieces.has:
        ids = read_strings(pa.chunked_array(pieces.signal_id), field_map.missing)
        again = pd.Series(ids.codes).duplicated().to_numpy() & ~ids.missing & keep
        ledger.drop("signals", "repeated signal_id", file[again], line[again], lead.strings()[again].tolist())
        keep &= ~again
    return None if keep.all() else np.flatnonzero(keep)


def _categories(chunks: list[pa.DictionaryArray], field_map: FieldMap, fill: str | None = None) -> Coded:
    coded = read_strings(pa.chunked_array(chunks), field_map.missing)
    chunks.clear()
    if fill is not None and coded.missing.any():
        return Coded(np.where(coded.missing, len(coded.values), coded.codes), np.append(coded.values, [fill]))
    return coded


def _small(coded: Coded) -> np.ndarray:
    return coded.codes.astype(np.int16 if len(coded.values) < 2**15 else np.int32)
