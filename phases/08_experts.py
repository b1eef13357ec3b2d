"""Can a model have four times the MLPs and still do the work of one for each token?

A mixture of experts keeps several small MLPs where there was one, and a router sends each token to one or two of them:
many parameters, of which few work. A router left alone sends everybody to its favourites.

Needs: 00 (features), 01 (tokens), 03 (vectors to start from), 04 (the dense scout). Leaves: a scout with experts.
Takes: about 45 s. Reference: Shazeer et al. 2017 (sparse experts); Fedus et al. 2021, section 2 (one is enough).
"""

# %% Settings
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tinyscout.autograd import Tensor, no_grad
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLUE, GREY, VERMILION, label, new_figure
from tinyscout.course.train import started_from, timed
from tinyscout.models.expert_use import expert_use
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.nn import MLP, MoE, Routing
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import fit

NEEDS = ("00_logistic_baseline", "01_sales_tokenizer", "03_self_attention", "04_mini_transformer")
SECONDS = 45


@dataclass(frozen=True)
class Settings:
    experts: int
    leads: int
    epochs: int
    batch_size: int
    learning_rate: float
    balance_weight: float
    starved_leads: int
    starved_epochs: int
    starved_seeds: int
    capacities: tuple[float, ...]


run = open_phase(__file__, Settings)
settings = run.settings
begun, bag, asking, stack = (run.load(name) for name in NEEDS)
rows, all_tokens, start = Rows.of(begun.arrays), Tokens(**bag.part("tokens")), asking.part("model")
y, train, stop, test = rows.y, rows.train, rows.stop, rows.test
features = BaselineFeatures.from_state(begun.state["features"])
vocabulary = SalesTokenizer.from_state(begun.state["tokenizer"]).vocabulary
wide = sparse.csr_matrix(features.transform(all_tokens), dtype=np.float32)
dense = LeadScout.from_state(stack.state["model"], stack.part("model"))
examples = Examples(all_tokens.truncate(dense.config.max_tokens, vocabulary), wide)


def make(seed=run.seed, **sizes):
    """A fresh scout that starts from phase 03's vectors, as phase 04's did, with experts in both layers."""
    return started_from(start, replace(dense.config, **sizes), seed)


# %% By hand: each token asks the router, and only the MLPs it is sent to run
def mlp(x, up, up_bias, down, down_bias):
    x = x @ up.T + up_bias  # (Hidden,)
    gelu = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return gelu @ down.T + down_bias  # (D,)


def mixture(x, weights, k):
    """x (N, D), weights of E experts -> (N, D), and which experts each token took (N, k)."""
    logits = x @ weights["router.weight"].T  # (N, E)
    taken = np.argsort(-logits, axis=-1, kind="stable")[:, :k]  # (N, k)
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out = np.zeros_like(x)
    for i, token in enumerate(x):
        # the gate. k = 1: a share of all experts' odds (a gate of 1 would teach the router nothing); else of the chosen
        among = taken[i] if k > 1 else slice(None)
        for e in taken[i]:
            expert = (weights[f"{part}.{kind}"][e] for part in ("up", "down") for kind in ("weight", "bias"))
            out[i] += odds[i, e] / odds[i, among].sum() * mlp(token, *expert)
    return out, taken


batch, width = examples.tokens.pad(train[:4]), dense.config.width
with no_grad():
    x = dense.blocks[0].mlp_norm(dense.embed(batch))  # (B, T, D)
some = x.data[np.arange(x.shape[1]) < batch.lengths[:, None]][:40]  # (N, D)
for k in (1, 2):
    layer = MoE(width, 4 * width, settings.experts, k, rng=np.random.default_rng(k))
    by_hand, taken = mixture(some, layer.state_dict(), k)
    np.testing.assert_allclose(by_hand, layer(Tensor(some)).data, rtol=1e-4, atol=1e-5)
    took = " ".join(map(str, np.bincount(taken.reshape(-1), minlength=settings.experts)))
    print(f"{len(some)} tokens, {k} of {settings.experts} experts each: by hand as the library; experts took {took}")
one = MoE(width, 4 * width, 1, rng=np.random.default_rng(0))
trained = dense.blocks[0].mlp
assert isinstance(trained, MLP)
one.load_state_dict({**one.state_dict(), **{name: each[None] for name, each in trained.state_dict().items()}})
assert np.array_equal(one(Tensor(some)).data, trained(Tensor(some)).data)
print("one expert is the dense MLP of phase 04, to the bit\n")


# %% Train the dense scout's twins with experts: the same work for a token, four times the MLPs
def learn(scout, balance_weight, leads=train, epochs=settings.epochs, **options):
    plain = FitSettings(epochs=epochs, learning_rate=settings.learning_rate, final_rate=0.1, weight_decay=0.05)
    fitting = plain.model_copy(update={"balance_weight": balance_weight, "batch_size": settings.batch_size})
    fit(scout, examples.take(leads), y[leads], fitting, seed=run.seed, **options)
    return scout


def shares(scout):
    """Share of the stopping leads whose `<score>` each expert of the last layer takes, the most used first (E,)."""
    served = list(expert_use(scout, examples.take(stop)).values())[-1]
    return np.sort(served / served.sum())[::-1]


def sizes_of(scout):
    """How many parameters the blocks have, and how many of them a token uses."""
    size = {name: each.size for name, each in scout.state_dict().items() if name.startswith("blocks.")}
    mlps = sum(n for name, n in size.items() if ".mlp." in name and ".router." not in name)
    idle = 1 - scout.config.top_k / scout.config.experts if scout.config.experts else 0
    return sum(size.values()), round(sum(size.values()) - idle * mlps)


ways = {"1 of 4 experts": {"top_k": 1}, "2 of 4 half as wide": {"top_k": 2, "expand": 2}}
scouts, later = {"dense (phase 04)": dense}, (examples.take(stop), y[stop])
with progress_bars() as progress:
    for name, sizes in ways.items():
        fresh = make(experts=settings.experts, **sizes)
        scouts[name] = learn(fresh, settings.balance_weight, train[-settings.leads :], stop=later, progress=progress)
print("parameters of the blocks       all  a token's  leads of each expert of the last layer")
for name, scout in scouts.items():
    used = " ".join(f"{share:.0%}" for share in shares(scout)) if scout.config.experts else "-"
    print(f"{name:20}  {sizes_of(scout)[0]:12,} {sizes_of(scout)[1]:10,}  {used}")


# %% Break it: no loss for balance. Whoever is chosen learns, and whoever has learnt is chosen.
few, found = train[-settings.starved_leads :], {}
print(f"\n{len(few):,} leads, a line a seed: leads of each expert of the last layer")
for name, weight in (("balanced", settings.balance_weight), ("left alone", 0.0)):
    fresh = [make(seed, experts=settings.experts) for seed in range(settings.starved_seeds)]
    found[name] = np.array([shares(learn(each, weight, few, settings.starved_epochs)) for each in fresh])
    print("\n".join(f"  {name:10}" + "".join(f"{share:7.1%}" for share in each) for each in found[name]))

# %% What a full expert costs: with room for so many fair shares each, choices beyond that are dropped
dropped = {
    name: [float(np.maximum(each - room / settings.experts, 0).sum(axis=1).mean()) for room in settings.capacities]
    for name, each in found.items()
}
full = MoE(width, 4 * width, settings.experts, capacity_factor=settings.capacities[0], rng=np.random.default_rng(1))
routings: list[Routing] = []
full(Tensor(some), routings=routings)  # while training
wanted = np.bincount(routings[0].chosen[:, 0], minlength=settings.experts)
assert routings[0].dropped == np.maximum(wanted - -(-len(some) // settings.experts), 0).sum()
for name, lost in dropped.items():
    rooms = ", ".join(f"{d:.0%} at {c:g}" for c, d in zip(settings.capacities, lost, strict=True))
    print(f"dropped by capacity in fair shares, {name}: {rooms}")

# %% Measure
logits, ms, (name, second) = {}, {}, ways
for way, scout in scouts.items():
    logits[way], ms[way] = timed(lambda scout=scout: predict_logits(scout, examples.take(test)))
judged = run.table(y[test], logits[name], ms[name], also={second: logits[second]}, also_ms={second: ms[second]})

# %% Hand over
alone, balanced = (float(found[way][:, -1].mean()) for way in ("left alone", "balanced"))
more, work = (own / others for own, others in zip(sizes_of(scouts[name]), sizes_of(dense), strict=True))
title = f"Left alone, the least used of {settings.experts} experts takes {alone:.1%} of the leads"
figure, (left, right) = new_figure(f"{title}; with a balance loss {balanced:.1%}", panels=2)
for (way, each), color, above in zip(found.items(), (BLUE, VERMILION), (12, -12), strict=True):
    left.plot(np.arange(1, settings.experts + 1), 100 * each.T, "o-", color=color, alpha=0.6)
    label(left, way, 1, 100 * each[:, 0].mean(), color, above=above)
    right.plot(settings.capacities, 100 * np.array(dropped[way]), "o-", color=color)
    label(right, way, settings.capacities[0], 100 * dropped[way][0], color, above=-above)
left.axhline(100 / settings.experts, color=GREY, linewidth=0.8)
label(left, "a fair share", settings.experts, 100 / settings.experts, GREY, ha="right", above=8)
left.set(xlabel="expert of the last layer, most used first", ylabel="leads that take it (%)", ylim=(0, None))
left.set_xticks(np.arange(1, settings.experts + 1))
right.set(xlabel="room of each expert (fair shares)", ylabel="leads that find their expert full (%)", ylim=(0, None))
run.hand_over(
    role="expert_scout",
    figure=figure,
    arrays={"test_logits": logits[name]},
    parts={"model": scouts[name].state_dict()},
    state={"model": scouts[name].to_state()},
    judged=judged,
    findings={"shares": found, "dropped": dropped, "sizes": {way: sizes_of(each) for way, each in scouts.items()}},
    measured=f"{more:.1f} times the parameters, {work:.2f} times the work: {run.verdict(judged, '04')}; without a loss "
    f"for balance the least used expert takes {alone:.1%} of the leads, with it {balanced:.1%}",
    so_what="parameters are not what these leads lack; and a router must be paid for using all it has",
    try_this="set balance_weight to 1 in a copy of configs/phases.toml: what does too even a split cost?",
)
