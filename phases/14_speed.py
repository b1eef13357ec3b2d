"""Does it need a $2,000 a month GPU?

A lead's work is counted by hand and timed on this CPU: a call costs something however little it does, a token costs
the rest, and padding is work for nothing. How many leads a second, a dollar, a watt-hour; what must a GPU beat?

Needs: 00 (rows), the newest reply scout and its bytes. Leaves: what a lead costs on this machine.
Takes: about 10 s. Reference: Hockney 1982 (time of a start and a rate); Williams et al. 2009 (roofline).
"""

# %% Settings
import math
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydantic import PositiveFloat

from tinyscout.autograd import no_grad
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, ORANGE, VERMILION, label, new_figure
from tinyscout.course.replies import ReplyScout, in_turns
from tinyscout.inference import compile
from tinyscout.inference.quantize import Quantized
from tinyscout.kernels import linear_int8, matmul, pack_int8
from tinyscout.models.batches import cores
from tinyscout.tokenizer import length_sorted_batches

NEEDS = ("00_logistic_baseline", "reply_scout", "quantized_scout")
SECONDS = 10
HOURS, BATCH = 730, 256  # of a month; leads of a padded batch


@dataclass(frozen=True)
class Settings:
    batches: tuple[int, ...]
    alone: int
    in_numpy: int
    rounds: int
    gpu_dollars: PositiveFloat  # a month
    gpu_watts: PositiveFloat
    cpu_dollars: PositiveFloat
    cpu_watts: PositiveFloat


run = open_phase(__file__, Settings)
settings = run.settings
begun, left, tiny = (run.load(name) for name in NEEDS)
rows, reader = Rows.of(begun.arrays), ReplyScout.of(left)
scout, config, weights = reader.model, reader.model.config, reader.model.state_dict()
test = run.leads()[0].take(rows.test)
held_out, y = reader.read(test), rows.y[rows.test]
lengths, any_order = held_out.tokens.lengths, np.random.default_rng(run.seed).permutation(len(y))
models = {"float32": scout, "int8": Quantized.from_arrays(config, tiny.part("model"))}
served = {(dtype, n): compile(model, threads=n) for n in (1, 2) for dtype, model in models.items()}
logits = {dtype: served[dtype, 2].logits(held_out) for dtype in models}


# %% By hand: what a lead costs. First its work, counted: products of a weight and what it meets; then of attention.
def products(length):
    """Products that a lead of so many tokens takes: with weights, and in attention."""
    with_weights, attending = length * weights["age.project.weight"].size + config.width, 0
    for i in range(config.depth):
        last = i == config.depth - 1  # there only `<score>` goes on: its query, what it heard, its MLP
        attending += config.width * (2 * length if last else length * (length + 1))  # q . k, then share * v
        for name, weight in weights.items():
            if name.startswith(f"blocks.{i}.") and name.endswith(".weight"):
                size = weight.size if weight.ndim == 2 else weight[0].size * config.top_k  # k of E experts
                here = size // 3 * (2 * length + 1) if "qkv" in name else size  # keys and values are every token's
                with_weights += here if last else size * length
    return with_weights, attending


def in_the_graph(node, seen):
    """Products with weights, from the shapes of what went through the model's ops."""
    if not hasattr(node, "edges") or id(node) in seen:
        return 0
    seen.add(id(node))
    others = node.shapes[1:] if re.search("linear|branch", node.name) else []  # weights and biases
    axes = max(map(len, others), default=0)  # of a weight, which has one more than its bias
    met = sum(math.prod(shape[-2:]) for shape in others if len(shape) == axes)
    return math.prod(node.shapes[0][:-1]) * met + sum(in_the_graph(edge, seen) for edge in node.edges)


for lead in any_order[:20]:
    one = held_out.take(np.array([lead]))
    node = scout.reply_logits(one.tokens.pad(), one.features).node
    assert products(lengths[lead])[0] == in_the_graph(node, set())
work = np.mean([[2 * each for each in products(n)] for n in lengths], axis=0)  # and as many sums
print(f"a lead of {lengths.mean():.0f} tokens: {work.sum() / 1e6:.2f} million products and sums, ", end="")
print(f"{work[1] / work.sum():.0%} of them in attention; the model's own layers count as many\n")

# Then its time: a call costs something whatever it does, each of its tokens costs the rest. Both by least squares.
parts = {n: [held_out.take(any_order[i : i + n]) for i in range(0, settings.alone, n)] for n in settings.batches}
tokens = {n: np.mean([each.tokens.lengths.sum() for each in few]) for n, few in parts.items()}  # of a call


def one_by_one(compiled, few):
    return [compiled.logits(each) for each in few]


singly = np.concatenate(one_by_one(served["int8", 1], parts[1]))
np.testing.assert_array_equal(singly, logits["int8"][any_order[: settings.alone]])  # no lead minds its batch
calls = {(dtype, n): partial(one_by_one, served[dtype, 1], few) for n, few in parts.items() for dtype in models}
took = {way: np.median(seconds) for way, seconds in in_turns(calls, settings.rounds).items()}
us = {dtype: {n: 1e6 * took[dtype, n] / len(few) for n, few in parts.items()} for dtype in models}  # a call
laws = {}
print("microseconds a lead, leads a call: " + "".join(f"{n:7}" for n in parts) + "   a call  a token")
for dtype, call in us.items():
    relative = np.array([[1, tokens[n]] for n in call]) / np.array(list(call.values()))[:, None]
    laws[dtype] = np.linalg.lstsq(relative, np.ones(len(call)), rcond=None)[0]
    print(f"{dtype:35}" + "".join(f"{each / n:7.1f}" for n, each in call.items()), end="")
    print("{:9.1f}  {:7.2f}".format(*laws[dtype]))

# And the roofs over it: what this core does in a large product, and how fast it moves memory.
square, many = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32), np.zeros(2**23, np.float32)
packed, room = pack_int8(square), np.zeros_like(many)
roofs = {"float32": lambda: matmul(square, square), "int8": lambda: linear_int8(square, packed)}
roofs = in_turns(roofs | {"copy": lambda: np.copyto(room, many)}, settings.rounds)
largest, attained = max(parts), {}
print("\n         Gop/s  in a large product  kB moved by a lead alone  GB/s  of memory")
for dtype, size in (("float32", 4), ("int8", 1)):
    moved = size * sum(w.size for name, w in weights.items() if "blocks" in name) + lengths.mean() * config.width * 8
    attained[dtype] = [work.sum() * largest / us[dtype][largest] / 1e3, 2 * 512**3 / np.median(roofs[dtype]) / 1e9]
    attained[dtype] += [moved / 1e3, moved / us[dtype][1] / 1e3, 2 * many.nbytes / np.median(roofs["copy"]) / 1e9]
    print("{:7}  {:5.0f}  {:18.0f}  {:24.0f}  {:4.1f}  {:9.1f}".format(dtype, *attained[dtype]))


# %% Break it: padding, lead by lead, a thread for each lead
def in_numpy(batches):
    with no_grad():
        return [scout.reply_logits(some.tokens.pad(each), some.features[each]).data for each in batches]


some, singles, pool = held_out.take(any_order[: settings.in_numpy]), parts[1], ThreadPoolExecutor(2)
as_they_come = np.array_split(np.arange(len(some)), -(-len(some) // BATCH))
alike = list(length_sorted_batches(some.tokens.lengths, BATCH))
alone = [np.array([i]) for i in range(min(len(some), settings.alone // 4))]
ways = {
    "NumPy, lead by lead": (partial(in_numpy, alone), len(alone)),
    f"NumPy, {BATCH} as they come, padded": (partial(in_numpy, as_they_come), len(some)),
    f"NumPy, {BATCH} of like length": (partial(in_numpy, alike), len(some)),
    "float32, lead by lead": (partial(one_by_one, served["float32", 1], singles), len(singles)),
    "int8, lead by lead": (partial(one_by_one, served["int8", 1], singles), len(singles)),
    "int8, each lead a thread's task": (lambda: list(pool.map(served["int8", 1].logits, singles)), len(singles)),
}
ways |= {f"{dtype}, all, threads: {n}": (partial(each.logits, held_out), len(y)) for (dtype, n), each in served.items()}
ways |= {"reading into tokens, threads: 1": (partial(reader.read, test), len(y))}
took = in_turns({way: call for way, (call, _) in ways.items()}, settings.rounds)
rate = {way: n / np.median(took[way]) for way, (_, n) in ways.items()}
print(f"\n{cores()} cores of {platform.machine():21}  leads a second  a dollar (millions)  a watt-hour (millions)")
each_dollar, each_watt_hour = 3.6e-3 * HOURS / settings.cpu_dollars, 3.6e-3 / settings.cpu_watts  # millions
for way, each in rate.items():
    print(f"{way:32}  {each:14,.0f}  {each * each_dollar:19,.0f}  {each * each_watt_hour:22.2f}")
padded = sum(len(each) * some.tokens.lengths[each].max() for each in as_they_come) / some.tokens.lengths.sum()
print(f"padded as they come, leads have {padded:.1f} times the tokens; compiled, none is padded\n")

# %% Measure
quickest = {dtype: max(rate[f"{dtype}, all, threads: {n}"] for n in (1, 2)) for dtype in models}
also, also_ms = {"float32, compiled": logits["float32"]}, {"float32, compiled": 1e3 / quickest["float32"]}
judged = run.table(y, logits["int8"], 1e3 / quickest["int8"], also=also, also_ms=also_ms)
whole = 1 / (1 / (reading := rate["reading into tokens, threads: 1"]) + 1 / quickest["int8"])  # first read, then score
dearer, hungrier = settings.gpu_dollars / settings.cpu_dollars, settings.gpu_watts / settings.cpu_watts
must, readers = whole * dearer, whole * dearer / reading  # for as many a dollar; cores that read so many

# %% Hand over
title = (
    f"This CPU reads and scores {whole:,.0f} leads a second. A GPU instance of {dearer:.0f} times its price must do "
)
figure, (panel, side) = new_figure(f"{title}{must:,.0f}: merely to read them takes {readers:.0f} such cores", panels=2)
for (dtype, (call, token)), color, above in zip(laws.items(), (ORANGE, BLUE), (44, -24), strict=True):
    n = np.geomspace(min(tokens.values()), max(tokens.values()))
    panel.plot(list(tokens.values()), [each / tokens[n] for n, each in us[dtype].items()], "o", color=color)
    panel.plot(n, call / n + token, color=color)
    text = f"{dtype}: {call:.0f} us a call, {token:.2f} a token"
    label(panel, text, n[-1], call / n[-1] + token, color, ha="right", above=above)
panel.set(xscale="log", ylim=(0, None), xlabel="tokens a call, one thread", ylabel="microseconds a token")
panel.tick_params(which="minor", labelbottom=False)
side.barh(list(rate), list(rate.values()), color=BLUE)
side.axvline(must, color=VERMILION)
label(side, f"a GPU must,\nfor {dearer:.0f} times\nthe price", must, 1, VERMILION, ha="right")
side.set(xscale="log", xlabel="leads a second", ylim=(len(rate) - 0.5, -0.5))
run.hand_over(
    role="speed",
    figure=figure,
    arrays={"test_logits": logits["int8"]},
    judged=judged,
    findings={"us_a_call": us, "laws": laws, "rate": rate, "padded": padded, "attained": attained}
    | {"whole": whole, "must": must, "must_by_watts": whole * hungrier, "readers": readers},
    measured=f"{cores()} cores score {quickest['int8']:,.0f} leads a second in bytes, {quickest['float32']:,.0f} in "
    f"float32; they read and score {whole:,.0f}, {whole * each_dollar:,.0f} million a dollar and "
    f"{whole * each_watt_hour:.1f} million a watt-hour at configs' prices and watts; NumPy lead by lead scores "
    f"{rate['NumPy, lead by lead']:,.0f}. A GPU (none was measured) must do {must:,.0f} for as many a dollar, "
    f"{whole * hungrier:,.0f} for as many a watt-hour",
    so_what=f"no: a million leads take {1e6 / whole:.0f} s here; a GPU pays from {must * HOURS * 3.6e-6:,.0f} billion "
    f"leads a month on, fed by {readers:.0f} such cores that read them",
    try_this="put your own prices and watts into a copy of configs/phases.toml: at which price does a GPU pay?",
)
