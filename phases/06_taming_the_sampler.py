"""Can a sampler be tamed, so that a hundred leads get a hundred different messages and none of them goes astray?

Cold drafts are alike, as a bot's are; hot ones break. Top-k, top-p and min-p cut the tail of unlikely tokens off, so
that the temperature may rise: what is that worth? A repetition penalty is tried as well, and overdone.

Needs: 00 (rows), 05 (the writer). Leaves: the settings of a sampler for the writer, and its drafts.
Takes: about 30 s. Reference: Holtzman et al. 2020 (top-p); Keskar et al. 2019, section 4.1.
"""

# %% Settings
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tinyscout.autograd import no_grad
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.drafts import DraftJudge, nats_a_token
from tinyscout.course.figure import BLACK, BLUE, GREY, ORANGE, VERMILION, label, new_figure
from tinyscout.course.train import timed
from tinyscout.inference.generate import Uncached, generate, writable
from tinyscout.inference.sampler import SamplerSettings, probabilities
from tinyscout.leads.outreach import Instruction, write_examples
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.tokenizer.vocabulary import END

NEEDS = ("00_logistic_baseline", "05_sampler")
SECONDS = 30


@dataclass(frozen=True)
class Settings:
    temperatures: tuple[float, ...]
    top_k: int
    top_p: float
    min_p: float
    may_stray: float
    penalties: tuple[float, ...]
    most: int


run = open_phase(__file__, Settings)
settings = run.settings
begun, left = (run.load(name) for name in NEEDS)
tables, rows = run.leads()[0], Rows.of(begun.arrays)
tokenizer = SalesTokenizer.from_state(left.state["tokenizer"])
writer = LeadScout.from_state(left.state["model"], left.part("model"))
prompts, asked_for = Tokens(**left.part("prompts")), left.arrays["asked_for"]


# %% By hand: what may be drawn. Each filter is a rule about the ranked list of tokens.
def chances(logits):
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


def keep(logits, ids):  # the others get no chance
    kept = np.full(len(logits), -np.inf)
    kept[ids] = logits[ids]
    return kept


def top_k(logits, k):  # a fixed number: too many where the next word is clear, too few where it is open
    return keep(logits, np.argsort(-logits, kind="stable")[:k])


def top_p(logits, p):  # as many as it takes to cover a share p
    chance, ids, covered = chances(logits), [], 0.0
    for i in np.argsort(-logits, kind="stable"):
        if covered >= p:
            break
        ids.append(i)
        covered += chance[i]
    return keep(logits, ids)


def min_p(logits, p):  # all that are not much less likely than the likeliest
    chance = chances(logits)
    return keep(logits, np.flatnonzero(chance >= p * chance.max()))


def penalise(logits, seen, penalty):  # dividing a negative logit would make it likelier: it is multiplied
    changed = logits.copy()
    for i in set(seen):
        changed[i] = changed[i] / penalty if changed[i] > 0 else changed[i] * penalty
    return changed


with no_grad():
    batch = prompts.take(np.arange(10)).pad()
    some = writer.language_logits(batch, (np.arange(10), batch.lengths - 1)).data.astype(np.float64)
seen = some >= np.sort(some, axis=-1)[:, -5:-4]  # the five likeliest, as if they stood in the text so far
for logits, marked in zip(some, seen, strict=True):
    tamed = {
        "top_k": top_k(logits, settings.top_k),
        "top_p": top_p(logits, settings.top_p),
        "min_p": min_p(logits, settings.min_p),
        "repetition_penalty": penalise(logits, np.flatnonzero(marked), 1.3),
    }
    for name, by_hand in tamed.items():
        value = 1.3 if name == "repetition_penalty" else getattr(settings, name)
        by_library = probabilities(logits, replace(SamplerSettings(), **{name: value}), seen=marked)
        np.testing.assert_allclose(chances(by_hand), by_library, rtol=1e-9, atol=1e-15)
print(f"three filters and a penalty by hand equal the library's, each on {len(some)} next tokens\n")

# %% What a person would send on the same instruction (the corpus), and a bot
instruction = Instruction(**left.state["instruction"])
judge = DraftJudge(tables, [each.message for each in write_examples(tables, rows.train, seed=run.seed)])
made = write_examples(tables, asked_for, seed=run.seed, instruction=instruction)
corpus, bots = [each.message for each in made], [each.bot for each in made]


def drafted(**chosen):
    sampler = SamplerSettings(most=settings.most, seed=run.seed, **chosen)
    ids = generate(Uncached(writer), prompts, sampler, allowed=writable(tokenizer.vocabulary))
    texts = [tokenizer.decode_text(text) for text in ids]
    return judge(texts, asked_for, cut=[len(each) == settings.most for each in ids]), texts


HEAD = f"{len(asked_for)} messages each         self-BLEU  distinct-2  astray  untrue"
LINE = "{:24}  {self_bleu:9.3f}  {distinct_2:10.3f}  {astray:6.0%}  {untrue:6.0%}"

# %% Drafts to the same leads, by filter and temperature
filters = {"all tokens": {}}
for name, short in (("top_k", "top-k"), ("top_p", "top-p"), ("min_p", "min-p")):
    filters[f"{short} {getattr(settings, name):g}"] = {name: getattr(settings, name)}
found, texts_of = {name: {} for name in filters}, {}
with progress_bars() as progress:
    for i, (name, chosen) in enumerate(filters.items()):
        for j, temperature in enumerate(settings.temperatures):
            found[name][temperature], texts_of[name, temperature] = drafted(temperature=temperature, **chosen)
            progress("writing", i * len(settings.temperatures) + j + 1, len(filters) * len(settings.temperatures))
bot, person = judge(bots, asked_for) | {"astray": 0.0}, judge(corpus, asked_for)  # a bot spells, in words of its own
print("\n".join((HEAD, LINE.format("a bot", **bot), LINE.format("the corpus", **person))))
even = {}  # share astray at the temperature that makes drafts as unlike as the corpus's messages are
for name, row in found.items():
    for temperature, each in row.items():
        print(LINE.format(f"{name}, at {temperature:g}", **each))
    points = np.array(sorted((each["self_bleu"], each["astray"]) for each in row.values()))
    even[name] = float(np.interp(person["self_bleu"], points[:, 0], points[:, 1]))
print("as unlike as the corpus: " + ", ".join(f"{name} {share:.1%} astray" for name, share in even.items()))
kept = [
    (max(e["astray"], settings.may_stray), e["self_bleu"], n, t) for n, row in found.items() for t, e in row.items()
]
most, _, chosen, temperature = min(kept)  # if all stray more than they may, the one that strays least
print(f"\nleast alike with at most {most:.0%} astray: {chosen} at {temperature:g}, for example")
print("\n".join(ascii(text) for text in texts_of[chosen, temperature][:2]))

# %% Break it: punish repetition too much. A message needs its commas, its "you" and its "our" more than once.
print(f"\npenalty on repetition\n{HEAD}")
true, punished = [[*tokenizer.encode_text(text), END] for text in corpus], {}
for penalty in settings.penalties:
    punished[penalty], texts = drafted(temperature=temperature, repetition_penalty=penalty, **filters[chosen])
    punished[penalty]["nats"] = nats_a_token(writer, prompts, true, SamplerSettings(repetition_penalty=penalty))
    print((LINE + "; true messages cost {nats:.2f} nats a token").format(f"{penalty:g}", **punished[penalty]))
worst = max(settings.penalties)
print(f"at {worst:g}: {texts[0]!a}")

# %% Measure: a sampler changes no score
features = BaselineFeatures.from_state(left.state["features"])
tokens = tokenizer.encode(tables.take(rows.test))
wide = sparse.csr_matrix(features.transform(tokens), dtype=np.float32)
latest = tokens.truncate(writer.config.max_tokens, tokenizer.vocabulary)
test_logits, ms_per_lead = timed(lambda: predict_logits(writer, Examples(latest, wide)))
judged = run.table(rows.y[rows.test], test_logits, ms_per_lead)

# %% Hand over
strayed = ", ".join(f"{share:.0%} ({name})" for name, share in even.items())
unlike = f"As unlike as the corpus (self-BLEU {person['self_bleu']:.2f}, a bot's {bot['self_bleu']:.2f}), drafts"
title = f"{unlike} go astray in {strayed}"
figure, (panel, right) = new_figure(title, panels=2)
for (name, row), color in zip(found.items(), (VERMILION, ORANGE, BLUE, BLACK), strict=True):
    values = [each["self_bleu"] for each in row.values()]
    panel.plot(list(row), values, "o-", color=color)
    label(panel, name, list(row)[-1], values[-1], color, ha="right", above=9)
    right.plot([100 * each["astray"] for each in row.values()], values, "o-", color=color)
    label(right, name, 100 * list(row.values())[-1]["astray"], values[-1], color, ha="right", above=9)
for name, each in (("a bot", bot), ("the corpus", person)):
    panel.axhline(each["self_bleu"], color=GREY, linewidth=0.8)
    label(panel, name, min(settings.temperatures), each["self_bleu"], GREY, above=6)
panel.set(xlabel="temperature", ylabel="self-BLEU of the drafts (1: all the same)")
right.set(xlabel="drafts with a word that is none, or without an end (%)")
run.hand_over(
    role="sampler settings",
    figure=figure,
    arrays={"test_logits": test_logits},
    state={"sampler": {"temperature": temperature, **filters[chosen]}, "drafts": texts_of[chosen, temperature]},
    judged=judged,
    findings={"drafts": found, "even": even, "bot": bot, "corpus": person, "penalties": punished},
    measured=f"{unlike} go astray in {strayed}; a repetition penalty of {worst:g} sends "
    f"{punished[worst]['astray']:.0%} astray; the score is phase 05's, as it must be",
    so_what="samplers are to be compared at equal variety: a filter has to beat a lower temperature without it",
    try_this="set top_p to 0.5 in a copy of configs/phases.toml: when does cutting make drafts alike again?",
)
