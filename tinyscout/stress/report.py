"""What a trial found, as plain text: every table of the check, and attacked leads as stories."""

import numpy as np

from tinyscout.leads.world import World
from tinyscout.metrics.table import Table
from tinyscout.stress.ceiling import HARDENED, by_family, family_table
from tinyscout.stress.check import METRICS, NAMES, ORACLE, RULE, divergence, interval, shown
from tinyscout.stress.families import families
from tinyscout.stress.story import story
from tinyscout.stress.trial import SCOUT, TREES, Trial
from tinyscout.stress.variants import source_rows

_BESIDE = [f"{NAMES[metric]} minus\nthe better yardstick's" for metric in METRICS]


def report(trial: Trial) -> str:
    """All tables of a trial as plain ASCII text."""
    chosen = "; ".join(
        f"{name}: {', '.join(f'{key} {value:g}' for key, value in each.items())}" for name, each in trial.chosen.items()
    )
    return "\n\n".join(
        [
            trial.check.text(),
            _on_natural(trial),
            _at_worst(trial),
            _by_family(trial),
            _aims(trial),
            _shares(trial),
            f"Hardened on: {', '.join(f'{count:,} {name}' for name, count in trial.hardened_on.items())}.",
            f"Chosen on validation leads: {chosen}.",
        ]
    )


def stories(trial: Trial, number: int) -> list[str]:
    """Attacked leads with every contestant's score: the one of each of `number` parts, evenly spaced over them, at
    which the hardened scout is furthest from the oracle."""
    judged, source = trial.judged, trial.arena.source
    chance, parts, told = judged.truth["reply_probability"].to_numpy(), sorted(set(judged.part)), []
    for part in [parts[i] for i in np.linspace(0, len(parts) - 1, number).round().astype(int)]:
        rows = np.flatnonzero(judged.part == part)
        row = rows[np.argmax(divergence(chance[rows], trial.logits[SCOUT][rows]))]
        lead = judged.tables.take(np.array([row]))
        logits = {ORACLE: judged.oracle, **trial.logits}
        scores = {name: float(each[row]) for name, each in logits.items()}
        told.append(f"{part}: {story(source.take(source_rows(source, lead)), lead, scores)}")
    return told


def _on_natural(trial: Trial) -> str:
    natural = trial.natural.figures["all"]
    rows = [[name, *(shown(metric, natural[metric][name]) for metric in RULE)] for name in natural[RULE[0]]]
    head = [f"natural held-out leads, {trial.natural.leads['all']:,}", "log loss", "credit\nwaste"]
    rise = (
        f"On natural leads the hardened scout's log loss (of float32's and int8's the worse) is "
        f"{100 * trial.natural_rise:+.1f} % from that of the best who saw no attack ({trial.best_natural})."
    )
    beside = trial.natural.differences["all"].text("natural held-out leads")
    return "\n\n".join([Table(head, rows).text(), beside, rise])


def _at_worst(trial: Trial) -> str:
    rows = []
    for name in trial.own:
        worst = {metric: trial.worst(metric, name) for metric in RULE}
        falls = [trial.fall_at_worst(metric, name) for metric in RULE]
        rows.append(
            [
                name,
                *(f"{shown(metric, value)} ({part})" for metric, (part, value) in worst.items()),
                *("-" if np.isnan(fall) else f"{100 * fall:.1f} %" for fall in falls),
            ]
        )
    head = ["each at its own worst", "log loss", "credit waste", "fall,\nlog loss", "fall,\ncredit waste"]
    beside = [[name, *(interval(found[metric]) for metric in METRICS)] for name, found in trial.own_beside.items()]
    own = Table(["on the search against each itself", *_BESIDE], beside)
    return "\n\n".join([Table(head, rows).text(), own.text()])


def _by_family(trial: Trial) -> str:
    some = [name for name in (HARDENED, TREES, SCOUT) if name in trial.logits]
    written = World(trial.judged.tables, trial.judged.truth)
    figures = family_table(by_family(written, {name: trial.logits[name] for name in some}))
    rows = [
        [name, *(interval(found.beside.of[SCOUT][metric]) for metric in METRICS)]
        for name, found in trial.families.items()
    ]
    everyone = [*trial.logits, ORACLE]
    tables = [figures, Table([f"{SCOUT}, by family", *_BESIDE], rows).text()]
    for metric in RULE:
        rows = [
            [name, *(shown(metric, found.figures[metric][each]) for each in everyone)]
            for name, found in trial.families.items()
        ]
        tables.append(
            Table([f"{NAMES[metric]} by family", *(each.replace(", ", ",\n") for each in everyone)], rows).text()
        )
    return "\n\n".join(tables)


def _shares(trial: Trial) -> str:
    """How many of the judged leads are decoys, who must not be taken for buyers; the others are sleepers."""
    decoy, part = trial.judged.truth["role"].to_numpy(str) == "decoy", trial.judged.part
    shares = [f"{name} {100 * decoy[part == name].mean():.0f} %" for name in sorted(set(part))]
    return f"Decoys among the judged leads: {100 * decoy.mean():.0f} % ({', '.join(shares)}); the others are sleepers."


def _aims(trial: Trial) -> str:
    times = interval(trial.held_out_gap)
    unlike = sum(not each.like for each in families(held_out=True))
    lines = [
        f"{SCOUT}: {times} times as far from the oracle on held-out families as on seen ones, "
        f"{interval(trial.unlike_gap)} times on the {unlike} of them that are like no seen one."
    ]
    if (beyond := trial.beyond_half_of_trees) is not None:
        lines.append(f"{SCOUT}: its KL from the oracle minus half of the hardened trees' is {interval(beyond)}.")
    return "\n".join(lines)
