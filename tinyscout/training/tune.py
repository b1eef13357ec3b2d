"""Preference tuning of a writer: it writes drafts, raters prefer, DPO learns; and again with what it writes then."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import Example, write_examples
from tinyscout.leads.outreach_touch import Rater
from tinyscout.leads.tables import LeadTables
from tinyscout.settings import Count, Settings, Share
from tinyscout.training.dpo import DPOSettings, Step, fit_dpo
from tinyscout.training.fit import Progress
from tinyscout.training.preference import MOST, Pairs, ask_as, copy_of, draft, rate
from tinyscout.training.writer import Writer


class TuningSettings(Settings):
    """How many rounds, how many prompts a round with how many drafts each, how raters err, and how pairs are learnt.

    invented: the share of prompts whose facts are made up; unsure and slips are those of Rater.
    """

    rounds: Count = 2
    prompts: Count = 2000
    drafts: Annotated[int, Field(ge=2)] = 4
    invented: Share = 0.25
    unsure: Annotated[float, Field(ge=0)] = 0.3
    slips: Share = 0.04
    learning: DPOSettings = DPOSettings(keep=4.0, batch_size=32, learning_rate=5e-4)


def tune_writer(
    writer: Writer,
    tables: LeadTables,
    settings: TuningSettings | None = None,
    *,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Writer, list[Step]]:
    """A writer that writes what raters prefer, and every step of its training; `writer` stays as it is.

    tables: leads of a synthetic world to write to. Each round's reference is the writer that the round began with, so
    that its drafts are the reference's own.
    """
    settings, steps = settings or TuningSettings(), []
    tuned = replace(writer, model=copy_of(writer.model), metrics={}, version="not saved")
    for number in range(settings.rounds):
        pairs = own_pairs(tuned, tables, settings, seed=seed + 1000 * number)
        steps += fit_dpo(tuned.model, pairs, settings.learning, seed=seed + number, progress=progress)
    tuned.losses = [*writer.losses, *(step.loss for step in steps)]
    return tuned, steps


def own_pairs(writer: Writer, tables: LeadTables, settings: TuningSettings, *, seed: int) -> Pairs:
    """Pairs of drafts that a writer makes for leads of `tables`, as raters prefer them."""
    examples = draw_examples(tables, settings.prompts, seed=seed, invented=settings.invented)
    asked = ask_as(examples)
    sampler = SamplerSettings(temperature=1.0, most=MOST, seed=seed)
    drafts = draft(writer, [each.prompt for each in asked], sampler, number=settings.drafts)
    rater, groups = Rater(settings.unsure, settings.slips), np.array([each.row for each in examples])
    return rate(asked, drafts, writer.tokenizer, rater=rater, seed=seed, groups=groups)


def draw_examples(tables: LeadTables, number: int, *, seed: int, invented: float) -> list[Example]:
    """`number` examples, each of another lead as far as there are enough."""
    rows = np.random.default_rng(seed).permutation(len(tables))[:number]
    each = -(-number // len(rows))
    return write_examples(tables, rows, seed=seed, invented=invented, per_lead=each)[:number]
