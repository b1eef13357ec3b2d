"""How does a model that writes become one that writes what it is told, and nothing that it was not told?

A lesson is an instruction with a plan (the facts to be stated) and a message that states them. The loss is taken on the
message alone. Drills in copying come first, because a message is to state its facts in the plan's own words.

Needs: 00 (rows), 05 (the writer that was not told what to say). Leaves: a writer that follows instructions.
Takes: about 200 s. Reference: Ouyang et al. 2022, section 3 (instruction tuning); Olsson et al. 2022 (copying).
"""

# %% Settings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.autograd import no_grad, ops
from tinyscout.cli.console import progress_bars
from tinyscout.course import open_phase
from tinyscout.course.figure import BLACK, BLUE, ORANGE, VERMILION, label, new_figure
from tinyscout.course.train import timed
from tinyscout.inference import compile
from tinyscout.inference.cached import Cached
from tinyscout.inference.generate import generate, writable
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import write_examples
from tinyscout.leads.outreach_instructions import CHANNELS, HELD_OUT_PHRASINGS, LENGTHS
from tinyscout.leads.outreach_invented import drills
from tinyscout.leads.outreach_report import FIGURES, ask_for, ask_for_made_up, report
from tinyscout.leads.outreach_templates import HELD_OUT_FAMILIES, TONES, TRAINING_FAMILIES
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.optim import AdamW, clip_grad_norm
from tinyscout.tokenizer import SalesTokenizer, chat
from tinyscout.tokenizer.vocabulary import END, MESSAGE, SCORE
from tinyscout.training.instruct import LanguageSettings, language_loss, lesson_loss, plan_lessons
from tinyscout.training.writer import Writer, WriterSettings, make_lessons

NEEDS = ("00_logistic_baseline", "05_sampler")
SECONDS = 200


@dataclass(frozen=True)
class Settings:
    lessons: int
    drills: int
    width: int
    depth: int
    learning_rate: float
    asked: int
    most: int
    temperature: float
    broken_steps: int


run = open_phase(__file__, Settings)
settings = run.settings
begun, left = (run.load(name) for name in NEEDS)
(tables, rows), y = run.leads(), begun.arrays["y"]
learning = LanguageSettings(batch_size=8, learning_rate=settings.learning_rate, final_rate=0.0)
sizes = {name: getattr(settings, name) for name in ("lessons", "drills", "width", "depth")}
recipe = WriterSettings.model_validate({**sizes, "heads": settings.width // 32, "learning": learning})

# %% Lessons
lessons = make_lessons(tables.take(rows.train), recipe, run.seed)
prompts, messages = [each.prompt for each in lessons], [each.message for each in lessons]
writer = Writer.begin(lessons, recipe, seed=run.seed)
model, tokenizer = writer.model, writer.tokenizer
sequences = plan_lessons(prompts, messages, model, tokenizer)


# %% By hand: the mask, drawn as text, and the loss that it leaves, one lesson after the other
def answer_mask(ids):  # (T,) -> (T,) bool: what comes after <message>, up to <end> and with it
    mask, inside = np.zeros(len(ids), bool), False
    for i, token in enumerate(ids):
        mask[i] = inside
        inside = (inside or token == MESSAGE) and token != END
    return mask


lost, some = [], sequences.take(np.arange(8))
for i in range(len(some)):
    alone = some.tokens.take(np.array([i]))  # T tokens
    with no_grad():
        logits = model.language_logits(alone.pad()).data[0].astype(np.float64)  # (T, V): what follows each token
    logits -= logits.max(axis=-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    lost += [-log_p[at - 1, alone.ids[at]] for at in np.flatnonzero(answer_mask(alone.ids))]  # by the token before
    assert (answer_mask(alone.ids) == chat.answers(alone)).all()
print(chat.drawn(alone.ids, answer_mask(alone.ids), tokenizer) + "\n")
packed = lesson_loss(model, some).item()  # the library's: lessons one behind the other, and none sees another
np.testing.assert_allclose(np.mean(lost), packed, rtol=1e-5)
print(f"learnt: {len(lost)} of {len(some.tokens.ids)} tokens; alone {np.mean(lost):.4f} nats, packed {packed:.4f}\n")

# %% Drills in copying, then lessons; judged on held-out leads and wordings, in known and new forms (templates)
with progress_bars() as progress:
    writer.learn(drills(recipe.drills, run.seed), recipe.drilling, progress=progress)
    drilled, n_drills = model.state_dict(), len(writer.losses)
    writer.learn(list(zip(prompts, messages, strict=True)), recipe.learning, progress=progress)
nats, held_out = {}, {}
for name, families in (("known forms", TRAINING_FAMILIES), ("held-out forms", HELD_OUT_FAMILIES)):
    how = {"families": families, "phrasings": HELD_OUT_PHRASINGS, "seed": run.seed}
    unseen = write_examples(tables, rows.test[: settings.asked], **how)
    unseen = [each.prompt for each in unseen], [each.message for each in unseen]
    held_out[name] = plan_lessons(*unseen, model, tokenizer).tokens
    nats[name] = language_loss(model, held_out[name])
    print(f"messages to held-out leads in {name}: {nats[name]:.3f} nats a token")

# %% What is written. free: nothing invented; named: names, numbers, dates are not; stated: all facts; fresh: no repeats
asked, made_up = ask_for(tables, rows.test[: settings.asked], seed=run.seed), ask_for_made_up(settings.asked, seed=1)
asks, greedy = [each.prompt for each in asked], SamplerSettings(temperature=0, most=settings.most, seed=run.seed)
drawn = SamplerSettings(temperature=settings.temperature, most=settings.most, seed=run.seed)
old = LeadScout.from_state(left.state["model"], left.part("model"))  # phase 05's: reads the lead, is told no facts
old_words = SalesTokenizer.from_state(left.state["tokenizer"])
tokens = old_words.encode(tables.take(rows.test))
told = chat.prompts(tokens.take(np.arange(len(asked))), [each.instruction.text for each in asked], old_words)
told = told.truncate(old.config.max_tokens - 80, old_words.vocabulary)


def write(model, words, told, sampler):
    ids = generate(Cached(compile(model)), told, sampler, allowed=writable(words.vocabulary))
    return [words.decode_text(each) for each in ids], float(np.mean([len(each) == sampler.most for each in ids]))


before, _ = write(old, old_words, told, SamplerSettings(temperature=drawn.temperature, most=80, seed=run.seed))
texts = writer.write(asks, drawn)
found = {
    "phase 05": report(before, asked),
    "tuned, greedy": report(writer.write(asks, greedy), asked),
    "tuned": report(texts, asked),
    "tuned, words outside of plan and corpus forbidden": report(writer.write(asks, drawn, constrained=True), asked),
    "tuned, made-up leads": report(writer.write([each.prompt for each in made_up], drawn), made_up),
}
heading = f"{len(asked)} messages at {drawn.temperature:g}"
print(f"\n{heading:50}" + "".join(f"{name:>9}" for name in FIGURES))
by_kind = {f"  {name}": found["tuned"][name] for name in (*CHANNELS, *TONES, *LENGTHS) if name in found["tuned"]}
for name, row in {**{name: each["all"] for name, each in found.items()}, **by_kind}.items():
    print(f"{name:50}" + "".join(f"{row[each]:9.1%}" for each in FIGURES))
print("broken by tuned: " + ", ".join(f"{rule} {share:.1%}" for rule, share in found["tuned"]["broken"].items()))
print(f"\n{asks[0]}\n{texts[0]!a}")

# %% Break it: the same steps after the same drills, with the loss on other tokens
masks_of = {
    "the answer": chat.answers,
    "the prompt as well": lambda some: some.ids != SCORE,  # which nothing foretells
    "the answer, one token early": lambda some: np.append(chat.answers(some)[1:], False),
}
few, broken = asked[:: max(1, len(asked) // 50)], {}
questions = chat.prompts(chat.nobody(len(few)), [each.prompt for each in few], tokenizer)
print(f"\n{settings.broken_steps} steps after the drills, loss on   nats a token of answers   do as told   never end")
for name, mask_of in masks_of.items():
    other = LeadScout(model.config, rng=np.random.default_rng(run.seed))
    other.load_state_dict(drilled)
    optimizer = AdamW([(key, p) for key, p in other.named_parameters() if p.requires_grad], lr=2e-3)
    for step in range(settings.broken_steps):
        some = sequences.tokens.take(np.arange(step * 16, step * 16 + 16) % len(prompts))
        learnt = mask_of(some)
        logits = other.next_token(other.hidden(other.embed(some), some.lengths)[np.append(learnt[1:], False)])
        optimizer.zero_grad()
        ops.cross_entropy(logits, targets=some.ids[learnt]).backward()
        clip_grad_norm(other.parameters(), 1.0)
        optimizer.step()
    tried, endless = write(other, tokenizer, questions, greedy)
    broken[name] = {"nats": language_loss(other, held_out["known forms"]), "endless": endless}
    broken[name]["follows"] = report(tried, few)["all"]["follows"]
    print("{:36}   {nats:23.3f}   {follows:10.0%}   {endless:9.0%}".format(name, **broken[name]))

# %% Measure: this writer is a model of its own and changes no score
wide = sparse.csr_matrix(BaselineFeatures.from_state(left.state["features"]).transform(tokens), dtype=np.float32)
latest = tokens.truncate(old.config.max_tokens, old_words.vocabulary)
test_logits, ms_per_lead = timed(lambda: predict_logits(old, Examples(latest, wide)))
judged = run.table(y[rows.test], test_logits, ms_per_lead)

# %% Hand over
first, last, early = found["phase 05"]["all"], found["tuned"]["all"], broken["the answer, one token early"]
title = f"Tuned, {last['free']:.0%} of the drafts at temperature {drawn.temperature:g} invent nothing "
title += f"({first['free']:.0%} before), {last['follows']:.0%} do as told"
figure, (panel, right) = new_figure(title, panels=2)
means = [float(np.mean(part)) for part in np.array_split(writer.losses, min(60, len(writer.losses)))]
panel.plot(np.linspace(0, len(writer.losses), len(means)), means, color=BLACK)
label(panel, "drills end, lessons begin", n_drills, max(means), ORANGE)
panel.set(xlabel="steps", ylabel="loss (nats a token of the answer)", ylim=(0, None))
kinds = [name.strip() for name in by_kind]
right.barh(kinds, [100 * row["follows"] for row in by_kind.values()], color=BLUE)
right.plot([100 * row["free"] for row in by_kind.values()], kinds, "o", color=VERMILION)
right.set(xlabel="drafts as told (bars), nothing invented (dots) (%)", xlim=(0, 103))
run.hand_over(
    role="writer",
    figure=figure,
    arrays={"test_logits": test_logits},
    parts={"model": model.state_dict()},
    state={"model": model.to_state(), "tokenizer": tokenizer.to_state(), "settings": recipe.model_dump()},
    judged=judged,
    findings={"drafts": found, "nats": nats, "broken": broken, "losses": writer.losses},
    measured=f"{last['free']:.0%} of {len(asked)} drafts at {drawn.temperature:g} invent nothing (phase 05's "
    f"{first['free']:.0%}), {last['follows']:.0%} do as told ({first['follows']:.0%}); {nats['known forms']:.2f} nats "
    f"a token, {nats['held-out forms']:.2f} in held-out forms; with the mask a token early {early['endless']:.0%} "
    "never end; the score is phase 05's, as it must be",
    so_what="what a message may say is told in words and copied: who writes to a lead need not know it by heart",
    try_this="set drills to 0 in a copy of configs/phases.toml: which facts does it mix up now?",
)
