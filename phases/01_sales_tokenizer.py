"""Instead of "lead score = 80": can a lead be a point in space, with like leads near it?

A lead becomes tokens (id, value, age): profile fields, signals, and the words of messages as byte pairs. Each token
gets a vector, and the mean of its tokens' vectors is where the lead lies. What such a bag can't see is measured too.

Needs: 00 (tokenizer, baseline). Leaves: the tokens of all leads, the trained vectors, its held-out logits.
Takes: about 10 s. Reference: Sennrich, Haddow and Birch 2016, section 3.2 (byte pairs).
The leads are synthetic: the oracle knows each one's true chance of a reply. It is asked here; no model sees its answer.
"""

# %% Settings
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from textwrap import fill

import numpy as np

from tinyscout.cli.console import progress_bars
from tinyscout.course import open_phase
from tinyscout.course.figure import BLUE, GREEN, GREY, PURPLE, VERMILION, label, new_figure
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
print(f"byte pairs by hand equal the library's; the longest are {', '.join(longest)}\n")

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


# %% Like leads lie near each other. Break it, first: what does one score keep of what a lead is like?
where = points(bag)
where -= where[train].mean(axis=0)  # seen from the middle of the training leads
directions = where / np.linalg.norm(where, axis=1, keepdims=True)  # of length 1: their products are cosines
cosines = directions[test] @ directions[train].T  # (M, R)
near = np.argpartition(-cosines, settings.neighbours, axis=1)[:, : settings.neighbours]
baseline, features = LogisticBaseline.from_state(state["baseline"]), BaselineFeatures.from_state(state["features"])
score = baseline.decision_function(features.transform(tokens))
ranked = np.argsort(score[train])
first = np.searchsorted(score[train][ranked], score[test]) - settings.neighbours // 2
first = np.clip(first, 0, len(train) - settings.neighbours)[:, None]
of_like_score = ranked[first + np.arange(settings.neighbours)]  # (M, neighbours), as near
chance = np.random.default_rng(run.seed).integers(0, len(train), near.shape)

signals, row = tables.signals[["kind", "channel", "text"]], np.asarray(tables.signals["row"])
kinds, codes = np.unique(np.asarray(signals["kind"], str), return_inverse=True)
often = np.bincount(row * len(kinds) + codes, minlength=len(y) * len(kinds)).reshape(-1, len(kinds))  # (N, kinds)
main = np.where(often.any(axis=1), often.argmax(axis=1), -1)  # the commonest signal of a lead
persona = np.asarray(tables.leads["persona"], str)
alike = {}
print(f"{settings.neighbours} training leads for each held-out lead: how like it; how many replied, if it did, if not:")
for name, others in (("near it on the map", near), ("of like score", of_like_score), ("any", chance)):
    share = [float((of[train][others] == of[test][:, None]).mean()) for of in (main, persona)]
    replied = [float(y[train][others][y[test] == outcome].mean()) for outcome in (1, 0)]
    alike[name] = {"signal": share[0], "persona": share[1], "replied": replied}
    print(f"  {name + ':':<19} the same commonest signal {share[0]:4.0%}, persona {share[1]:4.0%}; ", end="")
    print(f"replied {replied[0]:5.1%}, {replied[1]:5.1%}")
for place in np.argsort(-cosines[test == shown][0])[:3]:
    told = [name for name in in_words(train[place]) if name.startswith(("persona", "signal"))][:3]
    print(f"near the lead above (cosine {cosines[test == shown][0, place]:.2f}): {', '.join(told)}")

# %% Break it, second: a bag has no order. Exchange the last unsubscribe and the last demo request of a lead.
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
east, north = (where[test] @ np.linalg.svd(where[train], full_matrices=False)[2][:2].T).T
on_map, by_score = alike["near it on the map"], alike["of like score"]
title = f"Of a lead's neighbours on the map {on_map['signal']:.0%} share its commonest signal, of leads of like score "
figure, (ax,) = new_figure(f"{title}{by_score['signal']:.0%}")
ax.scatter(east, north, s=4, color=GREY, alpha=0.5, linewidths=0)
commonest = np.argsort(-np.bincount(main[test][main[test] >= 0]))
for kind, color in zip(commonest, (VERMILION, BLUE, GREEN, PURPLE), strict=False):
    at = main[test] == kind
    ax.scatter(east[at], north[at], s=8, color=color, linewidths=0)
    label(ax, str(kinds[kind]), np.median(east[at]), np.median(north[at]), color, ha="center")
ax.set(xlabel="first principal component of the leads (no unit)", ylabel="second principal component (no unit)")
kept = np.intersect1d(both, test)
run.hand_over(
    role="bag",
    figure=figure,
    arrays={"test_logits": test_logits, "twin_rows": kept, "twin_gain": (exchanged - as_is)[kept]},
    parts={"tokens": vars(tokens), "twins": vars(twins.take(kept)), "model": bag.state_dict()},
    judged=judged,
    findings={"alike": alike, "orders": [asked, gone, moved]},
    measured=f"{run.verdict(judged, '00')}; neighbours share the commonest signal in {on_map['signal']:.0%}, by score "
    f"{by_score['signal']:.0%}; with the demo last {asked:.1%} reply, else {gone:.1%}; the bag moves by {moved:.0e}",
    so_what="a point keeps what one score throws away, but a bag of tokens knows neither order nor age",
    try_this="give Bag std=1.0: the vectors then stay where chance put them. Who are a lead's neighbours now?",
)
