"""Instead of "lead score = 80": can a lead be a point in space, with like leads near it?

A lead becomes tokens (id, value, age): profile fields, signals, and the words of messages as byte pairs. Each token
gets a vector, and the mean of its tokens' vectors is where the lead lies. What such a bag can't see is measured too.

Needs: 00 (tokenizer, baseline). Leaves: the tokens of all leads, the trained vectors, its held-out logits.
Takes: about 10 s. Reference: Sennrich, Haddow and Birch 2016, section 3.2 (byte pairs).
This phase asks the oracle what two histories are worth that the bag can't tell apart; no model sees its answer.
"""

# %% Settings
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from textwrap import fill

import numpy as np

from tinyscout.cli.console import progress_bars
from tinyscout.course import open_phase
from tinyscout.course.figure import BLACK, GREY, VERMILION, label, new_figure
from tinyscout.course.train import ReplyModel, reply_logits, timed, train_replies
from tinyscout.leads.oracle import reply_probability
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.nn import Embedding, Linear
from tinyscout.tokenizer import SalesTokenizer
from tinyscout.tokenizer.bpe import split

NEEDS = ("00_logistic_baseline",)
SECONDS = 10
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
longest = sorted((word.decode().strip() for word in tokenizer.bpe.words[256:]), key=len)[-5:]
print(f"byte pairs by hand equal the library's; the longest learnt are {', '.join(longest)}\n")

# %% A lead as tokens (id, value, age)
tokens = tokenizer.encode(tables)


def in_words(row):
    """The tokens of a lead, signals and words with their age in days."""
    one = tokens.take(np.array([row]))
    return [names[i] + ("" if np.isnan(t) else f" ({t / 24:.0f} d)") for i, t in zip(one.ids, one.ages, strict=True)]


shown = next(row for row in test[y[test] == 1] if 20 <= tokens.lengths[row] <= 40)
print(f"a held-out lead that replied, as {tokens.lengths[shown]} tokens:")
print(fill(", ".join(in_words(shown)), 110, initial_indent="  ", subsequent_indent="  ") + "\n")


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


def points(bag):
    """The same by hand, for all leads: (N, D)."""
    E, W = bag.token.weight.data, bag.amount.weight.data  # (V, D)
    vectors = E[tokens.ids] + tokens.values[:, None] * W[tokens.ids]
    return np.add.reduceat(vectors, tokens.offsets[:-1]) / tokens.lengths[:, None]


bag = Bag(len(names), settings.width, np.random.default_rng(run.seed))
np.testing.assert_allclose(bag.point(tokens.pad(test[:99])).data, points(bag)[test[:99]], atol=1e-5)
with progress_bars() as progress:
    train_replies(bag, tokens, rows, settings, seed=run.seed, progress=progress)
test_logits, ms_per_lead = timed(lambda: reply_logits(bag, tokens, test))


# %% Like leads lie near each other
def unit(vectors):  # at length 1: dot products are cosines
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


where = points(bag)
where -= where[train].mean(axis=0)  # seen from the middle of the training leads
of_train, of_test = where[train], where[test]
cosines = unit(of_test) @ unit(of_train).T  # (M, R)
nearest = np.argpartition(-cosines, settings.neighbours, axis=1)[:, : settings.neighbours]
replied_nearby = y[train][nearest].mean(axis=1)  # (M,)
near_replier, near_other = (replied_nearby[y[test] == outcome].mean() for outcome in (1, 0))
print(
    f"of {settings.neighbours} leads near a replier {near_replier:.1%} replied, of those near another {near_other:.1%}"
)
print("nearest to the lead above:")
for place in np.argsort(-cosines[test == shown][0])[:3]:
    told = [name for name in in_words(train[place]) if name.startswith(("persona", "signal"))][:5]
    print(f"  cosine {cosines[test == shown][0, place]:.2f}, replied: {bool(y[train[place]])}; {', '.join(told)}")

# %% Break it, first: one score. Are leads of the same baseline score alike?
baseline, features = LogisticBaseline.from_state(state["baseline"]), BaselineFeatures.from_state(state["features"])
ranked = np.argsort(baseline.decision_function(features.transform(tokens.take(test))))
score_80, alike = ranked[int(0.795 * len(ranked)) : int(0.805 * len(ranked))], {}  # they beat 80 % of the leads
for name, group in (("score 80", score_80), ("any two", ranked[::7])):
    cosine = unit(of_test[group]) @ unit(of_test[group]).T
    alike[name] = float(np.median(cosine[np.triu_indices(len(group), 1)]))
print(f'\n{len(score_80)} held-out leads have "lead score = 80"; the median cosine of two of them is')
print(f"{alike['score 80']:.2f}, of any two leads {alike['any two']:.2f}")

# %% Break it, second: a bag has no order. Exchange the last unsubscribe and the last demo request of a lead.
signals, row = tables.signals[["kind", "channel", "text"]], np.asarray(tables.signals["row"])
last = np.full((2, len(y)), -1)
for which, name in enumerate(EXCHANGED):
    last[which, row[signals["kind"] == name]] = np.flatnonzero(signals["kind"] == name)  # of several the last stays
both = np.flatnonzero((last >= 0).all(axis=0))
order = np.arange(len(signals))
order[last[0, both]], order[last[1, both]] = last[1, both], last[0, both]
signals = signals.iloc[order].reset_index(drop=True)
twin_tables = replace(tables, signals=tables.signals.assign(**{name: signals[name] for name in signals}))
twins = tokenizer.encode(twin_tables)
moved = np.abs(reply_logits(bag, twins, both) - reply_logits(bag, tokens, both)).max()
as_is, exchanged = reply_probability(tables), reply_probability(twin_tables)  # (N,)
asked = np.where(last[0, both] < last[1, both], as_is[both], exchanged[both]).mean()  # the demo request came last
gone = np.where(last[0, both] < last[1, both], exchanged[both], as_is[both]).mean()
print(f"\n{len(both)} leads both unsubscribed and asked for a demo: with the demo last {asked:.1%} reply, with the")
print(f"unsubscribe last {gone:.1%}; the bag's logit moves by at most {moved:.0e} when the two are exchanged")

# %% Measure
judged = run.table(y[test], test_logits, ms_per_lead)

# %% Hand over: a map along the two directions in which leads spread most (principal components by SVD)
east, north = (of_test @ np.linalg.svd(of_train, full_matrices=False)[2][:2].T).T
title = f"Of a replier's neighbours on the map of leads {near_replier:.0%} replied, of others' {near_other:.0%}"
figure, (ax,) = new_figure(title)
for outcome, name, color in ((0, "silent", GREY), (1, "replied", VERMILION)):
    at = y[test] == outcome
    ax.scatter(east[at], north[at], s=4 + 8 * outcome, color=color, alpha=0.8, linewidths=0)
    label(ax, name, east[at].mean(), north.max(), color, ha="center", above=12)
for name, who in (("no signals", np.setdiff1d(test, row)), ("asked for a demo", np.flatnonzero(last[1] >= 0))):
    here = np.isin(test, who)
    label(ax, name, np.median(east[here]), np.median(north[here]), BLACK, ha="center")
ax.set(xlabel="first principal component of the held-out leads", ylabel="second principal component")
kept = np.intersect1d(both, test)
run.hand_over(
    role="bag",
    figure=figure,
    arrays={"test_logits": test_logits, "twin_rows": kept, "twin_gain": (exchanged - as_is)[kept]},
    parts={"tokens": vars(tokens), "twins": vars(twins.take(kept)), "model": bag.state_dict()},
    judged=judged,
    findings={"near_replier": near_replier, "near_other": near_other, "cosine": alike, "orders": [asked, gone, moved]},
    measured=f"{run.verdict(judged, '00')}; {near_replier:.1%} of a replier's neighbours reply, {near_other:.1%} of "
    f"others'; order is worth {asked:.1%} or {gone:.1%} and moves the bag by {moved:.0e}",
    so_what="a point keeps apart what one score puts together, but a bag of tokens knows neither order nor age",
    try_this="give Bag std=1.0: the vectors then stay where chance put them. Who are a lead's neighbours now?",
)
