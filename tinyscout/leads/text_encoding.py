"""Which encoding a text file is in, found by reading all of it once before any row is believed.

UTF-8 if it is valid UTF-8; UTF-16 by its mark or its NUL pattern; else Windows-1252, or Latin-1 where that has no
such byte. What has NUL bytes or many control characters is no text.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tinyscout.errors import InputError

_BLOCK = 1 << 20
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b"))
_UNDEFINED_1252 = b"\x81\x8d\x8f\x90\x9d"


def open_bytes(path: Path) -> tuple[IO[bytes] | gzip.GzipFile, IO[bytes]]:
    """The file's bytes, unpacked if gzipped, and the raw file underneath, whose position tells the progress."""
    raw = path.open("rb")
    gzipped = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return (gzip.GzipFile(fileobj=raw), raw) if gzipped else (raw, raw)


def detect(path: Path) -> str:
    """The encoding of a whole text file, plain or gzipped.

    Raises InputError when it is binary, or gzip data that ends too early or is damaged.
    """
    stream, raw = open_bytes(path)
    utf8 = codecs.getincrementaldecoder("utf-8")()
    encoding, position, only_1252 = "", 0, True
    try:
        with raw, stream:
            while block := stream.read(_BLOCK):
                if position == 0:
                    encoding = _by_mark(block) or "utf-8"
                if encoding.startswith("utf-16"):
                    return _whole(stream, block, encoding, path)
                _refuse_binary(block, position, path)
                if encoding.startswith("utf-8"):
                    try:
                        utf8.decode(block)
                    except UnicodeDecodeError:
                        encoding = "cp1252"
                if only_1252 and any(byte in block for byte in _UNDEFINED_1252):
                    only_1252 = False
                position += len(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path}: the gzip data is cut off or damaged ({' '.join(str(error).split())}); copy the file again"
        ) from error
    if encoding.startswith("utf-8"):
        try:
            utf8.decode(b"", final=True)
        except UnicodeDecodeError:
            encoding = "cp1252"
    return "latin-1" if encoding == "cp1252" and not only_1252 else encoding


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[tuple[io.TextIOWrapper, IO[bytes]]]:
    """The file as text with its line ends untouched, and the raw file underneath."""
    stream, raw = open_bytes(path)
    with raw, io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        yield text, raw


def _by_mark(block: bytes) -> str:
    if block.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = block[:4096]
    if len(head) >= 8:  # Latin text in UTF-16 without a mark has a NUL in every other byte
        if head[1::2].count(0) > 0.6 * len(head[1::2]) and head[0::2].count(0) == 0:
            return "utf-16-le"
        if head[0::2].count(0) > 0.6 * len(head[0::2]) and head[1::2].count(0) == 0:
            return "utf-16-be"
    return ""


def _whole(stream: IO[bytes] | gzip.GzipFile, block: bytes, encoding: str, path: Path) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block:
            decoder.decode(block)
            block = stream.read(_BLOCK)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InputError(
            f"{path}: is not valid {encoding} ({' '.join(str(error).split())}); save it as UTF-8"
        ) from error
    return encoding


def _refuse_binary(block: bytes, position: int, path: Path) -> None:
    nul = block.find(0)
    if nul >= 0:
        raise InputError(
            f"{path}: is binary, no text (a NUL byte at position {position + nul}); give a CSV or Parquet file"
        )
    controls = len(block) - len(block.translate(None, _CONTROL))
    if controls > 0.01 * len(block):
        raise InputError(
            f"{path}: is binary, no text ({controls:,} control characters near position {position}); "
            "give a CSV or Parquet file"
        )
