"""Does the model know that a signal two hours old says more than one two months old?

Age joins the token's vector: E[id] + value * W[id] + time(age). Two hours against two months is a ratio, so time(age)
are sines over the logarithm of the age. A hidden layer lets an age mean something else for each kind of signal.

Needs: 00 (rows), 01 (tokens, vectors). Leaves: the timed bag and its held-out logits.
Takes: about 12 s. Reference: Vaswani et al. 2017, section 3.5 (sinusoids, there of positions).
This phase asks the oracle what an older signal is worth; no model sees its answer.
"""

# %% Settings
from dataclasses import dataclass, replace

import numpy as np

from tinyscout.autograd import ops
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, GREY, VERMILION, label, new_figure
from tinyscout.course.train import ReplyModel, reply_logits, timed, train_replies
from tinyscout.leads.oracle import reply_probability
from tinyscout.metrics import log_loss, probability
from tinyscout.models.time_encoding import TimeEncoding
from tinyscout.nn import Embedding, Linear
from tinyscout.tokenizer import SalesTokenizer, Tokens

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer")
SECONDS = 12
HOURS = {"2 h": 2, "1 d": 24, "1 wk": 168, "1 mo": 730, "2 mo": 1460}
BUYING = ("demo_request", "docs_visit")


@dataclass(frozen=True)
class Settings:
    hidden: int
    frequencies: int
    epochs: int
    learning_rate: float


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag = run.load("00_logistic_baseline"), run.load("01_sales_tokenizer")
rows, tokens = Rows.of(begun.arrays), Tokens(**bag.part("tokens"))
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
y, test = rows.y, rows.test
start = bag.part("model")
width = start["token.weight"].shape[1]


# %% By hand: sines of the logarithm of an age
def encode_ages(hours, weight):
    """Ages (...) in hours, NaN for none -> (..., D); weight (D, 2 + 2 * frequencies) is learnt."""
    known = ~np.isnan(hours)
    u = np.log1p(60 * np.where(known, hours, 0)) / np.log1p(60 * 24 * 365 * 10)  # 0 now, 1 ten years ago
    angles = u[..., None] * np.pi * 2 ** np.arange(settings.frequencies)  # (..., frequencies): half a turn, one, two
    features = np.concatenate([np.ones_like(u)[..., None], u[..., None], np.sin(angles), np.cos(angles)], axis=-1)
    return features * known[..., None] @ weight.T  # no age gives zeros, which is not what age 0 gives


time_encoding = TimeEncoding(width, frequencies=settings.frequencies, rng=np.random.default_rng(run.seed))
ages = np.array([[0.5, 2, 3, np.nan], [1460, 1461, 2190, 24]], np.float32)
weight = time_encoding.project.weight.data
np.testing.assert_allclose(time_encoding(ages).data, encode_ages(ages, weight), rtol=1e-3, atol=2e-4)
apart = {
    f"{a:g} h from {b:g} h": np.linalg.norm(np.subtract(*encode_ages(np.array([a, b]), weight)))
    for a, b in ((2, 3), (1460, 1461), (1460, 2190), (2, 1460))
}
print("time by hand equals the library's; how far apart two ages are:")
print("  " + ", ".join(f"{pair}: {distance:.2f}" for pair, distance in apart.items()) + "\n")


# %% The bag of phase 01, in three versions: without time, with the order of tokens alone, with their ages
class TimedBag(ReplyModel):
    def __init__(self, time, rng):
        self.token = Embedding(len(vocabulary), width, rng=rng)
        self.amount = Embedding(len(vocabulary), width, rng=rng)
        self.token.weight.data[:], self.amount.weight.data[:] = start["token.weight"], start["amount.weight"]
        self.age = TimeEncoding(width, frequencies=settings.frequencies, rng=rng) if time == "elapsed" else None
        self.place = Embedding(512, width, rng=rng) if time == "order" else None
        self.up = Linear(width, settings.hidden, rng=rng)
        self.reply = Linear(settings.hidden, 1, rng=rng)

    def __call__(self, batch):
        x = self.token(batch.ids) + self.amount(batch.ids, scale=batch.values)  # (B, T, D)
        if self.age:
            x = x + self.age(batch.ages)
        if self.place:  # counted from the end: 1 is the latest token
            x = x + self.place(np.clip(batch.lengths[:, None] - np.arange(batch.ids.shape[1]), 0, 511))
        inside = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]  # (B, T)
        share = (inside / batch.lengths[:, None])[..., None].astype(np.float32)
        return self.reply((ops.gelu(self.up(x)) * share).sum(axis=1)).reshape(-1)


models = {}
with progress_bars() as progress:
    for time in ("none", "order", "elapsed"):
        models[time] = TimedBag(time, np.random.default_rng(run.seed))
        train_replies(models[time], tokens, rows, settings, seed=run.seed, progress=progress)


# %% Break it: deal a lead's ages out among its signals anew. Who notices?
def with_ages_dealt_out(tokens, rng):
    aged = np.flatnonzero(~np.isnan(tokens.ages))
    shuffled = aged[np.lexsort((rng.random(len(aged)), tokens.lead[aged]))]  # within each lead
    ages = tokens.ages.copy()
    ages[aged] = tokens.ages[shuffled]
    return replace(tokens, ages=ages)


shuffled = with_ages_dealt_out(tokens, np.random.default_rng(run.seed))
kept, losses, moves = {}, {}, {}
for time, model in models.items():
    kept[time], dealt = reply_logits(model, tokens, test), reply_logits(model, shuffled, test)
    losses[time] = log_loss(y[test], kept[time]), log_loss(y[test], dealt)
    moves[time] = np.abs(dealt - kept[time])
    print(
        f"time: {time:<8} log loss {losses[time][0]:.4f}, ages shuffled within each lead {losses[time][1]:.4f}, ",
        end="",
    )
    print(f"logits move by {moves[time].mean():.2g} on average")


# %% Two hours against two months: make a buying signal of the held-out leads older, step by step
tables, _ = run.leads()


def mean_probability(kind, hours):
    """Of the held-out leads with this kind of signal, were all of theirs this old: mean score, and mean truth."""
    having = np.intersect1d(tables.signals["row"][tables.signals["kind"] == kind], test)
    names = (f"signal={kind}", f"signal={kind}@")  # by any channel
    older, some = tokens.take(having), tables.take(having)
    chosen = np.isin(older.ids, [i for i, name in enumerate(vocabulary.names) if name.startswith(names)])
    older = replace(older, ages=np.where(chosen, np.float32(hours), older.ages))
    aged = some.signals.assign(age_hours=some.signals["age_hours"].mask(some.signals["kind"] == kind, float(hours)))
    aged = aged.sort_values(["row", "age_hours"], ascending=[True, False], kind="stable", ignore_index=True)
    truth = reply_probability(replace(some, signals=aged)).mean()
    return probability(reply_logits(models["elapsed"], older, np.arange(len(having)))).mean(), truth


print(f"\nmean probability of a reply if the signal is {', '.join(HOURS)} old:")
falls = {kind: np.transpose([mean_probability(kind, hours) for hours in HOURS.values()]) for kind in BUYING}
for kind, (scores, truth) in falls.items():  # (hours,) each
    for name, means in (("score", scores), ("truth", truth)):
        print(f"  {kind + ',' if name == 'score' else '':<14} {name}: {', '.join(f'{mean:5.1%}' for mean in means)}")
twins, twin_rows = Tokens(**bag.part("twins")), bag.arrays["twin_rows"]
before = reply_logits(models["elapsed"], tokens, twin_rows)
after = reply_logits(models["elapsed"], twins, np.arange(len(twins)))
right = float(np.mean(np.sign(after - before) == np.sign(bag.arrays["twin_gain"])))
print(f"unsubscribe and demo exchanged: the score moves the way the truth does in {right:.0%} of {len(twins)} leads")

# %% Measure
test_logits, ms_per_lead = timed(lambda: reply_logits(models["elapsed"], tokens, test))
judged = run.table(y[test], test_logits, ms_per_lead, also={"no time": kept["none"], "order alone": kept["order"]})
gain = judged.differences["no time"]["log_loss"]

# %% Hand over
scores, truth = falls["demo_request"]
shows = f"costs {gain.value:.4f}" if gain.low > 0 else "shows no cost" if gain.high > 0 else f"gains {-gain.value:.4f}"
title = f"Leaving ages out {shows} in log loss; a demo request two months instead of two hours old takes "
title += f"the score from {scores[0]:.0%} to {scores[-1]:.0%}, the truth from {truth[0]:.0%} to {truth[-1]:.0%}"
figure, (left, right_panel) = new_figure(title, panels=2)
for means, name, color, above in ((scores, "score", BLUE, -12), (truth, "truth", VERMILION, 12)):
    left.plot(list(HOURS.values()), 100 * means, "o-", color=color)
    label(left, f"demo request, {name}", 2, 100 * means[0], color, above=above)
left.set(xscale="log", xlabel="age given to the signal", ylabel="mean probability of a reply (%)")
left.set_ylim(0, 110 * max(*scores, *truth))
left.set_xticks(list(HOURS.values()), list(HOURS), fontsize=8)
left.minorticks_off()
for i, (time, (as_is, dealt)) in enumerate(losses.items()):
    right_panel.annotate("", (dealt, i), (as_is, i), arrowprops={"arrowstyle": "->", "color": VERMILION})
    right_panel.plot(as_is, i, "o", color=GREY if time == "none" else BLUE)
    label(right_panel, f"time: {time}", as_is, i, "black", above=12, ha="center")
right_panel.set(
    xlabel="log loss of the held-out leads (nats)\narrow: ages shuffled in each lead", yticks=[], ylim=(-0.5, 2.5)
)
right_panel.margins(x=0.2)
run.hand_over(
    role="timed bag",
    figure=figure,
    arrays={"test_logits": test_logits},
    parts={"model": models["elapsed"].state_dict()},
    judged=judged,
    findings={
        "shuffled_ages": {t: {"as_is": a, "shuffled": b, "moved": moves[t].mean()} for t, (a, b) in losses.items()},
        "older_signal": {kind: dict(zip(HOURS, pairs.T, strict=True)) for kind, pairs in falls.items()},
        "twins_right": right,
    },
    measured=f"{run.verdict(judged, '01')}; leaving ages out costs {gain.value:.4f} (95 % interval {gain.low:.4f} to "
    f"{gain.high:.4f}); with a demo request of 2 h the mean score is {scores[0]:.1%}, of 2 months "
    f"{scores[-1]:.1%} (truth {truth[0]:.1%}, {truth[-1]:.1%}); twins move rightly in {right:.0%} (a coin: 50%)",
    so_what="how long ago is a coordinate of the token; deal ages out anew, and only a model that reads them notices",
    try_this="set frequencies to 0, 2 or 8 in a copy of configs/phases.toml: how many sines does an age need?",
)
