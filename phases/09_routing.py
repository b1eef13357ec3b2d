"""Do founders and enterprise VPs take different experts, and what does a router have to be told for that?

A router left to itself sorts tokens by what they are. Here it is asked to send all tokens of one kind of lead to one
expert; kinds are found in the profiles, by what goes together with what, with the persona column left out: nobody
tells the router of personas.

Needs: 00 (features), 01 (tokens), 03 (vectors to start from), 04 (the dense scout). Leaves: a scout with a path a kind.
Takes: about 60 s. Reference: Kudugunta et al. 2021 (routing by task); Gururangan et al. 2023 (experts by cluster).
"""

# %% Settings
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, label, new_figure
from tinyscout.course.train import timed
from tinyscout.metrics import chance_information, normalised_mutual_information, table_of
from tinyscout.models.expert_use import lead_use
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.latent_classes import LatentClasses
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import fit

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer", "03_self_attention", "04_mini_transformer")
SECONDS = 60
PAIR = ("saas_founder", "enterprise_vp")


@dataclass(frozen=True)
class Settings:
    experts: int
    epochs: int
    learning_rate: float
    guide_weight: float


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag, asking, stack = (run.load(name) for name in NEEDS)
tables, rows = run.leads()[0], Rows.of(begun.arrays)
all_tokens, start = Tokens(**bag.part("tokens")), asking.part("model")
y, train, stop, test = rows.y, rows.train, rows.stop, rows.test
features = BaselineFeatures.from_state(begun.state["features"])
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
wide = sparse.csr_matrix(features.transform(all_tokens), dtype=np.float32)
dense = LeadScout.from_state(stack.state["model"], stack.part("model"))
examples = Examples(all_tokens.truncate(dense.config.max_tokens, vocabulary), wide)
names, persona = np.unique(tables.leads["persona"].astype(str).to_numpy(), return_inverse=True)
ids = np.arange(len(vocabulary))
counted = vocabulary.is_signal(ids) | vocabulary.is_word(ids)  # what is measured: no profile, so no persona


# %% By hand: kinds of leads without labels. A kind is what each field's values are likely to be in it.
def likeliest(classes, tokens):
    """Sum of the log shares of a profile's values, a number by its eighth of the range, and of the kind itself."""
    found = []
    numbers = [field.start for field in vocabulary.fields if field.is_number]
    for i in range(len(tokens)):
        one = tokens.take(np.array([i]))
        score = classes.log_prior.copy()  # (C,)
        for token, value in zip(one.ids, one.values, strict=True):
            if vocabulary.is_profile(token) and not hidden.start <= token < hidden.stop:
                eighth = min(int((value + 1) / 2 * 8), 7)
                at = len(vocabulary) + numbers.index(token) * 8 + eighth if token in numbers else token
                score += classes.log_share[:, at]
        found.append(score.argmax())
    return np.array(found)


(hidden,) = (field for field in vocabulary.fields if field.name == "persona")
classes = LatentClasses.fit(all_tokens.take(train), vocabulary, settings.experts, without=[hidden.name], seed=run.seed)
kinds = classes.predict(all_tokens)
assert np.array_equal(likeliest(classes, all_tokens.take(test[:200])), kinds[test[:200]])
of_kinds = normalised_mutual_information(table_of(persona[test], np.eye(settings.experts)[kinds[test]]))
print(f"kinds by hand equal the library's; information on personas, which they were not told: {of_kinds:.3f}\n")


# %% Train twice from the same start: left to itself, and asked to keep a kind together
def make():
    scout = LeadScout(replace(dense.config, experts=settings.experts), rng=np.random.default_rng(run.seed))
    width = scout.config.width
    scout.reply.weight.data[:] = np.random.default_rng([run.seed, 1]).normal(0, width**-0.5, width)
    scout.token.weight.data[:] = start["token.weight"]
    age, into = start["age.project.weight"], scout.age.project.weight.data  # columns: 1, log age, sines, cosines
    sines, into[:] = age.shape[1] // 2 - 1, 0
    into[:, : 2 + sines], into[:, 2 + scout.age.frequencies :][:, :sines] = age[:, : 2 + sines], age[:, 2 + sines :]
    return scout


fitting = FitSettings(epochs=settings.epochs, learning_rate=settings.learning_rate, final_rate=0.1, weight_decay=0.05,
                      guide_weight=settings.guide_weight)  # fmt: skip
ways, later = {"left to itself": None, "guided by kinds": kinds[train]}, (examples.take(stop), y[stop])
scouts = {name: make() for name in ways}
with progress_bars() as progress:
    for name, guide in ways.items():
        fit(scouts[name], examples.take(train), y[train], fitting, seed=run.seed, guide=guide, stop=later,
            progress=progress)  # fmt: skip

# %% Break it: a router of tokens. What it learns of persona, against the same router guided
held_out, found, shares = examples.take(test), {}, {}
for name, scout in scouts.items():
    for layer, use in lead_use(scout, held_out, counted).items():
        table, some = table_of(persona[test], use), use.sum(axis=1) > 0
        first = table_of(persona[test][some], np.eye(settings.experts)[use[some].argmax(axis=1)])
        first = dict(zip(names, first / np.maximum(first.sum(axis=1, keepdims=True), 1), strict=True))
        found.setdefault(name, []).append(
            {
                "information": normalised_mutual_information(table),
                "by_chance": float(np.quantile(chance_information(persona[test], use, draws=100), 0.975)),
                "one_expert": float(first[PAIR[0]] @ first[PAIR[1]]),
            }
        )
        shares[name] = table / table.sum(axis=1, keepdims=True)  # of the last layer
        line = "{information:.3f} (by chance {by_chance:.3f}); founder and VP share a first expert in {one_expert:.0%}"
        print(f"{name:15} layer {layer}: information {line.format(**found[name][-1])}")
print("\nshares of experts in the last layer, signals and words of held-out leads, by persona")
for i, each in enumerate(names):
    print(f"{each:18}" + "   |".join("".join(f"{s:6.0%}" for s in shares[name][i]) for name in scouts))

# %% Measure
logits, ms = {}, {}
for name, scout in scouts.items():
    logits[name], ms[name] = timed(lambda scout=scout: predict_logits(scout, held_out))
alone, guided = ways
judged = run.table(y[test], logits[guided], ms[guided], also={alone: logits[alone]}, also_ms={alone: ms[alone]})

# %% Hand over
least, most = min(e["information"] for e in found[guided]), max(e["information"] for e in found[alone])
shared = max(each["one_expert"] for each in found[guided])
title = f"Information of experts on personas they were not told: guided by kinds {least:.2f}, left to itself {most:.2f}"
figure, panels = new_figure(title, panels=2)
colors = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY, BLACK)
for panel, name in zip(panels, scouts, strict=True):
    left = np.zeros(len(names))
    for e in range(settings.experts):
        panel.barh(names, 100 * shares[name][:, e], left=left, color=colors[e % len(colors)])
        left += 100 * shares[name][:, e]
    label(panel, name, 50, len(names) - 0.4, BLACK, ha="center")
    panel.set(xlabel="signals and words, by expert (%)", xlim=(0, 100))
panels[1].set_yticks([])
run.hand_over(
    role="routed_scout",
    figure=figure,
    arrays={"test_logits": logits[guided]},
    parts={"model": scouts[guided].state_dict()},
    state={"model": scouts[guided].to_state()},
    judged=judged,
    findings={"layers": found, "kinds": of_kinds, "shares": shares, "personas": list(names)},
    measured=f"normalised mutual information of persona and expert: at least {least:.3f} guided by kinds, which know "
    f"{of_kinds:.3f} of personas, at most {most:.3f} not; a founder and a VP share a first expert in {shared:.0%}; "
    f"{run.verdict(judged, '04')}",
    so_what="a router finds what pays at once, which is what a token is; what profiles say of personas is little",
    try_this="set guide_weight to 0.01, then 1, in a copy of configs/phases.toml: what does a firmer path cost?",
)
