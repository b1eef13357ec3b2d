"""`tinyscout stress`: attack a fitted scout with leads made to trick it; the made-up world's oracle says the truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tinyscout.cli.fitted import add_model_arguments, load_scout
from tinyscout.cli.outputs import check_outputs
from tinyscout.errors import InputError

if TYPE_CHECKING:
    from tinyscout.stress.families import Attacked

PAIRS = 60  # of twins, of each family


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    parser.add_argument(
        "--family",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.py",
        help="another attack: a file whose family(leads, signals, budget, rng) returns (leads, signals), edited: "
        "pandas frames, where signals have row (a position in leads), at, kind, channel and text; budget is how many "
        "edits a lead may have; the file is run (give it again for more)",
    )
    parser.add_argument("--world-leads", type=int, default=8_000, help="leads of the world to attack (default 8,000)")
    parser.add_argument("--searched", type=int, default=400, help="leads of a search against the model (default 400)")
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
    from tinyscout.metrics import log_loss
    from tinyscout.metrics.table import Table
    from tinyscout.stress.ceiling import auc_within_pairs
    from tinyscout.stress.check import defined, oracle_logits
    from tinyscout.stress.families import families, load, register
    from tinyscout.stress.story import story
    from tinyscout.stress.variants import source_rows

    for name, least in (("world_leads", 200), ("searched", 2), ("stories", 0), ("seed", 0)):
        if getattr(args, name) < least:
            raise InputError(
                f"--{name.replace('_', '-')} is {getattr(args, name)}; needs a whole number of at least {least}"
            )
    check_outputs(args, ["json"])
    families()  # the project's own are there before any other, so that a name can't be taken from them
    given = [register(load(path)).name for path in args.family]
    scout = load_scout(args)
    world = make_world(args.world_leads, args.seed)
    _check_columns(scout, world.tables)
    origin = {
        each.name: "given" if each.name in given else "held out" if each.held_out else "seen" for each in families()
    }
    rows, figures, worst = [], {}, []
    for name, found in _attacks(args, scout, world.tables, given).items():
        made, truth = found.world.tables, found.world.truth
        contenders = scout.contenders(scout.examples(made))
        logits = {"the oracle": oracle_logits(truth["reply_probability"].to_numpy()), **contenders}
        losses = {each: log_loss(made.labels, logit) for each, logit in logits.items()}
        twins = auc_within_pairs(truth, contenders[scout.ships])
        figures[name] = {"leads": len(made), "refused": len(found.refused), "auc_within_pairs": twins, **losses}
        rows.append(
            [
                name,
                origin.get(name, "against it"),
                str(len(made)),
                *(f"{loss:.3f}" for loss in losses.values()),
                "-" if np.isnan(twins) else f"{twins:.2f}",
            ]
        )
        off = np.abs(logits[scout.ships] - logits["the oracle"])
        for i in np.argsort(-off)[: args.stories]:
            scores = {each: float(logit[i]) for each, logit in logits.items()}
            worst.append((float(off[i]), name, made.take(np.array([i])), scores))
    head = ["attack", "", "leads", *(f"log loss,\n{name}" for name in logits), f"twins in order,\n{scout.ships}"]
    print(Table(head, rows).text())
    print(f"\nthis model ({scout.version}) ships the {scout.ships}; a coin loses 0.693")

    for _, name, edited, scores in sorted(worst, key=lambda each: -each[0])[: args.stories]:
        source = world.tables.take(source_rows(world.tables, edited))
        print(f"\n{name}: {story(source, edited, scores)}")
    report = {"model_version": scout.version, "ships": scout.ships, "seed": args.seed, "attacks": figures}
    write_json(args.json, defined(report))
    return 0


def _attacks(args: argparse.Namespace, scout, tables, given: list[str]) -> dict[str, Attacked]:
    """Every family's leads, and those of a search unless there is nothing to mislead. InputError for an empty one."""
    import numpy as np

    from tinyscout.cli.console import progress_bars
    from tinyscout.stress.families import attack, families
    from tinyscout.stress.search import attack_model
    from tinyscout.stress.timelines import Texts

    texts, rng = Texts.of(tables, np.random.default_rng([args.seed, 20])), np.random.default_rng([args.seed, 21])
    found, every = {}, sorted(families(), key=lambda each: each.name not in given)  # these may be refused: first
    with progress_bars() as progress:
        for number, family in enumerate(every):
            progress("attacks", number, len(every) + 1)
            made = found[family.name] = attack(family, tables, pairs=PAIRS, rng=rng)
            if not len(made.world.tables):
                first = next(iter(made.refused), None)
                why = f"every lead breaks a rule; the first: {first.rule} ({first.detail})" if first else "no lead came"
                raise InputError(f'family "{family.name}": {why}')
        progress("attacks", len(every), len(every) + 1)
        searched = attack_model("search", tables, scout.logits, texts, rng, number=args.searched)
    return {**found, "search": searched} if len(searched.world.tables) else found


def _check_columns(scout, tables) -> None:
    """Refuse a model of other columns than the made-up world has: there the oracle knows no truth."""
    known = {field.name for field in scout.stack.tokenizer.vocabulary.fields}
    there = set(tables.schema.columns)
    if not known & there or len(known - there) > len(known) / 2:
        raise InputError(
            f"the model was fitted on columns ({', '.join(sorted(known)[:4])}, ...) that the made-up world hasn't, "
            "and only there is the truth about an attacked lead known; fit one with: tinyscout world, tinyscout fit"
        )
