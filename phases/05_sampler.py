"""How does a model that gives probabilities write a message, and what does the temperature change?

The language head reads the same backbone as the reply head and gives each word a probability. A sampler draws one, the
model reads on from there, and so on until `<end>`. The temperature says how often something unlikely is drawn.

Needs: 00 (rows, tokenizer), 04 (the scout that learns to write). Leaves: a writer with both heads, and its prompts.
Takes: about 35 s. Reference: Ackley, Hinton and Sejnowski 1985 (temperature); Bengio et al. 2003, section 2.
"""

# %% Settings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.autograd import no_grad
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.drafts import DraftJudge
from tinyscout.course.figure import BLACK, BLUE, ORANGE, VERMILION, label, new_figure
from tinyscout.course.train import timed
from tinyscout.inference.generate import Uncached, generate, writable
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import Instruction, write_examples
from tinyscout.models.carry_over import carry_over
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.tokenizer import SalesTokenizer, chat
from tinyscout.tokenizer.vocabulary import END
from tinyscout.training.instruct import LanguageSettings, fit_language, language_loss

NEEDS = ("00_logistic_baseline", "04_mini_transformer")
SECONDS = 35
MAX_TOKENS = 192  # a lead, an instruction and a long message
INSTRUCTION = Instruction("email", "friendly", "short")


@dataclass(frozen=True)
class Settings:
    merges: int
    lessons: int
    epochs: int
    batch_size: int
    learning_rate: float
    drafts: int
    most: int
    temperatures: tuple[float, ...]


run = open_phase(__file__, Settings)
settings = run.settings
begun, stack = (run.load(name) for name in NEEDS)
tables, rows = run.leads()
y, test = rows.y, Rows.of(begun.arrays).test

# %% Lessons: a training lead, an instruction, a message that is true of it. The words of messages are learnt as well.
lessons = write_examples(tables, rows.train[-settings.lessons :], seed=run.seed)
messages = [each.message for each in lessons]
texts = messages + [each.instruction.text for each in lessons]
tokenizer = SalesTokenizer.fit(tables.take(rows.train), merges=settings.merges, writing=texts)
vocabulary, tokens = tokenizer.vocabulary, tokenizer.encode(tables)
print(f"the first of {len(lessons):,} lessons: {lessons[0].instruction.text}\n{messages[0]}\n")


def sequences(examples):  # the lead, <instruction> ... <message> ... <end>
    asked, answered = [each.instruction.text for each in examples], [each.message for each in examples]
    leads = tokens.take(np.array([each.row for each in examples]))
    return chat.lessons(leads, asked, answered, tokenizer).truncate(MAX_TOKENS, vocabulary)


# %% Phase 04's scout learns to write, and goes on learning who replies. What kept its name keeps its weights.
features = BaselineFeatures.fit(tokens.take(rows.train), vocabulary)
wide = sparse.csr_matrix(features.transform(tokens), dtype=np.float32)
numbers = tuple(field.start for field in vocabulary.fields if field.is_number)
sizes = {"vocabulary": len(vocabulary), "language": vocabulary.n_language, "wide": len(features.names)}
sizes |= {"numbers": numbers, "max_tokens": MAX_TOKENS, "dropout": 0.0}
config = LeadScoutConfig(**{**stack.state["model"], **sizes})
writer = LeadScout(config, rng=np.random.default_rng(run.seed))
old, old_features = SalesTokenizer.from_state(begun.state["tokenizer"]), begun.state["features"]
names = (old.vocabulary.names, vocabulary.names), (BaselineFeatures.from_state(old_features).names, features.names)
writer.load_state_dict(carry_over(stack.part("model"), writer.state_dict(), tokens=names[0], features=names[1]))
held_out = Examples(tokens.take(test).truncate(MAX_TOKENS, vocabulary), wide[test])
began_as = predict_logits(writer, held_out)
taught = np.array([each.row for each in lessons])
learning = LanguageSettings(**{name: getattr(settings, name) for name in ("epochs", "batch_size", "learning_rate")})
with progress_bars() as progress:
    pairs = Examples(sequences(lessons), wide[taught])
    losses = fit_language(writer, pairs, learning, seed=run.seed, labels=y[taught], progress=progress)
unseen = language_loss(writer, sequences(write_examples(tables, test[: 4 * settings.drafts], seed=run.seed)))
print(f"{len(losses)} steps; messages to held-out leads: {unseen:.2f} nats a token, a choice of {np.exp(unseen):.2f}\n")

# %% What it is asked for: the same kind of message to each of some held-out leads that want to hear from us
judge = DraftJudge(tables, messages)
asked_for = judge.wants_to_hear(test, settings.drafts)
prompts = chat.prompts(tokens.take(asked_for), [INSTRUCTION.text] * len(asked_for), tokenizer)
prompts = prompts.truncate(MAX_TOKENS - settings.most, vocabulary)
allowed = writable(vocabulary)


def drafts(temperature):
    chosen = SamplerSettings(temperature=temperature, most=settings.most, seed=run.seed)
    return generate(Uncached(writer), prompts, chosen, allowed=allowed)


# %% By hand: one token at a time. Probabilities sharpened or flattened, one drawn by its place on a line of length 1.
def chances(logits, temperature):  # (V,) -> (V,)
    odds = np.exp((logits - logits.max()) / temperature)  # the largest is 1: nothing overflows
    return odds / odds.sum()


def write(prompt, temperature, rng):
    """Token ids of a message, without <end>."""
    text = []
    while len(text) < settings.most:
        batch = prompt.append([text]).pad()  # (1, T)
        with no_grad():
            hidden = writer.hidden(writer.embed(batch), batch.lengths).data[0, -1]  # (D,) what the last token knows
        logits = writer.token.weight.data[: config.language] @ hidden  # (V, D) @ (D,) -> (V,)
        logits = np.where(allowed, logits.astype(np.float64), -np.inf)
        ends = np.cumsum(chances(logits, temperature))  # (V,) each token owns a piece of the line, as long as likely
        token = int(np.searchsorted(ends, rng.random(), side="right"))
        if token == END:
            break
        text.append(token)
    return text


written = {0.8: drafts(0.8)}
for i in range(3):
    assert write(prompts.take(np.array([i])), 0.8, np.random.default_rng([run.seed, i])) == written[0.8][i]
print("three messages by hand equal the library's, token by token\n")


# %% Break it: leave out the shift. exp(89) is more than a float32 holds, and a cold temperature makes large numbers.
def chances_naive(logits, temperature):  # (N, V) float32
    odds = np.exp(logits / np.float32(temperature))
    return odds / odds.sum(axis=-1, keepdims=True)


some = prompts.take(np.arange(20)).append([[*text, END] for text in written[0.8][:20]])
row, place = (each[chat.answers(some)] for each in (some.lead, some.positions))  # (N,)
with no_grad():
    seen = writer.language_logits(some.pad(), (row, place - 1)).data  # (N, V), all decisions of 20 messages
tried, lost = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05), []
for temperature in tried:
    with np.errstate(over="ignore", invalid="ignore"):
        lost.append(float(np.isnan(chances_naive(seen, temperature)).any(axis=-1).mean()))
    assert np.isfinite(chances(seen[0], temperature)).all()
print("decisions that are lost to inf / inf without the shift, by temperature:")
print("  " + ", ".join(f"{temperature:g}: {share:.0%}" for temperature, share in zip(tried, lost, strict=True)) + "\n")

# %% What a temperature changes, measured on the same leads
found = {}
print("self-BLEU: 1 if all are alike; astray: a nonword, or no end\ntemperature  self-BLEU  nonwords  astray  untrue")
for temperature in settings.temperatures:
    ids = written.setdefault(temperature, drafts(temperature))
    cut = [len(text) == settings.most for text in ids]
    found[temperature] = judge([tokenizer.decode_text(text) for text in ids], asked_for, cut=cut)
    line = "{:11g}  {self_bleu:9.3f}  {no_words:8.1%}  {astray:6.0%}  {untrue:6.0%}"
    print(line.format(temperature, **found[temperature]))
cold, hot = settings.temperatures[0], settings.temperatures[-1]
for temperature in (cold, hot):
    print(f"\nto the first of these leads at {temperature:g}:\n{tokenizer.decode_text(written[temperature][0])!a}")

# %% Measure: does a model that writes as well still know who replies?
test_logits, ms_per_lead = timed(lambda: predict_logits(writer, held_out))
judged = run.table(y[test], test_logits, ms_per_lead, also={"before it wrote": began_as})

# %% Hand over
title = f"From temperature {cold:g} to {hot:g} nonwords rise from {found[cold]['no_words']:.0%} to "
title += f"{found[hot]['no_words']:.0%}: a flat distribution takes its mistakes from a long tail"
figure, (left, panel) = new_figure(title, panels=2)
shown = seen[int(np.argmax([np.sort(chances(x, 1.0))[-3] for x in seen]))]  # where three go on about equally well
best = np.argsort(-shown)[:8]
for temperature, color in zip((0.3, 0.8, 1.5), (BLUE, BLACK, VERMILION), strict=True):
    chance = chances(shown, temperature)[best]
    left.plot(range(8), chance, "o-", color=color)
    label(left, f"temperature {temperature:g}", 0, chance[0], color)
left.set_xticks(range(8), [ascii(tokenizer.decode_text([i]))[1:-1] or "<end>" for i in best], rotation=45)
left.set(xlabel="likeliest next tokens of one decision", ylabel="probability")
for name, color in (("no_words", VERMILION), ("untrue", BLUE), ("astray", ORANGE)):
    shares = [100 * each[name] for each in found.values()]
    panel.plot(list(found), shares, "o-", color=color)
    label(panel, name.replace("_", " "), hot, shares[-1], color, ha="right", above=9)
panel.set(xlabel="temperature", ylabel="share of words, or of drafts (%)", ylim=(0, None))
run.hand_over(
    role="writer",
    figure=figure,
    arrays={"test_logits": test_logits, "asked_for": asked_for},
    parts={"model": writer.state_dict(), "prompts": vars(prompts)},
    state={"model": writer.to_state(), "tokenizer": tokenizer.to_state(), "features": features.to_state()}
    | {"instruction": vars(INSTRUCTION)},
    judged=judged,
    findings={"temperatures": found, "lost": dict(zip(tried, lost, strict=True)), "nats": unseen, "losses": losses},
    measured=f"{unseen:.2f} nats a token on held-out leads; from temperature {cold:g} to {hot:g} nonwords "
    f"go from {found[cold]['no_words']:.0%} to {found[hot]['no_words']:.0%} and drafts that say something untrue from "
    f"{found[cold]['untrue']:.0%} to {found[hot]['untrue']:.0%}; {run.verdict(judged, '04')}",
    so_what="one number trades sameness for mistakes, and no temperature makes what is said true",
    try_this="set lessons to 3000 in a copy of configs/phases.toml: does it spell, and does it get its leads right?",
)
