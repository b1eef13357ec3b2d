"""`tinyscout score`: the leads of an export, ranked by a fitted scout, in chunks, so that size is no limit."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tinyscout.cli.fitted import add_model_arguments, load_scout
from tinyscout.cli.outputs import check_outputs
from tinyscout.cli.reading import add_reading_arguments, note_signals_left_out, read_chunks
from tinyscout.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_reading_arguments(parser, with_schema=True)
    add_model_arguments(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("ranked_leads.csv"), help="where the ranked list goes (ranked_leads.csv)"
    )
    parser.add_argument("--cost", type=float, help="what a contact costs; with --value, marks leads not worth one")
    parser.add_argument("--value", type=float, help="what a reply is worth, in the same currency")
    parser.add_argument("--no-reasons", action="store_true", help="leave the reasons out (three times as fast)")
    parser.add_argument(
        "--json", type=Path, help="write the number of leads, the replies expected and the account as JSON"
    )


def run(args: argparse.Namespace) -> int:
    import pandas as pd

    from tinyscout.cli.console import progress_bars, write_csv, write_json
    from tinyscout.metrics import probability
    from tinyscout.ranking import break_even, ranked_list
    from tinyscout.scout import Explained

    check_outputs(args, ["out", "rejects", "json"])
    break_even(args.cost, args.value)  # bad prices are found before the work, not after
    scout = load_scout(args)
    ids: list[Any] = []
    parts: list[Explained] = []
    account = None
    with progress_bars() as progress:
        for tables in read_chunks(args, schema=scout.schema, progress=progress):
            account = tables.account
            ids.append(tables.leads[["lead_id", "contact_id"]])
            parts.append(scout.explain(tables, with_reasons=not args.no_reasons))
    if account is None:
        raise InputError(f"{args.leads[0]}: holds no lead that can be scored; see --rejects")
    explained = Explained.join(parts)
    table = ranked_list(
        pd.concat(ids, ignore_index=True),
        probability(explained.logits),
        explained.reasons,
        explained.residual,
        model_version=scout.version,
        cost_per_contact=args.cost,
        value_per_reply=args.value,
    )
    write_csv(args.out, table)
    print("\n".join(account.lines()))
    note_signals_left_out(args, scout)
    expected = float(table["probability"].to_numpy().sum())
    print(f"{len(table):,} leads ranked by model {scout.version} ({scout.ships}), {expected:,.1f} replies expected")
    print(f"ranked list: {args.out}")
    if "do_not_contact" in table:
        print(f"{int(table['do_not_contact'].to_numpy().sum()):,} are not worth a contact at these prices")
    write_json(args.json, {"leads": len(table), "expected_replies": expected, "account": account.to_dict()})
    return 0
