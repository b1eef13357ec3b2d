"""The arguments by which every command reads an export, and the reading itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyscout.leads.schema import Schema
    from tinyscout.leads.tables import LeadTables
    from tinyscout.scout import Scout


def add_reading_arguments(
    parser: argparse.ArgumentParser, *, with_schema: bool, until: str = "the latest seen"
) -> None:
    """Arguments of an export. with_schema: the model knows its columns and window, so they can't be given; until: what
    --observed-until is by default."""
    parser.add_argument("leads", nargs="+", type=Path, help="CSV or Parquet files of leads, one row a contact")
    parser.add_argument("--signals", nargs="+", type=Path, default=[], help="CSV or Parquet files of signals")
    default = "the map the model was fitted with" if with_schema else "generic"
    parser.add_argument(
        "--map", help=f"field map: a TOML file, or a name of configs/ such as hubspot, salesforce (default: {default})"
    )
    if with_schema:
        allow = "read a column the model knows and the file lacks as missing, instead of refusing the file"
        parser.add_argument("--allow-missing-columns", action="store_true", help=allow)
    else:
        parser.add_argument("--label", help="column with a ready 0/1 label, in place of the field map's")
        parser.add_argument("--window-days", type=float, help="a reply counts up to this many days after contact")
    parser.add_argument("--observed-until", help=f"until when replies were recorded, ISO 8601 (default: {until})")
    same_day = "signals of the contact's day, where hours are not known (default: as the model learned it, else drop)"
    parser.add_argument("--same-day", choices=["drop", "keep"], help=same_day)
    parser.add_argument("--skip-bad-rows", action="store_true", help="drop rows that can't be read, and count them")
    parser.add_argument("--rejects", type=Path, help="write dropped rows with file, line number and reason to this CSV")


def note_signals_left_out(args: argparse.Namespace, scout: Scout) -> None:
    """Say on standard error that a model fitted with signals was given none: its scores then mean little."""
    if not args.signals and scout.stack.tokenizer.signals.pairs:
        print(
            f"tinyscout {args.command}: note: the model was fitted with signals and no --signals were given; "
            "every lead is read as one that has done nothing yet",
            file=sys.stderr,
        )


def read(args: argparse.Namespace, *, schema: Schema | None = None, as_of_now: bool = False) -> LeadTables:
    """The export named by the arguments, whole; as_of_now: without labels, every lead as of one moment."""
    from tinyscout.leads import read_tables

    return read_tables(args.leads, **_options(args, schema), labelled=not as_of_now, as_of_now=as_of_now)


def read_chunks(
    args: argparse.Namespace, *, schema: Schema, progress: Callable[[str, int, int], None]
) -> Iterator[LeadTables]:
    """The export named by the arguments, in chunks of leads, without labels."""
    from tinyscout.leads import iter_tables

    yield from iter_tables(args.leads, **_options(args, schema), progress=progress)


def _options(args: argparse.Namespace, schema: Schema | None) -> dict[str, Any]:
    from tinyscout.leads import FieldMap

    field_map = FieldMap.load(args.map) if args.map else None
    if getattr(args, "label", None):
        field_map = (field_map or FieldMap.load("generic")).with_role("label", args.label)
    return {
        "signals_paths": args.signals or None,
        "field_map": field_map,
        "schema": schema,
        "window_days": getattr(args, "window_days", None),
        "observed_until": args.observed_until,
        "same_day": args.same_day,
        "skip_bad_rows": args.skip_bad_rows,
        "rejects": args.rejects,
        "allow_missing_columns": getattr(args, "allow_missing_columns", False),
    }
