"""Can a signal ask the other tokens of its lead what it means there?

A docs visit means one thing from a founder, another from a vice president. In a bag each token speaks for itself;
with attention it first asks the tokens before it: queries and keys decide whom, values are what it hears.

Needs: 00 (rows), 01 (tokens), 02 (the timed bag, from which training starts). Leaves: the model and its logits.
Takes: about 12 s. Reference: Vaswani et al. 2017, section 3.2.1 and its footnote 4 (why 1/sqrt(d)).
"""

# %% Settings
import math
from dataclasses import dataclass

import numpy as np

from tinyscout.autograd import Tensor, ops
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, VERMILION, label, new_figure
from tinyscout.course.train import ReplyModel, reply_logits, timed, train_replies
from tinyscout.models.time_encoding import TimeEncoding
from tinyscout.nn import Dropout, Embedding, LayerNorm, Linear, MultiHeadAttention
from tinyscout.tokenizer import SalesTokenizer, Tokens

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer", "02_time_encoding")
SECONDS = 12
MAX_TOKENS = 128


@dataclass(frozen=True)
class Settings:
    heads: int
    dropout: float
    epochs: int
    learning_rate: float


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag, aged = (run.load(name) for name in NEEDS)
rows = Rows.of(begun.arrays)
y, test = rows.y, rows.test
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
tokens = Tokens(**bag.part("tokens")).truncate(MAX_TOKENS, vocabulary)  # the cost grows with the square of the length
start = aged.part("model")
width, hidden = start["token.weight"].shape[1], start["up.weight"].shape[0]


# %% By hand: queries, keys and values, a causal mask, a softmax; and the way back through all of it
def hear(qkv, lengths, scale=None):
    """qkv (B, T, 3D) -> what each position heard (B, T, D), whom it asked (B, H, T, T), and q, k, v, scale."""
    B, T, D = *qkv.shape[:2], qkv.shape[2] // 3
    H, K = settings.heads, D // settings.heads
    q, k, v = qkv.reshape(B, T, 3, H, K).transpose(2, 0, 3, 1, 4)  # (B, H, T, K) each
    scale = 1 / math.sqrt(K) if scale is None else scale
    scores = q @ k.swapaxes(-1, -2) * scale  # (B, H, T, T)
    place = np.arange(T)
    seen = place[:, None] >= place  # (T, T): nobody asks a later token
    seen = seen & (place < lengths[:, None])[:, None, None, :]  # (B, 1, T, T): nor padding
    scores = np.where(seen, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)  # each row adds up to 1
    return (weights @ v).transpose(0, 2, 1, 3).reshape(B, T, D), weights, (q, k, v, scale)


def hear_backward(dy, weights, q, k, v, scale):
    """dy (B, T, D), the gradient of what was heard -> that of qkv (B, T, 3D)."""
    (B, H, T, K), D = q.shape, dy.shape[2]
    dy = dy.reshape(B, T, H, K).transpose(0, 2, 1, 3)  # (B, H, T, K)
    dweights = dy @ v.swapaxes(-1, -2)  # (B, H, T, T)
    dscores = weights * (dweights - (weights * dweights).sum(axis=-1, keepdims=True))  # 0 where one weight is 1
    parts = dscores @ k * scale, dscores.swapaxes(-1, -2) @ q * scale, weights.swapaxes(-1, -2) @ dy  # of q, k, v
    return np.stack(parts).transpose(1, 3, 0, 2, 4).reshape(B, T, 3 * D)


# %% Phase 02's timed bag, with the tokens asking each other first
class Asking(ReplyModel):
    def __init__(self, rng, scale=None):
        self.token = Embedding(len(vocabulary), width, rng=rng)
        self.amount = Embedding(len(vocabulary), width, rng=rng)
        self.age = TimeEncoding(width, frequencies=start["age.project.weight"].shape[1] // 2 - 1, rng=rng)
        self.up = Linear(width, hidden, rng=rng)
        self.reply = Linear(hidden, 1, rng=rng)
        self.load_state_dict(start)
        self.norm = LayerNorm(width)
        self.attention = MultiHeadAttention(width, settings.heads, rng=rng)
        self.dropout = Dropout(settings.dropout, rng=rng)
        self.scale = scale

    def embed(self, batch):
        return self.token(batch.ids) + self.amount(batch.ids, scale=batch.values) + self.age(batch.ages)

    def __call__(self, batch):
        x = self.embed(batch)  # (B, T, D)
        qkv = self.attention.qkv(self.norm(x))  # (B, T, 3D)
        heard = ops.self_attention(qkv, heads=settings.heads, lengths=batch.lengths, scale=self.scale)
        x = x + self.dropout(self.attention.out(heard))
        inside = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]  # (B, T)
        share = (inside / batch.lengths[:, None])[..., None].astype(np.float32)
        return self.reply((ops.gelu(self.up(x)) * share).sum(axis=1)).reshape(-1)


fresh = Asking(np.random.default_rng(run.seed))
batch = tokens.pad(rows.train[:32])
inside = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]  # what padding itself asks is nobody's business
qkv = Tensor(fresh.attention.qkv(fresh.norm(fresh.embed(batch))).data, requires_grad=True)
by_library = ops.self_attention(qkv, heads=settings.heads, lengths=batch.lengths)
by_hand, weights, parts = hear(qkv.data, batch.lengths)
np.testing.assert_allclose(by_hand[inside], by_library.data[inside], atol=1e-5)
dy = np.random.default_rng(run.seed).normal(size=by_hand.shape).astype(np.float32) * inside[..., None]
by_library.backward(dy)
np.testing.assert_allclose(hear_backward(dy, weights, *parts), np.asarray(qkv.grad), atol=1e-4)
print(f"attention by hand equals the library's, forward and back, on {inside.sum()} tokens of {len(inside)} leads")


# %% Break it: leave out 1/sqrt(d). Dot products of d numbers spread as sqrt(d), and the softmax saturates.
def heard_at_first(d, scale):
    """Of 32 random keys: how many a query listens to, exp(entropy), and the share of a gradient its softmax passes."""
    rng = np.random.default_rng(run.seed)
    scores = rng.normal(size=(256, d)) @ rng.normal(size=(32, d)).T * scale  # (256, 32)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    entropy = -(weights * np.log(np.maximum(weights, 1e-30))).sum(axis=-1)
    return np.exp(entropy).mean(), (1 - np.square(weights).sum(axis=-1)).mean()


widths = [2**k for k in range(2, 10)]
scales = {"1/sqrt(d)": [d**-0.5 for d in widths], "no scale": [1.0 for _ in widths]}
random = {
    name: [heard_at_first(d, scale) for d, scale in zip(widths, each, strict=True)] for name, each in scales.items()
}
models, history, listened = {}, {}, {}
with progress_bars() as progress:
    for name, scale in (("1/sqrt(d)", None), ("no scale", 1.0)):
        _, weights, _ = hear(qkv.data, batch.lengths, scale)
        last = weights[np.arange(len(weights)), :, batch.lengths - 1]  # (B, H, T), whom <score> asks
        listened[name] = float(np.exp(-(last * np.log(np.maximum(last, 1e-30))).sum(axis=-1)).mean())
        models[name] = Asking(np.random.default_rng(run.seed), scale)
        models[name].attention.out.weight.data[:] = 0  # training starts at phase 02's function
        history[name] = train_replies(models[name], tokens, rows, settings, seed=run.seed, progress=progress)
for name, found in random.items():
    best, passed = min(stop for _, stop in history[name]), found[-1][1]
    print(f"{name}: fresh, <score> (the last token) hears {listened[name]:.1f} of {batch.lengths.mean():.0f} tokens;")
    print(f"  best stopping loss {best:.4f}; with d {widths[-1]} a fresh softmax passes {passed:.0%} of a gradient")

# %% Whom do they ask? And is the order of two signals seen?
asking = models["1/sqrt(d)"]
shown = next(row for row in test[y[test] == 1] if 20 <= tokens.lengths[row] <= 32)
one = tokens.pad(np.array([shown]))
_, asked = asking.attention(asking.norm(asking.embed(one)), lengths=one.lengths, return_weights=True)
asked = asked[0].mean(axis=0)  # (T, T)
names = [vocabulary.names[i].removeprefix("signal=").removeprefix("word ") for i in one.ids[0]]
print(f"in the lead drawn, <score> asks most of {', '.join(names[i] for i in np.argsort(-asked[-1])[:4])}")
twins, gain = Tokens(**bag.part("twins")).truncate(MAX_TOKENS, vocabulary), bag.arrays["twin_gain"]
before = reply_logits(asking, tokens, bag.arrays["twin_rows"])
after = reply_logits(asking, twins, np.arange(len(twins)))
right = float(np.mean(np.sign(after - before) == np.sign(gain)))
print(f"unsubscribe and demo exchanged: the score moves the way the truth does in {right:.0%} of {len(twins)} leads")

# %% Measure
test_logits, ms_per_lead = timed(lambda: reply_logits(asking, tokens, test))
unscaled = reply_logits(models["no scale"], tokens, test)
judged = run.table(y[test], test_logits, ms_per_lead, also={"no 1/sqrt(d)": unscaled})

# %% Hand over
with_, without = listened.values()
passes, blocks = (found[-1][1] for found in random.values())
title = f"Without 1/sqrt(d) a fresh softmax passes {blocks:.0%} of a gradient at d {widths[-1]}, with it {passes:.0%}; "
title += f"here <score> begins by hearing {without:.1f} tokens instead of {with_:.1f}"
figure, (left, panel) = new_figure(title, panels=2)
left.imshow(asked, cmap="Greys", vmin=0, aspect="auto")
left.set_yticks(range(len(names)), names, fontsize=6)
left.set_xticks([])
left.set(xlabel="... is heard (the same tokens; darker is more)", ylabel="this token asks, and ...")
for (name, found), color, above in zip(random.items(), (BLUE, VERMILION), (-12, 12), strict=True):
    share = [100 * passed for _, passed in found]
    panel.plot(widths, share, "o-", color=color)
    label(panel, name, widths[-1], share[-1], color, ha="right", above=above)
panel.set(xlabel="d, the width of queries and keys", ylabel="gradient that a fresh softmax passes (%)", ylim=(0, 100))
panel.set_xscale("log", base=2)
panel.set_xticks(widths, [str(d) for d in widths])
run.hand_over(
    role="one layer of attention",
    figure=figure,
    arrays={"test_logits": test_logits},
    parts={"model": asking.state_dict()},
    judged=judged,
    findings={"listened": listened, "random": random, "widths": widths, "history": history, "twins_right": right},
    measured=f"{run.verdict(judged, '02')}; without 1/sqrt(d) <score> at first hears {without:.1f} tokens, with it "
    f"{with_:.1f}; unsubscribe and demo exchanged, the score moves the right way in {right:.0%} (a coin: 50%)",
    so_what="attention lets one token change what another means; the interval says what a layer of it is worth here",
    try_this="set heads to 4 in a copy of configs/phases.toml, which quarters d: does a missing scale matter less?",
)
