"""A small table of text cells: first column left, the others right, ASCII only; a newline splits a cell in lines."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.table


@dataclass(frozen=True)
class Table:
    """Headers and rows of cells, all text."""

    headers: list[str]
    rows: list[list[str]]

    def text(self) -> str:
        """Lines with two spaces between columns and a rule under the headers, no trailing spaces."""
        widths = [
            max(len(line) for cell in column for line in cell.split("\n"))
            for column in zip(self.headers, *self.rows, strict=True)
        ]
        lines = _lines_of(self.headers, at_bottom=True)
        lines.append(["-" * width for width in widths])
        for row in self.rows:
            lines += _lines_of(row, at_bottom=False)
        return "\n".join(
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def to_rich(self) -> "rich.table.Table":
        """The same as a rich table; rich is imported here."""
        import rich.box
        import rich.table

        rule_under_head = rich.box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
        table = rich.table.Table(box=rule_under_head, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for column, header in enumerate(self.headers):
            table.add_column(header, justify="right" if column else "left", no_wrap=True, vertical="top")
        for row in self.rows:
            table.add_row(*row)
        return table


def _lines_of(cells: list[str], *, at_bottom: bool) -> list[list[str]]:
    """Split cells of several lines into rows of one line, short cells filled up above or below."""
    parts = [cell.split("\n") for cell in cells]
    height = max(len(part) for part in parts)
    fill = [[""] * (height - len(part)) for part in parts]
    full = [empty + part if at_bottom else part + empty for empty, part in zip(fill, parts, strict=True)]
    return [list(line) for line in zip(*full, strict=True)]
