"""What does it take to stack layers of attention into a transformer that trains?

A block is attention, then a small network for each token, and each adds to a stream that runs straight through. Two
such blocks beside the baseline's own features make the scout. Backward through so many sums must visit each op once.

Needs: 00 (baseline, features), 01 (tokens), 03 (compared with). Leaves: a reply scout.
Takes: about 50 s. Reference: He et al. 2016 (residuals); Xiong et al. 2020 (norms before the branches).
"""

# %% Settings
import time
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, VERMILION, label, new_figure
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.nn import Block
from tinyscout.optim import AdamW
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import fit

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer", "03_self_attention")
SECONDS = 50
MAX_TOKENS = 128


@dataclass(frozen=True)
class Settings:
    width: int
    depth: int
    heads: int
    dropout: float
    epochs: int
    learning_rate: float
    deep: int
    deep_steps: int
    diamonds: int


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag = run.load("00_logistic_baseline"), run.load("01_sales_tokenizer")
rows, all_tokens = Rows.of(begun.arrays), Tokens(**bag.part("tokens"))
y, train, stop, test = rows.y, rows.train, rows.stop, rows.test
baseline = LogisticBaseline.from_state(begun.state["baseline"])
features = BaselineFeatures.from_state(begun.state["features"])
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
wide = features.transform(all_tokens).astype(np.float32)  # of all tokens, before truncation
examples = Examples(all_tokens.truncate(MAX_TOKENS, vocabulary), wide)


def make(depth):
    config = LeadScoutConfig(
        vocabulary=len(vocabulary),
        language=vocabulary.n_language,
        numbers=tuple(field.start for field in vocabulary.fields if field.is_number),
        wide=wide.shape[1],
        width=settings.width,
        depth=depth,
        heads=settings.heads,
        max_tokens=MAX_TOKENS,
        dropout=settings.dropout,
    )
    return LeadScout(config, rng=np.random.default_rng(run.seed))


# %% By hand: a stack of blocks. Each branch reads the normed stream and adds to it; nothing else touches it.
def layer_norm(x, weights, name):
    spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return (x - x.mean(axis=-1, keepdims=True)) / spread * weights[f"{name}.gain"] + weights[f"{name}.bias"]


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def transformer(x, weights, lengths):
    """x (B, T, D) -> what the reply head reads (B, D): the stream at each lead's last token, `<score>`."""
    for i in range(settings.depth):
        qkv = linear(layer_norm(x, weights, f"blocks.{i}.attention_norm"), weights, f"blocks.{i}.attention.qkv")
        heard = ops.self_attention(Tensor(qkv), heads=settings.heads, lengths=lengths).data  # phase 03
        x = x + linear(heard, weights, f"blocks.{i}.attention.out")
        normed = layer_norm(x, weights, f"blocks.{i}.mlp_norm")
        x = x + linear(gelu(linear(normed, weights, f"blocks.{i}.mlp.up")), weights, f"blocks.{i}.mlp.down")
    return layer_norm(x, weights, "norm")[np.arange(len(x)), lengths - 1]


scout = make(settings.depth).eval()
batch = examples.tokens.pad(train[:32])
scout.reply.weight.data[:] = 1.0
with no_grad():
    by_library = scout.reply_logits(batch, wide[train[:32]]).data
by_hand = transformer(scout.embed(batch).data, scout.state_dict(), batch.lengths).sum(axis=-1)
np.testing.assert_allclose(by_hand, by_library, rtol=1e-4, atol=1e-4)
print(f"a stack of {settings.depth} blocks by hand equals the library's on {len(by_hand)} leads\n")


# %% Break it, first: no residual stream. Each layer hands on only what it made of the layer below.
class NoResidual(Block):
    def __call__(self, x, *, lengths=None, causal=True):
        x = self.attention(self.attention_norm(x), lengths=lengths, causal=causal)
        return self.mlp(self.mlp_norm(x))


def memorise(residual):
    """How far apart leads are after each layer of a fresh stack, gradient norms by layer, training loss by step."""
    model, rng = make(settings.deep), np.random.default_rng(run.seed)
    model.reply.weight.data[:] = rng.normal(0, settings.width**-0.5, settings.width)
    if not residual:
        model.blocks = [NoResidual(settings.width, settings.heads, rng=rng) for _ in model.blocks]
    model.eval()  # no dropout
    x, apart = model.embed(few), []
    for block in model.blocks:
        x = block(x, lengths=few.lengths)
        read = x.data[np.arange(len(x.data)), few.lengths - 1]  # (B, D)
        read = read - read.mean(axis=-1, keepdims=True)
        apart.append(float(np.linalg.norm(read - read.mean(axis=0)) / np.linalg.norm(read)))
    optimizer, norms, losses = AdamW(list(model.named_parameters()), lr=1e-3), [], []
    nothing = sparse.csr_matrix((len(chosen), wide.shape[1]), dtype=np.float32)  # the stack is on its own
    for _ in range(settings.deep_steps):
        optimizer.zero_grad()
        loss = ops.bce_with_logits(model.reply_logits(few, nothing), targets=y[chosen])
        loss.backward()
        norms = norms or [float(np.linalg.norm(block.mlp.up.weight.grad)) for block in model.blocks]
        optimizer.step()
        losses.append(loss.item())
    return {"apart": apart, "gradients": norms, "losses": losses}


chosen = np.concatenate([train[y[train] == replied][:16] for replied in (0, 1)])
few = examples.tokens.pad(chosen)
deep = {"residual": memorise(True), "no residual": memorise(False)}
for name, found in deep.items():
    print(
        f"{settings.deep} layers, {name}: leads {found['apart'][0]:.2f} apart after the first, {found['apart'][-1]:.2f} after the last; loss on"
    )
    print(
        f"  {len(chosen)} leads to learn by heart {found['losses'][-1]:.3f} after {settings.deep_steps} steps (a coin's is {np.log(2):.3f})"
    )


# %% Break it, second: backward by plain recursion. y = y + y is a diamond: two ways lead to the same op.
def made_from(node):
    return [edge for edge in node.edges if hasattr(edge, "edges")]  # without leaves and constants


def visits(node):
    """How often plain recursion calls itself, by doing it."""
    return 1 + sum(visits(each) for each in made_from(node))


@cache
def count_visits(node):
    """The same number, found without the visits."""
    return 1 + sum(count_visits(each) for each in made_from(node))


def ops_once(node):
    """How many ops led to node: what one pass in the right order visits."""
    found, waiting = set(), [node]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += made_from(node)
    return len(found)


chain = x = Tensor(np.ones(1), requires_grad=True)
for _ in range(settings.diamonds):
    chain = chain + chain
recursive, once = visits(chain.node), ops_once(chain.node)
chain.backward()
assert x.grad is not None and x.grad[0] == 2.0**settings.diamonds
print(f"\n{settings.diamonds} diamonds: recursion makes {recursive:,} visits, the engine's one pass {once}")
stack = make(settings.deep)
graph = stack.reply_logits(few, wide[chosen]).node
stack_recursive, stack_once = count_visits(graph), ops_once(graph)
print(f"a scout of {settings.deep} layers: recursion would make {stack_recursive:,} visits, one pass {stack_once}\n")

# %% Train the stack beside the baseline, from the baseline's own logit
scout = make(settings.depth)
scout.wide.start_from(baseline)
fitting, later = (
    FitSettings(epochs=settings.epochs, learning_rate=settings.learning_rate),
    (examples.take(stop), y[stop]),
)
with progress_bars() as progress:
    history = fit(scout, examples.take(train), y[train], fitting, seed=run.seed, stop=later, progress=progress)
print(
    f"stopping loss {history.rows[0]['stop']:.4f} as the baseline, {history.best_loss:.4f} at step {history.best_step}"
)
twins = Tokens(**bag.part("twins"))
twin_examples = Examples(twins.truncate(MAX_TOKENS, vocabulary), features.transform(twins).astype(np.float32))
before = predict_logits(scout, examples.take(bag.arrays["twin_rows"]))
moves = predict_logits(scout, twin_examples) - before
right = float(np.mean(np.sign(moves) == np.sign(bag.arrays["twin_gain"])))
print(f"unsubscribe and demo exchanged: the score moves the way the truth does in {right:.0%} of {len(twins)} leads\n")

# %% Measure
held_out = examples.take(test)
predict_logits(scout, held_out)  # once, so that everything is compiled
started = time.perf_counter()
test_logits = predict_logits(scout, held_out)
judged = run.table(y[test], test_logits, 1e3 * (time.perf_counter() - started) / len(test))
base, previous = (run.course.phase(number).label for number in ("00", "03"))
losses = {name: judged.rows[name]["log_loss"] for name in judged.rows}
gap = judged.differences[base]["log_loss"]
verdict = "beats" if gap.low > 0 else "does worse than" if gap.high < 0 else "shows no difference from"

# %% Hand over
with_, without = deep["residual"], deep["no residual"]
figure, (left, panel) = new_figure(
    f"{settings.deep} layers learn {len(chosen)} leads by heart with a residual stream ({with_['losses'][-1]:.2f}) and not without "
    f"({without['losses'][-1]:.2f}): it keeps leads apart",
    panels=2,
)
for (name, found), color in zip(deep.items(), (BLUE, VERMILION), strict=True):
    layers, steps = np.arange(1, settings.deep + 1), np.arange(1, settings.deep_steps + 1)
    left.plot(layers, found["apart"], color=color)
    label(left, name, layers[-1], found["apart"][-1], color, ha="right", above=10)
    panel.plot(steps, found["losses"], color=color)
    label(panel, name, steps[-1], found["losses"][-1], color, ha="right", above=10)
left.set(xlabel="layer of a fresh stack", ylabel="how far leads are apart (1: nothing in common)", ylim=(0, 1))
panel.set(xlabel="training step", ylabel="log loss on leads learnt by heart (nats)")
run.hand_over(
    role="reply_scout",
    figure=figure,
    arrays={"test_logits": test_logits},
    parts={"model": scout.state_dict()},
    state={"model": scout.to_state(), "max_tokens": MAX_TOKENS},
    judged=judged,
    findings={
        "deep": deep,
        "visits": {"diamonds": [recursive, once], "deep_scout": [stack_recursive, stack_once]},
        "history": history.rows,
        "twins_right": right,
    },
    measured=f"log loss {losses[run.phase.label]:.4f} {verdict} the baseline's {losses[base]:.4f} (difference {gap.value:+.4f}, "
    f"95 % interval {gap.low:+.4f} to {gap.high:+.4f}; phase 03 {losses[previous]:.4f}); {settings.deep} layers without "
    f"residuals stay at {without['losses'][-1]:.2f} where {with_['losses'][-1]:.2f} can be reached; twins told apart in {right:.0%}",
    so_what="residuals let layers be stacked, and sums met by many ways are why backward goes in one sorted pass",
    try_this="set depth to 4, then to 1, in a copy of configs/phases.toml: what does a layer buy on 15,000 leads?",
)
