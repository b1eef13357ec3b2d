"""Parquet: typed columns, read one slab of rows at a time; strings that Parquet keeps as a dictionary stay one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tinyscout.errors import InputError
from tinyscout.leads.sources import Batch

_ROWS = 250_000
_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name: where a row stood, no feature


class ParquetSource:
    """A Parquet file; lists, structures, bytes and a nameless pandas index are not offered: no role or type fits."""

    unit = "row"

    def __init__(self, path: Path):
        self.path = path
        try:
            schema = pq.read_schema(path)
            self.rows = pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        self.ignored = [column.name for column in schema if _is_opaque(column.type) or _INDEX.fullmatch(column.name)]
        self.columns = [column.name for column in schema if column.name not in self.ignored]
        self._text = [column.name for column in schema if _is_string(column.type)]
        if self.rows == 0:
            raise InputError(f"{path}: has columns and no rows; needs at least one row")
        repeated = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if repeated:
            raise InputError(f"{path}: has two columns called {repeated[0]}; rename one")

    def describe(self) -> dict[str, Any]:
        return {"path": str(self.path), "format": "parquet", "rows": self.rows, "ignored": self.ignored}

    def batches(self, columns: Sequence[str] | None = None, rows: int | None = None) -> Iterator[Batch]:
        """Batches of at most `rows` rows with the columns asked for, in the types of the file.

        Raises InputError when the data is cut off or damaged.
        """
        columns = self.columns if columns is None else list(columns)
        start = 0
        try:
            with pq.ParquetFile(self.path, read_dictionary=[name for name in columns if name in self._text]) as file:
                for record in file.iter_batches(batch_size=rows or _ROWS, columns=columns, use_threads=True):
                    lines = np.arange(start + 1, start + 1 + record.num_rows, dtype=np.int64)
                    start += record.num_rows
                    table = _plain(pa.Table.from_batches([record]).select(columns))
                    yield Batch(table, lines, done=start / self.rows)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f"{self.path}: is a damaged or cut-off Parquet file ({' '.join(str(error).split())[:120]}); write it again"
        )


def _is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _plain(table: pa.Table) -> pa.Table:
    """String views as strings: Arrow can't take rows of a view."""
    for place, column in enumerate(table.schema):
        if pa.types.is_string_view(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(pa.large_string()))
    return table


def _is_opaque(kind: pa.DataType) -> bool:
    is_bytes = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return pa.types.is_nested(kind) or any(is_one(kind) for is_one in is_bytes)
