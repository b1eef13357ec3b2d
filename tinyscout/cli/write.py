"""`tinyscout write`: drafts of first messages for the best leads of an export that may be written to."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinyscout.cli.fitted import add_model_arguments, load_scout
from tinyscout.cli.outputs import check_outputs
from tinyscout.cli.reading import add_reading_arguments, note_signals_left_out, read
from tinyscout.cli.write_notes import print_notes
from tinyscout.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from tinyscout.drafting import Drafted
    from tinyscout.leads.outreach_instructions import Instruction
    from tinyscout.leads.tables import LeadTables
    from tinyscout.scout import Scout

WHOM = {"name": "recipient_name", "email": "recipient_email"}  # column of the drafts -> of the leads, for a mail merge
BLOCK = 500  # ranked leads looked at in one go, until enough are found that may be written to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    today = "today by this computer's clock; if the latest seen is over 30 days old, that"
    add_reading_arguments(parser, with_schema=True, until=today)
    add_model_arguments(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("drafts.csv"), help="where the drafts go, one row each (drafts.csv)"
    )
    parser.add_argument("--top", type=int, default=20, help="how many leads to draft for, the best that may be (20)")
    channels = "email; linkedin; follow_up, 2 to 60 days after your last message; re_engage, after 30 days of silence; "
    channels += "or decline, which answers a plain no, and students who wrote or asked for something"
    parser.add_argument("--channel", default="email", help=f"{channels} (email)")
    parser.add_argument(
        "--tone", default="friendly", help="friendly, formal, direct, casual, warm or modest (friendly)"
    )
    parser.add_argument("--length", default="medium", help="short, medium or long (medium)")
    varied = "0 for the likeliest words, drawn once, up to 2 for more variety (0.8)"
    parser.add_argument("--temperature", type=float, default=0.8, help=varied)
    parser.add_argument("--n", type=int, default=1, help="drafts a lead, no two alike, up to 100 (1)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same drafts (0)")
    mention = "columns and kinds of signals to speak of, in place of those that a sentence suits"
    parser.add_argument("--mention", nargs="+", metavar="NAME", help=mention)
    offer = 'one sentence about your product, such as "We help small teams book meeting rooms." (a decline has none)'
    parser.add_argument("--offer", default="", help=offer)
    sender = 'your line under the parting, such as "Ann Lee, Acme" (a LinkedIn note has none)'
    parser.add_argument("--sender", default="", help=sender)
    parser.add_argument("--json", type=Path, help="write counts as JSON")


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import progress_bars, write_csv, write_json
    from tinyscout.drafting import WRITING, sampler_of
    from tinyscout.leads.consent import NEEDED
    from tinyscout.leads.outreach_offer import LONGEST_OFFER, LONGEST_SENDER, one_line
    from tinyscout.leads.same_person import read_as_one
    from tinyscout.ranking import has_contact_ids

    check_outputs(args, ["out", "rejects", "json"])
    if args.top < 1:
        raise InputError(f"--top is {args.top}; needs 1 or more")
    instruction = _instruction(args)  # what is wrong with it, and with the numbers, is found before the work
    sampler_of(temperature=args.temperature, seed=args.seed, n=args.n)
    one_line("offer", args.offer, LONGEST_OFFER)
    one_line("sender", args.sender, LONGEST_SENDER)
    scout = load_scout(args)
    contacts = read(args, schema=scout.schema, as_of_now=True)
    tables = contacts.take(_latest_contacts(contacts))
    probabilities = scout.predict(tables)
    ranked = (-probabilities).argsort(kind="stable")
    rank = ranked.argsort() + 1
    tables = read_as_one(tables, ranked, NEEDED[args.channel])  # behind the scores, which are of each record
    chosen = _wanting_to_be_left_alone(tables, ranked) if args.channel == "decline" else ranked
    rows, found, written = [], [], 0
    with progress_bars() as progress:

        def told(what: str, done: int, _: int) -> None:
            """Count over all blocks, not anew in each."""
            if what == WRITING:
                progress(what, args.n * written + done, args.n * min(args.top, len(chosen)))
            else:  # looks at no more leads than it takes to find enough
                progress(what, start + done, len(chosen))

        for start in range(0, len(chosen), BLOCK):
            block = chosen[start : start + BLOCK]
            more = scout.write(
                tables.take(block),
                instruction,
                temperature=args.temperature,
                n=args.n,
                seed=args.seed,
                mention=args.mention,
                most=args.top - written,
                offer=args.offer,
                sender=args.sender,
                progress=told,
            )
            found += more
            rows += block[: len(more)].tolist()
            written += sum(not each.why_not for each in more)
            if written == args.top:
                break
    table = _table(tables, rows, found, args.channel, rank, probabilities, scout)
    if not has_contact_ids(contacts.leads):
        table = table.drop(columns="contact_id")
    write_csv(args.out, table)
    print("\n".join(tables.account.lines()))
    note_signals_left_out(args, scout)
    print_notes(args, contacts, tables, found)
    _report(args, found, scout)
    status = Counter(_in_short(each) for each in table["status"])
    counts = {"leads": len(tables), "drafts": status["draft"], "status": dict(status)}
    write_json(args.json, {**counts, "account": tables.account.to_dict()})
    return 0


def _instruction(args: argparse.Namespace) -> Instruction:
    """What the drafts are to be. Raises InputError for a word that is none of its option's."""
    from tinyscout.leads.outreach_instructions import CHANNELS, LENGTHS, Instruction
    from tinyscout.leads.outreach_templates import TONES

    for name, known in (("channel", CHANNELS), ("tone", TONES), ("length", LENGTHS)):
        given = getattr(args, name)
        if given not in known:
            raise InputError(f'--{name} is "{given}"; needs one of {", ".join(known)}')
    return Instruction(args.channel, args.tone, args.length)


def _latest_contacts(tables: LeadTables) -> np.ndarray:
    """The row of each lead's last contact, in the order of the tables: a lead is written to once."""
    import numpy as np

    return np.flatnonzero(~tables.leads["lead_id"].duplicated(keep="last").to_numpy())


def _wanting_to_be_left_alone(tables: LeadTables, rows: np.ndarray) -> np.ndarray:
    """Those of the rows whose lead gave a reason to decline, or replied in words that a person has to read."""
    import numpy as np

    from tinyscout.leads.consent import NEEDED
    from tinyscout.leads.outreach_allowed import may_get_a_decline
    from tinyscout.leads.outreach_facts import FactBook

    book = FactBook(tables, by=NEEDED["decline"])
    return np.array([row for row in rows if may_get_a_decline(tables, row, book)], dtype=np.int64)


def _table(
    tables: LeadTables,
    rows: list[int],
    found: list[Drafted],
    channel: str,
    rank: np.ndarray,
    probabilities: np.ndarray,
    scout: Scout,
) -> pd.DataFrame:
    """One row a draft, and one for each lead that outranks the last one written to and may not be written to."""
    import pandas as pd

    lines = []
    for row, each in zip(rows, found, strict=True):
        moment = tables.leads["contacted_at"].iloc[row]
        lead = {
            "lead_id": each.lead_id,
            "contact_id": each.contact_id,
            "rank": rank[row],
            "probability": round(probabilities[row], 6),
            "channel": channel,
            "as_of": "" if pd.isna(moment) else moment.isoformat(timespec="seconds"),
        }
        for name, column in WHOM.items():
            if column in tables.leads:
                lead[name] = tables.leads[column].iloc[row]
        if each.read_first:
            lead["read_first"] = each.read_first
        if each.why_not:
            lines.append(lead | {"status": each.why_not})
        for draft in each.drafts:
            facts = "; ".join(f"{fact.point} [{fact.source}]" for fact in draft.facts)
            text = {"draft": draft.number, "subject": draft.subject, "message": draft.message, "facts": facts}
            if draft.problems:
                checks, status = "; ".join(draft.problems), f"withheld: none of {draft.drawn} drawn passed the checks"
            else:
                checks, status = f"passed, {draft.drawn} drawn", "draft"
            lines.append(lead | text | {"checks": checks, "status": status})
    whom = [name for name, column in WHOM.items() if column in tables.leads]
    names = ["lead_id", "contact_id", *whom, "rank", "probability", "channel", "draft", "subject", "message", "facts"]
    table = pd.DataFrame(lines, columns=[*names, "checks", "status", "read_first", "as_of"])
    table["draft"] = table["draft"].astype("Int64")
    table["model_version"] = scout.version
    return table


def _in_short(status: str) -> str:
    """A status without what is told of the one lead."""
    return status.split(":")[0].split(" (")[0]


def _most_often(problems: Sequence[str]) -> str:
    """The first of the problems that, numbers and what is quoted aside, come most often."""
    alike = [re.sub(r'\d+|"[^"]*"', "", problem) for problem in problems]
    return problems[alike.index(Counter(alike).most_common(1)[0][0])]


def _report(args: argparse.Namespace, found: list[Drafted], scout: Scout) -> None:
    from tinyscout.leads.outreach_offer import WITHOUT_OFFER

    drafts = [draft for each in found for draft in each.drafts]
    kept = sum(not draft.problems for draft in drafts)
    written = sum(any(not draft.problems for draft in each.drafts) for each in found)
    print(f"{kept:,} drafts to {written:,} of the best leads by model {scout.version} ({scout.ships})")
    if kept < len(drafts):
        why = _most_often([problem for draft in drafts for problem in draft.problems])
        print(f"{len(drafts) - kept:,} withheld: no drawing passed the checks, most often: {why}")
    reasons = Counter(_in_short(each.why_not) for each in found if each.why_not)
    for reason, count in reasons.most_common():
        print(f"{count:,} that rank as high got none: {reason}")
    print(f"drafts: {args.out}")
    if kept:
        missing = not args.offer.strip() and args.channel != WITHOUT_OFFER
        print("read each before you send it" + ("; none says what you sell: see --offer" if missing else ""))
