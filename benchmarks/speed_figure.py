"""The table of speed.py as a figure: how many times what is required each figure reaches."""

from pathlib import Path
from typing import Any

from tinyscout.course.figure import BLUE, GREY, VERMILION, label, new_figure, save_figure

ENDS = (0.4, 8.0)  # of the axis; what lies beyond is drawn at its end
MARKS = {1: "o", 2: "s"}  # threads
COLOURS = {"missed": VERMILION, "met": BLUE, "aim": BLUE}


def draw(report: dict[str, Any], path: Path) -> None:
    """One line a row, a point a number of threads, its ratio written beside it."""
    from speed import limit_text, value_text

    rows = [row for row in report["rows"] if row["limit"] is not None]
    lines = list(dict.fromkeys((row["what"], row["model"]) for row in rows))
    figure, (ax,) = new_figure(finding(rows))
    figure.set_size_inches(9.0, 1.5 + 0.27 * len(lines))
    for y, line in enumerate(lines):
        here = [row for row in rows if (row["what"], row["model"]) == line]
        aim, limit, unit = here[0]["aim"], here[0]["limit"], here[0]["unit"]
        if aim is not None:
            ax.plot([1, min(reached(here[0] | {"value": aim}), ENDS[1])], [y, y], color="#dddddd", lw=7, zorder=0)
        for row in here:
            x = min(max(reached(row), ENDS[0]), ENDS[1])
            colour = COLOURS[row["verdict"]]
            ax.plot(x, y, MARKS[row["threads"]], color=colour, mfc=colour if row["threads"] == 1 else "white", ms=6)
        best = max(here, key=reached)
        values = ", ".join(value_text(unit, row["value"]) for row in here)
        label(ax, f"{values} (of {limit_text(unit, limit)})", min(max(reached(best), 1), ENDS[1]), y, "black")
    ax.axvline(1, color=GREY, lw=1, zorder=-1)
    ax.set_xscale("log")
    ax.set_xlim(*ENDS)
    ax.set_yticks(range(len(lines)), [f"{what}{', ' * bool(model)}{model}" for what, model in lines], fontsize=8)
    ax.set_ylim(len(lines) - 0.3, -0.7)
    ax.set_xlabel("times what is required (log scale); grey: from there to the aim; filled: one thread, open: two")
    save_figure(figure, path)


def reached(row: dict[str, Any]) -> float:
    """How many times what is required: the value over the limit, or for an upper limit the limit over the value."""
    if row["unit"] == "x":
        return row["value"] / row["limit"]
    return row["limit"] / row["value"] if row["value"] > 0 else float("inf")


def finding(rows: list[dict[str, Any]]) -> str:
    """What the figure shows, in a sentence."""
    missed = [row for row in rows if row["verdict"] == "missed"]
    if not missed:
        return f"All {len(rows)} measured figures reach what is required of them"
    worst = min(missed, key=reached)
    return (
        f"{len(rows) - len(missed)} of {len(rows)} figures reach what is required; farthest below is "
        f"{worst['what']}{', ' * bool(worst['model'])}{worst['model']}, at {100 * reached(worst):.0f} % of it"
    )
