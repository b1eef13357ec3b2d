"""Can a router tell founders from enterprise VPs when nobody tells it what a persona is?

A router left to itself sorts tokens by what they are. Here its choice for a lead's profile is rewarded for how much it
tells of the signals that follow, and the lead's later tokens are to go to the same expert. No column is a target: if
kinds of leads follow one, such as the persona, then because it goes along with what leads do.

Needs: 00 (features), 01 (tokens), 03 (vectors to start from), 04 (the dense scout). Leaves: a scout routed by kind.
Takes: about 60 s. Reference: Becker and Hinton 1992 (two views of one thing); Ji et al. 2019, section 3.
"""

# %% Settings
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tinyscout.autograd import no_grad
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, label, new_figure
from tinyscout.course.train import started_from, timed
from tinyscout.models.expert_use import lead_use, told_of
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_kinds import kind_losses
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import fit

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer", "03_self_attention", "04_mini_transformer")
SECONDS = 60
PAIR = ("saas_founder", "enterprise_vp")


@dataclass(frozen=True)
class Settings:
    experts: int
    leads: int
    epochs: int
    batch_size: int
    threads: int
    learning_rate: float
    foretell_weight: float
    follow_weight: float


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag, asking, stack = (run.load(name) for name in NEEDS)
tables, rows = run.leads()[0], Rows.of(begun.arrays)
all_tokens, start = Tokens(**bag.part("tokens")), asking.part("model")
y, train, stop, test = rows.y, rows.train, rows.stop, rows.test
features = BaselineFeatures.from_state(begun.state["features"])
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
wide = sparse.csr_matrix(features.transform(all_tokens), dtype=np.float32)
dense = LeadScout.from_state(stack.state["model"], stack.part("model"))
examples = Examples(all_tokens.truncate(dense.config.max_tokens, vocabulary), wide)
ids = np.arange(len(vocabulary))
counted = vocabulary.is_signal(ids) | vocabulary.is_word(ids)  # what is measured: no profile, so no persona


# %% By hand: what a router's choice for a profile foretells, and how far the tokens behind it stray
def kinds_by_hand(logits, batch):
    """logits (B, T, E) -> nats that the choice for a profile says of one signal, mean cross-entropy of what follows."""
    joint, strayed = np.zeros((settings.experts, len(vocabulary))), []
    for lead, ids, ages, length in zip(logits, batch.ids, batch.ages, batch.lengths, strict=True):
        signals = np.flatnonzero(~np.isnan(ages) & vocabulary.is_signal(ids))
        end = signals[0] if len(signals) else length - 1  # of the profile: no token of it has an age
        said = np.exp(lead[:end].sum(axis=0))  # (E,)
        for at in signals:
            joint[:, ids[at]] += said / said.sum()
        odds = np.exp(lead[end:length])  # (T', E)
        strayed += list(-np.log(odds[:, said.argmax()] / odds.sum(axis=1)))
    joint /= joint.sum()
    of_expert, of_signal = joint.sum(axis=1, keepdims=True), joint.sum(axis=0)
    share = joint / np.maximum(of_expert * of_signal, 1e-30)
    return np.sum(joint * np.log(np.maximum(share, 1e-30))), np.mean(strayed)


def make():
    return started_from(start, replace(dense.config, experts=settings.experts), run.seed)


batch, fresh, routings = examples.tokens.pad(train[:100]), make().eval(), []
with no_grad():
    fresh.hidden(fresh.embed(batch), batch.lengths, routings)
    for routing in routings:
        logits = np.full((batch.ids.size, settings.experts), np.nan)
        logits[routing.rows] = routing.logits.data
        by_hand = kinds_by_hand(logits.reshape(*batch.ids.shape, -1), batch)
        theirs = [each.item() for each in kind_losses(routing, batch, dense.config.language)]
        np.testing.assert_allclose(by_hand, theirs, rtol=1e-3, atol=1e-6)
print("both losses by hand equal the library's\n")

# %% Train twice from the same start: left to itself, and by kind
taught = {"foretell_weight": settings.foretell_weight, "follow_weight": settings.follow_weight}
plain = FitSettings(epochs=settings.epochs, batch_size=settings.batch_size, threads=settings.threads,
                    learning_rate=settings.learning_rate, final_rate=0.1, weight_decay=0.05)  # fmt: skip
latest = train[-settings.leads :]
ways, later = {"left to itself": {}, "by kind": taught}, (examples.take(stop), y[stop])
scouts = {name: make() for name in ways}
with progress_bars() as progress:
    for name, weights in ways.items():
        fitting = plain.model_copy(update=weights)
        fit(scouts[name], examples.take(latest), y[latest], fitting, seed=run.seed, stop=later, progress=progress)

# %% Break it: a router of tokens. What it knows of personas, against the same router paid for kinds
columns = [field.name for field in vocabulary.fields if field.type == "category" and field.name in tables.leads]
values = {c: np.unique(tables.leads[c].astype(str).to_numpy("U"), return_inverse=True) for c in columns}
names, _ = values["persona"]
held_out, found, shares = examples.take(test), {}, {}
for name, scout in scouts.items():
    for layer, use in lead_use(scout, held_out, counted).items():
        told = told_of("persona", {column: codes[test] for column, (_, codes) in values.items()}, use, draws=100)
        of_columns = told.information
        found.setdefault(name, []).append(
            {
                "information": of_columns["persona"],
                "by_chance": told.by_chance,
                "one_expert": told.one_expert(*np.searchsorted(names, PAIR)),
                "of_columns": of_columns,
            }
        )
        shares[name] = told.tokens / told.tokens.sum(axis=1, keepdims=True)  # of the last layer
        line = "{information:.3f} of 1 (by chance {by_chance:.3f}); founder and VP favour the same in {one_expert:.0%}"
        print(f"{name:14} layer {layer}: information on personas {line.format(**found[name][-1])}")
        print(
            "  on " + ", ".join(f"{column} {known:.3f}" for column, known in of_columns.items() if column != "persona")
        )
print("\nshares of the last layer's experts, signals and words of held-out leads, by persona: left to itself | by kind")
for i, each in enumerate(names):
    print(f"{each:18}" + "   |".join("".join(f"{s:6.0%}" for s in shares[name][i]) for name in scouts))

# %% Measure
logits, ms = {}, {}
for name, scout in scouts.items():
    logits[name], ms[name] = timed(lambda scout=scout: predict_logits(scout, held_out))
alone, paid = ways
judged = run.table(y[test], logits[paid], ms[paid], also={alone: logits[alone]}, also_ms={alone: ms[alone]})

# %% Hand over
least, most = min(e["information"] for e in found[paid]), max(e["information"] for e in found[alone])
shared = max(each["one_expert"] for each in found[paid])
title = f"Paid for what kinds foretell, experts tell personas apart: information {least:.2f}, left alone {most:.2f}"
figure, panels = new_figure(title, panels=2)
colors = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY, BLACK)
for panel, name in zip(panels, scouts, strict=True):
    left = np.zeros(len(names))
    for e in range(settings.experts):
        panel.barh(names, 100 * shares[name][:, e], left=left, color=colors[e % len(colors)])
        left += 100 * shares[name][:, e]
    label(panel, name, 50, len(names) - 0.4, BLACK, ha="center")
    panel.set(xlabel="signals and words, by expert (%)", xlim=(0, 100))
panels[1].set_yticks([])
run.hand_over(
    role="routed_scout",
    figure=figure,
    arrays={"test_logits": logits[paid]},
    parts={"model": scouts[paid].state_dict()},
    state={"model": scouts[paid].to_state()},
    judged=judged,
    findings={"layers": found, "shares": shares, "personas": list(names)},
    measured=f"normalised mutual information of persona and expert: at least {least:.3f} by kind, at most {most:.3f} "
    f"left to itself; a founder and a VP share a first expert in {shared:.0%}; {run.verdict(judged, '04')}",
    so_what="left alone, a router sorts by token, which pays at once; paid for what foretells signals, by kind of lead",
    try_this="deal the persona column out anew among leads, in a copy: which column do kinds follow then?",
)
