"""What does it save to remember keys and values, and from what length on does it pay?

To write a token, attention needs the keys and values of all tokens before it. Those don't change any more: computed
once and kept (a KV cache), the next token costs one row of work instead of all of them again.

Needs: 00 (rows), 05 (the writer). Leaves: what a token costs the writer with a cache and without.
Takes: about 15 s. Reference: Shazeer 2019, section 2.3 (incremental decoding); Pope et al. 2022, section 2.1.
"""

# %% Settings
import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLACK, BLUE, ORANGE, VERMILION, label, new_figure
from tinyscout.course.train import timed
from tinyscout.inference import compile
from tinyscout.inference.cached import Cached
from tinyscout.inference.generate import Uncached, generate, writable
from tinyscout.inference.sampler import SamplerSettings, probabilities
from tinyscout.leads.outreach import write_examples
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.tokenizer import SalesTokenizer, Tokens, chat
from tinyscout.tokenizer.vocabulary import END
from tinyscout.training.instruct import language_loss

NEEDS = ("00_logistic_baseline", "05_sampler")
SECONDS = 15


@dataclass(frozen=True)
class Settings:
    drafts: int
    most: int
    lengths: tuple[int, ...]


run = open_phase(__file__, Settings)
settings = run.settings
begun, left = (run.load(name) for name in NEEDS)
tables, rows = run.leads()[0], Rows.of(begun.arrays)
tokenizer = SalesTokenizer.from_state(left.state["tokenizer"])
writer = LeadScout.from_state(left.state["model"], left.part("model"))
config, weights, library = writer.config, writer.state_dict(), compile(writer)
prompts = Tokens(**left.part("prompts")).take(np.arange(settings.drafts))


# %% By hand: the decoder over a cache. Reading a prompt (prefill) and one token more (decode) are the same function.
class Cache:
    def __init__(self):
        room = config.depth, config.heads, config.max_tokens, config.width // config.heads  # (layers, H, most T, K)
        self.keys, self.values, self.length = np.zeros(room, np.float32), np.zeros(room, np.float32), 0


def linear(x, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def norm(x, name):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * weights[f"{name}.gain"] + weights[f"{name}.bias"]


def read(x, cache, last=1):
    """Take n more tokens x (n, D) in -> logits (last, V) of what follows the last of them."""
    past, now = cache.length, cache.length + len(x)
    x = x + weights["position.weight"][past:now]  # (n, D) they stand behind what is in the cache
    later = np.arange(now) > np.arange(past, now)[:, None]  # (n, now)
    for i in range(config.depth):
        block = f"blocks.{i}"
        qkv = linear(norm(x, f"{block}.attention_norm"), f"{block}.attention.qkv")  # (n, 3D)
        q, k, v = qkv.reshape(len(x), 3, config.heads, -1).transpose(1, 2, 0, 3)  # (H, n, K) each, of the new alone
        cache.keys[i, :, past:now], cache.values[i, :, past:now] = k, v
        scores = q @ cache.keys[i, :, :now].transpose(0, 2, 1) / np.float32(np.sqrt(q.shape[-1]))  # (H, n, now)
        scores[:, later] = -np.inf
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (share / share.sum(axis=-1, keepdims=True)) @ cache.values[i, :, :now]  # (H, n, K)
        x = x + linear(mixed.transpose(1, 0, 2).reshape(x.shape), f"{block}.attention.out")  # (n, D)
        up = linear(norm(x, f"{block}.mlp_norm"), f"{block}.mlp.up")  # (n, 4D)
        up = 0.5 * up * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * (up + np.float32(0.044715) * up * up * up)))
        x = x + linear(up, f"{block}.mlp.down")
    cache.length = now
    return norm(x[-last:], "norm") @ weights["token.weight"][: config.language].T


def look_up(tokens):  # (n, D): what each token means, before it has a place; words have no amount and no age
    return (writer.token(tokens.ids) + writer.age(tokens.ages) + writer.amount(tokens.ids, tokens.values)).data


class ByHand:  # what `generate` drives; `slip`: by how much a cache miscounts its prompt
    def __init__(self, slip=0):
        self.slip = slip

    def prefill(self, prompts):
        self.caches, logits = [Cache() for _ in range(len(prompts))], []
        for i, cache in enumerate(self.caches):
            logits.append(read(look_up(prompts.take(np.array([i]))), cache)[0])
            cache.length += self.slip
        return np.array(logits)  # (B, V)

    def decode(self, rows, ids):
        return np.array([read(weights["token.weight"][[i]], self.caches[r])[0] for r, i in zip(rows, ids, strict=True)])


# True messages to held-out leads, token by token and in chunks: by hand, by the library, and with no cache at all.
lessons, tokens = write_examples(tables, rows.test[: settings.drafts], seed=run.seed), tokenizer.encode(tables)
asked, answers = [x.instruction.text for x in lessons], [[*tokenizer.encode_text(x.message), END] for x in lessons]
asked = chat.prompts(tokens.take(np.array([x.row for x in lessons])), asked, tokenizer)
asked = asked.truncate(config.max_tokens - max(map(len, answers)), tokenizer.vocabulary)
said, apart = asked.append(answers), 0.0
for one in (said.take(np.array([i])) for i in range(4)):
    expected, x = writer.language_logits(one.pad()).data[0], look_up(one)  # (T, V) with nothing remembered, (T, D)
    for chunk in (1, 7, 64):
        own, theirs = Cache(), library.cache()
        for some in (slice(at, at + chunk) for at in range(0, len(x), chunk)):
            logits = read(x[some], own, last=chunk)  # (n, V)
            of_library = library.prefill(one.ids[some], one.values[some], one.ages[some], theirs)  # (V,)
            apart = max(apart, np.abs(logits - expected[some]).max(), np.abs(logits[-1] - of_library).max())
assert apart < 1e-4
print(f"by 1, 7 and 64 tokens: logits by hand, of the library and without a cache are at most {apart:.0e} apart\n")

# %% Break it: the cache by hand counts its prompt rightly, or wrongly by one; "compiled" is the library's with a cache
ways = {"no cache": Uncached(writer), "compiled": Cached(library), "right count": ByHand()}
ways |= {"one too few": ByHand(-1), "one too many": ByHand(1)}
greedy, allowed = SamplerSettings(temperature=0, most=settings.most), writable(tokenizer.vocabulary)
drafts, found = {}, {}
print("greedy drafts  ms a draft  changed  true messages: nats a token")
for way, steps in ways.items():
    started = time.perf_counter()
    drafts[way], ended = generate(steps, prompts, greedy, allowed=allowed), time.perf_counter()
    changed = float(np.mean([a != b for a, b in zip(drafts[way], drafts["no cache"], strict=True)]))
    logits, lost = steps.prefill(asked), []
    for t in range(max(map(len, answers))):
        going = np.array([i for i, answer in enumerate(answers) if len(answer) > t])
        logits = steps.decode(going, np.array([answers[i][t - 1] for i in going])) if t else logits
        chance = probabilities(logits, SamplerSettings())  # (b, V)
        lost += [-np.log(each[answers[i][t]]) for each, i in zip(chance, going, strict=True)]
    found[way] = {"ms": 1e3 * (ended - started) / len(prompts), "changed": changed, "nats": float(np.mean(lost))}
    print("{:13} {ms:11.1f}  {changed:7.0%}  {nats:27.3f}".format(way, **found[way]))
np.testing.assert_allclose(found["right count"]["nats"], language_loss(writer, said), rtol=1e-3)

# %% When it pays: the next token behind n others, with a cache that holds them and without. The quickest of many runs.
ids = np.random.default_rng(run.seed).integers(0, config.language, config.max_tokens).astype(np.int32)
words, zeros, no_age = weights["token.weight"][ids], np.zeros(len(ids), np.float32), np.full(len(ids), np.nan)
own, theirs, costs = Cache(), library.cache(), {"NumPy": {}, "compiled": {}}
print("\nms for the next token\nbehind  NumPy: cached      not  compiled: cached      not")
for n in settings.lengths:
    for way, row in costs.items():
        row[n] = [np.inf, np.inf]  # cached, not
        for which, start in [(0, n), (1, 0)] * 40:
            some, own.length, theirs.length, started = slice(start, n + 1), start, start, time.perf_counter()
            read(words[some], own) if way == "NumPy" else library.prefill(ids[some], zeros[some], no_age[some], theirs)
            row[n][which] = min(row[n][which], 1e3 * (time.perf_counter() - started))
    print("{:6} {:14.3f} {:8.3f} {:17.3f} {:8.3f}".format(n, *costs["NumPy"][n], *costs["compiled"][n]))
longest, room = max(settings.lengths), 2 * config.depth * config.width * 4  # bytes a token: float32 keys and values
gains = {way: {n: anew / cached for n, (cached, anew) in row.items()} for way, row in costs.items()}
most, even = {way: row[longest] for way, row in gains.items()}, {}
for way, row in gains.items():  # from which length on a cache is quicker, and twice as quick
    even[way] = [next((n for n in row if all(row[m] > x for m in row if m >= n)), "nowhere") for x in (1, 2)]

# %% Measure: a score is read once and writes nothing, so that a cache changes none
features = BaselineFeatures.from_state(left.state["features"])
wide = sparse.csr_matrix(features.transform(tokens.take(rows.test)), dtype=np.float32)
latest = tokens.take(rows.test).truncate(config.max_tokens, tokenizer.vocabulary)
test_logits, ms_per_lead = timed(lambda: predict_logits(writer, Examples(latest, wide)))
judged = run.table(rows.y[rows.test], test_logits, ms_per_lead)

# %% Hand over
right, few, many = list(found.values())[2:]
title = f"Behind {longest} tokens the next costs {most['NumPy']:.1f} times as much without a cache. Counting one too "
title += (
    f"many changes {many['changed']:.0%} of drafts, and the loss from {right['nats']:.3f} to {many['nats']:.3f} nats"
)
figure, (panel, side) = new_figure(title, panels=2)
for way, colors in (("NumPy", (BLUE, ORANGE)), ("compiled", (BLACK, VERMILION))):
    for i, (which, color) in enumerate(zip(("cached", "no cache"), colors, strict=True)):
        panel.loglog(list(costs[way]), [each[i] for each in costs[way].values()], "o-", color=color)
        at, above = ((longest, 9), (settings.lengths[-2], 0))[i]
        label(panel, f"{which}, {way}", at, costs[way][at][i], color, ha="right", above=above)
panel.set(xlabel="tokens before it", ylabel="time for the next token (ms)")
marks = [f"{way}\n{each['nats']:.3f} nats" for way, each in list(found.items())[2:]]
side.bar(marks, [100 * each["changed"] for each in (right, few, many)], color=BLUE)
side.set(xlabel="how the cache counts the prompt", ylabel="greedy drafts changed (%)", ylim=(0, 100))
run.hand_over(
    role="cached writer",
    figure=figure,
    arrays={"test_logits": test_logits},
    judged=judged,
    findings={"ms": costs, "even": even, "gain": most, "ways": found, "apart": apart, "bytes_a_token": room},
    measured=f"behind {longest} tokens a cache is {most['NumPy']:.1f} times as quick in NumPy, {most['compiled']:.1f} "
    f"compiled, for {room} bytes a token; it pays from {even['NumPy'][0]} on and twofold from {even['NumPy'][1]} "
    f"(compiled {even['compiled'][0]}, {even['compiled'][1]}); a miscount by -1 or +1 changes {few['changed']:.0%} or "
    f"{many['changed']:.0%} of drafts; the loss, {right['nats']:.3f}, becomes {few['nats']:.3f} or {many['nats']:.3f}",
    so_what="a token's work hardly grows with the text; a wrong cache may hide in a loss: compare it with none",
    try_this="let the cache slip at every token instead of once, in a copy: does the loss find that?",
)
