"""What would a person rather receive, and can a writer learn it without losing the facts?

Raters, here programs with rules and some noise, prefer of the writer's own drafts the true one, the one that does as
told, then the one with a human touch. DPO learns from the pairs without a reward model, a policy gradient from one.

Needs: 00 (rows), 05 (the scores), the newest writer (SFT: by supervised fine-tuning). Leaves: one that raters prefer.
Takes: about 170 s. Reference: Rafailov et al. 2023 (DPO); Ahmadian et al. 2024 (REINFORCE, leave-one-out).
"""

# %% Settings
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.cli.console import progress_bars
from tinyscout.course import Rows, open_phase
from tinyscout.course.figure import BLACK, BLUE, ORANGE, VERMILION, label, new_figure
from tinyscout.course.replies import ReplyScout
from tinyscout.course.train import timed
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach_report import ask_for
from tinyscout.leads.outreach_touch import Rater, judge
from tinyscout.leads.splits import of_other_leads
from tinyscout.models.lead_scout import LeadScout, predict_logits
from tinyscout.tokenizer import SalesTokenizer
from tinyscout.training.contest import contest, plain
from tinyscout.training.dpo import DPOSettings, dpo_loss, fit_dpo
from tinyscout.training.instruct import answer_logits
from tinyscout.training.policy_gradient import GradientSettings, earned_by, fit_policy_gradient
from tinyscout.training.preference import MOST, ask_as, copy_of, draft, log_probs, person_or_bot, together
from tinyscout.training.reward import RewardSettings, fit_reward, pair_accuracy
from tinyscout.training.tune import TuningSettings, draw_examples, own_pairs
from tinyscout.training.writer import Writer, WriterSettings

NEEDS = ("00_logistic_baseline", "05_sampler", "writer")
SECONDS = 170


@dataclass(frozen=True)
class Settings:
    prompts: int
    drafts: int
    bots: int
    batch_size: int
    beta: float
    keep: float
    learning_rate: float
    epochs: int
    gradient_steps: int
    too_small: float
    asked: int
    temperature: float


run = open_phase(__file__, Settings)
settings = run.settings
begun, scored, left = (run.load(name) for name in NEEDS)
tables, rows = run.leads()[0], Rows.of(begun.arrays)
model = LeadScout.from_state(left.state["model"], left.part("model"))
sizes = WriterSettings.model_validate(left.state["settings"])
sft = Writer(SalesTokenizer.from_state(left.state["tokenizer"]), model, sizes, run.seed)
early, late = np.array_split(rows.train, 2)
learning, judging = tables.take(early), tables.take(of_other_leads(tables, late, early))  # who judges saw other leads
how = TuningSettings(prompts=settings.prompts, drafts=settings.drafts)


# %% Pairs: several drafts of one prompt, and which of them a rater prefers; some of a person against a bot
def pairs_of(leads, seed):
    shown = draw_examples(leads, settings.bots, seed=seed, invented=0.0)
    bots = person_or_bot(shown, sft.tokenizer, rater=Rater(), seed=seed, room=sizes.max_tokens)
    own = own_pairs(sft, leads, how, seed=seed)
    return together(own, bots), len(own) - 1


pairs, shown = pairs_of(learning, run.seed)
unseen, _ = pairs_of(judging, run.seed + 500)  # of other leads and raters
one, other = (sft.tokenizer.decode_text(each[shown]) for each in (pairs.chosen, pairs.rejected))
print(f"{len(pairs)} pairs, {len(pairs) - shown - 1} of them of a person and a bot; such as\n{one!a}\nnot {other!a}")


# %% By hand: DPO's loss, and its gradient in every logit
def dpo_by_hand(logits, written, whose, reference, beta):
    """logits (n, V) before each written token (n,) of answer whose (n,); the first half of the answers is preferred."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (n, V)
    tokens, size = np.arange(len(written)), len(reference) // 2
    answers = np.bincount(whose, log_p[tokens, written])  # (2 B,) log p of whole answers
    moved = answers - reference  # how much likelier than the reference finds them: the reward, over beta
    margin = beta * (moved[:size] - moved[size:])  # (B,) of chosen over rejected
    loss = np.log1p(np.exp(-margin)).mean()  # -log of the chance that a rater prefers as they did, Bradley-Terry
    wrong = 1 / (1 + np.exp(margin))  # near 1 where the order is wrong, 1/2 at the start, near 0 once it is learnt
    push = np.concatenate([wrong, -wrong]) * beta / size  # (2 B,) up with the chosen, down with the rejected
    gradient = np.exp(log_p) * push[whose][:, None]  # away from all that might have been written ...
    gradient[tokens, written] -= push[whose]  # ... towards what was
    return loss, gradient


few = pairs.both(np.arange(min(6, len(pairs))))
with no_grad():
    before, learnt, _ = answer_logits(model, few)  # (n, V): what the token before each of the answers' foretells
logits, written, whose = before.data.astype(np.float64), few.ids[learnt], few.lead[learnt]
reference = log_probs(model, few) + np.random.default_rng(run.seed).normal(0, 3, len(few))  # as if it had moved
by_hand, gradient = dpo_by_hand(logits, written, whose, reference, settings.beta)
leaf = Tensor(logits, requires_grad=True)
chances = ops.log_likelihood(leaf, targets=written, texts=whose, count=len(few))
loss, _ = dpo_loss(chances, reference, settings.beta)
loss.backward()
np.testing.assert_allclose(loss.item(), by_hand, rtol=1e-6)
assert leaf.grad is not None
np.testing.assert_allclose(leaf.grad, gradient, rtol=1e-4, atol=1e-7)
print(f"\nDPO by hand equals the library's: loss {by_hand:.4f}, and the gradient of {gradient.size:,} logits\n")


# %% Tune by DPO on the pairs, and by REINFORCE on a reward model of them; a reward model of other leads is the judge
def tuned_by_dpo(beta, keep):
    """The writer, each step, and by how much log p of preferred and other answers that nobody learnt from moved."""
    writer = replace(sft, model=copy_of(model))
    steps = fit_dpo(writer.model, pairs, DPOSettings(beta=beta, keep=keep, **learning_by), seed=run.seed)
    moved = log_probs(writer.model, some.both()) - log_probs(model, some.both())
    return writer, steps, moved.reshape(2, -1).mean(axis=1)


some = unseen.take(np.arange(min(300, len(unseen))))
learning_by = {name: getattr(settings, name) for name in ("batch_size", "learning_rate", "epochs")}
gradients = GradientSettings(steps=settings.gradient_steps, prompts=32, drafts=settings.drafts)
with progress_bars() as progress:
    judge_model = fit_reward(model, unseen, RewardSettings(), seed=run.seed + 500, progress=progress)
    rewarded = fit_reward(model, pairs, RewardSettings(), seed=run.seed, progress=progress)
    earned, policy = earned_by(rewarded, pairs, rules=2.0), replace(sft, model=copy_of(model))
    wanted = ask_as(draw_examples(learning, settings.prompts, seed=run.seed + 1, invented=0.25))
    turns = fit_policy_gradient(policy, wanted, earned, gradients, seed=run.seed, reference=sft, progress=progress)
dpo, steps, moved = tuned_by_dpo(settings.beta, settings.keep)
print(f"\nthe judge agrees with the raters in {pair_accuracy(judge_model, pairs):.0%} of pairs of leads it never saw")

# %% Contest: held-out leads in new wordings. right: true, as told, complete; touch: points for it by the raters' rules
asked = ask_for(tables, rows.test[: settings.asked], seed=run.seed)
at, sampler = settings.temperature, SamplerSettings(temperature=settings.temperature, most=MOST, seed=run.seed)
entered = {"SFT": (sft, at), "DPO": (dpo, at), "policy gradient": (policy, at)}
groups = tables.leads["lead_id"].to_numpy()[rows.test[: settings.asked]]
found = contest(entered, asked, sampler, reference="SFT", judge_model=judge_model, groups=groups)
shares = ("free", "follows", "stated", "right")
print(f"\n{len(asked)} drafts at {settings.temperature:g}" + "".join(f"{name:>9}" for name in shares), end="")
print("  touch  words  self-BLEU  distinct-2  nats from SFT  wins by judge     by rules  free, minus SFT's")
for name, row in found.items():
    print(f"{name:17}" + "".join(f"{row[each]:9.1%}" for each in shares), end="")
    print("  {touch:5.2f}  {words:5.1f}  {self_bleu:9.3f}  {distinct_2:10.3f}  {kl:13.1f}".format(**row), end="")
    print("".join(f"  {e.value:.0%} ({e.low:.0%}-{e.high:.0%})" for e in (row["wins"], row["wins_by_rules"])), end="")
    print("  {value:+.1%} ({low:+.1%} to {high:+.1%})".format(**row["free_gain"].to_dict()))
print(f"\n{asked[0].prompt}\nbefore: {found['SFT']['texts'][0]!a}\n after: {found['DPO']['texts'][0]!a}")

# %% Break it: DPO asks for a difference alone. keep 0: nothing holds the likelihood up; beta small: straying is cheap
ways, curves = {}, {}
print("\nnats that log p of unseen answers moved:  preferred     other  right  first draft")
for beta in (settings.beta, settings.too_small):
    for keep in (settings.keep, 0.0):
        name, first = f"beta {beta:g}, keep {keep:g}", not ways
        writer, curves[name], by = (dpo, steps, moved) if first else tuned_by_dpo(beta, keep)
        texts = [own[0].text for own in draft(writer, [each.prompt for each in asked], sampler)]
        right = np.mean([judge(text, each).right for text, each in zip(texts, asked, strict=True)])
        ways[name] = {"preferred": by[0], "other": by[1], "right": float(right)}
        print(f"{name:42}{by[0]:+9.1f} {by[1]:+9.1f}  {right:5.0%}  {texts[0][:60]!a}")

# %% Measure: a writer changes no score
scout = ReplyScout.of(scored)
held_out = scout.read(tables.take(rows.test))
test_logits, ms_per_lead = timed(lambda: predict_logits(scout.model, held_out))
judged = run.table(rows.y[rows.test], test_logits, ms_per_lead)

# %% Hand over
before, after, wins, fallen = found["SFT"], found["DPO"], found["DPO"]["wins"], ways[name]
title = f"The judge prefers DPO's in {wins.value:.0%} ({wins.low:.0%} to {wins.high:.0%}); with {name}: "
figure, (panel, right) = new_figure(title + f"{fallen['right']:.0%} of the drafts are right", panels=2)
for (way, history), color in zip(curves.items(), (BLUE, ORANGE, BLACK, VERMILION), strict=True):
    panel.plot(median_filter([step.chosen for step in history], 15), color=color)
    panel.plot(median_filter([step.rejected for step in history], 15), color=color, linestyle="dotted")
    right.barh(way, 100 * ways[way]["right"], color=color)
panel.set(xlabel="steps", ylabel="log p above SFT's (nats): preferred, dotted the other")
right.axvline(100 * before["right"], color=BLACK, linestyle="dotted")
label(right, "SFT", 100 * before["right"], 3.45, BLACK)
right.set(xlabel="drafts that are right (%)")
run.hand_over(
    role="writer",
    figure=figure,
    arrays={"test_logits": test_logits},
    parts={"model": dpo.model.state_dict()},
    state={key: left.state[key] for key in ("model", "tokenizer", "settings")},
    judged=judged,
    findings={"contest": plain(found), "judge_agrees": pair_accuracy(judge_model, pairs), "broken": ways}
    | {each: [step._asdict() for step in history] for each, history in (("dpo", steps), ("turns", turns))},
    measured=f"a judge model prefers DPO's to SFT's in {wins.value:.0%} ({wins.low:.0%} to {wins.high:.0%}) of drafts; "
    f"{after['free']:.0%} invent nothing ({before['free']:.0%}), {after['follows']:.0%} do as told "
    f"({before['follows']:.0%}), self-BLEU {after['self_bleu']:.2f} ({before['self_bleu']:.2f}); with {name} log p of "
    f"what is preferred moves by {fallen['preferred']:.0f} nats, of the other by {fallen['other']:.0f}, and "
    f"{fallen['right']:.0%} of the drafts are right",
    so_what="a loss on a difference says nothing of where both go: hold up what you want to keep",
    try_this="set keep to 1 in a copy of configs/phases.toml: how little of it is enough?",
)
