"""How true are the drafts of a small writer, and do they do what they are told? On 500 held-out leads.

Trains a writer on the outreach corpus of a synthetic world, then asks it for messages to leads it never saw in
wordings it never saw, greedily and at temperature 0.8, without any constraint on what it may write, and to made-up
leads of nobody's CRM. With --save the writer is kept with its figures: tinyscout/data/writer, which ships, was made so.
Exit code 1 when less than 95 % are free of invented facts or less than 90 % as told.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from outputs import file_to_write, folder_to_write
from verdicts import drafts_met

from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import write_examples
from tinyscout.leads.outreach_instructions import HELD_OUT_PHRASINGS
from tinyscout.leads.outreach_report import FIGURES, ask_for, ask_for_made_up, report
from tinyscout.leads.outreach_templates import HELD_OUT_FAMILIES, TRAINING_FAMILIES
from tinyscout.leads.splits import of_other_leads
from tinyscout.leads.world import make_world
from tinyscout.settings import load_settings, overridden
from tinyscout.training.instruct import language_loss, plan_lessons
from tinyscout.training.writer import Writer, WriterSettings

LEADS, TRAINED_ON, GAP = 12_000, 10_000, 200  # the latest are held out
ASKED = 500
MOST = 140  # tokens of a message

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--config", type=Path, help="TOML of WriterSettings; the defaults without")
parser.add_argument("--lessons", type=int)
parser.add_argument("--drills", type=int)
parser.add_argument("--depth", type=int)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--load", type=Path, help="measure this writer instead of training one")
parser.add_argument("--save", type=Path, help="folder to keep the writer and its figures in")
parser.add_argument(
    "--drafts", type=folder_to_write, help="folder for drafts_TEMPERATURE.txt: every 25th held-out lead's"
)
parser.add_argument("--json", type=file_to_write)
args = parser.parse_args()

tables = make_world(LEADS, 3 + args.seed).tables
train = np.arange(TRAINED_ON)
test = of_other_leads(tables, np.arange(TRAINED_ON + GAP, LEADS), train)
found: dict = {}
if args.load:
    writer = Writer.load(args.load)
else:
    given = {"lessons": args.lessons, "drills": args.drills, "depth": args.depth}
    settings = overridden(load_settings(WriterSettings, args.config), **given)
    cpu = time.process_time()
    fitted = Writer.fit(tables.take(train), settings, seed=args.seed)
    losses, cpu = fitted.losses, time.process_time() - cpu
    found["losses"] = [float(np.mean(losses[i : i + 500])) for i in range(0, len(losses), 500)]
    found |= {"steps": len(losses), "cpu_seconds": cpu, "wall_seconds": fitted.seconds}
    found["loss"] = float(np.mean(losses[-100:]))
    print(
        f"{len(losses)} steps: {cpu:.0f} s of one core, the lessons' making included; {found['loss']:.3f} nats a token"
    )
    with tempfile.TemporaryDirectory() as folder:  # what is measured is what a file gives back: in bytes
        fitted.save(Path(folder) / "writer")
        writer = Writer.load(Path(folder) / "writer")
for name, families in (("held_out_loss", TRAINING_FAMILIES), ("held_out_families_loss", HELD_OUT_FAMILIES)):
    unseen = write_examples(tables, test[:ASKED], seed=args.seed, families=families, phrasings=HELD_OUT_PHRASINGS)
    prompts, messages = [each.prompt for each in unseen], [each.message for each in unseen]
    lessons = plan_lessons(prompts, messages, writer.model, writer.tokenizer)
    found[name] = language_loss(writer.model, lessons.tokens)
line = "held-out leads and wordings: {held_out_loss:.3f} nats a token; in held-out forms {held_out_families_loss:.3f}\n"
print(line.format(**found))

asked = {"held-out leads": ask_for(tables, test[:ASKED], seed=args.seed)}
asked["made-up leads"] = ask_for_made_up(ASKED, seed=args.seed + 1)
greedy = SamplerSettings(temperature=0.0, most=MOST, seed=args.seed)
samplers = {"greedy": greedy} | {f"temperature {t:g}": replace(greedy, temperature=t) for t in (0.2, 0.8, 1.2)}
samplers["0.8, min-p 0.1"] = replace(greedy, temperature=0.8, min_p=0.1)
samplers |= {f"{t:g}, constrained": replace(greedy, temperature=t) for t in (0.8, 1.2)}
for who, wanted in asked.items():
    for how, sampler in samplers.items():
        texts = writer.write([each.prompt for each in wanted], sampler, constrained="constrained" in how)
        figures = found[f"{who}, {how}"] = report(texts, wanted)
        print(f"{who}, {how}".ljust(34) + "  ".join(f"{name:>7}" for name in (*FIGURES, "n")))
        for name, row in figures.items():
            if name != "broken":
                shares = "  ".join(f"{row[each]:7.1%}" for each in FIGURES)
                print(f"  {name:32}{shares}  {row['n']:7.0f}")
        print("  broken: " + ", ".join(f"{name} {share:.1%}" for name, share in figures["broken"].items()))
        if who == "held-out leads" and how.startswith("temperature") and args.drafts:
            chosen = "\n\n".join(f"[{i}] {wanted[i].prompt}\n{texts[i]}" for i in range(0, ASKED, 25))
            (args.drafts / f"drafts_{sampler.temperature:g}.txt").write_text(chosen + "\n", encoding="utf-8")
        print()
if args.save:
    kept = {name: figures["all"] for name, figures in found.items() if name.partition(", ")[0] in asked}
    writer.metrics = kept | {name: found[name] for name in ("held_out_loss", "held_out_families_loss")}
    writer.save(args.save)
if args.json:
    args.json.write_text(json.dumps({"benchmark": "writing", **found}, indent=1), encoding="utf-8")
sys.exit(int(not drafts_met(found[f"held-out leads, {how}"]["all"] for how in ("greedy", "temperature 0.8"))))
