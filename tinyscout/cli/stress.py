"""`tinyscout stress`: attack a fitted scout with leads made to trick it; the made-up world's oracle says the truth."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tinyscout.cli.fitted import add_model_arguments, found_model
from tinyscout.cli.outputs import check_outputs
from tinyscout.errors import InputError

if TYPE_CHECKING:
    from tinyscout.leads.tables import LeadTables
    from tinyscout.stress.families import Attacked
    from tinyscout.stress.victim import Victim


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    parser.add_argument(
        "--family",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.py",
        help="another attack: a file whose family(leads, signals, budget, rng) returns (leads, signals), edited "
        "(docs/attacks.md says how, and what is refused); the file is run (give it again for more)",
    )
    parser.add_argument("--pairs", type=int, default=60, help="pairs of twins of each family (default 60)")
    parser.add_argument("--world-leads", type=int, default=8_000, help="leads of the world to attack (default 8,000)")
    parser.add_argument(
        "--searched", type=int, default=400, help="leads of each search against the model (default 400)"
    )
    parser.add_argument("--stories", type=int, default=3, help="attacked leads to print as stories (default 3)")
    parser.add_argument(
        "--seed",
        type=int,
        default=900_001,
        help="the same seed makes the same world and attacks; give another than the model's leads were made with",
    )
    parser.add_argument("--json", type=Path, help="write the figures as JSON")


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from tinyscout.cli.console import write_json
    from tinyscout.leads.world import make_world
    from tinyscout.metrics.table import Table
    from tinyscout.stress.ceiling import auc_within_pairs, judge
    from tinyscout.stress.check import NAMES, ORACLE, RULE, Falls, defined, oracle_logits, percent, shown
    from tinyscout.stress.families import concatenate, families, load, register
    from tinyscout.stress.intake import intake
    from tinyscout.stress.story import story
    from tinyscout.stress.variants import source_rows
    from tinyscout.stress.victim import Victim

    least = {"pairs": 1, "world_leads": 200, "searched": 2, "stories": 0, "seed": 0}
    for name, number in least.items():
        if getattr(args, name) < number:
            raise InputError(
                f"--{name.replace('_', '-')} is {getattr(args, name)}; needs a whole number of at least {number}"
            )
    check_outputs(args, ["json"])
    given = [register(load(path)).name for path in args.family]
    victim = Victim.load(found_model(args), args.dtype)
    world = make_world(args.world_leads, args.seed)
    _check_columns(victim, world.tables)
    made = dict(_attacks(args, victim, world.tables, given))
    origin = {
        each.name: "given" if each.name in given else "held out" if each.held_out else "seen" for each in families()
    }
    origin = {name: origin.get(name, "against it") for name in made}
    parts = {f"all {kind}": [name for name in made if origin[name] == kind] for kind in dict.fromkeys(origin.values())}
    totals = {
        total: concatenate([made[name] for name in names], np.random.default_rng(args.seed))
        for total, names in {**parts, "all": list(made)}.items()
    }
    rows, figures, worst = {metric: [] for metric in RULE}, {}, []
    for name, found in {**made, **totals}.items():
        edited, truth = found.world.tables, found.world.truth
        logits = {ORACLE: oracle_logits(truth["reply_probability"].to_numpy()), **victim.contenders(edited)}
        drawn = judge(edited, logits)
        twins, by_truth = (auc_within_pairs(truth, logits[each]) for each in (victim.name, ORACLE))
        in_order = {"auc_within_pairs": twins, "oracle_auc_within_pairs": by_truth}
        figures[name] = {"leads": len(edited), **in_order, **drawn.value}
        falls = Falls.among(drawn, victim.beside, [victim.name, ORACLE]) if victim.beside else None
        figures[name] |= {} if falls is None else falls.to_json()
        if name in made:
            figures[name] |= {"returned": found.returned, "refused": found.leads_refused}
        head = [name, origin.get(name, ""), f"{len(edited):,}"]
        for metric in RULE:
            fall = "-" if falls is None else percent(falls.of[victim.name][metric])
            most = "-" if falls is None else percent(falls.of[ORACLE][metric]).split(" (")[0]
            row = [*head, *(shown(metric, drawn.value[metric][each]) for each in logits), fall, most]
            rows[metric].append([*row, "-" if np.isnan(twins) else f"{twins:.2f} ({by_truth:.2f})"])
        if name in totals:
            continue
        off = np.abs(logits[victim.name] - logits[ORACLE])
        for i in np.argsort(-off)[: args.stories]:
            scores = {each: float(logit[i]) for each, logit in logits.items()}
            worst.append((float(off[i]), name, edited.take(np.array([i])), scores))
    for metric in RULE:
        heads = [
            NAMES[metric],
            "",
            "leads",
            *logits,
            f"fall of\n{victim.name}",
            "the most\nthere is",
            "its twins in order\n(the oracle's)",
        ]
        print(Table(heads, rows[metric]).text() + "\n")
    better = " or ".join(victim.beside) + (", whichever is better" if len(victim.beside) > 1 else "")
    judged = f"falls are against {better}, with 95 % intervals" if victim.beside else "there is nobody to judge it by"
    print(f"this model ({victim.version}) is the {victim.name}; {judged}; of log loss a coin has 0.693; credit waste")
    print("takes 50 repliers (--pairs)")
    for name in given:
        print(f"\n{name}: {intake(world.tables, made[name])}")

    for _, name, edited, scores in sorted(worst, key=lambda each: -each[0])[: args.stories]:
        source = world.tables.take(source_rows(world.tables, edited))
        print(f"\n{name}: {story(source, edited, scores)}")
    report = {"model_version": victim.version, "ships": victim.name, "seed": args.seed, "attacks": figures}
    write_json(args.json, defined(report))
    return 0


def _attacks(
    args: argparse.Namespace, victim: Victim, tables: LeadTables, given: list[str]
) -> Iterator[tuple[str, Attacked]]:
    """Every family's leads, by its name, and those of the searches, unless there is nothing to mislead.

    Each draws from a generator of its own, so that no attack depends on which others are asked for. Raises InputError
    for a family of which no lead is left.
    """
    from zlib import crc32

    import numpy as np

    from tinyscout.cli.console import progress_bars
    from tinyscout.stress.families import attack, families
    from tinyscout.stress.hotflip import HotFlip
    from tinyscout.stress.intake import first_refusal, is_untouched
    from tinyscout.stress.search import attack_model
    from tinyscout.stress.timelines import Texts

    texts = Texts.of(tables, np.random.default_rng([args.seed, 20]))
    proposers: dict[str, HotFlip | None] = {"search": None}
    if victim.steered:
        proposers["search, by gradient"] = HotFlip(victim.stack, tables, texts)
    every = sorted(families(), key=lambda each: each.name not in given)  # these may be refused: first
    with progress_bars() as progress:
        for number, family in enumerate(every):
            progress("attacks", number, len(every) + len(proposers))
            rng = np.random.default_rng([args.seed, 21, crc32(family.name.encode("utf-8"))])
            made = attack(family, tables, pairs=args.pairs, rng=rng)
            if not len(made.world.tables) and not made.refused:
                raise InputError(
                    f'family "{family.name}": returned none of the leads it was shown; needs to return some of '
                    "them, edited (docs/attacks.md), or more to choose from: --world-leads"
                )
            if is_untouched(tables, made):
                raise InputError(
                    f'family "{family.name}": every lead that it edited breaks a rule; the first: {first_refusal(made)}'
                )
            yield family.name, made
        for number, (name, proposer) in enumerate(proposers.items()):
            progress("attacks", len(every) + number, len(every) + len(proposers))
            rng = np.random.default_rng([args.seed, 22, number])
            made = attack_model(name, tables, victim.score, texts, rng, number=args.searched, proposer=proposer)
            if len(made.world.tables):
                yield name, made
        progress("attacks", len(every) + len(proposers), len(every) + len(proposers))


def _check_columns(victim: Victim, tables: LeadTables) -> None:
    """Refuse a model of other columns than the made-up world has: there the oracle knows no truth."""
    known = {field.name for field in victim.stack.tokenizer.vocabulary.fields} - {"contact_hour", "contact_weekday"}
    there = set(tables.schema.columns)
    if foreign := sorted(known - there) or (["none at all"] if not known else []):
        shown = ", ".join(foreign[:4]) + (", ..." if len(foreign) > 4 else "")
        raise InputError(
            f"the model was fitted on columns ({shown}) that the made-up world hasn't, "
            "and only there is the truth about an attacked lead known; fit one with: tinyscout world, tinyscout fit"
        )
