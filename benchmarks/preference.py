"""What is preference tuning worth? A writer by instruction tuning alone, by DPO and by policy gradient, on 500 leads.

Raters who follow the written rules of the human touch, with doubts and slips, prefer one of the writer's drafts to
another. DPO learns from the pairs; the policy gradient from a reward model on them and from the checkers. A second
reward model, on pairs of other leads by other raters and in other forms, judges; on held-out leads and wordings.
Exit code 1 where a tuned writer is less true than the one before, or wins no more than half by that judge.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from outputs import file_to_write
from verdicts import tuning_met

from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import write_examples
from tinyscout.leads.outreach_report import ask_for, report
from tinyscout.leads.outreach_templates import HELD_OUT_FAMILIES
from tinyscout.leads.outreach_touch import Rater, judge
from tinyscout.leads.splits import of_other_leads
from tinyscout.leads.world import make_world
from tinyscout.training.contest import contest, plain
from tinyscout.training.dpo import fit_dpo
from tinyscout.training.policy_gradient import GradientSettings, earned_by, fit_policy_gradient
from tinyscout.training.preference import MOST, ask_as, copy_of, draft, person_or_bot, together
from tinyscout.training.reward import RewardSettings, fit_reward, pair_accuracy
from tinyscout.training.tune import TuningSettings, draw_examples, own_pairs, tune_writer
from tinyscout.training.writer import Writer

LEADS, TRAINED_ON, GAP = 12_000, 10_000, 200  # of whom the writer learns; the latest are held out
ASKED = 500
BROKEN = {"beta": 0.01, "keep": 0.0}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--load", type=Path, help="a writer to tune, as benchmarks/writing.py saves; without, one is made")
parser.add_argument("--rounds", type=int, default=TuningSettings().rounds)
parser.add_argument("--prompts", type=int, default=TuningSettings().prompts)
parser.add_argument("--steps", type=int, default=GradientSettings().steps, help="of the policy gradient")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--save", type=Path, help="folder to keep the writer by DPO in")
parser.add_argument("--json", type=file_to_write)
args = parser.parse_args()

tables = make_world(LEADS, 3 + args.seed).tables
train, test = np.arange(TRAINED_ON), np.arange(TRAINED_ON + GAP, LEADS)
test = of_other_leads(tables, test, train)
first, second = np.array_split(train, 2)
learning, judging = tables.take(first), tables.take(of_other_leads(tables, second, first))
sft = Writer.load(args.load) if args.load else Writer.fit(tables.take(train), seed=args.seed)
settings = TuningSettings(rounds=args.rounds, prompts=args.prompts)
found: dict = {"settings": settings.model_dump(), "seconds": {}}


def timed(name, work):
    began = time.perf_counter(), time.process_time()
    result = work()
    found["seconds"][name] = {
        "wall": time.perf_counter() - began[0],
        "cpu": time.process_time() - began[1],
    }
    print(f"{name}: {found['seconds'][name]['cpu']:.0f} s of one core", flush=True)
    return result


# Reward models: the policy's, and the judge's on other leads, raters, seeds and forms of messages.
def model_of(leads, seed, **forms):
    own = own_pairs(sft, leads, settings, seed=seed)
    shown = draw_examples(leads, settings.prompts // 4, seed=seed + 1, invented=0.25)
    if forms:
        shown = write_examples(leads, [each.row for each in shown], seed=seed, **forms)
    bots = person_or_bot(shown, sft.tokenizer, rater=Rater(), seed=seed, room=sft.settings.max_tokens)
    return fit_reward(sft.model, together(own, bots), RewardSettings(), seed=seed), own, len(own) + len(bots)


reward_model, pairs, n_pairs = timed("reward model", lambda: model_of(learning, 100 + args.seed))
judge_model, _, n_judge = timed("judge", lambda: model_of(judging, 500 + args.seed, families=HELD_OUT_FAMILIES))
fresh = own_pairs(sft, tables.take(test), settings.model_copy(update={"prompts": 600}), seed=900 + args.seed)
sure = settings.model_copy(update={"prompts": 600, "unsure": 0.0, "slips": 0.0})
by_rules = own_pairs(sft, tables.take(test), sure, seed=900 + args.seed)
found["pairs"] = {"reward model": n_pairs, "judge": n_judge, "held out": len(fresh)}
found["agree"] = float(np.mean([a == b for a, b in zip(fresh.chosen, by_rules.chosen, strict=True)]))
for name, model in (("reward model", reward_model), ("judge", judge_model)):
    found[f"{name} accuracy"] = {"raters": pair_accuracy(model, fresh), "rules": pair_accuracy(model, by_rules)}
    line = "{}: right in {raters:.1%} of raters' pairs of held-out leads, in {rules:.1%} as the rules have them"
    print(line.format(name, **found[f"{name} accuracy"]))
print(f"(raters agree with the rules in {found['agree']:.1%})\n")

# DPO, and the policy gradient
dpo, steps = timed("DPO", lambda: tune_writer(sft, learning, settings, seed=args.seed))
found["dpo"] = [step._asdict() for step in steps]
asked = ask_as(draw_examples(learning, settings.prompts, seed=300 + args.seed, invented=settings.invented))


def gradient(rules, **changes):
    earned = earned_by(reward_model, pairs, rules=rules)
    writer = replace(sft, model=copy_of(sft.model))
    how = GradientSettings(steps=args.steps).model_copy(update=changes)
    return writer, fit_policy_gradient(writer, asked, earned, how, seed=args.seed, reference=sft)


rloo, turns = timed("policy gradient", lambda: gradient(2.0))
grpo, grpo_turns = timed("GRPO", lambda: gradient(2.0, advantage="grpo"))
hacked, hacked_turns = timed("reward model alone", lambda: gradient(0.0, beta=0.0, learning_rate=1e-3))
found["turns"] = {
    name: [turn._asdict() for turn in each]
    for name, each in (("rloo", turns), ("grpo", grpo_turns), ("reward model alone", hacked_turns))
}

# The contest
wanted = ask_for(tables, test[:ASKED], seed=args.seed)
sampler = SamplerSettings(temperature=0.8, most=MOST, seed=args.seed)
writers = {"SFT": (sft, 0.8), "DPO": (dpo, 0.8), "RLOO": (rloo, 0.8), "GRPO": (grpo, 0.8)}
writers |= {"DPO, at 1.0": (dpo, 1.0), "reward model alone": (hacked, 0.8), "SFT, at 0.5": (sft, 0.5)}
leads = tables.leads["lead_id"].to_numpy()[test[:ASKED]]
rows = contest(writers, wanted, sampler, reference="SFT", judge_model=judge_model, groups=leads)
print(f"\n{ASKED} held-out leads in held-out wordings, temperature 0.8")
shares = ("free", "named", "follows", "stated", "fresh", "right")
head = "".join(f"{name:>8}" for name in shares)
print(f"{'':20}{head}   touch  words  self-BLEU  distinct-2     KL   wins by judge            by rules")
for name, row in rows.items():
    wins, rules = (f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})" for e in (row["wins"], row["wins_by_rules"]))
    print(
        f"{name:20}{''.join(f'{row[each]:8.1%}' for each in shares)}  {row['touch']:6.2f} {row['words']:6.1f} "
        f"{row['self_bleu']:10.3f}  {row['distinct_2']:10.3f} {row['kl']:6.2f}   {wins}   {rules}"
    )
for name, row in rows.items():
    gains = (
        f"{row[f'{g}_gain'].value:+.1%} ({row[f'{g}_gain'].low:+.1%} to {row[f'{g}_gain'].high:+.1%})"
        for g in ("free", "follows")
    )
    print(
        f"{name}: free {' follows '.join(gains)}; broken " + ", ".join(f"{k} {v:.1%}" for k, v in row["broken"].items())
    )
for i in range(0, ASKED, 84):
    print(f"\n[{i}] {wanted[i].prompt}\nSFT: {rows['SFT']['texts'][i]}\nDPO: {rows['DPO']['texts'][i]}")

# The failure: beta too small, nothing that holds the likelihood up
broken = replace(sft, model=copy_of(sft.model))
fallen = fit_dpo(broken.model, pairs, settings.learning.model_copy(update=BROKEN), seed=args.seed)
texts = [own[0].text for own in draft(broken, [each.prompt for each in wanted[:200]], sampler)]
found["too small"] = {
    "settings": BROKEN,
    "steps": [step._asdict() for step in fallen],
    "all": report(texts, wanted[:200])["all"],
    "right": float(np.mean([judge(text, each).right for text, each in zip(texts, wanted, strict=False)])),
}
last = fallen[-len(fallen) // 5 :]
print(
    f"\nbeta {BROKEN['beta']:g} without keep: log p of chosen {np.mean([s.chosen for s in last]):+.1f}, of rejected "
    f"{np.mean([s.rejected for s in last]):+.1f} nats; {found['too small']['right']:.1%} of the drafts are right "
    f"(SFT {rows['SFT']['right']:.1%})\nfor example: {texts[0]!a}"
)
if args.save:
    dpo.save(args.save)
if args.json:
    args.json.write_text(
        json.dumps({"benchmark": "preference", **found, "rows": plain(rows)}, indent=1), encoding="utf-8"
    )
sys.exit(int(not all(tuning_met(rows[name]) for name in ("DPO", "RLOO", "GRPO"))))
