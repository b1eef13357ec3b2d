"""`tinyscout evaluate`: judge a fitted scout on leads whose outcome is known by now."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinyscout.cli.fitted import add_model_arguments, load_scout
from tinyscout.cli.outputs import check_outputs
from tinyscout.cli.reading import add_reading_arguments, note_signals_left_out, read
from tinyscout.errors import InputError
from tinyscout.metrics.table import Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_reading_arguments(parser, with_schema=True)
    add_model_arguments(parser)
    parser.add_argument("--figure", type=Path, help="draw what the ranking gains to this PNG")
    parser.add_argument("--json", type=Path, help="write the figures as JSON")


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from tinyscout.cli.console import write_json
    from tinyscout.explain.figures import gains_figure, save_figure
    from tinyscout.metrics import comparison, gains_table

    check_outputs(args, ["rejects", "figure", "json"])
    scout = load_scout(args)
    tables = read(args, schema=scout.schema)
    print("\n".join(tables.account.lines()))
    note_signals_left_out(args, scout)
    known = np.flatnonzero(tables.mature)
    tables = tables.take(known)
    y = tables.labels
    if not 0 < y.sum() < len(y):
        raise InputError(
            f"{len(known)} leads have a known outcome and {int(y.sum())} replied; judging needs both kinds: "
            "give an export that covers contacts at least one window old"
        )
    logits = scout.contenders(scout.examples(tables))
    judged = comparison(y, logits, reference="baseline", groups=tables.leads["lead_id"])
    print(judged.text())
    print(f"this model ({scout.version}) ships the {scout.ships}")
    gains = gains_table(y, logits[scout.ships])
    print("\n" + _gains_text(gains))
    if args.figure is not None:
        save_figure(gains_figure(y, logits, scout.ships), args.figure)
    write_json(args.json, {"model_version": scout.version, "ships": scout.ships, "gains": gains} | judged.to_json())
    return 0


def _gains_text(gains: list[dict[str, float]]) -> str:
    """The gains table: a line a tenth of the list, best first."""
    columns = {
        "tenth": ("part", ".0f"),
        "contacts": ("contacts", ",.0f"),
        "replies": ("replies", ",.1f"),
        "reply rate": ("reply_rate", ".3f"),
        "lift": ("lift", ".2f"),
        "found so far": ("recall", ".3f"),
    }
    rows = [[format(row[key], form) for key, form in columns.values()] for row in gains]
    return Table(list(columns), rows).text()
