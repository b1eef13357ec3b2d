"""Attack strength: what a score loses as an attack on it may make more edits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tinyscout.leads import oracle
from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import probability
from tinyscout.stress.search import WIDTH, Proposer, Score, Sources, search
from tinyscout.stress.timelines import Texts

BUDGETS = (0, 1, 2, 4, 8, 16)


class Target(NamedTuple):
    """A score, who proposes the edits against it (random moves where None), and how many a search tries and holds."""

    score: Score
    proposer: Proposer | None = None
    width: int = WIDTH
    beam: int = 1


def strength(
    tables: LeadTables,
    targets: dict[str, Target],
    texts: Texts,
    *,
    leads: int = 300,
    budgets: Sequence[int] = BUDGETS,
    seed: int = 0,
) -> dict[str, list[float]]:
    """The log loss that the oracle expects of each score, in nats, on the same leads attacked with each budget.

    Half of the leads are led to where no reply is to be expected and the score says one, the others the other way;
    the expectation is over the label, so that no luck is in it. Half are drawn from those whose reply the oracle
    expects (Sources.draw), so that the loss without an edit is not that of leads as they come, where few are.
    """
    rng = np.random.default_rng([seed, 23])
    rows, sleeper = Sources(tables).draw(leads, rng), rng.random(leads) < 0.5
    found: dict[str, list[float]] = {}
    for name, (score, proposer, width, beam) in targets.items():
        for budget in budgets:
            how = {"proposer": proposer, "width": width, "beam": beam, "budget": budget, "steps": budget}
            made = search(tables, rows, sleeper, score, texts, np.random.default_rng([seed, budget]), **how)
            read = made.tables(tables, texts)
            found.setdefault(name, []).append(expected_loss(oracle.reply_probability(read), score(read)))
    return found


def strength_text(curves: dict[str, list[float]], budgets: Sequence[int]) -> str:
    """The losses of `strength` as a plain table, a line for each target."""
    lines = [f"{'edits':28}" + "".join(f"{budget:8}" for budget in budgets)]
    lines += [f"{name:28}" + "".join(f"{loss:8.3f}" for loss in losses) for name, losses in curves.items()]
    return "\n".join(lines)


def expected_loss(chance: np.ndarray, logit: np.ndarray) -> float:
    """Mean cross-entropy in nats between exact probabilities (M,) and a score's logits (M,)."""
    q = np.clip(probability(logit), 1e-7, 1 - 1e-7)
    return float(-np.mean(chance * np.log(q) + (1 - chance) * np.log(1 - q)))
