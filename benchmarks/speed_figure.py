"""The table of speed.py as a figure: how many times what is required each figure reaches."""

from pathlib import Path
from typing import Any

from tinyscout.course.figure import BLACK, BLUE, GREY, VERMILION, label, new_figure, save_figure

ENDS = (0.4, 10.0)  # of the axis
FARTHEST = (0.42, 4.5)  # a point beyond is drawn here, its value beside it
MARKS = {1: "o", 2: "s"}  # threads
COLOURS = {"missed": VERMILION, "met": BLUE, "aim": BLUE}


def draw(report: dict[str, Any], path: Path) -> None:
    """One line a row, a point a number of threads, its value written beside it."""
    from speed import limit_text, value_text

    rows = [row for row in report["rows"] if row["limit"] is not None]
    lines = list(dict.fromkeys((row["what"], row["model"]) for row in rows))
    figure, (ax,) = new_figure(finding(rows))
    figure.set_size_inches(9.0, 1.5 + 0.27 * len(lines))
    for y, line in enumerate(lines):
        here = [row for row in rows if (row["what"], row["model"]) == line]
        places = {row["threads"]: min(max(reached(row), FARTHEST[0]), FARTHEST[1]) for row in here}
        end = 1.0
        if here[0]["aim"] is not None:
            end = reached(here[0] | {"value": here[0]["aim"]})
            ax.plot([1, end], [y, y], color="#d9d9d9", lw=6, solid_capstyle="butt", zorder=0)
        for row in here:
            colour = COLOURS[row["verdict"]]
            filled = colour if row["threads"] == 1 else "white"
            ax.plot(
                places[row["threads"]], y, MARKS[row["threads"]], color=colour, markerfacecolor=filled, markersize=6
            )
        values = ", ".join(value_text(row["unit"], row["value"]) for row in here)
        text = f"{values} (of {limit_text(here[0]['unit'], here[0]['limit'])})"
        label(ax, text, max(end, *places.values()), y, BLACK)
    ax.axvline(1, color=GREY, lw=1, zorder=-1)
    ax.set_xscale("log")
    ax.set_xlim(*ENDS)
    ax.set_xticks([0.5, 1, 2, 4], ["half", "required", "twice", "four times"])
    ax.minorticks_off()
    ax.set_yticks(range(len(lines)), [f"{what}{', ' * bool(model)}{model}" for what, model in lines], fontsize=8)
    ax.set_ylim(len(lines) - 0.3, -0.7)
    ax.set_xlabel("grey: from what is required to the aim\nround: one thread; square: two threads")
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
