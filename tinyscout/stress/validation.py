"""Validation leads of a stress test: what contestants choose by, and what they are calibrated on.

As many attacked leads as natural ones. Of the attacked half are of written families, none of them held out, and half
are searched for, in equal shares against some scores, as the judged leads are: to calibrate on, against the three that
these are searched against; to choose by, which comes before there are trees, against the logistic and the scout of
hardening.
"""

from collections.abc import Mapping

import numpy as np

from tinyscout.leads.tables import LeadTables
from tinyscout.stress.ground import spread
from tinyscout.stress.hotflip import HotFlip
from tinyscout.stress.pools import Part
from tinyscout.stress.search import STEPS, Score, attack_model
from tinyscout.stress.strength import Target
from tinyscout.stress.timelines import Texts
from tinyscout.stress.variants import join
from tinyscout.training import Stack


def targets(
    scores: Mapping[str, Score], scouts: Mapping[str, Stack], source: LeadTables, texts: Texts
) -> dict[str, Target]:
    """Scores by name as a search over `source` takes them: those of `scouts` along their gradient, by HotFlip."""
    along = {name: HotFlip(scout, source, texts) for name, scout in scouts.items()}
    return {name: Target(score, along.get(name)) for name, score in scores.items()}


def validation_leads(
    valid: Part,
    scores: Mapping[str, Score],
    scouts: Mapping[str, Stack],
    rng: np.random.Generator,
    *,
    steps: int = STEPS,
) -> LeadTables:
    """All natural leads of `valid`, and as many attacked ones: half written, half searched against `scores` alike."""
    natural, written = valid.natural.tables, valid.attacked.world.tables
    texts, half = Texts.of(natural, rng), len(natural) // 2
    parts = [natural, written.take(spread(len(written), half))]
    for name, (score, proposer, *_) in targets(scores, scouts, natural, texts).items():
        found = attack_model(
            f"search: {name}", natural, score, texts, rng, number=half // len(scores), proposer=proposer, steps=steps
        )
        parts.append(found.world.tables)
    return join(parts, rng)[0]
