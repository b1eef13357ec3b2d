"""How deep can layers be stacked before training breaks, and what has the place of a norm to do with it?

A norm after each sum (post) stands in the gradient's way; one before each branch (pre) leaves the stream alone.

Needs: 00 (rows), the newest reply scout (tokens, their vectors). Leaves: what each norm bears.
Takes: about 50 s. Reference: Ba et al. 2016; Xiong et al. 2020, section 3; Zhang and Sennrich 2019 (RMSNorm).
"""

# %% Settings
import functools
from dataclasses import dataclass, replace

import numpy as np

from tinyscout.autograd import Tensor, gradcheck, op, ops
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, GREEN, GREY, ORANGE, VERMILION, label, new_figure
from tinyscout.course.replies import ReplyScout
from tinyscout.course.train import timed
from tinyscout.models.lead_scout import LeadScout, predict_logits
from tinyscout.nn import Block, Embedding, LayerNorm, Linear, Module
from tinyscout.optim import AdamW, clip_grad_norm
from tinyscout.settings import FitSettings
from tinyscout.training import fit

NEEDS = ("00_logistic_baseline", "reply_scout")
SECONDS = 50
WIDTH, MAX_TOKENS, BATCH, DEEP, SLOW, RESCUED = 32, 32, 16, 12, 0.003, (6, 12)


@dataclass(frozen=True)
class Settings:
    steps: int
    depths: tuple[int, ...]
    rates: tuple[float, ...]
    long: int
    leads: int


run = open_phase(__file__, Settings)
settings, long = run.settings, run.settings.long
begun, left = (run.load(name) for name in NEEDS)
rows, reader = Rows.of(begun.arrays), ReplyScout.of(left)
y, examples, vocabulary = rows.y, reader.read(run.leads()[0]), reader.tokenizer.vocabulary
tokens = examples.tokens.truncate(MAX_TOKENS, vocabulary)


# %% By hand: layer norm and its gradient, and RMSNorm, which leaves the mean alone
def layer_norm(x, gain, bias):
    """x (N, D), gain and bias (D,) -> y (N, D), and the function from dy to dx, dgain, dbias."""
    x = x - x.mean(axis=-1, keepdims=True)
    xhat = x * (rstd := 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5))  # rstd (N, 1)

    def backward(dy):
        dxhat = dy * gain
        along = (dxhat * xhat).mean(axis=-1, keepdims=True)  # mean and spread moved with x: their share comes off
        return rstd * (dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * along), (dy * xhat).sum(0), dy.sum(0)

    return xhat * gain + bias, backward


@op
def rms_norm(x, gain):
    """x (..., D) divided by its root mean square, times gain (D,): half of the work, and the mean stays."""
    xhat = x * (rstd := 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5))

    def backward(dy):
        along = (dy * gain * xhat).mean(axis=-1, keepdims=True)
        return rstd * (dy * gain - xhat * along), (dy * xhat).reshape(-1, x.shape[-1]).sum(0)

    return xhat * gain, backward


rng = np.random.default_rng(run.seed)
x, gain, bias, dy = (rng.standard_normal(shape) for shape in ((6, 8), 8, 8, (6, 8)))
inputs = [Tensor(each, requires_grad=True) for each in (x, gain, bias)]
theirs, (own, backward) = ops.layer_norm(*inputs), layer_norm(x, gain, bias)
theirs.backward(dy)
for ours, library in zip((own, *backward(dy)), (theirs.data, *(each.grad for each in inputs)), strict=True):
    assert library is not None and np.allclose(ours, library, rtol=0, atol=1e-12)
assert np.allclose(rms_norm(x - x.mean(axis=-1, keepdims=True), gain).data, layer_norm(x, gain, 0)[0], atol=1e-12)
gradcheck(rms_norm, x, gain)
print("layer norm by hand equals the library's, forward and back; RMSNorm equals it where the mean is 0")


# %% The stacks: tokens of leads in, the next token out, so that every token is a lesson
class RMSNorm(LayerNorm):
    def __call__(self, x):
        return rms_norm(x, self.gain)


class RMSBlock(Block):  # pre-norm, step by step: the library's branches have a layer norm in them
    def __call__(self, x, *, lengths, **_):
        return self._with_mlp(x + self.dropout(self.attention(self.attention_norm(x), lengths=lengths)))

    def _with_mlp(self, x, *_):
        return x + self.mlp(self.mlp_norm(x))


def renormed(block, norm):  # a pre-norm block with its norms elsewhere ("none": nowhere), or of another kind
    block.norm = norm if norm != "RMS" else "pre"
    if norm == "RMS":
        block.__class__, block.attention_norm.__class__, block.mlp_norm.__class__ = RMSBlock, RMSNorm, RMSNorm
    return block


class Stack(Module):
    def __init__(self, norm, depth):
        rng = np.random.default_rng(run.seed)
        self.token, self.position = (Embedding(n, WIDTH, std=1, rng=rng) for n in (len(vocabulary), MAX_TOKENS))
        self.blocks = [renormed(Block(WIDTH, 1, rng=rng), norm) for _ in range(depth)]
        self.norm = LayerNorm(WIDTH) if norm in ("pre", "RMS") else None  # no norm stood in their stream yet
        self.head = Linear(WIDTH, len(vocabulary), rng=rng)

    def __call__(self, some):
        x = self.token(some.ids) + self.position(some.positions)  # (N, D), lead behind lead
        x = functools.reduce(lambda x, block: block(x, lengths=some.lengths), self.blocks, x)
        return self.head(self.norm(x) if self.norm else x)


def learn(norm, depth, rate, steps, warmup=0):
    """Its end (loss, inf if it exploded), each step's loss before its update, the blocks' gradients first and last."""
    model, losses, slopes = Stack(norm, depth), [], []
    optimizer, rng = AdamW(list(model.named_parameters()), lr=rate, weight_decay=0.0), np.random.default_rng(run.seed)
    while len(losses) < steps and (not losses or losses[-1] < 1000):  # nothing comes back from there
        some = tokens.take(rng.choice(rows.train, BATCH, replace=False))
        more = np.append(some.lead[1:] == some.lead[:-1], False)  # where a lead goes on
        optimizer.zero_grad()
        loss = ops.cross_entropy(model(some)[more], targets=some.ids[1:][more[:-1]])
        loss.backward()
        losses.append(loss.item())
        slopes.append([clip_grad_norm(block.parameters(), np.inf) for block in model.blocks])  # measured, not clipped
        clip_grad_norm(model.parameters(), 1.0 if warmup else np.inf)
        optimizer.lr = rate * min(1, len(losses) / max(warmup, 1))
        optimizer.step()
    end = np.mean(losses[-5:]) if len(losses) == steps else np.inf
    return {"end": float(end) if end < random else np.inf, "losses": losses, "gradients": [slopes[0], slopes[-1]]}


# With branches that say nothing, a gradient comes back through a pre-norm stack as it went in, to the last bit.
stack, x = Stack("pre", 4), Tensor(rng.standard_normal((3, WIDTH)).astype(np.float32), requires_grad=True)
for each in stack.blocks:
    each.attention.out.weight.data[:] = each.mlp.down.weight.data[:] = 0
functools.reduce(lambda out, each: each(out, lengths=[3]), stack.blocks, x).backward(x.data)
assert x.grad is not None and np.array_equal(x.grad, x.data)

# %% Break it: the same layers with no norm, a norm after each sum, a norm before each branch
random, counts = np.log(len(vocabulary)), np.bincount(tokens.take(rows.train).ids) + 1e-9
often = -float(np.sum(counts * np.log(counts / counts.sum())) / counts.sum())  # knowing how often tokens come
found, middle = {norm: {} for norm in ("none", "post", "pre", "RMS")}, settings.rates[(len(settings.rates) - 1) // 2]
print(f"\nnorm, rate: nats a token after {settings.steps} steps, layers {settings.depths} ({often:.2f}: token counts)")
with np.errstate(all="ignore"):
    for norm, by_rate in found.items():
        for rate in settings.rates if norm != "RMS" else (middle,):
            by_rate[rate] = {depth: learn(norm, depth, rate, settings.steps) for depth in settings.depths}
            print(f"{norm:5} {rate:<6g}" + "".join(f"{each['end']:14.2f}" for each in by_rate[rate].values()))
        breaks = [[r for r, by_depth in by_rate.items() if by_depth[d]["end"] == np.inf] for d in settings.depths]
        print("explodes from" + "".join(f"{f'{min(each):g}' if each else 'never':>14}" for each in breaks)[1:])
best = {norm: [min(x[d]["end"] for x in rates.values()) for d in settings.depths] for norm, rates in found.items()}
slopes = {norm: by_rate[middle][DEEP]["gradients"] for norm, by_rate in found.items()}  # at the start, in the end
rescue = {depth: [learn("post", depth, SLOW, long, w)["end"] for w in (0, long // 3)] for depth in RESCUED}
rescues = ", ".join(f"{depth} layers {plain:.2f} and {helped:.2f}" for depth, (plain, helped) in rescue.items())

# %% Measure: the newest scout with fresh layers of each kind, taught for one epoch; this phase's own row is RMSNorm's
config, logits, ms, test = replace(reader.model.config, experts=0), {}, {}, examples.take(rows.test)
kept = {name: array for name, array in left.part("model").items() if not name.startswith("blocks")}
latest, fitting = rows.train[-settings.leads :], FitSettings(epochs=1, learning_rate=3e-3, weight_decay=0.05, threads=1)
for norm in ("pre-norm", "post-norm", "RMS"):
    scout = LeadScout(config, rng=np.random.default_rng(run.seed))
    scout.load_state_dict(scout.state_dict() | kept)
    scout.blocks = [renormed(block, norm.removesuffix("-norm")) for block in scout.blocks]
    fit(scout, examples.take(latest), y[latest], fitting, seed=run.seed)
    logits[norm], ms[norm] = timed(functools.partial(predict_logits, scout, test))
judged = run.table(y[rows.test], test_logits := logits.pop("RMS"), ms.pop("RMS"), also=logits, also_ms=ms)

# %% Hand over
none, post, pre, rms = (f"{each[settings.depths.index(DEEP)]:.2f}".replace("inf", "explode") for each in best.values())
title = f"{DEEP} layers: no norms {none}, post-norm {post} ({often:.2f}: how often tokens come), pre-norm {pre} nats"
(figure, (panel, steps, side)), layers = new_figure(title, panels=3), np.arange(1, DEEP + 1)
for norm, color, up in zip(slopes, (VERMILION, ORANGE, BLUE, GREEN), (-9, 9, 9, -9), strict=True):
    panel.plot(settings.depths, ends := np.minimum(best[norm], random), "o-", color=color)
    label(panel, norm, settings.depths[-1], ends[-1], color, ha="right", above=up)
    steps.plot(np.minimum(found[norm][middle][DEEP]["losses"], random), color=color)
    side.semilogy(layers, slopes[norm][0], ":", layers, slopes[norm][1], "-", color=color)
    label(side, norm, DEEP, slopes[norm][1][-1], color, ha="right", above=up)
panel.axhline(often, color=GREY, linewidth=1)
panel.set(xlabel="layers", ylabel="loss at the best rate (nats a token; top: exploded)")
steps.set(xlabel=f"step of {DEEP} layers at rate {middle:g}", ylabel="loss of the step (nats a token)")
side.set(xlabel=f"layer of {DEEP}", ylabel="norm of its gradient: fresh (dotted), in the end")
run.hand_over(
    role="stability",
    figure=figure,
    arrays={"test_logits": test_logits},
    judged=judged,
    findings={"sweep": found, "best": best, "depths": settings.depths, "slopes": slopes, "rescue": rescue},
    measured=f"RMSNorm: {run.verdict(judged, '00')}; {title}, RMS {rms}; layer 1's gradient {slopes['post'][1][0]:.0e} "
    f"(post), {slopes['pre'][1][0]:.0e} (pre); post without and with warm-up and clipping, {long} steps: {rescues}",
    so_what="a stream that nothing stands in carries gradients to the first layer at any depth",
    try_this="give the stacks without norms branches of 1/sqrt(layers) the size, in a copy: is it norms they lack?",
)
