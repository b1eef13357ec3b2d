"""How every figure of the course looks: one size, a palette for all eyes, labels on the lines, no screen needed."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from tinyscout.artifact import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008: eight colours that stay apart for colour-blind eyes; the palest two are left out.
BLACK, ORANGE, BLUE, GREEN, VERMILION, PURPLE, GREY = (
    "#000000",
    "#e69f00",
    "#0072b2",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#7f7f7f",
)
SIZE = (9.0, 5.0)  # inches at 120 dots each


def new_figure(title: str, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure whose title is its finding, and its panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    figure.suptitle(textwrap.fill(title, 100), fontsize=12, x=0.01, ha="left")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def label(ax: Axes, text: str, x: float, y: float, color: str, *, ha: str = "left", above: float = 0.0) -> None:
    """Write a line's name beside one of its points, in its colour; `above` in points, ha as in matplotlib."""
    from matplotlib.patheffects import withStroke

    beside = {"left": 6.0, "center": 0.0, "right": -6.0}[ha]
    written = ax.annotate(
        text, (x, y), xytext=(beside, above), textcoords="offset points", color=color, ha=ha, va="center", fontsize=9
    )
    written.set_path_effects([withStroke(linewidth=4, foreground="white")])  # stays legible over points and lines


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG whole or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
