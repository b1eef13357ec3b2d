"""Instead of "lead score = 80": can a lead be a point in space, with like leads near it?

A lead becomes tokens (id, value, age): profile fields, signals, and the words of messages as byte pairs. Each token
gets a vector, and the mean of its tokens' vectors is where the lead lies. What such a bag can't see is measured too.

Needs: 00 (tokenizer, baseline). Leaves: the tokens of all leads, the trained vectors, its held-out logits.
Takes: about 20 s. Reference: Sennrich, Haddow and Birch 2016, section 3.2 (byte pairs).
This phase asks the oracle what two histories are worth that the bag can't tell apart; no model sees its answer.
"""

# %% Settings
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from tinyscout.autograd import no_grad
from tinyscout.cli.console import progress_bars
from tinyscout.course import open_phase
from tinyscout.course.figure import BLACK, BLUE, GREY, VERMILION, label, new_figure
from tinyscout.course.train import ReplyModel, reply_logits, timed_logits, train_replies
from tinyscout.leads.oracle import reply_probability
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.nn import Embedding, Linear
from tinyscout.tokenizer import SalesTokenizer
from tinyscout.tokenizer.bpe import split

NEEDS = ("00_logistic_baseline",)
SECONDS = 20
EXCHANGED = ("unsubscribe", "demo_request")


@dataclass(frozen=True)
class Settings:
    merges_by_hand: int
    width: int
    epochs: int
    learning_rate: float
    neighbours: int


run = open_phase(__file__, Settings)
settings = run.settings
state = run.load("00_logistic_baseline").state
tokenizer = SalesTokenizer.from_state(state["tokenizer"])
names = tokenizer.vocabulary.names
tables, rows = run.leads()
y, train, test = rows.y, rows.train, rows.test


# %% By hand: byte pairs. Join the commonest adjacent pair of ids into a new id, and again.
def learn_merges(counts, merges):
    """counts: how often each piece of text (a word with its space) comes -> the pairs joined, in order."""
    spelled = {piece: list(piece.encode()) for piece in counts}
    learnt = []
    for new in range(256, 256 + merges):
        pairs = Counter()
        for piece, ids in spelled.items():
            for pair in pairwise(ids):
                pairs[pair] += counts[piece]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))  # the commonest, then the smaller
        for ids in spelled.values():
            for i in range(len(ids) - 1, 0, -1):
                if tuple(ids[i - 1 : i + 1]) == best:
                    ids[i - 1 : i + 1] = [new]
        learnt.append(best)
    return learnt


counts = Counter()
for text, number in Counter(tables.take(train).signals["text"].dropna()).items():
    for piece in split(text):
        counts[piece] += number
assert learn_merges(counts, settings.merges_by_hand) == tokenizer.bpe.merges[: settings.merges_by_hand]
longest = sorted((word.decode() for word in tokenizer.bpe.words[256:]), key=len)[-5:]
print(f"byte pairs by hand: the first {settings.merges_by_hand} equal the library's; the longest of all it learnt:")
print(f"  {', '.join(word.strip() for word in longest)}\n")

# %% A lead as tokens (id, value, age)
tokens = tokenizer.encode(tables)


def in_words(row):
    """The tokens of a lead, signals and words with their age in days."""
    one = tokens.take(np.array([row]))
    ages = ["" if np.isnan(age) else f" ({age / 24:.0f} d)" for age in one.ages]
    return [names[i] + age for i, age in zip(one.ids, ages, strict=True)]


shown = next(row for row in test[y[test] == 1] if 20 <= tokens.lengths[row] <= 40)
print(f"a held-out lead that replied, as {tokens.lengths[shown]} tokens:\n  {', '.join(in_words(shown))}\n")


# %% A lead as a point: the mean over its tokens of E[id] + value * W[id]
class Bag(ReplyModel):
    def __init__(self, vocabulary, width, rng):
        self.token = Embedding(vocabulary, width, std=0.3, rng=rng)
        self.amount = Embedding(vocabulary, width, std=0.3, rng=rng)
        self.reply = Linear(width, 1, rng=rng)

    def point(self, batch):  # ids, values (B, T) -> (B, D)
        vectors = self.token(batch.ids) + self.amount(batch.ids, scale=batch.values)  # (B, T, D)
        inside = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]  # (B, T)
        return (vectors * (inside / batch.lengths[:, None])[..., None].astype(np.float32)).sum(axis=1)

    def __call__(self, batch):
        return self.reply(self.point(batch)).reshape(-1)


bag = Bag(len(names), settings.width, np.random.default_rng(run.seed))
E, W, one = bag.token.weight.data, bag.amount.weight.data, tokens.take(np.array([shown]))
by_hand = np.mean([E[i] + value * W[i] for i, value in zip(one.ids, one.values, strict=True)], axis=0)
np.testing.assert_allclose(bag.point(one.pad()).data[0], by_hand, atol=1e-6)
with progress_bars() as progress:
    fitting = {"epochs": settings.epochs, "learning_rate": settings.learning_rate, "seed": run.seed}
    train_replies(bag, tokens, rows, **fitting, progress=progress)
test_logits, ms_per_lead = timed_logits(bag, tokens, test)


# %% Like leads lie near each other
def points(which):
    """Where leads lie: (R, D)."""
    with no_grad():
        return np.concatenate(
            [bag.point(tokens.pad(part)).data for part in np.array_split(which, len(which) // 512 + 1)]
        )


def unit(vectors):  # seen from the middle of the training leads, at length 1: dot products are cosines
    return (vectors - middle) / np.linalg.norm(vectors - middle, axis=1, keepdims=True)


of_train, of_test = points(train), points(test)
middle = of_train.mean(axis=0)
cosines = unit(of_test) @ unit(of_train).T  # (M, R)
nearest = np.argpartition(-cosines, settings.neighbours, axis=1)[:, : settings.neighbours]
replied_nearby = y[train][nearest].mean(axis=1)  # (M,)
near_replier, near_other = replied_nearby[y[test] == 1].mean(), replied_nearby[y[test] == 0].mean()
print(
    f"of the {settings.neighbours} leads nearest to a replier {near_replier:.1%} replied, of those nearest to others {near_other:.1%}"
)
print("nearest to the lead above:")
for place in np.argsort(-cosines[test == shown][0])[:3]:
    story = [name for name in in_words(train[place]) if name.startswith(("persona", "signal"))]
    outcome = "replied" if y[train[place]] else "silent"
    print(f"  cosine {cosines[test == shown][0, place]:.2f}, {outcome}: {', '.join([story[0], *story[1:][-4:]])}")

# %% Break it, first: one score. Are leads of the same baseline score alike?
baseline, features = LogisticBaseline.from_state(state["baseline"]), BaselineFeatures.from_state(state["features"])
ranked = np.argsort(baseline.decision_function(features.transform(tokens.take(test))))
score_80 = ranked[int(0.795 * len(ranked)) : int(0.805 * len(ranked))]  # they beat 80 % of the held-out leads
alike = {}
for name, group in (("score 80", score_80), ("any two", ranked[::7])):
    cosine = unit(of_test[group]) @ unit(of_test[group]).T
    alike[name] = float(np.median(cosine[np.triu_indices(len(group), 1)]))
print(f'\n{len(score_80)} held-out leads have "lead score = 80"; the median cosine of two of them is')
print(f"{alike['score 80']:.2f}, of any two leads {alike['any two']:.2f}")

# %% Break it, second: a bag has no order. Exchange the last unsubscribe and the last demo request of a lead.
signals = tables.signals[["kind", "channel", "text"]]
kind, row = signals["kind"].astype(str).to_numpy(), tables.signals["row"].to_numpy()
last = {name: pd.Series(np.flatnonzero(kind == name)).groupby(row[kind == name]).max() for name in EXCHANGED}
both = np.intersect1d(last[EXCHANGED[0]].index, last[EXCHANGED[1]].index)
first, second = (last[name][both].to_numpy() for name in EXCHANGED)
order = np.arange(len(signals))
order[first], order[second] = second, first
twin_tables = replace(tables, signals=tables.signals.assign(**{n: signals[n].take(order).array for n in signals}))
twins = tokenizer.encode(twin_tables)
moved = np.abs(reply_logits(bag, twins, both) - reply_logits(bag, tokens, both)).max()
as_is, exchanged = reply_probability(tables), reply_probability(twin_tables)  # (N,)
gain = exchanged - as_is
alive, dead = np.where(first < second, (as_is[both], exchanged[both]), (exchanged[both], as_is[both]))
asked, gone = alive.mean(), dead.mean()
print(f"\n{len(both)} leads both unsubscribed and asked for a demo: with the demo last {asked:.1%} reply, with the")
print(f"unsubscribe last {gone:.1%}; the bag's logit moves by at most {moved:.0e} when the two are exchanged")

# %% Measure
judged = run.table(y[test], test_logits, ms_per_lead)
own, rival = (judged.rows[phase.label]["log_loss"] for phase in (run.phase, run.course.phase("00")))

# %% Hand over: a map along the two directions in which leads spread most (principal components by SVD)
_, _, axes = np.linalg.svd(of_train - middle, full_matrices=False)
east, north = ((of_test - middle) @ axes[:2].T).T
figure, (left, right) = new_figure(
    f"{near_replier:.0%} of a replier's neighbours on the map reply, {near_other:.0%} of others'; but histories worth "
    f"{asked:.0%} and {gone:.0%} are one point when only their order differs",
    panels=2,
)
left.scatter(east, north, s=3, color=GREY, alpha=0.35, linewidths=0)
left.scatter(east[y[test] == 1], north[y[test] == 1], s=9, color=VERMILION, linewidths=0)
for name in ("demo_request", "unsubscribe", "security_paper", "free_trial_start", "social_like"):
    have = np.isin(test, row[kind == name])
    label(left, name, np.median(east[have]), np.median(north[have]), BLACK, ha="center")
left.set(xlabel="first principal component", ylabel="second principal component")
left.set_title("held-out leads, repliers in red; medians of leads by a signal they have", fontsize=9)
for name, share, color in (("demo last", alive, VERMILION), ("unsubscribe last", dead, BLUE)):
    right.plot(np.sort(share), np.linspace(0, 100, len(share)), color=color)
    label(right, name, float(np.quantile(share, 0.9)), 88, color, ha="right" if name == "demo last" else "left")
right.set(xlabel="true probability of a reply", ylabel="leads with less (%)")
right.set_title(f"{len(both)} leads in both orders; the bag scores both alike", fontsize=9)
kept = np.intersect1d(both, test)
run.hand_over(
    role="bag",
    figure=figure,
    arrays={"test_logits": test_logits, "twin_rows": kept, "twin_gain": gain[kept]},
    parts={"tokens": vars(tokens), "twins": vars(twins.take(kept)), "model": bag.state_dict()},
    judged=judged,
    findings={
        "replied_nearby": {"repliers": near_replier, "others": near_other},
        "median_cosine": alike,
        "order": {"leads": len(both), "demo_last": asked, "unsubscribe_last": gone, "moved": float(moved)},
    },
    measured=f"log loss {own:.4f}, the baseline {rival:.4f}; {near_replier:.1%} of a replier's neighbours reply, "
    f"{near_other:.1%} of others'; order is worth {asked:.1%} or {gone:.1%} and moves the bag by {moved:.0e}",
    so_what="a point keeps apart what one score puts together, but a bag of tokens knows neither order nor age",
    try_this="give Bag std=1.0: the vectors then stay where chance put them. Who are a lead's neighbours now?",
)
