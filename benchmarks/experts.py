"""Do experts pay? Dense against 1 of 4 experts and 2 of 4 half as wide, which do the same work for a token.

    python benchmarks/experts.py [--seeds 0 1 2] [--leads 16000] [--json FILE]
    python benchmarks/experts.py --real [--data ../shared/data] [--json FILE]

Experts are trained to take leads by kind (models/lead_kinds.py), for which the persona column is read and never a
target. On synthetic worlds, and with --real on two real data sets: log loss on the latest 20 %, fitted on what came
before with a gap of one label window, and on the worlds which experts each persona's tokens take. Exit code 1 when a
target misses (verdicts.py): log loss not worse than dense by its paired 95 % interval, normalised mutual information
between persona and expert 0.3, founders and VPs with different first experts; or where a set could not be read.
"""

import fair  # isort: split

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from outputs import file_to_write
from real_exports import DATA, read_exports
from verdicts import experts_met

from tinyscout.leads import LeadTables
from tinyscout.leads.splits import latest_slices, time_split
from tinyscout.leads.world import make_world
from tinyscout.metrics import comparison
from tinyscout.models.expert_use import expert_use, lead_use, told_of
from tinyscout.models.lead_scout import predict_logits
from tinyscout.settings import ScoutSettings
from tinyscout.training import Stack

WAYS: dict[str, dict[str, int]] = {
    "dense": {},
    "1 of 4": {"experts": 4, "top_k": 1},
    "2 of 4": {"experts": 4, "top_k": 2, "expand": 2},  # two of half the width
}
KINDS = {"foretell_weight": 1.0, "follow_weight": 0.03}
PAIR = ("saas_founder", "enterprise_vp")


def main() -> int:
    parser = argparse.ArgumentParser(description="Dense against experts of the same active parameters.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--leads", type=int, default=16_000, help="leads of a world (default 16,000)")
    parser.add_argument("--epochs", type=int, default=ScoutSettings().fit.epochs)
    parser.add_argument("--real", action="store_true", help="the real data sets instead of worlds")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data (default ../shared/data)")
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    args = parser.parse_args()
    print(f"Fits {len(WAYS)} models a set; a world of 16,000 leads takes about four minutes of one core.", flush=True)
    sets = {}
    for name, tables in (read_exports(args.data) if args.real else worlds(args.seeds, args.leads)).items():
        seed = args.seeds[0 if args.real else len(sets)]
        sets[name] = {"skipped": tables} if isinstance(tables, str) else study(tables, seed, args.epochs)
        print(f"\n{name}\n{text(sets[name])}", flush=True)
    report = {
        "benchmark": "experts",
        "sets": sets,
        "passed": all(
            "ways" in found and all(way["passed"] for way in found["ways"].values()) for found in sets.values()
        ),
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "scikit-learn"),
    }
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if report["passed"] else 1


def worlds(seeds: list[int], leads: int) -> dict[str, LeadTables | str]:
    return {f"world {seed}": make_world(leads, seed).tables for seed in seeds}


def study(tables: LeadTables, seed: int, epochs: int) -> dict[str, Any]:
    """Fit every way on the earlier leads and judge it on the latest 20 %."""
    defaults = ScoutSettings(seed=seed)
    split = time_split(tables, holdout=0.2)
    train, stop = latest_slices(tables, split.train, (defaults.stop_share,))
    later = tables.take(split.test)
    logits: dict[str, np.ndarray] = {}
    ways: dict[str, dict[str, Any]] = {}
    told_apart = "persona" in tables.schema.profile
    for name, sizes in WAYS.items():
        model = defaults.model.model_copy(update=sizes)
        fit = defaults.fit.model_copy(update={"epochs": epochs, "threads": fair.THREADS} | (KINDS if sizes else {}))
        started = time.process_time()
        settings = defaults.model_copy(update={"model": model, "fit": fit})
        stack, shares = Stack.explore(tables, train, stop, settings, with_members=True)
        seconds = time.process_time() - started
        examples = stack.examples(later)
        logits.setdefault("baseline", stack.baseline_logits(examples))
        logits[name] = logits["baseline"]  # where training never beat it
        ways[name] = {"cpu_seconds": seconds, "share_of_schedule": shares[0] if shares else 0.0, "routing": {}}
        if shares:
            (member,) = stack.members
            logits[name] = predict_logits(member, examples)
            used = expert_use(member, examples).values()
            ways[name]["least_used"] = [float(each.min() / each.sum()) for each in used]
            if sizes and told_apart:
                ways[name]["routing"] = routing(stack, examples, later)
    judged = comparison(later.labels, logits, reference="dense", groups=later.leads["lead_id"].to_numpy(), seed=seed)
    for name, way in ways.items():
        way["log_loss"] = judged.rows[name]["log_loss"]
        gap = judged.differences.get(name, {}).get("log_loss")
        way["above_dense"] = None if gap is None else {"value": gap.value, "low": gap.low, "high": gap.high}
        of_personas = bool(told_apart and WAYS[name])  # with no transformer nobody was told apart
        way["passed"] = experts_met(gap, way["routing"].values(), of_personas=of_personas)
    return {
        "fitted_on": len(split.train),
        "held_out": len(split.test),
        "baseline": judged.rows["baseline"]["log_loss"],
        "ways": ways,
    }


def routing(stack: Stack, examples: Any, later: LeadTables) -> dict[str, dict[str, Any]]:
    """Of the last two layers: which experts the signal and word tokens of each persona's leads take first."""
    vocabulary, (member,) = stack.tokenizer.vocabulary, stack.members
    ids = np.arange(len(vocabulary))
    columns = [name for name, kind in later.schema.columns.items() if kind == "category"]
    values = {c: np.unique(later.leads[c].astype(str).to_numpy("U"), return_inverse=True) for c in columns}
    names, columns = values["persona"][0], {name: codes for name, (_, codes) in values.items()}
    found = {}
    use = lead_use(member, examples, vocabulary.is_signal(ids) | vocabulary.is_word(ids))
    for layer, counts in list(use.items())[-2:]:
        told = told_of("persona", columns, counts)
        found[f"layer {layer}"] = {
            "information": told.information["persona"],
            "by_chance": told.by_chance,
            "shares": {n: list(row / row.sum()) for n, row in zip(names, told.tokens, strict=True)},
            "one_expert": told.one_expert(*np.searchsorted(names, PAIR)),
            "of_columns": told.information,
        }
    return found


def text(found: dict[str, Any]) -> str:
    if "skipped" in found:
        return f"skipped, so not met: {found['skipped']}"
    lines = [f"fitted on {found['fitted_on']:,}, held out {found['held_out']:,}; baseline {found['baseline']:.4f}"]
    for name, way in found["ways"].items():
        line = f"{name:8} log loss {way['log_loss']:.4f}"
        if gap := way["above_dense"]:
            line += f", above dense {gap['value']:+.4f} ({gap['low']:+.4f} to {gap['high']:+.4f})"
        if way.get("least_used"):
            line += ", least used expert " + ", ".join(f"{share:.1%}" for share in way["least_used"])
        verdict = "" if name == "dense" else ": met" if way["passed"] else ": missed"
        lines.append(f"{line}; {way['cpu_seconds']:.0f} s of CPU{verdict}")
        for layer, told in way["routing"].items():
            lines.append(
                f"  {layer}: information {told['information']:.3f} (by chance to {told['by_chance']:.3f}); a founder "
                f"and a VP share their first expert in {told['one_expert']:.0%}; shares of experts:"
            )
            lines += [f"    {n:18}" + "".join(f"{s:6.0%}" for s in row) for n, row in told["shares"].items()]
            each = ", ".join(f"{column} {known:.3f}" for column, known in told["of_columns"].items())
            lines.append(f"    information on each column: {each}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
