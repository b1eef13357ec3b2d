"""Cells that a spreadsheet would run: what begins like a formula is written with an apostrophe before it.

An id or a note of a CRM may come from a web form, and the files written here are opened in spreadsheets.
"""

import re

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[\d.,]+")


def harmless(cell: object) -> object:
    """A cell as it is, or with an apostrophe before = + - @, tab or carriage return; numbers stay as they are."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
