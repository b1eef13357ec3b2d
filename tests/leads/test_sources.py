"""Files: every format, encoding and delimiter gives the same rows, and every broken file gives one clear line."""

import gzip
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.leads.csv_source import CsvSource
from tinyscout.leads.sources import open_source

HEADER = ["lead_id", "city", "note"]
ROWS = [["1", "K\u00f6ln", 'said "yes", twice'], ["2", "Paris", "two\nlines"], ["3", "Oslo", ""]]


def quoted(rows: list[list[str]], delimiter: str, end: str = "\n") -> str:
    return "".join(delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) + end for row in rows)


def read(path: Path, **options) -> tuple[list[list[str]], list[int]]:
    source = open_source(path)
    batches = list(source.batches(**options))
    table = pa.concat_tables([batch.table for batch in batches])
    rows = [list(row.values()) for row in table.to_pylist()]
    return [list(source.columns), *rows], [int(line) for batch in batches for line in batch.lines]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_and_delimiter_gives_the_same_rows(tmp_path, encoding, delimiter, end):
    path = tmp_path / "leads.csv"
    path.write_bytes(quoted([HEADER, *ROWS], delimiter, end).encode(encoding))
    rows, lines = read(path)
    assert rows == [HEADER, *ROWS]
    assert lines == [2, 3, 5]  # row 2 spans two lines


def test_gzip_is_told_by_its_bytes_and_not_by_its_name(tmp_path):
    path = tmp_path / "leads.txt"
    path.write_bytes(gzip.compress(quoted([HEADER, *ROWS], ",").encode()))
    assert read(path)[0] == [HEADER, *ROWS]


def test_latin_1_where_windows_1252_has_no_such_byte(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n\x81\xe9,1\n")
    source = CsvSource(path)
    assert source.encoding == "latin-1"
    assert next(iter(source.batches())).table.column("a").to_pylist() == ["\x81\xe9"]


def test_an_encoding_is_found_even_when_the_first_odd_byte_comes_late(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"x,1\n" * 400_000 + "K\u00f6ln,2\n".encode("cp1252"))
    source = CsvSource(path)
    last = list(source.batches())[-1].table.column("a").to_pylist()[-1]
    assert (source.encoding, last) == ("cp1252", "K\u00f6ln")


def test_excels_own_mark_names_the_delimiter_and_shifts_the_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sep=;\na;b,c\n1;2\n", encoding="utf-8")
    assert read(path) == ([["a", "b,c"], ["1", "2"]], [3])


def test_blank_lines_are_skipped_and_counted_in_line_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\na,b\n\n1,2\n\n\n3,4", encoding="utf-8")
    assert read(path) == ([["a", "b"], ["1", "2"], ["3", "4"]], [4, 7])


def test_ragged_and_empty_rows_are_named_by_the_line_they_start_on(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"x\ny",1\nonly\n1,2,3\n1,2,,\n,\n', encoding="utf-8")
    batches = list(CsvSource(path).batches())
    assert [(bad.line, bad.reason) for batch in batches for bad in batch.bad] == [(4, "ragged row"), (5, "ragged row")]
    assert [line for batch in batches for line in batch.empty] == [7]
    assert [int(line) for batch in batches for line in batch.lines] == [2, 6]  # trailing delimiters are no harm


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("a,b\n1,2\n", encoding="utf-8"), daemon=True)
    writer.start()
    with pytest.raises(InputError, match="is a pipe, which can't be read twice; save it to a file first"):
        open_source(pipe)
    writer.join(10)


def test_a_quote_left_open_that_swallows_rows_is_named_as_such(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"open\n2,x\n3,"y, z"\n4,w\n', encoding="utf-8")
    (bad,) = [bad for batch in CsvSource(path).batches() for bad in batch.bad]
    assert (bad.line, bad.reason) == (2, "ragged row")
    assert bad.detail == "has 3 cells, the header has 2; a cell of it goes over 3 lines: is a quote left open there?"


def test_headers_that_repeat_or_are_missing_get_names(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,a,,a\n1,2,3,4\n", encoding="utf-8")
    assert CsvSource(path).columns == ["a", "a (2)", "column 3", "a (3)"]


@given(st.lists(st.lists(st.text(alphabet='a,;"\n\r \t|\u00e9', max_size=6), min_size=2, max_size=2), min_size=1))
def test_what_is_written_quoted_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(quoted([["left", "right"], *rows], ",").encode())
    expected = [row for row in rows if any(row)]
    if not expected:
        return
    assert read(path)[0] == [["left", "right"], *expected]


def test_batches_of_any_size_give_the_same_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f'{i},"x\n{i}"\n' for i in range(50)), encoding="utf-8")
    assert read(path, rows=7) == read(path)
    assert read(path)[1] == [2 + 2 * i for i in range(50)]


def test_a_cell_of_ten_thousand_characters_is_fine(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1," + "word " * 40_000 + "\n", encoding="utf-8")
    assert len(read(path)[0][1][1]) == 200_000


def test_parquet_gives_typed_columns_and_row_numbers(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [[1], [2], [3]]}).to_parquet(path)
    source = open_source(path)
    batches = list(source.batches(rows=2))
    assert source.columns == ["a", "b"]  # lists fit no role or type
    assert [int(line) for batch in batches for line in batch.lines] == [1, 2, 3]
    assert pa.concat_tables([batch.table for batch in batches]).column("b").to_pylist() == ["x", None, "z"]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1)])
def test_columns_of_bytes_are_not_offered(tmp_path, kind):
    table = pa.table({"id": ["a", "b"], "bytes": pa.array([b"x", b"y"], kind)})
    pq.write_table(table, tmp_path / "bytes.parquet")
    source = open_source(tmp_path / "bytes.parquet")
    assert source.columns == ["id"] and source.describe()["ignored"] == ["bytes"]


def test_an_index_without_a_name_is_no_column(tmp_path):
    pd.DataFrame({"lead_id": ["a", "b"]}, index=[7, 3]).to_parquet(tmp_path / "indexed.parquet")
    assert open_source(tmp_path / "indexed.parquet").columns == ["lead_id"]


def test_string_views_are_read_as_strings(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": pa.array(["x", None], pa.string_view())}), path)
    (batch,) = open_source(path).batches()
    assert batch.table.column("a").take(pa.array([1, 0])).to_pylist() == [None, "x"]


BROKEN = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n  \n", "is empty"),
    "header only": (b"a,b\n", "has a header and no rows"),
    "header only, no line end": (b"a,b", "has a header and no rows"),
    "nul": (b"a,b\n1,\x00\x01\x02\n", "is binary"),
    "random": (bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)), "is binary"),
    "control": (b"a,b\n" + bytes(range(1, 9)) * 50, "is binary"),
    "excel": (b"PK\x03\x04" + b"\x00" * 50, "Excel workbook"),
    "pdf": (b"%PDF-1.7 ...", "PDF"),
    "half of utf-16": (("a,b\n1,2\n".encode("utf-16"))[:-1], "not valid utf-16"),
    "gzip cut off": (gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-10], "cut off or damaged"),
    "open quote": (b'a,b\n1,2\n3,"never closed\n4,5\n', "line 3: a quote is opened here and never closed"),
    "parquet cut off": (b"PAR1" + b"\x15\x04" * 40, "damaged or cut-off Parquet"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gives_one_clear_line(tmp_path, name):
    content, said = BROKEN[name]
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        for batch in open_source(path).batches():
            for bad in batch.bad:
                pytest.fail(f"read as a row: {bad}")
    message = str(caught.value)
    assert said in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_parquet_cut_off_in_the_middle_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"a": np.arange(10_000)}).to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged or cut-off Parquet"):
        open_source(path)


def test_parquet_with_damaged_pages_is_refused_while_reading(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"a": np.random.default_rng(0).random(10_000)}).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut-off Parquet"):
        list(open_source(path).batches())


def test_folders_and_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        open_source(tmp_path / "nothing.csv")
