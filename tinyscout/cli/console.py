"""What commands print: text on standard output, progress on standard error, numbers to --json."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tinyscout.artifact import replacing

SILENCE = 10.0  # seconds between two lines on progress


@contextmanager
def progress_bars() -> Iterator[Any]:
    """Yield a callback (what, done, total) that draws one bar a kind of work, with the time left, in ASCII.

    Where standard error is no terminal, it gets a line every ten seconds instead.
    """
    console = Console(stderr=True, safe_box=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("time left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield update


class _Lines:
    """Progress for a pipe or a log file: a line now and then, and none of work that is soon done."""

    def __init__(self) -> None:
        self.told = time.monotonic()
        self.begun: dict[str, tuple[int, float]] = {}  # what -> how much was done when it was first heard of, and when
        self.done: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done < self.done.get(what, done + 1):  # it begins, or the same work once more
            self.begun[what] = done, now
        self.done[what] = done
        start, since = self.begun[what]
        if now - self.told < SILENCE:
            return
        self.told = now
        left = f", about {(now - since) / (done - start) * (total - done):.0f} s left" if start < done < total else ""
        print(f"tinyscout: {what}: {done:,} of {total:,}{left}", file=sys.stderr, flush=True)


def write_json(path: Path | None, content: dict[str, Any]) -> None:
    """Write `content` to `path` whole or not at all; nothing where no path was given."""
    if path is None:
        return
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=_plain) + "\n", encoding="utf-8")


def write_csv(path: Path, table: Any) -> None:
    """Write a data frame to `path` as UTF-8 CSV, whole or not at all; no cell or name is a formula to a spreadsheet."""
    from tinyscout.leads.spreadsheet import harmless

    words = {name: table[name].map(harmless, na_action="ignore") for name in table.select_dtypes(["object", "string"])}
    table = table.assign(**words)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
