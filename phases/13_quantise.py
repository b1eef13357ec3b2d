"""Can the model do its sums in whole numbers between -127 and 127?

Each weight becomes a byte times its output channel's scale, each activation a byte times its token's scale. Products
of bytes and their sums are exact, and quick; only the rounding loses. How much, where, and what makes it go wrong?

Needs: 00 (rows), the newest reply scout. Leaves: that scout in bytes, its tokenizer and features.
Takes: about 10 s. Reference: Jacob et al. 2018 (integers alone); Nagel et al. 2019, section 3.1 (loud channels).
"""

# %% Settings
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save as file_of

from tinyscout.autograd import no_grad
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, ORANGE, VERMILION, label, new_figure
from tinyscout.course.replies import ReplyScout, in_turns
from tinyscout.inference import compile
from tinyscout.inference.quantize import ByteMatrix, Quantized, error_per_layer, load, quantize, save
from tinyscout.kernels import linear_int8
from tinyscout.kernels.int8 import pack_quantized
from tinyscout.metrics import log_loss
from tinyscout.models.lead_scout import LeadScout

NEEDS = ("00_logistic_baseline", "reply_scout")
SECONDS = 10


@dataclass(frozen=True)
class Settings:
    looked_at: int
    louder: tuple[int, ...]
    shown: int
    rounds: int


run = open_phase(__file__, Settings)
settings = run.settings
begun, left = (run.load(name) for name in NEEDS)
tables, rows = run.leads()[0], Rows.of(begun.arrays)
reader = ReplyScout.of(left)
scout, config, weights = reader.model, reader.model.config, reader.model.state_dict()
held_out, y = reader.read(tables.take(rows.test)), rows.y[rows.test]


# %% By hand: a linear layer in whole numbers
TOP = np.float32(127)  # a byte goes down to -128; left unused, so that zero is the middle


def weight_in_bytes(weight, axis: int | None = -1):
    """weight (Out, In) -> q (Out, In) int8, scale (Out, 1), or (1, 1) with axis None: weight is about q * scale."""
    scale = np.abs(weight).max(axis=axis, keepdims=True) / TOP  # the largest of each channel becomes 127 or -127
    scale = scale.astype(np.float16).astype(np.float32)  # two bytes in the file
    return np.clip(np.rint(weight / scale), -TOP, TOP).astype(np.int8), scale


def tokens_in_bytes(x):
    """x (N, In) -> q (N, In) int8 and scale (N, 1), anew for every token that comes: "dynamic"."""
    most = np.abs(x).max(axis=1, keepdims=True)
    q = np.rint(x.astype(np.float64) * (TOP / most))  # halves go to the even neighbour
    return q.astype(np.int8), most / TOP


def linear_in_bytes(x, weight, bias, axis: int | None = -1):
    """x (N, In) @ weight (Out, In).T + bias (Out,) -> (N, Out), with no product of two fractions before the end."""
    (q, token), (w, channel) = tokens_in_bytes(x), weight_in_bytes(weight, axis)
    total = q.astype(np.int32) @ w.T.astype(np.int32)  # (N, Out), exact: 32 bits hold 133,000 products of 127 * 127
    return total * (token * channel.T) + bias  # a scale for each token times one for each channel: (N, 1) * (1, Out)


few, name = held_out.take(np.arange(min(settings.looked_at, len(y)))), "blocks.0.attention.qkv"
batch = few.tokens.pad()
with no_grad():
    x = scout.blocks[0].attention_norm(scout.embed(batch)).data  # (B, T, D)
x = x[np.arange(x.shape[1]) < batch.lengths[:, None]]  # (N, D) what reaches the layer, without padding
weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
by_hand, right, small = linear_in_bytes(x, weight, bias), x @ weight.T + bias, quantize(scout)
of_library = linear_int8(x, pack_quantized(*small.matrices[f"{name}.weight"]), bias)
np.testing.assert_allclose(by_hand, of_library, rtol=1e-4, atol=1e-5)
for each, (q, scale) in small.matrices.items():
    own = weight_in_bytes(weights[each])
    assert np.array_equal(own[0], q) and np.array_equal(own[1][..., 0], scale), each
errors = {each.name: each for each in error_per_layer(scout, small, few)}
blocks = [each for each in errors if each.startswith("blocks")]
off = np.sqrt(np.mean((by_hand - right) ** 2) / np.mean((right - bias) ** 2))
np.testing.assert_allclose(errors[f"{name}.weight"].output, off, rtol=1e-3)
print(f"in bytes {name} is {off:.2%} off, by hand as in the library; the bytes of all {len(errors)} matrices agree\n")
print("error, in rms of what is right  of weights  of what comes out  largest of outputs")
for each in errors.values():
    print("{:30}  {:10.2%}  {:17.2%}  {:18.2%}".format(*each).replace("nan%", "   -"))

# %% What the file holds
with tempfile.TemporaryDirectory() as folder:
    save(Path(folder), small)
    size = next(Path(folder).glob("*.safetensors")).stat().st_size
    small = load(Path(folder))
floats = small.float32()  # as many, under the same names, as before; without what only training used
rest = sum(array.nbytes for array in small.vectors.values())
file = {}
for part, names in (("embeddings", errors.keys() - blocks), ("matrices of the blocks", blocks)):
    file[part] = sum(floats[each].nbytes for each in names), sum(small.matrices[each].q.size for each in names)
file["a scale for each of their rows"] = 0, 2 * sum(each.scale.size for each in small.matrices.values())
file["norms, biases, ages, wide path"] = rest, rest // 2  # float16
file["whole file, with its header"] = whole, size = len(file_of(floats)), size
print("\nbytes                           float32    int8")
for part, (was, now) in file.items():
    print(f"{part:30}  {was:7,}  {now:6,}" + (f"  {now / was:.1%}" if was else ""))


# %% Break it: a key channel that is louder than all others, and one scale for the whole matrix
def louder(key=1, column=1):
    """The same scout: what makes a key, or an input, so many times as loud makes what it meets as much quieter."""
    changed = scout.state_dict()
    for block in (f"blocks.{i}" for i in range(config.depth)):
        for part in ("weight", "bias"):
            changed[f"{block}.attention.qkv.{part}"][0] /= key  # rows: D queries, D keys, D values
            changed[f"{block}.attention.qkv.{part}"][config.width] *= key
            changed[f"{block}.attention_norm.{part.replace('weight', 'gain')}"][0] *= column
        changed[f"{block}.attention.qkv.weight"][:, 0] /= column
    return LeadScout.from_state(left.state["model"], changed)


def one_scale(model):
    """A scout in bytes whose matrices in the blocks have a single scale each."""
    right, state, matrices = quantize(model), model.state_dict(), {}
    for part in blocks:
        q, scale = weight_in_bytes(state[part], axis=None)
        matrices[part] = ByteMatrix(q, np.full(q.shape[:-1], scale.item(), np.float32))
    return Quantized(config, right.matrices | matrices, right.vectors)


as_is, in_bytes, at = compile(scout, "float32", threads=1), compile(small, threads=1), settings.shown
logits = {"float32": as_is.logits(held_out), "int8": in_bytes.logits(held_out)}
exact, found = log_loss(y, logits["float32"]), {}
ways = {"loud key, one scale a matrix": lambda times: one_scale(louder(key=times))}
ways |= {"loud key, one a channel": lambda times: quantize(louder(key=times))}
ways |= {"loud input, one a channel": lambda times: quantize(louder(column=times))}
print("\nlog loss above float32's    " + "".join(f"{times:>9}x" for times in settings.louder))
for way, make in ways.items():
    there = {times: compile(make(times), threads=1).logits(held_out) for times in settings.louder}
    found[way] = {times: log_loss(y, each) - exact for times, each in there.items()}
    logits[way] = there[at]
    print(f"{way:28}" + "".join(f"{each:+10.4f}" for each in found[way].values()))
for model in (louder(key=at), louder(column=at)):
    np.testing.assert_allclose(compile(model, "float32", threads=1).logits(held_out), logits["float32"], atol=1e-4)
loud = louder(key=at).state_dict()[f"{name}.weight"]
exactly, channels = x @ loud.T, {}  # how far off each output channel is
for way, axis in (("one scale a matrix", None), ("one scale a channel", -1)):
    off = linear_in_bytes(x, loud, 0, axis) - exactly
    channels[way] = np.sqrt(np.mean(off**2, axis=0) / np.mean(exactly**2, axis=0))  # (3D,)

# %% Measure: both on one thread, in turns
calls = {"float32": lambda: as_is.logits(held_out), "int8": lambda: in_bytes.logits(held_out)}
seconds = in_turns(calls, settings.rounds)
ms = {dtype: 1e3 * np.median(each) / len(y) for dtype, each in seconds.items()}
quicker = np.median(seconds["float32"] / seconds["int8"])
broken, cured = list(ways)[:2]
also = {"float32, compiled": logits["float32"], f"{broken}, x{at}": logits[broken]}
judged = run.table(y, logits["int8"], ms["int8"], also=also, also_ms={"float32, compiled": ms["float32"]})
gap = judged.differences["float32, compiled"]["log_loss"]

# %% Hand over
costs = f"{found[broken][at]:.4f} with one scale a matrix, {found[cured][at]:.4f} with one a channel"
title = f"Sums in bytes cost {-gap.value:.4f} of log loss. A key {at} times as loud costs {costs}"
figure, (panel, side) = new_figure(title, panels=2)
for (way, losses), color, above in zip(found.items(), (VERMILION, BLUE, ORANGE), (9, -9, 9), strict=True):
    panel.plot(settings.louder, list(losses.values()), "o-", color=color)
    label(panel, way, settings.louder[-1], list(losses.values())[-1], color, ha="right", above=above)
panel.set(xscale="log", xlabel="times as loud as it was", ylabel="log loss above float32's (nats)")
panel.set_xticks(settings.louder, [str(times) for times in settings.louder])
panel.minorticks_off()
for (way, off), color in zip(channels.items(), (VERMILION, BLUE), strict=True):
    side.semilogy(100 * off, "o", color=color, markersize=4)
    label(side, f"{way}: mostly {np.median(off):.1%}", len(off) / 2, 100 * max(off), color, ha="center", above=9)
side.set(xlabel=f"output channel of {name}, key x{at}", ylabel="error of what comes out (%)", ylim=(0.1, 300))
side.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
run.hand_over(
    role="quantized_scout",
    figure=figure,
    arrays={"test_logits": logits["int8"]},
    parts={"model": small.arrays()},
    state={"model": asdict(config), "tokenizer": left.state["tokenizer"], "features": left.state["features"]},
    judged=judged,
    findings={"louder": found, "file": file, "share": size / whole, "ms": ms, "times_as_quick": quicker}
    | {"errors": {each.name: each[1:] for each in errors.values()}, "worse_by": -gap.value}
    | {"channels": {way: np.median(off) for way, off in channels.items()}},
    measured=f"bytes change log loss by {-gap.value:+.4f} ({-gap.high:+.4f} to {-gap.low:+.4f}); the file has {size:,} "
    f"bytes, {size / whole:.1%} of float32's; a lead is {quicker:.1f} times as quick; layers are at most "
    f"{max(errors[each].output for each in blocks):.1%} off; a key {at} times as loud costs {costs}: other channels "
    f"are then mostly {' or '.join(f'{np.median(off):.1%}' for off in channels.values())} off",
    so_what=f"{'yes' if -gap.value <= 0.002 else 'not for nothing'}: rounding is noise that averages out, as long as "
    "nothing shares a scale with what is far louder",
    try_this="in a copy of one_scale, give only blocks.0.attention.qkv.weight one scale: how much of the cost is left?",
)
