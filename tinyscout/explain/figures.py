"""Figures with fixed size, direct labels and colours that colour-blind readers can tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyscout.artifact import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SIZE = (8.0, 5.0)  # inches
DPI = 120


def new_figure(columns: int = 1) -> tuple[Figure, Any]:
    """An empty figure of the house's size and its axes (an array of them where columns > 1); no window is opened."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def gains_figure(y: np.ndarray, logits: Mapping[str, np.ndarray], best: str) -> Figure:
    """Share of repliers found against share of leads contacted, best first, one line a model.

    y (N,) of 0 and 1; logits {model: (N,)}; best: the model the title speaks of.
    """
    figure, axes = new_figure()
    contacted = np.arange(len(y) + 1) / len(y)
    place = int(len(y) * 0.25)
    ends: dict[str, tuple[float, str]] = {}  # model -> repliers found at a quarter of the list, colour
    for colour, (name, logit) in zip(COLOURS, logits.items(), strict=False):
        found = np.concatenate([[0], np.cumsum(y[np.argsort(-logit, kind="stable")])]) / y.sum()
        axes.plot(100 * contacted, 100 * found, color=colour, linewidth=2.2 if name == best else 1.4)
        ends[name] = (100 * found[place], colour)
        if name == best:
            at_20 = 100 * found[round(0.2 * len(y))]
            axes.set_title(f"The best 20 % of the list by the {name} hold {at_20:.0f} % of the repliers")
    for row, (name, (height, colour)) in enumerate(sorted(ends.items(), key=lambda each: -each[1][0])):
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 1}
        label = (62, 46 - 6 * row)  # below all curves, one under the other, so that curves that meet keep their names
        axes.annotate(name, (25, height), label, color=colour, va="center", arrowprops=line)
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1, linestyle="--")
    axes.annotate("random order", (80, 80), (4, -14), textcoords="offset points", color="0.4")
    axes.set_xlabel("leads contacted, best first (% of the held-out leads)")
    axes.set_ylabel("repliers found (%)")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 101)
    return figure
