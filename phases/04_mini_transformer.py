"""What does it take to stack layers of attention into a transformer that trains?

A block is attention, then a small network for each token, and each adds to a stream that runs straight through. Two
such blocks beside the baseline's own features make the scout. Backward through so many sums must visit each op once.

Needs: 00 (features), 01 (tokens), 03 (token and time vectors to start from). Leaves: a reply scout.
Takes: about 25 s. Reference: He et al. 2016 (residuals); Xiong et al. 2020 (norms before the branches).
"""

# %% Settings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.autograd import Tensor, ops
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, VERMILION, label, new_figure
from tinyscout.course.train import started_from, timed
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScoutConfig, predict_logits
from tinyscout.nn import Block
from tinyscout.optim import AdamW
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import fit

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer", "03_self_attention")
SECONDS = 25
MAX_TOKENS, HEADS = LeadScoutConfig.max_tokens, LeadScoutConfig.heads


@dataclass(frozen=True)
class Settings:
    depth: int
    epochs: int
    learning_rate: float
    deep: int
    deep_steps: int
    by_heart: int
    diamonds: int


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag, asking = (run.load(name) for name in NEEDS)
rows, all_tokens, start = Rows.of(begun.arrays), Tokens(**bag.part("tokens")), asking.part("model")
y, train, stop, test = rows.y, rows.train, rows.stop, rows.test
features = BaselineFeatures.from_state(begun.state["features"])
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
numbers, width = tuple(f.start for f in vocabulary.fields if f.is_number), start["token.weight"].shape[1]


def examples_of(tokens):  # the wide features know all tokens, the stack the latest
    wide = sparse.csr_matrix(features.transform(tokens), dtype=np.float32)
    return Examples(tokens.truncate(MAX_TOKENS, vocabulary), wide)


def make(depth, norm="pre"):
    sizes = len(vocabulary), vocabulary.n_language, numbers, len(features.names), width, depth
    scout = started_from(start, LeadScoutConfig(*sizes), run.seed)
    for block in scout.blocks:
        block.norm = norm  # subtle: "none" also splits each branch into an op for each step; "pre" is one fused op
    return scout


examples = examples_of(all_tokens)


# %% By hand: a stack of blocks. Each branch reads the normed stream and adds to it; nothing else touches it.
def layer_norm(x, weights, name):
    spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return (x - x.mean(axis=-1, keepdims=True)) / spread * weights[f"{name}.gain"] + weights[f"{name}.bias"]


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def transformer(x, weights, lengths):
    """x (B, T, D) -> what the reply head reads (B, D): the stream at each lead's last token, `<score>`."""
    for i in range(settings.depth):
        qkv = linear(layer_norm(x, weights, f"blocks.{i}.attention_norm"), weights, f"blocks.{i}.attention.qkv")
        heard = ops.self_attention(Tensor(qkv), heads=HEADS, lengths=lengths).data  # phase 03
        x = x + linear(heard, weights, f"blocks.{i}.attention.out")
        up = linear(layer_norm(x, weights, f"blocks.{i}.mlp_norm"), weights, f"blocks.{i}.mlp.up")  # (B, T, 4D)
        gelu = up / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (up + 0.044715 * up**3)))
        x = x + linear(gelu, weights, f"blocks.{i}.mlp.down")
    return layer_norm(x, weights, "norm")[np.arange(len(x)), lengths - 1]


scout = make(settings.depth).eval()
scout.reply.weight.data[:] = 1.0
few_rows = np.concatenate([train[y[train] == replied][: settings.by_heart] for replied in (0, 1)])
few, few_wide = examples.tokens.pad(few_rows), examples.features[few_rows]
by_library = scout.reply_logits(few, few_wide).data
by_hand = transformer(scout.embed(few).data, scout.state_dict(), few.lengths).sum(axis=-1)
np.testing.assert_allclose(by_hand, by_library, rtol=1e-4, atol=1e-4)
print(f"a stack of {settings.depth} blocks by hand equals the library's on {len(few_rows)} leads\n")


# %% Break it, first: no residual stream. Each layer hands on only what it made of the layer below.
class NoResidual(Block):
    def __call__(self, x, **options):  # what attention heard goes into the MLP, and the stream x is lost
        return self.mlp(self.mlp_norm(self.attention(self.attention_norm(x), lengths=options["lengths"])))

    def at_last(self, x, **options):
        return self.mlp(self.mlp_norm(self.attention.at_last(self.attention_norm(x), lengths=options["lengths"])))


def learn_by_heart(residual):
    """How far apart a few leads are after each layer of a fresh stack, and the loss on them step by step."""
    model = make(settings.deep).eval()
    for block in () if residual else model.blocks:
        block.__class__ = NoResidual  # the same weights, another sum
    x, apart, losses = model.embed(few), [], []
    for block in model.blocks:
        x = block(x, lengths=few.lengths)
        read = (x.data - x.data.mean(axis=-1, keepdims=True))[np.arange(len(few_rows)), few.lengths - 1]  # (B, D)
        apart.append(np.linalg.norm(read - read.mean(axis=0)) / np.linalg.norm(read))
    optimizer = AdamW(list(model.named_parameters()), lr=1e-3)
    for _ in range(settings.deep_steps):
        optimizer.zero_grad()
        loss = ops.bce_with_logits(model.reply_logits(few, few_wide * 0), targets=y[few_rows])  # without the baseline
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"apart": apart, "losses": losses}


deep = {"residual": learn_by_heart(True), "no residual": learn_by_heart(False)}
for name, found in deep.items():
    print(f"{settings.deep} layers, {name}: fresh, they leave leads {found['apart'][-1]:.2f} apart; ", end="")
    print(f"loss on {len(few_rows)} leads to learn by heart {found['losses'][-1]:.3f}")


# %% Break it, second: backward by plain recursion. y = y + y is a diamond: two ways lead to the same op.
def visits(node, known=None):
    """How often recursion calls itself from node; with known, a dictionary, without doing so."""
    counts = {} if known is None else known
    if node not in counts:
        counts[node] = 1 + sum(visits(edge, known) for edge in node.edges if hasattr(edge, "edges"))
    return counts[node]


chain = x = Tensor(np.ones(1), requires_grad=True)
for _ in range(settings.diamonds):
    chain = chain + chain
chain_visits, deep_ops = visits(chain.node), {}
chain.backward()
assert x.grad is not None and x.grad[0] == 2.0**settings.diamonds
deep_visits = visits(make(settings.deep, norm="none").reply_logits(few, few_wide).node, deep_ops)
print(f"\n{settings.diamonds} diamonds: recursion makes {chain_visits:,} visits, the engine's pass {settings.diamonds}")
print(f"{settings.deep} layers without norms, op by op: recursion {deep_visits:,} visits, one pass {len(deep_ops)}\n")

# %% Train the stack, with the baseline's features beside it
scout = make(settings.depth)
fitting = FitSettings(epochs=settings.epochs, learning_rate=settings.learning_rate, final_rate=0.1, weight_decay=0.05)
later = examples.take(stop), y[stop]
with progress_bars() as progress:
    history = fit(scout, examples.take(train), y[train], fitting, seed=run.seed, stop=later, progress=progress)
moves = predict_logits(scout, examples_of(Tokens(**bag.part("twins"))))
moves -= predict_logits(scout, examples.take(bag.arrays["twin_rows"]))
right = float(np.mean(np.sign(moves) == np.sign(bag.arrays["twin_gain"])))
print(f"unsubscribe and demo exchanged: the score moves the way the truth does in {right:.0%} of {len(moves)} leads")

# %% Measure
test_logits, ms_per_lead = timed(lambda: predict_logits(scout, examples.take(test)))
judged = run.table(y[test], test_logits, ms_per_lead)

# %% Hand over
with_, without = (found["losses"][-1] for found in deep.values())
title = f"{settings.deep_steps} steps bring {settings.deep} layers with a residual stream to a log loss of {with_:.3f} "
figure, (left, panel) = new_figure(f"{title}on {len(few_rows)} leads, without to {without:.3f}", panels=2)
for (name, found), color, above, tip in zip(deep.items(), (BLUE, VERMILION), (10, -12), (max, min), strict=True):
    for ax, values in ((left, found["apart"]), (panel, found["losses"])):
        ax.plot(np.arange(1, len(values) + 1), values, color=color)
        label(ax, name, len(values), tip(values[-len(values) // 4 :]), color, ha="right", above=above)
left.set(xlabel="layer of a fresh stack", ylabel="how far leads are apart (1: nothing in common)", ylim=(0, 1))
panel.set(xlabel="training step", ylabel="log loss on leads to learn by heart (nats)", ylim=(0, None))
run.hand_over(
    role="reply_scout",
    figure=figure,
    arrays={"test_logits": test_logits},
    parts={"model": scout.state_dict()},
    state={"model": scout.to_state(), "tokenizer": begun.state["tokenizer"], "features": begun.state["features"]},
    judged=judged,
    findings={"deep": deep, "visits": [deep_visits, len(deep_ops)], "history": history.rows, "twins_right": right},
    measured=f"{run.verdict(judged, '00')}, {run.verdict(judged, '03')}; {settings.deep} layers learn by heart to "
    f"{with_:.3f} with residuals, {without:.3f} without; recursion would visit {deep_visits:,} times, one pass "
    f"{len(deep_ops)}; unsubscribe and demo exchanged, the score moves the right way in {right:.0%} (a coin: 50%)",
    so_what="residuals let layers be stacked, and sums met by many ways are why backward goes in one sorted pass",
    try_this="set depth to 4, then to 1, in a copy of configs/phases.toml: what does a layer buy on 15,000 leads?",
)
